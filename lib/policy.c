/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

/* What makes a migration impossible, wherever it is to go. NOKS is not among
 * it: no key is ever asked to be shared here. */
static const struct {
	uint32_t bits;
	const char *why;
} refusals[] = {
	{ SEVLM__POLICY_UNKNOWN, "something unknown: reserved bits are set" },
	{ SEVLM_POLICY_NOSEND, "NOSEND: its owner forbids to move it" },
	{ SEVLM_POLICY_ES, "ES: no kernel can move an SEV-ES guest" },
};

/* What it asks of the platform that it goes to. */
static const struct {
	uint32_t bit;
	size_t fact;
	const char *why;
} demands[] = {
	{ SEVLM_POLICY_SEV, offsetof(struct sevlm__platform, rooted),
	  "SEV: the target is not known to be a platform of AMD's" },
	{ SEVLM_POLICY_DOMAIN, offsetof(struct sevlm__platform, same_owner),
	  "DOMAIN: the target belongs to another owner" },
};

static const struct {
	uint32_t bit;
	const char *words;
} texts[] = {
	{ SEVLM_POLICY_NODBG, "NODBG: the host may not debug it" },
	{ SEVLM_POLICY_NOKS, "NOKS: its key is not shared with other guests" },
	{ SEVLM_POLICY_ES, "ES: its registers are encrypted" },
	{ SEVLM_POLICY_NOSEND, "NOSEND: it is never sent anywhere" },
	{ SEVLM_POLICY_DOMAIN, "DOMAIN: sent to the same owner only" },
	{ SEVLM_POLICY_SEV, "SEV: sent to platforms of AMD's only" },
};

static uint32_t least_major(uint32_t policy)
{
	return policy >> 16 & 0xff;
}

static uint32_t least_minor(uint32_t policy)
{
	return policy >> 24;
}

int sevlm__policy_check(struct sevlm__error *error, uint32_t policy)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		if (policy & refusals[i].bits)
			return sevlm__fail(error, -EPERM,
					   "the guest's policy 0x%08x says %s",
					   policy, refusals[i].why);
	return 0;
}

static int check_api(struct sevlm__error *error, uint32_t policy,
		     const struct sevlm__platform *target)
{
	const uint32_t major = least_major(policy);
	const uint32_t minor = least_minor(policy);

	if (target->api_major > major ||
	    (target->api_major == major && target->api_minor >= minor))
		return 0;
	return sevlm__fail(error, -EPERM,
			   "the guest's policy 0x%08x asks for API %u.%u, the "
			   "target has %u.%u",
			   policy, major, minor, target->api_major,
			   target->api_minor);
}

int sevlm__policy_fits(struct sevlm__error *error, uint32_t policy,
		       const struct sevlm__platform *target)
{
	for (size_t i = 0; i < ARRAY_SIZE(demands); i++) {
		const bool *met = (const void *)((const char *)target +
						 demands[i].fact);

		if (policy & demands[i].bit && !*met)
			return sevlm__fail(error, -EPERM,
					   "the guest's policy 0x%08x says %s",
					   policy, demands[i].why);
	}
	return check_api(error, policy, target);
}

int sevlm__policy_expected(struct sevlm__error *error, uint32_t policy,
			   uint32_t expected, uint32_t mask)
{
	if (!((policy ^ expected) & mask))
		return 0;
	return sevlm__fail(error, -EPERM,
			   "the guest's policy is 0x%08x, which differs from "
			   "the expected one in 0x%08x",
			   policy, (policy ^ expected) & mask);
}

SEVLM_API int sevlm_policy_text(uint32_t policy, char *buf, size_t bytes)
{
	char text[SEVLM_POLICY_TEXT_SIZE];
	size_t at;

	if (!buf)
		return -EINVAL;
	at = (size_t)snprintf(text, sizeof(text), "needs API %u.%u or later",
			      least_major(policy), least_minor(policy));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (policy & texts[i].bit)
			at += (size_t)snprintf(text + at, sizeof(text) - at,
					       "; %s", texts[i].words);
	if (policy & SEVLM__POLICY_UNKNOWN)
		at += (size_t)snprintf(text + at, sizeof(text) - at,
				       "; reserved bits 0x%04x: refused",
				       policy & SEVLM__POLICY_UNKNOWN);
	if (at >= bytes)
		return -ENOBUFS;
	memcpy(buf, text, at + 1);
	return 0;
}
