/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The list of shared pages of a patched kernel, and who answers the guest's
 * hypercalls and MSR accesses. A lock of its own, below every other; calls may
 * come from any thread.
 */
#ifndef SEVLM_SIM_LIST_H
#define SEVLM_SIM_LIST_H

#include <pthread.h>

#include <linux/kvm.h>

#include "../lib/uapi/kvm_shared_list.h"
#include "gfns.h"

struct sevlm_sim_vm;
struct sevlm_sim_exit;

struct sim_list {
	pthread_mutex_t lock;
	bool patched;		/* this kernel can keep the list */
	bool offered;		/* the vCPU's CPUID bits 16 and 17 */
	bool ran;		/* a vCPU did */
	bool tracked;		/* it was enabled at some time */
	bool hung_up;		/* and the MSR taken away again */
	bool ready;
	bool incomplete;
	uint32_t enabled;	/* KVM_SHARED_LIST_* */
	uint64_t exit_hypercall; /* KVM_CAP_EXIT_HYPERCALL */
	uint64_t exit_msr;	/* KVM_CAP_X86_USER_SPACE_MSR */
	uint64_t generation;
	uint64_t epoch;		/* of enabling */
	struct sim_gfns gfns;
	/* where the guest may get in between two parts of a GET; or NULL */
	void (*between)(struct sim_list *list);
	/* a call that user space is asked about; run->hypercall is user
	 * space's to write, so it is not read again */
	struct {
		bool waits;
		bool shared;
		uint64_t epoch;
		uint64_t first;
		uint64_t end;
	} asked;
};

int sim_list_new(bool patched, bool offered, struct sim_list **ret);
void sim_list_free(struct sim_list *list);

/* KVM_CHECK_EXTENSION and KVM_ENABLE_CAP */
int sim_list_extension(bool patched);
int sim_list_enable(struct sim_list *list, const struct kvm_enable_cap *cap,
		    bool has_vcpus);
void sim_list_exits(struct sim_list *list, uint32_t cap, uint64_t mask);
/* KVM_GET_SHARED_PAGES_LIST, KVM_SET_SHARED_PAGES_LIST */
int sim_list_get(struct sim_list *list, struct kvm_shared_pages_list *data);
int sim_list_set(struct sim_list *list, struct kvm_shared_pages_list *data);

/* What the guest asks. True: KVM answers by itself, *ret is RAX, or for the
 * MSR whether there is a #GP. False: it is an exit. */
bool sim_list_hypercall(struct sim_list *list, uint64_t nr,
			const uint64_t *args, uint64_t *ret);
bool sim_list_rdmsr(struct sim_list *list, uint64_t *value, bool *ret);
bool sim_list_wrmsr(struct sim_list *list, uint64_t value, bool *ret);
/* the same for an exit of the workload */
bool sim_list_answers(struct sim_list *list, const struct sevlm_sim_exit *exit,
		      uint64_t *ret);
/* what user space made of the exit */
void sim_list_answered(struct sim_list *list, uint64_t value);
/* the first KVM_RUN */
void sim_list_run(struct sim_list *list);

#endif /* SEVLM_SIM_LIST_H */
