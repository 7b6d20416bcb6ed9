// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite reclaim: evictions while the hardware fails, is reset, or is taken away.
 * What the CPU sees of a buffer must be whole whatever becomes of its VM.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver.h"
#include "group.h"
#include "harness.h"
#include "host.h"
#include "reclaim.h"

#define DROP_CACHES	"/proc/sys/vm/drop_caches"

/* --- Commands that do not end --- */

/* All is evicted, and the GPU is reset: the firmware is not evicted, and starts again */
static void test_s26(const void *arg)
{
	struct scene s;
	char *rule, *boot;

	(void)arg;
	scene_open(&s, "B04");
	boot = scene_expect_reset();
	scene_shrink(&s);
	free(inject("reset -> delay time=20ms"));
	rule = inject("as-command as=1..15 command=lock count=1 -> never");
	/* The VM is lost with it: what the call says does not matter */
	vm_map(&s.rig.gpu, s.rig.vms[0].vm, &s.b.bo, 0, rig_other_va(&s.rig, 0), PAGE, 0);
	CHECK_EQ(inject_hits(rule), 1);
	free(rule);
	scene_wait_for_reset(&s, boot);
	scene_check_after_reset(&s);
}

/* A lock that never ends: the pages are not given away, whoever may still use them */
static void test_m5(const void *arg)
{
	struct scene s;
	struct gem gem;
	char *rule, *boot;

	(void)arg;
	scene_open(&s, "B03");
	boot = scene_expect_reset();
	rule = inject("as-command va=0x%llx command=lock count=1 -> never",
		      (unsigned long long)s.b.maps[0].va);
	scene_shrink(&s);
	CHECK_EQ(inject_hits(rule), 1);
	buffer_gem(&s.rig, &s.b, &gem);
	EXPECT_EQ(gem.resident, gem.size);
	EXPECT_EQ(gem.evictions, 0);
	free(rule);
	EXPECT_EQ(buffer_wrong_cpu(&s.rig, &s.b), 0);
	scene_wait_for_reset(&s, boot);
	scene_check_after_reset(&s);
}

/* A flush that is lost: the pages are where they were, or in swap, but whole */
static void test_j3(const void *arg)
{
	struct scene s;
	char *rule, *boot;

	(void)arg;
	scene_open(&s, "B04");
	boot = scene_expect_reset();
	driver_may_keep_translations();
	rule = inject("flush count=1 -> never");
	scene_shrink(&s);
	CHECK_EQ(inject_hits(rule), 1);
	free(rule);
	EXPECT_EQ(buffer_wrong_cpu(&s.rig, &s.b), 0);
	scene_wait_for_reset(&s, boot);
	scene_check_after_reset(&s);
}

/* Whether the GPU still takes an address to memory that is not the buffer's any more */
static bool is_reached(int as, uint64_t va)
{
	struct host_peek peek;

	host_translate(as, va, "read", &peek);
	return !peek.locked && peek.stale && !peek.cached.exception;
}

/*
 * A flush is lost, in the eviction of a buffer that is mapped twice: until the end of the reset,
 * which is slow here, the GPU may reach none of its pages if they were given away.
 */
static void test_j3_next(const void *arg)
{
	char *rule, *boot, *reset;
	bool reached = false;
	struct scene s;
	struct gem gem;
	int as;

	(void)arg;
	scene_open(&s, "B04");
	buffer_bind(&s.rig, &s.b, 0, rig_other_va(&s.rig, 0), 0, s.b.pages, 0);
	EXPECT_EQ(buffer_wrong_gpu(&s.rig, &s.b), 0);
	as = rig_find_as(s.b.maps[0].va);
	CHECK(as > 0, "no address space has the buffer");
	boot = scene_expect_reset();
	driver_may_keep_translations();
	free(inject("mcu-stop -> delay time=90ms"));
	reset = inject("reset -> delay time=95ms");
	rule = inject("flush count=1 -> never");
	scene_shrink(&s);
	buffer_gem(&s.rig, &s.b, &gem);
	for (unsigned int i = 0; i < s.b.nr_maps; i++)
		reached |= is_reached(as, s.b.maps[i].va);
	CHECK_EQ(inject_hits(rule), 1);
	if (reached && !gem.resident)
		test_seen(LOCK_REPLACED, "AS %d reaches pages that were given away", as);
	else if (inject_hits(reset))
		test_skip("the reset came before a look at the device: this machine is too slow");
	free(reset);
	free(rule);
	scene_wait_for_reset(&s, boot);
	scene_check_after_reset(&s);
}

/* A lock that never ends, for a job that needs the buffer: it is refused, the VM is not lost */
static void test_m6(const void *arg)
{
	char *rule, *boot;
	struct scene s;

	(void)arg;
	scene_open(&s, "B07");
	boot = scene_expect_reset();
	rule = inject("as-command va=0x%llx command=lock count=1 -> never",
		      (unsigned long long)s.b.maps[0].va);
	EXPECT(scene_submit_empty(&s, 0) < 0, "a job was accepted whose buffer is not there");
	CHECK_EQ(inject_hits(rule), 1);
	free(rule);
	scene_wait_for_reset(&s, boot);
	rig_new_groups(&s.rig);
	scene_verify(&s);
	scene_close(&s);
}

/* --- Evictions while the GPU is reset --- */

/*
 * VM 1 has the GPU reset, while buffers of VM 0 are evicted over and over. Both VMs
 * may be lost (docs/findings/lock-during-reset.md), but not a page.
 */
static void test_k5(const void *arg)
{
	char *rule, *boot;
	struct scene s;
	int as, scans = 0;

	scene_open(&s, arg);
	/* For VM 1 to have an address space */
	rig_read_pages(&s.rig, 1, s.rig.vms[1].base, 1);
	as = rig_find_as(s.rig.vms[1].base);
	CHECK(as > 0, "VM 1 has no address space");
	boot = scene_expect_reset();
	free(inject("reset -> delay time=80ms"));
	rule = inject("as-command as=%d command=lock count=1 -> never", as);
	vm_map(&s.rig.gpu, s.rig.vms[1].vm, &s.rig.vms[1].copy, 0, rig_other_va(&s.rig, 1), PAGE,
	       0);
	CHECK_EQ(inject_hits(rule), 1);
	free(rule);
	for (double end = now() + RECLAIM_WAIT_S; !inject_hits(boot) && now() < end; scans++) {
		scene_shrink(&s);
		EXPECT_EQ(buffer_wrong_cpu(&s.rig, &s.b), 0);
	}
	metric_int("scans", scans);
	scene_wait_for_reset(&s, boot);
	scene_check_after_reset(&s);
}

/* A reset that takes nearly as long as the driver waits */
static void test_j7(const void *arg)
{
	char *rule, *boot;
	struct scene s;

	(void)arg;
	scene_open(&s, "B04");
	boot = scene_expect_reset();
	free(inject("reset -> delay time=95ms"));
	rule = inject("as-command va=0x%llx command=lock count=1 -> never",
		      (unsigned long long)s.b.maps[0].va);
	scene_shrink(&s);
	CHECK_EQ(inject_hits(rule), 1);
	free(rule);
	scene_shrink(&s);
	scene_wait_for_reset(&s, boot);
	scene_check_after_reset(&s);
}

/* --- Firmware and MMU that fail in the middle of an eviction --- */

/* A page fault is reported for the range that is about to be unmapped: VM 0 is to blame */
static void test_j5(const void *arg)
{
	struct scene s;
	struct gem gem;
	char *rule;
	int as;

	(void)arg;
	test_allow("Unhandled Page fault in AS[0-9]+ at VA|^raw fault status: 0x[0-9A-F]+$");
	test_allow("CS_FATAL|CSG slot [0-9]+ CS slot: [0-9]+");
	scene_open(&s, "B04");
	as = rig_find_as(s.b.maps[0].va);
	CHECK(as > 0, "no address space has the buffer");
	rule = inject("as-command as=%d command=lock count=1 -> as-fault type=0xc3 access=write "
		      "va=0x%llx", as, (unsigned long long)s.b.maps[0].va);
	scene_shrink(&s);
	CHECK_EQ(inject_hits(rule), 1);
	free(rule);
	buffer_gem(&s.rig, &s.b, &gem);
	EXPECT_EQ(gem.evictions, 1);
	EXPECT_EQ(buffer_wrong_cpu(&s.rig, &s.b), 0);
	/* The other VM has nothing to do with it */
	buffer_bind(&s.rig, &s.b, 1, rig_va(&s.rig, 1), 0, s.b.pages, 0);
	s.b.maps[0] = s.b.maps[1];
	s.b.nr_maps = 1;
	scene_verify(&s);
	scene_close(&s);
}

/* The firmware falls silent: nobody asks it for an eviction; the next job finds out */
static void test_j6(const void *arg)
{
	struct scene s;
	struct gem gem;
	char *rule, *boot;

	(void)arg;
	test_allow("job timeout|CSG [0-9]+ update request timedout|FW ping timeout");
	test_allow("CSG suspend failed, escalating to termination|Timed out waiting for MCU");
	scene_open(&s, "B04");
	boot = scene_expect_reset();
	rule = inject("as-command va=0x%llx command=lock count=1 -> mcu-hang",
		      (unsigned long long)s.b.maps[0].va);
	scene_shrink(&s);
	CHECK_EQ(inject_hits(rule), 1);
	free(rule);
	buffer_gem(&s.rig, &s.b, &gem);
	EXPECT_EQ(gem.evictions, 1);
	EXPECT_EQ(gem.resident, 0);
	buffer_check_unreachable(&s.b);
	CHECK_OK(scene_submit_empty(&s, 0));
	scene_wait_for_reset(&s, boot);
	scene_check_after_reset(&s);
}

/* --- The end of the device --- */

static pid_t start_scanner(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0, "fork: %s", strerror(errno));
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		write_file(DROP_CACHES, "2");
}

/* With the device go its ioctls, and not what is in the buffers that are mapped */
static void check_without_device(struct scene *s)
{
	EXPECT_ERRNO(panthor_vm_create(&s->rig.gpu), ENODEV);
	EXPECT_EQ(buffer_wrong_cpu(&s->rig, &s->b), 0);
	buffer_unmap_cpu(&s->b);
	panthor_close(&s->rig.gpu);
}

/* It is pulled out while reclaim looks at its buffers */
static void test_k11(const void *arg)
{
	struct scene s;
	pid_t scanner;

	/* L2 goes before the address spaces, and the shrinker after them. */
	driver_may_lock_in_reset();
	scene_open(&s, arg);
	buffer_map_cpu(&s.rig, &s.b);
	scanner = start_scanner();
	CHECK_OK(driver_unbind());
	CHECK_EQ(kill(scanner, SIGKILL), 0);
	CHECK_EQ(waitpid(scanner, NULL, 0), scanner);
	check_without_device(&s);
	CHECK_OK(driver_bind());
	scene_open(&s, arg);
	scene_verify(&s);
	scene_close(&s);
}

/* A reset that fails: the driver gives the device up, and its buffers are still whole */
static void test_j7_never(const void *arg)
{
	double deadline = now() + RECLAIM_WAIT_S;
	struct scene s;
	char *rules[2];

	(void)arg;
	driver_may_lock_in_reset();
	test_allow("AS_ACTIVE bit stuck|Flush caches timeout|Soft reset timeout");
	test_allow("FW slow reset failed|Failed to boot MCU|Failed to stop MCU");
	test_allow("panthor_mmu_as_disable\\(ptdev, i, false\\)|panthor_mmu_unplug\\+");
	scene_open(&s, "B04");
	buffer_map_cpu(&s.rig, &s.b);
	rules[0] = inject("reset -> never");
	rules[1] = inject("as-command va=0x%llx command=lock count=1 -> never",
			  (unsigned long long)s.b.maps[0].va);
	scene_shrink(&s);
	while (panthor_vm_create(&s.rig.gpu) != -ENODEV) {
		CHECK(now() < deadline, "the driver does not give up");
		sleep_ms(10);
	}
	check_without_device(&s);
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		inject_remove(rules[i]);
		free(rules[i]);
	}
	CHECK_OK(driver_renew());
	scene_open(&s, "B04");
	scene_verify(&s);
	scene_close(&s);
}

#define DEBUGFS	"/sys/kernel/debug/dri/%s"

/* The shrinker is gone, and with it what a client could reach it by */
static void test_k11_debugfs(const void *arg)
{
	struct scene s;

	(void)arg;
	scene_open(&s, "B01");
	buffer_map_cpu(&s.rig, &s.b);
	EXPECT(path_exists(DEBUGFS "/shrink", s.rig.gpu.device), "debugfs has no shrink");
	CHECK_OK(driver_unbind());
	EXPECT(!path_exists(DEBUGFS, s.rig.gpu.device), "debugfs still has the device");
	check_without_device(&s);
	CHECK_OK(driver_bind());
	scene_open(&s, "B01");
	scene_verify(&s);
	scene_close(&s);
}

/* --- Mistakes that the suite has to see --- */

/*
 * The suite sees an eviction that the TLB does not hear of: the hardware drops
 * nothing, and what the GPU reaches is no more what the tables say.
 */
static void test_stale(const void *arg)
{
	struct host_peek peek;
	struct scene s;
	char *rule;
	int as;

	(void)arg;
	scene_open(&s, "B04");
	as = rig_find_as(s.b.maps[0].va);
	CHECK(as > 0, "no address space has the buffer");
	if (host_checks())
		test_finding("edit-unlocked");
	rule = inject("as-command as=%d -> stale", as);
	scene_shrink(&s);
	host_translate(as, s.b.maps[0].va, "read", &peek);
	EXPECT(peek.fresh.exception, "the page tables still map the buffer");
	EXPECT_EQ(peek.cached.exception, 0);
	EXPECT_EQ(peek.stale, 1);
	inject_remove(rule);
	free(rule);
	/* What is stale goes before another test finds it. */
	scene_close(&s);
}

/*
 * What the GPU wrote last is in its caches when the pages go, of a GPU that is not
 * coherent: an eviction cleans them. If the hardware does not, the page that goes to
 * swap is an old one, and the suite sees it.
 */
static void test_in_caches(const void *arg)
{
	const bool *lost = arg;
	struct scene s;

	if (!host_property("writeback"))
		test_skip("the GPU's caches keep nothing: run with --device-opt coherent=off "
			  "--device-opt writeback=on");
	scene_open(&s, "B03");
	/* As if it were: the job leaves what it writes in the caches, memory has something else. */
	s.rig.coherent = true;
	buffer_map_cpu(&s.rig, &s.b);
	memset(s.b.map, 0, s.b.bo.size);
	buffer_fill_gpu(&s.rig, &s.b);
	if (*lost) {
		free(inject("flush -> lose"));
		free(inject("as-command command=flush-mem optional -> lose"));
		free(inject("as-command command=flush-pt optional -> lose"));
	}
	scene_shrink(&s);
	if (*lost) {
		EXPECT(buffer_wrong_cpu(&s.rig, &s.b), "all that the GPU wrote is there");
	} else {
		EXPECT_EQ(buffer_wrong_cpu(&s.rig, &s.b), 0);
		scene_close(&s);
	}
}

static const bool cleans = false, loses = true;

static const struct test tests[] = {
	{ "directed.S26", "all evicted, then a reset that takes its time", test_s26, NULL, 0 },
	{ "directed.M5", "a lock that never ends, in an eviction", test_m5, NULL, 0 },
	{ "directed.M6", "a lock that never ends, for a job that needs the buffer", test_m6, NULL,
	  0 },
	{ "directed.J3", "a flush is lost, in an eviction", test_j3, NULL, 0 },
	{ "directed.J3-next", "a flush is lost, and another mapping is next", test_j3_next, NULL,
	  0 },
	{ "directed.J5", "a page fault for no reason, in an eviction", test_j5, NULL, 0 },
	{ "directed.J6", "the firmware falls silent, in an eviction", test_j6, NULL, 0 },
	{ "directed.J7-slow", "a slow reset, in an eviction", test_j7, NULL, 0 },
	{ "directed.K5-B01", "evicted during a reset: unused", test_k5, "B01", 0 },
	{ "directed.K5-B02", "evicted during a reset: mapped by the CPU", test_k5, "B02", 0 },
	{ "directed.K5-B03", "evicted during a reset: private to a VM", test_k5, "B03", 0 },
	{ "directed.K5-B05", "evicted during a reset: in two VMs", test_k5, "B05", 0 },
	{ "directed.K11-B01", "the device is pulled out: unused", test_k11, "B01", 0 },
	{ "directed.K11-B05", "the device is pulled out: in two VMs", test_k11, "B05", 0 },
	{ "directed.K11-B07", "the device is pulled out: evicted", test_k11, "B07", 0 },
	{ "directed.K11-shrink", "debugfs shrink when the device is pulled out",
	  test_k11_debugfs, NULL, 0 },
	{ "directed.stale", "the suite sees a TLB that drops nothing", test_stale, NULL, 0 },
	{ "directed.cleaned", "what is in the GPU's caches goes to swap", test_in_caches, &cleans,
	  0 },
	{ "directed.unflushed", "the suite sees caches that are not cleaned", test_in_caches,
	  &loses, 0 },
	/* The last one: if it fails there is no device any more */
	{ "directed.J7-never", "a reset that fails, in an eviction", test_j7_never, NULL, 0 },
};

const struct test_table hard_tests = { tests, ARRAY_SIZE(tests) };
