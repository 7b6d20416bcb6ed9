/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel trace events as evidence of what happened inside the kernel, and of
 * which task did it.
 */
#ifndef GUEST_TRACE_H
#define GUEST_TRACE_H

/* Empty the buffer and record an event ("vmscan/mm_shrink_slab_end") until the test ends. */
int trace_start(const char *event);

/*
 * Call fn for every line of the buffer that names the event, with the task
 * ("kswapd0"), its id, and the text after the event's name. The buffer is kept.
 * Returns the number of lines.
 */
typedef void trace_fn(const char *task, int pid, const char *text, void *data);
int trace_read(const char *event, trace_fn *fn, void *data);

#endif
