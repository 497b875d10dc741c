/* SPDX-License-Identifier: MIT-0 */
/* What must outlive this process: the note of a decision, and the sessions
 * that came once and must never come again. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "keep.h"

static int open_in(const char *directory, const char *name, int flags)
{
	int at = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = at < 0 ? -1 : openat(at, name, O_CREAT | O_CLOEXEC | flags,
				      0600);

	if (fd < 0)
		warn("%s/%s", directory, name);
	if (at >= 0)
		close(at);
	return fd;
}

/* A directory forgets a new file at a crash unless it was told to keep it. */
static int settle(const char *directory, int fd, int ret)
{
	int at = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (at < 0 || fsync(at) || fsync(fd))
		ret = -EIO;
	if (at >= 0)
		close(at);
	return close(fd) ? -EIO : ret;
}

int keep_note(const char *directory, const void *note)
{
	int fd = open_in(directory, "note", O_WRONLY | O_TRUNC);
	ssize_t put;

	if (fd < 0)
		return -EIO;
	put = write(fd, note, SEVLM_NOTE_SIZE);
	return settle(directory, fd, put == SEVLM_NOTE_SIZE ? 0 : -EIO);
}

int keep_read_note(const char *directory, void *note)
{
	int fd = open_in(directory, "note", O_RDONLY);
	ssize_t got = fd < 0 ? -1 : read(fd, note, SEVLM_NOTE_SIZE);

	if (fd >= 0)
		close(fd);
	return got == SEVLM_NOTE_SIZE ? 0 : -EIO;
}

/* 0 where it is new */
static int look(int fd, const void *digest)
{
	uint8_t known[SEVLM_DIGEST_SIZE];
	ssize_t got;

	while ((got = read(fd, known, sizeof(known))) == sizeof(known))
		if (!memcmp(known, digest, sizeof(known)))
			return -EKEYREJECTED;
	return got ? -EIO : 0;
}

/* One target at a time has the file: two must not both find it new. */
int keep_session(const char *directory, const void *digest)
{
	int fd = open_in(directory, "sessions", O_RDWR | O_APPEND);
	int ret;

	if (fd < 0)
		return -EIO;
	ret = lockf(fd, F_LOCK, 0) ? -EIO : look(fd, digest);
	if (!ret && write(fd, digest, SEVLM_DIGEST_SIZE) != SEVLM_DIGEST_SIZE)
		ret = -EIO;
	return settle(directory, fd, ret);
}
