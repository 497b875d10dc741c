/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Each side alone, in each state of a doubt: what it says, and what a word of
 * its peer, true or not, makes of it. */
#include <linux/kvm.h>

#include "resolve-fixture.h"

/* ---- the target --------------------------------------------------------- */

#define TOOK_OVER (SEVLM_WANT_PERSIST | SEVLM_WANT_RUN)
#define TWICE "it may run twice"

static const struct {
	enum stand stand;
	uint32_t verdict; /* the source's */
	uint32_t before, after; /* its outcome */
	uint32_t says;
	uint32_t asked;
	const char *words;
} answers[] = {
	{COMMIT_LOST, VERDICT_COMMITTED, IN_DOUBT, COMPLETED, VERDICT_STARTED,
	 TOOK_OVER, ""},
	{COMMIT_LOST, VERDICT_KEPT, IN_DOUBT, ABORTED, VERDICT_NEVER, 0,
	 "the source kept the guest"},
	{PREPARED_LOST, VERDICT_KEPT, IN_DOUBT, ABORTED, VERDICT_NEVER, 0,
	 "the source kept the guest"},
	{STARTED_LOST, VERDICT_COMMITTED, COMPLETED, COMPLETED, VERDICT_STARTED,
	 0, ""},
	{STARTED_LOST, VERDICT_KEPT, COMPLETED, COMPLETED, VERDICT_STARTED, 0,
	 TWICE},
	{TARGET_LOST_IT, VERDICT_COMMITTED, LOST, LOST, VERDICT_LOST, 0,
	 "run the guest"},
	{TARGET_LOST_IT, VERDICT_KEPT, LOST, LOST, VERDICT_LOST, 0, TWICE},
	{TARGET_GAVE_UP, VERDICT_COMMITTED, CANCELLED, CANCELLED, VERDICT_NEVER,
	 0, "cancelled"},
	{TARGET_GAVE_UP, VERDICT_KEPT, CANCELLED, CANCELLED, VERDICT_NEVER, 0,
	 "cancelled"},
	{CANNOT_PERSIST, VERDICT_COMMITTED, ABORTED, ABORTED, VERDICT_NEVER, 0,
	 "persist its note"},
	{CANNOT_PERSIST, VERDICT_KEPT, ABORTED, ABORTED, VERDICT_NEVER, 0,
	 "said COMMITTED before, and says KEPT now"},
};

static void expect_answer(int row)
{
	struct rig_side *target = &rig.target;

	ck_assert_uint_eq(said_by(target), answers[row].says);
	ck_assert_uint_eq(target->outcome, answers[row].after);
	ck_assert_msg(strstr(target->error, answers[row].words), "'%s'",
		      target->error);
	if (!*answers[row].words)
		ck_assert_str_eq(target->error, "");
	ck_assert_uint_eq(!target->cause, answers[row].after == COMPLETED);
}

START_TEST(target_answers)
{
	struct rig_side *target = &rig.target;

	bring_about(answers[_i].stand);
	ck_assert_uint_eq(target->outcome, answers[_i].before);
	say(target, answers[_i].verdict);
	hear_word(target);
	expect_answer(_i);
	ck_assert_uint_eq(target->asked, answers[_i].asked);
	/* a word that was heard before changes nothing */
	for (int again = 0; again < 3; again++) {
		say(target, answers[_i].verdict);
		hear_word(target);
		expect_answer(_i);
		ck_assert_uint_eq(target->asked, 0);
	}
}
END_TEST

/* and then the source says the other word: it is not believed */
static const struct {
	uint32_t first, then, after, says;
	const char *words;
} turns[] = {
	{VERDICT_COMMITTED, VERDICT_KEPT, COMPLETED, VERDICT_STARTED, TWICE},
	{VERDICT_KEPT, VERDICT_COMMITTED, ABORTED, VERDICT_NEVER,
	 "said KEPT before, and says COMMITTED now"},
};

START_TEST(source_that_contradicts_itself)
{
	struct rig_side *target = &rig.target;

	bring_about(COMMIT_LOST);
	say(target, turns[_i].first);
	hear_word(target);
	say(target, turns[_i].then);
	hear_word(target);
	ck_assert_uint_eq(said_by(target), turns[_i].says);
	ck_assert_uint_eq(target->outcome, turns[_i].after);
	ck_assert_uint_eq(target->asked, 0);
	ck_assert_msg(strstr(target->error, turns[_i].words), "'%s'",
		      target->error);
	/* the sentence is of that attempt only */
	say(target, turns[_i].first);
	hear_word(target);
	ck_assert_msg(!strstr(target->error, turns[_i].words), "'%s'",
		      target->error);
}
END_TEST

/* ---- the target's VMM cannot, or does not want to ------------------------ */

static int cannot(struct rig_side *side, uint32_t want)
{
	return want == *(uint32_t *)side->rig->hooks.data ?
		       -EIO :
		       rig_vmm_answer(side, want);
}

static const struct {
	uint32_t want, after, says;
} inabilities[] = {
	{SEVLM_WANT_PERSIST, ABORTED, VERDICT_NEVER},
	{SEVLM_WANT_RUN, LOST, VERDICT_LOST},
};

START_TEST(target_that_cannot)
{
	uint32_t want = inabilities[_i].want;
	struct rig_side *target = &rig.target;

	bring_about(COMMIT_LOST);
	rig.hooks.answer = cannot;
	rig.hooks.data = &want;
	for (int again = 0; again < 2; again++) {
		say(target, VERDICT_COMMITTED);
		hear_word(target);
		ck_assert_uint_eq(said_by(target), inabilities[_i].says);
		ck_assert_uint_eq(target->outcome, inabilities[_i].after);
		ck_assert_int_eq(target->cause, -EIO);
		ck_assert(!target->running);
	}
}
END_TEST

/* before the source spoke: a decision as good as any */
START_TEST(target_that_is_cancelled)
{
	struct rig_side *target = &rig.target;

	bring_about(COMMIT_LOST);
	rig_cancel(target);
	say(target, _i ? VERDICT_KEPT : VERDICT_COMMITTED);
	hear_word(target);
	ck_assert_uint_eq(said_by(target), VERDICT_NEVER);
	expect_side(target, CANCELLED, -ECANCELED, "cancelled");
	ck_assert_uint_eq(target->asked, 0);
}
END_TEST

START_TEST(cancel_of_what_is_decided)
{
	struct rig_side *target = &rig.target;

	bring_about(STARTED_LOST);
	rig_cancel(target);
	say(target, VERDICT_COMMITTED);
	hear_word(target);
	ck_assert_uint_eq(said_by(target), VERDICT_STARTED);
	expect_side(target, COMPLETED, 0, "");
}
END_TEST

/* ---- the source --------------------------------------------------------- */

static const struct {
	enum stand stand;
	uint32_t verdict; /* the target's */
	uint32_t after;
	uint32_t asked;
	bool over; /* nothing is left to resolve */
	const char *words;
} endings[] = {
	{COMMIT_LOST, VERDICT_STARTED, COMPLETED, 0, true, ""},
	{COMMIT_LOST, VERDICT_NEVER, ABORTED, SEVLM_WANT_RESUME, true,
	 "it will never start the guest"},
	{COMMIT_LOST, VERDICT_LOST, LOST, 0, true, "could not run it"},
	{PREPARED_LOST, VERDICT_STARTED, ABORTED, 0, false,
	 "the target says STARTED of it: it may run twice"},
	{PREPARED_LOST, VERDICT_NEVER, ABORTED, 0, true, "the peer is gone"},
	{PREPARED_LOST, VERDICT_LOST, ABORTED, 0, false,
	 "the target says LOST of it: it may run twice"},
};

START_TEST(source_learns)
{
	bool kept = endings[_i].stand == PREPARED_LOST;
	struct rig_side *source = &rig.source;
	uint64_t finished, cancelled;

	bring_about(endings[_i].stand);
	finished = sevlm_sim_host_commands(source->host, KVM_SEV_SEND_FINISH);
	cancelled = sevlm_sim_host_commands(source->host, KVM_SEV_SEND_CANCEL);
	say(source, endings[_i].verdict);
	hear_word(source);
	ck_assert_uint_eq(said_by(source),
			  kept ? VERDICT_KEPT : VERDICT_COMMITTED);
	ck_assert_uint_eq(source->outcome, endings[_i].after);
	ck_assert_uint_eq(source->asked, endings[_i].asked);
	ck_assert_msg(strstr(source->error, endings[_i].words), "'%s'",
		      source->error);
	ck_assert_int_eq(!source->cause, endings[_i].after == COMPLETED);
	ck_assert_int_eq(source->running, endings[_i].after == ABORTED);
	ck_assert_uint_eq(sevlm_sim_host_commands(source->host,
						  KVM_SEV_SEND_FINISH) -
				  finished,
			  endings[_i].after == COMPLETED);
	ck_assert_uint_eq(sevlm_sim_host_commands(source->host,
						  KVM_SEV_SEND_CANCEL) -
				  cancelled,
			  endings[_i].after == ABORTED && !kept);
	ck_assert_int_eq(reconnect(source), endings[_i].over ? -EBADFD : 0);
}
END_TEST

/* the guest that was given back can be moved */
START_TEST(source_moves_it_again)
{
	bring_about(COMMIT_LOST);
	say(&rig.source, VERDICT_NEVER);
	hear_word(&rig.source);
	expect_again();
}
END_TEST

/* ---- words that are none ------------------------------------------------- */

static void wrong_role(struct rig_side *to)
{
	struct sevlm__resolve own =
		verdict_of(session_of(to),
			   to->target ? ROLE_TARGET : ROLE_SOURCE,
			   to->target ? VERDICT_STARTED : VERDICT_COMMITTED);

	write_word(&own);
}

static void wrong_token(struct rig_side *to)
{
	say(to, to->target ? VERDICT_COMMITTED : VERDICT_STARTED);
	word[RECORD_MAGIC_SIZE + RECORD_HEADER_SIZE + 8] ^= 1;
}

static void wrong_mac(struct rig_side *to)
{
	say(to, to->target ? VERDICT_COMMITTED : VERDICT_STARTED);
	word[sizeof(word) - 1] ^= 0x80;
}

/* the proof of another verdict */
static void another_verdict(struct rig_side *to)
{
	uint32_t role = to->target ? ROLE_SOURCE : ROLE_TARGET;
	struct sevlm__resolve resolve =
		verdict_of(session_of(to), role,
			   to->target ? VERDICT_COMMITTED : VERDICT_NEVER);

	resolve.verdict = to->target ? VERDICT_KEPT : VERDICT_STARTED;
	write_word(&resolve);
}

/* a true word, as a session that differs in one place has it */
static void write_word_of(const struct sevlm__engine *other,
			  const struct rig_side *to)
{
	struct sevlm__resolve resolve = verdict_of(
		other, to->target ? ROLE_SOURCE : ROLE_TARGET,
		to->target ? VERDICT_COMMITTED : VERDICT_STARTED);

	write_word(&resolve);
}

static void another_session(struct rig_side *to)
{
	struct sevlm__engine other = *session_of(to);

	other.nonces[0][5] ^= 1;
	ck_assert_int_eq(sevlm__commit_key(&other), 0);
	write_word_of(&other, to);
}

/* it knows the name, which is public, and not the key */
static void another_key(struct rig_side *to)
{
	struct sevlm__engine other = *session_of(to);

	other.key[31] ^= 1;
	write_word_of(&other, to);
}

static void role_of_nobody(struct rig_side *to)
{
	say(to, to->target ? VERDICT_COMMITTED : VERDICT_STARTED);
	word[RECORD_MAGIC_SIZE + RECORD_HEADER_SIZE] = 3;
}

static void verdict_of_the_other(struct rig_side *to)
{
	uint32_t role = to->target ? ROLE_SOURCE : ROLE_TARGET;
	struct sevlm__resolve resolve =
		verdict_of(session_of(to), role,
			   to->target ? VERDICT_STARTED : VERDICT_COMMITTED);

	write_word(&resolve);
}

static void another_record(struct rig_side *to)
{
	say(to, to->target ? VERDICT_COMMITTED : VERDICT_STARTED);
	word[RECORD_MAGIC_SIZE + 4] = RECORD_ABORT;
}

static void second_record(struct rig_side *to)
{
	say(to, to->target ? VERDICT_COMMITTED : VERDICT_STARTED);
	word[RECORD_MAGIC_SIZE + 16] = 1;
}

static void later_epoch(struct rig_side *to)
{
	say(to, to->target ? VERDICT_COMMITTED : VERDICT_STARTED);
	word[RECORD_MAGIC_SIZE + 8] = 1;
}

static void no_stream(struct rig_side *to)
{
	say(to, to->target ? VERDICT_COMMITTED : VERDICT_STARTED);
	word[0] ^= 1;
}

static const struct {
	void (*write)(struct rig_side *to);
	const char *words;
} lies[] = {
	{wrong_role, "'s was due"},
	{wrong_token, "resolves another session"},
	{wrong_mac, "of this session did not give"},
	{another_verdict, "of this session did not give"},
	{another_session, "resolves another session"},
	{another_key, "of this session did not give"},
	{role_of_nobody, "RESOLVE is malformed"},
	{verdict_of_the_other, "RESOLVE is malformed"},
	{another_record, "record type 15 where a verdict was due"},
	{second_record, "record 1 came where 0 was due"},
	{later_epoch, "epoch 1"},
	{no_stream, "does not speak this protocol"},
};

/* each lie to each side in each stand; then the truth is still believed */
START_TEST(lie_changes_nothing)
{
	bool to_target = _i % 2;
	enum stand which = (enum stand)(_i / 2);
	struct rig_side *side = to_target ? &rig.target : &rig.source;
	uint32_t outcome;
	int cause;

	bring_about(which);
	outcome = side->outcome;
	cause = side->cause;
	for (int i = 0; i < COUNT(lies); i++) {
		lies[i].write(side);
		hear_word(side);
		ck_assert_uint_eq(side->outcome, outcome);
		ck_assert_int_eq(side->cause, cause);
		ck_assert_uint_eq(side->asked, 0);
		ck_assert_uint_eq(said_by(side),
				  to_target		? 0 :
				  which == PREPARED_LOST ? VERDICT_KEPT :
							   VERDICT_COMMITTED);
		ck_assert_msg(strstr(side->error, lies[i].words), "'%s'",
			      side->error);
	}
	say(side, to_target ? VERDICT_COMMITTED : VERDICT_NEVER);
	hear_word(side);
	ck_assert_uint_ne(said_by(side), 0);
	ck_assert_uint_ne(side->outcome, IN_DOUBT);
}
END_TEST

START_TEST(every_byte_counts)
{
	struct rig_side *target = &rig.target;

	bring_about(COMMIT_LOST);
	for (size_t i = 0; i < sizeof(word); i++) {
		say(target, VERDICT_COMMITTED);
		word[i] ^= 0x10;
		hear_word(target);
		ck_assert_uint_eq(target->outcome, IN_DOUBT);
		ck_assert_uint_eq(said_bytes, 0);
	}
}
END_TEST

/* cut off anywhere, it is no word */
START_TEST(half_a_word)
{
	struct rig_side *side = _i ? &rig.target : &rig.source;

	bring_about(COMMIT_LOST);
	for (size_t i = 0; i < sizeof(word); i++) {
		say(side, _i ? VERDICT_COMMITTED : VERDICT_STARTED);
		hear(side, word, i);
		expect_side(side, IN_DOUBT, side->cause,
			    "gave no verdict within");
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("resolve");
	TCase *tcase = tcase_create("resolve");

	tcase_set_timeout(tcase, 300);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, target_answers, 0, COUNT(answers));
	tcase_add_loop_test(tcase, source_that_contradicts_itself, 0,
			    COUNT(turns));
	tcase_add_loop_test(tcase, target_that_cannot, 0, COUNT(inabilities));
	tcase_add_loop_test(tcase, target_that_is_cancelled, 0, 2);
	tcase_add_test(tcase, cancel_of_what_is_decided);
	tcase_add_loop_test(tcase, source_learns, 0, COUNT(endings));
	tcase_add_test(tcase, source_moves_it_again);
	tcase_add_loop_test(tcase, lie_changes_nothing, 0, 2 * STANDS);
	tcase_add_test(tcase, every_byte_counts);
	tcase_add_loop_test(tcase, half_a_word, 0, 2);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
