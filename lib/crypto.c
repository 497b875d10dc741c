/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "internal.h"

struct sevlm__hash {
	EVP_MD *md;
	EVP_MD_CTX *running;
	EVP_MD_CTX *copy;
};

int sevlm__hash_new(struct sevlm__hash **ret)
{
	struct sevlm__hash *hash = calloc(1, sizeof(*hash));

	if (!hash)
		return -ENOMEM;
	hash->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	hash->running = EVP_MD_CTX_new();
	hash->copy = EVP_MD_CTX_new();
	if (!hash->md || !hash->running || !hash->copy ||
	    !EVP_DigestInit_ex2(hash->running, hash->md, NULL)) {
		sevlm__hash_free(hash);
		return -ENOMEM;
	}
	*ret = hash;
	return 0;
}

void sevlm__hash_free(struct sevlm__hash *hash)
{
	if (!hash)
		return;
	EVP_MD_CTX_free(hash->copy);
	EVP_MD_CTX_free(hash->running);
	EVP_MD_free(hash->md);
	free(hash);
}

int sevlm__hash_update(struct sevlm__hash *hash, const void *buf, size_t bytes)
{
	return EVP_DigestUpdate(hash->running, buf, bytes) ? 0 : -EIO;
}

int sevlm__hash_peek(struct sevlm__hash *hash, uint8_t *digest)
{
	if (!EVP_MD_CTX_copy_ex(hash->copy, hash->running) ||
	    !EVP_DigestFinal_ex(hash->copy, digest, NULL))
		return -EIO;
	return 0;
}

int sevlm__digest(const struct iovec *parts, size_t count, uint8_t *digest)
{
	struct sevlm__hash *hash;
	int ret = sevlm__hash_new(&hash);

	if (ret)
		return ret;
	for (size_t i = 0; !ret && i < count; i++)
		ret = sevlm__hash_update(hash, parts[i].iov_base,
					 parts[i].iov_len);
	if (!ret)
		ret = sevlm__hash_peek(hash, digest);
	sevlm__hash_free(hash);
	return ret;
}

static EVP_MAC_CTX *hmac_start(EVP_MAC *mac, const uint8_t *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest,
						 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);

	if (ctx && EVP_MAC_init(ctx, key, 32, params))
		return ctx;
	EVP_MAC_CTX_free(ctx);
	return NULL;
}

int sevlm__hmac(const uint8_t *key, const struct iovec *parts, size_t count,
		uint8_t *out)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac ? hmac_start(mac, key) : NULL;
	size_t bytes = 0;
	int ok = !!ctx;

	for (size_t i = 0; ok && i < count; i++)
		ok = EVP_MAC_update(ctx, parts[i].iov_base, parts[i].iov_len);
	ok = ok && EVP_MAC_final(ctx, out, &bytes, SEVLM__DIGEST_SIZE);
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
	return ok ? 0 : -ENOMEM;
}

bool sevlm__equal(const void *a, const void *b, size_t bytes)
{
	return !CRYPTO_memcmp(a, b, bytes);
}

void sevlm__wipe(void *buf, size_t bytes)
{
	OPENSSL_cleanse(buf, bytes);
}
