/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Platforms and policies that one side does not accept. It says why, the
 * other side hears it, neither firmware is asked to start anything, and the
 * guest runs on as if nothing had been.
 */
#include <linux/kvm.h>

#include "engine-fixture.h"

#define ABORTED SEVLM_OUTCOME_ABORTED

/* one side has other ideas of whom to trust */
static struct sevlm_trust *trust;

static void set_up(void)
{
	setup();
	ck_assert_int_eq(sevlm_trust_new(&trust), 0);
}

static void tear_down(void)
{
	teardown();
	sevlm_trust_free(trust);
}

static uint64_t started(void)
{
	return sevlm_sim_host_commands(hosts.host[0], KVM_SEV_SEND_START) +
	       sevlm_sim_host_commands(hosts.host[1], KVM_SEV_RECEIVE_START);
}

/* and the one who refused says it in full */
static void refused(bool by_target, int cause, const char *words)
{
	struct rig_side *by = by_target ? &rig.target : &rig.source;
	struct rig_side *to = by_target ? &rig.source : &rig.target;

	start();
	rig_run(&rig);
	expect_side(by, ABORTED, cause, words);
	expect_side(to, ABORTED, cause, words);
	ck_assert_msg(strstr(to->error, "gave up"), "%s", to->error);
	ck_assert_uint_eq(started(), 0);
	ck_assert_uint_eq(rig.target.asked, 0);
	expect_sound();
}

static void root_of(const struct certs *certs)
{
	size_t bytes;
	const uint8_t *ark = certs_ark(certs, &bytes);

	ck_assert_int_eq(sevlm_trust_add_root(trust, ark, bytes), 0);
}

static void chip_of(const struct certs *certs)
{
	uint8_t digest[SEVLM_KEY_DIGEST_SIZE];

	certs_key_digest(certs->chain + AT_CEK, digest);
	ck_assert_int_eq(sevlm_trust_add_chip(trust, digest), 0);
}

static void owner_of(const struct certs *certs)
{
	uint8_t digest[SEVLM_KEY_DIGEST_SIZE];

	certs_key_digest(certs->chain + AT_OCA, digest);
	ck_assert_int_eq(sevlm_trust_add_owner(trust, digest), 0);
}

/* the trust that this test has built, at one of the sides: its peer is to be
 * refused, or not */
static const struct certs *peer_of(bool target)
{
	return &rig.certs[target ? 0 : 1];
}

static const struct certs *self_of(bool target)
{
	return &rig.certs[target ? 1 : 0];
}

static void give(bool target)
{
	if (target)
		rig.target_config.trust = trust;
	else
		rig.source_config.trust = trust;
}

START_TEST(the_chip_and_the_owner_that_were_named)
{
	bool target = _i & 1;

	open_rig();
	root_of(peer_of(target));
	if (_i & 2)
		chip_of(peer_of(target));
	else
		owner_of(peer_of(target));
	give(target);
	start();
	rig_run(&rig);
	expect_perfect();
}
END_TEST

START_TEST(another_chip_or_owner_than_was_named)
{
	bool target = _i & 1;

	open_rig();
	root_of(peer_of(target));
	if (_i & 2)
		chip_of(self_of(target));
	else
		owner_of(self_of(target));
	give(target);
	refused(target, -EKEYREJECTED, "is trusted");
	expect_again();
}
END_TEST

/* without its root a software host is nobody's */
START_TEST(software_root_that_was_not_added)
{
	open_rig();
	ck_assert_int_eq(sevlm_trust_allow_any_chip(trust), 0);
	give(_i);
	refused(_i, -EKEYREJECTED, "neither AMD's nor");
	expect_again();
}
END_TEST

START_TEST(firmware_below_the_floor)
{
	open_rig();
	root_of(peer_of(_i));
	chip_of(peer_of(_i));
	ck_assert_int_eq(sevlm_trust_set_floor(trust, 0, 25), 0);
	give(_i);
	refused(_i, -EKEYREJECTED, "API 0.24");
}
END_TEST

/* as firmware exports it, whatever the guest's policy */
START_TEST(cek_that_amd_did_not_sign)
{
	open_rig();
	if (_i)
		rig.source_config.chain = NULL;
	else
		rig.target_config.chain = NULL;
	refused(_i, -EKEYREJECTED, "not signed by AMD");
	expect_again();
}
END_TEST

START_TEST(chain_of_another_platform)
{
	struct certs other;

	certs_of_seed(&other, 77);
	open_rig();
	if (_i)
		rig.source_config.chain = other.chain;
	else
		rig.target_config.chain = other.chain;
	refused(_i, -EKEYREJECTED, "PDH");
}
END_TEST

START_TEST(blob_of_amd_that_is_none)
{
	open_rig();
	if (_i)
		rig.source_config.amd_bytes = 100;
	else
		rig.target_config.amd_bytes = 100;
	refused(_i, -EBADMSG, "malformed");
}
END_TEST

/* ---- policies ---- */

START_TEST(domain_keeps_a_guest_with_its_owner)
{
	plan.policy = SEVLM_POLICY_DOMAIN;
	open_rig();
	refused(false, -EPERM, "another owner");
}
END_TEST

/* the target is the first to see the policy, and older than the source */
START_TEST(api_that_the_target_does_not_have)
{
	struct sevlm_sim_host_config config = {
		.size = sizeof(config),
		.seed = 12,
		.api_minor = 20,
		.asids = hosts.asids,
	};

	sevlm_sim_host_free(hosts.host[1]);
	ck_assert_int_eq(sevlm_sim_host_new(&config, &hosts.host[1]), 0);
	plan.policy = 0x15000000;
	open_rig();
	refused(true, -EPERM, "asks for API 0.21, the target has 0.20");
}
END_TEST

START_TEST(api_of_the_very_target)
{
	plan.policy = 0x18000000 | SEVLM_POLICY_SEV;
	open_rig();
	start();
	rig_run(&rig);
	expect_perfect();
}
END_TEST

START_TEST(policy_that_the_operator_expects)
{
	static const struct {
		uint32_t policy, expected, mask;
		bool good;
	} cases[] = {
		{0x01, 0x01, 0x01, true},
		{0x21, 0x01, 0x01, true},
		{0x21, 0x21, UINT32_MAX, true},
		{0x20, 0x21, 0x21, false},
		{0x21, 0x01, UINT32_MAX, false},
		{0x10000001, 0x01, UINT32_MAX, false},
		{0x01, 0x00, 0x01, false},
	};

	plan.policy = cases[_i].policy;
	open_rig();
	rig.target_config.policy = cases[_i].expected;
	rig.target_config.policy_mask = cases[_i].mask;
	if (!cases[_i].good) {
		refused(true, -EPERM, "differs from the expected one");
		return;
	}
	start();
	rig_run(&rig);
	expect_perfect();
}
END_TEST

/* The software host launches no such guest: the answer is made up. */
static int say_reserved(struct rig_side *side, uint32_t request, void *arg)
{
	const uint32_t *bit = rig.hooks.data;
	struct kvm_sev_cmd *cmd = arg;
	int ret = rig_vmm_door(side, request, arg);

	if (!ret && request == KVM_MEMORY_ENCRYPT_OP &&
	    cmd->id == KVM_SEV_GUEST_STATUS)
		((struct kvm_sev_guest_status *)(uintptr_t)cmd->data)->policy |=
			*bit;
	return ret;
}

START_TEST(policy_with_a_reserved_bit)
{
	uint32_t bit = 1u << _i;

	open_rig();
	rig.hooks.door = say_reserved;
	rig.hooks.data = &bit;
	refused(false, -EPERM, "reserved");
}
END_TEST

static TCase *platforms(void)
{
	TCase *tcase = tcase_create("platforms");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, the_chip_and_the_owner_that_were_named, 0,
			    4);
	tcase_add_loop_test(tcase, another_chip_or_owner_than_was_named, 0, 4);
	tcase_add_loop_test(tcase, software_root_that_was_not_added, 0, 2);
	tcase_add_loop_test(tcase, firmware_below_the_floor, 0, 2);
	tcase_add_loop_test(tcase, cek_that_amd_did_not_sign, 0, 2);
	tcase_add_loop_test(tcase, chain_of_another_platform, 0, 2);
	tcase_add_loop_test(tcase, blob_of_amd_that_is_none, 0, 2);
	return tcase;
}

static TCase *policies(void)
{
	TCase *tcase = tcase_create("policies");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, domain_keeps_a_guest_with_its_owner);
	tcase_add_test(tcase, api_that_the_target_does_not_have);
	tcase_add_test(tcase, api_of_the_very_target);
	tcase_add_loop_test(tcase, policy_that_the_operator_expects, 0, 7);
	tcase_add_loop_test(tcase, policy_with_a_reserved_bit, 6, 16);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("engine-trust");

	suite_add_tcase(suite, platforms());
	suite_add_tcase(suite, policies());
	return run_suite(suite);
}
