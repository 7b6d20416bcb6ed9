// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite ioctl: parts of mappings are taken away, by UNMAP or by a MAP on top of them, and
 * parts of buffers mapped and cleaned. io-pgtable cannot take a part of a large page: the
 * driver takes all of it, and maps again what was to stay (unmap_hugepage_align()). A row
 * is a mapping and what is cut out of it. After each the GPU reads every page that is left,
 * and the host looks at what has gone.
 */

#include <errno.h>
#include <string.h>

#include "harness.h"
#include "host.h"
#include "ioctl.h"
#include "ioctl_rows.h"
#include "need.h"
#include "stream.h"
#include "vmstat.h"

#define PAGE		4096ull
#define LARGE		(2 * MIB)
#define SHMEM_ENABLED	"/sys/kernel/mm/transparent_hugepage/shmem_enabled"
#define HUGE_PAGES	"/sys/module/panthor/parameters/transparent_hugepage"
/* To get huge pages where memory is short */
#define MAX_TRIES	10

/* Where all mappings are: at offset 0 a large page begins */
#define BASE_VA		CALL_VA
#define WINDOW		(6 * MIB)
#define PAGES		(WINDOW / PAGE)
#define LAST_VA		(BASE_VA + WINDOW - 1)
#define BUFFER		(4 * MIB)

/* What is at a page: nothing, the dummy of sparse mappings, or the page of a buffer */
#define NOTHING		0u
#define DUMMY		1u
#define OLD(page)	(0x10000u + (page))
#define NEW(page)	(0x20000u + (page))

enum backing { SMALL, HUGE, SPARSE };

struct way {
	enum backing backing;
	bool replace;			/* by another buffer; not UNMAP */
};

/* All but bo_offset is from BASE_VA on. */
struct cut {
	const char *what;
	uint64_t va, bo_offset, size;
	uint64_t cut, cut_size;
};

static const struct cut cuts[] = {
	{ "its first page", 0, 0, 4 * MIB, 0, PAGE },
	{ "its head", 0, 0, 4 * MIB, 0, 512 * KIB },
	{ "its head, a large page and a half", 0, 0, 4 * MIB, 0, 3 * MIB },
	{ "its first large page", 0, 0, 4 * MIB, 0, 2 * MIB },
	{ "the middle of a large page", 0, 0, 4 * MIB, 1 * MIB, 64 * KIB },
	{ "an end of one and a start of the next", 0, 0, 4 * MIB, 2 * MIB - 64 * KIB, 128 * KIB },
	{ "a piece that ends with a large page", 0, 0, 4 * MIB, 1 * MIB, 1 * MIB },
	{ "a piece that begins with a large page", 0, 0, 4 * MIB, 2 * MIB, 1 * MIB },
	{ "its tail, a large page and a half", 0, 0, 4 * MIB, 1 * MIB, 3 * MIB },
	{ "its tail", 0, 0, 4 * MIB, 4 * MIB - 512 * KIB, 512 * KIB },
	{ "its last page", 0, 0, 4 * MIB, 4 * MIB - PAGE, PAGE },
	{ "its end, of one that ends in a large page", 0, 0, 3 * MIB, 2 * MIB + 512 * KIB,
	  256 * KIB },
	{ "the large page that it begins in", 1 * MIB, 1 * MIB, 3 * MIB, 1 * MIB + 256 * KIB,
	  256 * KIB },
	{ "of one that begins in a large page, the next", 1 * MIB, 1 * MIB, 3 * MIB,
	  2 * MIB + 256 * KIB, 256 * KIB },
	{ "of one at an offset that is not the address's, the middle", 64 * KIB, 0, 4 * MIB,
	  2 * MIB + 512 * KIB, 64 * KIB },
	{ "of one at an offset that is not the address's, both sides of an edge", 0, 1 * MIB,
	  3 * MIB, 2 * MIB - 64 * KIB, 128 * KIB },
	{ "more than its head", 1 * MIB, 1 * MIB, 3 * MIB, 512 * KIB, 1 * MIB },
	{ "more than its tail", 1 * MIB, 1 * MIB, 2 * MIB, 2 * MIB + 512 * KIB, 2 * MIB },
};

struct unmap_scene {
	struct client c;
	struct bo old, new;
	int as;
	uint32_t want[PAGES];
	uint64_t dummy[LARGE / PAGE];	/* where its pages are, as far as they were seen */
};

/* --- Buffers with pages of one size --- */

static void fill_buffer(struct client *c, struct bo *bo, uint32_t first, const char *label)
{
	CHECK_OK(bo_create(&c->gpu, bo, BUFFER, DRM_PANTHOR_BO_WB_MMAP, label));
	CHECK_OK(bo_mmap(&c->gpu, bo));
	for (size_t page = 0; page < BUFFER / PAGE; page++)
		*(uint32_t *)(bo->map + page * PAGE) = first + page;
	CHECK_OK(bo_sync(&c->gpu, bo, false));
}

static void make_buffer(struct client *c, struct bo *bo, bool huge)
{
	long long before, got;
	int tries;

	if (huge && !path_exists(HUGE_PAGES))
		test_skip("the driver has no huge pages");
	/* The driver's own mount asks for huge pages; only this setting overrules it. */
	if (!huge)
		CHECK_OK(tunable_set(SHMEM_ENABLED, "deny"));
	for (tries = 0;; tries++) {
		before = meminfo("ShmemHugePages");
		fill_buffer(c, bo, OLD(0), "ioctl-old");
		got = meminfo("ShmemHugePages") - before;
		if (!huge || got == (long long)BUFFER || tries == MAX_TRIES - 1)
			break;
		CHECK_OK(bo_destroy(&c->gpu, bo));
		CHECK_OK(write_file("/proc/sys/vm/drop_caches", "1"));
		CHECK_OK(write_file("/proc/sys/vm/compact_memory", "1"));
	}
	CHECK_EQ(got, huge ? BUFFER : 0);
}

/* --- What is mapped --- */

static int find_as(void)
{
	unsigned int count = host_property("as-count");
	struct host_range range;

	for (unsigned int as = 1; as < count; as++)
		if (host_mappings(as, CODE_VA, CODE_VA, &range, 1) && !range.exception)
			return as;
	return -1;
}

/* The GPU reads the first word of each page that is there. */
static void check_content(struct unmap_scene *s, const char *what, const char *when)
{
	static uint64_t words[5 * PAGES + 1];
	struct stream job = { .words = words, .max = ARRAY_SIZE(words) };
	unsigned int wrong = 0;

	memset(s->c.data.map, 0, PAGES * sizeof(uint32_t));
	emit(&job, CS_MOVE(R_B, DATA_VA));
	for (size_t page = 0; page < PAGES; page++) {
		if (s->want[page] == NOTHING)
			continue;
		emit(&job, CS_MOVE(R_ADDR, BASE_VA + page * PAGE));
		emit(&job, CS_LOAD(R_A, R_ADDR, 1, 0));
		emit(&job, CS_WAIT(0xff));
		emit(&job, CS_STORE(R_A, R_B, 1, page * sizeof(uint32_t)));
		emit(&job, CS_WAIT(0xff));
	}
	client_run(&s->c, words, job.nr);
	CHECK(!syncobj_status(&s->c.gpu, s->c.done) &&
	      !group_state(&s->c.gpu, s->c.group, NULL), "%s, %s: the job failed", what, when);
	for (size_t page = 0; page < PAGES; page++) {
		uint32_t got = data32(&s->c)[page], want = s->want[page];

		if (want != NOTHING && want != DUMMY && got != want && !wrong++)
			EXPECT(0, "%s, %s: at page %zu the GPU has 0x%x, expected 0x%x", what, when,
			       page, got, want);
	}
}

/* What becomes of one page, in the page tables and by the TLB. */
static void check_page(struct unmap_scene *s, size_t page, const char *what, const char *when)
{
	uint64_t *dummy = &s->dummy[page % ARRAY_SIZE(s->dummy)];
	struct host_peek peek;

	host_translate(s->as, BASE_VA + page * PAGE, "read", &peek);
	EXPECT(!peek.stale, "%s, %s: page %zu is stale, from %s", what, when, page, peek.source);
	EXPECT(!peek.cached.exception == (s->want[page] != NOTHING),
	       "%s, %s: an access to page %zu has exception 0x%x", what, when, page,
	       peek.cached.exception);
	if (s->want[page] != DUMMY || peek.cached.exception)
		return;
	if (!*dummy)
		*dummy = peek.cached.pa;
	EXPECT(peek.cached.pa == *dummy, "%s, %s: page %zu is 0x%llx, the dummy's is 0x%llx", what,
	       when, page, (unsigned long long)peek.cached.pa, (unsigned long long)*dummy);
}

/* Between a page and the one before it, what is mapped changes, or the dummy begins again. */
static bool at_edge(const struct unmap_scene *s, size_t page)
{
	uint32_t before = s->want[page - 1], after = s->want[page];

	if (after == DUMMY && page % (LARGE / PAGE) == 0)
		return true;
	return after != (before > DUMMY ? before + 1 : before);
}

/* All ranges, and each page at an edge */
static void check_mapped(struct unmap_scene *s, const char *what, const char *when)
{
	struct host_range ranges[8];
	size_t n = host_mappings(s->as, BASE_VA, LAST_VA, ranges, ARRAY_SIZE(ranges)), i = 0;

	CHECK(n <= ARRAY_SIZE(ranges), "%s, %s: %zu ranges", what, when, n);
	for (size_t page = 0; page < PAGES; page++) {
		uint64_t va = BASE_VA + page * PAGE;
		bool mapped;

		while (i < n && ranges[i].va + ranges[i].size <= va)
			i++;
		mapped = i < n && ranges[i].va <= va && !ranges[i].exception;
		CHECK(mapped == (s->want[page] != NOTHING), "%s, %s: page %zu is%s mapped", what,
		      when, page, mapped ? "" : " not");
		if (page && at_edge(s, page)) {
			check_page(s, page - 1, what, when);
			check_page(s, page, what, when);
		}
	}
}

/* --- Cuts --- */

static void want_range(struct unmap_scene *s, uint64_t at, uint64_t size, uint32_t first)
{
	for (uint64_t i = 0; i < size / PAGE; i++)
		s->want[at / PAGE + i] = first > DUMMY ? first + i : first;
}

static void map_whole(struct unmap_scene *s, const struct way *way, const struct cut *cut)
{
	bool sparse = way->backing == SPARSE;
	struct host_peek peek;
	int ret;

	ret = vm_map(&s->c.gpu, s->c.vm, sparse ? NULL : &s->old, sparse ? 0 : cut->bo_offset,
		     BASE_VA + cut->va, cut->size,
		     sparse ? DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE : 0);
	if (sparse && ret == -EINVAL)
		test_skip("the driver has no sparse mappings");
	CHECK_OK(ret);
	want_range(s, cut->va, cut->size, sparse ? DUMMY : OLD(cut->bo_offset / PAGE));
	/* That the TLB has all of it */
	check_content(s, cut->what, "mapped");
	if (sparse && cut->cut) {
		/* To compare with what is there after */
		check_page(s, cut->cut / PAGE - 1, cut->what, "mapped");
		check_page(s, (cut->cut + cut->cut_size) / PAGE, cut->what, "mapped");
	}
	if (way->backing == HUGE && cut->va == cut->bo_offset && cut->size == BUFFER) {
		host_translate(s->as, BASE_VA + LARGE, "read", &peek);
		CHECK_EQ(peek.fresh.size, LARGE);
	}
}

static void check_cut(struct unmap_scene *s, const struct way *way, const struct cut *cut)
{
	test_log("%s", cut->what);
	map_whole(s, way, cut);
	if (way->replace) {
		CHECK_OK(vm_map(&s->c.gpu, s->c.vm, &s->new, 0, BASE_VA + cut->cut, cut->cut_size,
				0));
		want_range(s, cut->cut, cut->cut_size, NEW(0));
	} else {
		CHECK_OK(vm_unbind(&s->c.gpu, s->c.vm, BASE_VA + cut->cut, cut->cut_size));
		want_range(s, cut->cut, cut->cut_size, NOTHING);
	}
	/* Before the GPU reads: what its TLB has from the time before must have gone. */
	check_mapped(s, cut->what, "cut");
	check_content(s, cut->what, "cut");
	CHECK_OK(vm_unbind(&s->c.gpu, s->c.vm, BASE_VA, WINDOW));
	want_range(s, 0, WINDOW, NOTHING);
	EXPECT_EQ(host_mappings(s->as, BASE_VA, LAST_VA, NULL, 0), 0);
}

static void open_all(struct unmap_scene *s, bool huge)
{
	host_need();
	memset(s, 0, sizeof(*s));
	client_open(&s->c, 1);
	need_version(&s->c.gpu, 7, "buffers that the CPU caches");
	/* It keeps its address space. */
	client_keep_awake(&s->c);
	RUN(&s->c, CS_NOP());
	s->as = find_as();
	CHECK(s->as >= 0, "no address space has the client's code");
	make_buffer(&s->c, &s->old, huge);
}

static void close_all(struct unmap_scene *s)
{
	CHECK_OK(bo_destroy(&s->c.gpu, &s->old));
	client_close(&s->c);
}

static void test_cuts(const void *arg)
{
	const struct way *way = arg;
	static struct unmap_scene s;

	open_all(&s, way->backing == HUGE);
	fill_buffer(&s.c, &s.new, NEW(0), "ioctl-new");
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++)
		check_cut(&s, way, &cuts[i]);
	metric_int("rows", ARRAY_SIZE(cuts));
	CHECK_OK(bo_destroy(&s.c.gpu, &s.new));
	close_all(&s);
}

/* --- The first and the last page of a buffer of several pieces --- */

static void sync_page(struct unmap_scene *s, uint64_t offset, uint32_t type)
{
	struct drm_panthor_bo_sync_op op = {
		.handle = s->old.handle, .type = type, .offset = offset, .size = PAGE,
	};
	struct drm_panthor_bo_sync sync = { .ops = ARRAY(1, bo_sync_op, &op) };

	CHECK_OK(drm_ioctl(&s->c.gpu, DRM_IOCTL_PANTHOR_BO_SYNC, &sync));
}

static void check_page_alone(struct unmap_scene *s, size_t page)
{
	volatile uint32_t *word = (uint32_t *)(s->old.map + page * PAGE);
	const uint32_t value = OLD(page) + 0x1000;

	*word = value;
	sync_page(s, page * PAGE, DRM_PANTHOR_BO_SYNC_CPU_CACHE_FLUSH);
	CHECK_OK(vm_map(&s->c.gpu, s->c.vm, &s->old, page * PAGE, BASE_VA, PAGE, 0));
	want_range(s, 0, PAGE, value);
	check_mapped(s, "a page", "alone");
	check_content(s, "a page", "alone");
	RUN(&s->c, CS_MOVE(R_ADDR, BASE_VA), CS_MOVE32(R_A, value + 1),
	    CS_STORE(R_A, R_ADDR, 1, 0), CS_STORE(R_A, R_ADDR, 1, PAGE - 4), CS_WAIT(0xff));
	sync_page(s, page * PAGE, DRM_PANTHOR_BO_SYNC_CPU_CACHE_FLUSH_AND_INVALIDATE);
	EXPECT_EQ(word[0], value + 1);
	EXPECT_EQ(word[PAGE / 4 - 1], value + 1);
	CHECK_OK(vm_unbind(&s->c.gpu, s->c.vm, BASE_VA, PAGE));
	want_range(s, 0, PAGE, NOTHING);
	check_mapped(s, "a page", "gone");
	*word = OLD(page);
}

static void test_ends(const void *arg)
{
	const struct way *way = arg;
	static const size_t pages[] = { 0, BUFFER / PAGE - 1, LARGE / PAGE - 1, LARGE / PAGE };
	static struct unmap_scene s;

	open_all(&s, way->backing == HUGE);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		check_page_alone(&s, pages[i]);
	/* No other page has changed. */
	for (size_t page = 0; page < BUFFER / PAGE; page++)
		CHECK_EQ(*(uint32_t *)(s.old.map + page * PAGE), OLD(page));
	close_all(&s);
}

#define WAY(b, r)	(&(const struct way) { .backing = (b), .replace = (r) })

const struct test ioctl_unmap[] = {
	{ "unmap.4k", "parts of a mapping of small pages", test_cuts, WAY(SMALL, false), 0 },
	{ "unmap.2m", "parts of a mapping of huge pages", test_cuts, WAY(HUGE, false), 0 },
	{ "unmap.sparse", "parts of a mapping of no buffer", test_cuts, WAY(SPARSE, false), 0 },
	{ "replace.4k", "another buffer over parts of one of small pages", test_cuts,
	  WAY(SMALL, true), 0 },
	{ "replace.2m", "another buffer over parts of one of huge pages", test_cuts,
	  WAY(HUGE, true), 0 },
	{ "replace.sparse", "a buffer over parts of a mapping of none", test_cuts,
	  WAY(SPARSE, true), 0 },
	{ "ends.4k", "the first and the last of a buffer's pages, alone", test_ends,
	  WAY(SMALL, false), 0 },
	{ "ends.2m", "the same of huge pages", test_ends, WAY(HUGE, false), 0 },
};

const size_t nr_ioctl_unmap = ARRAY_SIZE(ioctl_unmap);
