/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef SEVLM_SIM_PSP_H
#define SEVLM_SIM_PSP_H

#include "internal.h"

/* fault.c: a planted fault; the host's lock is held */
bool sim_fault_strikes(struct sevlm_sim_host *host, uint32_t command,
		       uint32_t where);
void sim_fault_passed(struct sevlm_sim_host *host, uint32_t command);

/* psp.c: one command to the firmware, as the driver of the PSP brings it
 * there; the host's lock is held. Returns 0; -EIO with a status; -ETIMEDOUT
 * with status 0 where firmware does not answer; -EBUSY from then on. error,
 * which may be NULL, is written exactly if the firmware was asked. What call()
 * writes is the caller's only if there was an answer. */
typedef uint32_t (*sim_psp_call)(struct sevlm_sim_host *host, void *arg);
int sim_psp_ask(struct sevlm_sim_host *host, uint32_t id, sim_psp_call call,
		void *arg, uint32_t *error);
/* the same for one of SEVLM_SIM_COMMAND_*, which can fail before as well */
int sim_psp_own(struct sevlm_sim_host *host, uint32_t id, sim_psp_call call,
		void *arg, uint32_t *error);
/* DF_FLUSH */
int sim_psp_flush(struct sevlm_sim_host *host, uint32_t *error);
/* INIT, and DF_FLUSH behind it; where the platform is up nothing, and error is
 * left alone */
int sim_psp_init(struct sevlm_sim_host *host, uint32_t *error);

#endif /* SEVLM_SIM_PSP_H */
