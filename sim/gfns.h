/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A sorted set of page numbers as ranges [first, end), never overlapping or
 * adjacent, of at most max ranges. Not locked. */
#ifndef SEVLM_SIM_GFNS_H
#define SEVLM_SIM_GFNS_H

#include <stdbool.h>
#include <stdint.h>

struct sim_range {
	uint64_t first;
	uint64_t end;
};

struct sim_gfns {
	struct sim_range *at;
	uint64_t count;
	uint64_t room;
	uint64_t max;
};

void sim_gfns_clear(struct sim_gfns *gfns);
/* the first range that ends behind a page, count where none does */
uint64_t sim_gfns_seek(const struct sim_gfns *gfns, uint64_t page);
/* put [first, end) in or take it out: 1 something changed, 0 nothing did,
 * -E2BIG or -ENOMEM and nothing done */
int sim_gfns_assign(struct sim_gfns *gfns, uint64_t first, uint64_t end,
		    bool in);

#endif /* SEVLM_SIM_GFNS_H */
