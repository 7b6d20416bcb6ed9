/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of the module, each in a file of its own:
 *
 *   area.c     memory that is shown to the device in pieces
 *   frames.c   the state of each page frame
 *   ring.c     what was freed by whom, and the symbols of these stacks
 *   hooks.c    how the module learns of every page that changes hands
 *   main.c     parameters, debugfs, the device
 */
#ifndef GPU_DMA_CHECK_H
#define GPU_DMA_CHECK_H

#include <linux/mm.h>
#include <linux/types.h>

#include "gpu_dma_check_regs.h"

/**
 * struct area - memory that is contiguous for us and in pieces for the device
 * @base:	where the kernel sees it, zeroed; NULL when there is none
 * @nr_pieces:	its size, in pieces of GPU_DMA_CHECK_PIECE_SIZE
 * @directory:	the pieces' physical addresses
 * @pages:	what it is made of
 * @filler:	stands for the pages of @pages that were not wanted
 */
struct area {
	void *base;
	unsigned long nr_pieces;
	__le64 *directory;
	struct page **pages;
	struct page *filler;
};

/* @wanted says which pieces are to be there; NULL for all. 0 or -errno. */
int area_alloc(struct area *area, unsigned long nr_pieces, bool (*wanted)(unsigned long piece));
void area_free(struct area *area);
phys_addr_t area_directory(const struct area *area);
size_t area_size(const struct area *area);

extern struct area frames_area;
extern u64 frames_first_pfn;		/* of the first byte of frames_area */

int frames_init(void);
void frames_exit(void);

/* Set the state of frames; those that are not in the map are left out. */
void frames_set(unsigned long pfn, unsigned long nr, u8 state);

/* Begin anew: nothing is known of any frame. */
void frames_forget(void);

extern struct area ring_area;
extern struct area symbols_area;

/* Either may be 0; @ring_pages is rounded up to a power of two. 0 or -errno. */
int ring_init(unsigned int ring_pages, unsigned int symbol_pages);
void ring_exit(void);

/* Record that the caller frees pages. In any context. */
void ring_record(unsigned long pfn, unsigned int order);

/* From here on all frames are followed. 0 or -errno, with the reason logged. */
int hooks_init(void);

/* When it returns, nothing of the module runs in anybody's context any more. */
void hooks_exit(void);

#endif
