/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The other end of a channel, made with OpenSSL alone: none of our limits, and
 * whatever a test wants it to do.
 */
#ifndef SEVLM_TLS_STRANGER_H
#define SEVLM_TLS_STRANGER_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "tls-fixture.h"

struct stranger {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *link;
	/* told around all that is done here; may be NULL */
	void (*aside)(bool here);
};

/* TLS 1.3, takes any certificate, shows this one or none; end: SOURCE or
 * TARGET. The context may be changed until stranger_connect(). */
void stranger_open(struct stranger *stranger, int end, const struct pki *as,
		   void (*aside)(bool here));
void stranger_connect(struct stranger *stranger);
void stranger_close(struct stranger *stranger);
/* handshakes with a channel, until nothing moves any more */
void stranger_meet(struct stranger *stranger, struct sevlm_tls *tls);
/* bytes in both directions; false where there were none */
bool stranger_carry(struct stranger *stranger, struct sevlm_tls *tls);

#endif /* SEVLM_TLS_STRANGER_H */
