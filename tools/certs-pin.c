/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <ctype.h>
#include <stdio.h>

#include "certs.h"
#include "hex.h"
#include "show.h"

struct pins {
	struct sevlm_cert chip, owner;
};

static int decode(const char *path, struct pins *pins, struct sentence *why)
{
	struct file file;
	int ret = certs_read(&file, path, SEVLM_CHAIN_SIZE, why);

	if (ret)
		return ret;
	pins->chip.size = pins->owner.size = sizeof(pins->chip);
	ret = sevlm_cert_decode(file.contents + CHAIN_OCA, SEVLM_CERT_SIZE,
				&pins->owner);
	if (!ret)
		ret = sevlm_cert_decode(file.contents + CHAIN_CEK,
					SEVLM_CERT_SIZE, &pins->chip);
	file_free(&file);
	if (!ret && pins->chip.usage == SEVLM_USAGE_CEK &&
	    pins->owner.usage == SEVLM_USAGE_OCA)
		return 0;
	return fail(why, ret ? ret : -1,
		    "%s: that are not the certificates of a platform", path);
}

/* A name must not become a line of its own. */
static void print_name(const char *path)
{
	for (; *path; path++)
		putchar(iscntrl((unsigned char)*path) ? '?' : *path);
}

static void print(const char *path, const struct pins *pins, bool json)
{
	char chip[DIGEST_TEXT], owner[DIGEST_TEXT];

	hex_encode(pins->chip.key_digest, SEVLM_KEY_DIGEST_SIZE, chip);
	hex_encode(pins->owner.key_digest, SEVLM_KEY_DIGEST_SIZE, owner);
	if (json) {
		printf("{\"event\":\"pin\",\"file\":");
		json_text(path);
		printf(",\"chip\":\"%s\",\"owner\":\"%s\"}\n", chip, owner);
		return;
	}
	printf("chip %s  # from ", chip);
	print_name(path);
	printf("\nowner %s  # from ", owner);
	print_name(path);
	putchar('\n');
}

int command_certs_pin(const struct options *options)
{
	const struct words *files = &options->files;
	struct sentence why;
	struct pins pins;

	for (size_t i = 0; i < files->count; i++) {
		if (decode(files->at[i], &pins, &why)) {
			complain("certs pin", "%s", why.text);
			return STATUS_USAGE;
		}
		print(files->at[i], &pins, options->json);
	}
	return STATUS_DONE;
}
