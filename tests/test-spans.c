/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* SHARED: spans of page states, bytes to fields and back. */
#include <errno.h>
#include <stdlib.h>

#include "check-main.h"
#include "exact.h"
#include "record.h"

static struct sevlm__span span, back;

static int decode(const void *bytes, size_t count)
{
	uint8_t *copy = exact(bytes, count);
	struct sevlm__reader r;
	int ret;

	r = sevlm__reader(copy, count);
	memset(&back, 0, sizeof(back));
	ret = sevlm__span_decode(&r, &back);
	if (!ret)
		ck_assert_uint_eq(r.left, 0);
	free(copy);
	return ret;
}

static uint8_t body[SPAN_SIZE + SEVLM__SPAN_PAGES / 8];

static size_t encode(void)
{
	struct sevlm__writer w = sevlm__writer(body, sizeof(body));

	sevlm__span_encode(&span, &w);
	ck_assert(!w.bad);
	ck_assert_uint_eq(sizeof(body) - w.left, sevlm__span_bytes(&span));
	return sizeof(body) - w.left;
}

static void set_bits(uint32_t pages)
{
	memset(&span, 0, sizeof(span));
	span.gpa = 0x12345000;
	span.pages = pages;
	for (uint32_t i = 0; i < pages; i += 3)
		span.bitmap[i / 64] |= 1ull << i % 64;
}

START_TEST(all)
{
	static const uint32_t pages[] = {
		1,	   63, 64, SEVLM__SPAN_PAGES, SEVLM__SPAN_PAGES + 1,
		UINT32_MAX};

	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		span = (struct sevlm__span){
			.gpa = 0xc0000,
			.pages = pages[i],
			.all = true,
		};
		ck_assert_uint_eq(encode(), 16);
		ck_assert_int_eq(decode(body, 16), 0);
		ck_assert(back.all);
		ck_assert_uint_eq(back.gpa, 0xc0000);
		ck_assert_uint_eq(back.pages, pages[i]);
	}
}
END_TEST

START_TEST(bitmaps)
{
	static const uint32_t pages[] = {
		1, 2, 63, 64, 65, 127, 128, 129, 32767, 32768,
	};

	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		size_t words = (pages[i] + 63) / 64;

		set_bits(pages[i]);
		ck_assert_uint_eq(encode(), 16 + 8 * words);
		ck_assert_int_eq(decode(body, 16 + 8 * words), 0);
		ck_assert(!back.all);
		ck_assert_uint_eq(back.pages, pages[i]);
		ck_assert_mem_eq(back.bitmap, span.bitmap, 8 * words);
	}
}
END_TEST

START_TEST(bits_past_the_end)
{
	for (uint32_t pages = 1; pages <= 130; pages++) {
		for (uint32_t bit = pages; bit % 64; bit++) {
			set_bits(pages);
			span.bitmap[bit / 64] |= 1ull << bit % 64;
			ck_assert_int_eq(decode(body, encode()), -EBADMSG);
		}
	}
}
END_TEST

START_TEST(truncated)
{
	size_t count;

	set_bits(130);
	count = encode();
	for (size_t cut = 0; cut < count; cut++)
		ck_assert_int_eq(decode(body, cut), -EBADMSG);
	ck_assert_int_eq(decode(body, count), 0);
}
END_TEST

static int decode_head(uint64_t gpa, uint32_t pages, uint32_t form)
{
	struct sevlm__writer w = sevlm__writer(body, sizeof(body));
	size_t words = form == SPAN_BITMAP ? ((size_t)pages + 63) / 64 : 0;

	memset(body, 0, sizeof(body));
	sevlm__put64(&w, gpa);
	sevlm__put32(&w, pages);
	sevlm__put32(&w, form);
	return decode(body, 16 + 8 * (words < 512 ? words : 512));
}

START_TEST(heads)
{
	for (uint64_t bit = 1; bit < PAGE_SIZE; bit <<= 1)
		ck_assert_int_eq(decode_head(bit, 1, SPAN_ALL), -EBADMSG);
	for (uint32_t form = 0; form < 16; form++)
		ck_assert_int_eq(decode_head(0, 1, form),
				 form == 1 || form == 2 ? 0 : -EBADMSG);
	ck_assert_int_eq(decode_head(0, 1, 1u << 31), -EBADMSG);
	ck_assert_int_eq(decode_head(0, 0, SPAN_ALL), -EBADMSG);
	ck_assert_int_eq(decode_head(0, 0, SPAN_BITMAP), -EBADMSG);
	ck_assert_int_eq(decode_head(0, SEVLM__SPAN_PAGES, SPAN_BITMAP), 0);
	ck_assert_int_eq(decode_head(0, SEVLM__SPAN_PAGES + 1, SPAN_BITMAP),
			 -EBADMSG);
	ck_assert_int_eq(decode_head(0, UINT32_MAX, SPAN_BITMAP), -EBADMSG);
	ck_assert_int_eq(decode_head(-0x1000ull, 2, SPAN_ALL), -EBADMSG);
	ck_assert_int_eq(decode_head(-0x2000ull, 1, SPAN_ALL), 0);
	ck_assert_int_eq(decode_head(-0x40000ull, 65, SPAN_BITMAP), -EBADMSG);
}
END_TEST

START_TEST(no_room)
{
	struct sevlm__writer w;
	size_t count;

	set_bits(65);
	count = sevlm__span_bytes(&span);
	for (size_t room = 0; room <= count; room++) {
		w = sevlm__writer(body, room);
		sevlm__span_encode(&span, &w);
		ck_assert_int_eq(w.bad, room < count);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spans");
	TCase *tcase = tcase_create("spans");

	tcase_add_test(tcase, all);
	tcase_add_test(tcase, bitmaps);
	tcase_add_test(tcase, bits_past_the_end);
	tcase_add_test(tcase, truncated);
	tcase_add_test(tcase, heads);
	tcase_add_test(tcase, no_room);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
