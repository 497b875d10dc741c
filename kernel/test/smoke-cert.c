// SPDX-License-Identifier: GPL-2.0-only
/*
 * Smoke test: policies, and certificates of a target
 */
#define _GNU_SOURCE
#include <string.h>

#include "smoke.h"

static unsigned int start_policy(uint32_t policy)
{
	unsigned int status;
	struct vm vm;

	need(!vm_open(&vm), "KVM_SEV_INIT");
	status = launch_start(&vm, policy);
	vm_close(&vm);
	return status;
}

static unsigned int send_policy(uint32_t policy, const struct peer *peer)
{
	uint8_t session[SESSION];
	unsigned int status;
	struct vm vm;

	launch(&vm, policy);
	status = send_start(&vm, peer, session);
	vm_close(&vm);
	return status;
}

void test_policy(void)
{
	static struct peer peer, other;

	is(start_policy(1 << 2), UNSUPPORTED, "no guest with ES");
	is(start_policy(1 << 6), BAD_PARAM, "no policy with reserved bits");
	is(start_policy(52 << 24 | 1 << 16), BAD_POLICY, "none of a newer API");
	is(start_policy(2 << 16), BAD_POLICY, "none of a newer major");
	is(start_policy(51 << 24 | 1 << 16), OK, "but of this API");

	export(&peer);
	load(&other, "b");
	is(send_policy(1 << 3, &peer), BAD_POLICY, "NOSEND is not sent");
	is(send_policy(1 << 5, &peer), OK, "SEV is sent to a genuine chip");
	is(send_policy(1 << 5, &other), OK, "and to another one");
	is(send_policy(1 << 4, &other), OK, "DOMAIN is sent to the owner's");
	is(send_policy(3 << 4, &other), OK, "SEV and DOMAIN to both");
	load(&other, "c");
	is(send_policy(1 << 4, &other), BAD_POLICY, "DOMAIN not to another's");
	is(send_policy(1 << 5, &other), OK, "SEV is");
}

/* What is wrong with the certificates, and what a policy of 0 and SEV say */
void test_certs(void)
{
	static const struct {
		const char *what;
		int offset;
		uint8_t flip;
		unsigned int any, genuine;
	} cases[] = {
		{ "a PDH of version 0", 0, 1, BAD_CERT, BAD_CERT },
		{ "a PDH's use", 8, 1, BAD_CERT, BAD_CERT },
		{ "a PDH's curve", 0x10, 1, BAD_CERT, BAD_CERT },
		{ "a PDH's signature", 0x41c, 1, OK, BAD_SIGNATURE },
		{ "a PDH's minor version", 5, 1, OK, BAD_SIGNATURE },
		{ "a PEK's key", CERT + 0x14, 1, OK, BAD_SIGNATURE },
		{ "a PEK's signature by the CEK", CERT + 0x624, 1,
		  OK, BAD_SIGNATURE },
		{ "a CEK's signature by the ASK", 3 * CERT + 0x41c, 1,
		  OK, BAD_SIGNATURE },
		{ "a CEK's signed key", 3 * CERT + 0x20, 1, OK, BAD_SIGNATURE },
		{ "an ASK's modulus", 4 * CERT + 600, 1, OK, BAD_SIGNATURE },
		{ "an ASK's signature", 4 * CERT + 1100, 1, OK, BAD_SIGNATURE },
		{ "another ARK", 4 * CERT + 1600 + 600, 1, OK, BAD_CERT },
		{ "an ARK's use", 4 * CERT + 1600 + 36, 1, BAD_CERT, BAD_CERT },
	};
	static struct peer good, peer;
	unsigned int i;

	export(&good);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		peer = good;
		((uint8_t *)&peer)[cases[i].offset] ^= cases[i].flip;
		is(send_policy(0, &peer), cases[i].any, cases[i].what);
		is(send_policy(1 << 5, &peer), cases[i].genuine,
		   cases[i].what);
	}
	memset(&peer, 0xa5, sizeof(peer));
	is(send_policy(0, &peer), BAD_CERT, "junk for certificates");
}
