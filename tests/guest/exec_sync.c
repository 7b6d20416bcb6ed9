// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite exec: what waits for what: sync objects in memory between queues and
 * groups, operations that streams defer, and fences between jobs.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "exec.h"
#include "harness.h"
#include "stream.h"

/* Long enough for a job that does not wait, were it to run by mistake */
#define BLOCKED_MS 100

void test_sync_write(const void *arg)
{
	enum { TURNS = 5000 };
	struct client c = { 0 };
	uint32_t *w;
	unsigned long cpu = 0;

	(void)arg;
	client_open(&c, 1);
	w = data32(&c);
	w[0] = 0xfffffffe;		/* 32 bits: value and status */
	w[4] = 0xfffffffe;		/* 64 bits: value of two words, status */
	w[8] = 0x11111111;
	w[9] = 0x22222222;
	w[12] = w[13] = 0x33333333;
	w[16] = 5;
	/* An old error does not stay */
	w[1] = w[6] = w[14] = 1;
	RUN(&c,
	    CS_MOVE(60, DATA_VA), CS_MOVE(62, DATA_VA + 16), CS_MOVE(64, DATA_VA + 32),
	    CS_MOVE(66, DATA_VA + 48), CS_MOVE(68, DATA_VA + 64),
	    CS_MOVE(10, 3ull), CS_MOVE(12, 0x123456789aull),
	    CS_MOVE(14, 0ull), CS_ADD64(14, 14, -7),
	    CS_SYNC_ADD32(60, 10, CS_SYSTEM), CS_SYNC_ADD64(62, 10, CS_CSG),
	    CS_SYNC_SET32(64, 12, CS_CSG), CS_SYNC_SET64(66, 12, CS_SYSTEM),
	    CS_SYNC_ADD64(68, 14, CS_SYSTEM));
	EXPECT_EQ(w[0], 1);
	EXPECT_EQ(w[1], 0);
	EXPECT_EQ(data64(&c)[2], 0x100000001ull);
	EXPECT_EQ(w[6], 0);
	EXPECT_EQ(w[8], 0x3456789a);
	EXPECT_EQ(w[9], 0);
	EXPECT_EQ(data64(&c)[6], 0x123456789aull);
	EXPECT_EQ(w[14], 0);
	EXPECT_EQ((int64_t)data64(&c)[8], -2);

	/* The CPU may add at the same time, and nothing is lost */
	memset(c.data.map, 0, 256);
	{
		const uint64_t words[] = {
			CS_MOVE(60, DATA_VA), CS_MOVE(10, 1ull), CS_MOVE32(12, TURNS),
			CS_SYNC_ADD64(60, 10, CS_CSG),
			CS_ADD32(12, 12, -1), CS_BRANCH(CS_GT, 12, -3),
		};

		client_submit(&c, 0, 0, words, ARRAY_SIZE(words));
	}
	while (syncobj_wait(&c.gpu, c.done, 0) == -ETIME) {
		__atomic_fetch_add(data64(&c), 0x100000000ull, __ATOMIC_SEQ_CST);
		cpu++;
	}
	EXPECT_EQ(data64(&c)[0], ((uint64_t)cpu << 32) + TURNS);
	client_close(&c);
}

/* Comparisons are unsigned, of the object's value with the register's */
void test_sync_wait(const void *arg)
{
	static const struct {
		bool wide;
		unsigned int cond;
		uint64_t value, ref;
		bool satisfied;
		uint64_t release;	/* what it is waited for, if not */
	} cases[] = {
		{ false, CS_LE, 5, 5, true, 0 },
		{ false, CS_LE, 0, 0xffffffff, true, 0 },
		{ false, CS_LE, 0x7fffffff, 0x80000000, true, 0 },
		{ false, CS_GT, 6, 5, true, 0 },
		{ false, CS_GT, 0xffffffff, 0x7fffffff, true, 0 },
		{ true, CS_LE, 0x100000000, 0x100000000, true, 0 },
		{ true, CS_LE, 0xffffffff, 0x100000000, true, 0 },
		{ true, CS_GT, 0x100000000, 0xffffffff, true, 0 },
		{ true, CS_GT, UINT64_MAX, INT64_MAX, true, 0 },
		{ false, CS_LE, 6, 5, false, 5 },
		{ false, CS_GT, 5, 5, false, 6 },
		{ false, CS_GT, 0x7fffffff, 0x80000000, false, 0x80000001 },
		{ true, CS_LE, 0x100000001, 0x100000000, false, 1 },
		{ true, CS_LE, UINT64_MAX, 5, false, 5 },
		{ true, CS_GT, 0x100000000, 0x100000000, false, 0x200000000 },
	};
	enum { MARKS = 0x1000 / 4, CODE = 0x200 };
	struct client c = { 0 };
	uint32_t done[ARRAY_SIZE(cases)];
	unsigned int queue = 0, released = 0;

	(void)arg;
	client_open(&c, 8);
	client_keep_awake(&c);
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		const uint64_t refs[] = { cases[i].ref };
		const uint64_t words[] = {
			CS_MOVE(60, DATA_VA + i * 16), CS_MOVE(62, DATA_VA + 0x800 + i * 8),
			CS_LOAD(10, 62, 3, 0), CS_WAIT(0xff),
			cases[i].wide ? CS_SYNC_WAIT64(cases[i].cond, 60, 10)
				      : CS_SYNC_WAIT32(cases[i].cond, 60, 10),
			CS_MOVE(62, DATA_VA + 0x1000 + i * 4), CS_MOVE32(12, 0x600d),
			CS_STORE(12, 62, 1, 0), CS_WAIT(0xff),
		};

		memcpy(c.data.map + i * 16, &cases[i].value, cases[i].wide ? 8 : 4);
		memcpy(c.data.map + 0x800 + i * 8, refs, 8);
		memcpy(c.code.map + i * CODE, words, sizeof(words));
		done[i] = CHECK_OK(syncobj_create(&c.gpu));
		/* Those that block get a queue of their own */
		CHECK_OK(group_submit(&c.gpu, c.group, cases[i].satisfied ? 0 : ++queue,
				      CODE_VA + i * CODE, sizeof(words), 0, done[i]));
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++)
		if (cases[i].satisfied)
			EXPECT(!syncobj_wait(&c.gpu, done[i], JOB_MS), "case %u blocks", i);
	sleep_ms(BLOCKED_MS);
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		const uint64_t words[] = {
			CS_MOVE(60, DATA_VA + i * 16), CS_MOVE(62, DATA_VA + 0x800 + i * 8),
			CS_LOAD(10, 62, 3, 0), CS_WAIT(0xff),
			cases[i].wide ? CS_SYNC_SET64(60, 10, CS_CSG)
				      : CS_SYNC_SET32(60, 10, CS_CSG),
		};

		if (cases[i].satisfied)
			continue;
		EXPECT(syncobj_wait(&c.gpu, done[i], 0) == -ETIME, "case %u does not block", i);
		EXPECT_EQ(data32(&c)[MARKS + i], 0);
		memcpy(c.data.map + 0x800 + i * 8, &cases[i].release, 8);
		client_run(&c, words, ARRAY_SIZE(words));
		EXPECT(!syncobj_wait(&c.gpu, done[i], JOB_MS), "case %u stays blocked", i);
		EXPECT_EQ(data32(&c)[MARKS + i], 0x600d);
		released++;
	}
	EXPECT_EQ(released, queue);
	client_close(&c);
}

/*
 * With a wait mask, writes come when the slots are free, and the stream goes on
 * meanwhile: behind a flush, which takes some time.
 */
void test_deferred(const void *arg)
{
	struct client c = { 0 };
	const uint32_t *w;
	const uint64_t *times;

	(void)arg;
	client_open(&c, 1);
	w = data32(&c);
	times = data64(&c) + 32;
	RUN(&c,
	    CS_MOVE(60, DATA_VA), CS_MOVE(62, DATA_VA + 16), CS_MOVE(64, DATA_VA + 32),
	    CS_MOVE(66, DATA_VA + 48), CS_MOVE(68, DATA_VA + 256), CS_MOVE(70, DATA_VA + 128),
	    CS_MOVE(10, 0x11ull), CS_MOVE32(20, 0),
	    /* A chain: flush on 2, time on 3, then the objects on 4 */
	    CS_FLUSH(CS_CLEAN_INVALIDATE, CS_CLEAN_INVALIDATE, 2, 20, 0, 2),
	    CS_STORE_STATE(68, CS_TIMESTAMP, 8) | CS_DEFER(1 << 2, 3),
	    CS_SYNC_ADD32(60, 10, CS_SYSTEM) | CS_DEFER(1 << 2 | 1 << 3, 4),
	    CS_SYNC_SET32(62, 10, CS_CSG) | CS_DEFER(1 << 3, 4),
	    CS_SYNC_ADD64(64, 10, CS_CSG) | CS_DEFER(1 << 3, 4),
	    CS_SYNC_SET64(66, 10, CS_SYSTEM) | CS_DEFER(1 << 3, 4),
	    /* None of it is done yet; what the operations use may be written over */
	    CS_STORE_STATE(68, CS_TIMESTAMP, 0),
	    CS_SB_ENTRY(0, 1),
	    CS_LOAD(30, 60, 0xffff, 0), CS_WAIT(1 << 1),
	    CS_STORE(30, 70, 0xffff, 0), CS_WAIT(1 << 1),
	    CS_MOVE(10, 0x99ull), CS_MOVE(60, HOLE_VA), CS_MOVE(62, HOLE_VA),
	    CS_MOVE(64, HOLE_VA), CS_MOVE(66, HOLE_VA),
	    CS_WAIT(1 << 4),
	    CS_STORE_STATE(68, CS_TIMESTAMP, 16),
	    CS_SB_ENTRY(0, 0));
	for (unsigned int i = 0; i < 4; i++) {
		EXPECT(!w[32 + 4 * i], "object %u was written before the flush was done", i);
		EXPECT(w[4 * i] == 0x11, "object %u is 0x%x", i, w[4 * i]);
	}
	EXPECT(times[0] && times[0] <= times[1] && times[1] <= times[2],
	       "deferred at %llu, between %llu and %llu", (unsigned long long)times[1],
	       (unsigned long long)times[0], (unsigned long long)times[2]);
	client_close(&c);
}

/*
 * The CPU lets a stream go on by a plain store. The GPU must be kept awake: the
 * driver suspends an idle one, groups that wait included, and looks at their
 * objects only when another stream writes one (panthor_sched.c, sync_upd_work).
 */
void test_wait_cpu(const void *arg)
{
	struct client c = { 0 };
	const uint64_t words[] = {
		CS_MOVE(R_ADDR, DATA_VA), CS_MOVE(R_A, 41ull),
		CS_SYNC_WAIT64(CS_GT, R_ADDR, R_A),
		CS_MOVE32(R_A, 0x600d), CS_STORE(R_A, R_ADDR, 0x1, 64),
		CS_WAIT(0xff),
	};

	(void)arg;
	client_open(&c, 1);
	client_keep_awake(&c);
	client_submit(&c, 0, 0, words, ARRAY_SIZE(words));
	CHECK_EQ(syncobj_wait(&c.gpu, c.done, 300), -ETIME);
	EXPECT_EQ(data32(&c)[16], 0);
	*(volatile uint64_t *)data64(&c) = 42;
	CHECK_OK(syncobj_wait(&c.gpu, c.done, JOB_MS));
	EXPECT_EQ(data32(&c)[16], 0x600d);
	client_close(&c);
}

/* Who had its turn, in order; the next entry's address is in memory before them */
#define TURNS_AT	0x1000
#define TURNS(c)	(data32(c) + TURNS_AT / 4 + 2)

static void clear_turns(struct client *c)
{
	data64(c)[TURNS_AT / 8] = DATA_VA + TURNS_AT + 8;
}

/*
 * Wait until one's own object is above a number, note that, without any protection
 * but the order, and signal the next one's object.
 */
static void emit_turn(struct stream *s, uint32_t who, unsigned int scope)
{
	emit(s, CS_SYNC_WAIT64(CS_GT, 60, 10));
	emit(s, CS_ADD64(10, 10, 1));
	emit(s, CS_MOVE(66, DATA_VA + TURNS_AT));
	emit(s, CS_LOAD(20, 66, 3, 0));
	emit(s, CS_MOVE32(22, who));
	emit(s, CS_WAIT(0xff));
	emit(s, CS_STORE(22, 20, 1, 0));
	emit(s, CS_WAIT(0xff));
	emit(s, CS_ADD64(20, 20, 4));
	emit(s, CS_STORE(20, 66, 3, 0));
	emit(s, CS_WAIT(0xff));
	emit(s, CS_SYNC_ADD64(62, 12, scope));
}

/* A token goes round the queues of a group; arg is how many there are */
void test_ring_of_queues(const void *arg)
{
	enum { MAX_QUEUES = 8, ROUNDS = 25, CODE = 0x1000 };
	const unsigned int queues = *(const unsigned int *)arg;
	uint32_t done[MAX_QUEUES];
	struct client c = { 0 };

	client_open(&c, queues);
	client_keep_awake(&c);
	clear_turns(&c);
	for (unsigned int q = 0; q < queues; q++) {
		STREAM(s, 32);
		size_t start;

		emit(&s, CS_MOVE(60, DATA_VA + q * 16));
		emit(&s, CS_MOVE(62, DATA_VA + (q + 1) % queues * 16));
		emit(&s, CS_MOVE(10, 0ull));
		emit(&s, CS_MOVE(12, 1ull));
		emit(&s, CS_MOVE32(14, ROUNDS));
		start = s.nr;
		emit_turn(&s, q, CS_CSG);
		emit(&s, CS_ADD32(14, 14, -1));
		emit(&s, CS_BRANCH(CS_GT, 14, (int)start - (int)s.nr - 1));
		done[q] = CHECK_OK(syncobj_create(&c.gpu));
		memcpy(c.code.map + q * CODE, s.words, s.nr * 8);
		CHECK_OK(group_submit(&c.gpu, c.group, q, CODE_VA + q * CODE, s.nr * 8, 0,
				      done[q]));
	}
	/* All wait, and the CPU has the token */
	EXPECT_EQ(TURNS(&c)[0], 0);
	__atomic_fetch_add(data64(&c), 1, __ATOMIC_SEQ_CST);
	for (unsigned int q = 0; q < queues; q++)
		CHECK_OK(syncobj_wait(&c.gpu, done[q], JOB_MS));
	for (unsigned int i = 0; i < queues * ROUNDS; i++)
		EXPECT(TURNS(&c)[i] == i % queues, "turn %u was queue %u's", i, TURNS(&c)[i]);
	EXPECT_EQ(data64(&c)[TURNS_AT / 8], DATA_VA + TURNS_AT + 8 + queues * ROUNDS * 4);
	client_close(&c);
}

/*
 * More groups than slots, each waits for the one before it, and the first one
 * comes last: those that wait have to give up their slots for it.
 */
void test_chain_of_groups(const void *arg)
{
	enum { GROUPS = 24, CODE = 0x100 };
	struct client c = { 0 };
	uint32_t groups[GROUPS], done[GROUPS];
	char who[32];

	(void)arg;
	client_watch_scheduler();
	client_open(&c, 2);
	clear_turns(&c);
	for (unsigned int i = GROUPS; i--; ) {
		STREAM(s, 32);

		emit(&s, CS_MOVE(60, DATA_VA + i * 16));
		emit(&s, CS_MOVE(62, DATA_VA + (i + 1) * 16));
		emit(&s, CS_MOVE(10, 0ull));
		emit(&s, CS_MOVE(12, 1ull));
		if (!i)
			emit(&s, CS_SYNC_ADD64(60, 12, CS_SYSTEM));
		emit_turn(&s, i, CS_SYSTEM);
		groups[i] = CHECK_OK(group_create(&c.gpu, c.vm, 1, 4096,
						  PANTHOR_GROUP_PRIORITY_MEDIUM));
		done[i] = CHECK_OK(syncobj_create(&c.gpu));
		memcpy(c.code.map + i * CODE, s.words, s.nr * 8);
		CHECK_OK(group_submit(&c.gpu, groups[i], 0, CODE_VA + i * CODE, s.nr * 8, 0,
				      done[i]));
	}
	for (unsigned int i = 0; i < GROUPS; i++) {
		snprintf(who, sizeof(who), "group %u", i);
		client_wait_released(&c, done[i], who);
		CHECK_OK(group_destroy(&c.gpu, groups[i]));
	}
	for (unsigned int i = 0; i < GROUPS; i++)
		EXPECT(TURNS(&c)[i] == i, "turn %u was group %u's", i, TURNS(&c)[i]);
	EXPECT_EQ(data64(&c)[GROUPS * 2], 1);
	client_close(&c);
}

/* Jobs of several groups, each of which starts when the one before has signalled its fence */
void test_syncobj_chain(const void *arg)
{
	enum { GROUPS = 4, JOBS = 64, CODE = 0x80 };
	struct client c = { 0 };
	uint32_t groups[GROUPS], done[JOBS];

	(void)arg;
	client_open(&c, 1);
	for (unsigned int i = 0; i < GROUPS; i++)
		groups[i] = CHECK_OK(group_create(&c.gpu, c.vm, 1, 4096,
						  PANTHOR_GROUP_PRIORITY_MEDIUM));
	for (unsigned int i = 0; i < JOBS; i++) {
		const uint64_t words[] = {
			/* The first one gives time to queue the others behind it */
			CS_MOVE32(R_B, i ? 0 : 300000),
			CS_ADD32(R_B, R_B, -1), CS_BRANCH(CS_GT, R_B, -2),
			CS_MOVE(R_ADDR, DATA_VA + i * 4),
			CS_LOAD(R_A, R_ADDR, 1, 0), CS_WAIT(0xff), CS_ADD32(R_A, R_A, 1),
			CS_STORE(R_A, R_ADDR, 1, 4), CS_WAIT(0xff),
		};

		done[i] = CHECK_OK(syncobj_create(&c.gpu));
		memcpy(c.code.map + i * CODE, words, sizeof(words));
		CHECK_OK(group_submit(&c.gpu, groups[i % GROUPS], 0, CODE_VA + i * CODE,
				      sizeof(words), i ? done[i - 1] : 0, done[i]));
	}
	CHECK_OK(syncobj_wait(&c.gpu, done[JOBS - 1], JOB_MS));
	for (unsigned int i = 0; i <= JOBS; i++)
		EXPECT(data32(&c)[i] == i, "after %u jobs: %u", i, data32(&c)[i]);
	for (unsigned int i = 0; i < GROUPS; i++)
		CHECK_OK(group_destroy(&c.gpu, groups[i]));
	client_close(&c);
}

/*
 * Jobs held back by the CPU: by a syncobj that it did not signal yet, which
 * the driver refuses, and by one whose fence comes when the CPU lets it.
 */
void test_sw_fence(const void *arg)
{
	enum { CODE = 0x100 };
	const uint64_t gate[] = {
		CS_MOVE(R_ADDR, DATA_VA + 0x1000), CS_MOVE(R_A, 0ull),
		CS_SYNC_WAIT64(CS_GT, R_ADDR, R_A),
	};
	const uint64_t add[] = {
		CS_MOVE(R_ADDR, DATA_VA), CS_MOVE(R_A, 1ull),
		CS_SYNC_ADD64(R_ADDR, R_A, CS_SYSTEM),
	};
	struct client c = { 0 };
	uint32_t fence, other, free;

	(void)arg;
	client_open(&c, 2);
	client_keep_awake(&c);
	other = CHECK_OK(group_create(&c.gpu, c.vm, 1, 4096, PANTHOR_GROUP_PRIORITY_MEDIUM));
	fence = CHECK_OK(syncobj_create(&c.gpu));
	free = CHECK_OK(syncobj_create(&c.gpu));
	memcpy(c.code.map, gate, sizeof(gate));
	memcpy(c.code.map + CODE, add, sizeof(add));

	EXPECT_ERRNO(group_submit(&c.gpu, c.group, 0, CODE_VA + CODE, sizeof(add), fence, c.done),
		     EINVAL);
	CHECK_OK(syncobj_signal(&c.gpu, fence));
	CHECK_OK(group_submit(&c.gpu, c.group, 0, CODE_VA + CODE, sizeof(add), fence, c.done));
	CHECK_OK(syncobj_wait(&c.gpu, c.done, JOB_MS));
	EXPECT_EQ(data64(&c)[0], 1);
	CHECK_OK(syncobj_reset(&c.gpu, fence));
	EXPECT_ERRNO(group_submit(&c.gpu, c.group, 0, CODE_VA + CODE, sizeof(add), fence, c.done),
		     EINVAL);

	CHECK_OK(group_submit(&c.gpu, other, 0, CODE_VA, sizeof(gate), 0, fence));
	for (unsigned int i = 0; i < 10; i++)
		CHECK_OK(group_submit(&c.gpu, c.group, 0, CODE_VA + CODE, sizeof(add), fence,
				      c.done));
	/* Those that wait for nothing pass by, on another queue */
	CHECK_OK(group_submit(&c.gpu, c.group, 1, CODE_VA + CODE, sizeof(add), 0, free));
	CHECK_OK(syncobj_wait(&c.gpu, free, JOB_MS));
	CHECK_EQ(syncobj_wait(&c.gpu, c.done, BLOCKED_MS), -ETIME);
	EXPECT_EQ(data64(&c)[0], 2);
	((volatile uint64_t *)data64(&c))[0x200] = 1;
	CHECK_OK(syncobj_wait(&c.gpu, c.done, JOB_MS));
	EXPECT_EQ(data64(&c)[0], 12);
	CHECK_OK(group_destroy(&c.gpu, other));
	client_close(&c);
}
