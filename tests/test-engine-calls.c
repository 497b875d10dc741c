/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Calls that are wrong, or come at the wrong moment. */
#include "engine-fixture.h"

static struct sevlm_source *source;
static struct sevlm_target *target;

static int new_source(const struct sevlm_source_config *config)
{
	int ret = sevlm_source_new(rig.source.vm, config, &source);

	sevlm_source_free(ret ? NULL : source);
	return ret;
}

static int new_target(const struct sevlm_target_config *config)
{
	int ret = sevlm_target_new(rig.target.vm, config, &target);

	sevlm_target_free(ret ? NULL : target);
	return ret;
}

static struct sevlm_trust *nobody(void)
{
	struct sevlm_trust *trust;

	ck_assert_int_eq(sevlm_trust_new(&trust), 0);
	return trust;
}

START_TEST(the_source_config_is_checked)
{
	struct {
		struct sevlm_source_config config;
		uint64_t more;
	} wide = {.more = 0};
	struct sevlm_source_config good, bad;

	open_rig();
	good = rig.source_config;
	ck_assert_int_eq(new_source(&good), 0);
	ck_assert_int_eq(new_source(NULL), -EINVAL);
	bad = good;
	bad.size--;
	ck_assert_int_eq(new_source(&bad), -EINVAL);
	bad = good;
	bad.channel = 0;
	ck_assert_int_eq(new_source(&bad), -EINVAL);
	bad.channel = 3;
	ck_assert_int_eq(new_source(&bad), -EINVAL);
	bad = good;
	bad.batch_pages = SEVLM_MAX_BATCH + 1;
	ck_assert_int_eq(new_source(&bad), -EINVAL);
	bad = good;
	bad.stop_anyway = 2;
	ck_assert_int_eq(new_source(&bad), -EINVAL);
	bad = good;
	memset(bad.nonce, 0, sizeof(bad.nonce));
	ck_assert_int_eq(new_source(&bad), -EINVAL);
	ck_assert(sevlm_vm_error(rig.source.vm)[0]);
	bad = good;
	memset(bad.exporter, 0, sizeof(bad.exporter));
	ck_assert_int_eq(new_source(&bad), -EINVAL);
	bad = good;
	bad.trust = NULL;
	ck_assert_int_eq(new_source(&bad), -EINVAL);
	bad.trust = nobody();
	ck_assert_int_eq(new_source(&bad), -EINVAL);
	sevlm_trust_free((struct sevlm_trust *)bad.trust);
	bad = good;
	bad.amd = NULL;
	ck_assert_int_eq(new_source(&bad), -EINVAL);
	bad = good;
	bad.amd_bytes = SEVLM_BLOB_MAX + 1;
	ck_assert_int_eq(new_source(&bad), -EINVAL);
	/* a newer caller, with nothing new said, then with something */
	wide.config = good;
	wide.config.size = sizeof(wide);
	ck_assert_int_eq(new_source(&wide.config), 0);
	wide.more = 1;
	ck_assert_int_eq(new_source(&wide.config), -EINVAL);
}
END_TEST

START_TEST(the_target_config_is_checked)
{
	struct sevlm_target_config good, bad;

	open_rig();
	good = rig.target_config;
	ck_assert_int_eq(new_target(&good), 0);
	ck_assert_int_eq(new_target(NULL), -EINVAL);
	bad = good;
	bad.size--;
	ck_assert_int_eq(new_target(&bad), -EINVAL);
	bad = good;
	bad.channel = 0;
	ck_assert_int_eq(new_target(&bad), -EINVAL);
	bad = good;
	bad.reserved = 1;
	ck_assert_int_eq(new_target(&bad), -EINVAL);
	bad = good;
	memset(bad.nonce, 0, sizeof(bad.nonce));
	ck_assert_int_eq(new_target(&bad), -EINVAL);
	bad = good;
	memset(bad.exporter, 0, sizeof(bad.exporter));
	ck_assert_int_eq(new_target(&bad), -EINVAL);
	bad = good;
	bad.amd = NULL;
	ck_assert_int_eq(new_target(&bad), -EINVAL);
	bad = good;
	bad.amd_bytes = 0;
	ck_assert_int_eq(new_target(&bad), -EINVAL);
	bad.amd_bytes = SEVLM_BLOB_MAX + 1;
	ck_assert_int_eq(new_target(&bad), -EINVAL);
	bad = good;
	bad.trust = NULL;
	ck_assert_int_eq(new_target(&bad), -EINVAL);
	bad.trust = nobody();
	ck_assert_int_eq(new_target(&bad), -EINVAL);
	sevlm_trust_free((struct sevlm_trust *)bad.trust);
	/* an expectation that would never be looked at */
	bad = good;
	bad.policy = SEVLM_POLICY_NODBG;
	ck_assert_int_eq(new_target(&bad), -EINVAL);
	bad.policy_mask = SEVLM_POLICY_SEV;
	ck_assert_int_eq(new_target(&bad), -EINVAL);
	bad.policy_mask = SEVLM_POLICY_NODBG;
	ck_assert_int_eq(new_target(&bad), 0);
	/* the blobs are copied */
	start();
	memset(rig.certs, 0xff, sizeof(rig.certs));
	rig_run(&rig);
	expect_perfect();
}
END_TEST

START_TEST(a_guest_has_one_engine)
{
	open_rig();
	start();
	ck_assert_int_eq(
		sevlm_source_new(rig.source.vm, &rig.source_config, &source),
		-EBADFD);
	ck_assert_int_eq(
		sevlm_target_new(rig.target.vm, &rig.target_config, &target),
		-EBADFD);
	ck_assert_int_eq(sevlm_source_new(NULL, &rig.source_config, &source),
			 -EINVAL);
	ck_assert_int_eq(
		sevlm_source_new(rig.source.vm, &rig.source_config, NULL),
		-EINVAL);
	ck_assert_int_eq(sevlm_target_new(NULL, &rig.target_config, &target),
			 -EINVAL);
	ck_assert_int_eq(
		sevlm_target_new(rig.target.vm, &rig.target_config, NULL),
		-EINVAL);
	rig_run(&rig);
	expect_perfect();
}
END_TEST

START_TEST(no_engine_no_call)
{
	struct sevlm_progress progress = {.size = sizeof(progress)};
	struct sevlm_region region = {.size = sizeof(region)};
	struct iovec iov = {NULL, 0};
	uint8_t note[SEVLM_NOTE_SIZE];
	size_t count = 1, bytes;
	const void *state;
	uint32_t word;
	void *space;

	ck_assert_int_eq(sevlm_source_step(NULL, 1, &word), -EINVAL);
	ck_assert_int_eq(sevlm_source_output(NULL, &iov, &count), -EINVAL);
	ck_assert_int_eq(sevlm_source_consumed(NULL, 0), -EINVAL);
	ck_assert_int_eq(sevlm_source_feed(NULL, note, 1, &bytes), -EINVAL);
	ck_assert_int_eq(sevlm_source_closed(NULL), -EINVAL);
	ck_assert_int_eq(sevlm_source_dirty(NULL, 0, note, 1), -EINVAL);
	ck_assert_int_eq(sevlm_source_state(NULL, 0, note, 1), -EINVAL);
	ck_assert_int_eq(sevlm_source_note(NULL, note), -EINVAL);
	ck_assert_int_eq(sevlm_source_did(NULL, SEVLM_WANT_DIRTY, 0), -EINVAL);
	ck_assert_int_eq(sevlm_source_cancel(NULL), -EINVAL);
	ck_assert_int_eq(sevlm_source_outcome(NULL, &word, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_source_progress(NULL, &progress), -EINVAL);
	ck_assert(sevlm_source_error(NULL)[0]);
	sevlm_source_free(NULL);
	ck_assert_int_eq(sevlm_target_step(NULL, 1, &word), -EINVAL);
	ck_assert_int_eq(sevlm_target_output(NULL, &iov, &count), -EINVAL);
	ck_assert_int_eq(sevlm_target_consumed(NULL, 0), -EINVAL);
	ck_assert_int_eq(sevlm_target_feed(NULL, note, 1, &bytes), -EINVAL);
	ck_assert_int_eq(sevlm_target_space(NULL, &space, &bytes), -EINVAL);
	ck_assert_int_eq(sevlm_target_fed(NULL, 0), -EINVAL);
	ck_assert_int_eq(sevlm_target_closed(NULL), -EINVAL);
	ck_assert_int_eq(sevlm_target_state(NULL, 0, &word, &state, &bytes),
			 -EINVAL);
	ck_assert_int_eq(sevlm_target_region(NULL, &region), -EINVAL);
	ck_assert_int_eq(sevlm_target_note(NULL, note), -EINVAL);
	ck_assert_int_eq(sevlm_target_did(NULL, SEVLM_WANT_RUN, 0), -EINVAL);
	ck_assert_int_eq(sevlm_target_cancel(NULL), -EINVAL);
	ck_assert_int_eq(sevlm_target_outcome(NULL, &word, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_target_progress(NULL, &progress), -EINVAL);
	ck_assert(sevlm_target_error(NULL)[0]);
	sevlm_target_free(NULL);
}
END_TEST

static void wrong_source_calls(struct sevlm_source *engine)
{
	uint8_t note[SEVLM_NOTE_SIZE];
	struct iovec iov[2];
	size_t count = 2;
	uint32_t word;

	ck_assert_int_eq(sevlm_source_step(engine, 1, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_source_output(engine, NULL, &count), -EINVAL);
	ck_assert_int_eq(sevlm_source_output(engine, iov, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_source_output(engine, iov, &count), 0);
	ck_assert_uint_eq(count, 0);
	ck_assert_int_eq(sevlm_source_consumed(engine, 1), -EINVAL);
	ck_assert_int_eq(sevlm_source_consumed(engine, 0), 0);
	ck_assert_int_eq(sevlm_source_feed(engine, NULL, 1, &count), -EINVAL);
	ck_assert_int_eq(sevlm_source_feed(engine, note, 1, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_source_dirty(engine, 0, note, 1), -EBADFD);
	ck_assert_int_eq(sevlm_source_dirty(engine, 1, note, 1), -EINVAL);
	ck_assert_int_eq(sevlm_source_dirty(engine, 0, NULL, 1), -EINVAL);
	ck_assert_int_eq(sevlm_source_state(engine, 0, note, 1), -EBADFD);
	ck_assert_int_eq(sevlm_source_note(engine, note), -EBADFD);
	ck_assert_int_eq(sevlm_source_note(engine, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_source_did(engine, SEVLM_WANT_DIRTY, 1),
			 -EINVAL);
	ck_assert_int_eq(sevlm_source_did(engine, 0, 0), -EBADFD);
	ck_assert_int_eq(sevlm_source_did(engine, SEVLM_WANT_STEP, 0), -EBADFD);
	for (uint32_t bit = 8; bit < 15; bit++)
		ck_assert_int_eq(sevlm_source_did(engine, 1u << bit, 0),
				 -EBADFD);
	ck_assert_int_eq(sevlm_source_outcome(engine, NULL, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_source_outcome(engine, &word, NULL), 0);
	ck_assert_uint_eq(word, SEVLM_OUTCOME_NONE);
	ck_assert_str_eq(sevlm_source_error(engine), "");
	ck_assert_int_eq(sevlm_source_progress(engine, NULL), -EINVAL);
}

static void wrong_target_calls(struct sevlm_target *engine)
{
	struct sevlm_region region = {.size = sizeof(region)};
	uint8_t note[SEVLM_NOTE_SIZE];
	const void *state;
	size_t bytes;
	uint32_t word;
	void *space;

	ck_assert_int_eq(sevlm_target_step(engine, 1, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_target_consumed(engine, 1), -EINVAL);
	ck_assert_int_eq(sevlm_target_feed(engine, NULL, 1, &bytes), -EINVAL);
	ck_assert_int_eq(sevlm_target_space(engine, NULL, &bytes), -EINVAL);
	ck_assert_int_eq(sevlm_target_space(engine, &space, &bytes), 0);
	ck_assert_uint_gt(bytes, 0);
	ck_assert_int_eq(sevlm_target_fed(engine, bytes + 1), -EINVAL);
	ck_assert_int_eq(sevlm_target_state(engine, 0, &word, &state, &bytes),
			 -EBADFD);
	ck_assert_int_eq(sevlm_target_region(engine, &region), -EBADFD);
	ck_assert_int_eq(sevlm_target_note(engine, note), -EBADFD);
	ck_assert_int_eq(sevlm_target_did(engine, SEVLM_WANT_RUN, 1), -EINVAL);
	for (uint32_t bit = 0; bit < 15; bit++)
		ck_assert_int_eq(sevlm_target_did(engine, 1u << bit, 0),
				 -EBADFD);
	ck_assert_int_eq(sevlm_target_outcome(engine, &word, NULL), 0);
	ck_assert_uint_eq(word, SEVLM_OUTCOME_NONE);
	ck_assert_str_eq(sevlm_target_error(engine), "");
}

START_TEST(wrong_calls_harm_nothing)
{
	open_rig();
	start();
	wrong_source_calls(rig.source.source_engine);
	wrong_target_calls(rig.target.target_engine);
	rig_run(&rig);
	expect_perfect();
}
END_TEST

static int did_another(struct rig_side *side, uint32_t want)
{
	for (uint32_t bit = 0; bit < 32; bit++)
		if (1u << bit != want)
			ck_assert_int_eq(rig_did(side, 1u << bit, 0), -EBADFD);
	ck_assert_int_eq(rig_did(side, want, 1), -EINVAL);
	return rig_vmm_answer(side, want);
}

START_TEST(only_what_is_wanted_can_be_done)
{
	open_rig();
	rig.hooks.answer = did_another;
	start();
	rig_run(&rig);
	expect_perfect();
}
END_TEST

/* The same want stands until it is answered, and time does not press. */
START_TEST(a_want_waits_for_the_vmm)
{
	uint32_t want;

	open_rig();
	start();
	while (!(rig.source.want & SEVLM_WANT_DIRTY)) {
		rig_step(&rig.source);
		rig_move(&rig);
		rig_step(&rig.target);
		rig.now_ns += 1000;
	}
	for (int i = 0; i < 10; i++) {
		rig.now_ns += 3600 * RIG_SECOND;
		ck_assert_int_eq(sevlm_source_step(rig.source.source_engine,
						   rig.now_ns, &want),
				 0);
		ck_assert_uint_eq(want & ~(SEVLM_WANT_WRITE | SEVLM_WANT_READ),
				  SEVLM_WANT_DIRTY);
		ck_assert_uint_eq(
			sevlm_source_deadline(rig.source.source_engine),
			SEVLM_NO_DEADLINE);
	}
}
END_TEST

/* A clock that goes back or stands is not the library's to fear. */
START_TEST(a_clock_that_goes_back)
{
	uint32_t want;

	open_rig();
	start();
	for (uint64_t now = 10; now; now--) {
		ck_assert_int_eq(sevlm_source_step(rig.source.source_engine,
						   now * RIG_SECOND, &want),
				 0);
		ck_assert_int_eq(sevlm_target_step(rig.target.target_engine,
						   now * RIG_SECOND, &want),
				 0);
	}
	rig.now_ns = 10 * RIG_SECOND;
	rig_pipe_clock(&rig.there, rig.now_ns);
	rig_pipe_clock(&rig.back, rig.now_ns);
	rig_run(&rig);
	expect_perfect();
}
END_TEST

START_TEST(after_the_end_nothing_moves)
{
	uint32_t want = 1;
	struct iovec iov;
	size_t count = 1;

	open_rig();
	start();
	rig_run(&rig);
	expect_perfect();
	ck_assert_int_eq(sevlm_source_step(rig.source.source_engine,
					   rig.now_ns * 2, &want),
			 0);
	ck_assert_uint_eq(want, 0);
	ck_assert_int_eq(
		sevlm_source_output(rig.source.source_engine, &iov, &count), 0);
	ck_assert_uint_eq(count, 0);
	ck_assert_int_eq(sevlm_source_cancel(rig.source.source_engine), 0);
	ck_assert_int_eq(sevlm_source_step(rig.source.source_engine,
					   rig.now_ns * 3, &want),
			 0);
	ck_assert_uint_eq(want, 0);
	sevlm_source_outcome(rig.source.source_engine, &want, NULL);
	ck_assert_uint_eq(want, SEVLM_OUTCOME_COMPLETED);
	ck_assert_uint_eq(sevlm_source_deadline(rig.source.source_engine),
			  SEVLM_NO_DEADLINE);
}
END_TEST

/* Freed in the middle, without a word: the guest runs on and can move. */
START_TEST(an_engine_freed_in_every_phase)
{
	plan.latency_ns = RIG_MS;
	open_rig();
	start();
	reach(&rig.source, SEVLM_PHASE_HELLO + (uint32_t)_i);
	rig_drop(&rig.source, true);
	rig_run(&rig);
	ck_assert(rig.target.outcome == SEVLM_OUTCOME_ABORTED ||
		  rig.target.outcome == SEVLM_OUTCOME_IN_DOUBT);
	expect_sound();
	expect_again();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine-calls");
	TCase *tcase = tcase_create("calls");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_source_config_is_checked);
	tcase_add_test(tcase, the_target_config_is_checked);
	tcase_add_test(tcase, a_guest_has_one_engine);
	tcase_add_test(tcase, no_engine_no_call);
	tcase_add_test(tcase, wrong_calls_harm_nothing);
	tcase_add_test(tcase, only_what_is_wanted_can_be_done);
	tcase_add_test(tcase, a_want_waits_for_the_vmm);
	tcase_add_test(tcase, a_clock_that_goes_back);
	tcase_add_test(tcase, after_the_end_nothing_moves);
	tcase_add_loop_test(tcase, an_engine_freed_in_every_phase, 0, 4);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
