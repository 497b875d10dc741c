/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a peer costs before it has shown that it is in the same channel: no
 * more memory than SECURITY.md says, and no command of the firmware.
 */
#include <stdlib.h>

#include <linux/kvm.h>

#include "engine-fixture.h"
#include "heap.h"
#include "record.h"

/* libsevlm.h, SECURITY.md: beyond what the engine has from the beginning */
#define MOST_BYTES 4096u
/* ... of a peer in the same channel, whose certificates are looked at */
#define MOST_BYTES_THEN 65536u

#define BINDING 56
#define FIELDS 88

static uint8_t bytes[RECORD_MAGIC_SIZE + 4 * RECORD_BODY_MAX];
static size_t count;

/* ---- bytes of a peer ---------------------------------------------------- */

static void add(const void *from, size_t more)
{
	ck_assert_uint_le(count + more, sizeof(bytes));
	memcpy(bytes + count, from, more);
	count += more;
}

static void begin(void)
{
	count = 0;
	add(RECORD_MAGIC, RECORD_MAGIC_SIZE);
}

static void add_record(uint16_t type, uint16_t flags, uint64_t sequence,
		       uint32_t length)
{
	const struct sevlm__record record = {
		.length = length,
		.type = type,
		.flags = flags,
		.sequence = sequence,
	};
	uint8_t header[RECORD_HEADER_SIZE];

	sevlm__record_encode(&record, header);
	add(header, sizeof(header));
}

/* all that the other engine says first */
static void take_hello(struct rig_side *from)
{
	struct iovec iov[16];
	size_t parts = 16;

	count = 0;
	if (from->target)
		ck_assert_int_eq(
			sevlm_target_output(from->target_engine, iov, &parts),
			0);
	else
		ck_assert_int_eq(
			sevlm_source_output(from->source_engine, iov, &parts),
			0);
	for (size_t i = 0; i < parts; i++)
		add(iov[i].iov_base, iov[i].iov_len);
	ck_assert_uint_gt(count, RECORD_MAGIC_SIZE + RECORD_HEADER_SIZE);
}

/* the same HELLO, as large as a body may be */
static void blow_up(void)
{
	const size_t most = RECORD_MAGIC_SIZE + RECORD_HEADER_SIZE + 65536;
	uint8_t *length = bytes + RECORD_MAGIC_SIZE;
	uint8_t field[8] = {77};
	uint32_t left;

	while (most - count >= sizeof(field)) {
		left = (uint32_t)(most - count - sizeof(field));
		/* many small ones, then what is left */
		left = left > 4096 ? 8 : left;
		memcpy(field + 4, &left, sizeof(left));
		add(field, sizeof(field));
		memset(bytes + count, 0xee, left);
		count += left;
	}
	left = 65536;
	memcpy(length, &left, sizeof(left));
}

static void break_binding(void)
{
	bytes[RECORD_MAGIC_SIZE + RECORD_HEADER_SIZE + BINDING] ^= 1;
}

/* ---- the side that hears it --------------------------------------------- */

static size_t feed(struct rig_side *side, const uint8_t *from, size_t most)
{
	size_t taken = 0;

	if (side->target)
		sevlm_target_feed(side->target_engine, from, most, &taken);
	else
		sevlm_source_feed(side->source_engine, from, most, &taken);
	return taken;
}

/* until nothing moves any more, counting what is allocated */
static void hear(struct rig_side *side)
{
	size_t at = 0, taken;

	heap_start();
	do {
		taken = feed(side, bytes + at, count - at);
		at += taken;
		rig_step(side);
	} while (!side->ended && (taken || side->want & SEVLM_WANT_STEP));
	heap_stop();
}

static uint64_t starts(struct rig_side *side)
{
	return sevlm_sim_host_commands(side->host, KVM_SEV_RECEIVE_START) +
	       sevlm_sim_host_commands(side->host, KVM_SEV_SEND_START);
}

static void expect_cheap(struct rig_side *side, uint64_t most)
{
	ck_assert_msg(heap_most() <= most, "%llu bytes at once",
		      (unsigned long long)heap_most());
	ck_assert_uint_eq(starts(side), 0);
}

/* ---- what it hears ------------------------------------------------------ */

static void another_channel(void)
{
	break_binding();
}

static void another_channel_at_length(void)
{
	blow_up();
	break_binding();
}

static void garbage(void)
{
	struct rig_random random = {11};

	count = 300000;
	rig_bytes(&random, bytes, count);
}

static void garbage_behind_the_magic(void)
{
	garbage();
	memcpy(bytes, RECORD_MAGIC, RECORD_MAGIC_SIZE);
}

static void a_length_of_4_gib(void)
{
	begin();
	add_record(RECORD_HELLO, RECORD_REQUIRED, 0, UINT32_MAX);
}

static void zeroes(uint32_t length)
{
	memset(bytes + count, 0, length);
	count += length;
}

static void another_type(uint16_t type, uint32_t length)
{
	begin();
	add_record(type, RECORD_REQUIRED, 0, length);
	zeroes(length);
}

static void state_first(void)
{
	another_type(RECORD_STATE, 65536);
}

static void prepared_first(void)
{
	another_type(RECORD_PREPARED, 32);
}

static void a_field_of_4_gib(void)
{
	uint32_t length = UINT32_MAX;

	memcpy(bytes + RECORD_MAGIC_SIZE + RECORD_HEADER_SIZE + FIELDS + 4,
	       &length, sizeof(length));
}

/* as large as both sides take them, then what is not HELLO either */
static void much_that_is_unknown(void)
{
	begin();
	for (uint32_t i = 0; i < 3; i++) {
		add_record(999, 0, i, 65536);
		zeroes(65536);
	}
	add_record(998, RECORD_REQUIRED, 3, 8);
	zeroes(8);
}

static const struct {
	void (*hears)(void); /* or what the peer says, changed */
	int cause;
} cases[] = {
	{another_channel, -EKEYREJECTED},
	{another_channel_at_length, -EKEYREJECTED},
	{garbage, -EPROTO},
	{garbage_behind_the_magic, -EBADMSG},
	{a_length_of_4_gib, -EBADMSG},
	{state_first, -EPROTO},
	{prepared_first, -EPROTO},
	{a_field_of_4_gib, -EBADMSG},
	{much_that_is_unknown, -EPROTO},
};

#define CASES ((int)(sizeof(cases) / sizeof(cases[0])))

/* both have said HELLO; in bytes is what the side is to hear */
static void meet(const struct rig_side *side)
{
	open_rig();
	start();
	while (rig_step(&rig.source) & SEVLM_WANT_STEP)
		;
	take_hello(&rig.source);
	if (side->target)
		return;
	feed(&rig.target, bytes, count);
	while (rig_step(&rig.target) & SEVLM_WANT_STEP)
		;
	take_hello(&rig.target);
}

static void refuses(struct rig_side *side, int at)
{
	meet(side);
	cases[at].hears();
	hear(side);
	expect_cheap(side, MOST_BYTES);
	/* or nobody counts: a binding takes a little to compare */
	if (cases[at].cause == -EKEYREJECTED)
		ck_assert_uint_gt(heap_bytes(), 0);
	ck_assert_msg(side->cause == cases[at].cause, "%d: %s", side->cause,
		      side->error);
	/* and it says so to its peer, or not: that is all */
	while (side->source_engine && rig_step(side) & SEVLM_WANT_RESUME)
		rig_did(side, SEVLM_WANT_RESUME, 0);
	ck_assert_uint_eq(starts(side), 0);
}

START_TEST(a_target_gives_nothing_to_a_stranger)
{
	refuses(&rig.target, _i);
}
END_TEST

START_TEST(a_source_gives_nothing_to_a_stranger)
{
	refuses(&rig.source, _i);
}
END_TEST

START_TEST(the_largest_hello_is_taken_without_memory)
{
	meet(&rig.target);
	blow_up();
	ck_assert_uint_eq(count,
			  RECORD_MAGIC_SIZE + RECORD_HEADER_SIZE + 65536);
	hear(&rig.target);
	ck_assert_int_eq(rig.target.cause, 0);
	take_hello(&rig.target);
	expect_cheap(&rig.target, MOST_BYTES_THEN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("unauthenticated");
	TCase *tcase = tcase_create("unauthenticated");

	if (!heap_init())
		return 99;
	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_target_gives_nothing_to_a_stranger, 0,
			    CASES);
	tcase_add_loop_test(tcase, a_source_gives_nothing_to_a_stranger, 0,
			    CASES);
	tcase_add_test(tcase, the_largest_hello_is_taken_without_memory);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
