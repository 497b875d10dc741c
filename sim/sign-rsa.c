/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include "internal.h"
#include "sign.h"

#define HASH ((size_t)SHA384_DIGEST_LENGTH)
#define SALT HASH
#define EM ((size_t)SIM_RSA_MAX)
#define DB (EM - HASH - 1)

/* H of EMSA-PSS (RFC 8017, 9.1.1) */
static bool salted_hash(const void *msg, size_t bytes, const uint8_t *salt,
			uint8_t *h)
{
	uint8_t m[8 + HASH + SALT];

	memset(m, 0, 8);
	memcpy(m + 8 + HASH, salt, SALT);
	return EVP_Digest(msg, bytes, m + 8, NULL, EVP_sha384(), NULL) &&
	       EVP_Digest(m, sizeof(m), h, NULL, EVP_sha384(), NULL);
}

/* MGF1 of h, laid over db */
static bool mask(const uint8_t *h, uint8_t *db)
{
	uint8_t in[HASH + 4], out[HASH];

	memcpy(in, h, HASH);
	for (size_t done = 0; done < DB; done += HASH) {
		size_t count = done / HASH;

		memset(in + HASH, 0, 4);
		in[HASH + 3] = (uint8_t)count;
		if (!EVP_Digest(in, sizeof(in), out, NULL, EVP_sha384(), NULL))
			return false;
		for (size_t i = 0; i < HASH && done + i < DB; i++)
			db[done + i] ^= out[i];
	}
	return true;
}

static bool encode(const void *msg, size_t bytes, const uint8_t *salt,
		   uint8_t *em)
{
	uint8_t *h = em + DB;

	memset(em, 0, EM);
	em[DB - SALT - 1] = 0x01;
	memcpy(em + DB - SALT, salt, SALT);
	if (!salted_hash(msg, bytes, salt, h) || !mask(h, em))
		return false;
	em[0] &= 0x7f;
	em[EM - 1] = 0xbc;
	return true;
}

static bool raw(const uint8_t *der, size_t der_len, const uint8_t *em,
		uint8_t *sig)
{
	const unsigned char *p = der;
	EVP_PKEY *key = d2i_PrivateKey(EVP_PKEY_RSA, NULL, &p, (long)der_len);
	EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	size_t bytes = EM;
	bool ok;

	ok = ctx && EVP_PKEY_sign_init(ctx) == 1 &&
	     EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
	     EVP_PKEY_sign(ctx, sig, &bytes, em, EM) == 1 && bytes == EM;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ok;
}

int sim_rsa_sign(struct sim_random *random, const uint8_t *der, size_t der_len,
		 const void *msg, size_t bytes, uint8_t *sig)
{
	uint8_t salt[SALT], em[EM];

	if (sim_random_bytes(random, salt, SALT) ||
	    !encode(msg, bytes, salt, em) || !raw(der, der_len, em, sig))
		return -EIO;
	return 0;
}

static EVP_PKEY *public_key(const struct sim_rsa_public *pub)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *n = BN_bin2bn(pub->modulus, (int)pub->size, NULL);
	BIGNUM *e = BN_bin2bn(pub->exponent, (int)pub->size, NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (ctx && n && e && build &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
		params = OSSL_PARAM_BLD_to_param(build);
	if (params && EVP_PKEY_fromdata_init(ctx) == 1)
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	BN_free(e);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

int sim_rsa_verify(const struct sim_rsa_public *pub, const char *digest,
		   const void *msg, size_t bytes, const uint8_t *sig)
{
	EVP_PKEY *key = public_key(pub);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	int rc = -EBADMSG;

	if (key && ctx &&
	    EVP_DigestVerifyInit_ex(ctx, &pctx, digest, NULL, NULL, key,
				    NULL) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) ==
		    1 &&
	    EVP_DigestVerify(ctx, sig, pub->size, msg, bytes) == 1)
		rc = 0;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return rc;
}
