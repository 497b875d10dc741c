/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <libsevlm/sim.h>

#include "file.h"
#include "hex.h"
#include "trust.h"

#define ROOT_MOST 1600u
#define ALLOW_MOST (16u << 20)
#define SIM_ARK_SIZE (SEVLM_SIM_AMD_SIZE / 2)
#define BLANKS " \t\r"

/* The two kinds of entries, in a file and on the command line. */
static const struct entry {
	const char *word;
	int (*add)(struct sevlm_trust *trust, const void *digest);
} entries[] = {
	{"chip", sevlm_trust_add_chip},
	{"owner", sevlm_trust_add_owner},
};

bool trust_named(const struct options *options)
{
	return options->allow.count || options->chips.count ||
	       options->owners.count || options->any_chip;
}

static int add_entry(struct sevlm_trust *trust, const struct entry *entry,
		     const char *digits, size_t length)
{
	uint8_t digest[SEVLM_KEY_DIGEST_SIZE];

	return hex_decode(digits, length, digest, sizeof(digest))
		       ? entry->add(trust, digest)
		       : -EINVAL;
}

static int add_words(struct sevlm_trust *trust, const struct entry *entry,
		     const struct words *words, struct sentence *why)
{
	const char *digits;
	int ret;

	for (size_t i = 0; i < words->count; i++) {
		digits = words->at[i];
		ret = add_entry(trust, entry, digits, strlen(digits));
		if (ret)
			return fail(why, ret,
				    "--%s %s: must be a key digest of 64 "
				    "hexadecimal digits",
				    entry->word, digits);
	}
	return 0;
}

/* the word at *at, which moves behind it; its length, 0 at the end */
static size_t next_word(const char **at, const char **ret_word)
{
	size_t length;

	*ret_word = *at + strspn(*at, BLANKS);
	length = strcspn(*ret_word, BLANKS "#");
	*at = *ret_word + length;
	return length;
}

static int bad_line(const char *path, size_t number, const char *what,
		    struct sentence *why)
{
	return fail(why, -EINVAL, "%s: line %zu: %s", path, number, what);
}

/* returns 1 for an entry, 0 for none, or a negative errno */
static int add_line(struct sevlm_trust *trust, const char *line,
		    const char *path, size_t number, struct sentence *why)
{
	const char *word, *digits, *rest;
	size_t length = next_word(&line, &word), count;
	int ret = -EINVAL;

	if (!length)
		return 0;
	count = next_word(&line, &digits);
	if (next_word(&line, &rest))
		return bad_line(path, number, "one word too many", why);
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		if (strlen(entries[i].word) != length ||
		    strncmp(entries[i].word, word, length))
			continue;
		ret = add_entry(trust, &entries[i], digits, count);
		if (ret == -EINVAL)
			return bad_line(path, number,
					"a key digest has 64 hexadecimal "
					"digits",
					why);
		return ret ? bad_line(path, number, sevlm_strerror(ret), why)
			   : 1;
	}
	return bad_line(path, number, "a line begins with chip or owner", why);
}

static int add_lines(struct sevlm_trust *trust, const struct file *file,
		     const char *path, struct sentence *why)
{
	char *line = (char *)file->contents, *end;
	size_t number = 0, entered = 0;
	int ret = 0;

	if (memchr(line, '\0', file->bytes))
		return fail(why, -EINVAL, "%s is no text", path);
	for (; line && ret >= 0; line = end ? end + 1 : NULL) {
		end = strchr(line, '\n');
		if (end)
			*end = '\0';
		ret = add_line(trust, line, path, ++number, why);
		entered += ret > 0;
	}
	if (ret < 0)
		return ret;
	return entered ? 0
		       : fail(why, -EINVAL, "%s names no chip and no owner",
			      path);
}

static int add_files(struct sevlm_trust *trust, const struct words *paths,
		     struct sentence *why)
{
	struct file file;
	int ret = 0;

	for (size_t i = 0; i < paths->count && !ret; i++) {
		ret = file_read(&file, paths->at[i], ALLOW_MOST, false, why);
		if (!ret)
			ret = add_lines(trust, &file, paths->at[i], why);
		file_free(&file);
	}
	return ret;
}

static int add_root(struct sevlm_trust *trust, const char *path,
		    struct sentence *why)
{
	struct file file;
	int ret = file_read(&file, path, ROOT_MOST, false, why);

	if (ret)
		return ret;
	ret = sevlm_trust_add_root(trust, file.contents, file.bytes);
	file_free(&file);
	return ret ? fail(why, ret, "--root %s: %s", path,
			  ret == -EBADMSG	 ? "it is no ARK"
			  : ret == -EKEYREJECTED ? "it is not signed by itself"
						 : sevlm_strerror(ret))
		   : 0;
}

static int add_roots(struct sevlm_trust *trust, const struct words *paths,
		     struct sentence *why)
{
	int ret = 0;

	for (size_t i = 0; i < paths->count && !ret; i++)
		ret = add_root(trust, paths->at[i], why);
	return ret;
}

/* each software host has the same */
static int add_software_root(struct sevlm_trust *trust, struct sentence *why)
{
	uint8_t amd[SEVLM_SIM_AMD_SIZE];
	struct sevlm_sim_host *host;
	int ret = sevlm_sim_host_new(NULL, &host);

	if (!ret) {
		ret = sevlm_sim_host_amd(host, amd);
		sevlm_sim_host_free(host);
	}
	if (!ret)
		ret = sevlm_trust_add_root(trust, amd + SIM_ARK_SIZE,
					   SIM_ARK_SIZE);
	return ret ? fail(why, ret, "--software-root: %s", sevlm_strerror(ret))
		   : 0;
}

static int set_floor(struct sevlm_trust *trust, const struct pair *floor)
{
	return floor->given ? sevlm_trust_set_floor(trust, floor->first,
						    floor->second)
			    : 0;
}

static int fill(struct sevlm_trust *trust, const struct options *options,
		struct sentence *why)
{
	int ret = add_roots(trust, &options->roots, why);

	if (!ret && options->software_root)
		ret = add_software_root(trust, why);
	if (!ret)
		ret = add_files(trust, &options->allow, why);
	if (!ret)
		ret = add_words(trust, &entries[0], &options->chips, why);
	if (!ret)
		ret = add_words(trust, &entries[1], &options->owners, why);
	if (!ret && options->any_chip)
		ret = sevlm_trust_allow_any_chip(trust);
	return ret ? ret : set_floor(trust, &options->floor);
}

int trust_build(const struct options *options, struct sevlm_trust **ret,
		struct sentence *why)
{
	int error = sevlm_trust_new(ret);

	if (error)
		return fail(why, error, "%s", sevlm_strerror(error));
	error = fill(*ret, options, why);
	if (error) {
		sevlm_trust_free(*ret);
		*ret = NULL;
	}
	return error;
}
