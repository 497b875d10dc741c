/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A sorted set of page numbers as ranges [first, end), never overlapping or
 * adjacent, of a fixed capacity. Private to pages.h; not locked.
 */
#ifndef SEVLM_RANGES_H
#define SEVLM_RANGES_H

#include "internal.h"

#define RANGES_MAX 1024u

struct sevlm__range {
	uint64_t first;
	uint64_t end;
};

struct sevlm__ranges {
	struct sevlm__range *at;
	uint32_t count;
};

int sevlm__ranges_init(struct sevlm__ranges *ranges);
void sevlm__ranges_free(struct sevlm__ranges *ranges);

/* the first range that ends behind page, count where none does */
uint32_t sevlm__ranges_seek(const struct sevlm__ranges *ranges, uint64_t page);
/* are all pages of [first, end) in (or all not in) the set? */
bool sevlm__ranges_all(const struct sevlm__ranges *ranges, uint64_t first,
		       uint64_t end, bool in);
/* put [first, end) in or take it out; -ENOBUFS and nothing done where the
 * result has too many ranges */
int sevlm__ranges_assign(struct sevlm__ranges *ranges, uint64_t first,
			 uint64_t end, bool in);

#endif /* SEVLM_RANGES_H */
