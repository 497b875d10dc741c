/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Progress, tables, JSON. */
#ifndef SEVLM_SHOW_H
#define SEVLM_SHOW_H

#include "tool.h"

#define SHOW_ROUNDS 1024u

struct show_round {
	struct sevlm_progress begin, end;
	uint64_t pages; /* due when it began */
	bool final; /* the guest stands */
};

struct show {
	const char *side; /* "source" or "target" */
	bool json, quiet, silent, tty;
	bool bar; /* a bar is on the line */
	bool stopped;
	uint64_t last_ns;
	struct sevlm_progress now;
	struct show_round *rounds;
	uint32_t count;
};

/* How it ended, for the last line. */
struct show_end {
	const char *outcome;
	const char *sentence;
	uint64_t memory;
	uint64_t handed_over; /* steps; 0: it was not */
	uint64_t checked; /* steps; 0: it was not */
	bool verified;
	int status;
};

int show_init(struct show *show, const char *side, bool json, bool quiet);
void show_free(struct show *show);
void show_listening(struct show *show, const char *address);
/* a line that is no progress; shown by --quiet too */
void show_event(struct show *show, const char *event, const char *text);
/* nobody listens there yet */
void show_waiting(struct show *show, const char *address);
/* after every step */
void show_step(struct show *show, const struct sevlm_progress *progress);
/* the guest stands, or runs again */
void show_stopped(struct show *show, bool stopped);
/* the bar gives way to what is printed next */
void show_break(struct show *show);
void show_end(struct show *show, const struct show_end *end);

/* json.c */
void json_text(const char *text);
void json_progress(const struct show *show);
void json_round(const struct show *show, const struct show_round *round,
		uint32_t number);
void json_end(const struct show *show, const struct show_end *end);

#endif /* SEVLM_SHOW_H */
