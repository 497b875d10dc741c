/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef SEVLM_CHECK_MAIN_H
#define SEVLM_CHECK_MAIN_H

#include <check.h>

static int run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}

#endif /* SEVLM_CHECK_MAIN_H */
