/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A kernel and firmware that take everything and encrypt nothing. */
#ifndef SEVLM_FUZZ_DOOR_H
#define SEVLM_FUZZ_DOOR_H

#include <libsevlm/libsevlm.h>

#include "fuzz.h"

struct door {
	uint32_t state; /* SEVLM_GUEST_* */
	uint32_t fails_in; /* which command fails, 0 none */
	uint32_t status; /* with what */
	bool fails_late; /* after it was done */
	uint32_t policy;
	uint32_t packets;
	uint32_t finished; /* SEND_FINISH or RECEIVE_FINISH was issued */
	uint32_t cancelled;
};

/* certificates that the door exports: these bytes, all over */
#define DOOR_PDH 0x11
#define DOOR_CHAIN 0x22

struct sevlm_vm *door_vm(struct door *door);

#endif /* SEVLM_FUZZ_DOOR_H */
