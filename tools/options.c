/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <libsevlm/sim.h>

#include "options-table.h"

static const struct option_row *find(unsigned int command, const char *name,
				     size_t length)
{
	for (size_t i = 0; i < option_rows_count; i++)
		if (option_rows[i].commands & command &&
		    strlen(option_rows[i].name) == length &&
		    !strncmp(option_rows[i].name, name, length))
			return &option_rows[i];
	return NULL;
}

/* "--name value" or "--name=value"; @at moves on over the value */
static int parse_option(struct options *options, char **argv, int *at,
			struct sentence *why)
{
	const char *name = argv[*at] + 2;
	size_t length = strcspn(name, "=");
	const char *value = name[length] ? name + length + 1 : NULL;
	const struct option_row *row = find(options->command, name, length);

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
	return option_set(options, row, value, why);
}

static size_t most_words(unsigned int command)
{
	if (command & (FOR_CERTS_SHOW | FOR_CERTS_PIN))
		return MAX_WORDS;
	return command == FOR_INSPECT ? 1 : 0;
}

static int parse_word(struct options *options, char *word, struct sentence *why)
{
	if (options->files.count >= most_words(options->command))
		return fail(why, -EINVAL, "one word too many: %s", word);
	options->files.at[options->files.count++] = word;
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
	options->reconnect_s = 30;
	if (options->command & (FOR_DEMO | FOR_SEND))
		options->policy.value = SEVLM_POLICY_NODBG;
	options->wait_s = options->command == FOR_RECEIVE ? 0 : 30;
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
	return ret || options->help ? ret : options_check(options, why);
}

void options_help(unsigned int command)
{
	char left[40];

	for (size_t i = 0; i < option_rows_count; i++) {
		if (!(option_rows[i].commands & command) ||
		    !option_rows[i].help)
			continue;
		snprintf(left, sizeof(left), "--%s%s%s", option_rows[i].name,
			 option_rows[i].value ? " " : "",
			 option_rows[i].value ? option_rows[i].value : "");
		printf("  %-27s %s\n", left, option_rows[i].help);
	}
}
