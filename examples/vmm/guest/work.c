/* SPDX-License-Identifier: MIT-0 */
/* A guest that works, and can tell whether all of its memory is as it left
 * it. It runs on its own; the VMM only asks for a report now and then. */
#include "machine.h"
#include "work.h"

#define MSR_MIGRATION_CONTROL 0x4b564d08u
#define READY		      1u
#define RUN		      4u /* pages of one change of state, at most */
#define BETWEEN		      8u /* steps between two looks at the port */

static uint64_t random_state, last_clock;

static uint64_t random_below(uint64_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % limit;
}

static uint64_t random_page(uint64_t run)
{
	return arena_first() + random_below(arena_pages() - run + 1);
}

static void quiet(void)
{
}

static void dirty(void)
{
	arena_write(random_page(1));
}

static void flip(void)
{
	uint64_t count = 1 + random_below(RUN), page = random_page(count);
	bool shared = !state_shared(page);

	state_set(page, count, shared);
	for (uint64_t i = 0; i < count; i++)
		arena_write(page + i);
	dirty();
}

static void (*const works[])(void) = {
	[WORK_QUIET] = quiet,
	[WORK_DIRTY] = dirty,
	[WORK_FLIP] = flip,
};

/* Nothing but the device has written it since the guest looked last. */
static uint64_t device_clock(void)
{
	return *(volatile uint64_t *)(uintptr_t)GUEST_CLOCK;
}

static void tell(void)
{
	struct guest_report *report = (void *)(uintptr_t)GUEST_REPORT;

	report->steps = arena_steps();
	report->announced = state_announced();
	report->damaged = arena_check(report);
	report->lost_steps |= kept() != arena_steps();
	for (uint64_t i = 0; i < sizeof(report->shared); i++)
		report->shared[i] = state_bitmap()[i];
	out32(PORT_REPORT, 0);
}

static uint32_t ask(void)
{
	struct guest_report *report = (void *)(uintptr_t)GUEST_REPORT;
	uint32_t what;

	if (device_clock() != last_clock)
		report->lost_clock = 1;
	what = in32(PORT_CONTROL);
	if (device_clock() != last_clock + 1)
		report->lost_clock = 1;
	last_clock = device_clock();
	return what;
}

static void begin(void)
{
	random_state = boot()->seed | 1;
	if (boot()->cbit && state_offered())
		state_set(GUEST_REPORT / PAGE, 3, true);
	arena_open();
	if (state_offered())
		wrmsr(MSR_MIGRATION_CONTROL, READY);
}

void work(void)
{
	begin();
	for (;;) {
		for (uint32_t i = 0; i < BETWEEN; i++) {
			works[boot()->work]();
			keep(arena_steps());
		}
		if (ask() == CONTROL_TELL)
			tell();
	}
}
