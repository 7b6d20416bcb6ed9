// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite lists: the order in which the driver's shrinker takes buffers, and that
 * none is left out. By content alone a buffer on the wrong list is as good as
 * one on the right one.
 */

#include <stdio.h>

#include "harness.h"
#include "panthor.h"
#include "util.h"
#include "vmstat.h"

#define PAGE	4096ul
#define ALL	(1ul << 20)		/* more pages than there are */
#define VA	0x10000000ul
#define SIZE	(16 * PAGE)

static void need(struct panthor *gpu)
{
	CHECK(meminfo("SwapTotal") > 0, "there is no swap, without which the driver evicts "
	      "nothing: run with --swap 256M, on a kernel with CONFIG_ZRAM");
	CHECK_OK(panthor_open(gpu));
	/* What others have left goes first */
	CHECK_OK(panthor_shrink(gpu, ALL));
}

static bool resident(const struct panthor *gpu, const struct bo *bo)
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
	need(&gpu);
	fill(&gpu, &mapped, "lists-mapped");
	CHECK_OK(bo_munmap(&mapped));
	fill(&gpu, &unused, "lists-unused");
	CHECK_OK(bo_munmap(&unused));
	CHECK_OK(bo_mmap(&gpu, &mapped));
	EXPECT_EQ(CHECK_OK(panthor_shrink(&gpu, 1)), SIZE / PAGE);
	EXPECT(!resident(&gpu, &unused), "the unused buffer did not go first");
	EXPECT(resident(&gpu, &mapped), "the mapped buffer went first");
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
	need(&gpu);
	vm = CHECK_OK(panthor_vm_create(&gpu));
	for (size_t i = 0; i < ARRAY_SIZE(bos); i++) {
		snprintf(label, sizeof(label), "lists-rest-%zu", i);
		fill(&gpu, &bos[i], label);
		CHECK_OK(bo_munmap(&bos[i]));
		CHECK_OK(bo_bind(&gpu, &bos[i], vm, VA + i * SIZE));
	}
	for (size_t i = 0; i < ARRAY_SIZE(bos); i++) {
		EXPECT_EQ(CHECK_OK(panthor_shrink(&gpu, 1)), SIZE / PAGE);
		EXPECT(!resident(&gpu, &bos[i]), "buffer %zu was not the next one", i);
	}
	EXPECT_EQ(CHECK_OK(panthor_shrink(&gpu, ALL)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bos); i++)
		CHECK_OK(bo_destroy(&gpu, &bos[i]));
	CHECK_OK(panthor_vm_destroy(&gpu, vm));
	panthor_close(&gpu);
}

static const struct test tests[] = {
	{ "mmap", "mapped by the CPU again: later than what is not", test_mmap, NULL, 0 },
	{ "rest", "a VM's buffers one after another, the oldest first", test_rest, NULL, 0 },
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
