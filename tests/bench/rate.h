/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host's sides of figures share: measure a few times, print the median. */
#ifndef BENCH_RATE_H
#define BENCH_RATE_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 5

static inline double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static inline int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* run() does so much of something. How much of it a second is printed. */
static inline int print_rate(double amount, void (*run)(void))
{
	double rates[ROUNDS];

	run();
	for (int i = 0; i < ROUNDS; i++) {
		double start = now();

		run();
		rates[i] = amount / (now() - start);
	}
	qsort(rates, ROUNDS, sizeof(rates[0]), by_value);
	printf("%f\n", rates[ROUNDS / 2]);
	return 0;
}

#endif
