/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What corrupts a guest silently, done on purpose by its VMM. The guest, or
 * the comparison of page states, must see each. */
#include <poll.h>
#include <string.h>

#include "walk.h"

#define HC_MAP_GPA_RANGE 12u
#define ENCRYPTED	 0x10u
#define LET_RUN_MS	 30

static bool planted(struct vmm *vmm, const char *name)
{
	const struct plant *plant = &walk_of(vmm)->plant;

	return plant->name && !strcmp(plant->name, name);
}

static const char *const names[] = {
	"private-as-shared", "shared-as-private", "unheard", "undirty",
	"old-registers", "pending", "unregistered",
};

int plant_set(struct walk *walk, const char *name)
{
	memset(&walk->plant, 0, sizeof(walk->plant));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], name))
			walk->plant.name = names[i];
	return walk->plant.name ? 0 : -1;
}

/* The VMM says in the guest's name what it did not say. */
static void announce(struct vmm *vmm, uint64_t gpa, uint64_t attributes)
{
	const uint64_t args[6] = { gpa, 1, attributes };
	uint64_t ret;

	sevlm_vm_hypercall(vmm->vm, HC_MAP_GPA_RANGE, args, &ret);
}

static void lie(struct vmm *vmm)
{
	if (planted(vmm, "private-as-shared"))
		announce(vmm, GUEST_ARENA, 0);
	if (planted(vmm, "shared-as-private"))
		announce(vmm, GUEST_CLOCK, ENCRYPTED);
}

/* The registers of an earlier moment, with the memory of a later one. */
static void remember(struct move *move)
{
	struct plant *plant = &walk_of(move->vmm)->plant;

	if (!planted(move->vmm, "old-registers") || plant->old_state)
		return;
	park_pause(move->vmm);
	plant->old_state = !state_save(move->vmm, &plant->state);
	park_resume(move->vmm);
}

/* so long that the guest has written something since the last harvest */
static void let_run(struct move *move)
{
	struct plant *plant = &walk_of(move->vmm)->plant;

	if (planted(move->vmm, "undirty"))
		poll(NULL, 0, LET_RUN_MS);
	plant->armed = planted(move->vmm, "pending");
	while (plant->armed && !plant->caught)
		poll(NULL, 0, 1);
}

bool plant_unregistered(struct vmm *vmm)
{
	return planted(vmm, "unregistered");
}

void plant_want(struct move *move, uint32_t want, bool done)
{
	struct plant *plant = &walk_of(move->vmm)->plant;

	if (want == SEVLM_WANT_PAUSE && !done)
		let_run(move);
	if (want == SEVLM_WANT_DIRTY && !done) {
		lie(move->vmm);
		remember(move);
	}
	if (want == SEVLM_WANT_STATE && done && plant->old_state)
		move->state = plant->state;
}

/* every other call of the guest's is lost */
bool plant_announced(struct vmm *vmm)
{
	struct walk *walk = walk_of(vmm);

	walk->plant.heard = !walk->plant.heard;
	return planted(vmm, "unheard") && !walk->plant.heard;
}

/* what is written while the guest moves is never seen */
void plant_harvested(struct vmm *vmm, uint64_t *bitmap, size_t words)
{
	if (planted(vmm, "undirty"))
		memset(bitmap, 0, words * sizeof(*bitmap));
}

/* Called by the vCPU's thread, behind an exit. */
bool plant_pending(struct vmm *vmm)
{
	struct plant *plant = &walk_of(vmm)->plant;

	if (!plant->armed || vmm->vcpu.run->exit_reason != KVM_EXIT_IO)
		return false;
	plant->caught = true;
	while (vmm->vcpu.asked != VCPU_STANDS)
		poll(NULL, 0, 1);
	plant->armed = false;
	return true;
}
