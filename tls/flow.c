/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Plaintext in and out. Records go out full wherever there is data. */
#include <errno.h>
#include <string.h>

#include <openssl/bio.h>

#include "internal.h"

/* ---- out ---- */

/* A record is only begun where all of it has room: what OpenSSL has half
 * written must be offered again as it was, which no caller should have to. */
static bool has_room(const struct sevlm_tls *tls)
{
	return BIO_ctrl_get_write_guarantee(tls->inner) >=
	       TLS_WIRE_RECORD + TLS_KEY_UPDATE;
}

static int write_record(struct sevlm_tls *tls, const void *buf, size_t bytes)
{
	size_t written = 0;

	tls_forget_errors();
	if (tls->records++ >= tls->rekey_after) {
		tls->records = 1;
		if (!SSL_key_update(tls->ssl, SSL_KEY_UPDATE_NOT_REQUESTED))
			return tls_fail_ssl(tls, "sending");
	}
	if (SSL_write_ex(tls->ssl, buf, bytes, &written) != 1 ||
	    written != bytes)
		return tls_fail_ssl(tls, "sending");
	return 0;
}

int tls_flush(struct sevlm_tls *tls)
{
	int ret;

	if (!tls->staged || !has_room(tls))
		return 0;
	ret = write_record(tls, tls->stage, tls->staged);
	tls->staged = 0;
	return ret;
}

/* Takes the front of one part: a record of it as it lies there, or what the
 * stage has room for. Returns how much; 0 where nothing more can be taken. */
static size_t take_front(struct sevlm_tls *tls, const uint8_t *buf,
			 size_t bytes, int *ret)
{
	size_t room = TLS_RECORD - tls->staged;

	if (!tls->staged && bytes >= TLS_RECORD) {
		if (!has_room(tls))
			return 0;
		*ret = write_record(tls, buf, TLS_RECORD);
		return *ret ? 0 : TLS_RECORD;
	}
	if (bytes > room)
		bytes = room;
	memcpy(tls->stage + tls->staged, buf, bytes);
	tls->staged += bytes;
	if (tls->staged == TLS_RECORD)
		*ret = tls_flush(tls);
	return bytes;
}

static int take_part(struct sevlm_tls *tls, const struct iovec *part,
		     size_t *ret_taken)
{
	const uint8_t *buf = part->iov_base;
	size_t done = 0, step = 1;
	int ret = 0;

	while (!ret && step && done < part->iov_len) {
		step = take_front(tls, buf + done, part->iov_len - done, &ret);
		done += step;
	}
	*ret_taken += done;
	return ret;
}

static bool whole(const struct iovec *iov, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (iov[i].iov_len && !iov[i].iov_base)
			return false;
	return true;
}

SEVLM_API int sevlm_tls_send(struct sevlm_tls *tls, const struct iovec *iov,
			     size_t count, size_t *ret_taken)
{
	size_t before;
	int ret = 0;

	if (!tls || !ret_taken || (count && !iov) || !whole(iov, count))
		return -EINVAL;
	*ret_taken = 0;
	if (tls->state == SEVLM_TLS_FAILED)
		return tls->cause;
	if (tls->state == SEVLM_TLS_HANDSHAKE || tls->closing || tls->gone)
		return -EBADFD;
	if (tls->staged == TLS_RECORD)
		ret = tls_flush(tls);
	for (size_t i = 0; !ret && i < count; i++) {
		before = *ret_taken;
		ret = take_part(tls, &iov[i], ret_taken);
		if (*ret_taken - before < iov[i].iov_len)
			break;
	}
	tls_forget_errors();
	return ret;
}

void tls_part(struct sevlm_tls *tls)
{
	if (!tls->closing || tls->parted || tls->staged || !has_room(tls) ||
	    tls->state == SEVLM_TLS_FAILED)
		return;
	tls_forget_errors();
	/* an answer to a KeyUpdate may have waited for room, and goes first */
	if (SSL_in_init(tls->ssl) && SSL_do_handshake(tls->ssl) != 1)
		return;
	if (SSL_shutdown(tls->ssl) < 0)
		tls_fail_ssl(tls, "closing");
	tls->parted = true;
}

/* ---- in ---- */

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
	return has_room(tls) ? 1 : cut_off(tls);
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
