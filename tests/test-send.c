/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A session: its packets and its end. */
#include "send-fixture.h"

static uint8_t header[SEVLM_PACKET_HEADER_SIZE], payload[PAGE_SIZE];

static void open_session(void)
{
	consent();
	SCRIPT_PLAY(&script, STEPS_TO_START, STEP_START);
	ck_assert_int_eq(start(), 0);
	script_play(&script, NULL, 0);
	ck_assert_ptr_nonnull(send);
}

static void share(uint64_t gpa, uint64_t count)
{
	const uint64_t args[6] = {gpa, count, 0};
	uint64_t answer;

	ck_assert_int_eq(sevlm_vm_hypercall(vm, 12, args, &answer), 0);
	ck_assert_uint_eq(answer, 0);
}

START_TEST(session)
{
	uint8_t blob[SEVLM_SESSION_SIZE], ours[SEVLM_PDH_SIZE];
	uint32_t policy;

	open_session();
	ck_assert_int_eq(sevlm_send_session(send, &policy, ours, blob), 0);
	ck_assert_uint_eq(policy, SEVLM_POLICY_NODBG | SEVLM_POLICY_SEV);
	ck_assert_uint_eq(ours[0], 0x51);
	ck_assert_uint_eq(ours[SEVLM_PDH_SIZE - 1], 0x51);
	ck_assert_uint_eq(blob[0], 0x52);
	ck_assert_uint_eq(blob[SEVLM_SESSION_SIZE - 1], 0x52);
	ck_assert_int_eq(sevlm_send_session(NULL, &policy, ours, blob),
			 -EINVAL);
	ck_assert_int_eq(sevlm_send_session(send, NULL, ours, blob), -EINVAL);
	ck_assert_int_eq(sevlm_send_session(send, &policy, NULL, blob),
			 -EINVAL);
	ck_assert_int_eq(sevlm_send_session(send, &policy, ours, NULL),
			 -EINVAL);
	SCRIPT_PLAY(&script, SCRIPT_OK(KVM_SEV_SEND_CANCEL));
	sevlm_send_free(send);
}
END_TEST

/* ---- packets ---- */

static int packet(uint64_t gpa)
{
	return sevlm_send_packet(send, gpa, header, payload);
}

static void see_page(const struct script_step *step, void *params)
{
	const struct kvm_sev_send_update_data *data = params;

	ck_assert_uint_eq(data->guest_uaddr, (uintptr_t)step->arg);
	ck_assert_uint_eq(data->guest_len, PAGE_SIZE);
}

START_TEST(packets)
{
	open_session();
	SCRIPT_PLAY(
		&script,
		{.id = KVM_SEV_SEND_UPDATE_DATA, .look = see_page, .arg = ram},
		{.id = KVM_SEV_SEND_UPDATE_DATA,
		 .look = see_page,
		 .arg = ram + 0x3000},
		{.id = KVM_SEV_SEND_UPDATE_DATA,
		 .look = see_page,
		 .arg = ram + 0x1000},
		{.id = KVM_SEV_SEND_UPDATE_DATA,
		 .ret = -EIO,
		 .asked = true,
		 .status = 0x09},
		SCRIPT_OK(KVM_SEV_SEND_CANCEL));
	ck_assert_int_eq(packet(RAM_GPA), 0);
	ck_assert_int_eq(packet(RAM_GPA + 0x3000), 0);
	ck_assert_int_eq(packet(PRIVATE_GPA + 0x1000), 0);
	ck_assert_int_eq(packet(RAM_GPA + 0x7000), -EREMOTEIO);
	ck_assert_uint_eq(sevlm_vm_firmware_status(vm), 9);
	sevlm_send_free(send);
}
END_TEST

START_TEST(packet_refusals)
{
	open_session();
	share(RAM_GPA + 0x2000, 1);
	ck_assert_int_eq(packet(RAM_GPA + 0x2000), -EAGAIN);
	ck_assert_int_eq(packet(SHARED_GPA), -EAGAIN);
	ck_assert_int_eq(packet(SKIP_GPA), -EINVAL);
	ck_assert_int_eq(packet(0), -EINVAL);
	ck_assert_int_eq(packet(RAM_GPA + RAM_BYTES), -EINVAL);
	ck_assert_int_eq(packet(RAM_GPA - PAGE_SIZE), -EINVAL);
	ck_assert_int_eq(packet(RAM_GPA + 1), -EINVAL);
	ck_assert_int_eq(packet(RAM_GPA + 0x800), -EINVAL);
	ck_assert_int_eq(packet(1ull << 52), -EINVAL);
	ck_assert_int_eq(packet(-0x1000ull), -EINVAL);
	ck_assert_int_eq(sevlm_send_packet(NULL, RAM_GPA, header, payload),
			 -EINVAL);
	ck_assert_int_eq(sevlm_send_packet(send, RAM_GPA, NULL, payload),
			 -EINVAL);
	ck_assert_int_eq(sevlm_send_packet(send, RAM_GPA, header, NULL),
			 -EINVAL);
	SCRIPT_PLAY(&script, SCRIPT_OK(KVM_SEV_SEND_CANCEL));
	sevlm_send_free(send);
}
END_TEST

/* a vCPU shares the page while firmware reads it */
static void share_meanwhile(const struct script_step *step, void *params)
{
	(void)params;
	share((uint64_t)(uintptr_t)step->arg, 1);
}

START_TEST(packet_changes_meanwhile)
{
	open_session();
	SCRIPT_PLAY(&script,
		    {.id = KVM_SEV_SEND_UPDATE_DATA,
		     .look = share_meanwhile,
		     .arg = (void *)(uintptr_t)RAM_GPA},
		    {.id = KVM_SEV_SEND_UPDATE_DATA,
		     .look = share_meanwhile,
		     .arg = (void *)(uintptr_t)(RAM_GPA + 0x2000)},
		    SCRIPT_OK(KVM_SEV_SEND_CANCEL));
	ck_assert_int_eq(packet(RAM_GPA), -EAGAIN);
	ck_assert_int_eq(packet(RAM_GPA), -EAGAIN);
	/* another page's change does not matter */
	ck_assert_int_eq(packet(RAM_GPA + 0x1000), 0);
	sevlm_send_free(send);
}
END_TEST

/* ---- the end ---- */

static void expect_closed(void)
{
	ck_assert_int_eq(packet(RAM_GPA), -EBADFD);
	ck_assert_int_eq(sevlm_send_finish(send), -EBADFD);
	ck_assert_int_eq(sevlm_send_cancel(send), -EBADFD);
}

static const struct {
	int (*call)(struct sevlm_send *send);
	uint32_t id, done, other;
} ends[] = {
	{sevlm_send_finish, KVM_SEV_SEND_FINISH, SEVLM_GUEST_SENT,
	 SEVLM_GUEST_SUPDATE},
	{sevlm_send_cancel, KVM_SEV_SEND_CANCEL, SEVLM_GUEST_RUNNING,
	 SEVLM_GUEST_SUPDATE},
};
#define ENDS ((int)ARRAY_SIZE(ends))

START_TEST(end)
{
	ck_assert_int_eq(ends[_i].call(NULL), -EINVAL);
	open_session();
	SCRIPT_PLAY(&script, SCRIPT_OK(ends[_i].id));
	ck_assert_int_eq(ends[_i].call(send), 0);
	expect_closed();
	sevlm_send_free(send);
}
END_TEST

/* it failed, but firmware says that it is done */
START_TEST(end_done_after_all)
{
	open_session();
	SCRIPT_PLAY(&script, SCRIPT_FAILED(ends[_i].id, -EINTR),
		    SCRIPT_STATE(ends[_i].done));
	ck_assert_int_eq(ends[_i].call(send), 0);
	expect_closed();
	sevlm_send_free(send);
}
END_TEST

/* it failed, and firmware says so too: it can be tried again */
START_TEST(end_not_done)
{
	open_session();
	SCRIPT_PLAY(&script, SCRIPT_REFUSED(ends[_i].id, 0x02),
		    SCRIPT_STATE(ends[_i].other),
		    SCRIPT_FAILED(ends[_i].id, -EBUSY),
		    SCRIPT_FAILED(KVM_SEV_GUEST_STATUS, -EBUSY),
		    SCRIPT_OK(ends[_i].id));
	ck_assert_int_eq(ends[_i].call(send), -EREMOTEIO);
	ck_assert_uint_eq(sevlm_vm_firmware_status(vm), 2);
	ck_assert_int_eq(ends[_i].call(send), -EIO);
	ck_assert_ptr_nonnull(strstr(sevlm_vm_error(vm), "EBUSY"));
	ck_assert_int_eq(ends[_i].call(send), 0);
	expect_closed();
	sevlm_send_free(send);
}
END_TEST

START_TEST(cancel_unknown_to_firmware)
{
	open_session();
	SCRIPT_PLAY(&script, SCRIPT_REFUSED(KVM_SEV_SEND_CANCEL, 0x11),
		    SCRIPT_STATE(SEVLM_GUEST_SUPDATE),
		    SCRIPT_FAILED(KVM_SEV_SEND_CANCEL, -EINVAL),
		    SCRIPT_STATE(SEVLM_GUEST_SUPDATE),
		    SCRIPT_REFUSED(KVM_SEV_SEND_CANCEL, 0x15),
		    SCRIPT_STATE(SEVLM_GUEST_SUPDATE));
	ck_assert_int_eq(sevlm_send_cancel(send), -ENOTSUP);
	ck_assert_uint_eq(sevlm_vm_firmware_status(vm), 0x11);
	ck_assert_int_eq(sevlm_send_cancel(send), -ENOTSUP);
	sevlm_send_free(send);
}
END_TEST

START_TEST(free_cancels)
{
	sevlm_send_free(NULL);
	open_session();
	SCRIPT_PLAY(&script, SCRIPT_OK(KVM_SEV_SEND_CANCEL));
	sevlm_send_free(send);
	script_play(&script, NULL, 0);
}
END_TEST

/* the guest is sent again after a cancelled attempt */
START_TEST(again)
{
	open_session();
	SCRIPT_PLAY(&script, SCRIPT_OK(KVM_SEV_SEND_CANCEL));
	ck_assert_int_eq(sevlm_send_cancel(send), 0);
	sevlm_send_free(send);
	SCRIPT_PLAY(&script, STEPS_TO_START, STEP_START,
		    SCRIPT_OK(KVM_SEV_SEND_FINISH));
	ck_assert_int_eq(start(), 0);
	ck_assert_int_eq(sevlm_send_finish(send), 0);
	sevlm_send_free(send);
}
END_TEST

static void cases(TCase *tcase)
{
	tcase_add_test(tcase, session);
	tcase_add_test(tcase, packets);
	tcase_add_test(tcase, packet_refusals);
	tcase_add_test(tcase, packet_changes_meanwhile);
	tcase_add_loop_test(tcase, end, 0, ENDS);
	tcase_add_loop_test(tcase, end_done_after_all, 0, ENDS);
	tcase_add_loop_test(tcase, end_not_done, 0, ENDS);
	tcase_add_test(tcase, cancel_unknown_to_firmware);
	tcase_add_test(tcase, free_cancels);
	tcase_add_test(tcase, again);
}

int main(void)
{
	return run_cases("send", cases);
}
