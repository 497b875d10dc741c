/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The vCPU: its page tables' C-bits, how far its workload is, and the exit it
 * waits in. Callers hold the VM's vcpu_lock, save for steps, shared,
 * set_shared, read and write, which may be called at any time.
 */
#ifndef SEVLM_SIM_GUEST_H
#define SEVLM_SIM_GUEST_H

#include <stdatomic.h>

#include "internal.h"
#include "workload.h"

enum sim_vcpu {
	SIM_VCPU_RUNNING,
	SIM_VCPU_EXITED,	/* the VMM has not answered */
	SIM_VCPU_ANSWERED,	/* it has, the vCPU did not take it yet */
	SIM_VCPU_CONVERTED,	/* it took it; new contents come next */
	SIM_VCPU_READ,		/* it took it; to write it down comes next */
	SIM_VCPU_AGAIN,		/* loaded, at an instruction that exits */
};

struct sim_guest {
	struct sim_memory *memory;
	struct sim_workload workload;
	enum sim_vcpu vcpu;
	struct sim_action action;	/* under way unless RUNNING */
	uint32_t value;			/* the VMM's answer; a register */
	uint32_t phase;			/* of the boot */
	_Atomic uint64_t steps;
	/* bit per page: C-bit clear. Of a guest with page tables it is what
	 * the vCPU has read of them, valid once it has */
	_Atomic uint64_t *shared;
	_Atomic bool walked;
};

/* guest-tables.c */
bool sim_guest_shared(struct sim_guest *guest, uint64_t page);
int sim_guest_set_shared(struct sim_guest *guest, uint64_t page, bool shared);
/* before the vCPU runs on; 0, -EFAULT */
int sim_guest_walk(struct sim_guest *guest);

/* guest.c */
uint64_t sim_guest_steps(struct sim_guest *guest);
int sim_guest_read(struct sim_guest *guest, uint64_t gpa, void *buf,
		   size_t bytes);
int sim_guest_write(struct sim_guest *guest, uint64_t gpa, const void *buf,
		    size_t bytes);
/* -EINVAL (an exit waits for its answer), -EBADFD */
int sim_guest_run(struct sim_guest *guest, uint64_t steps,
		  struct sevlm_sim_exit *exit);
/* -EBADFD (no exit waits), -EINVAL */
int sim_guest_answer(struct sim_guest *guest, uint64_t value);
/* the action that comes next */
void sim_guest_next(const struct sim_guest *guest, struct sim_action *ret);

/* guest-state.c */
int sim_guest_save(struct sim_guest *guest, uint8_t *buf, size_t *bytes);
int sim_guest_load(struct sim_guest *guest, const uint8_t *buf, size_t bytes);

/* guest-model.c; the error gets a sentence on -EBADMSG */
int sim_guest_check(struct sim_guest *guest, const uint8_t *image,
		    size_t bytes, char *error, size_t room);
int sim_guest_digest(struct sim_guest *guest, uint8_t *digest);

#endif /* SEVLM_SIM_GUEST_H */
