/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Buffers that have to go, as debugfs gems has it: the driver frees them in works of its
 * own, some time after nobody has them any more. For use inside a test.
 */
#ifndef GUEST_GEMS_H
#define GUEST_GEMS_H

#include <stdbool.h>
#include <stddef.h>

#include "panthor.h"

/* Far longer than that takes */
#define GEMS_FREED_S	patience(20)

/* Whether the buffer of this label is gone, now or in so many seconds. */
bool gems_gone(const struct panthor *gpu, const char *label, double seconds);

/* The size of all buffers, the driver's own included; and that it comes to be no more than that. */
size_t gems_size(const struct panthor *gpu);
void gems_check_freed(const struct panthor *gpu, size_t before);

#endif
