/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "certs.h"
#include "check-main.h"
#include "internal.h"
#include "script.h"

#define RAM_GPA 0x100000ull
#define RAM_BYTES 0x8000ull
#define SKIP_GPA 0x200000ull
#define SHARED_GPA 0x300000ull
#define PRIVATE_GPA 0x400000ull

static struct script script;
static struct sevlm_vm *vm;
static struct sevlm_receive *receive;
static struct certs certs;
static struct sevlm_trust *trust;
static struct sevlm_peer peer;
static uint8_t session[SEVLM_SESSION_SIZE];
static uint8_t header[SEVLM_PACKET_HEADER_SIZE], payload[PAGE_SIZE];
static uint8_t ram[RAM_BYTES] __attribute__((aligned(PAGE_SIZE)));

static void add(uint64_t gpa, uint32_t type)
{
	ck_assert_int_eq(sevlm_vm_add_region(vm, gpa, RAM_BYTES, ram, type), 0);
}

/* once: chains take their time to make */
static void make_all(void)
{
	certs_of_seed(&certs, 23);
	trust = certs_trust(&certs);
}

static void set_up(void)
{
	vm = script_vm(&script);
	receive = NULL;
	peer = certs_peer(&certs);
	add(RAM_GPA, SEVLM_REGION_TRACKED);
	add(SKIP_GPA, SEVLM_REGION_SKIP);
	add(SHARED_GPA, SEVLM_REGION_SHARED);
	add(PRIVATE_GPA, SEVLM_REGION_PRIVATE);
}

static void tear_down(void)
{
	script_end(&script);
	sevlm_receive_free(receive);
	sevlm_vm_free(vm);
}

/* a guest that was not started has no state yet */
#define STEP_FRESH STEP_API, SCRIPT_FAILED(KVM_SEV_GUEST_STATUS, -EBADF)
/* and this platform is asked what it is */
#define STEP_API                                                               \
	{                                                                      \
		.door = SCRIPT_SEV, .id = SEV_PLATFORM_STATUS,                 \
		.answer =                                                      \
			&(const struct sev_user_data_status){.api_minor = 24}, \
		.bytes = sizeof(struct sev_user_data_status)                   \
	}

static int start(uint32_t policy)
{
	return sevlm_receive_start(vm, &peer, trust, policy, session, &receive);
}

static void open_session(void)
{
	SCRIPT_PLAY(&script, STEP_FRESH, SCRIPT_OK(KVM_SEV_RECEIVE_START));
	ck_assert_int_eq(start(1), 0);
	script_play(&script, NULL, 0);
	ck_assert_ptr_nonnull(receive);
}

/* ---- start ---- */

START_TEST(arguments)
{
	struct sevlm_trust *nobody;
	struct sevlm_peer bad = peer;

	ck_assert_int_eq(
		sevlm_receive_start(NULL, &peer, trust, 1, session, &receive),
		-EINVAL);
	ck_assert_int_eq(
		sevlm_receive_start(vm, NULL, trust, 1, session, &receive),
		-EINVAL);
	ck_assert_int_eq(
		sevlm_receive_start(vm, &peer, NULL, 1, session, &receive),
		-EINVAL);
	ck_assert_int_eq(
		sevlm_receive_start(vm, &peer, trust, 1, NULL, &receive),
		-EINVAL);
	ck_assert_int_eq(
		sevlm_receive_start(vm, &peer, trust, 1, session, NULL),
		-EINVAL);
	bad.amd = NULL;
	ck_assert_int_eq(
		sevlm_receive_start(vm, &bad, trust, 1, session, &receive),
		-EINVAL);
	ck_assert_int_eq(sevlm_trust_new(&nobody), 0);
	ck_assert_int_eq(
		sevlm_receive_start(vm, &peer, nobody, 1, session, &receive),
		-EINVAL);
	sevlm_trust_free(nobody);
	ck_assert_int_eq(sevlm_receive_finish(NULL), -EINVAL);
	sevlm_receive_free(NULL);
}
END_TEST

/* before the first command */
START_TEST(policy)
{
	ck_assert_int_eq(start(SEVLM_POLICY_ES), -EPERM);
	ck_assert_ptr_nonnull(strstr(sevlm_vm_error(vm), "ES"));
	ck_assert_int_eq(start(SEVLM_POLICY_NOSEND), -EPERM);
	ck_assert_ptr_null(receive);
}
END_TEST

START_TEST(policy_with_reserved_bits)
{
	ck_assert_int_eq(start(1 << 6), -EPERM);
	ck_assert_ptr_null(receive);
}
END_TEST

/* nothing is asked of KVM */
START_TEST(platform_below_the_api_that_the_policy_asks_for)
{
	SCRIPT_PLAY(&script, STEP_API);
	ck_assert_int_eq(start(0x19000000), -EPERM);
	ck_assert_ptr_nonnull(strstr(sevlm_vm_error(vm), "0.24"));
	ck_assert_ptr_null(receive);
	SCRIPT_PLAY(&script, STEP_FRESH, SCRIPT_OK(KVM_SEV_RECEIVE_START));
	ck_assert_int_eq(start(0x18000000), 0);
}
END_TEST

START_TEST(platform_that_does_not_say_what_it_is)
{
	SCRIPT_PLAY(&script, {.door = SCRIPT_SEV,
			      .id = SEV_PLATFORM_STATUS,
			      .ret = -EIO,
			      .asked = true,
			      .status = 1});
	ck_assert_int_eq(start(1), -EREMOTEIO);
	ck_assert_ptr_nonnull(strstr(sevlm_vm_error(vm), "PLATFORM_STATUS"));
	ck_assert_ptr_null(receive);
}
END_TEST

START_TEST(source_that_is_not_trusted)
{
	struct certs bad = certs;

	peer = certs_peer(&bad);
	bad.chain[AT_OCA + 1060] ^= 1;
	ck_assert_int_eq(start(1), -EKEYREJECTED);
	ck_assert_ptr_nonnull(strstr(sevlm_vm_error(vm), "source's platform"));
	ck_assert_ptr_nonnull(strstr(sevlm_vm_error(vm), "OCA"));
	ck_assert_ptr_null(receive);
}
END_TEST

START_TEST(start_refused)
{
	SCRIPT_PLAY(&script, STEP_FRESH,
		    SCRIPT_REFUSED(KVM_SEV_RECEIVE_START, 0x0b),
		    SCRIPT_STATE(SEVLM_GUEST_UNINIT));
	ck_assert_int_eq(start(1), -EREMOTEIO);
	ck_assert_uint_eq(sevlm_vm_firmware_status(vm), 0x0b);
	ck_assert_ptr_null(receive);
	SCRIPT_PLAY(&script, STEP_FRESH,
		    SCRIPT_FAILED(KVM_SEV_RECEIVE_START, -EFAULT),
		    SCRIPT_REFUSED(KVM_SEV_GUEST_STATUS, 0x10));
	ck_assert_int_eq(start(1), -EIO);
	ck_assert_ptr_nonnull(strstr(sevlm_vm_error(vm), "EFAULT"));
	ck_assert_ptr_null(receive);
}
END_TEST

/* firmware has started, only the handle's copy failed */
START_TEST(start_done_after_all)
{
	SCRIPT_PLAY(&script, STEP_FRESH,
		    SCRIPT_FAILED(KVM_SEV_RECEIVE_START, -EFAULT),
		    SCRIPT_STATE(SEVLM_GUEST_RUPDATE),
		    SCRIPT_OK(KVM_SEV_RECEIVE_UPDATE_DATA));
	ck_assert_int_eq(start(1), 0);
	ck_assert_int_eq(
		sevlm_receive_packet(receive, RAM_GPA, header, payload), 0);
}
END_TEST

/* what the state says then would be about the first session */
START_TEST(start_twice)
{
	struct sevlm_receive *second = NULL;

	open_session();
	SCRIPT_PLAY(&script, STEP_API, SCRIPT_STATE(SEVLM_GUEST_RUPDATE));
	ck_assert_int_eq(
		sevlm_receive_start(vm, &peer, trust, 1, session, &second),
		-EBADFD);
	ck_assert_ptr_null(second);
	ck_assert_str_ne(sevlm_vm_error(vm), "");
}
END_TEST

START_TEST(start_of_a_running_guest)
{
	SCRIPT_PLAY(&script, STEP_API, SCRIPT_STATE(SEVLM_GUEST_RUNNING),
		    SCRIPT_FAILED(KVM_SEV_RECEIVE_START, -EINVAL),
		    SCRIPT_STATE(SEVLM_GUEST_RUNNING));
	ck_assert_int_eq(start(1), -ENOTSUP);
	ck_assert_ptr_null(receive);
}
END_TEST

/* ---- packets ---- */

static int packet(uint64_t gpa)
{
	return sevlm_receive_packet(receive, gpa, header, payload);
}

static void see_page(const struct script_step *step, void *params)
{
	const struct kvm_sev_receive_update_data *data = params;

	ck_assert_uint_eq(data->guest_uaddr, (uintptr_t)step->arg);
	ck_assert_uint_eq(data->hdr_uaddr, (uintptr_t)header);
	ck_assert_uint_eq(data->trans_uaddr, (uintptr_t)payload);
}

START_TEST(packets)
{
	open_session();
	SCRIPT_PLAY(&script,
		    {.id = KVM_SEV_RECEIVE_UPDATE_DATA,
		     .look = see_page,
		     .arg = ram + 0x7000},
		    {.id = KVM_SEV_RECEIVE_UPDATE_DATA,
		     .look = see_page,
		     .arg = ram},
		    SCRIPT_REFUSED(KVM_SEV_RECEIVE_UPDATE_DATA, 0x0b));
	ck_assert_int_eq(packet(RAM_GPA + 0x7000), 0);
	ck_assert_int_eq(packet(PRIVATE_GPA), 0);
	ck_assert_int_eq(packet(RAM_GPA), -EREMOTEIO);
	ck_assert_ptr_nonnull(strstr(sevlm_vm_error(vm), "BAD_MEASUREMENT"));
}
END_TEST

START_TEST(packet_refusals)
{
	open_session();
	ck_assert_int_eq(packet(SKIP_GPA), -EINVAL);
	ck_assert_int_eq(packet(SHARED_GPA), -EINVAL);
	ck_assert_int_eq(packet(0), -EINVAL);
	ck_assert_int_eq(packet(RAM_GPA - PAGE_SIZE), -EINVAL);
	ck_assert_int_eq(packet(RAM_GPA + RAM_BYTES), -EINVAL);
	ck_assert_int_eq(packet(RAM_GPA + 1), -EINVAL);
	ck_assert_int_eq(packet(-0x1000ull), -EINVAL);
	ck_assert_int_eq(sevlm_receive_packet(NULL, RAM_GPA, header, payload),
			 -EINVAL);
	ck_assert_int_eq(sevlm_receive_packet(receive, RAM_GPA, NULL, payload),
			 -EINVAL);
	ck_assert_int_eq(sevlm_receive_packet(receive, RAM_GPA, header, NULL),
			 -EINVAL);
}
END_TEST

/* ---- finish ---- */

static void expect_closed(void)
{
	ck_assert_int_eq(packet(RAM_GPA), -EBADFD);
	ck_assert_int_eq(sevlm_receive_finish(receive), -EBADFD);
}

START_TEST(finish)
{
	open_session();
	SCRIPT_PLAY(&script, SCRIPT_OK(KVM_SEV_RECEIVE_FINISH));
	ck_assert_int_eq(sevlm_receive_finish(receive), 0);
	expect_closed();
}
END_TEST

START_TEST(finish_done_after_all)
{
	open_session();
	SCRIPT_PLAY(&script, SCRIPT_FAILED(KVM_SEV_RECEIVE_FINISH, -EINTR),
		    SCRIPT_STATE(SEVLM_GUEST_RUNNING));
	ck_assert_int_eq(sevlm_receive_finish(receive), 0);
	expect_closed();
}
END_TEST

START_TEST(finish_not_done)
{
	open_session();
	SCRIPT_PLAY(&script, SCRIPT_REFUSED(KVM_SEV_RECEIVE_FINISH, 0x02),
		    SCRIPT_STATE(SEVLM_GUEST_RUPDATE),
		    SCRIPT_FAILED(KVM_SEV_RECEIVE_FINISH, -EBUSY),
		    SCRIPT_FAILED(KVM_SEV_GUEST_STATUS, -EBUSY),
		    SCRIPT_OK(KVM_SEV_RECEIVE_FINISH));
	ck_assert_int_eq(sevlm_receive_finish(receive), -EREMOTEIO);
	ck_assert_uint_eq(sevlm_vm_firmware_status(vm), 2);
	ck_assert_int_eq(sevlm_receive_finish(receive), -EIO);
	ck_assert_int_eq(sevlm_receive_finish(receive), 0);
	expect_closed();
}
END_TEST

/* nothing can be undone on this side: free asks firmware for nothing */
START_TEST(free_is_silent)
{
	open_session();
	sevlm_receive_free(receive);
	receive = NULL;
}
END_TEST

int main(void)
{
	int failed;
	Suite *suite = suite_create("receive");
	TCase *tcase = tcase_create("receive");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, arguments);
	tcase_add_test(tcase, policy);
	tcase_add_test(tcase, policy_with_reserved_bits);
	tcase_add_test(tcase, platform_below_the_api_that_the_policy_asks_for);
	tcase_add_test(tcase, platform_that_does_not_say_what_it_is);
	tcase_add_test(tcase, source_that_is_not_trusted);
	tcase_add_test(tcase, start_refused);
	tcase_add_test(tcase, start_done_after_all);
	tcase_add_test(tcase, start_twice);
	tcase_add_test(tcase, start_of_a_running_guest);
	tcase_add_test(tcase, packets);
	tcase_add_test(tcase, packet_refusals);
	tcase_add_test(tcase, finish);
	tcase_add_test(tcase, finish_done_after_all);
	tcase_add_test(tcase, finish_not_done);
	tcase_add_test(tcase, free_is_silent);
	suite_add_tcase(suite, tcase);
	make_all();
	failed = run_suite(suite);
	sevlm_trust_free(trust);
	return failed;
}
