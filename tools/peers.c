/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* TCP, within this machine only. */
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

struct address {
	struct sockaddr_storage to;
	socklen_t bytes;
	int family;
};

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

/* Names are not looked up: no word of this leaves the machine. */
static int look_up(const char *host, const char *port, struct addrinfo **ret)
{
	struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV | AI_NUMERICHOST,
	};

	if (!strcmp(host, "localhost"))
		host = "127.0.0.1";
	return getaddrinfo(host, port, &hints, ret) ? -EINVAL : 0;
}

static int resolve(const char *text, struct address *address,
		   struct sentence *why)
{
	struct addrinfo *found = NULL;
	const char *port = "";
	char host[64];
	int ret = split(text, host, sizeof(host), &port, why);

	if (ret)
		return ret;
	if (!port_number(port))
		return fail(why, -EINVAL, "%s: %s is no port", text, port);
	if (!look_up(host, port, &found)) {
		memcpy(&address->to, found->ai_addr, found->ai_addrlen);
		address->bytes = found->ai_addrlen;
		address->family = found->ai_family;
		freeaddrinfo(found);
		if (on_loopback(&address->to))
			return 0;
	}
	return fail(why, -EINVAL,
		    "%s is no loopback address: a plain channel stays within "
		    "this machine",
		    host);
}

static int no_delay(int fd)
{
	const int one = 1;

	return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static int try_connect(struct link *link, const struct address *address)
{
	int fd = socket(address->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const void *)&address->to, address->bytes) ||
	    no_delay(fd))
		ret = -errno;
	if (ret)
		close(fd);
	else
		link_take(link, fd);
	return ret;
}

int link_connect(struct link *link, const char *to, struct sentence *why)
{
	struct address address;
	int ret = resolve(to, &address, why);

	if (ret)
		return ret;
	ret = try_connect(link, &address);
	return ret ? fail(why, ret, "no connection to %s: %s", to,
			  strerror(-ret))
		   : 0;
}

static int listen_there(int fd, const struct address *address,
			uint16_t *ret_port)
{
	struct sockaddr_storage bound;
	socklen_t bytes = sizeof(bound);
	const int one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (const void *)&address->to, address->bytes) ||
	    listen(fd, 1) || getsockname(fd, (void *)&bound, &bytes))
		return -errno;
	/* the port is at the same place in both families */
	*ret_port = ntohs(((struct sockaddr_in *)&bound)->sin_port);
	return 0;
}

int link_listen(const struct options *options, uint16_t *ret_port,
		struct sentence *why)
{
	struct address address;
	int fd, ret = resolve(options->listen, &address, why);

	if (ret)
		return ret;
	fd = socket(address.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    0);
	ret = fd < 0 ? -errno : listen_there(fd, &address, ret_port);
	if (ret && fd >= 0)
		close(fd);
	return ret ? fail(why, ret, "cannot listen on %s: %s", options->listen,
			  strerror(-ret))
		   : fd;
}

static int wait_for_source(struct link *link, int listener, uint64_t wait_s)
{
	uint64_t until =
		wait_s ? now_ns() + wait_s * NS_PER_S : SEVLM_NO_DEADLINE;
	uint64_t now;
	short ready = 0;

	link->fd = listener;
	for (now = now_ns(); !ready && !link->cancelled && now < until;
	     now = now_ns())
		ready = link_poll(link, POLLIN,
				  until == SEVLM_NO_DEADLINE ? until
							     : until - now);
	link->fd = -1;
	if (link->cancelled)
		return -ECANCELED;
	return ready ? 0 : -ETIMEDOUT;
}

int link_accept(struct link *link, int listener, uint64_t wait_s,
		struct sentence *why)
{
	int fd, ret = wait_for_source(link, listener, wait_s);

	if (ret)
		return fail(why, ret,
			    ret == -ECANCELED
				    ? "interrupted before a source came"
				    : "no source came within %llu seconds",
			    (unsigned long long)wait_s);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return fail(why, -errno, "no source came: %s", strerror(errno));
	no_delay(fd);
	link_take(link, fd);
	return 0;
}

int link_check(const char *address, struct sentence *why)
{
	struct address ignored;

	return resolve(address, &ignored, why);
}
