/* SPDX-License-Identifier: MIT-0 */
/* libsevlm's way to the kernel. Where two buffers stand for the two views of
 * a page, libsevlm knows the shared one and firmware works on the other. */
#include <errno.h>
#include <sys/ioctl.h>

#include "vmm.h"

static int on_file(int fd, uint32_t request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

static uint64_t private_of(const struct memory *memory, uint64_t address)
{
	uint64_t offset = address - (uintptr_t)memory->shared;

	return offset < memory->bytes ? (uintptr_t)memory->private + offset
				      : address;
}

static int send_update(struct vmm *vmm, struct kvm_sev_cmd *cmd)
{
	struct kvm_sev_send_update_data *given = (void *)(uintptr_t)cmd->data;
	struct kvm_sev_send_update_data data = *given;
	int ret;

	data.guest_uaddr = private_of(&vmm->memory, data.guest_uaddr);
	cmd->data = (uintptr_t)&data;
	ret = on_file(vmm->vm_fd, KVM_MEMORY_ENCRYPT_OP, cmd);
	cmd->data = (uintptr_t)given;
	given->hdr_len = data.hdr_len;
	given->trans_len = data.trans_len;
	return ret;
}

static int receive_update(struct vmm *vmm, struct kvm_sev_cmd *cmd)
{
	struct kvm_sev_receive_update_data *given =
		(void *)(uintptr_t)cmd->data;
	struct kvm_sev_receive_update_data data = *given;
	int ret;

	data.guest_uaddr = private_of(&vmm->memory, data.guest_uaddr);
	cmd->data = (uintptr_t)&data;
	ret = on_file(vmm->vm_fd, KVM_MEMORY_ENCRYPT_OP, cmd);
	cmd->data = (uintptr_t)given;
	return ret;
}

static int door_vm(void *ctx, uint32_t request, void *arg)
{
	struct kvm_sev_cmd *cmd = arg;
	struct vmm *vmm = ctx;

	if (request != KVM_MEMORY_ENCRYPT_OP || !cmd)
		return on_file(vmm->vm_fd, request, arg);
	if (cmd->id == KVM_SEV_SEND_UPDATE_DATA)
		return send_update(vmm, cmd);
	if (cmd->id == KVM_SEV_RECEIVE_UPDATE_DATA)
		return receive_update(vmm, cmd);
	return on_file(vmm->vm_fd, request, arg);
}

static int door_sev(void *ctx, uint32_t request, void *arg)
{
	struct vmm *vmm = ctx;

	return on_file(vmm->sev_fd, request, arg);
}

static int door_host(void *ctx, uint32_t request, void *arg)
{
	struct vmm *vmm = ctx;

	return on_file(vmm->kvm_fd, request, arg);
}

const struct sevlm_kernel_ops door = {
	.size = sizeof(door),
	.vm = door_vm,
	.sev = door_sev,
	.host = door_host,
};
