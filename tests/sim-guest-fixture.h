/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Two VMs of one software host, and a vCPU driven as a VMM would.
 */
#ifndef SEVLM_SIM_GUEST_FIXTURE_H
#define SEVLM_SIM_GUEST_FIXTURE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libsevlm/sim.h>

#include "check-main.h"

#define PAGE 4096u
#define PAGES 512u
#define BYTES (PAGES * PAGE)
#define WORDS (PAGES / 64)
#define HEADER 56u
#define STATE (HEADER + WORDS * 8 + 32)
#define HC_MAP_GPA_RANGE 12u
#define MSR_MIGRATION_CONTROL 0x4b564d08u

static struct sevlm_sim_host *host;
static struct sevlm_sim_vm *vm;
static struct sevlm_sim_vm *target;
static uint8_t *ram;
static uint8_t *target_ram;
static uint8_t *view;

static inline uint8_t *new_ram(void)
{
	uint8_t *ret = aligned_alloc(PAGE, BYTES);

	ck_assert_ptr_nonnull(ret);
	memset(ret, 0, BYTES);
	return ret;
}

static inline struct sevlm_sim_vm *new_vm(uint32_t workload, uint32_t offered,
					  uint64_t seed, uint64_t bytes)
{
	struct sevlm_sim_vm_config config = {
		.size = sizeof(config),
		.seed = seed,
		.memory = bytes,
		.workload = workload,
		.offered = offered,
	};
	struct sevlm_sim_vm *ret = NULL;

	ck_assert_int_eq(sevlm_sim_vm_new(host, &config, &ret), 0);
	return ret;
}

static inline void start(uint32_t workload, uint32_t offered)
{
	vm = new_vm(workload, offered, 7, BYTES);
	ck_assert_int_eq(sevlm_sim_vm_launch(vm, ram, NULL, 0, 0), 0);
}

static inline void setup(void)
{
	struct sevlm_sim_host_config config = {
		.size = sizeof(config),
		.seed = 1,
	};

	ck_assert_int_eq(sevlm_sim_host_new(&config, &host), 0);
	ram = new_ram();
	target_ram = new_ram();
	view = new_ram();
	vm = NULL;
	target = NULL;
}

static inline void teardown(void)
{
	sevlm_sim_vm_free(vm);
	sevlm_sim_vm_free(target);
	sevlm_sim_host_free(host);
	free(ram);
	free(target_ram);
	free(view);
}

static inline uint32_t run(struct sevlm_sim_vm *which, uint64_t steps,
			   struct sevlm_sim_exit *exit)
{
	memset(exit, 0xee, sizeof(*exit));
	exit->size = sizeof(*exit);
	ck_assert_int_eq(sevlm_sim_vm_run(which, steps, exit), 0);
	ck_assert_uint_eq(exit->size, sizeof(*exit));
	return exit->reason;
}

/* The device's counter is read in every fourth step. */
static inline uint64_t answer_to(struct sevlm_sim_vm *which,
				 const struct sevlm_sim_exit *exit)
{
	if (exit->reason != SEVLM_SIM_EXIT_IN)
		return 0;
	ck_assert_uint_eq(exit->index, SEVLM_SIM_COUNTER_PORT);
	return (sevlm_sim_vm_steps(which) + 1) / 4;
}

/* Runs until so many steps are done; returns how often it exited. */
static inline unsigned int drive(struct sevlm_sim_vm *which, uint64_t steps)
{
	struct sevlm_sim_exit exit;
	unsigned int exits = 0;
	uint64_t now;

	while ((now = sevlm_sim_vm_steps(which)) < steps) {
		if (run(which, steps - now, &exit) == SEVLM_SIM_EXIT_INTR)
			continue;
		exits++;
		ck_assert_int_eq(sevlm_sim_vm_answer(which,
						     answer_to(which, &exit)),
				 0);
	}
	ck_assert_uint_eq(now, steps);
	return exits;
}

static inline void good(struct sevlm_sim_vm *which)
{
	int error = sevlm_sim_vm_check(which, NULL, 0);

	ck_assert_msg(!error, "%d: %s", error, sevlm_sim_vm_error(which));
}

static inline void bad(struct sevlm_sim_vm *which, uint64_t page)
{
	char name[32];

	snprintf(name, sizeof(name), "gpa 0x%llx",
		 (unsigned long long)(page * PAGE));
	ck_assert_int_eq(sevlm_sim_vm_check(which, NULL, 0), -EBADMSG);
	ck_assert_msg(!strncmp(sevlm_sim_vm_error(which), name, strlen(name)),
		      "%s: %s", name, sevlm_sim_vm_error(which));
}

static inline void read_page(struct sevlm_sim_vm *which, uint64_t page,
			     void *buf)
{
	ck_assert_int_eq(sevlm_sim_vm_read(which, page * PAGE, buf, PAGE), 0);
}

static inline void write_page(struct sevlm_sim_vm *which, uint64_t page,
			      const void *buf)
{
	ck_assert_int_eq(sevlm_sim_vm_write(which, page * PAGE, buf, PAGE), 0);
}

/* Into a running state that has a conversion half done. */
static inline void stop_in_conversion(struct sevlm_sim_exit *ret)
{
	while (run(vm, 1, ret) != SEVLM_SIM_EXIT_HYPERCALL ||
	       sevlm_sim_vm_steps(vm) < 200) {
		if (ret->reason != SEVLM_SIM_EXIT_INTR)
			ck_assert_int_eq(sevlm_sim_vm_answer(vm, 0), 0);
	}
}

static inline void expect_call(uint64_t gpa, uint64_t pages,
			       uint64_t attributes)
{
	struct sevlm_sim_exit exit;

	ck_assert_uint_eq(run(vm, 5, &exit), SEVLM_SIM_EXIT_HYPERCALL);
	ck_assert_uint_eq(exit.nr, HC_MAP_GPA_RANGE);
	ck_assert_uint_eq(exit.args[0], gpa);
	ck_assert_uint_eq(exit.args[1], pages);
	ck_assert_uint_eq(exit.args[2], attributes);
	ck_assert_uint_eq(sevlm_sim_vm_steps(vm), 0);
	ck_assert_int_eq(sevlm_sim_vm_answer(vm, 0), 0);
}

#endif /* SEVLM_SIM_GUEST_FIXTURE_H */
