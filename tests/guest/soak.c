// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite soak: random operations on several address spaces, more of them than
 * the GPU has, whose results are checked against a model of each. What happens
 * depends on the seed alone, but for how far the GPU has come with it. Run with
 * --check fatal it shows that the checker has nothing against the driver.
 *
 * A round begins with nothing and does so many operations (--cases). With
 * --minutes, rounds follow one another, each with the next seed: one of them can
 * be done again without those before it.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "harness.h"
#include "hog.h"
#include "soak.h"
#include "vmstat.h"

#define CASES		3000
#define SPACES		10		/* the GPU has 7 for clients */
#define CLIENTS		2

/* Memory that is free between the times when it is short */
#define ROOM		(160 * MIB)
/* When it is, so much is taken below the point where kswapd wakes */
#define PRESSURE	(4 * MIB)
#define SUSPEND_S	patience(10)

struct round {
	struct panthor gpu[CLIENTS];
	struct space spaces[SPACES];
	uint64_t seed, n;		/* of random numbers */
};

static struct {
	unsigned long rounds, operations, jobs, binds, checked, evicted, reclaimed, suspends,
		      killed;
} total;

static uint64_t random64(struct round *r)
{
	return mix64(r->seed + r->n++);
}

/* From 0 to below n */
static unsigned int below(struct round *r, unsigned int n)
{
	return random64(r) % n;
}

static struct space *any_space(struct round *r)
{
	return &r->spaces[below(r, SPACES)];
}

/* One that has a handle */
static struct soak_bo *any_bo(struct round *r, struct space *s)
{
	unsigned int first = below(r, SPACE_BOS);

	for (unsigned int i = 0; i < SPACE_BOS; i++) {
		struct soak_bo *bo = &s->bos[(first + i) % SPACE_BOS];

		if (bo->open)
			return bo;
	}
	return NULL;
}

static size_t bo_pages(const struct soak_bo *bo)
{
	return bo->bo.size / PAGE;
}

/* --- Operations --- */

static void do_create(struct round *r, struct space *s)
{
	unsigned int how = below(r, 100);

	space_add_bo(s, how < 50 ? 1 + below(r, 16) : how < 85 ? 16 + below(r, 112) :
		     HUGE_PAGES * (1 + below(r, 2)));
}

static void do_destroy(struct round *r, struct space *s)
{
	struct soak_bo *bo = any_bo(r, s);

	if (bo)
		space_drop_bo(s, bo);
}

/* Often what makes huge pages, and what breaks them again */
static void random_bind(struct round *r, struct space *s, struct soak_bind *b)
{
	memset(b, 0, sizeof(*b));
	b->bo = below(r, 3) ? any_bo(r, s) : NULL;
	if (!b->bo) {
		b->pages = below(r, 2) ? 1 + below(r, 32) : 1 + below(r, HUGE_PAGES);
		b->at = below(r, WINDOW_PAGES - b->pages + 1);
	} else if (bo_pages(b->bo) >= HUGE_PAGES && below(r, 4)) {
		b->pages = HUGE_PAGES;
		b->first = below(r, bo_pages(b->bo) / HUGE_PAGES) * HUGE_PAGES;
		b->at = below(r, WINDOW_PAGES / HUGE_PAGES) * HUGE_PAGES;
	} else {
		b->first = below(r, bo_pages(b->bo));
		b->pages = 1 + below(r, bo_pages(b->bo) - b->first);
		b->at = below(r, WINDOW_PAGES - b->pages + 1);
	}
	b->readonly = b->bo && !below(r, 8);
}

static void do_bind(struct round *r, struct space *s)
{
	struct soak_bind binds[MAX_BINDS];
	unsigned int nr = 1 + below(r, MAX_BINDS);

	for (unsigned int i = 0; i < nr; i++)
		random_bind(r, s, &binds[i]);
	space_bind(s, binds, nr, below(r, 2));
	total.binds += nr;
}

/* A page of the window that is mapped; -1: none is near */
static int mapped_page(struct round *r, const struct space *s, bool writable)
{
	unsigned int at = below(r, WINDOW_PAGES);

	for (unsigned int i = 0; i < WINDOW_PAGES; i++) {
		const struct soak_page *p = &s->window[(at + i) % WINDOW_PAGES];

		if (p->bo && !(writable && p->readonly))
			return (at + i) % WINDOW_PAGES;
	}
	return -1;
}

static void do_submit(struct round *r, struct space *s)
{
	struct soak_copy copies[MAX_COPIES];
	unsigned int nr = 1 + below(r, MAX_COPIES);

	for (unsigned int i = 0; i < nr; i++) {
		int from = mapped_page(r, s, false), to = mapped_page(r, s, true);

		if (from < 0 || to < 0)
			return;
		copies[i] = (struct soak_copy) {
			.from = from, .from_word = below(r, PAGE_WORDS),
			.to = to, .to_word = below(r, PAGE_WORDS),
			.add = below(r, 1000000),
			.delay = below(r, 8) ? 0 : below(r, 20000),
		};
	}
	space_submit(s, copies, nr);
	total.jobs++;
}

/* The CPU looks at a buffer, changes it, and sometimes keeps its mapping */
static void do_cpu(struct round *r, struct space *s)
{
	struct soak_bo *bo = any_bo(r, s);

	if (!bo)
		return;
	space_wait(s, s->point);
	for (unsigned int i = 0; i < 8; i++)
		space_check_page(s, bo, below(r, bo_pages(bo)));
	total.checked += 8;
	space_write_page(s, bo, below(r, bo_pages(bo)), random64(r));
	if (below(r, 2))
		CHECK_OK(bo_munmap(&bo->bo));
}

static void do_shrink(struct round *r, struct space *s)
{
	(void)s;
	total.evicted += CHECK_OK(panthor_shrink(&r->gpu[0], 1 + below(r, 2048)));
}

static void wait_all(struct round *r)
{
	for (unsigned int i = 0; i < SPACES; i++)
		space_wait(&r->spaces[i], r->spaces[i].point);
}

/* The driver does it 50 ms after the last job */
static void do_suspend(struct round *r, struct space *s)
{
	double deadline = now() + SUSPEND_S;
	char status[32] = "";

	(void)s;
	wait_all(r);
	while (now() < deadline) {
		CHECK_OK(panthor_power_read(&r->gpu[0], "runtime_status", status,
					    sizeof(status)));
		if (!strcmp(status, "suspended")) {
			total.suspends++;
			return;
		}
		sleep_ms(5);
	}
}

/* Memory gets short while jobs are at work */
static void do_pressure(struct round *r, struct space *s)
{
	struct gem_totals before, after;
	struct watermarks marks;

	(void)s;
	for (unsigned int i = 0; i < SPACES; i++)
		do_submit(r, &r->spaces[i]);
	CHECK_OK(panthor_gem_totals(&r->gpu[0], &before));
	CHECK_OK(watermarks_read(&marks));
	CHECK_OK(hog_leave_free(marks.low));
	for (size_t taken = 0; taken < PRESSURE; taken += 512 * KIB)
		CHECK_OK(hog_take(512 * KIB));
	CHECK_OK(panthor_gem_totals(&r->gpu[0], &after));
	CHECK_OK(hog_release());
	CHECK_OK(hog_leave_free(ROOM));
	total.reclaimed += before.resident > after.resident ? before.resident - after.resident : 0;
}

static void close_space(struct round *r, struct space *s, bool kill)
{
	if (!kill) {
		space_wait(s, s->point);
		for (unsigned int i = 0; i < SPACE_BOS; i++) {
			struct soak_bo *bo = &s->bos[i];

			for (unsigned int p = 0; bo->open && p < bo_pages(bo); p++)
				space_check_page(s, bo, p);
		}
	}
	total.killed += kill;
	space_close(s);
	(void)r;
}

/* A VM goes and another one comes; half of them with jobs at work */
static void do_replace(struct round *r, struct space *s)
{
	const struct panthor *gpu = s->gpu;

	close_space(r, s, below(r, 2));
	space_open(s, gpu);
}

static const struct {
	void (*fn)(struct round *r, struct space *s);
	unsigned int weight;		/* of 1000 */
} operations[] = {
	{ do_create, 130 },
	{ do_destroy, 50 },
	{ do_bind, 280 },
	{ do_submit, 400 },
	{ do_cpu, 85 },
	{ do_shrink, 30 },
	{ do_replace, 15 },
	{ do_suspend, 7 },
	{ do_pressure, 3 },
};

static void do_operation(struct round *r)
{
	unsigned int at = below(r, 1000), i = 0;

	while (at >= operations[i].weight)
		at -= operations[i++].weight;
	operations[i].fn(r, any_space(r));
	total.operations++;
}

/* --- Rounds --- */

static void run_round(uint64_t seed, unsigned int cases)
{
	static struct round r;

	memset(&r, 0, sizeof(r));
	r.seed = mix64(seed);
	for (unsigned int i = 0; i < CLIENTS; i++)
		CHECK_OK(panthor_open(&r.gpu[i]));
	for (unsigned int i = 0; i < SPACES; i++)
		space_open(&r.spaces[i], &r.gpu[i % CLIENTS]);
	for (unsigned int i = 0; i < cases; i++)
		do_operation(&r);
	for (unsigned int i = 0; i < SPACES; i++)
		close_space(&r, &r.spaces[i], false);
	for (unsigned int i = 0; i < CLIENTS; i++)
		panthor_close(&r.gpu[i]);
	total.rounds++;
}

static void test_run(const void *arg)
{
	unsigned long long seed = conf_number("seed", 1);
	double end = now() + 60.0 * conf_number("minutes", 0);
	unsigned int cases = test_cases(CASES);
	char again[128];

	(void)arg;
	do {
		snprintf(again, sizeof(again), "./mali-vm run soak --check fatal --seed %llu "
			 "--cases %u", seed, cases);
		/* Also where a kernel that crashes, or a machine that is stopped, leaves it */
		kmsg(5, "soak: again: %s", again);
		test_again("again: %s", again);
		run_round(seed++, cases);
	} while (now() < end);
	metric_int("last_seed", seed - 1);
	metric_int("rounds", total.rounds);
	metric_int("operations", total.operations);
	metric_int("jobs", total.jobs);
	metric_int("binds", total.binds);
	metric_int("pages_checked", total.checked);
	metric_int("pages_shrunk", total.evicted);
	metric_int("bytes_reclaimed", total.reclaimed);
	metric_int("suspends", total.suspends);
	metric_int("vms_killed", total.killed);
	/* With few operations there may be none of each kind */
	if (total.operations < CASES)
		return;
	EXPECT(total.jobs && total.checked, "nothing was done");
	EXPECT(total.evicted, "nothing was evicted");
}

static int set_up(void)
{
	return hog_start(ROOM);
}

static const struct test tests[] = {
	{ "run", "random maps, jobs, evictions and suspends on many VMs", test_run, NULL, 24 * 3600 },
};

int main(int argc, char **argv)
{
	static const struct suite suite = {
		.name = "soak", .tests = tests, .nr = ARRAY_SIZE(tests), .setup = set_up,
	};

	return suite_main(&suite, argc, argv);
}
