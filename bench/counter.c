/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <malloc.h>
#include <stdlib.h>

#include <openssl/crypto.h>

#include "counter.h"

static struct counter counter;
static enum counter_owner current;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *buf, size_t bytes);
void __real_free(void *buf);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *buf, size_t bytes);
void __wrap_free(void *buf);

static void *count(uint64_t *calls, void *buf)
{
	(*calls)++;
	counter.bytes += malloc_usable_size(buf);
	return buf;
}

void *__wrap_malloc(size_t bytes)
{
	return count(&counter.own[current], __real_malloc(bytes));
}

void *__wrap_calloc(size_t n, size_t bytes)
{
	return count(&counter.own[current], __real_calloc(n, bytes));
}

void *__wrap_realloc(void *buf, size_t bytes)
{
	counter.bytes -= malloc_usable_size(buf);
	return count(&counter.own[current], __real_realloc(buf, bytes));
}

void __wrap_free(void *buf)
{
	counter.bytes -= malloc_usable_size(buf);
	__real_free(buf);
}

static void *openssl_malloc(size_t bytes, const char *file, int line)
{
	(void)file;
	(void)line;
	return count(&counter.openssl[current], __real_malloc(bytes));
}

static void *openssl_realloc(void *buf, size_t bytes, const char *file,
			     int line)
{
	(void)file;
	(void)line;
	counter.bytes -= malloc_usable_size(buf);
	return count(&counter.openssl[current], __real_realloc(buf, bytes));
}

static void openssl_free(void *buf, const char *file, int line)
{
	(void)file;
	(void)line;
	__wrap_free(buf);
}

bool counter_init(void)
{
	return CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc,
					openssl_free);
}

enum counter_owner counter_switch(enum counter_owner owner)
{
	enum counter_owner before = current;

	current = owner;
	return before;
}

struct counter counter_read(void)
{
	return counter;
}
