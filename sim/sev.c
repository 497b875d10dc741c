/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* /dev/sev: the PSP driver's ioctl and the platform commands behind it. */
#include <errno.h>
#include <string.h>

#include <linux/psp-sev.h>
#include <sys/ioctl.h>

#include "firmware.h"

#define BLOB_MAX 16384u /* SEV_FW_BLOB_MAX_SIZE */
#define ID_SIZE 64u
/* what the kernel's allocator gives at most in one piece */
#define ALLOC_MAX (4u << 20)
#define ENOTSUPP_KERNEL 524 /* the kernel's own, not ENOTSUP */

static void *user(uint64_t address)
{
	return (void *)(uintptr_t)address;
}

static int answer(struct sev_issue_cmd *cmd, uint32_t status)
{
	cmd->error = status;
	return status ? -EIO : 0;
}

static int platform_status(struct sevlm_sim_host *host,
			   struct sev_issue_cmd *cmd)
{
	struct sev_user_data_status *out = user(cmd->data);
	uint32_t guests;
	uint8_t state;

	sim_firmware_platform(host->firmware, &state, &guests);
	answer(cmd, SIM_SUCCESS);
	/* it finds out when it has the answer */
	if (!out)
		return -EFAULT;
	*out = (struct sev_user_data_status){
		.api_major = host->api_major,
		.api_minor = host->api_minor,
		.state = state,
		.build = host->build,
		.guest_count = guests,
	};
	return 0;
}

static int pdh_gen(struct sevlm_sim_host *host, struct sev_issue_cmd *cmd)
{
	return answer(cmd, sim_firmware_pdh_gen(host->firmware));
}

static int pdh_cert_export(struct sevlm_sim_host *host,
			   struct sev_issue_cmd *cmd)
{
	struct sev_user_data_pdh_cert_export *data = user(cmd->data);
	bool query, fits;

	if (!data)
		return -EFAULT;
	query = !data->pdh_cert_address || !data->pdh_cert_len ||
		!data->cert_chain_address || !data->cert_chain_len;
	fits = !query && data->pdh_cert_len >= SEVLM_SIM_CERT_SIZE &&
	       data->cert_chain_len >= SIM_CHAIN;
	if (!query &&
	    (data->pdh_cert_len > BLOB_MAX || data->cert_chain_len > BLOB_MAX))
		return -EFAULT;
	data->pdh_cert_len = SEVLM_SIM_CERT_SIZE;
	data->cert_chain_len = SIM_CHAIN;
	if (!fits)
		return answer(cmd, SIM_INVALID_LEN);
	memcpy(user(data->pdh_cert_address), sim_identity_pdh(host->identity),
	       SEVLM_SIM_CERT_SIZE);
	sim_identity_chain(host->identity, user(data->cert_chain_address));
	return answer(cmd, SIM_SUCCESS);
}

static int get_id2(struct sevlm_sim_host *host, struct sev_issue_cmd *cmd)
{
	struct sev_user_data_get_id2 *data = user(cmd->data);
	bool fits;

	if (!host->api_major && host->api_minor < 16)
		return -ENOTSUPP_KERNEL;
	if (!data)
		return -EFAULT;
	if (data->address && data->length > ALLOC_MAX)
		return -ENOMEM;
	fits = data->address && data->length >= ID_SIZE;
	data->length = ID_SIZE;
	if (!fits)
		return answer(cmd, SIM_INVALID_LEN);
	memcpy(user(data->address), sim_identity_id(host->identity), ID_SIZE);
	return answer(cmd, SIM_SUCCESS);
}

/* known to the kernel, not to this firmware */
static int unknown(struct sevlm_sim_host *host, struct sev_issue_cmd *cmd)
{
	(void)host;
	return answer(cmd, SIM_INVALID_COMMAND);
}

static int (*const commands[])(struct sevlm_sim_host *host,
			       struct sev_issue_cmd *cmd) = {
	[SEV_FACTORY_RESET] = unknown,
	[SEV_PLATFORM_STATUS] = platform_status,
	[SEV_PEK_GEN] = unknown,
	[SEV_PEK_CSR] = unknown,
	[SEV_PDH_GEN] = pdh_gen,
	[SEV_PDH_CERT_EXPORT] = pdh_cert_export,
	[SEV_PEK_CERT_IMPORT] = unknown,
	[SEV_GET_ID] = unknown,
	[SEV_GET_ID2] = get_id2,
};

SIM_API int sevlm_sim_host_sev(struct sevlm_sim_host *host, uint32_t request,
			       void *arg)
{
	struct sev_issue_cmd *cmd = arg;
	int rc;

	if (!host || request != (uint32_t)SEV_ISSUE_CMD)
		return -EINVAL;
	if (!cmd)
		return -EFAULT;
	if (cmd->cmd >= sizeof(commands) / sizeof(commands[0]))
		return -EINVAL;
	pthread_mutex_lock(&host->lock);
	rc = commands[cmd->cmd](host, cmd);
	pthread_mutex_unlock(&host->lock);
	return rc;
}
