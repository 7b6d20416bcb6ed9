// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite reclaim: the driver does not get what it needs. Memory (J8 to J10): for each thing
 * that user space has it do with a buffer, the first allocation fails, then the second
 * one, and so on to the last. Whoever asked is told so; the buffer is whole, and is not
 * held. And offsets for mmap() (S8), of which one client can take them all.
 */

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fail.h"
#include "group.h"
#include "harness.h"
#include "pressure.h"
#include "reclaim.h"
#include "vgem.h"

/* Far more than anything takes */
#define MAX_ALLOCATIONS	1000

struct deed {
	const char *state;
	/* What is done: 0 or -errno. Not undone if it failed. */
	int (*act)(struct scene *s);
	void (*undo)(struct scene *s);
	enum fail_kind kind;
	int error;			/* what it says besides ENOMEM, or 0 */
	bool again;			/* it is tried once more before anybody is told */
};

/* Another driver's buffer, to be imported */
static int foreign = -1;

static sigjmp_buf no_page;

static void take_sigbus(int sig)
{
	(void)sig;
	siglongjmp(no_page, 1);
}

/* SIGBUS is what a process gets of a page fault that fails */
static int touch(struct scene *s)
{
	volatile int ret = 0;

	signal(SIGBUS, take_sigbus);
	if (sigsetjmp(no_page, 1))
		ret = -ENOMEM;
	else
		(void)*(volatile uint64_t *)s->b.map;
	signal(SIGBUS, SIG_DFL);
	return ret;
}

/* A job for which the buffer has to be brought back: without a stream, it needs nothing itself */
static int submit(struct scene *s)
{
	return group_submit(&s->rig.gpu, s->rig.vms[0].group, COPY_QUEUE, 0, 0, 0, s->rig.done);
}

static void submitted(struct scene *s)
{
	CHECK_OK(syncobj_wait(&s->rig.gpu, s->rig.done, RECLAIM_WAIT_MS));
	CHECK_OK(syncobj_status(&s->rig.gpu, s->rig.done));
}

static int bind(struct scene *s)
{
	return bo_bind(&s->rig.gpu, &s->b.bo, s->rig.vms[0].vm, rig_other_va(&s->rig, 0));
}

static void unbind(struct scene *s)
{
	CHECK_OK(vm_unbind(&s->rig.gpu, s->rig.vms[0].vm, rig_other_va(&s->rig, 0),
			   s->b.bo.size));
}

static int attach(struct scene *s)
{
	s->b.dmabuf = bo_export(&s->rig.gpu, &s->b.bo);
	if (s->b.dmabuf < 0)
		return s->b.dmabuf;
	return vgem_attach(s->b.vgem, s->b.dmabuf, &s->b.attached);
}

static void detach(struct scene *s)
{
	CHECK_OK(vgem_detach(s->b.vgem, s->b.attached));
}

static int import(struct scene *s)
{
	return bo_import(&s->rig.gpu, &s->b.other, foreign, 16 * PAGE);
}

static void forget(struct scene *s)
{
	CHECK_OK(bo_destroy(&s->rig.gpu, &s->b.other));
	memset(&s->b.other, 0, sizeof(s->b.other));
}

static int create(struct scene *s)
{
	return bo_create(&s->rig.gpu, &s->b.other, 16 * PAGE, 0, "reclaim-other");
}

/* Another driver's device and, for what is imported, its buffer */
static void need_vgem(struct scene *s, const struct deed *d)
{
	if (d->act != attach && d->act != import)
		return;
	s->b.vgem = vgem_open();
	if (s->b.vgem < 0)
		test_skip("the kernel has no vgem (CONFIG_DRM_VGEM)");
	if (d->act == import)
		foreign = CHECK_OK(vgem_create(s->b.vgem, 16 * PAGE));
}

/*
 * It can be evicted: nothing of what failed holds it. And it takes new pages to have it back: all
 * that this process has goes to swap, for a part may be of other pages than the buffer's.
 */
static void check_evicted(struct scene *s)
{
	scene_shrink(s);
	CHECK(!buffer_resident(&s->rig, &s->b), "the buffer cannot be evicted any more");
	pressure_swap_out(ALL_PAGES * PAGE);
}

/* All of it fails, however often it is tried */
static void check_refused(struct scene *s, const struct deed *d)
{
	check_evicted(s);
	fail_all();
	EXPECT_ERRNO(d->act(s), ENOMEM);
	fail_none();
	CHECK_EQ(buffer_wrong_cpu(&s->rig, &s->b), 0);
}

static void test_deed(const void *arg)
{
	const struct deed *d = arg;
	unsigned int n, refused = 0;
	bool failed = true;
	struct scene s;

	fail_set_up(d->kind, NULL, NULL);
	scene_open(&s, d->state);
	need_vgem(&s, d);
	buffer_map_cpu(&s.rig, &s.b);
	for (n = 1; failed; n++) {
		int ret;

		CHECK(n < MAX_ALLOCATIONS, "more than %d allocations", MAX_ALLOCATIONS);
		check_evicted(&s);
		fail_nth(n);
		ret = d->act(&s);
		failed = fail_end();
		CHECK(!ret || (failed && (ret == -ENOMEM || ret == d->error)), "allocation %u: %s",
		      n, strerror(-ret));
		refused += ret != 0;
		if (!ret && d->undo)
			d->undo(&s);
		/* Once more, with enough memory */
		if (ret) {
			CHECK_OK(d->act(&s));
			if (d->undo)
				d->undo(&s);
		}
		if (d->act == attach) {
			close(s.b.dmabuf);
			s.b.dmabuf = -1;
		}
		CHECK_EQ(buffer_wrong_cpu(&s.rig, &s.b), 0);
	}
	metric_int("allocations", n - 2);
	metric_int("refused", refused);
	CHECK(n > 2, "nothing failed");
	CHECK(d->again ? !refused : refused, "%u times it was told", refused);
	if (d->again)
		check_refused(&s, d);
	scene_verify(&s);
	scene_close(&s);
}

/* --- No offset for mmap() --- */

/* include/drm/drm_vma_manager.h, DRM_FILE_PAGE_OFFSET_SIZE: somewhat less than this, in bytes */
#define ALL_OFFSETS	(1ull << 40)
#define MAX_FILLERS	512

/*
 * Buffers of all offsets that are left, the largest first. They have no pages, so long as
 * nobody looks into them. Returns how many.
 */
static size_t take_offsets(const struct panthor *gpu, struct bo *fillers)
{
	size_t nr = 0;

	for (uint64_t size = ALL_OFFSETS; size >= PAGE; size /= 2) {
		int ret;

		while (!(ret = bo_create(gpu, &fillers[nr], size, 0, "reclaim-filler")))
			CHECK(++nr < MAX_FILLERS, "more than %d buffers", MAX_FILLERS);
		CHECK(ret == -ENOSPC, "a buffer of 0x%llx bytes: %s", (unsigned long long)size,
		      strerror(-ret));
	}
	return nr;
}

/*
 * The pages of an import are the exporter's and the caller's until it is complete: what fails
 * after they were mapped gives back nothing of theirs.
 */
static void test_s8(const void *arg)
{
	static struct bo fillers[MAX_FILLERS];
	struct scene s;
	size_t nr;

	(void)arg;
	scene_open(&s, "B04");
	s.b.vgem = vgem_open();
	if (s.b.vgem < 0)
		test_skip("the kernel has no vgem (CONFIG_DRM_VGEM)");
	foreign = CHECK_OK(vgem_create(s.b.vgem, 16 * PAGE));
	nr = take_offsets(&s.rig.gpu, fillers);
	metric_int("fillers", nr);
	for (int i = 0; i < 3; i++)
		EXPECT_ERRNO(import(&s), ENOSPC);
	while (nr)
		CHECK_OK(bo_destroy(&s.rig.gpu, &fillers[--nr]));
	CHECK_OK(import(&s));
	forget(&s);
	scene_verify(&s);
	scene_close(&s);
}

/* First without the lock of the address space, VM_FAULT_RETRY, then with it: blocking_page_setup() */
static const struct deed touch_deed = { "B02", touch, NULL, FAIL_PAGES, 0, true };
static const struct deed submit_pages = { "B05", submit, submitted, FAIL_PAGES, 0, false };
static const struct deed submit_slab = { "B05", submit, submitted, FAIL_SLAB, 0, false };
static const struct deed submit_tables = { "B05", submit, submitted, FAIL_PAGE_TABLES, 0, false };
static const struct deed bind_pages = { "B04", bind, unbind, FAIL_PAGES, 0, false };
static const struct deed bind_slab = { "B04", bind, unbind, FAIL_SLAB, 0, false };
static const struct deed bind_tables = { "B04", bind, unbind, FAIL_PAGE_TABLES, 0, false };
static const struct deed attach_slab = { "B04", attach, detach, FAIL_SLAB, 0, false };
static const struct deed import_slab = { "B04", import, forget, FAIL_SLAB, 0, false };
/* mm/shmem.c, __shmem_get_inode() */
static const struct deed create_slab = { "B04", create, forget, FAIL_SLAB, -ENOSPC, false };

static const struct test tests[] = {
	{ "directed.S8", "an import when no offset is left for mmap()", test_s8, NULL, 0 },
	{ "nomem.S3", "no pages for a page fault", test_deed, &touch_deed, 900 },
	{ "nomem.S7", "no memory for an import", test_deed, &import_slab, 0 },
	{ "nomem.J8-submit", "no pages for a job's buffer", test_deed, &submit_pages, 0 },
	{ "nomem.J8-bind", "no pages for what is mapped", test_deed, &bind_pages, 900 },
	{ "nomem.J9-submit", "no page tables for a job's buffer", test_deed, &submit_tables, 0 },
	{ "nomem.J9-bind", "no page tables for what is mapped", test_deed, &bind_tables, 0 },
	{ "nomem.J10-submit", "no memory for a job's buffer", test_deed, &submit_slab, 0 },
	{ "nomem.J10-bind", "no memory for what is mapped", test_deed, &bind_slab, 0 },
	{ "nomem.J10-attach", "no memory for another device that attaches", test_deed,
	  &attach_slab, 0 },
	{ "nomem.J10-create", "no memory for a buffer", test_deed, &create_slab, 0 },
};

const struct test_table fail_tests = { tests, ARRAY_SIZE(tests) };
