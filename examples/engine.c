/* SPDX-License-Identifier: MIT-0 */
/*
 * The engine, for a VMM without a migration loop. Both ends are in one
 * process here; a real VMM has one of them and a socket as move().
 */
#include "guest.h"

static uint64_t dirty_log[PAGES / 64];
static unsigned char state[65536], note[SEVLM_NOTE_SIZE];
static int stopped;

/* What the source wants of its VMM, one thing at a time. */
static void source_does(struct sevlm_source *source, struct guest *guest,
			uint32_t want)
{
	size_t bytes = sizeof(state);

	if (want & SEVLM_WANT_DIRTY) {
		must(sevlm_sim_vm_harvest(guest->kvm, dirty_log), "dirty log");
		must(sevlm_source_dirty(source, 0, dirty_log, PAGES), "dirty");
		must(sevlm_source_did(source, SEVLM_WANT_DIRTY, 0), "did");
	} else if (want & SEVLM_WANT_PAUSE) {
		run_guest(guest, 0); /* completes every pending exit */
		stopped = 1;
		must(sevlm_source_did(source, SEVLM_WANT_PAUSE, 0), "did");
	} else if (want & SEVLM_WANT_STATE) {
		must(sevlm_sim_vm_save(guest->kvm, state, &bytes), "save");
		must(sevlm_source_state(source, 0, state, bytes), "state");
		must(sevlm_source_did(source, SEVLM_WANT_STATE, 0), "did");
	} else if (want & SEVLM_WANT_PERSIST) {
		/* written to a file and synced; from here it never runs */
		must(sevlm_source_note(source, note), "note");
		must(sevlm_source_did(source, SEVLM_WANT_PERSIST, 0), "did");
	} else if (want & SEVLM_WANT_RESUME) {
		stopped = 0; /* it failed: the guest stays */
		must(sevlm_source_did(source, SEVLM_WANT_RESUME, 0), "did");
	}
	if (!stopped)
		run_guest(guest, 2); /* a vCPU thread would do this */
}

static void target_does(struct sevlm_target *target, struct guest *guest,
			uint32_t want)
{
	unsigned char digest[SEVLM_DIGEST_SIZE];
	const void *buf;
	size_t bytes;
	uint32_t id;
	int ret;

	if (want & SEVLM_WANT_SESSION) {
		/* appended to a file of this host and synced, unless it is in
		 * there: then the answer is -EKEYREJECTED */
		must(sevlm_target_session(target, digest), "session");
		must(sevlm_target_did(target, SEVLM_WANT_SESSION, 0), "did");
	} else if (want & SEVLM_WANT_STATE) {
		must(sevlm_target_state(target, 0, &id, &buf, &bytes), "state");
		ret = sevlm_sim_vm_load(guest->kvm, buf, bytes);
		must(sevlm_target_did(target, SEVLM_WANT_STATE, ret), "did");
	} else if (want & SEVLM_WANT_PERSIST) {
		must(sevlm_target_note(target, note), "note");
		must(sevlm_target_did(target, SEVLM_WANT_PERSIST, 0), "did");
	} else if (want & SEVLM_WANT_RUN) {
		run_guest(guest, 1000);
		must(sevlm_target_did(target, SEVLM_WANT_RUN, 0), "did");
	}
}

/* A socket: writev() what output() lists, read() and feed() what comes. */
static void move(struct sevlm_source *source, struct sevlm_target *target)
{
	struct iovec iov[16];
	size_t count = 16, taken = 0;

	sevlm_source_output(source, iov, &count);
	for (size_t i = 0; i < count; i++) {
		sevlm_target_feed(target, iov[i].iov_base, iov[i].iov_len,
				  &taken);
		sevlm_source_consumed(source, taken);
		if (taken < iov[i].iov_len)
			break; /* full: step() makes room */
	}
	count = 1;
	sevlm_target_output(target, iov, &count);
	if (count) {
		sevlm_source_feed(source, iov->iov_base, iov->iov_len, &taken);
		sevlm_target_consumed(target, taken);
	}
}

int main(void)
{
	/* the nonces are fresh random bytes in a real VMM */
	struct sevlm_source_config sc = { .size = sizeof(sc), .nonce = { 1 },
					  .channel = SEVLM_CHANNEL_INSECURE };
	struct sevlm_target_config tc = { .size = sizeof(tc), .nonce = { 2 },
					  .channel = SEVLM_CHANNEL_INSECURE };
	uint32_t source_wants = 1, target_wants = 1, outcome;
	struct sevlm_trust *trust_source, *trust_target;
	struct papers papers[2];
	struct sevlm_source *source;
	struct sevlm_target *target;
	struct guest from, to;
	uint64_t now = 0;

	make_source(&from);
	make_target(&to);
	show_papers(&from, &papers[0]);
	show_papers(&to, &papers[1]);
	trust_source = trust_only(&papers[0]);
	trust_target = trust_only(&papers[1]);
	sc.trust = trust_target;
	sc.chain = papers[0].chain;
	sc.amd = papers[0].amd;
	sc.amd_bytes = sizeof(papers[0].amd);
	tc.trust = trust_source;
	tc.chain = papers[1].chain;
	tc.amd = papers[1].amd;
	tc.amd_bytes = sizeof(papers[1].amd);
	must(sevlm_source_new(from.vm, &sc, &source), sevlm_vm_error(from.vm));
	must(sevlm_target_new(to.vm, &tc, &target), sevlm_vm_error(to.vm));
	must(sevlm_sim_vm_log(from.kvm, 1), "dirty log on");
	while (source_wants || target_wants) {
		now += 1000000; /* CLOCK_MONOTONIC in a real VMM */
		must(sevlm_source_step(source, now, &source_wants), "step");
		must(sevlm_target_step(target, now, &target_wants), "step");
		source_does(source, &from, source_wants);
		target_does(target, &to, target_wants);
		move(source, target);
	}
	sevlm_target_outcome(target, &outcome, NULL);
	if (outcome == SEVLM_OUTCOME_COMPLETED)
		must(sevlm_sim_vm_check(to.kvm, NULL, 0), "the memory");
	printf("outcome %u, the guest is at step %llu %s\n", outcome,
	       (unsigned long long)sevlm_sim_vm_steps(to.kvm),
	       sevlm_source_error(source));
	sevlm_source_free(source);
	sevlm_target_free(target);
	sevlm_trust_free(trust_source);
	sevlm_trust_free(trust_target);
	free_guest(&from);
	free_guest(&to);
	return outcome != SEVLM_OUTCOME_COMPLETED;
}
