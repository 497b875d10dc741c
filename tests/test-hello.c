/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* HELLO: fields to bytes and back. */
#include <errno.h>
#include <stdlib.h>

#include "check-main.h"
#include "record.h"

#define HEAD 88
#define ROOM 65536

static uint8_t pdh[SEVLM_PDH_SIZE], chain[SEVLM_CHAIN_SIZE];
static uint8_t amd[SEVLM_BLOB_MAX], regions[SEVLM_MAX_REGIONS * REGION_SIZE];
static uint8_t cpuid[2 * SEVLM__CPUID_ENTRY];
static uint8_t out[ROOM];

static struct sevlm__hello source_hello(void)
{
	struct sevlm__hello hello = {
		.version_min = 1,
		.version_max = 2,
		.role = ROLE_SOURCE,
		.max_body = 0x12345,
		.channel = SEVLM_CHANNEL_DECLARED,
		.policy = 0x80000001,
		.control = 3,
		.pdh = pdh,
		.chain = chain,
		.regions = regions,
		.region_count = 2,
		.cpuid = cpuid,
		.cpuid_count = 2,
	};

	memset(hello.nonce, 0x11, sizeof(hello.nonce));
	memset(hello.binding, 0x22, sizeof(hello.binding));
	return hello;
}

static int decode(const void *bytes, size_t count, struct sevlm__hello *hello)
{
	uint8_t *copy = malloc(count ? count : 1);
	int ret;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, count);
	ret = sevlm__hello_decode(copy, count, hello);
	free(copy);
	return ret;
}

/* ---- whole ones ---- */

START_TEST(source)
{
	struct sevlm__hello hello = source_hello(), back;
	size_t count = sevlm__hello_encode(&hello, out, sizeof(out));

	ck_assert_uint_eq(count, HEAD + 7 * 8 - 8 + 4 + 4 + sizeof(pdh) +
					 sizeof(chain) + 48 + sizeof(cpuid));
	ck_assert_int_eq(sevlm__hello_decode(out, count, &back), 0);
	ck_assert_uint_eq(back.version_min, 1);
	ck_assert_uint_eq(back.version_max, 2);
	ck_assert_uint_eq(back.role, ROLE_SOURCE);
	ck_assert_uint_eq(back.max_body, 0x12345);
	ck_assert_uint_eq(back.channel, SEVLM_CHANNEL_DECLARED);
	ck_assert_uint_eq(back.policy, 0x80000001);
	ck_assert_uint_eq(back.control, 3);
	ck_assert_mem_eq(back.nonce, hello.nonce, sizeof(hello.nonce));
	ck_assert_mem_eq(back.binding, hello.binding, sizeof(hello.binding));
	ck_assert_mem_eq(back.pdh, pdh, sizeof(pdh));
	ck_assert_mem_eq(back.chain, chain, sizeof(chain));
	ck_assert_uint_eq(back.region_count, 2);
	ck_assert_mem_eq(back.regions, regions, 48);
	ck_assert_uint_eq(back.cpuid_count, 2);
	ck_assert_ptr_null(back.amd);
}
END_TEST

START_TEST(target)
{
	struct sevlm__hello hello = source_hello(), back;
	size_t count;

	hello.role = ROLE_TARGET;
	hello.regions = NULL;
	hello.cpuid = NULL;
	hello.amd = amd;
	hello.amd_bytes = sizeof(amd);
	count = sevlm__hello_encode(&hello, out, sizeof(out));
	ck_assert_uint_eq(count, HEAD + 3 * 8 + sizeof(pdh) + sizeof(chain) +
					 sizeof(amd));
	ck_assert_int_eq(sevlm__hello_decode(out, count, &back), 0);
	ck_assert_uint_eq(back.role, ROLE_TARGET);
	ck_assert_uint_eq(back.policy, 0);
	ck_assert_uint_eq(back.amd_bytes, sizeof(amd));
	ck_assert_mem_eq(back.amd, amd, sizeof(amd));
	ck_assert_ptr_null(back.regions);
	ck_assert_ptr_null(back.cpuid);
}
END_TEST

/* who does not know it skips it, and who has none does not speak of it */
START_TEST(contiguous)
{
	uint8_t list[2 * CONTIGUOUS_SIZE] = {0, 0x40, [8] = 0, 0x80};
	struct sevlm__hello hello = source_hello(), back;
	size_t without, count;

	hello.role = ROLE_TARGET;
	hello.contiguous = list;
	without = sevlm__hello_encode(&hello, out, sizeof(out));
	ck_assert_int_eq(decode(out, without, &back), 0);
	ck_assert_uint_eq(back.contiguous_count, 0);
	hello.contiguous_count = 2;
	count = sevlm__hello_encode(&hello, out, sizeof(out));
	ck_assert_uint_eq(count, without + 8 + sizeof(list));
	ck_assert_mem_eq(out + without, "\x08\0\0\0\x10\0\0\0", 8);
	ck_assert_int_eq(sevlm__hello_decode(out, count, &back), 0);
	ck_assert_uint_eq(back.contiguous_count, 2);
	ck_assert_mem_eq(back.contiguous, list, sizeof(list));
}
END_TEST

START_TEST(no_room)
{
	struct sevlm__hello hello = source_hello();
	size_t count = sevlm__hello_encode(&hello, out, sizeof(out));

	ck_assert_uint_gt(count, 0);
	ck_assert_uint_eq(sevlm__hello_encode(&hello, out, count), count);
	for (size_t room = 0; room < count; room += 61)
		ck_assert_uint_eq(sevlm__hello_encode(&hello, out, room), 0);
	ck_assert_uint_eq(sevlm__hello_encode(&hello, out, count - 1), 0);
}
END_TEST

/* the most that a source can say fits into the least record */
START_TEST(largest_fits)
{
	struct sevlm__hello hello = source_hello();

	hello.region_count = SEVLM_MAX_REGIONS;
	ck_assert_uint_gt(sevlm__hello_encode(&hello, out, RECORD_BODY_LEAST),
			  0);
	hello.amd = amd;
	hello.amd_bytes = sizeof(amd);
	ck_assert_uint_gt(sevlm__hello_encode(&hello, out, RECORD_BODY_LEAST),
			  0);
}
END_TEST

/* a cut is seen unless it leaves whole fields */
START_TEST(truncated)
{
	struct sevlm__hello hello = source_hello(), back;
	size_t count = sevlm__hello_encode(&hello, out, sizeof(out));
	const size_t borders[] = {
		HEAD,
		HEAD + 12,
		HEAD + 24,
		HEAD + 32 + sizeof(pdh),
		HEAD + 40 + sizeof(pdh) + sizeof(chain),
		HEAD + 48 + sizeof(pdh) + sizeof(chain) + 48,
	};
	size_t border = 0;

	for (size_t cut = 0; cut < count; cut++) {
		bool whole =
			border < ARRAY_SIZE(borders) && cut == borders[border];

		border += whole;
		if (decode(out, cut, &back) != (whole ? 0 : -EBADMSG))
			ck_abort_msg("%zu of %zu bytes", cut, count);
	}
	ck_assert_uint_eq(border, ARRAY_SIZE(borders));
}
END_TEST

/* ---- the fixed part ---- */

static size_t head(void)
{
	struct sevlm__hello hello = {
		.version_min = 1,
		.version_max = 1,
		.role = ROLE_TARGET,
	};

	return sevlm__hello_encode(&hello, out, sizeof(out));
}

START_TEST(reserved)
{
	struct sevlm__hello back;

	ck_assert_uint_eq(head(), HEAD);
	ck_assert_int_eq(decode(out, HEAD, &back), 0);
	for (uint32_t bit = 0; bit < 64; bit++) {
		head();
		out[16 + bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_int_eq(decode(out, HEAD, &back), -EBADMSG);
	}
}
END_TEST

START_TEST(versions)
{
	static const struct {
		uint16_t min, max;
		int ret;
	} cases[] = {
		{1, 1, 0},
		{1, 0xffff, 0},
		{7, 9, 0},
		{0, 0, -EBADMSG},
		{0, 1, -EBADMSG},
		{2, 1, -EBADMSG},
		{0xffff, 0xfffe, -EBADMSG},
	};
	struct sevlm__hello hello = source_hello(), back;
	size_t count;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		hello.version_min = cases[i].min;
		hello.version_max = cases[i].max;
		count = sevlm__hello_encode(&hello, out, sizeof(out));
		ck_assert_int_eq(decode(out, count, &back), cases[i].ret);
	}
}
END_TEST

/* ---- one field ---- */

static size_t add_field(size_t at, uint16_t id, uint16_t flags, uint32_t told,
			uint32_t count)
{
	struct sevlm__writer w = sevlm__writer(out + at, sizeof(out) - at);

	sevlm__put16(&w, id);
	sevlm__put16(&w, flags);
	sevlm__put32(&w, told);
	memset(w.at, 0, count);
	return at + 8 + count;
}

static int with_field(uint16_t id, uint16_t flags, uint32_t told,
		      uint32_t count)
{
	struct sevlm__hello back;
	size_t end = add_field(head(), id, flags, told, count);

	return decode(out, end, &back);
}

static const struct {
	uint16_t id;
	uint32_t good[3], bad[5];
} fields[] = {
	{1, {4, 4, 4}, {0, 3, 5, 8, 4096}},
	{2, {4, 4, 4}, {0, 3, 5, 8, 4096}},
	{3, {2084, 2084, 2084}, {0, 2083, 2085, 4, 6252}},
	{4, {6252, 6252, 6252}, {0, 6251, 6253, 2084, 8336}},
	{5, {1, 64, 16384}, {0, 16385, 16386, 20000, 60000}},
	{6, {0, 24, 6144}, {1, 23, 25, 6145, 6168}},
	{7, {28, 56, 7168}, {0, 1, 27, 29, 7196}},
	{8, {8, 16, 2048}, {0, 1, 7, 9, 2056}},
};

START_TEST(field_lengths)
{
	uint16_t id = fields[_i].id;

	for (size_t i = 0; i < ARRAY_SIZE(fields[_i].good); i++) {
		uint32_t count = fields[_i].good[i];

		ck_assert_int_eq(with_field(id, 1, count, count), 0);
		ck_assert_int_eq(with_field(id, 0, count, count), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fields[_i].bad); i++) {
		uint32_t count = fields[_i].bad[i];

		ck_assert_int_eq(with_field(id, 1, count, count), -EBADMSG);
	}
}
END_TEST

START_TEST(field_flags)
{
	uint32_t count = fields[_i].good[2];

	for (uint32_t bit = 1; bit < 16; bit++) {
		uint16_t flags = (uint16_t)(1u << bit);

		ck_assert_int_eq(with_field(fields[_i].id, flags, count, count),
				 -EBADMSG);
		ck_assert_int_eq(
			with_field(fields[_i].id, flags | 1, count, count),
			-EBADMSG);
	}
}
END_TEST

START_TEST(field_twice)
{
	uint32_t count = fields[_i].good[1];
	struct sevlm__hello back;
	size_t end;

	end = add_field(head(), fields[_i].id, 1, count, count);
	ck_assert_int_eq(decode(out, end, &back), 0);
	end = add_field(end, fields[_i].id, 1, count, count);
	ck_assert_int_eq(decode(out, end, &back), -EBADMSG);
	end = add_field(head(), fields[_i].id, 0, count, count);
	end = add_field(end, 99, 0, 5, 5);
	end = add_field(end, fields[_i].id, 1, count, count);
	ck_assert_int_eq(decode(out, end, &back), -EBADMSG);
}
END_TEST

/* a length that the rest does not hold */
START_TEST(field_lies)
{
	static const uint32_t told[] = {
		11, 12, 4096, 0x7fffffff, 0x80000000, 0xfffffff8, UINT32_MAX,
	};

	for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
		ck_assert_int_eq(with_field(fields[_i].id, 1, told[i], 10),
				 -EBADMSG);
		ck_assert_int_eq(with_field(1000, 0, told[i], 10), -EBADMSG);
	}
}
END_TEST

START_TEST(unknown_fields)
{
	static const uint16_t ids[] = {9, 10, 31, 32, 33, 40, 0x8001, 0xffff};
	struct sevlm__hello back;
	size_t end;

	ck_assert_int_eq(with_field(0, 0, 4, 4), -EBADMSG);
	ck_assert_int_eq(with_field(0, 1, 4, 4), -EBADMSG);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		ck_assert_int_eq(with_field(ids[i], 0, 4, 4), 0);
		ck_assert_int_eq(with_field(ids[i], 0, 0, 0), 0);
		ck_assert_int_eq(with_field(ids[i], 1, 4, 4), -EPROTO);
		ck_assert_int_eq(with_field(ids[i], 2, 4, 4), -EBADMSG);
		/* skipped, and what follows is found */
		end = add_field(head(), ids[i], 0, 7, 7);
		end = add_field(end, ids[i], 0, 7, 7);
		end = add_field(end, 3, 1, SEVLM_PDH_SIZE, SEVLM_PDH_SIZE);
		ck_assert_int_eq(sevlm__hello_decode(out, end, &back), 0);
		ck_assert_ptr_eq(back.pdh, out + end - SEVLM_PDH_SIZE);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hello");
	TCase *whole = tcase_create("whole");
	TCase *field = tcase_create("field");
	const int count = ARRAY_SIZE(fields);

	tcase_add_test(whole, source);
	tcase_add_test(whole, target);
	tcase_add_test(whole, contiguous);
	tcase_add_test(whole, no_room);
	tcase_add_test(whole, largest_fits);
	tcase_add_test(whole, truncated);
	tcase_add_test(whole, reserved);
	tcase_add_test(whole, versions);
	tcase_add_loop_test(field, field_lengths, 0, count);
	tcase_add_loop_test(field, field_flags, 0, count);
	tcase_add_loop_test(field, field_twice, 0, count);
	tcase_add_loop_test(field, field_lies, 0, count);
	tcase_add_test(field, unknown_fields);
	suite_add_tcase(suite, whole);
	suite_add_tcase(suite, field);
	return run_suite(suite);
}
