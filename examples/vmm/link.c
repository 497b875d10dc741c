/* SPDX-License-Identifier: MIT-0 */
/* A connection between two VMMs: TCP, one at a time. */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "link.h"
#include "vmm.h"

#define PAUSE_MS 20

/* ADDRESS:PORT, or PORT for any address of this machine */
static int parse(const char *where, struct sockaddr_in *to)
{
	char address[INET_ADDRSTRLEN] = "0.0.0.0";
	const char *colon = strchr(where, ':');

	if (colon && (size_t)(colon - where) < sizeof(address)) {
		memcpy(address, where, (size_t)(colon - where));
		address[colon - where] = '\0';
	}
	memset(to, 0, sizeof(*to));
	to->sin_family = AF_INET;
	to->sin_port = htons((uint16_t)atoi(colon ? colon + 1 : where));
	if (to->sin_port && inet_pton(AF_INET, address, &to->sin_addr) == 1)
		return 0;
	warnx("%s is no address and port", where);
	return -1;
}

static int ready(int fd)
{
	const int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static int try_connect(const struct sockaddr_in *to)
{
	const struct timeval patience = { .tv_sec = 1 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (!connect(fd, (const void *)to, sizeof(*to)))
		return ready(fd);
	close(fd);
	return -1;
}

/* The other side may not be there yet. */
int link_connect(const char *where)
{
	struct sockaddr_in to;
	int fd;

	if (parse(where, &to))
		return -1;
	for (time_t end = time(NULL) + vmm_patience_s(); time(NULL) <= end;) {
		fd = try_connect(&to);
		if (fd >= 0)
			return fd;
		poll(NULL, 0, PAUSE_MS);
	}
	warnx("%s does not answer", where);
	return -1;
}

static int listen_at(const struct sockaddr_in *here)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int on = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (!bind(fd, (const void *)here, sizeof(*here)) && !listen(fd, 1))
		return fd;
	close(fd);
	return -1;
}

int link_accept(const char *where)
{
	struct pollfd wait = { .events = POLLIN };
	struct sockaddr_in here;
	int fd = -1;

	if (parse(where, &here))
		return -1;
	wait.fd = listen_at(&here);
	if (wait.fd >= 0 && poll(&wait, 1, vmm_patience_s() * 1000) == 1)
		fd = accept4(wait.fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		warnx("nobody came to %s", where);
	if (wait.fd >= 0)
		close(wait.fd);
	return fd < 0 ? -1 : ready(fd);
}

/* Closing with bytes unread would take back what the peer has not read. */
void link_farewell(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	char rest[4096];

	shutdown(fd, SHUT_WR);
	while (poll(&wait, 1, vmm_patience_s() * 1000) == 1 &&
	       recv(fd, rest, sizeof(rest), 0) > 0)
		;
	close(fd);
}

ssize_t link_read(int fd, void *buf, size_t bytes)
{
	return recv(fd, buf, bytes, MSG_DONTWAIT);
}

ssize_t link_write(int fd, const struct iovec *iov, size_t count)
{
	const struct msghdr message = {
		.msg_iov = (struct iovec *)iov,
		.msg_iovlen = count,
	};

	return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}
