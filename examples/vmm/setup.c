/* SPDX-License-Identifier: MIT-0 */
/* What the VMM wants of KVM for itself, and what libsevlm needs, as one. */
#include <err.h>
#include <sys/ioctl.h>

#include "own-msr.h"
#include "vmm.h"

static int enable(struct vmm *vmm, uint32_t cap, uint64_t bits, uint64_t room)
{
	struct kvm_enable_cap enable = { .cap = cap, .args = { bits, room } };

	if (!ioctl(vmm->vm_fd, KVM_ENABLE_CAP, &enable))
		return 0;
	warn("KVM_ENABLE_CAP %u with 0x%llx", cap, (unsigned long long)bits);
	return -1;
}

/* A clear bit sends the access to user space. */
static uint8_t deny[16];

static struct kvm_msr_filter_range denied(uint32_t base, uint32_t count)
{
	return (struct kvm_msr_filter_range){
		.flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
		.base = base,
		.nmsrs = count,
		.bitmap = deny,
	};
}

static int filter(struct vmm *vmm, const struct sevlm_kvm_setup *needed)
{
	struct kvm_msr_filter msrs = {
		.flags = KVM_MSR_FILTER_DEFAULT_ALLOW,
		.ranges = { denied(OWN_MSR, 1) },
	};

	if (needed->msr_filter_count > 8 * sizeof(deny))
		return -1;
	if (needed->msr_filter_count)
		msrs.ranges[1] = denied(needed->msr_filter_base,
					needed->msr_filter_count);
	if (!ioctl(vmm->vm_fd, KVM_X86_SET_MSR_FILTER, &msrs))
		return 0;
	warn("KVM_X86_SET_MSR_FILTER");
	return -1;
}

/* Each of these replaces what was set before, so both parts go in at once. */
int setup_exits(struct vmm *vmm, bool merge)
{
	struct sevlm_kvm_setup needed = { .size = sizeof(needed) };

	if (merge && sevlm_kvm_get_setup(&needed))
		return -1;
	if (needed.exit_hypercall &&
	    enable(vmm, KVM_CAP_EXIT_HYPERCALL, needed.exit_hypercall, 0))
		return -1;
	if (enable(vmm, KVM_CAP_X86_USER_SPACE_MSR,
		   KVM_MSR_EXIT_REASON_FILTER | needed.user_space_msr, 0))
		return -1;
	return filter(vmm, &needed);
}

/* A patched kernel keeps them, and answers the guest itself unless they are
 * to be compared. */
static int enable_list(struct vmm *vmm)
{
	struct sevlm_kvm_setup setup = { .size = sizeof(setup) };
	unsigned long cap;

	if (sevlm_kvm_get_setup(&setup))
		return -1;
	cap = setup.shared_list_cap;
	if (ioctl(vmm->kvm_fd, KVM_CHECK_EXTENSION, cap) > 0)
		return enable(vmm, setup.shared_list_cap, setup.shared_list,
			      vmm->list_room);
	return vmm->states == SEVLM_STATES_ANY ? 0 : -1;
}

int setup_states(struct vmm *vmm)
{
	static const char *const names[] = {
		[SEVLM_STATES_EXITS] = "exits",
		[SEVLM_STATES_LIST] = "the kernel's list",
		[SEVLM_STATES_COMPARE] = "exits and the kernel's list",
	};
	uint32_t states;

	if (vmm->states != SEVLM_STATES_EXITS && enable_list(vmm)) {
		warnx("this kernel keeps no list of shared pages");
		return -1;
	}
	if (sevlm_vm_use_states(vmm->vm, vmm->states)) {
		warnx("page states: %s", sevlm_vm_error(vmm->vm));
		return -1;
	}
	if (sevlm_vm_states(vmm->vm, &states))
		return -1;
	printf("page states come from %s\n", names[states]);
	return setup_exits(vmm, states != SEVLM_STATES_LIST);
}

/* The kernel first: what it takes after this is lost. */
int setup_hang_up(struct vmm *vmm)
{
	struct sevlm_kvm_setup setup = { .size = sizeof(setup) };
	uint32_t states;

	if (sevlm_kvm_get_setup(&setup) || sevlm_vm_states(vmm->vm, &states) ||
	    (states != SEVLM_STATES_EXITS &&
	     enable(vmm, setup.shared_list_cap, 0, 0)))
		return -1;
	return sevlm_vm_hang_up(vmm->vm);
}
