/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is done about a doubt: both meet again, on links that may break as
 * well, with what is left of each; or the source is dead, and fenced. */
#include <errno.h>

#include "simulate.h"

#define BOTH (RIG_SOURCE | RIG_TARGET)
/* magic, header and body of a RESOLVE */
#define WORD_BYTES 104u

static bool is(const struct rig_side *side, uint32_t outcome)
{
	return side->ended && side->outcome == outcome;
}

static bool speaks(const struct rig_side *side)
{
	return !side->killed && !side->dropped;
}

static bool has_note(const struct rig_side *side)
{
	return !speaks(side) && side->barred;
}

/* Somebody waits for a word, or for another to take its place. */
static bool in_doubt(const struct rig *rig)
{
	return is(&rig->source, SEVLM_OUTCOME_IN_DOUBT) ||
	       is(&rig->target, SEVLM_OUTCOME_IN_DOUBT) ||
	       has_note(&rig->source);
}

static void set_back(struct rig *rig)
{
	rig->plan.cut_both = false;
	rig->plan.cut_seen[0] = rig->plan.cut_seen[1] = false;
}

static void draw_cut(struct run *run)
{
	struct rig *rig = &run->rig;

	rig->plan.cut_both = rig_one_in(&run->random, 2);
	rig->plan.cut_seen[0] = rig_one_in(&run->random, 2);
	rig->plan.cut_seen[1] = rig_one_in(&run->random, 2);
	if (rig_one_in(&run->random, 2))
		rig->there.cut_at = rig_below(&run->random, WORD_BYTES + 1);
	if (rig_one_in(&run->random, 2))
		rig->back.cut_at = rig_below(&run->random, WORD_BYTES + 1);
}

/* What goes wrong in an attempt, beside the link. */
static void draw_trouble(struct run *run)
{
	static const enum trouble troubles[] = {
		TROUBLE_NONE,	TROUBLE_NONE,	TROUBLE_CANCEL,
		TROUBLE_PERSIST, TROUBLE_RUN,	TROUBLE_KILL,
	};

	run->trouble = troubles[rig_below(&run->random, 6)];
	run->trouble_at = rig_below(&run->random, 8);
}

int resolve_answer(struct run *run, struct rig_side *side, uint32_t want)
{
	enum trouble trouble = run->trouble;

	if (side->target && ((want == SEVLM_WANT_PERSIST &&
			      trouble == TROUBLE_PERSIST) ||
			     (want == SEVLM_WANT_RUN &&
			      trouble == TROUBLE_RUN)))
		return -EIO;
	return rig_vmm_answer(side, want);
}

void resolve_round(struct run *run)
{
	struct rig *rig = &run->rig;
	struct rig_side *target = &rig->target;

	if (rig->rounds != run->trouble_at || !speaks(target) || target->ended)
		return;
	if (run->trouble == TROUBLE_CANCEL)
		rig_cancel(target);
	if (run->trouble == TROUBLE_KILL)
		rig_kill(target, rig_one_in(&run->random, 2));
}

static bool attempt(struct run *run, bool clean)
{
	struct rig *rig = &run->rig;

	run->trouble = TROUBLE_NONE;
	set_back(rig);
	run->took_part = rig_reconnect(rig);
	if (!clean) {
		draw_cut(run);
		draw_trouble(run);
	}
	run->attempts++;
	rig_run(rig);
	rig_reconnected(rig);
	return !run_wrong(run, rig_wrong(rig));
}

/* Both spoke, and nothing went wrong: who is still in doubt? */
static const char *unresolved(const struct run *run)
{
	const struct rig_side *source = &run->rig.source;
	const struct rig_side *target = &run->rig.target;

	if (run->took_part != BOTH)
		return NULL;
	if (source->outcome == SEVLM_OUTCOME_IN_DOUBT ||
	    target->outcome == SEVLM_OUTCOME_IN_DOUBT)
		return "both sides spoke, and one is still in doubt";
	if ((source->outcome == SEVLM_OUTCOME_COMPLETED) !=
	    (target->outcome == SEVLM_OUTCOME_COMPLETED))
		return "both sides spoke, and do not agree";
	return NULL;
}

static bool meet(struct run *run)
{
	uint64_t broken = rig_below(&run->random, 4);

	for (uint64_t i = 0; i < broken; i++)
		if (!attempt(run, false))
			return false;
	if (!attempt(run, true) || run_wrong(run, unresolved(run)))
		return false;
	/* once more, and everything stays as it is */
	return rig_one_in(&run->random, 2) ||
	       (attempt(run, true) && !run_wrong(run, unresolved(run)));
}

/* The source died and left nothing, or nobody waits for its note. */
static bool fence(struct run *run)
{
	struct rig *rig = &run->rig;

	if (rig_fence(rig))
		return !run_wrong(run, "a waiting target cannot be fenced");
	run->fenced = true;
	set_back(rig);
	rig_run(rig);
	if (run_wrong(run, rig_wrong(rig)))
		return false;
	if (rig->target.outcome != SEVLM_OUTCOME_COMPLETED)
		return !run_wrong(run, "fenced, and the guest does not run");
	/* its note, found later, learns it */
	return !has_note(&rig->source) || attempt(run, true);
}

bool resolve(struct run *run)
{
	struct rig *rig = &run->rig;
	bool waits = is(&rig->target, SEVLM_OUTCOME_IN_DOUBT) &&
		     speaks(&rig->target);

	if (!in_doubt(rig) || rig_one_in(&run->random, 8))
		return true;
	run->resolving = true;
	if (waits && rig->source.killed &&
	    (!has_note(&rig->source) || rig_one_in(&run->random, 3)))
		return fence(run);
	return meet(run);
}
