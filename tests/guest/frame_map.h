/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the module gpu_dma_check says of page frames, beside what the kernel
 * says of them: /proc/self/pagemap and /proc/kpageflags.
 *
 * Functions return 0 or a count on success and -errno on failure.
 */
#ifndef GUEST_FRAME_MAP_H
#define GUEST_FRAME_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "gpu_dma_check_regs.h"

/* Read anew where the module's map begins: it has just been loaded. */
int frame_map_open(void);

/* How many frames a range of our memory has in each state. Pages not present do not count. */
struct frame_counts {
	size_t present;
	size_t state[GPU_DMA_CHECK_FREED + 1];
};

int frame_map_count(const void *start, size_t size, struct frame_counts *counts);

/*
 * Compare all frames of the machine: those that the kernel uses for something
 * that it can name must not be freed, those in its free lists not allocated.
 */
struct frame_audit {
	size_t used;			/* for something with a name */
	size_t used_freed;
	size_t free;			/* in the free lists */
	size_t free_allocated;
	size_t freed;			/* as the module says */
};

int frame_map_audit(struct frame_audit *audit);

/* The frame of each page of a range, 0 for one that is not present. */
int frame_map_frames(const void *start, size_t size, uint64_t *pfns);

/* The states of some frames. */
int frame_map_states(const uint64_t *pfns, size_t nr, uint8_t *states);

/*
 * Whether a frame was last freed by this process, through a function of this
 * name: 1 or 0, -ENOENT if the ring has nothing of the frame.
 */
int frame_map_freed_by(uint64_t pfn, int pid, const char *comm, const char *function);

/* Read the ring and its symbols, for frame_map_freed_by(). */
int frame_map_read_ring(void);

#endif
