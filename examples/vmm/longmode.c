/* SPDX-License-Identifier: MIT-0 */
/* A vCPU in 64-bit mode at the payload, without firmware or boot loader.
 * Bits and descriptors: AMD64 Architecture Programmer's Manual, volume 2. */
#include <err.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm.h"

#define PTE_TABLE 0x03ull /* present, writable */
#define PTE_LARGE 0x83ull

#define CR0_PE_NE_PG 0x80000021ull
#define CR4_PAE	     0x20ull
#define EFER_LME_LMA 0x500ull

#define GDT_CODE 0x00af9b000000ffffull
#define GDT_DATA 0x00cf93000000ffffull

#define VECTOR_GP 13
#define GATE	  0x8e00ull

static void *guest(struct vmm *vmm, uint64_t gpa)
{
	return vmm->ram + gpa;
}

/* the first GiB as it is, in pages of 2 MiB */
static void page_tables(struct vmm *vmm)
{
	uint64_t *pml4 = guest(vmm, GUEST_PML4);
	uint64_t *pdpt = guest(vmm, GUEST_PDPT);
	uint64_t *pd = guest(vmm, GUEST_PD);

	pml4[0] = GUEST_PDPT | PTE_TABLE;
	pdpt[0] = GUEST_PD | PTE_TABLE;
	for (uint64_t i = 0; i < 512; i++)
		pd[i] = i << 21 | PTE_LARGE;
}

static void descriptors(struct vmm *vmm)
{
	uint64_t at = GUEST_PAYLOAD + (uint64_t)(payload_gp - payload);
	uint64_t *gdt = guest(vmm, GUEST_GDT);
	uint64_t *idt = guest(vmm, GUEST_IDT);

	gdt[SELECTOR_CODE / 8] = GDT_CODE;
	gdt[SELECTOR_DATA / 8] = GDT_DATA;
	idt[2 * VECTOR_GP] = (at & 0xffff) | SELECTOR_CODE << 16 |
			     GATE << 32 | (at >> 16 & 0xffff) << 48;
	idt[2 * VECTOR_GP + 1] = at >> 32;
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

static int set_sregs(struct vcpu *vcpu)
{
	struct kvm_sregs sregs;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		return -1;
	segments(&sregs);
	sregs.cr0 = CR0_PE_NE_PG;
	sregs.cr3 = GUEST_PML4;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LME_LMA;
	sregs.gdt.base = GUEST_GDT;
	sregs.gdt.limit = SELECTOR_DATA + 7;
	sregs.idt.base = GUEST_IDT;
	sregs.idt.limit = 16 * (VECTOR_GP + 1) - 1;
	return ioctl(vcpu->fd, KVM_SET_SREGS, &sregs);
}

int longmode_enter(struct vmm *vmm, struct vcpu *vcpu)
{
	struct kvm_regs regs = {
		.rip = GUEST_PAYLOAD,
		.rsp = GUEST_STACK,
		.rflags = 2,
	};

	page_tables(vmm);
	descriptors(vmm);
	memcpy(guest(vmm, GUEST_PAYLOAD), payload,
	       (size_t)(payload_end - payload));
	if (!set_sregs(vcpu) && !ioctl(vcpu->fd, KVM_SET_REGS, &regs))
		return 0;
	warn("registers of a vCPU");
	return -1;
}
