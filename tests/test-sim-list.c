/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The patched kernel of the software host: capability, GET, SET, the guest. */
#include "list-fixture.h"

#define DONE KVM_SHARED_PAGES_DONE

static struct kvm_shared_pages_entry entries[512];
static struct kvm_shared_pages_list data;

static struct sim_list *list(void)
{
	return side.sim->list;
}

static void open_list(void)
{
	driver = &drivers[1];
	open_silent(SEVLM_STATES_LIST);
}

static int enable(uint64_t mask, uint64_t most)
{
	return duo_enable(&side, KVM_CAP_X86_SHARED_PAGES_LIST, mask, most);
}

static int ioctl_on(uint32_t request, void *arg)
{
	return sevlm_sim_ops()->vm(side.sim, request, arg);
}

static int get(uint32_t room, uint64_t cursor)
{
	memset(&data, 0, sizeof(data));
	memset(entries, 0xee, sizeof(entries));
	data.nents = room;
	data.entries = (uintptr_t)entries;
	data.cursor = cursor;
	return ioctl_on((uint32_t)KVM_GET_SHARED_PAGES_LIST, &data);
}

static int set(uint32_t count, uint32_t flags, uint64_t generation)
{
	memset(&data, 0, sizeof(data));
	data.nents = count;
	data.flags = flags;
	data.entries = (uintptr_t)entries;
	data.generation = generation;
	return ioctl_on((uint32_t)KVM_SET_SHARED_PAGES_LIST, &data);
}

/* of a GET without room, which leaves the entries alone */
static struct kvm_shared_pages_list ask(void)
{
	struct kvm_shared_pages_list ret = { 0 };

	ck_assert_int_eq(ioctl_on((uint32_t)KVM_GET_SHARED_PAGES_LIST, &ret),
			 0);
	ck_assert_uint_eq(ret.nents, 0);
	return ret;
}

static uint64_t generation(void)
{
	return ask().generation;
}

static uint32_t flags(void)
{
	return ask().flags;
}

static void fill_entries(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		entries[i] = (struct kvm_shared_pages_entry){
			.gfn = 5 + 3 * i,
			.npages = 2,
			.flags = KVM_SHARED_PAGE_SHARED,
		};
}

/* ---- the capability ---- */

START_TEST(a_stock_kernel_knows_nothing)
{
	struct sevlm_sim_host_config config = { .size = sizeof(config) };
	struct sevlm_sim_vm_config vm = { .size = sizeof(vm),
					  .memory = PAGE_SIZE };
	const struct sevlm_kernel_ops *ops = sevlm_sim_ops();
	void *cap = (void *)(uintptr_t)KVM_CAP_X86_SHARED_PAGES_LIST;

	ck_assert_int_eq(sevlm_sim_host_new(&config, &side.host), 0);
	ck_assert_int_eq(sevlm_sim_vm_new(side.host, &vm, &side.sim), 0);
	ck_assert_int_eq(ops->vm(side.sim, KVM_CHECK_EXTENSION, cap), 0);
	ck_assert_int_eq(ops->host(side.sim, KVM_CHECK_EXTENSION, cap), 0);
	ck_assert_int_eq(enable(TRACK, 0), -EINVAL);
	ck_assert_int_eq(enable(0, 0), -EINVAL);
	ck_assert_int_eq(get(1, 0), -ENOTTY);
	ck_assert_int_eq(set(0, 0, 0), -ENOTTY);
	config.shared_list = 2;
	ck_assert_int_eq(sevlm_sim_host_new(&config, &side.host), -EINVAL);
	config.shared_list = 0;
	config.multi_page = 2;
	ck_assert_int_eq(sevlm_sim_host_new(&config, &side.host), -EINVAL);
}
END_TEST

START_TEST(the_capability_is_probed_and_checked)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_X86_SHARED_PAGES_LIST };
	void *number = (void *)(uintptr_t)KVM_CAP_X86_SHARED_PAGES_LIST;

	open_silent(SEVLM_STATES_EXITS);
	ck_assert_int_eq(ioctl_on(KVM_CHECK_EXTENSION, number), TRACK | MSR);
	ck_assert_int_eq(sevlm_sim_ops()->host(side.sim, KVM_CHECK_EXTENSION,
					       number), TRACK | MSR);
	ck_assert_int_eq(get(1, 0), -ENOTTY);
	ck_assert_int_eq(set(0, 0, 0), -ENOTTY);
	ck_assert_int_eq(enable(4, 0), -EINVAL);
	ck_assert_int_eq(enable(TRACK, 1048577), -EINVAL);
	cap.args[0] = TRACK;
	cap.args[2] = 1;
	ck_assert_int_eq(ioctl_on(KVM_ENABLE_CAP, &cap), -EINVAL);
	cap.args[2] = 0;
	cap.args[3] = 1;
	ck_assert_int_eq(ioctl_on(KVM_ENABLE_CAP, &cap), -EINVAL);
	ck_assert_int_eq(enable(TRACK, 0), 0);
	ck_assert_int_eq(get(1, 0), 0);
	ck_assert_uint_eq(data.max_ranges, 32768);
	ck_assert_int_eq(enable(TRACK, 1048576), 0);
	ck_assert_int_eq(get(1, 0), 0);
	ck_assert_uint_eq(data.max_ranges, 1048576);
	ck_assert_uint_eq(data.flags, 0);
}
END_TEST

START_TEST(who_comes_late_has_missed_something)
{
	open_silent(SEVLM_STATES_EXITS);
	ck_assert_int_eq(ioctl_on(KVM_CREATE_VCPU, NULL), 0);
	ck_assert_int_eq(enable(TRACK | MSR, 0), 0);
	ck_assert_uint_eq(flags(), KVM_SHARED_PAGES_INCOMPLETE);
	/* before the first KVM_RUN a whole list makes up for it */
	fill_entries(3);
	ck_assert_int_eq(set(3, KVM_SHARED_PAGES_READY, generation()), 0);
	ck_assert_uint_eq(flags(), KVM_SHARED_PAGES_READY);
	/* behind it nothing but a reset does */
	sim_list_run(list());
	ck_assert_int_eq(enable(0, 0), 0);
	ck_assert_int_eq(enable(TRACK | MSR, 0), 0);
	ck_assert_int_eq(get(1, 0), 0);
	ck_assert_uint_eq(data.total, 0);
	ck_assert_uint_eq(data.flags, KVM_SHARED_PAGES_INCOMPLETE);
	fill_entries(3);
	ck_assert_int_eq(set(3, 0, generation()), 0);
	ck_assert_uint_eq(flags(), KVM_SHARED_PAGES_INCOMPLETE);
	ck_assert_int_eq(set(0, KVM_SHARED_PAGES_READY, generation()), 0);
	ck_assert(flags() & KVM_SHARED_PAGES_INCOMPLETE);
	ck_assert_int_eq(set(0, 0, generation()), 0);
	ck_assert_uint_eq(flags(), 0);
}
END_TEST

/* ---- GET ---- */

START_TEST(get_goes_on_where_it_was)
{
	uint64_t cursor = 0, next = 5;
	uint32_t rooms[] = { 1, 3, 170, 171, 7 };

	open_list();
	fill_entries(400);
	ck_assert_int_eq(set(400, 0, generation()), 0);
	for (uint32_t i = 0; cursor != DONE; i++) {
		ck_assert_int_eq(get(rooms[i % 5], cursor), 0);
		ck_assert_uint_eq(data.total, 400);
		ck_assert_uint_eq(data.flags, 0);
		for (uint32_t n = 0; n < data.nents; n++, next += 3) {
			ck_assert_uint_eq(entries[n].gfn, next);
			ck_assert_uint_eq(entries[n].npages, 2);
			ck_assert_uint_eq(entries[n].flags, 1);
			ck_assert_uint_eq(entries[n].pad, 0);
		}
		if (data.cursor != DONE)
			ck_assert_uint_eq(data.nents, rooms[i % 5]);
		cursor = data.cursor;
	}
	ck_assert_uint_eq(next, 5 + 3 * 400);
}
END_TEST

START_TEST(get_in_the_middle_of_a_range)
{
	open_list();
	share(100, 50);
	ck_assert_int_eq(get(5, 120), 0);
	ck_assert_uint_eq(data.nents, 1);
	ck_assert_uint_eq(entries[0].gfn, 120);
	ck_assert_uint_eq(entries[0].npages, 30);
	ck_assert_uint_eq(data.cursor, DONE);
	ck_assert_int_eq(get(5, 150), 0);
	ck_assert_uint_eq(data.nents, 0);
	ck_assert_uint_eq(data.cursor, DONE);
	ck_assert_int_eq(get(0, 0), 0);
	ck_assert_uint_eq(data.cursor, 0);
	ck_assert_int_eq(get(5, DONE), 0);
	ck_assert_uint_eq(data.nents, 0);
}
END_TEST

START_TEST(get_checks_only_its_caller)
{
	open_list();
	memset(&data, 0, sizeof(data));
	data.flags = 1;
	ck_assert_int_eq(sim_list_get(list(), &data), -EINVAL);
	data.flags = 0;
	data.reserved[1] = 1;
	ck_assert_int_eq(sim_list_get(list(), &data), -EINVAL);
	data.reserved[1] = 0;
	data.nents = 1;
	ck_assert_int_eq(sim_list_get(list(), &data), -EFAULT);
	ck_assert_int_eq(ioctl_on((uint32_t)KVM_GET_SHARED_PAGES_LIST, NULL),
			 -EFAULT);
}
END_TEST

static uint32_t parts;

static void flip_first(struct sim_list *at)
{
	const uint64_t args[2][6] = { { 0, 1, 0 }, { 0, 1, ENCRYPTED } };
	uint64_t ret;

	parts++;
	ck_assert(sim_list_hypercall(at, MAP_GPA_RANGE, args[0], &ret));
	ck_assert(sim_list_hypercall(at, MAP_GPA_RANGE, args[1], &ret));
}

/* A guest that changes the list between two parts is seen; the rest of the
 * list is right all the same. */
START_TEST(a_guest_between_two_parts)
{
	open_list();
	fill_entries(400);
	ck_assert_int_eq(set(400, 0, generation()), 0);
	parts = 0;
	list()->between = flip_first;
	ck_assert_int_eq(get(512, 1), 0);
	ck_assert_uint_eq(parts, 2);
	ck_assert_uint_eq(data.nents, 400);
	ck_assert_uint_eq(data.flags, KVM_SHARED_PAGES_TORN);
	for (uint32_t i = 0; i < 400; i++)
		ck_assert_uint_eq(entries[i].gfn, 5 + 3 * i);
	/* one part alone is whole */
	ck_assert_int_eq(get(170, 1), 0);
	ck_assert_uint_eq(data.flags, 0);
	list()->between = NULL;
	ck_assert_int_eq(get(512, 1), 0);
	ck_assert_uint_eq(data.flags, 0);
}
END_TEST

/* ---- SET ---- */

START_TEST(set_is_all_or_nothing)
{
	static const struct {
		uint64_t gfn, npages;
		uint32_t flags, pad;
	} bad[] = {
		{ 9, 2, 1, 0 },	      { 0, 2, 1, 0 },  { 11, 0, 1, 0 },
		{ 1ull << 40, 1, 1, 0 }, { 11, 1ull << 40, 1, 0 },
		{ 11, ~0ull, 1, 0 },  { 11, 2, 0, 0 }, { 11, 2, 3, 0 },
		{ 11, 2, 1, 1 },
	};
	uint64_t before;

	open_list();
	share(1000, 7);
	before = generation();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		fill_entries(3);
		entries[2] = (struct kvm_shared_pages_entry){
			bad[i].gfn, bad[i].npages, bad[i].flags, bad[i].pad };
		ck_assert_int_eq(set(3, 0, before), -EINVAL);
	}
	fill_entries(3);
	ck_assert_int_eq(set(3, KVM_SHARED_PAGES_INCOMPLETE, before), -EINVAL);
	ck_assert_int_eq(set(3, 0, before + 1), -EAGAIN);
	ck_assert_int_eq(get(5, 0), 0);
	ck_assert_uint_eq(data.nents, 1);
	ck_assert_uint_eq(entries[0].gfn, 1000);
	ck_assert_uint_eq(data.generation, before);
	fill_entries(3);
	ck_assert_int_eq(set(3, KVM_SHARED_PAGES_READY, before), 0);
	ck_assert_uint_gt(data.generation, before);
	ck_assert_int_eq(get(5, 0), 0);
	ck_assert_uint_eq(data.nents, 3);
	ck_assert_uint_eq(data.flags, KVM_SHARED_PAGES_READY);
}
END_TEST

START_TEST(set_joins_what_touches_and_ends_at_the_cap)
{
	open_list();
	fill_entries(3);
	entries[1].gfn = 7;
	ck_assert_int_eq(set(3, 0, generation()), 0);
	ck_assert_int_eq(get(5, 0), 0);
	ck_assert_uint_eq(data.total, 2);
	ck_assert_uint_eq(entries[0].npages, 4);
	ck_assert_int_eq(enable(TRACK | MSR, 1), -EINVAL);
	ck_assert_int_eq(enable(TRACK | MSR, 2), 0);
	fill_entries(3);
	ck_assert_int_eq(set(3, 0, generation()), -E2BIG);
}
END_TEST

/* ---- the guest ---- */

START_TEST(a_full_list_makes_the_guest_incomplete)
{
	open_list();
	ck_assert_int_eq(enable(TRACK | MSR, 3), 0);
	share(0, 1);
	share(2, 1);
	share(4, 1);
	ck_assert_uint_eq(flags(), 0);
	ck_assert_uint_eq(call(6, 1, 0), 0ull - 7);
	ck_assert_uint_eq(flags(), KVM_SHARED_PAGES_INCOMPLETE);
	/* nothing was done by halves, and what fits goes on */
	share(1, 1);
	ck_assert_int_eq(get(5, 0), 0);
	ck_assert_uint_eq(data.total, 2);
	ck_assert_uint_eq(data.flags, KVM_SHARED_PAGES_INCOMPLETE);
}
END_TEST

START_TEST(generations_count_changes)
{
	uint64_t before;

	open_list();
	share(10, 10);
	before = generation();
	share(12, 3);
	hide(50, 5);
	ck_assert_uint_eq(generation(), before);
	hide(12, 3);
	ck_assert_uint_eq(generation(), before + 1);
}
END_TEST

/* With both on, user space is asked first; it cannot answer for another
 * epoch, nor for a guest that was never heard. */
START_TEST(an_answer_of_an_older_epoch_is_nothing)
{
	const uint64_t args[6] = { PAGE_SIZE, 1, 0 };
	uint64_t ret;

	driver = &drivers[2];
	open_silent(SEVLM_STATES_COMPARE);
	ck_assert(!sim_list_hypercall(list(), MAP_GPA_RANGE, args, &ret));
	ck_assert_uint_eq(list()->gfns.count, 0);
	ck_assert_int_eq(enable(0, 0), 0);
	ck_assert_int_eq(enable(TRACK | MSR, 0), 0);
	sim_list_answered(list(), 0);
	ck_assert_uint_eq(list()->gfns.count, 0);
	ck_assert(!sim_list_hypercall(list(), MAP_GPA_RANGE, args, &ret));
	sim_list_answered(list(), 0);
	sim_list_answered(list(), 5);
	ck_assert_uint_eq(list()->gfns.count, 1);
	ck_assert_uint_eq(flags(), KVM_SHARED_PAGES_INCOMPLETE);
}
END_TEST

START_TEST(what_a_guest_that_runs_has_asked_outlives_a_set)
{
	const uint64_t args[6] = { PAGE_SIZE, 1, 0 };
	uint64_t ret;

	driver = &drivers[2];
	open_silent(SEVLM_STATES_COMPARE);
	sim_list_run(list());
	ck_assert(!sim_list_hypercall(list(), MAP_GPA_RANGE, args, &ret));
	ck_assert_int_eq(set(0, KVM_SHARED_PAGES_READY, generation()), 0);
	sim_list_answered(list(), 0);
	ck_assert_uint_eq(list()->gfns.count, 1);
	ck_assert(!sim_list_hypercall(list(), MAP_GPA_RANGE, args, &ret));
	/* other than a reset */
	ck_assert_int_eq(set(0, 0, generation()), 0);
	sim_list_answered(list(), 0);
	ck_assert_uint_eq(list()->gfns.count, 0);
}
END_TEST

START_TEST(other_hypercalls_are_unknown)
{
	const uint64_t args[6] = { 0, 1, 0 };
	uint64_t ret = 1;

	open_list();
	ck_assert(sim_list_hypercall(list(), 11, args, &ret));
	ck_assert_uint_eq(ret, ENOSYS_ANSWER);
	ck_assert_uint_eq(list()->gfns.count, 0);
}
END_TEST

/* The VMM could say yes: to track is to look at CPUID before. */
START_TEST(who_was_not_offered_it_is_not_even_asked_about)
{
	const uint64_t args[6] = { 3 * PAGE_SIZE, 1, 0 };
	uint64_t ret = 0;

	open_silent(SEVLM_STATES_EXITS);
	ck_assert_int_eq(duo_enable(&side, KVM_CAP_EXIT_HYPERCALL,
				    1u << MAP_GPA_RANGE, 0), 0);
	ck_assert_int_eq(enable(TRACK, 0), 0);
	list()->offered = false;
	ck_assert(sim_list_hypercall(list(), MAP_GPA_RANGE, args, &ret));
	ck_assert_uint_eq(ret, ENOSYS_ANSWER);
	ck_assert_uint_eq(flags(), 0);
	ck_assert_uint_eq(list()->gfns.count, 0);
}
END_TEST

/* ---- who is asked: the whole way through KVM_RUN ---- */

static uint32_t run_reasons(struct sevlm_sim_vm *vm, uint64_t steps)
{
	struct sevlm_sim_exit exit;
	uint32_t ret = 0;

	while (sevlm_sim_vm_steps(vm) < steps) {
		exit.size = sizeof(exit);
		ck_assert_int_eq(sevlm_sim_vm_run(vm, 1, &exit), 0);
		ret |= 1u << exit.reason;
		if (exit.reason != SEVLM_SIM_EXIT_INTR)
			ck_assert_int_eq(sevlm_sim_vm_answer(vm, 0), 0);
	}
	return ret;
}

#define EXITS_INTR (1u << SEVLM_SIM_EXIT_INTR)
#define EXITS_CALL (1u << SEVLM_SIM_EXIT_HYPERCALL)
#define EXITS_MSR (1u << SEVLM_SIM_EXIT_WRMSR)

static const struct {
	bool patched;
	int64_t hypercall, msr;	/* -1: said nothing */
	uint64_t list;
	uint32_t exits;
	bool ready;
} who[] = {
	{ false, -1, -1, 0, EXITS_CALL | EXITS_MSR, false },
	{ false, 0, -1, 0, EXITS_MSR, false },
	{ false, 1 << 12, 0, 0, EXITS_CALL, false },
	{ true, -1, -1, 0, 0, false },
	{ true, 1 << 12, -1, 0, EXITS_CALL, false },
	{ true, -1, 2, 0, EXITS_MSR, false },
	{ true, -1, 4, 0, EXITS_MSR, false },
	{ true, -1, -1, TRACK | MSR, 0, true },
	{ true, 0, 0, TRACK | MSR, 0, true },
	{ true, 1 << 12, 2, TRACK | MSR, EXITS_CALL, true },
	{ true, 1 << 12, 4, TRACK | MSR, EXITS_CALL | EXITS_MSR, false },
	{ true, 0, 2, TRACK, EXITS_MSR, false },
};

START_TEST(who_answers_the_guest)
{
	struct sevlm_sim_host_config config = {
		.size = sizeof(config), .shared_list = who[_i].patched };
	struct sevlm_sim_vm_config vm = {
		.size = sizeof(vm), .memory = 64 * PAGE_SIZE,
		.workload = SEVLM_SIM_FLIP, .offered = 1 };

	memset(&side, 0, sizeof(side));
	ck_assert_int_eq(sevlm_sim_host_new(&config, &side.host), 0);
	ck_assert_int_eq(sevlm_sim_vm_new(side.host, &vm, &side.sim), 0);
	if (who[_i].hypercall >= 0)
		ck_assert_int_eq(duo_enable(&side, KVM_CAP_EXIT_HYPERCALL,
					    (uint64_t)who[_i].hypercall, 0), 0);
	if (who[_i].msr >= 0)
		ck_assert_int_eq(duo_enable(&side, KVM_CAP_X86_USER_SPACE_MSR,
					    (uint64_t)who[_i].msr, 0), 0);
	if (who[_i].list)
		ck_assert_int_eq(enable(who[_i].list, 0), 0);
	side.ram = aligned_alloc(PAGE_SIZE, vm.memory);
	ck_assert_int_eq(sevlm_sim_vm_launch(side.sim, side.ram, NULL, 0, 0),
			 0);
	ck_assert_uint_eq(run_reasons(side.sim, 300), who[_i].exits |
							      EXITS_INTR);
	ck_assert_int_eq(sevlm_sim_vm_check(side.sim, NULL, 0), 0);
	ck_assert(list()->ready == who[_i].ready);
	if (!who[_i].list)
		return;
	ck_assert(!list()->incomplete);
	for (uint64_t page = 0; page < 64; page++) {
		ck_assert_int_eq(get(1, page), 0);
		ck_assert((data.nents && entries[0].gfn == page) ==
			  sevlm_sim_vm_shared(side.sim, page * PAGE_SIZE));
	}
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_stock_kernel_knows_nothing);
	tcase_add_test(tcase, the_capability_is_probed_and_checked);
	tcase_add_test(tcase, who_comes_late_has_missed_something);
	tcase_add_test(tcase, get_goes_on_where_it_was);
	tcase_add_test(tcase, get_in_the_middle_of_a_range);
	tcase_add_test(tcase, get_checks_only_its_caller);
	tcase_add_test(tcase, a_guest_between_two_parts);
	tcase_add_test(tcase, set_is_all_or_nothing);
	tcase_add_test(tcase, set_joins_what_touches_and_ends_at_the_cap);
	tcase_add_test(tcase, a_full_list_makes_the_guest_incomplete);
	tcase_add_test(tcase, generations_count_changes);
	tcase_add_test(tcase, an_answer_of_an_older_epoch_is_nothing);
	tcase_add_test(tcase, what_a_guest_that_runs_has_asked_outlives_a_set);
	tcase_add_test(tcase, other_hypercalls_are_unknown);
	tcase_add_test(tcase, who_was_not_offered_it_is_not_even_asked_about);
	tcase_add_loop_test(tcase, who_answers_the_guest, 0, ARRAY_SIZE(who));
}

int main(void)
{
	Suite *suite = suite_create("sim-list");
	TCase *tcase = tcase_create("list");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, NULL, teardown);
	add_tests(tcase);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
