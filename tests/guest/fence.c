// SPDX-License-Identifier: GPL-2.0-or-later

#include <drm/drm.h>
#include <drm/drm_mode.h>
#include <drm/vgem_drm.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fence.h"
#include "vgem.h"

#define SW_SYNC "/sys/kernel/debug/sync/sw_sync"

/* Of drivers/dma-buf/sw_sync.c: they are in no header */
struct sw_sync_create_fence_data {
	uint32_t value;
	char name[32];
	int32_t fence;
};

#define SW_SYNC_IOC_CREATE_FENCE _IOWR('W', 0, struct sw_sync_create_fence_data)
#define SW_SYNC_IOC_INC _IOW('W', 1, uint32_t)

static int call(int fd, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret && errno == EINTR);
	return ret ? -errno : 0;
}

int fences_open(struct fences *f)
{
	memset(f, 0, sizeof(*f));
	f->fd = open(SW_SYNC, O_RDWR | O_CLOEXEC);
	if (f->fd >= 0)
		return 0;
	f->vgem = 1;
	f->fd = vgem_open();
	return f->fd < 0 ? f->fd : 0;
}

void fences_close(struct fences *f)
{
	close(f->fd);
}

/* vgem attaches fences to buffers, whose dma-buf gives them out */
static int create_vgem(struct fences *f)
{
	struct drm_mode_create_dumb dumb = { .width = 1, .height = 1, .bpp = 32 };
	struct drm_vgem_fence_attach attach = { .flags = VGEM_FENCE_WRITE };
	struct drm_prime_handle prime = { .flags = DRM_CLOEXEC | DRM_RDWR };
	struct drm_gem_close gem = { 0 };
	struct dma_buf_export_sync_file sync = { .flags = DMA_BUF_SYNC_READ, .fd = -1 };
	int ret = call(f->fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb);

	if (ret)
		return ret;
	attach.handle = prime.handle = gem.handle = dumb.handle;
	ret = call(f->fd, DRM_IOCTL_VGEM_FENCE_ATTACH, &attach);
	if (!ret)
		ret = call(f->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);
	if (!ret) {
		f->ids[f->created] = attach.out_fence;
		ret = call(prime.fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &sync);
		close(prime.fd);
	}
	call(f->fd, DRM_IOCTL_GEM_CLOSE, &gem);
	return ret ? ret : sync.fd;
}

int fence_create(struct fences *f)
{
	struct sw_sync_create_fence_data data = { .value = f->created + 1, .name = "test" };
	int fd;

	if (f->created == MAX_FENCES)
		return -ENOSPC;
	if (f->vgem) {
		fd = create_vgem(f);
	} else {
		fd = call(f->fd, SW_SYNC_IOC_CREATE_FENCE, &data);
		fd = fd ? fd : data.fence;
	}
	f->created += fd >= 0;
	return fd;
}

int fence_signal(struct fences *f)
{
	struct drm_vgem_fence_signal signal = { .fence = f->ids[f->signalled] };
	uint32_t by = 1;

	f->signalled++;
	return f->vgem ? call(f->fd, DRM_IOCTL_VGEM_FENCE_SIGNAL, &signal)
		       : call(f->fd, SW_SYNC_IOC_INC, &by);
}

int fence_import(const struct panthor *gpu, int fd, uint32_t syncobj)
{
	struct drm_syncobj_handle args = {
		.handle = syncobj, .fd = fd,
		.flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE,
	};
	int ret = drm_ioctl(gpu, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &args);

	close(fd);
	return ret;
}

int fence_attach(int dmabuf, int fd)
{
	struct dma_buf_import_sync_file args = { .flags = DMA_BUF_SYNC_RW, .fd = fd };
	int ret = call(dmabuf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &args);

	close(fd);
	return ret;
}
