// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite reclaim: the list of VMs from which the shrinker takes one after the other
 * (panthor_mmu.c, panthor_mmu_reclaim_priv_bos()).
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "group.h"
#include "harness.h"
#include "host.h"
#include "reclaim.h"

#define VM_LOST		"docs/findings/vm-lost.md"

/* Whatever brings one of the VM's buffers onto its list has it put on the list of VMs, if it is on none */
bool buffer_vm_lost(struct rig *rig, struct buffer *b)
{
	const unsigned int vm = b->maps[0].vm;
	struct bo other;

	CHECK_OK(bo_create(&rig->gpu, &other, PAGE, 0, "reclaim-found"));
	CHECK_OK(bo_mmap(&rig->gpu, &other));
	other.map[0] = 1;
	CHECK_OK(bo_bind(&rig->gpu, &other, rig->vms[vm].vm, rig_other_va(rig, vm) + 96 * MIB));
	CHECK_OK(panthor_shrink(&rig->gpu, ALL_PAGES));
	CHECK_OK(vm_unbind(&rig->gpu, rig->vms[vm].vm, rig_other_va(rig, vm) + 96 * MIB, PAGE));
	CHECK_OK(bo_destroy(&rig->gpu, &other));
	if (buffer_resident(rig, b))
		return false;
	test_seen(VM_LOST, "no scan came to the buffer until another one was mapped in its VM");
	return true;
}

/* --- Two scans at a time --- */

#define SCAN_ROUNDS	5
/* Less than what the driver gives a command (panthor_mmu.c, wait_ready()), more than a scan takes */
#define LAST_MS		80

static pid_t start_scan(struct scene *s)
{
	pid_t pid = fork();

	CHECK(pid >= 0, "fork: %s", strerror(errno));
	if (!pid)
		_exit(panthor_shrink(&s->rig.gpu, ALL_PAGES) < 0);
	return pid;
}

/*
 * A scan has taken all of VM 0's buffers off their list: those that a job holds were waited for
 * in vain, and the last one is evicted slowly. In between the job made the VM an active one, which
 * goes to the end of the list of VMs; a second scan finds it there, without a buffer. Returns
 * whether the two did meet.
 */
static bool two_scans(struct scene *s, struct fences *fences)
{
	const struct sync_point wait = { .syncobj = CHECK_OK(syncobj_create(&s->rig.gpu)) };
	struct sync_point signal = { .syncobj = CHECK_OK(syncobj_create(&s->rig.gpu)) };
	const uint64_t va = rig_other_va(&s->rig, 0);
	uint32_t done = CHECK_OK(syncobj_create(&s->rig.gpu));
	struct bo last;
	bool met;
	char *rule;
	pid_t pid;

	/* Off their slots, so that the job has the VM made active */
	rig_new_groups(&s->rig);
	scene_shrink(s);
	rig_set_flag(&s->rig, 0, 0);
	CHECK_OK(fence_import(&s->rig.gpu, CHECK_OK(fence_create(fences)), wait.syncobj));
	CHECK_OK(group_submit_syncs(&s->rig.gpu, s->rig.vms[0].group, BUSY_QUEUE, 0, 0, &wait, 1,
				    &signal));
	rig_block(&s->rig, 0, BUSY_QUEUE, rig_flag_va(&s->rig, 0), done);
	/* Behind the job: it does not hold this one */
	CHECK_OK(bo_create(&s->rig.gpu, &last, PAGE, 0, "reclaim-last"));
	CHECK_OK(bo_mmap(&s->rig.gpu, &last));
	last.map[0] = 1;
	CHECK_OK(bo_bind(&s->rig.gpu, &last, s->rig.vms[0].vm, va));

	rule = inject("as-command va=0x%llx command=lock count=1 optional -> delay time=%dms",
		      (unsigned long long)va, LAST_MS);
	pid = start_scan(s);
	while (!task_blocked(pid) && !task_ended(pid))
		sleep_ms(1);
	CHECK_OK(fence_signal(fences));
	while (!inject_hits(rule) && !task_ended(pid))
		;
	scene_shrink(s);
	met = inject_hits(rule) && !task_ended(pid);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	inject_remove(rule);
	free(rule);

	rig_need_blocked(&s->rig);
	rig_set_flag(&s->rig, 0, 1);
	CHECK_OK(syncobj_wait(&s->rig.gpu, done, RECLAIM_WAIT_MS));
	CHECK_OK(vm_unbind(&s->rig.gpu, s->rig.vms[0].vm, va, last.size));
	CHECK_OK(bo_destroy(&s->rig.gpu, &last));
	CHECK_OK(syncobj_destroy(&s->rig.gpu, done));
	CHECK_OK(syncobj_destroy(&s->rig.gpu, signal.syncobj));
	CHECK_OK(syncobj_destroy(&s->rig.gpu, wait.syncobj));
	return met;
}

/* Nothing holds the buffer any more: whatever two scans did to each other, the next one evicts it */
static void test_two_scans(const void *arg)
{
	struct fences fences;
	struct scene s;
	int met = 0;

	(void)arg;
	test_known("^I6: ", VM_LOST);
	scene_open(&s, "B04");
	if (fences_open(&fences))
		test_skip("the kernel has neither CONFIG_SW_SYNC nor CONFIG_DRM_VGEM");
	for (int round = 0; round < SCAN_ROUNDS; round++) {
		met += two_scans(&s, &fences);
		scene_shrink(&s);
		if (buffer_resident(&s.rig, &s.b))
			break;
		EXPECT_EQ(buffer_wrong_gpu(&s.rig, &s.b), 0);
	}
	metric_int("met", met);
	if (buffer_resident(&s.rig, &s.b))
		CHECK(buffer_vm_lost(&s.rig, &s.b), "the buffer is not evicted");
	else if (!met)
		test_skip("no scan came into another one: the host is too busy");
	fences_close(&fences);
	scene_verify(&s);
	scene_close(&s);
}

static const struct test tests[] = {
	{ "directed.two-scans", "two scans meet in a VM: it stays on the list", test_two_scans,
	  NULL, 0 },
};

const struct test_table vm_tests = { tests, ARRAY_SIZE(tests) };
