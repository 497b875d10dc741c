/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>

#include "internal.h"
#include "sign.h"

/* the curve and room to reckon on it */
struct curve {
	EC_GROUP *group;
	EC_POINT *point;
	BN_CTX *ctx;
	const BIGNUM *order;
	BIGNUM *a, *b, *c, *d;
};

static void curve_close(struct curve *curve)
{
	BN_clear_free(curve->a);
	BN_clear_free(curve->b);
	BN_clear_free(curve->c);
	BN_clear_free(curve->d);
	BN_CTX_free(curve->ctx);
	EC_POINT_clear_free(curve->point);
	EC_GROUP_free(curve->group);
}

static int curve_open(struct curve *curve)
{
	memset(curve, 0, sizeof(*curve));
	curve->group = EC_GROUP_new_by_curve_name(NID_secp384r1);
	if (!curve->group)
		return -ENOMEM;
	curve->order = EC_GROUP_get0_order(curve->group);
	curve->point = EC_POINT_new(curve->group);
	curve->ctx = BN_CTX_secure_new();
	curve->a = BN_new();
	curve->b = BN_new();
	curve->c = BN_new();
	curve->d = BN_new();
	if (curve->point && curve->ctx && curve->a && curve->b && curve->c &&
	    curve->d)
		return 0;
	curve_close(curve);
	return -ENOMEM;
}

/* 1 to order - 1; 64 surplus bits make the bias negligible */
static bool draw_scalar(struct curve *curve, struct sim_random *random,
			BIGNUM *ret)
{
	uint8_t bytes[SIM_P384 + 8];
	bool ok;

	ok = !sim_random_bytes(random, bytes, sizeof(bytes)) &&
	     BN_bin2bn(bytes, sizeof(bytes), curve->c) &&
	     BN_copy(curve->d, curve->order) && BN_sub_word(curve->d, 1) &&
	     BN_mod(ret, curve->c, curve->d, curve->ctx) && BN_add_word(ret, 1);
	OPENSSL_cleanse(bytes, sizeof(bytes));
	BN_set_flags(ret, BN_FLG_CONSTTIME);
	return ok;
}

static bool point_out(struct curve *curve, uint8_t *x, uint8_t *y)
{
	return EC_POINT_get_affine_coordinates(curve->group, curve->point,
					       curve->c, curve->d,
					       curve->ctx) &&
	       BN_bn2binpad(curve->c, x, SIM_P384) == SIM_P384 &&
	       BN_bn2binpad(curve->d, y, SIM_P384) == SIM_P384;
}

/* refuses what is not on the curve */
static bool point_in(struct curve *curve, const struct sim_ec_public *pub)
{
	return BN_bin2bn(pub->x, SIM_P384, curve->c) &&
	       BN_bin2bn(pub->y, SIM_P384, curve->d) &&
	       EC_POINT_set_affine_coordinates(curve->group, curve->point,
					       curve->c, curve->d, curve->ctx);
}

int sim_ec_generate(struct sim_random *random, struct sim_ec_key *key)
{
	struct curve curve;
	bool ok;
	int rc;

	rc = curve_open(&curve);
	if (rc)
		return rc;
	ok = draw_scalar(&curve, random, curve.a) &&
	     EC_POINT_mul(curve.group, curve.point, curve.a, NULL, NULL,
			  curve.ctx) &&
	     BN_bn2binpad(curve.a, key->d, SIM_P384) == SIM_P384 &&
	     point_out(&curve, key->pub.x, key->pub.y);
	curve_close(&curve);
	return ok ? 0 : -EIO;
}

int sim_ec_check(const struct sim_ec_public *pub)
{
	struct curve curve;
	bool ok;
	int rc;

	rc = curve_open(&curve);
	if (rc)
		return rc;
	ok = point_in(&curve, pub);
	curve_close(&curve);
	return ok ? 0 : -EBADMSG;
}

int sim_ec_agree(const struct sim_ec_key *key, const struct sim_ec_public *peer,
		 uint8_t *z)
{
	struct curve curve;
	uint8_t y[SIM_P384];
	int rc;

	rc = curve_open(&curve);
	if (rc)
		return rc;
	rc = -EBADMSG;
	if (!point_in(&curve, peer))
		goto out;
	rc = -EIO;
	if (!BN_bin2bn(key->d, SIM_P384, curve.a))
		goto out;
	BN_set_flags(curve.a, BN_FLG_CONSTTIME);
	if (EC_POINT_mul(curve.group, curve.point, NULL, curve.point, curve.a,
			 curve.ctx) &&
	    point_out(&curve, z, y))
		rc = 0;
	OPENSSL_cleanse(y, sizeof(y));
out:
	curve_close(&curve);
	return rc;
}

/* s = (e + r d) / k, with k in a, r in b, d in c, e in d */
static bool reckon_s(struct curve *curve, const struct sim_ec_key *key,
		     const uint8_t *digest)
{
	BIGNUM *s = curve->c;

	return BN_bin2bn(key->d, SIM_P384, curve->c) &&
	       BN_bin2bn(digest, 32, curve->d) &&
	       BN_mod_mul(s, curve->c, curve->b, curve->order, curve->ctx) &&
	       BN_mod_add(s, s, curve->d, curve->order, curve->ctx) &&
	       BN_mod_inverse(curve->a, curve->a, curve->order, curve->ctx) &&
	       BN_mod_mul(s, s, curve->a, curve->order, curve->ctx);
}

int sim_ec_sign(struct sim_random *random, const struct sim_ec_key *key,
		const void *msg, size_t bytes, struct sim_ec_sig *sig)
{
	struct curve curve;
	uint8_t digest[32];
	int rc;

	if (!EVP_Digest(msg, bytes, digest, NULL, EVP_sha256(), NULL))
		return -EIO;
	rc = curve_open(&curve);
	if (rc)
		return rc;
	rc = -EIO;
	if (draw_scalar(&curve, random, curve.a) &&
	    EC_POINT_mul(curve.group, curve.point, curve.a, NULL, NULL,
			 curve.ctx) &&
	    EC_POINT_get_affine_coordinates(curve.group, curve.point, curve.c,
					    NULL, curve.ctx) &&
	    BN_nnmod(curve.b, curve.c, curve.order, curve.ctx) &&
	    reckon_s(&curve, key, digest) && !BN_is_zero(curve.b) &&
	    !BN_is_zero(curve.c) &&
	    BN_bn2binpad(curve.b, sig->r, SIM_P384) == SIM_P384 &&
	    BN_bn2binpad(curve.c, sig->s, SIM_P384) == SIM_P384)
		rc = 0;
	curve_close(&curve);
	return rc;
}

static EVP_PKEY *public_key(const struct sim_ec_public *pub)
{
	uint8_t point[1 + 2 * SIM_P384] = {POINT_CONVERSION_UNCOMPRESSED};
	char name[] = "P-384";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
						 name, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
						  point, sizeof(point)),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	memcpy(point + 1, pub->x, SIM_P384);
	memcpy(point + 1 + SIM_P384, pub->y, SIM_P384);
	if (ctx && EVP_PKEY_fromdata_init(ctx) == 1)
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* the length of the DER form, or 0 */
static int signature_der(const struct sim_ec_sig *sig, unsigned char **ret)
{
	ECDSA_SIG *ecdsa = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(sig->r, SIM_P384, NULL);
	BIGNUM *s = BN_bin2bn(sig->s, SIM_P384, NULL);
	int bytes = 0;

	if (ecdsa && r && s && ECDSA_SIG_set0(ecdsa, r, s)) {
		r = NULL;
		s = NULL;
		bytes = i2d_ECDSA_SIG(ecdsa, ret);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(ecdsa);
	return bytes > 0 ? bytes : 0;
}

int sim_ec_verify(const struct sim_ec_public *pub, const char *digest,
		  const void *msg, size_t bytes, const struct sim_ec_sig *sig)
{
	EVP_PKEY *key = public_key(pub);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char *der = NULL;
	int der_len = signature_der(sig, &der);
	int rc = -EBADMSG;

	if (key && ctx && der_len &&
	    EVP_DigestVerifyInit_ex(ctx, NULL, digest, NULL, NULL, key, NULL) ==
		    1 &&
	    EVP_DigestVerify(ctx, der, (size_t)der_len, msg, bytes) == 1)
		rc = 0;
	OPENSSL_free(der);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return rc;
}
