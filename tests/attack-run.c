/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <linux/kvm.h>

#include "attack.h"

#define ASIDS 2u

/* ---- the scene ---------------------------------------------------------- */

static void draw_plan(struct rig_plan *plan, uint64_t number)
{
	static const uint32_t workloads[] = {SEVLM_SIM_FLIP, SEVLM_SIM_RANDOM,
					     SEVLM_SIM_HOT, SEVLM_SIM_FLIP};
	struct rig_random random = {number * 7919 + 1};
	uint64_t pages = rig_between(&random, 72, 112);

	*plan = (struct rig_plan){
		.seed = rig_random(&random),
		.memory = pages * RIG_PAGE,
		.workload = workloads[rig_below(&random, 4)],
		.steps = (uint32_t)rig_between(&random, 500, 6000),
		.device = true,
		.batch = (uint32_t)rig_between(&random, 12, 20),
		.bandwidth = 200000000,
		.max_rounds = (uint32_t)rig_between(&random, 2, 5),
		.stop_anyway = 1,
		.downtime_ns = RIG_MS / 4,
		.hello_ns = RIG_SECOND,
		.stall_ns = RIG_SECOND,
		.commit_ns = RIG_SECOND,
	};
	if (rig_one_in(&random, 2))
		plan->split = rig_between(&random, 1, pages - 1) * RIG_PAGE;
	if (rig_one_in(&random, 3))
		plan->fragment = 4096;
}

/* ---- the other run, recorded -------------------------------------------- */

static void record(struct attack *attack, bool back, const uint8_t *bytes,
		   size_t count)
{
	struct scene *scene = (void *)(uintptr_t)attack->tapes;

	wire_put(attack, back, bytes, count);
	if (!tape_add(&scene->tapes[back], bytes, count))
		attack->wrong = "no memory";
}

static bool meet(struct attack *attack)
{
	const struct kind *kind = attack->kind;
	struct rig *rig = &attack->rig;

	rig->hooks.data = attack;
	rig->hooks.wire = kind->wire ? kind->wire : wire_take;
	rig->hooks.arrive = kind->arrive;
	rig->hooks.round = kind->round;
	return !dress_up(rig, &attack->random) &&
	       (!kind->begin || kind->begin(attack)) && !rig_start(rig);
}

static void part(struct attack *attack)
{
	if (attack->kind->end)
		attack->kind->end(attack);
	free(attack->held);
	attack->held = NULL;
	rig_close(&attack->rig);
	tape_free(&attack->said);
	wire_free(&attack->wires[0]);
	wire_free(&attack->wires[1]);
}

static bool record_scene(struct scene *scene, const struct kind *kind)
{
	static struct attack attack;
	struct kind recorder = *kind;
	struct rig *rig = &attack.rig;
	bool ret = false;

	recorder.record = record;
	memset(&attack, 0, sizeof(attack));
	attack.kind = &recorder;
	attack.tapes = (void *)scene;
	attack.random.state = ~scene->number;
	if (rig_open(rig, &scene->hosts, &scene->plan))
		return false;
	if (meet(&attack)) {
		rig_run(rig);
		ret = !rig_not_perfect(rig) && !attack.wrong;
		scene->sessions = rig->sessions;
	}
	part(&attack);
	return ret;
}

bool scene_open(struct scene *scene, const struct kind *kind, uint64_t number)
{
	memset(scene, 0, sizeof(*scene));
	scene->number = number;
	draw_plan(&scene->plan, number);
	if (rig_hosts_new(&scene->hosts, scene->plan.seed, ASIDS))
		return false;
	scene->open = true;
	return record_scene(scene, kind);
}

void scene_close(struct scene *scene)
{
	if (scene->open)
		rig_hosts_free(&scene->hosts);
	tape_free(&scene->tapes[0]);
	tape_free(&scene->tapes[1]);
	scene->open = false;
}

/* ---- what is true when the target may run ------------------------------- */

static bool wrong(struct attack *attack, const char *what)
{
	if (!what || attack->wrong)
		return attack->wrong != NULL;
	snprintf(attack->sentence, sizeof(attack->sentence), "%s", what);
	attack->wrong = attack->sentence;
	return true;
}

uint64_t attack_mend(uint8_t *to, const uint8_t *from, size_t bytes)
{
	uint64_t ret = 0;

	for (size_t i = 0; i < bytes; i++)
		ret += to[i] != from[i];
	memcpy(to, from, bytes);
	return ret;
}

/* Puts the shared pages right; what is still wrong then is wrong elsewhere. */
static void mend_shared(struct attack *attack)
{
	struct rig_side *from = &attack->rig.source, *to = &attack->rig.target;

	for (uint64_t gpa = 0; gpa < attack->plan.memory; gpa += RIG_PAGE)
		if (sevlm_sim_vm_shared(from->sim, gpa))
			attack->altered += attack_mend(
				to->ram + gpa, from->ram + gpa, RIG_PAGE);
	attack->altered += attack_mend(to->device.mem, from->device.mem,
				       from->device.bytes);
	attack->altered += dress_mend();
}

static bool same_state(struct rig *rig, uint64_t gpa)
{
	uint32_t here, there;
	uint64_t bytes;

	return !sevlm_vm_page_state(rig->source.vm, gpa, &here, &bytes) &&
	       !sevlm_vm_page_state(rig->target.vm, gpa, &there, &bytes) &&
	       here == there;
}

static bool same_states(struct rig *rig)
{
	for (uint64_t gpa = 0; gpa < rig->plan.memory; gpa += RIG_PAGE)
		if (!same_state(rig, gpa))
			return false;
	for (uint64_t i = 0; i < BANK_PAGES; i++)
		if (!same_state(rig, BANK_GPA + i * RIG_PAGE))
			return false;
	return true;
}

static bool same_guest(struct rig *rig)
{
	struct sevlm_guest_status here = {.size = sizeof(here)}, there = here;
	uint32_t offered, taken;

	return !sevlm_vm_guest_status(rig->source.vm, &here) &&
	       !sevlm_vm_guest_status(rig->target.vm, &there) &&
	       here.policy == there.policy &&
	       !sevlm_vm_control(rig->source.vm, &offered) &&
	       !sevlm_vm_control(rig->target.vm, &taken) && offered == taken;
}

static int answer(struct rig_side *side, uint32_t want)
{
	struct rig *rig = side->rig;
	struct attack *attack = rig->hooks.data;
	int ret;

	if (!side->target || want != SEVLM_WANT_RUN)
		return rig_vmm_answer(side, want);
	attack->due = attack->kind->due(attack);
	rig->excused = attack->due == DUE_CONTAINED;
	if (attack->due == DUE_SPARED)
		mend_shared(attack);
	ret = rig_vmm_answer(side, want);
	if (!rig->excused && !same_states(rig))
		wrong(attack, "the two sides have other page states");
	if (!rig->excused && dress_mend())
		wrong(attack, "the bank's shared page differs");
	if (!rig->excused && !same_guest(rig))
		wrong(attack, "the two sides have another policy or consent");
	return ret;
}

/* ---- the judgement ------------------------------------------------------ */

static bool completed(const struct rig_side *side)
{
	return side->ended && side->outcome == SEVLM_OUTCOME_COMPLETED;
}

static bool both_completed(const struct rig *rig)
{
	return completed(&rig->source) && completed(&rig->target);
}

static const char *not_refused(const struct rig *rig)
{
	return rig->target.ran || completed(&rig->source)
		       ? "the attack went through"
		       : NULL;
}

static const char *not_due(struct attack *attack)
{
	struct rig *rig = &attack->rig;

	switch (attack->due) {
	case DUE_PERFECT:
	case DUE_SPARED:
		return both_completed(rig) ? NULL : "no harm, but it failed";
	case DUE_UNLOADED:
		if (rig->target.asked & SEVLM_WANT_STATE)
			return "the VMM was given what was not verified";
		return not_refused(rig);
	case DUE_HELLO:
		if (attack->starts[!attack->back])
			return "firmware was asked in spite of a bad HELLO";
		return not_refused(rig);
	case DUE_REFUSED:
	case DUE_VMM:
		return not_refused(rig);
	case DUE_EITHER:
		return completed(&rig->source) != completed(&rig->target)
			       ? "one side completed"
			       : NULL;
	case DUE_LATE:
		return completed(&rig->source) ? "the source took a forged word"
					       : NULL;
	default:
		return NULL;
	}
}

/* refused, but not for what is wrong with it */
static const char *other_reason(const struct attack *attack)
{
	const char *says =
		attack->kind->says ? attack->kind->says(attack) : NULL;

	return says && !strstr(attack->ends[1], says)
		       ? "the target ended for another reason"
		       : NULL;
}

static const char *unasked(const struct attack *attack)
{
	/* 2: the magic bytes and a HELLO */
	if (attack->starts[1] && attack->wires[ATTACK_BACK].index < 2)
		return "RECEIVE_START for a peer that was not answered";
	if (attack->starts[0] && !attack->starts[1] &&
	    attack->wires[ATTACK_THERE].index < 2)
		return "SEND_START before HELLO";
	return dress_untouched() ? NULL : "a page where none belongs";
}

/* Can the guest that stayed be moved when nobody attacks? */
static bool again(struct attack *attack)
{
	struct rig *rig = &attack->rig;
	int ret = rig_again(rig);

	attack->again = true;
	if (!ret)
		ret = dress_off(&rig->source);
	if (!ret)
		ret = rig_start(rig);
	if (ret)
		return !wrong(attack, sevlm_vm_error(rig->source.vm));
	rig_run(rig);
	return !wrong(attack, rig_not_perfect(rig));
}

static void run_on(struct rig_side *side)
{
	if (side->running)
		rig_vmm_run(side, 32);
}

static bool judge(struct attack *attack)
{
	struct rig *rig = &attack->rig;

	attack->outcome[0] = rig->source.outcome;
	attack->outcome[1] = rig->target.outcome;
	memcpy(attack->ends[0], rig->source.error, sizeof(attack->ends[0]));
	memcpy(attack->ends[1], rig->target.error, sizeof(attack->ends[1]));
	attack->due = attack->kind->due(attack);
	rig->excused = attack->due == DUE_CONTAINED;
	run_on(&rig->source);
	run_on(&rig->target);
	if (wrong(attack, rig_wrong(rig)) || wrong(attack, unasked(attack)) ||
	    wrong(attack, not_due(attack)) ||
	    wrong(attack, other_reason(attack)))
		return false;
	if (attack->kind->after)
		return !wrong(attack, attack->kind->after(attack));
	if (!attack->struck && wrong(attack, rig_not_perfect(rig)))
		return false;
	if (rig->source.running && rig_one_in(&attack->random, 4))
		return again(attack);
	return true;
}

static uint64_t commands(struct rig_side *side)
{
	return sevlm_sim_host_commands(side->host,
				       side->target ? KVM_SEV_RECEIVE_START
						    : KVM_SEV_SEND_START);
}

/* The channel was attacked before anybody could say a word in it. */
static bool judge_unmet(struct attack *attack)
{
	struct rig *rig = &attack->rig;

	attack->due = attack->kind->due(attack);
	run_on(&rig->source);
	if (attack->starts[0] || attack->starts[1])
		return !wrong(attack, "firmware was asked without a channel");
	if (!attack->struck)
		return !wrong(attack, "no channel, and nobody attacked");
	return !wrong(attack, rig_wrong(rig));
}

static bool start(struct attack *attack)
{
	struct rig *rig = &attack->rig;
	uint64_t before[2] = {commands(&rig->source), commands(&rig->target)};
	bool met;

	rig->hooks.answer = answer;
	met = meet(attack);
	if (met)
		rig_run(rig);
	else if (!attack->never_met)
		return !wrong(attack, "the engines cannot be made");
	attack->starts[0] = commands(&rig->source) - before[0];
	attack->starts[1] = commands(&rig->target) - before[1];
	return met ? judge(attack) : judge_unmet(attack);
}

bool attack_run(struct attack *attack, struct scene *scene, FILE *trace)
{
	bool ret = false;

	attack->rig.trace = trace;
	attack->plan = scene->plan;
	attack->tapes = scene->tapes;
	if (!rig_open(&attack->rig, &scene->hosts, &scene->plan)) {
		attack->rig.sessions = scene->sessions;
		ret = start(attack);
	} else {
		wrong(attack, "the rig cannot be put up");
	}
	part(attack);
	if (!rig_hosts_clean(&scene->hosts))
		ret = !wrong(attack, "a guest context or an ASID is left");
	return ret && !attack->wrong;
}

const char *due_name(enum due due)
{
	static const char *const names[DUES] = {
		[DUE_PERFECT] = "harmless",
		[DUE_SPARED] = "bytes of shared pages",
		[DUE_REFUSED] = "refused",
		[DUE_VMM] = "refused by the VMM",
		[DUE_UNLOADED] = "refused before END",
		[DUE_HELLO] = "refused in HELLO",
		[DUE_EITHER] = "refused or harmless",
		[DUE_LATE] = "never believed",
		[DUE_SAFE] = "safe",
		[DUE_CONTAINED] = "contained",
	};

	return names[due];
}
