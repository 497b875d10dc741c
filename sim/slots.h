/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Memory slots and their dirty logs, with KVM's checks and errnos. No lock:
 * memory.c has it.
 */
#ifndef SEVLM_SIM_SLOTS_H
#define SEVLM_SIM_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/kvm.h>

#define SIM_SLOTS 64u

struct sim_slot {
	uint64_t gpa;
	uint64_t pages;		/* 0: the slot is free */
	uint8_t *hva;
	uint64_t *dirty;	/* NULL: not logging */
	uint32_t flags;
};

struct sim_slots {
	struct sim_slot slot[SIM_SLOTS];
	uint32_t last;		/* where the last lookup ended */
	bool manual;
};

void sim_slots_clear(struct sim_slots *slots);
/* -EINVAL, -EEXIST, -ENOMEM */
int sim_slots_set(struct sim_slots *slots,
		  const struct kvm_userspace_memory_region *region);
/* -EINVAL, -ENOENT, -EFAULT */
int sim_slots_get_log(struct sim_slots *slots, struct kvm_dirty_log *log);
int sim_slots_clear_log(struct sim_slots *slots,
			const struct kvm_clear_dirty_log *log);
/* the slot that holds an address, or NULL */
struct sim_slot *sim_slots_find(struct sim_slots *slots, uint64_t gpa);
uint8_t *sim_slot_hva(const struct sim_slot *slot, uint64_t gpa);
void sim_slot_mark(struct sim_slot *slot, uint64_t gpa);

#endif /* SEVLM_SIM_SLOTS_H */
