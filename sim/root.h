/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The one root of all software hosts. Its keys are published here: what hangs
 * from it proves nothing, and is to be trusted only by who names it.
 */
#ifndef SEVLM_SIM_ROOT_H
#define SEVLM_SIM_ROOT_H

#include <stddef.h>
#include <stdint.h>

#define SIM_AMD_CERT 1600u /* with 4096 bits */

extern const uint8_t sim_root_amd[2 * SIM_AMD_CERT]; /* ASK, ARK */
extern const uint8_t sim_root_ask_key[]; /* DER */
extern const size_t sim_root_ask_key_len;

#endif /* SEVLM_SIM_ROOT_H */
