/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What TLS is allowed to be: one version, one suite, nothing optional. */
#include "internal.h"

#define LEAST_SECURITY 2

static bool limit(SSL_CTX *ctx)
{
	/* the system's configuration may have set some */
	SSL_CTX_clear_options(ctx, SSL_CTX_get_options(ctx));
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
					 SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
	/* after each record that is not data we want to be asked */
	SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(ctx, TLS_MAX_CHAIN);
	if (SSL_CTX_get_security_level(ctx) < LEAST_SECURITY)
		SSL_CTX_set_security_level(ctx, LEAST_SECURITY);
	return SSL_CTX_set_num_tickets(ctx, 0) &&
	       SSL_CTX_set_max_early_data(ctx, 0) &&
	       SSL_CTX_set_recv_max_early_data(ctx, 0);
}

/* The second list is for providers that have nothing else; finite fields,
 * which cost the other side much time, are on neither. */
static bool choose(SSL_CTX *ctx)
{
	return SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) &&
	       SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) &&
	       SSL_CTX_set_ciphersuites(ctx, "TLS_AES_256_GCM_SHA384") &&
	       (SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") ||
		SSL_CTX_set1_groups_list(ctx, "P-256:P-384"));
}

int tls_context(struct sevlm_tls *tls)
{
	tls->ctx = SSL_CTX_new(tls->role == SEVLM_TLS_SOURCE ?
				       TLS_client_method() :
				       TLS_server_method());
	if (!tls->ctx || !limit(tls->ctx) || !choose(tls->ctx))
		return tls_fail_ssl(tls, "TLS cannot be set up");
	tls_forget_errors(); /* of the longer list */
	return 0;
}
