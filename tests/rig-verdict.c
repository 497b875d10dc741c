/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "internal.h"
#include "rig.h"

#define DIGEST 32

static void differs(struct rig *rig, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void differs(struct rig *rig, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(rig->differs, sizeof(rig->differs), format, args);
	va_end(args);
	rig->same = false;
}

static void compare_ram(struct rig *rig)
{
	uint8_t there[DIGEST], here[DIGEST];

	if (sevlm_sim_vm_digest(rig->source.sim, here) ||
	    sevlm_sim_vm_digest(rig->target.sim, there))
		differs(rig, "no digest of the memory");
	else if (memcmp(here, there, DIGEST))
		differs(rig, "the memory's digests differ");
	else if (sevlm_sim_vm_steps(rig->source.sim) !=
		 sevlm_sim_vm_steps(rig->target.sim))
		differs(rig, "the workloads are at different steps");
	else if (sevlm_sim_vm_check(rig->target.sim, NULL, 0))
		differs(rig, "%s", sevlm_sim_vm_error(rig->target.sim));
}

static void compare_device(struct rig *rig)
{
	if (!rig->source.device.there)
		return;
	for (uint64_t i = 0; i < RIG_DEVICE_PAGES; i++)
		if (!(rig->freed >> i & 1) &&
		    memcmp(rig->source.device.mem + i * RIG_PAGE,
			   rig->target.device.mem + i * RIG_PAGE, RIG_PAGE))
			differs(rig, "page %u of the device differs",
				(unsigned int)i);
}

static void compare_plug(struct rig *rig)
{
	const struct rig_extra *here = &rig->source.plug;
	const struct rig_extra *there = &rig->target.plug;

	if (here->there != there->there)
		differs(rig, "plugged memory is at one side only");
	else if (here->there && rig->plug_type == SEVLM_REGION_SHARED &&
		 memcmp(here->mem, there->mem, here->bytes))
		differs(rig, "plugged memory differs");
}

void rig_compare(struct rig *rig)
{
	rig->same = true;
	compare_ram(rig);
	compare_device(rig);
	compare_plug(rig);
	rig_trace(rig, "memory: %s", rig->same ? "identical" : rig->differs);
}

static bool is(const struct rig_side *side, uint32_t outcome)
{
	return side->ended && side->outcome == outcome;
}

static bool nobody_knows(const struct rig_side *side)
{
	return is(side, SEVLM_OUTCOME_IN_DOUBT) ||
	       is(side, SEVLM_OUTCOME_LOST) ||
	       ((side->killed || side->dropped) && side->barred);
}

static const char *wrong_words(const struct rig_side *side)
{
	if (!side->ended || side->killed)
		return NULL;
	if (side->outcome == SEVLM_OUTCOME_NONE)
		return "an engine ended without an outcome";
	if (side->outcome != SEVLM_OUTCOME_COMPLETED && !side->error[0])
		return "an engine failed without a sentence";
	if (side->outcome != SEVLM_OUTCOME_COMPLETED && !side->cause)
		return "an engine failed without a cause";
	if (side->cause > 0 || side->cause != sevlm__public_error(side->cause))
		return "a cause that is not in the closed set";
	if (side->outcome == SEVLM_OUTCOME_COMPLETED && side->cause)
		return "an engine succeeded with a cause of failure";
	if (strchr(side->error, '\n'))
		return "a sentence with a newline in it";
	return NULL;
}

static const char *wrong_guest(struct rig_side *side)
{
	if (!side->running || side->killed)
		return NULL;
	rig_vmm_settle(side);
	if (!sevlm_sim_vm_check(side->sim, NULL, 0))
		return NULL;
	return sevlm_sim_vm_error(side->sim);
}

static const char *wrong_place(struct rig *rig)
{
	const struct rig_side *source = &rig->source, *target = &rig->target;

	if (rig->both || (source->running && target->ran))
		return "both sides ran the guest";
	if (target->ran && !rig->same && !rig->excused)
		return rig->differs;
	if (target->ran && !target->killed && !target->dropped &&
	    target->outcome != SEVLM_OUTCOME_COMPLETED)
		return "the target runs the guest and does not say so";
	if (!target->ran && !rig->excused &&
	    (is(source, SEVLM_OUTCOME_COMPLETED) ||
	     is(target, SEVLM_OUTCOME_COMPLETED)))
		return "completed, but the target never ran the guest";
	if (!source->running && !target->ran && !source->killed &&
	    !nobody_knows(source) && !nobody_knows(target))
		return "nobody runs the guest, and nobody says so";
	if (source->ended && source->running &&
	    source->outcome != SEVLM_OUTCOME_ABORTED &&
	    source->outcome != SEVLM_OUTCOME_CANCELLED)
		return "the source runs the guest under another outcome";
	return NULL;
}

const char *rig_wrong(struct rig *rig)
{
	const char *ret = NULL;

	if (rig->hung || !rig_done(rig))
		ret = "it hangs";
	if (!ret)
		ret = wrong_place(rig);
	if (!ret)
		ret = wrong_words(&rig->source);
	if (!ret)
		ret = wrong_words(&rig->target);
	if (!ret)
		ret = wrong_guest(&rig->source);
	if (!ret && !rig->excused)
		ret = wrong_guest(&rig->target);
	return ret;
}

static const char *wrong_counts(const struct rig *rig)
{
	const struct sevlm_progress *here = &rig->source.progress;
	const struct sevlm_progress *there = &rig->target.progress;

	if (here->private_pages != there->private_pages ||
	    here->shared_pages != there->shared_pages ||
	    here->zero_pages != there->zero_pages ||
	    here->skipped_pages != there->skipped_pages)
		return "the two sides count other pages";
	if (here->bytes + 8 != there->bytes)
		return "the two sides count other bytes";
	if (here->pages_total != there->pages_total)
		return "the two sides have other totals";
	return NULL;
}

const char *rig_not_perfect(struct rig *rig)
{
	const char *ret = rig_wrong(rig);

	if (!ret && !is(&rig->source, SEVLM_OUTCOME_COMPLETED))
		ret = rig->source.error;
	if (!ret && !is(&rig->target, SEVLM_OUTCOME_COMPLETED))
		ret = rig->target.error;
	if (!ret && rig->source.error[0])
		ret = rig->source.error;
	if (!ret && rig->target.error[0])
		ret = rig->target.error;
	return ret ? ret : wrong_counts(rig);
}
