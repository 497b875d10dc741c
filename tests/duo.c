/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <linux/kvm.h>

#include "duo.h"
#include "uapi/kvm_shared_list.h"

#define HC_MAP_GPA_RANGE 12
#define MSR_FILTER (1u << 2)
#define BOOT_STEPS 20u
#define NEVER (UINT64_MAX / 2)
#define STEP_NS 1000u

/* ---- one side ---- */

static int door_vm(void *ctx, uint32_t request, void *arg)
{
	struct duo_side *side = ctx;

	return side->door ? side->door(side, request, arg) :
			    sevlm_sim_ops()->vm(side->sim, request, arg);
}

static int door_sev(void *ctx, uint32_t request, void *arg)
{
	struct duo_side *side = ctx;

	return sevlm_sim_host_sev(side->host, request, arg);
}

int duo_enable(struct duo_side *side, uint32_t cap, uint64_t a, uint64_t b)
{
	struct kvm_enable_cap enable = { .cap = cap, .args = { a, b } };

	return sevlm_sim_ops()->vm(side->sim, KVM_ENABLE_CAP, &enable);
}

/* also in threads, where one that holds leaves no mark */
static void must(int ret, const char *what, const char *why)
{
	if (ret)
		ck_abort_msg("%s: %d %s", what, ret, why);
}

void duo_choose(struct duo_side *side)
{
	if (side->states != SEVLM_STATES_EXITS)
		must(duo_enable(side, KVM_CAP_X86_SHARED_PAGES_LIST,
				KVM_SHARED_LIST_TRACK | KVM_SHARED_LIST_MSR, 0),
		     "the list", "");
	if (side->states != SEVLM_STATES_LIST) {
		must(duo_enable(side, KVM_CAP_EXIT_HYPERCALL,
				1 << HC_MAP_GPA_RANGE, 0), "hypercalls", "");
		must(duo_enable(side, KVM_CAP_X86_USER_SPACE_MSR, MSR_FILTER,
				0), "the MSR", "");
	}
	must(sevlm_vm_use_states(side->vm, side->states), "use_states",
	     sevlm_vm_error(side->vm));
}

static void new_handle(struct duo_side *side)
{
	const struct sevlm_kernel_ops ops = {
		.size = sizeof(ops),
		.vm = door_vm,
		.sev = door_sev,
	};
	struct sevlm_vm_config config = {
		.size = sizeof(config),
		.vm_fd = -1,
		.sev_fd = SEVLM_SIM_SEV_FD,
		.kvm_fd = -1,
		.ops = &ops,
		.ops_ctx = side,
	};

	must(sevlm_vm_new(&config, &side->vm), "handle", "");
}

void duo_new_vm(struct duo_side *side, uint64_t memory, uint32_t workload)
{
	struct sevlm_sim_host_config host = {
		.size = sizeof(host),
		.seed = 3,
		.shared_list = 1,
	};
	struct sevlm_sim_vm_config config = {
		.size = sizeof(config),
		.seed = 4,
		.memory = memory,
		.workload = workload,
		.offered = 1,
	};

	must(sevlm_sim_host_new(&host, &side->host), "host", "");
	must(sevlm_sim_vm_new(side->host, &config, &side->sim), "VM", "");
	new_handle(side);
	duo_choose(side);
}

void duo_free_vm(struct duo_side *side)
{
	sevlm_vm_free(side->vm);
	sevlm_sim_vm_free(side->sim);
	sevlm_sim_host_free(side->host);
	free(side->ram);
	free(side->extra);
	memset(side, 0, sizeof(*side));
}

static uint8_t *new_memory(uint64_t bytes)
{
	uint8_t *ret = aligned_alloc(DUO_PAGE, bytes);

	ck_assert_ptr_nonnull(ret);
	memset(ret, 0, bytes);
	return ret;
}

static void open_side(struct duo_side *side, uint32_t states)
{
	const struct duo_plan *plan = &side->duo->plan;

	side->states = states;
	duo_new_vm(side, plan->memory, plan->workload);
	side->ram = new_memory(plan->memory);
	must(sevlm_vm_add_region(side->vm, 0, plan->memory, side->ram,
				 SEVLM_REGION_TRACKED), "RAM", "");
}

/* after the VM is an SEV guest */
static void add_extra(struct duo_side *side)
{
	uint64_t bytes = side->duo->plan.extra;
	struct kvm_userspace_memory_region slot = {
		.slot = 1,
		.guest_phys_addr = DUO_EXTRA_GPA,
		.memory_size = bytes,
	};
	struct kvm_enc_region pin = { .size = bytes };

	if (!bytes)
		return;
	side->extra = new_memory(bytes);
	slot.userspace_addr = pin.addr = (uintptr_t)side->extra;
	must(door_vm(side, KVM_SET_USER_MEMORY_REGION, &slot), "slot", "");
	must(door_vm(side, KVM_MEMORY_ENCRYPT_REG_REGION, &pin), "pin", "");
	must(sevlm_vm_add_region(side->vm, DUO_EXTRA_GPA, bytes, side->extra,
				 SEVLM_REGION_TRACKED), "region", "");
}

static uint64_t exit_answer(struct duo_side *side, struct sevlm_sim_exit *exit)
{
	uint64_t ret;

	if (exit->reason == SEVLM_SIM_EXIT_WRMSR)
		return sevlm_vm_wrmsr(side->vm, exit->index, exit->data) ? 1 :
									   0;
	sevlm_vm_hypercall(side->vm, exit->nr, exit->args, &ret);
	return ret;
}

void duo_run_guest(struct duo_side *side, uint64_t steps)
{
	uint64_t end = sevlm_sim_vm_steps(side->sim) + steps, now;
	struct sevlm_sim_exit exit;

	while ((now = sevlm_sim_vm_steps(side->sim)) < end) {
		exit.size = sizeof(exit);
		must(sevlm_sim_vm_run(side->sim, end - now, &exit), "run",
		     sevlm_sim_vm_error(side->sim));
		if (exit.reason != SEVLM_SIM_EXIT_INTR)
			must(sevlm_sim_vm_answer(side->sim,
						 exit_answer(side, &exit)),
			     "answer", "");
	}
}

/* ---- both ---- */

void duo_open(struct duo *duo, const struct duo_plan *plan)
{
	memset(duo, 0, sizeof(*duo));
	duo->plan = *plan;
	duo->source.duo = duo->target.duo = duo;
	open_side(&duo->source, plan->states[0]);
	must(sevlm_sim_vm_launch(duo->source.sim, duo->source.ram, NULL, 0, 0),
	     "launch", "");
	add_extra(&duo->source);
	must(sevlm_vm_offer(duo->source.vm, 0), "offer", "");
	duo_run_guest(&duo->source, BOOT_STEPS);
	open_side(&duo->target, plan->states[1]);
	must(sevlm_sim_vm_prepare(duo->target.sim, duo->target.ram), "prepare",
	     "");
	add_extra(&duo->target);
	certs_of_host(&duo->certs[0], duo->source.host);
	certs_of_host(&duo->certs[1], duo->target.host);
	duo->trust = certs_trust(&duo->certs[1]);
	duo->bitmap = calloc(plan->memory / DUO_PAGE / 64 + 1, 8);
	sevlm_sim_vm_save(duo->source.sim, NULL, &duo->state_bytes);
	duo->state = malloc(duo->state_bytes);
	ck_assert(duo->bitmap && duo->state);
}

/* the channel is what the plan says */
static void declare(const struct duo *duo, uint32_t *channel,
		    uint8_t exporter[SEVLM_EXPORTER_SIZE])
{
	*channel = SEVLM_CHANNEL_INSECURE;
	if (!duo->plan.exporter)
		return;
	*channel = SEVLM_CHANNEL_DECLARED;
	memcpy(exporter, duo->plan.exporter, SEVLM_EXPORTER_SIZE);
}

void duo_start(struct duo *duo)
{
	struct sevlm_source_config source = {
		.size = sizeof(source),
		.batch_pages = 8,
		.max_rounds = duo->plan.rounds,
		.stop_anyway = 1,
		.nonce = { 1 },
		.downtime_limit_ns = 1,
		.hello_timeout_ns = NEVER,
		.stall_timeout_ns = NEVER,
		.commit_timeout_ns = NEVER,
		.trust = duo->trust,
		.chain = duo->certs[0].chain,
		.amd = duo->certs[0].amd,
		.amd_bytes = duo->certs[0].amd_bytes,
	};
	struct sevlm_target_config target = {
		.size = sizeof(target),
		.nonce = { 2 },
		.trust = duo->trust,
		.chain = duo->certs[1].chain,
		.amd = duo->certs[1].amd,
		.amd_bytes = duo->certs[1].amd_bytes,
		.hello_timeout_ns = NEVER,
		.stall_timeout_ns = NEVER,
	};

	declare(duo, &source.channel, source.exporter);
	declare(duo, &target.channel, target.exporter);
	must(sevlm_target_new(duo->target.vm, &target, &duo->in), "target",
	     sevlm_vm_error(duo->target.vm));
	must(sevlm_source_new(duo->source.vm, &source, &duo->out), "source",
	     sevlm_vm_error(duo->source.vm));
	must(sevlm_sim_vm_log(duo->source.sim, 1), "log", "");
}

void duo_close(struct duo *duo)
{
	sevlm_source_free(duo->out);
	sevlm_target_free(duo->in);
	duo_free_vm(&duo->source);
	duo_free_vm(&duo->target);
	sevlm_trust_free(duo->trust);
	free(duo->bitmap);
	free(duo->state);
	memset(duo, 0, sizeof(*duo));
}

/* ---- what the engines want ---- */

static int harvest(struct duo *duo)
{
	int ret = sevlm_sim_vm_harvest(duo->source.sim, duo->bitmap);

	return ret ? ret : sevlm_source_dirty(duo->out, 0, duo->bitmap,
					      duo->plan.memory / DUO_PAGE);
}

static int pause_guest(struct duo *duo)
{
	if (duo->pause)
		duo->pause(duo);
	duo->paused = true;
	return 0;
}

static int save(struct duo *duo)
{
	int ret = sevlm_sim_vm_save(duo->source.sim, duo->state,
				    &duo->state_bytes);

	return ret ? ret : sevlm_source_state(duo->out, 0, duo->state,
					      duo->state_bytes);
}

static int load(struct duo *duo)
{
	const void *buf;
	size_t bytes;
	uint32_t id;
	int ret = sevlm_target_state(duo->in, 0, &id, &buf, &bytes);

	return ret ? ret : sevlm_sim_vm_load(duo->target.sim, buf, bytes);
}

static int source_does(struct duo *duo, uint32_t want)
{
	uint8_t note[SEVLM_NOTE_SIZE];

	switch (want) {
	case SEVLM_WANT_DIRTY:
		return harvest(duo);
	case SEVLM_WANT_PAUSE:
		return pause_guest(duo);
	case SEVLM_WANT_STATE:
		return save(duo);
	case SEVLM_WANT_PERSIST:
		return sevlm_source_note(duo->out, note);
	default:
		return 0;
	}
}

static int target_does(struct duo *duo, uint32_t want)
{
	uint8_t digest[SEVLM_DIGEST_SIZE], note[SEVLM_NOTE_SIZE];

	switch (want) {
	case SEVLM_WANT_SESSION:
		return sevlm_target_session(duo->in, digest);
	case SEVLM_WANT_STATE:
		return load(duo);
	case SEVLM_WANT_PERSIST:
		return sevlm_target_note(duo->in, note);
	case SEVLM_WANT_RUN:
		duo->moved = true;
		return 0;
	default:
		return 0;
	}
}

#define OF_ENGINE (SEVLM_WANT_STEP | SEVLM_WANT_WRITE | SEVLM_WANT_READ)

bool duo_step_source(struct duo *duo)
{
	struct duo_side *side = &duo->source;
	uint32_t want = 0;

	if (side->ended)
		return false;
	side->now_ns += STEP_NS;
	must(sevlm_source_step(duo->out, side->now_ns, &want), "step", "");
	if (want & ~OF_ENGINE)
		must(sevlm_source_did(duo->out, want & ~OF_ENGINE,
				      source_does(duo, want & ~OF_ENGINE)),
		     "did", "");
	if (want)
		return want & ~(SEVLM_WANT_WRITE | SEVLM_WANT_READ);
	sevlm_source_outcome(duo->out, &duo->outcome[0], &duo->cause[0]);
	side->ended = true;
	return false;
}

bool duo_step_target(struct duo *duo)
{
	struct duo_side *side = &duo->target;
	uint32_t want = 0;

	if (side->ended)
		return false;
	side->now_ns += STEP_NS;
	must(sevlm_target_step(duo->in, side->now_ns, &want), "step", "");
	if (want & ~OF_ENGINE)
		must(sevlm_target_did(duo->in, want & ~OF_ENGINE,
				      target_does(duo, want & ~OF_ENGINE)),
		     "did", "");
	if (want)
		return want & ~(SEVLM_WANT_WRITE | SEVLM_WANT_READ);
	sevlm_target_outcome(duo->in, &duo->outcome[1], &duo->cause[1]);
	side->ended = true;
	return false;
}

bool duo_carry(struct duo *duo)
{
	struct iovec iov = { 0 };
	size_t count = 1, taken, sum = 0;

	sevlm_source_output(duo->out, &iov, &count);
	if (count) {
		sevlm_target_feed(duo->in, iov.iov_base, iov.iov_len, &taken);
		sevlm_source_consumed(duo->out, taken);
		sum += taken;
	}
	count = 1;
	sevlm_target_output(duo->in, &iov, &count);
	if (count) {
		sevlm_source_feed(duo->out, iov.iov_base, iov.iov_len, &taken);
		sevlm_target_consumed(duo->in, taken);
		sum += taken;
	}
	return sum;
}

void duo_move(struct duo *duo, uint64_t steps)
{
	while (!duo->source.ended || !duo->target.ended) {
		if (!duo->paused && steps)
			duo_run_guest(&duo->source, steps);
		duo_step_source(duo);
		duo_carry(duo);
		duo_step_target(duo);
	}
}

void duo_expect_moved(struct duo *duo)
{
	uint8_t here[32], there[32];

	ck_assert_msg(duo->outcome[0] == SEVLM_OUTCOME_COMPLETED,
		      "source: %s", sevlm_source_error(duo->out));
	ck_assert_msg(duo->outcome[1] == SEVLM_OUTCOME_COMPLETED,
		      "target: %s", sevlm_target_error(duo->in));
	ck_assert(duo->moved);
	must(sevlm_sim_vm_digest(duo->source.sim, here), "digest", "");
	must(sevlm_sim_vm_digest(duo->target.sim, there), "digest", "");
	ck_assert_mem_eq(here, there, sizeof(here));
	must(sevlm_sim_vm_check(duo->target.sim, NULL, 0), "memory",
	     sevlm_sim_vm_error(duo->target.sim));
}
