// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite measure: a buffer in the state that a pass of the driver's shrinker is for is
 * evicted, goes to swap, and comes back, some times over, while somebody else has
 * jobs done. Fails when that does not work, or what is to be measured is not seen;
 * never because it took long.
 */

#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "host.h"
#include "measure.h"
#include "pressure.h"
#include "reclaim.h"
#include "vmstat.h"

#define ROUNDS		4
#define MAX_PASSES	64
#define MAX_DELAYS	16
#define FLUSH_RULE	"flush optional -> delay time=20ms"
#define MAX_TRIES	50

/* A buffer in a state of suite reclaim, which is that of a path */
struct subject {
	enum path path;
	const char *state;
};

static unsigned long path_pages(const struct pass *passes, size_t nr, enum path path)
{
	unsigned long pages = 0;

	for (size_t i = 0; i < nr; i++)
		pages += passes[i].path == path ? passes[i].pages : 0;
	return pages;
}

/* "NAME": N, ... of those that are not 0 */
static const char *failures(const struct pass *p)
{
	static char text[160];
	size_t len = 0;

	text[0] = '\0';
	for (int i = 0; i < NR_LOCKS; i++)
		if (p->failed[i])
			len += snprintf(text + len, sizeof(text) - len, "%s\"%s\": %u",
					len ? ", " : "", lock_names[i], p->failed[i]);
	return text;
}

static const char *delays(const struct pass *p)
{
	static char text[MAX_DELAYS * 16];
	uint64_t ns[MAX_DELAYS];
	unsigned int n = load_delayed(p->begin, p->end, ns, MAX_DELAYS);
	size_t len = 0;

	text[0] = '\0';
	for (unsigned int i = 0; i < n; i++)
		len += snprintf(text + len, sizeof(text) - len, "%s%llu", i ? ", " : "",
				(unsigned long long)ns[i]);
	return text;
}

static void report(const struct pass *passes, size_t nr, enum path path, long long refaults)
{
	for (size_t i = 0; i < nr; i++) {
		const struct pass *p = &passes[i];

		if (p->path != path)
			continue;
		test_pass("{\"path\": \"%s\", \"begin\": %llu, \"end\": %llu, \"pages\": %lu, "
			  "\"refaults\": %lld, \"trylock\": {%s}, \"delays\": [%s]}",
			  path_names[path], (unsigned long long)p->begin,
			  (unsigned long long)p->end, p->pages, refaults, failures(p), delays(p));
		refaults = 0;
	}
}

static void need_swap(void)
{
	CHECK(meminfo("SwapTotal") > 0, "there is no swap, without which the driver evicts "
	      "nothing: run with --swap 256M, on a kernel with CONFIG_ZRAM");
}

static unsigned long evict(struct rig *rig, struct buffer *b, enum path path)
{
	struct pass passes[MAX_PASSES];
	unsigned long pages;
	size_t nr;

	watch_read(passes, MAX_PASSES);
	CHECK_OK(panthor_shrink(&rig->gpu, ALL_PAGES));
	CHECK(!buffer_resident(rig, b), "the buffer is not evicted");
	nr = watch_read(passes, MAX_PASSES);
	pages = path_pages(passes, nr, path);
	CHECK(pages >= b->pages, "pass %s has %lu pages of %zu", path_names[path], pages,
	      b->pages);
	report(passes, nr, path, 0);
	return pages;
}

static long long swapped_in(void)
{
	struct vmstat v;

	CHECK_OK(vmstat_read(&v));
	return v.v[VM_PSWPIN];
}

static size_t resident(const struct rig *rig)
{
	struct gem_totals totals;

	CHECK_OK(panthor_gem_totals(&rig->gpu, &totals));
	return totals.resident / PAGE;
}

/* By a job of each VM that it is bound in, or by the CPU where it is in none */
static void restore(struct rig *rig, struct buffer *b)
{
	struct pass passes[MAX_PASSES];
	size_t nr, before = resident(rig);
	long long refaults = swapped_in();

	watch_read(passes, MAX_PASSES);
	CHECK_EQ(b->nr_maps ? buffer_wrong_gpu(rig, b) : buffer_wrong_cpu(rig, b), 0);
	nr = watch_read(passes, MAX_PASSES);
	refaults = swapped_in() - refaults;
	CHECK(refaults > 0, "nothing comes from swap");
	for (size_t i = 0; i < nr; i++) {
		if (passes[i].path != RESTORE)
			continue;
		/* The driver tells of no single one how many they are */
		passes[i].pages = resident(rig) - before;
		CHECK(passes[i].pages >= b->pages, "%lu of %zu pages are restored",
		      passes[i].pages, b->pages);
		report(passes, nr, RESTORE, refaults);
		return;
	}
	CHECK(0, "the kernel is not seen to restore anything");
}

static void measure_path(const void *arg)
{
	const struct subject *s = arg;
	unsigned long pages = 0;
	struct rig rig;

	need_swap();
	watch_start();
	load_start();
	rig_open(&rig, true);
	for (int round = 0; round < ROUNDS; round++) {
		struct buffer b = { .state = state_find(s->state), .dmabuf = -1, .vgem = -1 };

		b.state->set_up(&rig, &b);
		pages += evict(&rig, &b, s->path);
		pressure_swap_out(b.pages * PAGE);
		restore(&rig, &b);
		buffer_destroy(&rig, &b);
	}
	metric_int("pages", pages);
	rig_close(&rig);
	load_stop();
}

/*
 * VM_BINDs in the buffer's VM, each of which holds a lock of the VM's for as long as
 * a flush takes: the shrinker comes, finds it taken, and that is counted.
 */
static void measure_contended(const void *arg)
{
	struct buffer b = { .state = state_find("B04"), .dmabuf = -1, .vgem = -1 };
	struct pass passes[MAX_PASSES];
	unsigned int failed = 0;
	struct rig rig;

	(void)arg;
	host_need();
	need_swap();
	watch_start();
	load_start();
	rig_open(&rig, true);
	b.state->set_up(&rig, &b);
	inject(FLUSH_RULE);
	binds_start(&rig);
	for (int i = 0; i < MAX_TRIES && !failed; i++) {
		size_t nr;

		CHECK_OK(panthor_shrink(&rig.gpu, ALL_PAGES));
		nr = watch_read(passes, MAX_PASSES);
		report(passes, nr, SINGLE_VM, 0);
		for (size_t k = 0; k < nr; k++)
			failed += passes[k].failed[OP_LOCK] + passes[k].failed[VM_RESV] +
				  passes[k].failed[BO_RESV];
		if (!buffer_resident(&rig, &b))
			CHECK_EQ(buffer_wrong_gpu(&rig, &b), 0);
	}
	binds_stop();
	CHECK(failed, "no lock is ever taken");
	buffer_destroy(&rig, &b);
	rig_close(&rig);
	load_stop();
}

#define PATH(name, path, state, description)					\
	{ name, description, measure_path, &(const struct subject){ path, state }, 0 }

static const struct test tests[] = {
	PATH("unused", UNUSED, "B01", "pages of buffers that are used by nobody"),
	PATH("mmapped", MMAPPED, "B02", "pages of buffers that the CPU maps"),
	PATH("single-vm", SINGLE_VM, "B03", "pages of buffers bound in one VM"),
	PATH("multi-vm", MULTI_VM, "B05", "pages of buffers bound in two VMs"),
	{ "contended", "a VM that is busy: locks that the shrinker does not get",
	  measure_contended, NULL, 0 },
};

int main(int argc, char **argv)
{
	static const struct suite suite = {
		.name = "measure", .tests = tests, .nr = ARRAY_SIZE(tests),
		.setup = pressure_set_up,
	};

	return suite_main(&suite, argc, argv);
}
