/* SPDX-License-Identifier: MIT-0 */
/* What the VMM and its guest agree on; for C and for the assembler. */
#ifndef VMM_PAYLOAD_H
#define VMM_PAYLOAD_H

#define GUEST_PML4    0x1000
#define GUEST_PDPT    0x2000
#define GUEST_PD      0x3000
#define GUEST_GDT     0x4000
#define GUEST_IDT     0x5000
#define GUEST_MAILBOX 0x6000
#define GUEST_PAYLOAD 0x8000
#define GUEST_PAYLOAD_STACK 0x8000 /* grows down from here */

#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10

/* The guest writes a byte here when the mailbox holds its result. */
#define PORT_DOORBELL 0xf4

#define DO_HALT      0
#define DO_HYPERCALL 1
#define DO_RDMSR     2
#define DO_WRMSR     3
#define DO_CPUID     4
#define DO_READ	     5
#define DO_WRITE     6

/* offsets in struct mailbox */
#define BOX_DO	   0
#define BOX_ARG	   8
#define BOX_RESULT 48
#define BOX_FAULT  56

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

struct mailbox {
	uint64_t what; /* DO_* */
	uint64_t arg[5];
	uint64_t result;
	uint64_t fault; /* how often #GP was raised */
};

_Static_assert(offsetof(struct mailbox, arg) == BOX_ARG &&
		       offsetof(struct mailbox, result) == BOX_RESULT &&
		       offsetof(struct mailbox, fault) == BOX_FAULT,
	       "payload.S reads it by offset");

/* payload.S */
extern const uint8_t payload[], payload_gp[], payload_end[];
#endif

#endif /* VMM_PAYLOAD_H */
