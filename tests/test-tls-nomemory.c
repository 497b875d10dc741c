/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* No memory, at any allocation: no crash, no leak, and it is told. */
#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#include "check-main.h"
#include "tls-fixture.h"
#include "tls-watch.h"

/* A lock that OpenSSL does not free where it then has no memory for the name
 * of an algorithm; whatever is ours to free is larger. */
#define FORGOTTEN 128

static struct pki_trio trio;
static struct tls_link link_;

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
	/* what OpenSSL makes at its first use stays */
	for (int i = 0; i < 2; i++) {
		tls_open(&link_, way(i));
		tls_shake(&link_);
		tls_close(&link_);
	}
	watch_reset();
}

static void teardown(void)
{
	tls_close(&link_);
	watch_reset();
}

static uint8_t plain[40000], arrived[40000];

/* a whole life; errors are what it is about */
static void live(const struct pki_trio *by)
{
	struct sevlm_tls_config config[] = { tls_config(by, SOURCE),
					     tls_config(by, TARGET) };
	uint8_t value[SEVLM_EXPORTER_SIZE];

	for (int end = SOURCE; end <= TARGET; end++) {
		int ret = sevlm_tls_new(&config[end], &link_.end[end]);

		ck_assert(ret == 0 || ret == -ENOMEM || ret == -EINVAL ||
			  ret == -ENOTSUP);
		if (ret)
			return;
	}
	tls_run(&link_);
	sevlm_tls_exporter(link_.end[SOURCE], value);
	tls_move(&link_, SOURCE, plain, sizeof(plain), arrived);
	sevlm_tls_close(link_.end[SOURCE]);
	sevlm_tls_close(link_.end[TARGET]);
	tls_run(&link_);
}

static void expect_told(struct sevlm_tls *tls)
{
	if (!tls || sevlm_tls_state(tls) != SEVLM_TLS_FAILED)
		return;
	ck_assert_int_lt(sevlm_tls_cause(tls), 0);
	ck_assert_str_ne(sevlm_tls_error(tls), "");
}

/* The n-th allocation fails; with rest all behind it too. */
static void expect_survives(const struct pki_trio *by, uint64_t stride,
			    bool rest)
{
	uint64_t n = 1, calls;

	memset(plain, 0x5a, sizeof(plain));
	do {
		/* OpenSSL keeps a queue of errors and a generator per thread */
		OPENSSL_thread_stop();
		watch_reset();
		memset(arrived, 0, sizeof(arrived));
		watch_fail(n, rest);
		live(by);
		calls = watch_calls();
		watch_fail(0, false);
		expect_told(link_.end[SOURCE]);
		expect_told(link_.end[TARGET]);
		tls_close(&link_);
		OPENSSL_thread_stop();
		ck_assert_msg(watch_bytes() <= FORGOTTEN,
			      "allocation %llu: %lld bytes are left",
			      (unsigned long long)n, (long long)watch_bytes());
		n += stride;
	} while (n - stride <= calls);
	/* none failed in the last one */
	ck_assert_mem_eq(plain, arrived, sizeof(plain));
}

START_TEST(one_allocation_fails)
{
	expect_survives(way(_i), 1, false);
}
END_TEST

START_TEST(all_allocations_fail_from_one_on)
{
	expect_survives(way(_i), _i ? 5 : 1, true);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tls-nomemory");
	TCase *tcase = tcase_create("nomemory");

	watch_init();
	tcase_set_timeout(tcase, 1000);
	tcase_add_unchecked_fixture(tcase, make_trio, free_trio);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, one_allocation_fails, 0, 2);
	tcase_add_loop_test(tcase, all_allocations_fail_from_one_on, 0, 2);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
