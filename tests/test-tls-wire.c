/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A link that changes, cuts, drops and repeats what the ends say. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check-main.h"
#include "tls-fixture.h"

#define MESSAGE 50u
#define HEADER 5u
#define DEADLINE 60000000000ull

static struct pki_trio trio;
static struct tls_link link_;

#define source (link_.end[SOURCE])
#define target (link_.end[TARGET])

/* what alter() does, and to whose bytes */
static int victim;
static size_t victim_at;
static uint8_t victim_bits;

/* of the loop variable: who is altered, by which way they know each other */
static int side(int i)
{
	return i % 2;
}

static const struct pki_trio *way(int i)
{
	return i / 2 ? &trio : NULL;
}

static void make_trio(void)
{
	pki_trio_open(&trio);
}

static void free_trio(void)
{
	pki_trio_close(&trio);
}

static void setup(void)
{
	memset(&link_, 0, sizeof(link_));
}

static void teardown(void)
{
	tls_close(&link_);
}

static void flip(struct tls_link *link, int from, uint8_t *buf, size_t bytes,
		 size_t at)
{
	(void)link;
	if (from == victim && victim_at >= at && victim_at < at + bytes)
		buf[victim_at - at] ^= victim_bits;
}

/* nothing more comes: what is not open by the deadline has failed */
static void let_time_pass(void)
{
	uint32_t want;

	for (int end = SOURCE; end <= TARGET; end++)
		ck_assert_int_eq(sevlm_tls_step(link_.end[end], DEADLINE,
						&want), 0);
}

static bool is_open(int end)
{
	return sevlm_tls_state(link_.end[end]) == SEVLM_TLS_OPEN;
}

static void expect_same_channel(void)
{
	uint8_t value[2][SEVLM_EXPORTER_SIZE];

	for (int end = SOURCE; end <= TARGET; end++) {
		if (!is_open(end))
			return;
		ck_assert_int_eq(sevlm_tls_exporter(link_.end[end],
						    value[end]), 0);
	}
	ck_assert_mem_eq(value[SOURCE], value[TARGET], SEVLM_EXPORTER_SIZE);
}

/* ---- the handshake ---- */

/* one byte of it changed; false where it has no such byte */
static bool shake_flipped(const struct pki_trio *by, int from, size_t at)
{
	size_t sent;

	memset(&link_, 0, sizeof(link_));
	victim = from;
	victim_at = at;
	link_.alter = flip;
	tls_open(&link_, by);
	tls_run(&link_);
	let_time_pass();
	expect_same_channel();
	for (int end = SOURCE; end <= TARGET; end++)
		ck_assert(is_open(end) ||
			  sevlm_tls_state(link_.end[end]) == SEVLM_TLS_FAILED);
	sent = link_.carried[from];
	tls_close(&link_);
	return at < sent;
}

START_TEST(a_changed_handshake_opens_nothing_else)
{
	size_t at = 0;

	victim_bits = 1;
	while (shake_flipped(way(_i), side(_i), at))
		at++;
	ck_assert_uint_ge(at, 200);
	victim_bits = 0x80;
	for (at = 0; shake_flipped(way(_i), side(_i), at); at += 7)
		;
}
END_TEST

START_TEST(a_handshake_cut_anywhere_fails)
{
	size_t at = 1;
	bool cut = true;

	for (; cut; at++) {
		memset(&link_, 0, sizeof(link_));
		link_.cut[side(_i)] = at;
		tls_open(&link_, way(_i));
		tls_run(&link_);
		cut = link_.is_cut;
		for (int end = SOURCE; cut && end <= TARGET; end++) {
			ck_assert_uint_eq(sevlm_tls_state(link_.end[end]),
					  SEVLM_TLS_FAILED);
			ck_assert_int_eq(sevlm_tls_cause(link_.end[end]),
					 -ECONNRESET);
		}
		tls_close(&link_);
	}
	ck_assert_uint_ge(at, 200);
}
END_TEST

/* ---- data ---- */

static const uint8_t message[MESSAGE] =
	"fifty bytes, as good as any others, sent in a row";

/* two records of it and the farewell are written; returns how much that is */
static size_t say(int from)
{
	struct iovec iov = { (uint8_t *)(uintptr_t)message, MESSAGE };
	size_t count = 1, taken;

	for (int i = 0; i < 2; i++) {
		struct iovec out = { 0 };

		ck_assert_int_eq(sevlm_tls_send(link_.end[from], &iov, 1,
						&taken), 0);
		ck_assert_uint_eq(taken, MESSAGE);
		/* the second goes because nothing waits before it */
		if (i)
			break;
		count = 1;
		ck_assert_int_eq(sevlm_tls_output(link_.end[from], &out,
						  &count), 0);
	}
	ck_assert_int_eq(sevlm_tls_close(link_.end[from]), 0);
	return 2 * (MESSAGE + 22) + 24;
}

/* all that arrives at the other end, in pieces */
static size_t hear(int from, uint8_t *to, size_t bytes)
{
	size_t got = 1, sum = 0;
	uint32_t want;

	while (tls_carry(&link_, from))
		;
	while (sum < bytes && got) {
		sevlm_tls_receive(link_.end[!from], to + sum, bytes - sum,
				  &got);
		sum += got;
	}
	sevlm_tls_closed(link_.end[!from]);
	ck_assert_int_eq(sevlm_tls_step(link_.end[!from], 1, &want), 0);
	return sum;
}

static void expect_prefix(const uint8_t *heard, size_t bytes)
{
	uint8_t all[2 * MESSAGE];

	memcpy(all, message, MESSAGE);
	memcpy(all + MESSAGE, message, MESSAGE);
	ck_assert_uint_le(bytes, sizeof(all));
	ck_assert_mem_eq(heard, all, bytes);
}

/* the channel is open, and counts its bytes from here */
static void begin(const struct pki_trio *by)
{
	memset(&link_, 0, sizeof(link_));
	tls_open(&link_, by);
	tls_shake(&link_);
	memset(link_.carried, 0, sizeof(link_.carried));
}

START_TEST(changed_data_is_never_handed_over)
{
	uint8_t heard[2 * MESSAGE + 1];
	size_t at = 0, end, bytes;

	victim = side(_i);
	do {
		begin(way(_i));
		victim_at = at;
		victim_bits = (uint8_t)(1 << at % 8);
		link_.alter = flip;
		end = say(victim);
		bytes = hear(victim, heard, sizeof(heard));
		expect_prefix(heard, bytes);
		ck_assert_uint_lt(bytes, at < 2 * (MESSAGE + 22) ?
						 2 * MESSAGE :
						 2 * MESSAGE + 1);
		ck_assert_msg(sevlm_tls_state(link_.end[!victim]) ==
				      SEVLM_TLS_FAILED, "byte %zu", at);
		tls_close(&link_);
	} while (++at < end);
}
END_TEST

START_TEST(cut_data_is_told_from_a_farewell)
{
	uint8_t heard[2 * MESSAGE + 1];
	size_t at = 1, end, bytes;
	int from = side(_i);

	do {
		begin(way(_i));
		end = say(from);
		link_.cut[from] = at;
		bytes = hear(from, heard, sizeof(heard));
		expect_prefix(heard, bytes);
		if (at == end)
			break;
		ck_assert_uint_eq(sevlm_tls_state(link_.end[!from]),
				  SEVLM_TLS_FAILED);
		ck_assert_int_eq(sevlm_tls_cause(link_.end[!from]),
				 -ECONNRESET);
		ck_assert_ptr_nonnull(strstr(sevlm_tls_error(link_.end[!from]),
					     "ended without a farewell"));
		tls_close(&link_);
	} while (++at <= end);
	ck_assert_uint_eq(bytes, 2 * MESSAGE);
	ck_assert_uint_eq(sevlm_tls_state(link_.end[!from]), SEVLM_TLS_CLOSED);
	ck_assert_str_eq(sevlm_tls_error(link_.end[!from]), "");
}
END_TEST

/* ---- whole records ---- */

struct order {
	const char *name;
	const char *records; /* which come, in which order */
	size_t heard;
	uint32_t state;
} orders[] = {
	{ "as they were sent", "012f", 3 * MESSAGE, SEVLM_TLS_CLOSED },
	{ "the first is missing", "12f", 0, SEVLM_TLS_FAILED },
	{ "one is missing", "02f", MESSAGE, SEVLM_TLS_FAILED },
	{ "the last is missing", "01f", 2 * MESSAGE, SEVLM_TLS_FAILED },
	{ "one comes twice", "0012f", MESSAGE, SEVLM_TLS_FAILED },
	{ "two are swapped", "021f", MESSAGE, SEVLM_TLS_FAILED },
	{ "the farewell comes first", "f012", 0, SEVLM_TLS_FAILED },
	{ "the first comes again at the end", "0120f", 3 * MESSAGE,
	  SEVLM_TLS_FAILED },
	{ "no farewell", "012", 3 * MESSAGE, SEVLM_TLS_FAILED },
};

/* record by record, as it lies on the wire */
static size_t write_record(int from, uint8_t *to, bool farewell)
{
	struct iovec iov = { (uint8_t *)(uintptr_t)message, MESSAGE };
	size_t count = 1, taken;

	if (farewell)
		ck_assert_int_eq(sevlm_tls_close(link_.end[from]), 0);
	else
		ck_assert_int_eq(sevlm_tls_send(link_.end[from], &iov, 1,
						&taken), 0);
	ck_assert_int_eq(sevlm_tls_output(link_.end[from], &iov, &count), 0);
	ck_assert_uint_eq(count, 1);
	memcpy(to, iov.iov_base, iov.iov_len);
	ck_assert_int_eq(sevlm_tls_consumed(link_.end[from], iov.iov_len), 0);
	return iov.iov_len;
}

START_TEST(records_come_once_and_in_order)
{
	const struct order *order = &orders[_i / 4];
	uint8_t wire[4][128], heard[4 * MESSAGE];
	int from = side(_i % 4);
	size_t bytes[4], taken;

	begin(way(_i % 4));
	for (int i = 0; i < 4; i++)
		bytes[i] = write_record(from, wire[i], i == 3);
	for (const char *at = order->records; *at; at++) {
		int i = *at == 'f' ? 3 : *at - '0';

		ck_assert_int_eq(sevlm_tls_feed(link_.end[!from], wire[i],
						bytes[i], &taken), 0);
	}
	ck_assert_uint_eq(hear(from, heard, sizeof(heard)), order->heard);
	for (size_t i = 0; i < order->heard; i += MESSAGE)
		ck_assert_mem_eq(heard + i, message, MESSAGE);
	ck_assert_msg(sevlm_tls_state(link_.end[!from]) == order->state, "%s",
		      order->name);
}
END_TEST

/* what one says is nothing that it takes itself */
START_TEST(an_echo_is_refused)
{
	struct iovec iov = { 0 };
	size_t count = 1, taken;
	uint8_t heard[MESSAGE];
	uint32_t want;

	begin(way(_i));
	say(SOURCE);
	sevlm_tls_output(source, &iov, &count);
	ck_assert_int_eq(sevlm_tls_feed(source, iov.iov_base, iov.iov_len,
					&taken), 0);
	ck_assert_int_eq(sevlm_tls_receive(source, heard, MESSAGE, &taken),
			 -EKEYREJECTED);
	ck_assert_int_eq(sevlm_tls_step(source, 1, &want), 0);
	ck_assert_uint_eq(sevlm_tls_state(source), SEVLM_TLS_FAILED);
}
END_TEST

/* ...and neither is a handshake */
START_TEST(a_mirror_is_refused)
{
	struct iovec iov = { 0 };
	size_t count = 1, taken;
	uint32_t want;

	tls_open(&link_, way(_i));
	ck_assert_int_eq(sevlm_tls_step(source, 1, &want), 0);
	sevlm_tls_output(source, &iov, &count);
	ck_assert_int_eq(sevlm_tls_feed(source, iov.iov_base, iov.iov_len,
					&taken), 0);
	ck_assert_int_eq(sevlm_tls_step(source, 1, &want), 0);
	ck_assert_uint_eq(sevlm_tls_state(source), SEVLM_TLS_FAILED);
	ck_assert_int_eq(sevlm_tls_cause(source), -EPROTO);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tls-wire");
	TCase *tcase = tcase_create("wire");

	tcase_set_timeout(tcase, 300);
	tcase_add_unchecked_fixture(tcase, make_trio, free_trio);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_changed_handshake_opens_nothing_else, 0,
			    4);
	tcase_add_loop_test(tcase, a_handshake_cut_anywhere_fails, 0, 4);
	tcase_add_loop_test(tcase, changed_data_is_never_handed_over, 0, 4);
	tcase_add_loop_test(tcase, cut_data_is_told_from_a_farewell, 0, 4);
	tcase_add_loop_test(tcase, records_come_once_and_in_order, 0,
			    4 * (int)(sizeof(orders) / sizeof(orders[0])));
	tcase_add_loop_test(tcase, an_echo_is_refused, 0, 4);
	tcase_add_loop_test(tcase, a_mirror_is_refused, 0, 4);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
