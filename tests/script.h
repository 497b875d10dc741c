/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A kernel that follows a script: which command must come next, what it must
 * look like, what is answered. Anything else fails the test.
 */
#ifndef SEVLM_SCRIPT_H
#define SEVLM_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libsevlm/libsevlm.h>

#include <linux/kvm.h>
#include <linux/psp-sev.h>

/* the number that must be handed over in every kvm_sev_cmd */
#define SCRIPT_SEV_FD 77

enum script_door { SCRIPT_VM, SCRIPT_SEV };

struct script_step {
	enum script_door door;
	uint32_t id; /* KVM_SEV_* or SEV_* */
	int ret;
	bool asked; /* firmware was: its status is written */
	uint32_t status;
	const void *answer; /* written over the command's parameters */
	size_t bytes;
	/* looks at the parameters before they are answered */
	void (*look)(const struct script_step *step, void *params);
	void *arg;
};

struct script {
	const struct script_step *steps;
	size_t count;
	size_t at;
	int packet; /* what KVM_CAP_SEV_PACKET_SIZE is answered with */
	uint32_t packet_asked; /* how often */
};

#define SCRIPT_COUNT(...)                                                      \
	(sizeof((const struct script_step[]){__VA_ARGS__}) /                   \
	 sizeof(struct script_step))
/* the steps live as long as the block this stands in */
#define SCRIPT_PLAY(script, ...)                                               \
	script_play(script, (const struct script_step[]){__VA_ARGS__},         \
		    SCRIPT_COUNT(__VA_ARGS__))

/* ready-made steps */
#define SCRIPT_STATE(value)                                                    \
	{                                                                      \
		.door = SCRIPT_VM, .id = KVM_SEV_GUEST_STATUS,                 \
		.answer =                                                      \
			&(const struct kvm_sev_guest_status){.state = value},  \
		.bytes = sizeof(struct kvm_sev_guest_status)                   \
	}
#define SCRIPT_OK(command)                                                     \
	{                                                                      \
		.door = SCRIPT_VM, .id = command                               \
	}
#define SCRIPT_REFUSED(command, code)                                          \
	{                                                                      \
		.door = SCRIPT_VM, .id = command, .ret = -EIO, .asked = true,  \
		.status = code                                                 \
	}
#define SCRIPT_FAILED(command, error)                                          \
	{                                                                      \
		.door = SCRIPT_VM, .id = command, .ret = error                 \
	}
#define SCRIPT_PDH                                                             \
	{                                                                      \
		.door = SCRIPT_SEV, .id = SEV_PDH_CERT_EXPORT                  \
	}
/* the answer to the question how long a session is */
#define SCRIPT_SESSION(length)                                                 \
	{                                                                      \
		.door = SCRIPT_VM, .id = KVM_SEV_SEND_START, .ret = -EIO,      \
		.asked = true, .status = 0x04,                                 \
		.answer = &(const struct kvm_sev_send_start){.session_len =    \
								     length},  \
		.bytes = sizeof(struct kvm_sev_send_start)                     \
	}

extern const struct sevlm_kernel_ops script_ops;

/* also the end of the script before it */
void script_play(struct script *script, const struct script_step *steps,
		 size_t count);
/* every step was taken */
void script_end(const struct script *script);
/* the doors of a script, for sevlm_vm_new() */
struct sevlm_vm_config script_config(struct script *script);
struct sevlm_vm *script_vm(struct script *script);

#endif /* SEVLM_SCRIPT_H */
