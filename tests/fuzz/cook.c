/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Bodies that a fuzzer would not find by chance: the contents of pages, sums
 * over everything before, proofs of the session.
 */
#include <errno.h>

#include "memory.h"
#include "side.h"
#include "source.h"

struct pot {
	struct side *side;
	const struct fuzz_op *op;
	struct sevlm__writer w;
};

static void put_gpa(struct pot *pot, size_t at)
{
	sevlm__put64(&pot->w, memory_gpa(fuzz_byte(pot->op, at)));
}

static uint32_t kind_at(const struct fuzz_op *op, uint32_t page)
{
	uint8_t byte = fuzz_byte(op, 2 * page + 1);

	return byte >= 0xf0 ? KIND_BLOCK : byte % KIND_ZERO + 1;
}

static void put_page(struct pot *pot, uint8_t with, size_t bytes)
{
	uint8_t *at = sevlm__put(&pot->w, bytes);

	if (at)
		memset(at, with, bytes);
}

/* two bytes each: which page, what kind */
static void pages(struct pot *pot)
{
	uint32_t count = (uint32_t)pot->op->count / 2;

	if (count > SEVLM_MAX_BATCH)
		count = SEVLM_MAX_BATCH;
	sevlm__put64(&pot->w, count);
	for (uint32_t i = 0; i < count; i++)
		sevlm__put64(&pot->w, memory_gpa(fuzz_byte(pot->op, 2 * i)) |
					      kind_at(pot->op, i));
	for (uint32_t i = 0; i < count; i++)
		if (sevlm__entry_private(kind_at(pot->op, i)))
			put_page(pot, 0x66, SEVLM_PACKET_HEADER_SIZE);
	for (uint32_t i = 0; i < count; i++)
		if (kind_at(pot->op, i) != KIND_ZERO)
			put_page(pot, 0x77,
				 sevlm__entry_pages(kind_at(pot->op, i)) *
					 PAGE_SIZE);
}

/* two bytes each: which page, how many */
static void runs(struct pot *pot)
{
	for (size_t i = 0; i + 1 < pot->op->count; i += 2) {
		put_gpa(pot, i);
		sevlm__put64(&pot->w, fuzz_byte(pot->op, i + 1));
	}
}

static void region(struct pot *pot)
{
	const struct memory_region *its =
		&memory[fuzz_byte(pot->op, 0) % MEMORY_REGIONS];

	sevlm__put64(&pot->w, its->gpa);
	sevlm__put64(&pot->w, (uint64_t)its->pages << PAGE_SHIFT);
	sevlm__put32(&pot->w, its->type);
	sevlm__put32(&pot->w, fuzz_byte(pot->op, 1));
}

/* four bytes each: which page, how many, the form, what is in the bitmap */
static void spans(struct pot *pot)
{
	for (size_t i = 0; i + 3 < pot->op->count; i += 4) {
		uint32_t count = fuzz_byte(pot->op, i + 1);
		uint32_t form = fuzz_byte(pot->op, i + 2) % 2 + 1;
		uint64_t bits = fuzz_byte(pot->op, i + 3);

		put_gpa(pot, i);
		sevlm__put32(&pot->w, count);
		sevlm__put32(&pot->w, form);
		for (uint32_t at = 0; form == SPAN_BITMAP && at < count;
		     at += 64)
			sevlm__put64(
				&pot->w,
				count - at >= 64
					? bits * 0x0101010101010101ull
					: bits & ((1ull << (count - at)) - 1));
	}
}

/* id, total and offset of two bytes each, then what is in it */
static void state(struct pot *pot)
{
	const struct fuzz_op *op = pot->op;

	sevlm__put32(&pot->w, fuzz_byte(op, 0));
	sevlm__put32(&pot->w, 0);
	sevlm__put64(&pot->w, fuzz_byte(op, 1) | fuzz_byte(op, 2) << 8);
	sevlm__put64(&pot->w, fuzz_byte(op, 3) | fuzz_byte(op, 4) << 8);
	if (op->count > 5)
		sevlm__put_bytes(&pot->w, op->bytes + 5, op->count - 5);
}

/* what the engine itself has seen so far */
static void end(struct pot *pot)
{
	const struct sevlm_progress *progress = &pot->side->engine->progress;
	struct sevlm__end its = {
		.private_pages = progress->private_pages,
		.shared_pages = progress->shared_pages,
		.zero_pages = progress->zero_pages,
		.freed_pages = progress->skipped_pages,
		.control = fuzz_byte(pot->op, 0),
	};
	uint8_t *body = sevlm__put(&pot->w, END_SIZE);

	sevlm__hash_peek(pot->side->engine->hash, its.digest);
	if (body)
		sevlm__end_encode(&its, body);
}

static void prepared(struct pot *pot)
{
	if (pot->side->source)
		sevlm__put_bytes(&pot->w, pot->side->source->digest,
				 SEVLM__DIGEST_SIZE);
}

static void verdict(struct pot *pot, uint32_t type)
{
	uint8_t mac[SEVLM__DIGEST_SIZE];

	sevlm__commit_mac(pot->side->engine, pot->side->role->peer,
			  (uint16_t)type, mac);
	sevlm__put_bytes(&pot->w, mac, sizeof(mac));
}

static void commit(struct pot *pot)
{
	verdict(pot, RECORD_COMMIT);
}

static void started(struct pot *pot)
{
	verdict(pot, RECORD_STARTED);
}

static void never(struct pot *pot)
{
	verdict(pot, RECORD_NEVER);
}

static void lost(struct pot *pot)
{
	verdict(pot, RECORD_LOST);
}

static void resolve(struct pot *pot)
{
	const struct sevlm__engine *engine = pot->side->engine;
	struct sevlm__resolve its = {
		.role = pot->side->role->peer,
		.verdict = fuzz_byte(pot->op, 0),
	};
	uint8_t *body = sevlm__put(&pot->w, RESOLVE_SIZE);

	memcpy(its.token, engine->token, sizeof(its.token));
	sevlm__commit_verdict(engine, its.role, its.verdict, its.mac);
	its.mac[0] ^= fuzz_byte(pot->op, 1);
	if (body)
		sevlm__resolve_encode(&its, body);
}

static void abort_(struct pot *pot)
{
	sevlm__put64(&pot->w, fuzz_byte(pot->op, 0));
	if (pot->op->count > 1)
		sevlm__put_bytes(&pot->w, pot->op->bytes + 1,
				 pot->op->count - 1);
}

static void (*const recipes[])(struct pot *pot) = {
	[RECORD_PAGES] = pages,	      [RECORD_FREE] = runs,
	[RECORD_REGION] = region,     [RECORD_SHARED] = spans,
	[RECORD_STATE] = state,	      [RECORD_END] = end,
	[RECORD_PREPARED] = prepared, [RECORD_COMMIT] = commit,
	[RECORD_STARTED] = started,   [RECORD_NEVER] = never,
	[RECORD_LOST] = lost,	      [RECORD_ABORT] = abort_,
	[RECORD_RESOLVE] = resolve,
};

size_t cook(struct side *side, uint32_t type, const struct fuzz_op *op,
	    uint8_t *body)
{
	const struct sevlm__record_type *known =
		sevlm__record_type((uint16_t)type);
	struct pot pot = {side, op, sevlm__writer(body, RECORD_BODY_MAX)};
	size_t bytes;

	if (type < ARRAY_SIZE(recipes) && recipes[type])
		recipes[type](&pot);
	else
		sevlm__put_bytes(&pot.w, op->bytes, op->count);
	bytes = (size_t)(pot.w.at - body);
	/* too short for its type: zeroes */
	if (known && bytes < known->least) {
		memset(body + bytes, 0, known->least - bytes);
		bytes = known->least;
	}
	return bytes;
}
