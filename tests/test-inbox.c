/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "check-main.h"
#include "engine.h"

#define MAX_BODY 4096u

static struct sevlm__inbox inbox;

static void set_up(void)
{
	ck_assert_int_eq(sevlm__inbox_init(&inbox, MAX_BODY), 0);
}

static void tear_down(void)
{
	sevlm__inbox_fini(&inbox);
}

/* ---- streams: records of an unknown type may have any length ---- */

#define TYPE 500

static uint8_t stream[1u << 20];
static size_t stream_bytes;

static uint8_t body_byte(uint64_t sequence, uint32_t at)
{
	return (uint8_t)(sequence * 31 + at * 7 + at / 256);
}

static void begin_stream(void)
{
	memcpy(stream, RECORD_MAGIC, RECORD_MAGIC_SIZE);
	stream_bytes = RECORD_MAGIC_SIZE;
}

static void append(uint64_t sequence, uint32_t length)
{
	struct sevlm__record record = {
		.type = TYPE,
		.length = length,
		.sequence = sequence,
	};

	ck_assert_uint_le(stream_bytes + RECORD_HEADER_SIZE + length,
			  sizeof(stream));
	sevlm__record_encode(&record, stream + stream_bytes);
	stream_bytes += RECORD_HEADER_SIZE;
	for (uint32_t i = 0; i < length; i++)
		stream[stream_bytes++] = body_byte(sequence, i);
}

static void three_records(void)
{
	begin_stream();
	append(0, 5);
	append(1, 1);
	append(2, 40);
}

static void expect_record(uint64_t sequence, uint32_t length)
{
	const uint8_t *header, *body;
	struct sevlm__record record;

	ck_assert_int_eq(sevlm__inbox_peek(&inbox, &record, &header, &body), 0);
	ck_assert_uint_eq(record.sequence, sequence);
	ck_assert_uint_eq(record.length, length);
	ck_assert_ptr_eq(body, header + RECORD_HEADER_SIZE);
	for (uint32_t i = 0; i < length; i++)
		if (body[i] != body_byte(sequence, i))
			ck_abort_msg("byte %u of record %u", i,
				     (unsigned int)sequence);
	sevlm__inbox_release(&inbox);
}

static int peek(void)
{
	const uint8_t *header, *body;
	struct sevlm__record record;

	return sevlm__inbox_peek(&inbox, &record, &header, &body);
}

static void expect_three(void)
{
	expect_record(0, 5);
	expect_record(1, 1);
	expect_record(2, 40);
	ck_assert_int_eq(peek(), -EAGAIN);
}

static size_t feed(size_t from, size_t to)
{
	return sevlm__inbox_feed(&inbox, stream + from, to - from);
}

/* the same by space() and fed(), as much as there is room */
static size_t feed_in_place(size_t from, size_t to)
{
	size_t room, taken = 0;
	void *at;

	while (from + taken < to) {
		sevlm__inbox_space(&inbox, &at, &room);
		if (!room)
			break;
		if (room > to - from - taken)
			room = to - from - taken;
		memcpy(at, stream + from + taken, room);
		ck_assert_int_eq(sevlm__inbox_fed(&inbox, room), 0);
		taken += room;
	}
	return taken;
}

static size_t (*const ways[])(size_t from, size_t to) = {feed, feed_in_place};

/* ---- every cut ---- */

START_TEST(two_pieces)
{
	three_records();
	for (size_t cut = 0; cut <= stream_bytes; cut++) {
		ck_assert_uint_eq(ways[_i](0, cut), cut);
		ck_assert_uint_eq(ways[_i](cut, stream_bytes),
				  stream_bytes - cut);
		ck_assert_uint_eq(sevlm__inbox_moved(&inbox), stream_bytes);
		ck_assert_uint_eq(sevlm__inbox_partial(&inbox), 0);
		expect_three();
		tear_down();
		set_up();
	}
}
END_TEST

START_TEST(single_bytes)
{
	size_t expected = 0;

	three_records();
	for (size_t i = 0; i < stream_bytes; i++) {
		ck_assert_uint_eq(sevlm__inbox_moved(&inbox), i);
		ck_assert_uint_eq(ways[_i](i, i + 1), 1);
		expected++;
		if (expected == RECORD_MAGIC_SIZE && i < RECORD_MAGIC_SIZE)
			expected = 0;
		if (i + 1 == 8 + 29 || i + 1 == 8 + 29 + 25 ||
		    i + 1 == stream_bytes)
			expected = 0;
		ck_assert_uint_eq(sevlm__inbox_partial(&inbox), expected);
	}
	expect_three();
}
END_TEST

START_TEST(three_pieces)
{
	three_records();
	for (size_t a = 0; a < stream_bytes; a += 3) {
		for (size_t b = a; b <= stream_bytes; b += 5) {
			ck_assert_uint_eq(ways[_i](0, a), a);
			ck_assert_uint_eq(ways[_i](a, b), b - a);
			ck_assert_uint_eq(ways[_i](b, stream_bytes),
					  stream_bytes - b);
			expect_three();
			tear_down();
			set_up();
		}
	}
}
END_TEST

/* the other thread takes a record while this one writes into the space */
START_TEST(release_between)
{
	static const uint32_t lengths[] = {5, 1, 40};

	three_records();
	for (size_t cut = 0; cut < stream_bytes; cut++) {
		uint32_t out = 0;
		size_t room;
		void *at;

		ck_assert_uint_eq(ways[_i](0, cut), cut);
		sevlm__inbox_space(&inbox, &at, &room);
		if (room > stream_bytes - cut)
			room = stream_bytes - cut;
		for (; !peek(); out++)
			expect_record(out, lengths[out]);
		if (room)
			memcpy(at, stream + cut, room);
		ck_assert_int_eq(sevlm__inbox_fed(&inbox, room), 0);
		feed(cut + room, stream_bytes);
		for (; out < 3; out++)
			expect_record(out, lengths[out]);
		tear_down();
		set_up();
	}
}
END_TEST

/* ---- a full box ---- */

START_TEST(full)
{
	size_t taken, room;
	void *at;

	begin_stream();
	for (uint64_t i = 0; i < 8; i++)
		append(i, 100);
	taken = ways[_i](0, stream_bytes);
	/* three records, and what was read beyond the third */
	ck_assert_uint_ge(taken, 8 + 3 * 124);
	ck_assert_uint_le(taken, 8 + 3 * 124 + RECORD_HEADER_SIZE);
	sevlm__inbox_space(&inbox, &at, &room);
	ck_assert_uint_eq(room, 0);
	ck_assert_int_eq(sevlm__inbox_fed(&inbox, 1), -EINVAL);
	ck_assert_int_eq(sevlm__inbox_fed(&inbox, 0), 0);
	ck_assert_uint_eq(ways[_i](taken, stream_bytes), 0);
	ck_assert_uint_eq(sevlm__inbox_moved(&inbox), taken);
	for (uint64_t i = 0; i < 8; i++) {
		expect_record(i, 100);
		taken += ways[_i](taken, stream_bytes);
	}
	ck_assert_uint_eq(taken, stream_bytes);
	ck_assert_int_eq(peek(), -EAGAIN);
}
END_TEST

START_TEST(fed_too_much)
{
	size_t room;
	void *at;

	sevlm__inbox_space(&inbox, &at, &room);
	ck_assert_uint_eq(room, RECORD_MAGIC_SIZE);
	ck_assert_int_eq(sevlm__inbox_fed(&inbox, room + 1), -EINVAL);
	ck_assert_int_eq(sevlm__inbox_fed(&inbox, SIZE_MAX), -EINVAL);
	ck_assert_uint_eq(sevlm__inbox_moved(&inbox), 0);
	begin_stream();
	append(0, 9);
	ck_assert_uint_eq(feed(0, 20), 20);
	sevlm__inbox_space(&inbox, &at, &room);
	ck_assert_uint_eq(room, 12);
	ck_assert_int_eq(sevlm__inbox_fed(&inbox, 13), -EINVAL);
}
END_TEST

/* ---- lost framing ---- */

START_TEST(wrong_magic)
{
	three_records();
	for (size_t i = 0; i < RECORD_MAGIC_SIZE; i++) {
		stream[i] ^= 0x20;
		ck_assert_uint_le(ways[_i](0, stream_bytes), RECORD_MAGIC_SIZE);
		ck_assert_int_eq(peek(), -EPROTO);
		ck_assert_uint_eq(ways[_i](0, stream_bytes), 0);
		stream[i] ^= 0x20;
		/* byte by byte it is seen at once */
		tear_down();
		set_up();
		stream[i] ^= 0x20;
		for (size_t j = 0; j <= i; j++) {
			ck_assert_int_eq(peek(), -EAGAIN);
			ck_assert_uint_eq(ways[_i](j, j + 1), 1);
		}
		ck_assert_int_eq(peek(), -EPROTO);
		ck_assert_uint_eq(ways[_i](i + 1, i + 2), 0);
		stream[i] ^= 0x20;
		tear_down();
		set_up();
	}
}
END_TEST

/* refused by its header, before anything of its body is taken */
static void expect_refused(uint32_t length, uint16_t type)
{
	struct sevlm__record record = {.type = type, .length = length};
	uint8_t header[RECORD_HEADER_SIZE];

	tear_down();
	set_up();
	begin_stream();
	append(0, 3);
	ck_assert_uint_eq(feed(0, stream_bytes), stream_bytes);
	sevlm__record_encode(&record, header);
	ck_assert_uint_eq(sevlm__inbox_feed(&inbox, header, sizeof(header)),
			  sizeof(header));
	ck_assert_uint_eq(sevlm__inbox_feed(&inbox, header, 1), 0);
	/* what came before is still good */
	expect_record(0, 3);
	ck_assert_int_eq(peek(), -EBADMSG);
	ck_assert_uint_eq(sevlm__inbox_feed(&inbox, header, 1), 0);
}

START_TEST(bad_lengths)
{
	expect_refused(0, TYPE);
	expect_refused(MAX_BODY + 1, TYPE);
	expect_refused(RECORD_BODY_MAX, TYPE);
	expect_refused(UINT32_MAX, TYPE);
	expect_refused(33, RECORD_COMMIT);
	expect_refused(1, 0);
	/* good for its type, too long for this box */
	expect_refused(MAX_BODY + 1, RECORD_PAGES);
}
END_TEST

START_TEST(longest)
{
	begin_stream();
	append(0, MAX_BODY);
	append(1, MAX_BODY);
	append(2, MAX_BODY);
	append(3, MAX_BODY);
	ck_assert_uint_lt(ways[_i](0, stream_bytes), stream_bytes);
	expect_record(0, MAX_BODY);
	expect_record(1, MAX_BODY);
	expect_record(2, MAX_BODY);
}
END_TEST

/* ---- closed ---- */

START_TEST(closed)
{
	three_records();
	ck_assert_uint_eq(feed(0, stream_bytes - 1), stream_bytes - 1);
	sevlm__inbox_close(&inbox);
	ck_assert_uint_eq(feed(stream_bytes - 1, stream_bytes), 0);
	ck_assert_int_eq(sevlm__inbox_fed(&inbox, 1), -EINVAL);
	ck_assert_uint_eq(sevlm__inbox_partial(&inbox), 24 + 39);
	expect_record(0, 5);
	expect_record(1, 1);
	ck_assert_int_eq(peek(), -ECONNRESET);
}
END_TEST

START_TEST(closed_at_once)
{
	ck_assert_int_eq(peek(), -EAGAIN);
	sevlm__inbox_close(&inbox);
	ck_assert_int_eq(peek(), -ECONNRESET);
	ck_assert_uint_eq(sevlm__inbox_partial(&inbox), 0);
}
END_TEST

START_TEST(broken_and_closed)
{
	ck_assert_uint_eq(sevlm__inbox_feed(&inbox, "GET / HT", 8), 8);
	sevlm__inbox_close(&inbox);
	ck_assert_int_eq(peek(), -EPROTO);
}
END_TEST

/* ---- another connection ---- */

/* whatever was left of the first one */
START_TEST(reset)
{
	three_records();
	for (size_t cut = 0; cut <= stream_bytes; cut++) {
		ck_assert_uint_eq(ways[_i](0, cut), cut);
		if (cut % 3 == 1 && !peek())
			sevlm__inbox_release(&inbox);
		if (cut % 2)
			sevlm__inbox_close(&inbox);
		sevlm__inbox_reset(&inbox);
		ck_assert_int_eq(peek(), -EAGAIN);
		ck_assert_uint_eq(sevlm__inbox_partial(&inbox), 0);
		ck_assert_uint_eq(ways[_i](0, stream_bytes), stream_bytes);
		expect_three();
		tear_down();
		set_up();
	}
}
END_TEST

START_TEST(reset_after_broken_framing)
{
	three_records();
	stream[0] ^= 1;
	feed(0, stream_bytes);
	ck_assert_int_eq(peek(), -EPROTO);
	stream[0] ^= 1;
	sevlm__inbox_reset(&inbox);
	ck_assert_uint_eq(feed(0, stream_bytes), stream_bytes);
	expect_three();
}
END_TEST

/* ---- against a model: whatever the sizes, what goes in comes out ---- */

static uint64_t seed;

static uint32_t chance(uint32_t limit)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % limit;
}

static uint32_t some_length(void)
{
	static const uint32_t edges[] = {1,	  2, 23, 24, 25, MAX_BODY - 1,
					 MAX_BODY};

	return chance(3) ? 1 + chance(64) : edges[chance(7)];
}

START_TEST(model)
{
	uint32_t lengths[200], count = 200, out = 0;
	size_t at = 0, part;

	seed = 1000 + (uint64_t)_i;
	fprintf(stderr, "# inbox: seed %llu\n", (unsigned long long)seed);
	begin_stream();
	for (uint32_t i = 0; i < count; i++) {
		lengths[i] = some_length();
		append(i, lengths[i]);
	}
	for (uint32_t turn = 0; out < count; turn++) {
		if (turn > 1000000)
			ck_abort_msg("seed %d stands still", _i);
		part = chance(4) ? chance(80) : chance(9000);
		if (part > stream_bytes - at)
			part = stream_bytes - at;
		at += ways[chance(2)](at, at + part);
		if (!chance(5)) {
			void *unused;
			size_t room;

			sevlm__inbox_space(&inbox, &unused, &room);
		}
		while (!peek() && chance(4)) {
			expect_record(out, lengths[out]);
			out++;
		}
	}
	ck_assert_uint_eq(at, stream_bytes);
	ck_assert_uint_eq(sevlm__inbox_moved(&inbox), stream_bytes);
	ck_assert_uint_eq(sevlm__inbox_partial(&inbox), 0);
	ck_assert_int_eq(peek(), -EAGAIN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("inbox");
	TCase *tcase = tcase_create("inbox");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, two_pieces, 0, 2);
	tcase_add_loop_test(tcase, single_bytes, 0, 2);
	tcase_add_loop_test(tcase, three_pieces, 0, 2);
	tcase_add_loop_test(tcase, release_between, 0, 2);
	tcase_add_loop_test(tcase, full, 0, 2);
	tcase_add_test(tcase, fed_too_much);
	tcase_add_loop_test(tcase, wrong_magic, 0, 2);
	tcase_add_test(tcase, bad_lengths);
	tcase_add_loop_test(tcase, longest, 0, 2);
	tcase_add_test(tcase, closed);
	tcase_add_test(tcase, closed_at_once);
	tcase_add_test(tcase, broken_and_closed);
	tcase_add_loop_test(tcase, reset, 0, 2);
	tcase_add_test(tcase, reset_after_broken_framing);
	tcase_add_loop_test(tcase, model, 0, 40);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
