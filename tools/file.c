/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

static int check(int fd, const char *path, bool secret, struct sentence *why)
{
	struct stat st;

	if (fstat(fd, &st))
		return fail(why, -errno, "%s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return fail(why, -EINVAL, "%s: %s", path, strerror(EISDIR));
	if (secret && (!S_ISREG(st.st_mode) || st.st_mode & 077))
		return fail(why, -EPERM,
			    "%s holds a secret, but others than its owner may "
			    "open it: chmod 600",
			    path);
	return 0;
}

/* one byte more than may be there tells that it is too many */
static int read_all(struct file *file, int fd, size_t most)
{
	ssize_t got = 1;

	file->contents = malloc(most + 1);
	if (!file->contents)
		return -ENOMEM;
	while (got && file->bytes <= most) {
		got = read(fd, file->contents + file->bytes,
			   most + 1 - file->bytes);
		if (got < 0 && errno != EINTR)
			return -errno;
		file->bytes += got > 0 ? (size_t)got : 0;
	}
	return file->bytes > most ? -EFBIG : 0;
}

static int read_open(struct file *file, int fd, const char *path, size_t most,
		     bool secret, struct sentence *why)
{
	int ret = check(fd, path, secret, why);

	if (ret)
		return ret;
	ret = read_all(file, fd, most);
	if (ret == -EFBIG)
		return fail(why, ret, "%s has more than %zu bytes", path, most);
	if (ret)
		return fail(why, ret, "%s: %s", path, strerror(-ret));
	file->contents[file->bytes] = '\0';
	return 0;
}

int file_read(struct file *file, const char *path, size_t most, bool secret,
	      struct sentence *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret;

	*file = (struct file){NULL, 0};
	if (fd < 0)
		return fail(why, -errno, "%s: %s", path, strerror(errno));
	ret = read_open(file, fd, path, most, secret, why);
	close(fd);
	if (ret)
		file_free(file);
	return ret;
}

void file_free(struct file *file)
{
	if (file->contents)
		explicit_bzero(file->contents, file->bytes);
	free(file->contents);
	*file = (struct file){NULL, 0};
}

int file_put(int fd, const void *buf, size_t bytes)
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

static int fill(int fd, const void *buf, size_t bytes, unsigned int mode)
{
	int ret = file_put(fd, buf, bytes);

	if (ret)
		return ret;
	return fchmod(fd, mode) || fsync(fd) ? -errno : 0;
}

/* link(2) fails where something is, rename(2) replaces it */
static int give_name(const char *temporary, const char *path, bool overwrite)
{
	if (overwrite)
		return rename(temporary, path) ? -errno : 0;
	if (link(temporary, path))
		return -errno;
	unlink(temporary);
	return 0;
}

int sync_directory(const char *path)
{
	char copy[4096];
	int fd, ret;

	if (strlen(path) >= sizeof(copy))
		return -ENAMETOOLONG;
	strcpy(copy, path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = fsync(fd) ? -errno : 0;
	close(fd);
	return ret;
}

static int write_beside(char *temporary, const char *path, const void *buf,
			size_t bytes, unsigned int mode, bool overwrite)
{
	int fd = mkostemp(temporary, O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = fill(fd, buf, bytes, mode);
	close(fd);
	if (!ret)
		ret = give_name(temporary, path, overwrite);
	if (ret)
		unlink(temporary);
	return ret ? ret : sync_directory(path);
}

int file_write(const char *path, const void *buf, size_t bytes,
	       unsigned int mode, bool overwrite, struct sentence *why)
{
	char temporary[4096];
	int length = snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
	int ret = -ENAMETOOLONG;

	if (length > 0 && (size_t)length < sizeof(temporary))
		ret = write_beside(temporary, path, buf, bytes, mode,
				   overwrite);
	return ret ? fail(why, ret, "%s: %s", path, strerror(-ret)) : 0;
}
