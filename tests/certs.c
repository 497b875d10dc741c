/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/psp-sev.h>
#include <sys/ioctl.h>

#include "certs.h"

static void require(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "certs: %s\n", what);
	abort();
}

void put_le32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

uint32_t get_le32(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

void certs_of_host(struct certs *certs, struct sevlm_sim_host *host)
{
	struct sev_user_data_pdh_cert_export export = {
		.pdh_cert_address = (uintptr_t)certs->pdh,
		.pdh_cert_len = sizeof(certs->pdh),
		.cert_chain_address = (uintptr_t)certs->chain,
		.cert_chain_len = sizeof(certs->chain),
	};
	struct sev_issue_cmd issue = {
		.cmd = SEV_PDH_CERT_EXPORT,
		.data = (uintptr_t) & export,
	};

	require(!sevlm_sim_host_sev(host, (uint32_t)SEV_ISSUE_CMD, &issue),
		"export");
	require(!sevlm_sim_host_cek(host, certs->chain + AT_CEK), "CEK");
	require(!sevlm_sim_host_amd(host, certs->amd), "AMD");
	certs->amd_bytes = SEVLM_SIM_AMD_SIZE;
}

void certs_of_seed(struct certs *certs, uint64_t seed)
{
	struct sevlm_sim_host_config config = {
		.size = sizeof(config),
		.seed = seed,
	};
	struct sevlm_sim_host *host;

	require(!sevlm_sim_host_new(&config, &host), "host");
	certs_of_host(certs, host);
	sevlm_sim_host_free(host);
}

struct sevlm_peer certs_peer(const struct certs *certs)
{
	return (struct sevlm_peer){
		.size = sizeof(struct sevlm_peer),
		.pdh = certs->pdh,
		.chain = certs->chain,
		.amd = certs->amd,
		.amd_bytes = certs->amd_bytes,
	};
}

const uint8_t *certs_ark(const struct certs *certs, size_t *ret_bytes)
{
	size_t ask = certs->amd_bytes == 3200 ? 1600 : 832;

	*ret_bytes = certs->amd_bytes - ask;
	return certs->amd + ask;
}

struct sevlm_trust *certs_trust(const struct certs *certs)
{
	struct sevlm_trust *trust;
	size_t bytes;
	const uint8_t *ark = certs_ark(certs, &bytes);

	require(!sevlm_trust_new(&trust), "trust");
	require(!sevlm_trust_add_root(trust, ark, bytes), "root");
	require(!sevlm_trust_allow_any_chip(trust), "any chip");
	return trust;
}

void certs_key_digest(const uint8_t *cert, uint8_t *digest)
{
	require(EVP_Digest(cert + 16, 1028, digest, NULL, EVP_sha256(), NULL),
		"digest");
}

bool certs_file(const char *name, void *buf, size_t room, size_t *ret_bytes)
{
	const char *data = getenv("SEVLM_SHARED_DATA");
	const char *root = getenv("SEVLM_SOURCE_ROOT");
	char path[4096];
	FILE *file;

	if (data)
		snprintf(path, sizeof(path), "%s/certs/%s", data, name);
	else
		snprintf(path, sizeof(path), "%s/../shared/data/certs/%s",
			 root ? root : ".", name);
	file = fopen(path, "rb");
	if (!file)
		return false;
	*ret_bytes = fread(buf, 1, room, file);
	require(!ferror(file), path);
	if (*ret_bytes == room && fgetc(file) != EOF)
		*ret_bytes = 0;
	fclose(file);
	return *ret_bytes;
}
