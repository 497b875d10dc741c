/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <linux/kvm.h>

#include "simulate.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
/* what the target says in its HELLO, about */
#define BACK_HELLO 11700u

static struct rig_random *chance(struct run *run)
{
	return &run->random;
}

static uint32_t draw_policy(struct run *run)
{
	static const uint32_t bits[] = {
		SEVLM_POLICY_NODBG,
		SEVLM_POLICY_NOKS,
		SEVLM_POLICY_SEV,
	};
	uint32_t policy = 0;

	for (size_t i = 0; i < COUNT(bits); i++)
		if (rig_one_in(chance(run), 4))
			policy |= bits[i];
	/* the least firmware version: 0.0 to 0.24 */
	policy |= (uint32_t)rig_below(chance(run), 25) << 24;
	if (rig_one_in(chance(run), 64))
		policy |= SEVLM_POLICY_DOMAIN;
	return policy;
}

static void draw_link(struct run *run)
{
	struct rig_plan *plan = &run->plan;
	uint64_t pages = plan->memory / RIG_PAGE;

	plan->bandwidth = rig_scale(chance(run), 2000000, 1000000000);
	plan->tick_ns = rig_scale(chance(run), 50000, 400000);
	if (rig_one_in(chance(run), 2))
		plan->latency_ns = rig_scale(chance(run), 10000, 20 * RIG_MS);
	/* tiny pieces for tiny guests, or it takes for ever */
	if (rig_one_in(chance(run), 2))
		plan->fragment =
			(uint32_t)rig_scale(chance(run), 1 + pages / 8, 65536);
}

/* Rounds of the rig that the first pass over the memory takes, roughly. */
static uint64_t expected_rounds(const struct rig_plan *plan)
{
	uint64_t pages = plan->memory / RIG_PAGE;
	double seconds = (double)plan->memory / (double)plan->bandwidth;
	double ticks = seconds * (double)RIG_SECOND / (double)plan->tick_ns;

	return (uint64_t)ticks + pages / (plan->batch ? plan->batch : 64) + 16;
}

static void draw_engines(struct run *run)
{
	struct rig_plan *plan = &run->plan;

	if (!rig_one_in(chance(run), 3))
		plan->batch = (uint32_t)rig_between(chance(run), 1, 64);
	if (rig_one_in(chance(run), 2))
		plan->max_rounds = (uint32_t)rig_between(chance(run), 1, 12);
	plan->stop_anyway = !rig_one_in(chance(run), 6);
	plan->downtime_ns = rig_scale(chance(run), RIG_MS, RIG_SECOND);
	plan->hello_ns = rig_between(chance(run), 1, 4) * RIG_SECOND;
	plan->stall_ns = rig_between(chance(run), 1, 4) * RIG_SECOND;
	plan->commit_ns = rig_between(chance(run), 1, 4) * RIG_SECOND;
}

static void draw_guest(struct run *run)
{
	struct rig_plan *plan = &run->plan;
	uint64_t pages = rig_scale(chance(run), 16, 512);

	plan->seed = rig_random(chance(run));
	plan->memory = pages * RIG_PAGE;
	plan->workload = (uint32_t)rig_below(chance(run), SEVLM_SIM_COUNTER + 1);
	plan->policy = draw_policy(run);
	plan->exported = rig_one_in(chance(run), 24);
	plan->device = rig_one_in(chance(run), 3);
	plan->interleave = rig_one_in(chance(run), 2);
	if (rig_one_in(chance(run), 3))
		plan->split = rig_between(chance(run), 1, pages - 1) * RIG_PAGE;
}

/* Of the target only what is true: it would end the migration. */
static void draw_blocks(struct run *run)
{
	struct rig_plan *plan = &run->plan;

	for (int i = 0; i < 2; i++) {
		plan->contiguous[i] = !rig_one_in(chance(run), 3);
		plan->old_kernel[i] = rig_one_in(chance(run), 8);
	}
	plan->scattered[0] = rig_one_in(chance(run), 6);
}

static void draw_speed(struct run *run)
{
	struct rig_plan *plan = &run->plan;
	uint64_t pages = plan->memory / RIG_PAGE;
	uint64_t steps = rig_scale(chance(run), 1, 4 * pages) * 1000;

	steps /= expected_rounds(plan);
	plan->steps = (uint32_t)(steps < 64000 ? steps + 1 : 64000);
}

static struct moment draw_moment(struct run *run)
{
	const struct rig_plan *plan = &run->plan;
	struct moment moment = {.target = rig_one_in(chance(run), 2)};

	if (rig_one_in(chance(run), 3)) {
		/* where most is at stake */
		moment.phase = SEVLM_PHASE_COMMIT;
		moment.steps = rig_below(chance(run), 8);
	} else if (rig_one_in(chance(run), 2)) {
		moment.phase = (uint32_t)rig_between(
			chance(run), SEVLM_PHASE_HELLO, SEVLM_PHASE_COMMIT);
		moment.steps = rig_scale(chance(run), 1, 16) - 1;
	} else {
		moment.steps =
			rig_below(chance(run), 2 * expected_rounds(plan));
	}
	return moment;
}

static void draw_cut(struct run *run)
{
	struct rig_plan *plan = &run->plan;
	struct dose *dose = &run->dose;
	uint64_t most = plan->memory + plan->memory / 8 + 32768;

	plan->cut_both = rig_one_in(chance(run), 2);
	plan->cut_seen[0] = rig_one_in(chance(run), 2);
	plan->cut_seen[1] = rig_one_in(chance(run), 2);
	dose->back = rig_one_in(chance(run), 2);
	switch (rig_below(chance(run), 4)) {
	case 0:
		plan->cut_at[0] = 1 + rig_below(chance(run), most);
		break;
	case 1:
		plan->cut_at[1] = 1 + rig_below(chance(run), BACK_HELLO + 200);
		break;
	default:
		dose->bytes = rig_scale(chance(run), 1, 4096) - 1;
		break;
	}
}

static void draw_firmware(struct run *run)
{
	static const uint32_t commands[] = {
		KVM_SEV_SEND_START,	  KVM_SEV_SEND_UPDATE_DATA,
		KVM_SEV_SEND_FINISH,	  KVM_SEV_SEND_CANCEL,
		KVM_SEV_RECEIVE_START,	  KVM_SEV_RECEIVE_UPDATE_DATA,
		KVM_SEV_RECEIVE_FINISH,	  KVM_SEV_GUEST_STATUS,
		KVM_SEV_SEND_UPDATE_DATA, KVM_SEV_RECEIVE_UPDATE_DATA,
		SEVLM_SIM_COMMAND_ACTIVATE,
	};
	static const uint32_t statuses[] = {1, 2, 4, 0x0b, 0x10, 0x13, 0x17};
	static const int errors[] = {EIO,   EINTR,  ETIMEDOUT, ENOMEM, EFAULT,
				     EBUSY, EAGAIN, EINVAL,    ENOTTY, EPERM};
	struct sevlm_sim_fault *fault = &run->dose.firmware;
	struct rig_random *random = chance(run);

	fault->size = sizeof(*fault);
	fault->command = commands[rig_below(random, COUNT(commands))];
	fault->where = (uint32_t)rig_between(random, SEVLM_SIM_FAULT_BEFORE,
					     SEVLM_SIM_FAULT_SILENT_LATE);
	/* nothing of it is copied out; and an ASID lost for good is none of
	 * the library's doing */
	if (fault->command == SEVLM_SIM_COMMAND_ACTIVATE)
		fault->where = (uint32_t)rig_between(
			random, SEVLM_SIM_FAULT_BEFORE, SEVLM_SIM_FAULT_STATUS);
	fault->status = statuses[rig_below(random, COUNT(statuses))];
	fault->error = errors[rig_below(random, COUNT(errors))];
	fault->times = 1;
	if (fault->command == KVM_SEV_SEND_UPDATE_DATA ||
	    fault->command == KVM_SEV_RECEIVE_UPDATE_DATA)
		fault->after = (uint32_t)rig_below(random,
						   run->plan.memory / RIG_PAGE);
	else if (fault->command == KVM_SEV_GUEST_STATUS)
		fault->after = (uint32_t)rig_below(random, 3);
	/* nobody cancels where nothing else is wrong */
	run->dose.twice = fault->command == KVM_SEV_SEND_CANCEL;
}

static void draw_want(struct run *run)
{
	static const struct {
		bool target;
		uint32_t want;
	} wants[] = {
		{false, SEVLM_WANT_DIRTY},  {false, SEVLM_WANT_PAUSE},
		{false, SEVLM_WANT_STATE},  {false, SEVLM_WANT_PERSIST},
		{true, SEVLM_WANT_STATE},   {true, SEVLM_WANT_PERSIST},
		{true, SEVLM_WANT_RUN},	    {true, SEVLM_WANT_REGION},
		{true, SEVLM_WANT_SESSION},
	};
	static const int errors[] = {-EIO,	  -ENOMEM,    -EINVAL,
				     -ECONNRESET, -ETIMEDOUT, -ENOSPC};
	uint64_t at = rig_below(chance(run), COUNT(wants));
	struct dose *dose = &run->dose;

	dose->moment.target = wants[at].target;
	dose->want = wants[at].want;
	dose->error = errors[rig_below(chance(run), COUNT(errors))];
	if (dose->want == SEVLM_WANT_DIRTY)
		dose->spare = (uint32_t)rig_below(chance(run), 3);
	if (dose->want == SEVLM_WANT_REGION)
		run->bustle.plug = true;
}

static void draw_dose(struct run *run)
{
	struct dose *dose = &run->dose;

	dose->fault =
		rig_one_in(chance(run), 5)
			? FAULT_NONE
			: 1 + (enum fault)rig_below(chance(run), FAULTS - 1);
	dose->moment = draw_moment(run);
	dose->second = draw_moment(run);
	dose->twice = rig_one_in(chance(run), 3);
	dose->told = rig_one_in(chance(run), 2);
	dose->consent = (enum consent)rig_below(chance(run), CONSENTS);
	if (dose->fault == FAULT_CUT)
		draw_cut(run);
	else if (dose->fault == FAULT_FIRMWARE)
		draw_firmware(run);
	else if (dose->fault == FAULT_WANT)
		draw_want(run);
}

static void draw_bustle(struct run *run)
{
	struct bustle *bustle = &run->bustle;

	bustle->skip = rig_one_in(chance(run), 3);
	bustle->mark = rig_one_in(chance(run), 3);
	bustle->plug = rig_one_in(chance(run), 4);
	bustle->unplug = rig_one_in(chance(run), 2);
	bustle->take = run->plan.split && rig_one_in(chance(run), 2);
}

void run_draw(struct run *run, uint64_t seed)
{
	const struct rig_plan *plan = &run->plan;

	memset(run, 0, sizeof(*run));
	run->seed = seed;
	run->random.state = seed;
	/* neighbours must not walk the same way one step apart */
	run->random.state = rig_random(&run->random);
	draw_guest(run);
	draw_engines(run);
	draw_link(run);
	draw_speed(run);
	draw_bustle(run);
	draw_dose(run);
	draw_blocks(run);
	/* two owners; and what the firmware exports is not signed by AMD */
	run->refused = plan->policy & SEVLM_POLICY_DOMAIN || plan->exported;
}

const char *fault_name(enum fault fault)
{
	static const char *const names[FAULTS] = {
		[FAULT_NONE] = "none",
		[FAULT_CUT] = "link cut",
		[FAULT_KILL] = "process killed",
		[FAULT_DROP] = "engine freed",
		[FAULT_CANCEL] = "cancel",
		[FAULT_FIRMWARE] = "firmware, ioctl",
		[FAULT_WANT] = "VMM cannot",
		[FAULT_READY] = "consent ends",
	};

	return names[fault];
}

static void describe_moment(const struct moment *moment, FILE *out)
{
	fprintf(out, " at %s's ", moment->target ? "target" : "source");
	if (moment->phase)
		fprintf(out, "phase %u + ", moment->phase);
	fprintf(out, "step %llu", (unsigned long long)moment->steps);
}

static void describe_dose(const struct dose *dose, FILE *out)
{
	fprintf(out, "fault: %s", fault_name(dose->fault));
	describe_moment(&dose->moment, out);
	if (dose->twice)
		describe_moment(&dose->second, out);
	if (dose->fault == FAULT_FIRMWARE)
		fprintf(out,
			", command %u where %u after %u status %u errno %d",
			dose->firmware.command, dose->firmware.where,
			dose->firmware.after, dose->firmware.status,
			dose->firmware.error);
	if (dose->fault == FAULT_WANT)
		fprintf(out, ", %s after %u, %d", rig_want_name(dose->want),
			dose->spare, dose->error);
	if (dose->fault == FAULT_CUT)
		fprintf(out, ", %llu bytes on",
			(unsigned long long)dose->bytes);
	fprintf(out, "\n");
}

void run_describe(const struct run *run, FILE *out)
{
	const struct rig_plan *plan = &run->plan;

	fprintf(out,
		"seed %llu: %llu KiB, workload %u, policy 0x%x, "
		"split 0x%llx%s%s, %u steps in 1000 rounds\n",
		(unsigned long long)run->seed,
		(unsigned long long)plan->memory >> 10, plan->workload,
		plan->policy, (unsigned long long)plan->split,
		plan->device ? ", device" : "",
		plan->interleave ? ", interleaved" : "", plan->steps);
	fprintf(out,
		"link: %llu bytes/s, %llu ns, pieces of %u; tick %llu ns\n",
		(unsigned long long)plan->bandwidth,
		(unsigned long long)plan->latency_ns, plan->fragment,
		(unsigned long long)plan->tick_ns);
	fprintf(out, "memory: source%s%s%s, target%s%s\n",
		plan->contiguous[0] ? " contiguous" : "",
		plan->scattered[0] ? " in error" : "",
		plan->old_kernel[0] ? " old kernel" : "",
		plan->contiguous[1] ? " contiguous" : "",
		plan->old_kernel[1] ? " old kernel" : "");
	fprintf(out, "engines: batch %u, %u rounds%s, downtime %llu ms\n",
		plan->batch, plan->max_rounds,
		plan->stop_anyway ? ", then stop" : "",
		(unsigned long long)(plan->downtime_ns / RIG_MS));
	describe_dose(&run->dose, out);
}
