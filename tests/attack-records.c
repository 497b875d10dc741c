/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Kind "records": the attacker is where nothing protects the records, between
 * two engines that were told otherwise. It knows the format and no key.
 */
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

/* ---- bits --------------------------------------------------------------- */

static void flip_header(struct attack *attack, const uint8_t *record,
			size_t bytes)
{
	fault_flip(attack, record, bytes, 0,
		   bytes < RECORD_HEADER_SIZE ? bytes : RECORD_HEADER_SIZE);
}

static void flip_body(struct attack *attack, const uint8_t *record,
		      size_t bytes)
{
	if (bytes > RECORD_HEADER_SIZE)
		fault_flip(attack, record, bytes, RECORD_HEADER_SIZE,
			   wire_covered(record, bytes));
	else
		flip_header(attack, record, bytes);
}

/* where the payload of a page of that kind is; 0 where none is */
static size_t payload(struct attack *attack, const uint8_t *record,
		      size_t bytes, uint32_t kind)
{
	size_t at = wire_covered(record, bytes), ret = 0;
	struct sevlm__batch batch;
	uint64_t found = 0;

	if (wire_type(record, bytes) != RECORD_PAGES ||
	    sevlm__batch_decode(record + RECORD_HEADER_SIZE,
				bytes - RECORD_HEADER_SIZE, &batch))
		return 0;
	for (uint32_t i = 0; i < batch.count; i++) {
		uint64_t entry = sevlm__entry(&batch, i);
		uint32_t is = sevlm__entry_kind(entry);

		if (is == kind && !attack_below(attack, ++found))
			ret = at;
		if (is != KIND_ZERO)
			at += sevlm__entry_pages(entry) * RIG_PAGE;
	}
	return ret;
}

static void flip_payload(struct attack *attack, const uint8_t *record,
			 size_t bytes, uint32_t kind)
{
	size_t at = payload(attack, record, bytes, kind);

	if (at)
		fault_flip(attack, record, bytes, at, at + RIG_PAGE);
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
	fault_pass(attack, attack->back, record,
		   RECORD_HEADER_SIZE + header.length);
}

static void insert_optional(struct attack *attack, const uint8_t *record,
			    size_t bytes)
{
	insert(attack, 0);
	fault_pass(attack, attack->back, record, bytes);
	fault_struck(attack, record, bytes);
	attack->harmless = attack->fix;
}

static void insert_required(struct attack *attack, const uint8_t *record,
			    size_t bytes)
{
	insert(attack, RECORD_REQUIRED);
	fault_pass(attack, attack->back, record, bytes);
	fault_struck(attack, record, bytes);
}

/* what its peer says, back to the receiver's peer */
static void reflect(struct attack *attack, const uint8_t *record, size_t bytes)
{
	struct wire *wire = &attack->wires[!attack->back];

	wire->sequence = wire->index ? wire->index - 1 : 0;
	if (bytes > RECORD_HEADER_SIZE)
		wire_say(attack, !attack->back, wire_type(record, bytes),
			 RECORD_REQUIRED, record + RECORD_HEADER_SIZE,
			 bytes - RECORD_HEADER_SIZE);
	fault_pass(attack, attack->back, record, bytes);
	if (bytes > RECORD_HEADER_SIZE)
		fault_struck(attack, record, bytes);
}

/* COMMIT does not arrive; its MAC comes back as the target's word */
static void verdict(struct attack *attack, const uint8_t *record, size_t bytes)
{
	static const uint16_t types[] = {RECORD_STARTED, RECORD_NEVER,
					 RECORD_LOST};

	if (wire_type(record, bytes) != RECORD_COMMIT) {
		wire_put(attack, attack->back, record, bytes);
		return;
	}
	fault_struck(attack, record, bytes);
	attack->swallow[ATTACK_BACK] = true;
	/* the magic bytes and HELLO are no numbers */
	attack->wires[ATTACK_BACK].sequence =
		attack->wires[ATTACK_BACK].index - 1;
	wire_say(attack, ATTACK_BACK, types[attack_below(attack, 3)],
		 RECORD_REQUIRED, record + RECORD_HEADER_SIZE,
		 bytes - RECORD_HEADER_SIZE);
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
	[DROP] = {"dropped", fault_drop, true},
	[DUPLICATE] = {"twice", fault_twice, true},
	[SWAP] = {"behind the next", fault_swap, true},
	[REPLAY] = {"an earlier one", fault_replay, true},
	[OTHER_RECORD] = {"another run's record", fault_other_record, false},
	[OTHER_STREAM] = {"another run's rest", fault_other_stream, false},
	[ALL_OTHER] = {"another run to both", fault_all_other, false},
	[TRUNCATE] = {"cut short, goes on", fault_cut, false},
	[TRUNCATE_END] = {"cut short, hangs up", fault_cut_off, false},
	[SILENCE] = {"silence", fault_silence, false},
	[HANG_UP] = {"hangs up", fault_hang_up, false},
	[INSERT_OPTIONAL] = {"unknown record", insert_optional, true},
	[INSERT_REQUIRED] = {"required unknown one", insert_required, true},
	[INSERT_NOISE] = {"noise", fault_noise, false},
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
		fault_pass(attack, back, bytes, count);
		fault_give_back(attack);
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
	attack->what = (uint32_t)attack_below(attack, FAULTS);
	/* the target says little, and neither pages nor COMMIT */
	attack->back = !attack_below(attack, 4) &&
		       attack->what != FLIP_PRIVATE &&
		       attack->what != FLIP_SHARED && attack->what != VERDICT;
	attack->place = (uint32_t)attack_below(
		attack, attack->tapes[attack->back].count);
	attack->fix = faults[attack->what].fixable && attack_below(attack, 2);
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

	attack->another = attack_below(attack, 2);
	if (!attack->another)
		return true;
	rig_bytes(&attack->random, rig->source_config.exporter,
		  SEVLM_EXPORTER_SIZE);
	memcpy(rig->target_config.exporter, rig->source_config.exporter,
	       SEVLM_EXPORTER_SIZE);
	return true;
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
	.least_struck = 90,
	.least_refused = 80,
};
