/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's memory counters: /proc/vmstat and /proc/meminfo. */
#ifndef GUEST_VMSTAT_H
#define GUEST_VMSTAT_H

#include <stdbool.h>
#include <stddef.h>

/* What is watched here. */
enum vmstat_item {
	VM_PSWPIN,		/* pages read from swap */
	VM_PSWPOUT,		/* pages written to swap */
	VM_PGSCAN_KSWAPD,
	VM_PGSCAN_DIRECT,
	VM_PGSTEAL_KSWAPD,
	VM_PGSTEAL_DIRECT,
	VM_ALLOCSTALL,		/* entries into direct reclaim, of every zone */
	NR_VMSTAT_ITEMS
};

struct vmstat {
	long long v[NR_VMSTAT_ITEMS];
};

/* Read all counters at once. -errno on failure; a counter the kernel lacks is 0. */
int vmstat_read(struct vmstat *vm);

/*
 * The free memory at which allocations wake kswapd (low), at which it stops
 * (high) and below which an allocation reclaims by itself (min): in bytes,
 * the sum of all zones.
 */
struct watermarks {
	size_t min;
	size_t low;
	size_t high;
};

int watermarks_read(struct watermarks *w);

/* The process is a kswapd. */
bool is_kswapd(int pid);

/* kswapd is not running nor about to: it has what it wants, or has given up. */
bool kswapd_sleeps(void);

/*
 * kswapd has given up on a node, after runs in which it found nothing to
 * reclaim: until it is revived, allocations do not wake it and reclaim by
 * themselves.
 */
bool kswapd_gave_up(void);

/*
 * Free memory in bytes as the watermarks count it for an allocation of the
 * kernel's: without CMA, which only pages that can be moved may take.
 */
long long free_memory(void);

/* One value of /proc/meminfo in bytes, by its name without the colon; -errno. */
long long meminfo(const char *name);

#endif
