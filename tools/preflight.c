/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>

#include "hosts.h"

struct plan {
	const struct options *options;
	struct sevlm_host host, target;
	struct sevlm_findings *findings;
	struct sentence why;
};

static bool can(const struct plan *plan)
{
	return sevlm_findings_worst(plan->findings) < SEVLM_SEVERITY_BLOCKER;
}

static void print_table(const struct plan *plan)
{
	printf("this host\n");
	facts_print(&plan->host);
	printf("\nthe target, %s\n", plan->options->target);
	facts_print(&plan->target);
	findings_print(plan->findings);
	printf("\n%s\n", can(plan) ? "The guest can go there."
				   : "The guest cannot go there.");
}

static void print_json(const struct plan *plan)
{
	printf("{\"can\":%s,\"host\":", can(plan) ? "true" : "false");
	facts_json(&plan->host);
	printf(",\"target\":");
	facts_json(&plan->target);
	printf(",\"findings\":");
	findings_json(plan->findings);
	printf("}\n");
}

static int check(struct plan *plan)
{
	const struct options *options = plan->options;
	int error = sevlm_findings_new(&plan->findings);

	if (!error)
		error = sevlm_check_host(&plan->host, options->memory,
					 plan->findings);
	if (!error)
		error = sevlm_check_target(options->policy.value,
					   options->memory, &plan->target,
					   plan->findings);
	return error ? fail(&plan->why, error, "%s", sevlm_strerror(error)) : 0;
}

static int look(struct plan *plan)
{
	int error =
		machine_ask(plan->options->simulate, &plan->host, &plan->why);

	if (!error)
		error = check(plan);
	if (error) {
		complain("preflight", "%s", plan->why.text);
		return STATUS_FAILED;
	}
	if (plan->options->json)
		print_json(plan);
	else
		print_table(plan);
	return can(plan) ? STATUS_DONE : STATUS_FAILED;
}

int command_preflight(const struct options *options)
{
	struct plan plan = {.options = options};
	int status;

	if (facts_read(options->target, &plan.target, &plan.why)) {
		complain("preflight", "%s", plan.why.text);
		return STATUS_USAGE;
	}
	status = look(&plan);
	sevlm_findings_free(plan.findings);
	return status;
}
