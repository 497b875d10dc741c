/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include "memory.h"
#include "side.h"

/* more than anything this small takes */
#define STEPS_MAX 4096u

/* ---- the calls of both ---- */

static int step(struct side *side, uint32_t *ret_want)
{
	return side->source
		       ? sevlm_source_step(side->source, side->now_ns, ret_want)
		       : sevlm_target_step(side->target, side->now_ns,
					   ret_want);
}

static uint64_t deadline(struct side *side)
{
	return side->source ? sevlm_source_deadline(side->source)
			    : sevlm_target_deadline(side->target);
}

static void output(struct side *side, struct iovec *iov, size_t *count)
{
	MUST(!(side->source ? sevlm_source_output(side->source, iov, count)
			    : sevlm_target_output(side->target, iov, count)));
}

static int consumed(struct side *side, size_t bytes)
{
	return side->source ? sevlm_source_consumed(side->source, bytes)
			    : sevlm_target_consumed(side->target, bytes);
}

size_t side_feed(struct side *side, const uint8_t *bytes, size_t count)
{
	size_t taken = 0;

	MUST(!(side->source
		       ? sevlm_source_feed(side->source, bytes, count, &taken)
		       : sevlm_target_feed(side->target, bytes, count,
					   &taken)));
	MUST(taken <= count);
	return taken;
}

static void close_link(struct side *side)
{
	side->closed = true;
	MUST(!(side->source ? sevlm_source_closed(side->source)
			    : sevlm_target_closed(side->target)));
}

static void cancel(struct side *side)
{
	MUST(!(side->source ? sevlm_source_cancel(side->source)
			    : sevlm_target_cancel(side->target)));
}

static uint32_t outcome(struct side *side, int *ret_cause)
{
	uint32_t its;

	MUST(!(side->source
		       ? sevlm_source_outcome(side->source, &its, ret_cause)
		       : sevlm_target_outcome(side->target, &its, ret_cause)));
	return its;
}

static int did(struct side *side, uint32_t want, int result)
{
	return side->source ? sevlm_source_did(side->source, want, result)
			    : sevlm_target_did(side->target, want, result);
}

static void step_once(struct side *side)
{
	uint32_t want = UINT32_MAX, its;
	int cause;

	MUST(!step(side, &want));
	watch_want(side, want);
	its = outcome(side, &cause);
	watch_outcome(side, its, cause);
	side->role->check(side);
}

/* ---- the VMM ---- */

static void consume(struct side *side, size_t most)
{
	struct iovec iov[8];
	size_t count = ARRAY_SIZE(iov);

	output(side, iov, &count);
	MUST(count <= ARRAY_SIZE(iov));
	for (size_t i = 0; i < count && most; i++) {
		size_t part = iov[i].iov_len < most ? iov[i].iov_len : most;

		wire_bytes(&side->out, iov[i].iov_base, part);
		MUST(!side->out.lost);
		MUST(!consumed(side, part));
		most -= part;
	}
}

static bool answer(struct side *side, const struct fuzz_op *op)
{
	static const int results[] = {
		0,	    -EIO,	 -ENOMEM,	-ECANCELED,
		-ETIMEDOUT, -ECONNRESET, -EKEYREJECTED,
	};
	uint32_t want = side->want & VMM_WANTS;
	int result = results[op->arg % ARRAY_SIZE(results)];

	if (!want)
		return false;
	if (!result)
		result = side->role->answer(side, op);
	side->want &= ~want;
	side->granted |= result ? 0 : want;
	MUST(!did(side, want, result));
	return true;
}

/* Is there something to be done without anybody else? */
static bool busy(struct side *side)
{
	if (side->want & VMM_WANTS)
		return false;
	return side->want & SEVLM_WANT_STEP ||
	       (side->want && !sevlm__outbox_empty(&side->engine->outbox));
}

void side_settle(struct side *side, bool obeys)
{
	const struct fuzz_op nothing = {0};
	uint32_t steps = 0;
	bool more;

	do {
		step_once(side);
		consume(side, SIZE_MAX);
		more = busy(side);
		if (obeys && answer(side, &nothing))
			more = true;
		MUST(++steps < STEPS_MAX);
	} while (more);
}

/* ---- operations ---- */

static void do_answer(struct side *side, const struct fuzz_op *op)
{
	answer(side, op);
}

static void do_step(struct side *side, const struct fuzz_op *op)
{
	for (uint32_t i = 0; i <= op->arg; i++)
		step_once(side);
}

static void do_fragment(struct side *side, const struct fuzz_op *op)
{
	side->fragment = op->arg;
}

static void do_time(struct side *side, const struct fuzz_op *op)
{
	uint64_t at = deadline(side);

	if (op->arg < 255)
		side->now_ns += op->arg * NS_PER_S;
	else if (at != SEVLM_NO_DEADLINE)
		side->now_ns = at;
}

static void do_consume(struct side *side, const struct fuzz_op *op)
{
	consume(side, op->arg | (size_t)fuzz_byte(op, 0) << 8);
}

static void do_did(struct side *side, const struct fuzz_op *op)
{
	uint32_t wanted = side->want & VMM_WANTS;
	uint32_t want = 1u << op->arg % 32;

	MUST(did(side, want, 1) == -EINVAL);
	if (want != wanted)
		MUST(did(side, want, 0) == -EBADFD);
}

static void do_cancel(struct side *side, const struct fuzz_op *op)
{
	(void)op;
	cancel(side);
}

static void do_close(struct side *side, const struct fuzz_op *op)
{
	(void)op;
	close_link(side);
}

static void do_call(struct side *side, const struct fuzz_op *op)
{
	struct sevlm_progress progress = {.size = sizeof(progress)};
	uint8_t token[SEVLM_TOKEN_SIZE];

	MUST((side->source ? sevlm_source_token(side->source, token)
			   : sevlm_target_token(side->target, token)) ==
	     (side->engine->met ? 0 : -EBADFD));
	if (side->role->call)
		side->role->call(side, op);
	MUST(!(side->source ? sevlm_source_progress(side->source, &progress)
			    : sevlm_target_progress(side->target, &progress)));
}

static void do_region(struct side *side, const struct fuzz_op *op)
{
	if (side->role->region)
		side->role->region(side, op);
}

static void do_door(struct side *side, const struct fuzz_op *op)
{
	side->door.fails_in = op->arg & 0x7f;
	side->door.fails_late = op->arg & 0x80;
	side->door.status = fuzz_byte(op, 0);
}

static int reconnect(struct side *side)
{
	struct sevlm_reconnect config = {
		.size = sizeof(config),
		.channel = side->engine->channel,
	};

	memset(config.exporter, 0x88, sizeof(config.exporter));
	return side->source ? sevlm_source_reconnect(side->source, &config)
			    : sevlm_target_reconnect(side->target, &config);
}

/* a new connection: nothing of the old one is on its way */
static void begin_again(struct side *side)
{
	wire_reset(&side->in, side->engine->inbox.max_body, peer_verdict, side);
	wire_reset(&side->out, RECORD_BODY_MAX, watch_record, side);
	side->resolving = true;
	side->closed = false;
	side->ended = false;
	side->want = SEVLM_WANT_STEP;
}

static void do_reconnect(struct side *side, const struct fuzz_op *op)
{
	int ret = -EBADFD;

	if (op->arg & 1 && side->target) {
		ret = sevlm_target_source_fenced(side->target);
		if (!ret && side->ended)
			begin_again(side);
		side->fenced |= !ret;
		return;
	}
	ret = reconnect(side);
	MUST(!ret || ret == -EBADFD);
	MUST(ret || side->ended);
	if (!ret)
		begin_again(side);
}

static void (*const operations[OPS])(struct side *side,
				     const struct fuzz_op *op) = {
	[OP_STEP] = do_step,	 [OP_RECORD] = peer_record,
	[OP_RAW] = peer_bytes,	 [OP_FRAGMENT] = do_fragment,
	[OP_TIME] = do_time,	 [OP_CONSUME] = do_consume,
	[OP_ANSWER] = do_answer, [OP_DID] = do_did,
	[OP_CANCEL] = do_cancel, [OP_CLOSE] = do_close,
	[OP_CALL] = do_call,	 [OP_REGION] = do_region,
	[OP_DOOR] = do_door,	 [OP_RECONNECT] = do_reconnect,
};

static void settle_if_eager(struct side *side)
{
	if (side->mode & MODE_EAGER)
		side_settle(side, side->mode & MODE_OBEYS);
}

void side_run(struct side *side, const uint8_t *ops, size_t size)
{
	struct fuzz_input input = {ops, size};
	struct fuzz_op op;

	settle_if_eager(side);
	while (fuzz_next(&input, &op)) {
		operations[op.kind](side, &op);
		settle_if_eager(side);
	}
}

/* ---- beginning and end ---- */

/* The wires are too large to be cleared each time. */
struct side *side_new(bool source, uint32_t state)
{
	static struct side side;

	memset(&side, 0, offsetof(struct side, in));
	memory_reset(source);
	side.now_ns = NS_PER_S;
	side.door.state = state;
	side.vm = door_vm(&side.door);
	memory_register(side.vm);
	return &side;
}

void side_free(struct side *side)
{
	sevlm_source_free(side->source);
	sevlm_target_free(side->target);
	sevlm_vm_free(side->vm);
}

void side_secrets(uint8_t *nonce, uint8_t *exporter, uint32_t role)
{
	memset(nonce, (int)role, SEVLM_NONCE_SIZE);
	memset(exporter, 0x99, SEVLM_EXPORTER_SIZE);
}

void side_begin(struct side *side, const struct side_role *role, uint8_t mode)
{
	side->role = role;
	side->mode = mode;
	wire_reset(&side->in, side->engine->inbox.max_body, peer_verdict, side);
	wire_reset(&side->out, RECORD_BODY_MAX, watch_record, side);
}

void side_introduced(struct side *side)
{
	struct sevlm__engine *engine = side->engine;
	uint32_t peer = side->role->peer;
	uint8_t unused[SEVLM_EXPORTER_SIZE];

	side_secrets(engine->nonces[peer - 1], unused, peer);
	engine->peer_max_body =
		side->mode & MODE_SMALL ? RECORD_BODY_LEAST : RECORD_BODY_MAX;
	MUST(!sevlm__commit_key(engine));
}

/* Nothing moves any more that has come to its end. */
static void check_still(struct side *side)
{
	struct iovec iov[4];
	size_t count = ARRAY_SIZE(iov);

	side->now_ns += 1000 * NS_PER_S;
	MUST(deadline(side) == SEVLM_NO_DEADLINE);
	step_once(side);
	MUST(!side->want && side->ended);
	for (uint32_t bit = 0; bit < 32; bit++)
		MUST(did(side, 1u << bit, 0) == -EBADFD);
	output(side, iov, &count);
	/* a last word may be left that nobody took in time */
	MUST(!count || !side->closed);
}

void side_end(struct side *side)
{
	for (uint32_t tries = 0; !side->ended; tries++) {
		MUST(tries < 16);
		close_link(side);
		side_settle(side, true);
		if (deadline(side) != SEVLM_NO_DEADLINE)
			side->now_ns = deadline(side);
	}
	check_still(side);
	side->role->check_end(side);
}
