/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Plaintext becomes records, which are full wherever there is data. */
#include <errno.h>
#include <string.h>

#include <openssl/bio.h>

#include "internal.h"

static int write_record(struct sevlm_tls *tls, const void *buf, size_t bytes)
{
	size_t written = 0;

	tls_forget_errors();
	/* not while an answer to the peer's own is under way */
	if (++tls->records > tls->rekey_after &&
	    SSL_is_init_finished(tls->ssl)) {
		tls->records = 1;
		if (!SSL_key_update(tls->ssl, SSL_KEY_UPDATE_NOT_REQUESTED))
			return tls_fail_ssl(tls, "sending");
	}
	if (SSL_write_ex(tls->ssl, buf, bytes, &written) != 1 ||
	    written != bytes)
		return tls_fail_ssl(tls, "sending");
	return 0;
}

/* the record that is staged, if it has room */
static int flush(struct sevlm_tls *tls)
{
	int ret;

	if (!tls->staged || !tls_wire_has_room(tls))
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
		if (!tls_wire_has_room(tls))
			return 0;
		*ret = write_record(tls, buf, TLS_RECORD);
		return *ret ? 0 : TLS_RECORD;
	}
	if (bytes > room)
		bytes = room;
	memcpy(tls->stage + tls->staged, buf, bytes);
	tls->staged += bytes;
	if (tls->staged == TLS_RECORD)
		*ret = flush(tls);
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
		ret = flush(tls);
	for (size_t i = 0; !ret && i < count; i++) {
		before = *ret_taken;
		ret = take_part(tls, &iov[i], ret_taken);
		if (*ret_taken - before < iov[i].iov_len)
			break;
	}
	tls_forget_errors();
	return ret;
}

/* the farewell, once all before it is written */
static void part(struct sevlm_tls *tls)
{
	if (!tls->closing || tls->parted || tls->staged ||
	    !tls_wire_has_room(tls) || tls->state == SEVLM_TLS_FAILED)
		return;
	tls_forget_errors();
	/* an answer to a KeyUpdate may have waited for room, and goes first */
	if (SSL_in_init(tls->ssl) && SSL_do_handshake(tls->ssl) != 1)
		return;
	if (SSL_shutdown(tls->ssl) < 0)
		tls_fail_ssl(tls, "closing");
	tls->parted = true;
}

void tls_settle(struct sevlm_tls *tls)
{
	if (tls->gone || !tls->closing)
		return;
	flush(tls);
	part(tls);
}

SEVLM_API int sevlm_tls_output(struct sevlm_tls *tls, struct iovec *iov,
			       size_t *count)
{
	char *start = NULL;
	int bytes = 0;

	if (!tls || !count || (*count && !iov))
		return -EINVAL;
	/* more is coming as long as the link has not taken what there is, so
	 * a record that is not full waits until then */
	if (*count && !tls->gone && !tls_wire_waiting(tls)) {
		flush(tls);
		part(tls);
	}
	if (*count && !tls->gone && tls_wire_waiting(tls))
		bytes = BIO_nread0(tls->link, &start);
	*count = bytes > 0;
	if (bytes > 0)
		*iov = (struct iovec){ start, (size_t)bytes };
	tls_forget_errors();
	return 0;
}

SEVLM_API int sevlm_tls_close(struct sevlm_tls *tls)
{
	if (!tls)
		return -EINVAL;
	if (tls->state == SEVLM_TLS_FAILED)
		return tls->cause;
	if (tls->state == SEVLM_TLS_HANDSHAKE)
		return -EBADFD;
	tls->closing = true;
	tls_settle(tls);
	tls_forget_errors();
	return tls->cause;
}
