/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "recording.h"

static int open_there(const char *option, const char *path, int *ret_fd,
		      struct sentence *why)
{
	if (!path)
		return 0;
	*ret_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return *ret_fd < 0 ? fail(why, -errno, "--%s %s: %s", option, path,
				  strerror(errno))
			   : 0;
}

int recording_init(struct recording *recording, const struct options *options,
		   struct sentence *why)
{
	int ret = open_there("record", options->record,
			     &recording->fds[FROM_SOURCE], why);

	return ret ? ret
		   : open_there("record-answers", options->record_answers,
				&recording->fds[FROM_TARGET], why);
}

static void add(struct recording *recording, int fd, const void *buf,
		size_t bytes)
{
	int ret = recording->failed ? 0 : file_put(fd, buf, bytes);

	if (!ret)
		return;
	recording->failed = true;
	fail(recording->why, ret, "the stream could not be recorded: %s",
	     strerror(-ret));
}

void recording_add(struct recording *recording, int from,
		   const struct iovec *iov, size_t bytes)
{
	size_t part;

	if (recording->fds[from] < 0)
		return;
	for (; bytes; iov++, bytes -= part) {
		part = iov->iov_len < bytes ? iov->iov_len : bytes;
		add(recording, recording->fds[from], iov->iov_base, part);
	}
}

void recording_free(struct recording *recording)
{
	for (int from = FROM_SOURCE; from <= FROM_TARGET; from++) {
		if (recording->fds[from] >= 0)
			close(recording->fds[from]);
		recording->fds[from] = -1;
	}
}
