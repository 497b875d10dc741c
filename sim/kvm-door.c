/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include "kvm.h"
#include "status.h"

#define BLOB_MAX 16384u /* SEV_FW_BLOB_MAX_SIZE */

int sim_kvm_issue(struct sevlm_sim_vm *vm, int32_t fd, struct kvm_sev_cmd *cmd,
		  uint32_t (*call)(struct sevlm_sim_vm *vm, void *arg),
		  void *arg)
{
	struct sevlm_sim_host *host = vm->host;
	uint32_t status;
	int rc = 0;

	if (fd != SEVLM_SIM_SEV_FD)
		return -EBADF;
	pthread_mutex_lock(&host->lock);
	if (sim_fault_strikes(host, cmd->id, SEVLM_SIM_FAULT_STATUS))
		status = host->fault.status;
	else
		status = call(vm, arg);
	if (status != SIM_FAULT)
		host->commands[cmd->id]++;
	if (!status && sim_fault_strikes(host, cmd->id, SEVLM_SIM_FAULT_AFTER))
		rc = -host->fault.error;
	pthread_mutex_unlock(&host->lock);
	if (status == SIM_FAULT)
		return -EFAULT;
	cmd->error = status;
	return status ? -EIO : rc;
}

struct start {
	uint32_t (*call)(struct sevlm_sim_vm *vm, const void *params,
			 uint32_t *handle);
	const void *params;
	uint32_t handle; /* out, 0 where there is none */
};

static uint32_t fw_start(struct sevlm_sim_vm *vm, void *arg)
{
	struct sim_firmware *firmware = vm->host->firmware;
	struct start *start = arg;
	uint32_t handle, status;

	status = start->call(vm, start->params, &handle);
	if (status)
		return status;
	status = sim_firmware_activate(firmware, handle, vm->asid, vm->memory);
	if (status)
		sim_firmware_decommission(firmware, handle);
	else
		start->handle = handle;
	return status;
}

int sim_kvm_start(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd,
		  uint32_t (*call)(struct sevlm_sim_vm *vm, const void *params,
				   uint32_t *handle))
{
	struct start start = {
		.call = call,
		.params = sim_kvm_user(cmd->data),
	};
	int32_t fd = (int32_t)cmd->sev_fd;
	int rc;

	rc = sim_kvm_issue(vm, fd, cmd, fw_start, &start);
	if (rc) {
		sim_kvm_unbind(vm, start.handle);
		return rc;
	}
	vm->handle = start.handle;
	vm->sev_fd = fd;
	return 0;
}

void sim_kvm_unbind(struct sevlm_sim_vm *vm, uint32_t handle)
{
	if (!handle)
		return;
	pthread_mutex_lock(&vm->host->lock);
	sim_firmware_deactivate(vm->host->firmware, handle);
	sim_firmware_decommission(vm->host->firmware, handle);
	pthread_mutex_unlock(&vm->host->lock);
}

bool sim_kvm_blob(uint64_t uaddr, uint32_t len)
{
	return uaddr && len && len <= BLOB_MAX;
}

bool sim_kvm_in_page(uint64_t uaddr, uint32_t len)
{
	return len <= SIM_PAGE && uaddr % SIM_PAGE + len <= SIM_PAGE;
}
