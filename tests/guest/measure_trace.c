// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite measure: the passes of the shrinker, by events of the functions that they
 * are made of. A function that there is only one call of may not be there to be
 * traced; those that are used here are called through pointers, from other files, or are exported.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness.h"
#include "measure.h"
#include "trace.h"

#define GROUP		"mali"
#define MAX_TASKS	8

const char *const path_names[NR_PATHS] = {
	[UNUSED] = "unused", [MMAPPED] = "mmapped", [SINGLE_VM] = "single-vm",
	[MULTI_VM] = "multi-vm", [RESTORE] = "restore",
};

const char *const lock_names[NR_LOCKS] = {
	[BO_RESV] = "bo_resv", [GPUVA_LOCK] = "gpuva.lock", [VM_RESV] = "vm_resv",
	[OP_LOCK] = "op_lock", [FENCES] = "fences",
};

/* Functions with an event at their entry and one, NAME_end, at their return */
#define RET	"ret=$retval:s64"
static const struct {
	const char *name, *function, *result;	/* the kernel refuses that of a void one */
} functions[] = {
	{ "scan", "panthor_gem_shrinker_scan", RET },
	{ "lru", "drm_gem_lru_scan", RET },
	{ "vms", "panthor_mmu_reclaim_priv_bos", RET },
	{ "resv", "ww_mutex_trylock", RET },
	{ "put", "ww_mutex_unlock", "" },
	{ "try", "mutex_trylock", RET },
	{ "try", "_mutex_trylock_nest_lock", RET },	/* with lockdep, instead */
	{ "wait", "dma_resv_wait_timeout", RET },
	{ "evict", "panthor_vm_evict_bo_mappings_locked", RET },
	{ "validate", "panthor_vm_bo_validate", RET },
	{ "pages", "drm_gem_get_pages", RET },
};

/* Which of them the kernel has: a line of its list is an address, a letter, a name */
static void find_functions(bool found[ARRAY_SIZE(functions)])
{
	FILE *f = fopen("/proc/kallsyms", "r");
	char line[256];

	CHECK(f, "/proc/kallsyms: %s", strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		char *name = strchr(line, ' ');

		name = name ? strchr(name + 1, ' ') : NULL;
		if (!name)
			continue;
		name[1 + strcspn(name + 1, "\t\n")] = '\0';
		for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
			found[i] |= !strcmp(name + 1, functions[i].function);
	}
	fclose(f);
}

/* As fprobes or, with 'p', as kprobes */
static int define(const bool found[ARRAY_SIZE(functions)], char kind)
{
	char lines[2048];
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		if (!found[i])
			continue;
		len += snprintf(lines + len, sizeof(lines) - len,
				"%c:" GROUP "/%s %s\n%c:" GROUP "/%s_end %s%%return %s\n",
				kind, functions[i].name, functions[i].function,
				kind, functions[i].name, functions[i].function, functions[i].result);
	}
	CHECK(len < sizeof(lines), "%zu bytes", len);
	return trace_define(lines);
}

/* What the kernel says of the line that it did not take */
static void log_refusal(void)
{
	char *text = read_all("/sys/kernel/tracing/error_log"), *line, *save;

	for (line = text ? strtok_r(text, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save))
		test_log("%s", line);
	free(text);
}

void watch_start(void)
{
	bool found[ARRAY_SIZE(functions)] = { false };
	int ret;

	find_functions(found);
	if (!found[0])
		test_skip("the driver has no shrinker");
	ret = define(found, 'f');
	if (ret < 0)
		ret = define(found, 'p');
	if (ret < 0 && !path_exists("/sys/kernel/tracing/dynamic_events"))
		test_skip("the kernel has neither FPROBE_EVENTS nor KPROBE_EVENTS");
	if (ret < 0)
		log_refusal();
	CHECK_OK(ret);
	CHECK_OK(trace_clock("mono_raw"));
	CHECK_OK(trace_start(GROUP));
}

/* --- From events to passes --- */

struct task {
	int pid;
	bool scanning, in_vms, in_evict, in_validate;
	unsigned int lists;		/* of the driver's own, gone through in this scan */
	unsigned int held;		/* reservations */
	unsigned int in_resv;
	bool in_pass;
	struct pass pass;
};

struct watch {
	struct task tasks[MAX_TASKS];
	struct pass *passes;
	size_t nr, max;
	int64_t offset;			/* from the kernel's clock to the machine's */
};

static struct task *find_task(struct watch *w, int pid)
{
	struct task *free = NULL;

	for (size_t i = 0; i < MAX_TASKS; i++) {
		struct task *t = &w->tasks[i];

		if (t->pid == pid)
			return t;
		if (!free && !t->scanning && !t->in_pass)
			free = t;
	}
	CHECK(free, "more than %d tasks reclaim at a time", MAX_TASKS);
	*free = (struct task){ .pid = pid };
	return free;
}

static void begin_pass(struct watch *w, struct task *t, enum path path, uint64_t ns)
{
	t->in_pass = true;
	t->pass = (struct pass){ .path = path, .begin = ns + w->offset - 1000 };
}

static void end_pass(struct watch *w, struct task *t, uint64_t ns)
{
	t->in_pass = false;
	t->pass.end = ns + w->offset + 2000;
	/* A list that is empty costs nothing */
	if (t->pass.path != RESTORE && !t->pass.objects)
		return;
	CHECK(w->nr < w->max, "more than %zu passes", w->max);
	w->passes[w->nr++] = t->pass;
}

static enum path next_list(struct task *t)
{
	static const enum path lists[] = { UNUSED, MMAPPED, MULTI_VM };

	if (t->in_vms)
		return SINGLE_VM;
	CHECK(t->lists < ARRAY_SIZE(lists), "the shrinker has one more list");
	return lists[t->lists++];
}

/* In a pass of the shrinker; what it only tries says which lock it is */
static void note_in_pass(struct task *t, const char *name, long long ret)
{
	if (!strcmp(name, "resv")) {
		t->in_resv++;
	} else if (!strcmp(name, "resv_end")) {
		t->in_resv--;
		t->pass.objects += !t->held;
		if (ret)
			t->held++;
		else
			t->pass.failed[t->held ? VM_RESV : BO_RESV]++;
	} else if (!strcmp(name, "put")) {
		t->held -= t->held > 0;
	} else if (!strcmp(name, "wait_end")) {
		t->pass.failed[FENCES] += ret <= 0;
	} else if (!strcmp(name, "evict")) {
		t->in_evict = true;
	} else if (!strcmp(name, "evict_end")) {
		t->in_evict = false;
	} else if (!strcmp(name, "try_end") && !t->in_resv && !ret) {
		t->pass.failed[t->in_evict ? OP_LOCK : GPUVA_LOCK]++;
	}
}

static void note(uint64_t ns, int pid, const char *text, void *data)
{
	struct watch *w = data;
	const char *value = strstr(text, " ret=");
	long long ret = value ? strtoll(value + 5, NULL, 0) : 0;
	struct task *t = find_task(w, pid);
	char name[24];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, ":"), text);
	if (!strcmp(name, "scan")) {
		t->scanning = true;
		t->lists = 0;
	} else if (!strcmp(name, "scan_end")) {
		t->scanning = false;
	} else if (!strcmp(name, "vms")) {
		t->in_vms = true;
	} else if (!strcmp(name, "vms_end")) {
		t->in_vms = false;
	} else if (!strcmp(name, "lru") && t->scanning) {
		begin_pass(w, t, next_list(t), ns);
		t->held = 0;
	} else if (!strcmp(name, "lru_end") && t->in_pass) {
		t->pass.pages = ret;
		end_pass(w, t, ns);
	} else if (!strcmp(name, "validate") && !t->scanning) {
		t->in_validate = true;
		begin_pass(w, t, RESTORE, ns);
	} else if (!strcmp(name, "validate_end") && t->in_validate) {
		t->in_validate = false;
		end_pass(w, t, ns);
	} else if (!strcmp(name, "pages") && !t->in_pass) {
		begin_pass(w, t, RESTORE, ns);
	} else if (!strcmp(name, "pages_end") && t->in_pass && !t->in_validate && !t->scanning) {
		end_pass(w, t, ns);
	} else if (t->scanning && t->in_pass) {
		note_in_pass(t, name, ret);
	}
}

/* What has to be added to the kernel's clock: both count the same, from different moments */
static int64_t clock_offset(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return machine_ns() - (ts.tv_sec * 1000000000ull + ts.tv_nsec);
}

size_t watch_read(struct pass *passes, size_t max)
{
	struct watch w = { .passes = passes, .max = max, .offset = clock_offset() };

	CHECK_OK(trace_read_timed(note, &w));
	CHECK_OK(trace_empty());
	return w.nr;
}
