/* SPDX-License-Identifier: MIT-0 */
/* What the VMM and the guest that works agree on. The guest's memory is
 * private but for two pages: one it reports in, one that a device writes. */
#ifndef VMM_GUEST_H
#define VMM_GUEST_H

#include <stdint.h>

#define GUEST_IMAGE   0x8000u  /* the flat image, up to the tables */
#define GUEST_BOOT    0x7000u  /* struct guest_boot */
#define GUEST_STACK   0x7000u  /* grows down from here */
#define GUEST_TABLES  0x10000u /* the last level of page tables */
#define GUEST_REPORT  0x30000u /* struct guest_report; shared, two pages */
#define GUEST_CLOCK   0x32000u /* a counter of the device's; shared */
#define GUEST_DATA    0x40000u /* what the image has beside its text */
#define GUEST_ARENA   0x100000u /* the work is done from here to the end */
#define GUEST_MAX_RAM (64u << 20)

/* Reading it says what to do now; each time the clock goes on. */
#define PORT_CONTROL 0xf0
#define CONTROL_WORK 0u
#define CONTROL_TELL 1u /* check the memory and report */
/* Writing it says that the report is there. */
#define PORT_REPORT 0xf8

#define WORK_QUIET 0u /* nothing */
#define WORK_DIRTY 1u /* writes pages at full speed */
#define WORK_FLIP  2u /* turns pages shared and private at full speed */

struct guest_boot {
	uint64_t cbit;	/* the bit that makes a page private, or 0 */
	uint64_t ram;	/* bytes */
	uint64_t seed;
	uint32_t work;
	uint32_t reserved;
};

struct guest_report {
	uint64_t steps;
	uint64_t announced; /* changes of a page's state */
	uint64_t damaged;   /* pages that are not as they were left */
	uint64_t first;	    /* of them */
	uint64_t checksum;  /* over all of the arena */
	uint32_t lost_steps; /* 1: registers and memory disagree */
	uint32_t lost_clock; /* 1: a device's write was lost */
	uint8_t shared[GUEST_MAX_RAM / 4096 / 8]; /* a bit per page */
};

_Static_assert(sizeof(struct guest_report) <= GUEST_CLOCK - GUEST_REPORT,
	       "the report fits its pages");

#endif /* VMM_GUEST_H */
