/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What KVM itself answers to SEND and RECEIVE, and pages that move. */
#include <libsevlm/libsevlm.h>

#include "sim-door.h"

/* ---- SEND_START ---- */

START_TEST(send_start_query)
{
	struct kvm_sev_send_start params = {.policy = UNTOUCHED};

	launch(&a, SEVLM_POLICY_NODBG);
	ck_assert_int_eq(command(&a, KVM_SEV_SEND_START, &params), -EIO);
	ck_assert_uint_eq(a.error, 4);
	ck_assert_uint_eq(params.session_len, 128);
	params = start_params(&a, &b);
	ck_assert_int_eq(command(&a, KVM_SEV_SEND_START, &params), 0);
	ck_assert_uint_eq(params.policy, SEVLM_POLICY_NODBG);
	ck_assert_uint_eq(guest_state(&a), SEVLM_GUEST_SUPDATE);
	params.session_len = 0;
	ck_assert_int_eq(command(&a, KVM_SEV_SEND_START, &params), -EIO);
	ck_assert_uint_eq(a.error, 2);
}
END_TEST

START_TEST(send_start_needs_every_blob)
{
	struct kvm_sev_send_start params;
	__u64 *addresses[] = {&params.pdh_cert_uaddr, &params.plat_certs_uaddr,
			      &params.amd_certs_uaddr, &params.session_uaddr};
	__u32 *sizes[] = {&params.pdh_cert_len, &params.plat_certs_len,
			  &params.amd_certs_len, &params.session_len};

	launch(&a, 0);
	for (int i = 0; i < 11; i++) {
		params = start_params(&a, &b);
		if (i < 4)
			*addresses[i] = 0;
		else
			*sizes[i % 4] = i < 8 ? 16385 : 0;
		if (!params.session_len)
			continue;
		ck_assert_int_eq(command(&a, KVM_SEV_SEND_START, &params),
				 -EINVAL);
		ck_assert_uint_eq(a.error, UNTOUCHED);
	}
	ck_assert_uint_eq(sevlm_sim_host_commands(a.host, KVM_SEV_SEND_START),
			  0);
}
END_TEST

START_TEST(send_start_refused_copies_no_session)
{
	struct kvm_sev_send_start params = start_params(&a, &b);

	launch(&a, 0);
	memset(a.session, 0x77, sizeof(a.session));
	params.pdh_cert_len--;
	params.session_len = 100;
	ck_assert_int_eq(command(&a, KVM_SEV_SEND_START, &params), -EIO);
	ck_assert_uint_eq(a.error, 4);
	ck_assert_uint_eq(params.session_len, 128);
	ck_assert_uint_eq(params.policy, 0);
	for (size_t i = 0; i < sizeof(a.session); i++)
		ck_assert_uint_eq(a.session[i], 0x77);
}
END_TEST

/* ---- SEND_UPDATE_DATA ---- */

static void sending(void)
{
	launch(&a, 0);
	prepare(&b);
	ck_assert_int_eq(send_start(&a, &b), 0);
}

START_TEST(send_update_query)
{
	struct kvm_sev_send_update_data params = {0};

	sending();
	ck_assert_int_eq(command(&a, KVM_SEV_SEND_UPDATE_DATA, &params), -EIO);
	ck_assert_uint_eq(a.error, 4);
	ck_assert_uint_eq(params.hdr_len, 52);
	params = send_params(&a, 0);
	params.trans_len = 0;
	ck_assert_int_eq(command(&a, KVM_SEV_SEND_UPDATE_DATA, &params), -EIO);
	ck_assert_uint_eq(params.hdr_len, 52);
}
END_TEST

START_TEST(send_update_checks)
{
	sending();
	for (int i = 0; i < 9; i++) {
		static const int want[] = {-EINVAL, -EINVAL, -EINVAL,
					   -EINVAL, -EINVAL, -EINVAL,
					   -ENOMEM, -ENOMEM, -ENOMEM};
		struct kvm_sev_send_update_data params = send_params(&a, 0);

		params.hdr_uaddr *= i != 0;
		params.guest_uaddr *= i != 1;
		params.guest_len *= i != 2;
		params.trans_uaddr *= i != 3;
		params.guest_len += i == 4;
		params.guest_uaddr += i == 5 ? 16 : 0;
		if (i == 6)
			params.hdr_len = 0xffffffffu;
		if (i == 7)
			params.trans_len = 0xffffffffu;
		if (i == 8)
			params.guest_uaddr = address(b.ram);
		ck_assert_int_eq(command(&a, KVM_SEV_SEND_UPDATE_DATA, &params),
				 want[i]);
		ck_assert_uint_eq(a.error, UNTOUCHED);
	}
	ck_assert_uint_eq(
		sevlm_sim_host_commands(a.host, KVM_SEV_SEND_UPDATE_DATA), 0);
}
END_TEST

/* whole buffers come back, lengths do not */
START_TEST(send_update_larger_buffers)
{
	static uint8_t header[80], trans[2 * PAGE];
	struct kvm_sev_send_update_data params = send_params(&a, 0);

	sending();
	memset(header, 0x77, sizeof(header));
	memset(trans, 0x77, sizeof(trans));
	params.hdr_uaddr = address(header);
	params.hdr_len = sizeof(header) - 8;
	params.trans_uaddr = address(trans);
	params.trans_len = sizeof(trans) - 8;
	ck_assert_int_eq(command(&a, KVM_SEV_SEND_UPDATE_DATA, &params), 0);
	ck_assert_uint_eq(params.hdr_len, sizeof(header) - 8);
	ck_assert_uint_eq(params.trans_len, sizeof(trans) - 8);
	for (size_t i = 52; i < sizeof(header); i++)
		ck_assert_uint_eq(header[i], i < 72 ? 0 : 0x77);
	for (size_t i = PAGE; i < sizeof(trans); i++)
		ck_assert_uint_eq(trans[i], i < 2 * PAGE - 8 ? 0 : 0x77);
}
END_TEST

START_TEST(unpinned_memory)
{
	struct kvm_enc_region region = {address(a.ram), BYTES};

	sending();
	ck_assert_int_eq(vm_ioctl(&a, KVM_MEMORY_ENCRYPT_UNREG_REGION, &region),
			 0);
	ck_assert_int_eq(send_page(&a, 0), -ENOMEM);
	ck_assert_uint_eq(a.error, UNTOUCHED);
	/* KVM pins first, whatever state the guest is in */
	ck_assert_int_eq(command(&a, KVM_SEV_SEND_CANCEL, NULL), 0);
	ck_assert_int_eq(send_page(&a, 0), -ENOMEM);
	ck_assert_uint_eq(a.error, UNTOUCHED);
}
END_TEST

/* ---- RECEIVE ---- */

START_TEST(receive_start_checks)
{
	sending();
	for (int i = 0; i < 6; i++) {
		struct kvm_sev_receive_start params = receive_params(&a);

		params.pdh_uaddr *= i != 0;
		params.pdh_len *= i != 1;
		params.session_uaddr *= i != 2;
		params.session_len *= i != 3;
		if (i == 4)
			params.pdh_len = 16385;
		if (i == 5)
			params.session_len = 16385;
		ck_assert_int_eq(command(&b, KVM_SEV_RECEIVE_START, &params),
				 -EINVAL);
		ck_assert_uint_eq(b.error, UNTOUCHED);
	}
}
END_TEST

START_TEST(receive_start_replaces_launch_start)
{
	struct kvm_sev_launch_start start = {0};
	struct kvm_sev_receive_start params = receive_params(&a);

	sending();
	ck_assert_int_eq(command(&b, KVM_SEV_RECEIVE_START, &params), 0);
	ck_assert_uint_ne(params.handle, 0);
	ck_assert_uint_eq(guest_state(&b), SEVLM_GUEST_RUPDATE);
	ck_assert_int_eq(command(&b, KVM_SEV_LAUNCH_START, &start), -EIO);
	ck_assert_uint_eq(b.error, 0x0c);
}
END_TEST

START_TEST(receive_update_checks)
{
	sending();
	ck_assert_int_eq(send_page(&a, 0), 0);
	ck_assert_int_eq(receive_start(&a, &b), 0);
	for (int i = 0; i < 11; i++) {
		struct kvm_sev_receive_update_data params =
			update_params(&a, &b, 0);

		params.hdr_uaddr *= i != 0;
		params.hdr_len *= i != 1;
		params.guest_uaddr *= i != 2;
		params.guest_len *= i != 3;
		params.trans_uaddr *= i != 4;
		params.trans_len *= i != 5;
		params.guest_len += i == 6;
		params.guest_uaddr += i == 7 ? 16 : 0;
		if (i == 8)
			params.hdr_len = 16385;
		if (i == 9)
			params.trans_len = 16385;
		if (i == 10)
			params.guest_uaddr = address(a.ram);
		ck_assert_int_eq(
			command(&b, KVM_SEV_RECEIVE_UPDATE_DATA, &params),
			i == 10 ? -ENOMEM : -EINVAL);
		ck_assert_uint_eq(b.error, UNTOUCHED);
	}
	ck_assert_int_eq(receive_page(&a, &b, 0), 0);
}
END_TEST

START_TEST(page_moves)
{
	static uint8_t before[BYTES], after[BYTES];

	sending();
	ck_assert_int_eq(sevlm_sim_vm_read(a.vm, 0, before, PAGE), 0);
	ck_assert_int_eq(receive_start(&a, &b), 0);
	for (uint32_t i = 0; i < PAGES; i++) {
		ck_assert_int_eq(send_page(&a, i), 0);
		ck_assert_int_eq(receive_page(&a, &b, i), 0);
		ck_assert_int_eq(
			sevlm_sim_vm_read(a.vm, i * PAGE, before, PAGE), 0);
		ck_assert_int_eq(sevlm_sim_vm_read(b.vm, i * PAGE, after, PAGE),
				 0);
		ck_assert_mem_eq(before, after, PAGE);
	}
	ck_assert_mem_ne(a.ram, b.ram, 64);
	ck_assert_int_eq(command(&b, KVM_SEV_RECEIVE_FINISH, NULL), 0);
	ck_assert_int_eq(command(&a, KVM_SEV_SEND_FINISH, NULL), 0);
	ck_assert_uint_eq(guest_state(&b), SEVLM_GUEST_RUNNING);
	ck_assert_uint_eq(guest_state(&a), SEVLM_GUEST_SENT);
	ck_assert_uint_eq(
		sevlm_sim_host_commands(b.host, KVM_SEV_RECEIVE_UPDATE_DATA),
		PAGES);
}
END_TEST

START_TEST(pdh_gen_between)
{
	uint32_t error;

	sending();
	ck_assert_int_eq(dev_sev(b.host, SEV_PDH_GEN, NULL, &error), 0);
	ck_assert_int_eq(receive_start(&a, &b), -EIO);
	ck_assert_uint_eq(b.error, 0x0b);
	fetch_certs(&b);
	ck_assert_int_eq(command(&a, KVM_SEV_SEND_CANCEL, NULL), 0);
	ck_assert_int_eq(send_start(&a, &b), 0);
	ck_assert_int_eq(receive_start(&a, &b), 0);
}
END_TEST

int main(void)
{
	const TTest *tests[] = {send_start_query,
				send_start_needs_every_blob,
				send_start_refused_copies_no_session,
				send_update_query,
				send_update_checks,
				send_update_larger_buffers,
				unpinned_memory,
				receive_start_checks,
				receive_start_replaces_launch_start,
				receive_update_checks,
				page_moves,
				pdh_gen_between};
	Suite *suite = suite_create("sim-kvm-move");
	TCase *tc = tcase_create("move");

	tcase_add_checked_fixture(tc, sides_up, sides_down);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
