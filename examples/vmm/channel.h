/* SPDX-License-Identifier: MIT-0 */
#ifndef VMM_CHANNEL_H
#define VMM_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <libsevlm/tls.h>

/* What the stream travels in: a link between two VMMs that have proven to
 * each other who they are, by a key that only the two have. */
struct channel {
	int fd;
	struct sevlm_tls *tls;
	bool mute;		/* nothing more can be written */
	uint8_t wire[4096];	/* came, and TLS has not taken it */
	size_t from, to;
};

/* Shakes hands; the role is SEVLM_TLS_*. 0, or -1 with a line on standard
 * error. The descriptor is the channel's then, in either case. */
int channel_open(struct channel *channel, int fd, uint32_t role,
		 const uint8_t *psk);
/* As read(2) and writev(2) without waiting: -1 where nothing moved, and of
 * reading 0 where nothing will come any more. */
ssize_t channel_read(struct channel *channel, void *buf, size_t bytes);
ssize_t channel_write(struct channel *channel, const struct iovec *iov,
		      size_t count);
/* until something may move, or the time is over */
void channel_wait(struct channel *channel, bool read, int timeout_ms);
/* until all that was written is on the link */
void channel_flush(struct channel *channel);
void channel_close(struct channel *channel);

#endif /* VMM_CHANNEL_H */
