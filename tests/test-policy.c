/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "check-main.h"
#include "internal.h"

/* every combination of the bits that have a name, alone and with others */
START_TEST(every_policy)
{
	const uint32_t others = _i ? 0xffff0000 | 0x40 : 0;

	for (uint32_t bits = 0; bits < 64; bits++) {
		struct sevlm__error error;
		bool refused = bits & (SEVLM_POLICY_NOSEND | SEVLM_POLICY_ES);
		int ret;

		sevlm__error_clear(&error);
		ret = sevlm__policy_check(&error, bits | others);
		ck_assert_int_eq(ret, refused ? -EPERM : 0);
		ck_assert_int_eq(strlen(error.text) > 0, refused);
		ck_assert_uint_eq(error.status, SEVLM_FIRMWARE_NOT_ASKED);
	}
}
END_TEST

START_TEST(reasons)
{
	struct sevlm__error error;

	sevlm__error_clear(&error);
	sevlm__policy_check(&error, SEVLM_POLICY_NOSEND);
	ck_assert_ptr_nonnull(strstr(error.text, "NOSEND"));
	sevlm__policy_check(&error, SEVLM_POLICY_ES);
	ck_assert_ptr_nonnull(strstr(error.text, "SEV-ES"));
	ck_assert_ptr_nonnull(strstr(error.text, "0x00000004"));
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

	tcase_add_loop_test(tcase, every_policy, 0, 2);
	tcase_add_test(tcase, reasons);
	tcase_add_test(tcase, bits);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
