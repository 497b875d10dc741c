/* SPDX-License-Identifier: MIT-0 */
/*
 * The engine: for a VMM that has no migration loop. Both ends live in one
 * process here, on two software hosts; a real VMM has one of them, a socket
 * for move_bytes(), and its own KVM calls in the switches.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libsevlm/libsevlm.h>
#include <libsevlm/sim.h>

#define MEMORY (4u << 20)

static struct sevlm_sim_vm *guest[2];	/* source, target */
static struct sevlm_vm *vm[2];
static uint64_t bitmap[MEMORY / 4096 / 64];
static unsigned char state[65536], note[SEVLM_NOTE_SIZE];
static uint64_t now;			/* a VMM reads CLOCK_MONOTONIC */

static void must(int ret, const char *what)
{
	if (ret) {
		fprintf(stderr, "%s: %s\n", what, sevlm_strerror(ret));
		exit(1);
	}
}

/* The vCPU: the exits that belong to the library go there. */
static void run_guest(struct sevlm_sim_vm *who, struct sevlm_vm *handle,
		      uint64_t steps)
{
	uint64_t answer, goal = sevlm_sim_vm_steps(who) + steps;
	struct sevlm_sim_exit e = { .size = sizeof(e) };

	for (;;) {
		steps = goal - sevlm_sim_vm_steps(who);
		must(sevlm_sim_vm_run(who, steps, &e), "KVM_RUN");
		if (e.reason == SEVLM_SIM_EXIT_INTR)
			return;
		if (e.reason == SEVLM_SIM_EXIT_HYPERCALL)
			sevlm_vm_hypercall(handle, e.nr, e.args, &answer);
		else
			answer = !!sevlm_vm_wrmsr(handle, e.index, e.data);
		must(sevlm_sim_vm_answer(who, answer), "answer");
	}
}

static void make_vm(int i, struct sevlm_sim_host *host)
{
	struct sevlm_sim_vm_config shape = { sizeof(shape), 7, MEMORY,
					     SEVLM_SIM_FLIP, 1 };
	struct sevlm_vm_config config = { .size = sizeof(config),
					  .sev_fd = SEVLM_SIM_SEV_FD,
					  .ops = sevlm_sim_ops() };
	void *ram = aligned_alloc(4096, MEMORY);

	if (!ram)
		exit(1);
	memset(ram, 0, MEMORY);
	must(sevlm_sim_vm_new(host, &shape, &guest[i]), "VM");
	if (i == 0)
		must(sevlm_sim_vm_launch(guest[i], ram, NULL, 0, 0), "launch");
	else
		must(sevlm_sim_vm_prepare(guest[i], ram), "prepare");
	config.ops_ctx = guest[i];
	must(sevlm_vm_new(&config, &vm[i]), "handle");
	must(sevlm_vm_add_region(vm[i], 0, MEMORY, ram, SEVLM_REGION_TRACKED),
	     "RAM");
}

static void source_does(struct sevlm_source *source, uint32_t want)
{
	size_t bytes = sizeof(state);

	if (want & SEVLM_WANT_DIRTY) {
		must(sevlm_sim_vm_harvest(guest[0], bitmap), "dirty log");
		sevlm_source_dirty(source, 0, bitmap, MEMORY / 4096);
		sevlm_source_did(source, SEVLM_WANT_DIRTY, 0);
	} else if (want & SEVLM_WANT_PAUSE) {
		run_guest(guest[0], vm[0], 0);
		sevlm_source_did(source, SEVLM_WANT_PAUSE, 0);
	} else if (want & SEVLM_WANT_STATE) {
		must(sevlm_sim_vm_save(guest[0], state, &bytes), "save");
		sevlm_source_state(source, 0, state, bytes);
		sevlm_source_did(source, SEVLM_WANT_STATE, 0);
	} else if (want & SEVLM_WANT_PERSIST) {
		sevlm_source_note(source, note); /* fsync it, for real */
		sevlm_source_did(source, SEVLM_WANT_PERSIST, 0);
	}
}

static void target_does(struct sevlm_target *target, uint32_t want)
{
	const void *buf;
	size_t bytes;
	uint32_t id;

	if (want & SEVLM_WANT_STATE) {
		must(sevlm_target_state(target, 0, &id, &buf, &bytes), "state");
		sevlm_target_did(target, SEVLM_WANT_STATE,
				 sevlm_sim_vm_load(guest[1], buf, bytes));
	} else if (want & SEVLM_WANT_PERSIST) {
		sevlm_target_note(target, note);
		sevlm_target_did(target, SEVLM_WANT_PERSIST, 0);
	} else if (want & SEVLM_WANT_RUN) {
		run_guest(guest[1], vm[1], 0);
		sevlm_target_did(target, SEVLM_WANT_RUN, 0);
	}
}

static void move_bytes(struct sevlm_source *source, struct sevlm_target *target)
{
	struct iovec iov[8];
	size_t count = 8, taken;

	sevlm_source_output(source, iov, &count);
	for (size_t i = 0; i < count; i++) {
		sevlm_target_feed(target, iov[i].iov_base, iov[i].iov_len,
				  &taken);
		sevlm_source_consumed(source, taken);
		if (taken < iov[i].iov_len)
			break;
	}
	count = 8;
	sevlm_target_output(target, iov, &count);
	for (size_t i = 0; i < count; i++) {
		sevlm_source_feed(source, iov[i].iov_base, iov[i].iov_len,
				  &taken);
		sevlm_target_consumed(target, taken);
		if (taken < iov[i].iov_len)
			break;
	}
}

int main(void)
{
	struct sevlm_source_config sc = { .size = sizeof(sc), .nonce = { 1 },
					  .channel = SEVLM_CHANNEL_INSECURE };
	struct sevlm_target_config tc = { .size = sizeof(tc), .nonce = { 2 },
					  .channel = SEVLM_CHANNEL_INSECURE };
	uint32_t want[2] = { 1, 1 }, outcome;
	unsigned char amd[SEVLM_SIM_AMD_SIZE];
	struct sevlm_sim_host *host[2];
	struct sevlm_source *source;
	struct sevlm_target *target;

	for (int i = 0; i < 2; i++) {
		must(sevlm_sim_host_new(NULL, &host[i]), "host");
		make_vm(i, host[i]);
	}
	must(sevlm_vm_offer(vm[0]), "offer");
	run_guest(guest[0], vm[0], 1000); /* boots, says READY, works */
	must(sevlm_sim_host_amd(host[1], amd), "AMD certificates");
	tc.amd = amd;
	tc.amd_bytes = sizeof(amd);
	must(sevlm_source_new(vm[0], &sc, &source), sevlm_vm_error(vm[0]));
	must(sevlm_target_new(vm[1], &tc, &target), sevlm_vm_error(vm[1]));
	must(sevlm_sim_vm_log(guest[0], 1), "dirty log");
	while (want[0] || want[1]) {
		now += 1000000;
		must(sevlm_source_step(source, now, &want[0]), "step");
		must(sevlm_target_step(target, now, &want[1]), "step");
		source_does(source, want[0]);
		target_does(target, want[1]);
		move_bytes(source, target);
	}
	sevlm_target_outcome(target, &outcome, NULL);
	printf("source: %s\ntarget: %s, outcome %u, memory %s\n",
	       sevlm_source_error(source), sevlm_target_error(target), outcome,
	       sevlm_sim_vm_check(guest[1], NULL, 0) ? "WRONG" : "intact");
	return outcome != SEVLM_OUTCOME_COMPLETED;
}
