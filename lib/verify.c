/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The other half of the door to OpenSSL: signatures and keys of others. That
 * one does not verify is an everyday thing here, so OpenSSL's queue of errors
 * is left as it was found.
 */
#include <errno.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "internal.h"

/* FIPS 186-4, D.1.2.4: the order of P-384's base point */
static const uint8_t order[SEVLM__P384] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf, 0x58, 0x1a, 0x0d, 0xb2,
	0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
};
static const uint8_t nothing[SEVLM__P384];

static EVP_PKEY *make_key(const char *type, OSSL_PARAM *params)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* refuses coordinates that are too large or no point of the curve */
static EVP_PKEY *ec_key(const struct sevlm__point *point)
{
	uint8_t form[1 + 2 * SEVLM__P384] = { POINT_CONVERSION_UNCOMPRESSED };
	char group[] = "P-384";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
						 group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, form,
						  sizeof(form)),
		OSSL_PARAM_construct_end(),
	};

	if (!memcmp(point->x, nothing, sizeof(nothing)) ||
	    !memcmp(point->y, nothing, sizeof(nothing)))
		return NULL;
	memcpy(form + 1, point->x, sizeof(point->x));
	memcpy(form + 1 + sizeof(point->x), point->y, sizeof(point->y));
	return make_key("EC", params);
}

static int check_point(const struct sevlm__point *point)
{
	EVP_PKEY *key = ec_key(point);
	EVP_PKEY_CTX *ctx =
		key ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;
	int good = ctx && EVP_PKEY_public_check(ctx) == 1;

	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return good ? 0 : -EKEYREJECTED;
}

int sevlm__verify_point(const struct sevlm__point *point)
{
	int ret;

	ERR_set_mark();
	ret = check_point(point);
	ERR_pop_to_mark();
	return ret;
}

static bool in_range(const uint8_t *number)
{
	return memcmp(number, nothing, sizeof(nothing)) &&
	       memcmp(number, order, sizeof(order)) < 0;
}

/* r and s as OpenSSL takes them; what is not NULL is the caller's to free */
static unsigned char *ecdsa_der(const uint8_t *r, const uint8_t *s,
				int *ret_bytes)
{
	BIGNUM *rn = BN_bin2bn(r, SEVLM__P384, NULL);
	BIGNUM *sn = BN_bin2bn(s, SEVLM__P384, NULL);
	ECDSA_SIG *sig = ECDSA_SIG_new();
	unsigned char *der = NULL;

	if (rn && sn && sig && ECDSA_SIG_set0(sig, rn, sn)) {
		rn = NULL;
		sn = NULL;
		*ret_bytes = i2d_ECDSA_SIG(sig, &der);
	}
	ECDSA_SIG_free(sig);
	BN_free(sn);
	BN_free(rn);
	return der;
}

static int digest_verify(EVP_PKEY *key, const char *hash, int salt,
			 const struct iovec *msg, const struct iovec *sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	bool good = ctx && EVP_DigestVerifyInit_ex(ctx, &pctx, hash, NULL, NULL,
						   key, NULL) == 1;

	/* MGF1 uses the same hash where nothing else is said */
	if (good && salt)
		good = EVP_PKEY_CTX_set_rsa_padding(
			       pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		       EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, salt) == 1;
	good = good && EVP_DigestVerify(ctx, sig->iov_base, sig->iov_len,
					msg->iov_base, msg->iov_len) == 1;
	EVP_MD_CTX_free(ctx);
	return good ? 0 : -EKEYREJECTED;
}

static int ecdsa(const struct sevlm__point *point, const char *hash,
		 const struct iovec *msg, const uint8_t *r, const uint8_t *s)
{
	EVP_PKEY *key = ec_key(point);
	struct iovec sig = { NULL, 0 };
	int bytes = 0, ret = -EKEYREJECTED;

	sig.iov_base = key ? ecdsa_der(r, s, &bytes) : NULL;
	if (sig.iov_base && bytes > 0) {
		sig.iov_len = (size_t)bytes;
		ret = digest_verify(key, hash, 0, msg, &sig);
	}
	OPENSSL_free(sig.iov_base);
	EVP_PKEY_free(key);
	return ret;
}

int sevlm__verify_ecdsa(const struct sevlm__point *point, bool sha384,
			const void *msg, size_t bytes, const uint8_t *r,
			const uint8_t *s)
{
	const struct iovec part = { (void *)msg, bytes };
	int ret;

	if (!in_range(r) || !in_range(s))
		return -EKEYREJECTED;
	ERR_set_mark();
	ret = ecdsa(point, sha384 ? "SHA384" : "SHA256", &part, r, s);
	ERR_pop_to_mark();
	return ret;
}

static EVP_PKEY *rsa_key(const uint8_t *modulus, size_t bytes)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_bin2bn(modulus, (int)bytes, NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (build && n && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N,
						 n) &&
	    OSSL_PARAM_BLD_push_uint(build, OSSL_PKEY_PARAM_RSA_E, 65537))
		params = OSSL_PARAM_BLD_to_param(build);
	if (params)
		key = make_key("RSA", params);
	OSSL_PARAM_free(params);
	BN_free(n);
	OSSL_PARAM_BLD_free(build);
	return key;
}

int sevlm__verify_pss(const uint8_t *modulus, size_t rsa_bytes, const void *msg,
		      size_t bytes, const uint8_t *sig)
{
	const bool sha384 = rsa_bytes == 512;
	const struct iovec part = { (void *)msg, bytes };
	const struct iovec value = { (void *)sig, rsa_bytes };
	int ret = -EKEYREJECTED;
	EVP_PKEY *key;

	ERR_set_mark();
	key = rsa_key(modulus, rsa_bytes);
	if (key)
		ret = digest_verify(key, sha384 ? "SHA384" : "SHA256",
				    sha384 ? 48 : 32, &part, &value);
	EVP_PKEY_free(key);
	ERR_pop_to_mark();
	return ret;
}
