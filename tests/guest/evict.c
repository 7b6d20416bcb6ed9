// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite evict: the driver's shrinker takes the pages of a buffer away, in each
 * state a buffer can be in without a job (panthor_gem.c, enum
 * panthor_gem_reclaim_state) and by each way reclaim comes to it; then the
 * pages come back from swap with what was in them.
 *
 * A test is named by its state and its trigger: evict.STATE.TRIGGER. One in
 * which nothing was evicted is a failure.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"
#include "need.h"
#include "panthor.h"
#include "pressure.h"
#include "trace.h"
#include "vmstat.h"

#define HUGE (2 * MIB)
/* To get huge pages where memory is short */
#define MAX_TRIES 10
#define LABEL "evict-target"
#define SHMEM_ENABLED "/sys/kernel/mm/transparent_hugepage/shmem_enabled"

/* A buffer's states, the easiest to reclaim first: the order of the shrinker's lists. */
enum rank { UNUSED, MMAPPED, BOUND_ONE, BOUND_MORE };

struct state {
	const char *name;
	const char *description;
	enum rank rank;
	bool huge;
};

static const struct state states[] = {
	{ "unused-4k", "filled, then neither mapped nor bound", UNUSED, false },
	{ "unused-2m", "filled, then neither mapped nor bound, huge pages", UNUSED, true },
	{ "mmapped-4k", "mapped by the CPU", MMAPPED, false },
	{ "mmapped-2m", "mapped by the CPU, huge pages", MMAPPED, true },
	{ "bound1-4k", "bound in one VM", BOUND_ONE, false },
	{ "bound1-2m", "bound in one VM, huge pages", BOUND_ONE, true },
	{ "bound2-4k", "bound in two VMs", BOUND_MORE, false },
	{ "bound2-2m", "bound in two VMs, huge pages", BOUND_MORE, true },
};

static size_t target_size(const struct state *state)
{
	return state->huge ? 4 * MIB : 2 * MIB;
}

/* One buffer in one state, and the VMs that it is bound in. */
struct subject {
	struct bo bo;
	enum rank rank;
	uint32_t vms[2];
	unsigned int nr_vms;
};

static uint64_t pattern(size_t page, unsigned int word)
{
	return mix64(test_seed() ^ (page << 1 | word));
}

/* The first and the last word of each page: enough to know a page by, and cheap. */
static uint64_t *page_word(uint8_t *map, size_t page, unsigned int word)
{
	size_t size = sysconf(_SC_PAGESIZE);

	return (uint64_t *)(map + page * size + (word ? size - sizeof(uint64_t) : 0));
}

static size_t nr_pages(const struct bo *bo)
{
	return bo->size / sysconf(_SC_PAGESIZE);
}

static void fill(struct bo *bo)
{
	size_t page;

	for (page = 0; page < nr_pages(bo); page++) {
		*page_word(bo->map, page, 0) = pattern(page, 0);
		*page_word(bo->map, page, 1) = pattern(page, 1);
	}
}

/* The number of pages whose content is not what was written. */
static size_t verify(struct bo *bo)
{
	size_t page, wrong = 0;

	for (page = 0; page < nr_pages(bo); page++) {
		uint64_t first = *page_word(bo->map, page, 0);
		uint64_t last = *page_word(bo->map, page, 1);

		if (first == pattern(page, 0) && last == pattern(page, 1))
			continue;
		if (!wrong++)
			test_log("page %zu: 0x%016llx...0x%016llx instead of 0x%016llx...0x%016llx",
				 page, (unsigned long long)first, (unsigned long long)last,
				 (unsigned long long)pattern(page, 0),
				 (unsigned long long)pattern(page, 1));
	}
	return wrong;
}

static struct gem read_gem(const struct panthor *gpu, const struct bo *bo)
{
	struct gem gem;

	CHECK_OK(panthor_gem(gpu, bo->label, &gem));
	return gem;
}

static bool is_evicted(const struct panthor *gpu, const struct bo *bo)
{
	return !read_gem(gpu, bo).resident;
}

/* Create a buffer, fill it through a CPU mapping and bring it into a state. */
static void subject_create(const struct panthor *gpu, struct subject *s, enum rank rank,
			   size_t size, const char *label)
{
	unsigned int vms = rank == BOUND_MORE ? 2 : rank == BOUND_ONE;

	need_shrinker(gpu);
	memset(s, 0, sizeof(*s));
	s->rank = rank;
	CHECK_OK(bo_create(gpu, &s->bo, size, 0, label));
	CHECK_OK(bo_mmap(gpu, &s->bo));
	fill(&s->bo);
	/* Without the mapping, or the state would be another one. */
	if (rank != MMAPPED)
		CHECK_OK(bo_munmap(&s->bo));
	for (s->nr_vms = 0; s->nr_vms < vms; s->nr_vms++) {
		s->vms[s->nr_vms] = CHECK_OK(panthor_vm_create(gpu));
		CHECK_OK(bo_bind(gpu, &s->bo, s->vms[s->nr_vms], (s->nr_vms + 1) * 64 * MIB));
	}
}

static void subject_destroy(const struct panthor *gpu, struct subject *s)
{
	while (s->nr_vms--)
		CHECK_OK(panthor_vm_destroy(gpu, s->vms[s->nr_vms]));
	CHECK_OK(bo_destroy(gpu, &s->bo));
}

struct trigger {
	const char *name;
	const char *description;
	/* Returns when the target is evicted, or fails the test. */
	void (*fire)(const struct panthor *gpu, struct subject *target);
	/* What is to be done before there is a target, if the trigger takes memory. */
	void (*prepare)(void);
	/* It still holds when there is one; may be NULL. */
	bool (*prepared)(void);
};

/*
 * debugfs shrink. It also tells the target's state: the shrinker goes through
 * its lists in the order of enum rank and stops after the first eviction that is
 * enough, so a neighbour one rank below goes before the target and one above
 * stays.
 */
static void fire_shrink(const struct panthor *gpu, struct subject *target)
{
	bool has_below = target->rank > UNUSED, has_above = target->rank < BOUND_MORE;
	size_t page = sysconf(_SC_PAGESIZE);
	struct subject below, above;

	if (has_above)
		subject_create(gpu, &above, target->rank + 1, page, "evict-above");
	if (has_below) {
		subject_create(gpu, &below, target->rank - 1, page, "evict-below");
		CHECK_EQ(CHECK_OK(panthor_shrink(gpu, 1)), 1);
		EXPECT(is_evicted(gpu, &below.bo), "the buffer of the state before is not evicted");
		EXPECT(!is_evicted(gpu, &target->bo), "the target went before an easier buffer");
	}
	CHECK_EQ(CHECK_OK(panthor_shrink(gpu, 1)), (long long)nr_pages(&target->bo));
	if (has_above) {
		EXPECT(!is_evicted(gpu, &above.bo), "a harder buffer went before the target");
		subject_destroy(gpu, &above);
	}
	if (has_below)
		subject_destroy(gpu, &below);
}

static void fire_kswapd(const struct panthor *gpu, struct subject *target)
{
	struct shrunk shrunk;

	pressure_kswapd(gpu, target->bo.label);
	shrunk = pressure_shrunk();
	EXPECT_EQ(shrunk.kswapd, nr_pages(&target->bo));
	EXPECT_EQ(shrunk.hog + shrunk.others, 0);
}

static void fire_direct(const struct panthor *gpu, struct subject *target)
{
	struct shrunk shrunk;

	pressure_direct(gpu, target->bo.label);
	shrunk = pressure_shrunk();
	EXPECT_EQ(shrunk.hog, nr_pages(&target->bo));
	EXPECT_EQ(shrunk.kswapd + shrunk.others, 0);
}

static const struct trigger triggers[] = {
	{ "shrink", "debugfs shrink", fire_shrink, NULL, NULL },
	{ "kswapd", "kswapd, woken by a hog", fire_kswapd, pressure_wake_kswapd, NULL },
	{ "direct", "direct reclaim in a hog's allocations", fire_direct, pressure_tire_kswapd,
	  kswapd_gave_up },
};

/* Create the target with the pages that its state's name says: huge ones, or none. */
static void create_target(const struct panthor *gpu, struct subject *target,
			  const struct state *state)
{
	size_t size = target_size(state);
	long long before, huge;
	int tries;

	/* The driver's own mount asks for huge pages; only this setting overrules it. */
	if (!state->huge)
		CHECK_OK(tunable_set(SHMEM_ENABLED, "deny"));
	for (tries = 0;; tries++) {
		before = meminfo("ShmemHugePages");
		subject_create(gpu, target, state->rank, size, LABEL);
		huge = meminfo("ShmemHugePages") - before;
		if (!state->huge || huge == (long long)size || tries == MAX_TRIES - 1)
			break;
		/* What is free lies scattered, amid pages of files that compaction leaves. */
		subject_destroy(gpu, target);
		CHECK_OK(write_file("/proc/sys/vm/drop_caches", "1"));
		CHECK_OK(write_file("/proc/sys/vm/compact_memory", "1"));
	}
	metric_int("huge_bytes", huge);
	CHECK_EQ(huge, state->huge ? size : 0);
}

static void report_vmstat(const struct vmstat *from, const struct vmstat *to)
{
	static const struct {
		const char *metric;
		enum vmstat_item item;
	} rows[] = {
		{ "pgscan_kswapd", VM_PGSCAN_KSWAPD },
		{ "pgscan_direct", VM_PGSCAN_DIRECT },
		{ "pgsteal_kswapd", VM_PGSTEAL_KSWAPD },
		{ "pgsteal_direct", VM_PGSTEAL_DIRECT },
		{ "allocstall", VM_ALLOCSTALL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		metric_int(rows[i].metric, to->v[rows[i].item] - from->v[rows[i].item]);
}

struct cell {
	const struct state *state;
	const struct trigger *trigger;
};

/*
 * Allocations of huge pages reclaim as well, and what they find may revive kswapd
 * (mm/vmscan.c, kswapd_try_clear_hopeless()): then all begins anew.
 */
static void prepare_target(const struct panthor *gpu, struct subject *target,
			   const struct cell *cell)
{
	const struct trigger *trigger = cell->trigger;

	if (trigger->prepare)
		pressure_begin(trigger->prepare);
	for (int tries = 1;; tries++) {
		create_target(gpu, target, cell->state);
		if (!trigger->prepared || trigger->prepared())
			break;
		CHECK(tries < MAX_TRIES, "the buffer's allocation revived kswapd %d times", tries);
		subject_destroy(gpu, target);
		trigger->prepare();
	}
}

static void test_evict(const void *arg)
{
	const struct cell *cell = arg;
	const struct state *state = cell->state;
	struct vmstat start, triggered, swapped, done;
	struct gem before, after;
	struct subject target;
	struct panthor gpu;
	double begin = now(), t0, t1, t2, t3;
	long long written, read_back;
	size_t pages, wrong;
	bool pressure = cell->trigger->prepare;

	metric_string("state", state->name);
	metric_string("trigger", cell->trigger->name);
	CHECK(meminfo("SwapFree") > 0, "there is no swap: the shrinker does nothing");
	CHECK_OK(panthor_open(&gpu));
	prepare_target(&gpu, &target, cell);
	pages = nr_pages(&target.bo);
	metric_int("pages", pages);
	before = read_gem(&gpu, &target.bo);
	CHECK_EQ(before.resident, target.bo.size);
	CHECK_EQ(before.evictions, 0);

	if (pressure)
		CHECK_OK(trace_start(PRESSURE_EVENT));
	CHECK_OK(vmstat_read(&start));
	t0 = now();
	cell->trigger->fire(&gpu, &target);
	t1 = now();
	CHECK_OK(vmstat_read(&triggered));
	report_vmstat(&start, &triggered);

	after = read_gem(&gpu, &target.bo);
	CHECK_EQ(after.resident, 0);
	CHECK_EQ(after.evictions, 1);
	EXPECT_EQ(after.state, GEM_EVICTED);
	metric_int("evicted", pages);

	/* What reclaim did not write to swap by itself: all of it shall be read back from there. */
	pressure_swap_out(target.bo.size);
	CHECK_OK(vmstat_read(&swapped));
	if (pressure)
		pressure_end();

	t2 = now();
	if (!target.bo.map)
		CHECK_OK(bo_mmap(&gpu, &target.bo));
	wrong = verify(&target.bo);
	t3 = now();
	CHECK_OK(vmstat_read(&done));
	metric_string("content", wrong ? "wrong" : "ok");
	metric_int("refaulted", pages);
	written = swapped.v[VM_PSWPOUT] - start.v[VM_PSWPOUT];
	read_back = done.v[VM_PSWPIN] - swapped.v[VM_PSWPIN];
	metric_int("pswpout", written);
	metric_int("pswpin", read_back);
	EXPECT(written > 0, "the evicted pages did not go to swap");
	EXPECT(read_back > 0, "the refaulted pages did not come from swap");
	metric_double("seconds", t1 - t0);
	metric_double("prepare_seconds", t0 - begin);
	metric_double("refault_seconds", t3 - t2);
	CHECK(!wrong, "%zu of %zu pages have another content", wrong, pages);

	after = read_gem(&gpu, &target.bo);
	EXPECT_EQ(after.resident, target.bo.size);
	EXPECT_EQ(after.evictions, 1);
	EXPECT_EQ(after.state, 0);
	subject_destroy(&gpu, &target);
	panthor_close(&gpu);
}

int main(int argc, char **argv)
{
	enum { NR = ARRAY_SIZE(states) * ARRAY_SIZE(triggers) };
	static char names[NR][32], descriptions[NR][128];
	static struct cell cells[NR];
	static struct test tests[NR];
	static const struct suite suite = {
		.name = "evict",
		.tests = tests,
		.nr = NR,
		.setup = pressure_set_up,
	};
	size_t s, t, n = 0;

	/* By trigger first: the cheapest come first, and the hog grows once. */
	for (t = 0; t < ARRAY_SIZE(triggers); t++) {
		for (s = 0; s < ARRAY_SIZE(states); s++, n++) {
			cells[n] = (struct cell){ &states[s], &triggers[t] };
			snprintf(names[n], sizeof(names[n]), "%s.%s", states[s].name,
				 triggers[t].name);
			snprintf(descriptions[n], sizeof(descriptions[n]), "%s; by %s",
				 states[s].description, triggers[t].description);
			tests[n].name = names[n];
			tests[n].description = descriptions[n];
			tests[n].fn = test_evict;
			tests[n].arg = &cells[n];
		}
	}
	return suite_main(&suite, argc, argv);
}
