/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef SEVLM_BENCH_BARE_H
#define SEVLM_BENCH_BARE_H

#include "pair.h"

/*
 * The least that moves a guest's pages: crypto, one writev(2) a batch, one
 * read(2) until the batch is there. No states, no order, no answer: it knows
 * which pages are shared. The memory is read and written through the same
 * at-rest encryption as the library's. Both return when all pages are through.
 */
#define BARE_BATCH 64u

void bare_send(struct pair *pair, int fd);
void bare_receive(struct pair *pair, int fd);

#endif /* SEVLM_BENCH_BARE_H */
