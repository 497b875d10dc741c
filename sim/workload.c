// SPDX-License-Identifier: MIT OR Apache-2.0
#include <string.h>

#include "internal.h"
#include "workload.h"

#define GOLDEN 0x9e3779b97f4a7c15ull
#define HOT_LEAST 256u
#define FLIP_EVERY 8u
#define COUNT_EVERY 4u
#define ENTRIES (SIM_PAGE / sizeof(uint64_t))
#define TABLES_LEAST 8u /* pages that a guest with tables has */
#define ENTRY_PRESENT 1u
#define ENTRY_PRIVATE (1ull << 51)
#define LEGACY_HOLE (0xc0000u / SIM_PAGE)
#define LEGACY_PAGES 64u
#define BOOT_PAGES 4u

enum salt {
	SALT_STEP = 1,
	SALT_FLIP,
	SALT_OFFSET,
	SALT_SLOT,
	SALT_FIRST,
	SALT_AGAIN,
};

static uint64_t mix(uint64_t value)
{
	value ^= value >> 31;
	value *= 0x7fb5d329728ea185ull;
	value ^= value >> 27;
	value *= 0x81dadef4bc2dd44dull;
	return value ^ value >> 33;
}

static uint64_t draw(const struct sim_workload *workload, enum salt salt,
		     uint64_t number)
{
	return mix(mix(workload->seed + salt * GOLDEN) + number * GOLDEN);
}

static uint64_t below(uint64_t random, uint64_t limit)
{
	return (random >> 32) * limit >> 32;
}

uint64_t sim_workload_tables(const struct sim_workload *workload)
{
	if (workload->kind != SEVLM_SIM_FLIP || workload->pages < TABLES_LEAST)
		return 0;
	return (workload->pages + ENTRIES - 1) / ENTRIES;
}

uint64_t sim_workload_entry(uint64_t page, bool shared)
{
	return page * SIM_PAGE | ENTRY_PRESENT | (shared ? 0 : ENTRY_PRIVATE);
}

bool sim_workload_entry_shared(uint64_t entry)
{
	return !(entry & ENTRY_PRIVATE);
}

uint64_t sim_workload_counted(uint64_t value)
{
	return value * COUNT_EVERY;
}

uint32_t sim_workload_phases(const struct sim_workload *workload)
{
	if (!workload->offered)
		return 0;
	return workload->pages <= LEGACY_HOLE ? 5 : 3;
}

static void set(struct sim_action *ret, enum sim_action_kind kind, bool shared,
		uint64_t page, uint64_t count)
{
	ret->kind = kind;
	ret->shared = shared;
	ret->page = page;
	ret->count = count;
}

static void boot_pages(const struct sim_workload *workload,
		       struct sim_action *ret)
{
	uint64_t page = workload->pages / 8;
	uint64_t count = workload->pages - page;

	if (count > BOOT_PAGES)
		count = BOOT_PAGES;
	set(ret, SIM_DO_CONVERT, true, page, count);
}

void sim_workload_boot(const struct sim_workload *workload, uint32_t phase,
		       struct sim_action *ret)
{
	ret->step = SIM_BOOT_STEP;
	if (phase == 0)
		set(ret, SIM_DO_ANNOUNCE, false, 0, workload->pages);
	else if (phase == 1)
		boot_pages(workload, ret);
	else if (phase == sim_workload_phases(workload) - 1)
		set(ret, SIM_DO_READY, false, 0, 0);
	else
		set(ret, SIM_DO_ANNOUNCE, phase == 2, LEGACY_HOLE,
		    LEGACY_PAGES);
}

static uint64_t hot_page(const struct sim_workload *workload, uint64_t random)
{
	uint64_t count = workload->pages / 64;

	if (count < HOT_LEAST)
		count = HOT_LEAST;
	if (count > workload->pages)
		count = workload->pages;
	return below(random, count) * workload->pages / count;
}

/* one page, a short run, now and then a long one over what is partly in the
 * new state already */
static uint64_t run_length(uint64_t random)
{
	uint64_t length = (random >> 8) % 64;

	switch (random % 8) {
	case 0:
		return 17 + length;
	case 1:
	case 2:
	case 3:
		return 2 + length % 15;
	default:
		return 1;
	}
}

static void flip(const struct sim_workload *workload, uint64_t step,
		 struct sim_action *ret)
{
	uint64_t random = draw(workload, SALT_FLIP, step);
	uint64_t window = workload->pages / 4 + !(workload->pages / 4);
	uint64_t page = below(random, window);
	uint64_t count = run_length(random);

	if (count > window - page)
		count = window - page;
	set(ret, SIM_DO_CONVERT, random >> 20 & 1,
	    workload->pages / 2 + page, count);
}

void sim_workload_step(const struct sim_workload *workload, uint64_t step,
		       struct sim_action *ret)
{
	uint64_t random, pages;

	ret->step = step;
	set(ret, SIM_DO_WRITE, false, 0, 1);
	switch (workload->kind) {
	case SEVLM_SIM_IDLE:
		ret->kind = SIM_DO_NOTHING;
		return;
	case SEVLM_SIM_SEQUENTIAL:
		ret->page = (step - 1) % workload->pages;
		return;
	case SEVLM_SIM_FLIP:
		if (workload->offered && step % FLIP_EVERY == 0) {
			flip(workload, step, ret);
			return;
		}
		break;
	case SEVLM_SIM_COUNTER:
		if (step % COUNT_EVERY == 0)
			ret->kind = SIM_DO_IN;
		break;
	}
	pages = workload->pages - sim_workload_tables(workload);
	random = draw(workload, SALT_STEP, step);
	if (workload->kind == SEVLM_SIM_HOT)
		ret->page = hot_page(workload, random);
	else
		ret->page = below(random, pages);
}

size_t sim_workload_offset(const struct sim_workload *workload, uint64_t page)
{
	uint64_t slots = SIM_PAGE / SIM_SLOT_SIZE;

	return draw(workload, SALT_OFFSET, page) % slots * SIM_SLOT_SIZE;
}

void sim_workload_slot(const struct sim_workload *workload, uint64_t page,
		       uint64_t step, uint8_t *slot)
{
	uint64_t words[2] = {step, 0};

	words[1] = mix(draw(workload, SALT_SLOT, page) + step * GOLDEN);
	memcpy(slot, words, sizeof(words));
}

static void fill(uint64_t random, uint8_t *contents)
{
	uint64_t word;

	for (size_t i = 0; i < SIM_PAGE; i += sizeof(word)) {
		random += GOLDEN;
		word = random ^ random >> 32;
		word *= 0xd6e8feb86659fd93ull;
		word ^= word >> 32;
		memcpy(contents + i, &word, sizeof(word));
	}
}

static void first_table(const struct sim_workload *workload, uint64_t table,
			uint8_t *contents)
{
	uint64_t entry, page = table * ENTRIES;

	memset(contents, 0, SIM_PAGE);
	for (size_t i = 0; i < ENTRIES && page < workload->pages; i++) {
		entry = sim_workload_entry(page++, false);
		memcpy(contents + i * sizeof(entry), &entry, sizeof(entry));
	}
}

void sim_workload_first(const struct sim_workload *workload, uint64_t page,
			uint8_t *contents)
{
	uint64_t tables = sim_workload_tables(workload);
	uint64_t start = workload->pages - tables;

	if (page >= start)
		first_table(workload, page - start, contents);
	else if (page % 8 == 7)
		memset(contents, 0, SIM_PAGE);
	else
		fill(draw(workload, SALT_FIRST, page), contents);
}

void sim_workload_again(const struct sim_workload *workload, uint64_t page,
			uint64_t step, bool shared, uint8_t *contents)
{
	uint64_t random = draw(workload, SALT_AGAIN, page);

	random = mix(random + step * GOLDEN);
	if (shared && random % 4 == 0)
		memset(contents, 0, SIM_PAGE);
	else
		fill(random, contents);
}
