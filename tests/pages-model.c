/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "pages-model.h"

static bool moved(const struct model *model, uint32_t page)
{
	return model->type[page] && model->type[page] != SEVLM_REGION_SKIP;
}

static void flip(struct model *model, struct model_tally *tally, uint32_t page,
		 enum model_bit bit, bool value)
{
	int64_t delta = value ? 1 : -1;

	if (!(model->bits[page] & bit) == !value)
		return;
	model->bits[page] ^= (uint8_t)bit;
	if (bit == BIT_TODO)
		tally->todo += delta;
	if (bit == BIT_PENDING)
		tally->pending += delta;
	if (bit == BIT_SKIP)
		tally->skip += delta;
}

static void mark(struct model *model, struct model_tally *tally, uint32_t page)
{
	if (!model->tracking || !moved(model, page))
		return;
	flip(model, tally, page, BIT_PENDING, true);
	flip(model, tally, page, BIT_SKIP, false);
}

static void forget(struct model *model, struct model_tally *tally,
		   uint32_t page)
{
	flip(model, tally, page, BIT_PENDING, false);
	flip(model, tally, page, BIT_TODO, false);
	flip(model, tally, page, BIT_SKIP, false);
}

void model_add(struct model *model, struct model_tally *tally, uint32_t first,
	       uint32_t end, uint32_t type)
{
	uint32_t page;

	model->bits[first] |= BIT_START;
	for (page = first; page < end; page++) {
		model->type[page] = (uint8_t)type;
		mark(model, tally, page);
	}
}

void model_remove(struct model *model, struct model_tally *tally,
		  uint32_t first, uint32_t end)
{
	uint32_t page;

	model->bits[first] ^= BIT_START;
	for (page = first; page < end; page++) {
		forget(model, tally, page);
		model->type[page] = 0;
	}
}

void model_set(struct model *model, struct model_tally *tally, uint32_t first,
	       uint32_t end, bool shared)
{
	bool changed = false;
	uint32_t page;

	for (page = first; page < end; page++) {
		if (!(model->bits[page] & BIT_SHARED) == !shared)
			continue;
		changed = true;
		flip(model, tally, page, BIT_SHARED, shared);
		if (model->type[page] == SEVLM_REGION_TRACKED)
			mark(model, tally, page);
	}
	tally->generation += changed;
}

void model_dirty(struct model *model, struct model_tally *tally, uint32_t first,
		 uint32_t end)
{
	uint32_t page;

	for (page = first; page < end; page++)
		mark(model, tally, page);
}

void model_dirty_bitmap(struct model *model, struct model_tally *tally,
			const uint64_t *bitmap, uint32_t first, uint32_t end)
{
	uint32_t i;

	for (i = 0; first + i < end; i++)
		if (bitmap[i / 64] >> (i % 64) & 1)
			mark(model, tally, first + i);
}

uint64_t model_skip(struct model *model, struct model_tally *tally,
		    uint32_t first, uint32_t end)
{
	uint64_t count = 0;
	uint32_t page;

	for (page = first; model->tracking && page < end; page++) {
		if (!(model->bits[page] & BIT_TODO))
			continue;
		flip(model, tally, page, BIT_TODO, false);
		if (model->bits[page] & BIT_PENDING)
			continue;
		flip(model, tally, page, BIT_SKIP, true);
		count++;
	}
	return count;
}

/* while a guest is received, the bits are: there, came shared, came as free */
static void come(struct model *model, struct model_tally *tally, uint32_t page,
		 bool shared, bool freed)
{
	if (!moved(model, page))
		return;
	flip(model, tally, page, BIT_PENDING, true);
	flip(model, tally, page, BIT_TODO, shared);
	flip(model, tally, page, BIT_SKIP, freed);
}

void model_arrived(struct model *model, struct model_tally *tally,
		   uint32_t first, uint32_t end, bool shared)
{
	uint32_t page;

	for (page = first; page < end; page++)
		come(model, tally, page, shared, false);
}

void model_freed(struct model *model, struct model_tally *tally, uint32_t first,
		 uint32_t end)
{
	uint32_t page;

	for (page = first; page < end; page++)
		come(model, tally, page, false, true);
}

void model_clear(struct model *model, struct model_tally *tally, uint32_t first,
		 uint32_t end, enum model_bit bit)
{
	uint32_t page;

	for (page = first; page < end; page++)
		flip(model, tally, page, bit, false);
}

void model_track(struct model *model, struct model_tally *tally, bool on)
{
	uint32_t page;

	model->tracking = on;
	for (page = 0; page < MODEL_PAGES; page++) {
		forget(model, tally, page);
		mark(model, tally, page);
	}
}

void model_reset(struct model *model, struct model_tally *tally)
{
	uint32_t page;

	for (page = 0; page < MODEL_PAGES; page++) {
		forget(model, tally, page);
		flip(model, tally, page, BIT_SHARED, false);
	}
}

uint64_t model_round(struct model *model, struct model_tally *tally)
{
	uint64_t new = 0;
	uint32_t page;

	for (page = 0; page < MODEL_PAGES; page++) {
		if (!(model->bits[page] & BIT_PENDING))
			continue;
		new += !(model->bits[page] & BIT_TODO);
		flip(model, tally, page, BIT_TODO, true);
		flip(model, tally, page, BIT_PENDING, false);
	}
	return new;
}

uint32_t model_run(const struct model *model, uint32_t page)
{
	uint32_t state = model_state(model, page);
	uint32_t end = page;

	do
		end++;
	while (end < MODEL_PAGES && !(model->bits[end] & BIT_START) &&
	       model->type[end] == model->type[page] &&
	       model_state(model, end) == state);
	return end;
}

uint32_t model_next(const struct model *model, uint32_t page,
		    enum model_bit bit)
{
	while (page < MODEL_PAGES && !(model->bits[page] & bit))
		page++;
	return page;
}

uint32_t model_unaccounted(const struct model *model, bool *missing)
{
	uint32_t page;
	uint8_t bits;

	for (page = 0; page < MODEL_PAGES; page++) {
		bits = model->bits[page];
		*missing = !(bits & BIT_PENDING);
		if (!moved(model, page))
			continue;
		if (*missing ||
		    (!(bits & BIT_SKIP) &&
		     !(bits & BIT_TODO) == model_shared(model, page)))
			break;
	}
	return page;
}
