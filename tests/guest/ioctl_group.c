// SPDX-License-Identifier: GPL-2.0-or-later
/* Suite ioctl: groups, jobs and tiler heaps, as panthor_drv.c, _sched.c and _heap.c have them. */

#include <errno.h>
#include <string.h>

#include "harness.h"
#include "ioctl.h"
#include "ioctl_rows.h"

#define STREAM_SIZE 64

/* --- Groups --- */

static void fill_group_create(const struct ioctl_scene *s, struct ioctl_call *call)
{
	struct drm_panthor_queue_create *queue = (void *)call->items[0];
	struct drm_panthor_group_create *args = (void *)call->args;

	queue->priority = 1;
	queue->ringbuf_size = 4096;
	*args = (struct drm_panthor_group_create) {
		.queues = ARRAY(1, queue_create, queue),
		.max_compute_cores = 1, .max_fragment_cores = 1, .max_tiler_cores = 1,
		.priority = PANTHOR_GROUP_PRIORITY_MEDIUM,
		.compute_core_mask = 1, .fragment_core_mask = 1, .tiler_core_mask = 1,
		.vm_id = s->c.vm,
	};
}

static void undo_group_create(const struct ioctl_scene *s, struct ioctl_call *call)
{
	struct drm_panthor_group_create *args = (void *)call->args;

	CHECK_OK(group_destroy(&s->c.gpu, args->group_handle));
}

static uint64_t one_queue_more(const struct ioctl_scene *s, const struct ioctl_call *call)
{
	struct drm_panthor_csif_info csif = { 0 };

	(void)call;
	CHECK_OK(panthor_query(&s->c.gpu, DRM_PANTHOR_DEV_QUERY_CSIF_INFO, &csif, sizeof(csif)));
	return csif.cs_slot_count + 1;
}

static const struct wrong wrong_group_create[] = {
	WRONG_ARRAY(group_create, queues, queue_create),
	{ "no queues", FIELD(ARGS, group_create, queues.count), 0, NULL, EINVAL,
	  "panthor_ioctl_group_create" },
	{ "more queues than any GPU has", FIELD(ARGS, group_create, queues.count), 33, NULL, EINVAL,
	  "panthor_ioctl_group_create" },
	{ "more queues than this one has", FIELD(ARGS, group_create, queues.count), 0,
	  one_queue_more, EINVAL, "panthor_group_create" },
	{ "a second queue without a ring", FIELD(ARGS, group_create, queues.count), 2, NULL, EINVAL,
	  "group_create_queue" },
	{ "padding", FIELD(ARGS, group_create, pad), 1, NULL, EINVAL, "panthor_group_create" },
	{ "an unknown priority", FIELD(ARGS, group_create, priority), 4, NULL, EINVAL,
	  "group_priority_permit" },
	{ "the lowest priority", FIELD(ARGS, group_create, priority), 0, NULL, 0,
	  "group_priority_permit" },
	{ "a compute core that is not there", FIELD(ARGS, group_create, compute_core_mask),
	  1ull << 60 | 1, NULL, EINVAL, "panthor_group_create" },
	{ "a fragment core that is not there", FIELD(ARGS, group_create, fragment_core_mask),
	  1ull << 60 | 1, NULL, EINVAL, "panthor_group_create" },
	{ "a tiler that is not there", FIELD(ARGS, group_create, tiler_core_mask),
	  1ull << 60 | 1, NULL, EINVAL, "panthor_group_create" },
	{ "more compute cores than it may use", FIELD(ARGS, group_create, max_compute_cores), 2,
	  NULL, EINVAL, "panthor_group_create" },
	{ "more fragment cores than it may use", FIELD(ARGS, group_create, max_fragment_cores), 2,
	  NULL, EINVAL, "panthor_group_create" },
	{ "more tilers than it may use", FIELD(ARGS, group_create, max_tiler_cores), 2,
	  NULL, EINVAL, "panthor_group_create" },
	{ "no VM", FIELD(ARGS, group_create, vm_id), NO_HANDLE, NULL, EINVAL,
	  "panthor_group_create" },
	{ "a queue's padding", FIELD(ITEM, queue_create, pad[0]), 1, NULL, EINVAL,
	  "group_create_queue" },
	{ "a queue's second padding", FIELD(ITEM, queue_create, pad[1]), 1, NULL, EINVAL,
	  "group_create_queue" },
	{ "a queue's third padding", FIELD(ITEM, queue_create, pad[2]), 1, NULL, EINVAL,
	  "group_create_queue" },
	{ "a ring that is too small", FIELD(ITEM, queue_create, ringbuf_size), 2048, NULL, EINVAL,
	  "group_create_queue" },
	{ "a ring that is too large", FIELD(ITEM, queue_create, ringbuf_size), 128 * KIB, NULL,
	  EINVAL, "group_create_queue" },
	{ "a ring of no power of two", FIELD(ITEM, queue_create, ringbuf_size), 12 * KIB, NULL,
	  EINVAL, "group_create_queue" },
	{ "the largest ring", FIELD(ITEM, queue_create, ringbuf_size), 64 * KIB, NULL, 0,
	  "group_create_queue" },
	{ "an unknown priority of a queue", FIELD(ITEM, queue_create, priority), 16, NULL, EINVAL,
	  "group_create_queue" },
	{ "the highest priority of a queue", FIELD(ITEM, queue_create, priority), 15, NULL, 0,
	  "group_create_queue" },
};

static void fill_group_destroy(const struct ioctl_scene *s, struct ioctl_call *call)
{
	struct drm_panthor_group_destroy *args = (void *)call->args;

	args->group_handle = CHECK_OK(group_create(&s->c.gpu, s->c.vm, 1, 4096, 0));
}

static const struct wrong wrong_group_destroy[] = {
	{ "padding", FIELD(ARGS, group_destroy, pad), 1, NULL, EINVAL,
	  "panthor_ioctl_group_destroy" },
	{ "no group", FIELD(ARGS, group_destroy, group_handle), NO_HANDLE, NULL, EINVAL,
	  "panthor_group_destroy" },
};

static void fill_group_get_state(const struct ioctl_scene *s, struct ioctl_call *call)
{
	struct drm_panthor_group_get_state *args = (void *)call->args;

	args->group_handle = s->c.group;
}

static const struct wrong wrong_group_get_state[] = {
	{ "padding", FIELD(ARGS, group_get_state, pad), 1, NULL, EINVAL,
	  "panthor_group_get_state" },
	{ "no group", FIELD(ARGS, group_get_state, group_handle), NO_HANDLE, NULL, EINVAL,
	  "panthor_group_get_state" },
};

/* --- Jobs --- */

static void fill_submit(const struct ioctl_scene *s, struct ioctl_call *call)
{
	struct drm_panthor_queue_submit *job = (void *)call->items[0];
	struct drm_panthor_group_submit *args = (void *)call->args;

	*job = (struct drm_panthor_queue_submit) {
		.stream_addr = CODE_VA, .stream_size = STREAM_SIZE,
	};
	signal_when_done(s, call, &job->syncs);
	args->group_handle = s->c.group;
	args->queue_submits = ARRAY(1, queue_submit, job);
}

/* The job is of NOPs, wherever it begins. */
static void undo_submit(const struct ioctl_scene *s, struct ioctl_call *call)
{
	(void)call;
	CHECK_OK(syncobj_wait(&s->c.gpu, s->c.done, JOB_MS));
	EXPECT_EQ(syncobj_status(&s->c.gpu, s->c.done), 0);
}

static const struct wrong wrong_submit[] = {
	WRONG_ARRAY(group_submit, queue_submits, queue_submit),
	WRONG_SYNCS(queue_submit),
	{ "padding", FIELD(ARGS, group_submit, pad), 1, NULL, EINVAL,
	  "panthor_ioctl_group_submit" },
	{ "no group", FIELD(ARGS, group_submit, group_handle), 0x7ff, NULL, EINVAL,
	  "panthor_job_create" },
	{ "a job's padding", FIELD(ITEM, queue_submit, pad), 1, NULL, EINVAL,
	  "panthor_job_create" },
	{ "no such queue", FIELD(ITEM, queue_submit, queue_index), 2, NULL, EINVAL,
	  "panthor_job_create" },
	{ "the other queue", FIELD(ITEM, queue_submit, queue_index), 1, NULL, 0,
	  "panthor_job_create" },
	{ "a stream nowhere", FIELD(ITEM, queue_submit, stream_addr), 0, NULL, EINVAL,
	  "panthor_job_create" },
	{ "a stream of nothing", FIELD(ITEM, queue_submit, stream_size), 0, NULL, EINVAL,
	  "panthor_job_create" },
	{ "a stream within a cache line", FIELD(ITEM, queue_submit, stream_addr), CODE_VA + 8, NULL,
	  EINVAL, "panthor_job_create" },
	{ "half an instruction", FIELD(ITEM, queue_submit, stream_size), 12, NULL, EINVAL,
	  "panthor_job_create" },
	{ "a flush number that cannot be", FIELD(ITEM, queue_submit, latest_flush), 1 << 24, NULL,
	  EINVAL, "panthor_job_create" },
	{ "a flush number", FIELD(ITEM, queue_submit, latest_flush), 1u << 31 | 1, NULL, 0,
	  "panthor_job_create" },
	{ "syncs that are none", FIELD(ITEM, queue_submit, syncs.count), 0, NULL, 0,
	  "panthor_submit_ctx_add_job" },
};

/* --- Tiler heaps --- */

static const struct drm_panthor_tiler_heap_create small_heap = {
	.initial_chunk_count = 1, .chunk_size = 128 * KIB, .max_chunks = 2, .target_in_flight = 1,
};

static void fill_heap_create(const struct ioctl_scene *s, struct ioctl_call *call)
{
	struct drm_panthor_tiler_heap_create *args = (void *)call->args;

	*args = small_heap;
	args->vm_id = s->c.vm;
}

static void undo_heap_create(const struct ioctl_scene *s, struct ioctl_call *call)
{
	struct drm_panthor_tiler_heap_create *args = (void *)call->args;
	struct drm_panthor_tiler_heap_destroy destroy = { .handle = args->handle };

	CHECK_OK(drm_ioctl(&s->c.gpu, DRM_IOCTL_PANTHOR_TILER_HEAP_DESTROY, &destroy));
}

static const struct wrong wrong_heap_create[] = {
	{ "no VM", FIELD(ARGS, tiler_heap_create, vm_id), NO_HANDLE, NULL, EINVAL,
	  "panthor_ioctl_tiler_heap_create" },
	{ "no chunks", FIELD(ARGS, tiler_heap_create, initial_chunk_count), 0, NULL, EINVAL,
	  "panthor_heap_create" },
	{ "more chunks than there may be", FIELD(ARGS, tiler_heap_create, initial_chunk_count), 3,
	  NULL, EINVAL, "panthor_heap_create" },
	{ "as many chunks as there may be", FIELD(ARGS, tiler_heap_create, initial_chunk_count), 2,
	  NULL, 0, "panthor_heap_create" },
	{ "part of a page", FIELD(ARGS, tiler_heap_create, chunk_size), 128 * KIB + 64, NULL,
	  EINVAL, "panthor_heap_create" },
	{ "small chunks", FIELD(ARGS, tiler_heap_create, chunk_size), 64 * KIB, NULL, EINVAL,
	  "panthor_heap_create" },
	{ "large chunks", FIELD(ARGS, tiler_heap_create, chunk_size), 16 * MIB, NULL, EINVAL,
	  "panthor_heap_create" },
};

static void fill_heap_destroy(const struct ioctl_scene *s, struct ioctl_call *call)
{
	struct drm_panthor_tiler_heap_destroy *args = (void *)call->args;
	struct drm_panthor_tiler_heap_create create = small_heap;

	create.vm_id = s->c.vm;
	CHECK_OK(drm_ioctl(&s->c.gpu, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &create));
	args->handle = create.handle;
}

static uint64_t of_other_vm(const struct ioctl_scene *s, const struct ioctl_call *call)
{
	(void)call;
	return s->other_vm << 16;
}

static uint64_t no_heap(const struct ioctl_scene *s, const struct ioctl_call *call)
{
	(void)call;
	return s->c.vm << 16 | 0x7f;
}

static const struct wrong wrong_heap_destroy[] = {
	{ "padding", FIELD(ARGS, tiler_heap_destroy, pad), 1, NULL, EINVAL,
	  "panthor_ioctl_tiler_heap_destroy" },
	{ "no VM", FIELD(ARGS, tiler_heap_destroy, handle), 0x7fff0000, NULL, EINVAL,
	  "panthor_ioctl_tiler_heap_destroy" },
	{ "a VM without heaps", FIELD(ARGS, tiler_heap_destroy, handle), 0, of_other_vm, ENOENT,
	  "panthor_vm_get_heap_pool" },
	{ "no heap", FIELD(ARGS, tiler_heap_destroy, handle), 0, no_heap, EINVAL,
	  "panthor_heap_destroy_locked" },
};

const struct ioctl_case ioctl_group[] = {
	CASE("group_create", GROUP_CREATE, fill_group_create, undo_group_create,
	     wrong_group_create),
	CASE("group_destroy", GROUP_DESTROY, fill_group_destroy, NULL, wrong_group_destroy),
	CASE("group_get_state", GROUP_GET_STATE, fill_group_get_state, NULL,
	     wrong_group_get_state),
	CASE("group_submit", GROUP_SUBMIT, fill_submit, undo_submit, wrong_submit),
	CASE("tiler_heap_create", TILER_HEAP_CREATE, fill_heap_create, undo_heap_create,
	     wrong_heap_create),
	CASE("tiler_heap_destroy", TILER_HEAP_DESTROY, fill_heap_destroy, NULL,
	     wrong_heap_destroy),
};

const size_t nr_ioctl_group = ARRAY_SIZE(ioctl_group);
