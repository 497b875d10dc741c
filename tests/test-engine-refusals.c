/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Sides that do not belong together, and guests that must not be moved. */
#include <linux/kvm.h>

#include "engine-fixture.h"

#define ABORTED SEVLM_OUTCOME_ABORTED

/* ---- they do not belong together ---------------------------------------- */

static void move_refused(uint32_t source_cause, const char *source_says,
			 uint32_t target_cause, const char *target_says)
{
	start();
	rig_run(&rig);
	expect_side(&rig.source, ABORTED, -(int)source_cause, source_says);
	expect_side(&rig.target, ABORTED, -(int)target_cause, target_says);
	ck_assert(!(rig.source.asked & SEVLM_WANT_PAUSE));
	expect_sound();
	expect_again();
}

START_TEST(another_exporter_value)
{
	open_rig();
	rig.target_config.exporter[31] ^= 1;
	move_refused(EKEYREJECTED, "another channel", EKEYREJECTED,
		     "exporter values differ");
}
END_TEST

union vcpu_cpuid {
	struct kvm_cpuid2 head;
	unsigned char room[sizeof(struct kvm_cpuid2) +
			   3 * sizeof(struct kvm_cpuid_entry2)];
};

static union vcpu_cpuid cpuids[2];

static void show_cpuid(void)
{
	for (int i = 0; i < 2; i++) {
		struct kvm_cpuid2 *cpuid = &cpuids[i].head;

		memset(&cpuids[i], 0, sizeof(cpuids[i]));
		cpuid->nent = 3;
		/* the order is the VMM's own */
		cpuid->entries[i].function = 1;
		cpuid->entries[1 - i].function = 7;
		cpuid->entries[2].function = 0x40000001;
		cpuid->entries[2].eax = 0x30000;
	}
	rig.source_config.cpuid = &cpuids[0].head;
	rig.target_config.cpuid = &cpuids[1].head;
}

START_TEST(the_same_cpuid_in_another_order)
{
	open_rig();
	show_cpuid();
	start();
	rig_run(&rig);
	expect_perfect();
}
END_TEST

START_TEST(another_cpuid)
{
	open_rig();
	show_cpuid();
	cpuids[1].head.entries[0].ebx ^= 1u << 16;
	move_refused(EPROTO, "leaf 0x7, index 0", EPROTO, "leaf 0x7, index 0");
}
END_TEST

START_TEST(a_feature_less_in_cpuid)
{
	open_rig();
	show_cpuid();
	cpuids[1].head.nent = 2;
	move_refused(EPROTO, "leaf 0x40000001", EPROTO, "leaf 0x40000001");
}
END_TEST

START_TEST(cpuid_of_one_side_only)
{
	open_rig();
	show_cpuid();
	rig.target_config.cpuid = NULL;
	move_refused(EPROTO, "only the source", EPROTO, "only the source");
}
END_TEST

START_TEST(too_much_cpuid)
{
	struct sevlm_source *engine;

	open_rig();
	show_cpuid();
	cpuids[0].head.nent = 257;
	ck_assert_int_eq(sevlm_source_new(rig.source.vm, &rig.source_config,
					  &engine),
			 -EINVAL);
	cpuids[0].head.nent = 0;
	ck_assert_int_eq(sevlm_source_new(rig.source.vm, &rig.source_config,
					  &engine),
			 -EINVAL);
}
END_TEST

START_TEST(another_kind_of_channel)
{
	open_rig();
	rig.target_config.channel = SEVLM_CHANNEL_INSECURE;
	move_refused(EKEYREJECTED, "gave up", EKEYREJECTED,
		     "another kind of channel");
}
END_TEST

START_TEST(an_insecure_channel_works_where_both_say_so)
{
	open_rig();
	rig.source_config.channel = SEVLM_CHANNEL_INSECURE;
	rig.target_config.channel = SEVLM_CHANNEL_INSECURE;
	memset(rig.source_config.exporter, 0, SEVLM_EXPORTER_SIZE);
	memset(rig.target_config.exporter, 0, SEVLM_EXPORTER_SIZE);
	start();
	rig_run(&rig);
	expect_perfect();
}
END_TEST

/* another layout of the target's memory */
static void relayout(int kind)
{
	struct sevlm_vm *vm = rig.target.vm;
	uint8_t *ram = rig.target.ram;
	uint64_t half = plan.memory / 2;

	if (kind == 0) /* more than the source has */
		sevlm_vm_add_region(vm, RIG_PLUG_GPA, RIG_PAGE,
				    rig.target.plug.mem, SEVLM_REGION_TRACKED);
	else
		sevlm_vm_remove_region(vm, 0);
	if (kind == 1) /* another type */
		sevlm_vm_add_region(vm, 0, plan.memory, ram,
				    SEVLM_REGION_PRIVATE);
	if (kind == 2) /* smaller */
		sevlm_vm_add_region(vm, 0, half, ram, SEVLM_REGION_TRACKED);
	if (kind == 4) { /* the same in two pieces */
		sevlm_vm_add_region(vm, 0, half, ram, SEVLM_REGION_TRACKED);
		sevlm_vm_add_region(vm, half, half, ram + half,
				    SEVLM_REGION_TRACKED);
	}
}

START_TEST(another_layout)
{
	open_rig();
	relayout(_i);
	move_refused(EPROTO, "the RAM differs", EPROTO, "the RAM differs");
}
END_TEST

START_TEST(policy_nosend)
{
	plan.policy = SEVLM_POLICY_NOSEND;
	open_rig();
	start();
	rig_run(&rig);
	expect_side(&rig.source, ABORTED, -EPERM, "");
	expect_side(&rig.target, ABORTED, -EPERM, "gave up");
	ck_assert_uint_eq(
		sevlm_sim_host_commands(rig.source.host, KVM_SEV_SEND_START),
		0);
	expect_sound();
}
END_TEST

/* The software host has no SEV-ES guests: the answer is made up. */
static int say_es(struct rig_side *side, uint32_t request, void *arg)
{
	struct kvm_sev_cmd *cmd = arg;
	int ret = rig_vmm_door(side, request, arg);

	if (!ret && request == KVM_MEMORY_ENCRYPT_OP &&
	    cmd->id == KVM_SEV_GUEST_STATUS)
		((struct kvm_sev_guest_status *)(uintptr_t)cmd->data)->policy |=
			SEVLM_POLICY_ES;
	return ret;
}

START_TEST(policy_es)
{
	open_rig();
	rig.hooks.door = say_es;
	start();
	rig_run(&rig);
	expect_side(&rig.source, ABORTED, -EPERM, "");
	ck_assert_uint_eq(
		sevlm_sim_host_commands(rig.source.host, KVM_SEV_SEND_START),
		0);
	expect_sound();
}
END_TEST

/* ---- consent ------------------------------------------------------------ */

static void withdraw(int kind)
{
	const uint64_t wild[6] = {1, 1, 0};
	struct sevlm_vm *vm = rig.source.vm;
	uint64_t ret;

	if (kind == 0)
		sevlm_vm_wrmsr(vm, SEVLM_MSR_MIGRATION_CONTROL, 0);
	else if (kind == 1)
		sevlm_vm_hang_up(vm);
	else
		sevlm_vm_hypercall(vm, 12, wild, &ret);
}

static const char *const consents[] = {
	"the guest is not ready",
	"hang up",
	"state change of the guest was lost",
};

START_TEST(without_consent_no_engine)
{
	struct sevlm_source *source = NULL;

	open_rig();
	withdraw(_i);
	ck_assert_int_eq(
		sevlm_source_new(rig.source.vm, &rig.source_config, &source),
		-EPERM);
	ck_assert_ptr_null(source);
	ck_assert_msg(strstr(sevlm_vm_error(rig.source.vm), consents[_i]), "%s",
		      sevlm_vm_error(rig.source.vm));
}
END_TEST

START_TEST(consent_ends_in_every_phase)
{
	open_rig();
	start();
	reach(&rig.source, SEVLM_PHASE_HELLO + (uint32_t)_i / 3);
	withdraw(_i % 3);
	rig_run(&rig);
	expect_side(&rig.source, ABORTED, -EPERM, consents[_i % 3]);
	expect_side(&rig.target, ABORTED, -EPERM, "gave up");
	expect_sound();
	ck_assert(rig.source.running);
}
END_TEST

START_TEST(not_offered)
{
	struct sevlm_vm_config config = {
		.size = sizeof(config),
		.sev_fd = SEVLM_SIM_SEV_FD,
		.ops = sevlm_sim_ops(),
	};
	struct sevlm_source *source = NULL;
	struct sevlm_vm *vm = NULL;

	open_rig();
	ck_assert_int_eq(sevlm_vm_new(&config, &vm), 0);
	ck_assert_int_eq(sevlm_source_new(vm, &rig.source_config, &source),
			 -EPERM);
	ck_assert(strstr(sevlm_vm_error(vm), "not offered"));
	sevlm_vm_free(vm);
}
END_TEST

/* A hang-up at the target, before the guest is there, is not forgotten. */
START_TEST(a_hang_up_at_the_target_holds)
{
	uint32_t control;

	open_rig();
	start();
	reach(&rig.target, SEVLM_PHASE_PRECOPY);
	ck_assert_int_eq(sevlm_vm_hang_up(rig.target.vm), 0);
	rig_run(&rig);
	expect_perfect();
	sevlm_vm_control(rig.target.vm, &control);
	ck_assert_uint_eq(control,
			  SEVLM_CONTROL_OFFERED | SEVLM_CONTROL_HUNG_UP);
}
END_TEST

/* ---- other bytes -------------------------------------------------------- */

START_TEST(the_peer_is_something_else)
{
	static const char http[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	size_t taken;

	open_rig();
	start();
	rig_step(&rig.source);
	rig_step(&rig.target);
	ck_assert_int_eq(sevlm_source_feed(rig.source.source_engine, http,
					   sizeof(http), &taken),
			 0);
	ck_assert_int_eq(sevlm_target_feed(rig.target.target_engine, http,
					   sizeof(http), &taken),
			 0);
	rig.there.shut = true;
	rig.back.shut = true;
	rig_run(&rig);
	expect_side(&rig.source, ABORTED, -EPROTO, "other bytes");
	expect_side(&rig.target, ABORTED, -EPROTO, "other bytes");
	expect_sound();
	expect_again();
}
END_TEST

static TCase *refusals(void)
{
	TCase *tcase = tcase_create("refusals");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, another_exporter_value);
	tcase_add_test(tcase, another_kind_of_channel);
	tcase_add_test(tcase, the_same_cpuid_in_another_order);
	tcase_add_test(tcase, another_cpuid);
	tcase_add_test(tcase, a_feature_less_in_cpuid);
	tcase_add_test(tcase, cpuid_of_one_side_only);
	tcase_add_test(tcase, too_much_cpuid);
	tcase_add_test(tcase, an_insecure_channel_works_where_both_say_so);
	tcase_add_loop_test(tcase, another_layout, 0, 5);
	tcase_add_test(tcase, policy_nosend);
	tcase_add_test(tcase, policy_es);
	tcase_add_loop_test(tcase, without_consent_no_engine, 0, 3);
	tcase_add_loop_test(tcase, consent_ends_in_every_phase, 0, 9);
	tcase_add_test(tcase, not_offered);
	tcase_add_test(tcase, a_hang_up_at_the_target_holds);
	tcase_add_test(tcase, the_peer_is_something_else);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("engine-refusals");

	suite_add_tcase(suite, refusals());
	return run_suite(suite);
}
