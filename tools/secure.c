/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include <libsevlm/tls.h>

#include "secure.h"

#define HANDSHAKE_NS (15 * NS_PER_S)
#define IOVECS 16u

static uint32_t step(struct secure *secure)
{
	uint32_t want = 0;

	sevlm_tls_step(secure->tls, now_ns(), &want);
	return sevlm_tls_state(secure->tls);
}

bool secure_waits(struct secure *secure)
{
	struct iovec iov;
	size_t count = 1;

	return !secure->link->mute &&
	       !sevlm_tls_output(secure->tls, &iov, &count) && count;
}

/* as much as the socket takes */
static void push(struct secure *secure)
{
	struct iovec iov[IOVECS];
	ssize_t put = 1;
	size_t count;

	while (put > 0 && secure_waits(secure)) {
		count = IOVECS;
		sevlm_tls_output(secure->tls, iov, &count);
		put = link_write(secure->link, iov, count);
		if (put > 0)
			sevlm_tls_consumed(secure->tls, (size_t)put);
	}
}

static void read_wire(struct secure *secure)
{
	ssize_t got;

	if (secure->held_from != secure->held_to || secure->link->peer_done)
		return;
	got = link_read(secure->link, secure->held, sizeof(secure->held));
	secure->held_from = 0;
	secure->held_to = got > 0 ? (size_t)got : 0;
}

/* as much as there is and as the channel takes */
static void pull(struct secure *secure)
{
	size_t taken = 0;

	read_wire(secure);
	if (secure->held_from != secure->held_to)
		sevlm_tls_feed(secure->tls, secure->held + secure->held_from,
			       secure->held_to - secure->held_from, &taken);
	secure->held_from += taken;
	secure->more = secure->more || taken;
	if (secure->link->peer_done && secure->held_from == secure->held_to)
		sevlm_tls_closed(secure->tls);
}

ssize_t secure_write(struct secure *secure, struct iovec *iov, size_t count)
{
	size_t taken = 0;

	push(secure);
	if (secure_waits(secure))
		return 0;
	if (secure->link->mute ||
	    sevlm_tls_send(secure->tls, iov, count, &taken)) {
		secure->mute = true;
		return -ECONNRESET;
	}
	push(secure);
	return (ssize_t)taken;
}

ssize_t secure_read(struct secure *secure, void *buf, size_t bytes)
{
	size_t got = 0;

	sevlm_tls_receive(secure->tls, buf, bytes, &got);
	if (got)
		return (ssize_t)got;
	pull(secure);
	sevlm_tls_receive(secure->tls, buf, bytes, &got);
	if (got)
		return (ssize_t)got;
	secure->more = secure->held_from != secure->held_to;
	if (step(secure) == SEVLM_TLS_OPEN)
		return 0;
	secure->ended = true;
	return -ECONNRESET;
}

short secure_poll(struct secure *secure, short events, uint64_t timeout_ns)
{
	bool waiting = secure_waits(secure);
	short wire = (short)(events | (waiting ? POLLOUT : 0));
	bool more = events & POLLIN && secure->more;
	short ready = link_poll(secure->link, wire, more ? 0 : timeout_ns);

	if (waiting && ready)
		push(secure);
	if (!(events & POLLOUT) || (waiting && secure_waits(secure)))
		ready = (short)(ready & ~POLLOUT);
	return (short)(ready | (more ? POLLIN : 0));
}

void secure_free(struct secure *secure)
{
	sevlm_tls_free(secure->tls);
	explicit_bzero(secure, sizeof(*secure));
}

static int begin(struct secure *secure, const struct credentials *credentials,
		 struct sentence *why)
{
	struct sevlm_tls_config config = {
		.size = sizeof(config),
		.role = credentials->source ? SEVLM_TLS_SOURCE
					    : SEVLM_TLS_TARGET,
		.psk = credentials->shared ? credentials->psk : NULL,
		.cert = credentials->cert.contents,
		.cert_bytes = credentials->cert.bytes,
		.key = credentials->key.contents,
		.key_bytes = credentials->key.bytes,
		.ca = credentials->ca.contents,
		.ca_bytes = credentials->ca.bytes,
		.crl = credentials->crl.contents,
		.crl_bytes = credentials->crl.bytes,
		.peer_name = credentials->peer,
		.time_s = time(NULL),
		.handshake_timeout_ns = HANDSHAKE_NS,
	};
	int ret = sevlm_tls_new(&config, &secure->tls);
	const char *text = sevlm_tls_error(secure->tls);

	return ret ? fail(why, ret, "no secure channel can be made: %s",
			  *text ? text : sevlm_strerror(ret))
		   : 0;
}

int secure_check(const struct credentials *credentials, struct sentence *why)
{
	struct secure secure = {.tls = NULL};
	int ret = begin(&secure, credentials, why);

	secure_free(&secure);
	return ret;
}

static uint64_t patience(struct secure *secure)
{
	uint64_t deadline = sevlm_tls_deadline(secure->tls);
	uint64_t now = now_ns();

	if (deadline == SEVLM_NO_DEADLINE)
		return deadline;
	return deadline > now ? deadline - now : 0;
}

static int shake_hands(struct secure *secure, struct sentence *why)
{
	struct link *link = secure->link;

	while (step(secure) == SEVLM_TLS_HANDSHAKE && !link->cancelled) {
		secure_poll(secure, POLLIN, patience(secure));
		pull(secure);
	}
	/* the last words of it, or why it was refused */
	push(secure);
	if (sevlm_tls_state(secure->tls) == SEVLM_TLS_OPEN)
		return 0;
	if (link->cancelled)
		return fail(why, -ECANCELED, "cancelled");
	return fail(why, sevlm_tls_cause(secure->tls), "no secure channel: %s",
		    sevlm_tls_error(secure->tls));
}

int secure_open(struct secure *secure, struct link *link,
		const struct credentials *credentials, struct sentence *why)
{
	int ret;

	secure->link = link;
	ret = begin(secure, credentials, why);
	return ret ? ret : shake_hands(secure, why);
}

void secure_close(struct secure *secure)
{
	sevlm_tls_close(secure->tls);
	step(secure);
}

int secure_exporter(struct secure *secure, uint8_t *value)
{
	return sevlm_tls_exporter(secure->tls, value);
}

const char *secure_error(struct secure *secure)
{
	return sevlm_tls_error(secure->tls);
}
