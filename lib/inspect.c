/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine.h"

struct sevlm_inspect {
	struct sevlm__inbox inbox;
	struct sevlm__error error;
	uint64_t offset;	/* of the next record */
	uint64_t sequence;
	uint32_t epoch;
	char text[320];
};

SEVLM_API int sevlm_inspect_new(struct sevlm_inspect **ret_inspect)
{
	struct sevlm_inspect *inspect;

	if (!ret_inspect)
		return -EINVAL;
	inspect = calloc(1, sizeof(*inspect));
	if (!inspect)
		return -ENOMEM;
	sevlm__error_clear(&inspect->error);
	inspect->offset = RECORD_MAGIC_SIZE;
	if (sevlm__inbox_init(&inspect->inbox, RECORD_BODY_MAX)) {
		sevlm_inspect_free(inspect);
		return -ENOMEM;
	}
	*ret_inspect = inspect;
	return 0;
}

SEVLM_API void sevlm_inspect_free(struct sevlm_inspect *inspect)
{
	if (!inspect)
		return;
	sevlm__inbox_fini(&inspect->inbox);
	free(inspect);
}

static int damaged(struct sevlm_inspect *inspect, const char *how)
{
	return sevlm__fail(&inspect->error, -EBADMSG,
			   "record %llu at byte %llu %s",
			   (unsigned long long)inspect->sequence,
			   (unsigned long long)inspect->offset, how);
}

static int unframed(struct sevlm_inspect *inspect)
{
	if (inspect->inbox.broken == -EPROTO)
		return sevlm__fail(&inspect->error, -EBADMSG,
				   "not a migration stream: it begins with "
				   "other bytes");
	return damaged(inspect, "has a malformed header");
}

static int check_framing(struct sevlm_inspect *inspect)
{
	if (inspect->inbox.count || !inspect->inbox.broken)
		return 0;
	return unframed(inspect);
}

SEVLM_API int sevlm_inspect_feed(struct sevlm_inspect *inspect,
				 const void *buf, size_t bytes,
				 size_t *ret_taken)
{
	if (!inspect || (!buf && bytes) || !ret_taken)
		return -EINVAL;
	*ret_taken = sevlm__inbox_feed(&inspect->inbox, buf, bytes);
	return check_framing(inspect);
}

/* ---- a record's fields as one line ---- */

struct line {
	char *at;
	size_t left;
};

static void add(struct line *line, const char *format, ...) SEVLM_PRINTF(2, 3);
static void add(struct line *line, const char *format, ...)
{
	va_list args;
	int used;

	va_start(args, format);
	used = vsnprintf(line->at, line->left, format, args);
	va_end(args);
	if (used < 0)
		return;
	if ((size_t)used >= line->left)
		used = (int)line->left - 1;
	line->at += used;
	line->left -= (size_t)used;
}

static int hello(struct line *line, const uint8_t *body, size_t bytes)
{
	static const char *const roles[] = { "?", "source", "target" };
	struct sevlm__hello hello;
	int ret = sevlm__hello_decode(body, bytes, &hello);

	if (ret)
		return ret;
	add(line, "%s, versions %u to %u, records to %u bytes, channel %u",
	    roles[hello.role <= 2 ? hello.role : 0], hello.version_min,
	    hello.version_max, hello.max_body, hello.channel);
	if (hello.regions)
		add(line, ", policy 0x%08x, %u regions", hello.policy,
		    hello.region_count);
	if (hello.amd)
		add(line, ", %u bytes of AMD certificates", hello.amd_bytes);
	return 0;
}

static int start(struct line *line, const uint8_t *body, size_t bytes)
{
	struct sevlm__reader r = sevlm__reader(body, bytes);

	add(line, "policy 0x%08x, session of %u bytes", sevlm__get32(&r),
	    SEVLM_SESSION_SIZE);
	return 0;
}

static int round_(struct line *line, const uint8_t *body, size_t bytes)
{
	struct sevlm__reader r = sevlm__reader(body, bytes);

	add(line, "%llu pages", (unsigned long long)sevlm__get64(&r));
	return 0;
}

static int pages(struct line *line, const uint8_t *body, size_t bytes)
{
	uint32_t kinds[KIND_BLOCK + 1] = { 0 };
	struct sevlm__batch batch;
	int ret = sevlm__batch_decode(body, bytes, &batch);

	if (ret)
		return ret;
	for (uint32_t i = 0; i < batch.count; i++)
		kinds[sevlm__entry_kind(sevlm__entry(&batch, i))]++;
	add(line, "%u private, %u shared, %u zero, 0x%llx to 0x%llx",
	    kinds[KIND_PRIVATE] + kinds[KIND_BLOCK] * BLOCK_PAGES,
	    kinds[KIND_SHARED], kinds[KIND_ZERO],
	    (unsigned long long)sevlm__entry_gpa(sevlm__entry(&batch, 0)),
	    (unsigned long long)sevlm__entry_gpa(
		    sevlm__entry(&batch, batch.count - 1)));
	if (kinds[KIND_BLOCK])
		add(line, ", %u packets of four pages", kinds[KIND_BLOCK]);
	return 0;
}

static int free_(struct line *line, const uint8_t *body, size_t bytes)
{
	struct sevlm__reader r = sevlm__reader(body, bytes);
	uint64_t count = 0, runs = 0;

	for (; r.left && !r.bad; runs++) {
		sevlm__get64(&r);
		count += sevlm__get64(&r);
	}
	add(line, "%llu pages in %llu runs", (unsigned long long)count,
	    (unsigned long long)runs);
	return r.bad ? -EBADMSG : 0;
}

static int region(struct line *line, const uint8_t *body, size_t bytes)
{
	struct sevlm__region its;
	uint32_t action;
	int ret = sevlm__region_decode(body, &its, &action);

	(void)bytes;
	if (!ret)
		add(line, "%s 0x%llx+0x%llx of type %u",
		    action == REGION_ADD ? "add" : "remove",
		    (unsigned long long)its.gpa, (unsigned long long)its.bytes,
		    its.type);
	return ret;
}

static int shared(struct line *line, const uint8_t *body, size_t bytes)
{
	struct sevlm__reader r = sevlm__reader(body, bytes);
	struct sevlm__span span;
	uint64_t count = 0;
	uint32_t spans = 0;

	for (; r.left; spans++) {
		if (sevlm__span_decode(&r, &span))
			return -EBADMSG;
		count += span.all ? span.pages : 0;
		for (uint32_t i = 0; !span.all && i < (span.pages + 63) / 64;
		     i++)
			count += (uint64_t)__builtin_popcountll(span.bitmap[i]);
	}
	add(line, "%llu shared pages in %u spans", (unsigned long long)count,
	    spans);
	return 0;
}

static int state(struct line *line, const uint8_t *body, size_t bytes)
{
	struct sevlm__state_piece piece;
	int ret = sevlm__state_decode(body, bytes, &piece);

	if (!ret)
		add(line, "id %u, bytes %llu to %llu of %llu", piece.id,
		    (unsigned long long)piece.offset,
		    (unsigned long long)(piece.offset + piece.count),
		    (unsigned long long)piece.total);
	return ret;
}

static void add_digest(struct line *line, const uint8_t *digest)
{
	for (int i = 0; i < 8; i++)
		add(line, "%02x", digest[i]);
}

static int end(struct line *line, const uint8_t *body, size_t bytes)
{
	struct sevlm__end its;
	int ret = sevlm__end_decode(body, &its);

	(void)bytes;
	if (ret)
		return ret;
	add(line, "%llu private, %llu shared, %llu zero, %llu free, digest ",
	    (unsigned long long)its.private_pages,
	    (unsigned long long)its.shared_pages,
	    (unsigned long long)its.zero_pages,
	    (unsigned long long)its.freed_pages);
	add_digest(line, its.digest);
	return 0;
}

static int digest(struct line *line, const uint8_t *body, size_t bytes)
{
	(void)bytes;
	add(line, "digest ");
	add_digest(line, body);
	return 0;
}

static int verdict(struct line *line, const uint8_t *body, size_t bytes)
{
	(void)bytes;
	add(line, "authenticated by ");
	add_digest(line, body);
	return 0;
}

static int resolve(struct line *line, const uint8_t *body, size_t bytes)
{
	struct sevlm__resolve its;
	int ret = sevlm__resolve_decode(body, &its);

	(void)bytes;
	if (ret)
		return ret;
	add(line, "%s: %s, session ",
	    its.role == ROLE_SOURCE ? "source" : "target",
	    sevlm__verdict_name(its.verdict));
	add_digest(line, its.token);
	add(line, ", authenticated by ");
	add_digest(line, its.mac);
	return 0;
}

static int abort_(struct line *line, const uint8_t *body, size_t bytes)
{
	char text[ABORT_TEXT_MAX + 1];
	int cause, ret = sevlm__abort_decode(body, bytes, &cause, text);

	if (!ret)
		add(line, "%s: %s", sevlm_strerror(cause), text);
	return ret;
}

static const struct {
	uint16_t type;
	int (*describe)(struct line *line, const uint8_t *body, size_t bytes);
} describers[] = {
	{ RECORD_HELLO, hello },     { RECORD_START, start },
	{ RECORD_ROUND, round_ },    { RECORD_PAGES, pages },
	{ RECORD_FREE, free_ },	     { RECORD_REGION, region },
	{ RECORD_SHARED, shared },   { RECORD_STATE, state },
	{ RECORD_END, end },	     { RECORD_PREPARED, digest },
	{ RECORD_COMMIT, verdict },  { RECORD_STARTED, verdict },
	{ RECORD_NEVER, verdict },   { RECORD_LOST, verdict },
	{ RECORD_ABORT, abort_ },    { RECORD_RESOLVE, resolve },
};

static int describe_record(struct sevlm_inspect *inspect,
			   const struct sevlm__record *record,
			   const uint8_t *body)
{
	struct line line = { inspect->text, sizeof(inspect->text) };

	inspect->text[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(describers); i++)
		if (describers[i].type == record->type &&
		    describers[i].describe(&line, body, record->length))
			return damaged(inspect, "is malformed");
	return 0;
}

static int check_place(struct sevlm_inspect *inspect,
		       const struct sevlm__record *record)
{
	uint32_t epoch = inspect->epoch + (record->type == RECORD_ROUND);

	if (record->sequence != inspect->sequence)
		return damaged(inspect, "has another sequence number");
	if (record->channel)
		return damaged(inspect, "is of another channel");
	if (record->epoch != epoch)
		return damaged(inspect, "has another epoch");
	inspect->epoch = record->epoch;
	return 0;
}

static void fill(const struct sevlm_inspect *inspect,
		 const struct sevlm__record *record, struct sevlm_record *out)
{
	const struct sevlm__record_type *type =
		sevlm__record_type(record->type);

	*out = (struct sevlm_record){
		.size = sizeof(*out),
		.offset = inspect->offset,
		.sequence = record->sequence,
		.type = record->type,
		.flags = record->flags,
		.epoch = record->epoch,
		.bytes = record->length,
		.name = type ? type->name : "unknown",
		.text = inspect->text,
	};
}

SEVLM_API int sevlm_inspect_next(struct sevlm_inspect *inspect,
				 struct sevlm_record *ret_record)
{
	const uint8_t *header, *body;
	struct sevlm__record record;
	struct sevlm_record out;
	int ret;

	if (!inspect || !ret_record)
		return -EINVAL;
	ret = sevlm__inbox_peek(&inspect->inbox, &record, &header, &body);
	if (ret)
		return ret == -EAGAIN ? ret : check_framing(inspect);
	ret = check_place(inspect, &record);
	if (!ret)
		ret = describe_record(inspect, &record, body);
	if (ret)
		return ret;
	fill(inspect, &record, &out);
	ret = sevlm__copy_out(ret_record, &out, sizeof(out));
	if (ret)
		return ret;
	inspect->sequence++;
	inspect->offset += RECORD_HEADER_SIZE + record.length;
	sevlm__inbox_release(&inspect->inbox);
	return 0;
}

SEVLM_API int sevlm_inspect_end(struct sevlm_inspect *inspect)
{
	if (!inspect)
		return -EINVAL;
	if (inspect->inbox.broken)
		return unframed(inspect);
	if (inspect->inbox.magic_have < RECORD_MAGIC_SIZE)
		return sevlm__fail(&inspect->error, -EBADMSG,
				   "not a migration stream: it is too short");
	return sevlm__inbox_partial(&inspect->inbox) ?
		       damaged(inspect, "is cut off") :
		       0;
}

SEVLM_API const char *sevlm_inspect_error(const struct sevlm_inspect *inspect)
{
	return inspect ? inspect->error.text : sevlm_strerror(-EINVAL);
}
