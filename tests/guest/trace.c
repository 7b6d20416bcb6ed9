// SPDX-License-Identifier: GPL-2.0-or-later

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "trace.h"
#include "util.h"

#define TRACEFS "/sys/kernel/tracing"
#define BUFFER_KB 256

int trace_start(const char *event)
{
	long long size = 0;
	char path[160];
	int ret;

	/* The default takes more memory than a test with little of it can spare. */
	if (read_number(&size, TRACEFS "/buffer_size_kb") < 0 || size != BUFFER_KB)
		write_file(TRACEFS "/buffer_size_kb", "%d", BUFFER_KB);
	write_file(TRACEFS "/tracing_on", "1");
	snprintf(path, sizeof(path), TRACEFS "/events/%s/enable", event);
	ret = tunable_set(path, "1");
	if (ret < 0)
		return ret;
	return trace_empty();
}

int trace_empty(void)
{
	return write_file(TRACEFS "/trace", "\n");
}

int trace_define(const char *lines)
{
	return write_file(TRACEFS "/dynamic_events", "%s", lines);
}

/* A line is "  task-pid  [cpu] flags  time: event: text"; a task's name may hold '-'. */
static int parse_line(char *line, const char *event, trace_fn *fn, void *data)
{
	char *text, *cpu, *dash;
	size_t len = 0;

	cpu = strstr(line, " [");
	text = cpu ? strstr(cpu, ": ") : NULL;
	if (!text)
		return 0;
	text += 2;
	if (event) {
		len = strlen(event);
		if (strncmp(text, event, len) || strncmp(text + len, ": ", 2))
			return 0;
		len += 2;
	}
	*cpu = '\0';
	dash = strrchr(line, '-');
	if (!dash)
		return 0;
	*dash = '\0';
	line += strspn(line, " ");
	if (fn)
		fn(line, atoi(dash + 1), text + len, data);
	return 1;
}

int trace_read(const char *event, trace_fn *fn, void *data)
{
	char *text = read_all(TRACEFS "/trace"), *line, *save;
	const char *name = event ? strrchr(event, '/') : NULL;
	int count = 0;

	if (!text)
		return -errno;
	name = name ? name + 1 : event;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		count += line[0] != '#' && parse_line(line, name, fn, data);
	free(text);
	return count;
}
