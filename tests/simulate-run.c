/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <linux/kvm.h>

#include "simulate.h"

#define REDIRTY_LATER 12u

static struct run *run_of(struct rig *rig)
{
	return rig->hooks.data;
}

static struct rig_side *side_of(struct run *run, bool target)
{
	return target ? &run->rig.target : &run->rig.source;
}

static bool now(struct run *run, struct moment *moment)
{
	const struct rig_side *side = side_of(run, moment->target);

	if (moment->passed)
		return false;
	if (!moment->armed && side->phase >= moment->phase) {
		moment->armed = true;
		moment->steps += moment->phase ? side->steps : 0;
	}
	moment->passed = moment->armed && side->steps >= moment->steps;
	return moment->passed;
}

/* ---- faults ------------------------------------------------------------- */

static bool alive(const struct rig_side *side)
{
	return !side->ended && !side->killed && !side->dropped &&
	       (side->source_engine || side->target_engine);
}

static void strike_cut(struct run *run)
{
	struct rig_pipe *pipe =
		run->dose.back ? &run->rig.back : &run->rig.there;

	if (!run->plan.cut_at[0] && !run->plan.cut_at[1])
		pipe->cut_at = pipe->out + run->dose.bytes;
}

static void strike_kill(struct run *run)
{
	struct rig_side *side = side_of(run, run->dose.moment.target);

	run->dose.struck = alive(side);
	if (alive(side))
		rig_kill(side, run->dose.told);
}

static void strike_drop(struct run *run)
{
	struct rig_side *side = side_of(run, run->dose.moment.target);

	run->dose.struck = alive(side);
	if (alive(side))
		rig_drop(side, run->dose.told);
}

static void cancel(struct run *run, bool target)
{
	struct rig_side *side = side_of(run, target);

	if (!alive(side))
		return;
	run->dose.struck = true;
	rig_cancel(side);
}

static void strike_cancel(struct run *run)
{
	cancel(run, run->dose.moment.target);
}

static void strike_ready(struct run *run)
{
	const uint64_t wild[6] = {1, 1, 0};
	struct sevlm_vm *vm = run->rig.source.vm;
	uint64_t ret;

	if (!alive(&run->rig.source))
		return;
	run->dose.struck = true;
	rig_trace(&run->rig, "source: consent ends, kind %d",
		  run->dose.consent);
	if (run->dose.consent == CONSENT_READY)
		sevlm_vm_wrmsr(vm, SEVLM_MSR_MIGRATION_CONTROL, 0);
	else if (run->dose.consent == CONSENT_HANG_UP)
		sevlm_vm_hang_up(vm);
	else
		sevlm_vm_hypercall(vm, 12, wild, &ret);
}

static void strike_nothing(struct run *run)
{
	(void)run;
}

static void strike(struct run *run)
{
	static void (*const strikes[FAULTS])(struct run * run) = {
		[FAULT_NONE] = strike_nothing,
		[FAULT_CUT] = strike_cut,
		[FAULT_KILL] = strike_kill,
		[FAULT_DROP] = strike_drop,
		[FAULT_CANCEL] = strike_cancel,
		[FAULT_FIRMWARE] = strike_nothing,
		[FAULT_WANT] = strike_nothing,
		[FAULT_READY] = strike_ready,
	};
	struct dose *dose = &run->dose;
	bool cancels =
		dose->fault == FAULT_CANCEL || dose->fault == FAULT_FIRMWARE;

	if (now(run, &dose->moment))
		strikes[dose->fault](run);
	if (cancels && dose->twice && now(run, &dose->second))
		cancel(run, dose->second.target);
}

static bool length_query(const struct kvm_sev_cmd *cmd)
{
	const struct kvm_sev_send_start *start =
		(const void *)(uintptr_t)cmd->data;

	return cmd->id == KVM_SEV_SEND_START && !start->session_len;
}

/* KVM gives ACTIVATE to firmware within START. */
static bool fault_is_in(const struct sevlm_sim_fault *fault, uint32_t id)
{
	return fault->command == id ||
	       (fault->command == SEVLM_SIM_COMMAND_ACTIVATE &&
		id == KVM_SEV_RECEIVE_START);
}

static int door(struct rig_side *side, uint32_t request, void *arg)
{
	struct run *run = run_of(side->rig);
	const struct kvm_sev_cmd *cmd = arg;
	bool query = request == KVM_MEMORY_ENCRYPT_OP && length_query(cmd);
	int ret = rig_vmm_door(side, request, arg);

	if (ret < 0 && request == KVM_MEMORY_ENCRYPT_OP &&
	    run->dose.fault == FAULT_FIRMWARE &&
	    fault_is_in(&run->dose.firmware, cmd->id) &&
	    !(query && cmd->error == 4 && run->dose.firmware.status != 4)) {
		run->dose.struck = true;
		run->dead |= ret == -ETIMEDOUT &&
			     run->dose.firmware.where >= SEVLM_SIM_FAULT_SILENT;
		run->left += cmd->id == KVM_SEV_RECEIVE_START &&
			     run->dose.firmware.where == SEVLM_SIM_FAULT_LATE;
		rig_trace(side->rig, "%s: command %u fails, %d, status 0x%x",
			  side->name, cmd->id, ret, cmd->error);
	}
	return ret;
}

static bool cannot(struct run *run, struct rig_side *side, uint32_t want)
{
	struct dose *dose = &run->dose;

	if (dose->fault != FAULT_WANT || dose->struck ||
	    side->target != dose->moment.target || want != dose->want)
		return false;
	if (dose->spare) {
		dose->spare--;
		return false;
	}
	dose->struck = true;
	return true;
}

/* ---- bustle ------------------------------------------------------------- */

static void write_again(struct run *run, bool all)
{
	struct redirty *at;

	for (uint32_t i = 0; i < run->redirties;) {
		at = &run->redirty[i];
		if (!all && run->rig.rounds < at->round) {
			i++;
			continue;
		}
		sevlm_vm_mark_dirty(run->rig.source.vm, at->gpa, at->bytes);
		*at = run->redirty[--run->redirties];
	}
}

/* This guest frees nothing: what is skipped is written again in time. */
static void skip(struct run *run)
{
	struct redirty *at = &run->redirty[run->redirties];
	uint64_t pages = run->plan.memory / RIG_PAGE, first, count;
	struct rig_random *random = &run->rig.random;

	if (run->redirties == REDIRTY_MAX || !rig_one_in(random, 12))
		return;
	first = rig_below(random, pages);
	count = rig_between(random, 1, pages - first);
	at->gpa = first * RIG_PAGE;
	at->bytes = count * RIG_PAGE;
	at->round = run->rig.rounds + rig_below(random, REDIRTY_LATER);
	run->redirties++;
	run->bustled[0]++;
	sevlm_vm_skip(run->rig.source.vm, at->gpa, at->bytes);
	if (!run->rig.source.device.there)
		return;
	first = rig_below(random, RIG_DEVICE_PAGES);
	run->rig.freed |= 1ull << first;
	sevlm_vm_skip(run->rig.source.vm, RIG_DEVICE_GPA + first * RIG_PAGE,
		      RIG_PAGE);
}

static void mark(struct run *run)
{
	struct rig_random *random = &run->rig.random;
	uint64_t gpa;

	if (!rig_one_in(random, 24))
		return;
	gpa = rig_below(random, run->plan.memory);
	run->bustled[1]++;
	sevlm_vm_mark_dirty(run->rig.source.vm, gpa,
			    rig_scale(random, 1, 5 * RIG_PAGE));
}

static void plug(struct run *run)
{
	struct rig_random *random = &run->rig.random;
	bool there = run->rig.source.plug.there;

	if (!rig_one_in(random, 2))
		return;
	if (!there && !run->bustled[2])
		run->bustled[2] += !rig_vmm_plug(
			&run->rig, rig_one_in(random, 2)
					   ? SEVLM_REGION_SHARED
					   : SEVLM_REGION_TRACKED);
	else if (there && run->bustle.unplug)
		run->bustled[3] += !rig_vmm_unplug(&run->rig);
}

static void take(struct run *run)
{
	if (!rig_one_in(&run->rig.random, 2))
		return;
	if (run->rig.ram_taken)
		rig_vmm_give_ram(&run->rig);
	else if (run->bustled[4] < 3)
		run->bustled[4] += !rig_vmm_take_ram(&run->rig);
}

static void bustle(struct run *run)
{
	const struct bustle *what = &run->bustle;
	struct rig_side *source = &run->rig.source;

	if (rig_one_in(&run->rig.random, 3))
		rig_vmm_device(&run->rig);
	write_again(run, false);
	if (source->phase != SEVLM_PHASE_PRECOPY || !source->running ||
	    !alive(source))
		return;
	if (what->skip)
		skip(run);
	if (what->mark)
		mark(run);
	if (what->plug)
		plug(run);
	if (what->take)
		take(run);
}

static void before_round(struct rig *rig)
{
	struct run *run = run_of(rig);

	if (run->resolving) {
		resolve_round(run);
		return;
	}
	bustle(run);
	strike(run);
}

static int answer(struct rig_side *side, uint32_t want)
{
	struct run *run = run_of(side->rig);

	if (run->resolving)
		return resolve_answer(run, side, want);
	if (cannot(run, side, want))
		return run->dose.error;
	if (want == SEVLM_WANT_PAUSE)
		write_again(run, true);
	return rig_vmm_answer(side, want);
}

/* ---- the judgement ------------------------------------------------------ */

bool run_wrong(struct run *run, const char *what)
{
	if (!what)
		return false;
	snprintf(run->sentence, sizeof(run->sentence), "%s", what);
	run->wrong = run->sentence;
	return true;
}

static bool ended_as(const struct rig_side *side, uint32_t a, uint32_t b)
{
	return side->outcome == a || side->outcome == b;
}

/* Rounds used up, and the VMM did not want to stop the guest anyway. */
static bool gave_up(const struct run *run)
{
	const struct rig_side *source = &run->rig.source;

	return !run->plan.stop_anyway && source->cause == -ETIMEDOUT &&
	       source->outcome == SEVLM_OUTCOME_ABORTED;
}

/* Firmware has done it, whatever it or KVM said: that is a success. */
static bool done_after_all(const struct run *run)
{
	const struct sevlm_sim_fault *fault = &run->dose.firmware;

	return run->dose.fault == FAULT_FIRMWARE && !run->dose.twice &&
	       (fault->where == SEVLM_SIM_FAULT_AFTER ||
		fault->where == SEVLM_SIM_FAULT_LATE) &&
	       (fault->command == KVM_SEV_SEND_FINISH ||
		fault->command == KVM_SEV_RECEIVE_FINISH);
}

/* What waits for firmware does not go on, but behind the commit nothing is to
 * be waited for. */
static const char *expected_of_the_dead(const struct run *run)
{
	bool late = run->dose.firmware.command == KVM_SEV_SEND_FINISH;

	if (run->rig.target.ran == late)
		return NULL;
	return late ? "SEND_FINISH was not answered, and the guest did not run"
		    : "firmware did not answer, and the guest moved";
}

static const char *expected(struct run *run)
{
	struct rig *rig = &run->rig;
	const struct rig_side *source = &rig->source, *target = &rig->target;

	if (run->refused)
		return target->ran ? "firmware's policy was passed over" : NULL;
	if (gave_up(run))
		return NULL;
	if (run->dead)
		return expected_of_the_dead(run);
	if (done_after_all(run) ||
	    (!run->dose.struck && run->dose.fault != FAULT_CUT))
		return rig_not_perfect(rig);
	if (run->dose.fault == FAULT_CANCEL &&
	    (!ended_as(source, SEVLM_OUTCOME_CANCELLED,
		       SEVLM_OUTCOME_COMPLETED) ||
	     source->outcome != target->outcome))
		return "cancelled, and another outcome";
	if (run->dose.fault == FAULT_READY &&
	    (!ended_as(source, SEVLM_OUTCOME_ABORTED,
		       SEVLM_OUTCOME_COMPLETED) ||
	     source->outcome != target->outcome))
		return "consent ended, and another outcome";
	return NULL;
}

/* Can the guest that stayed be moved after all? */
static bool again(struct run *run)
{
	struct rig *rig = &run->rig;
	bool gone = run->dose.struck && run->dose.fault == FAULT_READY &&
		    run->dose.consent != CONSENT_READY;
	int ret = rig_again(rig);

	if (run->dose.struck && run->dose.fault == FAULT_READY &&
	    run->dose.consent == CONSENT_READY)
		sevlm_vm_wrmsr(rig->source.vm, SEVLM_MSR_MIGRATION_CONTROL,
			       SEVLM_MSR_READY);
	run->again = true;
	if (!ret)
		ret = rig_start(rig);
	if (gone)
		return !run_wrong(run,
			      ret == -EPERM ? NULL : "sent without consent");
	if (ret)
		return !run_wrong(run, sevlm_vm_error(rig->source.vm));
	rig_run(rig);
	return !run_wrong(run, rig_not_perfect(rig));
}

static bool and_back(struct run *run)
{
	struct rig *rig = &run->rig;
	int ret = rig_turn(rig);

	run->turned = true;
	if (!ret)
		ret = rig_start(rig);
	if (ret)
		return !run_wrong(run, sevlm_vm_error(rig->source.vm));
	rig_run(rig);
	return !run_wrong(run, rig_not_perfect(rig));
}

static void remember(struct run *run)
{
	const struct rig *rig = &run->rig;

	run->outcome[0] = rig->source.outcome;
	run->outcome[1] = rig->target.outcome;
	run->hash[0] = rig->there.hash;
	run->hash[1] = rig->back.hash;
	run->bytes[0] = rig->there.in;
	run->bytes[1] = rig->back.in;
	if (run->dose.fault == FAULT_CUT)
		run->dose.struck = rig->cut_told;
}

static void remember_resolved(struct run *run)
{
	const struct rig *rig = &run->rig;

	run->resolved[0] = rig->source.outcome;
	run->resolved[1] = rig->target.outcome;
	if (!run->resolving)
		return;
	run->hash[0] ^= rig->there.hash;
	run->hash[1] ^= rig->back.hash;
}

static void run_on(struct rig_side *side)
{
	if (side->running && !side->killed)
		rig_vmm_run(side, 32);
}

static bool judge(struct run *run)
{
	struct rig *rig = &run->rig;

	remember(run);
	run_on(&rig->source);
	run_on(&rig->target);
	if (run_wrong(run, rig_wrong(rig)) || run_wrong(run, expected(run)))
		return false;
	if (run->refused)
		return true;
	if (!resolve(run))
		return false;
	remember_resolved(run);
	if (run->dead)
		return true;
	if (rig->source.running && !rig->source.killed && !rig->source.resolver &&
	    rig_one_in(&run->random, 2))
		return again(run);
	if (rig->target.ran && !rig->target.killed && !rig->target.dropped &&
	    rig_one_in(&run->random, 8))
		return and_back(run);
	return true;
}

static bool plant(struct run *run)
{
	struct rig *rig = &run->rig;

	if (run->dose.fault != FAULT_FIRMWARE)
		return true;
	return !sevlm_sim_host_fail(rig->source.host, &run->dose.firmware) &&
	       !sevlm_sim_host_fail(rig->target.host, &run->dose.firmware);
}

bool run_do(struct run *run, const struct rig_hosts *hosts, FILE *trace)
{
	struct rig *rig = &run->rig;
	bool ret = false;

	rig->trace = trace;
	if (rig_open(rig, hosts, &run->plan)) {
		run_wrong(run, "the rig cannot be put up");
		return false;
	}
	rig->hooks = (struct rig_hooks){
		.data = run,
		.round = before_round,
		.door = door,
		.answer = answer,
	};
	if (!plant(run) || rig_start(rig)) {
		run_wrong(run, "the engines cannot be made");
	} else {
		rig_run(rig);
		ret = judge(run);
	}
	rig_close(rig);
	return ret;
}
