/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include "kvm.h"

struct receive {
	const struct kvm_sev_receive_start *params;
	uint32_t handle; /* out, 0 where there is none */
};

static uint32_t fw_start(struct sevlm_sim_vm *vm, void *arg)
{
	struct receive *receive = arg;
	const struct kvm_sev_receive_start *params = receive->params;
	struct sim_firmware *firmware = vm->host->firmware;
	uint32_t handle = params->handle, status;

	status = sim_firmware_receive_start(
		firmware, params->policy, sim_kvm_user(params->pdh_uaddr),
		params->pdh_len, sim_kvm_user(params->session_uaddr),
		params->session_len, &handle);
	if (status)
		return status;
	status = sim_firmware_activate(firmware, handle, vm->asid, vm->memory);
	if (status)
		sim_firmware_decommission(firmware, handle);
	else
		receive->handle = handle;
	return status;
}

int sim_kvm_receive_start(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd)
{
	struct kvm_sev_receive_start *params = sim_kvm_user(cmd->data);
	struct receive receive = {.params = params};
	int rc;

	if (!sim_kvm_blob(params->pdh_uaddr, params->pdh_len) ||
	    !sim_kvm_blob(params->session_uaddr, params->session_len))
		return -EINVAL;
	rc = sim_kvm_issue(vm, (int32_t)cmd->sev_fd, cmd, fw_start, &receive);
	if (rc) {
		sim_kvm_unbind(vm, receive.handle);
		return rc;
	}
	params->handle = receive.handle;
	vm->handle = receive.handle;
	vm->sev_fd = (int32_t)cmd->sev_fd;
	return 0;
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

	if (!sim_kvm_blob(params->hdr_uaddr, params->hdr_len) ||
	    !sim_kvm_blob(params->trans_uaddr, params->trans_len) ||
	    !params->guest_uaddr || !params->guest_len ||
	    !sim_kvm_in_page(params->guest_uaddr, params->guest_len))
		return -EINVAL;
	return sim_kvm_issue(vm, vm->sev_fd, cmd, fw_update, &packet);
}

static uint32_t fw_finish(struct sevlm_sim_vm *vm, void *arg)
{
	(void)arg;
	return sim_firmware_receive_finish(vm->host->firmware, vm->handle);
}

int sim_kvm_receive_finish(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd)
{
	return sim_kvm_issue(vm, vm->sev_fd, cmd, fw_finish, NULL);
}
