/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef SEVLM_BENCH_BARE_TLS_H
#define SEVLM_BENCH_BARE_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include <openssl/ssl.h>

/*
 * OpenSSL alone, as a user of it would write it: two ends over BIO pairs of
 * the channel's size, the same cipher suite, SSL_write of 16 KiB.
 */
struct bare_tls {
	SSL_CTX *ctx[2];
	SSL *ssl[2];
	BIO *link[2];
};

/* false where OpenSSL refuses */
bool bare_tls_open(struct bare_tls *tls);
void bare_tls_close(struct bare_tls *tls);
/* the one end writes, the other reads into a sink of 16 KiB; how much came.
 * What lies in several places is gathered for each write. */
size_t bare_tls_move(struct bare_tls *tls, const struct iovec *iov,
		     size_t count);

#endif /* SEVLM_BENCH_BARE_TLS_H */
