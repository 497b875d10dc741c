/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Packets of several pages: what the optional patches for the kernel add to
 * linux/kvm.h. The number is private: an unpatched kernel answers 0.
 */
#ifndef SEVLM_UAPI_KVM_SEV_PACKET_H
#define SEVLM_UAPI_KVM_SEV_PACKET_H

/*
 * KVM_CHECK_EXTENSION, on the system or a VM: the most bytes of guest memory
 * that one KVM_SEV_SEND_UPDATE_DATA or KVM_SEV_RECEIVE_UPDATE_DATA can have.
 * Where they are more than part of one page, they are whole pages that are
 * contiguous in the host's memory, else -EINVAL.
 */
#define KVM_CAP_SEV_PACKET_SIZE 0x53454c50

#endif /* SEVLM_UAPI_KVM_SEV_PACKET_H */
