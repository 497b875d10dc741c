/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* OpenSSL's random numbers, the same in every run. */
#ifndef SEVLM_FUZZ_CHANCE_H
#define SEVLM_FUZZ_CHANCE_H

void chance_reset(void);

#endif /* SEVLM_FUZZ_CHANCE_H */
