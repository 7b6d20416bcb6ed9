/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a test needs of the driver, and of the kernel. An older one is told by its version, or by its functions: what the
 * test looks for may be gone by mistake, and then the test is to fail.
 */
#ifndef GUEST_NEED_H
#define GUEST_NEED_H

#include <stdbool.h>

#include "panthor.h"

/* Whether the driver's interface is of version 1.minor, or later. */
bool has_version(const struct panthor *gpu, int minor);

/* Skip this test if the driver's interface is older than version 1.minor, which brought `what`. */
void need_version(const struct panthor *gpu, int minor, const char *what);

/* Skip it if the driver lists no buffers in debugfs. */
void need_gems(const struct panthor *gpu);

/* Skip it if the driver has no shrinker. */
void need_shrinker(const struct panthor *gpu);

/* Skip it if the kernel does not look at the order of locks, or has stopped to, as it does once it has reported. */
void need_lockdep(void);

#endif
