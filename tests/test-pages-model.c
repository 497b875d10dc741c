/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A million random calls, from four threads, against one byte per page. In
 * the first half every answer is compared, under a lock of the test's; who
 * makes a call is chance, which call it is is not. In the second half each
 * thread has pages of its own and the end is compared.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "check-main.h"
#include "pages-twin.h"

#define GPA(page) TWIN_GPA(page)
#define THREADS 4
#define SLICE 37 /* pages of one thread in a row, in the second half */

struct world {
	pthread_mutex_t lock;
	struct twin twin;
};

struct actor {
	struct world *world;
	struct model_tally tally;
	struct rig_random random;
	uint32_t index;
	bool wrong;
};

static void *first_half(void *arg)
{
	struct world *world = ((struct actor *)arg)->world;
	struct twin *twin = &world->twin;

	for (;;) {
		pthread_mutex_lock(&world->lock);
		if (!twin->left || twin->wrong)
			break;
		twin_call(twin);
		pthread_mutex_unlock(&world->lock);
	}
	pthread_mutex_unlock(&world->lock);
	return NULL;
}

/* ---- each on pages of its own ---- */

static void own_range(struct actor *actor, uint32_t *first, uint32_t *end)
{
	uint32_t slices = MODEL_PAGES / SLICE / THREADS;
	uint32_t slice = rig_below(&actor->random, slices);
	uint32_t from = rig_below(&actor->random, SLICE);

	*first = (slice * THREADS + actor->index) * SLICE + from;
	*end = *first + 1 + rig_below(&actor->random, SLICE - from);
}

static void own_set(struct actor *actor, uint32_t first, uint32_t end,
		    bool shared)
{
	struct twin *twin = &actor->world->twin;

	actor->wrong |=
		sevlm__pages_set(twin->pages, GPA(first), end - first, shared);
	model_set(&twin->model, &actor->tally, first, end, shared);
}

static void own_skip(struct actor *actor, uint32_t first, uint32_t end)
{
	struct twin *twin = &actor->world->twin;

	actor->wrong |=
		sevlm__pages_skip(twin->pages, GPA(first), end - first) !=
		model_skip(&twin->model, &actor->tally, first, end);
}

static void own_dirty(struct actor *actor, uint32_t first, uint32_t end)
{
	struct twin *twin = &actor->world->twin;

	sevlm__pages_dirty(twin->pages, GPA(first), end - first);
	model_dirty(&twin->model, &actor->tally, first, end);
}

static void own_dirty_bitmap(struct actor *actor, uint32_t first, uint32_t end)
{
	struct twin *twin = &actor->world->twin;
	uint64_t bits = rig_random(&actor->random);

	sevlm__pages_dirty_bitmap(twin->pages, GPA(first), &bits, end - first);
	model_dirty_bitmap(&twin->model, &actor->tally, &bits, first, end);
}

static void own_state(struct actor *actor, uint32_t page)
{
	struct twin *twin = &actor->world->twin;
	uint64_t bytes;
	uint32_t state;

	sevlm__pages_state(twin->pages, GPA(page), &state, &bytes);
	actor->wrong |= state != model_state(&twin->model, page);
}

static void own_call(struct actor *actor)
{
	uint32_t first, end, kind = rig_below(&actor->random, 16);

	own_range(actor, &first, &end);
	if (kind < 8)
		own_set(actor, first, end, kind % 2);
	else if (kind < 10)
		own_skip(actor, first, end);
	else if (kind < 11)
		own_dirty(actor, first, end);
	else if (kind < 12)
		own_dirty_bitmap(actor, first, end);
	else
		own_state(actor, first);
}

static void *second_half(void *arg)
{
	struct actor *actor = arg;
	uint32_t i;

	for (i = 0; i < TWIN_CALLS / THREADS; i++)
		own_call(actor);
	return NULL;
}

/* ---- the whole ---- */

static uint64_t seed_of(void)
{
	const char *text = getenv("SEVLM_SEED");

	return text ? strtoull(text, NULL, 0) : 1;
}

static void run_threads(struct world *world, void *(*half)(void *arg),
			struct actor *actors)
{
	pthread_t threads[THREADS];
	uint32_t i;

	for (i = 0; i < THREADS; i++) {
		actors[i] = (struct actor){
			.world = world,
			.random = {seed_of() * THREADS + i},
			.index = i,
		};
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, half, &actors[i]), 0);
	}
	for (i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}

static void check_right(const struct twin *twin)
{
	ck_assert_msg(!twin->wrong,
		      "%s at call %llu; SEVLM_SEED=%llu test-pages-model",
		      twin->wrong, (unsigned long long)twin->wrong_call,
		      (unsigned long long)seed_of());
}

static void add_up(struct twin *twin, const struct actor *actor)
{
	if (actor->wrong) {
		twin->wrong = "an answer in a thread";
		twin->wrong_call = TWIN_CALLS;
	}
	twin->tally.todo += actor->tally.todo;
	twin->tally.pending += actor->tally.pending;
	twin->tally.skip += actor->tally.skip;
	twin->tally.generation += actor->tally.generation;
}

START_TEST(model)
{
	struct world *world = malloc(sizeof(*world));
	struct twin *twin = &world->twin;
	struct actor actors[THREADS];
	uint32_t i;

	ck_assert_ptr_nonnull(world);
	pthread_mutex_init(&world->lock, NULL);
	ck_assert_int_eq(twin_start(twin, seed_of()), 0);
	run_threads(world, first_half, actors);
	check_right(twin);
	ck_assert_uint_eq(twin->left, 0);
	twin_fill(twin);
	run_threads(world, second_half, actors);
	for (i = 0; i < THREADS; i++)
		add_up(twin, &actors[i]);
	twin_compare(twin);
	check_right(twin);
	sevlm__pages_free(twin->pages);
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
