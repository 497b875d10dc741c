/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <libsevlm/libsevlm.h>

#include "sim-door.h"

/* ---- what a VM answers before it is a SEV guest ---- */

START_TEST(probe)
{
	ck_assert_int_eq(vm_ioctl(&a, KVM_MEMORY_ENCRYPT_OP, NULL), 0);
	ck_assert_int_eq(vm_ioctl(&a, KVM_CREATE_IRQCHIP, NULL), -ENOTTY);
}
END_TEST

static const struct {
	uint32_t id;
	int plain; /* on a VM that is no SEV guest */
	int sev; /* on one that was not started, params given */
} ids[] = {
	{KVM_SEV_ES_INIT, -ENOTTY, -ENOTTY},
	{KVM_SEV_LAUNCH_UPDATE_VMSA, -ENOTTY, -ENOTTY},
	{KVM_SEV_LAUNCH_SECRET, -ENOTTY, -EBADF},
	{KVM_SEV_LAUNCH_FINISH, -ENOTTY, -EBADF},
	{KVM_SEV_SEND_START, -ENOTTY, -EBADF},
	{KVM_SEV_SEND_UPDATE_DATA, -ENOTTY, -EBADF},
	{KVM_SEV_SEND_UPDATE_VMSA, -EINVAL, -EINVAL},
	{KVM_SEV_SEND_FINISH, -ENOTTY, -EBADF},
	{KVM_SEV_SEND_CANCEL, -ENOTTY, -EBADF},
	{KVM_SEV_RECEIVE_START, -ENOTTY, -EINVAL},
	{KVM_SEV_RECEIVE_UPDATE_DATA, -EINVAL, -EINVAL},
	{KVM_SEV_RECEIVE_UPDATE_VMSA, -EINVAL, -EINVAL},
	{KVM_SEV_RECEIVE_FINISH, -ENOTTY, -EBADF},
	{KVM_SEV_GUEST_STATUS, -ENOTTY, -EBADF},
	{KVM_SEV_DBG_DECRYPT, -ENOTTY, -EBADF},
	{KVM_SEV_CERT_EXPORT, -EINVAL, -EINVAL},
	{KVM_SEV_NR_MAX, -EINVAL, -EINVAL},
	{0xffffffffu, -EINVAL, -EINVAL},
};

START_TEST(id_before_start)
{
	uint8_t params[128] = {0};

	ck_assert_int_eq(command(&a, ids[_i].id, NULL), ids[_i].plain);
	ck_assert_int_eq(command(&a, KVM_SEV_INIT, NULL), 0);
	ck_assert_int_eq(command(&a, ids[_i].id, params), ids[_i].sev);
	ck_assert_uint_eq(a.error, UNTOUCHED);
	if (ids[_i].id < 32)
		ck_assert_uint_eq(sevlm_sim_host_commands(a.host, ids[_i].id),
				  0);
}
END_TEST

START_TEST(region_of_a_plain_vm)
{
	struct kvm_enc_region region = {address(a.ram), BYTES};

	ck_assert_int_eq(vm_ioctl(&a, KVM_MEMORY_ENCRYPT_REG_REGION, &region),
			 -ENOTTY);
	ck_assert_int_eq(vm_ioctl(&a, KVM_MEMORY_ENCRYPT_UNREG_REGION, &region),
			 -ENOTTY);
	ck_assert_int_eq(vm_ioctl(&a, KVM_MEMORY_ENCRYPT_REG_REGION, NULL),
			 -EFAULT);
}
END_TEST

START_TEST(init_once)
{
	ck_assert_int_eq(command(&a, KVM_SEV_INIT, NULL), 0);
	ck_assert_uint_eq(a.error, UNTOUCHED);
	ck_assert_uint_eq(sevlm_sim_host_commands(a.host, KVM_SEV_INIT), 0);
	ck_assert_int_eq(command(&a, KVM_SEV_INIT, NULL), -EBUSY);
	ck_assert_int_eq(vm_ioctl(&a, KVM_CREATE_VCPU, NULL), 0);
	ck_assert_int_eq(command(&a, KVM_SEV_INIT, NULL), -EINVAL);
}
END_TEST

START_TEST(init_before_vcpus)
{
	ck_assert_int_eq(vm_ioctl(&a, KVM_CREATE_VCPU, (void *)1), -EINVAL);
	ck_assert_int_ge(vm_ioctl(&a, KVM_CREATE_VCPU, NULL), 0);
	ck_assert_int_eq(vm_ioctl(&a, KVM_CREATE_VCPU, NULL), -EEXIST);
	ck_assert_int_eq(command(&a, KVM_SEV_INIT, NULL), -EINVAL);
}
END_TEST

/* three ASIDs: the fourth guest waits until one is gone */
START_TEST(asids_run_out)
{
	struct side more[3];

	launch(&a, 0);
	for (int i = 0; i < 3; i++) {
		more[i] = a;
		more[i].vm = new_vm(a.host);
		ck_assert_int_eq(command(&more[i], KVM_SEV_INIT, NULL),
				 i < 2 ? 0 : -EBUSY);
	}
	sevlm_sim_vm_free(more[0].vm);
	ck_assert_int_eq(command(&more[2], KVM_SEV_INIT, NULL), 0);
	sevlm_sim_vm_free(more[1].vm);
	sevlm_sim_vm_free(more[2].vm);
}
END_TEST

START_TEST(asids_do_not_leak)
{
	struct sev_user_data_status status;
	uint32_t error;

	for (int i = 0; i < 64; i++) {
		launch(&a, 0);
		if (i % 3 == 1)
			ck_assert_int_eq(send_start(&a, &b), 0);
		renew(&a);
	}
	ck_assert_int_eq(dev_sev(a.host, SEV_PLATFORM_STATUS, &status, &error),
			 0);
	ck_assert_uint_eq(status.guest_count, 0);
	ck_assert_uint_eq(status.state, 1);
}
END_TEST

/* neither where firmware refuses, nor where ACTIVATE does */
START_TEST(refused_starts_do_not_leak)
{
	struct sev_user_data_status status;
	uint32_t error;

	launch(&a, 0);
	prepare(&b);
	ck_assert_int_eq(send_start(&a, &b), 0);
	for (int i = 0; i < 300; i++) {
		if (i == 150)
			ck_assert_int_eq(receive_start(&a, &b), 0);
		a.session[20] ^= i < 150;
		ck_assert_int_eq(receive_start(&a, &b), -EIO);
		ck_assert_uint_eq(b.error, i < 150 ? 0x0b : 0x0c);
		a.session[20] ^= i < 150;
	}
	ck_assert_int_eq(dev_sev(b.host, SEV_PLATFORM_STATUS, &status, &error),
			 0);
	ck_assert_uint_eq(status.guest_count, 1);
}
END_TEST

START_TEST(capabilities)
{
	const struct sevlm_kernel_ops *ops = sevlm_sim_ops();
	struct kvm_enable_cap cap = {.cap = KVM_CAP_EXIT_HYPERCALL};

	ck_assert_int_eq(ops->host(a.vm, KVM_GET_API_VERSION, NULL), 12);
	for (int i = 0; i < 2; i++) {
		int (*ask)(void *, uint32_t, void *) = i ? ops->vm : ops->host;

		ck_assert_int_eq(ask(a.vm, KVM_CHECK_EXTENSION,
				     (void *)KVM_CAP_EXIT_HYPERCALL),
				 1 << 12);
		ck_assert_int_eq(ask(a.vm, KVM_CHECK_EXTENSION,
				     (void *)KVM_CAP_X86_USER_SPACE_MSR),
				 1);
		ck_assert_int_eq(ask(a.vm, KVM_CHECK_EXTENSION,
				     (void *)KVM_CAP_X86_MSR_FILTER),
				 1);
		ck_assert_int_eq(ask(a.vm, KVM_CHECK_EXTENSION,
				     (void *)KVM_CAP_DIRTY_LOG_RING),
				 0);
	}
	ck_assert_int_eq(ops->host(a.vm, KVM_CREATE_VM, NULL), -ENOTTY);
	cap.args[0] = 1 << 12;
	ck_assert_int_eq(vm_ioctl(&a, KVM_ENABLE_CAP, &cap), 0);
	cap.args[0] = 1 << 11;
	ck_assert_int_eq(vm_ioctl(&a, KVM_ENABLE_CAP, &cap), -EINVAL);
	cap.cap = KVM_CAP_DIRTY_LOG_RING;
	ck_assert_int_eq(vm_ioctl(&a, KVM_ENABLE_CAP, &cap), -EINVAL);
}
END_TEST

/* ---- the descriptor ---- */

START_TEST(wrong_fd_at_start)
{
	struct kvm_sev_launch_start params = {0};

	ck_assert_int_eq(command(&a, KVM_SEV_INIT, NULL), 0);
	ck_assert_int_eq(command_fd(&a, KVM_SEV_LAUNCH_START, &params, 3),
			 -EBADF);
	ck_assert_uint_eq(a.error, UNTOUCHED);
	ck_assert_int_eq(command(&a, KVM_SEV_LAUNCH_START, &params), 0);
	ck_assert_uint_ne(params.handle, 0);
}
END_TEST

START_TEST(fd_of_later_commands_is_ignored)
{
	launch(&a, 0);
	prepare(&b);
	ck_assert_int_eq(command_fd(&a, KVM_SEV_SEND_CANCEL, NULL, -1), -EIO);
	ck_assert_uint_eq(a.error, 2);
	ck_assert_int_eq(send_start(&a, &b), 0);
	ck_assert_int_eq(command_fd(&a, KVM_SEV_SEND_CANCEL, NULL, -1), 0);
	ck_assert_uint_eq(a.error, 0);
}
END_TEST

START_TEST(wrong_fd_at_receive_start)
{
	struct kvm_sev_receive_start params = receive_params(&a);

	launch(&a, 0);
	prepare(&b);
	ck_assert_int_eq(send_start(&a, &b), 0);
	ck_assert_int_eq(command_fd(&b, KVM_SEV_RECEIVE_START, &params, 5),
			 -EBADF);
	ck_assert_uint_eq(b.error, UNTOUCHED);
}
END_TEST

/* ---- launch ---- */

START_TEST(launch_with_a_guest_owner)
{
	uint8_t blob[16] = {0};
	struct kvm_sev_launch_start params = {
		.dh_uaddr = address(blob),
		.dh_len = 16385,
	};

	ck_assert_int_eq(command(&a, KVM_SEV_INIT, NULL), 0);
	ck_assert_int_eq(command(&a, KVM_SEV_LAUNCH_START, &params), -EINVAL);
	params.dh_len = sizeof(blob);
	ck_assert_int_eq(command(&a, KVM_SEV_LAUNCH_START, &params), -EIO);
	ck_assert_uint_eq(a.error, 0x15);
}
END_TEST

START_TEST(launch_twice)
{
	struct kvm_sev_launch_start params = {0};

	launch(&a, 0);
	ck_assert_int_eq(command(&a, KVM_SEV_LAUNCH_START, &params), -EIO);
	ck_assert_uint_eq(a.error, 0x0c);
	ck_assert_uint_eq(guest_state(&a), SEVLM_GUEST_RUNNING);
}
END_TEST

START_TEST(launch_update_checks)
{
	struct kvm_sev_launch_update_data update = {address(a.ram), 0};
	struct kvm_sev_launch_start start = {0};

	prepare(&a);
	ck_assert_int_eq(command(&a, KVM_SEV_LAUNCH_START, &start), 0);
	ck_assert_int_eq(command(&a, KVM_SEV_LAUNCH_UPDATE_DATA, &update),
			 -EINVAL);
	update.len = BYTES + PAGE;
	ck_assert_int_eq(command(&a, KVM_SEV_LAUNCH_UPDATE_DATA, &update),
			 -ENOMEM);
	ck_assert_uint_eq(a.error, UNTOUCHED);
	for (unsigned int i = 0; i < BYTES; i++)
		ck_assert_uint_eq(a.ram[i], 0);
	update.len = 8;
	ck_assert_int_eq(command(&a, KVM_SEV_LAUNCH_UPDATE_DATA, &update),
			 -EIO);
	ck_assert_uint_eq(a.error, 4);
	update.len = BYTES;
	ck_assert_int_eq(command(&a, KVM_SEV_LAUNCH_UPDATE_DATA, &update), 0);
	ck_assert_int_eq(command(&a, KVM_SEV_LAUNCH_UPDATE_DATA, NULL),
			 -EFAULT);
}
END_TEST

/* firmware was asked by then */
START_TEST(guest_status_has_nowhere_to_go)
{
	launch(&a, 0);
	ck_assert_int_eq(command(&a, KVM_SEV_GUEST_STATUS, NULL), -EFAULT);
	ck_assert_uint_eq(a.error, 0);
	ck_assert_uint_eq(sevlm_sim_host_commands(a.host, KVM_SEV_GUEST_STATUS),
			  1);
}
END_TEST

START_TEST(launch_measure_query)
{
	uint8_t buf[64];
	struct kvm_sev_launch_measure measure = {address(buf), 0};
	struct kvm_sev_launch_start start = {0};

	memset(buf, 0x77, sizeof(buf));
	ck_assert_int_eq(command(&a, KVM_SEV_INIT, NULL), 0);
	ck_assert_int_eq(command(&a, KVM_SEV_LAUNCH_START, &start), 0);
	ck_assert_int_eq(command(&a, KVM_SEV_LAUNCH_MEASURE, &measure), -EIO);
	ck_assert_uint_eq(a.error, 4);
	ck_assert_uint_eq(measure.len, 48);
	measure.len = 16385;
	ck_assert_int_eq(command(&a, KVM_SEV_LAUNCH_MEASURE, &measure),
			 -EINVAL);
	measure.len = 40;
	ck_assert_int_eq(command(&a, KVM_SEV_LAUNCH_MEASURE, &measure), -EIO);
	ck_assert_uint_eq(buf[0], 0x77);
	measure.len = sizeof(buf);
	ck_assert_int_eq(command(&a, KVM_SEV_LAUNCH_MEASURE, &measure), 0);
	ck_assert_uint_eq(measure.len, 48);
	ck_assert_uint_eq(buf[63], 0);
}
END_TEST

int main(void)
{
	const TTest *tests[] = {probe,
				region_of_a_plain_vm,
				init_once,
				init_before_vcpus,
				asids_run_out,
				asids_do_not_leak,
				refused_starts_do_not_leak,
				capabilities,
				wrong_fd_at_start,
				wrong_fd_at_receive_start,
				fd_of_later_commands_is_ignored,
				launch_with_a_guest_owner,
				launch_twice,
				launch_update_checks,
				guest_status_has_nowhere_to_go,
				launch_measure_query};
	Suite *suite = suite_create("sim-kvm");
	TCase *tc = tcase_create("vm");

	tcase_add_checked_fixture(tc, sides_up, sides_down);
	tcase_add_loop_test(tc, id_before_start, 0,
			    sizeof(ids) / sizeof(ids[0]));
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
