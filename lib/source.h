/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The source engine's parts: source.c, precopy.c, handover.c, answers.c,
 * inquiry.c. */
#ifndef SEVLM_SOURCE_H
#define SEVLM_SOURCE_H

#include "engine.h"

enum source_state {
	SOURCE_HELLO,
	SOURCE_HELLO_BACK,
	SOURCE_START,
	SOURCE_HARVEST,
	SOURCE_ROUND,
	SOURCE_PAGES,
	SOURCE_FREE,
	SOURCE_PAUSE,
	SOURCE_TAKE_STATE,
	SOURCE_SHARED,
	SOURCE_STATE,
	SOURCE_END,
	SOURCE_PREPARED,
	SOURCE_PERSIST,
	SOURCE_COMMIT,
	SOURCE_STARTED,
	SOURCE_RESOLVE,
	SOURCE_VERDICT,
	SOURCE_FINISH,
	SOURCE_UNDO,
	SOURCE_RESUME,
	SOURCE_ABORT,
	SOURCE_FLUSH,
	SOURCE_ENDED,
	SOURCE_STATES
};

struct source_blob {
	const uint8_t *buf;
	size_t bytes;
	uint32_t id;
};

struct sevlm_source {
	struct sevlm__engine engine;
	struct sevlm_source_config config;
	struct sevlm__schedule schedule;
	struct sevlm_send *send;
	enum source_state state;
	bool final;		/* the guest stands */
	uint32_t final_rounds;
	bool decided;		/* the note is persisted: no way back */
	bool ended;		/* END is on its way: the target may wait */
	bool never;		/* the target said that it never starts it */
	uint64_t paused_ns;
	uint64_t cursor;	/* of the walk that the state does */
	struct source_blob blobs[SEVLM_MAX_STATES];
	uint32_t blob_count;
	uint32_t blob_at;
	size_t blob_offset;
	uint8_t digest[SEVLM__DIGEST_SIZE];	/* of the stream to END */
	uint8_t headers[SEVLM_MAX_BATCH * SEVLM_PACKET_HEADER_SIZE];
};

/* A state's work: 0 done something, -EAGAIN waits, else the cause of failure
 * with its sentence in the engine. */
int source_harvest(struct sevlm_source *source);
int source_round(struct sevlm_source *source);
int source_pages(struct sevlm_source *source);
int source_free(struct sevlm_source *source);
int source_shared(struct sevlm_source *source);
int source_send_state(struct sevlm_source *source);
int source_end(struct sevlm_source *source);
int source_prepared(struct sevlm_source *source);
int source_given_up(struct sevlm_source *source, const uint8_t *body);
int source_commit(struct sevlm_source *source);
int source_started(struct sevlm_source *source);
int source_finish(struct sevlm_source *source);
int source_resolve(struct sevlm_source *source);
int source_verdict(struct sevlm_source *source);
/* the guest runs on the target */
int source_gone(struct sevlm_source *source);
int source_lost(struct sevlm_source *source);

bool source_ending(const struct sevlm_source *source);
void source_fail(struct sevlm_source *source, int cause);
int source_ask(struct sevlm_source *source, uint32_t want);
/* a failed call on the guest's handle, into the engine's sentence */
int source_blame(struct sevlm_source *source, int ret);
/* the record that must come now, released by the caller; ABORT is handled */
int source_expect(struct sevlm_source *source, struct sevlm__record *record,
		  const uint8_t **ret_body);

#endif /* SEVLM_SOURCE_H */
