/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* From the text of an option to its value. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libsevlm/sim.h>

#include "options-table.h"

#define HEX_DIGITS "0123456789abcdefABCDEF"

static const struct {
	const char *name;
	uint32_t workload;
} workloads[] = {
	{"idle", SEVLM_SIM_IDLE}, {"sequential", SEVLM_SIM_SEQUENTIAL},
	{"hot", SEVLM_SIM_HOT},	  {"random", SEVLM_SIM_RANDOM},
	{"flip", SEVLM_SIM_FLIP},
};

static int parse_number(const char *text, uint64_t *ret, const char **ret_end)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	*ret_end = end;
	return errno ? -EINVAL : 0;
}

static int parse_suffix(const char *suffix, uint64_t *value)
{
	static const char suffixes[] = "KMG";
	const char *found;
	unsigned int shift;

	if (!*suffix)
		return 0;
	found = strchr(suffixes, *suffix);
	if (!found || suffix[1])
		return -EINVAL;
	shift = 10 * (unsigned int)(found - suffixes + 1);
	if (*value > UINT64_MAX >> shift)
		return -EINVAL;
	*value <<= shift;
	return 0;
}

static int set_number(const struct option_row *row, const char *text,
		      uint64_t *ret, struct sentence *why)
{
	const char *end;
	uint64_t value;

	if (parse_number(text, &value, &end) ||
	    (row->kind == SIZE ? parse_suffix(end, &value) : *end))
		return fail(why, -EINVAL, "--%s %s: that is not a %s",
			    row->name, text,
			    row->kind == SIZE ? "size like 512M" : "number");
	if (row->kind == SIZE && (!value || value % SEVLM_PAGE_SIZE))
		return fail(why, -EINVAL,
			    "--%s %s: memory comes in pages of 4096 bytes, "
			    "and not none",
			    row->name, text);
	if (value < row->least || value > row->most)
		return fail(why, -EINVAL, "--%s %s: must be %llu to %llu",
			    row->name, text, (unsigned long long)row->least,
			    (unsigned long long)row->most);
	*ret = value;
	return 0;
}

/* returns what is behind the digits, NULL where they are no 32 bits */
static const char *parse_hex(const char *text, uint32_t *ret)
{
	unsigned long long value;
	char *end;

	if (!*text || !strchr(HEX_DIGITS, *text))
		return NULL;
	errno = 0;
	value = strtoull(text, &end, 16);
	*ret = (uint32_t)value;
	return errno || value > UINT32_MAX ? NULL : end;
}

static int set_hex(const struct option_row *row, const char *text,
		   struct flags *ret, struct sentence *why)
{
	const char *end = parse_hex(text, &ret->value);

	ret->mask = UINT32_MAX;
	if (end && *end == '/' && row->kind == MASKED)
		end = parse_hex(end + 1, &ret->mask);
	if (end && !*end && ret->value & ~ret->mask)
		return fail(why, -EINVAL,
			    "--%s %s: bits that are not in the mask", row->name,
			    text);
	if (end && !*end)
		return 0;
	return fail(why, -EINVAL,
		    "--%s %s: must be hexadecimal, 0 to ffffffff%s", row->name,
		    text, row->kind == MASKED ? ", with /MASK or without" : "");
}

static int set_workload(const char *text, uint64_t *ret, struct sentence *why)
{
	for (size_t i = 0; i < ARRAY_SIZE(workloads); i++)
		if (!strcmp(text, workloads[i].name)) {
			*ret = workloads[i].workload;
			return 0;
		}
	return fail(why, -EINVAL,
		    "--workload %s: there are idle, sequential, hot, random "
		    "and flip",
		    text);
}

/* "0.24" */
static int set_version(const struct option_row *row, const char *text,
		       struct pair *ret, struct sentence *why)
{
	uint64_t major = 0, minor = 0;
	const char *end;

	if (parse_number(text, &major, &end) || *end != '.' ||
	    parse_number(end + 1, &minor, &end) || *end || major > row->most ||
	    minor > row->most)
		return fail(why, -EINVAL,
			    "--%s %s: must be a version like 0.24", row->name,
			    text);
	*ret = (struct pair){(uint32_t)major, (uint32_t)minor, true};
	return 0;
}

static int push(struct words *words, const char *name, const char *text,
		struct sentence *why)
{
	if (!*text)
		return fail(why, -EINVAL, "--%s is empty", name);
	if (words->count == MAX_WORDS)
		return fail(why, -EINVAL, "--%s more than %u times", name,
			    MAX_WORDS);
	words->at[words->count++] = text;
	return 0;
}

int option_set(struct options *options, const struct option_row *row,
	       const char *text, struct sentence *why)
{
	void *field = (char *)options + row->offset;

	switch (row->kind) {
	case FLAG:
		*(bool *)field = true;
		return 0;
	case TEXT:
		*(const char **)field = text;
		return *text ? 0
			     : fail(why, -EINVAL, "--%s is empty", row->name);
	case LIST:
		return push(field, row->name, text, why);
	case WORKLOAD:
		return set_workload(text, field, why);
	case HEX:
	case MASKED:
		return set_hex(row, text, field, why);
	case VERSION:
		return set_version(row, text, field, why);
	case NUMBER:
	case SIZE:
		break;
	}
	return set_number(row, text, field, why);
}
