// SPDX-License-Identifier: MIT OR Apache-2.0
#include <errno.h>
#include <stdlib.h>

#include <linux/kvm_para.h>

#include "guest.h"

#define ENCRYPTED 0x10u		/* bits 3:0 are a page size: 0 is 4 KiB */

int sim_guest_new(const struct sevlm_sim_vm_config *config,
		  struct sim_memory *memory, struct sim_guest **ret)
{
	struct sim_guest *guest = calloc(1, sizeof(*guest));
	uint64_t pages = config->memory / SIM_PAGE;

	if (!guest)
		return -ENOMEM;
	guest->shared = calloc((pages + 63) / 64, sizeof(*guest->shared));
	if (!guest->shared) {
		free(guest);
		return -ENOMEM;
	}
	guest->memory = memory;
	guest->workload.seed = config->seed;
	guest->workload.pages = pages;
	guest->workload.kind = config->workload;
	guest->workload.offered = config->offered;
	atomic_init(&guest->walked, true);
	*ret = guest;
	return 0;
}

void sim_guest_free(struct sim_guest *guest)
{
	if (!guest)
		return;
	free(guest->shared);
	free(guest);
}

uint64_t sim_guest_steps(struct sim_guest *guest)
{
	return atomic_load(&guest->steps);
}

static size_t in_page(uint64_t gpa, size_t bytes)
{
	size_t left = SIM_PAGE - gpa % SIM_PAGE;

	return bytes < left ? bytes : left;
}

int sim_guest_read(struct sim_guest *guest, uint64_t gpa, void *buf,
		   size_t bytes)
{
	uint8_t *to = buf;
	int error = 0;
	size_t part;

	for (; bytes && !error; bytes -= part) {
		part = in_page(gpa, bytes);
		error = sim_memory_load(guest->memory, gpa,
				!sim_guest_shared(guest, gpa / SIM_PAGE),
				to, part);
		to += part;
		gpa += part;
	}
	return error;
}

int sim_guest_write(struct sim_guest *guest, uint64_t gpa, const void *buf,
		    size_t bytes)
{
	const uint8_t *from = buf;
	int error = 0;
	size_t part;

	for (; bytes && !error; bytes -= part) {
		part = in_page(gpa, bytes);
		error = sim_memory_store(guest->memory, gpa,
				!sim_guest_shared(guest, gpa / SIM_PAGE),
				from, part);
		from += part;
		gpa += part;
	}
	return error;
}

static bool booting(const struct sim_guest *guest)
{
	return guest->phase < sim_workload_phases(&guest->workload);
}

void sim_guest_next(const struct sim_guest *guest, struct sim_action *ret)
{
	if (booting(guest))
		sim_workload_boot(&guest->workload, guest->phase, ret);
	else
		sim_workload_step(&guest->workload,
				  atomic_load(&guest->steps) + 1, ret);
}

/* returns how many steps that was */
static uint64_t advance(struct sim_guest *guest)
{
	guest->vcpu = SIM_VCPU_RUNNING;
	if (booting(guest)) {
		guest->phase++;
		return 0;
	}
	atomic_fetch_add(&guest->steps, 1);
	return 1;
}

static int write_slot(struct sim_guest *guest, uint64_t page, uint64_t step)
{
	const struct sim_workload *workload = &guest->workload;
	uint8_t slot[SIM_SLOT_SIZE];
	uint64_t gpa;

	gpa = page * SIM_PAGE + sim_workload_offset(workload, page);
	sim_workload_slot(workload, page, step, slot);
	return sim_guest_write(guest, gpa, slot, sizeof(slot));
}

static int write_contents(struct sim_guest *guest,
			  const struct sim_action *action)
{
	uint8_t contents[SIM_PAGE];
	int error = 0;
	uint64_t page;

	for (uint64_t i = 0; i < action->count && !error; i++) {
		page = action->page + i;
		sim_workload_again(&guest->workload, page, action->step,
				   action->shared, contents);
		error = sim_guest_write(guest, page * SIM_PAGE, contents,
					SIM_PAGE);
	}
	return error;
}

static void exit_with(struct sim_guest *guest, struct sevlm_sim_exit *exit)
{
	const struct sim_action *action = &guest->action;

	guest->vcpu = SIM_VCPU_EXITED;
	if (action->kind == SIM_DO_READY) {
		exit->reason = SEVLM_SIM_EXIT_WRMSR;
		exit->index = SEVLM_MSR_MIGRATION_CONTROL;
		exit->data = SEVLM_MSR_READY;
		return;
	}
	if (action->kind == SIM_DO_IN) {
		exit->reason = SEVLM_SIM_EXIT_IN;
		exit->index = SEVLM_SIM_COUNTER_PORT;
		return;
	}
	exit->reason = SEVLM_SIM_EXIT_HYPERCALL;
	exit->nr = KVM_HC_MAP_GPA_RANGE;
	exit->args[0] = action->page * SIM_PAGE;
	exit->args[1] = action->count;
	exit->args[2] = action->shared ? 0 : ENCRYPTED;
}

/* Linux looks at no answer but of what it reads, and neither does this
 * guest. */
static void take_answer(struct sim_guest *guest)
{
	if (guest->action.kind == SIM_DO_CONVERT)
		guest->vcpu = SIM_VCPU_CONVERTED;
	else if (guest->action.kind == SIM_DO_IN)
		guest->vcpu = SIM_VCPU_READ;
	else
		advance(guest);
}

static int convert(struct sim_guest *guest, const struct sim_action *action)
{
	int error = 0;

	for (uint64_t i = 0; i < action->count && !error; i++)
		error = sim_guest_set_shared(guest, action->page + i,
					     action->shared);
	return error;
}

/* what comes behind an exit */
static int go_on(struct sim_guest *guest, uint64_t *steps)
{
	const struct sim_action *action = &guest->action;
	int error;

	if (guest->vcpu == SIM_VCPU_CONVERTED)
		error = write_contents(guest, action);
	else
		error = write_slot(guest, action->page,
				   sim_workload_counted(guest->value));
	if (!error)
		*steps -= advance(guest);
	return error;
}

/* Does what comes next; @steps goes down by what was finished. */
static int act(struct sim_guest *guest, uint64_t *steps,
	       struct sevlm_sim_exit *exit)
{
	struct sim_action action;
	int error = 0;

	sim_guest_next(guest, &action);
	switch (action.kind) {
	case SIM_DO_WRITE:
		error = write_slot(guest, action.page, action.step);
		break;
	case SIM_DO_CONVERT:
		error = convert(guest, &action);
		break;
	default:
		break;
	}
	if (error)
		return error;
	if (action.kind == SIM_DO_WRITE || action.kind == SIM_DO_NOTHING) {
		*steps -= advance(guest);
		return 0;
	}
	guest->action = action;
	exit_with(guest, exit);
	return 0;
}

static int step(struct sim_guest *guest, uint64_t *steps,
		struct sevlm_sim_exit *exit)
{
	switch (guest->vcpu) {
	case SIM_VCPU_CONVERTED:
	case SIM_VCPU_READ:
		return go_on(guest, steps);
	case SIM_VCPU_AGAIN:
		exit_with(guest, exit);
		return 0;
	default:
		return act(guest, steps, exit);
	}
}

static void skip_idle(struct sim_guest *guest, uint64_t *steps)
{
	if (guest->workload.kind != SEVLM_SIM_IDLE || booting(guest) ||
	    guest->vcpu != SIM_VCPU_RUNNING)
		return;
	atomic_fetch_add(&guest->steps, *steps);
	*steps = 0;
}

int sim_guest_run(struct sim_guest *guest, uint64_t steps,
		  struct sevlm_sim_exit *exit)
{
	uint64_t word;
	int error = 0;

	if (guest->vcpu == SIM_VCPU_EXITED)
		return -EINVAL;
	if (guest->vcpu == SIM_VCPU_ANSWERED)
		take_answer(guest);
	exit->reason = SEVLM_SIM_EXIT_INTR;
	if (!steps)
		return 0;
	if (sim_guest_walk(guest) ||
	    sim_guest_read(guest, 0, &word, sizeof(word)))
		return -EBADFD;
	while (steps && guest->vcpu != SIM_VCPU_EXITED && !error) {
		skip_idle(guest, &steps);
		if (steps)
			error = step(guest, &steps, exit);
	}
	return error ? -EBADFD : 0;
}

int sim_guest_answer(struct sim_guest *guest, uint64_t value)
{
	if (guest->vcpu != SIM_VCPU_EXITED)
		return -EBADFD;
	if ((guest->action.kind == SIM_DO_READY && value > 1) ||
	    (guest->action.kind == SIM_DO_IN && value > UINT32_MAX))
		return -EINVAL;
	guest->value = (uint32_t)value;
	guest->vcpu = SIM_VCPU_ANSWERED;
	return 0;
}
