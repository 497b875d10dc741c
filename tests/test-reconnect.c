/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Both sides of a doubt meet on another link; or only one is left. */
#include "resolve-fixture.h"

#define BOTH (RIG_SOURCE | RIG_TARGET)

static const struct {
	uint32_t source, target; /* outcomes in the end */
	bool stays, moved;
} agreements[STANDS] = {
	[COMMIT_LOST] = {COMPLETED, COMPLETED, false, true},
	[STARTED_LOST] = {COMPLETED, COMPLETED, false, true},
	[TARGET_LOST_IT] = {LOST, LOST, false, false},
	[TARGET_GAVE_UP] = {ABORTED, CANCELLED, true, false},
	[CANNOT_PERSIST] = {ABORTED, ABORTED, true, false},
	[PREPARED_LOST] = {ABORTED, ABORTED, true, false},
};

static void expect_agreement(enum stand which)
{
	expect_sound();
	ck_assert_uint_eq(rig.source.outcome, agreements[which].source);
	ck_assert_uint_eq(rig.target.outcome, agreements[which].target);
	ck_assert_int_eq(rig.source.running, agreements[which].stays);
	ck_assert_int_eq(rig.target.running, agreements[which].moved);
}

/* ---- both are there ------------------------------------------------------ */

START_TEST(both_agree)
{
	bring_about((enum stand)_i);
	ck_assert_uint_eq(rig_reconnect(&rig), BOTH);
	rig_run(&rig);
	expect_agreement((enum stand)_i);
	/* the target answers for ever, the source has no question left */
	ck_assert_uint_eq(rig_reconnect(&rig), RIG_TARGET);
	rig_run(&rig);
	expect_agreement((enum stand)_i);
	if (agreements[_i].stays)
		expect_again();
	if (agreements[_i].moved)
		ck_assert_int_eq(rig_turn(&rig), 0);
	if (agreements[_i].moved)
		start();
	rig_run(&rig);
	if (agreements[_i].moved)
		expect_perfect();
}
END_TEST

/* what holds until the attempt has ended */
START_TEST(outcome_is_told_while_it_lasts)
{
	plan.latency_ns = RIG_MS;
	bring_about(COMMIT_LOST);
	ck_assert_uint_eq(rig_reconnect(&rig), BOTH);
	while (!rig_done(&rig)) {
		if (!rig.source.ended)
			ck_assert_uint_eq(rig.source.outcome, IN_DOUBT);
		if (!rig.target.ended)
			ck_assert_uint_eq(rig.target.outcome, IN_DOUBT);
		rig_round(&rig);
	}
	expect_agreement(COMMIT_LOST);
	ck_assert_str_eq(rig.source.error, "");
	ck_assert_str_eq(rig.target.error, "");
}
END_TEST

/* the guest that stayed runs on while the target is told so */
START_TEST(kept_guest_runs_meanwhile)
{
	uint64_t before;

	bring_about(PREPARED_LOST);
	before = sevlm_sim_vm_steps(rig.source.sim);
	ck_assert_uint_eq(rig_reconnect(&rig), BOTH);
	rig.there.latency_ns = rig.back.latency_ns = 20 * RIG_MS;
	rig.there.fragment = 1;
	rig_run(&rig);
	expect_agreement(PREPARED_LOST);
	ck_assert_uint_gt(sevlm_sim_vm_steps(rig.source.sim), before);
}
END_TEST

/* a guest that says no in between has no say in it */
START_TEST(consent_does_not_matter_any_more)
{
	bring_about((enum stand)_i);
	ck_assert_int_eq(sevlm_vm_hang_up(rig.source.vm), 0);
	rig_cancel(&rig.source);
	ck_assert_uint_eq(rig_reconnect(&rig), BOTH);
	rig_run(&rig);
	expect_agreement((enum stand)_i);
}
END_TEST

/* ---- the link breaks again ----------------------------------------------- */

/* of the way to the target, or back, one byte more comes through each time */
START_TEST(cut_at_every_byte)
{
	enum stand which = _i % 2 ? PREPARED_LOST : COMMIT_LOST;
	bool back = _i / 2;

	bring_about(which);
	for (uint64_t byte = 0; byte < WORD_BYTES; byte++) {
		ck_assert_uint_eq(rig_reconnect(&rig), BOTH);
		(back ? &rig.back : &rig.there)->cut_at = byte;
		rig.plan.cut_seen[0] = byte & 1;
		rig.plan.cut_seen[1] = byte & 2;
		rig_run(&rig);
		expect_sound();
		ck_assert_uint_eq(rig.source.outcome,
				  which == COMMIT_LOST ? IN_DOUBT : ABORTED);
		ck_assert_uint_eq(rig.target.outcome,
				  back ? agreements[which].target : IN_DOUBT);
	}
	ck_assert_uint_eq(rig_reconnect(&rig), BOTH);
	rig_run(&rig);
	expect_agreement(which);
}
END_TEST

/* ---- one side alone ------------------------------------------------------- */

START_TEST(nobody_comes)
{
	struct rig_side *side = _i % 2 ? &rig.target : &rig.source;
	bool closes = _i / 2;
	uint64_t before;
	int cause;

	bring_about(COMMIT_LOST);
	cause = side->cause;
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(reconnect(side), 0);
		before = rig.now_ns;
		if (closes)
			rig_closed(side);
		while (!side->ended)
			attend_to(side);
		expect_side(side, IN_DOUBT, cause,
			    closes ? "the peer is gone" :
			    _i % 2 ? "the source gave no verdict within 2" :
				     "the target gave no verdict within 4");
		ck_assert_uint_eq(rig.now_ns - before,
				  closes      ? 0 :
				  side->target ? plan.hello_ns :
						 plan.commit_ns);
		ck_assert_uint_eq(side->asked, 0);
	}
}
END_TEST

/* a peer that drips bytes does not stretch it */
START_TEST(dripping_peer)
{
	struct rig_side *side = _i ? &rig.target : &rig.source;
	uint64_t end;

	bring_about(COMMIT_LOST);
	say(side, _i ? VERDICT_COMMITTED : VERDICT_STARTED);
	ck_assert_int_eq(reconnect(side), 0);
	rig_step(side);
	end = rig_deadline(side);
	ck_assert_uint_eq(end - rig.now_ns,
			  _i ? plan.hello_ns : plan.commit_ns);
	for (size_t i = 0; i < sizeof(word) - 1; i++) {
		tell(side, word + i, 1);
		rig.now_ns += RIG_MS;
		rig_step(side);
		ck_assert_uint_eq(rig_deadline(side), end);
	}
	rig.now_ns = end;
	rig_step(side);
	ck_assert(side->ended);
	ck_assert_uint_eq(side->outcome, IN_DOUBT);
}
END_TEST

/* ---- when it is allowed --------------------------------------------------- */

static void expect_none(void)
{
	ck_assert_int_eq(reconnect(&rig.source), -EBADFD);
	ck_assert_int_eq(reconnect(&rig.target), -EBADFD);
}

START_TEST(not_while_a_migration_goes_on)
{
	open_rig();
	start();
	while (!rig_done(&rig)) {
		if (!rig.source.ended)
			ck_assert_int_eq(reconnect(&rig.source), -EBADFD);
		if (!rig.target.ended)
			ck_assert_int_eq(reconnect(&rig.target), -EBADFD);
		rig_round(&rig);
	}
	expect_perfect();
	ck_assert_int_eq(reconnect(&rig.source), -EBADFD);
}
END_TEST

START_TEST(not_where_nothing_was_promised)
{
	open_rig();
	start();
	reach(&rig.source, SEVLM_PHASE_HELLO + (uint32_t)_i);
	rig_cancel(_i % 2 ? &rig.source : &rig.target);
	rig_run(&rig);
	expect_sound();
	expect_none();
}
END_TEST

START_TEST(config_is_checked)
{
	const struct sevlm_reconnect good = {
		.size = sizeof(good),
		.channel = SEVLM_CHANNEL_DECLARED,
		.exporter = {1},
	};
	struct sevlm_reconnect bad[] = {good, good, good, good, good};

	bad[0].size = sizeof(good) - 1;
	bad[1].channel = 0;
	bad[2].channel = SEVLM_CHANNEL_INSECURE;
	bad[3].reserved = 1;
	bad[4].exporter[0] = 0;
	bring_about(COMMIT_LOST);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ck_assert_int_eq(
			sevlm_source_reconnect(rig.source.source_engine,
					       &bad[i]),
			-EINVAL);
		ck_assert_int_eq(
			sevlm_target_reconnect(rig.target.target_engine,
					       &bad[i]),
			-EINVAL);
	}
	ck_assert_int_eq(sevlm_source_reconnect(NULL, &good), -EINVAL);
	ck_assert_int_eq(sevlm_target_reconnect(NULL, &good), -EINVAL);
	ck_assert_int_eq(
		sevlm_source_reconnect(rig.source.source_engine, NULL),
		-EINVAL);
	ck_assert_int_eq(
		sevlm_target_reconnect(rig.target.target_engine, NULL),
		-EINVAL);
	expect_side(&rig.source, IN_DOUBT, rig.source.cause, "");
	ck_assert_uint_eq(rig_reconnect(&rig), BOTH);
	rig_run(&rig);
	expect_agreement(COMMIT_LOST);
}
END_TEST

/* ---- freed instead ---------------------------------------------------------- */

/* firmware must not take back what is not decided, or decided elsewhere */
START_TEST(engines_freed_within_an_attempt)
{
	bring_about((enum stand)(_i / 4));
	ck_assert_uint_eq(rig_reconnect(&rig), BOTH);
	for (int i = 0; i < 2 * (_i % 4); i++)
		rig_round(&rig);
	rig_free_engine(&rig.source);
	rig_free_engine(&rig.target);
	ck_assert(!rig.both);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reconnect");
	TCase *tcase = tcase_create("reconnect");

	tcase_set_timeout(tcase, 300);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, both_agree, 0, STANDS);
	tcase_add_test(tcase, outcome_is_told_while_it_lasts);
	tcase_add_test(tcase, kept_guest_runs_meanwhile);
	tcase_add_loop_test(tcase, consent_does_not_matter_any_more, 0,
			    STANDS);
	tcase_add_loop_test(tcase, cut_at_every_byte, 0, 4);
	tcase_add_loop_test(tcase, nobody_comes, 0, 4);
	tcase_add_loop_test(tcase, dripping_peer, 0, 2);
	tcase_add_test(tcase, not_while_a_migration_goes_on);
	tcase_add_loop_test(tcase, not_where_nothing_was_promised, 0, 3);
	tcase_add_test(tcase, config_is_checked);
	tcase_add_loop_test(tcase, engines_freed_within_an_attempt, 0,
			    4 * STANDS);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
