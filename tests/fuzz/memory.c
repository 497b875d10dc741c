/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <sys/mman.h>

#include "memory.h"

#define PAGE ((size_t)SEVLM_PAGE_SIZE)
#define BLOCK 4u /* pages */

struct memory_region memory[MEMORY_REGIONS] = {
	{0, 6, SEVLM_REGION_TRACKED, NULL},
	{8 * PAGE, 2, SEVLM_REGION_PRIVATE, NULL},
	{16 * PAGE, 2, SEVLM_REGION_SHARED, NULL},
	{20 * PAGE, 1, SEVLM_REGION_SKIP, NULL},
	/* across the border of two chunks of the page states */
	{32767 * PAGE, 2, SEVLM_REGION_TRACKED, NULL},
	{64 * PAGE, 2, SEVLM_REGION_TRACKED, NULL},
	{70 * PAGE, 1, SEVLM_REGION_SHARED, NULL},
};

static bool reachable(const struct memory_region *region)
{
	return region->type == SEVLM_REGION_TRACKED ||
	       region->type == SEVLM_REGION_SHARED;
}

static void place(void)
{
	size_t pages = 1 + BLOCK;
	uint8_t *at;

	for (uint32_t i = 0; i < MEMORY_REGIONS; i++)
		pages += memory[i].pages + 1;
	at = mmap(NULL, pages * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		  -1, 0);
	MUST(at != MAP_FAILED);
	/* the first region has a block */
	at += BLOCK * PAGE - (uintptr_t)(at + PAGE) % (BLOCK * PAGE);
	for (uint32_t i = 0; i < MEMORY_REGIONS; i++) {
		memory[i].hva = at + PAGE;
		at += (memory[i].pages + 1) * PAGE;
	}
}

static void allow(const struct memory_region *region, int how)
{
	MUST(!mprotect(region->hva, region->pages * PAGE, how));
}

/* every other page is zero */
static void renew(const struct memory_region *region, bool read_only)
{
	allow(region, PROT_READ | PROT_WRITE);
	for (uint32_t i = 0; i < region->pages; i++)
		memset(region->hva + i * PAGE, i % 2 ? 0x5a : 0, PAGE);
	if (read_only)
		allow(region, PROT_READ);
}

/* Nobody writes to a source's memory, so that it need not be filled anew. */
void memory_reset(bool source)
{
	static bool read_only;

	if (!memory[0].hva)
		place();
	if (read_only && source)
		return;
	for (uint32_t i = 0; i < MEMORY_REGIONS; i++) {
		if (reachable(&memory[i]))
			renew(&memory[i], source);
	}
	read_only = source;
}

void memory_register(struct sevlm_vm *vm)
{
	for (uint32_t i = 0; i < MEMORY_LATER; i++)
		MUST(!sevlm_vm_add_region(vm, memory[i].gpa,
					  memory[i].pages * PAGE, memory[i].hva,
					  memory[i].type |
						  (i ? 0 :
						       SEVLM_REGION_CONTIGUOUS)));
}

static bool one_page(uint64_t hva)
{
	for (uint32_t i = 0; i < MEMORY_REGIONS; i++) {
		const struct memory_region *region = &memory[i];
		uint64_t offset = hva - (uintptr_t)region->hva;

		if (offset < region->pages * PAGE)
			return !(offset % PAGE) &&
			       (region->type == SEVLM_REGION_TRACKED ||
				region->type == SEVLM_REGION_PRIVATE);
	}
	return false;
}

/* the one block there is, or a page */
bool memory_of_firmware(uint64_t hva, uint32_t bytes)
{
	if (bytes == BLOCK * PAGE)
		return hva == (uintptr_t)memory[0].hva;
	return bytes == PAGE && one_page(hva);
}

/* a region's pages, then one behind it */
uint64_t memory_gpa(uint8_t index)
{
	uint32_t left = index;

	for (uint32_t i = 0; i < MEMORY_REGIONS; i++) {
		if (left <= memory[i].pages)
			return memory[i].gpa + left * PAGE;
		left -= memory[i].pages + 1;
	}
	/* and some that are far from everything */
	return (uint64_t)left << (12 + left % 40);
}

uint8_t memory_index(uint32_t region, uint32_t page)
{
	for (uint32_t i = 0; i < region; i++)
		page += memory[i].pages + 1;
	return (uint8_t)page;
}
