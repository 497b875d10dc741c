/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kvm_para.h>

#include "pair.h"

#define SHARED_PART 16
#define PACKET 16384 /* the most in one */
#define PARTS 64

void must(int ret, const char *what)
{
	if (!ret)
		return;
	fprintf(stderr, "bench: %s: %s\n", what, sevlm_strerror(ret));
	exit(1);
}

static uint8_t *new_ram(uint64_t bytes)
{
	void *ram = NULL;

	must(-posix_memalign(&ram, PACKET, bytes), "memory");
	return memset(ram, 0, bytes);
}

struct sevlm_trust *pair_trust(const uint8_t *amd)
{
	const size_t half = SEVLM_SIM_AMD_SIZE / 2;
	struct sevlm_trust *trust;

	must(sevlm_trust_new(&trust), "trust");
	must(sevlm_trust_add_root(trust, amd + half, half), "root");
	must(sevlm_trust_allow_any_chip(trust), "any chip");
	return trust;
}

void pair_open(struct pair *pair, uint64_t memory)
{
	const struct sevlm_sim_host_config config = {
		.size = sizeof(config),
		.multi_page = 1,
	};

	memset(pair, 0, sizeof(*pair));
	pair->memory = memory;
	pair->shared_gpa = memory / 4;
	pair->shared_bytes = memory / SHARED_PART;
	pair->bitmap = calloc(memory / SEVLM_PAGE_SIZE / 64 + 1, 8);
	must(pair->bitmap ? 0 : -ENOMEM, "bitmap");
	pair->source.ram = new_ram(memory);
	pair->target.ram = new_ram(memory);
	must(sevlm_sim_host_new(&config, &pair->source.host), "host");
	must(sevlm_sim_host_new(&config, &pair->target.host), "host");
	must(sevlm_sim_host_amd(pair->target.host, pair->amd), "certificates");
	pair->trust = pair_trust(pair->amd);
}

void pair_close(struct pair *pair)
{
	sevlm_trust_free(pair->trust);
	sevlm_sim_host_free(pair->source.host);
	sevlm_sim_host_free(pair->target.host);
	free(pair->source.ram);
	free(pair->target.ram);
	free(pair->bitmap);
}

static void new_handle(struct pair *pair, struct side *side,
		       const struct sevlm_kernel_ops *ops)
{
	struct sevlm_vm_config config = {
		.size = sizeof(config),
		.sev_fd = SEVLM_SIM_SEV_FD,
		.ops = ops,
		.ops_ctx = side->guest,
	};

	must(sevlm_vm_new(&config, &side->vm), "handle");
	must(sevlm_vm_add_region(side->vm, 0, pair->memory, side->ram,
				 SEVLM_REGION_TRACKED |
					 (pair->contiguous ?
						  SEVLM_REGION_CONTIGUOUS :
						  0)),
	     "memory");
	if (pair->contiguous)
		must(sevlm_sim_vm_contiguous(side->guest, side->ram,
					     pair->memory),
		     "contiguous");
}

/* runs the guest until it has nothing more to say */
static void run_guest(struct side *side)
{
	struct sevlm_sim_exit e = {.size = sizeof(e)};
	uint64_t answer;

	for (;;) {
		must(sevlm_sim_vm_run(side->guest, 1, &e), "guest");
		if (e.reason == SEVLM_SIM_EXIT_INTR)
			return;
		if (e.reason == SEVLM_SIM_EXIT_HYPERCALL)
			must(sevlm_vm_hypercall(side->vm, e.nr, e.args,
						&answer),
			     "hypercall");
		else
			answer = !!sevlm_vm_wrmsr(side->vm, e.index, e.data);
		must(sevlm_sim_vm_answer(side->guest, answer), "answer");
	}
}

static void share(struct pair *pair)
{
	uint64_t args[6] = {pair->shared_gpa,
			    pair->shared_bytes / SEVLM_PAGE_SIZE};
	uint64_t answer, gpa = pair->shared_gpa;
	uint8_t contents[SEVLM_PAGE_SIZE];

	must(sevlm_vm_hypercall(pair->source.vm, KVM_HC_MAP_GPA_RANGE, args,
				&answer),
	     "hypercall");
	memset(contents, 0x5a, sizeof(contents));
	for (; gpa < pair->shared_gpa + pair->shared_bytes;
	     gpa += SEVLM_PAGE_SIZE) {
		must(sevlm_sim_vm_convert(pair->source.guest, gpa, 1),
		     "convert");
		must(sevlm_sim_vm_write(pair->source.guest, gpa, contents,
					sizeof(contents)),
		     "write");
	}
}

void pair_launch(struct pair *pair, const struct sevlm_kernel_ops *ops)
{
	struct sevlm_sim_vm_config shape = {
		.size = sizeof(shape),
		.seed = 1,
		.memory = pair->memory,
		.workload = SEVLM_SIM_IDLE,
		.offered = 1,
	};
	struct side *source = &pair->source, *target = &pair->target;

	must(sevlm_sim_vm_new(source->host, &shape, &source->guest), "VM");
	must(sevlm_sim_vm_new(target->host, &shape, &target->guest), "VM");
	must(sevlm_sim_vm_launch(source->guest, source->ram, NULL, 0, 0),
	     "launch");
	must(sevlm_sim_vm_prepare(target->guest, target->ram), "prepare");
	new_handle(pair, source, ops);
	new_handle(pair, target, ops);
	must(sevlm_vm_offer(source->vm, 0), "offer");
	run_guest(source);
	share(pair);
}

void pair_destroy(struct pair *pair)
{
	sevlm_vm_free(pair->source.vm);
	sevlm_vm_free(pair->target.vm);
	sevlm_sim_vm_free(pair->source.guest);
	sevlm_sim_vm_free(pair->target.guest);
}

struct sevlm_peer pair_peer(struct pair *pair, const struct side *side)
{
	struct identity *own = &pair->identities[side == &pair->target];
	const size_t cek = SEVLM_CHAIN_SIZE - SEVLM_CERT_SIZE;

	must(sevlm_vm_export_certs(side->vm, own->pdh, own->chain), "export");
	must(sevlm_sim_host_cek(side->host, own->chain + cek), "CEK");
	return (struct sevlm_peer){
		.size = sizeof(struct sevlm_peer),
		.pdh = own->pdh,
		.chain = own->chain,
		.amd = pair->amd,
		.amd_bytes = sizeof(pair->amd),
	};
}

struct sevlm_source *pair_source(struct pair *pair)
{
	const struct sevlm_peer own = pair_peer(pair, &pair->source);
	struct sevlm_source_config config = {
		.size = sizeof(config),
		.channel = SEVLM_CHANNEL_INSECURE,
		.nonce = {1},
		.trust = pair->trust,
		.chain = own.chain,
		.amd = own.amd,
		.amd_bytes = own.amd_bytes,
	};
	struct sevlm_source *source;

	must(sevlm_source_new(pair->source.vm, &config, &source),
	     "source engine");
	must(sevlm_sim_vm_log(pair->source.guest, 1), "dirty log");
	return source;
}

struct sevlm_target *pair_target(struct pair *pair)
{
	const struct sevlm_peer own = pair_peer(pair, &pair->target);
	struct sevlm_target_config config = {
		.size = sizeof(config),
		.channel = SEVLM_CHANNEL_INSECURE,
		.nonce = {2},
		.trust = pair->trust,
		.chain = own.chain,
		.amd = own.amd,
		.amd_bytes = own.amd_bytes,
	};
	struct sevlm_target *target;

	must(sevlm_target_new(pair->target.vm, &config, &target),
	     "target engine");
	return target;
}

static void harvest(struct pair *pair, struct sevlm_source *source)
{
	must(sevlm_sim_vm_harvest(pair->source.guest, pair->bitmap),
	     "dirty log");
	must(sevlm_source_dirty(source, 0, pair->bitmap,
				pair->memory / SEVLM_PAGE_SIZE),
	     "dirty");
}

static void save(struct pair *pair, struct sevlm_source *source)
{
	size_t bytes = sizeof(pair->state);

	must(sevlm_sim_vm_save(pair->source.guest, pair->state, &bytes),
	     "save");
	must(sevlm_source_state(source, 0, pair->state, bytes), "state");
}

void pair_source_does(struct pair *pair, struct sevlm_source *source,
		      uint32_t want)
{
	want &= SEVLM_WANT_DIRTY | SEVLM_WANT_PAUSE | SEVLM_WANT_STATE |
		SEVLM_WANT_PERSIST | SEVLM_WANT_RESUME;
	if (want == SEVLM_WANT_DIRTY)
		harvest(pair, source);
	if (want == SEVLM_WANT_STATE)
		save(pair, source);
	if (want == SEVLM_WANT_PERSIST)
		must(sevlm_source_note(source, pair->note), "note");
	if (want)
		must(sevlm_source_did(source, want, 0), "did");
}

static void load(struct pair *pair, struct sevlm_target *target)
{
	const void *buf;
	size_t bytes;
	uint32_t id;

	must(sevlm_target_state(target, 0, &id, &buf, &bytes), "state");
	must(sevlm_sim_vm_load(pair->target.guest, buf, bytes), "load");
}

void pair_target_does(struct pair *pair, struct sevlm_target *target,
		      uint32_t want)
{
	want &= SEVLM_WANT_SESSION | SEVLM_WANT_STATE | SEVLM_WANT_PERSIST |
		SEVLM_WANT_RUN;
	if (want == SEVLM_WANT_STATE)
		load(pair, target);
	if (want == SEVLM_WANT_RUN)
		run_guest(&pair->target);
	if (want)
		must(sevlm_target_did(target, want, 0), "did");
}

static int output(struct pair *pair, bool back, struct iovec *iov,
		  size_t *count)
{
	return back ? sevlm_target_output(pair->engines.target, iov, count)
		    : sevlm_source_output(pair->engines.source, iov, count);
}

static int feed(struct pair *pair, bool back, const struct iovec *part,
		size_t *taken)
{
	return back ? sevlm_source_feed(pair->engines.source, part->iov_base,
					part->iov_len, taken)
		    : sevlm_target_feed(pair->engines.target, part->iov_base,
					part->iov_len, taken);
}

static int consumed(struct pair *pair, bool back, size_t bytes)
{
	return back ? sevlm_target_consumed(pair->engines.target, bytes)
		    : sevlm_source_consumed(pair->engines.source, bytes);
}

void pair_carry(struct pair *pair, bool back)
{
	struct iovec iov[PARTS];
	size_t count = PARTS, taken;

	must(output(pair, back, iov, &count), "output");
	for (size_t i = 0; i < count; i++) {
		must(feed(pair, back, &iov[i], &taken), "feed");
		must(consumed(pair, back, taken), "consumed");
		if (taken < iov[i].iov_len)
			return;
	}
}

void pair_ended(struct sevlm_source *source, struct sevlm_target *target)
{
	uint32_t here = 0, there = 0;

	must(sevlm_source_outcome(source, &here, NULL), "outcome");
	must(sevlm_target_outcome(target, &there, NULL), "outcome");
	if (here == SEVLM_OUTCOME_COMPLETED && there == here)
		return;
	fprintf(stderr, "bench: source: %s; target: %s\n",
		sevlm_source_error(source), sevlm_target_error(target));
	exit(1);
}
