// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite task: endpoint tasks, as far as they need no shader. Descriptors are
 * those of Mesa's genxml (v10.xml), by their words.
 */

#include <drm/panthor_drm.h>
#include <errno.h>
#include <string.h>

#include "group.h"
#include "harness.h"
#include "panthor.h"

#define CODE_VA		0x10000000ull
#define DATA_VA		0x20000000ull
#define TARGET_VA	0x40000000ull
/* Nothing is ever mapped there, nor near it */
#define HOLE_VA		0x30000000ull
#define BO_SIZE		0x10000
#define TARGET_SIZE	0x500000
#define JOB_MS		patience(20000)

/* Descriptors and results in the data buffer */
#define RESULT		0x000
#define SHADER		0x100
#define STORAGE		0x140
#define TILER		0x200
#define HEAP		0x300
#define FBD		0x400
#define FBD_TARGET	(FBD + 128)

#define OP(op)		((uint64_t)(op) << 56)
#define MOVE(r, v)	(OP(1) | (uint64_t)(r) << 48 | ((v) & 0xffffffffffffull))
#define MOVE32(r, v)	(OP(2) | (uint64_t)(r) << 48 | (uint32_t)(v))
#define WAIT(mask)	(OP(3) | (uint64_t)(mask) << 16)
#define ADD32(r, v)	(OP(16) | (uint64_t)(r) << 48 | (uint64_t)(r) << 40 | (uint32_t)(v))
#define LOAD(r, a, mask, off)	\
	(OP(20) | (uint64_t)(r) << 48 | (uint64_t)(a) << 40 | (uint64_t)(mask) << 16 | (off))
#define STORE(r, a, mask, off)	\
	(OP(21) | (uint64_t)(r) << 48 | (uint64_t)(a) << 40 | (uint64_t)(mask) << 16 | (off))
#define SB_ENTRY(endpoint)	(OP(23) | (endpoint))
#define HANDLER(a, len)	(OP(25) | (uint64_t)(a) << 40 | (uint64_t)(len) << 32 | 2)
#define PROGRESS_LOAD(r)	(OP(43) | (uint64_t)(r) << 48)
#define HEAP_SET(a)	(OP(48) | (uint64_t)(a) << 40)
#define HEAP_OPERATION(op)	(OP(49) | (uint64_t)(op) << 32)
#define RUN_COMPUTE()	OP(4)
#define RUN_IDVS()	OP(6)
#define RUN_FRAGMENT()	OP(7)
#define FINISH_TILING()	OP(9)
#define FINISH_FRAGMENT(first, last)	\
	(OP(11) | (uint64_t)(first) << 40 | (uint64_t)(last) << 32)
#define COUNT_PROGRESS	(1ull << 32)
#define COUNT_RENDERED	1ull
#define SLOT		3

struct client {
	struct panthor gpu;
	uint32_t vm;
	struct bo code;
	struct bo data;
	struct bo target;
	uint32_t group;
	uint32_t done;
	struct drm_panthor_tiler_heap_create heap;
};

static uint32_t *data32(struct client *c, size_t offset)
{
	return (uint32_t *)(c->data.map + offset);
}

static uint64_t *data64(struct client *c, size_t offset)
{
	return (uint64_t *)(c->data.map + offset);
}

static void client_buffer(struct client *c, struct bo *bo, size_t size, uint64_t va)
{
	CHECK_OK(bo_create(&c->gpu, bo, size, 0, "task"));
	CHECK_OK(bo_mmap(&c->gpu, bo));
	memset(bo->map, 0, size);
	CHECK_OK(bo_bind(&c->gpu, bo, c->vm, va));
}

static void client_open(struct client *c)
{
	CHECK_OK(panthor_open(&c->gpu));
	c->vm = CHECK_OK(panthor_vm_create(&c->gpu));
	client_buffer(c, &c->code, BO_SIZE, CODE_VA);
	client_buffer(c, &c->data, BO_SIZE, DATA_VA);
	c->group = CHECK_OK(group_create(&c->gpu, c->vm, 2, 4096,
					 PANTHOR_GROUP_PRIORITY_MEDIUM));
	c->done = CHECK_OK(syncobj_create(&c->gpu));
	*data32(c, SHADER) = 8;
}

static void client_run(struct client *c, const uint64_t *words, size_t nr)
{
	memcpy(c->code.map, words, nr * sizeof(*words));
	CHECK_OK(group_submit(&c->gpu, c->group, 0, CODE_VA, nr * sizeof(*words), 0, c->done));
	CHECK_OK(syncobj_wait(&c->gpu, c->done, JOB_MS));
}

#define RUN(c, ...) do {						\
	const uint64_t words_[] = { __VA_ARGS__ };			\
	client_run(c, words_, sizeof(words_) / sizeof(words_[0]));	\
} while (0)

/* --- Tasks --- */

/* A million threads: it takes its 2 ms, which nothing else in the stream does */
#define COMPUTE_REGS							\
	MOVE(0, 0ull), MOVE(8, 0ull), MOVE(16, DATA_VA + SHADER),	\
	MOVE(24, DATA_VA + STORAGE), MOVE32(33, 1023),			\
	MOVE32(37, 1024), MOVE32(38, 32), MOVE32(39, 1)

static void test_slot(const void *arg)
{
	struct client c = { 0 };

	(void)arg;
	client_open(&c);
	RUN(&c, COMPUTE_REGS, MOVE(60, DATA_VA + RESULT), SB_ENTRY(SLOT),
	    RUN_COMPUTE() | COUNT_PROGRESS,
	    PROGRESS_LOAD(62), STORE(62, 60, 0x3, 0),
	    WAIT(0xff & ~(1 << SLOT)),
	    PROGRESS_LOAD(62), STORE(62, 60, 0x3, 8),
	    WAIT(1 << SLOT),
	    PROGRESS_LOAD(62), STORE(62, 60, 0x3, 16), WAIT(0xff));
	EXPECT_EQ(data64(&c, RESULT)[0], 0);
	EXPECT_EQ(data64(&c, RESULT)[1], 0);
	EXPECT_EQ(data64(&c, RESULT)[2], 1);
	EXPECT_EQ(group_state(&c.gpu, c.group, NULL), 0);
}

static void test_unmapped(const void *arg)
{
	struct client c = { 0 };

	(void)arg;
	client_open(&c);
	test_allow("CS_FATAL");
	test_allow("CSG slot \\d+ CS slot: \\d+");
	test_allow("Unhandled Page fault in AS\\d+ at VA 0x0*30000000");
	test_allow("raw fault status: 0x[0-9A-F]+$");
	RUN(&c, COMPUTE_REGS, MOVE(16, HOLE_VA), SB_ENTRY(SLOT), RUN_COMPUTE(), WAIT(0xff));
	EXPECT_EQ(group_state(&c.gpu, c.group, NULL) & DRM_PANTHOR_GROUP_STATE_FATAL_FAULT,
		  DRM_PANTHOR_GROUP_STATE_FATAL_FAULT);
}

/* What is no shader program fails its job, and no other */
static void test_descriptor(const void *arg)
{
	struct client c = { 0 };

	(void)arg;
	client_open(&c);
	test_allow("CS_FAULT");
	test_allow("CSG slot \\d+ CS slot: \\d+");
	*data32(&c, SHADER) = 9;
	RUN(&c, COMPUTE_REGS, MOVE(60, DATA_VA + RESULT), SB_ENTRY(SLOT), RUN_COMPUTE(),
	    MOVE32(62, 1), STORE(62, 60, 0x1, 0), WAIT(0xff));
	EXPECT_EQ(*data32(&c, RESULT), 0);
	*data32(&c, SHADER) = 8;
	RUN(&c, COMPUTE_REGS, MOVE(60, DATA_VA + RESULT), SB_ENTRY(SLOT), RUN_COMPUTE(),
	    MOVE32(62, 1), STORE(62, 60, 0x1, 0), WAIT(0xff));
	EXPECT_EQ(*data32(&c, RESULT), 1);
	EXPECT_EQ(group_state(&c.gpu, c.group, NULL), 0);
}

/* --- Clears --- */

struct clear {
	unsigned int width, height;	/* of the target */
	unsigned int x0, y0, x1, y1;	/* what is cleared, both ends included */
	unsigned int block;		/* 1 U-interleaved, 2 linear */
	unsigned int internal, writeback, bytes;
	uint32_t color, pixel;		/* as packed in the descriptor, and in memory */
};

#define CLEAR_COLOR 0x44332211u

static const struct clear clear_linear = {
	100, 50, 7, 3, 90, 40, 2, 1, 19, 4, CLEAR_COLOR, CLEAR_COLOR
};
static const struct clear clear_tiled = {
	96, 64, 7, 3, 90, 40, 1, 1, 19, 4, CLEAR_COLOR, CLEAR_COLOR
};
/* 5, 6 and 5 bits of fields of 10 */
static const struct clear clear_rgb565 = {
	100, 50, 0, 0, 99, 49, 2, 5, 21, 2,
	0x15u << 5 | 0x2bu << 14 | 0x0au << 25, 0x15 | 0x2b << 5 | 0x0a << 11
};
/* 4 MiB, of which no slice of the device writes a tenth */
static const struct clear clear_large = {
	1024, 1024, 0, 0, 1023, 1023, 2, 1, 19, 4, CLEAR_COLOR, CLEAR_COLOR
};

static size_t pixel_offset(const struct clear *k, unsigned int x, unsigned int y)
{
	unsigned int in = 0;

	if (k->block == 2)
		return ((size_t)y * k->width + x) * k->bytes;
	for (unsigned int bit = 0; bit < 4; bit++) {
		in |= (((x ^ y) >> bit) & 1) << (2 * bit);
		in |= ((y >> bit) & 1) << (2 * bit + 1);
	}
	return ((size_t)(y / 16) * (k->width / 16) + x / 16) * 256 * k->bytes + in * k->bytes;
}

static void test_clear(const void *arg)
{
	const struct clear *k = arg;
	struct client c = { 0 };
	uint32_t *fbd, *rt, pixel, want;
	unsigned int wrong = 0;

	client_open(&c);
	client_buffer(&c, &c.target, TARGET_SIZE, TARGET_VA);
	memset(c.target.map, 0xee, TARGET_SIZE);
	fbd = data32(&c, FBD);
	fbd[8] = (k->width - 1) | (k->height - 1) << 16;
	fbd[9] = 0;
	fbd[10] = k->x1 | k->y1 << 16;
	rt = data32(&c, FBD_TARGET);
	rt[0] = k->internal << 26;
	rt[1] = 1 | k->writeback << 3 | k->block << 8 | 0x688u << 16 | 1u << 31;
	rt[8] = (uint32_t)TARGET_VA;
	rt[10] = k->width * k->bytes * (k->block == 1 ? 16 : 1);
	rt[12] = rt[13] = rt[14] = rt[15] = k->color;
	RUN(&c, MOVE(40, (DATA_VA + FBD) | 1), MOVE32(42, k->x0 | k->y0 << 16),
	    MOVE32(43, (k->width - 1) | (k->height - 1) << 16), MOVE(44, 0ull), MOVE32(46, 0),
	    SB_ENTRY(SLOT), RUN_FRAGMENT(), WAIT(0xff));
	for (unsigned int y = 0; y < k->height; y++) {
		for (unsigned int x = 0; x < k->width; x++) {
			int in = x >= k->x0 && x <= k->x1 && y >= k->y0 && y <= k->y1;

			pixel = want = 0;
			memset(&want, 0xee, k->bytes);
			if (in)
				want = k->pixel;
			memcpy(&pixel, c.target.map + pixel_offset(k, x, y), k->bytes);
			wrong += pixel != want;
		}
	}
	EXPECT_EQ(wrong, 0);
	EXPECT_EQ(c.target.map[(size_t)k->width * k->height * k->bytes], 0xee);
	EXPECT_EQ(group_state(&c.gpu, c.group, NULL), 0);
}

/* --- Tiler heap --- */

#define CHUNK	(128 * 1024)
/* What the device takes for a draw is its own; this many fill a few chunks */
#define VERTICES 5000

static void heap_open(struct client *c, unsigned int max_chunks)
{
	uint64_t *tiler = data64(c, TILER), *heap = data64(c, HEAP);

	c->heap = (struct drm_panthor_tiler_heap_create) {
		.vm_id = c->vm, .initial_chunk_count = 1, .chunk_size = CHUNK,
		.max_chunks = max_chunks, .target_in_flight = 16,
	};
	CHECK_OK(drm_ioctl(&c->gpu, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &c->heap));
	tiler[3] = DATA_VA + HEAP;
	heap[0] = 0x29 | (uint64_t)CHUNK << 32;
	heap[1] = c->heap.first_heap_chunk_gpu_va;
	heap[2] = heap[1] + 64;
	heap[3] = heap[1] + CHUNK;
	data64(c, FBD)[7] = DATA_VA + TILER;
}

#define DRAW_REGS							\
	MOVE(0, 0ull), MOVE(8, 0ull), MOVE(12, 0ull),			\
	MOVE(16, DATA_VA + SHADER), MOVE(20, 0ull), MOVE(24, DATA_VA + STORAGE),	\
	MOVE32(33, VERTICES), MOVE32(34, 1), MOVE(40, DATA_VA + TILER),	\
	MOVE(50, 0ull), MOVE(52, 0ull)

#define FRAGMENT_REGS							\
	MOVE(40, (DATA_VA + FBD) | 1), MOVE32(42, 0), MOVE32(43, 0),	\
	MOVE(44, 0ull), MOVE32(46, 0)

#define RENDER								\
	FRAGMENT_REGS, RUN_FRAGMENT(), WAIT(1 << SLOT),			\
	MOVE(70, DATA_VA + TILER), LOAD(72, 70, 0xf, 40), WAIT(0xff)

/* Grows as far as the draw needs; what is rendered comes back, and is used again */
static void test_heap_grow(const void *arg)
{
	struct client c = { 0 };
	uint64_t second;

	(void)arg;
	client_open(&c);
	heap_open(&c, 4);
	for (int round = 0; round < 4; round++) {
		RUN(&c, MOVE(64, c.heap.tiler_heap_ctx_gpu_va), HEAP_SET(64), DRAW_REGS,
		    SB_ENTRY(SLOT), HEAP_OPERATION(0), RUN_IDVS(), FINISH_TILING(),
		    WAIT(1 << SLOT), HEAP_OPERATION(1), RENDER,
		    MOVE(60, DATA_VA + RESULT), STORE(72, 60, 0xf, 0), WAIT(0xff),
		    FINISH_FRAGMENT(72, 74) | COUNT_RENDERED);
		CHECK_EQ(group_state(&c.gpu, c.group, NULL), 0);
		if (!round) {
			EXPECT_EQ(data64(&c, RESULT)[0] & ~0xfffull,
				  c.heap.first_heap_chunk_gpu_va);
			EXPECT_EQ(data64(&c, RESULT)[0] & 0xfff, CHUNK >> 12);
			second = data64(&c, RESULT)[1];
			EXPECT(second != data64(&c, RESULT)[0], "one chunk was enough");
			EXPECT(data64(&c, HEAP)[1] != (second & ~0xfffull), "nothing in use");
		}
	}
}

/* With nobody to give memory back, the job fails; the group lives on */
static void test_heap_limit(const void *arg)
{
	struct client c = { 0 };

	(void)arg;
	client_open(&c);
	heap_open(&c, 2);
	test_allow("CS_FAULT");
	test_allow("CSG slot \\d+ CS slot: \\d+");
	RUN(&c, MOVE(64, c.heap.tiler_heap_ctx_gpu_va), HEAP_SET(64), DRAW_REGS,
	    SB_ENTRY(SLOT), HEAP_OPERATION(0), MOVE(60, DATA_VA + RESULT), MOVE32(62, 1),
	    RUN_IDVS(), STORE(62, 60, 0x1, 0), WAIT(0xff));
	EXPECT_EQ(*data32(&c, RESULT), 0);
	EXPECT_EQ(group_state(&c.gpu, c.group, NULL), 0);
	RUN(&c, MOVE(60, DATA_VA + RESULT), MOVE32(62, 2), STORE(62, 60, 0x1, 0), WAIT(0xff));
	EXPECT_EQ(*data32(&c, RESULT), 2);
}

/* The handler renders what there is, and the draw goes on with what that frees */
static void test_heap_handler(const void *arg)
{
	const uint64_t handler[] = {
		RENDER, FINISH_FRAGMENT(72, 74),
		MOVE(76, 0ull), STORE(76, 70, 0x3, 40), STORE(76, 70, 0x3, 48),
		ADD32(78, 1), WAIT(0xff),
		MOVE(40, DATA_VA + TILER),
	};
	struct client c = { 0 };

	(void)arg;
	client_open(&c);
	heap_open(&c, 2);
	memcpy(c.code.map + 0x1000, handler, sizeof(handler));
	RUN(&c, MOVE(64, c.heap.tiler_heap_ctx_gpu_va), HEAP_SET(64), DRAW_REGS,
	    MOVE(66, CODE_VA + 0x1000), MOVE32(68, sizeof(handler)), HANDLER(66, 68),
	    MOVE32(78, 0), SB_ENTRY(SLOT), HEAP_OPERATION(0),
	    RUN_IDVS() | COUNT_PROGRESS, WAIT(1 << SLOT), PROGRESS_LOAD(80),
	    MOVE(60, DATA_VA + RESULT), STORE(78, 60, 0xd, 0), WAIT(0xff));
	EXPECT_EQ(data32(&c, RESULT)[0], 1);
	EXPECT_EQ(data32(&c, RESULT)[1], 1);
	EXPECT_EQ(group_state(&c.gpu, c.group, NULL), 0);
}

/* A pass that is tiled and not rendered holds what the next one needs */
static void test_heap_wait(const void *arg)
{
	struct client c = { 0 };
	uint32_t rendered;

	(void)arg;
	client_open(&c);
	heap_open(&c, 3);
	rendered = CHECK_OK(syncobj_create(&c.gpu));
	const uint64_t tile[] = {
		MOVE(64, c.heap.tiler_heap_ctx_gpu_va), HEAP_SET(64), DRAW_REGS, SB_ENTRY(SLOT),
		HEAP_OPERATION(0), RUN_IDVS(), WAIT(1 << SLOT), HEAP_OPERATION(1),
		HEAP_OPERATION(0), RUN_IDVS(), WAIT(1 << SLOT), HEAP_OPERATION(1),
	};
	const uint64_t render[] = {
		MOVE(64, c.heap.tiler_heap_ctx_gpu_va), HEAP_SET(64), SB_ENTRY(SLOT), RENDER,
		FINISH_FRAGMENT(72, 74) | COUNT_RENDERED,
	};

	memcpy(c.code.map, tile, sizeof(tile));
	memcpy(c.code.map + 0x1000, render, sizeof(render));
	CHECK_OK(group_submit(&c.gpu, c.group, 0, CODE_VA, sizeof(tile), 0, c.done));
	CHECK_EQ(syncobj_wait(&c.gpu, c.done, 300), -ETIME);
	CHECK_OK(group_submit(&c.gpu, c.group, 1, CODE_VA + 0x1000, sizeof(render), 0, rendered));
	CHECK_OK(syncobj_wait(&c.gpu, rendered, JOB_MS));
	CHECK_OK(syncobj_wait(&c.gpu, c.done, JOB_MS));
	EXPECT_EQ(group_state(&c.gpu, c.group, NULL), 0);
}

/* A handler that frees nothing is not called for ever */
static void test_heap_useless(const void *arg)
{
	const uint64_t handler[] = { ADD32(78, 1) };
	struct client c = { 0 };

	(void)arg;
	client_open(&c);
	heap_open(&c, 2);
	test_allow("CS_FAULT");
	test_allow("CSG slot \\d+ CS slot: \\d+");
	memcpy(c.code.map + 0x1000, handler, sizeof(handler));
	RUN(&c, MOVE(64, c.heap.tiler_heap_ctx_gpu_va), HEAP_SET(64), DRAW_REGS,
	    MOVE(66, CODE_VA + 0x1000), MOVE32(68, sizeof(handler)), HANDLER(66, 68),
	    MOVE32(78, 0), SB_ENTRY(SLOT), HEAP_OPERATION(0), RUN_IDVS(), WAIT(0xff));
	RUN(&c, MOVE(60, DATA_VA + RESULT), STORE(78, 60, 0x1, 0), WAIT(0xff));
	EXPECT_EQ(data32(&c, RESULT)[0], 1);
	EXPECT_EQ(group_state(&c.gpu, c.group, NULL), 0);
}

static const struct test tests[] = {
	{ "slot", "RUN_COMPUTE completes on its slot, and counts", test_slot, NULL, 0 },
	{ "unmapped", "a descriptor without a page ends the group", test_unmapped, NULL, 0 },
	{ "descriptor", "one of the wrong type fails its job only", test_descriptor, NULL, 0 },
	{ "clear_linear", "RUN_FRAGMENT clears a linear target in its bounds", test_clear,
	  &clear_linear, 0 },
	{ "clear_tiled", "and a U-interleaved one", test_clear, &clear_tiled, 0 },
	{ "clear_rgb565", "and one of 16 bits a pixel", test_clear, &clear_rgb565, 0 },
	{ "clear_large", "and one that takes many slices", test_clear, &clear_large, 0 },
	{ "heap_grow", "the tiler heap grows, and its chunks are used again", test_heap_grow,
	  NULL, 0 },
	{ "heap_wait", "at its limit, a draw waits for an earlier pass", test_heap_wait, NULL, 0 },
	{ "heap_limit", "at its limit, without a handler, the job fails", test_heap_limit,
	  NULL, 0 },
	{ "heap_handler", "with a handler that renders, it goes on", test_heap_handler, NULL, 0 },
	{ "heap_useless", "with one that does not, the job fails", test_heap_useless, NULL, 0 },
};

int main(int argc, char **argv)
{
	static const struct suite suite = {
		.name = "task", .tests = tests, .nr = ARRAY_SIZE(tests),
	};

	return suite_main(&suite, argc, argv);
}
