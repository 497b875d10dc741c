/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Guests in huge pages, and how many commands the firmware counts for them:
 *
 *	huge		the next guest lies in huge pages
 *	count		the firmware counts anew
 *	singly=COMMAND	it counted one for each private page that moved
 *	quarter=COMMAND	... for at least 3.5 of them
 */
#include <err.h>
#include <string.h>

#include "walk.h"

#define HUGE_PAGES "/proc/sys/vm/nr_hugepages"
#define COUNTERS   "/sys/kernel/debug/soft-psp/counters"

static int tell(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	if (file && fputs(text, file) >= 0 && !fclose(file))
		return 0;
	warn("%s", path);
	return -1;
}

/* The next guest's memory: two buffers of 2 MiB, and as many for one that
 * goes before the next. */
int blocks_huge(struct walk *walk, const char *arg)
{
	(void)arg;
	walk->huge = true;
	return tell(HUGE_PAGES, "4\n");
}

int blocks_count(struct walk *walk, const char *arg)
{
	(void)walk;
	(void)arg;
	return tell(COUNTERS, "0\n");
}

/* of this name, since they were counted */
static unsigned long calls(const char *name)
{
	unsigned long ret = 0, count;
	char line[128], is[64];
	FILE *file = fopen(COUNTERS, "re");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %lu", is, &count) == 2 &&
		    !strcmp(is, name))
			ret = count;
	if (file)
		fclose(file);
	return ret;
}

/* private pages that the last move moved */
static uint64_t pages(struct walk *walk)
{
	struct sevlm_progress progress = { .size = sizeof(progress) };

	if (walk->moves.source)
		sevlm_source_progress(walk->moves.source, &progress);
	else if (walk->moves.target)
		sevlm_target_progress(walk->moves.target, &progress);
	return progress.private_pages;
}

/* at least 3.5 pages with each, or exactly one */
static int compare(struct walk *walk, const char *name, bool singly)
{
	uint64_t moved = pages(walk);
	unsigned long count = calls(name);

	printf("%s: %lu for %llu pages\n", name, count,
	       (unsigned long long)moved);
	if (!moved || !count)
		return -1;
	if (singly)
		return moved == count ? 0 : -1;
	return 2 * moved >= 7 * count ? 0 : -1;
}

int blocks_quarter(struct walk *walk, const char *name)
{
	return compare(walk, name, false);
}

int blocks_singly(struct walk *walk, const char *name)
{
	return compare(walk, name, true);
}
