/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the fixtures of the tests take from Check, which works in tests only. */
#ifndef SEVLM_FUZZ_CHECK_H
#define SEVLM_FUZZ_CHECK_H

#include "fuzz.h"

#define ck_assert_msg(condition, ...) MUST(condition)
#define ck_assert_ptr_nonnull(a) MUST((a) != NULL)
#define ck_assert_int_eq(a, b) MUST((a) == (b))
#define ck_assert_int_ne(a, b) MUST((a) != (b))
#define ck_assert(condition) MUST(condition)

#endif /* SEVLM_FUZZ_CHECK_H */
