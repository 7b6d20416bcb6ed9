/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Suite lists: what its parts share. */
#ifndef GUEST_LISTS_H
#define GUEST_LISTS_H

#include <stdbool.h>

#include "panthor.h"

#define PAGE	4096ul
#define ALL	(1ul << 20)		/* more pages than there are */

/* Skips where the driver has no shrinker, fails without swap; has all evicted that others have left. */
void lists_need(const struct panthor *gpu);

bool lists_resident(const struct panthor *gpu, const struct bo *bo);

/* lists_scans.c */
void test_two_scans(const void *arg);

#endif
