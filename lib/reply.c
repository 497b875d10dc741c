/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The target answers a source that comes back, or whose place it takes. */
#include <errno.h>

#include "target.h"

SEVLM_API int sevlm_target_reconnect(struct sevlm_target *target,
				     const struct sevlm_reconnect *config)
{
	int ret;

	if (!target || !config)
		return -EINVAL;
	if (target->state != TARGET_ENDED || !target->prepared)
		return -EBADFD;
	ret = sevlm__resolve_begin(&target->engine, config);
	if (ret)
		return ret;
	target->asked = false;
	target->state = TARGET_RESOLVE;
	return 0;
}

static bool in_doubt(const struct sevlm_target *target)
{
	return target->engine.outcome == SEVLM_OUTCOME_IN_DOUBT;
}

int target_unanswered(struct sevlm_target *target, bool late)
{
	struct sevlm__engine *engine = &target->engine;
	int cause;

	if (in_doubt(target) && atomic_load(&engine->cancelled)) {
		cause = sevlm__fail(&engine->error, -ECANCELED, "cancelled");
		sevlm__engine_settle(engine, SEVLM_OUTCOME_CANCELLED, cause);
		target->last_word = RECORD_NEVER;
	}
	return late ? sevlm__resolve_late(engine) : 0;
}

int target_say(struct sevlm_target *target, uint16_t type)
{
	static const struct {
		uint16_t type;
		uint32_t verdict;
	} words[] = {
		{ RECORD_STARTED, VERDICT_STARTED },
		{ RECORD_NEVER, VERDICT_NEVER },
		{ RECORD_LOST, VERDICT_LOST },
	};

	for (size_t i = 0; target->engine.resolving && i < ARRAY_SIZE(words);
	     i++)
		if (words[i].type == type)
			return sevlm__resolve_send(&target->engine,
						   words[i].verdict);
	return sevlm__commit_send(&target->engine, type);
}

/* Can the source say this, after what it said and what we did? */
static int weigh(struct sevlm_target *target, uint32_t verdict)
{
	struct sevlm__error *error = &target->engine.error;

	target->asked = true;
	if (verdict == VERDICT_KEPT && target->taken_over)
		return sevlm__resolve_words(&target->engine, verdict);
	if (target->heard && target->heard != verdict)
		return sevlm__fail(error, -EPROTO,
				   "the source said %s before, and says %s now",
				   sevlm__verdict_name(target->heard),
				   sevlm__verdict_name(verdict));
	target->heard = verdict;
	return 0;
}

static void answer(struct sevlm_target *target)
{
	target->state = target->engine.outcome == SEVLM_OUTCOME_COMPLETED ?
				TARGET_STARTED :
				TARGET_UNDO;
}

static void kept(struct sevlm_target *target)
{
	struct sevlm__engine *engine = &target->engine;

	sevlm__fail(&engine->error, 0, "the source kept the guest");
	sevlm__engine_settle(engine, SEVLM_OUTCOME_ABORTED, engine->cause);
	target->last_word = RECORD_NEVER;
}

/* Its own verdict is true whatever the source says, so it is told always. */
int target_resolve(struct sevlm_target *target)
{
	uint32_t verdict;
	int ret = sevlm__resolve_hear(&target->engine, &verdict);

	if (ret)
		return ret;
	ret = weigh(target, verdict);
	if (!ret && in_doubt(target) && verdict == VERDICT_COMMITTED) {
		target->state = TARGET_PERSIST;
		return 0;
	}
	if (!ret && in_doubt(target))
		kept(target);
	answer(target);
	return 0;
}

/* ---- the source is dead for good ---- */

static bool waits(const struct sevlm_target *target)
{
	return target->state == TARGET_COMMIT ||
	       ((target->state == TARGET_ENDED ||
		 target->state == TARGET_RESOLVE) &&
		in_doubt(target));
}

SEVLM_API int sevlm_target_source_fenced(struct sevlm_target *target)
{
	const uint8_t *header, *body;
	struct sevlm__record record;

	if (!target)
		return -EINVAL;
	if (!waits(target))
		return -EBADFD;
	/* the dead do not speak: hear first what it said */
	if (target->state != TARGET_ENDED &&
	    sevlm__inbox_peek(&target->engine.inbox, &record, &header,
			      &body) != -EAGAIN)
		return -EAGAIN;
	if (target->state == TARGET_ENDED)
		sevlm_target_closed(target);
	target->engine.told = target->engine.outcome;
	target->fenced = true;
	target->asked = false;
	target->state = TARGET_PERSIST;
	return 0;
}

static int hear_stream(struct sevlm_target *target, uint32_t *ret_verdict)
{
	struct sevlm__engine *engine = &target->engine;
	const uint8_t *body;
	size_t bytes;
	int ret = target_expect(target, RECORD_COMMIT, &body, &bytes);

	*ret_verdict = engine->peer_aborted ? VERDICT_KEPT : VERDICT_COMMITTED;
	if (engine->peer_aborted)
		return 0;
	return ret ? ret : sevlm__commit_check(engine, RECORD_COMMIT, body);
}

int target_late_word(struct sevlm_target *target)
{
	struct sevlm__engine *engine = &target->engine;
	struct sevlm__error before = engine->error;
	uint32_t verdict;
	int ret = engine->resolving ? sevlm__resolve_hear(engine, &verdict) :
				      hear_stream(target, &verdict);

	if (!ret)
		return weigh(target, verdict);
	if (ret == -ECONNRESET)
		engine->error = before;
	return ret;
}
