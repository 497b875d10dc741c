/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "crypto.h"

_Static_assert(sizeof(struct sim_session) == 128, "session of the SEV API");
_Static_assert(sizeof(struct sim_header) == 52, "header of the SEV API");

struct sim_transport {
	EVP_CIPHER_CTX *cipher;
	EVP_MAC_CTX *mac;
};

struct wrap_keys {
	uint8_t kek[SIM_KEY];
	uint8_t kik[SIM_KEY];
};

static EVP_MAC_CTX *hmac_new(const uint8_t *key, size_t key_len)
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
	if (ctx && EVP_MAC_init(ctx, key, key_len, params))
		return ctx;
	EVP_MAC_CTX_free(ctx);
	return NULL;
}

int sim_hmac(const uint8_t *key, size_t key_len, const void *msg, size_t bytes,
	     uint8_t *mac)
{
	EVP_MAC_CTX *ctx = hmac_new(key, key_len);
	int ok;

	ok = ctx && EVP_MAC_update(ctx, msg, bytes) &&
	     EVP_MAC_final(ctx, mac, NULL, SIM_MAC);
	EVP_MAC_CTX_free(ctx);
	return ok ? 0 : -EIO;
}

int sim_kdf(const uint8_t *key, size_t key_len, const char *label,
	    const uint8_t *context, size_t context_len, uint8_t *out)
{
	size_t label_len = strlen(label), n = 4 + label_len + 1 + context_len;
	uint8_t msg[64], block[SIM_MAC];
	int rc;

	if (context_len > 16 || label_len > 32)
		return -EIO;
	sim_put32(msg, 1);
	memcpy(msg + 4, label, label_len + 1);
	if (context_len)
		memcpy(msg + 4 + label_len + 1, context, context_len);
	sim_put32(msg + n, SIM_KEY * 8);
	rc = sim_hmac(key, key_len, msg, n + 4, block);
	if (!rc)
		memcpy(out, block, SIM_KEY);
	OPENSSL_cleanse(block, sizeof(block));
	return rc;
}

static int derive(const uint8_t *z, size_t z_len, const uint8_t *nonce,
		  struct wrap_keys *keys)
{
	uint8_t master[SIM_KEY];
	int rc;

	rc = sim_kdf(z, z_len, "sev-master-secret", nonce, 16, master);
	if (!rc)
		rc = sim_kdf(master, SIM_KEY, "sev-kek", NULL, 0, keys->kek);
	if (!rc)
		rc = sim_kdf(master, SIM_KEY, "sev-kik", NULL, 0, keys->kik);
	OPENSSL_cleanse(master, sizeof(master));
	return rc;
}

/* counter mode: the same way in both directions */
static int wrap(const uint8_t *kek, const uint8_t *iv, const void *in,
		void *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n, ok;

	ok = ctx &&
	     EVP_EncryptInit_ex2(ctx, EVP_aes_128_ctr(), kek, iv, NULL) &&
	     EVP_EncryptUpdate(ctx, out, &n, in, sizeof(struct sim_keys));
	EVP_CIPHER_CTX_free(ctx);
	return ok ? 0 : -EIO;
}

static int policy_mac(const uint8_t *tik, uint32_t policy, uint8_t *mac)
{
	uint8_t bytes[4];

	sim_put32(bytes, policy);
	return sim_hmac(tik, SIM_KEY, bytes, sizeof(bytes), mac);
}

int sim_session_wrap(const uint8_t *z, size_t z_len, uint32_t policy,
		     const struct sim_keys *keys, struct sim_session *session)
{
	struct wrap_keys wk;
	int rc;

	rc = derive(z, z_len, session->nonce, &wk);
	if (!rc)
		rc = wrap(wk.kek, session->wrap_iv, keys, session->wrap_tk);
	if (!rc)
		rc = sim_hmac(wk.kik, SIM_KEY, session->wrap_tk,
			      sizeof(session->wrap_tk), session->wrap_mac);
	if (!rc)
		rc = policy_mac(keys->tik, policy, session->policy_mac);
	OPENSSL_cleanse(&wk, sizeof(wk));
	return rc;
}

static int compare(const uint8_t *a, const uint8_t *b)
{
	return CRYPTO_memcmp(a, b, SIM_MAC) ? -EBADMSG : 0;
}

int sim_session_unwrap(const uint8_t *z, size_t z_len, uint32_t policy,
		       const struct sim_session *session, struct sim_keys *keys)
{
	struct wrap_keys wk;
	uint8_t mac[SIM_MAC];
	int rc;

	rc = derive(z, z_len, session->nonce, &wk);
	if (!rc)
		rc = sim_hmac(wk.kik, SIM_KEY, session->wrap_tk,
			      sizeof(session->wrap_tk), mac);
	if (!rc)
		rc = compare(mac, session->wrap_mac);
	if (!rc)
		rc = wrap(wk.kek, session->wrap_iv, session->wrap_tk, keys);
	if (!rc)
		rc = policy_mac(keys->tik, policy, mac);
	if (!rc)
		rc = compare(mac, session->policy_mac);
	if (rc)
		OPENSSL_cleanse(keys, sizeof(*keys));
	OPENSSL_cleanse(&wk, sizeof(wk));
	OPENSSL_cleanse(mac, sizeof(mac));
	return rc;
}

int sim_measure(const uint8_t *tik, const struct sim_measured *measured,
		uint8_t *mac)
{
	uint8_t msg[4 + 4 + 32 + 16] = {SIM_MAC_MEASURE, measured->api_major,
					measured->api_minor, measured->build};
	size_t skip = 0;

	if (!measured->api_major && measured->api_minor < 17)
		skip = 4;
	sim_put32(msg + 4, measured->policy);
	memcpy(msg + 8, measured->digest, 32);
	memcpy(msg + 40, measured->mnonce, 16);
	return sim_hmac(tik, SIM_KEY, msg + skip, sizeof(msg) - skip, mac);
}

int sim_transport_new(const struct sim_keys *keys, struct sim_transport **ret)
{
	struct sim_transport *transport = calloc(1, sizeof(*transport));

	if (!transport)
		return -ENOMEM;
	transport->cipher = EVP_CIPHER_CTX_new();
	transport->mac = hmac_new(keys->tik, SIM_KEY);
	if (!transport->cipher || !transport->mac ||
	    !EVP_EncryptInit_ex2(transport->cipher, EVP_aes_128_ctr(),
				 keys->tek, NULL, NULL)) {
		sim_transport_free(transport);
		return -EIO;
	}
	*ret = transport;
	return 0;
}

void sim_transport_free(struct sim_transport *transport)
{
	if (!transport)
		return;
	EVP_CIPHER_CTX_free(transport->cipher);
	EVP_MAC_CTX_free(transport->mac);
	free(transport);
}

static int packet_mac(EVP_MAC_CTX *ctx, const struct sim_header *header,
		      const uint8_t *trans, uint32_t bytes, uint8_t *mac)
{
	uint8_t first[1 + 4 + 16 + 4 + 4] = {SIM_MAC_DATA};

	memcpy(first + 1, header->flags, 4);
	memcpy(first + 5, header->iv, 16);
	sim_put32(first + 21, bytes);
	sim_put32(first + 25, bytes);
	if (!EVP_MAC_init(ctx, NULL, 0, NULL) ||
	    !EVP_MAC_update(ctx, first, sizeof(first)) ||
	    !EVP_MAC_update(ctx, trans, bytes) ||
	    !EVP_MAC_final(ctx, mac, NULL, SIM_MAC))
		return -EIO;
	return 0;
}

static int keystream(EVP_CIPHER_CTX *ctx, const uint8_t *iv, const uint8_t *in,
		     uint32_t bytes, uint8_t *out)
{
	int n;

	if (!EVP_EncryptInit_ex2(ctx, NULL, NULL, iv, NULL) ||
	    !EVP_EncryptUpdate(ctx, out, &n, in, (int)bytes))
		return -EIO;
	return 0;
}

int sim_transport_seal(struct sim_transport *transport,
		       struct sim_header *header, const uint8_t *plain,
		       uint32_t bytes, uint8_t *trans)
{
	int rc;

	memset(header->flags, 0, sizeof(header->flags));
	rc = keystream(transport->cipher, header->iv, plain, bytes, trans);
	if (rc)
		return rc;
	return packet_mac(transport->mac, header, trans, bytes, header->mac);
}

int sim_transport_open(struct sim_transport *transport,
		       const struct sim_header *header, const uint8_t *trans,
		       uint32_t bytes, uint8_t *plain)
{
	uint8_t mac[SIM_MAC];
	int rc;

	rc = packet_mac(transport->mac, header, trans, bytes, mac);
	if (!rc)
		rc = compare(mac, header->mac);
	if (!rc)
		rc = keystream(transport->cipher, header->iv, trans, bytes,
			       plain);
	return rc;
}
