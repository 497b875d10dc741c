/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "tls-fixture.h"

/* for programs without Check too */
#define require(ok)                                                            \
	do {                                                                   \
		if (!(ok)) {                                                   \
			fprintf(stderr, "certificates: %s\n", #ok);            \
			abort();                                               \
		}                                                              \
	} while (0)

#define EC_KEY_USAGE "critical,digitalSignature"

const struct pki_shape pki_ca_shape = {
	.name = "test CA",
	.usage = "critical,keyCertSign,cRLSign",
	.ca = true,
};

const struct pki_shape pki_source_shape = {
	.name = "source",
	.san = "DNS:" PKI_SOURCE_NAME,
	.eku = "clientAuth",
	.usage = EC_KEY_USAGE,
};

const struct pki_shape pki_target_shape = {
	.name = "target",
	.san = "DNS:" PKI_TARGET_NAME ",IP:" PKI_TARGET_IP,
	.eku = "serverAuth",
	.usage = EC_KEY_USAGE,
};

static EVP_PKEY *new_key(const char *group)
{
	EVP_PKEY *ret;

	if (group && !strncmp(group, "RSA:", 4))
		ret = EVP_RSA_gen((unsigned int)atoi(group + 4));
	else if (group && !strncmp(group, "ED", 2))
		ret = EVP_PKEY_Q_keygen(NULL, NULL, group);
	else
		ret = EVP_EC_gen(group ? group : "P-256");
	require(ret != NULL);
	return ret;
}

static void extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;

	if (!value)
		return;
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	require(ext != NULL);
	require(X509_add_ext(cert, ext, -1) == 1);
	X509_EXTENSION_free(ext);
}

static void name(X509 *cert, const char *text)
{
	X509_NAME *subject = X509_get_subject_name(cert);

	require(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
					   (const unsigned char *)text, -1, -1,
					   0) == 1);
}

static void date(X509 *cert, const struct pki_shape *shape)
{
	bool set = shape->from_s || shape->to_s;

	ASN1_TIME_set(X509_getm_notBefore(cert),
		      (time_t)(set ? shape->from_s : PKI_NOW - PKI_DAY));
	ASN1_TIME_set(X509_getm_notAfter(cert),
		      (time_t)(set ? shape->to_s : PKI_NOW + PKI_DAY));
}

static char *text_of(BIO *bio)
{
	char *data, *ret;
	long bytes = BIO_get_mem_data(bio, &data);

	ret = strndup(data, (size_t)bytes);
	require(ret != NULL);
	BIO_free(bio);
	return ret;
}

static void write_pem(struct pki *pki)
{
	BIO *cert = BIO_new(BIO_s_mem()), *key = BIO_new(BIO_s_mem());

	require(PEM_write_bio_X509(cert, pki->cert) == 1);
	require(PEM_write_bio_PKCS8PrivateKey(key, pki->key, NULL, NULL, 0,
					      NULL, NULL) == 1);
	pki->cert_pem = text_of(cert);
	pki->key_pem = text_of(key);
}

void pki_issue(struct pki *pki, const struct pki_shape *shape,
	       const struct pki *issuer)
{
	const struct pki *by = issuer ? issuer : pki;
	static long serial;
	const char *digest = shape->digest ? shape->digest : "SHA256";

	memset(pki, 0, sizeof(*pki));
	pki->key = new_key(shape->group);
	pki->cert = X509_new();
	require(pki->cert != NULL);
	X509_set_version(pki->cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(pki->cert), ++serial);
	date(pki->cert, shape);
	name(pki->cert, shape->name);
	X509_set_issuer_name(pki->cert, X509_get_subject_name(by->cert));
	X509_set_pubkey(pki->cert, pki->key);
	extend(pki->cert, by->cert, NID_basic_constraints,
	       shape->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	extend(pki->cert, by->cert, NID_key_usage, shape->usage);
	extend(pki->cert, by->cert, NID_ext_key_usage, shape->eku);
	extend(pki->cert, by->cert, NID_subject_alt_name, shape->san);
	extend(pki->cert, by->cert, NID_subject_key_identifier, "hash");
	extend(pki->cert, by->cert, NID_authority_key_identifier, "keyid");
	require(X509_sign(pki->cert, by->key, EVP_get_digestbyname(digest)) !=
		0);
	write_pem(pki);
}

void pki_free(struct pki *pki)
{
	X509_free(pki->cert);
	EVP_PKEY_free(pki->key);
	free(pki->cert_pem);
	free(pki->key_pem);
	memset(pki, 0, sizeof(*pki));
}

static void revoke(X509_CRL *crl, X509 *victim)
{
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_TIME *when = ASN1_TIME_set(NULL, (time_t)(PKI_NOW - PKI_DAY));

	require(entry && when);
	X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(victim));
	X509_REVOKED_set_revocationDate(entry, when);
	X509_CRL_add0_revoked(crl, entry);
	ASN1_TIME_free(when);
}

static void authority(X509_CRL *crl, X509 *issuer)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, NULL, NULL, crl, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier,
				  "keyid");
	require(ext != NULL);
	X509_CRL_add_ext(crl, ext, -1);
	X509_EXTENSION_free(ext);
}

char *pki_crl(const struct pki *issuer, const struct pki *victim)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)(PKI_NOW - PKI_DAY));
	ASN1_TIME *to = ASN1_TIME_set(NULL, (time_t)(PKI_NOW + PKI_DAY));
	BIO *bio = BIO_new(BIO_s_mem());

	require(crl && from && to && bio);
	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->cert));
	X509_CRL_set1_lastUpdate(crl, from);
	X509_CRL_set1_nextUpdate(crl, to);
	authority(crl, issuer->cert);
	if (victim)
		revoke(crl, victim->cert);
	require(X509_CRL_sign(crl, issuer->key, EVP_sha256()) != 0);
	require(PEM_write_bio_X509_CRL(bio, crl) == 1);
	X509_CRL_free(crl);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	return text_of(bio);
}

char *pki_join(const char *a, const char *b)
{
	size_t bytes = strlen(a) + strlen(b) + 1;
	char *ret = malloc(bytes);

	require(ret != NULL);
	snprintf(ret, bytes, "%s%s", a, b);
	return ret;
}

void pki_trio_open(struct pki_trio *trio)
{
	pki_issue(&trio->ca, &pki_ca_shape, NULL);
	pki_issue(&trio->source, &pki_source_shape, &trio->ca);
	pki_issue(&trio->target, &pki_target_shape, &trio->ca);
}

void pki_trio_close(struct pki_trio *trio)
{
	pki_free(&trio->ca);
	pki_free(&trio->source);
	pki_free(&trio->target);
}
