/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Spans of a SHARED record. */
#include <string.h>

#include "attack-liar.h"

static uint64_t span_bytes(const uint8_t *span)
{
	uint64_t pages = liar_get(span + 8, 4);

	return SPAN_SIZE + (liar_get(span + 12, 4) == SPAN_BITMAP
				    ? (pages + 63) / 64 * 8
				    : 0);
}

/* a page that no span names gets one of its own */
static bool insert_span(struct forged *record, size_t at, uint64_t gpa)
{
	uint8_t *span = record->body + at;

	memmove(span + SPAN_SIZE, span, record->bytes - at);
	liar_put(span, 8, gpa);
	liar_put(span + 8, 4, 1);
	liar_put(span + 12, 4, SPAN_ALL);
	record->bytes += SPAN_SIZE;
	return true;
}

/* the n-th page is taken out of a span of pages that are all shared */
static bool cut_span(struct forged *record, size_t at, uint64_t n)
{
	uint8_t *span = record->body + at;
	uint64_t first = liar_get(span, 8), pages = liar_get(span + 8, 4);
	size_t rest = record->bytes - at - SPAN_SIZE, kept = 0;
	uint8_t pieces[2][SPAN_SIZE];

	memcpy(pieces[0], span, SPAN_SIZE);
	memcpy(pieces[1], span, SPAN_SIZE);
	liar_put(pieces[0] + 8, 4, n);
	kept += n > 0;
	liar_put(pieces[kept], 8, first + (n + 1) * RIG_PAGE);
	liar_put(pieces[kept] + 8, 4, pages - n - 1);
	kept += pages - n - 1 > 0;
	memmove(span + kept * SPAN_SIZE, span + SPAN_SIZE, rest);
	memcpy(span, pieces, kept * SPAN_SIZE);
	record->bytes = at + kept * SPAN_SIZE + rest;
	record->drop = !record->bytes;
	return true;
}

bool spans_turn(struct forged *record, uint64_t gpa)
{
	uint64_t first, pages, n;
	size_t at = 0;

	for (; at < record->bytes; at += span_bytes(record->body + at)) {
		first = liar_get(record->body + at, 8);
		pages = liar_get(record->body + at + 8, 4);
		n = (gpa - first) / RIG_PAGE;
		if (gpa < first)
			break;
		if (n >= pages)
			continue;
		if (liar_get(record->body + at + 12, 4) == SPAN_ALL)
			return cut_span(record, at, n);
		record->body[at + SPAN_SIZE + n / 8] ^= (uint8_t)(1u << n % 8);
		return true;
	}
	return insert_span(record, at, gpa);
}
