/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Made sim/root.c, once; not part of the build. To make another root, which
 * every pinned copy of the old one then refuses:
 *
 *	cc -D_GNU_SOURCE -Iinclude -Isim -o make-root sim/make-root.c -lcrypto
 *	./make-root > sim/root.c
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "cert.h"
#include "crypto.h"
#include "root.h"

#define SIZE 512u
#define ARK_ID "sevlm TEST ARK 1"
#define ASK_ID "sevlm TEST ASK 1"

_Static_assert(sizeof(ARK_ID) == 17 && sizeof(ASK_ID) == 17, "16 bytes");

static void require(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "make-root: %s\n", what);
	exit(1);
}

static void number(EVP_PKEY *key, const char *name, uint8_t *out)
{
	BIGNUM *bn = NULL;

	require(EVP_PKEY_get_bn_param(key, name, &bn), name);
	require(BN_bn2lebinpad(bn, out, SIZE) == SIZE, name);
	BN_free(bn);
}

static void sign(EVP_PKEY *key, uint8_t *bytes)
{
	size_t len = SIZE, body = SIM_AMD_CERT - SIZE;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	uint8_t sig[SIZE];

	require(ctx && EVP_DigestSignInit_ex(ctx, &pctx, "SHA384", NULL, NULL,
					     key, NULL) == 1,
		"sign");
	require(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1,
		"padding");
	require(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx,
						 RSA_PSS_SALTLEN_DIGEST) == 1,
		"salt");
	require(EVP_DigestSign(ctx, sig, &len, bytes, body) == 1, "sign");
	for (size_t i = 0; i < SIZE; i++)
		bytes[body + i] = sig[SIZE - 1 - i];
	EVP_MD_CTX_free(ctx);
}

static void certify(uint8_t *bytes, uint32_t usage, const char *id,
		    EVP_PKEY *subject, EVP_PKEY *issuer)
{
	struct sim_amd_cert *cert = (void *)bytes;

	memset(bytes, 0, SIM_AMD_CERT);
	sim_put32(cert->version, 1);
	memcpy(cert->key_id, id, sizeof(cert->key_id));
	memcpy(cert->certifying_id, ARK_ID, sizeof(cert->certifying_id));
	sim_put32(cert->usage, usage);
	sim_put32(cert->exponent_bits, SIZE * 8);
	sim_put32(cert->modulus_bits, SIZE * 8);
	number(subject, OSSL_PKEY_PARAM_RSA_E, cert->numbers);
	number(subject, OSSL_PKEY_PARAM_RSA_N, cert->numbers + SIZE);
	sign(issuer, bytes);
}

static void print(const char *head, const uint8_t *bytes, size_t len)
{
	printf("\n%s = {", head);
	for (size_t i = 0; i < len; i++)
		printf("%s0x%02x,", i % 12 ? " " : "\n\t", bytes[i]);
	printf("\n};\n");
}

int main(void)
{
	EVP_PKEY *ark = EVP_RSA_gen(SIZE * 8), *ask = EVP_RSA_gen(SIZE * 8);
	uint8_t amd[2 * SIM_AMD_CERT];
	unsigned char *der = NULL;
	int len;

	require(ark && ask, "generate");
	certify(amd, SIM_USAGE_ASK, ASK_ID, ask, ark);
	certify(amd + SIM_AMD_CERT, SIM_USAGE_ARK, ARK_ID, ark, ark);
	len = i2d_PrivateKey(ask, &der);
	require(len > 0, "encode");

	puts("/* SPDX-License-Identifier: MIT OR Apache-2.0 */");
	puts("/* Made by make-root.c. A published test key: see root.h. */");
	puts("#include \"root.h\"");
	print("const uint8_t sim_root_amd[2 * SIM_AMD_CERT]", amd, sizeof(amd));
	print("const uint8_t sim_root_ask_key[]", der, (size_t)len);
	puts("\nconst size_t sim_root_ask_key_len = sizeof(sim_root_ask_key);");
	OPENSSL_free(der);
	EVP_PKEY_free(ark);
	EVP_PKEY_free(ask);
	return 0;
}
