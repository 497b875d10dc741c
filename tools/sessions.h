/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which sessions this host has received: none is taken twice. */
#ifndef SEVLM_SESSIONS_H
#define SEVLM_SESSIONS_H

#include "tool.h"

/* 0: it is on the disk now; -EKEYREJECTED: it was there before; else a
 * negative errno with a sentence */
int sessions_store(const char *path, const uint8_t *digest,
		   struct sentence *why);

#endif /* SEVLM_SESSIONS_H */
