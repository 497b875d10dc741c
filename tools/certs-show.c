/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "certs.h"
#include "hex.h"
#include "show.h"

#define ID_TEXT 33u

/* What a file may be, by its size. */
static const struct blob {
	size_t bytes;
	const char *name;
} blobs[] = {
	{576, "an AMD certificate without its signature"},
	{832, "an AMD certificate"},
	{1600, "an AMD certificate"},
	{SEVLM_CERT_SIZE, "a SEV certificate"},
	{1408, "AMD's certificates, ASK and ARK"},
	{1664, "AMD's certificates, ASK and ARK"},
	{3200, "AMD's certificates, ASK and ARK"},
	{SEVLM_CHAIN_SIZE, "a platform's certificates, PEK, OCA and CEK"},
};

struct word {
	uint32_t number;
	const char *text;
};

static const struct word usages[] = {
	{SEVLM_USAGE_ARK, "ARK"}, {SEVLM_USAGE_ASK, "ASK"},
	{SEVLM_USAGE_OCA, "OCA"}, {SEVLM_USAGE_PEK, "PEK"},
	{SEVLM_USAGE_PDH, "PDH"}, {SEVLM_USAGE_CEK, "CEK"},
};

/* SEV API, "Public Key Algorithm" */
static const struct word algorithms[] = {
	{0x001, "RSA SHA-256"},	  {0x101, "RSA SHA-384"},
	{0x002, "ECDSA SHA-256"}, {0x102, "ECDSA SHA-384"},
	{0x003, "ECDH SHA-256"},  {0x103, "ECDH SHA-384"},
};

static const char *find(const struct word *words, size_t count, uint32_t number)
{
	for (size_t i = 0; i < count; i++)
		if (words[i].number == number)
			return words[i].text;
	return "?";
}

static const char *usage_text(uint32_t usage)
{
	return find(usages, ARRAY_SIZE(usages), usage);
}

static const char *algorithm_text(uint32_t algorithm)
{
	return find(algorithms, ARRAY_SIZE(algorithms), algorithm);
}

static void print_sev(const struct sevlm_cert *cert)
{
	const char *between = "  signed by    ";

	printf("  API version  %u.%u\n  algorithm    %s\n", cert->api_major,
	       cert->api_minor, algorithm_text(cert->algorithm));
	for (size_t i = 0; i < ARRAY_SIZE(cert->signer); i++) {
		if (!cert->signer_algorithm[i])
			continue;
		printf("%s%s (%s, slot %zu)", between,
		       usage_text(cert->signer[i]),
		       algorithm_text(cert->signer_algorithm[i]), i + 1);
		between = ", ";
	}
	puts(*between == ',' ? "" : "  signed by    nobody");
}

static void print_amd(const struct sevlm_cert *cert)
{
	char key[ID_TEXT], signer[ID_TEXT];

	printf("  key id       %s\n  signed by    %s%s\n",
	       hex_encode(cert->key_id, sizeof(cert->key_id), key),
	       hex_encode(cert->certifying_id, sizeof(cert->certifying_id),
			  signer),
	       cert->signer_algorithm[0] ? ""
					 : ", but the signature is not there");
}

static void print_text(const struct sevlm_cert *cert, size_t offset)
{
	char digest[DIGEST_TEXT];

	printf("%s  %s form, %u bytes at %zu\n", usage_text(cert->usage),
	       cert->form == SEVLM_CERT_SEV ? "SEV" : "AMD", cert->bytes,
	       offset);
	if (cert->form == SEVLM_CERT_SEV)
		print_sev(cert);
	else
		print_amd(cert);
	printf("  key          %u bits, digest %s\n", cert->key_bits,
	       hex_encode(cert->key_digest, sizeof(cert->key_digest), digest));
}

static void json_sev(const struct sevlm_cert *cert)
{
	const char *between = "";

	printf(",\"api_major\":%u,\"api_minor\":%u,\"algorithm\":%u,"
	       "\"signers\":[",
	       cert->api_major, cert->api_minor, cert->algorithm);
	for (size_t i = 0; i < ARRAY_SIZE(cert->signer); i++) {
		if (!cert->signer_algorithm[i])
			continue;
		printf("%s{\"slot\":%zu,\"usage\":\"%s\",\"algorithm\":%u}",
		       between, i + 1, usage_text(cert->signer[i]),
		       cert->signer_algorithm[i]);
		between = ",";
	}
	putchar(']');
}

static void json_amd(const struct sevlm_cert *cert)
{
	char key[ID_TEXT], signer[ID_TEXT];

	printf(",\"key_id\":\"%s\",\"certifying_id\":\"%s\",\"signed\":%s",
	       hex_encode(cert->key_id, sizeof(cert->key_id), key),
	       hex_encode(cert->certifying_id, sizeof(cert->certifying_id),
			  signer),
	       cert->signer_algorithm[0] ? "true" : "false");
}

static void print_json(const struct sevlm_cert *cert, const char *path,
		       size_t offset)
{
	char digest[DIGEST_TEXT];

	printf("{\"event\":\"certificate\",\"file\":");
	json_text(path);
	printf(",\"offset\":%zu,\"bytes\":%u,\"form\":\"%s\",\"usage\":\"%s\","
	       "\"key_bits\":%u",
	       offset, cert->bytes,
	       cert->form == SEVLM_CERT_SEV ? "sev" : "amd",
	       usage_text(cert->usage), cert->key_bits);
	if (cert->form == SEVLM_CERT_SEV)
		json_sev(cert);
	else
		json_amd(cert);
	printf(",\"key_digest\":\"%s\"}\n",
	       hex_encode(cert->key_digest, sizeof(cert->key_digest), digest));
}

static int show_certs(const struct file *file, const char *path, bool json,
		      struct sentence *why)
{
	struct sevlm_cert cert = {.size = sizeof(cert)};
	size_t at = 0;
	int ret;

	for (; at < file->bytes; at += cert.bytes) {
		ret = sevlm_cert_decode(file->contents + at, file->bytes - at,
					&cert);
		if (ret)
			return fail(why, ret,
				    "%s: what is at byte %zu is no certificate",
				    path, at);
		if (json)
			print_json(&cert, path, at);
		else
			print_text(&cert, at);
	}
	return 0;
}

static int show_file(const struct file *file, const char *path, bool json,
		     struct sentence *why)
{
	for (size_t i = 0; i < ARRAY_SIZE(blobs); i++) {
		if (blobs[i].bytes != file->bytes)
			continue;
		if (!json)
			printf("%s: %s\n", path, blobs[i].name);
		return show_certs(file, path, json, why);
	}
	return fail(why, -EBADMSG,
		    "%s has %zu bytes, which neither a certificate nor a blob "
		    "of them has",
		    path, file->bytes);
}

static int show(const char *path, bool json)
{
	struct sentence why;
	struct file file;
	int ret = STATUS_USAGE;

	if (!file_read(&file, path, SEVLM_CHAIN_SIZE, false, &why))
		ret = show_file(&file, path, json, &why) ? STATUS_FAILED
							 : STATUS_DONE;
	file_free(&file);
	if (ret)
		complain("certs show", "%s", why.text);
	return ret;
}

int command_certs_show(const struct options *options)
{
	const struct words *files = &options->files;
	int ret, worst = STATUS_DONE;

	for (size_t i = 0; i < files->count; i++) {
		ret = show(files->at[i], options->json);
		worst = ret > worst ? ret : worst;
	}
	return worst;
}
