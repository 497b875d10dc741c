/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A migration through the channel: engine, channel, link, channel, engine. */
#include <stdlib.h>
#include <string.h>

#include "check-main.h"
#include "duo.h"
#include "tls-fixture.h"

#define MEMORY (256u * DUO_PAGE)
#define PARTS 16u

static struct duo duo;
static struct tls_link link_;
static struct pki_trio trio;
static uint8_t exporter[2][SEVLM_EXPORTER_SIZE];

#define sender (link_.end[SOURCE])
#define receiver (link_.end[TARGET])

static void setup(void)
{
	memset(&link_, 0, sizeof(link_));
	pki_trio_open(&trio);
}

static void teardown(void)
{
	tls_close(&link_);
	duo_close(&duo);
	pki_trio_close(&trio);
}

static void connect(const struct pki_trio *by)
{
	tls_open(&link_, by);
	tls_shake(&link_);
	for (int end = SOURCE; end <= TARGET; end++)
		ck_assert_int_eq(sevlm_tls_exporter(link_.end[end],
						    exporter[end]), 0);
	ck_assert_mem_eq(exporter[SOURCE], exporter[TARGET],
			 SEVLM_EXPORTER_SIZE);
}

static void start(void)
{
	const struct duo_plan plan = {
		.memory = MEMORY,
		.workload = SEVLM_SIM_FLIP,
		.states = { SEVLM_STATES_EXITS, SEVLM_STATES_EXITS },
		.rounds = 3,
		.exporter = exporter[SOURCE],
	};

	duo_open(&duo, &plan);
	duo_start(&duo);
}

/* ---- bytes, as a VMM moves them ---- */

static void source_sends(void)
{
	struct iovec iov[PARTS];
	size_t count = PARTS, taken;

	sevlm_source_output(duo.out, iov, &count);
	ck_assert_int_eq(sevlm_tls_send(sender, iov, count, &taken), 0);
	ck_assert_int_eq(sevlm_source_consumed(duo.out, taken), 0);
}

static void target_sends(void)
{
	struct iovec iov[PARTS];
	size_t count = PARTS, taken;

	sevlm_target_output(duo.in, iov, &count);
	ck_assert_int_eq(sevlm_tls_send(receiver, iov, count, &taken), 0);
	ck_assert_int_eq(sevlm_target_consumed(duo.in, taken), 0);
}

/* straight into the engine */
static void target_receives(void)
{
	size_t room, got = 0;
	void *buf;

	ck_assert_int_eq(sevlm_target_space(duo.in, &buf, &room), 0);
	if (room)
		ck_assert_int_eq(sevlm_tls_receive(receiver, buf, room, &got),
				 0);
	ck_assert_int_eq(sevlm_target_fed(duo.in, got), 0);
}

/* a buffer between, of which the engine may take a part */
static void source_receives(void)
{
	static uint8_t buf[512];
	static size_t used;
	size_t got, taken;

	ck_assert_int_eq(sevlm_tls_receive(sender, buf + used,
					   sizeof(buf) - used, &got), 0);
	used += got;
	ck_assert_int_eq(sevlm_source_feed(duo.out, buf, used, &taken), 0);
	used -= taken;
	memmove(buf, buf + taken, used);
}

static void move(void)
{
	while (!duo.source.ended || !duo.target.ended) {
		if (!duo.paused)
			duo_run_guest(&duo.source, 2);
		duo_step_source(&duo);
		source_sends();
		tls_carry(&link_, SOURCE);
		target_receives();
		duo_step_target(&duo);
		target_sends();
		tls_carry(&link_, TARGET);
		source_receives();
	}
}

START_TEST(a_guest_moves_through_the_channel)
{
	connect(_i % 2 ? &trio : NULL);
	link_.chunk = _i / 2 ? 333 : 0;
	start();
	move();
	duo_expect_moved(&duo);
	ck_assert_int_eq(sevlm_tls_close(sender), 0);
	ck_assert_int_eq(sevlm_tls_close(receiver), 0);
	tls_run(&link_);
	ck_assert_uint_eq(sevlm_tls_state(sender), SEVLM_TLS_CLOSED);
	ck_assert_uint_eq(sevlm_tls_state(receiver), SEVLM_TLS_CLOSED);
	ck_assert_uint_eq(link_.want[SOURCE] | link_.want[TARGET], 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tls-engine");
	TCase *tcase = tcase_create("tls-engine");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_guest_moves_through_the_channel, 0, 4);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
