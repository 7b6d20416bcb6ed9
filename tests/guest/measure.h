/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Suite measure: what each pass of the driver's shrinker costs, and what it costs
 * to get back what it has evicted. The kernel's side is seen by its own events
 * (measure_trace.c), jobs of somebody else by a load (measure_load.c); the device
 * tells the host how long it was locked and flushed, on the same clock
 * (malivm/eviction.py).
 */
#ifndef GUEST_MEASURE_H
#define GUEST_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The passes of panthor_gem_shrinker_scan(), in their order, and the way back */
enum path { UNUSED, MMAPPED, SINGLE_VM, MULTI_VM, RESTORE, NR_PATHS };
extern const char *const path_names[NR_PATHS];

/* What the shrinker only tries to lock, and skips a buffer for; and waits too long for */
enum lock { BO_RESV, GPUVA_LOCK, VM_RESV, OP_LOCK, FENCES, NR_LOCKS };
extern const char *const lock_names[NR_LOCKS];

/* A list gone through by the shrinker, or a buffer that is restored */
struct pass {
	enum path path;
	uint64_t begin, end;		/* machine_ns(), widened to whole microseconds */
	unsigned long pages;
	unsigned int objects;		/* the shrinker has looked at */
	unsigned int failed[NR_LOCKS];
};

/* --- measure_trace.c --- */

/* Define the events, and have them recorded until the test ends; or skip it */
void watch_start(void);
/*
 * The passes since the last time, of all tasks, in the order of their ends; what
 * the kernel has recorded is dropped.
 */
size_t watch_read(struct pass *passes, size_t max);

/* --- measure_load.c --- */

/* Jobs of another process, in a VM of its own, one after another; how long each takes at most
 * while nothing else happens is found out first. */
void load_start(void);
void load_stop(void);

/*
 * How many of its jobs took longer, and were under way between two points of time; and by how
 * much each of them. No job counts twice.
 */
unsigned int load_delayed(uint64_t begin, uint64_t end, uint64_t *ns, unsigned int max);

struct rig;
/* VM_BIND in VM 0, over and over, until it is stopped */
void binds_start(struct rig *rig);
void binds_stop(void);

#endif
