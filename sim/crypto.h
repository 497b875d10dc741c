/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Key derivation, wrapping and packets of the SEV API ("Transport Keys",
 * "Encrypted Data Packets"). Calls return 0, -EBADMSG where a MAC does not
 * fit, -ENOMEM or -EIO.
 */
#ifndef SEVLM_SIM_CRYPTO_H
#define SEVLM_SIM_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

#define SIM_KEY 16u
#define SIM_MAC 32u
#define SIM_Z 48u /* P-384's x, big endian */

/* what a MAC is about: its first byte */
#define SIM_MAC_DATA 0x02
#define SIM_MAC_MEASURE 0x04

struct sim_keys {
	uint8_t tek[SIM_KEY];
	uint8_t tik[SIM_KEY];
};

struct sim_session {
	uint8_t nonce[16];
	uint8_t wrap_tk[32];
	uint8_t wrap_iv[16];
	uint8_t wrap_mac[SIM_MAC];
	uint8_t policy_mac[SIM_MAC];
};

struct sim_header {
	uint8_t flags[4];
	uint8_t iv[16];
	uint8_t mac[SIM_MAC];
};

/* first byte and version: left out before API 0.17 */
struct sim_measured {
	uint8_t api_major, api_minor, build;
	uint32_t policy;
	const uint8_t *digest; /* 32 */
	const uint8_t *mnonce; /* 16 */
};

static inline void sim_put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

static inline uint32_t sim_get32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

/* SP 800-108 in counter mode with HMAC-SHA256, counter and length little
 * endian; 16 bytes come out */
int sim_kdf(const uint8_t *key, size_t key_len, const char *label,
	    const uint8_t *context, size_t context_len, uint8_t *out);
int sim_hmac(const uint8_t *key, size_t key_len, const void *msg, size_t bytes,
	     uint8_t *mac);

/* nonce and wrap_iv are the caller's to draw before */
int sim_session_wrap(const uint8_t *z, size_t z_len, uint32_t policy,
		     const struct sim_keys *keys, struct sim_session *session);
int sim_session_unwrap(const uint8_t *z, size_t z_len, uint32_t policy,
		       const struct sim_session *session,
		       struct sim_keys *keys);
int sim_measure(const uint8_t *tik, const struct sim_measured *measured,
		uint8_t *mac);

/* one session's packets: contexts are keyed once */
struct sim_transport;

int sim_transport_new(const struct sim_keys *keys, struct sim_transport **ret);
void sim_transport_free(struct sim_transport *transport);
/* header->iv is the caller's to draw before */
int sim_transport_seal(struct sim_transport *transport,
		       struct sim_header *header, const uint8_t *plain,
		       uint32_t bytes, uint8_t *trans);
int sim_transport_open(struct sim_transport *transport,
		       const struct sim_header *header, const uint8_t *trans,
		       uint32_t bytes, uint8_t *plain);

#endif /* SEVLM_SIM_CRYPTO_H */
