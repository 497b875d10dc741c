/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Firmware that does not answer, and a driver that has given up on it. */
#include <libsevlm/libsevlm.h>

#include "sim-door.h"

#define ASIDS 3 /* of sim-door.h */
#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static int status_of(struct side *side)
{
	struct kvm_sev_guest_status status;

	return command(side, KVM_SEV_GUEST_STATUS, &status);
}

/* the source sends, the target receives */
static void moving(void)
{
	launch(&a, 0);
	prepare(&b);
	ck_assert_int_eq(send_start(&a, &b), 0);
	ck_assert_int_eq(receive_start(&a, &b), 0);
	ck_assert_int_eq(send_page(&a, 1), 0);
}

static void die(struct side *side)
{
	silence(side, KVM_SEV_GUEST_STATUS);
	answered(side, status_of(side), -ETIMEDOUT, 0);
}

static int receive_first(struct side *side)
{
	return receive_page(&a, side, 1);
}

static int send_first(struct side *side)
{
	return send_page(side, 1);
}

static int send_finish(struct side *side)
{
	return command(side, KVM_SEV_SEND_FINISH, NULL);
}

static int send_cancel(struct side *side)
{
	return command(side, KVM_SEV_SEND_CANCEL, NULL);
}

static int receive_finish(struct side *side)
{
	return command(side, KVM_SEV_RECEIVE_FINISH, NULL);
}

static const struct {
	struct side *side;
	uint32_t id;
	int (*run)(struct side *side);
} moves[] = {
	{&a, KVM_SEV_SEND_UPDATE_DATA, send_first},
	{&a, KVM_SEV_SEND_FINISH, send_finish},
	{&a, KVM_SEV_SEND_CANCEL, send_cancel},
	{&a, KVM_SEV_GUEST_STATUS, status_of},
	{&b, KVM_SEV_RECEIVE_UPDATE_DATA, receive_first},
	{&b, KVM_SEV_RECEIVE_FINISH, receive_finish},
	{&b, KVM_SEV_GUEST_STATUS, status_of},
};

static void expect_dead(struct side *side)
{
	for (int i = 0; i < COUNT(moves); i++) {
		uint64_t before = asked(side, moves[i].id);

		if (moves[i].side != side)
			continue;
		answered(side, moves[i].run(side), -EBUSY, UNTOUCHED);
		ck_assert_uint_eq(asked(side, moves[i].id), before);
	}
	answered(side, side == &a ? send_start(&a, &b) : receive_start(&a, &b),
		 -EBUSY, UNTOUCHED);
}

START_TEST(timeout_and_busy_from_then_on)
{
	struct side *side = moves[_i / 2].side;
	uint32_t id = moves[_i / 2].id;
	uint64_t before;

	moving();
	before = asked(side, id);
	plant_status(side, id,
		     _i % 2 ? SEVLM_SIM_FAULT_SILENT_LATE
			    : SEVLM_SIM_FAULT_SILENT,
		     0, 1);
	answered(side, moves[_i / 2].run(side), -ETIMEDOUT, 0);
	ck_assert_uint_eq(asked(side, id), before + 1);
	expect_dead(side);
	/* it is the PSP of one machine, */
	side = side == &a ? &b : &a;
	answered(side, status_of(side), 0, 0);
	/* and no other fault's end brings it back */
	side = side == &a ? &b : &a;
	ck_assert_int_eq(sevlm_sim_host_fail(side->host, NULL), 0);
	expect_dead(side);
}
END_TEST

START_TEST(carried_out_or_not)
{
	uint8_t page[PAGE], moved[PAGE];

	moving();
	plant_status(&b, KVM_SEV_RECEIVE_UPDATE_DATA,
		     _i ? SEVLM_SIM_FAULT_SILENT_LATE : SEVLM_SIM_FAULT_SILENT,
		     0, 1);
	answered(&b, receive_page(&a, &b, 1), -ETIMEDOUT, 0);
	ck_assert_int_eq(sevlm_sim_vm_read(a.vm, PAGE, page, PAGE), 0);
	ck_assert_int_eq(sevlm_sim_vm_read(b.vm, PAGE, moved, PAGE), 0);
	ck_assert_int_eq(!memcmp(page, moved, PAGE), _i);
}
END_TEST

START_TEST(counts_what_passed)
{
	struct sevlm_sim_fault fault = {
		.size = sizeof(fault),
		.command = KVM_SEV_SEND_UPDATE_DATA,
		.where = SEVLM_SIM_FAULT_SILENT,
		.after = 2,
		.times = 1,
	};

	moving();
	ck_assert_int_eq(sevlm_sim_host_fail(a.host, &fault), 0);
	answered(&a, send_page(&a, 0), 0, 0);
	answered(&a, send_page(&a, 1), 0, 0);
	answered(&a, send_page(&a, 2), -ETIMEDOUT, 0);
}
END_TEST

/* The driver copies nothing back, KVM its struct all the same. */
START_TEST(nothing_comes_out_of_send_start)
{
	struct kvm_sev_send_start params = start_params(&a, &b);

	launch(&a, SEVLM_POLICY_NODBG);
	memset(a.session, 0x77, sizeof(a.session));
	plant_status(&a, KVM_SEV_SEND_START,
		     _i ? SEVLM_SIM_FAULT_SILENT_LATE : SEVLM_SIM_FAULT_SILENT,
		     0, 1);
	answered(&a, command(&a, KVM_SEV_SEND_START, &params), -ETIMEDOUT, 0);
	ck_assert_uint_eq(params.policy, 0);
	ck_assert_uint_eq(params.session_len, sizeof(a.session));
	ck_assert_uint_eq(a.session[7], 0x77);
}
END_TEST

START_TEST(queries_say_nothing)
{
	struct kvm_sev_send_start start = {.policy = UNTOUCHED};
	struct kvm_sev_send_update_data update = {.hdr_len = 52};

	launch(&a, 0);
	/* it is no success that could be late */
	plant_status(&a, KVM_SEV_SEND_START, SEVLM_SIM_FAULT_SILENT_LATE, 0, 1);
	answered(&a, command(&a, KVM_SEV_SEND_START, &start), -EIO, 4);
	ck_assert_uint_eq(start.session_len, sizeof(a.session));
	start.session_len = 0;
	silence(&a, KVM_SEV_SEND_START);
	answered(&a, command(&a, KVM_SEV_SEND_START, &start), -ETIMEDOUT, 0);
	ck_assert_uint_eq(start.session_len, 0);
	ck_assert_uint_eq(start.policy, UNTOUCHED);
	answered(&a, command(&a, KVM_SEV_SEND_UPDATE_DATA, &update), -EBUSY,
		 UNTOUCHED);
	ck_assert_uint_eq(update.hdr_len, 0);
}
END_TEST

/* What KVM finds out by itself comes first. */
START_TEST(own_refusals_stay)
{
	struct kvm_sev_send_update_data params = send_params(&a, 0);

	moving();
	die(&a);
	answered(&a, command_fd(&a, KVM_SEV_SEND_FINISH, NULL, -1), -EBUSY,
		 UNTOUCHED);
	params.guest_len = PAGE + 16;
	answered(&a, command(&a, KVM_SEV_SEND_UPDATE_DATA, &params), -EINVAL,
		 UNTOUCHED);
	answered(&a, init(&a), -EINVAL, UNTOUCHED);
	ck_assert_int_eq(sevlm_sim_host_open(a.host, SEVLM_SIM_SEV_FD, 0), 0);
	answered(&a, send_finish(&a), -EBADF, UNTOUCHED);
}
END_TEST

START_TEST(a_guest_runs_on)
{
	const struct sevlm_sim_vm_config config = {
		.size = sizeof(config),
		.seed = 8,
		.memory = BYTES,
		.workload = SEVLM_SIM_RANDOM,
	};
	struct sevlm_sim_exit exit = {.size = sizeof(exit)};

	sevlm_sim_vm_free(a.vm);
	ck_assert_int_eq(sevlm_sim_vm_new(a.host, &config, &a.vm), 0);
	launch(&a, 0);
	ck_assert_int_eq(send_start(&a, &b), 0);
	silence(&a, KVM_SEV_SEND_CANCEL);
	answered(&a, send_cancel(&a), -ETIMEDOUT, 0);
	ck_assert_int_eq(sevlm_sim_vm_run(a.vm, 50, &exit), 0);
	ck_assert_uint_eq(sevlm_sim_vm_steps(a.vm), 50);
	ck_assert_int_eq(sevlm_sim_vm_check(a.vm, NULL, 0), 0);
}
END_TEST

START_TEST(asids_that_were_never_used)
{
	struct side more[ASIDS];

	launch(&a, 0);
	die(&a);
	for (int i = 0; i < ASIDS; i++) {
		more[i] = a;
		more[i].vm = new_vm(a.host);
		answered(&more[i], init(&more[i]), i < 2 ? 0 : -EBUSY,
			 UNTOUCHED);
		if (i < 2)
			answered(&more[i], launch_start(&more[i]), -EBUSY,
				 UNTOUCHED);
	}
	/* what is given up stays so */
	sevlm_sim_vm_free(more[0].vm);
	answered(&more[2], init(&more[2]), -EBUSY, UNTOUCHED);
	sevlm_sim_vm_free(more[1].vm);
	sevlm_sim_vm_free(more[2].vm);
}
END_TEST

START_TEST(no_answer_to_a_flush)
{
	for (int i = 0; i < ASIDS; i++) {
		launch(&a, 0);
		renew(&a);
	}
	silence(&a, SEVLM_SIM_COMMAND_DF_FLUSH);
	answered(&a, init(&a), -EBUSY, UNTOUCHED);
	answered(&a, init(&a), -EBUSY, UNTOUCHED);
	ck_assert_uint_eq(asked(&a, SEVLM_SIM_COMMAND_DF_FLUSH), 2);
}
END_TEST

START_TEST(no_answer_to_activate)
{
	struct kvm_sev_receive_start params = receive_params(&a);

	launch(&a, 0);
	prepare(&b);
	ck_assert_int_eq(send_start(&a, &b), 0);
	silence(&b, SEVLM_SIM_COMMAND_ACTIVATE);
	answered(&b, command(&b, KVM_SEV_RECEIVE_START, &params), -ETIMEDOUT,
		 0);
	ck_assert_uint_eq(params.handle, 0);
	ck_assert_uint_eq(asked(&b, SEVLM_SIM_COMMAND_ACTIVATE), 1);
	ck_assert_uint_eq(asked(&b, SEVLM_SIM_COMMAND_DECOMMISSION), 0);
}
END_TEST

/* Nobody hears of it. */
START_TEST(no_answer_at_the_end)
{
	static const uint32_t ids[] = {SEVLM_SIM_COMMAND_DEACTIVATE,
				       SEVLM_SIM_COMMAND_DECOMMISSION};

	launch(&a, 0);
	silence(&a, ids[_i]);
	renew(&a);
	ck_assert_uint_eq(asked(&a, SEVLM_SIM_COMMAND_DEACTIVATE), 1);
	ck_assert_uint_eq(asked(&a, SEVLM_SIM_COMMAND_DECOMMISSION),
			  (uint64_t)_i);
	answered(&a, init(&a), 0, UNTOUCHED);
	answered(&a, launch_start(&a), -EBUSY, UNTOUCHED);
	renew(&a);
	ck_assert_uint_eq(asked(&a, SEVLM_SIM_COMMAND_DEACTIVATE), 1);
}
END_TEST

START_TEST(dev_sev_is_busy)
{
	struct sev_user_data_pdh_cert_export export = {
		.pdh_cert_address = address(a.pdh),
		.pdh_cert_len = sizeof(a.pdh),
		.cert_chain_address = address(a.chain),
		.cert_chain_len = sizeof(a.chain),
	};
	struct sev_user_data_status status = {.state = 9};
	struct sev_user_data_get_id2 id = {.length = 64};

	launch(&a, 0);
	die(&a);
	answered(&a, dev(&a, SEV_PLATFORM_STATUS, &status), -EBUSY, UNTOUCHED);
	ck_assert_uint_eq(status.state, 9);
	answered(&a, dev(&a, SEV_PLATFORM_STATUS, NULL), -EBUSY, UNTOUCHED);
	answered(&a, dev(&a, SEV_PDH_GEN, NULL), -EBUSY, UNTOUCHED);
	answered(&a, dev(&a, SEV_PEK_GEN, NULL), -EBUSY, UNTOUCHED);
	answered(&a, dev(&a, SEV_GET_ID2, NULL), -EFAULT, UNTOUCHED);
	answered(&a, dev(&a, SEV_GET_ID2, &id), -EBUSY, UNTOUCHED);
	ck_assert_uint_eq(id.length, 0);
	answered(&a, dev(&a, SEV_PDH_CERT_EXPORT, NULL), -EFAULT, UNTOUCHED);
	answered(&a, dev(&a, SEV_PDH_CERT_EXPORT, &export), -EBUSY, UNTOUCHED);
	ck_assert_uint_eq(export.pdh_cert_len, sizeof(a.pdh));
	export.cert_chain_len = 0;
	answered(&a, dev(&a, SEV_PDH_CERT_EXPORT, &export), -EBUSY, UNTOUCHED);
	ck_assert_uint_eq(export.pdh_cert_len, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sim-psp");
	TCase *tc = tcase_create("no answer");

	tcase_add_checked_fixture(tc, sides_up, sides_down);
	tcase_add_loop_test(tc, timeout_and_busy_from_then_on, 0,
			    2 * COUNT(moves));
	tcase_add_loop_test(tc, carried_out_or_not, 0, 2);
	tcase_add_test(tc, counts_what_passed);
	tcase_add_loop_test(tc, nothing_comes_out_of_send_start, 0, 2);
	tcase_add_test(tc, queries_say_nothing);
	tcase_add_test(tc, own_refusals_stay);
	tcase_add_test(tc, a_guest_runs_on);
	tcase_add_test(tc, asids_that_were_never_used);
	tcase_add_test(tc, no_answer_to_a_flush);
	tcase_add_test(tc, no_answer_to_activate);
	tcase_add_loop_test(tc, no_answer_at_the_end, 0, 2);
	tcase_add_test(tc, dev_sev_is_busy);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
