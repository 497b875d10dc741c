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

/* never asks anyone for a passphrase */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return -1;
}

static bool own_cert(SSL_CTX *ctx, void *cert, size_t place)
{
	return (place ? SSL_CTX_add1_chain_cert(ctx, (X509 *)cert) :
			SSL_CTX_use_certificate(ctx, cert)) == 1;
}

static bool add_ca(SSL_CTX *ctx, void *cert, size_t place)
{
	(void)place;
	return X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), cert);
}

static bool add_crl(SSL_CTX *ctx, void *crl, size_t place)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);

	(void)place;
	return X509_STORE_add_crl(store, crl) &&
	       X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK |
						   X509_V_FLAG_CRL_CHECK_ALL);
}

static void *read_cert(BIO *bio)
{
	return PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
}

static void *read_crl(BIO *bio)
{
	return PEM_read_bio_X509_CRL(bio, NULL, no_passphrase, NULL);
}

static void free_cert(void *cert)
{
	X509_free(cert);
}

static void free_crl(void *crl)
{
	X509_CRL_free(crl);
}

/* A text is a list of one or more. */
static const struct list {
	const char *what;
	void *(*read)(BIO *bio);
	void (*free)(void *item);
	bool (*use)(SSL_CTX *ctx, void *item, size_t place);
} certs = { "cert", read_cert, free_cert, own_cert },
  cas = { "ca", read_cert, free_cert, add_ca },
  crls = { "crl", read_crl, free_crl, add_crl };

/* the end of a text is an error of OpenSSL's like any other */
static bool at_end(void)
{
	unsigned long error = ERR_peek_last_error();

	return ERR_GET_LIB(error) == ERR_LIB_PEM &&
	       ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

static bool use_each(const struct list *list, SSL_CTX *ctx, BIO *bio)
{
	size_t place = 0;
	bool ok = true;
	void *item;

	while (ok && (item = list->read(bio))) {
		ok = list->use(ctx, item, place++);
		list->free(item);
	}
	return ok && place && at_end();
}

static int wrong(struct sevlm_tls *tls, const char *what, const char *why)
{
	int code;

	if (!ERR_peek_error())
		return tls_fail(tls, sevlm__fail(&tls->error, -EINVAL,
						 "%s: %s", what, why));
	code = tls_fail_ssl(tls, what);
	return tls_fail(tls, code == -ENOMEM ? code : -EINVAL);
}

static int use_list(struct sevlm_tls *tls, const struct list *list,
		    const void *pem, size_t bytes)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)bytes);
	bool ok = bio && use_each(list, tls->ctx, bio);

	BIO_free(bio);
	if (!ok)
		return wrong(tls, list->what, "not what it should be");
	ERR_clear_error();
	return 0;
}

static int use_key(struct sevlm_tls *tls, const void *pem, size_t bytes)
{
	X509 *cert = SSL_CTX_get0_certificate(tls->ctx);
	EVP_PKEY *key = tls_read_key(X509_get0_pubkey(cert), pem, bytes);
	bool ok = key && SSL_CTX_use_PrivateKey(tls->ctx, key) == 1 &&
		  SSL_CTX_check_private_key(tls->ctx) == 1;

	EVP_PKEY_free(key);
	return ok ? 0 : wrong(tls, "key", "not the certificate's, or not PEM "
					  "without a passphrase");
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
	static const char signs[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_.:";
	size_t bytes = strnlen(name, NAME_MAX_BYTES + 1);

	return bytes && bytes <= NAME_MAX_BYTES && *name != '.' &&
	       name[bytes - 1] != '.' &&
	       strspn(name, signs) == bytes;
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
	int ret;

	if (!plain_name(config->peer_name))
		return tls_fail(tls, sevlm__fail(&tls->error, -EINVAL,
						 "peer_name: neither a DNS name nor an IP address"));
	ret = use_list(tls, &certs, config->cert, config->cert_bytes);
	if (!ret)
		ret = use_key(tls, config->key, config->key_bytes);
	if (!ret)
		ret = use_list(tls, &cas, config->ca, config->ca_bytes);
	if (!ret && config->crl)
		ret = use_list(tls, &crls, config->crl, config->crl_bytes);
	if (ret)
		return ret;
	SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER |
				     SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(tls->ctx, verify, tls);
	return 0;
}
