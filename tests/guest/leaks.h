/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that the kernel has allocated and to which no pointer is left, as kmemleak finds
 * it (CONFIG_DEBUG_KMEMLEAK).
 */
#ifndef GUEST_LEAKS_H
#define GUEST_LEAKS_H

#include <stdbool.h>

/* The kernel looks for such. */
bool leaks_watched(void);

/*
 * Call fn with each report, some lines of text, of what was lost since the last time.
 * Takes seconds: what is young counts as used. Returns how many there are, or -errno.
 */
typedef void leak_fn(char *report, void *data);
int leaks_find(leak_fn *fn, void *data);

#endif
