/* SPDX-License-Identifier: MIT-0 */
/* The files a guest is made of, and libsevlm's view of it. */
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vmm.h"

#define PATIENCE_S 10

int vmm_patience_s(void)
{
	const char *times = getenv("VMM_PATIENCE");

	return PATIENCE_S * (times ? atoi(times) : 1);
}

void vmm_init(struct vmm *vmm)
{
	memset(vmm, 0, sizeof(*vmm));
	vmm->kvm_fd = vmm->vm_fd = vmm->sev_fd = vmm->vcpu.fd = -1;
	vmm->states = SEVLM_STATES_ANY;
	pthread_mutex_init(&vmm->vcpu.lock, NULL);
	pthread_cond_init(&vmm->vcpu.changed, NULL);
	pthread_mutex_init(&vmm->device.lock, NULL);
	pthread_cond_init(&vmm->device.told, NULL);
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		warn("%s", path);
	return fd;
}

/* libsevlm asks for a file that stands for the firmware and is the guest's
 * for life. A guest without SEV has none and never reaches the calls that
 * use it, so it gets one on which every command fails. */
static int open_files(struct vmm *vmm)
{
	vmm->kvm_fd = open_file("/dev/kvm");
	if (vmm->kvm_fd < 0)
		return -1;
	vmm->sev_fd = open_file(vmm->sev ? "/dev/sev" : "/dev/null");
	if (vmm->sev_fd < 0)
		return -1;
	vmm->vm_fd = ioctl(vmm->kvm_fd, KVM_CREATE_VM, 0ul);
	if (vmm->vm_fd >= 0)
		return 0;
	warn("KVM_CREATE_VM");
	return -1;
}

int vmm_open(struct vmm *vmm)
{
	struct sevlm_vm_config config = {
		.size = sizeof(config),
		.ops = &door,
		.ops_ctx = vmm,
	};
	int ret;

	if (open_files(vmm))
		return -1;
	config.vm_fd = vmm->vm_fd;
	config.sev_fd = vmm->sev_fd;
	config.kvm_fd = vmm->kvm_fd;
	ret = sevlm_vm_new(&config, &vmm->vm);
	if (ret)
		warnx("libsevlm: %s", sevlm_strerror(ret));
	return ret ? -1 : 0;
}

int vmm_offer(struct vmm *vmm, uint32_t policy)
{
	int ret = vmm->offer ? sevlm_vm_offer(vmm->vm, policy) : 0;

	if (ret)
		warnx("offering live migration: %s", sevlm_strerror(ret));
	return ret ? -1 : 0;
}

static void close_file(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* KVM looks the firmware's file up by its number until the guest is gone. */
void vmm_close(struct vmm *vmm)
{
	vcpu_free(&vmm->vcpu);
	sevlm_vm_free(vmm->vm);
	close_file(vmm->vm_fd);
	memory_free(vmm);
	close_file(vmm->sev_fd);
	close_file(vmm->kvm_fd);
	if (vmm->script.file)
		fclose(vmm->script.file);
}
