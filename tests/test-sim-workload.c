// SPDX-License-Identifier: MIT OR Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "check-main.h"
#include "../sim/internal.h"
#include "../sim/workload.h"

static const uint64_t sizes[] = {1, 2, 3, 5, 64, 192, 193, 1024, 100000};

#define SIZES ((int)(sizeof(sizes) / sizeof(sizes[0])))

static struct sim_workload make(uint32_t kind, uint64_t pages, bool offered)
{
	struct sim_workload workload = {
		.seed = 42,
		.pages = pages,
		.kind = kind,
		.offered = offered,
	};

	return workload;
}

static bool same(const struct sim_action *a, const struct sim_action *b)
{
	return a->kind == b->kind && a->shared == b->shared &&
	       a->step == b->step && a->page == b->page &&
	       a->count == b->count;
}

START_TEST(steps_are_a_pure_function)
{
	struct sim_workload workload = make((uint32_t)_i, 1024, true);
	struct sim_workload other = workload;
	unsigned int differ = 0;
	struct sim_action forward[500];
	struct sim_action again;

	other.seed++;
	for (uint64_t i = 0; i < 500; i++)
		sim_workload_step(&workload, i + 1, &forward[i]);
	for (uint64_t i = 500; i-- > 0;) {
		sim_workload_step(&workload, i + 1, &again);
		ck_assert(same(&again, &forward[i]));
		sim_workload_step(&other, i + 1, &again);
		differ += !same(&again, &forward[i]);
	}
	if (_i >= (int)SEVLM_SIM_HOT)
		ck_assert_uint_gt(differ, 400);
}
END_TEST

static bool fits(const struct sim_workload *workload,
		 const struct sim_action *action)
{
	uint64_t window = workload->pages / 4 ? workload->pages / 4 : 1;
	uint64_t half = workload->pages / 2;
	uint64_t pages = workload->pages - sim_workload_tables(workload);

	if (!action->count || action->page >= pages ||
	    action->count > pages - action->page)
		return false;
	if (action->kind != SIM_DO_CONVERT)
		return true;
	return action->page >= half &&
	       action->page + action->count <= half + window;
}

START_TEST(steps_stay_in_memory)
{
	struct sim_workload workload;
	struct sim_action action;
	unsigned int wrong = 0;

	for (uint32_t kind = 0; kind <= SEVLM_SIM_COUNTER; kind++) {
		workload = make(kind, sizes[_i], true);
		for (uint64_t i = 1; i < 3000; i++) {
			sim_workload_step(&workload, i, &action);
			wrong += action.step != i || !fits(&workload, &action);
		}
	}
	ck_assert_uint_eq(wrong, 0);
}
END_TEST

static uint64_t touched(uint32_t kind, uint64_t pages, uint64_t steps,
			uint64_t *ret_last)
{
	struct sim_workload workload = make(kind, pages, false);
	uint8_t *seen = calloc(1, pages);
	struct sim_action action;
	uint64_t count = 0;

	ck_assert_ptr_nonnull(seen);
	*ret_last = 0;
	for (uint64_t i = 1; i <= steps; i++) {
		sim_workload_step(&workload, i, &action);
		if (action.kind != SIM_DO_WRITE)
			continue;
		count += !seen[action.page];
		seen[action.page] = 1;
		if (action.page > *ret_last)
			*ret_last = action.page;
	}
	free(seen);
	return count;
}

START_TEST(each_workload_writes_its_pages)
{
	uint64_t last;

	ck_assert_uint_eq(touched(SEVLM_SIM_IDLE, 4096, 5000, &last), 0);
	ck_assert_uint_eq(touched(SEVLM_SIM_SEQUENTIAL, 4096, 100, &last),
			  100);
	ck_assert_uint_eq(last, 99);
	ck_assert_uint_eq(touched(SEVLM_SIM_SEQUENTIAL, 4096, 4096, &last),
			  4096);
	ck_assert_uint_eq(touched(SEVLM_SIM_HOT, 4096, 20000, &last), 256);
	ck_assert_uint_eq(last, 4080);
	ck_assert_uint_eq(touched(SEVLM_SIM_HOT, 65536, 50000, &last), 1024);
	ck_assert_uint_eq(touched(SEVLM_SIM_HOT, 100, 5000, &last), 100);
	ck_assert_uint_gt(touched(SEVLM_SIM_RANDOM, 4096, 40000, &last), 4080);
	ck_assert_uint_gt(touched(SEVLM_SIM_FLIP, 4096, 40000, &last), 4080);
}
END_TEST

struct flips {
	uint64_t single;
	uint64_t runs;
	uint64_t supersets;	/* long, over pages already in that state */
	uint64_t shared;
	uint64_t shared_writes;
};

static void count_flip(struct flips *flips, const struct sim_action *action,
		       uint8_t *state)
{
	uint64_t had = 0;

	for (uint64_t i = 0; i < action->count; i++) {
		had += state[action->page + i] == action->shared;
		state[action->page + i] = action->shared;
	}
	flips->shared += action->shared;
	flips->single += action->count == 1;
	flips->runs += action->count > 1 && action->count <= 16;
	flips->supersets += action->count > 16 && had &&
			    had < action->count;
}

START_TEST(tables_have_room_for_every_page)
{
	static const struct {
		uint64_t pages, tables;
	} sized[] = {{7, 0}, {8, 1}, {512, 1}, {513, 2}, {1024, 2}, {1025, 3}};
	struct sim_workload workload;
	uint64_t entry, contents[512];

	for (size_t i = 0; i < sizeof(sized) / sizeof(sized[0]); i++) {
		workload = make(SEVLM_SIM_RANDOM, sized[i].pages, true);
		ck_assert_uint_eq(sim_workload_tables(&workload), 0);
		workload.kind = SEVLM_SIM_FLIP;
		ck_assert_uint_eq(sim_workload_tables(&workload),
				  sized[i].tables);
	}
	sim_workload_first(&workload, 1023, (uint8_t *)contents);
	ck_assert_uint_eq(contents[1], sim_workload_entry(513, false));
	sim_workload_first(&workload, 1024, (uint8_t *)contents);
	ck_assert_uint_eq(contents[0], sim_workload_entry(1024, false));
	ck_assert_uint_eq(contents[1], 0);
	entry = sim_workload_entry(513, true);
	ck_assert(sim_workload_entry_shared(entry));
	ck_assert(!sim_workload_entry_shared(sim_workload_entry(513, false)));
}
END_TEST

START_TEST(flip_converts_all_sorts_of_runs)
{
	struct sim_workload workload = make(SEVLM_SIM_FLIP, 2048, true);
	struct flips flips = {0};
	struct sim_action action;
	uint8_t state[2048] = {0};

	for (uint64_t i = 1; i <= 8000; i++) {
		sim_workload_step(&workload, i, &action);
		if (action.kind == SIM_DO_CONVERT)
			count_flip(&flips, &action, state);
		else
			flips.shared_writes += state[action.page];
	}
	ck_assert_uint_gt(flips.single, 300);
	ck_assert_uint_gt(flips.runs, 200);
	ck_assert_uint_gt(flips.supersets, 50);
	ck_assert_uint_gt(flips.shared, 400);
	ck_assert_uint_lt(flips.shared, 600);
	ck_assert_uint_gt(flips.shared_writes, 300);
}
END_TEST

START_TEST(boot_announces_as_linux_does)
{
	struct sim_workload workload = make(SEVLM_SIM_IDLE, sizes[_i], true);
	uint32_t phases = sim_workload_phases(&workload);
	struct sim_action action;

	ck_assert_uint_eq(phases, sizes[_i] <= 0xc0 ? 5 : 3);
	sim_workload_boot(&workload, 0, &action);
	ck_assert_int_eq(action.kind, SIM_DO_ANNOUNCE);
	ck_assert(!action.shared && !action.page);
	ck_assert_uint_eq(action.count, sizes[_i]);
	sim_workload_boot(&workload, 1, &action);
	ck_assert_int_eq(action.kind, SIM_DO_CONVERT);
	ck_assert(action.shared);
	ck_assert_uint_ge(action.count, 1);
	ck_assert_uint_le(action.page + action.count, sizes[_i]);
	for (uint32_t i = 2; i < phases - 1; i++) {
		sim_workload_boot(&workload, i, &action);
		ck_assert_int_eq(action.kind, SIM_DO_ANNOUNCE);
		ck_assert_uint_eq(action.page, 0xc0);
		ck_assert_uint_eq(action.count, 0x40);
		ck_assert_int_eq(action.shared, i == 2);
	}
	sim_workload_boot(&workload, phases - 1, &action);
	ck_assert_int_eq(action.kind, SIM_DO_READY);
	workload.offered = false;
	ck_assert_uint_eq(sim_workload_phases(&workload), 0);
}
END_TEST

static bool zero(const uint8_t *page)
{
	static const uint8_t zeroes[SIM_PAGE];

	return !memcmp(page, zeroes, SIM_PAGE);
}

START_TEST(first_contents_tell_pages_apart)
{
	struct sim_workload workload = make(SEVLM_SIM_IDLE, 1024, true);
	uint8_t before[SIM_PAGE] = {0};
	unsigned int same_blocks = 0;
	uint8_t page[SIM_PAGE];

	for (uint64_t i = 0; i < 1024; i++) {
		sim_workload_first(&workload, i, page);
		ck_assert_int_eq(zero(page), i % 8 == 7);
		for (size_t at = 0; at < SIM_PAGE; at += 16)
			same_blocks += !memcmp(page + at, before + at, 16);
		memcpy(before, page, SIM_PAGE);
	}
	ck_assert_uint_eq(same_blocks, 0);
}
END_TEST

START_TEST(contents_depend_on_the_step)
{
	struct sim_workload workload = make(SEVLM_SIM_IDLE, 1024, true);
	uint8_t before[SIM_PAGE] = {0};
	unsigned int zeroes = 0;
	uint8_t page[SIM_PAGE];

	for (uint64_t i = 1; i <= 1000; i++) {
		sim_workload_again(&workload, 9, i, false, page);
		ck_assert(!zero(page));
		ck_assert_mem_ne(page, before, 16);
		memcpy(before, page, SIM_PAGE);
		sim_workload_again(&workload, 9, i, true, page);
		zeroes += zero(page);
	}
	ck_assert_uint_gt(zeroes, 200);
	ck_assert_uint_lt(zeroes, 300);
}
END_TEST

START_TEST(slots_are_apart_and_aligned)
{
	struct sim_workload workload = make(SEVLM_SIM_IDLE, 1024, true);
	uint64_t words[4];
	size_t offset;
	size_t used = 0;

	for (uint64_t i = 0; i < 1024; i++) {
		offset = sim_workload_offset(&workload, i);
		ck_assert_uint_eq(offset % 16, 0);
		ck_assert_uint_le(offset, SIM_PAGE - 16);
		used |= offset;
		sim_workload_slot(&workload, i, 77, (uint8_t *)words);
		sim_workload_slot(&workload, i + 1, 77,
				  (uint8_t *)(words + 2));
		ck_assert_uint_eq(words[0], 77);
		ck_assert_uint_ne(words[1], words[3]);
		sim_workload_slot(&workload, i, 78, (uint8_t *)(words + 2));
		ck_assert_uint_ne(words[1], words[3]);
	}
	ck_assert_uint_eq(used, SIM_PAGE - 16);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sim-workload");
	TCase *tcase = tcase_create("all");

	tcase_add_loop_test(tcase, steps_are_a_pure_function, 0,
			    (int)SEVLM_SIM_COUNTER + 1);
	tcase_add_loop_test(tcase, steps_stay_in_memory, 0, SIZES);
	tcase_add_test(tcase, each_workload_writes_its_pages);
	tcase_add_test(tcase, tables_have_room_for_every_page);
	tcase_add_test(tcase, flip_converts_all_sorts_of_runs);
	tcase_add_loop_test(tcase, boot_announces_as_linux_does, 0, SIZES);
	tcase_add_test(tcase, first_contents_tell_pages_apart);
	tcase_add_test(tcase, contents_depend_on_the_step);
	tcase_add_test(tcase, slots_are_apart_and_aligned);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
