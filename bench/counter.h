/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef SEVLM_BENCH_COUNTER_H
#define SEVLM_BENCH_COUNTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Counts allocations. The linker turns the calls of everything that is linked
 * statically into this one's; OpenSSL is asked to use it. One thread.
 */
enum counter_owner { COUNTER_LIBRARY, COUNTER_HOST, COUNTER_OWNERS };

struct counter {
	uint64_t own[COUNTER_OWNERS];
	uint64_t openssl[COUNTER_OWNERS]; /* made by OpenSSL on its behalf */
	size_t bytes; /* allocated and not freed, as malloc rounds them */
};

/* before OpenSSL's first allocation; false where it is too late */
bool counter_init(void);
/* who allocates from here on; returns who did */
enum counter_owner counter_switch(enum counter_owner owner);
struct counter counter_read(void);

#endif /* SEVLM_BENCH_COUNTER_H */
