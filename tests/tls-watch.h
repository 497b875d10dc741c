/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Every allocation of OpenSSL, and of the channel, which takes its memory from
 * there: how much there is, the n-th made to fail, and what lies in memory
 * that is given back.
 */
#ifndef SEVLM_TLS_WATCH_H
#define SEVLM_TLS_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* before OpenSSL's first allocation */
void watch_init(void);

/* from here on: bytes and blocks are counted from zero, nothing is sought,
 * nothing fails */
void watch_reset(void);
int64_t watch_bytes(void);	/* allocated and not freed since */
int64_t watch_peak(void);
int64_t watch_blocks(void);
uint64_t watch_calls(void);	/* allocations made or refused */

/* the allocation with this number, from 1, fails; with rest all behind it
 * too; 0: none */
void watch_fail(uint64_t number, bool rest);
/* what is allocated from here on is somebody else's: not counted, never
 * fails; or is counted again */
void watch_pause(bool pause);

/* bytes that must not be found in what is freed; borrowed */
void watch_for(const char *name, const void *secret, size_t bytes);
/* the name of what was found first, or NULL */
const char *watch_found(void);
/* is it in anything that is allocated now? */
bool watch_holds(const void *secret, size_t bytes);

#endif /* SEVLM_TLS_WATCH_H */
