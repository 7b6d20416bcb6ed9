// SPDX-License-Identifier: GPL-2.0-or-later
/* Suite ioctl: what is wrong with no single field of an argument. */

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gems.h"
#include "harness.h"
#include "ioctl.h"
#include "ioctl_rows.h"
#include "need.h"
#include "stream.h"

/* include/uapi and panthor_mmu.c, panthor_sched.c, panthor_heap.c */
#define MAX_VMS		32
#define MAX_GROUPS	128
#define MAX_HEAPS	128

static int bind_ops(const struct ioctl_scene *s, uint32_t flags,
		    struct drm_panthor_vm_bind_op *ops, unsigned int *nr)
{
	struct drm_panthor_vm_bind args = {
		.vm_id = s->c.vm, .flags = flags, .ops = ARRAY(*nr, vm_bind_op, ops),
	};
	int ret = drm_ioctl(&s->c.gpu, DRM_IOCTL_PANTHOR_VM_BIND, &args);

	*nr = args.ops.count;
	return ret;
}

static int submit_jobs(const struct ioctl_scene *s, struct drm_panthor_queue_submit *jobs,
		       unsigned int nr)
{
	struct drm_panthor_group_submit args = {
		.group_handle = s->c.group, .queue_submits = ARRAY(nr, queue_submit, jobs),
	};

	return drm_ioctl(&s->c.gpu, DRM_IOCTL_PANTHOR_GROUP_SUBMIT, &args);
}

/* --- Several operations in one call --- */

/* The first of two is carried out, and the caller is told so. */
static void check_bind_batch(struct ioctl_scene *s)
{
	struct drm_panthor_vm_bind_op ops[2] = {
		{ .flags = DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC, .bo_handle = s->bo.handle,
		  .va = CALL_VA, .size = BO_SIZE },
		{ .flags = DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC, .bo_handle = NO_HANDLE,
		  .va = CALL_VA + BO_SIZE, .size = BO_SIZE },
	};
	unsigned int nr = 2;

	EXPECT_ERRNO(bind_ops(s, 0, ops, &nr), EINVAL);
	EXPECT_EQ(nr, 1);
	RUN(&s->c, CS_MOVE(R_ADDR, CALL_VA), CS_MOVE32(R_A, 4711), CS_STORE(R_A, R_ADDR, 1, 0),
	    CS_WAIT(0xff));
	EXPECT_EQ(*(uint32_t *)s->bo.map, 4711);
	CHECK_OK(vm_unbind(&s->c.gpu, s->c.vm, CALL_VA, BO_SIZE));

	/* Queued they are all or none. */
	nr = 2;
	EXPECT_ERRNO(bind_ops(s, DRM_PANTHOR_VM_BIND_ASYNC, ops, &nr), EINVAL);
	ops[1] = ops[0];
	ops[1].va += BO_SIZE;
	nr = 2;
	CHECK_OK(bind_ops(s, DRM_PANTHOR_VM_BIND_ASYNC, ops, &nr));
	/* Behind them in the VM's queue */
	CHECK_OK(bo_bind_later(&s->c.gpu, &s->bo, s->c.vm, CALL_VA + 2 * BO_SIZE,
			       s->c.done, s->c.done));
	CHECK_OK(syncobj_wait(&s->c.gpu, s->c.done, JOB_MS));
	EXPECT_EQ(syncobj_status(&s->c.gpu, s->c.done), 0);
	CHECK_OK(vm_unbind(&s->c.gpu, s->c.vm, CALL_VA, 3 * BO_SIZE));
}

/* Two jobs of two queues, each of which stores its number. */
static void two_jobs(struct ioctl_scene *s, struct drm_panthor_queue_submit *jobs)
{
	for (unsigned int i = 0; i < 2; i++) {
		const uint64_t words[] = {
			CS_MOVE(R_ADDR, DATA_VA), CS_MOVE32(R_A, i + 1),
			CS_STORE(R_A, R_ADDR, 1, 0), CS_WAIT(0xff),
		};

		memcpy(s->c.code.map + 0x1000 * (i + 1), words, sizeof(words));
		jobs[i] = (struct drm_panthor_queue_submit) {
			.queue_index = i, .stream_addr = CODE_VA + 0x1000 * (i + 1),
			.stream_size = sizeof(words),
		};
	}
	data32(&s->c)[0] = 0;
}

/* Nothing of a refused call is run, then or later. */
static void check_refused(struct ioctl_scene *s, struct drm_panthor_queue_submit *jobs, int error)
{
	EXPECT_ERRNO(submit_jobs(s, jobs, 2), error);
	RUN(&s->c, CS_NOP());
	EXPECT_EQ(data32(&s->c)[0], 0);
}

static void check_submit_batch(struct ioctl_scene *s)
{
	struct drm_panthor_sync_op ops[2];
	struct drm_panthor_queue_submit jobs[2];
	uint32_t line = CHECK_OK(syncobj_create(&s->c.gpu));

	two_jobs(s, jobs);
	jobs[1].queue_index = 2;
	check_refused(s, jobs, EINVAL);

	/* The first one has its place in the queue already. */
	two_jobs(s, jobs);
	ops[0] = (struct drm_panthor_sync_op) {
		.flags = DRM_PANTHOR_SYNC_OP_WAIT, .handle = NO_HANDLE,
	};
	jobs[1].syncs = ARRAY(1, sync_op, ops);
	check_refused(s, jobs, ENOENT);

	/* The second waits for the first: a point that is of this call. */
	for (unsigned int i = 0; i < 2; i++) {
		ops[i] = (struct drm_panthor_sync_op) {
			.flags = (uint32_t)(i ? DRM_PANTHOR_SYNC_OP_WAIT :
						DRM_PANTHOR_SYNC_OP_SIGNAL) |
				 DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ,
			.handle = line, .timeline_value = 1,
		};
		jobs[i].syncs = ARRAY(1, sync_op, &ops[i]);
	}
	CHECK_OK(submit_jobs(s, jobs, 2));
	CHECK_OK(timeline_wait(&s->c.gpu, line, 1, JOB_MS));
	/* Behind it in its queue */
	client_submit(&s->c, 1, 0, (const uint64_t[]) { CS_NOP() }, 1);
	CHECK_OK(syncobj_wait(&s->c.gpu, s->c.done, JOB_MS));
	EXPECT_EQ(data32(&s->c)[0], 2);
	CHECK_OK(syncobj_destroy(&s->c.gpu, line));
}

void test_ioctl_batch(const void *arg)
{
	struct ioctl_scene s;

	(void)arg;
	ioctl_scene_open(&s);
	check_bind_batch(&s);
	check_submit_batch(&s);
	EXPECT_EQ(group_state(&s.c.gpu, s.c.group, NULL), 0);
	ioctl_scene_close(&s);
}

/* --- Nothing at all --- */

void test_ioctl_nothing(const void *arg)
{
	struct drm_panthor_queue_submit empty = { 0 };
	struct drm_panthor_sync_op done;
	struct ioctl_scene s;
	unsigned int nr = 0;

	(void)arg;
	ioctl_scene_open(&s);
	EXPECT_EQ(bind_ops(&s, 0, NULL, &nr), 0);
	EXPECT_EQ(bind_ops(&s, DRM_PANTHOR_VM_BIND_ASYNC, NULL, &nr), 0);
	EXPECT_EQ(submit_jobs(&s, NULL, 0), 0);

	/* Jobs that do nothing: in an empty queue, and behind another one */
	done = (struct drm_panthor_sync_op) {
		.flags = DRM_PANTHOR_SYNC_OP_SIGNAL, .handle = s.c.done,
	};
	empty.syncs = ARRAY(1, sync_op, &done);
	for (unsigned int i = 0; i < 2; i++) {
		CHECK_OK(submit_jobs(&s, &empty, 1));
		CHECK_OK(syncobj_wait(&s.c.gpu, s.c.done, JOB_MS));
		EXPECT_EQ(syncobj_status(&s.c.gpu, s.c.done), 0);
		RUN(&s.c, CS_NOP());
	}

	/* Unmapped, amid a mapping: all of it stays. */
	CHECK_OK(bo_bind(&s.c.gpu, &s.bo, s.c.vm, CALL_VA));
	for (unsigned int i = 0; i < 2; i++) {
		struct drm_panthor_vm_bind_op op = {
			.flags = (uint32_t)DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP,
			.va = CALL_VA + i * 4096, .syncs = ARRAY(1, sync_op, &done),
		};

		nr = 1;
		CHECK_OK(bind_ops(&s, DRM_PANTHOR_VM_BIND_ASYNC, &op, &nr));
		CHECK_OK(syncobj_wait(&s.c.gpu, s.c.done, JOB_MS));
		EXPECT_EQ(syncobj_status(&s.c.gpu, s.c.done), 0);
		RUN(&s.c, CS_MOVE(R_ADDR, CALL_VA), CS_MOVE32(R_A, i + 1),
		    CS_STORE(R_A, R_ADDR, 1, 4096), CS_STORE(R_A, R_ADDR, 1, 4092), CS_WAIT(0xff));
		EXPECT_EQ(*(uint32_t *)(s.bo.map + 4096), i + 1);
		EXPECT_EQ(*(uint32_t *)(s.bo.map + 4092), i + 1);
	}
	CHECK_OK(vm_unbind(&s.c.gpu, s.c.vm, CALL_VA, BO_SIZE));
	ioctl_scene_close(&s);
}

/* --- Too much --- */

void test_ioctl_count(const void *arg)
{
	static const char file[] = "docs/findings/array-too-long.md";
	struct drm_panthor_obj_array all = { .stride = 64, .count = UINT32_MAX, .array = 4096 };
	struct drm_panthor_vm_bind bind = { .ops = all };
	struct drm_panthor_group_submit submit = { .queue_submits = all };
	struct drm_panthor_bo_sync sync = { .ops = all };
	struct ioctl_scene s;

	(void)arg;
	test_known("WARNING: .*kvmalloc", file);
	ioctl_scene_open(&s);
	bind.vm_id = s.c.vm;
	submit.group_handle = s.c.group;
	EXPECT_ERRNO(drm_ioctl(&s.c.gpu, DRM_IOCTL_PANTHOR_VM_BIND, &bind), ENOMEM);
	bind.flags = DRM_PANTHOR_VM_BIND_ASYNC;
	EXPECT_ERRNO(drm_ioctl(&s.c.gpu, DRM_IOCTL_PANTHOR_VM_BIND, &bind), ENOMEM);
	EXPECT_ERRNO(drm_ioctl(&s.c.gpu, DRM_IOCTL_PANTHOR_GROUP_SUBMIT, &submit), ENOMEM);
	if (has_version(&s.c.gpu, 7))
		EXPECT_ERRNO(drm_ioctl(&s.c.gpu, DRM_IOCTL_PANTHOR_BO_SYNC, &sync), ENOMEM);
	ioctl_scene_close(&s);
}

void test_ioctl_limits(const void *arg)
{
	uint32_t vms[MAX_VMS], groups[MAX_GROUPS];
	unsigned int nr_vms = 0, nr_groups = 0, nr_heaps = 0;
	struct drm_panthor_tiler_heap_create heap;
	struct ioctl_scene s;
	int ret;

	(void)arg;
	ioctl_scene_open(&s);
	/* The scene has two. */
	while (nr_vms < MAX_VMS && (ret = panthor_vm_create(&s.c.gpu)) >= 0)
		vms[nr_vms++] = ret;
	EXPECT_EQ(nr_vms, MAX_VMS - 2);
	EXPECT_ERRNO(ret, EBUSY);
	while (nr_vms)
		CHECK_OK(panthor_vm_destroy(&s.c.gpu, vms[--nr_vms]));

	/* And one. */
	while (nr_groups < MAX_GROUPS &&
	       (ret = group_create(&s.c.gpu, s.c.vm, 1, 4096, PANTHOR_GROUP_PRIORITY_LOW)) >= 0)
		groups[nr_groups++] = ret;
	EXPECT_EQ(nr_groups, MAX_GROUPS - 1);
	EXPECT_ERRNO(ret, EBUSY);
	RUN(&s.c, CS_NOP());
	while (nr_groups)
		CHECK_OK(group_destroy(&s.c.gpu, groups[--nr_groups]));

	heap = s.heap;
	while (nr_heaps < MAX_HEAPS &&
	       !(ret = drm_ioctl(&s.c.gpu, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &heap)))
		nr_heaps++;
	EXPECT_EQ(nr_heaps, MAX_HEAPS - 1);
	EXPECT_ERRNO(ret, EBUSY);
	ioctl_scene_close(&s);
}

/* --- Chunks of a heap --- */

/*
 * Two chunks: the first one's header says where the second is, and how large they are, and
 * the GPU reads it. From 2 MiB on they are where large pages can be.
 */
static void check_chunks(struct ioctl_scene *s, uint32_t chunk_size)
{
	const uint64_t align = chunk_size >= 2 * MIB ? 2 * MIB : 4096;
	struct drm_panthor_tiler_heap_create heap = {
		.vm_id = s->c.vm, .initial_chunk_count = 2, .chunk_size = chunk_size,
		.max_chunks = 2, .target_in_flight = 1,
	};
	struct drm_panthor_tiler_heap_destroy destroy = { 0 };
	size_t before = gems_size(&s->c.gpu);
	uint64_t first, second;

	test_log("chunks of %u KiB", chunk_size / (unsigned int)KIB);
	CHECK_OK(drm_ioctl(&s->c.gpu, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &heap));
	first = heap.first_heap_chunk_gpu_va;
	EXPECT_EQ(first % align, 0);
	data64(&s->c)[0] = 0;
	RUN(&s->c, CS_MOVE(R_ADDR, first), CS_MOVE(R_B, DATA_VA), CS_LOAD(R_A, R_ADDR, 3, 0),
	    CS_WAIT(0xff), CS_STORE(R_A, R_B, 3, 0), CS_WAIT(0xff));
	EXPECT_EQ(syncobj_status(&s->c.gpu, s->c.done), 0);
	second = data64(&s->c)[0] & ~4095ull;
	EXPECT_EQ(second % align, 0);
	EXPECT_EQ(data64(&s->c)[0] & 4095, chunk_size >> 12 & 4095);
	EXPECT(second >= first + chunk_size || first >= second + chunk_size,
	       "chunks at 0x%llx and 0x%llx", (unsigned long long)first,
	       (unsigned long long)second);
	destroy.handle = heap.handle;
	CHECK_OK(drm_ioctl(&s->c.gpu, DRM_IOCTL_PANTHOR_TILER_HEAP_DESTROY, &destroy));
	gems_check_freed(&s->c.gpu, before);
}

void test_ioctl_chunks(const void *arg)
{
	static const uint32_t sizes[] = { 128 * KIB, 2 * MIB - 4096, 2 * MIB, 8 * MIB };
	struct ioctl_scene s;

	(void)arg;
	ioctl_scene_open(&s);
	need_gems(&s.c.gpu);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		check_chunks(&s, sizes[i]);
	ioctl_scene_close(&s);
}

/* --- Who may, and when --- */

void test_ioctl_user(const void *arg)
{
	struct drm_panthor_group_priorities_info priorities = { 0 };
	struct client c = { 0 };

	(void)arg;
	client_open(&c, 1);
	need_version(&c.gpu, 2, "GROUP_PRIORITIES_INFO query");
	CHECK(!setresgid(1000, 1000, 1000) && !setresuid(1000, 1000, 1000), "setresuid: %m");
	CHECK_OK(panthor_query(&c.gpu, DRM_PANTHOR_DEV_QUERY_GROUP_PRIORITIES_INFO, &priorities,
			       sizeof(priorities)));
	EXPECT_EQ(priorities.allowed_mask, 1 << PANTHOR_GROUP_PRIORITY_LOW |
		  1 << PANTHOR_GROUP_PRIORITY_MEDIUM);
	for (unsigned int i = 0; i <= PANTHOR_GROUP_PRIORITY_REALTIME; i++) {
		int ret = group_create(&c.gpu, c.vm, 1, 4096, i);

		if (i <= PANTHOR_GROUP_PRIORITY_MEDIUM)
			CHECK_OK(ret);
		else
			EXPECT_ERRNO(ret, EACCES);
	}
	client_close(&c);
}

static sigjmp_buf gone;

static void on_bus_error(int sig)
{
	(void)sig;
	siglongjmp(gone, 1);
}

/* The mapping is not inherited (VM_DONTCOPY): no child can do it. */
static void read_gone(const volatile uint32_t *map)
{
	volatile uint32_t value = 0;

	CHECK(signal(SIGBUS, on_bus_error) != SIG_ERR, "signal: %m");
	if (!sigsetjmp(gone, 1)) {
		value = *map;
		EXPECT(0, "the flush number of a device that has gone is %u", value);
	}
	signal(SIGBUS, SIG_DFL);
}

void test_ioctl_unplugged(const void *arg)
{
	const struct ioctl_case *lists[] = { ioctl_memory, ioctl_group };
	const size_t nr[] = { nr_ioctl_memory, nr_ioctl_group };
	size_t page = sysconf(_SC_PAGESIZE);
	struct ioctl_call call = { 0 };
	struct ioctl_scene s;
	void *map;

	(void)arg;
	ioctl_scene_open(&s);
	map = mmap(NULL, page, PROT_READ, MAP_SHARED, s.c.gpu.fd,
		   DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET);
	CHECK(map != MAP_FAILED, "mmap: %m");
	CHECK_OK(write_file(PANTHOR_DRIVER_DIR "/unbind", "%s", s.c.gpu.device));
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		for (size_t j = 0; j < nr[i]; j++)
			EXPECT_ERRNO(drm_ioctl(&s.c.gpu, lists[i][j].request, call.args), ENODEV);
	EXPECT(mmap(NULL, page, PROT_READ, MAP_SHARED, s.c.gpu.fd,
		    DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET) == MAP_FAILED && errno == ENODEV,
	       "the flush number of a device that has gone was mapped");
	EXPECT(mmap(NULL, page, PROT_READ, MAP_SHARED, s.c.gpu.fd, s.bo.offset) == MAP_FAILED &&
	       errno == ENODEV, "a buffer of a device that has gone was mapped");
	read_gone(map);
	munmap(map, page);
	bo_munmap(&s.bo);
	bo_munmap(&s.c.code);
	bo_munmap(&s.c.data);
	panthor_close(&s.c.gpu);
	CHECK_OK(write_file(PANTHOR_DRIVER_DIR "/bind", "%s", s.c.gpu.device));
	ioctl_scene_open(&s);
	RUN(&s.c, CS_NOP());
	ioctl_scene_close(&s);
}
