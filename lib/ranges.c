/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ranges.h"

int sevlm__ranges_init(struct sevlm__ranges *ranges)
{
	ranges->at = calloc(RANGES_MAX, sizeof(*ranges->at));
	ranges->count = 0;
	return ranges->at ? 0 : -ENOMEM;
}

void sevlm__ranges_free(struct sevlm__ranges *ranges)
{
	free(ranges->at);
}

uint32_t sevlm__ranges_seek(const struct sevlm__ranges *ranges, uint64_t page)
{
	uint32_t low = 0, high = ranges->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (ranges->at[middle].end > page)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

bool sevlm__ranges_all(const struct sevlm__ranges *ranges, uint64_t first,
		       uint64_t end, bool in)
{
	uint32_t i = sevlm__ranges_seek(ranges, first);
	const struct sevlm__range *at = &ranges->at[i];

	if (i == ranges->count)
		return !in;
	return in ? at->first <= first && at->end >= end : at->first >= end;
}

/* put count new ranges where those of [low, high) are */
static int splice(struct sevlm__ranges *ranges, uint32_t low, uint32_t high,
		  const struct sevlm__range *by, uint32_t count)
{
	uint32_t tail = ranges->count - high;

	if (low + count + tail > RANGES_MAX)
		return -ENOBUFS;
	memmove(&ranges->at[low + count], &ranges->at[high],
		tail * sizeof(*by));
	if (count)
		memcpy(&ranges->at[low], by, count * sizeof(*by));
	ranges->count = low + count + tail;
	return 0;
}

static int add(struct sevlm__ranges *ranges, uint64_t first, uint64_t end)
{
	uint32_t low = first ? sevlm__ranges_seek(ranges, first - 1) : 0;
	uint32_t high = sevlm__ranges_seek(ranges, end);
	struct sevlm__range whole = {first, end};

	/* one that starts exactly at end is adjacent: swallow it too */
	if (high < ranges->count && ranges->at[high].first <= end)
		high++;
	if (low < high && ranges->at[low].first < first)
		whole.first = ranges->at[low].first;
	if (low < high && ranges->at[high - 1].end > end)
		whole.end = ranges->at[high - 1].end;
	return splice(ranges, low, high, &whole, 1);
}

static int cut(struct sevlm__ranges *ranges, uint64_t first, uint64_t end)
{
	uint32_t low = sevlm__ranges_seek(ranges, first);
	uint32_t high = sevlm__ranges_seek(ranges, end);
	const struct sevlm__range *at = ranges->at;
	struct sevlm__range rest[2];
	uint32_t count = 0;

	if (high < ranges->count && at[high].first < end)
		high++;
	if (low < high && at[low].first < first)
		rest[count++] = (struct sevlm__range){at[low].first, first};
	if (low < high && at[high - 1].end > end)
		rest[count++] = (struct sevlm__range){end, at[high - 1].end};
	return splice(ranges, low, high, rest, count);
}

int sevlm__ranges_assign(struct sevlm__ranges *ranges, uint64_t first,
			 uint64_t end, bool in)
{
	return in ? add(ranges, first, end) : cut(ranges, first, end);
}
