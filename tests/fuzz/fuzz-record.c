/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The record layer. The first byte says what the rest is: the body of that
 * type, a header, or a stream for sevlm_inspect.
 */
#include <errno.h>

#include <libsevlm/libsevlm.h>

#include "fuzz.h"
#include "record.h"

/* values beside the types of records */
#define AS_STREAM 17u
#define AS_STREAM_BEHIND_MAGIC 18u
#define AS_HEADER 19u
#define AS_LIMIT 20u

static bool is(const void *a, const void *b, size_t bytes)
{
	return !bytes || !memcmp(a, b, bytes);
}

static void header(const uint8_t *data, size_t size)
{
	uint8_t back[RECORD_HEADER_SIZE];
	struct sevlm__record record;

	if (size < RECORD_HEADER_SIZE || sevlm__record_decode(data, &record))
		return;
	MUST(record.type && record.length <= RECORD_BODY_MAX);
	sevlm__record_encode(&record, back);
	MUST(is(back, data, sizeof(back)));
}

/* ---- HELLO: other order, other flags, but the same said ---- */

static bool same_field(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	return !a == !b && (!a || is(a, b, bytes));
}

static bool same_hello(const struct sevlm__hello *a,
		       const struct sevlm__hello *b)
{
	return a->version_min == b->version_min &&
	       a->version_max == b->version_max && a->role == b->role &&
	       a->max_body == b->max_body && a->channel == b->channel &&
	       is(a->nonce, b->nonce, sizeof(a->nonce)) &&
	       is(a->binding, b->binding, sizeof(a->binding)) &&
	       a->amd_bytes == b->amd_bytes &&
	       a->region_count == b->region_count &&
	       a->cpuid_count == b->cpuid_count &&
	       a->contiguous_count == b->contiguous_count &&
	       same_field(a->pdh, b->pdh, SEVLM_PDH_SIZE) &&
	       same_field(a->chain, b->chain, SEVLM_CHAIN_SIZE) &&
	       same_field(a->amd, b->amd, a->amd_bytes) &&
	       same_field(a->regions, b->regions,
			  a->region_count * (size_t)REGION_SIZE) &&
	       same_field(a->cpuid, b->cpuid,
			  a->cpuid_count * (size_t)SEVLM__CPUID_ENTRY) &&
	       same_field(a->contiguous, b->contiguous,
			  a->contiguous_count * (size_t)CONTIGUOUS_SIZE);
}

static void hello(const uint8_t *data, size_t size)
{
	static uint8_t back[RECORD_BODY_LEAST];
	struct sevlm__hello its, again;
	size_t bytes;

	if (sevlm__hello_decode(data, size, &its))
		return;
	MUST(its.version_min && its.version_min <= its.version_max);
	MUST(its.region_count <= SEVLM_MAX_REGIONS);
	MUST(its.cpuid_count <= SEVLM__CPUID_MAX);
	MUST(its.contiguous_count <= SEVLM_MAX_REGIONS);
	MUST(its.amd_bytes <= SEVLM_BLOB_MAX);
	bytes = sevlm__hello_encode(&its, back, sizeof(back));
	MUST(bytes);
	MUST(!sevlm__hello_decode(back, bytes, &again));
	MUST(same_hello(&its, &again));
	if (its.role == ROLE_SOURCE && its.has_guest)
		MUST(its.policy == again.policy &&
		     its.control == again.control);
}

/* ---- the others ---- */

static void pages(const uint8_t *data, size_t size)
{
	struct sevlm__batch batch;
	size_t packets = 0, payloads = 0, zeroes = 0;
	uint64_t entry;
	uint32_t kind;

	if (sevlm__batch_decode(data, size, &batch))
		return;
	MUST(batch.count);
	for (uint32_t i = 0; i < batch.count; i++) {
		entry = sevlm__entry(&batch, i);
		kind = sevlm__entry_kind(entry);
		MUST(kind >= KIND_PRIVATE && kind <= KIND_BLOCK);
		MUST(kind != KIND_BLOCK ||
		     !(sevlm__entry_gpa(entry) % BLOCK_SIZE));
		packets += kind == KIND_PRIVATE || kind == KIND_BLOCK;
		payloads += kind == KIND_BLOCK ? 4 : kind != KIND_ZERO;
		zeroes += kind == KIND_ZERO;
	}
	MUST(payloads + zeroes <= SEVLM_MAX_BATCH);
	MUST(batch.entries == data + PAGES_HEAD_SIZE);
	MUST(batch.headers == batch.entries + batch.count * PAGES_ENTRY_SIZE);
	MUST(batch.payloads ==
	     batch.headers + packets * SEVLM_PACKET_HEADER_SIZE);
	MUST(batch.control_bytes == (size_t)(batch.payloads - data));
	MUST(batch.payloads + payloads * PAGE_SIZE == data + size);
}

static void region(const uint8_t *data, size_t size)
{
	uint8_t back[REGION_SIZE];
	struct sevlm__region its;
	uint32_t action;

	if (size < REGION_SIZE || sevlm__region_decode(data, &its, &action))
		return;
	MUST(its.bytes && its.gpa + its.bytes > its.gpa);
	sevlm__region_encode(&its, action, back);
	MUST(is(back, data, sizeof(back)));
}

static void shared(const uint8_t *data, size_t size)
{
	static uint8_t back[SPAN_SIZE + SEVLM__SPAN_PAGES / 8];
	struct sevlm__reader r = sevlm__reader(data, size);
	struct sevlm__writer w;
	struct sevlm__span span;
	const uint8_t *at;

	while (r.left) {
		at = r.at;
		if (sevlm__span_decode(&r, &span))
			return;
		MUST(span.pages && !(span.gpa % PAGE_SIZE));
		MUST(span.all || !(span.pages % 64) ||
		     !(span.bitmap[span.pages / 64] >> span.pages % 64));
		MUST(sevlm__span_bytes(&span) == (size_t)(r.at - at));
		w = sevlm__writer(back, sizeof(back));
		sevlm__span_encode(&span, &w);
		MUST(!w.bad && is(back, at, (size_t)(r.at - at)));
	}
}

static void state(const uint8_t *data, size_t size)
{
	struct sevlm__state_piece piece;
	uint8_t back[STATE_HEAD_SIZE];

	if (sevlm__state_decode(data, size, &piece))
		return;
	MUST(piece.bytes == data + STATE_HEAD_SIZE);
	MUST(piece.count && piece.count == size - STATE_HEAD_SIZE);
	MUST(piece.offset + piece.count <= piece.total);
	sevlm__state_encode(&piece, back);
	MUST(is(back, data, sizeof(back)));
}

static void end(const uint8_t *data, size_t size)
{
	uint8_t back[END_SIZE];
	struct sevlm__end its;

	if (size < END_SIZE || sevlm__end_decode(data, &its))
		return;
	sevlm__end_encode(&its, back);
	MUST(is(back, data, sizeof(back)));
}

static void abort_(const uint8_t *data, size_t size)
{
	char text[ABORT_TEXT_MAX + 1], again[ABORT_TEXT_MAX + 1];
	uint8_t back[ABORT_HEAD_SIZE + ABORT_TEXT_MAX];
	int cause, cause_again;
	size_t bytes;

	if (sevlm__abort_decode(data, size, &cause, text))
		return;
	MUST(strlen(text) == size - ABORT_HEAD_SIZE);
	for (size_t i = 0; text[i]; i++)
		MUST(text[i] >= ' ' && text[i] <= '~');
	bytes = sevlm__abort_encode(cause, text, back);
	MUST(!sevlm__abort_decode(back, bytes, &cause_again, again));
	MUST(cause == cause_again && !strcmp(text, again));
}

static void resolve(const uint8_t *data, size_t size)
{
	uint8_t back[RESOLVE_SIZE];
	struct sevlm__resolve its;

	if (size < RESOLVE_SIZE || sevlm__resolve_decode(data, &its))
		return;
	MUST(strcmp(sevlm__verdict_name(its.verdict), "unknown"));
	sevlm__resolve_encode(&its, back);
	MUST(is(back, data, sizeof(back)));
}

/* ---- a stream, as a person looks at one ---- */

static bool look(struct sevlm_inspect *inspect, uint64_t *offset)
{
	struct sevlm_record record = {.size = sizeof(record)};
	int ret = sevlm_inspect_next(inspect, &record);

	MUST(strlen(sevlm_inspect_error(inspect)) < 200);
	MUST(!ret || ret == -EAGAIN || ret == -EBADMSG);
	if (ret)
		return false;
	MUST(record.offset == *offset && record.name && record.text);
	MUST(strlen(record.text) < 320);
	*offset += RECORD_HEADER_SIZE + record.bytes;
	return true;
}

static void inspect_bytes(struct sevlm_inspect *inspect, const uint8_t *data,
			  size_t size, uint64_t *offset)
{
	size_t taken;
	int ret;

	for (;;) {
		ret = sevlm_inspect_feed(inspect, data, size, &taken);
		MUST(!ret || ret == -EBADMSG);
		MUST(taken <= size);
		data += taken;
		size -= taken;
		while (look(inspect, offset))
			;
		if (ret || !taken)
			return;
	}
}

static void stream(const uint8_t *data, size_t size, bool magic)
{
	struct sevlm_inspect *inspect;
	uint64_t offset = RECORD_MAGIC_SIZE;
	int ret;

	MUST(!sevlm_inspect_new(&inspect));
	if (magic)
		inspect_bytes(inspect, (const uint8_t *)RECORD_MAGIC,
			      RECORD_MAGIC_SIZE, &offset);
	inspect_bytes(inspect, data, size, &offset);
	ret = sevlm_inspect_end(inspect);
	MUST(!ret || ret == -EBADMSG);
	sevlm_inspect_free(inspect);
}

static void (*const bodies[])(const uint8_t *data, size_t size) = {
	[RECORD_HELLO] = hello,	  [RECORD_PAGES] = pages,
	[RECORD_REGION] = region, [RECORD_SHARED] = shared,
	[RECORD_STATE] = state,	  [RECORD_END] = end,
	[RECORD_ABORT] = abort_,  [RECORD_RESOLVE] = resolve,
	[AS_HEADER] = header,
};

/* ... and as the only record of a stream, which inspect takes as well */
static void as_record(uint16_t type, const uint8_t *data, size_t size)
{
	static uint8_t bytes[RECORD_HEADER_SIZE + RECORD_BODY_MAX];
	struct sevlm__record record = {
		.length = (uint32_t)size,
		.type = type,
		.epoch = type == RECORD_ROUND,
	};

	if (size > RECORD_BODY_MAX)
		return;
	sevlm__record_encode(&record, bytes);
	memcpy(bytes + RECORD_HEADER_SIZE, data, size);
	stream(bytes, RECORD_HEADER_SIZE + size, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t as;

	if (!size)
		return 0;
	as = data[0] % AS_LIMIT;
	data++;
	size--;
	if (as == AS_STREAM || as == AS_STREAM_BEHIND_MAGIC) {
		stream(data, size, as == AS_STREAM_BEHIND_MAGIC);
		return 0;
	}
	if (as < ARRAY_SIZE(bodies) && bodies[as])
		bodies[as](data, size);
	if (as < AS_STREAM && size)
		as_record((uint16_t)as, data, size);
	return 0;
}
