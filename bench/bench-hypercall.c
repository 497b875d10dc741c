/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a page state hypercall of one page costs inside of the library, from
 * KVM_EXIT_HYPERCALL's arguments to its answer, while a source engine follows
 * the guest: 16 GiB, pages that change there and back. Beside it what nothing
 * can do without: a mutex and a bit. CPU time of this thread, medians of
 * rounds, the variants interleaved.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "internal.h"
#include "timer.h"

#define ROUNDS 9
#define CALLS 400000u
#define PAGES (4u << 20)
#define GUEST ((uint64_t)PAGES * PAGE_SIZE)
#define MAP_GPA_RANGE 12
#define ENCRYPTED 0x10u

static struct {
	struct sevlm_vm *vm;
	pthread_mutex_t lock;
	uint64_t *bits;
	uint64_t sink;
} bench = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int no_door(void *ctx, uint32_t request, void *arg)
{
	(void)ctx;
	(void)request;
	(void)arg;
	return -1;
}

static void die(const char *what)
{
	fprintf(stderr, "bench-hypercall: %s failed\n", what);
	exit(1);
}

static void prepare(void)
{
	const struct sevlm_kernel_ops ops = {
		.size = sizeof(ops),
		.vm = no_door,
		.sev = no_door,
	};
	const struct sevlm_vm_config config = {
		.size = sizeof(config),
		.ops = &ops,
	};
	void *hva = mmap(NULL, GUEST, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (hva == MAP_FAILED || sevlm_vm_new(&config, &bench.vm) ||
	    sevlm_vm_add_region(bench.vm, 0, GUEST, hva,
				SEVLM_REGION_TRACKED) ||
	    sevlm_vm_offer(bench.vm, 0))
		die("a guest");
	sevlm__pages_track(bench.vm->pages, true);
	bench.bits = calloc(PAGES / 64, sizeof(*bench.bits));
	if (!bench.bits)
		die("calloc");
}

/* bounce buffers: a few MiB, one page after the other, there and back */
static uint64_t near(uint32_t i, uint32_t seed)
{
	return (seed * 4096 + i / 2 % 1024) % PAGES;
}

static uint64_t anywhere(uint32_t i, uint32_t seed)
{
	return ((i / 2 + seed) * 2654435761u) % PAGES;
}

static double library(uint64_t (*choose)(uint32_t i, uint32_t seed),
		      uint32_t seed)
{
	uint64_t args[6] = {0, 1, 0, 0, 0, 0}, answer;
	double start = timer_cpu();

	for (uint32_t i = 0; i < CALLS; i++) {
		args[0] = choose(i, seed) << PAGE_SHIFT;
		args[2] = i % 2 ? ENCRYPTED : 0;
		if (sevlm_vm_hypercall(bench.vm, MAP_GPA_RANGE, args, &answer))
			die("a hypercall");
		bench.sink += answer;
	}
	return (timer_cpu() - start) / CALLS;
}

static double bare(uint64_t (*choose)(uint32_t i, uint32_t seed),
		   uint32_t seed)
{
	double start = timer_cpu();

	for (uint32_t i = 0; i < CALLS; i++) {
		uint64_t page = choose(i, seed), bit = 1ull << page % 64;

		pthread_mutex_lock(&bench.lock);
		if (i % 2)
			bench.bits[page / 64] &= ~bit;
		else
			bench.bits[page / 64] |= bit;
		pthread_mutex_unlock(&bench.lock);
	}
	return (timer_cpu() - start) / CALLS;
}

static void lines(const char *name,
		  uint64_t (*choose)(uint32_t i, uint32_t seed))
{
	double ours[ROUNDS], theirs[ROUNDS];
	double a, b;

	for (uint32_t i = 0; i < ROUNDS; i++) {
		theirs[i] = bare(choose, i + 1);
		ours[i] = library(choose, i + 1);
	}
	a = timer_median(ours, ROUNDS);
	b = timer_median(theirs, ROUNDS);
	printf("HYPERCALL%s %.1f ns per page\n", name, a);
	printf("HYPERCALL%s ratio %.2f (library against mutex and bit, "
	       "%.1f ns)\n", name, a / b, b);
}

int main(void)
{
	prepare();
	lines("", near);
	lines("-anywhere", anywhere);
	if (bench.sink)
		die("an announcement");
	sevlm_vm_free(bench.vm);
	free(bench.bits);
	return 0;
}
