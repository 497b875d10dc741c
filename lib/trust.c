/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "cert.h"

/*
 * AMD's roots, by the SHA-256 of their first bytes: of what is signed, so that
 * it does not matter whether a signature is there (Naples) or which; of all of
 * it where no more than that digest is known (Turin).
 */
static const struct {
	const char *name;
	uint32_t bytes;
	uint8_t digest[SEVLM__DIGEST_SIZE];
} published[] = {
	{ "Naples", 576,
	  { 0x8e, 0xfd, 0xdc, 0xaa, 0xf8, 0x49, 0x90, 0xcf,
	    0x63, 0x54, 0xd9, 0x36, 0x37, 0xbe, 0x27, 0x02,
	    0x20, 0xcf, 0x15, 0x79, 0x73, 0x32, 0xb3, 0xd9,
	    0x18, 0xc3, 0xb8, 0xcc, 0x77, 0x34, 0x9f, 0x31 } },
	{ "Rome", 1088,
	  { 0xae, 0x24, 0x56, 0xaf, 0x6c, 0x6a, 0xd2, 0x34,
	    0xba, 0xdd, 0x6c, 0x75, 0xe5, 0x89, 0x15, 0xbe,
	    0x61, 0x56, 0x82, 0x86, 0x76, 0x60, 0x83, 0x85,
	    0x3b, 0xf6, 0x68, 0xe6, 0xe2, 0x39, 0x77, 0xc3 } },
	{ "Milan", 1088,
	  { 0x26, 0x3b, 0x13, 0xfd, 0x31, 0x70, 0xc6, 0xff,
	    0xbb, 0x0b, 0x4f, 0x01, 0xf0, 0x98, 0x48, 0xdc,
	    0x08, 0xa8, 0xdc, 0x1e, 0x96, 0x37, 0xd4, 0x7e,
	    0x42, 0xcb, 0xe6, 0xc1, 0x35, 0xe4, 0xaf, 0x12 } },
	{ "Genoa", 1088,
	  { 0x97, 0x3d, 0xf6, 0x26, 0x5e, 0x1b, 0x40, 0xcf,
	    0x88, 0x83, 0x30, 0x5c, 0x1f, 0x6a, 0x6c, 0xd2,
	    0x54, 0x97, 0x94, 0x46, 0xac, 0xb4, 0x0b, 0xd3,
	    0x96, 0x94, 0x6b, 0x2f, 0x19, 0xe7, 0x51, 0xe9 } },
	{ "Turin", 1600,
	  { 0xf6, 0x40, 0x5e, 0x50, 0x96, 0xa6, 0xee, 0xe1,
	    0xeb, 0x7d, 0x5d, 0xf7, 0x5c, 0x49, 0xf9, 0xb9,
	    0xf7, 0xc8, 0x35, 0x7a, 0x31, 0xc7, 0xff, 0xf1,
	    0x50, 0x14, 0x9d, 0x68, 0x58, 0x8a, 0x7b, 0xf7 } },
};

struct digests {
	uint8_t (*list)[SEVLM__DIGEST_SIZE];
	uint32_t count;
	uint32_t room;
};

struct sevlm_trust {
	struct digests roots;	/* of what is signed */
	struct digests chips;
	struct digests owners;
	bool any_chip;
	uint32_t floor_major, floor_minor;
};

static bool listed(const struct digests *digests, const uint8_t *digest)
{
	for (uint32_t i = 0; i < digests->count; i++)
		if (!memcmp(digests->list[i], digest, SEVLM__DIGEST_SIZE))
			return true;
	return false;
}

static int grow(struct digests *digests, uint32_t most)
{
	uint32_t room = digests->room ? 2 * digests->room : 8;
	void *list;

	if (digests->count >= most)
		return -ENOBUFS;
	if (digests->count < digests->room)
		return 0;
	list = realloc(digests->list, room * sizeof(digests->list[0]));
	if (!list)
		return -ENOMEM;
	digests->list = list;
	digests->room = room;
	return 0;
}

static int add(struct digests *digests, const uint8_t *digest, uint32_t most)
{
	int ret;

	if (listed(digests, digest))
		return 0;
	ret = grow(digests, most);
	if (ret)
		return ret;
	memcpy(digests->list[digests->count++], digest, SEVLM__DIGEST_SIZE);
	return 0;
}

SEVLM_API int sevlm_trust_new(struct sevlm_trust **ret_trust)
{
	struct sevlm_trust *trust;

	if (!ret_trust)
		return -EINVAL;
	trust = calloc(1, sizeof(*trust));
	if (!trust)
		return -ENOMEM;
	*ret_trust = trust;
	return 0;
}

SEVLM_API void sevlm_trust_free(struct sevlm_trust *trust)
{
	if (!trust)
		return;
	free(trust->roots.list);
	free(trust->chips.list);
	free(trust->owners.list);
	free(trust);
}

static int digest_of(const uint8_t *bytes, size_t count, uint8_t *digest)
{
	const struct iovec part = { (void *)bytes, count };

	return sevlm__digest(&part, 1, digest);
}

static int check_root(const uint8_t *ark, size_t bytes,
		      struct sevlm__cert *cert)
{
	uint8_t sig[CERT_RSA_MAX];

	if (sevlm__cert_decode_amd(ark, bytes, cert) || cert->bytes != bytes ||
	    cert->usage != SEVLM_USAGE_ARK)
		return -EBADMSG;
	if (memcmp(cert->key_id, cert->certifying_id, sizeof(cert->key_id)))
		return -EKEYREJECTED;
	if (!cert->slots[0].algorithm)
		return 0;
	sevlm__cert_rsa(&cert->slots[0], cert->rsa_bytes, sig);
	return sevlm__verify_pss(cert->modulus, cert->rsa_bytes, ark,
				 cert->signed_bytes, sig);
}

SEVLM_API int sevlm_trust_add_root(struct sevlm_trust *trust, const void *ark,
				   size_t bytes)
{
	uint8_t digest[SEVLM__DIGEST_SIZE];
	struct sevlm__cert cert;
	int ret;

	if (!trust || !ark)
		return -EINVAL;
	ret = check_root(ark, bytes, &cert);
	if (!ret)
		ret = digest_of(ark, cert.signed_bytes, digest);
	return ret ? ret : add(&trust->roots, digest, SEVLM_MAX_ROOTS);
}

SEVLM_API int sevlm_trust_add_chip(struct sevlm_trust *trust,
				   const void *digest)
{
	if (!trust || !digest)
		return -EINVAL;
	return add(&trust->chips, digest, SEVLM_MAX_TRUSTED);
}

SEVLM_API int sevlm_trust_add_owner(struct sevlm_trust *trust,
				    const void *digest)
{
	if (!trust || !digest)
		return -EINVAL;
	return add(&trust->owners, digest, SEVLM_MAX_TRUSTED);
}

SEVLM_API int sevlm_trust_allow_any_chip(struct sevlm_trust *trust)
{
	if (!trust)
		return -EINVAL;
	trust->any_chip = true;
	return 0;
}

SEVLM_API int sevlm_trust_set_floor(struct sevlm_trust *trust,
				    uint32_t api_major, uint32_t api_minor)
{
	if (!trust || api_major > UINT8_MAX || api_minor > UINT8_MAX)
		return -EINVAL;
	trust->floor_major = api_major;
	trust->floor_minor = api_minor;
	return 0;
}

bool sevlm__trust_usable(const struct sevlm_trust *trust)
{
	return trust && (trust->any_chip || trust->chips.count ||
			 trust->owners.count);
}

static const char *published_root(const uint8_t *digest, uint32_t bytes)
{
	for (size_t i = 0; i < ARRAY_SIZE(published); i++)
		if (published[i].bytes == bytes &&
		    !memcmp(published[i].digest, digest, SEVLM__DIGEST_SIZE))
			return published[i].name;
	return NULL;
}

const char *sevlm__trust_root(const struct sevlm_trust *trust,
			      const uint8_t *ark,
			      const struct sevlm__cert *cert)
{
	uint8_t part[SEVLM__DIGEST_SIZE], whole[SEVLM__DIGEST_SIZE];
	const char *name;

	if (digest_of(ark, cert->signed_bytes, part) ||
	    digest_of(ark, cert->bytes, whole))
		return NULL;
	name = published_root(part, cert->signed_bytes);
	if (!name)
		name = published_root(whole, cert->bytes);
	if (!name && listed(&trust->roots, part))
		name = "added";
	return name;
}

bool sevlm__trust_admits(const struct sevlm_trust *trust, const uint8_t *cek,
			 const uint8_t *oca)
{
	return trust->any_chip || listed(&trust->chips, cek) ||
	       listed(&trust->owners, oca);
}

bool sevlm__trust_reaches(const struct sevlm_trust *trust, uint32_t api_major,
			  uint32_t api_minor)
{
	return api_major > trust->floor_major ||
	       (api_major == trust->floor_major &&
		api_minor >= trust->floor_minor);
}
