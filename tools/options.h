/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The command line, as a table. */
#ifndef SEVLM_OPTIONS_H
#define SEVLM_OPTIONS_H

#include "tool.h"

#define FOR_DEMO (1u << 0)
#define FOR_SEND (1u << 1)
#define FOR_RECEIVE (1u << 2)
#define FOR_INSPECT (1u << 3)
#define FOR_PROBE (1u << 4)
#define FOR_PREFLIGHT (1u << 5)
#define FOR_CERTS_SHOW (1u << 6)
#define FOR_CERTS_VERIFY (1u << 7)
#define FOR_CERTS_EXPORT (1u << 8)
#define FOR_CERTS_PIN (1u << 9)
#define FOR_PSK (1u << 10)
#define FOR_RESOLVE (1u << 11)

/* An option that may be given more than once. */
#define MAX_WORDS 64u
struct words {
	const char *at[MAX_WORDS];
	size_t count;
};

/* A version. */
struct pair {
	uint32_t first, second;
	bool given;
};

/* A word of flags. */
struct flags {
	uint32_t value;
	uint32_t mask; /* of what is asked for; 0: nothing is */
};

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
	struct flags policy;
	struct flags expect_policy;
	bool no_offer;
	/* the migration */
	uint64_t downtime_limit_ms;
	uint64_t max_rounds;
	uint64_t batch;
	bool force;
	const char *note;
	uint64_t reconnect_s; /* 0: not at all */
	const char *control;
	bool source_fenced;
	const char *sessions;
	/* the link */
	const char *listen;
	const char *to;
	uint64_t wait_s; /* 0: without end */
	uint64_t bandwidth; /* bits per second, 0: no limit */
	const char *record;
	const char *record_answers;
	const char *die_at;
	/* the channel */
	const char *psk_file;
	const char *tls_dir;
	const char *tls_peer;
	bool insecure_plain;
	/* the hosts */
	const char *target;
	bool simulate;
	uint64_t host_seed; /* of the software host, 0: none */
	/* certificates */
	const char *pdh;
	const char *platform;
	const char *own_platform;
	const char *amd;
	const char *cek;
	bool overwrite;
	/* whom to trust */
	struct words roots;
	bool software_root;
	struct words allow;
	struct words chips;
	struct words owners;
	bool any_chip;
	struct pair floor; /* API version */
	/* a pair of keys */
	const char *source_psk;
	const char *target_psk;
	/* what is shown */
	bool json;
	bool quiet;
	struct words files;
};

/* 0, or -EINVAL with a sentence */
int options_parse(struct options *options, int argc, char **argv,
		  struct sentence *why);
void options_help(unsigned int command);

#endif /* SEVLM_OPTIONS_H */
