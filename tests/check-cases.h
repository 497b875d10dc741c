/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One good host and one good guest, and what may be wrong with others. */
#ifndef SEVLM_CHECK_CASES_H
#define SEVLM_CHECK_CASES_H

#include <errno.h>

#include "internal.h"

#define MEMLOCK (1ull << 30)
#define ALL_COMMANDS 0x7fu

static const struct sevlm_host good = {
	.size = sizeof(good),
	.kvm_api = 12,
	.flags = SEVLM_HOST_SEV | SEVLM_HOST_FIRMWARE | SEVLM_HOST_USER_MSR |
		 SEVLM_HOST_MSR_FILTER,
	.commands = ALL_COMMANDS,
	.commands_known = 1,
	.api_minor = 24,
	.asids = 15,
	.platform_state = 1,
	.exit_hypercall = 1 << 12,
	.memlock = MEMLOCK,
};

struct change {
	size_t offset; /* of 32 bits in struct sevlm_host */
	uint32_t bits; /* that are turned over */
};

#define AT(field) offsetof(struct sevlm_host, field)

static const struct host_case {
	enum sevlm__finding finding;
	struct change changes[2];
	uint64_t memory;
} host_cases[] = {
	{SEVLM__KVM_MISSING, {{AT(kvm_error), ENOENT}}, 0},
	{SEVLM__KVM_NO_ACCESS, {{AT(kvm_error), EACCES}}, 0},
	{SEVLM__KVM_UNUSABLE, {{AT(kvm_error), EBUSY}}, 0},
	{SEVLM__SEV_DEVICE_MISSING,
	 {{AT(sev_error), ENOENT}, {AT(flags), SEVLM_HOST_FIRMWARE}}, 0},
	{SEVLM__SEV_DEVICE_NO_ACCESS,
	 {{AT(sev_error), EACCES}, {AT(flags), SEVLM_HOST_FIRMWARE}}, 0},
	{SEVLM__SEV_DEVICE_UNUSABLE,
	 {{AT(sev_error), EMFILE}, {AT(flags), SEVLM_HOST_FIRMWARE}}, 0},
	{SEVLM__SEV_OFF,
	 {{AT(flags), SEVLM_HOST_SEV}, {AT(commands_known), 1}}, 0},
	{SEVLM__COMMANDS_UNKNOWN, {{AT(commands_known), 1}}, 0},
	{SEVLM__SEND_MISSING, {{AT(commands), SEVLM_COMMAND_SEND_START}}, 0},
	{SEVLM__SEND_MISSING,
	 {{AT(commands), SEVLM_COMMAND_SEND_UPDATE_DATA}}, 0},
	{SEVLM__SEND_MISSING, {{AT(commands), SEVLM_COMMAND_SEND_FINISH}}, 0},
	{SEVLM__RECEIVE_MISSING,
	 {{AT(commands), SEVLM_COMMAND_RECEIVE_START}}, 0},
	{SEVLM__RECEIVE_MISSING,
	 {{AT(commands), SEVLM_COMMAND_RECEIVE_UPDATE_DATA}}, 0},
	{SEVLM__RECEIVE_MISSING,
	 {{AT(commands), SEVLM_COMMAND_RECEIVE_FINISH}}, 0},
	{SEVLM__SEND_CANCEL_MISSING,
	 {{AT(commands), SEVLM_COMMAND_SEND_CANCEL}}, 0},
	{SEVLM__HYPERCALL_EXIT_MISSING, {{AT(exit_hypercall), 1 << 12}}, 0},
	{SEVLM__USER_MSR_MISSING, {{AT(flags), SEVLM_HOST_USER_MSR}}, 0},
	{SEVLM__MSR_FILTER_MISSING, {{AT(flags), SEVLM_HOST_MSR_FILTER}}, 0},
	{SEVLM__IGNORE_MSRS, {{AT(flags), SEVLM_HOST_IGNORE_MSRS}}, 0},
	{SEVLM__MANUAL_PROTECT, {{AT(flags), SEVLM_HOST_MANUAL_PROTECT}}, 0},
	{SEVLM__DIRTY_RING, {{AT(flags), SEVLM_HOST_DIRTY_RING}}, 0},
	{SEVLM__SHARED_LIST, {{AT(flags), SEVLM_HOST_SHARED_LIST}}, 0},
	{SEVLM__FIRMWARE_SILENT, {{AT(flags), SEVLM_HOST_FIRMWARE}}, 0},
	{SEVLM__FIRMWARE_OLD, {{AT(api_minor), 24 ^ 16}}, 0},
	{SEVLM__ES_CONFIGURED, {{AT(flags), SEVLM_HOST_ES}}, 0},
	{SEVLM__OWNED, {{AT(flags), SEVLM_HOST_EXTERNAL_OWNER}}, 0},
	{SEVLM__ASIDS_USED_UP, {{AT(guests), 15}}, 0},
	{SEVLM__ASIDS_SHORT, {{AT(guests), 15}, {AT(flags), SEVLM_HOST_ES}}, 0},
	{SEVLM__MEMLOCK_LOW, {{0}}, MEMLOCK + 1},
};
#define HOST_CASES ((int)ARRAY_SIZE(host_cases))

#define RUNNING SEVLM_GUEST_RUNNING

/* did: what happened before, o offered, r said READY, w took it back, s read
 * the MSR, x called with nonsense, h hung up, R reset */
static const struct guest_case {
	enum sevlm__finding finding;
	const char *did;
	uint32_t state, policy;
	int refused;
} guest_cases[] = {
	{SEVLM__GUEST_SILENT, "or", RUNNING, 0, -EIO},
	{SEVLM__GUEST_SILENT, "or", RUNNING, 0, -ENOTTY},
	{SEVLM__GUEST_STATE, "or", SEVLM_GUEST_UNINIT, 0, 0},
	{SEVLM__GUEST_STATE, "or", SEVLM_GUEST_LUPDATE, 0, 0},
	{SEVLM__GUEST_STATE, "or", SEVLM_GUEST_LSECRET, 0, 0},
	{SEVLM__GUEST_STATE, "or", SEVLM_GUEST_SUPDATE, 0, 0},
	{SEVLM__GUEST_STATE, "or", SEVLM_GUEST_RUPDATE, 0, 0},
	{SEVLM__GUEST_STATE, "or", SEVLM_GUEST_SENT, 0, 0},
	{SEVLM__GUEST_STATE, "or", 7, 0, 0},
	{SEVLM__GUEST_STATE, "or", UINT32_MAX, 0, 0},
	{SEVLM__NOT_OFFERED, "", RUNNING, 0, 0},
	{SEVLM__NOT_OFFERED, "s", RUNNING, 0, 0},
	{SEVLM__NOT_OFFERED, "x", RUNNING, 0, 0},
	{SEVLM__HUNG_UP, "orh", RUNNING, 0, 0},
	{SEVLM__HUNG_UP, "orhw", RUNNING, 0, 0},
	{SEVLM__HUNG_UP, "oh", RUNNING, 0, 0},
	{SEVLM__INCOMPLETE, "orx", RUNNING, 0, 0},
	{SEVLM__NEVER_READY, "o", RUNNING, 0, 0},
	{SEVLM__NEVER_READY, "os", RUNNING, 0, 0},
	{SEVLM__NEVER_READY, "ow", RUNNING, 0, 0},
	{SEVLM__NEVER_READY, "orwR", RUNNING, 0, 0},
	{SEVLM__NEVER_READY, "orhR", RUNNING, 0, 0},
	{SEVLM__READY_WITHDRAWN, "orw", RUNNING, 0, 0},
	{SEVLM__READY_WITHDRAWN, "orww", RUNNING, 0, 0},
	{SEVLM__READY_WITHDRAWN, "orwrw", RUNNING, 0, 0},
	{SEVLM__POLICY_RESERVED, "or", RUNNING, 1 << 15, 0},
	{SEVLM__POLICY_NOSEND, "or", RUNNING, SEVLM_POLICY_NOSEND, 0},
	{SEVLM__POLICY_ES, "or", RUNNING, SEVLM_POLICY_ES, 0},
	{SEVLM__POLICY_DOMAIN, "or", RUNNING, SEVLM_POLICY_DOMAIN, 0},
	{SEVLM__POLICY_SEV, "or", RUNNING, SEVLM_POLICY_SEV, 0},
};
#define GUEST_CASES ((int)ARRAY_SIZE(guest_cases))

#endif /* SEVLM_CHECK_CASES_H */
