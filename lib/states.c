/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include "pages.h"

/* pages: from here on a run of its own is shorter than its part of a bitmap */
#define LONG_RUN 128u

/* pages of tracked regions whose state is about to change */
static void mark_changes(struct sevlm__pages *pages, uint64_t first,
			 uint64_t end, bool shared)
{
	struct sevlm__walk walk = sevlm__walk_of(pages, first, end);
	uint64_t flip = shared ? UINT64_MAX : 0;
	uint64_t mask;
	uint32_t w;

	while (sevlm__walk_step(&walk)) {
		if (walk.region->type != SEVLM_REGION_TRACKED)
			continue;
		for_each_word(w, mask, walk.run.from, walk.run.to)
			sevlm__walk_mark(
				&walk, w,
				(sevlm__walk_word(&walk, PLANE_SHARED, w) ^
				 flip) & mask);
	}
}

/* One assignment from the first to the last gap that differs, over chunks in
 * between: whatever the number of gaps, all of it is done or none. */
static int set_gaps(struct sevlm__pages *pages, uint64_t first, uint64_t end,
		    bool shared, bool *changed)
{
	uint64_t low = end, high = first, from, to;
	struct sevlm__ranges *ranges = &pages->ranges;
	int ret;

	for (; sevlm__chunks_gap(&pages->chunks, first, end, &from, &to);
	     first = to) {
		if (sevlm__ranges_all(ranges, from, to, shared))
			continue;
		low = low < from ? low : from;
		high = to;
	}
	if (low >= high)
		return 0;
	high = sevlm__chunks_past(&pages->chunks, high, LIMIT_PAGE);
	ret = sevlm__ranges_assign(ranges, low, high, shared);
	*changed |= !ret;
	return ret;
}

/* Linux announces page by page: straight to the bit, where there is one. */
static bool set_one(struct sevlm__pages *pages, uint64_t page, bool shared)
{
	bool changed;

	if (pages->tracking ||
	    !sevlm__chunks_put_bit(&pages->chunks, PLANE_SHARED, page, shared,
				   &changed))
		return false;
	sevlm__pages_changed(pages, changed);
	return true;
}

static int set_all(struct sevlm__pages *pages, uint64_t first, uint64_t end,
		   bool shared)
{
	bool changed;
	int ret;

	if (pages->tracking)
		mark_changes(pages, first, end, shared);
	changed = sevlm__chunks_assign(&pages->chunks, PLANE_SHARED, first, end,
				       shared);
	ret = set_gaps(pages, first, end, shared, &changed);
	sevlm__pages_changed(pages, changed);
	return ret;
}

int sevlm__pages_set(struct sevlm__pages *pages, uint64_t gpa, uint64_t count,
		     bool shared)
{
	uint64_t first = gpa >> PAGE_SHIFT;
	int ret = 0;

	if (gpa % PAGE_SIZE || first > LIMIT_PAGE || count > LIMIT_PAGE - first)
		return -EINVAL;
	sevlm__pages_lock(pages);
	if (count != 1 || !set_one(pages, first, shared))
		ret = set_all(pages, first, first + count, shared);
	sevlm__pages_unlock(pages);
	return ret;
}

void sevlm__pages_reset(struct sevlm__pages *pages)
{
	sevlm__pages_lock(pages);
	sevlm__chunks_assign(&pages->chunks, PLANE_SHARED, 0, LIMIT_PAGE,
			     false);
	sevlm__pages_clear(pages, 0, LIMIT_PAGE);
	pages->ranges.count = 0;
	sevlm__pages_changed(pages, true);
	sevlm__pages_unlock(pages);
}

static uint32_t state_of(struct sevlm__pages *pages,
			 const struct sevlm__region *region, uint64_t page)
{
	static const uint32_t fixed[] = {
		[SEVLM_REGION_TRACKED] = SEVLM_PAGE_PRIVATE,
		[SEVLM_REGION_PRIVATE] = SEVLM_PAGE_PRIVATE,
		[SEVLM_REGION_SHARED] = SEVLM_PAGE_SHARED,
		[SEVLM_REGION_SKIP] = SEVLM_PAGE_SKIP,
	};

	if (region->type == SEVLM_REGION_TRACKED &&
	    sevlm__chunks_test(&pages->chunks, PLANE_SHARED, page))
		return SEVLM_PAGE_SHARED;
	return fixed[region->type];
}

/* the state of a page below the limit, and where the answer ends */
static uint64_t state_run(struct sevlm__pages *pages, uint64_t page,
			  uint32_t *ret_state)
{
	uint32_t i = sevlm__pages_seek(pages, page);
	const struct sevlm__region *region = &pages->regions[i];

	if (i == pages->count || sevlm__first_page(region) > page) {
		*ret_state = SEVLM_PAGE_NONE;
		return i == pages->count ? LIMIT_PAGE
					 : sevlm__first_page(region);
	}
	*ret_state = state_of(pages, region, page);
	if (region->type != SEVLM_REGION_TRACKED)
		return sevlm__end_page(region);
	return sevlm__chunks_run_end(&pages->chunks, PLANE_SHARED, page,
				     sevlm__end_page(region));
}

void sevlm__pages_state(struct sevlm__pages *pages, uint64_t gpa,
			uint32_t *ret_state, uint64_t *ret_bytes)
{
	uint64_t page = gpa >> PAGE_SHIFT;

	if (page >= LIMIT_PAGE) {
		*ret_state = SEVLM_PAGE_NONE;
		*ret_bytes = -gpa;
		return;
	}
	sevlm__pages_lock(pages);
	*ret_bytes = (state_run(pages, page, ret_state) << PAGE_SHIFT) - gpa;
	sevlm__pages_unlock(pages);
}

bool sevlm__pages_shared(struct sevlm__pages *pages, uint64_t gpa)
{
	const struct sevlm__region *region;
	uint64_t page = gpa >> PAGE_SHIFT;
	bool shared = false;

	sevlm__pages_lock(pages);
	region = sevlm__pages_at(pages, page);
	if (region)
		shared = state_of(pages, region, page) == SEVLM_PAGE_SHARED;
	sevlm__pages_unlock(pages);
	return shared;
}

int sevlm__pages_private(struct sevlm__pages *pages, uint64_t gpa,
			 uint8_t **ret_hva, uint64_t *ret_generation)
{
	const struct sevlm__region *region;
	uint64_t page = gpa >> PAGE_SHIFT;
	int ret = -EINVAL;

	sevlm__pages_lock(pages);
	region = sevlm__pages_at(pages, page);
	if (region && region->type != SEVLM_REGION_SKIP) {
		ret = 0;
		if (state_of(pages, region, page) == SEVLM_PAGE_SHARED)
			ret = -EAGAIN;
		*ret_hva = region->hva + (gpa - region->gpa);
	}
	*ret_generation = atomic_load(&pages->generation);
	sevlm__pages_unlock(pages);
	return ret;
}

uint64_t sevlm__pages_generation(struct sevlm__pages *pages)
{
	return atomic_load(&pages->generation);
}

static bool dull(uint64_t word)
{
	return !word || word == UINT64_MAX;
}

static void whole_span(struct sevlm__span *ret, uint64_t first, uint64_t end)
{
	ret->gpa = first << PAGE_SHIFT;
	ret->pages = SEVLM__SPAN_PAGES;
	if (end - first < SEVLM__SPAN_PAGES)
		ret->pages = (uint32_t)(end - first);
	ret->all = true;
}

/* A bitmap costs as much for one long run as for many short ones: it ends
 * where two words in a row are all alike. Returns its words, the first and
 * the last of them not empty. */
static uint32_t copy_bitmap(uint64_t *bitmap, const struct sevlm__chunk *chunk,
			    uint32_t from)
{
	uint64_t word, next;
	uint32_t words = 0;

	word = sevlm__chunk_window(chunk, PLANE_SHARED, from);
	for (; from < CHUNK_PAGES; from += 64, word = next) {
		next = sevlm__chunk_window(chunk, PLANE_SHARED, from + 64);
		if (words && dull(word) && word == next)
			break;
		bitmap[words++] = word;
	}
	while (!bitmap[words - 1])
		words--;
	return words;
}

/* the page at first is shared */
static void chunk_span(struct sevlm__chunks *chunks,
		       const struct sevlm__chunk *chunk, uint64_t first,
		       struct sevlm__span *ret)
{
	uint64_t end = chunk->base + CHUNK_PAGES, run, near;
	uint32_t words;

	run = sevlm__chunks_run_end(chunks, PLANE_SHARED, first, end);
	near = end - run < LONG_RUN ? end : run + LONG_RUN;
	if (run - first >= LONG_RUN ||
	    sevlm__chunks_find(chunks, PLANE_SHARED, run, near, true) == near) {
		whole_span(ret, first, run);
		return;
	}
	words = copy_bitmap(ret->bitmap, chunk,
			    (uint32_t)(first - chunk->base));
	ret->gpa = first << PAGE_SHIFT;
	ret->pages =
		words * 64 - (uint32_t)__builtin_clzll(ret->bitmap[words - 1]);
	ret->all = false;
}

/* the first shared page of a gap */
static bool gap_span(const struct sevlm__ranges *ranges, uint64_t first,
		     uint64_t end, struct sevlm__span *ret)
{
	uint32_t i = sevlm__ranges_seek(ranges, first);
	const struct sevlm__range *at = &ranges->at[i];

	if (i == ranges->count || at->first >= end)
		return false;
	whole_span(ret, at->first > first ? at->first : first,
		   at->end < end ? at->end : end);
	return true;
}

/* a gap or a chunk at a time */
static bool next_span(struct sevlm__pages *pages, uint64_t page,
		      struct sevlm__span *ret)
{
	struct sevlm__chunks *chunks = &pages->chunks;
	uint64_t from, to, at;
	uint32_t i;

	for (; page < LIMIT_PAGE; page = to) {
		i = sevlm__chunks_seek(chunks, page);
		if (i == chunks->count || chunks->at[i].base > page) {
			sevlm__chunks_gap(chunks, page, LIMIT_PAGE, &from, &to);
			if (gap_span(&pages->ranges, from, to, ret))
				return true;
			continue;
		}
		to = chunks->at[i].base + CHUNK_PAGES;
		at = sevlm__chunks_find(chunks, PLANE_SHARED, page, to, true);
		if (at == to)
			continue;
		chunk_span(chunks, &chunks->at[i], at, ret);
		return true;
	}
	return false;
}

bool sevlm__pages_span(struct sevlm__pages *pages, uint64_t *cursor,
		       struct sevlm__span *ret)
{
	bool found;

	sevlm__pages_lock(pages);
	found = next_span(pages, sevlm__page_from(*cursor), ret);
	sevlm__pages_unlock(pages);
	if (found)
		*cursor = ret->gpa + ((uint64_t)ret->pages << PAGE_SHIFT);
	return found;
}
