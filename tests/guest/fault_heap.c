// SPDX-License-Identifier: GPL-2.0-or-later
/* Suite fault: memory of the tiler, as panthor_heap.c and group_tiler_oom_work() have it. */

#include "fault.h"

/* Draws of both clients that have no memory, again and again: each gets some in the end */
#define STORM(phase)								\
	{									\
		"tiler_storm", phase, { "heap count=40 -> oom" },		\
		UNAFFECTED, .by = "panthor_heap_grow", .draws = true,		\
	}

/* The driver is told late that there is none */
#define SLOW(phase)								\
	{									\
		"tiler_slow", phase, { "cs-event event=tiler-oom -> delay time=20ms" },	\
		UNAFFECTED, .by = "group_process_tiler_oom", .ms = 20 * 40, .draws = true,	\
	}

/* Or never: it ends the job that does not get on */
#define LOST(phase)								\
	{									\
		"tiler_lost", phase, { "cs-event csg=0 event=tiler-oom count=1 -> drop" },	\
		KILLS_GROUP, .by = "queue_timedout_job", TIMED_OUT, LIVES,	\
		.ms = 2 * TIMEOUT_MS, .says = M(JOB_LATE), .draws = true,	\
	}

static const struct fault_case fault_heap_cases[] = {
	STORM(IDLE),
	STORM(RUNNING),
	STORM(SUSPEND),
	STORM(RESUME),
	STORM(EVICTION),
	SLOW(RUNNING),
	SLOW(RESUME),
	LOST(IDLE),
	LOST(RUNNING),
	LOST(RESUME),
	{
		"tiler_lost_all", RUNNING, { "cs-event event=tiler-oom count=2 -> drop" },
		KILLS_GROUP, .by = "queue_timedout_job", TIMED_OUT, TIMED_OUT,
		.ms = 2 * TIMEOUT_MS, .says = M(JOB_LATE), .draws = true,
	},
};

FAULT_TABLE(fault_heap);
