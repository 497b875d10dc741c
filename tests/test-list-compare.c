/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which source there is, whether two say the same, and what does not fit. */
#include "list-fixture.h"

/* ---- choosing ---- */

START_TEST(a_stock_kernel_has_no_list)
{
	struct sevlm_vm *vm;
	uint32_t bits;

	open_silent(SEVLM_STATES_EXITS);
	vm = side.vm;
	ck_assert_int_eq(sevlm_vm_use_states(vm, SEVLM_STATES_LIST), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(sevlm_vm_error(vm),
				     "KVM_GET_SHARED_PAGES_LIST"));
	ck_assert_int_eq(sevlm_vm_use_states(vm, SEVLM_STATES_COMPARE),
			 -ENOTSUP);
	ck_assert_int_eq(sevlm_vm_use_states(vm, 0), -EINVAL);
	ck_assert_int_eq(sevlm_vm_use_states(vm, 5), -EINVAL);
	ck_assert_int_eq(sevlm_vm_use_states(NULL, 1), -EINVAL);
	ck_assert_int_eq(sevlm_vm_sync_states(vm, 1), 0);
	ck_assert_int_eq(sevlm_vm_sync_states(vm, 2), -EINVAL);
	ck_assert_int_eq(sevlm_vm_sync_states(NULL, 0), -EINVAL);
	ck_assert_int_eq(sevlm_vm_publish_states(vm), 0);
	ck_assert_int_eq(sevlm_vm_publish_states(NULL), -EINVAL);
	ck_assert_int_eq(sevlm_vm_import_control(NULL, 0), -EINVAL);
	ck_assert_int_eq(sevlm_vm_import_control(vm,
						 SEVLM_CONTROL_INCOMPLETE),
			 -EINVAL);
	ck_assert_int_eq(sevlm_vm_control(vm, &bits), 0);
	ck_assert_uint_eq(bits, 0);
}
END_TEST

static uint32_t states(void)
{
	uint32_t states;

	ck_assert_int_eq(sevlm_vm_states(side.vm, &states), 0);
	return states;
}

START_TEST(takes_the_list_where_there_is_one)
{
	uint32_t unused;

	open_silent(drivers[_i].states);
	ck_assert_int_eq(sevlm_vm_use_states(side.vm, SEVLM_STATES_ANY), 0);
	ck_assert_uint_eq(states(), _i ? SEVLM_STATES_LIST :
					 SEVLM_STATES_EXITS);
	ck_assert_int_eq(sevlm_vm_states(side.vm, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_vm_states(NULL, &unused), -EINVAL);
}
END_TEST

START_TEST(consent_is_imported)
{
	const uint32_t both = SEVLM_CONTROL_OFFERED | SEVLM_CONTROL_READY;

	open_silent(SEVLM_STATES_EXITS);
	sevlm__control_lost(side.vm);
	ck_assert_int_eq(sevlm_vm_import_control(side.vm, both), 0);
	ck_assert_uint_eq(control(), both);
	ck_assert_int_eq(sevlm_vm_hang_up(side.vm), 0);
	ck_assert_int_eq(sevlm_vm_import_control(side.vm, both), 0);
	ck_assert_uint_eq(control(),
			  SEVLM_CONTROL_OFFERED | SEVLM_CONTROL_HUNG_UP);
	side.vm->engaged = true;
	ck_assert_int_eq(sevlm_vm_import_control(side.vm, both), -EBADFD);
	ck_assert_int_eq(sevlm_vm_use_states(side.vm, SEVLM_STATES_EXITS),
			 -EBADFD);
	side.vm->engaged = false;
}
END_TEST

/* ---- comparing ---- */

START_TEST(a_difference_is_found_where_the_guest_stands)
{
	const uint64_t args[6] = { 77 * PAGE_SIZE, 3, 0 };

	open_source(2);
	share(10, 100);
	sync_stopped();
	hide(60, 40);
	/* the library alone hears of three */
	exit_call(args);
	ck_assert_int_eq(sevlm_vm_sync_states(side.vm, 0), 0);
	ck_assert_uint_eq(control(), SEVLM_CONTROL_OFFERED);
	ck_assert_int_eq(sevlm_vm_sync_states(side.vm, 1), -EPERM);
	ck_assert_ptr_nonnull(strstr(sevlm_vm_error(side.vm), "0x4d000"));
	ck_assert(control() & SEVLM_CONTROL_INCOMPLETE);
}
END_TEST

/* the kernel alone heard, and there are ranges before and behind */
START_TEST(every_kind_of_difference_is_found)
{
	static const struct {
		uint64_t page, count, attributes, differs;
	} only[] = {
		{ 0, 1, 0, 0 },		    { 15, 1, ENCRYPTED, 15 },
		{ 10, 20, ENCRYPTED, 10 },  { 29, 1, ENCRYPTED, 29 },
		{ 30, 1, 0, 30 },	    { 0, 100, 0, 0 },
		{ GUEST_PAGES + 7, 2, 0, GUEST_PAGES + 7 },
		{ GUEST_PAGES * 2 + 1, 1, ENCRYPTED, GUEST_PAGES * 2 + 1 },
	};
	char text[32];

	for (size_t i = 0; i < ARRAY_SIZE(only); i++) {
		const uint64_t args[6] = { only[i].page * PAGE_SIZE,
					   only[i].count, only[i].attributes };

		open_source(2);
		share(10, 20);
		share(50, 1);
		share(GUEST_PAGES * 2, 3);
		sync_stopped();
		side.sim->list->exit_hypercall = 0;
		list_call(args);
		ck_assert_int_eq(sevlm_vm_sync_states(side.vm, 1), -EPERM);
		snprintf(text, sizeof(text), " 0x%llx",
			 (unsigned long long)only[i].differs * PAGE_SIZE);
		ck_assert_msg(strstr(sevlm_vm_error(side.vm), text), "%zu: %s",
			      i, sevlm_vm_error(side.vm));
		teardown();
	}
	open_source(2);
}
END_TEST

START_TEST(a_vmm_that_refuses_makes_both_incomplete)
{
	const uint64_t args[6] = { PAGE_SIZE, 1, 0 };
	uint64_t ret;

	open_source(2);
	ck_assert(!sim_list_hypercall(side.sim->list, MAP_GPA_RANGE, args,
				      &ret));
	sim_list_answered(side.sim->list, 0ull - 22);
	sync_stopped();
	ck_assert(control() & SEVLM_CONTROL_INCOMPLETE);
	ck_assert_uint_eq(shared_pages(), 0);
}
END_TEST

/* ---- ranges outside of RAM ---- */

/* as many as the set takes, first below and then above: they do not fit
 * together */
START_TEST(old_and_new_ranges_need_not_fit_together)
{
	const uint64_t high = 1ull << 36, low = GUEST_PAGES * 16;

	open_source(1);
	for (uint64_t i = 0; i < 1000; i++)
		share(high + 2 * i, 1);
	sync_stopped();
	hide(high, 2000);
	for (uint64_t i = 0; i < 1000; i++)
		share(low + 2 * i, 1);
	share(3, 1);
	sync_stopped();
	ck_assert_uint_eq(control(), SEVLM_CONTROL_OFFERED);
	ck_assert(is_shared(3));
	hide(low + 2, 1);
	sync_stopped();
	ck_assert_uint_eq(control(), SEVLM_CONTROL_OFFERED);
}
END_TEST

START_TEST(more_ranges_than_fit)
{
	open_source(1);
	share(5, 5);
	for (uint64_t i = 0; i < 1025; i++)
		share(GUEST_PAGES * 16 + 2 * i, 1);
	ck_assert_int_eq(sevlm_vm_sync_states(side.vm, 0), -ENOBUFS);
	ck_assert_ptr_nonnull(strstr(sevlm_vm_error(side.vm), "than fit"));
	ck_assert(control() & SEVLM_CONTROL_INCOMPLETE);
	ck_assert_uint_eq(shared_pages(), 5);
}
END_TEST

static void add_tests(Suite *suite)
{
	TCase *tcase = tcase_create("compare");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, a_stock_kernel_has_no_list);
	tcase_add_loop_test(tcase, takes_the_list_where_there_is_one, 0,
			    DRIVERS);
	tcase_add_test(tcase, consent_is_imported);
	tcase_add_test(tcase, a_difference_is_found_where_the_guest_stands);
	tcase_add_test(tcase, every_kind_of_difference_is_found);
	tcase_add_test(tcase, a_vmm_that_refuses_makes_both_incomplete);
	tcase_add_test(tcase, old_and_new_ranges_need_not_fit_together);
	tcase_add_test(tcase, more_ranges_than_fit);
	suite_add_tcase(suite, tcase);
}

int main(void)
{
	Suite *suite = suite_create("list-compare");

	add_tests(suite);
	return run_suite(suite);
}
