/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef SEVLM_BENCH_TIMER_H
#define SEVLM_BENCH_TIMER_H

#include <stddef.h>

/* nanoseconds */
double timer_cpu(void); /* of this thread */
double timer_wall(void);
/* sorts the values */
double timer_median(double *values, size_t count);

#endif /* SEVLM_BENCH_TIMER_H */
