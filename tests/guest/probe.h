/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of suite probe that are in files of their own, by subject. */
#ifndef GUEST_PROBE_H
#define GUEST_PROBE_H

#include "panthor.h"

/* Open the GPU or fail the test. */
void open_gpu(struct panthor *gpu);

/* probe_clock.c */
void test_timestamps(const void *arg);

/* probe_power.c */
void test_flush_id(const void *arg);
void test_suspend(const void *arg);
void test_power_events(const void *arg);
void test_awake(const void *arg);
void test_rebind(const void *arg);
void test_reload(const void *arg);

#endif
