/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Certificates as bytes (SEV API, "Certificate Format"); numbers in them are
 * little endian.
 */
#ifndef SEVLM_SIM_CERT_H
#define SEVLM_SIM_CERT_H

#include <stddef.h>
#include <stdint.h>

#include "sign.h"

#define SIM_USAGE_ARK 0x0000u
#define SIM_USAGE_ASK 0x0013u
#define SIM_USAGE_NONE 0x1000u
#define SIM_USAGE_OCA 0x1001u
#define SIM_USAGE_PEK 0x1002u
#define SIM_USAGE_PDH 0x1003u
#define SIM_USAGE_CEK 0x1004u

#define SIM_RSA_SHA256 0x001u
#define SIM_ECDSA_SHA256 0x002u
#define SIM_ECDH_SHA256 0x003u
#define SIM_RSA_SHA384 0x101u
#define SIM_ECDSA_SHA384 0x102u
#define SIM_ECDH_SHA384 0x103u

#define SIM_CURVE_P384 2u

struct sim_cert_sig {
	uint8_t usage[4];
	uint8_t algo[4];
	uint8_t value[512];
};

struct sim_cert {
	uint8_t version[4];
	uint8_t api_major;
	uint8_t api_minor;
	uint8_t reserved[2];
	uint8_t usage[4];
	uint8_t algo[4];
	uint8_t curve[4];
	uint8_t x[72];
	uint8_t y[72];
	uint8_t rest[880];
	struct sim_cert_sig sig[2];
};
#define SIM_CERT_SIGNED offsetof(struct sim_cert, sig)

/* ARK and ASK: then exponent, modulus, signature of the modulus' size */
struct sim_amd_cert {
	uint8_t version[4];
	uint8_t key_id[16];
	uint8_t certifying_id[16];
	uint8_t usage[4];
	uint8_t reserved[16];
	uint8_t exponent_bits[4];
	uint8_t modulus_bits[4];
	uint8_t numbers[];
};

/* what SEND_START is shown */
struct sim_chain {
	const struct sim_cert *pdh, *pek, *oca, *cek;
	struct sim_ec_public pdh_key, pek_key, oca_key, cek_key;
	const uint8_t *ask, *ark;
	size_t ark_len;
	struct sim_rsa_public ask_key, ark_key;
};

/* turn a number round: most significant byte first, or last */
void sim_cert_reverse(uint8_t *out, const uint8_t *in, size_t bytes);

void sim_cert_make(struct sim_cert *cert, uint32_t usage, uint32_t algo,
		   uint8_t api_major, uint8_t api_minor,
		   const struct sim_ec_public *key);
int sim_cert_sign(struct sim_cert *cert, unsigned int slot, uint32_t usage,
		  struct sim_random *random, const struct sim_ec_key *key);
int sim_cert_sign_ask(struct sim_cert *cert, struct sim_random *random);
/* version, usage, algorithm, a point of P-384; 0 or a firmware status */
uint32_t sim_cert_parse(const struct sim_cert *cert, uint32_t usage,
			struct sim_ec_public *ret_key);

/* chain.c; each 0 or a firmware status. chain: PEK, OCA, CEK; amd: ASK, ARK */
uint32_t sim_chain_parse(struct sim_chain *chain, const uint8_t *pdh,
			 const uint8_t *certs, const uint8_t *amd,
			 uint32_t amd_len);
/* PDH by PEK, PEK by OCA, OCA by itself */
uint32_t sim_chain_owner(const struct sim_chain *chain);
/* PEK by CEK, CEK by ASK, ASK by ARK, and the ARK is the software root's */
uint32_t sim_chain_chip(const struct sim_chain *chain);

#endif /* SEVLM_SIM_CERT_H */
