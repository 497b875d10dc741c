/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "internal.h"

/* RFC 1035; an address is shorter */
#define NAME_MAX_BYTES 253

/* ---- texts ---- */

/* what: cert, key, ca or crl */
static int wrong(struct sevlm_tls *tls, const char *what)
{
	int code = tls_fail_ssl(tls, what);

	return code == -ENOMEM ? code : tls_fail(tls, -EINVAL);
}

/* never asks anyone for a passphrase */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return -1;
}

/* the end of a text is an error of OpenSSL's like any other */
static bool at_end(void)
{
	unsigned long error = ERR_peek_last_error();

	if (ERR_GET_LIB(error) != ERR_LIB_PEM ||
	    ERR_GET_REASON(error) != PEM_R_NO_START_LINE)
		return false;
	ERR_clear_error();
	return true;
}

static X509 *read_cert(BIO *text)
{
	return PEM_read_bio_X509(text, NULL, no_passphrase, NULL);
}

/* hands every certificate to take(), with its place */
static bool each_cert(BIO *text, SSL_CTX *ctx,
		      bool (*take)(SSL_CTX *ctx, X509 *cert, size_t place))
{
	X509 *cert;
	size_t place = 0;
	bool ok = true;

	while (ok && (cert = read_cert(text))) {
		ok = take(ctx, cert, place++);
		X509_free(cert);
	}
	if (!ok || !place)
		return false;
	return at_end();
}

static bool own_cert(SSL_CTX *ctx, X509 *cert, size_t place)
{
	return (place ? SSL_CTX_add1_chain_cert(ctx, cert) :
			SSL_CTX_use_certificate(ctx, cert)) == 1;
}

static bool add_ca(SSL_CTX *ctx, X509 *cert, size_t place)
{
	(void)place;
	return X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), cert);
}

static bool own_certs(BIO *text, SSL_CTX *ctx)
{
	return each_cert(text, ctx, own_cert);
}

static bool add_cas(BIO *text, SSL_CTX *ctx)
{
	return each_cert(text, ctx, add_ca);
}

static bool own_key(BIO *text, SSL_CTX *ctx)
{
	EVP_PKEY *key = PEM_read_bio_PrivateKey(text, NULL, no_passphrase,
						NULL);
	bool ok = key && SSL_CTX_use_PrivateKey(ctx, key) == 1 &&
		  SSL_CTX_check_private_key(ctx) == 1;

	EVP_PKEY_free(key);
	return ok;
}

static bool add_crls(BIO *text, SSL_CTX *ctx)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	size_t count = 0;
	bool ok = true;
	X509_CRL *crl;

	while (ok && (crl = PEM_read_bio_X509_CRL(text, NULL, no_passphrase,
						  NULL))) {
		ok = X509_STORE_add_crl(store, crl);
		X509_CRL_free(crl);
		count++;
	}
	if (!ok || !count)
		return false;
	return at_end() && X509_STORE_set_flags(store,
						X509_V_FLAG_CRL_CHECK |
						X509_V_FLAG_CRL_CHECK_ALL);
}

/* ---- who the peer is ---- */

/* OpenSSL takes a certificate that restricts nothing for any purpose; here it
 * must say that it is for this one. */
static bool for_its_role(const struct sevlm_tls *tls, X509 *leaf)
{
	uint32_t wanted = tls->role == SEVLM_TLS_SOURCE ? XKU_SSL_SERVER :
							  XKU_SSL_CLIENT;

	return (X509_get_extension_flags(leaf) & EXFLAG_XKUSAGE) &&
	       (X509_get_extended_key_usage(leaf) & wanted) &&
	       (X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE);
}

static int verify(X509_STORE_CTX *store, void *arg)
{
	const struct sevlm_tls *tls = arg;

	if (X509_verify_cert(store) != 1)
		return 0;
	if (for_its_role(tls, X509_STORE_CTX_get0_cert(store)))
		return 1;
	X509_STORE_CTX_set_error(store, X509_V_ERR_INVALID_PURPOSE);
	return 0;
}

/* Letters, digits and the signs of names and addresses: no wildcard, and
 * none of the forms that mean more than one name. */
static bool plain_name(const char *name)
{
	size_t bytes = strnlen(name, NAME_MAX_BYTES + 1);

	return bytes && bytes <= NAME_MAX_BYTES && *name != '.' &&
	       name[bytes - 1] != '.' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:") == bytes;
}

static bool expect_name(X509_VERIFY_PARAM *param, const char *name)
{
	if (X509_VERIFY_PARAM_set1_ip_asc(param, name))
		return true;
	ERR_clear_error();
	X509_VERIFY_PARAM_set_hostflags(param,
					X509_CHECK_FLAG_NO_WILDCARDS |
					X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return X509_VERIFY_PARAM_set1_host(param, name, 0);
}

int tls_expect_peer(struct sevlm_tls *tls,
		    const struct sevlm_tls_config *config)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(tls->ssl);

	X509_VERIFY_PARAM_set_time(param, (time_t)config->time_s);
	if (!X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT) ||
	    !expect_name(param, config->peer_name))
		return tls_fail_ssl(tls, "the peer's name");
	return 0;
}

int tls_use_certificates(struct sevlm_tls *tls,
			 const struct sevlm_tls_config *config)
{
	const struct {
		const char *what;
		const void *pem;
		size_t bytes;
		bool (*read)(BIO *text, SSL_CTX *ctx);
	} texts[] = {
		{ "cert", config->cert, config->cert_bytes, own_certs },
		{ "key", config->key, config->key_bytes, own_key },
		{ "ca", config->ca, config->ca_bytes, add_cas },
		{ "crl", config->crl, config->crl_bytes, add_crls },
	};

	if (!plain_name(config->peer_name))
		return tls_fail(tls, sevlm__fail(&tls->error, -EINVAL,
						 "peer_name: neither a DNS name nor an IP address"));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		BIO *text;
		bool ok;

		if (!texts[i].pem)
			continue;
		text = BIO_new_mem_buf(texts[i].pem, (int)texts[i].bytes);
		ok = text && texts[i].read(text, tls->ctx);
		BIO_free(text);
		if (!ok)
			return wrong(tls, texts[i].what);
	}
	SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER |
				     SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(tls->ctx, verify, tls);
	return 0;
}
