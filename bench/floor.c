/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <libsevlm/libsevlm.h>

#include "floor.h"

#define IV 4
#define MAC 20
#define MAC_SIZE 32u

struct floor {
	EVP_CIPHER_CTX *cipher;
	EVP_MAC_CTX *mac;
	uint64_t packets;
};

static const uint8_t key[16] = "a key of a bench";

static EVP_MAC_CTX *new_mac(void)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest,
						 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);

	EVP_MAC_free(mac);
	if (ctx && EVP_MAC_init(ctx, key, sizeof(key), params))
		return ctx;
	EVP_MAC_CTX_free(ctx);
	return NULL;
}

struct floor *floor_new(void)
{
	struct floor *floor = calloc(1, sizeof(*floor));

	if (!floor)
		return NULL;
	floor->cipher = EVP_CIPHER_CTX_new();
	floor->mac = new_mac();
	if (floor->cipher && floor->mac &&
	    EVP_EncryptInit_ex2(floor->cipher, EVP_aes_128_ctr(), key, NULL,
				NULL))
		return floor;
	floor_free(floor);
	return NULL;
}

void floor_free(struct floor *floor)
{
	EVP_CIPHER_CTX_free(floor->cipher);
	EVP_MAC_CTX_free(floor->mac);
	free(floor);
}

static bool keystream(struct floor *floor, const uint8_t *iv, const uint8_t *in,
		      uint8_t *out)
{
	int n;

	return EVP_EncryptInit_ex2(floor->cipher, NULL, NULL, iv, NULL) &&
	       EVP_EncryptUpdate(floor->cipher, out, &n, in, SEVLM_PAGE_SIZE);
}

/* over as many bytes as the MAC of a packet covers */
static bool mac(struct floor *floor, const uint8_t *header,
		const uint8_t *payload, uint8_t *out)
{
	uint8_t first[29] = {2};

	memcpy(first + 1, header, MAC);
	return EVP_MAC_init(floor->mac, NULL, 0, NULL) &&
	       EVP_MAC_update(floor->mac, first, sizeof(first)) &&
	       EVP_MAC_update(floor->mac, payload, SEVLM_PAGE_SIZE) &&
	       EVP_MAC_final(floor->mac, out, NULL, MAC_SIZE);
}

bool floor_seal(struct floor *floor, const uint8_t *plain, uint8_t *header,
		uint8_t *payload)
{
	memset(header, 0, MAC);
	floor->packets++;
	memcpy(header + IV, &floor->packets, sizeof(floor->packets));
	return keystream(floor, header + IV, plain, payload) &&
	       mac(floor, header, payload, header + MAC);
}

bool floor_open(struct floor *floor, const uint8_t *header,
		const uint8_t *payload, uint8_t *plain)
{
	uint8_t own[MAC_SIZE];

	return mac(floor, header, payload, own) &&
	       !CRYPTO_memcmp(own, header + MAC, MAC_SIZE) &&
	       keystream(floor, header + IV, payload, plain);
}
