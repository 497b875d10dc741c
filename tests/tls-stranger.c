/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include <check.h>
#include <openssl/err.h>

#include "tls-stranger.h"

#define ROOM (1 << 20)

static int anyone(X509_STORE_CTX *store, void *arg)
{
	(void)store;
	(void)arg;
	return 1;
}

static void aside(struct stranger *stranger, bool here)
{
	if (!here)
		ERR_clear_error();
	if (stranger->aside)
		stranger->aside(here);
}

void stranger_open(struct stranger *stranger, int end, const struct pki *as,
		   void (*told)(bool here))
{
	memset(stranger, 0, sizeof(*stranger));
	stranger->aside = told;
	aside(stranger, true);
	stranger->ctx = SSL_CTX_new(end == SOURCE ? TLS_client_method() :
						    TLS_server_method());
	ck_assert_ptr_nonnull(stranger->ctx);
	SSL_CTX_set_cert_verify_callback(stranger->ctx, anyone, NULL);
	SSL_CTX_set_verify(stranger->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_security_level(stranger->ctx, 0);
	/* a server that asks for certificates must have one */
	if (end == TARGET)
		ck_assert_int_eq(SSL_CTX_set_session_id_context(stranger->ctx,
								tls_psk, 4), 1);
	if (as) {
		ck_assert_int_eq(SSL_CTX_use_certificate(stranger->ctx,
							 as->cert), 1);
		ck_assert_int_eq(SSL_CTX_use_PrivateKey(stranger->ctx,
							as->key), 1);
	}
	aside(stranger, false);
}

void stranger_connect(struct stranger *stranger)
{
	BIO *inner;

	aside(stranger, true);
	stranger->ssl = SSL_new(stranger->ctx);
	ck_assert_ptr_nonnull(stranger->ssl);
	ck_assert_int_eq(BIO_new_bio_pair(&inner, ROOM, &stranger->link, ROOM),
			 1);
	SSL_set_bio(stranger->ssl, inner, inner);
	if (SSL_CTX_get_ssl_method(stranger->ctx) == TLS_client_method())
		SSL_set_connect_state(stranger->ssl);
	else
		SSL_set_accept_state(stranger->ssl);
	aside(stranger, false);
}

void stranger_close(struct stranger *stranger)
{
	aside(stranger, true);
	SSL_free(stranger->ssl);
	BIO_free(stranger->link);
	SSL_CTX_free(stranger->ctx);
	aside(stranger, false);
	memset(stranger, 0, sizeof(*stranger));
}

static bool to_stranger(struct stranger *stranger, struct sevlm_tls *tls)
{
	struct iovec iov = { 0 };
	size_t count = 1;
	int bytes;

	ck_assert_int_eq(sevlm_tls_output(tls, &iov, &count), 0);
	if (!count)
		return false;
	aside(stranger, true);
	bytes = BIO_write(stranger->link, iov.iov_base, (int)iov.iov_len);
	aside(stranger, false);
	if (bytes > 0)
		sevlm_tls_consumed(tls, (size_t)bytes);
	return bytes > 0;
}

static bool from_stranger(struct stranger *stranger, struct sevlm_tls *tls)
{
	size_t taken = 0;
	char *start;
	int bytes;

	bytes = BIO_nread0(stranger->link, &start);
	if (bytes <= 0)
		return false;
	ck_assert_int_eq(sevlm_tls_feed(tls, start, (size_t)bytes, &taken), 0);
	if (taken)
		BIO_nread(stranger->link, &start, (int)taken);
	return taken;
}

bool stranger_carry(struct stranger *stranger, struct sevlm_tls *tls)
{
	bool moved = to_stranger(stranger, tls);

	return from_stranger(stranger, tls) || moved;
}

void stranger_meet(struct stranger *stranger, struct sevlm_tls *tls)
{
	uint32_t want;

	do {
		aside(stranger, true);
		SSL_do_handshake(stranger->ssl);
		aside(stranger, false);
		ck_assert_int_eq(sevlm_tls_step(tls, 1, &want), 0);
	} while (stranger_carry(stranger, tls));
}
