/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Lies in HELLO and START. */
#include <string.h>

#include "attack-liar.h"

#define FIELDS 88
#define FIELD_HEAD 8

/* ---- the fixed part ----------------------------------------------------- */

/* what shows that the liar itself does no harm */
static bool nothing(struct attack *attack, struct forged *record,
		    const struct lie *lie)
{
	(void)attack;
	(void)record;
	(void)lie;
	return true;
}

/* the largest body the target takes, and holds the source to it */
static bool take_less(struct attack *attack, struct forged *record,
		      const struct lie *lie)
{
	attack->liar->most_body = (uint32_t)lie->with;
	return lie_set(attack, record, lie);
}

/* ---- the fields --------------------------------------------------------- */

/* where a field begins, with its head; 0 where there is none */
static size_t find(const struct forged *record, uint64_t id)
{
	size_t at = FIELDS;

	while (at + FIELD_HEAD <= record->bytes) {
		if (liar_get(record->body + at, 2) == id)
			return at;
		at += FIELD_HEAD + liar_get(record->body + at + 4, 4);
	}
	return 0;
}

static size_t length(const struct forged *record, size_t at)
{
	return liar_get(record->body + at + 4, 4);
}

/* makes the field longer or shorter at its end, with zeroes */
static void resize(struct forged *record, size_t at, size_t bytes)
{
	size_t old = length(record, at);
	uint8_t *end = record->body + at + FIELD_HEAD;
	size_t rest = record->bytes - at - FIELD_HEAD - old;

	memmove(end + bytes, end + old, rest);
	if (bytes > old)
		memset(end + old, 0, bytes - old);
	liar_put(record->body + at + 4, 4, bytes);
	record->bytes = record->bytes - old + bytes;
}

uint8_t *hello_field(const struct forged *record, uint64_t id)
{
	size_t at = find(record, id);

	return at ? record->body + at + FIELD_HEAD : NULL;
}

void hello_replace(struct forged *record, uint64_t id, const void *bytes,
		   size_t count)
{
	size_t at = find(record, id);

	if (!at)
		return;
	resize(record, at, count);
	memcpy(record->body + at + FIELD_HEAD, bytes, count);
}

static void append(struct forged *record, uint16_t id, uint16_t flags,
		   const void *bytes, size_t count)
{
	uint8_t *at = record->body + record->bytes;

	liar_put(at, 2, id);
	liar_put(at + 2, 2, flags);
	liar_put(at + 4, 4, count);
	memcpy(at + FIELD_HEAD, bytes, count);
	record->bytes += FIELD_HEAD + count;
}

/* at: the field */
static bool leave_out(struct attack *attack, struct forged *record,
		      const struct lie *lie)
{
	size_t at = find(record, lie->at), bytes;

	(void)attack;
	if (!at)
		return false;
	bytes = FIELD_HEAD + length(record, at);
	memmove(record->body + at, record->body + at + bytes,
		record->bytes - at - bytes);
	record->bytes -= bytes;
	return true;
}

static bool twice(struct attack *attack, struct forged *record,
		  const struct lie *lie)
{
	size_t at = find(record, lie->at);

	(void)attack;
	if (!at)
		return false;
	append(record, (uint16_t)lie->at, RECORD_REQUIRED,
	       record->body + at + FIELD_HEAD, length(record, at));
	return true;
}

/* a field of its own: at is the id, value the flags */
static bool add(struct attack *attack, struct forged *record,
		const struct lie *lie)
{
	(void)attack;
	append(record, (uint16_t)lie->at, (uint16_t)lie->value, "1234", 4);
	return true;
}

/* at: the field; with: how long it is now */
static bool change_length(struct attack *attack, struct forged *record,
			  const struct lie *lie)
{
	size_t at = find(record, lie->at);

	(void)attack;
	if (at)
		resize(record, at, lie->with);
	return at != 0;
}

/* what is said of the length, not what it is */
static bool lie_of_length(struct attack *attack, struct forged *record,
			  const struct lie *lie)
{
	size_t at = find(record, lie->at);

	(void)attack;
	if (at)
		liar_put(record->body + at + 4, 4, lie->with);
	return at != 0;
}

/* at: the field; value: offset in it, 4 bytes; with: to be flipped */
static bool flip_word(struct attack *attack, struct forged *record,
		      const struct lie *lie)
{
	size_t at = find(record, lie->at);
	uint8_t *word = record->body + at + FIELD_HEAD + lie->value;

	(void)attack;
	if (at)
		liar_put(word, 4, liar_get(word, 4) ^ lie->with);
	return at != 0;
}

static bool rest(struct attack *attack, struct forged *record,
		 const struct lie *lie)
{
	(void)attack;
	(void)lie;
	memset(record->body + record->bytes, 0, 3);
	record->bytes += 3;
	return true;
}

/* any bit of the field */
static bool flip_field(struct attack *attack, struct forged *record,
		       const struct lie *lie)
{
	size_t at = find(record, lie->at);
	uint64_t bit;

	if (!at)
		return false;
	bit = rig_below(&attack->random, length(record, at) * 8);
	record->body[at + FIELD_HEAD + bit / 8] ^= (uint8_t)(1u << bit % 8);
	return true;
}

/* one of the addresses in it is with bytes further */
static bool elsewhere(struct attack *attack, struct forged *record,
		      const struct lie *lie)
{
	size_t at = find(record, lie->at);
	uint8_t *address;

	if (!at)
		return false;
	address = record->body + at + FIELD_HEAD +
		  8 * rig_below(&attack->random, length(record, at) / 8);
	liar_put(address, 8, liar_get(address, 8) + lie->with);
	return true;
}

/* two regions change their places */
static bool mix_regions(struct attack *attack, struct forged *record,
			const struct lie *lie)
{
	size_t at = find(record, REGIONS) + FIELD_HEAD;
	uint8_t first[REGION_SIZE];

	(void)attack;
	(void)lie;
	memcpy(first, record->body + at, sizeof(first));
	memcpy(record->body + at, record->body + at + REGION_SIZE,
	       sizeof(first));
	memcpy(record->body + at + REGION_SIZE, first, sizeof(first));
	return true;
}

/* ---- both of HELLO and START -------------------------------------------- */

static bool another_policy(struct attack *attack, struct forged *record,
			   const struct lie *lie)
{
	size_t at;

	(void)attack;
	if (record->header.type == RECORD_START) {
		record->body[0] ^= (uint8_t)lie->with;
	} else if (record->header.type == RECORD_HELLO) {
		at = find(record, POLICY) + FIELD_HEAD;
		record->body[at] ^= (uint8_t)lie->with;
	} else {
		return false;
	}
	return true;
}

#define SRC ATTACK_THERE, RECORD_HELLO
#define TGT ATTACK_BACK, RECORD_HELLO
#define START ATTACK_THERE, RECORD_START

static const struct lie lies[] = {
	{"nothing", ATTACK_THERE, 0, DUE_PERFECT, nothing, false, 0, 0, 0},
	{"another nonce", SRC, DUE_PERFECT, lie_flip, false, 24, 32, 0},
	{"later version too", SRC, DUE_PERFECT, lie_set, false, 2, 2, 9},
	{"only a later version", SRC, DUE_HELLO, lie_set, false, 0, 4, 0x90002},
	{"versions backwards", SRC, DUE_HELLO, lie_set, false, 0, 4, 0x10002},
	{"version 0", SRC, DUE_HELLO, lie_set, false, 0, 2, 0},
	{"two targets", SRC, DUE_HELLO, lie_set, false, 4, 4, 2},
	{"no role", SRC, DUE_HELLO, lie_set, false, 4, 4, 0},
	{"takes 65535 bytes", SRC, DUE_HELLO, lie_set, false, 8, 4, 65535},
	{"takes nothing", SRC, DUE_HELLO, lie_set, false, 8, 4, 0},
	{"takes 4 GiB", SRC, DUE_PERFECT, lie_set, false, 8, 4, UINT32_MAX},
	{"open channel", SRC, DUE_HELLO, lie_set, false, 12, 4, 2},
	{"no channel", SRC, DUE_HELLO, lie_set, false, 12, 4, 0},
	{"reserved, HELLO", SRC, DUE_HELLO, lie_flip, false, 16, 8, 0},
	{"another binding", SRC, DUE_HELLO, lie_flip, false, 56, 32, 0},
	{"no policy", SRC, DUE_HELLO, leave_out, false, POLICY, 0, 0},
	{"no control", SRC, DUE_HELLO, leave_out, false, CONTROL, 0, 0},
	{"was not offered", SRC, DUE_HELLO, flip_word, false, CONTROL, 0, 1},
	{"is not ready", SRC, DUE_HELLO, flip_word, false, CONTROL, 0, 2},
	{"hung up", SRC, DUE_HELLO, flip_word, false, CONTROL, 0, 4},
	{"no PDH", SRC, DUE_HELLO, leave_out, false, PDH, 0, 0},
	{"no AMD", SRC, DUE_HELLO, leave_out, false, AMD, 0, 0},
	{"empty AMD", SRC, DUE_HELLO, change_length, false, AMD, 0, 0},
	{"16385 of AMD", SRC, DUE_HELLO, change_length, false, AMD, 0, 16385},
	{"no chain", SRC, DUE_HELLO, leave_out, false, CHAIN, 0, 0},
	{"no regions", SRC, DUE_HELLO, leave_out, false, REGIONS, 0, 0},
	{"no CPUID", SRC, DUE_HELLO, leave_out, false, CPUID, 0, 0},
	{"two policies", SRC, DUE_HELLO, twice, false, POLICY, 0, 0},
	{"two PDHs", SRC, DUE_HELLO, twice, false, PDH, 0, 0},
	{"regions twice", SRC, DUE_HELLO, twice, false, REGIONS, 0, 0},
	{"unknown field", SRC, DUE_PERFECT, add, false, 77, 0, 0},
	{"required field", SRC, DUE_HELLO, add, false, 77, 1, 0},
	{"field 0", SRC, DUE_HELLO, add, false, 0, 0, 0},
	{"field with flags", SRC, DUE_HELLO, add, false, 77, 2, 0},
	{"short PDH", SRC, DUE_HELLO, change_length, false, PDH, 0, 2083},
	{"long chain", SRC, DUE_HELLO, change_length, false, CHAIN, 0, 6253},
	{"long policy", SRC, DUE_HELLO, change_length, false, POLICY, 0, 8},
	{"chain past the end", SRC, DUE_HELLO, lie_of_length, false, CHAIN, 0,
	 60000},
	{"PDH of 4 GiB", SRC, DUE_HELLO, lie_of_length, false, PDH, 0,
	 UINT32_MAX},
	{"bytes behind the fields", SRC, DUE_HELLO, rest, false, 0, 0, 0},
	{"policy NOSEND", SRC, DUE_HELLO, flip_word, false, POLICY, 0,
	 SEVLM_POLICY_NOSEND},
	{"policy ES", SRC, DUE_HELLO, flip_word, false, POLICY, 0,
	 SEVLM_POLICY_ES},
	{"policy of HELLO only", SRC, DUE_HELLO, flip_word, false, POLICY, 0,
	 SEVLM_POLICY_NODBG},
	{"policy in both", ATTACK_THERE, 0, DUE_REFUSED, another_policy, true,
	 0, 0, SEVLM_POLICY_NODBG},
	{"NOSEND in both", ATTACK_THERE, 0, DUE_HELLO, another_policy, true, 0,
	 0, SEVLM_POLICY_NOSEND},
	{"ES in both", ATTACK_THERE, 0, DUE_HELLO, another_policy, true, 0, 0,
	 SEVLM_POLICY_ES},
	{"a page more", SRC, DUE_HELLO, flip_word, false, REGIONS, 8, 4096},
	{"an odd byte of RAM", SRC, DUE_HELLO, flip_word, false, REGIONS, 8, 1},
	{"no RAM at all", SRC, DUE_HELLO, change_length, false, REGIONS, 0, 0},
	{"RAM elsewhere", SRC, DUE_HELLO, flip_word, false, REGIONS, 4, 1},
	{"RAM of another class", SRC, DUE_HELLO, flip_word, false, REGIONS, 16,
	 3},
	{"RAM to be removed", SRC, DUE_HELLO, flip_word, false, REGIONS, 20, 3},
	{"one region only", SRC, DUE_HELLO, change_length, false, REGIONS, 0,
	 24},
	{"257 regions", SRC, DUE_HELLO, change_length, false, REGIONS, 0,
	 257 * 24},
	{"half a region", SRC, DUE_HELLO, change_length, false, REGIONS, 0, 36},
	{"regions mixed up", SRC, DUE_HELLO, mix_regions, false, 0, 0, 0},
	{"another CPUID", SRC, DUE_HELLO, flip_field, false, CPUID, 0, 0},
	{"a leaf less", SRC, DUE_HELLO, change_length, false, CPUID, 0, 56},
	{"257 leaves", SRC, DUE_HELLO, change_length, false, CPUID, 0,
	 257 * 28},
	{"half a leaf", SRC, DUE_HELLO, change_length, false, CPUID, 0, 14},
	{"HELLO twice", SRC, DUE_HELLO, lie_twice, false, 0, 0, 0},
	{"no HELLO", SRC, DUE_HELLO, lie_drop, false, 0, 0, 0},
	{"no START", START, DUE_HELLO, lie_drop, false, 0, 0, 0},
	{"START twice", START, DUE_REFUSED, lie_twice, false, 0, 0, 0},
	{"policy of START", START, DUE_HELLO, lie_flip, false, 0, 4, 0},
	{"reserved, START", START, DUE_HELLO, lie_flip, false, 4, 4, 0},
	{"another session", START, DUE_REFUSED, lie_flip, false, 8, 128, 0},

	{"another nonce, target", TGT, DUE_PERFECT, lie_flip, false, 24, 32, 0},
	{"later version, target", TGT, DUE_PERFECT, lie_set, false, 2, 2, 9},
	{"version 2, target", TGT, DUE_HELLO, lie_set, false, 0, 4, 0x20002},
	{"versions back, target", TGT, DUE_HELLO, lie_set, false, 0, 4,
	 0x10002},
	{"two sources", TGT, DUE_HELLO, lie_set, false, 4, 4, 1},
	{"takes 65535, target", TGT, DUE_HELLO, lie_set, false, 8, 4, 65535},
	{"takes 65536, target", TGT, DUE_PERFECT, take_less, false, 8, 4,
	 65536},
	{"takes 4 GiB, target", TGT, DUE_PERFECT, lie_set, false, 8, 4,
	 UINT32_MAX},
	{"open channel, target", TGT, DUE_HELLO, lie_set, false, 12, 4, 2},
	{"reserved, target", TGT, DUE_HELLO, lie_flip, false, 16, 8, 0},
	{"another binding, target", TGT, DUE_HELLO, lie_flip, false, 56, 32, 0},
	{"no PDH, target", TGT, DUE_HELLO, leave_out, false, PDH, 0, 0},
	{"no chain, target", TGT, DUE_HELLO, leave_out, false, CHAIN, 0, 0},
	{"no AMD, target", TGT, DUE_HELLO, leave_out, false, AMD, 0, 0},
	{"two chains, target", TGT, DUE_HELLO, twice, false, CHAIN, 0, 0},
	{"empty AMD, target", TGT, DUE_HELLO, change_length, false, AMD, 0, 0},
	{"16385 of AMD, target", TGT, DUE_HELLO, change_length, false, AMD, 0,
	 16385},
	{"unknown field, target", TGT, DUE_PERFECT, add, false, 77, 0, 0},
	{"required field, target", TGT, DUE_HELLO, add, false, 77, 1, 0},
	{"short PDH, target", TGT, DUE_HELLO, change_length, false, PDH, 0,
	 2083},
	{"AMD past the end", TGT, DUE_HELLO, lie_of_length, false, AMD, 0,
	 16000},
	{"no blocks, target", TGT, DUE_PERFECT, leave_out, false, CONTIGUOUS, 0,
	 0},
	{"blocks twice, target", TGT, DUE_HELLO, twice, false, CONTIGUOUS, 0,
	 0},
	{"blocks elsewhere", TGT, DUE_HELLO, elsewhere, false, CONTIGUOUS, 0,
	 RIG_PAGE},
	{"blocks off a page", TGT, DUE_HELLO, elsewhere, false, CONTIGUOUS, 0,
	 8},
	{"blocks nowhere", TGT, DUE_HELLO, change_length, false, CONTIGUOUS, 0,
	 0},
	{"blocks in half a place", TGT, DUE_HELLO, change_length, false,
	 CONTIGUOUS, 0, 4},
	{"blocks in two places", TGT, DUE_PERFECT, change_length, false,
	 CONTIGUOUS, 0, 16},
	{"blocks in four places", TGT, DUE_HELLO, change_length, false,
	 CONTIGUOUS, 0, 32},
	{"blocks in 257 places", TGT, DUE_HELLO, change_length, false,
	 CONTIGUOUS, 0, 257 * 8},
	{"HELLO twice, target", TGT, DUE_REFUSED, lie_twice, false, 0, 0, 0},
	{"no HELLO, target", TGT, DUE_HELLO, lie_drop, false, 0, 0, 0},
};

const struct lies lies_hello = {lies, sizeof(lies) / sizeof(lies[0])};
