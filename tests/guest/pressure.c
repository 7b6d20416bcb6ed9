// SPDX-License-Identifier: GPL-2.0-or-later
/* Memory pressure: who reclaims, and when. */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "hog.h"
#include "pressure.h"
#include "trace.h"
#include "vmstat.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define CGROUP CGROUP_ROOT "/mali-vm-tests"

#define SHRINKER "panthor_gem_shrinker_scan"

/* Far longer than reclaim takes: a slow host is no failure. */
#define WAIT_S patience(60)

#define WATERMARK_BOOST "/proc/sys/vm/watermark_boost_factor"

/* What makes a group outgrow its limit */
#define GROUP_TAKES (2 * MIB)

/* Free memory that the hog leaves until the first test needs less. */
#define EARLY_ROOM (96 * MIB)

static bool is_evicted(const struct panthor *gpu, const char *label)
{
	struct gem gem;

	CHECK_OK(panthor_gem(gpu, label, &gem));
	return !gem.resident;
}

/*
 * Memory of the suite is charged to a group of its own, so that what the driver
 * let go of can be sent to swap without any other's. The tests' processes are
 * born into it: moving one takes the kernel longer than most of a test.
 */
int pressure_join(void)
{
	int ret;

	if (mkdir(CGROUP, 0755) && errno != EEXIST)
		return -errno;
	ret = write_file(CGROUP_ROOT "/cgroup.subtree_control", "+memory");
	if (!ret)
		ret = write_file(CGROUP "/cgroup.procs", "0");
	return ret;
}

/* The hog first: it stays outside the group. */
int pressure_set_up(void)
{
	return hog_start(EARLY_ROOM) ?: pressure_join();
}

/* Enough for the next buffer, and for kswapd to be content. */
static size_t room(void)
{
	struct watermarks marks;

	CHECK_OK(watermarks_read(&marks));
	return marks.high + 8 * MIB;
}

void pressure_swap_out(size_t bytes)
{
	/* It fails when it gets less than that, and it is more than there is. */
	write_file(CGROUP "/memory.reclaim", "%zu", bytes + 256 * KIB);
}

static void __attribute__((noreturn)) outgrow(size_t bytes)
{
	uint8_t *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		_exit(1);
	/* Small pages: for a huge one the kernel does not reclaim */
	madvise(p, bytes, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < bytes; i += 4 * KIB)
		*(volatile uint8_t *)(p + i) = 1 + i / (4 * KIB);
	_exit(0);
}

/* There is room for half of what the process takes; the rest goes to swap. */
void pressure_group_limit(void)
{
	long long used, before, after;
	int status;
	pid_t pid;

	CHECK_OK(read_number(&used, CGROUP "/memory.current"));
	CHECK_OK(tunable_set(CGROUP "/memory.max", "%llu", used + GROUP_TAKES / 2));
	CHECK_OK(read_number(&before, CGROUP "/memory.swap.current"));
	pid = fork();
	CHECK(pid >= 0, "fork: %s", strerror(errno));
	if (!pid)
		outgrow(GROUP_TAKES);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(!status, "the process ended with status 0x%x", status);
	CHECK_OK(read_number(&after, CGROUP "/memory.swap.current"));
	metric_int("group_swapped", after - before);
	CHECK_OK(write_file(CGROUP "/memory.max", "max"));
}

/*
 * After some runs in vain kswapd gives up; a reclaim that finds something while
 * enough memory is free revives it (mm/vmscan.c, kswapd_try_clear_hopeless()).
 */
void pressure_wake_kswapd(void)
{
	size_t size = 256 * KIB;
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED, "mmap: %s", strerror(errno));
	memset(p, 1, size);
	pressure_swap_out(size);
	munmap(p, size);
	CHECK(!kswapd_gave_up(), "kswapd cannot be revived");
}

/*
 * Let kswapd give up, while there is no buffer to evict: the hog takes what is
 * free, down into what wakes kswapd, and nothing can be reclaimed. Then
 * allocations have to reclaim by themselves.
 */
void pressure_tire_kswapd(void)
{
	double deadline = now() + WAIT_S;
	struct watermarks marks;

	/* It does not come back by itself: the test before may have left it so. */
	if (kswapd_gave_up())
		return;
	CHECK_OK(watermarks_read(&marks));
	CHECK_OK(hog_leave_free(marks.low));
	while (!kswapd_gave_up()) {
		CHECK(now() < deadline, "kswapd did not give up in %d s", WAIT_S);
		if (free_memory() > (long long)(marks.min + marks.low) / 2) {
			CHECK_OK(hog_take(64 * KIB));
		} else if (kswapd_sleeps()) {
			/* Only allocations wake it: go down once more. */
			CHECK_OK(hog_release());
			CHECK_OK(hog_leave_free(marks.low));
		} else {
			sleep_ms(2);
		}
	}
	CHECK_OK(hog_release());
	CHECK_OK(hog_leave_free(room()));
}

static void count_shrunk(const char *task, int pid, const char *text, void *data)
{
	const char *ret = strstr(text, "return val ");
	struct shrunk *shrunk = data;
	long long pages = ret ? atoll(ret + strlen("return val ")) : 0;

	if (!strstr(text, SHRINKER) || pages <= 0)
		return;
	/* By the id: the trace does not always know the name. */
	if (is_kswapd(pid))
		shrunk->kswapd += pages;
	else if (pid == hog_pid())
		shrunk->hog += pages;
	else
		shrunk->others += pages;
	(void)task;
}

/* The event comes when the shrinker returns, a little after the eviction is seen. */
struct shrunk pressure_shrunk(void)
{
	double deadline = now() + 10;
	struct shrunk shrunk;

	for (;;) {
		memset(&shrunk, 0, sizeof(shrunk));
		CHECK_OK(trace_read(PRESSURE_EVENT, count_shrunk, &shrunk));
		if (shrunk.kswapd + shrunk.hog + shrunk.others || now() > deadline)
			break;
		sleep_ms(2);
	}
	metric_int("shrunk_by_kswapd", shrunk.kswapd);
	metric_int("shrunk_by_direct", shrunk.hog);
	metric_int("shrunk_by_others", shrunk.others);
	return shrunk;
}

/*
 * A hog takes memory in small steps. Below the low watermark each allocation
 * wakes kswapd, and it is left alone until it is done; above the min watermark
 * no allocation reclaims by itself. kswapd may come to the end of its tries
 * without having called the shrinker, which belongs to the root memory group
 * only: then it starts anew.
 */
void pressure_kswapd(const struct panthor *gpu, const char *label)
{
	double deadline = now() + WAIT_S;
	struct watermarks marks;
	int rounds = 1;

	CHECK_OK(watermarks_read(&marks));
	CHECK_OK(hog_leave_free(marks.low + 128 * KIB));
	while (!is_evicted(gpu, label)) {
		CHECK(now() < deadline, "kswapd did not evict the buffer in %d s, %d rounds",
		      WAIT_S, rounds);
		if (free_memory() > (long long)(marks.min + marks.low) / 2) {
			CHECK_OK(hog_take(128 * KIB));
		} else if (kswapd_sleeps()) {
			rounds++;
			CHECK_OK(hog_release());
			CHECK_OK(hog_leave_free(room()));
			pressure_wake_kswapd();
			CHECK_OK(hog_leave_free(marks.low + 128 * KIB));
		}
		if (free_memory() < (long long)marks.low)
			sleep_ms(2);
	}
	CHECK_OK(hog_release());
	metric_int("rounds", rounds);
}

/* The hog allocates where kswapd has given up: below the min watermark it has to reclaim. */
void pressure_direct(const struct panthor *gpu, const char *label)
{
	struct watermarks marks;

	CHECK_OK(watermarks_read(&marks));
	CHECK_OK(hog_leave_free(marks.min + MIB));
	/* Far more than it takes. */
	CHECK_OK(hog_take_until_evicted(marks.min + EARLY_ROOM, label));
	CHECK(is_evicted(gpu, label), "the hog's allocations did not evict the buffer");
}

/*
 * Make memory just short enough that the trigger decides who reclaims and when:
 * no waking of kswapd to fight fragmentation, and as much free as the target
 * needs.
 */
void pressure_begin(void (*prepare)(void))
{
	CHECK_OK(tunable_set(WATERMARK_BOOST, "0"));
	CHECK_OK(hog_leave_free(room()));
	prepare();
}

static void wait_for_kswapd(void)
{
	double deadline = now() + WAIT_S;

	while (!kswapd_sleeps()) {
		CHECK(now() < deadline, "kswapd is still busy after %d s", WAIT_S);
		sleep_ms(2);
	}
}

void pressure_none(void)
{
	CHECK_OK(tunable_set(WATERMARK_BOOST, "0"));
	CHECK_OK(hog_leave_free(EARLY_ROOM));
	wait_for_kswapd();
}

/* Give memory back, and wait for the reclaim to end: it would go on with the refaulted target. */
void pressure_end(void)
{
	CHECK_OK(hog_leave_free(room()));
	wait_for_kswapd();
}
