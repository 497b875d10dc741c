/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The stream in files: what the source says, and what the target says. */
#ifndef SEVLM_RECORDING_H
#define SEVLM_RECORDING_H

#include <sys/uio.h>

#include "options.h"

#define FROM_SOURCE 0
#define FROM_TARGET 1

struct recording {
	int fds[2]; /* by FROM_*; -1: none */
	bool failed;
	struct sentence *why; /* then */
};

int recording_init(struct recording *recording, const struct options *options,
		   struct sentence *why);
void recording_add(struct recording *recording, int from,
		   const struct iovec *iov, size_t bytes);
void recording_free(struct recording *recording);

#endif /* SEVLM_RECORDING_H */
