/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Secrets that stay behind in memory that is given back. */
#include <string.h>

#include <openssl/core_names.h>

#include "check-main.h"
#include "tls-fixture.h"
#include "tls-watch.h"

#define SECRET 32

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

/* the private number, as written and as OpenSSL keeps it */
static void private_number(const struct pki *pki, uint8_t big[SECRET],
			   uint8_t little[SECRET])
{
	BIGNUM *number = NULL;

	ck_assert_int_eq(EVP_PKEY_get_bn_param(pki->key,
					       OSSL_PKEY_PARAM_PRIV_KEY,
					       &number), 1);
	ck_assert_int_eq(BN_bn2binpad(number, big, SECRET), SECRET);
	ck_assert_int_eq(BN_bn2lebinpad(number, little, SECRET), SECRET);
	BN_clear_free(number);
}

static void expect_nothing_left(void)
{
	ck_assert_msg(!watch_found(), "freed and not wiped: %s",
		      watch_found());
}

static void move_some(const uint8_t *plain, size_t bytes)
{
	static uint8_t to[100000];

	ck_assert_uint_le(bytes, sizeof(to));
	ck_assert_uint_eq(tls_move(&link_, SOURCE, plain, bytes, to), bytes);
	ck_assert_uint_eq(tls_move(&link_, TARGET, plain, bytes, to), bytes);
}

static void fill(uint8_t *plain, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		plain[i] = (uint8_t)(i % SECRET * 7 + 13);
}

START_TEST(leaves_no_psk_behind)
{
	uint8_t key[SECRET];

	tls_derive("sevlm-channel-v1 source to target", key);
	watch_for("psk", tls_psk, sizeof(tls_psk));
	watch_for("derived key", key, sizeof(key));
	tls_open(&link_, NULL);
	ck_assert(!watch_holds(tls_psk, sizeof(tls_psk)));
	ck_assert(watch_holds(key, sizeof(key)));
	tls_shake(&link_);
	tls_close(&link_);
	expect_nothing_left();
	ck_assert(!watch_holds(key, sizeof(key)));
}
END_TEST

START_TEST(leaves_no_plaintext_behind)
{
	static uint8_t plain[100000];

	fill(plain, sizeof(plain));
	watch_for("plaintext", plain, SECRET);
	tls_open(&link_, way(_i));
	tls_shake(&link_);
	move_some(plain, sizeof(plain));
	move_some(plain, 1000);
	tls_close(&link_);
	expect_nothing_left();
}
END_TEST

START_TEST(leaves_no_exporter_value_behind)
{
	uint8_t value[SEVLM_EXPORTER_SIZE];

	tls_open(&link_, way(_i));
	tls_shake(&link_);
	ck_assert_int_eq(sevlm_tls_exporter(link_.end[SOURCE], value), 0);
	watch_for("exporter value", value, sizeof(value));
	ck_assert_int_eq(sevlm_tls_exporter(link_.end[TARGET], value), 0);
	ck_assert(!watch_holds(value, sizeof(value)));
	tls_close(&link_);
	expect_nothing_left();
}
END_TEST

START_TEST(leaves_no_private_key_behind)
{
	uint8_t big[SECRET], little[SECRET];

	private_number(&trio.source, big, little);
	watch_reset();
	watch_for("private key", big, sizeof(big));
	watch_for("private key, as a number", little, sizeof(little));
	watch_for("private key, as text", trio.source.key_pem + 64, 48);
	tls_open(&link_, &trio);
	tls_shake(&link_);
	tls_close(&link_);
	expect_nothing_left();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tls-memory");
	TCase *tcase = tcase_create("memory");

	watch_init();
	tcase_set_timeout(tcase, 120);
	tcase_add_unchecked_fixture(tcase, make_trio, free_trio);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, leaves_no_psk_behind);
	tcase_add_loop_test(tcase, leaves_no_plaintext_behind, 0, 2);
	tcase_add_loop_test(tcase, leaves_no_exporter_value_behind, 0, 2);
	tcase_add_test(tcase, leaves_no_private_key_behind);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
