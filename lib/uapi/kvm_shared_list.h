/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The list of a VM's shared pages, kept by KVM: what the optional patches for
 * the kernel add to linux/kvm.h. Numbers are private: an unpatched kernel
 * answers the capability with 0.
 */
#ifndef SEVLM_UAPI_KVM_SHARED_LIST_H
#define SEVLM_UAPI_KVM_SHARED_LIST_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * KVM_CHECK_EXTENSION: a mask of what can be enabled, 0 where it is not there.
 * KVM_ENABLE_CAP on the VM: args[0] is a part of the mask, 0 hangs up;
 * args[1] the most ranges, 0 for the default; args[2] and args[3] are 0.
 */
#define KVM_CAP_X86_SHARED_PAGES_LIST 0x53454c4d
#define KVM_SHARED_LIST_TRACK (1 << 0)
#define KVM_SHARED_LIST_MSR   (1 << 1)

#define KVM_SHARED_PAGE_SHARED (1 << 0)

struct kvm_shared_pages_entry {
	__u64 gfn;
	__u64 npages;
	__u32 flags;
	__u32 pad;
};

#define KVM_SHARED_PAGES_READY	    (1 << 0)
#define KVM_SHARED_PAGES_INCOMPLETE (1 << 1)
#define KVM_SHARED_PAGES_TORN	    (1 << 2)

#define KVM_SHARED_PAGES_DONE (~0ULL)

/*
 * GET: nents is the room at entries and what was filled; cursor is the first
 * gfn to look at and where to go on, DONE at the end; generation is the
 * current one. TORN: the list changed between two parts of one call.
 * SET: all of the list, atomically; generation is the one expected, else
 * -EAGAIN; flags may have READY.
 */
struct kvm_shared_pages_list {
	__u32 flags;
	__u32 nents;
	__u64 entries;
	__u64 cursor;
	__u64 generation;
	__u64 total;
	__u64 max_ranges;
	__u64 reserved[2];
};

#define KVM_GET_SHARED_PAGES_LIST _IOWR(0xAE, 0xf4, struct kvm_shared_pages_list)
#define KVM_SET_SHARED_PAGES_LIST _IOWR(0xAE, 0xf5, struct kvm_shared_pages_list)

#endif /* SEVLM_UAPI_KVM_SHARED_LIST_H */
