/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"

#define GREETING "sevlm-control-1 "
#define LINE_BYTES 640u
#define PATIENCE_S 2

static int address_of(const char *path, struct sockaddr_un *ret,
		      struct sentence *why)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(ret->sun_path))
		return fail(why, -ENAMETOOLONG, "--control %s: %s", path,
			    strerror(ENAMETOOLONG));
	strcpy(ret->sun_path, path);
	return 0;
}

static int new_socket(int flags)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	return fd < 0 ? -errno : fd;
}

/* A socket that a dead process has left is in the way; nothing else goes. */
static void remove_dead(const struct sockaddr_un *address)
{
	struct stat st;
	int fd;

	if (lstat(address->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return;
	fd = new_socket(0);
	if (fd < 0)
		return;
	if (connect(fd, (const void *)address, sizeof(*address)) &&
	    errno == ECONNREFUSED)
		unlink(address->sun_path);
	close(fd);
}

/* nobody can connect before it listens, so the mode is in time */
static int listen_at(int fd, const struct sockaddr_un *address)
{
	int ret;

	if (bind(fd, (const void *)address, sizeof(*address)))
		return -errno;
	if (!chmod(address->sun_path, 0600) && !listen(fd, 1))
		return 0;
	ret = -errno;
	unlink(address->sun_path);
	return ret;
}

int control_open(struct control *control, const char *path,
		 struct sentence *why)
{
	struct sockaddr_un address;
	int fd, ret;

	*control = (struct control){.listener = -1, .client = -1};
	if (!path)
		return 0;
	ret = address_of(path, &address, why);
	if (ret)
		return ret;
	remove_dead(&address);
	fd = new_socket(SOCK_NONBLOCK);
	ret = fd < 0 ? fd : listen_at(fd, &address);
	if (ret && fd >= 0)
		close(fd);
	if (ret)
		return fail(why, ret, "--control %s: %s", path, strerror(-ret));
	control->listener = fd;
	control->path = path;
	return 0;
}

void control_close(struct control *control)
{
	if (control->client >= 0)
		close(control->client);
	if (control->listener >= 0)
		close(control->listener);
	if (control->path)
		unlink(control->path);
	*control = (struct control){.listener = -1, .client = -1};
}

static bool may_ask(int fd)
{
	struct ucred peer;
	socklen_t bytes = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

/* up to the end of a line, which is not kept; its length or -1 */
static int read_line(int fd, char *line, size_t room)
{
	size_t have = 0;

	while (have < room && read(fd, line + have, 1) == 1) {
		if (line[have] == '\n') {
			line[have] = '\0';
			return (int)have;
		}
		have++;
	}
	return -1;
}

/* The migration waits meanwhile. */
static void be_quick(int fd)
{
	const struct timeval patience = {.tv_sec = PATIENCE_S};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
}

bool control_asked(struct control *control, const char *request)
{
	int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC);
	char line[LINE_BYTES];

	if (fd < 0)
		return false;
	be_quick(fd);
	if (control->client < 0 && may_ask(fd) &&
	    read_line(fd, line, sizeof(line)) >= 0 && !strcmp(line, request)) {
		control->client = fd;
		return true;
	}
	close(fd);
	return false;
}

static void put_line(int fd, const char *line)
{
	/* an operator who has gone hears nothing */
	if (send(fd, line, strlen(line), MSG_NOSIGNAL) < 0)
		return;
	shutdown(fd, SHUT_WR);
}

void control_answer(struct control *control, int status, const char *text)
{
	char line[LINE_BYTES];

	if (control->client < 0)
		return;
	snprintf(line, sizeof(line), GREETING "%d %.600s\n", status, text);
	put_line(control->client, line);
	close(control->client);
	control->client = -1;
}

static int parse(const char *line, int *ret_status, struct sentence *why)
{
	const char *at = line + strlen(GREETING);

	if (strncmp(line, GREETING, strlen(GREETING)) || *at < '0' ||
	    *at > '0' + STATUS_LOST || at[1] != ' ')
		return -EPROTO;
	*ret_status = *at - '0';
	return fail(why, 0, "%s", at + 2);
}

static int ask(int fd, const struct sockaddr_un *address, const char *request,
	       int *ret_status, struct sentence *why)
{
	char line[LINE_BYTES];
	int ret;

	if (connect(fd, (const void *)address, sizeof(*address)))
		return -errno;
	snprintf(line, sizeof(line), "%s\n", request);
	ret = send(fd, line, strlen(line), MSG_NOSIGNAL) < 0 ? -errno : 0;
	if (ret)
		return ret;
	if (read_line(fd, line, sizeof(line)) < 0)
		return -ECONNRESET;
	return parse(line, ret_status, why);
}

int control_ask(const char *path, const char *request, int *ret_status,
		struct sentence *why)
{
	struct sockaddr_un address;
	int fd, ret = address_of(path, &address, why);

	if (ret)
		return ret;
	fd = new_socket(0);
	ret = fd < 0 ? fd : ask(fd, &address, request, ret_status, why);
	if (fd >= 0)
		close(fd);
	return ret ? fail(why, ret, "--control %s: %s", path, strerror(-ret))
		   : 0;
}
