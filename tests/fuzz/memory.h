/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The guest's memory, with nothing before, between and behind its regions
 * that could be touched. What only firmware may read is out of reach.
 */
#ifndef SEVLM_FUZZ_MEMORY_H
#define SEVLM_FUZZ_MEMORY_H

#include <libsevlm/libsevlm.h>

#include "fuzz.h"

#define MEMORY_REGIONS 7u
/* regions from here on come while the guest moves */
#define MEMORY_LATER 5u

struct memory_region {
	uint64_t gpa;
	uint32_t pages;
	uint32_t type; /* SEVLM_REGION_* */
	uint8_t *hva;
};

extern struct memory_region memory[MEMORY_REGIONS];

/* as fresh; of a source nobody may write to it */
void memory_reset(bool source);
/* the regions there are from the start */
void memory_register(struct sevlm_vm *vm);
/* is that a page, or a block, that firmware may be given? */
bool memory_of_firmware(uint64_t hva, uint32_t bytes);
/* addresses worth naming: the pages of all regions and their neighbours */
uint64_t memory_gpa(uint8_t index);
/* the index for memory_gpa() of a region's page */
uint8_t memory_index(uint32_t region, uint32_t page);

#endif /* SEVLM_FUZZ_MEMORY_H */
