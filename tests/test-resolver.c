/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Resolving with the note alone. */
#include "resolve-fixture.h"

#define BOTH (RIG_SOURCE | RIG_TARGET)

/* ---- against an engine, in each stand -------------------------------------- */

static const struct {
	enum stand stand;
	uint32_t source, target;
} learned[] = {
	{COMMIT_LOST, COMPLETED, COMPLETED},
	{STARTED_LOST, COMPLETED, COMPLETED},
	{TARGET_LOST_IT, LOST, LOST},
	{TARGET_GAVE_UP, ABORTED, CANCELLED},
	{CANNOT_PERSIST, ABORTED, ABORTED},
};

/* the process that held the source's copy is gone: nobody runs it there */
START_TEST(source_that_died)
{
	bring_about(learned[_i].stand);
	rig_kill(&rig.source, false);
	for (int again = 0; again < 2; again++) {
		ck_assert_uint_eq(rig_reconnect(&rig), BOTH);
		rig_run(&rig);
		rig_reconnected(&rig);
		expect_sound();
		ck_assert_uint_eq(rig.source.outcome, learned[_i].source);
		ck_assert_uint_eq(rig.target.outcome, learned[_i].target);
		ck_assert_int_eq(!rig.source.cause,
				 learned[_i].source == COMPLETED);
		ck_assert_int_eq(!rig.source.error[0],
				 learned[_i].source == COMPLETED);
	}
}
END_TEST

/* the VMM lives and has the guest still, only its engine is gone */
START_TEST(source_without_its_engine)
{
	bring_about(learned[_i].stand);
	rig_drop(&rig.source, false);
	ck_assert(!rig.source.running);
	ck_assert_uint_eq(rig_reconnect(&rig), BOTH);
	rig_run(&rig);
	rig_reconnected(&rig);
	expect_sound();
	ck_assert_uint_eq(rig.source.outcome, learned[_i].source);
	ck_assert_int_eq(rig.source.running, learned[_i].source == ABORTED);
}
END_TEST

static const struct {
	enum stand stand;
	bool killed; /* and the guest with it */
	uint32_t outcome;
} answered[] = {
	{STARTED_LOST, false, COMPLETED},
	{STARTED_LOST, true, LOST},
	{TARGET_LOST_IT, false, LOST},
	{TARGET_LOST_IT, true, LOST},
};

START_TEST(target_without_its_engine)
{
	bring_about(answered[_i].stand);
	if (answered[_i].killed)
		rig_kill(&rig.target, false);
	else
		rig_drop(&rig.target, false);
	ck_assert_uint_eq(rig_reconnect(&rig), BOTH);
	rig_run(&rig);
	expect_sound();
	ck_assert_uint_eq(rig.source.outcome, answered[_i].outcome);
	ck_assert_uint_eq(rig.target.outcome, answered[_i].outcome);
	ck_assert(!rig.source.running);
}
END_TEST

START_TEST(both_died)
{
	bring_about(STARTED_LOST);
	rig_kill(&rig.source, false);
	rig_kill(&rig.target, false);
	ck_assert_uint_eq(rig_reconnect(&rig), BOTH);
	rig_run(&rig);
	expect_sound();
	ck_assert_uint_eq(rig.source.outcome, LOST);
	ck_assert_uint_eq(rig.target.outcome, LOST);
}
END_TEST

/* ---- by hand ----------------------------------------------------------------- */

static struct sevlm_resolver *resolver;
static uint64_t now;
static uint32_t want;

static struct sevlm_resolver_config config_of(const struct rig_side *side)
{
	return (struct sevlm_resolver_config){
		.size = sizeof(struct sevlm_resolver_config),
		.note = side->note,
		.channel = SEVLM_CHANNEL_DECLARED,
		.exporter = {9},
		.timeout_ns = 5 * RIG_SECOND,
	};
}

static void step(void)
{
	ck_assert_int_eq(sevlm_resolver_step(resolver, now, &want), 0);
}

/* what it says, to the last byte or without that */
static void read_from_it(size_t less)
{
	struct iovec iov[4];
	size_t count = 4, bytes = 0;

	said_bytes = 0;
	ck_assert_int_eq(sevlm_resolver_output(resolver, iov, &count), 0);
	for (size_t i = 0; i < count; i++) {
		memcpy(said + said_bytes, iov[i].iov_base, iov[i].iov_len);
		said_bytes += iov[i].iov_len;
		bytes += iov[i].iov_len;
	}
	if (bytes > less)
		ck_assert_int_eq(
			sevlm_resolver_consumed(resolver, bytes - less), 0);
}

static void open_resolver(const struct rig_side *side)
{
	struct sevlm_resolver_config config = config_of(side);

	now = RIG_SECOND;
	ck_assert_int_eq(sevlm_resolver_new(&config, &resolver), 0);
	step();
	ck_assert(want);
}

static void write_to_it(void)
{
	size_t taken;

	ck_assert_int_eq(sevlm_resolver_feed(resolver, word, sizeof(word),
					     &taken),
			 0);
	for (int i = 0; i < 10 && want; i++) {
		step();
		read_from_it(0);
	}
}

static void expect_end(uint32_t outcome, int cause, const char *words)
{
	uint32_t its;
	int why;

	ck_assert_uint_eq(want, 0);
	ck_assert_int_eq(sevlm_resolver_outcome(resolver, &its, &why), 0);
	ck_assert_msg(its == outcome, "%s: %s", rig_outcome_name(its),
		      sevlm_resolver_error(resolver));
	ck_assert_int_eq(why, cause);
	ck_assert_msg(strstr(sevlm_resolver_error(resolver), words), "'%s'",
		      sevlm_resolver_error(resolver));
	ck_assert_uint_eq(sevlm_resolver_deadline(resolver),
			  SEVLM_NO_DEADLINE);
	/* and nothing more comes of it */
	step();
	ck_assert_uint_eq(want, 0);
	sevlm_resolver_free(resolver);
	resolver = NULL;
}

static const struct {
	bool to_target;
	uint32_t verdict;
	uint32_t outcome;
	int cause;
	const char *words;
} heard[] = {
	{false, VERDICT_STARTED, COMPLETED, 0, ""},
	{false, VERDICT_NEVER, ABORTED, -ECANCELED, "never start"},
	{false, VERDICT_LOST, LOST, -EIO, "could not run it"},
	{true, VERDICT_COMMITTED, COMPLETED, 0, ""},
	{true, VERDICT_KEPT, IN_DOUBT, -EPROTO, "it may run twice"},
};

START_TEST(hears_each_verdict)
{
	struct rig_side *side = heard[_i].to_target ? &rig.target : &rig.source;
	uint32_t outcome;

	bring_about(STARTED_LOST);
	for (int again = 0; again < 3; again++) {
		open_resolver(side);
		ck_assert_int_eq(
			sevlm_resolver_outcome(resolver, &outcome, NULL), 0);
		ck_assert_uint_eq(outcome, SEVLM_OUTCOME_NONE);
		say(side, heard[_i].verdict);
		read_from_it(0);
		if (!side->target)
			ck_assert_uint_eq(said_by(side), VERDICT_COMMITTED);
		else
			ck_assert_uint_eq(said_bytes, 0);
		write_to_it();
		expect_end(heard[_i].outcome, heard[_i].cause, heard[_i].words);
	}
}
END_TEST

static const struct {
	size_t offset; /* in the record's body */
	const char *words;
} lies[] = {
	{0, "malformed"},
	{4, "malformed"},
	{8, "resolves another session"},
	{39, "resolves another session"},
	{40, "of this session did not give"},
	{71, "of this session did not give"},
};

START_TEST(lie_resolves_nothing)
{
	struct rig_side *side = _i % 2 ? &rig.target : &rig.source;
	size_t offset = lies[_i / 2].offset;

	bring_about(STARTED_LOST);
	open_resolver(side);
	say(side, side->target ? VERDICT_COMMITTED : VERDICT_STARTED);
	word[RECORD_MAGIC_SIZE + RECORD_HEADER_SIZE + offset] ^= 0x40;
	write_to_it();
	expect_end(IN_DOUBT, offset < 8 ? -EBADMSG : -EKEYREJECTED,
		   lies[_i / 2].words);
}
END_TEST

/* its own word comes back */
START_TEST(reflection)
{
	struct rig_side *side = _i ? &rig.target : &rig.source;
	struct sevlm__resolve own;

	bring_about(STARTED_LOST);
	open_resolver(side);
	own = verdict_of(session_of(side), _i ? ROLE_TARGET : ROLE_SOURCE,
			 _i ? VERDICT_STARTED : VERDICT_COMMITTED);
	write_word(&own);
	write_to_it();
	expect_end(IN_DOUBT, -EPROTO, "was due");
}
END_TEST

/* ---- silence ------------------------------------------------------------------ */

START_TEST(silence)
{
	struct rig_side *side = _i ? &rig.target : &rig.source;

	bring_about(STARTED_LOST);
	open_resolver(side);
	ck_assert_uint_eq(sevlm_resolver_deadline(resolver),
			  now + 5 * RIG_SECOND);
	now += 5 * RIG_SECOND - 1;
	step();
	ck_assert(want);
	now += 1;
	step();
	expect_end(IN_DOUBT, -ETIMEDOUT, "gave no verdict within 5 seconds");
}
END_TEST

START_TEST(link_closes)
{
	struct rig_side *side = _i ? &rig.target : &rig.source;

	bring_about(STARTED_LOST);
	open_resolver(side);
	ck_assert_int_eq(sevlm_resolver_closed(resolver), 0);
	step();
	expect_end(IN_DOUBT, -ECONNRESET, "the peer is gone");
}
END_TEST

/* what was never written was never said */
START_TEST(answer_that_does_not_leave)
{
	size_t taken;

	bring_about(STARTED_LOST);
	open_resolver(&rig.target);
	say(&rig.target, VERDICT_COMMITTED);
	sevlm_resolver_feed(resolver, word, sizeof(word), &taken);
	for (int i = 0; i < 5; i++)
		step();
	read_from_it(1);
	ck_assert_uint_eq(said_by(&rig.target), VERDICT_STARTED);
	step();
	ck_assert(want);
	sevlm_resolver_closed(resolver);
	step();
	expect_end(IN_DOUBT, -ECONNRESET, "the peer is gone");
}
END_TEST

/* ---- the calls ------------------------------------------------------------------ */

START_TEST(token_is_that_of_the_migration)
{
	uint8_t here[SEVLM_TOKEN_SIZE], there[SEVLM_TOKEN_SIZE];

	bring_about(STARTED_LOST);
	open_resolver(_i ? &rig.target : &rig.source);
	ck_assert_int_eq(sevlm_resolver_token(resolver, here), 0);
	ck_assert_int_eq(sevlm_source_token(rig.source.source_engine, there),
			 0);
	ck_assert_mem_eq(here, there, sizeof(here));
	sevlm_resolver_free(resolver);
}
END_TEST

static int new_with(struct sevlm_resolver_config *config)
{
	struct sevlm_resolver *made = NULL;
	int ret = sevlm_resolver_new(config, &made);

	ck_assert_int_eq(!made, !!ret);
	sevlm_resolver_free(made);
	return ret;
}

START_TEST(config_is_checked)
{
	struct sevlm_resolver_config good, bad[7];

	bring_about(STARTED_LOST);
	good = config_of(&rig.source);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		bad[i] = good;
	bad[0].size--;
	bad[1].note = NULL;
	bad[2].channel = 0;
	bad[3].lost = 1; /* a source's note */
	bad[4].exporter[0] = 0;
	bad[5] = config_of(&rig.target);
	bad[5].lost = 2;
	bad[6].channel = SEVLM_CHANNEL_INSECURE + 1;
	ck_assert_int_eq(new_with(&good), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_int_eq(new_with(&bad[i]), -EINVAL);
	good.timeout_ns = 0;
	ck_assert_int_eq(sevlm_resolver_new(&good, &resolver), 0);
	now = RIG_SECOND;
	step();
	ck_assert_uint_eq(sevlm_resolver_deadline(resolver),
			  now + 120 * RIG_SECOND);
	sevlm_resolver_free(resolver);
}
END_TEST

/* each bit of what must be so; test-commit has the rest */
START_TEST(damaged_note)
{
	struct sevlm_resolver_config config;
	uint8_t note[SEVLM_NOTE_SIZE];

	bring_about(STARTED_LOST);
	config = config_of(&rig.source);
	config.note = note;
	memcpy(note, rig.source.note, sizeof(note));
	ck_assert_int_eq(new_with(&config), 0);
	for (size_t bit = 0; bit < 8 * sizeof(note); bit++) {
		if (bit / 8 >= 16 && bit / 8 < 112)
			continue;
		note[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_int_eq(new_with(&config), -EBADMSG);
		note[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}
END_TEST

START_TEST(no_resolver_no_call)
{
	struct sevlm_resolver_config config = {.size = sizeof(config)};
	struct sevlm_resolver *made;
	struct iovec iov;
	size_t count = 1, taken;
	uint32_t number;

	ck_assert_int_eq(sevlm_resolver_new(NULL, &made), -EINVAL);
	ck_assert_int_eq(sevlm_resolver_new(&config, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_resolver_step(NULL, 0, &number), -EINVAL);
	ck_assert_uint_eq(sevlm_resolver_deadline(NULL), SEVLM_NO_DEADLINE);
	ck_assert_int_eq(sevlm_resolver_output(NULL, &iov, &count), -EINVAL);
	ck_assert_int_eq(sevlm_resolver_consumed(NULL, 0), -EINVAL);
	ck_assert_int_eq(sevlm_resolver_feed(NULL, "", 1, &taken), -EINVAL);
	ck_assert_int_eq(sevlm_resolver_closed(NULL), -EINVAL);
	ck_assert_int_eq(sevlm_resolver_token(NULL, word), -EINVAL);
	ck_assert_int_eq(sevlm_resolver_outcome(NULL, &number, NULL), -EINVAL);
	ck_assert_str_ne(sevlm_resolver_error(NULL), "");
	sevlm_resolver_free(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("resolver");
	TCase *tcase = tcase_create("resolver");

	tcase_set_timeout(tcase, 300);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, source_that_died, 0, COUNT(learned));
	tcase_add_loop_test(tcase, source_without_its_engine, 0,
			    COUNT(learned));
	tcase_add_loop_test(tcase, target_without_its_engine, 0,
			    COUNT(answered));
	tcase_add_test(tcase, both_died);
	tcase_add_loop_test(tcase, hears_each_verdict, 0, COUNT(heard));
	tcase_add_loop_test(tcase, lie_resolves_nothing, 0, 2 * COUNT(lies));
	tcase_add_loop_test(tcase, reflection, 0, 2);
	tcase_add_loop_test(tcase, silence, 0, 2);
	tcase_add_loop_test(tcase, link_closes, 0, 2);
	tcase_add_test(tcase, answer_that_does_not_leave);
	tcase_add_loop_test(tcase, token_is_that_of_the_migration, 0, 2);
	tcase_add_test(tcase, config_is_checked);
	tcase_add_test(tcase, damaged_note);
	tcase_add_test(tcase, no_resolver_no_call);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
