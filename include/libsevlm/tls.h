/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * libsevlm-tls - the secure channel, for a VMM without one of its own
 *
 * TLS 1.3 between the two ends of one migration: bytes in, bytes out. The
 * VMM moves them over whatever link it has; nothing here opens a socket or a
 * file, reads a clock or starts a thread. A VMM with TLS of its own does not
 * load this library (nor libssl) and tells the engine its exporter value.
 *
 *	engine				channel				link
 *	sevlm_source_output() -->	sevlm_tls_send()
 *					sevlm_tls_output() -->		write
 *					sevlm_tls_feed() <--		read
 *	sevlm_source_feed() <--		sevlm_tls_receive()
 *
 * Step it until sevlm_tls_state() is OPEN, ask for the exporter value, and
 * make the engine with channel = SEVLM_CHANNEL_DECLARED and that value. Then,
 * in each turn: send() all that the engine has, output() to the link, feed()
 * what came, receive() until it gives nothing, step(). At the end close(),
 * and step() until it wants nothing.
 *
 * Who the peer is. Each end proves itself to the other, in one of two ways:
 *
 *   certificates  Both ends present one. It must lead to a given CA in the
 *                 strict reading of RFC 5280, be in force at the given time,
 *                 not be revoked where a CRL is given, carry the extended key
 *                 usage of its role (serverAuth: target, clientAuth: source),
 *                 allow signatures where it has a key usage, and
 *                 name the peer: one subjectAltName equal to peer_name,
 *                 a DNS name or an IP address. No wildcard matches, and the
 *                 common name is never looked at: being of the CA is not being
 *                 the one that was meant.
 *   a key         32 secret bytes that this source and this target share and
 *                 nobody else. What TLS uses is derived from them together
 *                 with the direction. Use one key per direction: a host that
 *                 sent and received under the same key could be led to
 *                 itself. The key exchange is fresh each time, so a key that
 *                 leaks later opens no recorded migration.
 *
 * No tickets, no resumption, no early data, no fallback: one version, one
 * cipher suite (TLS_AES_256_GCM_SHA384). OpenSSL reads its configuration file
 * at its first use in a process, as for any of its users; a security level
 * below 2 is raised to 2.
 *
 * A source is OPEN once the target has proven itself; whether the target
 * accepts the source shows with the first bytes that come back, and a target
 * that is OPEN has accepted. Errors are those of the set in libsevlm.h.
 */
#ifndef LIBSEVLM_TLS_H
#define LIBSEVLM_TLS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <libsevlm/libsevlm.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Which end this is; the source is the client of TLS. */
#define SEVLM_TLS_SOURCE 1u
#define SEVLM_TLS_TARGET 2u

/** Where a channel is. */
#define SEVLM_TLS_HANDSHAKE 1u /**< neither end has proven itself yet */
#define SEVLM_TLS_OPEN      2u
#define SEVLM_TLS_CLOSED    3u /**< the peer said farewell, and all that it
				    sent was received; what is left to be said
				    may still be sent */
#define SEVLM_TLS_FAILED    4u /**< sevlm_tls_cause(), sevlm_tls_error() */

/** Bytes of a key that the two ends share. */
#define SEVLM_TLS_PSK_SIZE 32u

/** More memory than that, in bytes, a peer that has not proven itself cannot
 *  make one end take, what sevlm_tls_new() allocates included. */
#define SEVLM_TLS_MEMORY_MAX (2u << 20)

/** Largest PEM text, in bytes. */
#define SEVLM_TLS_PEM_MAX (16u << 20)

/**
 * struct sevlm_tls_config - how to prove oneself, and who the peer must be
 *
 * @size:       sizeof of the caller
 * @role:       SEVLM_TLS_SOURCE or SEVLM_TLS_TARGET
 * @reserved:   zero
 * @psk:        SEVLM_TLS_PSK_SIZE secret bytes, not all zero; or NULL for
 *              certificates. Then the rest down to @peer_name is NULL
 * @cert:       PEM: this end's certificate, then those between it and the CA
 * @cert_bytes: its size
 * @key:        PEM: the certificate's private key, without a passphrase
 * @key_bytes:  its size
 * @ca:         PEM: the certificates that the peer's may lead to
 * @ca_bytes:   its size
 * @crl:        PEM: a CRL of each CA of the peer's chain; NULL where
 *              revocation is not looked at
 * @crl_bytes:  its size
 * @peer_name:  what the peer's certificate must name: a DNS name, or an IP
 *              address as text
 * @time_s:     the time by which certificates and CRLs are judged, seconds
 *              since 1970; not used with @psk
 * @handshake_timeout_ns: from the first step() to OPEN, however the bytes
 *              trickle; 0 means 30 s
 *
 * Nothing of it is needed after sevlm_tls_new().
 */
struct sevlm_tls_config {
	size_t size;
	uint32_t role;
	uint32_t reserved;
	const void *psk;
	const void *cert;
	size_t cert_bytes;
	const void *key;
	size_t key_bytes;
	const void *ca;
	size_t ca_bytes;
	const void *crl;
	size_t crl_bytes;
	const char *peer_name;
	int64_t time_s;
	uint64_t handshake_timeout_ns;
};

struct sevlm_tls;

/**
 * sevlm_tls_new - prepare one end of a channel
 * @config:  who and whom; copied as far as it is needed
 * @ret_tls: the channel, freed with sevlm_tls_free() whatever is returned;
 *           NULL where there is none
 *
 * Where the text of a certificate or key is what is wrong, -EINVAL comes with
 * a channel that has FAILED, so that sevlm_tls_error() can say why. All memory
 * of the library's own is allocated here.
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL, -ENOMEM, -ENOTSUP (this OpenSSL lacks what it takes).
 */
int sevlm_tls_new(const struct sevlm_tls_config *config,
		  struct sevlm_tls **ret_tls);

/**
 * sevlm_tls_free - forget a channel
 * @tls: a channel or NULL
 *
 * Says nothing to the peer: one that was not closed looks cut off there.
 *
 * Thread: one, no other call running.  Since: 0.1
 */
void sevlm_tls_free(struct sevlm_tls *tls);

/**
 * sevlm_tls_step - work, and say what is wanted
 * @tls:      the channel
 * @now_ns:   monotonic time
 * @ret_want: SEVLM_WANT_STEP: it has just become OPEN, or receive() has bytes;
 *            SEVLM_WANT_READ: feed() has room; SEVLM_WANT_WRITE: output() has
 *            bytes; 0 when it is over
 *
 * What goes wrong with the channel is not an error of this call but its
 * state, sevlm_tls_state().
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_tls_step(struct sevlm_tls *tls, uint64_t now_ns,
		   uint32_t *ret_want);

/**
 * sevlm_tls_deadline - when to call step() even if nothing happens
 * @tls: the channel
 *
 * Thread: one.  Since: 0.1
 * Return: a time of the clock of step(), or SEVLM_NO_DEADLINE.
 */
uint64_t sevlm_tls_deadline(struct sevlm_tls *tls);

/**
 * sevlm_tls_state - where it is
 * @tls: the channel
 *
 * Thread: one.  Since: 0.1
 * Return: SEVLM_TLS_*; SEVLM_TLS_FAILED for NULL.
 */
uint32_t sevlm_tls_state(struct sevlm_tls *tls);

/**
 * sevlm_tls_exporter - a value that both ends of this channel have, and only
 * they
 * @tls:   the channel, OPEN
 * @value: receives SEVLM_EXPORTER_SIZE bytes, for the engine
 *
 * RFC 8446, 7.5, with the label "EXPORTER-sevlm-channel-v1" and no context.
 * Another channel has another value, between the same two ends too.
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL, -EBADFD, -ENOMEM.
 */
int sevlm_tls_exporter(struct sevlm_tls *tls, void *value);

/**
 * sevlm_tls_send - bytes for the peer, to be protected
 * @tls:       the channel
 * @iov:       where they are, as sevlm_source_output() lists them
 * @count:     entries of @iov
 * @ret_taken: how many were taken, from the front; fewer than there are
 *             means move output() and call again
 *
 * What was taken may be overwritten. Bytes gather until a record of 16 KiB is
 * full; the last ones wait for output(), so hand over all there is before
 * that, and in as few calls as can be.
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL, -EBADFD (not OPEN yet, or close() or closed() was
 * called), or the cause where it has failed.
 */
int sevlm_tls_send(struct sevlm_tls *tls, const struct iovec *iov,
		   size_t count, size_t *ret_taken);

/**
 * sevlm_tls_receive - bytes of the peer, verified
 * @tls:     the channel
 * @buf:     receives them
 * @bytes:   its size
 * @ret_got: how many there were; 0: none now, or none ever (CLOSED)
 *
 * Only bytes that the peer sent, in their order, without a gap. Call it until
 * it gives nothing; feed() may have no room before.
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL, -EBADFD (not OPEN yet), or the cause where it has
 * failed.
 */
int sevlm_tls_receive(struct sevlm_tls *tls, void *buf, size_t bytes,
		      size_t *ret_got);

/**
 * sevlm_tls_output - bytes to put on the link
 * @tls:   the channel
 * @iov:   receives where they are
 * @count: in, entries of @iov; out, entries filled, 0 where nothing waits
 *
 * They stay valid and the same call returns them again until consumed() or
 * closed(). After consumed() there may be more at once.
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_tls_output(struct sevlm_tls *tls, struct iovec *iov, size_t *count);

/**
 * sevlm_tls_consumed - this many bytes of output() are on the link
 * @tls:   the channel
 * @bytes: how many; at most what output() offered
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_tls_consumed(struct sevlm_tls *tls, size_t bytes);

/**
 * sevlm_tls_feed - bytes from the link
 * @tls:       the channel
 * @buf:       the bytes
 * @bytes:     how many
 * @ret_taken: how many were taken; fewer than @bytes means receive() and
 *             step() before feeding the rest
 *
 * What comes behind the end of the channel is taken and thrown away.
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL, -EBADFD (closed() was called).
 */
int sevlm_tls_feed(struct sevlm_tls *tls, const void *buf, size_t bytes,
		   size_t *ret_taken);

/**
 * sevlm_tls_close - nothing more to send
 * @tls: the channel
 *
 * The farewell follows what was sent before, and tells the peer that nothing
 * is missing. Receiving goes on until the peer's own. A second call does
 * nothing.
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL, -EBADFD (not OPEN yet), or the cause where it has
 * failed.
 */
int sevlm_tls_close(struct sevlm_tls *tls);

/**
 * sevlm_tls_closed - the link is gone, or the peer closed it
 * @tls: the channel
 *
 * What came before can still be received. Where the peer's farewell is not
 * among it the channel fails with -ECONNRESET: it was cut off, by accident or
 * by someone on the way.
 *
 * Thread: one.  Since: 0.1
 * Return: 0, -EINVAL.
 */
int sevlm_tls_closed(struct sevlm_tls *tls);

/**
 * sevlm_tls_cause - why it failed, as a number
 * @tls: the channel
 *
 * -EKEYREJECTED: the peer did not prove who it is, or refused what we showed,
 * or bytes were changed on the way. -EPROTO, -EBADMSG: it does not speak as
 * it should. -ETIMEDOUT: the handshake's deadline. -ECONNRESET: cut off.
 *
 * Thread: one.  Since: 0.1
 * Return: 0 unless FAILED, -EINVAL, -EKEYREJECTED, -EPROTO, -EBADMSG,
 * -ETIMEDOUT, -ECONNRESET, -ENOMEM, -EIO.
 */
int sevlm_tls_cause(struct sevlm_tls *tls);

/**
 * sevlm_tls_error - why it failed, as one sentence
 * @tls: the channel or NULL
 *
 * Thread: one.  Since: 0.1
 * Return: text without a newline, valid until the channel is freed; "" where
 * nothing went wrong.
 */
const char *sevlm_tls_error(struct sevlm_tls *tls);

#ifdef __cplusplus
}
#endif

#endif /* LIBSEVLM_TLS_H */
