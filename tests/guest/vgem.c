// SPDX-License-Identifier: GPL-2.0-or-later

#include <drm/drm.h>
#include <drm/drm_mode.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "modules.h"
#include "vgem.h"

#define MAX_CARDS 8

static int call(int fd, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret && errno == EINTR);
	return ret ? -errno : 0;
}

static int is_vgem(int fd)
{
	char name[8] = "";
	struct drm_version version = { .name = name, .name_len = sizeof(name) - 1 };

	return !call(fd, DRM_IOCTL_VERSION, &version) && !strcmp(name, "vgem");
}

int vgem_open(void)
{
	char path[32];

	if (module_load("vgem"))
		return -ENODEV;
	for (int i = 0; i < MAX_CARDS; i++) {
		int fd;

		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0 && is_vgem(fd))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -ENODEV;
}

int vgem_create(int vgem, size_t size)
{
	struct drm_mode_create_dumb dumb = { .width = size / 4096, .height = 1024, .bpp = 32 };
	struct drm_prime_handle prime = { .flags = DRM_CLOEXEC | DRM_RDWR };
	int ret = call(vgem, DRM_IOCTL_MODE_CREATE_DUMB, &dumb);

	if (ret)
		return ret;
	prime.handle = dumb.handle;
	ret = call(vgem, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);
	vgem_detach(vgem, dumb.handle);
	return ret ? ret : prime.fd;
}

int vgem_attach(int vgem, int dmabuf, uint32_t *handle)
{
	struct drm_prime_handle prime = { .fd = dmabuf };
	int ret = call(vgem, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);

	*handle = prime.handle;
	return ret;
}

int vgem_detach(int vgem, uint32_t handle)
{
	struct drm_gem_close gem = { .handle = handle };

	return call(vgem, DRM_IOCTL_GEM_CLOSE, &gem);
}
