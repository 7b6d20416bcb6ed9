// SPDX-License-Identifier: GPL-2.0-or-later

#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "harness.h"

#define DEBUGFS		"/sys/kernel/debug/"
#define PT_CACHE	"/sys/kernel/slab/panthor-mmu-pt/failslab"
#define NTH		"/proc/thread-self/fail-nth"
#define THIS_TASK	"/proc/thread-self/make-it-fail"

static const struct {
	const char *name, *option;
} kinds[] = {
	[FAIL_PAGES] = { "fail_page_alloc", "CONFIG_FAIL_PAGE_ALLOC" },
	[FAIL_SLAB] = { "failslab", "CONFIG_FAILSLAB" },
	[FAIL_PAGE_TABLES] = { "failslab", "CONFIG_FAILSLAB" },
};

/*
 * What also counts to fail-nth, without a message (mm/mempool.c): swapping takes from a pool for
 * each page, so that what a test is about would be one failure in hundreds.
 */
static const char * const others[] = { "fail_mempool_alloc", "fail_mempool_alloc_bulk" };

static void set_of(const char *name, const char *file, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), DEBUGFS "%s/%s", name, file);
	CHECK_OK(tunable_set(path, "%s", value));
}

static void set(enum fail_kind kind, const char *file, const char *value)
{
	set_of(kinds[kind].name, file, value);
}

/* They fail in no function at all. */
static void leave_out_others(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (!path_exists(DEBUGFS "%s", others[i]))
			continue;
		set_of(others[i], "require-start", "0x1");
		set_of(others[i], "require-end", "0x1");
	}
}

/* Where the driver's module lies: false if it is built in */
static bool module_range(unsigned long long *start, unsigned long long *end)
{
	FILE *f = fopen("/proc/modules", "r");
	unsigned long long size;
	char line[512];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "panthor %llu %*s %*s %*s %llx", &size, start) == 2;
	if (f)
		fclose(f);
	*end = *start + size;
	return found;
}

void fail_set_up(enum fail_kind kind)
{
	unsigned long long start, end;
	char text[32];

	if (!path_exists(DEBUGFS "%s/require-start", kinds[kind].name) || !path_exists(NTH))
		test_skip("the kernel lacks %s, CONFIG_FAULT_INJECTION_DEBUG_FS or "
			  "CONFIG_FAULT_INJECTION_STACKTRACE_FILTER", kinds[kind].option);
	if (!module_range(&start, &end))
		test_skip("the driver is built in: its functions cannot be told from others "
			  "(CONFIG_DRM_PANTHOR=m)");
	leave_out_others();
	snprintf(text, sizeof(text), "0x%llx", start);
	set(kind, "require-start", text);
	snprintf(text, sizeof(text), "0x%llx", end);
	set(kind, "require-end", text);
	set(kind, "stacktrace-depth", "32");
	set(kind, "verbose", "0");
	/* What the driver allocates may sleep, and its pages may be anywhere */
	set(kind, "ignore-gfp-wait", "N");
	if (kind == FAIL_PAGES) {
		set(kind, "ignore-gfp-highmem", "N");
		set(kind, "min-order", "0");
	}
	if (kind == FAIL_PAGE_TABLES) {
		if (!path_exists(PT_CACHE))
			test_skip("there is no " PT_CACHE " (CONFIG_SLUB_DEBUG, and no "
				  "CONFIG_SLAB_MERGE_DEFAULT)");
		set(kind, "cache-filter", "Y");
		CHECK_OK(tunable_set(PT_CACHE, "1"));
	}
}

void fail_nth(unsigned int n)
{
	CHECK_OK(write_file(NTH, "%u", n));
}

bool fail_end(void)
{
	long long left;

	CHECK_OK(read_number(&left, NTH));
	CHECK_OK(write_file(NTH, "0"));
	return !left;
}

void fail_all(enum fail_kind kind)
{
	set(kind, "task-filter", "Y");
	set(kind, "times", "-1");
	set(kind, "probability", "100");
	CHECK_OK(write_file(THIS_TASK, "1"));
}

void fail_none(void)
{
	CHECK_OK(write_file(THIS_TASK, "0"));
}
