/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "psp.h"

bool sim_fault_strikes(struct sevlm_sim_host *host, uint32_t command,
		       uint32_t where)
{
	struct sevlm_sim_fault *fault = &host->fault;

	if (fault->command != command || fault->where != where ||
	    fault->after || !fault->times)
		return false;
	fault->times--;
	return true;
}

void sim_fault_passed(struct sevlm_sim_host *host, uint32_t command)
{
	if (host->fault.command == command && host->fault.after)
		host->fault.after--;
}
