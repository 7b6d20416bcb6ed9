// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite lists: two scans of the shrinker at a time, each of which takes the VMs off their
 * list until it is done (panthor_mmu.c, panthor_mmu_reclaim_priv_bos()).
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "fence.h"
#include "gems.h"
#include "harness.h"
#include "host.h"
#include "lists.h"
#include "stream.h"
#include "trace.h"
#include "util.h"

#define VM_LOST		"docs/findings/vm-lost.md"
#define VM_ACTIVE	"mali_lists/vm_active"
#define ROUNDS		10
#define HELD_VA		0x40000000ull
#define LAST_VA		0x50000000ull
#define OTHER_VA	0x60000000ull
/* Less than what the driver gives a command (panthor_mmu.c, wait_ready()), more than a scan takes */
#define LAST_MS		80

/* On the VM's list, behind all others */
static void map_last(struct client *c, struct bo *bo, const char *label, uint64_t va)
{
	client_buffer(c, bo, PAGE, label, va);
	bo->map[0] = 1;
}

static void unmap(struct client *c, struct bo *bo, uint64_t va)
{
	CHECK_OK(vm_unbind(&c->gpu, c->vm, va, bo->size));
	CHECK_OK(bo_destroy(&c->gpu, bo));
}

static pid_t start_scan(struct client *c)
{
	pid_t pid = fork();

	CHECK(pid >= 0, "fork: %s", strerror(errno));
	if (!pid)
		_exit(panthor_shrink(&c->gpu, ALL) < 0);
	return pid;
}

static void count(const char *task, int pid, const char *text, void *data)
{
	++*(unsigned int *)data;
	(void)task;
	(void)pid;
	(void)text;
}

static bool became_active(void)
{
	unsigned int times = 0;

	CHECK_OK(trace_read(VM_ACTIVE, count, &times));
	return times;
}

/* A job that waits for a fence, and then is soon done. Nothing is on a slot until then. */
static void queue_job(struct client *c, size_t without_group, int fence)
{
	const struct sync_point go = { .syncobj = CHECK_OK(syncobj_create(&c->gpu)) };
	const struct sync_point went = { .syncobj = CHECK_OK(syncobj_create(&c->gpu)) };
	const uint64_t nothing[] = { CS_NOP() };

	/* The end of a group has the scheduler put others on its slot, also those without a job. */
	CHECK_OK(group_destroy(&c->gpu, c->group));
	gems_check_freed(&c->gpu, without_group);
	c->group = CHECK_OK(group_create_any_time(&c->gpu, c->vm, 1, PAGE,
						  PANTHOR_GROUP_PRIORITY_MEDIUM));
	CHECK_OK(fence_import(&c->gpu, fence, go.syncobj));
	CHECK_OK(group_submit_syncs(&c->gpu, c->group, 0, 0, 0, &go, 1, &went));
	client_submit(c, 0, 0, nothing, ARRAY_SIZE(nothing));
	CHECK_OK(syncobj_destroy(&c->gpu, went.syncobj));
	CHECK_OK(syncobj_destroy(&c->gpu, go.syncobj));
}

/*
 * A scan waits in vain for a buffer that is held (panthor_gem_try_evict()); the one behind it
 * is evicted slowly, when the VM's own list is empty. During the first a job makes the VM
 * active, by which it goes to the end of the list of VMs; during the second another scan finds
 * it there. Returns whether it all came in this order.
 */
static bool scan_twice(struct client *c, struct fences *fences)
{
	char *rule = inject("as-command va=0x%llx command=lock count=1 optional -> delay time=%dms",
			    LAST_VA, LAST_MS);
	pid_t pid = start_scan(c);
	bool moved, met;

	while (!task_blocked(pid) && !task_ended(pid))
		sleep_ms(1);
	CHECK_OK(trace_empty());
	CHECK_OK(fence_signal(fences));
	while (!became_active() && !task_ended(pid))
		;
	moved = !inject_hits(rule);
	while (!inject_hits(rule) && !task_ended(pid))
		;
	CHECK_OK(panthor_shrink(&c->gpu, ALL));
	met = moved && inject_hits(rule) && !task_ended(pid);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	inject_remove(rule);
	free(rule);
	return met;
}

/* Nothing holds the buffer any more: the next scan evicts it, whatever two did to each other. */
static bool round_of_two(struct client *c, size_t without_group, struct fences *fences, bool *lost)
{
	struct bo held, last, other;
	int dmabuf;
	bool met;

	queue_job(c, without_group, CHECK_OK(fence_create(fences)));
	/* Behind the job: it holds neither */
	map_last(c, &held, "lists-held", HELD_VA);
	map_last(c, &last, "lists-last", LAST_VA);
	dmabuf = CHECK_OK(bo_export(&c->gpu, &held));
	CHECK_OK(fence_attach(dmabuf, CHECK_OK(fence_create(fences))));
	met = scan_twice(c, fences);

	CHECK_OK(syncobj_wait(&c->gpu, c->done, JOB_MS));
	CHECK_OK(fence_signal(fences));
	CHECK_OK(panthor_shrink(&c->gpu, ALL));
	/* Of a round that came too late to tell, nothing is said. */
	*lost = met && lists_resident(&c->gpu, &held);
	if (*lost) {
		/* A buffer that comes onto the VM's list has it put on the list of VMs, if it is on none. */
		map_last(c, &other, "lists-other", OTHER_VA);
		CHECK_OK(panthor_shrink(&c->gpu, ALL));
		CHECK(!lists_resident(&c->gpu, &held), "the buffer is not evicted, for whatever reason");
		unmap(c, &other, OTHER_VA);
	}
	close(dmabuf);
	unmap(c, &last, LAST_VA);
	unmap(c, &held, HELD_VA);
	return met;
}

void test_two_scans(const void *arg)
{
	struct fences fences;
	size_t without_group;
	struct client c;
	bool lost = false;
	int met = 0;

	(void)arg;
	CHECK_OK(panthor_open(&c.gpu));
	lists_need(&c.gpu);
	without_group = gems_size(&c.gpu) + 2 * BO_SIZE;
	panthor_close(&c.gpu);
	client_open(&c, 1);
	client_keep_awake(&c);
	if (fences_open(&fences))
		test_skip("the kernel has neither CONFIG_SW_SYNC nor CONFIG_DRM_VGEM");
	if (trace_define("p:" VM_ACTIVE " panthor_vm_active\n") || trace_start(VM_ACTIVE))
		test_skip("the kernel has no probes (CONFIG_KPROBE_EVENTS)");
	/* The VM has an address space then, and keeps it */
	RUN(&c, CS_NOP());
	for (int round = 0; round < ROUNDS && !lost; round++)
		met += round_of_two(&c, without_group, &fences, &lost);
	metric_int("met", met);
	if (lost)
		test_seen(VM_LOST, "no scan came to the buffer until another one was mapped in its VM");
	else if (!met)
		test_skip("no scan came into another one: the host is too busy");
	fences_close(&fences);
	client_close(&c);
}
