/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "cert.h"

#define VERSION	   1u
#define CURVE_P384 2u
#define EC_FIELD   72u	/* a coordinate, or half of a signature */
#define KEY_REST   880u	/* of the public key field, behind a point */
#define EXPONENT   65537u

/* what a key of that usage is for (SEV API, "Public Key Algorithm") */
static const struct {
	uint32_t usage;
	uint32_t algorithms[2];
} usages[] = {
	{ SEVLM_USAGE_OCA, { CERT_ECDSA_SHA256, CERT_ECDSA_SHA384 } },
	{ SEVLM_USAGE_PEK, { CERT_ECDSA_SHA256, CERT_ECDSA_SHA384 } },
	{ SEVLM_USAGE_PDH, { CERT_ECDH_SHA256, CERT_ECDH_SHA384 } },
	{ SEVLM_USAGE_CEK, { CERT_ECDSA_SHA256, CERT_ECDSA_SHA384 } },
};

static const struct {
	size_t total, ask;
} blobs[] = {
	{ 832 + CERT_AMD_UNSIGNED, 832 },
	{ 832 + 832, 832 },
	{ 1600 + 1600, 1600 },
};

static void reverse(uint8_t *out, const uint8_t *in, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		out[i] = in[bytes - 1 - i];
}

static bool zeroes(const uint8_t *at, size_t bytes)
{
	for (size_t i = 0; at && i < bytes; i++)
		if (at[i])
			return false;
	return at;
}

static bool get_zeroes(struct sevlm__reader *r, size_t bytes)
{
	return zeroes(sevlm__get(r, bytes), bytes);
}

/* a number in a wider field; false where it needs more than its bytes */
static bool narrow(const uint8_t *in, size_t width, uint8_t *out, size_t bytes)
{
	reverse(out, in, bytes);
	return zeroes(in + bytes, width - bytes);
}

static bool get_number(struct sevlm__reader *r, size_t width, uint8_t *out,
		       size_t bytes)
{
	const uint8_t *at = sevlm__get(r, width);

	return at && narrow(at, width, out, bytes);
}

static void put_number(struct sevlm__writer *w, size_t width,
		       const uint8_t *in, size_t bytes)
{
	uint8_t *at = sevlm__put(w, width);

	if (!at)
		return;
	memset(at, 0, width);
	reverse(at, in, bytes);
}

static void put_zeroes(struct sevlm__writer *w, size_t bytes)
{
	put_number(w, bytes, NULL, 0);
}

static void get_slot(struct sevlm__reader *r, struct sevlm__cert_slot *slot)
{
	slot->usage = sevlm__get32(r);
	slot->algorithm = sevlm__get32(r);
	sevlm__get_bytes(r, slot->value, sizeof(slot->value));
}

static void put_slot(struct sevlm__writer *w,
		     const struct sevlm__cert_slot *slot)
{
	sevlm__put32(w, slot->usage);
	sevlm__put32(w, slot->algorithm);
	sevlm__put_bytes(w, slot->value, sizeof(slot->value));
}

static uint32_t check_usage(const struct sevlm__cert *cert)
{
	for (size_t i = 0; i < ARRAY_SIZE(usages); i++)
		if (usages[i].usage == cert->usage)
			return cert->algorithm == usages[i].algorithms[0] ||
					       cert->algorithm ==
						       usages[i].algorithms[1] ?
				       0 :
				       SEVLM_REASON_ALGORITHM;
	return SEVLM_REASON_USAGE;
}

uint32_t sevlm__cert_decode_sev(const uint8_t *in, size_t bytes,
				struct sevlm__cert *cert)
{
	struct sevlm__reader r = sevlm__reader(in, bytes);
	struct sevlm__point *point = &cert->point;
	uint32_t version, curve, reason;
	bool good;

	memset(cert, 0, sizeof(*cert));
	cert->bytes = SEVLM_CERT_SIZE;
	cert->signed_bytes = CERT_SEV_SIGNED;
	version = sevlm__get32(&r);
	cert->api_major = (uint8_t)sevlm__get_le(&r, 1);
	cert->api_minor = (uint8_t)sevlm__get_le(&r, 1);
	good = get_zeroes(&r, 2);
	cert->usage = sevlm__get32(&r);
	cert->algorithm = sevlm__get32(&r);
	curve = sevlm__get32(&r);
	good &= get_number(&r, EC_FIELD, point->x, sizeof(point->x));
	good &= get_number(&r, EC_FIELD, point->y, sizeof(point->y));
	good &= get_zeroes(&r, KEY_REST);
	get_slot(&r, &cert->slots[0]);
	get_slot(&r, &cert->slots[1]);
	if (r.bad || version != VERSION)
		return SEVLM_REASON_MALFORMED;
	reason = check_usage(cert);
	if (reason)
		return reason;
	if (curve != CURVE_P384)
		return SEVLM_REASON_CURVE;
	return good ? 0 : SEVLM_REASON_MALFORMED;
}

static size_t encode_sev(const struct sevlm__cert *cert, uint8_t *out,
			 size_t room)
{
	const struct sevlm__point *point = &cert->point;
	struct sevlm__writer w = sevlm__writer(out, room);

	sevlm__put32(&w, VERSION);
	sevlm__put_le(&w, cert->api_major, 1);
	sevlm__put_le(&w, cert->api_minor, 1);
	sevlm__put16(&w, 0);
	sevlm__put32(&w, cert->usage);
	sevlm__put32(&w, cert->algorithm);
	sevlm__put32(&w, CURVE_P384);
	put_number(&w, EC_FIELD, point->x, sizeof(point->x));
	put_number(&w, EC_FIELD, point->y, sizeof(point->y));
	put_zeroes(&w, KEY_REST);
	put_slot(&w, &cert->slots[0]);
	put_slot(&w, &cert->slots[1]);
	return w.bad ? 0 : SEVLM_CERT_SIZE;
}

static bool get_exponent(struct sevlm__reader *r, size_t width)
{
	const uint8_t *at = sevlm__get(r, width);
	struct sevlm__reader e = sevlm__reader(at, at ? 4 : 0);

	return at && sevlm__get32(&e) == EXPONENT && zeroes(at + 4, width - 4);
}

/* a modulus as long as it says, of two odd primes */
static bool get_modulus(struct sevlm__reader *r, struct sevlm__cert *cert)
{
	const size_t width = cert->rsa_bytes;

	return get_number(r, width, cert->modulus, width) &&
	       cert->modulus[0] & 0x80 && cert->modulus[width - 1] & 1;
}

/* one ARK is published without: then nothing is behind the modulus */
static void get_signature(struct sevlm__reader *r, struct sevlm__cert *cert)
{
	struct sevlm__cert_slot *slot = &cert->slots[0];

	cert->bytes = cert->signed_bytes;
	if (!r->left && cert->usage == SEVLM_USAGE_ARK &&
	    cert->signed_bytes == CERT_AMD_UNSIGNED)
		return;
	cert->bytes += cert->rsa_bytes;
	slot->usage = SEVLM_USAGE_ARK;
	slot->algorithm = cert->rsa_bytes == CERT_RSA_MAX ? CERT_RSA_SHA384 :
							     CERT_RSA_SHA256;
	sevlm__get_bytes(r, slot->value, cert->rsa_bytes);
}

static uint32_t decode_numbers(struct sevlm__reader *r,
			       struct sevlm__cert *cert)
{
	bool exponent = get_exponent(r, cert->rsa_bytes);
	bool modulus = get_modulus(r, cert);

	get_signature(r, cert);
	if (r->bad)
		return SEVLM_REASON_MALFORMED;
	if (!exponent)
		return SEVLM_REASON_ALGORITHM;
	return modulus ? 0 : SEVLM_REASON_MALFORMED;
}

uint32_t sevlm__cert_decode_amd(const uint8_t *in, size_t bytes,
				struct sevlm__cert *cert)
{
	struct sevlm__reader r = sevlm__reader(in, bytes);
	uint32_t version, exponent_bits, bits;
	bool reserved;

	memset(cert, 0, sizeof(*cert));
	version = sevlm__get32(&r);
	sevlm__get_bytes(&r, cert->key_id, sizeof(cert->key_id));
	sevlm__get_bytes(&r, cert->certifying_id, sizeof(cert->certifying_id));
	cert->usage = sevlm__get32(&r);
	reserved = get_zeroes(&r, 16);
	exponent_bits = sevlm__get32(&r);
	bits = sevlm__get32(&r);
	if (r.bad || version != VERSION || !reserved)
		return SEVLM_REASON_MALFORMED;
	if (cert->usage != SEVLM_USAGE_ARK && cert->usage != SEVLM_USAGE_ASK)
		return SEVLM_REASON_USAGE;
	if (exponent_bits != bits || (bits != 2048 && bits != 4096))
		return SEVLM_REASON_ALGORITHM;
	cert->rsa_bytes = bits / 8;
	cert->signed_bytes = CERT_AMD_HEAD + 2 * cert->rsa_bytes;
	return decode_numbers(&r, cert);
}

static size_t encode_amd(const struct sevlm__cert *cert, uint8_t *out,
			 size_t room)
{
	static const uint8_t exponent[] = { 1, 0, 1 };
	struct sevlm__writer w = sevlm__writer(out, room);
	const size_t width = cert->rsa_bytes;

	sevlm__put32(&w, VERSION);
	sevlm__put_bytes(&w, cert->key_id, sizeof(cert->key_id));
	sevlm__put_bytes(&w, cert->certifying_id, sizeof(cert->certifying_id));
	sevlm__put32(&w, cert->usage);
	put_zeroes(&w, 16);
	sevlm__put32(&w, (uint32_t)width * 8);
	sevlm__put32(&w, (uint32_t)width * 8);
	put_number(&w, width, exponent, sizeof(exponent));
	put_number(&w, width, cert->modulus, width);
	sevlm__put_bytes(&w, cert->slots[0].value,
			 cert->bytes - cert->signed_bytes);
	return w.bad ? 0 : cert->bytes;
}

/* Only the SEV form has one of its usages there; in AMD's it is part of the
 * key's name. */
static bool is_sev(const uint8_t *in, size_t bytes)
{
	struct sevlm__reader r = sevlm__reader(in, bytes);
	uint32_t usage;

	sevlm__get(&r, 8);
	usage = sevlm__get32(&r);
	return bytes >= SEVLM_CERT_SIZE && usage >= SEVLM_USAGE_OCA &&
	       usage <= SEVLM_USAGE_CEK;
}

uint32_t sevlm__cert_decode(const uint8_t *in, size_t bytes,
			    struct sevlm__cert *cert)
{
	return is_sev(in, bytes) ? sevlm__cert_decode_sev(in, bytes, cert) :
				   sevlm__cert_decode_amd(in, bytes, cert);
}

size_t sevlm__cert_encode(const struct sevlm__cert *cert, uint8_t *out,
			  size_t room)
{
	return cert->rsa_bytes ? encode_amd(cert, out, room) :
				 encode_sev(cert, out, room);
}

const uint8_t *sevlm__cert_key(const uint8_t *in, size_t bytes,
			       size_t *ret_bytes)
{
	if (bytes == SEVLM_CERT_SIZE) {
		*ret_bytes = CERT_SEV_SIGNED - CERT_SEV_KEY;
		return in + CERT_SEV_KEY;
	}
	*ret_bytes = 2 * (bytes < 1088 ? 256 : CERT_RSA_MAX);
	return in + CERT_AMD_HEAD;
}

bool sevlm__cert_ecdsa(const struct sevlm__cert_slot *slot, uint8_t *r,
		       uint8_t *s)
{
	bool good = narrow(slot->value, EC_FIELD, r, SEVLM__P384);

	return narrow(slot->value + EC_FIELD, EC_FIELD, s, SEVLM__P384) && good;
}

void sevlm__cert_rsa(const struct sevlm__cert_slot *slot, size_t bytes,
		     uint8_t *out)
{
	reverse(out, slot->value, bytes);
}

size_t sevlm__cert_split(size_t bytes)
{
	for (size_t i = 0; i < ARRAY_SIZE(blobs); i++)
		if (blobs[i].total == bytes)
			return blobs[i].ask;
	return 0;
}
