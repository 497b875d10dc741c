/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link.h"

#define FAREWELL_NS (2 * NS_PER_S)
#define LEAST_BURST 1500u

static int open_record(const char *option, const char *path, int *ret_fd,
		       struct sentence *why)
{
	if (!path)
		return 0;
	*ret_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return *ret_fd < 0 ? fail(why, -errno, "--%s %s: %s", option, path,
				  strerror(errno))
			   : 0;
}

/* Blocked before there is a thread, so that all threads inherit it. */
static int watch_signals(struct link *link, struct sentence *why)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	link->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return link->signals < 0
		       ? fail(why, -errno, "signalfd: %s", strerror(errno))
		       : 0;
}

int link_init(struct link *link, const struct options *options,
	      struct sentence *why)
{
	int ret;

	link->fd = link->signals = link->record[0] = link->record[1] = -1;
	link->why = why;
	link->throttle.bytes_per_s = options->bandwidth / 8;
	link->throttle.last_ns = now_ns();
	ret = open_record("record", options->record, &link->record[0], why);
	if (!ret)
		ret = open_record("record-answers", options->record_answers,
				  &link->record[1], why);
	if (!ret && options->die_at)
		ret = doom_parse(&link->doom, options->die_at, why);
	return ret ? ret : watch_signals(link, why);
}

void link_take(struct link *link, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	link->fd = fd;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void link_free(struct link *link)
{
	close_fd(&link->fd);
	close_fd(&link->signals);
	close_fd(&link->record[0]);
	close_fd(&link->record[1]);
}

static double burst(const struct throttle *throttle)
{
	double bytes = (double)throttle->bytes_per_s / 50;

	return bytes > LEAST_BURST ? bytes : LEAST_BURST;
}

size_t link_allowance(struct link *link)
{
	struct throttle *throttle = &link->throttle;
	uint64_t now = now_ns();

	if (!throttle->bytes_per_s)
		return SIZE_MAX;
	throttle->tokens += (double)(now - throttle->last_ns) *
			    (double)throttle->bytes_per_s / (double)NS_PER_S;
	throttle->last_ns = now;
	if (throttle->tokens > burst(throttle))
		throttle->tokens = burst(throttle);
	return throttle->tokens >= 1 ? (size_t)throttle->tokens : 0;
}

uint64_t link_wait_ns(const struct link *link)
{
	const struct throttle *throttle = &link->throttle;
	double missing = LEAST_BURST - throttle->tokens;

	if (!throttle->bytes_per_s || missing <= 0)
		return 0;
	return (uint64_t)(missing * (double)NS_PER_S /
			  (double)throttle->bytes_per_s) +
	       1;
}

static int write_all(int fd, const void *buf, size_t bytes)
{
	const char *at = buf;
	ssize_t put;

	while (bytes) {
		put = write(fd, at, bytes);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		at += put;
		bytes -= (size_t)put;
	}
	return 0;
}

static void record(struct link *link, int from, const void *buf, size_t bytes)
{
	int ret;

	if (link->record[from] < 0 || link->record_failed)
		return;
	ret = write_all(link->record[from], buf, bytes);
	if (!ret)
		return;
	link->record_failed = true;
	fail(link->why, ret, "the stream could not be recorded: %s",
	     strerror(-ret));
}

static void record_iov(struct link *link, int from, const struct iovec *iov,
		       size_t bytes)
{
	size_t part;

	for (; bytes; iov++, bytes -= part) {
		part = iov->iov_len < bytes ? iov->iov_len : bytes;
		record(link, from, iov->iov_base, part);
	}
}

/* cuts the vector; returns how many entries are left of it */
static size_t cut(struct iovec *iov, size_t count, size_t most)
{
	for (size_t i = 0; i < count; i++) {
		if (iov[i].iov_len >= most) {
			iov[i].iov_len = most;
			return i + 1;
		}
		most -= iov[i].iov_len;
	}
	return count;
}

static ssize_t send_iov(struct link *link, struct iovec *iov, size_t count)
{
	struct msghdr message = {.msg_iov = iov, .msg_iovlen = count};
	ssize_t put = sendmsg(link->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (put >= 0)
		return put;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	link->mute = true;
	return -ECONNRESET;
}

ssize_t link_write(struct link *link, int from, struct iovec *iov, size_t count)
{
	size_t most = doom_limit(&link->doom, link_allowance(link));
	ssize_t put;

	if (!most)
		return 0;
	put = send_iov(link, iov, cut(iov, count, most));
	if (put <= 0)
		return put;
	if (link->throttle.bytes_per_s)
		link->throttle.tokens -= (double)put;
	record_iov(link, from, iov, (size_t)put);
	doom_moved(&link->doom, (size_t)put);
	return put;
}

static ssize_t receive(struct link *link, void *buf, size_t bytes)
{
	ssize_t got = recv(link->fd, buf, bytes, MSG_DONTWAIT);

	if (got > 0)
		return got;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	link->peer_done = true;
	return -ECONNRESET;
}

ssize_t link_read(struct link *link, int from, void *buf, size_t bytes)
{
	ssize_t got = receive(link, buf, doom_limit(&link->doom, bytes));

	if (got > 0) {
		record(link, from, buf, (size_t)got);
		doom_moved(&link->doom, (size_t)got);
	}
	return got;
}

void link_signal(struct link *link)
{
	struct signalfd_siginfo info;

	while (read(link->signals, &info, sizeof(info)) == sizeof(info))
		link->cancelled = true;
}

short link_poll(struct link *link, short events, uint64_t timeout_ns)
{
	struct pollfd fds[] = {
		{.fd = link->signals, .events = POLLIN},
		/* a dead socket would wake a sleep that is not for it */
		{.fd = events ? link->fd : -1, .events = events},
	};
	struct timespec timeout = {
		.tv_sec = (time_t)(timeout_ns / NS_PER_S),
		.tv_nsec = (long)(timeout_ns % NS_PER_S),
	};

	if (ppoll(fds, ARRAY_SIZE(fds),
		  timeout_ns == SEVLM_NO_DEADLINE ? NULL : &timeout, NULL) <= 0)
		return 0;
	if (fds[0].revents)
		link_signal(link);
	return fds[1].revents;
}

static int wait_for(struct link *link, short events, uint64_t until)
{
	uint64_t now = now_ns();

	if (link->cancelled)
		return -ECANCELED;
	if (now >= until)
		return -ETIMEDOUT;
	link_poll(link, events, until - now);
	return 0;
}

int link_put(struct link *link, const void *buf, size_t bytes,
	     uint64_t timeout_ns)
{
	struct iovec iov = {(void *)buf, bytes};
	uint64_t until = now_ns() + timeout_ns;
	ssize_t put;
	int ret = 0;

	while (!ret && iov.iov_len) {
		put = send_iov(link, &iov, 1);
		if (put < 0)
			return (int)put;
		iov.iov_base = (char *)iov.iov_base + put;
		iov.iov_len -= (size_t)put;
		if (iov.iov_len)
			ret = wait_for(link, POLLOUT, until);
	}
	return ret;
}

int link_get(struct link *link, void *buf, size_t bytes, uint64_t timeout_ns)
{
	uint64_t until = now_ns() + timeout_ns;
	size_t have = 0;
	ssize_t got;
	int ret = 0;

	while (!ret && have < bytes) {
		got = receive(link, (char *)buf + have, bytes - have);
		if (got < 0)
			return (int)got;
		have += (size_t)got;
		if (have < bytes)
			ret = wait_for(link, POLLIN, until);
	}
	return ret;
}

/* Closing with unread bytes would throw away what the peer has not read. */
void link_farewell(struct link *link)
{
	uint64_t until = now_ns() + FAREWELL_NS;
	char rest[4096];

	if (link->fd < 0)
		return;
	shutdown(link->fd, SHUT_WR);
	link->cancelled = false;
	while (!link->peer_done && receive(link, rest, sizeof(rest)) >= 0)
		if (wait_for(link, POLLIN, until))
			break;
}
