/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The panthor driver as user space sees it: its nodes, its ioctls
 * (include/uapi/drm/panthor_drm.h) and its debugfs files
 * (drivers/gpu/drm/panthor/panthor_gem.c).
 *
 * Functions return 0 or a positive result on success and -errno on failure.
 */
#ifndef GUEST_PANTHOR_H
#define GUEST_PANTHOR_H

#include <drm/panthor_drm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PANTHOR_DRIVER_DIR "/sys/bus/platform/drivers/panthor"

struct panthor {
	int fd;				/* render node, -1 = not open */
	char device[64];		/* the platform device's name */
	char sysfs[128];		/* its directory */
	char card[32];			/* "/dev/dri/card0" */
	char render[32];		/* "/dev/dri/renderD128" */
	char debugfs[64];		/* the directory that holds gems and shrink */
};

/* Find the device that the driver is bound to, and its nodes. -ENODEV if there is none. */
int panthor_find(struct panthor *gpu);

/* Find it and open its render node. */
int panthor_open(struct panthor *gpu);
void panthor_close(struct panthor *gpu);

/* ioctl() on the render node that is repeated when a signal ended it. */
int drm_ioctl(const struct panthor *gpu, unsigned long request, void *arg);

/*
 * The minor number of the driver's interface, which says what it knows: panthor_drv.c has the list.
 */
int panthor_minor(const struct panthor *gpu);

/* DEV_QUERY, all in one: data of this size, zeroed by the caller where it is input too. */
int panthor_query(const struct panthor *gpu, uint32_t type, void *data, uint32_t size);

/* DEV_QUERY without a pointer: the size of the driver's structure. */
int panthor_query_size(const struct panthor *gpu, uint32_t type);

/* Read one of the files in the device's power directory. */
int panthor_power_read(const struct panthor *gpu, const char *name, char *buf, size_t size);

/* A virtual address space of the GPU. Returns its id. */
int panthor_vm_create(const struct panthor *gpu);
int panthor_vm_destroy(const struct panthor *gpu, uint32_t vm);

struct bo {
	uint32_t handle;
	size_t size;
	uint64_t offset;		/* what mmap() takes */
	uint8_t *map;			/* NULL = not mapped */
	char label[32];
};

/* Create a buffer and label it, so that it is found again in debugfs. */
int bo_create(const struct panthor *gpu, struct bo *bo, size_t size, uint32_t flags,
	      const char *label);
/* The same for one VM alone (0: for all), with which it shares its lock and its fences. */
int bo_create_private(const struct panthor *gpu, struct bo *bo, size_t size, uint32_t flags,
		      uint32_t vm, const char *label);
int bo_destroy(const struct panthor *gpu, struct bo *bo);
int bo_mmap(const struct panthor *gpu, struct bo *bo);
int bo_munmap(struct bo *bo);

/* As a dma-buf: returns its descriptor; and another driver's as a buffer, without a label. */
int bo_export(const struct panthor *gpu, const struct bo *bo);
int bo_import(const struct panthor *gpu, struct bo *bo, int dmabuf, size_t size);

/* BO_SYNC of all of it. */
int bo_sync(const struct panthor *gpu, const struct bo *bo, bool invalidate);

/* Map a whole buffer at a GPU address, synchronously; and take a range out again. */
int bo_bind(const struct panthor *gpu, const struct bo *bo, uint32_t vm, uint64_t va);
/* The same with a part of a buffer and more flags; without a buffer for MAP_SPARSE. */
int vm_map(const struct panthor *gpu, uint32_t vm, const struct bo *bo, uint64_t offset,
	   uint64_t va, uint64_t size, uint32_t flags);
/* Map it when the syncobj `wait` is signalled; then `signal` is. */
int bo_bind_later(const struct panthor *gpu, const struct bo *bo, uint32_t vm, uint64_t va,
		  uint32_t wait, uint32_t signal);
int vm_unbind(const struct panthor *gpu, uint32_t vm, uint64_t va, uint64_t size);
/* Take it out as soon as the VM's queue comes to it; then the syncobj `signal` is signalled. */
int vm_unbind_async(const struct panthor *gpu, uint32_t vm, uint64_t va, uint64_t size,
		    uint32_t signal);

/*
 * A line of debugfs gems; or all that have one label, as the driver's own buffers do, of which
 * there may be several.
 */
struct gem {
	int evictions;			/* the least */
	size_t size;
	size_t resident;		/* of one: the size, or 0, for the driver knows no half */
	unsigned int state;		/* GEM_*: of all */
};

#define GEM_IMPORTED 0x1
#define GEM_EXPORTED 0x2
#define GEM_EVICTED 0x4

int panthor_gem(const struct panthor *gpu, const char *label, struct gem *gem);

struct gem_totals {
	size_t size;
	size_t resident;
	size_t reclaimable;
};

int panthor_gem_totals(const struct panthor *gpu, struct gem_totals *totals);

/* Let the driver's shrinker scan so many pages. Returns how many it evicted. */
long long panthor_shrink(const struct panthor *gpu, unsigned long pages);

#endif
