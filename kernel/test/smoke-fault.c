// SPDX-License-Identifier: GPL-2.0-only
/*
 * Smoke test: failures on demand
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "smoke.h"

#define FAULTS		"/sys/kernel/debug/soft-psp/faults"
#define DELAYS		"/sys/kernel/debug/soft-psp/delays"
#define COUNTERS	"/sys/kernel/debug/soft-psp/counters"

static int shows(const char *name, const char *line)
{
	char text[4096];

	read_text(name, text, sizeof(text) - 1);
	return strstr(text, line) != NULL;
}

void test_fault_lines(void)
{
	static const char *const bad[] = {
		"", "NOTHING 1 0 1", "SEND_START", "SEND_START x 0 1",
		"SEND_START 1 0", "SEND_START 1 0 1 later",
		"SEND_START 1 0 1 late more", "SEND_START 0x10000 0 1",
	};
	unsigned int i, taken = 0;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		taken += !write_text(FAULTS, bad[i]);
	ok(!taken && shows(FAULTS, "") && !shows(FAULTS, "SEND_START"),
	   "no fault out of a line that is wrong");
	is(write_text(FAULTS, "SEND_START 0x12 3 4 late\n"), 0, "a fault");
	ok(shows(FAULTS, "SEND_START 0x12 3 4 late\n"), "is shown");
	is(write_text(FAULTS, "SEND_START 0 0 0"), 0, "and taken back");
	ok(!shows(FAULTS, "SEND_START"), "and shown no more");
}

void test_faults(struct vm *vm)
{
	static struct peer peer;
	uint8_t session[SESSION];
	double begin;

	export(&peer);
	is(write_text(FAULTS, "GUEST_STATUS 0x13 0 1"), 0, "a fault, at once");
	is(guest_status(vm), PLATFORM, "fails");
	is(guest_status(vm), OK, "but once");

	is(write_text(COUNTERS, "0"), 0, "counters back to 0");
	is(write_text(FAULTS, "GUEST_STATUS 11 2 2"), 0, "one after 2, 2 times");
	is(guest_status(vm), OK, "the first call");
	is(guest_status(vm), OK, "the second");
	is(guest_status(vm), BAD_MEASUREMENT, "the third fails");
	is(guest_status(vm), BAD_MEASUREMENT, "and the fourth");
	is(guest_status(vm), OK, "not the fifth");
	ok(shows(COUNTERS, "GUEST_STATUS 5 2 2\n"), "all have been counted");
	ok(shows(COUNTERS, "\nSEND_START 0 0 0\n"), "each command by itself");

	is(write_text(FAULTS, "SEND_START 9 0 1 late"), 0, "a late one");
	is(send_start(vm, &peer, session), BAD_ADDRESS, "fails");
	is(guest_state(vm), SUPDATE, "when it has been done");
	is(write_text(FAULTS, "SEND_CANCEL 9 0 1"), 0, "one that is not");
	is(sev(vm, KVM_SEV_SEND_CANCEL, NULL), BAD_ADDRESS, "fails");
	is(guest_state(vm), SUPDATE, "and is not done");
	is(sev(vm, KVM_SEV_SEND_CANCEL, NULL), OK, "until it is");

	is(write_text(DELAYS, "GUEST_STATUS 200000"), 0, "a delay");
	ok(shows(DELAYS, "GUEST_STATUS 200000\n"), "is shown");
	begin = now();
	is(guest_status(vm), OK, "takes its time");
	/* Not to the letter: the ticks of an emulated machine may catch up */
	ok(now() - begin >= 0.02, "and not none");
	is(write_text(DELAYS, "GUEST_STATUS 0"), 0, "and ends");
	ok(!shows(DELAYS, "GUEST_STATUS"), "and is shown no more");
	is(write_text(DELAYS, "GUEST_STATUS 60000001"), ERANGE,
	   "no delay beyond a minute");
}

/* The driver gives up on a PSP that does not answer: the machine's last test */
void test_dead(void)
{
	struct vm vm;

	launch(&vm, 0);
	is(write_text(FAULTS, "GUEST_STATUS timeout 0 1"), 0, "no answer");
	guest_status(&vm);
	is(errno, ETIMEDOUT, "is waited for no longer");
	guest_status(&vm);
	is(errno, EBUSY, "nor is anything else");
	vm_close(&vm);
}
