/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef SEVLM_BENCH_FLOOR_H
#define SEVLM_BENCH_FLOOR_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The crypto of a packet and nothing else: AES-128-CTR and HMAC-SHA256 with
 * contexts that are keyed once, the IV a counter. What anything that makes
 * such packets with OpenSSL must pay.
 */
struct floor;

struct floor *floor_new(void); /* NULL: no memory */
void floor_free(struct floor *floor);
/* one page; the header has SEVLM_PACKET_HEADER_SIZE bytes */
bool floor_seal(struct floor *floor, const uint8_t *plain, uint8_t *header,
		uint8_t *payload);
/* false where the MAC does not fit */
bool floor_open(struct floor *floor, const uint8_t *header,
		const uint8_t *payload, uint8_t *plain);

#endif /* SEVLM_BENCH_FLOOR_H */
