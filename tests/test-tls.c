/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Two ends that should understand each other. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "check-main.h"
#include "internal.h"
#include "tls-fixture.h"

#define RECORD TLS_RECORD

static struct pki_trio trio;
static struct tls_link link_;

#define source (link_.end[SOURCE])
#define target (link_.end[TARGET])

/* the loop variable of most tests: 0 by the key, 1 by certificates */
static const struct pki_trio *way(int i)
{
	return i ? &trio : NULL;
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

/* bytes that differ from place to place */
static uint8_t *pattern(size_t bytes)
{
	uint8_t *ret = malloc(bytes + 1);
	uint32_t x = 1;

	ck_assert_ptr_nonnull(ret);
	for (size_t i = 0; i < bytes; i++) {
		x = x * 1664525u + 1013904223u;
		ret[i] = (uint8_t)(x >> 24);
	}
	return ret;
}

static void expect_moves(int from, size_t bytes)
{
	uint8_t *buf = pattern(bytes), *to = calloc(1, bytes + 1);

	ck_assert_ptr_nonnull(to);
	ck_assert_uint_eq(tls_move(&link_, from, buf, bytes, to), bytes);
	ck_assert_mem_eq(buf, to, bytes);
	free(buf);
	free(to);
}

START_TEST(opens_and_carries_both_ways)
{
	tls_open(&link_, way(_i));
	ck_assert_uint_eq(sevlm_tls_state(source), SEVLM_TLS_HANDSHAKE);
	tls_shake(&link_);
	expect_moves(SOURCE, 100000);
	expect_moves(TARGET, 1);
	expect_moves(TARGET, 16384);
	expect_moves(SOURCE, 16385);
	ck_assert_str_eq(sevlm_tls_error(source), "");
	ck_assert_int_eq(sevlm_tls_cause(source), 0);
	ck_assert_uint_eq(sevlm_tls_deadline(source), SEVLM_NO_DEADLINE);
}
END_TEST

START_TEST(carries_byte_by_byte)
{
	link_.chunk = 1;
	tls_open(&link_, way(_i));
	tls_shake(&link_);
	expect_moves(SOURCE, 20000);
	expect_moves(TARGET, 20000);
}
END_TEST

START_TEST(carries_more_than_all_buffers)
{
	tls_open(&link_, way(_i));
	tls_shake(&link_);
	expect_moves(SOURCE, 5000000);
	link_.chunk = 1000;
	expect_moves(TARGET, 1000000);
}
END_TEST

START_TEST(exporter_is_that_of_this_channel)
{
	uint8_t value[3][SEVLM_EXPORTER_SIZE];

	tls_open(&link_, way(_i));
	ck_assert_int_eq(sevlm_tls_exporter(source, value[0]), -EBADFD);
	tls_shake(&link_);
	ck_assert_int_eq(sevlm_tls_exporter(source, value[0]), 0);
	ck_assert_int_eq(sevlm_tls_exporter(target, value[1]), 0);
	ck_assert_mem_eq(value[0], value[1], SEVLM_EXPORTER_SIZE);
	tls_close(&link_);
	tls_open(&link_, way(_i));
	tls_shake(&link_);
	ck_assert_int_eq(sevlm_tls_exporter(source, value[2]), 0);
	ck_assert_mem_ne(value[0], value[2], SEVLM_EXPORTER_SIZE);
}
END_TEST

/* ---- records ------------------------------------------------------------ */

/* what came out of the one end, and is not fed to the other */
struct tally {
	size_t records, full, bytes;
};

/* Takes output apart; none of it is in the middle of a record. */
static void tally(struct tally *tally, const uint8_t *wire, size_t bytes)
{
	while (bytes) {
		size_t record = 5 + ((size_t)wire[3] << 8 | wire[4]);

		ck_assert_uint_le(record, bytes);
		tally->records++;
		tally->full += record == RECORD + 22;
		tally->bytes += record;
		wire += record;
		bytes -= record;
	}
}

static void empty_link(struct tally *t)
{
	static uint8_t wire[1 << 20];
	size_t count = 1, used = 0;
	struct iovec iov;

	for (; !sevlm_tls_output(source, &iov, &count) && count; count = 1) {
		memcpy(wire + used, iov.iov_base, iov.iov_len);
		used += iov.iov_len;
		ck_assert_int_eq(sevlm_tls_consumed(source, iov.iov_len), 0);
	}
	tally(t, wire, used);
}

/* Parts of all sizes, as an engine lists them: a head, and pages here and
 * there. */
START_TEST(records_are_full_wherever_there_is_data)
{
	static const size_t sizes[] = { 4416, 262144, 68, 4096, 4096, 4096,
					1, 16384, 16383, 32768, 5 };
	struct iovec iov[sizeof(sizes) / sizeof(sizes[0])];
	uint8_t *buf = pattern(1 << 20);
	size_t all = 0, done = 0, taken;
	struct tally t = { 0 };

	tls_open(&link_, NULL);
	tls_shake(&link_);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		iov[i] = (struct iovec){ buf + all, sizes[i] };
		all += sizes[i];
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]);) {
		ck_assert_int_eq(sevlm_tls_send(source, iov + i,
						sizeof(sizes) /
							sizeof(sizes[0]) - i,
						&taken), 0);
		for (done += taken; taken;) {
			size_t part = taken < iov[i].iov_len ? taken :
							       iov[i].iov_len;

			iov[i].iov_base = (uint8_t *)iov[i].iov_base + part;
			iov[i].iov_len -= part;
			taken -= part;
			i += !iov[i].iov_len;
		}
		/* a link that takes one record at a time */
		if (done < all) {
			struct iovec out;
			size_t count = 1;

			sevlm_tls_output(source, &out, &count);
			tally(&t, out.iov_base, RECORD + 22);
			sevlm_tls_consumed(source, RECORD + 22);
		}
	}
	empty_link(&t);
	ck_assert_uint_eq(done, all);
	ck_assert_uint_eq(t.full, all / RECORD);
	ck_assert_uint_eq(t.records, all / RECORD + 1);
	ck_assert_uint_eq(t.bytes, all + 22 * t.records);
	free(buf);
}
END_TEST

/* small sends in a row are one record, once the link is asked */
START_TEST(small_sends_gather)
{
	struct iovec iov = { (uint8_t *)(uintptr_t)"seven..", 7 };
	struct tally t = { 0 };
	uint32_t want;
	size_t taken;

	tls_open(&link_, NULL);
	tls_shake(&link_);
	for (int i = 0; i < 1000; i++) {
		ck_assert_int_eq(sevlm_tls_send(source, &iov, 1, &taken), 0);
		ck_assert_uint_eq(taken, 7);
	}
	ck_assert_int_eq(sevlm_tls_step(source, 1, &want), 0);
	ck_assert(want & SEVLM_WANT_WRITE);
	empty_link(&t);
	ck_assert_uint_eq(t.records, 1);
	ck_assert_uint_eq(t.bytes, 7022);
	ck_assert_int_eq(sevlm_tls_step(source, 1, &want), 0);
	ck_assert_uint_eq(want, SEVLM_WANT_READ);
}
END_TEST

/* A link that takes nothing is not fed without end. */
START_TEST(a_slow_link_holds_the_sender)
{
	uint8_t *buf = pattern(1 << 20);
	struct iovec iov = { buf, 1 << 20 };
	size_t taken, again;

	tls_open(&link_, NULL);
	tls_shake(&link_);
	ck_assert_int_eq(sevlm_tls_send(source, &iov, 1, &taken), 0);
	ck_assert_uint_lt(taken, 1 << 20);
	ck_assert_int_eq(sevlm_tls_send(source, &iov, 1, &again), 0);
	ck_assert_uint_eq(again, 0);
	iov.iov_len = 100;
	ck_assert_int_eq(sevlm_tls_send(source, &iov, 1, &again), 0);
	ck_assert_uint_eq(again, 100);
	free(buf);
}
END_TEST

START_TEST(a_slow_receiver_holds_the_link)
{
	uint8_t *buf = pattern(1 << 20), *to = calloc(1, 1 << 20);
	struct iovec iov = { buf, 1 << 20 };
	size_t sent = 0, got = 0, taken = 1, now;
	uint32_t want;

	tls_open(&link_, way(_i));
	tls_shake(&link_);
	while (taken || tls_carry(&link_, SOURCE)) {
		iov.iov_base = buf + sent;
		iov.iov_len = (1 << 20) - sent;
		ck_assert_int_eq(sevlm_tls_send(source, &iov, 1, &taken), 0);
		sent += taken;
		ck_assert_int_eq(sevlm_tls_step(target, 1, &want), 0);
	}
	/* there is no room, and it is not over */
	ck_assert_uint_eq(want, SEVLM_WANT_STEP);
	ck_assert_uint_lt(sent, 1 << 19);
	/* in odd pieces, and everything that was on the way */
	for (now = 1; now; got += now) {
		ck_assert_int_eq(sevlm_tls_receive(target, to + got, 777, &now),
				 0);
		tls_carry(&link_, SOURCE);
	}
	ck_assert_uint_eq(got, sent);
	ck_assert_mem_eq(buf, to, got);
	free(buf);
	free(to);
}
END_TEST

/* after so many records, another key; the peer follows */
START_TEST(keys_are_renewed)
{
	tls_open(&link_, way(_i));
	source->rekey_after = 3;
	tls_shake(&link_);
	expect_moves(SOURCE, 40 * RECORD);
	ck_assert_uint_le(source->records, 3);
	expect_moves(TARGET, 40 * RECORD);
}
END_TEST

/* ---- the end ------------------------------------------------------------ */

static void expect_states(uint32_t here, uint32_t there)
{
	ck_assert_uint_eq(sevlm_tls_state(source), here);
	ck_assert_uint_eq(sevlm_tls_state(target), there);
}

START_TEST(both_say_farewell)
{
	tls_open(&link_, way(_i));
	tls_shake(&link_);
	ck_assert_uint_eq(link_.want[SOURCE], SEVLM_WANT_READ);
	ck_assert_int_eq(sevlm_tls_close(source), 0);
	ck_assert_int_eq(sevlm_tls_close(source), 0);
	tls_run(&link_);
	expect_states(SEVLM_TLS_OPEN, SEVLM_TLS_CLOSED);
	ck_assert_uint_eq(link_.want[SOURCE], SEVLM_WANT_READ);
	ck_assert_uint_eq(link_.want[TARGET], 0);
	ck_assert_int_eq(sevlm_tls_close(target), 0);
	tls_run(&link_);
	expect_states(SEVLM_TLS_CLOSED, SEVLM_TLS_CLOSED);
	ck_assert_uint_eq(link_.want[SOURCE] | link_.want[TARGET], 0);
	/* the link may go now */
	ck_assert_int_eq(sevlm_tls_closed(source), 0);
	ck_assert_int_eq(sevlm_tls_closed(target), 0);
	tls_run(&link_);
	expect_states(SEVLM_TLS_CLOSED, SEVLM_TLS_CLOSED);
}
END_TEST

/* who has nothing more to send still hears what the other has to say */
START_TEST(one_way_stays_open)
{
	uint8_t byte = 0;
	struct iovec iov = { &byte, 1 };
	size_t taken;

	tls_open(&link_, way(_i));
	tls_shake(&link_);
	ck_assert_int_eq(sevlm_tls_close(source), 0);
	tls_run(&link_);
	ck_assert_int_eq(sevlm_tls_send(source, &iov, 1, &taken), -EBADFD);
	expect_moves(TARGET, 300000);
	ck_assert_int_eq(sevlm_tls_close(target), 0);
	tls_run(&link_);
	expect_states(SEVLM_TLS_CLOSED, SEVLM_TLS_CLOSED);
}
END_TEST

/* the farewell is behind everything that was taken, however slow the link */
START_TEST(a_farewell_waits_for_what_was_sent)
{
	static uint8_t to[200000];
	uint8_t *buf = pattern(sizeof(to));
	struct iovec iov = { buf, sizeof(to) };
	size_t sent, got = 0, now = 1;

	tls_open(&link_, way(_i));
	tls_shake(&link_);
	ck_assert_int_eq(sevlm_tls_send(source, &iov, 1, &sent), 0);
	ck_assert_int_eq(sevlm_tls_close(source), 0);
	link_.chunk = 1000;
	while (tls_carry(&link_, SOURCE) || now) {
		ck_assert_int_eq(sevlm_tls_receive(target, to + got,
						   sizeof(to) - got, &now), 0);
		got += now;
	}
	ck_assert_uint_eq(got, sent);
	ck_assert_mem_eq(buf, to, got);
	ck_assert_uint_eq(sevlm_tls_state(target), SEVLM_TLS_CLOSED);
	free(buf);
}
END_TEST

/* what came before the link went is still there */
START_TEST(what_came_can_be_received)
{
	uint8_t buf[8] = "eight..";
	struct iovec iov = { buf, sizeof(buf) };
	uint32_t want;
	size_t taken;

	tls_open(&link_, way(_i));
	tls_shake(&link_);
	ck_assert_int_eq(sevlm_tls_send(source, &iov, 1, &taken), 0);
	tls_carry(&link_, SOURCE);
	ck_assert_int_eq(sevlm_tls_closed(target), 0);
	ck_assert_int_eq(sevlm_tls_step(target, 1, &want), 0);
	ck_assert_uint_eq(sevlm_tls_state(target), SEVLM_TLS_OPEN);
	ck_assert_uint_eq(want, SEVLM_WANT_STEP);
	ck_assert_int_eq(sevlm_tls_receive(target, buf, 8, &taken), 0);
	ck_assert_uint_eq(taken, 8);
	ck_assert_int_eq(sevlm_tls_receive(target, buf, 8, &taken),
			 -ECONNRESET);
	ck_assert_uint_eq(taken, 0);
	ck_assert_int_eq(sevlm_tls_cause(target), -ECONNRESET);
}
END_TEST

/* ---- the calls ---------------------------------------------------------- */

START_TEST(null_is_an_argument_error)
{
	struct iovec iov = { NULL, 1 };
	uint8_t buf[32];
	size_t n = 1;
	uint32_t want;

	tls_open(&link_, NULL);
	tls_shake(&link_);
	ck_assert_int_eq(sevlm_tls_step(NULL, 0, &want), -EINVAL);
	ck_assert_int_eq(sevlm_tls_step(source, 0, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_tls_exporter(NULL, buf), -EINVAL);
	ck_assert_int_eq(sevlm_tls_exporter(source, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_tls_send(NULL, &iov, 0, &n), -EINVAL);
	ck_assert_int_eq(sevlm_tls_send(source, &iov, 1, &n), -EINVAL);
	ck_assert_int_eq(sevlm_tls_send(source, NULL, 1, &n), -EINVAL);
	ck_assert_int_eq(sevlm_tls_send(source, NULL, 0, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_tls_send(source, NULL, 0, &n), 0);
	ck_assert_int_eq(sevlm_tls_receive(NULL, buf, 1, &n), -EINVAL);
	ck_assert_int_eq(sevlm_tls_receive(source, NULL, 1, &n), -EINVAL);
	ck_assert_int_eq(sevlm_tls_receive(source, buf, 1, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_tls_receive(source, NULL, 0, &n), 0);
	ck_assert_int_eq(sevlm_tls_output(NULL, &iov, &n), -EINVAL);
	ck_assert_int_eq(sevlm_tls_output(source, &iov, NULL), -EINVAL);
	n = 1;
	ck_assert_int_eq(sevlm_tls_output(source, NULL, &n), -EINVAL);
	ck_assert_int_eq(sevlm_tls_consumed(NULL, 0), -EINVAL);
	ck_assert_int_eq(sevlm_tls_consumed(source, 1), -EINVAL);
	ck_assert_int_eq(sevlm_tls_feed(NULL, buf, 1, &n), -EINVAL);
	ck_assert_int_eq(sevlm_tls_feed(source, NULL, 1, &n), -EINVAL);
	ck_assert_int_eq(sevlm_tls_feed(source, buf, 1, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_tls_close(NULL), -EINVAL);
	ck_assert_int_eq(sevlm_tls_closed(NULL), -EINVAL);
	ck_assert_int_eq(sevlm_tls_cause(NULL), -EINVAL);
	ck_assert_uint_eq(sevlm_tls_state(NULL), SEVLM_TLS_FAILED);
	ck_assert_uint_eq(sevlm_tls_deadline(NULL), SEVLM_NO_DEADLINE);
	ck_assert_str_eq(sevlm_tls_error(NULL), "");
	sevlm_tls_free(NULL);
	expect_moves(SOURCE, 1000);
}
END_TEST

START_TEST(calls_have_their_moment)
{
	uint8_t buf[32] = { 0 };
	struct iovec iov = { buf, 1 };
	size_t n;

	tls_open(&link_, NULL);
	ck_assert_int_eq(sevlm_tls_send(source, &iov, 1, &n), -EBADFD);
	ck_assert_int_eq(sevlm_tls_receive(source, buf, 1, &n), -EBADFD);
	ck_assert_int_eq(sevlm_tls_close(source), -EBADFD);
	tls_shake(&link_);
	ck_assert_int_eq(sevlm_tls_closed(source), 0);
	ck_assert_int_eq(sevlm_tls_feed(source, buf, 1, &n), -EBADFD);
	tls_run(&link_);
	ck_assert_int_eq(sevlm_tls_send(source, &iov, 1, &n), -ECONNRESET);
	ck_assert_int_eq(sevlm_tls_receive(source, buf, 1, &n), -ECONNRESET);
	ck_assert_int_eq(sevlm_tls_close(source), -ECONNRESET);
	ck_assert_int_eq(sevlm_tls_exporter(source, buf), -EBADFD);
	ck_assert_uint_eq(link_.want[SOURCE], 0);
}
END_TEST

/* what others left in OpenSSL's queue is no failure of ours, and nothing of
 * ours stays there */
START_TEST(the_error_queue_is_left_empty)
{
	tls_open(&link_, way(_i));
	ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
	tls_shake(&link_);
	ck_assert_uint_eq(ERR_peek_error(), 0);
	ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
	expect_moves(SOURCE, 100000);
	ck_assert_uint_eq(ERR_peek_error(), 0);
}
END_TEST

static void add_calls(TCase *tcase)
{
	tcase_add_test(tcase, records_are_full_wherever_there_is_data);
	tcase_add_test(tcase, small_sends_gather);
	tcase_add_test(tcase, a_slow_link_holds_the_sender);
	tcase_add_loop_test(tcase, a_slow_receiver_holds_the_link, 0, 2);
	tcase_add_loop_test(tcase, keys_are_renewed, 0, 2);
	tcase_add_loop_test(tcase, both_say_farewell, 0, 2);
	tcase_add_loop_test(tcase, one_way_stays_open, 0, 2);
	tcase_add_loop_test(tcase, a_farewell_waits_for_what_was_sent, 0, 2);
	tcase_add_loop_test(tcase, what_came_can_be_received, 0, 2);
	tcase_add_test(tcase, null_is_an_argument_error);
	tcase_add_test(tcase, calls_have_their_moment);
	tcase_add_loop_test(tcase, the_error_queue_is_left_empty, 0, 2);
}

int main(void)
{
	Suite *suite = suite_create("tls");
	TCase *tcase = tcase_create("tls");

	tcase_set_timeout(tcase, 120);
	tcase_add_unchecked_fixture(tcase, make_trio, free_trio);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, opens_and_carries_both_ways, 0, 2);
	tcase_add_loop_test(tcase, carries_byte_by_byte, 0, 2);
	tcase_add_loop_test(tcase, carries_more_than_all_buffers, 0, 2);
	tcase_add_loop_test(tcase, exporter_is_that_of_this_channel, 0, 2);
	add_calls(tcase);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
