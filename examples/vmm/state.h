/* SPDX-License-Identifier: MIT-0 */
#ifndef VMM_STATE_H
#define VMM_STATE_H

#include "vmm.h"

#define STATE_MSRS 10

/* Two of KVM's structures end without a size; here it is fixed. */
struct state {
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	struct kvm_xcrs xcrs;
	uint8_t xsave[sizeof(struct kvm_xsave)];
	struct kvm_debugregs debugregs;
	struct {
		uint32_t count, pad;	/* struct kvm_msrs */
		struct kvm_msr_entry entries[STATE_MSRS];
	} msrs;
	struct kvm_mp_state mp_state;
	struct kvm_vcpu_events events;
	uint64_t clock; /* of the device */
};

_Static_assert(sizeof(struct kvm_msrs) == 2 * sizeof(uint32_t),
	       "the entries follow the count");

/* 0 or a negative errno. The vCPU stands. */
int state_save(struct vmm *vmm, struct state *state);
int state_restore(struct vmm *vmm, const struct state *state);

/* the state stays until the engine is freed */
int state_hand_over(const struct state *state, struct sevlm_source *source);
int state_take_over(struct state *state, struct sevlm_target *target);

#endif /* VMM_STATE_H */
