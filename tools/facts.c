/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "hosts.h"
#include "show.h"

#define ERRNO_MAX 4095u

const struct fact facts[] = {
#define AT(field) offsetof(struct sevlm_host, field)
	{"kvm_error", "/dev/kvm", AT(kvm_error), ERRNO_MAX, false},
	{"sev_error", "/dev/sev", AT(sev_error), ERRNO_MAX, false},
	{"kvm_api", "KVM API version", AT(kvm_api), INT32_MAX, false},
	{"api_major", "firmware API, major", AT(api_major), UINT8_MAX, true},
	{"api_minor", "firmware API, minor", AT(api_minor), UINT8_MAX, true},
	{"build", "firmware build", AT(build), UINT8_MAX, true},
	{"platform_state", "platform state", AT(platform_state), UINT8_MAX,
	 true},
	{"guests", "SEV guests", AT(guests), UINT32_MAX, true},
	{"asids", "ASIDs for SEV", AT(asids), UINT32_MAX, false},
#undef AT
};
const size_t facts_count = ARRAY_SIZE(facts);

const struct fact_bit flag_bits[] = {
	{"sev", SEVLM_HOST_SEV},
	{"firmware", SEVLM_HOST_FIRMWARE},
	{"external-owner", SEVLM_HOST_EXTERNAL_OWNER},
	{"es", SEVLM_HOST_ES},
	{"user-msr", SEVLM_HOST_USER_MSR},
	{"msr-filter", SEVLM_HOST_MSR_FILTER},
	{"manual-protect", SEVLM_HOST_MANUAL_PROTECT},
	{"dirty-ring", SEVLM_HOST_DIRTY_RING},
	{"ignore-msrs", SEVLM_HOST_IGNORE_MSRS},
	{"shared-list", SEVLM_HOST_SHARED_LIST},
	{"blocks", SEVLM_HOST_BLOCKS},
};
const size_t flag_bits_count = ARRAY_SIZE(flag_bits);

const struct fact_bit command_bits[] = {
	{"send-start", SEVLM_COMMAND_SEND_START},
	{"send-update-data", SEVLM_COMMAND_SEND_UPDATE_DATA},
	{"send-finish", SEVLM_COMMAND_SEND_FINISH},
	{"send-cancel", SEVLM_COMMAND_SEND_CANCEL},
	{"receive-start", SEVLM_COMMAND_RECEIVE_START},
	{"receive-update-data", SEVLM_COMMAND_RECEIVE_UPDATE_DATA},
	{"receive-finish", SEVLM_COMMAND_RECEIVE_FINISH},
};
const size_t command_bits_count = ARRAY_SIZE(command_bits);

static uint32_t value(const struct sevlm_host *host, const struct fact *fact)
{
	uint32_t number;

	memcpy(&number, (const char *)host + fact->offset, sizeof(number));
	return number;
}

static void words(const struct fact_bit *bits, size_t count, uint32_t set,
		  bool json)
{
	const char *comma = "";

	for (size_t i = 0; i < count; i++) {
		if (!(set & bits[i].bit))
			continue;
		printf(json ? "%s\"%s\"" : "%s%s", comma, bits[i].name);
		comma = json ? "," : " ";
	}
	if (!json && !*comma)
		printf("none");
}

static void print_fact(const struct sevlm_host *host, const struct fact *fact)
{
	uint32_t number = value(host, fact);
	bool is_error = !strncmp(fact->label, "/dev/", 5);
	const char *name = is_error ? strerrordesc_np((int)number) : NULL;

	printf("%-22s ", fact->label);
	if (!is_error)
		printf("%u\n", number);
	else
		puts(!number ? "opened" : name ? name : "unknown error");
}

void facts_print(const struct sevlm_host *host)
{
	for (size_t i = 0; i < facts_count; i++)
		if (!facts[i].firmware || host->flags & SEVLM_HOST_FIRMWARE)
			print_fact(host, &facts[i]);
	printf("%-22s ", "flags");
	words(flag_bits, flag_bits_count, host->flags, false);
	printf("\n%-22s ", "commands");
	if (host->commands_known)
		words(command_bits, command_bits_count, host->commands, false);
	else
		printf("not known");
	printf("\n%-22s 0x%" PRIx64 "\n%-22s ", "hypercall exits",
	       host->exit_hypercall, "memory to be locked");
	if (host->memlock == UINT64_MAX)
		puts("without limit");
	else
		printf("%" PRIu64 " bytes\n", host->memlock);
}

void facts_json(const struct sevlm_host *host)
{
	putchar('{');
	for (size_t i = 0; i < facts_count; i++)
		printf("\"%s\":%u,", facts[i].name, value(host, &facts[i]));
	printf("\"flags\":[");
	words(flag_bits, flag_bits_count, host->flags, true);
	printf("],\"commands\":%s", host->commands_known ? "[" : "null");
	if (host->commands_known) {
		words(command_bits, command_bits_count, host->commands, true);
		putchar(']');
	}
	printf(",\"exit_hypercall\":%" PRIu64 ",\"memlock\":",
	       host->exit_hypercall);
	if (host->memlock == UINT64_MAX)
		printf("null}");
	else
		printf("%" PRIu64 "}", host->memlock);
}

static const char *severity(const struct sevlm_finding *finding)
{
	static const char *const names[] = {
		[SEVLM_SEVERITY_INFO] = "info",
		[SEVLM_SEVERITY_WARNING] = "warning",
		[SEVLM_SEVERITY_BLOCKER] = "blocker",
	};

	if (finding->severity < SEVLM_SEVERITY_INFO ||
	    finding->severity > SEVLM_SEVERITY_BLOCKER)
		return "warning";
	return names[finding->severity];
}

void findings_print(const struct sevlm_findings *findings)
{
	struct sevlm_finding finding = {.size = sizeof(finding)};

	for (uint32_t i = 0; !sevlm_findings_get(findings, i, &finding); i++) {
		printf("\n%-8s %s\n         %s\n", severity(&finding),
		       finding.code, finding.message);
		if (*finding.remedy)
			printf("         %s\n", finding.remedy);
	}
}

static void text(const char *name, const char *words_)
{
	printf(",\"%s\":", name);
	json_text(words_);
}

void findings_json(const struct sevlm_findings *findings)
{
	struct sevlm_finding finding = {.size = sizeof(finding)};

	putchar('[');
	for (uint32_t i = 0; !sevlm_findings_get(findings, i, &finding); i++) {
		printf("%s{\"code\":", i ? "," : "");
		json_text(finding.code);
		text("severity", severity(&finding));
		text("message", finding.message);
		text("remedy", finding.remedy);
		putchar('}');
	}
	putchar(']');
}
