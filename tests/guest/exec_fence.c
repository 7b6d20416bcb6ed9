// SPDX-License-Identifier: GPL-2.0-or-later
/* Suite exec: fences between jobs, the CPU, and others. */

#include <errno.h>
#include <string.h>

#include "exec.h"
#include "fence.h"
#include "harness.h"
#include "stream.h"

/* A job that does not wait would be done long before */
#define BLOCKED_MS 100

/* Add 1 to the first word of the data buffer, all jobs with the same stream */
static size_t put_add(struct client *c)
{
	const uint64_t words[] = {
		CS_MOVE(R_ADDR, DATA_VA), CS_MOVE(R_A, 1ull),
		CS_SYNC_ADD64(R_ADDR, R_A, CS_SYSTEM),
	};

	memcpy(c->code.map, words, sizeof(words));
	return sizeof(words);
}

static uint32_t new_group(struct client *c)
{
	return CHECK_OK(group_create(&c->gpu, c->vm, 1, 4096, PANTHOR_GROUP_PRIORITY_MEDIUM));
}

static void open_fences(struct fences *f)
{
	if (fences_open(f))
		test_skip("this kernel has neither sw_sync nor vgem, for fences of the test's own");
	metric_string("fences", f->vgem ? "vgem" : "sw_sync");
}

/* The oldest fence; until now, so many jobs may have run */
static void let_go(struct client *c, struct fences *f, uint64_t jobs)
{
	uint64_t before = data64(c)[0];
	int ret = fence_signal(f);

	if (ret == -ETIMEDOUT)
		test_skip("vgem ended a fence after ten seconds: this host is too slow");
	CHECK_OK(ret);
	EXPECT_EQ(before, jobs);
}

/*
 * Jobs of several groups: each waits for a fence of the test's and for the job
 * before it. They run one by one, as the test lets them; there are always some
 * that wait, but none as long as vgem's fences last.
 */
void test_fence_chain(const void *arg)
{
	enum { GROUPS = 4, JOBS = 12, AHEAD = 3 };
	struct client c = { 0 };
	struct fences f;
	uint32_t groups[GROUPS], gate[JOBS], done[JOBS];
	unsigned int queued = 0;
	size_t size;
	int waited;

	(void)arg;
	client_open(&c, 1);
	open_fences(&f);
	size = put_add(&c);
	for (unsigned int i = 0; i < GROUPS; i++)
		groups[i] = new_group(&c);
	for (unsigned int i = 0; i < JOBS; i++) {
		for (; queued < JOBS && queued < i + AHEAD; queued++) {
			struct sync_point waits[2] = { 0 };

			gate[queued] = CHECK_OK(syncobj_create(&c.gpu));
			done[queued] = CHECK_OK(syncobj_create(&c.gpu));
			CHECK_OK(fence_import(&c.gpu, CHECK_OK(fence_create(&f)), gate[queued]));
			waits[0].syncobj = gate[queued];
			waits[1].syncobj = queued ? done[queued - 1] : 0;
			CHECK_OK(group_submit_syncs(&c.gpu, groups[queued % GROUPS], 0, CODE_VA,
						    size, waits, queued ? 2 : 1,
						    &(struct sync_point){ done[queued], 0 }));
		}
		waited = syncobj_wait(&c.gpu, done[i], BLOCKED_MS);
		let_go(&c, &f, i);
		EXPECT_EQ(waited, -ETIME);
		CHECK_OK(syncobj_wait(&c.gpu, done[i], JOB_MS));
		EXPECT_EQ(data64(&c)[0], i + 1);
		EXPECT_EQ(syncobj_status(&c.gpu, done[i]), 0);
	}
	for (unsigned int i = 0; i < GROUPS; i++)
		CHECK_OK(group_destroy(&c.gpu, groups[i]));
	fences_close(&f);
	client_close(&c);
}

/* A group goes while jobs of its wait for fences: they do not run, and tell */
void test_fence_destroy(const void *arg)
{
	struct client c = { 0 };
	struct fences f;
	uint32_t group, gate[2], done[2];
	size_t size;

	(void)arg;
	client_open(&c, 1);
	open_fences(&f);
	size = put_add(&c);
	group = new_group(&c);
	for (int i = 0; i < 2; i++) {
		gate[i] = CHECK_OK(syncobj_create(&c.gpu));
		done[i] = CHECK_OK(syncobj_create(&c.gpu));
		CHECK_OK(fence_import(&c.gpu, CHECK_OK(fence_create(&f)), gate[i]));
		CHECK_OK(group_submit(&c.gpu, group, 0, CODE_VA, size, gate[i], done[i]));
	}
	CHECK_OK(group_destroy(&c.gpu, group));
	let_go(&c, &f, 0);
	let_go(&c, &f, 0);
	for (int i = 0; i < 2; i++) {
		CHECK_OK(syncobj_wait(&c.gpu, done[i], JOB_MS));
		EXPECT(syncobj_status(&c.gpu, done[i]), "job %d of a group that is gone is done", i);
	}
	EXPECT_EQ(data64(&c)[0], 0);
	/* Others are well */
	CHECK_OK(group_submit(&c.gpu, c.group, 0, CODE_VA, size, 0, c.done));
	CHECK_OK(syncobj_wait(&c.gpu, c.done, JOB_MS));
	EXPECT_EQ(data64(&c)[0], 1);
	fences_close(&f);
	client_close(&c);
}

/*
 * One syncobj with a time line: each job waits for the point before, and signals
 * its own. The first one waits for memory, which the CPU writes.
 */
void test_timeline(const void *arg)
{
	enum { GROUPS = 4, JOBS = 32, GATE = 0x100, FLAG = 0x1000 };
	const uint64_t wait_for_flag[] = {
		CS_MOVE(R_ADDR, DATA_VA + FLAG), CS_MOVE(R_A, 0ull),
		CS_SYNC_WAIT64(CS_GT, R_ADDR, R_A),
	};
	struct client c = { 0 };
	uint32_t groups[GROUPS], line;
	size_t size;

	(void)arg;
	client_open(&c, 1);
	client_keep_awake(&c);
	size = put_add(&c);
	memcpy(c.code.map + GATE, wait_for_flag, sizeof(wait_for_flag));
	line = CHECK_OK(syncobj_create(&c.gpu));
	for (unsigned int i = 0; i < GROUPS; i++)
		groups[i] = new_group(&c);
	/* The driver wants to see the fence that a job waits for */
	EXPECT_ERRNO(group_submit_syncs(&c.gpu, groups[0], 0, CODE_VA, size,
					&(struct sync_point){ line, 1 }, 1, NULL), EINVAL);
	CHECK_OK(group_submit_syncs(&c.gpu, c.group, 0, CODE_VA + GATE, sizeof(wait_for_flag),
				    NULL, 0, &(struct sync_point){ line, 10 }));
	for (unsigned int i = 0; i < JOBS; i++)
		CHECK_OK(group_submit_syncs(&c.gpu, groups[i % GROUPS], 0, CODE_VA, size,
					    &(struct sync_point){ line, 10 + i }, 1,
					    &(struct sync_point){ line, 11 + i }));
	EXPECT_EQ(timeline_wait(&c.gpu, line, 10, BLOCKED_MS), -ETIME);
	EXPECT_EQ(CHECK_OK(timeline_query(&c.gpu, line)), 0);
	EXPECT_EQ(data64(&c)[0], 0);
	((volatile uint64_t *)data64(&c))[FLAG / 8] = 1;
	CHECK_OK(timeline_wait(&c.gpu, line, 10 + JOBS / 2, JOB_MS));
	EXPECT(data64(&c)[0] >= JOBS / 2, "%llu jobs at point %u",
	       (unsigned long long)data64(&c)[0], 10 + JOBS / 2);
	CHECK_OK(timeline_wait(&c.gpu, line, 10 + JOBS, JOB_MS));
	EXPECT_EQ(CHECK_OK(timeline_query(&c.gpu, line)), 10 + JOBS);
	EXPECT_EQ(data64(&c)[0], JOBS);
	/* What the CPU signals lets jobs go as well */
	CHECK_OK(timeline_signal(&c.gpu, line, 100));
	CHECK_OK(group_submit_syncs(&c.gpu, groups[0], 0, CODE_VA, size,
				    &(struct sync_point){ line, 100 }, 1,
				    &(struct sync_point){ line, 101 }));
	CHECK_OK(timeline_wait(&c.gpu, line, 101, JOB_MS));
	EXPECT_EQ(data64(&c)[0], JOBS + 1);
	for (unsigned int i = 0; i < GROUPS; i++)
		CHECK_OK(group_destroy(&c.gpu, groups[i]));
	client_close(&c);
}
