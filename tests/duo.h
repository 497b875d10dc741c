/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A migration with nothing between the engines: two patched software hosts,
 * page states from anywhere, memory of a second region that the test itself
 * writes to. Each side's step, and the bytes, may have a thread of their own.
 * Failures of the rig itself fail the test.
 */
#ifndef SEVLM_DUO_H
#define SEVLM_DUO_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "certs.h"

#define DUO_PAGE SEVLM_PAGE_SIZE
/* the second region */
#define DUO_EXTRA_GPA (1ull << 32)

struct duo;

struct duo_side {
	struct duo *duo;
	struct sevlm_sim_host *host;
	struct sevlm_sim_vm *sim;
	struct sevlm_vm *vm;
	uint8_t *ram;
	uint8_t *extra;
	uint32_t states;	/* SEVLM_STATES_* */
	_Atomic bool ended;
	uint64_t now_ns;
	/* in the place of an ioctl on the VM, or NULL */
	int (*door)(struct duo_side *side, uint32_t request, void *arg);
};

struct duo_plan {
	uint64_t memory;	/* bytes */
	uint64_t extra;		/* bytes of the second region, or 0 */
	uint32_t workload;
	uint32_t states[2];	/* of source and target */
	uint32_t rounds;
	const uint8_t *exporter; /* of a channel; NULL: there is none */
};

struct duo {
	struct duo_plan plan;
	struct duo_side source, target;
	struct sevlm_source *out;
	struct sevlm_target *in;
	struct certs certs[2];	/* of source and target */
	struct sevlm_trust *trust;
	uint64_t *bitmap;
	uint8_t *state;
	size_t state_bytes;
	bool paused;
	bool moved;		/* the target may run it */
	uint32_t outcome[2];
	int cause[2];
	/* whoever else runs the guest stops for good; may be NULL */
	void (*pause)(struct duo *duo);
};

/* both VMs; the source's guest has booted and said READY */
void duo_open(struct duo *duo, const struct duo_plan *plan);
void duo_start(struct duo *duo);
void duo_close(struct duo *duo);

/* a host and a VM of a patched kernel, not launched, page states chosen */
void duo_new_vm(struct duo_side *side, uint64_t memory, uint32_t workload);
void duo_free_vm(struct duo_side *side);
int duo_enable(struct duo_side *side, uint32_t cap, uint64_t a, uint64_t b);
/* what the mode needs of KVM */
void duo_choose(struct duo_side *side);

void duo_run_guest(struct duo_side *side, uint64_t steps);
/* one step and what it asks for; false where nothing is left to be done */
bool duo_step_source(struct duo *duo);
bool duo_step_target(struct duo *duo);
/* bytes in both directions; false where there were none */
bool duo_carry(struct duo *duo);
/* in one thread, the guest running along */
void duo_move(struct duo *duo, uint64_t steps);

/* both engines completed, and the guests' views are the same */
void duo_expect_moved(struct duo *duo);

#endif /* SEVLM_DUO_H */
