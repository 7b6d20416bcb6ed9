// SPDX-License-Identifier: GPL-2.0-or-later
/* Suite probe: the GPU going down and up again: suspend, unbind, module unload. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"
#include "klog.h"
#include "modules.h"
#include "need.h"
#include "panthor.h"
#include "probe.h"
#include "trace.h"

#define SUSPEND_CYCLES 100
#define REBIND_CYCLES 20
#define AWAKE_SECONDS 30

/* The driver pings the firmware every 12 s (panthor_fw.c, PING_INTERVAL_MS). */
#define PING_SECONDS 12

/* Far longer than the driver's 50 ms of autosuspend delay: a slow host is no failure. */
#define SUSPEND_WAIT_S patience(20)

#define JOB_IRQ_EVENT "panthor/gpu_job_irq"
#define POWER_EVENT "panthor/gpu_power_status"

/* Bit 31 of a job interrupt: the firmware's global interface. */
#define JOB_IRQ_GLOBAL 0x80000000u

static void set_power_control(const struct panthor *gpu, const char *value)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/power/control", gpu->sysfs);
	CHECK_OK(tunable_set(path, "%s", value));
}

static bool status_is(const struct panthor *gpu, const char *wanted)
{
	char status[32];

	CHECK_OK(panthor_power_read(gpu, "runtime_status", status, sizeof(status)));
	return !strcmp(status, wanted);
}

static void wait_suspended(const struct panthor *gpu)
{
	double deadline = now() + SUSPEND_WAIT_S;

	while (!status_is(gpu, "suspended")) {
		CHECK(now() < deadline, "not suspended after %d s", SUSPEND_WAIT_S);
		sleep_ms(2);
	}
}

/* Read a register that is only there when the GPU is powered. */
static uint64_t read_timestamp(const struct panthor *gpu)
{
	struct drm_panthor_timestamp_info info = { .flags = DRM_PANTHOR_TIMESTAMP_GPU };

	need_version(gpu, 1, "TIMESTAMP_INFO query");
	CHECK_OK(panthor_query(gpu, DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO, &info, sizeof(info)));
	return info.current_timestamp;
}

static void count_global(const char *task, int pid, const char *text, void *data)
{
	const char *events = strstr(text, "events=");

	(void)task;
	(void)pid;
	if (events && strtoul(events + 7, NULL, 0) & JOB_IRQ_GLOBAL)
		++*(int *)data;
}

static int count_firmware_events(void)
{
	int count = 0;

	CHECK_OK(trace_read(JOB_IRQ_EVENT, count_global, &count));
	return count;
}

/* Nothing the driver says while a test goes on may be a warning or worse. */
static void expect_quiet(struct klog *log)
{
	struct klog_record record;

	while (klog_read(log, &record))
		if (klog_is_panthor(&record))
			EXPECT(record.level > 4, "level %d: %s", record.level, record.text);
	klog_close(log);
}

/* Older kernels lack the event: what it would show is then not looked at. */
static bool start_counting(void)
{
	int ret = trace_start(JOB_IRQ_EVENT);

	if (ret == -ENOENT) {
		test_log("%s is not known to this kernel: firmware events are not counted",
			 JOB_IRQ_EVENT);
		return false;
	}
	CHECK_OK(ret);
	return true;
}

static long long power_time(const struct panthor *gpu, const char *name)
{
	char value[32];

	CHECK_OK(panthor_power_read(gpu, name, value, sizeof(value)));
	return strtoll(value, NULL, 10);
}

void test_suspend(const void *arg)
{
	long long active, suspended;
	struct panthor gpu;
	struct klog log;
	uint64_t last = 0, timestamp;
	bool counting;
	int i, events;

	(void)arg;
	open_gpu(&gpu);
	set_power_control(&gpu, "auto");
	wait_suspended(&gpu);
	CHECK_OK(klog_open(&log, true));
	counting = start_counting();
	active = power_time(&gpu, "runtime_active_time");
	suspended = power_time(&gpu, "runtime_suspended_time");
	for (i = 0; i < SUSPEND_CYCLES; i++) {
		timestamp = read_timestamp(&gpu);
		CHECK(timestamp > last, "cycle %d: timestamp went from %llu to %llu", i,
		      (unsigned long long)last, (unsigned long long)timestamp);
		last = timestamp;
		wait_suspended(&gpu);
	}
	active = power_time(&gpu, "runtime_active_time") - active;
	suspended = power_time(&gpu, "runtime_suspended_time") - suspended;
	/* Each resume boots the firmware and configures it: at least one event of it. */
	if (counting) {
		events = count_firmware_events();
		EXPECT(events >= SUSPEND_CYCLES, "%d firmware events in %d resumes", events,
		       SUSPEND_CYCLES);
		metric_int("firmware_events", events);
	}
	EXPECT(active > 0, "runtime_active_time did not grow");
	EXPECT(suspended > 0, "runtime_suspended_time did not grow");
	metric_int("cycles", SUSPEND_CYCLES);
	metric_int("active_ms", active);
	metric_int("suspended_ms", suspended);
	expect_quiet(&log);
	panthor_close(&gpu);
}

void test_awake(const void *arg)
{
	struct panthor gpu;
	struct klog log;
	bool counting;
	int i, pings;

	(void)arg;
	open_gpu(&gpu);
	set_power_control(&gpu, "on");
	read_timestamp(&gpu);
	CHECK_OK(klog_open(&log, true));
	counting = start_counting();
	for (i = 0; i < AWAKE_SECONDS; i++) {
		sleep_ms(1000);
		EXPECT(status_is(&gpu, "active"), "not active after %d s", i + 1);
	}
	/* Nothing else asks the firmware for anything now: its events are answers to pings. */
	if (counting) {
		pings = count_firmware_events();
		EXPECT(pings >= AWAKE_SECONDS / PING_SECONDS, "%d pings answered in %d s", pings,
		       AWAKE_SECONDS);
		metric_int("pings", pings);
	}
	read_timestamp(&gpu);
	expect_quiet(&log);
	panthor_close(&gpu);
}

/* --- What the driver tells of power --- */

struct power_seen {
	struct drm_panthor_gpu_info info;
	unsigned int on;		/* events with the L2 cache on */
};

static void check_power(const char *task, int pid, const char *text, void *data)
{
	unsigned long long shader, tiler, l2;
	struct power_seen *seen = data;
	const char *at = strstr(text, "shader_bitmap=");

	(void)task;
	(void)pid;
	CHECK(at && sscanf(at, "shader_bitmap=%llx tiler_bitmap=%llx l2_bitmap=%llx", &shader,
			   &tiler, &l2) == 3, "an event of power: %s", text);
	EXPECT(!(shader & ~seen->info.shader_present), "shader cores 0x%llx of 0x%llx", shader,
	       (unsigned long long)seen->info.shader_present);
	EXPECT(!(tiler & ~seen->info.tiler_present), "tilers 0x%llx of 0x%llx", tiler,
	       (unsigned long long)seen->info.tiler_present);
	EXPECT(!(l2 & ~seen->info.l2_present), "L2 caches 0x%llx of 0x%llx", l2,
	       (unsigned long long)seen->info.l2_present);
	/* Nothing else is on without it */
	EXPECT(l2 || !(shader | tiler), "no L2 cache, shader cores 0x%llx, tilers 0x%llx", shader,
	       tiler);
	seen->on += l2 != 0;
}

/* Interrupts of the GPU's line, of all CPUs */
static unsigned long long gpu_interrupts(void)
{
	unsigned long long sum = 0;
	char *text = read_all("/proc/interrupts"), *line, *save, *p, *end;

	CHECK(text, "/proc/interrupts: %m");
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!strstr(line, "panthor-gpu"))
			continue;
		p = strchr(line, ':');
		for (p = p ? p + 1 : line; ; p = end) {
			unsigned long long n = strtoull(p, &end, 10);

			if (end == p || *end != ' ')
				break;
			sum += n;
		}
	}
	free(text);
	return sum;
}

static unsigned long long power_cycles(const struct panthor *gpu, unsigned int cycles)
{
	unsigned long long before = gpu_interrupts();

	for (unsigned int i = 0; i < cycles; i++) {
		read_timestamp(gpu);
		wait_suspended(gpu);
	}
	return gpu_interrupts() - before;
}

/*
 * The interrupts of power changes are wanted only while somebody looks: each resume has
 * the L2 cache powered on, and tells of it then.
 */
void test_power_events(const void *arg)
{
	enum { CYCLES = 10 };
	static const char enable[] = "/sys/kernel/tracing/events/" POWER_EVENT "/enable";
	struct power_seen seen = { 0 };
	unsigned long long with, without, events;
	struct panthor gpu;
	struct klog log;
	int ret;

	(void)arg;
	open_gpu(&gpu);
	CHECK_OK(klog_open(&log, true));
	CHECK_OK(panthor_query(&gpu, DRM_PANTHOR_DEV_QUERY_GPU_INFO, &seen.info,
			       sizeof(seen.info)));
	set_power_control(&gpu, "auto");
	wait_suspended(&gpu);
	ret = trace_start(POWER_EVENT);
	if (ret == -ENOENT)
		test_skip("%s is not known to this kernel", POWER_EVENT);
	CHECK_OK(ret);
	wait_suspended(&gpu);
	CHECK_OK(trace_empty());
	with = power_cycles(&gpu, CYCLES);
	events = CHECK_OK(trace_read(POWER_EVENT, check_power, &seen));
	EXPECT(seen.on >= CYCLES, "%u of %llu events have the L2 cache on, in %u resumes", seen.on,
	       events, CYCLES);

	CHECK_OK(tunable_set(enable, "0"));
	wait_suspended(&gpu);
	CHECK_OK(trace_empty());
	without = power_cycles(&gpu, CYCLES);
	EXPECT_EQ(trace_read(POWER_EVENT, NULL, NULL), 0);
	EXPECT(with >= without + CYCLES, "%llu interrupts with the event, %llu without", with,
	       without);
	metric_int("events", events);
	metric_int("interrupts_with", with);
	metric_int("interrupts_without", without);
	expect_quiet(&log);
	panthor_close(&gpu);
}

/*
 * The page user space maps: the register while the GPU is powered, and a page
 * of the driver's that holds 1 while it is not (panthor_device.c,
 * panthor_mmio_vm_fault()). The driver flushes the caches on its way down, so
 * the register is another number after each cycle.
 */
void test_flush_id(const void *arg)
{
	size_t page = sysconf(_SC_PAGESIZE);
	volatile uint32_t *map;
	uint32_t id[3], last = 0;
	struct panthor gpu;
	size_t i;

	(void)arg;
	open_gpu(&gpu);
	map = mmap(NULL, page, PROT_READ, MAP_SHARED, gpu.fd,
		   DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET);
	CHECK(map != MAP_FAILED, "mmap: %s", strerror(errno));
	for (i = 0; i < ARRAY_SIZE(id); i++) {
		set_power_control(&gpu, "auto");
		wait_suspended(&gpu);
		EXPECT_EQ(*map, 1);
		set_power_control(&gpu, "on");
		CHECK(status_is(&gpu, "active"), "power/control=on did not resume it");
		id[i] = *map;
		EXPECT(!(id[i] & 0x7f000000), "bits 30:24 of 0x%x are not 0", id[i]);
		EXPECT(id[i] != last, "still 0x%x after a suspend's cache flushes", id[i]);
		last = id[i];
	}
	metric_int("flush_id", last);
	munmap((void *)map, page);

	/* The page is one, and to be read only. */
	EXPECT(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, gpu.fd,
		    DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET) == MAP_FAILED && errno == EINVAL,
	       "a writable mapping was allowed");
	EXPECT(mmap(NULL, 2 * page, PROT_READ, MAP_SHARED, gpu.fd,
		    DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET) == MAP_FAILED && errno == EINVAL,
	       "a mapping of two pages was allowed");
	EXPECT(mmap(NULL, page, PROT_READ, MAP_PRIVATE, gpu.fd,
		    DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET) == MAP_FAILED && errno == EINVAL,
	       "a private mapping was allowed");
	panthor_close(&gpu);
}

/* The driver is there and answers. */
static void check_works(void)
{
	struct drm_panthor_gpu_info info = { 0 };
	struct panthor gpu;

	open_gpu(&gpu);
	CHECK_OK(panthor_query(&gpu, DRM_PANTHOR_DEV_QUERY_GPU_INFO, &info, sizeof(info)));
	CHECK(info.gpu_id, "gpu_id is 0");
	read_timestamp(&gpu);
	panthor_close(&gpu);
}

void test_rebind(const void *arg)
{
	double start, seconds, longest = 0;
	struct panthor gpu;
	struct klog log;
	int i;

	(void)arg;
	CHECK_OK(panthor_find(&gpu));
	CHECK_OK(klog_open(&log, true));
	for (i = 0; i < REBIND_CYCLES; i++) {
		CHECK_OK(write_file(PANTHOR_DRIVER_DIR "/unbind", "%s", gpu.device));
		CHECK(!path_exists("%s", gpu.render), "cycle %d: %s is still there", i, gpu.render);
		start = now();
		CHECK_OK(write_file(PANTHOR_DRIVER_DIR "/bind", "%s", gpu.device));
		seconds = now() - start;
		if (seconds > longest)
			longest = seconds;
		check_works();
	}
	metric_int("cycles", REBIND_CYCLES);
	metric_double("longest_probe_ms", longest * 1e3);
	expect_quiet(&log);
}

void test_reload(const void *arg)
{
	struct panthor gpu;
	struct klog log;

	(void)arg;
	if (!module_is_file("panthor"))
		test_skip("panthor is built into this kernel");
	CHECK_OK(panthor_find(&gpu));
	CHECK_OK(klog_open(&log, true));
	CHECK_OK(module_unload("panthor"));
	CHECK(!path_exists("/sys/module/panthor"), "the module is still there");
	CHECK(!path_exists("%s", gpu.render), "%s is still there", gpu.render);
	CHECK_OK(module_load("panthor"));
	check_works();
	expect_quiet(&log);
}
