/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "internal.h"

#define KVM_API 12
#define EXIT_MAP_GPA_RANGE (1ull << 12)
/* the first API whose measurements and packets today's tools speak */
#define API_MAJOR 0
#define API_MINOR 17

struct check {
	struct sevlm_findings *findings;
	bool at_target;
	int error;		/* the first */
};

#define FIND(check, finding, ...)                                             \
	do {                                                                  \
		int find_ = sevlm__find((check)->findings, SEVLM__##finding,  \
					(check)->at_target, __VA_ARGS__);     \
		if (!(check)->error)                                          \
			(check)->error = find_;                               \
	} while (0)

static const char *errno_name(int error)
{
	const char *name = strerrorname_np(error);

	return name ? name : "unknown errno";
}

static bool is_missing(int error)
{
	return error == ENOENT || error == ENODEV || error == ENXIO;
}

static bool is_no_access(int error)
{
	return error == EACCES || error == EPERM;
}

static void check_kvm(struct check *check, const struct sevlm_host *host)
{
	const char *name = errno_name(host->kvm_error);

	if (is_missing(host->kvm_error))
		FIND(check, KVM_MISSING, "%s", name);
	else if (is_no_access(host->kvm_error))
		FIND(check, KVM_NO_ACCESS, "%s", name);
	else if (host->kvm_error)
		FIND(check, KVM_UNUSABLE, "%s", name);
	else if (host->kvm_api != KVM_API)
		FIND(check, KVM_UNUSABLE, "its API version is %u",
		     host->kvm_api);
}

static void check_sev_device(struct check *check, const struct sevlm_host *host)
{
	const char *name = errno_name(host->sev_error);

	if (is_missing(host->sev_error))
		FIND(check, SEV_DEVICE_MISSING, "%s", name);
	else if (is_no_access(host->sev_error))
		FIND(check, SEV_DEVICE_NO_ACCESS, "%s", name);
	else if (host->sev_error)
		FIND(check, SEV_DEVICE_UNUSABLE, "%s", name);
	else if (!(host->flags & SEVLM_HOST_FIRMWARE))
		FIND(check, FIRMWARE_SILENT, "%s", "");
}

#define SEND                                                                  \
	(SEVLM_COMMAND_SEND_START | SEVLM_COMMAND_SEND_UPDATE_DATA |          \
	 SEVLM_COMMAND_SEND_FINISH)
#define RECEIVE                                                               \
	(SEVLM_COMMAND_RECEIVE_START | SEVLM_COMMAND_RECEIVE_UPDATE_DATA |    \
	 SEVLM_COMMAND_RECEIVE_FINISH)

static void check_commands(struct check *check, const struct sevlm_host *host)
{
	if (!host->commands_known) {
		FIND(check, COMMANDS_UNKNOWN, "%s", "");
		return;
	}
	if ((host->commands & SEND) != SEND)
		FIND(check, SEND_MISSING, "%s", "");
	else if (!(host->commands & SEVLM_COMMAND_SEND_CANCEL))
		FIND(check, SEND_CANCEL_MISSING, "%s", "");
	if ((host->commands & RECEIVE) != RECEIVE)
		FIND(check, RECEIVE_MISSING, "%s", "");
}

static void check_exits(struct check *check, const struct sevlm_host *host)
{
	if (!(host->exit_hypercall & EXIT_MAP_GPA_RANGE))
		FIND(check, HYPERCALL_EXIT_MISSING, "%s", "");
	if (!(host->flags & SEVLM_HOST_USER_MSR))
		FIND(check, USER_MSR_MISSING, "%s", "");
	if (!(host->flags & SEVLM_HOST_MSR_FILTER))
		FIND(check, MSR_FILTER_MISSING, "%s", "");
	if (host->flags & SEVLM_HOST_IGNORE_MSRS)
		FIND(check, IGNORE_MSRS, "%s", "");
}

static void check_dirty_log(struct check *check, const struct sevlm_host *host)
{
	if (host->flags & SEVLM_HOST_MANUAL_PROTECT)
		FIND(check, MANUAL_PROTECT, "%s", "");
	if (host->flags & SEVLM_HOST_DIRTY_RING)
		FIND(check, DIRTY_RING, "%s", "");
	if (host->flags & SEVLM_HOST_SHARED_LIST)
		FIND(check, SHARED_LIST, "%s", "");
}

static bool older(const struct sevlm_host *host, uint32_t major, uint32_t minor)
{
	return host->api_major < major ||
	       (host->api_major == major && host->api_minor < minor);
}

static void check_asids(struct check *check, const struct sevlm_host *host)
{
	if (!host->asids || host->guests < host->asids)
		return;
	/* the firmware counts SEV-ES guests too, which have ASIDs apart */
	if (host->flags & SEVLM_HOST_ES)
		FIND(check, ASIDS_SHORT, "%u guests, %u ASIDs", host->guests,
		     host->asids);
	else
		FIND(check, ASIDS_USED_UP, "%u guests, %u ASIDs", host->guests,
		     host->asids);
}

static void check_firmware(struct check *check, const struct sevlm_host *host)
{
	if (older(host, API_MAJOR, API_MINOR))
		FIND(check, FIRMWARE_OLD, "it is %u.%u, build %u",
		     host->api_major, host->api_minor, host->build);
	if (host->flags & SEVLM_HOST_ES)
		FIND(check, ES_CONFIGURED, "%s", "");
	if (host->flags & SEVLM_HOST_EXTERNAL_OWNER)
		FIND(check, OWNED, "%s", "");
	check_asids(check, host);
}

/* What follows from what is missing already is not found again. */
static void check_facts(struct check *check, const struct sevlm_host *host,
			uint64_t memory)
{
	check_kvm(check, host);
	check_sev_device(check, host);
	if (!host->kvm_error) {
		if (host->flags & SEVLM_HOST_SEV)
			check_commands(check, host);
		else
			FIND(check, SEV_OFF, "%s", "");
		check_exits(check, host);
		check_dirty_log(check, host);
	}
	if (host->flags & SEVLM_HOST_FIRMWARE)
		check_firmware(check, host);
	if (host->memlock < memory)
		FIND(check, MEMLOCK_LOW, "%llu of %llu bytes",
		     (unsigned long long)host->memlock,
		     (unsigned long long)memory);
}

SEVLM_API int sevlm_check_host(const struct sevlm_host *host, uint64_t memory,
			       struct sevlm_findings *findings)
{
	struct check check = { .findings = findings };
	struct sevlm_host known;

	if (!findings ||
	    sevlm__copy_in(&known, sizeof(known), host, sizeof(known)))
		return -EINVAL;
	check_facts(&check, &known, memory);
	return check.error;
}

static void check_policy(struct check *check, uint32_t policy)
{
	if (policy & SEVLM__POLICY_UNKNOWN)
		FIND(check, POLICY_RESERVED, "0x%08x", policy);
	if (policy & SEVLM_POLICY_NOSEND)
		FIND(check, POLICY_NOSEND, "0x%08x", policy);
	if (policy & SEVLM_POLICY_ES)
		FIND(check, POLICY_ES, "0x%08x", policy);
	if (policy & SEVLM_POLICY_DOMAIN)
		FIND(check, POLICY_DOMAIN, "0x%08x", policy);
	if (policy & SEVLM_POLICY_SEV)
		FIND(check, POLICY_SEV, "0x%08x", policy);
}

static void check_state(struct check *check, uint32_t state)
{
	static const char *const names[] = {
		[SEVLM_GUEST_UNINIT] = "UNINIT",
		[SEVLM_GUEST_LUPDATE] = "LUPDATE",
		[SEVLM_GUEST_LSECRET] = "LSECRET",
		[SEVLM_GUEST_RUNNING] = "RUNNING",
		[SEVLM_GUEST_SUPDATE] = "SUPDATE",
		[SEVLM_GUEST_RUPDATE] = "RUPDATE",
		[SEVLM_GUEST_SENT] = "SENT",
	};

	if (state != SEVLM_GUEST_RUNNING)
		FIND(check, GUEST_STATE, "it is in state %u, %s", state,
		     state < ARRAY_SIZE(names) ? names[state] : "unknown");
}

static void check_guest(struct check *check, struct sevlm_vm *vm)
{
	struct sevlm_guest_status status = { .size = sizeof(status) };

	if (sevlm_vm_guest_status(vm, &status)) {
		FIND(check, GUEST_SILENT, "%s", sevlm_vm_error(vm));
		return;
	}
	check_state(check, status.state);
	check_policy(check, status.policy);
}

static void check_ready(struct check *check, const struct sevlm_vm *vm,
			uint32_t control)
{
	if (control & SEVLM_CONTROL_READY)
		return;
	if (control & SEVLM__CONTROL_WITHDRAWN)
		FIND(check, READY_WITHDRAWN, "%s", "");
	else if (vm->states == SEVLM_STATES_LIST)
		FIND(check, NEVER_READY, "%s", "");
	else if (control & SEVLM__CONTROL_SPOKE)
		FIND(check, NEVER_READY, "%s",
		     "but it has called: its kernel knows how");
	else
		FIND(check, NEVER_READY, "%s", "nor called at all");
}

static void check_consent(struct check *check, struct sevlm_vm *vm)
{
	uint32_t control;

	if (sevlm_vm_sync_states(vm, 0))
		FIND(check, STATES_SILENT, "%s", sevlm_vm_error(vm));
	control = atomic_load(&vm->control);
	if (!(control & SEVLM_CONTROL_OFFERED))
		FIND(check, NOT_OFFERED, "%s", "");
	else if (control & SEVLM_CONTROL_HUNG_UP)
		FIND(check, HUNG_UP, "%s", "");
	else
		check_ready(check, vm, control);
	if (control & SEVLM_CONTROL_INCOMPLETE)
		FIND(check, INCOMPLETE, "%s", "");
}

SEVLM_API int sevlm_check_vm(struct sevlm_vm *vm,
			     struct sevlm_findings *findings)
{
	struct check check = { .findings = findings };

	if (!vm || !findings)
		return -EINVAL;
	check_guest(&check, vm);
	check_consent(&check, vm);
	return check.error;
}

/* SEV API, "Guest Policy": least API version in the upper half */
static void check_floor(struct check *check, uint32_t policy,
			const struct sevlm_host *target)
{
	uint32_t major = policy >> 16 & 0xff, minor = policy >> 24;

	if (target->flags & SEVLM_HOST_FIRMWARE && older(target, major, minor))
		FIND(check, TARGET_FIRMWARE_FLOOR,
		     "at least %u.%u, the target has %u.%u", major, minor,
		     target->api_major, target->api_minor);
}

SEVLM_API int sevlm_check_target(uint32_t policy, uint64_t memory,
				 const struct sevlm_host *target,
				 struct sevlm_findings *findings)
{
	struct check check = { .findings = findings };
	struct sevlm_host known;

	if (!findings ||
	    sevlm__copy_in(&known, sizeof(known), target, sizeof(known)))
		return -EINVAL;
	check_policy(&check, policy);
	check_floor(&check, policy, &known);
	check.at_target = true;
	check_facts(&check, &known, memory);
	return check.error;
}
