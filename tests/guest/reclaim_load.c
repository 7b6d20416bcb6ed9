// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite reclaim: what else goes on while the shrinker is at work. Most of it is
 * done by a process beside the test, over and over until it is told to stop; if
 * anything goes wrong there, the test fails.
 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fence.h"
#include "group.h"
#include "harness.h"
#include "reclaim.h"
#include "stream.h"

#define WORK_PAGES	32
#define MANY_VMS	9		/* the GPU has 7 for clients */
#define MANY_GROUPS	12		/* it has 8 slots */

/* At most so many turns before the test goes on */
#define TURNS		2

static struct {
	volatile unsigned int turns;
	volatile bool stop;
} *beside;

static pid_t worker;

/* State of the two loads that hold a job of VM 0 */
static struct {
	uint32_t done, wait;
	struct fences fences;
} held;

/* Have a process do something over and over, and wait until it has done so. */
static void start_worker(void (*turn)(struct rig *rig, struct buffer *b), struct rig *rig,
			 struct buffer *b)
{
	double deadline = now() + RECLAIM_WAIT_S;

	beside = mmap(NULL, sizeof(*beside), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	CHECK(beside != MAP_FAILED, "mmap: %s", strerror(errno));
	worker = fork();
	CHECK(worker >= 0, "fork: %s", strerror(errno));
	if (!worker) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (!beside->stop) {
			turn(rig, b);
			beside->turns++;
		}
		_exit(0);
	}
	while (beside->turns < TURNS) {
		CHECK(now() < deadline, "the load did not start in %d s", RECLAIM_WAIT_S);
		CHECK_EQ(waitpid(worker, NULL, WNOHANG), 0);
		sleep_ms(1);
	}
}

static void stop_worker(struct rig *rig, struct buffer *b)
{
	int status;

	beside->stop = true;
	CHECK_EQ(waitpid(worker, &status, 0), worker);
	CHECK_EQ(status, 0);
	metric_int("turns", beside->turns);
	munmap((void *)beside, sizeof(*beside));
	(void)rig;
	(void)b;
}

/* --- Work of another process's, on addresses of no other VM --- */

struct work {
	struct panthor gpu;
	uint32_t vm[MANY_GROUPS], group[MANY_GROUPS];
	struct bo code[MANY_GROUPS];
	uint32_t done;
	unsigned int nr;
};

#define WORK_VA		0x30000000ull
#define COUNT_AT	PAGE
#define SPIN		200000		/* turns of a loop: a millisecond */

#define R_ADDR		60
#define R_VALUE		10
#define R_COUNT		20

static void work_open(struct work *w, unsigned int nr, bool one_vm)
{
	memset(w, 0, sizeof(*w));
	CHECK_OK(panthor_open(&w->gpu));
	w->done = CHECK_OK(syncobj_create(&w->gpu));
	for (w->nr = 0; w->nr < nr; w->nr++) {
		unsigned int i = w->nr;
		uint64_t va = WORK_VA + i * HUGE_PAGE;

		w->vm[i] = one_vm && i ? w->vm[0] : (uint32_t)CHECK_OK(panthor_vm_create(&w->gpu));
		CHECK_OK(bo_create(&w->gpu, &w->code[i], WORK_PAGES * PAGE, 0, "reclaim-work"));
		CHECK_OK(bo_mmap(&w->gpu, &w->code[i]));
		CHECK_OK(bo_bind(&w->gpu, &w->code[i], w->vm[i], va));
		w->group[i] = CHECK_OK(group_create(&w->gpu, w->vm[i], 1, 4096,
						    PANTHOR_GROUP_PRIORITY_MEDIUM));
	}
}

/* A job that takes its time, then adds one to a number */
static void work_submit(struct work *w, unsigned int i, uint32_t signal)
{
	uint64_t va = WORK_VA + i * HUGE_PAGE;
	const uint64_t words[] = {
		CS_MOVE32(R_COUNT, SPIN), CS_ADD32(R_COUNT, R_COUNT, -1),
		CS_BRANCH(CS_GT, R_COUNT, -2),
		CS_MOVE(R_ADDR, va + COUNT_AT), CS_LOAD(R_VALUE, R_ADDR, 3, 0), CS_WAIT(0xff),
		CS_ADD64(R_VALUE, R_VALUE, 1), CS_STORE(R_VALUE, R_ADDR, 3, 0), CS_WAIT(0xff),
	};

	memcpy(w->code[i].map, words, sizeof(words));
	CHECK_OK(group_submit(&w->gpu, w->group[i], 0, va, sizeof(words), 0, signal));
}

static uint64_t work_count(const struct work *w, unsigned int i)
{
	return *(volatile uint64_t *)(w->code[i].map + COUNT_AT);
}

/* One job of each group, all at the same time; each has to have counted */
static void work_turn(unsigned int nr, bool one_vm)
{
	static struct work w;
	static uint64_t turns;

	if (!w.nr)
		work_open(&w, nr, one_vm);
	for (unsigned int i = 0; i < nr; i++)
		work_submit(&w, i, w.done);
	turns++;
	for (unsigned int i = 0; i < nr; i++) {
		double deadline = now() + RECLAIM_WAIT_S;

		while (work_count(&w, i) < turns) {
			CHECK(now() < deadline, "a job of another VM is not done after %d s",
			      RECLAIM_WAIT_S);
			sleep_ms(1);
		}
		CHECK_EQ(work_count(&w, i), turns);
	}
	CHECK_OK(syncobj_wait(&w.gpu, w.done, RECLAIM_WAIT_MS));
}

static void compute(struct rig *rig, struct buffer *b)
{
	work_turn(1, false);
	(void)rig;
	(void)b;
}

static void compute_and_sleep(struct rig *rig, struct buffer *b)
{
	double deadline = now() + RECLAIM_WAIT_S;
	char status[32] = "";

	work_turn(1, false);
	while (!beside->stop && strcmp(status, "suspended")) {
		CHECK(now() < deadline, "the GPU is not suspended");
		CHECK_OK(panthor_power_read(&rig->gpu, "runtime_status", status, sizeof(status)));
		sleep_ms(5);
	}
	(void)b;
}

static void many_vms(struct rig *rig, struct buffer *b)
{
	work_turn(MANY_VMS, false);
	(void)rig;
	(void)b;
}

static void many_groups(struct rig *rig, struct buffer *b)
{
	work_turn(MANY_GROUPS, true);
	(void)rig;
	(void)b;
}

/* In the VM of the buffer */
static void bind_loop(struct rig *rig, struct buffer *b)
{
	static struct bo bo;
	uint64_t va = rig_other_va(rig, 0) + 64 * MIB;

	if (!bo.handle)
		CHECK_OK(bo_create(&rig->gpu, &bo, WORK_PAGES * PAGE, 0, "reclaim-bound"));
	CHECK_OK(bo_bind(&rig->gpu, &bo, rig->vms[0].vm, va));
	CHECK_OK(vm_unbind(&rig->gpu, rig->vms[0].vm, va, bo.size));
	(void)b;
}

/* The buffer itself, by a mapping that comes and goes and is inherited */
static void touch_loop(struct rig *rig, struct buffer *b)
{
	pid_t pid;
	int status;

	buffer_unmap_cpu(b);
	CHECK_EQ(buffer_wrong_cpu(rig, b), 0);
	pid = fork();
	CHECK(pid >= 0, "fork: %s", strerror(errno));
	if (!pid)
		_exit(buffer_wrong_cpu(rig, b) != 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

static void sync_loop(struct rig *rig, struct buffer *b)
{
	int ret = bo_sync(&rig->gpu, &b->bo, beside->turns & 1);

	/* What another driver owns is not for this ioctl */
	CHECK(!ret || (b->state->fate == NO_SHRINKER && ret == -EINVAL), "BO_SYNC: %s",
	      strerror(-ret));
}

/* A process that is killed with a job at work */
static void kill_loop(struct rig *rig, struct buffer *b)
{
	pid_t pid = fork();
	int fds[2], status;
	char c;

	if (pid > 0) {
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 0);
		return;
	}
	/* One process for the pipe's ends, and one that is killed */
	CHECK_EQ(pipe(fds), 0);
	pid = fork();
	if (!pid) {
		struct work w;

		work_open(&w, 1, false);
		work_submit(&w, 0, w.done);
		CHECK_EQ(write(fds[1], "", 1), 1);
		pause();
	}
	CHECK_EQ(read(fds[0], &c, 1), 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	(void)rig;
	(void)b;
	_exit(0);
}

#define WORKER(name)								\
	static void start_##name(struct rig *rig, struct buffer *b)		\
	{									\
		start_worker(name, rig, b);					\
	}

WORKER(compute)
WORKER(compute_and_sleep)
WORKER(many_vms)
WORKER(many_groups)
WORKER(bind_loop)
WORKER(touch_loop)
WORKER(sync_loop)
WORKER(kill_loop)

/* --- A job of VM 0 that does not end --- */

static void start_blocked(struct rig *rig, struct buffer *b)
{
	rig_set_flag(rig, 0, 0);
	held.done = CHECK_OK(syncobj_create(&rig->gpu));
	rig_block(rig, 0, BUSY_QUEUE, rig_flag_va(rig, 0), held.done);
	(void)b;
}

static void stop_blocked(struct rig *rig, struct buffer *b)
{
	rig_need_blocked(rig);
	CHECK_EQ(syncobj_wait(&rig->gpu, held.done, 0), -ETIME);
	rig_set_flag(rig, 0, 1);
	CHECK_OK(syncobj_wait(&rig->gpu, held.done, RECLAIM_WAIT_MS));
	CHECK_OK(syncobj_destroy(&rig->gpu, held.done));
	(void)b;
}

static void start_queued(struct rig *rig, struct buffer *b)
{
	const struct sync_point wait = { .syncobj = CHECK_OK(syncobj_create(&rig->gpu)) };
	struct sync_point signal = { 0 };

	if (fences_open(&held.fences))
		test_skip("the kernel has neither CONFIG_SW_SYNC nor CONFIG_DRM_VGEM");
	CHECK_OK(fence_import(&rig->gpu, CHECK_OK(fence_create(&held.fences)), wait.syncobj));
	held.wait = wait.syncobj;
	held.done = signal.syncobj = CHECK_OK(syncobj_create(&rig->gpu));
	/* An empty stream: only its fence matters */
	CHECK_OK(group_submit_syncs(&rig->gpu, rig->vms[0].group, BUSY_QUEUE, 0, 0, &wait, 1,
				    &signal));
	(void)b;
}

static void stop_queued(struct rig *rig, struct buffer *b)
{
	CHECK_EQ(syncobj_wait(&rig->gpu, held.done, 0), -ETIME);
	CHECK_OK(fence_signal(&held.fences));
	CHECK_OK(syncobj_wait(&rig->gpu, held.done, RECLAIM_WAIT_MS));
	CHECK_OK(syncobj_destroy(&rig->gpu, held.wait));
	CHECK_OK(syncobj_destroy(&rig->gpu, held.done));
	fences_close(&held.fences);
	(void)b;
}

const struct load loads[] = {
	{ "K1", "nothing else", NULL, NULL, .light = true, .alone = true },
	{ "K2", "jobs of another process", .start = start_compute, .stop = stop_worker,
	  .light = true },
	{ "K3", "a job of the VM waits on the GPU", start_blocked, stop_blocked, .busy = true },
	{ "K4", "a job of the VM waits for a fence", start_queued, stop_queued, .busy = true },
	{ "K6", "the GPU goes down and comes up", start_compute_and_sleep, stop_worker,
	  .sleeps = true, .light = true },
	{ "K7", "more VMs than the GPU has", .start = start_many_vms, .stop = stop_worker },
	{ "K8", "VM_BIND in the buffer's VM", .start = start_bind_loop, .stop = stop_worker },
	{ "K9", "CPUs touch the buffer", start_touch_loop, stop_worker, .touches = true },
	{ "K10", "processes are killed at work", .start = start_kill_loop, .stop = stop_worker },
	{ "K12", "BO_SYNC of the buffer", .start = start_sync_loop, .stop = stop_worker,
	  .needs_handle = true },
	{ "K13", "more groups than the GPU has", .start = start_many_groups, .stop = stop_worker },
};

const size_t nr_loads = ARRAY_SIZE(loads);
