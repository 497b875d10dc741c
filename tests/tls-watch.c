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
	uint64_t calls, fail_at;
	bool fail_rest;
	bool paused;
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

/* a place that was given up, so that a walk goes on behind it */
static char gone;

static void **place_of(const void *buf)
{
	size_t at = ((uintptr_t)buf >> 4) * 2654435761u;
	void **free_one = NULL;

	for (size_t i = 0; i < MAX_BLOCKS; i++) {
		void **place = &blocks[(at + i) % MAX_BLOCKS];

		if (*place == buf)
			return place;
		if (!free_one && (!*place || *place == &gone))
			free_one = place;
		if (!*place)
			break;
	}
	return free_one;
}

static void remember(void *buf)
{
	void **place = place_of(buf);

	if (!place)
		abort();
	*place = buf;
}

/* false: it was not counted */
static bool forget(const void *buf)
{
	void **place = place_of(buf);

	if (!place || *place != buf)
		return false;
	*place = &gone;
	return true;
}

static void *allocated(void *buf)
{
	if (!buf || watch.paused)
		return buf;
	remember(buf);
	watch.blocks++;
	watch.bytes += (int64_t)malloc_usable_size(buf);
	if (watch.bytes > watch.peak)
		watch.peak = watch.bytes;
	return buf;
}

static bool fails(void)
{
	if (watch.paused)
		return false;
	watch.calls++;
	return watch.fail_at && (watch.fail_rest ?
					 watch.calls >= watch.fail_at :
					 watch.calls == watch.fail_at);
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
static void *get(size_t bytes, const char *file, int line)
{
	void *buf = fails() ? NULL : malloc(bytes);

	(void)file;
	(void)line;
	if (buf)
		memset(buf, 0xaa, malloc_usable_size(buf));
	return allocated(buf);
}

static void put(void *buf, const char *file, int line)
{
	(void)file;
	(void)line;
	if (!buf)
		return;
	search(buf);
	if (forget(buf)) {
		watch.blocks--;
		watch.bytes -= (int64_t)malloc_usable_size(buf);
	}
	free(buf);
}

/* never in place: what stays behind is looked at */
static void *move(void *buf, size_t bytes, const char *file, int line)
{
	size_t old = buf ? malloc_usable_size(buf) : 0;
	void *ret = get(bytes, file, line);

	if (ret && buf) {
		memcpy(ret, buf, old < bytes ? old : bytes);
		put(buf, file, line);
	}
	return ret;
}

void watch_init(void)
{
	if (!CRYPTO_set_mem_functions(get, move, put))
		abort();
}

void watch_reset(void)
{
	memset(&watch, 0, sizeof(watch));
	memset(blocks, 0, sizeof(blocks));
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

void watch_fail(uint64_t number, bool rest)
{
	watch.calls = 0;
	watch.fail_at = number;
	watch.fail_rest = rest;
}

void watch_pause(bool pause)
{
	watch.paused = pause;
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
