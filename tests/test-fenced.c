/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The operator says that the source is dead: true, and not true. */
#include "resolve-fixture.h"

static int fence(void)
{
	return sevlm_target_source_fenced(rig.target.target_engine);
}

/* the target has said PREPARED and waits, on a link that is open */
static void reach_promise(void)
{
	plan.latency_ns = RIG_SECOND / 2;
	open_rig();
	start();
	reach(&rig.target, SEVLM_PHASE_COMMIT);
}

static void expect_taken_over(void)
{
	expect_side(&rig.target, COMPLETED, 0, "");
	ck_assert(rig.target.running && rig.target.ran && rig.same);
}

/* ---- it is dead ------------------------------------------------------------ */

START_TEST(dead_while_the_target_waits)
{
	reach_promise();
	if (_i)
		reach(&rig.source, SEVLM_PHASE_COMMIT);
	rig_kill(&rig.source, false);
	ck_assert_int_eq(rig_fence(&rig), 0);
	rig_run(&rig);
	expect_sound();
	expect_taken_over();
	ck_assert_str_eq(rig.target.error, "");
}
END_TEST

START_TEST(dead_and_the_target_in_doubt)
{
	bring_about(COMMIT_LOST);
	rig_kill(&rig.source, false);
	ck_assert_int_eq(rig_fence(&rig), 0);
	ck_assert_uint_eq(rig.target.outcome, IN_DOUBT);
	rig_run(&rig);
	expect_sound();
	expect_taken_over();
	ck_assert_str_eq(rig.target.error, "");
	/* its note comes to light */
	ck_assert_uint_eq(rig_reconnect(&rig), RIG_SOURCE | RIG_TARGET);
	rig_run(&rig);
	expect_taken_over();
	ck_assert_uint_eq(rig.source.outcome, COMPLETED);
}
END_TEST

static uint32_t late_verdict;
static bool late_lies;

/* while it waits for it in another connection; after so many steps of the
 * takeover the word comes */
static void fence_within_an_attempt(enum stand which, int late)
{
	bring_about(which);
	ck_assert_int_eq(reconnect(&rig.target), 0);
	rig_step(&rig.target);
	ck_assert_int_eq(fence(), 0);
	if (late >= 0)
		say(&rig.target, late_verdict);
	word[sizeof(word) - 1] ^= late_lies;
	for (int i = 0; i < 100 && !rig.target.ended; i++) {
		if (i == late)
			tell(&rig.target, word, sizeof(word));
		attend_to(&rig.target);
	}
}

START_TEST(dead_within_an_attempt)
{
	fence_within_an_attempt(COMMIT_LOST, -1);
	expect_taken_over();
	ck_assert_uint_eq(said_by(&rig.target), 0);
}
END_TEST

START_TEST(committed_within_an_attempt)
{
	late_verdict = VERDICT_COMMITTED;
	fence_within_an_attempt(COMMIT_LOST, _i);
	expect_taken_over();
	ck_assert_str_eq(rig.target.error, "");
	ck_assert_uint_eq(said_by(&rig.target), VERDICT_STARTED);
}
END_TEST

/* ---- it was not dead --------------------------------------------------------- */

/* COMMIT was under way: all is well */
START_TEST(late_commit)
{
	reach_promise();
	while (!rig.source.barred)
		rig_round(&rig);
	ck_assert_int_eq(fence(), 0);
	rig_run(&rig);
	expect_sound();
	expect_taken_over();
	expect_side(&rig.source, COMPLETED, 0, "");
}
END_TEST

START_TEST(late_committed)
{
	bring_about(COMMIT_LOST);
	ck_assert_int_eq(fence(), 0);
	rig.target.ended = false;
	rig_run(&rig);
	expect_taken_over();
	ck_assert_uint_eq(rig_reconnect(&rig), RIG_SOURCE | RIG_TARGET);
	rig_run(&rig);
	expect_sound();
	expect_taken_over();
	expect_side(&rig.source, COMPLETED, 0, "");
}
END_TEST

/* the source runs the guest: both sides say so, and that is all there is */
START_TEST(source_that_gave_up)
{
	reach_promise();
	ck_assert_int_eq(fence(), 0);
	rig_cancel(&rig.source);
	rig_run(&rig);
	ck_assert(rig.both);
	expect_side(&rig.target, COMPLETED, 0, "it may run twice");
	expect_side(&rig.source, CANCELLED, -ECANCELED, "");
	ck_assert_uint_eq(rig_reconnect(&rig), RIG_SOURCE | RIG_TARGET);
	rig_run(&rig);
	expect_side(&rig.target, COMPLETED, 0, "it may run twice");
	expect_side(&rig.source, CANCELLED, -ECANCELED,
		    "the target says STARTED of it: it may run twice");
}
END_TEST

START_TEST(kept_within_an_attempt)
{
	late_verdict = VERDICT_KEPT;
	fence_within_an_attempt(PREPARED_LOST, _i);
	expect_side(&rig.target, COMPLETED, 0, "it may run twice");
	ck_assert_uint_eq(said_by(&rig.target), VERDICT_STARTED);
}
END_TEST

/* a word of somebody else does no harm to a guest that runs */
START_TEST(late_lie)
{
	late_verdict = VERDICT_COMMITTED;
	late_lies = true;
	fence_within_an_attempt(COMMIT_LOST, _i);
	expect_side(&rig.target, COMPLETED, 0, "did not give");
	ck_assert_uint_eq(said_bytes, 0);
	ck_assert(rig.target.running);
}
END_TEST

/* ---- when it is allowed ------------------------------------------------------ */

START_TEST(not_before_the_promise)
{
	open_rig();
	start();
	ck_assert_int_eq(sevlm_target_source_fenced(NULL), -EINVAL);
	while (rig.target.phase < SEVLM_PHASE_COMMIT) {
		ck_assert_int_eq(fence(), -EBADFD);
		rig_round(&rig);
	}
	rig_run(&rig);
	ck_assert_int_eq(fence(), -EBADFD);
	expect_perfect();
}
END_TEST

START_TEST(not_against_what_is_decided)
{
	bring_about((enum stand)_i);
	ck_assert_int_eq(fence(), -EBADFD);
	ck_assert_uint_eq(rig_reconnect(&rig), RIG_SOURCE | RIG_TARGET);
	ck_assert_int_eq(fence(), -EBADFD);
	rig_run(&rig);
	ck_assert_int_eq(fence(), -EBADFD);
	expect_sound();
}
END_TEST

START_TEST(never_is_for_ever)
{
	bring_about(PREPARED_LOST);
	ck_assert_uint_eq(rig_reconnect(&rig), RIG_SOURCE | RIG_TARGET);
	rig_run(&rig);
	expect_side(&rig.target, ABORTED, rig.target.cause, "kept");
	ck_assert_int_eq(fence(), -EBADFD);
}
END_TEST

START_TEST(once)
{
	bring_about(COMMIT_LOST);
	ck_assert_int_eq(fence(), 0);
	ck_assert_int_eq(fence(), -EBADFD);
	ck_assert_int_eq(reconnect(&rig.target), -EBADFD);
	rig.target.ended = false;
	rig_run(&rig);
	ck_assert_int_eq(fence(), -EBADFD);
	expect_taken_over();
}
END_TEST

/* what lies in the inbox is heard first */
START_TEST(source_has_just_spoken)
{
	struct sevlm__inbox *inbox;
	const uint8_t *header, *body;
	struct sevlm__record record;

	reach_promise();
	inbox = (struct sevlm__inbox *)&session_of(&rig.target)->inbox;
	while (sevlm__inbox_peek(inbox, &record, &header, &body)) {
		uint32_t want = rig_step(&rig.source) & SEVLM_WANT_PERSIST;

		if (want)
			rig_did(&rig.source, want,
				rig_vmm_answer(&rig.source, want));
		rig.now_ns += rig.plan.tick_ns;
		rig_move(&rig);
	}
	ck_assert_uint_eq(record.type, RECORD_COMMIT);
	ck_assert_int_eq(fence(), -EAGAIN);
	rig_run(&rig);
	expect_perfect();
}
END_TEST

START_TEST(link_has_just_closed)
{
	reach_promise();
	sevlm_target_closed(rig.target.target_engine);
	ck_assert_int_eq(fence(), -EAGAIN);
	rig_step(&rig.target);
	ck_assert_uint_eq(rig.target.outcome, IN_DOUBT);
	ck_assert_int_eq(fence(), 0);
}
END_TEST

/* ---- it does not work out ---------------------------------------------------- */

static int cannot(struct rig_side *side, uint32_t want)
{
	return side->target && want == *(uint32_t *)side->rig->hooks.data ?
		       -EIO :
		       rig_vmm_answer(side, want);
}

static const struct {
	uint32_t want, outcome, says;
} inabilities[] = {
	{SEVLM_WANT_PERSIST, ABORTED, VERDICT_NEVER},
	{SEVLM_WANT_RUN, LOST, VERDICT_LOST},
};

START_TEST(target_that_cannot)
{
	uint32_t want = inabilities[_i].want;

	bring_about(COMMIT_LOST);
	rig.hooks.answer = cannot;
	rig.hooks.data = &want;
	ck_assert_int_eq(fence(), 0);
	rig.target.ended = false;
	rig_run(&rig);
	expect_side(&rig.target, inabilities[_i].outcome, -EIO, "could not");
	ck_assert_int_eq(fence(), -EBADFD);
	say(&rig.target, VERDICT_COMMITTED);
	hear_word(&rig.target);
	ck_assert_uint_eq(said_by(&rig.target), inabilities[_i].says);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fenced");
	TCase *tcase = tcase_create("fenced");

	tcase_set_timeout(tcase, 300);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, dead_while_the_target_waits, 0, 2);
	tcase_add_test(tcase, dead_and_the_target_in_doubt);
	tcase_add_test(tcase, dead_within_an_attempt);
	tcase_add_loop_test(tcase, committed_within_an_attempt, 0, 3);
	tcase_add_test(tcase, late_commit);
	tcase_add_test(tcase, late_committed);
	tcase_add_test(tcase, source_that_gave_up);
	tcase_add_loop_test(tcase, kept_within_an_attempt, 0, 3);
	tcase_add_loop_test(tcase, late_lie, 0, 3);
	tcase_add_test(tcase, not_before_the_promise);
	tcase_add_loop_test(tcase, not_against_what_is_decided, STARTED_LOST,
			    PREPARED_LOST);
	tcase_add_test(tcase, never_is_for_ever);
	tcase_add_test(tcase, once);
	tcase_add_test(tcase, source_has_just_spoken);
	tcase_add_test(tcase, link_has_just_closed);
	tcase_add_loop_test(tcase, target_that_cannot, 0, COUNT(inabilities));
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
