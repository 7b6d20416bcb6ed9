/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel trace events as evidence of what happened inside the kernel, and of
 * which task did it.
 */
#ifndef GUEST_TRACE_H
#define GUEST_TRACE_H

#include <stdint.h>

/* Empty the buffer and record an event ("vmscan/mm_shrink_slab_end") until the test ends. */
int trace_start(const char *event);

/* Empty it once more. */
int trace_empty(void);

/*
 * Events of the kernel's functions, in place of all of their group ("f:GROUP/NAME"): lines
 * of the kernel's Documentation/trace/fprobetrace.rst. What they name of the driver's own
 * structures takes a kernel with BTF; -errno where it has none, or no such function.
 */
int trace_define(const char *lines);

/*
 * Call fn for every line of the buffer that names the event, with the task
 * ("kswapd0"), its id, and the text after the event's name; for every line that
 * there is if event is NULL, with the name in front of the text. The buffer is kept.
 * Returns the number of lines.
 */
typedef void trace_fn(const char *task, int pid, const char *text, void *data);
int trace_read(const char *event, trace_fn *fn, void *data);

/*
 * The same for every line that there is, with the time in ns of the clock that
 * trace_clock() has chosen. The kernel writes whole microseconds.
 */
typedef void trace_timed_fn(uint64_t ns, int pid, const char *text, void *data);
int trace_read_timed(trace_timed_fn *fn, void *data);

/* The clock of all lines until the test ends; what there is is dropped. */
int trace_clock(const char *name);

#endif
