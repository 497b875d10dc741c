/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "internal.h"

struct meaning {
	int reason;
	int code;
};

/* OpenSSL's reason for an alert of the peer is its number and this. */
#define ALERT(number) (SSL_AD_REASON_OFFSET + (number))

/* What is not here is -EPROTO. */
static const struct meaning meanings[] = {
	/* it did not prove who it is */
	{ SSL_R_CERTIFICATE_VERIFY_FAILED, -EKEYREJECTED },
	{ SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, -EKEYREJECTED },
	{ SSL_R_BINDER_DOES_NOT_VERIFY, -EKEYREJECTED },
	{ SSL_R_BAD_PSK, -EKEYREJECTED },
	{ SSL_R_BAD_SIGNATURE, -EKEYREJECTED },
	{ SSL_R_DIGEST_CHECK_FAILED, -EKEYREJECTED },
	{ SSL_R_EE_KEY_TOO_SMALL, -EKEYREJECTED },
	{ SSL_R_CA_KEY_TOO_SMALL, -EKEYREJECTED },
	{ SSL_R_CA_MD_TOO_WEAK, -EKEYREJECTED },
	/* a key was wanted, and another or none came */
	{ SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, -EKEYREJECTED },
	/* changed on the way */
	{ SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, -EKEYREJECTED },
	/* it did not like what we showed */
	{ ALERT(SSL_AD_BAD_RECORD_MAC), -EKEYREJECTED },
	{ ALERT(SSL_AD_BAD_CERTIFICATE), -EKEYREJECTED },
	{ ALERT(SSL_AD_UNSUPPORTED_CERTIFICATE), -EKEYREJECTED },
	{ ALERT(SSL_AD_CERTIFICATE_REVOKED), -EKEYREJECTED },
	{ ALERT(SSL_AD_CERTIFICATE_EXPIRED), -EKEYREJECTED },
	{ ALERT(SSL_AD_CERTIFICATE_UNKNOWN), -EKEYREJECTED },
	{ ALERT(SSL_AD_UNKNOWN_CA), -EKEYREJECTED },
	{ ALERT(SSL_AD_ACCESS_DENIED), -EKEYREJECTED },
	{ ALERT(SSL_AD_DECRYPT_ERROR), -EKEYREJECTED },
	{ ALERT(SSL_AD_UNKNOWN_PSK_IDENTITY), -EKEYREJECTED },
	{ ALERT(SSL_AD_CERTIFICATE_REQUIRED), -EKEYREJECTED },
	/* not TLS, or broken */
	{ SSL_R_WRONG_VERSION_NUMBER, -EBADMSG },
	{ SSL_R_HTTP_REQUEST, -EBADMSG },
	{ SSL_R_HTTPS_PROXY_REQUEST, -EBADMSG },
	{ SSL_R_RECORD_LENGTH_MISMATCH, -EBADMSG },
	{ SSL_R_LENGTH_MISMATCH, -EBADMSG },
	{ SSL_R_BAD_LENGTH, -EBADMSG },
	{ SSL_R_BAD_EXTENSION, -EBADMSG },
	{ SSL_R_BAD_RECORD_TYPE, -EBADMSG },
	{ SSL_R_BAD_PACKET, -EBADMSG },
	{ SSL_R_PACKET_LENGTH_TOO_LONG, -EBADMSG },
	{ SSL_R_ENCRYPTED_LENGTH_TOO_LONG, -EBADMSG },
	{ ERR_R_INTERNAL_ERROR, -EIO },
};

/* To empty it is a walk through all its places, which shows in each record. */
void tls_forget_errors(void)
{
	if (ERR_peek_error())
		ERR_clear_error();
}

int tls_fail(struct sevlm_tls *tls, int code)
{
	tls->state = SEVLM_TLS_FAILED;
	tls->cause = code;
	OPENSSL_cleanse(tls->stage, sizeof(tls->stage));
	tls->staged = 0;
	SSL_SESSION_free(tls->psk);
	tls->psk = NULL;
	return code;
}

/* libssl's own word, rather than that of a library below it that it passes on
 * or that stumbled on the way */
static bool is_specific(unsigned long error)
{
	return ERR_GET_LIB(error) == ERR_LIB_SSL && !ERR_COMMON_ERROR(error);
}

/* Takes the queue empty; where libssl says nothing of its own the first entry
 * is the one nearest to the cause. */
static unsigned long cause_of(bool *ret_memory)
{
	unsigned long first = ERR_peek_error(), best = 0, next;

	*ret_memory = false;
	while ((next = ERR_get_error())) {
		if (ERR_GET_REASON(next) == ERR_R_MALLOC_FAILURE)
			*ret_memory = true;
		if (!best && is_specific(next))
			best = next;
	}
	return best ? best : first;
}

static int meaning_of(unsigned long error)
{
	if (!error)
		return -EIO;
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++)
		if (ERR_GET_REASON(error) == meanings[i].reason)
			return meanings[i].code;
	return ERR_GET_LIB(error) == ERR_LIB_SSL ? -EPROTO : -EBADMSG;
}

static const char *words_of(unsigned long error)
{
	const char *words = ERR_reason_error_string(error);

	return words ? words : "for no reason that is known";
}

/* What the certificate lacked, where that is what it was. */
static const char *blame(const struct sevlm_tls *tls, unsigned long error)
{
	long result = tls->ssl ? SSL_get_verify_result(tls->ssl) : X509_V_OK;

	/* it went on to certificates, of which there are none */
	if (tls->keyed &&
	    ERR_GET_REASON(error) == SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM)
		return "the peer offered no key, or one for something else";
	if (ERR_GET_REASON(error) != SSL_R_CERTIFICATE_VERIFY_FAILED ||
	    result == X509_V_OK)
		return words_of(error);
	return X509_verify_cert_error_string(result);
}

int tls_fail_ssl(struct sevlm_tls *tls, const char *doing)
{
	bool memory;
	unsigned long error = cause_of(&memory);
	int reason = ERR_GET_REASON(error);

	if (memory)
		return tls_fail(tls, sevlm__fail(&tls->error, -ENOMEM,
						 "%s: out of memory", doing));
	return tls_fail(tls, sevlm__fail(&tls->error, meaning_of(error),
					 "%s: %s%s", doing,
					 reason > SSL_AD_REASON_OFFSET &&
					 ERR_GET_LIB(error) == ERR_LIB_SSL ?
						 "the peer refused: " : "",
					 blame(tls, error)));
}
