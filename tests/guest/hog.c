// SPDX-License-Identifier: GPL-2.0-or-later

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hog.h"
#include "panthor.h"
#include "util.h"
#include "vmstat.h"

#define HUGE (2 * MIB)
#define THP_ENABLED "/sys/kernel/mm/transparent_hugepage/enabled"

enum hog_op { LEAVE_FREE, TAKE, BURST, RELEASE };

struct request {
	unsigned int id;
	enum hog_op op;
	size_t bytes;
	char label[32];
};

struct reply {
	unsigned int id;
	int ret;
};

static int server = -1;			/* the tests' end */
static pid_t hog;

/* The hog's memory: address space is taken whole at the start, memory by touching it. */
struct arena {
	uint8_t *base;
	size_t size;
	size_t used;
};

static struct arena huge_pages, small_pages;

static int arena_init(struct arena *a, size_t size, int advice)
{
	uint8_t *p = mmap(NULL, size + HUGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	a->base = (uint8_t *)(((uintptr_t)p + HUGE - 1) & ~(HUGE - 1));
	a->size = size;
	if (madvise(a->base, size, advice))
		return -errno;
	return mlock2(a->base, size, MLOCK_ONFAULT) ? -errno : 0;
}

static int arena_grow(struct arena *a, size_t bytes, size_t step)
{
	size_t i;

	if (bytes > a->size - a->used)
		return -ENOSPC;
	for (i = 0; i < bytes; i += step)
		*(volatile uint8_t *)(a->base + a->used + i) = 1;
	a->used += bytes;
	return 0;
}

static int arena_shrink(struct arena *a, size_t bytes)
{
	uint8_t *start;

	if (bytes > a->used)
		bytes = a->used;
	a->used -= bytes;
	start = a->base + a->used;
	/* Locked memory cannot be dropped, and is not locked again by itself. */
	if (munlock(start, bytes) || madvise(start, bytes, MADV_DONTNEED) ||
	    mlock2(start, bytes, MLOCK_ONFAULT))
		return -errno;
	return 0;
}

static int leave_free(size_t bytes)
{
	long long spare = meminfo("MemFree") - (long long)bytes;

	if (spare >= (long long)HUGE)
		return arena_grow(&huge_pages, spare / HUGE * HUGE, HUGE);
	if (spare <= -(long long)HUGE)
		return arena_shrink(&huge_pages, -spare / HUGE * HUGE);
	return 0;
}

/* kswapd's process, by its name: kernel threads are found like others. */
static pid_t find_kswapd(void)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	pid_t pid = 0;
	char comm[32];

	if (!d)
		return 0;
	while (!pid && (e = readdir(d)))
		if (read_file(comm, sizeof(comm), "/proc/%s/comm", e->d_name) > 0 &&
		    !strncmp(comm, "kswapd", 6))
			pid = atoi(e->d_name);
	closedir(d);
	return pid;
}

/* Take memory until a buffer is evicted, looking after each step. */
static int take_until_evicted(size_t bytes, const char *label)
{
	size_t done, step = 256 * KIB;
	struct panthor gpu;
	struct gem gem;
	int ret = panthor_find(&gpu);

	for (done = 0; !ret && done < bytes; done += step) {
		ret = arena_grow(&small_pages, step, sysconf(_SC_PAGESIZE));
		if (!ret)
			ret = panthor_gem(&gpu, label, &gem);
		if (!ret && !gem.resident)
			break;
	}
	return ret;
}

static int burst(size_t bytes, const char *label)
{
	struct sched_param none = { 0 }, real_time = { .sched_priority = 1 };
	pid_t kswapd = find_kswapd();
	cpu_set_t before, before_kswapd, one;
	int ret;

	if (!kswapd)
		return -ESRCH;
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	if (sched_getaffinity(0, sizeof(before), &before) ||
	    sched_getaffinity(kswapd, sizeof(before_kswapd), &before_kswapd) ||
	    sched_setaffinity(kswapd, sizeof(one), &one) ||
	    sched_setscheduler(kswapd, SCHED_IDLE, &none) ||
	    sched_setaffinity(0, sizeof(one), &one) ||
	    sched_setscheduler(0, SCHED_FIFO, &real_time))
		return -errno;
	ret = take_until_evicted(bytes, label);
	sched_setscheduler(0, SCHED_OTHER, &none);
	sched_setaffinity(0, sizeof(before), &before);
	sched_setscheduler(kswapd, SCHED_OTHER, &none);
	sched_setaffinity(kswapd, sizeof(before_kswapd), &before_kswapd);
	return ret;
}

static int serve(const struct request *r)
{
	switch (r->op) {
	case LEAVE_FREE:
		return leave_free(r->bytes);
	case TAKE:
		return arena_grow(&small_pages, r->bytes, sysconf(_SC_PAGESIZE));
	case BURST:
		return burst(r->bytes, r->label);
	case RELEASE:
		return arena_shrink(&small_pages, small_pages.used);
	}
	return -EINVAL;
}

static void __attribute__((noreturn)) run_server(int fd)
{
	size_t total = sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
	struct request request;
	struct reply reply;
	char enabled[64];
	bool ready = false;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "hog");
	/* Should memory run out, it is not a test's process that has to go. */
	write_file("/proc/self/oom_score_adj", "1000");
	while (recv(fd, &request, sizeof(request), 0) == sizeof(request)) {
		reply.id = request.id;
		reply.ret = 0;
		if (!ready) {
			/* With little memory the kernel turns huge pages off. */
			if (read_file(enabled, sizeof(enabled), THP_ENABLED) > 0 &&
			    strstr(enabled, "[never]"))
				write_file(THP_ENABLED, "madvise");
			reply.ret = arena_init(&huge_pages, total / HUGE * HUGE, MADV_HUGEPAGE);
			if (!reply.ret)
				reply.ret = arena_init(&small_pages, total / HUGE * HUGE,
						       MADV_NOHUGEPAGE);
			ready = !reply.ret;
		}
		if (ready)
			reply.ret = serve(&request);
		send(fd, &reply, sizeof(reply), 0);
	}
	_exit(0);
}

int hog_start(void)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return -errno;
	hog = fork();
	if (hog < 0)
		return -errno;
	if (!hog) {
		close(fds[0]);
		run_server(fds[1]);
	}
	close(fds[1]);
	server = fds[0];
	return 0;
}

static int ask(enum hog_op op, size_t bytes, const char *label)
{
	/* A test that was ended while it waited leaves a reply for the next one: told by its id. */
	struct request request = { .id = getpid(), .op = op, .bytes = bytes };
	struct reply reply;

	snprintf(request.label, sizeof(request.label), "%s", label);
	if (send(server, &request, sizeof(request), MSG_NOSIGNAL) < 0)
		return -errno;
	do {
		if (recv(server, &reply, sizeof(reply), 0) != sizeof(reply))
			return -EPIPE;
	} while (reply.id != request.id);
	return reply.ret;
}

int hog_leave_free(size_t bytes)
{
	return ask(LEAVE_FREE, bytes, "");
}

int hog_take(size_t bytes)
{
	return ask(TAKE, bytes, "");
}

int hog_burst(size_t bytes, const char *label)
{
	return ask(BURST, bytes, label);
}

int hog_release(void)
{
	return ask(RELEASE, 0, "");
}

int hog_pid(void)
{
	return hog;
}
