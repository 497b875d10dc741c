/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * P-384 and RSA-PSS in which every random byte is the host's own stream, so
 * that one seed repeats every signature. Numbers are big endian here; the
 * certificates turn them round. Calls return 0, -EBADMSG where something is
 * not a key or a signature does not fit, -ENOMEM or -EIO.
 */
#ifndef SEVLM_SIM_SIGN_H
#define SEVLM_SIM_SIGN_H

#include <stddef.h>
#include <stdint.h>

#define SIM_P384 48u
#define SIM_RSA_MAX 512u

struct sim_random;

struct sim_ec_public {
	uint8_t x[SIM_P384];
	uint8_t y[SIM_P384];
};

struct sim_ec_key {
	uint8_t d[SIM_P384];
	struct sim_ec_public pub;
};

struct sim_ec_sig {
	uint8_t r[SIM_P384];
	uint8_t s[SIM_P384];
};

int sim_ec_generate(struct sim_random *random, struct sim_ec_key *key);
/* on the curve, and not its origin */
int sim_ec_check(const struct sim_ec_public *pub);
int sim_ec_agree(const struct sim_ec_key *key, const struct sim_ec_public *peer,
		 uint8_t *z);
/* over SHA-256 */
int sim_ec_sign(struct sim_random *random, const struct sim_ec_key *key,
		const void *msg, size_t bytes, struct sim_ec_sig *sig);
/* digest: "SHA256" or "SHA384" */
int sim_ec_verify(const struct sim_ec_public *pub, const char *digest,
		  const void *msg, size_t bytes, const struct sim_ec_sig *sig);

struct sim_rsa_public {
	size_t size; /* of the modulus: 256 or 512 */
	uint8_t modulus[SIM_RSA_MAX];
	uint8_t exponent[SIM_RSA_MAX];
};

/* PSS over SHA-384, salt 48, with a DER key of 4096 bits; sig: 512 bytes */
int sim_rsa_sign(struct sim_random *random, const uint8_t *der, size_t der_len,
		 const void *msg, size_t bytes, uint8_t *sig);
/* PSS, salt as long as the digest */
int sim_rsa_verify(const struct sim_rsa_public *pub, const char *digest,
		   const void *msg, size_t bytes, const uint8_t *sig);

#endif /* SEVLM_SIM_SIGN_H */
