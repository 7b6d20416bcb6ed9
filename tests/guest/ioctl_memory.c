// SPDX-License-Identifier: GPL-2.0-or-later
/* Suite ioctl: VMs, buffers and mappings, as panthor_drv.c, _mmu.c and _gem.c have them. */

#include <errno.h>
#include <string.h>

#include "harness.h"
#include "ioctl.h"
#include "ioctl_rows.h"

#define TYPE(t)		((uint32_t)DRM_PANTHOR_VM_BIND_OP_TYPE_##t)
#define NOEXEC		DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC
#define SPARSE		DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE

/* --- VM_CREATE, VM_DESTROY, VM_GET_STATE --- */

static void fill_vm_create(const struct ioctl_scene *s, struct ioctl_call *call)
{
	(void)s;
	(void)call;
}

static void undo_vm_create(const struct ioctl_scene *s, struct ioctl_call *call)
{
	struct drm_panthor_vm_create *args = (void *)call->args;

	CHECK_OK(panthor_vm_destroy(&s->c.gpu, args->id));
}

static const struct wrong wrong_vm_create[] = {
	{ "a flag", FIELD(ARGS, vm_create, flags), 1, NULL, EINVAL,
	  "panthor_vm_create_check_args" },
	{ "all addresses for itself", FIELD(ARGS, vm_create, user_va_range), UINT64_MAX, NULL,
	  EINVAL, "panthor_vm_create_check_args" },
	{ "too little left for the kernel", FIELD(ARGS, vm_create, user_va_range),
	  (1ull << 48) - 256 * MIB + 4096, NULL, EINVAL, "panthor_vm_create_check_args" },
	{ "just enough left for the kernel", FIELD(ARGS, vm_create, user_va_range),
	  (1ull << 32), NULL, 0, "panthor_vm_create_get_user_va_range" },
};

static void fill_vm_destroy(const struct ioctl_scene *s, struct ioctl_call *call)
{
	struct drm_panthor_vm_destroy *args = (void *)call->args;

	args->id = CHECK_OK(panthor_vm_create(&s->c.gpu));
}

static const struct wrong wrong_vm_destroy[] = {
	{ "padding", FIELD(ARGS, vm_destroy, pad), 1, NULL, EINVAL, "panthor_ioctl_vm_destroy" },
	{ "no VM", FIELD(ARGS, vm_destroy, id), NO_HANDLE, NULL, EINVAL,
	  "panthor_vm_pool_destroy_vm" },
	{ "VM 0", FIELD(ARGS, vm_destroy, id), 0, NULL, EINVAL, "panthor_vm_pool_destroy_vm" },
};

static void fill_vm_get_state(const struct ioctl_scene *s, struct ioctl_call *call)
{
	struct drm_panthor_vm_get_state *args = (void *)call->args;

	args->vm_id = s->c.vm;
}

static const struct wrong wrong_vm_get_state[] = {
	{ "no VM", FIELD(ARGS, vm_get_state, vm_id), NO_HANDLE, NULL, EINVAL,
	  "panthor_ioctl_vm_get_state" },
};

/* --- VM_BIND --- */

static void fill_bind(const struct ioctl_scene *s, struct ioctl_call *call,
		      const struct drm_panthor_vm_bind_op *op, uint32_t flags)
{
	struct drm_panthor_vm_bind *args = (void *)call->args;

	args->vm_id = s->c.vm;
	args->flags = flags;
	args->ops = ARRAY(1, vm_bind_op, call->items[0]);
	memcpy(call->items[0], op, sizeof(*op));
}

static void fill_async(const struct ioctl_scene *s, struct ioctl_call *call)
{
	struct drm_panthor_vm_bind_op *op = (void *)call->items[0];
	struct drm_panthor_vm_bind *args = (void *)call->args;

	args->flags = DRM_PANTHOR_VM_BIND_ASYNC;
	signal_when_done(s, call, &op->syncs);
}

static void fill_map(const struct ioctl_scene *s, struct ioctl_call *call)
{
	const struct drm_panthor_vm_bind_op op = {
		.flags = TYPE(MAP) | NOEXEC, .bo_handle = s->bo.handle, .va = CALL_VA,
		.size = BO_SIZE / 2,
	};

	fill_bind(s, call, &op, 0);
}

static void fill_map_async(const struct ioctl_scene *s, struct ioctl_call *call)
{
	fill_map(s, call);
	fill_async(s, call);
}

static void fill_map_sparse(const struct ioctl_scene *s, struct ioctl_call *call)
{
	const struct drm_panthor_vm_bind_op op = {
		.flags = TYPE(MAP) | NOEXEC | SPARSE, .va = CALL_VA, .size = 4 * MIB,
	};

	fill_bind(s, call, &op, 0);
}

/* Whatever a row changed of it, nothing is mapped there after. */
static void undo_map(const struct ioctl_scene *s, struct ioctl_call *call)
{
	struct drm_panthor_vm_bind *args = (void *)call->args;

	if (args->flags & DRM_PANTHOR_VM_BIND_ASYNC) {
		CHECK_OK(syncobj_wait(&s->c.gpu, s->c.done, JOB_MS));
		EXPECT_EQ(syncobj_status(&s->c.gpu, s->c.done), 0);
	}
	CHECK_OK(vm_unbind(&s->c.gpu, s->c.vm, CALL_VA, 16 * MIB));
}

static void fill_unmap(const struct ioctl_scene *s, struct ioctl_call *call)
{
	const struct drm_panthor_vm_bind_op op = {
		.flags = TYPE(UNMAP), .va = CALL_VA, .size = BO_SIZE,
	};

	fill_bind(s, call, &op, 0);
}

static void fill_sync_only(const struct ioctl_scene *s, struct ioctl_call *call)
{
	const struct drm_panthor_vm_bind_op op = { .flags = TYPE(SYNC_ONLY) };

	fill_bind(s, call, &op, 0);
	fill_async(s, call);
}

static uint64_t private_handle(const struct ioctl_scene *s, const struct ioctl_call *call)
{
	(void)call;
	return s->private.handle;
}

static uint64_t some_handle(const struct ioctl_scene *s, const struct ioctl_call *call)
{
	(void)call;
	return s->bo.handle;
}

static uint64_t unsignalled(const struct ioctl_scene *s, const struct ioctl_call *call)
{
	(void)call;
	return s->unsignalled;
}

/* Where the addresses of a VM's users end */
static uint64_t user_end(const struct ioctl_scene *s)
{
	struct drm_panthor_vm_create args = { 0 };

	CHECK_OK(drm_ioctl(&s->c.gpu, DRM_IOCTL_PANTHOR_VM_CREATE, &args));
	CHECK_OK(panthor_vm_destroy(&s->c.gpu, args.id));
	return args.user_va_range;
}

static uint64_t across_user_end(const struct ioctl_scene *s, const struct ioctl_call *call)
{
	(void)call;
	return user_end(s) - 4096;
}

static uint64_t up_to_user_end(const struct ioctl_scene *s, const struct ioctl_call *call)
{
	(void)call;
	return user_end(s) - BO_SIZE;
}

static const struct wrong wrong_map[] = {
	WRONG_ARRAY(vm_bind, ops, vm_bind_op),
	{ "no VM", FIELD(ARGS, vm_bind, vm_id), NO_HANDLE, NULL, EINVAL,
	  "panthor_ioctl_vm_bind_sync" },
	{ "an unknown type", FIELD(ITEM, vm_bind_op, flags), 3u << 28, NULL, EINVAL,
	  "panthor_vm_bind_prepare_op_ctx" },
	{ "an unknown flag", FIELD(ITEM, vm_bind_op, flags), TYPE(MAP) | 1 << 10, NULL, EINVAL,
	  "panthor_vm_prepare_map_op_ctx" },
	{ "an address within a page", FIELD(ITEM, vm_bind_op, va), CALL_VA + 64, NULL, EINVAL,
	  "panthor_vm_bind_prepare_op_ctx" },
	{ "part of a page", FIELD(ITEM, vm_bind_op, size), 4096 + 8, NULL, EINVAL,
	  "panthor_vm_bind_prepare_op_ctx" },
	{ "an offset within a page", FIELD(ITEM, vm_bind_op, bo_offset), 256, NULL, EINVAL,
	  "panthor_vm_bind_prepare_op_ctx" },
	{ "the kernel's addresses", FIELD(ITEM, vm_bind_op, va), 1ull << 47, NULL, EINVAL,
	  "panthor_vm_bind_prepare_op_ctx" },
	{ "the users' last address and the kernel's first", FIELD(ITEM, vm_bind_op, va), 0,
	  across_user_end, EINVAL, "panthor_vm_bind_prepare_op_ctx" },
	{ "addresses that wrap", FIELD(ITEM, vm_bind_op, va), -4096ull, NULL, EINVAL,
	  "panthor_vm_bind_prepare_op_ctx" },
	{ "no buffer", FIELD(ITEM, vm_bind_op, bo_handle), NO_HANDLE, NULL, EINVAL,
	  "panthor_vm_prepare_map_op_ctx" },
	{ "more than the buffer", FIELD(ITEM, vm_bind_op, size), BO_SIZE + 4096, NULL, EINVAL,
	  "panthor_vm_prepare_map_op_ctx" },
	{ "what is behind the buffer", FIELD(ITEM, vm_bind_op, bo_offset), BO_SIZE, NULL, EINVAL,
	  "panthor_vm_prepare_map_op_ctx" },
	{ "its end", FIELD(ITEM, vm_bind_op, bo_offset), BO_SIZE / 2, NULL, 0,
	  "panthor_vm_prepare_map_op_ctx" },
	{ "another VM's buffer", FIELD(ITEM, vm_bind_op, bo_handle), 0, private_handle, EINVAL,
	  "panthor_vm_prepare_map_op_ctx" },
	{ "something to wait for", FIELD(ITEM, vm_bind_op, syncs.count), 1, NULL, EINVAL,
	  "panthor_vm_bind_exec_sync_op" },
	{ "no bytes", FIELD(ITEM, vm_bind_op, size), 0, NULL, 0, "panthor_vm_bind_exec_sync_op" },
	{ "code that is to be run", FIELD(ITEM, vm_bind_op, flags), TYPE(MAP), NULL, 0,
	  "flags_to_prot" },
	{ "all flags", FIELD(ITEM, vm_bind_op, flags),
	  TYPE(MAP) | NOEXEC | DRM_PANTHOR_VM_BIND_OP_MAP_READONLY |
	  DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED, NULL, 0, "flags_to_prot" },
	{ "a wait alone", FIELD(ITEM, vm_bind_op, flags), TYPE(SYNC_ONLY), NULL, EINVAL,
	  "panthor_vm_bind_prepare_op_ctx" },
};

static const struct wrong wrong_map_async[] = {
	WRONG_ARRAY(vm_bind, ops, vm_bind_op),
	WRONG_SYNCS(vm_bind_op),
	{ "no VM", FIELD(ARGS, vm_bind, vm_id), NO_HANDLE, NULL, EINVAL,
	  "panthor_ioctl_vm_bind_async" },
	{ "no buffer", FIELD(ITEM, vm_bind_op, bo_handle), NO_HANDLE, NULL, EINVAL,
	  "panthor_vm_bind_job_create" },
	{ "syncs that are none", FIELD(ITEM, vm_bind_op, syncs.count), 0, NULL, 0,
	  "panthor_get_uobj_array" },
};

static const struct wrong wrong_map_sparse[] = {
	{ "code", FIELD(ITEM, vm_bind_op, flags), TYPE(MAP) | SPARSE, NULL, EINVAL,
	  "panthor_vm_prepare_map_op_ctx" },
	{ "a buffer", FIELD(ITEM, vm_bind_op, bo_handle), 0, some_handle, EINVAL,
	  "panthor_vm_prepare_map_op_ctx" },
	{ "an offset", FIELD(ITEM, vm_bind_op, bo_offset), 4096, NULL, EINVAL,
	  "panthor_vm_prepare_map_op_ctx" },
	{ "no end at a large page", FIELD(ITEM, vm_bind_op, size), 3 * MIB + 4096, NULL, 0,
	  "panthor_vm_map_sparse" },
	{ "no start at a large page", FIELD(ITEM, vm_bind_op, va), CALL_VA + 8192, NULL, 0,
	  "panthor_vm_map_sparse" },
};

static const struct wrong wrong_unmap[] = {
	{ "a flag of maps", FIELD(ITEM, vm_bind_op, flags), TYPE(UNMAP) | NOEXEC, NULL, EINVAL,
	  "panthor_vm_bind_prepare_op_ctx" },
	{ "a buffer", FIELD(ITEM, vm_bind_op, bo_handle), 0, some_handle, EINVAL,
	  "panthor_vm_bind_prepare_op_ctx" },
	{ "an offset", FIELD(ITEM, vm_bind_op, bo_offset), 4096, NULL, EINVAL,
	  "panthor_vm_bind_prepare_op_ctx" },
	{ "the kernel's addresses", FIELD(ITEM, vm_bind_op, va), 1ull << 47, NULL, EINVAL,
	  "panthor_vm_bind_prepare_op_ctx" },
	{ "the users' last address and the kernel's first", FIELD(ITEM, vm_bind_op, va), 0,
	  across_user_end, EINVAL, "panthor_vm_bind_prepare_op_ctx" },
	{ "the users' last addresses", FIELD(ITEM, vm_bind_op, va), 0, up_to_user_end, 0,
	  "panthor_vm_bind_prepare_op_ctx" },
	{ "no bytes", FIELD(ITEM, vm_bind_op, size), 0, NULL, 0, "panthor_vm_bind_exec_sync_op" },
};

static const struct wrong wrong_sync_only[] = {
	WRONG_SYNCS(vm_bind_op),
	{ "a flag of maps", FIELD(ITEM, vm_bind_op, flags), TYPE(SYNC_ONLY) | NOEXEC, NULL, EINVAL,
	  "panthor_vm_bind_prepare_op_ctx" },
	{ "a buffer", FIELD(ITEM, vm_bind_op, bo_handle), 0, some_handle, EINVAL,
	  "panthor_vm_bind_prepare_op_ctx" },
	{ "an offset", FIELD(ITEM, vm_bind_op, bo_offset), 4096, NULL, EINVAL,
	  "panthor_vm_bind_prepare_op_ctx" },
	{ "an address", FIELD(ITEM, vm_bind_op, va), CALL_VA, NULL, EINVAL,
	  "panthor_vm_bind_prepare_op_ctx" },
	{ "a size", FIELD(ITEM, vm_bind_op, size), 4096, NULL, EINVAL,
	  "panthor_vm_bind_prepare_op_ctx" },
	{ "nothing to wait for or to signal", FIELD(ITEM, vm_bind_op, syncs.count), 0, NULL, EINVAL,
	  "panthor_vm_bind_prepare_op_ctx" },
};

static void undo_queued(const struct ioctl_scene *s, struct ioctl_call *call)
{
	(void)call;
	CHECK_OK(syncobj_wait(&s->c.gpu, s->c.done, JOB_MS));
}

/* What is waited for: it is there, and has no fence. */
static void fill_wait(const struct ioctl_scene *s, struct ioctl_call *call)
{
	struct drm_panthor_sync_op *sync = (void *)call->syncs[0];

	fill_sync_only(s, call);
	sync->flags = DRM_PANTHOR_SYNC_OP_WAIT;
}

static void fill_wait_done(const struct ioctl_scene *s, struct ioctl_call *call)
{
	RUN((struct client *)&s->c, 0);
	fill_wait(s, call);
}

static const struct wrong wrong_wait[] = {
	{ "no sync object", FIELD(SYNC, sync_op, handle), NO_HANDLE, NULL, ENOENT,
	  "panthor_submit_ctx_add_sync_deps_to_job" },
	{ "one that nobody will signal", FIELD(SYNC, sync_op, handle), 0, unsignalled, EINVAL,
	  "panthor_submit_ctx_add_sync_deps_to_job" },
	{ "an unknown flag", FIELD(SYNC, sync_op, flags), 1 << 12, NULL, EINVAL,
	  "panthor_check_sync_op" },
	{ "a point of what has none", FIELD(SYNC, sync_op, timeline_value), 1, NULL, EINVAL,
	  "panthor_check_sync_op" },
};

/* --- Buffers --- */

static void fill_bo_create(const struct ioctl_scene *s, struct ioctl_call *call)
{
	struct drm_panthor_bo_create *args = (void *)call->args;

	(void)s;
	args->size = 4096;
}

static void undo_bo_create(const struct ioctl_scene *s, struct ioctl_call *call)
{
	struct drm_panthor_bo_create *args = (void *)call->args;
	struct bo bo = { .handle = args->handle };

	CHECK_OK(bo_destroy(&s->c.gpu, &bo));
}

static const struct wrong wrong_bo_create[] = {
	{ "no bytes", FIELD(ARGS, bo_create, size), 0, NULL, EINVAL, "panthor_ioctl_bo_create" },
	{ "padding", FIELD(ARGS, bo_create, pad), 1, NULL, EINVAL, "panthor_ioctl_bo_create" },
	{ "an unknown flag", FIELD(ARGS, bo_create, flags), 1 << 5, NULL, EINVAL,
	  "panthor_ioctl_bo_create" },
	{ "a way to map what cannot be mapped", FIELD(ARGS, bo_create, flags),
	  DRM_PANTHOR_BO_NO_MMAP | DRM_PANTHOR_BO_WB_MMAP, NULL, EINVAL,
	  "panthor_ioctl_bo_create" },
	{ "no VM", FIELD(ARGS, bo_create, exclusive_vm_id), NO_HANDLE, NULL, EINVAL,
	  "panthor_ioctl_bo_create" },
	{ "more than can be mapped", FIELD(ARGS, bo_create, size), 1ull << 60, NULL, ENOSPC,
	  "panthor_gem_create" },
	{ "more than a file can have", FIELD(ARGS, bo_create, size), -4096ull, NULL, EINVAL,
	  "panthor_gem_create" },
	{ "more than a page", FIELD(ARGS, bo_create, size), 4097, NULL, 0, "panthor_gem_create" },
};

static void fill_mmap_offset(const struct ioctl_scene *s, struct ioctl_call *call)
{
	struct drm_panthor_bo_mmap_offset *args = (void *)call->args;

	args->handle = s->bo.handle;
}

static uint64_t no_mmap_handle(const struct ioctl_scene *s, const struct ioctl_call *call)
{
	(void)call;
	return s->no_mmap.handle;
}

static const struct wrong wrong_mmap_offset[] = {
	{ "padding", FIELD(ARGS, bo_mmap_offset, pad), 1, NULL, EINVAL,
	  "panthor_ioctl_bo_mmap_offset" },
	{ "no buffer", FIELD(ARGS, bo_mmap_offset, handle), NO_HANDLE, NULL, ENOENT,
	  "panthor_ioctl_bo_mmap_offset" },
};

/* An older driver only has mmap() fail. */
static const struct wrong wrong_no_mmap[] = {
	{ "one that cannot be mapped", FIELD(ARGS, bo_mmap_offset, handle), 0, no_mmap_handle,
	  EPERM, "panthor_ioctl_bo_mmap_offset" },
};

static void fill_set_label(const struct ioctl_scene *s, struct ioctl_call *call)
{
	struct drm_panthor_bo_set_label *args = (void *)call->args;

	/* With its NUL as long as it may be */
	memset(call->label, 'x', 4 * KIB - 1);
	args->handle = s->bo.handle;
	args->label = (uintptr_t)call->label;
}

static uint64_t long_label(const struct ioctl_scene *s, const struct ioctl_call *call)
{
	(void)s;
	/* Of the string's own memory, which is about to be longer */
	memset((char *)call->label, 'x', 4 * KIB);
	return (uintptr_t)call->label;
}

static const struct wrong wrong_set_label[] = {
	{ "padding", FIELD(ARGS, bo_set_label, pad), 1, NULL, EINVAL,
	  "panthor_ioctl_bo_set_label" },
	{ "no buffer", FIELD(ARGS, bo_set_label, handle), NO_HANDLE, NULL, ENOENT,
	  "panthor_ioctl_bo_set_label" },
	{ "no memory at the label", FIELD(ARGS, bo_set_label, label), NO_POINTER, NULL, EFAULT,
	  "panthor_ioctl_bo_set_label" },
	{ "a label that is too long", FIELD(ARGS, bo_set_label, label), 0, long_label, E2BIG,
	  "panthor_ioctl_bo_set_label" },
	{ "no label", FIELD(ARGS, bo_set_label, label), 0, NULL, 0, "panthor_gem_bo_set_label" },
};

static void fill_bo_sync(const struct ioctl_scene *s, struct ioctl_call *call)
{
	struct drm_panthor_bo_sync_op *op = (void *)call->items[0];
	struct drm_panthor_bo_sync *args = (void *)call->args;

	op->handle = s->bo.handle;
	op->type = DRM_PANTHOR_BO_SYNC_CPU_CACHE_FLUSH_AND_INVALIDATE;
	op->size = BO_SIZE / 2;
	args->ops = ARRAY(1, bo_sync_op, call->items[0]);
}

/* The row is left out where there is no other driver: the good handle is taken. */
static uint64_t imported_handle(const struct ioctl_scene *s, const struct ioctl_call *call)
{
	(void)call;
	if (!s->imported.handle)
		test_skip("the kernel has no vgem (CONFIG_DRM_VGEM)");
	return s->imported.handle;
}

static const struct wrong wrong_bo_sync[] = {
	WRONG_ARRAY(bo_sync, ops, bo_sync_op),
	{ "no operations", FIELD(ARGS, bo_sync, ops.count), 0, NULL, 0, "panthor_ioctl_bo_sync" },
	{ "no buffer", FIELD(ITEM, bo_sync_op, handle), NO_HANDLE, NULL, ENOENT,
	  "panthor_ioctl_bo_sync" },
	{ "an unknown type", FIELD(ITEM, bo_sync_op, type), 2, NULL, EINVAL, "panthor_gem_sync" },
	{ "the other type", FIELD(ITEM, bo_sync_op, type), DRM_PANTHOR_BO_SYNC_CPU_CACHE_FLUSH,
	  NULL, 0, "panthor_gem_sync" },
	{ "more than the buffer", FIELD(ITEM, bo_sync_op, size), BO_SIZE + 1, NULL, EINVAL,
	  "panthor_gem_sync" },
	{ "a range that wraps", FIELD(ITEM, bo_sync_op, offset), UINT64_MAX, NULL, EINVAL,
	  "panthor_gem_sync" },
	{ "its end", FIELD(ITEM, bo_sync_op, offset), BO_SIZE / 2, NULL, 0, "panthor_gem_sync" },
	{ "bytes within", FIELD(ITEM, bo_sync_op, offset), 4096 + 4, NULL, 0, "panthor_gem_sync" },
	{ "no bytes", FIELD(ITEM, bo_sync_op, size), 0, NULL, 0, "panthor_gem_sync" },
	{ "a buffer without pages", FIELD(ITEM, bo_sync_op, handle), 0, no_mmap_handle, 0,
	  "panthor_gem_sync" },
	{ "another driver's buffer", FIELD(ITEM, bo_sync_op, handle), 0, imported_handle, EINVAL,
	  "panthor_gem_sync" },
};

static void fill_query_info(const struct ioctl_scene *s, struct ioctl_call *call)
{
	struct drm_panthor_bo_query_info *args = (void *)call->args;

	args->handle = s->bo.handle;
}

static const struct wrong wrong_query_info[] = {
	{ "no buffer", FIELD(ARGS, bo_query_info, handle), NO_HANDLE, NULL, ENOENT,
	  "panthor_ioctl_bo_query_info" },
};

static void fill_mmio_offset(const struct ioctl_scene *s, struct ioctl_call *call)
{
	struct drm_panthor_set_user_mmio_offset *args = (void *)call->args;

	(void)s;
	args->offset = DRM_PANTHOR_USER_MMIO_OFFSET_64BIT;
}

static const struct wrong wrong_mmio_offset[] = {
	{ "an offset of its own", FIELD(ARGS, set_user_mmio_offset, offset), 4096, NULL, EINVAL,
	  "panthor_ioctl_set_user_mmio_offset" },
	{ "that of 32 bits", FIELD(ARGS, set_user_mmio_offset, offset),
	  DRM_PANTHOR_USER_MMIO_OFFSET_32BIT, NULL, 0, "panthor_ioctl_set_user_mmio_offset" },
};

const struct ioctl_case ioctl_memory[] = {
	CASE("vm_create", VM_CREATE, fill_vm_create, undo_vm_create, wrong_vm_create),
	CASE("vm_destroy", VM_DESTROY, fill_vm_destroy, NULL, wrong_vm_destroy),
	CASE("vm_get_state", VM_GET_STATE, fill_vm_get_state, NULL, wrong_vm_get_state),
	CASE("vm_bind_map", VM_BIND, fill_map, undo_map, wrong_map),
	CASE("vm_bind_map_async", VM_BIND, fill_map_async, undo_map, wrong_map_async),
	CASE_SINCE(9, "vm_bind_map_sparse", VM_BIND, fill_map_sparse, undo_map, wrong_map_sparse),
	CASE("vm_bind_unmap", VM_BIND, fill_unmap, NULL, wrong_unmap),
	CASE("vm_bind_sync_only", VM_BIND, fill_sync_only, undo_queued, wrong_sync_only),
	CASE("vm_bind_wait", VM_BIND, fill_wait_done, NULL, wrong_wait),
	CASE("bo_create", BO_CREATE, fill_bo_create, undo_bo_create, wrong_bo_create),
	CASE("bo_mmap_offset", BO_MMAP_OFFSET, fill_mmap_offset, NULL, wrong_mmap_offset),
	CASE_SINCE(7, "bo_mmap_offset_no_mmap", BO_MMAP_OFFSET, fill_mmap_offset, NULL,
		   wrong_no_mmap),
	CASE_SINCE(4, "bo_set_label", BO_SET_LABEL, fill_set_label, NULL, wrong_set_label),
	CASE_SINCE(7, "bo_sync", BO_SYNC, fill_bo_sync, NULL, wrong_bo_sync),
	CASE_SINCE(7, "bo_query_info", BO_QUERY_INFO, fill_query_info, NULL, wrong_query_info),
	CASE_SINCE(5, "set_user_mmio_offset", SET_USER_MMIO_OFFSET, fill_mmio_offset, NULL,
	     wrong_mmio_offset),
};

const size_t nr_ioctl_memory = ARRAY_SIZE(ioctl_memory);
