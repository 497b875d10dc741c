/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define FNV_BASIS 0xcbf29ce484222325ull
#define FNV_PRIME 0x100000001b3ull
/* what a link that was idle may send at once */
#define BURST_NS (2 * RIG_MS)

uint64_t rig_random(struct rig_random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

uint64_t rig_below(struct rig_random *random, uint64_t limit)
{
	return limit ? rig_random(random) % limit : 0;
}

uint64_t rig_between(struct rig_random *random, uint64_t from, uint64_t to)
{
	return from + rig_below(random, to - from + 1);
}

uint64_t rig_scale(struct rig_random *random, uint64_t from, uint64_t to)
{
	uint64_t doublings = 0;

	while (doublings < 63 && from << doublings < to)
		doublings++;
	from <<= rig_below(random, doublings + 1);
	from += rig_below(random, from);
	return from < to ? from : to;
}

bool rig_one_in(struct rig_random *random, uint64_t n)
{
	return !rig_below(random, n);
}

void rig_bytes(struct rig_random *random, void *buf, size_t bytes)
{
	uint8_t *to = buf;

	for (size_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)rig_random(random);
}

int rig_pipe_init(struct rig_pipe *pipe, uint64_t seed)
{
	memset(pipe, 0, sizeof(*pipe));
	pipe->buf = malloc(PIPE_ROOM);
	pipe->random.state = seed;
	pipe->cut_at = RIG_NEVER;
	pipe->hash = FNV_BASIS;
	return pipe->buf ? 0 : -ENOMEM;
}

void rig_pipe_fini(struct rig_pipe *pipe)
{
	free(pipe->buf);
	free(pipe->queue);
	pipe->buf = NULL;
	pipe->queue = NULL;
	pipe->queued = pipe->queue_room = 0;
}

void rig_pipe_clock(struct rig_pipe *pipe, uint64_t now_ns)
{
	pipe->credit_ns += now_ns - pipe->clock_ns;
	if (pipe->credit_ns > BURST_NS)
		pipe->credit_ns = BURST_NS;
	pipe->clock_ns = now_ns;
	pipe->starved = false;
}

bool rig_pipe_cut(const struct rig_pipe *pipe)
{
	return pipe->out >= pipe->cut_at;
}

uint64_t rig_pipe_next(const struct rig_pipe *pipe)
{
	if (!pipe->count || rig_pipe_cut(pipe))
		return RIG_NEVER;
	return pipe->marks[pipe->first].ready_ns;
}

static uint64_t affordable(const struct rig_pipe *pipe)
{
	return (uint64_t)((double)pipe->credit_ns * (double)pipe->bandwidth /
			  (double)RIG_SECOND);
}

static void spend(struct rig_pipe *pipe, uint64_t bytes)
{
	uint64_t ns = (uint64_t)((double)bytes * (double)RIG_SECOND /
				 (double)pipe->bandwidth);

	pipe->credit_ns -= ns < pipe->credit_ns ? ns : pipe->credit_ns;
}

static size_t piece(struct rig_pipe *pipe, size_t bytes)
{
	if (pipe->fragment && bytes > 1)
		bytes = bytes < pipe->fragment ? bytes : pipe->fragment;
	if (pipe->fragment && bytes > 1)
		bytes = rig_between(&pipe->random, 1, bytes);
	return bytes;
}

static void put(struct rig_pipe *pipe, const uint8_t *from, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		pipe->buf[pipe->in++ % PIPE_ROOM] = from[i];
		pipe->hash = (pipe->hash ^ from[i]) * FNV_PRIME;
	}
}

static void mark(struct rig_pipe *pipe)
{
	uint32_t at = (pipe->first + pipe->count) % PIPE_MARKS;

	pipe->marks[at].end = pipe->in;
	pipe->marks[at].ready_ns = pipe->clock_ns + pipe->latency_ns;
	pipe->count++;
}

static void output(struct rig_side *from, struct iovec *iov, size_t *count)
{
	int ret =
		from->resolver
			? sevlm_resolver_output(from->resolver, iov, count)
		: from->target
			? sevlm_target_output(from->target_engine, iov, count)
			: sevlm_source_output(from->source_engine, iov, count);

	if (ret)
		*count = 0;
}

static void consumed(struct rig_side *from, size_t bytes)
{
	if (from->resolver)
		sevlm_resolver_consumed(from->resolver, bytes);
	else if (from->target)
		sevlm_target_consumed(from->target_engine, bytes);
	else
		sevlm_source_consumed(from->source_engine, bytes);
}

static size_t room(struct rig_pipe *pipe)
{
	uint64_t room = PIPE_ROOM - (pipe->in - pipe->out);
	uint64_t afford = affordable(pipe);

	if (pipe->count == PIPE_MARKS)
		return 0;
	pipe->starved = afford < room;
	return (size_t)(afford < room ? afford : room);
}

static bool gone(const struct rig_side *side)
{
	if (side->resolver)
		return side->closed;
	return side->killed || side->closed ||
	       (side->target ? !side->target_engine : !side->source_engine);
}

int rig_pipe_put(struct rig_pipe *pipe, const void *bytes, size_t count)
{
	size_t room = pipe->queued + count;
	uint8_t *queue;

	if (room > pipe->queue_room) {
		queue = realloc(pipe->queue, 2 * room);
		if (!queue)
			return -ENOMEM;
		pipe->queue = queue;
		pipe->queue_room = 2 * room;
	}
	if (count)
		memcpy(pipe->queue + pipe->queued, bytes, count);
	pipe->queued += count;
	return 0;
}

/* all that the engine has, as long as it is not far ahead of the link */
static bool intercept(struct rig_side *from, struct rig_pipe *pipe)
{
	struct iovec iov[16];
	size_t count = 16, sum = 0;

	if (gone(from) || pipe->shut || pipe->queued > PIPE_ROOM ||
	    (pipe->trickle && from->rig->rounds % pipe->trickle))
		return false;
	output(from, iov, &count);
	if (pipe->trickle && count) {
		count = 1;
		iov[0].iov_len = 1;
	}
	for (size_t i = 0; i < count; i++) {
		from->rig->hooks.wire(from, iov[i].iov_base, iov[i].iov_len);
		sum += iov[i].iov_len;
	}
	if (sum)
		consumed(from, sum);
	return sum > 0;
}

/* what a hook has put goes in, even if the engine has hung up by now */
static bool enter_queued(struct rig_side *from, struct rig_pipe *pipe)
{
	bool moved = intercept(from, pipe);
	size_t part = room(pipe);

	if (part > pipe->queued)
		part = pipe->queued;
	pipe->starved = pipe->starved && pipe->queued > part;
	if (!part)
		return moved;
	put(pipe, pipe->queue, part);
	pipe->queued -= part;
	memmove(pipe->queue, pipe->queue + part, pipe->queued);
	spend(pipe, part);
	mark(pipe);
	return true;
}

/* from an engine into the link */
static bool enter(struct rig_side *from, struct rig_pipe *pipe)
{
	struct iovec iov[16];
	size_t count = rig_between(&pipe->random, 1, 16), left, part, sum = 0;

	if (from->rig->hooks.wire)
		return enter_queued(from, pipe);
	if (gone(from) || pipe->shut)
		return false;
	output(from, iov, &count);
	left = room(pipe);
	for (size_t i = 0; i < count && left; i++) {
		part = iov[i].iov_len < left ? iov[i].iov_len : left;
		put(pipe, iov[i].iov_base, part);
		left -= part;
		sum += part;
	}
	if (!count || !sum) {
		pipe->starved = pipe->starved && count;
		return false;
	}
	spend(pipe, sum);
	consumed(from, sum);
	mark(pipe);
	return true;
}

/* how much may come out now, in one piece of memory */
static size_t ready(struct rig_pipe *pipe)
{
	uint64_t end = pipe->out, most;

	for (uint32_t i = 0; i < pipe->count; i++) {
		uint32_t at = (pipe->first + i) % PIPE_MARKS;

		if (pipe->marks[at].ready_ns > pipe->clock_ns)
			break;
		end = pipe->marks[at].end;
	}
	if (end > pipe->cut_at)
		end = pipe->cut_at > pipe->out ? pipe->cut_at : pipe->out;
	most = PIPE_ROOM - pipe->out % PIPE_ROOM;
	return (size_t)(end - pipe->out < most ? end - pipe->out : most);
}

static void left(struct rig_pipe *pipe, size_t bytes)
{
	if (pipe->record)
		fwrite(pipe->buf + pipe->out % PIPE_ROOM, 1, bytes,
		       pipe->record);
	pipe->out += bytes;
	while (pipe->count && pipe->marks[pipe->first].end <= pipe->out) {
		pipe->first = (pipe->first + 1) % PIPE_MARKS;
		pipe->count--;
	}
}

static size_t feed_space(struct sevlm_target *target, const uint8_t *buf,
			 size_t bytes)
{
	size_t have = 0;
	void *to = NULL;

	sevlm_target_space(target, &to, &have);
	if (have > bytes)
		have = bytes;
	if (have) {
		memcpy(to, buf, have);
		sevlm_target_fed(target, have);
	}
	return have;
}

static size_t feed(struct rig_side *to, struct rig_pipe *pipe, size_t bytes)
{
	const uint8_t *buf = pipe->buf + pipe->out % PIPE_ROOM;

	if (to->rig->hooks.arrive)
		return to->rig->hooks.arrive(to, buf, bytes);
	if (to->target_engine && pipe->random.state & 1)
		return feed_space(to->target_engine, buf, bytes);
	return rig_feed(to, buf, bytes);
}

static bool leave(struct rig_side *to, struct rig_pipe *pipe)
{
	uint32_t pieces = 0;
	size_t bytes, taken;

	if (gone(to))
		return false;
	for (; pieces < 64 && (bytes = ready(pipe)); pieces++) {
		bytes = piece(pipe, bytes);
		taken = feed(to, pipe, bytes);
		left(pipe, taken);
		/* full: its step() comes first */
		if (!taken)
			return pieces > 0;
	}
	return pieces > 0;
}

static bool carry(struct rig_side *from, struct rig_side *to,
		  struct rig_pipe *pipe)
{
	bool moved = enter(from, pipe);

	return leave(to, pipe) || moved;
}

/* nobody writes any more and nothing is under way */
static bool drained(const struct rig_side *from, struct rig_side *to,
		    const struct rig_pipe *pipe)
{
	size_t (*arrive)(struct rig_side * to, const void *bytes,
			 size_t count) = to->rig->hooks.arrive;

	return pipe->shut && !pipe->count && !pipe->queued && !gone(to) &&
	       !from->closed && !(arrive && arrive(to, NULL, 0));
}

static void tell_cut(struct rig *rig)
{
	bool cut = rig_pipe_cut(&rig->there) || rig_pipe_cut(&rig->back);

	if (!cut || rig->cut_told)
		return;
	rig->cut_told = true;
	rig_trace(rig, "the link is cut after %llu bytes, %llu back",
		  (unsigned long long)rig->there.out,
		  (unsigned long long)rig->back.out);
	if (rig->plan.cut_both) {
		rig->there.cut_at = rig->there.out;
		rig->back.cut_at = rig->back.out;
	}
	if (rig->plan.cut_seen[0])
		rig_closed(&rig->source);
	if (rig->plan.cut_seen[1])
		rig_closed(&rig->target);
}

void rig_move(struct rig *rig)
{
	rig_pipe_clock(&rig->there, rig->now_ns);
	rig_pipe_clock(&rig->back, rig->now_ns);
	if (carry(&rig->source, &rig->target, &rig->there))
		rig->busy = true;
	if (carry(&rig->target, &rig->source, &rig->back))
		rig->busy = true;
	tell_cut(rig);
	if (drained(&rig->source, &rig->target, &rig->there))
		rig_closed(&rig->target);
	if (drained(&rig->target, &rig->source, &rig->back))
		rig_closed(&rig->source);
	if (rig->there.starved || rig->back.starved)
		rig->busy = true;
}
