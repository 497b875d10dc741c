/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What hosts have for live migration: asked, shown, read again. */
#ifndef SEVLM_HOSTS_H
#define SEVLM_HOSTS_H

#include "options.h"

/* The facts as JSON and in tables: a number... */
struct fact {
	const char *name;
	const char *label;
	size_t offset; /* of 32 bits in struct sevlm_host */
	uint32_t most;
	bool firmware; /* nothing where it does not answer */
};

/* ...or a bit of a word */
struct fact_bit {
	const char *name;
	uint32_t bit;
};

extern const struct fact facts[];
extern const size_t facts_count;
extern const struct fact_bit flag_bits[];
extern const size_t flag_bits_count;
extern const struct fact_bit command_bits[];
extern const size_t command_bits_count;

/* machine.c: ask this machine, or a software host */
int machine_ask(bool simulate, struct sevlm_host *ret, struct sentence *why);

/* facts.c */
void facts_print(const struct sevlm_host *host);
void facts_json(const struct sevlm_host *host);
void findings_print(const struct sevlm_findings *findings);
void findings_json(const struct sevlm_findings *findings);

/* facts-file.c: what facts_json() wrote; -EINVAL with a sentence */
int facts_read(const char *path, struct sevlm_host *ret, struct sentence *why);

int command_probe(const struct options *options);
int command_preflight(const struct options *options);

#endif /* SEVLM_HOSTS_H */
