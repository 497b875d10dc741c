/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One direction of a stream, read along. */
#ifndef SEVLM_FUZZ_WIRE_H
#define SEVLM_FUZZ_WIRE_H

#include "fuzz.h"
#include "record.h"

struct wire {
	uint8_t bytes[RECORD_HEADER_SIZE + RECORD_BODY_MAX];
	size_t have; /* of a record that is not complete */
	struct sevlm__record at; /* its header, once that is there */
	size_t magic; /* bytes of it that came */
	bool lost; /* what comes now is no record */
	uint32_t limit; /* of a body */
	uint64_t count; /* of records */
	uint32_t epoch; /* of the last */
	uint32_t types; /* that came, a bit each */
	void (*record)(void *ctx, const struct sevlm__record *record,
		       const uint8_t *body);
	void *ctx;
};

void wire_reset(struct wire *wire, uint32_t limit,
		void (*record)(void *ctx, const struct sevlm__record *record,
			       const uint8_t *body),
		void *ctx);
void wire_bytes(struct wire *wire, const uint8_t *bytes, size_t count);

static inline bool wire_had(const struct wire *wire, uint32_t type)
{
	return wire->types >> type & 1;
}

#endif /* SEVLM_FUZZ_WIRE_H */
