/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Migrations as they should go, and calls as they should not be made. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "engine-fixture.h"

START_TEST(every_workload_arrives)
{
	plan.workload = (uint32_t)_i;
	plan.interleave = true;
	plan.device = true;
	plan.fragment = 3000;
	run_rig();
	expect_perfect();
	ck_assert_uint_eq(rig.source.asked,
			  SEVLM_WANT_DIRTY | SEVLM_WANT_PAUSE |
				  SEVLM_WANT_STATE | SEVLM_WANT_PERSIST);
	ck_assert_uint_eq(rig.target.asked, SEVLM_WANT_SESSION |
						    SEVLM_WANT_STATE |
						    SEVLM_WANT_PERSIST |
						    SEVLM_WANT_RUN);
	ck_assert_uint_eq(rig.source.phase, SEVLM_PHASE_ENDED);
	ck_assert_uint_eq(rig.target.phase, SEVLM_PHASE_ENDED);
}
END_TEST

START_TEST(the_guest_goes_on_and_comes_back)
{
	uint64_t steps;

	run_rig();
	expect_perfect();
	steps = sevlm_sim_vm_steps(rig.target.sim);
	rig_vmm_run(&rig.target, 100);
	ck_assert_uint_eq(sevlm_sim_vm_steps(rig.target.sim), steps + 100);
	ck_assert_int_eq(rig_turn(&rig), 0);
	start();
	rig_run(&rig);
	expect_perfect();
}
END_TEST

START_TEST(notes_name_one_session)
{
	run_rig();
	expect_perfect();
	ck_assert_mem_eq(rig.source.note, "SEVLM", 5);
	/* magic, role, version, then what both sides share */
	ck_assert_mem_eq(rig.source.note + 16, rig.target.note + 16,
			 SEVLM_NOTE_SIZE - 16);
	ck_assert_mem_ne(rig.source.note, rig.target.note, 16);
	ck_assert_mem_eq(rig.source.note + 16, rig.source_config.nonce, 32);
	ck_assert_mem_eq(rig.source.note + 48, rig.target_config.nonce, 32);
}
END_TEST

START_TEST(phases_and_counts_only_grow)
{
	struct sevlm_progress was[2] = {{0}, {0}};
	struct rig_side *sides[2] = {&rig.source, &rig.target};
	const struct sevlm_progress *is;

	plan.bandwidth = 3000000;
	open_rig();
	start();
	while (!rig_done(&rig)) {
		rig_round(&rig);
		for (int i = 0; i < 2; i++) {
			is = &sides[i]->progress;
			ck_assert_uint_ge(is->phase, was[i].phase);
			ck_assert_uint_ge(is->round, was[i].round);
			ck_assert_uint_ge(is->private_pages,
					  was[i].private_pages);
			ck_assert_uint_ge(is->bytes, was[i].bytes);
			ck_assert_uint_ge(is->total_ns, was[i].total_ns);
			was[i] = *is;
		}
	}
	expect_perfect();
	is = &rig.source.progress;
	ck_assert_uint_eq(is->pages_total, 96);
	ck_assert_uint_eq(is->pages_left, 0);
	ck_assert_uint_gt(is->pages_per_second, 0);
	ck_assert_uint_gt(is->downtime_ns, 0);
	ck_assert_uint_lt(is->downtime_ns, is->total_ns);
	ck_assert_uint_gt(is->round, 1);
}
END_TEST

START_TEST(an_idle_guest_takes_one_round_and_the_last)
{
	plan.workload = SEVLM_SIM_IDLE;
	run_rig();
	expect_perfect();
	ck_assert_uint_eq(rig.source.progress.round, 2);
	ck_assert_uint_eq(rig.source.progress.private_pages +
				  rig.source.progress.shared_pages +
				  rig.source.progress.zero_pages,
			  96);
}
END_TEST

START_TEST(a_fast_writer_is_given_up)
{
	plan.bandwidth = 1000000;
	plan.steps = 30000;
	plan.stop_anyway = 0;
	plan.max_rounds = 3;
	plan.downtime_ns = RIG_MS;
	run_rig();
	expect_side(&rig.source, SEVLM_OUTCOME_ABORTED, -ETIMEDOUT,
		    "faster than it can be sent");
	expect_side(&rig.target, SEVLM_OUTCOME_ABORTED, -ETIMEDOUT,
		    "the peer gave up: the guest dirties");
	ck_assert(!(rig.source.asked & SEVLM_WANT_PAUSE));
	ck_assert_uint_eq(rig.source.progress.verdict, SEVLM_VERDICT_DIVERGES);
	expect_sound();
	expect_again();
}
END_TEST

START_TEST(a_fast_writer_is_stopped_where_the_vmm_says_so)
{
	plan.bandwidth = 1000000;
	plan.steps = 30000;
	plan.max_rounds = 3;
	plan.downtime_ns = RIG_MS;
	run_rig();
	expect_perfect();
	ck_assert_uint_eq(rig.source.progress.round, 4);
}
END_TEST

/* ---- state blobs -------------------------------------------------------- */

static size_t blob_count, blob_size;
static uint8_t *blob;

static uint8_t byte_of(size_t id, size_t i)
{
	return (uint8_t)(id * 31 + i * 7 + (i >> 8));
}

static int save_blobs(struct rig_side *side)
{
	int ret = 0;

	for (size_t id = 0; !ret && id < blob_count; id++) {
		for (size_t i = 0; i < blob_size; i++)
			blob[id * blob_size + i] = byte_of(id, i);
		ret = sevlm_source_state(side->source_engine,
					 (uint32_t)id + 1000,
					 blob + id * blob_size, blob_size);
	}
	return ret;
}

static void check_blob(const uint8_t *buf, size_t id)
{
	for (size_t i = 0; i < blob_size; i++)
		ck_assert_uint_eq(buf[i], byte_of(id, i));
}

static int load_blobs(struct rig_side *side)
{
	const void *buf;
	uint32_t id;
	size_t bytes;

	for (size_t i = 0; i < blob_count; i++) {
		ck_assert_int_eq(sevlm_target_state(side->target_engine,
						    (uint32_t)i, &id, &buf,
						    &bytes),
				 0);
		ck_assert_uint_eq(id, 1000 + i);
		ck_assert_uint_eq(bytes, blob_size);
		check_blob(buf, i);
	}
	ck_assert_int_eq(sevlm_target_state(side->target_engine,
					    (uint32_t)blob_count, &id, &buf,
					    &bytes),
			 -EINVAL);
	/* the vCPU's state goes another way here */
	bytes = 4096;
	rig.state = malloc(bytes);
	sevlm_sim_vm_save(rig.source.sim, rig.state, &bytes);
	return sevlm_sim_vm_load(side->sim, rig.state, bytes);
}

static int with_blobs(struct rig_side *side, uint32_t want)
{
	if (want != SEVLM_WANT_STATE)
		return rig_vmm_answer(side, want);
	return side->target ? load_blobs(side) : save_blobs(side);
}

static void move_blobs(size_t count, size_t size)
{
	blob_count = count;
	blob_size = size;
	blob = malloc(count * size + 1);
	open_rig();
	rig.hooks.answer = with_blobs;
}

START_TEST(state_of_any_size_arrives)
{
	static const struct {
		size_t count, size;
	} shapes[] = {
		{0, 0},	    {1, 1},	 {1, 65511}, {1, 65512},
		{1, 65513}, {3, 200000}, {1024, 1},  {1, 1 << 20},
	};

	move_blobs(shapes[_i].count, shapes[_i].size);
	start();
	rig_run(&rig);
	expect_perfect();
	free(blob);
}
END_TEST

START_TEST(too_much_state_is_refused)
{
	move_blobs(3, 100000);
	rig.target_config.max_state_bytes = 299999;
	start();
	rig_run(&rig);
	expect_side(&rig.target, SEVLM_OUTCOME_ABORTED, -EPROTO,
		    "more than 299999 bytes of guest state");
	expect_side(&rig.source, SEVLM_OUTCOME_ABORTED, -EPROTO, "gave up");
	expect_sound();
	expect_again();
	free(blob);
}
END_TEST

START_TEST(just_enough_state_is_taken)
{
	move_blobs(3, 100000);
	rig.target_config.max_state_bytes = 300000;
	start();
	rig_run(&rig);
	expect_perfect();
	free(blob);
}
END_TEST

static int misuse_state(struct rig_side *side, uint32_t want)
{
	struct sevlm_source *source = side->source_engine;
	static uint8_t byte;
	int ret;

	if (side->target || want != SEVLM_WANT_STATE)
		return rig_vmm_answer(side, want);
	ret = rig_vmm_answer(side, want);
	ck_assert_int_eq(sevlm_source_state(source, 0, &byte, 1), -EINVAL);
	ck_assert_int_eq(sevlm_source_state(source, 7, NULL, 1), -EINVAL);
	ck_assert_int_eq(sevlm_source_state(source, 7, &byte, 0), -EINVAL);
	ck_assert_int_eq(sevlm_source_dirty(source, 0, &byte, 1), -EBADFD);
	return ret;
}

START_TEST(state_is_checked)
{
	open_rig();
	rig.hooks.answer = misuse_state;
	start();
	rig_run(&rig);
	expect_perfect();
}
END_TEST

START_TEST(there_is_a_most_of_states)
{
	static uint8_t byte;
	int ret = 0;

	open_rig();
	rig.hooks.answer = NULL;
	start();
	while (!(rig.source.want & SEVLM_WANT_STATE)) {
		rig.now_ns += RIG_MS;
		if (rig_step(&rig.source) & SEVLM_WANT_DIRTY)
			rig_did(&rig.source, SEVLM_WANT_DIRTY,
				rig_vmm_harvest(&rig));
		if (rig.source.want & SEVLM_WANT_PAUSE)
			rig_did(&rig.source, SEVLM_WANT_PAUSE, 0);
		rig_step(&rig.target);
		rig_move(&rig);
	}
	for (uint32_t i = 0; !ret && i < SEVLM_MAX_STATES; i++)
		ret = sevlm_source_state(rig.source.source_engine, i, &byte, 1);
	ck_assert_int_eq(ret, 0);
	ck_assert_int_eq(
		sevlm_source_state(rig.source.source_engine, 5000, &byte, 1),
		-ENOBUFS);
}
END_TEST

/* ---- two threads -------------------------------------------------------- */

/* Bytes of both directions; the steps are made by another thread. */
struct courier {
	atomic_bool stop;
	uint8_t buf[8192];
};

static size_t gather(const struct iovec *iov, size_t count, uint8_t *to,
		     size_t room)
{
	size_t sum = 0, part;

	for (size_t i = 0; i < count && sum < room; i++) {
		part = iov[i].iov_len < room - sum ? iov[i].iov_len
						   : room - sum;
		memcpy(to + sum, iov[i].iov_base, part);
		sum += part;
	}
	return sum;
}

static void carry_there(struct courier *courier)
{
	struct iovec iov[8];
	size_t count = 8, bytes, taken = 0;

	sevlm_source_output(rig.source.source_engine, iov, &count);
	bytes = gather(iov, count, courier->buf, sizeof(courier->buf));
	sevlm_target_feed(rig.target.target_engine, courier->buf, bytes,
			  &taken);
	sevlm_source_consumed(rig.source.source_engine, taken);
}

static void carry_back(struct courier *courier)
{
	struct iovec iov[8];
	size_t count = 8, bytes, taken = 0;

	sevlm_target_output(rig.target.target_engine, iov, &count);
	bytes = gather(iov, count, courier->buf, sizeof(courier->buf));
	sevlm_source_feed(rig.source.source_engine, courier->buf, bytes,
			  &taken);
	sevlm_target_consumed(rig.target.target_engine, taken);
}

static void *run_courier(void *data)
{
	struct courier *courier = data;

	while (!atomic_load(&courier->stop)) {
		carry_there(courier);
		carry_back(courier);
	}
	return NULL;
}

static void step_and_answer(struct rig_side *side)
{
	uint32_t want;

	if (side->ended)
		return;
	want = rig_step(side) &
	       ~(SEVLM_WANT_STEP | SEVLM_WANT_WRITE | SEVLM_WANT_READ);
	if (want)
		rig_did(side, want, rig_vmm_answer(side, want));
}

START_TEST(steps_and_bytes_in_two_threads)
{
	static struct courier courier;
	uint64_t round = 0;
	pthread_t thread;

	plan.memory = 512 * RIG_PAGE;
	open_rig();
	start();
	atomic_store(&courier.stop, false);
	ck_assert_int_eq(pthread_create(&thread, NULL, run_courier, &courier),
			 0);
	while (!rig_done(&rig)) {
		/* the clock stands still while the other thread is slow */
		if (rig.source.want & SEVLM_WANT_STEP || round++ % 64 == 0)
			rig.now_ns += 1000;
		if (rig.source.running && rig_one_in(&rig.random, 50))
			rig_vmm_run(&rig.source, 1);
		step_and_answer(&rig.source);
		step_and_answer(&rig.target);
	}
	atomic_store(&courier.stop, true);
	pthread_join(thread, NULL);
	expect_perfect();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("engine");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, every_workload_arrives, 0,
			    SEVLM_SIM_COUNTER + 1);
	tcase_add_test(tcase, the_guest_goes_on_and_comes_back);
	tcase_add_test(tcase, notes_name_one_session);
	tcase_add_test(tcase, phases_and_counts_only_grow);
	tcase_add_test(tcase, an_idle_guest_takes_one_round_and_the_last);
	tcase_add_test(tcase, a_fast_writer_is_given_up);
	tcase_add_test(tcase, a_fast_writer_is_stopped_where_the_vmm_says_so);
	tcase_add_loop_test(tcase, state_of_any_size_arrives, 0, 8);
	tcase_add_test(tcase, too_much_state_is_refused);
	tcase_add_test(tcase, just_enough_state_is_taken);
	tcase_add_test(tcase, state_is_checked);
	tcase_add_test(tcase, there_is_a_most_of_states);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("threads");
	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, steps_and_bytes_in_two_threads);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
