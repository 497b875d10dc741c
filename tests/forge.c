/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Certificates made from nothing, for what the software host cannot make: a
 * root of 2048 bits, and everything that is wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>

#include "certs.h"

#define SIGNED 1044u

static void require(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "forge: %s\n", what);
	abort();
}

static void put_number(const EVP_PKEY *key, const char *name, uint8_t *out,
		       int bytes)
{
	BIGNUM *bn = NULL;

	require(EVP_PKEY_get_bn_param(key, name, &bn), name);
	require(BN_bn2lebinpad(bn, out, bytes) == bytes, name);
	BN_free(bn);
}

static void reverse(uint8_t *out, const uint8_t *in, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		out[i] = in[bytes - 1 - i];
}

EVP_PKEY *forge_ec_key(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-384");

	require(!!key, "EC key");
	return key;
}

void forge_ec(uint8_t *cert, uint32_t usage, uint32_t algorithm,
	      const EVP_PKEY *key)
{
	memset(cert, 0, CERT);
	put_le32(cert, 1);
	cert[5] = 17;
	put_le32(cert + 8, usage);
	put_le32(cert + 12, algorithm);
	put_le32(cert + 16, 2);
	put_number(key, OSSL_PKEY_PARAM_EC_PUB_X, cert + 20, 72);
	put_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, cert + 92, 72);
	put_le32(cert + SIGNED, SEVLM_USAGE_NONE);
	put_le32(cert + SIGNED + 520, SEVLM_USAGE_NONE);
}

static size_t sign(EVP_PKEY *key, bool sha384, const uint8_t *msg, size_t bytes,
		   uint8_t *sig, size_t room)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;

	require(ctx && EVP_DigestSignInit_ex(ctx, &pctx,
					     sha384 ? "SHA384" : "SHA256", NULL,
					     NULL, key, NULL) == 1,
		"sign");
	if (EVP_PKEY_is_a(key, "RSA"))
		require(EVP_PKEY_CTX_set_rsa_padding(
				pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
				EVP_PKEY_CTX_set_rsa_pss_saltlen(
					pctx, RSA_PSS_SALTLEN_DIGEST) == 1,
			"padding");
	require(EVP_DigestSign(ctx, sig, &room, msg, bytes) == 1, "sign");
	EVP_MD_CTX_free(ctx);
	return room;
}

static void put_ecdsa(uint8_t *out, const uint8_t *der, size_t bytes)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)bytes);

	require(sig && BN_bn2lebinpad(ECDSA_SIG_get0_r(sig), out, 72) == 72 &&
			BN_bn2lebinpad(ECDSA_SIG_get0_s(sig), out + 72, 72) ==
				72,
		"signature");
	ECDSA_SIG_free(sig);
}

void forge_sign(uint8_t *cert, unsigned int slot, uint32_t usage,
		uint32_t algorithm, EVP_PKEY *key)
{
	uint8_t *at = cert + SIGNED + slot * 520, sig[1024];
	size_t bytes =
		sign(key, algorithm & 0x100, cert, SIGNED, sig, sizeof(sig));

	put_le32(at, usage);
	put_le32(at + 4, algorithm);
	memset(at + 8, 0, 512);
	if (EVP_PKEY_is_a(key, "RSA"))
		reverse(at + 8, sig, bytes);
	else
		put_ecdsa(at + 8, sig, bytes);
}

void forge_sign_amd(uint8_t *cert, size_t bytes, EVP_PKEY *by)
{
	size_t rsa = bytes == 1600 ? 512 : 256;
	uint8_t sig[1024];

	require(sign(by, rsa == 512, cert, bytes - rsa, sig, sizeof(sig)) ==
			rsa,
		"size");
	reverse(cert + bytes - rsa, sig, rsa);
}

size_t forge_amd(uint8_t *cert, uint32_t usage, char id, char certifying,
		 const EVP_PKEY *key, EVP_PKEY *by)
{
	size_t rsa = (size_t)EVP_PKEY_get_size(key);
	size_t bytes = 64 + 3 * rsa;

	memset(cert, 0, bytes);
	put_le32(cert, 1);
	memset(cert + 4, id, 16);
	memset(cert + 20, certifying, 16);
	put_le32(cert + 36, usage);
	put_le32(cert + 56, (uint32_t)rsa * 8);
	put_le32(cert + 60, (uint32_t)rsa * 8);
	put_number(key, OSSL_PKEY_PARAM_RSA_E, cert + 64, (int)rsa);
	put_number(key, OSSL_PKEY_PARAM_RSA_N, cert + 64 + rsa, (int)rsa);
	forge_sign_amd(cert, bytes, by);
	return bytes;
}

void forge_all(struct forge *forge)
{
	struct certs *certs = &forge->certs;
	uint8_t *pek = certs->chain, *oca = pek + CERT, *cek = oca + CERT;
	uint32_t by_ask = EVP_PKEY_get_size(forge->ask) == 512 ? 0x101 : 1;
	size_t ask;

	ask = forge_amd(certs->amd, SEVLM_USAGE_ASK, 'S', 'R', forge->ask,
			forge->ark);
	certs->amd_bytes = ask + forge_amd(certs->amd + ask, SEVLM_USAGE_ARK,
					   'R', 'R', forge->ark, forge->ark);
	forge_ec(cek, SEVLM_USAGE_CEK, 2, forge->cek);
	forge_sign(cek, 0, SEVLM_USAGE_ASK, by_ask, forge->ask);
	forge_ec(oca, SEVLM_USAGE_OCA, 0x102, forge->oca);
	forge_sign(oca, 1, SEVLM_USAGE_OCA, 0x102, forge->oca);
	forge_ec(pek, SEVLM_USAGE_PEK, 2, forge->pek);
	forge_sign(pek, 0, SEVLM_USAGE_CEK, 0x102, forge->cek);
	forge_sign(pek, 1, SEVLM_USAGE_OCA, 2, forge->oca);
	forge_ec(certs->pdh, SEVLM_USAGE_PDH, 0x103, forge->pdh);
	forge_sign(certs->pdh, 0, SEVLM_USAGE_PEK, 2, forge->pek);
}

void forge_new(struct forge *forge, unsigned int bits)
{
	forge->ark = EVP_RSA_gen(bits);
	forge->ask = EVP_RSA_gen(bits);
	require(forge->ark && forge->ask, "RSA keys");
	forge->cek = forge_ec_key();
	forge->oca = forge_ec_key();
	forge->pek = forge_ec_key();
	forge->pdh = forge_ec_key();
	forge_all(forge);
}

void forge_free(struct forge *forge)
{
	EVP_PKEY_free(forge->ark);
	EVP_PKEY_free(forge->ask);
	EVP_PKEY_free(forge->cek);
	EVP_PKEY_free(forge->oca);
	EVP_PKEY_free(forge->pek);
	EVP_PKEY_free(forge->pdh);
}
