/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Bits per page, in chunks of 128 MiB. Private to pages.h; not locked.
 * Positions are page numbers, [first, end).
 */
#ifndef SEVLM_CHUNKS_H
#define SEVLM_CHUNKS_H

#include "internal.h"

#define CHUNK_PAGES SEVLM__SPAN_PAGES
#define CHUNK_WORDS (CHUNK_PAGES / 64)
/* guest addresses end at 2^52 */
#define LIMIT_PAGE (1ull << (52 - PAGE_SHIFT))

enum sevlm__plane {
	PLANE_SHARED,
	PLANE_PENDING,
	PLANE_TODO,
	PLANE_SKIP,
	PLANES,
};

struct sevlm__chunk {
	uint64_t base;
	uint64_t (*plane)[CHUNK_WORDS]; /* PLANES of them */
	uint32_t count[PLANES]; /* bits set */
	bool fresh; /* made by the last grow */
};

struct sevlm__slab;

struct sevlm__chunks {
	struct sevlm__chunk *at; /* by rising base */
	struct sevlm__slab *slabs;
	uint64_t total[PLANES];
	uint32_t count;
	uint32_t hint; /* where the last search ended */
};

/* one step of a walk: pages [from, to) of a chunk */
struct sevlm__run {
	struct sevlm__chunk *chunk;
	uint32_t from;
	uint32_t to;
	uint32_t index;
	uint64_t first;
	uint64_t end;
};

/* chunks for all of [first, end), or -ENOMEM and none */
int sevlm__chunks_grow(struct sevlm__chunks *chunks, uint64_t first,
		       uint64_t end);
void sevlm__chunks_free(struct sevlm__chunks *chunks);

/* the first chunk that ends behind page, count where none does */
uint32_t sevlm__chunks_seek(struct sevlm__chunks *chunks, uint64_t page);
void sevlm__chunks_walk(struct sevlm__chunks *chunks, struct sevlm__run *run,
			uint64_t first, uint64_t end);
bool sevlm__chunks_step(struct sevlm__chunks *chunks, struct sevlm__run *run);

/* the first page from page on that no chunk holds; not looked for past limit */
uint64_t sevlm__chunks_past(struct sevlm__chunks *chunks, uint64_t page,
			    uint64_t limit);
/* the first stretch of [first, end) without chunks; false where none */
bool sevlm__chunks_gap(struct sevlm__chunks *chunks, uint64_t first,
		       uint64_t end, uint64_t *ret_first, uint64_t *ret_end);
/* write one bit to all chunk pages of [first, end); did any change? */
bool sevlm__chunks_assign(struct sevlm__chunks *chunks, enum sevlm__plane plane,
			  uint64_t first, uint64_t end, bool value);
/* the same for one page, straight to its bit; false where no chunk holds it */
bool sevlm__chunks_put_bit(struct sevlm__chunks *chunks,
			   enum sevlm__plane plane, uint64_t page, bool value,
			   bool *changed);
bool sevlm__chunks_test(struct sevlm__chunks *chunks, enum sevlm__plane plane,
			uint64_t page);
/* the first page of [first, end) in a chunk with this value, else end */
uint64_t sevlm__chunks_find(struct sevlm__chunks *chunks,
			    enum sevlm__plane plane, uint64_t first,
			    uint64_t end, bool value);
/* where the run of equal bits from first on ends: at a different bit, at a
 * gap, or at end */
uint64_t sevlm__chunks_run_end(struct sevlm__chunks *chunks,
			       enum sevlm__plane plane, uint64_t first,
			       uint64_t end);

/* baseline x86-64 has no popcnt; nearly all words are empty, full, or differ
 * in one bit */
static inline uint32_t sevlm__bits(uint64_t word)
{
	if (!(word & (word - 1)))
		return word != 0;
	if (word == UINT64_MAX)
		return 64;
	word -= (word >> 1) & 0x5555555555555555ull;
	word = (word & 0x3333333333333333ull) +
	       ((word >> 2) & 0x3333333333333333ull);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (uint32_t)((word * 0x0101010101010101ull) >> 56);
}

/* the bits of word w that lie in [from, to); w must touch it */
static inline uint64_t sevlm__mask(uint32_t from, uint32_t to, uint32_t w)
{
	uint64_t mask = UINT64_MAX;

	if (w == from / 64)
		mask <<= from % 64;
	if (w == (to - 1) / 64)
		mask &= UINT64_MAX >> (63 - (to - 1) % 64);
	return mask;
}

#define for_each_word(w, mask, from, to)                                       \
	for ((w) = (from) / 64;                                                \
	     (w)*64 < (to) && ((mask) = sevlm__mask(from, to, w)); (w)++)

/* the only way a bit is written: the counts follow */
static inline void sevlm__chunks_put(struct sevlm__chunks *chunks,
				     struct sevlm__chunk *chunk,
				     enum sevlm__plane plane, uint32_t w,
				     uint64_t word)
{
	uint64_t old = chunk->plane[plane][w];
	uint32_t delta;

	if (old == word)
		return;
	delta = sevlm__bits(word & ~old) - sevlm__bits(old & ~word);
	chunk->plane[plane][w] = word;
	chunk->count[plane] += delta;
	chunks->total[plane] += (uint64_t)(int64_t)(int32_t)delta;
}

/* 64 bits of a plane from any page of the chunk on; zeroes behind its end */
static inline uint64_t sevlm__chunk_window(const struct sevlm__chunk *chunk,
					   enum sevlm__plane plane,
					   uint32_t from)
{
	const uint64_t *words = chunk->plane[plane];
	uint32_t w = from / 64, shift = from % 64;
	uint64_t ret;

	if (w >= CHUNK_WORDS)
		return 0;
	ret = words[w] >> shift;
	if (shift && w + 1 < CHUNK_WORDS)
		ret |= words[w + 1] << (64 - shift);
	return ret;
}

#endif /* SEVLM_CHUNKS_H */
