/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Four pages in one packet: where they travel, and where they must not. */
#include <linux/kvm.h>

#include "engine-fixture.h"

/* what a command is taken to cost, whatever it moves */
#define PSP_NS 226000ull

struct counts {
	uint64_t sent, received;	/* commands */
	uint64_t refused;		/* by the source's kernel */
	uint64_t psp_ns;
};
static struct counts counts;

static void count(struct rig_side *side, const struct kvm_sev_cmd *cmd, int ret)
{
	bool sends = cmd->id == KVM_SEV_SEND_UPDATE_DATA;

	if (!sends && cmd->id != KVM_SEV_RECEIVE_UPDATE_DATA)
		return;
	if (ret) {
		counts.refused++;
		return;
	}
	counts.sent += sends;
	counts.received += !sends;
	side->rig->now_ns += PSP_NS;
	counts.psp_ns += PSP_NS;
}

/* a firmware that takes its time, of the clock that there is */
static int slow_door(struct rig_side *side, uint32_t request, void *arg)
{
	int ret = rig_vmm_door(side, request, arg);

	if (request == KVM_MEMORY_ENCRYPT_OP && arg)
		count(side, arg, ret);
	return ret;
}

static void set_up(void)
{
	setup();
	memset(&counts, 0, sizeof(counts));
	plan.batch = 64;
	plan.contiguous[0] = plan.contiguous[1] = true;
}

static void run_counted(void)
{
	open_rig();
	rig.hooks.door = slow_door;
	start();
	rig_run(&rig);
}

/* What an idle guest takes by its own page tables: a command per page, but one
 * for four that are private and in one region. */
static uint64_t expected(void)
{
	uint64_t split = plan.split / RIG_PAGE, end = plan.memory / RIG_PAGE;
	uint64_t ret = 0;

	for (uint64_t page = 0; page < end; page += 4) {
		bool whole = page + 4 <= end &&
			     !(page < split && split < page + 4);
		uint32_t count = 0;

		for (uint64_t i = page; i < page + 4 && i < end; i++)
			count += !sevlm_sim_vm_shared(rig.source.sim,
						      i * RIG_PAGE);
		ret += whole && count == 4 ? 1 : count;
	}
	return ret;
}

static void expect_packets(void)
{
	ck_assert_uint_eq(rig.source.progress.packets, counts.sent);
	ck_assert_uint_eq(rig.target.progress.packets, counts.received);
	ck_assert_uint_eq(counts.sent, counts.received);
}

static uint64_t private_pages(void)
{
	return rig.source.progress.private_pages;
}

/* not one block */
static void expect_single(void)
{
	expect_perfect();
	expect_packets();
	ck_assert_uint_eq(counts.sent, private_pages());
}

START_TEST(contiguous_memory_takes_a_quarter_of_the_commands)
{
	struct counts singly;

	plan.workload = SEVLM_SIM_IDLE;
	plan.memory = 2048 * RIG_PAGE;
	plan.contiguous[1] = false;
	run_counted();
	expect_single();
	/* booting shares one block of pages */
	ck_assert_uint_eq(counts.sent, 2044);
	singly = counts;
	rig_close(&rig);

	memset(&counts, 0, sizeof(counts));
	plan.contiguous[1] = true;
	run_counted();
	expect_perfect();
	expect_packets();
	ck_assert_uint_eq(private_pages(), 2044);
	ck_assert_uint_eq(counts.sent, 511);
	ck_assert_uint_eq(counts.psp_ns * 4, singly.psp_ns);
	ck_assert_uint_eq(counts.refused, 0);
}
END_TEST

START_TEST(every_workload_arrives_in_blocks)
{
	plan.workload = (uint32_t)_i;
	plan.interleave = true;
	plan.device = true;
	plan.fragment = 3000;
	run_counted();
	expect_perfect();
	/* what changed its state under way was thrown away */
	ck_assert_uint_le(rig.source.progress.packets, counts.sent);
	ck_assert_uint_lt(rig.source.progress.packets, private_pages());
	ck_assert_uint_eq(counts.refused, 0);
}
END_TEST

/* pages shared here and there: only their blocks go page by page */
START_TEST(mixed_blocks_go_page_by_page)
{
	uint64_t commands;

	plan.workload = SEVLM_SIM_FLIP;
	plan.steps = 0;
	plan.memory = 256 * RIG_PAGE;
	plan.split = (100 + (uint64_t)_i) * RIG_PAGE;
	open_rig();
	rig_vmm_run(&rig.source, 100 + 30 * (uint64_t)_i);
	rig_vmm_settle(&rig.source);
	commands = expected();
	rig.hooks.door = slow_door;
	start();
	rig_run(&rig);
	expect_perfect();
	expect_packets();
	ck_assert_uint_eq(counts.sent, commands);
	/* there were some of both */
	ck_assert_uint_gt(commands, (private_pages() + 3) / 4);
	ck_assert_uint_lt(commands, private_pages());
}
END_TEST

/* one side alone is not enough, nor is a kernel alone */
static const struct {
	bool contiguous[2];
	bool old_kernel[2];
} halves[] = {
	{{true, false}, {false, false}}, {{false, true}, {false, false}},
	{{false, false}, {false, false}}, {{true, true}, {true, false}},
	{{true, true}, {false, true}},	 {{true, true}, {true, true}},
};

START_TEST(half_of_it_goes_page_by_page)
{
	memcpy(plan.contiguous, halves[_i].contiguous, sizeof(plan.contiguous));
	memcpy(plan.old_kernel, halves[_i].old_kernel, sizeof(plan.old_kernel));
	run_counted();
	expect_single();
	ck_assert_uint_eq(counts.refused, 0);
}
END_TEST

START_TEST(a_small_batch_goes_page_by_page)
{
	plan.batch = (uint32_t)_i;
	run_counted();
	expect_perfect();
	expect_packets();
	if (_i < 4)
		ck_assert_uint_eq(counts.sent, private_pages());
	else
		ck_assert_uint_lt(counts.sent, private_pages());
}
END_TEST

/* the VMM was wrong about its memory: it is found out once per region */
START_TEST(scattered_memory_is_tried_once)
{
	plan.scattered[0] = true;
	plan.split = 50 * RIG_PAGE;
	run_counted();
	expect_single();
	ck_assert_uint_eq(counts.refused, 2);
	ck_assert_str_eq(sevlm_vm_error(rig.source.vm), "");
}
END_TEST

/* firmware that takes less than the kernel says */
START_TEST(firmware_that_takes_less_is_asked_once)
{
	struct sevlm_sim_fault fault = {
		.size = sizeof(fault),
		.command = KVM_SEV_SEND_UPDATE_DATA,
		.where = SEVLM_SIM_FAULT_STATUS,
		.after = 3,
		.times = 1,
		.status = 0x04,
	};

	plan.workload = SEVLM_SIM_IDLE;
	open_rig();
	rig.hooks.door = slow_door;
	start();
	ck_assert_int_eq(sevlm_sim_host_fail(rig.source.host, &fault), 0);
	rig_run(&rig);
	expect_perfect();
	ck_assert_uint_eq(counts.refused, 1);
	ck_assert_uint_eq(counts.sent, 3 + (private_pages() - 12));
}
END_TEST

static const int errors[] = {EIO, ENOMEM, EINTR, EPERM, EBUSY, ETIMEDOUT};

START_TEST(other_failures_end_it)
{
	struct sevlm_sim_fault fault = {
		.size = sizeof(fault),
		.command = KVM_SEV_SEND_UPDATE_DATA,
		.where = SEVLM_SIM_FAULT_BEFORE,
		.after = 2,
		.times = 1,
		.error = errors[_i],
	};

	open_rig();
	start();
	ck_assert_int_eq(sevlm_sim_host_fail(rig.source.host, &fault), 0);
	rig_run(&rig);
	ck_assert_uint_eq(rig.source.outcome, SEVLM_OUTCOME_ABORTED);
	expect_sound();
	expect_again();
}
END_TEST

/* a target that is wrong about its memory cannot receive what was made */
START_TEST(a_target_that_is_wrong_ends_it)
{
	plan.scattered[1] = true;
	run_rig();
	expect_side(&rig.target, SEVLM_OUTCOME_ABORTED, -ENOTSUP,
		    "RECEIVE_UPDATE_DATA");
	ck_assert_uint_eq(rig.source.outcome, SEVLM_OUTCOME_ABORTED);
	expect_sound();
	/* it thinks better of it */
	rig.plan.contiguous[1] = false;
	expect_again();
	ck_assert_uint_eq(rig.source.progress.packets, private_pages());
}
END_TEST

/* what the last target could says nothing of the next */
START_TEST(each_migration_asks_anew)
{
	run_counted();
	expect_perfect();
	ck_assert_uint_lt(counts.sent, private_pages());
	rig.plan.contiguous[1] = false;
	ck_assert_int_eq(rig_turn(&rig), 0);
	start();
	rig_run(&rig);
	expect_perfect();
	ck_assert_uint_eq(rig.source.progress.packets, private_pages());
	rig.plan.contiguous[1] = true;
	ck_assert_int_eq(rig_turn(&rig), 0);
	start();
	rig_run(&rig);
	expect_perfect();
	/* its RAM was not contiguous when it was the target */
	ck_assert_uint_eq(rig.source.progress.packets, private_pages());
}
END_TEST

/* a region ends within what would be a block, and another begins there */
START_TEST(blocks_do_not_leave_their_region)
{
	uint64_t commands;

	plan.workload = SEVLM_SIM_IDLE;
	plan.split = (40 + (uint64_t)_i) * RIG_PAGE;
	plan.memory = 97 * RIG_PAGE;
	open_rig();
	commands = expected();
	rig.hooks.door = slow_door;
	start();
	rig_run(&rig);
	expect_perfect();
	expect_packets();
	ck_assert_uint_eq(counts.sent, commands);
}
END_TEST

/* ---- memory that goes and comes back ---- */

static uint32_t changes, blocks_there;

static int watching_door(struct rig_side *side, uint32_t request, void *arg)
{
	const struct kvm_sev_send_update_data *data;
	const struct kvm_sev_cmd *cmd = arg;
	uint64_t back = (uintptr_t)side->ram + side->rig->plan.split;

	if (request == KVM_MEMORY_ENCRYPT_OP && arg &&
	    cmd->id == KVM_SEV_SEND_UPDATE_DATA) {
		data = (const void *)(uintptr_t)cmd->data;
		blocks_there += changes == 2 && data->guest_uaddr >= back &&
				data->guest_len > RIG_PAGE;
	}
	return rig_vmm_door(side, request, arg);
}

static void take_and_give(struct rig *r)
{
	if (r->source.phase != SEVLM_PHASE_PRECOPY || changes == 2 ||
	    r->source.progress.private_pages < 16)
		return;
	changes += !(changes ? rig_vmm_give_ram(r) : rig_vmm_take_ram(r));
}

/* what comes has not been declared by the target */
START_TEST(memory_that_comes_back_goes_page_by_page)
{
	changes = blocks_there = 0;
	plan.workload = SEVLM_SIM_RANDOM;
	plan.split = 48 * RIG_PAGE;
	plan.bandwidth = 200000000;
	plan.batch = 8;
	plan.steps = 2000;
	plan.max_rounds = 12;
	plan.downtime_ns = RIG_MS;
	open_rig();
	rig.hooks.door = watching_door;
	rig.hooks.round = take_and_give;
	start();
	rig_run(&rig);
	expect_perfect();
	ck_assert_uint_eq(changes, 2);
	ck_assert_uint_eq(blocks_there, 0);
	ck_assert_uint_lt(rig.source.progress.packets, private_pages());
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine-blocks");
	TCase *tcase = tcase_create("blocks");

	tcase_add_checked_fixture(tcase, set_up, teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase,
		       contiguous_memory_takes_a_quarter_of_the_commands);
	tcase_add_loop_test(tcase, every_workload_arrives_in_blocks, 0,
			    SEVLM_SIM_FLIP + 1);
	tcase_add_loop_test(tcase, mixed_blocks_go_page_by_page, 0, 8);
	tcase_add_loop_test(tcase, half_of_it_goes_page_by_page, 0,
			    sizeof(halves) / sizeof(halves[0]));
	tcase_add_loop_test(tcase, a_small_batch_goes_page_by_page, 1, 10);
	tcase_add_test(tcase, scattered_memory_is_tried_once);
	tcase_add_test(tcase, firmware_that_takes_less_is_asked_once);
	tcase_add_loop_test(tcase, other_failures_end_it, 0,
			    sizeof(errors) / sizeof(errors[0]));
	tcase_add_test(tcase, a_target_that_is_wrong_ends_it);
	tcase_add_test(tcase, each_migration_asks_anew);
	tcase_add_loop_test(tcase, blocks_do_not_leave_their_region, 0, 5);
	tcase_add_test(tcase, memory_that_comes_back_goes_page_by_page);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
