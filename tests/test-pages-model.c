/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A million random calls, from four threads, against one byte per page. In
 * the first half every answer is compared, under a lock of the test's; who
 * makes a call is chance, which call it is is not. In the second half each
 * thread has pages of its own and the end is compared.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check-main.h"
#include "internal.h"

#define CHUNK SEVLM__SPAN_PAGES
#define PAGES (3 * CHUNK)
#define GPA(page) ((uint64_t)(page) << PAGE_SHIFT)
#define HVA(page) ((uint8_t *)(uintptr_t)(0x100000000000ull + GPA(page)))
#define THREADS 4
#define CALLS 500000 /* of each half */
#define SLICE 37 /* pages of one thread in a row, in the second half */

enum bit {
	SHARED = 1,
	PENDING = 2,
	TODO = 4,
	SKIP = 8,
	START = 16, /* of an area */
};

struct area {
	uint32_t first;
	uint32_t end;
	uint32_t type;
	bool early; /* there from the start */
	bool there;
};

static const struct area areas[] = {
	{0, 1000, SEVLM_REGION_TRACKED, true, false},
	{1000, 1063, SEVLM_REGION_PRIVATE, true, false},
	{1063, 5001, SEVLM_REGION_TRACKED, true, false},
	{20000, 20100, SEVLM_REGION_SKIP, false, false},
	{20100, 20500, SEVLM_REGION_SHARED, false, false},
	{CHUNK - 700, CHUNK, SEVLM_REGION_TRACKED, true, false},
	{CHUNK, 2 * CHUNK - 77, SEVLM_REGION_TRACKED, false, false},
	{2 * CHUNK, 2 * CHUNK + 2000, SEVLM_REGION_TRACKED, true, false},
	{2 * CHUNK + 2000, 2 * CHUNK + 2100, SEVLM_REGION_SKIP, true, false},
	{3 * CHUNK - 400, 3 * CHUNK, SEVLM_REGION_PRIVATE, false, false},
};

struct tally {
	int64_t todo;
	int64_t pending;
	int64_t skip;
	uint64_t generation;
};

struct world {
	struct sevlm__pages *pages;
	pthread_mutex_t lock;
	uint64_t seed;
	uint64_t random;
	uint64_t left;
	uint64_t take_cursor;
	uint64_t skip_cursor;
	const char *wrong;
	uint64_t wrong_call;
	bool tracking;
	bool has_chunk[3];
	struct area areas[ARRAY_SIZE(areas)];
	struct tally tally;
	uint8_t bits[PAGES];
	uint8_t type[PAGES];
};

struct actor {
	struct world *world;
	struct tally tally;
	uint64_t random;
	uint32_t index;
	bool wrong;
};

static uint64_t draw(uint64_t *random)
{
	uint64_t z = *random += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static uint32_t below(uint64_t *random, uint32_t limit)
{
	return (uint32_t)(draw(random) % limit);
}

static void expect(struct world *world, bool right, const char *what)
{
	if (right || world->wrong)
		return;
	world->wrong = what;
	world->wrong_call = CALLS - world->left;
}

/* ---- the model ---- */

static bool moved(const struct world *world, uint32_t page)
{
	return world->type[page] && world->type[page] != SEVLM_REGION_SKIP;
}

static void flip(struct world *world, struct tally *tally, uint32_t page,
		 enum bit bit, bool value)
{
	int64_t delta = value ? 1 : -1;

	if (!(world->bits[page] & bit) == !value)
		return;
	world->bits[page] ^= (uint8_t)bit;
	if (bit == TODO)
		tally->todo += delta;
	if (bit == PENDING)
		tally->pending += delta;
	if (bit == SKIP)
		tally->skip += delta;
}

static void model_mark(struct world *world, struct tally *tally, uint32_t page)
{
	if (!world->tracking || !moved(world, page))
		return;
	flip(world, tally, page, PENDING, true);
	flip(world, tally, page, SKIP, false);
}

static void model_set(struct world *world, struct tally *tally, uint32_t first,
		      uint32_t end, bool shared)
{
	bool changed = false;
	uint32_t page;

	for (page = first; page < end; page++) {
		if (!(world->bits[page] & SHARED) == !shared)
			continue;
		changed = true;
		flip(world, tally, page, SHARED, shared);
		if (world->type[page] == SEVLM_REGION_TRACKED)
			model_mark(world, tally, page);
	}
	tally->generation += changed;
}

static uint64_t model_skip(struct world *world, struct tally *tally,
			   uint32_t first, uint32_t end)
{
	uint64_t count = 0;
	uint32_t page;

	for (page = first; world->tracking && page < end; page++) {
		if (!(world->bits[page] & TODO))
			continue;
		flip(world, tally, page, TODO, false);
		if (world->bits[page] & PENDING)
			continue;
		flip(world, tally, page, SKIP, true);
		count++;
	}
	return count;
}

static void model_forget(struct world *world, uint32_t page)
{
	flip(world, &world->tally, page, PENDING, false);
	flip(world, &world->tally, page, TODO, false);
	flip(world, &world->tally, page, SKIP, false);
}

static bool model_shared(const struct world *world, uint32_t page)
{
	if (world->type[page] == SEVLM_REGION_TRACKED)
		return world->bits[page] & SHARED;
	return world->type[page] == SEVLM_REGION_SHARED;
}

static uint32_t model_state(const struct world *world, uint32_t page)
{
	if (page >= PAGES || !world->type[page])
		return SEVLM_PAGE_NONE;
	if (world->type[page] == SEVLM_REGION_SKIP)
		return SEVLM_PAGE_SKIP;
	return model_shared(world, page) ? SEVLM_PAGE_SHARED
					 : SEVLM_PAGE_PRIVATE;
}

/* ---- calls with an answer to compare ---- */

/* pages of chunks that are not there are drawn by 64, for the ranges' sake */
static uint32_t edge(struct world *world, uint32_t page)
{
	if (page >= PAGES)
		return PAGES;
	return world->has_chunk[page / CHUNK] ? page : page / 64 * 64;
}

static void draw_range(struct world *world, uint32_t *first, uint32_t *end)
{
	static const uint32_t lengths[] = {2, 64, 64, 200, 200, 5000};
	uint32_t length = below(&world->random, ARRAY_SIZE(lengths));
	uint32_t at = below(&world->random, PAGES);

	/* often around the edges of areas */
	if (below(&world->random, 2))
		at = (areas[below(&world->random, ARRAY_SIZE(areas))].first +
		      PAGES + below(&world->random, 140) - 70) %
		     PAGES;
	length = 1 + below(&world->random, lengths[length]);
	if (!below(&world->random, 1000))
		length = PAGES;
	*first = edge(world, at);
	*end = edge(world, at + length);
}

static void do_set(struct world *world)
{
	bool shared = below(&world->random, 2);
	uint32_t first, end;

	draw_range(world, &first, &end);
	expect(world,
	       !sevlm__pages_set(world->pages, GPA(first), end - first, shared),
	       "set failed");
	model_set(world, &world->tally, first, end, shared);
}

static void do_dirty(struct world *world)
{
	uint32_t first, end, page;

	draw_range(world, &first, &end);
	sevlm__pages_dirty(world->pages, GPA(first), end - first);
	for (page = first; page < end; page++)
		model_mark(world, &world->tally, page);
}

static void do_dirty_bitmap(struct world *world)
{
	uint32_t first, end, page, i, words;
	uint64_t *bitmap;

	draw_range(world, &first, &end);
	words = (end - first + 63) / 64;
	bitmap = malloc(words * sizeof(*bitmap) + 1);
	for (i = 0; i < words; i++)
		bitmap[i] = draw(&world->random) & draw(&world->random);
	for (page = first; page < end; page++)
		if (bitmap[(page - first) / 64] >> ((page - first) % 64) & 1)
			model_mark(world, &world->tally, page);
	sevlm__pages_dirty_bitmap(world->pages, GPA(first), bitmap,
				  end - first);
	free(bitmap);
}

static void do_skip(struct world *world)
{
	uint32_t first, end;

	draw_range(world, &first, &end);
	expect(world,
	       sevlm__pages_skip(world->pages, GPA(first), end - first) ==
		       model_skip(world, &world->tally, first, end),
	       "skip");
}

static void do_state(struct world *world)
{
	uint32_t page = below(&world->random, PAGES), end = page, type, state;
	uint64_t bytes = 0;
	bool shared;

	sevlm__pages_state(world->pages, GPA(page), &state, &bytes);
	shared = sevlm__pages_shared(world->pages, GPA(page));
	expect(world, state == model_state(world, page), "state");
	expect(world, shared == model_shared(world, page), "shared");
	type = world->type[page];
	do
		end++;
	while (end < PAGES && !(world->bits[end] & START) &&
	       world->type[end] == type && model_state(world, end) == state);
	/* past the last area nothing follows */
	if (!type && end == PAGES)
		expect(world, GPA(page) + bytes == 1ull << 52, "last run");
	else
		expect(world, bytes == GPA(end - page), "run");
}

static void do_round(struct world *world)
{
	uint64_t todo, new = 0, got_new;
	uint32_t page;

	if (!world->tracking || below(&world->random, 100))
		return;
	for (page = 0; page < PAGES; page++) {
		if (!(world->bits[page] & PENDING))
			continue;
		new += !(world->bits[page] & TODO);
		flip(world, &world->tally, page, TODO, true);
		flip(world, &world->tally, page, PENDING, false);
	}
	todo = sevlm__pages_round(world->pages, &got_new);
	expect(world, todo == (uint64_t)world->tally.todo, "round");
	expect(world, got_new == new, "round, new");
	world->take_cursor = 0;
	world->skip_cursor = 0;
}

static void do_take(struct world *world)
{
	uint32_t max = 1 + below(&world->random, 64), count, i;
	uint32_t page = (uint32_t)(world->take_cursor >> PAGE_SHIFT);
	struct sevlm__page got[64];

	if (!world->tracking)
		return;
	count = sevlm__pages_take(world->pages, &world->take_cursor, got, max);
	for (i = 0; i < count; i++, page++) {
		while (page < PAGES && !(world->bits[page] & TODO))
			page++;
		expect(world,
		       page < PAGES && got[i].gpa == GPA(page) &&
			       got[i].hva == HVA(page) &&
			       got[i].shared == model_shared(world, page),
		       "take");
		if (page >= PAGES)
			return;
		flip(world, &world->tally, page, TODO, false);
	}
	if (count)
		expect(world, world->take_cursor == GPA(page), "take cursor");
	while (count < max && page < PAGES && world->tally.todo)
		expect(world, !(world->bits[page++] & TODO), "take, too few");
	if (!count)
		world->take_cursor = 0;
}

static void do_take_skip(struct world *world)
{
	uint32_t page = (uint32_t)(world->skip_cursor >> PAGE_SHIFT), first;
	uint64_t gpa, count;
	bool found;

	if (!world->tracking)
		return;
	found = sevlm__pages_take_skip(world->pages, &world->skip_cursor, &gpa,
				       &count);
	while (page < PAGES && !(world->bits[page] & SKIP))
		page = world->tally.skip ? page + 1 : PAGES;
	expect(world, found == (page < PAGES), "take_skip");
	if (!found) {
		world->skip_cursor = 0;
		return;
	}
	for (first = page; page < PAGES && world->bits[page] & SKIP; page++)
		flip(world, &world->tally, page, SKIP, false);
	expect(world, gpa == GPA(first) && count == page - first,
	       "take_skip, run");
	expect(world, world->skip_cursor == GPA(page), "take_skip, cursor");
}

static void do_arrive(struct world *world)
{
	bool free = below(&world->random, 2), shared;
	uint32_t first, end, page;

	if (world->tracking)
		return;
	draw_range(world, &first, &end);
	shared = below(&world->random, 2);
	if (!free && first < PAGES)
		end = first + 1;
	if (free)
		sevlm__pages_freed(world->pages, GPA(first), end - first);
	else
		sevlm__pages_arrived(world->pages, GPA(first), 1, shared);
	for (page = first; page < end; page++) {
		if (!moved(world, page))
			continue;
		flip(world, &world->tally, page, PENDING, true);
		flip(world, &world->tally, page, TODO, !free && shared);
		flip(world, &world->tally, page, SKIP, free);
	}
}

static void do_account(struct world *world)
{
	bool missing = false, got_missing = false;
	uint64_t gpa = UINT64_MAX;
	uint32_t page;
	uint8_t bits;
	int ret;

	if (below(&world->random, 10))
		return;
	/* often one that succeeds, or fails late */
	if (!world->tracking && !below(&world->random, 3)) {
		sevlm__pages_freed(world->pages, 0, PAGES / 4 * 3);
		for (page = 0; page < PAGES / 4 * 3; page++) {
			if (!moved(world, page))
				continue;
			flip(world, &world->tally, page, PENDING, true);
			flip(world, &world->tally, page, TODO, false);
			flip(world, &world->tally, page, SKIP, true);
		}
	}
	ret = sevlm__pages_account(world->pages, &gpa, &got_missing);
	for (page = 0; page < PAGES; page++) {
		bits = world->bits[page];
		missing = !(bits & PENDING);
		if (!moved(world, page))
			continue;
		if (missing || (!(bits & SKIP) &&
				!(bits & TODO) == model_shared(world, page)))
			break;
	}
	if (page == PAGES)
		expect(world, ret == 0, "account");
	else
		expect(world,
		       ret == -EPROTO && gpa == GPA(page) &&
			       missing == got_missing,
		       "account, first");
}

static void add_area(struct world *world, struct area *area)
{
	uint32_t page;
	int ret;

	ret = sevlm__pages_add_region(world->pages, GPA(area->first),
				      GPA(area->end - area->first),
				      HVA(area->first), area->type);
	expect(world, ret == 0, "add_region");
	area->there = true;
	world->bits[area->first] |= START;
	world->has_chunk[area->first / CHUNK] = true;
	for (page = area->first; page < area->end; page++) {
		world->type[page] = (uint8_t)area->type;
		model_mark(world, &world->tally, page);
	}
}

static void remove_area(struct world *world, struct area *area)
{
	uint32_t page;
	int ret;

	ret = sevlm__pages_remove_region(world->pages, GPA(area->first));
	expect(world, ret == 0, "remove_region");
	area->there = false;
	world->bits[area->first] ^= START;
	for (page = area->first; page < area->end; page++) {
		model_forget(world, page);
		world->type[page] = 0;
	}
}

static void do_region(struct world *world)
{
	uint32_t i = below(&world->random, ARRAY_SIZE(areas));

	if (below(&world->random, 100))
		return;
	if (!world->areas[i].early && world->left > CALLS / 3 * 2)
		return;
	if (world->areas[i].there)
		remove_area(world, &world->areas[i]);
	else
		add_area(world, &world->areas[i]);
}

static void track(struct world *world, bool on)
{
	uint32_t page;

	world->tracking = on;
	sevlm__pages_track(world->pages, on);
	for (page = 0; page < PAGES; page++) {
		model_forget(world, page);
		model_mark(world, &world->tally, page);
	}
}

static void do_track(struct world *world)
{
	if (!below(&world->random, 500))
		track(world, below(&world->random, 3));
}

static void do_reset(struct world *world)
{
	uint32_t page;

	if (below(&world->random, 2000))
		return;
	sevlm__pages_reset(world->pages);
	for (page = 0; page < PAGES; page++) {
		model_forget(world, page);
		flip(world, &world->tally, page, SHARED, false);
	}
	world->tally.generation = sevlm__pages_generation(world->pages);
}

static void do_spans(struct world *world)
{
	struct sevlm__span span;
	uint32_t page = 0, i;
	uint64_t cursor = 0;

	if (below(&world->random, 200))
		return;
	while (sevlm__pages_span(world->pages, &cursor, &span)) {
		for (; GPA(page) < span.gpa; page++)
			expect(world, !(world->bits[page] & SHARED),
			       "span, missing");
		for (i = 0; i < span.pages; i++, page++)
			expect(world,
			       !(world->bits[page] & SHARED) ==
				       !(span.all ||
					 span.bitmap[i / 64] >> (i % 64) & 1),
			       "span, page");
	}
	for (; page < PAGES; page++)
		expect(world, !(world->bits[page] & SHARED), "span, end");
}

static void (*const calls[])(struct world *world) = {
	do_set, do_set, do_set, do_set,
	do_dirty, do_dirty, do_dirty_bitmap, do_skip,
	do_round, do_take, do_take, do_take_skip,
	do_arrive, do_arrive, do_account,
	do_state, do_spans,
	do_region, do_track, do_reset,
};

static void *first_half(void *arg)
{
	struct world *world = ((struct actor *)arg)->world;
	struct tally *tally = &world->tally;

	for (;;) {
		pthread_mutex_lock(&world->lock);
		if (!world->left || world->wrong)
			break;
		calls[below(&world->random, ARRAY_SIZE(calls))](world);
		expect(world,
		       sevlm__pages_todo(world->pages) == (uint64_t)tally->todo,
		       "todo");
		expect(world,
		       sevlm__pages_pending(world->pages) ==
			       (uint64_t)tally->pending,
		       "pending");
		expect(world,
		       sevlm__pages_generation(world->pages) ==
			       tally->generation,
		       "generation");
		world->left--;
		pthread_mutex_unlock(&world->lock);
	}
	pthread_mutex_unlock(&world->lock);
	return NULL;
}

/* ---- each on pages of its own ---- */

static void own_range(struct actor *actor, uint32_t *first, uint32_t *end)
{
	uint32_t slices = PAGES / SLICE / THREADS;
	uint32_t slice = below(&actor->random, slices) * THREADS + actor->index;
	uint32_t from = below(&actor->random, SLICE);

	*first = slice * SLICE + from;
	*end = *first + 1 + below(&actor->random, SLICE - from);
}

static void own_dirty_bitmap(struct actor *actor, uint32_t first, uint32_t end)
{
	uint64_t bits = draw(&actor->random);
	uint32_t page;

	sevlm__pages_dirty_bitmap(actor->world->pages, GPA(first), &bits,
				  end - first);
	for (page = first; page < end; page++)
		if (bits >> (page - first) & 1)
			model_mark(actor->world, &actor->tally, page);
}

static void own_call(struct actor *actor)
{
	struct world *world = actor->world;
	uint32_t first, end, page, kind = below(&actor->random, 16), state;
	uint64_t bytes;

	own_range(actor, &first, &end);
	if (kind < 8) {
		actor->wrong |= sevlm__pages_set(world->pages, GPA(first),
						 end - first, kind % 2);
		model_set(world, &actor->tally, first, end, kind % 2);
	} else if (kind < 10) {
		actor->wrong |= sevlm__pages_skip(world->pages, GPA(first),
						  end - first) !=
				model_skip(world, &actor->tally, first, end);
	} else if (kind < 11) {
		sevlm__pages_dirty(world->pages, GPA(first), end - first);
		for (page = first; page < end; page++)
			model_mark(world, &actor->tally, page);
	} else if (kind < 12) {
		own_dirty_bitmap(actor, first, end);
	} else {
		sevlm__pages_state(world->pages, GPA(first), &state, &bytes);
		actor->wrong |= state != model_state(world, first);
	}
}

static void *second_half(void *arg)
{
	struct actor *actor = arg;
	uint32_t i;

	for (i = 0; i < CALLS / THREADS; i++)
		own_call(actor);
	return NULL;
}

/* ---- the whole ---- */

static void run_threads(struct world *world, void *(*half)(void *arg),
			struct actor *actors)
{
	pthread_t threads[THREADS];
	uint32_t i;

	for (i = 0; i < THREADS; i++) {
		actors[i] = (struct actor){
			.world = world,
			.random = world->seed * THREADS + i,
			.index = i,
		};
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, half, &actors[i]), 0);
	}
	for (i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}

static void check_right(const struct world *world)
{
	ck_assert_msg(!world->wrong,
		      "%s at call %llu; SEVLM_SEED=%llu test-pages-model",
		      world->wrong, (unsigned long long)world->wrong_call,
		      (unsigned long long)world->seed);
}

static void start(struct world *world, uint64_t seed)
{
	size_t i;

	*world = (struct world){.seed = seed, .random = seed, .left = CALLS};
	memcpy(world->areas, areas, sizeof(areas));
	pthread_mutex_init(&world->lock, NULL);
	ck_assert_int_eq(sevlm__pages_new(&world->pages), 0);
	for (i = 0; i < ARRAY_SIZE(areas); i++)
		if (areas[i].early)
			add_area(world, &world->areas[i]);
}

/* everything there, everything to do */
static void prepare_second(struct world *world)
{
	uint64_t new;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(areas); i++)
		if (!world->areas[i].there)
			add_area(world, &world->areas[i]);
	track(world, true);
	sevlm__pages_round(world->pages, &new);
	for (i = 0; i < PAGES; i++) {
		flip(world, &world->tally, i, TODO, world->bits[i] & PENDING);
		flip(world, &world->tally, i, PENDING, false);
	}
}

static void take_all(struct world *world)
{
	world->take_cursor = 0;
	do
		do_take(world);
	while (world->take_cursor);
	world->skip_cursor = 0;
	do
		do_take_skip(world);
	while (world->skip_cursor);
	expect(world, !sevlm__pages_todo(world->pages), "todo is left");
}

static void compare_all(struct world *world)
{
	uint64_t new;
	uint32_t i;

	for (i = 0; i < PAGES; i++)
		expect(world,
		       sevlm__pages_shared(world->pages, GPA(i)) ==
			       model_shared(world, i),
		       "shared at the end");
	expect(world,
	       sevlm__pages_generation(world->pages) == world->tally.generation,
	       "generation at the end");
	take_all(world);
	for (i = 0; i < PAGES; i++)
		flip(world, &world->tally, i, TODO, world->bits[i] & PENDING);
	expect(world,
	       sevlm__pages_round(world->pages, &new) ==
		       (uint64_t)world->tally.todo,
	       "pending at the end");
	take_all(world);
}

static uint64_t seed_of(void)
{
	const char *text = getenv("SEVLM_SEED");

	return text ? strtoull(text, NULL, 0) : 1;
}

START_TEST(model)
{
	struct world *world = malloc(sizeof(*world));
	struct actor actors[THREADS];
	uint32_t i;

	ck_assert_ptr_nonnull(world);
	start(world, seed_of());
	run_threads(world, first_half, actors);
	check_right(world);
	ck_assert_uint_eq(world->left, 0);
	prepare_second(world);
	run_threads(world, second_half, actors);
	for (i = 0; i < THREADS; i++) {
		expect(world, !actors[i].wrong, "an answer in a thread");
		world->tally.todo += actors[i].tally.todo;
		world->tally.pending += actors[i].tally.pending;
		world->tally.skip += actors[i].tally.skip;
		world->tally.generation += actors[i].tally.generation;
	}
	compare_all(world);
	check_right(world);
	sevlm__pages_free(world->pages);
	pthread_mutex_destroy(&world->lock);
	free(world);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pages-model");
	TCase *tcase = tcase_create("pages-model");

	printf("# replay: SEVLM_SEED=%llu test-pages-model\n",
	       (unsigned long long)seed_of());
	fflush(stdout);
	tcase_set_timeout(tcase, 600);
	tcase_add_test(tcase, model);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
