/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The source's end: the guest stands, the rest travels, the decision. */
#include <errno.h>

#include "source.h"

/* one piece of state; small enough for the least peer */
#define PIECE_MAX (RECORD_BODY_LEAST - STATE_HEAD_SIZE)

int source_shared(struct sevlm_source *source)
{
	struct sevlm__engine *engine = &source->engine;
	struct sevlm__out *out = sevlm__outbox_begin(&engine->outbox);
	struct sevlm__span span;
	struct sevlm__writer w;
	bool more = true;

	if (!out)
		return -EAGAIN;
	w = sevlm__writer(out->payload, RECORD_BODY_LEAST);
	while (w.left >= SPAN_SIZE + sizeof(span.bitmap) &&
	       (more = sevlm__pages_span(engine->vm->pages, &source->cursor,
					 &span)))
		sevlm__span_encode(&span, &w);
	if (!more)
		source->state = SOURCE_STATE;
	if (w.at == out->payload)
		return 0;
	sevlm__out_add(out, out->payload, (size_t)(w.at - out->payload));
	return sevlm__engine_commit_out(engine, out, RECORD_SHARED,
					RECORD_HEADER_SIZE);
}

static int send_piece(struct sevlm_source *source,
		      const struct source_blob *blob)
{
	struct sevlm__engine *engine = &source->engine;
	struct sevlm__out *out = sevlm__outbox_begin(&engine->outbox);
	struct sevlm__state_piece piece = {
		.id = blob->id,
		.total = blob->bytes,
		.offset = source->blob_offset,
	};

	if (!out)
		return -EAGAIN;
	piece.count = blob->bytes - source->blob_offset;
	if (piece.count > PIECE_MAX)
		piece.count = PIECE_MAX;
	sevlm__state_encode(&piece, out->head + RECORD_HEADER_SIZE);
	sevlm__out_add(out, (void *)(blob->buf + source->blob_offset),
		       piece.count);
	source->blob_offset += piece.count;
	return sevlm__engine_commit_out(engine, out, RECORD_STATE,
					RECORD_HEADER_SIZE + STATE_HEAD_SIZE);
}

int source_send_state(struct sevlm_source *source)
{
	const struct source_blob *blob = &source->blobs[source->blob_at];

	if (source->blob_at == source->blob_count) {
		source->state = SOURCE_END;
		return 0;
	}
	if (source->blob_offset < blob->bytes)
		return send_piece(source, blob);
	source->blob_at++;
	source->blob_offset = 0;
	return 0;
}

int source_end(struct sevlm_source *source)
{
	struct sevlm__engine *engine = &source->engine;
	const struct sevlm_progress *progress = &engine->progress;
	struct sevlm__end end = {
		.private_pages = progress->private_pages,
		.shared_pages = progress->shared_pages,
		.zero_pages = progress->zero_pages,
		.freed_pages = progress->skipped_pages,
		.control = atomic_load(&engine->vm->control) &
			   (SEVLM_CONTROL_OFFERED | SEVLM_CONTROL_READY),
	};
	uint8_t body[END_SIZE];
	int ret;

	if (sevlm__outbox_full(&engine->outbox))
		return -EAGAIN;
	ret = sevlm__hash_peek(engine->hash, end.digest);
	if (ret)
		return ret;
	sevlm__end_encode(&end, body);
	ret = sevlm__engine_send(engine, RECORD_END, body, sizeof(body));
	if (!ret)
		ret = sevlm__hash_peek(engine->hash, source->digest);
	source->ended = true;
	source->state = SOURCE_PREPARED;
	return ret;
}

/* Nothing of the guest may change any more; if it did, the VMM let it. */
static int check_untouched(struct sevlm_source *source)
{
	uint64_t pending = sevlm__pages_pending(source->engine.vm->pages);

	if (!pending)
		return 0;
	return sevlm__fail(&source->engine.error, -EPROTO,
			   "%llu pages were written while the guest stood",
			   (unsigned long long)pending);
}

/* The target gave up between PREPARED and COMMIT. */
int source_given_up(struct sevlm_source *source, const uint8_t *body)
{
	struct sevlm__engine *engine = &source->engine;
	int ret = sevlm__commit_check(engine, RECORD_NEVER, body);

	if (ret)
		return ret;
	engine->peer_aborted = true;
	source->never = true;
	return sevlm__fail(&engine->error, -ECANCELED, "the target gave up");
}

int source_prepared(struct sevlm_source *source)
{
	struct sevlm__engine *engine = &source->engine;
	struct sevlm__record record;
	const uint8_t *body;
	int ret = source_expect(source, &record, &body);

	if (ret)
		return ret;
	if (record.type == RECORD_NEVER)
		return source_given_up(source, body);
	if (record.type != RECORD_PREPARED)
		return sevlm__fail(&engine->error, -EPROTO,
				   "the target sent record type %u instead of "
				   "PREPARED",
				   record.type);
	if (!sevlm__equal(body, source->digest, sizeof(source->digest)))
		return sevlm__fail(&engine->error, -EKEYREJECTED,
				   "the target has seen another stream than "
				   "was sent");
	sevlm__engine_release(engine);
	source->state = SOURCE_PERSIST;
	return check_untouched(source);
}

int source_commit(struct sevlm_source *source)
{
	int ret = sevlm__commit_send(&source->engine, RECORD_COMMIT);

	if (!ret)
		source->state = SOURCE_STARTED;
	return ret;
}

int source_gone(struct sevlm_source *source)
{
	struct sevlm_progress *progress = &source->engine.progress;

	progress->downtime_ns = source->engine.now_ns - source->paused_ns;
	source->state = SOURCE_FINISH;
	return 0;
}

/* An authenticated word that the target can never start: the decision is
 * undone, the guest is ours again. */
static int never(struct sevlm_source *source)
{
	source->decided = false;
	source->never = true;
	return sevlm__resolve_words(&source->engine, VERDICT_NEVER);
}

int source_lost(struct sevlm_source *source)
{
	struct sevlm__engine *engine = &source->engine;
	int cause = sevlm__resolve_words(engine, VERDICT_LOST);

	sevlm__engine_settle(engine, SEVLM_OUTCOME_LOST, cause);
	source->state = SOURCE_ENDED;
	return 0;
}

int source_started(struct sevlm_source *source)
{
	static const struct {
		uint16_t type;
		int (*then)(struct sevlm_source *source);
	} verdicts[] = {
		{ RECORD_STARTED, source_gone },
		{ RECORD_NEVER, never },
		{ RECORD_LOST, source_lost },
	};
	struct sevlm__engine *engine = &source->engine;
	struct sevlm__record record;
	const uint8_t *body;
	int ret = sevlm__engine_peek(engine, &record, &body);

	for (size_t i = 0; !ret && i < ARRAY_SIZE(verdicts); i++) {
		if (record.type != verdicts[i].type)
			continue;
		ret = sevlm__commit_check(engine, record.type, body);
		if (ret)
			return ret;
		sevlm__engine_release(engine);
		return verdicts[i].then(source);
	}
	return ret ? ret :
		     sevlm__fail(&engine->error, -EPROTO,
				 "the target answered COMMIT with record type "
				 "%u",
				 record.type);
}

/* The guest runs on the target whatever firmware says here. */
int source_finish(struct sevlm_source *source)
{
	int ret = sevlm_send_finish(source->send);

	sevlm__engine_settle(&source->engine, SEVLM_OUTCOME_COMPLETED, 0);
	if (ret)
		sevlm__fail(&source->engine.error, ret,
			    "the guest runs on the target, but %s",
			    source->engine.vm->error.text);
	source->state = SOURCE_ENDED;
	return 0;
}
