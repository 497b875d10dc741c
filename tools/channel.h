/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the stream and the command's own messages travel in. */
#ifndef SEVLM_CHANNEL_H
#define SEVLM_CHANNEL_H

#include "doom.h"
#include "link.h"
#include "recording.h"
#include "secure.h"

struct channel {
	struct link link;
	struct credentials credentials;
	struct secure secure;
	struct recording recording;
	struct doom doom;
	bool answered;
};

/* @source: this host's role */
int channel_init(struct channel *channel, const struct options *options,
		 bool source, struct sentence *why);
void channel_free(struct channel *channel);

/* the link is there: both ends prove themselves where there are credentials.
 * 0, or a negative errno with a sentence */
int channel_open(struct channel *channel, struct sentence *why);
/* for the engine: SEVLM_CHANNEL_*, and a value that is bound to it */
uint32_t channel_kind(const struct channel *channel);
int channel_exporter(struct channel *channel, uint8_t *value);
/* why it broke, or "" */
const char *channel_error(struct channel *channel);
/* nothing more can be read; written */
bool channel_ended(const struct channel *channel);
bool channel_mute(const struct channel *channel);

/* of the stream, by FROM_*; nonblocking: bytes moved, 0 where none could be,
 * -ECONNRESET */
ssize_t channel_write(struct channel *channel, int from, struct iovec *iov,
		      size_t count);
ssize_t channel_read(struct channel *channel, int from, void *buf,
		     size_t bytes);
/* sleeps until one of @events (POLLIN, POLLOUT) can go on, a signal, or the
 * time; 0, or what poll(2) said */
short channel_poll(struct channel *channel, short events, uint64_t timeout_ns);

/* messages of the command itself, outside of the stream: 0, -ECONNRESET,
 * -ETIMEDOUT, -ECANCELED */
int channel_put(struct channel *channel, const void *buf, size_t bytes,
		uint64_t timeout_ns);
int channel_get(struct channel *channel, void *buf, size_t bytes,
		uint64_t timeout_ns);
/* something of the target's stream moved in this channel */
bool channel_answered(const struct channel *channel);
/* makes room for another one; the first is what is recorded */
void channel_drop(struct channel *channel);
/* lets the peer read the last words */
void channel_farewell(struct channel *channel);

#endif /* SEVLM_CHANNEL_H */
