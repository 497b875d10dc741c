/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The loop that a VMM has: step, do what is wanted, move bytes. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "doubt.h"

#define WANT_BYTES (SEVLM_WANT_STEP | SEVLM_WANT_WRITE | SEVLM_WANT_READ)
#define IOVECS 64u

static int harvest(struct side *side)
{
	return guest_dirty(&side->guest, side->source);
}

static int pause_guest(struct side *side)
{
	int ret = vcpu_pause(&side->guest);

	side->handed_over = guest_steps(&side->guest);
	show_stopped(&side->show, true);
	return ret;
}

static int save(struct side *side)
{
	int ret = guest_save(&side->guest, side->source);

	side->state_saved = !ret;
	return ret;
}

static int load(struct side *side)
{
	return guest_load(&side->guest, side->target);
}

static int store_session(struct side *side)
{
	uint8_t digest[SEVLM_DIGEST_SIZE];
	int ret = sevlm_target_session(side->target, digest);

	if (ret || !side->options->sessions)
		return ret;
	return sessions_store(side->options->sessions, digest, &side->why);
}

static int persist(struct side *side)
{
	uint8_t note[SEVLM_NOTE_SIZE];
	int ret = side->source ? sevlm_source_note(side->source, note)
			       : sevlm_target_note(side->target, note);

	if (!ret && note_write(&side->note, note, &side->why))
		ret = -EIO;
	explicit_bzero(note, sizeof(note));
	return ret;
}

static int run(struct side *side)
{
	int ret;

	side->handed_over = guest_steps(&side->guest);
	/* without it the guest runs as well, only nothing is verified */
	verify_snapshot(side);
	ret = vcpu_resume(&side->guest);
	side->deaf = !ret;
	return ret;
}

static int resume(struct side *side)
{
	show_stopped(&side->show, false);
	return vcpu_resume(&side->guest);
}

static const struct {
	uint32_t want;
	int (*source)(struct side *side);
	int (*target)(struct side *side);
} duties[] = {
	{SEVLM_WANT_DIRTY, harvest, NULL},
	{SEVLM_WANT_PAUSE, pause_guest, NULL},
	{SEVLM_WANT_STATE, save, load},
	{SEVLM_WANT_PERSIST, persist, persist},
	{SEVLM_WANT_RUN, NULL, run},
	{SEVLM_WANT_RESUME, resume, NULL},
	{SEVLM_WANT_SESSION, NULL, store_session},
};

static int perform(struct side *side, uint32_t want)
{
	int (*work)(struct side * side) = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(duties); i++)
		if (duties[i].want == want)
			work = side->source ? duties[i].source
					    : duties[i].target;
	return work ? work(side) : -ENOTSUP;
}

static void answer(struct side *side, uint32_t want)
{
	int result;

	doom_want(&side->channel.doom, want, false);
	result = perform(side, want);
	side_did(side, want, result);
	doom_want(&side->channel.doom, want, true);
}

static void feed_held(struct side *side)
{
	size_t taken = 0;

	sevlm_source_feed(side->source, side->held + side->held_from,
			  side->held_to - side->held_from, &taken);
	side->held_from += taken;
}

static bool room(struct side *side, void **ret_buf, size_t *ret_bytes)
{
	*ret_bytes = 0;
	if (side->target) {
		sevlm_target_space(side->target, ret_buf, ret_bytes);
		return *ret_bytes;
	}
	if (side->held_from != side->held_to)
		return false;
	*ret_buf = side->held;
	*ret_bytes = sizeof(side->held);
	return true;
}

static void read_some(struct side *side)
{
	size_t bytes;
	ssize_t got;
	void *buf;

	if (!room(side, &buf, &bytes))
		return;
	got = channel_read(&side->channel,
			   side->source ? FROM_TARGET : FROM_SOURCE, buf,
			   bytes);
	if (got <= 0)
		return;
	if (side->target) {
		sevlm_target_fed(side->target, (size_t)got);
		return;
	}
	side->held_from = 0;
	side->held_to = (size_t)got;
	feed_held(side);
}

static void write_some(struct side *side)
{
	struct iovec iov[IOVECS];
	size_t count = IOVECS;
	ssize_t put;

	if (side_output(side, iov, &count) || !count)
		return;
	put = channel_write(&side->channel,
			    side->source ? FROM_SOURCE : FROM_TARGET, iov,
			    count);
	if (put <= 0)
		return;
	side_consumed(side, (size_t)put);
	/* its answer is the last that a target has to do with the stream */
	side->deaf = side->deaf || (side->target && side->resolving);
}

static uint64_t until_deadline(struct side *side)
{
	uint64_t deadline = side_deadline(side);
	uint64_t now = now_ns();

	if (deadline == SEVLM_NO_DEADLINE)
		return deadline;
	return deadline > now ? deadline - now : 0;
}

static short events(struct side *side, uint32_t want)
{
	const struct channel *channel = &side->channel;
	size_t bytes;
	short ret = 0;
	void *buf;

	if (want & SEVLM_WANT_READ && !side->deaf && !channel_ended(channel) &&
	    room(side, &buf, &bytes))
		ret |= POLLIN;
	if (want & SEVLM_WANT_WRITE && !channel_mute(channel))
		ret |= POLLOUT;
	return ret;
}

/* What the peer said last is read and taken before its silence counts. */
static bool is_over(struct side *side, uint32_t want, short wanted)
{
	if (channel_ended(&side->channel))
		return true;
	return channel_mute(&side->channel) && !(wanted & POLLIN) &&
	       !(want & SEVLM_WANT_STEP) && side->held_from == side->held_to;
}

static void move_bytes(struct side *side, uint32_t want)
{
	uint64_t timeout = want & SEVLM_WANT_STEP ? 0 : until_deadline(side);
	short wanted, ready;

	if (side->held_from != side->held_to)
		feed_held(side);
	wanted = events(side, want);
	if (is_over(side, want, wanted)) {
		side_closed(side);
		return;
	}
	ready = channel_poll(&side->channel, wanted, timeout);
	if (wanted & POLLOUT && ready)
		write_some(side);
	if (wanted & POLLIN && ready)
		read_some(side);
}

/* A source that asks has decided: it can only stop asking. */
static void heed_signal(struct side *side)
{
	if (side->source && side->resolving)
		side_closed(side);
	else
		side_cancel(side);
}

static void run_engine(struct side *side)
{
	struct sevlm_progress progress = {.size = sizeof(progress)};
	uint32_t want;

	for (;;) {
		if (side->channel.link.knocked)
			doubt_asked(side);
		if (side->channel.link.cancelled ||
		    side->channel.recording.failed)
			heed_signal(side);
		want = side_step(side);
		side_progress(side, &progress);
		show_step(&side->show, &progress);
		if (!want)
			return;
		if (want & ~WANT_BYTES)
			answer(side, want & ~WANT_BYTES);
		else
			move_bytes(side, want);
	}
}

void move_run(struct side *side)
{
	struct link *link = &side->channel.link;

	doom_moved(&side->channel.doom, 0);
	link->door = side->control.listener;
	run_engine(side);
	link->door = -1;
}
