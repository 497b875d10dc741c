/* SPDX-License-Identifier: MIT-0 */
/* Source, target and resolver are driven alike; what differs is the name. */
#include <err.h>

#include "move.h"

#define ENGINE(call, ...)                                                     \
	(move->source ? sevlm_source_##call(move->source, ##__VA_ARGS__) :    \
	 move->target ? sevlm_target_##call(move->target, ##__VA_ARGS__) :    \
			sevlm_resolver_##call(move->resolver, ##__VA_ARGS__))

uint32_t engine_step(struct move *move, uint64_t now)
{
	uint32_t want = 0;

	ENGINE(step, now, &want);
	return want;
}

uint64_t engine_deadline(struct move *move)
{
	return ENGINE(deadline);
}

void engine_output(struct move *move, struct iovec *iov, size_t *count)
{
	ENGINE(output, iov, count);
}

void engine_consumed(struct move *move, size_t bytes)
{
	ENGINE(consumed, bytes);
}

void engine_feed(struct move *move, const void *buf, size_t bytes,
		 size_t *ret_taken)
{
	ENGINE(feed, buf, bytes, ret_taken);
}

void engine_closed(struct move *move)
{
	ENGINE(closed);
}

/* A resolver wants nothing of its VMM. */
void engine_did(struct move *move, uint32_t want, int result)
{
	if (move->source)
		sevlm_source_did(move->source, want, result);
	else
		sevlm_target_did(move->target, want, result);
}

int engine_note(struct move *move, void *note)
{
	return move->source ? sevlm_source_note(move->source, note) :
			      sevlm_target_note(move->target, note);
}

int engine_reconnect(struct move *move, const struct sevlm_reconnect *config)
{
	return move->source ? sevlm_source_reconnect(move->source, config) :
			      sevlm_target_reconnect(move->target, config);
}

uint32_t engine_outcome(struct move *move)
{
	uint32_t outcome = SEVLM_OUTCOME_NONE;

	ENGINE(outcome, &outcome, NULL);
	if (ENGINE(error)[0])
		warnx("%s", ENGINE(error));
	return outcome;
}
