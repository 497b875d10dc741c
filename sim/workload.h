/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the guest does, as a pure function of seed and step number: nothing
 * here depends on what memory holds or on what the VMM answered, so that the
 * whole past can be replayed from step 0.
 */
#ifndef SEVLM_SIM_WORKLOAD_H
#define SEVLM_SIM_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* the one that a page re-initialised at boot counts as */
#define SIM_BOOT_STEP UINT64_MAX
#define SIM_SLOT_SIZE 16u

struct sim_workload {
	uint64_t seed;
	uint64_t pages;		/* below 2^32 */
	uint32_t kind;		/* SEVLM_SIM_* */
	bool offered;
};

enum sim_action_kind {
	SIM_DO_NOTHING,
	SIM_DO_WRITE,		/* its slot of one page */
	SIM_DO_CONVERT,		/* C-bits, hypercall, whole new contents */
	SIM_DO_ANNOUNCE,	/* the hypercall alone */
	SIM_DO_READY,		/* WRMSR */
	SIM_DO_IN,		/* the counter, which goes into a slot */
};

struct sim_action {
	enum sim_action_kind kind;
	bool shared;
	uint64_t step;		/* number, or SIM_BOOT_STEP */
	uint64_t page;
	uint64_t count;
};

/* what an offered guest does before its first step, phase after phase */
uint32_t sim_workload_phases(const struct sim_workload *workload);
void sim_workload_boot(const struct sim_workload *workload, uint32_t phase,
		       struct sim_action *ret);
/* steps are counted from 1 */
void sim_workload_step(const struct sim_workload *workload, uint64_t step,
		       struct sim_action *ret);

/* How many of the last pages hold the page tables: a word per page, the frame
 * and whether it is private. Only a guest that flips has them, if it is not
 * too small; they are never shared. */
uint64_t sim_workload_tables(const struct sim_workload *workload);
uint64_t sim_workload_entry(uint64_t page, bool shared);
bool sim_workload_entry_shared(uint64_t entry);
/* of a step that reads it right; and the step that a value belongs to */
uint64_t sim_workload_counted(uint64_t value);

/* where a page's slot is, and what a step writes there */
size_t sim_workload_offset(const struct sim_workload *workload, uint64_t page);
void sim_workload_slot(const struct sim_workload *workload, uint64_t page,
		       uint64_t step, uint8_t *slot);
/* a whole page: as the guest was launched, as a step re-initialised it */
void sim_workload_first(const struct sim_workload *workload, uint64_t page,
			uint8_t *contents);
void sim_workload_again(const struct sim_workload *workload, uint64_t page,
			uint64_t step, bool shared, uint8_t *contents);

#endif /* SEVLM_SIM_WORKLOAD_H */
