/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fences that the test controls, as sync files: of sw_sync, where the kernel has
 * it (CONFIG_SW_SYNC, drivers/dma-buf/sw_sync.c), else of the module vgem
 * (drivers/gpu/drm/vgem/vgem_fence.c), whose fences fail after ten seconds.
 */
#ifndef GUEST_FENCE_H
#define GUEST_FENCE_H

#include <stdint.h>

#include "panthor.h"

#define MAX_FENCES 64

struct fences {
	int fd;
	int vgem;				/* else sw_sync */
	uint32_t ids[MAX_FENCES];		/* vgem's */
	unsigned int created;
	unsigned int signalled;
};

/* 0, or -ENODEV when the kernel has neither. */
int fences_open(struct fences *f);
void fences_close(struct fences *f);

/* Another fence: returns its sync file's descriptor, which the caller closes. */
int fence_create(struct fences *f);
/* Signal the oldest one that is not signalled yet. */
int fence_signal(struct fences *f);

/* Put such a fence into a syncobj; closes fd. */
int fence_import(const struct panthor *gpu, int fd, uint32_t syncobj);

/* Have all who use a dma-buf's pages wait for such a fence; closes fd. */
int fence_attach(int dmabuf, int fd);

#endif
