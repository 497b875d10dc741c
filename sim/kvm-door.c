/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include "kvm.h"
#include "status.h"

#define BLOB_MAX 16384u /* SEV_FW_BLOB_MAX_SIZE */

struct asked {
	struct sevlm_sim_vm *vm;
	sim_kvm_call call;
	void *arg;
};

static uint32_t for_vm(struct sevlm_sim_host *host, void *arg)
{
	const struct asked *asked = arg;

	(void)host;
	return asked->call(asked->vm, asked->arg);
}

static bool is_open(const struct sevlm_sim_host *host, int32_t fd)
{
	uint32_t bit = (uint32_t)fd - SEVLM_SIM_SEV_FD;

	return bit < SEVLM_SIM_SEV_FDS && host->sev_open >> bit & 1;
}

int sim_kvm_ask(struct sevlm_sim_vm *vm, int32_t fd, struct kvm_sev_cmd *cmd,
		sim_kvm_call call, void *arg)
{
	struct asked asked = {vm, call, arg};
	int rc = -EBADF;

	pthread_mutex_lock(&vm->host->lock);
	if (is_open(vm->host, fd))
		rc = sim_psp_ask(vm->host, cmd->id, for_vm, &asked,
				 &cmd->error);
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
	struct asked asked = {vm, call, arg};
	int rc;

	pthread_mutex_lock(&vm->host->lock);
	rc = sim_psp_own(vm->host, id, for_vm, &asked, error);
	pthread_mutex_unlock(&vm->host->lock);
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
