/* SPDX-License-Identifier: MIT-0 */
/* A guest with private memory: how it begins, here or from elsewhere. */
#include <err.h>
#include <errno.h>
#include <string.h>

#include "hooks.h"

static int command(struct vmm *vmm, const char *name, uint32_t id, void *data)
{
	struct kvm_sev_cmd cmd = {
		.id = id,
		.data = (uintptr_t)data,
		.sev_fd = (uint32_t)vmm->sev_fd,
	};
	int ret = door.vm(vmm, KVM_MEMORY_ENCRYPT_OP, &cmd);

	if (!ret)
		return 0;
	warnx("%s: %s, firmware status 0x%x", name, strerror(-ret),
	      cmd.error);
	return -1;
}

/* KVM pins the memory, and must before the first command that works on it:
 * firmware knows pages by where they lie. */
static int pin(struct vmm *vmm)
{
	struct kvm_enc_region region = {
		.addr = (uintptr_t)vmm->memory.private,
		.size = vmm->memory.bytes,
	};
	int ret = door.vm(vmm, KVM_MEMORY_ENCRYPT_REG_REGION,
				   &region);

	if (ret)
		warnx("KVM_MEMORY_ENCRYPT_REG_REGION: %s", strerror(-ret));
	return ret ? -1 : 0;
}

/* Before the first vCPU. */
int sev_prepare(struct vmm *vmm)
{
	if (command(vmm, "SEV_INIT", KVM_SEV_INIT, NULL))
		return -1;
	return hook_unregistered(vmm) ? 0 : pin(vmm);
}

static int measure(struct vmm *vmm)
{
	uint8_t blob[256];
	struct kvm_sev_launch_measure data = {
		.uaddr = (uintptr_t)blob,
		.len = sizeof(blob),
	};

	/* its owner would compare it before it gives away a secret */
	return command(vmm, "LAUNCH_MEASURE", KVM_SEV_LAUNCH_MEASURE, &data);
}

int sev_launch(struct vmm *vmm, uint32_t policy)
{
	struct kvm_sev_launch_start start = { .policy = policy };
	struct kvm_sev_launch_update_data update = {
		.uaddr = (uintptr_t)vmm->memory.private,
		.len = (uint32_t)vmm->memory.bytes,
	};

	if (command(vmm, "LAUNCH_START", KVM_SEV_LAUNCH_START, &start) ||
	    command(vmm, "LAUNCH_UPDATE_DATA", KVM_SEV_LAUNCH_UPDATE_DATA,
		    &update) ||
	    measure(vmm))
		return -1;
	return command(vmm, "LAUNCH_FINISH", KVM_SEV_LAUNCH_FINISH, NULL);
}
