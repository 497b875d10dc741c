/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* PAGES: a batch of pages and blocks, bytes to fields. */
#include <errno.h>
#include <stdlib.h>

#include "check-main.h"
#include "exact.h"
#include "record.h"

struct body {
	uint8_t *bytes;
	size_t count;
};

/* page i; a block begins where one can */
static uint64_t gpa_of(uint32_t i, uint32_t kind)
{
	return (uint64_t)i * (kind == KIND_BLOCK ? BLOCK_SIZE : PAGE_SIZE);
}

/* count and kinds as told, room as the kinds that are really there demand */
static struct body batch_body(uint32_t count, uint32_t reserved,
			      const uint32_t *kinds, uint32_t entries)
{
	size_t packets = 0, payloads = 0;
	struct sevlm__writer w;
	struct body body;

	for (uint32_t i = 0; i < entries; i++) {
		packets += kinds[i] == KIND_PRIVATE || kinds[i] == KIND_BLOCK;
		if (kinds[i] != KIND_ZERO)
			payloads += kinds[i] == KIND_BLOCK ? BLOCK_PAGES : 1;
	}
	body.count = PAGES_HEAD_SIZE + entries * PAGES_ENTRY_SIZE +
		     packets * SEVLM_PACKET_HEADER_SIZE + payloads * PAGE_SIZE;
	body.bytes = calloc(1, body.count);
	ck_assert_ptr_nonnull(body.bytes);
	w = sevlm__writer(body.bytes, body.count);
	sevlm__put32(&w, count);
	sevlm__put32(&w, reserved);
	for (uint32_t i = 0; i < entries; i++)
		sevlm__put64(&w, gpa_of(i, kinds[i]) | kinds[i]);
	return body;
}

static int decode_batch(struct body body, struct sevlm__batch *batch)
{
	int ret = sevlm__batch_decode(body.bytes, body.count, batch);

	free(body.bytes);
	return ret;
}

static void refuses_less(struct body body)
{
	struct sevlm__batch batch;

	for (size_t count = 0; count < body.count; count++) {
		uint8_t *cut = exact(body.bytes, count);

		if (sevlm__batch_decode(cut, count, &batch) != -EBADMSG)
			ck_abort_msg("taken with %zu bytes", count);
		free(cut);
	}
}

START_TEST(batch_fields)
{
	static const uint32_t kinds[] = {
		KIND_SHARED, KIND_PRIVATE, KIND_ZERO, KIND_PRIVATE, KIND_SHARED,
	};
	struct body body = batch_body(5, 0, kinds, 5);
	struct sevlm__batch batch;

	ck_assert_int_eq(sevlm__batch_decode(body.bytes, body.count, &batch),
			 0);
	ck_assert_uint_eq(batch.count, 5);
	ck_assert_uint_eq(batch.control_bytes, 8 + 5 * 8 + 2 * 52);
	ck_assert_ptr_eq(batch.entries, body.bytes + 8);
	ck_assert_ptr_eq(batch.headers, body.bytes + 48);
	ck_assert_ptr_eq(batch.payloads, body.bytes + batch.control_bytes);
	for (uint32_t i = 0; i < 5; i++) {
		uint64_t entry = sevlm__entry(&batch, i);

		ck_assert_uint_eq(sevlm__entry_gpa(entry), i * PAGE_SIZE);
		ck_assert_uint_eq(sevlm__entry_kind(entry), kinds[i]);
	}
	free(body.bytes);
}
END_TEST

START_TEST(batch_of_blocks)
{
	static const uint32_t kinds[] = {
		KIND_SHARED, KIND_BLOCK, KIND_ZERO, KIND_PRIVATE, KIND_BLOCK,
	};
	struct body body = batch_body(5, 0, kinds, 5);
	struct sevlm__batch batch;
	uint64_t entry;

	ck_assert_int_eq(sevlm__batch_decode(body.bytes, body.count, &batch),
			 0);
	ck_assert_uint_eq(batch.control_bytes, 8 + 5 * 8 + 3 * 52);
	ck_assert_ptr_eq(batch.payloads, body.bytes + batch.control_bytes);
	ck_assert_uint_eq(body.count, batch.control_bytes + 10 * PAGE_SIZE);
	entry = sevlm__entry(&batch, 1);
	ck_assert_uint_eq(sevlm__entry_gpa(entry), 0x4000);
	ck_assert_uint_eq(sevlm__entry_pages(entry), 4);
	ck_assert(sevlm__entry_private(entry));
	entry = sevlm__entry(&batch, 3);
	ck_assert_uint_eq(sevlm__entry_pages(entry), 1);
	ck_assert(sevlm__entry_private(entry));
	free(body.bytes);
}
END_TEST

/* pages are what is counted, not entries */
START_TEST(batch_full_of_blocks)
{
	uint32_t kinds[17];
	struct sevlm__batch batch;

	for (uint32_t i = 0; i < ARRAY_SIZE(kinds); i++)
		kinds[i] = KIND_BLOCK;
	ck_assert_int_eq(decode_batch(batch_body(16, 0, kinds, 16), &batch), 0);
	kinds[16] = KIND_ZERO;
	ck_assert_int_eq(decode_batch(batch_body(17, 0, kinds, 17), &batch),
			 -EBADMSG);
	kinds[16] = KIND_BLOCK;
	ck_assert_int_eq(decode_batch(batch_body(17, 0, kinds, 17), &batch),
			 -EBADMSG);
}
END_TEST

START_TEST(block_not_aligned)
{
	static const uint32_t kinds[] = {KIND_BLOCK};
	struct sevlm__batch batch;
	struct sevlm__writer w;
	struct body body;

	for (uint64_t page = 0; page < 8; page++) {
		body = batch_body(1, 0, kinds, 1);
		w = sevlm__writer(body.bytes + PAGES_HEAD_SIZE, 8);
		sevlm__put64(&w, page << PAGE_SHIFT | KIND_BLOCK);
		ck_assert_int_eq(decode_batch(body, &batch),
				 page % 4 ? -EBADMSG : 0);
	}
}
END_TEST

START_TEST(block_truncated)
{
	static const uint32_t kinds[] = {KIND_BLOCK, KIND_SHARED};
	struct body body = batch_body(2, 0, kinds, 2);

	refuses_less(body);
	free(body.bytes);
}
END_TEST

START_TEST(batch_full)
{
	uint32_t kinds[SEVLM_MAX_BATCH + 1];
	struct sevlm__batch batch;
	struct body body;

	for (uint32_t i = 0; i < ARRAY_SIZE(kinds); i++)
		kinds[i] = KIND_PRIVATE;
	body = batch_body(64, 0, kinds, 64);
	ck_assert_uint_eq(body.count, RECORD_BODY_MAX);
	ck_assert_int_eq(decode_batch(body, &batch), 0);
	ck_assert_int_eq(decode_batch(batch_body(65, 0, kinds, 65), &batch),
			 -EBADMSG);
}
END_TEST

START_TEST(batch_truncated)
{
	static const uint32_t kinds[] = {KIND_PRIVATE, KIND_ZERO, KIND_SHARED};
	struct body body = batch_body(3, 0, kinds, 3);
	struct sevlm__batch batch;

	refuses_less(body);
	body.bytes = realloc(body.bytes, body.count + 1);
	body.bytes[body.count++] = 0;
	ck_assert_int_eq(decode_batch(body, &batch), -EBADMSG);
}
END_TEST

START_TEST(batch_lies)
{
	static const uint32_t kinds[] = {KIND_PRIVATE, KIND_ZERO, KIND_SHARED};
	static const uint32_t counts[] = {
		0, 1, 2, 4, 5, 64, 65, 0x20000003, 0x80000003, UINT32_MAX,
	};
	struct sevlm__batch batch;

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		ck_assert_int_eq(
			decode_batch(batch_body(counts[i], 0, kinds, 3),
				     &batch),
			-EBADMSG);
	for (uint32_t bit = 0; bit < 32; bit++)
		ck_assert_int_eq(
			decode_batch(batch_body(3, 1u << bit, kinds, 3),
				     &batch),
			-EBADMSG);
}
END_TEST

/* every kind but the one that the rest of the body belongs to */
START_TEST(batch_kinds)
{
	const uint32_t real[] = {(uint32_t)_i, KIND_SHARED};
	struct sevlm__batch batch;

	for (uint32_t kind = 0; kind < PAGE_SIZE; kind++) {
		struct body body = batch_body(2, 0, real, 2);

		body.bytes[8] = (uint8_t)kind;
		body.bytes[9] = (uint8_t)(kind >> 8);
		if (decode_batch(body, &batch) !=
		    (kind == real[0] ? 0 : -EBADMSG))
			ck_abort_msg("kind %u", kind);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("batch");
	TCase *tcase = tcase_create("batch");

	tcase_add_test(tcase, batch_fields);
	tcase_add_test(tcase, batch_full);
	tcase_add_test(tcase, batch_truncated);
	tcase_add_test(tcase, batch_lies);
	tcase_add_loop_test(tcase, batch_kinds, KIND_PRIVATE, KIND_BLOCK + 1);
	tcase_add_test(tcase, batch_of_blocks);
	tcase_add_test(tcase, batch_full_of_blocks);
	tcase_add_test(tcase, block_not_aligned);
	tcase_add_test(tcase, block_truncated);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
