/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The driver vgem (drivers/gpu/drm/vgem): a device without hardware, whose
 * buffers are shared with the GPU's driver as another device's would be.
 *
 * Functions return 0 or a descriptor on success and -errno on failure.
 */
#ifndef GUEST_VGEM_H
#define GUEST_VGEM_H

#include <stddef.h>
#include <stdint.h>

/* Load the module and open the device. -ENODEV when the kernel has none (CONFIG_DRM_VGEM). */
int vgem_open(void);

/* A buffer of vgem's as a dma-buf. */
int vgem_create(int vgem, size_t size);

/* Attach vgem to a dma-buf until the handle is closed. */
int vgem_attach(int vgem, int dmabuf, uint32_t *handle);
int vgem_detach(int vgem, uint32_t handle);

#endif
