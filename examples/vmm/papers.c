/* SPDX-License-Identifier: MIT-0 */
#include <err.h>
#include <errno.h>
#include <string.h>

#include "papers.h"

/* how many bytes; 0 where there is no such file */
static size_t read_file(const char *directory, const char *name, void *buf,
			size_t bytes)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "re");
	if (!file)
		return 0;
	bytes = fread(buf, 1, bytes, file);
	fclose(file);
	return bytes;
}

/* Firmware exports the chip's certificate without AMD's signature. */
static int own(struct vmm *vmm, struct papers *papers)
{
	uint8_t pdh[SEVLM_PDH_SIZE], cek[SEVLM_CERT_SIZE];
	size_t bytes;
	int ret;

	ret = sevlm_vm_export_certs(vmm->vm, pdh, papers->chain);
	if (ret)
		return ret;
	bytes = read_file(vmm->papers, "cek.cert", cek, sizeof(cek));
	papers->amd_bytes = read_file(vmm->papers, "amd.cert", papers->amd,
				      sizeof(papers->amd));
	return sevlm_chain_set_cek(papers->chain, cek, bytes);
}

static int peer(struct vmm *vmm, struct papers *papers)
{
	struct sevlm_trust *trust = papers->trust;
	struct sevlm_cert cert = { .size = sizeof(cert) };
	uint8_t buf[SEVLM_CERT_SIZE];
	size_t bytes;
	int ret = 0;

	bytes = read_file(vmm->papers, "peer.psk", papers->psk,
			  sizeof(papers->psk));
	if (bytes != sizeof(papers->psk))
		return -EINVAL;
	bytes = read_file(vmm->papers, "peer.ark", buf, sizeof(buf));
	if (bytes)
		ret = sevlm_trust_add_root(trust, buf, bytes);
	bytes = read_file(vmm->papers, "peer.cek", buf, sizeof(buf));
	if (!ret)
		ret = sevlm_cert_decode(buf, bytes, &cert);
	return ret ? ret : sevlm_trust_add_chip(trust, cert.key_digest);
}

int papers_load(struct vmm *vmm, struct papers *papers)
{
	int ret;

	memset(papers, 0, sizeof(*papers));
	ret = own(vmm, papers);
	if (!ret)
		ret = sevlm_trust_new(&papers->trust);
	if (!ret)
		ret = peer(vmm, papers);
	if (!ret)
		return 0;
	warnx("the certificates in %s: %s", vmm->papers, sevlm_strerror(ret));
	papers_free(papers);
	return -1;
}

void papers_free(struct papers *papers)
{
	sevlm_trust_free(papers->trust);
	explicit_bzero(papers, sizeof(*papers));
}
