// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite exec: jobs that a sync object lets go while their group is in no slot, and
 * what the driver's scheduler does about it (docs/findings/no-tick-after-sync.md)
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "exec.h"
#include "harness.h"
#include "stream.h"
#include "trace.h"

#define FINDING		"docs/findings/no-tick-after-sync.md"

/*
 * The driver ends a job that waits for 5 s, and looks at its lists every 10 ms as long
 * as it has a reason to
 */
#define LATE_MS		300
#define WATCH_MS	200
#define SETTLE_MS	50

/* Of the job that has the driver look at its lists: its stream, and what ends it */
#define TICK_CODE	0xf000
#define TICK_END_AT	0xf000

/* What is seen of the driver: a look at its lists, and at which groups; what comes of it */
static const char events[] =
	"f:mali/tick tick_work\n"
	"f:mali/look group_is_idle queues=group->queue_count slot=group->csg_id "
		"blocked=group->blocked_queues idle=group->idle_queues\n"
	"f:mali/apply tick_ctx_apply\n";

/* 0, or why the events cannot be had */
static int watching = -ENOENT;

int client_watch_scheduler(void)
{
	watching = trace_define(events);
	watching = watching < 0 ? watching : trace_start("mali/look");
	watching = watching < 0 ? watching : trace_start("mali/apply");
	watching = watching < 0 ? watching : trace_start("mali/tick");
	return watching;
}

struct looked {
	bool over;			/* the first tick has chosen */
	bool runnable;			/* it has found such a group */
};

static void note_look(const char *task, int pid, const char *text, void *data)
{
	struct looked *l = data;
	unsigned int queues, blocked, idle;
	const char *group = strstr(text, " queues=");
	int slot;

	(void)task;
	(void)pid;
	l->over |= !strncmp(text, "apply: ", 7);
	if (l->over || !group ||
	    sscanf(group, " queues=%u slot=%d blocked=%u idle=%u", &queues, &slot, &blocked,
		   &idle) != 4)
		return;
	/* The job that is to cause the tick is of a group with two queues */
	l->runnable |= queues == 1 && slot == -1 && !blocked && !idle;
}

/*
 * The first tick that a job of another group makes the driver do: what it finds. The job
 * ends, and tells the driver that some object has changed, only after that.
 */
static bool tick_finds_runnable(struct client *c)
{
	const uint64_t words[] = {
		CS_MOVE(62, DATA_VA + TICK_END_AT),
		CS_LOAD(R_A, 62, 1, 0), CS_WAIT(0xff), CS_BRANCH(CS_EQ, R_A, -3),
	};
	volatile uint32_t *end = data32(c) + TICK_END_AT / 4;
	double deadline = now() + JOB_MS / 1000;
	struct looked looked = { false, false };

	*end = 0;
	client_submit(c, 0, TICK_CODE, words, ARRAY_SIZE(words));
	while (!trace_read("mali/apply", NULL, NULL)) {
		CHECK(now() < deadline, "a new job causes no tick");
		sleep_ms(1);
	}
	CHECK_OK(trace_read(NULL, note_look, &looked));
	*end = 1;
	CHECK_OK(syncobj_wait(&c->gpu, c->done, JOB_MS));
	return looked.runnable;
}

/*
 * Whether a job is late since its group, with one queue that is neither idle nor blocked,
 * is on the driver's list of those that can run, and no tick comes that would look at it.
 * A tick is then all that is missing, and comes. Late without a tick, and not on the list:
 * that is a bug of somebody else's.
 */
static bool overlooked(struct client *c, uint32_t done, const char *who)
{
	if (watching < 0) {
		test_log("%s is late; cannot watch the driver: %s", who, strerror(-watching));
		return false;
	}
	CHECK_OK(trace_empty());
	if (!syncobj_wait(&c->gpu, done, WATCH_MS) || trace_read("mali/tick", NULL, NULL))
		return false;
	CHECK(tick_finds_runnable(c), "%s is late, and the driver has no group that can run",
	      who);
	return true;
}

bool client_wait_released(struct client *c, uint32_t done, const char *who)
{
	int ret = syncobj_wait(&c->gpu, done, LATE_MS);
	bool bug = false;

	if (ret == -ETIME) {
		bug = overlooked(c, done, who);
		if (bug)
			test_seen(FINDING, "%s could run, and there was no tick for %d ms", who,
				  WATCH_MS);
		ret = syncobj_wait(&c->gpu, done, JOB_MS);
	}
	CHECK_OK(ret);
	return bug;
}

/* --- Let go while somebody else works --- */

/* Of the data: the objects that are waited for, who has come to wait, what is to be done */
#define OBJECT_VA(i)	(DATA_VA + (i) * 16)
#define CAME_AT		0x1000
#define WISH_AT		0x2000
#define WISH_END	1

static unsigned int csg_slots(struct client *c)
{
	struct drm_panthor_csif_info info = { 0 };

	CHECK_OK(panthor_query(&c->gpu, DRM_PANTHOR_DEV_QUERY_CSIF_INFO, &info, sizeof(info)));
	return info.csg_slot_count;
}

static uint32_t waiter_submit(struct client *c, uint32_t group, unsigned int i)
{
	enum { CODE = 0x80 };
	const uint64_t words[] = {
		CS_MOVE(60, OBJECT_VA(i)), CS_MOVE(62, DATA_VA + CAME_AT + i * 4),
		CS_MOVE(R_A, 0ull), CS_MOVE32(R_B, 1), CS_STORE(R_B, 62, 1, 0), CS_WAIT(0xff),
		CS_SYNC_WAIT64(CS_GT, 60, R_A),
	};
	uint32_t done = CHECK_OK(syncobj_create(&c->gpu));

	memcpy(c->code.map + i * CODE, words, sizeof(words));
	CHECK_OK(group_submit(&c->gpu, group, 0, CODE_VA + i * CODE, sizeof(words), 0, done));
	return done;
}

/* Until the CPU wishes an end: add 1 to the object at the address that it wishes */
static uint32_t worker_submit(struct client *c, uint32_t group)
{
	enum { CODE = 0x8000 };
	const uint64_t words[] = {
		CS_MOVE(62, DATA_VA + WISH_AT), CS_MOVE(R_A, 1ull), CS_MOVE(20, 0ull),
		CS_LOAD(60, 62, 3, 0), CS_WAIT(0xff),
		CS_BRANCH(CS_EQ, 60, -3),
		CS_ADD32(22, 60, -WISH_END),
		CS_BRANCH(CS_EQ, 22, 4),
		CS_STORE(20, 62, 3, 0), CS_WAIT(0xff),
		CS_SYNC_ADD64(60, R_A, CS_SYSTEM),
		CS_BRANCH(CS_ALWAYS, 0, -9),
	};
	uint32_t done = CHECK_OK(syncobj_create(&c->gpu));

	memcpy(c->code.map + CODE, words, sizeof(words));
	CHECK_OK(group_submit(&c->gpu, group, 0, CODE_VA + CODE, sizeof(words), 0, done));
	return done;
}

static void wish(struct client *c, uint64_t what)
{
	volatile uint64_t *word = data64(c) + WISH_AT / 8;
	double deadline = now() + JOB_MS / 1000;

	while (*word) {
		CHECK(now() < deadline, "the worker stands still");
		sleep_ms(1);
	}
	*word = what;
}

static void wait_all_came(struct client *c, unsigned int nr)
{
	volatile uint32_t *came = data32(c) + CAME_AT / 4;
	double deadline = now() + JOB_MS / 1000;

	for (unsigned int i = 0; i < nr; i++) {
		while (!came[i]) {
			CHECK(now() < deadline, "group %u does not come to its wait", i);
			sleep_ms(1);
		}
	}
}

/*
 * More groups than slots, all wait. Then one works, and lets them go one by one: none of
 * them has to wait for its end. The driver's bug is the end of it: no job may take 5 s.
 */
void test_release(const void *arg)
{
	enum { MORE = 3, MAX_WAITERS = 31 + MORE };
	uint32_t groups[MAX_WAITERS], done[MAX_WAITERS], worker, worked;
	struct client c = { 0 };
	unsigned int waiters;
	bool bug = false;
	char who[32];

	(void)arg;
	if (client_watch_scheduler() < 0)
		test_skip("needs FPROBE_EVENTS and BTF of the driver in the kernel");
	client_open(&c, 2);
	client_keep_awake(&c);
	waiters = csg_slots(&c) + MORE;
	CHECK(waiters <= MAX_WAITERS, "%u waiters", waiters);
	for (unsigned int i = 0; i < waiters; i++) {
		groups[i] = CHECK_OK(group_create(&c.gpu, c.vm, 1, 4096,
						  PANTHOR_GROUP_PRIORITY_MEDIUM));
		done[i] = waiter_submit(&c, groups[i], i);
	}
	worker = CHECK_OK(group_create(&c.gpu, c.vm, 1, 4096, PANTHOR_GROUP_PRIORITY_MEDIUM));
	wait_all_came(&c, waiters);
	worked = worker_submit(&c, worker);
	/* The last one to come is the least likely to have kept its slot */
	for (unsigned int i = waiters; i-- && !bug; ) {
		/* What the group before has caused is not to help this one */
		sleep_ms(SETTLE_MS);
		EXPECT(syncobj_wait(&c.gpu, done[i], 0) == -ETIME, "group %u does not wait", i);
		wish(&c, OBJECT_VA(i));
		snprintf(who, sizeof(who), "group %u", i);
		bug = client_wait_released(&c, done[i], who);
		EXPECT_EQ(syncobj_status(&c.gpu, done[i]), 0);
	}
	EXPECT_EQ(syncobj_wait(&c.gpu, worked, 0), -ETIME);
	wish(&c, WISH_END);
	CHECK_OK(syncobj_wait(&c.gpu, worked, JOB_MS));
	EXPECT_EQ(syncobj_status(&c.gpu, worked), 0);
	for (unsigned int i = 0; i < waiters; i++)
		CHECK_OK(group_destroy(&c.gpu, groups[i]));
	CHECK_OK(group_destroy(&c.gpu, worker));
	client_close(&c);
}
