/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include "kvm.h"
#include "status.h"

static int platform_init(struct sevlm_sim_host *host, struct kvm_sev_cmd *cmd)
{
	int rc;

	pthread_mutex_lock(&host->lock);
	rc = sim_psp_init(host, &cmd->error);
	pthread_mutex_unlock(&host->lock);
	return rc;
}

static int init(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd)
{
	uint32_t asid;
	int rc;

	if (vm->vcpus)
		return -EINVAL;
	if (vm->sev_active)
		return -EBUSY;
	asid = sim_kvm_asid_new(vm->host);
	if (!asid)
		return -EBUSY;
	rc = platform_init(vm->host, cmd);
	if (rc) {
		sim_kvm_asid_free(vm->host, asid);
		return rc;
	}
	vm->asid = asid;
	vm->sev_active = true;
	return 0;
}

static int es_disabled(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd)
{
	(void)vm;
	(void)cmd;
	return -ENOTTY;
}

static uint32_t fw_unknown(struct sevlm_sim_vm *vm, void *arg)
{
	(void)vm;
	(void)arg;
	return SIM_INVALID_COMMAND;
}

static int unknown(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd)
{
	return sim_kvm_issue(vm, cmd, fw_unknown, NULL);
}

struct guest_status {
	uint32_t policy, asid;
	uint8_t state;
};

static uint32_t fw_status(struct sevlm_sim_vm *vm, void *arg)
{
	struct guest_status *status = arg;

	return sim_firmware_guest_status(vm->host->firmware, vm->handle,
					 &status->policy, &status->asid,
					 &status->state);
}

static int guest_status(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd)
{
	struct kvm_sev_guest_status *params = sim_kvm_user(cmd->data);
	struct guest_status status;
	int rc;

	rc = sim_kvm_issue(vm, cmd, fw_status, &status);
	if (rc)
		return rc;
	if (!params)
		return -EFAULT;
	params->handle = vm->handle;
	params->policy = status.policy;
	params->state = status.state;
	return 0;
}

/*
 * What KVM's dispatcher knows. The VMSA commands of SEND and RECEIVE are not
 * in it. not_sev: the answer on a VM that is not a SEV guest, 0 where it does
 * not matter. RECEIVE_UPDATE_DATA really differs from the rest. params: read
 * from the caller first; GUEST_STATUS only writes there.
 */
static const struct command {
	int (*run)(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd);
	int not_sev;
	bool params;
} commands[] = {
	[KVM_SEV_INIT] = {init, 0, false},
	[KVM_SEV_ES_INIT] = {es_disabled, 0, false},
	[KVM_SEV_LAUNCH_START] = {sim_kvm_launch_start, -ENOTTY, true},
	[KVM_SEV_LAUNCH_UPDATE_DATA] = {sim_kvm_launch_update, -ENOTTY, true},
	[KVM_SEV_LAUNCH_UPDATE_VMSA] = {es_disabled, -ENOTTY, false},
	[KVM_SEV_LAUNCH_SECRET] = {unknown, -ENOTTY, true},
	[KVM_SEV_LAUNCH_MEASURE] = {sim_kvm_launch_measure, -ENOTTY, true},
	[KVM_SEV_LAUNCH_FINISH] = {sim_kvm_launch_finish, -ENOTTY, false},
	[KVM_SEV_SEND_START] = {sim_kvm_send_start, -ENOTTY, true},
	[KVM_SEV_SEND_UPDATE_DATA] = {sim_kvm_send_update, -ENOTTY, true},
	[KVM_SEV_SEND_FINISH] = {sim_kvm_send_finish, -ENOTTY, false},
	[KVM_SEV_SEND_CANCEL] = {sim_kvm_send_cancel, -ENOTTY, false},
	[KVM_SEV_RECEIVE_START] = {sim_kvm_receive_start, -ENOTTY, true},
	[KVM_SEV_RECEIVE_UPDATE_DATA] = {sim_kvm_receive_update, -EINVAL, true},
	[KVM_SEV_RECEIVE_FINISH] = {sim_kvm_receive_finish, -ENOTTY, false},
	[KVM_SEV_GUEST_STATUS] = {guest_status, -ENOTTY, false},
	[KVM_SEV_DBG_DECRYPT] = {unknown, -ENOTTY, true},
	[KVM_SEV_DBG_ENCRYPT] = {unknown, -ENOTTY, true},
	[KVM_SEV_GET_ATTESTATION_REPORT] = {unknown, -ENOTTY, true},
};

static int fault_before(struct sevlm_sim_host *host, uint32_t id)
{
	int rc = 0;

	pthread_mutex_lock(&host->lock);
	if (sim_fault_strikes(host, id, SEVLM_SIM_FAULT_BEFORE))
		rc = -host->fault.error;
	pthread_mutex_unlock(&host->lock);
	return rc;
}

int sim_kvm_sev(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd)
{
	const struct command *command;
	int rc;

	if (cmd->id >= sizeof(commands) / sizeof(commands[0]) ||
	    !commands[cmd->id].run)
		return -EINVAL;
	command = &commands[cmd->id];
	if (!vm->sev_active && command->not_sev)
		return command->not_sev;
	rc = fault_before(vm->host, cmd->id);
	if (rc)
		return rc;
	if (command->params && !cmd->data)
		return -EFAULT;
	rc = command->run(vm, cmd);
	if (rc)
		return rc;
	pthread_mutex_lock(&vm->host->lock);
	sim_fault_passed(vm->host, cmd->id);
	pthread_mutex_unlock(&vm->host->lock);
	return 0;
}

void sim_kvm_destroy(struct sevlm_sim_vm *vm)
{
	sim_kvm_unbind(vm, vm->handle);
	vm->handle = 0;
	pthread_mutex_lock(&vm->host->lock);
	sim_firmware_forget(vm->host->firmware, vm->memory);
	pthread_mutex_unlock(&vm->host->lock);
	if (vm->sev_active)
		sim_kvm_asid_free(vm->host, vm->asid);
	vm->sev_active = false;
	vm->asid = 0;
}
