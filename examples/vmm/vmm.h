/* SPDX-License-Identifier: MIT-0 */
/* A complete small VMM on /dev/kvm that offers a guest live migration. */
#ifndef VMM_VMM_H
#define VMM_VMM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <linux/kvm.h>

#include <libsevlm/libsevlm.h>

#include "payload.h"

#define RAM_BYTES (16ull << 20)

struct vcpu {
	int fd;
	struct kvm_run *run;
	size_t run_bytes;
};

/* What the guest and its host shall do, one line each: script.c. */
struct script {
	FILE *file;
	char line[128];		/* the one the guest is at, or empty */
	uint64_t mask;		/* of its result */
};

struct vmm {
	int kvm_fd, vm_fd, sev_fd;
	struct sevlm_vm *vm;	/* libsevlm's handle */
	uint8_t *ram;
	struct vcpu vcpu;
	struct script script;
};

/* All return 0, or -1 with a line on standard error. */

/* setup.c */
int setup_exits(struct vmm *vmm, bool merge);

/* memory.c */
int memory_create(struct vmm *vmm);
int memory_dirty_log(struct vmm *vmm, bool on);
/* is the page dirty? 1 or 0, and -1; every page's answer is given once */
int memory_harvest(struct vmm *vmm, uint64_t gpa);
void memory_free(struct vmm *vmm);

/* vcpu.c */
int vcpu_create(struct vmm *vmm, uint32_t id, bool offer, struct vcpu *vcpu);
int vcpu_run(struct vmm *vmm, struct vcpu *vcpu);
void vcpu_free(struct vcpu *vcpu);

/* longmode.c */
int longmode_enter(struct vmm *vmm, struct vcpu *vcpu);

/* exits.c; 1 means that the guest is done */
int exits_handle(struct vmm *vmm, struct kvm_run *run);

/* script.c; puts the next access into the mailbox, 0 at the end as well */
int script_next(struct vmm *vmm);

#endif /* VMM_VMM_H */
