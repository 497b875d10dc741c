/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Private to the channel. A file calls those above it in this list only:
 *
 *   failure       what OpenSSL says went wrong, as code and sentence
 *   key           a private key from PEM
 *   certificates  who the peer must be, by certificates
 *   psk           ... by a key that the two ends share
 *   context       what TLS is allowed to be
 *   wire          bytes of the link, in and out
 *   send          bytes of the engine, out
 *   receive       bytes for the engine, in
 *   tls           lifetime, handshake, states
 *
 * OpenSSL's error queue is empty between two public calls. Memory is taken from
 * OpenSSL too: it wipes, and whoever gave it an allocator sees all of it.
 */
#ifndef SEVLM_TLS_INTERNAL_H
#define SEVLM_TLS_INTERNAL_H

#include <openssl/ssl.h>

#include <libsevlm/tls.h>

/* error.c is built in: the sentence, and structs that begin with their size */
#include "../lib/internal.h"

/* Plaintext of a full record; what TLS 1.3 adds to it: header, content type,
 * tag; and two KeyUpdates, which may go ahead of it: an answer and our own. */
#define TLS_RECORD 16384u
#define TLS_RECORD_EXTRA 22u
#define TLS_BETWEEN (2u * 27u)
#define TLS_WIRE_RECORD (TLS_RECORD + TLS_RECORD_EXTRA)

/* Wire bytes that wait in either direction; whole records, so that a ring
 * which was drained takes them without a seam. */
#define TLS_OUT_BYTES (4u * TLS_WIRE_RECORD + TLS_BETWEEN)
#define TLS_IN_BYTES (4u * TLS_WIRE_RECORD)

/* Largest certificate chain of a peer, in bytes */
#define TLS_MAX_CHAIN 16384u

/* Records in a row without data: KeyUpdates, tickets, warnings. */
#define TLS_MAX_IDLE 32u

/* Full records under one key: 64 GiB, well below the limit of AES-GCM
 * (RFC 8446, 5.5). */
#define TLS_REKEY_AFTER (1ull << 22)

struct sevlm_tls {
	struct sevlm__error error;
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *inner;		/* the end of the pair that ssl owns */
	BIO *link;		/* the other end */
	SSL_SESSION *psk;	/* until OPEN */
	uint32_t role;
	uint32_t state;
	int cause;
	uint32_t idle;		/* records without data, lately */
	bool keyed;		/* by a key, not by certificates */
	bool gone;		/* closed(): no link any more */
	bool closing;		/* close() was called */
	bool parted;		/* ...and the farewell is written */
	uint64_t timeout_ns;
	uint64_t deadline_ns;
	uint64_t records;	/* under this key */
	uint64_t rekey_after;
	size_t staged;
	uint8_t stage[TLS_RECORD];
};

/* ---- failure.c --------------------------------------------------------- */

/* OpenSSL's queue, as it must be before and behind its calls */
void tls_forget_errors(void);
/* FAILED with the sentence that is in tls->error; returns the code */
int tls_fail(struct sevlm_tls *tls, int code);
/* as OpenSSL tells it */
int tls_fail_ssl(struct sevlm_tls *tls, const char *doing);

/* ---- key.c ------------------------------------------------------------- */

/* the key that belongs to a certificate's, or NULL */
EVP_PKEY *tls_read_key(const EVP_PKEY *of_cert, const void *pem, size_t bytes);

/* ---- certificates.c, psk.c, context.c ---------------------------------- */

int tls_use_certificates(struct sevlm_tls *tls,
			 const struct sevlm_tls_config *config);
/* the peer's name and the time, once there is a connection */
int tls_expect_peer(struct sevlm_tls *tls,
		    const struct sevlm_tls_config *config);
int tls_use_psk(struct sevlm_tls *tls, const uint8_t *psk);
int tls_context(struct sevlm_tls *tls);

/* ---- wire.c ------------------------------------------------------------ */

int tls_wire_open(struct sevlm_tls *tls);
size_t tls_wire_waiting(const struct sevlm_tls *tls);	/* to go out */
/* A record is only begun where all of it has room: what OpenSSL has half
 * written must be offered again as it was, which no caller should have to. */
bool tls_wire_has_room(const struct sevlm_tls *tls);
size_t tls_wire_unread(const struct sevlm_tls *tls);	/* came in */

/* ---- send.c, receive.c -------------------------------------------------- */

/* once close() was called: the rest and the farewell, if they have room */
void tls_settle(struct sevlm_tls *tls);
/* reads what is not data, the state may change; is there data behind it? */
bool tls_look(struct sevlm_tls *tls);

#endif /* SEVLM_TLS_INTERNAL_H */
