/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "file.h"
#include "sessions.h"

/* Is it in the file? *ret_end: behind the last whole digest. */
static int look(int fd, const uint8_t *digest, off_t *ret_end)
{
	uint8_t known[SEVLM_DIGEST_SIZE];
	ssize_t got;

	for (*ret_end = 0;; *ret_end += got) {
		got = pread(fd, known, sizeof(known), *ret_end);
		if (got < 0)
			return -errno;
		if (got < (ssize_t)sizeof(known))
			return 0;
		if (!memcmp(known, digest, sizeof(known)))
			return -EKEYREJECTED;
	}
}

/* What a crash left behind the end was never answered for. */
static int append(int fd, const uint8_t *digest, off_t end)
{
	ssize_t put = pwrite(fd, digest, SEVLM_DIGEST_SIZE, end);

	if (put < 0)
		return -errno;
	if (put != SEVLM_DIGEST_SIZE)
		return -ENOSPC;
	return fsync(fd) ? -errno : 0;
}

static int store(int fd, const uint8_t *digest)
{
	off_t end;
	int ret;

	if (flock(fd, LOCK_EX))
		return -errno;
	ret = look(fd, digest, &end);
	return ret ? ret : append(fd, digest, end);
}

int sessions_store(const char *path, const uint8_t *digest,
		   struct sentence *why)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int ret = fd < 0 ? -errno : store(fd, digest);

	if (fd >= 0 && close(fd) && !ret)
		ret = -errno;
	if (!ret)
		ret = sync_directory(path);
	if (!ret || ret == -EKEYREJECTED)
		return ret;
	fail(why, ret, "the session could not be stored in %s: %s", path,
	     strerror(-ret));
	return -EIO;
}
