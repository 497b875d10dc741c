/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the pages of a VM have to know, with one byte per page. Who changes
 * them has a tally; what is there in all is the sum of all tallies.
 */
#ifndef SEVLM_PAGES_MODEL_H
#define SEVLM_PAGES_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "internal.h"

#define MODEL_CHUNK SEVLM__SPAN_PAGES
#define MODEL_PAGES (3 * MODEL_CHUNK)

enum model_bit {
	BIT_SHARED = 1,
	BIT_PENDING = 2,
	BIT_TODO = 4,
	BIT_SKIP = 8,
	BIT_START = 16, /* of an area */
};

struct model_tally {
	int64_t todo;
	int64_t pending;
	int64_t skip;
	uint64_t generation;
};

struct model {
	bool tracking;
	uint8_t bits[MODEL_PAGES];
	uint8_t type[MODEL_PAGES]; /* SEVLM_REGION_*, 0 outside of areas */
};

/* Pages [first, end) each. */
void model_add(struct model *model, struct model_tally *tally, uint32_t first,
	       uint32_t end, uint32_t type);
void model_remove(struct model *model, struct model_tally *tally,
		  uint32_t first, uint32_t end);
void model_set(struct model *model, struct model_tally *tally, uint32_t first,
	       uint32_t end, bool shared);
void model_dirty(struct model *model, struct model_tally *tally, uint32_t first,
		 uint32_t end);
void model_dirty_bitmap(struct model *model, struct model_tally *tally,
			const uint64_t *bitmap, uint32_t first, uint32_t end);
/* how many */
uint64_t model_skip(struct model *model, struct model_tally *tally,
		    uint32_t first, uint32_t end);
void model_arrived(struct model *model, struct model_tally *tally,
		   uint32_t first, uint32_t end, bool shared);
void model_freed(struct model *model, struct model_tally *tally, uint32_t first,
		 uint32_t end);
void model_clear(struct model *model, struct model_tally *tally, uint32_t first,
		 uint32_t end, enum model_bit bit);

void model_track(struct model *model, struct model_tally *tally, bool on);
/* all but the generation, which jumps */
void model_reset(struct model *model, struct model_tally *tally);
/* how many that were not to do already */
uint64_t model_round(struct model *model, struct model_tally *tally);

static inline bool model_shared(const struct model *model, uint32_t page)
{
	if (model->type[page] == SEVLM_REGION_TRACKED)
		return model->bits[page] & BIT_SHARED;
	return model->type[page] == SEVLM_REGION_SHARED;
}

/* SEVLM_PAGE_* */
static inline uint32_t model_state(const struct model *model, uint32_t page)
{
	if (page >= MODEL_PAGES || !model->type[page])
		return SEVLM_PAGE_NONE;
	if (model->type[page] == SEVLM_REGION_SKIP)
		return SEVLM_PAGE_SKIP;
	return model_shared(model, page) ? SEVLM_PAGE_SHARED
					 : SEVLM_PAGE_PRIVATE;
}

/* the end of the pages that are one with this one, in one area */
uint32_t model_run(const struct model *model, uint32_t page);
/* the first from here on that has the bit, or where there is none */
uint32_t model_next(const struct model *model, uint32_t page,
		    enum model_bit bit);
/* the first that is not accounted for, or MODEL_PAGES */
uint32_t model_unaccounted(const struct model *model, bool *missing);

#endif /* SEVLM_PAGES_MODEL_H */
