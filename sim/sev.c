/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* /dev/sev: the PSP driver's ioctl and the platform commands behind it. */
#include <errno.h>
#include <string.h>

#include <linux/psp-sev.h>
#include <sys/ioctl.h>

#include "firmware.h"

#define BLOB_MAX 16384u /* SEV_FW_BLOB_MAX_SIZE */
#define ID_SIZE 64u
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
	*out = (struct sev_user_data_status){
		.api_major = host->api_major,
		.api_minor = host->api_minor,
		.state = state,
		.build = host->build,
		.guest_count = guests,
	};
	return answer(cmd, SIM_SUCCESS);
}

static int pdh_gen(struct sevlm_sim_host *host, struct sev_issue_cmd *cmd)
{
	return answer(cmd, sim_firmware_pdh_gen(host->firmware));
}

static int pdh_cert_export(struct sevlm_sim_host *host,
			   struct sev_issue_cmd *cmd)
{
	struct sev_user_data_pdh_cert_export *data = user(cmd->data);
	bool query = !data->pdh_cert_address || !data->pdh_cert_len ||
		     !data->cert_chain_address;
	bool fits = !query && data->pdh_cert_len >= SEVLM_SIM_CERT_SIZE &&
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
	bool fits = data->address && data->length >= ID_SIZE;

	if (!host->api_major && host->api_minor < 16)
		return -ENOTSUPP_KERNEL;
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

static const struct {
	int (*run)(struct sevlm_sim_host *host, struct sev_issue_cmd *cmd);
	bool params;
} commands[] = {
	[SEV_FACTORY_RESET] = {unknown, false},
	[SEV_PLATFORM_STATUS] = {platform_status, true},
	[SEV_PEK_GEN] = {unknown, false},
	[SEV_PEK_CSR] = {unknown, false},
	[SEV_PDH_GEN] = {pdh_gen, false},
	[SEV_PDH_CERT_EXPORT] = {pdh_cert_export, true},
	[SEV_PEK_CERT_IMPORT] = {unknown, false},
	[SEV_GET_ID] = {unknown, false},
	[SEV_GET_ID2] = {get_id2, true},
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
	if (commands[cmd->cmd].params && !cmd->data)
		return -EFAULT;
	pthread_mutex_lock(&host->lock);
	rc = commands[cmd->cmd].run(host, cmd);
	pthread_mutex_unlock(&host->lock);
	return rc;
}
