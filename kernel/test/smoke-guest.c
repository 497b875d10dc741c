// SPDX-License-Identifier: GPL-2.0-only
/*
 * Smoke test: a guest that runs
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "smoke.h"

/*
 * The guest's program: reads one address with the C-bit and without it, counts
 * its rounds, says by VMMCALL that the page is private, and once more.
 */

#define CODE		0x4000
#define DATA		0x8000
#define COUNT		0x9000
#define MAP_GPA_RANGE	12
#define PRIVATE		0x10

static const uint8_t code[] = {
	0x4c, 0x8b, 0x04, 0x25, 0x00, 0x80, 0x00, 0x00,	/* mov DATA, %r8 */
	0x4c, 0x8b, 0x0c, 0x25, 0x00, 0x80, 0x20, 0x00,	/* shared: %r9 */
	0x48, 0xff, 0x04, 0x25, 0x00, 0x90, 0x00, 0x00,	/* incq COUNT */
	0xb8, MAP_GPA_RANGE, 0, 0, 0,			/* mov ..., %eax */
	0xbb, 0x00, 0x80, 0, 0,				/* mov $DATA, %ebx */
	0xb9, 1, 0, 0, 0,				/* mov $1, %ecx */
	0xba, PRIVATE, 0, 0, 0,				/* mov ..., %edx */
	0x0f, 0x01, 0xd9,				/* vmmcall */
	0xeb, 0xcf,					/* jmp code */
};

static uint64_t *word(uint8_t *memory, unsigned int at)
{
	return (uint64_t *)(memory + at);
}

void fill(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < MEMORY; i++) {
		vm->private[i] = i * 31 + i / PAGE;
		vm->shared[i] = i * 17 + 5;
	}
	memset(vm->private + 0x1000, 0, 0x3000);
	*word(vm->private, 0x1000) = C_BIT | 0x2000 | 3;
	*word(vm->private, 0x2000) = C_BIT | 0x3000 | 3;
	*word(vm->private, 0x3000) = C_BIT | 0x83;
	*word(vm->private, 0x3008) = 0x83;
	memcpy(vm->private + CODE, code, sizeof(code));
	*word(vm->private, DATA) = 0x1122334455667788;
	*word(vm->shared, DATA) = 0x99aabbccddeeff00;
	*word(vm->private, COUNT) = 0;
}

static void cpuid(struct vm *vm)
{
	struct kvm_cpuid2 *list;

	list = calloc(1, sizeof(*list) + 100 * sizeof(list->entries[0]));
	need(list != NULL, "memory");
	list->nent = 100;
	need(!ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, list) &&
	     !ioctl(vm->vcpu, KVM_SET_CPUID2, list), "CPUID");
	free(list);
}

static void vcpu_open(struct vm *vm)
{
	struct kvm_enable_cap exits = {
		.cap = KVM_CAP_EXIT_HYPERCALL, .args = { 1 << MAP_GPA_RANGE },
	};

	need(!ioctl(vm->fd, KVM_ENABLE_CAP, &exits), "KVM_ENABLE_CAP");
	vm->vcpu = ioctl(vm->fd, KVM_CREATE_VCPU, 0);
	need(vm->vcpu >= 0, "KVM_CREATE_VCPU");
	vm->run_bytes = ioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	vm->run = mmap(NULL, vm->run_bytes, PROT_READ | PROT_WRITE,
		       MAP_SHARED, vm->vcpu, 0);
	need(vm->run != MAP_FAILED, "kvm_run");
	cpuid(vm);
}

void boot(struct vm *vm)
{
	struct kvm_regs regs = { .rip = CODE, .rflags = 2 };
	struct kvm_sregs sregs;

	vcpu_open(vm);
	need(!ioctl(vm->vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cr3 = C_BIT | 0x1000;
	sregs.cr4 = 0x20;
	sregs.cr0 = 0x80000011;
	sregs.efer = 0x500;
	sregs.cs = (struct kvm_segment) {
		.limit = ~0u, .selector = 8, .type = 11, .present = 1,
		.s = 1, .l = 1, .g = 1,
	};
	need(!ioctl(vm->vcpu, KVM_SET_SREGS, &sregs) &&
	     !ioctl(vm->vcpu, KVM_SET_REGS, &regs), "registers");
}

static int announced(struct kvm_run *run)
{
	if (run->exit_reason == KVM_EXIT_HYPERCALL &&
	    run->hypercall.nr == MAP_GPA_RANGE &&
	    run->hypercall.args[0] == DATA && run->hypercall.args[1] == 1 &&
	    run->hypercall.args[2] == PRIVATE) {
		run->hypercall.ret = 0;
		return 1;
	}
	printf("# exit %u\n", run->exit_reason);
	return 0;
}

/* One round of the guest's program */
int round_of(struct vm *vm, uint64_t count)
{
	struct kvm_regs regs;

	if (ioctl(vm->vcpu, KVM_RUN, 0) || !announced(vm->run) ||
	    ioctl(vm->vcpu, KVM_GET_REGS, &regs))
		return 0;
	return regs.r8 == *word(vm->private, DATA) &&
	       regs.r9 == *word(vm->shared, DATA) && regs.r8 != regs.r9 &&
	       *word(vm->private, COUNT) == count;
}

void move_vcpu(struct vm *source, struct vm *target)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	/* The VMMCALL is not over before KVM has come back once */
	source->run->immediate_exit = 1;
	ioctl(source->vcpu, KVM_RUN, 0);
	vcpu_open(target);
	need(!ioctl(source->vcpu, KVM_GET_SREGS, &sregs) &&
	     !ioctl(source->vcpu, KVM_GET_REGS, &regs) &&
	     !ioctl(target->vcpu, KVM_SET_SREGS, &sregs) &&
	     !ioctl(target->vcpu, KVM_SET_REGS, &regs), "registers");
}
