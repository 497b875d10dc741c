/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Bytes as hexadecimal digits. */
#ifndef SEVLM_HEX_H
#define SEVLM_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* exactly @bytes of them, from exactly @length characters */
bool hex_decode(const char *text, size_t length, uint8_t *buf, size_t bytes);
/* @text has room for 2 * @bytes + 1; returns it */
const char *hex_encode(const uint8_t *buf, size_t bytes, char *text);

#endif /* SEVLM_HEX_H */
