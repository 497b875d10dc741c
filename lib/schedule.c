/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "engine.h"

/* A round that leaves at least this part of the last one's pages does not
 * bring the end nearer. */
#define SHRINKS_NUM 9u
#define SHRINKS_DEN 10u
/* rounds in a row before a verdict is given */
#define SURE_ROUNDS 2u

void sevlm__schedule_init(struct sevlm__schedule *s, uint64_t limit_ns,
			  uint32_t max_rounds)
{
	*s = (struct sevlm__schedule){
		.limit_ns = limit_ns,
		.max_rounds = max_rounds,
	};
}

static uint64_t bounded(double value)
{
	const uint64_t most = UINT64_MAX / 2;

	return value < (double)most ? (uint64_t)value : most;
}

static uint64_t per_second(uint64_t count, uint64_t ns)
{
	return ns ? bounded((double)count * (double)NS_PER_S / (double)ns) : 0;
}

static uint64_t duration(uint64_t count, uint64_t rate)
{
	return bounded((double)count * (double)NS_PER_S / (double)rate);
}

uint64_t sevlm__schedule_downtime(const struct sevlm__schedule *s,
				  uint64_t todo)
{
	if (!todo)
		return 0;
	return s->rate ? duration(todo, s->rate) : UINT64_MAX;
}

uint32_t sevlm__schedule_verdict(const struct sevlm__schedule *s)
{
	if (s->shrinking >= SURE_ROUNDS)
		return SEVLM_VERDICT_CONVERGES;
	if (s->growing >= SURE_ROUNDS)
		return SEVLM_VERDICT_DIVERGES;
	return SEVLM_VERDICT_UNKNOWN;
}

static void compare_rounds(struct sevlm__schedule *s, uint64_t todo)
{
	if ((double)todo * SHRINKS_DEN < (double)s->round_todo * SHRINKS_NUM) {
		s->shrinking++;
		s->growing = 0;
	} else {
		s->growing++;
		s->shrinking = 0;
	}
}

uint32_t sevlm__schedule_decide(struct sevlm__schedule *s, uint64_t now_ns,
				uint64_t todo, uint64_t fresh)
{
	if (!s->round)
		return SCHEDULE_GO_ON;
	s->dirtied = per_second(fresh, now_ns - s->round_start_ns);
	compare_rounds(s, todo);
	if (sevlm__schedule_downtime(s, todo) <= s->limit_ns)
		return SCHEDULE_STOP;
	return s->round < s->max_rounds ? SCHEDULE_GO_ON : SCHEDULE_GIVE_UP;
}

void sevlm__schedule_begin(struct sevlm__schedule *s, uint64_t now_ns,
			   uint64_t todo)
{
	s->round++;
	s->round_start_ns = now_ns;
	s->round_sent = 0;
	s->round_todo = todo;
}

void sevlm__schedule_sent(struct sevlm__schedule *s, uint64_t now_ns,
			  uint64_t pages)
{
	uint64_t rate;

	s->round_sent += pages;
	rate = per_second(s->round_sent, now_ns - s->round_start_ns);
	if (rate)
		s->rate = rate;
}

/* The pages left, and the rounds behind them: a geometric series of what the
 * guest dirties while they are sent. */
uint64_t sevlm__schedule_eta(const struct sevlm__schedule *s, uint64_t left)
{
	uint64_t once;

	if (!s->rate || s->dirtied >= s->rate)
		return UINT64_MAX;
	once = duration(left, s->rate);
	return bounded((double)once * (double)s->rate /
		       (double)(s->rate - s->dirtied));
}
