// SPDX-License-Identifier: MIT OR Apache-2.0
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "sim-guest-fixture.h"

START_TEST(config_is_checked)
{
	struct sevlm_sim_vm_config config = {
		.size = sizeof(config),
		.memory = BYTES,
	};
	struct sevlm_sim_vm_config wrong;

	ck_assert_int_eq(sevlm_sim_vm_new(NULL, &config, &vm), -EINVAL);
	ck_assert_int_eq(sevlm_sim_vm_new(host, NULL, &vm), -EINVAL);
	ck_assert_int_eq(sevlm_sim_vm_new(host, &config, NULL), -EINVAL);
	wrong = config;
	wrong.size--;
	ck_assert_int_eq(sevlm_sim_vm_new(host, &wrong, &vm), -EINVAL);
	wrong = config;
	wrong.memory++;
	ck_assert_int_eq(sevlm_sim_vm_new(host, &wrong, &vm), -EINVAL);
	wrong.memory = 0;
	ck_assert_int_eq(sevlm_sim_vm_new(host, &wrong, &vm), -EINVAL);
	wrong.memory = 1ull << 43;
	ck_assert_int_eq(sevlm_sim_vm_new(host, &wrong, &vm), -EINVAL);
	wrong = config;
	wrong.workload = SEVLM_SIM_COUNTER + 1;
	ck_assert_int_eq(sevlm_sim_vm_new(host, &wrong, &vm), -EINVAL);
	wrong = config;
	wrong.offered = 2;
	ck_assert_int_eq(sevlm_sim_vm_new(host, &wrong, &vm), -EINVAL);
}
END_TEST

START_TEST(arguments_are_checked)
{
	struct sevlm_sim_exit exit = {.size = sizeof(exit) - 1};
	uint8_t byte = 0;

	start(SEVLM_SIM_RANDOM, 0);
	ck_assert_int_eq(sevlm_sim_vm_run(vm, 1, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_sim_vm_run(vm, 1, &exit), -EINVAL);
	ck_assert_int_eq(sevlm_sim_vm_read(vm, BYTES, &byte, 1), -EINVAL);
	ck_assert_int_eq(sevlm_sim_vm_read(vm, 0, view, BYTES + 1), -EINVAL);
	ck_assert_int_eq(sevlm_sim_vm_write(vm, -1ull, &byte, 1), -EINVAL);
	ck_assert_int_eq(sevlm_sim_vm_convert(vm, 1, 1), -EINVAL);
	ck_assert_int_eq(sevlm_sim_vm_convert(vm, BYTES, 1), -EINVAL);
	ck_assert_int_eq(sevlm_sim_vm_convert(vm, 0, 2), -EINVAL);
	ck_assert_int_eq(sevlm_sim_vm_check(vm, NULL, PAGE), -EINVAL);
	ck_assert_int_eq(sevlm_sim_vm_check(vm, view, 1), -EINVAL);
	ck_assert_int_eq(sevlm_sim_vm_launch(vm, ram + 1, NULL, 0, 0),
			 -EINVAL);
	ck_assert_int_eq(sevlm_sim_vm_log(vm, 2), -EINVAL);
	good(vm);
}
END_TEST

START_TEST(no_memory_no_run)
{
	struct sevlm_sim_exit exit = {.size = sizeof(exit)};

	vm = new_vm(SEVLM_SIM_IDLE, 0, 7, BYTES);
	ck_assert_int_eq(sevlm_sim_vm_log(vm, 1), -EINVAL);
	ck_assert_int_eq(sevlm_sim_vm_run(vm, 0, &exit), 0);
	ck_assert_int_eq(sevlm_sim_vm_run(vm, 1, &exit), -EBADFD);
	ck_assert_str_ne(sevlm_sim_vm_error(vm), "");
	ck_assert_int_eq(sevlm_sim_vm_prepare(vm, ram), 0);
	ck_assert_int_eq(sevlm_sim_vm_run(vm, 1, &exit), -EBADFD);
	ck_assert_int_eq(sevlm_sim_vm_check(vm, NULL, 0), -EBADMSG);
	ck_assert_uint_eq(sevlm_sim_vm_steps(vm), 0);
}
END_TEST

START_TEST(image_is_checked_too)
{
	vm = new_vm(SEVLM_SIM_RANDOM, 1, 7, BYTES);
	for (size_t i = 0; i < 100 * PAGE; i++)
		view[i] = (uint8_t)(i * 31 >> 3);
	ck_assert_int_eq(sevlm_sim_vm_launch(vm, ram, view, 100 * PAGE, 0), 0);
	ck_assert_int_eq(sevlm_sim_vm_check(vm, view, 100 * PAGE), 0);
	drive(vm, 1000);
	ck_assert_int_eq(sevlm_sim_vm_check(vm, view, 100 * PAGE), 0);
	ck_assert_int_eq(sevlm_sim_vm_check(vm, NULL, 0), -EBADMSG);
	view[0] ^= 1;
	ck_assert_int_eq(sevlm_sim_vm_check(vm, view, 100 * PAGE), -EBADMSG);
}
END_TEST

START_TEST(memory_is_not_plain)
{
	start(SEVLM_SIM_IDLE, 0);
	for (uint64_t i = 0; i < PAGES; i++) {
		read_page(vm, i, view);
		ck_assert_mem_ne(ram + i * PAGE, view, 16);
	}
}
END_TEST

static void expect_ready(void)
{
	struct sevlm_sim_exit exit;

	ck_assert_uint_eq(run(vm, 5, &exit), SEVLM_SIM_EXIT_WRMSR);
	ck_assert_uint_eq(exit.index, MSR_MIGRATION_CONTROL);
	ck_assert_uint_eq(exit.data, 1);
	ck_assert_int_eq(sevlm_sim_vm_answer(vm, 2), -EINVAL);
	ck_assert_int_eq(sevlm_sim_vm_answer(vm, 1), 0);
	ck_assert_uint_eq(run(vm, 5, &exit), SEVLM_SIM_EXIT_INTR);
	ck_assert_uint_eq(sevlm_sim_vm_steps(vm), 5);
}

START_TEST(boot_of_a_large_guest)
{
	start(SEVLM_SIM_RANDOM, 1);
	expect_call(0, PAGES, 0x10);
	good(vm);
	expect_call(64 * PAGE, 4, 0);
	good(vm);
	expect_ready();
	good(vm);
	for (uint64_t i = 0; i < PAGES; i++)
		ck_assert_int_eq(sevlm_sim_vm_shared(vm, i * PAGE),
				 i >= 64 && i < 68);
}
END_TEST

START_TEST(boot_of_a_small_guest)
{
	vm = new_vm(SEVLM_SIM_RANDOM, 1, 7, 16 * PAGE);
	ck_assert_int_eq(sevlm_sim_vm_launch(vm, ram, NULL, 0, 0), 0);
	expect_call(0, 16, 0x10);
	expect_call(2 * PAGE, 4, 0);
	expect_call(0xc0000, 0x40, 0);
	expect_call(0xc0000, 0x40, 0x10);
	expect_ready();
	good(vm);
}
END_TEST

START_TEST(guest_not_offered_is_silent)
{
	start((uint32_t)_i, 0);
	ck_assert_uint_eq(drive(vm, 2000), 0);
	for (uint64_t i = 0; i < PAGES; i++)
		ck_assert_int_eq(sevlm_sim_vm_shared(vm, i * PAGE), 0);
	good(vm);
}
END_TEST

START_TEST(exits_want_answers)
{
	struct sevlm_sim_exit exit = {.size = sizeof(exit)};

	start(SEVLM_SIM_FLIP, 1);
	ck_assert_int_eq(sevlm_sim_vm_answer(vm, 0), -EBADFD);
	ck_assert_uint_eq(run(vm, 0, &exit), SEVLM_SIM_EXIT_INTR);
	ck_assert_uint_eq(run(vm, 1, &exit), SEVLM_SIM_EXIT_HYPERCALL);
	ck_assert_int_eq(sevlm_sim_vm_run(vm, 0, &exit), -EINVAL);
	ck_assert_int_eq(sevlm_sim_vm_run(vm, 1, &exit), -EINVAL);
	ck_assert_str_ne(sevlm_sim_vm_error(vm), "");
	ck_assert_int_eq(sevlm_sim_vm_answer(vm, -1000ull), 0);
	ck_assert_int_eq(sevlm_sim_vm_answer(vm, 0), -EBADFD);
	ck_assert_uint_eq(run(vm, 0, &exit), SEVLM_SIM_EXIT_INTR);
	ck_assert_int_eq(sevlm_sim_vm_answer(vm, 0), -EBADFD);
}
END_TEST

/* In each state of an exit: the old contents are gone, the new to come. */
START_TEST(conversion_step_by_step)
{
	struct sevlm_sim_exit call;
	struct sevlm_sim_exit exit;
	uint64_t steps;

	start(SEVLM_SIM_FLIP, 1);
	for (int i = 0; i < 20; i++) {
		stop_in_conversion(&call);
		steps = sevlm_sim_vm_steps(vm);
		for (uint64_t j = 0; j < call.args[1]; j++)
			ck_assert_int_eq(sevlm_sim_vm_shared(
						vm, call.args[0] + j * PAGE),
					 call.args[2] != 0x10);
		good(vm);
		ck_assert_int_eq(sevlm_sim_vm_answer(vm, 0), 0);
		good(vm);
		ck_assert_uint_eq(run(vm, 0, &exit), SEVLM_SIM_EXIT_INTR);
		good(vm);
		ck_assert_uint_eq(sevlm_sim_vm_steps(vm), steps);
		ck_assert_uint_eq(run(vm, 1, &exit), SEVLM_SIM_EXIT_INTR);
		ck_assert_uint_eq(sevlm_sim_vm_steps(vm), steps + 1);
		good(vm);
	}
}
END_TEST

START_TEST(workload_keeps_its_word)
{
	static const uint64_t stops[] = {1, 8, 9, 100, 777, 3000};
	uint32_t workload = (uint32_t)_i / 2;

	start(workload, (uint32_t)_i % 2);
	good(vm);
	for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
		drive(vm, stops[i]);
		good(vm);
	}
}
END_TEST

START_TEST(runs_repeat_to_the_byte)
{
	uint8_t one[32];
	uint8_t two[32];

	start(SEVLM_SIM_FLIP, 1);
	drive(vm, 1000);
	target = new_vm(SEVLM_SIM_FLIP, 1, 7, BYTES);
	ck_assert_int_eq(sevlm_sim_vm_launch(target, target_ram, NULL, 0, 0),
			 0);
	for (uint64_t i = 1; i <= 1000; i++)
		drive(target, i);
	ck_assert_int_eq(sevlm_sim_vm_digest(vm, one), 0);
	ck_assert_int_eq(sevlm_sim_vm_digest(target, two), 0);
	ck_assert_mem_eq(one, two, 32);
	drive(target, 1001);
	ck_assert_int_eq(sevlm_sim_vm_digest(target, two), 0);
	ck_assert_mem_ne(one, two, 32);
}
END_TEST

START_TEST(changed_bytes_are_found)
{
	uint64_t gpa;
	uint8_t byte;

	start(SEVLM_SIM_FLIP, 1);
	drive(vm, 1000);
	for (uint64_t i = 0; i < 60; i++) {
		gpa = (i * 0x9e3779b97f4a7c15ull >> 20) % BYTES;
		ck_assert_int_eq(sevlm_sim_vm_read(vm, gpa, &byte, 1), 0);
		byte ^= (uint8_t)(1 << i % 8);
		ck_assert_int_eq(sevlm_sim_vm_write(vm, gpa, &byte, 1), 0);
		bad(vm, gpa / PAGE);
		byte ^= (uint8_t)(1 << i % 8);
		ck_assert_int_eq(sevlm_sim_vm_write(vm, gpa, &byte, 1), 0);
	}
	good(vm);
}
END_TEST

START_TEST(the_sentence_names_it_all)
{
	const char *text;
	uint8_t byte;

	start(SEVLM_SIM_SEQUENTIAL, 1);
	drive(vm, PAGES);
	ck_assert_int_eq(sevlm_sim_vm_read(vm, 65 * PAGE + 4095, &byte, 1),
			 0);
	byte ^= 0xff;
	ck_assert_int_eq(sevlm_sim_vm_write(vm, 65 * PAGE + 4095, &byte, 1),
			 0);
	bad(vm, 65);
	text = sevlm_sim_vm_error(vm);
	ck_assert_ptr_nonnull(strstr(text, "step 66,"));
	ck_assert_ptr_nonnull(strstr(text, "offset 4095"));
	ck_assert_ptr_nonnull(strstr(text, "should be shared"));
}
END_TEST

/* A page as it was before its last write. */
START_TEST(stale_pages_are_found)
{
	uint8_t old[PAGE];
	uint8_t new[PAGE];

	start(SEVLM_SIM_SEQUENTIAL, 1);
	drive(vm, PAGES);
	for (uint64_t i = 0; i < 100; i++) {
		read_page(vm, i, old);
		drive(vm, PAGES + i + 1);
		good(vm);
		read_page(vm, i, new);
		write_page(vm, i, old);
		bad(vm, i);
		write_page(vm, i, new);
	}
	good(vm);
}
END_TEST

START_TEST(swapped_pages_are_found)
{
	uint8_t one[PAGE];
	uint8_t two[PAGE];

	start(SEVLM_SIM_RANDOM, 1);
	drive(vm, 3000);
	read_page(vm, 20, one);
	read_page(vm, 333, two);
	write_page(vm, 20, two);
	write_page(vm, 333, one);
	bad(vm, 20);
	write_page(vm, 20, one);
	bad(vm, 333);
	write_page(vm, 333, two);
	good(vm);
	memcpy(one, ram + 20 * PAGE, PAGE);
	memcpy(ram + 20 * PAGE, ram + 333 * PAGE, PAGE);
	memcpy(ram + 333 * PAGE, one, PAGE);
	bad(vm, 20);
}
END_TEST

START_TEST(equal_pages_do_not_swap_at_rest)
{
	start(SEVLM_SIM_IDLE, 0);
	memcpy(ram + 7 * PAGE, ram + 15 * PAGE, PAGE);
	bad(vm, 7);
}
END_TEST

START_TEST(wrong_c_bits_are_found)
{
	uint8_t page[PAGE];

	start(SEVLM_SIM_FLIP, 1);
	drive(vm, 800);
	for (uint64_t i = 0; i < PAGES; i += 3) {
		uint32_t shared;

		shared = (uint32_t)sevlm_sim_vm_shared(vm, i * PAGE);
		read_page(vm, i, page);
		ck_assert_int_eq(sevlm_sim_vm_convert(vm, i * PAGE, !shared),
				 0);
		write_page(vm, i, page);
		bad(vm, i);
		ck_assert_int_eq(sevlm_sim_vm_convert(vm, i * PAGE, shared),
				 0);
		write_page(vm, i, page);
	}
	good(vm);
}
END_TEST

static bool logged(const uint64_t *bits, uint64_t page)
{
	return bits[page / 64] >> (page % 64) & 1;
}

START_TEST(log_has_every_changed_page)
{
	uint64_t bits[WORDS];
	unsigned int clean = 0;

	start((uint32_t)_i, 1);
	drive(vm, 200);
	ck_assert_int_eq(sevlm_sim_vm_harvest(vm, bits), -ENOENT);
	ck_assert_int_eq(sevlm_sim_vm_log(vm, 1), 0);
	for (uint64_t round = 1; round < 10; round++) {
		memcpy(view, ram, BYTES);
		drive(vm, 200 + round * 80);
		ck_assert_int_eq(sevlm_sim_vm_harvest(vm, bits), 0);
		for (uint64_t i = 0; i < PAGES; i++) {
			clean += !logged(bits, i);
			if (memcmp(view + i * PAGE, ram + i * PAGE, PAGE))
				ck_assert(logged(bits, i));
			else if (_i == (int)SEVLM_SIM_SEQUENTIAL)
				ck_assert(!logged(bits, i));
		}
	}
	ck_assert_uint_gt(clean, PAGES);
	ck_assert_int_eq(sevlm_sim_vm_log(vm, 0), 0);
	ck_assert_int_eq(sevlm_sim_vm_harvest(vm, bits), -ENOENT);
}
END_TEST

static _Atomic bool done;

static void *run_guest(void *arg)
{
	drive(arg, 20000);
	atomic_store(&done, true);
	return NULL;
}

/* Harvests while the guest runs lose nothing between them. */
START_TEST(log_beside_a_running_guest)
{
	uint64_t all[WORDS] = {0};
	uint64_t bits[WORDS];
	pthread_t thread;
	bool last;

	start(SEVLM_SIM_FLIP, 1);
	memcpy(view, ram, BYTES);
	ck_assert_int_eq(sevlm_sim_vm_log(vm, 1), 0);
	atomic_store(&done, false);
	ck_assert_int_eq(pthread_create(&thread, NULL, run_guest, vm), 0);
	do {
		last = atomic_load(&done);
		ck_assert_int_eq(sevlm_sim_vm_harvest(vm, bits), 0);
		for (size_t i = 0; i < WORDS; i++)
			all[i] |= bits[i];
		ck_assert_int_ge(sevlm_sim_vm_shared(vm, BYTES / 2), 0);
	} while (!last);
	pthread_join(thread, NULL);
	for (uint64_t i = 0; i < PAGES; i++) {
		if (memcmp(view + i * PAGE, ram + i * PAGE, PAGE))
			ck_assert(logged(all, i));
	}
	good(vm);
}
END_TEST

static void add_damage(TCase *tcase)
{
	tcase_add_test(tcase, changed_bytes_are_found);
	tcase_add_test(tcase, the_sentence_names_it_all);
	tcase_add_test(tcase, stale_pages_are_found);
	tcase_add_test(tcase, swapped_pages_are_found);
	tcase_add_test(tcase, equal_pages_do_not_swap_at_rest);
	tcase_add_test(tcase, wrong_c_bits_are_found);
}

int main(void)
{
	Suite *suite = suite_create("sim-guest");
	TCase *tcase = tcase_create("all");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 300);
	tcase_add_test(tcase, config_is_checked);
	tcase_add_test(tcase, arguments_are_checked);
	tcase_add_test(tcase, no_memory_no_run);
	tcase_add_test(tcase, image_is_checked_too);
	tcase_add_test(tcase, memory_is_not_plain);
	tcase_add_test(tcase, boot_of_a_large_guest);
	tcase_add_test(tcase, boot_of_a_small_guest);
	tcase_add_loop_test(tcase, guest_not_offered_is_silent, 0, 5);
	tcase_add_test(tcase, exits_want_answers);
	tcase_add_test(tcase, conversion_step_by_step);
	tcase_add_loop_test(tcase, workload_keeps_its_word, 0, 10);
	tcase_add_test(tcase, runs_repeat_to_the_byte);
	tcase_add_loop_test(tcase, log_has_every_changed_page, 1, 4);
	tcase_add_test(tcase, log_beside_a_running_guest);
	add_damage(tcase);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
