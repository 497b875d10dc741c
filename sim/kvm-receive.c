/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include "kvm.h"

static uint32_t fw_start(struct sevlm_sim_vm *vm, const void *arg,
			 uint32_t *handle)
{
	const struct kvm_sev_receive_start *params = arg;

	*handle = params->handle;
	return sim_firmware_receive_start(vm->host->firmware, params->policy,
					  sim_kvm_user(params->pdh_uaddr),
					  params->pdh_len,
					  sim_kvm_user(params->session_uaddr),
					  params->session_len, handle);
}

int sim_kvm_receive_start(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd)
{
	struct kvm_sev_receive_start *params = sim_kvm_user(cmd->data);
	int rc;

	if (!sim_kvm_blob(params->pdh_uaddr, params->pdh_len) ||
	    !sim_kvm_blob(params->session_uaddr, params->session_len))
		return -EINVAL;
	rc = sim_kvm_start(vm, cmd, fw_start);
	if (!rc)
		params->handle = vm->handle;
	return rc;
}

static uint32_t fw_update(struct sevlm_sim_vm *vm, void *arg)
{
	return sim_firmware_receive_update(vm->host->firmware, vm->handle,
					   vm->memory, arg);
}

int sim_kvm_receive_update(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd)
{
	struct kvm_sev_receive_update_data *params = sim_kvm_user(cmd->data);
	struct sim_packet packet = {
		.header = sim_kvm_user(params->hdr_uaddr),
		.header_len = params->hdr_len,
		.hva = sim_kvm_user(params->guest_uaddr),
		.guest_len = params->guest_len,
		.trans = sim_kvm_user(params->trans_uaddr),
		.trans_len = params->trans_len,
	};
	int rc;

	if (!sim_kvm_blob(params->hdr_uaddr, params->hdr_len) ||
	    !sim_kvm_blob(params->trans_uaddr, params->trans_len) ||
	    !params->guest_uaddr || !params->guest_len ||
	    !sim_frames_packet(vm, params->guest_uaddr, params->guest_len))
		return -EINVAL;
	if (params->guest_len > SIM_PAGE &&
	    params->trans_len != params->guest_len)
		return -EINVAL;
	rc = sim_kvm_pin(vm, params->guest_uaddr, params->guest_len);
	return rc ? rc : sim_kvm_issue(vm, cmd, fw_update, &packet);
}

static uint32_t fw_finish(struct sevlm_sim_vm *vm, void *arg)
{
	(void)arg;
	return sim_firmware_receive_finish(vm->host->firmware, vm->handle);
}

int sim_kvm_receive_finish(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd)
{
	return sim_kvm_issue(vm, cmd, fw_finish, NULL);
}
