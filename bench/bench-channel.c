/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the channel costs: records of a source engine through the two ends of
 * a channel, against OpenSSL alone over the same pairs of memory BIOs with the
 * same bytes in writes of 16 KiB, and against a plain copy through memory. CPU
 * time of this thread for both ends; the variants take turns record by record.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bare-tls.h"
#include "pair.h"
#include "timer.h"

#include <libsevlm/tls.h>

#define ROUNDS 9
#define SLICES 128u
#define BATCH 64u
#define HEAD 4416u /* of a record with a batch of packets */
#define RECORD (HEAD + BATCH * SEVLM_PAGE_SIZE)
#define MEMORY ((size_t)SLICES * RECORD)
#define SINK 16384u

struct setting {
	unsigned char *memory;
	unsigned char ring[131072];
	unsigned char sink[SINK];
	struct sevlm_tls *end[2];
	struct bare_tls bare;
};

/* ---- one record each ---- */

static size_t by_copy(struct setting *s, const unsigned char *from)
{
	size_t done = 0, part, at;

	for (; done < RECORD; done += part) {
		part = RECORD - done < sizeof(s->ring) ? RECORD - done :
							 sizeof(s->ring);
		memcpy(s->ring, from + done, part);
		for (at = 0; at < part; at += SINK)
			memcpy(s->sink, s->ring + at,
			       part - at < SINK ? part - at : SINK);
	}
	return done;
}

static size_t carry(struct sevlm_tls *from, struct sevlm_tls *to)
{
	size_t count = 1, taken = 0, sum = 0;
	struct iovec iov;

	for (; !sevlm_tls_output(from, &iov, &count) && count; sum += taken) {
		must(sevlm_tls_feed(to, iov.iov_base, iov.iov_len, &taken),
		     "feed");
		must(sevlm_tls_consumed(from, taken), "consumed");
		if (!taken)
			break;
	}
	return sum;
}

static size_t drain(struct setting *s)
{
	size_t got = 1, sum = 0;

	for (; got; sum += got)
		must(sevlm_tls_receive(s->end[1], s->sink, SINK, &got),
		     sevlm_tls_error(s->end[1]));
	return sum;
}

static void advance(struct iovec **iov, size_t *count, size_t bytes)
{
	while (*count && bytes >= (*iov)->iov_len) {
		bytes -= (*iov)->iov_len;
		(*iov)++;
		(*count)--;
	}
	if (*count) {
		(*iov)->iov_base = (char *)(*iov)->iov_base + bytes;
		(*iov)->iov_len -= bytes;
	}
}

static size_t through(struct setting *s, struct iovec *iov, size_t count)
{
	size_t got = 0, taken = 0, moved = 1;

	while (count || moved) {
		must(sevlm_tls_send(s->end[0], iov, count, &taken),
		     sevlm_tls_error(s->end[0]));
		advance(&iov, &count, taken);
		moved = carry(s->end[0], s->end[1]);
		got += drain(s);
	}
	return got;
}

/* private pages: packets lie one behind the other */
static size_t list_packets(struct iovec *iov, const unsigned char *from)
{
	iov[0] = (struct iovec){(void *)(uintptr_t)from, HEAD};
	iov[1] = (struct iovec){(void *)(uintptr_t)(from + HEAD),
				RECORD - HEAD};
	return 2;
}

/* shared pages: no two neighbours follow each other */
static size_t list_pages(struct iovec *iov, const unsigned char *from)
{
	iov[0] = (struct iovec){(void *)(uintptr_t)from, HEAD};
	for (size_t i = 0; i < BATCH; i++)
		iov[i + 1] = (struct iovec){
			(void *)(uintptr_t)(from + HEAD +
					    i * 29 % BATCH * SEVLM_PAGE_SIZE),
			SEVLM_PAGE_SIZE};
	return BATCH + 1;
}

static size_t channel_packets(struct setting *s, const unsigned char *from)
{
	struct iovec iov[2];

	return through(s, iov, list_packets(iov, from));
}

static size_t channel_pages(struct setting *s, const unsigned char *from)
{
	struct iovec iov[BATCH + 1];

	return through(s, iov, list_pages(iov, from));
}

/* all of it lies in one place */
static size_t openssl_alone(struct setting *s, const unsigned char *from)
{
	struct iovec iov = {(void *)(uintptr_t)from, RECORD};

	return bare_tls_move(&s->bare, &iov, 1);
}

static size_t openssl_pages(struct setting *s, const unsigned char *from)
{
	struct iovec iov[BATCH + 1];

	return bare_tls_move(&s->bare, iov, list_pages(iov, from));
}

/* ---- rounds ---- */

enum { COPY, OPENSSL, OPENSSL_PAGES, CHANNEL, CHANNEL_PAGES, VARIANTS };

static size_t (*const run[VARIANTS])(struct setting *s,
				     const unsigned char *from) = {
	by_copy, openssl_alone, openssl_pages, channel_packets, channel_pages,
};

static double slice(struct setting *s, int variant, uint32_t at)
{
	const unsigned char *from = s->memory + (size_t)at * RECORD;
	double start = timer_cpu();

	must(run[variant](s, from) == RECORD ? 0 : -EIO, "bytes are missing");
	return timer_cpu() - start;
}

static void round_of(struct setting *s, double ns[VARIANTS])
{
	memset(ns, 0, VARIANTS * sizeof(*ns));
	for (uint32_t at = 0; at < SLICES; at++)
		for (int i = 0; i < VARIANTS; i++) {
			int variant = (i + (int)at) % VARIANTS;

			ns[variant] += slice(s, variant, at);
		}
}

/* of one variant's time to another's */
static double ratio(double (*ns)[VARIANTS], int variant, int other)
{
	double value[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		value[i] = ns[i][other] / ns[i][variant];
	return timer_median(value, ROUNDS);
}

static void print_ratios(double (*ns)[VARIANTS])
{
	printf("channel ratio %.3f (bytes per second, packets, against OpenSSL "
	       "alone)\n",
	       ratio(ns, CHANNEL, OPENSSL));
	printf("channel-pages ratio %.3f (scattered pages, against OpenSSL "
	       "alone that gathers them; %.3f against one that need not)\n",
	       ratio(ns, CHANNEL_PAGES, OPENSSL_PAGES),
	       ratio(ns, CHANNEL_PAGES, OPENSSL));
	printf("channel-copy ratio %.3f (packets, against a plain copy)\n",
	       ratio(ns, CHANNEL, COPY));
}

static double speed(double (*ns)[VARIANTS], int variant)
{
	double value[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		value[i] = (double)SLICES * RECORD / ns[i][variant];
	return timer_median(value, ROUNDS);
}

/* ---- ends ---- */

static void open_channel(struct setting *s)
{
	static const unsigned char psk[SEVLM_TLS_PSK_SIZE] = {1};
	struct sevlm_tls_config config = {.size = sizeof(config), .psk = psk};
	uint32_t want;

	for (int end = 0; end < 2; end++) {
		config.role = end ? SEVLM_TLS_TARGET : SEVLM_TLS_SOURCE;
		must(sevlm_tls_new(&config, &s->end[end]), "channel");
	}
	for (int i = 0; i < 8; i++) {
		must(sevlm_tls_step(s->end[i % 2], 1, &want), "step");
		carry(s->end[i % 2], s->end[!(i % 2)]);
	}
	must(sevlm_tls_state(s->end[0]) == SEVLM_TLS_OPEN &&
			     sevlm_tls_state(s->end[1]) == SEVLM_TLS_OPEN ?
		     0 : -EIO,
	     "channel");
}

static void open_all(struct setting *s)
{
	s->memory = malloc(MEMORY);
	must(s->memory ? 0 : -ENOMEM, "memory");
	memset(s->memory, 0x5a, MEMORY);
	must(bare_tls_open(&s->bare) ? 0 : -EIO, "OpenSSL");
	open_channel(s);
}

int main(void)
{
	double ns[ROUNDS + 1][VARIANTS];
	static struct setting s;

	printf("# %u records of %u pages, medians of %d rounds, CPU time of "
	       "both ends\n", SLICES, BATCH, ROUNDS);
	open_all(&s);
	for (int i = 0; i <= ROUNDS; i++)
		round_of(&s, ns[i]);
	print_ratios(ns + 1);
	printf("channel %.2f GB/s (scattered pages %.2f, OpenSSL alone %.2f "
	       "and %.2f, a plain copy %.2f)\n",
	       speed(ns + 1, CHANNEL), speed(ns + 1, CHANNEL_PAGES),
	       speed(ns + 1, OPENSSL), speed(ns + 1, OPENSSL_PAGES),
	       speed(ns + 1, COPY));
	sevlm_tls_free(s.end[0]);
	sevlm_tls_free(s.end[1]);
	bare_tls_close(&s.bare);
	free(s.memory);
	return 0;
}
