/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Who a platform is: the keys in its certificates. */
#include <errno.h>

#include "cert.h"

int sevlm__key_digest(const uint8_t *cert, size_t bytes, uint8_t *digest)
{
	struct iovec key;

	key.iov_base = (void *)sevlm__cert_key(cert, bytes, &key.iov_len);
	return sevlm__digest(&key, 1, digest);
}

static void describe(const struct sevlm__cert *cert, struct sevlm_cert *ret)
{
	ret->form = cert->rsa_bytes ? SEVLM_CERT_AMD : SEVLM_CERT_SEV;
	ret->usage = cert->usage;
	ret->bytes = cert->bytes;
	ret->signed_bytes = cert->signed_bytes;
	ret->api_major = cert->api_major;
	ret->api_minor = cert->api_minor;
	ret->algorithm = cert->algorithm;
	ret->key_bits = cert->rsa_bytes ? cert->rsa_bytes * 8 : 384;
	for (int i = 0; i < 2; i++) {
		ret->signer[i] = cert->slots[i].algorithm ?
					 cert->slots[i].usage :
					 SEVLM_USAGE_NONE;
		ret->signer_algorithm[i] = cert->slots[i].algorithm;
	}
	memcpy(ret->key_id, cert->key_id, sizeof(ret->key_id));
	memcpy(ret->certifying_id, cert->certifying_id,
	       sizeof(ret->certifying_id));
}

SEVLM_API int sevlm_cert_decode(const void *buf, size_t bytes,
				struct sevlm_cert *ret_cert)
{
	struct sevlm_cert out = { .size = sizeof(out) };
	struct sevlm__cert cert;
	int ret;

	if (!buf || !ret_cert)
		return -EINVAL;
	if (sevlm__cert_decode(buf, bytes, &cert))
		return -EBADMSG;
	if (!cert.rsa_bytes && sevlm__verify_point(&cert.point))
		return -EBADMSG;
	describe(&cert, &out);
	ret = sevlm__key_digest(buf, cert.bytes, out.key_digest);
	return ret ? ret : sevlm__copy_out(ret_cert, &out, sizeof(out));
}

SEVLM_API int sevlm_chain_set_cek(void *chain, const void *cek, size_t bytes)
{
	uint8_t *own = chain ? (uint8_t *)chain + CHAIN_CEK : NULL;

	if (!own || !cek)
		return -EINVAL;
	if (bytes != SEVLM_CERT_SIZE)
		return -EBADMSG;
	if (memcmp(own, cek, CERT_SEV_SIGNED))
		return -EKEYREJECTED;
	memcpy(own, cek, bytes);
	return 0;
}

SEVLM_API int sevlm_chain_same_owner(const void *chain, const void *other)
{
	const size_t at = CHAIN_OCA + CERT_SEV_KEY;

	if (!chain || !other)
		return -EINVAL;
	return !memcmp((const uint8_t *)chain + at, (const uint8_t *)other + at,
		       CERT_SEV_SIGNED - CERT_SEV_KEY);
}
