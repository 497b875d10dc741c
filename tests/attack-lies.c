/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Lies that fit any record. */
#include "attack-liar.h"

bool lie_set(struct attack *attack, struct forged *record,
	     const struct lie *lie)
{
	(void)attack;
	liar_put(record->body + lie->at, lie->value, lie->with);
	return true;
}

bool lie_add(struct attack *attack, struct forged *record,
	     const struct lie *lie)
{
	uint8_t *at = record->body + lie->at;

	(void)attack;
	liar_put(at, lie->value, liar_get(at, lie->value) + lie->with);
	return true;
}

bool lie_flip(struct attack *attack, struct forged *record,
	      const struct lie *lie)
{
	size_t bytes = lie->value ? lie->value : record->bytes - lie->at;
	uint64_t bit = rig_below(&attack->random, bytes * 8);

	record->body[lie->at + bit / 8] ^= (uint8_t)(1u << bit % 8);
	return true;
}

bool lie_drop(struct attack *attack, struct forged *record,
	      const struct lie *lie)
{
	(void)attack;
	(void)lie;
	record->drop = true;
	return true;
}

bool lie_longer(struct attack *attack, struct forged *record,
		const struct lie *lie)
{
	rig_bytes(&attack->random, record->body + record->bytes, lie->with);
	record->bytes += lie->with;
	return true;
}

bool lie_shorter(struct attack *attack, struct forged *record,
		 const struct lie *lie)
{
	(void)attack;
	record->bytes -= lie->with;
	return true;
}

bool lie_twice(struct attack *attack, struct forged *record,
	       const struct lie *lie)
{
	(void)lie;
	liar_say(attack, record);
	return true;
}
