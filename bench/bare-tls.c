/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <openssl/x509.h>

#include "../tls/internal.h"
#include "bare-tls.h"

/* The server needs some certificate; the client looks at none. */
static bool certify(SSL_CTX *ctx)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	bool ok = key && cert && X509_set_pubkey(cert, key) &&
		  X509_gmtime_adj(X509_getm_notBefore(cert), 0) &&
		  X509_gmtime_adj(X509_getm_notAfter(cert), 3600) &&
		  X509_sign(cert, key, EVP_sha256()) &&
		  SSL_CTX_use_certificate(ctx, cert) == 1 &&
		  SSL_CTX_use_PrivateKey(ctx, key) == 1;

	X509_free(cert);
	EVP_PKEY_free(key);
	return ok;
}

static bool open_end(struct bare_tls *tls, int end)
{
	SSL_CTX *ctx = SSL_CTX_new(end ? TLS_server_method() :
					 TLS_client_method());
	BIO *inner;

	tls->ctx[end] = ctx;
	if (!ctx || !SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) ||
	    !SSL_CTX_set_ciphersuites(ctx, "TLS_AES_256_GCM_SHA384") ||
	    (end && !certify(ctx)))
		return false;
	tls->ssl[end] = SSL_new(ctx);
	if (!tls->ssl[end] || !BIO_new_bio_pair(&inner, TLS_OUT_BYTES,
						&tls->link[end], TLS_IN_BYTES))
		return false;
	SSL_set_bio(tls->ssl[end], inner, inner);
	if (end)
		SSL_set_accept_state(tls->ssl[end]);
	else
		SSL_set_connect_state(tls->ssl[end]);
	return true;
}

/* what the one has written, as much as the other has room for */
static void carry(struct bare_tls *tls, int from)
{
	char *start;
	int bytes;

	while ((bytes = BIO_nread0(tls->link[from], &start)) > 0) {
		bytes = BIO_write(tls->link[!from], start, bytes);
		if (bytes <= 0)
			break;
		BIO_nread(tls->link[from], &start, bytes);
	}
}

bool bare_tls_open(struct bare_tls *tls)
{
	if (!open_end(tls, 0) || !open_end(tls, 1))
		return false;
	for (int i = 0; i < 4; i++) {
		SSL_do_handshake(tls->ssl[0]);
		carry(tls, 0);
		SSL_do_handshake(tls->ssl[1]);
		carry(tls, 1);
	}
	return SSL_is_init_finished(tls->ssl[0]) &&
	       SSL_is_init_finished(tls->ssl[1]);
}

void bare_tls_close(struct bare_tls *tls)
{
	for (int end = 0; end < 2; end++) {
		SSL_free(tls->ssl[end]);
		BIO_free(tls->link[end]);
		SSL_CTX_free(tls->ctx[end]);
	}
}

static size_t write_some(struct bare_tls *tls, const unsigned char *buf,
			 size_t bytes)
{
	size_t sent = 0, part, n;

	while (sent < bytes) {
		part = bytes - sent < TLS_RECORD ? bytes - sent : TLS_RECORD;
		if (BIO_ctrl_get_write_guarantee(SSL_get_wbio(tls->ssl[0])) <
			    TLS_WIRE_RECORD ||
		    SSL_write_ex(tls->ssl[0], buf + sent, part, &n) != 1)
			break;
		sent += n;
	}
	return sent;
}

size_t bare_tls_move(struct bare_tls *tls, const void *buf, size_t bytes)
{
	static unsigned char sink[TLS_RECORD];
	size_t sent = 0, got = 0, n;

	while (got < bytes) {
		n = write_some(tls, (const unsigned char *)buf + sent,
			       bytes - sent);
		sent += n;
		carry(tls, 0);
		if (!n && !BIO_ctrl_pending(SSL_get_rbio(tls->ssl[1])))
			break;
		while (SSL_read_ex(tls->ssl[1], sink, sizeof(sink), &n) == 1)
			got += n;
	}
	return got;
}
