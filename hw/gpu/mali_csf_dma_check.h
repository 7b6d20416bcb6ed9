/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: which pages the kernel has freed
 *
 * A module in the guest keeps a byte for each page frame and shows them to a
 * device beside the GPU (gpu_dma_check_regs.h), so that an access of the GPU to
 * a page that was freed is found at once.  The module is not trusted: what it
 * shows is looked at, never written, and never followed out of RAM.
 */

#ifndef HW_GPU_MALI_CSF_DMA_CHECK_H
#define HW_GPU_MALI_CSF_DMA_CHECK_H

#include "exec/memory.h"
#include "hw/gpu/mali_csf.h"
#include "migration/vmstate.h"
#include "standard-headers/mali-vm/gpu_dma_check_regs.h"

/* What a module may show: states of 1 TiB in pages of 4 KiB, 128 Ki records */
#define MALI_DMA_CHECK_MAX_PIECES       65536
#define MALI_DMA_CHECK_MAX_RING         4096
#define MALI_DMA_CHECK_MAX_SYMBOLS      1024

#define MALI_DMA_CHECK_REGS     (GPU_DMA_CHECK_SYMBOL_PAGES / 4 + 1)

/* Who freed a page, in the guest's words; they are printable ASCII */
typedef struct MaliFreed {
    uint64_t pfn;           /* the first of 2^order frames */
    uint64_t when;          /* ns of the guest's clock */
    uint32_t pid;
    uint8_t order;
    uint8_t depth;          /* addresses in the stack */
    char comm[GPU_DMA_CHECK_RECORD_COMM_SIZE];
    struct {
        uint64_t address;
        char symbol[GPU_DMA_CHECK_SYMBOL_TEXT_SIZE];    /* "": not known */
    } stack[GPU_DMA_CHECK_RECORD_DEPTH_MAX];
} MaliFreed;

typedef struct MaliDmaCheck {
    MemoryRegion mr;
    MemoryListener listener;
    AddressSpace *dma_as;   /* what the module shows is in there */
    uint32_t regs[MALI_DMA_CHECK_REGS];
    /* The states: mapped while STATUS says that it is enabled, else NULL */
    const uint8_t **pieces; /* NULL: a piece that is not there */
    uint32_t n_pieces;
    uint8_t frame_bits;
    uint64_t first_pfn;
} MaliDmaCheck;

/* The device, a region of @owner, and what it reads from */
void mali_dma_check_init(MaliDmaCheck *d, Object *owner, AddressSpace *dma_as);
void mali_dma_check_finalize(MaliDmaCheck *d);
void mali_dma_check_reset(MaliDmaCheck *d);
extern const VMStateDescription vmstate_mali_dma_check;

extern const uint8_t mali_dma_check_unknown;

const uint8_t *mali_dma_check_find(const MaliDmaCheck *d, uint64_t pa);

/*
 * Where the state of the frame of @pa is: a byte that the guest may change at
 * any time, and that is there until the memory map changes
 */
static inline const uint8_t *mali_dma_check_state(const MaliDmaCheck *d,
                                                  uint64_t pa)
{
    return likely(!d->pieces) ? &mali_dma_check_unknown
                              : mali_dma_check_find(d, pa);
}

static inline bool mali_dma_check_is_freed(const uint8_t *state)
{
    return unlikely(qatomic_read(state) == GPU_DMA_CHECK_FREED);
}

/* The record of who freed the frame of @pa, to be freed; NULL: there is none */
MaliFreed *mali_dma_check_who(const MaliDmaCheck *d, uint64_t pa);

#endif /* HW_GPU_MALI_CSF_DMA_CHECK_H */
