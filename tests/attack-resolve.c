/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Kind "resolve": a word of the end of a migration is lost, and when both
 * sides meet again somebody is in between. It has the session's key: every
 * MAC is right, unless it is the lie. Nothing it says may be taken for a word
 * of the other side's, and in the end both agree.
 */
#include <string.h>

#include "attack.h"

#define BODY RECORD_HEADER_SIZE
#define AT_VERDICT 4
#define AT_TOKEN 8
#define AT_MAC 40
#define BODY_BYTES 72
#define RECORD_RESOLVE_TYPE 16u

/* the word that is lost in the first place */
static const uint16_t lost[] = {RECORD_PREPARED, RECORD_COMMIT, RECORD_STARTED};
#define LOST (sizeof(lost) / sizeof(lost[0]))

struct word {
	uint8_t bytes[2 * (BODY + BODY_BYTES)];
	size_t count;
};

static void set32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t get32(const uint8_t *at)
{
	struct sevlm__reader r = sevlm__reader(at, 4);

	return sevlm__get32(&r);
}

/* ---- keys --------------------------------------------------------------- */

static void nonces_of(struct attack *attack, bool another, uint8_t *nonces)
{
	memcpy(nonces, attack->rig.source_config.nonce, SEVLM_NONCE_SIZE);
	memcpy(nonces + SEVLM_NONCE_SIZE, attack->rig.target_config.nonce,
	       SEVLM_NONCE_SIZE);
	nonces[0] ^= another;
}

static void key_of(struct attack *attack, const uint8_t *nonces, uint8_t *key)
{
	char label[] = "sevlm session key";
	struct iovec parts[] = {
		{label, sizeof(label) - 1},
		{(void *)(uintptr_t)nonces, (size_t)2 * SEVLM_NONCE_SIZE},
	};

	sevlm__hmac(attack->rig.source_config.exporter, parts, 2, key);
}

/* over role and type, and a verdict where it is of RESOLVE */
static void prove(struct attack *attack, struct word *word, uint32_t type,
		  bool another)
{
	uint8_t nonces[2 * SEVLM_NONCE_SIZE], key[SEVLM__DIGEST_SIZE];
	uint8_t *body = word->bytes + BODY, head[12];
	struct iovec parts[] = {
		{head, type == RECORD_RESOLVE_TYPE ? 12 : 8},
		{nonces, sizeof(nonces)},
	};

	nonces_of(attack, another, nonces);
	key_of(attack, nonces, key);
	memcpy(head, body, 4);
	set32(head + 4, type);
	memcpy(head + 8, body + AT_VERDICT, 4);
	sevlm__hmac(key, parts, 2, body + AT_MAC);
}

static void name(struct attack *attack, struct word *word, bool another)
{
	char label[] = "sevlm session token";
	uint8_t nonces[2 * SEVLM_NONCE_SIZE];
	struct iovec parts[] = {{label, sizeof(label) - 1},
				{nonces, sizeof(nonces)}};

	nonces_of(attack, another, nonces);
	sevlm__digest(parts, 2, word->bytes + BODY + AT_TOKEN);
}

/* ---- lies --------------------------------------------------------------- */

static void nothing(struct attack *attack, struct word *word, uint32_t value)
{
	(void)word;
	(void)value;
	attack->harmless = true;
}

static void flip(struct attack *attack, struct word *word, uint32_t value)
{
	uint64_t bit = attack_below(attack, word->count * 8);

	(void)value;
	if (attack->spot)
		bit = (attack->spot - 1) % word->count * 8 + bit % 8;
	word->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	/* nobody asks whether a record that is known is required */
	attack->harmless = bit == 48;
}

static void role(struct attack *attack, struct word *word, uint32_t value)
{
	uint8_t *body = word->bytes + BODY;

	set32(body, value ? value - 1 : 3 - get32(body));
	prove(attack, word, RECORD_RESOLVE_TYPE, false);
}

/* value 0: one of the other side's */
static void verdict(struct attack *attack, struct word *word, uint32_t value)
{
	uint8_t *at = word->bytes + BODY + AT_VERDICT;
	bool target = get32(word->bytes + BODY) == ROLE_TARGET;

	set32(at, value	   ? value - 1
		  : target ? 1 + (uint32_t)attack_below(attack, 2)
			   : 3 + (uint32_t)attack_below(attack, 3));
	prove(attack, word, RECORD_RESOLVE_TYPE, false);
}

/* another of its own, without a MAC for it */
static void unproved(struct attack *attack, struct word *word, uint32_t value)
{
	uint8_t *at = word->bytes + BODY + AT_VERDICT;
	uint32_t was = get32(at);

	(void)attack;
	(void)value;
	set32(at, was < 3 ? 3 - was : was == 3 ? 4 : 3);
}

static void token(struct attack *attack, struct word *word, uint32_t value)
{
	(void)value;
	word->bytes[BODY + AT_TOKEN + attack_below(attack, 32)] ^= 1;
	prove(attack, word, RECORD_RESOLVE_TYPE, false);
}

static void other_session(struct attack *attack, struct word *word,
			  uint32_t value)
{
	name(attack, word, value == 1);
	prove(attack, word, RECORD_RESOLVE_TYPE, true);
}

/* the MAC of a record of the migration itself */
static void old_mac(struct attack *attack, struct word *word, uint32_t value)
{
	(void)value;
	prove(attack, word,
	      attack->back ? RECORD_STARTED + (uint32_t)attack_below(attack, 3)
			   : RECORD_COMMIT,
	      false);
}

static void drop(struct attack *attack, struct word *word, uint32_t value)
{
	(void)attack;
	(void)value;
	word->count = 0;
}

static void twice(struct attack *attack, struct word *word, uint32_t value)
{
	(void)value;
	memcpy(word->bytes + word->count, word->bytes, word->count);
	word->count *= 2;
	attack->harmless = true;
}

static void cut(struct attack *attack, struct word *word, uint32_t value)
{
	struct rig *rig = &attack->rig;

	word->count = attack_below(attack, word->count);
	attack->swallow[attack->back] = value;
	(attack->back ? &rig->back : &rig->there)->shut = value;
}

/* what the receiver said itself comes back to it */
static void reflect(struct attack *attack, struct word *word, uint32_t value)
{
	(void)value;
	if (attack->held && attack->held_bytes == word->count)
		memcpy(word->bytes, attack->held, word->count);
	else
		role(attack, word, 0);
}

/* a record of the migration instead: value is its type */
static void other_type(struct attack *attack, struct word *word, uint32_t value)
{
	struct sevlm__record header = {
		.length = SEVLM__DIGEST_SIZE,
		.type = (uint16_t)value,
		.flags = RECORD_REQUIRED,
	};

	prove(attack, word, value, false);
	memmove(word->bytes + BODY, word->bytes + BODY + AT_MAC,
		SEVLM__DIGEST_SIZE);
	sevlm__record_encode(&header, word->bytes);
	word->count = BODY + SEVLM__DIGEST_SIZE;
}

/* value: offset in the header */
static void header(struct attack *attack, struct word *word, uint32_t value)
{
	(void)attack;
	word->bytes[value]++;
}

/* the right body under another name, which has its length */
static void rename_it(struct attack *attack, struct word *word, uint32_t value)
{
	(void)attack;
	word->bytes[4] = (uint8_t)value;
}

static const struct {
	const char *name;
	void (*tell)(struct attack *attack, struct word *word, uint32_t value);
	uint32_t value;
} lies[] = {
	{"nothing", nothing, 0},
	{"a bit", flip, 0},
	{"the other role", role, 0},
	{"no role", role, 1},
	{"role 3", role, 4},
	{"a word of the other role", verdict, 0},
	{"no verdict", verdict, 1},
	{"verdict 6", verdict, 7},
	{"another verdict", unproved, 0},
	{"another token", token, 0},
	{"another session", other_session, 1},
	{"another session's MAC", other_session, 0},
	{"an old MAC", old_mac, 0},
	{"dropped", drop, 0},
	{"twice", twice, 0},
	{"cut short", cut, 0},
	{"cut short, hangs up", cut, 1},
	{"reflected", reflect, 0},
	{"HELLO", other_type, RECORD_HELLO},
	{"COMMIT", other_type, RECORD_COMMIT},
	{"PREPARED", other_type, RECORD_PREPARED},
	{"STARTED", other_type, RECORD_STARTED},
	{"NEVER-STARTED", other_type, RECORD_NEVER},
	{"called END", rename_it, RECORD_END},
	{"a number skipped", header, 16},
	{"an epoch", header, 8},
	{"a connection", header, 12},
	{"flags", header, 7},
	{"reserved", header, 14},
};

#define LIES (sizeof(lies) / sizeof(lies[0]))

/* ---- on the way --------------------------------------------------------- */

static void record(struct attack *attack, bool back, const uint8_t *bytes,
		   size_t count)
{
	struct word word = {.count = count};

	if (!attack->meets_again) {
		if (wire_type(bytes, count) == lost[attack->place % LOST])
			attack->swallow[back] = true;
		else
			wire_put(attack, back, bytes, count);
		return;
	}
	if (back == attack->back && !attack->struck && !attack->passed &&
	    count == BODY + BODY_BYTES) {
		memcpy(word.bytes, bytes, count);
		attack->struck = true;
		attack->type = RECORD_RESOLVE_TYPE;
		lies[attack->what].tell(attack, &word,
					lies[attack->what].value);
		wire_put(attack, back, word.bytes, word.count);
		return;
	}
	if (back != attack->back)
		fault_hold(attack, bytes, count);
	wire_put(attack, back, bytes, count);
}

static uint32_t meet(struct attack *attack)
{
	struct rig *rig = &attack->rig;
	uint32_t ret = rig_reconnect(rig);

	attack->meets_again = true;
	memset(attack->swallow, 0, sizeof(attack->swallow));
	wire_free(&attack->wires[0]);
	wire_free(&attack->wires[1]);
	rig_run(rig);
	rig_reconnected(rig);
	return ret;
}

static const char *changed(const struct attack *attack, const uint32_t *before)
{
	const struct rig *rig = &attack->rig;

	if (!attack->struck || attack->harmless)
		return NULL;
	if (rig->source.outcome != before[0])
		return "the source took a lie for a word of the target's";
	if (!attack->back && rig->target.outcome != before[1])
		return "the target took a lie for a word of the source's";
	return NULL;
}

static const char *unresolved(const struct rig *rig)
{
	uint32_t source = rig->source.outcome, target = rig->target.outcome;

	if (source == SEVLM_OUTCOME_IN_DOUBT ||
	    target == SEVLM_OUTCOME_IN_DOUBT)
		return "both sides spoke, and one is still in doubt";
	return (source == SEVLM_OUTCOME_COMPLETED) ==
			       (target == SEVLM_OUTCOME_COMPLETED)
		       ? NULL
		       : "both sides spoke, and do not agree";
}

/* First with somebody in between, then alone. */
static const char *after(struct attack *attack)
{
	struct rig *rig = &attack->rig;
	uint32_t before[] = {rig->source.outcome, rig->target.outcome};
	const char *ret;

	/* all that is left of it is its note */
	if (before[0] == SEVLM_OUTCOME_IN_DOUBT && !attack_below(attack, 3))
		rig_kill(&rig->source, true);
	meet(attack);
	ret = rig_wrong(rig);
	if (!ret)
		ret = changed(attack, before);
	if (ret)
		return ret;
	attack->passed++;
	return meet(attack) == (RIG_SOURCE | RIG_TARGET) ? unresolved(rig)
							 : NULL;
}

static const char *what(uint32_t what)
{
	return what < LIES ? lies[what].name : NULL;
}

static enum due due(const struct attack *attack)
{
	(void)attack;
	return DUE_SAFE;
}

static void describe(const struct attack *attack, FILE *out)
{
	fprintf(out, "%s, said by the %s, record type %u was lost%s\n",
		what(attack->what), attack->back ? "target" : "source",
		lost[attack->place % LOST],
		attack->struck ? "" : ": did not happen");
}

static void draw(struct attack *attack)
{
	attack->what = (uint32_t)(attack->seed % LIES);
	attack->back = attack_below(attack, 2);
	attack->place = (uint32_t)attack_below(attack, LOST);
}

/* a bit of each byte, and the lies */
static bool number(struct attack *attack, uint64_t number)
{
	uint64_t each = LIES + BODY + BODY_BYTES, which = number % each;

	attack->what = which < LIES ? (uint32_t)which : 1;
	attack->spot = which < LIES ? 0 : (uint32_t)(which - LIES) + 1;
	number /= each;
	attack->back = number % 2;
	attack->place = (uint32_t)(number / 2);
	return attack->place < LOST;
}

const struct kind kind_resolve = {
	.name = "resolve",
	.what = what,
	.draw = draw,
	.number = number,
	.record = record,
	.due = due,
	.describe = describe,
	.after = after,
	.least_struck = 60,
};
