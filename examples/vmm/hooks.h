/* SPDX-License-Identifier: MIT-0 */
/* Where a test stands between the VMM and what it does. A VMM of your own
 * needs none of it: without hooks each of these does nothing. */
#ifndef VMM_HOOKS_H
#define VMM_HOOKS_H

#include "move.h"

struct hooks {
	/* the engine wants this, or (done) was told that it is done */
	void (*want)(struct move *move, uint32_t want, bool done);
	/* how many of the bytes may move at once; and they have */
	size_t (*limit)(struct move *move, size_t bytes);
	void (*moved)(struct move *move, size_t bytes);
	/* true: KVM is not told of the private memory */
	bool (*unregistered)(struct vmm *vmm);
	/* true: libsevlm does not hear of the guest's announcement */
	bool (*announced)(struct vmm *vmm);
	/* a dirty log, before libsevlm sees it */
	void (*harvested)(struct vmm *vmm, uint64_t *bitmap, size_t words);
	/* true: the vCPU is to stand with its exit pending */
	bool (*pending)(struct vmm *vmm);
};

static inline void hook_want(struct move *move, uint32_t want, bool done)
{
	const struct hooks *hooks = move->vmm->hooks;

	if (hooks && hooks->want)
		hooks->want(move, want, done);
}

static inline size_t hook_limit(struct move *move, size_t bytes)
{
	const struct hooks *hooks = move->vmm->hooks;

	return hooks && hooks->limit ? hooks->limit(move, bytes) : bytes;
}

static inline void hook_moved(struct move *move, size_t bytes)
{
	const struct hooks *hooks = move->vmm->hooks;

	if (hooks && hooks->moved)
		hooks->moved(move, bytes);
}

static inline bool hook_unregistered(struct vmm *vmm)
{
	const struct hooks *hooks = vmm->hooks;

	return hooks && hooks->unregistered && hooks->unregistered(vmm);
}

static inline bool hook_announced(struct vmm *vmm)
{
	const struct hooks *hooks = vmm->hooks;

	return hooks && hooks->announced && hooks->announced(vmm);
}

static inline void hook_harvested(struct vmm *vmm, uint64_t *bitmap,
				  size_t words)
{
	const struct hooks *hooks = vmm->hooks;

	if (hooks && hooks->harvested)
		hooks->harvested(vmm, bitmap, words);
}

static inline bool hook_pending(struct vmm *vmm)
{
	const struct hooks *hooks = vmm->hooks;

	return hooks && hooks->pending && hooks->pending(vmm);
}

#endif /* VMM_HOOKS_H */
