/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "check-main.h"
#include "internal.h"

static struct sevlm__error error;

static void set_up(void)
{
	sevlm__error_clear(&error);
}

static void refused(int ret, const char *words)
{
	ck_assert_int_eq(ret, -EPERM);
	ck_assert_msg(strstr(error.text, words), "%s", error.text);
	/* it has to fit into an ABORT record */
	ck_assert_uint_lt(strlen(error.text), 160);
	ck_assert_uint_eq(error.status, SEVLM_FIRMWARE_NOT_ASKED);
}

/* every combination of the bits that have a name, alone and with a floor */
START_TEST(every_policy)
{
	const uint32_t others = _i ? 0xffff0000 : 0;

	for (uint32_t bits = 0; bits < 64; bits++) {
		bool no = bits & (SEVLM_POLICY_NOSEND | SEVLM_POLICY_ES);
		int ret;

		set_up();
		ret = sevlm__policy_check(&error, bits | others);
		ck_assert_int_eq(ret, no ? -EPERM : 0);
		ck_assert_int_eq(strlen(error.text) > 0, no);
		ck_assert_uint_eq(error.status, SEVLM_FIRMWARE_NOT_ASKED);
	}
}
END_TEST

START_TEST(reserved_bits_are_refused)
{
	for (int bit = 6; bit < 16; bit++)
		refused(sevlm__policy_check(&error, 1u << bit), "reserved");
}
END_TEST

START_TEST(reasons)
{
	refused(sevlm__policy_check(&error, SEVLM_POLICY_NOSEND), "NOSEND");
	refused(sevlm__policy_check(&error, SEVLM_POLICY_ES), "SEV-ES");
	ck_assert_ptr_nonnull(strstr(error.text, "0x00000004"));
}
END_TEST

/* every policy that can be moved, to every kind of platform */
START_TEST(demands_on_the_target)
{
	const struct sevlm__platform target = {
		.rooted = _i & 1,
		.same_owner = _i & 2,
		.api_major = 1,
		.api_minor = 5,
	};

	for (uint32_t bits = 0; bits < 64; bits++) {
		bool no = (bits & SEVLM_POLICY_SEV && !target.rooted) ||
			  (bits & SEVLM_POLICY_DOMAIN && !target.same_owner);

		set_up();
		ck_assert_int_eq(sevlm__policy_fits(&error, bits, &target),
				 no ? -EPERM : 0);
		ck_assert_int_eq(strlen(error.text) > 0, no);
	}
}
END_TEST

START_TEST(target_of_another_owner)
{
	struct sevlm__platform target = {.rooted = true};

	refused(sevlm__policy_fits(&error, SEVLM_POLICY_DOMAIN, &target),
		"owner");
	target = (struct sevlm__platform){.same_owner = true};
	refused(sevlm__policy_fits(&error, SEVLM_POLICY_SEV, &target), "AMD");
}
END_TEST

/* byte 2 is the major, byte 3 the minor version */
START_TEST(api_floor)
{
	static const struct {
		uint32_t policy, major, minor;
		bool good;
	} cases[] = {
		{0x00000000, 0, 0, true},      {0x11000000, 0, 17, true},
		{0x11000000, 0, 16, false},    {0x11000000, 1, 0, true},
		{0x00010000, 0, 255, false},   {0x00010000, 1, 0, true},
		{0x05010000, 1, 4, false},     {0x05010000, 1, 5, true},
		{0x05010000, 2, 0, true},      {0xffff0000, 255, 255, true},
		{0xffff0000, 255, 254, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct sevlm__platform target = {
			.api_major = cases[i].major,
			.api_minor = cases[i].minor,
		};
		int ret;

		set_up();
		ret = sevlm__policy_fits(&error, cases[i].policy, &target);
		if (cases[i].good)
			ck_assert_int_eq(ret, 0);
		else
			refused(ret, "API");
	}
}
END_TEST

START_TEST(expected_policy)
{
	ck_assert_int_eq(sevlm__policy_expected(&error, 0x11000021, 0, 0), 0);
	ck_assert_int_eq(sevlm__policy_expected(&error, 0x11000021, 0x21, 0x3f),
			 0);
	ck_assert_int_eq(sevlm__policy_expected(&error, 0x11000021, 0x11000021,
						UINT32_MAX),
			 0);
	refused(sevlm__policy_expected(&error, 0x20, 0x21, 0x21), "expected");
	ck_assert_ptr_nonnull(strstr(error.text, "0x00000001"));
	refused(sevlm__policy_expected(&error, 0x23, 0x21, UINT32_MAX),
		"0x00000002");
}
END_TEST

START_TEST(policy_in_words)
{
	char text[SEVLM_POLICY_TEXT_SIZE], all[SEVLM_POLICY_TEXT_SIZE];

	ck_assert_int_eq(sevlm_policy_text(0x11000021, text, sizeof(text)), 0);
	ck_assert_str_eq(text, "needs API 0.17 or later; NODBG: the host may "
			       "not debug it; SEV: sent to platforms of AMD's "
			       "only");
	ck_assert_int_eq(sevlm_policy_text(UINT32_MAX, all, sizeof(all)), 0);
	for (uint32_t bit = 0; bit < 16; bit++) {
		ck_assert_int_eq(
			sevlm_policy_text(1u << bit, text, sizeof(text)), 0);
		/* each says something, and the sum of them says it too */
		ck_assert_ptr_nonnull(strchr(text, ';'));
		if (bit < 6)
			ck_assert_ptr_nonnull(strstr(all, strchr(text, ';')));
	}
	ck_assert_ptr_nonnull(strstr(all, "255.255"));
	ck_assert_ptr_nonnull(strstr(all, "0xffc0"));
}
END_TEST

START_TEST(words_need_room)
{
	char text[SEVLM_POLICY_TEXT_SIZE];
	size_t bytes;

	ck_assert_int_eq(sevlm_policy_text(UINT32_MAX, text, sizeof(text)), 0);
	bytes = strlen(text) + 1;
	ck_assert_int_eq(sevlm_policy_text(UINT32_MAX, text, bytes), 0);
	memset(text, 'x', sizeof(text));
	ck_assert_int_eq(sevlm_policy_text(UINT32_MAX, text, bytes - 1),
			 -ENOBUFS);
	ck_assert_int_eq(sevlm_policy_text(0, text, 0), -ENOBUFS);
	ck_assert_int_eq(sevlm_policy_text(0, NULL, 64), -EINVAL);
	ck_assert_int_eq(text[0], 'x');
}
END_TEST

/* SEV API, "Guest Policy" */
START_TEST(bits)
{
	ck_assert_uint_eq(SEVLM_POLICY_NODBG, 1);
	ck_assert_uint_eq(SEVLM_POLICY_NOKS, 2);
	ck_assert_uint_eq(SEVLM_POLICY_ES, 4);
	ck_assert_uint_eq(SEVLM_POLICY_NOSEND, 8);
	ck_assert_uint_eq(SEVLM_POLICY_DOMAIN, 16);
	ck_assert_uint_eq(SEVLM_POLICY_SEV, 32);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy");
	TCase *tcase = tcase_create("policy");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_loop_test(tcase, every_policy, 0, 2);
	tcase_add_test(tcase, reserved_bits_are_refused);
	tcase_add_test(tcase, reasons);
	tcase_add_loop_test(tcase, demands_on_the_target, 0, 4);
	tcase_add_test(tcase, target_of_another_owner);
	tcase_add_test(tcase, api_floor);
	tcase_add_test(tcase, expected_policy);
	tcase_add_test(tcase, policy_in_words);
	tcase_add_test(tcase, words_need_room);
	tcase_add_test(tcase, bits);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
