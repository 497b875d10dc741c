/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include "pages.h"

static void note(const struct sevlm__walk *walk, uint32_t w, uint64_t bits,
		 enum sevlm__plane plane, bool value)
{
	uint64_t word = sevlm__walk_word(walk, plane, w);

	sevlm__walk_put(walk, plane, w, value ? word | bits : word & ~bits);
}

static void note_all(struct sevlm__pages *pages, uint64_t first, uint64_t end,
		     bool shared, bool freed)
{
	struct sevlm__walk walk;
	uint64_t mask;
	uint32_t w;

	sevlm__pages_lock(pages);
	walk = sevlm__walk_of(pages, first, end);
	while (sevlm__walk_step(&walk)) {
		for_each_word(w, mask, walk.run.from, walk.run.to) {
			note(&walk, w, mask, PLANE_PENDING, true);
			note(&walk, w, mask, PLANE_TODO, shared);
			note(&walk, w, mask, PLANE_SKIP, freed);
		}
	}
	sevlm__pages_unlock(pages);
}

void sevlm__pages_arrived(struct sevlm__pages *pages, uint64_t gpa,
			  uint64_t count, bool shared)
{
	uint64_t first = gpa >> PAGE_SHIFT;

	note_all(pages, first, sevlm__bounded_end(first, count), shared, false);
}

void sevlm__pages_freed(struct sevlm__pages *pages, uint64_t gpa,
			uint64_t count)
{
	uint64_t first = gpa >> PAGE_SHIFT;

	note_all(pages, first, sevlm__bounded_end(first, count), false, true);
}

/* pages of a word that did not come, or came as what they are not now */
static uint64_t unaccounted(const struct sevlm__walk *walk, uint32_t w)
{
	uint64_t kind = sevlm__walk_word(walk, PLANE_TODO, w) ^
			sevlm__walk_shared(walk, w);

	return ~sevlm__walk_word(walk, PLANE_PENDING, w) |
	       (kind & ~sevlm__walk_word(walk, PLANE_SKIP, w));
}

static int account_run(const struct sevlm__walk *walk, uint64_t *ret_gpa,
		       bool *ret_missing)
{
	uint64_t mask, bits, first;
	uint32_t w;

	for_each_word(w, mask, walk->run.from, walk->run.to) {
		bits = unaccounted(walk, w) & mask;
		if (!bits)
			continue;
		first = bits & -bits;
		*ret_missing =
			!(sevlm__walk_word(walk, PLANE_PENDING, w) & first);
		*ret_gpa = (walk->run.chunk->base + w * 64 +
			    (uint32_t)__builtin_ctzll(bits))
			   << PAGE_SHIFT;
		return -EPROTO;
	}
	return 0;
}

int sevlm__pages_account(struct sevlm__pages *pages, uint64_t *ret_gpa,
			 bool *ret_missing)
{
	struct sevlm__walk walk;
	int ret = 0;

	sevlm__pages_lock(pages);
	walk = sevlm__walk_of(pages, 0, LIMIT_PAGE);
	while (!ret && sevlm__walk_step(&walk))
		ret = account_run(&walk, ret_gpa, ret_missing);
	sevlm__pages_unlock(pages);
	return ret;
}
