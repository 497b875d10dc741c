/* SPDX-License-Identifier: MIT-0 */
#ifndef VMM_MOVE_H
#define VMM_MOVE_H

#include "channel.h"
#include "papers.h"
#include "state.h"

/*
 * One migration, seen from one side. Of source, target and resolver one is
 * there.
 */
struct move {
	struct vmm *vmm;
	uint32_t role;		/* SEVLM_TLS_* */
	struct channel channel;
	struct papers papers;
	struct sevlm_source *source;
	struct sevlm_target *target;
	struct sevlm_resolver *resolver;
	struct state state;
	uint8_t held[4096];	/* came, and the source has not taken it */
	size_t held_from, held_to;
};

/* The role is SEVLM_TLS_*; the link is the migration's then, in either case.
 * 0, or -1 with a line on standard error: close it all the same. */
int move_open(struct move *move, struct vmm *vmm, int fd, uint32_t role);
/* In doubt, or asked by one who is: in another link. 0 or -1; then drive it */
int move_reconnect(struct move *move, int fd);
/* With the note alone: the process that wrote it is gone. As move_open(). */
int move_resolve(struct move *move, struct vmm *vmm, int fd, uint32_t role);
/* To the end; whatever goes wrong is an outcome, SEVLM_OUTCOME_* */
uint32_t move_drive(struct move *move);
void move_close(struct move *move);

/* wants.c: do the one thing that is wanted, and say how it went */
void wants_answer(struct move *move, uint32_t want);

/* engine.c: the calls that source and target share */
uint32_t engine_step(struct move *move, uint64_t now);
uint64_t engine_deadline(struct move *move);
void engine_output(struct move *move, struct iovec *iov, size_t *count);
void engine_consumed(struct move *move, size_t bytes);
void engine_feed(struct move *move, const void *buf, size_t bytes,
		 size_t *ret_taken);
void engine_closed(struct move *move);
void engine_did(struct move *move, uint32_t want, int result);
int engine_note(struct move *move, void *note);
int engine_reconnect(struct move *move, const struct sevlm_reconnect *config);
uint32_t engine_outcome(struct move *move);

#endif /* VMM_MOVE_H */
