// SPDX-License-Identifier: GPL-2.0-or-later

#include <drm/drm.h>
#include <errno.h>
#include <linux/sync_file.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "group.h"
#include "harness.h"

#define MAX_QUEUES 32

int group_create(const struct panthor *gpu, uint32_t vm, unsigned int queues,
		 uint32_t ring_size, uint8_t priority)
{
	struct drm_panthor_queue_create create[MAX_QUEUES] = { 0 };
	struct drm_panthor_group_create args = {
		.queues = DRM_PANTHOR_OBJ_ARRAY(queues, create),
		.max_compute_cores = 1,
		.max_fragment_cores = 1,
		.max_tiler_cores = 1,
		.priority = priority,
		.compute_core_mask = 1,
		.fragment_core_mask = 1,
		.tiler_core_mask = 1,
		.vm_id = vm,
	};
	int ret;

	if (queues > MAX_QUEUES)
		return -EINVAL;
	for (unsigned int i = 0; i < queues; i++) {
		create[i].priority = 1;
		create[i].ringbuf_size = ring_size;
	}
	ret = drm_ioctl(gpu, DRM_IOCTL_PANTHOR_GROUP_CREATE, &args);
	return ret ? ret : (int)args.group_handle;
}

/* Longer than a reset takes, with the firmware's start */
#define RESET_S patience(10)

int group_create_any_time(const struct panthor *gpu, uint32_t vm, unsigned int queues,
			  uint32_t ring_size, uint8_t priority)
{
	double deadline = now() + RESET_S;
	int ret;

	while ((ret = group_create(gpu, vm, queues, ring_size, priority)) == -ENOSPC &&
	       now() < deadline) {
		test_seen("docs/findings/group-during-reset.md",
			  "GROUP_CREATE while the GPU is reset: ENOSPC");
		sleep_ms(1);
	}
	return ret;
}

int group_destroy(const struct panthor *gpu, uint32_t group)
{
	struct drm_panthor_group_destroy args = { .group_handle = group };

	return drm_ioctl(gpu, DRM_IOCTL_PANTHOR_GROUP_DESTROY, &args);
}

int group_state(const struct panthor *gpu, uint32_t group, uint32_t *fatal_queues)
{
	struct drm_panthor_group_get_state args = { .group_handle = group };
	int ret = drm_ioctl(gpu, DRM_IOCTL_PANTHOR_GROUP_GET_STATE, &args);

	if (ret)
		return ret;
	if (fatal_queues)
		*fatal_queues = args.fatal_queues;
	return args.state;
}

int group_submit(const struct panthor *gpu, uint32_t group, unsigned int queue, uint64_t va,
		 uint32_t size, uint32_t wait, uint32_t signal)
{
	return group_submit_flushed(gpu, group, queue, va, size, wait, signal, 0);
}

static void add_op(struct drm_panthor_sync_op *op, uint32_t flags, struct sync_point at)
{
	*op = (struct drm_panthor_sync_op) {
		.flags = flags | (at.point ? DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ :
					     DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_SYNCOBJ),
		.handle = at.syncobj,
		.timeline_value = at.point,
	};
}

static int submit(const struct panthor *gpu, uint32_t group,
		  struct drm_panthor_queue_submit *submit, const struct sync_point *waits,
		  unsigned int nr_waits, const struct sync_point *signal)
{
	struct drm_panthor_sync_op ops[MAX_WAITS + 1];
	unsigned int nr = 0;
	struct drm_panthor_group_submit args = {
		.group_handle = group,
		.queue_submits = DRM_PANTHOR_OBJ_ARRAY(1, submit),
	};

	if (nr_waits > MAX_WAITS)
		return -EINVAL;
	for (unsigned int i = 0; i < nr_waits; i++)
		add_op(&ops[nr++], DRM_PANTHOR_SYNC_OP_WAIT, waits[i]);
	if (signal)
		add_op(&ops[nr++], DRM_PANTHOR_SYNC_OP_SIGNAL, *signal);
	submit->syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(nr, ops);
	return drm_ioctl(gpu, DRM_IOCTL_PANTHOR_GROUP_SUBMIT, &args);
}

int group_submit_syncs(const struct panthor *gpu, uint32_t group, unsigned int queue, uint64_t va,
		       uint32_t size, const struct sync_point *waits, unsigned int nr_waits,
		       const struct sync_point *signal)
{
	struct drm_panthor_queue_submit args = {
		.queue_index = queue, .stream_addr = va, .stream_size = size,
	};

	return submit(gpu, group, &args, waits, nr_waits, signal);
}

int group_submit_flushed(const struct panthor *gpu, uint32_t group, unsigned int queue,
			 uint64_t va, uint32_t size, uint32_t wait, uint32_t signal,
			 uint32_t latest_flush)
{
	const struct sync_point before = { .syncobj = wait }, after = { .syncobj = signal };
	struct drm_panthor_queue_submit args = {
		.queue_index = queue, .stream_addr = va, .stream_size = size,
		.latest_flush = latest_flush,
	};

	return submit(gpu, group, &args, &before, wait ? 1 : 0, signal ? &after : NULL);
}

int syncobj_create(const struct panthor *gpu)
{
	struct drm_syncobj_create args = { 0 };
	int ret = drm_ioctl(gpu, DRM_IOCTL_SYNCOBJ_CREATE, &args);

	return ret ? ret : (int)args.handle;
}

int syncobj_destroy(const struct panthor *gpu, uint32_t syncobj)
{
	struct drm_syncobj_destroy args = { .handle = syncobj };

	return drm_ioctl(gpu, DRM_IOCTL_SYNCOBJ_DESTROY, &args);
}

static int64_t in_ms(unsigned int ms)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec + ms * 1000000LL;
}

int syncobj_wait(const struct panthor *gpu, uint32_t syncobj, unsigned int ms)
{
	struct drm_syncobj_wait args = {
		.handles = (uintptr_t)&syncobj, .count_handles = 1, .timeout_nsec = in_ms(ms),
	};

	return drm_ioctl(gpu, DRM_IOCTL_SYNCOBJ_WAIT, &args);
}

int timeline_wait(const struct panthor *gpu, uint32_t syncobj, uint64_t point, unsigned int ms)
{
	struct drm_syncobj_timeline_wait args = {
		.handles = (uintptr_t)&syncobj, .points = (uintptr_t)&point, .count_handles = 1,
		.timeout_nsec = in_ms(ms),
	};

	return drm_ioctl(gpu, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &args);
}

int timeline_signal(const struct panthor *gpu, uint32_t syncobj, uint64_t point)
{
	struct drm_syncobj_timeline_array args = {
		.handles = (uintptr_t)&syncobj, .points = (uintptr_t)&point, .count_handles = 1,
	};

	return drm_ioctl(gpu, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &args);
}

long long timeline_query(const struct panthor *gpu, uint32_t syncobj)
{
	uint64_t point = 0;
	struct drm_syncobj_timeline_array args = {
		.handles = (uintptr_t)&syncobj, .points = (uintptr_t)&point, .count_handles = 1,
	};
	int ret = drm_ioctl(gpu, DRM_IOCTL_SYNCOBJ_QUERY, &args);

	return ret ? ret : (long long)point;
}

int syncobj_export(const struct panthor *gpu, uint32_t syncobj)
{
	struct drm_syncobj_handle args = {
		.handle = syncobj, .fd = -1,
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
	};
	int ret = drm_ioctl(gpu, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &args);

	return ret ? ret : args.fd;
}

/* linux/sync_file.h: 1 for success */
int sync_file_status(int fd)
{
	struct sync_fence_info fence = { 0 };
	struct sync_file_info info = {
		.num_fences = 1, .sync_fence_info = (uintptr_t)&fence,
	};

	if (ioctl(fd, SYNC_IOC_FILE_INFO, &info))
		return -errno;
	if (!fence.status)
		return -EBUSY;
	return fence.status < 0 ? fence.status : 0;
}

int syncobj_status(const struct panthor *gpu, uint32_t syncobj)
{
	int fd = syncobj_export(gpu, syncobj);
	int ret;

	if (fd < 0)
		return fd;
	ret = sync_file_status(fd);
	close(fd);
	return ret;
}

static int syncobj_op(const struct panthor *gpu, unsigned long request, uint32_t syncobj)
{
	struct drm_syncobj_array args = {
		.handles = (uintptr_t)&syncobj, .count_handles = 1,
	};

	return drm_ioctl(gpu, request, &args);
}

int syncobj_signal(const struct panthor *gpu, uint32_t syncobj)
{
	return syncobj_op(gpu, DRM_IOCTL_SYNCOBJ_SIGNAL, syncobj);
}

int syncobj_reset(const struct panthor *gpu, uint32_t syncobj)
{
	return syncobj_op(gpu, DRM_IOCTL_SYNCOBJ_RESET, syncobj);
}
