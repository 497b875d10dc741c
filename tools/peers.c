/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* TCP: within this machine only, unless the channel is protected. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link.h"

#define CONNECT_NS (10 * NS_PER_S)

/* "host:port", an IPv6 address in brackets */
static int split(const char *text, char *host, size_t room,
		 const char **ret_port, struct sentence *why)
{
	const char *colon = strrchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : 0;

	if (length > 1 && text[0] == '[' && text[length - 1] == ']') {
		text++;
		length -= 2;
	} else if (memchr(text, ':', length)) {
		return fail(why, -EINVAL,
			    "%s: an IPv6 address stands in brackets, "
			    "[::1]:7000",
			    text);
	}
	if (!length || length >= room || !colon[1])
		return fail(why, -EINVAL, "%s is not HOST:PORT", text);
	memcpy(host, text, length);
	host[length] = '\0';
	*ret_port = colon + 1;
	return 0;
}

static bool port_number(const char *port)
{
	return strlen(port) <= 5 &&
	       strspn(port, "0123456789") == strlen(port) &&
	       atoi(port) <= UINT16_MAX;
}

static bool on_loopback(const struct sockaddr_storage *to)
{
	const struct sockaddr_in *v4 = (const void *)to;
	const struct sockaddr_in6 *v6 = (const void *)to;

	if (to->ss_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return to->ss_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static bool all_on_loopback(const struct addrinfo *found)
{
	for (; found; found = found->ai_next)
		if (!on_loopback((const void *)found->ai_addr))
			return false;
	return true;
}

/* Where the channel is plain, names are not looked up: no word of this leaves
 * the machine. */
static int look_up(const char *host, const char *port, bool plain,
		   struct addrinfo **ret, struct sentence *why)
{
	struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV | (plain ? AI_NUMERICHOST : 0),
	};
	int error;

	if (plain && !strcmp(host, "localhost"))
		host = "127.0.0.1";
	error = getaddrinfo(host, port, &hints, ret);
	if (error && !plain)
		return fail(why, -EINVAL, "%s: %s", host, gai_strerror(error));
	if (!error && (!plain || all_on_loopback(*ret)))
		return 0;
	if (!error)
		freeaddrinfo(*ret);
	return fail(why, -EINVAL,
		    "%s is no loopback address: a plain channel stays within "
		    "this machine",
		    host);
}

/* @ret: freed with freeaddrinfo(3) */
static int resolve(const char *text, bool plain, struct addrinfo **ret,
		   struct sentence *why)
{
	const char *port = "";
	char host[256];
	int error = split(text, host, sizeof(host), &port, why);

	if (error)
		return error;
	if (!port_number(port))
		return fail(why, -EINVAL, "%s: %s is no port", text, port);
	return look_up(host, port, plain, ret, why);
}

static int set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

/* A peer whose host is gone without a word is gone after this time. */
static int tune(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{IPPROTO_TCP, TCP_NODELAY, 1},
		{SOL_SOCKET, SO_KEEPALIVE, 1},
		{IPPROTO_TCP, TCP_KEEPIDLE, 10},
		{IPPROTO_TCP, TCP_KEEPINTVL, 5},
		{IPPROTO_TCP, TCP_KEEPCNT, 4},
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (set_option(fd, options[i].level, options[i].name,
			       options[i].value))
			return -errno;
	return 0;
}

/* 0 once it is connected: a signal ends the waiting */
static int wait_connected(struct link *link)
{
	uint64_t until = now_ns() + CONNECT_NS, now;
	socklen_t bytes = sizeof(int);
	int error = 0;
	short ready = 0;

	for (now = now_ns(); !ready && !link->cancelled && now < until;
	     now = now_ns())
		ready = link_poll(link, POLLOUT, until - now);
	if (link->cancelled)
		return -ECANCELED;
	if (!ready)
		return -ETIMEDOUT;
	if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &bytes))
		return -errno;
	return -error;
}

static int try_connect(struct link *link, const struct addrinfo *address)
{
	int fd = socket(address->ai_family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int ret = 0;

	if (fd < 0)
		return -errno;
	link_take(link, fd);
	if (connect(fd, address->ai_addr, address->ai_addrlen))
		ret = errno == EINPROGRESS ? wait_connected(link) : -errno;
	if (!ret)
		ret = tune(fd);
	if (ret)
		link_drop(link);
	return ret;
}

int link_connect(struct link *link, const char *to, bool plain,
		 struct sentence *why)
{
	struct addrinfo *found = NULL;
	int ret = resolve(to, plain, &found, why);

	if (ret)
		return ret;
	ret = -ECONNREFUSED;
	for (struct addrinfo *at = found; at && ret && ret != -ECANCELED;
	     at = at->ai_next)
		ret = try_connect(link, at);
	freeaddrinfo(found);
	return ret ? fail(why, ret, "no connection to %s: %s", to,
			  strerror(-ret))
		   : 0;
}

static int listen_there(int fd, const struct addrinfo *address,
			uint16_t *ret_port)
{
	struct sockaddr_storage bound;
	socklen_t bytes = sizeof(bound);

	if (set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) ||
	    bind(fd, address->ai_addr, address->ai_addrlen) || listen(fd, 16) ||
	    getsockname(fd, (void *)&bound, &bytes))
		return -errno;
	/* the port is at the same place in both families */
	*ret_port = ntohs(((struct sockaddr_in *)&bound)->sin_port);
	return 0;
}

static int listen_on(const struct addrinfo *address, uint16_t *ret_port)
{
	int fd = socket(address->ai_family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int ret = fd < 0 ? -errno : listen_there(fd, address, ret_port);

	if (ret && fd >= 0)
		close(fd);
	return ret ? ret : fd;
}

int link_listen(const char *address, bool plain, uint16_t *ret_port,
		struct sentence *why)
{
	struct addrinfo *found = NULL;
	int fd, ret = resolve(address, plain, &found, why);

	if (ret)
		return ret;
	fd = listen_on(found, ret_port);
	freeaddrinfo(found);
	return fd < 0 ? fail(why, fd, "cannot listen on %s: %s", address,
			     strerror(-fd))
		      : fd;
}

static int wait_for_source(struct link *link, int listener, uint64_t wait_s)
{
	uint64_t until =
		wait_s ? now_ns() + wait_s * NS_PER_S : SEVLM_NO_DEADLINE;
	bool there = false;

	while (!there && !link->cancelled && now_ns() < until)
		there = link_watch(link, listener, until);
	if (link->cancelled)
		return -ECANCELED;
	return there ? 0 : -ETIMEDOUT;
}

int link_answer(struct link *link, int listener, struct sentence *why)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return fail(why, -errno, "no source came: %s", strerror(errno));
	tune(fd);
	link_take(link, fd);
	return 0;
}

int link_accept(struct link *link, int listener, uint64_t wait_s,
		struct sentence *why)
{
	int ret = wait_for_source(link, listener, wait_s);

	if (!ret)
		return link_answer(link, listener, why);
	return fail(why, ret,
		    ret == -ECANCELED ? "interrupted before a source came"
				      : "no source came within %llu seconds",
		    (unsigned long long)wait_s);
}

int link_check(const char *address, bool plain, struct sentence *why)
{
	struct addrinfo *found = NULL;
	int ret = resolve(address, plain, &found, why);

	if (!ret)
		freeaddrinfo(found);
	return ret;
}
