/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The target engine's parts: target.c, apply.c, blobs.c, duties.c,
 * takeover.c, reply.c. */
#ifndef SEVLM_TARGET_H
#define SEVLM_TARGET_H

#include "engine.h"

enum target_state {
	TARGET_HELLO,
	TARGET_START,
	TARGET_SESSION,
	TARGET_RECEIVE,
	TARGET_STREAM,
	TARGET_LOAD,
	TARGET_PREPARE,
	TARGET_COMMIT,
	TARGET_PERSIST,
	TARGET_RUN,
	TARGET_RESOLVE,
	TARGET_STARTED,
	TARGET_UNDO,
	TARGET_FLUSH,
	TARGET_ENDED,
	TARGET_STATES
};

/* The stream's records come in this order; within a stage any number. */
enum target_stage { STAGE_ROUNDS, STAGE_SHARED, STAGE_STATE, STAGE_END };

struct target_blob {
	uint8_t *buf;
	size_t have, total, room;
	uint32_t id;
};

struct sevlm_target {
	struct sevlm__engine engine;
	struct sevlm_target_config config;
	struct sevlm_receive *receive;
	enum target_state state;
	enum target_stage stage;
	bool prepared;		/* PREPARED was promised */
	bool taken_over;	/* the note is persisted: the guest is ours */
	bool fenced;		/* the operator says that the source is dead */
	bool asked;		/* the source spoke, in this connection */
	uint32_t heard;		/* VERDICT_* of the source, or 0 */
	uint16_t last_word;	/* record type that UNDO sends */
	uint32_t policy;		/* as HELLO named it */
	uint64_t next_gpa;	/* pages of an epoch come by rising address */
	uint64_t next_span;
	struct sevlm__region region;	/* of WANT_REGION */
	uint32_t region_action;
	uint64_t state_bytes;
	struct target_blob blobs[SEVLM_MAX_STATES];
	uint32_t blob_count;
	uint8_t source_pdh[SEVLM_PDH_SIZE];
	uint8_t session[SEVLM_SESSION_SIZE];
};

int target_ask(struct sevlm_target *target, uint32_t want);
void target_fail(struct sevlm_target *target, int cause);
int target_blame(struct sevlm_target *target, int ret);
/* the next record, which must be of that type; ABORT is handled */
int target_expect(struct sevlm_target *target, uint16_t type,
		  const uint8_t **ret_body, size_t *ret_bytes);

/* takeover.c: a state's work: 0 done something, -EAGAIN waits, else the cause
 * of failure with its sentence in the engine */
int target_load(struct sevlm_target *target);
int target_prepare(struct sevlm_target *target);
int target_commit(struct sevlm_target *target);
int target_persist(struct sevlm_target *target);
int target_run(struct sevlm_target *target);
int target_started(struct sevlm_target *target);

/* reply.c, as takeover.c */
int target_resolve(struct sevlm_target *target);
/* what may end an attempt beside the source's word */
int target_unanswered(struct sevlm_target *target, bool late);
/* our last word, in the form that this connection has for it */
int target_say(struct sevlm_target *target, uint16_t type);
/* a word of a source that was said to be dead */
int target_late_word(struct sevlm_target *target);

/* apply.c: one record of the stream into the guest, its place in the order
 * checked; 0 or the cause of failure with its sentence in the engine */
int target_apply(struct sevlm_target *target,
		 const struct sevlm__record *record, const uint8_t *body);

/* blobs.c: vCPU and device state, kept until everything is verified */
int target_blob_add(struct sevlm_target *target, const uint8_t *body,
		    size_t bytes);
int target_blobs_complete(struct sevlm_target *target);
void target_blobs_free(struct sevlm_target *target);

#endif /* SEVLM_TARGET_H */
