/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Lies about pages: PAGES, FREE and what SHARED makes of them. */
#include <string.h>

#include "attack-liar.h"

#define NOWHERE (5ull << 32)

static void remove_page(uint32_t at)
{
	sheet.count--;
	memmove(&sheet.pages[at], &sheet.pages[at + 1],
		(sheet.count - at) * sizeof(sheet.pages[0]));
}

/* ---- a single record ---------------------------------------------------- */

/* with: how many more or less, modulo 2^32 */
static bool count_wrong(struct attack *attack, struct forged *record,
			const struct lie *lie)
{
	(void)attack;
	liar_put(record->body, 4,
		 liar_get(record->body, 4) + (uint32_t)lie->with);
	return true;
}

/* with: the kind that one of kind at is said to be, nothing else changed */
static bool rename_kind(struct attack *attack, struct forged *record,
			const struct lie *lie)
{
	uint32_t at;

	if (!sheet_take(record) || (at = sheet_any(attack, lie->at)) == sheet.count)
		return false;
	record->body[ENTRIES + 8 * at] = (uint8_t)lie->with;
	record->body[ENTRIES + 8 * at + 1] =
		(uint8_t)((record->body[ENTRIES + 8 * at + 1] & 0xf0) |
			  lie->with >> 8);
	return true;
}

/* the last page is said to be somewhere else; at: of this kind only */
static bool move_last(struct attack *attack, struct forged *record,
		      const struct lie *lie)
{
	uint32_t last;

	(void)attack;
	if (!sheet_take(record))
		return false;
	last = sheet.count - 1;
	if (lie->at && sheet.pages[last].kind != lie->at)
		return false;
	sheet.pages[last].gpa = lie->with;
	sheet_put(record);
	return true;
}

/* a page more, of kind at; a private one is a copy of the last */
static bool plant(struct attack *attack, struct forged *record,
		  const struct lie *lie)
{
	uint32_t last;

	(void)attack;
	if (!sheet_take(record) || sheet.count == SEVLM_MAX_BATCH)
		return false;
	last = sheet.count - 1;
	if (sheet.pages[last].gpa >= lie->with ||
	    (lie->at == KIND_PRIVATE && sheet.pages[last].kind != lie->at))
		return false;
	sheet.pages[last + 1] = sheet.pages[last];
	sheet.pages[last + 1].gpa = lie->with;
	sheet.pages[last + 1].kind = lie->at;
	sheet.count++;
	sheet_put(record);
	return true;
}

static bool behind_ram(struct attack *attack, struct forged *record,
		       const struct lie *lie)
{
	struct lie to = *lie;

	to.with = attack->plan.memory;
	return move_last(attack, record, &to);
}

/* with their contents, so that the order is all that is wrong */
static bool out_of_order(struct attack *attack, struct forged *record,
			 const struct lie *lie)
{
	uint64_t gpa;
	struct sheet before;

	(void)attack;
	(void)lie;
	if (!sheet_take(record) || sheet.count < 2)
		return false;
	before = sheet;
	sheet.pages[0] = before.pages[1];
	sheet.pages[1] = before.pages[0];
	gpa = sheet.pages[0].gpa;
	sheet_put(record);
	return gpa != sheet.pages[1].gpa;
}

/* at: of which kind; bytes of header (value 0) or payload (1) */
static bool flip(struct attack *attack, struct forged *record,
		 const struct lie *lie)
{
	uint32_t at;
	uint8_t *byte;

	if (!sheet_take(record) || (at = sheet_any(attack, lie->at)) == sheet.count)
		return false;
	byte = lie->value ? sheet.pages[at].payload +
				    rig_below(&attack->random, RIG_PAGE)
			  : sheet.pages[at].header +
				    rig_below(&attack->random,
					      SEVLM_PACKET_HEADER_SIZE);
	*byte ^= (uint8_t)(1u << rig_below(&attack->random, 8));
	sheet_put(record);
	return true;
}

/* two private pages change their places */
static bool swap_private(struct attack *attack, struct forged *record,
			 const struct lie *lie)
{
	uint32_t a, b;
	uint64_t gpa;
	struct sheet before;

	(void)lie;
	if (!sheet_take(record) ||
	    (a = sheet_any(attack, KIND_PRIVATE)) == sheet.count ||
	    (b = sheet_any(attack, KIND_PRIVATE)) == a)
		return false;
	before = sheet;
	sheet.pages[a] = before.pages[b];
	sheet.pages[b] = before.pages[a];
	gpa = before.pages[a].gpa;
	sheet.pages[b].gpa = before.pages[b].gpa;
	sheet.pages[a].gpa = gpa;
	sheet_put(record);
	return true;
}

/* a round with this page only */
static void say_page(struct attack *attack, uint32_t kind, uint64_t gpa)
{
	sheet.pages[0] = sheet.pages[sheet.count - 1];
	sheet.pages[0].kind = kind;
	sheet.pages[0].gpa = gpa;
	sheet.count = 1;
	liar_make(attack, ATTACK_THERE, RECORD_ROUND, NULL, 8);
	sheet_say(attack);
}

/* Zeroes where only private pages belong, in a round before all others, which
 * make it right again. */
static bool zeroes_before(struct attack *attack, struct forged *record,
			  const struct lie *lie)
{
	(void)record;
	if (attack->wires[ATTACK_THERE].epoch)
		return false;
	sheet.count = 1;
	say_page(attack, KIND_ZERO, lie->with);
	return true;
}

/* One page more than a record may have, in a round before all others. */
static bool too_many_before(struct attack *attack, struct forged *record,
			    const struct lie *lie)
{
	uint8_t body[ENTRIES + 8 * (SEVLM_MAX_BATCH + 1)];

	(void)record;
	(void)lie;
	if (attack->wires[ATTACK_THERE].epoch)
		return false;
	liar_put(body, 8, SEVLM_MAX_BATCH + 1);
	for (uint64_t i = 0; i <= SEVLM_MAX_BATCH; i++)
		liar_put(body + ENTRIES + 8 * i, 8, i * RIG_PAGE | KIND_ZERO);
	liar_make(attack, ATTACK_THERE, RECORD_ROUND, NULL, 8);
	liar_make(attack, ATTACK_THERE, RECORD_PAGES, body, sizeof(body));
	return true;
}

/* A private page where only shared ones belong, then a shared one. */
static bool private_between(struct attack *attack, struct forged *record,
			    const struct lie *lie)
{
	struct liar *liar = attack->liar;
	const struct forged last = {.body = liar->pages,
				    .bytes = liar->pages_bytes};

	(void)record;
	if (!liar->pages_bytes || !sheet_take(&last) ||
	    sheet.pages[sheet.count - 1].kind != KIND_PRIVATE)
		return false;
	say_page(attack, KIND_PRIVATE, lie->with);
	say_page(attack, KIND_ZERO, lie->with);
	return true;
}

/* ---- one page, whenever it is sent -------------------------------------- */

/* the page that the lie is about, once one of kind at came */
static uint32_t the_page(struct attack *attack, const struct lie *lie)
{
	struct liar *liar = attack->liar;
	uint32_t i;

	if (!liar->told) {
		i = sheet_any(attack, lie->at);
		if (i < sheet.count)
			liar->gpa = sheet.pages[i].gpa;
		return i;
	}
	for (i = 0; i < sheet.count; i++)
		if (sheet.pages[i].gpa == liar->gpa)
			break;
	return i;
}

static uint32_t about_page(struct attack *attack, struct forged *record,
			   const struct lie *lie)
{
	uint32_t at;

	sheet.count = 0;
	if (record->header.type != RECORD_PAGES || !sheet_take(record))
		return UINT32_MAX;
	at = the_page(attack, lie);
	return at < sheet.count ? at : UINT32_MAX;
}

/* with: the kind it goes as, contents as they are */
static bool goes_as(struct attack *attack, struct forged *record,
		    const struct lie *lie)
{
	uint32_t at = about_page(attack, record, lie);

	if (at == UINT32_MAX)
		return false;
	if (sheet.pages[at].kind == KIND_ZERO)
		memset(sheet.pages[at].payload, 0, RIG_PAGE);
	rig_bytes(&attack->random, sheet.pages[at].header,
		  lie->with == KIND_PRIVATE ? SEVLM_PACKET_HEADER_SIZE : 0);
	sheet.pages[at].kind = (uint32_t)lie->with;
	sheet_put(record);
	attack->liar->told++;
	return true;
}

/* value: the last round in which it comes */
static bool never_comes(struct attack *attack, struct forged *record,
			const struct lie *lie)
{
	uint32_t at;

	if (attack->wires[ATTACK_THERE].epoch <= lie->value)
		return false;
	at = about_page(attack, record, lie);
	if (at == UINT32_MAX)
		return false;
	attack->liar->told++;
	remove_page(at);
	sheet_put(record);
	return true;
}

/* ... but it is declared free, in front of what is shared */
static bool free_instead(struct attack *attack, struct forged *record,
			 const struct lie *lie)
{
	uint8_t run[RUN_SIZE];

	if (record->header.type != RECORD_SHARED || !attack->liar->told)
		return never_comes(attack, record, lie);
	liar_put(run, 8, attack->liar->gpa);
	liar_put(run + 8, 8, 1);
	liar_make(attack, ATTACK_THERE, RECORD_FREE, run, sizeof(run));
	return true;
}

/* goes as another kind, and SHARED says so too */
static bool is_as(struct attack *attack, struct forged *record,
		  const struct lie *lie)
{
	if (record->header.type == RECORD_SHARED && attack->liar->told)
		spans_turn(record, attack->liar->gpa);
	return goes_as(attack, record, lie);
}

/* goes as what it is, only SHARED says otherwise */
static bool other_state(struct attack *attack, struct forged *record,
			const struct lie *lie)
{
	if (record->header.type == RECORD_SHARED)
		return attack->liar->told &&
		       spans_turn(record, attack->liar->gpa);
	if (!attack->liar->told &&
	    about_page(attack, record, lie) != UINT32_MAX)
		attack->liar->told++;
	return false;
}

/* ---- at the wrong time -------------------------------------------------- */

/* a PAGES record that was right, in front of (at 0) or behind one */
static bool again(struct attack *attack, struct forged *record,
		  const struct lie *lie)
{
	struct liar *liar = attack->liar;

	if (!liar->pages_bytes)
		return false;
	if (lie->at)
		liar_say(attack, record);
	liar_make(attack, ATTACK_THERE, RECORD_PAGES, liar->pages,
		  liar->pages_bytes);
	record->drop = lie->at != 0;
	return true;
}

/* ---- FREE --------------------------------------------------------------- */

/* a run [value, with pages) in front of the record */
static bool free_run(struct attack *attack, struct forged *record,
		     const struct lie *lie)
{
	uint8_t run[RUN_SIZE];

	(void)record;
	liar_put(run, 8, lie->value);
	liar_put(run + 8, 8, lie->with);
	liar_make(attack, ATTACK_THERE, RECORD_FREE, run,
		  sizeof(run) - lie->at);
	return true;
}

#define PAGES ATTACK_THERE, RECORD_PAGES
#define ANY ATTACK_THERE, 0
#define BEFORE_SHARED ATTACK_THERE, RECORD_SHARED

static const struct lie lies[] = {
	{"no pages in PAGES", PAGES, DUE_REFUSED, lie_set, false, 0, 4, 0},
	{"65 pages", PAGES, DUE_REFUSED, lie_set, false, 0, 4, 65},
	{"4 G pages", PAGES, DUE_REFUSED, lie_set, false, 0, 4, UINT32_MAX},
	{"a page more", PAGES, DUE_REFUSED, count_wrong, false, 0, 0, 1},
	{"a page less", PAGES, DUE_REFUSED, count_wrong, false, 0, 0,
	 UINT32_MAX},
	{"reserved, PAGES", PAGES, DUE_REFUSED, lie_set, false, 4, 4, 1},
	{"a byte more", PAGES, DUE_REFUSED, lie_longer, false, 0, 0, 1},
	{"4096 bytes more", PAGES, DUE_REFUSED, lie_longer, false, 0, 0, 4096},
	{"a byte less", PAGES, DUE_REFUSED, lie_shorter, false, 0, 0, 1},
	{"private called zero", PAGES, DUE_REFUSED, rename_kind, false,
	 KIND_PRIVATE, 0, KIND_ZERO},
	{"private called shared", PAGES, DUE_REFUSED, rename_kind, false,
	 KIND_PRIVATE, 0, KIND_SHARED},
	{"shared called private", PAGES, DUE_REFUSED, rename_kind, false,
	 KIND_SHARED, 0, KIND_PRIVATE},
	{"kind 0", PAGES, DUE_REFUSED, rename_kind, false, KIND_PRIVATE, 0, 0},
	{"kind 4", PAGES, DUE_REFUSED, rename_kind, false, KIND_PRIVATE, 0, 4},
	{"kind 4095", PAGES, DUE_REFUSED, rename_kind, false, KIND_PRIVATE, 0,
	 4095},
	{"shared of kind 0", PAGES, DUE_REFUSED, rename_kind, false,
	 KIND_SHARED, 0, 0},
	{"shared of kind 4", PAGES, DUE_REFUSED, rename_kind, false,
	 KIND_SHARED, 0, 4},
	{"a page behind RAM", PAGES, DUE_REFUSED, behind_ram, false, 0, 0, 0},
	{"a page nowhere", PAGES, DUE_REFUSED, move_last, false, 0, 0, NOWHERE},
	{"a page at 2^52", PAGES, DUE_REFUSED, move_last, false, 0, 0,
	 1ull << 52},
	{"a page at the top", PAGES, DUE_REFUSED, move_last, false, 0, 0,
	 ~4095ull},
	{"a page of a ROM", PAGES, DUE_REFUSED, move_last, false, 0, 0,
	 SKIP_GPA},
	{"a page more of a ROM", PAGES, DUE_REFUSED, plant, false, KIND_SHARED,
	 0, SKIP_GPA},
	{"zeroes for a ROM", PAGES, DUE_REFUSED, plant, false, KIND_ZERO, 0,
	 SKIP_GPA},
	{"private in a device", PAGES, DUE_REFUSED, plant, false, KIND_PRIVATE,
	 0, RIG_DEVICE_GPA},
	{"shared where private", PAGES, DUE_REFUSED, plant, false, KIND_SHARED,
	 0, RIG_PLUG_GPA},
	{"zeroes where private", PAGES, DUE_REFUSED, plant, false, KIND_ZERO, 0,
	 RIG_PLUG_GPA},
	{"zeroes before private", ATTACK_THERE, RECORD_ROUND, DUE_REFUSED,
	 zeroes_before, false, 0, 0, RIG_PLUG_GPA},
	{"65 zeroes", ATTACK_THERE, RECORD_ROUND, DUE_REFUSED, too_many_before,
	 false, 0, 0, 0},
	{"private, then shared", BEFORE_SHARED, DUE_REFUSED, private_between,
	 false, 0, 0, RIG_DEVICE_GPA},
	{"pages out of order", PAGES, DUE_REFUSED, out_of_order, false, 0, 0,
	 0},
	{"PAGES twice", PAGES, DUE_REFUSED, lie_twice, false, 0, 0, 0},
	{"packet header", PAGES, DUE_REFUSED, flip, false, KIND_PRIVATE, 0, 0},
	{"ciphertext", PAGES, DUE_REFUSED, flip, false, KIND_PRIVATE, 1, 0},
	{"a shared page", PAGES, DUE_CONTAINED, flip, false, KIND_SHARED, 1, 0},
	{"private pages swapped", PAGES, DUE_CONTAINED, swap_private, false, 0,
	 0, 0},
	{"private goes shared", ANY, DUE_REFUSED, goes_as, true, KIND_PRIVATE,
	 0, KIND_SHARED},
	{"private goes zero", ANY, DUE_REFUSED, goes_as, true, KIND_PRIVATE, 0,
	 KIND_ZERO},
	{"shared goes private", ANY, DUE_REFUSED, goes_as, true, KIND_SHARED, 0,
	 KIND_PRIVATE},
	{"shared goes zero", ANY, DUE_CONTAINED, goes_as, true, KIND_SHARED, 0,
	 KIND_ZERO},
	{"private is shared", ANY, DUE_CONTAINED, is_as, true, KIND_PRIVATE, 0,
	 KIND_SHARED},
	{"private is zero", ANY, DUE_CONTAINED, is_as, true, KIND_PRIVATE, 0,
	 KIND_ZERO},
	{"SHARED names private", ANY, DUE_REFUSED, other_state, true,
	 KIND_PRIVATE, 0, 0},
	{"SHARED forgets shared", ANY, DUE_REFUSED, other_state, true,
	 KIND_SHARED, 0, 0},
	{"a page never comes", ANY, DUE_REFUSED, never_comes, true,
	 KIND_PRIVATE, 0, 0},
	{"a shared never comes", ANY, DUE_REFUSED, never_comes, true,
	 KIND_SHARED, 0, 0},
	{"a page comes once", ANY, DUE_CONTAINED, never_comes, true,
	 KIND_PRIVATE, 1, 0},
	{"free instead", ANY, DUE_CONTAINED, free_instead, true, KIND_PRIVATE,
	 0, 0},
	{"pages again", ATTACK_THERE, RECORD_ROUND, DUE_REFUSED, again, false,
	 0, 0, 0},
	{"pages behind SHARED", ATTACK_THERE, RECORD_SHARED, DUE_REFUSED, again,
	 false, 1, 0, 0},
	{"pages behind STATE", ATTACK_THERE, RECORD_STATE, DUE_REFUSED, again,
	 false, 1, 0, 0},
	{"pages behind END", ATTACK_THERE, RECORD_END, DUE_REFUSED, again,
	 false, 1, 0, 0},
	{"pages for COMMIT", ATTACK_THERE, RECORD_COMMIT, DUE_REFUSED, again,
	 false, 0, 0, 0},
	{"free nowhere", BEFORE_SHARED, DUE_REFUSED, free_run, false, 0,
	 NOWHERE, 1},
	{"free at the top", BEFORE_SHARED, DUE_REFUSED, free_run, false, 0,
	 ~4095ull, 1},
	{"free off a page", BEFORE_SHARED, DUE_REFUSED, free_run, false, 0, 8,
	 1},
	{"free nothing", BEFORE_SHARED, DUE_REFUSED, free_run, false, 0, 0, 0},
	{"free half a run", BEFORE_SHARED, DUE_REFUSED, free_run, false, 8, 0,
	 1},
	{"free round the end", BEFORE_SHARED, DUE_REFUSED, free_run, false, 0,
	 4096, UINT64_MAX},
	{"free more than there is", BEFORE_SHARED, DUE_CONTAINED, free_run,
	 false, 0, 4096, 1ull << 50},
	{"free all", BEFORE_SHARED, DUE_CONTAINED, free_run, false, 0, 0, 72},
};

const struct lies lies_pages = {lies, sizeof(lies) / sizeof(lies[0])};
