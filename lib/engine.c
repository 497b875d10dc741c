/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "engine.h"

int sevlm__engine_check(uint32_t channel, const uint8_t *nonce,
			const uint8_t *exporter)
{
	static const uint8_t nothing[SEVLM_NONCE_SIZE];

	if (channel != SEVLM_CHANNEL_DECLARED &&
	    channel != SEVLM_CHANNEL_INSECURE)
		return -EINVAL;
	/* zeroes are a forgotten nonce, or a forgotten exporter value */
	if (!memcmp(nonce, nothing, SEVLM_NONCE_SIZE) ||
	    (channel == SEVLM_CHANNEL_DECLARED &&
	     !memcmp(exporter, nothing, SEVLM_EXPORTER_SIZE)))
		return -EINVAL;
	return 0;
}

bool sevlm__engine_zero(const uint8_t *page)
{
	static const uint8_t zeroes[64];

	return !memcmp(page, zeroes, sizeof(zeroes)) &&
	       !memcmp(page, page + sizeof(zeroes),
		       PAGE_SIZE - sizeof(zeroes));
}

int sevlm__engine_init(struct sevlm__engine *engine, struct sevlm_vm *vm,
		       uint32_t role, uint32_t max_body, size_t payload_bytes)
{
	int ret;

	engine->vm = vm;
	engine->role = role;
	engine->peer_max_body = RECORD_BODY_LEAST;
	sevlm__error_clear(&engine->error);
	ret = sevlm__inbox_init(&engine->inbox, max_body);
	if (!ret)
		ret = sevlm__outbox_init(&engine->outbox, payload_bytes);
	if (!ret)
		ret = sevlm__hash_new(&engine->hash);
	return ret;
}

int sevlm__engine_identify(struct sevlm__engine *engine,
			   const struct sevlm_trust *trust, const void *chain,
			   const void *amd, size_t amd_bytes)
{
	if (!sevlm__trust_usable(trust) || !amd || !amd_bytes ||
	    amd_bytes > SEVLM_BLOB_MAX)
		return -EINVAL;
	engine->certs = malloc(amd_bytes + SEVLM_CHAIN_SIZE);
	if (!engine->certs)
		return -ENOMEM;
	engine->trust = trust;
	engine->amd_bytes = amd_bytes;
	engine->chained = chain;
	memcpy(engine->certs, amd, amd_bytes);
	if (chain)
		memcpy(engine->certs + amd_bytes, chain, SEVLM_CHAIN_SIZE);
	return 0;
}

void sevlm__engine_fini(struct sevlm__engine *engine)
{
	free(engine->certs);
	sevlm__hash_free(engine->hash);
	sevlm__outbox_fini(&engine->outbox);
	sevlm__inbox_fini(&engine->inbox);
}

/* A target that talks but does not take the guest moves nothing. */
static uint64_t bytes_moved(struct sevlm__engine *engine)
{
	uint64_t moved = sevlm__outbox_moved(&engine->outbox);

	if (engine->role == ROLE_TARGET)
		moved += sevlm__inbox_moved(&engine->inbox);
	return moved;
}

bool sevlm__engine_tick(struct sevlm__engine *engine, uint64_t now_ns)
{
	uint64_t moved = bytes_moved(engine);

	if (now_ns > engine->now_ns)
		engine->now_ns = now_ns;
	if (!engine->start_ns) {
		engine->start_ns = engine->now_ns ? engine->now_ns : 1;
		engine->still_since_ns = engine->now_ns;
	}
	if ((moved != engine->moved && !engine->deaf) || engine->want)
		engine->still_since_ns = engine->now_ns;
	engine->moved = moved;
	return engine->now_ns >= sevlm__engine_deadline(engine);
}

uint64_t sevlm__engine_deadline(struct sevlm__engine *engine)
{
	uint64_t since = engine->from_start ? engine->start_ns :
					      engine->still_since_ns;

	if (!engine->patience_ns || engine->want ||
	    engine->patience_ns > SEVLM_NO_DEADLINE - since)
		return SEVLM_NO_DEADLINE;
	return since + engine->patience_ns;
}

static int put_into_words(struct sevlm__engine *engine, int ret)
{
	switch (ret) {
	case 0:
	case -EAGAIN:
		return ret;
	case -ECONNRESET:
		return sevlm__fail(&engine->error, ret,
				   sevlm__inbox_partial(&engine->inbox) ?
					   "the connection ended within a "
					   "record" :
					   "the peer is gone");
	case -EPROTO:
		return sevlm__fail(&engine->error, ret,
				   "the peer does not speak this protocol: "
				   "its stream begins with other bytes");
	default:
		return sevlm__fail(&engine->error, ret,
				   "record %llu of the peer is malformed",
				   (unsigned long long)engine->sequence_in);
	}
}

/* Is this record the one that must come now? */
static int check_place(struct sevlm__engine *engine,
		       const struct sevlm__record *record,
		       const struct sevlm__record_type *type)
{
	uint32_t epoch = engine->role == ROLE_TARGET ? engine->epoch : 0;

	if (record->sequence != engine->sequence_in)
		return sevlm__fail(&engine->error, -EPROTO,
				   "record %llu came where %llu was due",
				   (unsigned long long)record->sequence,
				   (unsigned long long)engine->sequence_in);
	if (record->channel)
		return sevlm__fail(&engine->error, -EPROTO,
				   "a record of channel %u: only one is known",
				   record->channel);
	if (record->type == RECORD_ROUND)
		epoch++;
	if (record->epoch != epoch)
		return sevlm__fail(&engine->error, -EPROTO,
				   "a record of epoch %u in epoch %u",
				   record->epoch, engine->epoch);
	if (type ? type->from & engine->role && !(type->from & ~engine->role) :
		   record->flags & RECORD_REQUIRED)
		return sevlm__fail(&engine->error, -EPROTO,
				   type ? "a %s record from the wrong side" :
					  "a required record of unknown type%s",
				   type ? type->name : "");
	return 0;
}

int sevlm__engine_peek(struct sevlm__engine *engine,
		       struct sevlm__record *record, const uint8_t **ret_body)
{
	const struct sevlm__record_type *type;
	const uint8_t *header;
	int ret;

	/* no more than were there: a peer must not keep the step from ending */
	for (uint32_t i = 0; i < INBOX_SLOTS; i++) {
		ret = sevlm__inbox_peek(&engine->inbox, record, &header,
					ret_body);
		if (ret)
			return put_into_words(engine, ret);
		type = sevlm__record_type(record->type);
		ret = check_place(engine, record, type);
		if (ret || type)
			return ret;
		/* optional and unknown: skipped, but the source's are part of
		 * the transcript */
		if (engine->role == ROLE_TARGET)
			ret = sevlm__engine_hash_in(engine, record->length);
		if (ret)
			return ret;
		sevlm__engine_release(engine);
	}
	engine->skipped = true;
	return -EAGAIN;
}

void sevlm__engine_release(struct sevlm__engine *engine)
{
	engine->sequence_in++;
	sevlm__inbox_release(&engine->inbox);
}

int sevlm__engine_hash_in(struct sevlm__engine *engine, size_t body_bytes)
{
	struct sevlm__record record;
	const uint8_t *header, *body;

	if (sevlm__inbox_peek(&engine->inbox, &record, &header, &body))
		return -EIO;
	return sevlm__hash_update(engine->hash, header,
				  RECORD_HEADER_SIZE + body_bytes);
}

int sevlm__engine_commit_out(struct sevlm__engine *engine,
			     struct sevlm__out *out, uint16_t type,
			     size_t head_bytes)
{
	struct sevlm__record record = {
		.length = (uint32_t)(head_bytes - RECORD_HEADER_SIZE +
				     out->bytes),
		.type = type,
		.flags = RECORD_REQUIRED,
		.epoch = engine->role == ROLE_SOURCE ? engine->epoch : 0,
		.sequence = engine->sequence_out++,
	};
	int ret;

	sevlm__record_encode(&record, out->head);
	out->iov[0].iov_len = head_bytes;
	out->bytes += head_bytes;
	engine->progress.bytes += out->bytes;
	ret = sevlm__hash_update(engine->hash, out->head, head_bytes);
	/* payloads of pages are the channel's and the firmware's to protect */
	for (uint32_t i = 1; !ret && type != RECORD_PAGES && i < out->parts;
	     i++)
		ret = sevlm__hash_update(engine->hash, out->iov[i].iov_base,
					 out->iov[i].iov_len);
	if (!ret)
		sevlm__outbox_end(&engine->outbox);
	return ret;
}

int sevlm__engine_send(struct sevlm__engine *engine, uint16_t type,
		       const void *body, size_t bytes)
{
	struct sevlm__out *out = sevlm__outbox_begin(&engine->outbox);

	if (!out)
		return -EAGAIN;
	if (bytes > engine->outbox.payload_bytes)
		return -ENOBUFS;
	memcpy(out->payload, body, bytes);
	sevlm__out_add(out, out->payload, bytes);
	return sevlm__engine_commit_out(engine, out, type, RECORD_HEADER_SIZE);
}

uint32_t sevlm__engine_want(struct sevlm__engine *engine, bool busy)
{
	uint32_t want = engine->want;

	if ((busy || engine->skipped) && !want)
		want |= SEVLM_WANT_STEP;
	engine->skipped = false;
	if (!sevlm__outbox_empty(&engine->outbox))
		want |= SEVLM_WANT_WRITE;
	if (!atomic_load(&engine->closed))
		want |= SEVLM_WANT_READ;
	return want;
}

int sevlm__engine_did(struct sevlm__engine *engine, uint32_t want)
{
	if (!want || engine->want != want)
		return -EBADFD;
	engine->want = 0;
	return 0;
}

void sevlm__engine_settle(struct sevlm__engine *engine, uint32_t outcome,
			  int cause)
{
	if (outcome == SEVLM_OUTCOME_COMPLETED)
		sevlm__error_clear(&engine->error);
	engine->outcome = outcome;
	engine->cause = cause;
	engine->reason = engine->error;
}

int sevlm__engine_progress(struct sevlm__engine *engine,
			   struct sevlm_progress *ret)
{
	struct sevlm_progress *progress = &engine->progress;

	if (engine->start_ns && !engine->outcome)
		progress->total_ns = engine->now_ns - engine->start_ns;
	if (engine->role == ROLE_TARGET)
		progress->bytes = sevlm__inbox_moved(&engine->inbox);
	progress->size = sizeof(*progress);
	return sevlm__copy_out(ret, progress, sizeof(*progress));
}

int sevlm__engine_aborted(struct sevlm__engine *engine, const uint8_t *body,
			  size_t bytes)
{
	char text[ABORT_TEXT_MAX + 1];
	int cause;

	if (sevlm__abort_decode(body, bytes, &cause, text))
		return sevlm__fail(&engine->error, -EBADMSG,
				   "the peer's ABORT is malformed");
	engine->peer_aborted = true;
	return sevlm__fail(&engine->error, cause, "the peer gave up: %s",
			   text[0] ? text : "no reason given");
}
