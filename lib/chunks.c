/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chunks.h"

/* All planes that one call of grow made: one allocation, so that an absurd
 * size is refused instead of eaten piece by piece. */
struct sevlm__slab {
	struct sevlm__slab *next;
	uint64_t planes[][PLANES][CHUNK_WORDS];
};

static uint32_t search(const struct sevlm__chunks *chunks, uint64_t page)
{
	uint32_t low = 0, high = chunks->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (chunks->at[middle].base + CHUNK_PAGES > page)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Memory is mostly in one piece: from where the last search ended, the
 * distance in chunks nearly always leads to the right one. A binary search is
 * a mispredicted branch per step. */
uint32_t sevlm__chunks_seek(struct sevlm__chunks *chunks, uint64_t page)
{
	const struct sevlm__chunk *at = chunks->at;
	uint64_t base = page - page % CHUNK_PAGES, guess;

	if (chunks->hint < chunks->count) {
		guess = chunks->hint + base / CHUNK_PAGES -
			at[chunks->hint].base / CHUNK_PAGES;
		if (guess < chunks->count && at[guess].base == base) {
			chunks->hint = (uint32_t)guess;
			return chunks->hint;
		}
	}
	chunks->hint = search(chunks, page);
	return chunks->hint;
}

/* the chunks of [first, end) laid between those there are */
static void merge(struct sevlm__chunk *ret, const struct sevlm__chunks *chunks,
		  struct sevlm__slab *slab, uint64_t first, uint64_t end)
{
	uint32_t old = search(chunks, first);
	uint32_t made = 0, tail;
	uint64_t base;

	if (old)
		memcpy(ret, chunks->at, old * sizeof(*ret));
	ret += old;
	for (base = first; base < end; base += CHUNK_PAGES, ret++) {
		if (old < chunks->count && chunks->at[old].base == base)
			*ret = chunks->at[old++];
		else
			*ret = (struct sevlm__chunk){
				.base = base,
				.plane = slab->planes[made++],
				.fresh = true,
			};
	}
	tail = chunks->count - old;
	if (tail)
		memcpy(ret, &chunks->at[old], tail * sizeof(*ret));
}

int sevlm__chunks_grow(struct sevlm__chunks *chunks, uint64_t first,
		       uint64_t end)
{
	struct sevlm__chunk *at;
	struct sevlm__slab *slab;
	uint64_t missing;

	first -= first % CHUNK_PAGES;
	end += (CHUNK_PAGES - end % CHUNK_PAGES) % CHUNK_PAGES;
	missing = (end - first) / CHUNK_PAGES -
		  (search(chunks, end) - search(chunks, first));
	if (!missing)
		return 0;
	at = calloc(chunks->count + missing, sizeof(*at));
	slab = calloc(1, sizeof(*slab) + missing * sizeof(slab->planes[0]));
	if (!at || !slab) {
		free(at);
		free(slab);
		return -ENOMEM;
	}
	merge(at, chunks, slab, first, end);
	slab->next = chunks->slabs;
	chunks->slabs = slab;
	free(chunks->at);
	chunks->at = at;
	chunks->count += (uint32_t)missing;
	return 0;
}

void sevlm__chunks_free(struct sevlm__chunks *chunks)
{
	struct sevlm__slab *slab = chunks->slabs, *next;

	for (; slab; slab = next) {
		next = slab->next;
		free(slab);
	}
	free(chunks->at);
}

void sevlm__chunks_walk(struct sevlm__chunks *chunks, struct sevlm__run *run,
			uint64_t first, uint64_t end)
{
	run->first = first;
	run->end = end;
	run->index = sevlm__chunks_seek(chunks, first);
}

bool sevlm__chunks_step(struct sevlm__chunks *chunks, struct sevlm__run *run)
{
	struct sevlm__chunk *chunk;

	if (run->index >= chunks->count)
		return false;
	chunk = &chunks->at[run->index];
	if (chunk->base >= run->end || run->first >= run->end)
		return false;
	run->index++;
	run->chunk = chunk;
	run->from = 0;
	if (run->first > chunk->base)
		run->from = (uint32_t)(run->first - chunk->base);
	run->to = CHUNK_PAGES;
	if (run->end - chunk->base < CHUNK_PAGES)
		run->to = (uint32_t)(run->end - chunk->base);
	return true;
}

uint64_t sevlm__chunks_past(struct sevlm__chunks *chunks, uint64_t page,
			    uint64_t limit)
{
	uint32_t i = sevlm__chunks_seek(chunks, page);

	for (; page < limit && i < chunks->count; i++) {
		if (chunks->at[i].base > page)
			break;
		page = chunks->at[i].base + CHUNK_PAGES;
	}
	return page;
}

bool sevlm__chunks_gap(struct sevlm__chunks *chunks, uint64_t first,
		       uint64_t end, uint64_t *ret_first, uint64_t *ret_end)
{
	uint32_t i;

	first = sevlm__chunks_past(chunks, first, end);
	if (first >= end)
		return false;
	i = sevlm__chunks_seek(chunks, first);
	if (i < chunks->count && chunks->at[i].base < end)
		end = chunks->at[i].base;
	*ret_first = first;
	*ret_end = end;
	return true;
}

static bool assign(struct sevlm__chunks *chunks, const struct sevlm__run *run,
		   enum sevlm__plane plane, bool value)
{
	struct sevlm__chunk *chunk = run->chunk;
	uint32_t before = chunk->count[plane], w;
	uint64_t mask, word;

	if (before == (value ? CHUNK_PAGES : 0))
		return false;
	for_each_word(w, mask, run->from, run->to) {
		word = chunk->plane[plane][w];
		word = value ? word | mask : word & ~mask;
		sevlm__chunks_put(chunks, chunk, plane, w, word);
	}
	return chunk->count[plane] != before;
}

bool sevlm__chunks_assign(struct sevlm__chunks *chunks, enum sevlm__plane plane,
			  uint64_t first, uint64_t end, bool value)
{
	bool changed = false;
	struct sevlm__run run;

	sevlm__chunks_walk(chunks, &run, first, end);
	while (sevlm__chunks_step(chunks, &run))
		changed |= assign(chunks, &run, plane, value);
	return changed;
}

bool sevlm__chunks_put_bit(struct sevlm__chunks *chunks,
			   enum sevlm__plane plane, uint64_t page, bool value,
			   bool *changed)
{
	uint32_t i = sevlm__chunks_seek(chunks, page);
	uint64_t *word, bit, at;

	if (i >= chunks->count || chunks->at[i].base > page)
		return false;
	at = page - chunks->at[i].base;
	word = &chunks->at[i].plane[plane][at / 64];
	bit = 1ull << at % 64;
	*changed = !!(*word & bit) != value;
	if (*changed) {
		*word ^= bit;
		chunks->at[i].count[plane] += value ? 1u : -1u;
		chunks->total[plane] += value ? 1u : -1ull;
	}
	return true;
}

bool sevlm__chunks_test(struct sevlm__chunks *chunks, enum sevlm__plane plane,
			uint64_t page)
{
	uint32_t i = sevlm__chunks_seek(chunks, page);
	uint64_t at;

	if (i >= chunks->count || chunks->at[i].base > page)
		return false;
	at = page - chunks->at[i].base;
	return chunks->at[i].plane[plane][at / 64] >> (at % 64) & 1;
}

/* the first page of the run with this value, run->to where none has it */
static uint32_t find(const struct sevlm__run *run, enum sevlm__plane plane,
		     bool value)
{
	const struct sevlm__chunk *chunk = run->chunk;
	uint64_t flip = value ? 0 : UINT64_MAX;
	uint64_t mask, word;
	uint32_t w;

	if (chunk->count[plane] == (value ? 0 : CHUNK_PAGES))
		return run->to;
	for_each_word(w, mask, run->from, run->to) {
		word = (chunk->plane[plane][w] ^ flip) & mask;
		if (word)
			return w * 64 + (uint32_t)__builtin_ctzll(word);
	}
	return run->to;
}

uint64_t sevlm__chunks_find(struct sevlm__chunks *chunks,
			    enum sevlm__plane plane, uint64_t first,
			    uint64_t end, bool value)
{
	struct sevlm__run run;
	uint32_t at;

	sevlm__chunks_walk(chunks, &run, first, end);
	while (sevlm__chunks_step(chunks, &run)) {
		at = find(&run, plane, value);
		if (at < run.to)
			return run.chunk->base + at;
	}
	return end;
}

uint64_t sevlm__chunks_run_end(struct sevlm__chunks *chunks,
			       enum sevlm__plane plane, uint64_t first,
			       uint64_t end)
{
	bool value = sevlm__chunks_test(chunks, plane, first);
	uint64_t next = first;
	struct sevlm__run run;
	uint32_t at;

	sevlm__chunks_walk(chunks, &run, first, end);
	while (sevlm__chunks_step(chunks, &run)) {
		if (run.chunk->base + run.from != next)
			break;
		at = find(&run, plane, !value);
		next = run.chunk->base + at;
		if (at < run.to)
			break;
	}
	return next;
}
