/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the kernel's log. */
#ifndef GUEST_KLOG_H
#define GUEST_KLOG_H

#include <stdbool.h>
#include <stdint.h>

struct klog {
	int fd;
};

struct klog_record {
	int level;			/* syslog priority, 4 = warning */
	uint64_t sequence;		/* 0: the first one since power-on */
	uint64_t usec;			/* since then */
	char text[512];
};

/* Begin with the oldest record that is kept, or with the next one to come. */
int klog_open(struct klog *log, bool from_now);
void klog_close(struct klog *log);

/* The next record: 1, or 0 if there is no more for now. */
int klog_read(struct klog *log, struct klog_record *record);

/* The record is of the panthor driver or its device. */
bool klog_is_panthor(const struct klog_record *record);

#endif
