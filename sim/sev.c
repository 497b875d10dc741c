/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* /dev/sev: the PSP driver's ioctl and the platform commands behind it. */
#include <errno.h>
#include <string.h>

#include <linux/psp-sev.h>
#include <sys/ioctl.h>

#include "firmware.h"
#include "psp.h"

#define BLOB_MAX 16384u /* SEV_FW_BLOB_MAX_SIZE */
#define ID_SIZE 64u
/* what the kernel's allocator gives at most in one piece */
#define ALLOC_MAX (4u << 20)
#define ENOTSUPP_KERNEL 524 /* the kernel's own, not ENOTSUP */

static void *user(uint64_t address)
{
	return (void *)(uintptr_t)address;
}

static int ask(struct sevlm_sim_host *host, struct sev_issue_cmd *cmd,
	       sim_psp_call call, void *arg)
{
	uint32_t error = cmd->error; /* cmd is packed */
	int rc = sim_psp_ask(host, SIM_COMMAND_SEV, call, arg, &error);

	cmd->error = error;
	return rc;
}

static uint32_t fw_status(struct sevlm_sim_host *host, void *arg)
{
	struct sev_user_data_status *status = arg;
	uint32_t guests;
	uint8_t state;

	sim_firmware_platform(host->firmware, &state, &guests);
	*status = (struct sev_user_data_status){
		.api_major = host->api_major,
		.api_minor = host->api_minor,
		.state = state,
		.build = host->build,
		.guest_count = guests,
	};
	return SIM_SUCCESS;
}

static int platform_status(struct sevlm_sim_host *host,
			   struct sev_issue_cmd *cmd)
{
	struct sev_user_data_status *out = user(cmd->data), status;
	int rc;

	rc = ask(host, cmd, fw_status, &status);
	if (rc)
		return rc;
	/* it finds out when it has the answer */
	if (!out)
		return -EFAULT;
	*out = status;
	return 0;
}

static uint32_t fw_pdh_gen(struct sevlm_sim_host *host, void *arg)
{
	(void)arg;
	return sim_firmware_pdh_gen(host->firmware);
}

static int pdh_gen(struct sevlm_sim_host *host, struct sev_issue_cmd *cmd)
{
	return ask(host, cmd, fw_pdh_gen, NULL);
}

static uint32_t fw_export(struct sevlm_sim_host *host, void *arg)
{
	struct sev_user_data_pdh_cert_export *data = arg;
	bool fits = data->pdh_cert_len >= SEVLM_SIM_CERT_SIZE &&
		    data->cert_chain_len >= SIM_CHAIN;

	data->pdh_cert_len = SEVLM_SIM_CERT_SIZE;
	data->cert_chain_len = SIM_CHAIN;
	if (!fits)
		return SIM_INVALID_LEN;
	memcpy(user(data->pdh_cert_address), sim_identity_pdh(host->identity),
	       SEVLM_SIM_CERT_SIZE);
	sim_identity_chain(host->identity, user(data->cert_chain_address));
	return SIM_SUCCESS;
}

static int pdh_cert_export(struct sevlm_sim_host *host,
			   struct sev_issue_cmd *cmd)
{
	struct sev_user_data_pdh_cert_export *data = user(cmd->data);

	if (!data)
		return -EFAULT;
	if (!data->pdh_cert_address || !data->pdh_cert_len ||
	    !data->cert_chain_address || !data->cert_chain_len)
		data->pdh_cert_len = data->cert_chain_len = 0;
	if (data->pdh_cert_len > BLOB_MAX || data->cert_chain_len > BLOB_MAX)
		return -EFAULT;
	return ask(host, cmd, fw_export, data);
}

static uint32_t fw_get_id(struct sevlm_sim_host *host, void *arg)
{
	struct sev_user_data_get_id2 *data = arg;
	bool fits = data->length >= ID_SIZE;

	data->length = ID_SIZE;
	if (!fits)
		return SIM_INVALID_LEN;
	memcpy(user(data->address), sim_identity_id(host->identity), ID_SIZE);
	return SIM_SUCCESS;
}

static int get_id2(struct sevlm_sim_host *host, struct sev_issue_cmd *cmd)
{
	struct sev_user_data_get_id2 *data = user(cmd->data);

	if (!host->api_major && host->api_minor < 16)
		return -ENOTSUPP_KERNEL;
	if (!data)
		return -EFAULT;
	if (!data->address)
		data->length = 0;
	if (data->length > ALLOC_MAX)
		return -ENOMEM;
	return ask(host, cmd, fw_get_id, data);
}

static uint32_t fw_unknown(struct sevlm_sim_host *host, void *arg)
{
	(void)host;
	(void)arg;
	return SIM_INVALID_COMMAND;
}

/* known to the kernel, not to this firmware */
static int unknown(struct sevlm_sim_host *host, struct sev_issue_cmd *cmd)
{
	return ask(host, cmd, fw_unknown, NULL);
}

static const struct {
	int (*run)(struct sevlm_sim_host *host, struct sev_issue_cmd *cmd);
	bool up; /* the platform is brought up for it */
} commands[] = {
	[SEV_FACTORY_RESET] = {unknown, false},
	[SEV_PLATFORM_STATUS] = {platform_status, false},
	[SEV_PEK_GEN] = {unknown, true},
	[SEV_PEK_CSR] = {unknown, true},
	[SEV_PDH_GEN] = {pdh_gen, true},
	[SEV_PDH_CERT_EXPORT] = {pdh_cert_export, true},
	[SEV_PEK_CERT_IMPORT] = {unknown, true},
	[SEV_GET_ID] = {unknown, false},
	[SEV_GET_ID2] = {get_id2, false},
};

static int issue(struct sevlm_sim_host *host, struct sev_issue_cmd *cmd)
{
	uint32_t error = cmd->error;
	int rc = 0;

	if (commands[cmd->cmd].up)
		rc = sim_psp_init(host, &error);
	cmd->error = error;
	return rc ? rc : commands[cmd->cmd].run(host, cmd);
}

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
	rc = issue(host, cmd);
	pthread_mutex_unlock(&host->lock);
	return rc;
}
