/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One host of a scenario: the VMM of examples/, led step by step. */
#ifndef TESTBED_WALK_H
#define TESTBED_WALK_H

#include "hooks.h"
#include "host.h"

#define PAGE SEVLM_PAGE_SIZE

struct walk;

struct moment {
	void (*act)(struct walk *walk);
	uint32_t want;		/* SEVLM_WANT_*, or 0 */
	bool before;		/* it is wanted; else it is done, and then: */
	bool counting;
	size_t left;		/* bytes, in both directions */
};

struct plant {
	const char *name;	/* NULL: nothing is planted */
	bool old_state;
	struct state state;
	bool heard;		/* the guest's last announcement */
	_Atomic bool armed, caught;
};

struct walk {
	struct vmm vmm;		/* the first, see walk_of() */
	struct move *move;	/* the one that runs */
	struct move moves;
	const char *peer;
	const char *port;
	const char *image;
	const char *papers;
	uint64_t bytes;
	uint32_t states;	/* of the VMMs to come; 0 is theirs to choose */
	uint64_t room;		/* ... and in the kernel's list; 0 the same */
	bool open;
	bool huge;		/* the next guest's memory */
	struct moment moment;
	struct plant plant;
};

static inline struct walk *walk_of(struct vmm *vmm)
{
	return (struct walk *)vmm;
}

/* moves.c: steps, see walk.c. 0 or -1 */
int moves_meet(struct walk *walk, const char *arg);
int moves_send(struct walk *walk, const char *arg);
int moves_receive(struct walk *walk, const char *arg);
int moves_again(struct walk *walk, const char *arg);
int moves_fenced(struct walk *walk, const char *arg);
int moves_cancel(struct walk *walk, const char *arg);
int moves_source_note(struct walk *walk, const char *arg);
int moves_target_note(struct walk *walk, const char *arg);

/* moments.c: ACTION@BYTES, ACTION@WANT or ACTION@WANT+BYTES, with die, cut or
 * cancel as ACTION: the process is killed, the link is cut, the migration is
 * cancelled. BYTES counts both directions of the stream; WANT is before the
 * engine's want is done, WANT+0 is behind it. 0 or -1 */
int moment_set(struct walk *walk, const char *text);
void moment_want(struct move *move, uint32_t want, bool done);
size_t moment_limit(struct move *move, size_t bytes);
void moment_moved(struct move *move, size_t bytes);

/* plants.c: the next migration has a fault of this name. 0 or -1 */
int plant_set(struct walk *walk, const char *name);
bool plant_unregistered(struct vmm *vmm);
void plant_want(struct move *move, uint32_t want, bool done);
bool plant_announced(struct vmm *vmm);
void plant_harvested(struct vmm *vmm, uint64_t *bitmap, size_t words);
bool plant_pending(struct vmm *vmm);

/* cross.c: the guest stands and lies in a host of libsevlm-sim; a VM that
 * waits there; what came there goes on here. 0 or -1 */
int cross_leave(struct walk *walk);
int cross_wait(struct walk *walk);
/* the peer is a host of libsevlm-sim */
int cross_trust(struct walk *walk);
int cross_arrive(struct vmm *vmm);
bool cross_is(void);
void cross_close(void);

/* firmware.c: steps, see there. 0 or -1 */
int firmware_fail(struct walk *walk, const char *arg);
int firmware_delay(struct walk *walk, const char *arg);
int firmware_knows(struct walk *walk, const char *arg);
int firmware_pinned(struct walk *walk, const char *arg);
int firmware_chip_id(struct walk *walk, const char *arg);
int firmware_number(struct walk *walk, const char *arg);

/* lists.c: steps, see there. 0 or -1 */
int lists_states(struct walk *walk, const char *arg);
int lists_room(struct walk *walk, const char *arg);
int lists_refused(struct walk *walk, const char *arg);
int lists_hang_up(struct walk *walk, const char *arg);
int lists_enable(struct walk *walk, const char *arg);
int lists_apart(struct walk *walk, const char *arg);

/* blocks.c: the next guest lies in huge pages; the firmware counts anew; it
 * counted a command for each page that moved, or for four. 0 or -1 */
int blocks_huge(struct walk *walk, const char *arg);
int blocks_count(struct walk *walk, const char *arg);
int blocks_singly(struct walk *walk, const char *name);
int blocks_quarter(struct walk *walk, const char *name);

/* print.c: a line with a digest of what the guest sees of its memory */
void print_memory(struct vmm *vmm);

#endif /* TESTBED_WALK_H */
