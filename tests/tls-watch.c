/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <openssl/crypto.h>

#include "tls-watch.h"

#define MAX_SECRETS 16
#define MAX_BLOCKS 65536

static struct {
	int64_t bytes, peak, blocks;
	uint64_t calls, fail_from;
	struct {
		const char *name;
		const void *secret;
		size_t bytes;
	} secrets[MAX_SECRETS];
	size_t secrets_used;
	const char *found;
} watch;

/* all that is allocated, by a walk from the hash of the address */
static void *blocks[MAX_BLOCKS];

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void __real_free(void *buf);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *buf, size_t bytes);
void __wrap_free(void *buf);

/* a place that was given up, so that a walk goes on behind it */
static char gone;

static void **place_of(const void *buf)
{
	size_t at = ((uintptr_t)buf >> 4) * 2654435761u;

	for (size_t i = 0; i < MAX_BLOCKS; i++) {
		void **place = &blocks[(at + i) % MAX_BLOCKS];

		if (*place == buf || !*place)
			return place;
	}
	return NULL;
}

static void remember(void *buf)
{
	void **place = place_of(buf);

	if (place)
		*place = buf;
}

static void forget(const void *buf)
{
	void **place = place_of(buf);

	if (place && *place == buf)
		*place = &gone;
}

static void *allocated(void *buf)
{
	if (!buf)
		return NULL;
	remember(buf);
	watch.blocks++;
	watch.bytes += (int64_t)malloc_usable_size(buf);
	if (watch.bytes > watch.peak)
		watch.peak = watch.bytes;
	return buf;
}

static bool fails(void)
{
	return ++watch.calls >= watch.fail_from && watch.fail_from;
}

static void search(const void *buf)
{
	size_t bytes = malloc_usable_size((void *)(uintptr_t)buf);

	for (size_t i = 0; i < watch.secrets_used && !watch.found; i++)
		if (memmem(buf, bytes, watch.secrets[i].secret,
			   watch.secrets[i].bytes))
			watch.found = watch.secrets[i].name;
}

/* The fresh block is filled, so that it does not show what its last owner
 * left there, and was found with already. */
void *__wrap_malloc(size_t bytes)
{
	void *buf = fails() ? NULL : __real_malloc(bytes);

	if (buf)
		memset(buf, 0xaa, malloc_usable_size(buf));
	return allocated(buf);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
	return fails() ? NULL : allocated(__real_calloc(count, bytes));
}

void __wrap_free(void *buf)
{
	if (!buf)
		return;
	search(buf);
	forget(buf);
	watch.blocks--;
	watch.bytes -= (int64_t)malloc_usable_size(buf);
	__real_free(buf);
}

/* never in place: what stays behind is looked at */
void *__wrap_realloc(void *buf, size_t bytes)
{
	size_t old = buf ? malloc_usable_size(buf) : 0;
	void *ret = __wrap_malloc(bytes);

	if (ret && buf) {
		memcpy(ret, buf, old < bytes ? old : bytes);
		__wrap_free(buf);
	}
	return ret;
}

static void *openssl_malloc(size_t bytes, const char *file, int line)
{
	(void)file;
	(void)line;
	return __wrap_malloc(bytes);
}

static void *openssl_realloc(void *buf, size_t bytes, const char *file,
			     int line)
{
	(void)file;
	(void)line;
	return __wrap_realloc(buf, bytes);
}

static void openssl_free(void *buf, const char *file, int line)
{
	(void)file;
	(void)line;
	__wrap_free(buf);
}

void watch_init(void)
{
	if (!CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc,
				      openssl_free))
		abort();
}

void watch_reset(void)
{
	memset(&watch, 0, sizeof(watch));
}

int64_t watch_bytes(void)
{
	return watch.bytes;
}

int64_t watch_peak(void)
{
	return watch.peak;
}

int64_t watch_blocks(void)
{
	return watch.blocks;
}

uint64_t watch_calls(void)
{
	return watch.calls;
}

void watch_fail(uint64_t from)
{
	watch.calls = 0;
	watch.fail_from = from;
}

void watch_for(const char *name, const void *secret, size_t bytes)
{
	ck_assert_uint_lt(watch.secrets_used, MAX_SECRETS);
	watch.secrets[watch.secrets_used].name = name;
	watch.secrets[watch.secrets_used].secret = secret;
	watch.secrets[watch.secrets_used++].bytes = bytes;
}

const char *watch_found(void)
{
	return watch.found;
}

bool watch_holds(const void *secret, size_t bytes)
{
	for (size_t i = 0; i < MAX_BLOCKS; i++)
		if (blocks[i] && blocks[i] != &gone &&
		    memmem(blocks[i], malloc_usable_size(blocks[i]), secret,
			   bytes))
			return true;
	return false;
}
