// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite nomem: the driver is asked for something, and the first allocation fails;
 * then the second, and so on until there is no further one. Each time it has to
 * say so, nothing may be left behind, and the next call has to work.
 */

#include <drm/drm.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client.h"
#include "driver.h"
#include "fail.h"
#include "gems.h"
#include "harness.h"

#define MAP_VA		0x40000000ull
#define MAP_SIZE	(4 * MIB)
/* More allocations than any call makes; a sweep that comes here does not end. */
#define MAX_NTH		3000
/* What is freed by a work, some time later */

struct nomem {
	struct client c;
	struct bo bo;			/* of no VM; with pages */
	struct bo made;			/* by the call */
	uint32_t handle;		/* what the call has made otherwise */
	uint32_t vm;			/* for the call alone */
	uint32_t line;			/* a syncobj for points */
	uint64_t point;
	int fd;
	int minor;
};

#define MAX_ALSO	4

struct sweep {
	const char *name, *description;
	void (*before)(struct nomem *n);	/* each time; may be NULL */
	int (*call)(struct nomem *n);		/* 0 or more, or -errno */
	void (*undo)(struct nomem *n);		/* after a call that worked; may be NULL */
	enum fail_kind kind;
	int also[MAX_ALSO];			/* errors besides ENOMEM that it may end with */
	/* below which nothing fails: the kernel does not get over it (suite wound) */
	const char *spared;
};

/* --- What is called --- */

static int call_open(struct nomem *n)
{
	n->fd = open(n->c.gpu.render, O_RDWR | O_CLOEXEC);
	return n->fd < 0 ? -errno : 0;
}

static void undo_open(struct nomem *n)
{
	close(n->fd);
}

static int call_vm_create(struct nomem *n)
{
	int ret = panthor_vm_create(&n->c.gpu);

	n->handle = ret;
	return ret;
}

static void undo_vm_create(struct nomem *n)
{
	CHECK_OK(panthor_vm_destroy(&n->c.gpu, n->handle));
}

static int call_map(struct nomem *n)
{
	return vm_map(&n->c.gpu, n->c.vm, &n->bo, 0, MAP_VA, BO_SIZE, 0);
}

static void unmap(struct nomem *n)
{
	CHECK_OK(vm_unbind(&n->c.gpu, n->c.vm, MAP_VA, MAP_SIZE));
}

/* A new buffer, whose pages are not there yet */
static void before_map_new(struct nomem *n)
{
	CHECK_OK(bo_create(&n->c.gpu, &n->made, BO_SIZE, 0, "nomem-new"));
}

static int call_map_new(struct nomem *n)
{
	int ret = bo_bind(&n->c.gpu, &n->made, n->c.vm, MAP_VA);

	if (ret)
		bo_destroy(&n->c.gpu, &n->made);
	return ret;
}

static void undo_map_new(struct nomem *n)
{
	unmap(n);
	CHECK_OK(bo_destroy(&n->c.gpu, &n->made));
}

static int call_map_sparse(struct nomem *n)
{
	return vm_map(&n->c.gpu, n->c.vm, NULL, 0, MAP_VA, MAP_SIZE,
		      DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE);
}

static int call_map_async(struct nomem *n)
{
	return bo_bind_later(&n->c.gpu, &n->bo, n->c.vm, MAP_VA, n->c.done, n->c.done);
}

static void undo_async(struct nomem *n)
{
	CHECK_OK(syncobj_wait(&n->c.gpu, n->c.done, JOB_MS));
	EXPECT_EQ(syncobj_status(&n->c.gpu, n->c.done), 0);
	unmap(n);
}

/* A VM and a buffer of no VM, whose fences have no place to be in yet */
static void before_map_async_new(struct nomem *n)
{
	n->vm = CHECK_OK(panthor_vm_create(&n->c.gpu));
	before_map_new(n);
}

static void drop_vm_and_buffer(struct nomem *n)
{
	CHECK_OK(panthor_vm_destroy(&n->c.gpu, n->vm));
	CHECK_OK(bo_destroy(&n->c.gpu, &n->made));
}

static int call_map_async_new(struct nomem *n)
{
	int ret = bo_bind_later(&n->c.gpu, &n->made, n->vm, MAP_VA, n->c.done, n->c.done);

	if (ret)
		drop_vm_and_buffer(n);
	return ret;
}

static void undo_map_async_new(struct nomem *n)
{
	CHECK_OK(syncobj_wait(&n->c.gpu, n->c.done, JOB_MS));
	EXPECT_EQ(syncobj_status(&n->c.gpu, n->c.done), 0);
	drop_vm_and_buffer(n);
}

static void before_unmap(struct nomem *n)
{
	CHECK_OK(bo_bind(&n->c.gpu, &n->bo, n->c.vm, MAP_VA));
}

/* From its middle: two mappings are made of the one that was there. */
static int call_unmap(struct nomem *n)
{
	int ret = vm_unbind(&n->c.gpu, n->c.vm, MAP_VA + 4096, 4096);

	if (ret)
		unmap(n);
	return ret;
}

static int call_bo_create(struct nomem *n)
{
	struct drm_panthor_bo_create args = { .size = BO_SIZE };
	int ret = drm_ioctl(&n->c.gpu, DRM_IOCTL_PANTHOR_BO_CREATE, &args);

	n->made.handle = args.handle;
	return ret;
}

static void undo_bo(struct nomem *n)
{
	struct bo bo = { .handle = n->made.handle };

	CHECK_OK(bo_destroy(&n->c.gpu, &bo));
}

static int call_set_label(struct nomem *n)
{
	struct drm_panthor_bo_set_label args = {
		.handle = n->bo.handle, .label = (uintptr_t)"nomem-label",
	};

	return drm_ioctl(&n->c.gpu, DRM_IOCTL_PANTHOR_BO_SET_LABEL, &args);
}

/* With pages, which no device has been told of */
static void before_sync(struct nomem *n)
{
	before_map_new(n);
	CHECK_OK(bo_mmap(&n->c.gpu, &n->made));
	memset(n->made.map, 1, n->made.size);
}

static int call_sync(struct nomem *n)
{
	int ret = bo_sync(&n->c.gpu, &n->made, true);

	if (ret)
		bo_destroy(&n->c.gpu, &n->made);
	return ret;
}

static void undo_new(struct nomem *n)
{
	CHECK_OK(bo_destroy(&n->c.gpu, &n->made));
}

static int call_export(struct nomem *n)
{
	n->fd = bo_export(&n->c.gpu, &n->bo);
	return n->fd;
}

static int call_group_create(struct nomem *n)
{
	int ret = group_create(&n->c.gpu, n->c.vm, 2, 4096, PANTHOR_GROUP_PRIORITY_LOW);

	n->handle = ret;
	return ret;
}

static void undo_group_create(struct nomem *n)
{
	CHECK_OK(group_destroy(&n->c.gpu, n->handle));
}

/* A VM keeps what its first heap had it make. */
static void before_heap_create(struct nomem *n)
{
	n->vm = CHECK_OK(panthor_vm_create(&n->c.gpu));
}

static int call_heap_create(struct nomem *n)
{
	struct drm_panthor_tiler_heap_create args = {
		.vm_id = n->vm, .initial_chunk_count = 2, .chunk_size = 128 * KIB,
		.max_chunks = 2, .target_in_flight = 1,
	};
	int ret = drm_ioctl(&n->c.gpu, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &args);

	n->handle = args.handle;
	if (ret)
		panthor_vm_destroy(&n->c.gpu, n->vm);
	return ret;
}

static void undo_heap_create(struct nomem *n)
{
	struct drm_panthor_tiler_heap_destroy args = { .handle = n->handle };

	CHECK_OK(drm_ioctl(&n->c.gpu, DRM_IOCTL_PANTHOR_TILER_HEAP_DESTROY, &args));
	CHECK_OK(panthor_vm_destroy(&n->c.gpu, n->vm));
}

/* Waits for one point, and signals the next. */
static int call_submit(struct nomem *n)
{
	const struct sync_point wait = { n->line, n->point }, signal = { n->line, n->point + 1 };

	return group_submit_syncs(&n->c.gpu, n->c.group, 0, CODE_VA, 64, &wait, 1, &signal);
}

static void undo_submit(struct nomem *n)
{
	n->point++;
	CHECK_OK(timeline_wait(&n->c.gpu, n->line, n->point, JOB_MS));
}

/* The same by a new group of a new VM, in which a new buffer of no VM is bound */
static void before_submit_new(struct nomem *n)
{
	before_map_async_new(n);
	CHECK_OK(bo_bind(&n->c.gpu, &n->c.code, n->vm, CODE_VA));
	CHECK_OK(bo_bind(&n->c.gpu, &n->made, n->vm, MAP_VA));
	n->handle = CHECK_OK(group_create(&n->c.gpu, n->vm, 1, 4096, PANTHOR_GROUP_PRIORITY_LOW));
}

static void drop_submit_new(struct nomem *n)
{
	undo_group_create(n);
	drop_vm_and_buffer(n);
}

static int call_submit_new(struct nomem *n)
{
	const struct sync_point wait = { n->line, n->point }, signal = { n->line, n->point + 1 };
	int ret = group_submit_syncs(&n->c.gpu, n->handle, 0, CODE_VA, 64, &wait, 1, &signal);

	if (ret)
		drop_submit_new(n);
	return ret;
}

static void undo_submit_new(struct nomem *n)
{
	undo_submit(n);
	drop_submit_new(n);
}

/* All that is bound has to be brought back, and mapped again, before the job. */
static void before_submit_evicted(struct nomem *n)
{
	CHECK_OK(bo_bind(&n->c.gpu, &n->bo, n->c.vm, MAP_VA));
	CHECK_OK(panthor_shrink(&n->c.gpu, 1ul << 20));
}

static int call_submit_evicted(struct nomem *n)
{
	int ret = call_submit(n);

	if (ret)
		unmap(n);
	return ret;
}

static void undo_submit_evicted(struct nomem *n)
{
	undo_submit(n);
	unmap(n);
}

/* The driver takes the GPU: what is open of it is closed before. */
static void before_bind(struct nomem *n)
{
	if (path_exists(PANTHOR_DRIVER_DIR "/%s", n->c.gpu.device))
		CHECK_OK(write_file(PANTHOR_DRIVER_DIR "/unbind", "%s", n->c.gpu.device));
}

static int call_bind(struct nomem *n)
{
	return write_file(PANTHOR_DRIVER_DIR "/bind", "%s", n->c.gpu.device);
}

static const struct sweep sweeps[] = {
	{ "open", "a client comes", NULL, call_open, undo_open, FAIL_BOTH, {}, NULL },
	{ "vm_create", "a VM is created", NULL, call_vm_create, undo_vm_create, FAIL_BOTH,
	  { EINVAL }, NULL },
	{ "map", "a buffer is mapped", NULL, call_map, unmap, FAIL_BOTH, {}, NULL },
	{ "map_new", "a buffer without pages is mapped", before_map_new, call_map_new, undo_map_new,
	  FAIL_BOTH, {}, NULL },
	{ "map_sparse", "no buffer is mapped", NULL, call_map_sparse, unmap, FAIL_BOTH, {}, NULL },
	{ "map_async", "a mapping is queued", NULL, call_map_async, undo_async, FAIL_BOTH, {},
	  NULL },
	{ "map_async_new", "a mapping of a new buffer is queued in a new VM", before_map_async_new,
	  call_map_async_new, undo_map_async_new, FAIL_BOTH, {}, NULL },
	{ "unmap", "pages are unmapped amid others", before_unmap, call_unmap, unmap, FAIL_BOTH, {},
	  NULL },
	{ "bo_create", "a buffer is created", NULL, call_bo_create, undo_bo, FAIL_BOTH, {}, NULL },
	{ "bo_set_label", "a buffer gets a name", NULL, call_set_label, NULL, FAIL_BOTH, {}, NULL },
	{ "bo_sync", "a buffer's caches are cleaned", before_sync, call_sync, undo_new, FAIL_BOTH,
	  {}, NULL },
	{ "bo_export", "a buffer is exported", NULL, call_export, undo_open, FAIL_BOTH, {}, NULL },
	{ "group_create", "a group is created", NULL, call_group_create, undo_group_create,
	  FAIL_BOTH, {}, "drm_sched_init" },
	{ "tiler_heap_create", "a tiler heap is created", before_heap_create, call_heap_create,
	  undo_heap_create, FAIL_BOTH, {}, NULL },
	{ "group_submit", "a job is queued", NULL, call_submit, undo_submit, FAIL_BOTH, {},
	  "panthor_submit_ctx_collect_jobs_signal_ops" },
	{ "group_submit_new", "a job is queued in a new VM with a new buffer", before_submit_new,
	  call_submit_new, undo_submit_new, FAIL_BOTH, {},
	  "panthor_submit_ctx_collect_jobs_signal_ops" },
	{ "group_submit_evicted", "a job is queued, whose buffers are in swap",
	  before_submit_evicted, call_submit_evicted, undo_submit_evicted, FAIL_BOTH, {},
	  "panthor_submit_ctx_collect_jobs_signal_ops" },
};

static const struct sweep sweep_bind = {
	"bind", "the driver takes the GPU", before_bind, call_bind, NULL, FAIL_SLAB,
	/* By drivers/base and lib/devres.c, of resources that are no memory */
	{ EINVAL, EBUSY, ENXIO, ENODEV },
	"devm_devfreq_add_device",
};

/* --- The sweep --- */

static void open_all(struct nomem *n)
{
	memset(n, 0, sizeof(*n));
	client_open(&n->c, 1);
	CHECK_OK(bo_create(&n->c.gpu, &n->bo, BO_SIZE, 0, "nomem"));
	CHECK_OK(bo_mmap(&n->c.gpu, &n->bo));
	memset(n->bo.map, 1, BO_SIZE);
	n->line = CHECK_OK(syncobj_create(&n->c.gpu));
	CHECK_OK(timeline_signal(&n->c.gpu, n->line, 1));
	n->point = 1;
	RUN(&n->c, 0);
}

static void close_all(struct nomem *n)
{
	RUN(&n->c, 0);
	EXPECT_EQ(syncobj_status(&n->c.gpu, n->c.done), 0);
	CHECK_OK(syncobj_destroy(&n->c.gpu, n->line));
	CHECK_OK(bo_destroy(&n->c.gpu, &n->bo));
	client_close(&n->c);
}

static bool may_end_with(const struct sweep *s, int error)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->also); i++)
		if (s->also[i] == error)
			return true;
	/* mm/shmem.c says ENOSPC where a file of it gets no inode. */
	return error == ENOMEM || error == ENOSPC;
}

/* Returns how many allocations there were. */
static unsigned int sweep(struct nomem *n, const struct sweep *s)
{
	unsigned int failed = 0, coped = 0;

	for (unsigned int nth = 1;; nth++) {
		bool injected;
		int ret;

		CHECK(nth < MAX_NTH, "more than %u allocations", MAX_NTH);
		if (s->before)
			s->before(n);
		fail_nth(nth);
		ret = s->call(n);
		injected = fail_end();
		if (injected)
			EXPECT(ret >= 0 || may_end_with(s, -ret),
			       "allocation %u failed: expected ENOMEM, got %s", nth,
			       strerrorname_np(-ret));
		else
			CHECK_OK(ret);
		failed += ret < 0;
		coped += injected && ret >= 0;
		if (ret >= 0 && s->undo)
			s->undo(n);
		if (!injected) {
			metric_int("allocations", nth - 1);
			metric_int("errors", failed);
			metric_int("coped_with", coped);
			return nth - 1;
		}
	}
}

static void test_sweep(const void *arg)
{
	const struct sweep *s = arg;
	struct nomem n;
	size_t before;

	fail_set_up(s->kind, NULL, s->spared);
	/* What is said of an error that is returned as well, or coped with */
	test_allow("drm_sched_init: Failed to setup GPU scheduler--out of memory|"
		   "Not enough memory to allocate BO label");
	open_all(&n);
	before = gems_size(&n.c.gpu);
	EXPECT(sweep(&n, s), "nothing was allocated");
	/* Nothing is left of calls that failed, nor of those that were undone. */
	gems_check_freed(&n.c.gpu, before);
	close_all(&n);
}

static void test_bind(const void *arg)
{
	struct nomem n;

	/*
	 * The kernel does not get over what fails before that, in drm_minor_alloc()
	 * (docs/findings/minor-without-device.md).
	 */
	fail_set_up(FAIL_SLAB, "panthor_device_init", sweep_bind.spared);
	/* What drivers/base/dd.c and the driver say of it */
	test_allow("probe with driver panthor failed with error -(12|16|22|28)");
	test_allow("debugfs: out of free dentries|kobject_add_internal failed for |"
		   "Failed to (create|allocate) a rescuer|Can't use Transparent Hugepage|"
		   "load(ing)? .* failed with error -12|error -6: IRQ [a-z]* not found|"
		   "can't request region for resource");
	/* And all others that begin with the device's name and speak of a failure */
	test_allow("^panthor [^ ]+: .*([Ff]ailed|[Cc]ouldn't|[Cc]annot)");
	test_allow("opp key field not found|vmalloc error: |"
		   "^ panthor_(fw_load|fw_init|device_init|probe)\\+0x|"
		   "_request_firmware_prepare: kmalloc|Not enough memory to allocate BO label");
	/* What a probe that failed could not free stays when the driver goes. */
	test_known("BUG panthor-mmu-pt|^(Object|Slab) 0x|(__slab_err|kmem_cache_destroy)\\+",
		   "docs/findings/memory-to-free.md");
	open_all(&n);
	close_all(&n);
	EXPECT(sweep(&n, arg), "nothing was allocated");
	open_all(&n);
	close_all(&n);
	CHECK_OK(driver_unload());
	CHECK_OK(driver_load());
}

/* --- What fails for good --- */

static sigjmp_buf faulted;

static void on_bus_error(int sig)
{
	(void)sig;
	siglongjmp(faulted, 1);
}

static bool readable(const volatile uint8_t *byte)
{
	bool was = false;

	signal(SIGBUS, on_bus_error);
	if (!sigsetjmp(faulted, 1)) {
		(void)*byte;
		was = true;
	}
	signal(SIGBUS, SIG_DFL);
	return was;
}

/* There are no pages for a buffer that a program touches; a moment later there are. */
static void test_fault(const void *arg)
{
	struct nomem n;

	(void)arg;
	fail_set_up(FAIL_BOTH, NULL, NULL);
	open_all(&n);
	before_map_new(&n);
	CHECK_OK(bo_mmap(&n.c.gpu, &n.made));
	fail_all();
	EXPECT(!readable(n.made.map), "a page was there");
	fail_none();
	EXPECT(readable(n.made.map), "a page is not there");
	CHECK_OK(bo_destroy(&n.c.gpu, &n.made));
	close_all(&n);
}

static const struct test more[] = {
	{ "bind", "the driver takes the GPU", test_bind, &sweep_bind, 600 },
	{ "fault", "a program touches a buffer", test_fault, NULL, 0 },
};

int main(int argc, char **argv)
{
	static struct test tests[ARRAY_SIZE(sweeps) + ARRAY_SIZE(more)];
	struct suite suite = { .name = "nomem", .tests = tests };

	for (size_t i = 0; i < ARRAY_SIZE(sweeps); i++)
		tests[suite.nr++] = (struct test) {
			.name = sweeps[i].name, .description = sweeps[i].description,
			.fn = test_sweep, .arg = &sweeps[i], .timeout = 300,
		};
	for (size_t i = 0; i < ARRAY_SIZE(more); i++)
		tests[suite.nr++] = more[i];
	return suite_main(&suite, argc, argv);
}
