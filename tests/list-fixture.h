/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A guest whose calls go to the library, to the kernel that keeps the list,
 * or to both. */
#ifndef SEVLM_LIST_FIXTURE_H
#define SEVLM_LIST_FIXTURE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kvm.h>

#include "../sim/internal.h"
#include "../sim/list.h"
#include "check-main.h"
#include "duo.h"
#include "internal.h"

#define MAP_GPA_RANGE 12
#define ENCRYPTED 0x10u
#define GUEST_PAGES 65536ull
#define GUEST (GUEST_PAGES * PAGE_SIZE)
#define LIMIT (1ull << 52)
#define ENOSYS_ANSWER (0ull - 1000)
#define RAM_HVA ((void *)0x10000000)
#define TRACK KVM_SHARED_LIST_TRACK
#define MSR KVM_SHARED_LIST_MSR

static struct duo_side side;

static inline uint32_t draw(uint32_t *random, uint32_t limit)
{
	*random = *random * 1664525u + 1013904223u;
	return (*random >> 8) % limit;
}

/* ---- the two drivers ---- */

static inline uint64_t exit_call(const uint64_t *args)
{
	uint64_t ret = 0xdead;

	ck_assert_int_eq(sevlm_vm_hypercall(side.vm, MAP_GPA_RANGE, args,
					    &ret), 0);
	return ret;
}

static inline uint64_t list_call(const uint64_t *args)
{
	uint64_t ret = 0xdead;

	ck_assert(sim_list_hypercall(side.sim->list, MAP_GPA_RANGE, args,
				     &ret));
	return ret;
}

/* both at once, as a VM with both capabilities does */
static inline uint64_t both_call(const uint64_t *args)
{
	uint64_t ret = 0xdead;

	if (sim_list_hypercall(side.sim->list, MAP_GPA_RANGE, args, &ret))
		return ret;
	ret = exit_call(args);
	sim_list_answered(side.sim->list, ret);
	return ret;
}

static inline bool exit_wrmsr(uint64_t value)
{
	return sevlm_vm_wrmsr(side.vm, SEVLM_MSR_MIGRATION_CONTROL, value);
}

static inline bool list_wrmsr(uint64_t value)
{
	bool fault;

	ck_assert(sim_list_wrmsr(side.sim->list, value, &fault));
	return fault;
}

static inline bool exit_rdmsr(uint64_t *value)
{
	return sevlm_vm_rdmsr(side.vm, SEVLM_MSR_MIGRATION_CONTROL, value);
}

static inline bool list_rdmsr(uint64_t *value)
{
	bool fault;

	ck_assert(sim_list_rdmsr(side.sim->list, value, &fault));
	return fault;
}

static const struct driver {
	uint32_t states;
	uint64_t (*call)(const uint64_t *args);
	bool (*wrmsr)(uint64_t value);	/* true: #GP */
	bool (*rdmsr)(uint64_t *value);
} drivers[] = {
	{ SEVLM_STATES_EXITS, exit_call, exit_wrmsr, exit_rdmsr },
	{ SEVLM_STATES_LIST, list_call, list_wrmsr, list_rdmsr },
	{ SEVLM_STATES_COMPARE, both_call, exit_wrmsr, exit_rdmsr },
};

#define DRIVERS 3

static const struct driver *driver;

static inline void open_silent(uint32_t states)
{
	memset(&side, 0, sizeof(side));
	side.states = states;
	duo_new_vm(&side, PAGE_SIZE, SEVLM_SIM_IDLE);
	ck_assert_int_eq(sevlm_vm_add_region(side.vm, 0, GUEST, RAM_HVA,
					     SEVLM_REGION_TRACKED), 0);
}

static inline void open_source(int index)
{
	driver = &drivers[index];
	open_silent(driver->states);
	ck_assert_int_eq(sevlm_vm_offer(side.vm, 0), 0);
}

static inline void teardown(void)
{
	duo_free_vm(&side);
}

static inline uint64_t call(uint64_t page, uint64_t count, uint64_t attributes)
{
	const uint64_t args[6] = { page * PAGE_SIZE, count, attributes };

	return driver->call(args);
}

static inline void share(uint64_t page, uint64_t count)
{
	ck_assert_uint_eq(call(page, count, 0), 0);
}

static inline void hide(uint64_t page, uint64_t count)
{
	ck_assert_uint_eq(call(page, count, ENCRYPTED), 0);
}

static inline void sync_stopped(void)
{
	int ret = sevlm_vm_sync_states(side.vm, 1);

	ck_assert_msg(!ret, "%d: %s", ret, sevlm_vm_error(side.vm));
}

static inline uint32_t control(void)
{
	uint32_t bits = ~0u;

	ck_assert_int_eq(sevlm_vm_control(side.vm, &bits), 0);
	return bits;
}

static inline bool is_shared(uint64_t page)
{
	uint64_t bytes;
	uint32_t state;

	ck_assert_int_eq(sevlm_vm_page_state(side.vm, page * PAGE_SIZE, &state,
					     &bytes), 0);
	return state == SEVLM_PAGE_SHARED;
}

static inline uint64_t shared_pages(void)
{
	uint64_t gpa = 0, bytes, ret = 0;
	uint32_t state;

	for (; gpa < GUEST; gpa += bytes) {
		ck_assert_int_eq(sevlm_vm_page_state(side.vm, gpa, &state,
						     &bytes), 0);
		ret += state == SEVLM_PAGE_SHARED ? bytes / PAGE_SIZE : 0;
	}
	return ret;
}

#endif /* SEVLM_LIST_FIXTURE_H */
