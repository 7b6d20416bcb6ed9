// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite bench: pages that the driver lets go, that go to swap, and that a job brings
 * back, beside as many of a file in tmpfs that go the same way without a driver.
 */

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "harness.h"
#include "pressure.h"
#include "stream.h"
#include "vmstat.h"

#define ROUNDS		7
#define SIZE		(16 * MIB)
#define PAGE		4096ul
#define PAGES		(SIZE / PAGE)
#define ALL_PAGES	(1ul << 20)
#define BUFFER_VA	0x40000000ull
#define LABEL		"bench-evicted"
#define SHMEM_ENABLED	"/sys/kernel/mm/transparent_hugepage/shmem_enabled"

/* Pages of which none is like another, and that can be compressed */
static void fill(uint8_t *map)
{
	for (size_t i = 0; i < PAGES; i++)
		memset(map + i * PAGE, 0, PAGE), *(uint64_t *)(map + i * PAGE) = mix64(i);
}

static void check(const uint8_t *map)
{
	for (size_t i = 0; i < PAGES; i++)
		CHECK(*(const volatile uint64_t *)(map + i * PAGE) == mix64(i),
		      "page %zu has another content", i);
}

static long long swapped_in(void)
{
	struct vmstat v;

	CHECK_OK(vmstat_read(&v));
	return v.v[VM_PSWPIN];
}

/* k pages a second of what takes from begin on; all of it has to have been in swap */
static double rate(double begin, long long swapped)
{
	double seconds = now() - begin;

	CHECK(swapped_in() - swapped >= (long long)PAGES, "not all pages were in swap");
	return PAGES / seconds / 1e3;
}

/* By the job's submission; its stream does not matter */
static double through_driver(struct client *c, const struct bo *bo)
{
	long long swapped = swapped_in();
	double begin = now();
	struct gem gem;

	CHECK_OK(panthor_shrink(&c->gpu, ALL_PAGES));
	pressure_swap_out(SIZE);
	RUN(c, CS_NOP());
	CHECK_OK(panthor_gem(&c->gpu, LABEL, &gem));
	CHECK_EQ(gem.resident, bo->size);
	return rate(begin, swapped);
}

static double through_tmpfs(uint8_t *map)
{
	long long swapped = swapped_in();
	double begin = now();

	pressure_swap_out(SIZE);
	check(map);
	return rate(begin, swapped);
}

void bench_evict(const void *arg)
{
	double pairs[ROUNDS][2];
	struct client c = { 0 };
	struct bo bo = { 0 };
	uint8_t *map;
	int fd;

	(void)arg;
	CHECK_OK(pressure_join());
	/* Pages of one size on both sides */
	if (path_exists(SHMEM_ENABLED))
		CHECK_OK(tunable_set(SHMEM_ENABLED, "deny"));
	client_open(&c, 1);
	client_keep_awake(&c);
	CHECK_OK(bo_create(&c.gpu, &bo, SIZE, 0, LABEL));
	CHECK_OK(bo_mmap(&c.gpu, &bo));
	fill(bo.map);
	CHECK_OK(bo_munmap(&bo));
	CHECK_OK(bo_bind(&c.gpu, &bo, c.vm, BUFFER_VA));
	fd = memfd_create("bench-tmpfs", MFD_CLOEXEC);
	CHECK(fd >= 0 && !ftruncate(fd, SIZE), "memfd: %s", strerror(errno));
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED, "mmap: %s", strerror(errno));
	fill(map);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		pairs[i][0] = through_driver(&c, &bo);
		pairs[i][1] = through_tmpfs(map);
	}
	CHECK_OK(bo_mmap(&c.gpu, &bo));
	check(bo.map);
	bench_pairs(pairs, ROUNDS);
	munmap(map, SIZE);
	close(fd);
	CHECK_OK(bo_munmap(&bo));
	CHECK_OK(bo_destroy(&c.gpu, &bo));
	client_close(&c);
}
