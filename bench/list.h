/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef SEVLM_BENCH_LIST_H
#define SEVLM_BENCH_LIST_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Stands for the way the out-of-tree QEMU branches for SEV migration keep
 * their shared regions: a sorted linked list of page frames [start, end), in
 * which every insertion, removal and lookup is a linear walk, and a lookup
 * that finds nothing walks to the end. Written anew from that description and
 * correct for ranges that do not overlap, which is all a measurement needs.
 */
struct list;

struct list *list_new(void);
void list_free(struct list *list);
bool list_insert(struct list *list, uint64_t start, uint64_t end);
void list_remove(struct list *list, uint64_t start, uint64_t end);
bool list_lookup(const struct list *list, uint64_t frame);

#endif /* SEVLM_BENCH_LIST_H */
