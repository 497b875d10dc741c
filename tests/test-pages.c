/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "pages-fixture.h"

/* all spans as pages, in order; how many pages, and the last */
struct seen {
	uint64_t spans;
	uint64_t pages;
	uint64_t first;
	uint64_t end;
	uint64_t disorder;
};

static void see(struct seen *seen, uint64_t page)
{
	seen->disorder += page < seen->end;
	if (!seen->pages++)
		seen->first = page;
	seen->end = page + 1;
}

static bool in_span(const struct sevlm__span *span, uint32_t i)
{
	return span->all || (span->bitmap[i / 64] >> (i % 64) & 1);
}

static struct seen spans(void)
{
	struct seen seen = {0};
	struct sevlm__span span;
	uint64_t cursor = 0;
	uint32_t i;

	while (sevlm__pages_span(pages, &cursor, &span)) {
		ck_assert_uint_ge(span.pages, 1);
		ck_assert_uint_le(span.pages, CHUNK);
		ck_assert_uint_eq(cursor, span.gpa + GPA(span.pages));
		ck_assert(in_span(&span, 0));
		ck_assert(in_span(&span, span.pages - 1));
		seen.spans++;
		for (i = 0; i < span.pages; i++)
			if (in_span(&span, i))
				see(&seen, (span.gpa >> PAGE_SHIFT) + i);
		/* no bit behind the last page */
		if (!span.all && span.pages % 64)
			ck_assert_uint_eq(span.bitmap[span.pages / 64] >>
						  (span.pages % 64),
					  0);
	}
	ck_assert_uint_eq(seen.disorder, 0);
	return seen;
}

static void expect_spans(uint64_t first, uint64_t end, uint64_t count)
{
	struct seen seen = spans();

	ck_assert_uint_eq(seen.pages, count);
	ck_assert_uint_eq(seen.first, first);
	ck_assert_uint_eq(seen.end, end);
}

/* ---- announcements ---- */

START_TEST(nothing_is_known)
{
	uint32_t state;
	uint64_t bytes;

	expect_state(0, SEVLM_PAGE_NONE, LIMIT >> PAGE_SHIFT);
	expect_state(7, SEVLM_PAGE_NONE, LIMIT >> PAGE_SHIFT);
	sevlm__pages_state(pages, LIMIT, &state, &bytes);
	ck_assert_uint_eq(state, SEVLM_PAGE_NONE);
	ck_assert_uint_eq(bytes, -LIMIT);
	sevlm__pages_state(pages, -(uint64_t)PAGE_SIZE, &state, &bytes);
	ck_assert_uint_eq(state, SEVLM_PAGE_NONE);
	ck_assert_uint_eq(bytes, PAGE_SIZE);
	ck_assert_uint_eq(spans().spans, 0);
	ck_assert_uint_eq(sevlm__pages_total(pages), 0);
	ck_assert_uint_eq(sevlm__pages_generation(pages), 0);
}
END_TEST

START_TEST(new_memory_is_private)
{
	add(0, 100, SEVLM_REGION_TRACKED);
	expect_shared(0, 0, 100);
	expect_state(100, SEVLM_PAGE_NONE, LIMIT >> PAGE_SHIFT);
	ck_assert_uint_eq(sevlm__pages_total(pages), 100);
}
END_TEST

/* share [10,20),[30,40); private [0,100): the second one must go too */
START_TEST(superset_removal)
{
	add(0, 1000, SEVLM_REGION_TRACKED);
	share(10, 20);
	share(30, 40);
	unshare(0, 100);
	expect_shared(0, 0, 1000);
	ck_assert_uint_eq(spans().spans, 0);
}
END_TEST

/* share [10,20),[30,40),[15,50): one run; then a hole in it */
START_TEST(overlap)
{
	add(0, 1000, SEVLM_REGION_TRACKED);
	share(10, 20);
	share(30, 40);
	share(15, 50);
	expect_shared(10, 50, 1000);
	unshare(35, 38);
	expect_state(10, SEVLM_PAGE_SHARED, 35);
	expect_state(36, SEVLM_PAGE_PRIVATE, 38);
	expect_state(38, SEVLM_PAGE_SHARED, 50);
	ck_assert(!sevlm__pages_shared(pages, GPA(36)));
	expect_spans(10, 50, 37);
}
END_TEST

/* share [10,20), then [5,25), then private [5,25) */
START_TEST(swallow)
{
	add(0, 1000, SEVLM_REGION_TRACKED);
	share(10, 20);
	share(5, 25);
	expect_shared(5, 25, 1000);
	unshare(5, 25);
	expect_shared(0, 0, 1000);
}
END_TEST

START_TEST(adjacent)
{
	add(0, 1000, SEVLM_REGION_TRACKED);
	share(20, 30);
	share(10, 20);
	share(30, 40);
	expect_shared(10, 40, 1000);
	ck_assert_uint_eq(spans().spans, 1);
}
END_TEST

/* the same five outside of memory, where they are ranges, then moved in */
START_TEST(outside)
{
	share(10, 20);
	share(30, 40);
	unshare(0, 100);
	ck_assert_uint_eq(spans().spans, 0);
	share(10, 20);
	share(30, 40);
	share(15, 50);
	ck_assert_uint_eq(spans().spans, 1);
	expect_spans(10, 50, 40);
	unshare(35, 38);
	ck_assert_uint_eq(spans().spans, 2);
	expect_spans(10, 50, 37);
	share(50, 60);
	share(5, 10);
	share(35, 38);
	ck_assert_uint_eq(spans().spans, 1);
	expect_spans(5, 60, 55);
	unshare(5, 7);
	unshare(59, 60);
	expect_spans(7, 59, 52);
	expect_state(7, SEVLM_PAGE_NONE, LIMIT >> PAGE_SHIFT);
	add(0, 100, SEVLM_REGION_TRACKED);
	expect_shared(7, 59, 100);
	expect_spans(7, 59, 52);
}
END_TEST

/* private never said of a page that was shared twice */
START_TEST(generations)
{
	uint64_t old = sevlm__pages_generation(pages);

	add(CHUNK, 100, SEVLM_REGION_TRACKED);
	share(CHUNK, CHUNK + 5);
	ck_assert_uint_eq(sevlm__pages_generation(pages), old + 1);
	share(CHUNK + 1, CHUNK + 4);
	unshare(CHUNK + 9, CHUNK + 12);
	ck_assert_uint_eq(sevlm__pages_generation(pages), old + 1);
	share(CHUNK, CHUNK + 6);
	ck_assert_uint_eq(sevlm__pages_generation(pages), old + 2);
	share(10, 20);
	ck_assert_uint_eq(sevlm__pages_generation(pages), old + 3);
	share(12, 20);
	unshare(0, 10);
	ck_assert_uint_eq(sevlm__pages_generation(pages), old + 3);
	unshare(19, 25);
	ck_assert_uint_eq(sevlm__pages_generation(pages), old + 4);
	/* gaps on both sides of a chunk, recorded one by one, then together */
	share(0, CHUNK);
	share(2 * CHUNK, 3 * CHUNK);
	share(CHUNK, 2 * CHUNK);
	ck_assert_uint_eq(sevlm__pages_generation(pages), old + 7);
	share(0, 3 * CHUNK);
	ck_assert_uint_eq(sevlm__pages_generation(pages), old + 7);
}
END_TEST

START_TEST(reset)
{
	add(0, 100, SEVLM_REGION_TRACKED);
	share(0, 10);
	share(CHUNK, CHUNK + 10);
	sevlm__pages_track(pages, true);
	sevlm__pages_reset(pages);
	expect_shared(0, 0, 100);
	ck_assert_uint_eq(spans().spans, 0);
	ck_assert_uint_eq(sevlm__pages_pending(pages), 0);
	ck_assert_uint_eq(sevlm__pages_total(pages), 100);
}
END_TEST

START_TEST(set_refusals)
{
	add(0, 100, SEVLM_REGION_TRACKED);
	ck_assert_int_eq(sevlm__pages_set(pages, 1, 1, true), -EINVAL);
	ck_assert_int_eq(sevlm__pages_set(pages, GPA(99) + 8, 1, true),
			 -EINVAL);
	ck_assert_int_eq(sevlm__pages_set(pages, LIMIT, 1, true), -EINVAL);
	ck_assert_int_eq(sevlm__pages_set(pages, LIMIT - PAGE_SIZE, 2, true),
			 -EINVAL);
	ck_assert_int_eq(sevlm__pages_set(pages, 0, (LIMIT >> 12) + 1, true),
			 -EINVAL);
	ck_assert_int_eq(sevlm__pages_set(pages, PAGE_SIZE, UINT64_MAX, true),
			 -EINVAL);
	ck_assert_int_eq(sevlm__pages_set(pages, -(uint64_t)PAGE_SIZE, 2, true),
			 -EINVAL);
	ck_assert_int_eq(sevlm__pages_set(pages, 0, 0, true), 0);
	ck_assert_uint_eq(spans().spans, 0);
	ck_assert_uint_eq(sevlm__pages_generation(pages), 0);
}
END_TEST

START_TEST(the_end_of_the_world)
{
	uint64_t end = LIMIT >> PAGE_SHIFT;
	struct sevlm__span span;
	uint64_t cursor = LIMIT;

	add(end - 10, 10, SEVLM_REGION_TRACKED);
	share(end - 2, end);
	expect_state(end - 10, SEVLM_PAGE_PRIVATE, end - 2);
	expect_state(end - 2, SEVLM_PAGE_SHARED, end);
	expect_spans(end - 2, end, 2);
	ck_assert(!sevlm__pages_span(pages, &cursor, &span));
	cursor = UINT64_MAX;
	ck_assert(!sevlm__pages_span(pages, &cursor, &span));
	drop(end - 10);
	share(0, end);
	cursor = 0;
	ck_assert(sevlm__pages_span(pages, &cursor, &span));
	ck_assert(span.all && span.gpa == 0 && span.pages == CHUNK);
	cursor = LIMIT - GPA(5);
	ck_assert(sevlm__pages_span(pages, &cursor, &span));
	ck_assert_uint_eq(span.pages, 5);
	unshare(0, end);
	ck_assert_uint_eq(spans().spans, 0);
}
END_TEST

/* ---- memory ---- */

extern size_t __sanitizer_get_current_allocated_bytes(void)
	__attribute__((weak));

static size_t heap(void)
{
	if (__sanitizer_get_current_allocated_bytes)
		return __sanitizer_get_current_allocated_bytes();
	return mallinfo2().uordblks + mallinfo2().hblkhd;
}

static void alternate(uint64_t first, uint64_t count)
{
	uint64_t i;

	for (i = 0; i < count; i++)
		sevlm__pages_set(pages, GPA(first + 2 * i), 1, true);
}

START_TEST(alternating)
{
	size_t before = heap(), seen, grown;
	void *volatile block = malloc(100000);

	/* valgrind's allocator tells nothing: then only the states are held */
	seen = heap();
	free(block);
	ck_assert(seen >= before + 100000 || !seen);
	ck_assert_uint_eq(heap(), before);

	add(0, 2 * CHUNK, SEVLM_REGION_TRACKED);
	before = heap();
	alternate(0, 20000);
	alternate(10 * CHUNK, 20000);
	grown = heap() - before;
	ck_assert_uint_eq(grown, 0);
	expect_state(39998, SEVLM_PAGE_SHARED, 39999);
	expect_state(39999, SEVLM_PAGE_PRIVATE, 2 * CHUNK);
	ck_assert_uint_eq(spans().pages, 20000 + 1024);
}
END_TEST

START_TEST(ranges_cap)
{
	uint64_t far = 100 * CHUNK, generation;
	uint32_t i;

	add(0, CHUNK, SEVLM_REGION_TRACKED);
	for (i = 0; i < 1024; i++)
		share(far + 4 * i, far + 4 * i + 3);
	generation = sevlm__pages_generation(pages);
	/* one more; a split; neither changes anything */
	ck_assert_int_eq(sevlm__pages_set(pages, GPA(far + 5000), 1, true),
			 -ENOBUFS);
	ck_assert_int_eq(sevlm__pages_set(pages, GPA(far + 1), 1, false),
			 -ENOBUFS);
	ck_assert_uint_eq(sevlm__pages_generation(pages), generation);
	ck_assert_uint_eq(spans().pages, 3 * 1024);
	/* the part in memory counts even so */
	ck_assert_int_eq(sevlm__pages_set(pages, GPA(CHUNK - 1), 2, true),
			 -ENOBUFS);
	expect_state(CHUNK - 1, SEVLM_PAGE_SHARED, CHUNK);
	ck_assert_uint_eq(sevlm__pages_generation(pages), generation + 1);
	ck_assert_uint_eq(spans().pages, 3 * 1024 + 1);
	/* what needs no room is recorded */
	share(far + 4 * 1023 + 3, far + 4 * 1023 + 4);
	unshare(far, far + 1);
	ck_assert_uint_eq(spans().pages, 3 * 1024 + 1);
	/* closing a gap makes room for one, a superset for all */
	share(far + 3, far + 4);
	share(far + 5000, far + 5001);
	share(far, far + 8000);
	ck_assert_uint_eq(spans().pages, 8001);
	unshare(far, far + 8000);
	ck_assert_uint_eq(spans().pages, 1);
}
END_TEST

/* however the guest plays around chunks, it cannot eat the ranges up */
START_TEST(ranges_around_chunks)
{
	uint64_t at;
	uint32_t i;

	for (i = 0; i < 200; i++)
		add((3 * i + 2) * CHUNK - 1, 2, SEVLM_REGION_TRACKED);
	for (i = 0; i < 200; i++) {
		at = (3 * i + 1) * CHUNK;
		share(at - 1, at + 2 * CHUNK + 1);
		unshare(at - 1, at);
		unshare(at + 2 * CHUNK, at + 2 * CHUNK + 1);
		share(at - 1, at + 2 * CHUNK + 1);
		unshare(at + 2 * CHUNK, at + 2 * CHUNK + 1);
		unshare(at - 1, at);
	}
	unshare(0, 700 * CHUNK);
	share(0, 601 * CHUNK);
	for (i = 0; i < 201; i++)
		unshare(3 * i * CHUNK, (3 * i + 1) * CHUNK);
	alternate(1000 * CHUNK, 1024);
	ck_assert_int_eq(sevlm__pages_set(pages, 0, 1, true), -ENOBUFS);
	ck_assert_uint_eq(spans().pages, 400 * CHUNK + 1024);
}
END_TEST

/* ranges that move into a chunk leave room, wherever in it the memory is */
START_TEST(ranges_move_out)
{
	alternate(10 * CHUNK + 10, 1024);
	ck_assert_int_eq(sevlm__pages_set(pages, 0, 1, true), -ENOBUFS);
	add(10 * CHUNK + 1000, 1, SEVLM_REGION_TRACKED);
	ck_assert_uint_eq(spans().pages, 1024);
	alternate(CHUNK, 1024);
	ck_assert_uint_eq(spans().pages, 2048);
	ck_assert_int_eq(sevlm__pages_set(pages, 0, 1, true), -ENOBUFS);
}
END_TEST

/* a full set, and one range that a new chunk would split */
START_TEST(ranges_full_move)
{
	alternate(10 * CHUNK, 1023);
	share(CHUNK, 4 * CHUNK);
	add(2 * CHUNK, CHUNK, SEVLM_REGION_TRACKED);
	ck_assert_uint_eq(spans().pages, 3 * CHUNK + 1023);
	unshare(2 * CHUNK, 3 * CHUNK);
	ck_assert_uint_eq(spans().pages, 2 * CHUNK + 1023);
	unshare(CHUNK, 2 * CHUNK);
	ck_assert_uint_eq(spans().pages, CHUNK + 1023);
	unshare(3 * CHUNK, 4 * CHUNK);
	ck_assert_uint_eq(spans().pages, 1023);
	share(0, 1);
	ck_assert_int_eq(sevlm__pages_set(pages, GPA(2), 1, true), -ENOBUFS);
}
END_TEST

START_TEST(ranges_move)
{
	share(CHUNK - 10, CHUNK + 10);
	share(2 * CHUNK + 5, 2 * CHUNK + 6);
	share(3 * CHUNK - 1, 4 * CHUNK + 1);
	expect_spans(CHUNK - 10, 4 * CHUNK + 1, 20 + 1 + CHUNK + 2);
	add(CHUNK + 100, 10, SEVLM_REGION_TRACKED);
	expect_spans(CHUNK - 10, 4 * CHUNK + 1, 20 + 1 + CHUNK + 2);
	drop(CHUNK + 100);
	add(CHUNK, 2 * CHUNK, SEVLM_REGION_TRACKED);
	expect_state(CHUNK, SEVLM_PAGE_SHARED, CHUNK + 10);
	expect_state(CHUNK + 10, SEVLM_PAGE_PRIVATE, 2 * CHUNK + 5);
	expect_state(2 * CHUNK + 5, SEVLM_PAGE_SHARED, 2 * CHUNK + 6);
	expect_state(3 * CHUNK - 1, SEVLM_PAGE_SHARED, 3 * CHUNK);
	expect_spans(CHUNK - 10, 4 * CHUNK + 1, 20 + 1 + CHUNK + 2);
	/* memory that comes next to what is there does not ask ranges again */
	unshare(CHUNK, 3 * CHUNK);
	add(3 * CHUNK, CHUNK, SEVLM_REGION_TRACKED);
	expect_state(CHUNK, SEVLM_PAGE_PRIVATE, 3 * CHUNK);
	expect_state(3 * CHUNK, SEVLM_PAGE_SHARED, 4 * CHUNK);
	expect_spans(CHUNK - 10, 4 * CHUNK + 1, 10 + CHUNK + 1);
}
END_TEST

/* ---- regions ---- */

START_TEST(states_outlive_regions)
{
	add(0, 100, SEVLM_REGION_TRACKED);
	share(20, 30);
	drop(0);
	expect_state(20, SEVLM_PAGE_NONE, LIMIT >> PAGE_SHIFT);
	expect_spans(20, 30, 10);
	unshare(25, 30);
	share(40, 41);
	add(0, 100, SEVLM_REGION_TRACKED);
	expect_state(20, SEVLM_PAGE_SHARED, 25);
	expect_state(25, SEVLM_PAGE_PRIVATE, 40);
	expect_state(40, SEVLM_PAGE_SHARED, 41);
}
END_TEST

START_TEST(fixed_answers)
{
	add(0, 10, SEVLM_REGION_PRIVATE);
	add(10, 10, SEVLM_REGION_SHARED);
	add(20, 10, SEVLM_REGION_SKIP);
	add(30, 10, SEVLM_REGION_TRACKED);
	share(0, 5);
	share(20, 35);
	expect_state(3, SEVLM_PAGE_PRIVATE, 10);
	expect_state(13, SEVLM_PAGE_SHARED, 20);
	expect_state(23, SEVLM_PAGE_SKIP, 30);
	expect_state(30, SEVLM_PAGE_SHARED, 35);
	expect_state(35, SEVLM_PAGE_PRIVATE, 40);
	ck_assert(!sevlm__pages_shared(pages, GPA(3)));
	ck_assert(sevlm__pages_shared(pages, GPA(13)));
	ck_assert(!sevlm__pages_shared(pages, GPA(23)));
	ck_assert(sevlm__pages_shared(pages, GPA(33)));
	ck_assert(!sevlm__pages_shared(pages, GPA(43)));
	ck_assert(!sevlm__pages_shared(pages, LIMIT));
	/* spans are what was announced, whatever a region makes of it */
	ck_assert_uint_eq(spans().pages, 20);
}
END_TEST

/* one look for a page to encrypt, and what tells that it has to be repeated */
START_TEST(private_pages)
{
	uint64_t old, generation;
	uint8_t *hva;

	add(0, 10, SEVLM_REGION_PRIVATE);
	add(10, 10, SEVLM_REGION_SHARED);
	add(20, 10, SEVLM_REGION_SKIP);
	add(30, 10, SEVLM_REGION_TRACKED);
	share(0, 5);
	share(30, 35);
	old = sevlm__pages_generation(pages);
	ck_assert_int_eq(sevlm__pages_private(pages, GPA(3), &hva, &generation),
			 0);
	ck_assert_ptr_eq(hva, HVA(3));
	ck_assert_uint_eq(generation, old);
	ck_assert_int_eq(
		sevlm__pages_private(pages, GPA(10), &hva, &generation),
		-EAGAIN);
	ck_assert_int_eq(
		sevlm__pages_private(pages, GPA(20), &hva, &generation),
		-EINVAL);
	ck_assert_int_eq(
		sevlm__pages_private(pages, GPA(34), &hva, &generation),
		-EAGAIN);
	ck_assert_int_eq(
		sevlm__pages_private(pages, GPA(35), &hva, &generation), 0);
	ck_assert_ptr_eq(hva, HVA(35));
	ck_assert_int_eq(
		sevlm__pages_private(pages, GPA(40), &hva, &generation),
		-EINVAL);
	ck_assert_int_eq(sevlm__pages_private(pages, LIMIT, &hva, &generation),
			 -EINVAL);
	share(35, 36);
	ck_assert_uint_ne(sevlm__pages_generation(pages), old);
}
END_TEST

START_TEST(span_shapes)
{
	struct sevlm__span span;
	uint64_t cursor = 0;
	uint32_t i;

	add(0, 2 * CHUNK, SEVLM_REGION_TRACKED);
	for (i = 0; i < 50; i++)
		share(101 + 3 * i, 101 + 3 * i + 2);
	share(2001, 2002);
	share(2129, 2130);
	share(10000, 10200);
	share(CHUNK - 1, CHUNK + 1);
	ck_assert(sevlm__pages_span(pages, &cursor, &span));
	ck_assert(!span.all && span.gpa == GPA(101) && span.pages == 149);
	ck_assert_uint_eq(span.bitmap[0], 0xb6db6db6db6db6dbull);
	/* an empty word does not end a bitmap, two do */
	ck_assert(sevlm__pages_span(pages, &cursor, &span));
	ck_assert(!span.all && span.gpa == GPA(2001) && span.pages == 129);
	ck_assert(sevlm__pages_span(pages, &cursor, &span));
	ck_assert(span.all && span.gpa == GPA(10000) && span.pages == 200);
	ck_assert(sevlm__pages_span(pages, &cursor, &span));
	ck_assert(span.all && span.gpa == GPA(CHUNK - 1) && span.pages == 1);
	ck_assert(sevlm__pages_span(pages, &cursor, &span));
	ck_assert(span.all && span.gpa == GPA(CHUNK) && span.pages == 1);
	ck_assert(!sevlm__pages_span(pages, &cursor, &span));
	/* from the middle of a word on */
	cursor = GPA(200) + 1;
	ck_assert(sevlm__pages_span(pages, &cursor, &span));
	ck_assert(span.gpa == GPA(201) && span.pages == 49);
}
END_TEST

START_TEST(free_null)
{
	sevlm__pages_free(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pages");
	TCase *tcase = tcase_create("pages");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, nothing_is_known);
	tcase_add_test(tcase, new_memory_is_private);
	tcase_add_test(tcase, superset_removal);
	tcase_add_test(tcase, overlap);
	tcase_add_test(tcase, swallow);
	tcase_add_test(tcase, adjacent);
	tcase_add_test(tcase, outside);
	tcase_add_test(tcase, generations);
	tcase_add_test(tcase, reset);
	tcase_add_test(tcase, set_refusals);
	tcase_add_test(tcase, the_end_of_the_world);
	tcase_add_test(tcase, alternating);
	tcase_add_test(tcase, ranges_cap);
	tcase_add_test(tcase, ranges_around_chunks);
	tcase_add_test(tcase, ranges_move);
	tcase_add_test(tcase, ranges_move_out);
	tcase_add_test(tcase, ranges_full_move);
	tcase_add_test(tcase, states_outlive_regions);
	tcase_add_test(tcase, fixed_answers);
	tcase_add_test(tcase, private_pages);
	tcase_add_test(tcase, span_shapes);
	tcase_add_test(tcase, free_null);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
