/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef SEVLM_HEAP_H
#define SEVLM_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Sees every allocation of what is linked statically, by --wrap of the
 * linker, and of OpenSSL, which is asked to use it. One thread.
 */

/* before OpenSSL's first allocation; false where it is too late */
bool heap_init(void);

/* Counts from here on; stop() and go() leave out what is in between. */
void heap_start(void);
void heap_stop(void);
void heap_go(void);
/* bytes that were asked for, and the most that were there at once */
uint64_t heap_bytes(void);
uint64_t heap_most(void);

/* the n-th allocation from now fails; 0: none */
void heap_fail(uint64_t n);

/* called with each buffer before it is freed; NULL: nobody is */
extern void (*heap_freeing)(const void *buf, size_t bytes);

#endif /* SEVLM_HEAP_H */
