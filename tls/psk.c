/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A key that two ends share, as a PSK of TLS that came from outside. The
 * identity is the same for all: it says which protocol and direction the
 * client means, and no more about it than that it is a source.
 */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "internal.h"

static const char identity[] = "sevlm-channel-v1 source";
/* a key that was used for something else, or the other way, is another key */
static const char purpose[] = "sevlm-channel-v1 source to target";

/* HKDF-SHA256 without a salt: the key is uniform already */
static bool derive(const uint8_t *psk, uint8_t *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest,
						 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
						  (void *)(uintptr_t)psk,
						  SEVLM_TLS_PSK_SIZE),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO,
						  (void *)(uintptr_t)purpose,
						  sizeof(purpose) - 1),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	bool ok = ctx && EVP_KDF_derive(ctx, key, SEVLM_TLS_PSK_SIZE,
					params) == 1;

	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return ok;
}

/* The suites of TLS 1.3 come first, and the context has one. */
static const SSL_CIPHER *suite(SSL_CTX *ctx)
{
	STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(ctx);

	return all ? sk_SSL_CIPHER_value(all, 0) : NULL;
}

/* OpenSSL takes a PSK in the shape of a session that never was. It counts a
 * session's age by the wall clock; this one must not age. */
static SSL_SESSION *session(SSL_CTX *ctx, const uint8_t *key)
{
	const SSL_CIPHER *cipher = suite(ctx);
	SSL_SESSION *ret = cipher ? SSL_SESSION_new() : NULL;

	if (ret && SSL_SESSION_set1_master_key(ret, key, SEVLM_TLS_PSK_SIZE) &&
	    SSL_SESSION_set_cipher(ret, cipher) &&
	    SSL_SESSION_set_protocol_version(ret, TLS1_3_VERSION) &&
	    SSL_SESSION_set_timeout(ret, INT32_MAX))
		return ret;
	SSL_SESSION_free(ret);
	return NULL;
}

static struct sevlm_tls *of(SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

/* The client's: called again where the target asks for another key share. */
static int offer(SSL *ssl, const EVP_MD *md, const unsigned char **id,
		 size_t *bytes, SSL_SESSION **ret)
{
	SSL_SESSION *psk = of(ssl)->psk;

	(void)md;
	if (!psk || !SSL_SESSION_up_ref(psk))
		return 0;
	*id = (const unsigned char *)identity;
	*bytes = sizeof(identity) - 1;
	*ret = psk;
	return 1;
}

/* The server's. Without a session OpenSSL goes on to certificates, and finds
 * that there are none. */
static int find(SSL *ssl, const unsigned char *id, size_t bytes,
		SSL_SESSION **ret)
{
	SSL_SESSION *psk = of(ssl)->psk;

	*ret = NULL;
	if (bytes != sizeof(identity) - 1 || memcmp(id, identity, bytes))
		return 1;
	if (!psk || !SSL_SESSION_up_ref(psk))
		return 0;
	*ret = psk;
	return 1;
}

/* A target that shows a certificate has not taken the key. */
static int no_certificate(X509_STORE_CTX *store, void *arg)
{
	(void)arg;
	X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_UNTRUSTED);
	return 0;
}

int tls_use_psk(struct sevlm_tls *tls, const uint8_t *psk)
{
	uint8_t key[SEVLM_TLS_PSK_SIZE];

	if (derive(psk, key))
		tls->psk = session(tls->ctx, key);
	OPENSSL_cleanse(key, sizeof(key));
	if (!tls->psk)
		return tls_fail_ssl(tls, "the key");
	if (tls->role == SEVLM_TLS_TARGET) {
		SSL_CTX_set_psk_find_session_callback(tls->ctx, find);
		return 0;
	}
	SSL_CTX_set_psk_use_session_callback(tls->ctx, offer);
	SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(tls->ctx, no_certificate, NULL);
	return 0;
}
