/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "channel.h"

#define FAREWELL_NS (2 * NS_PER_S)

int channel_init(struct channel *channel, const struct options *options,
		 struct sentence *why)
{
	int ret;

	channel->recording = (struct recording){.fds = {-1, -1}, .why = why};
	ret = link_init(&channel->link, options, why);
	if (!ret)
		ret = recording_init(&channel->recording, options, why);
	if (!ret && options->die_at)
		ret = doom_parse(&channel->doom, options->die_at, why);
	return ret;
}

void channel_free(struct channel *channel)
{
	link_free(&channel->link);
	recording_free(&channel->recording);
}

static size_t total(const struct iovec *iov, size_t count)
{
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += iov[i].iov_len;
	return bytes;
}

ssize_t channel_write(struct channel *channel, int from, struct iovec *iov,
		      size_t count)
{
	size_t most = doom_limit(&channel->doom, total(iov, count));
	ssize_t put;

	count = iov_cut(iov, count, most);
	put = link_write(&channel->link, iov, count);
	if (put > 0) {
		recording_add(&channel->recording, from, iov, (size_t)put);
		doom_moved(&channel->doom, (size_t)put);
	}
	return put;
}

ssize_t channel_read(struct channel *channel, int from, void *buf, size_t bytes)
{
	struct iovec iov = {buf, doom_limit(&channel->doom, bytes)};
	ssize_t got = link_read(&channel->link, buf, iov.iov_len);

	if (got > 0) {
		recording_add(&channel->recording, from, &iov, (size_t)got);
		doom_moved(&channel->doom, (size_t)got);
	}
	return got;
}

short channel_poll(struct channel *channel, short events, uint64_t timeout_ns)
{
	struct link *link = &channel->link;
	uint64_t refill;

	if (events & POLLOUT && !link_allowance(link)) {
		events = (short)(events & ~POLLOUT);
		refill = link_wait_ns(link);
		if (refill < timeout_ns)
			timeout_ns = refill;
	}
	return link_poll(link, events, timeout_ns);
}

static int wait_for(struct channel *channel, short events, uint64_t until)
{
	uint64_t now = now_ns();

	if (channel->link.cancelled)
		return -ECANCELED;
	if (now >= until)
		return -ETIMEDOUT;
	channel_poll(channel, events, until - now);
	return 0;
}

int channel_put(struct channel *channel, const void *buf, size_t bytes,
		uint64_t timeout_ns)
{
	uint64_t until = now_ns() + timeout_ns;
	struct iovec iov;
	size_t done = 0;
	ssize_t put;
	int ret = 0;

	while (!ret && done < bytes) {
		iov.iov_base = (char *)buf + done;
		iov.iov_len = bytes - done;
		put = link_write(&channel->link, &iov, 1);
		if (put < 0)
			return (int)put;
		done += (size_t)put;
		if (done < bytes)
			ret = wait_for(channel, POLLOUT, until);
	}
	return ret;
}

int channel_get(struct channel *channel, void *buf, size_t bytes,
		uint64_t timeout_ns)
{
	uint64_t until = now_ns() + timeout_ns;
	size_t have = 0;
	ssize_t got;
	int ret = 0;

	while (!ret && have < bytes) {
		got = link_read(&channel->link, (char *)buf + have,
				bytes - have);
		if (got < 0)
			return (int)got;
		have += (size_t)got;
		if (have < bytes)
			ret = wait_for(channel, POLLIN, until);
	}
	return ret;
}

/* Closing with unread bytes would throw away what the peer has not read. */
void channel_farewell(struct channel *channel)
{
	struct link *link = &channel->link;
	uint64_t until = now_ns() + FAREWELL_NS;
	char rest[4096];

	if (link->fd < 0)
		return;
	shutdown(link->fd, SHUT_WR);
	link->cancelled = false;
	while (!link->peer_done && link_read(link, rest, sizeof(rest)) >= 0)
		if (wait_for(channel, POLLIN, until))
			break;
}
