// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite kmemleak: the last test of each suite, which looks for memory that the kernel has
 * lost, finds such. A module loses some (kernel/leak).
 */

#include <string.h>

#include "harness.h"
#include "leaks.h"
#include "modules.h"

#define LEAK_MODULE	"/lib/leak.ko"
#define LEAK_FUNCTION	"leak_something"
/* Of eight: a stale pointer on some stack may keep one or two */
#define LEAST		4

static void look(char *report, void *data)
{
	unsigned int *found = data;

	if (strstr(report, LEAK_FUNCTION))
		++*found;
	else
		EXPECT(0, "also lost: %s", report);
}

static void module(const void *arg)
{
	unsigned int found = 0;

	(void)arg;
	if (!leaks_watched())
		test_skip("needs CONFIG_DEBUG_KMEMLEAK");
	CHECK_OK(module_load_file(LEAK_MODULE));
	CHECK_OK(leaks_find(look, &found));
	EXPECT(found >= LEAST, "%u of the module's buffers were found", found);
}

static const struct test tests[] = {
	{ "module", "what a module has lost is found", module, NULL, 0 },
};

static const struct suite suite = { .name = "kmemleak", .tests = tests, .nr = ARRAY_SIZE(tests) };

int main(int argc, char **argv)
{
	return suite_main(&suite, argc, argv);
}
