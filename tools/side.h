/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One side of a migration: its guest, its engine, its end of the link. */
#ifndef SEVLM_SIDE_H
#define SEVLM_SIDE_H

#include "channel.h"
#include "control.h"
#include "guest.h"
#include "note.h"
#include "sessions.h"
#include "show.h"
#include "trust.h"

struct snapshot { /* verify.c: a child that computes a digest */
	int pid; /* 0: none */
	int fd;
};

struct side {
	const struct options *options;
	const char *who; /* for complaints */
	struct guest guest;
	struct channel channel;
	struct note note;
	struct show show;
	struct image image;
	struct sevlm_trust *trust;
	/* one of them; NULL before it is made */
	struct sevlm_source *source;
	struct sevlm_target *target;
	struct snapshot snapshot;
	/* where a source that comes back finds the target, and the operator */
	int listener; /* -1: nowhere */
	char address[280];
	struct control control;
	bool state_saved; /* the target has all of the guest, or soon will */
	bool resolving; /* in a channel after the first */
	bool fenced; /* the operator said that the source is dead */
	bool gave_up; /* the operator wants no more of it */
	bool told; /* the source heard what is the case here */
	bool deaf; /* what comes now is not the engine's */
	uint8_t held[4096]; /* read, but the engine had no room */
	size_t held_from, held_to;
	uint64_t handed_over; /* steps of the workload at that moment */
	uint64_t checked; /* and when the guest checked its memory */
	struct sentence why;
};

/* side.c */
int side_init(struct side *side, const char *who,
	      const struct options *options);
void side_free(struct side *side);
int side_source(struct side *side);
int side_target(struct side *side);
/* both engines' calls by one name */
uint32_t side_step(struct side *side);
uint64_t side_deadline(struct side *side);
int side_output(struct side *side, struct iovec *iov, size_t *count);
void side_consumed(struct side *side, size_t bytes);
void side_closed(struct side *side);
void side_cancel(struct side *side);
void side_did(struct side *side, uint32_t want, int result);
void side_progress(struct side *side, struct sevlm_progress *progress);
uint32_t side_outcome(struct side *side, int *ret_cause);
const char *side_error(struct side *side);

/* move.c: until the engine has an outcome */
void move_run(struct side *side);

/* verify.c: 0, or a negative errno with a sentence */
int verify_snapshot(struct side *side);
int verify_source(struct side *side);
int verify_target(struct side *side);
/* there is no source to compare with */
int verify_alone(struct side *side);
/* the guest that stayed really runs, and its memory is whole */
int verify_survivor(struct side *side);
void verify_end(struct side *side);

/* preamble.c: 0, or a negative errno with a sentence */
int preamble_send(struct side *side);
int preamble_receive(struct side *side, struct shape *shape);
int preamble_answer(struct side *side, bool refuse, bool too_big);

/* ending.c: prints what happened; returns the exit status */
int ending_source(struct side *side);
int ending_target(struct side *side);
/* it failed before there was an engine, for side->why */
int ending_early(struct side *side, int error);

/* the commands */
int send_run(struct side *side, const struct shape *shape);
int receive_run(struct side *side);
int shape_of(const struct options *options, struct image *image,
	     struct shape *shape, struct sentence *why);
int command_demo(const struct options *options);
int command_send(const struct options *options);
int command_receive(const struct options *options);
int command_inspect(const struct options *options);
int command_resolve(const struct options *options);

#endif /* SEVLM_SIDE_H */
