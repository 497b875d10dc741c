/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A session is received once; and what it is called in public. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/kvm.h>

/* before Check, which has a macro fail() */
#include "sessions.h"

#include "engine-fixture.h"

static uint64_t received(void)
{
	return sevlm_sim_host_commands(hosts.host[1], KVM_SEV_RECEIVE_START);
}

/* until the target wants its session stored; the want is not answered */
static void reach_session(void)
{
	open_rig();
	start();
	while (!(rig.target.want & SEVLM_WANT_SESSION)) {
		ck_assert(!rig.target.ended);
		ck_assert_uint_lt(rig.target.steps, 1000);
		if (rig_step(&rig.source) & SEVLM_WANT_DIRTY)
			rig_did(&rig.source, SEVLM_WANT_DIRTY,
				rig_vmm_harvest(&rig));
		rig_move(&rig);
		rig_step(&rig.target);
		rig.now_ns += rig.plan.tick_ns;
	}
}

/* ---- what is asked, and when ---- */

START_TEST(is_asked_before_firmware)
{
	reach_session();
	ck_assert_uint_eq(received(), 0);
	ck_assert_int_eq(rig_did(&rig.target, SEVLM_WANT_SESSION, 0), 0);
	rig_step(&rig.target);
	ck_assert_uint_eq(received(), 1);
}
END_TEST

START_TEST(digest_only_where_it_is_wanted)
{
	uint8_t digest[SEVLM_DIGEST_SIZE];

	reach_session();
	ck_assert_int_eq(sevlm_target_session(NULL, digest), -EINVAL);
	ck_assert_int_eq(sevlm_target_session(rig.target.target_engine, NULL),
			 -EINVAL);
	ck_assert_int_eq(sevlm_target_session(rig.target.target_engine, digest),
			 0);
	rig_did(&rig.target, SEVLM_WANT_SESSION, 0);
	ck_assert_int_eq(sevlm_target_session(rig.target.target_engine, digest),
			 -EBADFD);
}
END_TEST

/* another migration of the same guest is another session */
START_TEST(each_migration_has_its_own)
{
	run_rig();
	expect_perfect();
	ck_assert_int_eq(rig_turn(&rig), 0);
	start();
	rig_run(&rig);
	expect_perfect();
	ck_assert_uint_eq(rig.sessions.count, 2);
	ck_assert_mem_ne(rig.sessions.digest[0], rig.sessions.digest[1],
			 SEVLM_DIGEST_SIZE);
}
END_TEST

/* ---- patience ---- */

/* the source is not served meanwhile: that is its stall timeout's business */
START_TEST(time_of_the_vmm_does_not_count)
{
	plan.stall_ns = 100 * RIG_SECOND;
	reach_session();
	ck_assert_uint_eq(rig_deadline(&rig.target), SEVLM_NO_DEADLINE);
	rig.now_ns += 50 * RIG_SECOND;
	rig_step(&rig.target);
	ck_assert_uint_eq(rig.target.want & SEVLM_WANT_SESSION,
			  SEVLM_WANT_SESSION);
	rig_run(&rig);
	expect_perfect();
}
END_TEST

START_TEST(cancel_while_the_vmm_stores)
{
	reach_session();
	rig_cancel(&rig.target);
	rig_run(&rig);
	expect_sound();
	expect_side(&rig.target, SEVLM_OUTCOME_CANCELLED, -ECANCELED,
		    "cancelled");
	ck_assert_uint_eq(received(), 0);
	expect_again();
}
END_TEST

/* ---- refused ---- */

static int refuse(struct rig_side *side, uint32_t want)
{
	return want == SEVLM_WANT_SESSION ? *(int *)side->rig->hooks.data :
					    rig_vmm_answer(side, want);
}

static const struct {
	int error;
	const char *words;
} refusals[] = {
	{-EKEYREJECTED, "received here before: it is a replay"},
	{-EIO, "could not store the session's digest"},
	{-ENOMEM, "could not store the session's digest"},
};

START_TEST(refused_on_both_sides)
{
	int error = refusals[_i].error;

	open_rig();
	rig.hooks.data = &error;
	rig.hooks.answer = refuse;
	start();
	rig_run(&rig);
	expect_sound();
	expect_side(&rig.target, SEVLM_OUTCOME_ABORTED, error,
		    refusals[_i].words);
	expect_side(&rig.source, SEVLM_OUTCOME_ABORTED, error,
		    refusals[_i].words);
	ck_assert_uint_eq(received(), 0);
	expect_again();
}
END_TEST

/* ---- a recorded stream ---- */

/* the bytes of a whole migration, and the host that received it */
static void record(char **stream, size_t *bytes)
{
	FILE *file = open_memstream(stream, bytes);

	ck_assert_ptr_nonnull(file);
	open_rig();
	rig.there.record = file;
	start();
	rig_run(&rig);
	expect_perfect();
	ck_assert_int_eq(fclose(file), 0);
	rig.there.record = NULL;
}

/* nobody reads what the target says to it */
static uint32_t play(const char *stream, size_t bytes)
{
	struct rig_side *side = &rig.target;
	size_t at = 0, taken;

	for (int i = 0; i < 20000 && !side->ended; i++) {
		ck_assert_int_eq(sevlm_target_feed(side->target_engine,
						   stream + at, bytes - at,
						   &taken),
				 0);
		at += taken;
		rig.now_ns += RIG_MS;
		if (rig_step(side) & SEVLM_WANT_SESSION)
			rig_did(side, SEVLM_WANT_SESSION,
				rig_vmm_answer(side, SEVLM_WANT_SESSION));
	}
	ck_assert(side->ended);
	return side->outcome;
}

/* A target that forgets takes it, to the digest in END at last: by then
 * firmware has decrypted the guest as it was. */
static void replay(bool remembers)
{
	struct rig_side *target = &rig.target;
	uint8_t exporter[SEVLM_EXPORTER_SIZE];
	uint64_t before = received();
	char *stream;
	size_t bytes;

	record(&stream, &bytes);
	memcpy(exporter, rig.target_config.exporter, sizeof(exporter));
	/* an empty guest on the same host, in a channel like that of before */
	ck_assert_int_eq(rig_again(&rig), 0);
	memcpy(rig.target_config.exporter, exporter, sizeof(exporter));
	ck_assert_int_eq(sevlm_target_new(target->vm, &rig.target_config,
					  &target->target_engine),
			 0);
	if (!remembers)
		rig.sessions.count = 0;
	ck_assert_uint_eq(play(stream, bytes), SEVLM_OUTCOME_ABORTED);
	ck_assert_uint_eq(received() - before, 1 + !remembers);
	ck_assert(!target->ran);
	free(stream);
}

START_TEST(replay_is_refused_before_firmware)
{
	replay(true);
	ck_assert_int_eq(rig.target.cause, -EKEYREJECTED);
	ck_assert_ptr_nonnull(strstr(rig.target.error, "replay"));
}
END_TEST

START_TEST(replay_where_nothing_was_stored)
{
	replay(false);
}
END_TEST

/* ---- the public name ---- */

START_TEST(token_is_the_same_on_both_sides)
{
	uint8_t here[SEVLM_TOKEN_SIZE], there[SEVLM_TOKEN_SIZE];
	struct sevlm_source *source;
	struct sevlm_target *target;

	open_rig();
	start();
	source = rig.source.source_engine;
	target = rig.target.target_engine;
	ck_assert_int_eq(sevlm_source_token(source, here), -EBADFD);
	ck_assert_int_eq(sevlm_target_token(target, there), -EBADFD);
	rig_run(&rig);
	ck_assert_int_eq(sevlm_source_token(NULL, here), -EINVAL);
	ck_assert_int_eq(sevlm_source_token(source, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_target_token(NULL, there), -EINVAL);
	ck_assert_int_eq(sevlm_target_token(target, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_source_token(source, here), 0);
	ck_assert_int_eq(sevlm_target_token(target, there), 0);
	ck_assert_mem_eq(here, there, sizeof(here));
}
END_TEST

/* ---- the command's file ---- */

static char path[128];

static void make_directory(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(path, sizeof(path), "%.90s/sevlm-XXXXXX",
		 base ? base : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(path));
	strcat(path, "/sessions");
}

static void remove_directory(void)
{
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
}

static int store(uint8_t number)
{
	uint8_t digest[SEVLM_DIGEST_SIZE];
	struct sentence why = {.text = ""};
	int ret;

	memset(digest, number, sizeof(digest));
	ret = sessions_store(path, digest, &why);
	ck_assert_int_eq(!why.text[0], !ret || ret == -EKEYREJECTED);
	return ret;
}

static long size_of_file(void)
{
	struct stat status;

	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0600);
	return (long)status.st_size;
}

START_TEST(file_takes_each_once)
{
	for (uint8_t i = 0; i < 5; i++)
		ck_assert_int_eq(store(i), 0);
	for (uint8_t i = 0; i < 5; i++)
		ck_assert_int_eq(store(i), -EKEYREJECTED);
	ck_assert_int_eq(size_of_file(), 5 * SEVLM_DIGEST_SIZE);
}
END_TEST

/* a digest that a crash cut off is not one, and hides none */
START_TEST(file_survives_a_crash)
{
	ck_assert_int_eq(store(1), 0);
	ck_assert_int_eq(store(2), 0);
	ck_assert_int_eq(truncate(path, SEVLM_DIGEST_SIZE + 7), 0);
	ck_assert_int_eq(store(2), 0);
	ck_assert_int_eq(size_of_file(), 2 * SEVLM_DIGEST_SIZE);
	ck_assert_int_eq(store(1), -EKEYREJECTED);
	ck_assert_int_eq(store(2), -EKEYREJECTED);
}
END_TEST

START_TEST(file_that_cannot_be_written)
{
	char *slash = strrchr(path, '/');

	strcpy(slash, "/none/sessions");
	ck_assert_int_eq(store(1), -EIO);
	strcpy(slash, "/sessions");
}
END_TEST

int main(void)
{
	TCase *file = tcase_create("file");
	Suite *suite = suite_create("session");
	TCase *tcase = tcase_create("session");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, is_asked_before_firmware);
	tcase_add_test(tcase, digest_only_where_it_is_wanted);
	tcase_add_test(tcase, each_migration_has_its_own);
	tcase_add_test(tcase, time_of_the_vmm_does_not_count);
	tcase_add_test(tcase, cancel_while_the_vmm_stores);
	tcase_add_loop_test(tcase, refused_on_both_sides, 0,
			    sizeof(refusals) / sizeof(refusals[0]));
	tcase_add_test(tcase, replay_is_refused_before_firmware);
	tcase_add_test(tcase, replay_where_nothing_was_stored);
	tcase_add_test(tcase, token_is_the_same_on_both_sides);
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(file, make_directory, remove_directory);
	tcase_add_test(file, file_takes_each_once);
	tcase_add_test(file, file_survives_a_crash);
	tcase_add_test(file, file_that_cannot_be_written);
	suite_add_tcase(suite, file);
	return run_suite(suite);
}
