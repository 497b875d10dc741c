/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include "internal.h"

static void ask_kvm(struct sevlm__kernel *kernel, int32_t fd,
		    struct sevlm_host *host)
{
	int ret = fd < 0 ? fd : sevlm__kernel_api_version(kernel);

	if (ret < 0) {
		host->kvm_error = -ret;
		return;
	}
	host->kvm_api = (uint32_t)ret;
	sevlm__kernel_extensions(kernel, host);
}

static void ask_scratch_vm(struct sevlm__kernel *kernel, int32_t fd,
			   struct sevlm_host *host)
{
	if (fd < 0)
		return;
	if (sevlm__kernel_sev(kernel))
		host->flags |= SEVLM_HOST_SEV;
	host->commands_known = sevlm__kernel_commands(kernel, &host->commands);
}

/* The device works, the firmware behind it refuses or is given up on. */
static bool firmware_fails(int ret)
{
	return ret == -EIO || ret == -ETIMEDOUT || ret == -EBUSY;
}

static void ask_firmware(struct sevlm__kernel *kernel, int32_t fd,
			 struct sevlm_host *host)
{
	int ret = fd;

	if (fd >= 0) {
		ret = sevlm__kernel_platform_status(kernel, host);
		if (firmware_fails(ret))
			return;
	}
	if (ret < 0)
		host->sev_error = -ret;
	else
		host->flags |= SEVLM_HOST_FIRMWARE;
}

static int take_probe(struct sevlm_probe *known,
		      struct sevlm__kernel *kernel,
		      const struct sevlm_probe *probe)
{
	if (sevlm__copy_in(known, sizeof(*known), probe, sizeof(*known)) ||
	    known->reserved || sevlm__kernel_init_probe(kernel, known))
		return -EINVAL;
	return 0;
}

SEVLM_API int sevlm_probe_host(const struct sevlm_probe *probe,
			       struct sevlm_host *ret_host)
{
	struct sevlm_host host = { .size = sizeof(host) };
	struct sevlm__kernel kernel;
	struct sevlm_probe known;

	if (!ret_host || take_probe(&known, &kernel, probe))
		return -EINVAL;
	host.asids = known.asids;
	host.memlock = known.memlock;
	if (known.ignore_msrs > 0)
		host.flags |= SEVLM_HOST_IGNORE_MSRS;
	ask_kvm(&kernel, known.kvm_fd, &host);
	ask_scratch_vm(&kernel, known.scratch_vm_fd, &host);
	ask_firmware(&kernel, known.sev_fd, &host);
	return sevlm__copy_out(ret_host, &host, sizeof(host));
}

/* why /dev/sev could not be opened, in the words of the public set */
static int no_device(int error)
{
	switch (error) {
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		return -ENOTSUP;
	case -EACCES:
		return -EPERM;
	default:
		return sevlm__public_error(error);
	}
}

static int take_device(struct sevlm__kernel *kernel,
		       const struct sevlm_probe *probe)
{
	struct sevlm_probe known;
	int ret = take_probe(&known, kernel, probe);

	if (ret)
		return ret;
	return known.sev_fd < 0 ? no_device(known.sev_fd) : 0;
}

SEVLM_API int sevlm_probe_certs(const struct sevlm_probe *probe, void *pdh,
				void *chain)
{
	struct sevlm__kernel kernel;
	struct sevlm__error unused;
	int ret = pdh && chain ? take_device(&kernel, probe) : -EINVAL;

	return ret ? ret :
		     sevlm__kernel_pdh_export(&kernel, &unused, pdh, chain);
}

SEVLM_API int sevlm_probe_chip_id(const struct sevlm_probe *probe, void *id)
{
	struct sevlm__kernel kernel;
	struct sevlm__error unused;
	int ret = id ? take_device(&kernel, probe) : -EINVAL;

	return ret ? ret : sevlm__kernel_chip_id(&kernel, &unused, id);
}
