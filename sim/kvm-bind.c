/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* ASIDs, and how a guest of the firmware becomes a VM's. */
#include <errno.h>

#include "kvm.h"
#include "status.h"

static bool recycle(struct sevlm_sim_host *host)
{
	int rc;

	if (!host->asids_stale)
		return false;
	pthread_mutex_lock(&host->lock);
	rc = sim_psp_flush(host, NULL);
	pthread_mutex_unlock(&host->lock);
	if (rc)
		return false;
	host->asids_used &= ~host->asids_stale;
	host->asids_stale = 0;
	return true;
}

static uint32_t fresh_asid(const struct sevlm_sim_host *host)
{
	for (uint32_t asid = 1; asid <= host->asids; asid++)
		if (!(host->asids_used & 1ull << asid))
			return asid;
	return 0;
}

uint32_t sim_kvm_asid_new(struct sevlm_sim_host *host)
{
	uint32_t asid;

	pthread_mutex_lock(&host->asid_lock);
	asid = fresh_asid(host);
	if (!asid && recycle(host))
		asid = fresh_asid(host);
	if (asid)
		host->asids_used |= 1ull << asid;
	pthread_mutex_unlock(&host->asid_lock);
	return asid;
}

void sim_kvm_asid_free(struct sevlm_sim_host *host, uint32_t asid)
{
	pthread_mutex_lock(&host->asid_lock);
	host->asids_stale |= 1ull << asid;
	pthread_mutex_unlock(&host->asid_lock);
}

static uint32_t fw_activate(struct sevlm_sim_vm *vm, void *arg)
{
	const uint32_t *handle = arg;

	return sim_firmware_activate(vm->host->firmware, *handle, vm->asid,
				     vm->memory);
}

static uint32_t fw_deactivate(struct sevlm_sim_vm *vm, void *arg)
{
	const uint32_t *handle = arg;

	return sim_firmware_deactivate(vm->host->firmware, *handle);
}

static uint32_t fw_decommission(struct sevlm_sim_vm *vm, void *arg)
{
	const uint32_t *handle = arg;

	return sim_firmware_decommission(vm->host->firmware, *handle);
}

static void decommission(struct sevlm_sim_vm *vm, uint32_t handle)
{
	sim_kvm_own(vm, SEVLM_SIM_COMMAND_DECOMMISSION, fw_decommission,
		    &handle, NULL);
}

/* KVM looks at no answer here */
void sim_kvm_unbind(struct sevlm_sim_vm *vm, uint32_t handle)
{
	if (!handle)
		return;
	sim_kvm_own(vm, SEVLM_SIM_COMMAND_DEACTIVATE, fw_deactivate, &handle,
		    NULL);
	decommission(vm, handle);
}

struct start {
	uint32_t (*call)(struct sevlm_sim_vm *vm, const void *params,
			 uint32_t *handle);
	const void *params;
	uint32_t handle; /* out */
};

static uint32_t fw_start(struct sevlm_sim_vm *vm, void *arg)
{
	struct start *start = arg;

	return start->call(vm, start->params, &start->handle);
}

static int bind(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd,
		uint32_t handle)
{
	int rc;

	rc = sim_kvm_own(vm, SEVLM_SIM_COMMAND_ACTIVATE, fw_activate, &handle,
			 &cmd->error);
	if (rc) {
		decommission(vm, handle);
		return rc;
	}
	rc = sim_kvm_copy_out(vm, cmd);
	if (rc)
		sim_kvm_unbind(vm, handle);
	return rc;
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

	rc = sim_kvm_ask(vm, fd, cmd, fw_start, &start);
	if (!rc)
		rc = bind(vm, cmd, start.handle);
	if (rc)
		return rc;
	vm->handle = start.handle;
	vm->sev_fd = fd;
	return 0;
}
