// SPDX-License-Identifier: GPL-2.0-or-later
/* What a test needs of the driver and of the kernel, or it is skipped. */

#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "need.h"

bool has_version(const struct panthor *gpu, int minor)
{
	return CHECK_OK(panthor_minor(gpu)) >= minor;
}

void need_version(const struct panthor *gpu, int minor, const char *what)
{
	if (!has_version(gpu, minor))
		test_skip("the driver has no %s (version 1.%d)", what, minor);
}

/*
 * A file of the driver's in debugfs: it may only be missing where the driver lacks all of these
 * functions. Looking for them takes seconds, so the file comes first.
 */
static void need_file(const struct panthor *gpu, const char *name, const char *const functions[])
{
	if (path_exists("%s/%s", gpu->debugfs, name))
		return;
	if (!path_exists("/sys/kernel/debug"))
		test_skip("the kernel has no debugfs (CONFIG_DEBUG_FS)");
	for (; *functions; functions++)
		CHECK(!kernel_has(*functions), "the driver has %s(), but there is no %s/%s",
		      *functions, gpu->debugfs, name);
	test_skip("the driver is older than its debugfs file %s", name);
}

void need_gems(const struct panthor *gpu)
{
	static const char *const functions[] = {
		"panthor_gem_debugfs_init", "panthor_gem_debugfs_print_bos", NULL
	};

	need_file(gpu, "gems", functions);
}

void need_shrinker(const struct panthor *gpu)
{
	static const char *const functions[] = { "panthor_gem_shrinker_scan", NULL };

	need_file(gpu, "shrink", functions);
}

void need_lockdep(void)
{
	static const char name[] = "debug_locks:";
	unsigned int on = 0;
	char stats[4096];
	const char *line;

	/* kernel/locking/lockdep_proc.c, lockdep_stats_show() */
	if (read_file(stats, sizeof(stats), "/proc/lockdep_stats") < 0)
		test_skip("the kernel has no lockdep (CONFIG_PROVE_LOCKING)");
	line = strstr(stats, name);
	CHECK(line && sscanf(line + strlen(name), "%u", &on) == 1, "lockdep_stats has no %s", name);
	if (!on)
		test_skip("lockdep is off since its first report: run this test by itself");
}
