/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Suite channel: tests that have a file of their own. */
#ifndef GUEST_CHANNEL_H
#define GUEST_CHANNEL_H

/* channel_evict.c */
void test_evict(const void *arg);

#endif
