/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <string.h>


#include "internal.h"

#define DEFAULT_TIMEOUT_NS (30ull * 1000000000u)

static const char exporter_label[] = "EXPORTER-sevlm-channel-v1";

/* ---- what is asked for ---- */

static bool is_zero(const uint8_t *buf, size_t bytes)
{
	uint8_t any = 0;

	for (size_t i = 0; i < bytes; i++)
		any |= buf[i];
	return !any;
}

static bool is_text(const void *pem, size_t bytes)
{
	return pem && bytes && bytes <= SEVLM_TLS_PEM_MAX;
}

/* one way to know the peer, and all of it */
static bool is_whole(const struct sevlm_tls_config *config)
{
	if (config->psk)
		return !config->cert && !config->cert_bytes && !config->key &&
		       !config->key_bytes && !config->ca && !config->ca_bytes &&
		       !config->crl && !config->crl_bytes &&
		       !config->peer_name &&
		       !is_zero(config->psk, SEVLM_TLS_PSK_SIZE);
	return is_text(config->cert, config->cert_bytes) &&
	       is_text(config->key, config->key_bytes) &&
	       is_text(config->ca, config->ca_bytes) &&
	       (is_text(config->crl, config->crl_bytes) ||
		(!config->crl && !config->crl_bytes)) &&
	       config->peer_name && config->time_s > 0;
}

static bool is_allowed(const struct sevlm_tls_config *config)
{
	return (config->role == SEVLM_TLS_SOURCE ||
		config->role == SEVLM_TLS_TARGET) &&
	       !config->reserved && is_whole(config);
}

/* ---- lifetime ---- */

static int connect_ssl(struct sevlm_tls *tls,
		       const struct sevlm_tls_config *config)
{
	int ret;

	tls->ssl = SSL_new(tls->ctx);
	if (!tls->ssl || !SSL_set_app_data(tls->ssl, tls))
		return tls_fail_ssl(tls, "TLS cannot be set up");
	if (tls->role == SEVLM_TLS_SOURCE)
		SSL_set_connect_state(tls->ssl);
	else
		SSL_set_accept_state(tls->ssl);
	ret = tls_wire_open(tls);
	return ret || tls->keyed ? ret : tls_expect_peer(tls, config);
}

static int set_up(struct sevlm_tls *tls, const struct sevlm_tls_config *config)
{
	int ret = tls_context(tls);

	if (!ret)
		ret = tls->keyed ? tls_use_psk(tls, config->psk) :
				   tls_use_certificates(tls, config);
	return ret ? ret : connect_ssl(tls, config);
}

/* A text of the caller's that is wrong leaves a channel that says so. */
static int set_up_or_tell(struct sevlm_tls *tls,
			  const struct sevlm_tls_config *config)
{
	int ret;

	tls_forget_errors();
	ret = set_up(tls, config);
	tls_forget_errors();
	return ret && ret != -EINVAL && ret != -ENOMEM ? -ENOTSUP : ret;
}

SEVLM_API int sevlm_tls_new(const struct sevlm_tls_config *config,
			    struct sevlm_tls **ret_tls)
{
	struct sevlm_tls_config own = { 0 };
	struct sevlm_tls *tls;

	if (!ret_tls)
		return -EINVAL;
	*ret_tls = NULL;
	if (sevlm__copy_in(&own, sizeof(own), config, sizeof(own)) ||
	    !is_allowed(&own))
		return -EINVAL;
	tls = OPENSSL_zalloc(sizeof(*tls));
	if (!tls) {
		tls_forget_errors();
		return -ENOMEM;
	}
	sevlm__error_clear(&tls->error);
	tls->role = own.role;
	tls->state = SEVLM_TLS_HANDSHAKE;
	tls->keyed = !!own.psk;
	tls->timeout_ns = own.handshake_timeout_ns ? own.handshake_timeout_ns :
						     DEFAULT_TIMEOUT_NS;
	tls->deadline_ns = SEVLM_NO_DEADLINE;
	tls->rekey_after = TLS_REKEY_AFTER;
	*ret_tls = tls;
	return set_up_or_tell(tls, &own);
}

SEVLM_API void sevlm_tls_free(struct sevlm_tls *tls)
{
	if (!tls)
		return;
	/* what was received lies in a buffer of OpenSSL's; all along it would
	 * cost a pass over each record */
	if (tls->ssl)
		SSL_set_options(tls->ssl, SSL_OP_CLEANSE_PLAINTEXT);
	SSL_free(tls->ssl);
	BIO_free(tls->link);
	SSL_SESSION_free(tls->psk);
	SSL_CTX_free(tls->ctx);
	OPENSSL_clear_free(tls, sizeof(*tls));
	tls_forget_errors();
}

/* ---- handshake ---- */

/* What OpenSSL was told to insist on, asked once more. */
static bool is_proven(struct sevlm_tls *tls)
{
	if (SSL_version(tls->ssl) != TLS1_3_VERSION)
		return false;
	if (tls->keyed)
		return SSL_session_reused(tls->ssl) == 1;
	return SSL_get0_peer_certificate(tls->ssl) &&
	       SSL_get_verify_result(tls->ssl) == X509_V_OK;
}

static void open_up(struct sevlm_tls *tls)
{
	if (!is_proven(tls)) {
		tls_fail(tls, sevlm__fail(&tls->error, -EKEYREJECTED,
					  "the peer has not proven itself"));
		return;
	}
	SSL_SESSION_free(tls->psk);
	tls->psk = NULL;
	tls->state = SEVLM_TLS_OPEN;
}

static void shake(struct sevlm_tls *tls)
{
	int ok;

	tls_forget_errors();
	ok = SSL_do_handshake(tls->ssl);
	if (ok == 1) {
		open_up(tls);
		return;
	}
	switch (SSL_get_error(tls->ssl, ok)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		if (tls->gone)
			tls_fail(tls, sevlm__fail(&tls->error, -ECONNRESET,
						  "the link ended in the handshake"));
		break;
	default:
		tls_fail_ssl(tls, "handshake");
	}
}

static void handshake(struct sevlm_tls *tls, uint64_t now_ns)
{
	const uint64_t last = SEVLM_NO_DEADLINE - 1;

	if (tls->deadline_ns == SEVLM_NO_DEADLINE) {
		tls->deadline_ns = now_ns + tls->timeout_ns;
		if (tls->deadline_ns < now_ns || tls->deadline_ns > last)
			tls->deadline_ns = last;
	}
	if (now_ns >= tls->deadline_ns)
		tls_fail(tls, sevlm__fail(&tls->error, -ETIMEDOUT,
					  "the handshake took too long"));
	else
		shake(tls);
}

static uint32_t wants(const struct sevlm_tls *tls, bool news)
{
	uint32_t want = news ? SEVLM_WANT_STEP : 0;

	if (tls->gone)
		return want;
	if (tls_wire_waiting(tls) || tls->staged)
		want |= SEVLM_WANT_WRITE;
	if ((tls->state == SEVLM_TLS_HANDSHAKE ||
	     tls->state == SEVLM_TLS_OPEN) &&
	    BIO_ctrl_get_write_guarantee(tls->link))
		want |= SEVLM_WANT_READ;
	return want;
}

SEVLM_API int sevlm_tls_step(struct sevlm_tls *tls, uint64_t now_ns,
			     uint32_t *ret_want)
{
	bool news = false;

	if (!tls || !ret_want)
		return -EINVAL;
	if (tls->state == SEVLM_TLS_HANDSHAKE) {
		handshake(tls, now_ns);
		news = tls->state == SEVLM_TLS_OPEN;
	}
	if (tls->state == SEVLM_TLS_OPEN)
		news |= tls_look(tls);
	tls_settle(tls);
	*ret_want = wants(tls, news);
	tls_forget_errors();
	return 0;
}

SEVLM_API uint64_t sevlm_tls_deadline(struct sevlm_tls *tls)
{
	return tls && tls->state == SEVLM_TLS_HANDSHAKE ? tls->deadline_ns :
							  SEVLM_NO_DEADLINE;
}

/* ---- what is known ---- */

SEVLM_API uint32_t sevlm_tls_state(struct sevlm_tls *tls)
{
	return tls ? tls->state : SEVLM_TLS_FAILED;
}

SEVLM_API int sevlm_tls_cause(struct sevlm_tls *tls)
{
	return tls ? tls->cause : -EINVAL;
}

SEVLM_API const char *sevlm_tls_error(struct sevlm_tls *tls)
{
	return tls ? tls->error.text : "";
}

SEVLM_API int sevlm_tls_exporter(struct sevlm_tls *tls, void *value)
{
	int ok;

	if (!tls || !value)
		return -EINVAL;
	if (tls->state != SEVLM_TLS_OPEN)
		return -EBADFD;
	ok = SSL_export_keying_material(tls->ssl, value, SEVLM_EXPORTER_SIZE,
					exporter_label,
					sizeof(exporter_label) - 1, NULL, 0, 0);
	if (ok != 1)
		OPENSSL_cleanse(value, SEVLM_EXPORTER_SIZE);
	tls_forget_errors();
	return ok == 1 ? 0 : -ENOMEM;
}

/* ---- the end ---- */

SEVLM_API int sevlm_tls_closed(struct sevlm_tls *tls)
{
	if (!tls)
		return -EINVAL;
	tls->gone = true;
	return 0;
}
