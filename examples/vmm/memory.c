/* SPDX-License-Identifier: MIT-0 */
/* One memory slot from 0 up, and its dirty log. */
#include <err.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "vmm.h"

#define SLOT  0
#define PAGES (RAM_BYTES / SEVLM_PAGE_SIZE)

static int set_slot(struct vmm *vmm, uint32_t flags)
{
	struct kvm_userspace_memory_region slot = {
		.slot = SLOT,
		.flags = flags,
		.memory_size = RAM_BYTES,
		.userspace_addr = (uintptr_t)vmm->ram,
	};

	if (!ioctl(vmm->vm_fd, KVM_SET_USER_MEMORY_REGION, &slot))
		return 0;
	warn("KVM_SET_USER_MEMORY_REGION");
	return -1;
}

int memory_create(struct vmm *vmm)
{
	void *ram = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (ram == MAP_FAILED) {
		warn("guest memory");
		return -1;
	}
	vmm->ram = ram;
	if (set_slot(vmm, 0))
		return -1;
	if (sevlm_vm_add_region(vmm->vm, 0, RAM_BYTES, ram,
				SEVLM_REGION_TRACKED)) {
		warnx("guest memory: %s", sevlm_vm_error(vmm->vm));
		return -1;
	}
	return 0;
}

int memory_dirty_log(struct vmm *vmm, bool on)
{
	return set_slot(vmm, on ? KVM_MEM_LOG_DIRTY_PAGES : 0);
}

/* KVM_GET_DIRTY_LOG also protects the pages again. */
int memory_harvest(struct vmm *vmm, uint64_t gpa)
{
	uint64_t bitmap[PAGES / 64], page = gpa / SEVLM_PAGE_SIZE;
	struct kvm_dirty_log log = { .slot = SLOT, .dirty_bitmap = bitmap };

	if (page >= PAGES) {
		warnx("no memory at 0x%llx", (unsigned long long)gpa);
		return -1;
	}
	memset(bitmap, 0, sizeof(bitmap));
	if (ioctl(vmm->vm_fd, KVM_GET_DIRTY_LOG, &log)) {
		warn("KVM_GET_DIRTY_LOG");
		return -1;
	}
	return bitmap[page / 64] >> (page % 64) & 1;
}

void memory_free(struct vmm *vmm)
{
	if (vmm->ram)
		munmap(vmm->ram, RAM_BYTES);
}
