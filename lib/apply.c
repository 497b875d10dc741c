/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The target's stream: each record into the guest. */
#include <errno.h>

#include "target.h"

static int malformed(struct sevlm_target *target, uint16_t type)
{
	return sevlm__fail(&target->engine.error, -EBADMSG,
			   "a %s record is malformed",
			   sevlm__record_type(type)->name);
}

static int apply_round(struct sevlm_target *target, const uint8_t *body,
		       size_t bytes)
{
	struct sevlm__engine *engine = &target->engine;
	struct sevlm__reader r = sevlm__reader(body, bytes);

	engine->epoch++;
	engine->progress.round = engine->epoch;
	engine->progress.pages_left = sevlm__get64(&r);
	target->next_gpa = 0;
	return 0;
}

/* Nobody was told that a block could go there. */
static int stray_block(struct sevlm_target *target, uint64_t gpa)
{
	return sevlm__fail(&target->engine.error, -EBADMSG,
			   "four pages in one packet for 0x%llx, which was not "
			   "declared contiguous",
			   (unsigned long long)gpa);
}

static bool takes_block(const struct sevlm__region *region, uint64_t gpa)
{
	return region->blocks &&
	       region->bytes - (gpa - region->gpa) >= BLOCK_SIZE;
}

/* May a page of this kind go there? */
static int check_page(struct sevlm_target *target, uint64_t entry,
		      struct sevlm__region *region)
{
	struct sevlm__engine *engine = &target->engine;
	uint64_t gpa = sevlm__entry_gpa(entry);
	bool private = sevlm__entry_private(entry);

	if (gpa < target->next_gpa)
		return sevlm__fail(&engine->error, -EPROTO,
				   "page 0x%llx comes out of order",
				   (unsigned long long)gpa);
	if (!engine->epoch)
		return sevlm__fail(&engine->error, -EPROTO,
				   "pages before the first round");
	if (gpa < region->gpa || gpa - region->gpa >= region->bytes)
		if (!sevlm__pages_find(engine->vm->pages, gpa, PAGE_SIZE,
				       region))
			region->type = SEVLM_REGION_SKIP;
	if (region->type == SEVLM_REGION_SKIP ||
	    (region->type == SEVLM_REGION_PRIVATE && !private) ||
	    (region->type == SEVLM_REGION_SHARED && private))
		return sevlm__fail(&engine->error, -EPROTO,
				   "a %s page for 0x%llx, where none belongs",
				   private ? "private" : "shared",
				   (unsigned long long)gpa);
	if (sevlm__entry_kind(entry) == KIND_BLOCK && !takes_block(region, gpa))
		return stray_block(target, gpa);
	target->next_gpa = gpa + sevlm__entry_pages(entry) * PAGE_SIZE;
	return 0;
}

/* What of a batch comes next. */
struct cut {
	const uint8_t *header;
	const uint8_t *payload;
};

static int place_packet(struct sevlm_target *target, uint8_t *hva,
			struct cut *cut, uint32_t pages)
{
	int ret = sevlm__receive_update(target->receive, hva, pages,
					cut->header, cut->payload);

	if (ret)
		return target_blame(target, ret);
	cut->header += SEVLM_PACKET_HEADER_SIZE;
	cut->payload += pages * PAGE_SIZE;
	target->engine.progress.private_pages += pages;
	target->engine.progress.packets++;
	return 0;
}

static int place_private(struct sevlm_target *target, uint8_t *hva,
			 struct cut *cut)
{
	return place_packet(target, hva, cut, 1);
}

static int place_block(struct sevlm_target *target, uint8_t *hva,
		       struct cut *cut)
{
	return place_packet(target, hva, cut, BLOCK_PAGES);
}

static int place_shared(struct sevlm_target *target, uint8_t *hva,
			struct cut *cut)
{
	memcpy(hva, cut->payload, PAGE_SIZE);
	cut->payload += PAGE_SIZE;
	target->engine.progress.shared_pages++;
	return 0;
}

static int place_zero(struct sevlm_target *target, uint8_t *hva,
		      struct cut *cut)
{
	(void)cut;
	/* fresh memory need not be touched to be zero */
	if (!sevlm__engine_zero(hva))
		memset(hva, 0, PAGE_SIZE);
	target->engine.progress.zero_pages++;
	return 0;
}

static int (*const place[])(struct sevlm_target *target, uint8_t *hva,
			    struct cut *cut) = {
	[KIND_PRIVATE] = place_private,
	[KIND_SHARED] = place_shared,
	[KIND_ZERO] = place_zero,
	[KIND_BLOCK] = place_block,
};

/* Pages side by side and of one state, so that a batch takes few notes. */
struct arrivals {
	uint64_t gpa;
	uint64_t count;
	bool shared;
};

static void arrived(struct sevlm__pages *pages, struct arrivals *run,
		    uint64_t entry)
{
	bool shared = !sevlm__entry_private(entry);
	uint32_t count = sevlm__entry_pages(entry);
	uint64_t gpa = sevlm__entry_gpa(entry);

	if (run->count && run->shared == shared &&
	    gpa == run->gpa + (run->count << PAGE_SHIFT)) {
		run->count += count;
		return;
	}
	if (run->count)
		sevlm__pages_arrived(pages, run->gpa, run->count, run->shared);
	*run = (struct arrivals){ gpa, count, shared };
}

static int apply_pages(struct sevlm_target *target, const uint8_t *body,
		       size_t bytes)
{
	struct sevlm__pages *pages = target->engine.vm->pages;
	struct sevlm__region region = { 0 };
	struct arrivals run = { 0 };
	struct sevlm__batch batch;
	struct cut cut;
	int ret;

	if (sevlm__batch_decode(body, bytes, &batch))
		return malformed(target, RECORD_PAGES);
	cut = (struct cut){ batch.headers, batch.payloads };
	for (uint32_t i = 0; i < batch.count; i++) {
		uint64_t entry = sevlm__entry(&batch, i);
		uint64_t gpa = sevlm__entry_gpa(entry);
		uint32_t kind = sevlm__entry_kind(entry);

		ret = check_page(target, entry, &region);
		if (!ret)
			ret = place[kind](target, region.hva + gpa - region.gpa,
					  &cut);
		if (ret)
			return ret;
		arrived(pages, &run, entry);
	}
	sevlm__pages_arrived(pages, run.gpa, run.count, run.shared);
	return 0;
}

static int apply_free(struct sevlm_target *target, const uint8_t *body,
		      size_t bytes)
{
	struct sevlm__engine *engine = &target->engine;
	struct sevlm__reader r = sevlm__reader(body, bytes);

	while (r.left) {
		uint64_t gpa = sevlm__get64(&r);
		uint64_t count = sevlm__get64(&r);

		if (r.bad || gpa % PAGE_SIZE || !count ||
		    count > (UINT64_MAX - gpa) >> PAGE_SHIFT)
			return malformed(target, RECORD_FREE);
		if (!sevlm__pages_find(engine->vm->pages, gpa, PAGE_SIZE,
				       &(struct sevlm__region){ 0 }))
			return sevlm__fail(&engine->error, -EPROTO,
					   "0x%llx is declared free but is no "
					   "memory",
					   (unsigned long long)gpa);
		sevlm__pages_freed(engine->vm->pages, gpa, count);
		engine->progress.skipped_pages += count;
	}
	return 0;
}

static int apply_region(struct sevlm_target *target, const uint8_t *body,
			size_t bytes)
{
	(void)bytes;
	if (sevlm__region_decode(body, &target->region, &target->region_action))
		return malformed(target, RECORD_REGION);
	target->engine.vm->regions_open = true;
	target->engine.want = SEVLM_WANT_REGION;
	return 0;
}

static int set_run(struct sevlm_target *target, uint64_t gpa, uint64_t count)
{
	int ret = sevlm__pages_set(target->engine.vm->pages, gpa, count, true);

	return ret ? sevlm__fail(&target->engine.error, ret,
				 "the source has more shared ranges outside "
				 "of RAM than fit") :
		     0;
}

static int set_span(struct sevlm_target *target, const struct sevlm__span *span)
{
	uint32_t at = 0, end;
	int ret = 0;

	if (span->all)
		return set_run(target, span->gpa, span->pages);
	while (!ret && at < span->pages) {
		if (!(span->bitmap[at / 64] >> at % 64 & 1)) {
			at++;
			continue;
		}
		for (end = at + 1; end < span->pages; end++)
			if (!(span->bitmap[end / 64] >> end % 64 & 1))
				break;
		ret = set_run(target, span->gpa + ((uint64_t)at << PAGE_SHIFT),
			      end - at);
		at = end;
	}
	return ret;
}

static int apply_shared(struct sevlm_target *target, const uint8_t *body,
			size_t bytes)
{
	struct sevlm__reader r = sevlm__reader(body, bytes);
	struct sevlm__span span;
	int ret = 0;

	while (!ret && r.left) {
		if (sevlm__span_decode(&r, &span))
			return malformed(target, RECORD_SHARED);
		if (span.gpa < target->next_span)
			return sevlm__fail(&target->engine.error, -EPROTO,
					   "page states out of order at 0x%llx",
					   (unsigned long long)span.gpa);
		target->next_span =
			span.gpa + ((uint64_t)span.pages << PAGE_SHIFT);
		ret = set_span(target, &span);
	}
	return ret;
}

static int check_totals(struct sevlm_target *target,
			const struct sevlm__end *end)
{
	const struct sevlm_progress *have = &target->engine.progress;

	if (end->private_pages == have->private_pages &&
	    end->shared_pages == have->shared_pages &&
	    end->zero_pages == have->zero_pages &&
	    end->freed_pages == have->skipped_pages)
		return 0;
	return sevlm__fail(&target->engine.error, -EPROTO,
			   "the source counts other pages than came");
}

static int check_digest(struct sevlm_target *target,
			const struct sevlm__end *end)
{
	uint8_t digest[SEVLM__DIGEST_SIZE];
	int ret = sevlm__hash_peek(target->engine.hash, digest);

	if (!ret && !sevlm__equal(digest, end->digest, sizeof(digest)))
		ret = sevlm__fail(&target->engine.error, -EKEYREJECTED,
				  "the stream was changed on its way");
	return ret;
}

static int check_pages(struct sevlm_target *target)
{
	bool missing;
	uint64_t gpa;

	if (!sevlm__pages_account(target->engine.vm->pages, &gpa, &missing))
		return 0;
	return sevlm__fail(&target->engine.error, -EPROTO,
			   missing ? "page 0x%llx never came" :
				     "page 0x%llx came last in another state "
				     "than the guest has it in",
			   (unsigned long long)gpa);
}

static int apply_end(struct sevlm_target *target, const uint8_t *body,
		     size_t bytes)
{
	struct sevlm__end end;
	int ret;

	(void)bytes;
	if (sevlm__end_decode(body, &end))
		return malformed(target, RECORD_END);
	ret = check_digest(target, &end);
	if (!ret)
		ret = sevlm__handshake_consent(&target->engine, end.control);
	if (!ret)
		ret = check_totals(target, &end);
	if (!ret)
		ret = check_pages(target);
	if (!ret)
		ret = target_blobs_complete(target);
	if (!ret)
		sevlm__control_import(target->engine.vm, end.control);
	if (!ret)
		target->state = TARGET_LOAD;
	return ret;
}

static const struct {
	uint16_t type;
	enum target_stage stage;
	int (*apply)(struct sevlm_target *target, const uint8_t *body,
		     size_t bytes);
} stream[] = {
	{ RECORD_ROUND, STAGE_ROUNDS, apply_round },
	{ RECORD_PAGES, STAGE_ROUNDS, apply_pages },
	{ RECORD_FREE, STAGE_ROUNDS, apply_free },
	{ RECORD_REGION, STAGE_ROUNDS, apply_region },
	{ RECORD_SHARED, STAGE_SHARED, apply_shared },
	{ RECORD_STATE, STAGE_STATE, target_blob_add },
	{ RECORD_END, STAGE_END, apply_end },
};

static int out_of_order(struct sevlm_target *target, uint16_t type)
{
	return sevlm__fail(&target->engine.error, -EPROTO,
			   "a %s record is not allowed at this point",
			   sevlm__record_type(type)->name);
}

/* The transcript: all of a record but the contents of pages; of END, what
 * stands before its own digest is compared first. */
static int hash_record(struct sevlm_target *target,
		       const struct sevlm__record *record, const uint8_t *body)
{
	size_t bytes = record->length;
	struct sevlm__batch batch;

	if (record->type == RECORD_PAGES) {
		if (sevlm__batch_decode(body, bytes, &batch))
			return malformed(target, RECORD_PAGES);
		bytes = batch.control_bytes;
	}
	return sevlm__engine_hash_in(&target->engine, bytes);
}

int target_apply(struct sevlm_target *target,
		 const struct sevlm__record *record, const uint8_t *body)
{
	bool end = record->type == RECORD_END;
	int ret;

	for (size_t i = 0; i < ARRAY_SIZE(stream); i++) {
		if (stream[i].type != record->type)
			continue;
		if (stream[i].stage < target->stage)
			break;
		target->stage = stream[i].stage;
		ret = end ? 0 : hash_record(target, record, body);
		if (!ret)
			ret = stream[i].apply(target, body, record->length);
		if (!ret && end)
			ret = hash_record(target, record, body);
		return ret;
	}
	return out_of_order(target, record->type);
}
