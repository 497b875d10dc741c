/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include "pages-fixture.h"

#define CONTIGUOUS SEVLM_REGION_CONTIGUOUS

START_TEST(region_refusals)
{
	uint64_t page = PAGE_SIZE;
	uint8_t *hva = HVA(0);
	struct {
		uint64_t gpa;
		uint64_t bytes;
		uint8_t *hva;
		uint32_t type;
	} bad[] = {
		{1, page, hva, SEVLM_REGION_TRACKED},
		{0, page + 1, hva, SEVLM_REGION_TRACKED},
		{0, page, hva + 1, SEVLM_REGION_TRACKED},
		{0, 0, hva, SEVLM_REGION_TRACKED},
		{0, page, hva, 0},
		{0, page, hva, SEVLM_REGION_SKIP + 1},
		{0, page, NULL, SEVLM_REGION_TRACKED},
		{0, page, NULL, SEVLM_REGION_PRIVATE},
		{LIMIT, page, hva, SEVLM_REGION_TRACKED},
		{LIMIT - page, 2 * page, hva, SEVLM_REGION_TRACKED},
		{page, LIMIT, hva, SEVLM_REGION_TRACKED},
		{0, LIMIT + page, hva, SEVLM_REGION_TRACKED},
		{-page, page, hva, SEVLM_REGION_TRACKED},
		{-page, 2 * page, hva, SEVLM_REGION_TRACKED},
		{page, -page, hva, SEVLM_REGION_TRACKED},
		{0, 2 * page, (uint8_t *)(uintptr_t)-page,
		 SEVLM_REGION_TRACKED},
		/* overlaps of the one that is there, [100, 110) */
		{GPA(99), 2 * page, hva, SEVLM_REGION_TRACKED},
		{GPA(109), page, hva, SEVLM_REGION_SKIP},
		{GPA(104), page, hva, SEVLM_REGION_TRACKED},
		{GPA(90), GPA(30), hva, SEVLM_REGION_TRACKED},
	};
	struct sevlm__region region;
	size_t i;

	add(100, 10, SEVLM_REGION_TRACKED);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_int_eq(
			sevlm__pages_add_region(pages, bad[i].gpa, bad[i].bytes,
						bad[i].hva, bad[i].type),
			-EINVAL);
	ck_assert(!sevlm__pages_region(pages, 1, &region));
	ck_assert_int_eq(sevlm__pages_remove_region(pages, GPA(101)), -EINVAL);
	ck_assert_int_eq(sevlm__pages_remove_region(pages, GPA(100) + 1),
			 -EINVAL);
	ck_assert_int_eq(sevlm__pages_remove_region(pages, 0), -EINVAL);
	ck_assert_int_eq(sevlm__pages_remove_region(pages, LIMIT), -EINVAL);
	ck_assert_int_eq(sevlm__pages_add_region(pages, 0, page, NULL,
						 SEVLM_REGION_SKIP),
			 0);
	ck_assert_uint_eq(sevlm__pages_total(pages), 10);
}
END_TEST

START_TEST(contiguous_regions)
{
	static const struct {
		uint64_t page; /* of the guest's */
		uint64_t hva; /* pages more than that */
		uint32_t type;
		int ret;
	} regions[] = {
		{0, 0, SEVLM_REGION_TRACKED, 0},
		{0, 0, SEVLM_REGION_PRIVATE, 0},
		{0, 0, SEVLM_REGION_SHARED, -EINVAL},
		{0, 0, SEVLM_REGION_SKIP, -EINVAL},
		{0, 0, 0, -EINVAL},
		{0, 0, 2 * CONTIGUOUS | SEVLM_REGION_TRACKED, -EINVAL},
		{3, 0, SEVLM_REGION_TRACKED, 0},
		{3, 4, SEVLM_REGION_TRACKED, 0},
		{0, 1, SEVLM_REGION_TRACKED, -EINVAL},
		{0, 2, SEVLM_REGION_TRACKED, -EINVAL},
		{1, 3, SEVLM_REGION_TRACKED, -EINVAL},
		{1, 7, SEVLM_REGION_TRACKED, -EINVAL},
	};
	struct sevlm__region region;
	int ret;

	for (size_t i = 0; i < ARRAY_SIZE(regions); i++) {
		uint64_t gpa = GPA(regions[i].page);

		ret = sevlm__pages_add_region(
			pages, gpa, GPA(8),
			HVA(regions[i].page + regions[i].hva),
			regions[i].type | CONTIGUOUS);
		ck_assert_int_eq(ret, regions[i].ret);
		if (ret)
			continue;
		ck_assert(sevlm__pages_region(pages, 0, &region));
		ck_assert_uint_eq(region.type, regions[i].type);
		ck_assert(region.contiguous);
		ck_assert(!region.blocks);
		drop(regions[i].page);
	}
}
END_TEST

START_TEST(region_list)
{
	struct sevlm__region region;

	add(200, 10, SEVLM_REGION_SHARED);
	add(100, 10, SEVLM_REGION_TRACKED);
	add(110, 90, SEVLM_REGION_SKIP);
	add(0, 100, SEVLM_REGION_PRIVATE);
	ck_assert_uint_eq(sevlm__pages_total(pages), 120);
	ck_assert(sevlm__pages_region(pages, 0, &region));
	ck_assert_uint_eq(region.type, SEVLM_REGION_PRIVATE);
	ck_assert(sevlm__pages_region(pages, 2, &region));
	ck_assert_uint_eq(region.type, SEVLM_REGION_SKIP);
	ck_assert_uint_eq(region.gpa, GPA(110));
	ck_assert_uint_eq(region.bytes, GPA(90));
	ck_assert_ptr_eq(region.hva, HVA(110));
	ck_assert(sevlm__pages_region(pages, 3, &region));
	ck_assert_uint_eq(region.gpa, GPA(200));
	ck_assert(!sevlm__pages_region(pages, 4, &region));
	drop(110);
	ck_assert(sevlm__pages_region(pages, 2, &region));
	ck_assert_uint_eq(region.gpa, GPA(200));
	ck_assert_uint_eq(sevlm__pages_total(pages), 120);
	drop(0);
	ck_assert_uint_eq(sevlm__pages_total(pages), 20);
}
END_TEST

START_TEST(region_find)
{
	struct sevlm__region region;

	add(100, 10, SEVLM_REGION_TRACKED);
	add(110, 10, SEVLM_REGION_TRACKED);
	ck_assert(sevlm__pages_find(pages, GPA(100), GPA(10), &region));
	ck_assert_uint_eq(region.gpa, GPA(100));
	ck_assert(sevlm__pages_find(pages, GPA(110) + 7, 100, &region));
	ck_assert_uint_eq(region.gpa, GPA(110));
	ck_assert(!sevlm__pages_find(pages, GPA(100), GPA(10) + 1, &region));
	ck_assert(!sevlm__pages_find(pages, GPA(109), GPA(2), &region));
	ck_assert(!sevlm__pages_find(pages, GPA(99), GPA(1), &region));
	ck_assert(!sevlm__pages_find(pages, GPA(120), 1, &region));
	ck_assert(!sevlm__pages_find(pages, GPA(119), UINT64_MAX, &region));
	ck_assert(!sevlm__pages_find(pages, UINT64_MAX, 1, &region));
	ck_assert(!sevlm__pages_find(pages, GPA(100), 0, &region));
}
END_TEST

START_TEST(region_cap)
{
	uint32_t i;

	for (i = 0; i < SEVLM_MAX_REGIONS; i++)
		add(2 * i, 1, SEVLM_REGION_TRACKED);
	ck_assert_int_eq(try_add(1, 1, SEVLM_REGION_TRACKED), -ENOBUFS);
	ck_assert_int_eq(try_add(2 * i, 1, SEVLM_REGION_TRACKED), -ENOBUFS);
	drop(2 * i - 2);
	add(1, 1, SEVLM_REGION_TRACKED);
	ck_assert_uint_eq(sevlm__pages_total(pages), SEVLM_MAX_REGIONS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pages-regions");
	TCase *tcase = tcase_create("pages-regions");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, region_refusals);
	tcase_add_test(tcase, contiguous_regions);
	tcase_add_test(tcase, region_list);
	tcase_add_test(tcase, region_find);
	tcase_add_test(tcase, region_cap);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
