/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Certificates of every form, chains with one change each. */
#include "cert.h"
#include "certs.h"
#include "seeds.h"

static void put_cert(const char *corpus, const char *name, uint8_t as,
		     const uint8_t *bytes, size_t count)
{
	FILE *file = create(corpus, "fuzz-cert", name);

	fputc(as, file);
	fwrite(bytes, 1, count, file);
	fclose(file);
}

/* the form of AMD's that a software host does not have */
static void put_small_amd(const char *corpus, const char *name, uint32_t usage,
			  uint32_t bytes)
{
	struct sevlm__cert cert = {
		.bytes = bytes,
		.signed_bytes = CERT_AMD_UNSIGNED,
		.usage = usage,
		.rsa_bytes = 256,
	};
	uint8_t out[832];

	cert.modulus[0] = 0x80;
	cert.modulus[255] = 1;
	MUST(sevlm__cert_encode(&cert, out, sizeof(out)) == bytes);
	put_cert(corpus, name, 2, out, bytes);
}

void put_certs(const char *corpus)
{
	struct certs certs;

	certs_of_seed(&certs, 1);
	put_cert(corpus, "pdh", 1, certs.pdh, CERT);
	put_cert(corpus, "pek", 1, certs.chain + AT_PEK, CERT);
	put_cert(corpus, "oca", 0, certs.chain + AT_OCA, CERT);
	put_cert(corpus, "cek", 4, certs.chain + AT_CEK, CERT);
	put_cert(corpus, "ask", 2, certs.amd, 1600);
	put_cert(corpus, "ark", 3, certs.amd + 1600, 1600);
	put_small_amd(corpus, "ark-576", SEVLM_USAGE_ARK, 576);
	put_small_amd(corpus, "ark-832", SEVLM_USAGE_ARK, 832);
	put_small_amd(corpus, "ask-832", SEVLM_USAGE_ASK, 832);
}

/* whom to trust, and one change of each kind at each place */
static void put_chain(const char *corpus, uint8_t mode, uint8_t kind,
		      uint8_t place)
{
	static const uint8_t bytes[] = {20, 4, 1};
	const struct fuzz_op op = {kind, place, bytes, sizeof(bytes)};
	char name[32];
	FILE *file;

	snprintf(name, sizeof(name), "%02x-%u-%u", mode, kind, place);
	file = create(corpus, "fuzz-chain", name);
	fputc(mode, file);
	if (kind < 6)
		put_op(file, &op);
	fclose(file);
}

void put_chains(const char *corpus)
{
	for (uint8_t mode = 0; mode < 0x40; mode++)
		put_chain(corpus, mode, 6, 0);
	for (uint8_t place = 0; place < 6; place++)
		for (uint8_t kind = 0; kind < 6; kind++)
			put_chain(corpus, 0x03, kind, place);
}
