/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What corrupts a guest silently is done here on purpose, by a VMM between
 * the library and the host. Each time the engines must refuse, or the guest
 * must find its memory damaged; and the same run without the fault is well.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kvm.h>

#include "check-main.h"
#include "rig.h"

#define PAGES 96u
#define LATE 6u /* announcements */
#define LATE_ROUNDS 20u /* longer than from a harvest to the pause */
#define HC_MAP_GPA_RANGE 12u
#define ENCRYPTED 0x10u
/* neither zero at first nor shared at boot */
#define SWAP_A 1u
#define SWAP_B 2u
#define SEED_FIRST 11
#define SEED_END 15

static struct rig_hosts hosts;
static struct rig rig;
static bool planted;
static uint64_t sins; /* how often the fault was committed */

/* what the faulty VMM keeps */
static uint64_t old_bits[PAGES / 64 + 1];
static bool have_old;
static uint64_t late_round;
static uint64_t waiting[LATE][3];
static uint32_t waits;

static void setup(void)
{
	ck_assert_int_eq(rig_hosts_new(&hosts, 4, 2), 0);
	sins = 0;
	waits = 0;
	late_round = 0;
	have_old = false;
	memset(old_bits, 0, sizeof(old_bits));
}

static void teardown(void)
{
	ck_assert(rig_hosts_clean(&hosts));
	rig_hosts_free(&hosts);
}

static void open_rig(uint64_t seed, uint32_t workload)
{
	struct rig_plan plan = {
		.seed = seed,
		.memory = PAGES * RIG_PAGE,
		.workload = workload,
		.steps = 1000,
		.batch = 8,
		.bandwidth = 50000000,
		.max_rounds = 6,
		.stop_anyway = 1,
		.downtime_ns = 1,
	};

	ck_assert_int_eq(rig_open(&rig, &hosts, &plan), 0);
}

static void move(void)
{
	ck_assert_int_eq(rig_start(&rig), 0);
	rig_run(&rig);
}

/* An engine refused, or the memory was damaged when the guest was let go.
 * Later is too late to look: a guest that runs may write over the damage. */
static bool noticed(void)
{
	return rig.source.outcome != SEVLM_OUTCOME_COMPLETED ||
	       rig.target.outcome != SEVLM_OUTCOME_COMPLETED || !rig.same;
}

static void judge(uint64_t seed)
{
	const char *wrong = planted ? NULL : rig_not_perfect(&rig);

	ck_assert_msg(!wrong, "seed %llu: %s", (unsigned long long)seed, wrong);
	if (!planted)
		return;
	ck_assert_msg(sins > 0, "seed %llu: nothing was planted",
		      (unsigned long long)seed);
	ck_assert_msg(noticed(), "seed %llu: nobody noticed",
		      (unsigned long long)seed);
}

static void announce(uint64_t gpa, uint64_t count, uint64_t attributes)
{
	const uint64_t args[6] = {gpa, count, attributes};
	uint64_t ret = 1;

	ck_assert_int_eq(
		sevlm_vm_hypercall(rig.source.vm, HC_MAP_GPA_RANGE, args, &ret),
		0);
	ck_assert_uint_eq(ret, 0);
}

/* ---- ciphertext is copied ----------------------------------------------- */

static void copy_ciphertext(void)
{
	announce(0, PAGES, planted ? 0 : ENCRYPTED);
	sins++;
}

/* ---- a shared page goes for private ------------------------------------- */

static uint64_t forget_shared(struct rig_side *side, const uint64_t *args)
{
	if (!planted || args[2] & ENCRYPTED)
		return rig_vmm_hypercall(side, args);
	sins++;
	return 0;
}

static void treat_as_private(void)
{
	rig.hooks.hypercall = forget_shared;
}

/* ---- two pages are swapped ---------------------------------------------- */

static uint64_t other(struct rig_side *side, uint64_t address)
{
	uint64_t a = (uintptr_t)side->ram + SWAP_A * RIG_PAGE;
	uint64_t b = (uintptr_t)side->ram + SWAP_B * RIG_PAGE;

	if (!planted || (address != a && address != b))
		return address;
	sins++;
	return address == a ? b : a;
}

static int swap_sent(struct rig_side *side, uint32_t request, void *arg)
{
	struct kvm_sev_cmd *cmd = arg;
	struct kvm_sev_send_update_data *data;

	if (request == KVM_MEMORY_ENCRYPT_OP &&
	    cmd->id == KVM_SEV_SEND_UPDATE_DATA) {
		data = (void *)(uintptr_t)cmd->data;
		data->guest_uaddr = other(side, data->guest_uaddr);
	}
	return rig_vmm_door(side, request, arg);
}

static int swap_received(struct rig_side *side, uint32_t request, void *arg)
{
	struct kvm_sev_cmd *cmd = arg;
	struct kvm_sev_receive_update_data *data;

	if (request == KVM_MEMORY_ENCRYPT_OP &&
	    cmd->id == KVM_SEV_RECEIVE_UPDATE_DATA) {
		data = (void *)(uintptr_t)cmd->data;
		data->guest_uaddr = other(side, data->guest_uaddr);
	}
	return rig_vmm_door(side, request, arg);
}

static void swap_at_source(void)
{
	rig.hooks.door = swap_sent;
}

static void swap_at_target(void)
{
	rig.hooks.door = swap_received;
}

/* ---- pages go under an old state ---------------------------------------- */

/* The announcements reach the library some exits late, the last ones never. */
static uint64_t announce_late(struct rig_side *side, const uint64_t *args)
{
	uint64_t now[6] = {0};

	if (!planted)
		return rig_vmm_hypercall(side, args);
	sins++;
	if (waits == LATE) {
		memcpy(now, waiting[0], sizeof(waiting[0]));
		memmove(waiting[0], waiting[1],
			(LATE - 1) * sizeof(waiting[0]));
		waits--;
		rig_vmm_hypercall(side, now);
	}
	memcpy(waiting[waits++], args, sizeof(waiting[0]));
	return 0;
}

static void use_old_states(void)
{
	rig.hooks.hypercall = announce_late;
}

/* ---- states and pages are read before the dirty log --------------------- */

static int harvest_later(struct rig *r)
{
	if (!planted)
		return rig_vmm_harvest(r);
	late_round = r->rounds + LATE_ROUNDS;
	return sevlm_source_dirty(r->source.source_engine, 0, old_bits, PAGES);
}

static void harvest_now(struct rig *r)
{
	if (!planted || r->rounds != late_round || r->source.ended)
		return;
	sins++;
	ck_assert_int_eq(sevlm_sim_vm_harvest(r->source.sim, old_bits), 0);
}

static void harvest_late(void)
{
	rig.hooks.harvest = harvest_later;
	rig.hooks.round = harvest_now;
}

/* ---- protection is not re-armed ----------------------------------------- */

static int clear_log(const void *bits)
{
	struct kvm_clear_dirty_log clear = {
		.num_pages = PAGES,
		.dirty_bitmap = (void *)(uintptr_t)bits,
	};

	return sevlm_sim_ops()->vm(rig.source.sim, KVM_CLEAR_DIRTY_LOG, &clear);
}

/* What is cleared only now was written again in the meantime. */
static int harvest_manually(struct rig *r)
{
	int ret = 0;

	if (planted && have_old) {
		sins++;
		ret = clear_log(old_bits);
	}
	if (!ret)
		ret = sevlm_sim_vm_harvest(r->source.sim, old_bits);
	if (!ret && !planted)
		ret = clear_log(old_bits);
	have_old = true;
	if (ret)
		return ret;
	return sevlm_source_dirty(r->source.source_engine, 0, old_bits, PAGES);
}

static void forget_to_arm(void)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
		.args = {KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE},
	};

	ck_assert_int_eq(
		sevlm_sim_ops()->vm(rig.source.sim, KVM_ENABLE_CAP, &cap), 0);
	rig.hooks.harvest = harvest_manually;
}

/* ------------------------------------------------------------------------- */

static const struct {
	const char *name;
	uint32_t workload;
	void (*plant)(void);
} faults[] = {
	{"ciphertext copied", SEVLM_SIM_RANDOM, copy_ciphertext},
	{"shared as private", SEVLM_SIM_FLIP, treat_as_private},
	{"swapped by the source", SEVLM_SIM_HOT, swap_at_source},
	{"swapped by the target", SEVLM_SIM_SEQUENTIAL, swap_at_target},
	{"old states", SEVLM_SIM_FLIP, use_old_states},
	{"harvested late", SEVLM_SIM_RANDOM, harvest_late},
	{"not re-armed", SEVLM_SIM_RANDOM, forget_to_arm},
};

#define FAULTS ((int)(sizeof(faults) / sizeof(faults[0])))

static void run_one(int fault, uint64_t seed)
{
	/* the boot announced some pages as shared, which one fault undoes */
	bool boot = faults[fault].plant == copy_ciphertext;

	open_rig(seed, faults[fault].workload);
	if (!boot || planted)
		faults[fault].plant();
	move();
	judge(seed);
	rig_close(&rig);
}

START_TEST(without_the_fault)
{
	planted = false;
	for (uint64_t seed = SEED_FIRST; seed < SEED_END; seed++)
		run_one(_i, seed);
}
END_TEST

START_TEST(with_the_fault)
{
	planted = true;
	for (uint64_t seed = SEED_FIRST; seed < SEED_END; seed++) {
		sins = 0;
		have_old = false;
		waits = 0;
		memset(old_bits, 0, sizeof(old_bits));
		run_one(_i, seed);
	}
}
END_TEST

/* ---- an exit is left pending, or page tables are lost ------------------- */

/* Stops the vCPU with the port read by the device and not yet by the guest,
 * and completes that or not. */
static int stop_in_a_read(struct rig_side *side, uint32_t want)
{
	if (want != SEVLM_WANT_PAUSE || side->exit.reason == SEVLM_SIM_EXIT_IN)
		return rig_vmm_answer(side, want);
	do {
		rig_vmm_settle(side);
		side->exit.size = sizeof(side->exit);
		ck_assert_int_eq(sevlm_sim_vm_run(side->sim, 1, &side->exit),
				 0);
		side->in_exit = side->exit.reason != SEVLM_SIM_EXIT_INTR;
	} while (side->exit.reason != SEVLM_SIM_EXIT_IN);
	side->in_exit = !planted;
	if (planted) {
		sins++;
		sevlm_sim_vm_answer(side->sim, ++side->counter.value);
	}
	return rig_vmm_answer(side, want);
}

/* The damage is done when the guest runs: it writes down what it read. */
static void run_read(uint64_t seed)
{
	int ret;

	open_rig(seed, SEVLM_SIM_COUNTER);
	rig.hooks.answer = stop_in_a_read;
	move();
	ck_assert_uint_eq(rig.source.outcome, SEVLM_OUTCOME_COMPLETED);
	ck_assert_uint_eq(rig.target.outcome, SEVLM_OUTCOME_COMPLETED);
	rig_vmm_run(&rig.target, 1);
	ret = sevlm_sim_vm_check(rig.target.sim, NULL, 0);
	ck_assert_int_eq(ret, planted ? -EBADMSG : 0);
	ck_assert(rig_not_perfect(&rig) ? planted : !planted);
	ck_assert_uint_eq(sins, planted);
	rig_close(&rig);
}

START_TEST(exit_left_pending)
{
	planted = _i;
	for (uint64_t seed = SEED_FIRST; seed < SEED_END; seed++) {
		sins = 0;
		run_read(seed);
	}
}
END_TEST

/* The log is whole but for the page of the page tables, which every flip
 * writes. */
static int harvest_no_tables(struct rig *r)
{
	uint64_t bits[PAGES / 64 + 1] = {0};
	uint64_t *word = &bits[(PAGES - 1) / 64];
	uint64_t tables = 1ull << (PAGES - 1) % 64;
	int ret = sevlm_sim_vm_harvest(r->source.sim, bits);

	if (ret)
		return ret;
	sins += *word & tables ? 1 : 0;
	*word &= ~tables;
	return sevlm_source_dirty(r->source.source_engine, 0, bits, PAGES);
}

START_TEST(page_tables_lost)
{
	planted = true;
	for (uint64_t seed = SEED_FIRST; seed < SEED_END; seed++) {
		sins = 0;
		open_rig(seed, SEVLM_SIM_FLIP);
		rig.hooks.harvest = harvest_no_tables;
		move();
		judge(seed);
		rig_close(&rig);
	}
}
END_TEST

/* ---- the same order in a VMM with a loop of its own ---------------------- */

#define OWN_ROUNDS 5u
#define OWN_STEPS 150u

static struct sevlm_send *sender;
static struct sevlm_receive *receiver;
static bool shared_then[PAGES];
static bool again[PAGES];

static void open_sessions(void)
{
	const struct sevlm_peer from = certs_peer(&rig.certs[0]);
	const struct sevlm_peer to = certs_peer(&rig.certs[1]);
	uint8_t pdh[SEVLM_PDH_SIZE], session[SEVLM_SESSION_SIZE];
	uint32_t policy;

	ck_assert_int_eq(
		sevlm_send_start(rig.source.vm, &to, rig.trust, &sender), 0);
	ck_assert_int_eq(sevlm_send_session(sender, &policy, pdh, session), 0);
	ck_assert_mem_eq(pdh, from.pdh, sizeof(pdh));
	ck_assert_int_eq(sevlm_receive_start(rig.target.vm, &from, rig.trust,
					     policy, session, &receiver),
			 0);
	ck_assert_int_eq(sevlm_sim_vm_log(rig.source.sim, 1), 0);
}

static void read_states(void)
{
	uint64_t bytes;
	uint32_t state;

	for (uint64_t page = 0; page < PAGES; page++) {
		ck_assert_int_eq(sevlm_vm_page_state(rig.source.vm,
						     page * RIG_PAGE, &state,
						     &bytes),
				 0);
		shared_then[page] = state == SEVLM_PAGE_SHARED;
	}
}

/* Neither of the two is looked at again: that is the log's to say. */
static void send_page(uint64_t page)
{
	uint8_t header[SEVLM_PACKET_HEADER_SIZE], payload[RIG_PAGE];
	uint64_t gpa = page * RIG_PAGE;
	int ret;

	again[page] = false;
	if (shared_then[page]) {
		memcpy(rig.target.ram + gpa, rig.source.ram + gpa, RIG_PAGE);
		return;
	}
	ret = sevlm_send_packet(sender, gpa, header, payload);
	again[page] = ret == -EAGAIN;
	if (!ret)
		ret = sevlm_receive_packet(receiver, gpa, header, payload);
	ck_assert_msg(!ret || ret == -EAGAIN, "%d: %s", ret,
		      sevlm_vm_error(rig.source.vm));
}

static void run_all(uint64_t steps)
{
	uint64_t end = sevlm_sim_vm_steps(rig.source.sim) + steps, now;

	while ((now = sevlm_sim_vm_steps(rig.source.sim)) < end)
		rig_vmm_run(&rig.source, end - now);
}

static void own_round(bool states_first, uint64_t steps)
{
	uint64_t bits[PAGES / 64 + 1] = {0};

	if (states_first) {
		read_states();
		run_all(steps);
	}
	ck_assert_int_eq(sevlm_sim_vm_harvest(rig.source.sim, bits), 0);
	if (!states_first) {
		run_all(steps);
		read_states();
	}
	for (uint64_t page = 0; page < PAGES; page++)
		if (again[page] || bits[page / 64] >> page % 64 & 1)
			send_page(page);
}

static void move_vcpu(void)
{
	uint8_t state[4096];
	size_t bytes = sizeof(state);

	ck_assert_int_eq(sevlm_sim_vm_save(rig.source.sim, state, &bytes), 0);
	ck_assert_int_eq(sevlm_receive_finish(receiver), 0);
	ck_assert_int_eq(sevlm_sim_vm_load(rig.target.sim, state, bytes), 0);
	ck_assert_int_eq(sevlm_send_finish(sender), 0);
}

static int own_loop(bool states_first, uint64_t seed)
{
	int ret;

	open_rig(seed, SEVLM_SIM_FLIP);
	open_sessions();
	memset(again, true, sizeof(again));
	for (uint32_t i = 0; i < OWN_ROUNDS; i++)
		own_round(states_first, OWN_STEPS);
	rig_vmm_settle(&rig.source);
	own_round(states_first, 0);
	move_vcpu();
	ret = sevlm_sim_vm_check(rig.target.sim, NULL, 0);
	sevlm_send_free(sender);
	sevlm_receive_free(receiver);
	rig_close(&rig);
	return ret;
}

START_TEST(own_loop_in_order)
{
	for (uint64_t seed = SEED_FIRST; seed < SEED_END; seed++)
		ck_assert_int_eq(own_loop(false, seed), 0);
}
END_TEST

START_TEST(own_loop_states_before_the_log)
{
	for (uint64_t seed = SEED_FIRST; seed < SEED_END; seed++)
		ck_assert_int_eq(own_loop(true, seed), -EBADMSG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("planted");
	TCase *tcase = tcase_create("planted");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, without_the_fault, 0, FAULTS);
	tcase_add_loop_test(tcase, with_the_fault, 0, FAULTS);
	tcase_add_loop_test(tcase, exit_left_pending, 0, 2);
	tcase_add_test(tcase, page_tables_lost);
	tcase_add_test(tcase, own_loop_in_order);
	tcase_add_test(tcase, own_loop_states_before_the_log);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
