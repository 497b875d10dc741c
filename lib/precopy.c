/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The source's rounds: harvest, then page states, then pages. */
#include <errno.h>

#include "source.h"

int source_harvest(struct sevlm_source *source)
{
	return source_ask(source, SEVLM_WANT_DIRTY);
}

static int give_up(struct sevlm_source *source, uint64_t todo)
{
	return sevlm__fail(&source->engine.error, -ETIMEDOUT,
			   "the guest dirties its memory faster than it can be "
			   "sent: %llu pages left after %u rounds",
			   (unsigned long long)todo, source->schedule.round);
}

static int begin_round(struct sevlm_source *source, uint64_t todo)
{
	struct sevlm__engine *engine = &source->engine;
	uint8_t body[8];
	struct sevlm__writer w = sevlm__writer(body, sizeof(body));

	sevlm__put64(&w, todo);
	engine->epoch++;
	sevlm__schedule_begin(&source->schedule, engine->now_ns, todo);
	engine->progress.round = engine->epoch;
	source->cursor = 0;
	source->state = SOURCE_PAGES;
	return sevlm__engine_send(engine, RECORD_ROUND, body, sizeof(body));
}

/* Behind the dirty log, before the pages; a guest that took its word back is
 * not sent. */
static int sync_states(struct sevlm_source *source)
{
	struct sevlm_vm *vm = source->engine.vm;
	int ret = sevlm_vm_sync_states(vm, source->final);

	if (!ret)
		ret = sevlm__control_check(&vm->error,
					   atomic_load(&vm->control));
	return ret ? source_blame(source, ret) : 0;
}

int source_round(struct sevlm_source *source)
{
	struct sevlm__engine *engine = &source->engine;
	uint64_t todo, fresh;
	uint32_t decision;
	int ret;

	if (sevlm__outbox_full(&engine->outbox))
		return -EAGAIN;
	ret = sync_states(source);
	if (ret)
		return ret;
	todo = sevlm__pages_round(engine->vm->pages, &fresh);
	if (source->final)
		return begin_round(source, todo);
	decision = sevlm__schedule_decide(&source->schedule, engine->now_ns,
					  todo, fresh);
	if (decision == SCHEDULE_GO_ON)
		return begin_round(source, todo);
	if (decision == SCHEDULE_GIVE_UP && !source->config.stop_anyway)
		return give_up(source, todo);
	source->state = SOURCE_PAUSE;
	return 0;
}

static uint32_t batch_limit(const struct sevlm_source *source)
{
	uint32_t fits = (source->engine.peer_max_body - PAGES_HEAD_SIZE) /
			(PAGES_ENTRY_SIZE + SEVLM_PACKET_HEADER_SIZE +
			 PAGE_SIZE);

	return fits < source->config.batch_pages ? fits :
						   source->config.batch_pages;
}

static uint8_t *nth(uint8_t *base, uint32_t index, size_t size)
{
	return base + index * size;
}

/* pages of one batch, with their packets in source->headers and out->payload
 * by how many pages are before */
struct batch {
	struct sevlm__page at[SEVLM_MAX_BATCH];
	uint32_t count;
};

static int encrypt_one(struct sevlm_source *source, struct sevlm__out *out,
		       const struct sevlm__page *page)
{
	if (atomic_load(&source->engine.cancelled))
		return sevlm__fail(&source->engine.error, -ECANCELED,
				   "cancelled");
	return sevlm__send_update(source->send, page->hva, page->pages,
				  nth(source->headers, page->before,
				      SEVLM_PACKET_HEADER_SIZE),
				  nth(out->payload, page->before, PAGE_SIZE));
}

/* The block at i becomes its pages; there is room, as pages are counted. */
static void split(struct batch *batch, uint32_t i)
{
	struct sevlm__page *at = &batch->at[i], page = *at;
	uint32_t more = page.pages - 1;

	memmove(at + 1 + more, at + 1, (batch->count - i - 1) * sizeof(*at));
	batch->count += more;
	page.pages = 1;
	for (uint32_t n = 0; n <= more; n++) {
		at[n] = page;
		page.gpa += PAGE_SIZE;
		page.hva += PAGE_SIZE;
		page.before++;
	}
}

/* The kernel finds the block scattered: its region was not what the VMM took
 * it for, and is not tried again in this migration. */
static void give_up_blocks(struct sevlm_source *source, struct batch *batch,
			   uint32_t i)
{
	struct sevlm_vm *vm = source->engine.vm;

	sevlm__pages_forbid_blocks(vm->pages, batch->at[i].gpa, BLOCK_PAGES);
	sevlm__error_clear(&vm->error);
	for (; i < batch->count; i++)
		if (batch->at[i].pages > 1)
			split(batch, i);
}

static int encrypt(struct sevlm_source *source, struct sevlm__out *out,
		   struct batch *batch)
{
	int ret;

	for (uint32_t i = 0; i < batch->count; i++) {
		if (batch->at[i].shared)
			continue;
		ret = encrypt_one(source, out, &batch->at[i]);
		if (ret == -ENOTSUP && batch->at[i].pages > 1) {
			give_up_blocks(source, batch, i);
			ret = encrypt_one(source, out, &batch->at[i]);
		}
		if (ret)
			return ret == -ECANCELED ? ret :
						   source_blame(source, ret);
	}
	return 0;
}

/* A page that changed state since it was taken is pending again: what was
 * read of it is of neither state and is thrown away. The others of its block
 * can only be read anew with it. */
static bool still_true(struct sevlm_source *source,
		       const struct sevlm__page *page, bool quiet)
{
	struct sevlm__pages *pages = source->engine.vm->pages;
	bool same = true;

	for (uint32_t i = 0; !quiet && same && i < page->pages; i++)
		same = sevlm__pages_shared(pages, page->gpa + i * PAGE_SIZE) ==
		       page->shared;
	if (same)
		return true;
	sevlm__pages_dirty(pages, page->gpa, page->pages);
	source->engine.progress.changed_pages += page->pages;
	return false;
}

static uint64_t classify(struct sevlm_source *source,
			 const struct sevlm__page *page)
{
	struct sevlm_progress *progress = &source->engine.progress;

	if (!page->shared) {
		progress->private_pages += page->pages;
		progress->packets++;
		return page->gpa |
		       (page->pages > 1 ? KIND_BLOCK : KIND_PRIVATE);
	}
	if (sevlm__engine_zero(page->hva)) {
		progress->zero_pages++;
		return page->gpa | KIND_ZERO;
	}
	progress->shared_pages++;
	return page->gpa | KIND_SHARED;
}

struct layout {
	struct sevlm__writer entries;
	uint8_t *headers[SEVLM_MAX_BATCH];
	uint32_t count;
	uint32_t pages;
	uint32_t packets;
};

static void lay_out_page(struct sevlm_source *source, struct sevlm__out *out,
			 const struct sevlm__page *page, struct layout *layout)
{
	uint64_t entry = classify(source, page);

	sevlm__put64(&layout->entries, entry);
	layout->count++;
	layout->pages += page->pages;
	switch (sevlm__entry_kind(entry)) {
	case KIND_PRIVATE:
	case KIND_BLOCK:
		layout->headers[layout->packets++] =
			nth(source->headers, page->before,
			    SEVLM_PACKET_HEADER_SIZE);
		sevlm__out_add(out, nth(out->payload, page->before, PAGE_SIZE),
			       page->pages * PAGE_SIZE);
		break;
	case KIND_SHARED:
		sevlm__out_add(out, page->hva, PAGE_SIZE);
		break;
	}
}

static void lay_out(struct sevlm_source *source, struct sevlm__out *out,
		    const struct batch *batch, bool quiet,
		    struct layout *layout)
{
	uint8_t *body = out->head + RECORD_HEADER_SIZE;

	layout->entries =
		sevlm__writer(body, OUT_HEAD_SIZE - RECORD_HEADER_SIZE);
	layout->count = 0;
	layout->pages = 0;
	layout->packets = 0;
	sevlm__put64(&layout->entries, 0);
	for (uint32_t i = 0; i < batch->count; i++)
		if (still_true(source, &batch->at[i], quiet))
			lay_out_page(source, out, &batch->at[i], layout);
	for (uint32_t i = 0; i < layout->packets; i++)
		sevlm__put_bytes(&layout->entries, layout->headers[i],
				 SEVLM_PACKET_HEADER_SIZE);
}

static int send_batch(struct sevlm_source *source, struct sevlm__out *out,
		      struct batch *batch, uint64_t generation)
{
	struct sevlm__pages *pages = source->engine.vm->pages;
	struct sevlm__writer count_field;
	struct layout layout;
	bool quiet;
	int ret = encrypt(source, out, batch);

	if (ret)
		return ret;
	quiet = generation == sevlm__pages_generation(pages);
	lay_out(source, out, batch, quiet, &layout);
	if (!layout.count)
		return 0;
	count_field = sevlm__writer(out->head + RECORD_HEADER_SIZE, 4);
	sevlm__put32(&count_field, layout.count);
	sevlm__schedule_sent(&source->schedule, source->engine.now_ns,
			     layout.pages);
	return sevlm__engine_commit_out(
		&source->engine, out, RECORD_PAGES,
		(size_t)(layout.entries.at - out->head));
}

int source_pages(struct sevlm_source *source)
{
	struct sevlm__engine *engine = &source->engine;
	struct sevlm__out *out = sevlm__outbox_begin(&engine->outbox);
	struct batch batch;
	uint64_t generation;

	if (!out)
		return -EAGAIN;
	/* read before the states are: a change in between only costs a look */
	generation = sevlm__pages_generation(engine->vm->pages);
	batch.count = sevlm__pages_take(engine->vm->pages, &source->cursor,
					batch.at, batch_limit(source));
	if (batch.count)
		return send_batch(source, out, &batch, generation);
	source->cursor = 0;
	source->state = SOURCE_FREE;
	return 0;
}

/* A device may have finished a write while the guest was being stopped; a
 * VMM that goes on writing for ever did not stop it. */
#define FINAL_ROUNDS 8u

static int next_round(struct sevlm_source *source)
{
	source->cursor = 0;
	if (!source->final) {
		source->state = SOURCE_HARVEST;
		return 0;
	}
	if (!sevlm__pages_pending(source->engine.vm->pages)) {
		source->state = SOURCE_SHARED;
		return 0;
	}
	source->state = SOURCE_ROUND;
	if (++source->final_rounds <= FINAL_ROUNDS)
		return 0;
	return sevlm__fail(&source->engine.error, -EPROTO,
			   "memory is still being written though the guest "
			   "stands");
}

/* What the VMM declared free in this round; nothing of it was sent. */
int source_free(struct sevlm_source *source)
{
	struct sevlm__engine *engine = &source->engine;
	struct sevlm__out *out = sevlm__outbox_begin(&engine->outbox);
	struct sevlm__writer w;
	uint64_t gpa, count;

	if (!out)
		return -EAGAIN;
	w = sevlm__writer(out->payload, RECORD_BODY_LEAST);
	while (w.left >= RUN_SIZE &&
	       sevlm__pages_take_skip(engine->vm->pages, &source->cursor, &gpa,
				      &count)) {
		sevlm__put64(&w, gpa);
		sevlm__put64(&w, count);
		engine->progress.skipped_pages += count;
	}
	if (w.at == out->payload)
		return next_round(source);
	sevlm__out_add(out, out->payload, (size_t)(w.at - out->payload));
	return sevlm__engine_commit_out(engine, out, RECORD_FREE,
					RECORD_HEADER_SIZE);
}
