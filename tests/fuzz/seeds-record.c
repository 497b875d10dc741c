/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Bodies of records, made up or of a real stream. */
#include "seeds.h"
#include "wire.h"

#define SMALL 12000u

struct records {
	const char *corpus;
	const char *stream;
	uint32_t seen;
};

static void put_body(const char *corpus, const char *name, uint8_t as,
		     const void *body, size_t bytes)
{
	FILE *file = create(corpus, "fuzz-record", name);

	fputc(as, file);
	fwrite(body, 1, bytes, file);
	fclose(file);
}

/* the first of each type */
static void put_record(void *ctx, const struct sevlm__record *record,
		       const uint8_t *body)
{
	struct records *records = ctx;
	char name[64];

	if (record->length > SMALL || record->type > 31 ||
	    records->seen >> record->type & 1)
		return;
	records->seen |= 1u << record->type;
	snprintf(name, sizeof(name), "%s-%u", records->stream, record->type);
	put_body(records->corpus, name, (uint8_t)record->type, body,
		 record->length);
}

void put_stream(const char *corpus, const char *path)
{
	static struct wire wire;
	const char *name = strrchr(path, '/');
	struct records records = {corpus, name ? name + 1 : path, 0};
	uint8_t bytes[4096];
	size_t count, all = 0;
	FILE *file = fopen(path, "rb");

	MUST(file);
	wire_reset(&wire, RECORD_BODY_MAX, put_record, &records);
	while ((count = fread(bytes, 1, sizeof(bytes), file))) {
		wire_bytes(&wire, bytes, count);
		all += count;
	}
	fclose(file);
	MUST(all && !wire.lost);
}

void put_records(const char *corpus)
{
	static const uint8_t header[RECORD_HEADER_SIZE] = {
		32, 0, 0, 0, RECORD_COMMIT, 0, RECORD_REQUIRED,
	};
	static const uint8_t span[SPAN_SIZE + 8] = {
		[8] = 3,
		[12] = SPAN_BITMAP,
		[16] = 5,
	};
	static const uint8_t resolve[RESOLVE_SIZE] = {
		ROLE_TARGET,
		[4] = VERDICT_STARTED,
	};
	/* a page behind its end */
	static const uint8_t bits[SPAN_SIZE + 8] = {
		[8] = 3,
		[12] = SPAN_BITMAP,
		[16] = 9,
	};
	static uint8_t block[PAGES_HEAD_SIZE + PAGES_ENTRY_SIZE +
			     SEVLM_PACKET_HEADER_SIZE + BLOCK_SIZE];
	static const uint8_t entries[PAGES_HEAD_SIZE + PAGES_ENTRY_SIZE] = {
		1,
		[8] = KIND_ZERO,
	};

	put_body(corpus, "header", 19, header, sizeof(header));
	put_body(corpus, "stream", 18, header, sizeof(header));
	put_body(corpus, "span-bits", RECORD_SHARED, bits, sizeof(bits));
	put_body(corpus, "span", RECORD_SHARED, span, sizeof(span));
	put_body(corpus, "resolve", RECORD_RESOLVE, resolve, sizeof(resolve));
	put_body(corpus, "zero-page", RECORD_PAGES, entries, sizeof(entries));
	block[0] = 1;
	block[8] = KIND_BLOCK;
	put_body(corpus, "block", RECORD_PAGES, block, sizeof(block));
}
