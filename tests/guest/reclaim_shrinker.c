// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite reclaim: the driver's shrinker as the kernel sees it (panthor_gem.c,
 * panthor_gem_shrinker_count() and _scan()): what it returns, what it counts.
 * Names of tests are as in reclaim_directed.c.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "group.h"
#include "harness.h"
#include "pressure.h"
#include "reclaim.h"
#include "trace.h"

#define DROP_CACHES	"/proc/sys/vm/drop_caches"
#define STACKTRACE	"/sys/kernel/tracing/options/stacktrace"

#define SHRINKER_SCAN	"mali_shrinker/scan"
#define SHRINKER_COUNT	"mali_shrinker/count"
/* In a group of its own: no other test is to fail where there is no such function */
#define LIST_MOVED	"mali_lru/moved"

/* What the driver's functions return (include/linux/shrinker.h), as signed numbers */
#define SHRINK_STOP	-1
#define SHRINK_EMPTY	-2

/* --- What the shrinker's functions return --- */

#define MAX_RETURNS 64

struct returns {
	long long values[MAX_RETURNS];
	int nr;
};

static void start_probes(void)
{
	int ret = trace_define("r:" SHRINKER_SCAN " panthor_gem_shrinker_scan ret=$retval:s64\n"
			       "r:" SHRINKER_COUNT " panthor_gem_shrinker_count ret=$retval:s64\n");

	if (!ret)
		return;
	if (!kernel_has("panthor_gem_shrinker_scan"))
		test_skip("the driver has no shrinker");
	CHECK(path_exists("/sys/kernel/tracing/kprobe_events"), "%s", strerror(-ret));
	test_skip("the kernel has no probes (CONFIG_KPROBE_EVENTS)");
}

static void note_return(const char *task, int pid, const char *text, void *data)
{
	const char *ret = strstr(text, "ret=");
	struct returns *r = data;

	if (ret && r->nr < MAX_RETURNS)
		r->values[r->nr++] = atoll(ret + strlen("ret="));
	(void)task;
	(void)pid;
}

/* Have the kernel call the shrinker with all that it knows of */
static void drop_caches(const char *event, struct returns *r)
{
	r->nr = 0;
	CHECK_OK(trace_start(event));
	CHECK_OK(write_file(DROP_CACHES, "2"));
	CHECK_OK(trace_read(event, note_return, r));
}

/* All is held by a job: tried again once, then no more for now */
static void test_s1(const void *arg)
{
	struct returns r;
	struct scene s;
	uint32_t done;

	(void)arg;
	start_probes();
	scene_open(&s, "B12b");
	/* Whatever was tried in vain before is forgotten with a success */
	CHECK(scene_shrink(&s) > 0, "nothing could be evicted");
	done = CHECK_OK(syncobj_create(&s.rig.gpu));
	for (unsigned int vm = 0; vm < RIG_VMS; vm++) {
		rig_set_flag(&s.rig, vm, 0);
		rig_block(&s.rig, vm, BUSY_QUEUE, rig_flag_va(&s.rig, vm), done);
	}
	drop_caches(SHRINKER_SCAN, &r);
	CHECK(r.nr >= 2, "%d scans", r.nr);
	EXPECT_EQ(r.values[0], 0);
	EXPECT_EQ(r.values[1], SHRINK_STOP);
	for (unsigned int vm = 0; vm < RIG_VMS; vm++)
		rig_set_flag(&s.rig, vm, 1);
	CHECK_OK(syncobj_wait(&s.rig.gpu, done, RECLAIM_WAIT_MS));
	scene_verify(&s);
	scene_close(&s);
}

/* What was freed is told to the kernel, all of it */
static void test_s14(const void *arg)
{
	struct gem_totals before, after;
	struct shrunk shrunk;
	struct scene s;

	(void)arg;
	scene_open(&s, "B04");
	CHECK_OK(panthor_gem_totals(&s.rig.gpu, &before));
	CHECK_OK(trace_start(PRESSURE_EVENT));
	CHECK_OK(write_file(DROP_CACHES, "2"));
	CHECK_OK(panthor_gem_totals(&s.rig.gpu, &after));
	shrunk = pressure_shrunk();
	CHECK(before.resident - after.resident >= s.b.bo.size, "the buffer was not evicted");
	EXPECT_EQ(shrunk.others * PAGE, before.resident - after.resident);
	scene_verify(&s);
	scene_close(&s);
}

/* The file says what the last scan evicted */
static void test_s15(const void *arg)
{
	struct gem_totals before, after;
	struct scene s;
	long long pages;

	(void)arg;
	scene_open(&s, "B04");
	CHECK_OK(panthor_gem_totals(&s.rig.gpu, &before));
	pages = scene_shrink(&s);
	CHECK_OK(panthor_gem_totals(&s.rig.gpu, &after));
	EXPECT_EQ(pages * PAGE, before.resident - after.resident);
	EXPECT_EQ(after.reclaimable, 0);
	EXPECT_EQ(scene_shrink(&s), 0);
	scene_verify(&s);
	scene_close(&s);
}

/* Nothing to evict: said as such, and the kernel does not scan */
static void test_s16(const void *arg)
{
	struct returns r;
	struct scene s;

	(void)arg;
	start_probes();
	scene_open(&s, "B04");
	scene_shrink(&s);
	drop_caches(SHRINKER_COUNT, &r);
	CHECK(r.nr, "the shrinker was not asked");
	EXPECT_EQ(r.values[0], SHRINK_EMPTY);
	scene_verify(&s);
	drop_caches(SHRINKER_COUNT, &r);
	CHECK(r.nr, "the shrinker was not asked");
	EXPECT(r.values[0] >= (long long)s.b.pages, "%lld pages can be evicted", r.values[0]);
	scene_close(&s);
}

/* --- Lists --- */

#define FREED_ROUNDS	60
#define FREED_AT_ONCE	16
#define FREED_SIZE	PAGE

/*
 * A scan has the lists' lock while it puts a buffer on its own list, and is quick about it:
 * to note its stack each time keeps it there for longer.
 */
static void slow_down_lists(void)
{
	if (trace_define("r:" LIST_MOVED " drm_gem_lru_move_tail_locked\n")) {
		test_log("scans are not slowed down: there is no drm_gem_lru_move_tail_locked()");
		return;
	}
	CHECK_OK(tunable_set(STACKTRACE, "1"));
	CHECK_OK(trace_start(LIST_MOVED));
}

/* One scan after another, until it is killed */
static void __attribute__((noreturn)) scan_always(const struct panthor *gpu)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s/shrink", gpu->debugfs);
	fd = open(path, O_WRONLY);
	CHECK(fd >= 0, "%s: %s", path, strerror(errno));
	for (;;)
		CHECK(write(fd, "1000000", 7) == 7, "%s: %s", path, strerror(errno));
}

/* The last reference is the mapping's: what is given up with it has just come onto a list. */
static void fill_and_free(const struct panthor *gpu)
{
	struct bo bos[FREED_AT_ONCE];
	uint8_t *maps[FREED_AT_ONCE];

	for (size_t i = 0; i < FREED_AT_ONCE; i++) {
		CHECK_OK(bo_create(gpu, &bos[i], FREED_SIZE, 0, "reclaim-freed"));
		CHECK_OK(bo_mmap(gpu, &bos[i]));
		maps[i] = bos[i].map;
		bos[i].map = NULL;
		CHECK_OK(bo_destroy(gpu, &bos[i]));
	}
	for (size_t i = 0; i < FREED_AT_ONCE; i++) {
		maps[i][0] = 1;
		CHECK(!munmap(maps[i], FREED_SIZE), "munmap: %s", strerror(errno));
	}
}

/*
 * Freed while a scan has it on a list of its own, which ends with the scan: counted on no
 * list afterwards.
 */
static void test_m11(const void *arg)
{
	struct returns r;
	struct scene s;
	pid_t scanner;

	(void)arg;
	start_probes();
	scene_open(&s, "B04");
	slow_down_lists();
	scanner = fork();
	CHECK(scanner >= 0, "fork: %s", strerror(errno));
	if (!scanner)
		scan_always(&s.rig.gpu);
	for (int i = 0; i < FREED_ROUNDS; i++)
		fill_and_free(&s.rig.gpu);
	CHECK(!kill(scanner, SIGKILL), "kill: %s", strerror(errno));
	CHECK_EQ(waitpid(scanner, NULL, 0), scanner);
	CHECK_OK(tunable_set(STACKTRACE, "0"));
	scene_shrink(&s);
	drop_caches(SHRINKER_COUNT, &r);
	CHECK(r.nr, "the shrinker was not asked");
	EXPECT_EQ(r.values[0], SHRINK_EMPTY);
	scene_verify(&s);
	scene_close(&s);
}

static const struct test tests[] = {
	{ "directed.S1", "a job holds all: tried again once", test_s1, NULL, 0 },
	{ "directed.S14", "the kernel is told what was freed", test_s14, NULL, 0 },
	{ "directed.S15", "debugfs tells what was freed", test_s15, NULL, 0 },
	{ "directed.S16", "the kernel is told that there is nothing", test_s16, NULL, 0 },
	{ "directed.M11", "freed while the shrinker looks at it", test_m11, NULL, 0 },
};

const struct test_table shrinker_tests = { tests, ARRAY_SIZE(tests) };
