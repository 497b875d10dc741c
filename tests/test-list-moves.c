/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whole migrations with page states from anywhere. */
#include "list-fixture.h"

/* ---- whole migrations ---- */

static struct duo duo;

static const uint32_t modes[][2] = {
	{ SEVLM_STATES_EXITS, SEVLM_STATES_EXITS },
	{ SEVLM_STATES_LIST, SEVLM_STATES_LIST },
	{ SEVLM_STATES_COMPARE, SEVLM_STATES_COMPARE },
	{ SEVLM_STATES_EXITS, SEVLM_STATES_LIST },
	{ SEVLM_STATES_LIST, SEVLM_STATES_EXITS },
	{ SEVLM_STATES_COMPARE, SEVLM_STATES_LIST },
};

#define MODES 6
#define WORKLOADS (SEVLM_SIM_FLIP + 1)

static void open_duo(uint32_t mode, uint32_t workload)
{
	struct duo_plan plan = {
		.memory = 256 * PAGE_SIZE,
		.workload = workload,
		.states = { modes[mode][0], modes[mode][1] },
		.rounds = 4,
	};

	memset(&side, 0, sizeof(side));
	duo_open(&duo, &plan);
}

static void close_duo(void)
{
	duo_close(&duo);
}

/* does the library know what the guest's page tables say? */
static void expect_states(struct duo_side *which)
{
	uint32_t state;
	uint64_t bytes;
	int ret = sevlm_vm_sync_states(which->vm, 1);

	ck_assert_msg(!ret, "%d: %s", ret, sevlm_vm_error(which->vm));
	for (uint64_t gpa = 0; gpa < duo.plan.memory; gpa += PAGE_SIZE) {
		sevlm_vm_page_state(which->vm, gpa, &state, &bytes);
		ck_assert_msg((state == SEVLM_PAGE_SHARED) ==
				      sevlm_sim_vm_shared(which->sim, gpa),
			      "page 0x%llx", (unsigned long long)gpa);
	}
	sevlm_vm_control(which->vm, &state);
	ck_assert_uint_eq(state, SEVLM_CONTROL_OFFERED | SEVLM_CONTROL_READY);
}

START_TEST(every_workload_arrives)
{
	open_duo(_i / WORKLOADS, _i % WORKLOADS);
	duo_start(&duo);
	duo_move(&duo, 3);
	duo_expect_moved(&duo);
	expect_states(&duo.target);
	/* and goes on there, heard by whom it should */
	duo_run_guest(&duo.target, 500);
	ck_assert_int_eq(sevlm_sim_vm_check(duo.target.sim, NULL, 0), 0);
	expect_states(&duo.target);
	if (modes[_i / WORKLOADS][1] != SEVLM_STATES_EXITS)
		ck_assert_uint_gt(duo.target.sim->list->gfns.count, 0);
	else
		ck_assert_uint_eq(duo.target.sim->list->gfns.count, 0);
}
END_TEST

static uint32_t get_calls;

/* the guest runs within every ioctl, between two parts of the list too */
static int run_within(struct duo_side *which, uint32_t request, void *arg)
{
	int ret = sevlm_sim_ops()->vm(which->sim, request, arg);

	if (request == (uint32_t)KVM_GET_SHARED_PAGES_LIST)
		get_calls++;
	if (!which->duo->paused)
		duo_run_guest(which, 3);
	return ret;
}

START_TEST(the_guest_flips_within_every_ioctl)
{
	open_duo((uint32_t)_i, SEVLM_SIM_FLIP);
	/* more ranges than one answer has room for */
	for (uint64_t i = 0; i < 400; i++) {
		const uint64_t args[6] = { GUEST + 2 * i * PAGE_SIZE, 1, 0 };
		uint64_t ret = 0;

		if (!sim_list_hypercall(duo.source.sim->list, MAP_GPA_RANGE,
					args, &ret)) {
			sevlm_vm_hypercall(duo.source.vm, MAP_GPA_RANGE, args,
					   &ret);
			sim_list_answered(duo.source.sim->list, ret);
		}
		ck_assert_uint_eq(ret, 0);
	}
	get_calls = 0;
	duo_start(&duo);
	duo.source.door = run_within;
	duo_move(&duo, 1);
	duo_expect_moved(&duo);
	expect_states(&duo.target);
	if (modes[_i][0] != SEVLM_STATES_EXITS)
		ck_assert_uint_gt(get_calls, 9);
}
END_TEST

START_TEST(a_word_taken_back_ends_it)
{
	bool fault;

	open_duo(1, SEVLM_SIM_RANDOM);
	duo_start(&duo);
	get_calls = 0;
	while (get_calls < 20) {
		get_calls++;
		duo_step_source(&duo);
		duo_carry(&duo);
		duo_step_target(&duo);
	}
	ck_assert(sim_list_wrmsr(duo.source.sim->list, 0, &fault) && !fault);
	duo_move(&duo, 1);
	ck_assert_uint_eq(duo.outcome[0], SEVLM_OUTCOME_ABORTED);
	ck_assert_int_eq(duo.cause[0], -EPERM);
	ck_assert_ptr_nonnull(strstr(sevlm_source_error(duo.out),
				     "not ready"));
	ck_assert(!duo.moved);
	duo.paused = false;
	duo_run_guest(&duo.source, 10);
	ck_assert_int_eq(sevlm_sim_vm_check(duo.source.sim, NULL, 0), 0);
}
END_TEST

static void wait_and_withdraw(struct duo *which)
{
	bool fault;

	ck_assert(sim_list_wrmsr(which->source.sim->list, 0, &fault));
}

/* ... also by the last thing the guest does before it stands */
START_TEST(a_word_taken_back_at_the_last_moment)
{
	open_duo(1, SEVLM_SIM_RANDOM);
	duo.pause = wait_and_withdraw;
	duo_start(&duo);
	duo_move(&duo, 1);
	ck_assert(duo.paused);
	ck_assert_uint_eq(duo.outcome[0], SEVLM_OUTCOME_ABORTED);
	ck_assert_int_eq(duo.cause[0], -EPERM);
	ck_assert(!duo.moved);
}
END_TEST

START_TEST(who_is_not_ready_is_not_begun)
{
	struct sevlm_source_config config = { .size = sizeof(config) };
	struct sevlm_source *source = NULL;
	bool fault;

	open_duo(1, SEVLM_SIM_IDLE);
	sim_list_wrmsr(duo.source.sim->list, 0, &fault);
	ck_assert_int_eq(sevlm_source_new(duo.source.vm, &config, &source),
			 -EPERM);
	ck_assert_ptr_null(source);
	ck_assert_ptr_nonnull(strstr(sevlm_vm_error(duo.source.vm),
				     "not ready"));
}
END_TEST

/* the guest says something that only the kernel hears */
static void whisper(struct duo *which)
{
	const uint64_t args[6] = { 5 * PAGE_SIZE, 1, 0 };
	uint64_t ret;

	which->source.sim->list->exit_hypercall = 0;
	sim_list_hypercall(which->source.sim->list, MAP_GPA_RANGE, args, &ret);
}

START_TEST(a_difference_stops_the_migration)
{
	open_duo(2, SEVLM_SIM_IDLE);
	duo.pause = whisper;
	duo_start(&duo);
	duo_move(&duo, 1);
	ck_assert_uint_eq(duo.outcome[0], SEVLM_OUTCOME_ABORTED);
	ck_assert_int_eq(duo.cause[0], -EPERM);
	ck_assert_ptr_nonnull(strstr(sevlm_source_error(duo.out), "0x5000"));
	ck_assert(!duo.moved);
}
END_TEST

START_TEST(a_target_that_cannot_take_the_list_gives_it_back)
{
	open_duo(1, SEVLM_SIM_FLIP);
	ck_assert_int_eq(duo_enable(&duo.target, KVM_CAP_X86_SHARED_PAGES_LIST,
				    TRACK | MSR, 1), 0);
	duo_run_guest(&duo.source, 300);
	duo_start(&duo);
	duo_move(&duo, 1);
	ck_assert_uint_eq(duo.outcome[1], SEVLM_OUTCOME_ABORTED);
	ck_assert_int_eq(duo.cause[1], -ENOBUFS);
	ck_assert_uint_eq(duo.outcome[0], SEVLM_OUTCOME_ABORTED);
	duo_run_guest(&duo.source, 100);
	ck_assert_int_eq(sevlm_sim_vm_check(duo.source.sim, NULL, 0), 0);
}
END_TEST

static void add_moves(Suite *suite)
{
	TCase *tcase = tcase_create("moves");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, NULL, close_duo);
	tcase_add_loop_test(tcase, every_workload_arrives, 0,
			    MODES * WORKLOADS);
	tcase_add_loop_test(tcase, the_guest_flips_within_every_ioctl, 0, 3);
	tcase_add_test(tcase, a_word_taken_back_ends_it);
	tcase_add_test(tcase, a_word_taken_back_at_the_last_moment);
	tcase_add_test(tcase, who_is_not_ready_is_not_begun);
	tcase_add_test(tcase, a_difference_stops_the_migration);
	tcase_add_test(tcase, a_target_that_cannot_take_the_list_gives_it_back);
	suite_add_tcase(suite, tcase);
}

int main(void)
{
	Suite *suite = suite_create("list-moves");

	add_moves(suite);
	return run_suite(suite);
}
