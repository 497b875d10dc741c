/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "check-main.h"
#include "engine.h"

#define RATE 1000ull /* pages per second on the modelled wire */
#define LIMIT_NS (NS_PER_S / 10)

static struct sevlm__schedule s;
static uint64_t now;

/* a round of todo pages goes over the wire, one batch at a time */
static void send_round(uint64_t todo)
{
	uint64_t begun = now, sent = 0, part;

	sevlm__schedule_begin(&s, now, todo);
	while (sent < todo) {
		part = todo - sent < 64 ? todo - sent : 64;
		sent += part;
		now = begun + sent * NS_PER_S / RATE;
		sevlm__schedule_sent(&s, now, part);
	}
}

struct run {
	uint32_t decision; /* the last */
	uint32_t rounds; /* sent */
	uint32_t sure_after; /* rounds until a verdict was there */
	uint32_t verdict;
};

/* from rounds of first pages on, each leaves a part of num/den of the last */
static struct run run(uint64_t first, uint64_t num, uint64_t den,
		      uint32_t max_rounds)
{
	struct run run = {0};
	uint64_t todo = first;

	now = 5 * NS_PER_S;
	sevlm__schedule_init(&s, LIMIT_NS, max_rounds);
	while (run.rounds < 1000) {
		run.decision = sevlm__schedule_decide(&s, now, todo, todo);
		run.verdict = sevlm__schedule_verdict(&s);
		if (run.verdict && !run.sure_after)
			run.sure_after = run.rounds;
		if (run.decision != SCHEDULE_GO_ON)
			break;
		send_round(todo);
		run.rounds++;
		todo = todo * num / den;
	}
	return run;
}

/* ---- decisions ---- */

START_TEST(first_round)
{
	sevlm__schedule_init(&s, LIMIT_NS, 30);
	/* whatever there is: nothing was sent yet */
	ck_assert_uint_eq(sevlm__schedule_decide(&s, 0, 0, 0), SCHEDULE_GO_ON);
	ck_assert_uint_eq(sevlm__schedule_decide(&s, 7, 1, 1), SCHEDULE_GO_ON);
	ck_assert_uint_eq(sevlm__schedule_verdict(&s), SEVLM_VERDICT_UNKNOWN);
	ck_assert_uint_eq(sevlm__schedule_downtime(&s, 1), UINT64_MAX);
	ck_assert_uint_eq(sevlm__schedule_downtime(&s, 0), 0);
	ck_assert_uint_eq(sevlm__schedule_eta(&s, 1), UINT64_MAX);
}
END_TEST

static const struct {
	uint64_t num, den;
	uint32_t verdict, decision;
} shapes[] = {
	{1, 2, SEVLM_VERDICT_CONVERGES, SCHEDULE_STOP},
	{1, 4, SEVLM_VERDICT_CONVERGES, SCHEDULE_STOP},
	{3, 4, SEVLM_VERDICT_CONVERGES, SCHEDULE_STOP},
	{17, 20, SEVLM_VERDICT_CONVERGES, SCHEDULE_STOP},
	{1, 1, SEVLM_VERDICT_DIVERGES, SCHEDULE_GIVE_UP},
	{11, 10, SEVLM_VERDICT_DIVERGES, SCHEDULE_GIVE_UP},
	{19, 20, SEVLM_VERDICT_DIVERGES, SCHEDULE_GIVE_UP},
};

START_TEST(verdict_within_three_rounds)
{
	struct run got = run(100000, shapes[_i].num, shapes[_i].den, 60);

	ck_assert_uint_ge(got.sure_after, 1);
	ck_assert_uint_le(got.sure_after, 3);
	ck_assert_uint_eq(got.verdict, shapes[_i].verdict);
	ck_assert_uint_eq(got.decision, shapes[_i].decision);
}
END_TEST

/* one round that does not fit the others does not make a verdict */
START_TEST(mixed)
{
	static const uint64_t left[] = {1000, 500, 900, 400, 800, 300, 700};

	now = 0;
	sevlm__schedule_init(&s, 1, 100);
	for (size_t i = 0; i < ARRAY_SIZE(left); i++) {
		sevlm__schedule_decide(&s, now, left[i], left[i]);
		ck_assert_uint_eq(sevlm__schedule_verdict(&s),
				  SEVLM_VERDICT_UNKNOWN);
		send_round(left[i]);
	}
}
END_TEST

/* the limit is 100 ms, the wire 1000 pages per second */
START_TEST(stops_when_the_rest_fits)
{
	static const struct {
		uint64_t todo;
		uint32_t decision;
	} cases[] = {
		{0, SCHEDULE_STOP},	  {1, SCHEDULE_STOP},
		{100, SCHEDULE_STOP},	  {101, SCHEDULE_GO_ON},
		{100000, SCHEDULE_GO_ON},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		now = 0;
		sevlm__schedule_init(&s, LIMIT_NS, 30);
		send_round(10000);
		ck_assert_uint_eq(
			sevlm__schedule_decide(&s, now, cases[i].todo, 0),
			cases[i].decision);
	}
}
END_TEST

START_TEST(gives_up)
{
	struct run got = run(100000, 1, 1, (uint32_t)_i);

	ck_assert_uint_eq(got.decision, SCHEDULE_GIVE_UP);
	ck_assert_uint_eq(got.rounds, _i);
	/* the last round counts: what fits then is a stop */
	ck_assert_uint_eq(sevlm__schedule_decide(&s, now, 1, 1), SCHEDULE_STOP);
}
END_TEST

START_TEST(stops_in_time)
{
	struct run got = run(100000, 1, 2, 30);

	/* 100000 / 2^10 is below the 100 pages that fit */
	ck_assert_uint_eq(got.decision, SCHEDULE_STOP);
	ck_assert_uint_eq(got.rounds, 10);
}
END_TEST

/* ---- figures ---- */

START_TEST(downtime)
{
	now = 0;
	sevlm__schedule_init(&s, LIMIT_NS, 30);
	send_round(5000);
	ck_assert_uint_eq(s.rate, RATE);
	ck_assert_uint_eq(sevlm__schedule_downtime(&s, 0), 0);
	ck_assert_uint_eq(sevlm__schedule_downtime(&s, 1000), NS_PER_S);
	ck_assert_uint_eq(sevlm__schedule_downtime(&s, 1), NS_PER_S / 1000);
}
END_TEST

START_TEST(eta)
{
	now = 0;
	sevlm__schedule_init(&s, LIMIT_NS, 30);
	send_round(1000);
	ck_assert_uint_eq(sevlm__schedule_eta(&s, 500), NS_PER_S / 2);
	ck_assert_uint_eq(sevlm__schedule_eta(&s, 0), 0);
	/* half of what is sent comes back: twice the time */
	sevlm__schedule_decide(&s, now, 600, 500);
	ck_assert_uint_eq(s.dirtied, 500);
	ck_assert_uint_eq(sevlm__schedule_eta(&s, 500), NS_PER_S);
	/* as much as is sent, or more: never */
	sevlm__schedule_decide(&s, now, 1000, 1000);
	ck_assert_uint_eq(sevlm__schedule_eta(&s, 500), UINT64_MAX);
	sevlm__schedule_decide(&s, now, 5000, 5000);
	ck_assert_uint_eq(sevlm__schedule_eta(&s, 500), UINT64_MAX);
}
END_TEST

/* the rate follows the round that runs */
START_TEST(rate)
{
	now = 0;
	sevlm__schedule_init(&s, LIMIT_NS, 30);
	send_round(1000);
	sevlm__schedule_begin(&s, now, 100);
	ck_assert_uint_eq(s.rate, RATE);
	sevlm__schedule_sent(&s, now + NS_PER_S, 100);
	ck_assert_uint_eq(s.rate, 100);
}
END_TEST

/* ---- the edges of numbers ---- */

static const uint64_t odd[] = {
	0,
	1,
	2,
	1ull << 32,
	1ull << 40,
	1ull << 52,
	UINT64_MAX / 2,
	UINT64_MAX - 1,
	UINT64_MAX,
};

#define ODD ((int)ARRAY_SIZE(odd))

static uint64_t bounded(long double value)
{
	const uint64_t most = UINT64_MAX / 2;

	return value < (long double)most ? (uint64_t)value : most;
}

/* the same but for rounding, one part in a million or one */
static void expect_near(uint64_t got, uint64_t expected)
{
	uint64_t slack = expected / 1000000 + 1;

	ck_assert_uint_ge(got,
			  expected - (expected < slack ? expected : slack));
	ck_assert_uint_le(got, expected + slack);
}

static uint64_t per_second(uint64_t count, uint64_t ns)
{
	return ns ? bounded((long double)count * NS_PER_S / ns) : 0;
}

/* nothing divides by zero, converts out of range or runs backwards */
START_TEST(huge)
{
	for (int i = 0; i < ODD * ODD * ODD; i++) {
		uint64_t ns = odd[i % ODD], todo = odd[i / ODD % ODD];
		uint64_t fresh = odd[i / ODD / ODD], end;
		uint32_t decision;

		sevlm__schedule_init(&s, odd[_i], 2);
		sevlm__schedule_begin(&s, 0, todo);
		sevlm__schedule_sent(&s, ns, fresh);
		decision = sevlm__schedule_decide(&s, ns, todo, fresh);
		ck_assert_uint_le(decision, SCHEDULE_GIVE_UP);
		expect_near(s.rate, per_second(fresh, ns));
		expect_near(s.dirtied, per_second(fresh, ns));
		ck_assert_uint_eq(sevlm__schedule_downtime(&s, todo) ==
					  UINT64_MAX,
				  todo && !s.rate);
		end = sevlm__schedule_eta(&s, todo);
		/* as much comes back as is sent */
		ck_assert_uint_eq(end, UINT64_MAX);
		ck_assert_uint_eq(sevlm__schedule_verdict(&s),
				  SEVLM_VERDICT_UNKNOWN);
	}
}
END_TEST

START_TEST(huge_eta)
{
	for (int i = 0; i < ODD * ODD; i++) {
		uint64_t speed = odd[i % ODD], left = odd[i / ODD];
		long double expected;

		sevlm__schedule_init(&s, 0, 2);
		if (!speed)
			continue;
		s.rate = speed;
		expect_near(sevlm__schedule_eta(&s, left),
			    bounded((long double)left * NS_PER_S / speed));
		s.dirtied = speed / 2;
		expected = (long double)bounded((long double)left * NS_PER_S /
						speed);
		expect_near(sevlm__schedule_eta(&s, left),
			    bounded(expected * speed / (speed - speed / 2)));
	}
}
END_TEST

/* more left than before is growth, however large the numbers */
START_TEST(huge_verdicts)
{
	sevlm__schedule_init(&s, 0, 100);
	for (uint64_t todo = 1ull << 62; s.round < 4; todo >>= 1) {
		sevlm__schedule_decide(&s, now, todo, 0);
		sevlm__schedule_begin(&s, now, todo);
	}
	ck_assert_uint_eq(sevlm__schedule_verdict(&s), SEVLM_VERDICT_CONVERGES);
	sevlm__schedule_init(&s, 0, 100);
	for (uint64_t todo = 1ull << 59; s.round < 4; todo <<= 1) {
		sevlm__schedule_decide(&s, now, todo, 0);
		sevlm__schedule_begin(&s, now, todo);
	}
	ck_assert_uint_eq(sevlm__schedule_verdict(&s), SEVLM_VERDICT_DIVERGES);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("schedule");
	TCase *tcase = tcase_create("schedule");

	tcase_add_test(tcase, first_round);
	tcase_add_loop_test(tcase, verdict_within_three_rounds, 0,
			    ARRAY_SIZE(shapes));
	tcase_add_test(tcase, mixed);
	tcase_add_test(tcase, stops_when_the_rest_fits);
	tcase_add_loop_test(tcase, gives_up, 1, 31);
	tcase_add_test(tcase, stops_in_time);
	tcase_add_test(tcase, downtime);
	tcase_add_test(tcase, eta);
	tcase_add_test(tcase, rate);
	tcase_add_loop_test(tcase, huge, 0, ODD);
	tcase_add_test(tcase, huge_eta);
	tcase_add_test(tcase, huge_verdicts);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
