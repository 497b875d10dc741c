/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wire.h"

void wire_reset(struct wire *wire, uint32_t limit,
		void (*record)(void *ctx, const struct sevlm__record *record,
			       const uint8_t *body),
		void *ctx)
{
	/* all but the bytes, which are many */
	memset(&wire->have, 0, sizeof(*wire) - offsetof(struct wire, have));
	wire->limit = limit;
	wire->record = record;
	wire->ctx = ctx;
}

/* How many bytes are missing to the next thing that can be looked at? */
static size_t missing(const struct wire *wire)
{
	if (wire->magic < RECORD_MAGIC_SIZE)
		return RECORD_MAGIC_SIZE - wire->magic;
	if (wire->have < RECORD_HEADER_SIZE)
		return RECORD_HEADER_SIZE - wire->have;
	return RECORD_HEADER_SIZE + wire->at.length - wire->have;
}

static void take_magic(struct wire *wire, const uint8_t *bytes, size_t count)
{
	wire->lost = memcmp(&RECORD_MAGIC[wire->magic], bytes, count);
	wire->magic += count;
}

static void take(struct wire *wire, const uint8_t *bytes, size_t count)
{
	memcpy(wire->bytes + wire->have, bytes, count);
	wire->have += count;
	if (wire->have < RECORD_HEADER_SIZE)
		return;
	if (wire->have == RECORD_HEADER_SIZE)
		wire->lost = sevlm__record_decode(wire->bytes, &wire->at) ||
			     !wire->at.length || wire->at.length > wire->limit;
	if (wire->lost || wire->have < RECORD_HEADER_SIZE + wire->at.length)
		return;
	wire->have = 0;
	wire->epoch = wire->at.epoch;
	wire->types |= wire->at.type < 32 ? 1u << wire->at.type : 0;
	wire->record(wire->ctx, &wire->at, wire->bytes + RECORD_HEADER_SIZE);
	wire->count++;
}

void wire_bytes(struct wire *wire, const uint8_t *bytes, size_t count)
{
	size_t part;

	for (; count && !wire->lost; bytes += part, count -= part) {
		part = missing(wire);
		if (part > count)
			part = count;
		if (wire->magic < RECORD_MAGIC_SIZE)
			take_magic(wire, bytes, part);
		else
			take(wire, bytes, part);
	}
}
