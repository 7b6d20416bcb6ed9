/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rows of several ioctls have in common. */
#ifndef GUEST_IOCTL_ROWS_H
#define GUEST_IOCTL_ROWS_H

#include <errno.h>

#include "ioctl.h"

#define ARRAY(nr, type, items)							\
	((struct drm_panthor_obj_array) {					\
		.stride = sizeof(struct drm_panthor_##type), .count = (nr),	\
		.array = (uintptr_t)(items),					\
	})

/* Have the syncobj c.done signalled when an operation is done. */
static inline void signal_when_done(const struct ioctl_scene *s, struct ioctl_call *call,
			     struct drm_panthor_obj_array *syncs)
{
	struct drm_panthor_sync_op *sync = (void *)call->syncs[0];

	sync->flags = DRM_PANTHOR_SYNC_OP_SIGNAL;
	sync->handle = s->c.done;
	*syncs = ARRAY(1, sync_op, call->syncs[0]);
}

/* What is true of every array (panthor_get_uobj_array()) */
#define WRONG_ARRAY(type, member, item)						\
	{ "an array of smaller elements", FIELD(ARGS, type, member.stride),	\
	  sizeof(struct drm_panthor_##item) - 1, NULL, EINVAL, "panthor_get_uobj_array" },	\
	{ "an array of larger elements, zero behind what is known",		\
	  FIELD(ARGS, type, member.stride), ITEM_ROOM, NULL, 0, "panthor_get_uobj_array" },	\
	{ "no memory at the array", FIELD(ARGS, type, member.array), NO_POINTER, NULL, EFAULT,	\
	  "panthor_get_uobj_array" }

/*
 * What is true of every operation that is queued with things to wait for and to
 * signal. A syncobj to signal that is not there is wound.signal_nothing's.
 */
#define WRONG_SYNCS(item)							\
	{ "smaller sync operations", FIELD(ITEM, item, syncs.stride),		\
	  sizeof(struct drm_panthor_sync_op) - 4, NULL, EINVAL, "panthor_submit_ctx_add_job" },	\
	{ "no memory at the sync operations", FIELD(ITEM, item, syncs.array), NO_POINTER, NULL,	\
	  EFAULT, "panthor_submit_ctx_add_job" },				\
	{ "an unknown sync flag", FIELD(SYNC, sync_op, flags),			\
	  DRM_PANTHOR_SYNC_OP_SIGNAL | 1 << 12, NULL, EINVAL, "panthor_check_sync_op" },	\
	{ "an unknown flag of a wait", FIELD(SYNC, sync_op, flags),		\
	  DRM_PANTHOR_SYNC_OP_WAIT | 1 << 12, NULL, EINVAL, "panthor_check_sync_op" },		\
	{ "an unknown type of sync object", FIELD(SYNC, sync_op, flags),	\
	  DRM_PANTHOR_SYNC_OP_SIGNAL | 2, NULL, EINVAL, "panthor_check_sync_op" },		\
	{ "a point of what has none", FIELD(SYNC, sync_op, timeline_value), 1, NULL, EINVAL,	\
	  "panthor_check_sync_op" },						\
	{ "a time line to signal", FIELD(SYNC, sync_op, flags),			\
	  (uint32_t)DRM_PANTHOR_SYNC_OP_SIGNAL |				\
	  DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ, NULL, 0,		\
	  "panthor_submit_ctx_push_fences" },					\
	{ "what is done to wait for", FIELD(SYNC, sync_op, flags), DRM_PANTHOR_SYNC_OP_WAIT,	\
	  NULL, 0, "panthor_submit_ctx_add_sync_deps_to_job" }

#define CASE(name, request, fill, undo, rows)					\
	CASE_SINCE(0, name, request, fill, undo, rows)
#define CASE_SINCE(minor, name, request, fill, undo, rows)			\
	{ name, DRM_IOCTL_PANTHOR_##request, fill, undo, rows, ARRAY_SIZE(rows), minor }

#endif
