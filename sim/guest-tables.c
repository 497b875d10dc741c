// SPDX-License-Identifier: MIT OR Apache-2.0
/* The private bits: of the vCPU, or from page tables in the guest's RAM. */
#include <errno.h>

#include "guest.h"

static bool cached(struct sim_guest *guest, uint64_t page)
{
	return atomic_load(&guest->shared[page / 64]) >> (page % 64) & 1;
}

static void cache(struct sim_guest *guest, uint64_t page, bool shared)
{
	uint64_t bit = 1ull << (page % 64);

	if (shared)
		atomic_fetch_or(&guest->shared[page / 64], bit);
	else
		atomic_fetch_and(&guest->shared[page / 64], ~bit);
}

static uint64_t first_table(const struct sim_guest *guest)
{
	return guest->workload.pages - sim_workload_tables(&guest->workload);
}

static uint64_t entry_gpa(const struct sim_guest *guest, uint64_t page)
{
	return first_table(guest) * SIM_PAGE + page * sizeof(uint64_t);
}

/* where there is no memory there is nothing shared either */
static bool looked_up(struct sim_guest *guest, uint64_t page)
{
	uint64_t entry;

	return !sim_memory_load(guest->memory, entry_gpa(guest, page), true,
				&entry, sizeof(entry)) &&
	       sim_workload_entry_shared(entry);
}

/* The vCPU does not look at its tables again but where it changes them. */
int sim_guest_walk(struct sim_guest *guest)
{
	uint64_t entries[SIM_PAGE / sizeof(uint64_t)];
	const uint64_t count = SIM_PAGE / sizeof(uint64_t);
	uint64_t pages = guest->workload.pages;

	if (atomic_load(&guest->walked))
		return 0;
	for (uint64_t page = 0; page < pages; page++) {
		if (page % count == 0 &&
		    sim_memory_load(guest->memory, entry_gpa(guest, page), true,
				    entries, sizeof(entries)))
			return -EFAULT;
		cache(guest, page,
		      sim_workload_entry_shared(entries[page % count]));
	}
	atomic_store(&guest->walked, true);
	return 0;
}

bool sim_guest_shared(struct sim_guest *guest, uint64_t page)
{
	/* the CPU walks its tables through the key, whatever they say */
	if (page >= first_table(guest))
		return false;
	return atomic_load(&guest->walked) ? cached(guest, page)
					   : looked_up(guest, page);
}

int sim_guest_set_shared(struct sim_guest *guest, uint64_t page, bool shared)
{
	uint64_t entry = sim_workload_entry(page, shared);

	cache(guest, page, shared);
	if (!sim_workload_tables(&guest->workload))
		return 0;
	return sim_memory_store(guest->memory, entry_gpa(guest, page), true,
				&entry, sizeof(entry));
}
