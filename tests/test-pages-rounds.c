/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pages-fixture.h"

static uint32_t take(uint64_t *cursor, uint64_t first, uint32_t count)
{
	struct sevlm__page ret[100];
	uint32_t got = sevlm__pages_take(pages, cursor, ret, count), i;

	for (i = 0; i < got; i++) {
		ck_assert_uint_eq(ret[i].gpa, GPA(first + i));
		ck_assert_ptr_eq(ret[i].hva, HVA(first + i));
		ck_assert_int_eq(ret[i].shared,
				 sevlm__pages_shared(pages, ret[i].gpa));
	}
	if (got)
		ck_assert_uint_eq(*cursor, GPA(first + got));
	return got;
}

static void expect_round(uint64_t todo, uint64_t new)
{
	uint64_t got_new = 77;

	ck_assert_uint_eq(sevlm__pages_round(pages, &got_new), todo);
	ck_assert_uint_eq(got_new, new);
	ck_assert_uint_eq(sevlm__pages_todo(pages), todo);
	ck_assert_uint_eq(sevlm__pages_pending(pages), 0);
}

/* everything sent, round by round */
static void drain(void)
{
	struct sevlm__page ret[64];
	uint64_t cursor, new;

	do {
		sevlm__pages_round(pages, &new);
		cursor = 0;
		while (sevlm__pages_take(pages, &cursor, ret, 64))
			;
	} while (sevlm__pages_todo(pages));
}

START_TEST(rounds)
{
	uint64_t cursor = 0;

	add(100, 50, SEVLM_REGION_TRACKED);
	add(CHUNK - 20, 40, SEVLM_REGION_PRIVATE);
	add(CHUNK + 20, 10, SEVLM_REGION_SKIP);
	add(CHUNK + 30, 10, SEVLM_REGION_SHARED);
	share(110, 120);
	ck_assert_uint_eq(take(&cursor, 0, 100), 0);
	sevlm__pages_track(pages, true);
	ck_assert_uint_eq(sevlm__pages_pending(pages), 100);
	ck_assert_uint_eq(sevlm__pages_todo(pages), 0);
	ck_assert_uint_eq(take(&cursor, 0, 100), 0);
	expect_round(100, 100);
	ck_assert_uint_eq(take(&cursor, 100, 30), 30);
	ck_assert_uint_eq(sevlm__pages_todo(pages), 70);
	/* written behind and before the cursor: both are for the next round */
	sevlm__pages_dirty(pages, GPA(105), 1);
	sevlm__pages_dirty(pages, GPA(140), 1);
	ck_assert_uint_eq(sevlm__pages_pending(pages), 2);
	ck_assert_uint_eq(take(&cursor, 130, 20), 20);
	ck_assert_uint_eq(take(&cursor, CHUNK - 20, 40), 40);
	ck_assert_uint_eq(take(&cursor, CHUNK + 30, 0), 0);
	ck_assert_uint_eq(take(&cursor, CHUNK + 30, 100), 10);
	ck_assert_uint_eq(take(&cursor, 0, 100), 0);
	ck_assert_uint_eq(cursor, GPA(CHUNK + 40));
	expect_round(2, 2);
	cursor = GPA(105) + 1;
	ck_assert_uint_eq(take(&cursor, 140, 100), 1);
	ck_assert_uint_eq(sevlm__pages_todo(pages), 1);
	/* a round with rests: only what was not todo is new */
	sevlm__pages_dirty(pages, GPA(104), 3);
	expect_round(3, 2);
	sevlm__pages_track(pages, false);
	ck_assert_uint_eq(sevlm__pages_todo(pages), 0);
	ck_assert_uint_eq(sevlm__pages_total(pages), 100);
}
END_TEST

START_TEST(cursor_bounds)
{
	uint64_t cursor, gpa, count;

	add(0, 10, SEVLM_REGION_TRACKED);
	sevlm__pages_track(pages, true);
	expect_round(10, 10);
	cursor = UINT64_MAX;
	ck_assert_uint_eq(take(&cursor, 0, 10), 0);
	ck_assert(!sevlm__pages_take_skip(pages, &cursor, &gpa, &count));
	cursor = LIMIT;
	ck_assert_uint_eq(take(&cursor, 0, 10), 0);
	ck_assert_uint_eq(cursor, LIMIT);
	cursor = GPA(9);
	ck_assert_uint_eq(take(&cursor, 9, 10), 1);
}
END_TEST

/* ---- blocks ---- */

/* the next entry: where, and how many pages */
static void expect_taken(const struct sevlm__page *page, uint64_t first,
			 uint32_t count, uint32_t before)
{
	ck_assert_uint_eq(page->gpa, GPA(first));
	ck_assert_ptr_eq(page->hva, HVA(first));
	ck_assert_uint_eq(page->pages, count);
	ck_assert_uint_eq(page->before, before);
}

#define CONTIGUOUS SEVLM_REGION_CONTIGUOUS

START_TEST(blocks_are_taken_whole)
{
	struct sevlm__page ret[64];
	uint64_t cursor = 0;

	add(6, 24, SEVLM_REGION_TRACKED | CONTIGUOUS);
	add(30, 10, SEVLM_REGION_PRIVATE | CONTIGUOUS);
	share(17, 18);
	sevlm__pages_track(pages, true);
	sevlm__pages_allow_blocks(pages, GPA(6));
	expect_round(34, 34);
	ck_assert_uint_eq(sevlm__pages_take(pages, &cursor, ret, 64), 22);
	expect_taken(&ret[0], 6, 1, 0);
	expect_taken(&ret[1], 7, 1, 1);
	expect_taken(&ret[2], 8, 4, 2);
	expect_taken(&ret[3], 12, 4, 6);
	expect_taken(&ret[4], 16, 1, 10);
	expect_taken(&ret[5], 17, 1, 11);
	ck_assert(ret[5].shared);
	expect_taken(&ret[7], 19, 1, 13);
	expect_taken(&ret[8], 20, 4, 14);
	expect_taken(&ret[9], 24, 4, 18);
	/* the region ends within the next, and in the other none may go */
	expect_taken(&ret[10], 28, 1, 22);
	expect_taken(&ret[14], 32, 1, 26);
	expect_taken(&ret[21], 39, 1, 33);
	ck_assert_uint_eq(cursor, GPA(40));
	ck_assert_uint_eq(sevlm__pages_todo(pages), 0);
}
END_TEST

START_TEST(blocks_end_a_batch_early)
{
	struct sevlm__page ret[64];
	uint64_t cursor = 0;

	add(3, 20, SEVLM_REGION_TRACKED | CONTIGUOUS);
	sevlm__pages_track(pages, true);
	sevlm__pages_allow_blocks(pages, GPA(3));
	expect_round(20, 20);
	ck_assert_uint_eq(sevlm__pages_take(pages, &cursor, ret, 4), 1);
	expect_taken(&ret[0], 3, 1, 0);
	ck_assert_uint_eq(cursor, GPA(4));
	ck_assert_uint_eq(sevlm__pages_take(pages, &cursor, ret, 7), 1);
	expect_taken(&ret[0], 4, 4, 0);
	/* where none would ever fit they go page by page */
	ck_assert_uint_eq(sevlm__pages_take(pages, &cursor, ret, 3), 3);
	expect_taken(&ret[2], 10, 1, 2);
	/* and what is left of one does too */
	ck_assert_uint_eq(sevlm__pages_take(pages, &cursor, ret, 64), 6);
	expect_taken(&ret[0], 11, 1, 0);
	expect_taken(&ret[1], 12, 4, 1);
	expect_taken(&ret[2], 16, 4, 5);
	expect_taken(&ret[5], 22, 1, 11);
	ck_assert_uint_eq(sevlm__pages_todo(pages), 0);
}
END_TEST

START_TEST(blocks_are_allowed_and_forbidden)
{
	struct sevlm__page ret[64];
	uint64_t cursor;

	add(0, 8, SEVLM_REGION_TRACKED | CONTIGUOUS);
	add(8, 8, SEVLM_REGION_TRACKED);
	sevlm__pages_track(pages, true);
	for (uint32_t i = 0; i < 6; i++) {
		/* where a region begins, and only where it is contiguous */
		if (i == 1)
			sevlm__pages_allow_blocks(pages, GPA(8));
		if (i == 2)
			sevlm__pages_allow_blocks(pages, GPA(4));
		if (i == 3)
			sevlm__pages_allow_blocks(pages, GPA(0));
		if (i == 4)
			sevlm__pages_forbid_blocks(pages, GPA(8), UINT64_MAX);
		if (i == 5)
			sevlm__pages_forbid_blocks(pages, GPA(7), 1);
		sevlm__pages_dirty(pages, 0, 16);
		expect_round(16, 16);
		cursor = 0;
		ck_assert_uint_eq(sevlm__pages_take(pages, &cursor, ret, 64),
				  i == 3 || i == 4 ? 10 : 16);
	}
	/* what goes and comes back has to be allowed anew */
	sevlm__pages_allow_blocks(pages, GPA(0));
	drop(0);
	add(0, 8, SEVLM_REGION_TRACKED | CONTIGUOUS);
	sevlm__pages_dirty(pages, 0, 16);
	expect_round(16, 16);
	cursor = 0;
	ck_assert_uint_eq(sevlm__pages_take(pages, &cursor, ret, 64), 16);
}
END_TEST

START_TEST(changes_are_pending)
{
	add(0, 100, SEVLM_REGION_TRACKED);
	add(100, 10, SEVLM_REGION_PRIVATE);
	add(110, 10, SEVLM_REGION_SKIP);
	share(10, 20);
	ck_assert_uint_eq(sevlm__pages_pending(pages), 0);
	sevlm__pages_track(pages, true);
	drain();
	share(15, 25);
	ck_assert_uint_eq(sevlm__pages_pending(pages), 5);
	unshare(0, 12);
	ck_assert_uint_eq(sevlm__pages_pending(pages), 7);
	/* back again is a change too */
	share(10, 12);
	ck_assert_uint_eq(sevlm__pages_pending(pages), 7);
	share(95, 130);
	ck_assert_uint_eq(sevlm__pages_pending(pages), 12);
}
END_TEST

START_TEST(dirty_where)
{
	sevlm__pages_dirty(pages, 0, 10);
	add(10, 10, SEVLM_REGION_TRACKED);
	add(20, 10, SEVLM_REGION_SKIP);
	add(30, 10, SEVLM_REGION_SHARED);
	sevlm__pages_dirty(pages, GPA(10), 10);
	ck_assert_uint_eq(sevlm__pages_pending(pages), 0);
	sevlm__pages_track(pages, true);
	drain();
	sevlm__pages_dirty(pages, 0, 31);
	ck_assert_uint_eq(sevlm__pages_pending(pages), 11);
	sevlm__pages_dirty(pages, GPA(35), UINT64_MAX);
	ck_assert_uint_eq(sevlm__pages_pending(pages), 16);
	sevlm__pages_dirty(pages, LIMIT, 1);
	sevlm__pages_dirty(pages, UINT64_MAX, UINT64_MAX);
	sevlm__pages_dirty(pages, GPA(12), 0);
	ck_assert_uint_eq(sevlm__pages_pending(pages), 16);
}
END_TEST

/* the bits count on, from a page, in a buffer of exactly their words */
static void dirty_bits(uint64_t page, uint64_t count, uint64_t step)
{
	size_t words = (count + 63) / 64, i;
	uint8_t *buffer = malloc(words * 8 + 1);

	memset(buffer, 0, words * 8 + 1);
	for (i = 0; i < count; i += step)
		buffer[1 + i / 8] |= (uint8_t)(1u << (i % 8));
	/* what lies behind count in the last word is nobody's */
	for (i = count; i < words * 64; i++)
		buffer[1 + i / 8] |= (uint8_t)(1u << (i % 8));
	sevlm__pages_dirty_bitmap(pages, GPA(page), buffer + 1, count);
	free(buffer);
}

START_TEST(dirty_bitmaps)
{
	static const uint64_t starts[] = {64, 65, 127, CHUNK - 70, CHUNK - 1};
	static const uint64_t counts[] = {1, 63, 64, 65, 200, 1000};
	uint64_t cursor, new, page, c;
	struct sevlm__page ret[1000];
	uint32_t got, i;
	size_t s;

	add(0, 2 * CHUNK, SEVLM_REGION_TRACKED);
	for (s = 0; s < ARRAY_SIZE(starts); s++) {
		for (c = 0; c < ARRAY_SIZE(counts); c++) {
			sevlm__pages_track(pages, true);
			drain();
			page = starts[s];
			dirty_bits(page, counts[c], 3);
			sevlm__pages_round(pages, &new);
			cursor = 0;
			got = sevlm__pages_take(pages, &cursor, ret, 1000);
			ck_assert_uint_eq(got, (counts[c] + 2) / 3);
			for (i = 0; i < got; i++)
				ck_assert_uint_eq(ret[i].gpa,
						  GPA(page + 3 * i));
		}
	}
}
END_TEST

/* a slot's bitmap over two regions with a hole and a skipped one */
START_TEST(dirty_bitmap_regions)
{
	add(10, 20, SEVLM_REGION_TRACKED);
	add(40, 20, SEVLM_REGION_SKIP);
	add(60, 10, SEVLM_REGION_PRIVATE);
	dirty_bits(0, 200, 1);
	ck_assert_uint_eq(sevlm__pages_pending(pages), 0);
	sevlm__pages_track(pages, true);
	drain();
	dirty_bits(0, 200, 1);
	ck_assert_uint_eq(sevlm__pages_pending(pages), 30);
	sevlm__pages_dirty_bitmap(pages, GPA(10), NULL, 0);
	drain();
	dirty_bits(15, 50, 1);
	ck_assert_uint_eq(sevlm__pages_pending(pages), 20);
}
END_TEST

START_TEST(regions_while_tracking)
{
	add(0, 10, SEVLM_REGION_TRACKED);
	sevlm__pages_track(pages, true);
	drain();
	add(10, 10, SEVLM_REGION_SHARED);
	add(20, 10, SEVLM_REGION_SKIP);
	ck_assert_uint_eq(sevlm__pages_pending(pages), 10);
	sevlm__pages_dirty(pages, 0, 3);
	expect_round(13, 13);
	sevlm__pages_dirty(pages, GPA(8), 4);
	ck_assert_uint_eq(sevlm__pages_skip(pages, GPA(19), 1), 1);
	drop(10);
	ck_assert_uint_eq(sevlm__pages_todo(pages), 3);
	ck_assert_uint_eq(sevlm__pages_pending(pages), 2);
	add(10, 10, SEVLM_REGION_SHARED);
	expect_round(15, 12);
}
END_TEST

static void expect_skip(uint64_t *cursor, uint64_t first, uint64_t end)
{
	uint64_t gpa = 0, count = 0;

	ck_assert(sevlm__pages_take_skip(pages, cursor, &gpa, &count));
	ck_assert_uint_eq(gpa, GPA(first));
	ck_assert_uint_eq(count, end - first);
	ck_assert_uint_eq(*cursor, GPA(end));
}

static void expect_no_skip(uint64_t cursor)
{
	uint64_t gpa, count;

	ck_assert(!sevlm__pages_take_skip(pages, &cursor, &gpa, &count));
}

START_TEST(skips)
{
	uint64_t cursor = 0, end = CHUNK + 50;

	add(0, end, SEVLM_REGION_TRACKED);
	add(end, 10, SEVLM_REGION_SKIP);
	ck_assert_uint_eq(sevlm__pages_skip(pages, 0, 10), 0);
	sevlm__pages_track(pages, true);
	/* pending is not todo yet */
	ck_assert_uint_eq(sevlm__pages_skip(pages, 0, 10), 0);
	expect_round(end, end);
	ck_assert_uint_eq(sevlm__pages_skip(pages, GPA(10), 20), 20);
	ck_assert_uint_eq(sevlm__pages_skip(pages, GPA(20), 20), 10);
	ck_assert_uint_eq(sevlm__pages_skip(pages, GPA(CHUNK - 5), 5000), 55);
	ck_assert_uint_eq(sevlm__pages_skip(pages, LIMIT, UINT64_MAX), 0);
	ck_assert_uint_eq(sevlm__pages_todo(pages), end - 85);
	expect_skip(&cursor, 10, 40);
	expect_skip(&cursor, CHUNK - 5, end);
	expect_no_skip(cursor);
	expect_no_skip(0);
}
END_TEST

START_TEST(skips_end_by_writes)
{
	uint64_t cursor = 0;

	add(0, 100, SEVLM_REGION_TRACKED);
	sevlm__pages_track(pages, true);
	expect_round(100, 100);
	ck_assert_uint_eq(sevlm__pages_skip(pages, 0, 50), 50);
	sevlm__pages_dirty(pages, GPA(10), 1);
	dirty_bits(20, 2, 1);
	share(30, 31);
	expect_skip(&cursor, 0, 10);
	expect_skip(&cursor, 11, 20);
	expect_skip(&cursor, 22, 30);
	expect_skip(&cursor, 31, 50);
	expect_no_skip(0);
	expect_round(54, 4);
	/* todo and written since: out of this round, told to nobody */
	sevlm__pages_dirty(pages, GPA(60), 1);
	ck_assert_uint_eq(sevlm__pages_skip(pages, GPA(60), 2), 1);
	ck_assert_uint_eq(sevlm__pages_todo(pages), 52);
	cursor = 0;
	expect_skip(&cursor, 61, 62);
	expect_no_skip(0);
	expect_round(53, 1);
}
END_TEST

/* ---- the target ---- */

static void expect_unaccounted(uint64_t page, bool missing)
{
	uint64_t gpa = 77;
	bool got = !missing;

	ck_assert_int_eq(sevlm__pages_account(pages, &gpa, &got), -EPROTO);
	ck_assert_uint_eq(gpa, GPA(page));
	ck_assert_int_eq(got, missing);
}

static void expect_accounted(void)
{
	uint64_t gpa;
	bool missing;

	ck_assert_int_eq(sevlm__pages_account(pages, &gpa, &missing), 0);
}

START_TEST(arrivals)
{
	uint64_t page;

	expect_accounted();
	add(CHUNK - 70, 140, SEVLM_REGION_TRACKED);
	add(CHUNK + 70, 10, SEVLM_REGION_SKIP);
	expect_unaccounted(CHUNK - 70, true);
	for (page = CHUNK - 70; page < CHUNK + 69; page++)
		sevlm__pages_arrived(pages, GPA(page), 1, false);
	ck_assert_uint_eq(sevlm__pages_pending(pages), 139);
	expect_unaccounted(CHUNK + 69, true);
	sevlm__pages_freed(pages, GPA(CHUNK + 69), 50);
	expect_accounted();
	ck_assert_uint_eq(sevlm__pages_pending(pages), 140);
	/* the last record counts, and what the page is at the end */
	share(CHUNK - 3, CHUNK + 2);
	expect_unaccounted(CHUNK - 3, false);
	for (page = CHUNK - 3; page < CHUNK + 1; page++)
		sevlm__pages_arrived(pages, GPA(page), 1, true);
	expect_unaccounted(CHUNK + 1, false);
	sevlm__pages_arrived(pages, GPA(CHUNK + 1), 1, true);
	expect_accounted();
	sevlm__pages_arrived(pages, GPA(CHUNK + 5), 1, true);
	expect_unaccounted(CHUNK + 5, false);
	/* free fits either state; a later arrival counts again */
	sevlm__pages_freed(pages, GPA(CHUNK - 1), 7);
	expect_accounted();
	sevlm__pages_arrived(pages, GPA(CHUNK - 1), 1, false);
	expect_unaccounted(CHUNK - 1, false);
	sevlm__pages_arrived(pages, GPA(CHUNK - 1), 1, true);
	expect_accounted();
	/* nowhere */
	sevlm__pages_arrived(pages, 0, 1, true);
	sevlm__pages_arrived(pages, LIMIT, 1, true);
	sevlm__pages_arrived(pages, UINT64_MAX, 1, true);
	sevlm__pages_freed(pages, 0, UINT64_MAX);
	expect_accounted();
	ck_assert_uint_eq(sevlm__pages_pending(pages), 140);
}
END_TEST

START_TEST(arrivals_by_type)
{
	add(0, 1, SEVLM_REGION_PRIVATE);
	add(1, 1, SEVLM_REGION_SHARED);
	share(0, 1);
	sevlm__pages_arrived(pages, 0, 1, false);
	sevlm__pages_arrived(pages, GPA(1), 1, true);
	expect_accounted();
	sevlm__pages_arrived(pages, GPA(1), 1, false);
	expect_unaccounted(1, false);
	sevlm__pages_arrived(pages, 0, 1, true);
	expect_unaccounted(0, false);
	/* a region that comes again has to arrive again */
	drop(0);
	add(0, 1, SEVLM_REGION_PRIVATE);
	expect_unaccounted(0, true);
	/* hints of this side's guest do not touch the account */
	sevlm__pages_freed(pages, 0, 1);
	sevlm__pages_arrived(pages, GPA(1), 1, true);
	ck_assert_uint_eq(sevlm__pages_skip(pages, GPA(1), 1), 0);
	sevlm__pages_dirty(pages, 0, 2);
	expect_accounted();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pages-rounds");
	TCase *tcase = tcase_create("pages-rounds");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, rounds);
	tcase_add_test(tcase, cursor_bounds);
	tcase_add_test(tcase, blocks_are_taken_whole);
	tcase_add_test(tcase, blocks_end_a_batch_early);
	tcase_add_test(tcase, blocks_are_allowed_and_forbidden);
	tcase_add_test(tcase, changes_are_pending);
	tcase_add_test(tcase, dirty_where);
	tcase_add_test(tcase, dirty_bitmaps);
	tcase_add_test(tcase, dirty_bitmap_regions);
	tcase_add_test(tcase, regions_while_tracking);
	tcase_add_test(tcase, skips);
	tcase_add_test(tcase, skips_end_by_writes);
	tcase_add_test(tcase, arrivals);
	tcase_add_test(tcase, arrivals_by_type);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
