/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>

#include "check-main.h"
#include "cursor.h"

static const uint8_t bytes[16] = {
	0x01, 0x82, 0x03, 0x84, 0x05, 0x86, 0x07, 0x88,
	0x09, 0x8a, 0x0b, 0x8c, 0x0d, 0x8e, 0x0f, 0x90,
};

/* ---- reading ---- */

START_TEST(read_widths)
{
	struct sevlm__reader r = sevlm__reader(bytes, 14);

	ck_assert_uint_eq(sevlm__get16(&r), 0x8201);
	ck_assert_uint_eq(sevlm__get32(&r), 0x86058403u);
	ck_assert_uint_eq(sevlm__get64(&r), 0x8e0d8c0b8a098807ull);
	ck_assert(sevlm__reader_done(&r));
	ck_assert(!r.bad);
}
END_TEST

START_TEST(read_unaligned)
{
	for (size_t at = 0; at <= 8; at++) {
		struct sevlm__reader r = sevlm__reader(bytes + at, 8);
		uint64_t expected = 0;

		for (size_t i = 8; i-- > 0;)
			expected = expected << 8 | bytes[at + i];
		ck_assert_uint_eq(sevlm__get64(&r), expected);
		ck_assert(sevlm__reader_done(&r));
	}
}
END_TEST

START_TEST(read_every_width)
{
	for (size_t width = 0; width <= 8; width++) {
		struct sevlm__reader r = sevlm__reader(bytes, width);
		uint64_t expected = 0;

		for (size_t i = width; i-- > 0;)
			expected = expected << 8 | bytes[i];
		ck_assert_uint_eq(sevlm__get_le(&r, width), expected);
		ck_assert(sevlm__reader_done(&r));
		ck_assert_uint_eq(sevlm__get_le(&r, 1), 0);
		ck_assert(r.bad);
	}
}
END_TEST

/* what is one byte short is not read at all, and nothing after it is */
START_TEST(read_overrun_sticks)
{
	for (size_t left = 0; left < 8; left++) {
		struct sevlm__reader r = sevlm__reader(bytes, left);
		uint8_t copy[3] = {1, 2, 3};

		ck_assert_uint_eq(sevlm__get64(&r), 0);
		ck_assert(r.bad);
		ck_assert_uint_eq(r.left, left);
		ck_assert(!sevlm__reader_done(&r));
		ck_assert_uint_eq(sevlm__get16(&r), 0);
		ck_assert_uint_eq(sevlm__get32(&r), 0);
		ck_assert_ptr_null(sevlm__get(&r, 0));
		sevlm__get_bytes(&r, copy, sizeof(copy));
		ck_assert_uint_eq(copy[0] | copy[1] | copy[2], 0);
		ck_assert_uint_eq(r.left, left);
	}
}
END_TEST

START_TEST(read_huge)
{
	struct sevlm__reader r = sevlm__reader(bytes, sizeof(bytes));

	ck_assert_ptr_eq(sevlm__get(&r, 4), bytes);
	ck_assert_ptr_null(sevlm__get(&r, SIZE_MAX));
	ck_assert(r.bad);
	r = sevlm__reader(bytes, sizeof(bytes));
	ck_assert_ptr_eq(sevlm__get(&r, 0), bytes);
	ck_assert_ptr_eq(sevlm__get(&r, sizeof(bytes)), bytes);
	ck_assert_ptr_eq(sevlm__get(&r, 0), bytes + sizeof(bytes));
	ck_assert(sevlm__reader_done(&r));
	ck_assert_ptr_null(sevlm__get(&r, 1));
}
END_TEST

START_TEST(read_bytes)
{
	struct sevlm__reader r = sevlm__reader(bytes, 6);
	uint8_t copy[5];

	sevlm__get_bytes(&r, copy, 5);
	ck_assert_mem_eq(copy, bytes, 5);
	ck_assert_uint_eq(r.left, 1);
	sevlm__get_bytes(&r, copy, 0);
	ck_assert(!r.bad);
	sevlm__get_bytes(&r, copy, 2);
	ck_assert(r.bad);
	ck_assert_uint_eq(copy[0] | copy[1], 0);
}
END_TEST

/* ---- writing ---- */

START_TEST(write_widths)
{
	uint8_t out[14];
	struct sevlm__writer w = sevlm__writer(out, sizeof(out));

	sevlm__put16(&w, 0x8201);
	sevlm__put32(&w, 0x86058403u);
	sevlm__put64(&w, 0x8e0d8c0b8a098807ull);
	ck_assert_mem_eq(out, bytes, sizeof(out));
	ck_assert_uint_eq(w.left, 0);
	ck_assert(!w.bad);
}
END_TEST

START_TEST(write_every_width)
{
	for (size_t width = 0; width <= 8; width++) {
		uint8_t *out = malloc(width + 1);
		struct sevlm__writer w = sevlm__writer(out, width);

		ck_assert_ptr_nonnull(out);
		out[width] = 0xee;
		sevlm__put_le(&w, 0x8807860584038201ull, width);
		ck_assert_mem_eq(out, bytes, width);
		ck_assert_uint_eq(w.left, 0);
		ck_assert(!w.bad);
		sevlm__put_le(&w, 0, 1);
		ck_assert(w.bad);
		ck_assert_uint_eq(out[width], 0xee);
		free(out);
	}
}
END_TEST

START_TEST(write_unaligned)
{
	for (size_t at = 0; at <= 8; at++) {
		uint8_t out[17] = {0};
		struct sevlm__writer w = sevlm__writer(out + at, 8);

		sevlm__put64(&w, 0x8807860584038201ull);
		ck_assert_mem_eq(out + at, bytes, 8);
		ck_assert_uint_eq(out[at + 8], 0);
	}
}
END_TEST

/* what does not fit is not begun, and nothing after it is written */
START_TEST(write_overrun_sticks)
{
	for (size_t left = 0; left < 8; left++) {
		uint8_t out[8];
		struct sevlm__writer w = sevlm__writer(out, left);

		memset(out, 0xee, sizeof(out));
		sevlm__put64(&w, 1);
		ck_assert(w.bad);
		sevlm__put16(&w, 1);
		sevlm__put32(&w, 1);
		sevlm__put_bytes(&w, bytes, 1);
		ck_assert_ptr_null(sevlm__put(&w, 0));
		ck_assert_uint_eq(w.left, left);
		for (size_t i = 0; i < sizeof(out); i++)
			ck_assert_uint_eq(out[i], 0xee);
	}
}
END_TEST

START_TEST(write_huge)
{
	uint8_t out[4] = {0};
	struct sevlm__writer w = sevlm__writer(out, sizeof(out));

	sevlm__put_bytes(&w, NULL, 0);
	ck_assert(!w.bad);
	sevlm__put_bytes(&w, bytes, 4);
	ck_assert_mem_eq(out, bytes, 4);
	ck_assert_ptr_null(sevlm__put(&w, SIZE_MAX));
	ck_assert(w.bad);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cursor");
	TCase *reading = tcase_create("reading");
	TCase *writing = tcase_create("writing");

	tcase_add_test(reading, read_widths);
	tcase_add_test(reading, read_unaligned);
	tcase_add_test(reading, read_every_width);
	tcase_add_test(reading, read_overrun_sticks);
	tcase_add_test(reading, read_huge);
	tcase_add_test(reading, read_bytes);
	tcase_add_test(writing, write_widths);
	tcase_add_test(writing, write_every_width);
	tcase_add_test(writing, write_unaligned);
	tcase_add_test(writing, write_overrun_sticks);
	tcase_add_test(writing, write_huge);
	suite_add_tcase(suite, reading);
	suite_add_tcase(suite, writing);
	return run_suite(suite);
}
