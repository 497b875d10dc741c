/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include "options-table.h"
#include "trust.h"

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
	{FOR_CERTS_SHOW, AT(files.at[0]), "which FILE?"},
	{FOR_CERTS_PIN, AT(files.at[0]), "--platform FILE is missing"},
	{FOR_CERTS_VERIFY | FOR_CERTS_EXPORT, AT(pdh), "--pdh FILE is missing"},
	{FOR_CERTS_VERIFY | FOR_CERTS_EXPORT, AT(platform),
	 "--platform FILE is missing"},
	{FOR_CERTS_VERIFY, AT(amd), "--amd FILE is missing"},
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

static int check_trust(const struct options *options, struct sentence *why)
{
	if (trust_named(options))
		return 0;
	return fail(why, -EINVAL,
		    "which platforms are trusted? Name them with --allow, "
		    "--chip or --owner, or say --any-chip to trust every chip "
		    "that AMD ever made");
}

static int check_verify(const struct options *options, struct sentence *why)
{
	if (options->policy.value & SEVLM_POLICY_DOMAIN &&
	    !options->own_platform)
		return fail(why, -EINVAL,
			    "--policy %x keeps the guest with its owner: "
			    "--own-platform FILE tells who that is",
			    options->policy.value);
	return 0;
}

static int check_export(const struct options *options, struct sentence *why)
{
	if (options->amd && !options->simulate)
		return fail(why, -EINVAL,
			    "--amd is of --simulate: AMD publishes its own "
			    "certificates, firmware has none of them");
	if (options->host_seed && !options->simulate)
		return fail(why, -EINVAL, "--host-seed goes with --simulate");
	return 0;
}

static int check_resolve(const struct options *options, struct sentence *why)
{
	if (!options->control == !options->note)
		return fail(why, -EINVAL,
			    "--control PATH of a receive that waits, or --note "
			    "FILE of a side that is gone: one of them");
	if (options->control && !options->source_fenced)
		return fail(why, -EINVAL,
			    "--control goes with --source-fenced: make sure "
			    "that the source can never run the guest again, "
			    "then say so");
	if (options->note && options->source_fenced)
		return fail(why, -EINVAL,
			    "--source-fenced goes with --control");
	if (options->note && !options->to == !options->listen)
		return fail(why, -EINVAL,
			    "--to HOST:PORT with a source's note, --listen "
			    "HOST:PORT with a target's: one of them");
	if (options->control && (options->to || options->listen))
		return fail(why, -EINVAL, "--control needs no address");
	return options->note ? check_channel(options, why) : 0;
}

/* What goes together, by command. */
static const struct {
	unsigned int commands;
	int (*check)(const struct options *options, struct sentence *why);
} checks[] = {
	{PEERS, check_channel},		  {PEERS, check_trust},
	{FOR_RESOLVE, check_resolve},	  {FOR_CERTS_VERIFY, check_verify},
	{FOR_CERTS_EXPORT, check_export},
};

int options_check(const struct options *options, struct sentence *why)
{
	int ret = check_needs(options, why);

	for (size_t i = 0; i < ARRAY_SIZE(checks) && !ret; i++)
		if (checks[i].commands & options->command)
			ret = checks[i].check(options, why);
	return ret;
}
