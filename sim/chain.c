/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "cert.h"
#include "crypto.h"
#include "internal.h"
#include "root.h"
#include "status.h"

_Static_assert(sizeof(struct sim_amd_cert) == 64, "header of ARK and ASK");

/* bytes of key material and signature by the size of the modulus, or 0 */
static size_t modulus_size(const struct sim_amd_cert *cert)
{
	uint32_t bits = sim_get32(cert->modulus_bits);

	if (sim_get32(cert->exponent_bits) != bits)
		return 0;
	return bits == 2048 || bits == 4096 ? bits / 8 : 0;
}

static size_t signed_size(const struct sim_rsa_public *key)
{
	return sizeof(struct sim_amd_cert) + 2 * key->size;
}

/* room: bytes that are there; the signature need not be */
static bool amd_parse(const uint8_t *bytes, size_t room, uint32_t usage,
		      struct sim_rsa_public *ret_key)
{
	const struct sim_amd_cert *cert = (const void *)bytes;
	size_t size;

	if (room < sizeof(*cert) || sim_get32(cert->version) != 1 ||
	    sim_get32(cert->usage) != usage)
		return false;
	size = modulus_size(cert);
	ret_key->size = size;
	if (!size || room < signed_size(ret_key))
		return false;
	sim_cert_reverse(ret_key->exponent, cert->numbers, size);
	sim_cert_reverse(ret_key->modulus, cert->numbers + size, size);
	return true;
}

static bool amd_chain_parse(struct sim_chain *chain, const uint8_t *amd,
			    size_t amd_len)
{
	size_t ask_len;

	if (!amd_parse(amd, amd_len, SIM_USAGE_ASK, &chain->ask_key))
		return false;
	ask_len = signed_size(&chain->ask_key) + chain->ask_key.size;
	if (amd_len < ask_len)
		return false;
	chain->ask = amd;
	chain->ark = amd + ask_len;
	chain->ark_len = amd_len - ask_len;
	return amd_parse(chain->ark, chain->ark_len, SIM_USAGE_ARK,
			 &chain->ark_key) &&
	       chain->ark_key.size == chain->ask_key.size;
}

uint32_t sim_chain_parse(struct sim_chain *chain, const uint8_t *pdh,
			 const uint8_t *certs, const uint8_t *amd,
			 uint32_t amd_len)
{
	chain->pdh = (const void *)pdh;
	chain->pek = (const void *)certs;
	chain->oca = chain->pek + 1;
	chain->cek = chain->pek + 2;
	if (sim_cert_parse(chain->pdh, SIM_USAGE_PDH, &chain->pdh_key) ||
	    sim_cert_parse(chain->pek, SIM_USAGE_PEK, &chain->pek_key) ||
	    sim_cert_parse(chain->oca, SIM_USAGE_OCA, &chain->oca_key) ||
	    sim_cert_parse(chain->cek, SIM_USAGE_CEK, &chain->cek_key) ||
	    !amd_chain_parse(chain, amd, amd_len))
		return SIM_INVALID_CERTIFICATE;
	return SIM_SUCCESS;
}

/* slots come in either order: the one that names its signer */
static const struct sim_cert_sig *find(const struct sim_cert *cert,
				       uint32_t usage)
{
	for (int i = 0; i < 2; i++)
		if (sim_get32(cert->sig[i].usage) == usage &&
		    sim_get32(cert->sig[i].algo))
			return &cert->sig[i];
	return NULL;
}

static uint32_t by_ec(const struct sim_cert *cert, uint32_t usage,
		      const struct sim_ec_public *key)
{
	const struct sim_cert_sig *slot = find(cert, usage);
	const char *digest;
	struct sim_ec_sig sig;

	if (!slot)
		return SIM_INVALID_CERTIFICATE;
	switch (sim_get32(slot->algo)) {
	case SIM_ECDSA_SHA256:
		digest = "SHA256";
		break;
	case SIM_ECDSA_SHA384:
		digest = "SHA384";
		break;
	default:
		return SIM_INVALID_CERTIFICATE;
	}
	sim_cert_reverse(sig.r, slot->value, SIM_P384);
	sim_cert_reverse(sig.s, slot->value + sizeof(cert->x), SIM_P384);
	return sim_ec_verify(key, digest, cert, SIM_CERT_SIGNED, &sig)
		       ? SIM_BAD_SIGNATURE
		       : SIM_SUCCESS;
}

/* the root has 4096 bits, and with it its hash is SHA-384 */
static uint32_t by_rsa(const void *msg, size_t bytes, const uint8_t *value,
		       const struct sim_rsa_public *key)
{
	uint8_t sig[SIM_RSA_MAX];

	sim_cert_reverse(sig, value, key->size);
	return sim_rsa_verify(key, "SHA384", msg, bytes, sig)
		       ? SIM_BAD_SIGNATURE
		       : SIM_SUCCESS;
}

static uint32_t cek_by_ask(const struct sim_chain *chain)
{
	const struct sim_cert_sig *slot = find(chain->cek, SIM_USAGE_ASK);

	if (!slot || sim_get32(slot->algo) != SIM_RSA_SHA384)
		return SIM_INVALID_CERTIFICATE;
	return by_rsa(chain->cek, SIM_CERT_SIGNED, slot->value,
		      &chain->ask_key);
}

uint32_t sim_chain_owner(const struct sim_chain *chain)
{
	uint32_t status;

	status = by_ec(chain->oca, SIM_USAGE_OCA, &chain->oca_key);
	if (!status)
		status = by_ec(chain->pek, SIM_USAGE_OCA, &chain->oca_key);
	if (!status)
		status = by_ec(chain->pdh, SIM_USAGE_PEK, &chain->pek_key);
	return status;
}

static bool is_root(const struct sim_chain *chain)
{
	const uint8_t *root = sim_root_amd + SIM_AMD_CERT;

	return chain->ark_len == SIM_AMD_CERT &&
	       !memcmp(chain->ark, root, signed_size(&chain->ark_key));
}

uint32_t sim_chain_chip(const struct sim_chain *chain)
{
	const struct sim_amd_cert *ask = (const void *)chain->ask;
	const struct sim_amd_cert *ark = (const void *)chain->ark;
	size_t bytes = signed_size(&chain->ark_key);
	uint32_t status;

	if (!is_root(chain) ||
	    memcmp(ask->certifying_id, ark->key_id, sizeof(ark->key_id)))
		return SIM_INVALID_CERTIFICATE;
	status = by_rsa(ark, bytes, chain->ark + bytes, &chain->ark_key);
	if (!status)
		status =
			by_rsa(ask, bytes, chain->ask + bytes, &chain->ark_key);
	if (!status)
		status = cek_by_ask(chain);
	if (!status)
		status = by_ec(chain->pek, SIM_USAGE_CEK, &chain->cek_key);
	return status;
}
