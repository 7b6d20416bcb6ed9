// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite exec: groups without a slot, while others keep all slots busy: who gets one at
 * once, who waits for the scheduler's period, and what of a queue that is blocked.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec.h"
#include "harness.h"
#include "stream.h"
#include "trace.h"

/* More than slots, so that a group that has nothing to do, or waits, loses its own */
#define MORE		2
#define MAX_LOOPERS	(31 + MORE)

/* The driver's period is 10 ms or more, and longer on a host that is busy */
#define SETTLE_MS	50
#define TICKS		4
#define ROUNDS		6

/* Of the code: whoever loops, the one that writes sync objects, the group that is looked at */
#define LOOP_CODE	0x0000
#define WORK_CODE	0x0100
#define TEST_CODE	0x0200
#define LATER_CODE	0x0300

/* Of the data: one cell a cache line */
#define STOP_AT		0x000		/* all loopers */
#define WISH_AT		0x040		/* of the worker: the object that is to be counted up */
#define OBJECT_AT	0x080
#define TOLD_AT		0x0c0		/* the group that is looked at is to end */
#define CAME_AT		0x100		/* its jobs: before the wait, after it, the second one */
#define WENT_AT		0x140
#define LATER_AT	0x180
#define COUNT_AT	0x1c0		/* its other queue */

struct crowd {
	struct client c;
	unsigned int nr;
	uint32_t groups[MAX_LOOPERS], done[MAX_LOOPERS];
	uint32_t group, waited, later;	/* the one that is looked at, and its jobs' ends */
};

static volatile uint32_t *cell(struct crowd *w, unsigned int at)
{
	return data32(&w->c) + at / 4;
}

static void await_cell(struct crowd *w, unsigned int at, uint32_t value, const char *what)
{
	double deadline = now() + JOB_MS / 1000;

	while (*cell(w, at) != value) {
		CHECK(now() < deadline, "%s: 0x%x is %u instead of %u", what, at, *cell(w, at),
		      value);
		sleep_ms(1);
	}
}

/* Loops until all are to stop; the first one counts up the object that is wished for, too. */
static void write_loops(struct crowd *w)
{
	const uint64_t loop[] = {
		CS_MOVE(60, DATA_VA),
		CS_LOAD(R_A, 60, 1, STOP_AT), CS_WAIT(0xff), CS_BRANCH(CS_EQ, R_A, -3),
	};
	const uint64_t work[] = {
		CS_MOVE(60, DATA_VA), CS_MOVE(20, 1ull), CS_MOVE(22, 0ull),
		CS_LOAD(R_A, 60, 1, STOP_AT), CS_LOAD(64, 60, 3, WISH_AT), CS_WAIT(0xff),
		CS_BRANCH(CS_NE, R_A, 5),
		CS_BRANCH(CS_EQ, 64, -5),
		CS_STORE(22, 60, 3, WISH_AT), CS_WAIT(0xff),
		CS_SYNC_ADD64(64, 20, CS_SYSTEM),
		CS_BRANCH(CS_ALWAYS, 0, -9),
	};

	memcpy(w->c.code.map + LOOP_CODE, loop, sizeof(loop));
	memcpy(w->c.code.map + WORK_CODE, work, sizeof(work));
	for (unsigned int i = 0; i < w->nr; i++)
		CHECK_OK(group_submit(&w->c.gpu, w->groups[i], 0,
				      CODE_VA + (i ? LOOP_CODE : WORK_CODE),
				      i ? sizeof(loop) : sizeof(work), 0, w->done[i]));
}

static void crowd_open(struct crowd *w, unsigned int queues, uint8_t priority)
{
	struct drm_panthor_csif_info info = { 0 };
	struct client *c = &w->c;

	if (client_watch_scheduler() < 0)
		test_skip("needs FPROBE_EVENTS and BTF of the driver in the kernel");
	client_open(c, 1);
	client_keep_awake(c);
	CHECK_OK(panthor_query(&c->gpu, DRM_PANTHOR_DEV_QUERY_CSIF_INFO, &info, sizeof(info)));
	w->nr = info.csg_slot_count + MORE;
	CHECK(w->nr <= MAX_LOOPERS, "%u groups", w->nr);
	for (unsigned int i = 0; i < w->nr; i++) {
		w->groups[i] = CHECK_OK(group_create(&c->gpu, c->vm, 1, 4096,
						     PANTHOR_GROUP_PRIORITY_MEDIUM));
		w->done[i] = CHECK_OK(syncobj_create(&c->gpu));
	}
	w->group = CHECK_OK(group_create(&c->gpu, c->vm, queues, 4096, priority));
	w->waited = CHECK_OK(syncobj_create(&c->gpu));
	w->later = CHECK_OK(syncobj_create(&c->gpu));
}

static void crowd_stop(struct crowd *w)
{
	*cell(w, STOP_AT) = 1;
	for (unsigned int i = 0; i < w->nr; i++) {
		CHECK_OK(syncobj_wait(&w->c.gpu, w->done[i], JOB_MS));
		EXPECT_EQ(syncobj_status(&w->c.gpu, w->done[i]), 0);
	}
}

static void crowd_close(struct crowd *w)
{
	for (unsigned int i = 0; i < w->nr; i++)
		CHECK_OK(group_destroy(&w->c.gpu, w->groups[i]));
	CHECK_OK(group_destroy(&w->c.gpu, w->group));
	client_close(&w->c);
}

/* A job that waits for the object, if it has to, and then until it is told to end */
static void test_submit(struct crowd *w, bool waits)
{
	const uint64_t words[] = {
		CS_MOVE(60, DATA_VA), CS_MOVE(62, DATA_VA + OBJECT_AT), CS_MOVE(64, 0ull),
		CS_MOVE32(R_B, 1), CS_STORE(R_B, 60, 1, CAME_AT), CS_WAIT(0xff),
		waits ? CS_SYNC_WAIT64(CS_GT, 62, 64) : CS_NOP(),
		CS_STORE(R_B, 60, 1, WENT_AT), CS_WAIT(0xff),
		CS_LOAD(R_A, 60, 1, TOLD_AT), CS_WAIT(0xff), CS_BRANCH(CS_EQ, R_A, -3),
	};

	memcpy(w->c.code.map + TEST_CODE, words, sizeof(words));
	CHECK_OK(group_submit(&w->c.gpu, w->group, 0, CODE_VA + TEST_CODE, sizeof(words), 0,
			      w->waited));
}

/* One behind it in the ring: what it finds of the first */
static void later_submit(struct crowd *w)
{
	const uint64_t words[] = {
		CS_MOVE(60, DATA_VA), CS_LOAD(R_A, 60, 1, WENT_AT), CS_WAIT(0xff),
		CS_ADD32(R_A, R_A, 1), CS_STORE(R_A, 60, 1, LATER_AT), CS_WAIT(0xff),
	};

	memcpy(w->c.code.map + LATER_CODE, words, sizeof(words));
	CHECK_OK(group_submit(&w->c.gpu, w->group, 0, CODE_VA + LATER_CODE, sizeof(words), 0,
			      w->later));
}

static void release(struct crowd *w)
{
	*(volatile uint64_t *)(w->c.data.map + WISH_AT) = DATA_VA + OBJECT_AT;
}

/* The scheduler is told to come at once; from tick to tick, it is told to come later */
static const char requests[] =
	"f:slots/ask mod_delayed_work_on what=dwork->work.func:symbol delay=delay:u64\n";

static int watch_requests(void)
{
	int ret = trace_define(requests);

	return ret < 0 ? ret : trace_start("slots/ask");
}

/* A few ticks after this a group that has nothing to do, or waits, has no slot. */
static void await_ticks(void)
{
	double deadline = now() + JOB_MS / 1000;

	CHECK_OK(trace_empty());
	while (CHECK_OK(trace_read("mali/tick", NULL, NULL)) < TICKS) {
		CHECK(now() < deadline, "no ticks while all slots are busy");
		sleep_ms(SETTLE_MS);
	}
	CHECK_OK(trace_empty());
}

static void note_request(const char *task, int pid, const char *text, void *data)
{
	const char *delay = strstr(text, " delay=");

	(void)task;
	(void)pid;
	if (strstr(text, "what=tick_work") && delay && !strtoull(delay + 7, NULL, 0))
		++*(unsigned int *)data;
}

static bool asked_at_once(void)
{
	unsigned int asked = 0;

	CHECK(CHECK_OK(trace_read("slots/ask", note_request, &asked)) > 0,
	      "not even the ticks' own requests are seen");
	return asked;
}

/* What wakes the group that is looked at, and whether the scheduler comes at once */
struct waking {
	enum { BY_JOB, BY_SYNC, BY_LATER_JOB } how;
	uint8_t priority;
	bool at_once;
};

const struct waking waking_realtime_job = { BY_JOB, PANTHOR_GROUP_PRIORITY_REALTIME, true };
const struct waking waking_high_job = { BY_JOB, PANTHOR_GROUP_PRIORITY_HIGH, false };
const struct waking waking_realtime_sync = { BY_SYNC, PANTHOR_GROUP_PRIORITY_REALTIME, true };
const struct waking waking_high_sync = { BY_SYNC, PANTHOR_GROUP_PRIORITY_HIGH, false };
/* Nothing that it could do has come */
const struct waking waking_blocked_job = { BY_LATER_JOB, PANTHOR_GROUP_PRIORITY_REALTIME, false };

static bool round_of(struct crowd *w, const struct waking *wake)
{
	bool asked;

	memset(w->c.data.map, 0, BO_SIZE);
	write_loops(w);
	if (wake->how != BY_JOB) {
		test_submit(w, true);
		await_cell(w, CAME_AT, 1, "a job with a higher priority");
	}
	await_ticks();
	if (wake->how == BY_JOB)
		test_submit(w, false);
	else if (wake->how == BY_SYNC)
		release(w);
	else
		later_submit(w);
	if (wake->how != BY_LATER_JOB)
		await_cell(w, WENT_AT, 1, "the group that was woken");
	/* What goes on from tick to tick is to be seen, too */
	sleep_ms(SETTLE_MS);
	asked = asked_at_once();
	if (wake->how == BY_LATER_JOB) {
		EXPECT_EQ(*cell(w, WENT_AT), 0);
		EXPECT_EQ(*cell(w, LATER_AT), 0);
		release(w);
	} else {
		later_submit(w);
	}
	*cell(w, TOLD_AT) = 1;
	CHECK_OK(syncobj_wait(&w->c.gpu, w->later, JOB_MS));
	EXPECT_EQ(syncobj_status(&w->c.gpu, w->waited), 0);
	EXPECT_EQ(syncobj_status(&w->c.gpu, w->later), 0);
	EXPECT_EQ(*cell(w, LATER_AT), 2);
	/* Nobody has left a slot to it */
	for (unsigned int i = 0; i < w->nr; i++)
		EXPECT_EQ(syncobj_wait(&w->c.gpu, w->done[i], 0), -ETIME);
	crowd_stop(w);
	return asked;
}

/*
 * All slots are taken by groups that loop, and the scheduler is due each 10 ms. A group
 * without a slot is woken: the scheduler is told to come at once, or it is not.
 */
void test_waking(const void *arg)
{
	const struct waking *wake = arg;
	struct crowd w = { 0 };
	unsigned int asked = 0;
	int ret;

	crowd_open(&w, 1, wake->priority);
	ret = watch_requests();
	if (ret < 0)
		test_skip("cannot watch the scheduler being asked: %s", strerror(-ret));
	for (unsigned int i = 0; i < ROUNDS; i++)
		asked += round_of(&w, wake);
	metric_int("asked", asked);
	EXPECT_EQ(asked, wake->at_once ? ROUNDS : 0);
	EXPECT_EQ(group_state(&w.c.gpu, w.group, NULL), 0);
	crowd_close(&w);
}

/* --- One queue waits, the other works --- */

struct places {
	bool in;			/* it had a slot when last seen */
	unsigned int lost, back;
	bool both;			/* seen without a slot, one queue blocked, none idle */
};

static void note_place(const char *task, int pid, const char *text, void *data)
{
	unsigned int queues, blocked, idle;
	struct places *p = data;
	int slot;

	(void)task;
	(void)pid;
	text = strstr(text, " queues=");
	if (!text || sscanf(text, " queues=%u slot=%d blocked=%u idle=%u", &queues, &slot,
			    &blocked, &idle) != 4 || queues != 2)
		return;
	p->lost += p->in && slot < 0;
	p->back += !p->in && slot >= 0 && p->lost;
	p->in = slot >= 0;
	p->both |= slot < 0 && blocked == 1 && !idle;
}

/*
 * Queue 0 of a group waits for a sync object while queue 1 counts; the group loses its slot
 * to others that loop, and gets it back. Both end as if nothing had been.
 */
void test_half_blocked(const void *arg)
{
	enum { TIMES = 3 };
	const uint64_t count[] = {
		CS_MOVE(60, DATA_VA), CS_MOVE32(R_B, 0),
		CS_ADD32(R_B, R_B, 1), CS_STORE(R_B, 60, 1, COUNT_AT),
		CS_LOAD(R_A, 60, 1, TOLD_AT), CS_WAIT(0xff), CS_BRANCH(CS_EQ, R_A, -5),
	};
	struct crowd w = { 0 };
	struct places p = { 0 };
	double deadline;
	uint32_t counted;

	(void)arg;
	crowd_open(&w, 2, PANTHOR_GROUP_PRIORITY_MEDIUM);
	memcpy(w.c.code.map + LATER_CODE, count, sizeof(count));
	test_submit(&w, true);
	CHECK_OK(group_submit(&w.c.gpu, w.group, 1, CODE_VA + LATER_CODE, sizeof(count), 0,
			      w.later));
	await_cell(&w, CAME_AT, 1, "the queue that waits");
	CHECK_OK(trace_empty());
	write_loops(&w);
	deadline = now() + JOB_MS / 1000;
	do {
		CHECK(now() < deadline, "%u times lost, %u times back", p.lost, p.back);
		sleep_ms(SETTLE_MS);
		p = (struct places) { .in = true };
		CHECK_OK(trace_read(NULL, note_place, &p));
	} while (p.back < TIMES);
	EXPECT(p.both, "never seen without a slot with queue 0 blocked and queue 1 at work");
	EXPECT_EQ(*cell(&w, WENT_AT), 0);
	EXPECT_EQ(syncobj_wait(&w.c.gpu, w.waited, 0), -ETIME);
	EXPECT_EQ(syncobj_wait(&w.c.gpu, w.later, 0), -ETIME);
	/* The one that works goes on from where it was, and the one that waits still can */
	counted = *cell(&w, COUNT_AT);
	release(&w);
	await_cell(&w, WENT_AT, 1, "the queue that waited");
	*cell(&w, TOLD_AT) = 1;
	CHECK_OK(syncobj_wait(&w.c.gpu, w.waited, JOB_MS));
	CHECK_OK(syncobj_wait(&w.c.gpu, w.later, JOB_MS));
	EXPECT_EQ(syncobj_status(&w.c.gpu, w.waited), 0);
	EXPECT_EQ(syncobj_status(&w.c.gpu, w.later), 0);
	EXPECT(*cell(&w, COUNT_AT) > counted && counted, "counted to %u, then to %u", counted,
	       *cell(&w, COUNT_AT));
	EXPECT_EQ(group_state(&w.c.gpu, w.group, NULL), 0);
	metric_int("lost", p.lost);
	metric_int("back", p.back);
	crowd_stop(&w);
	crowd_close(&w);
}
