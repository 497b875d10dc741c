/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>
#include <time.h>

#include "timer.h"

static double now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

double timer_cpu(void)
{
	return now(CLOCK_THREAD_CPUTIME_ID);
}

double timer_wall(void)
{
	return now(CLOCK_MONOTONIC);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double timer_median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), by_value);
	return values[count / 2];
}
