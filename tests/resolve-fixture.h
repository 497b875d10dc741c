/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Migrations that end in each doubt, and words said by hand. */
#ifndef SEVLM_RESOLVE_FIXTURE_H
#define SEVLM_RESOLVE_FIXTURE_H

#include "engine-fixture.h"

#include "engine.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define COMPLETED SEVLM_OUTCOME_COMPLETED
#define ABORTED SEVLM_OUTCOME_ABORTED
#define CANCELLED SEVLM_OUTCOME_CANCELLED
#define IN_DOUBT SEVLM_OUTCOME_IN_DOUBT
#define LOST SEVLM_OUTCOME_LOST

/* ---- how the two sides stand when the link is gone ---------------------- */

enum stand {
	COMMIT_LOST,	/* source in doubt, target waited for COMMIT */
	STARTED_LOST,	/* source in doubt, the guest runs on the target */
	TARGET_LOST_IT, /* source in doubt, the target could not run it */
	TARGET_GAVE_UP, /* source in doubt, the target cancelled */
	CANNOT_PERSIST, /* source in doubt, the target has seen COMMIT */
	PREPARED_LOST,	/* source kept the guest, target waits */
	STANDS
};

static enum stand stand;

static inline void cut_back(void)
{
	rig.back.cut_at = rig.back.out;
}

static inline int stand_answer(struct rig_side *side, uint32_t want)
{
	if (!side->target && want == SEVLM_WANT_PERSIST) {
		cut_back();
		if (stand == COMMIT_LOST || stand == TARGET_GAVE_UP)
			rig.there.cut_at = rig.there.out;
	}
	if (side->target && want == SEVLM_WANT_PERSIST &&
	    stand == CANNOT_PERSIST)
		return -EIO;
	if (side->target && want == SEVLM_WANT_RUN && stand == TARGET_LOST_IT)
		return -EIO;
	return rig_vmm_answer(side, want);
}

static inline void before_round(struct rig *unused)
{
	(void)unused;
	if (stand == PREPARED_LOST &&
	    rig.target.phase == SEVLM_PHASE_COMMIT && !rig.there.shut &&
	    rig.back.cut_at == RIG_NEVER) {
		cut_back();
		rig.there.cut_at = rig.there.out;
		rig_closed(&rig.source);
	}
	if (stand == TARGET_GAVE_UP && rig.source.barred)
		rig_cancel(&rig.target);
	if (rig.source.ended)
		rig_closed(&rig.target);
}

static inline void bring_about(enum stand which)
{
	stand = which;
	plan.latency_ns = RIG_MS;
	open_rig();
	rig.hooks.answer = stand_answer;
	rig.hooks.round = before_round;
	start();
	rig_run(&rig);
	expect_sound();
	memset(&rig.hooks, 0, sizeof(rig.hooks));
	ck_assert_uint_eq(rig.source.outcome,
			  which == PREPARED_LOST ? ABORTED : IN_DOUBT);
}

/* ---- words said by hand -------------------------------------------------- */

#define WORD_BYTES (RECORD_MAGIC_SIZE + RECORD_HEADER_SIZE + RESOLVE_SIZE)

static uint8_t word[WORD_BYTES];

/* both engines begin with it */
static inline const struct sevlm__engine *session_of(const struct rig_side *side)
{
	return side->target ? (const void *)side->target_engine :
			      (const void *)side->source_engine;
}

static inline struct sevlm__resolve verdict_of(const struct sevlm__engine *of,
					       uint32_t role, uint32_t verdict)
{
	struct sevlm__resolve resolve = {.role = role, .verdict = verdict};

	memcpy(resolve.token, of->token, sizeof(resolve.token));
	ck_assert_int_eq(
		sevlm__commit_verdict(of, role, verdict, resolve.mac), 0);
	return resolve;
}

static inline void write_word(const struct sevlm__resolve *resolve)
{
	struct sevlm__record record = {
		.length = RESOLVE_SIZE,
		.type = RECORD_RESOLVE,
		.flags = RECORD_REQUIRED,
	};

	memcpy(word, RECORD_MAGIC, RECORD_MAGIC_SIZE);
	sevlm__record_encode(&record, word + RECORD_MAGIC_SIZE);
	sevlm__resolve_encode(resolve, word + RECORD_MAGIC_SIZE +
					       RECORD_HEADER_SIZE);
}

/* as the side's peer would say it */
static inline void say(const struct rig_side *to, uint32_t verdict)
{
	struct sevlm__resolve resolve =
		verdict_of(session_of(to),
			   to->target ? ROLE_SOURCE : ROLE_TARGET, verdict);

	write_word(&resolve);
}

/* ---- one side alone, with us for a peer ---------------------------------- */

static uint8_t said[256];
static size_t said_bytes;

static inline void listen_to(struct rig_side *side)
{
	struct iovec iov[4];
	size_t count = 4, bytes = 0;

	if (side->target)
		sevlm_target_output(side->target_engine, iov, &count);
	else
		sevlm_source_output(side->source_engine, iov, &count);
	for (size_t i = 0; i < count; i++) {
		ck_assert_uint_le(said_bytes + iov[i].iov_len, sizeof(said));
		memcpy(said + said_bytes, iov[i].iov_base, iov[i].iov_len);
		said_bytes += iov[i].iov_len;
		bytes += iov[i].iov_len;
	}
	if (side->target)
		sevlm_target_consumed(side->target_engine, bytes);
	else
		sevlm_source_consumed(side->source_engine, bytes);
}

static inline int reconnect(struct rig_side *side)
{
	struct sevlm_reconnect config = {
		.size = sizeof(config),
		.channel = SEVLM_CHANNEL_DECLARED,
		.exporter = {7},
	};
	int ret = side->target ? sevlm_target_reconnect(side->target_engine,
							&config)
			       : sevlm_source_reconnect(side->source_engine,
							&config);

	if (!ret) {
		side->ended = side->closed = false;
		side->asked = 0;
		said_bytes = 0;
	}
	return ret;
}

static inline size_t tell(struct rig_side *side, const uint8_t *bytes,
			  size_t count)
{
	size_t taken = 0;

	if (side->target)
		sevlm_target_feed(side->target_engine, bytes, count, &taken);
	else
		sevlm_source_feed(side->source_engine, bytes, count, &taken);
	return taken;
}

static inline void attend_to(struct rig_side *side)
{
	const uint32_t of_engine =
		SEVLM_WANT_STEP | SEVLM_WANT_READ | SEVLM_WANT_WRITE;
	uint32_t want = rig_step(side) & ~of_engine;

	listen_to(side);
	side->asked |= want;
	if (want)
		rig_did(side, want,
			rig.hooks.answer ? rig.hooks.answer(side, want) :
					   rig_vmm_answer(side, want));
	else if (side->want == SEVLM_WANT_READ)
		rig.now_ns = rig_deadline(side) > rig.now_ns ?
				     rig_deadline(side) :
				     rig.now_ns;
}

/* an attempt in which it hears these bytes, and then silence */
static inline void hear(struct rig_side *side, const uint8_t *bytes,
			size_t count)
{
	ck_assert_int_eq(reconnect(side), 0);
	/* a target waits for the first word, a source has its own to say */
	rig_step(side);
	listen_to(side);
	tell(side, bytes, count);
	for (int i = 0; i < 100 && !side->ended; i++)
		attend_to(side);
	ck_assert(side->ended);
}

static inline void hear_word(struct rig_side *side)
{
	hear(side, word, sizeof(word));
}

/* the verdict it said, proved; 0 where it said nothing */
static inline uint32_t said_by(const struct rig_side *side)
{
	uint32_t role = side->target ? ROLE_TARGET : ROLE_SOURCE;
	struct sevlm__resolve its, right;
	struct sevlm__record record;

	if (!said_bytes)
		return 0;
	ck_assert_uint_eq(said_bytes, WORD_BYTES);
	ck_assert_mem_eq(said, RECORD_MAGIC, RECORD_MAGIC_SIZE);
	ck_assert_int_eq(sevlm__record_decode(said + RECORD_MAGIC_SIZE,
					      &record),
			 0);
	ck_assert_uint_eq(record.type, RECORD_RESOLVE);
	ck_assert_uint_eq(record.flags, RECORD_REQUIRED);
	ck_assert_uint_eq(record.sequence, 0);
	ck_assert_uint_eq(record.epoch, 0);
	ck_assert_int_eq(
		sevlm__resolve_decode(said + RECORD_MAGIC_SIZE +
					      RECORD_HEADER_SIZE,
				      &its),
		0);
	right = verdict_of(session_of(side), role, its.verdict);
	ck_assert_mem_eq(&its, &right, sizeof(its));
	return its.verdict;
}

#endif /* SEVLM_RESOLVE_FIXTURE_H */
