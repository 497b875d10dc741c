/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include "kvm.h"
#include "status.h"

#define BLOB_MAX 16384u /* SEV_FW_BLOB_MAX_SIZE */

/* The host's lock is held. A planted fault replaces what firmware says: in
 * the place of the command, or behind it. */
static uint32_t mailbox(struct sevlm_sim_vm *vm, uint32_t id, sim_kvm_call call,
			void *arg)
{
	struct sevlm_sim_host *host = vm->host;
	uint32_t status;

	host->commands[id]++;
	if (sim_fault_strikes(host, id, SEVLM_SIM_FAULT_STATUS))
		return host->fault.status;
	status = call(vm, arg);
	if (!status && sim_fault_strikes(host, id, SEVLM_SIM_FAULT_LATE))
		return host->fault.status;
	return status;
}

static bool is_open(const struct sevlm_sim_host *host, int32_t fd)
{
	uint32_t bit = (uint32_t)fd - SEVLM_SIM_SEV_FD;

	return bit < SEVLM_SIM_SEV_FDS && host->sev_open >> bit & 1;
}

int sim_kvm_ask(struct sevlm_sim_vm *vm, int32_t fd, struct kvm_sev_cmd *cmd,
		sim_kvm_call call, void *arg)
{
	int rc = -EBADF;

	pthread_mutex_lock(&vm->host->lock);
	if (is_open(vm->host, fd)) {
		cmd->error = mailbox(vm, cmd->id, call, arg);
		rc = cmd->error ? -EIO : 0;
	}
	pthread_mutex_unlock(&vm->host->lock);
	return rc;
}

int sim_kvm_copy_out(struct sevlm_sim_vm *vm, const struct kvm_sev_cmd *cmd)
{
	struct sevlm_sim_host *host = vm->host;
	int rc = 0;

	pthread_mutex_lock(&host->lock);
	if (sim_fault_strikes(host, cmd->id, SEVLM_SIM_FAULT_AFTER))
		rc = -host->fault.error;
	pthread_mutex_unlock(&host->lock);
	return rc;
}

int sim_kvm_issue(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd,
		  sim_kvm_call call, void *arg)
{
	int rc = sim_kvm_ask(vm, vm->sev_fd, cmd, call, arg);

	return rc ? rc : sim_kvm_copy_out(vm, cmd);
}

int sim_kvm_own(struct sevlm_sim_vm *vm, uint32_t id, sim_kvm_call call,
		void *arg, uint32_t *error)
{
	struct sevlm_sim_host *host = vm->host;
	uint32_t status;
	int rc;

	pthread_mutex_lock(&host->lock);
	if (sim_fault_strikes(host, id, SEVLM_SIM_FAULT_BEFORE)) {
		rc = -host->fault.error;
	} else {
		status = mailbox(vm, id, call, arg);
		rc = status ? -EIO : 0;
		if (error)
			*error = status;
		if (!status)
			sim_fault_passed(host, id);
	}
	pthread_mutex_unlock(&host->lock);
	return rc;
}

bool sim_kvm_blob(uint64_t uaddr, uint32_t len)
{
	return uaddr && len && len <= BLOB_MAX;
}

int sim_kvm_pin(struct sevlm_sim_vm *vm, uint64_t uaddr, uint64_t bytes)
{
	if (!bytes || uaddr + bytes < uaddr)
		return -EINVAL;
	return sim_memory_pinned(vm->memory, uaddr, bytes) ? 0 : -ENOMEM;
}

bool sim_kvm_in_page(uint64_t uaddr, uint32_t len)
{
	return len <= SIM_PAGE && uaddr % SIM_PAGE + len <= SIM_PAGE;
}
