// SPDX-License-Identifier: GPL-2.0-only
/*
 * Smoke test: what the kernel has to say of itself
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/klog.h>
#include <unistd.h>

#include "smoke.h"

#define LEAKS	"/sys/kernel/debug/kmemleak"

static char text[1 << 20];

/* Also what kernels say that watch their locks and their memory */
void test_log(int on)
{
	static const char *const bad[] = {
		"WARNING:", "BUG:", "Oops", "Call Trace", "INFO: ",
		"UBSAN:", "ODEBUG:", "leak detector disabled",
	};
	int got = klogctl(3, text, sizeof(text) - 1);
	const char *found = NULL;
	unsigned int i;

	need(got > 0, "the kernel's log");
	text[got] = '\0';
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]) && !found; i++)
		found = strstr(text, bad[i]);
	ok(!found, "the kernel complains of nothing");
	if (found)
		printf("# %.60s\n", found);
	ok(!strstr(text, "FOR TESTS ONLY") == !on, "and says what it is");
}

/* What is young is not reported yet, nor what one scan alone did not find */
void test_leaks(void)
{
	int i;

	if (access(LEAKS, F_OK))
		return;
	for (i = 0; i < 2; i++) {
		sleep(6);
		is(write_text(LEAKS, "scan"), 0, "a scan for leaks");
	}
	ok(!read_text(LEAKS, text, sizeof(text) - 1), "none has been found");
	if (text[0])
		printf("# %.4000s\n", text);
}
