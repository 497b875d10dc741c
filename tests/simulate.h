/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One simulated migration: what is drawn from its seed, and how it went. */
#ifndef SEVLM_SIMULATE_H
#define SEVLM_SIMULATE_H

#include "rig.h"

enum fault {
	FAULT_NONE,
	FAULT_CUT, /* the link, at some byte */
	FAULT_KILL, /* a process dies */
	FAULT_DROP, /* a VMM frees its engine */
	FAULT_CANCEL,
	FAULT_FIRMWARE, /* or its ioctl */
	FAULT_WANT, /* the VMM cannot do what is wanted */
	FAULT_READY, /* the guest's consent ends */
	FAULTS
};

/* A moment of a side: its phase is reached, then some of its steps pass. */
struct moment {
	bool target;
	uint32_t phase; /* 0: steps from the beginning */
	uint64_t steps;
	bool armed;
	bool passed;
};

enum consent { CONSENT_READY, CONSENT_HANG_UP, CONSENT_INCOMPLETE, CONSENTS };

struct dose { /* which fault exactly */
	enum fault fault;
	struct moment moment;
	struct moment second; /* of CANCEL: once more, or the other side */
	bool twice;
	bool told; /* KILL, DROP */
	uint64_t bytes; /* CUT: further on from the moment */
	bool back;
	struct sevlm_sim_fault firmware;
	uint32_t want; /* WANT */
	uint32_t spare; /* that many are done before */
	int error;
	enum consent consent;
	bool struck; /* it happened */
};

/* what goes on beside the migration, without a fault */
struct bustle {
	bool skip;
	bool mark;
	bool plug;
	bool unplug;
	bool take;
};

/* what goes wrong while a doubt is resolved */
enum trouble {
	TROUBLE_NONE,
	TROUBLE_CANCEL, /* the target's VMM does not want it any more */
	TROUBLE_PERSIST, /* it cannot */
	TROUBLE_RUN,
	TROUBLE_KILL, /* the target's process dies */
};

#define REDIRTY_MAX 16
struct redirty {
	uint64_t gpa, bytes;
	uint64_t round;
};

struct run {
	struct rig rig;
	uint64_t seed;
	struct rig_random random;
	struct rig_plan plan;
	struct dose dose;
	struct bustle bustle;
	bool refused; /* firmware must say no to this policy */
	uint32_t left; /* guests that the target's KVM has no handle of */
	bool dead; /* a driver has given up on its PSP, until the next boot */
	struct redirty redirty[REDIRTY_MAX];
	uint32_t redirties;
	/* how it went */
	uint32_t outcome[2];
	bool again, turned;
	bool resolving, fenced;
	enum trouble trouble;
	uint64_t trouble_at; /* rounds of the attempt */
	uint32_t took_part; /* in the last attempt */
	uint32_t attempts;
	uint32_t resolved[2]; /* the outcomes then */
	uint64_t bustled[5]; /* in the order of struct bustle */
	uint64_t hash[2], bytes[2];
	const char *wrong;
	char sentence[300];
};

/* simulate-plan.c */
void run_draw(struct run *run, uint64_t seed);
void run_describe(const struct run *run, FILE *out);
const char *fault_name(enum fault fault);

/* simulate-resolve.c: as run_do() */
bool resolve(struct run *run);
void resolve_round(struct run *run);
int resolve_answer(struct run *run, struct rig_side *side, uint32_t want);

/* simulate-run.c: is something wrong? */
bool run_wrong(struct run *run, const char *what);
/* false where it went wrong; the sentence is in run */
bool run_do(struct run *run, const struct rig_hosts *hosts, FILE *trace);

#endif /* SEVLM_SIMULATE_H */
