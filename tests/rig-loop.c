/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Time: what happens in which order, and what a side does at all. */
#include <errno.h>
#include <string.h>

#include "rig.h"

#define MOST_ROUNDS 3000000u
#define VMM_WANTS                                                              \
	(SEVLM_WANT_DIRTY | SEVLM_WANT_PAUSE | SEVLM_WANT_STATE |              \
	 SEVLM_WANT_PERSIST | SEVLM_WANT_RUN | SEVLM_WANT_RESUME |             \
	 SEVLM_WANT_REGION | SEVLM_WANT_SESSION)

void rig_trace(struct rig *rig, const char *format, ...)
{
	va_list args;

	if (!rig->trace)
		return;
	fprintf(rig->trace, "%12.6f ms  ",
		(double)(rig->now_ns - rig->start_ns) / (double)RIG_MS);
	va_start(args, format);
	vfprintf(rig->trace, format, args);
	va_end(args);
	fputc('\n', rig->trace);
}

static bool has_engine(const struct rig_side *side)
{
	return side->target_engine || side->source_engine || side->resolver;
}

static void look(struct rig_side *side)
{
	const char *error;

	side->progress.size = sizeof(side->progress);
	if (side->resolver) {
		sevlm_resolver_outcome(side->resolver, &side->outcome,
				       &side->cause);
		error = sevlm_resolver_error(side->resolver);
	} else if (side->target) {
		sevlm_target_outcome(side->target_engine, &side->outcome,
				     &side->cause);
		sevlm_target_progress(side->target_engine, &side->progress);
		error = sevlm_target_error(side->target_engine);
	} else {
		sevlm_source_outcome(side->source_engine, &side->outcome,
				     &side->cause);
		sevlm_source_progress(side->source_engine, &side->progress);
		error = sevlm_source_error(side->source_engine);
	}
	snprintf(side->error, sizeof(side->error), "%s", error);
	if (side->phase != side->progress.phase)
		rig_trace(side->rig, "%s: phase %u", side->name,
			  side->progress.phase);
	side->phase = side->progress.phase;
}

static void finish(struct rig_side *side)
{
	struct rig *rig = side->rig;

	side->ended = true;
	rig_trace(rig, "%s: ended, %s (%d) %s", side->name,
		  rig_outcome_name(side->outcome), side->cause, side->error);
	/* the VMM hangs up; what it wrote is still on its way */
	if (side->target)
		rig->back.shut = true;
	else
		rig->there.shut = true;
}

uint32_t rig_step(struct rig_side *side)
{
	int ret;

	if (!has_engine(side))
		return 0;
	side->steps++;
	ret = side->resolver ? sevlm_resolver_step(side->resolver,
						   side->rig->now_ns,
						   &side->want)
	      : side->target ? sevlm_target_step(side->target_engine,
						 side->rig->now_ns, &side->want)
			     : sevlm_source_step(side->source_engine,
						 side->rig->now_ns,
						 &side->want);
	if (ret)
		side->want = 0;
	look(side);
	if (!side->want && !side->ended)
		finish(side);
	return side->want;
}

int rig_did(struct rig_side *side, uint32_t want, int result)
{
	return side->target
		       ? sevlm_target_did(side->target_engine, want, result)
		       : sevlm_source_did(side->source_engine, want, result);
}

size_t rig_feed(struct rig_side *side, const void *bytes, size_t count)
{
	size_t taken = 0;

	if (side->resolver)
		sevlm_resolver_feed(side->resolver, bytes, count, &taken);
	else if (side->target)
		sevlm_target_feed(side->target_engine, bytes, count, &taken);
	else
		sevlm_source_feed(side->source_engine, bytes, count, &taken);
	return taken;
}

int rig_cancel(struct rig_side *side)
{
	rig_trace(side->rig, "%s: cancel", side->name);
	return side->target ? sevlm_target_cancel(side->target_engine)
			    : sevlm_source_cancel(side->source_engine);
}

void rig_closed(struct rig_side *side)
{
	if (side->closed || !has_engine(side) ||
	    (side->killed && !side->resolver))
		return;
	side->closed = true;
	side->rig->busy = true;
	rig_trace(side->rig, "%s: sees the link closed", side->name);
	if (side->resolver)
		sevlm_resolver_closed(side->resolver);
	else if (side->target)
		sevlm_target_closed(side->target_engine);
	else
		sevlm_source_closed(side->source_engine);
}

static void hang_up(struct rig_side *side, bool told)
{
	struct rig *rig = side->rig;

	rig_trace(rig, "%s: %s%s", side->name,
		  side->killed ? "killed" : "engine freed",
		  told ? ", its socket closes" : ", in silence");
	if (told && side->target)
		rig->back.shut = true;
	else if (told)
		rig->there.shut = true;
}

void rig_kill(struct rig_side *side, bool told)
{
	side->killed = true;
	side->running = false;
	hang_up(side, told);
}

void rig_free_engine(struct rig_side *side)
{
	sevlm_source_free(side->source_engine);
	sevlm_target_free(side->target_engine);
	sevlm_resolver_free(side->resolver);
	side->source_engine = NULL;
	side->target_engine = NULL;
	side->resolver = NULL;
}

void rig_drop(struct rig_side *side, bool told)
{
	rig_free_engine(side);
	side->dropped = true;
	hang_up(side, told);
	/* an undecided source is free to run */
	if (!side->target && !side->barred)
		side->running = true;
}

static bool over(const struct rig_side *side)
{
	return side->ended || !has_engine(side) ||
	       (side->killed && !side->resolver);
}

uint64_t rig_deadline(struct rig_side *side)
{
	if (over(side))
		return RIG_NEVER;
	if (side->resolver)
		return sevlm_resolver_deadline(side->resolver);
	return side->target ? sevlm_target_deadline(side->target_engine)
			    : sevlm_source_deadline(side->source_engine);
}

bool rig_done(const struct rig *rig)
{
	return over(&rig->source) && over(&rig->target);
}

static void answer(struct rig_side *side, uint32_t want)
{
	struct rig_hooks *hooks = &side->rig->hooks;
	int result;

	side->asked |= want;
	result = hooks->answer ? hooks->answer(side, want)
			       : rig_vmm_answer(side, want);
	rig_trace(side->rig, "%s: %s, did %d", side->name, rig_want_name(want),
		  result);
	/* a hook may have freed the engine */
	if (has_engine(side) && result != -EAGAIN)
		rig_did(side, want, result);
}

static void attend(struct rig_side *side)
{
	uint32_t want;

	if (over(side))
		return;
	want = rig_step(side) & VMM_WANTS;
	if (want)
		answer(side, want);
	if (want || side->want & SEVLM_WANT_STEP || side->ended)
		side->rig->busy = true;
}

static void run_guest(struct rig *rig)
{
	uint64_t steps;

	rig->owed += rig->plan.steps;
	steps = rig->owed / 1000;
	rig->owed %= 1000;
	if (steps && rig->source.running)
		rig_vmm_run(&rig->source, steps);
	if (steps && rig->target.running)
		rig_vmm_run(&rig->target, steps);
	if (rig->source.running && rig->target.running)
		rig->both = true;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* what could come out and does not will never */
static uint64_t later(const struct rig *rig, uint64_t ns)
{
	return ns > rig->now_ns ? ns : RIG_NEVER;
}

/* Nothing moves: to the moment where something does. */
static void jump(struct rig *rig)
{
	uint64_t next =
		least(rig_deadline(&rig->source), rig_deadline(&rig->target));

	next = least(next, later(rig, rig_pipe_next(&rig->there)));
	next = least(next, later(rig, rig_pipe_next(&rig->back)));
	if (next == RIG_NEVER) {
		/* a promised target waits for ever: somebody must know */
		if (over(&rig->target) ||
		    rig->target.phase != SEVLM_PHASE_COMMIT || rig->operated)
			rig->hung = true;
		rig->operated = true;
		if (rig->source.killed && rig_one_in(&rig->random, 2))
			rig_fence(rig);
		else if (rig_one_in(&rig->random, 2))
			rig_closed(&rig->target);
		else if (!over(&rig->target))
			rig_cancel(&rig->target);
	} else if (next > rig->now_ns) {
		rig->now_ns = next;
	}
}

void rig_round(struct rig *rig)
{
	rig->busy = false;
	rig->rounds++;
	if (rig->hooks.round)
		rig->hooks.round(rig);
	run_guest(rig);
	attend(&rig->source);
	rig_move(rig);
	attend(&rig->target);
	if (!rig->busy && !rig_done(rig))
		jump(rig);
	rig->now_ns += rig->plan.tick_ns;
}

void rig_run(struct rig *rig)
{
	while (!rig_done(rig) && !rig->hung) {
		rig_round(rig);
		if (rig->rounds > MOST_ROUNDS)
			rig->hung = true;
	}
}
