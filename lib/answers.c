/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the VMM answers and tells the source while it runs. */
#include <errno.h>

#include "source.h"

static void now_decided(struct sevlm_source *source)
{
	source->decided = true;
	source->state = SOURCE_COMMIT;
}

static void now_paused(struct sevlm_source *source)
{
	source->paused_ns = source->engine.now_ns;
	source->final = true;
	source->state = SOURCE_TAKE_STATE;
}

static void now_harvested(struct sevlm_source *source)
{
	source->state = SOURCE_ROUND;
}

static void now_have_state(struct sevlm_source *source)
{
	source->state = SOURCE_HARVEST;
}

static void now_resumed(struct sevlm_source *source)
{
	source->state = SOURCE_ABORT;
}

static const struct {
	uint32_t want;
	void (*then)(struct sevlm_source *source);
	const char *name;
} answers[] = {
	{ SEVLM_WANT_DIRTY, now_harvested, "harvest the dirty log" },
	{ SEVLM_WANT_PAUSE, now_paused, "stop the guest" },
	{ SEVLM_WANT_STATE, now_have_state, "save the guest's state" },
	{ SEVLM_WANT_PERSIST, now_decided, "persist its note" },
	{ SEVLM_WANT_RESUME, now_resumed, "resume the guest" },
};

SEVLM_API int sevlm_source_did(struct sevlm_source *source, uint32_t want,
			       int result)
{
	struct sevlm__engine *engine;

	if (!source || result > 0)
		return -EINVAL;
	engine = &source->engine;
	if (sevlm__engine_did(engine, want))
		return -EBADFD;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		if (answers[i].want != want)
			continue;
		if (!result || want == SEVLM_WANT_RESUME)
			answers[i].then(source);
		else
			source_fail(
				source,
			     sevlm__fail(&engine->error, result,
					 "the VMM could not %s: %s",
					 answers[i].name,
					 sevlm_strerror(result)));
	}
	return 0;
}

SEVLM_API int sevlm_source_dirty(struct sevlm_source *source, uint64_t gpa,
				 const void *bitmap, uint64_t pages)
{
	if (!source || !bitmap || gpa % PAGE_SIZE ||
	    pages > (UINT64_MAX - gpa) >> PAGE_SHIFT)
		return -EINVAL;
	if (source->engine.want != SEVLM_WANT_DIRTY)
		return -EBADFD;
	sevlm__pages_dirty_bitmap(source->engine.vm->pages, gpa, bitmap, pages);
	return 0;
}

SEVLM_API int sevlm_source_state(struct sevlm_source *source, uint32_t id,
				 const void *buf, size_t bytes)
{
	if (!source || !buf || !bytes)
		return -EINVAL;
	if (source->engine.want != SEVLM_WANT_STATE)
		return -EBADFD;
	for (uint32_t i = 0; i < source->blob_count; i++)
		if (source->blobs[i].id == id)
			return -EINVAL;
	if (source->blob_count == SEVLM_MAX_STATES)
		return -ENOBUFS;
	source->blobs[source->blob_count++] =
		(struct source_blob){ buf, bytes, id };
	return 0;
}

SEVLM_API int sevlm_source_note(struct sevlm_source *source, void *note)
{
	if (!source || !note)
		return -EINVAL;
	if (source->engine.want != SEVLM_WANT_PERSIST)
		return -EBADFD;
	sevlm__commit_note(&source->engine, note);
	return 0;
}

static int may_change_regions(struct sevlm_source *source)
{
	if (source->final || source->state < SOURCE_HARVEST || source_ending(source))
		return sevlm__fail(&source->engine.vm->error, -EBADFD,
				   "regions change while the guest runs and "
				   "pages travel, not now");
	return 0;
}

static int tell_region(struct sevlm_source *source,
		       const struct sevlm__region *region, uint32_t action)
{
	uint8_t body[REGION_SIZE];

	sevlm__region_encode(region, action, body);
	return sevlm__engine_send(&source->engine, RECORD_REGION, body,
				  sizeof(body));
}

SEVLM_API int sevlm_source_add_region(struct sevlm_source *source, uint64_t gpa,
				      uint64_t bytes, void *hva, uint32_t type)
{
	struct sevlm__region region = {
		.gpa = gpa,
		.bytes = bytes,
		.type = type & ~SEVLM_REGION_CONTIGUOUS,
	};
	struct sevlm_vm *vm;
	int ret;

	if (!source)
		return -EINVAL;
	vm = source->engine.vm;
	ret = may_change_regions(source);
	if (!ret && sevlm__outbox_full(&source->engine.outbox))
		ret = -EAGAIN;
	if (!ret)
		ret = sevlm__pages_add_region(vm->pages, gpa, bytes, hva, type);
	if (!ret)
		ret = tell_region(source, &region, REGION_ADD);
	source->engine.progress.pages_total = sevlm__pages_total(vm->pages);
	return ret;
}

SEVLM_API int sevlm_source_remove_region(struct sevlm_source *source,
					 uint64_t gpa)
{
	struct sevlm__region region;
	struct sevlm_vm *vm;
	int ret;

	if (!source)
		return -EINVAL;
	vm = source->engine.vm;
	ret = may_change_regions(source);
	/* the wire may still be reading shared pages of it */
	if (!ret && (!sevlm__outbox_empty(&source->engine.outbox) ||
		     sevlm__outbox_full(&source->engine.outbox)))
		ret = -EAGAIN;
	if (!ret && (!sevlm__pages_find(vm->pages, gpa, PAGE_SIZE, &region) ||
		     region.gpa != gpa))
		ret = -EINVAL;
	if (!ret)
		ret = sevlm__pages_remove_region(vm->pages, gpa);
	if (!ret)
		ret = tell_region(source, &region, REGION_REMOVE);
	source->engine.progress.pages_total = sevlm__pages_total(vm->pages);
	return ret;
}
