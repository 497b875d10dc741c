/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "show.h"

static const char *const verdicts[] = {"unknown", "converges", "diverges"};
static const char *const phases[] = {"none",   "hello",	 "precopy", "stop",
				     "commit", "ending", "ended"};

void json_text(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		if ((unsigned char)*text < ' ')
			printf("\\u%04x", (unsigned char)*text);
		else
			putchar(*text);
	}
	putchar('"');
}

static void milliseconds(const char *name, uint64_t ns)
{
	if (ns >= UINT64_MAX / 2)
		printf(",\"%s\":null", name);
	else
		printf(",\"%s\":%.3f", name, (double)ns / (double)NS_PER_MS);
}

static void number(const char *name, uint64_t value)
{
	printf(",\"%s\":%" PRIu64, name, value);
}

static void word(const char *name, const char *const *words, size_t count,
		 uint32_t index)
{
	printf(",\"%s\":\"%s\"", name, index < count ? words[index] : "?");
}

static void kinds(const struct sevlm_progress *from,
		  const struct sevlm_progress *to)
{
	number("private_pages", to->private_pages - from->private_pages);
	number("shared_pages", to->shared_pages - from->shared_pages);
	number("zero_pages", to->zero_pages - from->zero_pages);
	number("skipped_pages", to->skipped_pages - from->skipped_pages);
	number("bytes", to->bytes - from->bytes);
}

static void forecast(const struct sevlm_progress *now)
{
	word("verdict", verdicts, ARRAY_SIZE(verdicts), now->verdict);
	number("pages_left", now->pages_left);
	number("pages_per_second", now->pages_per_second);
	number("dirtied_per_second", now->dirtied_per_second);
	milliseconds("eta_ms", now->eta_ns);
	milliseconds("expected_downtime_ms", now->expected_downtime_ns);
}

static bool at_source(const struct show *show)
{
	return !strcmp(show->side, "source");
}

void json_progress(const struct show *show)
{
	const struct sevlm_progress *now = &show->now;

	printf("{\"event\":\"progress\",\"side\":\"%s\"", show->side);
	word("phase", phases, ARRAY_SIZE(phases), now->phase);
	number("round", now->round);
	number("pages_total", now->pages_total);
	number("bytes", now->bytes);
	if (at_source(show))
		forecast(now);
	printf("}\n");
}

void json_round(const struct show *show, const struct show_round *round,
		uint32_t index)
{
	printf("{\"event\":\"round\",\"side\":\"%s\"", show->side);
	number("round", index);
	if (at_source(show))
		printf(",\"final\":%s", round->final ? "true" : "false");
	kinds(&round->begin, &round->end);
	milliseconds("ms", round->end.total_ns - round->begin.total_ns);
	printf("}\n");
}

void json_end(const struct show *show, const struct show_end *end)
{
	static const struct sevlm_progress zero;

	printf("{\"event\":\"result\",\"side\":\"%s\",\"outcome\":\"%s\"",
	       show->side, end->outcome);
	printf(",\"verified\":%s,\"sentence\":",
	       end->verified ? "true" : "false");
	json_text(end->sentence);
	number("memory", end->memory);
	number("rounds", show->count);
	kinds(&zero, &show->now);
	number("changed_pages", show->now.changed_pages);
	milliseconds("total_ms", show->now.total_ns);
	if (at_source(show))
		milliseconds("downtime_ms", show->now.downtime_ns);
	number("handed_over_at_step", end->handed_over);
	number("checked_at_step", end->checked);
	number("exit_status", (uint64_t)end->status);
	printf("}\n");
}
