/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "check-main.h"
#include "record.h"

/* ---- a stream of a source, as good as any ---- */

struct place {
	size_t header;
	size_t body;
	uint32_t length;
	uint16_t type;
};

#define RECORDS 10

static uint8_t stream[16384];
static size_t stream_bytes;
static struct place places[RECORDS];
static uint32_t placed;

/* the body is written behind the header, then the header before it */
static struct sevlm__writer begin_body(void)
{
	size_t at = stream_bytes + RECORD_HEADER_SIZE;

	return sevlm__writer(stream + at, sizeof(stream) - at);
}

static void append(uint16_t type, uint32_t epoch, struct sevlm__writer w)
{
	struct place *place = &places[placed];
	struct sevlm__record record = {
		.type = type,
		.flags = RECORD_REQUIRED,
		.epoch = epoch,
		.sequence = placed++,
	};

	ck_assert(!w.bad);
	place->header = stream_bytes;
	place->body = stream_bytes + RECORD_HEADER_SIZE;
	place->type = type;
	place->length = (uint32_t)(w.at - stream - place->body);
	record.length = place->length;
	sevlm__record_encode(&record, stream + place->header);
	stream_bytes = place->body + place->length;
}

static void append_bytes(uint16_t type, uint32_t epoch, const void *bytes,
			 size_t count)
{
	struct sevlm__writer w = begin_body();

	sevlm__put_bytes(&w, bytes, count);
	append(type, epoch, w);
}

static void append_hello(void)
{
	static const uint8_t pdh[SEVLM_PDH_SIZE];
	struct sevlm__hello hello = {
		.version_min = 1,
		.version_max = 1,
		.role = ROLE_SOURCE,
		.max_body = RECORD_BODY_LEAST,
		.channel = 1,
		.pdh = pdh,
	};
	struct sevlm__writer w = begin_body();
	size_t bytes = sevlm__hello_encode(&hello, w.at, w.left);

	sevlm__put(&w, bytes);
	append(RECORD_HELLO, 0, w);
}

static void append_pages(void)
{
	struct sevlm__writer w = begin_body();

	sevlm__put64(&w, 3);
	sevlm__put64(&w, 0x1000 | KIND_PRIVATE);
	sevlm__put64(&w, 0x2000 | KIND_ZERO);
	sevlm__put64(&w, 0x4000 | KIND_ZERO);
	memset(sevlm__put(&w, 52 + 4096), 0x33, 52 + 4096);
	append(RECORD_PAGES, 1, w);
}

static void append_shared(void)
{
	struct sevlm__span span = {.gpa = 0x1000, .pages = 3, .bitmap = {5}};
	struct sevlm__writer w = begin_body();

	sevlm__span_encode(&span, &w);
	append(RECORD_SHARED, 1, w);
}

static void append_end(void)
{
	struct sevlm__end end = {.private_pages = 11,
				 .shared_pages = 22,
				 .zero_pages = 33,
				 .freed_pages = 44};
	uint8_t body[END_SIZE];

	memset(end.digest, 0xab, sizeof(end.digest));
	sevlm__end_encode(&end, body);
	append_bytes(RECORD_END, 1, body, sizeof(body));
}

static void append_resolve(void)
{
	struct sevlm__resolve resolve = {
		.role = ROLE_TARGET,
		.verdict = VERDICT_STARTED,
	};
	uint8_t body[RESOLVE_SIZE];

	memset(resolve.token, 0x54, sizeof(resolve.token));
	memset(resolve.mac, 0x31, sizeof(resolve.mac));
	sevlm__resolve_encode(&resolve, body);
	append_bytes(RECORD_RESOLVE, 1, body, sizeof(body));
}

static void set_up(void)
{
	static const uint8_t round[8] = {9};
	static const uint8_t runs[32] = {0, 0x10, 0, 0, 0, 0, 0, 0, 7};
	static const uint8_t piece[29] = {6, [8] = 10, [16] = 5};
	struct sevlm__region region = {
		.gpa = 0x8000,
		.bytes = 0x1000,
		.type = SEVLM_REGION_TRACKED,
	};
	uint8_t body[REGION_SIZE];

	placed = 0;
	memcpy(stream, RECORD_MAGIC, RECORD_MAGIC_SIZE);
	stream_bytes = RECORD_MAGIC_SIZE;
	append_hello();
	append_bytes(RECORD_ROUND, 1, round, sizeof(round));
	append_pages();
	append_bytes(RECORD_FREE, 1, runs, sizeof(runs));
	sevlm__region_encode(&region, REGION_ADD, body);
	append_bytes(RECORD_REGION, 1, body, sizeof(body));
	append_shared();
	append_bytes(RECORD_STATE, 1, piece, sizeof(piece));
	append_end();
	append_bytes(RECORD_ABORT, 1, "\1\0\0\0\0\0\0\0why\n", 12);
	append_resolve();
}

/* ---- reading it ---- */

struct reading {
	int ret; /* of the whole */
	uint32_t records;
	struct sevlm_record last;
	char text[320]; /* of the last record */
	char name[32];
	char error[256];
};

static void note_record(struct reading *reading)
{
	reading->records++;
	ck_assert_uint_lt(strlen(reading->last.text), sizeof(reading->text));
	strcpy(reading->text, reading->last.text);
	strcpy(reading->name, reading->last.name);
}

/* up to most records of the first bytes, fed in pieces */
static struct reading read_part(size_t bytes, size_t piece, uint32_t most)
{
	struct reading reading = {.last.size = sizeof(reading.last)};
	struct sevlm_inspect *inspect;
	size_t at = 0, part, taken;
	uint8_t *copy = malloc(bytes ? bytes : 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, stream, bytes);
	ck_assert_int_eq(sevlm_inspect_new(&inspect), 0);
	while (!reading.ret && reading.records < most) {
		part = bytes - at < piece ? bytes - at : piece;
		reading.ret =
			sevlm_inspect_feed(inspect, copy + at, part, &taken);
		at += taken;
		while (!reading.ret && reading.records < most) {
			reading.ret =
				sevlm_inspect_next(inspect, &reading.last);
			if (!reading.ret)
				note_record(&reading);
		}
		if (reading.ret == -EAGAIN)
			reading.ret = 0;
		if (!reading.ret && at == bytes && reading.records < most) {
			reading.ret = sevlm_inspect_end(inspect);
			break;
		}
	}
	strcpy(reading.error, sevlm_inspect_error(inspect));
	ck_assert_int_eq(strlen(reading.error) > 0, reading.ret != 0);
	sevlm_inspect_free(inspect);
	free(copy);
	return reading;
}

static struct reading read_all(void)
{
	return read_part(stream_bytes, SIZE_MAX, UINT32_MAX);
}

static const struct {
	const char *name, *text;
} lines[RECORDS] = {
	{"HELLO", "source, versions 1 to 1"},
	{"ROUND", "9 pages"},
	{"PAGES", "1 private, 0 shared, 2 zero, 0x1000 to 0x4000"},
	{"FREE", "7 pages in 2 runs"},
	{"REGION", "add 0x8000+0x1000 of type 1"},
	{"SHARED", "2 shared pages in 1 spans"},
	{"STATE", "id 6, bytes 5 to 10 of 10"},
	{"END", "11 private, 22 shared, 33 zero, 44 free, digest abab"},
	{"ABORT", "cancelled: why?"},
	{"RESOLVE", "target: STARTED, session 5454545454545454, "
		    "authenticated by 3131313131313131"},
};

START_TEST(records)
{
	struct reading reading =
		read_part(stream_bytes, SIZE_MAX, (uint32_t)_i + 1);

	ck_assert_int_eq(reading.ret, 0);
	ck_assert_uint_eq(reading.records, _i + 1);
	ck_assert_uint_eq(reading.last.offset, places[_i].header);
	ck_assert_uint_eq(reading.last.sequence, _i);
	ck_assert_uint_eq(reading.last.type, places[_i].type);
	ck_assert_uint_eq(reading.last.flags, RECORD_REQUIRED);
	ck_assert_uint_eq(reading.last.epoch, _i ? 1 : 0);
	ck_assert_uint_eq(reading.last.bytes, places[_i].length);
	ck_assert_str_eq(reading.name, lines[_i].name);
	ck_assert_msg(
		!strncmp(reading.text, lines[_i].text, strlen(lines[_i].text)),
		"'%s'", reading.text);
}
END_TEST

START_TEST(pieces)
{
	static const size_t sizes[] = {1, 2, 7, 8, 24, 31, 100, 4096};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct reading reading =
			read_part(stream_bytes, sizes[i], UINT32_MAX);

		ck_assert_int_eq(reading.ret, 0);
		ck_assert_uint_eq(reading.records, RECORDS);
	}
}
END_TEST

/* ---- cut off, and too long ---- */

static bool at_border(size_t bytes)
{
	for (uint32_t i = 0; i < RECORDS; i++)
		if (bytes == places[i].header)
			return true;
	return bytes == stream_bytes;
}

static bool near_border(size_t bytes)
{
	for (uint32_t i = 0; i < RECORDS; i++)
		if (bytes + 8 >= places[i].header &&
		    bytes <= places[i].body + 8)
			return true;
	return bytes + 8 >= stream_bytes;
}

START_TEST(truncated)
{
	for (size_t bytes = 0; bytes <= stream_bytes; bytes++) {
		struct reading reading;

		/* the inside of a long body is all alike */
		if (!near_border(bytes) && bytes % 53)
			continue;
		reading = read_part(bytes, SIZE_MAX, UINT32_MAX);
		if (reading.ret != (at_border(bytes) ? 0 : -EBADMSG))
			ck_abort_msg("%zu bytes: %d", bytes, reading.ret);
	}
}
END_TEST

START_TEST(trailing)
{
	size_t whole = stream_bytes;

	for (size_t more = 1; more <= 30; more++) {
		struct reading reading;

		memset(stream + whole, 0, more);
		stream_bytes = whole + more;
		reading = read_all();
		ck_assert_int_eq(reading.ret, -EBADMSG);
		ck_assert_uint_eq(reading.records, RECORDS);
		ck_assert_ptr_nonnull(strstr(reading.error, "record 10"));
	}
}
END_TEST

/* damage behind records that nobody has looked at yet is told too */
START_TEST(end_without_reading)
{
	struct sevlm_inspect *inspect;
	size_t taken;

	stream_bytes = places[1].header;
	memset(stream + stream_bytes, 0, RECORD_HEADER_SIZE + 1);
	stream_bytes += RECORD_HEADER_SIZE;
	ck_assert_int_eq(sevlm_inspect_new(&inspect), 0);
	ck_assert_int_eq(
		sevlm_inspect_feed(inspect, stream, stream_bytes + 1, &taken),
		0);
	ck_assert_uint_eq(taken, stream_bytes);
	ck_assert_int_eq(sevlm_inspect_end(inspect), -EBADMSG);
	ck_assert_str_ne(sevlm_inspect_error(inspect), "");
	sevlm_inspect_free(inspect);
}
END_TEST

/* ---- damage ---- */

START_TEST(damaged_magic)
{
	for (size_t i = 0; i < RECORD_MAGIC_SIZE; i++) {
		struct reading reading;

		stream[i] ^= 0x80;
		reading = read_all();
		ck_assert_int_eq(reading.ret, -EBADMSG);
		ck_assert_uint_eq(reading.records, 0);
		ck_assert_ptr_nonnull(strstr(reading.error, "not a migration"));
		stream[i] ^= 0x80;
	}
}
END_TEST

/* every byte of every header; a type of high number is unknown, not wrong,
 * but only a ROUND may carry the next epoch */
START_TEST(damaged_headers)
{
	size_t header = places[_i].header;

	for (size_t i = 0; i < RECORD_HEADER_SIZE; i++) {
		bool type =
			(i == 4 || i == 5) && places[_i].type != RECORD_ROUND;
		struct reading reading;

		stream[header + i] ^= 0x80;
		if (type) {
			reading = read_part(stream_bytes, SIZE_MAX,
					    (uint32_t)_i + 1);
			ck_assert_int_eq(reading.ret, 0);
			ck_assert_str_eq(reading.name, "unknown");
		} else {
			reading = read_all();
			ck_assert_int_eq(reading.ret, -EBADMSG);
			ck_assert_uint_le(reading.records, _i + 1);
		}
		stream[header + i] ^= 0x80;
	}
}
END_TEST

static const struct {
	uint32_t record;
	size_t at; /* in its body */
	uint8_t flip;
} wounds[] = {
	{0, 0, 1}, /* versions */
	{0, 16, 1}, /* reserved */
	{0, 88 + 4, 1}, /* a field's length */
	{0, 88 + 2, 2}, /* a field's flags */
	{2, 0, 1}, /* count */
	{2, 4, 1}, /* reserved */
	{2, 8, 3}, /* a kind */
	{2, 9, 1}, /* a kind's high bits */
	{4, 1, 1}, /* alignment */
	{4, 16, 7}, /* type */
	{4, 20, 2}, /* action */
	{5, 0, 1}, /* alignment */
	{5, 8, 3}, /* no pages */
	{5, 12, 4}, /* form */
	{5, 16, 8}, /* a bit past the end */
	{6, 4, 1}, /* reserved */
	{6, 8, 2}, /* total */
	{6, 16, 2}, /* offset */
	{6, 23, 0xff}, /* offset */
	{7, 36, 1}, /* reserved */
	{8, 7, 0x80}, /* reserved */
};

START_TEST(damaged_bodies)
{
	uint32_t number = wounds[_i].record;
	struct reading reading;
	char where[64];

	stream[places[number].body + wounds[_i].at] ^= wounds[_i].flip;
	reading = read_all();
	ck_assert_int_eq(reading.ret, -EBADMSG);
	ck_assert_uint_eq(reading.records, number);
	snprintf(where, sizeof(where), "record %u at byte %zu", number,
		 places[number].header);
	ck_assert_ptr_nonnull(strstr(reading.error, where));
}
END_TEST

/* a round carries the next epoch, everything else the current one */
START_TEST(epochs)
{
	static const struct {
		uint32_t record;
		uint8_t epoch;
	} cases[] = {{0, 1}, {1, 0}, {1, 2}, {2, 0}, {2, 2}, {8, 0}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t *at = &stream[places[cases[i].record].header + 8];
		uint8_t old = *at;
		struct reading reading;

		*at = cases[i].epoch;
		reading = read_all();
		ck_assert_int_eq(reading.ret, -EBADMSG);
		ck_assert_uint_eq(reading.records, cases[i].record);
		ck_assert_ptr_nonnull(strstr(reading.error, "epoch"));
		*at = old;
	}
}
END_TEST

/* ---- the calls ---- */

START_TEST(arguments)
{
	struct sevlm_record record = {.size = sizeof(record)};
	struct sevlm_inspect *inspect;
	size_t taken;

	ck_assert_int_eq(sevlm_inspect_new(NULL), -EINVAL);
	ck_assert_int_eq(sevlm_inspect_new(&inspect), 0);
	ck_assert_int_eq(sevlm_inspect_feed(NULL, stream, 1, &taken), -EINVAL);
	ck_assert_int_eq(sevlm_inspect_feed(inspect, NULL, 1, &taken), -EINVAL);
	ck_assert_int_eq(sevlm_inspect_feed(inspect, stream, 1, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_inspect_feed(inspect, NULL, 0, &taken), 0);
	ck_assert_int_eq(sevlm_inspect_next(NULL, &record), -EINVAL);
	ck_assert_int_eq(sevlm_inspect_next(inspect, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_inspect_next(inspect, &record), -EAGAIN);
	ck_assert_int_eq(sevlm_inspect_end(NULL), -EINVAL);
	ck_assert_str_ne(sevlm_inspect_error(NULL), "");
	ck_assert_str_eq(sevlm_inspect_error(inspect), "");
	sevlm_inspect_free(inspect);
	sevlm_inspect_free(NULL);
}
END_TEST

/* a record is not lost by a wrong size */
START_TEST(sizes)
{
	struct {
		struct sevlm_record record;
		uint64_t more;
	} out = {.record.size = 0, .more = 9};
	struct sevlm_inspect *inspect;
	size_t taken;

	ck_assert_int_eq(sevlm_inspect_new(&inspect), 0);
	ck_assert_int_eq(
		sevlm_inspect_feed(inspect, stream, stream_bytes, &taken), 0);
	ck_assert_int_eq(sevlm_inspect_next(inspect, &out.record), -EINVAL);
	out.record.size = offsetof(struct sevlm_record, type);
	ck_assert_int_eq(sevlm_inspect_next(inspect, &out.record), 0);
	ck_assert_uint_eq(out.record.sequence, 0);
	ck_assert_uint_eq(out.record.type, 0);
	out.record.size = sizeof(out);
	ck_assert_int_eq(sevlm_inspect_next(inspect, &out.record), 0);
	ck_assert_uint_eq(out.record.sequence, 1);
	ck_assert_uint_eq(out.more, 0);
	sevlm_inspect_free(inspect);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("inspect");
	TCase *tcase = tcase_create("inspect");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_loop_test(tcase, records, 0, RECORDS);
	tcase_add_test(tcase, pieces);
	tcase_add_test(tcase, truncated);
	tcase_add_test(tcase, trailing);
	tcase_add_test(tcase, end_without_reading);
	tcase_add_test(tcase, damaged_magic);
	tcase_add_loop_test(tcase, damaged_headers, 0, RECORDS);
	tcase_add_loop_test(tcase, damaged_bodies, 0, ARRAY_SIZE(wounds));
	tcase_add_test(tcase, epochs);
	tcase_add_test(tcase, arguments);
	tcase_add_test(tcase, sizes);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
