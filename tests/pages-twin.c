/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "pages-twin.h"

#define CHUNK MODEL_CHUNK
#define PAGES MODEL_PAGES
#define GPA(page) TWIN_GPA(page)
#define HVA(page) ((uint8_t *)(uintptr_t)(0x100000000000ull + GPA(page)))

#define CONTIGUOUS SEVLM_REGION_CONTIGUOUS

static const struct area {
	uint32_t first;
	uint32_t end;
	uint32_t type;
	bool early; /* there from the start */
} areas[] = {
	{0, 1000, SEVLM_REGION_TRACKED, true},
	{1000, 1063, SEVLM_REGION_PRIVATE | CONTIGUOUS, true},
	{1063, 5001, SEVLM_REGION_TRACKED | CONTIGUOUS, true},
	{20000, 20100, SEVLM_REGION_SKIP, false},
	{20100, 20500, SEVLM_REGION_SHARED, false},
	{CHUNK - 700, CHUNK, SEVLM_REGION_TRACKED | CONTIGUOUS, true},
	{CHUNK, 2 * CHUNK - 77, SEVLM_REGION_TRACKED | CONTIGUOUS, false},
	{2 * CHUNK, 2 * CHUNK + 2000, SEVLM_REGION_TRACKED, true},
	{2 * CHUNK + 2000, 2 * CHUNK + 2100, SEVLM_REGION_SKIP, true},
	{3 * CHUNK - 400, 3 * CHUNK, SEVLM_REGION_PRIVATE | CONTIGUOUS, false},
};

_Static_assert(ARRAY_SIZE(areas) == TWIN_AREAS, "one flag per area");

static uint32_t below(struct twin *twin, uint32_t limit)
{
	return (uint32_t)rig_below(&twin->random, limit);
}

static void expect(struct twin *twin, bool right, const char *what)
{
	if (right || twin->wrong)
		return;
	twin->wrong = what;
	twin->wrong_call = TWIN_CALLS - twin->left;
}

/* pages of chunks that are not there are drawn by 64, for the ranges' sake */
static uint32_t edge(struct twin *twin, uint32_t page)
{
	if (page >= PAGES)
		return PAGES;
	return twin->has_chunk[page / CHUNK] ? page : page / 64 * 64;
}

static void draw_range(struct twin *twin, uint32_t *first, uint32_t *end)
{
	static const uint32_t lengths[] = {2, 64, 64, 200, 200, 5000};
	uint32_t length = below(twin, ARRAY_SIZE(lengths));
	uint32_t at = below(twin, PAGES);

	/* often around the edges of areas */
	if (below(twin, 2))
		at = (areas[below(twin, ARRAY_SIZE(areas))].first + PAGES +
		      below(twin, 140) - 70) %
		     PAGES;
	length = 1 + below(twin, lengths[length]);
	if (!below(twin, 1000))
		length = PAGES;
	*first = edge(twin, at);
	*end = edge(twin, at + length);
}

static void do_set(struct twin *twin)
{
	bool shared = below(twin, 2);
	uint32_t first, end;

	draw_range(twin, &first, &end);
	expect(twin,
	       !sevlm__pages_set(twin->pages, GPA(first), end - first, shared),
	       "set failed");
	model_set(&twin->model, &twin->tally, first, end, shared);
}

static void do_dirty(struct twin *twin)
{
	uint32_t first, end;

	draw_range(twin, &first, &end);
	sevlm__pages_dirty(twin->pages, GPA(first), end - first);
	model_dirty(&twin->model, &twin->tally, first, end);
}

static void do_dirty_bitmap(struct twin *twin)
{
	uint32_t first, end, i, words;
	uint64_t *bitmap;

	draw_range(twin, &first, &end);
	words = (end - first + 63) / 64;
	bitmap = malloc(words * sizeof(*bitmap) + 1);
	for (i = 0; i < words; i++)
		bitmap[i] =
			rig_random(&twin->random) & rig_random(&twin->random);
	model_dirty_bitmap(&twin->model, &twin->tally, bitmap, first, end);
	sevlm__pages_dirty_bitmap(twin->pages, GPA(first), bitmap, end - first);
	free(bitmap);
}

static void do_skip(struct twin *twin)
{
	uint32_t first, end;

	draw_range(twin, &first, &end);
	expect(twin,
	       sevlm__pages_skip(twin->pages, GPA(first), end - first) ==
		       model_skip(&twin->model, &twin->tally, first, end),
	       "skip");
}

static void do_state(struct twin *twin)
{
	const struct model *model = &twin->model;
	uint32_t page = below(twin, PAGES), end, state;
	uint64_t bytes = 0;
	bool shared;

	sevlm__pages_state(twin->pages, GPA(page), &state, &bytes);
	shared = sevlm__pages_shared(twin->pages, GPA(page));
	expect(twin, state == model_state(model, page), "state");
	expect(twin, shared == model_shared(model, page), "shared");
	end = model_run(model, page);
	/* past the last area nothing follows */
	if (!model->type[page] && end == PAGES)
		expect(twin, GPA(page) + bytes == 1ull << 52, "last run");
	else
		expect(twin, bytes == GPA(end - page), "run");
}

static void do_round(struct twin *twin)
{
	uint64_t todo, new, got_new;

	if (!twin->model.tracking || below(twin, 100))
		return;
	new = model_round(&twin->model, &twin->tally);
	todo = sevlm__pages_round(twin->pages, &got_new);
	expect(twin, todo == (uint64_t)twin->tally.todo, "round");
	expect(twin, got_new == new, "round, new");
	twin->take_cursor = 0;
	twin->skip_cursor = 0;
}

static bool may_blocks(const struct twin *twin, uint32_t page)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(areas); i++)
		if (page >= areas[i].first && page < areas[i].end)
			return twin->blocks[i];
	return false;
}

/* how many pages go as one from here on */
static uint32_t together(const struct twin *twin, uint32_t page, uint32_t max)
{
	const struct model *model = &twin->model;

	if (max < BLOCK_PAGES || page % BLOCK_PAGES || !may_blocks(twin, page))
		return 1;
	for (uint32_t i = page; i < page + BLOCK_PAGES; i++)
		if (!(model->bits[i] & BIT_TODO) || model_shared(model, i) ||
		    (i > page && model->bits[i] & BIT_START))
			return 1;
	return BLOCK_PAGES;
}

/* what is being taken */
struct take {
	uint32_t max;
	uint32_t page; /* all before are done */
	uint32_t pages;
};

/* Returns whether the model has such a page next. */
static bool took(struct twin *twin, struct take *take,
		 const struct sevlm__page *got)
{
	uint32_t at = model_next(&twin->model, take->page, BIT_TODO), count;

	count = at < PAGES ? together(twin, at, take->max) : 0;
	expect(twin,
	       at < PAGES && got->gpa == GPA(at) && got->hva == HVA(at) &&
		       got->pages == count && got->before == take->pages &&
		       got->shared == model_shared(&twin->model, at),
	       "take");
	if (at >= PAGES)
		return false;
	model_clear(&twin->model, &twin->tally, at, at + count, BIT_TODO);
	take->page = at + count;
	take->pages += count;
	return true;
}

static void do_take(struct twin *twin)
{
	struct take take = {
		.max = 1 + below(twin, 64),
		.page = (uint32_t)(twin->take_cursor >> PAGE_SHIFT),
	};
	struct sevlm__page got[64];
	uint32_t count, next, i;

	if (!twin->model.tracking)
		return;
	count = sevlm__pages_take(twin->pages, &twin->take_cursor, got,
				  take.max);
	for (i = 0; i < count; i++)
		if (!took(twin, &take, &got[i]))
			return;
	if (count)
		expect(twin, twin->take_cursor == GPA(take.page),
		       "take cursor");
	expect(twin, take.pages <= take.max, "take, too many");
	next = model_next(&twin->model, take.page, BIT_TODO);
	if (twin->tally.todo && next < PAGES)
		expect(twin,
		       together(twin, next, take.max) > take.max - take.pages,
		       "take, too few");
	if (!count)
		twin->take_cursor = 0;
}

static void do_take_skip(struct twin *twin)
{
	uint32_t first = (uint32_t)(twin->skip_cursor >> PAGE_SHIFT), end;
	const struct model *model = &twin->model;
	uint64_t gpa, count;
	bool found;

	if (!model->tracking)
		return;
	found = sevlm__pages_take_skip(twin->pages, &twin->skip_cursor, &gpa,
				       &count);
	first = twin->tally.skip ? model_next(model, first, BIT_SKIP) : PAGES;
	expect(twin, found == (first < PAGES), "take_skip");
	if (!found) {
		twin->skip_cursor = 0;
		return;
	}
	for (end = first; end < PAGES && model->bits[end] & BIT_SKIP; end++)
		;
	model_clear(&twin->model, &twin->tally, first, end, BIT_SKIP);
	expect(twin, gpa == GPA(first) && count == end - first,
	       "take_skip, run");
	expect(twin, twin->skip_cursor == GPA(end), "take_skip, cursor");
}

static void free_range(struct twin *twin, uint32_t first, uint32_t end)
{
	sevlm__pages_freed(twin->pages, GPA(first), end - first);
	model_freed(&twin->model, &twin->tally, first, end);
}

static void do_arrive(struct twin *twin)
{
	bool freed = below(twin, 2), shared;
	uint32_t first, end;

	if (twin->model.tracking)
		return;
	draw_range(twin, &first, &end);
	shared = below(twin, 2);
	if (freed) {
		free_range(twin, first, end);
		return;
	}
	sevlm__pages_arrived(twin->pages, GPA(first), 1, shared);
	model_arrived(&twin->model, &twin->tally, first, first + 1, shared);
}

static void do_account(struct twin *twin)
{
	bool missing = false, got_missing = false;
	uint64_t gpa = UINT64_MAX;
	uint32_t page;
	int ret;

	if (below(twin, 10))
		return;
	/* often one that succeeds, or fails late */
	if (!twin->model.tracking && !below(twin, 3))
		free_range(twin, 0, PAGES / 4 * 3);
	ret = sevlm__pages_account(twin->pages, &gpa, &got_missing);
	page = model_unaccounted(&twin->model, &missing);
	if (page == PAGES)
		expect(twin, ret == 0, "account");
	else
		expect(twin,
		       ret == -EPROTO && gpa == GPA(page) &&
			       missing == got_missing,
		       "account, first");
}

static void add_area(struct twin *twin, uint32_t i)
{
	const struct area *area = &areas[i];
	int ret;

	ret = sevlm__pages_add_region(twin->pages, GPA(area->first),
				      GPA(area->end - area->first),
				      HVA(area->first), area->type);
	expect(twin, ret == 0, "add_region");
	twin->there[i] = true;
	twin->has_chunk[area->first / CHUNK] = true;
	twin->blocks[i] = false;
	model_add(&twin->model, &twin->tally, area->first, area->end,
		  area->type & ~CONTIGUOUS);
}

static void remove_area(struct twin *twin, uint32_t i)
{
	const struct area *area = &areas[i];
	int ret;

	ret = sevlm__pages_remove_region(twin->pages, GPA(area->first));
	expect(twin, ret == 0, "remove_region");
	twin->there[i] = false;
	twin->blocks[i] = false;
	model_remove(&twin->model, &twin->tally, area->first, area->end);
}

static void do_region(struct twin *twin)
{
	uint32_t i = below(twin, ARRAY_SIZE(areas));

	if (below(twin, 100))
		return;
	if (!areas[i].early && twin->left > TWIN_CALLS / 3 * 2)
		return;
	if (twin->there[i])
		remove_area(twin, i);
	else
		add_area(twin, i);
}

static void do_blocks(struct twin *twin)
{
	uint32_t i = below(twin, ARRAY_SIZE(areas));
	const struct area *area = &areas[i];

	if (below(twin, 100))
		return;
	if (below(twin, 4)) {
		sevlm__pages_allow_blocks(twin->pages, GPA(area->first));
		twin->blocks[i] = twin->there[i] && area->type & CONTIGUOUS;
	} else {
		/* any page of it does */
		sevlm__pages_forbid_blocks(
			twin->pages,
			GPA(area->first + below(twin, area->end - area->first)),
			1);
		twin->blocks[i] = false;
	}
}

static void track(struct twin *twin, bool on)
{
	sevlm__pages_track(twin->pages, on);
	model_track(&twin->model, &twin->tally, on);
}

static void do_track(struct twin *twin)
{
	if (!below(twin, 500))
		track(twin, below(twin, 3));
}

static void do_reset(struct twin *twin)
{
	if (below(twin, 2000))
		return;
	sevlm__pages_reset(twin->pages);
	model_reset(&twin->model, &twin->tally);
	twin->tally.generation = sevlm__pages_generation(twin->pages);
}

static void do_spans(struct twin *twin)
{
	const uint8_t *bits = twin->model.bits;
	struct sevlm__span span;
	uint32_t page = 0, i;
	uint64_t cursor = 0;

	if (below(twin, 200))
		return;
	while (sevlm__pages_span(twin->pages, &cursor, &span)) {
		for (; GPA(page) < span.gpa; page++)
			expect(twin, !(bits[page] & BIT_SHARED),
			       "span, missing");
		for (i = 0; i < span.pages; i++, page++)
			expect(twin,
			       !(bits[page] & BIT_SHARED) ==
				       !(span.all ||
					 span.bitmap[i / 64] >> (i % 64) & 1),
			       "span, page");
	}
	for (; page < PAGES; page++)
		expect(twin, !(bits[page] & BIT_SHARED), "span, end");
}

static void (*const calls[])(struct twin *twin) = {
	do_set, do_set, do_set, do_set,
	do_dirty, do_dirty, do_dirty_bitmap, do_skip,
	do_round, do_take, do_take, do_take_skip,
	do_arrive, do_arrive, do_account,
	do_state, do_spans,
	do_region, do_blocks, do_track, do_reset,
};

void twin_call(struct twin *twin)
{
	const struct model_tally *tally = &twin->tally;

	calls[below(twin, ARRAY_SIZE(calls))](twin);
	expect(twin, sevlm__pages_todo(twin->pages) == (uint64_t)tally->todo,
	       "todo");
	expect(twin,
	       sevlm__pages_pending(twin->pages) == (uint64_t)tally->pending,
	       "pending");
	expect(twin, sevlm__pages_generation(twin->pages) == tally->generation,
	       "generation");
	twin->left--;
}

int twin_start(struct twin *twin, uint64_t seed)
{
	uint32_t i;
	int ret;

	*twin = (struct twin){.random = {seed}, .left = TWIN_CALLS};
	ret = sevlm__pages_new(&twin->pages);
	for (i = 0; !ret && i < ARRAY_SIZE(areas); i++)
		if (areas[i].early)
			add_area(twin, i);
	return ret;
}

void twin_fill(struct twin *twin)
{
	uint64_t new;
	uint32_t i;

	for (i = 0; i < ARRAY_SIZE(areas); i++)
		if (!twin->there[i])
			add_area(twin, i);
	track(twin, true);
	sevlm__pages_round(twin->pages, &new);
	model_round(&twin->model, &twin->tally);
}

static void take_all(struct twin *twin)
{
	twin->take_cursor = 0;
	do
		do_take(twin);
	while (twin->take_cursor);
	twin->skip_cursor = 0;
	do
		do_take_skip(twin);
	while (twin->skip_cursor);
	expect(twin, !sevlm__pages_todo(twin->pages), "todo is left");
}

void twin_compare(struct twin *twin)
{
	uint64_t new;
	uint32_t i;

	for (i = 0; i < PAGES; i++)
		expect(twin,
		       sevlm__pages_shared(twin->pages, GPA(i)) ==
			       model_shared(&twin->model, i),
		       "shared at the end");
	expect(twin,
	       sevlm__pages_generation(twin->pages) == twin->tally.generation,
	       "generation at the end");
	take_all(twin);
	model_round(&twin->model, &twin->tally);
	expect(twin,
	       sevlm__pages_round(twin->pages, &new) ==
		       (uint64_t)twin->tally.todo,
	       "pending at the end");
	take_all(twin);
}
