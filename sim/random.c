/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "internal.h"

#define BATCH 1024u

struct sim_random {
	EVP_CIPHER_CTX *cipher;
	size_t used;
	uint8_t batch[BATCH];
};

static int seed_key(uint64_t seed, uint8_t *key)
{
	uint8_t bytes[8];

	if (!seed)
		return getrandom(key, 32, 0) == 32 ? 0 : -EIO;
	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(seed >> 8 * i);
	if (!EVP_Digest(bytes, sizeof(bytes), key, NULL, EVP_sha256(), NULL))
		return -EIO;
	return 0;
}

int sim_random_new(uint64_t seed, struct sim_random **ret)
{
	struct sim_random *random = calloc(1, sizeof(*random));
	uint8_t key[32];
	int rc = -ENOMEM;

	if (!random)
		return -ENOMEM;
	random->cipher = EVP_CIPHER_CTX_new();
	random->used = BATCH;
	if (!random->cipher)
		goto fail;
	rc = seed_key(seed, key);
	if (rc)
		goto fail;
	rc = -EIO;
	if (!EVP_EncryptInit_ex2(random->cipher, EVP_aes_128_ctr(), key,
				 key + 16, NULL))
		goto fail;
	OPENSSL_cleanse(key, sizeof(key));
	*ret = random;
	return 0;
fail:
	OPENSSL_cleanse(key, sizeof(key));
	sim_random_free(random);
	return rc;
}

void sim_random_free(struct sim_random *random)
{
	if (!random)
		return;
	EVP_CIPHER_CTX_free(random->cipher);
	OPENSSL_cleanse(random, sizeof(*random));
	free(random);
}

static int refill(struct sim_random *random)
{
	int bytes;

	memset(random->batch, 0, BATCH);
	if (!EVP_EncryptUpdate(random->cipher, random->batch, &bytes,
			       random->batch, BATCH))
		return -EIO;
	random->used = 0;
	return 0;
}

int sim_random_bytes(struct sim_random *random, void *buf, size_t bytes)
{
	uint8_t *out = buf;

	while (bytes) {
		size_t n = BATCH - random->used;

		if (!n && refill(random))
			return -EIO;
		n = BATCH - random->used;
		if (n > bytes)
			n = bytes;
		memcpy(out, random->batch + random->used, n);
		OPENSSL_cleanse(random->batch + random->used, n);
		random->used += n;
		out += n;
		bytes -= n;
	}
	return 0;
}
