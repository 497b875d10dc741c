/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Kind "peer": one end is somebody else's, with the keys of that end. What
 * it may lie about is in attack-hello.c, attack-certs.c, attack-pages.c,
 * attack-blocks.c, attack-stream.c and attack-words.c.
 */
#include <string.h>

#include "attack-liar.h"

static const struct lies *const tables[] = {
	&lies_hello, &lies_certs,  &lies_pages,
	&lies_blocks, &lies_stream, &lies_words,
};

static const struct lie *lie_of(uint32_t what)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		if (what < tables[i]->count)
			return &tables[i]->lies[what];
		what -= tables[i]->count;
	}
	return NULL;
}

static uint32_t count(void)
{
	uint32_t ret = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		ret += tables[i]->count;
	return ret;
}

static const char *what(uint32_t what)
{
	const struct lie *lie = lie_of(what);

	return lie ? lie->name : NULL;
}

static bool concerns(const struct lie *lie, bool back, uint16_t type)
{
	return lie->back == back && (!lie->type || lie->type == type);
}

/* ---- on the way --------------------------------------------------------- */

static void tell(struct attack *attack, struct forged *record)
{
	const struct lie *lie = lie_of(attack->what);
	struct liar *liar = attack->liar;
	bool committed = liar->committed;

	if (!concerns(lie, record->back, record->header.type) ||
	    (attack->struck && !lie->goes_on))
		return;
	if (attack->passed < attack->place) {
		attack->passed++;
		return;
	}
	if (!lie->tell(attack, record, lie) || attack->struck)
		return;
	attack->struck = true;
	attack->type = record->header.type;
	liar->late =
		committed || (attack->type == RECORD_COMMIT && !record->drop);
}

static void record(struct attack *attack, bool back, const uint8_t *bytes,
		   size_t count)
{
	struct forged record = {.back = back, .body = attack->liar->room};

	if (count < RECORD_HEADER_SIZE) {
		wire_put(attack, back, bytes, count);
		return;
	}
	liar_hear(attack, back, bytes, count);
	if (back && attack->liar->plays)
		return;
	record.header = wire_header(bytes);
	record.bytes = count - RECORD_HEADER_SIZE;
	if (!back && record.bytes > attack->liar->most_body)
		attack->wrong = "a record larger than the target takes";
	memcpy(record.body, bytes + RECORD_HEADER_SIZE, record.bytes);
	tell(attack, &record);
	if (!record.drop)
		liar_say(attack, &record);
}

/* What goes on by itself. */
static void talk(struct rig *rig)
{
	struct attack *attack = rig->hooks.data;

	if (attack->liar->plays)
		liar_play(attack);
	/* the target's end says something all the time and never rests */
	if (attack->liar->talks && !rig->source.ended)
		liar_optional(attack, ATTACK_BACK);
}

/* A target that is patient, or it ends first what the source has to end. */
static bool begin(struct attack *attack)
{
	attack->rig.target_config.stall_timeout_ns = 3600 * RIG_SECOND;
	return liar_begin(attack);
}

/* ---- what must become of it --------------------------------------------- */

/* A page that the guest has turned in the meantime was lied about until then
 * only. */
static bool turned(const struct attack *attack, const struct lie *lie)
{
	return lie->goes_on && attack->liar->told &&
	       sevlm_sim_vm_shared(attack->rig.source.sim, attack->liar->gpa) !=
		       (lie->at == KIND_SHARED);
}

/* What was said in front of END is judged there at the latest; only the VMM
 * knows which blobs there must be. */
static bool before_end(const struct lie *lie)
{
	return (lie->type >= RECORD_ROUND && lie->type <= RECORD_STATE) ||
	       lie->goes_on;
}

static enum due due(const struct attack *attack)
{
	const struct lie *lie = lie_of(attack->what);

	if (!attack->struck)
		return DUE_PERFECT;
	if (turned(attack, lie))
		return DUE_CONTAINED;
	if (attack->liar->late &&
	    (lie->due == DUE_REFUSED || lie->due == DUE_HELLO))
		return DUE_LATE;
	/* of any record: HELLO is refused before firmware hears of it */
	if (lie->due == DUE_REFUSED && attack->type == RECORD_HELLO &&
	    !lie->type && !lie->goes_on)
		return DUE_HELLO;
	if (lie->due == DUE_REFUSED && before_end(lie))
		return DUE_UNLOADED;
	return lie->due;
}

static void describe(const struct attack *attack, FILE *out)
{
	fprintf(out, "%s: %s, after %u let pass (type %u)%s\n",
		attack->back ? "target" : "source", what(attack->what),
		attack->place, attack->type,
		attack->struck ? "" : ": did not happen");
}

static const char *says(const struct attack *attack)
{
	return attack->liar->says;
}

/* ---- which -------------------------------------------------------------- */

/* how many records of a migration a lie could be told about */
static uint32_t chances(const struct attack *attack, const struct lie *lie)
{
	const struct tape *tape = &attack->tapes[lie->back];
	uint32_t ret = 0;

	if (lie->goes_on)
		return 1;
	for (uint32_t i = 1; i < tape->count; i++)
		ret += concerns(lie, lie->back,
				wire_header(tape->records[i].bytes).type);
	return ret;
}

static void draw(struct attack *attack)
{
	const struct lie *lie;

	/* all of them in turn, somewhere else every time, and as early as can
	 * be every third */
	attack->what = (uint32_t)(attack->seed % count());
	lie = lie_of(attack->what);
	attack->back = lie->back;
	if (attack->seed / count() % 3)
		attack->place = (uint32_t)rig_below(&attack->random,
						    chances(attack, lie));
}

static bool number(struct attack *attack, uint64_t number)
{
	for (uint32_t i = 0; i < count(); i++) {
		uint32_t places = chances(attack, lie_of(i));

		attack->what = i;
		attack->back = lie_of(i)->back;
		attack->place = (uint32_t)number;
		if (number < places)
			return true;
		number -= places;
	}
	return false;
}

const struct kind kind_peer = {
	.name = "peer",
	.what = what,
	.draw = draw,
	.number = number,
	.record = record,
	.due = due,
	.describe = describe,
	.says = says,
	.begin = begin,
	.round = talk,
	.end = liar_end,
	.least_struck = 90,
	.least_refused = 75,
};
