/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One rig per test, with a plan that a test may change before it opens. */
#ifndef SEVLM_ENGINE_FIXTURE_H
#define SEVLM_ENGINE_FIXTURE_H

#include <errno.h>
#include <string.h>

#include "check-main.h"
#include "rig.h"

static struct rig_hosts hosts;
static struct rig rig;
static struct rig_plan plan;

static inline void setup(void)
{
	ck_assert_int_eq(rig_hosts_new(&hosts, 9, 2), 0);
	plan = (struct rig_plan){
		.seed = 5,
		.memory = 96 * RIG_PAGE,
		.workload = SEVLM_SIM_RANDOM,
		.steps = 500,
		.batch = 16,
		.bandwidth = 200000000,
		.max_rounds = 8,
		.stop_anyway = 1,
		.hello_ns = 2 * RIG_SECOND,
		.stall_ns = 3 * RIG_SECOND,
		.commit_ns = 4 * RIG_SECOND,
	};
}

static inline void teardown(void)
{
	rig_close(&rig);
	ck_assert(rig_hosts_clean(&hosts));
	rig_hosts_free(&hosts);
}

static inline void open_rig(void)
{
	ck_assert_int_eq(rig_open(&rig, &hosts, &plan), 0);
}

static inline void start(void)
{
	int ret = rig_start(&rig);

	ck_assert_msg(!ret, "%d: %s; %s", ret, sevlm_vm_error(rig.source.vm),
		      sevlm_vm_error(rig.target.vm));
}

static inline void run_rig(void)
{
	open_rig();
	start();
	rig_run(&rig);
}

static inline void expect_perfect(void)
{
	const char *wrong = rig_not_perfect(&rig);

	ck_assert_msg(!wrong, "%s", wrong);
}

/* nothing that no migration may end in */
static inline void expect_sound(void)
{
	const char *wrong = rig_wrong(&rig);

	ck_assert_msg(!wrong, "%s", wrong);
}

static inline void expect_side(const struct rig_side *side, uint32_t outcome,
			       int cause, const char *words)
{
	ck_assert_msg(side->ended, "%s has not ended", side->name);
	ck_assert_msg(side->outcome == outcome, "%s: %s, not %s: %s",
		      side->name, rig_outcome_name(side->outcome),
		      rig_outcome_name(outcome), side->error);
	ck_assert_msg(side->cause == cause, "%s: cause %d, not %d: %s",
		      side->name, side->cause, cause, side->error);
	ck_assert_msg(strstr(side->error, words), "%s says \"%s\"", side->name,
		      side->error);
}

/* The guest that stayed can be moved after all. */
static inline void expect_again(void)
{
	ck_assert(rig.source.running);
	ck_assert(!rig.target.ran);
	ck_assert_int_eq(rig_again(&rig), 0);
	start();
	rig_run(&rig);
	expect_perfect();
}

/* rounds until the side is in the phase */
static inline void reach(struct rig_side *side, uint32_t phase)
{
	while (side->phase < phase && !rig_done(&rig))
		rig_round(&rig);
	ck_assert_uint_eq(side->phase, phase);
}

#endif /* SEVLM_ENGINE_FIXTURE_H */
