/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include "options-table.h"

/* What a command cannot do without: the pointer at @offset is set. */
static const struct {
	unsigned int commands;
	size_t offset;
	const char *text;
} needs[] = {
#define AT(field) offsetof(struct options, field)
	{FOR_INSPECT, AT(files.at[0]), "which FILE?"},
	{FOR_PREFLIGHT, AT(target), "--target FILE is missing"},
	{FOR_RECEIVE, AT(listen), "--listen HOST:PORT is missing"},
	{FOR_SEND, AT(to), "--to HOST:PORT is missing"},
	{FOR_PSK, AT(source_psk), "--source FILE is missing"},
	{FOR_PSK, AT(target_psk), "--target FILE is missing"},
#undef AT
};

static int check_needs(const struct options *options, struct sentence *why)
{
	for (size_t i = 0; i < ARRAY_SIZE(needs); i++)
		if (needs[i].commands & options->command &&
		    !*(const char *const *)((const char *)options +
					    needs[i].offset))
			return fail(why, -EINVAL, "%s", needs[i].text);
	return 0;
}

static int check_channel(const struct options *options, struct sentence *why)
{
	int kinds = !!options->psk_file + !!options->tls_dir +
		    options->insecure_plain;

	if (!kinds)
		return fail(why, -EINVAL,
			    "how is the channel protected? Name --psk-file or "
			    "--tls-dir, or say --insecure-plain to use one "
			    "that is not protected at all");
	if (kinds > 1)
		return fail(why, -EINVAL,
			    "--psk-file, --tls-dir, --insecure-plain: one of "
			    "them");
	if (options->tls_dir && !options->tls_peer)
		return fail(why, -EINVAL,
			    "--tls-dir goes with --tls-peer NAME: to have a "
			    "certificate is not to be the one that was meant");
	if (options->tls_peer && !options->tls_dir)
		return fail(why, -EINVAL, "--tls-peer goes with --tls-dir");
	return 0;
}

int options_check(const struct options *options, struct sentence *why)
{
	int ret = check_needs(options, why);

	if (!ret && options->command & PEERS)
		ret = check_channel(options, why);
	return ret;
}
