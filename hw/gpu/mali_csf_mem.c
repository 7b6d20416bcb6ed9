/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: the only way the GPU touches guest memory
 *
 * Every access goes through an address space, is cut at the edges of the pages
 * that it meets, and ends in a reported fault where it may not be done.
 */

#include "qemu/osdep.h"
#include "qemu/rcu.h"
#include "system/dma.h"
#include "mali_csf_internal.h"
#include "trace.h"

#define MALI_PAGE_BITS          12
#define MALI_PAGE_SIZE          (1u << MALI_PAGE_BITS)
#define MALI_PAGE_MASK          (MALI_PAGE_SIZE - 1)

static MaliXlate mali_mem_translate(MaliCsfState *s, unsigned as, uint64_t va,
                                    MaliAccess access, uint16_t source,
                                    MaliPtwResult *res)
{
    MaliFault fault = { .source = source };
    MaliXlate ret = mali_mmu_translate(s, as, va, access, res, &fault);

    if (ret == MALI_XLATE_STALL) {
        trace_mali_csf_mem_stall(as, va);
    } else if (ret == MALI_XLATE_FAULT) {
        mali_mmu_report(s, as, &fault);
    }
    return ret;
}

static MaliXlate mali_mem_bus_error(MaliCsfState *s, unsigned as, uint64_t va,
                                    MaliAccess access, uint16_t source)
{
    MaliFault fault = {
        .va = va, .access = access, .source = source,
        .exception = MALI_EXC_GPU_BUS_FAULT,
    };

    mali_mmu_report(s, as, &fault);
    return MALI_XLATE_FAULT;
}

MaliXlate mali_mem_probe(MaliCsfState *s, unsigned as, uint64_t va,
                         uint32_t len, MaliAccess access)
{
    uint64_t first = va & ~(uint64_t)MALI_PAGE_MASK;
    MaliXlate ret = MALI_XLATE_OK;

    if (!len || va + len - 1 < va) {
        return MALI_XLATE_FAULT;
    }
    for (uint64_t n = 0; n < va + len - first && ret == MALI_XLATE_OK;
         n += MALI_PAGE_SIZE) {
        MaliPtwResult res;
        MaliFault fault;

        ret = mali_mmu_translate(s, as, first + n, access, &res, &fault);
        if (ret == MALI_XLATE_OK &&
            !address_space_access_valid(&s->dma_as,
                                        res.pa & ~(uint64_t)MALI_PAGE_MASK,
                                        MALI_PAGE_SIZE,
                                        access == MALI_ACCESS_WRITE,
                                        MALI_DMA_ATTRS)) {
            ret = MALI_XLATE_FAULT;
        }
    }
    return ret;
}

/* --- Windows: pages that stay mapped during a slice --- */

static void mali_mem_unmap(MaliCsfState *s, MaliMemWindow *w)
{
    if (w->host) {
        bool write = w->access == MALI_ACCESS_WRITE;

        address_space_unmap(&s->dma_as, w->host, MALI_PAGE_SIZE, write,
                            write ? MALI_PAGE_SIZE : 0);
        w->host = NULL;
    }
}

void mali_mem_begin(MaliCsfState *s)
{
    s->windows_open = true;
}

void mali_mem_end(MaliCsfState *s)
{
    for (int i = 0; i < MALI_MEM_WINDOWS; i++) {
        mali_mem_unmap(s, &s->windows[i]);
    }
    s->windows_open = false;
}

/* RAM only: anything else goes through dispatch, a bounce buffer would lie */
static void *mali_mem_map_page(MaliCsfState *s, uint64_t pa, bool write)
{
    hwaddr xlat, len = MALI_PAGE_SIZE;
    MemoryRegion *mr;
    void *host;

    RCU_READ_LOCK_GUARD();
    mr = address_space_translate(&s->dma_as, pa, &xlat, &len, write,
                                 MALI_DMA_ATTRS);
    if (len < MALI_PAGE_SIZE ||
        !memory_access_is_direct(mr, write, MALI_DMA_ATTRS)) {
        return NULL;
    }
    host = address_space_map(&s->dma_as, pa, &len, write,
                             MALI_DMA_ATTRS);
    if (host && len < MALI_PAGE_SIZE) {
        address_space_unmap(&s->dma_as, host, len, write, 0);
        return NULL;
    }
    return host;
}

void *mali_mem_map(MaliCsfState *s, unsigned as, uint64_t va, MaliAccess access,
                   uint16_t source, uint32_t *left, MaliXlate *ret)
{
    uint64_t page = va >> MALI_PAGE_BITS;
    uint64_t tag = page | (uint64_t)as << 56;
    MaliMemWindow *w = &s->windows[(page * 4 + access) &
                                   (MALI_MEM_WINDOWS - 1)];
    MaliPtwResult res;

    *left = MALI_PAGE_SIZE - (va & MALI_PAGE_MASK);
    *ret = MALI_XLATE_OK;
    if (!w->host || w->page != tag || w->access != access) {
        *ret = mali_mem_translate(s, as, va, access, source, &res);
        if (*ret != MALI_XLATE_OK) {
            return NULL;
        }
        mali_mem_unmap(s, w);
        w->page = tag;
        w->access = access;
        w->host = mali_mem_map_page(s, res.pa & ~(uint64_t)MALI_PAGE_MASK,
                                    access == MALI_ACCESS_WRITE);
        if (!w->host) {
            return NULL;
        }
    }
    return w->host + (va & MALI_PAGE_MASK);
}

/* --- Accesses of any size --- */

static MaliXlate mali_mem_access(MaliCsfState *s, unsigned as, uint64_t va,
                                 uint8_t *buf, uint32_t len, MaliAccess access,
                                 uint16_t source)
{
    bool write = access == MALI_ACCESS_WRITE;

    while (len) {
        MaliXlate ret = MALI_XLATE_OK;
        MaliPtwResult res;
        uint8_t *host = NULL;
        uint32_t n;

        if (s->windows_open) {
            host = mali_mem_map(s, as, va, access, source, &n, &ret);
        }
        if (host) {
            n = MIN(n, len);
            memcpy(write ? host : buf, write ? buf : host, n);
        } else {
            if (ret == MALI_XLATE_OK) {
                ret = mali_mem_translate(s, as, va, access, source, &res);
            }
            if (ret != MALI_XLATE_OK) {
                return ret;
            }
            n = MIN(len, MALI_PAGE_SIZE - (va & MALI_PAGE_MASK));
            if (dma_memory_rw(&s->dma_as, res.pa, buf, n,
                              write ? DMA_DIRECTION_FROM_DEVICE
                                    : DMA_DIRECTION_TO_DEVICE,
                              MALI_DMA_ATTRS) != MEMTX_OK) {
                return mali_mem_bus_error(s, as, va, access, source);
            }
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
