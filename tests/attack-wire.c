/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "attack.h"

static size_t record_bytes(const struct wire *wire)
{
	struct sevlm__reader r = sevlm__reader(wire->buf, wire->have);

	if (!wire->index)
		return RECORD_MAGIC_SIZE;
	if (wire->have < RECORD_HEADER_SIZE)
		return RECORD_HEADER_SIZE;
	return RECORD_HEADER_SIZE + sevlm__get32(&r);
}

static bool append(struct wire *wire, const void *bytes, size_t count)
{
	size_t room = wire->have + count;
	uint8_t *buf;

	if (room > wire->room) {
		buf = realloc(wire->buf, 2 * room);
		if (!buf)
			return false;
		wire->buf = buf;
		wire->room = 2 * room;
	}
	memcpy(wire->buf + wire->have, bytes, count);
	wire->have += count;
	return true;
}

void wire_cut(struct attack *attack, bool back, const void *bytes, size_t count)
{
	size_t (*whole)(const struct wire *wire) = attack->kind->record_bytes;
	struct wire *wire = &attack->wires[back];
	size_t need;

	if (!whole)
		whole = record_bytes;
	if (!append(wire, bytes, count)) {
		attack->wrong = "no memory";
		return;
	}
	while (wire->have >= (need = whole(wire))) {
		if (!attack->swallow[back])
			attack->kind->record(attack, back, wire->buf, need);
		wire->have -= need;
		memmove(wire->buf, wire->buf + need, wire->have);
		wire->index++;
	}
}

void wire_take(struct rig_side *from, const void *bytes, size_t count)
{
	wire_cut(from->rig->hooks.data, from->target, bytes, count);
}

void wire_free(struct wire *wire)
{
	free(wire->buf);
	memset(wire, 0, sizeof(*wire));
}

void wire_put(struct attack *attack, bool back, const uint8_t *bytes,
	      size_t count)
{
	struct rig *rig = &attack->rig;

	if (rig_pipe_put(back ? &rig->back : &rig->there, bytes, count))
		attack->wrong = "no memory";
}

struct sevlm__record wire_header(const uint8_t *record)
{
	struct sevlm__reader r = sevlm__reader(record, RECORD_HEADER_SIZE);
	struct sevlm__record ret = {0};

	ret.length = sevlm__get32(&r);
	ret.type = sevlm__get16(&r);
	ret.flags = sevlm__get16(&r);
	ret.epoch = sevlm__get32(&r);
	ret.channel = sevlm__get16(&r);
	sevlm__get16(&r);
	ret.sequence = sevlm__get64(&r);
	return ret;
}

void wire_put_fixed(struct attack *attack, bool back, const uint8_t *record,
		    size_t bytes)
{
	struct wire *wire = &attack->wires[back];
	uint8_t head[RECORD_HEADER_SIZE];
	struct sevlm__record header;

	if (bytes < RECORD_HEADER_SIZE) {
		wire_put(attack, back, record, bytes);
		return;
	}
	header = wire_header(record);
	if (header.type == RECORD_ROUND)
		wire->epoch++;
	header.epoch = wire->epoch;
	header.sequence = wire->sequence++;
	sevlm__record_encode(&header, head);
	wire_put(attack, back, head, sizeof(head));
	wire_put(attack, back, record + sizeof(head), bytes - sizeof(head));
}

void wire_say(struct attack *attack, bool back, uint16_t type, uint16_t flags,
	      const void *body, size_t bytes)
{
	struct wire *wire = &attack->wires[back];
	const struct sevlm__record header = {
		.length = (uint32_t)bytes,
		.type = type,
		.flags = flags,
		.epoch = wire->epoch,
		.sequence = wire->sequence++,
	};
	uint8_t head[RECORD_HEADER_SIZE];

	sevlm__record_encode(&header, head);
	wire_put(attack, back, head, sizeof(head));
	wire_put(attack, back, body, bytes);
}

uint16_t wire_type(const uint8_t *record, size_t bytes)
{
	return bytes < RECORD_HEADER_SIZE ? 0 : wire_header(record).type;
}

size_t wire_covered(const uint8_t *record, size_t bytes)
{
	struct sevlm__batch batch;

	if (wire_type(record, bytes) != RECORD_PAGES ||
	    sevlm__batch_decode(record + RECORD_HEADER_SIZE,
				bytes - RECORD_HEADER_SIZE, &batch))
		return bytes;
	return RECORD_HEADER_SIZE + batch.control_bytes;
}

bool tape_add(struct tape *tape, const uint8_t *record, size_t bytes)
{
	uint32_t room = tape->room ? 2 * tape->room : 64;
	struct tape_record *records = tape->records;

	if (tape->count == tape->room) {
		records = realloc(records, room * sizeof(*records));
		if (!records)
			return false;
		tape->records = records;
		tape->room = room;
	}
	records += tape->count;
	records->bytes = malloc(bytes);
	if (!records->bytes)
		return false;
	memcpy(records->bytes, record, bytes);
	records->count = bytes;
	tape->count++;
	return true;
}

void tape_free(struct tape *tape)
{
	for (uint32_t i = 0; i < tape->count; i++)
		free(tape->records[i].bytes);
	free(tape->records);
	memset(tape, 0, sizeof(*tape));
}
