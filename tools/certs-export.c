/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "certs.h"
#include "hex.h"
#include "hosts.h"
#include "show.h"

#define CHIP_TEXT (2 * SEVLM_CHIP_ID_SIZE + 1)

/* what goes where */
struct output {
	const char *path; /* NULL: nowhere */
	const void *buf;
	size_t bytes;
};

/* Without the others none of them is of use. */
static int write_all(const struct output *outputs, size_t count, bool overwrite,
		     struct sentence *why)
{
	size_t done = 0;
	int ret = 0;

	for (; done < count && !ret; done++)
		if (outputs[done].path)
			ret = file_write(outputs[done].path, outputs[done].buf,
					 outputs[done].bytes, 0644, overwrite,
					 why);
	if (!ret || overwrite)
		return ret;
	for (size_t i = 0; i + 1 < done; i++)
		if (outputs[i].path)
			unlink(outputs[i].path);
	return ret;
}

static int write_files(const struct options *options,
		       const struct machine_certs *certs, struct sentence *why)
{
	const struct output outputs[] = {
		{options->pdh, certs->pdh, sizeof(certs->pdh)},
		{options->platform, certs->chain, sizeof(certs->chain)},
		{options->amd, certs->amd, sizeof(certs->amd)},
	};

	return write_all(outputs, ARRAY_SIZE(outputs), options->overwrite, why);
}

static void print(const struct options *options,
		  const struct machine_certs *certs)
{
	char id[CHIP_TEXT];

	hex_encode(certs->chip_id, sizeof(certs->chip_id), id);
	if (options->json)
		printf("{\"event\":\"result\",\"chip_id\":%s%s%s,"
		       "\"cek_signed\":%s}\n",
		       certs->chip_known ? "\"" : "",
		       certs->chip_known ? id : "null",
		       certs->chip_known ? "\"" : "",
		       certs->cek_signed ? "true" : "false");
	else if (certs->chip_known)
		printf("chip id %s\n", id);
	if (options->json || certs->cek_signed)
		return;
	puts("The CEK is not signed by AMD yet: ask AMD's certificate server "
	     "for the one of this\nchip id, and put it in with --cek.");
}

int command_certs_export(const struct options *options)
{
	struct machine_certs certs = {.cek_signed = options->cek};
	struct sentence why;
	int ret = machine_certs(options, &certs, &why);

	if (ret) {
		complain("certs export", "%s", why.text);
		return STATUS_FAILED;
	}
	ret = certs_put_cek(certs.chain, options->cek, &why);
	if (!ret)
		ret = write_files(options, &certs, &why);
	if (!ret) {
		print(options, &certs);
		return STATUS_DONE;
	}
	complain("certs export", "%s", why.text);
	return ret == -EKEYREJECTED ? STATUS_FAILED : STATUS_USAGE;
}
