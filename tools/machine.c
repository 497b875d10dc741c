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

#include "certs.h"
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

struct machine {
	struct sevlm_probe probe;
	/* of a software host, or NULL */
	struct sevlm_sim_host *host;
	struct sevlm_sim_vm *vm;
};

static void open_real(struct machine *machine)
{
	machine->probe = (struct sevlm_probe){
		.size = sizeof(machine->probe),
		.kvm_fd = open_device("/dev/kvm"),
		.sev_fd = open_device("/dev/sev"),
		.ignore_msrs = ignore_msrs(),
		.asids = asids(),
		.memlock = memlock(),
	};
}

static void open_sev(struct machine *machine)
{
	machine->probe = (struct sevlm_probe){
		.size = sizeof(machine->probe),
		.kvm_fd = -ENODEV,
		.scratch_vm_fd = -ENODEV,
		.sev_fd = open_device("/dev/sev"),
	};
}

static int open_software(struct machine *machine, uint64_t seed)
{
	const struct sevlm_sim_host_config host = {
		.size = sizeof(host),
		.seed = seed,
		.asids = SIM_ASIDS,
	};
	const struct sevlm_sim_vm_config vm = {
		.size = sizeof(vm),
		.memory = SEVLM_PAGE_SIZE,
	};
	int error = sevlm_sim_host_new(&host, &machine->host);

	if (!error)
		error = sevlm_sim_vm_new(machine->host, &vm, &machine->vm);
	machine->probe = (struct sevlm_probe){
		.size = sizeof(machine->probe),
		.asids = SIM_ASIDS,
		.memlock = memlock(),
		.ops = sevlm_sim_ops(),
		.ops_ctx = machine->vm,
	};
	return error;
}

static void close_machine(struct machine *machine)
{
	sevlm_sim_vm_free(machine->vm);
	sevlm_sim_host_free(machine->host);
	if (machine->probe.ops)
		return;
	close_device(machine->probe.scratch_vm_fd);
	close_device(machine->probe.sev_fd);
	close_device(machine->probe.kvm_fd);
}

int machine_ask(bool simulate, struct sevlm_host *ret, struct sentence *why)
{
	struct machine machine = {.host = NULL};
	int error = 0;

	ret->size = sizeof(*ret);
	if (simulate) {
		error = open_software(&machine, 1);
	} else {
		open_real(&machine);
		machine.probe.scratch_vm_fd = scratch_vm(machine.probe.kvm_fd);
	}
	if (!error)
		error = sevlm_probe_host(&machine.probe, ret);
	close_machine(&machine);
	return error ? fail(why, error, "the host could not be asked: %s",
			    sevlm_strerror(error))
		     : 0;
}

/* AMD's server of the software host is in this process */
static int sign_software(struct machine *machine, struct machine_certs *ret)
{
	int error = sevlm_sim_host_cek(machine->host, ret->chain + CHAIN_CEK);

	ret->cek_signed = !error;
	return error ? error : sevlm_sim_host_amd(machine->host, ret->amd);
}

static int ask_certs(struct machine *machine, struct machine_certs *ret)
{
	int error = sevlm_probe_certs(&machine->probe, ret->pdh, ret->chain);

	if (error)
		return error;
	error = sevlm_probe_chip_id(&machine->probe, ret->chip_id);
	ret->chip_known = !error;
	/* firmware before API 0.16 has the certificates only */
	return error == -ENOTSUP ? 0 : error;
}

int machine_certs(const struct options *options, struct machine_certs *ret,
		  struct sentence *why)
{
	struct machine machine = {.host = NULL};
	int error = 0;

	if (options->simulate)
		error = open_software(&machine, options->host_seed);
	else
		open_sev(&machine);
	if (!error)
		error = ask_certs(&machine, ret);
	if (!error && options->simulate)
		error = sign_software(&machine, ret);
	close_machine(&machine);
	return error ? fail(why, error, "the host gave no certificates: %s",
			    sevlm_strerror(error))
		     : 0;
}
