/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Keys that two hosts share, one pair for each direction. */
#ifndef SEVLM_PSK_H
#define SEVLM_PSK_H

#include "options.h"

#define PSK_BYTES 32u

/* @role: "source" or "target", what this host is; a key that was made for the
 * other is refused. 0, or a negative errno with a sentence. */
int psk_read(const char *path, const char *role, uint8_t *psk,
	     struct sentence *why);
int command_psk(const struct options *options);

#endif /* SEVLM_PSK_H */
