/* SPDX-License-Identifier: MIT-0 */
/* Page states: changed in the page tables, announced, and remembered in
 * private memory, where the host cannot have them from. */
#include "machine.h"
#include "work.h"

#define HC_MAP_GPA_RANGE 12u
#define ENCRYPTED	 0x10u
#define KVM_FEATURES	 0x40000001u
#define BOTH_BITS	 (3u << 16)

static uint8_t bitmap[MAX_PAGES / 8];
static uint64_t announced;

bool state_offered(void)
{
	return (cpuid_eax(KVM_FEATURES) & BOTH_BITS) == BOTH_BITS;
}

bool state_shared(uint64_t page)
{
	return bitmap[page / 8] >> (page % 8) & 1;
}

uint64_t state_announced(void)
{
	return announced;
}

const uint8_t *state_bitmap(void)
{
	return bitmap;
}

static void map(uint64_t page, bool shared)
{
	uint64_t *table = (uint64_t *)(uintptr_t)GUEST_TABLES;

	if (shared)
		table[page] &= ~boot()->cbit;
	else
		table[page] |= boot()->cbit;
	invlpg(page * PAGE);
}

static void note(uint64_t page, bool shared)
{
	if (shared)
		bitmap[page / 8] |= (uint8_t)(1u << page % 8);
	else
		bitmap[page / 8] &= (uint8_t)~(1u << page % 8);
}

/* In this order, and the contents are lost: they are written anew after. */
void state_set(uint64_t page, uint64_t count, bool shared)
{
	for (uint64_t i = 0; i < count; i++)
		map(page + i, shared);
	vmmcall(HC_MAP_GPA_RANGE, page * PAGE, count, shared ? 0 : ENCRYPTED);
	for (uint64_t i = 0; i < count; i++)
		note(page + i, shared);
	announced++;
}
