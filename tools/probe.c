/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>

#include "hosts.h"

static void print(const struct options *options, const struct sevlm_host *host,
		  const struct sevlm_findings *findings)
{
	if (!options->json) {
		facts_print(host);
		findings_print(findings);
		return;
	}
	printf("{\"host\":");
	facts_json(host);
	printf(",\"findings\":");
	findings_json(findings);
	printf("}\n");
}

static int check(const struct options *options, const struct sevlm_host *host,
		 struct sevlm_findings *findings, struct sentence *why)
{
	int error = sevlm_check_host(host, options->memory, findings);

	return error ? fail(why, error, "%s", sevlm_strerror(error)) : 0;
}

int command_probe(const struct options *options)
{
	struct sevlm_findings *findings = NULL;
	struct sevlm_host host;
	struct sentence why;
	int error;

	error = machine_ask(options->simulate, &host, &why);
	if (!error && sevlm_findings_new(&findings))
		error = fail(&why, -1, "out of memory");
	if (!error)
		error = check(options, &host, findings, &why);
	if (error)
		complain("probe", "%s", why.text);
	else
		print(options, &host, findings);
	error = error ||
		sevlm_findings_worst(findings) == SEVLM_SEVERITY_BLOCKER;
	sevlm_findings_free(findings);
	return error ? STATUS_FAILED : STATUS_DONE;
}
