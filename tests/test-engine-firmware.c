/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a migration makes of firmware that reports failure behind the deed, or
 * nothing at all, of commands that KVM gives by itself, and of a descriptor
 * that is gone. The outcomes are those that Linux's KVM had with firmware in
 * software. */
#include <linux/kvm.h>

#include "engine-fixture.h"

#define STATUS 0x13u
#define ABORTED SEVLM_OUTCOME_ABORTED
#define CANCELLED SEVLM_OUTCOME_CANCELLED
#define COMPLETED SEVLM_OUTCOME_COMPLETED

static void plant(struct sevlm_sim_host *host, uint32_t command, uint32_t where,
		  uint32_t after)
{
	const struct sevlm_sim_fault fault = {
		.size = sizeof(fault),
		.command = command,
		.where = where,
		.after = after,
		.times = 1,
		.status = STATUS,
		.error = EBUSY,
	};

	ck_assert_int_eq(sevlm_sim_host_fail(host, &fault), 0);
}

static uint64_t asked(const struct rig_side *side, uint32_t command)
{
	return sevlm_sim_host_commands(side->host, command);
}

static void move_with(bool target, uint32_t command, uint32_t where,
		      uint32_t after)
{
	open_rig();
	start();
	plant(hosts.host[target], command, where, after);
	rig_run(&rig);
}

static void cancel_with(uint32_t where)
{
	open_rig();
	start();
	reach(&rig.source, SEVLM_PHASE_PRECOPY);
	plant(hosts.host[0], KVM_SEV_SEND_CANCEL, where, 0);
	ck_assert_int_eq(rig_cancel(&rig.source), 0);
	rig_run(&rig);
}

/* One side says why, and the other one that its peer gave up. */
static void expect_refusal(bool target, int cause, const char *words)
{
	expect_side(&rig.source, ABORTED, cause, target ? "gave up" : words);
	expect_side(&rig.target, ABORTED, cause, target ? words : "gave up");
	expect_sound();
}

/* ---- carried out, and reported as failed -------------------------------- */

START_TEST(late_send_start_is_undone)
{
	move_with(false, KVM_SEV_SEND_START, SEVLM_SIM_FAULT_LATE, 0);
	expect_refusal(false, -EREMOTEIO, "refused SEND_START");
	ck_assert_uint_eq(asked(&rig.source, KVM_SEV_SEND_CANCEL), 1);
	expect_again();
}
END_TEST

static const struct {
	bool target;
	uint32_t command;
	uint32_t after;
	const char *words;
} updates[] = {
	{false, KVM_SEV_SEND_UPDATE_DATA, 0, "refused SEND_UPDATE_DATA"},
	{false, KVM_SEV_SEND_UPDATE_DATA, 70, "refused SEND_UPDATE_DATA"},
	{true, KVM_SEV_RECEIVE_UPDATE_DATA, 0, "refused RECEIVE_UPDATE_DATA"},
	{true, KVM_SEV_RECEIVE_UPDATE_DATA, 70, "refused RECEIVE_UPDATE_DATA"},
};

START_TEST(late_update_aborts)
{
	move_with(updates[_i].target, updates[_i].command, SEVLM_SIM_FAULT_LATE,
		  updates[_i].after);
	expect_refusal(updates[_i].target, -EREMOTEIO, updates[_i].words);
	expect_again();
}
END_TEST

/* It is done, and both sides know. */
START_TEST(late_finish_completes)
{
	uint32_t command = _i ? KVM_SEV_RECEIVE_FINISH : KVM_SEV_SEND_FINISH;

	move_with(_i, command, SEVLM_SIM_FAULT_LATE, 0);
	expect_side(&rig.source, COMPLETED, 0, "");
	expect_side(&rig.target, COMPLETED, 0, "");
	ck_assert_uint_eq(asked(_i ? &rig.target : &rig.source, command), 1);
	expect_sound();
	expect_perfect();
}
END_TEST

START_TEST(late_send_cancel_is_done)
{
	cancel_with(SEVLM_SIM_FAULT_LATE);
	expect_side(&rig.source, CANCELLED, -ECANCELED, "cancelled");
	ck_assert_uint_eq(asked(&rig.source, KVM_SEV_SEND_CANCEL), 1);
	expect_sound();
	expect_again();
}
END_TEST

/* KVM never gets the handle, and nobody can give that context back. */
START_TEST(late_receive_start_leaves_a_guest)
{
	move_with(true, KVM_SEV_RECEIVE_START, SEVLM_SIM_FAULT_LATE, 0);
	expect_refusal(true, -EREMOTEIO, "refused RECEIVE_START");
	ck_assert_uint_eq(asked(&rig.target, SEVLM_SIM_COMMAND_ACTIVATE), 0);
	hosts.left[1] = 1;
	expect_again();
	rig_close(&rig);
	ck_assert(rig_hosts_clean(&hosts));
	hosts.left[1] = 0;
	ck_assert(!rig_hosts_clean(&hosts));
	hosts.left[1] = 1;
}
END_TEST

/* ---- what KVM does by itself -------------------------------------------- */

START_TEST(activate_fails)
{
	uint32_t where = _i ? SEVLM_SIM_FAULT_STATUS : SEVLM_SIM_FAULT_BEFORE;

	move_with(true, SEVLM_SIM_COMMAND_ACTIVATE, where, 0);
	if (_i)
		expect_refusal(true, -EREMOTEIO, "refused RECEIVE_START");
	else
		expect_refusal(true, -EIO, "RECEIVE_START: EBUSY");
	ck_assert_uint_eq(asked(&rig.target, SEVLM_SIM_COMMAND_DECOMMISSION),
			  1);
	expect_again();
}
END_TEST

/* ---- the firmware's file ------------------------------------------------ */

static void set_open(bool target, uint32_t open)
{
	ck_assert_int_eq(
		sevlm_sim_host_open(hosts.host[target], SEVLM_SIM_SEV_FD, open),
		0);
}

START_TEST(a_closed_number_aborts)
{
	plan.bandwidth = 5000000;
	open_rig();
	start();
	reach(&rig.target, SEVLM_PHASE_PRECOPY);
	set_open(_i, 0);
	rig_run(&rig);
	expect_refusal(_i, -EIO, "EBADF");
	expect_sound();
	/* under the same number again, and the session can be given up */
	set_open(_i, 1);
	expect_again();
}
END_TEST

/* ---- no answer ---------------------------------------------------------- */

/* The driver has given up: the guest runs on, and goes nowhere. */
static void expect_stays(bool target)
{
	ck_assert_int_eq(rig_again(&rig), 0);
	start();
	rig_run(&rig);
	expect_refusal(target, -EIO,
		       target ? "refused PLATFORM_STATUS: EBUSY"
			      : "refused GUEST_STATUS: EBUSY");
	ck_assert(rig.source.running);
	ck_assert(!rig.target.ran);
}

static void boot_and_move(void)
{
	rig_close(&rig);
	ck_assert(!rig_hosts_clean(&hosts));
	ck_assert_int_eq(rig_hosts_boot(&hosts), 0);
	run_rig();
	expect_perfect();
}

START_TEST(no_answer_to_update_aborts)
{
	bool target = updates[_i].target;

	move_with(target, updates[_i].command, SEVLM_SIM_FAULT_SILENT,
		  updates[_i].after);
	expect_refusal(target, -ETIMEDOUT, updates[_i].words);
	if (!target)
		expect_side(&rig.source, ABORTED, -ETIMEDOUT,
			    "refused SEND_CANCEL: EBUSY");
	expect_stays(target);
	boot_and_move();
}
END_TEST

START_TEST(no_answer_to_cancel)
{
	cancel_with(SEVLM_SIM_FAULT_SILENT);
	expect_side(&rig.source, CANCELLED, -ECANCELED,
		    "refused SEND_CANCEL: ETIMEDOUT");
	expect_side(&rig.target, CANCELLED, -ECANCELED, "cancelled");
	expect_sound();
	expect_stays(false);
	boot_and_move();
}
END_TEST

static const uint32_t silences[] = {SEVLM_SIM_FAULT_SILENT,
				    SEVLM_SIM_FAULT_SILENT_LATE};

/* Done or not, the target cannot know. */
START_TEST(no_answer_to_receive_finish_aborts)
{
	move_with(true, KVM_SEV_RECEIVE_FINISH, silences[_i], 0);
	expect_refusal(true, -ETIMEDOUT, "refused RECEIVE_FINISH: ETIMEDOUT");
	ck_assert_uint_eq(asked(&rig.target, KVM_SEV_RECEIVE_FINISH), 1);
	ck_assert(!rig.target.ran);
	expect_stays(true);
	boot_and_move();
}
END_TEST

/* The guest runs there by then. */
START_TEST(no_answer_to_send_finish_completes)
{
	move_with(false, KVM_SEV_SEND_FINISH, silences[_i], 0);
	expect_side(&rig.source, COMPLETED, 0,
		    "refused SEND_FINISH: ETIMEDOUT");
	expect_side(&rig.target, COMPLETED, 0, "");
	ck_assert(rig.target.running);
	expect_sound();
	boot_and_move();
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
	Suite *suite = suite_create("engine-firmware");
	TCase *tcase = tcase_create("failures");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, late_send_start_is_undone);
	tcase_add_loop_test(tcase, late_update_aborts, 0, COUNT(updates));
	tcase_add_loop_test(tcase, late_finish_completes, 0, 2);
	tcase_add_test(tcase, late_send_cancel_is_done);
	tcase_add_test(tcase, late_receive_start_leaves_a_guest);
	tcase_add_loop_test(tcase, activate_fails, 0, 2);
	tcase_add_loop_test(tcase, a_closed_number_aborts, 0, 2);
	tcase_add_loop_test(tcase, no_answer_to_update_aborts, 0,
			    COUNT(updates));
	tcase_add_test(tcase, no_answer_to_cancel);
	tcase_add_loop_test(tcase, no_answer_to_receive_finish_aborts, 0,
			    COUNT(silences));
	tcase_add_loop_test(tcase, no_answer_to_send_finish_completes, 0,
			    COUNT(silences));
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
