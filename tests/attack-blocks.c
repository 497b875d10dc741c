/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Lies about blocks: four private pages in one packet. Blocks travel into the
 * memory at RIG_PLUG_GPA, which both sides have declared. */
#include <string.h>

#include "attack-liar.h"

#define PLUG_END (RIG_PLUG_GPA + RIG_PLUG_PAGES * RIG_PAGE)

/* the last block of the record, sheet.count where none is */
static uint32_t last_block(const struct forged *record)
{
	uint32_t ret;

	if (!sheet_take(record))
		return sheet.count = 0;
	for (ret = sheet.count; ret; ret--)
		if (sheet.pages[ret - 1].kind == KIND_BLOCK)
			return ret - 1;
	return sheet.count;
}

/* a block is said to be somewhere else */
static bool move(struct attack *attack, struct forged *record,
		 const struct lie *lie)
{
	uint32_t at = last_block(record);

	(void)attack;
	if (at == sheet.count)
		return false;
	sheet.pages[at].gpa = lie->with;
	sheet.count = at + 1;
	sheet_put(record);
	return true;
}

/* RAM is tracked, and was not declared */
static bool into_ram(struct attack *attack, struct forged *record,
		     const struct lie *lie)
{
	uint32_t at = last_block(record);

	(void)lie;
	if (at == sheet.count)
		return false;
	sheet.pages[0] = sheet.pages[at];
	sheet.pages[0].gpa = 0;
	sheet.count = 1;
	liar_make(attack, ATTACK_THERE, RECORD_ROUND, NULL, 8);
	sheet_put(record);
	return true;
}

/* one region ends and another begins within it; with: how many pages before
 * the end of the plugged memory it begins */
static bool over_the_end(struct attack *attack, struct forged *record,
			 const struct lie *lie)
{
	struct lie to = *lie;

	to.with = PLUG_END - lie->with * RIG_PAGE;
	return move(attack, record, &to);
}

/* with: the kind that it is called, nothing else changed */
static bool call(struct attack *attack, struct forged *record,
		 const struct lie *lie)
{
	uint32_t at = last_block(record);

	(void)attack;
	if (at == sheet.count)
		return false;
	record->body[ENTRIES + 8 * at] = (uint8_t)lie->with;
	return true;
}

/* its bytes as four pages of another kind, each with the block's header */
static bool take_apart(struct attack *attack, struct forged *record,
		       const struct lie *lie)
{
	uint32_t at = last_block(record);
	struct sheet_page block;

	(void)attack;
	if (at == sheet.count)
		return false;
	block = sheet.pages[at];
	for (uint32_t i = 0; i < 4; i++) {
		sheet.pages[at + i] = block;
		sheet.pages[at + i].kind = (uint32_t)lie->with;
		sheet.pages[at + i].gpa += i * RIG_PAGE;
		memcpy(sheet.pages[at + i].payload,
		       block.payload + i * RIG_PAGE, RIG_PAGE);
	}
	sheet.count = at + 4;
	sheet_put(record);
	return true;
}

/* a byte of header (value 0) or ciphertext (1); with: the byte */
static bool flip(struct attack *attack, struct forged *record,
		 const struct lie *lie)
{
	uint32_t at = last_block(record);
	uint8_t *byte;

	if (at == sheet.count)
		return false;
	byte = lie->value ? sheet.pages[at].payload : sheet.pages[at].header;
	byte[rig_below(&attack->random, lie->value ? RIG_PACKET
						   : SEVLM_PACKET_HEADER_SIZE)] ^=
		(uint8_t)(1u << rig_below(&attack->random, 8));
	sheet_put(record);
	return true;
}

/* a page within the block comes once more, behind it; with: which */
static bool again_within(struct attack *attack, struct forged *record,
			 const struct lie *lie)
{
	uint32_t at = last_block(record);

	(void)attack;
	if (at == sheet.count)
		return false;
	sheet.pages[at + 1] = sheet.pages[at];
	sheet.pages[at + 1].kind = KIND_PRIVATE;
	sheet.pages[at + 1].gpa += lie->with * RIG_PAGE;
	sheet.count = at + 2;
	sheet_put(record);
	return true;
}

/* the block and the one before it change their places */
static bool swap(struct attack *attack, struct forged *record,
		 const struct lie *lie)
{
	uint32_t at = last_block(record);
	struct sheet_page block;

	(void)attack;
	(void)lie;
	if (at == sheet.count || !at ||
	    sheet.pages[at - 1].kind != KIND_BLOCK)
		return false;
	block = sheet.pages[at];
	sheet.pages[at] = sheet.pages[at - 1];
	sheet.pages[at].gpa = block.gpa;
	block.gpa = sheet.pages[at - 1].gpa;
	sheet.pages[at - 1] = block;
	sheet_put(record);
	return true;
}

/* a block never comes, in whatever round */
static bool never(struct attack *attack, struct forged *record,
		  const struct lie *lie)
{
	uint32_t i, kept = 0;
	bool ret = false;

	(void)attack;
	(void)lie;
	if (record->header.type != RECORD_PAGES || !sheet_take(record))
		return false;
	for (i = 0; i < sheet.count; i++) {
		if (sheet.pages[i].gpa >= RIG_PLUG_GPA &&
		    sheet.pages[i].gpa < RIG_PLUG_GPA + RIG_PACKET) {
			ret = true;
			continue;
		}
		sheet.pages[kept++] = sheet.pages[i];
	}
	sheet.count = kept;
	sheet_put(record);
	return ret;
}

#define PAGES ATTACK_THERE, RECORD_PAGES

static const struct lie lies[] = {
	{"block off its place", PAGES, DUE_REFUSED, move, false, 0, 0,
	 RIG_PLUG_GPA + 13 * RIG_PAGE},
	{"block behind memory", PAGES, DUE_REFUSED, over_the_end, false, 0, 0,
	 0},
	{"block over the end", PAGES, DUE_REFUSED, over_the_end, false, 0, 0,
	 2},
	{"block in a device", PAGES, DUE_REFUSED, move, false, 0, 0,
	 RIG_DEVICE_GPA},
	{"block of a ROM", PAGES, DUE_REFUSED, move, false, 0, 0, SKIP_GPA},
	{"block nowhere", PAGES, DUE_REFUSED, move, false, 0, 0, 5ull << 32},
	{"block at the top", PAGES, DUE_REFUSED, move, false, 0, 0, ~16383ull},
	{"block in other RAM", PAGES, DUE_REFUSED, into_ram, false, 0, 0, 0},
	{"block called private", PAGES, DUE_REFUSED, call, false, 0, 0,
	 KIND_PRIVATE},
	{"block called shared", PAGES, DUE_REFUSED, call, false, 0, 0,
	 KIND_SHARED},
	{"block called zero", PAGES, DUE_REFUSED, call, false, 0, 0,
	 KIND_ZERO},
	{"block of kind 5", PAGES, DUE_REFUSED, call, false, 0, 0, 5},
	{"block as packets", PAGES, DUE_REFUSED, take_apart, false, 0, 0,
	 KIND_PRIVATE},
	{"block as shared pages", PAGES, DUE_REFUSED, take_apart, false, 0, 0,
	 KIND_SHARED},
	{"block's header", PAGES, DUE_REFUSED, flip, false, 0, 0, 0},
	{"block's ciphertext", PAGES, DUE_REFUSED, flip, false, 0, 1, 0},
	{"page again in a block", PAGES, DUE_REFUSED, again_within, false, 0, 0,
	 0},
	{"last page of a block", PAGES, DUE_REFUSED, again_within, false, 0, 0,
	 3},
	{"blocks swapped", PAGES, DUE_CONTAINED, swap, false, 0, 0, 0},
	{"block never comes", ATTACK_THERE, 0, DUE_REFUSED, never, true, 0, 0,
	 0},
};

const struct lies lies_blocks = {lies, sizeof(lies) / sizeof(lies[0])};
