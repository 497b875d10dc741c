/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "kvm.h"
#include "status.h"

#define MEASURE_ROOM 48u

static uint32_t fw_start(struct sevlm_sim_vm *vm, const void *arg,
			 uint32_t *handle)
{
	const struct kvm_sev_launch_start *params = arg;

	/* the sessions of guest owners are not part of this platform */
	if (params->dh_uaddr || params->session_uaddr)
		return SIM_UNSUPPORTED;
	*handle = params->handle;
	return sim_firmware_launch_start(vm->host->firmware, params->policy,
					 handle);
}

int sim_kvm_launch_start(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd)
{
	struct kvm_sev_launch_start *params = sim_kvm_user(cmd->data);
	int rc;

	if ((params->dh_uaddr &&
	     !sim_kvm_blob(params->dh_uaddr, params->dh_len)) ||
	    (params->session_uaddr &&
	     !sim_kvm_blob(params->session_uaddr, params->session_len)))
		return -EINVAL;
	rc = sim_kvm_start(vm, cmd, fw_start);
	if (!rc)
		params->handle = vm->handle;
	return rc;
}

static uint32_t fw_update(struct sevlm_sim_vm *vm, void *arg)
{
	const struct kvm_sev_launch_update_data *params = arg;

	return sim_firmware_launch_update(
		vm->host->firmware, vm->handle, vm->memory,
		sim_kvm_user(params->uaddr), params->len);
}

int sim_kvm_launch_update(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd)
{
	struct kvm_sev_launch_update_data *params = sim_kvm_user(cmd->data);
	int rc = sim_kvm_pin(vm, params->uaddr, params->len);

	return rc ? rc : sim_kvm_issue(vm, cmd, fw_update, params);
}

struct measure {
	uint8_t blob[MEASURE_ROOM];
	uint32_t len; /* in and out */
};

static uint32_t fw_measure(struct sevlm_sim_vm *vm, void *arg)
{
	struct measure *measure = arg;

	return sim_firmware_launch_measure(vm->host->firmware, vm->handle,
					   measure->blob, &measure->len);
}

int sim_kvm_launch_measure(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd)
{
	struct kvm_sev_launch_measure *params = sim_kvm_user(cmd->data);
	struct measure measure = {.len = params->uaddr ? params->len : 0};
	bool query = !params->len;
	int rc;

	if (params->uaddr && !query &&
	    !sim_kvm_blob(params->uaddr, params->len))
		return -EINVAL;
	rc = sim_kvm_issue(vm, cmd, fw_measure, &measure);
	if (rc && !query)
		return rc;
	if (!rc) {
		memcpy(sim_kvm_user(params->uaddr), measure.blob, measure.len);
		memset((uint8_t *)sim_kvm_user(params->uaddr) + measure.len, 0,
		       params->len - measure.len);
	}
	params->len = measure.len;
	return rc;
}

static uint32_t fw_finish(struct sevlm_sim_vm *vm, void *arg)
{
	(void)arg;
	return sim_firmware_launch_finish(vm->host->firmware, vm->handle);
}

int sim_kvm_launch_finish(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd)
{
	return sim_kvm_issue(vm, cmd, fw_finish, NULL);
}
