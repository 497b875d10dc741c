/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "source.h"

#define DEFAULT_BATCH	   64u
#define DEFAULT_ROUNDS	   30u
#define DEFAULT_DOWNTIME   (300 * NS_PER_S / 1000)
#define DEFAULT_HELLO	   (30 * NS_PER_S)
#define DEFAULT_STALL	   (60 * NS_PER_S)
#define DEFAULT_COMMIT	   (120 * NS_PER_S)
/* how long a last word may take to leave */
#define FAREWELL	   (5 * NS_PER_S)

int source_ask(struct sevlm_source *source, uint32_t want)
{
	source->engine.want = want;
	return -EAGAIN;
}

int source_blame(struct sevlm_source *source, int ret)
{
	source->engine.error.status = source->engine.vm->error.status;
	return sevlm__fail(&source->engine.error, ret, "%s",
			   source->engine.vm->error.text);
}

int source_expect(struct sevlm_source *source, struct sevlm__record *record,
		  const uint8_t **ret_body)
{
	struct sevlm__engine *engine = &source->engine;
	int ret = sevlm__engine_peek(engine, record, ret_body);

	if (!ret && record->type == RECORD_ABORT)
		ret = sevlm__engine_aborted(engine, *ret_body, record->length);
	return ret;
}

static int send_hello(struct sevlm_source *source)
{
	struct sevlm__engine *engine = &source->engine;
	struct sevlm_guest_status status = { .size = sizeof(status) };
	uint8_t pdh[SEVLM_PDH_SIZE], chain[SEVLM_CHAIN_SIZE];
	int ret = sevlm_vm_guest_status(engine->vm, &status);

	if (!ret)
		ret = sevlm__policy_check(&engine->vm->error, status.policy);
	if (!ret)
		ret = sevlm_vm_export_certs(engine->vm, pdh, chain);
	if (ret)
		return source_blame(source, ret);
	source->state = SOURCE_HELLO_BACK;
	return sevlm__handshake_source(engine, status.policy, pdh, chain);
}

static int start_sending(struct sevlm_source *source,
			 const struct sevlm__hello *hello)
{
	const struct sevlm_peer peer = sevlm__handshake_peer(hello);
	struct sevlm__engine *engine = &source->engine;
	int ret = sevlm_send_start(engine->vm, &peer, engine->trust,
				   &source->send);

	return ret ? source_blame(source, ret) : 0;
}

static int hello_back(struct sevlm_source *source)
{
	struct sevlm__engine *engine = &source->engine;
	struct sevlm__record record;
	struct sevlm__hello hello;
	const uint8_t *body;
	int ret = source_expect(source, &record, &body);

	if (ret)
		return ret;
	if (record.type != RECORD_HELLO)
		return sevlm__fail(&engine->error, -EPROTO,
				   "the target began with record type %u",
				   record.type);
	ret = sevlm__handshake_check(engine, body, record.length, &hello);
	if (!ret)
		ret = sevlm__handshake_blocks(engine, &hello);
	if (!ret)
		ret = sevlm__engine_hash_in(engine, record.length);
	if (!ret)
		ret = start_sending(source, &hello);
	if (ret)
		return ret;
	sevlm__engine_release(engine);
	source->state = SOURCE_START;
	return 0;
}

static int send_start(struct sevlm_source *source)
{
	struct sevlm__engine *engine = &source->engine;
	uint8_t body[8 + SEVLM_SESSION_SIZE];
	struct sevlm__writer w = sevlm__writer(body, sizeof(body));

	sevlm__put32(&w, source->send->policy);
	sevlm__put32(&w, 0);
	sevlm__put_bytes(&w, source->send->session, SEVLM_SESSION_SIZE);
	/* from here on nothing a guest or device does is missed */
	sevlm__pages_track(engine->vm->pages, true);
	engine->progress.pages_total = sevlm__pages_total(engine->vm->pages);
	source->state = SOURCE_HARVEST;
	return sevlm__engine_send(engine, RECORD_START, body, sizeof(body));
}

static int pause_guest(struct sevlm_source *source)
{
	return source_ask(source, SEVLM_WANT_PAUSE);
}

static int take_state(struct sevlm_source *source)
{
	return source_ask(source, SEVLM_WANT_STATE);
}

static int persist(struct sevlm_source *source)
{
	return source_ask(source, SEVLM_WANT_PERSIST);
}

static int resume(struct sevlm_source *source)
{
	return source_ask(source, SEVLM_WANT_RESUME);
}

/* Firmware goes back to RUNNING, so that the guest can be sent again. */
static int undo(struct sevlm_source *source)
{
	struct sevlm__engine *engine = &source->engine;
	struct sevlm__error why = engine->error;

	sevlm__pages_track(engine->vm->pages, false);
	if (source->send && source->send->open &&
	    sevlm_send_cancel(source->send))
		sevlm__fail(&engine->error, 0,
			    "%.100s; and sending could not be cancelled: %s",
			    why.text, engine->vm->error.text);
	source->state = SOURCE_RESUME;
	return 0;
}

static int send_abort(struct sevlm_source *source)
{
	struct sevlm__engine *engine = &source->engine;
	uint8_t body[ABORT_HEAD_SIZE + ABORT_TEXT_MAX];
	size_t bytes;

	source->state = SOURCE_FLUSH;
	if (engine->peer_aborted || atomic_load(&engine->closed))
		return 0;
	bytes = sevlm__abort_encode(engine->cause, engine->error.text, body);
	if (sevlm__engine_send(engine, RECORD_ABORT, body, bytes) == -EAGAIN)
		source->state = SOURCE_ABORT;
	return source->state == SOURCE_ABORT ? -EAGAIN : 0;
}

static int flush(struct sevlm_source *source)
{
	if (!sevlm__outbox_empty(&source->engine.outbox))
		return -EAGAIN;
	source->state = SOURCE_ENDED;
	return 0;
}

enum patience { HELLO, STALL, COMMIT, VERDICT, GOODBYE, FOREVER };

/* In the order of a migration. listens: the state reads records itself. */
static const struct {
	int (*work)(struct sevlm_source *source);
	uint32_t phase;
	enum patience patience;
	bool listens;
} states[SOURCE_STATES] = {
	[SOURCE_HELLO] = { send_hello, SEVLM_PHASE_HELLO, HELLO, false },
	[SOURCE_HELLO_BACK] = { hello_back, SEVLM_PHASE_HELLO, HELLO, true },
	[SOURCE_START] = { send_start, SEVLM_PHASE_HELLO, STALL, false },
	[SOURCE_HARVEST] = { source_harvest, SEVLM_PHASE_PRECOPY, STALL,
			     false },
	[SOURCE_ROUND] = { source_round, SEVLM_PHASE_PRECOPY, STALL, false },
	[SOURCE_PAGES] = { source_pages, SEVLM_PHASE_PRECOPY, STALL, false },
	[SOURCE_FREE] = { source_free, SEVLM_PHASE_PRECOPY, STALL, false },
	[SOURCE_PAUSE] = { pause_guest, SEVLM_PHASE_PRECOPY, STALL, false },
	[SOURCE_TAKE_STATE] = { take_state, SEVLM_PHASE_STOP, STALL, false },
	[SOURCE_SHARED] = { source_shared, SEVLM_PHASE_STOP, STALL, false },
	[SOURCE_STATE] = { source_send_state, SEVLM_PHASE_STOP, STALL, false },
	[SOURCE_END] = { source_end, SEVLM_PHASE_STOP, STALL, false },
	[SOURCE_PREPARED] = { source_prepared, SEVLM_PHASE_COMMIT, COMMIT,
			      true },
	[SOURCE_PERSIST] = { persist, SEVLM_PHASE_COMMIT, COMMIT, false },
	[SOURCE_COMMIT] = { source_commit, SEVLM_PHASE_COMMIT, COMMIT, true },
	[SOURCE_STARTED] = { source_started, SEVLM_PHASE_COMMIT, COMMIT, true },
	[SOURCE_RESOLVE] = { source_resolve, SEVLM_PHASE_COMMIT, VERDICT, true },
	[SOURCE_VERDICT] = { source_verdict, SEVLM_PHASE_COMMIT, VERDICT, true },
	[SOURCE_FINISH] = { source_finish, SEVLM_PHASE_COMMIT, FOREVER, true },
	[SOURCE_UNDO] = { undo, SEVLM_PHASE_ENDING, FOREVER, true },
	[SOURCE_RESUME] = { resume, SEVLM_PHASE_ENDING, FOREVER, true },
	[SOURCE_ABORT] = { send_abort, SEVLM_PHASE_ENDING, GOODBYE, true },
	[SOURCE_FLUSH] = { flush, SEVLM_PHASE_ENDING, GOODBYE, true },
	[SOURCE_ENDED] = { NULL, SEVLM_PHASE_ENDED, FOREVER, true },
};

static void set_patience(struct sevlm_source *source)
{
	const struct sevlm_source_config *config = &source->config;
	enum patience patience = states[source->state].patience;
	const uint64_t ns[] = {
		[HELLO] = config->hello_timeout_ns,
		[STALL] = config->stall_timeout_ns,
		[COMMIT] = config->commit_timeout_ns,
		[VERDICT] = config->commit_timeout_ns,
		[GOODBYE] = FAREWELL,
		[FOREVER] = 0,
	};

	source->engine.patience_ns = ns[patience];
	/* a peer that drips bytes must not stretch it */
	source->engine.from_start = patience == HELLO || patience == VERDICT;
	/* nor the time in which the guest stands and waits for its verdict */
	source->engine.deaf = patience == COMMIT;
}

bool source_ending(const struct sevlm_source *source)
{
	return source->state >= SOURCE_UNDO;
}

/* What does a failure mean for the guest? */
void source_fail(struct sevlm_source *source, int cause)
{
	struct sevlm__engine *engine = &source->engine;

	engine->want = 0;
	source->state = SOURCE_ENDED;
	if (engine->outcome)
		return;
	if (source->decided) {
		sevlm__engine_settle(engine, SEVLM_OUTCOME_IN_DOUBT, cause);
		return;
	}
	sevlm__engine_settle(engine,
			     cause == -ECANCELED ? SEVLM_OUTCOME_CANCELLED :
						   SEVLM_OUTCOME_ABORTED,
			     cause);
	source->state = SOURCE_UNDO;
}

/* What may end a migration from outside of its own steps. */
static int interrupted(struct sevlm_source *source, bool late)
{
	struct sevlm__engine *engine = &source->engine;
	struct sevlm__record record;
	const uint8_t *body;
	int ret = 0;

	/* what is decided already cannot be cancelled */
	if (engine->resolving)
		return late ? sevlm__resolve_late(engine) : 0;
	if (late)
		return sevlm__fail(&engine->error, -ETIMEDOUT,
				   engine->from_start ?
					   "the peer did not introduce itself "
					   "within %llu seconds" :
					   "the peer did nothing for %llu seconds",
				   (unsigned long long)(engine->patience_ns /
							NS_PER_S));
	if (!source->decided && atomic_load(&engine->cancelled))
		return sevlm__fail(&engine->error, -ECANCELED, "cancelled");
	if (!source->decided)
		ret = sevlm__control_check(&engine->error,
					   atomic_load(&engine->vm->control));
	if (ret || states[source->state].listens)
		return ret;
	ret = source_expect(source, &record, &body);
	if (ret)
		return ret == -EAGAIN ? 0 : ret;
	if (source->state == SOURCE_PERSIST && record.type == RECORD_NEVER)
		return source_given_up(source, body);
	return sevlm__fail(&engine->error, -EPROTO,
			   "the target sent record type %u too early",
			   record.type);
}

static int work(struct sevlm_source *source, bool late)
{
	int ret;

	if (source_ending(source)) {
		/* the last word did not get through: so be it */
		if (late)
			source->state = SOURCE_ENDED;
	} else {
		ret = interrupted(source, late);
		if (ret)
			return ret;
	}
	if (source->engine.want || source->state == SOURCE_ENDED)
		return -EAGAIN;
	return states[source->state].work(source);
}

/* The last round does what the others do, while the guest stands. */
static uint32_t phase_of(const struct sevlm_source *source)
{
	uint32_t phase = states[source->state].phase;

	return phase == SEVLM_PHASE_PRECOPY && source->final ?
		       SEVLM_PHASE_STOP :
		       phase;
}

SEVLM_API int sevlm_source_step(struct sevlm_source *source, uint64_t now_ns,
				uint32_t *ret_want)
{
	struct sevlm__engine *engine;
	bool late;
	int ret;

	if (!source || !ret_want)
		return -EINVAL;
	engine = &source->engine;
	set_patience(source);
	late = sevlm__engine_tick(engine, now_ns);
	ret = work(source, late);
	if (ret && ret != -EAGAIN)
		source_fail(source, ret);
	if (ret != -EAGAIN)
		engine->still_since_ns = engine->now_ns;
	set_patience(source);
	engine->progress.phase = phase_of(source);
	if (source->state == SOURCE_ENDED)
		*ret_want = 0;
	else
		*ret_want = sevlm__engine_want(engine, ret != -EAGAIN);
	return 0;
}

SEVLM_API uint64_t sevlm_source_deadline(struct sevlm_source *source)
{
	if (!source || source->state == SOURCE_ENDED)
		return SEVLM_NO_DEADLINE;
	return sevlm__engine_deadline(&source->engine);
}

SEVLM_API int sevlm_source_output(struct sevlm_source *source,
				  struct iovec *iov, size_t *count)
{
	if (!source || !iov || !count)
		return -EINVAL;
	sevlm__outbox_output(&source->engine.outbox, iov, count);
	return 0;
}

SEVLM_API int sevlm_source_consumed(struct sevlm_source *source, size_t bytes)
{
	return source ? sevlm__outbox_consumed(&source->engine.outbox, bytes) :
			-EINVAL;
}

SEVLM_API int sevlm_source_feed(struct sevlm_source *source, const void *buf,
				size_t bytes, size_t *ret_taken)
{
	if (!source || (!buf && bytes) || !ret_taken)
		return -EINVAL;
	*ret_taken = sevlm__inbox_feed(&source->engine.inbox, buf, bytes);
	return 0;
}

SEVLM_API int sevlm_source_closed(struct sevlm_source *source)
{
	if (!source)
		return -EINVAL;
	atomic_store(&source->engine.closed, true);
	sevlm__inbox_close(&source->engine.inbox);
	sevlm__outbox_close(&source->engine.outbox);
	return 0;
}

SEVLM_API int sevlm_source_cancel(struct sevlm_source *source)
{
	if (!source)
		return -EINVAL;
	atomic_store(&source->engine.cancelled, true);
	return 0;
}

SEVLM_API int sevlm_source_outcome(struct sevlm_source *source,
				   uint32_t *ret_outcome, int *ret_cause)
{
	if (!source || !ret_outcome)
		return -EINVAL;
	/* it counts once nothing is left to be done for it */
	*ret_outcome = source->state == SOURCE_ENDED ? source->engine.outcome :
						       source->engine.told;
	if (ret_cause)
		*ret_cause = source->engine.cause;
	return 0;
}

SEVLM_API int sevlm_source_token(struct sevlm_source *source, void *token)
{
	return source && token ? sevlm__commit_name(&source->engine, token) : -EINVAL;
}

SEVLM_API const char *sevlm_source_error(struct sevlm_source *source)
{
	return source ? source->engine.error.text : sevlm_strerror(-EINVAL);
}

SEVLM_API int sevlm_source_progress(struct sevlm_source *source,
				    struct sevlm_progress *ret_progress)
{
	struct sevlm_progress *progress;
	struct sevlm__schedule *schedule;

	if (!source || !ret_progress)
		return -EINVAL;
	progress = &source->engine.progress;
	schedule = &source->schedule;
	progress->pages_left = sevlm__pages_todo(source->engine.vm->pages);
	progress->verdict = sevlm__schedule_verdict(schedule);
	progress->pages_per_second = schedule->rate;
	progress->dirtied_per_second = schedule->dirtied;
	progress->eta_ns =
		sevlm__schedule_eta(schedule, progress->pages_left);
	progress->expected_downtime_ns =
		sevlm__schedule_downtime(schedule, progress->pages_left);
	return sevlm__engine_progress(&source->engine, ret_progress);
}

static void use_default(uint64_t *value, uint64_t by_default)
{
	if (!*value)
		*value = by_default;
}

static int check_config(struct sevlm_source_config *config)
{
	if (sevlm__engine_check(config->channel, config->nonce,
				config->exporter))
		return -EINVAL;
	if (config->batch_pages > SEVLM_MAX_BATCH || config->stop_anyway > 1)
		return -EINVAL;
	if (!config->batch_pages)
		config->batch_pages = DEFAULT_BATCH;
	if (!config->max_rounds)
		config->max_rounds = DEFAULT_ROUNDS;
	use_default(&config->downtime_limit_ns, DEFAULT_DOWNTIME);
	use_default(&config->hello_timeout_ns, DEFAULT_HELLO);
	use_default(&config->stall_timeout_ns, DEFAULT_STALL);
	use_default(&config->commit_timeout_ns, DEFAULT_COMMIT);
	return 0;
}

static int prepare(struct sevlm_source *source, struct sevlm_vm *vm)
{
	const struct sevlm_source_config *config = &source->config;
	int ret = sevlm__engine_init(&source->engine, vm, ROLE_SOURCE,
				     RECORD_BODY_LEAST,
				     (size_t)SEVLM_MAX_BATCH * PAGE_SIZE);

	if (ret)
		return ret;
	source->engine.channel = config->channel;
	memcpy(source->engine.nonces[0], config->nonce, SEVLM_NONCE_SIZE);
	memcpy(source->engine.exporter, config->exporter,
	       SEVLM_EXPORTER_SIZE);
	if (config->cpuid &&
	    sevlm__cpuid_encode(config->cpuid, &source->engine.cpuid))
		return -EINVAL;
	ret = sevlm__engine_identify(&source->engine, config->trust,
				     config->chain, config->amd,
				     config->amd_bytes);
	if (ret)
		return ret;
	sevlm__schedule_init(&source->schedule, config->downtime_limit_ns,
			     config->max_rounds);
	return 0;
}

SEVLM_API int sevlm_source_new(struct sevlm_vm *vm,
			       const struct sevlm_source_config *config,
			       struct sevlm_source **ret_source)
{
	const size_t least = sizeof(struct sevlm_source_config);
	struct sevlm_source *source;
	int ret;

	if (!vm || !ret_source)
		return -EINVAL;
	if (vm->engaged)
		return sevlm__fail(&vm->error, -EBADFD,
				   "the guest has an engine already");
	ret = sevlm_vm_sync_states(vm, 0);
	if (!ret)
		ret = sevlm__control_check(&vm->error,
					   atomic_load(&vm->control));
	if (ret)
		return ret;
	source = calloc(1, sizeof(*source));
	if (!source)
		return -ENOMEM;
	ret = sevlm__copy_in(&source->config, sizeof(source->config), config,
			     least);
	if (!ret)
		ret = check_config(&source->config);
	if (!ret)
		ret = prepare(source, vm);
	if (ret) {
		sevlm_source_free(source);
		return sevlm__fail(&vm->error, ret, "no source engine: %s",
				   sevlm_strerror(ret));
	}
	vm->engaged = true;
	*ret_source = source;
	return 0;
}

SEVLM_API void sevlm_source_free(struct sevlm_source *source)
{
	struct sevlm_vm *vm;

	if (!source)
		return;
	vm = source->engine.vm;
	/* after the decision the guest is not ours to give back */
	if (source->send && source->decided)
		source->send->open = false;
	sevlm_send_free(source->send);
	if (vm && vm->engaged) {
		sevlm__pages_track(vm->pages, false);
		vm->engaged = false;
	}
	sevlm__engine_fini(&source->engine);
	sevlm__wipe(source, sizeof(*source));
	free(source);
}
