/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Failures that are none, commands that KVM gives by itself, and the number
 * of the firmware's file: what KVM makes of each. */
#include <libsevlm/libsevlm.h>

#include "sim-door.h"

#define STATUS 0x13u
#define ASID_OWNED 0x0cu
#define ASIDS 3 /* of sim-door.h */

static void plant_where(struct side *side, uint32_t command, uint32_t where)
{
	plant_status(side, command, where, STATUS, 1);
}

static void late(struct side *side, uint32_t command)
{
	plant_where(side, command, SEVLM_SIM_FAULT_LATE);
}

static void refuse(struct side *side, uint32_t command)
{
	plant_where(side, command, SEVLM_SIM_FAULT_STATUS);
}

static uint32_t guests(struct side *side)
{
	struct sev_user_data_status status;
	uint32_t error;

	ck_assert_int_eq(
		dev_sev(side->host, SEV_PLATFORM_STATUS, &status, &error), 0);
	return status.guest_count;
}

static void sending(void)
{
	launch(&a, 0);
	prepare(&b);
	ck_assert_int_eq(send_start(&a, &b), 0);
}

static void failed(struct side *side, int rc, uint32_t status)
{
	answered(side, rc, -EIO, status);
}

/* ---- carried out, and reported as failed -------------------------------- */

START_TEST(late_send_start)
{
	struct kvm_sev_send_start params = start_params(&a, &b);

	launch(&a, SEVLM_POLICY_NODBG);
	memset(a.session, 0x77, sizeof(a.session));
	late(&a, KVM_SEV_SEND_START);
	failed(&a, command(&a, KVM_SEV_SEND_START, &params), STATUS);
	/* KVM copies its struct out in any case, the session only on success */
	ck_assert_uint_eq(params.policy, SEVLM_POLICY_NODBG);
	ck_assert_uint_eq(a.session[7], 0x77);
	ck_assert_uint_eq(guest_state(&a), SEVLM_GUEST_SUPDATE);
	ck_assert_int_eq(command(&a, KVM_SEV_SEND_CANCEL, NULL), 0);
	ck_assert_int_eq(send_start(&a, &b), 0);
}
END_TEST

START_TEST(late_updates)
{
	uint8_t page[PAGE], moved[PAGE];

	sending();
	memset(a.trans, 0x77, sizeof(a.trans));
	late(&a, KVM_SEV_SEND_UPDATE_DATA);
	failed(&a, send_page(&a, 1), STATUS);
	for (size_t i = 0; i < sizeof(a.trans); i++)
		ck_assert_uint_eq(a.trans[i], 0x77);
	ck_assert_int_eq(send_page(&a, 1), 0);
	ck_assert_int_eq(receive_start(&a, &b), 0);
	late(&b, KVM_SEV_RECEIVE_UPDATE_DATA);
	failed(&b, receive_page(&a, &b, 1), STATUS);
	ck_assert_int_eq(sevlm_sim_vm_read(a.vm, PAGE, page, PAGE), 0);
	ck_assert_int_eq(sevlm_sim_vm_read(b.vm, PAGE, moved, PAGE), 0);
	ck_assert_mem_eq(page, moved, PAGE);
}
END_TEST

START_TEST(late_send_finish)
{
	sending();
	late(&a, KVM_SEV_SEND_FINISH);
	failed(&a, command(&a, KVM_SEV_SEND_FINISH, NULL), STATUS);
	ck_assert_uint_eq(guest_state(&a), SEVLM_GUEST_SENT);
}
END_TEST

START_TEST(late_send_cancel)
{
	sending();
	late(&a, KVM_SEV_SEND_CANCEL);
	failed(&a, command(&a, KVM_SEV_SEND_CANCEL, NULL), STATUS);
	ck_assert_uint_eq(guest_state(&a), SEVLM_GUEST_RUNNING);
}
END_TEST

START_TEST(late_receive_finish)
{
	sending();
	ck_assert_int_eq(receive_start(&a, &b), 0);
	late(&b, KVM_SEV_RECEIVE_FINISH);
	failed(&b, command(&b, KVM_SEV_RECEIVE_FINISH, NULL), STATUS);
	ck_assert_uint_eq(guest_state(&b), SEVLM_GUEST_RUNNING);
}
END_TEST

/* A guest that KVM has no handle of stays until the platform is shut down;
 * firmware has room for 128. */
START_TEST(late_receive_start_leaves_a_guest)
{
	struct kvm_sev_receive_start params = receive_params(&a);
	struct kvm_sev_guest_status status;

	sending();
	for (uint32_t i = 0; i < 128; i++) {
		late(&b, KVM_SEV_RECEIVE_START);
		failed(&b, command(&b, KVM_SEV_RECEIVE_START, &params), STATUS);
		ck_assert_uint_eq(params.handle, 0);
		ck_assert_uint_eq(guests(&b), i + 1);
	}
	ck_assert_int_eq(command(&b, KVM_SEV_GUEST_STATUS, &status), -EBADF);
	failed(&b, command(&b, KVM_SEV_RECEIVE_START, &params), 0x17);
	renew(&b);
	ck_assert_uint_eq(guests(&b), 128);
	ck_assert_uint_eq(asked(&b, SEVLM_SIM_COMMAND_DECOMMISSION), 0);
}
END_TEST

/* it was not activated: the VM's ASID is free for the next attempt */
START_TEST(the_same_vm_receives_after_a_late_start)
{
	sending();
	late(&b, KVM_SEV_RECEIVE_START);
	failed(&b, receive_start(&a, &b), STATUS);
	ck_assert_int_eq(receive_start(&a, &b), 0);
	ck_assert_uint_eq(guest_state(&b), SEVLM_GUEST_RUPDATE);
	ck_assert_uint_eq(guests(&b), 2);
}
END_TEST

START_TEST(late_counts_what_passed)
{
	struct sevlm_sim_fault fault = {
		.size = sizeof(fault),
		.command = KVM_SEV_SEND_UPDATE_DATA,
		.where = SEVLM_SIM_FAULT_LATE,
		.after = 1,
		.times = 2,
		.status = STATUS,
	};

	sending();
	ck_assert_int_eq(sevlm_sim_host_fail(a.host, &fault), 0);
	ck_assert_int_eq(send_page(&a, 0), 0);
	failed(&a, send_page(&a, 0), STATUS);
	failed(&a, send_page(&a, 0), STATUS);
	ck_assert_int_eq(send_page(&a, 0), 0);
	ck_assert_uint_eq(asked(&a, KVM_SEV_SEND_UPDATE_DATA), 4);
}
END_TEST

/* ---- what KVM does by itself -------------------------------------------- */

START_TEST(activate_refused)
{
	struct kvm_sev_receive_start params = receive_params(&a);

	sending();
	refuse(&b, SEVLM_SIM_COMMAND_ACTIVATE);
	failed(&b, command(&b, KVM_SEV_RECEIVE_START, &params), STATUS);
	ck_assert_uint_eq(params.handle, 0);
	ck_assert_uint_eq(guests(&b), 0);
	ck_assert_uint_eq(asked(&b, SEVLM_SIM_COMMAND_DEACTIVATE), 0);
	ck_assert_uint_eq(asked(&b, SEVLM_SIM_COMMAND_DECOMMISSION), 1);
	ck_assert_int_eq(command(&b, KVM_SEV_RECEIVE_START, &params), 0);
	ck_assert_uint_eq(guests(&b), 1);
}
END_TEST

START_TEST(activate_refused_at_launch)
{
	ck_assert_int_eq(command(&a, KVM_SEV_INIT, NULL), 0);
	refuse(&a, SEVLM_SIM_COMMAND_ACTIVATE);
	failed(&a, launch_start(&a), STATUS);
	ck_assert_uint_eq(guests(&a), 0);
	ck_assert_int_eq(launch_start(&a), 0);
}
END_TEST

/* the driver of the PSP fails: START was done, ACTIVATE was not asked */
START_TEST(activate_does_not_reach_firmware)
{
	sending();
	plant_where(&b, SEVLM_SIM_COMMAND_ACTIVATE, SEVLM_SIM_FAULT_BEFORE);
	answered(&b, receive_start(&a, &b), -EINTR, 0);
	ck_assert_uint_eq(guests(&b), 0);
	ck_assert_int_eq(receive_start(&a, &b), 0);
}
END_TEST

/* KVM believes that it is not active: DECOMMISSION is refused, and guest and
 * ASID are lost, the latter for whoever is given it again */
START_TEST(late_activate_loses_the_asid)
{
	int lost = 0;

	sending();
	late(&b, SEVLM_SIM_COMMAND_ACTIVATE);
	failed(&b, receive_start(&a, &b), STATUS);
	ck_assert_uint_eq(guests(&b), 1);
	failed(&b, receive_start(&a, &b), ASID_OWNED);
	for (int i = 0; i < 2 * ASIDS; i++) {
		renew(&b);
		prepare(&b);
		if (receive_start(&a, &b)) {
			ck_assert_uint_eq(b.error, ASID_OWNED);
			lost++;
		}
	}
	/* the last one was given it, too */
	ck_assert_int_eq(lost, 2);
	ck_assert_uint_eq(guests(&b), 1);
}
END_TEST

START_TEST(decommission_refused_leaves_a_guest)
{
	launch(&a, 0);
	refuse(&a, SEVLM_SIM_COMMAND_DECOMMISSION);
	renew(&a);
	ck_assert_uint_eq(guests(&a), 1);
	for (int i = 0; i < 2 * ASIDS; i++) {
		launch(&a, 0);
		renew(&a);
	}
}
END_TEST

/* the guest keeps its ASID, though its VM is gone */
START_TEST(deactivate_refused_loses_the_asid)
{
	int lost = 0;

	launch(&a, 0);
	refuse(&a, SEVLM_SIM_COMMAND_DEACTIVATE);
	renew(&a);
	ck_assert_uint_eq(guests(&a), 1);
	for (int i = 0; i < ASIDS; i++) {
		lost += sevlm_sim_vm_launch(a.vm, a.ram, NULL, 0, 0) == -EIO;
		renew(&a);
	}
	ck_assert_int_eq(lost, 1);
}
END_TEST

/* ASIDs that were in use come back together, when there is no fresh one; the
 * first DF_FLUSH is the platform's */
START_TEST(asids_are_recycled)
{
	for (uint64_t i = 1; i <= 4 * ASIDS; i++) {
		launch(&a, 0);
		ck_assert_uint_eq(asked(&a, SEVLM_SIM_COMMAND_DF_FLUSH),
				  1 + (i - 1) / ASIDS);
		renew(&a);
	}
	ck_assert_uint_eq(asked(&a, SEVLM_SIM_COMMAND_ACTIVATE), 4 * ASIDS);
	ck_assert_uint_eq(asked(&a, SEVLM_SIM_COMMAND_DEACTIVATE), 4 * ASIDS);
}
END_TEST

static const uint32_t flushes[] = {
	SEVLM_SIM_FAULT_BEFORE, SEVLM_SIM_FAULT_STATUS, SEVLM_SIM_FAULT_LATE};

/* INIT says that there is no ASID, and not why */
START_TEST(flush_refused)
{
	for (int i = 0; i < ASIDS; i++) {
		launch(&a, 0);
		renew(&a);
	}
	plant_where(&a, SEVLM_SIM_COMMAND_DF_FLUSH, flushes[_i]);
	ck_assert_int_eq(command(&a, KVM_SEV_INIT, NULL), -EBUSY);
	ck_assert_uint_eq(a.error, UNTOUCHED);
	ck_assert_int_eq(command(&a, KVM_SEV_INIT, NULL), 0);
}
END_TEST

/* ---- the number of /dev/sev --------------------------------------------- */

#define OTHER_FD (SEVLM_SIM_SEV_FD + 1)

static void set_open(struct side *side, int32_t number, uint32_t open)
{
	ck_assert_int_eq(sevlm_sim_host_open(side->host, number, open), 0);
}

START_TEST(numbers_refused)
{
	ck_assert_int_eq(sevlm_sim_host_open(NULL, SEVLM_SIM_SEV_FD, 1),
			 -EINVAL);
	ck_assert_int_eq(sevlm_sim_host_open(a.host, SEVLM_SIM_SEV_FD, 2),
			 -EINVAL);
	ck_assert_int_eq(sevlm_sim_host_open(a.host, SEVLM_SIM_SEV_FD - 1, 1),
			 -EINVAL);
	ck_assert_int_eq(
		sevlm_sim_host_open(a.host,
				    SEVLM_SIM_SEV_FD + SEVLM_SIM_SEV_FDS, 1),
		-EINVAL);
	ck_assert_int_eq(sevlm_sim_host_open(a.host, -1, 1), -EINVAL);
}
END_TEST

/* looked up at every command; what is passed by then does not count */
START_TEST(a_closed_number)
{
	struct kvm_sev_send_start query = {0}, start = start_params(&a, &b);
	uint64_t before;

	sending();
	set_open(&a, OTHER_FD, 1);
	set_open(&a, SEVLM_SIM_SEV_FD, 0);
	before = asked(&a, KVM_SEV_SEND_UPDATE_DATA);
	for (int32_t fd = SEVLM_SIM_SEV_FD; fd <= OTHER_FD; fd++) {
		ck_assert_int_eq(command_fd(&a, KVM_SEV_SEND_FINISH, NULL, fd),
				 -EBADF);
		ck_assert_uint_eq(a.error, UNTOUCHED);
	}
	ck_assert_int_eq(send_page(&a, 0), -EBADF);
	ck_assert_int_eq(command(&a, KVM_SEV_SEND_START, &query), -EBADF);
	ck_assert_uint_eq(asked(&a, KVM_SEV_SEND_UPDATE_DATA), before);
	/* this one is copied out all the same */
	ck_assert_int_eq(command(&a, KVM_SEV_SEND_START, &start), -EBADF);
	ck_assert_uint_eq(start.policy, 0);
	/* opened under the same number: the same as if nothing had been */
	set_open(&a, SEVLM_SIM_SEV_FD, 1);
	ck_assert_int_eq(send_page(&a, 0), 0);
	ck_assert_uint_eq(guest_state(&a), SEVLM_GUEST_SUPDATE);
}
END_TEST

START_TEST(the_number_of_start_counts)
{
	struct kvm_sev_receive_start params = receive_params(&a);

	sending();
	set_open(&b, OTHER_FD, 1);
	ck_assert_int_eq(
		command_fd(&b, KVM_SEV_RECEIVE_START, &params, OTHER_FD), 0);
	set_open(&b, SEVLM_SIM_SEV_FD, 0);
	ck_assert_uint_eq(guest_state(&b), SEVLM_GUEST_RUPDATE);
	set_open(&b, SEVLM_SIM_SEV_FD, 1);
	set_open(&b, OTHER_FD, 0);
	ck_assert_int_eq(command(&b, KVM_SEV_RECEIVE_FINISH, NULL), -EBADF);
}
END_TEST

START_TEST(a_start_that_failed_does_not_count)
{
	struct kvm_sev_launch_start params = {0};

	launch(&a, 0);
	set_open(&a, OTHER_FD, 1);
	failed(&a, command_fd(&a, KVM_SEV_LAUNCH_START, &params, OTHER_FD),
	       ASID_OWNED);
	set_open(&a, OTHER_FD, 0);
	ck_assert_uint_eq(guest_state(&a), SEVLM_GUEST_RUNNING);
}
END_TEST

/* INIT takes none, nor does the end of a VM */
START_TEST(what_needs_no_number)
{
	ck_assert_int_eq(command_fd(&a, KVM_SEV_INIT, NULL, -1), 0);
	renew(&a);
	launch(&a, 0);
	set_open(&a, SEVLM_SIM_SEV_FD, 0);
	renew(&a);
	ck_assert_uint_eq(guests(&a), 0);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest **tests,
		size_t count)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, sides_up, sides_down);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tc, tests[i]);
	if (tests[0] == activate_refused)
		tcase_add_loop_test(tc, flush_refused, 0,
				    sizeof(flushes) / sizeof(flushes[0]));
	suite_add_tcase(suite, tc);
}

#define COUNT(tests) (sizeof(tests) / sizeof((tests)[0]))

int main(void)
{
	const TTest *lates[] = {
		late_send_start,
		late_updates,
		late_send_finish,
		late_send_cancel,
		late_receive_finish,
		late_receive_start_leaves_a_guest,
		the_same_vm_receives_after_a_late_start,
		late_counts_what_passed,
	};
	const TTest *own[] = {
		activate_refused,
		activate_refused_at_launch,
		activate_does_not_reach_firmware,
		late_activate_loses_the_asid,
		decommission_refused_leaves_a_guest,
		deactivate_refused_loses_the_asid,
		asids_are_recycled,
	};
	const TTest *numbers[] = {
		numbers_refused,
		a_closed_number,
		the_number_of_start_counts,
		a_start_that_failed_does_not_count,
		what_needs_no_number,
	};
	Suite *suite = suite_create("sim-fault");

	add(suite, "late", lates, COUNT(lates));
	add(suite, "KVM's own", own, COUNT(own));
	add(suite, "number", numbers, COUNT(numbers));
	return run_suite(suite);
}
