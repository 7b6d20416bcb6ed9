// SPDX-License-Identifier: GPL-2.0-or-later

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util.h"
#include "vmstat.h"

/* A name that ends in '_' stands for the sum of all that begin so: one a memory zone. */
static const char *const vmstat_names[NR_VMSTAT_ITEMS] = {
	[VM_PSWPIN] = "pswpin",
	[VM_PSWPOUT] = "pswpout",
	[VM_PGSCAN_KSWAPD] = "pgscan_kswapd",
	[VM_PGSCAN_DIRECT] = "pgscan_direct",
	[VM_PGSTEAL_KSWAPD] = "pgsteal_kswapd",
	[VM_PGSTEAL_DIRECT] = "pgsteal_direct",
	[VM_ALLOCSTALL] = "allocstall_",
};

static int name_fits(const char *name, const char *pattern)
{
	size_t len = strlen(pattern);

	if (pattern[len - 1] == '_')
		return !strncmp(name, pattern, len);
	return !strcmp(name, pattern);
}

int vmstat_read(struct vmstat *vm)
{
	char *text = read_all("/proc/vmstat"), *line, *save;
	char name[64];
	long long value;
	int i;

	memset(vm, 0, sizeof(*vm));
	if (!text)
		return -errno;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%63s %lld", name, &value) != 2)
			continue;
		for (i = 0; i < NR_VMSTAT_ITEMS; i++)
			if (name_fits(name, vmstat_names[i]))
				vm->v[i] += value;
	}
	free(text);
	return 0;
}

int watermarks_read(struct watermarks *w)
{
	char *text = read_all("/proc/zoneinfo"), *line, *save;
	size_t page = sysconf(_SC_PAGESIZE), pages[3] = { 0 };
	static const char *const names[3] = { "min", "low", "high" };
	unsigned long value;
	char name[32];
	int i;

	if (!text)
		return -errno;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		for (i = 0; i < 3; i++)
			if (sscanf(line, " %31s %lu", name, &value) == 2 &&
			    !strcmp(name, names[i]))
				pages[i] += value;
	free(text);
	w->min = pages[0] * page;
	w->low = pages[1] * page;
	w->high = pages[2] * page;
	return 0;
}

bool is_kswapd(int pid)
{
	char name[32];

	return read_file(name, sizeof(name), "/proc/%d/comm", pid) > 0 &&
		!strncmp(name, "kswapd", 6);
}

/* The kswapd of the first memory node: machines here have one. */
static int find_kswapd(void)
{
	static int kswapd;
	struct dirent *e;
	DIR *d;

	if (kswapd)
		return kswapd;
	d = opendir("/proc");
	while (d && !kswapd && (e = readdir(d)))
		if (is_kswapd(atoi(e->d_name)))
			kswapd = atoi(e->d_name);
	if (d)
		closedir(d);
	return kswapd;
}

bool kswapd_sleeps(void)
{
	char stat[256], *state;

	if (read_file(stat, sizeof(stat), "/proc/%d/stat", find_kswapd()) <= 0)
		return false;
	/* "pid (name) state ..." */
	state = strrchr(stat, ')');
	return state && state[1] && state[2] == 'S';
}

bool kswapd_gave_up(void)
{
	char *text = read_all("/proc/zoneinfo"), *p = text;
	bool gave_up = false;

	while (p && (p = strstr(p, "node_unreclaimable:"))) {
		p += strlen("node_unreclaimable:");
		gave_up |= strtol(p, NULL, 10) != 0;
	}
	free(text);
	return gave_up;
}

long long free_memory(void)
{
	long long cma = meminfo("CmaFree");

	/* A kernel without CMA has no such line. */
	return meminfo("MemFree") - (cma > 0 ? cma : 0);
}

long long meminfo(const char *name)
{
	char buf[4096], *line;
	size_t len = strlen(name);
	int ret = read_file(buf, sizeof(buf), "/proc/meminfo");

	if (ret < 0)
		return ret;
	for (line = buf; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, len) && line[len] == ':')
			return strtoll(line + len + 1, NULL, 10) * 1024;
	}
	return -ENOENT;
}
