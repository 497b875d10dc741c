/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef SEVLM_SIM_KVM_H
#define SEVLM_SIM_KVM_H

#include <linux/kvm.h>

#include "psp.h"

/* KVM_CHECK_EXTENSION, on either file */
int sim_kvm_extension(const struct sevlm_sim_host *host, uint64_t cap);
/* KVM_MEMORY_ENCRYPT_OP; the VM's kvm_lock is held */
int sim_kvm_sev(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd);

/* kvm-door.c: one command to the firmware, as KVM brings it to the driver of
 * the PSP. fd is what KVM remembered, or for the two STARTs what it is given.
 * The host's lock is held around call(). Returns -EBADF, or what sim_psp_ask()
 * does, with cmd->error. */
typedef uint32_t (*sim_kvm_call)(struct sevlm_sim_vm *vm, void *arg);
int sim_kvm_ask(struct sevlm_sim_vm *vm, int32_t fd, struct kvm_sev_cmd *cmd,
		sim_kvm_call call, void *arg);
/* the answer on its way to the caller: 0, or what a planted fault says */
int sim_kvm_copy_out(struct sevlm_sim_vm *vm, const struct kvm_sev_cmd *cmd);
/* both, by the descriptor that KVM remembered */
int sim_kvm_issue(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd,
		  sim_kvm_call call, void *arg);
/* one of SEVLM_SIM_COMMAND_*, by no descriptor; error may be NULL */
int sim_kvm_own(struct sevlm_sim_vm *vm, uint32_t id, sim_kvm_call call,
		void *arg, uint32_t *error);

/* kvm-bind.c: LAUNCH_START or RECEIVE_START, and ACTIVATE: call() makes the
 * guest and says which. It is the VM's from then on. Where ACTIVATE or the
 * copy of the answer fails KVM takes it back; where firmware reports that
 * call() failed KVM knows of no guest, whatever is true. */
int sim_kvm_start(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd,
		  uint32_t (*call)(struct sevlm_sim_vm *vm, const void *params,
				   uint32_t *handle));
/* 0 where there is none, even by DF_FLUSH */
uint32_t sim_kvm_asid_new(struct sevlm_sim_host *host);
void sim_kvm_asid_free(struct sevlm_sim_host *host, uint32_t asid);
/* DEACTIVATE and DECOMMISSION */
void sim_kvm_unbind(struct sevlm_sim_vm *vm, uint32_t handle);

/* a blob from user space: there, and at most 16 KiB */
bool sim_kvm_blob(uint64_t uaddr, uint32_t len);
/* what KVM wants to pin: 0, -EINVAL, -ENOMEM */
int sim_kvm_pin(struct sevlm_sim_vm *vm, uint64_t uaddr, uint64_t bytes);
/* at most a page and within one */
bool sim_kvm_in_page(uint64_t uaddr, uint32_t len);
#define SIM_KVM_PACKET_MAX 16384u /* SEV_FW_BLOB_MAX_SIZE */
/* frames.c: what may be one packet's; the VM's kvm_lock is held */
bool sim_frames_packet(struct sevlm_sim_vm *vm, uint64_t uaddr, uint32_t len);
/* KVM_CAP_SEV_PACKET_SIZE */
int sim_frames_extension(const struct sevlm_sim_host *host);

static inline void *sim_kvm_user(uint64_t uaddr)
{
	return (void *)(uintptr_t)uaddr;
}

/* kvm-launch.c, kvm-send.c, kvm-receive.c: one command of a SEV guest each;
 * cmd->data is not NULL where the command has parameters */
int sim_kvm_launch_start(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd);
int sim_kvm_launch_update(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd);
int sim_kvm_launch_measure(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd);
int sim_kvm_launch_finish(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd);
int sim_kvm_send_start(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd);
int sim_kvm_send_update(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd);
int sim_kvm_send_finish(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd);
int sim_kvm_send_cancel(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd);
int sim_kvm_receive_start(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd);
int sim_kvm_receive_update(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd);
int sim_kvm_receive_finish(struct sevlm_sim_vm *vm, struct kvm_sev_cmd *cmd);

#endif /* SEVLM_SIM_KVM_H */
