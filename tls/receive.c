/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Records become plaintext; what is not data is counted. */
#include <errno.h>

#include <openssl/bio.h>

#include "internal.h"

static int cut_off(struct sevlm_tls *tls)
{
	return tls_fail(tls, sevlm__fail(&tls->error, -ECONNRESET,
					 "the link ended without a farewell"));
}

/* No data: there was a record of another kind, or there is no whole one.
 * Returns 1 where there is more to look at. */
static int without_data(struct sevlm_tls *tls)
{
	if (!tls_wire_unread(tls))
		return tls->gone ? cut_off(tls) : 0;
	if (++tls->idle <= TLS_MAX_IDLE)
		return 1;
	return tls_fail(tls, sevlm__fail(&tls->error, -EPROTO,
					 "%u records without data", tls->idle));
}

/* An answer of OpenSSL's own has no room until the link takes something; one
 * that is gone takes everything. */
static int without_room(struct sevlm_tls *tls)
{
	if (!tls->gone)
		return 0;
	(void)BIO_reset(tls->inner); /* always 0 */
	return tls_wire_has_room(tls) ? 1 : cut_off(tls);
}

/* One record at most. Returns 0 or the cause; 1: call again. */
static int read_once(struct sevlm_tls *tls, void *buf, size_t bytes,
		     bool peek, size_t *got)
{
	int ok;

	tls_forget_errors();
	ok = peek ? SSL_peek_ex(tls->ssl, buf, bytes, got) :
		    SSL_read_ex(tls->ssl, buf, bytes, got);
	if (ok == 1) {
		tls->idle = 0;
		return 0;
	}
	*got = 0;
	switch (SSL_get_error(tls->ssl, ok)) {
	case SSL_ERROR_WANT_READ:
		return without_data(tls);
	case SSL_ERROR_WANT_WRITE:
		return without_room(tls);
	case SSL_ERROR_ZERO_RETURN:
		tls->state = SEVLM_TLS_CLOSED;
		return 0;
	default:
		return tls_fail_ssl(tls, "receiving");
	}
}

static int take(struct sevlm_tls *tls, void *buf, size_t bytes, bool peek,
		size_t *got)
{
	int ret;

	do
		ret = read_once(tls, buf, bytes, peek, got);
	while (ret > 0);
	return ret;
}

bool tls_look(struct sevlm_tls *tls)
{
	uint8_t byte;
	size_t got;

	take(tls, &byte, 1, true, &got);
	OPENSSL_cleanse(&byte, 1);
	return got;
}

/* A record is not taken apart for a rest of room that does not hold it. */
static bool worth_more(const struct sevlm_tls *tls, size_t got, size_t left)
{
	return tls->state == SEVLM_TLS_OPEN &&
	       (got ? left >= TLS_RECORD : left);
}

SEVLM_API int sevlm_tls_receive(struct sevlm_tls *tls, void *buf, size_t bytes,
				size_t *ret_got)
{
	uint8_t *to = buf;
	size_t got = 1;
	int ret = 0;

	if (!tls || !ret_got || (bytes && !buf))
		return -EINVAL;
	*ret_got = 0;
	if (tls->state == SEVLM_TLS_FAILED)
		return tls->cause;
	if (tls->state == SEVLM_TLS_HANDSHAKE)
		return -EBADFD;
	while (!ret && got && worth_more(tls, *ret_got, bytes - *ret_got)) {
		ret = take(tls, to + *ret_got, bytes - *ret_got, false, &got);
		*ret_got += got;
	}
	tls_forget_errors();
	/* what came before it went wrong is good */
	return *ret_got ? 0 : ret;
}
