/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <malloc.h>
#include <stdlib.h>

#include <openssl/crypto.h>

#include "heap.h"

void (*heap_freeing)(const void *buf, size_t bytes);

static struct {
	bool counts;
	uint64_t bytes, most;
	int64_t now;
	uint64_t fail;
} heap;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void __real_free(void *buf);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *buf, size_t bytes);
void __wrap_free(void *buf);

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

bool heap_init(void)
{
	return CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc,
					openssl_free) != 0;
}

void heap_start(void)
{
	heap.counts = true;
	heap.bytes = heap.most = 0;
	heap.now = 0;
}

void heap_stop(void)
{
	heap.counts = false;
}

void heap_go(void)
{
	heap.counts = true;
}

uint64_t heap_bytes(void)
{
	return heap.bytes;
}

uint64_t heap_most(void)
{
	return heap.most;
}

void heap_fail(uint64_t n)
{
	heap.fail = n;
}

static bool fails(void)
{
	return heap.fail && !--heap.fail;
}

static void *count(void *buf)
{
	size_t bytes = buf ? malloc_usable_size(buf) : 0;

	if (!heap.counts)
		return buf;
	heap.bytes += bytes;
	heap.now += (int64_t)bytes;
	if (heap.now > 0 && (uint64_t)heap.now > heap.most)
		heap.most = (uint64_t)heap.now;
	return buf;
}

void *__wrap_malloc(size_t bytes)
{
	return fails() ? NULL : count(__real_malloc(bytes));
}

void *__wrap_calloc(size_t n, size_t bytes)
{
	return fails() ? NULL : count(__real_calloc(n, bytes));
}

void __wrap_free(void *buf)
{
	size_t bytes = buf ? malloc_usable_size(buf) : 0;

	if (bytes && heap_freeing)
		heap_freeing(buf, bytes);
	if (heap.counts)
		heap.now -= (int64_t)bytes;
	__real_free(buf);
}

/* always to another place, so that what it leaves behind is looked at */
void *__wrap_realloc(void *buf, size_t bytes)
{
	size_t old = buf ? malloc_usable_size(buf) : 0;
	uint8_t *to = __wrap_malloc(bytes ? bytes : 1);
	const uint8_t *from = buf;

	for (size_t i = 0; to && i < old && i < bytes; i++)
		to[i] = from[i];
	if (to)
		__wrap_free(buf);
	return to;
}
