/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

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

/* what is left to be written */
struct rest {
	const struct iovec *iov;
	size_t count, at;
};

/* up to 16 KiB of it, in one place */
static const void *next(struct rest *rest, size_t *bytes)
{
	static unsigned char gathered[TLS_RECORD];
	const unsigned char *from;
	size_t part;

	*bytes = 0;
	while (rest->count && *bytes < TLS_RECORD) {
		from = (const unsigned char *)rest->iov->iov_base + rest->at;
		part = rest->iov->iov_len - rest->at;
		if (part > TLS_RECORD - *bytes)
			part = TLS_RECORD - *bytes;
		rest->at += part;
		if (rest->at == rest->iov->iov_len) {
			rest->iov++;
			rest->count--;
			rest->at = 0;
		}
		if (part == TLS_RECORD || (!*bytes && !rest->count)) {
			*bytes = part;
			return from;
		}
		memcpy(gathered + *bytes, from, part);
		*bytes += part;
	}
	return gathered;
}

static bool has_room(const struct bare_tls *tls)
{
	return BIO_ctrl_get_write_guarantee(SSL_get_wbio(tls->ssl[0])) >=
	       TLS_WIRE_RECORD;
}

size_t bare_tls_move(struct bare_tls *tls, const struct iovec *iov,
		     size_t count)
{
	static unsigned char sink[TLS_RECORD];
	struct rest rest = {iov, count, 0};
	size_t got = 0, bytes, n;
	const void *from;

	do {
		while (rest.count && has_room(tls)) {
			from = next(&rest, &bytes);
			if (SSL_write_ex(tls->ssl[0], from, bytes, &n) != 1)
				return got;
		}
		carry(tls, 0);
		while (SSL_read_ex(tls->ssl[1], sink, sizeof(sink), &n) == 1)
			got += n;
	} while (rest.count || BIO_ctrl_pending(tls->link[0]));
	return got;
}
