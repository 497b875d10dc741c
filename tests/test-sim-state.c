// SPDX-License-Identifier: MIT OR Apache-2.0
#include <stdbool.h>

#include <openssl/evp.h>

#include "sim-guest-fixture.h"

#define LAST (BYTES - PAGE)

/* The target may have page tables, in its last page. */
static void move_memory(void)
{
	ck_assert_int_eq(sevlm_sim_vm_read(vm, 0, view, BYTES), 0);
	ck_assert_int_eq(sevlm_sim_vm_write(target, LAST, view + LAST, PAGE),
			 0);
	ck_assert_int_eq(sevlm_sim_vm_write(target, 0, view, LAST), 0);
}

static void move(void)
{
	uint8_t state[STATE];
	size_t bytes = sizeof(state);

	ck_assert_int_eq(sevlm_sim_vm_save(vm, state, &bytes), 0);
	ck_assert_uint_eq(bytes, STATE);
	ck_assert_int_eq(sevlm_sim_vm_load(target, state, bytes), 0);
	move_memory();
}

static void same_digest(void)
{
	uint8_t one[32];
	uint8_t two[32];

	ck_assert_int_eq(sevlm_sim_vm_digest(vm, one), 0);
	ck_assert_int_eq(sevlm_sim_vm_digest(target, two), 0);
	ck_assert_mem_eq(one, two, 32);
}

static void start_target(uint32_t workload, uint32_t offered)
{
	target = new_vm(workload, offered, 99, BYTES);
	ck_assert_int_eq(sevlm_sim_vm_launch(target, target_ram, NULL, 0, 0),
			 0);
}

START_TEST(guest_goes_on_elsewhere)
{
	uint32_t workload = (uint32_t)_i / 2;
	uint32_t offered = (uint32_t)_i % 2;

	start(workload, offered);
	drive(vm, 1500);
	start_target(SEVLM_SIM_IDLE, offered);
	move();
	good(target);
	same_digest();
	ck_assert_uint_eq(sevlm_sim_vm_steps(target), 1500);
	drive(target, 3000);
	good(target);
	drive(vm, 3000);
	same_digest();
}
END_TEST

/* With a conversion under way, at boot and later. */
START_TEST(guest_goes_on_in_a_conversion)
{
	struct sevlm_sim_exit exit;

	start(SEVLM_SIM_FLIP, 1);
	if (_i) {
		stop_in_conversion(&exit);
	} else {
		expect_call(0, PAGES, 0x10);
		run(vm, 1, &exit);
	}
	ck_assert_int_eq(sevlm_sim_vm_answer(vm, 0), 0);
	run(vm, 0, &exit);
	start_target(SEVLM_SIM_FLIP, 1);
	move();
	good(target);
	same_digest();
	drive(vm, 900);
	drive(target, 900);
	good(target);
	same_digest();
}
END_TEST

/* ---- an exit that is left pending --------------------------------------- */

static void until(uint32_t reason, struct sevlm_sim_exit *exit)
{
	while (run(vm, 1, exit) != reason)
		if (exit->reason != SEVLM_SIM_EXIT_INTR)
			ck_assert_int_eq(
				sevlm_sim_vm_answer(vm, answer_to(vm, exit)),
				0);
}

enum pending { UNANSWERED, ANSWERED, COMPLETED, PENDINGS };

/* the device of a VMM, which gives no value twice */
static void exit_in(enum pending pending, uint32_t *counter)
{
	struct sevlm_sim_exit exit;

	until(SEVLM_SIM_EXIT_IN, &exit);
	*counter = (uint32_t)answer_to(vm, &exit);
	ck_assert_int_eq(sevlm_sim_vm_answer(vm, 1ull << 32), -EINVAL);
	if (pending >= ANSWERED)
		ck_assert_int_eq(sevlm_sim_vm_answer(vm, (*counter)++), 0);
	if (pending == COMPLETED)
		ck_assert_uint_eq(run(vm, 0, &exit), SEVLM_SIM_EXIT_INTR);
}

static uint32_t on_the_target(uint32_t *counter)
{
	struct sevlm_sim_exit exit;
	uint32_t reason;

	good(target);
	same_digest();
	reason = run(target, 1, &exit);
	if (reason == SEVLM_SIM_EXIT_IN) {
		ck_assert_int_eq(sevlm_sim_vm_answer(target, (*counter)++), 0);
		ck_assert_uint_eq(run(target, 1, &exit), SEVLM_SIM_EXIT_INTR);
	}
	return reason;
}

/* The device was read, and the register is lost with the exit: it is read
 * again, and the guest writes down another value than it should. */
START_TEST(a_read_left_pending_is_done_twice)
{
	uint32_t counter, reason;

	start(SEVLM_SIM_COUNTER, 0);
	drive(vm, 200);
	exit_in((enum pending)_i, &counter);
	start_target(SEVLM_SIM_IDLE, 0);
	move();
	reason = on_the_target(&counter);
	ck_assert_uint_eq(reason, _i == COMPLETED ? SEVLM_SIM_EXIT_INTR
						  : SEVLM_SIM_EXIT_IN);
	ck_assert_uint_eq(sevlm_sim_vm_steps(target),
			  sevlm_sim_vm_steps(vm) + 1);
	if (_i == ANSWERED)
		ck_assert_int_eq(sevlm_sim_vm_check(target, NULL, 0), -EBADMSG);
	else
		good(target);
}
END_TEST

/* As Linux does it, a page state may be announced twice. */
START_TEST(an_announcement_left_pending_is_repeated)
{
	struct sevlm_sim_exit first, again;

	start(SEVLM_SIM_FLIP, 1);
	if (_i / 2)
		stop_in_conversion(&first);
	else
		until(SEVLM_SIM_EXIT_WRMSR, &first);
	if (_i % 2)
		ck_assert_int_eq(sevlm_sim_vm_answer(vm, 0), 0);
	start_target(SEVLM_SIM_FLIP, 1);
	move();
	good(target);
	run(target, 1, &again);
	ck_assert_mem_eq(&first, &again, sizeof(first));
	ck_assert_int_eq(sevlm_sim_vm_answer(target, 0), 0);
	drive(target, 900);
	good(target);
}
END_TEST

/* ---- page tables in memory ---------------------------------------------- */

static void flip_moves(bool tables)
{
	uint8_t state[STATE];
	size_t bytes = sizeof(state);

	start(SEVLM_SIM_FLIP, 1);
	drive(vm, 900);
	start_target(SEVLM_SIM_FLIP, 1);
	ck_assert_int_eq(sevlm_sim_vm_save(vm, state, &bytes), 0);
	ck_assert_int_eq(sevlm_sim_vm_load(target, state, bytes), 0);
	for (size_t i = HEADER; i < STATE - 32; i++)
		ck_assert_uint_eq(state[i], 0);
	ck_assert_int_eq(sevlm_sim_vm_read(vm, 0, view, BYTES), 0);
	if (tables)
		ck_assert_int_eq(sevlm_sim_vm_write(target, LAST, view + LAST,
						    PAGE), 0);
	ck_assert_int_eq(sevlm_sim_vm_write(target, 0, view, LAST), 0);
}

START_TEST(the_vcpu_reads_its_tables_when_it_runs)
{
	struct sevlm_sim_exit exit;
	uint64_t entry, page = 0;

	flip_moves(true);
	good(target);
	same_digest();
	while (!sevlm_sim_vm_shared(target, page * PAGE))
		page++;
	entry = page * PAGE | 1 | 1ull << 51;
	ck_assert_int_eq(sevlm_sim_vm_write(target, LAST + page * 8, &entry,
					    sizeof(entry)), 0);
	ck_assert_int_eq(sevlm_sim_vm_shared(target, page * PAGE), 0);
	run(target, 0, &exit);
	entry &= ~(1ull << 51);
	ck_assert_int_eq(sevlm_sim_vm_write(target, LAST + page * 8, &entry,
					    sizeof(entry)), 0);
	run(target, 1, &exit);
	ck_assert_int_eq(sevlm_sim_vm_shared(target, page * PAGE), 1);
}
END_TEST

START_TEST(lost_tables_are_noticed)
{
	flip_moves(false);
	ck_assert_int_eq(sevlm_sim_vm_check(target, NULL, 0), -EBADMSG);
}
END_TEST

START_TEST(flips_dirty_the_tables)
{
	uint64_t bitmap[WORDS] = {0};
	struct sevlm_sim_exit exit;

	start(SEVLM_SIM_FLIP, 1);
	drive(vm, 100);
	ck_assert_int_eq(sevlm_sim_vm_log(vm, 1), 0);
	while (run(vm, 1, &exit) != SEVLM_SIM_EXIT_HYPERCALL) {
		ck_assert_int_eq(sevlm_sim_vm_harvest(vm, bitmap), 0);
		ck_assert(!(bitmap[WORDS - 1] >> 63));
	}
	ck_assert_int_eq(sevlm_sim_vm_harvest(vm, bitmap), 0);
	ck_assert(bitmap[WORDS - 1] >> 63);
}
END_TEST

START_TEST(save_says_how_much)
{
	uint8_t state[STATE];
	size_t bytes = 0;

	start(SEVLM_SIM_FLIP, 1);
	ck_assert_int_eq(sevlm_sim_vm_save(vm, NULL, &bytes), 0);
	ck_assert_uint_eq(bytes, STATE);
	bytes--;
	ck_assert_int_eq(sevlm_sim_vm_save(vm, state, &bytes), -ENOBUFS);
	ck_assert_uint_eq(bytes, STATE);
	ck_assert_int_eq(sevlm_sim_vm_save(vm, state, &bytes), 0);
	ck_assert_int_eq(sevlm_sim_vm_save(vm, state, NULL), -EINVAL);
}
END_TEST

START_TEST(damaged_states_are_refused)
{
	uint8_t state[STATE + 1] = {0};
	size_t bytes = STATE;

	start(SEVLM_SIM_FLIP, 1);
	drive(vm, 500);
	ck_assert_int_eq(sevlm_sim_vm_save(vm, state, &bytes), 0);
	for (size_t i = 0; i < STATE * 8; i++) {
		state[i / 8] ^= (uint8_t)(1 << i % 8);
		ck_assert_int_eq(sevlm_sim_vm_load(vm, state, STATE),
				 -EBADMSG);
		state[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t i = 0; i < STATE; i++)
		ck_assert_int_eq(sevlm_sim_vm_load(vm, state, i), -EBADMSG);
	ck_assert_int_eq(sevlm_sim_vm_load(vm, state, STATE + 1), -EBADMSG);
	ck_assert_int_eq(sevlm_sim_vm_load(vm, NULL, STATE), -EINVAL);
	good(vm);
	ck_assert_int_eq(sevlm_sim_vm_load(vm, state, STATE), 0);
	good(vm);
}
END_TEST

struct change {
	size_t offset;
	uint8_t value;
};

/* Sealed again, so that only what a field means can be wrong. */
START_TEST(senseless_states_are_refused)
{
	static const struct change changes[] = {
		{0, 'X'},	/* magic */
		{8, 1},		/* format */
		{12, 6},	/* workload */
		{25, 3},	/* pages */
		{40, 0},	/* offered */
		{44, 2},	/* phase, with steps done */
		{44, 4},	/* phase, past the last */
		{48, 1},	/* a conversion, in a step that makes none */
		{48, 2},	/* a value to store, in a step without one */
		{48, 3},	/* an exit, in a step without one */
		{48, 4},
		{52, 1},	/* a value in no register */
		{56, 1},	/* page states of a guest with tables */
	};
	uint8_t state[STATE];
	size_t bytes = STATE;

	start(SEVLM_SIM_FLIP, 1);
	drive(vm, 500);
	ck_assert_int_eq(sevlm_sim_vm_save(vm, state, &bytes), 0);
	ck_assert_uint_ne(state[changes[_i].offset], changes[_i].value);
	state[changes[_i].offset] = changes[_i].value;
	ck_assert_int_eq(EVP_Digest(state, STATE - 32, state + STATE - 32,
				    NULL, EVP_sha256(), NULL), 1);
	ck_assert_int_eq(sevlm_sim_vm_load(vm, state, STATE), -EBADMSG);
	good(vm);
}
END_TEST

START_TEST(states_of_other_shapes_are_refused)
{
	uint8_t state[STATE];
	size_t bytes = STATE;

	start(SEVLM_SIM_RANDOM, 1);
	ck_assert_int_eq(sevlm_sim_vm_save(vm, state, &bytes), 0);
	target = new_vm(SEVLM_SIM_RANDOM, 0, 7, BYTES);
	ck_assert_int_eq(sevlm_sim_vm_load(target, state, bytes), -EBADMSG);
	sevlm_sim_vm_free(target);
	target = new_vm(SEVLM_SIM_RANDOM, 1, 7, BYTES - PAGE);
	ck_assert_int_eq(sevlm_sim_vm_load(target, state, bytes), -EBADMSG);
}
END_TEST

/* bits past the last page */
START_TEST(states_with_a_tail_are_refused)
{
	uint8_t state[STATE];
	size_t bytes = STATE;

	vm = new_vm(SEVLM_SIM_RANDOM, 1, 7, BYTES - PAGE);
	ck_assert_int_eq(sevlm_sim_vm_save(vm, state, &bytes), 0);
	ck_assert_uint_eq(bytes, STATE);
	state[STATE - 33] |= 0x80;
	ck_assert_int_eq(EVP_Digest(state, STATE - 32, state + STATE - 32,
				    NULL, EVP_sha256(), NULL), 1);
	ck_assert_int_eq(sevlm_sim_vm_load(vm, state, bytes), -EBADMSG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sim-state");
	TCase *tcase = tcase_create("all");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 300);
	tcase_add_loop_test(tcase, guest_goes_on_elsewhere, 0, 12);
	tcase_add_loop_test(tcase, guest_goes_on_in_a_conversion, 0, 2);
	tcase_add_loop_test(tcase, a_read_left_pending_is_done_twice, 0,
			    PENDINGS);
	tcase_add_loop_test(tcase, an_announcement_left_pending_is_repeated, 0,
			    4);
	tcase_add_test(tcase, the_vcpu_reads_its_tables_when_it_runs);
	tcase_add_test(tcase, lost_tables_are_noticed);
	tcase_add_test(tcase, flips_dirty_the_tables);
	tcase_add_test(tcase, save_says_how_much);
	tcase_add_test(tcase, damaged_states_are_refused);
	tcase_add_loop_test(tcase, senseless_states_are_refused, 0, 13);
	tcase_add_test(tcase, states_of_other_shapes_are_refused);
	tcase_add_test(tcase, states_with_a_tail_are_refused);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
