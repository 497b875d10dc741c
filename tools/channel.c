/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "channel.h"

#define FAREWELL_NS (2 * NS_PER_S)

int channel_init(struct channel *channel, const struct options *options,
		 bool source, struct sentence *why)
{
	int ret;

	channel->recording = (struct recording){.fds = {-1, -1}, .why = why};
	ret = link_init(&channel->link, options, why);
	if (!ret)
		ret = credentials_load(&channel->credentials, options, source,
				       why);
	if (!ret && credentials_given(&channel->credentials))
		ret = secure_check(&channel->credentials, why);
	if (!ret)
		ret = recording_init(&channel->recording, options, why);
	if (!ret && options->die_at)
		ret = doom_parse(&channel->doom, options->die_at, why);
	return ret;
}

bool channel_answered(const struct channel *channel)
{
	return channel->answered;
}

void channel_drop(struct channel *channel)
{
	secure_free(&channel->secure);
	link_drop(&channel->link);
	recording_free(&channel->recording);
	channel->answered = false;
}

void channel_free(struct channel *channel)
{
	secure_free(&channel->secure);
	link_free(&channel->link);
	recording_free(&channel->recording);
	credentials_free(&channel->credentials);
}

int channel_open(struct channel *channel, struct sentence *why)
{
	if (!credentials_given(&channel->credentials))
		return 0;
	return secure_open(&channel->secure, &channel->link,
			   &channel->credentials, why);
}

uint32_t channel_kind(const struct channel *channel)
{
	return channel->secure.tls ? SEVLM_CHANNEL_DECLARED
				   : SEVLM_CHANNEL_INSECURE;
}

int channel_exporter(struct channel *channel, uint8_t *value)
{
	return channel->secure.tls ? secure_exporter(&channel->secure, value)
				   : 0;
}

const char *channel_error(struct channel *channel)
{
	return channel->secure.tls ? secure_error(&channel->secure) : "";
}

bool channel_ended(const struct channel *channel)
{
	return channel->secure.tls ? channel->secure.ended
				   : channel->link.peer_done;
}

bool channel_mute(const struct channel *channel)
{
	return channel->secure.tls ? channel->secure.mute : channel->link.mute;
}

static ssize_t put_some(struct channel *channel, struct iovec *iov,
			size_t count)
{
	return channel->secure.tls ? secure_write(&channel->secure, iov, count)
				   : link_write(&channel->link, iov, count);
}

static ssize_t get_some(struct channel *channel, void *buf, size_t bytes)
{
	return channel->secure.tls ? secure_read(&channel->secure, buf, bytes)
				   : link_read(&channel->link, buf, bytes);
}

short channel_poll(struct channel *channel, short events, uint64_t timeout_ns)
{
	return channel->secure.tls
		       ? secure_poll(&channel->secure, events, timeout_ns)
		       : link_poll(&channel->link, events, timeout_ns);
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

/* what was written is on the wire */
static int flush(struct channel *channel, uint64_t until)
{
	int ret = 0;

	while (!ret && channel->secure.tls && secure_waits(&channel->secure))
		ret = wait_for(channel, 0, until);
	return ret;
}

static size_t total(const struct iovec *iov, size_t count)
{
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += iov[i].iov_len;
	return bytes;
}

/* so much of the stream was moved */
static void account(struct channel *channel, int from, const struct iovec *iov,
		    size_t bytes)
{
	channel->answered = channel->answered || from == FROM_TARGET;
	recording_add(&channel->recording, from, iov, bytes);
	doom_moved(&channel->doom, bytes);
}

ssize_t channel_write(struct channel *channel, int from, struct iovec *iov,
		      size_t count)
{
	size_t most = doom_limit(&channel->doom, total(iov, count));
	ssize_t put;

	count = iov_cut(iov, count, most);
	put = put_some(channel, iov, count);
	/* what was moved must be with the peer when this side dies */
	if (put > 0 && channel->doom.counting)
		flush(channel, now_ns() + FAREWELL_NS);
	if (put > 0)
		account(channel, from, iov, (size_t)put);
	return put;
}

ssize_t channel_read(struct channel *channel, int from, void *buf, size_t bytes)
{
	struct iovec iov = {buf, doom_limit(&channel->doom, bytes)};
	ssize_t got = get_some(channel, buf, iov.iov_len);

	if (got > 0)
		account(channel, from, &iov, (size_t)got);
	return got;
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
		put = put_some(channel, &iov, 1);
		if (put < 0)
			return (int)put;
		done += (size_t)put;
		if (done < bytes)
			ret = wait_for(channel, POLLOUT, until);
	}
	return ret ? ret : flush(channel, until);
}

int channel_get(struct channel *channel, void *buf, size_t bytes,
		uint64_t timeout_ns)
{
	uint64_t until = now_ns() + timeout_ns;
	size_t have = 0;
	ssize_t got;
	int ret = 0;

	while (!ret && have < bytes) {
		got = get_some(channel, (char *)buf + have, bytes - have);
		if (got < 0)
			return (int)got;
		have += (size_t)got;
		if (have < bytes)
			ret = wait_for(channel, POLLIN, until);
	}
	return ret;
}

/* Closing with unread bytes would throw away what the peer has not read. */
static void drain(struct link *link, uint64_t until)
{
	char rest[4096];
	uint64_t now;

	while (!link->peer_done && !link->cancelled) {
		now = now_ns();
		if (link_read(link, rest, sizeof(rest)) < 0 || now >= until)
			return;
		link_poll(link, POLLIN, until - now);
	}
}

void channel_farewell(struct channel *channel)
{
	struct link *link = &channel->link;
	uint64_t until = now_ns() + FAREWELL_NS;

	if (link->fd < 0)
		return;
	link->cancelled = false;
	if (channel->secure.tls)
		secure_close(&channel->secure);
	flush(channel, until);
	shutdown(link->fd, SHUT_WR);
	drain(link, until);
}
