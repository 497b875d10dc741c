/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The machine's firmware, told to fail; and what KVM keeps of it. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "walk.h"

#define FAULTS "/sys/kernel/debug/soft-psp/faults"

/* COMMAND,STATUS,AFTER,TIMES or that and ",late": it is carried out, and then
 * fails */
int firmware_fail(const char *text)
{
	FILE *file = fopen(FAULTS, "we");
	int ret = 0;

	if (!file) {
		warn(FAULTS);
		return -1;
	}
	for (; *text; text++)
		if (fputc(*text == ',' ? ' ' : *text, file) == EOF)
			ret = -1;
	return fclose(file) || ret ? -1 : 0;
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
 * nobody else's counts, and it must not be closed, nor be another file's. */
int firmware_number(struct vmm *vmm)
{
	struct sevlm_vm_config config = {
		.size = sizeof(config),
		.vm_fd = vmm->vm_fd,
		.sev_fd = dup(vmm->sev_fd),
		.kvm_fd = -1,
	};
	struct sevlm_vm *other;
	bool right;

	if (sevlm_vm_new(&config, &other))
		return -1;
	right = asked(other, 0);
	close(vmm->sev_fd);
	right = asked(vmm->vm, -EIO) && asked(other, -EIO) && right;
	right = names(vmm, "/dev/null", -EIO) && right;
	right = names(vmm, "/dev/sev", 0) && right;
	sevlm_vm_free(other);
	close(config.sev_fd);
	return right ? 0 : -1;
}
