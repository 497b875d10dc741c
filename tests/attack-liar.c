/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "attack-liar.h"

#define SOURCE 0
#define TARGET 1
#define HELLO_NONCE 24
#define END_DIGEST 40

uint64_t liar_get(const uint8_t *at, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes; i++)
		value |= (uint64_t)at[i] << (8 * i);
	return value;
}

void liar_put(uint8_t *at, size_t bytes, uint64_t value)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

bool liar_begin(struct attack *attack)
{
	struct liar *liar = calloc(1, sizeof(*liar));

	attack->liar = liar;
	if (!liar)
		return false;
	liar->room = malloc(LIAR_ROOM);
	liar->spare = malloc(LIAR_ROOM);
	liar->pages = malloc(LIAR_ROOM);
	liar->blocks = malloc(LIAR_ROOM);
	liar->most_body = UINT32_MAX;
	memcpy(liar->exporter, attack->rig.source_config.exporter,
	       SEVLM_EXPORTER_SIZE);
	return liar->room && liar->spare && liar->pages && liar->blocks &&
	       !sevlm__hash_new(&liar->heard[SOURCE]) &&
	       !sevlm__hash_new(&liar->heard[TARGET]);
}

void liar_end(struct attack *attack)
{
	struct liar *liar = attack->liar;

	if (!liar)
		return;
	sevlm__hash_free(liar->heard[SOURCE]);
	sevlm__hash_free(liar->heard[TARGET]);
	free(liar->room);
	free(liar->spare);
	free(liar->pages);
	free(liar->blocks);
	free(liar);
	attack->liar = NULL;
}

/* ---- keys --------------------------------------------------------------- */

static void mac_of(struct liar *liar, const uint8_t *key, uint8_t *nonces,
		   uint32_t role, uint16_t type, uint8_t *mac)
{
	uint8_t head[8];
	struct iovec parts[] = {{head, sizeof(head)},
				{nonces, (size_t)2 * SEVLM_NONCE_SIZE}};

	(void)liar;
	liar_put(head, 4, role);
	liar_put(head + 4, 4, type);
	sevlm__hmac(key, parts, 2, mac);
}

static void key_of(struct liar *liar, uint8_t *nonces, uint8_t *key)
{
	char label[] = "sevlm session key";
	struct iovec parts[] = {{label, sizeof(label) - 1},
				{nonces, (size_t)2 * SEVLM_NONCE_SIZE}};

	sevlm__hmac(liar->exporter, parts, 2, key);
}

void liar_mac(struct attack *attack, bool believer, uint32_t role,
	      uint16_t type, uint8_t *mac)
{
	struct liar *liar = attack->liar;

	mac_of(liar, liar->key[believer], liar->nonces[believer][0], role, type,
	       mac);
}

void liar_other_mac(struct attack *attack, bool believer, uint32_t role,
		    uint16_t type, uint8_t *mac)
{
	struct liar *liar = attack->liar;
	uint8_t nonces[2 * SEVLM_NONCE_SIZE], key[SEVLM__DIGEST_SIZE];

	memcpy(nonces, liar->nonces[believer], sizeof(nonces));
	nonces[0] ^= 1;
	key_of(liar, nonces, key);
	mac_of(liar, key, nonces, role, type, mac);
}

/* ---- transcripts -------------------------------------------------------- */

static size_t covered(uint16_t type, const uint8_t *body, size_t bytes)
{
	struct sevlm__batch batch;

	if (type == RECORD_PAGES && !sevlm__batch_decode(body, bytes, &batch))
		return batch.control_bytes;
	return bytes;
}

static void note(struct liar *liar, bool believer, bool back, uint16_t type,
		 const uint8_t *header, const uint8_t *body, size_t bytes)
{
	if (back && type != RECORD_HELLO)
		return;
	if (type == RECORD_HELLO && bytes >= HELLO_NONCE + SEVLM_NONCE_SIZE) {
		memcpy(liar->nonces[believer][back], body + HELLO_NONCE,
		       SEVLM_NONCE_SIZE);
		key_of(liar, liar->nonces[believer][0], liar->key[believer]);
	}
	sevlm__hash_update(liar->heard[believer], header, RECORD_HEADER_SIZE);
	sevlm__hash_update(liar->heard[believer], body,
			   covered(type, body, bytes));
	if (type == RECORD_END)
		sevlm__hash_peek(liar->heard[believer], liar->digest[believer]);
}

void liar_hear(struct attack *attack, bool back, const uint8_t *record,
	       size_t bytes)
{
	note(attack->liar, back, back, wire_header(record).type, record,
	     record + RECORD_HEADER_SIZE, bytes - RECORD_HEADER_SIZE);
}

/* ---- what is said ------------------------------------------------------- */

static void count_pages(struct liar *liar, const struct forged *record)
{
	struct sevlm__batch batch;
	bool block = false;

	if (sevlm__batch_decode(record->body, record->bytes, &batch))
		return;
	for (uint32_t i = 0; i < batch.count; i++) {
		uint64_t entry = sevlm__entry(&batch, i);
		uint32_t kind = sevlm__entry_private(entry) ?
					KIND_PRIVATE :
					sevlm__entry_kind(entry);

		liar->totals[kind - 1] += sevlm__entry_pages(entry);
		block = block || sevlm__entry_kind(entry) == KIND_BLOCK;
	}
	memcpy(liar->pages, record->body, record->bytes);
	liar->pages_bytes = record->bytes;
	if (!block)
		return;
	memcpy(liar->blocks, record->body, record->bytes);
	liar->blocks_bytes = record->bytes;
}

static void count_free(struct liar *liar, const struct forged *record)
{
	for (size_t at = 0; at + RUN_SIZE <= record->bytes; at += RUN_SIZE)
		liar->totals[3] += liar_get(record->body + at + 8, 8);
}

static void right_end(struct attack *attack, struct forged *record)
{
	struct liar *liar = attack->liar;

	for (int i = 0; i < 4; i++)
		liar_put(record->body + 8 * i, 8, liar->totals[i]);
	sevlm__hash_peek(liar->heard[TARGET], record->body + END_DIGEST);
}

static void right_body(struct attack *attack, struct forged *record)
{
	struct liar *liar = attack->liar;
	uint16_t type = record->header.type;

	if (record->own_body)
		return;
	if (type == RECORD_END)
		right_end(attack, record);
	else if (type == RECORD_PREPARED)
		memcpy(record->body, liar->digest[SOURCE], SEVLM__DIGEST_SIZE);
	else if (type == RECORD_COMMIT)
		liar_mac(attack, TARGET, ROLE_SOURCE, type, record->body);
	else if (type >= RECORD_STARTED && type <= RECORD_LOST)
		liar_mac(attack, SOURCE, ROLE_TARGET, type, record->body);
}

static void right_header(struct attack *attack, struct forged *record)
{
	struct wire *wire = &attack->wires[record->back];

	if (record->own_header)
		return;
	if (record->header.type == RECORD_ROUND)
		wire->epoch++;
	record->header.length = (uint32_t)record->bytes;
	record->header.epoch = wire->epoch;
	record->header.sequence = wire->sequence++;
}

void liar_say(struct attack *attack, struct forged *record)
{
	struct liar *liar = attack->liar;
	uint8_t header[RECORD_HEADER_SIZE];

	right_body(attack, record);
	right_header(attack, record);
	if (record->header.type == RECORD_PAGES)
		count_pages(liar, record);
	else if (record->header.type == RECORD_FREE)
		count_free(liar, record);
	else if (record->header.type == RECORD_COMMIT)
		liar->committed = true;
	sevlm__record_encode(&record->header, header);
	liar_put(header + 14, 2, record->reserved);
	note(liar, !record->back, record->back, record->header.type, header,
	     record->body, record->bytes);
	wire_put(attack, record->back, header, sizeof(header));
	wire_put(attack, record->back, record->body, record->bytes);
}

void liar_make(struct attack *attack, bool back, uint16_t type,
	       const void *body, size_t bytes)
{
	struct forged record = {
		.back = back,
		.header = {.type = type, .flags = RECORD_REQUIRED},
		.body = calloc(1, bytes + END_SIZE),
		.bytes = bytes,
		.own_body = body != NULL,
	};

	if (!record.body)
		return;
	if (body)
		memcpy(record.body, body, bytes);
	liar_say(attack, &record);
	free(record.body);
}

void liar_region(struct attack *attack, uint64_t gpa, uint64_t bytes,
		 uint32_t type, uint32_t action)
{
	uint8_t body[REGION_SIZE];

	liar_put(body, 8, gpa);
	liar_put(body + 8, 8, bytes);
	liar_put(body + 16, 4, type);
	liar_put(body + 20, 4, action);
	liar_make(attack, ATTACK_THERE, RECORD_REGION, body, sizeof(body));
}

void liar_optional(struct attack *attack, bool back)
{
	uint8_t body[16] = "anything at all";
	struct forged record = {
		.back = back,
		.header = {.type = LIAR_UNKNOWN},
		.body = body,
		.bytes = sizeof(body),
	};

	liar_say(attack, &record);
}

void liar_replay(struct attack *attack, uint32_t index)
{
	const struct tape *tape = &attack->tapes[ATTACK_THERE];
	struct forged record = {.body = attack->liar->room};
	const uint8_t *bytes;

	if (index >= tape->count)
		return;
	bytes = tape->records[index].bytes;
	record.header = wire_header(bytes);
	record.bytes = tape->records[index].count - RECORD_HEADER_SIZE;
	memcpy(record.body, bytes + RECORD_HEADER_SIZE, record.bytes);
	attack->liar->played = index;
	liar_say(attack, &record);
}

/* HELLO, then all of it to END, then COMMIT */
void liar_play(struct attack *attack)
{
	const struct tape *tape = &attack->tapes[ATTACK_THERE];
	struct liar *liar = attack->liar;
	uint32_t heard = attack->wires[ATTACK_BACK].index;
	uint32_t last = heard < 2    ? 1
			: heard == 2 ? tape->count - 2
				     : tape->count - 1;

	while (liar->played < last)
		liar_replay(attack, liar->played + 1);
}
