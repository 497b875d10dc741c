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

static int fill_cpuid(struct vmm *vmm, struct kvm_cpuid2 *cpuid, bool offer,
		      struct vcpu *vcpu)
{
	cpuid->nent = MAX_CPUID;
	if (ioctl(vmm->kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid)) {
		warn("KVM_GET_SUPPORTED_CPUID");
		return -1;
	}
	/* Off is said as well: what KVM supports is not what we offer. */
	if (sevlm_cpuid_set(cpuid, offer, NULL)) {
		warnx("CPUID has no KVM leaf");
		return -1;
	}
	if (ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid)) {
		warn("KVM_SET_CPUID2");
		return -1;
	}
	return 0;
}

static int set_cpuid(struct vmm *vmm, bool offer, struct vcpu *vcpu)
{
	struct kvm_cpuid2 *cpuid;
	int ret;

	cpuid = calloc(1, sizeof(*cpuid) +
				  MAX_CPUID * sizeof(cpuid->entries[0]));
	if (!cpuid)
		return -1;
	ret = fill_cpuid(vmm, cpuid, offer, vcpu);
	free(cpuid);
	return ret;
}

static int map_run(struct vmm *vmm, struct vcpu *vcpu)
{
	int bytes = ioctl(vmm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	void *run;

	if (bytes < (int)sizeof(*vcpu->run))
		return -1;
	run = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd,
		   0);
	if (run == MAP_FAILED) {
		warn("mmap of a vCPU");
		return -1;
	}
	vcpu->run = run;
	vcpu->run_bytes = bytes;
	return 0;
}

int vcpu_create(struct vmm *vmm, uint32_t id, bool offer, struct vcpu *vcpu)
{
	vcpu->fd = ioctl(vmm->vm_fd, KVM_CREATE_VCPU, (unsigned long)id);
	if (vcpu->fd < 0) {
		warn("KVM_CREATE_VCPU");
		return -1;
	}
	if (map_run(vmm, vcpu) || set_cpuid(vmm, offer, vcpu))
		return -1;
	return longmode_enter(vmm, vcpu);
}

int vcpu_run(struct vmm *vmm, struct vcpu *vcpu)
{
	int ret = 0;

	while (!ret) {
		if (!ioctl(vcpu->fd, KVM_RUN, 0)) {
			ret = exits_handle(vmm, vcpu->run);
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
}
