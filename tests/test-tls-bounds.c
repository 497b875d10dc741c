/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How much memory a peer that has not proven itself can make us take, and how
 * long it can hold us. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>

#include "check-main.h"
#include "tls-fixture.h"
#include "tls-stranger.h"
#include "tls-watch.h"

#define RECORD 16384u
/* as many as a chain of the largest size has room for */
#define NAMES 5200

static struct pki_trio trio;
static struct tls_link link_;
static struct stranger stranger;

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
	tls_open(&link_, &trio);
	tls_shake(&link_);
	tls_close(&link_);
	watch_reset();
}

static void teardown(void)
{
	if (stranger.ctx)
		stranger_close(&stranger);
	tls_close(&link_);
	watch_reset();
}

static struct sevlm_tls *one_end(int end)
{
	struct sevlm_tls_config config = tls_config(&trio, end);

	watch_reset();
	ck_assert_int_eq(sevlm_tls_new(&config, &link_.end[end]), 0);
	return link_.end[end];
}

static void expect_bounded(struct sevlm_tls *tls)
{
	ck_assert_uint_eq(sevlm_tls_state(tls), SEVLM_TLS_FAILED);
	ck_assert_msg(watch_peak() <= (int64_t)SEVLM_TLS_MEMORY_MAX,
		      "%lld bytes: %s", (long long)watch_peak(),
		      sevlm_tls_error(tls));
	if (getenv("SEVLM_TEST_SHOW"))
		printf("# %lld bytes: %s\n", (long long)watch_peak(),
		       sevlm_tls_error(tls));
}

/* feeds for as long as it is taken, at most so much */
static void flood(struct sevlm_tls *tls, const uint8_t *buf, size_t bytes)
{
	size_t at = 0, taken;
	uint32_t want;

	while (at < bytes && sevlm_tls_state(tls) == SEVLM_TLS_HANDSHAKE) {
		ck_assert_int_eq(sevlm_tls_feed(tls, buf + at, bytes - at,
						&taken), 0);
		at += taken;
		ck_assert_int_eq(sevlm_tls_step(tls, 1, &want), 0);
	}
}

START_TEST(garbage_is_bounded)
{
	static uint8_t buf[1 << 18];

	for (unsigned int seed = 0; seed < 50; seed++) {
		struct sevlm_tls *tls = one_end(_i);

		srand(seed);
		for (size_t i = 0; i < sizeof(buf); i++)
			buf[i] = (uint8_t)rand();
		flood(tls, buf, sizeof(buf));
		expect_bounded(tls);
		tls_close(&link_);
	}
}
END_TEST

/* a first message that says it is that long, in records without end */
START_TEST(an_endless_message_is_bounded)
{
	static const uint32_t sizes[] = { 0xffffff, 131396, 131000, 20000 };
	static uint8_t buf[1 << 20];
	const uint8_t record[] = { 22, 3, 3, RECORD >> 8, 0 };
	int end = _i % 2;
	uint32_t size = sizes[_i / 2];

	for (size_t at = 0; at + RECORD + 5 <= sizeof(buf); at += RECORD + 5)
		memcpy(buf + at, record, sizeof(record));
	buf[5] = end == TARGET ? SSL3_MT_CLIENT_HELLO : SSL3_MT_SERVER_HELLO;
	buf[6] = (uint8_t)(size >> 16);
	buf[7] = (uint8_t)(size >> 8);
	buf[8] = (uint8_t)size;
	flood(one_end(end), buf, sizeof(buf));
	expect_bounded(link_.end[end]);
}
END_TEST

/* meets one end, with as many more certificates behind its own */
static void meet(int end, const struct pki *as, const struct pki *more,
		 int count)
{
	struct sevlm_tls *tls = one_end(end);

	stranger_open(&stranger, !end, as, watch_pause);
	watch_pause(true);
	for (int i = 0; i < count; i++)
		SSL_CTX_add1_chain_cert(stranger.ctx, more->cert);
	watch_pause(false);
	stranger_connect(&stranger);
	stranger_meet(&stranger, tls);
	expect_bounded(tls);
}

START_TEST(an_endless_chain_is_bounded)
{
	meet(_i, &trio.ca, &trio.ca, 5000);
	ck_assert_ptr_nonnull(strstr(sevlm_tls_error(link_.end[_i]),
				     "excessive message size"));
}
END_TEST

/* just so many that they are read */
START_TEST(a_long_chain_is_bounded)
{
	meet(_i, &trio.ca, &trio.ca, 30);
}
END_TEST

/* a certificate that grows when it is read: names of one letter */
START_TEST(a_certificate_full_of_names_is_bounded)
{
	struct pki_shape shape = _i == SOURCE ? pki_target_shape :
						pki_source_shape;
	char *san = malloc(8 * NAMES + 32);
	size_t at = (size_t)sprintf(san, "DNS:a");
	struct pki many;

	for (int i = 0; i < NAMES; i++)
		at += (size_t)sprintf(san + at, ",DNS:%c", 'a' + i % 26);
	shape.san = san;
	pki_issue(&many, &shape, &trio.ca);
	meet(_i, &many, NULL, 0);
	pki_free(&many);
	free(san);
}
END_TEST

/* the list of CAs in a request, each with a name of one letter */
START_TEST(a_list_of_authorities_is_bounded)
{
	X509_NAME *name = X509_NAME_new();
	STACK_OF(X509_NAME) *names;

	ck_assert_int_eq(X509_NAME_add_entry_by_txt(
				 name, "CN", MBSTRING_ASC,
				 (const unsigned char *)"a", 1, -1, 0), 1);
	one_end(SOURCE);
	stranger_open(&stranger, TARGET, &trio.source, watch_pause);
	watch_pause(true);
	names = sk_X509_NAME_new_null();
	for (int i = 0; i < 1000; i++)
		ck_assert_int_gt(sk_X509_NAME_push(names, X509_NAME_dup(name)),
				 0);
	SSL_CTX_set_client_CA_list(stranger.ctx, names);
	watch_pause(false);
	stranger_connect(&stranger);
	stranger_meet(&stranger, link_.end[SOURCE]);
	expect_bounded(link_.end[SOURCE]);
	X509_NAME_free(name);
}
END_TEST

/* ---- time --------------------------------------------------------------- */

/* A byte now and then does not stretch the deadline, which counts from the
 * first step. */
START_TEST(dripping_does_not_stretch_the_deadline)
{
	const uint64_t second = 1000000000u, timeout = 5 * second;
	struct sevlm_tls_config config = tls_config(&trio, _i);
	const uint8_t record[] = { 22, 3, 3, 1, 0 };
	uint64_t now = 7 * second;
	struct sevlm_tls *tls;
	size_t taken;
	uint32_t want;

	config.handshake_timeout_ns = timeout;
	ck_assert_int_eq(sevlm_tls_new(&config, &link_.end[_i]), 0);
	tls = link_.end[_i];
	ck_assert_uint_eq(sevlm_tls_deadline(tls), SEVLM_NO_DEADLINE);
	for (int i = 0; i < 5; i++, now += second) {
		ck_assert_int_eq(sevlm_tls_step(tls, now, &want), 0);
		ck_assert_uint_eq(sevlm_tls_state(tls), SEVLM_TLS_HANDSHAKE);
		ck_assert_uint_eq(sevlm_tls_deadline(tls), 12 * second);
		ck_assert_int_eq(sevlm_tls_feed(tls, record + i, 1, &taken), 0);
	}
	ck_assert_int_eq(sevlm_tls_step(tls, now, &want), 0);
	ck_assert_uint_eq(sevlm_tls_state(tls), SEVLM_TLS_FAILED);
	ck_assert_int_eq(sevlm_tls_cause(tls), -ETIMEDOUT);
	ck_assert_uint_eq(sevlm_tls_deadline(tls), SEVLM_NO_DEADLINE);
	expect_bounded(tls);
}
END_TEST

START_TEST(the_default_deadline_is_thirty_seconds)
{
	struct sevlm_tls_config config = tls_config(&trio, _i);
	struct sevlm_tls *tls = one_end(_i);
	uint32_t want;

	sevlm_tls_step(tls, 0, &want);
	ck_assert_uint_eq(sevlm_tls_deadline(tls), 30000000000ull);
	tls_close(&link_);
	/* at the end of time it does not wrap */
	tls = one_end(_i);
	sevlm_tls_step(tls, UINT64_MAX - 2, &want);
	ck_assert_uint_eq(sevlm_tls_deadline(tls), UINT64_MAX - 1);
	tls_close(&link_);
	config.handshake_timeout_ns = UINT64_MAX;
	ck_assert_int_eq(sevlm_tls_new(&config, &link_.end[_i]), 0);
	tls = link_.end[_i];
	sevlm_tls_step(tls, 5, &want);
	ck_assert_uint_eq(sevlm_tls_state(tls), SEVLM_TLS_HANDSHAKE);
	ck_assert_uint_eq(sevlm_tls_deadline(tls), UINT64_MAX - 1);
}
END_TEST

/* ---- what a peer that has proven itself may not ------------------------- */

static uint8_t client_secret[48];

static void keep_secret(const SSL *ssl, const char *line)
{
	const char *hex = strrchr(line, ' ') + 1;

	(void)ssl;
	if (!strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24))
		for (int i = 0; i < 48; i++)
			sscanf(hex + 2 * i, "%2hhx", &client_secret[i]);
}

/* OpenSSL with our certificate, after a good handshake with the target */
static void befriend(void)
{
	one_end(TARGET);
	stranger_open(&stranger, SOURCE, &trio.source, NULL);
	SSL_CTX_set_keylog_callback(stranger.ctx, keep_secret);
	stranger_connect(&stranger);
	stranger_meet(&stranger, link_.end[TARGET]);
	ck_assert_uint_eq(sevlm_tls_state(link_.end[TARGET]), SEVLM_TLS_OPEN);
}

static void expect_no_data(int code, const char *why)
{
	struct sevlm_tls *tls = link_.end[TARGET];
	uint32_t want;

	while (stranger_carry(&stranger, tls))
		ck_assert_int_eq(sevlm_tls_step(tls, 2, &want), 0);
	sevlm_tls_step(tls, 2, &want);
	ck_assert_uint_eq(sevlm_tls_state(tls), SEVLM_TLS_FAILED);
	ck_assert_int_eq(sevlm_tls_cause(tls), code);
	ck_assert_msg(!!strstr(sevlm_tls_error(tls), why), "%s",
		      sevlm_tls_error(tls));
}

START_TEST(a_flood_of_key_updates_is_refused)
{
	befriend();
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(SSL_key_update(stranger.ssl,
						_i ? SSL_KEY_UPDATE_REQUESTED :
						SSL_KEY_UPDATE_NOT_REQUESTED),
				 1);
		ck_assert_int_eq(SSL_do_handshake(stranger.ssl), 1);
	}
	expect_no_data(-EPROTO, "records without data");
}
END_TEST

/* RFC 8446, 7.1, with an empty context */
static void expand_label(const uint8_t secret[48], const char *label,
			 uint8_t *to, size_t bytes)
{
	char digest[] = "SHA384";
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	uint8_t info[32] = { 0, (uint8_t)bytes, (uint8_t)(6 + strlen(label)) };
	size_t used = 3 + (size_t)sprintf((char *)info + 3, "tls13 %s", label);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest,
						 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
						  (void *)(uintptr_t)secret,
						  48),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info,
						  used + 1),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);

	ck_assert_int_eq(EVP_KDF_derive(ctx, to, bytes, params), 1);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

#define EMPTY_RECORD (5u + 1u + 16u)

/* OpenSSL sends no record without data, so it is sealed here: 5.2 and 5.3 */
static void seal_empty(const uint8_t secret[48], uint8_t sequence,
		       uint8_t record[EMPTY_RECORD])
{
	const uint8_t head[] = { 23, 3, 3, 0, EMPTY_RECORD - 5 }, type = 23;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t key[32], iv[12];
	int n;

	expand_label(secret, "key", key, sizeof(key));
	expand_label(secret, "iv", iv, sizeof(iv));
	iv[11] ^= sequence;
	memcpy(record, head, 5);
	ck_assert_int_eq(EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key,
					    iv), 1);
	ck_assert_int_eq(EVP_EncryptUpdate(ctx, NULL, &n, head, 5), 1);
	ck_assert_int_eq(EVP_EncryptUpdate(ctx, record + 5, &n, &type, 1), 1);
	ck_assert_int_eq(EVP_EncryptFinal_ex(ctx, record + 6, &n), 1);
	ck_assert_int_eq(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16,
					     record + 6), 1);
	EVP_CIPHER_CTX_free(ctx);
}

START_TEST(a_flood_of_empty_records_is_refused)
{
	uint8_t record[EMPTY_RECORD];
	struct sevlm_tls *tls;
	size_t taken;

	befriend();
	tls = link_.end[TARGET];
	for (uint8_t i = 0; i < _i; i++) {
		seal_empty(client_secret, i, record);
		ck_assert_int_eq(sevlm_tls_feed(tls, record, sizeof(record),
						&taken), 0);
		ck_assert_uint_eq(taken, sizeof(record));
	}
	if (_i > 32) {
		expect_no_data(-EPROTO, "receiving");
		return;
	}
	/* some are allowed, and data is found behind them */
	seal_empty(client_secret, (uint8_t)_i, record);
	record[5] ^= 1;
	sevlm_tls_feed(tls, record, sizeof(record), &taken);
	expect_no_data(-EKEYREJECTED, "bad record mac");
}
END_TEST

START_TEST(key_updates_among_data_are_answered)
{
	struct sevlm_tls *tls;
	size_t written, got;
	uint8_t byte;

	befriend();
	tls = link_.end[TARGET];
	for (int i = 0; i < 200; i++) {
		ck_assert_int_eq(SSL_key_update(stranger.ssl,
						SSL_KEY_UPDATE_REQUESTED), 1);
		ck_assert_int_eq(SSL_write_ex(stranger.ssl, "x", 1, &written),
				 1);
		stranger_carry(&stranger, tls);
		ck_assert_int_eq(sevlm_tls_receive(tls, &byte, 1, &got), 0);
		ck_assert_uint_eq(got, 1);
		ck_assert_int_eq(SSL_read_ex(stranger.ssl, &byte, 1, &got), 0);
		ERR_clear_error();
	}
	ck_assert_uint_eq(sevlm_tls_state(tls), SEVLM_TLS_OPEN);
}
END_TEST

#define ANSWERS 5

/* with a byte behind it; returns whether that was received */
static size_t ask_for_an_answer(void)
{
	struct sevlm_tls *tls = link_.end[TARGET];
	size_t written, got, taken;
	uint8_t byte;
	char *start;
	int bytes;

	ck_assert_int_eq(SSL_key_update(stranger.ssl, SSL_KEY_UPDATE_REQUESTED),
			 1);
	ck_assert_int_eq(SSL_write_ex(stranger.ssl, "x", 1, &written), 1);
	bytes = BIO_nread(stranger.link, &start, 1000);
	ck_assert_int_eq(sevlm_tls_feed(tls, start, (size_t)bytes, &taken), 0);
	ck_assert_int_eq(sevlm_tls_receive(tls, &byte, 1, &got), 0);
	return got;
}

/* Answers wait for a link that takes nothing; the farewell goes behind them,
 * and with a link that is gone nothing waits. */
START_TEST(an_answer_waits_for_room)
{
	static uint8_t buf[1 << 20];
	struct iovec iov = { buf, sizeof(buf) };
	struct sevlm_tls *tls;
	size_t sent, all = 0, heard = 0, got;
	uint32_t want;

	befriend();
	tls = link_.end[TARGET];
	ck_assert_int_eq(sevlm_tls_send(tls, &iov, 1, &sent), 0);
	for (int i = 0; i < ANSWERS; i++)
		heard += ask_for_an_answer();
	ck_assert_uint_lt(heard, ANSWERS);
	ck_assert_uint_eq(sevlm_tls_state(tls), SEVLM_TLS_OPEN);
	if (_i) {
		ck_assert_int_eq(sevlm_tls_closed(tls), 0);
		for (; !sevlm_tls_receive(tls, buf, 8, &got); heard += got)
			ck_assert_uint_ge(got, 1);
		ck_assert_uint_eq(heard, ANSWERS);
		ck_assert_int_eq(sevlm_tls_cause(tls), -ECONNRESET);
		return;
	}
	ck_assert_int_eq(sevlm_tls_close(tls), 0);
	for (int i = 0; i < 20; i++) {
		stranger_carry(&stranger, tls);
		ck_assert_int_eq(sevlm_tls_step(tls, 2, &want), 0);
		while (SSL_read_ex(stranger.ssl, buf, sizeof(buf), &got) == 1)
			all += got;
	}
	ck_assert_uint_eq(all, sent);
	ck_assert_int_eq(SSL_get_shutdown(stranger.ssl), SSL_RECEIVED_SHUTDOWN);
}
END_TEST

static void add_bounds(TCase *tcase)
{
	tcase_add_loop_test(tcase, garbage_is_bounded, 0, 2);
	tcase_add_loop_test(tcase, an_endless_message_is_bounded, 0, 8);
	tcase_add_loop_test(tcase, an_endless_chain_is_bounded, 0, 2);
	tcase_add_loop_test(tcase, a_long_chain_is_bounded, 0, 2);
	tcase_add_loop_test(tcase, a_certificate_full_of_names_is_bounded, 0,
			    2);
	tcase_add_test(tcase, a_list_of_authorities_is_bounded);
}

int main(void)
{
	Suite *suite = suite_create("tls-bounds");
	TCase *tcase = tcase_create("bounds");

	watch_init();
	tcase_set_timeout(tcase, 120);
	tcase_add_unchecked_fixture(tcase, make_trio, free_trio);
	tcase_add_checked_fixture(tcase, setup, teardown);
	add_bounds(tcase);
	tcase_add_loop_test(tcase, dripping_does_not_stretch_the_deadline, 0,
			    2);
	tcase_add_loop_test(tcase, the_default_deadline_is_thirty_seconds, 0,
			    2);
	tcase_add_loop_test(tcase, a_flood_of_key_updates_is_refused, 0, 2);
	tcase_add_loop_test(tcase, a_flood_of_empty_records_is_refused, 30,
			    36);
	tcase_add_test(tcase, key_updates_among_data_are_answered);
	tcase_add_loop_test(tcase, an_answer_waits_for_room, 0, 2);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
