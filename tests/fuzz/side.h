/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One engine behind the handshake, the VMM around it, and a peer that says
 * what the input says. Whatever that is, certain things never happen.
 */
#ifndef SEVLM_FUZZ_SIDE_H
#define SEVLM_FUZZ_SIDE_H

#include "door.h"
#include "engine.h"
#include "ops.h"
#include "wire.h"

struct side {
	/* one of them */
	struct sevlm_source *source;
	struct sevlm_target *target;
	struct sevlm__engine *engine;
	struct sevlm_vm *vm;
	const struct side_role *role;
	uint8_t mode; /* MODE_* */
	struct door door;
	uint64_t now_ns;
	uint32_t want; /* of the last step */
	uint32_t asked; /* wants there ever were */
	uint32_t granted; /* wants that the VMM did */
	uint32_t told; /* record types of verdicts that were proved */
	bool resolving; /* in another connection than the first */
	bool fenced; /* the VMM was told that the source is dead */
	uint32_t fragment;
	bool ended;
	bool closed;
	uint32_t outcome;
	int cause;
	const uint8_t *hello; /* what the peer said, its body */
	size_t hello_bytes;
	/* large, so not cleared as the rest is */
	struct wire in, out;
};

/* what differs between the two */
struct side_role {
	uint32_t self, peer; /* ROLE_* */
	bool (*may_want)(const struct side *side, uint32_t want);
	/* does what is wanted, the bytes saying how; 0 or an errno */
	int (*answer)(struct side *side, const struct fuzz_op *op);
	void (*call)(struct side *side, const struct fuzz_op *op);
	void (*region)(struct side *side, const struct fuzz_op *op);
	void (*check)(const struct side *side);
	void (*check_end)(const struct side *side);
};

/* ---- side.c ---- */

/* a guest in that state of the firmware, and no engine yet */
struct side *side_new(bool source, uint32_t state);
void side_free(struct side *side);
/* the configuration's parts that are the same on both sides */
void side_secrets(uint8_t *nonce, uint8_t *exporter, uint32_t role);
/* the engine is there */
void side_begin(struct side *side, const struct side_role *role, uint8_t mode);
/* what the handshake would have left in it */
void side_introduced(struct side *side);
void side_run(struct side *side, const uint8_t *ops, size_t size);
/* the peer goes away and the VMM does what it is asked for: it must end */
void side_end(struct side *side);
/* steps until nothing is left to do; obeys: the VMM does what is wanted */
void side_settle(struct side *side, bool obeys);
size_t side_feed(struct side *side, const uint8_t *bytes, size_t count);

/* ---- peer.c ---- */

void peer_record(struct side *side, const struct fuzz_op *op);
void peer_bytes(struct side *side, const struct fuzz_op *op);
/* wire's record(): which verdicts of the peer are of this session */
void peer_verdict(void *ctx, const struct sevlm__record *record,
		  const uint8_t *body);

/* ---- watch.c ---- */

#define VMM_WANTS (~(SEVLM_WANT_STEP | SEVLM_WANT_WRITE | SEVLM_WANT_READ))

void watch_want(struct side *side, uint32_t want);
void watch_outcome(struct side *side, uint32_t outcome, int cause);
/* wire's record(): what leaves */
void watch_record(void *ctx, const struct sevlm__record *record,
		  const uint8_t *body);

/* ---- cook.c ---- */

/* a body out of few bytes, as the peer would make it */
size_t cook(struct side *side, uint32_t type, const struct fuzz_op *op,
	    uint8_t *body);

#endif /* SEVLM_FUZZ_SIDE_H */
