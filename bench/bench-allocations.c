/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Allocations while pages travel: a migration within this thread, counted
 * while its middle half of the pages arrives, apart for the library and for
 * the software hosts behind its doors.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "counter.h"
#include "pair.h"

#define MEMORY (32ull << 20)

static int door_vm(void *ctx, uint32_t request, void *arg)
{
	enum counter_owner before = counter_switch(COUNTER_HOST);
	int ret = sevlm_sim_ops()->vm(ctx, request, arg);

	counter_switch(before);
	return ret;
}

static int door_sev(void *ctx, uint32_t request, void *arg)
{
	enum counter_owner before = counter_switch(COUNTER_HOST);
	int ret = sevlm_sim_ops()->sev(ctx, request, arg);

	counter_switch(before);
	return ret;
}

static const struct sevlm_kernel_ops door = {
	.size = sizeof(door),
	.vm = door_vm,
	.sev = door_sev,
};

/* of the target: what is there has gone all the way */
static uint64_t pages_so_far(struct sevlm_target *target)
{
	struct sevlm_progress progress = {.size = sizeof(progress)};

	must(sevlm_target_progress(target, &progress), "progress");
	return progress.private_pages + progress.shared_pages +
	       progress.zero_pages;
}

struct result {
	struct counter first;
	struct counter last;
};

static void watch(struct sevlm_target *target, struct result *ret)
{
	uint64_t pages = pages_so_far(target), all = MEMORY / SEVLM_PAGE_SIZE;

	if (pages <= all / 4)
		ret->first = counter_read();
	if (pages <= all / 4 * 3)
		ret->last = counter_read();
}

static void migrate(struct pair *pair, struct result *ret)
{
	struct sevlm_source *source = pair_source(pair);
	struct sevlm_target *target = pair_target(pair);
	uint32_t here = 1, there = 1;
	uint64_t now = 0;

	pair->engines.source = source;
	pair->engines.target = target;
	while (here || there) {
		now += 1000;
		must(sevlm_source_step(source, now, &here), "step");
		must(sevlm_target_step(target, now, &there), "step");
		pair_source_does(pair, source, here);
		pair_target_does(pair, target, there);
		pair_carry(pair, false);
		pair_carry(pair, true);
		watch(target, ret);
	}
	pair_ended(source, target);
	sevlm_source_free(source);
	sevlm_target_free(target);
}

static void per_thousand(const struct result *result, double own[],
			 double openssl[])
{
	double pages = MEMORY / SEVLM_PAGE_SIZE / 2 / 1000.0;

	for (int i = 0; i < COUNTER_OWNERS; i++) {
		own[i] = (double)(result->last.own[i] - result->first.own[i]) /
			 pages;
		openssl[i] = (double)(result->last.openssl[i] -
				      result->first.openssl[i]) /
			     pages;
	}
}

int main(void)
{
	double own[COUNTER_OWNERS], openssl[COUNTER_OWNERS];
	struct result result;
	static struct pair pair;

	must(counter_init() ? 0 : -EIO, "OpenSSL's allocator");
	pair_open(&pair, MEMORY);
	pair_launch(&pair, &door);
	memset(&result, 0, sizeof(result));
	migrate(&pair, &result);
	per_thousand(&result, own, openssl);
	printf("allocations-library ratio %.3f (allocations per page of the "
	       "library against one)\n",
	       (own[COUNTER_LIBRARY] + openssl[COUNTER_LIBRARY]) / 1000);
	printf("allocations-library %.1f per 1000 pages, and %.1f by OpenSSL\n",
	       own[COUNTER_LIBRARY], openssl[COUNTER_LIBRARY]);
	printf("allocations-host %.1f per 1000 pages, and %.1f by OpenSSL, for "
	       "both software hosts\n",
	       own[COUNTER_HOST], openssl[COUNTER_HOST]);
	pair_destroy(&pair);
	pair_close(&pair);
	return 0;
}
