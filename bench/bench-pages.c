/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What it costs to know the state of a guest's pages: 16 GiB of guest, 10 to
 * 100000 shared ranges, against a linear list of them. CPU time of this
 * thread, medians of rounds, the variants of a line interleaved. The pages are
 * locked at each call, the list is not.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "internal.h"
#include "list.h"
#include "timer.h"

#define ROUNDS 7
#define PAGES (4u << 20)
#define GUEST ((uint64_t)PAGES * PAGE_SIZE)
/* nodes of the list that one measurement may visit */
#define WALK_BUDGET 20000000ull
#define MOST_CALLS 200000u

static const uint32_t counts[] = {10, 1000, 100000};

struct setting {
	struct sevlm__pages *pages;
	struct list *list;
	uint32_t ranges;
	uint32_t calls; /* of the pages */
	uint32_t list_calls; /* fewer where the list is long */
	uint64_t sink;
};

/* nanoseconds per unit */
struct sample {
	double list;
	double pages;
};

static uint32_t next(uint32_t *random)
{
	*random = *random * 1664525u + 1013904223u;
	return *random >> 8;
}

/* the start of the index-th range; its spacing is half shared, half not */
static uint64_t range_start(const struct setting *setting, uint32_t index)
{
	return (uint64_t)index * PAGES / setting->ranges;
}

static uint64_t range_pages(const struct setting *setting)
{
	return PAGES / setting->ranges / 2;
}

static void die(const char *what)
{
	fprintf(stderr, "bench-pages: %s failed\n", what);
	exit(1);
}

static void fill(struct setting *setting)
{
	uint64_t start, end;
	uint32_t i;

	/* from the end: each insertion is at the head of the list */
	for (i = setting->ranges; i--;) {
		start = range_start(setting, i);
		end = start + range_pages(setting);
		if (!list_insert(setting->list, start, end))
			die("list_insert");
		if (sevlm__pages_set(setting->pages, start << PAGE_SHIFT,
				     end - start, true))
			die("set");
	}
}

static struct setting prepare(uint32_t ranges, void *hva)
{
	struct setting ret = {.ranges = ranges, .calls = MOST_CALLS};

	ret.list_calls = (uint32_t)(WALK_BUDGET / ranges);
	if (ret.list_calls > MOST_CALLS)
		ret.list_calls = MOST_CALLS;
	ret.list = list_new();
	if (!ret.list || sevlm__pages_new(&ret.pages))
		die("allocation");
	if (sevlm__pages_add_region(ret.pages, 0, GUEST, hva,
				    SEVLM_REGION_TRACKED))
		die("add_region");
	fill(&ret);
	return ret;
}

static void finish(struct setting *setting)
{
	sevlm__pages_free(setting->pages);
	list_free(setting->list);
}

/* ---- the three pairs ---- */

static struct sample lookup(struct setting *setting, uint32_t seed)
{
	uint32_t random = seed, i;
	struct sample ret;
	double start;

	start = timer_cpu();
	for (i = 0; i < setting->list_calls; i++)
		setting->sink +=
			list_lookup(setting->list, next(&random) % PAGES);
	ret.list = (timer_cpu() - start) / setting->list_calls;
	random = seed;
	start = timer_cpu();
	for (i = 0; i < setting->calls; i++)
		setting->sink += sevlm__pages_shared(
			setting->pages, (uint64_t)(next(&random) % PAGES)
						<< PAGE_SHIFT);
	ret.pages = (timer_cpu() - start) / setting->calls;
	return ret;
}

/* the state of every page in order: the list is asked for evenly spread ones
 * of them, the pages for span after span, as the engine does */
static struct sample scan(struct setting *setting, uint32_t seed)
{
	uint64_t stride = PAGES / setting->list_calls, page, cursor = 0;
	uint32_t first = seed % (stride ? (uint32_t)stride : 1), i = 0;
	static struct sevlm__span span;
	struct sample ret;
	double start;

	start = timer_cpu();
	for (page = first; page < PAGES; page += stride, i++)
		setting->sink += list_lookup(setting->list, page);
	ret.list = (timer_cpu() - start) / i;
	start = timer_cpu();
	while (sevlm__pages_span(setting->pages, &cursor, &span))
		setting->sink += span.pages;
	ret.pages = (timer_cpu() - start) / PAGES;
	return ret;
}

/* a page in the private half behind a range */
static uint64_t private_page(const struct setting *setting, uint32_t *random)
{
	uint64_t half = range_pages(setting);

	return range_start(setting, next(random) % setting->ranges) + half +
	       half / 2;
}

/* what choosing the pages costs: no part of an update */
static double choosing(struct setting *setting, uint32_t calls, uint32_t seed)
{
	double start = timer_cpu();
	uint32_t i;

	for (i = 0; i < calls; i++)
		setting->sink += private_page(setting, &seed);
	return timer_cpu() - start;
}

/* a page is shared, then private again */
static struct sample update(struct setting *setting, uint32_t seed)
{
	uint32_t calls = setting->list_calls / 2, random = seed, i;
	double start, without;
	struct sample ret;
	uint64_t page;

	without = choosing(setting, calls, seed);
	start = timer_cpu();
	for (i = 0; i < calls; i++) {
		page = private_page(setting, &random);
		list_insert(setting->list, page, page + 1);
		list_remove(setting->list, page, page + 1);
	}
	ret.list = (timer_cpu() - start - without) / (2.0 * calls);
	random = seed;
	without = choosing(setting, setting->calls, seed);
	start = timer_cpu();
	for (i = 0; i < setting->calls; i++) {
		page = private_page(setting, &random);
		sevlm__pages_set(setting->pages, page << PAGE_SHIFT, 1, true);
		sevlm__pages_set(setting->pages, page << PAGE_SHIFT, 1, false);
	}
	ret.pages = (timer_cpu() - start - without) / (2.0 * setting->calls);
	return ret;
}

/* ---- what only the pages can do ---- */

/* run after run, as a VMM with its own loop asks: a call each */
static double runs(struct setting *setting, uint32_t seed)
{
	double start = timer_cpu();
	uint64_t gpa, bytes;
	uint32_t state;

	(void)seed;
	for (gpa = 0; gpa < GUEST; gpa += bytes) {
		sevlm__pages_state(setting->pages, gpa, &state, &bytes);
		setting->sink += state;
	}
	return (timer_cpu() - start) / PAGES;
}

/* a round in which nothing was written: begin, take, skip */
static double idle_round(struct setting *setting, uint32_t seed)
{
	uint64_t cursor = 0, new, gpa, count;
	struct sevlm__page page;
	double start;

	(void)seed;
	start = timer_cpu();
	setting->sink += sevlm__pages_round(setting->pages, &new);
	setting->sink +=
		sevlm__pages_take_skip(setting->pages, &cursor, &gpa, &count);
	cursor = 0;
	setting->sink += sevlm__pages_take(setting->pages, &cursor, &page, 1);
	return (timer_cpu() - start) / PAGES;
}

/* all of a guest: begin and take */
static double full_round(struct setting *setting, uint32_t seed)
{
	struct sevlm__page pages[64];
	uint64_t cursor = 0, new;
	uint32_t count;
	double start;

	(void)seed;
	sevlm__pages_track(setting->pages, true);
	start = timer_cpu();
	sevlm__pages_round(setting->pages, &new);
	do {
		count = sevlm__pages_take(setting->pages, &cursor, pages, 64);
		setting->sink += count;
	} while (count);
	return (timer_cpu() - start) / PAGES;
}

/* a slot's dirty log in which every 64th word has a page */
static double dirty_log(struct setting *setting, uint32_t seed)
{
	static uint64_t bitmap[PAGES / 64];
	double start;
	uint32_t i;

	for (i = seed % 64; i < PAGES / 64; i += 64)
		bitmap[i] = 1ull << (seed % 64);
	start = timer_cpu();
	sevlm__pages_dirty_bitmap(setting->pages, 0, bitmap, PAGES);
	start = (timer_cpu() - start) / PAGES;
	memset(bitmap, 0, sizeof(bitmap));
	return start;
}

/* one announcement about a page that stays what it is, near the last one */
static double update_near(struct setting *setting, uint32_t seed)
{
	double start = timer_cpu();
	uint32_t i;

	for (i = 0; i < setting->calls; i++)
		sevlm__pages_set(setting->pages,
				 (uint64_t)(seed + i / 2 % 512) << PAGE_SHIFT,
				 1, i % 2);
	return (timer_cpu() - start) / setting->calls;
}

/* 16 GiB in one announcement, there and back */
static double update_all(struct setting *setting, uint32_t seed)
{
	double start = timer_cpu();

	(void)seed;
	sevlm__pages_set(setting->pages, 0, PAGES, true);
	sevlm__pages_set(setting->pages, 0, PAGES, false);
	return (timer_cpu() - start) / (2.0 * PAGES);
}

/* ---- lines ---- */

struct pair {
	const char *name;
	const char *unit;
	struct sample (*run)(struct setting *setting, uint32_t seed);
};

static const struct pair pairs[] = {
	{"lookup", "ns per lookup", lookup},
	{"scan", "ns per page", scan},
	{"update", "ns per update", update},
};

static void pair_line(struct setting *setting, const struct pair *pair)
{
	double list[ROUNDS], pages[ROUNDS];
	uint32_t i;

	for (i = 0; i < ROUNDS; i++) {
		struct sample sample = pair->run(setting, i * 7919 + 1);

		list[i] = sample.list;
		pages[i] = sample.pages;
	}
	printf("pages-%s-%" PRIu32 " ratio %.2f (linear list against pages)\n",
	       pair->name, setting->ranges,
	       timer_median(list, ROUNDS) / timer_median(pages, ROUNDS));
	printf("pages-%s-%" PRIu32 " %.4f %s (list %.1f)\n", pair->name,
	       setting->ranges, timer_median(pages, ROUNDS), pair->unit,
	       timer_median(list, ROUNDS));
	if (setting->list_calls < setting->calls)
		printf("# list: %" PRIu32 " calls a round at most, scaled\n",
		       setting->list_calls);
}

struct absolute {
	const char *name;
	const char *unit;
	double (*run)(struct setting *setting, uint32_t seed);
};

static const struct absolute absolutes[] = {
	{"pages-runs", "ns per page", runs},
	{"pages-update-near", "ns per update", update_near},
	{"pages-full-round", "ns per page", full_round},
	{"pages-idle-round", "ns per page", idle_round},
	{"pages-dirty-log", "ns per page", dirty_log},
	{"pages-update-all", "ns per page", update_all},
};

static void absolute_line(struct setting *setting,
			  const struct absolute *absolute)
{
	double values[ROUNDS];
	uint32_t i;

	for (i = 0; i < ROUNDS; i++)
		values[i] = absolute->run(setting, i * 7919 + 1);
	printf("%s-%" PRIu32 " %.4f %s\n", absolute->name, setting->ranges,
	       timer_median(values, ROUNDS), absolute->unit);
}

static void bench(uint32_t ranges, void *hva)
{
	struct setting setting = prepare(ranges, hva);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pairs); i++)
		pair_line(&setting, &pairs[i]);
	for (i = 0; i < ARRAY_SIZE(absolutes); i++)
		absolute_line(&setting, &absolutes[i]);
	if (!setting.sink)
		die("everything");
	finish(&setting);
}

int main(void)
{
	void *hva = mmap(NULL, GUEST, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t i;

	if (hva == MAP_FAILED)
		die("mmap");
	printf("# 16 GiB of guest, medians of %d rounds, CPU time\n", ROUNDS);
	for (i = 0; i < ARRAY_SIZE(counts); i++)
		bench(counts[i], hva);
	munmap(hva, GUEST);
	return 0;
}
