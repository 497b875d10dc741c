/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A kernel and firmware that take everything and encrypt nothing. */
#ifndef SEVLM_FUZZ_DOOR_H
#define SEVLM_FUZZ_DOOR_H

#include "certs.h"
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

/* what the door exports, and what a good peer would show */
#define DOOR_OWN 0
#define DOOR_PEER 1
const struct certs *door_certs(int whose);
/* in both, and any other chip of their root */
const struct sevlm_trust *door_trust(void);

struct sevlm_vm *door_vm(struct door *door);

#endif /* SEVLM_FUZZ_DOOR_H */
