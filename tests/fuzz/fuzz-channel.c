/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Both ends of a channel, and somebody on the link between them. A byte says
 * how the ends prove themselves, then operations (ops.h, with kinds of their
 * own): what the link does, and what the ends do.
 */
#include <errno.h>

#include <libsevlm/tls.h>

#include "chance.h"
#include "ops.h"
#include "tls-fixture.h"

#define BY_CERTIFICATES 0x01u
#define SHAKEN 0x02u /* the handshake is done, undisturbed */

#define STREAM_MAX (256u << 10)

enum channel_kind {
	CHANNEL_CARRY, /* so many bytes from one end to the other */
	CHANNEL_ALTER, /* ... one of them changed */
	CHANNEL_DROP, /* ... which the other never sees */
	CHANNEL_REPEAT, /* ... twice */
	CHANNEL_INJECT, /* bytes that nobody sent */
	CHANNEL_STEP,
	CHANNEL_SEND,
	CHANNEL_RECEIVE,
	CHANNEL_CLOSE, /* an end has nothing more to say */
	CHANNEL_CUT, /* an end learns that the link is gone */
	CHANNEL_TIME,
	CHANNEL_SETTLE, /* the link does what it should, until all is quiet */
	CHANNEL_KINDS
};

struct channel {
	struct sevlm_tls *end[2];
	uint32_t state[2];
	size_t sent[2], got[2]; /* bytes of data, by who sent them */
	bool closed[2], cut[2];
	uint64_t now_ns;
};

/* ---- what must hold ---- */

static uint8_t data_at(int from, size_t at)
{
	return (uint8_t)(at * 7 + at / 251 + (size_t)from * 101);
}

static bool may_follow(uint32_t before, uint32_t after)
{
	return before == after ||
	       (before != SEVLM_TLS_CLOSED && before != SEVLM_TLS_FAILED &&
		after > before);
}

static void check_end(struct channel *channel, int end)
{
	struct sevlm_tls *tls = channel->end[end];
	uint32_t state = sevlm_tls_state(tls);
	int cause = sevlm_tls_cause(tls);

	/* data that was taken goes on while the channel closes or fails */
	MUST(may_follow(channel->state[end], state) ||
	     state == SEVLM_TLS_FAILED);
	MUST(!!cause == (state == SEVLM_TLS_FAILED) && cause <= 0);
	MUST(!!*sevlm_tls_error(tls) == !!cause);
	MUST(!strchr(sevlm_tls_error(tls), '\n'));
	/* nobody can make one believe that the other has said all */
	if (state == SEVLM_TLS_CLOSED)
		MUST(channel->closed[!end] &&
		     channel->got[!end] == channel->sent[!end]);
	channel->state[end] = state;
}

/* The value that ties the migration to this channel is the same or none. */
static void check_exporter(struct channel *channel)
{
	uint8_t value[2][SEVLM_EXPORTER_SIZE];
	bool open = true;

	for (int end = SOURCE; end <= TARGET; end++) {
		int ret = sevlm_tls_exporter(channel->end[end], value[end]);

		MUST(ret ==
		     (channel->state[end] == SEVLM_TLS_OPEN ? 0 : -EBADFD));
		open &= !ret;
	}
	if (open)
		MUST(!memcmp(value[SOURCE], value[TARGET], sizeof(value[0])));
}

static void check(struct channel *channel)
{
	check_end(channel, SOURCE);
	check_end(channel, TARGET);
	check_exporter(channel);
}

/* ---- the ends ---- */

static uint32_t step(struct channel *channel, int end)
{
	uint32_t want;

	MUST(!sevlm_tls_step(channel->end[end], channel->now_ns, &want));
	MUST(!(want & ~(SEVLM_WANT_STEP | SEVLM_WANT_READ | SEVLM_WANT_WRITE)));
	return want;
}

static void send_data(struct channel *channel, int end, size_t bytes)
{
	static uint8_t data[STREAM_MAX];
	struct iovec iov[2] = {{data, bytes / 3}, {data + bytes / 3, 0}};
	size_t taken = 0, sent = channel->sent[end];
	int ret;

	if (bytes > STREAM_MAX - sent)
		bytes = STREAM_MAX - sent;
	iov[0].iov_len = bytes / 3;
	iov[1].iov_base = data + bytes / 3;
	iov[1].iov_len = bytes - bytes / 3;
	for (size_t i = 0; i < bytes; i++)
		data[i] = data_at(end, sent + i);
	ret = sevlm_tls_send(channel->end[end], iov, 2, &taken);
	MUST(taken <= bytes && (!ret || ret < 0));
	if (channel->state[end] == SEVLM_TLS_HANDSHAKE)
		MUST(ret && !taken);
	channel->sent[end] += taken;
}

/* In order, without a gap, and nothing that was not sent. */
static bool receive(struct channel *channel, int end, size_t bytes)
{
	static uint8_t data[STREAM_MAX];
	size_t *got = &channel->got[!end];
	size_t count = 0;

	sevlm_tls_receive(channel->end[end], data, bytes, &count);
	MUST(count <= bytes && *got + count <= channel->sent[!end]);
	for (size_t i = 0; i < count; i++)
		MUST(data[i] == data_at(!end, *got + i));
	*got += count;
	return count;
}

/* ---- the link ---- */

static size_t offered(struct channel *channel, int from, uint8_t *copy,
		      size_t most)
{
	struct iovec iov = {0};
	size_t count = 1;

	MUST(!sevlm_tls_output(channel->end[from], &iov, &count));
	if (!count)
		return 0;
	if (iov.iov_len < most)
		most = iov.iov_len;
	memcpy(copy, iov.iov_base, most);
	return most;
}

static size_t feed(struct channel *channel, int to, const uint8_t *bytes,
		   size_t count)
{
	size_t taken = 0;
	int ret = sevlm_tls_feed(channel->end[to], bytes, count, &taken);

	MUST(ret == (channel->cut[to] ? -EBADFD : 0) && taken <= count);
	return taken;
}

static uint8_t link_bytes[STREAM_MAX];

static size_t amount(const struct fuzz_op *op)
{
	size_t bytes = fuzz_byte(op, 0) | (size_t)fuzz_byte(op, 1) << 8;

	return bytes ? bytes : sizeof(link_bytes);
}

static size_t carry(struct channel *channel, int from, size_t most)
{
	size_t count = offered(channel, from, link_bytes, most);

	count = feed(channel, !from, link_bytes, count);
	MUST(!sevlm_tls_consumed(channel->end[from], count));
	return count;
}

static void do_carry(struct channel *channel, int from,
		     const struct fuzz_op *op)
{
	carry(channel, from, amount(op));
}

static void do_alter(struct channel *channel, int from,
		     const struct fuzz_op *op)
{
	size_t count = offered(channel, from, link_bytes, sizeof(link_bytes));
	size_t at = fuzz_byte(op, 0) | (size_t)fuzz_byte(op, 1) << 8;

	if (at < count)
		link_bytes[at] ^= fuzz_byte(op, 2);
	count = feed(channel, !from, link_bytes, count);
	MUST(!sevlm_tls_consumed(channel->end[from], count));
}

static void do_drop(struct channel *channel, int from, const struct fuzz_op *op)
{
	size_t count = offered(channel, from, link_bytes, amount(op));

	MUST(!sevlm_tls_consumed(channel->end[from], count));
}

static void do_repeat(struct channel *channel, int from,
		      const struct fuzz_op *op)
{
	size_t count = offered(channel, from, link_bytes, amount(op));

	count = feed(channel, !from, link_bytes, count);
	feed(channel, !from, link_bytes, count);
	MUST(!sevlm_tls_consumed(channel->end[from], count));
}

static void do_inject(struct channel *channel, int from,
		      const struct fuzz_op *op)
{
	feed(channel, !from, op->bytes, op->count);
}

static void do_step(struct channel *channel, int end, const struct fuzz_op *op)
{
	(void)op;
	step(channel, end);
}

static void do_send(struct channel *channel, int end, const struct fuzz_op *op)
{
	send_data(channel, end, amount(op) % 50000);
}

static void do_receive(struct channel *channel, int end,
		       const struct fuzz_op *op)
{
	receive(channel, end, amount(op));
}

static void do_close(struct channel *channel, int end, const struct fuzz_op *op)
{
	int ret = sevlm_tls_close(channel->end[end]);

	(void)op;
	channel->closed[end] |= !ret;
}

static void do_cut(struct channel *channel, int end, const struct fuzz_op *op)
{
	(void)op;
	MUST(!sevlm_tls_closed(channel->end[end]));
	channel->cut[end] = true;
}

static void do_time(struct channel *channel, int end, const struct fuzz_op *op)
{
	(void)end;
	channel->now_ns += (uint64_t)fuzz_byte(op, 0) << 30;
}

static void settle(struct channel *channel)
{
	uint32_t turns = 0;
	bool moved;

	do {
		moved = false;
		for (int end = SOURCE; end <= TARGET; end++) {
			moved |= step(channel, end) & SEVLM_WANT_STEP;
			if (!channel->cut[!end])
				moved |= carry(channel, end,
					       sizeof(link_bytes)) > 0;
			moved |= receive(channel, end, STREAM_MAX);
		}
		MUST(++turns < 10000);
	} while (moved);
}

static void do_settle(struct channel *channel, int end,
		      const struct fuzz_op *op)
{
	(void)end;
	(void)op;
	settle(channel);
}

static void (*const operations[CHANNEL_KINDS])(struct channel *channel, int end,
					       const struct fuzz_op *op) = {
	[CHANNEL_CARRY] = do_carry,   [CHANNEL_ALTER] = do_alter,
	[CHANNEL_DROP] = do_drop,     [CHANNEL_REPEAT] = do_repeat,
	[CHANNEL_INJECT] = do_inject, [CHANNEL_STEP] = do_step,
	[CHANNEL_SEND] = do_send,     [CHANNEL_RECEIVE] = do_receive,
	[CHANNEL_CLOSE] = do_close,   [CHANNEL_CUT] = do_cut,
	[CHANNEL_TIME] = do_time,     [CHANNEL_SETTLE] = do_settle,
};

/* ---- from the beginning to the end ---- */

static void open_channel(struct channel *channel, uint8_t mode)
{
	static struct pki_trio trio;

	if (!trio.ca.cert)
		pki_trio_open(&trio);
	/* the same each time, whatever ran before */
	chance_reset();
	for (int end = SOURCE; end <= TARGET; end++) {
		struct sevlm_tls_config config =
			tls_config(mode & BY_CERTIFICATES ? &trio : NULL, end);

		MUST(!sevlm_tls_new(&config, &channel->end[end]));
		channel->state[end] = SEVLM_TLS_HANDSHAKE;
	}
	if (mode & SHAKEN)
		settle(channel);
	check(channel);
	if (mode & SHAKEN)
		MUST(channel->state[SOURCE] == SEVLM_TLS_OPEN &&
		     channel->state[TARGET] == SEVLM_TLS_OPEN);
}

static void end_channel(struct channel *channel)
{
	for (int end = SOURCE; end <= TARGET; end++) {
		do_cut(channel, end, NULL);
		while (receive(channel, end, STREAM_MAX))
			;
		step(channel, end);
		check_end(channel, end);
		MUST(!step(channel, end));
		MUST(channel->state[end] == SEVLM_TLS_FAILED ||
		     channel->state[end] == SEVLM_TLS_CLOSED);
		sevlm_tls_free(channel->end[end]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data + 1, size ? size - 1 : 0};
	struct channel channel = {.now_ns = 1};
	struct fuzz_op op;

	if (!size)
		return 0;
	open_channel(&channel, data[0]);
	while (fuzz_next(&input, &op)) {
		operations[op.kind % CHANNEL_KINDS](&channel, op.arg & 1, &op);
		check(&channel);
	}
	end_channel(&channel);
	return 0;
}
