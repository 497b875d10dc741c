/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The stream's records, bytes to fields and back (docs/stream.md). */
#ifndef SEVLM_RECORD_H
#define SEVLM_RECORD_H

#include "cursor.h"
#include "internal.h"

#define RECORD_MAGIC "SEVLM\r\n\x1a"
#define RECORD_MAGIC_SIZE 8
#define RECORD_HEADER_SIZE 24

#define RECORD_REQUIRED 1u	/* flag: refuse the stream if unknown */

#define RECORD_HELLO	1u
#define RECORD_START	2u
#define RECORD_ROUND	3u
#define RECORD_PAGES	4u
#define RECORD_FREE	5u
#define RECORD_REGION	6u
#define RECORD_SHARED	7u
#define RECORD_STATE	8u
#define RECORD_END	9u
#define RECORD_PREPARED 10u
#define RECORD_COMMIT	11u
#define RECORD_STARTED	12u
#define RECORD_NEVER	13u
#define RECORD_LOST	14u
#define RECORD_ABORT	15u
#define RECORD_RESOLVE	16u

#define ROLE_SOURCE 1u
#define ROLE_TARGET 2u

struct sevlm__record {
	uint32_t length;	/* of the body */
	uint16_t type;
	uint16_t flags;
	uint32_t epoch;
	uint16_t channel;	/* 0: one connection */
	uint64_t sequence;
};

/* What the format says of a type, whoever sends it. */
struct sevlm__record_type {
	uint16_t type;
	uint16_t from;		/* ROLE_*, or both */
	uint32_t least, most;	/* length of the body */
	const char *name;
};

#define PAGES_HEAD_SIZE 8
#define PAGES_ENTRY_SIZE 8
/* the largest body there is: a full PAGES record of private pages */
#define RECORD_BODY_MAX                                                       \
	(PAGES_HEAD_SIZE + SEVLM_MAX_BATCH * (PAGES_ENTRY_SIZE +              \
					      SEVLM_PACKET_HEADER_SIZE +      \
					      SEVLM_PAGE_SIZE))
/* a peer that takes less is refused: everything but PAGES fits */
#define RECORD_BODY_LEAST 65536u

void sevlm__record_encode(const struct sevlm__record *record, uint8_t *out);
/* -EBADMSG: reserved bits, or a length the type cannot have */
int sevlm__record_decode(const uint8_t *in, struct sevlm__record *record);
/* NULL where the type is not known */
const struct sevlm__record_type *sevlm__record_type(uint16_t type);

/* HELLO; pointers go into the body */
struct sevlm__hello {
	uint16_t version_min, version_max;
	uint32_t role;
	uint32_t max_body;	/* largest body this side takes */
	uint32_t channel;	/* SEVLM_CHANNEL_* */
	uint8_t nonce[SEVLM_NONCE_SIZE];
	uint8_t binding[SEVLM__DIGEST_SIZE];	/* of the exporter value */
	bool has_guest;		/* policy and control were there */
	uint32_t policy;
	uint32_t control;	/* SEVLM_CONTROL_* */
	const uint8_t *pdh;	/* SEVLM_PDH_SIZE, or NULL */
	const uint8_t *chain;	/* SEVLM_CHAIN_SIZE, or NULL */
	const uint8_t *amd;
	uint32_t amd_bytes;
	const uint8_t *regions;	/* REGION_SIZE each */
	uint32_t region_count;
	const uint8_t *cpuid;	/* SEVLM__CPUID_ENTRY each */
	uint32_t cpuid_count;
	const uint8_t *contiguous;	/* CONTIGUOUS_SIZE each */
	uint32_t contiguous_count;
};

#define REGION_SIZE	24
#define CONTIGUOUS_SIZE 8

/* bytes written, 0 where it does not fit */
size_t sevlm__hello_encode(const struct sevlm__hello *hello, uint8_t *out,
			   size_t room);
/* -EBADMSG malformed, -EPROTO an unknown field that is required */
int sevlm__hello_decode(const uint8_t *in, size_t bytes,
			struct sevlm__hello *hello);

/* REGION, and each of HELLO's */
#define REGION_ADD    1u
#define REGION_REMOVE 2u
void sevlm__region_encode(const struct sevlm__region *region, uint32_t action,
			  uint8_t *out);
int sevlm__region_decode(const uint8_t *in, struct sevlm__region *region,
			 uint32_t *ret_action);

/* PAGES: count, entries, packet headers of the private ones, payloads */
#define KIND_PRIVATE 1u
#define KIND_SHARED  2u
#define KIND_ZERO    3u
#define KIND_BLOCK   4u	/* private pages in one packet, BLOCK_PAGES */

struct sevlm__batch {
	const uint8_t *entries;
	const uint8_t *headers;
	const uint8_t *payloads;
	uint32_t count;		/* of the entries */
	size_t control_bytes;	/* of the body before the payloads */
};

int sevlm__batch_decode(const uint8_t *in, size_t bytes,
			struct sevlm__batch *batch);
static inline uint64_t sevlm__entry(const struct sevlm__batch *batch,
				    uint32_t index)
{
	struct sevlm__reader r = sevlm__reader(batch->entries + 8 * index, 8);

	return sevlm__get64(&r);
}

static inline uint64_t sevlm__entry_gpa(uint64_t entry)
{
	return entry & ~(uint64_t)(PAGE_SIZE - 1);
}

static inline uint32_t sevlm__entry_kind(uint64_t entry)
{
	return (uint32_t)(entry & (PAGE_SIZE - 1));
}

static inline uint32_t sevlm__entry_pages(uint64_t entry)
{
	return sevlm__entry_kind(entry) == KIND_BLOCK ? BLOCK_PAGES : 1;
}

static inline bool sevlm__entry_private(uint64_t entry)
{
	uint32_t kind = sevlm__entry_kind(entry);

	return kind == KIND_PRIVATE || kind == KIND_BLOCK;
}

/* FREE: runs of pages */
#define RUN_SIZE 16
/* SHARED: spans of pages, each all shared or with a bitmap */
#define SPAN_SIZE 16
#define SPAN_ALL    1u
#define SPAN_BITMAP 2u

/* bytes the span takes */
size_t sevlm__span_bytes(const struct sevlm__span *span);
void sevlm__span_encode(const struct sevlm__span *span,
			struct sevlm__writer *w);
/* the next span of a body; -EBADMSG */
int sevlm__span_decode(struct sevlm__reader *r, struct sevlm__span *span);

/* STATE: a piece of one blob */
#define STATE_HEAD_SIZE 24
struct sevlm__state_piece {
	uint32_t id;
	uint64_t total;
	uint64_t offset;
	const uint8_t *bytes;
	size_t count;
};
void sevlm__state_encode(const struct sevlm__state_piece *piece, uint8_t *out);
int sevlm__state_decode(const uint8_t *in, size_t bytes,
			struct sevlm__state_piece *piece);

/* END */
#define END_SIZE 72
struct sevlm__end {
	uint64_t private_pages, shared_pages, zero_pages, freed_pages;
	uint32_t control;
	uint8_t digest[SEVLM__DIGEST_SIZE];
};
void sevlm__end_encode(const struct sevlm__end *end, uint8_t *out);
int sevlm__end_decode(const uint8_t *in, struct sevlm__end *end);

/* ABORT: why, and a sentence */
#define ABORT_HEAD_SIZE 8
#define ABORT_TEXT_MAX 160
size_t sevlm__abort_encode(int cause, const char *text, uint8_t *out);
/* text: ABORT_TEXT_MAX + 1 bytes, printable ASCII whatever came */
int sevlm__abort_decode(const uint8_t *in, size_t bytes, int *ret_cause,
			char *text);

/* RESOLVE: what a side has decided, for good */
#define VERDICT_COMMITTED 1u	/* source: it let go */
#define VERDICT_KEPT	  2u	/* source: it runs on there */
#define VERDICT_STARTED	  3u	/* target: it runs there */
#define VERDICT_NEVER	  4u	/* target: it never will there */
#define VERDICT_LOST	  5u	/* target: it took over and could not */

#define RESOLVE_SIZE 72
struct sevlm__resolve {
	uint32_t role;
	uint32_t verdict;
	uint8_t token[SEVLM_TOKEN_SIZE];
	uint8_t mac[SEVLM__DIGEST_SIZE];
};
void sevlm__resolve_encode(const struct sevlm__resolve *resolve, uint8_t *out);
/* -EBADMSG: no such role, or a verdict that is not that role's to give */
int sevlm__resolve_decode(const uint8_t *in, struct sevlm__resolve *resolve);
const char *sevlm__verdict_name(uint32_t verdict);

#endif /* SEVLM_RECORD_H */
