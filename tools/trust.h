/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whom to trust, as the options name them. */
#ifndef SEVLM_TRUST_H
#define SEVLM_TRUST_H

#include "options.h"

/* some platform is admitted by them */
bool trust_named(const struct options *options);
/* @ret: freed with sevlm_trust_free(); 0, or a negative errno with a
 * sentence */
int trust_build(const struct options *options, struct sevlm_trust **ret,
		struct sentence *why);

#endif /* SEVLM_TRUST_H */
