// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A tool that loses memory when it is loaded, as a driver with a mistake does: for a
 * guest whose kernel has kmemleak, which is to find it (suite kmemleak).
 */

#include <linux/module.h>
#include <linux/slab.h>

#define LOST_SIZE	1500
#define LOST_NR		8

/* No inlining: its name is in the report. */
static noinline int leak_something(void)
{
	char *lost;

	for (int i = 0; i < LOST_NR; i++) {
		lost = kmalloc(LOST_SIZE, GFP_KERNEL);
		if (!lost)
			return -ENOMEM;
		memset(lost, 0x5a, LOST_SIZE);
	}
	/* What is left of the last one in registers and on the stack goes with this task. */
	return 0;
}

static int __init leak_init(void)
{
	return leak_something();
}

static void __exit leak_exit(void)
{
}

module_init(leak_init);
module_exit(leak_exit);
MODULE_DESCRIPTION("Loses memory on purpose");
MODULE_LICENSE("GPL");
