/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "note.h"

int note_init(struct note *note, const char *path, struct sentence *why)
{
	const char *directory = getenv("TMPDIR");
	int length;

	note->ours = !path;
	if (path)
		length = snprintf(note->path, sizeof(note->path), "%s", path);
	else
		length = snprintf(note->path, sizeof(note->path),
				  "%s/sevlm-XXXXXX/note",
				  directory ? directory : "/tmp");
	if (length < 0 || (size_t)length >= sizeof(note->path))
		return fail(why, -EINVAL, "the note's path is too long");
	return 0;
}

static int make_directory(struct note *note)
{
	char *slash = strrchr(note->path, '/');
	int ret;

	*slash = '\0';
	ret = mkdtemp(note->path) ? 0 : -errno;
	*slash = '/';
	return ret;
}

static int put(int fd, const void *buf)
{
	ssize_t put = write(fd, buf, SEVLM_NOTE_SIZE);

	if (put < 0)
		return -errno;
	if (put != SEVLM_NOTE_SIZE)
		return -ENOSPC;
	return fsync(fd) ? -errno : 0;
}

/* A note that is found says that the decision was made. What is no file, a
 * device for instance, keeps nothing and is not ours to remove. */
static void withdraw(const struct note *note)
{
	struct stat st;

	if (!lstat(note->path, &st) && S_ISREG(st.st_mode))
		unlink(note->path);
}

static int write_file(struct note *note, const void *buf)
{
	int fd, ret;

	/* readable by the owner only: it holds a key */
	fd = open(note->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	note->there = true;
	ret = put(fd, buf);
	if (close(fd) && !ret)
		ret = -errno;
	if (!ret)
		ret = sync_directory(note->path);
	if (ret)
		withdraw(note);
	return ret;
}

int note_write(struct note *note, const void *buf, struct sentence *why)
{
	int ret = note->ours ? make_directory(note) : 0;

	if (!ret)
		ret = write_file(note, buf);
	return ret ? fail(why, ret, "the note could not be written to %s: %s",
			  note->path, strerror(-ret))
		   : 0;
}

void note_forget(struct note *note)
{
	char *slash = strrchr(note->path, '/');

	if (!note->ours || !note->there)
		return;
	unlink(note->path);
	*slash = '\0';
	rmdir(note->path);
	*slash = '/';
	note->there = false;
}
