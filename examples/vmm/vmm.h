/* SPDX-License-Identifier: MIT-0 */
/* A complete small VMM on /dev/kvm whose guests can move while they run. */
#ifndef VMM_VMM_H
#define VMM_VMM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <linux/kvm.h>

#include <libsevlm/libsevlm.h>

#include "guest.h"
#include "payload.h"

#define SCRIPT_RAM (16u << 20)

/*
 * What the guest sees at an address with the private bit and what it sees
 * without differ, as they do on hardware: see memory.c.
 */
struct memory {
	uint8_t *private, *shared;
	uint64_t bytes;
	uint64_t cbit;		/* the private bit of page tables, or 0 */
	bool huge;		/* made of huge pages */
	bool alias;		/* the bit is ours, not the CPU's */
};

struct vcpu {
	int fd;
	struct kvm_run *run;
	size_t run_bytes;
	struct kvm_cpuid2 *cpuid;
	bool live;		/* there is a thread, and: */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int asked, is;		/* VCPU_* */
};

/* What the guest talks to: a clock, and a place to report to. */
struct device {
	pthread_mutex_t lock;
	pthread_cond_t told;
	uint64_t clock;		/* all of its state that travels */
	bool ask;		/* the guest is to report at its next look */
	bool told_all;		/* it has, and: */
	struct guest_report report;
	int differs;		/* its page states from ours */
};

/* What the guest and its host shall do, one line each: script.c. */
struct script {
	FILE *file;
	char line[128];		/* the one the guest is at, or empty */
	uint64_t mask;		/* of its result */
};

struct vmm {
	int kvm_fd, vm_fd, sev_fd;
	bool sev;		/* the guest has private memory */
	bool offer;		/* it may announce page states */
	uint32_t states;	/* where they come from, SEVLM_STATES_* */
	uint64_t list_room;	/* ranges in the kernel's list, 0: its default */
	const char *papers;	/* the directory with certificates */
	const char *keep;	/* ... and for what outlives the process */
	uint64_t patience_ns;	/* with a peer, or 0: as libsevlm has it */
	struct sevlm_vm *vm;	/* libsevlm's handle */
	struct memory memory;
	struct vcpu vcpu;
	struct device device;
	struct script script;
	const struct hooks *hooks;	/* of a test, or NULL */
};

/* How long one of another machine, or a guest, may keep us waiting; VMM_PATIENCE
 * times as long where that is in the environment. */
int vmm_patience_s(void);

/* All return 0, or -1 with a line on standard error. */

/* vmm.c: the files, and libsevlm's handle; close undoes all of it */
void vmm_init(struct vmm *vmm);
int vmm_open(struct vmm *vmm);
int vmm_offer(struct vmm *vmm, uint32_t policy);
void vmm_close(struct vmm *vmm);

/* setup.c: before the first vCPU. Where page states come from is told. */
int setup_exits(struct vmm *vmm, bool merge);
int setup_states(struct vmm *vmm);
/* ... and when the guest runs: it announces no more */
int setup_hang_up(struct vmm *vmm);

/* memory.c */
int memory_create(struct vmm *vmm, uint64_t bytes);
int memory_dirty_log(struct vmm *vmm, bool on);
/* what was written since, a bit per page of 64-bit words */
int memory_harvest(struct vmm *vmm, uint64_t *bitmap);
void memory_free(struct vmm *vmm);

/* sev.c */
int sev_prepare(struct vmm *vmm);
int sev_launch(struct vmm *vmm, uint32_t policy);

/* door.c: how libsevlm reaches the kernel; the context is the VMM */
extern const struct sevlm_kernel_ops door;

/* vcpu.c */
int vcpu_create(struct vmm *vmm, uint32_t id);
int vcpu_run(struct vmm *vmm);
void vcpu_free(struct vcpu *vcpu);

/* park.c: a thread that runs the vCPU, and stands still when told to, with
 * no exit pending. It stands at first. */
#define VCPU_STANDS 0
#define VCPU_RUNS   1
#define VCPU_ENDED  2 /* the guest halted, or did what it must not */
int park_start(struct vmm *vmm);
int park_pause(struct vmm *vmm);
int park_resume(struct vmm *vmm);
void park_end(struct vmm *vmm);

/* longmode.c */
int longmode_script(struct vmm *vmm);
int longmode_image(struct vmm *vmm, const char *path, uint32_t work,
		   uint64_t seed);

/* exits.c; 1 means that the guest is done */
int exits_handle(struct vmm *vmm);

/* device.c */
uint32_t device_read(struct vmm *vmm);
void device_written(struct vmm *vmm);
/* ask the guest how it is, and wait for its answer */
int device_report(struct vmm *vmm, struct guest_report *report);
/* ... and say what is wrong with it; 0 where nothing is */
int device_check(struct vmm *vmm, const struct guest_report *report);

/* script.c; puts the next access into the mailbox, 0 at the end as well */
int script_next(struct vmm *vmm);

#endif /* VMM_VMM_H */
