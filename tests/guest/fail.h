/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocations of the kernel's that fail (Documentation/fault-injection): those that a
 * function of the driver's leads to, in this thread. For use inside a test.
 */
#ifndef GUEST_FAIL_H
#define GUEST_FAIL_H

#include <stdbool.h>

enum fail_kind {
	FAIL_PAGES,		/* fail_page_alloc */
	FAIL_SLAB,		/* failslab */
	FAIL_PAGE_TABLES,	/* failslab, of panthor's cache for page tables only */
	FAIL_BOTH,		/* pages and slab */
};

/*
 * Until the test ends. What fails is below the function @below, or, if that is NULL, below
 * any of the driver's module; never below the function @spared, of which NULL is the
 * kernel's check of DMA mappings, that gives up without memory. Skips the test on a kernel
 * that cannot.
 */
void fail_set_up(enum fail_kind kind, const char *below, const char *spared);

/* From now on the n-th of them fails. */
void fail_nth(unsigned int n);

/* Nothing fails any more. Returns whether that allocation came, and failed. */
bool fail_end(void);

/* All of the kind that was set up fail, until fail_none(). */
void fail_all(void);
void fail_none(void);

#endif
