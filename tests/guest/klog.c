// SPDX-License-Identifier: GPL-2.0-or-later

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "klog.h"

int klog_open(struct klog *log, bool from_now)
{
	log->fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (log->fd < 0)
		return -errno;
	if (from_now)
		lseek(log->fd, 0, SEEK_END);
	return 0;
}

void klog_close(struct klog *log)
{
	close(log->fd);
}

/* A record is "priority,sequence,usec,flags[,...];text" and continuation lines (dev-kmsg ABI). */
int klog_read(struct klog *log, struct klog_record *record)
{
	unsigned long long sequence, usec;
	unsigned int priority;
	char buf[8192], *text;
	ssize_t len;

	for (;;) {
		len = read(log->fd, buf, sizeof(buf) - 1);
		/* EPIPE: records were overwritten before they were read. */
		if (len < 0 && errno == EPIPE)
			continue;
		if (len <= 0)
			return 0;
		buf[len] = '\0';
		text = strchr(buf, ';');
		if (text && sscanf(buf, "%u,%llu,%llu", &priority, &sequence, &usec) == 3)
			break;
	}
	text++;
	text[strcspn(text, "\n")] = '\0';
	record->level = priority & 7;
	record->sequence = sequence;
	record->usec = usec;
	snprintf(record->text, sizeof(record->text), "%.*s", (int)sizeof(record->text) - 1, text);
	return 1;
}

bool klog_is_panthor(const struct klog_record *record)
{
	/* dev_printk() begins with the driver's and the device's name. */
	return !strncmp(record->text, "panthor ", 8) || strstr(record->text, "[panthor]");
}
