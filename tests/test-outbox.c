/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "check-main.h"
#include "engine.h"

#define PAYLOAD 8192u
#define MOST_PARTS (2 + OUTBOX_SLOTS * (1 + SEVLM_MAX_BATCH))

static struct sevlm__outbox outbox;

static void set_up(void)
{
	ck_assert_int_eq(sevlm__outbox_init(&outbox, PAYLOAD), 0);
}

static void tear_down(void)
{
	sevlm__outbox_fini(&outbox);
}

/* bytes wherever they are, as in guest memory */
static uint8_t memory[1u << 16];

/* ---- records, and what must be on the wire of them ---- */

static uint8_t wire[1u << 20];
static size_t wire_bytes, wire_at;

static void expect_on_wire(const void *bytes, size_t count)
{
	ck_assert_uint_le(wire_bytes + count, sizeof(wire));
	memcpy(wire + wire_bytes, bytes, count);
	wire_bytes += count;
}

static void begin_wire(void)
{
	for (size_t i = 0; i < sizeof(memory); i++)
		memory[i] = (uint8_t)(i * 13 + i / 256);
	wire_bytes = 0;
	wire_at = 0;
	expect_on_wire(RECORD_MAGIC, RECORD_MAGIC_SIZE);
}

static struct sevlm__out *begin(size_t head_bytes, uint8_t fill)
{
	struct sevlm__out *out = sevlm__outbox_begin(&outbox);

	ck_assert_ptr_nonnull(out);
	ck_assert_uint_eq(out->parts, 1);
	ck_assert_uint_eq(out->bytes, 0);
	memset(out->head, fill, head_bytes);
	expect_on_wire(out->head, head_bytes);
	return out;
}

static void add(struct sevlm__out *out, size_t from, size_t bytes)
{
	sevlm__out_add(out, memory + from, bytes);
	expect_on_wire(memory + from, bytes);
}

/* what engine.c does with the header */
static void end(struct sevlm__out *out, size_t head_bytes)
{
	out->iov[0].iov_len = head_bytes;
	out->bytes += head_bytes;
	sevlm__outbox_end(&outbox);
}

static void record(size_t head_bytes, size_t from, size_t bytes)
{
	struct sevlm__out *out = begin(head_bytes, (uint8_t)from);

	if (bytes)
		add(out, from, bytes);
	end(out, head_bytes);
}

static size_t waiting(void)
{
	return wire_bytes - wire_at;
}

/* output() is what is left of the wire, from the front, in up to room parts;
 * returns its bytes */
static size_t expect_output(size_t room)
{
	struct iovec iov[MOST_PARTS];
	size_t count = room, bytes = 0;

	sevlm__outbox_output(&outbox, iov, &count);
	ck_assert_uint_le(count, room);
	for (size_t i = 0; i < count; i++) {
		ck_assert_uint_gt(iov[i].iov_len, 0);
		ck_assert_uint_le(bytes + iov[i].iov_len, waiting());
		ck_assert_mem_eq(iov[i].iov_base, wire + wire_at + bytes,
				 iov[i].iov_len);
		bytes += iov[i].iov_len;
	}
	return bytes;
}

static void consume(size_t bytes)
{
	ck_assert_int_eq(sevlm__outbox_consumed(&outbox, bytes), 0);
	wire_at += bytes;
	ck_assert_uint_eq(sevlm__outbox_moved(&outbox), wire_at);
}

/* ---- an empty box ---- */

START_TEST(empty)
{
	struct iovec iov[2];
	size_t count = 2;

	ck_assert(sevlm__outbox_empty(&outbox));
	ck_assert(!sevlm__outbox_full(&outbox));
	sevlm__outbox_output(&outbox, iov, &count);
	ck_assert_uint_eq(count, 0);
	ck_assert_int_eq(sevlm__outbox_consumed(&outbox, 0), 0);
	ck_assert_int_eq(sevlm__outbox_consumed(&outbox, 1), -EINVAL);
	ck_assert_uint_eq(sevlm__outbox_moved(&outbox), 0);
}
END_TEST

/* a slot that was begun and not ended is not on the wire */
START_TEST(begun_only)
{
	struct sevlm__out *out;
	struct iovec iov[4];
	size_t count = 4;

	out = sevlm__outbox_begin(&outbox);
	sevlm__out_add(out, memory, 10);
	sevlm__outbox_output(&outbox, iov, &count);
	ck_assert_uint_eq(count, 0);
	ck_assert(sevlm__outbox_empty(&outbox));
	ck_assert_ptr_eq(sevlm__outbox_begin(&outbox), out);
	ck_assert_uint_eq(out->parts, 1);
	ck_assert_uint_eq(out->bytes, 0);
}
END_TEST

/* ---- order ---- */

START_TEST(magic_first)
{
	begin_wire();
	record(24, 0, 0);
	ck_assert_uint_eq(expect_output(1), RECORD_MAGIC_SIZE);
	ck_assert_uint_eq(expect_output(2), 32);
	consume(3);
	ck_assert_uint_eq(expect_output(1), 5);
	consume(5);
	ck_assert_uint_eq(expect_output(4), 24);
	consume(24);
	record(24, 1, 0);
	ck_assert_uint_eq(expect_output(4), 24);
}
END_TEST

START_TEST(stays_until_consumed)
{
	struct iovec first[8], again[8];
	size_t a = 8, b = 8;

	begin_wire();
	record(40, 100, 300);
	record(24, 500, 20);
	sevlm__outbox_output(&outbox, first, &a);
	/* another record behind them moves nothing */
	record(24, 600, 20);
	sevlm__outbox_output(&outbox, again, &b);
	ck_assert_uint_eq(a, 5);
	ck_assert_uint_eq(b, 7);
	ck_assert_mem_eq(first, again, a * sizeof(*first));
	ck_assert_uint_eq(expect_output(8), waiting());
}
END_TEST

START_TEST(full)
{
	begin_wire();
	for (size_t i = 0; i < OUTBOX_SLOTS; i++) {
		ck_assert(!sevlm__outbox_full(&outbox));
		record(24, i, 5);
	}
	ck_assert(sevlm__outbox_full(&outbox));
	ck_assert_ptr_null(sevlm__outbox_begin(&outbox));
	consume(8 + 28);
	ck_assert(sevlm__outbox_full(&outbox));
	ck_assert_ptr_null(sevlm__outbox_begin(&outbox));
	consume(1);
	ck_assert(!sevlm__outbox_full(&outbox));
	record(24, 9, 5);
	ck_assert_ptr_null(sevlm__outbox_begin(&outbox));
	ck_assert_uint_eq(expect_output(MOST_PARTS), waiting());
	consume(waiting());
	ck_assert(sevlm__outbox_empty(&outbox));
}
END_TEST

/* ---- consumption across every border ---- */

static void three_records(void)
{
	begin_wire();
	record(24, 0, 10);
	record(30, 50, 0);
	record(24, 90, 7);
}

START_TEST(consume_twice)
{
	size_t total;

	three_records();
	total = waiting();
	for (size_t cut = 0; cut <= total; cut++) {
		consume(cut);
		ck_assert_uint_eq(expect_output(MOST_PARTS), total - cut);
		consume(total - cut);
		ck_assert(sevlm__outbox_empty(&outbox));
		tear_down();
		set_up();
		three_records();
	}
}
END_TEST

START_TEST(consume_steps)
{
	three_records();
	while (waiting()) {
		size_t step = (size_t)_i < waiting() ? (size_t)_i : waiting();

		for (size_t room = 0; room < 8; room++)
			expect_output(room);
		ck_assert_uint_eq(expect_output(MOST_PARTS), waiting());
		ck_assert(!sevlm__outbox_empty(&outbox));
		consume(step);
	}
	ck_assert(sevlm__outbox_empty(&outbox));
	ck_assert_uint_eq(expect_output(MOST_PARTS), 0);
}
END_TEST

START_TEST(consume_too_much)
{
	three_records();
	ck_assert_int_eq(sevlm__outbox_consumed(&outbox, waiting() + 1),
			 -EINVAL);
	ck_assert_int_eq(sevlm__outbox_consumed(&outbox, SIZE_MAX), -EINVAL);
	ck_assert_uint_eq(expect_output(MOST_PARTS), waiting());
	consume(50);
	ck_assert_int_eq(sevlm__outbox_consumed(&outbox, waiting() + 1),
			 -EINVAL);
	consume(waiting());
	ck_assert_int_eq(sevlm__outbox_consumed(&outbox, 1), -EINVAL);
}
END_TEST

/* ---- parts ---- */

START_TEST(adjacent_parts_join)
{
	struct sevlm__out *out;
	struct iovec iov[8];
	size_t count = 8;

	begin_wire();
	out = begin(24, 1);
	add(out, 0, 100);
	add(out, 100, 50);
	ck_assert_uint_eq(out->parts, 2);
	add(out, 151, 10);
	ck_assert_uint_eq(out->parts, 3);
	add(out, 0, 5);
	ck_assert_uint_eq(out->parts, 4);
	add(out, 5, 5);
	ck_assert_uint_eq(out->parts, 4);
	ck_assert_uint_eq(out->bytes, 170);
	end(out, 24);
	sevlm__outbox_output(&outbox, iov, &count);
	ck_assert_uint_eq(count, 5);
	ck_assert_uint_eq(expect_output(8), waiting());
}
END_TEST

/* the head's length is not known when the parts come: never joined to it */
START_TEST(head_stands_alone)
{
	struct sevlm__out *out;

	begin_wire();
	out = begin(OUT_HEAD_SIZE, 2);
	ck_assert_ptr_eq(out->payload, out->head + OUT_HEAD_SIZE);
	memset(out->payload, 3, PAYLOAD);
	sevlm__out_add(out, out->payload, PAYLOAD);
	expect_on_wire(out->payload, PAYLOAD);
	ck_assert_uint_eq(out->parts, 2);
	end(out, OUT_HEAD_SIZE);
	ck_assert_uint_eq(expect_output(3), waiting());
}
END_TEST

START_TEST(most_parts)
{
	begin_wire();
	for (size_t slot = 0; slot < OUTBOX_SLOTS; slot++) {
		struct sevlm__out *out = begin(24, (uint8_t)slot);

		for (size_t i = 0; i < SEVLM_MAX_BATCH; i++)
			add(out, 200 * (SEVLM_MAX_BATCH - i), 100);
		ck_assert_uint_eq(out->parts, 1 + SEVLM_MAX_BATCH);
		end(out, 24);
	}
	for (size_t room = 0; room <= MOST_PARTS; room += 7)
		expect_output(room);
	ck_assert_uint_eq(expect_output(MOST_PARTS), waiting());
}
END_TEST

/* ---- closed ---- */

START_TEST(closed)
{
	struct iovec iov[4];
	size_t count = 4;

	three_records();
	consume(20);
	sevlm__outbox_close(&outbox);
	sevlm__outbox_output(&outbox, iov, &count);
	ck_assert_uint_eq(count, 0);
	ck_assert(sevlm__outbox_empty(&outbox));
	ck_assert_uint_eq(sevlm__outbox_moved(&outbox), 20);
}
END_TEST

/* another connection begins with the magic bytes, whatever was left */
START_TEST(reset)
{
	three_records();
	consume((size_t)_i);
	ck_assert(sevlm__outbox_left(&outbox));
	sevlm__outbox_close(&outbox);
	ck_assert(sevlm__outbox_left(&outbox));
	sevlm__outbox_reset(&outbox);
	ck_assert(!sevlm__outbox_left(&outbox));
	ck_assert(sevlm__outbox_empty(&outbox));
	ck_assert_uint_eq(sevlm__outbox_moved(&outbox), (size_t)_i);
	three_records();
	ck_assert_uint_eq(expect_output(MOST_PARTS), waiting());
}
END_TEST

/* ---- against a model ---- */

static uint64_t seed;

static uint32_t chance(uint32_t limit)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % limit;
}

static void random_record(void)
{
	size_t head = 24 + chance(60), parts = chance(6);
	struct sevlm__out *out = begin(head, (uint8_t)chance(256));
	size_t from = chance(2000), bytes;

	for (size_t i = 0; i < parts; i++) {
		bytes = 1 + chance(300);
		add(out, from, bytes);
		from = chance(2) ? from + bytes : chance(30000);
	}
	end(out, head);
}

START_TEST(model)
{
	uint32_t records = 0;

	seed = 2000 + (uint64_t)_i;
	fprintf(stderr, "# outbox: seed %llu\n", (unsigned long long)seed);
	begin_wire();
	while (records < 300 || waiting()) {
		size_t offered;

		if (records < 300 && chance(2) &&
		    !sevlm__outbox_full(&outbox)) {
			random_record();
			records++;
		}
		if (!records)
			continue;
		offered = expect_output(chance(12));
		ck_assert_uint_le(offered, waiting());
		if (chance(2))
			consume(chance((uint32_t)offered + 1));
		if (!chance(8))
			consume(chance((uint32_t)waiting() + 1));
		ck_assert_int_eq(sevlm__outbox_empty(&outbox), !waiting());
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("outbox");
	TCase *tcase = tcase_create("outbox");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, empty);
	tcase_add_test(tcase, begun_only);
	tcase_add_test(tcase, magic_first);
	tcase_add_test(tcase, stays_until_consumed);
	tcase_add_test(tcase, full);
	tcase_add_test(tcase, consume_twice);
	tcase_add_loop_test(tcase, consume_steps, 1, 40);
	tcase_add_test(tcase, consume_too_much);
	tcase_add_test(tcase, adjacent_parts_join);
	tcase_add_test(tcase, head_stands_alone);
	tcase_add_test(tcase, most_parts);
	tcase_add_test(tcase, closed);
	tcase_add_loop_test(tcase, reset, 1, 40);
	tcase_add_loop_test(tcase, model, 0, 40);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
