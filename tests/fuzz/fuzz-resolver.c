/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A note, as it was stored or changed, and a peer that says anything. A byte
 * says whose note it is, then operations (ops.h, with kinds of their own).
 */
#include <errno.h>

#include "engine.h"
#include "ops.h"
#include "wire.h"

#define OF_TARGET 0x01u
#define IS_LOST 0x02u

enum resolver_kind {
	RESOLVER_NOTE, /* before all else: a place, then bytes xored */
	RESOLVER_VERDICT, /* of the peer, see below */
	RESOLVER_RAW, /* bytes of the peer */
	RESOLVER_STEP,
	RESOLVER_CONSUME,
	RESOLVER_TIME,
	RESOLVER_CLOSE,
	RESOLVER_KINDS
};

/* of RESOLVER_VERDICT, beside the verdict in the lowest bits */
#define VERDICT_BITS 0x07u
#define OTHER_ROLE 0x08u
#define OTHER_MAC 0x10u
#define OTHER_TOKEN 0x20u
#define UNKNOWN 0x40u /* a record that is optional and not known */

struct attempt {
	struct sevlm_resolver *resolver;
	struct sevlm__engine session; /* as it was when the note was made */
	uint8_t note[SEVLM_NOTE_SIZE];
	uint8_t stored[SEVLM_NOTE_SIZE];
	uint32_t role;
	bool lost, closed, intact;
	uint64_t now_ns;
	uint32_t want;
	uint32_t told; /* verdicts of the peer that were proved, a bit each */
	struct wire in, out;
};

/* ---- the note ---- */

static void make_note(struct attempt *attempt, uint8_t mode)
{
	struct sevlm__engine *session = &attempt->session;

	session->role = mode & OF_TARGET ? ROLE_TARGET : ROLE_SOURCE;
	memset(session->nonces[0], 1, SEVLM_NONCE_SIZE);
	memset(session->nonces[1], 2, SEVLM_NONCE_SIZE);
	memset(session->exporter, 3, SEVLM_EXPORTER_SIZE);
	MUST(!sevlm__commit_key(session));
	sevlm__commit_note(session, attempt->stored);
	memcpy(attempt->note, attempt->stored, sizeof(attempt->note));
}

static void change_note(struct attempt *attempt, const struct fuzz_op *op)
{
	for (size_t i = 1; i < op->count; i++)
		attempt->note[(fuzz_byte(op, 0) + i - 1) % SEVLM_NOTE_SIZE] ^=
			op->bytes[i];
}

/* What is read is what was written, all of it. */
static void there_and_back(const uint8_t *note)
{
	static struct sevlm__engine engine;
	uint8_t back[SEVLM_NOTE_SIZE];
	int ret;

	memset(&engine, 0, sizeof(engine));
	ret = sevlm__commit_read(&engine, note);
	MUST(!ret || ret == -EBADMSG);
	if (ret)
		return;
	sevlm__commit_note(&engine, back);
	MUST(!memcmp(back, note, sizeof(back)));
}

static bool open_attempt(struct attempt *attempt, uint8_t mode)
{
	struct sevlm_resolver_config config = {
		.size = sizeof(config),
		.note = attempt->note,
		.channel = SEVLM_CHANNEL_INSECURE,
		.lost = !!(mode & IS_LOST),
	};
	int ret = sevlm_resolver_new(&config, &attempt->resolver);

	attempt->role = attempt->note[8];
	attempt->lost = config.lost;
	attempt->intact = !memcmp(attempt->note + 16, attempt->stored + 16,
				  SEVLM_NOTE_SIZE - 16);
	MUST(!ret || ret == -EBADMSG || ret == -EINVAL);
	MUST(ret != -EINVAL || (attempt->role == ROLE_SOURCE && config.lost));
	return !ret;
}

/* ---- what must hold ---- */

static uint32_t own_verdict(const struct attempt *attempt)
{
	if (attempt->role == ROLE_SOURCE)
		return VERDICT_COMMITTED;
	return attempt->lost ? VERDICT_LOST : VERDICT_STARTED;
}

static bool told(const struct attempt *attempt, uint32_t verdict)
{
	return attempt->told >> verdict & 1;
}

/* Which verdicts of the peer are of this session, and its own to give? */
static void hear(void *ctx, const struct sevlm__record *record,
		 const uint8_t *body)
{
	struct attempt *attempt = ctx;
	uint32_t peer = ROLE_SOURCE + ROLE_TARGET - attempt->role;
	uint8_t mac[SEVLM__DIGEST_SIZE];
	struct sevlm__resolve its;

	if (record->type != RECORD_RESOLVE ||
	    sevlm__resolve_decode(body, &its) || its.role != peer)
		return;
	MUST(!sevlm__commit_verdict(&attempt->session, peer, its.verdict, mac));
	if (attempt->intact && !memcmp(mac, its.mac, sizeof(mac)))
		attempt->told |= 1u << its.verdict;
}

/* One word of its own, the same whatever the peer says. */
static void check_word(void *ctx, const struct sevlm__record *record,
		       const uint8_t *body)
{
	struct attempt *attempt = ctx;
	struct sevlm__resolve its;

	MUST(record->type == RECORD_RESOLVE && !attempt->out.count);
	MUST(!sevlm__resolve_decode(body, &its));
	MUST(its.role == attempt->role);
	MUST(its.verdict == own_verdict(attempt));
	MUST(attempt->role == ROLE_SOURCE || attempt->told);
}

static void check_outcome(struct attempt *attempt)
{
	bool source = attempt->role == ROLE_SOURCE;
	uint32_t outcome;
	int cause;

	MUST(!sevlm_resolver_outcome(attempt->resolver, &outcome, &cause));
	MUST(!outcome == !!attempt->want);
	switch (outcome) {
	case SEVLM_OUTCOME_NONE:
	case SEVLM_OUTCOME_IN_DOUBT:
		break;
	case SEVLM_OUTCOME_COMPLETED:
		MUST(!cause);
		MUST(source ? told(attempt, VERDICT_STARTED)
			    : told(attempt, VERDICT_COMMITTED) &&
				      !attempt->lost);
		break;
	case SEVLM_OUTCOME_ABORTED:
		MUST(source && told(attempt, VERDICT_NEVER));
		break;
	case SEVLM_OUTCOME_LOST:
		MUST(source ? told(attempt, VERDICT_LOST)
			    : told(attempt, VERDICT_COMMITTED) &&
				      attempt->lost);
		break;
	default:
		MUST(!"an outcome that nothing can be resolved to");
	}
}

/* ---- the attempt ---- */

static void step(struct attempt *attempt)
{
	MUST(!sevlm_resolver_step(attempt->resolver, attempt->now_ns,
				  &attempt->want));
	MUST(!(attempt->want &
	       ~(SEVLM_WANT_STEP | SEVLM_WANT_READ | SEVLM_WANT_WRITE)));
	check_outcome(attempt);
}

static void consume(struct attempt *attempt, size_t most)
{
	struct iovec iov[4];
	size_t count = ARRAY_SIZE(iov);

	MUST(!sevlm_resolver_output(attempt->resolver, iov, &count));
	for (size_t i = 0; i < count && most; i++) {
		size_t part = iov[i].iov_len < most ? iov[i].iov_len : most;

		wire_bytes(&attempt->out, iov[i].iov_base, part);
		MUST(!attempt->out.lost);
		MUST(!sevlm_resolver_consumed(attempt->resolver, part));
		most -= part;
	}
}

static void feed(struct attempt *attempt, const uint8_t *bytes, size_t count)
{
	size_t taken = 0;

	MUST(!sevlm_resolver_feed(attempt->resolver, bytes, count, &taken));
	MUST(taken <= count);
	wire_bytes(&attempt->in, bytes, taken);
}

static void put_verdict(struct attempt *attempt, const struct fuzz_op *op,
			uint8_t *body)
{
	uint32_t peer = ROLE_SOURCE + ROLE_TARGET - attempt->role;
	struct sevlm__resolve its = {
		.role = op->arg & OTHER_ROLE ? attempt->role : peer,
		.verdict = op->arg & VERDICT_BITS,
	};

	MUST(!sevlm__commit_verdict(&attempt->session, its.role, its.verdict,
				    its.mac));
	memcpy(its.token, attempt->session.token, sizeof(its.token));
	its.mac[fuzz_byte(op, 0) % sizeof(its.mac)] ^=
		op->arg & OTHER_MAC ? fuzz_byte(op, 1) : 0;
	its.token[fuzz_byte(op, 0) % sizeof(its.token)] ^=
		op->arg & OTHER_TOKEN ? fuzz_byte(op, 1) : 0;
	sevlm__resolve_encode(&its, body);
}

static void say(struct attempt *attempt, const struct fuzz_op *op)
{
	uint8_t bytes[RECORD_HEADER_SIZE + RESOLVE_SIZE];
	struct sevlm__record record = {
		.length = RESOLVE_SIZE,
		.type = op->arg & UNKNOWN ? 99 : RECORD_RESOLVE,
		.flags = op->arg & UNKNOWN ? 0 : RECORD_REQUIRED,
		.sequence = attempt->in.count,
	};

	sevlm__record_encode(&record, bytes);
	put_verdict(attempt, op, bytes + RECORD_HEADER_SIZE);
	if (!attempt->in.magic)
		feed(attempt, (const uint8_t *)RECORD_MAGIC, RECORD_MAGIC_SIZE);
	feed(attempt, bytes, sizeof(bytes));
}

static void close_link(struct attempt *attempt)
{
	MUST(!sevlm_resolver_closed(attempt->resolver));
	attempt->closed = true;
}

static void do_op(struct attempt *attempt, const struct fuzz_op *op)
{
	switch (op->kind % RESOLVER_KINDS) {
	case RESOLVER_VERDICT:
		say(attempt, op);
		break;
	case RESOLVER_RAW:
		feed(attempt, op->bytes, op->count);
		break;
	case RESOLVER_STEP:
		step(attempt);
		break;
	case RESOLVER_CONSUME:
		consume(attempt, op->arg ? op->arg : SIZE_MAX);
		break;
	case RESOLVER_TIME:
		attempt->now_ns += op->arg * NS_PER_S;
		break;
	case RESOLVER_CLOSE:
		close_link(attempt);
		break;
	}
}

static void end_attempt(struct attempt *attempt)
{
	uint8_t token[SEVLM_TOKEN_SIZE];

	close_link(attempt);
	for (uint32_t i = 0; i < 16; i++)
		step(attempt);
	MUST(!attempt->want);
	MUST(sevlm_resolver_deadline(attempt->resolver) == SEVLM_NO_DEADLINE);
	MUST(!sevlm_resolver_token(attempt->resolver, token));
	MUST(!attempt->intact ||
	     !memcmp(token, attempt->session.token, sizeof(token)));
	sevlm_resolver_free(attempt->resolver);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data + 1, size ? size - 1 : 0};
	static struct attempt attempt;
	struct fuzz_op op = {0};
	bool more;

	if (!size)
		return 0;
	memset(&attempt, 0, offsetof(struct attempt, in));
	attempt.now_ns = NS_PER_S;
	attempt.want = SEVLM_WANT_STEP;
	wire_reset(&attempt.in, RESOLVE_SIZE, hear, &attempt);
	wire_reset(&attempt.out, RESOLVE_SIZE, check_word, &attempt);
	make_note(&attempt, data[0]);
	while ((more = fuzz_next(&input, &op)) &&
	       op.kind % RESOLVER_KINDS == RESOLVER_NOTE)
		change_note(&attempt, &op);
	there_and_back(attempt.note);
	if (!open_attempt(&attempt, data[0]))
		return 0;
	for (; more; more = fuzz_next(&input, &op))
		do_op(&attempt, &op);
	end_attempt(&attempt);
	return 0;
}
