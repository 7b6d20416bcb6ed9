// SPDX-License-Identifier: GPL-2.0-or-later

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "leaks.h"
#include "util.h"

#define KMEMLEAK "/sys/kernel/debug/kmemleak"
/* How each report begins */
#define OBJECT "unreferenced object "
/* mm/kmemleak.c, MSECS_MIN_AGE, by jiffies: what is younger is not reported */
#define AGE_MS 5500

bool leaks_watched(void)
{
	/* Also there when it gave itself up, for lack of memory: then it takes no scan */
	return path_exists(KMEMLEAK);
}

static int split(char *text, leak_fn *fn, void *data)
{
	char *at = strstr(text, OBJECT), *next;
	int count = 0;

	for (; at; at = next, count++) {
		next = strstr(at + 1, OBJECT);
		if (next)
			next[-1] = '\0';
		fn(at, data);
	}
	return count;
}

/* What changes from one scan to the next is in use. */
static char *scan(void)
{
	sleep_ms(AGE_MS);
	for (int i = 0; i < 2; i++) {
		int ret = write_file(KMEMLEAK, "scan");

		if (ret < 0) {
			errno = -ret;
			return NULL;
		}
	}
	return read_all(KMEMLEAK);
}

int leaks_find(leak_fn *fn, void *data)
{
	char *text = scan();
	int ret;

	/* A pointer may have been in a register then: what has one again is no longer reported. */
	if (text && strstr(text, OBJECT)) {
		free(text);
		text = scan();
	}
	if (!text)
		return -errno;
	ret = split(text, fn, data);
	free(text);
	if (ret)
		write_file(KMEMLEAK, "clear");
	return ret;
}
