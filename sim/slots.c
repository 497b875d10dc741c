// SPDX-License-Identifier: MIT OR Apache-2.0
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "slots.h"

#define FLAGS (KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY)
#define MAX_PAGES ((1ull << 31) - 1)
#define GPA_END (1ull << 52)

static uint64_t words(uint64_t pages)
{
	return (pages + 63) / 64;
}

static bool aligned(uint64_t value)
{
	return value % SIM_PAGE == 0;
}

static bool wraps(uint64_t start, uint64_t bytes)
{
	return start + bytes < start;
}

static void drop(struct sim_slot *slot)
{
	free(slot->dirty);
	memset(slot, 0, sizeof(*slot));
}

void sim_slots_clear(struct sim_slots *slots)
{
	for (uint32_t i = 0; i < SIM_SLOTS; i++)
		drop(&slots->slot[i]);
}

static int check_region(const struct kvm_userspace_memory_region *region)
{
	uint64_t gpa = region->guest_phys_addr;
	uint64_t bytes = region->memory_size;

	if (region->flags & ~FLAGS || region->slot >= SIM_SLOTS)
		return -EINVAL;
	if (!aligned(bytes) || !aligned(gpa) ||
	    !aligned(region->userspace_addr))
		return -EINVAL;
	if (wraps(gpa, bytes) || wraps(region->userspace_addr, bytes))
		return -EINVAL;
	if (bytes / SIM_PAGE > MAX_PAGES || gpa + bytes > GPA_END)
		return -EINVAL;
	return 0;
}

static bool overlaps(const struct sim_slots *slots, uint32_t self,
		     uint64_t gpa, uint64_t pages)
{
	const struct sim_slot *slot;

	for (uint32_t i = 0; i < SIM_SLOTS; i++) {
		slot = &slots->slot[i];
		if (i == self || !slot->pages)
			continue;
		if (gpa < slot->gpa + slot->pages * SIM_PAGE &&
		    slot->gpa < gpa + pages * SIM_PAGE)
			return true;
	}
	return false;
}

/* A slot that exists may move and change what it logs, nothing else. */
static bool may_become(const struct sim_slot *slot,
		       const struct kvm_userspace_memory_region *region)
{
	uint64_t hva = (uint64_t)(uintptr_t)slot->hva;

	return hva == region->userspace_addr &&
	       slot->pages == region->memory_size / SIM_PAGE &&
	       !((slot->flags ^ region->flags) & KVM_MEM_READONLY);
}

static int set_log(struct sim_slot *slot, uint64_t pages, uint32_t flags)
{
	if (!(flags & KVM_MEM_LOG_DIRTY_PAGES)) {
		free(slot->dirty);
		slot->dirty = NULL;
		return 0;
	}
	if (!slot->dirty)
		slot->dirty = calloc(words(pages), sizeof(*slot->dirty));
	return slot->dirty ? 0 : -ENOMEM;
}

int sim_slots_set(struct sim_slots *slots,
		  const struct kvm_userspace_memory_region *region)
{
	uint64_t pages = region->memory_size / SIM_PAGE;
	struct sim_slot *slot;
	int error;

	error = check_region(region);
	if (error)
		return error;
	slot = &slots->slot[region->slot];
	if (!pages) {
		error = slot->pages ? 0 : -EINVAL;
		drop(slot);
		return error;
	}
	if (slot->pages && !may_become(slot, region))
		return -EINVAL;
	if (overlaps(slots, region->slot, region->guest_phys_addr, pages))
		return -EEXIST;
	error = set_log(slot, pages, region->flags);
	if (error)
		return error;
	slot->gpa = region->guest_phys_addr;
	slot->pages = pages;
	slot->hva = (uint8_t *)(uintptr_t)region->userspace_addr;
	slot->flags = region->flags;
	return 0;
}

static int find_log(struct sim_slots *slots, uint32_t index,
		    struct sim_slot **ret)
{
	if (index >= SIM_SLOTS)
		return -EINVAL;
	*ret = &slots->slot[index];
	return (*ret)->dirty ? 0 : -ENOENT;
}

int sim_slots_get_log(struct sim_slots *slots, struct kvm_dirty_log *log)
{
	struct sim_slot *slot;
	size_t bytes;
	int error;

	error = find_log(slots, log->slot, &slot);
	if (error)
		return error;
	if (!log->dirty_bitmap)
		return -EFAULT;
	bytes = words(slot->pages) * sizeof(*slot->dirty);
	memcpy(log->dirty_bitmap, slot->dirty, bytes);
	if (!slots->manual)
		memset(slot->dirty, 0, bytes);
	return 0;
}

static bool check_range(const struct sim_slot *slot,
			const struct kvm_clear_dirty_log *log)
{
	uint64_t left;

	if (log->first_page > slot->pages)
		return false;
	left = slot->pages - log->first_page;
	return log->num_pages == left ||
	       (log->num_pages < left && log->num_pages % 64 == 0);
}

int sim_slots_clear_log(struct sim_slots *slots,
			const struct kvm_clear_dirty_log *log)
{
	const uint8_t *bits = log->dirty_bitmap;
	struct sim_slot *slot;
	uint64_t mask;
	int error;

	if (log->first_page % 64)
		return -EINVAL;
	error = find_log(slots, log->slot, &slot);
	if (error)
		return error;
	if (!check_range(slot, log))
		return -EINVAL;
	if (!bits && log->num_pages)
		return -EFAULT;
	for (uint64_t i = 0; i < words(log->num_pages); i++) {
		memcpy(&mask, bits + i * sizeof(mask), sizeof(mask));
		slot->dirty[log->first_page / 64 + i] &= ~mask;
	}
	return 0;
}

static bool holds(const struct sim_slot *slot, uint64_t gpa)
{
	return gpa >= slot->gpa && gpa - slot->gpa < slot->pages * SIM_PAGE;
}

struct sim_slot *sim_slots_find(struct sim_slots *slots, uint64_t gpa)
{
	if (holds(&slots->slot[slots->last], gpa))
		return &slots->slot[slots->last];
	for (uint32_t i = 0; i < SIM_SLOTS; i++) {
		if (!holds(&slots->slot[i], gpa))
			continue;
		slots->last = i;
		return &slots->slot[i];
	}
	return NULL;
}

uint8_t *sim_slot_hva(const struct sim_slot *slot, uint64_t gpa)
{
	return slot->hva + (gpa - slot->gpa);
}

void sim_slot_mark(struct sim_slot *slot, uint64_t gpa)
{
	uint64_t page = (gpa - slot->gpa) / SIM_PAGE;

	if (slot->dirty)
		slot->dirty[page / 64] |= 1ull << (page % 64);
}
