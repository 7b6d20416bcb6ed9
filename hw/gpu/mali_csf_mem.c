/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: the only way the GPU touches guest memory
 *
 * Every access goes through an address space, is cut at the edges of the pages
 * that it meets, and ends in a reported fault where it may not be done.
 */

#include "qemu/osdep.h"
#include "system/dma.h"
#include "mali_csf_internal.h"
#include "trace.h"

static MaliXlate mali_mem_access(MaliCsfState *s, unsigned as, uint64_t va,
                                 void *buf, uint32_t len, MaliAccess access,
                                 uint16_t source)
{
    bool write = access == MALI_ACCESS_WRITE;
    MaliFault fault = { .source = source };

    while (len) {
        MaliPtwResult res;
        MaliXlate ret = mali_mmu_translate(s, as, va, access, &res, &fault);
        uint32_t n;

        if (ret == MALI_XLATE_STALL) {
            trace_mali_csf_mem_stall(as, va);
            return ret;
        }
        if (ret == MALI_XLATE_FAULT) {
            mali_mmu_report(s, as, &fault);
            return ret;
        }
        n = MIN(len, (res.page_mask - (va & res.page_mask)) + 1);
        if (dma_memory_rw(&s->dma_as, res.pa, buf, n,
                          write ? DMA_DIRECTION_FROM_DEVICE
                                : DMA_DIRECTION_TO_DEVICE,
                          MEMTXATTRS_UNSPECIFIED) != MEMTX_OK) {
            fault.exception = MALI_EXC_GPU_BUS_FAULT;
            mali_mmu_report(s, as, &fault);
            return MALI_XLATE_FAULT;
        }
        va += n;
        buf += n;
        len -= n;
    }
    return MALI_XLATE_OK;
}

MaliXlate mali_mem_read(MaliCsfState *s, unsigned as, uint64_t va, void *buf,
                        uint32_t len, uint16_t source)
{
    return mali_mem_access(s, as, va, buf, len, MALI_ACCESS_READ, source);
}

MaliXlate mali_mem_write(MaliCsfState *s, unsigned as, uint64_t va,
                         const void *buf, uint32_t len, uint16_t source)
{
    return mali_mem_access(s, as, va, (void *)buf, len, MALI_ACCESS_WRITE,
                           source);
}
