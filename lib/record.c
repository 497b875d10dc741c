/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include "record.h"

#define BOTH (ROLE_SOURCE | ROLE_TARGET)

static const struct sevlm__record_type types[] = {
	{ RECORD_HELLO, BOTH, 96, 65536, "HELLO" },
	{ RECORD_START, ROLE_SOURCE, 8 + SEVLM_SESSION_SIZE,
	  8 + SEVLM_SESSION_SIZE, "START" },
	{ RECORD_ROUND, ROLE_SOURCE, 8, 8, "ROUND" },
	{ RECORD_PAGES, ROLE_SOURCE, PAGES_HEAD_SIZE + PAGES_ENTRY_SIZE,
	  RECORD_BODY_MAX, "PAGES" },
	{ RECORD_FREE, ROLE_SOURCE, RUN_SIZE, 65536, "FREE" },
	{ RECORD_REGION, ROLE_SOURCE, REGION_SIZE, REGION_SIZE, "REGION" },
	{ RECORD_SHARED, ROLE_SOURCE, SPAN_SIZE, 65536, "SHARED" },
	{ RECORD_STATE, ROLE_SOURCE, STATE_HEAD_SIZE + 1, 65536, "STATE" },
	{ RECORD_END, ROLE_SOURCE, END_SIZE, END_SIZE, "END" },
	{ RECORD_PREPARED, ROLE_TARGET, SEVLM__DIGEST_SIZE, SEVLM__DIGEST_SIZE,
	  "PREPARED" },
	{ RECORD_COMMIT, ROLE_SOURCE, SEVLM__DIGEST_SIZE, SEVLM__DIGEST_SIZE,
	  "COMMIT" },
	{ RECORD_STARTED, ROLE_TARGET, SEVLM__DIGEST_SIZE, SEVLM__DIGEST_SIZE,
	  "STARTED" },
	{ RECORD_NEVER, ROLE_TARGET, SEVLM__DIGEST_SIZE, SEVLM__DIGEST_SIZE,
	  "NEVER-STARTED" },
	{ RECORD_LOST, ROLE_TARGET, SEVLM__DIGEST_SIZE, SEVLM__DIGEST_SIZE,
	  "LOST" },
	{ RECORD_ABORT, BOTH, ABORT_HEAD_SIZE, ABORT_HEAD_SIZE + ABORT_TEXT_MAX,
	  "ABORT" },
	{ RECORD_RESOLVE, BOTH, RESOLVE_SIZE, RESOLVE_SIZE, "RESOLVE" },
};

const struct sevlm__record_type *sevlm__record_type(uint16_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == type)
			return &types[i];
	return NULL;
}

void sevlm__record_encode(const struct sevlm__record *record, uint8_t *out)
{
	struct sevlm__writer w = sevlm__writer(out, RECORD_HEADER_SIZE);

	sevlm__put32(&w, record->length);
	sevlm__put16(&w, record->type);
	sevlm__put16(&w, record->flags);
	sevlm__put32(&w, record->epoch);
	sevlm__put16(&w, record->channel);
	sevlm__put16(&w, 0);
	sevlm__put64(&w, record->sequence);
}

int sevlm__record_decode(const uint8_t *in, struct sevlm__record *record)
{
	struct sevlm__reader r = sevlm__reader(in, RECORD_HEADER_SIZE);
	const struct sevlm__record_type *type;
	uint16_t reserved;

	record->length = sevlm__get32(&r);
	record->type = sevlm__get16(&r);
	record->flags = sevlm__get16(&r);
	record->epoch = sevlm__get32(&r);
	record->channel = sevlm__get16(&r);
	reserved = sevlm__get16(&r);
	record->sequence = sevlm__get64(&r);
	type = sevlm__record_type(record->type);
	if (reserved || record->flags & ~RECORD_REQUIRED || !record->type ||
	    record->length > RECORD_BODY_MAX)
		return -EBADMSG;
	if (type && (record->length < type->least ||
		     record->length > type->most))
		return -EBADMSG;
	return 0;
}

/* HELLO's fields: id, flags (RECORD_REQUIRED), length, bytes. */
#define FIELD_POLICY  1u
#define FIELD_CONTROL 2u
#define FIELD_PDH     3u
#define FIELD_CHAIN   4u
#define FIELD_AMD     5u
#define FIELD_REGIONS 6u
#define FIELD_CPUID   7u
#define FIELD_CONTIGUOUS 8u

/* what a peer that does not know it does well without */
static uint16_t field_flags(uint16_t id)
{
	return id == FIELD_CONTIGUOUS ? 0 : RECORD_REQUIRED;
}

static void put_field(struct sevlm__writer *w, uint16_t id, const void *bytes,
		      uint32_t count)
{
	sevlm__put16(w, id);
	sevlm__put16(w, field_flags(id));
	sevlm__put32(w, count);
	sevlm__put_bytes(w, bytes, count);
}

static void put_field32(struct sevlm__writer *w, uint16_t id, uint32_t value)
{
	uint8_t bytes[4];
	struct sevlm__writer inner = sevlm__writer(bytes, sizeof(bytes));

	sevlm__put32(&inner, value);
	put_field(w, id, bytes, sizeof(bytes));
}

size_t sevlm__hello_encode(const struct sevlm__hello *hello, uint8_t *out,
			   size_t room)
{
	struct sevlm__writer w = sevlm__writer(out, room);

	sevlm__put16(&w, hello->version_min);
	sevlm__put16(&w, hello->version_max);
	sevlm__put32(&w, hello->role);
	sevlm__put32(&w, hello->max_body);
	sevlm__put32(&w, hello->channel);
	sevlm__put64(&w, 0);
	sevlm__put_bytes(&w, hello->nonce, sizeof(hello->nonce));
	sevlm__put_bytes(&w, hello->binding, sizeof(hello->binding));
	if (hello->role == ROLE_SOURCE) {
		put_field32(&w, FIELD_POLICY, hello->policy);
		put_field32(&w, FIELD_CONTROL, hello->control);
	}
	if (hello->pdh)
		put_field(&w, FIELD_PDH, hello->pdh, SEVLM_PDH_SIZE);
	if (hello->chain)
		put_field(&w, FIELD_CHAIN, hello->chain, SEVLM_CHAIN_SIZE);
	if (hello->amd)
		put_field(&w, FIELD_AMD, hello->amd, hello->amd_bytes);
	if (hello->regions)
		put_field(&w, FIELD_REGIONS, hello->regions,
			  hello->region_count * REGION_SIZE);
	if (hello->cpuid)
		put_field(&w, FIELD_CPUID, hello->cpuid,
			  hello->cpuid_count * SEVLM__CPUID_ENTRY);
	if (hello->contiguous_count)
		put_field(&w, FIELD_CONTIGUOUS, hello->contiguous,
			  hello->contiguous_count * CONTIGUOUS_SIZE);
	return w.bad ? 0 : room - w.left;
}

/* A field's bytes into the struct; false where its length is wrong. */
static bool take_field(struct sevlm__hello *hello, uint16_t id,
		       const uint8_t *bytes, uint32_t count)
{
	struct sevlm__reader r = sevlm__reader(bytes, count);

	switch (id) {
	case FIELD_POLICY:
		hello->policy = sevlm__get32(&r);
		return sevlm__reader_done(&r);
	case FIELD_CONTROL:
		hello->control = sevlm__get32(&r);
		return sevlm__reader_done(&r);
	case FIELD_PDH:
		hello->pdh = bytes;
		return count == SEVLM_PDH_SIZE;
	case FIELD_CHAIN:
		hello->chain = bytes;
		return count == SEVLM_CHAIN_SIZE;
	case FIELD_AMD:
		hello->amd = bytes;
		hello->amd_bytes = count;
		return count && count <= SEVLM_BLOB_MAX;
	case FIELD_REGIONS:
		hello->regions = bytes;
		hello->region_count = count / REGION_SIZE;
		return !(count % REGION_SIZE) &&
		       hello->region_count <= SEVLM_MAX_REGIONS;
	case FIELD_CPUID:
		hello->cpuid = bytes;
		hello->cpuid_count = count / SEVLM__CPUID_ENTRY;
		return count && !(count % SEVLM__CPUID_ENTRY) &&
		       hello->cpuid_count <= SEVLM__CPUID_MAX;
	case FIELD_CONTIGUOUS:
		hello->contiguous = bytes;
		hello->contiguous_count = count / CONTIGUOUS_SIZE;
		return count && !(count % CONTIGUOUS_SIZE) &&
		       hello->contiguous_count <= SEVLM_MAX_REGIONS;
	}
	return false;
}

static int get_field(struct sevlm__hello *hello, struct sevlm__reader *r,
		     uint32_t *seen)
{
	uint16_t id = sevlm__get16(r);
	uint16_t flags = sevlm__get16(r);
	uint32_t count = sevlm__get32(r);
	const uint8_t *bytes = sevlm__get(r, count);

	if (!bytes || flags & ~RECORD_REQUIRED || !id)
		return -EBADMSG;
	if (id > FIELD_CONTIGUOUS)
		return flags & RECORD_REQUIRED ? -EPROTO : 0;
	if (*seen & 1u << id)
		return -EBADMSG;
	*seen |= 1u << id;
	return take_field(hello, id, bytes, count) ? 0 : -EBADMSG;
}

int sevlm__hello_decode(const uint8_t *in, size_t bytes,
			struct sevlm__hello *hello)
{
	struct sevlm__reader r = sevlm__reader(in, bytes);
	uint32_t seen = 0;
	uint64_t reserved;
	int ret;

	memset(hello, 0, sizeof(*hello));
	hello->version_min = sevlm__get16(&r);
	hello->version_max = sevlm__get16(&r);
	hello->role = sevlm__get32(&r);
	hello->max_body = sevlm__get32(&r);
	hello->channel = sevlm__get32(&r);
	reserved = sevlm__get64(&r);
	sevlm__get_bytes(&r, hello->nonce, sizeof(hello->nonce));
	sevlm__get_bytes(&r, hello->binding, sizeof(hello->binding));
	if (r.bad || reserved || !hello->version_min ||
	    hello->version_min > hello->version_max)
		return -EBADMSG;
	while (r.left) {
		ret = get_field(hello, &r, &seen);
		if (ret)
			return ret;
	}
	hello->has_guest = !(~seen & (1u << FIELD_POLICY | 1u << FIELD_CONTROL));
	return 0;
}

void sevlm__region_encode(const struct sevlm__region *region, uint32_t action,
			  uint8_t *out)
{
	struct sevlm__writer w = sevlm__writer(out, REGION_SIZE);

	sevlm__put64(&w, region->gpa);
	sevlm__put64(&w, region->bytes);
	sevlm__put32(&w, region->type);
	sevlm__put32(&w, action);
}

int sevlm__region_decode(const uint8_t *in, struct sevlm__region *region,
			 uint32_t *ret_action)
{
	struct sevlm__reader r = sevlm__reader(in, REGION_SIZE);

	region->gpa = sevlm__get64(&r);
	region->bytes = sevlm__get64(&r);
	region->type = sevlm__get32(&r);
	region->hva = NULL;
	*ret_action = sevlm__get32(&r);
	if (region->gpa % PAGE_SIZE || region->bytes % PAGE_SIZE ||
	    !region->bytes || region->gpa + region->bytes < region->gpa ||
	    region->type < SEVLM_REGION_TRACKED ||
	    region->type > SEVLM_REGION_SKIP ||
	    (*ret_action != REGION_ADD && *ret_action != REGION_REMOVE))
		return -EBADMSG;
	return 0;
}

static bool entry_valid(uint64_t entry)
{
	uint32_t kind = sevlm__entry_kind(entry);

	return kind >= KIND_PRIVATE && kind <= KIND_BLOCK &&
	       !(kind == KIND_BLOCK && sevlm__entry_gpa(entry) % BLOCK_SIZE);
}

/* payloads: in pages */
static bool count_kinds(const struct sevlm__batch *batch, uint32_t *packets,
			uint32_t *payloads)
{
	uint32_t pages = 0;

	*packets = 0;
	*payloads = 0;
	for (uint32_t i = 0; i < batch->count; i++) {
		uint64_t entry = sevlm__entry(batch, i);

		if (!entry_valid(entry))
			return false;
		pages += sevlm__entry_pages(entry);
		*packets += sevlm__entry_private(entry);
		if (sevlm__entry_kind(entry) != KIND_ZERO)
			*payloads += sevlm__entry_pages(entry);
	}
	return pages <= SEVLM_MAX_BATCH;
}

int sevlm__batch_decode(const uint8_t *in, size_t bytes,
			struct sevlm__batch *batch)
{
	struct sevlm__reader r = sevlm__reader(in, bytes);
	uint32_t packets, payloads, reserved;

	batch->count = sevlm__get32(&r);
	reserved = sevlm__get32(&r);
	if (r.bad || reserved || !batch->count ||
	    batch->count > SEVLM_MAX_BATCH)
		return -EBADMSG;
	batch->entries = sevlm__get(&r, batch->count * PAGES_ENTRY_SIZE);
	if (!batch->entries || !count_kinds(batch, &packets, &payloads))
		return -EBADMSG;
	batch->headers = sevlm__get(&r, packets * SEVLM_PACKET_HEADER_SIZE);
	batch->control_bytes = bytes - r.left;
	batch->payloads = sevlm__get(&r, (size_t)payloads * PAGE_SIZE);
	return sevlm__reader_done(&r) ? 0 : -EBADMSG;
}

static size_t bitmap_bytes(uint32_t pages)
{
	return (pages + 63) / 64 * 8;
}

size_t sevlm__span_bytes(const struct sevlm__span *span)
{
	return SPAN_SIZE + (span->all ? 0 : bitmap_bytes(span->pages));
}

void sevlm__span_encode(const struct sevlm__span *span,
			struct sevlm__writer *w)
{
	sevlm__put64(w, span->gpa);
	sevlm__put32(w, span->pages);
	sevlm__put32(w, span->all ? SPAN_ALL : SPAN_BITMAP);
	for (size_t i = 0; !span->all && i < bitmap_bytes(span->pages) / 8; i++)
		sevlm__put64(w, span->bitmap[i]);
}

int sevlm__span_decode(struct sevlm__reader *r, struct sevlm__span *span)
{
	uint32_t form;

	span->gpa = sevlm__get64(r);
	span->pages = sevlm__get32(r);
	form = sevlm__get32(r);
	span->all = form == SPAN_ALL;
	if (r->bad || span->gpa % PAGE_SIZE || !span->pages ||
	    (form != SPAN_ALL && form != SPAN_BITMAP) ||
	    (!span->all && span->pages > SEVLM__SPAN_PAGES) ||
	    span->gpa + ((uint64_t)span->pages << PAGE_SHIFT) < span->gpa)
		return -EBADMSG;
	for (size_t i = 0; !span->all && i < bitmap_bytes(span->pages) / 8; i++)
		span->bitmap[i] = sevlm__get64(r);
	/* bits past the end have no meaning, so they must not be there */
	if (!span->all && span->pages % 64 &&
	    span->bitmap[span->pages / 64] >> span->pages % 64)
		return -EBADMSG;
	return r->bad ? -EBADMSG : 0;
}

void sevlm__state_encode(const struct sevlm__state_piece *piece, uint8_t *out)
{
	struct sevlm__writer w = sevlm__writer(out, STATE_HEAD_SIZE);

	sevlm__put32(&w, piece->id);
	sevlm__put32(&w, 0);
	sevlm__put64(&w, piece->total);
	sevlm__put64(&w, piece->offset);
}

int sevlm__state_decode(const uint8_t *in, size_t bytes,
			struct sevlm__state_piece *piece)
{
	struct sevlm__reader r = sevlm__reader(in, bytes);
	uint32_t reserved;

	piece->id = sevlm__get32(&r);
	reserved = sevlm__get32(&r);
	piece->total = sevlm__get64(&r);
	piece->offset = sevlm__get64(&r);
	piece->count = r.left;
	piece->bytes = sevlm__get(&r, r.left);
	if (r.bad || reserved || !piece->count ||
	    piece->offset > piece->total ||
	    piece->count > piece->total - piece->offset)
		return -EBADMSG;
	return 0;
}

void sevlm__end_encode(const struct sevlm__end *end, uint8_t *out)
{
	struct sevlm__writer w = sevlm__writer(out, END_SIZE);

	sevlm__put64(&w, end->private_pages);
	sevlm__put64(&w, end->shared_pages);
	sevlm__put64(&w, end->zero_pages);
	sevlm__put64(&w, end->freed_pages);
	sevlm__put32(&w, end->control);
	sevlm__put32(&w, 0);
	sevlm__put_bytes(&w, end->digest, sizeof(end->digest));
}

int sevlm__end_decode(const uint8_t *in, struct sevlm__end *end)
{
	struct sevlm__reader r = sevlm__reader(in, END_SIZE);
	uint32_t reserved;

	end->private_pages = sevlm__get64(&r);
	end->shared_pages = sevlm__get64(&r);
	end->zero_pages = sevlm__get64(&r);
	end->freed_pages = sevlm__get64(&r);
	end->control = sevlm__get32(&r);
	reserved = sevlm__get32(&r);
	sevlm__get_bytes(&r, end->digest, sizeof(end->digest));
	return reserved ? -EBADMSG : 0;
}

/* errno values differ between systems; the wire has its own. */
static const struct {
	uint32_t wire;
	int code;
} causes[] = {
	{ 1, -ECANCELED },   { 2, -EBADMSG },	{ 3, -EPROTO },
	{ 4, -EKEYREJECTED }, { 5, -EPERM },	{ 6, -EREMOTEIO },
	{ 7, -ENOTSUP },     { 8, -ETIMEDOUT }, { 9, -ENOMEM },
	{ 10, -EIO },
};

size_t sevlm__abort_encode(int cause, const char *text, uint8_t *out)
{
	size_t count = strnlen(text, ABORT_TEXT_MAX);
	struct sevlm__writer w = sevlm__writer(out, ABORT_HEAD_SIZE + count);
	uint32_t wire = 10;

	for (size_t i = 0; i < ARRAY_SIZE(causes); i++)
		if (causes[i].code == cause)
			wire = causes[i].wire;
	sevlm__put32(&w, wire);
	sevlm__put32(&w, 0);
	sevlm__put_bytes(&w, text, count);
	return ABORT_HEAD_SIZE + count;
}

int sevlm__abort_decode(const uint8_t *in, size_t bytes, int *ret_cause,
			char *text)
{
	struct sevlm__reader r = sevlm__reader(in, bytes);
	uint32_t wire = sevlm__get32(&r);
	uint32_t reserved = sevlm__get32(&r);
	size_t count = r.left;

	if (r.bad || reserved || count > ABORT_TEXT_MAX)
		return -EBADMSG;
	*ret_cause = -EIO;
	for (size_t i = 0; i < ARRAY_SIZE(causes); i++)
		if (causes[i].wire == wire)
			*ret_cause = causes[i].code;
	/* it ends up on an operator's terminal */
	for (size_t i = 0; i < count; i++)
		text[i] = r.at[i] >= ' ' && r.at[i] <= '~' ? (char)r.at[i] :
							     '?';
	text[count] = '\0';
	return 0;
}

static const struct {
	uint32_t role;
	const char *name;
} verdicts[] = {
	[VERDICT_COMMITTED] = { ROLE_SOURCE, "COMMITTED" },
	[VERDICT_KEPT] = { ROLE_SOURCE, "KEPT" },
	[VERDICT_STARTED] = { ROLE_TARGET, "STARTED" },
	[VERDICT_NEVER] = { ROLE_TARGET, "NEVER-STARTED" },
	[VERDICT_LOST] = { ROLE_TARGET, "LOST" },
};

const char *sevlm__verdict_name(uint32_t verdict)
{
	return verdict && verdict < ARRAY_SIZE(verdicts) ?
		       verdicts[verdict].name :
		       "unknown";
}

void sevlm__resolve_encode(const struct sevlm__resolve *resolve, uint8_t *out)
{
	struct sevlm__writer w = sevlm__writer(out, RESOLVE_SIZE);

	sevlm__put32(&w, resolve->role);
	sevlm__put32(&w, resolve->verdict);
	sevlm__put_bytes(&w, resolve->token, sizeof(resolve->token));
	sevlm__put_bytes(&w, resolve->mac, sizeof(resolve->mac));
}

int sevlm__resolve_decode(const uint8_t *in, struct sevlm__resolve *resolve)
{
	struct sevlm__reader r = sevlm__reader(in, RESOLVE_SIZE);

	resolve->role = sevlm__get32(&r);
	resolve->verdict = sevlm__get32(&r);
	sevlm__get_bytes(&r, resolve->token, sizeof(resolve->token));
	sevlm__get_bytes(&r, resolve->mac, sizeof(resolve->mac));
	if (!resolve->role || resolve->verdict >= ARRAY_SIZE(verdicts) ||
	    verdicts[resolve->verdict].role != resolve->role)
		return -EBADMSG;
	return 0;
}
