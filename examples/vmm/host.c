/* SPDX-License-Identifier: MIT-0 */
/* What a host does with a guest: launches it or waits for it, asks it how it
 * is, sends it on. */
#include <err.h>
#include <inttypes.h>
#include <string.h>

#include "host.h"
#include "link.h"
#include "move.h"

/* no debugging, no key sharing */
#define POLICY (SEVLM_POLICY_NODBG | SEVLM_POLICY_NOKS)

#define SEED 0x5345564cu
#define ATTEMPTS 10

static const char *const works[] = {
	[WORK_QUIET] = "quiet",
	[WORK_DIRTY] = "dirty",
	[WORK_FLIP] = "flip",
};

static const char *const outcomes[] = {
	[SEVLM_OUTCOME_NONE] = "none",
	[SEVLM_OUTCOME_COMPLETED] = "completed",
	[SEVLM_OUTCOME_ABORTED] = "aborted",
	[SEVLM_OUTCOME_CANCELLED] = "cancelled",
	[SEVLM_OUTCOME_IN_DOUBT] = "in-doubt",
	[SEVLM_OUTCOME_LOST] = "lost",
};

static const char *const states[] = {
	[SEVLM_STATES_EXITS] = "exits",
	[SEVLM_STATES_LIST] = "list",
	[SEVLM_STATES_COMPARE] = "compare",
	[SEVLM_STATES_ANY] = "any",
};

static int find(const char *const *names, uint32_t count, const char *name,
		uint32_t *ret)
{
	for (uint32_t i = 0; i < count; i++) {
		if (!names[i] || strcmp(names[i], name))
			continue;
		*ret = i;
		return 0;
	}
	return -1;
}

int host_work(const char *name, uint32_t *ret_work)
{
	return find(works, sizeof(works) / sizeof(works[0]), name, ret_work);
}

int host_states(const char *name, uint32_t *ret_states)
{
	return find(states, sizeof(states) / sizeof(states[0]), name,
		    ret_states);
}

int host_prepare(struct vmm *vmm, uint64_t bytes)
{
	vmm->offer = true;
	vmm->device.ask = true;
	if (vmm_open(vmm) || vmm_offer(vmm, POLICY) ||
	    setup_states(vmm) || memory_create(vmm, bytes) ||
	    sev_prepare(vmm) || vcpu_create(vmm, 0))
		return -1;
	return park_start(vmm);
}

int host_launch(struct vmm *vmm, uint64_t bytes, const char *image,
		uint32_t work)
{
	if (host_prepare(vmm, bytes) ||
	    longmode_image(vmm, image, work, SEED) ||
	    sev_launch(vmm, POLICY))
		return -1;
	return park_resume(vmm);
}

int host_check(struct vmm *vmm)
{
	struct guest_report report;
	int ret;

	if (device_report(vmm, &report))
		return -1;
	ret = device_check(vmm, &report);
	printf("%s: %" PRIu64 " steps, %" PRIu64 " announcements, checksum "
	       "%016" PRIx64 "\n", ret ? "DAMAGED" : "whole", report.steps,
	       report.announced, report.checksum);
	return ret;
}

const char *host_outcome(uint32_t outcome)
{
	return outcomes[outcome];
}

uint32_t host_tell(uint32_t role, uint32_t outcome)
{
	printf("%s: %s\n", role == SEVLM_TLS_SOURCE ? "sent" : "received",
	       host_outcome(outcome));
	return outcome;
}

static int meet(const char *where, uint32_t role)
{
	return role == SEVLM_TLS_SOURCE ? link_connect(where) :
					  link_accept(where);
}

/* once more, where it ended in doubt */
static uint32_t resolve(struct move *move, const char *where)
{
	int fd = meet(where, move->role);

	if (fd < 0 || move_reconnect(move, fd))
		return SEVLM_OUTCOME_IN_DOUBT;
	return move_drive(move);
}

uint32_t host_move(struct vmm *vmm, const char *where, uint32_t role)
{
	uint32_t outcome = SEVLM_OUTCOME_NONE;
	int fd = meet(where, role);
	struct move move;

	if (fd < 0)
		return host_tell(role, outcome);
	if (!move_open(&move, vmm, fd, role))
		outcome = move_drive(&move);
	for (int i = 0; i < ATTEMPTS && outcome == SEVLM_OUTCOME_IN_DOUBT; i++)
		outcome = resolve(&move, where);
	move_close(&move);
	return host_tell(role, outcome);
}
