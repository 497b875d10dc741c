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
static struct sevlm_send *send;
static struct certs certs;
static struct sevlm_trust *trust;
static struct sevlm_peer peer;
static uint8_t header[SEVLM_PACKET_HEADER_SIZE], payload[PAGE_SIZE];
static uint8_t ram[RAM_BYTES] __attribute__((aligned(PAGE_SIZE)));

static void add(uint64_t gpa, uint32_t type)
{
	ck_assert_int_eq(sevlm_vm_add_region(vm, gpa, RAM_BYTES, ram, type), 0);
}

/* once: chains take their time to make */
static void make_all(void)
{
	certs_of_seed(&certs, 21);
	trust = certs_trust(&certs);
	peer = certs_peer(&certs);
}

static void set_up(void)
{
	vm = script_vm(&script);
	send = NULL;
	add(RAM_GPA, SEVLM_REGION_TRACKED);
	add(SKIP_GPA, SEVLM_REGION_SKIP);
	add(SHARED_GPA, SEVLM_REGION_SHARED);
	add(PRIVATE_GPA, SEVLM_REGION_PRIVATE);
}

static void tear_down(void)
{
	script_end(&script);
	sevlm_vm_free(vm);
}

static void consent(void)
{
	ck_assert_int_eq(sevlm_vm_offer(vm, 0), 0);
	ck_assert_int_eq(sevlm_vm_wrmsr(vm, SEVLM_MSR_MIGRATION_CONTROL, 1), 0);
}

static void share(uint64_t gpa, uint64_t count)
{
	const uint64_t args[6] = {gpa, count, 0};
	uint64_t answer;

	ck_assert_int_eq(sevlm_vm_hypercall(vm, 12, args, &answer), 0);
	ck_assert_uint_eq(answer, 0);
}

/* ---- start ---- */

static void give_pdh(const struct script_step *step, void *params)
{
	struct sev_user_data_pdh_cert_export *data = params;

	(void)step;
	memset((void *)(uintptr_t)data->pdh_cert_address, 0x51, SEVLM_PDH_SIZE);
	memset((void *)(uintptr_t)data->cert_chain_address, 0x53,
	       SEVLM_CHAIN_SIZE);
}

static void give_session(const struct script_step *step, void *params)
{
	struct kvm_sev_send_start *data = params;

	(void)step;
	memset((void *)(uintptr_t)data->session_uaddr, 0x52, data->session_len);
	data->policy = SEVLM_POLICY_NODBG | SEVLM_POLICY_SEV;
}

#define STEP_RUNNING                                                           \
	{                                                                      \
		.id = KVM_SEV_GUEST_STATUS,                                    \
		.answer =                                                      \
			&(const struct kvm_sev_guest_status){                  \
				.policy =                                      \
					SEVLM_POLICY_NODBG | SEVLM_POLICY_SEV, \
				.state = SEVLM_GUEST_RUNNING},                 \
		.bytes = sizeof(struct kvm_sev_guest_status)                   \
	}
#define STEP_PDH                                                               \
	{                                                                      \
		.door = SCRIPT_SEV, .id = SEV_PDH_CERT_EXPORT,                 \
		.look = give_pdh                                               \
	}
#define STEP_START                                                             \
	{                                                                      \
		.id = KVM_SEV_SEND_START, .look = give_session                 \
	}
#define STEPS_TO_START                                                         \
	STEP_RUNNING, STEP_PDH, SCRIPT_SESSION(SEVLM_SESSION_SIZE)

static int start(void)
{
	return sevlm_send_start(vm, &peer, trust, &send);
}

static void open_session(void)
{
	consent();
	SCRIPT_PLAY(&script, STEPS_TO_START, STEP_START);
	ck_assert_int_eq(start(), 0);
	script_play(&script, NULL, 0);
	ck_assert_ptr_nonnull(send);
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

/* ---- refusals before any command ---- */

static void no_offer(void)
{
}

static void not_ready(void)
{
	ck_assert_int_eq(sevlm_vm_offer(vm, 0), 0);
}

static void no_more(void)
{
	consent();
	ck_assert_int_eq(sevlm_vm_hang_up(vm), 0);
}

static void incomplete(void)
{
	const uint64_t args[6] = {1, 1, 0};
	uint64_t answer;

	consent();
	ck_assert_int_eq(sevlm_vm_hypercall(vm, 12, args, &answer), 0);
}

static const struct {
	void (*arrange)(void);
	const char *why;
} refusals[] = {
	{no_offer, "not offered"},
	{not_ready, "not ready"},
	{no_more, "hang up"},
	{incomplete, "lost"},
};

START_TEST(no_consent)
{
	refusals[_i].arrange();
	ck_assert_int_eq(start(), -EPERM);
	ck_assert_ptr_null(send);
	ck_assert_ptr_nonnull(strstr(sevlm_vm_error(vm), refusals[_i].why));
}
END_TEST

START_TEST(peer_arguments)
{
	struct sevlm_peer bad;

	consent();
	ck_assert_int_eq(sevlm_send_start(NULL, &peer, trust, &send), -EINVAL);
	ck_assert_int_eq(sevlm_send_start(vm, NULL, trust, &send), -EINVAL);
	ck_assert_int_eq(sevlm_send_start(vm, &peer, trust, NULL), -EINVAL);
	bad = peer;
	bad.pdh = NULL;
	ck_assert_int_eq(sevlm_send_start(vm, &bad, trust, &send), -EINVAL);
	bad = peer;
	bad.chain = NULL;
	ck_assert_int_eq(sevlm_send_start(vm, &bad, trust, &send), -EINVAL);
	bad = peer;
	bad.amd = NULL;
	ck_assert_int_eq(sevlm_send_start(vm, &bad, trust, &send), -EINVAL);
	bad = peer;
	bad.amd_bytes = 0;
	ck_assert_int_eq(sevlm_send_start(vm, &bad, trust, &send), -EINVAL);
	bad.amd_bytes = SEVLM_BLOB_MAX + 1;
	ck_assert_int_eq(sevlm_send_start(vm, &bad, trust, &send), -EINVAL);
	for (bad = peer, bad.size = 0; bad.size < sizeof(bad); bad.size++)
		ck_assert_int_eq(sevlm_send_start(vm, &bad, trust, &send),
				 -EINVAL);
	ck_assert_int_eq(sevlm_send_start(vm, &peer, NULL, &send), -EINVAL);
	ck_assert_ptr_null(send);
}
END_TEST

START_TEST(trust_in_nobody)
{
	struct sevlm_trust *nobody;

	consent();
	ck_assert_int_eq(sevlm_trust_new(&nobody), 0);
	ck_assert_int_eq(sevlm_send_start(vm, &peer, nobody, &send), -EINVAL);
	sevlm_trust_free(nobody);
	ck_assert_ptr_null(send);
}
END_TEST

/* ---- refusals of the target, before SEND_START ---- */

static uint32_t policy_now;
static const struct certs *own;

static void give_own(const struct script_step *step, void *params)
{
	struct sev_user_data_pdh_cert_export *data = params;

	(void)step;
	memcpy((void *)(uintptr_t)data->pdh_cert_address, own->pdh,
	       SEVLM_PDH_SIZE);
	memcpy((void *)(uintptr_t)data->cert_chain_address, own->chain,
	       SEVLM_CHAIN_SIZE);
}

static void give_policy(const struct script_step *step, void *params)
{
	struct kvm_sev_guest_status *data = params;

	(void)step;
	data->policy = policy_now;
	data->state = SEVLM_GUEST_RUNNING;
}

/* what is asked before the target is looked at; nothing comes behind it */
static void expect_refused(int ret, const char *words)
{
	SCRIPT_PLAY(&script, {.id = KVM_SEV_GUEST_STATUS, .look = give_policy},
		    {.door = SCRIPT_SEV,
		     .id = SEV_PDH_CERT_EXPORT,
		     .look = give_own});
	ck_assert_int_eq(start(), ret);
	ck_assert_ptr_null(send);
	ck_assert_msg(strstr(sevlm_vm_error(vm), words), "%s",
		      sevlm_vm_error(vm));
	script_end(&script);
}

START_TEST(chain_that_does_not_verify)
{
	struct certs bad = certs;

	consent();
	own = &certs;
	peer = certs_peer(&bad);
	bad.pdh[1060] ^= 1;
	expect_refused(-EKEYREJECTED, "the PDH");
	bad = certs;
	bad.chain[0] = 2;
	expect_refused(-EBADMSG, "malformed");
	peer = certs_peer(&certs);
}
END_TEST

START_TEST(another_owner_where_the_domain_counts)
{
	struct certs other;

	certs_of_seed(&other, 22);
	consent();
	own = &other;
	policy_now = SEVLM_POLICY_DOMAIN;
	expect_refused(-EPERM, "another owner");
}
END_TEST

START_TEST(target_below_the_api_that_the_policy_asks_for)
{
	consent();
	own = &certs;
	policy_now = 0x19000000;
	expect_refused(-EPERM, "asks for API 0.25, the target has 0.24");
}
END_TEST

START_TEST(same_owner_and_the_very_api)
{
	own = &certs;
	policy_now = 0x18000000 | SEVLM_POLICY_DOMAIN | SEVLM_POLICY_SEV;
	consent();
	SCRIPT_PLAY(&script, {.id = KVM_SEV_GUEST_STATUS, .look = give_policy},
		    {.door = SCRIPT_SEV,
		     .id = SEV_PDH_CERT_EXPORT,
		     .look = give_own},
		    SCRIPT_SESSION(SEVLM_SESSION_SIZE), STEP_START,
		    SCRIPT_OK(KVM_SEV_SEND_CANCEL));
	ck_assert_int_eq(start(), 0);
	sevlm_send_free(send);
}
END_TEST

static const struct {
	uint32_t policy, state;
	int ret;
} guests[] = {
	{SEVLM_POLICY_NOSEND, SEVLM_GUEST_RUNNING, -EPERM},
	{SEVLM_POLICY_ES, SEVLM_GUEST_RUNNING, -EPERM},
	{~0u, SEVLM_GUEST_RUNNING, -EPERM},
	{1, SEVLM_GUEST_UNINIT, -EBADFD},
	{1, SEVLM_GUEST_LUPDATE, -EBADFD},
	{1, SEVLM_GUEST_LSECRET, -EBADFD},
	{1, SEVLM_GUEST_SUPDATE, -EBADFD},
	{1, SEVLM_GUEST_RUPDATE, -EBADFD},
	{1, SEVLM_GUEST_SENT, -EBADFD},
	{1, 99, -EBADFD},
};

START_TEST(policy_and_state)
{
	const struct kvm_sev_guest_status answer = {
		.policy = guests[_i].policy,
		.state = guests[_i].state,
	};

	consent();
	SCRIPT_PLAY(&script, {.id = KVM_SEV_GUEST_STATUS,
			      .answer = &answer,
			      .bytes = sizeof(answer)});
	ck_assert_int_eq(start(), guests[_i].ret);
	ck_assert_ptr_null(send);
	ck_assert_str_ne(sevlm_vm_error(vm), "");
}
END_TEST

/* ---- errors on the way to a session ---- */

START_TEST(early_errors)
{
	consent();
	SCRIPT_PLAY(&script, SCRIPT_REFUSED(KVM_SEV_GUEST_STATUS, 0x10));
	ck_assert_int_eq(start(), -EREMOTEIO);
	ck_assert_uint_eq(sevlm_vm_firmware_status(vm), 0x10);
	SCRIPT_PLAY(&script, STEP_RUNNING,
		    {.door = SCRIPT_SEV,
		     .id = SEV_PDH_CERT_EXPORT,
		     .ret = -EIO,
		     .asked = true,
		     .status = 3});
	ck_assert_int_eq(start(), -EREMOTEIO);
	ck_assert_uint_eq(sevlm_vm_firmware_status(vm), 3);
	SCRIPT_PLAY(&script, STEP_RUNNING, STEP_PDH,
		    SCRIPT_REFUSED(KVM_SEV_SEND_START, 0x02),
		    SCRIPT_STATE(SEVLM_GUEST_RUNNING));
	ck_assert_int_eq(start(), -EREMOTEIO);
	ck_assert_uint_eq(sevlm_vm_firmware_status(vm), 2);
	ck_assert_ptr_null(send);
}
END_TEST

START_TEST(start_refused)
{
	consent();
	SCRIPT_PLAY(&script, STEPS_TO_START,
		    SCRIPT_REFUSED(KVM_SEV_SEND_START, 0x07),
		    SCRIPT_STATE(SEVLM_GUEST_RUNNING));
	ck_assert_int_eq(start(), -EREMOTEIO);
	ck_assert_uint_eq(sevlm_vm_firmware_status(vm), 7);
	ck_assert_ptr_nonnull(strstr(sevlm_vm_error(vm), "POLICY_FAILURE"));
	ck_assert_ptr_null(send);
}
END_TEST

/* firmware has started, the answer was lost: nobody holds the session */
START_TEST(start_lost)
{
	consent();
	SCRIPT_PLAY(&script, STEPS_TO_START,
		    SCRIPT_FAILED(KVM_SEV_SEND_START, -EFAULT),
		    SCRIPT_STATE(SEVLM_GUEST_SUPDATE),
		    SCRIPT_OK(KVM_SEV_SEND_CANCEL));
	ck_assert_int_eq(start(), -EIO);
	ck_assert_ptr_nonnull(strstr(sevlm_vm_error(vm), "EFAULT"));
	ck_assert_ptr_null(send);
}
END_TEST

/* the sentence and the status stay those of the first failure */
START_TEST(start_lost_for_good)
{
	consent();
	SCRIPT_PLAY(&script, STEPS_TO_START,
		    SCRIPT_FAILED(KVM_SEV_SEND_START, -EINTR),
		    SCRIPT_STATE(SEVLM_GUEST_SUPDATE),
		    SCRIPT_REFUSED(KVM_SEV_SEND_CANCEL, 0x11));
	ck_assert_int_eq(start(), -EINTR);
	ck_assert_ptr_nonnull(strstr(sevlm_vm_error(vm), "EINTR"));
	ck_assert_uint_eq(sevlm_vm_firmware_status(vm),
			  SEVLM_FIRMWARE_NOT_ASKED);
	SCRIPT_PLAY(&script, STEPS_TO_START,
		    SCRIPT_FAILED(KVM_SEV_SEND_START, -EFAULT),
		    SCRIPT_FAILED(KVM_SEV_GUEST_STATUS, -ENODEV));
	ck_assert_int_eq(start(), -EIO);
	ck_assert_ptr_nonnull(strstr(sevlm_vm_error(vm), "EFAULT"));
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

int main(void)
{
	int failed;
	const int count = ARRAY_SIZE(ends);
	Suite *suite = suite_create("send");
	TCase *tcase = tcase_create("send");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, session);
	tcase_add_loop_test(tcase, no_consent, 0, ARRAY_SIZE(refusals));
	tcase_add_test(tcase, peer_arguments);
	tcase_add_test(tcase, trust_in_nobody);
	tcase_add_test(tcase, chain_that_does_not_verify);
	tcase_add_test(tcase, another_owner_where_the_domain_counts);
	tcase_add_test(tcase, target_below_the_api_that_the_policy_asks_for);
	tcase_add_test(tcase, same_owner_and_the_very_api);
	tcase_add_loop_test(tcase, policy_and_state, 0, ARRAY_SIZE(guests));
	tcase_add_test(tcase, early_errors);
	tcase_add_test(tcase, start_refused);
	tcase_add_test(tcase, start_lost);
	tcase_add_test(tcase, start_lost_for_good);
	tcase_add_test(tcase, packets);
	tcase_add_test(tcase, packet_refusals);
	tcase_add_test(tcase, packet_changes_meanwhile);
	tcase_add_loop_test(tcase, end, 0, count);
	tcase_add_loop_test(tcase, end_done_after_all, 0, count);
	tcase_add_loop_test(tcase, end_not_done, 0, count);
	tcase_add_test(tcase, cancel_unknown_to_firmware);
	tcase_add_test(tcase, free_cancels);
	tcase_add_test(tcase, again);
	suite_add_tcase(suite, tcase);
	make_all();
	failed = run_suite(suite);
	sevlm_trust_free(trust);
	return failed;
}
