/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "pages.h"

void sevlm__pages_track(struct sevlm__pages *pages, bool on)
{
	sevlm__pages_lock(pages);
	sevlm__pages_clear(pages, 0, LIMIT_PAGE);
	pages->tracking = on;
	if (on)
		sevlm__pages_mark(pages, 0, LIMIT_PAGE);
	sevlm__pages_unlock(pages);
}

void sevlm__pages_dirty(struct sevlm__pages *pages, uint64_t gpa,
			uint64_t count)
{
	uint64_t first = gpa >> PAGE_SHIFT;

	sevlm__pages_lock(pages);
	if (pages->tracking)
		sevlm__pages_mark(pages, first,
				  sevlm__bounded_end(first, count));
	sevlm__pages_unlock(pages);
}

/* a bitmap of KVM's form: page first is bit 0 of words of 64 bits, which may
 * lie at any address */
struct bitmap {
	const uint8_t *bytes;
	uint64_t first;
	uint64_t words;
};

static uint64_t load(const struct bitmap *bitmap, uint64_t w)
{
	uint64_t ret;

	if (w >= bitmap->words)
		return 0;
	memcpy(&ret, bitmap->bytes + w * sizeof(ret), sizeof(ret));
	return ret;
}

/* the bits of 64 pages from page on, which may begin before the bitmap */
static uint64_t window(const struct bitmap *bitmap, uint64_t page)
{
	uint64_t at = page - bitmap->first, ret;

	if (page < bitmap->first)
		return load(bitmap, 0) << (bitmap->first - page);
	ret = load(bitmap, at / 64) >> (at % 64);
	if (at % 64)
		ret |= load(bitmap, at / 64 + 1) << (64 - at % 64);
	return ret;
}

static void mark_bitmap(struct sevlm__pages *pages, const struct bitmap *bitmap,
			uint64_t end)
{
	struct sevlm__walk walk = sevlm__walk_of(pages, bitmap->first, end);
	uint64_t mask, bits;
	uint32_t w;

	while (sevlm__walk_step(&walk)) {
		for_each_word(w, mask, walk.run.from, walk.run.to) {
			bits = window(bitmap, walk.run.chunk->base + w * 64);
			if (bits & mask)
				sevlm__walk_mark(&walk, w, bits & mask);
		}
	}
}

void sevlm__pages_dirty_bitmap(struct sevlm__pages *pages, uint64_t gpa,
			       const void *bitmap, uint64_t count)
{
	struct bitmap bits = {
		.bytes = bitmap,
		.first = gpa >> PAGE_SHIFT,
		.words = count / 64 + !!(count % 64),
	};

	sevlm__pages_lock(pages);
	if (pages->tracking)
		mark_bitmap(pages, &bits,
			    sevlm__bounded_end(bits.first, count));
	sevlm__pages_unlock(pages);
}

/* A todo page that is pending as well leaves this round too, but it will be
 * sent in the next: nobody need be told that it is free. */
static uint64_t skip_run(const struct sevlm__walk *walk)
{
	uint64_t mask, bits, todo, ret = 0;
	uint32_t w;

	for_each_word(w, mask, walk->run.from, walk->run.to) {
		todo = sevlm__walk_word(walk, PLANE_TODO, w);
		bits = todo & mask & ~sevlm__walk_word(walk, PLANE_PENDING, w);
		sevlm__walk_put(walk, PLANE_TODO, w, todo & ~mask);
		sevlm__walk_put(walk, PLANE_SKIP, w,
				sevlm__walk_word(walk, PLANE_SKIP, w) | bits);
		ret += sevlm__bits(bits);
	}
	return ret;
}

uint64_t sevlm__pages_skip(struct sevlm__pages *pages, uint64_t gpa,
			   uint64_t count)
{
	uint64_t first = gpa >> PAGE_SHIFT, ret = 0;
	struct sevlm__walk walk;

	sevlm__pages_lock(pages);
	walk = sevlm__walk_of(pages, first, sevlm__bounded_end(first, count));
	/* on a target todo means something else */
	while (pages->tracking && sevlm__walk_step(&walk))
		if (walk.run.chunk->count[PLANE_TODO])
			ret += skip_run(&walk);
	sevlm__pages_unlock(pages);
	return ret;
}

static uint64_t begin_chunk(struct sevlm__chunks *chunks,
			    struct sevlm__chunk *chunk)
{
	uint32_t before = chunk->count[PLANE_TODO], w;
	uint64_t pending;

	if (!chunk->count[PLANE_PENDING])
		return 0;
	for (w = 0; w < CHUNK_WORDS; w++) {
		pending = chunk->plane[PLANE_PENDING][w];
		sevlm__chunks_put(chunks, chunk, PLANE_TODO, w,
				  chunk->plane[PLANE_TODO][w] | pending);
		sevlm__chunks_put(chunks, chunk, PLANE_PENDING, w, 0);
	}
	return chunk->count[PLANE_TODO] - before;
}

uint64_t sevlm__pages_round(struct sevlm__pages *pages, uint64_t *ret_new)
{
	struct sevlm__chunks *chunks = &pages->chunks;
	uint64_t ret;
	uint32_t i;

	*ret_new = 0;
	sevlm__pages_lock(pages);
	for (i = 0; i < chunks->count; i++)
		*ret_new += begin_chunk(chunks, &chunks->at[i]);
	ret = chunks->total[PLANE_TODO];
	sevlm__pages_unlock(pages);
	return ret;
}

static uint64_t total_of(struct sevlm__pages *pages, enum sevlm__plane plane)
{
	uint64_t ret;

	sevlm__pages_lock(pages);
	ret = pages->chunks.total[plane];
	sevlm__pages_unlock(pages);
	return ret;
}

uint64_t sevlm__pages_todo(struct sevlm__pages *pages)
{
	return total_of(pages, PLANE_TODO);
}

uint64_t sevlm__pages_pending(struct sevlm__pages *pages)
{
	return total_of(pages, PLANE_PENDING);
}

/* what is being taken */
struct taken {
	struct sevlm__page *at;
	uint32_t count;
	uint32_t pages;
	uint32_t max;		/* pages */
	bool full;
};

#define BLOCK_BITS ((1ull << BLOCK_PAGES) - 1)
/* or a chunk could cut one in two */
_Static_assert(CHUNK_PAGES % 64 == 0 && 64 % BLOCK_PAGES == 0,
	       "a block lies in one word");

/* how many pages from bit on go as one */
static uint32_t together(const struct sevlm__walk *walk,
			 const struct taken *taken, uint64_t private,
			 uint32_t bit)
{
	if (!walk->region->blocks || taken->max < BLOCK_PAGES ||
	    bit % BLOCK_PAGES || ~(private >> bit) & BLOCK_BITS)
		return 1;
	return BLOCK_PAGES;
}

/* false where there is no room for them */
static bool take(struct taken *taken, const struct sevlm__region *region,
		 uint64_t page, uint32_t pages, bool shared)
{
	uint64_t gpa = page << PAGE_SHIFT;

	if (pages > taken->max - taken->pages) {
		taken->full = true;
		return false;
	}
	taken->at[taken->count++] = (struct sevlm__page){
		.gpa = gpa,
		.hva = region->hva + (gpa - region->gpa),
		.pages = pages,
		.before = taken->pages,
		.shared = shared,
	};
	taken->pages += pages;
	taken->full = taken->pages == taken->max;
	return true;
}

static void take_word(const struct sevlm__walk *walk, uint32_t w,
		      uint64_t mask, struct taken *taken)
{
	uint64_t first = walk->run.chunk->base + w * 64;
	uint64_t todo = sevlm__walk_word(walk, PLANE_TODO, w);
	uint64_t shared = sevlm__walk_shared(walk, w);
	uint64_t left = todo & mask;
	uint32_t bit, pages;

	while (left && !taken->full) {
		bit = (uint32_t)__builtin_ctzll(left);
		pages = together(walk, taken, left & ~shared, bit);
		if (take(taken, walk->region, first + bit, pages,
			 shared >> bit & 1))
			left &= ~(((1ull << pages) - 1) << bit);
	}
	sevlm__walk_put(walk, PLANE_TODO, w, (todo & ~mask) | left);
}

static void take_run(const struct sevlm__walk *walk, struct taken *taken)
{
	uint64_t mask;
	uint32_t w;

	if (!walk->run.chunk->count[PLANE_TODO])
		return;
	for_each_word(w, mask, walk->run.from, walk->run.to) {
		if (taken->full)
			break;
		if (sevlm__walk_word(walk, PLANE_TODO, w) & mask)
			take_word(walk, w, mask, taken);
	}
}

uint32_t sevlm__pages_take(struct sevlm__pages *pages, uint64_t *cursor,
			   struct sevlm__page *ret, uint32_t max)
{
	struct taken taken = { .at = ret, .max = max, .full = !max };
	const struct sevlm__page *last;
	struct sevlm__walk walk;

	sevlm__pages_lock(pages);
	walk = sevlm__walk_of(pages, sevlm__page_from(*cursor), LIMIT_PAGE);
	while (!taken.full && sevlm__walk_step(&walk))
		take_run(&walk, &taken);
	sevlm__pages_unlock(pages);
	if (taken.count) {
		last = &ret[taken.count - 1];
		*cursor = last->gpa + last->pages * PAGE_SIZE;
	}
	return taken.count;
}

bool sevlm__pages_take_skip(struct sevlm__pages *pages, uint64_t *cursor,
			    uint64_t *ret_gpa, uint64_t *ret_count)
{
	struct sevlm__chunks *chunks = &pages->chunks;
	uint64_t first, end;

	sevlm__pages_lock(pages);
	first = sevlm__chunks_find(chunks, PLANE_SKIP,
				   sevlm__page_from(*cursor), LIMIT_PAGE, true);
	end = first;
	if (first < LIMIT_PAGE)
		end = sevlm__chunks_run_end(chunks, PLANE_SKIP, first,
					    LIMIT_PAGE);
	sevlm__chunks_assign(chunks, PLANE_SKIP, first, end, false);
	sevlm__pages_unlock(pages);
	if (first == end)
		return false;
	*ret_gpa = first << PAGE_SHIFT;
	*ret_count = end - first;
	*cursor = end << PAGE_SHIFT;
	return true;
}
