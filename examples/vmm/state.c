/* SPDX-License-Identifier: MIT-0 */
/* What a vCPU and a device are beside memory, as blobs for the stream. CPUID
 * is no part of it: both sides show theirs to libsevlm, which compares. */
#include <err.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>

#include "state.h"

#define PART(name, get, set) \
	{ get, set, offsetof(struct state, name), \
	  sizeof(((struct state *)0)->name) }

/* in the order in which they are set */
static const struct part {
	unsigned long get, set;
	size_t offset, bytes;
} parts[] = {
	PART(sregs, KVM_GET_SREGS, KVM_SET_SREGS),
	PART(regs, KVM_GET_REGS, KVM_SET_REGS),
	PART(xcrs, KVM_GET_XCRS, KVM_SET_XCRS),
	PART(xsave, KVM_GET_XSAVE, KVM_SET_XSAVE),
	PART(debugregs, KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS),
	PART(msrs, KVM_GET_MSRS, KVM_SET_MSRS),
	PART(mp_state, KVM_GET_MP_STATE, KVM_SET_MP_STATE),
	PART(events, KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS),
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

/* those that a guest of ours can have changed, and the time */
static const uint32_t msrs[STATE_MSRS] = {
	0x00000010 /* TSC */,	 0xc0000081 /* STAR */,
	0xc0000082 /* LSTAR */,	 0xc0000083 /* CSTAR */,
	0xc0000084 /* SFMASK */, 0xc0000102 /* KERNEL_GS_BASE */,
	0x00000174 /* SYSENTER_CS */, 0x00000175 /* SYSENTER_ESP */,
	0x00000176 /* SYSENTER_EIP */, 0x00000277 /* PAT */,
};

/* KVM_GET_MSRS and KVM_SET_MSRS return how many they did */
static int done(const struct part *part, int ret)
{
	if (part->get == KVM_GET_MSRS)
		return ret == STATE_MSRS ? 0 : -1;
	return ret ? -1 : 0;
}

int state_save(struct vmm *vmm, struct state *state)
{
	memset(state, 0, sizeof(*state));
	state->msrs.count = STATE_MSRS;
	for (size_t i = 0; i < STATE_MSRS; i++)
		state->msrs.entries[i].index = msrs[i];
	for (size_t i = 0; i < PARTS; i++) {
		if (!done(&parts[i], ioctl(vmm->vcpu.fd, parts[i].get,
					   (char *)state + parts[i].offset)))
			continue;
		warn("saving part %zu of a vCPU", i);
		return -EIO;
	}
	state->clock = vmm->device.clock;
	return 0;
}

int state_restore(struct vmm *vmm, const struct state *state)
{
	for (size_t i = 0; i < PARTS; i++) {
		if (!done(&parts[i], ioctl(vmm->vcpu.fd, parts[i].set,
					   (char *)state + parts[i].offset)))
			continue;
		warn("loading part %zu of a vCPU", i);
		return -EIO;
	}
	vmm->device.clock = state->clock;
	return 0;
}

/* A blob per part, its place in the table as the id; then the device. */
int state_hand_over(const struct state *state, struct sevlm_source *source)
{
	int ret = sevlm_source_state(source, PARTS, &state->clock,
				     sizeof(state->clock));

	for (size_t i = 0; i < PARTS && !ret; i++)
		ret = sevlm_source_state(source, (uint32_t)i,
					 (const char *)state + parts[i].offset,
					 parts[i].bytes);
	return ret;
}

static void *place(struct state *state, uint32_t id, size_t *ret_bytes)
{
	if (id > PARTS)
		return NULL;
	*ret_bytes = id == PARTS ? sizeof(state->clock) : parts[id].bytes;
	return id == PARTS ? (void *)&state->clock :
			     (char *)state + parts[id].offset;
}

/* What comes is checked: each part once, of the size it has here. */
int state_take_over(struct state *state, struct sevlm_target *target)
{
	size_t bytes, known;
	uint32_t id, seen = 0;
	const void *blob;
	void *to;

	for (uint32_t i = 0;
	     !sevlm_target_state(target, i, &id, &blob, &bytes); i++) {
		to = place(state, id, &known);
		if (!to || known != bytes || seen & 1u << id)
			return -EBADMSG;
		memcpy(to, blob, bytes);
		seen |= 1u << id;
	}
	if (seen != (2u << PARTS) - 1 ||
	    state->msrs.count != STATE_MSRS)
		return -EBADMSG;
	return 0;
}
