/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A peer that keeps to the format and yet is not what it should be. */
#include <linux/kvm.h>

#include "engine-fixture.h"
#include "record.h"

#define UNKNOWN 999u

/* What stands between the engines, per direction. */
static struct {
	uint8_t bytes[2 * RECORD_BODY_MAX];
	size_t have;
	uint64_t sequence;
	bool begun; /* the magic bytes have passed */
} ways[2];

/* what a test does with a record; false: it does not arrive */
static bool (*pass)(bool back, uint16_t type, uint8_t *body);
static bool talks;

static void put(bool back, const void *bytes, size_t count)
{
	ck_assert_int_eq(
		rig_pipe_put(back ? &rig.back : &rig.there, bytes, count), 0);
}

static void put_record(bool back, struct sevlm__record *record,
		       const void *body)
{
	uint8_t header[RECORD_HEADER_SIZE];

	record->sequence = ways[back].sequence++;
	sevlm__record_encode(record, header);
	put(back, header, sizeof(header));
	put(back, body, record->length);
}

static void put_unknown(bool back)
{
	struct sevlm__record record = {.length = 4, .type = UNKNOWN};

	put_record(back, &record, "news");
}

static void whole(bool back)
{
	uint8_t *bytes = ways[back].bytes;
	struct sevlm__record record;

	ck_assert_int_eq(sevlm__record_decode(bytes, &record), 0);
	if (pass(back, record.type, bytes + RECORD_HEADER_SIZE))
		put_record(back, &record, bytes + RECORD_HEADER_SIZE);
}

static void take(bool back, uint8_t byte)
{
	size_t need = RECORD_MAGIC_SIZE;
	struct sevlm__reader r;

	ways[back].bytes[ways[back].have++] = byte;
	if (ways[back].begun) {
		r = sevlm__reader(ways[back].bytes, RECORD_HEADER_SIZE);
		need = RECORD_HEADER_SIZE + sevlm__get32(&r);
	}
	if (ways[back].have < RECORD_HEADER_SIZE && ways[back].begun)
		return;
	if (ways[back].have < need)
		return;
	if (ways[back].begun)
		whole(back);
	else
		put(back, ways[back].bytes, need);
	ways[back].begun = true;
	ways[back].have = 0;
}

static void wire(struct rig_side *from, const void *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		take(from->target, ((const uint8_t *)bytes)[i]);
}

static void talk(struct rig *r)
{
	if (talks && !r->source.ended)
		put_unknown(true);
}

static void open_between(bool (*with)(bool back, uint16_t type, uint8_t *body))
{
	memset(ways, 0, sizeof(ways));
	talks = false;
	pass = with;
	open_rig();
	rig.hooks.wire = wire;
	rig.hooks.round = talk;
	start();
}

/* ---- it talks ----------------------------------------------------------- */

static bool more_from_the_target(bool back, uint16_t type, uint8_t *body)
{
	(void)body;
	if (!back && type == RECORD_PAGES)
		put_unknown(true);
	return true;
}

START_TEST(unknown_records_of_the_target_change_nothing)
{
	open_between(more_from_the_target);
	rig_run(&rig);
	expect_perfect();
	ck_assert_uint_gt(ways[1].sequence, 3);
}
END_TEST

static bool talks_instead(bool back, uint16_t type, uint8_t *body)
{
	(void)body;
	if (!back || type != RECORD_PREPARED)
		return true;
	talks = true;
	return false;
}

START_TEST(a_target_that_only_talks_is_given_up_in_time)
{
	uint64_t stood;

	open_between(talks_instead);
	while (!talks)
		rig_round(&rig);
	stood = rig.now_ns;
	rig_run(&rig);
	ck_assert_uint_lt(rig.now_ns - stood, plan.commit_ns + RIG_SECOND);
	expect_side(&rig.source, SEVLM_OUTCOME_ABORTED, -ETIMEDOUT,
		    "did nothing for 4 seconds");
	expect_sound();
	ck_assert(rig.source.running);
}
END_TEST

START_TEST(a_step_ends_however_much_there_is_to_skip)
{
	uint8_t record[RECORD_HEADER_SIZE + 4] = {0};
	struct sevlm__record header = {.length = 4, .type = UNKNOWN};
	size_t taken;

	open_between(talks_instead);
	while (!talks)
		rig_round(&rig);
	talks = false;
	while (rig_step(&rig.source) & SEVLM_WANT_STEP)
		;
	for (uint32_t i = 0; i < 3; i++) {
		header.sequence = ways[1].sequence++;
		sevlm__record_encode(&header, record);
		ck_assert_int_eq(sevlm_source_feed(rig.source.source_engine,
						   record, sizeof(record),
						   &taken),
				 0);
		ck_assert_uint_eq(taken, sizeof(record));
	}
	/* there may be more, so it is to be called again */
	ck_assert(rig_step(&rig.source) & SEVLM_WANT_STEP);
	ck_assert(!(rig_step(&rig.source) & SEVLM_WANT_STEP));
	rig_run(&rig);
	expect_sound();
}
END_TEST

/* ---- it sends a guest that nobody asked --------------------------------- */

static uint32_t control;

static bool other_consent(bool back, uint16_t type, uint8_t *body)
{
	/* the value of the second field; 12: of the first field's all */
	if (!back && type == RECORD_HELLO)
		body[88 + 12 + 8] = (uint8_t)control;
	return true;
}

static bool other_consent_at_end(bool back, uint16_t type, uint8_t *body)
{
	if (!back && type == RECORD_END)
		body[32] = (uint8_t)control;
	return true;
}

static const struct {
	uint32_t control;
	int cause;
	const char *says;
} consents[] = {
	{0, -EPERM, "was not offered"},
	{SEVLM_CONTROL_READY, -EPERM, "was not offered"},
	{SEVLM_CONTROL_OFFERED, -EPERM, "is not ready"},
	{SEVLM_CONTROL_OFFERED | SEVLM_CONTROL_READY | 0x40, -EPROTO,
	 "not known"},
};

static void refused(int at)
{
	rig_run(&rig);
	expect_side(&rig.target, SEVLM_OUTCOME_ABORTED, consents[at].cause,
		    consents[at].says);
	expect_sound();
	ck_assert(!rig.target.ran);
}

START_TEST(a_guest_that_was_not_asked_is_not_taken)
{
	control = consents[_i].control;
	open_between(other_consent);
	refused(_i);
	ck_assert_uint_eq(
		sevlm_sim_host_commands(rig.target.host, KVM_SEV_RECEIVE_START),
		0);
}
END_TEST

START_TEST(consent_that_ends_on_the_way_is_noticed)
{
	control = consents[_i].control;
	open_between(other_consent_at_end);
	refused(_i);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine-peer");
	TCase *tcase = tcase_create("engine-peer");
	const int count = sizeof(consents) / sizeof(consents[0]);

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, unknown_records_of_the_target_change_nothing);
	tcase_add_test(tcase, a_target_that_only_talks_is_given_up_in_time);
	tcase_add_test(tcase, a_step_ends_however_much_there_is_to_skip);
	tcase_add_loop_test(tcase, a_guest_that_was_not_asked_is_not_taken, 0,
			    count);
	tcase_add_loop_test(tcase, consent_that_ends_on_the_way_is_noticed, 0,
			    count);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
