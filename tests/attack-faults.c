/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What can be done to any record on its way. */
#include <stdlib.h>
#include <string.h>

#include "attack.h"

uint64_t attack_below(struct attack *attack, uint64_t limit)
{
	return rig_below(&attack->random, limit);
}

void fault_pass(struct attack *attack, bool back, const uint8_t *record,
		size_t bytes)
{
	if (attack->fix)
		wire_put_fixed(attack, back, record, bytes);
	else
		wire_put(attack, back, record, bytes);
}

void fault_struck(struct attack *attack, const uint8_t *record, size_t bytes)
{
	attack->struck = true;
	attack->type = wire_type(record, bytes);
	attack->index = attack->wires[attack->back].index;
}

void fault_flip(struct attack *attack, const uint8_t *record, size_t bytes,
		size_t from, size_t to)
{
	uint8_t *copy = malloc(bytes);
	size_t at = attack->spot ? (attack->spot - 1) % (to - from)
				 : attack_below(attack, to - from);

	at += from;
	if (!copy)
		return;
	memcpy(copy, record, bytes);
	copy[at] ^= (uint8_t)(1u << attack_below(attack, 8));
	wire_put(attack, attack->back, copy, bytes);
	/* whether a record is required matters only if it is not known */
	attack->harmless =
		at == 6 && copy[6] == 0 && bytes > RECORD_HEADER_SIZE;
	fault_struck(attack, record, bytes);
	free(copy);
}

/* ---- whole records ------------------------------------------------------ */

void fault_drop(struct attack *attack, const uint8_t *record, size_t bytes)
{
	fault_struck(attack, record, bytes);
}

void fault_twice(struct attack *attack, const uint8_t *record, size_t bytes)
{
	fault_pass(attack, attack->back, record, bytes);
	fault_pass(attack, attack->back, record, bytes);
	fault_struck(attack, record, bytes);
}

void fault_hold(struct attack *attack, const uint8_t *record, size_t bytes)
{
	free(attack->held);
	attack->held = malloc(bytes);
	if (!attack->held)
		return;
	memcpy(attack->held, record, bytes);
	attack->held_bytes = bytes;
}

void fault_swap(struct attack *attack, const uint8_t *record, size_t bytes)
{
	fault_hold(attack, record, bytes);
	fault_struck(attack, record, bytes);
}

void fault_give_back(struct attack *attack)
{
	if (!attack->held)
		return;
	fault_pass(attack, attack->back, attack->held, attack->held_bytes);
	free(attack->held);
	attack->held = NULL;
}

/* Of this run: the tape of this direction, as far as it is by now. */
void fault_replay(struct attack *attack, const uint8_t *record, size_t bytes)
{
	const struct tape *said = &attack->said;
	uint64_t at = attack_below(attack, said->count);

	if (said->count)
		fault_pass(attack, attack->back, said->records[at].bytes,
			   said->records[at].count);
	fault_pass(attack, attack->back, record, bytes);
	if (said->count)
		fault_struck(attack, record, bytes);
}

/* Does it differ in anything but payloads of shared pages? */
static void compare(struct attack *attack, const uint8_t *record, size_t bytes,
		    const struct tape_record *other)
{
	size_t same = wire_covered(record, bytes);
	struct sevlm__batch batch;

	if (bytes == other->count && !memcmp(record, other->bytes, bytes))
		return;
	fault_struck(attack, record, bytes);
	attack->only_payloads =
		bytes == other->count && same < bytes &&
		!memcmp(record, other->bytes, same) &&
		!sevlm__batch_decode(record + RECORD_HEADER_SIZE,
				     bytes - RECORD_HEADER_SIZE, &batch) &&
		batch.headers == batch.payloads;
}

static const struct tape_record *other(const struct attack *attack)
{
	const struct tape *tape = &attack->tapes[attack->back];

	return attack->wires[attack->back].index < tape->count
		       ? &tape->records[attack->wires[attack->back].index]
		       : NULL;
}

void fault_other_record(struct attack *attack, const uint8_t *record,
			size_t bytes)
{
	const struct tape_record *instead = other(attack);

	if (!instead) {
		fault_pass(attack, attack->back, record, bytes);
		return;
	}
	fault_pass(attack, attack->back, instead->bytes, instead->count);
	compare(attack, record, bytes, instead);
}

static void play(struct attack *attack, bool back, uint32_t from)
{
	const struct tape *tape = &attack->tapes[back];

	for (uint32_t i = from; i < tape->count; i++)
		wire_put(attack, back, tape->records[i].bytes,
			 tape->records[i].count);
	attack->swallow[back] = true;
}

void fault_other_stream(struct attack *attack, const uint8_t *record,
			size_t bytes)
{
	play(attack, attack->back, attack->wires[attack->back].index);
	fault_struck(attack, record, bytes);
}

/* both sides hear what was said another time */
void fault_all_other(struct attack *attack, const uint8_t *record, size_t bytes)
{
	play(attack, ATTACK_THERE, attack->wires[ATTACK_THERE].index);
	play(attack, ATTACK_BACK, attack->wires[ATTACK_BACK].index);
	fault_struck(attack, record, bytes);
}

/* ---- ends --------------------------------------------------------------- */

static struct rig_pipe *pipe_of(struct attack *attack)
{
	return attack->back ? &attack->rig.back : &attack->rig.there;
}

void fault_cut(struct attack *attack, const uint8_t *record, size_t bytes)
{
	wire_put(attack, attack->back, record, attack_below(attack, bytes));
	fault_struck(attack, record, bytes);
}

void fault_cut_off(struct attack *attack, const uint8_t *record, size_t bytes)
{
	fault_cut(attack, record, bytes);
	attack->swallow[attack->back] = true;
	pipe_of(attack)->shut = true;
}

void fault_silence(struct attack *attack, const uint8_t *record, size_t bytes)
{
	fault_struck(attack, record, bytes);
	attack->swallow[attack->back] = true;
}

void fault_hang_up(struct attack *attack, const uint8_t *record, size_t bytes)
{
	fault_silence(attack, record, bytes);
	pipe_of(attack)->shut = true;
}

void fault_noise(struct attack *attack, const uint8_t *record, size_t bytes)
{
	uint8_t noise[256];

	rig_bytes(&attack->random, noise, sizeof(noise));
	wire_put(attack, attack->back, noise,
		 rig_between(&attack->random, 1, sizeof(noise)));
	fault_pass(attack, attack->back, record, bytes);
	fault_struck(attack, record, bytes);
}
