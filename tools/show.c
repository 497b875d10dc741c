/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "show.h"

#define BAR_WIDTH 16u
#define BAR_NS (100 * NS_PER_MS)
#define LINE_NS NS_PER_S

int show_init(struct show *show, const char *side, bool json, bool quiet)
{
	show->side = side;
	show->json = json;
	show->quiet = quiet;
	show->tty = isatty(STDOUT_FILENO);
	show->rounds = calloc(SHOW_ROUNDS, sizeof(*show->rounds));
	return show->rounds ? 0 : -ENOMEM;
}

void show_free(struct show *show)
{
	free(show->rounds);
}

void show_break(struct show *show)
{
	if (show->bar)
		fputs("\r\033[K", stdout);
	show->bar = false;
	fflush(stdout);
}

void show_listening(struct show *show, const char *address)
{
	const char *colon = strrchr(address, ':');
	int host = (int)(colon - address);

	if (show->json)
		printf("{\"event\":\"listening\",\"side\":\"%s\","
		       "\"host\":\"%.*s\",\"port\":%s}\n",
		       show->side, host, address, colon + 1);
	else
		printf("listening on %s\n", address);
	fflush(stdout);
}

void show_event(struct show *show, const char *event, const char *text)
{
	if (show->silent)
		return;
	show_break(show);
	if (show->json) {
		printf("{\"event\":\"%s\",\"side\":\"%s\",\"sentence\":", event,
		       show->side);
		json_text(text);
		puts("}");
	} else {
		puts(text);
	}
	fflush(stdout);
}

void show_waiting(struct show *show, const char *address)
{
	if (show->quiet)
		return;
	if (show->json)
		printf("{\"event\":\"waiting\",\"side\":\"%s\","
		       "\"to\":\"%s\"}\n",
		       show->side, address);
	else
		printf("waiting for a target on %s\n", address);
	fflush(stdout);
}

static const char *seconds(uint64_t ns, char *buf, size_t room)
{
	if (ns >= UINT64_MAX / 2)
		snprintf(buf, room, "?");
	else if (ns < NS_PER_S)
		snprintf(buf, room, "%" PRIu64 " ms", ns / NS_PER_MS);
	else
		snprintf(buf, room, "%.1f s", (double)ns / (double)NS_PER_S);
	return buf;
}

static uint64_t moved(const struct sevlm_progress *progress)
{
	return progress->private_pages + progress->shared_pages +
	       progress->zero_pages + progress->skipped_pages;
}

static const struct show_round *current(const struct show *show)
{
	return &show->rounds[show->count - 1];
}

static unsigned int percent(const struct show *show)
{
	const struct show_round *round = current(show);
	uint64_t done = moved(&show->now) - moved(&round->begin);

	if (!round->pages || done >= round->pages)
		return 100;
	return (unsigned int)(done * 100 / round->pages);
}

static void print_source_bar(const struct show *show)
{
	static const char full[] = "################";
	static const char empty[] = "................";
	unsigned int part = percent(show) * BAR_WIDTH / 100;
	char eta[24], downtime[24];

	printf("\r[%.*s%.*s] round %u%s %3u%%  %" PRIu64
	       "/s  ETA %s  downtime %s\033[K",
	       (int)part, full, (int)(BAR_WIDTH - part), empty, show->now.round,
	       show->stopped ? " (stopped)" : "", percent(show),
	       show->now.pages_per_second,
	       seconds(show->now.eta_ns, eta, sizeof(eta)),
	       seconds(show->now.expected_downtime_ns, downtime,
		       sizeof(downtime)));
}

static void print_bar(struct show *show)
{
	if (!strcmp(show->side, "source"))
		print_source_bar(show);
	else
		printf("\rround %u  %" PRIu64 " pages  %" PRIu64 " MiB\033[K",
		       show->now.round, moved(&show->now),
		       show->now.bytes / MIB);
	fflush(stdout);
	show->bar = true;
}

static void print_source_line(const struct show *show)
{
	const struct sevlm_progress *now = &show->now;
	char eta[24], downtime[24];

	printf("round %u%s: %" PRIu64 " of %" PRIu64 " pages left", now->round,
	       show->stopped ? " (guest stopped)" : "", now->pages_left,
	       now->pages_total);
	if (now->pages_per_second)
		printf(", %" PRIu64 " pages/s, ETA %s, expected downtime %s",
		       now->pages_per_second,
		       seconds(now->eta_ns, eta, sizeof(eta)),
		       seconds(now->expected_downtime_ns, downtime,
			       sizeof(downtime)));
	putchar('\n');
}

static void print_target_line(const struct show *show)
{
	printf("round %u: %" PRIu64 " pages, %" PRIu64 " MiB so far\n",
	       show->now.round, moved(&show->now), show->now.bytes / MIB);
}

static void print_line(const struct show *show)
{
	if (show->json)
		json_progress(show);
	else if (!strcmp(show->side, "source"))
		print_source_line(show);
	else
		print_target_line(show);
	fflush(stdout);
}

static void report(struct show *show, bool new_round)
{
	bool bar = show->tty && !show->json;
	uint64_t now = show->now.total_ns;

	if (!new_round && now - show->last_ns < (bar ? BAR_NS : LINE_NS))
		return;
	show->last_ns = now;
	if (bar)
		print_bar(show);
	else
		print_line(show);
}

static void begin_round(struct show *show)
{
	struct show_round *round = &show->rounds[show->count++];

	round->begin = show->now;
	round->pages = show->now.pages_left;
	round->final = show->stopped;
}

void show_step(struct show *show, const struct sevlm_progress *progress)
{
	bool new_round = progress->round > show->now.round;

	if (show->count)
		show->rounds[show->count - 1].end = *progress;
	show->now = *progress;
	if (new_round && show->count < SHOW_ROUNDS) {
		if (show->count && show->json && !show->quiet)
			json_round(show, current(show), show->count);
		begin_round(show);
		show->rounds[show->count - 1].end = *progress;
	}
	if (show->count && !show->quiet && !show->silent &&
	    progress->phase < SEVLM_PHASE_ENDED)
		report(show, new_round);
}

void show_stopped(struct show *show, bool stopped)
{
	show->stopped = stopped;
}

static void print_row(const char *name, const struct sevlm_progress *from,
		      const struct sevlm_progress *to)
{
	printf("%-7s %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64
	       " %10.1f %9.3f\n",
	       name, to->private_pages - from->private_pages,
	       to->shared_pages - from->shared_pages,
	       to->zero_pages - from->zero_pages,
	       to->skipped_pages - from->skipped_pages,
	       (double)(to->bytes - from->bytes) / (double)MIB,
	       (double)(to->total_ns - from->total_ns) / (double)NS_PER_S);
}

static void print_table(const struct show *show)
{
	static const struct sevlm_progress zero;
	const struct show_round *round;
	char name[24];

	printf("\n%-7s %10s %10s %10s %10s %10s %9s\n", "round", "private",
	       "shared", "zero", "skipped", "MiB", "seconds");
	for (uint32_t i = 0; i < show->count; i++) {
		round = &show->rounds[i];
		snprintf(name, sizeof(name), "%u%s", i + 1,
			 round->final ? " final" : "");
		print_row(name, &round->begin, &round->end);
	}
	print_row("all", &zero, &show->now);
}

static void print_totals(const struct show *show)
{
	char total[24], downtime[24];

	printf("\n%" PRIu64 " bytes in %s", show->now.bytes,
	       seconds(show->now.total_ns, total, sizeof(total)));
	if (show->now.downtime_ns)
		printf(", downtime %s", seconds(show->now.downtime_ns, downtime,
						sizeof(downtime)));
	if (show->now.changed_pages)
		printf(", %" PRIu64 " pages read again: their state had "
		       "changed",
		       show->now.changed_pages);
	putchar('\n');
}

static void print_verified(const struct show_end *end)
{
	char size[32];

	printf("verified: %s identical, workload continued at step %" PRIu64,
	       size_text(end->memory, size, sizeof(size)), end->handed_over);
	if (end->checked)
		printf(", memory checked at step %" PRIu64, end->checked);
	putchar('\n');
}

void show_end(struct show *show, const struct show_end *end)
{
	if (show->silent)
		return;
	show_break(show);
	if (show->json) {
		if (show->count && !show->quiet)
			json_round(show, current(show), show->count);
		json_end(show, end);
	} else if (show->count && !show->quiet) {
		print_table(show);
		print_totals(show);
	}
	if (end->verified && !show->json && !show->quiet)
		print_verified(end);
	fflush(stdout);
}
