/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "target.h"

#define DEFAULT_STATE_BYTES (64ull << 20)
#define DEFAULT_HELLO	    (30 * NS_PER_S)
#define DEFAULT_STALL	    (60 * NS_PER_S)
/* how long a last word may take to leave */
#define FAREWELL	    (5 * NS_PER_S)
/* the target only ever sends small records */
#define OUT_BYTES	    RECORD_BODY_LEAST

int target_ask(struct sevlm_target *target, uint32_t want)
{
	target->engine.want = want;
	return -EAGAIN;
}

int target_blame(struct sevlm_target *target, int ret)
{
	target->engine.error.status = target->engine.vm->error.status;
	return sevlm__fail(&target->engine.error, ret, "%s",
			   target->engine.vm->error.text);
}

static int expect(struct sevlm_target *target, struct sevlm__record *record,
		  const uint8_t **ret_body)
{
	struct sevlm__engine *engine = &target->engine;
	int ret = sevlm__engine_peek(engine, record, ret_body);

	if (!ret && record->type == RECORD_ABORT)
		ret = sevlm__engine_aborted(engine, *ret_body, record->length);
	return ret;
}

int target_expect(struct sevlm_target *target, uint16_t type,
		  const uint8_t **ret_body, size_t *ret_bytes)
{
	struct sevlm__record record;
	int ret = expect(target, &record, ret_body);

	if (ret)
		return ret;
	*ret_bytes = record.length;
	if (record.type == type)
		return 0;
	return sevlm__fail(&target->engine.error, -EPROTO,
			   "the source sent record type %u instead of %s",
			   record.type, sevlm__record_type(type)->name);
}

static int answer_hello(struct sevlm_target *target)
{
	struct sevlm__engine *engine = &target->engine;
	uint8_t pdh[SEVLM_PDH_SIZE], chain[SEVLM_CHAIN_SIZE];
	int ret = sevlm_vm_export_certs(engine->vm, pdh, chain);

	if (ret)
		return target_blame(target, ret);
	return sevlm__handshake_target(engine, pdh, chain);
}

/* Everything that is known of the guest and where it comes from, before a
 * word of this platform is said. */
static int check_source(struct sevlm_target *target,
			const struct sevlm__hello *hello)
{
	const struct sevlm_target_config *config = &target->config;
	const struct sevlm_peer peer = sevlm__handshake_peer(hello);
	struct sevlm__engine *engine = &target->engine;
	struct sevlm_chain_result result;
	int ret = sevlm__chain_check(&engine->error, "source", &peer,
				     engine->trust, &result);

	if (!ret)
		ret = sevlm__policy_expected(&engine->error, hello->policy,
					     config->policy,
					     config->policy_mask);
	if (ret)
		return ret;
	ret = sevlm__receive_check(engine->vm, hello->policy);
	return ret ? target_blame(target, ret) : 0;
}

static int hello(struct sevlm_target *target)
{
	struct sevlm__engine *engine = &target->engine;
	struct sevlm__hello theirs;
	const uint8_t *body;
	size_t bytes;
	int ret = target_expect(target, RECORD_HELLO, &body, &bytes);

	if (!ret)
		ret = sevlm__handshake_check(engine, body, bytes, &theirs);
	if (!ret)
		ret = sevlm__handshake_regions(engine, &theirs);
	if (!ret)
		ret = sevlm__handshake_cpuid(engine, &theirs);
	if (!ret)
		ret = check_source(target, &theirs);
	if (!ret)
		ret = sevlm__handshake_consent(engine, theirs.control);
	if (!ret)
		ret = sevlm__engine_hash_in(engine, bytes);
	if (ret)
		return ret;
	target->policy = theirs.policy;
	memcpy(target->source_pdh, theirs.pdh, SEVLM_PDH_SIZE);
	sevlm__engine_release(engine);
	target->state = TARGET_START;
	return answer_hello(target);
}

static int start(struct sevlm_target *target)
{
	struct sevlm__engine *engine = &target->engine;
	struct sevlm__reader r;
	const uint8_t *body, *session;
	uint32_t policy, reserved;
	size_t bytes;
	int ret = target_expect(target, RECORD_START, &body, &bytes);

	if (ret)
		return ret;
	r = sevlm__reader(body, bytes);
	policy = sevlm__get32(&r);
	reserved = sevlm__get32(&r);
	session = sevlm__get(&r, SEVLM_SESSION_SIZE);
	if (reserved || policy != target->policy)
		return sevlm__fail(&engine->error, -EPROTO,
				   "START names another policy than HELLO");
	ret = sevlm__engine_hash_in(engine, bytes);
	if (ret)
		return ret;
	memcpy(target->session, session, SEVLM_SESSION_SIZE);
	sevlm__engine_release(engine);
	target->state = TARGET_SESSION;
	return 0;
}

/* A second START with this blob would make a second guest. */
static int ask_session(struct sevlm_target *target)
{
	return target_ask(target, SEVLM_WANT_SESSION);
}

static int start_receiving(struct sevlm_target *target)
{
	struct sevlm_vm *vm = target->engine.vm;
	int ret = sevlm__receive_start(vm, target->policy, target->source_pdh,
				       target->session, &target->receive);

	if (ret)
		return target_blame(target, ret);
	target->engine.progress.pages_total = sevlm__pages_total(vm->pages);
	target->state = TARGET_STREAM;
	return 0;
}

static int receive_stream(struct sevlm_target *target)
{
	struct sevlm__record record;
	const uint8_t *body;
	int ret = expect(target, &record, &body);

	if (!ret)
		ret = target_apply(target, &record, body);
	if (!ret)
		sevlm__engine_release(&target->engine);
	return ret;
}

static int say_why(struct sevlm_target *target)
{
	struct sevlm__engine *engine = &target->engine;
	uint8_t body[ABORT_HEAD_SIZE + ABORT_TEXT_MAX];
	size_t bytes = sevlm__abort_encode(engine->cause, engine->error.text,
					   body);

	return sevlm__engine_send(engine, RECORD_ABORT, body, bytes);
}

static int undo(struct sevlm_target *target)
{
	struct sevlm__engine *engine = &target->engine;
	int ret = 0;

	if (!engine->peer_aborted && !atomic_load(&engine->closed))
		ret = target->last_word == RECORD_ABORT ?
			      say_why(target) :
			      target_say(target, target->last_word);
	if (ret == -EAGAIN)
		return ret;
	target->state = TARGET_FLUSH;
	return 0;
}

static int flush(struct sevlm_target *target)
{
	if (!sevlm__outbox_empty(&target->engine.outbox))
		return -EAGAIN;
	target->state = TARGET_ENDED;
	return 0;
}

enum patience { HELLO, STALL, GOODBYE, FOREVER };

/* In the order of a migration. listens: the state reads records itself, or
 * nothing the peer says matters any more. */
static const struct {
	int (*work)(struct sevlm_target *target);
	uint32_t phase;
	enum patience patience;
	bool listens;
} states[TARGET_STATES] = {
	[TARGET_HELLO] = { hello, SEVLM_PHASE_HELLO, HELLO, true },
	[TARGET_START] = { start, SEVLM_PHASE_HELLO, HELLO, true },
	[TARGET_SESSION] = { ask_session, SEVLM_PHASE_HELLO, FOREVER, true },
	[TARGET_RECEIVE] = { start_receiving, SEVLM_PHASE_HELLO, FOREVER, true },
	[TARGET_STREAM] = { receive_stream, SEVLM_PHASE_PRECOPY, STALL, true },
	[TARGET_LOAD] = { target_load, SEVLM_PHASE_STOP, FOREVER, false },
	[TARGET_PREPARE] = { target_prepare, SEVLM_PHASE_STOP, FOREVER, false },
	[TARGET_COMMIT] = { target_commit, SEVLM_PHASE_COMMIT, FOREVER, true },
	[TARGET_PERSIST] = { target_persist, SEVLM_PHASE_COMMIT, FOREVER, true },
	[TARGET_RUN] = { target_run, SEVLM_PHASE_COMMIT, FOREVER, true },
	[TARGET_RESOLVE] = { target_resolve, SEVLM_PHASE_COMMIT, HELLO, true },
	[TARGET_STARTED] = { target_started, SEVLM_PHASE_COMMIT, GOODBYE, true },
	[TARGET_UNDO] = { undo, SEVLM_PHASE_ENDING, GOODBYE, true },
	[TARGET_FLUSH] = { flush, SEVLM_PHASE_ENDING, GOODBYE, true },
	[TARGET_ENDED] = { NULL, SEVLM_PHASE_ENDED, FOREVER, true },
};

static void set_patience(struct sevlm_target *target)
{
	const uint64_t ns[] = {
		[HELLO] = target->config.hello_timeout_ns,
		[STALL] = target->config.stall_timeout_ns,
		[GOODBYE] = FAREWELL,
		[FOREVER] = 0,
	};

	target->engine.patience_ns = ns[states[target->state].patience];
	/* a peer that drips bytes must not stretch the introduction */
	target->engine.from_start = states[target->state].patience == HELLO;
}

/* the guest's fate is sealed; what is left is a last word to the peer */
static bool settled(const struct sevlm_target *target)
{
	return target->state >= TARGET_STARTED;
}

/* A word that does not get through changes nothing that is decided. */
static bool decided(const struct sevlm_target *target)
{
	return target->state == TARGET_RESOLVE ||
	       target->engine.outcome == SEVLM_OUTCOME_COMPLETED;
}

void target_fail(struct sevlm_target *target, int cause)
{
	struct sevlm__engine *engine = &target->engine;
	uint32_t outcome = cause == -ECANCELED ? SEVLM_OUTCOME_CANCELLED :
						 SEVLM_OUTCOME_ABORTED;

	engine->want = 0;
	engine->vm->regions_open = false;
	if (decided(target)) {
		target->state = TARGET_ENDED;
		return;
	}
	target->state = TARGET_UNDO;
	target->last_word = RECORD_ABORT;
	if (target->taken_over) {
		outcome = SEVLM_OUTCOME_LOST;
		target->last_word = RECORD_LOST;
	} else if (target->prepared && cause == -ECONNRESET &&
		   !engine->peer_aborted) {
		outcome = SEVLM_OUTCOME_IN_DOUBT;
		target->state = TARGET_ENDED;
	} else if (target->prepared) {
		target->last_word = RECORD_NEVER;
	}
	sevlm__engine_settle(engine, outcome, cause);
}

static int interrupted(struct sevlm_target *target, bool late)
{
	struct sevlm__engine *engine = &target->engine;
	struct sevlm__record record;
	const uint8_t *body;
	int ret;

	if (target->state == TARGET_RESOLVE)
		return target_unanswered(target, late);
	if (late)
		return sevlm__fail(&engine->error, -ETIMEDOUT,
				   engine->from_start ?
					   "the source did not introduce itself "
					   "within %llu seconds" :
					   "the source did nothing for %llu seconds",
				   (unsigned long long)(engine->patience_ns /
							NS_PER_S));
	if (!target->taken_over && atomic_load(&engine->cancelled))
		return sevlm__fail(&engine->error, -ECANCELED, "cancelled");
	if (states[target->state].listens)
		return 0;
	ret = expect(target, &record, &body);
	if (ret)
		return ret == -EAGAIN ? 0 : ret;
	return sevlm__fail(&engine->error, -EPROTO,
			   "the source sent record type %u behind END",
			   record.type);
}

static int work(struct sevlm_target *target, bool late)
{
	int ret;

	if (settled(target)) {
		if (late)
			target->state = TARGET_ENDED;
	} else {
		ret = interrupted(target, late);
		if (ret)
			return ret;
	}
	if (target->engine.want || target->state == TARGET_ENDED)
		return -EAGAIN;
	return states[target->state].work(target);
}

SEVLM_API int sevlm_target_step(struct sevlm_target *target, uint64_t now_ns,
				uint32_t *ret_want)
{
	struct sevlm__engine *engine;
	bool late;
	int ret;

	if (!target || !ret_want)
		return -EINVAL;
	engine = &target->engine;
	set_patience(target);
	late = sevlm__engine_tick(engine, now_ns);
	ret = work(target, late);
	if (ret && ret != -EAGAIN)
		target_fail(target, ret);
	if (ret != -EAGAIN)
		engine->still_since_ns = engine->now_ns;
	set_patience(target);
	engine->progress.phase = states[target->state].phase;
	if (target->state == TARGET_ENDED)
		*ret_want = 0;
	else
		*ret_want = sevlm__engine_want(engine, ret != -EAGAIN);
	return 0;
}

SEVLM_API uint64_t sevlm_target_deadline(struct sevlm_target *target)
{
	if (!target || target->state == TARGET_ENDED)
		return SEVLM_NO_DEADLINE;
	return sevlm__engine_deadline(&target->engine);
}

SEVLM_API int sevlm_target_output(struct sevlm_target *target,
				  struct iovec *iov, size_t *count)
{
	if (!target || !iov || !count)
		return -EINVAL;
	sevlm__outbox_output(&target->engine.outbox, iov, count);
	return 0;
}

SEVLM_API int sevlm_target_consumed(struct sevlm_target *target, size_t bytes)
{
	return target ? sevlm__outbox_consumed(&target->engine.outbox, bytes) :
			-EINVAL;
}

SEVLM_API int sevlm_target_feed(struct sevlm_target *target, const void *buf,
				size_t bytes, size_t *ret_taken)
{
	if (!target || (!buf && bytes) || !ret_taken)
		return -EINVAL;
	*ret_taken = sevlm__inbox_feed(&target->engine.inbox, buf, bytes);
	return 0;
}

SEVLM_API int sevlm_target_space(struct sevlm_target *target, void **ret_buf,
				 size_t *ret_bytes)
{
	if (!target || !ret_buf || !ret_bytes)
		return -EINVAL;
	sevlm__inbox_space(&target->engine.inbox, ret_buf, ret_bytes);
	return 0;
}

SEVLM_API int sevlm_target_fed(struct sevlm_target *target, size_t bytes)
{
	return target ? sevlm__inbox_fed(&target->engine.inbox, bytes) :
			-EINVAL;
}

SEVLM_API int sevlm_target_closed(struct sevlm_target *target)
{
	if (!target)
		return -EINVAL;
	atomic_store(&target->engine.closed, true);
	sevlm__inbox_close(&target->engine.inbox);
	sevlm__outbox_close(&target->engine.outbox);
	return 0;
}

SEVLM_API int sevlm_target_cancel(struct sevlm_target *target)
{
	if (!target)
		return -EINVAL;
	atomic_store(&target->engine.cancelled, true);
	return 0;
}

SEVLM_API int sevlm_target_outcome(struct sevlm_target *target,
				   uint32_t *ret_outcome, int *ret_cause)
{
	if (!target || !ret_outcome)
		return -EINVAL;
	*ret_outcome = target->state == TARGET_ENDED ? target->engine.outcome :
						       target->engine.told;
	if (ret_cause)
		*ret_cause = target->engine.cause;
	return 0;
}

SEVLM_API int sevlm_target_token(struct sevlm_target *target, void *token)
{
	return target && token ? sevlm__commit_name(&target->engine, token) : -EINVAL;
}

SEVLM_API const char *sevlm_target_error(struct sevlm_target *target)
{
	return target ? target->engine.error.text : sevlm_strerror(-EINVAL);
}

SEVLM_API int sevlm_target_progress(struct sevlm_target *target,
				    struct sevlm_progress *ret_progress)
{
	if (!target || !ret_progress)
		return -EINVAL;
	return sevlm__engine_progress(&target->engine, ret_progress);
}

static int check_config(struct sevlm_target_config *config)
{
	if (sevlm__engine_check(config->channel, config->nonce,
				config->exporter))
		return -EINVAL;
	if (config->reserved || config->policy & ~config->policy_mask)
		return -EINVAL;
	if (!config->max_state_bytes)
		config->max_state_bytes = DEFAULT_STATE_BYTES;
	if (!config->hello_timeout_ns)
		config->hello_timeout_ns = DEFAULT_HELLO;
	if (!config->stall_timeout_ns)
		config->stall_timeout_ns = DEFAULT_STALL;
	return 0;
}

static int prepare(struct sevlm_target *target, struct sevlm_vm *vm)
{
	const struct sevlm_target_config *config = &target->config;
	int ret = sevlm__engine_init(&target->engine, vm, ROLE_TARGET,
				     RECORD_BODY_MAX, OUT_BYTES);

	if (ret)
		return ret;
	target->engine.channel = config->channel;
	memcpy(target->engine.nonces[1], config->nonce, SEVLM_NONCE_SIZE);
	memcpy(target->engine.exporter, config->exporter,
	       SEVLM_EXPORTER_SIZE);
	if (config->cpuid &&
	    sevlm__cpuid_encode(config->cpuid, &target->engine.cpuid))
		return -EINVAL;
	return sevlm__engine_identify(&target->engine, config->trust,
				      config->chain, config->amd,
				      config->amd_bytes);
}

SEVLM_API int sevlm_target_new(struct sevlm_vm *vm,
			       const struct sevlm_target_config *config,
			       struct sevlm_target **ret_target)
{
	const size_t least = sizeof(struct sevlm_target_config);
	struct sevlm_target *target;
	int ret;

	if (!vm || !ret_target)
		return -EINVAL;
	if (vm->engaged)
		return sevlm__fail(&vm->error, -EBADFD,
				   "the guest has an engine already");
	target = calloc(1, sizeof(*target));
	if (!target)
		return -ENOMEM;
	ret = sevlm__copy_in(&target->config, sizeof(target->config), config,
			     least);
	if (!ret)
		ret = check_config(&target->config);
	if (!ret)
		ret = prepare(target, vm);
	if (ret) {
		sevlm_target_free(target);
		return sevlm__fail(&vm->error, ret, "no target engine: %s",
				   sevlm_strerror(ret));
	}
	sevlm__pages_track(vm->pages, false);
	sevlm__pages_reset(vm->pages);
	vm->engaged = true;
	*ret_target = target;
	return 0;
}

SEVLM_API void sevlm_target_free(struct sevlm_target *target)
{
	struct sevlm_vm *vm;

	if (!target)
		return;
	vm = target->engine.vm;
	if (vm && vm->engaged) {
		sevlm__pages_track(vm->pages, false);
		vm->engaged = false;
		vm->regions_open = false;
	}
	target_blobs_free(target);
	sevlm_receive_free(target->receive);
	sevlm__engine_fini(&target->engine);
	sevlm__wipe(target, sizeof(*target));
	free(target);
}
