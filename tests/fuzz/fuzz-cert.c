/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One certificate of any form; the first byte says as what it is taken. */
#include <errno.h>

#include "cert.h"
#include "fuzz.h"

#define AS_ROOT 3u
#define AS_CHAIN 4u
#define AS 5u

static uint32_t decode(uint32_t as, const uint8_t *data, size_t size,
		       struct sevlm__cert *cert)
{
	switch (as) {
	case 1:
		return sevlm__cert_decode_sev(data, size, cert);
	case 2:
		return sevlm__cert_decode_amd(data, size, cert);
	}
	return sevlm__cert_decode(data, size, cert);
}

static void check_sizes(const struct sevlm__cert *cert, size_t size)
{
	MUST(cert->bytes <= size && cert->signed_bytes <= cert->bytes);
	if (!cert->rsa_bytes) {
		MUST(cert->bytes == SEVLM_CERT_SIZE);
		MUST(cert->signed_bytes == CERT_SEV_SIGNED);
		return;
	}
	MUST(cert->rsa_bytes == 256 || cert->rsa_bytes == CERT_RSA_MAX);
	MUST(cert->signed_bytes == CERT_AMD_HEAD + 2 * cert->rsa_bytes);
	MUST(cert->bytes == cert->signed_bytes ||
	     cert->bytes == cert->signed_bytes + cert->rsa_bytes);
	MUST(cert->usage == SEVLM_USAGE_ARK || cert->usage == SEVLM_USAGE_ASK);
}

/* Nothing that is signed or read is lost on the way. */
static void there_and_back(const struct sevlm__cert *cert, const uint8_t *data)
{
	uint8_t *back = malloc(cert->bytes);

	MUST(back);
	MUST(!sevlm__cert_encode(cert, back, cert->bytes - 1));
	MUST(sevlm__cert_encode(cert, back, cert->bytes) == cert->bytes);
	MUST(!memcmp(back, data, cert->bytes));
	free(back);
}

static void check_numbers(const struct sevlm__cert *cert)
{
	uint8_t r[SEVLM__P384], s[SEVLM__P384], sig[CERT_RSA_MAX];

	for (int i = 0; i < 2; i++)
		if (sevlm__cert_ecdsa(&cert->slots[i], r, s))
			MUST(r[0] == cert->slots[i].value[SEVLM__P384 - 1]);
	sevlm__cert_rsa(&cert->slots[0], CERT_RSA_MAX, sig);
	MUST(sig[0] == cert->slots[0].value[CERT_RSA_MAX - 1]);
}

static void check_key(const struct sevlm__cert *cert, const uint8_t *data)
{
	size_t bytes;
	const uint8_t *key = sevlm__cert_key(data, cert->bytes, &bytes);

	MUST(key >= data && key + bytes <= data + cert->bytes);
}

/* what a caller sees says the same */
static void check_public(const uint8_t *data, size_t size)
{
	struct sevlm_cert its = {.size = sizeof(its)};
	struct sevlm__cert cert;
	int ret = sevlm_cert_decode(data, size, &its);

	MUST(!ret || ret == -EBADMSG);
	if (ret)
		return;
	MUST(!sevlm__cert_decode(data, size, &cert));
	MUST(its.bytes == cert.bytes && its.usage == cert.usage);
	MUST(its.signed_bytes == cert.signed_bytes);
	MUST(its.form == (cert.rsa_bytes ? SEVLM_CERT_AMD : SEVLM_CERT_SEV));
}

/* Nobody's root gets in that does not stand by itself. */
static void as_root(const uint8_t *data, size_t size)
{
	struct sevlm_trust *trust;
	struct sevlm__cert cert;
	int ret;

	MUST(!sevlm_trust_new(&trust));
	ret = sevlm_trust_add_root(trust, data, size);
	MUST(!ret || ret == -EBADMSG || ret == -EKEYREJECTED);
	if (!ret) {
		MUST(!sevlm__cert_decode_amd(data, size, &cert));
		MUST(cert.bytes == size && cert.usage == SEVLM_USAGE_ARK);
		MUST(sevlm__trust_root(trust, data, &cert));
	}
	MUST(!sevlm__trust_usable(trust));
	sevlm_trust_free(trust);
}

/* the CEK that comes by another way */
static void as_chain(const uint8_t *data, size_t size)
{
	uint8_t chain[SEVLM_CHAIN_SIZE] = {0};
	int ret;

	if (size >= CERT_SEV_SIGNED)
		memcpy(chain + CHAIN_CEK, data, CERT_SEV_SIGNED);
	ret = sevlm_chain_set_cek(chain, data, size);
	MUST(ret == (size == SEVLM_CERT_SIZE ? 0 : -EBADMSG));
	if (!ret)
		MUST(!memcmp(chain + CHAIN_CEK, data, size));
	MUST(sevlm_chain_same_owner(chain, chain) == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sevlm__cert cert;
	uint32_t as, reason;

	if (!size)
		return 0;
	as = *data++ % AS;
	size--;
	if (as == AS_ROOT)
		as_root(data, size);
	if (as == AS_CHAIN)
		as_chain(data, size);
	check_public(data, size);
	reason = decode(as, data, size, &cert);
	MUST(reason <= SEVLM_REASON_BELOW_FLOOR);
	if (reason)
		return 0;
	check_sizes(&cert, size);
	there_and_back(&cert, data);
	check_numbers(&cert);
	check_key(&cert, data);
	return 0;
}
