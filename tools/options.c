/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libsevlm/sim.h>

#include "options.h"

#define GUEST (FOR_DEMO | FOR_SEND)
#define MOVES (FOR_DEMO | FOR_SEND | FOR_RECEIVE)
#define PEERS (FOR_SEND | FOR_RECEIVE)
#define HOSTS (FOR_PROBE | FOR_PREFLIGHT)
#define ALL (MOVES | FOR_INSPECT | HOSTS)

#define MAX_MEMORY (1ull << 42)
#define HEX_DIGITS "0123456789abcdefABCDEF"
#define MAX_SECONDS 1000000u

enum kind { FLAG, NUMBER, HEX, SIZE, TEXT, WORKLOAD };

static const struct row {
	const char *name;
	unsigned int commands;
	enum kind kind;
	size_t offset;
	uint64_t least, most;
	const char *value;
	const char *help;
} rows[] = {
#define AT(field) offsetof(struct options, field)
	{"listen", FOR_RECEIVE, TEXT, AT(listen), 0, 0, "HOST:PORT",
	 "wait for a guest there; port 0 takes a free one"},
	{"to", FOR_SEND, TEXT, AT(to), 0, 0, "HOST:PORT",
	 "send the guest there"},
	{"insecure-plain", PEERS, FLAG, AT(insecure_plain), 0, 0, NULL,
	 "accept a channel that is not protected at all"},
	{"wait", PEERS, NUMBER, AT(wait_s), 0, MAX_SECONDS, "SECONDS",
	 "for the peer to appear (send: 30; receive: 0, without end)"},
	{"image", MOVES, TEXT, AT(image), 0, 0, "FILE",
	 "first contents of the guest's memory"},
	{"memory", GUEST, SIZE, AT(memory), SEVLM_PAGE_SIZE, MAX_MEMORY, "SIZE",
	 "of the guest, with K, M or G (512M, or the image's)"},
	{"max-memory", FOR_RECEIVE, SIZE, AT(max_memory), SEVLM_PAGE_SIZE,
	 MAX_MEMORY, "SIZE", "largest guest to take (16G)"},
	{"workload", GUEST, WORKLOAD, AT(workload), 0, 0, "NAME",
	 "idle, sequential, hot, random or flip (flip)"},
	{"seed", GUEST, NUMBER, AT(seed), 0, UINT64_MAX, "N",
	 "of the workload and the memory (1)"},
	{"rate", GUEST, NUMBER, AT(rate), 0, 1000000000, "STEPS",
	 "of the workload per second; 0: as fast as it can (3000)"},
	{"no-offer", GUEST, FLAG, AT(no_offer), 0, 0, NULL,
	 "do not offer live migration to the guest"},
	{"downtime-limit", GUEST, NUMBER, AT(downtime_limit_ms), 1,
	 MAX_SECONDS * 1000ull, "MS",
	 "stop the guest once the rest fits into it (50)"},
	{"max-rounds", GUEST, NUMBER, AT(max_rounds), 1, 1000, "N",
	 "of precopy before giving up (30)"},
	{"force", GUEST, FLAG, AT(force), 0, 0, NULL,
	 "after these rounds stop the guest whatever the downtime"},
	{"batch", GUEST, NUMBER, AT(batch), 1, SEVLM_MAX_BATCH, "N",
	 "pages per record (64)"},
	{"bandwidth", GUEST, NUMBER, AT(bandwidth), 1000, 1000000000000, "BITS",
	 "per second, at most"},
	{"note", MOVES, TEXT, AT(note), 0, 0, "FILE",
	 "where the decision is persisted; in a demo the source's"},
	{"sessions", FOR_RECEIVE, TEXT, AT(sessions), 0, 0, "FILE",
	 "take no guest twice: sessions received before are in it"},
	{"record", MOVES, TEXT, AT(record), 0, 0, "FILE",
	 "write the stream there, source to target"},
	{"record-answers", MOVES, TEXT, AT(record_answers), 0, 0, "FILE",
	 "write the target's answers there"},
	{"target", FOR_PREFLIGHT, TEXT, AT(target), 0, 0, "FILE",
	 "what sevlm probe --json printed on the other host"},
	{"policy", FOR_PREFLIGHT, HEX, AT(policy), 0, UINT32_MAX, "HEX",
	 "the guest's policy (0: it forbids nothing)"},
	{"memory", HOSTS, SIZE, AT(memory), SEVLM_PAGE_SIZE, MAX_MEMORY, "SIZE",
	 "of the guest, with K, M or G (not looked at)"},
	{"simulate", HOSTS, FLAG, AT(simulate), 0, 0, NULL,
	 "ask a software host instead of this machine"},
	{"json", ALL, FLAG, AT(json), 0, 0, NULL,
	 "print one JSON object per line"},
	{"quiet", MOVES, FLAG, AT(quiet), 0, 0, NULL,
	 "show neither progress nor tables"},
	{"help", ALL, FLAG, AT(help), 0, 0, NULL, "show this"},
	/* for tests: man page, TESTING */
	{"die-at", PEERS, TEXT, AT(die_at), 0, 0, "MOMENT", NULL},
#undef AT
};

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

static int set_number(const struct row *row, const char *text, uint64_t *ret,
		      struct sentence *why)
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

static int set_hex(const struct row *row, const char *text, uint64_t *ret,
		   struct sentence *why)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 16);
	if (!*text || !strchr(HEX_DIGITS, *text) || *end || errno ||
	    value > row->most)
		return fail(why, -EINVAL,
			    "--%s %s: must be hexadecimal, 0 to %llx",
			    row->name, text, (unsigned long long)row->most);
	*ret = value;
	return 0;
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

static int set(struct options *options, const struct row *row, const char *text,
	       struct sentence *why)
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
	case WORKLOAD:
		return set_workload(text, field, why);
	case HEX:
		return set_hex(row, text, field, why);
	case NUMBER:
	case SIZE:
		break;
	}
	return set_number(row, text, field, why);
}

static const struct row *find(unsigned int command, const char *name,
			      size_t length)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].commands & command &&
		    strlen(rows[i].name) == length &&
		    !strncmp(rows[i].name, name, length))
			return &rows[i];
	return NULL;
}

/* "--name value" or "--name=value"; @at moves on over the value */
static int parse_option(struct options *options, char **argv, int *at,
			struct sentence *why)
{
	const char *name = argv[*at] + 2;
	size_t length = strcspn(name, "=");
	const char *value = name[length] ? name + length + 1 : NULL;
	const struct row *row = find(options->command, name, length);

	if (!row)
		return fail(why, -EINVAL, "there is no option --%.*s",
			    (int)length, name);
	if (row->kind == FLAG && value)
		return fail(why, -EINVAL, "--%s takes no value", row->name);
	if (row->kind != FLAG && !value)
		value = argv[++*at];
	if (row->kind != FLAG && !value)
		return fail(why, -EINVAL, "--%s needs a value: %s", row->name,
			    row->value);
	return set(options, row, value, why);
}

static int parse_word(struct options *options, char *word, struct sentence *why)
{
	if (options->command != FOR_INSPECT || options->file)
		return fail(why, -EINVAL, "one word too many: %s", word);
	options->file = word;
	return 0;
}

static int check(const struct options *options, struct sentence *why)
{
	if (options->help)
		return 0;
	if (options->command == FOR_INSPECT && !options->file)
		return fail(why, -EINVAL, "which FILE?");
	if (options->command == FOR_PREFLIGHT && !options->target)
		return fail(why, -EINVAL, "--target FILE is missing");
	if (options->command == FOR_RECEIVE && !options->listen)
		return fail(why, -EINVAL, "--listen HOST:PORT is missing");
	if (options->command == FOR_SEND && !options->to)
		return fail(why, -EINVAL, "--to HOST:PORT is missing");
	if (options->command & PEERS && !options->insecure_plain)
		return fail(why, -EINVAL,
			    "there is no protected channel yet: say "
			    "--insecure-plain to use one that is not "
			    "protected at all");
	return 0;
}

static void defaults(struct options *options)
{
	options->max_memory = 16ull << 30;
	options->workload = SEVLM_SIM_FLIP;
	options->seed = 1;
	options->rate = 3000;
	options->downtime_limit_ms = 50;
	options->max_rounds = 30;
	options->batch = SEVLM_MAX_BATCH;
	options->wait_s = options->command == FOR_SEND ? 30 : 0;
}

int options_parse(struct options *options, int argc, char **argv,
		  struct sentence *why)
{
	int ret = 0;

	defaults(options);
	for (int i = 0; i < argc && !ret; i++)
		ret = strncmp(argv[i], "--", 2)
			      ? parse_word(options, argv[i], why)
			      : parse_option(options, argv, &i, why);
	return ret ? ret : check(options, why);
}

void options_help(unsigned int command)
{
	char left[40];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!(rows[i].commands & command) || !rows[i].help)
			continue;
		snprintf(left, sizeof(left), "--%s%s%s", rows[i].name,
			 rows[i].value ? " " : "",
			 rows[i].value ? rows[i].value : "");
		printf("  %-24s %s\n", left, rows[i].help);
	}
}
