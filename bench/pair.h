/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef SEVLM_BENCH_PAIR_H
#define SEVLM_BENCH_PAIR_H

#include <stdbool.h>

#include <libsevlm/libsevlm.h>
#include <libsevlm/sim.h>

/*
 * Two software hosts in this process: a launched and booted guest that does
 * nothing on the one, an empty VM for it on the other. A sixteenth of the
 * guest's memory is shared, as bounce buffers are.
 */
struct side {
	struct sevlm_sim_host *host;
	struct sevlm_sim_vm *guest;
	struct sevlm_vm *vm;
	uint8_t *ram; /* touched */
};

struct pair {
	struct side source;
	struct side target;
	uint64_t memory;
	uint64_t shared_gpa;
	uint64_t shared_bytes;
	bool contiguous; /* memory, from pair_launch() on */
	struct identity {
		uint8_t pdh[SEVLM_PDH_SIZE];
		uint8_t chain[SEVLM_CHAIN_SIZE]; /* CEK signed */
	} identities[2]; /* source's, target's */
	uint8_t amd[SEVLM_SIM_AMD_SIZE];
	struct sevlm_trust *trust; /* in any software host */
	uint64_t *bitmap;
	uint8_t state[65536];
	uint8_t note[SEVLM_NOTE_SIZE];
	struct {
		struct sevlm_source *source;
		struct sevlm_target *target;
	} engines; /* the caller's to make and free */
};

/* ends the program with a sentence where ret is not 0 */
void must(int ret, const char *what);

/* in any software host; amd: what it publishes */
struct sevlm_trust *pair_trust(const uint8_t *amd);

void pair_open(struct pair *pair, uint64_t memory);
void pair_close(struct pair *pair);
/* the guest and the VM for it, each behind this door */
void pair_launch(struct pair *pair, const struct sevlm_kernel_ops *ops);
void pair_destroy(struct pair *pair);

/* the certificates of a side, once it is launched */
struct sevlm_peer pair_peer(struct pair *pair, const struct side *side);

struct sevlm_source *pair_source(struct pair *pair);
struct sevlm_target *pair_target(struct pair *pair);
/* does what step() wants of a VMM, except moving bytes */
void pair_source_does(struct pair *pair, struct sevlm_source *source,
		      uint32_t want);
void pair_target_does(struct pair *pair, struct sevlm_target *target,
		      uint32_t want);
/* what an engine sends reaches the other, as far as it takes it: the target's
 * where back is set, else the source's */
void pair_carry(struct pair *pair, bool back);
/* both must have completed */
void pair_ended(struct sevlm_source *source, struct sevlm_target *target);

#endif /* SEVLM_BENCH_PAIR_H */
