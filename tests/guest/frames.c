// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite frames: what the module gpu_dma_check says of page frames is true. No
 * page that is in use is ever marked as freed, by whichever way it came to its
 * owner; and a page that is freed is marked, with who did it.
 *
 * Each test begins with as many free pages as there can be marked as freed: a
 * way of allocating that the module does not see then leaves marked pages in
 * use.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/mman.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frame_map.h"
#include "harness.h"
#include "modules.h"
#include "vmstat.h"

#define HUGE (2 * MIB)
#define THP_ENABLED "/sys/kernel/mm/transparent_hugepage/enabled"
#define SHMEM_ENABLED "/sys/kernel/mm/transparent_hugepage/shmem_enabled"
#define COMPACT "/proc/sys/vm/compact_memory"
#define COMPACT_LOCKED "/proc/sys/vm/compact_unevictable_allowed"
#define MIN_FREE "/proc/sys/vm/min_free_kbytes"
#define CGROUP "/sys/fs/cgroup/mali-vm-frames"

/* A page size of which one is more than the free lists hold: 8192 small pages. */
#define GIGANTIC (32 * MIB)
#define GIGANTIC_SHIFT 25
#define GIGANTIC_POOL "/sys/kernel/mm/hugepages/hugepages-32768kB/nr_hugepages"

/* Left free for the system while nearly everything else is taken. */
#define ROOM (64 * MIB)

/* Address space for small or huge pages, whose start is that of a huge page. */
static void *map_memory(size_t size, int advice)
{
	uint8_t *p = mmap(NULL, size + HUGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(p != MAP_FAILED, "mmap: %s", strerror(errno));
	p = (uint8_t *)(((uintptr_t)p + HUGE - 1) & ~(HUGE - 1));
	CHECK(!madvise(p, size, advice), "madvise: %s", strerror(errno));
	return p;
}

static void touch(void *start, size_t size)
{
	size_t i, page = sysconf(_SC_PAGESIZE);

	for (i = 0; i < size; i += page)
		((volatile uint8_t *)start)[i] = 1;
}

static void *get_small_pages(size_t size)
{
	void *p = map_memory(size, MADV_NOHUGEPAGE);

	touch(p, size);
	return p;
}

/* How much can be taken so that enough is left for the system. */
static size_t spare_memory(void)
{
	long long available = meminfo("MemAvailable");

	CHECK(available > (long long)(2 * ROOM), "only %lld bytes are free", available);
	return (available - ROOM) / HUGE * HUGE;
}

/* Take nearly all memory and give it back, in huge pages because they are faster. */
static void paint(void)
{
	size_t size = spare_memory();
	void *p;

	CHECK_OK(tunable_set(THP_ENABLED, "madvise"));
	p = map_memory(size, MADV_HUGEPAGE);
	touch(p, size);
	munmap(p, size);
}

/* Take memory and give back every other page: what is free lies scattered. */
static void *take_every_other_page(size_t size)
{
	size_t i, page = sysconf(_SC_PAGESIZE);
	uint8_t *p = get_small_pages(size);

	for (i = 0; i < size; i += 2 * page)
		CHECK(!madvise(p + i, page, MADV_DONTNEED), "madvise: %s", strerror(errno));
	return p;
}

/*
 * Leave no more than `whole` of free memory in pieces larger than a page, and as
 * much again in single pages. What is taken is locked: reclaim and compaction
 * would make whole pieces of it. Taking many pages at once does not touch the
 * reserve, which huge pages make large (mm/khugepaged.c): have a small one.
 */
static void leave_scattered(size_t whole)
{
	size_t i, used = 0, page = sysconf(_SC_PAGESIZE), size = spare_memory();
	uint8_t *p = map_memory(size, MADV_HUGEPAGE);

	CHECK_OK(tunable_set(COMPACT_LOCKED, "0"));
	CHECK_OK(tunable_set(MIN_FREE, "2048"));
	CHECK(!mlock2(p, size, MLOCK_ONFAULT), "mlock2: %s", strerror(errno));
	for (i = 0; i < size && free_memory() > 3 * (long long)whole; i += HUGE)
		touch(p + i, HUGE);
	p = map_memory(size, MADV_NOHUGEPAGE);
	CHECK(!mlock2(p, size, MLOCK_ONFAULT), "mlock2: %s", strerror(errno));
	for (; used < size && free_memory() > (long long)whole; used += MIB)
		touch(p + used, MIB);
	for (i = 0; i < used; i += 2 * page)
		CHECK(!munmap(p + i, page), "munmap: %s", strerror(errno));
}

/* The module is loaded, and most of what is free is marked so. */
static void begin(void)
{
	struct frame_audit audit;

	if (!path_exists("/sys/module/" CHECK_MODULE)) {
		if (!path_exists(CHECK_MODULE_FILE))
			test_skip("the module " CHECK_MODULE " is not in this guest: run with "
				  "--check report");
		CHECK_OK(module_load_file(CHECK_MODULE_FILE));
	}
	CHECK_OK(frame_map_open());
	paint();
	CHECK_OK(frame_map_audit(&audit));
	metric_int("marked", audit.freed);
	CHECK(audit.freed > audit.free / 2, "%zu frames are marked of %zu that are free",
	      audit.freed, audit.free);
}

/* Our memory is there and none of it marked; nor is anybody else's. */
static void expect_in_use(const void *start, size_t size)
{
	struct frame_counts counts;

	CHECK_OK(frame_map_count(start, size, &counts));
	EXPECT_EQ(counts.state[GPU_DMA_CHECK_FREED], 0);
	EXPECT(counts.present >= size / sysconf(_SC_PAGESIZE) / 2,
	       "only %zu pages are there", counts.present);
}

static void expect_true_map(void)
{
	struct frame_audit audit;

	CHECK_OK(frame_map_audit(&audit));
	EXPECT_EQ(audit.used_freed, 0);
	EXPECT_EQ(audit.free_allocated, 0);
	EXPECT(audit.used, "no page is in use");
	metric_int("used", audit.used);
	metric_int("free", audit.free);
}

static void test_small(const void *arg)
{
	size_t size = 32 * MIB;
	void *p;

	(void)arg;
	begin();
	p = get_small_pages(size);
	expect_in_use(p, size);
	expect_true_map();
}

static void test_huge(const void *arg)
{
	size_t size = 32 * MIB, i, huge = 0;
	struct frame_counts counts;
	uint8_t *p;

	(void)arg;
	begin();
	p = map_memory(size, MADV_HUGEPAGE);
	touch(p, size);
	expect_in_use(p, size);
	/* Split, and freed in part. */
	for (i = 0; i < size; i += HUGE) {
		CHECK(!madvise(p + i, HUGE / 2, MADV_DONTNEED), "madvise: %s", strerror(errno));
		CHECK_OK(frame_map_count(p + i + HUGE / 2, HUGE / 2, &counts));
		huge += counts.present;
		EXPECT_EQ(counts.state[GPU_DMA_CHECK_FREED], 0);
	}
	EXPECT(huge >= size / sysconf(_SC_PAGESIZE) / 4, "only %zu pages are there", huge);
	expect_true_map();
}

static void test_shmem(const void *arg)
{
	const char *const modes[] = { "deny", "force" };
	size_t size = 16 * MIB, i;

	(void)arg;
	begin();
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		int fd = memfd_create("frames", MFD_CLOEXEC);
		void *p;

		CHECK_OK(tunable_set(SHMEM_ENABLED, "%s", modes[i]));
		CHECK(fd >= 0 && !ftruncate(fd, size), "memfd: %s", strerror(errno));
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		CHECK(p != MAP_FAILED, "mmap: %s", strerror(errno));
		touch(p, size);
		expect_in_use(p, size);
		/* The second half goes; the first one stays. */
		CHECK(!ftruncate(fd, size / 2), "ftruncate: %s", strerror(errno));
		expect_in_use(p, size / 2);
		munmap(p, size);
		close(fd);
	}
	expect_true_map();
}

static void test_compaction(const void *arg)
{
	size_t size = 48 * MIB, nr = size / sysconf(_SC_PAGESIZE), i, moved = 0;
	uint64_t *before = malloc(nr * sizeof(*before)), *after = malloc(nr * sizeof(*after));
	int rounds;
	void *p;

	(void)arg;
	CHECK(before && after, "no memory");
	begin();
	for (rounds = 0; rounds < 2; rounds++) {
		p = take_every_other_page(size);
		CHECK_OK(frame_map_frames(p, size, before));
		CHECK_OK(write_file(COMPACT, "1"));
		CHECK_OK(frame_map_frames(p, size, after));
		for (i = 0; i < nr; i++)
			moved += before[i] && after[i] && before[i] != after[i];
		expect_in_use(p, size);
		munmap(p, size);
	}
	metric_int("moved", moved);
	EXPECT(moved, "compaction moved no page");
	expect_true_map();
}

/* Ranges of frames, which are emptied by moving what is in them. */
static void test_contig(const void *arg)
{
	size_t size;
	long long nr;
	void *p, *q;

	(void)arg;
	if (!path_exists(GIGANTIC_POOL))
		test_skip("this kernel has no huge pages of 32 MiB");
	begin();
	/* Something that has to be moved out of the way. */
	q = get_small_pages(64 * MIB);
	CHECK_OK(tunable_set(GIGANTIC_POOL, "2"));
	CHECK_OK(read_number(&nr, GIGANTIC_POOL));
	metric_int("ranges", nr);
	CHECK(nr, "the kernel could not empty any range");
	size = nr * GIGANTIC;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | GIGANTIC_SHIFT << MAP_HUGE_SHIFT,
		 -1, 0);
	CHECK(p != MAP_FAILED, "mmap: %s", strerror(errno));
	touch(p, size);
	expect_in_use(p, size);
	expect_in_use(q, 64 * MIB);
	expect_true_map();
	munmap(p, size);
	CHECK_OK(write_file(GIGANTIC_POOL, "0"));
	expect_in_use(q, 64 * MIB);
	expect_true_map();
}

/*
 * The memory of a BPF array comes from vmalloc(), which takes single pages, many at
 * once, when there are no larger ones any more (mm/vmalloc.c, vm_area_alloc_pages()).
 */
static void test_bulk(const void *arg)
{
	size_t size = 28 * MIB;
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = sizeof(uint32_t),
		.value_size = 4096,
		.max_entries = size / 4096,
		.map_flags = BPF_F_MMAPABLE,
	};
	void *p;
	int fd;

	(void)arg;
	begin();
	leave_scattered(24 * MIB);
	fd = syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		test_skip("this kernel has no BPF: %s", strerror(errno));
	CHECK(fd >= 0, "BPF_MAP_CREATE: %s", strerror(errno));
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED, "mmap: %s", strerror(errno));
	touch(p, size);
	expect_in_use(p, size);
	expect_true_map();
}

/* To swap and back. */
static void test_reclaim(const void *arg)
{
	size_t size = 32 * MIB;
	int round;
	void *p;

	(void)arg;
	begin();
	CHECK(!mkdir(CGROUP, 0755) || errno == EEXIST, CGROUP ": %s", strerror(errno));
	CHECK_OK(write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory"));
	CHECK_OK(write_file(CGROUP "/cgroup.procs", "0"));
	p = get_small_pages(size);
	for (round = 0; round < 3; round++) {
		struct frame_counts counts;

		/* It fails when it gets less than that. */
		write_file(CGROUP "/memory.reclaim", "%zu", size);
		CHECK_OK(frame_map_count(p, size, &counts));
		EXPECT(counts.present < size / sysconf(_SC_PAGESIZE), "nothing was reclaimed");
		EXPECT_EQ(counts.state[GPU_DMA_CHECK_FREED], 0);
		touch(p, size);
		expect_in_use(p, size);
	}
	expect_true_map();
}

/* More than there is: kswapd, direct reclaim and compaction at the same time. */
static void test_pressure(const void *arg)
{
	size_t size = 48 * MIB, i;
	pid_t hogs[3];
	void *p;

	(void)arg;
	begin();
	p = get_small_pages(size);
	CHECK(!mlock(p, size), "mlock: %s", strerror(errno));
	for (i = 0; i < ARRAY_SIZE(hogs); i++) {
		hogs[i] = fork();
		if (!hogs[i]) {
			size_t take = 160 * MIB;
			int round;

			prctl(PR_SET_PDEATHSIG, SIGKILL);
			write_file("/proc/self/oom_score_adj", "1000");
			for (round = 0; round < 1; round++) {
				void *q = map_memory(take, i ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);

				touch(q, take);
				munmap(q, take);
			}
			_exit(0);
		}
	}
	for (i = 0; i < ARRAY_SIZE(hogs); i++) {
		int status;

		while (!waitpid(hogs[i], &status, WNOHANG)) {
			expect_in_use(p, size);
			write_file(COMPACT, "1");
		}
		EXPECT_EQ(status, 0);
	}
	expect_in_use(p, size);
	expect_true_map();
}

static void test_freed(const void *arg)
{
	enum { NR = 1024 };
	size_t page = sysconf(_SC_PAGESIZE), size = NR * page, i, nr[4] = { 0 }, by_us = 0;
	static uint64_t pfns[NR];
	static uint8_t states[NR];
	void *p;

	(void)arg;
	begin();
	p = get_small_pages(size);
	/* Pages that are new wait in batches of each CPU's, which hold on to them: empty those. */
	CHECK_OK(write_file(COMPACT, "1"));
	CHECK_OK(frame_map_frames(p, size, pfns));
	CHECK_OK(frame_map_states(pfns, NR, states));
	for (i = 0; i < NR; i++)
		EXPECT(pfns[i] && states[i] == GPU_DMA_CHECK_ALLOCATED,
		       "page %zu, frame 0x%llx: state %d", i, (long long)pfns[i], states[i]);
	munmap(p, size);
	CHECK_OK(frame_map_states(pfns, NR, states));
	CHECK_OK(frame_map_read_ring());
	for (i = 0; i < NR; i++) {
		nr[states[i] & 3]++;
		by_us += frame_map_freed_by(pfns[i], getpid(), "frames", "munmap") == 1;
	}
	metric_int("still_free", nr[GPU_DMA_CHECK_FREED]);
	/* Some are in use again by now; this is one of the things that were allocated. */
	EXPECT_EQ(nr[GPU_DMA_CHECK_FREED] + nr[GPU_DMA_CHECK_ALLOCATED], NR);
	EXPECT(nr[GPU_DMA_CHECK_FREED], "none is marked as freed");
	/* Who freed one first may since have freed it again. */
	EXPECT(by_us >= nr[GPU_DMA_CHECK_FREED], "the ring knows of %zu of %zu", by_us,
	       nr[GPU_DMA_CHECK_FREED]);
}

/* A process that takes and frees pages without end. */
static pid_t start_churn(void)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		void *p = get_small_pages(2 * MIB);

		munmap(p, 2 * MIB);
		write_file(COMPACT, "1");
	}
}

static void test_reload(const void *arg)
{
	size_t size = 16 * MIB;
	pid_t churn;
	int round;
	void *p;

	(void)arg;
	begin();
	p = get_small_pages(size);
	churn = start_churn();
	CHECK(churn > 0, "fork: %s", strerror(errno));
	for (round = 0; round < 5; round++) {
		CHECK_OK(module_unload(CHECK_MODULE));
		CHECK(!path_exists("/sys/module/" CHECK_MODULE), "the module is still there");
		CHECK_OK(module_load_file(CHECK_MODULE_FILE));
		CHECK_OK(frame_map_open());
		expect_in_use(p, size);
		expect_true_map();
	}
	kill(churn, SIGKILL);
	waitpid(churn, NULL, 0);
}

/*
 * Seconds that it takes to take and free pages: the least of some rounds, after
 * one in which an emulator gets to know the code that was just patched.
 */
static double page_loop(void)
{
	size_t size = 8 * MIB;
	double best = 0, start;
	int round;

	for (round = 0; round <= 5; round++) {
		start = now();
		munmap(get_small_pages(size), size);
		start = now() - start;
		if (round && (!best || start < best))
			best = start;
	}
	return best;
}

static int by_value(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return (d > 0) - (d < 0);
}

/* With the module and without it, in turn; what it costs is for the host to judge. */
static void test_cost(const void *arg)
{
	enum { PAIRS = 7 };
	double with[PAIRS], without[PAIRS], ratio[PAIRS];
	int i;

	(void)arg;
	begin();
	for (i = 0; i < PAIRS; i++) {
		with[i] = page_loop();
		CHECK_OK(module_unload(CHECK_MODULE));
		without[i] = page_loop();
		CHECK_OK(module_load_file(CHECK_MODULE_FILE));
		ratio[i] = with[i] / without[i];
	}
	qsort(ratio, PAIRS, sizeof(*ratio), by_value);
	qsort(with, PAIRS, sizeof(*with), by_value);
	qsort(without, PAIRS, sizeof(*without), by_value);
	metric_double("with", with[PAIRS / 2]);
	metric_double("without", without[PAIRS / 2]);
	metric_double("ratio", ratio[PAIRS / 2]);
}

static const struct test tests[] = {
	{ "small", "small pages in use are not marked", test_small, NULL, 0 },
	{ "huge", "huge pages, whole and freed in part", test_huge, NULL, 0 },
	{ "shmem", "shared memory, in small and in huge pages", test_shmem, NULL, 0 },
	{ "compaction", "pages that compaction moved", test_compaction, NULL, 0 },
	{ "contig", "ranges of frames that were emptied for it", test_contig, NULL, 0 },
	{ "bulk", "pages that were taken many at once", test_bulk, NULL, 0 },
	{ "reclaim", "pages that went to swap and came back", test_reclaim, NULL, 0 },
	{ "pressure", "too little memory for all who want some", test_pressure, NULL, 0 },
	{ "freed", "freed pages are marked, and the ring knows by whom", test_freed, NULL, 0 },
	{ "reload", "the module unloaded and loaded again under load", test_reload, NULL, 0 },
	{ "cost", "what it costs to take and free pages, with and without the module",
	  test_cost, NULL, 0 },
};

int main(int argc, char **argv)
{
	static const struct suite suite = {
		.name = "frames",
		.tests = tests,
		.nr = ARRAY_SIZE(tests),
	};

	return suite_main(&suite, argc, argv);
}
