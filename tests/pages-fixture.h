/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One set of pages per test, spoken to in page numbers. */
#ifndef SEVLM_PAGES_FIXTURE_H
#define SEVLM_PAGES_FIXTURE_H

#include "check-main.h"
#include "internal.h"

#define CHUNK SEVLM__SPAN_PAGES
#define LIMIT (1ull << 52)
#define GPA(page) ((uint64_t)(page) << PAGE_SHIFT)

/* host addresses are only computed with, never followed */
#define HVA(page) ((uint8_t *)(uintptr_t)(0x100000000000ull + GPA(page)))

static struct sevlm__pages *pages;

static inline void setup(void)
{
	ck_assert_int_eq(sevlm__pages_new(&pages), 0);
}

static inline void teardown(void)
{
	sevlm__pages_free(pages);
}

static inline int try_add(uint64_t page, uint64_t count, uint32_t type)
{
	return sevlm__pages_add_region(pages, GPA(page), GPA(count), HVA(page),
				       type);
}

static inline void add(uint64_t page, uint64_t count, uint32_t type)
{
	ck_assert_int_eq(try_add(page, count, type), 0);
}

static inline void drop(uint64_t page)
{
	ck_assert_int_eq(sevlm__pages_remove_region(pages, GPA(page)), 0);
}

static inline void share(uint64_t first, uint64_t end)
{
	ck_assert_int_eq(sevlm__pages_set(pages, GPA(first), end - first, true),
			 0);
}

static inline void unshare(uint64_t first, uint64_t end)
{
	ck_assert_int_eq(
		sevlm__pages_set(pages, GPA(first), end - first, false), 0);
}

static inline void expect_state(uint64_t page, uint32_t state, uint64_t end)
{
	uint64_t bytes = 0;
	uint32_t got = 0;

	sevlm__pages_state(pages, GPA(page), &got, &bytes);
	ck_assert_uint_eq(got, state);
	ck_assert_uint_eq(bytes, GPA(end - page));
}

/* is exactly [first, end) of [0, count) shared? */
static inline void expect_shared(uint64_t first, uint64_t end, uint64_t count)
{
	if (first > 0)
		expect_state(0, SEVLM_PAGE_PRIVATE, first);
	if (end > first)
		expect_state(first, SEVLM_PAGE_SHARED, end);
	if (end < count)
		expect_state(end, SEVLM_PAGE_PRIVATE, count);
}

#endif /* SEVLM_PAGES_FIXTURE_H */
