// SPDX-License-Identifier: GPL-2.0-or-later

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"
#include "nomem.h"

#define DEBUGFS		"/sys/kernel/debug"
#define SLAB		DEBUGFS "/failslab"
#define PAGES		DEBUGFS "/fail_page_alloc"
#define NTH		"/proc/thread-self/fail-nth"
#define MAKE_IT_FAIL	"/proc/thread-self/make-it-fail"
/* As far up as the filter goes (lib/fault-inject.c, MAX_STACK_TRACE_DEPTH) */
#define DEPTH		32
/* No allocation has so many pages: 2^10. */
#define NO_ORDER	10

struct range {
	unsigned long long start, end;
};

static const struct {
	const char *file, *option;
} wanted[] = {
	{ NTH, "CONFIG_FAULT_INJECTION" },
	{ SLAB "/ignore-gfp-wait", "CONFIG_FAILSLAB, CONFIG_FAULT_INJECTION_DEBUG_FS" },
	{ PAGES "/min-order", "CONFIG_FAIL_PAGE_ALLOC" },
	{ SLAB "/require-start", "CONFIG_FAULT_INJECTION_STACKTRACE_FILTER" },
};

static int nth = -1;
static pid_t owner;

/* The lines of /proc/kallsyms: ADDRESS TYPE NAME [MODULE], in no order */
static bool symbol(const char *line, unsigned long long *address, char *name, char *module)
{
	char type;

	*module = '\0';
	return sscanf(line, "%llx %c %63s %63s", address, &type, name, module) >= 3 &&
	       strchr("tTwW", type);
}

/* Where the code of a function is, or of a whole module ("[panthor]") */
static struct range find_code(const char *wanted_name)
{
	char line[256], name[64], module[64], of[64] = "";
	FILE *file = fopen("/proc/kallsyms", "r");
	struct range found = { 0, 0 };
	unsigned long long address;

	CHECK(file, "/proc/kallsyms: %m");
	while (fgets(line, sizeof(line), file)) {
		if (!symbol(line, &address, name, module))
			continue;
		if (!strcmp(module, wanted_name)) {
			if (!found.start || address < found.start)
				found.start = address;
			if (address > found.end)
				found.end = address;
		} else if (!strcmp(name, wanted_name)) {
			found.start = address;
			snprintf(of, sizeof(of), "%s", module);
		}
	}
	/* A function ends where the next one begins. */
	rewind(file);
	while (wanted_name[0] != '[' && fgets(line, sizeof(line), file))
		if (symbol(line, &address, name, module) && !strcmp(module, of) &&
		    address > found.start && (!found.end || address < found.end))
			found.end = address;
	fclose(file);
	CHECK(found.start && found.end, "%s is not in /proc/kallsyms", wanted_name);
	return found;
}

static void set(const char *directory, const char *name, unsigned long long value)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	CHECK_OK(tunable_set(path, "%llu", value));
}

static void set_flag(const char *directory, const char *name, bool value)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	CHECK_OK(tunable_set(path, "%s", value ? "Y" : "N"));
}

static void set_ranges(const char *directory, const struct range *required,
		       const struct range *spared)
{
	set(directory, "stacktrace-depth", DEPTH);
	set(directory, "require-start", required->start);
	set(directory, "require-end", required->end);
	if (spared) {
		set(directory, "reject-start", spared->start);
		set(directory, "reject-end", spared->end);
	}
	set(directory, "verbose", 0);
	set_flag(directory, "ignore-gfp-wait", false);
}

void nomem_setup(enum pages pages, const char *below, const char *spared)
{
	struct range required, other;

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!path_exists("%s", wanted[i].file))
			test_skip("the kernel lacks %s", wanted[i].option);
	required = find_code(below ? below : "[panthor]");
	if (spared)
		other = find_code(spared);
	set_ranges(SLAB, &required, spared ? &other : NULL);
	set_ranges(PAGES, &required, spared ? &other : NULL);
	set(PAGES, "min-order", pages == ALL_PAGES ? 0 : NO_ORDER);
	set_flag(PAGES, "ignore-gfp-highmem", false);
	/* Memory of its own must not be what it fails for. */
	CHECK(!mlockall(MCL_CURRENT), "mlockall: %m");
}

/* A child of the test has a file of its own. */
static void open_nth(void)
{
	if (nth >= 0 && owner == getpid())
		return;
	nth = open(NTH, O_RDWR | O_CLOEXEC);
	CHECK(nth >= 0, NTH ": %m");
	owner = getpid();
}

static void write_nth(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	CHECK(pwrite(nth, text, len, 0) == len, NTH ": %m");
}

void nomem_arm(unsigned int n)
{
	open_nth();
	write_nth(n);
}

bool nomem_disarm(void)
{
	char text[16] = "";

	CHECK(pread(nth, text, sizeof(text) - 1, 0) > 0, NTH ": %m");
	write_nth(0);
	return !strtoul(text, NULL, 0);
}

void nomem_always(bool on)
{
	static bool prepared;

	if (!prepared) {
		/* Whatever is asked for by a task that says so, as often as it likes */
		set_flag(SLAB, "task-filter", true);
		set_flag(PAGES, "task-filter", true);
		set(SLAB, "times", INT_MAX);
		set(PAGES, "times", INT_MAX);
		set(SLAB, "probability", 100);
		set(PAGES, "probability", 100);
		prepared = true;
	}
	CHECK_OK(write_file(MAKE_IT_FAIL, "%d", on));
}
