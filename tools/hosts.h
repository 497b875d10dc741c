/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What hosts have for live migration: asked, shown, read again. */
#ifndef SEVLM_HOSTS_H
#define SEVLM_HOSTS_H

#include <libsevlm/sim.h>

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

struct machine_certs {
	uint8_t pdh[SEVLM_PDH_SIZE];
	uint8_t chain[SEVLM_CHAIN_SIZE];
	uint8_t chip_id[SEVLM_CHIP_ID_SIZE];
	bool chip_known;
	bool cek_signed;
	uint8_t amd[SEVLM_SIM_AMD_SIZE]; /* of a software host */
};
/* 0, or a negative errno with a sentence */
int machine_certs(const struct options *options, struct machine_certs *ret,
		  struct sentence *why);

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
