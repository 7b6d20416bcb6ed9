// SPDX-License-Identifier: GPL-2.0-or-later
/* Suite reclaim: VMs and clients that end, and what has to go with them. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gems.h"
#include "group.h"
#include "harness.h"
#include "host.h"
#include "reclaim.h"

/* A VM is destroyed while a VM_BIND of it waits: the buffer goes with its last handle */
static void test_end_bind(const void *arg)
{
	struct scene s;
	int status;

	(void)arg;
	scene_open(&s, "B06b");
	CHECK_OK(group_destroy(&s.rig.gpu, s.rig.vms[0].group));
	CHECK_OK(panthor_vm_destroy(&s.rig.gpu, s.rig.vms[0].vm));
	CHECK_OK(fence_signal(&s.b.fences));
	CHECK_OK(syncobj_wait(&s.rig.gpu, s.b.held, RECLAIM_WAIT_MS));
	status = syncobj_status(&s.rig.gpu, s.b.held);
	CHECK_OK(bo_destroy(&s.rig.gpu, &s.b.bo));
	if (gems_gone(&s.rig.gpu, s.b.bo.label, RECLAIM_WAIT_S / 10))
		return;
	CHECK(!status, "the buffer is still there, although it was not mapped: %s",
	      strerror(-status));
	test_seen("docs/findings/bind-after-destroy.md",
		  "VM_BIND says that it has mapped the buffer in a VM that was destroyed before, "
		  "and the buffer is never freed");
}

/* A process ends with a job that was given up */
static void test_end_job(const void *arg)
{
	struct panthor gpu;
	char label[32];
	int status;
	pid_t pid;

	(void)arg;
	test_allow("job timeout");
	reclaim_need();
	pid = fork();
	CHECK(pid >= 0, "fork: %s", strerror(errno));
	if (!pid) {
		struct scene s;
		uint32_t done;

		scene_open(&s, "B04");
		done = CHECK_OK(syncobj_create(&s.rig.gpu));
		rig_block(&s.rig, 0, BUSY_QUEUE, rig_flag_va(&s.rig, 0), done);
		CHECK_OK(syncobj_wait(&s.rig.gpu, done, RECLAIM_WAIT_MS));
		CHECK_EQ(syncobj_status(&s.rig.gpu, done), -ETIMEDOUT);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_OK(panthor_find(&gpu));
	snprintf(label, sizeof(label), "reclaim-%d", pid);
	CHECK(gems_gone(&gpu, label, GEMS_FREED_S), "a dead process's buffer is still there");
}

/* Nothing reaches what the tables of a VM were when it is gone: its address space is disabled */
static void test_end_space(const void *arg)
{
	double deadline = now() + RECLAIM_WAIT_S / 10;
	struct host_peek peek;
	struct scene s;
	uint64_t va;
	int as;

	(void)arg;
	scene_open(&s, "B03");
	va = s.b.maps[0].va;
	as = rig_find_as(va);
	CHECK(as > 0, "no address space has the buffer");
	host_translate(as, va, "read", &peek);
	EXPECT_EQ(peek.cached.exception, 0);
	scene_close(&s);
	/* Its last reference is a work's of the driver. */
	do {
		sleep_ms(20);
		host_translate(as, va, "read", &peek);
	} while (strcmp(peek.source, "mode") && now() < deadline);
	EXPECT(!strcmp(peek.source, "mode"), "AS %d is still enabled: its answer is by %s", as,
	       peek.source);
	EXPECT(peek.cached.exception, "AS %d passes addresses on", as);
}

static const struct test tests[] = {
	{ "directed.end-bind", "a VM is destroyed while a VM_BIND waits", test_end_bind, NULL, 0 },
	{ "directed.end-job", "a process ends with a job that was given up", test_end_job, NULL,
	  0 },
	{ "directed.end-space", "a VM is gone, and so is its address space", test_end_space, NULL,
	  0 },
};

const struct test_table end_tests = { tests, ARRAY_SIZE(tests) };
