/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The link's side of a pair of memory BIOs of fixed size. */
#include <errno.h>

#include <openssl/bio.h>

#include "internal.h"

int tls_wire_open(struct sevlm_tls *tls)
{
	BIO *inner = NULL;

	if (!BIO_new_bio_pair(&inner, TLS_OUT_BYTES, &tls->link, TLS_IN_BYTES))
		return tls_fail_ssl(tls, "buffers");
	SSL_set_bio(tls->ssl, inner, inner);
	tls->inner = inner;
	return 0;
}

size_t tls_wire_waiting(const struct sevlm_tls *tls)
{
	return tls->link ? BIO_ctrl_pending(tls->link) : 0;
}

bool tls_wire_has_room(const struct sevlm_tls *tls)
{
	return BIO_ctrl_get_write_guarantee(tls->inner) >=
	       TLS_WIRE_RECORD + TLS_BETWEEN;
}

size_t tls_wire_unread(const struct sevlm_tls *tls)
{
	return tls->inner ? BIO_ctrl_pending(tls->inner) : 0;
}

SEVLM_API int sevlm_tls_consumed(struct sevlm_tls *tls, size_t bytes)
{
	char *start;
	int part;

	if (!tls || bytes > tls_wire_waiting(tls))
		return -EINVAL;
	for (; bytes; bytes -= (size_t)part) {
		part = BIO_nread(tls->link, &start, (int)bytes);
		if (part <= 0)
			break; /* not with that many waiting */
	}
	tls_forget_errors();
	return bytes ? -EINVAL : 0;
}

static bool is_over(const struct sevlm_tls *tls)
{
	return tls->state == SEVLM_TLS_CLOSED ||
	       tls->state == SEVLM_TLS_FAILED;
}

SEVLM_API int sevlm_tls_feed(struct sevlm_tls *tls, const void *buf,
			     size_t bytes, size_t *ret_taken)
{
	size_t room;

	if (!tls || !ret_taken || (bytes && !buf))
		return -EINVAL;
	*ret_taken = 0;
	if (tls->gone)
		return -EBADFD;
	if (is_over(tls)) {
		*ret_taken = bytes;
		return 0;
	}
	room = BIO_ctrl_get_write_guarantee(tls->link);
	if (bytes > room)
		bytes = room;
	if (bytes && BIO_write(tls->link, buf, (int)bytes) == (int)bytes)
		*ret_taken = bytes;
	tls_forget_errors();
	return 0;
}
