/* SPDX-License-Identifier: MIT-0 */
/*
 * vmm [--offer] [--no-exits] [--sev] --script FILE
 *
 * Runs a guest that does what the script says, a line per access, and prints
 * what it got. --offer offers it live migration; --no-exits leaves out what
 * libsevlm needs KVM to hand over; --sev takes /dev/sev.
 */
#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vmm.h"

struct options {
	bool offer, no_exits, sev;
	const char *script;
};

static int open_door(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		warn("%s", path);
	return fd;
}

/* libsevlm asks for a file that stands for the firmware and is the guest's
 * for life. A guest without SEV has none and never reaches the calls that
 * use it, so it gets one on which every command fails. */
static int open_all(struct vmm *vmm, const struct options *options)
{
	vmm->kvm_fd = open_door("/dev/kvm");
	if (vmm->kvm_fd < 0)
		return -1;
	vmm->sev_fd = open_door(options->sev ? "/dev/sev" : "/dev/null");
	if (vmm->sev_fd < 0)
		return -1;
	vmm->vm_fd = ioctl(vmm->kvm_fd, KVM_CREATE_VM, 0ul);
	if (vmm->vm_fd < 0) {
		warn("KVM_CREATE_VM");
		return -1;
	}
	vmm->script.file = fopen(options->script, "re");
	if (!vmm->script.file) {
		warn("%s", options->script);
		return -1;
	}
	return 0;
}

static int describe(struct vmm *vmm, bool offer)
{
	struct sevlm_vm_config config = {
		.size = sizeof(config),
		.vm_fd = vmm->vm_fd,
		.sev_fd = vmm->sev_fd,
		.kvm_fd = vmm->kvm_fd,
	};
	int ret = sevlm_vm_new(&config, &vmm->vm);

	if (!ret && offer)
		ret = sevlm_vm_offer(vmm->vm, 0);
	if (ret)
		warnx("libsevlm: %s", sevlm_strerror(ret));
	return ret ? -1 : 0;
}

static int run(struct vmm *vmm, const struct options *options)
{
	if (open_all(vmm, options) || describe(vmm, options->offer) ||
	    setup_exits(vmm, !options->no_exits) || memory_create(vmm) ||
	    vcpu_create(vmm, 0, options->offer, &vmm->vcpu))
		return -1;
	return vcpu_run(vmm, &vmm->vcpu);
}

static void close_all(struct vmm *vmm)
{
	vcpu_free(&vmm->vcpu);
	sevlm_vm_free(vmm->vm);
	if (vmm->vm_fd >= 0)
		close(vmm->vm_fd);
	memory_free(vmm);
	if (vmm->sev_fd >= 0)
		close(vmm->sev_fd);
	if (vmm->kvm_fd >= 0)
		close(vmm->kvm_fd);
	if (vmm->script.file)
		fclose(vmm->script.file);
}

static int parse(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{ "offer", no_argument, NULL, 'o' },
		{ "no-exits", no_argument, NULL, 'n' },
		{ "sev", no_argument, NULL, 's' },
		{ "script", required_argument, NULL, 'f' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'o')
			options->offer = true;
		else if (c == 'n')
			options->no_exits = true;
		else if (c == 's')
			options->sev = true;
		else if (c == 'f')
			options->script = optarg;
		else
			return -1;
	}
	return options->script && optind == argc ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct vmm vmm = { .kvm_fd = -1, .vm_fd = -1, .sev_fd = -1,
			   .vcpu.fd = -1 };
	struct options options = { 0 };
	int ret;

	if (parse(argc, argv, &options)) {
		fprintf(stderr, "usage: %s [--offer] [--no-exits] [--sev] "
				"--script FILE\n", argv[0]);
		return 2;
	}
	ret = run(&vmm, &options);
	close_all(&vmm);
	return ret ? 1 : 0;
}
