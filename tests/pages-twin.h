/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The pages, and a model that is told the same and has to answer the same. */
#ifndef SEVLM_PAGES_TWIN_H
#define SEVLM_PAGES_TWIN_H

#include <stdbool.h>
#include <stdint.h>

#include "pages-model.h"
#include "rig.h"

#define TWIN_AREAS 10
#define TWIN_CALLS 500000
#define TWIN_GPA(page) ((uint64_t)(page) << PAGE_SHIFT)

struct twin {
	struct sevlm__pages *pages;
	struct rig_random random;
	uint64_t left; /* calls */
	uint64_t take_cursor;
	uint64_t skip_cursor;
	const char *wrong; /* what was first, or NULL */
	uint64_t wrong_call;
	bool has_chunk[MODEL_PAGES / MODEL_CHUNK];
	bool there[TWIN_AREAS];
	bool blocks[TWIN_AREAS]; /* travel */
	struct model_tally tally;
	struct model model;
};

/* Returns what sevlm__pages_new() does. */
int twin_start(struct twin *twin, uint64_t seed);
/* one call of the next kind, to both */
void twin_call(struct twin *twin);
/* everything there, everything to do */
void twin_fill(struct twin *twin);
/* nothing is to do, or pending, after that */
void twin_compare(struct twin *twin);

#endif /* SEVLM_PAGES_TWIN_H */
