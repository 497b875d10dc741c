/* SPDX-License-Identifier: MIT-0 */
/* Every word of a page follows from the page's number and from how often it
 * was written. A page that is old, or another, or from the wrong side of the
 * private bit, is damaged. */
#include "work.h"

static uint32_t version[MAX_PAGES];
static uint64_t steps;

uint64_t arena_first(void)
{
	return GUEST_ARENA / PAGE;
}

uint64_t arena_pages(void)
{
	return boot()->ram / PAGE - arena_first();
}

uint64_t arena_steps(void)
{
	return steps;
}

static uint64_t mix(uint64_t value)
{
	value ^= value >> 31;
	value *= 0x9e3779b97f4a7c15u;
	return value ^ value >> 29;
}

static uint64_t first_word(uint64_t page)
{
	return mix(mix(boot()->seed + page) + version[page]);
}

static volatile uint64_t *contents(uint64_t page)
{
	return (volatile uint64_t *)(uintptr_t)(page * PAGE);
}

static void fill(uint64_t page)
{
	uint64_t word = first_word(page);

	for (uint64_t i = 0; i < WORDS; i++)
		contents(page)[i] = word + i;
}

static bool is_whole(uint64_t page)
{
	uint64_t word = first_word(page);

	for (uint64_t i = 0; i < WORDS; i++)
		if (contents(page)[i] != word + i)
			return false;
	return true;
}

void arena_write(uint64_t page)
{
	version[page]++;
	steps++;
	fill(page);
}

void arena_open(void)
{
	for (uint64_t i = 0; i < arena_pages(); i++)
		fill(arena_first() + i);
}

uint64_t arena_check(struct guest_report *report)
{
	uint64_t damaged = 0, written = 0, page;

	report->checksum = 0;
	for (uint64_t i = 0; i < arena_pages(); i++) {
		page = arena_first() + i;
		written += version[page];
		report->checksum = mix(report->checksum + first_word(page));
		if (is_whole(page))
			continue;
		if (!damaged++)
			report->first = page;
	}
	report->lost_steps = written != steps;
	return damaged;
}
