// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite exec: jobs on the GPU, through the driver's ioctls.
 */

#include <drm/panthor_drm.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "group.h"
#include "harness.h"
#include "panthor.h"
#include "stream.h"

#define CODE_VA		0x10000000ull
#define DATA_VA		0x20000000ull
#define BO_SIZE		0x10000
#define JOB_MS		8000

/* What a job needs: a VM with a buffer of code and one of data, and a group */
struct client {
	struct panthor gpu;
	uint32_t vm;
	struct bo code;
	struct bo data;
	uint32_t group;
	uint32_t done;			/* syncobj of the last job */
};

static uint32_t *data32(struct client *c)
{
	return (uint32_t *)c->data.map;
}

static uint64_t *data64(struct client *c)
{
	return (uint64_t *)c->data.map;
}

static void client_buffer(struct client *c, struct bo *bo, const char *label, uint64_t va)
{
	CHECK_OK(bo_create(&c->gpu, bo, BO_SIZE, 0, label));
	CHECK_OK(bo_mmap(&c->gpu, bo));
	memset(bo->map, 0, BO_SIZE);
	CHECK_OK(bo_bind(&c->gpu, bo, c->vm, va));
}

static void client_open(struct client *c, unsigned int queues)
{
	CHECK_OK(panthor_open(&c->gpu));
	c->vm = CHECK_OK(panthor_vm_create(&c->gpu));
	client_buffer(c, &c->code, "exec-code", CODE_VA);
	client_buffer(c, &c->data, "exec-data", DATA_VA);
	c->group = CHECK_OK(group_create(&c->gpu, c->vm, queues, 4096,
					 PANTHOR_GROUP_PRIORITY_MEDIUM));
	c->done = CHECK_OK(syncobj_create(&c->gpu));
}

static void client_close(struct client *c)
{
	syncobj_destroy(&c->gpu, c->done);
	group_destroy(&c->gpu, c->group);
	bo_munmap(&c->code);
	bo_munmap(&c->data);
	bo_destroy(&c->gpu, &c->code);
	bo_destroy(&c->gpu, &c->data);
	panthor_vm_destroy(&c->gpu, c->vm);
	panthor_close(&c->gpu);
}

/* Put a stream at an offset of the code buffer, and queue it */
static void client_submit(struct client *c, unsigned int queue, size_t offset,
			  const uint64_t *words, size_t nr)
{
	memcpy(c->code.map + offset, words, nr * sizeof(*words));
	CHECK_OK(group_submit(&c->gpu, c->group, queue, CODE_VA + offset,
			      nr * sizeof(*words), 0, c->done));
}

static void client_run(struct client *c, const uint64_t *words, size_t nr)
{
	client_submit(c, 0, 0, words, nr);
	CHECK_OK(syncobj_wait(&c->gpu, c->done, JOB_MS));
}

#define RUN(c, ...) do {						\
	const uint64_t words_[] = { __VA_ARGS__ };			\
	client_run(c, words_, sizeof(words_) / sizeof(words_[0]));	\
} while (0)

/* Registers by use: the data's address, and what is stored there */
#define R_ADDR	60
#define R_A	10
#define R_B	12

static void test_empty(const void *arg)
{
	struct client c = { 0 };

	(void)arg;
	client_open(&c, 1);
	RUN(&c, CS_NOP());
	EXPECT_EQ(group_state(&c.gpu, c.group, NULL), 0);
	client_close(&c);
}

static void test_arith(const void *arg)
{
	struct client c = { 0 };

	(void)arg;
	client_open(&c, 1);
	RUN(&c,
	    CS_MOVE(R_ADDR, DATA_VA),
	    CS_MOVE32(R_A, 0xdeadbeef),
	    CS_STORE(R_A, R_ADDR, 0x1, 0),
	    CS_ADD32(R_A, R_A, -0xbeef),
	    CS_STORE(R_A, R_ADDR, 0x1, 4),
	    CS_MOVE(R_B, 0xffffffffull),
	    CS_ADD64(R_B, R_B, 1),
	    CS_STORE(R_B, R_ADDR, 0x3, 8),
	    CS_ADD64(R_B, R_B, -2),
	    CS_STORE(R_B, R_ADDR, 0x3, 16),
	    CS_MOVE32(R_A, 7), CS_MOVE32(R_A + 1, 5),
	    CS_UMIN32(R_A, R_A, R_A + 1),
	    CS_STORE(R_A, R_ADDR, 0x1, 24),
	    CS_WAIT(0xff));
	EXPECT_EQ(data32(&c)[0], 0xdeadbeef);
	EXPECT_EQ(data32(&c)[1], 0xdead0000);
	EXPECT_EQ(data64(&c)[1], 0x100000000ull);
	EXPECT_EQ(data64(&c)[2], 0xfffffffeull);
	EXPECT_EQ(data32(&c)[6], 5);
	client_close(&c);
}

/* Memory is packed: a register that the mask leaves out has no word */
static void test_multiple(const void *arg)
{
	struct client c = { 0 };

	(void)arg;
	client_open(&c, 1);
	for (unsigned int i = 0; i < 16; i++)
		data32(&c)[i] = 0x100 + i;
	RUN(&c,
	    CS_MOVE(R_ADDR, DATA_VA),
	    CS_MOVE32(11, 0x55),
	    CS_LOAD(10, R_ADDR, 0x8005, 0),
	    CS_WAIT(0xff),
	    CS_STORE(10, R_ADDR, 0x8007, 64),
	    CS_WAIT(0xff));
	EXPECT_EQ(data32(&c)[16], 0x100);
	EXPECT_EQ(data32(&c)[17], 0x55);
	EXPECT_EQ(data32(&c)[18], 0x101);
	EXPECT_EQ(data32(&c)[19], 0x102);
	EXPECT_EQ(data32(&c)[20], 0);
	client_close(&c);
}

static void test_loop(const void *arg)
{
	struct client c = { 0 };

	(void)arg;
	client_open(&c, 1);
	RUN(&c,
	    CS_MOVE(R_ADDR, DATA_VA),
	    CS_MOVE32(R_A, 1000000), CS_MOVE32(R_A + 1, 0),
	    CS_ADD32(R_A + 1, R_A + 1, 3),
	    CS_ADD32(R_A, R_A, -1),
	    CS_BRANCH(CS_GT, R_A, -3),
	    CS_STORE(R_A, R_ADDR, 0x3, 0),
	    CS_WAIT(0xff));
	EXPECT_EQ(data32(&c)[0], 0);
	EXPECT_EQ(data32(&c)[1], 3000000);
	client_close(&c);
}

/* More jobs than the ring of 4 KiB holds at once (32 of 128 bytes) */
static void test_ring_wrap(const void *arg)
{
	struct client c = { 0 };
	const uint64_t words[] = {
		CS_MOVE(R_ADDR, DATA_VA), CS_MOVE(R_A, 1ull),
		CS_SYNC_ADD64(R_ADDR, R_A, CS_SYSTEM),
	};

	(void)arg;
	client_open(&c, 1);
	for (unsigned int i = 0; i < 200; i++)
		client_submit(&c, 0, 0, words, 3);
	CHECK_OK(syncobj_wait(&c.gpu, c.done, JOB_MS));
	EXPECT_EQ(data64(&c)[0], 200);
	client_close(&c);
}

/* Two queues of a group hand one another a counter */
static void test_ping_pong(const void *arg)
{
	enum { ROUNDS = 100, BODY = 3 };
	uint64_t words[2][5 + ROUNDS * BODY];
	struct client c = { 0 };
	uint32_t done[2];

	(void)arg;
	client_open(&c, 2);
	for (unsigned int q = 0; q < 2; q++) {
		uint64_t *w = words[q];

		*w++ = CS_MOVE(60, DATA_VA);
		*w++ = CS_MOVE(62, DATA_VA + 64);
		*w++ = CS_MOVE(R_A, 1ull);
		*w++ = CS_MOVE(R_B, 0ull);
		for (unsigned int i = 0; i < ROUNDS; i++) {
			/* queue 0 gives, then waits for the other's answer */
			if (!q)
				*w++ = CS_SYNC_ADD64(60, R_A, CS_CSG);
			*w++ = CS_SYNC_WAIT64(CS_GT, q ? 60 : 62, R_B);
			*w++ = CS_ADD64(R_B, R_B, 1);
			if (q)
				*w++ = CS_SYNC_ADD64(62, R_A, CS_CSG);
		}
		*w = CS_NOP();
		done[q] = CHECK_OK(syncobj_create(&c.gpu));
		memcpy(c.code.map + q * 0x4000, words[q], sizeof(words[q]));
		CHECK_OK(group_submit(&c.gpu, c.group, q, CODE_VA + q * 0x4000,
				      sizeof(words[q]), 0, done[q]));
	}
	for (unsigned int q = 0; q < 2; q++)
		CHECK_OK(syncobj_wait(&c.gpu, done[q], JOB_MS));
	EXPECT_EQ(data64(&c)[0], ROUNDS);
	EXPECT_EQ(data64(&c)[8], ROUNDS);
	client_close(&c);
}

/*
 * The CPU lets a stream go on by a plain store. The GPU must be kept awake: the
 * driver suspends an idle one, groups that wait included, and looks at their
 * objects only when another stream writes one (panthor_sched.c, sync_upd_work).
 */
static void test_wait_cpu(const void *arg)
{
	struct client c = { 0 };
	const uint64_t words[] = {
		CS_MOVE(R_ADDR, DATA_VA), CS_MOVE(R_A, 41ull),
		CS_SYNC_WAIT64(CS_GT, R_ADDR, R_A),
		CS_MOVE32(R_A, 0x600d), CS_STORE(R_A, R_ADDR, 0x1, 64),
		CS_WAIT(0xff),
	};
	char path[256];

	(void)arg;
	client_open(&c, 1);
	snprintf(path, sizeof(path), "%s/power/control", c.gpu.sysfs);
	CHECK_OK(tunable_set(path, "on"));
	client_submit(&c, 0, 0, words, 6);
	CHECK_EQ(syncobj_wait(&c.gpu, c.done, 300), -ETIME);
	EXPECT_EQ(data32(&c)[16], 0);
	*(volatile uint64_t *)data64(&c) = 42;
	CHECK_OK(syncobj_wait(&c.gpu, c.done, JOB_MS));
	EXPECT_EQ(data32(&c)[16], 0x600d);
	client_close(&c);
}

/* Far more groups than slots, all in work at once: each is suspended and resumed */
static void test_many_groups(const void *arg)
{
	enum { GROUPS = 40, LOOPS = 400000 };
	struct client c = { 0 };
	uint32_t groups[GROUPS], done[GROUPS];

	(void)arg;
	client_open(&c, 1);
	for (unsigned int i = 0; i < GROUPS; i++) {
		const uint64_t words[] = {
			CS_MOVE(R_ADDR, DATA_VA + i * 64),
			CS_MOVE32(R_A, LOOPS), CS_MOVE32(R_A + 1, i),
			CS_ADD32(R_A + 1, R_A + 1, 1),
			CS_ADD32(R_A, R_A, -1),
			CS_BRANCH(CS_GT, R_A, -3),
			CS_STORE(R_A, R_ADDR, 0x3, 0),
			CS_WAIT(0xff),
		};

		groups[i] = CHECK_OK(group_create(&c.gpu, c.vm, 1, 4096,
						  PANTHOR_GROUP_PRIORITY_MEDIUM));
		done[i] = CHECK_OK(syncobj_create(&c.gpu));
		memcpy(c.code.map + i * 64, words, sizeof(words));
		CHECK_OK(group_submit(&c.gpu, groups[i], 0, CODE_VA + i * 64, sizeof(words),
				      0, done[i]));
	}
	for (unsigned int i = 0; i < GROUPS; i++) {
		CHECK_OK(syncobj_wait(&c.gpu, done[i], 60000));
		EXPECT_EQ(data32(&c)[i * 16 + 1], LOOPS + i);
		CHECK_OK(group_destroy(&c.gpu, groups[i]));
	}
	client_close(&c);
}

/* --- What goes wrong, and what the driver makes of it --- */

/* The messages about a queue that stopped for good (panthor_sched.c) */
static void allow_fatal(void)
{
	test_allow("CS_FATAL");
	test_allow("CSG slot \\d+ CS slot: \\d+");
}

/*
 * Run a stream that must end its group, then see that a new group of the same
 * VM works.
 */
static void expect_fatal(struct client *c, const uint64_t *words, size_t nr)
{
	uint32_t fatal = 0;

	allow_fatal();
	client_submit(c, 0, 0, words, nr);
	CHECK_OK(syncobj_wait(&c->gpu, c->done, JOB_MS));
	EXPECT_EQ(group_state(&c->gpu, c->group, &fatal) & DRM_PANTHOR_GROUP_STATE_FATAL_FAULT,
		  DRM_PANTHOR_GROUP_STATE_FATAL_FAULT);
	EXPECT_EQ(fatal, 1);
	CHECK_OK(group_destroy(&c->gpu, c->group));
	c->group = CHECK_OK(group_create(&c->gpu, c->vm, 1, 4096,
					 PANTHOR_GROUP_PRIORITY_MEDIUM));
	RUN(c, CS_MOVE(R_ADDR, DATA_VA), CS_MOVE32(R_A, 0x600d),
	    CS_STORE(R_A, R_ADDR, 0x1, 0), CS_WAIT(0xff));
	EXPECT_EQ(data32(c)[0], 0x600d);
}

#define EXPECT_FATAL(c, ...) do {					\
	const uint64_t words_[] = { __VA_ARGS__ };			\
	expect_fatal(c, words_, sizeof(words_) / sizeof(words_[0]));	\
} while (0)

static void test_bad_opcode(const void *arg)
{
	struct client c = { 0 };

	(void)arg;
	client_open(&c, 1);
	EXPECT_FATAL(&c, CS_OP(0xff));
	client_close(&c);
}

static void test_bad_register(const void *arg)
{
	struct client c = { 0 };

	(void)arg;
	client_open(&c, 1);
	EXPECT_FATAL(&c, CS_MOVE32(96, 1));
	client_close(&c);
}

/* Nine levels where there are eight */
static void test_call_depth(const void *arg)
{
	struct client c = { 0 };

	(void)arg;
	client_open(&c, 1);
	EXPECT_FATAL(&c, CS_MOVE(R_ADDR, CODE_VA), CS_MOVE32(R_A, 24), CS_CALL(R_ADDR, R_A));
	client_close(&c);
}

/* A store to where nothing is mapped: the driver sees an MMU fault as well */
static void test_unmapped(const void *arg)
{
	struct client c = { 0 };

	(void)arg;
	client_open(&c, 1);
	/* Level 2 of the tables has no entry there, and the access was a write */
	test_allow("Unhandled Page fault in AS\\d+ at VA 0x0*30000000");
	test_allow("raw fault status: 0x[0-9A-F]+3C2$");
	EXPECT_FATAL(&c, CS_MOVE(R_ADDR, 0x30000000), CS_STORE(R_A, R_ADDR, 0x1, 0),
		     CS_WAIT(0xff));
	client_close(&c);
}

/* A fault that can be recovered from: the job fails, the group lives on */
static void test_misaligned(const void *arg)
{
	struct client c = { 0 };

	(void)arg;
	client_open(&c, 1);
	test_allow("CS_FAULT");
	test_allow("CSG slot \\d+ CS slot: \\d+");
	RUN(&c, CS_MOVE(R_ADDR, DATA_VA + 2), CS_MOVE32(R_A, 1),
	    CS_STORE(R_A, R_ADDR, 0x1, 0), CS_WAIT(0xff));
	EXPECT_EQ(data32(&c)[0], 0);
	EXPECT_EQ(group_state(&c.gpu, c.group, NULL), 0);
	RUN(&c, CS_MOVE(R_ADDR, DATA_VA), CS_MOVE32(R_A, 0x600d),
	    CS_STORE(R_A, R_ADDR, 0x1, 0), CS_WAIT(0xff));
	EXPECT_EQ(data32(&c)[0], 0x600d);
	client_close(&c);
}

/* A stream without end is stopped after the driver's 5 s; others do not notice */
static void test_timeout(const void *arg)
{
	struct client c = { 0 };
	uint32_t group, done;
	const uint64_t endless[] = { CS_NOP(), CS_BRANCH(CS_ALWAYS, 0, -2) };
	const uint64_t quick[] = {
		CS_MOVE(R_ADDR, DATA_VA), CS_MOVE(R_A, 1ull),
		CS_SYNC_ADD64(R_ADDR, R_A, CS_SYSTEM),
	};

	(void)arg;
	client_open(&c, 1);
	test_allow("job timeout: pid=\\d+, comm=exec");
	group = CHECK_OK(group_create(&c.gpu, c.vm, 1, 4096, PANTHOR_GROUP_PRIORITY_MEDIUM));
	done = CHECK_OK(syncobj_create(&c.gpu));
	client_submit(&c, 0, 0, endless, 2);
	memcpy(c.code.map + 0x1000, quick, sizeof(quick));
	for (unsigned int i = 1; i <= 50; i++) {
		CHECK_OK(group_submit(&c.gpu, group, 0, CODE_VA + 0x1000, sizeof(quick), 0, done));
		CHECK_OK(syncobj_wait(&c.gpu, done, 1000));
		EXPECT_EQ(data64(&c)[0], i);
	}
	CHECK_OK(syncobj_wait(&c.gpu, c.done, 10000));
	EXPECT_EQ(group_state(&c.gpu, c.group, NULL), DRM_PANTHOR_GROUP_STATE_TIMEDOUT);
	EXPECT_EQ(group_state(&c.gpu, group, NULL), 0);
	client_close(&c);
}

static const struct test tests[] = {
	{ "empty", "a job that does nothing is done", test_empty, NULL, 0 },
	{ "arith", "MOVE, ADD_IMM, UMIN read back from memory", test_arith, NULL, 0 },
	{ "multiple", "LOAD_MULTIPLE and STORE_MULTIPLE with holes in the mask", test_multiple, NULL, 0 },
	{ "loop", "a BRANCH taken a million times", test_loop, NULL, 0 },
	{ "ring_wrap", "200 jobs through a ring that holds 32", test_ring_wrap, NULL, 0 },
	{ "ping_pong", "two queues signal one another", test_ping_pong, NULL, 0 },
	{ "wait_cpu", "SYNC_WAIT for a store of the CPU", test_wait_cpu, NULL, 0 },
	{ "bad_opcode", "an instruction that does not exist ends its group", test_bad_opcode,
	  NULL, 0 },
	{ "bad_register", "so does a register that does not exist", test_bad_register, NULL, 0 },
	{ "call_depth", "and a CALL too deep", test_call_depth, NULL, 0 },
	{ "unmapped", "and a store to an address without a page", test_unmapped, NULL, 0 },
	{ "misaligned", "a store to an odd address fails its job only", test_misaligned, NULL, 0 },
	{ "timeout", "an endless stream is stopped, and slows down nobody", test_timeout, NULL, 0 },
	{ "many_groups", "40 groups at work over 8 slots", test_many_groups, NULL, 0 },
};

int main(int argc, char **argv)
{
	static const struct suite suite = {
		.name = "exec", .tests = tests, .nr = ARRAY_SIZE(tests),
	};

	return suite_main(&suite, argc, argv);
}
