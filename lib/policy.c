/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include "internal.h"

/* SEV API, "Guest Policy": bits that make a migration impossible here. */
static const struct {
	uint32_t bit;
	const char *why;
} refusals[] = {
	{ SEVLM_POLICY_NOSEND, "NOSEND: its owner forbids to move it" },
	{ SEVLM_POLICY_ES, "ES: no kernel can move an SEV-ES guest" },
};

int sevlm__policy_check(struct sevlm__error *error, uint32_t policy)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		if (policy & refusals[i].bit)
			return sevlm__fail(error, -EPERM,
					   "the guest's policy 0x%08x says %s",
					   policy, refusals[i].why);
	return 0;
}
