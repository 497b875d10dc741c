// SPDX-License-Identifier: MIT OR Apache-2.0
#include <errno.h>
#include <string.h>

#include <linux/kvm.h>

#include "guest.h"
#include "vm.h"

#define CHUNK (1u << 20)
#define MEASURE_SIZE 48u

static uint64_t address(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

static int door(struct sevlm_sim_vm *vm, uint32_t request, void *arg,
		const char *name)
{
	int result = sevlm_sim_ops()->vm(vm, request, arg);

	if (result < 0)
		return sim_vm_fail(vm, result, "%s failed with %d", name,
				   result);
	return 0;
}

static int command(struct sevlm_sim_vm *vm, uint32_t id, void *data,
		   const char *name)
{
	struct kvm_sev_cmd cmd = {
		.id = id,
		.data = address(data),
		.sev_fd = SEVLM_SIM_SEV_FD,
	};
	int result;

	result = sevlm_sim_ops()->vm(vm, KVM_MEMORY_ENCRYPT_OP, &cmd);
	if (result < 0)
		return sim_vm_fail(vm, result,
				   "%s failed with %d, firmware status 0x%x",
				   name, result, cmd.error);
	return 0;
}

static int set_slot(struct sevlm_sim_vm *vm, void *hva, uint32_t flags)
{
	struct kvm_userspace_memory_region region = {
		.flags = flags,
		.memory_size = vm->config.memory,
		.userspace_addr = address(hva),
	};

	return door(vm, KVM_SET_USER_MEMORY_REGION, &region,
		    "KVM_SET_USER_MEMORY_REGION");
}

static int pin(struct sevlm_sim_vm *vm, void *hva)
{
	struct kvm_enc_region region = {
		.addr = address(hva),
		.size = vm->config.memory,
	};

	return door(vm, KVM_MEMORY_ENCRYPT_REG_REGION, &region,
		    "KVM_MEMORY_ENCRYPT_REG_REGION");
}

/* KVM refuses KVM_SEV_INIT once there is a vCPU. */
static int prepare(struct sevlm_sim_vm *vm, void *hva)
{
	int error;

	error = command(vm, KVM_SEV_INIT, NULL, "KVM_SEV_INIT");
	if (!error)
		error = door(vm, KVM_CREATE_VCPU, NULL, "KVM_CREATE_VCPU");
	if (!error)
		error = set_slot(vm, hva, 0);
	if (!error)
		error = pin(vm, hva);
	if (!error)
		vm->hva = hva;
	return error;
}

static void fill(struct sevlm_sim_vm *vm, uint8_t *hva, const void *image,
		 size_t bytes)
{
	uint64_t pages = vm->config.memory / SIM_PAGE;
	uint64_t plain = pages - sim_workload_tables(&vm->guest->workload);
	uint64_t given = bytes / SIM_PAGE;

	if (bytes)
		memcpy(hva, image, bytes);
	for (uint64_t i = given < plain ? given : plain; i < pages; i++)
		sim_workload_first(&vm->guest->workload, i,
				   hva + i * SIM_PAGE);
}

static int launch_start(struct sevlm_sim_vm *vm, uint32_t policy)
{
	struct kvm_sev_launch_start start = {.policy = policy};

	return command(vm, KVM_SEV_LAUNCH_START, &start,
		       "KVM_SEV_LAUNCH_START");
}

static int launch_update(struct sevlm_sim_vm *vm, uint8_t *hva)
{
	struct kvm_sev_launch_update_data update = {0};
	uint64_t left = vm->config.memory;
	int error = 0;

	for (; left && !error; left -= update.len) {
		update.uaddr = address(hva);
		update.len = left < CHUNK ? (uint32_t)left : CHUNK;
		error = command(vm, KVM_SEV_LAUNCH_UPDATE_DATA, &update,
				"KVM_SEV_LAUNCH_UPDATE_DATA");
		hva += update.len;
	}
	return error;
}

static int launch_measure(struct sevlm_sim_vm *vm)
{
	uint8_t measurement[MEASURE_SIZE] = {0};
	struct kvm_sev_launch_measure measure = {
		.uaddr = address(measurement),
		.len = sizeof(measurement),
	};

	return command(vm, KVM_SEV_LAUNCH_MEASURE, &measure,
		       "KVM_SEV_LAUNCH_MEASURE");
}

static bool good_hva(const void *hva)
{
	return hva && address(hva) % SIM_PAGE == 0;
}

SIM_API int sevlm_sim_vm_prepare(struct sevlm_sim_vm *vm, void *hva)
{
	if (!vm || !good_hva(hva))
		return -EINVAL;
	return prepare(vm, hva);
}

SIM_API int sevlm_sim_vm_launch(struct sevlm_sim_vm *vm, void *hva,
				const void *image, size_t bytes,
				uint32_t policy)
{
	int error;

	if (!vm || !good_hva(hva) || !sim_vm_good_image(vm, image, bytes))
		return -EINVAL;
	error = prepare(vm, hva);
	if (!error)
		error = launch_start(vm, policy);
	if (error)
		return error;
	fill(vm, hva, image, bytes);
	error = launch_update(vm, hva);
	if (!error)
		error = launch_measure(vm);
	if (!error)
		error = command(vm, KVM_SEV_LAUNCH_FINISH, NULL,
				"KVM_SEV_LAUNCH_FINISH");
	return error;
}

SIM_API int sevlm_sim_vm_log(struct sevlm_sim_vm *vm, uint32_t on)
{
	if (!vm || !vm->hva || on > 1)
		return -EINVAL;
	return set_slot(vm, vm->hva, on ? KVM_MEM_LOG_DIRTY_PAGES : 0);
}

SIM_API int sevlm_sim_vm_harvest(struct sevlm_sim_vm *vm, void *bitmap)
{
	struct kvm_dirty_log log = {.dirty_bitmap = bitmap};

	if (!vm || !bitmap)
		return -EINVAL;
	return door(vm, KVM_GET_DIRTY_LOG, &log, "KVM_GET_DIRTY_LOG");
}
