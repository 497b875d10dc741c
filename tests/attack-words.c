/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Lies about who has decided what, and words at the wrong moment. */
#include <string.h>

#include "attack-liar.h"

/* ---- verdicts ----------------------------------------------------------- */

/* at: the role in the MAC; with: the type in it */
static bool other_mac(struct attack *attack, struct forged *record,
		      const struct lie *lie)
{
	liar_mac(attack, !record->back, lie->at, (uint16_t)lie->with,
		 record->body);
	record->own_body = true;
	return true;
}

static bool other_session(struct attack *attack, struct forged *record,
			  const struct lie *lie)
{
	liar_other_mac(attack, !record->back, lie->at, record->header.type,
		       record->body);
	record->own_body = true;
	return true;
}

static bool broken(struct attack *attack, struct forged *record,
		   const struct lie *lie)
{
	uint64_t bit = rig_below(&attack->random, SEVLM__DIGEST_SIZE * 8);

	(void)lie;
	if (record->header.type == RECORD_PREPARED)
		memcpy(record->body, attack->liar->digest[0],
		       SEVLM__DIGEST_SIZE);
	else
		liar_mac(attack, !record->back, lie->at, record->header.type,
			 record->body);
	record->body[bit / 8] ^= (uint8_t)(1u << bit % 8);
	record->own_body = true;
	return true;
}

/* ---- words that the liar makes up ------------------------------------- */

/* with: a type whose body is right, instead of the record */
static bool instead(struct attack *attack, struct forged *record,
		    const struct lie *lie)
{
	record->drop = true;
	liar_make(attack, record->back, (uint16_t)lie->with, NULL,
		  SEVLM__DIGEST_SIZE);
	return true;
}

/* ... in front of it, in that direction: at */
static bool before(struct attack *attack, struct forged *record,
		   const struct lie *lie)
{
	/* there it may be true, or is another lie's */
	if (record->header.type == RECORD_COMMIT ||
	    (record->header.type == RECORD_END && lie->with == RECORD_PREPARED))
		return false;
	liar_make(attack, lie->at, (uint16_t)lie->with, NULL,
		  SEVLM__DIGEST_SIZE);
	return true;
}

/* the source's own digest, before the target has loaded anything */
static bool too_early(struct attack *attack, struct forged *record,
		      const struct lie *lie)
{
	(void)record;
	(void)lie;
	liar_make(attack, ATTACK_BACK, RECORD_PREPARED, NULL,
		  SEVLM__DIGEST_SIZE);
	return true;
}

/* ... behind it, in the same direction */
static bool behind(struct attack *attack, struct forged *record,
		   const struct lie *lie)
{
	liar_say(attack, record);
	record->drop = true;
	liar_make(attack, record->back, (uint16_t)lie->with, NULL,
		  SEVLM__DIGEST_SIZE);
	return true;
}

/* with: the target's word, and COMMIT does not reach it; value: it is wrong
 * (1), or of another session (2) */
static bool for_commit(struct attack *attack, struct forged *record,
		       const struct lie *lie)
{
	uint8_t mac[SEVLM__DIGEST_SIZE];
	uint16_t type = (uint16_t)lie->with;

	record->drop = true;
	attack->swallow[ATTACK_BACK] = true;
	if (lie->value == 2)
		liar_other_mac(attack, false, ROLE_TARGET, type, mac);
	else
		liar_mac(attack, false, lie->value ? ROLE_SOURCE : ROLE_TARGET,
			 type, mac);
	liar_make(attack, ATTACK_BACK, type, mac, sizeof(mac));
	return true;
}

/* PREPARED does not come, but a lot of other things do */
static bool talk(struct attack *attack, struct forged *record,
		 const struct lie *lie)
{
	(void)lie;
	record->drop = true;
	attack->liar->talks = true;
	return true;
}

/* ... and what the source says is taken so slowly: value rounds for a byte */
static bool take_slowly(struct attack *attack, struct forged *record,
			const struct lie *lie)
{
	(void)record;
	attack->rig.there.trickle = lie->value;
	attack->liar->talks = true;
	return true;
}

static bool an_unknown(struct attack *attack, struct forged *record,
		       const struct lie *lie)
{
	(void)record;
	liar_optional(attack, lie->at);
	return true;
}

/* at: direction; value: cause; with: reserved */
static bool give_up(struct attack *attack, struct forged *record,
		    const struct lie *lie)
{
	static const char text[] = "\033[2J no\n reason\xff\x01%s%n";
	uint8_t body[ABORT_HEAD_SIZE + sizeof(text)];

	record->drop = record->back == (lie->at == ATTACK_BACK);
	liar_put(body, 4, lie->value);
	liar_put(body + 4, 4, lie->with);
	memcpy(body + ABORT_HEAD_SIZE, text, sizeof(text));
	liar_make(attack, lie->at, RECORD_ABORT, body, sizeof(body));
	return true;
}

/* at: direction; with: a type that the other side alone may say */
static bool wrong_side(struct attack *attack, struct forged *record,
		       const struct lie *lie)
{
	static const uint8_t body[8 + SEVLM_SESSION_SIZE] = {1};

	(void)record;
	liar_make(attack, lie->at, (uint16_t)lie->with, body, lie->value);
	return true;
}

/* A whole migration once more, as it was recorded: all digests are right,
 * only the firmware's session is an old one. The source hears nothing. */
static bool play_again(struct attack *attack, struct forged *record,
		       const struct lie *lie)
{
	(void)lie;
	record->drop = true;
	attack->swallow[ATTACK_THERE] = true;
	attack->liar->plays = true;
	liar_replay(attack, 1);
	return true;
}

static bool old_start(struct attack *attack, struct forged *record,
		      const struct lie *lie)
{
	(void)lie;
	record->drop = true;
	liar_replay(attack, 2);
	return true;
}

#define ANY ATTACK_THERE, 0, DUE_REFUSED
#define COMMIT ATTACK_THERE, RECORD_COMMIT
#define END ATTACK_THERE, RECORD_END
#define PREPARED ATTACK_BACK, RECORD_PREPARED
#define STARTED ATTACK_BACK, RECORD_STARTED

static const struct lie lies[] = {
	{"COMMIT by the target", COMMIT, DUE_REFUSED, other_mac, false,
	 ROLE_TARGET, 0, RECORD_COMMIT},
	{"COMMIT with STARTED's MAC", COMMIT, DUE_REFUSED, other_mac, false,
	 ROLE_SOURCE, 0, RECORD_STARTED},
	{"COMMIT of another session", COMMIT, DUE_REFUSED, other_session, false,
	 ROLE_SOURCE, 0, 0},
	{"a broken COMMIT", COMMIT, DUE_REFUSED, broken, false, ROLE_SOURCE, 0,
	 0},
	{"COMMIT behind END", END, DUE_REFUSED, behind, false, 0, 0,
	 RECORD_COMMIT},
	{"COMMIT for END", END, DUE_REFUSED, instead, false, 0, 0,
	 RECORD_COMMIT},
	{"COMMIT at any time", ANY, before, false, ATTACK_THERE, 0,
	 RECORD_COMMIT},
	{"COMMIT twice", COMMIT, DUE_PERFECT, behind, false, 0, 0,
	 RECORD_COMMIT},
	{"no COMMIT", COMMIT, DUE_REFUSED, lie_drop, false, 0, 0, 0},
	{"unknown for COMMIT", COMMIT, DUE_PERFECT, an_unknown, false,
	 ATTACK_THERE, 0, 0},
	{"unknown in the stream", ATTACK_THERE, RECORD_PAGES, DUE_PERFECT,
	 an_unknown, false, ATTACK_THERE, 0, 0},

	{"another digest, target", PREPARED, DUE_REFUSED, broken, false,
	 ROLE_TARGET, 0, 0},
	{"PREPARED at any time", ANY, before, false, ATTACK_BACK, 0,
	 RECORD_PREPARED},
	{"PREPARED with END", END, DUE_LATE, too_early, false, 0, 0, 0},
	{"PREPARED twice", PREPARED, DUE_LATE, behind, false, 0, 0,
	 RECORD_PREPARED},
	{"no PREPARED", PREPARED, DUE_REFUSED, lie_drop, false, 0, 0, 0},
	{"talks for PREPARED", PREPARED, DUE_REFUSED, talk, false, 0, 0, 0},
	{"takes nothing, talks", ATTACK_THERE, RECORD_PAGES, DUE_REFUSED,
	 take_slowly, false, 0, UINT64_MAX, 0},
	{"takes END byte by byte", ATTACK_THERE, RECORD_STATE, DUE_REFUSED,
	 take_slowly, false, 0, 500, 0},
	{"STARTED for PREPARED", PREPARED, DUE_REFUSED, instead, false, 0, 0,
	 RECORD_STARTED},
	{"LOST for PREPARED", PREPARED, DUE_REFUSED, instead, false, 0, 0,
	 RECORD_LOST},
	{"NEVER for PREPARED", PREPARED, DUE_REFUSED, instead, false, 0, 0,
	 RECORD_NEVER},
	{"STARTED behind PREPARED", PREPARED, DUE_EITHER, behind, false, 0, 0,
	 RECORD_STARTED},
	{"STARTED at any time", ANY, before, false, ATTACK_BACK, 0,
	 RECORD_STARTED},
	{"NEVER at any time", ANY, before, false, ATTACK_BACK, 0, RECORD_NEVER},
	{"LOST at any time", ANY, before, false, ATTACK_BACK, 0, RECORD_LOST},
	{"unknown, target", ATTACK_THERE, RECORD_PAGES, DUE_PERFECT, an_unknown,
	 false, ATTACK_BACK, 0, 0},
	{"unknown at the end", STARTED, DUE_PERFECT, an_unknown, false,
	 ATTACK_BACK, 0, 0},

	{"STARTED, did not", COMMIT, DUE_CONTAINED, for_commit, false, 0, 0,
	 RECORD_STARTED},
	{"STARTED by the source", COMMIT, DUE_REFUSED, for_commit, false, 0, 1,
	 RECORD_STARTED},
	{"STARTED of another", COMMIT, DUE_REFUSED, for_commit, false, 0, 2,
	 RECORD_STARTED},
	{"NEVER, and keeps it", COMMIT, DUE_REFUSED, for_commit, false, 0, 0,
	 RECORD_NEVER},
	{"NEVER by the source", COMMIT, DUE_REFUSED, for_commit, false, 0, 1,
	 RECORD_NEVER},
	{"NEVER of another", COMMIT, DUE_REFUSED, for_commit, false, 0, 2,
	 RECORD_NEVER},
	{"LOST, for nothing", COMMIT, DUE_REFUSED, for_commit, false, 0, 0,
	 RECORD_LOST},
	{"LOST by the source", COMMIT, DUE_REFUSED, for_commit, false, 0, 1,
	 RECORD_LOST},
	{"a broken STARTED", STARTED, DUE_LATE, broken, false, ROLE_TARGET, 0,
	 0},
	{"STARTED by COMMIT's role", STARTED, DUE_LATE, other_mac, false,
	 ROLE_SOURCE, 0, RECORD_STARTED},
	{"STARTED of another one", STARTED, DUE_LATE, other_session, false,
	 ROLE_TARGET, 0, 0},
	{"no STARTED", STARTED, DUE_LATE, lie_drop, false, 0, 0, 0},
	{"talks for STARTED", STARTED, DUE_LATE, talk, false, 0, 0, 0},

	{"all of an old one", ATTACK_THERE, RECORD_HELLO, DUE_HELLO, play_again,
	 false, 0, 0, 0},
	{"an old session", ATTACK_THERE, RECORD_START, DUE_HELLO, old_start,
	 false, 0, 0, 0},

	{"gives up", ANY, give_up, false, ATTACK_THERE, 1, 0},
	{"gives up, cause 77", ANY, give_up, false, ATTACK_THERE, 77, 0},
	{"gives up, reserved", ANY, give_up, false, ATTACK_THERE, 3, 1},
	{"target gives up", ANY, give_up, false, ATTACK_BACK, 2, 0},
	{"target, cause 0", ANY, give_up, false, ATTACK_BACK, 0, 0},
	{"target, reserved", ANY, give_up, false, ATTACK_BACK, 5, 1},
	{"PREPARED by the source", ANY, wrong_side, false, ATTACK_THERE, 32,
	 RECORD_PREPARED},
	{"STARTED in the stream", ANY, wrong_side, false, ATTACK_THERE, 32,
	 RECORD_STARTED},
	{"HELLO in the stream", ANY, wrong_side, false, ATTACK_THERE, 120,
	 RECORD_HELLO},
	{"START in the stream", ATTACK_THERE, RECORD_ROUND, DUE_REFUSED,
	 wrong_side, false, ATTACK_THERE, 136, RECORD_START},
	{"START by the target", ANY, wrong_side, false, ATTACK_BACK, 136,
	 RECORD_START},
	{"ROUND by the target", ANY, wrong_side, false, ATTACK_BACK, 8,
	 RECORD_ROUND},
	{"END by the target", ANY, wrong_side, false, ATTACK_BACK, 72,
	 RECORD_END},
	{"COMMIT by a target", ANY, wrong_side, false, ATTACK_BACK, 32,
	 RECORD_COMMIT},
};

const struct lies lies_words = {lies, sizeof(lies) / sizeof(lies[0])};
