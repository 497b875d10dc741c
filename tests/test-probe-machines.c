/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Probing what is there: a software host, and this machine. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <libsevlm/sim.h>

#include "check-main.h"
#include "internal.h"

#define BASE                                                                   \
	(SEVLM_HOST_SEV | SEVLM_HOST_FIRMWARE | SEVLM_HOST_USER_MSR |          \
	 SEVLM_HOST_MSR_FILTER)

static struct sevlm_host host;

static void set_up(void)
{
	memset(&host, 0xff, sizeof(host));
	host.size = sizeof(host);
}

/* ---- the software host ---- */

static struct sevlm_sim_vm *sim_vm(struct sevlm_sim_host *sim)
{
	const struct sevlm_sim_vm_config config = {
		.size = sizeof(config),
		.memory = PAGE_SIZE,
	};
	struct sevlm_sim_vm *vm;

	ck_assert_int_eq(sevlm_sim_vm_new(sim, &config, &vm), 0);
	return vm;
}

static struct sevlm_sim_host *sim_host(void)
{
	const struct sevlm_sim_host_config config = {
		.size = sizeof(config),
		.seed = 11,
		.build = 5,
		.asids = 2,
	};
	struct sevlm_sim_host *sim;

	ck_assert_int_eq(sevlm_sim_host_new(&config, &sim), 0);
	return sim;
}

static void probe_sim(struct sevlm_sim_vm *scratch)
{
	const struct sevlm_probe by_vmm = {
		.size = sizeof(by_vmm),
		.sev_fd = SEVLM_SIM_SEV_FD,
		.asids = 2,
		.memlock = UINT64_MAX,
		.ops = sevlm_sim_ops(),
		.ops_ctx = scratch,
	};

	ck_assert_int_eq(sevlm_probe_host(&by_vmm, &host), 0);
	ck_assert_uint_eq(host.flags, BASE | SEVLM_HOST_MANUAL_PROTECT);
}

static uint32_t judge(void)
{
	struct sevlm_findings *list;
	uint32_t worst;

	ck_assert_int_eq(sevlm_findings_new(&list), 0);
	ck_assert_int_eq(sevlm_check_host(&host, 1 << 30, list), 0);
	ck_assert_int_eq(sevlm_check_target(0x11000001, 1 << 30, &host, list),
			 0);
	worst = sevlm_findings_worst(list);
	sevlm_findings_free(list);
	return worst;
}

START_TEST(software_host)
{
	struct sevlm_sim_host *sim = sim_host();
	struct sevlm_sim_vm *scratch = sim_vm(sim);

	probe_sim(scratch);
	ck_assert_uint_eq(host.commands, 0x7f);
	ck_assert_uint_eq(host.commands_known, 1);
	ck_assert_uint_eq(host.api_minor, 24);
	ck_assert_uint_eq(host.build, 5);
	ck_assert_uint_eq(host.guests, 0);
	ck_assert_uint_eq(judge(), SEVLM_SEVERITY_INFO);
	/* no command reached the firmware */
	for (uint32_t id = 0; id <= KVM_SEV_SEND_CANCEL; id++)
		ck_assert_uint_eq(sevlm_sim_host_commands(sim, id), 0);
	sevlm_sim_vm_free(scratch);
	sevlm_sim_host_free(sim);
}
END_TEST

/* a guest that is probed through by mistake runs on as it was */
START_TEST(software_guest)
{
	static uint8_t ram[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
	struct sevlm_sim_host *sim = sim_host();
	struct sevlm_sim_vm *guest = sim_vm(sim);
	uint64_t launched;

	ck_assert_int_eq(sevlm_sim_vm_launch(guest, ram, NULL, 0, 0x1), 0);
	launched = sevlm_sim_host_commands(sim, KVM_SEV_LAUNCH_FINISH);
	probe_sim(guest);
	ck_assert_uint_eq(host.commands_known, 0);
	ck_assert_uint_eq(host.guests, 1);
	ck_assert_uint_eq(judge(), SEVLM_SEVERITY_WARNING);
	ck_assert_uint_eq(sevlm_sim_host_commands(sim, KVM_SEV_LAUNCH_FINISH),
			  launched);
	for (uint32_t id = KVM_SEV_SEND_START; id <= KVM_SEV_RECEIVE_FINISH;
	     id++)
		ck_assert_uint_eq(sevlm_sim_host_commands(sim, id), 0);
	ck_assert_int_eq(sevlm_sim_vm_check(guest, NULL, 0), 0);
	sevlm_sim_vm_free(guest);
	sevlm_sim_host_free(sim);
}
END_TEST

/* ---- this machine ---- */

static int opened(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static bool listed(struct sevlm_findings *list, const char *code)
{
	struct sevlm_finding finding = {.size = sizeof(finding)};

	for (uint32_t i = 0; !sevlm_findings_get(list, i, &finding); i++)
		if (!strcmp(finding.code, code))
			return true;
	return false;
}

static void check_missing_sev(void)
{
	struct sevlm_findings *list;

	ck_assert_int_eq(sevlm_findings_new(&list), 0);
	ck_assert_int_eq(sevlm_check_host(&host, 0, list), 0);
	ck_assert_uint_eq(sevlm_findings_worst(list), SEVLM_SEVERITY_BLOCKER);
	ck_assert(listed(list, "sev-off"));
	if (host.sev_error == ENOENT)
		ck_assert(listed(list, "sev-device-missing"));
	sevlm_findings_free(list);
}

START_TEST(real_kvm)
{
	struct sevlm_probe real = {
		.size = sizeof(real),
		.kvm_fd = opened("/dev/kvm"),
		.sev_fd = opened("/dev/sev"),
		.memlock = UINT64_MAX,
	};

	if (real.kvm_fd < 0) {
		printf("# SKIP real_kvm: /dev/kvm: %s\n",
		       strerror(-real.kvm_fd));
		return;
	}
	real.scratch_vm_fd = ioctl(real.kvm_fd, KVM_CREATE_VM, 0);
	ck_assert_int_ge(real.scratch_vm_fd, 0);
	ck_assert_int_eq(sevlm_probe_host(&real, &host), 0);
	ck_assert_int_eq(host.kvm_error, 0);
	ck_assert_uint_eq(host.kvm_api, 12);
	ck_assert_uint_eq(host.flags & ~0x3ffu, 0);
	ck_assert_uint_eq(host.commands & ~0x7fu, 0);
	if (host.flags & SEVLM_HOST_SEV) {
		ck_assert_uint_eq(host.commands_known, 1);
	} else {
		ck_assert_uint_eq(host.commands_known, 0);
		check_missing_sev();
	}
	close(real.scratch_vm_fd);
	close(real.kvm_fd);
	if (real.sev_fd >= 0)
		close(real.sev_fd);
}
END_TEST

START_TEST(files_of_another_kind)
{
	int fd = opened("/dev/null");
	struct sevlm_probe wrong = {
		.size = sizeof(wrong),
		.kvm_fd = fd,
		.sev_fd = fd,
		.scratch_vm_fd = fd,
	};

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(sevlm_probe_host(&wrong, &host), 0);
	ck_assert_int_eq(host.kvm_error, ENOTTY);
	ck_assert_int_eq(host.sev_error, ENOTTY);
	ck_assert_uint_eq(host.flags, 0);
	ck_assert_uint_eq(host.commands_known, 0);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("probe-machines");
	TCase *software = tcase_create("software");
	TCase *machine = tcase_create("machine");

	tcase_add_checked_fixture(software, set_up, NULL);
	tcase_add_test(software, software_host);
	tcase_add_test(software, software_guest);
	tcase_add_checked_fixture(machine, set_up, NULL);
	tcase_add_test(machine, real_kvm);
	tcase_add_test(machine, files_of_another_kind);
	suite_add_tcase(suite, software);
	suite_add_tcase(suite, machine);
	return run_suite(suite);
}
