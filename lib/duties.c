/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the target's VMM is asked to do, and has done. */
#include <errno.h>

#include "target.h"

static int now_stored(struct sevlm_target *target)
{
	target->state = TARGET_RECEIVE;
	return 0;
}

static int now_loaded(struct sevlm_target *target)
{
	target_blobs_free(target);
	target->state = TARGET_PREPARE;
	return 0;
}

static int now_persisted(struct sevlm_target *target)
{
	target->taken_over = true;
	target->state = TARGET_RUN;
	return 0;
}

static int now_running(struct sevlm_target *target)
{
	sevlm__engine_settle(&target->engine, SEVLM_OUTCOME_COMPLETED, 0);
	target->state = TARGET_STARTED;
	return 0;
}

/* Trust, but look: the next pages go there. */
static int now_changed(struct sevlm_target *target)
{
	const struct sevlm__region *asked = &target->region;
	struct sevlm_vm *vm = target->engine.vm;
	struct sevlm__region have;
	bool there;

	vm->regions_open = false;
	there = sevlm__pages_find(vm->pages, asked->gpa, asked->bytes, &have) &&
		have.gpa == asked->gpa && have.bytes == asked->bytes &&
		have.type == asked->type;
	target->engine.progress.pages_total = sevlm__pages_total(vm->pages);
	if (there == (target->region_action == REGION_ADD))
		return 0;
	return sevlm__fail(&target->engine.error, -EPROTO,
			   "the VMM did not change region 0x%llx as asked",
			   (unsigned long long)asked->gpa);
}

static const struct {
	uint32_t want;
	int (*then)(struct sevlm_target *target);
	const char *name;
} answers[] = {
	{ SEVLM_WANT_SESSION, now_stored, "store the session's digest" },
	{ SEVLM_WANT_STATE, now_loaded, "load the guest's state" },
	{ SEVLM_WANT_PERSIST, now_persisted, "persist its note" },
	{ SEVLM_WANT_RUN, now_running, "run the guest" },
	{ SEVLM_WANT_REGION, now_changed, "change the memory" },
};

static int refused(struct sevlm_target *target, uint32_t want,
		   const char *name, int result)
{
	struct sevlm__error *error = &target->engine.error;

	if (want == SEVLM_WANT_SESSION && result == -EKEYREJECTED)
		return sevlm__fail(error, result,
				   "this session was received here before: it "
				   "is a replay");
	return sevlm__fail(error, result, "the VMM could not %s: %s", name,
			   sevlm_strerror(result));
}

SEVLM_API int sevlm_target_did(struct sevlm_target *target, uint32_t want,
			       int result)
{
	if (!target || result > 0)
		return -EINVAL;
	if (sevlm__engine_did(&target->engine, want))
		return -EBADFD;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		if (answers[i].want != want)
			continue;
		if (result)
			result = refused(target, want, answers[i].name, result);
		else
			result = answers[i].then(target);
	}
	/* a connection of the VMM's own is not the one to the source */
	if (result)
		target_fail(target, result == -ECONNRESET ? -EIO : result);
	return 0;
}

SEVLM_API int sevlm_target_region(struct sevlm_target *target,
				  struct sevlm_region *ret_region)
{
	struct sevlm_region region = { .size = sizeof(region) };

	if (!target || !ret_region)
		return -EINVAL;
	if (target->engine.want != SEVLM_WANT_REGION)
		return -EBADFD;
	region.gpa = target->region.gpa;
	region.bytes = target->region.bytes;
	region.type = target->region.type;
	region.remove = target->region_action == REGION_REMOVE;
	return sevlm__copy_out(ret_region, &region, sizeof(region));
}

SEVLM_API int sevlm_target_note(struct sevlm_target *target, void *note)
{
	if (!target || !note)
		return -EINVAL;
	if (target->engine.want != SEVLM_WANT_PERSIST)
		return -EBADFD;
	sevlm__commit_note(&target->engine, note);
	return 0;
}

SEVLM_API int sevlm_target_session(struct sevlm_target *target, void *digest)
{
	struct sevlm__writer w;
	uint8_t policy[4];
	struct iovec parts[] = {
		{ policy, sizeof(policy) },
		{ NULL, SEVLM_PDH_SIZE },
		{ NULL, SEVLM_SESSION_SIZE },
	};

	if (!target || !digest)
		return -EINVAL;
	if (target->engine.want != SEVLM_WANT_SESSION)
		return -EBADFD;
	w = sevlm__writer(policy, sizeof(policy));
	sevlm__put32(&w, target->policy);
	parts[1].iov_base = target->source_pdh;
	parts[2].iov_base = target->session;
	return sevlm__digest(parts, ARRAY_SIZE(parts), digest);
}
