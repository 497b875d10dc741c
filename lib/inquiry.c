/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The source tells the target what it has decided, and asks. */
#include <errno.h>

#include "source.h"

/* Is there somebody who may wait for our word, or whose word we need? */
static bool open_question(const struct sevlm_source *source)
{
	uint32_t outcome = source->engine.outcome;

	if (source->state != SOURCE_ENDED || source->never)
		return false;
	return outcome == SEVLM_OUTCOME_IN_DOUBT ||
	       (source->ended && (outcome == SEVLM_OUTCOME_ABORTED ||
				  outcome == SEVLM_OUTCOME_CANCELLED));
}

SEVLM_API int sevlm_source_reconnect(struct sevlm_source *source,
				     const struct sevlm_reconnect *config)
{
	int ret;

	if (!source || !config)
		return -EINVAL;
	if (!open_question(source))
		return -EBADFD;
	ret = sevlm__resolve_begin(&source->engine, config);
	if (!ret)
		source->state = SOURCE_RESOLVE;
	return ret;
}

int source_resolve(struct sevlm_source *source)
{
	int ret = sevlm__resolve_send(&source->engine,
				      source->decided ? VERDICT_COMMITTED :
							VERDICT_KEPT);

	if (!ret)
		source->state = SOURCE_VERDICT;
	return ret;
}

/* The decision is undone, the guest is ours again. */
static int never(struct sevlm_source *source)
{
	struct sevlm__engine *engine = &source->engine;

	source->never = true;
	source->decided = false;
	sevlm__resolve_words(engine, VERDICT_NEVER);
	sevlm__engine_settle(engine, SEVLM_OUTCOME_ABORTED, engine->cause);
	engine->peer_aborted = true;
	source->state = SOURCE_UNDO;
	return 0;
}

static int agreed(struct sevlm_source *source)
{
	source->never = true;
	source->state = SOURCE_ENDED;
	return 0;
}

static const struct {
	uint32_t verdict;
	bool decided;
	int (*then)(struct sevlm_source *source);
} verdicts[] = {
	{ VERDICT_STARTED, true, source_gone },
	{ VERDICT_NEVER, true, never },
	{ VERDICT_LOST, true, source_lost },
	{ VERDICT_NEVER, false, agreed },
};

int source_verdict(struct sevlm_source *source)
{
	struct sevlm__engine *engine = &source->engine;
	uint32_t verdict;
	int ret = sevlm__resolve_hear(engine, &verdict);

	if (ret)
		return ret;
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++)
		if (verdicts[i].verdict == verdict &&
		    verdicts[i].decided == source->decided)
			return verdicts[i].then(source);
	return sevlm__fail(&engine->error, -EPROTO,
			   "the guest was kept here, and the target says %s of "
			   "it: it may run twice",
			   sevlm__verdict_name(verdict));
}
