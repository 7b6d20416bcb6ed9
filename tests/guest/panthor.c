// SPDX-License-Identifier: GPL-2.0-or-later

#include <dirent.h>
#include <drm/drm.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"
#include "panthor.h"
#include "record.h"
#include "util.h"

/* init, which is no suite, has no harness and no quiet points */
void quiet_point(void) __attribute__((weak));

static void come_to_rest(void)
{
	if (quiet_point)
		quiet_point();
}

int drm_ioctl(const struct panthor *gpu, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(gpu->fd, request, arg);
	} while (ret < 0 && (errno == EINTR || errno == EAGAIN));
	return ret < 0 ? -errno : ret;
}

/* The first entry of a directory that begins with a prefix; -ENOENT if none does. */
static int find_entry(const char *path, const char *prefix, char *name, size_t size)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int ret = -ENOENT;

	if (!d)
		return -errno;
	while (ret && (e = readdir(d))) {
		if (strncmp(e->d_name, prefix, strlen(prefix)) || strlen(e->d_name) >= size)
			continue;
		strcpy(name, e->d_name);
		ret = 0;
	}
	closedir(d);
	return ret;
}

/* The device among the driver's entries: the one that has a drm directory. */
static int find_device(char *name, size_t size)
{
	DIR *d = opendir(PANTHOR_DRIVER_DIR);
	struct dirent *e;
	int ret = -ENODEV;

	if (!d)
		return -ENODEV;
	while (ret && (e = readdir(d))) {
		if (e->d_name[0] == '.' || strlen(e->d_name) >= size ||
		    !path_exists(PANTHOR_DRIVER_DIR "/%s/drm", e->d_name))
			continue;
		strcpy(name, e->d_name);
		ret = 0;
	}
	closedir(d);
	return ret;
}

int panthor_find(struct panthor *gpu)
{
	char drm[160], node[16];
	const char *minor;
	int ret;

	memset(gpu, 0, sizeof(*gpu));
	gpu->fd = -1;
	ret = find_device(gpu->device, sizeof(gpu->device));
	if (ret < 0)
		return ret;
	snprintf(gpu->sysfs, sizeof(gpu->sysfs), "/sys/bus/platform/devices/%s", gpu->device);
	snprintf(drm, sizeof(drm), "%s/drm", gpu->sysfs);
	ret = find_entry(drm, "card", node, sizeof(node));
	if (ret < 0)
		return ret;
	snprintf(gpu->card, sizeof(gpu->card), "/dev/dri/%s", node);
	ret = find_entry(drm, "renderD", node, sizeof(node));
	if (ret < 0)
		return ret;
	snprintf(gpu->render, sizeof(gpu->render), "/dev/dri/%s", node);
	minor = node + strlen("renderD");
	snprintf(gpu->debugfs, sizeof(gpu->debugfs), "/sys/kernel/debug/dri/%s", minor);
	return 0;
}

int panthor_open(struct panthor *gpu)
{
	int ret = panthor_find(gpu);

	if (ret < 0)
		return ret;
	gpu->fd = open(gpu->render, O_RDWR | O_CLOEXEC);
	return gpu->fd < 0 ? -errno : 0;
}

void panthor_close(struct panthor *gpu)
{
	if (gpu->fd >= 0) {
		/* The last time to see what the test has made */
		come_to_rest();
		close(gpu->fd);
	}
	gpu->fd = -1;
}

int panthor_minor(const struct panthor *gpu)
{
	struct drm_version version = { 0 };
	int ret = drm_ioctl(gpu, DRM_IOCTL_VERSION, &version);

	return ret ? ret : version.version_minor;
}

int panthor_query(const struct panthor *gpu, uint32_t type, void *data, uint32_t size)
{
	struct drm_panthor_dev_query query = {
		.type = type,
		.size = size,
		.pointer = (uintptr_t)data,
	};

	return drm_ioctl(gpu, DRM_IOCTL_PANTHOR_DEV_QUERY, &query);
}

int panthor_query_size(const struct panthor *gpu, uint32_t type)
{
	struct drm_panthor_dev_query query = { .type = type };
	int ret = drm_ioctl(gpu, DRM_IOCTL_PANTHOR_DEV_QUERY, &query);

	return ret < 0 ? ret : (int)query.size;
}

int panthor_power_read(const struct panthor *gpu, const char *name, char *buf, size_t size)
{
	return read_file(buf, size, "%s/power/%s", gpu->sysfs, name);
}

int panthor_vm_create(const struct panthor *gpu)
{
	struct drm_panthor_vm_create create = { 0 };
	int ret = drm_ioctl(gpu, DRM_IOCTL_PANTHOR_VM_CREATE, &create);

	return ret < 0 ? ret : (int)create.id;
}

int panthor_vm_destroy(const struct panthor *gpu, uint32_t vm)
{
	struct drm_panthor_vm_destroy destroy = { .id = vm };

	return drm_ioctl(gpu, DRM_IOCTL_PANTHOR_VM_DESTROY, &destroy);
}

/*
 * Labels came with version 1.4 of the driver (panthor_drv.c); DRM answers EINVAL to an ioctl
 * that a driver does not have (drm_ioctl()). Without them a buffer works as well.
 */
static int bo_set_label(const struct panthor *gpu, const struct bo *bo)
{
	struct drm_panthor_bo_set_label set_label = {
		.handle = bo->handle, .label = (uintptr_t)bo->label,
	};
	int ret = drm_ioctl(gpu, DRM_IOCTL_PANTHOR_BO_SET_LABEL, &set_label);

	return ret == -EINVAL ? 0 : ret;
}

int bo_create(const struct panthor *gpu, struct bo *bo, size_t size, uint32_t flags,
	      const char *label)
{
	return bo_create_private(gpu, bo, size, flags, 0, label);
}

int bo_create_private(const struct panthor *gpu, struct bo *bo, size_t size, uint32_t flags,
		      uint32_t vm, const char *label)
{
	struct drm_panthor_bo_create create = {
		.size = size, .flags = flags, .exclusive_vm_id = vm,
	};
	struct drm_panthor_bo_mmap_offset offset = { 0 };
	int ret = drm_ioctl(gpu, DRM_IOCTL_PANTHOR_BO_CREATE, &create);

	if (ret < 0)
		return ret;
	memset(bo, 0, sizeof(*bo));
	bo->handle = create.handle;
	bo->size = create.size;
	snprintf(bo->label, sizeof(bo->label), "%s", label);

	ret = bo_set_label(gpu, bo);
	if (ret < 0 || (flags & DRM_PANTHOR_BO_NO_MMAP))
		return ret;

	offset.handle = bo->handle;
	ret = drm_ioctl(gpu, DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &offset);
	bo->offset = offset.offset;
	return ret;
}

int bo_export(const struct panthor *gpu, const struct bo *bo)
{
	struct drm_prime_handle prime = {
		.handle = bo->handle, .flags = DRM_CLOEXEC | DRM_RDWR, .fd = -1,
	};
	int ret = drm_ioctl(gpu, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);

	return ret ? ret : prime.fd;
}

int bo_import(const struct panthor *gpu, struct bo *bo, int dmabuf, size_t size)
{
	struct drm_prime_handle prime = { .fd = dmabuf };
	int ret = drm_ioctl(gpu, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);

	memset(bo, 0, sizeof(*bo));
	bo->handle = prime.handle;
	bo->size = size;
	return ret;
}

int bo_sync(const struct panthor *gpu, const struct bo *bo, bool invalidate)
{
	struct drm_panthor_bo_sync_op op = {
		.handle = bo->handle,
		.type = invalidate ? DRM_PANTHOR_BO_SYNC_CPU_CACHE_FLUSH_AND_INVALIDATE :
				     DRM_PANTHOR_BO_SYNC_CPU_CACHE_FLUSH,
		.size = bo->size,
	};
	struct drm_panthor_bo_sync sync = { .ops = DRM_PANTHOR_OBJ_ARRAY(1, &op) };

	return drm_ioctl(gpu, DRM_IOCTL_PANTHOR_BO_SYNC, &sync);
}

int bo_destroy(const struct panthor *gpu, struct bo *bo)
{
	struct drm_gem_close gem_close = { .handle = bo->handle };

	if (bo->map)
		bo_munmap(bo);
	return drm_ioctl(gpu, DRM_IOCTL_GEM_CLOSE, &gem_close);
}

int bo_mmap(const struct panthor *gpu, struct bo *bo)
{
	void *map = mmap(NULL, bo->size, PROT_READ | PROT_WRITE, MAP_SHARED, gpu->fd, bo->offset);

	if (map == MAP_FAILED)
		return -errno;
	bo->map = map;
	return 0;
}

int bo_munmap(struct bo *bo)
{
	int ret = munmap(bo->map, bo->size) ? -errno : 0;

	bo->map = NULL;
	return ret;
}

static int vm_bind(const struct panthor *gpu, uint32_t vm, uint32_t flags,
		   struct drm_panthor_vm_bind_op *op)
{
	struct drm_panthor_vm_bind bind = {
		.vm_id = vm,
		.flags = flags,
		.ops = DRM_PANTHOR_OBJ_ARRAY(1, op),
	};

	return drm_ioctl(gpu, DRM_IOCTL_PANTHOR_VM_BIND, &bind);
}

int bo_bind(const struct panthor *gpu, const struct bo *bo, uint32_t vm, uint64_t va)
{
	return vm_map(gpu, vm, bo, 0, va, bo->size, 0);
}

static void fill_map(struct drm_panthor_vm_bind_op *op, const struct bo *bo, uint64_t offset,
		     uint64_t va, uint64_t size, uint32_t flags)
{
	*op = (struct drm_panthor_vm_bind_op) {
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC |
			 flags,
		.bo_handle = bo ? bo->handle : 0,
		.bo_offset = offset,
		.va = va,
		.size = size,
	};
}

int vm_map(const struct panthor *gpu, uint32_t vm, const struct bo *bo, uint64_t offset,
	   uint64_t va, uint64_t size, uint32_t flags)
{
	struct drm_panthor_vm_bind_op op;

	fill_map(&op, bo, offset, va, size, flags);
	return vm_bind(gpu, vm, 0, &op);
}

int bo_bind_later(const struct panthor *gpu, const struct bo *bo, uint32_t vm, uint64_t va,
		  uint32_t wait, uint32_t signal)
{
	struct drm_panthor_sync_op syncs[] = {
		{ .flags = DRM_PANTHOR_SYNC_OP_WAIT, .handle = wait },
		{ .flags = DRM_PANTHOR_SYNC_OP_SIGNAL, .handle = signal },
	};
	struct drm_panthor_vm_bind_op op;

	fill_map(&op, bo, 0, va, bo->size, 0);
	op.syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(2, syncs);
	return vm_bind(gpu, vm, DRM_PANTHOR_VM_BIND_ASYNC, &op);
}

int vm_unbind(const struct panthor *gpu, uint32_t vm, uint64_t va, uint64_t size)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP,
		.va = va,
		.size = size,
	};

	return vm_bind(gpu, vm, 0, &op);
}

int vm_unbind_async(const struct panthor *gpu, uint32_t vm, uint64_t va, uint64_t size,
		    uint32_t signal)
{
	struct drm_panthor_sync_op sync = {
		.flags = DRM_PANTHOR_SYNC_OP_SIGNAL, .handle = signal,
	};
	struct drm_panthor_vm_bind_op op = {
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP,
		.va = va,
		.size = size,
		.syncs = DRM_PANTHOR_OBJ_ARRAY(1, &sync),
	};

	return vm_bind(gpu, vm, DRM_PANTHOR_VM_BIND_ASYNC, &op);
}

static char *read_gems(const struct panthor *gpu)
{
	char path[96], *text;

	snprintf(path, sizeof(path), "%s/gems", gpu->debugfs);
	text = read_all(path);
	record_gems(text);
	return text;
}

/* The columns are those of panthor_gem_debugfs_bo_print(): the label is the last of them. */
int panthor_gem(const struct panthor *gpu, const char *label, struct gem *gem)
{
	char *text = read_gems(gpu), *line, *save, name[32];
	int ret = -ENOENT;
	struct gem one;

	if (!text)
		return -errno;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%*s %*d %*d %d %zu %zu %*x %x %*x %31[^\n]", &one.evictions,
			   &one.size, &one.resident, &one.state, name) != 5 ||
		    strcmp(name, label))
			continue;
		if (ret) {
			*gem = one;
			ret = 0;
			continue;
		}
		if (one.evictions < gem->evictions)
			gem->evictions = one.evictions;
		gem->size += one.size;
		gem->resident += one.resident;
		gem->state &= one.state;
	}
	free(text);
	return ret;
}

int panthor_gem_totals(const struct panthor *gpu, struct gem_totals *totals)
{
	char *text = read_gems(gpu), *line;
	int ret = -EPROTO;

	if (!text)
		return -errno;
	line = strstr(text, "Total size: ");
	if (line && sscanf(line, "Total size: %zu, Total resident: %zu, Total reclaimable: %zu",
			   &totals->size, &totals->resident, &totals->reclaimable) == 3)
		ret = 0;
	free(text);
	return ret;
}

long long panthor_shrink(const struct panthor *gpu, unsigned long pages)
{
	long long evicted;
	char path[96];
	int ret;

	snprintf(path, sizeof(path), "%s/shrink", gpu->debugfs);
	ret = write_file(path, "%lu", pages);
	if (ret < 0)
		return ret;
	ret = read_number(&evicted, "%s", path);
	come_to_rest();
	return ret < 0 ? ret : evicted;
}
