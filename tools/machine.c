/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Opening what the library asks to be handed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include <libsevlm/sim.h>

#include "hosts.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#define SIM_ASIDS 15u

static int open_device(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Never a guest: an empty VM of the default type, gone when it is closed. */
static int scratch_vm(int kvm_fd)
{
	int fd = kvm_fd < 0 ? -1 : ioctl(kvm_fd, KVM_CREATE_VM, 0);

	if (fd < 0 && kvm_fd >= 0)
		complain("", "no scratch VM could be made to ask KVM with: %s",
			 strerrordesc_np(errno));
	return fd;
}

static int32_t ignore_msrs(void)
{
	FILE *file = fopen("/sys/module/kvm/parameters/ignore_msrs", "re");
	int c;

	if (!file)
		return -1;
	c = fgetc(file);
	fclose(file);
	return c == 'Y' || c == '1' ? 1 : 0;
}

/* AMD APM volume 3, CPUID 8000_001F: ASIDs 1 to ECX, of them below EDX for
 * SEV-ES only. */
static uint32_t asids(void)
{
#if defined(__x86_64__)
	unsigned int eax, ebx, ecx, edx;

	if (__get_cpuid(0x8000001f, &eax, &ebx, &ecx, &edx) && eax & 2u &&
	    ecx >= edx)
		return edx ? ecx - edx + 1 : ecx;
#endif
	return 0;
}

static uint64_t memlock(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) ||
	    limit.rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	return limit.rlim_cur;
}

static void close_device(int fd)
{
	if (fd >= 0)
		close(fd);
}

static int ask_machine(struct sevlm_host *ret)
{
	struct sevlm_probe probe = {
		.size = sizeof(probe),
		.kvm_fd = open_device("/dev/kvm"),
		.sev_fd = open_device("/dev/sev"),
		.ignore_msrs = ignore_msrs(),
		.asids = asids(),
		.memlock = memlock(),
	};
	int error;

	probe.scratch_vm_fd = scratch_vm(probe.kvm_fd);
	error = sevlm_probe_host(&probe, ret);
	close_device(probe.scratch_vm_fd);
	close_device(probe.sev_fd);
	close_device(probe.kvm_fd);
	return error;
}

static int ask_sim_vm(struct sevlm_sim_host *host, struct sevlm_host *ret)
{
	const struct sevlm_sim_vm_config config = {
		.size = sizeof(config),
		.memory = SEVLM_PAGE_SIZE,
	};
	struct sevlm_probe probe = {
		.size = sizeof(probe),
		.asids = SIM_ASIDS,
		.memlock = memlock(),
		.ops = sevlm_sim_ops(),
	};
	struct sevlm_sim_vm *vm;
	int error = sevlm_sim_vm_new(host, &config, &vm);

	if (error)
		return error;
	probe.ops_ctx = vm;
	error = sevlm_probe_host(&probe, ret);
	sevlm_sim_vm_free(vm);
	return error;
}

static int ask_software(struct sevlm_host *ret)
{
	const struct sevlm_sim_host_config config = {
		.size = sizeof(config),
		.seed = 1,
		.asids = SIM_ASIDS,
	};
	struct sevlm_sim_host *host;
	int error = sevlm_sim_host_new(&config, &host);

	if (error)
		return error;
	error = ask_sim_vm(host, ret);
	sevlm_sim_host_free(host);
	return error;
}

int machine_ask(bool simulate, struct sevlm_host *ret, struct sentence *why)
{
	int error;

	ret->size = sizeof(*ret);
	error = simulate ? ask_software(ret) : ask_machine(ret);
	return error ? fail(why, error, "the host could not be asked: %s",
			    sevlm_strerror(error))
		     : 0;
}
