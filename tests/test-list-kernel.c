/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a kernel may answer that keeps the list, or says so. */
#include "list-fixture.h"

/* ---- handing over ---- */

START_TEST(a_short_kernel_list_is_no_target)
{
	open_silent(SEVLM_STATES_LIST);
	ck_assert_int_eq(duo_enable(&side, KVM_CAP_X86_SHARED_PAGES_LIST,
				    TRACK | MSR, 10), 0);
	for (uint64_t i = 0; i < 11; i++)
		sevlm__pages_set(side.vm->pages, 2 * i * PAGE_SIZE, 1, true);
	ck_assert_int_eq(sevlm_vm_publish_states(side.vm), -ENOBUFS);
	ck_assert_ptr_nonnull(strstr(sevlm_vm_error(side.vm), "takes 10"));
	sevlm__pages_set(side.vm->pages, 0, 1, false);
	ck_assert_int_eq(sevlm_vm_publish_states(side.vm), 0);
	ck_assert_uint_eq(side.sim->list->gfns.count, 10);
}
END_TEST

static uint32_t meddled, meddle_most;

/* somebody changes the list behind each GET */
static int meddle(struct duo_side *which, uint32_t request, void *arg)
{
	int ret = sevlm_sim_ops()->vm(which->sim, request, arg);

	if (request == (uint32_t)KVM_GET_SHARED_PAGES_LIST &&
	    meddled++ < meddle_most)
		which->sim->list->generation++;
	return ret;
}

START_TEST(another_generation_is_looked_at_again)
{
	open_silent(SEVLM_STATES_LIST);
	side.door = meddle;
	meddled = 0;
	meddle_most = 3;
	sevlm__pages_set(side.vm->pages, 0, 1, true);
	ck_assert_int_eq(sevlm_vm_publish_states(side.vm), 0);
	ck_assert_uint_eq(meddled, 4);
	meddled = 0;
	meddle_most = UINT32_MAX;
	ck_assert_int_eq(sevlm_vm_publish_states(side.vm), -EIO);
	ck_assert_uint_lt(meddled, 100);
	ck_assert_ptr_nonnull(strstr(sevlm_vm_error(side.vm), "changes"));
}
END_TEST

/* ---- a kernel that lies ---- */

static struct {
	struct kvm_shared_pages_list answer;
	struct kvm_shared_pages_entry entries[170];
	uint64_t step;		/* cursor, generation and entries grow by it */
	bool torn;
	uint32_t calls;
} lie;

static int lying_door(struct duo_side *which, uint32_t request, void *arg)
{
	struct kvm_shared_pages_list *data = arg;
	struct kvm_shared_pages_entry *to;

	(void)which;
	ck_assert_uint_eq(request, (uint32_t)KVM_GET_SHARED_PAGES_LIST);
	ck_assert_uint_eq(data->nents, 170);
	to = (void *)(uintptr_t)data->entries;
	memcpy(to, lie.entries, sizeof(lie.entries));
	for (uint32_t i = 0; i < 170; i++)
		to[i].gfn += lie.calls * lie.step;
	*data = lie.answer;
	if (lie.step)
		data->cursor += lie.calls * lie.step;
	if (lie.torn)
		data->generation = lie.calls;
	lie.calls++;
	return 0;
}

static void lie_with(uint32_t nents, uint64_t cursor)
{
	memset(&lie, 0, sizeof(lie));
	lie.answer.nents = nents;
	lie.answer.cursor = cursor;
	for (uint32_t i = 0; i < 170; i++)
		lie.entries[i] = (struct kvm_shared_pages_entry){
			.gfn = 10 + 2 * i,
			.npages = 1,
			.flags = KVM_SHARED_PAGE_SHARED,
		};
}

static void expect_caught(int stopped, const char *words)
{
	lie.calls = 0;
	ck_assert_int_eq(sevlm_vm_sync_states(side.vm, stopped), -EIO);
	ck_assert_msg(strstr(sevlm_vm_error(side.vm), words), "%s",
		      sevlm_vm_error(side.vm));
	ck_assert_uint_lt(lie.calls, 20000);
}

static void open_liar(void)
{
	open_source(1);
	side.door = lying_door;
	lie_with(2, KVM_SHARED_PAGES_DONE);
	sync_stopped();
	ck_assert_uint_eq(shared_pages(), 2);
}

START_TEST(what_is_not_in_order_is_not_believed)
{
	struct kvm_shared_pages_entry *at = &lie.entries[1];

	open_liar();
	lie_with(2, KVM_SHARED_PAGES_DONE);
	at->gfn = 9;
	expect_caught(_i, "not in order");
	at->gfn = 10;
	expect_caught(_i, "not in order");
	at->gfn = 12;
	at->npages = 0;
	expect_caught(_i, "not in order");
	at->npages = (1ull << 40) - 11;
	expect_caught(_i, "not in order");
	at->npages = ~0ull;
	expect_caught(_i, "not in order");
	at->gfn = 1ull << 40;
	at->npages = 1;
	expect_caught(_i, "not in order");
	at->gfn = 12;
	at->flags = 0;
	expect_caught(_i, "not in order");
	at->flags = 3;
	expect_caught(_i, "not in order");
	at->flags = 1;
	at->pad = 1;
	expect_caught(_i, "not in order");
	at->pad = 0;
	/* nothing of all that was taken over */
	ck_assert_uint_eq(shared_pages(), 2);
	sync_stopped();
}
END_TEST

START_TEST(an_overlap_across_two_answers)
{
	open_liar();
	lie_with(170, 10 + 2 * 170);
	lie.entries[169].npages = 50;
	lie.answer.cursor = lie.entries[169].gfn + 20;
	expect_caught(_i, "does not end");
	/* the next answer begins where the first did */
	lie_with(170, 10 + 2 * 170);
	expect_caught(_i, "not in order");
	ck_assert_uint_eq(lie.calls, 2);
}
END_TEST

START_TEST(more_than_there_is_room_for)
{
	open_liar();
	lie_with(171, KVM_SHARED_PAGES_DONE);
	expect_caught(_i, "malformed");
	lie_with(UINT32_MAX, KVM_SHARED_PAGES_DONE);
	expect_caught(_i, "malformed");
	lie_with(2, KVM_SHARED_PAGES_DONE);
	lie.answer.flags = 8;
	expect_caught(_i, "malformed");
}
END_TEST

START_TEST(a_cursor_without_an_end)
{
	open_liar();
	lie_with(0, 0);
	expect_caught(_i, "does not end");
	lie_with(0, 1);
	lie.step = 1;
	expect_caught(_i, "does not end");
	lie_with(3, 1ull << 30);
	expect_caught(_i, "does not end");
	lie_with(170, (1ull << 40) + 1);
	expect_caught(_i, "does not end");
	/* it moves on, and would for four thousand million calls */
	lie_with(170, 10 + 2 * 170);
	lie.step = 2 * 170;
	expect_caught(_i, "does not end");
	ck_assert_uint_gt(lie.calls, 10000);
}
END_TEST

/* While the guest runs it may be true, and what was missed comes later. */
START_TEST(a_list_that_is_always_torn)
{
	open_liar();
	lie_with(2, KVM_SHARED_PAGES_DONE);
	lie.answer.flags = KVM_SHARED_PAGES_TORN;
	expect_caught(1, "changes though the guest stands");
	ck_assert_uint_eq(lie.calls, 8);
	lie.calls = 0;
	ck_assert_int_eq(sevlm_vm_sync_states(side.vm, 0), 0);
	ck_assert_uint_eq(lie.calls, 8);
	lie_with(170, KVM_SHARED_PAGES_DONE);
	lie.torn = true;
	lie.answer.cursor = 10 + 2 * 170;
	lie.step = 2 * 170;
	expect_caught(1, "does not end");
}
END_TEST

static int refusal;

static int refuse(struct duo_side *which, uint32_t request, void *arg)
{
	(void)which;
	(void)request;
	(void)arg;
	return refusal;
}

START_TEST(a_kernel_that_refuses)
{
	static const struct {
		int error, means;
	} table[] = {
		{ -ENOTTY, -ENOTSUP }, { -EINVAL, -ENOTSUP },
		{ -EFAULT, -EIO },     { -EIO, -EIO },
		{ -ENOMEM, -ENOMEM },  { -EINTR, -EINTR },
	};

	open_source(1);
	side.door = refuse;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		refusal = table[i].error;
		ck_assert_int_eq(sevlm_vm_sync_states(side.vm, 1),
				 table[i].means);
		ck_assert_int_eq(sevlm_vm_publish_states(side.vm),
				 table[i].means);
		ck_assert_int_eq(sevlm_vm_reset(side.vm), table[i].means);
	}
}
END_TEST

static void add_tests(Suite *suite)
{
	TCase *tcase = tcase_create("kernel");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, a_short_kernel_list_is_no_target);
	tcase_add_test(tcase, another_generation_is_looked_at_again);
	tcase_add_loop_test(tcase, what_is_not_in_order_is_not_believed, 0, 2);
	tcase_add_loop_test(tcase, an_overlap_across_two_answers, 0, 2);
	tcase_add_loop_test(tcase, more_than_there_is_room_for, 0, 2);
	tcase_add_loop_test(tcase, a_cursor_without_an_end, 0, 2);
	tcase_add_test(tcase, a_list_that_is_always_torn);
	tcase_add_test(tcase, a_kernel_that_refuses);
	suite_add_tcase(suite, tcase);
}

int main(void)
{
	Suite *suite = suite_create("list-kernel");

	add_tests(suite);
	return run_suite(suite);
}
