// SPDX-License-Identifier: GPL-2.0-or-later
/* Suite reclaim: the ways in which reclaim comes to the driver's shrinker. */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "pressure.h"
#include "reclaim.h"
#include "swap.h"
#include "vmstat.h"

#define SHRINKERS	"/sys/kernel/debug/shrinker"
#define SHRINKER_DIR	"drm-panthor-gem-"
#define DROP_CACHES	"/proc/sys/vm/drop_caches"
#define NODE_RECLAIM	"/sys/devices/system/node/node0/reclaim"
#define MIN_SLAB	"/proc/sys/vm/min_slab_ratio"
#define SCANNERS	4

static void fire_shrink(struct rig *rig, struct buffer *b)
{
	(void)b;
	CHECK_OK(panthor_shrink(&rig->gpu, ALL_PAGES));
}

static void fire_scan(struct rig *rig, struct buffer *b)
{
	DIR *d = opendir(SHRINKERS);
	struct dirent *e;
	char path[320] = "";

	while (d && (e = readdir(d)))
		if (!strncmp(e->d_name, SHRINKER_DIR, strlen(SHRINKER_DIR)))
			snprintf(path, sizeof(path), SHRINKERS "/%s/scan", e->d_name);
	CHECK(path[0], "the driver's shrinker is not in " SHRINKERS);
	closedir(d);
	CHECK_OK(write_file(path, "0 0 %lu", ALL_PAGES));
	(void)rig;
	(void)b;
}

static void fire_drop(struct rig *rig, struct buffer *b)
{
	CHECK_OK(write_file(DROP_CACHES, "2"));
	(void)rig;
	(void)b;
}

/*
 * It fails when it gets less than that; and it does nothing while there is little
 * page cache, unless every page of slabs is worth it (mm/vmscan.c, __node_reclaim()).
 */
static void fire_node(struct rig *rig, struct buffer *b)
{
	int ret;

	CHECK_OK(write_file(MIN_SLAB, "0"));
	ret = write_file(NODE_RECLAIM, "16M");
	CHECK(!ret || ret == -EAGAIN, NODE_RECLAIM ": %s", strerror(-ret));
	(void)rig;
	(void)b;
}

static void fire_kswapd(struct rig *rig, struct buffer *b)
{
	pressure_kswapd(&rig->gpu, b->bo.label);
}

static void fire_direct(struct rig *rig, struct buffer *b)
{
	pressure_direct(&rig->gpu, b->bo.label);
}

static void kswapd_begin(void)
{
	pressure_begin(pressure_wake_kswapd);
}

static void direct_begin(void)
{
	pressure_begin(pressure_tire_kswapd);
}

/* The driver's shrinker is the root group's: other groups do not call it */
static void fire_memcg(struct rig *rig, struct buffer *b)
{
	pressure_swap_out(b->pages * PAGE);
	(void)rig;
}

/* So is it when the group is at its limit: its processes swap each other out */
static void fire_memcg_limit(struct rig *rig, struct buffer *b)
{
	pressure_group_limit();
	(void)rig;
	(void)b;
}

static void fire_no_swap(struct rig *rig, struct buffer *b)
{
	if (meminfo("SwapTotal"))
		CHECK_OK(swap_off());
	fire_shrink(rig, b);
	fire_drop(rig, b);
}

static void swap_again(void)
{
	CHECK_OK(swap_on());
}

static void fire_many(struct rig *rig, struct buffer *b)
{
	pid_t pids[SCANNERS];
	int status;

	for (int i = 0; i < SCANNERS; i++) {
		pids[i] = fork();
		CHECK(pids[i] >= 0, "fork: %s", strerror(errno));
		if (!pids[i]) {
			for (int k = 0; k < 4; k++)
				fire_shrink(rig, b);
			_exit(0);
		}
	}
	for (int i = 0; i < SCANNERS; i++) {
		CHECK_EQ(waitpid(pids[i], &status, 0), pids[i]);
		CHECK_EQ(status, 0);
	}
}

const struct trigger triggers[] = {
	{ "T1", "debugfs shrink", fire_shrink, .evicts = true, .once = true },
	{ "T2", "the shrinker's debugfs scan", fire_scan, .evicts = true, .once = true, .needs = SHRINKERS,
	  .option = "CONFIG_SHRINKER_DEBUG" },
	{ "T3", "drop_caches", fire_drop, .evicts = true, .once = true, .needs = DROP_CACHES,
	  .option = "CONFIG_SYSCTL" },
	{ "T4", "the node's reclaim", fire_node, .evicts = true, .needs = NODE_RECLAIM,
	  .option = "CONFIG_NUMA", .presses = true },
	{ "T5", "kswapd", fire_kswapd, kswapd_begin, pressure_end, .evicts = true,
	  .presses = true },
	{ "T6", "direct reclaim", fire_direct, direct_begin, pressure_end, .evicts = true,
	  .presses = true },
	{ "T7a", "a memory group's reclaim", fire_memcg, pressure_none, .evicts = false },
	{ "T7b", "a memory group at its limit", fire_memcg_limit, pressure_none,
	  .evicts = false },
	{ "T9", "shrink and drop_caches without swap", fire_no_swap, .finish = swap_again,
	  .evicts = false },
	{ "T10", "four scanners at a time", fire_many, .evicts = true },
};

const size_t nr_triggers = ARRAY_SIZE(triggers);
