/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <check.h>
#include <linux/kvm.h>

#include <libsevlm/libsevlm.h>

#include "check-main.h"

#define BOTH (SEVLM_CPUID_HC_MAP_GPA_RANGE | SEVLM_CPUID_MIGRATION_CONTROL)

static union {
	struct kvm_cpuid2 cpuid;
	unsigned char room[sizeof(struct kvm_cpuid2) +
			   8 * sizeof(struct kvm_cpuid_entry2)];
} array;

static void add(uint32_t function, uint32_t eax, const char *signature)
{
	struct kvm_cpuid_entry2 *entry =
		&array.cpuid.entries[array.cpuid.nent++];

	memset(entry, 0, sizeof(*entry));
	entry->function = function;
	entry->eax = eax;
	if (signature) {
		memcpy(&entry->ebx, signature, 4);
		memcpy(&entry->ecx, signature + 4, 4);
		memcpy(&entry->edx, signature + 8, 4);
	}
}

static void setup(void)
{
	memset(&array, 0, sizeof(array));
	add(0, 1, "AuthcAMDenti");
}

#define KVM "KVMKVMKVM\0\0\0"
#define HYPERV "Microsoft Hv"

START_TEST(sets_and_clears_both_bits_and_nothing_else)
{
	uint32_t changed, bits;

	add(0x40000000, 0x40000001, KVM);
	add(0x40000001, 0x0100007b, NULL);
	ck_assert_int_eq(sevlm_cpuid_set(&array.cpuid, 1, &changed), 0);
	ck_assert_uint_eq(changed, BOTH);
	ck_assert_uint_eq(array.cpuid.entries[2].eax, 0x0103007b);
	ck_assert_int_eq(sevlm_cpuid_get(&array.cpuid, &bits), 0);
	ck_assert_uint_eq(bits, BOTH);
	ck_assert_int_eq(sevlm_cpuid_set(&array.cpuid, 1, &changed), 0);
	ck_assert_uint_eq(changed, 0);
	ck_assert_int_eq(sevlm_cpuid_set(&array.cpuid, 0, NULL), 0);
	ck_assert_uint_eq(array.cpuid.entries[2].eax, 0x0100007b);
}
END_TEST

START_TEST(one_bit_alone_becomes_both_or_none)
{
	uint32_t changed;

	add(0x40000000, 0x40000001, KVM);
	add(0x40000001, SEVLM_CPUID_MIGRATION_CONTROL, NULL);
	ck_assert_int_eq(sevlm_cpuid_set(&array.cpuid, 1, &changed), 0);
	ck_assert_uint_eq(changed, SEVLM_CPUID_HC_MAP_GPA_RANGE);
	array.cpuid.entries[2].eax = SEVLM_CPUID_HC_MAP_GPA_RANGE;
	ck_assert_int_eq(sevlm_cpuid_set(&array.cpuid, 0, &changed), 0);
	ck_assert_uint_eq(changed, SEVLM_CPUID_HC_MAP_GPA_RANGE);
}
END_TEST

START_TEST(finds_the_leaf_behind_hyper_v)
{
	uint32_t bits;

	add(0x40000000, 0x4000000a, HYPERV);
	add(0x40000001, 0, NULL);
	add(0x40000100, 0x40000101, KVM);
	add(0x40000101, 0, NULL);
	ck_assert_int_eq(sevlm_cpuid_set(&array.cpuid, 1, NULL), 0);
	ck_assert_uint_eq(array.cpuid.entries[2].eax, 0);
	ck_assert_uint_eq(array.cpuid.entries[4].eax, BOTH);
	ck_assert_int_eq(sevlm_cpuid_get(&array.cpuid, &bits), 0);
	ck_assert_uint_eq(bits, BOTH);
}
END_TEST

START_TEST(refuses_an_array_without_the_leaf)
{
	uint32_t bits = 7;

	ck_assert_int_eq(sevlm_cpuid_set(&array.cpuid, 1, NULL), -ENOTSUP);
	ck_assert_int_eq(sevlm_cpuid_get(&array.cpuid, &bits), -ENOTSUP);
	ck_assert_uint_eq(bits, 7);
	/* Hyper-V alone has features at the same place, of another meaning */
	add(0x40000000, 0x4000000a, HYPERV);
	add(0x40000001, 0, NULL);
	ck_assert_int_eq(sevlm_cpuid_set(&array.cpuid, 1, NULL), -ENOTSUP);
	ck_assert_uint_eq(array.cpuid.entries[2].eax, 0);
	/* a signature without the leaf behind it */
	add(0x40000100, 0x40000101, KVM);
	ck_assert_int_eq(sevlm_cpuid_set(&array.cpuid, 1, NULL), -ENOTSUP);
}
END_TEST

START_TEST(refuses_a_signature_at_no_base)
{
	add(0x40000010, 0x40000011, KVM);
	add(0x40000011, 0, NULL);
	ck_assert_int_eq(sevlm_cpuid_set(&array.cpuid, 1, NULL), -ENOTSUP);
	ck_assert_uint_eq(array.cpuid.entries[2].eax, 0);
}
END_TEST

START_TEST(refuses_wrong_arguments)
{
	uint32_t bits;

	ck_assert_int_eq(sevlm_cpuid_set(NULL, 1, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_cpuid_set(&array.cpuid, 2, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_cpuid_get(NULL, &bits), -EINVAL);
	ck_assert_int_eq(sevlm_cpuid_get(&array.cpuid, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_kvm_get_setup(NULL), -EINVAL);
}
END_TEST

START_TEST(says_what_to_merge)
{
	struct sevlm_kvm_setup setup_ = { .size = sizeof(setup_) };

	ck_assert_int_eq(sevlm_kvm_get_setup(&setup_), 0);
	ck_assert_uint_eq(setup_.exit_hypercall, 1u << 12);
	ck_assert_uint_eq(setup_.user_space_msr, KVM_MSR_EXIT_REASON_FILTER);
	ck_assert_uint_eq(setup_.msr_filter_base, 0x4b564d08);
	ck_assert_uint_eq(setup_.msr_filter_count, 1);
	ck_assert_uint_eq(setup_.shared_list, 3);
	ck_assert_uint_eq(setup_.shared_list_cap, 0x53454c4d);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("feature");
	TCase *tcase = tcase_create("cpuid");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, sets_and_clears_both_bits_and_nothing_else);
	tcase_add_test(tcase, one_bit_alone_becomes_both_or_none);
	tcase_add_test(tcase, finds_the_leaf_behind_hyper_v);
	tcase_add_test(tcase, refuses_an_array_without_the_leaf);
	tcase_add_test(tcase, refuses_a_signature_at_no_base);
	tcase_add_test(tcase, refuses_wrong_arguments);
	tcase_add_test(tcase, says_what_to_merge);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
