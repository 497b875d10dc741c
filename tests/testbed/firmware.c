/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The machine's firmware, told to fail; and what KVM keeps of it. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/psp-sev.h>

#include "walk.h"

#define PSP "/sys/kernel/debug/soft-psp/"

static int put(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");
	int ret = 0;

	if (!file) {
		warn("%s", path);
		return -1;
	}
	for (; *text; text++)
		if (fputc(*text == ',' ? ' ' : *text, file) == EOF)
			ret = -1;
	return fclose(file) || ret ? -1 : 0;
}

/* COMMAND,STATUS,AFTER,TIMES or that and ",late": it is carried out, and then
 * fails. With "timeout" as STATUS firmware is dead from then on. */
int firmware_fail(struct walk *walk, const char *arg)
{
	(void)walk;
	return put(PSP "faults", arg);
}

/* COMMAND,MICROSECONDS: so much longer takes each of it */
int firmware_delay(struct walk *walk, const char *arg)
{
	(void)walk;
	return put(PSP "delays", arg);
}

/* how many guests firmware has a handle for */
int firmware_knows(struct walk *walk, const char *arg)
{
	struct sev_user_data_status data = { 0 };
	struct sev_issue_cmd issue = {
		.cmd = SEV_PLATFORM_STATUS,
		.data = (uintptr_t)&data,
	};
	int fd = open("/dev/sev", O_RDWR | O_CLOEXEC);
	int ret = fd < 0 ? -1 : ioctl(fd, SEV_ISSUE_CMD, &issue);

	(void)walk;
	if (fd >= 0)
		close(fd);
	printf("firmware knows of %u guests\n", data.guest_count);
	return ret || data.guest_count != strtoul(arg, NULL, 10) ? -1 : 0;
}

static long counter(const char *name)
{
	FILE *file = fopen("/proc/vmstat", "re");
	bool found = false;
	char line[64];
	long value;

	while (file && !found && fscanf(file, "%63s %ld", line, &value) == 2)
		found = !strcmp(line, name);
	if (file)
		fclose(file);
	return found ? value : -1;
}

/* How much memory the kernel keeps where it lies, for whoever. Processors count
 * by themselves until they are told to add it up. */
int firmware_pinned(struct walk *walk, const char *arg)
{
	long bytes = strtol(arg, NULL, 10) << 20, ever, released;

	(void)walk;
	put("/proc/sys/vm/stat_refresh", "1");
	ever = counter("nr_foll_pin_acquired");
	released = counter("nr_foll_pin_released");
	printf("%ld pages are pinned\n", ever - released);
	return ever < 0 || (ever - released) * (long)PAGE != bytes ? -1 : 0;
}

/* known or unknown */
int firmware_chip_id(struct walk *walk, const char *arg)
{
	const struct sevlm_probe probe = {
		.size = sizeof(probe),
		.kvm_fd = -ENODEV,
		.scratch_vm_fd = -ENODEV,
		.sev_fd = open("/dev/sev", O_RDWR | O_CLOEXEC),
	};
	uint8_t id[SEVLM_CHIP_ID_SIZE];
	int ret = sevlm_probe_chip_id(&probe, id);

	(void)walk;
	close(probe.sev_fd);
	printf("chip id: %s\n", sevlm_strerror(ret));
	return !ret == !strcmp(arg, "known") ? 0 : -1;
}

static bool asked(struct sevlm_vm *vm, int expected)
{
	struct sevlm_guest_status status = { .size = sizeof(status) };
	int ret = sevlm_vm_guest_status(vm, &status);

	printf("guest status: %d%s%s\n", ret, ret ? ", " : "",
	       ret ? sevlm_vm_error(vm) : "");
	return ret == expected;
}

static bool names(struct vmm *vmm, const char *path, int expected)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	bool ret = fd >= 0 && dup2(fd, vmm->sev_fd) == vmm->sev_fd &&
		   asked(vmm->vm, expected);

	if (fd >= 0)
		close(fd);
	return ret;
}

/* KVM keeps the number that LAUNCH_START was told, and looks it up each time:
 * nobody else's counts, and it must not be closed, nor be another file's. With
 * "held" KVM is one of ours, and keeps the file. */
int firmware_number(struct walk *walk, const char *arg)
{
	struct vmm *vmm = &walk->vmm;
	struct sevlm_vm_config config = {
		.size = sizeof(config),
		.vm_fd = vmm->vm_fd,
		.sev_fd = dup(vmm->sev_fd),
		.kvm_fd = -1,
	};
	int gone = strcmp(arg, "held") ? -EIO : 0;
	struct sevlm_vm *other;
	bool right;

	if (sevlm_vm_new(&config, &other))
		return -1;
	right = asked(other, 0);
	close(vmm->sev_fd);
	right = asked(vmm->vm, gone) && asked(other, gone) && right;
	right = names(vmm, "/dev/null", gone) && right;
	right = names(vmm, "/dev/sev", 0) && right;
	sevlm_vm_free(other);
	close(config.sev_fd);
	return right ? 0 : -1;
}
