// SPDX-License-Identifier: GPL-2.0-or-later

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "conf.h"
#include "panthor.h"
#include "record.h"
#include "util.h"

#define TRACEFS "/sys/kernel/tracing"
#define INSTANCE TRACEFS "/instances/mali-vm"
#define FOLDER "/host/trace"
#define GROUP "malivm"

/* Of the driver as a module: a probe of this name is there again when it is loaded again. */
#define MODULE "panthor:"

static bool wanted(void)
{
	return conf_bool("trace", 0);
}

static int append_to(const char *name)
{
	char path[96];

	snprintf(path, sizeof(path), FOLDER "/%s", name);
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

static void __printf(1, 2) note(const char *fmt, ...)
{
	int fd = append_to("notes");
	va_list ap;

	if (fd < 0)
		return;
	va_start(ap, fmt);
	vdprintf(fd, fmt, ap);
	va_end(ap);
	close(fd);
}

static void append_text(const char *name, const char *path)
{
	char *text = read_all(path);
	int fd = text ? append_to(name) : -1;

	if (fd >= 0) {
		dprintf(fd, "%s\n", text);
		close(fd);
	}
	free(text);
}

/* --- What is recorded --- */

/* Not by write_file(), which would remove the events of others. */
static int define(const char *kind, const char *name, const char *function, const char *args)
{
	int fd = open(TRACEFS "/kprobe_events", O_WRONLY | O_APPEND | O_CLOEXEC), ret = 0;
	char line[512];
	int len;

	if (fd < 0)
		return -errno;
	len = snprintf(line, sizeof(line), "%s:" GROUP "/%s %s %s\n", kind, name, function, args);
	if (write(fd, line, len) != len)
		ret = -errno;
	close(fd);
	return ret;
}

/* What the compiler may have made of a function. One of them has not all its arguments. */
static const struct {
	const char *prefix, *suffix;
	bool args;
} spellings[] = {
	{ MODULE, "", true },
	{ "", "", true },
	{ MODULE, ".isra.0", false },
	{ MODULE, ".constprop.0", false },
	{ MODULE, ".part.0", false },
};

/* KIND NAME FUNCTION ARGS, where KIND is p or r as in Documentation/trace/kprobetrace.rst */
static void add_probe(const char *row)
{
	char kind[8], name[64], function[96], symbol[128];
	int ret = -EINVAL, args = 0;
	size_t i;

	if (sscanf(row, "%7s %63s %95s %n", kind, name, function, &args) != 3)
		return;
	for (i = 0; ret < 0 && i < ARRAY_SIZE(spellings); i++) {
		snprintf(symbol, sizeof(symbol), "%s%s%s", spellings[i].prefix, function,
			 spellings[i].suffix);
		/* Outside of the module a short name may be somebody else's. */
		if (!spellings[i].prefix[0] && path_exists("/sys/module/panthor/initstate"))
			continue;
		ret = define(kind, name, symbol, spellings[i].args ? row + args : "");
	}
	if (ret < 0)
		note("skipped %s %s: %s\n", kind, function, strerror(-ret));
}

/* SYSTEM/NAME, and a filter if a space follows */
static void add_event(const char *row)
{
	const char *filter = strchr(row, ' ');
	int len = strcspn(row, " "), ret = 0;
	char path[160];

	if (filter) {
		snprintf(path, sizeof(path), INSTANCE "/events/%.*s/filter", len, row);
		ret = write_file(path, "%s", filter + 1);
	}
	snprintf(path, sizeof(path), INSTANCE "/events/%.*s/enable", len, row);
	ret = ret < 0 ? ret : write_file(path, "1");
	if (ret < 0)
		note("skipped event %.*s: %s\n", len, row, strerror(-ret));
}

/* How to read what the instance records, an event after the other */
static void save_formats(void)
{
	char *events = read_all(INSTANCE "/set_event"), *line, *save, *name, path[192];

	append_text("formats", TRACEFS "/events/ftrace/print/format");
	if (!events)
		return;
	for (line = strtok_r(events, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		name = strchr(line, ':');
		if (!name)
			continue;
		*name++ = '\0';
		snprintf(path, sizeof(path), TRACEFS "/events/%s/%s/format", line, name);
		append_text("formats", path);
	}
	free(events);
}

/* --- Clocks --- */

static void __printf(1, 2) mark(const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	write_file(INSTANCE "/trace_marker", "%s", text);
}

static int64_t buffer_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/* The buffer's clock between two readings of the machine's, the closest of several tries */
static void mark_clocks(void)
{
	enum { TRIES = 20 };
	uint64_t begin, end, best = 0, width = UINT64_MAX;
	int64_t raw, at_best = 0;

	for (int i = 0; i < TRIES; i++) {
		begin = machine_ns();
		raw = buffer_clock();
		end = machine_ns();
		if (end - begin >= width)
			continue;
		width = end - begin;
		best = begin;
		at_best = raw;
	}
	mark("clock %" PRId64 " %" PRIu64 " %" PRIu64, at_best, best, best + width);
}

/* The device's clock between two readings of the machine's; none of a device that is gone */
static void mark_device_clock(void)
{
	enum { TRIES = 10 };
	uint64_t begin, end, width = UINT64_MAX;
	char text[128] = "";
	struct panthor gpu;

	if (panthor_open(&gpu) < 0)
		return;
	for (int i = 0; i < TRIES; i++) {
		struct drm_panthor_timestamp_info info = { 0 };

		begin = machine_ns();
		if (panthor_query(&gpu, DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO, &info,
				  sizeof(info)) < 0 || !info.timestamp_frequency)
			break;
		end = machine_ns();
		if (end - begin >= width)
			continue;
		width = end - begin;
		snprintf(text, sizeof(text), "device %" PRIu64 " %" PRIu64 " %" PRIu64,
			 (uint64_t)((unsigned __int128)info.current_timestamp * 1000000000u /
				    info.timestamp_frequency), begin, end);
	}
	panthor_close(&gpu);
	if (text[0])
		mark("%s", text);
}

/* --- Memory --- */

void record_gems(const char *gems)
{
	unsigned long long all = 0, resident = 0, reclaimable = 0, evicted = 0, size, now;
	const char *line;
	unsigned int state;

	if (!wanted() || !gems)
		return;
	for (line = gems; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		/* panthor_gem_debugfs_bo_print() */
		if (sscanf(line, "%*s %*d %*d %*d %llu %llu %*x %x", &size, &now, &state) == 3 &&
		    (state & GEM_EVICTED))
			evicted += size;
		sscanf(line, "Total size: %llu, Total resident: %llu, Total reclaimable: %llu",
		       &all, &resident, &reclaimable);
	}
	mark("memory reclaimable=%llu pinned=%llu evicted=%llu empty=%llu", reclaimable,
	     resident - reclaimable, evicted, all - resident - evicted);
}

static void mark_memory(void)
{
	struct panthor gpu;
	char path[96], *text;

	if (panthor_find(&gpu) < 0)
		return;
	snprintf(path, sizeof(path), "%s/gems", gpu.debugfs);
	text = read_all(path);
	record_gems(text);
	free(text);
}

/* --- The way to the host --- */

/* As many pages as the buffer has, in case it fills as fast as it is read */
static void copy_pages(int in, int out)
{
	long size = sysconf(_SC_PAGESIZE), most = conf_number("trace-kb", 0) * KIB / size + 2;
	char *page = malloc(size);
	ssize_t n;

	while (page && most-- && (n = read(in, page, size)) > 0)
		if (write(out, page, n) != n) {
			note("lost pages: %s\n", strerror(errno));
			break;
		}
	free(page);
}

static void copy_buffers(void)
{
	long cpu, nr = sysconf(_SC_NPROCESSORS_CONF);
	char path[128], name[32];

	for (cpu = 0; cpu < nr; cpu++) {
		int in, out;

		snprintf(path, sizeof(path), INSTANCE "/per_cpu/cpu%ld/trace_pipe_raw", cpu);
		snprintf(name, sizeof(name), "cpu%ld", cpu);
		in = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		out = append_to(name);
		if (in >= 0 && out >= 0)
			copy_pages(in, out);
		if (in >= 0)
			close(in);
		if (out >= 0)
			close(out);
	}
}

/* What the buffer or a probe has no record of */
static void note_losses(void)
{
	long cpu, nr = sysconf(_SC_NPROCESSORS_CONF);
	char path[128], *text, *line, *save, event[96];
	unsigned long long missed;

	for (cpu = 0; cpu < nr; cpu++) {
		snprintf(path, sizeof(path), INSTANCE "/per_cpu/cpu%ld/stats", cpu);
		text = read_all(path);
		for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
			note("stats %ld %s\n", cpu, line);
		free(text);
	}
	text = read_all(TRACEFS "/kprobe_profile");
	if (!text)
		return;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (sscanf(line, " %95s %*u %llu", event, &missed) == 2 && missed)
			note("missed %s %llu\n", event, missed);
	free(text);
}

static void record_chosen(void)
{
	unsigned int i;
	const char *row;

	for (i = 0; (row = conf_nth("trace-probe", i)); i++)
		add_probe(row);
	for (i = 0; (row = conf_nth("trace-event", i)); i++)
		add_event(row);
	write_file(INSTANCE "/events/" GROUP "/enable", "1");
	save_formats();
}

const char *record_start(void)
{
	if (!wanted())
		return NULL;
	/* The host has made it. */
	if (!path_exists(FOLDER))
		return "the host's folder cannot be mounted: the kernel needs NET_9P_VIRTIO and 9P_FS";
	if (mkdir(INSTANCE, 0755) && errno != EEXIST)
		return "there is no ftrace: the kernel needs FTRACE, EVENT_TRACING and KPROBE_EVENTS";
	if (write_file(INSTANCE "/trace_clock", "mono_raw") < 0)
		return "ftrace has no clock mono_raw, which can be compared with the device's";
	if (write_file(INSTANCE "/buffer_size_kb", "%llu", conf_number("trace-kb", 0)) < 0)
		return "there is no memory for ftrace's buffer";
	note("page %ld\n", sysconf(_SC_PAGESIZE));
	record_chosen();
	mark_clocks();
	mark_device_clock();
	return NULL;
}

void record_save(void)
{
	if (!wanted() || !path_exists(INSTANCE))
		return;
	mark_clocks();
	copy_buffers();
	append_text("tasks", TRACEFS "/saved_cmdlines");
}

void record_test(const char *word, const char *name)
{
	bool end = !strcmp(word, "end");

	if (!wanted())
		return;
	if (end)
		mark_memory();
	mark("%s %s", word, name);
	if (!end) {
		mark_memory();
		return;
	}
	record_save();
}

void record_stop(void)
{
	if (!wanted() || !path_exists(INSTANCE))
		return;
	mark_device_clock();
	record_save();
	note_losses();
	note("end\n");
}
