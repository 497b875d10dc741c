/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Memory that comes, goes, is free, or is written by others, on the way. */
#include "engine-fixture.h"

static uint32_t done; /* what a hook has done so far */

static void open_slow(void)
{
	done = 0;
	plan.bandwidth = 5000000;
	plan.device = true;
	plan.steps = 50;
	open_rig();
}

/* ---- regions ------------------------------------------------------------ */

static void plug_in(struct rig *r)
{
	if (r->source.phase == SEVLM_PHASE_PRECOPY && !done)
		done += !rig_vmm_plug(r, r->plan.policy & 1
						 ? SEVLM_REGION_SHARED
						 : SEVLM_REGION_TRACKED);
}

START_TEST(memory_is_plugged_in)
{
	plan.policy = (uint32_t)_i;
	open_slow();
	rig.hooks.round = plug_in;
	start();
	rig_run(&rig);
	expect_perfect();
	ck_assert_uint_eq(done, 1);
	ck_assert(rig.target.asked & SEVLM_WANT_REGION);
	ck_assert(rig.target.plug.there);
	ck_assert_uint_eq(rig.source.progress.pages_total,
			  96 + RIG_DEVICE_PAGES + RIG_PLUG_PAGES);
}
END_TEST

static void plug_in_and_out(struct rig *r)
{
	if (r->source.phase != SEVLM_PHASE_PRECOPY)
		return;
	if (done == 0)
		done += !rig_vmm_plug(r, SEVLM_REGION_TRACKED);
	else if (done == 1)
		done += !rig_vmm_unplug(r);
}

START_TEST(memory_is_plugged_in_and_out)
{
	open_slow();
	rig.there.bandwidth = 200000000;
	rig.hooks.round = plug_in_and_out;
	start();
	rig_run(&rig);
	expect_perfect();
	ck_assert_uint_eq(done, 2);
	ck_assert(!rig.target.plug.there);
	ck_assert_uint_eq(rig.source.progress.pages_total,
			  96 + RIG_DEVICE_PAGES);
}
END_TEST

static void take_and_give(struct rig *r)
{
	if (r->source.phase != SEVLM_PHASE_PRECOPY || done == 6)
		return;
	if (done % 2)
		done += !rig_vmm_give_ram(r);
	else
		done += !rig_vmm_take_ram(r);
}

START_TEST(ram_goes_and_comes_back)
{
	plan.split = 40 * RIG_PAGE;
	plan.workload = SEVLM_SIM_FLIP;
	plan.interleave = true;
	open_slow();
	rig.there.bandwidth = 200000000;
	rig.hooks.round = take_and_give;
	start();
	rig_run(&rig);
	expect_perfect();
	ck_assert_uint_ge(done, 2);
}
END_TEST

static int no_region(struct rig_side *side, uint32_t want)
{
	return want == SEVLM_WANT_REGION ? -ENOMEM : rig_vmm_answer(side, want);
}

/* says that it did what it did not */
static int lie_about_region(struct rig_side *side, uint32_t want)
{
	return want == SEVLM_WANT_REGION ? 0 : rig_vmm_answer(side, want);
}

START_TEST(the_target_cannot_plug)
{
	open_slow();
	rig.hooks.round = plug_in;
	rig.hooks.answer = _i ? lie_about_region : no_region;
	start();
	rig_run(&rig);
	expect_side(&rig.target, SEVLM_OUTCOME_ABORTED, _i ? -EPROTO : -ENOMEM,
		    _i ? "did not change region" : "could not change");
	expect_side(&rig.source, SEVLM_OUTCOME_ABORTED, _i ? -EPROTO : -ENOMEM,
		    "gave up");
	expect_sound();
	expect_again();
}
END_TEST

START_TEST(regions_change_through_the_engine)
{
	struct rig_extra *plug = &rig.source.plug;
	struct sevlm_source *source;

	open_slow();
	start();
	source = rig.source.source_engine;
	/* before pages travel */
	ck_assert_int_eq(sevlm_source_add_region(source, RIG_PLUG_GPA,
						 plug->bytes, plug->mem,
						 SEVLM_REGION_TRACKED),
			 -EBADFD);
	ck_assert_int_eq(sevlm_source_remove_region(source, 0), -EBADFD);
	/* not behind its back, on either side */
	ck_assert_int_eq(sevlm_vm_add_region(rig.source.vm, RIG_PLUG_GPA,
					     plug->bytes, plug->mem,
					     SEVLM_REGION_TRACKED),
			 -EBADFD);
	ck_assert_int_eq(sevlm_vm_remove_region(rig.target.vm, 0), -EBADFD);
	ck_assert_int_eq(sevlm_vm_reset(rig.source.vm), -EBADFD);
	reach(&rig.source, SEVLM_PHASE_STOP);
	ck_assert_int_eq(rig_vmm_plug(&rig, SEVLM_REGION_TRACKED), -EBADFD);
	rig_run(&rig);
	expect_perfect();
	ck_assert_int_eq(rig_vmm_plug(&rig, SEVLM_REGION_TRACKED), -EBADFD);
}
END_TEST

START_TEST(wrong_regions_are_refused)
{
	struct rig_extra *plug = &rig.source.plug;
	struct sevlm_source *source;
	int ret;

	open_slow();
	start();
	reach(&rig.source, SEVLM_PHASE_PRECOPY);
	source = rig.source.source_engine;
	ck_assert_int_eq(sevlm_source_add_region(source, 0, plug->bytes,
						 plug->mem,
						 SEVLM_REGION_TRACKED),
			 -EINVAL);
	ck_assert_int_eq(sevlm_source_add_region(source, RIG_PLUG_GPA, 1,
						 plug->mem,
						 SEVLM_REGION_TRACKED),
			 -EINVAL);
	ck_assert_int_eq(sevlm_source_add_region(NULL, RIG_PLUG_GPA,
						 plug->bytes, plug->mem,
						 SEVLM_REGION_TRACKED),
			 -EINVAL);
	while ((ret = sevlm_source_remove_region(source, RIG_PAGE)) == -EAGAIN)
		rig_move(&rig);
	ck_assert_int_eq(ret, -EINVAL);
	ck_assert_int_eq(sevlm_source_remove_region(NULL, 0), -EINVAL);
	rig_run(&rig);
	expect_perfect();
}
END_TEST

/* Memory whose bytes wait in output() may not go. */
START_TEST(waiting_bytes_hold_a_region)
{
	struct iovec iov;
	size_t count = 0;

	open_slow();
	start();
	reach(&rig.source, SEVLM_PHASE_PRECOPY);
	while (!count) {
		rig_round(&rig);
		count = 1;
		sevlm_source_output(rig.source.source_engine, &iov, &count);
	}
	ck_assert_int_eq(
		sevlm_source_remove_region(rig.source.source_engine, 0),
		-EAGAIN);
	rig_run(&rig);
	expect_perfect();
}
END_TEST

/* ...nor may a link that is gone make half of it happen. */
START_TEST(a_closed_link_removes_nothing_by_half)
{
	uint32_t state;
	uint64_t bytes;
	int ret;

	open_slow();
	rig.there.bandwidth = 1;
	start();
	rig.there.bandwidth = 200000000;
	reach(&rig.source, SEVLM_PHASE_PRECOPY);
	rig.there.shut = true;
	for (int i = 0; i < 8; i++)
		rig_round(&rig);
	sevlm_source_closed(rig.source.source_engine);
	ret = sevlm_source_remove_region(rig.source.source_engine, 0);
	sevlm_vm_page_state(rig.source.vm, 0, &state, &bytes);
	ck_assert(ret ? state != SEVLM_PAGE_NONE : state == SEVLM_PAGE_NONE);
}
END_TEST

/* ---- writes that no dirty log shows ------------------------------------- */

static void device_writes(struct rig *r)
{
	rig_vmm_device(r);
}

START_TEST(what_a_device_writes_arrives)
{
	open_slow();
	rig.hooks.round = device_writes;
	start();
	rig_run(&rig);
	expect_perfect();
	ck_assert_uint_gt(rig.source.progress.shared_pages, RIG_DEVICE_PAGES);
}
END_TEST

static int write_while_it_stands(struct rig_side *side, uint32_t want)
{
	if (side->target && want == SEVLM_WANT_STATE)
		sevlm_vm_mark_dirty(rig.source.vm, 0, 1);
	return rig_vmm_answer(side, want);
}

START_TEST(a_write_while_the_guest_stands_is_refused)
{
	open_slow();
	rig.hooks.answer = write_while_it_stands;
	start();
	rig_run(&rig);
	expect_side(&rig.source, SEVLM_OUTCOME_ABORTED, -EPROTO,
		    "1 pages were written while the guest stood");
	expect_side(&rig.target, SEVLM_OUTCOME_ABORTED, -EPROTO, "gave up");
	ck_assert(!(rig.source.asked & SEVLM_WANT_PERSIST));
	expect_sound();
	expect_again();
}
END_TEST

/* ---- free pages --------------------------------------------------------- */

/* the device's last page, once the round has begun */
static void free_last(struct rig *r)
{
	if (done || r->source.phase != SEVLM_PHASE_PRECOPY ||
	    !r->source.progress.pages_left)
		return;
	done = 1;
	ck_assert_int_eq(sevlm_vm_skip(r->source.vm,
				       RIG_DEVICE_GPA + (RIG_DEVICE_PAGES - 1) *
								RIG_PAGE,
				       RIG_PAGE),
			 0);
}

START_TEST(a_free_page_is_declared_not_sent)
{
	const uint64_t last = (RIG_DEVICE_PAGES - 1) * RIG_PAGE;

	open_slow();
	memset(rig.source.device.mem + last, 0x5a, RIG_PAGE);
	rig.freed = 1u << (RIG_DEVICE_PAGES - 1);
	rig.hooks.round = free_last;
	start();
	rig_run(&rig);
	expect_perfect();
	ck_assert_uint_eq(rig.source.progress.skipped_pages, 1);
	ck_assert_uint_eq(rig.target.device.mem[last], 0);
}
END_TEST

static void free_and_write(struct rig *r)
{
	uint32_t was = done;

	free_last(r);
	if (was || !done)
		return;
	r->source.device.mem[RIG_DEVICE_PAGES * RIG_PAGE - 1] = 0xa5;
	sevlm_vm_mark_dirty(r->source.vm,
			    RIG_DEVICE_GPA + RIG_DEVICE_PAGES * RIG_PAGE - 1,
			    1);
}

START_TEST(a_free_page_that_is_written_is_sent)
{
	open_slow();
	rig.hooks.round = free_and_write;
	start();
	rig_run(&rig);
	expect_perfect();
	ck_assert_uint_eq(
		rig.target.device.mem[RIG_DEVICE_PAGES * RIG_PAGE - 1], 0xa5);
}
END_TEST

START_TEST(hints_without_an_engine_do_nothing)
{
	open_slow();
	ck_assert_int_eq(sevlm_vm_skip(rig.source.vm, 0, plan.memory), 0);
	ck_assert_int_eq(sevlm_vm_skip(rig.source.vm, 1, RIG_PAGE), -EINVAL);
	ck_assert_int_eq(sevlm_vm_skip(rig.source.vm, 0, 1), -EINVAL);
	ck_assert_int_eq(sevlm_vm_skip(NULL, 0, RIG_PAGE), -EINVAL);
	start();
	rig_run(&rig);
	expect_perfect();
	ck_assert_uint_eq(rig.source.progress.skipped_pages, 0);
}
END_TEST

/* skipped in the same round in which the region goes */
static void free_and_unplug(struct rig *r)
{
	if (r->source.phase != SEVLM_PHASE_PRECOPY)
		return;
	if (done == 0)
		done += !rig_vmm_plug(r, SEVLM_REGION_SHARED);
	else if (done == 1 && r->source.progress.round > 1)
		done++;
	if (done != 2)
		return;
	sevlm_vm_skip(r->source.vm, RIG_PLUG_GPA, r->source.plug.bytes);
	done += !rig_vmm_unplug(r);
}

START_TEST(a_free_region_may_go)
{
	plan.downtime_ns = 1;
	open_slow();
	rig.plan.steps = 3000;
	rig.there.bandwidth = 200000000;
	rig.hooks.round = free_and_unplug;
	start();
	rig_run(&rig);
	expect_perfect();
	ck_assert_uint_eq(done, 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine-memory");
	TCase *tcase = tcase_create("memory");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, memory_is_plugged_in, 0, 2);
	tcase_add_test(tcase, memory_is_plugged_in_and_out);
	tcase_add_test(tcase, ram_goes_and_comes_back);
	tcase_add_loop_test(tcase, the_target_cannot_plug, 0, 2);
	tcase_add_test(tcase, regions_change_through_the_engine);
	tcase_add_test(tcase, wrong_regions_are_refused);
	tcase_add_test(tcase, waiting_bytes_hold_a_region);
	tcase_add_test(tcase, a_closed_link_removes_nothing_by_half);
	tcase_add_test(tcase, what_a_device_writes_arrives);
	tcase_add_test(tcase, a_write_while_the_guest_stands_is_refused);
	tcase_add_test(tcase, a_free_page_is_declared_not_sent);
	tcase_add_test(tcase, a_free_page_that_is_written_is_sent);
	tcase_add_test(tcase, hints_without_an_engine_do_nothing);
	tcase_add_test(tcase, a_free_region_may_go);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
