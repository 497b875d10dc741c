/* SPDX-License-Identifier: MIT-0 */
/* What an engine wants of its VMM, one thing at a time. */
#include <errno.h>
#include <string.h>

#include "hooks.h"
#include "keep.h"

#define WORDS (GUEST_MAX_RAM / SEVLM_PAGE_SIZE / 64)

static int harvest(struct move *move)
{
	uint64_t bitmap[WORDS];

	if (memory_harvest(move->vmm, bitmap))
		return -EIO;
	hook_harvested(move->vmm, bitmap, WORDS);
	return sevlm_source_dirty(move->source, 0, bitmap,
				  move->vmm->memory.bytes / SEVLM_PAGE_SIZE);
}

static int stop(struct move *move)
{
	return park_pause(move->vmm) ? -EIO : 0;
}

static int save(struct move *move)
{
	int ret = state_save(move->vmm, &move->state);

	return ret ? ret : state_hand_over(&move->state, move->source);
}

static int load(struct move *move)
{
	int ret = state_take_over(&move->state, move->target);

	return ret ? ret : state_restore(move->vmm, &move->state);
}

/* It holds the key that a later verdict is proved with. */
static int persist(struct move *move)
{
	uint8_t note[SEVLM_NOTE_SIZE];
	int ret = engine_note(move, note);

	if (!ret)
		ret = keep_note(move->vmm->keep, note);
	explicit_bzero(note, sizeof(note));
	return ret;
}

/* A recorded stream would bring back the guest as it was. */
static int session(struct move *move)
{
	uint8_t digest[SEVLM_DIGEST_SIZE];
	int ret = sevlm_target_session(move->target, digest);

	return ret ? ret : keep_session(move->vmm->keep, digest);
}

static int run(struct move *move)
{
	return park_resume(move->vmm) ? -EIO : 0;
}

static const struct {
	uint32_t want;
	int (*source)(struct move *move);
	int (*target)(struct move *move);
} duties[] = {
	{ SEVLM_WANT_DIRTY, harvest, NULL },
	{ SEVLM_WANT_PAUSE, stop, NULL },
	{ SEVLM_WANT_STATE, save, load },
	{ SEVLM_WANT_PERSIST, persist, persist },
	{ SEVLM_WANT_SESSION, NULL, session },
	{ SEVLM_WANT_RUN, NULL, run },
	{ SEVLM_WANT_RESUME, run, NULL },
};

static int perform(struct move *move, uint32_t want)
{
	int (*duty)(struct move *move) = NULL;

	for (size_t i = 0; i < sizeof(duties) / sizeof(duties[0]); i++)
		if (duties[i].want == want)
			duty = move->source ? duties[i].source :
					      duties[i].target;
	return duty ? duty(move) : -ENOTSUP;
}

void wants_answer(struct move *move, uint32_t want)
{
	int result;

	hook_want(move, want, false);
	result = perform(move, want);
	engine_did(move, want, result);
	hook_want(move, want, true);
}
