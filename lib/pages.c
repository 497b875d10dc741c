/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pages.h"

int sevlm__pages_new(struct sevlm__pages **ret)
{
	struct sevlm__pages *pages = calloc(1, sizeof(*pages));

	if (!pages)
		return -ENOMEM;
	if (sevlm__ranges_init(&pages->ranges))
		goto out;
	if (pthread_mutex_init(&pages->lock, NULL))
		goto out;
	*ret = pages;
	return 0;
out:
	sevlm__ranges_free(&pages->ranges);
	free(pages);
	return -ENOMEM;
}

void sevlm__pages_free(struct sevlm__pages *pages)
{
	if (!pages)
		return;
	pthread_mutex_destroy(&pages->lock);
	sevlm__chunks_free(&pages->chunks);
	sevlm__ranges_free(&pages->ranges);
	free(pages);
}

static bool moved(const struct sevlm__region *region)
{
	return region->type != SEVLM_REGION_SKIP;
}

uint32_t sevlm__pages_seek(const struct sevlm__pages *pages, uint64_t page)
{
	uint32_t low = 0, high = pages->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (sevlm__end_page(&pages->regions[middle]) > page)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

const struct sevlm__region *sevlm__pages_at(const struct sevlm__pages *pages,
					    uint64_t page)
{
	uint32_t i = sevlm__pages_seek(pages, page);

	if (i == pages->count || sevlm__first_page(&pages->regions[i]) > page)
		return NULL;
	return &pages->regions[i];
}

struct sevlm__walk sevlm__walk_of(struct sevlm__pages *pages, uint64_t first,
				  uint64_t end)
{
	return (struct sevlm__walk){
		.pages = pages,
		.first = first,
		.end = end,
		.index = sevlm__pages_seek(pages, first),
	};
}

static bool next_region(struct sevlm__walk *walk)
{
	const struct sevlm__region *region;
	uint64_t first, end;

	do {
		if (walk->index >= walk->pages->count)
			return false;
		region = &walk->pages->regions[walk->index++];
		if (sevlm__first_page(region) >= walk->end)
			return false;
	} while (!moved(region));

	first = sevlm__first_page(region);
	first = first > walk->first ? first : walk->first;
	end = sevlm__end_page(region);
	end = end < walk->end ? end : walk->end;
	walk->region = region;
	sevlm__chunks_walk(&walk->pages->chunks, &walk->run, first, end);
	return true;
}

bool sevlm__walk_step(struct sevlm__walk *walk)
{
	if (walk->first >= walk->end)
		return false;
	while (!walk->region ||
	       !sevlm__chunks_step(&walk->pages->chunks, &walk->run))
		if (!next_region(walk))
			return false;
	return true;
}

void sevlm__pages_mark(struct sevlm__pages *pages, uint64_t first, uint64_t end)
{
	struct sevlm__walk walk = sevlm__walk_of(pages, first, end);
	uint64_t mask;
	uint32_t w;

	while (sevlm__walk_step(&walk))
		for_each_word(w, mask, walk.run.from, walk.run.to)
			sevlm__walk_mark(&walk, w, mask);
}

void sevlm__pages_clear(struct sevlm__pages *pages, uint64_t first,
			uint64_t end)
{
	struct sevlm__chunks *chunks = &pages->chunks;

	sevlm__chunks_assign(chunks, PLANE_PENDING, first, end, false);
	sevlm__chunks_assign(chunks, PLANE_TODO, first, end, false);
	sevlm__chunks_assign(chunks, PLANE_SKIP, first, end, false);
}

/* what was announced before there was memory */
static void fill(struct sevlm__pages *pages, struct sevlm__chunk *chunk)
{
	uint64_t base = chunk->base, end = base + CHUNK_PAGES, from, to;
	struct sevlm__ranges *ranges = &pages->ranges;
	uint32_t i = sevlm__ranges_seek(ranges, base);

	for (; i < ranges->count && ranges->at[i].first < end; i++) {
		from = ranges->at[i].first > base ? ranges->at[i].first : base;
		to = ranges->at[i].end < end ? ranges->at[i].end : end;
		sevlm__chunks_assign(&pages->chunks, PLANE_SHARED, from, to,
				     true);
	}
	chunk->fresh = false;
}

static int make_chunks(struct sevlm__pages *pages, uint64_t first, uint64_t end)
{
	int ret = sevlm__chunks_grow(&pages->chunks, first, end);
	struct sevlm__run run;

	if (ret)
		return ret;
	sevlm__chunks_walk(&pages->chunks, &run, first, end);
	while (sevlm__chunks_step(&pages->chunks, &run))
		if (run.chunk->fresh)
			fill(pages, run.chunk);
	/* only makes room: a full set keeps what means nothing any more */
	first -= first % CHUNK_PAGES;
	end = sevlm__chunks_past(&pages->chunks, end, LIMIT_PAGE);
	(void)sevlm__ranges_assign(&pages->ranges, first, end, false);
	return 0;
}

/* A block is one in guest memory and one in the host's. */
static bool in_packets(const struct sevlm__region *region)
{
	return (region->type == SEVLM_REGION_TRACKED ||
		region->type == SEVLM_REGION_PRIVATE) &&
	       !((region->gpa - (uintptr_t)region->hva) % BLOCK_SIZE);
}

static bool valid(const struct sevlm__region *region)
{
	uint64_t hva = (uintptr_t)region->hva;
	uint64_t limit = LIMIT_PAGE << PAGE_SHIFT;

	if (region->type < SEVLM_REGION_TRACKED ||
	    region->type > SEVLM_REGION_SKIP)
		return false;
	if ((region->gpa | region->bytes | hva) % PAGE_SIZE || !region->bytes)
		return false;
	if (region->bytes > limit || region->gpa > limit - region->bytes)
		return false;
	if (region->contiguous && !in_packets(region))
		return false;
	/* what is not moved is not read either */
	if (!region->hva)
		return !moved(region);
	return region->bytes - 1 <= UINTPTR_MAX - hva;
}

static int insert(struct sevlm__pages *pages,
		  const struct sevlm__region *region)
{
	uint64_t first = sevlm__first_page(region),
		 end = sevlm__end_page(region);
	uint32_t i = sevlm__pages_seek(pages, first);
	struct sevlm__region *at = &pages->regions[i];
	int ret;

	if (i < pages->count && sevlm__first_page(at) < end)
		return -EINVAL;
	if (pages->count == SEVLM_MAX_REGIONS)
		return -ENOBUFS;
	ret = make_chunks(pages, first, end);
	if (ret)
		return ret;
	memmove(at + 1, at, (pages->count - i) * sizeof(*at));
	*at = *region;
	pages->count++;
	if (moved(region))
		pages->total += end - first;
	if (pages->tracking)
		sevlm__pages_mark(pages, first, end);
	return 0;
}

int sevlm__pages_add_region(struct sevlm__pages *pages, uint64_t gpa,
			    uint64_t bytes, void *hva, uint32_t type)
{
	struct sevlm__region region = {
		.gpa = gpa,
		.bytes = bytes,
		.hva = hva,
		.type = type & ~SEVLM_REGION_CONTIGUOUS,
		.contiguous = type & SEVLM_REGION_CONTIGUOUS,
	};
	int ret;

	if (!valid(&region))
		return -EINVAL;
	sevlm__pages_lock(pages);
	ret = insert(pages, &region);
	sevlm__pages_unlock(pages);
	return ret;
}

static int erase(struct sevlm__pages *pages, uint64_t gpa)
{
	uint32_t i = sevlm__pages_seek(pages, gpa >> PAGE_SHIFT);
	struct sevlm__region *at = &pages->regions[i];

	if (i == pages->count || at->gpa != gpa)
		return -EINVAL;
	if (moved(at))
		pages->total -= sevlm__end_page(at) - sevlm__first_page(at);
	sevlm__pages_clear(pages, sevlm__first_page(at), sevlm__end_page(at));
	pages->count--;
	memmove(at, at + 1, (pages->count - i) * sizeof(*at));
	return 0;
}

int sevlm__pages_remove_region(struct sevlm__pages *pages, uint64_t gpa)
{
	int ret;

	sevlm__pages_lock(pages);
	ret = erase(pages, gpa);
	sevlm__pages_unlock(pages);
	return ret;
}

bool sevlm__pages_region(struct sevlm__pages *pages, uint32_t index,
			 struct sevlm__region *ret)
{
	bool found;

	sevlm__pages_lock(pages);
	found = index < pages->count;
	if (found)
		*ret = pages->regions[index];
	sevlm__pages_unlock(pages);
	return found;
}

bool sevlm__pages_find(struct sevlm__pages *pages, uint64_t gpa, uint64_t bytes,
		       struct sevlm__region *ret)
{
	const struct sevlm__region *region;
	uint64_t offset;
	bool found = false;

	sevlm__pages_lock(pages);
	region = sevlm__pages_at(pages, gpa >> PAGE_SHIFT);
	if (region) {
		offset = gpa - region->gpa;
		found = bytes && bytes <= region->bytes - offset;
	}
	if (found)
		*ret = *region;
	sevlm__pages_unlock(pages);
	return found;
}

void sevlm__pages_allow_blocks(struct sevlm__pages *pages, uint64_t gpa)
{
	struct sevlm__region *region;
	uint32_t i;

	sevlm__pages_lock(pages);
	i = sevlm__pages_seek(pages, gpa >> PAGE_SHIFT);
	region = &pages->regions[i];
	if (i < pages->count && region->gpa == gpa)
		region->blocks = region->contiguous;
	sevlm__pages_unlock(pages);
}

void sevlm__pages_forbid_blocks(struct sevlm__pages *pages, uint64_t gpa,
				uint64_t count)
{
	uint64_t first = gpa >> PAGE_SHIFT;
	uint64_t end = sevlm__bounded_end(first, count);
	uint32_t i;

	sevlm__pages_lock(pages);
	for (i = sevlm__pages_seek(pages, first); i < pages->count; i++) {
		if (sevlm__first_page(&pages->regions[i]) >= end)
			break;
		pages->regions[i].blocks = false;
	}
	sevlm__pages_unlock(pages);
}

uint64_t sevlm__pages_total(struct sevlm__pages *pages)
{
	uint64_t total;

	sevlm__pages_lock(pages);
	total = pages->total;
	sevlm__pages_unlock(pages);
	return total;
}
