/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whom to trust: lists, limits and roots. */
#include <errno.h>
#include <string.h>

#include "cert.h"
#include "certs.h"
#include "check-main.h"

static struct sevlm_trust *trust;
static struct certs host;
static struct forge forge;

static void set_up(void)
{
	ck_assert_int_eq(sevlm_trust_new(&trust), 0);
}

static void tear_down(void)
{
	sevlm_trust_free(trust);
}

static const char *root_of(const uint8_t *ark, size_t bytes)
{
	struct sevlm__cert cert;

	ck_assert_uint_eq(sevlm__cert_decode_amd(ark, bytes, &cert), 0);
	return sevlm__trust_root(trust, ark, &cert);
}

START_TEST(nobody_is_trusted_at_first)
{
	uint8_t digest[32] = {0};

	ck_assert(!sevlm__trust_usable(trust));
	ck_assert(!sevlm__trust_usable(NULL));
	ck_assert(!sevlm__trust_admits(trust, digest, digest));
	ck_assert_ptr_null(root_of(host.amd + 1600, 1600));
}
END_TEST

START_TEST(an_entry_makes_it_usable)
{
	const uint8_t digest[32] = {1};

	switch (_i) {
	case 0:
		ck_assert_int_eq(sevlm_trust_add_chip(trust, digest), 0);
		break;
	case 1:
		ck_assert_int_eq(sevlm_trust_add_owner(trust, digest), 0);
		break;
	default:
		ck_assert_int_eq(sevlm_trust_allow_any_chip(trust), 0);
	}
	ck_assert(sevlm__trust_usable(trust));
}
END_TEST

START_TEST(a_root_or_a_floor_does_not)
{
	ck_assert_int_eq(sevlm_trust_add_root(trust, host.amd + 1600, 1600), 0);
	ck_assert_int_eq(sevlm_trust_set_floor(trust, 0, 0), 0);
	ck_assert(!sevlm__trust_usable(trust));
}
END_TEST

static void numbered(uint8_t *digest, uint32_t number)
{
	memset(digest, 0, 32);
	put_le32(digest + 20, number);
}

START_TEST(each_list_holds_its_own)
{
	int (*add)(struct sevlm_trust * t, const void *digest) =
		_i ? sevlm_trust_add_owner : sevlm_trust_add_chip;
	const uint8_t nobody[32] = {0xff};
	uint8_t digest[32];

	for (uint32_t i = 0; i < 100; i++) {
		numbered(digest, i);
		ck_assert_int_eq(add(trust, digest), 0);
	}
	for (uint32_t i = 0; i < 100; i++) {
		numbered(digest, i);
		ck_assert(sevlm__trust_admits(trust, _i ? nobody : digest,
					      _i ? digest : nobody));
		ck_assert(!sevlm__trust_admits(trust, _i ? digest : nobody,
					       _i ? nobody : digest));
	}
}
END_TEST

/* as many as are documented, not one more, and what is there stays */
START_TEST(list_ends_where_it_is_documented)
{
	uint8_t digest[32];

	for (uint32_t i = 0; i < SEVLM_MAX_TRUSTED; i++) {
		numbered(digest, i);
		ck_assert_int_eq(sevlm_trust_add_chip(trust, digest), 0);
	}
	/* one of them again is no entry more */
	ck_assert_int_eq(sevlm_trust_add_chip(trust, digest), 0);
	numbered(digest, SEVLM_MAX_TRUSTED);
	ck_assert_int_eq(sevlm_trust_add_chip(trust, digest), -ENOBUFS);
	ck_assert(!sevlm__trust_admits(trust, digest, digest));
}
END_TEST

START_TEST(root_is_known_with_and_without_its_signature)
{
	const uint8_t *ark = forge.certs.amd + 832;
	uint8_t again[832];

	ck_assert_int_eq(sevlm_trust_add_root(trust, ark, _i ? 576 : 832), 0);
	ck_assert_str_eq(root_of(ark, 832), "added");
	ck_assert_str_eq(root_of(ark, 576), "added");
	/* the salt is another each time; what is signed is the same */
	memcpy(again, ark, sizeof(again));
	forge_sign_amd(again, 832, forge.ark);
	ck_assert(memcmp(again, ark, 832));
	ck_assert_str_eq(root_of(again, 832), "added");
	again[4] ^= 1;
	ck_assert_ptr_null(root_of(again, 832));
}
END_TEST

START_TEST(root_that_is_none)
{
	uint8_t ark[1600];

	memcpy(ark, host.amd + 1600, sizeof(ark));
	ck_assert_int_eq(sevlm_trust_add_root(trust, ark, 1599), -EBADMSG);
	ck_assert_int_eq(sevlm_trust_add_root(trust, ark, 1088), -EBADMSG);
	ck_assert_int_eq(sevlm_trust_add_root(trust, host.amd, 1600), -EBADMSG);
	ck_assert_int_eq(sevlm_trust_add_root(trust, host.amd, 3200), -EBADMSG);
	ck_assert_int_eq(sevlm_trust_add_root(trust, host.pdh, CERT), -EBADMSG);
	ck_assert_int_eq(sevlm_trust_add_root(trust, ark, 0), -EBADMSG);
	ark[1599] ^= 1;
	ck_assert_int_eq(sevlm_trust_add_root(trust, ark, 1600), -EKEYREJECTED);
	ark[1599] ^= 1;
	ark[20] ^= 1; /* signed by somebody else, by its own word */
	ck_assert_int_eq(sevlm_trust_add_root(trust, ark, 1600), -EKEYREJECTED);
	ck_assert_ptr_null(root_of(host.amd + 1600, 1600));
}
END_TEST

START_TEST(roots_are_bounded)
{
	uint8_t ark[576];

	memcpy(ark, forge.certs.amd + 832, sizeof(ark));
	for (uint32_t i = 0; i < SEVLM_MAX_ROOTS; i++) {
		memset(ark + 4, (int)i, 32);
		ck_assert_int_eq(sevlm_trust_add_root(trust, ark, 576), 0);
	}
	ck_assert_int_eq(sevlm_trust_add_root(trust, ark, 576), 0);
	memset(ark + 4, SEVLM_MAX_ROOTS, 32);
	ck_assert_int_eq(sevlm_trust_add_root(trust, ark, 576), -ENOBUFS);
	ck_assert_ptr_null(root_of(ark, 576));
}
END_TEST

START_TEST(floor_compares_major_first)
{
	ck_assert(sevlm__trust_reaches(trust, 0, 0));
	ck_assert_int_eq(sevlm_trust_set_floor(trust, 1, 5), 0);
	ck_assert(!sevlm__trust_reaches(trust, 0, 255));
	ck_assert(!sevlm__trust_reaches(trust, 1, 4));
	ck_assert(sevlm__trust_reaches(trust, 1, 5));
	ck_assert(sevlm__trust_reaches(trust, 2, 0));
	ck_assert_int_eq(sevlm_trust_set_floor(trust, 256, 0), -EINVAL);
	ck_assert_int_eq(sevlm_trust_set_floor(trust, 0, 256), -EINVAL);
	ck_assert(!sevlm__trust_reaches(trust, 1, 4));
}
END_TEST

START_TEST(no_handle_no_effect)
{
	const uint8_t digest[32] = {0};

	ck_assert_int_eq(sevlm_trust_new(NULL), -EINVAL);
	ck_assert_int_eq(sevlm_trust_add_root(NULL, host.amd, 1600), -EINVAL);
	ck_assert_int_eq(sevlm_trust_add_root(trust, NULL, 1600), -EINVAL);
	ck_assert_int_eq(sevlm_trust_add_chip(NULL, digest), -EINVAL);
	ck_assert_int_eq(sevlm_trust_add_chip(trust, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_trust_add_owner(NULL, digest), -EINVAL);
	ck_assert_int_eq(sevlm_trust_add_owner(trust, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_trust_allow_any_chip(NULL), -EINVAL);
	ck_assert_int_eq(sevlm_trust_set_floor(NULL, 0, 0), -EINVAL);
	sevlm_trust_free(NULL);
	ck_assert(!sevlm__trust_usable(trust));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("trust");
	Suite *suite = suite_create("trust");
	int failed;

	certs_of_seed(&host, 6);
	forge_new(&forge, 2048);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, nobody_is_trusted_at_first);
	tcase_add_loop_test(tcase, an_entry_makes_it_usable, 0, 3);
	tcase_add_test(tcase, a_root_or_a_floor_does_not);
	tcase_add_loop_test(tcase, each_list_holds_its_own, 0, 2);
	tcase_add_test(tcase, list_ends_where_it_is_documented);
	tcase_add_loop_test(tcase, root_is_known_with_and_without_its_signature,
			    0, 2);
	tcase_add_test(tcase, root_that_is_none);
	tcase_add_test(tcase, roots_are_bounded);
	tcase_add_test(tcase, floor_compares_major_first);
	tcase_add_test(tcase, no_handle_no_effect);
	suite_add_tcase(suite, tcase);
	failed = run_suite(suite);
	forge_free(&forge);
	return failed;
}
