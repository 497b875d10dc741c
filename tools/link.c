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

#define LEAST_BURST 1500u

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
	link->fd = link->signals = link->door = -1;
	link->throttle.bytes_per_s = options->bandwidth / 8;
	link->throttle.last_ns = now_ns();
	return watch_signals(link, why);
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

void link_drop(struct link *link)
{
	close_fd(&link->fd);
	link->mute = link->peer_done = false;
}

void link_free(struct link *link)
{
	close_fd(&link->fd);
	close_fd(&link->signals);
}

static double burst(const struct throttle *throttle)
{
	double bytes = (double)throttle->bytes_per_s / 50;

	return bytes > LEAST_BURST ? bytes : LEAST_BURST;
}

static size_t allowance(struct link *link)
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

static uint64_t refill_ns(const struct link *link)
{
	const struct throttle *throttle = &link->throttle;
	double missing = LEAST_BURST - throttle->tokens;

	if (!throttle->bytes_per_s || missing <= 0)
		return 0;
	return (uint64_t)(missing * (double)NS_PER_S /
			  (double)throttle->bytes_per_s) +
	       1;
}

/* cuts the vector; returns how many entries are left of it */
size_t iov_cut(struct iovec *iov, size_t count, size_t most)
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

ssize_t link_write(struct link *link, struct iovec *iov, size_t count)
{
	struct msghdr message = {.msg_iov = iov};
	size_t most = allowance(link);
	ssize_t put;

	if (!most)
		return 0;
	message.msg_iovlen = iov_cut(iov, count, most);
	put = sendmsg(link->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (put >= 0 && link->throttle.bytes_per_s)
		link->throttle.tokens -= (double)put;
	if (put >= 0)
		return put;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	link->mute = true;
	return -ECONNRESET;
}

ssize_t link_read(struct link *link, void *buf, size_t bytes)
{
	ssize_t got = recv(link->fd, buf, bytes, MSG_DONTWAIT);

	if (got > 0)
		return got;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	link->peer_done = true;
	return -ECONNRESET;
}

void link_signal(struct link *link)
{
	struct signalfd_siginfo info;

	while (read(link->signals, &info, sizeof(info)) == sizeof(info))
		link->cancelled = true;
}

/* what to wait for while nothing may be written; *timeout goes down */
static short allowed(struct link *link, short events, uint64_t *timeout_ns)
{
	uint64_t refill;

	if (!(events & POLLOUT) || allowance(link))
		return events;
	refill = refill_ns(link);
	if (refill < *timeout_ns)
		*timeout_ns = refill;
	return (short)(events & ~POLLOUT);
}

static short sleep_for(struct link *link, int fd, short events,
		       uint64_t timeout_ns)
{
	struct pollfd fds[] = {
		{.fd = link->signals, .events = POLLIN},
		/* a dead socket would wake a sleep that is not for it */
		{.fd = events ? fd : -1, .events = events},
		{.fd = link->door, .events = POLLIN},
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
	link->knocked = fds[2].revents;
	return fds[1].revents;
}

short link_poll(struct link *link, short events, uint64_t timeout_ns)
{
	events = allowed(link, events, &timeout_ns);
	return sleep_for(link, link->fd, events, timeout_ns);
}

bool link_watch(struct link *link, int listener, uint64_t until)
{
	uint64_t now = now_ns();
	uint64_t timeout = until == SEVLM_NO_DEADLINE ? until
			   : until > now	      ? until - now
						      : 0;

	return sleep_for(link, listener, POLLIN, timeout);
}
