/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Two sources of the page states: exits, and the list of a patched kernel. The
 * same guest must mean the same to both.
 */
#include "list-fixture.h"

/* ---- the same over both ---- */

#define WINDOW 600u

START_TEST(any_sequence_is_exact)
{
	static bool model[WINDOW];
	uint32_t random = 11, first, count;
	bool shared;

	open_source(_i);
	memset(model, 0, sizeof(model));
	for (int i = 0; i < 600; i++) {
		first = draw(&random, WINDOW);
		count = 1 + draw(&random, draw(&random, 8) ? 9 : WINDOW);
		if (count > WINDOW - first)
			count = WINDOW - first;
		shared = draw(&random, 2);
		ck_assert_uint_eq(call(first, count, shared ? 0 : ENCRYPTED),
				  0);
		memset(&model[first], shared, count);
		if (i % 7)
			continue;
		sync_stopped();
		for (uint32_t page = 0; page < WINDOW; page++)
			ck_assert_msg(is_shared(page) == model[page],
				      "page %u after %d", page, i);
	}
	ck_assert_uint_eq(control(), SEVLM_CONTROL_OFFERED);
}
END_TEST

START_TEST(overlaps_join_and_split)
{
	open_source(_i);
	share(10, 10);
	share(15, 2);		/* part of it: nothing is cut */
	share(20, 5);		/* touches */
	share(5, 30);		/* more than it */
	hide(12, 1);
	sync_stopped();
	ck_assert_uint_eq(shared_pages(), 29);
	ck_assert(!is_shared(12) && is_shared(11) && is_shared(13));
	hide(0, LIMIT / PAGE_SIZE);
	sync_stopped();
	ck_assert_uint_eq(shared_pages(), 0);
}
END_TEST

START_TEST(a_superset_takes_all_out)
{
	open_source(_i);
	for (uint64_t page = 0; page < GUEST_PAGES; page += 1000)
		share(page, 3);
	share(GUEST_PAGES + 100, 64);	/* as Linux does with c0000-fffff */
	sync_stopped();
	ck_assert_uint_eq(shared_pages(), 66 * 3);
	hide(1, GUEST_PAGES * 2);
	sync_stopped();
	ck_assert_uint_eq(shared_pages(), 1);
}
END_TEST

START_TEST(twenty_thousand_ranges)
{
	open_source(_i);
	for (uint64_t page = 0; page < 40000; page += 2)
		share(page, 1);
	sync_stopped();
	ck_assert_uint_eq(shared_pages(), 20000);
	for (uint64_t page = 0; page < 40000; page += 1234)
		ck_assert(is_shared(page) && !is_shared(page + 1));
	for (uint64_t page = 0; page < 40000; page += 4)
		hide(page, 1);
	sync_stopped();
	ck_assert_uint_eq(shared_pages(), 10000);
	ck_assert_uint_eq(control(), SEVLM_CONTROL_OFFERED);
}
END_TEST

START_TEST(only_what_changed_is_sent_again)
{
	uint64_t fresh;

	open_source(_i);
	share(100, 50);
	sync_stopped();
	sevlm__pages_track(side.vm->pages, true);
	sevlm__pages_round(side.vm->pages, &fresh);
	sync_stopped();
	ck_assert_uint_eq(sevlm__pages_pending(side.vm->pages), 0);
	share(120, 40);		/* ten of them are new */
	hide(90, 12);	/* two of them were shared */
	sync_stopped();
	ck_assert_uint_eq(sevlm__pages_pending(side.vm->pages), 12);
}
END_TEST

START_TEST(a_refused_call_is_remembered)
{
	static const struct {
		uint64_t gpa, count, attributes;
	} bad[] = {
		{ 1, 1, 0 },		{ 0, 0, 0 },
		{ 0, 1, 0x20 },		{ 0, 1, 3 },
		{ LIMIT, 1, 0 },	{ 0, LIMIT / PAGE_SIZE + 1, 0 },
		{ PAGE_SIZE, ~0ull, 0 }, { 0, 1, 1ull << 63 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const uint64_t args[6] = { bad[i].gpa, bad[i].count,
					   bad[i].attributes };

		open_source(_i);
		ck_assert_uint_eq(driver->call(args), 0ull - 22);
		sync_stopped();
		ck_assert_uint_eq(control(), SEVLM_CONTROL_OFFERED |
						     SEVLM_CONTROL_INCOMPLETE);
		share(1, 1);
		sync_stopped();
		ck_assert(control() & SEVLM_CONTROL_INCOMPLETE);
		ck_assert_int_eq(sevlm_vm_reset(side.vm), 0);
		sync_stopped();
		ck_assert_uint_eq(control(), SEVLM_CONTROL_OFFERED);
		teardown();
	}
	open_source(_i);
}
END_TEST

START_TEST(ready_comes_and_goes)
{
	uint64_t value;

	open_source(_i);
	ck_assert(!driver->rdmsr(&value) && !value);
	ck_assert(driver->wrmsr(2) && driver->wrmsr(~0ull));
	ck_assert(!driver->wrmsr(1));
	ck_assert(!driver->rdmsr(&value) && value == 1);
	sync_stopped();
	ck_assert_uint_eq(control(),
			  SEVLM_CONTROL_OFFERED | SEVLM_CONTROL_READY);
	ck_assert(!driver->wrmsr(0));
	sync_stopped();
	ck_assert_uint_eq(control(), SEVLM_CONTROL_OFFERED);
	ck_assert(atomic_load(&side.vm->control) & SEVLM__CONTROL_WITHDRAWN);
}
END_TEST

static void hang_up(void)
{
	ck_assert_int_eq(sevlm_vm_hang_up(side.vm), 0);
	if (side.states != SEVLM_STATES_EXITS)
		ck_assert_int_eq(duo_enable(&side,
					    KVM_CAP_X86_SHARED_PAGES_LIST, 0,
					    0), 0);
}

/* Linux writes 0 at CPU offline, and again at kexec, and wants no #GP. */
START_TEST(a_hang_up_holds)
{
	uint64_t value = 7;

	open_source(_i);
	share(5, 5);
	ck_assert(!driver->wrmsr(1));
	sync_stopped();
	hang_up();
	ck_assert_uint_eq(call(7, 1, ENCRYPTED), ENOSYS_ANSWER);
	ck_assert(!driver->rdmsr(&value) && !value);
	ck_assert(!driver->wrmsr(0) && !driver->wrmsr(0));
	ck_assert(driver->wrmsr(1) && driver->wrmsr(2));
	sync_stopped();
	ck_assert_uint_eq(control(),
			  SEVLM_CONTROL_OFFERED | SEVLM_CONTROL_HUNG_UP);
}
END_TEST

START_TEST(a_reset_ends_the_hang_up)
{
	open_source(_i);
	share(5, 5);
	hang_up();
	if (side.states != SEVLM_STATES_EXITS) {
		ck_assert_int_eq(sevlm_vm_reset(side.vm), -ENOTSUP);
		ck_assert(control() & SEVLM_CONTROL_HUNG_UP);
		ck_assert_int_eq(duo_enable(&side,
					    KVM_CAP_X86_SHARED_PAGES_LIST,
					    TRACK | MSR, 0), 0);
	}
	ck_assert_int_eq(sevlm_vm_reset(side.vm), 0);
	sync_stopped();
	ck_assert_uint_eq(control(), SEVLM_CONTROL_OFFERED);
	ck_assert_uint_eq(shared_pages(), 0);
	share(9, 1);
	ck_assert(!driver->wrmsr(1));
	sync_stopped();
	ck_assert_uint_eq(control(),
			  SEVLM_CONTROL_OFFERED | SEVLM_CONTROL_READY);
	ck_assert_uint_eq(shared_pages(), 1);
}
END_TEST

START_TEST(a_reset_forgets)
{
	open_source(_i);
	share(5, 5);
	share(GUEST_PAGES + 1, 1);
	ck_assert(!driver->wrmsr(1));
	sync_stopped();
	ck_assert_int_eq(sevlm_vm_reset(side.vm), 0);
	sync_stopped();
	ck_assert_uint_eq(control(), SEVLM_CONTROL_OFFERED);
	ck_assert_uint_eq(shared_pages(), 0);
}
END_TEST

/* CPUID without the bits in the kernel, no offer in the library */
START_TEST(who_was_not_offered_gets_nothing)
{
	uint64_t value;

	driver = &drivers[_i];
	open_silent(driver->states);
	side.sim->list->offered = false;
	ck_assert_uint_eq(call(5, 1, 0), ENOSYS_ANSWER);
	ck_assert(driver->rdmsr(&value));
	ck_assert(driver->wrmsr(0) && driver->wrmsr(1));
	sync_stopped();
	ck_assert_uint_eq(control(), 0);
	ck_assert_uint_eq(shared_pages(), 0);
}
END_TEST

/* the set is published and comes back from the kernel the same */
START_TEST(states_survive_a_handover)
{
	open_source(_i);
	ck_assert_int_eq(sevlm_vm_import_control(side.vm,
						 SEVLM_CONTROL_OFFERED |
						 SEVLM_CONTROL_READY), 0);
	for (uint64_t page = 0; page < 1000; page += 3)
		ck_assert_int_eq(sevlm__pages_set(side.vm->pages,
						  page * PAGE_SIZE, 2, true),
				 0);
	ck_assert_int_eq(sevlm__pages_set(side.vm->pages, 3 * GUEST, 64, true),
			 0);
	ck_assert_int_eq(sevlm_vm_publish_states(side.vm), 0);
	sync_stopped();
	ck_assert_uint_eq(shared_pages(), 2 * 334);
	ck_assert_uint_eq(control(),
			  SEVLM_CONTROL_OFFERED | SEVLM_CONTROL_READY);
	hide(0, GUEST_PAGES);
	sync_stopped();
	ck_assert_uint_eq(shared_pages(), 0);
	if (side.states != SEVLM_STATES_EXITS)
		ck_assert_uint_eq(side.sim->list->gfns.count, 1);
}
END_TEST

static void add_both(Suite *suite)
{
	TCase *tcase = tcase_create("both");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_loop_test(tcase, any_sequence_is_exact, 0, DRIVERS);
	tcase_add_loop_test(tcase, overlaps_join_and_split, 0, DRIVERS);
	tcase_add_loop_test(tcase, a_superset_takes_all_out, 0, DRIVERS);
	tcase_add_loop_test(tcase, twenty_thousand_ranges, 0, DRIVERS);
	tcase_add_loop_test(tcase, only_what_changed_is_sent_again, 0,
			    DRIVERS);
	tcase_add_loop_test(tcase, a_refused_call_is_remembered, 0, DRIVERS);
	tcase_add_loop_test(tcase, ready_comes_and_goes, 0, DRIVERS);
	tcase_add_loop_test(tcase, a_hang_up_holds, 0, DRIVERS);
	tcase_add_loop_test(tcase, a_reset_ends_the_hang_up, 0, DRIVERS);
	tcase_add_loop_test(tcase, a_reset_forgets, 0, DRIVERS);
	tcase_add_loop_test(tcase, who_was_not_offered_gets_nothing, 0,
			    DRIVERS);
	tcase_add_loop_test(tcase, states_survive_a_handover, 0, DRIVERS);
	suite_add_tcase(suite, tcase);
}

int main(void)
{
	Suite *suite = suite_create("list");

	add_both(suite);
	return run_suite(suite);
}
