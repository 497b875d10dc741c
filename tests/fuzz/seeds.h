/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The first inputs of each fuzzer, into the directories of a corpus. */
#ifndef SEVLM_FUZZ_SEEDS_H
#define SEVLM_FUZZ_SEEDS_H

#include "ops.h"

/* seeds.c */
FILE *create(const char *corpus, const char *fuzzer, const char *name);
void put_op(FILE *file, const struct fuzz_op *op);

/* seeds-engine.c */
void put_migrations(const char *corpus);
void put_hellos(const char *corpus);
void put_attempts(const char *corpus);

/* seeds-certs.c */
void put_certs(const char *corpus);
void put_chains(const char *corpus);

/* seeds-record.c */
void put_records(const char *corpus);
/* of a recorded stream every record that is small */
void put_stream(const char *corpus, const char *path);

#endif /* SEVLM_FUZZ_SEEDS_H */
