// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite exec: what each instruction does, read back from memory. Those that
 * synchronise are in exec_sync.c, faults in exec_fault.c.
 */

#include <drm/panthor_drm.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "exec.h"
#include "harness.h"
#include "need.h"
#include "stream.h"

/* Store registers from first on; the address is in one that is the driver's between jobs */
static void emit_dump(struct stream *s, unsigned int first, unsigned int nr, uint64_t va)
{
	emit(s, CS_MOVE(92, va));
	for (unsigned int i = 0; i < nr; i += 16) {
		unsigned int n = nr - i < 16 ? nr - i : 16;

		emit(s, CS_STORE(first + i, 92, (1u << n) - 1, i * 4));
	}
	emit(s, CS_WAIT(0xff));
}

void test_arith(const void *arg)
{
	STREAM(s, 64);
	struct client c = { 0 };

	(void)arg;
	client_open(&c, 1);
	/* MOVE writes the whole pair, MOVE32 a single register */
	emit(&s, CS_MOVE32(11, 0xffffffff));
	emit(&s, CS_MOVE(10, 0xfedcba987654ull));
	emit(&s, CS_MOVE(12, 0xffffffffffffull));
	emit(&s, CS_MOVE32(12, 0xdeadbeef));
	/* ADD_IMM32 wraps, and keeps off the other half of a pair */
	emit(&s, CS_ADD32(14, 12, -0xbeef));
	emit(&s, CS_MOVE32(15, 0xffffffff));
	emit(&s, CS_ADD32(16, 15, 1));
	emit(&s, CS_ADD32(17, 16, -1));
	emit(&s, CS_MOVE(18, 0xffffffffull));
	emit(&s, CS_ADD32(18, 18, 1));
	/* ADD_IMM64 carries and borrows; its immediate is signed */
	emit(&s, CS_MOVE(20, 0xffffffffull));
	emit(&s, CS_ADD64(20, 20, 1));
	emit(&s, CS_ADD64(22, 20, -2));
	emit(&s, CS_MOVE(24, 0ull));
	emit(&s, CS_ADD64(24, 24, -1));
	emit(&s, CS_ADD64(26, 24, 0x7fffffff));
	emit(&s, CS_ADD64(28, 24, -0x7fffffff - 1));
	/* UMIN32 is unsigned */
	emit(&s, CS_MOVE32(30, 0x80000000));
	emit(&s, CS_MOVE32(31, 0x7fffffff));
	emit(&s, CS_UMIN32(32, 30, 31));
	emit(&s, CS_UMIN32(33, 31, 30));
	emit(&s, CS_UMIN32(34, 15, 30));
	emit_dump(&s, 10, 25, DATA_VA);
	client_run(&c, s.words, s.nr);

	EXPECT_EQ(data64(&c)[0], 0xfedcba987654ull);
	EXPECT_EQ(data64(&c)[1], 0xffffdeadbeefull);
	EXPECT_EQ(data32(&c)[4], 0xdead0000);
	EXPECT_EQ(data32(&c)[5], 0xffffffff);
	EXPECT_EQ(data32(&c)[6], 0);
	EXPECT_EQ(data32(&c)[7], 0xffffffff);
	EXPECT_EQ(data64(&c)[4], 0);
	EXPECT_EQ(data64(&c)[5], 0x100000000ull);
	EXPECT_EQ(data64(&c)[6], 0xfffffffeull);
	EXPECT_EQ(data64(&c)[7], -1);
	EXPECT_EQ(data64(&c)[8], 0x7ffffffe);
	EXPECT_EQ(data64(&c)[9], -0x80000001ll);
	EXPECT_EQ(data32(&c)[22], 0x7fffffff);
	EXPECT_EQ(data32(&c)[23], 0x7fffffff);
	EXPECT_EQ(data32(&c)[24], 0x80000000);
	client_close(&c);
}

/* Memory is packed: a register that the mask leaves out has no word */
void test_multiple(const void *arg)
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
	    /* Nothing to load and store: not even the address is used */
	    CS_MOVE(R_A, HOLE_VA),
	    CS_LOAD(20, R_A, 0, 0), CS_STORE(20, R_A, 0, 0),
	    /* Offsets are signed, and of all 16 bits */
	    CS_MOVE(R_ADDR, DATA_VA + 0x8000),
	    CS_LOAD(20, R_ADDR, 1, -0x8000),
	    CS_WAIT(0xff),
	    CS_STORE(20, R_ADDR, 1, 0x7ffc),
	    CS_WAIT(0xff));
	EXPECT_EQ(data32(&c)[16], 0x100);
	EXPECT_EQ(data32(&c)[17], 0x55);
	EXPECT_EQ(data32(&c)[18], 0x101);
	EXPECT_EQ(data32(&c)[19], 0x102);
	EXPECT_EQ(data32(&c)[20], 0);
	EXPECT_EQ(data32(&c)[0xfffc / 4], 0x100);
	client_close(&c);
}

/* Loads, stores and the stream itself over the edge of pages of different buffers */
void test_page_cross(const void *arg)
{
	const uint64_t va = 0x24000000;
	struct client c = { 0 };
	struct bo bo[2];
	STREAM(s, 64);
	uint32_t *edge[2];

	(void)arg;
	client_open(&c, 1);
	/* Backwards, so that the pages hardly follow one another in memory too */
	client_buffer(&c, &bo[1], 4096, "exec-high", va + 4096);
	client_buffer(&c, &bo[0], 4096, "exec-low", va);
	edge[0] = (uint32_t *)bo[0].map + 1024 - 6;
	edge[1] = (uint32_t *)bo[1].map;

	for (unsigned int i = 0; i < 16; i++)
		emit(&s, CS_MOVE32(i, 0xc0de00 + i));
	emit(&s, CS_MOVE(R_ADDR, va + 4096));
	emit(&s, CS_STORE(0, R_ADDR, 0xffff, -24));
	emit(&s, CS_WAIT(0xff));
	emit(&s, CS_LOAD(20, R_ADDR, 0xffff, -24));
	emit(&s, CS_WAIT(0xff));
	emit(&s, CS_MOVE(R_ADDR, DATA_VA));
	emit(&s, CS_STORE(20, R_ADDR, 0xffff, 0));
	emit(&s, CS_WAIT(0xff));
	client_submit(&c, 0, 4096 - 64, s.words, s.nr);
	CHECK_OK(syncobj_wait(&c.gpu, c.done, JOB_MS));
	for (unsigned int i = 0; i < 16; i++) {
		EXPECT_EQ(i < 6 ? edge[0][i] : edge[1][i - 6], 0xc0de00 + i);
		EXPECT_EQ(data32(&c)[i], 0xc0de00 + i);
	}
	EXPECT_EQ(edge[0][-1], 0);
	EXPECT_EQ(edge[1][10], 0);

	/* A stream whose pages belong to two buffers */
	memcpy(bo[0].map + 4096 - 8, &(uint64_t){ CS_MOVE32(R_A, 0x600d) }, 8);
	memcpy(bo[1].map, (uint64_t[]){ CS_STORE(R_A, R_ADDR, 1, 64), CS_WAIT(0xff) }, 16);
	RUN(&c, CS_MOVE(R_B, va + 4096 - 8), CS_MOVE32(14, 24), CS_CALL(R_B, 14));
	EXPECT_EQ(data32(&c)[16], 0x600d);
	client_close(&c);
}

/* Every condition, on each side of 0 and at the ends of the range */
void test_branch(const void *arg)
{
	static const int32_t values[] = { INT32_MIN, -1, 0, 1, INT32_MAX };
	static const struct {
		unsigned int cond;
		const char *taken;	/* '1' for each of the values it is taken for */
	} conds[] = {
		{ CS_LE, "11100" }, { CS_GT, "00011" }, { CS_EQ, "00100" }, { CS_NE, "11011" },
		{ CS_LT, "11000" }, { CS_GE, "00111" }, { CS_ALWAYS, "11111" },
	};
	enum { VALUES = ARRAY_SIZE(values), CONDS = ARRAY_SIZE(conds) };
	struct client c = { 0 };
	STREAM(s, CONDS * VALUES * 6 + 16);

	(void)arg;
	client_open(&c, 1);
	emit(&s, CS_MOVE(R_ADDR, DATA_VA));
	for (unsigned int i = 0; i < CONDS; i++) {
		for (unsigned int k = 0; k < VALUES; k++) {
			emit(&s, CS_MOVE32(R_B, values[k]));
			emit(&s, CS_MOVE32(R_A, '1'));
			emit(&s, CS_BRANCH(conds[i].cond, R_B, 1));
			emit(&s, CS_MOVE32(R_A, '0'));
			emit(&s, CS_STORE(R_A, R_ADDR, 1, (i * VALUES + k) * 4));
			emit(&s, CS_WAIT(0xff));
		}
	}
	/* Forwards, far backwards, and from there to the end of the stream */
	emit(&s, CS_BRANCH(CS_ALWAYS, 0, 2));
	emit(&s, CS_STORE(R_A, R_ADDR, 1, 0x800));
	emit(&s, CS_BRANCH(CS_ALWAYS, 0, 2));
	emit(&s, CS_MOVE32(R_A, 0x600d));
	emit(&s, CS_BRANCH(CS_ALWAYS, 0, -4));
	emit(&s, CS_WAIT(0xff));
	client_run(&c, s.words, s.nr);
	for (unsigned int i = 0; i < CONDS; i++)
		for (unsigned int k = 0; k < VALUES; k++)
			EXPECT(data32(&c)[i * VALUES + k] == (uint32_t)conds[i].taken[k],
			       "condition %u of %d: got '%c'", conds[i].cond, values[k],
			       data32(&c)[i * VALUES + k]);
	EXPECT_EQ(data32(&c)[0x200], 0x600d);
	client_close(&c);
}

void test_loop(const void *arg)
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

/* Append a mark to a list in memory, whose end the pair 62 points to */
static void emit_mark(struct stream *s, uint32_t mark)
{
	emit(s, CS_MOVE32(R_A, mark));
	emit(s, CS_STORE(R_A, 62, 1, 0));
	emit(s, CS_WAIT(0xff));
	emit(s, CS_ADD64(62, 62, 4));
}

/*
 * Streams that call one another as deep as it goes: eight levels, of which the
 * driver's CALL of the job is one. On the way back each goes on where it was.
 */
void test_call(const void *arg)
{
	enum { LEVELS = 8, WORDS = 16, ROUNDS = 3 };
	struct client c = { 0 };
	uint32_t *mark;

	(void)arg;
	client_open(&c, 1);
	for (unsigned int level = LEVELS; level--; ) {
		STREAM(s, WORDS);

		if (!level)
			emit(&s, CS_MOVE(62, DATA_VA));
		emit_mark(&s, 0x100 + level);
		emit(&s, CS_MOVE(R_ADDR, CODE_VA + (level + 1) * WORDS * 8));
		/* The last one ends with what it is called for; no tail calls */
		emit(&s, CS_MOVE32(R_B, (level + 1 == LEVELS - 1 ? 4 : WORDS) * 8));
		if (level < LEVELS - 1)
			emit(&s, CS_CALL(R_ADDR, R_B));
		emit_mark(&s, 0x200 + level);
		while (s.nr < WORDS)
			emit(&s, CS_NOP());
		memcpy(c.code.map + level * WORDS * 8, s.words, sizeof(s_words));
	}
	for (unsigned int round = 0; round < ROUNDS; round++) {
		memset(c.data.map, 0, 4096);
		CHECK_OK(group_submit(&c.gpu, c.group, 0, CODE_VA, WORDS * 8, 0, c.done));
		CHECK_OK(syncobj_wait(&c.gpu, c.done, JOB_MS));
		mark = data32(&c);
		for (unsigned int level = 0; level < LEVELS; level++)
			EXPECT_EQ(*mark++, 0x100 + level);
		for (unsigned int level = LEVELS - 1; level--; )
			EXPECT_EQ(*mark++, 0x200 + level);
		EXPECT_EQ(*mark, 0);
	}
	client_close(&c);
}

/* JUMP leaves its stream for good; the end of the last one returns to the caller */
void test_jump(const void *arg)
{
	enum { HOPS = 1000 };
	struct client c = { 0 };
	STREAM(main, 16);
	STREAM(hop, 16);
	STREAM(last, 16);

	(void)arg;
	client_open(&c, 1);
	/* At 0x1000: to itself so many times, then on to 0x2000 */
	emit(&hop, CS_ADD32(20, 20, 1));
	emit(&hop, CS_ADD32(21, 20, -HOPS));
	emit(&hop, CS_BRANCH(CS_GE, 21, 1));
	emit(&hop, CS_JUMP(64, 66));
	emit(&hop, CS_JUMP(68, 67));
	emit(&hop, CS_MOVE32(20, 0xbad));
	memcpy(c.code.map + 0x1000, hop.words, hop.nr * 8);
	emit(&last, CS_STORE(20, R_ADDR, 1, 0));
	memcpy(c.code.map + 0x2000, last.words, last.nr * 8);

	emit(&main, CS_MOVE(R_ADDR, DATA_VA));
	emit(&main, CS_MOVE32(20, 0));
	emit(&main, CS_MOVE(64, CODE_VA + 0x1000));
	emit(&main, CS_MOVE32(66, hop.nr * 8));
	emit(&main, CS_MOVE(68, CODE_VA + 0x2000));
	emit(&main, CS_MOVE32(67, last.nr * 8));
	emit(&main, CS_CALL(64, 66));
	emit(&main, CS_MOVE32(R_A, 0x600d));
	emit(&main, CS_STORE(R_A, R_ADDR, 1, 4));
	emit(&main, CS_WAIT(0xff));
	client_run(&c, main.words, main.nr);
	EXPECT_EQ(data32(&c)[0], HOPS);
	EXPECT_EQ(data32(&c)[1], 0x600d);
	client_close(&c);
}

/* All registers there are for jobs hold their values from job to job */
void test_registers(const void *arg)
{
	struct client c = { 0 };
	STREAM(set, JOB_REGS);
	STREAM(dump, 16);

	(void)arg;
	client_open(&c, 2);
	emit_dump(&dump, 0, JOB_REGS, DATA_VA);
	memset(c.data.map, 0xff, 4096);
	client_run(&c, dump.words, dump.nr);
	for (unsigned int i = 0; i < JOB_REGS; i++)
		EXPECT(!data32(&c)[i], "r%u of a new queue is 0x%x", i, data32(&c)[i]);

	for (unsigned int i = 0; i < JOB_REGS; i++)
		emit(&set, CS_MOVE32(i, 0x5a000000 | i));
	client_run(&c, set.words, set.nr);
	client_run(&c, dump.words, dump.nr);
	for (unsigned int i = 0; i < JOB_REGS; i++)
		EXPECT(data32(&c)[i] == (0x5a000000 | i), "r%u is 0x%x", i, data32(&c)[i]);

	/* So they do while the GPU is down; the other queue has its own */
	client_wait_suspended(&c);
	memset(c.data.map, 0xff, 4096);
	client_run(&c, dump.words, dump.nr);
	for (unsigned int i = 0; i < JOB_REGS; i++)
		EXPECT(data32(&c)[i] == (0x5a000000 | i), "after suspend r%u is 0x%x", i,
		       data32(&c)[i]);
	client_submit(&c, 1, 0, dump.words, dump.nr);
	CHECK_OK(syncobj_wait(&c.gpu, c.done, JOB_MS));
	for (unsigned int i = 0; i < JOB_REGS; i++)
		EXPECT(!data32(&c)[i], "r%u of queue 1 is 0x%x", i, data32(&c)[i]);
	client_close(&c);
}

/* Instructions that change neither registers nor the memory a job sees */
void test_no_effect(const void *arg)
{
	struct drm_panthor_tiler_heap_create heap = {
		.initial_chunk_count = 1, .max_chunks = 2, .target_in_flight = 1,
		.chunk_size = 128 * KIB,
	};
	struct client c = { 0 };
	STREAM(s, 160);

	(void)arg;
	client_open(&c, 1);
	heap.vm_id = c.vm;
	CHECK_OK(drm_ioctl(&c.gpu, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &heap));
	for (unsigned int i = 0; i < JOB_REGS; i++)
		emit(&s, CS_MOVE32(i, 0xa5000000 | i));
	emit(&s, 0x00ffffffffffffffull);	/* NOP: the rest is a remark */
	for (unsigned int mask = 0; mask < 16; mask++)
		emit(&s, CS_REQ_RESOURCE(mask));
	emit(&s, CS_HANDLER(2, 60, 10));
	emit(&s, CS_MOVE(92, heap.tiler_heap_ctx_gpu_va));
	emit(&s, CS_HEAP_SET(92));
	emit(&s, CS_HEAP_OPERATION(0));
	emit(&s, CS_HEAP_OPERATION(1));
	emit(&s, CS_HEAP_OPERATION(3));
	/* A fragment job of which no chunk came free */
	emit(&s, CS_MOVE(92, 0ull));
	emit(&s, CS_FINISH_FRAGMENT(92, 92));
	emit(&s, CS_PROT_REGION(0));
	emit(&s, CS_TRACE_POINT(0, 0));
	emit(&s, CS_SB_ENTRY(2, 1));
	emit(&s, CS_ERROR_BARRIER());
	/* No handler again: it would be called with these registers */
	emit(&s, CS_HANDLER(2, 92, 92));
	emit_dump(&s, 0, JOB_REGS, DATA_VA);
	client_run(&c, s.words, s.nr);
	for (unsigned int i = 0; i < JOB_REGS; i++)
		EXPECT(data32(&c)[i] == (0xa5000000 | i), "r%u is 0x%x", i, data32(&c)[i]);
	for (size_t i = JOB_REGS; i < BO_SIZE / 4; i++)
		CHECK(!data32(&c)[i], "0x%x at 0x%zx of the data", data32(&c)[i], i * 4);
	client_close(&c);
}

/* Each slot as the one loads, stores, flushes and endpoint tasks count on */
void test_scoreboard(const void *arg)
{
	enum { SLOTS = 8 };
	struct client c = { 0 };
	STREAM(s, SLOTS * 16 + 8);

	(void)arg;
	client_open(&c, 1);
	for (unsigned int i = 0; i < SLOTS; i++)
		data32(&c)[i] = 0x600d00 + i;
	emit(&s, CS_MOVE(R_ADDR, DATA_VA));
	emit(&s, CS_MOVE32(R_B, 0));
	for (unsigned int slot = 0; slot < SLOTS; slot++) {
		emit(&s, CS_SB_ENTRY((slot + 1) % SLOTS, slot));
		emit(&s, CS_WAIT(0));
		emit(&s, CS_LOAD(R_A, R_ADDR, 1, slot * 4));
		emit(&s, CS_WAIT(1 << slot));
		emit(&s, CS_STORE(R_A, R_ADDR, 1, 256 + slot * 4));
		emit(&s, CS_FLUSH(CS_CLEAN, CS_CLEAN, 0, R_B, 0, slot));
		emit(&s, CS_WAIT(1 << slot));
		emit(&s, CS_FINISH_TILING());
		emit(&s, CS_WAIT(1 << (slot + 1) % SLOTS));
	}
	/* All in use at once, some more than once */
	for (unsigned int slot = 0; slot < 2 * SLOTS; slot++)
		emit(&s, CS_FLUSH(CS_CLEAN, CS_CLEAN, 0, R_B, 0, slot % SLOTS));
	emit(&s, CS_WAIT(0xff));
	client_run(&c, s.words, s.nr);
	for (unsigned int i = 0; i < SLOTS; i++)
		EXPECT_EQ(data32(&c)[64 + i], 0x600d00 + i);
	client_close(&c);
}

/* The GPU's own idea of the time, read by the CPU */
static struct drm_panthor_timestamp_info gpu_time(struct client *c)
{
	struct drm_panthor_timestamp_info info = {
		.flags = DRM_PANTHOR_TIMESTAMP_GPU | DRM_PANTHOR_TIMESTAMP_GPU_CYCLE_COUNT,
	};

	need_version(&c->gpu, 1, "TIMESTAMP_INFO query");
	CHECK_OK(panthor_query(&c->gpu, DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO, &info,
			       sizeof(info)));
	return info;
}

/* Timestamps and cycles of a stream lie between those of the CPU before and after it */
void test_store_state(const void *arg)
{
	struct drm_panthor_timestamp_info before, after;
	struct client c = { 0 };
	const uint64_t *got;

	(void)arg;
	client_open(&c, 1);
	/* The cycles are counted only while the GPU is up */
	client_keep_awake(&c);
	memset(c.data.map, 0xff, 4096);
	before = gpu_time(&c);
	RUN(&c,
	    CS_MOVE(R_ADDR, DATA_VA + 64),
	    CS_STORE_STATE(R_ADDR, CS_TIMESTAMP, -64),
	    CS_STORE_STATE(R_ADDR, CS_CYCLES, -56),
	    CS_MOVE32(R_A, 100000),
	    CS_ADD32(R_A, R_A, -1), CS_BRANCH(CS_GT, R_A, -2),
	    CS_STORE_STATE(R_ADDR, CS_TIMESTAMP, -48),
	    CS_STORE_STATE(R_ADDR, CS_CYCLES, -40),
	    CS_STORE_STATE(R_ADDR, CS_DISJOINT, 0),
	    CS_STORE_STATE(R_ADDR, CS_ERROR, 8));
	after = gpu_time(&c);
	got = data64(&c);
	EXPECT(before.current_timestamp <= got[0] && got[0] < got[2] &&
	       got[2] <= after.current_timestamp, "%llu, %llu, %llu, %llu",
	       (unsigned long long)before.current_timestamp, (unsigned long long)got[0],
	       (unsigned long long)got[2], (unsigned long long)after.current_timestamp);
	EXPECT(before.cycle_count <= got[1] && got[1] < got[3] && got[3] <= after.cycle_count,
	       "%llu, %llu, %llu, %llu", (unsigned long long)before.cycle_count,
	       (unsigned long long)got[1], (unsigned long long)got[3],
	       (unsigned long long)after.cycle_count);
	EXPECT_EQ(got[8], 0);
	EXPECT_EQ(got[9], 0);
	EXPECT_EQ(got[10], -1);
	client_close(&c);
}

/*
 * Run a FLUSH_CACHE2 with the latest number, or the one before it: does
 * LATEST_FLUSH_ID change?
 */
static bool flush_counts(struct client *c, volatile uint32_t *latest, unsigned int l2,
			 unsigned int lsc, bool old)
{
	uint32_t before = *latest;
	const uint64_t words[] = {
		CS_MOVE32(R_A, old ? before - 1 : before),
		CS_FLUSH(l2, lsc, 2, R_A, 0, 3),
		CS_WAIT(1 << 3),
	};

	EXPECT_EQ(before & 0xff000000, 0);
	memcpy(c->code.map, words, sizeof(words));
	CHECK_OK(group_submit_flushed(&c->gpu, c->group, 0, CODE_VA, sizeof(words), 0, c->done,
				      before - 1));
	CHECK_OK(syncobj_wait(&c->gpu, c->done, JOB_MS));
	return *latest != before;
}

/*
 * The driver flushes too, when it gives an address space to another VM or
 * takes one away, in its own time: what must not flush is tried again then. A
 * GPU that does flush would each time.
 */
#define FLUSH_TRIES 5

/*
 * A flush of everything changes LATEST_FLUSH_ID, and a stream that brings an
 * older one does not flush again. The driver's own flush at the start of each
 * job is given one so that it does not count.
 */
void test_flush(const void *arg)
{
	size_t page = sysconf(_SC_PAGESIZE);
	struct client c = { 0 };
	volatile uint32_t *latest;
	static const struct {
		const char *what;
		unsigned int l2, lsc;
		bool old;		/* brings the number from before the last flush */
		bool flushes;
	} cases[] = {
		{ "all of the caches", CS_CLEAN_INVALIDATE, CS_CLEAN_INVALIDATE, false, true },
		{ "after another flush", CS_CLEAN_INVALIDATE, CS_CLEAN_INVALIDATE, true, false },
		{ "again with the latest number", CS_CLEAN_INVALIDATE, CS_CLEAN_INVALIDATE, false,
		  true },
		{ "nothing", CS_FLUSH_NONE, CS_FLUSH_NONE, false, false },
		{ "a clean of the L2", CS_CLEAN, CS_FLUSH_NONE, false, false },
	};

	(void)arg;
	client_open(&c, 1);
	client_keep_awake(&c);
	latest = mmap(NULL, page, PROT_READ, MAP_SHARED, c.gpu.fd,
		      DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET);
	CHECK(latest != MAP_FAILED, "%m");
	/* The group gets its slot, and there is something to be older than */
	for (unsigned int i = 0; i < 4; i++)
		RUN(&c, CS_NOP());

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		bool flushed = !cases[i].flushes;

		for (unsigned int try = 0; try < FLUSH_TRIES && flushed != cases[i].flushes; try++)
			flushed = flush_counts(&c, latest, cases[i].l2, cases[i].lsc,
					       cases[i].old);
		EXPECT(flushed == cases[i].flushes, "%s: LATEST_FLUSH_ID is %u",
		       cases[i].what, *latest);
	}
	munmap((void *)latest, page);
	client_close(&c);
}

/* The progress counter of a queue: read, written, counted up, and waited for by another */
void test_progress(const void *arg)
{
	struct client c = { 0 };
	uint32_t waiter;
	const uint64_t words[] = {
		CS_MOVE(R_A, 3ull), CS_PROGRESS_WAIT(0, R_A),
		CS_MOVE(R_ADDR, DATA_VA), CS_LOAD(R_B, R_ADDR, 1, 256), CS_WAIT(0xff),
		CS_STORE(R_B, R_ADDR, 1, 64), CS_WAIT(0xff),
	};

	(void)arg;
	client_open(&c, 2);
	waiter = CHECK_OK(syncobj_create(&c.gpu));
	memcpy(c.code.map + 0x1000, words, sizeof(words));
	CHECK_OK(group_submit(&c.gpu, c.group, 1, CODE_VA + 0x1000, sizeof(words), 0, waiter));
	RUN(&c, CS_WAIT(0) | CS_PROGRESS, CS_WAIT(0xff) | CS_PROGRESS);
	CHECK_EQ(syncobj_wait(&c.gpu, waiter, 100), -ETIME);
	RUN(&c,
	    CS_MOVE(R_ADDR, DATA_VA), CS_MOVE32(R_A, 0x600d),
	    CS_STORE(R_A, R_ADDR, 1, 256),
	    CS_WAIT(0xff) | CS_PROGRESS);
	CHECK_OK(syncobj_wait(&c.gpu, waiter, JOB_MS));
	EXPECT_EQ(data32(&c)[16], 0x600d);
	RUN(&c,
	    CS_MOVE(R_ADDR, DATA_VA),
	    CS_PROGRESS_LOAD(R_A), CS_STORE(R_A, R_ADDR, 3, 0), CS_WAIT(0xff),
	    CS_MOVE(R_A, 0xffffffffull), CS_PROGRESS_STORE(R_A),
	    CS_WAIT(0) | CS_PROGRESS, CS_WAIT(0),
	    CS_PROGRESS_LOAD(R_B), CS_STORE(R_B, R_ADDR, 3, 8),
	    CS_WAIT(0xff));
	EXPECT_EQ(data64(&c)[0], 3);
	EXPECT_EQ(data64(&c)[1], 0x100000000ull);
	client_close(&c);
}
