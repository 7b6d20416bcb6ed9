/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocations that fail: the kernel's fault injection
 * (Documentation/fault-injection), for what this thread has the driver
 * allocate. A test that needs it is skipped where the kernel lacks it.
 */
#ifndef GUEST_NOMEM_H
#define GUEST_NOMEM_H

#include <stdbool.h>

/* Which allocations of pages may fail; those of objects always may. */
enum pages { NO_PAGES, ALL_PAGES };

/*
 * For the time of this test, let allocations below a function fail, or, if `below` is
 * NULL, below those of the driver, when nomem_arm() says so; but never below the function
 * `spared`, if it is not NULL. Both may be of the kernel or of a module.
 */
void nomem_setup(enum pages pages, const char *below, const char *spared);

/* The nth such allocation from now on fails, of this thread. */
void nomem_arm(unsigned int n);
/* No more. Whether there was an nth one, which then has failed. */
bool nomem_disarm(void);

/* From now on all fail, of this thread, until it says that they do not. */
void nomem_always(bool on);

#endif
