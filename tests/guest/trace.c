// SPDX-License-Identifier: GPL-2.0-or-later

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* Not emptied by truncation: who records the run (record.h) has events there, too. */
static int append_dynamic(const char *lines)
{
	int fd = open(TRACEFS "/dynamic_events", O_WRONLY | O_APPEND | O_CLOEXEC), ret = 0;
	ssize_t len = strlen(lines);

	if (fd < 0)
		return -errno;
	if (write(fd, lines, len) != len)
		ret = -errno;
	close(fd);
	return ret;
}

int trace_define(const char *lines)
{
	const char *group = strchr(lines, ':');
	char all[64];
	int ret;

	snprintf(all, sizeof(all), "-%.*s/\n", group ? (int)strcspn(group, "/\n") : 0, group);
	ret = append_dynamic(all);
	if (ret < 0 && ret != -ENOENT)
		return ret;
	return append_dynamic(lines);
}

int trace_clock(const char *name)
{
	return tunable_set(TRACEFS "/trace_clock", "%s", name);
}

struct line {
	const char *task, *text;
	int pid;
	uint64_t ns;
};

/* The time that ends where the text begins: seconds, a dot, microseconds */
static uint64_t parse_time(const char *start, const char *end)
{
	unsigned long long s, us;

	while (end > start && end[-1] != ' ')
		end--;
	return sscanf(end, "%llu.%llu:", &s, &us) == 2 ? (s * 1000000 + us) * 1000 : 0;
}

/* A line is "  task-pid  [cpu] flags  time: event: text"; a task's name may hold '-'. */
static bool parse_line(char *text, const char *event, struct line *line)
{
	char *cpu, *dash;
	size_t len = 0;

	cpu = strstr(text, " [");
	line->text = cpu ? strstr(cpu, ": ") : NULL;
	if (!line->text)
		return false;
	line->ns = parse_time(cpu, line->text);
	line->text += 2;
	if (event) {
		len = strlen(event);
		if (strncmp(line->text, event, len) || strncmp(line->text + len, ": ", 2))
			return false;
		len += 2;
	}
	*cpu = '\0';
	dash = strrchr(text, '-');
	if (!dash)
		return false;
	*dash = '\0';
	line->task = text + strspn(text, " ");
	line->pid = atoi(dash + 1);
	line->text += len;
	return true;
}

static int read_lines(const char *event, void (*fn)(const struct line *line, void *data),
		      void *data)
{
	char *text = read_all(TRACEFS "/trace"), *p, *save;
	struct line line;
	int count = 0;

	if (!text)
		return -errno;
	for (p = strtok_r(text, "\n", &save); p; p = strtok_r(NULL, "\n", &save)) {
		if (p[0] == '#' || !parse_line(p, event, &line))
			continue;
		fn(&line, data);
		count++;
	}
	free(text);
	return count;
}

struct reader {
	trace_fn *fn;
	trace_timed_fn *timed;
	void *data;
};

static void hand_out(const struct line *line, void *data)
{
	const struct reader *r = data;

	if (r->timed)
		r->timed(line->ns, line->pid, line->text, r->data);
	else if (r->fn)
		r->fn(line->task, line->pid, line->text, r->data);
}

int trace_read(const char *event, trace_fn *fn, void *data)
{
	const char *name = event ? strrchr(event, '/') : NULL;
	struct reader r = { .fn = fn, .data = data };

	return read_lines(name ? name + 1 : event, hand_out, &r);
}

int trace_read_timed(trace_timed_fn *fn, void *data)
{
	struct reader r = { .timed = fn, .data = data };

	return read_lines(NULL, hand_out, &r);
}
