/* SPDX-License-Identifier: MIT-0 */
/*
 * Guest memory. On SEV hardware the CPU takes the private bit off an address
 * and one memory slot holds both views of a page, one of them encrypted.
 * Where the CPU knows no such bit (an emulated machine whose firmware is
 * software) the bit is an address bit like any other, and two slots over two
 * buffers keep the views apart: what the guest writes as private is not there
 * when it is read as shared.
 */
#include <cpuid.h>
#include <err.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "vmm.h"

#define HUGE_PAGE    (2ull << 20)
#define SLOT_SHARED  0u
#define SLOT_PRIVATE 1u
#define MAX_WORDS    (GUEST_MAX_RAM / SEVLM_PAGE_SIZE / 64)

/* the highest that 40 bits of physical address allow; part of the guest */
#define ALIAS_BIT 39

#define CPUID_SEV 0x8000001fu
#define EAX_SEV	  (1u << 1)
#define EBX_CBIT  0x3fu

static void choose_bit(struct memory *memory)
{
	uint32_t eax = 0, ebx = 0, ecx, edx;

	memory->alias = !__get_cpuid(CPUID_SEV, &eax, &ebx, &ecx, &edx) ||
			!(eax & EAX_SEV);
	memory->cbit = 1ull << (memory->alias ? ALIAS_BIT : ebx & EBX_CBIT);
}

static int set_slot(struct vmm *vmm, uint32_t id, uint32_t flags)
{
	struct memory *memory = &vmm->memory;
	struct kvm_userspace_memory_region slot = {
		.slot = id,
		.flags = flags,
		.guest_phys_addr = id == SLOT_SHARED ? 0 : memory->cbit,
		.memory_size = memory->bytes,
		.userspace_addr = (uintptr_t)(id == SLOT_SHARED ?
						      memory->shared :
						      memory->private),
	};

	if (!ioctl(vmm->vm_fd, KVM_SET_USER_MEMORY_REGION, &slot))
		return 0;
	warn("KVM_SET_USER_MEMORY_REGION");
	return -1;
}

static int set_slots(struct vmm *vmm, uint32_t flags)
{
	if (set_slot(vmm, SLOT_SHARED, flags))
		return -1;
	return vmm->memory.alias ? set_slot(vmm, SLOT_PRIVATE, flags) : 0;
}

/* whole huge pages, where it is made of those */
static uint64_t mapped(const struct memory *memory)
{
	const uint64_t page = memory->huge ? HUGE_PAGE : SEVLM_PAGE_SIZE;

	return (memory->bytes + page - 1) / page * page;
}

/* KVM of Linux 6.1.192 pins memory as it finds it, and where nothing was ever
 * written there is nothing to pin: what comes there later can be moved away
 * under the guest. So all of it is there from the beginning. */
static uint8_t *buffer(const struct memory *memory)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
	void *ram = mmap(NULL, mapped(memory), PROT_READ | PROT_WRITE,
			 memory->huge ? flags | MAP_HUGETLB : flags, -1, 0);

	if (ram != MAP_FAILED)
		return ram;
	warn("guest memory%s", memory->huge ? " of huge pages" : "");
	return NULL;
}

static int buffers(struct memory *memory)
{
	memory->shared = buffer(memory);
	memory->private = memory->alias ? buffer(memory) : memory->shared;
	return memory->shared && memory->private ? 0 : -1;
}

/* Huge pages are contiguous, and stay where they are: sev.c registers them.
 * What holds for the one buffer holds for the other. */
static uint32_t region_type(const struct memory *memory)
{
	return SEVLM_REGION_TRACKED |
	       (memory->huge ? SEVLM_REGION_CONTIGUOUS : 0);
}

/* libsevlm copies shared pages from and to the address it is told here; the
 * firmware is led to the private ones by door.c. */
int memory_create(struct vmm *vmm, uint64_t bytes)
{
	struct memory *memory = &vmm->memory;

	memory->bytes = bytes;
	if (vmm->sev)
		choose_bit(memory);
	if (buffers(memory) || set_slots(vmm, 0))
		return -1;
	if (!sevlm_vm_add_region(vmm->vm, 0, bytes, memory->shared,
				 region_type(memory)))
		return 0;
	warnx("guest memory: %s", sevlm_vm_error(vmm->vm));
	return -1;
}

int memory_dirty_log(struct vmm *vmm, bool on)
{
	return set_slots(vmm, on ? KVM_MEM_LOG_DIRTY_PAGES : 0);
}

static int harvest_slot(struct vmm *vmm, uint32_t id, uint64_t *bitmap)
{
	struct kvm_dirty_log log = { .slot = id, .dirty_bitmap = bitmap };

	if (!ioctl(vmm->vm_fd, KVM_GET_DIRTY_LOG, &log))
		return 0;
	warn("KVM_GET_DIRTY_LOG");
	return -1;
}

/* KVM_GET_DIRTY_LOG also protects the pages again. */
int memory_harvest(struct vmm *vmm, uint64_t *bitmap)
{
	uint64_t words = vmm->memory.bytes / SEVLM_PAGE_SIZE / 64;
	uint64_t private[MAX_WORDS];

	if (harvest_slot(vmm, SLOT_SHARED, bitmap))
		return -1;
	if (!vmm->memory.alias)
		return 0;
	if (harvest_slot(vmm, SLOT_PRIVATE, private))
		return -1;
	for (uint64_t i = 0; i < words; i++)
		bitmap[i] |= private[i];
	return 0;
}

void memory_free(struct vmm *vmm)
{
	struct memory *memory = &vmm->memory;

	if (memory->private && memory->alias)
		munmap(memory->private, mapped(memory));
	if (memory->shared)
		munmap(memory->shared, mapped(memory));
}
