/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What goes wrong, when, and what each side makes of it. */
#include <linux/kvm.h>

#include "engine-fixture.h"

/* how long a side may take beyond a deadline: its last words */
#define FAREWELL (6 * RIG_SECOND)

/* ---- cancel ------------------------------------------------------------- */

START_TEST(cancel_in_every_phase)
{
	struct rig_side *side = _i / 4 ? &rig.target : &rig.source;
	struct rig_side *other = _i / 4 ? &rig.source : &rig.target;

	plan.latency_ns = RIG_MS;
	open_rig();
	start();
	reach(side, SEVLM_PHASE_HELLO + (uint32_t)_i % 4);
	ck_assert_int_eq(rig_cancel(side), 0);
	rig_run(&rig);
	expect_side(side, SEVLM_OUTCOME_CANCELLED, -ECANCELED, "cancelled");
	expect_side(other, SEVLM_OUTCOME_CANCELLED, -ECANCELED, "gave up");
	expect_sound();
	expect_again();
}
END_TEST

static int cancel_too_late(struct rig_side *side, uint32_t want)
{
	int ret = rig_vmm_answer(side, want);

	if (side->barred)
		rig_cancel(side);
	return ret;
}

START_TEST(cancel_after_the_decision_has_no_effect)
{
	open_rig();
	rig.hooks.answer = cancel_too_late;
	start();
	rig_run(&rig);
	expect_side(&rig.source, SEVLM_OUTCOME_COMPLETED, 0, "");
	expect_side(&rig.target, SEVLM_OUTCOME_COMPLETED, 0, "");
	expect_sound();
}
END_TEST

static int cancel_at_persist(struct rig_side *side, uint32_t want)
{
	if (side->target != (rig.hooks.data != NULL) ||
	    want != SEVLM_WANT_PERSIST)
		return rig_vmm_answer(side, want);
	rig_cancel(&rig.target);
	return -EAGAIN;
}

START_TEST(never_started_lets_the_source_run)
{
	open_rig();
	rig.hooks.answer = cancel_at_persist;
	rig.hooks.data = &rig;
	start();
	rig_run(&rig);
	expect_side(&rig.target, SEVLM_OUTCOME_CANCELLED, -ECANCELED,
		    "cancelled");
	expect_side(&rig.source, SEVLM_OUTCOME_CANCELLED, -ECANCELED,
		    "will never start the guest");
	ck_assert(rig.source.asked & SEVLM_WANT_PERSIST);
	expect_sound();
	expect_again();
}
END_TEST

START_TEST(the_target_gives_up_while_the_source_persists)
{
	open_rig();
	rig.hooks.answer = cancel_at_persist;
	start();
	rig_run(&rig);
	expect_side(&rig.target, SEVLM_OUTCOME_CANCELLED, -ECANCELED,
		    "cancelled");
	expect_side(&rig.source, SEVLM_OUTCOME_CANCELLED, -ECANCELED,
		    "the target gave up");
	expect_sound();
	expect_again();
}
END_TEST

/* ---- the VMM cannot ----------------------------------------------------- */

#define ABORTED SEVLM_OUTCOME_ABORTED
#define CANCELLED SEVLM_OUTCOME_CANCELLED
#define LOST SEVLM_OUTCOME_LOST

static const struct failure {
	bool target;
	uint32_t want;
	int error;
	uint32_t source, there;
	int source_cause, there_cause;
	const char *source_says, *there_says;
} failures[] = {
	{false, SEVLM_WANT_DIRTY, -EIO, ABORTED, ABORTED, -EIO, -EIO,
	 "the VMM could not harvest", "gave up: the VMM could not harvest"},
	{false, SEVLM_WANT_PAUSE, -ENOMEM, ABORTED, ABORTED, -ENOMEM, -ENOMEM,
	 "could not stop the guest", "could not stop the guest"},
	{false, SEVLM_WANT_STATE, -EIO, ABORTED, ABORTED, -EIO, -EIO,
	 "could not save", "could not save"},
	{false, SEVLM_WANT_PERSIST, -ENOSPC, ABORTED, ABORTED, -EIO, -EIO,
	 "could not persist", "could not persist"},
	{false, SEVLM_WANT_PERSIST, -ECONNRESET, ABORTED, ABORTED, -ECONNRESET,
	 -EIO, "could not persist", "could not persist"},
	{true, SEVLM_WANT_STATE, -EBADMSG, ABORTED, ABORTED, -EBADMSG, -EBADMSG,
	 "could not load", "could not load"},
	{true, SEVLM_WANT_PERSIST, -EIO, CANCELLED, ABORTED, -ECANCELED, -EIO,
	 "never start", "could not persist"},
	{true, SEVLM_WANT_PERSIST, -ECONNRESET, CANCELLED, ABORTED, -ECANCELED,
	 -EIO, "never start", "could not persist"},
	{true, SEVLM_WANT_RUN, -EIO, LOST, LOST, -EIO, -EIO, "could not run it",
	 "could not run the guest"},
};

static int fail_at(struct rig_side *side, uint32_t want)
{
	const struct failure *failure = rig.hooks.data;

	if (side->target == failure->target && want == failure->want)
		return failure->error;
	return rig_vmm_answer(side, want);
}

START_TEST(the_vmm_cannot)
{
	const struct failure *failure = &failures[_i];

	open_rig();
	rig.hooks.answer = fail_at;
	rig.hooks.data = (void *)(uintptr_t)failure;
	start();
	rig_run(&rig);
	expect_side(&rig.source, failure->source, failure->source_cause,
		    failure->source_says);
	expect_side(&rig.target, failure->there, failure->there_cause,
		    failure->there_says);
	expect_sound();
	if (failure->source != LOST)
		expect_again();
	else
		ck_assert(!rig.source.running && !rig.target.ran);
}
END_TEST

static int cannot_resume(struct rig_side *side, uint32_t want)
{
	if (want == SEVLM_WANT_PAUSE)
		return -EIO;
	return want == SEVLM_WANT_RESUME ? -EIO : rig_vmm_answer(side, want);
}

START_TEST(a_guest_that_cannot_be_resumed)
{
	open_rig();
	rig.hooks.answer = cannot_resume;
	start();
	rig_run(&rig);
	expect_side(&rig.source, ABORTED, -EIO, "could not stop the guest");
	expect_sound();
}
END_TEST

/* ---- silence ------------------------------------------------------------ */

static void silence(void)
{
	rig.there.cut_at = rig.there.out;
	rig.back.cut_at = rig.back.out;
}

START_TEST(nobody_answers)
{
	uint64_t began;

	open_rig();
	start();
	silence();
	began = rig.now_ns;
	rig_run(&rig);
	expect_side(&rig.source, ABORTED, -ETIMEDOUT, "within 2 seconds");
	expect_side(&rig.target, ABORTED, -ETIMEDOUT, "within 2 seconds");
	ck_assert_uint_lt(rig.now_ns, began + plan.hello_ns + FAREWELL);
	expect_sound();
	expect_again();
}
END_TEST

START_TEST(a_peer_that_drips_bytes)
{
	uint64_t now = RIG_SECOND, end = now + plan.hello_ns;
	size_t taken, at = 0;
	static const char drip[] = "SEVLM\r\n\x1a";
	uint32_t want = 1, outcome;

	open_rig();
	start();
	/* never a second without a byte, and yet it ends on time */
	for (; want && now <= end; now += plan.hello_ns / 8) {
		ck_assert_int_eq(sevlm_target_step(rig.target.target_engine,
						   now, &want), 0);
		if (at < sizeof(drip) - 1)
			sevlm_target_feed(rig.target.target_engine,
					  &drip[at++], 1, &taken);
	}
	sevlm_target_closed(rig.target.target_engine);
	for (; want; now += RIG_SECOND)
		sevlm_target_step(rig.target.target_engine, now, &want);
	ck_assert_int_eq(sevlm_target_outcome(rig.target.target_engine,
					      &outcome, NULL), 0);
	ck_assert_uint_eq(outcome, SEVLM_OUTCOME_ABORTED);
	ck_assert_ptr_nonnull(
		strstr(sevlm_target_error(rig.target.target_engine),
		       "within 2 seconds"));
}
END_TEST

START_TEST(silence_while_pages_travel)
{
	uint64_t began;

	plan.bandwidth = 5000000;
	open_rig();
	start();
	reach(&rig.target, SEVLM_PHASE_PRECOPY);
	silence();
	began = rig.now_ns;
	rig_run(&rig);
	expect_side(&rig.source, ABORTED, -ETIMEDOUT, "for 3 seconds");
	expect_side(&rig.target, ABORTED, -ETIMEDOUT, "for 3 seconds");
	ck_assert_uint_lt(rig.now_ns, began + plan.stall_ns + FAREWELL);
	expect_sound();
	expect_again();
}
END_TEST

START_TEST(silence_before_prepared)
{
	plan.latency_ns = RIG_MS;
	open_rig();
	start();
	reach(&rig.target, SEVLM_PHASE_COMMIT);
	silence();
	rig_run(&rig);
	expect_side(&rig.source, ABORTED, -ETIMEDOUT, "for 4 seconds");
	/* it promised: only somebody who knows can end its wait */
	ck_assert(rig.operated);
	expect_sound();
	expect_again();
}
END_TEST

static int silent_after(struct rig_side *side, uint32_t want)
{
	int ret = rig_vmm_answer(side, want);
	const struct rig_side *which = rig.hooks.data;

	if (side == which && side->barred)
		silence();
	return ret;
}

START_TEST(silence_after_the_source_decided)
{
	open_rig();
	rig.hooks.answer = silent_after;
	rig.hooks.data = &rig.source;
	start();
	rig_run(&rig);
	expect_side(&rig.source, SEVLM_OUTCOME_IN_DOUBT, -ETIMEDOUT,
		    "for 4 seconds");
	ck_assert(rig.operated);
	ck_assert(!rig.source.running && !rig.target.ran);
	expect_sound();
	/* firmware must not take back what is not decided yet */
	rig_free_engine(&rig.source);
	ck_assert_uint_eq(
		sevlm_sim_host_commands(rig.source.host, KVM_SEV_SEND_CANCEL),
		0);
}
END_TEST

START_TEST(silence_before_started)
{
	open_rig();
	rig.hooks.answer = silent_after;
	rig.hooks.data = &rig.target;
	start();
	rig_run(&rig);
	expect_side(&rig.source, SEVLM_OUTCOME_IN_DOUBT, -ETIMEDOUT, "");
	expect_side(&rig.target, SEVLM_OUTCOME_COMPLETED, 0, "");
	ck_assert(!rig.source.running && rig.target.ran);
	expect_sound();
}
END_TEST

START_TEST(deadlines_are_told)
{
	uint32_t want;

	open_rig();
	start();
	ck_assert_int_eq(
		sevlm_source_step(rig.source.source_engine, RIG_SECOND, &want),
		0);
	ck_assert_int_eq(
		sevlm_target_step(rig.target.target_engine, RIG_SECOND, &want),
		0);
	ck_assert_uint_eq(want, SEVLM_WANT_READ);
	ck_assert_uint_eq(sevlm_source_deadline(rig.source.source_engine),
			  RIG_SECOND + plan.hello_ns);
	ck_assert_uint_eq(sevlm_target_deadline(rig.target.target_engine),
			  RIG_SECOND + plan.hello_ns);
	ck_assert_uint_eq(sevlm_source_deadline(NULL), SEVLM_NO_DEADLINE);
	ck_assert_uint_eq(sevlm_target_deadline(NULL), SEVLM_NO_DEADLINE);
}
END_TEST

/* ---- the link closes, the peer dies ------------------------------------- */

static void close_link(void)
{
	silence();
	rig_closed(&rig.source);
	rig_closed(&rig.target);
}

START_TEST(the_link_closes)
{
	plan.latency_ns = RIG_MS;
	open_rig();
	start();
	reach(&rig.source, SEVLM_PHASE_HELLO + (uint32_t)_i);
	close_link();
	rig_run(&rig);
	expect_side(&rig.source, ABORTED, -ECONNRESET, "");
	expect_side(&rig.target, ABORTED, -ECONNRESET, "");
	expect_sound();
	expect_again();
}
END_TEST

START_TEST(the_link_closes_after_prepared)
{
	plan.latency_ns = RIG_MS;
	open_rig();
	start();
	reach(&rig.target, SEVLM_PHASE_COMMIT);
	close_link();
	rig_run(&rig);
	expect_side(&rig.source, ABORTED, -ECONNRESET, "");
	expect_side(&rig.target, SEVLM_OUTCOME_IN_DOUBT, -ECONNRESET, "");
	expect_sound();
	expect_again();
}
END_TEST

static int kill_at(struct rig_side *side, uint32_t want)
{
	bool at_run = rig.hooks.data != NULL;

	if (!side->target || (want == SEVLM_WANT_PERSIST && at_run) ||
	    (want != SEVLM_WANT_PERSIST && want != SEVLM_WANT_RUN))
		return rig_vmm_answer(side, want);
	if (at_run)
		rig_vmm_answer(side, want);
	rig_kill(side, true);
	return -EAGAIN;
}

START_TEST(the_target_dies_after_commit)
{
	open_rig();
	rig.hooks.answer = kill_at;
	rig.hooks.data = _i ? &rig : NULL;
	start();
	rig_run(&rig);
	expect_side(&rig.source, SEVLM_OUTCOME_IN_DOUBT, -ECONNRESET, "gone");
	ck_assert(!rig.source.running);
	ck_assert(!(rig.source.asked & SEVLM_WANT_RESUME));
	ck_assert(rig.target.ran == (_i == 1));
	ck_assert(!rig.both);
}
END_TEST

START_TEST(the_target_dies_after_prepared)
{
	plan.latency_ns = RIG_MS;
	open_rig();
	start();
	reach(&rig.target, SEVLM_PHASE_COMMIT);
	rig.back.cut_at = rig.back.out;
	rig_kill(&rig.target, false);
	rig_run(&rig);
	expect_side(&rig.source, ABORTED, -ETIMEDOUT, "");
	expect_sound();
	expect_again();
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static TCase *ends(void)
{
	TCase *tcase = tcase_create("ends");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, cancel_in_every_phase, 0, 8);
	tcase_add_test(tcase, cancel_after_the_decision_has_no_effect);
	tcase_add_test(tcase, never_started_lets_the_source_run);
	tcase_add_test(tcase, the_target_gives_up_while_the_source_persists);
	tcase_add_loop_test(tcase, the_vmm_cannot, 0, COUNT(failures));
	tcase_add_test(tcase, a_guest_that_cannot_be_resumed);
	tcase_add_test(tcase, nobody_answers);
	tcase_add_test(tcase, a_peer_that_drips_bytes);
	tcase_add_test(tcase, silence_while_pages_travel);
	tcase_add_test(tcase, silence_before_prepared);
	tcase_add_test(tcase, silence_after_the_source_decided);
	tcase_add_test(tcase, silence_before_started);
	tcase_add_test(tcase, deadlines_are_told);
	tcase_add_loop_test(tcase, the_link_closes, 0, 3);
	tcase_add_test(tcase, the_link_closes_after_prepared);
	tcase_add_loop_test(tcase, the_target_dies_after_commit, 0, 2);
	tcase_add_test(tcase, the_target_dies_after_prepared);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("engine-faults");

	suite_add_tcase(suite, ends());
	return run_suite(suite);
}
