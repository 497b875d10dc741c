/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Two ends that should understand each other. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check-main.h"
#include "tls-fixture.h"

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
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
