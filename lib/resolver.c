/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One word and one answer, with a note for all there is of a migration. */
#include <errno.h>
#include <stdlib.h>

#include "engine.h"

#define DEFAULT_TIMEOUT (120 * NS_PER_S)

enum resolver_state { RESOLVER_TELL, RESOLVER_HEAR, RESOLVER_FLUSH,
		      RESOLVER_ENDED };

struct sevlm_resolver {
	struct sevlm__engine engine;
	enum resolver_state state;
	uint32_t own;		/* our verdict */
};

static int end(struct sevlm_resolver *resolver, uint32_t outcome, int cause)
{
	sevlm__engine_settle(&resolver->engine, outcome, cause);
	resolver->state = RESOLVER_ENDED;
	return 0;
}

static int tell(struct sevlm_resolver *resolver)
{
	int ret = sevlm__resolve_send(&resolver->engine, resolver->own);

	if (ret)
		return ret;
	resolver->state = resolver->engine.role == ROLE_SOURCE ?
				  RESOLVER_HEAR :
				  RESOLVER_FLUSH;
	return 0;
}

/* A source's: what the target says is what has become of the guest. */
static int learn(struct sevlm_resolver *resolver, uint32_t verdict)
{
	static const uint32_t outcomes[] = {
		[VERDICT_STARTED] = SEVLM_OUTCOME_COMPLETED,
		[VERDICT_NEVER] = SEVLM_OUTCOME_ABORTED,
		[VERDICT_LOST] = SEVLM_OUTCOME_LOST,
	};

	return end(resolver, outcomes[verdict],
		   sevlm__resolve_words(&resolver->engine, verdict));
}

static int hear(struct sevlm_resolver *resolver)
{
	struct sevlm__engine *engine = &resolver->engine;
	uint32_t verdict;
	int ret = sevlm__resolve_hear(engine, &verdict);

	if (ret)
		return ret;
	if (engine->role == ROLE_SOURCE)
		return learn(resolver, verdict);
	/* a contradiction is answered too, so that the source knows of it */
	engine->cause = sevlm__resolve_words(engine, verdict);
	resolver->state = RESOLVER_TELL;
	return 0;
}

/* A target's word counts once it has left. */
static int flush(struct sevlm_resolver *resolver)
{
	struct sevlm__engine *engine = &resolver->engine;

	if (sevlm__outbox_left(&engine->outbox))
		return atomic_load(&engine->closed) ?
			       sevlm__fail(&engine->error, -ECONNRESET,
					   "the peer is gone") :
			       -EAGAIN;
	if (engine->cause)
		return engine->cause;
	if (resolver->own == VERDICT_STARTED)
		return end(resolver, SEVLM_OUTCOME_COMPLETED, 0);
	return end(resolver, SEVLM_OUTCOME_LOST,
		   sevlm__fail(&engine->error, -EIO,
			       "the guest was taken over here and is lost"));
}

static int work(struct sevlm_resolver *resolver, bool late)
{
	static int (*const works[])(struct sevlm_resolver *resolver) = {
		[RESOLVER_TELL] = tell,
		[RESOLVER_HEAR] = hear,
		[RESOLVER_FLUSH] = flush,
	};

	if (resolver->state == RESOLVER_ENDED)
		return -EAGAIN;
	if (late)
		return sevlm__resolve_late(&resolver->engine);
	return works[resolver->state](resolver);
}

SEVLM_API int sevlm_resolver_step(struct sevlm_resolver *resolver,
				  uint64_t now_ns, uint32_t *ret_want)
{
	bool late;
	int ret;

	if (!resolver || !ret_want)
		return -EINVAL;
	late = sevlm__engine_tick(&resolver->engine, now_ns);
	ret = work(resolver, late);
	if (ret && ret != -EAGAIN)
		end(resolver, SEVLM_OUTCOME_IN_DOUBT, ret);
	*ret_want = 0;
	if (resolver->state != RESOLVER_ENDED)
		*ret_want = sevlm__engine_want(&resolver->engine, !ret);
	return 0;
}

SEVLM_API uint64_t sevlm_resolver_deadline(struct sevlm_resolver *resolver)
{
	if (!resolver || resolver->state == RESOLVER_ENDED)
		return SEVLM_NO_DEADLINE;
	return sevlm__engine_deadline(&resolver->engine);
}

SEVLM_API int sevlm_resolver_output(struct sevlm_resolver *resolver,
				    struct iovec *iov, size_t *count)
{
	if (!resolver || !iov || !count)
		return -EINVAL;
	sevlm__outbox_output(&resolver->engine.outbox, iov, count);
	return 0;
}

SEVLM_API int sevlm_resolver_consumed(struct sevlm_resolver *resolver,
				      size_t bytes)
{
	return resolver ? sevlm__outbox_consumed(&resolver->engine.outbox,
						 bytes) :
			  -EINVAL;
}

SEVLM_API int sevlm_resolver_feed(struct sevlm_resolver *resolver,
				  const void *buf, size_t bytes,
				  size_t *ret_taken)
{
	if (!resolver || (!buf && bytes) || !ret_taken)
		return -EINVAL;
	*ret_taken = sevlm__inbox_feed(&resolver->engine.inbox, buf, bytes);
	return 0;
}

SEVLM_API int sevlm_resolver_closed(struct sevlm_resolver *resolver)
{
	if (!resolver)
		return -EINVAL;
	atomic_store(&resolver->engine.closed, true);
	sevlm__inbox_close(&resolver->engine.inbox);
	sevlm__outbox_close(&resolver->engine.outbox);
	return 0;
}

SEVLM_API int sevlm_resolver_token(struct sevlm_resolver *resolver,
				   void *token)
{
	return resolver && token ?
		       sevlm__commit_name(&resolver->engine, token) :
		       -EINVAL;
}

SEVLM_API int sevlm_resolver_outcome(struct sevlm_resolver *resolver,
				     uint32_t *ret_outcome, int *ret_cause)
{
	if (!resolver || !ret_outcome)
		return -EINVAL;
	*ret_outcome = resolver->engine.outcome;
	if (ret_cause)
		*ret_cause = resolver->engine.cause;
	return 0;
}

SEVLM_API const char *sevlm_resolver_error(struct sevlm_resolver *resolver)
{
	return resolver ? resolver->engine.error.text :
			  sevlm_strerror(-EINVAL);
}

static int read_note(struct sevlm_resolver *resolver,
		     const struct sevlm_resolver_config *config)
{
	struct sevlm__engine *engine = &resolver->engine;
	int ret;

	if (!config->note || config->lost > 1)
		return -EINVAL;
	ret = sevlm__commit_read(engine, config->note);
	if (!ret)
		ret = sevlm__engine_check(config->channel, engine->nonces[0],
					  config->exporter);
	if (ret)
		return ret;
	if (engine->role == ROLE_SOURCE && config->lost)
		return -EINVAL;
	engine->patience_ns = config->timeout_ns ? config->timeout_ns :
						   DEFAULT_TIMEOUT;
	engine->from_start = true;
	resolver->own = engine->role == ROLE_SOURCE ? VERDICT_COMMITTED :
			config->lost		    ? VERDICT_LOST :
						      VERDICT_STARTED;
	resolver->state = engine->role == ROLE_SOURCE ? RESOLVER_TELL :
							RESOLVER_HEAR;
	return 0;
}

SEVLM_API int sevlm_resolver_new(const struct sevlm_resolver_config *config,
				 struct sevlm_resolver **ret_resolver)
{
	const size_t least = sizeof(struct sevlm_resolver_config);
	struct sevlm_resolver_config own;
	struct sevlm_resolver *resolver;
	int ret;

	if (!config || !ret_resolver)
		return -EINVAL;
	resolver = calloc(1, sizeof(*resolver));
	if (!resolver)
		return -ENOMEM;
	ret = sevlm__copy_in(&own, sizeof(own), config, least);
	if (!ret)
		ret = read_note(resolver, &own);
	if (!ret)
		ret = sevlm__engine_init(&resolver->engine, NULL,
					 resolver->engine.role, RESOLVE_SIZE,
					 RESOLVE_SIZE);
	sevlm__wipe(&own, sizeof(own));
	if (ret) {
		sevlm_resolver_free(resolver);
		return ret;
	}
	*ret_resolver = resolver;
	return 0;
}

SEVLM_API void sevlm_resolver_free(struct sevlm_resolver *resolver)
{
	if (!resolver)
		return;
	sevlm__engine_fini(&resolver->engine);
	sevlm__wipe(resolver, sizeof(*resolver));
	free(resolver);
}
