/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One PAGES record, taken apart and put together again. */
#include <string.h>

#include "attack-liar.h"

struct sheet sheet;

static bool packet(uint32_t kind)
{
	return kind == KIND_PRIVATE || kind == KIND_BLOCK;
}

static size_t payload_of(uint32_t kind)
{
	if (kind == KIND_ZERO)
		return 0;
	return kind == KIND_BLOCK ? RIG_PACKET : RIG_PAGE;
}

bool sheet_take(const struct forged *record)
{
	struct sevlm__batch batch;
	const uint8_t *header, *payload;

	if (sevlm__batch_decode(record->body, record->bytes, &batch))
		return false;
	header = batch.headers;
	payload = batch.payloads;
	sheet.count = batch.count;
	for (uint32_t i = 0; i < batch.count; i++) {
		uint64_t entry = sevlm__entry(&batch, i);
		struct sheet_page *page = &sheet.pages[i];

		page->gpa = sevlm__entry_gpa(entry);
		page->kind = sevlm__entry_kind(entry);
		if (packet(page->kind)) {
			memcpy(page->header, header, SEVLM_PACKET_HEADER_SIZE);
			header += SEVLM_PACKET_HEADER_SIZE;
		}
		memcpy(page->payload, payload, payload_of(page->kind));
		payload += payload_of(page->kind);
	}
	return true;
}

void sheet_put(struct forged *record)
{
	uint8_t *at = record->body;

	/* and what is reserved */
	liar_put(at, 8, sheet.count);
	at += ENTRIES;
	for (uint32_t i = 0; i < sheet.count; i++, at += 8)
		liar_put(at, 8, sheet.pages[i].gpa | sheet.pages[i].kind);
	for (uint32_t i = 0; i < sheet.count; i++)
		if (packet(sheet.pages[i].kind)) {
			memcpy(at, sheet.pages[i].header,
			       SEVLM_PACKET_HEADER_SIZE);
			at += SEVLM_PACKET_HEADER_SIZE;
		}
	for (uint32_t i = 0; i < sheet.count; i++) {
		memcpy(at, sheet.pages[i].payload,
		       payload_of(sheet.pages[i].kind));
		at += payload_of(sheet.pages[i].kind);
	}
	record->bytes = (size_t)(at - record->body);
	record->drop = !sheet.count;
}

void sheet_say(struct attack *attack)
{
	struct forged record = {
		.header = {.type = RECORD_PAGES, .flags = RECORD_REQUIRED},
		.body = attack->liar->spare,
	};

	sheet_put(&record);
	liar_say(attack, &record);
}

uint32_t sheet_any(struct attack *attack, uint32_t kind)
{
	uint64_t end = kind == KIND_BLOCK ? UINT64_MAX : attack->plan.memory;
	uint32_t ret = sheet.count;
	uint64_t found = 0;

	for (uint32_t i = 0; i < sheet.count; i++)
		if (sheet.pages[i].kind == kind && sheet.pages[i].gpa < end &&
		    !rig_below(&attack->random, ++found))
			ret = i;
	return ret;
}
