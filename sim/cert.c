/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "cert.h"
#include "crypto.h"
#include "internal.h"
#include "root.h"
#include "status.h"

_Static_assert(sizeof(struct sim_cert) == SEVLM_SIM_CERT_SIZE, "2084 bytes");
_Static_assert(SIM_CERT_SIGNED == 0x414, "signed up to here");

void sim_cert_reverse(uint8_t *out, const uint8_t *in, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		out[i] = in[bytes - 1 - i];
}

static void unsigned_slot(struct sim_cert_sig *sig)
{
	memset(sig, 0, sizeof(*sig));
	sim_put32(sig->usage, SIM_USAGE_NONE);
}

void sim_cert_make(struct sim_cert *cert, uint32_t usage, uint32_t algo,
		   uint8_t api_major, uint8_t api_minor,
		   const struct sim_ec_public *key)
{
	memset(cert, 0, sizeof(*cert));
	sim_put32(cert->version, 1);
	cert->api_major = api_major;
	cert->api_minor = api_minor;
	sim_put32(cert->usage, usage);
	sim_put32(cert->algo, algo);
	sim_put32(cert->curve, SIM_CURVE_P384);
	sim_cert_reverse(cert->x, key->x, SIM_P384);
	sim_cert_reverse(cert->y, key->y, SIM_P384);
	unsigned_slot(&cert->sig[0]);
	unsigned_slot(&cert->sig[1]);
}

int sim_cert_sign(struct sim_cert *cert, unsigned int slot, uint32_t usage,
		  struct sim_random *random, const struct sim_ec_key *key)
{
	struct sim_cert_sig *out = &cert->sig[slot];
	struct sim_ec_sig sig;
	int rc;

	rc = sim_ec_sign(random, key, cert, SIM_CERT_SIGNED, &sig);
	if (rc)
		return rc;
	sim_put32(out->usage, usage);
	sim_put32(out->algo, SIM_ECDSA_SHA256);
	sim_cert_reverse(out->value, sig.r, SIM_P384);
	sim_cert_reverse(out->value + sizeof(cert->x), sig.s, SIM_P384);
	return 0;
}

int sim_cert_sign_ask(struct sim_cert *cert, struct sim_random *random)
{
	struct sim_cert_sig *out = &cert->sig[0];
	uint8_t sig[SIM_RSA_MAX];
	int rc;

	rc = sim_rsa_sign(random, sim_root_ask_key, sim_root_ask_key_len, cert,
			  SIM_CERT_SIGNED, sig);
	if (rc)
		return rc;
	sim_put32(out->usage, SIM_USAGE_ASK);
	sim_put32(out->algo, SIM_RSA_SHA384);
	sim_cert_reverse(out->value, sig, sizeof(sig));
	return 0;
}

static bool zeroes(const uint8_t *p, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (p[i])
			return false;
	return true;
}

static bool algo_fits(uint32_t usage, uint32_t algo)
{
	if (usage == SIM_USAGE_PDH)
		return algo == SIM_ECDH_SHA256 || algo == SIM_ECDH_SHA384;
	return algo == SIM_ECDSA_SHA256 || algo == SIM_ECDSA_SHA384;
}

uint32_t sim_cert_parse(const struct sim_cert *cert, uint32_t usage,
			struct sim_ec_public *ret_key)
{
	if (sim_get32(cert->version) != 1 || !zeroes(cert->reserved, 2) ||
	    sim_get32(cert->usage) != usage ||
	    !algo_fits(usage, sim_get32(cert->algo)) ||
	    sim_get32(cert->curve) != SIM_CURVE_P384 ||
	    !zeroes(cert->x + SIM_P384, sizeof(cert->x) - SIM_P384) ||
	    !zeroes(cert->y + SIM_P384, sizeof(cert->y) - SIM_P384))
		return SIM_INVALID_CERTIFICATE;
	sim_cert_reverse(ret_key->x, cert->x, SIM_P384);
	sim_cert_reverse(ret_key->y, cert->y, SIM_P384);
	return sim_ec_check(ret_key) ? SIM_INVALID_CERTIFICATE : SIM_SUCCESS;
}
