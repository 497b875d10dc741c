/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The command line, as a table. */
#ifndef SEVLM_OPTIONS_H
#define SEVLM_OPTIONS_H

#include "tool.h"

#define FOR_DEMO 1u
#define FOR_SEND 2u
#define FOR_RECEIVE 4u
#define FOR_INSPECT 8u
#define FOR_PROBE 16u
#define FOR_PREFLIGHT 32u

struct options {
	unsigned int command; /* FOR_* */
	const char *name; /* of the command */
	bool help;
	/* the guest */
	const char *image;
	uint64_t memory; /* 0: not given */
	uint64_t max_memory;
	uint64_t workload; /* SEVLM_SIM_* */
	uint64_t seed;
	uint64_t rate; /* steps per second, 0: no limit */
	bool no_offer;
	/* the migration */
	uint64_t downtime_limit_ms;
	uint64_t max_rounds;
	uint64_t batch;
	bool force;
	const char *note;
	const char *sessions;
	/* the link */
	const char *listen;
	const char *to;
	uint64_t wait_s; /* 0: without end */
	bool insecure_plain;
	uint64_t bandwidth; /* bits per second, 0: no limit */
	const char *record;
	const char *record_answers;
	const char *die_at;
	/* the hosts */
	const char *target;
	uint64_t policy;
	bool simulate;
	/* what is shown */
	bool json;
	bool quiet;
	const char *file; /* of inspect */
};

/* 0, or -EINVAL with a sentence */
int options_parse(struct options *options, int argc, char **argv,
		  struct sentence *why);
void options_help(unsigned int command);

#endif /* SEVLM_OPTIONS_H */
