/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The driver of the PSP: one command at a time, and the platform's beginning.
 * The host's lock is held. */
#include <errno.h>

#include "psp.h"
#include "status.h"

#define NOT_ASKED UINT32_MAX /* SEV_RET_NO_FW_CALL */

/* A planted fault replaces what firmware says: in the place of the command, or
 * behind it. false: it says nothing. */
static bool mailbox(struct sevlm_sim_host *host, uint32_t id, sim_psp_call call,
		    void *arg, uint32_t *status)
{
	host->commands[id]++;
	*status = SIM_SUCCESS;
	if (sim_fault_strikes(host, id, SEVLM_SIM_FAULT_SILENT))
		return false;
	if (sim_fault_strikes(host, id, SEVLM_SIM_FAULT_STATUS)) {
		*status = host->fault.status;
		return true;
	}
	*status = call(host, arg);
	if (*status)
		return true;
	if (sim_fault_strikes(host, id, SEVLM_SIM_FAULT_LATE))
		*status = host->fault.status;
	return !sim_fault_strikes(host, id, SEVLM_SIM_FAULT_SILENT_LATE);
}

int sim_psp_ask(struct sevlm_sim_host *host, uint32_t id, sim_psp_call call,
		void *arg, uint32_t *error)
{
	uint32_t status;

	if (host->psp_dead)
		return -EBUSY;
	host->psp_dead = !mailbox(host, id, call, arg, &status);
	if (error)
		*error = status;
	if (host->psp_dead)
		return -ETIMEDOUT;
	return status ? -EIO : 0;
}

int sim_psp_own(struct sevlm_sim_host *host, uint32_t id, sim_psp_call call,
		void *arg, uint32_t *error)
{
	int rc;

	if (sim_fault_strikes(host, id, SEVLM_SIM_FAULT_BEFORE))
		return -host->fault.error;
	rc = sim_psp_ask(host, id, call, arg, error);
	if (!rc)
		sim_fault_passed(host, id);
	return rc;
}

static uint32_t fw_flush(struct sevlm_sim_host *host, void *arg)
{
	(void)arg;
	return sim_firmware_df_flush(host->firmware);
}

int sim_psp_flush(struct sevlm_sim_host *host, uint32_t *error)
{
	return sim_psp_own(host, SEVLM_SIM_COMMAND_DF_FLUSH, fw_flush, NULL,
			   error);
}

static uint32_t fw_init(struct sevlm_sim_host *host, void *arg)
{
	(void)arg;
	return sim_firmware_init(host->firmware);
}

static int bring_up(struct sevlm_sim_host *host, uint32_t *error)
{
	return sim_psp_own(host, SEVLM_SIM_COMMAND_INIT, fw_init, NULL, error);
}

int sim_psp_init(struct sevlm_sim_host *host, uint32_t *error)
{
	int rc;

	if (host->psp_up)
		return 0;
	*error = NOT_ASKED;
	rc = bring_up(host, error);
	/* firmware has thrown its data away by then */
	if (rc && *error == SIM_SECURE_DATA_INVALID)
		rc = bring_up(host, error);
	if (rc)
		return rc;
	/* whatever becomes of DF_FLUSH: it is not asked for again here */
	host->psp_up = true;
	return sim_psp_flush(host, error);
}
