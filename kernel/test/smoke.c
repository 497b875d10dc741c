// SPDX-License-Identifier: GPL-2.0-only
/*
 * The only process of an emulated host with the software PSP: tries what
 * /dev/sev and KVM have to offer, prints TAP, switches the machine off.
 *
 * By design on bare ioctls: it judges the kernel's side alone.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "smoke.h"

static void test_platform(void)
{
	struct sev_user_data_pdh_cert_export query = {};
	struct sev_user_data_get_id2 get_id = {};
	struct sev_user_data_status status;
	struct peer mine, file;
	char id[65] = {}, hex[130] = {}, want[130] = {};
	char taint[32];
	int i;

	memset(&status, 0xff, sizeof(status));
	is(platform(SEV_PLATFORM_STATUS, &status), OK, "PLATFORM_STATUS");
	ok(status.state == 1 && status.api_major == 1 &&
	   status.api_minor == 51 && status.build == 3 &&
	   status.guest_count == 0, "it is INIT, and of its version");
	read_text("/proc/sys/kernel/tainted", taint, sizeof(taint) - 1);
	ok(strtoul(taint, NULL, 10) >> 18 & 1, "the kernel is tainted");

	is(platform(SEV_GET_ID2, &get_id), BAD_LEN, "GET_ID2, asked for length");
	is(get_id.length, 64, "of 64 bytes");
	get_id.address = (uintptr_t)id;
	is(platform(SEV_GET_ID2, &get_id), OK, "GET_ID2");
	for (i = 0; i < 64; i++)
		sprintf(hex + 2 * i, "%02x", (uint8_t)id[i]);
	read_file("/certs/a/id", want, 128);
	ok(!strcmp(hex, want), "the chip has its own number");

	is(platform(SEV_PDH_CERT_EXPORT, &query), BAD_LEN,
	   "PDH_CERT_EXPORT, asked for lengths");
	ok(query.pdh_cert_len == CERT && query.cert_chain_len == CHAIN,
	   "of one and three certificates");
	is(export(&mine), OK, "PDH_CERT_EXPORT");
	load(&file, "a");
	ok(!memcmp(&mine, &file, sizeof(mine)), "they are the machine's");
	is(platform(SEV_PEK_GEN, NULL), UNSUPPORTED, "PEK_GEN is not there");
	is(platform(SEV_FACTORY_RESET, NULL), UNSUPPORTED,
	   "FACTORY_RESET is not there");
}

static void test_launch(struct vm *vm)
{
	struct kvm_sev_launch_secret secret = {};
	struct sev_user_data_status status;
	uint8_t measure[48];
	uint32_t bytes = 0;

	need(!vm_open(vm), "KVM_SEV_INIT");
	fill(vm);
	is(launch_start(vm, 0), OK, "LAUNCH_START");
	is(guest_state(vm), LUPDATE, "and it is LUPDATE");
	is(platform(SEV_PLATFORM_STATUS, &status), OK, "PLATFORM_STATUS");
	ok(status.state == 2 && status.guest_count == 1, "WORKING, one guest");
	is(launch_start(vm, 0), ASID_OWNED, "no second LAUNCH_START");
	is(launch_update(vm, vm->private, MEMORY), OK, "LAUNCH_UPDATE_DATA");
	is(launch_update(vm, vm->private + 8, 16), BAD_ADDRESS,
	   "no LAUNCH_UPDATE_DATA that is not aligned");
	is(launch_update(vm, vm->private, 24), BAD_LEN,
	   "no LAUNCH_UPDATE_DATA of half a block");
	is(launch_measure(vm, NULL, &bytes), BAD_LEN,
	   "LAUNCH_MEASURE, asked for length");
	is(bytes, sizeof(measure), "of 48 bytes");
	is(launch_measure(vm, measure, &bytes), OK, "LAUNCH_MEASURE");
	is(guest_state(vm), LSECRET, "and it is LSECRET");
	secret.hdr_uaddr = secret.trans_uaddr = (uintptr_t)measure;
	secret.hdr_len = secret.trans_len = 16;
	secret.guest_uaddr = (uintptr_t)vm->private;
	secret.guest_len = 16;
	is(sev(vm, KVM_SEV_LAUNCH_SECRET, &secret), UNSUPPORTED,
	   "LAUNCH_SECRET is not there");
	is(sev(vm, KVM_SEV_SEND_FINISH, NULL), BAD_GUEST_STATE,
	   "no SEND_FINISH out of LSECRET");
	is(sev(vm, KVM_SEV_LAUNCH_FINISH, NULL), OK, "LAUNCH_FINISH");
	is(guest_state(vm), RUNNING, "and it is RUNNING");
}

static void test_run(struct vm *vm)
{
	boot(vm);
	ok(round_of(vm, 1), "the guest runs, with two views of its memory");
	ok(round_of(vm, 2), "and once more");
}

/* Linux that knows types of VMs, 6.12 but not 6.1, has one for SEV. */
static void test_type(void)
{
	struct vm vm;

	if (!(ioctl(kvm_fd, KVM_CHECK_EXTENSION, CAP_VM_TYPES) >> SEV_VM & 1))
		return;
	vm_type = SEV_VM;
	launch(&vm, 0);
	is(guest_state(&vm), RUNNING, "a VM of the type for SEV, by INIT2");
	fill(&vm);	/* not too late where nothing is encrypted */
	boot(&vm);
	ok(round_of(&vm, 1), "its guest runs");
	is(sev(&vm, KVM_SEV_INIT, NULL), NO_CALL, "no INIT for this type");
	vm_close(&vm);
	vm_type = 0;
}

static void test_asids(void)
{
	struct vm vms[ASIDS + 1];
	int i, good = 0;

	for (i = 0; i < 50; i++) {
		launch(&vms[0], 0);
		good += guest_state(&vms[0]) == RUNNING;
		vm_close(&vms[0]);
	}
	is(good, 50, "50 guests come and go");

	for (i = 0; i < ASIDS; i++)
		launch(&vms[i], 0);
	is(vm_open(&vms[i]), NO_CALL, "one more than there are ASIDs does not");
	vm_close(&vms[i]);
	for (i = 0; i < ASIDS; i++)
		vm_close(&vms[i]);
	launch(&vms[0], 0);
	is(guest_state(&vms[0]), RUNNING, "and then again");
	vm_close(&vms[0]);
}

static void test_on(void)
{
	struct vm vm;

	test_platform();
	test_launch(&vm);
	test_run(&vm);
	test_move(&vm);
	vm_close(&vm);
	test_policy();
	test_certs();
	test_cancel();
	test_owner();
	test_type();
	test_asids();
	test_fault_lines();
	launch(&vm, 0);
	test_faults(&vm);
	vm_close(&vm);
	test_speed();
}

/* Not asked for, or without an identity */
static void test_off(void)
{
	struct vm vm;

	ok(sev_fd < 0, "there is no /dev/sev");
	is(vm_open(&vm), NO_CALL, "there is no SEV in KVM");
	vm_close(&vm);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "on";

	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("\n# BEGIN\n");

	kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	need(kvm_fd >= 0, "/dev/kvm");
	sev_fd = open("/dev/sev", O_RDWR | O_CLOEXEC);
	if (!strcmp(mode, "off")) {
		test_off();
	} else {
		need(sev_fd >= 0, "/dev/sev");
		!strcmp(mode, "dead") ? test_dead() : test_on();
	}
	test_log(strcmp(mode, "off"));
	test_leaks();
	end(failures);
}
