/* SPDX-License-Identifier: MIT-0 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "channel.h"
#include "link.h"
#include "vmm.h"

#define IOVECS	   16
#define LOOK_MS	   100

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint32_t state(struct channel *channel)
{
	uint32_t unused;

	sevlm_tls_step(channel->tls, now_ns(), &unused);
	return sevlm_tls_state(channel->tls);
}

static bool waits(struct channel *channel)
{
	struct iovec iov;
	size_t count = 1;

	return !channel->mute &&
	       !sevlm_tls_output(channel->tls, &iov, &count) && count;
}

/* To the link, as much as it takes. Where it takes nothing any more there may
 * still be the peer's last words to read. */
static void push(struct channel *channel)
{
	struct iovec iov[IOVECS];
	size_t count = IOVECS;
	ssize_t put;

	while (!channel->mute &&
	       !sevlm_tls_output(channel->tls, iov, &count) && count) {
		put = link_write(channel->fd, iov, count);
		channel->mute = put < 0 && errno != EAGAIN;
		if (put <= 0)
			return;
		sevlm_tls_consumed(channel->tls, (size_t)put);
		count = IOVECS;
	}
}

/* from the link, as much as TLS takes */
static void pull(struct channel *channel)
{
	size_t taken = 0;
	ssize_t got;

	if (channel->from == channel->to) {
		got = link_read(channel->fd, channel->wire,
				sizeof(channel->wire));
		if (!got || (got < 0 && errno != EAGAIN))
			sevlm_tls_closed(channel->tls);
		channel->from = 0;
		channel->to = got > 0 ? (size_t)got : 0;
	}
	sevlm_tls_feed(channel->tls, channel->wire + channel->from,
		       channel->to - channel->from, &taken);
	channel->from += taken;
}

void channel_wait(struct channel *channel, bool read, int timeout_ms)
{
	struct pollfd wait = { .fd = channel->fd };

	wait.events = (short)((read ? POLLIN : 0) |
			      (waits(channel) ? POLLOUT : 0));
	if (channel->from == channel->to || !read)
		poll(&wait, 1, timeout_ms);
	push(channel);
}

void channel_flush(struct channel *channel)
{
	const int looks = vmm_patience_s() * 1000 / LOOK_MS;

	for (int i = 0; i < looks && waits(channel); i++)
		channel_wait(channel, false, LOOK_MS);
}

ssize_t channel_read(struct channel *channel, void *buf, size_t bytes)
{
	size_t got = 0;

	sevlm_tls_receive(channel->tls, buf, bytes, &got);
	if (got)
		return (ssize_t)got;
	pull(channel);
	sevlm_tls_receive(channel->tls, buf, bytes, &got);
	if (got)
		return (ssize_t)got;
	return state(channel) == SEVLM_TLS_OPEN ? -1 : 0;
}

ssize_t channel_write(struct channel *channel, const struct iovec *iov,
		      size_t count)
{
	size_t taken = 0;

	push(channel);
	/* Left there for channel_wait(), which waits for the link while there
	 * is something: the caller's bytes it does not know of. */
	if (waits(channel))
		return -1;
	sevlm_tls_send(channel->tls, iov, count, &taken);
	push(channel);
	return taken ? (ssize_t)taken : -1;
}

static bool shake_hands(struct channel *channel)
{
	while (state(channel) == SEVLM_TLS_HANDSHAKE) {
		channel_wait(channel, true, LOOK_MS);
		pull(channel);
	}
	channel_flush(channel);
	return sevlm_tls_state(channel->tls) == SEVLM_TLS_OPEN;
}

int channel_open(struct channel *channel, int fd, uint32_t role,
		 const uint8_t *psk)
{
	const struct sevlm_tls_config config = {
		.size = sizeof(config),
		.role = role,
		.psk = psk,
	};

	memset(channel, 0, sizeof(*channel));
	channel->fd = fd;
	if (!sevlm_tls_new(&config, &channel->tls) && shake_hands(channel))
		return 0;
	warnx("no secure channel: %s", sevlm_tls_error(channel->tls));
	channel_close(channel);
	return -1;
}

/* The farewell tells the peer that nothing is missing. */
void channel_close(struct channel *channel)
{
	if (channel->fd < 0)
		return;
	sevlm_tls_close(channel->tls);
	channel_flush(channel);
	link_farewell(channel->fd);
	channel->fd = -1;
	sevlm_tls_free(channel->tls);
	channel->tls = NULL;
}
