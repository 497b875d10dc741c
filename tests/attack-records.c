/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Kind "records": the attacker is where nothing protects the records, between
 * two engines that were told otherwise. It knows the format and no key.
 */
#include <stdlib.h>
#include <string.h>

#include "attack.h"

/* of a type that is not known */
#define OTHER_TYPE 999u

enum {
	FLIP_HEADER,
	FLIP_BODY,
	FLIP_PRIVATE,
	FLIP_SHARED,
	DROP,
	DUPLICATE,
	SWAP,
	REPLAY,
	OTHER_RECORD,
	OTHER_STREAM,
	ALL_OTHER,
	TRUNCATE,
	TRUNCATE_END,
	SILENCE,
	HANG_UP,
	INSERT_OPTIONAL,
	INSERT_REQUIRED,
	INSERT_NOISE,
	REFLECT,
	VERDICT,
	FAULTS
};

/* attacks on one record: with its numbers made right and without, then bits
 * of each byte of a header and of some of its body */
#define EACH (2u * FAULTS + RECORD_HEADER_SIZE + 24u)

static uint64_t below(struct attack *attack, uint64_t limit)
{
	return rig_below(&attack->random, limit);
}

static void pass(struct attack *attack, bool back, const uint8_t *record,
		 size_t bytes)
{
	if (attack->fix)
		wire_put_fixed(attack, back, record, bytes);
	else
		wire_put(attack, back, record, bytes);
}

static uint16_t type_of(const uint8_t *record, size_t bytes)
{
	return bytes < RECORD_HEADER_SIZE ? 0 : wire_header(record).type;
}

static void struck(struct attack *attack, const uint8_t *record, size_t bytes)
{
	attack->struck = true;
	attack->type = type_of(record, bytes);
}

/* ---- bits --------------------------------------------------------------- */

static void put_flipped(struct attack *attack, const uint8_t *record,
			size_t bytes, size_t from, size_t to)
{
	uint8_t *copy = malloc(bytes);
	size_t at = attack->spot ? (attack->spot - 1) % (to - from)
				 : below(attack, to - from);

	at += from;
	if (!copy)
		return;
	memcpy(copy, record, bytes);
	copy[at] ^= (uint8_t)(1u << below(attack, 8));
	wire_put(attack, attack->back, copy, bytes);
	/* whether a record is required matters only if it is not known */
	attack->harmless =
		at == 6 && copy[6] == 0 && bytes > RECORD_HEADER_SIZE;
	struck(attack, record, bytes);
	free(copy);
}

static void flip_header(struct attack *attack, const uint8_t *record,
			size_t bytes)
{
	put_flipped(attack, record, bytes, 0,
		    bytes < RECORD_HEADER_SIZE ? bytes : RECORD_HEADER_SIZE);
}

/* what the transcript has of a record */
static size_t covered(const uint8_t *record, size_t bytes)
{
	struct sevlm__batch batch;

	if (type_of(record, bytes) != RECORD_PAGES ||
	    sevlm__batch_decode(record + RECORD_HEADER_SIZE,
				bytes - RECORD_HEADER_SIZE, &batch))
		return bytes;
	return RECORD_HEADER_SIZE + batch.control_bytes;
}

static void flip_body(struct attack *attack, const uint8_t *record,
		      size_t bytes)
{
	if (bytes > RECORD_HEADER_SIZE)
		put_flipped(attack, record, bytes, RECORD_HEADER_SIZE,
			    covered(record, bytes));
	else
		flip_header(attack, record, bytes);
}

/* where the payload of a page of that kind is; 0 where none is */
static size_t payload(struct attack *attack, const uint8_t *record,
		      size_t bytes, uint32_t kind)
{
	size_t at = covered(record, bytes), ret = 0;
	struct sevlm__batch batch;
	uint64_t found = 0;

	if (type_of(record, bytes) != RECORD_PAGES ||
	    sevlm__batch_decode(record + RECORD_HEADER_SIZE,
				bytes - RECORD_HEADER_SIZE, &batch))
		return 0;
	for (uint32_t i = 0; i < batch.count; i++) {
		uint32_t is = sevlm__entry_kind(sevlm__entry(&batch, i));

		if (is == kind && !below(attack, ++found))
			ret = at;
		at += is == KIND_ZERO ? 0 : RIG_PAGE;
	}
	return ret;
}

static void flip_payload(struct attack *attack, const uint8_t *record,
			 size_t bytes, uint32_t kind)
{
	size_t at = payload(attack, record, bytes, kind);

	if (at)
		put_flipped(attack, record, bytes, at, at + RIG_PAGE);
	else /* in one of the next, then */
		wire_put(attack, attack->back, record, bytes);
}

static void flip_private(struct attack *attack, const uint8_t *record,
			 size_t bytes)
{
	flip_payload(attack, record, bytes, KIND_PRIVATE);
}

static void flip_shared(struct attack *attack, const uint8_t *record,
			size_t bytes)
{
	flip_payload(attack, record, bytes, KIND_SHARED);
}

/* ---- whole records ------------------------------------------------------ */

static void drop(struct attack *attack, const uint8_t *record, size_t bytes)
{
	struck(attack, record, bytes);
}

static void duplicate(struct attack *attack, const uint8_t *record,
		      size_t bytes)
{
	pass(attack, attack->back, record, bytes);
	pass(attack, attack->back, record, bytes);
	struck(attack, record, bytes);
}

static void swap(struct attack *attack, const uint8_t *record, size_t bytes)
{
	attack->held = malloc(bytes);
	if (!attack->held)
		return;
	memcpy(attack->held, record, bytes);
	attack->held_bytes = bytes;
	struck(attack, record, bytes);
}

static void give_back(struct attack *attack)
{
	if (!attack->held)
		return;
	pass(attack, attack->back, attack->held, attack->held_bytes);
	free(attack->held);
	attack->held = NULL;
}

/* Of this run: the tape of this direction, as far as it is by now. */
static void replay(struct attack *attack, const uint8_t *record, size_t bytes)
{
	const struct tape *said = &attack->said;
	uint64_t at = below(attack, said->count);

	if (said->count)
		pass(attack, attack->back, said->records[at].bytes,
		     said->records[at].count);
	pass(attack, attack->back, record, bytes);
	if (said->count)
		struck(attack, record, bytes);
}

/* Does it differ in anything but payloads of shared pages? */
static void compare(struct attack *attack, const uint8_t *record, size_t bytes,
		    const struct tape_record *other)
{
	size_t same = covered(record, bytes);
	struct sevlm__batch batch;

	if (bytes == other->count && !memcmp(record, other->bytes, bytes))
		return;
	struck(attack, record, bytes);
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

static void other_record(struct attack *attack, const uint8_t *record,
			 size_t bytes)
{
	const struct tape_record *instead = other(attack);

	if (!instead) {
		pass(attack, attack->back, record, bytes);
		return;
	}
	pass(attack, attack->back, instead->bytes, instead->count);
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

static void other_stream(struct attack *attack, const uint8_t *record,
			 size_t bytes)
{
	play(attack, attack->back, attack->wires[attack->back].index);
	struck(attack, record, bytes);
}

/* both sides hear what was said another time */
static void all_other(struct attack *attack, const uint8_t *record,
		      size_t bytes)
{
	play(attack, ATTACK_THERE, attack->wires[ATTACK_THERE].index);
	play(attack, ATTACK_BACK, attack->wires[ATTACK_BACK].index);
	struck(attack, record, bytes);
}

/* ---- ends --------------------------------------------------------------- */

static struct rig_pipe *pipe_of(struct attack *attack)
{
	return attack->back ? &attack->rig.back : &attack->rig.there;
}

static void put_begin(struct attack *attack, const uint8_t *record,
		      size_t bytes)
{
	wire_put(attack, attack->back, record, below(attack, bytes));
	struck(attack, record, bytes);
}

static void truncate_end(struct attack *attack, const uint8_t *record,
			 size_t bytes)
{
	put_begin(attack, record, bytes);
	attack->swallow[attack->back] = true;
	pipe_of(attack)->shut = true;
}

static void silence(struct attack *attack, const uint8_t *record, size_t bytes)
{
	struck(attack, record, bytes);
	attack->swallow[attack->back] = true;
}

static void hang_up(struct attack *attack, const uint8_t *record, size_t bytes)
{
	silence(attack, record, bytes);
	pipe_of(attack)->shut = true;
}

/* ---- what nobody said --------------------------------------------------- */

static void insert(struct attack *attack, uint16_t flags)
{
	uint8_t body[64];
	struct sevlm__record header = {
		.length = (uint32_t)rig_between(&attack->random, 1, 64),
		.type = OTHER_TYPE,
		.flags = flags,
		.epoch = attack->wires[attack->back].epoch,
		.sequence = attack->wires[attack->back].index - 1,
	};
	uint8_t record[RECORD_HEADER_SIZE + sizeof(body)];

	rig_bytes(&attack->random, body, sizeof(body));
	sevlm__record_encode(&header, record);
	memcpy(record + RECORD_HEADER_SIZE, body, sizeof(body));
	pass(attack, attack->back, record, RECORD_HEADER_SIZE + header.length);
}

static void insert_optional(struct attack *attack, const uint8_t *record,
			    size_t bytes)
{
	insert(attack, 0);
	pass(attack, attack->back, record, bytes);
	struck(attack, record, bytes);
	attack->harmless = attack->fix;
}

static void insert_required(struct attack *attack, const uint8_t *record,
			    size_t bytes)
{
	insert(attack, RECORD_REQUIRED);
	pass(attack, attack->back, record, bytes);
	struck(attack, record, bytes);
}

static void insert_noise(struct attack *attack, const uint8_t *record,
			 size_t bytes)
{
	uint8_t noise[256];

	rig_bytes(&attack->random, noise, sizeof(noise));
	wire_put(attack, attack->back, noise,
		 rig_between(&attack->random, 1, sizeof(noise)));
	pass(attack, attack->back, record, bytes);
	struck(attack, record, bytes);
}

/* what its peer says, back to the receiver's peer */
static void reflect(struct attack *attack, const uint8_t *record, size_t bytes)
{
	struct wire *wire = &attack->wires[!attack->back];

	wire->sequence = wire->index ? wire->index - 1 : 0;
	if (bytes > RECORD_HEADER_SIZE)
		wire_say(attack, !attack->back, type_of(record, bytes),
			 RECORD_REQUIRED, record + RECORD_HEADER_SIZE,
			 bytes - RECORD_HEADER_SIZE);
	pass(attack, attack->back, record, bytes);
	if (bytes > RECORD_HEADER_SIZE)
		struck(attack, record, bytes);
}

/* COMMIT does not arrive; its MAC comes back as the target's word */
static void verdict(struct attack *attack, const uint8_t *record, size_t bytes)
{
	static const uint16_t types[] = {RECORD_STARTED, RECORD_NEVER,
					 RECORD_LOST};

	if (type_of(record, bytes) != RECORD_COMMIT) {
		wire_put(attack, attack->back, record, bytes);
		return;
	}
	struck(attack, record, bytes);
	attack->swallow[ATTACK_BACK] = true;
	/* the magic bytes and HELLO are no numbers */
	attack->wires[ATTACK_BACK].sequence =
		attack->wires[ATTACK_BACK].index - 1;
	wire_say(attack, ATTACK_BACK, types[below(attack, 3)], RECORD_REQUIRED,
		 record + RECORD_HEADER_SIZE, bytes - RECORD_HEADER_SIZE);
}

/* ------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*strike)(struct attack *attack, const uint8_t *record,
		       size_t bytes);
	bool fixable;
} faults[FAULTS] = {
	[FLIP_HEADER] = {"bit of a header", flip_header, false},
	[FLIP_BODY] = {"bit of a body", flip_body, false},
	[FLIP_PRIVATE] = {"bit of ciphertext", flip_private, false},
	[FLIP_SHARED] = {"bit of a shared page", flip_shared, false},
	[DROP] = {"dropped", drop, true},
	[DUPLICATE] = {"twice", duplicate, true},
	[SWAP] = {"behind the next", swap, true},
	[REPLAY] = {"an earlier one", replay, true},
	[OTHER_RECORD] = {"another run's record", other_record, false},
	[OTHER_STREAM] = {"another run's rest", other_stream, false},
	[ALL_OTHER] = {"another run to both", all_other, false},
	[TRUNCATE] = {"cut short, goes on", put_begin, false},
	[TRUNCATE_END] = {"cut short, hangs up", truncate_end, false},
	[SILENCE] = {"silence", silence, false},
	[HANG_UP] = {"hangs up", hang_up, false},
	[INSERT_OPTIONAL] = {"unknown record", insert_optional, true},
	[INSERT_REQUIRED] = {"required unknown one", insert_required, true},
	[INSERT_NOISE] = {"noise", insert_noise, false},
	[REFLECT] = {"reflected", reflect, false},
	[VERDICT] = {"COMMIT's MAC comes back", verdict, false},
};

static const char *what(uint32_t fault)
{
	return fault < FAULTS ? faults[fault].name : NULL;
}

static void record(struct attack *attack, bool back, const uint8_t *bytes,
		   size_t count)
{
	uint32_t index = attack->wires[back].index;

	if (back != attack->back) {
		wire_put(attack, back, bytes, count);
	} else if (!attack->struck && index >= attack->place) {
		faults[attack->what].strike(attack, bytes, count);
	} else {
		pass(attack, back, bytes, count);
		give_back(attack);
	}
	if (!attack->fix && count > RECORD_HEADER_SIZE)
		attack->wires[back].epoch = wire_header(bytes).epoch;
	if (back == attack->back && !tape_add(&attack->said, bytes, count))
		attack->wrong = "no memory";
}

/* ---- what must become of it --------------------------------------------- */

/* Nobody reads what comes behind these. */
static bool last_word(const struct attack *attack)
{
	return attack->type == RECORD_COMMIT || attack->type == RECORD_STARTED;
}

/* Nothing compares these headers, and what is in between: they carry nothing
 * that is not proved in another way. */
static bool outside(const struct attack *attack)
{
	return attack->type == RECORD_COMMIT ||
	       attack->type == RECORD_PREPARED ||
	       attack->type == RECORD_STARTED;
}

static enum due due(const struct attack *attack)
{
	if (!attack->struck || (attack->harmless && outside(attack)))
		return DUE_PERFECT;
	if (attack->what == FLIP_SHARED || attack->only_payloads)
		return DUE_SPARED;
	if (attack->what == DUPLICATE && last_word(attack))
		return DUE_PERFECT;
	if (attack->what == REFLECT && attack->type == RECORD_STARTED)
		return DUE_PERFECT;
	if (attack->what == REFLECT && attack->type == RECORD_COMMIT)
		return DUE_LATE;
	return attack->type == RECORD_STARTED ? DUE_LATE : DUE_REFUSED;
}

static void describe(const struct attack *attack, FILE *out)
{
	fprintf(out, "%s, %s record %u (type %u)%s%s\n", what(attack->what),
		attack->back ? "the target's" : "the source's", attack->place,
		attack->type, attack->fix ? ", numbers made right" : "",
		attack->struck ? "" : ": did not happen");
}

/* ---- which -------------------------------------------------------------- */

static void draw(struct attack *attack)
{
	attack->what = (uint32_t)below(attack, FAULTS);
	/* the target says little, and neither pages nor COMMIT */
	attack->back = !below(attack, 4) && attack->what != FLIP_PRIVATE &&
		       attack->what != FLIP_SHARED && attack->what != VERDICT;
	attack->place =
		(uint32_t)below(attack, attack->tapes[attack->back].count);
	attack->fix = faults[attack->what].fixable && below(attack, 2);
}

static bool number(struct attack *attack, uint64_t number)
{
	uint64_t there = attack->tapes[ATTACK_THERE].count;
	uint64_t back = attack->tapes[ATTACK_BACK].count;
	uint64_t place = number / EACH, which = number % EACH;

	if (which >= 2 * FAULTS) { /* each byte of a header, some of a body */
		attack->spot = (uint32_t)(which - 2 * FAULTS) + 1;
		attack->what = attack->spot > RECORD_HEADER_SIZE ? FLIP_BODY
								 : FLIP_HEADER;
	} else {
		attack->what = (uint32_t)which / 2;
		attack->fix = which % 2 && faults[attack->what].fixable;
	}
	attack->back = place >= there;
	attack->place = (uint32_t)(attack->back ? place - there : place);
	return place < there + back;
}

/* Half of the tapes are of another channel than this one. */
static bool begin(struct attack *attack)
{
	struct rig *rig = &attack->rig;

	attack->another = below(attack, 2);
	if (!attack->another)
		return true;
	rig_bytes(&attack->random, rig->source_config.exporter,
		  SEVLM_EXPORTER_SIZE);
	memcpy(rig->target_config.exporter, rig->source_config.exporter,
	       SEVLM_EXPORTER_SIZE);
	return true;
}

static void end(struct attack *attack)
{
	tape_free(&attack->said);
}

const struct kind kind_records = {
	.name = "records",
	.what = what,
	.draw = draw,
	.number = number,
	.record = record,
	.due = due,
	.describe = describe,
	.begin = begin,
	.end = end,
	.least_struck = 90,
	.least_refused = 80,
};
