/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Bounded reading and writing of little-endian bytes. The first overrun
 * sticks: everything after it reads zero or writes nothing, so that a caller
 * checks once, at the end.
 */
#ifndef SEVLM_CURSOR_H
#define SEVLM_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sevlm__reader {
	const uint8_t *at;
	size_t left;
	bool bad;
};

struct sevlm__writer {
	uint8_t *at;
	size_t left;
	bool bad;
};

static inline struct sevlm__reader sevlm__reader(const void *buf, size_t bytes)
{
	return (struct sevlm__reader){ buf, bytes, false };
}

static inline struct sevlm__writer sevlm__writer(void *buf, size_t bytes)
{
	return (struct sevlm__writer){ buf, bytes, false };
}

/* the next bytes in place, NULL past the end */
static inline const uint8_t *sevlm__get(struct sevlm__reader *r, size_t bytes)
{
	const uint8_t *at = r->at;

	if (r->bad || bytes > r->left) {
		r->bad = true;
		return NULL;
	}
	r->at += bytes;
	r->left -= bytes;
	return at;
}

static inline uint64_t sevlm__get_le(struct sevlm__reader *r, size_t bytes)
{
	const uint8_t *at = sevlm__get(r, bytes);
	uint64_t value = 0;

	for (size_t i = 0; at && i < bytes; i++)
		value |= (uint64_t)at[i] << (8 * i);
	return value;
}

static inline uint16_t sevlm__get16(struct sevlm__reader *r)
{
	return (uint16_t)sevlm__get_le(r, 2);
}

static inline uint32_t sevlm__get32(struct sevlm__reader *r)
{
	return (uint32_t)sevlm__get_le(r, 4);
}

static inline uint64_t sevlm__get64(struct sevlm__reader *r)
{
	return sevlm__get_le(r, 8);
}

static inline void sevlm__get_bytes(struct sevlm__reader *r, void *dst,
				    size_t bytes)
{
	const uint8_t *at = sevlm__get(r, bytes);

	if (at)
		memcpy(dst, at, bytes);
	else
		memset(dst, 0, bytes);
}

/* everything read, nothing missing? */
static inline bool sevlm__reader_done(const struct sevlm__reader *r)
{
	return !r->bad && !r->left;
}

static inline uint8_t *sevlm__put(struct sevlm__writer *w, size_t bytes)
{
	uint8_t *at = w->at;

	if (w->bad || bytes > w->left) {
		w->bad = true;
		return NULL;
	}
	w->at += bytes;
	w->left -= bytes;
	return at;
}

static inline void sevlm__put_le(struct sevlm__writer *w, uint64_t value,
				 size_t bytes)
{
	uint8_t *at = sevlm__put(w, bytes);

	for (size_t i = 0; at && i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static inline void sevlm__put16(struct sevlm__writer *w, uint16_t value)
{
	sevlm__put_le(w, value, 2);
}

static inline void sevlm__put32(struct sevlm__writer *w, uint32_t value)
{
	sevlm__put_le(w, value, 4);
}

static inline void sevlm__put64(struct sevlm__writer *w, uint64_t value)
{
	sevlm__put_le(w, value, 8);
}

static inline void sevlm__put_bytes(struct sevlm__writer *w, const void *src,
				    size_t bytes)
{
	uint8_t *at = sevlm__put(w, bytes);

	if (at && bytes)
		memcpy(at, src, bytes);
}

#endif /* SEVLM_CURSOR_H */
