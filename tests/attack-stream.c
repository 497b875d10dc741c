/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Lies about rounds, regions, states, blobs and totals; and of headers. */
#include <string.h>

#include "attack-liar.h"

#define HOLE (5ull << 32)

/* ---- one number --------------------------------------------------------- */

/* ---- ROUND -------------------------------------------------------------- */

static bool a_round_more(struct attack *attack, struct forged *record,
			 const struct lie *lie)
{
	(void)record;
	(void)lie;
	liar_make(attack, ATTACK_THERE, RECORD_ROUND, NULL, 8);
	return true;
}

static bool no_first_round(struct attack *attack, struct forged *record,
			   const struct lie *lie)
{
	(void)lie;
	record->drop = !attack->wires[ATTACK_THERE].epoch;
	return record->drop;
}

/* ---- REGION ------------------------------------------------------------- */

/* at: type and, times 16, action; value: gpa; with: bytes */
static bool region(struct attack *attack, struct forged *record,
		   const struct lie *lie)
{
	(void)record;
	liar_region(attack, lie->value, lie->with, lie->at % 16, lie->at / 16);
	return true;
}

static uint64_t low_ram(const struct attack *attack)
{
	return attack->plan.split ? attack->plan.split : attack->plan.memory;
}

static bool remove_ram(struct attack *attack, struct forged *record,
		       const struct lie *lie)
{
	(void)record;
	(void)lie;
	liar_region(attack, 0, low_ram(attack), SEVLM_REGION_TRACKED,
		   REGION_REMOVE);
	return true;
}

/* with: the class that RAM has then */
static bool turn_ram(struct attack *attack, struct forged *record,
		     const struct lie *lie)
{
	remove_ram(attack, record, lie);
	liar_region(attack, 0, low_ram(attack), (uint32_t)lie->with, REGION_ADD);
	return true;
}

static bool ram_behind_ram(struct attack *attack, struct forged *record,
			   const struct lie *lie)
{
	(void)record;
	(void)lie;
	liar_region(attack, attack->plan.memory, 16 * RIG_PAGE,
		   SEVLM_REGION_TRACKED, REGION_ADD);
	return true;
}

/* ---- SHARED ------------------------------------------------------------- */

static void put_span(uint8_t *at, uint64_t gpa, uint64_t pages, uint32_t form)
{
	liar_put(at, 8, gpa);
	liar_put(at + 8, 4, pages);
	liar_put(at + 12, 4, form);
}

/* a span behind the others; at: form, value: gpa, with: pages */
static bool span(struct attack *attack, struct forged *record,
		 const struct lie *lie)
{
	(void)attack;
	put_span(record->body + record->bytes, lie->value, lie->with, lie->at);
	record->bytes += SPAN_SIZE;
	return true;
}

/* one page of two, far away, more than anybody keeps */
static bool many_spans(struct attack *attack, struct forged *record,
		       const struct lie *lie)
{
	uint64_t gpa = HOLE;

	for (uint32_t n = 0; n < lie->with; n++) {
		if (record->bytes + SPAN_SIZE > RECORD_BODY_LEAST) {
			liar_say(attack, record);
			record->bytes = 0;
		}
		put_span(record->body + record->bytes, gpa, 1, SPAN_ALL);
		record->bytes += SPAN_SIZE;
		gpa += 2 * RIG_PAGE;
	}
	return true;
}

/* a bitmap of three pages with a fourth bit */
static bool bits_behind(struct attack *attack, struct forged *record,
			const struct lie *lie)
{
	uint8_t *at = record->body + record->bytes;

	(void)attack;
	(void)lie;
	put_span(at, HOLE, 3, SPAN_BITMAP);
	liar_put(at + SPAN_SIZE, 8, 9);
	record->bytes += SPAN_SIZE + 8;
	return true;
}

/* ---- STATE -------------------------------------------------------------- */

/* more blobs than fit, in front of the record */
static bool many_blobs(struct attack *attack, struct forged *record,
		       const struct lie *lie)
{
	uint8_t body[STATE_HEAD_SIZE + 1] = {0};

	(void)record;
	liar_put(body + 8, 8, 1);
	for (uint32_t i = 0; i < lie->with; i++) {
		liar_put(body, 4, 0x10000 + i);
		liar_make(attack, ATTACK_THERE, RECORD_STATE, body,
			  sizeof(body));
	}
	return true;
}

/* a blob of which only the beginning comes */
static bool half_a_blob(struct attack *attack, struct forged *record,
			const struct lie *lie)
{
	uint8_t body[STATE_HEAD_SIZE + 1] = {0};

	(void)record;
	liar_put(body, 4, 0x10000);
	liar_put(body + 8, 8, lie->with);
	liar_make(attack, ATTACK_THERE, RECORD_STATE, body, sizeof(body));
	return true;
}

/* the same bytes in two pieces, the second said to begin a byte earlier */
static bool overlap(struct attack *attack, struct forged *record,
		    const struct lie *lie)
{
	uint8_t *bytes = record->body + STATE_HEAD_SIZE;
	size_t half = (record->bytes - STATE_HEAD_SIZE) / 2;

	(void)lie;
	if (!half)
		return false;
	liar_make(attack, ATTACK_THERE, RECORD_STATE, record->body,
		  STATE_HEAD_SIZE + half);
	memmove(bytes, bytes + half, record->bytes - STATE_HEAD_SIZE - half);
	record->bytes -= half;
	liar_put(record->body + 16, 8, half - 1);
	return true;
}

/* ---- END ---------------------------------------------------------------- */

/* the numbers that are right but for this one */
static bool other_total(struct attack *attack, struct forged *record,
			const struct lie *lie)
{
	struct liar *liar = attack->liar;

	for (uint32_t i = 0; i < 4; i++)
		liar_put(record->body + 8 * i, 8,
			 liar->totals[i] + (i == lie->at ? lie->with : 0));
	sevlm__hash_peek(liar->heard[1], record->body + 40);
	record->own_body = true;
	return true;
}

static bool other_digest(struct attack *attack, struct forged *record,
			 const struct lie *lie)
{
	struct lie none = *lie;

	none.with = 0;
	other_total(attack, record, &none);
	return lie_flip(attack, record, lie);
}

/* ---- headers, of any record --------------------------------------------- */

static void right_numbers(struct attack *attack, struct forged *record)
{
	struct wire *wire = &attack->wires[record->back];

	if (record->header.type == RECORD_ROUND)
		wire->epoch++;
	record->header.length = (uint32_t)record->bytes;
	record->header.epoch = wire->epoch;
	record->header.sequence = wire->sequence++;
	record->own_header = true;
}

static bool other_sequence(struct attack *attack, struct forged *record,
			   const struct lie *lie)
{
	right_numbers(attack, record);
	record->header.sequence += lie->with;
	return true;
}

static bool other_epoch(struct attack *attack, struct forged *record,
			const struct lie *lie)
{
	right_numbers(attack, record);
	record->header.epoch += (uint32_t)lie->with;
	return true;
}

static bool other_length(struct attack *attack, struct forged *record,
			 const struct lie *lie)
{
	right_numbers(attack, record);
	record->header.length = (uint32_t)lie->with;
	return true;
}

static bool other_type(struct attack *attack, struct forged *record,
		       const struct lie *lie)
{
	(void)attack;
	record->header.type = (uint16_t)lie->with;
	record->own_body = true;
	return true;
}

static bool other_channel(struct attack *attack, struct forged *record,
			  const struct lie *lie)
{
	(void)attack;
	record->header.channel = (uint16_t)lie->with;
	return true;
}

static bool other_flags(struct attack *attack, struct forged *record,
			const struct lie *lie)
{
	(void)attack;
	record->header.flags = (uint16_t)lie->with;
	return true;
}

static bool reserved(struct attack *attack, struct forged *record,
		     const struct lie *lie)
{
	(void)attack;
	record->reserved = (uint16_t)lie->with;
	return true;
}

#define THERE ATTACK_THERE, 0, DUE_REFUSED
#define BACK ATTACK_BACK, 0, DUE_REFUSED
#define ROUND ATTACK_THERE, RECORD_ROUND
#define SHARED ATTACK_THERE, RECORD_SHARED
#define STATE ATTACK_THERE, RECORD_STATE
#define END ATTACK_THERE, RECORD_END

static const struct lie lies[] = {
	{"pages of a round", ROUND, DUE_PERFECT, lie_set, false, 0, 8,
	 UINT64_MAX},
	{"a round more", ROUND, DUE_PERFECT, a_round_more, false, 0, 0, 0},
	{"no first round", ROUND, DUE_REFUSED, no_first_round, false, 0, 0, 0},
	{"a round less", ROUND, DUE_EITHER, lie_drop, false, 0, 0, 0},

	{"memory in a hole", ROUND, DUE_REFUSED, region, false, 16 + 1, HOLE,
	 65536},
	{"memory over memory", ROUND, DUE_REFUSED, region, false, 16 + 1, 0,
	 65536},
	{"memory over a ROM", ROUND, DUE_REFUSED, region, false, 16 + 3,
	 3ull << 32, 4096},
	{"memory behind RAM", ROUND, DUE_REFUSED, ram_behind_ram, false, 0, 0,
	 0},
	{"memory of 2^63 bytes", ROUND, DUE_REFUSED, region, false, 16 + 1,
	 HOLE, 1ull << 63},
	{"memory round the end", ROUND, DUE_REFUSED, region, false, 16 + 1,
	 ~4095ull, 8192},
	{"memory of class 0", ROUND, DUE_REFUSED, region, false, 16, HOLE,
	 65536},
	{"memory of class 9", ROUND, DUE_REFUSED, region, false, 16 + 9, HOLE,
	 65536},
	{"no memory", ROUND, DUE_REFUSED, region, false, 16 + 1, HOLE, 0},
	{"an odd byte", ROUND, DUE_REFUSED, region, false, 16 + 1, HOLE, 4097},
	{"neither nor", ROUND, DUE_REFUSED, region, false, 48 + 1, HOLE, 65536},
	{"removes a hole", ROUND, DUE_REFUSED, region, false, 32 + 1, HOLE,
	 65536},
	{"removes a bit of RAM", ROUND, DUE_REFUSED, region, false, 32 + 1,
	 4096, 4096},
	{"removes a device", ROUND, DUE_CONTAINED, region, false, 32 + 3,
	 RIG_DEVICE_GPA, RIG_DEVICE_PAGES * 4096},
	{"removes RAM", ROUND, DUE_CONTAINED, remove_ram, false, 0, 0, 0},
	{"RAM that is shared", ROUND, DUE_CONTAINED, turn_ram, false, 0, 0,
	 SEVLM_REGION_SHARED},
	{"RAM that is skipped", ROUND, DUE_CONTAINED, turn_ram, false, 0, 0,
	 SEVLM_REGION_SKIP},
	{"memory behind SHARED", STATE, DUE_REFUSED, region, false, 32 + 1,
	 RIG_PLUG_GPA, 65536},

	{"no SHARED", SHARED, DUE_REFUSED, lie_drop, true, 0, 0, 0},
	{"SHARED twice", SHARED, DUE_REFUSED, lie_twice, false, 0, 0, 0},
	{"a form of 3", SHARED, DUE_REFUSED, lie_set, false, 12, 4, 3},
	{"no pages in a span", SHARED, DUE_REFUSED, lie_set, false, 8, 4, 0},
	{"span off a page", SHARED, DUE_REFUSED, lie_add, false, 0, 8, 8},
	{"half a span", SHARED, DUE_REFUSED, lie_shorter, false, 0, 0, 1},
	{"4 G pages, bitmap", SHARED, DUE_REFUSED, span, false, SPAN_BITMAP,
	 HOLE, UINT32_MAX},
	{"4 G pages, all", SHARED, DUE_CONTAINED, span, false, SPAN_ALL, HOLE,
	 UINT32_MAX},
	{"everything", SHARED, DUE_REFUSED, span, false, SPAN_ALL, 0,
	 UINT32_MAX},
	{"span at the top", SHARED, DUE_REFUSED, span, false, SPAN_ALL,
	 ~4095ull, 2},
	{"far pages", SHARED, DUE_CONTAINED, many_spans, false, 0, 0, 4},
	{"too many far pages", SHARED, DUE_REFUSED, many_spans, false, 0, 0,
	 9000},
	{"bits behind the end", SHARED, DUE_REFUSED, bits_behind, false, 0, 0,
	 0},

	{"a blob of 2^63 bytes", STATE, DUE_REFUSED, lie_set, false, 8, 8,
	 1ull << 63},
	{"a blob of all bytes", STATE, DUE_REFUSED, lie_set, false, 8, 8,
	 UINT64_MAX},
	{"a blob of 65 MiB", STATE, DUE_REFUSED, half_a_blob, false, 0, 0,
	 65ull << 20},
	{"half a blob", STATE, DUE_REFUSED, half_a_blob, false, 0, 0, 2},
	{"no bytes in all", STATE, DUE_REFUSED, lie_set, false, 8, 8, 0},
	{"a byte more to come", STATE, DUE_REFUSED, lie_add, false, 8, 8, 1},
	{"a byte less than came", STATE, DUE_REFUSED, lie_add, false, 8, 8,
	 UINT64_MAX},
	{"a piece too far", STATE, DUE_REFUSED, lie_set, false, 16, 8, 1},
	{"a piece at the top", STATE, DUE_REFUSED, lie_set, false, 16, 8,
	 UINT64_MAX},
	{"a piece too early", STATE, DUE_REFUSED, overlap, false, 0, 0, 0},
	{"reserved, STATE", STATE, DUE_REFUSED, lie_set, false, 4, 4, 1},
	{"no blob", STATE, DUE_CONTAINED, lie_drop, false, 0, 0, 0},
	{"no blobs", STATE, DUE_VMM, lie_drop, true, 0, 0, 0},
	{"a blob twice", STATE, DUE_REFUSED, lie_twice, false, 0, 0, 0},
	{"another blob", STATE, DUE_VMM, lie_set, false, 0, 4, 0x4242},
	{"bits of a blob", STATE, DUE_CONTAINED, lie_flip, false,
	 STATE_HEAD_SIZE, 0, 0},
	{"257 blobs", STATE, DUE_REFUSED, many_blobs, false, 0, 0, 5000},

	{"a private page more", END, DUE_REFUSED, other_total, false, 0, 0, 1},
	{"a shared page less", END, DUE_REFUSED, other_total, false, 1, 0,
	 UINT64_MAX},
	{"a zero page more", END, DUE_REFUSED, other_total, false, 2, 0, 1},
	{"a free page more", END, DUE_REFUSED, other_total, false, 3, 0, 1},
	{"another digest", END, DUE_REFUSED, other_digest, false, 40, 32, 0},
	{"was not offered, END", END, DUE_REFUSED, lie_set, false, 32, 4, 2},
	{"is not ready, END", END, DUE_REFUSED, lie_set, false, 32, 4, 1},
	{"consent unknown, END", END, DUE_REFUSED, lie_set, false, 32, 4, 0x13},
	{"reserved, END", END, DUE_REFUSED, lie_set, false, 36, 4, 1},
	{"END twice", END, DUE_REFUSED, lie_twice, false, 0, 0, 0},
	{"no END", END, DUE_REFUSED, lie_drop, false, 0, 0, 0},
	{"a short END", END, DUE_REFUSED, lie_shorter, false, 0, 0, 1},
	{"a long END", END, DUE_REFUSED, lie_longer, false, 0, 0, 1},

	{"a number skipped", THERE, other_sequence, false, 0, 0, 1},
	{"a number again", THERE, other_sequence, false, 0, 0, UINT64_MAX},
	{"an epoch skipped", THERE, other_epoch, false, 0, 0, 1},
	{"an epoch again", THERE, other_epoch, false, 0, 0, UINT32_MAX},
	{"length 0", THERE, other_length, false, 0, 0, 0},
	{"length 4 GiB", THERE, other_length, false, 0, 0, UINT32_MAX},
	{"length 265993", THERE, other_length, false, 0, 0, 265993},
	{"type 0", THERE, other_type, false, 0, 0, 0},
	{"unknown, required", THERE, other_type, false, 0, 0, LIAR_UNKNOWN},
	{"a type for later", THERE, other_type, false, 0, 0, 32},
	{"HELLO called STATE", ATTACK_THERE, RECORD_HELLO, DUE_HELLO,
	 other_type, false, 0, 0, RECORD_STATE},
	{"START called STATE", ATTACK_THERE, RECORD_START, DUE_HELLO,
	 other_type, false, 0, 0, RECORD_STATE},
	{"COMMIT called FREE", ATTACK_THERE, RECORD_COMMIT, DUE_REFUSED,
	 other_type, false, 0, 0, RECORD_FREE},
	{"PREPARED called STARTED", ATTACK_BACK, RECORD_PREPARED, DUE_REFUSED,
	 other_type, false, 0, 0, RECORD_STARTED},
	{"PREPARED called NEVER", ATTACK_BACK, RECORD_PREPARED, DUE_REFUSED,
	 other_type, false, 0, 0, RECORD_NEVER},
	{"STARTED called PREPARED", ATTACK_BACK, RECORD_STARTED, DUE_LATE,
	 other_type, false, 0, 0, RECORD_PREPARED},
	{"another connection", THERE, other_channel, false, 0, 0, 1},
	{"unknown flags", THERE, other_flags, false, 0, 0, 3},
	{"reserved, header", THERE, reserved, false, 0, 0, 1},

	{"a number skipped, target", BACK, other_sequence, false, 0, 0, 1},
	{"an epoch, target", BACK, other_epoch, false, 0, 0, 1},
	{"length 0, target", BACK, other_length, false, 0, 0, 0},
	{"length 65537, target", BACK, other_length, false, 0, 0, 65537},
	{"type 0, target", BACK, other_type, false, 0, 0, 0},
	{"unknown, target", BACK, other_type, false, 0, 0, LIAR_UNKNOWN},
	{"connection, target", BACK, other_channel, false, 0, 0, 1},
	{"unknown flags, target", BACK, other_flags, false, 0, 0, 0x8001},
	{"reserved, target", BACK, reserved, false, 0, 0, 0x100},
};

const struct lies lies_stream = {lies, sizeof(lies) / sizeof(lies[0])};
