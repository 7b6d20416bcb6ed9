// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite reclaim: mistakes that were pointed out, or made and mended, when the
 * driver got its shrinker, each provoked by itself. Their names are those of
 * the list of what was raised (S) and of what was changed without a word (M).
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "group.h"
#include "harness.h"
#include "hog.h"
#include "host.h"
#include "klog.h"
#include "need.h"
#include "reclaim.h"

/* --- CPU mappings --- */

#define MAPPERS 3

/* A neighbour that is mapped goes behind one that is not, however often that one was */
static void test_s4(const void *arg)
{
	struct scene s;
	pid_t pids[MAPPERS];
	struct bo neighbour;
	int status;

	(void)arg;
	scene_open(&s, "B01");
	for (int i = 0; i < MAPPERS; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		for (int turn = 0; turn < 40; turn++) {
			buffer_map_cpu(&s.rig, &s.b);
			if (!(turn % 8) && !fork())
				_exit(0);
			buffer_unmap_cpu(&s.b);
		}
		while (wait(NULL) > 0)
			;
		_exit(0);
	}
	for (int i = 0; i < MAPPERS; i++) {
		CHECK_EQ(waitpid(pids[i], &status, 0), pids[i]);
		CHECK_EQ(status, 0);
	}
	CHECK_OK(bo_create(&s.rig.gpu, &neighbour, PAGE, 0, "reclaim-neighbour"));
	CHECK_OK(bo_mmap(&s.rig.gpu, &neighbour));
	neighbour.map[0] = 1;
	EXPECT_EQ(CHECK_OK(panthor_shrink(&s.rig.gpu, 1)), s.b.pages);
	CHECK_OK(bo_munmap(&neighbour));
	/* And now it is the one that is not mapped */
	EXPECT_EQ(buffer_wrong_cpu(&s.rig, &s.b), 0);
	EXPECT_EQ(CHECK_OK(panthor_shrink(&s.rig.gpu, 1)), 1);
	CHECK_OK(bo_destroy(&s.rig.gpu, &neighbour));
	scene_verify(&s);
	scene_close(&s);
}

/* What the processes of one try tell each other */
struct race {
	volatile bool mapped, close, closed, map, again, end;
};

/* Which of the flushes of a scan is that for the buffer depends on what else there is */
#define RACE_FLUSHES	8
#define RACE_TRIES	(4 * RACE_FLUSHES)

static void wait_for(const volatile bool *flag)
{
	while (!*flag)
		sleep_ms(1);
}

/* The only mapping of the buffer, and its end */
static void race_close(struct scene *s, struct race *race)
{
	struct buffer b = s->b;

	buffer_map_cpu(&s->rig, &b);
	race->mapped = true;
	wait_for(&race->close);
	buffer_unmap_cpu(&b);
	race->closed = true;
}

/* The one that comes in between: it has to show what the buffer has, and goes as any other */
static void race_map(struct scene *s, struct race *race)
{
	struct buffer b = s->b;

	wait_for(&race->map);
	buffer_map_cpu(&s->rig, &b);
	race->again = true;
	wait_for(&race->end);
	EXPECT_EQ(buffer_wrong_cpu(&s->rig, &b), 0);
	buffer_unmap_cpu(&b);
}

static void race_shrink(struct scene *s, struct race *race)
{
	(void)race;
	panthor_shrink(&s->rig.gpu, ALL_PAGES);
}

static pid_t race_start(struct scene *s, struct race *race,
			void (*fn)(struct scene *s, struct race *race))
{
	pid_t pid = fork();

	CHECK(pid >= 0, "fork: %s", strerror(errno));
	if (pid)
		return pid;
	fn(s, race);
	_exit(0);
}

static bool race_once(struct scene *s, struct race *race, unsigned int flush)
{
	pid_t pids[3];
	bool met = false;
	char *rule;
	int status;

	memset(race, 0, sizeof(*race));
	/* It is back, and its VM active */
	EXPECT_EQ(buffer_wrong_gpu(&s->rig, &s->b), 0);
	pids[0] = race_start(s, race, race_close);
	pids[1] = race_start(s, race, race_map);
	wait_for(&race->mapped);
	rule = inject("flush skip=%u count=1 optional -> delay time=95ms", flush);
	pids[2] = race_start(s, race, race_shrink);
	while (!inject_hits(rule) && !waitpid(pids[2], &status, WNOHANG))
		;
	race->close = true;
	while (!race->closed && !met)
		met = task_blocked(pids[0]);
	race->map = true;
	wait_for(&race->again);
	met &= !race->closed;
	waitpid(pids[2], &status, 0);
	wait_for(&race->closed);
	/* Not if it counts as one that nobody has mapped */
	scene_shrink(s);
	race->end = true;
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(waitpid(pids[i], &status, 0), pids[i]);
		CHECK_EQ(status, 0);
	}
	inject_remove(rule);
	free(rule);
	return met;
}

/*
 * The last munmap() waits for the buffer's lock, which an eviction with a slow flush has, and
 * an mmap() that needs no lock comes before it: panthor_gem_vm_close(), panthor_gem_mmap()
 */
static void test_s4_last(const void *arg)
{
	struct race *race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int tries = 0;
	struct scene s;

	(void)arg;
	CHECK(race != MAP_FAILED, "mmap: %s", strerror(errno));
	scene_open(&s, "B04");
	while (!race_once(&s, race, tries % RACE_FLUSHES))
		if (++tries == RACE_TRIES)
			test_skip("no mmap came in between in %d tries: the host is too busy",
				  RACE_TRIES);
	metric_int("tries", tries + 1);
	scene_verify(&s);
	scene_close(&s);
}

/* --- Evicted, and touched --- */

/* A VM_BIND that waits holds the evicted buffer when a job comes that needs it */
static void test_s18(const void *arg)
{
	uint32_t wait, signal;
	struct fences fences;
	struct scene s;

	(void)arg;
	scene_open(&s, "B07");
	if (fences_open(&fences))
		test_skip("the kernel has neither CONFIG_SW_SYNC nor CONFIG_DRM_VGEM");
	wait = CHECK_OK(syncobj_create(&s.rig.gpu));
	signal = CHECK_OK(syncobj_create(&s.rig.gpu));
	CHECK_OK(fence_import(&s.rig.gpu, CHECK_OK(fence_create(&fences)), wait));
	CHECK_OK(bo_bind_later(&s.rig.gpu, &s.b.bo, s.rig.vms[0].vm, rig_other_va(&s.rig, 0), wait,
			       signal));
	EXPECT_EQ(buffer_wrong_gpu(&s.rig, &s.b), 0);
	CHECK_OK(fence_signal(&fences));
	CHECK_OK(syncobj_wait(&s.rig.gpu, signal, RECLAIM_WAIT_MS));
	scene_verify(&s);
	fences_close(&fences);
	scene_close(&s);
}

/* Evicted, touched by the CPU, evicted: there is nothing more to unmap from the GPU */
static void test_s19(const void *arg)
{
	struct scene s;
	struct gem gem;

	(void)arg;
	scene_open(&s, "B05");
	for (int i = 1; i <= 3; i++) {
		scene_shrink(&s);
		buffer_gem(&s.rig, &s.b, &gem);
		EXPECT_EQ(gem.evictions, i);
		EXPECT_EQ(gem.resident, 0);
		buffer_check_unreachable(&s.b);
		buffer_map_cpu(&s.rig, &s.b);
		buffer_fill_cpu(&s.b);
	}
	scene_verify(&s);
	scene_close(&s);
}

/*
 * Evicted and touched by the CPU it is a buffer that only the CPU has mapped:
 * it goes before the others of the VM, although they are there for longer.
 */
static void test_s20(const void *arg)
{
	struct scene s;

	(void)arg;
	scene_open(&s, "B04");
	scene_shrink(&s);
	EXPECT_EQ(buffer_wrong_cpu(&s.rig, &s.b), 0);
	/* The next job would bring it back: only a VM's that does not have it */
	rig_read_pages(&s.rig, 1, s.rig.vms[1].base, 1);
	EXPECT_EQ(CHECK_OK(panthor_shrink(&s.rig.gpu, 1)), s.b.pages);
	EXPECT(!buffer_resident(&s.rig, &s.b), "another buffer went first");
	scene_verify(&s);
	scene_close(&s);
}

/* --- Signals --- */

#define SIGNAL_EVERY_MS 1

static void no_matter(int sig)
{
	(void)sig;
}

/*
 * A page fault waits for the lock of a buffer that is evicted slowly, while signals
 * come all the time: it is tried again after each of them, and succeeds in the end.
 */
static void test_s11(const void *arg)
{
	const struct itimerval every = {
		.it_interval.tv_usec = SIGNAL_EVERY_MS * 1000,
		.it_value.tv_usec = SIGNAL_EVERY_MS * 1000,
	}, never = { 0 };
	struct rusage before, after;
	struct scene s;
	int status;
	pid_t pid;

	(void)arg;
	scene_open(&s, "B03");
	free(inject("flush -> delay time=50ms"));
	pid = fork();
	CHECK(pid >= 0, "fork: %s", strerror(errno));
	if (!pid) {
		for (int i = 0; i < 10; i++)
			scene_shrink(&s);
		_exit(0);
	}
	signal(SIGALRM, no_matter);
	CHECK_EQ(getrusage(RUSAGE_SELF, &before), 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &every, NULL), 0);
	while (!waitpid(pid, &status, WNOHANG))
		EXPECT_EQ(buffer_wrong_cpu(&s.rig, &s.b), 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &never, NULL), 0);
	CHECK_EQ(getrusage(RUSAGE_SELF, &after), 0);
	metric_int("faults", after.ru_minflt - before.ru_minflt);
	CHECK_EQ(status, 0);
	scene_verify(&s);
	scene_close(&s);
}

/* --- BO_SYNC --- */

#define SYNC_SIZE (16 * MIB)

static void test_s21(const void *arg)
{
	struct scene s;
	struct bo bo;
	int status;
	pid_t pid;

	(void)arg;
	scene_open(&s, "B16");
	CHECK_OK(bo_create(&s.rig.gpu, &bo, SYNC_SIZE, DRM_PANTHOR_BO_WB_MMAP, "reclaim-sync"));
	CHECK_OK(bo_mmap(&s.rig.gpu, &bo));
	pid = fork();
	if (!pid) {
		for (int i = 0; i < 30; i++) {
			bo.map[i * PAGE] = 1;
			CHECK_OK(bo_sync(&s.rig.gpu, &bo, i & 1));
		}
		_exit(0);
	}
	do {
		scene_shrink(&s);
	} while (!waitpid(pid, &status, WNOHANG));
	CHECK_EQ(status, 0);
	CHECK_OK(bo_destroy(&s.rig.gpu, &bo));
	scene_verify(&s);
	scene_close(&s);
}

/* There is nothing to synchronize, and no reason to bring it back */
static void test_s22(const void *arg)
{
	struct scene s;
	struct gem gem;

	(void)arg;
	scene_open(&s, "B16");
	scene_shrink(&s);
	CHECK_OK(bo_sync(&s.rig.gpu, &s.b.bo, false));
	CHECK_OK(bo_sync(&s.rig.gpu, &s.b.bo, true));
	buffer_gem(&s.rig, &s.b, &gem);
	EXPECT_EQ(gem.resident, 0);
	scene_verify(&s);
	scene_close(&s);
}

/* --- The order of locks --- */

/*
 * A VM's queue takes the lock of a buffer's list of mappings (gpuva.lock) where others wait for its
 * fence, and whoever removes mappings of the CPU may have to wait for fences. An eviction that did
 * so with that lock held would close the circle, which lockdep tells.
 */
static void test_s23(const void *arg)
{
	struct rig_vm *vm;
	struct scene s;

	(void)arg;
	need_lockdep();
	scene_open(&s, "B04");
	vm = &s.rig.vms[0];
	CHECK_OK(bo_bind(&s.rig.gpu, &s.b.bo, vm->vm, rig_other_va(&s.rig, 0)));
	CHECK_OK(vm_unbind_async(&s.rig.gpu, vm->vm, rig_other_va(&s.rig, 0), s.b.bo.size,
				 s.rig.done));
	CHECK_OK(syncobj_wait(&s.rig.gpu, s.rig.done, RECLAIM_WAIT_MS));
	buffer_map_cpu(&s.rig, &s.b);
	buffer_fill_cpu(&s.b);
	scene_shrink(&s);
	CHECK(!buffer_resident(&s.rig, &s.b), "it is not evicted");
	scene_verify(&s);
	scene_close(&s);
}

/*
 * A buffer that is no longer mapped goes at once, whatever jobs of the VM do: nothing waits
 * for them with the lock held that their VM_BINDs take.
 */
static void test_m7(const void *arg)
{
	struct scene s;
	uint32_t done;
	uint64_t va;

	(void)arg;
	scene_open(&s, "B04");
	va = s.b.maps[0].va;
	done = CHECK_OK(syncobj_create(&s.rig.gpu));
	rig_set_flag(&s.rig, 0, 0);
	rig_block(&s.rig, 0, BUSY_QUEUE, rig_flag_va(&s.rig, 0), done);
	CHECK_OK(vm_unbind(&s.rig.gpu, s.rig.vms[0].vm, va, s.b.bo.size));
	scene_shrink(&s);
	rig_need_blocked(&s.rig);
	EXPECT(!buffer_resident(&s.rig, &s.b), "it is not evicted while a job waits");
	CHECK_EQ(syncobj_wait(&s.rig.gpu, done, 0), -ETIME);
	rig_set_flag(&s.rig, 0, 1);
	CHECK_OK(syncobj_wait(&s.rig.gpu, done, RECLAIM_WAIT_MS));
	CHECK_OK(bo_bind(&s.rig.gpu, &s.b.bo, s.rig.vms[0].vm, va));
	scene_verify(&s);
	scene_close(&s);
}

/* --- A job that comes before the driver has cleaned up after a VM_BIND --- */

#define WORK_CPUS	"/sys/devices/virtual/workqueue/cpumask"
#define CLEANUP_ROUNDS	20

/* Works of the kernel run on this task's CPU, and it before all others there */
static void go_before_works(void)
{
	CHECK_OK(tunable_set(WORK_CPUS, "1"));
	CHECK_OK(task_pin(true));
}

/*
 * Another private buffer is unbound by the VM's queue, and once that is signalled, a job
 * has the one under test restored: with the VM's lock, which the clean-up after the other
 * one takes as well.
 */
static void test_m10(const void *arg)
{
	struct rig_vm *vm;
	struct scene s;
	struct bo other;

	(void)arg;
	scene_open(&s, "B03");
	vm = &s.rig.vms[0];
	go_before_works();
	for (int i = 0; i < CLEANUP_ROUNDS; i++) {
		CHECK_OK(bo_create_private(&s.rig.gpu, &other, PAGE, 0, vm->vm, "reclaim-other"));
		CHECK_OK(bo_bind(&s.rig.gpu, &other, vm->vm, rig_other_va(&s.rig, 0)));
		CHECK_OK(bo_destroy(&s.rig.gpu, &other));
		scene_shrink(&s);
		CHECK(!buffer_resident(&s.rig, &s.b), "it is not evicted");
		CHECK_OK(vm_unbind_async(&s.rig.gpu, vm->vm, rig_other_va(&s.rig, 0), PAGE,
					 s.rig.done));
		CHECK_OK(syncobj_wait(&s.rig.gpu, s.rig.done, RECLAIM_WAIT_MS));
		CHECK_OK(scene_submit_empty(&s, 0));
		CHECK_OK(syncobj_wait(&s.rig.gpu, s.rig.done, RECLAIM_WAIT_MS));
	}
	scene_verify(&s);
	scene_close(&s);
}

/* --- Shapes --- */

/* An evicted buffer of the VM and a new mapping of it: both have to come back */
static void test_m12(const void *arg)
{
	struct scene s;

	(void)arg;
	scene_open(&s, "B09");
	buffer_check_reachable(&s.b);
	scene_shrink(&s);
	buffer_check_unreachable(&s.b);
	scene_shrink(&s);
	scene_verify(&s);
	scene_close(&s);
}

/* A mapping of the CPU's that is in pieces when pages are faulted in */
static void test_s10(const void *arg)
{
	struct scene s;

	(void)arg;
	scene_open(&s, "B19");
	scene_shrink(&s);
	s.b.state->settle(&s.rig, &s.b);
	scene_verify(&s);
	scene_close(&s);
}

/* --- Out of memory --- */

/* Takes memory that cannot be swapped out until it is killed */
static void __attribute__((noreturn)) eat(void)
{
	prctl(PR_SET_NAME, "eater");
	CHECK_OK(write_file("/proc/self/oom_score_adj", "1000"));
	for (;;) {
		void *p = mmap(NULL, MIB, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);

		CHECK(p != MAP_FAILED, "mmap: %s", strerror(errno));
	}
}

static bool killed_for_memory(struct klog *log, pid_t pid)
{
	struct klog_record record;
	char text[64];

	snprintf(text, sizeof(text), "Killed process %d (eater)", pid);
	while (klog_read(log, &record))
		if (strstr(record.text, text))
			return true;
	return false;
}

/* Buffers are evicted before a process is killed, and it is the one that takes all */
static void test_oom(const void *arg)
{
	struct scene s;
	struct klog log;
	char path[64];
	struct gem gem;
	int status;
	pid_t pid;

	(void)arg;
	test_allow("oom-killer|Out of memory|oom_reaper|Mem-Info|Call trace");
	scene_open(&s, "B04");
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", hog_pid());
	CHECK_OK(tunable_set(path, "0"));
	CHECK_OK(klog_open(&log, true));
	pid = fork();
	CHECK(pid >= 0, "fork: %s", strerror(errno));
	if (!pid)
		eat();
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "it ended with status 0x%x",
	       status);
	EXPECT(killed_for_memory(&log, pid), "the kernel does not say that it killed it");
	klog_close(&log);
	buffer_gem(&s.rig, &s.b, &gem);
	EXPECT(gem.evictions, "a process was killed before the buffer was evicted");
	scene_verify(&s);
	scene_close(&s);
}

static const struct test tests[] = {
	{ "directed.S4", "mmap, munmap and fork at the same time", test_s4, NULL, 0 },
	{ "directed.S10", "faults in pieces of a CPU mapping", test_s10, NULL, 0 },
	{ "directed.S4-last", "mmap while the last munmap waits for an eviction", test_s4_last,
	  NULL, 0 },
	{ "directed.S11", "page faults, signals and a slow eviction", test_s11, NULL, 0 },
	{ "directed.S18", "evicted, held by a VM_BIND, then a job", test_s18, NULL, 0 },
	{ "directed.S19", "evicted, touched by the CPU, evicted", test_s19, NULL, 0 },
	{ "directed.S20", "evicted, touched by the CPU: easier than what is bound", test_s20,
	  NULL, 0 },
	{ "directed.S21", "BO_SYNC while the pages are taken", test_s21, NULL, 0 },
	{ "directed.S22", "BO_SYNC of an evicted buffer", test_s22, NULL, 0 },
	{ "directed.S23", "the order of locks: a VM_BIND, then evicted while the CPU has it mapped",
	  test_s23, NULL, 0 },
	{ "directed.M7", "unmapped, and evicted while a job of the VM waits", test_m7, NULL, 0 },
	{ "directed.M12", "evicted, mapped again, evicted", test_m12, NULL, 0 },
	{ "directed.oom", "evicted before a process is killed for memory", test_oom, NULL, 0 },
	{ "directed.M10", "a job restores while a VM_BIND is cleaned up after", test_m10, NULL, 30 },
};

const struct test_table directed_tests = { tests, ARRAY_SIZE(tests) };
