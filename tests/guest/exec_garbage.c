// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite exec: random streams, descriptors and rings, beside a group that must
 * not notice. A stream may write where the driver has the rings and sync
 * objects of its own VM: nothing there is protected from it.
 */

#include <drm/panthor_drm.h>
#include <errno.h>
#include <string.h>

#include "conf.h"
#include "exec.h"
#include "harness.h"
#include "stream.h"

#define CASES		300
#define GROUPS		4		/* at a time, a case each */
#define QUEUES		2
#define STREAM_WORDS	64
#define STREAM_SIZE	(STREAM_WORDS * 8)

/* What a group has at most before it is destroyed, done or not */
#define PATIENCE_MS	20

/* In the data: contents of registers, then descriptors */
#define REGISTERS	96
#define DESCRIPTORS	0x200
#define DATA_WORDS	0x200
#define TARGET_AT	0x4000

struct garbage {
	struct client c;
	uint64_t kernel_va;		/* where the driver's buffers of the VM begin */
	struct drm_panthor_tiler_heap_create heap;
	uint32_t groups[GROUPS];
	uint32_t done[GROUPS * QUEUES];
	uint64_t seed;
};

static uint32_t pick(struct garbage *g, uint32_t n)
{
	return (mix64(g->seed++) >> 16) % n;
}

/* An address, most of the time */
static uint64_t pick_value(struct garbage *g)
{
	const uint64_t places[] = {
		DATA_VA, DATA_VA, CODE_VA, TARGET_AT + DATA_VA, HOLE_VA, g->kernel_va,
		g->heap.tiler_heap_ctx_gpu_va, g->heap.first_heap_chunk_gpu_va,
	};

	switch (pick(g, 8)) {
	case 0:
		return mix64(g->seed++);
	case 1:
		return pick(g, 256);
	default:
		return places[pick(g, ARRAY_SIZE(places))] + pick(g, 0x80) * 64;
	}
}

static uint64_t pick_insn(struct garbage *g)
{
	static const uint8_t opcodes[] = {
		0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 16, 17, 18, 20, 21, 22, 23, 24, 25, 32, 33, 34,
		36, 37, 38, 39, 40, 41, 42, 43, 44, 47, 48, 49, 50, 51, 52, 53,
	};
	uint64_t low = pick(g, 2) ? pick(g, 16) : (uint32_t)mix64(g->seed++);

	switch (pick(g, 8)) {
	case 0:
		return mix64(g->seed++);
	case 1:
		return CS_MOVE(pick(g, 40) * 2, pick_value(g));
	default:
		return CS_OP(opcodes[pick(g, ARRAY_SIZE(opcodes))]) | CS_DST(pick(g, 40) * 2) |
		       CS_SRC(pick(g, 40) * 2) | CS_SRC1(pick(g, 40) * 2) | low;
	}
}

/* All registers from memory, so that each points at something; then anything */
static void random_stream(struct garbage *g, uint64_t *words)
{
	unsigned int nr = 0;

	words[nr++] = CS_MOVE(90, DATA_VA);
	for (unsigned int r = 0; r < 80; r += 16)
		words[nr++] = CS_LOAD(r, 90, 0xffff, r * 4);
	words[nr++] = CS_WAIT(0xff);
	words[nr++] = CS_MOVE(88, g->heap.tiler_heap_ctx_gpu_va);
	words[nr++] = CS_HEAP_SET(88);
	while (nr < STREAM_WORDS)
		words[nr++] = pick_insn(g);
}

/*
 * Words that descriptors have in places that matter: the types of a shader and
 * of a heap, sizes, formats, addresses
 */
static void random_data(struct garbage *g)
{
	uint64_t *words = data64(&g->c);

	for (unsigned int i = 0; i < DATA_WORDS; i++)
		words[i] = pick_value(g);
	for (unsigned int at = DESCRIPTORS / 8; at < DATA_WORDS; at += 8) {
		switch (pick(g, 4)) {
		case 0:
			words[at] = 8;
			break;
		case 1:
			words[at] = 0x29;
			words[at + 1] = g->heap.first_heap_chunk_gpu_va;
			words[at + 3] = g->heap.first_heap_chunk_gpu_va + pick(g, 3) * 0x1000;
			break;
		case 2:
			words[at] = pick(g, 8) << 26 |
				    (uint64_t)(1 | pick(g, 32) << 3 | pick(g, 3) << 8) << 32;
			words[at + 4] = DATA_VA + TARGET_AT;
			words[at + 5] = pick(g, 4096);
			break;
		}
	}
}

static void garbage_open(struct garbage *g)
{
	struct client *c = &g->c;
	struct drm_panthor_vm_create vm = { 0 };

	CHECK_OK(panthor_open(&c->gpu));
	CHECK_OK(drm_ioctl(&c->gpu, DRM_IOCTL_PANTHOR_VM_CREATE, &vm));
	c->vm = vm.id;
	g->kernel_va = vm.user_va_range;
	client_buffer(c, &c->code, BO_SIZE, "garbage-code", CODE_VA);
	client_buffer(c, &c->data, BO_SIZE, "garbage-data", DATA_VA);
	g->heap = (struct drm_panthor_tiler_heap_create) {
		.vm_id = c->vm, .initial_chunk_count = 1, .chunk_size = 0x20000, .max_chunks = 3,
		.target_in_flight = 2,
	};
	CHECK_OK(drm_ioctl(&c->gpu, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &g->heap));
	for (unsigned int i = 0; i < GROUPS; i++)
		g->groups[i] = CHECK_OK(group_create(&c->gpu, c->vm, QUEUES, 4096,
						     PANTHOR_GROUP_PRIORITY_MEDIUM));
	for (unsigned int i = 0; i < GROUPS * QUEUES; i++)
		g->done[i] = CHECK_OK(syncobj_create(&c->gpu));
}

/* What is still at work is stopped by it, as when a client dies */
static void garbage_close(struct garbage *g)
{
	struct client *c = &g->c;

	for (unsigned int i = 0; i < GROUPS; i++)
		CHECK_OK(group_destroy(&c->gpu, g->groups[i]));
	bo_munmap(&c->code);
	bo_munmap(&c->data);
	panthor_close(&c->gpu);
}

/* A group may have failed by its first queue when the second one gets its job */
static void garbage_submit(struct garbage *g)
{
	random_data(g);
	for (unsigned int i = 0; i < GROUPS * QUEUES; i++) {
		size_t at = i * STREAM_SIZE;
		int ret;

		random_stream(g, (uint64_t *)(g->c.code.map + at));
		ret = group_submit(&g->c.gpu, g->groups[i / QUEUES], i % QUEUES, CODE_VA + at,
				   STREAM_SIZE, 0, g->done[i]);
		CHECK(!ret || ret == -EINVAL, "group_submit() says %d", ret);
	}
}

/* Sixteen words, each made from its neighbours: what the innocent group keeps doing */
static const uint64_t innocent_job[] = {
	CS_MOVE(R_ADDR, DATA_VA), CS_LOAD(10, R_ADDR, 0xffff, 0), CS_WAIT(0xff),
	CS_ADD64(10, 12, 3), CS_ADD64(12, 14, 5), CS_ADD64(14, 16, 7), CS_ADD64(16, 18, 11),
	CS_ADD64(18, 20, 13), CS_ADD64(20, 22, 17), CS_ADD64(22, 24, 19), CS_ADD64(24, 10, 23),
	CS_STORE(10, R_ADDR, 0xffff, 0), CS_WAIT(0xff),
};

static void innocent_model(uint64_t *w)
{
	static const uint32_t add[] = { 3, 5, 7, 11, 13, 17, 19, 23 };

	for (unsigned int i = 0; i < 8; i++)
		w[i] = w[(i + 1) % 8] + add[i];
}

/* Driver: what it tells of a queue, of a page, of a heap and of a job in an endless loop */
static void allow_messages(void)
{
	test_allow("CS_FATAL");
	test_allow("CS_FAULT");
	test_allow("CSG slot \\d+ CS slot: \\d+");
	test_allow("Unhandled Page fault in AS\\d+ at VA 0x[0-9A-F]+");
	test_allow("raw fault status: 0x[0-9A-F]+$");
	test_allow("Failed to extend the tiler heap");
	test_allow("job timeout: pid=\\d+, comm=exec");
}

void test_garbage(const void *arg)
{
	unsigned int cases = test_cases(CASES), rounds = (cases + GROUPS - 1) / GROUPS;
	uint64_t model[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct client innocent = { 0 };

	(void)arg;
	allow_messages();
	test_log("again: ./mali-vm run exec.garbage --seed %llu --cases %u",
		 conf_number("seed", 1), cases);
	client_open(&innocent, 1);
	/*
	 * A fault that comes after the driver has disabled its address space stays
	 * pending, masked. Over a suspend panthor_mmu_resume() forgets faulty_mask,
	 * and panthor_vm_active() takes it for a fault of the next VM there.
	 */
	client_keep_awake(&innocent);
	memcpy(innocent.data.map, model, sizeof(model));
	for (unsigned int i = 0; i < rounds; i++) {
		struct garbage g = { .seed = mix64(test_seed() + i) };

		garbage_open(&g);
		garbage_submit(&g);
		for (unsigned int n = 0; n < 4; n++) {
			client_run(&innocent, innocent_job, ARRAY_SIZE(innocent_job));
			innocent_model(model);
		}
		CHECK(!memcmp(innocent.data.map, model, sizeof(model)),
		      "another group has other results after the cases from %u on", i * GROUPS);
		CHECK_EQ(syncobj_status(&innocent.gpu, innocent.done), 0);
		CHECK_EQ(group_state(&innocent.gpu, innocent.group, NULL), 0);
		for (unsigned int n = 0; n < GROUPS * QUEUES; n++)
			syncobj_wait(&g.c.gpu, g.done[n], PATIENCE_MS);
		garbage_close(&g);
	}
	metric_int("cases", rounds * GROUPS);
	client_close(&innocent);
}
