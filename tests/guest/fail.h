/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocations of the kernel's that fail (Documentation/fault-injection): those that a
 * function of the driver's module leads to, in this process. For use inside a test.
 */
#ifndef GUEST_FAIL_H
#define GUEST_FAIL_H

#include <stdbool.h>

enum fail_kind {
	FAIL_PAGES,		/* fail_page_alloc */
	FAIL_SLAB,		/* failslab */
	FAIL_PAGE_TABLES,	/* failslab, of panthor's cache for page tables only */
};

/* Until the test ends. Skips it on a kernel that cannot. */
void fail_set_up(enum fail_kind kind);

/* From now on the n-th of them fails. */
void fail_nth(unsigned int n);

/* Nothing fails any more. Returns whether that allocation came, and failed. */
bool fail_end(void);

/* All of a kind fail, until fail_none(). */
void fail_all(enum fail_kind kind);
void fail_none(void);

#endif
