/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of the driver ran, as a kernel with GCOV_KERNEL counts it. */
#ifndef GUEST_COVERAGE_H
#define GUEST_COVERAGE_H

/*
 * Copy the counters of all files, those of unloaded modules among them, to a
 * directory, below which each has the path that it was built at. Returns how
 * many files there are, -errno on failure.
 */
int coverage_save(const char *directory);

#endif
