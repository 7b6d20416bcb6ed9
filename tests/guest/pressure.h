/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory pressure for tests of reclaim: a hog (hog.h) and a memory group make
 * memory short in such a way that it is known who has to reclaim.
 */
#ifndef GUEST_PRESSURE_H
#define GUEST_PRESSURE_H

#include <stddef.h>

#include "panthor.h"

/* For struct suite: start the hog, and have the tests in a memory group of their own. */
int pressure_set_up(void);

/* Have this process, and its children, in that group: what pressure_swap_out() is about. */
int pressure_join(void);

/*
 * Make memory as short as the next test needs; prepare says who is to reclaim:
 * one of the next two.
 */
void pressure_begin(void (*prepare)(void));
/*
 * So much memory is free that nobody reclaims for want of it: what is reclaimed is by whom
 * the test asks.
 */
void pressure_none(void);
/* kswapd is ready to work. */
void pressure_wake_kswapd(void);
/* kswapd has given up: allocations have to reclaim by themselves. */
void pressure_tire_kswapd(void);
/* Give the memory back, and wait until reclaim has ended. */
void pressure_end(void);

/* Press until kswapd, or a process that allocates, has evicted the buffer of this label. */
void pressure_kswapd(const struct panthor *gpu, const char *label);
void pressure_direct(const struct panthor *gpu, const char *label);

/* Send what is charged to the tests to swap, as far as it can be. */
void pressure_swap_out(size_t bytes);

/*
 * Have a process of the tests' group take so much memory that the group is at its
 * limit (memory.max), and has to reclaim that process's own.
 */
void pressure_group_limit(void);

/* The end of a shrinker's run, with the task it ran in and the pages it freed. */
#define PRESSURE_EVENT "vmscan/mm_shrink_slab_end"

/* Pages that the driver's shrinker freed since trace_start() of that, by who called it. */
struct shrunk {
	long long kswapd;
	long long hog;
	long long others;
};

struct shrunk pressure_shrunk(void);

#endif
