/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process that holds anonymous memory, locked so that reclaim has to look for
 * other memory: the buffers under test. It serves a whole suite, so that the
 * bulk is taken once; tests ask it to take more or to give back.
 *
 * Functions return 0 or a length on success and -errno on failure.
 */
#ifndef GUEST_HOG_H
#define GUEST_HOG_H

#include <stddef.h>

/*
 * Start the process, for all tests that come. It begins with taking the bulk,
 * until so many bytes are left free, beside the first tests.
 */
int hog_start(size_t leave_free);

/*
 * Take or give back pages until about so many bytes are free (free_memory()); not
 * as exactly when it gives back.
 */
int hog_leave_free(size_t bytes);

/* Take so many bytes in small pages. */
int hog_take(size_t bytes);

/*
 * Take up to so many bytes in small pages, until the buffer of this label is
 * evicted; then give them back at once.
 */
int hog_take_until_evicted(size_t bytes, const char *label);

/* Give back the small pages; the huge ones, the bulk, stay for the next test. */
int hog_release(void);

/* The process id of the hog, to know it in a trace. */
int hog_pid(void);

#endif
