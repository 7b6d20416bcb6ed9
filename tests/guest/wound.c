// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite wound: mistakes of the driver that the kernel does not get over until it
 * is booted again. Each test is to be run alone: what is broken after it is told by
 * its page in docs/findings.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "driver.h"
#include "fail.h"
#include "fence.h"
#include "gems.h"
#include "harness.h"
#include "need.h"
#include "trace.h"
#include "vgem.h"
#include "vmstat.h"

#define MAP_VA		0x40000000ull
#define NO_HANDLE	0x7ffffffu
/* In a call that makes a group */
#define MAX_NTH		3000

/* What a kernel says that runs into a wrong pointer, and what ends there */
#define OOPS		"Unable to handle kernel|Internal error: Oops|WARNING: .*workqueue.c|KASAN: null-ptr"

static void open_client(struct client *c)
{
	struct panthor gpu;

	if (panthor_find(&gpu))
		test_skip("there is no GPU any more: run it alone");
	memset(c, 0, sizeof(*c));
	client_open(c, 1);
}

/* In a process of its own, which the kernel may kill. */
static int in_child(int (*call)(struct client *c), struct client *c)
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0, "fork: %m");
	if (!pid)
		_exit(-call(c));
	CHECK(waitpid(pid, &status, 0) == pid, "waitpid: %m");
	return status;
}

static int signal_nothing(struct client *c)
{
	return group_submit(&c->gpu, c->group, 0, CODE_VA, 64, 0, NO_HANDLE);
}

static void test_signal_nothing(const void *arg)
{
	static const char file[] = "docs/findings/signal-nothing.md";
	struct client c;
	int status;

	(void)arg;
	test_known(OOPS, file);
	open_client(&c);
	status = in_child(signal_nothing, &c);
	if (WIFSIGNALED(status))
		test_seen(file, "GROUP_SUBMIT signals a syncobj that is not there: killed by %s",
			  strsignal(WTERMSIG(status)));
	else
		EXPECT_EQ(WEXITSTATUS(status), EINVAL);
}

/* The VM has a mapping of a buffer, and the nth allocation of its destruction fails. */
static void test_vm_destroy(const void *arg)
{
	static const char file[] = "docs/findings/memory-to-free.md";
	struct client c;
	struct bo bo;
	int vm;

	(void)arg;
	test_known("panthor_vm_unmap_range|panthor_vm_destroy|panthor_vm_pool_destroy_vm", file);
	fail_set_up(FAIL_BOTH, NULL, NULL);
	open_client(&c);
	CHECK_OK(bo_create(&c.gpu, &bo, BO_SIZE, 0, "wound-destroy"));
	vm = CHECK_OK(panthor_vm_create(&c.gpu));
	CHECK_OK(bo_bind(&c.gpu, &bo, vm, MAP_VA));
	fail_nth(1);
	EXPECT_EQ(panthor_vm_destroy(&c.gpu, vm), 0);
	fail_end();
	CHECK_OK(bo_destroy(&c.gpu, &bo));
	if (!gems_gone(&c.gpu, "wound-destroy", GEMS_FREED_S))
		test_seen(file, "VM_DESTROY got no memory: what was mapped is never freed");
	client_close(&c);
}

/* Each allocation of a scheduler for the group's queue fails once. */
static int create_groups(struct client *c)
{
	for (unsigned int nth = 1; nth < MAX_NTH; nth++) {
		bool injected;
		int ret;

		fail_nth(nth);
		ret = group_create(&c->gpu, c->vm, 1, 4096, PANTHOR_GROUP_PRIORITY_LOW);
		injected = fail_end();
		/* Without memory for an inode shmem says that it has no space: mm/shmem.c */
		if (ret < 0 && !(injected && (ret == -ENOMEM || ret == -ENOSPC)))
			return ret;
		if (ret >= 0 && group_destroy(&c->gpu, ret))
			return -EIO;
		if (!injected)
			break;
	}
	/* By a work */
	sleep_ms(500);
	return 0;
}

static void test_group_create(const void *arg)
{
	static const char file[] = "docs/findings/queue-without-scheduler.md";
	struct client c;
	int status;

	(void)arg;
	test_known(OOPS, file);
	test_allow("Failed to setup GPU scheduler|Not enough memory to allocate BO label");
	fail_set_up(FAIL_SLAB, NULL, NULL);
	open_client(&c);
	status = in_child(create_groups, &c);
	if (WIFSIGNALED(status)) {
		test_seen(file, "drm_sched_init() got no memory: killed by %s",
			  strsignal(WTERMSIG(status)));
		return;
	}
	EXPECT_EQ(WEXITSTATUS(status), 0);
	client_close(&c);
}

#define IMPORT_SIZE	(64 * KIB)
/* Longer than an unmap takes */
#define UNMAP_S		10

/*
 * What another driver's buffer has for pages only its driver knows. The client is the
 * child's own: a task that dies in there holds the VM's lock, for which its end waits.
 */
static void __attribute__((noreturn)) unmap_tail(int vgem)
{
	struct client c;
	struct bo bo;
	int dmabuf;

	open_client(&c);
	dmabuf = CHECK_OK(vgem_create(vgem, IMPORT_SIZE));
	CHECK_OK(bo_import(&c.gpu, &bo, dmabuf, IMPORT_SIZE));
	CHECK_OK(bo_bind(&c.gpu, &bo, c.vm, MAP_VA));
	_exit(-vm_unbind(&c.gpu, c.vm, MAP_VA + IMPORT_SIZE / 2, IMPORT_SIZE / 2));
}

static void test_unmap_imported(const void *arg)
{
	static const char file[] = "docs/findings/imported-cut.md";
	double deadline = now() + patience(UNMAP_S);
	int status, vgem = vgem_open();
	pid_t pid, ended;

	(void)arg;
	if (vgem < 0)
		test_skip("the kernel has no vgem (CONFIG_DRM_VGEM)");
	test_known(OOPS, file);
	pid = fork();
	CHECK(pid >= 0, "fork: %m");
	if (!pid)
		unmap_tail(vgem);
	while (!(ended = waitpid(pid, &status, WNOHANG)) && now() < deadline)
		sleep_ms(20);
	if (!ended || WIFSIGNALED(status))
		test_seen(file, "a part of an imported buffer's mapping is unmapped: %s",
			  ended ? strsignal(WTERMSIG(status)) : "the task never ends");
	else
		EXPECT_EQ(WEXITSTATUS(status), 0);
}

/* --- The shrinker has a VM when its last user goes --- */

#define VM_FREE		"mali_wound/vm_free"
#define VM_ROUNDS	10
#define VM_BUFFERS	4
#define ALL_PAGES	(1ul << 20)

struct frees {
	pid_t by;
	unsigned int nr;
};

static void note_free(const char *task, int pid, const char *text, void *data)
{
	struct frees *frees = data;

	frees->nr += pid == frees->by;
	(void)task;
	(void)text;
}

/*
 * A VM whose buffers are waited for, 10 ticks each (panthor_gem_try_evict()), is destroyed
 * meanwhile by a task that goes before the shrinker's: once that has let go of the buffer's
 * lock, all that is left to it is the VM. Returns how often it freed it.
 */
static unsigned int end_in_reclaim(struct client *c, struct fences *fences)
{
	int vm = CHECK_OK(panthor_vm_create(&c->gpu)), dmabufs[VM_BUFFERS], status;
	struct bo bos[VM_BUFFERS];
	struct frees frees = { 0 };

	for (int i = 0; i < VM_BUFFERS; i++) {
		CHECK_OK(bo_create(&c->gpu, &bos[i], BO_SIZE, 0, "wound-end"));
		CHECK_OK(bo_mmap(&c->gpu, &bos[i]));
		memset(bos[i].map, 1, BO_SIZE);
		CHECK_OK(bo_bind(&c->gpu, &bos[i], vm, MAP_VA + i * BO_SIZE));
		dmabufs[i] = CHECK_OK(bo_export(&c->gpu, &bos[i]));
		CHECK_OK(fence_attach(dmabufs[i], CHECK_OK(fence_create(fences))));
	}
	CHECK_OK(trace_start(VM_FREE));
	frees.by = fork();
	CHECK(frees.by >= 0, "fork: %m");
	if (!frees.by)
		_exit(task_pin(false) || panthor_shrink(&c->gpu, ALL_PAGES) < 0);
	while (!task_blocked(frees.by) && !task_ended(frees.by))
		sleep_ms(1);
	CHECK_OK(panthor_vm_destroy(&c->gpu, vm));
	CHECK(waitpid(frees.by, &status, 0) == frees.by, "waitpid: %m");
	CHECK_EQ(status, 0);
	CHECK_OK(trace_read(VM_FREE, note_free, &frees));
	for (int i = 0; i < VM_BUFFERS; i++) {
		CHECK_OK(fence_signal(fences));
		close(dmabufs[i]);
		CHECK_OK(bo_destroy(&c->gpu, &bos[i]));
	}
	return frees.nr;
}

static void test_vm_end(const void *arg)
{
	struct fences fences;
	struct client c;
	int round;

	(void)arg;
	driver_may_free_in_reclaim();
	open_client(&c);
	need_shrinker(&c.gpu);
	if (meminfo("SwapTotal") <= 0)
		test_skip("there is no swap, without which nothing is evicted: run with --swap");
	if (fences_open(&fences))
		test_skip("the kernel has neither CONFIG_SW_SYNC nor CONFIG_DRM_VGEM");
	if (trace_define("p:" VM_FREE " panthor_vm_free\n"))
		test_skip("the kernel has no probes (CONFIG_KPROBE_EVENTS)");
	CHECK_OK(panthor_shrink(&c.gpu, ALL_PAGES));
	CHECK_OK(task_pin(true));
	for (round = 0; round < VM_ROUNDS; round++) {
		if (!end_in_reclaim(&c, &fences))
			continue;
		test_seen(FREED_IN_RECLAIM, "round %d: the shrinker has freed a VM, from within reclaim",
			  round + 1);
		break;
	}
	fences_close(&fences);
	client_close(&c);
}

static const struct test tests[] = {
	{ "vm_end", "the shrinker has a VM when its last user goes (run it alone)", test_vm_end,
	  NULL, 0 },
	{ "vm_destroy", "a VM is destroyed, without memory for it (run it alone)", test_vm_destroy,
	  NULL, 0 },
	{ "group_create", "a group, without memory for a scheduler (run it alone)",
	  test_group_create, NULL, 0 },
	{ "unmap_imported", "a part of another driver's buffer is unmapped (run it alone)",
	  test_unmap_imported, NULL, 0 },
	{ "signal_nothing", "a job signals a syncobj that is not there (run it alone)",
	  test_signal_nothing, NULL, 0 },
};

int main(int argc, char **argv)
{
	static const struct suite suite = {
		.name = "wound", .tests = tests, .nr = ARRAY_SIZE(tests),
	};

	return suite_main(&suite, argc, argv);
}
