/* SPDX-License-Identifier: MIT-0 */
#ifndef VMM_HOST_H
#define VMM_HOST_H

#include "vmm.h"

/* the number of "quiet", "dirty", "flip" */
int host_work(const char *name, uint32_t *ret_work);

/* the number of "exits", "list", "compare", "any" */
int host_states(const char *name, uint32_t *ret_states);

/* A guest that runs, or one that waits for another host's. 0 or -1. */
int host_launch(struct vmm *vmm, uint64_t bytes, const char *image,
		uint32_t work);
int host_prepare(struct vmm *vmm, uint64_t bytes);

/* Have the guest check its memory, and compare its page states with ours;
 * prints what it said. 0, or -1 where anything is not as it should be. */
int host_check(struct vmm *vmm);

/* the name of SEVLM_OUTCOME_* */
const char *host_outcome(uint32_t outcome);

/* One side of a migration, by its SEVLM_TLS_* role: a source connects, a
 * target listens. In doubt it meets its peer again. Prints how it ended and
 * returns it, SEVLM_OUTCOME_* */
uint32_t host_move(struct vmm *vmm, const char *where, uint32_t role);
uint32_t host_tell(uint32_t role, uint32_t outcome);

#endif /* VMM_HOST_H */
