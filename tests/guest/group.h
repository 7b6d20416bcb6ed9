/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Groups, queues and jobs through the driver's ioctls, and the syncobjs that
 * tell when a job is done. Functions return 0 or a positive result on success
 * and -errno on failure.
 */
#ifndef GUEST_GROUP_H
#define GUEST_GROUP_H

#include "panthor.h"

/* A group of so many queues with rings of ring_size bytes. Returns its handle. */
int group_create(const struct panthor *gpu, uint32_t vm, unsigned int queues,
		 uint32_t ring_size, uint8_t priority);
/*
 * The same by a client that does not know whether the GPU is being reset. If it is, the
 * driver may say ENOSPC, and be a known bug's (test_seen()): it is asked again, for a while.
 */
int group_create_any_time(const struct panthor *gpu, uint32_t vm, unsigned int queues,
			  uint32_t ring_size, uint8_t priority);
int group_destroy(const struct panthor *gpu, uint32_t group);

/* DRM_PANTHOR_GROUP_STATE_* of a group, and which queues failed. */
int group_state(const struct panthor *gpu, uint32_t group, uint32_t *fatal_queues);

/*
 * Queue a stream of size bytes at a GPU address. wait and signal are syncobjs,
 * 0 for none.
 */
int group_submit(const struct panthor *gpu, uint32_t group, unsigned int queue, uint64_t va,
		 uint32_t size, uint32_t wait, uint32_t signal);

/* The same, for a client that read LATEST_FLUSH_ID when it had last written what the job uses. */
int group_submit_flushed(const struct panthor *gpu, uint32_t group, unsigned int queue,
			 uint64_t va, uint32_t size, uint32_t wait, uint32_t signal,
			 uint32_t latest_flush);

/* A syncobj, or a point of its time line; point 0 is the syncobj itself. */
struct sync_point {
	uint32_t syncobj;
	uint64_t point;
};

#define MAX_WAITS 8

/* The same with any number of points to wait for, up to MAX_WAITS; signal may be NULL. */
int group_submit_syncs(const struct panthor *gpu, uint32_t group, unsigned int queue, uint64_t va,
		       uint32_t size, const struct sync_point *waits, unsigned int nr_waits,
		       const struct sync_point *signal);

int syncobj_create(const struct panthor *gpu);
int syncobj_destroy(const struct panthor *gpu, uint32_t syncobj);
/* Wait until the syncobj's fence is signalled. -ETIME after so many ms. */
int syncobj_wait(const struct panthor *gpu, uint32_t syncobj, unsigned int ms);
/* What the fence of a job that is done says: 0, or the -errno it failed with. */
int syncobj_status(const struct panthor *gpu, uint32_t syncobj);
/*
 * Its fence as a sync file, which outlives the device: a descriptor, readable when the
 * fence is signalled, that the caller closes; and what it says, -EBUSY for not yet.
 */
int syncobj_export(const struct panthor *gpu, uint32_t syncobj);
int sync_file_status(int fd);
/* Let it be signalled by the CPU; and take its fence away. */
int syncobj_signal(const struct panthor *gpu, uint32_t syncobj);
int syncobj_reset(const struct panthor *gpu, uint32_t syncobj);

/* Of a syncobj's time line: wait for a point, signal one by the CPU, and where it is. */
int timeline_wait(const struct panthor *gpu, uint32_t syncobj, uint64_t point, unsigned int ms);
int timeline_signal(const struct panthor *gpu, uint32_t syncobj, uint64_t point);
long long timeline_query(const struct panthor *gpu, uint32_t syncobj);

#endif
