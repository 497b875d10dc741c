/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef SEVLM_DOOM_H
#define SEVLM_DOOM_H

#include "tool.h"

/* --die-at: the process kills itself at that moment. For tests. */
struct doom {
	uint32_t want; /* SEVLM_WANT_*, 0: counts from the start */
	bool counting;
	bool before; /* in place of doing what is wanted */
	uint64_t left; /* bytes */
};

int doom_parse(struct doom *doom, const char *text, struct sentence *why);
void doom_want(struct doom *doom, uint32_t want, bool done);
size_t doom_limit(const struct doom *doom, size_t bytes);
void doom_moved(struct doom *doom, size_t bytes);

#endif /* SEVLM_DOOM_H */
