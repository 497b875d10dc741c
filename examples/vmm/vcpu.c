/* SPDX-License-Identifier: MIT-0 */
/* A vCPU: its CPUID with or without the offer, and the loop that runs it. */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm.h"

#define MAX_CPUID 256

static int fill_cpuid(struct vmm *vmm, struct kvm_cpuid2 *cpuid)
{
	cpuid->nent = MAX_CPUID;
	if (ioctl(vmm->kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid)) {
		warn("KVM_GET_SUPPORTED_CPUID");
		return -1;
	}
	/* Off is said as well: what KVM supports is not what we offer. */
	if (sevlm_cpuid_set(cpuid, vmm->offer, NULL)) {
		warnx("CPUID has no KVM leaf");
		return -1;
	}
	if (ioctl(vmm->vcpu.fd, KVM_SET_CPUID2, cpuid)) {
		warn("KVM_SET_CPUID2");
		return -1;
	}
	return 0;
}

static int set_cpuid(struct vmm *vmm)
{
	size_t bytes = sizeof(*vmm->vcpu.cpuid) +
		       MAX_CPUID * sizeof(vmm->vcpu.cpuid->entries[0]);

	vmm->vcpu.cpuid = calloc(1, bytes);
	return vmm->vcpu.cpuid ? fill_cpuid(vmm, vmm->vcpu.cpuid) : -1;
}

static int map_run(struct vmm *vmm)
{
	int bytes = ioctl(vmm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	void *run;

	if (bytes < (int)sizeof(*vmm->vcpu.run))
		return -1;
	run = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		   vmm->vcpu.fd, 0);
	if (run == MAP_FAILED) {
		warn("mmap of a vCPU");
		return -1;
	}
	vmm->vcpu.run = run;
	vmm->vcpu.run_bytes = bytes;
	return 0;
}

int vcpu_create(struct vmm *vmm, uint32_t id)
{
	vmm->vcpu.fd = ioctl(vmm->vm_fd, KVM_CREATE_VCPU, (unsigned long)id);
	if (vmm->vcpu.fd < 0) {
		warn("KVM_CREATE_VCPU");
		return -1;
	}
	return map_run(vmm) || set_cpuid(vmm) ? -1 : 0;
}

int vcpu_run(struct vmm *vmm)
{
	int ret = 0;

	while (!ret) {
		if (!ioctl(vmm->vcpu.fd, KVM_RUN, 0)) {
			ret = exits_handle(vmm);
		} else if (errno != EINTR && errno != EAGAIN) {
			warn("KVM_RUN");
			ret = -1;
		}
	}
	return ret < 0 ? -1 : 0;
}

/* The VM lives as long as a mapping of its vCPU does. */
void vcpu_free(struct vcpu *vcpu)
{
	if (vcpu->run)
		munmap(vcpu->run, vcpu->run_bytes);
	if (vcpu->fd >= 0)
		close(vcpu->fd);
	free(vcpu->cpuid);
}
