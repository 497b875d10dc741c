/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The socket: throttled, and watched for signals. */
#ifndef SEVLM_LINK_H
#define SEVLM_LINK_H

#include <sys/uio.h>

#include "options.h"

/* Bytes that may go out now; refilled by time. */
struct throttle {
	uint64_t bytes_per_s; /* 0: no limit */
	double tokens;
	uint64_t last_ns;
};

struct link {
	int fd; /* -1: none */
	int signals; /* signalfd: INT and TERM */
	bool mute; /* nothing more can be written */
	bool peer_done; /* nothing more can be read */
	bool cancelled; /* a signal came */
	int door; /* another one that ends a sleep; -1: none */
	bool knocked; /* it did */
	struct throttle throttle;
};

/* blocks the signals and listens to them instead */
int link_init(struct link *link, const struct options *options,
	      struct sentence *why);
void link_take(struct link *link, int fd);
void link_free(struct link *link);
/* closes it; another may be taken */
void link_drop(struct link *link);
/* peers.c: @plain: the address must be of the loopback */
int link_check(const char *address, bool plain, struct sentence *why);
/* -ECONNREFUSED: nobody listens there yet */
int link_connect(struct link *link, const char *to, bool plain,
		 struct sentence *why);
/* a socket, or a negative errno with a sentence */
int link_listen(const char *address, bool plain, uint16_t *ret_port,
		struct sentence *why);
int link_accept(struct link *link, int listener, uint64_t wait_s,
		struct sentence *why);
/* who is waiting there already */
int link_answer(struct link *link, int listener, struct sentence *why);

/* cuts the vector; returns how many entries are left of it */
size_t iov_cut(struct iovec *iov, size_t count, size_t most);
/* nonblocking: bytes moved, 0 where none could be, -ECONNRESET. Writing cuts
 * the vector down to the allowance */
ssize_t link_write(struct link *link, struct iovec *iov, size_t count);
ssize_t link_read(struct link *link, void *buf, size_t bytes);
/* a signal is waiting: take it */
void link_signal(struct link *link);
/* sleeps until the socket is ready for @events and the throttle allows it, a
 * signal, or the time; 0 or what poll(2) said of the socket */
short link_poll(struct link *link, short events, uint64_t timeout_ns);
/* sleeps until somebody waits at a listener, a signal, or that time; whether
 * somebody does */
bool link_watch(struct link *link, int listener, uint64_t until);

#endif /* SEVLM_LINK_H */
