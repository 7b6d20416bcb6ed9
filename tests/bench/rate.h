/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host's sides of figures share: measure a few times, print the best. */
#ifndef BENCH_RATE_H
#define BENCH_RATE_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 15

static inline double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* run() does so much of something. How much of it a second is printed. */
static inline int print_rate(double amount, void (*run)(void))
{
	double best = 0;

	run();
	for (int i = 0; i < ROUNDS; i++) {
		double start = now(), rate;

		run();
		rate = amount / (now() - start);
		if (rate > best)
			best = rate;
	}
	printf("%f\n", best);
	return 0;
}

#endif
