/* SPDX-License-Identifier: MIT-0 */
/* The guest's parts. */
#ifndef GUEST_WORK_H
#define GUEST_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include "../guest.h"

#define PAGE	  4096u
#define WORDS	  (PAGE / sizeof(uint64_t))
#define MAX_PAGES (GUEST_MAX_RAM / PAGE)

static inline const struct guest_boot *boot(void)
{
	return (const void *)(uintptr_t)GUEST_BOOT;
}

/* state.c: what the guest knows of the states of its pages */
bool state_offered(void);	/* may it announce them? */
void state_set(uint64_t page, uint64_t count, bool shared);
bool state_shared(uint64_t page);
uint64_t state_announced(void);
const uint8_t *state_bitmap(void);

/* arena.c: pages whose contents follow from how often they were written */
void arena_open(void);
uint64_t arena_first(void);
uint64_t arena_pages(void);
void arena_write(uint64_t page);
uint64_t arena_steps(void);	/* writes of all pages together */
uint64_t arena_check(struct guest_report *report);	/* damaged pages */

/* work.c */
void work(void);

#endif /* GUEST_WORK_H */
