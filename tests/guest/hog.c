// SPDX-License-Identifier: GPL-2.0-or-later

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hog.h"
#include "panthor.h"
#include "util.h"
#include "vmstat.h"

#define HUGE (2 * MIB)
#define THP "/sys/kernel/mm/transparent_hugepage"

enum hog_op { LEAVE_FREE, TAKE, TAKE_UNTIL, RELEASE };

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
static size_t room;			/* what it is to leave free at first */
static pid_t hog;

/* The hog's memory: address space is taken whole at the start, memory by touching it. */
struct arena {
	uint8_t *base;
	size_t size;
	size_t used;
};

static struct arena huge_pages, small_pages;
static int kernel_pages[2];		/* a pipe, empty */

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

/* Every page is touched: where no huge page is to be had, 512 small ones take its place. */
static int arena_grow(struct arena *a, size_t bytes)
{
	size_t i, step = sysconf(_SC_PAGESIZE);

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
	if (!bytes)
		return 0;
	a->used -= bytes;
	start = a->base + a->used;
	/* Locked memory cannot be dropped, and is not locked again by itself. */
	if (munlock(start, bytes) || madvise(start, bytes, MADV_DONTNEED) ||
	    mlock2(start, bytes, MLOCK_ONFAULT))
		return -errno;
	return 0;
}

/*
 * The bulk in huge pages, the rest in small ones. Some of what is taken may come
 * out of CMA, which does not count: repeat until it fits.
 */
static int leave_free(size_t bytes)
{
	long long page = sysconf(_SC_PAGESIZE);
	int tries, ret = 0;

	for (tries = 0; !ret && tries < 32; tries++) {
		long long spare = free_memory() - (long long)bytes;

		if (spare <= -(long long)HUGE)
			ret = arena_shrink(&huge_pages, -spare / HUGE * HUGE);
		else if (spare >= (long long)HUGE)
			ret = arena_grow(&huge_pages, spare / HUGE * HUGE);
		else if (spare >= 16 * page)
			ret = arena_grow(&small_pages, spare / page * page);
		else
			break;
	}
	return ret;
}

/*
 * Have the kernel take pages of its own for a moment: a pipe's, of which it keeps
 * less than it can hold (fs/pipe.c). They do not come out of CMA, as the arenas' pages
 * do: whoever asks for one first has to reclaim all that those have taken below the
 * min watermark since. Let it be little, and soon: a page table, long after, asked for
 * more than there was to reclaim, and the OOM killer came.
 */
static int take_kernel_pages(void)
{
	size_t size = sysconf(_SC_PAGESIZE);
	ssize_t n;

	do {
		n = write(kernel_pages[1], small_pages.base, size);
	} while (n > 0);
	if (n < 0 && errno != EAGAIN)
		return -errno;
	do {
		n = read(kernel_pages[0], small_pages.base, size);
	} while (n > 0);
	return n < 0 && errno != EAGAIN ? -errno : 0;
}

/* Take memory until a buffer is evicted, looking after each step. */
static int take_until_evicted(size_t bytes, const char *label)
{
	size_t done, step = 128 * KIB;
	struct panthor gpu;
	struct gem gem;
	int ret = panthor_find(&gpu);

	for (done = 0; !ret && done < bytes; done += step) {
		ret = arena_grow(&small_pages, step) ?: take_kernel_pages();
		if (!ret)
			ret = panthor_gem(&gpu, label, &gem);
		if (!ret && !gem.resident)
			break;
	}
	/* At once: with so little memory left anything else would end in the OOM killer. */
	arena_shrink(&small_pages, small_pages.used);
	return ret;
}

static int serve(const struct request *r)
{
	switch (r->op) {
	case LEAVE_FREE:
		return leave_free(r->bytes);
	case TAKE:
		return arena_grow(&small_pages, r->bytes);
	case TAKE_UNTIL:
		return take_until_evicted(r->bytes, r->label);
	case RELEASE:
		return arena_shrink(&small_pages, small_pages.used);
	}
	return -EINVAL;
}

/*
 * With little memory the kernel turns huge pages off. And looking for one must
 * not reclaim: that is for the small pages to do, where a test wants it.
 */
static int allow_huge_pages(void)
{
	char enabled[64];
	int ret = read_file(enabled, sizeof(enabled), THP "/enabled");

	if (ret > 0 && strstr(enabled, "[never]"))
		ret = write_file(THP "/enabled", "madvise");
	if (ret >= 0)
		ret = write_file(THP "/defrag", "never");
	return ret < 0 ? ret : 0;
}

/* The process that asked last, to notice its end; -1 = nobody. */
static int client = -1;

static void watch_client(pid_t pid)
{
	if (client >= 0)
		close(client);
	client = syscall(SYS_pidfd_open, pid, 0);
}

/*
 * A test that fails leaves memory as short as it made it, too short perhaps to
 * start the next one: give it back when its process is gone.
 */
static bool wait_for_request(int fd)
{
	struct pollfd fds[] = { { .fd = fd, .events = POLLIN }, { .events = POLLIN } };

	for (;;) {
		fds[1].fd = client;
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return false;
		if (fds[1].revents) {
			close(client);
			client = -1;
			arena_shrink(&small_pages, small_pages.used);
		}
		if (fds[0].revents)
			return true;
		fds[1].revents = 0;
	}
}

static int prepare(size_t bytes)
{
	size_t total = sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / HUGE * HUGE;
	int ret;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "hog");
	/* Should memory run out, it is not a test's process that has to go. */
	write_file("/proc/self/oom_score_adj", "1000");
	ret = allow_huge_pages();
	if (!ret)
		ret = arena_init(&huge_pages, total, MADV_HUGEPAGE);
	if (!ret)
		ret = arena_init(&small_pages, total, MADV_NOHUGEPAGE);
	if (!ret && pipe2(kernel_pages, O_NONBLOCK | O_CLOEXEC))
		ret = -errno;
	if (ret < 0)
		return ret;
	setpriority(PRIO_PROCESS, 0, 10);
	ret = leave_free(bytes);
	setpriority(PRIO_PROCESS, 0, 0);
	return ret;
}

static void __attribute__((noreturn)) run_server(int fd, size_t bytes)
{
	int err = prepare(bytes);
	struct request request;
	struct reply reply;

	while (wait_for_request(fd) && recv(fd, &request, sizeof(request), 0) == sizeof(request)) {
		reply.id = request.id;
		reply.ret = err ?: serve(&request);
		watch_client(request.id);
		send(fd, &reply, sizeof(reply), 0);
	}
	_exit(0);
}

int hog_start(size_t leave_free)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return -errno;
	hog = fork();
	if (hog < 0)
		return -errno;
	if (!hog) {
		close(fds[0]);
		run_server(fds[1], leave_free);
	}
	close(fds[1]);
	if (server >= 0)
		close(server);
	server = fds[0];
	room = leave_free;
	return 0;
}

static int ask(enum hog_op op, size_t bytes, const char *label)
{
	/* A test that was ended while it waited leaves a reply for the next one: told by its id. */
	struct request request = { .id = getpid(), .op = op, .bytes = bytes };
	struct reply reply;

	snprintf(request.label, sizeof(request.label), "%s", label);
	if (send(server, &request, sizeof(request), MSG_NOSIGNAL) < 0) {
		/* An earlier test has had it killed for memory: this one gets one of its own. */
		if (errno != EPIPE || hog_start(room))
			return -errno;
		if (send(server, &request, sizeof(request), MSG_NOSIGNAL) < 0)
			return -errno;
	}
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

int hog_take_until_evicted(size_t bytes, const char *label)
{
	return ask(TAKE_UNTIL, bytes, label);
}

int hog_release(void)
{
	return ask(RELEASE, 0, "");
}

int hog_pid(void)
{
	return hog;
}
