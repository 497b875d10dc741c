/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a VMM does, done right. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kvm.h>

#include "rig.h"

#define VCPU_ID 0u
#define DEVICE_ID 0x100u
#define DEVICE_TEXT "a device that has a counter"

static bool steps_within(struct rig_side *side, const void *arg)
{
	const struct kvm_sev_cmd *cmd = arg;

	return side->rig->plan.interleave && side->running &&
	       cmd->id == KVM_SEV_SEND_UPDATE_DATA &&
	       rig_one_in(&side->rig->random, 8);
}

/* Other threads do not wait for a firmware command: the vCPU runs on. */
int rig_vmm_door(struct rig_side *side, uint32_t request, void *arg)
{
	bool within =
		request == KVM_MEMORY_ENCRYPT_OP && steps_within(side, arg);
	int ret;

	if (request == KVM_CHECK_EXTENSION &&
	    (uintptr_t)arg == RIG_CAP_PACKET &&
	    side->rig->plan.old_kernel[side->target])
		return 0;
	if (within)
		rig_vmm_run(side, rig_below(&side->rig->random, 8));
	ret = sevlm_sim_ops()->vm(side->sim, request, arg);
	if (within)
		rig_vmm_run(side, rig_below(&side->rig->random, 8));
	return ret;
}

uint64_t rig_vmm_hypercall(struct rig_side *side, const uint64_t *args)
{
	uint64_t ret = 0;

	sevlm_vm_hypercall(side->vm, side->exit.nr, args, &ret);
	return ret;
}

static uint64_t exit_answer(struct rig_side *side)
{
	struct rig_hooks *hooks = &side->rig->hooks;

	if (side->exit.reason == SEVLM_SIM_EXIT_IN)
		return ++side->counter.value;
	if (side->exit.reason == SEVLM_SIM_EXIT_WRMSR)
		return sevlm_vm_wrmsr(side->vm, side->exit.index,
				      side->exit.data)
			       ? 1
			       : 0;
	return hooks->hypercall ? hooks->hypercall(side, side->exit.args)
				: rig_vmm_hypercall(side, side->exit.args);
}

static void answer_exit(struct rig_side *side)
{
	if (!side->in_exit)
		return;
	side->in_exit = false;
	sevlm_sim_vm_answer(side->sim, exit_answer(side));
}

/* An exit may wait for the VMM while the engine goes on. */
void rig_vmm_run(struct rig_side *side, uint64_t steps)
{
	uint64_t end = sevlm_sim_vm_steps(side->sim) + steps;
	uint64_t now;

	while ((now = sevlm_sim_vm_steps(side->sim)) < end) {
		answer_exit(side);
		side->exit.size = sizeof(side->exit);
		if (sevlm_sim_vm_run(side->sim, end - now, &side->exit))
			return;
		side->in_exit = side->exit.reason != SEVLM_SIM_EXIT_INTR;
		if (side->in_exit && rig_one_in(&side->rig->random, 4))
			return;
	}
}

void rig_vmm_settle(struct rig_side *side)
{
	while (side->in_exit) {
		answer_exit(side);
		side->exit.size = sizeof(side->exit);
		sevlm_sim_vm_run(side->sim, 0, &side->exit);
		side->in_exit = side->exit.reason != SEVLM_SIM_EXIT_INTR;
	}
}

int rig_vmm_harvest(struct rig *rig)
{
	uint64_t pages = rig->plan.memory / RIG_PAGE;
	int ret = sevlm_sim_vm_harvest(rig->source.sim, rig->bitmap);

	if (ret)
		return ret;
	return sevlm_source_dirty(rig->source.source_engine, 0, rig->bitmap,
				  pages);
}

static int harvest(struct rig *rig)
{
	return rig->hooks.harvest ? rig->hooks.harvest(rig)
				  : rig_vmm_harvest(rig);
}

void rig_vmm_device(struct rig *rig)
{
	struct rig_extra *device = &rig->source.device;
	uint64_t page = rig_below(&rig->random, RIG_DEVICE_PAGES);
	uint64_t offset = rig_below(&rig->random, RIG_PAGE - 64);

	if (!device->there || !rig->source.running)
		return;
	offset += page * RIG_PAGE;
	rig_bytes(&rig->random, device->mem + offset, 64);
	sevlm_vm_mark_dirty(rig->source.vm, RIG_DEVICE_GPA + offset, 64);
	rig->freed &= ~(1ull << page);
}

static int pause(struct rig_side *side)
{
	int ret = side->rig->ram_taken ? rig_vmm_give_ram(side->rig) : 0;

	if (ret)
		return ret;
	rig_vmm_settle(side);
	side->running = false;
	return 0;
}

static int save(struct rig_side *side)
{
	struct rig_counter *counter = &side->counter;
	struct rig *rig = side->rig;
	int ret = sevlm_sim_vm_save(side->sim, NULL, &rig->state_bytes);

	free(rig->state);
	rig->state = malloc(rig->state_bytes);
	if (!rig->state)
		return -ENOMEM;
	if (!ret)
		ret = sevlm_sim_vm_save(side->sim, rig->state,
					&rig->state_bytes);
	if (!ret)
		ret = sevlm_source_state(side->source_engine, VCPU_ID,
					 rig->state, rig->state_bytes);
	memcpy(counter->text, DEVICE_TEXT, sizeof(counter->text));
	if (!ret)
		ret = sevlm_source_state(side->source_engine, DEVICE_ID,
					 counter, sizeof(*counter));
	return ret;
}

static int load_counter(struct rig_side *side, const void *buf, size_t bytes)
{
	if (bytes != sizeof(side->counter))
		return -EBADMSG;
	memcpy(&side->counter, buf, bytes);
	return memcmp(side->counter.text, DEVICE_TEXT,
		      sizeof(side->counter.text)) ? -EBADMSG : 0;
}

static int load(struct rig_side *side)
{
	uint32_t id, index = 0;
	size_t bytes;
	const void *buf;
	int ret = -EBADMSG;

	while (!sevlm_target_state(side->target_engine, index++, &id, &buf,
				   &bytes))
		if (id == VCPU_ID)
			ret = sevlm_sim_vm_load(side->sim, buf, bytes);
		else if (id != DEVICE_ID || load_counter(side, buf, bytes))
			return -EBADMSG;
	return ret;
}

static int move_state(struct rig_side *side)
{
	return side->target ? load(side) : save(side);
}

static int store_session(struct rig_side *side)
{
	struct rig_sessions *kept = &side->rig->sessions;
	uint8_t digest[SEVLM_DIGEST_SIZE];
	int ret = sevlm_target_session(side->target_engine, digest);

	for (uint32_t i = 0; !ret && i < kept->count; i++)
		if (!memcmp(kept->digest[i], digest, sizeof(digest)))
			ret = -EKEYREJECTED;
	if (!ret && kept->count == RIG_SESSIONS)
		ret = -ENOSPC;
	if (!ret)
		memcpy(kept->digest[kept->count++], digest, sizeof(digest));
	return ret;
}

static int persist(struct rig_side *side)
{
	int ret = side->target
			  ? sevlm_target_note(side->target_engine, side->note)
			  : sevlm_source_note(side->source_engine, side->note);

	if (!ret)
		side->barred = true;
	return ret;
}

static int start(struct rig_side *side)
{
	struct rig *rig = side->rig;

	rig_compare(rig);
	side->running = true;
	side->ran = true;
	if (rig->source.running || (!rig->source.barred && !rig->source.killed))
		rig->both = true;
	return 0;
}

static int resume(struct rig_side *side)
{
	side->barred = false;
	side->running = true;
	if (side->rig->target.ran)
		side->rig->both = true;
	return 0;
}

int rig_vmm_map(struct rig_side *side, struct rig_extra *extra, uint64_t gpa,
		uint32_t slot, bool on)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = gpa,
		.memory_size = on ? extra->bytes : 0,
		.userspace_addr = (uintptr_t)extra->mem,
	};
	struct kvm_enc_region enc = {(uintptr_t)extra->mem, extra->bytes};
	int ret = sevlm_sim_ops()->vm(side->sim, KVM_SET_USER_MEMORY_REGION,
				      &region);

	if (ret)
		return ret;
	return sevlm_sim_ops()->vm(side->sim,
				   on ? KVM_MEMORY_ENCRYPT_REG_REGION
				      : KVM_MEMORY_ENCRYPT_UNREG_REGION,
				   &enc);
}

int rig_vmm_plug(struct rig *rig, uint32_t type)
{
	struct rig_side *side = &rig->source;
	struct rig_extra *plug = &side->plug;
	int ret;

	if (plug->there)
		return -EEXIST;
	ret = sevlm_source_add_region(side->source_engine, RIG_PLUG_GPA,
				      plug->bytes, plug->mem, type);
	if (!ret)
		ret = rig_vmm_map(side, plug, RIG_PLUG_GPA, 1, true);
	if (!ret) {
		plug->there = true;
		rig->plug_type = type;
	}
	rig_trace(rig, "source: plug, %d", ret);
	return ret;
}

int rig_vmm_unplug(struct rig *rig)
{
	struct rig_side *side = &rig->source;
	int ret;

	if (!side->plug.there)
		return -ENOENT;
	ret = sevlm_source_remove_region(side->source_engine, RIG_PLUG_GPA);
	if (!ret)
		ret = rig_vmm_map(side, &side->plug, RIG_PLUG_GPA, 1, false);
	if (!ret)
		side->plug.there = false;
	rig_trace(rig, "source: unplug, %d", ret);
	return ret;
}

int rig_vmm_take_ram(struct rig *rig)
{
	uint64_t gpa = rig->plan.split;
	int ret;

	if (!gpa || rig->ram_taken)
		return -EINVAL;
	ret = sevlm_source_remove_region(rig->source.source_engine, gpa);
	rig->ram_taken = !ret;
	rig_trace(rig, "source: RAM from 0x%llx on is taken, %d",
		  (unsigned long long)gpa, ret);
	return ret;
}

int rig_vmm_give_ram(struct rig *rig)
{
	uint64_t gpa = rig->plan.split;
	int ret;

	if (!rig->ram_taken)
		return -EINVAL;
	ret = sevlm_source_add_region(
		rig->source.source_engine, gpa, rig->plan.memory - gpa,
		rig->source.ram + gpa, rig_ram_type(&rig->source));
	rig->ram_taken = ret != 0;
	rig_trace(rig, "source: RAM is given back, %d", ret);
	return ret;
}

static int change_plug(struct rig_side *side, const struct sevlm_region *region)
{
	struct rig_extra *plug = &side->plug;
	uint32_t flags = plug->contiguous ? SEVLM_REGION_CONTIGUOUS : 0;
	int ret = 0;

	if (region->bytes != plug->bytes)
		return -EINVAL;
	if (!region->remove)
		ret = rig_vmm_map(side, plug, region->gpa, 1, true);
	if (!ret && region->remove)
		ret = sevlm_vm_remove_region(side->vm, region->gpa);
	else if (!ret)
		ret = sevlm_vm_add_region(side->vm, region->gpa, region->bytes,
					  plug->mem, region->type | flags);
	if (!ret && region->remove)
		ret = rig_vmm_map(side, plug, region->gpa, 1, false);
	if (!ret)
		plug->there = !region->remove;
	return ret;
}

static int change_region(struct rig_side *side)
{
	struct sevlm_region region = {.size = sizeof(region)};
	int ret = sevlm_target_region(side->target_engine, &region);

	if (ret)
		return ret;
	if (region.gpa == RIG_PLUG_GPA)
		return change_plug(side, &region);
	if (region.remove)
		return sevlm_vm_remove_region(side->vm, region.gpa);
	return sevlm_vm_add_region(side->vm, region.gpa, region.bytes,
				   side->ram + region.gpa, region.type);
}

static int harvest_log(struct rig_side *side)
{
	return harvest(side->rig);
}

static const struct {
	uint32_t want;
	int (*does)(struct rig_side *side);
	const char *name;
} answers[] = {
	{SEVLM_WANT_DIRTY, harvest_log, "DIRTY"},
	{SEVLM_WANT_PAUSE, pause, "PAUSE"},
	{SEVLM_WANT_STATE, move_state, "STATE"},
	{SEVLM_WANT_PERSIST, persist, "PERSIST"},
	{SEVLM_WANT_RUN, start, "RUN"},
	{SEVLM_WANT_RESUME, resume, "RESUME"},
	{SEVLM_WANT_REGION, change_region, "REGION"},
	{SEVLM_WANT_SESSION, store_session, "SESSION"},
};

int rig_vmm_answer(struct rig_side *side, uint32_t want)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (answers[i].want == want)
			return answers[i].does(side);
	return -EINVAL;
}

const char *rig_want_name(uint32_t want)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (answers[i].want == want)
			return answers[i].name;
	return "two wants at once";
}

const char *rig_outcome_name(uint32_t outcome)
{
	static const char *const names[] = {
		[SEVLM_OUTCOME_NONE] = "none",
		[SEVLM_OUTCOME_COMPLETED] = "completed",
		[SEVLM_OUTCOME_ABORTED] = "aborted",
		[SEVLM_OUTCOME_CANCELLED] = "cancelled",
		[SEVLM_OUTCOME_IN_DOUBT] = "in doubt",
		[SEVLM_OUTCOME_LOST] = "lost",
	};

	return outcome <= SEVLM_OUTCOME_LOST ? names[outcome] : "unknown";
}
