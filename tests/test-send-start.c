/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is asked of guest and target before a session, and errors on the way
 * to one. */
#include "send-fixture.h"

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

static void cases(TCase *tcase)
{
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
}

int main(void)
{
	return run_cases("send-start", cases);
}
