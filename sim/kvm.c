/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include "kvm.h"
#include "list.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* uapi numbers that older headers lack */
#define HC_MAP_GPA_RANGE 12
/* ... and one of the optional patches (lib/uapi) */
#define CAP_SEV_PACKET_SIZE 0x53454c50u
#define MSR_EXIT_REASONS 0x7u /* INVAL, UNKNOWN, FILTER */

static const struct {
	uint32_t cap;
	int answer;
} extensions[] = {
	{KVM_CAP_EXIT_HYPERCALL, 1 << HC_MAP_GPA_RANGE},
	{KVM_CAP_X86_USER_SPACE_MSR, 1},
	{KVM_CAP_X86_MSR_FILTER, 1},
	{KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
	 KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE},
};

int sim_kvm_extension(const struct sevlm_sim_host *host, uint64_t cap)
{
	if (cap == KVM_CAP_X86_SHARED_PAGES_LIST)
		return sim_list_extension(host->shared_list);
	if (cap == CAP_SEV_PACKET_SIZE)
		return sim_frames_extension(host);
	for (size_t i = 0; i < ARRAY_SIZE(extensions); i++)
		if (extensions[i].cap == cap)
			return extensions[i].answer;
	return 0;
}

static int check_extension(struct sevlm_sim_vm *vm, void *arg)
{
	return sim_kvm_extension(vm->host, (uintptr_t)arg);
}

static int set_exits(struct sevlm_sim_vm *vm, const struct kvm_enable_cap *cap,
		     uint64_t known)
{
	if (cap->args[0] & ~known)
		return -EINVAL;
	sim_list_exits(vm->list, cap->cap, cap->args[0]);
	return 0;
}

static int enable_cap(struct sevlm_sim_vm *vm, void *arg)
{
	const struct kvm_enable_cap *cap = arg;

	if (cap->flags)
		return -EINVAL;
	switch (cap->cap) {
	case KVM_CAP_EXIT_HYPERCALL:
		return set_exits(vm, cap, 1ull << HC_MAP_GPA_RANGE);
	case KVM_CAP_X86_USER_SPACE_MSR:
		return set_exits(vm, cap, MSR_EXIT_REASONS);
	case KVM_CAP_X86_SHARED_PAGES_LIST:
		return sim_list_enable(vm->list, cap, vm->vcpus);
	case KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2:
		if (cap->args[0] & ~KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE)
			return -EINVAL;
		sim_memory_manual_protect(vm->memory, cap->args[0]);
		return 0;
	default:
		return -EINVAL;
	}
}

/* the guest has one vCPU; its descriptor is nothing anybody could use */
static int create_vcpu(struct sevlm_sim_vm *vm, void *arg)
{
	if ((uintptr_t)arg)
		return -EINVAL;
	if (vm->vcpus)
		return -EEXIST;
	vm->vcpus = 1;
	return 0;
}

static int set_slot(struct sevlm_sim_vm *vm, void *arg)
{
	return sim_memory_set_slot(vm->memory, arg);
}

static int get_log(struct sevlm_sim_vm *vm, void *arg)
{
	return sim_memory_get_log(vm->memory, arg);
}

static int clear_log(struct sevlm_sim_vm *vm, void *arg)
{
	return sim_memory_clear_log(vm->memory, arg);
}

static int get_list(struct sevlm_sim_vm *vm, void *arg)
{
	return sim_list_get(vm->list, arg);
}

static int set_list(struct sevlm_sim_vm *vm, void *arg)
{
	return sim_list_set(vm->list, arg);
}

/* NULL is the question whether there is SEV */
static int encrypt_op(struct sevlm_sim_vm *vm, void *arg)
{
	return arg ? sim_kvm_sev(vm, arg) : 0;
}

static int reg_region(struct sevlm_sim_vm *vm, void *arg)
{
	return vm->sev_active ? sim_memory_pin(vm->memory, arg) : -ENOTTY;
}

static int unreg_region(struct sevlm_sim_vm *vm, void *arg)
{
	return vm->sev_active ? sim_memory_unpin(vm->memory, arg) : -ENOTTY;
}

static const struct {
	uint32_t request;
	int (*run)(struct sevlm_sim_vm *vm, void *arg);
	bool by_value; /* arg is no address that must be there */
} ioctls[] = {
	{KVM_CHECK_EXTENSION, check_extension, true},
	{KVM_ENABLE_CAP, enable_cap, false},
	{KVM_CREATE_VCPU, create_vcpu, true},
	{KVM_SET_USER_MEMORY_REGION, set_slot, false},
	{KVM_GET_DIRTY_LOG, get_log, false},
	{KVM_CLEAR_DIRTY_LOG, clear_log, false},
	{KVM_MEMORY_ENCRYPT_OP, encrypt_op, true},
	{KVM_MEMORY_ENCRYPT_REG_REGION, reg_region, false},
	{KVM_MEMORY_ENCRYPT_UNREG_REGION, unreg_region, false},
	{KVM_GET_SHARED_PAGES_LIST, get_list, false},
	{KVM_SET_SHARED_PAGES_LIST, set_list, false},
};

int sim_kvm_vm_ioctl(struct sevlm_sim_vm *vm, uint32_t request, void *arg)
{
	int rc = -ENOTTY;

	for (size_t i = 0; i < ARRAY_SIZE(ioctls); i++) {
		if (ioctls[i].request != request)
			continue;
		if (!arg && !ioctls[i].by_value)
			return -EFAULT;
		pthread_mutex_lock(&vm->kvm_lock);
		rc = ioctls[i].run(vm, arg);
		pthread_mutex_unlock(&vm->kvm_lock);
		break;
	}
	return rc;
}
