/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Suite bench: figures for ./mali-vm bench, which has their limits (malivm/bench.py).
 * A test fails when what it measures did not work, never because it was slow.
 */
#ifndef GUEST_BENCH_H
#define GUEST_BENCH_H

#include <stddef.h>
#include <stdint.h>

#include "client.h"

/* A figure, in the unit that malivm/bench.py gives it */
void bench_measured(double value);
/* and what it is compared with, where the guest measures both. */
void bench_reference(double value);

/*
 * Both, of the pair whose quotient is the median: each was taken at nearly the
 * same time, so that what changes with time falls on both. Reorders the pairs.
 */
void bench_pairs(double (*pairs)[2], size_t nr);

/* Reorders the values. */
double bench_median(double *values, size_t nr);

/* Queue so many jobs of the same stream with one ioctl; the last one signals. */
void bench_submit(struct client *c, uint32_t group, uint64_t va, uint32_t size, unsigned int nr,
		  uint32_t signal);

/* bench_stream.c */
void bench_loop(const void *arg);
void bench_copy(const void *arg);

/* bench_fence.c */
void bench_fence(const void *arg);
void bench_queue(const void *arg);

/* bench_evict.c */
void bench_evict(const void *arg);

/* bench_group.c */
void bench_groups(const void *arg);
void bench_suspended(const void *arg);

#endif
