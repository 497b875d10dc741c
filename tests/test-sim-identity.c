/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The chain is read here by the offsets of the specification and verified by
 * OpenSSL's ordinary calls, apart from the host's own code. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "check-main.h"
#include "../sim/cert.h"
#include "../sim/internal.h"
#include "../sim/root.h"
#include "../sim/status.h"

#define CERT SEVLM_SIM_CERT_SIZE
#define SIGNED 0x414u
#define SEED 20240817u

static struct sim_random *rng;
static struct sim_identity *identity;
static uint8_t pdh[CERT], pek[CERT], oca[CERT], cek[CERT], raw_cek[CERT];

static void up(void)
{
	uint8_t chain[3 * CERT];

	ck_assert_int_eq(sim_random_new(SEED, &rng), 0);
	ck_assert_int_eq(sim_identity_new(rng, 0, 24, &identity), 0);
	sim_identity_chain(identity, chain);
	memcpy(pdh, sim_identity_pdh(identity), CERT);
	memcpy(pek, chain, CERT);
	memcpy(oca, chain + CERT, CERT);
	memcpy(raw_cek, chain + 2 * CERT, CERT);
	memcpy(cek, sim_identity_cek(identity), CERT);
}

static void down(void)
{
	sim_identity_free(identity);
	sim_random_free(rng);
}

static uint32_t word(const uint8_t *cert, size_t at)
{
	return cert[at] | (uint32_t)cert[at + 1] << 8 |
	       (uint32_t)cert[at + 2] << 16 | (uint32_t)cert[at + 3] << 24;
}

static EVP_PKEY *build_key(const char *type, OSSL_PARAM_BLD *build)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY *key = NULL;

	ck_assert_int_eq(EVP_PKEY_fromdata_init(ctx), 1);
	ck_assert_int_eq(
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	return key;
}

static EVP_PKEY *ec_key(const uint8_t *cert)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	uint8_t point[97] = {4};

	for (int i = 0; i < 48; i++) {
		point[1 + i] = cert[0x14 + 47 - i];
		point[49 + i] = cert[0x5c + 47 - i];
	}
	OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
					"P-384", 0);
	OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point,
					 sizeof(point));
	return build_key("EC", build);
}

static EVP_PKEY *rsa_key(const uint8_t *cert)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *e = BN_lebin2bn(cert + 64, 512, NULL);
	BIGNUM *n = BN_lebin2bn(cert + 64 + 512, 512, NULL);
	EVP_PKEY *key;

	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e);
	key = build_key("RSA", build);
	BN_free(e);
	BN_free(n);
	return key;
}

static int ec_verifies(const uint8_t *cert, size_t slot, const uint8_t *by)
{
	EVP_PKEY *key = ec_key(by);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	ECDSA_SIG *sig = ECDSA_SIG_new();
	unsigned char *der = NULL;
	int len, rc;

	ECDSA_SIG_set0(sig, BN_lebin2bn(cert + slot + 8, 72, NULL),
		       BN_lebin2bn(cert + slot + 80, 72, NULL));
	len = i2d_ECDSA_SIG(sig, &der);
	ck_assert_int_eq(
		EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
	rc = EVP_DigestVerify(ctx, der, (size_t)len, cert, SIGNED);
	OPENSSL_free(der);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return rc == 1;
}

static int rsa_verifies(const uint8_t *msg, size_t bytes, const uint8_t *value,
			const uint8_t *by)
{
	EVP_PKEY *key = rsa_key(by);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	uint8_t sig[512];
	int rc;

	for (int i = 0; i < 512; i++)
		sig[i] = value[511 - i];
	ck_assert_int_eq(
		EVP_DigestVerifyInit(ctx, &pctx, EVP_sha384(), NULL, key), 1);
	EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING);
	EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, 48);
	rc = EVP_DigestVerify(ctx, sig, sizeof(sig), msg, bytes);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return rc == 1;
}

struct expected {
	const uint8_t *cert;
	uint32_t minor, usage, algo, sig1, algo1, sig2, algo2;
};

START_TEST(fields)
{
	const struct expected table[] = {
		{cek, 14, 0x1004, 2, 0x13, 0x101, 0x1000, 0},
		{raw_cek, 14, 0x1004, 2, 0x1000, 0, 0x1000, 0},
		{oca, 24, 0x1001, 2, 0x1001, 2, 0x1000, 0},
		{pek, 24, 0x1002, 2, 0x1001, 2, 0x1004, 2},
		{pdh, 24, 0x1003, 3, 0x1002, 2, 0x1000, 0},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct expected *want = &table[i];
		const uint8_t *cert = want->cert;

		ck_assert_uint_eq(word(cert, 0), 1);
		ck_assert_uint_eq(word(cert, 4), want->minor << 8);
		ck_assert_uint_eq(word(cert, 8), want->usage);
		ck_assert_uint_eq(word(cert, 0xc), want->algo);
		ck_assert_uint_eq(word(cert, 0x10), 2);
		ck_assert_uint_eq(word(cert, 0x414), want->sig1);
		ck_assert_uint_eq(word(cert, 0x418), want->algo1);
		ck_assert_uint_eq(word(cert, 0x61c), want->sig2);
		ck_assert_uint_eq(word(cert, 0x620), want->algo2);
		for (size_t at = 0xa4; at < SIGNED; at++)
			ck_assert_uint_eq(cert[at], 0);
	}
}
END_TEST

START_TEST(platform_chain)
{
	ck_assert(ec_verifies(oca, 0x414, oca));
	ck_assert(ec_verifies(pek, 0x414, oca));
	ck_assert(ec_verifies(pek, 0x61c, cek));
	ck_assert(ec_verifies(pdh, 0x414, pek));
	ck_assert(!ec_verifies(pdh, 0x414, oca));
	ck_assert(!ec_verifies(pek, 0x61c, oca));
}
END_TEST

START_TEST(amd_chain)
{
	const uint8_t *ask = sim_root_amd, *ark = sim_root_amd + 1600;

	ck_assert_uint_eq(word(ask, 36), 0x13);
	ck_assert_uint_eq(word(ark, 36), 0);
	ck_assert_mem_eq(ask + 20, ark + 4, 16);
	ck_assert_mem_eq(ark + 20, ark + 4, 16);
	ck_assert(rsa_verifies(ark, 1088, ark + 1088, ark));
	ck_assert(rsa_verifies(ask, 1088, ask + 1088, ark));
	ck_assert(rsa_verifies(cek, SIGNED, cek + 0x41c, ask));
	ck_assert(!rsa_verifies(cek, SIGNED, cek + 0x41c, ark));
	ck_assert_mem_eq(cek, raw_cek, SIGNED);
}
END_TEST

START_TEST(root_says_test)
{
	ck_assert_ptr_nonnull(memmem(sim_root_amd + 4, 16, "TEST", 4));
	ck_assert_ptr_nonnull(memmem(sim_root_amd + 1604, 16, "TEST", 4));
}
END_TEST

START_TEST(seed_repeats_every_byte)
{
	struct sim_random *again;
	struct sim_identity *twin;
	uint8_t a[3 * CERT], b[3 * CERT];

	ck_assert_int_eq(sim_random_new(SEED, &again), 0);
	ck_assert_int_eq(sim_identity_new(again, 0, 24, &twin), 0);
	sim_identity_chain(identity, a);
	sim_identity_chain(twin, b);
	ck_assert_mem_eq(a, b, sizeof(a));
	ck_assert_mem_eq(sim_identity_pdh(twin), pdh, CERT);
	ck_assert_mem_eq(sim_identity_cek(twin), cek, CERT);
	ck_assert_mem_eq(sim_identity_id(twin), sim_identity_id(identity), 64);
	sim_identity_free(twin);
	sim_random_free(again);
}
END_TEST

START_TEST(chips_differ)
{
	struct sim_identity *other;

	ck_assert_int_eq(sim_identity_new(rng, 0, 24, &other), 0);
	ck_assert_mem_ne(sim_identity_id(other), sim_identity_id(identity), 64);
	ck_assert_mem_ne(sim_identity_cek(other) + 0x14, cek + 0x14, 48);
	ck_assert_mem_ne(sim_identity_pdh(other) + 0x14, pdh + 0x14, 48);
	sim_identity_free(other);
}
END_TEST

START_TEST(new_pdh)
{
	ck_assert_int_eq(sim_identity_new_pdh(identity, rng), 0);
	ck_assert_mem_ne(sim_identity_pdh(identity), pdh, CERT);
	ck_assert(ec_verifies(sim_identity_pdh(identity), 0x414, pek));
}
END_TEST

START_TEST(agreement_is_mutual)
{
	struct sim_identity *other;
	uint8_t a[48], b[48];

	ck_assert_int_eq(sim_identity_new(rng, 0, 24, &other), 0);
	ck_assert_uint_eq(
		sim_identity_agree(identity, sim_identity_pdh(other), a), 0);
	ck_assert_uint_eq(sim_identity_agree(other, pdh, b), 0);
	ck_assert_mem_eq(a, b, sizeof(a));
	ck_assert_int_eq(sim_identity_new_pdh(identity, rng), 0);
	ck_assert_uint_eq(
		sim_identity_agree(identity, sim_identity_pdh(other), a), 0);
	ck_assert_mem_ne(a, b, sizeof(a));
	sim_identity_free(other);
}
END_TEST

/* against EVP_PKEY_derive() */
START_TEST(agreement_is_ecdh)
{
	EVP_PKEY *own = EVP_EC_gen("P-384"), *peer = ec_key(pdh);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
	struct sim_ec_public pub;
	struct sim_cert cert;
	uint8_t point[97], want[48], got[48];
	size_t bytes = sizeof(want), n;

	ck_assert_int_eq(EVP_PKEY_derive_init(ctx), 1);
	ck_assert_int_eq(EVP_PKEY_derive_set_peer(ctx, peer), 1);
	ck_assert_int_eq(EVP_PKEY_derive(ctx, want, &bytes), 1);
	ck_assert_uint_eq(bytes, sizeof(want));
	ck_assert(EVP_PKEY_get_octet_string_param(own, OSSL_PKEY_PARAM_PUB_KEY,
						  point, sizeof(point), &n));
	memcpy(pub.x, point + 1, 48);
	memcpy(pub.y, point + 49, 48);
	sim_cert_make(&cert, SIM_USAGE_PDH, SIM_ECDH_SHA256, 0, 24, &pub);
	ck_assert_uint_eq(
		sim_identity_agree(identity, (const uint8_t *)&cert, got), 0);
	ck_assert_mem_eq(got, want, sizeof(got));
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(own);
	EVP_PKEY_free(peer);
}
END_TEST

static const size_t vital[] = {0x00, 0x06, 0x08, 0x0c, 0x10,
			       0x14, 0x44, 0x5c, 0x8c};

START_TEST(peer_pdh_malformed)
{
	uint8_t z[48], bad[CERT];

	memcpy(bad, pdh, CERT);
	bad[vital[_i]] ^= 0x10;
	ck_assert_uint_eq(sim_identity_agree(identity, bad, z),
			  SIM_INVALID_CERTIFICATE);
}
END_TEST

START_TEST(peer_pdh_at_the_origin)
{
	uint8_t z[48], bad[CERT];

	memcpy(bad, pdh, CERT);
	memset(bad + 0x14, 0, 144);
	ck_assert_uint_eq(sim_identity_agree(identity, bad, z),
			  SIM_INVALID_CERTIFICATE);
}
END_TEST

START_TEST(signing_does_not_repeat_its_nonce)
{
	struct sim_ec_key key;
	struct sim_ec_sig a, b;

	ck_assert_int_eq(sim_ec_generate(rng, &key), 0);
	ck_assert_int_eq(sim_ec_sign(rng, &key, "m", 1, &a), 0);
	ck_assert_int_eq(sim_ec_sign(rng, &key, "m", 1, &b), 0);
	ck_assert_mem_ne(a.r, b.r, sizeof(a.r));
	ck_assert_int_eq(sim_ec_verify(&key.pub, "SHA256", "m", 1, &a), 0);
	ck_assert_int_eq(sim_ec_verify(&key.pub, "SHA256", "m", 1, &b), 0);
	ck_assert_int_eq(sim_ec_verify(&key.pub, "SHA384", "m", 1, &b),
			 -EBADMSG);
	ck_assert_int_eq(sim_ec_verify(&key.pub, "SHA256", "n", 1, &b),
			 -EBADMSG);
	b.s[20] ^= 1;
	ck_assert_int_eq(sim_ec_verify(&key.pub, "SHA256", "m", 1, &b),
			 -EBADMSG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sim-identity");
	TCase *tc = tcase_create("identity");

	tcase_add_checked_fixture(tc, up, down);
	tcase_add_test(tc, fields);
	tcase_add_test(tc, platform_chain);
	tcase_add_test(tc, amd_chain);
	tcase_add_test(tc, root_says_test);
	tcase_add_test(tc, seed_repeats_every_byte);
	tcase_add_test(tc, chips_differ);
	tcase_add_test(tc, new_pdh);
	tcase_add_test(tc, agreement_is_mutual);
	tcase_add_test(tc, agreement_is_ecdh);
	tcase_add_loop_test(tc, peer_pdh_malformed, 0,
			    sizeof(vital) / sizeof(vital[0]));
	tcase_add_test(tc, peer_pdh_at_the_origin);
	tcase_add_test(tc, signing_does_not_repeat_its_nonce);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
