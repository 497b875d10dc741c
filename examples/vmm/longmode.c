/* SPDX-License-Identifier: MIT-0 */
/* A vCPU in 64-bit mode at its program, without firmware or boot loader.
 * Bits and descriptors: AMD64 Architecture Programmer's Manual, volume 2. */
#include <err.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm.h"

#define PTE_PRESENT 0x03ull /* and writable */
#define ENTRIES	    512u

#define CR0_PE_MP_NE_PG 0x80000023ull
#define CR4_PAE_FXSR	0x220ull
#define EFER_LME_LMA	0x500ull

#define GDT_CODE 0x00af9b000000ffffull
#define GDT_DATA 0x00cf93000000ffffull

#define VECTOR_GP 13
#define GATE	  0x8e00ull

static void *guest(struct vmm *vmm, uint64_t gpa)
{
	return vmm->memory.private + gpa;
}

/* memory where it is, page by page, all of it private */
static void page_tables(struct vmm *vmm)
{
	uint64_t flags = PTE_PRESENT | vmm->memory.cbit;
	uint64_t pages = vmm->memory.bytes / SEVLM_PAGE_SIZE;
	uint64_t *pml4 = guest(vmm, GUEST_PML4);
	uint64_t *pdpt = guest(vmm, GUEST_PDPT);
	uint64_t *pt = guest(vmm, GUEST_TABLES);
	uint64_t *pd = guest(vmm, GUEST_PD);

	pml4[0] = GUEST_PDPT | flags;
	pdpt[0] = GUEST_PD | flags;
	for (uint64_t i = 0; i < pages; i++)
		pt[i] = i * SEVLM_PAGE_SIZE | flags;
	for (uint64_t i = 0; i < pages / ENTRIES; i++)
		pd[i] = (GUEST_TABLES + i * SEVLM_PAGE_SIZE) | flags;
}

static void descriptors(struct vmm *vmm)
{
	uint64_t *gdt = guest(vmm, GUEST_GDT);

	gdt[SELECTOR_CODE / 8] = GDT_CODE;
	gdt[SELECTOR_DATA / 8] = GDT_DATA;
}

static void segments(struct kvm_sregs *sregs)
{
	const struct kvm_segment data = {
		.limit = ~0u, .selector = SELECTOR_DATA, .type = 3,
		.present = 1, .s = 1, .g = 1, .db = 1,
	};
	const struct kvm_segment code = {
		.limit = ~0u, .selector = SELECTOR_CODE, .type = 11,
		.present = 1, .s = 1, .g = 1, .l = 1,
	};

	sregs->cs = code;
	sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
}

static int set_sregs(struct vmm *vmm)
{
	struct kvm_sregs sregs;

	if (ioctl(vmm->vcpu.fd, KVM_GET_SREGS, &sregs))
		return -1;
	segments(&sregs);
	sregs.cr0 = CR0_PE_MP_NE_PG;
	sregs.cr3 = GUEST_PML4 | vmm->memory.cbit;
	sregs.cr4 = CR4_PAE_FXSR;
	sregs.efer = EFER_LME_LMA;
	sregs.gdt.base = GUEST_GDT;
	sregs.gdt.limit = SELECTOR_DATA + 7;
	sregs.idt.base = GUEST_IDT;
	sregs.idt.limit = 16 * (VECTOR_GP + 1) - 1;
	return ioctl(vmm->vcpu.fd, KVM_SET_SREGS, &sregs);
}

static int enter(struct vmm *vmm, uint64_t rip, uint64_t rsp)
{
	const struct kvm_regs regs = { .rip = rip, .rsp = rsp, .rflags = 2 };

	page_tables(vmm);
	descriptors(vmm);
	if (!set_sregs(vmm) && !ioctl(vmm->vcpu.fd, KVM_SET_REGS, &regs))
		return 0;
	warn("registers of a vCPU");
	return -1;
}

int longmode_script(struct vmm *vmm)
{
	uint64_t at = GUEST_PAYLOAD + (uint64_t)(payload_gp - payload);
	uint64_t *idt = guest(vmm, GUEST_IDT);

	idt[2 * VECTOR_GP] = (at & 0xffff) | SELECTOR_CODE << 16 |
			     GATE << 32 | (at >> 16 & 0xffff) << 48;
	idt[2 * VECTOR_GP + 1] = at >> 32;
	memcpy(guest(vmm, GUEST_PAYLOAD), payload,
	       (size_t)(payload_end - payload));
	return enter(vmm, GUEST_PAYLOAD, GUEST_PAYLOAD_STACK);
}

static int read_image(struct vmm *vmm, const char *path)
{
	const size_t room = GUEST_TABLES - GUEST_IMAGE;
	FILE *file = fopen(path, "re");
	size_t bytes;

	if (!file) {
		warn("%s", path);
		return -1;
	}
	bytes = fread(guest(vmm, GUEST_IMAGE), 1, room, file);
	fclose(file);
	if (bytes && bytes < room)
		return 0;
	warnx("%s is no image", path);
	return -1;
}

int longmode_image(struct vmm *vmm, const char *path, uint32_t work,
		   uint64_t seed)
{
	struct guest_boot *boot = guest(vmm, GUEST_BOOT);

	boot->cbit = vmm->memory.cbit;
	boot->ram = vmm->memory.bytes;
	boot->seed = seed;
	boot->work = work;
	if (read_image(vmm, path))
		return -1;
	return enter(vmm, GUEST_IMAGE, GUEST_STACK);
}
