/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check-main.h"
#include "internal.h"

static void expect_hex(const uint8_t *digest, const char *expected)
{
	char text[2 * SEVLM__DIGEST_SIZE + 1];

	for (size_t i = 0; i < SEVLM__DIGEST_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	ck_assert_str_eq(text, expected);
}

/* ---- SHA-256: FIPS 180-4 examples ---- */

static const struct {
	const char *text;
	size_t times;
	const char *digest;
} hashes[] = {
	{"", 1,
	 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	{"abc", 1,
	 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
	 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	{"aaaaaaaaaa", 100000,
	 "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
};

START_TEST(sha256)
{
	uint8_t digest[SEVLM__DIGEST_SIZE];
	struct sevlm__hash *hash;

	ck_assert_int_eq(sevlm__hash_new(&hash), 0);
	for (size_t i = 0; i < hashes[_i].times; i++)
		if (sevlm__hash_update(hash, hashes[_i].text,
				       strlen(hashes[_i].text)))
			ck_abort();
	ck_assert_int_eq(sevlm__hash_peek(hash, digest), 0);
	expect_hex(digest, hashes[_i].digest);
	sevlm__hash_free(hash);
}
END_TEST

START_TEST(peek_goes_on)
{
	uint8_t digest[SEVLM__DIGEST_SIZE];
	struct sevlm__hash *hash;

	ck_assert_int_eq(sevlm__hash_new(&hash), 0);
	ck_assert_int_eq(sevlm__hash_peek(hash, digest), 0);
	expect_hex(digest, hashes[0].digest);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(sevlm__hash_update(hash, &"abc"[i], 1), 0);
		ck_assert_int_eq(sevlm__hash_peek(hash, digest), 0);
	}
	expect_hex(digest, hashes[1].digest);
	ck_assert_int_eq(sevlm__hash_peek(hash, digest), 0);
	expect_hex(digest, hashes[1].digest);
	sevlm__hash_free(hash);
}
END_TEST

START_TEST(two_at_once)
{
	uint8_t digest[SEVLM__DIGEST_SIZE];
	struct sevlm__hash *a, *b;

	ck_assert_int_eq(sevlm__hash_new(&a), 0);
	ck_assert_int_eq(sevlm__hash_new(&b), 0);
	ck_assert_int_eq(sevlm__hash_update(a, "abc", 3), 0);
	ck_assert_int_eq(sevlm__hash_peek(b, digest), 0);
	expect_hex(digest, hashes[0].digest);
	ck_assert_int_eq(sevlm__hash_peek(a, digest), 0);
	expect_hex(digest, hashes[1].digest);
	sevlm__hash_free(a);
	sevlm__hash_free(b);
	sevlm__hash_free(NULL);
}
END_TEST

/* ---- HMAC-SHA256: RFC 4231; keys shorter than 32 bytes are padded with
 * zeroes by HMAC itself, so that they can be used here ---- */

static const struct {
	uint8_t key[32];
	const char *text;
	const char *mac;
} macs[] = {
	{{0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
	  0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b},
	 "Hi There",
	 "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
	{"Jefe", "what do ya want for nothing?",
	 "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
	{{0x0c, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c,
	  0x0c, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c},
	 "Test With Truncation",
	 "a3b6167473100ee06e0c796c2955552bfa6f7c0a6a8aef8b93f860aab0cd20c5"},
};

START_TEST(hmac)
{
	struct iovec part = {(void *)macs[_i].text, strlen(macs[_i].text)};
	uint8_t mac[SEVLM__DIGEST_SIZE];

	ck_assert_int_eq(sevlm__hmac(macs[_i].key, &part, 1, mac), 0);
	expect_hex(mac, macs[_i].mac);
}
END_TEST

/* parts are one message, wherever they are cut */
START_TEST(hmac_parts)
{
	char *text = (char *)macs[1].text;
	size_t count = strlen(text);
	uint8_t mac[SEVLM__DIGEST_SIZE];

	for (size_t i = 0; i <= count; i++) {
		struct iovec parts[] = {
			{text, i},
			{text, 0},
			{text + i, count - i},
		};

		ck_assert_int_eq(sevlm__hmac(macs[1].key, parts, 3, mac), 0);
		expect_hex(mac, macs[1].mac);
	}
	ck_assert_int_eq(sevlm__hmac((const uint8_t[32]){0}, NULL, 0, mac), 0);
	expect_hex(mac, "b613679a0814d9ec772f95d778c35fc5"
			"ff1697c493715653c6c712144292c5ad");
}
END_TEST

/* ---- the rest ---- */

START_TEST(equal)
{
	uint8_t a[64], b[64];

	memset(a, 0x5c, sizeof(a));
	memset(b, 0x5c, sizeof(b));
	ck_assert(sevlm__equal(a, b, sizeof(a)));
	ck_assert(sevlm__equal(a, b, 0));
	for (size_t bit = 0; bit < 8 * sizeof(a); bit++) {
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert(!sevlm__equal(a, b, sizeof(a)));
		ck_assert(sevlm__equal(a, b, bit / 8));
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}
END_TEST

START_TEST(wipe)
{
	uint8_t bytes[66];

	memset(bytes, 0xee, sizeof(bytes));
	sevlm__wipe(bytes + 1, 64);
	ck_assert_uint_eq(bytes[0], 0xee);
	ck_assert_uint_eq(bytes[65], 0xee);
	for (size_t i = 1; i < 65; i++)
		ck_assert_uint_eq(bytes[i], 0);
	sevlm__wipe(bytes, 0);
	ck_assert_uint_eq(bytes[0], 0xee);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("crypto");
	TCase *tcase = tcase_create("crypto");

	tcase_add_loop_test(tcase, sha256, 0, ARRAY_SIZE(hashes));
	tcase_add_test(tcase, peek_goes_on);
	tcase_add_test(tcase, two_at_once);
	tcase_add_loop_test(tcase, hmac, 0, ARRAY_SIZE(macs));
	tcase_add_test(tcase, hmac_parts);
	tcase_add_test(tcase, equal);
	tcase_add_test(tcase, wipe);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
