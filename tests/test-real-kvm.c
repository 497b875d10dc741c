/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the library says of KVM, asked of this machine's own. No guest runs. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/kvm.h>

#include <libsevlm/libsevlm.h>

#include "check-main.h"

#define BOTH (SEVLM_CPUID_HC_MAP_GPA_RANGE | SEVLM_CPUID_MIGRATION_CONTROL)
#define MAX_CPUID 256
#define OWN_MSR 0xceu

static int kvm_fd = -1, vm_fd = -1;
static struct sevlm_kvm_setup needed = { .size = sizeof(needed) };

static void set_up(void)
{
	kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(kvm_fd, 0);
	vm_fd = ioctl(kvm_fd, KVM_CREATE_VM, 0ul);
	ck_assert_int_ge(vm_fd, 0);
	ck_assert_int_eq(sevlm_kvm_get_setup(&needed), 0);
}

static void tear_down(void)
{
	close(vm_fd);
	close(kvm_fd);
}

static int enable(uint32_t cap, uint64_t bits)
{
	struct kvm_enable_cap arg = { .cap = cap, .args = { bits } };

	return ioctl(vm_fd, KVM_ENABLE_CAP, &arg) ? -errno : 0;
}

static uint64_t check(uint32_t cap)
{
	int bits = ioctl(vm_fd, KVM_CHECK_EXTENSION, (unsigned long)cap);

	ck_assert_int_ge(bits, 0);
	return (unsigned)bits;
}

START_TEST(hypercalls_exit_where_enabled)
{
	uint64_t mask = check(KVM_CAP_EXIT_HYPERCALL);

	ck_assert_uint_eq(needed.exit_hypercall & ~mask, 0);
	ck_assert_int_eq(enable(KVM_CAP_EXIT_HYPERCALL, 0), 0);
	ck_assert_int_eq(enable(KVM_CAP_EXIT_HYPERCALL,
				needed.exit_hypercall), 0);
	/* a bit KVM does not know fails, so success above means something */
	ck_assert_int_eq(enable(KVM_CAP_EXIT_HYPERCALL, ~mask & 0xffffffff),
			 -EINVAL);
	ck_assert_int_eq(enable(KVM_CAP_EXIT_HYPERCALL, 0), 0);
}
END_TEST

START_TEST(msr_accesses_exit_where_enabled)
{
	ck_assert_uint_gt(check(KVM_CAP_X86_USER_SPACE_MSR), 0);
	ck_assert_int_eq(enable(KVM_CAP_X86_USER_SPACE_MSR,
				needed.user_space_msr), 0);
	ck_assert_int_eq(enable(KVM_CAP_X86_USER_SPACE_MSR,
				needed.user_space_msr |
				KVM_MSR_EXIT_REASON_UNKNOWN), 0);
	ck_assert_int_eq(enable(KVM_CAP_X86_USER_SPACE_MSR, 1ull << 31),
			 -EINVAL);
}
END_TEST

static uint8_t deny[16];

static struct kvm_msr_filter_range range(uint32_t base, uint32_t count)
{
	return (struct kvm_msr_filter_range){
		.flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
		.base = base, .nmsrs = count, .bitmap = deny,
	};
}

static int set_filter(const struct kvm_msr_filter *filter)
{
	return ioctl(vm_fd, KVM_X86_SET_MSR_FILTER, filter) ? -errno : 0;
}

START_TEST(the_filter_is_set_merged_and_replaced)
{
	struct kvm_msr_filter filter = {
		.flags = KVM_MSR_FILTER_DEFAULT_ALLOW,
		.ranges = { range(OWN_MSR, 1) },
	};

	ck_assert_uint_gt(check(KVM_CAP_X86_MSR_FILTER), 0);
	ck_assert_uint_le(needed.msr_filter_count, 8 * sizeof(deny));
	ck_assert_int_eq(set_filter(&filter), 0);
	filter.ranges[1] = range(needed.msr_filter_base,
				 needed.msr_filter_count);
	ck_assert_int_eq(set_filter(&filter), 0);
	ck_assert_int_eq(enable(KVM_CAP_X86_USER_SPACE_MSR,
				needed.user_space_msr), 0);
	filter.ranges[1].flags = ~0u;
	ck_assert_int_eq(set_filter(&filter), -EINVAL);
}
END_TEST

static struct kvm_cpuid2 *new_cpuid(void)
{
	struct kvm_cpuid2 *cpuid;

	cpuid = calloc(1, sizeof(*cpuid) +
				  MAX_CPUID * sizeof(cpuid->entries[0]));
	ck_assert_ptr_nonnull(cpuid);
	cpuid->nent = MAX_CPUID;
	return cpuid;
}

static int new_vcpu(unsigned long id)
{
	int fd = ioctl(vm_fd, KVM_CREATE_VCPU, id);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static uint32_t bits_of(int vcpu_fd)
{
	struct kvm_cpuid2 *cpuid = new_cpuid();
	uint32_t bits = ~0u;

	ck_assert_int_eq(ioctl(vcpu_fd, KVM_GET_CPUID2, cpuid), 0);
	ck_assert_int_eq(sevlm_cpuid_get(cpuid, &bits), 0);
	free(cpuid);
	return bits;
}

static uint32_t set_bits(int vcpu_fd, struct kvm_cpuid2 *cpuid, uint32_t on)
{
	uint32_t changed = ~0u;

	ck_assert_int_eq(sevlm_cpuid_set(cpuid, on, &changed), 0);
	ck_assert_int_eq(ioctl(vcpu_fd, KVM_SET_CPUID2, cpuid), 0);
	return changed;
}

static struct kvm_cpuid2 *supported(void)
{
	struct kvm_cpuid2 *cpuid = new_cpuid();

	ck_assert_int_eq(ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid), 0);
	return cpuid;
}

START_TEST(cpuid_goes_off_on_and_off_again)
{
	struct kvm_cpuid2 *cpuid = supported();
	int vcpu = new_vcpu(0);

	set_bits(vcpu, cpuid, 0);
	ck_assert_uint_eq(bits_of(vcpu), 0);
	ck_assert_uint_eq(set_bits(vcpu, cpuid, 1), BOTH);
	ck_assert_uint_eq(bits_of(vcpu), BOTH);
	ck_assert_uint_eq(set_bits(vcpu, cpuid, 0), BOTH);
	ck_assert_uint_eq(bits_of(vcpu), 0);
	close(vcpu);
	free(cpuid);
}
END_TEST

START_TEST(each_vcpu_has_what_it_was_given)
{
	struct kvm_cpuid2 *cpuid = supported();
	int first = new_vcpu(0), second = new_vcpu(1);

	set_bits(first, cpuid, 1);
	set_bits(second, cpuid, 0);
	ck_assert_uint_eq(bits_of(first), BOTH);
	ck_assert_uint_eq(bits_of(second), 0);
	close(first);
	close(second);
	free(cpuid);
}
END_TEST

/* the KVM leaf but for the two bits, and all the others, are KVM's */
START_TEST(nothing_else_in_cpuid_changes)
{
	struct kvm_cpuid2 *before = supported(), *after = supported();
	uint32_t changed;

	ck_assert_int_eq(sevlm_cpuid_set(after, 1, &changed), 0);
	ck_assert_uint_eq(before->nent, after->nent);
	for (uint32_t i = 0; i < before->nent; i++) {
		uint32_t was = before->entries[i].eax;

		if (was != after->entries[i].eax)
			before->entries[i].eax ^= changed;
		ck_assert_mem_eq(&before->entries[i], &after->entries[i],
				 sizeof(after->entries[i]));
	}
	free(before);
	free(after);
}
END_TEST

START_TEST(a_guest_without_sev_is_said_to_be_one)
{
	struct sevlm_guest_status status = { .size = sizeof(status) };
	int no_sev = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct sevlm_vm_config config = {
		.size = sizeof(config), .vm_fd = vm_fd, .sev_fd = no_sev,
		.kvm_fd = kvm_fd,
	};
	struct sevlm_vm *vm;

	ck_assert_int_eq(sevlm_vm_new(&config, &vm), 0);
	ck_assert_int_eq(sevlm_vm_guest_status(vm, &status), -ENOTSUP);
	ck_assert_uint_eq(sevlm_vm_firmware_status(vm),
			  SEVLM_FIRMWARE_NOT_ASKED);
	ck_assert_str_ne(sevlm_vm_error(vm), "");
	sevlm_vm_free(vm);
	close(no_sev);
}
END_TEST

static struct sevlm_host probe(void)
{
	struct sevlm_host host = { .size = sizeof(host) };
	int sev_fd = open("/dev/sev", O_RDWR | O_CLOEXEC);
	struct sevlm_probe how = {
		.size = sizeof(how),
		.kvm_fd = kvm_fd,
		.sev_fd = sev_fd < 0 ? -errno : sev_fd,
		.scratch_vm_fd = vm_fd,
		.ignore_msrs = -1,
		.memlock = UINT64_MAX,
	};

	ck_assert_int_eq(sevlm_probe_host(&how, &host), 0);
	if (sev_fd >= 0)
		close(sev_fd);
	return host;
}

START_TEST(the_probe_says_what_kvm_says)
{
	struct sevlm_host host = probe();

	ck_assert_int_eq(host.kvm_error, 0);
	ck_assert_uint_eq(host.kvm_api, KVM_API_VERSION);
	ck_assert_uint_eq(host.exit_hypercall, check(KVM_CAP_EXIT_HYPERCALL));
	ck_assert_uint_eq(!!(host.flags & SEVLM_HOST_USER_MSR),
			  !!check(KVM_CAP_X86_USER_SPACE_MSR));
	ck_assert_uint_eq(!!(host.flags & SEVLM_HOST_MSR_FILTER),
			  !!check(KVM_CAP_X86_MSR_FILTER));
	ck_assert_uint_eq(!!(host.flags & SEVLM_HOST_DIRTY_RING),
			  !!check(KVM_CAP_DIRTY_LOG_RING));
}
END_TEST

static bool starts_with(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

/* how many findings are about SEV missing, each with words for a human */
static uint32_t count_sev(const struct sevlm_findings *findings)
{
	struct sevlm_finding one = { .size = sizeof(one) };
	uint32_t count = 0;

	for (uint32_t i = 0; !sevlm_findings_get(findings, i, &one); i++)
		if (starts_with(one.code, "sev-")) {
			ck_assert_uint_eq(one.severity,
					  SEVLM_SEVERITY_BLOCKER);
			ck_assert_ptr_nonnull(strcasestr(one.message, "sev"));
			ck_assert_str_ne(one.remedy, "");
			count++;
		}
	return count;
}

START_TEST(missing_sev_is_explained)
{
	struct sevlm_host host = probe();
	struct sevlm_findings *findings;

	ck_assert_int_eq(sevlm_findings_new(&findings), 0);
	ck_assert_int_eq(sevlm_check_host(&host, 0, findings), 0);
	ck_assert_uint_eq(count_sev(findings) > 0,
			  host.sev_error || !(host.flags & SEVLM_HOST_SEV));
	sevlm_findings_free(findings);
}
END_TEST

/* why nothing can be asked here, or NULL */
static const char *missing(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	const char *why = NULL;

	if (fd < 0)
		return strerror(errno);
	if (ioctl(fd, KVM_GET_API_VERSION, 0ul) != KVM_API_VERSION)
		why = "it is not KVM";
	else if (ioctl(fd, KVM_CHECK_EXTENSION,
		       (unsigned long)KVM_CAP_EXIT_HYPERCALL) <= 0)
		why = "this kernel hands no hypercalls over";
	close(fd);
	return why;
}

int main(void)
{
	TCase *tcase = tcase_create("real");
	Suite *suite = suite_create("kvm");
	const char *why = missing();

	if (why)
		printf("1..0 # SKIP /dev/kvm: %s\n", why);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, hypercalls_exit_where_enabled);
	tcase_add_test(tcase, msr_accesses_exit_where_enabled);
	tcase_add_test(tcase, the_filter_is_set_merged_and_replaced);
	tcase_add_test(tcase, cpuid_goes_off_on_and_off_again);
	tcase_add_test(tcase, each_vcpu_has_what_it_was_given);
	tcase_add_test(tcase, nothing_else_in_cpuid_changes);
	tcase_add_test(tcase, a_guest_without_sev_is_said_to_be_one);
	tcase_add_test(tcase, the_probe_says_what_kvm_says);
	tcase_add_test(tcase, missing_sev_is_explained);
	suite_add_tcase(suite, tcase);
	return why ? 0 : run_suite(suite);
}
