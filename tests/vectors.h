/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* tests/data/stream-vectors.txt, which says what its format is. */
#ifndef SEVLM_VECTORS_H
#define SEVLM_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vector {
	char name[32];
	uint8_t header[24];
	uint8_t *body;
	size_t header_bytes, bytes;
};

/* fails the test where the file is missing or malformed */
/* the software hosts whose certificates are in it, by their seeds */
#define VECTORS_SOURCE 31u
#define VECTORS_TARGET 32u

void vectors_load(void);
void vectors_free(void);
const struct vector *vector(const char *name);
/* magic bytes and records of one direction, in this order; malloc()ed */
uint8_t *vectors_stream(const char *const *names, size_t count,
			size_t *ret_bytes);

#endif /* SEVLM_VECTORS_H */
