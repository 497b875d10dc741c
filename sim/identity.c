/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "cert.h"
#include "crypto.h"
#include "internal.h"
#include "status.h"

/* of the CEK certificates that AMD serves for Naples and Rome */
#define CEK_API_MAJOR 0
#define CEK_API_MINOR 14
#define ID_SIZE 64

struct sim_identity {
	uint8_t api_major, api_minor;
	uint8_t id[ID_SIZE];
	struct sim_ec_key cek, oca, pek, pdh;
	struct sim_cert cek_cert, signed_cek_cert;
	struct sim_cert oca_cert, pek_cert, pdh_cert;
};

static int make_chip(struct sim_identity *identity, struct sim_random *random)
{
	int rc;

	rc = sim_random_bytes(random, identity->id, ID_SIZE);
	if (!rc)
		rc = sim_ec_generate(random, &identity->cek);
	if (rc)
		return rc;
	sim_cert_make(&identity->cek_cert, SIM_USAGE_CEK, SIM_ECDSA_SHA256,
		      CEK_API_MAJOR, CEK_API_MINOR, &identity->cek.pub);
	identity->signed_cek_cert = identity->cek_cert;
	return sim_cert_sign_ask(&identity->signed_cek_cert, random);
}

static int make_owner(struct sim_identity *identity, struct sim_random *random)
{
	int rc;

	rc = sim_ec_generate(random, &identity->oca);
	if (rc)
		return rc;
	sim_cert_make(&identity->oca_cert, SIM_USAGE_OCA, SIM_ECDSA_SHA256,
		      identity->api_major, identity->api_minor,
		      &identity->oca.pub);
	return sim_cert_sign(&identity->oca_cert, 0, SIM_USAGE_OCA, random,
			     &identity->oca);
}

static int make_pek(struct sim_identity *identity, struct sim_random *random)
{
	struct sim_cert *cert = &identity->pek_cert;
	int rc;

	rc = sim_ec_generate(random, &identity->pek);
	if (rc)
		return rc;
	sim_cert_make(cert, SIM_USAGE_PEK, SIM_ECDSA_SHA256,
		      identity->api_major, identity->api_minor,
		      &identity->pek.pub);
	rc = sim_cert_sign(cert, 0, SIM_USAGE_OCA, random, &identity->oca);
	if (!rc)
		rc = sim_cert_sign(cert, 1, SIM_USAGE_CEK, random,
				   &identity->cek);
	return rc;
}

int sim_identity_new_pdh(struct sim_identity *identity,
			 struct sim_random *random)
{
	struct sim_ec_key key;
	struct sim_cert cert;
	int rc;

	rc = sim_ec_generate(random, &key);
	if (rc)
		goto out;
	sim_cert_make(&cert, SIM_USAGE_PDH, SIM_ECDH_SHA256,
		      identity->api_major, identity->api_minor, &key.pub);
	rc = sim_cert_sign(&cert, 0, SIM_USAGE_PEK, random, &identity->pek);
	if (rc)
		goto out;
	identity->pdh = key;
	identity->pdh_cert = cert;
out:
	OPENSSL_cleanse(&key, sizeof(key));
	return rc;
}

int sim_identity_new(struct sim_random *random, uint32_t api_major,
		     uint32_t api_minor, struct sim_identity **ret)
{
	struct sim_identity *identity = calloc(1, sizeof(*identity));
	int rc;

	if (!identity)
		return -ENOMEM;
	identity->api_major = (uint8_t)api_major;
	identity->api_minor = (uint8_t)api_minor;
	rc = make_chip(identity, random);
	if (!rc)
		rc = make_owner(identity, random);
	if (!rc)
		rc = make_pek(identity, random);
	if (!rc)
		rc = sim_identity_new_pdh(identity, random);
	if (rc) {
		sim_identity_free(identity);
		return rc;
	}
	*ret = identity;
	return 0;
}

void sim_identity_free(struct sim_identity *identity)
{
	if (!identity)
		return;
	OPENSSL_cleanse(identity, sizeof(*identity));
	free(identity);
}

const uint8_t *sim_identity_pdh(const struct sim_identity *identity)
{
	return (const uint8_t *)&identity->pdh_cert;
}

void sim_identity_chain(const struct sim_identity *identity, uint8_t *chain)
{
	const size_t n = sizeof(struct sim_cert);

	memcpy(chain, &identity->pek_cert, n);
	memcpy(chain + n, &identity->oca_cert, n);
	memcpy(chain + 2 * n, &identity->cek_cert, n);
}

const uint8_t *sim_identity_cek(const struct sim_identity *identity)
{
	return (const uint8_t *)&identity->signed_cek_cert;
}

const uint8_t *sim_identity_id(const struct sim_identity *identity)
{
	return identity->id;
}

uint32_t sim_identity_agree(const struct sim_identity *identity,
			    const uint8_t *peer_pdh, uint8_t *z)
{
	struct sim_ec_public peer;
	uint32_t status;

	status = sim_cert_parse((const void *)peer_pdh, SIM_USAGE_PDH, &peer);
	if (status)
		return status;
	return sim_ec_agree(&identity->pdh, &peer, z) ? SIM_HWSEV_PLATFORM
						      : SIM_SUCCESS;
}
