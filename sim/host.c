/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "kvm.h"
#include "root.h"

#define ASIDS_DEFAULT 15u
#define ASIDS_MAX 63u /* bits of asids_used, without bit 0 */
#define API_MINOR_DEFAULT 24u
#define STATUS_MAX 0xffffu
#define ERRNO_MAX 4095

_Static_assert(sizeof(sim_root_amd) == SEVLM_SIM_AMD_SIZE, "ASK and ARK");

/* a newer caller may know more fields: they must be zero; an older one fewer,
 * but least */
static int copy_in(void *dst, size_t known, const void *src, size_t least)
{
	const uint8_t *bytes = src;
	size_t size;

	memcpy(&size, src, sizeof(size));
	if (size < least || size > SIM_PAGE)
		return -EINVAL;
	for (size_t i = known; i < size; i++)
		if (bytes[i])
			return -EINVAL;
	memcpy(dst, src, size < known ? size : known);
	return 0;
}

static int settle(struct sevlm_sim_host_config *config)
{
	if (!config->asids)
		config->asids = ASIDS_DEFAULT;
	if (!config->api_major && !config->api_minor)
		config->api_minor = API_MINOR_DEFAULT;
	if (config->asids > ASIDS_MAX || config->api_major > UINT8_MAX ||
	    config->api_minor > UINT8_MAX || config->build > UINT8_MAX ||
	    config->shared_list > 1 || config->multi_page > 1 ||
	    config->init_on_use > 1 || config->reserved)
		return -EINVAL;
	return 0;
}

/* unless it is told to wait the driver brings the platform up at once */
static int power_up(struct sevlm_sim_host *host,
		    const struct sevlm_sim_host_config *config)
{
	uint32_t error;
	int rc;

	rc = sim_random_new(config->seed, &host->random);
	if (!rc)
		rc = sim_identity_new(host->random, config->api_major,
				      config->api_minor, &host->identity);
	if (!rc)
		rc = sim_firmware_new(host->random, host->identity,
				      config->api_major, config->api_minor,
				      config->build, config->asids,
				      &host->firmware);
	if (!rc && !config->init_on_use)
		rc = sim_psp_init(host, &error);
	return rc;
}

static void power_down(struct sevlm_sim_host *host)
{
	sim_firmware_free(host->firmware);
	sim_identity_free(host->identity);
	sim_random_free(host->random);
}

static int new_locks(struct sevlm_sim_host *host)
{
	if (pthread_mutex_init(&host->lock, NULL))
		return -ENOMEM;
	if (!pthread_mutex_init(&host->asid_lock, NULL))
		return 0;
	pthread_mutex_destroy(&host->lock);
	return -ENOMEM;
}

static void free_locks(struct sevlm_sim_host *host)
{
	pthread_mutex_destroy(&host->asid_lock);
	pthread_mutex_destroy(&host->lock);
}

SIM_API int sevlm_sim_host_new(const struct sevlm_sim_host_config *config,
			       struct sevlm_sim_host **ret_host)
{
	struct sevlm_sim_host_config own = {0};
	struct sevlm_sim_host *host;
	int rc = 0;

	if (!ret_host)
		return -EINVAL;
	if (config)
		rc = copy_in(&own, sizeof(own), config,
			     offsetof(struct sevlm_sim_host_config,
				      shared_list));
	if (!rc)
		rc = settle(&own);
	if (rc)
		return rc;
	host = calloc(1, sizeof(*host));
	if (!host)
		return -ENOMEM;
	host->asids = own.asids;
	host->sev_open = 1;
	host->api_major = (uint8_t)own.api_major;
	host->api_minor = (uint8_t)own.api_minor;
	host->build = (uint8_t)own.build;
	host->shared_list = own.shared_list;
	host->multi_page = own.multi_page;
	rc = new_locks(host);
	if (rc)
		goto fail;
	rc = power_up(host, &own);
	if (rc)
		goto fail_locks;
	*ret_host = host;
	return 0;
fail_locks:
	power_down(host);
	free_locks(host);
fail:
	free(host);
	return rc;
}

SIM_API void sevlm_sim_host_free(struct sevlm_sim_host *host)
{
	if (!host)
		return;
	power_down(host);
	free_locks(host);
	free(host);
}

SIM_API int sevlm_sim_host_amd(struct sevlm_sim_host *host, void *amd)
{
	if (!host || !amd)
		return -EINVAL;
	memcpy(amd, sim_root_amd, sizeof(sim_root_amd));
	return 0;
}

SIM_API int sevlm_sim_host_cek(struct sevlm_sim_host *host, void *cek)
{
	if (!host || !cek)
		return -EINVAL;
	memcpy(cek, sim_identity_cek(host->identity), SEVLM_SIM_CERT_SIZE);
	return 0;
}

SIM_API int sevlm_sim_host_open(struct sevlm_sim_host *host, int32_t number,
				uint32_t open)
{
	uint32_t bit = (uint32_t)number - SEVLM_SIM_SEV_FD;

	if (!host || bit >= SEVLM_SIM_SEV_FDS || open > 1)
		return -EINVAL;
	pthread_mutex_lock(&host->lock);
	host->sev_open &= ~(1u << bit);
	host->sev_open |= open << bit;
	pthread_mutex_unlock(&host->lock);
	return 0;
}

static bool known(uint32_t command)
{
	return command < KVM_SEV_NR_MAX ||
	       (command >= SEVLM_SIM_COMMAND_ACTIVATE && command < SIM_COMMANDS);
}

static bool fault_good(const struct sevlm_sim_fault *fault)
{
	bool status = fault->status && fault->status <= STATUS_MAX;
	bool error = fault->error > 0 && fault->error <= ERRNO_MAX;
	bool init = fault->command == KVM_SEV_INIT;
	bool own = fault->command >= SEVLM_SIM_COMMAND_ACTIVATE;

	if (!known(fault->command))
		return false;
	switch (fault->where) {
	case SEVLM_SIM_FAULT_BEFORE:
		return error;
	case SEVLM_SIM_FAULT_STATUS:
	case SEVLM_SIM_FAULT_LATE:
		return status && !init;
	case SEVLM_SIM_FAULT_AFTER:
		return error && !own && !init;
	case SEVLM_SIM_FAULT_SILENT:
	case SEVLM_SIM_FAULT_SILENT_LATE:
		return !init;
	default:
		return false;
	}
}

SIM_API int sevlm_sim_host_fail(struct sevlm_sim_host *host,
				const struct sevlm_sim_fault *fault)
{
	struct sevlm_sim_fault own = {0};

	if (!host)
		return -EINVAL;
	if (fault &&
	    (copy_in(&own, sizeof(own), fault, sizeof(own)) ||
	     !fault_good(&own)))
		return -EINVAL;
	pthread_mutex_lock(&host->lock);
	host->fault = own;
	pthread_mutex_unlock(&host->lock);
	return 0;
}

SIM_API uint64_t sevlm_sim_host_commands(struct sevlm_sim_host *host,
					 uint32_t command)
{
	uint64_t count;

	if (!host || command >= SIM_COMMANDS)
		return 0;
	pthread_mutex_lock(&host->lock);
	count = host->commands[command];
	pthread_mutex_unlock(&host->lock);
	return count;
}

static int ops_vm(void *ctx, uint32_t request, void *arg)
{
	return ctx ? sim_kvm_vm_ioctl(ctx, request, arg) : -EBADF;
}

static int ops_sev(void *ctx, uint32_t request, void *arg)
{
	struct sevlm_sim_vm *vm = ctx;

	return vm ? sevlm_sim_host_sev(vm->host, request, arg) : -EBADF;
}

static int ops_host(void *ctx, uint32_t request, void *arg)
{
	struct sevlm_sim_vm *vm = ctx;

	if (!vm)
		return -EBADF;
	switch (request) {
	case KVM_GET_API_VERSION:
		return arg ? -EINVAL : KVM_API_VERSION;
	case KVM_CHECK_EXTENSION:
		return sim_kvm_extension(vm->host, (uintptr_t)arg);
	default:
		return -ENOTTY;
	}
}

SIM_API const struct sevlm_kernel_ops *sevlm_sim_ops(void)
{
	static const struct sevlm_kernel_ops ops = {
		.size = sizeof(ops),
		.vm = ops_vm,
		.sev = ops_sev,
		.host = ops_host,
	};

	return &ops;
}
