/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Attackers of the stream, between the engines of a rig: each run is a
 * function of its seed. attack.c counts and prints, attack-run.c has one run
 * and its judgement, attack-dress.c what its hosts have, attack-wire.c cuts
 * what an engine sends into records; then one kind per file: attack-records.c knows no key, attack-peer.c has
 * the keys of one end, attack-tls.c has both engines in a secure channel,
 * attack-resolve.c is there when they meet again.
 */
#ifndef SEVLM_ATTACK_H
#define SEVLM_ATTACK_H

#include "record.h"
#include "rig.h"

#define ATTACK_THERE 0
#define ATTACK_BACK 1
/* memory that no page may reach: a ROM, say */
#define SKIP_GPA (3ull << 32)
/* memory of both kinds of pages, in one piece on either host, in two regions
 * that meet within what would be a block; its end is within another. One page
 * of its first block is shared, nothing of it is written to. */
#define BANK_GPA (1ull << 31)
#define BANK_SEAM 18u
#define BANK_PAGES 23u
#define BANK_SHARED 1u

/* What must become of a run that was attacked. */
enum due {
	DUE_PERFECT, /* as if nothing had been: both sides completed */
	DUE_SPARED, /* so, but for bytes of shared pages */
	DUE_REFUSED, /* the target never ran, nobody says completed */
	DUE_VMM, /* so, by the VMM */
	DUE_UNLOADED, /* so, and no state was handed to the VMM */
	DUE_HELLO, /* so, and firmware was not asked to start */
	DUE_EITHER, /* so, or perfect: a later round may have healed it */
	DUE_LATE, /* the target may run; the source does not say completed */
	DUE_SAFE, /* nothing that no migration may end in */
	DUE_CONTAINED, /* a source's own guest: whatever it is, where it may be */
	DUES
};

/* Records of one direction: the magic bytes, HELLO, and so on. */
struct tape {
	struct tape_record {
		uint8_t *bytes;
		size_t count;
	} * records;
	uint32_t count, room;
};

/* One direction on its way through the attacker. */
struct wire {
	uint8_t *buf;
	size_t have, room;
	uint32_t index; /* of the record that is not complete yet */
	uint64_t sequence; /* of the next record that the receiver sees */
	uint32_t epoch;
};

struct attack;

struct kind {
	const char *name;
	/* NULL past the last */
	const char *(*what)(uint32_t what);
	/* from the attack's chance */
	void (*draw)(struct attack *attack);
	/* the number-th of every one there is; false past the last */
	bool (*number)(struct attack *attack, uint64_t number);
	/* a whole record of an engine; nothing is passed on by itself */
	void (*record)(struct attack *attack, bool back, const uint8_t *record,
		       size_t bytes);
	/* what must become of it */
	enum due (*due)(const struct attack *attack);
	void (*describe)(const struct attack *attack, FILE *out);
	/* may be NULL: what the target's sentence must have in it; NULL:
	 * whatever */
	const char *(*says)(const struct attack *attack);
	/* all may be NULL. begin: before there are engines; false where it
	 * does not come to them, or something is wrong */
	bool (*begin)(struct attack *attack);
	void (*end)(struct attack *attack);
	/* the rig's hooks; wire is wire_take() otherwise */
	void (*wire)(struct rig_side *from, const void *bytes, size_t count);
	size_t (*arrive)(struct rig_side *to, const void *bytes, size_t count);
	void (*round)(struct rig *rig);
	/* when the migration has ended, with words missing by intention: NULL
	 * or what is wrong */
	const char *(*after)(struct attack *attack);
	/* of what wire_cut() cuts: bytes of a whole record, as far as that
	 * can be told; NULL: the stream's own */
	size_t (*record_bytes)(const struct wire *wire);
	/* least share of runs, in percent, in which the attack happened, and
	 * in which it was refused */
	uint32_t least_struck, least_refused;
};

struct liar;

struct attack {
	struct rig rig;
	const struct kind *kind;
	const struct tape *tapes; /* of an earlier run, one per direction */
	uint64_t seed;
	struct rig_random random;
	struct rig_plan plan;
	struct wire wires[2];
	/* what was drawn */
	uint32_t what;
	bool back; /* the direction */
	uint32_t place; /* index of the record, or how many to let pass */
	uint32_t passed;
	uint32_t spot; /* which byte, and one; 0: chance */
	bool fix; /* make sequence and epoch right again */
	/* what was done */
	bool struck;
	bool another; /* the tapes are of another channel */
	bool swallow[2]; /* nothing of this direction passes any more */
	bool harmless; /* where nobody compares the header */
	bool only_payloads; /* of shared pages differ */
	uint16_t type; /* of the record that was struck */
	uint32_t index; /* its place */
	struct tape said; /* this direction, so far */
	uint8_t *held;
	size_t held_bytes;
	struct liar *liar;
	struct tunnel *tunnel;
	bool meets_again; /* to resolve what is in doubt */
	bool never_met; /* it did not come to engines */
	/* how it went */
	enum due due;
	uint32_t outcome[2];
	char ends[2][256]; /* what the engines said */
	uint64_t starts[2]; /* SEND_START, RECEIVE_START */
	uint64_t altered; /* bytes of shared pages at the target */
	bool again;
	const char *wrong;
	char sentence[400];
};

struct scene {
	struct rig_hosts hosts;
	struct rig_plan plan;
	struct tape tapes[2];
	struct rig_sessions sessions; /* that the target's host has seen */
	uint64_t number;
	bool open;
};

extern const struct kind kind_records, kind_peer, kind_tls, kind_resolve;

/* ---- attack-wire.c ------------------------------------------------------ */

/* cuts into records and calls the kind */
void wire_cut(struct attack *attack, bool back, const void *bytes,
	      size_t count);
/* the hook that does this to what an engine sends */
void wire_take(struct rig_side *from, const void *bytes, size_t count);
void wire_free(struct wire *wire);
/* to the receiver as it is */
void wire_put(struct attack *attack, bool back, const uint8_t *bytes,
	      size_t count);
/* with the sequence number and epoch that the receiver waits for */
void wire_put_fixed(struct attack *attack, bool back, const uint8_t *record,
		    size_t bytes);
/* a record of the attacker's own */
void wire_say(struct attack *attack, bool back, uint16_t type, uint16_t flags,
	      const void *body, size_t bytes);
struct sevlm__record wire_header(const uint8_t *record);
/* 0 for the magic bytes */
uint16_t wire_type(const uint8_t *record, size_t bytes);
/* what the transcript has of a record */
size_t wire_covered(const uint8_t *record, size_t bytes);
bool tape_add(struct tape *tape, const uint8_t *record, size_t bytes);
void tape_free(struct tape *tape);

/* ---- attack-faults.c: called with a record that was not passed on yet ---- */

uint64_t attack_below(struct attack *attack, uint64_t limit);
/* as it is, or with its numbers made right */
void fault_pass(struct attack *attack, bool back, const uint8_t *record,
		size_t bytes);
void fault_struck(struct attack *attack, const uint8_t *record, size_t bytes);
/* a bit of the bytes from, up to to */
void fault_flip(struct attack *attack, const uint8_t *record, size_t bytes,
		size_t from, size_t to);
void fault_drop(struct attack *attack, const uint8_t *record, size_t bytes);
void fault_twice(struct attack *attack, const uint8_t *record, size_t bytes);
/* behind the next one, with which it is given back */
void fault_swap(struct attack *attack, const uint8_t *record, size_t bytes);
void fault_hold(struct attack *attack, const uint8_t *record, size_t bytes);
void fault_give_back(struct attack *attack);
/* an earlier one of this run in front of it */
void fault_replay(struct attack *attack, const uint8_t *record, size_t bytes);
/* from the tapes: instead of it, of all that follow, of both directions */
void fault_other_record(struct attack *attack, const uint8_t *record,
			size_t bytes);
void fault_other_stream(struct attack *attack, const uint8_t *record,
			size_t bytes);
void fault_all_other(struct attack *attack, const uint8_t *record,
		     size_t bytes);
/* some of it, then the next or the end */
void fault_cut(struct attack *attack, const uint8_t *record, size_t bytes);
void fault_cut_off(struct attack *attack, const uint8_t *record, size_t bytes);
void fault_silence(struct attack *attack, const uint8_t *record, size_t bytes);
void fault_hang_up(struct attack *attack, const uint8_t *record, size_t bytes);
void fault_noise(struct attack *attack, const uint8_t *record, size_t bytes);

/* ---- attack-dress.c ----------------------------------------------------- */

/* before there are engines */
int dress_up(struct rig *rig, struct rig_random *random);
/* the rig's next target has nothing of it */
int dress_off(struct rig_side *side);
/* no page came where none belongs */
bool dress_untouched(void);
/* the bank's shared page at the target becomes the source's; returns how many
 * bytes differed */
uint64_t dress_mend(void);

/* ---- attack-run.c ------------------------------------------------------- */

/* hosts, a guest, and what both sides say when nobody attacks */
bool scene_open(struct scene *scene, const struct kind *kind, uint64_t number);
void scene_close(struct scene *scene);
/* what differs at the one end; returns how many bytes */
uint64_t attack_mend(uint8_t *to, const uint8_t *from, size_t bytes);
/* false where it went wrong; the sentence is in the attack */
bool attack_run(struct attack *attack, struct scene *scene, FILE *trace);
const char *due_name(enum due due);

#endif /* SEVLM_ATTACK_H */
