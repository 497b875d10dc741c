/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* TLS between the channel and the socket. */
#ifndef SEVLM_SECURE_H
#define SEVLM_SECURE_H

#include "credentials.h"
#include "link.h"

struct sevlm_tls;

struct secure {
	struct sevlm_tls *tls; /* NULL: none */
	struct link *link;
	uint8_t held[16384]; /* off the wire, but not taken yet */
	size_t held_from, held_to;
	bool more; /* something to be read may be inside */
	bool ended; /* nothing more can be read */
	bool mute; /* nothing more can be written */
};

/* can a channel be made with them? 0, or a negative errno with a sentence */
int secure_check(const struct credentials *credentials, struct sentence *why);
/* both ends prove themselves; 0, or a negative errno with a sentence */
int secure_open(struct secure *secure, struct link *link,
		const struct credentials *credentials, struct sentence *why);
void secure_free(struct secure *secure);
/* a value that only both ends of it have */
int secure_exporter(struct secure *secure, uint8_t *value);
/* why it failed, or "" */
const char *secure_error(struct secure *secure);

/* as those of the link and the channel */
ssize_t secure_write(struct secure *secure, struct iovec *iov, size_t count);
ssize_t secure_read(struct secure *secure, void *buf, size_t bytes);
short secure_poll(struct secure *secure, short events, uint64_t timeout_ns);
/* something that was written is not on the wire yet */
bool secure_waits(struct secure *secure);
/* says farewell */
void secure_close(struct secure *secure);

#endif /* SEVLM_SECURE_H */
