/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What ./mali-vm run --trace takes of the kernel: events of the settings' choice, in a ring
 * buffer of their own, whose pages go to the folder that the host shares. They are
 * copied between tests, since the copy takes memory and tests of reclaim measure who does.
 * malivm/tracing.py reads them.
 */
#ifndef GUEST_RECORD_H
#define GUEST_RECORD_H

/* Begin, if the settings ask for it, once the folder is mounted: NULL, or why it cannot be. */
const char *record_start(void);

/* A test begins or ends ("begin", "end"). At its end what was recorded is copied. */
void record_test(const char *word, const char *name);

/*
 * Copy what has been recorded. The kernel empties all ring buffers when a module with
 * events is unloaded (trace_module_remove_events()).
 */
void record_save(void);

/* How much memory of the GPU's is in which state, of the text of debugfs gems. */
void record_gems(const char *gems);

/* Copy the rest, and say what was lost. */
void record_stop(void);

#endif
