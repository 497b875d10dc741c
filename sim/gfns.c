/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gfns.h"

#define ROOM_FIRST 64u

void sim_gfns_clear(struct sim_gfns *gfns)
{
	free(gfns->at);
	gfns->at = NULL;
	gfns->count = gfns->room = 0;
}

uint64_t sim_gfns_seek(const struct sim_gfns *gfns, uint64_t page)
{
	uint64_t low = 0, high = gfns->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (gfns->at[middle].end > page)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static int make_room(struct sim_gfns *gfns, uint64_t count)
{
	uint64_t room = gfns->room ? 2 * gfns->room : ROOM_FIRST;
	struct sim_range *at;

	if (count <= gfns->room)
		return 0;
	at = realloc(gfns->at, room * sizeof(*at));
	if (!at)
		return -ENOMEM;
	gfns->at = at;
	gfns->room = room;
	return 0;
}

/* ranges [from, to) give way to count others */
static int replace(struct sim_gfns *gfns, uint64_t from, uint64_t to,
		   const struct sim_range *by, uint64_t count)
{
	uint64_t after = gfns->count - (to - from) + count;
	int error;

	if (after > gfns->count && after > gfns->max)
		return -E2BIG;
	error = make_room(gfns, after);
	if (error)
		return error;
	if (gfns->count > to)
		memmove(&gfns->at[from + count], &gfns->at[to],
			(gfns->count - to) * sizeof(*by));
	if (count)
		memcpy(&gfns->at[from], by, count * sizeof(*by));
	gfns->count = after;
	return 1;
}

static int add(struct sim_gfns *gfns, uint64_t first, uint64_t end)
{
	/* neighbours that only touch it join too */
	uint64_t from = sim_gfns_seek(gfns, first ? first - 1 : 0), to = from;
	struct sim_range range = {first, end};

	for (; to < gfns->count && gfns->at[to].first <= end; to++) {
		if (gfns->at[to].first <= first && gfns->at[to].end >= end)
			return 0;
		if (gfns->at[to].first < range.first)
			range.first = gfns->at[to].first;
		if (gfns->at[to].end > range.end)
			range.end = gfns->at[to].end;
	}
	return replace(gfns, from, to, &range, 1);
}

static int take_out(struct sim_gfns *gfns, uint64_t first, uint64_t end)
{
	uint64_t from = sim_gfns_seek(gfns, first), to = from, count = 0;
	struct sim_range left[2];

	while (to < gfns->count && gfns->at[to].first < end)
		to++;
	if (from == to)
		return 0;
	if (gfns->at[from].first < first)
		left[count++] = (struct sim_range){gfns->at[from].first, first};
	if (gfns->at[to - 1].end > end)
		left[count++] = (struct sim_range){end, gfns->at[to - 1].end};
	return replace(gfns, from, to, left, count);
}

int sim_gfns_assign(struct sim_gfns *gfns, uint64_t first, uint64_t end,
		    bool in)
{
	return in ? add(gfns, first, end) : take_out(gfns, first, end);
}
