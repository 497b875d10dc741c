/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the parts of the command line share. */
#ifndef SEVLM_OPTIONS_TABLE_H
#define SEVLM_OPTIONS_TABLE_H

#include "options.h"

#define GUEST (FOR_DEMO | FOR_SEND)
#define MOVES (FOR_DEMO | FOR_SEND | FOR_RECEIVE)
#define PEERS (FOR_SEND | FOR_RECEIVE)
#define HOSTS (FOR_PROBE | FOR_PREFLIGHT)
#define CHANNELS (PEERS | FOR_RESOLVE)
#define TRUSTING (PEERS | FOR_CERTS_VERIFY)
#define CERTS                                                                  \
	(FOR_CERTS_SHOW | FOR_CERTS_VERIFY | FOR_CERTS_EXPORT | FOR_CERTS_PIN)

enum kind { FLAG, NUMBER, HEX, MASKED, SIZE, TEXT, LIST, WORKLOAD, VERSION };

struct option_row {
	const char *name;
	unsigned int commands;
	enum kind kind;
	size_t offset;
	uint64_t least, most;
	const char *value;
	const char *help; /* NULL: only for tests */
};

/* options-table.c */
extern const struct option_row option_rows[];
extern const size_t option_rows_count;

/* options-value.c */
int option_set(struct options *options, const struct option_row *row,
	       const char *text, struct sentence *why);

/* options-check.c: what is missing, or does not go together */
int options_check(const struct options *options, struct sentence *why);

#endif /* SEVLM_OPTIONS_TABLE_H */
