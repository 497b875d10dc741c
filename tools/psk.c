/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "file.h"
#include "hex.h"
#include "psk.h"

#define FORMAT "sevlm-psk-1 "
#define ROLE_LENGTH 6u
#define DIGITS (2 * PSK_BYTES)
#define LINE_BYTES (sizeof(FORMAT) - 1 + ROLE_LENGTH + 1 + DIGITS + 1)

static int decode(const char *line, const char *path, const char *role,
		  uint8_t *psk, struct sentence *why)
{
	const char *there = line + sizeof(FORMAT) - 1;
	const char *digits = there + ROLE_LENGTH + 1;

	if (strncmp(line, FORMAT, sizeof(FORMAT) - 1) ||
	    (strncmp(there, "source ", ROLE_LENGTH + 1) &&
	     strncmp(there, "target ", ROLE_LENGTH + 1)) ||
	    digits[DIGITS] != '\n' ||
	    !hex_decode(digits, DIGITS, psk, PSK_BYTES))
		return fail(why, -EINVAL,
			    "%s is no key that sevlm psk has made", path);
	if (strncmp(there, role, ROLE_LENGTH))
		return fail(why, -EINVAL,
			    "%s was made for the %.6s of a migration, and this "
			    "host is the %s",
			    path, there, role);
	return 0;
}

int psk_read(const char *path, const char *role, uint8_t *psk,
	     struct sentence *why)
{
	struct file file;
	int ret = file_read(&file, path, LINE_BYTES, true, why);

	if (ret)
		return ret;
	if (file.bytes == LINE_BYTES)
		ret = decode((const char *)file.contents, path, role, psk, why);
	else
		ret = fail(why, -EINVAL, "%s is no key that sevlm psk has made",
			   path);
	file_free(&file);
	if (ret)
		explicit_bzero(psk, PSK_BYTES);
	return ret;
}

static int put(const char *path, const char *role, const uint8_t *psk,
	       struct sentence *why)
{
	char digits[DIGITS + 1], line[LINE_BYTES + 1];
	int ret;

	snprintf(line, sizeof(line), FORMAT "%s %s\n", role,
		 hex_encode(psk, PSK_BYTES, digits));
	ret = file_write(path, line, LINE_BYTES, 0600, false, why);
	explicit_bzero(digits, sizeof(digits));
	explicit_bzero(line, sizeof(line));
	return ret;
}

static int put_both(const struct options *options, const uint8_t *psk,
		    struct sentence *why)
{
	int ret = put(options->source_psk, "source", psk, why);

	if (ret)
		return ret;
	ret = put(options->target_psk, "target", psk, why);
	if (ret)
		unlink(options->source_psk);
	return ret;
}

int command_psk(const struct options *options)
{
	uint8_t psk[PSK_BYTES];
	struct sentence why;
	int ret;

	if (getrandom(psk, sizeof(psk), 0) == sizeof(psk))
		ret = put_both(options, psk, &why);
	else
		ret = fail(&why, -EIO, "no randomness: %s", strerror(errno));
	explicit_bzero(psk, sizeof(psk));
	if (!ret)
		return STATUS_DONE;
	complain(options->name, "%s", why.text);
	return STATUS_USAGE;
}
