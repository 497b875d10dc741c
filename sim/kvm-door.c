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
