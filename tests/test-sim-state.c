// SPDX-License-Identifier: MIT OR Apache-2.0
#include <openssl/evp.h>

#include "sim-guest-fixture.h"

static void move(void)
{
	uint8_t state[STATE];
	size_t bytes = sizeof(state);

	ck_assert_int_eq(sevlm_sim_vm_save(vm, state, &bytes), 0);
	ck_assert_uint_eq(bytes, STATE);
	ck_assert_int_eq(sevlm_sim_vm_load(target, state, bytes), 0);
	ck_assert_int_eq(sevlm_sim_vm_read(vm, 0, view, BYTES), 0);
	ck_assert_int_eq(sevlm_sim_vm_write(target, 0, view, BYTES), 0);
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
	uint8_t state[STATE];
	size_t bytes = sizeof(state);

	start(SEVLM_SIM_FLIP, 1);
	if (_i) {
		stop_in_conversion(&exit);
	} else {
		expect_call(0, PAGES, 0x10);
		run(vm, 1, &exit);
	}
	ck_assert_int_eq(sevlm_sim_vm_save(vm, state, &bytes), -EBADFD);
	ck_assert_int_eq(sevlm_sim_vm_answer(vm, 0), 0);
	ck_assert_int_eq(sevlm_sim_vm_save(vm, state, &bytes), -EBADFD);
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
		{8, 2},		/* format */
		{12, 5},	/* workload */
		{25, 3},	/* pages */
		{40, 0},	/* offered */
		{44, 2},	/* phase, with steps done */
		{44, 4},	/* phase, past the last */
		{48, 1},	/* a conversion, in a step that makes none */
		{48, 2},
		{52, 1},	/* reserved */
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
	tcase_add_loop_test(tcase, guest_goes_on_elsewhere, 0, 10);
	tcase_add_loop_test(tcase, guest_goes_on_in_a_conversion, 0, 2);
	tcase_add_test(tcase, save_says_how_much);
	tcase_add_test(tcase, damaged_states_are_refused);
	tcase_add_loop_test(tcase, senseless_states_are_refused, 0, 10);
	tcase_add_test(tcase, states_of_other_shapes_are_refused);
	tcase_add_test(tcase, states_with_a_tail_are_refused);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
