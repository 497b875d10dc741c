/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Lies about blocks: four private pages in one packet. Blocks travel into the
 * plugged memory and the bank, which both sides have declared. */
#include <string.h>

#include "attack-liar.h"

#define PLUG_BYTES (RIG_PLUG_PAGES * RIG_PAGE)
#define BANK(page) (BANK_GPA + (page)*RIG_PAGE)
#define BLOCK 4u /* pages */

/* ---- what the target says of it ----------------------------------------- */

enum reason {
	WHATEVER,
	MALFORMED,
	OUT_OF_ORDER,
	NO_PLACE,
	NOT_DECLARED,
	OTHER_STATE,
	NOT_COME,
	FIRMWARE,
};

static const char *const sentences[] = {
	[MALFORMED] = "a PAGES record is malformed",
	[OUT_OF_ORDER] = "comes out of order",
	[NO_PLACE] = "where none belongs",
	[NOT_DECLARED] = "not declared contiguous",
	[OTHER_STATE] = "came last in another state",
	[NOT_COME] = "never came",
	[FIRMWARE] = "RECEIVE_UPDATE_DATA",
};

/* at: why it is refused */
static bool told(struct attack *attack, const struct lie *lie)
{
	attack->liar->says = sentences[lie->at];
	return true;
}

/* ---- a block on its way ------------------------------------------------- */

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

/* with: the kind that it is called, nothing else changed */
static bool call(struct attack *attack, struct forged *record,
		 const struct lie *lie)
{
	uint32_t at = last_block(record);

	if (at == sheet.count)
		return false;
	record->body[ENTRIES + 8 * at] = (uint8_t)lie->with;
	return told(attack, lie);
}

/* its bytes as four pages of another kind, each with the block's header */
static bool take_apart(struct attack *attack, struct forged *record,
		       const struct lie *lie)
{
	uint32_t at = last_block(record);
	struct sheet_page block;

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
	return told(attack, lie);
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
	byte[rig_below(&attack->random,
		       lie->value ? RIG_PACKET : SEVLM_PACKET_HEADER_SIZE)] ^=
		(uint8_t)(1u << rig_below(&attack->random, 8));
	sheet_put(record);
	return told(attack, lie);
}

/* a page within the block comes once more, behind it; with: which */
static bool again_within(struct attack *attack, struct forged *record,
			 const struct lie *lie)
{
	uint32_t at = last_block(record);

	if (at == sheet.count)
		return false;
	sheet.pages[at + 1] = sheet.pages[at];
	sheet.pages[at + 1].kind = KIND_PRIVATE;
	sheet.pages[at + 1].gpa += lie->with * RIG_PAGE;
	sheet.count = at + 2;
	sheet_put(record);
	return told(attack, lie);
}

/* the block and the one before it change their places */
static bool swap(struct attack *attack, struct forged *record,
		 const struct lie *lie)
{
	uint32_t at = last_block(record);
	struct sheet_page block;

	if (at == sheet.count || !at || sheet.pages[at - 1].kind != KIND_BLOCK)
		return false;
	block = sheet.pages[at];
	sheet.pages[at] = sheet.pages[at - 1];
	sheet.pages[at].gpa = block.gpa;
	block.gpa = sheet.pages[at - 1].gpa;
	sheet.pages[at - 1] = block;
	sheet_put(record);
	return told(attack, lie);
}

/* a page's packet as that of a block, which the rest of is zeroes */
static bool page_as_block(struct attack *attack, struct forged *record,
			  const struct lie *lie)
{
	uint32_t at;

	if (!sheet_take(record) ||
	    (at = sheet_any(attack, KIND_PRIVATE)) == sheet.count)
		return false;
	sheet.pages[0] = sheet.pages[at];
	sheet.pages[0].kind = KIND_BLOCK;
	sheet.pages[0].gpa = lie->with;
	memset(sheet.pages[0].payload + RIG_PAGE, 0, RIG_PACKET - RIG_PAGE);
	sheet.count = 1;
	liar_make(attack, ATTACK_THERE, RECORD_ROUND, NULL, 8);
	sheet_put(record);
	return told(attack, lie);
}

/* a block never comes, in whatever round */
static bool never(struct attack *attack, struct forged *record,
		  const struct lie *lie)
{
	uint32_t i, kept = 0;
	bool ret = false;

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
	return ret && told(attack, lie);
}

/* ---- a block that came before, in front of a round ---------------------- */

/* alone on the sheet; false: none came yet */
static bool take_block(struct attack *attack, uint64_t gpa)
{
	const struct forged came = {.body = attack->liar->blocks,
				    .bytes = attack->liar->blocks_bytes};
	uint32_t at = last_block(&came);

	if (at == sheet.count)
		return false;
	sheet.pages[0] = sheet.pages[at];
	sheet.pages[0].gpa = gpa;
	sheet.count = 1;
	return true;
}

/* with: where it is said to be */
static bool somewhere(struct attack *attack, struct forged *record,
		      const struct lie *lie)
{
	(void)record;
	if (!take_block(attack, lie->with))
		return false;
	liar_make(attack, ATTACK_THERE, RECORD_ROUND, NULL, 8);
	sheet_say(attack);
	return told(attack, lie);
}

/* behind with changes of the memory that it is for: out, in again */
static bool in_changed_memory(struct attack *attack, struct forged *record,
			      const struct lie *lie)
{
	struct lie back = *lie;

	if (!take_block(attack, RIG_PLUG_GPA))
		return false;
	for (uint32_t i = 0; i < lie->with; i++)
		liar_region(attack, RIG_PLUG_GPA, PLUG_BYTES,
			    SEVLM_REGION_PRIVATE, REGION_REMOVE - i);
	back.with = RIG_PLUG_GPA;
	return somewhere(attack, record, &back);
}

/* with: how many pages there are of it */
static bool of_length(struct attack *attack, struct forged *record,
		      const struct lie *lie)
{
	struct forged other = {
		.header = {.type = RECORD_PAGES, .flags = RECORD_REQUIRED},
		.body = attack->liar->spare,
	};

	(void)record;
	if (!take_block(attack, BANK(BLOCK)))
		return false;
	liar_make(attack, ATTACK_THERE, RECORD_ROUND, NULL, 8);
	sheet_put(&other);
	memset(other.body + other.bytes, 0, RIG_PACKET);
	other.bytes += lie->with * RIG_PAGE;
	other.bytes -= RIG_PACKET;
	liar_say(attack, &other);
	return told(attack, lie);
}

/* as many as a record has room for, and a page */
static bool too_many(struct attack *attack, struct forged *record,
		     const struct lie *lie)
{
	const uint32_t most = SEVLM_MAX_BATCH / BLOCK;

	(void)record;
	if (!take_block(attack, BANK(0)))
		return false;
	for (uint32_t i = 1; i <= most; i++) {
		sheet.pages[i] = sheet.pages[0];
		sheet.pages[i].gpa = BANK(i * BLOCK);
	}
	sheet.pages[most].kind = KIND_ZERO;
	sheet.count = most + 1;
	liar_make(attack, ATTACK_THERE, RECORD_ROUND, NULL, 8);
	sheet_say(attack);
	return told(attack, lie);
}

/* a page of it comes as zeroes too: before it (value 0), behind it in a record
 * of its own (1), in the round behind it (2); with: which */
static bool page_within(struct attack *attack, struct forged *record,
			const struct lie *lie)
{
	struct sheet_page *pages = sheet.pages;

	(void)record;
	if (!take_block(attack, BANK(BLOCK)))
		return false;
	liar_make(attack, ATTACK_THERE, RECORD_ROUND, NULL, 8);
	if (lie->value)
		sheet_say(attack);
	if (lie->value == 2)
		liar_make(attack, ATTACK_THERE, RECORD_ROUND, NULL, 8);
	pages[1] = pages[0];
	pages[0].kind = KIND_ZERO;
	pages[0].gpa += lie->with * RIG_PAGE;
	sheet.count = lie->value ? 1 : 2;
	sheet_say(attack);
	return told(attack, lie);
}

/* ---- SHARED ------------------------------------------------------------- */

/* with: the page of a block that is said to be shared */
static bool named_shared(struct attack *attack, struct forged *record,
			 const struct lie *lie)
{
	return spans_turn(record, lie->with) && told(attack, lie);
}

#define PAGES ATTACK_THERE, RECORD_PAGES, DUE_REFUSED
#define ROUND ATTACK_THERE, RECORD_ROUND, DUE_REFUSED
#define SHARED ATTACK_THERE, RECORD_SHARED, DUE_REFUSED

static const struct lie lies[] = {
	{"block off its place", ROUND, somewhere, false, MALFORMED, 0, BANK(5)},
	{"block behind memory", ROUND, somewhere, false, NO_PLACE, 0,
	 RIG_PLUG_GPA + PLUG_BYTES},
	{"block over the end", ROUND, somewhere, false, NOT_DECLARED, 0,
	 BANK(20)},
	{"block over a seam", ROUND, somewhere, false, NOT_DECLARED, 0,
	 BANK(16)},
	{"block in a device", ROUND, somewhere, false, NO_PLACE, 0,
	 RIG_DEVICE_GPA},
	{"block of a ROM", ROUND, somewhere, false, NO_PLACE, 0, SKIP_GPA},
	{"block nowhere", ROUND, somewhere, false, NO_PLACE, 0, 5ull << 32},
	{"block at the top", ROUND, somewhere, false, NO_PLACE, 0, ~16383ull},
	{"block in other RAM", ROUND, somewhere, false, NOT_DECLARED, 0, 0},
	{"block over a shared page", ROUND, somewhere, false, OTHER_STATE, 0,
	 BANK(0)},
	{"block for what is gone", ROUND, in_changed_memory, false, NO_PLACE, 0,
	 1},
	{"block for what came back", ROUND, in_changed_memory, false,
	 NOT_DECLARED, 0, 2},
	{"block of no pages", ROUND, of_length, false, MALFORMED, 0, 0},
	{"block of a page", ROUND, of_length, false, MALFORMED, 0, 1},
	{"block of two pages", ROUND, of_length, false, MALFORMED, 0, 2},
	{"block of three pages", ROUND, of_length, false, MALFORMED, 0, 3},
	{"block of five pages", ROUND, of_length, false, MALFORMED, 0, 5},
	{"block of eight pages", ROUND, of_length, false, MALFORMED, 0, 8},
	{"65 pages in blocks", ROUND, too_many, false, MALFORMED, 0, 0},
	{"zeroes before a block", ROUND, page_within, false, OUT_OF_ORDER, 0,
	 0},
	{"zeroes before its end", ROUND, page_within, false, OUT_OF_ORDER, 0,
	 3},
	{"zeroes behind a block", ROUND, page_within, false, OUT_OF_ORDER, 1,
	 3},
	{"zeroes in a block", ROUND, page_within, false, OTHER_STATE, 2, 2},
	{"SHARED names a block", SHARED, named_shared, false, OTHER_STATE, 0,
	 BANK(4)},
	{"SHARED names its last page", SHARED, named_shared, false, OTHER_STATE,
	 0, BANK(7)},
	{"page as a block", PAGES, page_as_block, false, FIRMWARE, 0,
	 BANK(BLOCK)},
	{"block called private", PAGES, call, false, MALFORMED, 0,
	 KIND_PRIVATE},
	{"block called shared", PAGES, call, false, MALFORMED, 0, KIND_SHARED},
	{"block called zero", PAGES, call, false, MALFORMED, 0, KIND_ZERO},
	{"block of kind 5", PAGES, call, false, MALFORMED, 0, 5},
	{"block as packets", PAGES, take_apart, false, FIRMWARE, 0,
	 KIND_PRIVATE},
	{"block as shared pages", PAGES, take_apart, false, WHATEVER, 0,
	 KIND_SHARED},
	{"block's header", PAGES, flip, false, FIRMWARE, 0, 0},
	{"block's ciphertext", PAGES, flip, false, FIRMWARE, 1, 0},
	{"page again in a block", PAGES, again_within, false, OUT_OF_ORDER, 0,
	 0},
	{"last page of a block", PAGES, again_within, false, OUT_OF_ORDER, 0,
	 3},
	{"blocks swapped", ATTACK_THERE, RECORD_PAGES, DUE_CONTAINED, swap,
	 false, WHATEVER, 0, 0},
	{"block never comes", ATTACK_THERE, 0, DUE_REFUSED, never, true,
	 NOT_COME, 0, 0},
};

const struct lies lies_blocks = {lies, sizeof(lies) / sizeof(lies[0])};
