// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite lists: the order in which the driver's shrinker takes buffers, and that
 * none is left out. By content alone a buffer on the wrong list is as good as
 * one on the right one.
 */

#include <stdio.h>

#include "client.h"
#include "group.h"
#include "harness.h"
#include "lists.h"
#include "need.h"
#include "panthor.h"
#include "util.h"
#include "vmstat.h"

#define VA	0x10000000ul
#define SIZE	(16 * PAGE)

void lists_need(const struct panthor *gpu)
{
	need_shrinker(gpu);
	CHECK(meminfo("SwapTotal") > 0, "there is no swap, without which the driver evicts "
	      "nothing: run with --swap 256M, on a kernel with CONFIG_ZRAM");
	/* What others have left goes first */
	CHECK_OK(panthor_shrink(gpu, ALL));
}

static void open_gpu(struct panthor *gpu)
{
	CHECK_OK(panthor_open(gpu));
	lists_need(gpu);
}

bool lists_resident(const struct panthor *gpu, const struct bo *bo)
{
	struct gem gem;

	CHECK_OK(panthor_gem(gpu, bo->label, &gem));
	return gem.resident > 0;
}

static void fill(const struct panthor *gpu, struct bo *bo, const char *label)
{
	CHECK_OK(bo_create(gpu, bo, SIZE, 0, label));
	CHECK_OK(bo_mmap(gpu, bo));
	for (size_t i = 0; i < SIZE; i += PAGE)
		bo->map[i] = 1;
}

/*
 * Mapped by the CPU again, it is one of those that are mapped, even before the
 * first page fault: the one that is not goes first, although it was filled later.
 */
static void test_mmap(const void *arg)
{
	struct panthor gpu;
	struct bo mapped, unused;

	(void)arg;
	open_gpu(&gpu);
	fill(&gpu, &mapped, "lists-mapped");
	CHECK_OK(bo_munmap(&mapped));
	fill(&gpu, &unused, "lists-unused");
	CHECK_OK(bo_munmap(&unused));
	CHECK_OK(bo_mmap(&gpu, &mapped));
	EXPECT_EQ(CHECK_OK(panthor_shrink(&gpu, 1)), SIZE / PAGE);
	EXPECT(!lists_resident(&gpu, &unused), "the unused buffer did not go first");
	EXPECT(lists_resident(&gpu, &mapped), "the mapped buffer went first");
	CHECK_OK(bo_destroy(&gpu, &mapped));
	CHECK_OK(bo_destroy(&gpu, &unused));
	panthor_close(&gpu);
}

/* A scan that wants no more leaves a VM's other buffers to the next one. */
static void test_rest(const void *arg)
{
	struct panthor gpu;
	struct bo bos[3];
	char label[32];
	uint32_t vm;

	(void)arg;
	open_gpu(&gpu);
	vm = CHECK_OK(panthor_vm_create(&gpu));
	for (size_t i = 0; i < ARRAY_SIZE(bos); i++) {
		snprintf(label, sizeof(label), "lists-rest-%zu", i);
		fill(&gpu, &bos[i], label);
		CHECK_OK(bo_munmap(&bos[i]));
		CHECK_OK(bo_bind(&gpu, &bos[i], vm, VA + i * SIZE));
	}
	for (size_t i = 0; i < ARRAY_SIZE(bos); i++) {
		EXPECT_EQ(CHECK_OK(panthor_shrink(&gpu, 1)), SIZE / PAGE);
		EXPECT(!lists_resident(&gpu, &bos[i]), "buffer %zu was not the next one", i);
	}
	EXPECT_EQ(CHECK_OK(panthor_shrink(&gpu, ALL)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bos); i++)
		CHECK_OK(bo_destroy(&gpu, &bos[i]));
	CHECK_OK(panthor_vm_destroy(&gpu, vm));
	panthor_close(&gpu);
}

/* A client's VM with a group, whose jobs bring back what was evicted; and two buffers */
struct pair {
	struct panthor gpu;
	uint32_t vm, group, done;
	struct bo first, second;
};

static void pair_open(struct pair *p, const char *first, const char *second)
{
	open_gpu(&p->gpu);
	p->vm = CHECK_OK(panthor_vm_create(&p->gpu));
	p->group = CHECK_OK(group_create(&p->gpu, p->vm, 1, PAGE, PANTHOR_GROUP_PRIORITY_MEDIUM));
	p->done = CHECK_OK(syncobj_create(&p->gpu));
	fill(&p->gpu, &p->first, first);
	CHECK_OK(bo_munmap(&p->first));
	CHECK_OK(bo_bind(&p->gpu, &p->first, p->vm, VA));
	fill(&p->gpu, &p->second, second);
	CHECK_OK(bo_munmap(&p->second));
}

static void pair_close(struct pair *p)
{
	CHECK_OK(bo_destroy(&p->gpu, &p->first));
	CHECK_OK(bo_destroy(&p->gpu, &p->second));
	CHECK_OK(group_destroy(&p->gpu, p->group));
	CHECK_OK(panthor_vm_destroy(&p->gpu, p->vm));
	panthor_close(&p->gpu);
}

/* Restored for a job, it is one of those of its VM: it goes before one that was bound later. */
static void test_restored(const void *arg)
{
	struct pair p;

	(void)arg;
	pair_open(&p, "lists-restored", "lists-later");
	EXPECT_EQ(CHECK_OK(panthor_shrink(&p.gpu, ALL)), 2 * SIZE / PAGE);
	CHECK_OK(group_submit(&p.gpu, p.group, 0, 0, 0, 0, p.done));
	CHECK_OK(syncobj_wait(&p.gpu, p.done, JOB_MS));
	CHECK(lists_resident(&p.gpu, &p.first), "the job did not bring the buffer back");
	CHECK_OK(bo_bind(&p.gpu, &p.second, p.vm, VA + SIZE));
	EXPECT_EQ(CHECK_OK(panthor_shrink(&p.gpu, 1)), SIZE / PAGE);
	EXPECT(!lists_resident(&p.gpu, &p.first), "the buffer that was restored did not go first");
	EXPECT(lists_resident(&p.gpu, &p.second), "the buffer that was bound later went first");
	pair_close(&p);
}

/* Bound no more, it is unused: it goes before one that is bound, although it was used later. */
static void test_unbound(const void *arg)
{
	struct pair p;

	(void)arg;
	pair_open(&p, "lists-bound", "lists-unbound");
	CHECK_OK(bo_bind(&p.gpu, &p.second, p.vm, VA + SIZE));
	CHECK_OK(vm_unbind(&p.gpu, p.vm, VA + SIZE, SIZE));
	EXPECT_EQ(CHECK_OK(panthor_shrink(&p.gpu, 1)), SIZE / PAGE);
	EXPECT(!lists_resident(&p.gpu, &p.second), "the buffer that is not bound did not go first");
	EXPECT(lists_resident(&p.gpu, &p.first), "the buffer that is bound went first");
	pair_close(&p);
}

static const struct test tests[] = {
	{ "mmap", "mapped by the CPU again: later than what is not", test_mmap, NULL, 0 },
	{ "rest", "a VM's buffers one after another, the oldest first", test_rest, NULL, 0 },
	{ "restored", "brought back by a job: before what was bound later", test_restored, NULL,
	  0 },
	{ "unbound", "unbound: before what is bound", test_unbound, NULL, 0 },
	{ "two-scans", "two scans at a time do not lose a VM", test_two_scans, NULL, 0 },
};

int main(int argc, char **argv)
{
	static const struct suite suite = {
		.name = "lists",
		.tests = tests,
		.nr = ARRAY_SIZE(tests),
	};

	return suite_main(&suite, argc, argv);
}
