/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The inside of struct sevlm__pages, for pages.c (regions), states.c (what
 * the guest announces), rounds.c (source) and arrivals.c (target).
 */
#ifndef SEVLM_PAGES_H
#define SEVLM_PAGES_H

#include <pthread.h>

#include "chunks.h"
#include "ranges.h"

/*
 * Only pages of moved regions are ever pending, todo or skip, and a page that
 * is pending is not skip: it will be sent.
 */
struct sevlm__pages {
	pthread_mutex_t lock;
	struct sevlm__chunks chunks;
	/* outside of chunks; what it says inside of one means nothing. None
	 * begins inside of one: the guest cannot fill it with those. */
	struct sevlm__ranges ranges;
	_Atomic uint64_t generation; /* written with the lock held */
	uint64_t total;
	bool tracking;
	uint32_t count;
	struct sevlm__region regions[SEVLM_MAX_REGIONS]; /* by gpa */
};

/* a walk over the parts of chunks that moved regions cover */
struct sevlm__walk {
	struct sevlm__pages *pages;
	const struct sevlm__region *region;
	struct sevlm__run run;
	uint64_t first;
	uint64_t end;
	uint32_t index;
};

struct sevlm__walk sevlm__walk_of(struct sevlm__pages *pages, uint64_t first,
				  uint64_t end);
bool sevlm__walk_step(struct sevlm__walk *walk);

/* the first region that ends behind page, count where none does */
uint32_t sevlm__pages_seek(const struct sevlm__pages *pages, uint64_t page);
/* the region of a page or NULL */
const struct sevlm__region *sevlm__pages_at(const struct sevlm__pages *pages,
					    uint64_t page);
/* all of [first, end) that is moved becomes pending */
void sevlm__pages_mark(struct sevlm__pages *pages, uint64_t first,
		       uint64_t end);
/* nothing of [first, end) is pending, todo or skip any more */
void sevlm__pages_clear(struct sevlm__pages *pages, uint64_t first,
			uint64_t end);

static inline void sevlm__pages_lock(struct sevlm__pages *pages)
{
	pthread_mutex_lock(&pages->lock);
}

static inline void sevlm__pages_unlock(struct sevlm__pages *pages)
{
	pthread_mutex_unlock(&pages->lock);
}

/* readers do not take the lock, so that asking costs nothing per page */
static inline void sevlm__pages_changed(struct sevlm__pages *pages,
					bool changed)
{
	uint64_t old = atomic_load_explicit(&pages->generation,
					    memory_order_relaxed);

	atomic_store_explicit(&pages->generation, old + changed,
			      memory_order_release);
}

static inline uint64_t sevlm__first_page(const struct sevlm__region *region)
{
	return region->gpa >> PAGE_SHIFT;
}

static inline uint64_t sevlm__end_page(const struct sevlm__region *region)
{
	return (region->gpa + region->bytes) >> PAGE_SHIFT;
}

/* the end of count pages from first, bounded by the guest's end */
static inline uint64_t sevlm__bounded_end(uint64_t first, uint64_t count)
{
	if (first >= LIMIT_PAGE || count > LIMIT_PAGE - first)
		return LIMIT_PAGE;
	return first + count;
}

/* the first page at or after an address, bounded by the guest's end */
static inline uint64_t sevlm__page_from(uint64_t gpa)
{
	if (gpa > (LIMIT_PAGE - 1) << PAGE_SHIFT)
		return LIMIT_PAGE;
	return (gpa + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

static inline uint64_t sevlm__walk_word(const struct sevlm__walk *walk,
					enum sevlm__plane plane, uint32_t w)
{
	return walk->run.chunk->plane[plane][w];
}

static inline void sevlm__walk_put(const struct sevlm__walk *walk,
				   enum sevlm__plane plane, uint32_t w,
				   uint64_t word)
{
	sevlm__chunks_put(&walk->pages->chunks, walk->run.chunk, plane, w,
			  word);
}

/* what a word of pages is to be treated as */
static inline uint64_t sevlm__walk_shared(const struct sevlm__walk *walk,
					  uint32_t w)
{
	if (walk->region->type == SEVLM_REGION_PRIVATE)
		return 0;
	if (walk->region->type == SEVLM_REGION_SHARED)
		return UINT64_MAX;
	return sevlm__walk_word(walk, PLANE_SHARED, w);
}

static inline void sevlm__walk_mark(const struct sevlm__walk *walk, uint32_t w,
				    uint64_t bits)
{
	sevlm__walk_put(walk, PLANE_PENDING, w,
			sevlm__walk_word(walk, PLANE_PENDING, w) | bits);
	sevlm__walk_put(walk, PLANE_SKIP, w,
			sevlm__walk_word(walk, PLANE_SKIP, w) & ~bits);
}

#endif /* SEVLM_PAGES_H */
