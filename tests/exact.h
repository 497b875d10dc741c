/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef SEVLM_EXACT_H
#define SEVLM_EXACT_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

/* bytes that end where their memory ends, so that tools see an overrun; the
 * caller frees them */
static inline uint8_t *exact(const void *bytes, size_t count)
{
	uint8_t *copy = malloc(count ? count : 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, count);
	return copy;
}

#endif /* SEVLM_EXACT_H */
