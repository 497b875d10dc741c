/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A migration in one thread: two software hosts, a running guest, both
 * engines, a link and a clock that exist only in arithmetic. Everything
 * follows from the plan's seed. rig.c has the lifetimes, rig-vmm.c a correct
 * VMM, rig-link.c the link, rig-loop.c the time, rig-resolve.c what follows a
 * doubt, rig-verdict.c the end.
 *
 * Calls return 0 or a negative errno; -ENODEV stands for "the rig itself
 * could not be put up".
 */
#ifndef SEVLM_RIG_H
#define SEVLM_RIG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "certs.h"

#define RIG_PAGE SEVLM_PAGE_SIZE
/* the most that goes into one packet */
#define RIG_PACKET 16384u
#define RIG_CAP_PACKET 0x53454c50u /* lib/uapi */
/* memory of a device: always shared, written by the VMM */
#define RIG_DEVICE_GPA (1ull << 32)
#define RIG_DEVICE_PAGES 8u
/* memory that is plugged in while the guest moves */
#define RIG_PLUG_GPA (2ull << 32)
#define RIG_PLUG_PAGES 16u
#define RIG_MS 1000000ull
#define RIG_SECOND 1000000000ull
#define RIG_NEVER UINT64_MAX

/* ---- chance ------------------------------------------------------------- */

struct rig_random {
	uint64_t state;
};

uint64_t rig_random(struct rig_random *random);
/* 0 to limit - 1; 0 where limit is 0 */
uint64_t rig_below(struct rig_random *random, uint64_t limit);
uint64_t rig_between(struct rig_random *random, uint64_t from, uint64_t to);
/* small values as often as large ones */
uint64_t rig_scale(struct rig_random *random, uint64_t from, uint64_t to);
bool rig_one_in(struct rig_random *random, uint64_t n);
void rig_bytes(struct rig_random *random, void *buf, size_t bytes);

/* ---- the link ----------------------------------------------------------- */

#define PIPE_ROOM (256u << 10)
#define PIPE_MARKS 512u

/* One direction. Bytes get in as bandwidth allows and out after the latency,
 * in pieces of any size. */
struct rig_pipe {
	struct rig_random random;
	uint8_t *buf; /* a ring of PIPE_ROOM */
	uint64_t in, out; /* bytes that went in and came out */
	struct {
		uint64_t end;
		uint64_t ready_ns;
	} marks[PIPE_MARKS];
	uint32_t first, count;
	uint64_t bandwidth; /* bytes per second */
	uint64_t latency_ns;
	uint32_t fragment; /* most bytes at once */
	uint64_t credit_ns; /* time not spent on bytes yet */
	uint64_t clock_ns;
	uint64_t cut_at; /* nothing comes out from this byte on */
	bool shut; /* nothing goes in any more */
	bool starved; /* bytes wait for bandwidth */
	uint64_t hash; /* FNV-1a of what went in */
	/* what a wire hook has put and the link has no room for yet */
	uint8_t *queue;
	size_t queued, queue_room;
	/* one byte in so many rounds is taken from an engine; 0: all */
	uint64_t trickle;
	FILE *record; /* what came out, for a test that looks */
};

int rig_pipe_init(struct rig_pipe *pipe, uint64_t seed);
void rig_pipe_fini(struct rig_pipe *pipe);
void rig_pipe_clock(struct rig_pipe *pipe, uint64_t now_ns);
/* when the next bytes come out, RIG_NEVER where none will */
uint64_t rig_pipe_next(const struct rig_pipe *pipe);
bool rig_pipe_cut(const struct rig_pipe *pipe);
/* for a wire hook: these bytes are what the engine sent */
int rig_pipe_put(struct rig_pipe *pipe, const void *bytes, size_t count);

/* ---- the two ends ------------------------------------------------------- */

struct rig;

/* A region beside the RAM. */
struct rig_extra {
	uint8_t *mem;
	uint64_t bytes;
	bool there; /* the engine or guest handle knows it */
	bool contiguous; /* and is told so */
};

/* What the device behind the port has, and what of it moves. */
struct rig_counter {
	char text[28];
	uint32_t value;
};

struct rig_side {
	struct rig_side **self; /* what the kernel door is given */
	struct rig *rig;
	const char *name;
	bool target;
	struct sevlm_sim_host *host;
	struct sevlm_sim_vm *sim;
	struct sevlm_vm *vm;
	uint8_t *ram;
	struct rig_extra device, plug;
	struct sevlm_kernel_ops ops;
	struct sevlm_source *source_engine;
	struct sevlm_target *target_engine;
	struct sevlm_resolver *resolver; /* in the place of an engine */
	/* what the engine said */
	uint32_t want; /* of the last step() */
	uint32_t phase;
	uint64_t steps;
	bool ended;
	bool killed; /* the process died, and its guest with it */
	bool dropped; /* the VMM freed the engine in between */
	bool closed; /* was told that the link is gone */
	uint32_t outcome;
	int cause;
	char error[256];
	struct sevlm_progress progress;
	/* the VMM's own account */
	bool running; /* the vCPU may run */
	bool ran; /* it did, at some time */
	bool barred; /* the note is persisted */
	uint32_t asked; /* every SEVLM_WANT_* so far */
	uint8_t note[SEVLM_NOTE_SIZE];
	bool in_exit; /* the vCPU waits for an answer */
	struct sevlm_sim_exit exit;
	struct rig_counter counter; /* lent to the engine */
	uint64_t refused; /* commands of the planted fault that failed */
};

/* ---- the plan ----------------------------------------------------------- */

/* Zeroes are good defaults; memory is the only one that must be set. */
struct rig_plan {
	uint64_t seed;
	uint64_t memory; /* bytes */
	uint64_t split; /* RAM in two regions, the second from here */
	uint32_t workload; /* SEVLM_SIM_* */
	uint32_t policy;
	bool device;
	/* of source and target: */
	bool contiguous[2]; /* RAM is declared so */
	bool scattered[2]; /* ... and is not */
	bool old_kernel[2]; /* takes a page at a time */
	uint32_t steps; /* of the guest in 1000 rounds of the rig */
	uint64_t tick_ns; /* one round; 0: 100 us */
	uint64_t bandwidth; /* 0: 1 GB/s */
	uint64_t latency_ns;
	uint32_t fragment; /* 0: no limit */
	uint32_t batch;
	uint32_t max_rounds;
	uint32_t stop_anyway;
	uint64_t downtime_ns;
	uint64_t hello_ns; /* timeouts */
	uint64_t stall_ns;
	uint64_t commit_ns;
	bool exported; /* the target shows the CEK as firmware exports it */
	bool interleave; /* the guest runs within firmware commands */
	uint64_t cut_at[2]; /* to the target, to the source; 0: never */
	bool cut_both; /* one cut ends both directions */
	bool cut_seen[2]; /* by source, by target */
};

/* What a test may put in the place of the correct VMM. Each may call the
 * rig_vmm_*() that it stands for. */
struct rig_hooks {
	void *data;
	/* before every round */
	void (*round)(struct rig *rig);
	/* an ioctl on the VM file */
	int (*door)(struct rig_side *side, uint32_t request, void *arg);
	/* the dirty log into the engine */
	int (*harvest)(struct rig *rig);
	/* KVM_EXIT_HYPERCALL */
	uint64_t (*hypercall)(struct rig_side *side, const uint64_t *args);
	/* the VMM's answer to a want: 0 or a negative errno; -EAGAIN is no
	 * answer yet */
	int (*answer)(struct rig_side *side, uint32_t want);
	/* every byte that an engine sends: what is to reach the peer goes to
	 * rig_pipe_put(), now or later */
	void (*wire)(struct rig_side *from, const void *bytes, size_t count);
	/* every byte that comes out of the link; returns how many it took. What
	 * it makes of them goes to rig_feed(). With a count of 0: how many it
	 * still has */
	size_t (*arrive)(struct rig_side *to, const void *bytes, size_t count);
};

/* what the target's host keeps for good */
#define RIG_SESSIONS 16u
struct rig_sessions {
	uint8_t digest[RIG_SESSIONS][SEVLM_DIGEST_SIZE];
	uint32_t count;
};

struct rig_hosts {
	struct sevlm_sim_host *host[2];
	uint64_t seed;
	uint32_t asids;
	uint32_t left[2]; /* guest contexts that KVM lost the handle of */
};

struct rig {
	struct rig_plan plan;
	struct rig_hooks hooks;
	struct rig_random random;
	struct rig_side source, target;
	struct rig_pipe there, back; /* source to target, target to source */
	struct rig_sessions sessions;
	struct sevlm_source_config source_config;
	struct sevlm_target_config target_config;
	struct certs certs[2]; /* of source and target */
	struct sevlm_trust *trust;
	uint64_t now_ns;
	uint64_t start_ns;
	uint64_t rounds;
	uint64_t owed; /* thousandths of guest steps */
	bool busy; /* something happened in this round */
	bool cut_told;
	bool operated; /* somebody ended the target's long wait */
	bool hung;
	uint8_t *bitmap; /* of the dirty log */
	uint8_t *state; /* the vCPU's, lent to the engine */
	size_t state_bytes;
	uint32_t plug_type; /* SEVLM_REGION_* */
	bool ram_taken; /* the second half of RAM is not registered */
	/* what was declared free of the device's memory, a bit per page */
	uint64_t freed;
	bool same; /* memory when the target was let go */
	char differs[160];
	bool both; /* two guests ran */
	/* a side lies and has the keys: the target may run with other
	 * contents, and the source believe that it runs when it does not */
	bool excused;
	FILE *trace;
};

int rig_hosts_new(struct rig_hosts *hosts, uint64_t seed, uint32_t asids);
/* every guest context but those left, and every ASID was given back? */
bool rig_hosts_clean(struct rig_hosts *hosts);
/* where firmware answers no more; no VM may be left there */
int rig_hosts_boot(struct rig_hosts *hosts);
void rig_hosts_free(struct rig_hosts *hosts);

/* ---- a run -------------------------------------------------------------- */

/* both VMs, the source's guest has said READY; hooks and the engines'
 * configs may be changed then */
int rig_open(struct rig *rig, const struct rig_hosts *hosts,
	     const struct rig_plan *plan);
/* the engines, the link and the dirty log */
int rig_start(struct rig *rig);
void rig_round(struct rig *rig);
/* another link in the place of the last one */
int rig_relink(struct rig *rig);
/* until both sides have ended, or it hangs */
void rig_run(struct rig *rig);
/* forget a migration whose guest runs on at the source, and put up what
 * another takes: rig_start() is next */
int rig_again(struct rig *rig);
/* the target becomes the source of the next migration */
int rig_turn(struct rig *rig);
void rig_close(struct rig *rig);

void rig_trace(struct rig *rig, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
const char *rig_want_name(uint32_t want);
const char *rig_outcome_name(uint32_t outcome);

/* ---- rig-loop.c: what a test may do to a side --------------------------- */

bool rig_done(const struct rig *rig);
int rig_cancel(struct rig_side *side);
/* the process dies; the peer is told where told is set */
void rig_kill(struct rig_side *side, bool told);
/* the VMM lives on and frees its engine */
void rig_drop(struct rig_side *side, bool told);
void rig_free_engine(struct rig_side *side);
void rig_closed(struct rig_side *side);
int rig_did(struct rig_side *side, uint32_t want, int result);
/* bytes for the engine; returns how many it took */
size_t rig_feed(struct rig_side *side, const void *bytes, size_t count);
uint64_t rig_deadline(struct rig_side *side);
/* step one side, without the VMM's answer */
uint32_t rig_step(struct rig_side *side);
void rig_move(struct rig *rig);

/* ---- rig-resolve.c ------------------------------------------------------ */

/* Both sides meet on a new link, each with its engine, or with its note where
 * it died; rig_run() is next. Returns the sides that take part: RIG_SOURCE,
 * RIG_TARGET */
#define RIG_SOURCE 1u
#define RIG_TARGET 2u
uint32_t rig_reconnect(struct rig *rig);
/* somebody saw to it that the source is dead */
int rig_fence(struct rig *rig);
/* where the attempt says so, a VMM that has only the guest lets it run */
void rig_reconnected(struct rig *rig);

/* ---- rig-vmm.c: a correct VMM ------------------------------------------- */

int rig_vmm_door(struct rig_side *side, uint32_t request, void *arg);
/* SEVLM_REGION_* of RAM */
uint32_t rig_ram_type(const struct rig_side *side);
int rig_vmm_harvest(struct rig *rig);
uint64_t rig_vmm_hypercall(struct rig_side *side, const uint64_t *args);
int rig_vmm_answer(struct rig_side *side, uint32_t want);
void rig_vmm_run(struct rig_side *side, uint64_t steps);
/* complete a pending exit */
void rig_vmm_settle(struct rig_side *side);
/* the device writes a page of its memory */
void rig_vmm_device(struct rig *rig);
/* plug memory in or out on the source */
int rig_vmm_plug(struct rig *rig, uint32_t type);
int rig_vmm_unplug(struct rig *rig);
/* the second half of RAM goes and comes back, as behind a PAM register */
int rig_vmm_take_ram(struct rig *rig);
int rig_vmm_give_ram(struct rig *rig);
int rig_vmm_map(struct rig_side *side, struct rig_extra *extra, uint64_t gpa,
		uint32_t slot, bool on);

/* ---- rig-verdict.c ------------------------------------------------------ */

/* memory of both sides compared as the guests see it */
void rig_compare(struct rig *rig);
/* what no migration may end in, whatever happened to it: NULL or a sentence
 * that is valid until the next call */
const char *rig_wrong(struct rig *rig);
/* did it end as one without faults must? */
const char *rig_not_perfect(struct rig *rig);

#endif /* SEVLM_RIG_H */
