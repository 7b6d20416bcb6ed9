// SPDX-License-Identifier: GPL-2.0-or-later

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "fail.h"
#include "harness.h"

#define DEBUGFS		"/sys/kernel/debug/"
#define PT_CACHE	"/sys/kernel/slab/panthor-mmu-pt/failslab"
#define NTH		"/proc/thread-self/fail-nth"
#define THIS_TASK	"/proc/thread-self/make-it-fail"
/* As far up as the filter goes (lib/fault-inject.c, MAX_STACK_TRACE_DEPTH) */
#define DEPTH		"32"
/* kernel/dma/debug.c: once it gets no memory, it checks nothing any more */
#define DMA_CHECK	"add_dma_entry"

#define BIT(n)		(1u << (n))

/* All that counts to fail-nth, and the kinds that it is of */
static const struct attr {
	const char *name;
	unsigned int kinds;
	const char *option;
} attrs[] = {
	{ "failslab", BIT(FAIL_SLAB) | BIT(FAIL_PAGE_TABLES) | BIT(FAIL_BOTH),
	  "CONFIG_FAILSLAB" },
	{ "fail_page_alloc", BIT(FAIL_PAGES) | BIT(FAIL_BOTH), "CONFIG_FAIL_PAGE_ALLOC" },
	/*
	 * mm/mempool.c: swapping takes from a pool for each page, so that what a test is
	 * about would be one failure in hundreds.
	 */
	{ "fail_mempool_alloc", 0, NULL },
	{ "fail_mempool_alloc_bulk", 0, NULL },
};

/* What each attribute of a kind is set to; not all have all of it */
static const struct {
	const char *file, *value;
} settings[] = {
	{ "stacktrace-depth", DEPTH },
	{ "verbose", "0" },
	/* What the driver allocates may sleep, and its pages may be anywhere. */
	{ "ignore-gfp-wait", "N" },
	{ "ignore-gfp-highmem", "N" },
	{ "min-order", "0" },
	/* For those that say so, however often: fail_all() */
	{ "times", "-1" },
};

struct range {
	unsigned long long start, end;
};

/* In no function at all */
static const struct range nowhere = { 1, 1 };

static enum fail_kind chosen;

static void set(const struct attr *attr, const char *file, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), DEBUGFS "%s/%s", attr->name, file);
	if (path_exists("%s", path))
		CHECK_OK(tunable_set(path, "%s", value));
}

/* To what leads there: what = "require" or "reject" */
static void set_range(const struct attr *attr, const char *what, const struct range *r)
{
	char file[32], value[32];

	snprintf(file, sizeof(file), "%s-start", what);
	snprintf(value, sizeof(value), "0x%llx", r->start);
	set(attr, file, value);
	snprintf(file, sizeof(file), "%s-end", what);
	snprintf(value, sizeof(value), "0x%llx", r->end);
	set(attr, file, value);
}

/* Where the driver's module lies: false if it is built in */
static bool find_module(struct range *found)
{
	FILE *f = fopen("/proc/modules", "r");
	unsigned long long size;
	char line[512];
	bool is = false;

	while (f && !is && fgets(line, sizeof(line), f))
		is = sscanf(line, "panthor %llu %*s %*s %*s %llx", &size, &found->start) == 2;
	if (f)
		fclose(f);
	found->end = found->start + size;
	return is;
}

/* The lines of /proc/kallsyms: ADDRESS TYPE NAME [MODULE], in no order */
static bool symbol(const char *line, unsigned long long *address, char *name, char *module)
{
	char type;

	*module = '\0';
	return sscanf(line, "%llx %c %63s %63s", address, &type, name, module) >= 3 &&
	       strchr("tTwW", type);
}

/* The code of a function, which ends where the next one begins: false if there is none */
static bool find_function(const char *wanted, struct range *found)
{
	char line[256], name[64], module[64], of[64] = "";
	FILE *file = fopen("/proc/kallsyms", "r");
	unsigned long long address;

	CHECK(file, "/proc/kallsyms: %m");
	*found = (struct range) { 0, 0 };
	while (fgets(line, sizeof(line), file)) {
		if (symbol(line, &address, name, module) && !strcmp(name, wanted)) {
			found->start = address;
			snprintf(of, sizeof(of), "%s", module);
		}
	}
	rewind(file);
	while (fgets(line, sizeof(line), file))
		if (symbol(line, &address, name, module) && !strcmp(module, of) &&
		    address > found->start && (!found->end || address < found->end))
			found->end = address;
	fclose(file);
	return found->start && found->end;
}

static void need_function(const char *wanted, struct range *found)
{
	CHECK(find_function(wanted, found), "%s is not in /proc/kallsyms", wanted);
}

static void need_attrs(void)
{
	if (!path_exists(NTH))
		test_skip("the kernel lacks CONFIG_FAULT_INJECTION");
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++)
		if (attrs[i].kinds & BIT(chosen) &&
		    !path_exists(DEBUGFS "%s/require-start", attrs[i].name))
			test_skip("the kernel lacks %s, CONFIG_FAULT_INJECTION_DEBUG_FS or "
				  "CONFIG_FAULT_INJECTION_STACKTRACE_FILTER", attrs[i].option);
}

static void set_up(const struct attr *attr, const struct range *below, const struct range *spared)
{
	if (!(attr->kinds & BIT(chosen))) {
		set_range(attr, "require", &nowhere);
		return;
	}
	set_range(attr, "require", below);
	set_range(attr, "reject", spared);
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		set(attr, settings[i].file, settings[i].value);
	if (chosen == FAIL_PAGE_TABLES)
		set(attr, "cache-filter", "Y");
}

void fail_set_up(enum fail_kind kind, const char *below, const char *spared)
{
	struct range in, out = nowhere;

	chosen = kind;
	need_attrs();
	if (below)
		need_function(below, &in);
	else if (!find_module(&in))
		test_skip("the driver is built in: its functions cannot be told from others "
			  "(CONFIG_DRM_PANTHOR=m)");
	if (spared)
		need_function(spared, &out);
	else if (!find_function(DMA_CHECK, &out))
		out = nowhere;
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++)
		set_up(&attrs[i], &in, &out);
	if (kind == FAIL_PAGE_TABLES) {
		if (!path_exists(PT_CACHE))
			test_skip("there is no " PT_CACHE " (CONFIG_SLUB_DEBUG, and no "
				  "CONFIG_SLAB_MERGE_DEFAULT)");
		CHECK_OK(tunable_set(PT_CACHE, "1"));
	}
	/* Memory of the program's must not be what it fails for. */
	CHECK(!mlockall(MCL_CURRENT), "mlockall: %m");
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

void fail_all(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++) {
		if (!(attrs[i].kinds & BIT(chosen)))
			continue;
		set(&attrs[i], "task-filter", "Y");
		set(&attrs[i], "probability", "100");
	}
	CHECK_OK(write_file(THIS_TASK, "1"));
}

void fail_none(void)
{
	CHECK_OK(write_file(THIS_TASK, "0"));
}
