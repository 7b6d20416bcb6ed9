// SPDX-License-Identifier: GPL-2.0-or-later
/* Suite probe: the GPU's clocks, as DEV_QUERY TIMESTAMP_INFO reads them. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "harness.h"
#include "panthor.h"
#include "probe.h"

typedef struct drm_panthor_timestamp_info timestamp_info;

/* The CPU's counter and its frequency, which user space may read on arm64. */
#ifdef __aarch64__
static uint64_t cpu_counter(void)
{
	uint64_t value;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r" (value) : : "memory");
	return value;
}

static uint64_t cpu_frequency(void)
{
	uint64_t value;

	__asm__ volatile("mrs %0, cntfrq_el0" : "=r" (value));
	return value;
}
#else
/* Elsewhere the program only lists its tests. */
static uint64_t cpu_counter(void)
{
	return 0;
}

static uint64_t cpu_frequency(void)
{
	return 0;
}
#endif

static int query(const struct panthor *gpu, uint32_t flags, timestamp_info *info)
{
	memset(info, 0, sizeof(*info));
	info->flags = flags;
	return panthor_query(gpu, DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO, info, sizeof(*info));
}

/*
 * The timestamp runs at the rate of the CPU's counter exactly when their
 * difference is the same at all times. Each reading lies between two of the
 * CPU's, so each tells an interval in which the difference is: one number must
 * be in all of them, however long a reading took.
 */
static void check_rate(const struct panthor *gpu)
{
	int64_t low = INT64_MIN, high = INT64_MAX;
	uint64_t last = 0, first = 0;
	timestamp_info info;
	int i;

	for (i = 0; i < 20; i++) {
		uint64_t before, after;

		before = cpu_counter();
		CHECK_OK(query(gpu, DRM_PANTHOR_TIMESTAMP_GPU, &info));
		after = cpu_counter();
		EXPECT(info.current_timestamp > last, "timestamp went from %llu to %llu",
		       (unsigned long long)last, (unsigned long long)info.current_timestamp);
		last = info.current_timestamp;
		first = first ?: last;
		if ((int64_t)(last - after) > low)
			low = last - after;
		if ((int64_t)(last - before) < high)
			high = last - before;
		sleep_ms(10);
	}
	metric_int("timestamp_ticks", last - first);
	metric_int("offset_low", low);
	metric_int("offset_high", high);
	EXPECT(low <= high,
	       "timestamp - CNTVCT is at least %lld in one reading, at most %lld in another",
	       (long long)low, (long long)high);
}

static void check_cycles(const struct panthor *gpu)
{
	timestamp_info a, b;

	CHECK_OK(query(gpu, DRM_PANTHOR_TIMESTAMP_GPU_CYCLE_COUNT, &a));
	sleep_ms(10);
	CHECK_OK(query(gpu, DRM_PANTHOR_TIMESTAMP_GPU_CYCLE_COUNT, &b));
	EXPECT(b.cycle_count > a.cycle_count, "the cycle counter went from %llu to %llu",
	       (unsigned long long)a.cycle_count, (unsigned long long)b.cycle_count);
	metric_int("cycles_in_10ms", b.cycle_count - a.cycle_count);
}

/* The CPU's time in the answer lies between two readings of the same clock here. */
static void check_cpu_time(const struct panthor *gpu, uint32_t flag, clockid_t clock)
{
	struct timespec before, after;
	timestamp_info info;
	long long t0, t, t1;

	clock_gettime(clock, &before);
	CHECK_OK(query(gpu, flag, &info));
	clock_gettime(clock, &after);
	t0 = before.tv_sec * 1000000000ll + before.tv_nsec;
	t = (long long)info.cpu_timestamp_sec * 1000000000ll + (long long)info.cpu_timestamp_nsec;
	t1 = after.tv_sec * 1000000000ll + after.tv_nsec;
	EXPECT(t0 <= t && t <= t1, "clock %d: %lld is not in %lld..%lld", (int)clock, t, t0, t1);
}

/* A flag fills the fields it stands for and leaves the others 0. */
static void check_flags(const struct panthor *gpu)
{
	static const struct {
		uint32_t flags;
		bool timestamp, frequency, cycles, cpu, duration;
	} rows[] = {
		{ DRM_PANTHOR_TIMESTAMP_GPU, true, false, false, false, false },
		{ DRM_PANTHOR_TIMESTAMP_FREQ, false, true, false, false, false },
		{ DRM_PANTHOR_TIMESTAMP_GPU_OFFSET, false, false, false, false, false },
		{ DRM_PANTHOR_TIMESTAMP_GPU_CYCLE_COUNT, false, false, true, false, false },
		{ DRM_PANTHOR_TIMESTAMP_CPU_MONOTONIC, false, false, false, true, false },
		{ DRM_PANTHOR_TIMESTAMP_CPU_MONOTONIC_RAW, false, false, false, true, false },
		{ DRM_PANTHOR_TIMESTAMP_GPU | DRM_PANTHOR_TIMESTAMP_DURATION,
		  true, false, false, false, true },
		{ DRM_PANTHOR_TIMESTAMP_GPU | DRM_PANTHOR_TIMESTAMP_CPU_MONOTONIC |
		  DRM_PANTHOR_TIMESTAMP_GPU_CYCLE_COUNT | DRM_PANTHOR_TIMESTAMP_FREQ,
		  true, true, true, true, false },
		/* What user space asked for before there were flags. */
		{ 0, true, true, false, false, false },
	};
	timestamp_info info;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		test_log("flags 0x%x", rows[i].flags);
		CHECK_OK(query(gpu, rows[i].flags, &info));
		EXPECT_EQ(info.current_timestamp != 0, rows[i].timestamp);
		EXPECT_EQ(info.timestamp_frequency != 0, rows[i].frequency);
		EXPECT_EQ(info.cycle_count != 0, rows[i].cycles);
		EXPECT_EQ(info.cpu_timestamp_sec || info.cpu_timestamp_nsec, rows[i].cpu);
		EXPECT_EQ(info.duration_nsec != 0, rows[i].duration);
		EXPECT_EQ(info.timestamp_offset, 0);
	}
	EXPECT_ERRNO(query(gpu, 3 << 1, &info), EINVAL);
	EXPECT_ERRNO(query(gpu, 1u << 31, &info), EINVAL);
}

void test_timestamps(const void *arg)
{
	struct panthor gpu;
	timestamp_info info;
	char control[192];

	(void)arg;
	open_gpu(&gpu);
	/* Awake, so that no resume lies between two readings. */
	snprintf(control, sizeof(control), "%s/power/control", gpu.sysfs);
	CHECK_OK(tunable_set(control, "on"));

	CHECK_OK(query(&gpu, DRM_PANTHOR_TIMESTAMP_FREQ, &info));
	EXPECT_EQ(info.timestamp_frequency, cpu_frequency());
	metric_int("frequency", info.timestamp_frequency);
	check_rate(&gpu);
	check_cycles(&gpu);
	check_cpu_time(&gpu, DRM_PANTHOR_TIMESTAMP_CPU_MONOTONIC, CLOCK_MONOTONIC);
	check_cpu_time(&gpu, DRM_PANTHOR_TIMESTAMP_CPU_MONOTONIC_RAW, CLOCK_MONOTONIC_RAW);
	check_flags(&gpu);
	panthor_close(&gpu);
}
