/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "check-main.h"
#include "exact.h"
#include "record.h"

/* ---- header ---- */

static const struct sevlm__record sample = {
	.length = 32,
	.type = RECORD_COMMIT,
	.flags = RECORD_REQUIRED,
	.epoch = 0x04030201,
	.channel = 0x0605,
	.sequence = 0x0e0d0c0b0a090807ull,
};

START_TEST(header_round_trip)
{
	static const uint8_t expected[RECORD_HEADER_SIZE] = {
		32, 0, 0, 0, 11, 0, 1, 0,  1,  2,  3,  4,
		5,  6, 0, 0, 7,	 8, 9, 10, 11, 12, 13, 14,
	};
	uint8_t bytes[RECORD_HEADER_SIZE];
	struct sevlm__record back;

	memset(bytes, 0xff, sizeof(bytes));
	sevlm__record_encode(&sample, bytes);
	ck_assert_mem_eq(bytes, expected, sizeof(bytes));
	ck_assert_int_eq(sevlm__record_decode(bytes, &back), 0);
	ck_assert_uint_eq(back.length, sample.length);
	ck_assert_uint_eq(back.type, sample.type);
	ck_assert_uint_eq(back.flags, sample.flags);
	ck_assert_uint_eq(back.epoch, sample.epoch);
	ck_assert_uint_eq(back.channel, sample.channel);
	ck_assert_uint_eq(back.sequence, sample.sequence);
}
END_TEST

START_TEST(header_reserved)
{
	uint8_t bytes[RECORD_HEADER_SIZE];
	struct sevlm__record back;

	for (uint32_t bit = 0; bit < 16; bit++) {
		sevlm__record_encode(&sample, bytes);
		bytes[14 + bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_int_eq(sevlm__record_decode(bytes, &back), -EBADMSG);
		sevlm__record_encode(&sample, bytes);
		bytes[6 + bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_int_eq(sevlm__record_decode(bytes, &back),
				 bit ? -EBADMSG : 0);
	}
}
END_TEST

/* docs/stream.md, once more */
static const struct {
	uint16_t type;
	uint16_t from;
	uint32_t least, most;
	const char *name;
} table[] = {
	{1, 3, 96, 65536, "HELLO"},
	{2, 1, 136, 136, "START"},
	{3, 1, 8, 8, "ROUND"},
	{4, 1, 16, 265992, "PAGES"},
	{5, 1, 16, 65536, "FREE"},
	{6, 1, 24, 24, "REGION"},
	{7, 1, 16, 65536, "SHARED"},
	{8, 1, 25, 65536, "STATE"},
	{9, 1, 72, 72, "END"},
	{10, 2, 32, 32, "PREPARED"},
	{11, 1, 32, 32, "COMMIT"},
	{12, 2, 32, 32, "STARTED"},
	{13, 2, 32, 32, "NEVER-STARTED"},
	{14, 2, 32, 32, "LOST"},
	{15, 3, 8, 168, "ABORT"},
	{16, 3, 72, 72, "RESOLVE"},
};

static int decode_length(uint16_t type, uint32_t length)
{
	struct sevlm__record record = {.type = type, .length = length};
	uint8_t bytes[RECORD_HEADER_SIZE];

	sevlm__record_encode(&record, bytes);
	return sevlm__record_decode(bytes, &record);
}

START_TEST(lengths)
{
	uint16_t type = table[_i].type;
	const struct sevlm__record_type *known = sevlm__record_type(type);
	uint32_t least = table[_i].least, most = table[_i].most;

	ck_assert_ptr_nonnull(known);
	ck_assert_str_eq(known->name, table[_i].name);
	ck_assert_uint_eq(known->from, table[_i].from);
	ck_assert_int_eq(decode_length(type, least), 0);
	ck_assert_int_eq(decode_length(type, most), 0);
	ck_assert_int_eq(decode_length(type, least - 1), -EBADMSG);
	ck_assert_int_eq(decode_length(type, most + 1), -EBADMSG);
	ck_assert_int_eq(decode_length(type, 0), -EBADMSG);
	ck_assert_int_eq(decode_length(type, UINT32_MAX), -EBADMSG);
}
END_TEST

START_TEST(other_types)
{
	ck_assert_int_eq(decode_length(0, 32), -EBADMSG);
	for (uint32_t type = 17; type <= UINT16_MAX; type += 97) {
		ck_assert_ptr_null(sevlm__record_type((uint16_t)type));
		ck_assert_int_eq(decode_length((uint16_t)type, 1), 0);
		ck_assert_int_eq(decode_length((uint16_t)type, 265992), 0);
		ck_assert_int_eq(decode_length((uint16_t)type, 265993),
				 -EBADMSG);
	}
	ck_assert_ptr_null(sevlm__record_type(0));
}
END_TEST

/* ---- REGION ---- */

static int decode_region(uint64_t gpa, uint64_t bytes, uint32_t type,
			 uint32_t action)
{
	struct sevlm__region region = {
		.gpa = gpa,
		.bytes = bytes,
		.type = type,
	};
	struct sevlm__region back;
	uint8_t body[REGION_SIZE];
	uint32_t got;
	int ret;

	sevlm__region_encode(&region, action, body);
	ret = sevlm__region_decode(body, &back, &got);
	if (ret)
		return ret;
	ck_assert_uint_eq(back.gpa, gpa);
	ck_assert_uint_eq(back.bytes, bytes);
	ck_assert_uint_eq(back.type, type);
	ck_assert_uint_eq(got, action);
	ck_assert_ptr_null(back.hva);
	return 0;
}

START_TEST(region)
{
	for (uint32_t i = 0; i < 8; i++) {
		ck_assert_int_eq(decode_region(0x1000, 0x2000, i, 1),
				 i >= 1 && i <= 4 ? 0 : -EBADMSG);
		ck_assert_int_eq(decode_region(0x1000, 0x2000, 1, i),
				 i == 1 || i == 2 ? 0 : -EBADMSG);
	}
	ck_assert_int_eq(decode_region(0, 0x1000, 4, 2), 0);
	ck_assert_int_eq(decode_region(0x1000, 0, 1, 1), -EBADMSG);
	for (uint64_t bit = 1; bit < PAGE_SIZE; bit <<= 1) {
		ck_assert_int_eq(decode_region(bit, 0x1000, 1, 1), -EBADMSG);
		ck_assert_int_eq(decode_region(0, 0x1000 | bit, 1, 1),
				 -EBADMSG);
	}
	ck_assert_int_eq(decode_region(0x1000, -0x1000ull, 1, 1), -EBADMSG);
	ck_assert_int_eq(decode_region(-0x1000ull, 0x2000, 1, 1), -EBADMSG);
	ck_assert_int_eq(decode_region(0x1000, 0x1000, 1u << 31, 1), -EBADMSG);
}
END_TEST

/* ---- STATE ---- */

static int decode_state(uint64_t total, uint64_t offset, size_t count)
{
	struct sevlm__state_piece piece = {
		.id = 9,
		.total = total,
		.offset = offset,
	};
	uint8_t *body = calloc(1, STATE_HEAD_SIZE + count);
	struct sevlm__state_piece back;
	int ret;

	ck_assert_ptr_nonnull(body);
	sevlm__state_encode(&piece, body);
	ret = sevlm__state_decode(body, STATE_HEAD_SIZE + count, &back);
	if (!ret) {
		ck_assert_uint_eq(back.id, 9);
		ck_assert_uint_eq(back.total, total);
		ck_assert_uint_eq(back.offset, offset);
		ck_assert_uint_eq(back.count, count);
		ck_assert_ptr_eq(back.bytes, body + STATE_HEAD_SIZE);
	}
	free(body);
	return ret;
}

START_TEST(state)
{
	ck_assert_int_eq(decode_state(10, 0, 10), 0);
	ck_assert_int_eq(decode_state(10, 9, 1), 0);
	ck_assert_int_eq(decode_state(UINT64_MAX, UINT64_MAX - 4, 4), 0);
	ck_assert_int_eq(decode_state(10, 0, 0), -EBADMSG);
	ck_assert_int_eq(decode_state(10, 0, 11), -EBADMSG);
	ck_assert_int_eq(decode_state(10, 9, 2), -EBADMSG);
	ck_assert_int_eq(decode_state(10, 10, 1), -EBADMSG);
	ck_assert_int_eq(decode_state(10, 11, 1), -EBADMSG);
	ck_assert_int_eq(decode_state(0, 0, 1), -EBADMSG);
	ck_assert_int_eq(decode_state(10, UINT64_MAX, 1), -EBADMSG);
	ck_assert_int_eq(decode_state(10, UINT64_MAX - 3, 8), -EBADMSG);
	ck_assert_int_eq(decode_state(UINT64_MAX, UINT64_MAX, 1), -EBADMSG);
}
END_TEST

START_TEST(state_head)
{
	struct sevlm__state_piece piece = {.total = 4}, back;
	uint8_t body[STATE_HEAD_SIZE + 4] = {0};

	for (size_t count = 0; count <= STATE_HEAD_SIZE; count++) {
		uint8_t *cut;

		sevlm__state_encode(&piece, body);
		cut = exact(body, count);
		ck_assert_int_eq(sevlm__state_decode(cut, count, &back),
				 -EBADMSG);
		free(cut);
	}
	for (uint32_t bit = 0; bit < 32; bit++) {
		sevlm__state_encode(&piece, body);
		ck_assert_int_eq(sevlm__state_decode(body, sizeof(body), &back),
				 0);
		body[4 + bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_int_eq(sevlm__state_decode(body, sizeof(body), &back),
				 -EBADMSG);
	}
}
END_TEST

/* ---- END ---- */

START_TEST(end)
{
	struct sevlm__end fields = {
		.private_pages = 1,
		.shared_pages = 1ull << 40,
		.zero_pages = 3,
		.freed_pages = UINT64_MAX,
		.control = 3,
	};
	struct sevlm__end back;
	uint8_t body[END_SIZE];

	memset(fields.digest, 0xd1, sizeof(fields.digest));
	sevlm__end_encode(&fields, body);
	memset(&back, 0, sizeof(back));
	ck_assert_int_eq(sevlm__end_decode(body, &back), 0);
	ck_assert_uint_eq(back.private_pages, 1);
	ck_assert_uint_eq(back.shared_pages, 1ull << 40);
	ck_assert_uint_eq(back.zero_pages, 3);
	ck_assert_uint_eq(back.freed_pages, UINT64_MAX);
	ck_assert_uint_eq(back.control, 3);
	ck_assert_mem_eq(back.digest, fields.digest, sizeof(back.digest));
	for (uint32_t bit = 0; bit < 32; bit++) {
		sevlm__end_encode(&fields, body);
		body[36 + bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_int_eq(sevlm__end_decode(body, &back), -EBADMSG);
	}
}
END_TEST

/* ---- ABORT ---- */

static const int causes[] = {
	-ECANCELED, -EBADMSG, -EPROTO,	  -EKEYREJECTED, -EPERM,
	-EREMOTEIO, -ENOTSUP, -ETIMEDOUT, -ENOMEM,	 -EIO,
};

START_TEST(abort_causes)
{
	uint8_t body[ABORT_HEAD_SIZE + ABORT_TEXT_MAX];
	char text[ABORT_TEXT_MAX + 1];
	size_t count;
	int cause;

	for (uint32_t i = 0; i < ARRAY_SIZE(causes); i++) {
		count = sevlm__abort_encode(causes[i], "so it is", body);
		ck_assert_uint_eq(count, 16);
		ck_assert_uint_eq(body[0], i + 1);
		ck_assert_int_eq(sevlm__abort_decode(body, count, &cause, text),
				 0);
		ck_assert_int_eq(cause, causes[i]);
		ck_assert_str_eq(text, "so it is");
	}
	count = sevlm__abort_encode(-EBADFD, "", body);
	ck_assert_int_eq(sevlm__abort_decode(body, count, &cause, text), 0);
	ck_assert_int_eq(cause, -EIO);
	ck_assert_str_eq(text, "");
	for (uint32_t i = 0; i < 4; i++) {
		memset(body, 0, sizeof(body));
		body[i] = 0x80;
		ck_assert_int_eq(sevlm__abort_decode(body, 8, &cause, text), 0);
		ck_assert_int_eq(cause, -EIO);
	}
}
END_TEST

START_TEST(abort_text)
{
	uint8_t body[ABORT_HEAD_SIZE + 256] = {3};
	char text[ABORT_TEXT_MAX + 1];
	int cause;

	for (uint32_t c = 0; c < 256; c++) {
		body[ABORT_HEAD_SIZE] = (uint8_t)c;
		ck_assert_int_eq(sevlm__abort_decode(body, 9, &cause, text), 0);
		ck_assert_uint_eq(strlen(text), 1);
		ck_assert_int_eq(text[0], c >= 32 && c < 127 ? (int)c : '?');
	}
	memset(body + ABORT_HEAD_SIZE, 'y', 256);
	for (size_t count = 0; count <= ABORT_TEXT_MAX; count++) {
		uint8_t *cut = exact(body, ABORT_HEAD_SIZE + count);

		ck_assert_int_eq(sevlm__abort_decode(cut,
						     ABORT_HEAD_SIZE + count,
						     &cause, text),
				 0);
		ck_assert_uint_eq(strlen(text), count);
		free(cut);
	}
	ck_assert_int_eq(sevlm__abort_decode(body, 169, &cause, text),
			 -EBADMSG);
}
END_TEST

START_TEST(abort_head)
{
	uint8_t body[ABORT_HEAD_SIZE + ABORT_TEXT_MAX];
	char text[ABORT_TEXT_MAX + 1], sentence[300];
	int cause;

	memset(sentence, 'z', sizeof(sentence));
	sentence[299] = '\0';
	ck_assert_uint_eq(sevlm__abort_encode(-EIO, sentence, body),
			  sizeof(body));
	for (size_t count = 0; count < ABORT_HEAD_SIZE; count++) {
		uint8_t *cut = exact(body, count);

		ck_assert_int_eq(sevlm__abort_decode(cut, count, &cause, text),
				 -EBADMSG);
		free(cut);
	}
	for (uint32_t bit = 0; bit < 32; bit++) {
		sevlm__abort_encode(-EIO, "", body);
		body[4 + bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_int_eq(sevlm__abort_decode(body, 8, &cause, text),
				 -EBADMSG);
	}
}
END_TEST

/* ---- RESOLVE ---- */

START_TEST(resolve_verdicts)
{
	struct sevlm__resolve back, resolve = {.role = (uint32_t)_i};
	uint8_t bytes[RESOLVE_SIZE];

	memset(resolve.token, 0x5a, sizeof(resolve.token));
	memset(resolve.mac, 0xa5, sizeof(resolve.mac));
	for (uint32_t verdict = 0; verdict < 300; verdict++) {
		bool ours = resolve.role == ROLE_SOURCE ?
				    verdict == 1 || verdict == 2 :
			    resolve.role == ROLE_TARGET ?
				    verdict >= 3 && verdict <= 5 :
				    false;

		resolve.verdict = verdict;
		sevlm__resolve_encode(&resolve, bytes);
		ck_assert_int_eq(sevlm__resolve_decode(bytes, &back),
				 ours ? 0 : -EBADMSG);
		if (ours)
			ck_assert_mem_eq(&back, &resolve, sizeof(back));
	}
	resolve.verdict = UINT32_MAX;
	sevlm__resolve_encode(&resolve, bytes);
	ck_assert_int_eq(sevlm__resolve_decode(bytes, &back), -EBADMSG);
}
END_TEST

START_TEST(verdict_names)
{
	ck_assert_str_eq(sevlm__verdict_name(VERDICT_COMMITTED), "COMMITTED");
	ck_assert_str_eq(sevlm__verdict_name(VERDICT_LOST), "LOST");
	ck_assert_str_eq(sevlm__verdict_name(0), "unknown");
	ck_assert_str_eq(sevlm__verdict_name(VERDICT_LOST + 1), "unknown");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("record");
	TCase *headers = tcase_create("headers");
	TCase *bodies = tcase_create("bodies");

	tcase_add_test(headers, header_round_trip);
	tcase_add_test(headers, header_reserved);
	tcase_add_loop_test(headers, lengths, 0, ARRAY_SIZE(table));
	tcase_add_test(headers, other_types);
	tcase_add_test(bodies, region);
	tcase_add_test(bodies, state);
	tcase_add_test(bodies, state_head);
	tcase_add_test(bodies, end);
	tcase_add_test(bodies, abort_causes);
	tcase_add_test(bodies, abort_text);
	tcase_add_test(bodies, abort_head);
	tcase_add_loop_test(bodies, resolve_verdicts, 0, 4);
	tcase_add_test(bodies, verdict_names);
	suite_add_tcase(suite, headers);
	suite_add_tcase(suite, bodies);
	return run_suite(suite);
}
