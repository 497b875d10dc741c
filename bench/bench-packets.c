/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a packet costs: private pages of a software host's guest through the
 * library, against a loop that does nothing but the crypto that must happen to
 * the same pages. Both sides pay for memory that is encrypted at rest. CPU
 * time of this thread; the variants take turns every few pages.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kvm.h>

#include "../sim/internal.h"
#include "floor.h"
#include "internal.h"
#include "pair.h"
#include "timer.h"

#define ROUNDS 9
#define MEMORY (32ull << 20)
#define PAGES 4096u /* the upper half: all private */
#define SLICE 256u
#define BATCH 64u /* output goes round and round in such a buffer */
#define CALLS 1000000u

struct setting {
	struct pair pair;
	struct sevlm_send *send;
	struct sevlm_receive *receive;
	struct floor *floor;
	uint8_t plain[PAGE_SIZE];
	uint8_t header[BATCH][SEVLM_PACKET_HEADER_SIZE];
	uint8_t payload[BATCH][PAGE_SIZE];
	/* what was sent, for the variants that receive */
	uint8_t (*headers)[SEVLM_PACKET_HEADER_SIZE];
	uint8_t (*payloads)[PAGE_SIZE];
	uint8_t (*floor_headers)[SEVLM_PACKET_HEADER_SIZE];
	uint8_t (*floor_payloads)[PAGE_SIZE];
};

static uint64_t gpa_of(uint32_t page)
{
	return MEMORY / 2 + (uint64_t)page * PAGE_SIZE;
}

static void is_true(bool ok, const char *what)
{
	must(ok ? 0 : -EIO, what);
}

/* ---- one page each ---- */

static void send_call(struct setting *s, uint32_t page)
{
	uint32_t at = page % BATCH;

	must(sevlm_send_packet(s->send, gpa_of(page), s->header[at],
			       s->payload[at]),
	     "send");
}

static void send_inner(struct setting *s, uint32_t page)
{
	uint32_t at = page % BATCH;

	must(sevlm__send_update(s->send, s->pair.source.ram + gpa_of(page), 1,
				s->header[at], s->payload[at]),
	     "send");
}

static void send_bare(struct setting *s, uint32_t page)
{
	uint32_t at = page % BATCH;

	must(sim_memory_decrypt(s->pair.source.guest->memory,
				s->pair.source.ram + gpa_of(page), PAGE_SIZE,
				s->plain),
	     "decrypt");
	is_true(floor_seal(s->floor, s->plain, s->header[at], s->payload[at]),
		"seal");
}

static void send_crypto(struct setting *s, uint32_t page)
{
	uint32_t at = page % BATCH;

	is_true(floor_seal(s->floor, s->pair.source.ram + gpa_of(page),
			   s->header[at], s->payload[at]),
		"seal");
}

static void receive_call(struct setting *s, uint32_t page)
{
	must(sevlm_receive_packet(s->receive, gpa_of(page), s->headers[page],
				  s->payloads[page]),
	     "receive");
}

static void receive_inner(struct setting *s, uint32_t page)
{
	must(sevlm__receive_update(s->receive,
				   s->pair.target.ram + gpa_of(page), 1,
				   s->headers[page], s->payloads[page]),
	     "receive");
}

static void receive_bare(struct setting *s, uint32_t page)
{
	is_true(floor_open(s->floor, s->floor_headers[page],
			   s->floor_payloads[page], s->plain),
		"open");
	must(sim_memory_encrypt(s->pair.target.guest->memory,
				s->pair.target.ram + gpa_of(page), PAGE_SIZE,
				s->plain),
	     "encrypt");
}

static void receive_crypto(struct setting *s, uint32_t page)
{
	is_true(floor_open(s->floor, s->floor_headers[page],
			   s->floor_payloads[page],
			   s->pair.target.ram + gpa_of(page)),
		"open");
}

/* ---- rounds ---- */

enum { CALL, INNER, BARE, CRYPTO, VARIANTS };

struct group {
	const char *name;
	void (*run[VARIANTS])(struct setting *s, uint32_t page);
};

static const struct group groups[] = {
	{"packet-send", {send_call, send_inner, send_bare, send_crypto}},
	{"packet-receive",
	 {receive_call, receive_inner, receive_bare, receive_crypto}},
};

static double slice(struct setting *s, const struct group *group, int variant,
		    uint32_t first)
{
	double start = timer_cpu();

	for (uint32_t i = first; i < first + SLICE; i++)
		group->run[variant](s, i);
	return timer_cpu() - start;
}

static void round_of(struct setting *s, const struct group *group,
		     double ns[VARIANTS])
{
	memset(ns, 0, VARIANTS * sizeof(*ns));
	for (uint32_t first = 0; first < PAGES; first += SLICE)
		for (int i = 0; i < VARIANTS; i++) {
			int variant = (i + (int)(first / SLICE)) % VARIANTS;

			ns[variant] += slice(s, group, variant, first) / PAGES;
		}
}

static void bench(struct setting *s, const struct group *group)
{
	double ns[VARIANTS][ROUNDS], call[ROUNDS], inner[ROUNDS], now[VARIANTS];

	round_of(s, group, now);
	for (int i = 0; i < ROUNDS; i++) {
		round_of(s, group, now);
		for (int j = 0; j < VARIANTS; j++)
			ns[j][i] = now[j];
		call[i] = now[CALL] / now[BARE];
		inner[i] = now[INNER] / now[BARE];
	}
	printf("%s ratio %.3f (the call against at-rest crypto, CTR and "
	       "HMAC)\n",
	       group->name, timer_median(call, ROUNDS));
	printf("%s-engine ratio %.3f (the engine's inner call against the "
	       "same)\n",
	       group->name, timer_median(inner, ROUNDS));
	printf("%s %.0f ns per page (engine %.0f, bare %.0f, CTR and HMAC "
	       "alone %.0f)\n",
	       group->name, timer_median(ns[CALL], ROUNDS),
	       timer_median(ns[INNER], ROUNDS), timer_median(ns[BARE], ROUNDS),
	       timer_median(ns[CRYPTO], ROUNDS));
}

/* ---- the library's own part ---- */

static bool instant;

static int door_vm(void *ctx, uint32_t request, void *arg)
{
	return instant ? 0 : sevlm_sim_ops()->vm(ctx, request, arg);
}

static int door_sev(void *ctx, uint32_t request, void *arg)
{
	return sevlm_sim_ops()->sev(ctx, request, arg);
}

static const struct sevlm_kernel_ops door = {
	.size = sizeof(door),
	.vm = door_vm,
	.sev = door_sev,
};

static double own_call(struct setting *s)
{
	double start = timer_cpu();

	for (uint32_t i = 0; i < CALLS; i++)
		send_call(s, i % PAGES);
	return (timer_cpu() - start) / CALLS;
}

static double own_inner(struct setting *s)
{
	double start = timer_cpu();

	for (uint32_t i = 0; i < CALLS; i++)
		send_inner(s, i % PAGES);
	return (timer_cpu() - start) / CALLS;
}

static double own_nothing(struct setting *s)
{
	int (*volatile call)(void *ctx, uint32_t request, void *arg) = door_vm;
	double start = timer_cpu();

	for (uint32_t i = 0; i < CALLS; i++)
		must(call(s->pair.source.guest, KVM_MEMORY_ENCRYPT_OP, s),
		     "nothing");
	return (timer_cpu() - start) / CALLS;
}

static void bench_own(struct setting *s)
{
	double call[ROUNDS], inner[ROUNDS], nothing[ROUNDS];
	double own, engine, least;

	instant = true;
	for (int i = 0; i < ROUNDS; i++) {
		call[i] = own_call(s);
		inner[i] = own_inner(s);
		nothing[i] = own_nothing(s);
	}
	instant = false;
	own = timer_median(call, ROUNDS);
	engine = timer_median(inner, ROUNDS);
	least = timer_median(nothing, ROUNDS);
	printf("packet-own ratio %.1f (the call over a door that returns at "
	       "once against an indirect call)\n",
	       own / least);
	printf("packet-own %.1f ns per page (engine %.1f, indirect call "
	       "%.1f)\n",
	       own, engine, least);
}

/* ---- sessions ---- */

static void start(struct setting *s)
{
	struct pair *pair = &s->pair;
	const struct sevlm_peer from = pair_peer(pair, &pair->source);
	const struct sevlm_peer to = pair_peer(pair, &pair->target);
	uint8_t pdh[SEVLM_PDH_SIZE], session[SEVLM_SESSION_SIZE];
	uint32_t policy;

	must(sevlm_send_start(pair->source.vm, &to, pair->trust, &s->send),
	     "start");
	must(sevlm_send_session(s->send, &policy, pdh, session), "session");
	must(sevlm_receive_start(pair->target.vm, &from, pair->trust, policy,
				 session, &s->receive),
	     "start");
}

static void *allocate(size_t size)
{
	void *ret = calloc(PAGES, size);

	must(ret ? 0 : -ENOMEM, "calloc");
	return ret;
}

static void record(struct setting *s)
{
	s->headers = allocate(sizeof(*s->headers));
	s->payloads = allocate(sizeof(*s->payloads));
	s->floor_headers = allocate(sizeof(*s->floor_headers));
	s->floor_payloads = allocate(sizeof(*s->floor_payloads));
	for (uint32_t i = 0; i < PAGES; i++) {
		must(sevlm_send_packet(s->send, gpa_of(i), s->headers[i],
				       s->payloads[i]),
		     "send");
		is_true(floor_seal(s->floor, s->payloads[i],
				   s->floor_headers[i], s->floor_payloads[i]),
			"seal");
	}
}

static void finish(struct setting *s)
{
	free(s->headers);
	free(s->payloads);
	free(s->floor_headers);
	free(s->floor_payloads);
	floor_free(s->floor);
	sevlm_send_free(s->send);
	sevlm_receive_free(s->receive);
	pair_destroy(&s->pair);
	pair_close(&s->pair);
}

int main(void)
{
	static struct setting s;

	printf("# %u private pages, medians of %d rounds, CPU time\n", PAGES,
	       ROUNDS);
	pair_open(&s.pair, MEMORY);
	pair_launch(&s.pair, &door);
	s.floor = floor_new();
	is_true(s.floor, "floor");
	start(&s);
	record(&s);
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		bench(&s, &groups[i]);
	bench_own(&s);
	finish(&s);
	return 0;
}
