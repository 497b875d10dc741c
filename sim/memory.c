// SPDX-License-Identifier: MIT OR Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller.h"
#include "internal.h"
#include "slots.h"

#define BLOCK 16u

struct sim_memory {
	pthread_mutex_t lock;
	struct sim_slots slots;
	struct sim_controller controller;
};

int sim_memory_new(struct sim_memory **ret)
{
	struct sim_memory *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return -ENOMEM;
	if (pthread_mutex_init(&memory->lock, NULL)) {
		free(memory);
		return -ENOMEM;
	}
	sim_controller_init(&memory->controller);
	*ret = memory;
	return 0;
}

void sim_memory_free(struct sim_memory *memory)
{
	if (!memory)
		return;
	sim_slots_clear(&memory->slots);
	sim_controller_clear(&memory->controller);
	pthread_mutex_destroy(&memory->lock);
	free(memory);
}

int sim_memory_set_slot(struct sim_memory *memory,
			const struct kvm_userspace_memory_region *region)
{
	int error;

	pthread_mutex_lock(&memory->lock);
	error = sim_slots_set(&memory->slots, region);
	pthread_mutex_unlock(&memory->lock);
	return error;
}

int sim_memory_get_log(struct sim_memory *memory, struct kvm_dirty_log *log)
{
	int error;

	pthread_mutex_lock(&memory->lock);
	error = sim_slots_get_log(&memory->slots, log);
	pthread_mutex_unlock(&memory->lock);
	return error;
}

int sim_memory_clear_log(struct sim_memory *memory,
			 const struct kvm_clear_dirty_log *log)
{
	int error;

	pthread_mutex_lock(&memory->lock);
	error = sim_slots_clear_log(&memory->slots, log);
	pthread_mutex_unlock(&memory->lock);
	return error;
}

void sim_memory_manual_protect(struct sim_memory *memory, bool on)
{
	pthread_mutex_lock(&memory->lock);
	memory->slots.manual = on;
	pthread_mutex_unlock(&memory->lock);
}

int sim_memory_pin(struct sim_memory *memory,
		   const struct kvm_enc_region *region)
{
	int error;

	pthread_mutex_lock(&memory->lock);
	error = sim_controller_pin(&memory->controller, region);
	pthread_mutex_unlock(&memory->lock);
	return error;
}

int sim_memory_unpin(struct sim_memory *memory,
		     const struct kvm_enc_region *region)
{
	int error;

	pthread_mutex_lock(&memory->lock);
	error = sim_controller_unpin(&memory->controller, region);
	pthread_mutex_unlock(&memory->lock);
	return error;
}

int sim_memory_set_key(struct sim_memory *memory, const uint8_t *key)
{
	int error;

	pthread_mutex_lock(&memory->lock);
	error = sim_controller_set_key(&memory->controller, key);
	pthread_mutex_unlock(&memory->lock);
	return error;
}

static bool in_page(uint64_t address, size_t bytes)
{
	return bytes <= SIM_PAGE - address % SIM_PAGE;
}

static bool in_blocks(const void *hva, size_t bytes)
{
	uint64_t address = (uint64_t)(uintptr_t)hva;

	return in_page(address, bytes) && address % BLOCK == 0 &&
	       bytes % BLOCK == 0;
}

int sim_memory_decrypt(struct sim_memory *memory, const void *hva,
		       size_t bytes, void *plain)
{
	int error;

	if (!in_blocks(hva, bytes))
		return -EFAULT;
	pthread_mutex_lock(&memory->lock);
	error = sim_controller_read(&memory->controller, hva, bytes, plain);
	pthread_mutex_unlock(&memory->lock);
	return error;
}

int sim_memory_encrypt(struct sim_memory *memory, void *hva, size_t bytes,
		       const void *plain)
{
	int error;

	if (!in_blocks(hva, bytes))
		return -EFAULT;
	pthread_mutex_lock(&memory->lock);
	error = sim_controller_write(&memory->controller, hva, bytes, plain);
	pthread_mutex_unlock(&memory->lock);
	return error;
}

bool sim_memory_pinned(struct sim_memory *memory, uint64_t addr,
		       uint64_t bytes)
{
	bool pinned = true;

	pthread_mutex_lock(&memory->lock);
	for (uint64_t page = addr / SIM_PAGE;
	     pinned && page <= (addr + bytes - 1) / SIM_PAGE; page++)
		pinned = sim_controller_holds(&memory->controller, page);
	pthread_mutex_unlock(&memory->lock);
	return pinned;
}

static int load(struct sim_memory *memory, uint64_t gpa, bool c_bit, void *buf,
		size_t bytes)
{
	struct sim_slot *slot = sim_slots_find(&memory->slots, gpa);

	if (!slot)
		return -EFAULT;
	if (c_bit)
		return sim_controller_read(&memory->controller,
					   sim_slot_hva(slot, gpa), bytes,
					   buf);
	memcpy(buf, sim_slot_hva(slot, gpa), bytes);
	return 0;
}

int sim_memory_load(struct sim_memory *memory, uint64_t gpa, bool c_bit,
		    void *buf, size_t bytes)
{
	int error;

	if (!in_page(gpa, bytes))
		return -EFAULT;
	pthread_mutex_lock(&memory->lock);
	error = load(memory, gpa, c_bit, buf, bytes);
	pthread_mutex_unlock(&memory->lock);
	return error;
}

static int store(struct sim_memory *memory, uint64_t gpa, bool c_bit,
		 const void *buf, size_t bytes)
{
	struct sim_slot *slot = sim_slots_find(&memory->slots, gpa);
	int error = 0;

	if (!slot || slot->flags & KVM_MEM_READONLY)
		return -EFAULT;
	if (c_bit)
		error = sim_controller_write(&memory->controller,
					     sim_slot_hva(slot, gpa), bytes,
					     buf);
	else
		memcpy(sim_slot_hva(slot, gpa), buf, bytes);
	if (!error)
		sim_slot_mark(slot, gpa);
	return error;
}

int sim_memory_store(struct sim_memory *memory, uint64_t gpa, bool c_bit,
		     const void *buf, size_t bytes)
{
	int error;

	if (!in_page(gpa, bytes))
		return -EFAULT;
	pthread_mutex_lock(&memory->lock);
	error = store(memory, gpa, c_bit, buf, bytes);
	pthread_mutex_unlock(&memory->lock);
	return error;
}
