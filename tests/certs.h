/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whole sets of certificates: a software host's, forged ones, real ones. */
#ifndef SEVLM_CERTS_H
#define SEVLM_CERTS_H

#include <stdbool.h>

#include <openssl/evp.h>

#include <libsevlm/sim.h>

#define CERT 2084u
#define AT_PEK 0u
#define AT_OCA CERT
#define AT_CEK (2 * CERT)

struct certs {
	uint8_t pdh[CERT];
	uint8_t chain[3 * CERT];
	uint8_t amd[3200];
	size_t amd_bytes;
};

/* of a software host, its CEK signed */
void certs_of_host(struct certs *certs, struct sevlm_sim_host *host);
/* of a software host that is made and freed for it */
void certs_of_seed(struct certs *certs, uint64_t seed);
struct sevlm_peer certs_peer(const struct certs *certs);
/* trusts the root in there, and any chip below it */
struct sevlm_trust *certs_trust(const struct certs *certs);
/* the ARK in there */
const uint8_t *certs_ark(const struct certs *certs, size_t *ret_bytes);
void certs_key_digest(const uint8_t *cert, uint8_t *digest);

/* Reads a file of the shared data, "naples/pek.cert"; false where it is not
 * there, or larger. */
bool certs_file(const char *name, void *buf, size_t room, size_t *ret_bytes);

/* Keys of one's own, and what they can be made to sign. */
struct forge {
	EVP_PKEY *ark, *ask, *cek, *oca, *pek, *pdh;
	struct certs certs;
};

/* a good chain below a root of that many bits */
void forge_new(struct forge *forge, unsigned int bits);
void forge_free(struct forge *forge);
/* everything again, with the keys that are there */
void forge_all(struct forge *forge);
/* the parts: certificates without a signature, then the signatures */
void forge_ec(uint8_t *cert, uint32_t usage, uint32_t algorithm,
	      const EVP_PKEY *key);
void forge_sign(uint8_t *cert, unsigned int slot, uint32_t usage,
		uint32_t algorithm, EVP_PKEY *key);
size_t forge_amd(uint8_t *cert, uint32_t usage, char id, char certifying,
		 const EVP_PKEY *key, EVP_PKEY *by);
void forge_sign_amd(uint8_t *cert, size_t bytes, EVP_PKEY *by);
EVP_PKEY *forge_ec_key(void);

void put_le32(uint8_t *at, uint32_t value);
uint32_t get_le32(const uint8_t *at);

#endif /* SEVLM_CERTS_H */
