/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: the only way the GPU touches guest memory
 *
 * Every access goes through an address space, is cut at the edges of the pages
 * that it meets, and ends in a reported fault where it may not be done.
 */

#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/bswap.h"
#include "system/dma.h"
#include "migration/qemu-file-types.h"
#include "mali_csf_internal.h"
#include "trace.h"

#define MALI_PAGE_BITS          12
#define MALI_PAGE_SIZE          (1u << MALI_PAGE_BITS)
#define MALI_PAGE_MASK          (MALI_PAGE_SIZE - 1)

/* What the GPU does at the end: past its address spaces and caches */
static bool mali_mem_transfer(void *opaque, uint64_t pa, void *buf,
                              uint32_t len, bool write)
{
    MaliCsfState *s = opaque;

    return dma_memory_rw(&s->dma_as, pa, buf, len,
                         write ? DMA_DIRECTION_FROM_DEVICE
                               : DMA_DIRECTION_TO_DEVICE,
                         MALI_DMA_ATTRS) == MEMTX_OK;
}

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
        MaliFault fault = { .source = MALI_SOURCE_MCU };
        MaliPtwResult res;

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

/* Tell of an access to a page that the kernel has freed; where its state is */
static const uint8_t *mali_mem_check(MaliCsfState *s, unsigned as, uint64_t va,
                                     MaliAccess access, uint16_t source,
                                     uint64_t pa)
{
    const uint8_t *state = mali_dma_check_state(&s->dma_check, pa);

    if (mali_dma_check_is_freed(state)) {
        mali_dma_check_report(s, as, va, access, source, pa, "the page");
    }
    return state;
}

/* --- Windows: pages that stay mapped during a slice --- */

static void mali_mem_ram_close(MaliMemRam *r)
{
    if (r->len) {
        address_space_cache_destroy(&r->cache);
        r->len = 0;
    }
}

/* RAM from @base on, up to the end of the piece that @base is in */
static bool mali_mem_ram_open(MaliCsfState *s, MaliMemRam *r, uint64_t base)
{
    uint64_t size = 1ULL << MALI_MEM_RAM_BITS;
    uint64_t len = size - (base & (size - 1));

    len = address_space_cache_init(&r->cache, &s->dma_as, base, len, true);
    /* What is no RAM goes through dispatch, a bounce buffer would lie */
    if (!r->cache.ptr || !memory_region_is_ram(r->cache.mrs.mr)) {
        address_space_cache_destroy(&r->cache);
        return false;
    }
    r->base = base;
    r->len = len;
    return true;
}

static MaliMemRam *mali_mem_ram(MaliCsfState *s, uint64_t pa)
{
    return &s->rams[pa >> MALI_MEM_RAM_BITS & (MALI_MEM_RAMS - 1)];
}

static bool mali_mem_ram_holds(const MaliMemRam *r, uint64_t pa)
{
    return pa >= r->base && pa - r->base < r->len &&
           r->len - (pa - r->base) >= MALI_PAGE_SIZE;
}

/* Tell whoever follows what is written to memory of a page that was */
static void mali_mem_written(MaliCsfState *s, uint8_t *host)
{
    for (int i = 0; i < MALI_MEM_RAMS; i++) {
        MaliMemRam *r = &s->rams[i];
        uint8_t *start = r->len ? r->cache.ptr : NULL;

        if (start && host >= start && host < start + r->len) {
            address_space_cache_invalidate(&r->cache, host - start,
                                           MALI_PAGE_SIZE);
        }
    }
}

static void mali_mem_release(MaliCsfState *s, MaliMemWindow *w, bool written)
{
    if (written && w->tag) {
        mali_mem_written(s, w->host);
    }
    w->tag = 0;
}

static void mali_mem_release_all(MaliCsfState *s)
{
    for (int i = 0; i < MALI_MEM_WINDOWS; i++) {
        mali_mem_release(s, &s->windows[MALI_ACCESS_WRITE][i], true);
    }
    memset(s->windows, 0, sizeof(s->windows));
}

void mali_mem_begin(MaliCsfState *s)
{
    s->windows_open = true;
}

void mali_mem_end(MaliCsfState *s)
{
    mali_mem_release_all(s);
    for (int i = 0; i < MALI_MEM_RAMS; i++) {
        mali_mem_ram_close(&s->rams[i]);
    }
    s->windows_open = false;
}

/* The page at @pa, which stays where it is until mali_mem_end(), or NULL */
static uint8_t *mali_mem_ram_page(MaliCsfState *s, uint64_t pa)
{
    MaliMemRam *r = mali_mem_ram(s, pa);

    if (!mali_mem_ram_holds(r, pa)) {
        mali_mem_release_all(s);
        mali_mem_ram_close(r);
        /* From the start of the piece, unless that is of another kind */
        if (!mali_mem_ram_open(s, r, ROUND_DOWN(pa, 1ULL <<
                                                    MALI_MEM_RAM_BITS)) ||
            !mali_mem_ram_holds(r, pa)) {
            mali_mem_ram_close(r);
            if (!mali_mem_ram_open(s, r, pa) || !mali_mem_ram_holds(r, pa)) {
                mali_mem_ram_close(r);
                return NULL;
            }
        }
    }
    return (uint8_t *)r->cache.ptr + (pa - r->base);
}

/* Whether an access to that page is one to the caches */
static bool mali_mem_is_cached(const MaliCsfState *s, const MaliPtwResult *res)
{
    return s->writeback && mali_ptw_write_back(res);
}

/* Whether a rule is for accesses of that page: then each is looked at */
static bool mali_mem_is_watched(const MaliCsfState *s, unsigned as, uint64_t va,
                                MaliAccess access)
{
    return mali_inject_on(s, MALI_INJECT_ACCESS) &&
           mali_inject_watches(&s->inject, as, va & ~(uint64_t)MALI_PAGE_MASK,
                               va | MALI_PAGE_MASK, access);
}

static MaliVerdict mali_mem_injected(MaliCsfState *s, unsigned as, uint64_t va,
                                     uint32_t len, MaliAccess access,
                                     uint16_t source)
{
    bool stream = MALI_SOURCE_IS_CS(source);

    return mali_inject(s, MALI_INJECT_ACCESS, .as = as, .va = va,
                       .va_last = va + len - 1, .access = access,
                       .csg = stream ? MALI_SOURCE_CSG(source)
                                     : MALI_INJECT_NONE,
                       .cs = stream ? MALI_SOURCE_QUEUE(source)
                                    : MALI_INJECT_NONE);
}

static MaliXlate mali_mem_fail(MaliCsfState *s, unsigned as, uint64_t va,
                               MaliAccess access, uint16_t source,
                               uint8_t exception)
{
    MaliFault fault = {
        .va = va, .access = access, .source = source, .exception = exception,
    };

    mali_mmu_report(s, as, &fault);
    return MALI_XLATE_FAULT;
}

/* Up to 8 bytes from the rule's address on are others */
static void mali_mem_change(const MaliVerdict *v, uint64_t va, uint8_t *buf,
                            uint32_t len)
{
    uint32_t at = v->first - va;
    uint32_t n = MIN(len - at, 8);
    uint8_t bytes[8] = { };

    memcpy(bytes, buf + at, n);
    stq_le_p(bytes, mali_verdict_value(v, ldq_le_p(bytes)));
    memcpy(buf + at, bytes, n);
}

void *mali_mem_map(MaliCsfState *s, unsigned as, uint64_t va, MaliAccess access,
                   uint16_t source, uint32_t *left, MaliXlate *ret)
{
    uint8_t *host = mali_mem_mapped(s, as, va, access);
    MaliMemWindow *w = mali_mem_window(s, va, access);
    MaliPtwResult res;

    *left = MALI_PAGE_SIZE - (va & MALI_PAGE_MASK);
    *ret = MALI_XLATE_OK;
    if (host) {
        return host;
    }
    *ret = mali_mem_translate(s, as, va, access, source, &res);
    if (*ret != MALI_XLATE_OK || mali_mem_is_cached(s, &res) ||
        mali_mem_is_watched(s, as, va, access)) {
        return NULL;
    }
    host = mali_mem_ram_page(s, res.pa & ~(uint64_t)MALI_PAGE_MASK);
    if (!host) {
        return NULL;
    }
    mali_mem_release(s, w, access == MALI_ACCESS_WRITE);
    w->tag = mali_mem_tag(as, va);
    w->host = host;
    w->state = mali_mem_check(s, as, va, access, source, res.pa);
    return host + (va & MALI_PAGE_MASK);
}

/* One access, since CPUs add to the same object */
static void mali_mem_update_host(void *host, uint64_t val, bool wide, bool add)
{
    uint64_t *p64 = host;
    uint32_t *p32 = host;

    if (wide && add && !HOST_BIG_ENDIAN) {
        qatomic_fetch_add(p64, val);
    } else if (wide) {
        qatomic_set(p64, cpu_to_le64(add ? le64_to_cpu(*p64) + val : val));
    } else if (add && !HOST_BIG_ENDIAN) {
        qatomic_fetch_add(p32, (uint32_t)val);
    } else {
        qatomic_set(p32, cpu_to_le32(add ? le32_to_cpu(*p32) + val : val));
    }
}

MaliXlate mali_mem_update(MaliCsfState *s, unsigned as, uint64_t va,
                          uint64_t val, bool wide, bool add, uint16_t source)
{
    MaliPtwResult res;
    MaliVerdict v;
    MaliXlate ret;
    uint32_t left;
    uint8_t *host;

    host = mali_mem_map(s, as, va, MALI_ACCESS_WRITE, source, &left, &ret);
    if (host) {
        mali_mem_update_host(host, val, wide, add);
        return ret;
    }
    if (ret == MALI_XLATE_OK) {
        ret = mali_mem_translate(s, as, va, MALI_ACCESS_WRITE, source, &res);
    }
    if (ret != MALI_XLATE_OK) {
        return ret;
    }
    mali_mem_check(s, as, va, MALI_ACCESS_WRITE, source, res.pa);
    v = mali_mem_injected(s, as, va, wide ? 8 : 4, MALI_ACCESS_WRITE, source);
    if (v.act == MALI_ACT_FAULT) {
        return mali_mem_fail(s, as, va, MALI_ACCESS_WRITE, source,
                             v.args.type);
    }
    if (v.act == MALI_ACT_DROP) {
        return MALI_XLATE_OK;
    }
    val = mali_verdict_value(&v, val);
    if (mali_mem_is_cached(s, &res)) {
        mali_cache_flush_range(&s->cache, res.pa, wide ? 8 : 4);
    }
    host = mali_mem_ram_page(s, res.pa & ~(uint64_t)MALI_PAGE_MASK);
    if (!host) {
        return mali_mem_fail(s, as, va, MALI_ACCESS_WRITE, source,
                             MALI_EXC_GPU_BUS_FAULT);
    }
    mali_mem_update_host(host + (va & MALI_PAGE_MASK), val, wide, add);
    mali_mem_written(s, host);
    return MALI_XLATE_OK;
}

/* --- Accesses of any size --- */

/* Within a page that is not mapped */
static MaliXlate mali_mem_piece(MaliCsfState *s, unsigned as, uint64_t va,
                                const MaliPtwResult *res, uint8_t *buf,
                                uint32_t n, MaliAccess access, uint16_t source)
{
    MaliVerdict v = mali_mem_injected(s, as, va, n, access, source);
    bool write = access == MALI_ACCESS_WRITE;
    g_autofree uint8_t *changed = NULL;
    bool ok;

    if (v.act == MALI_ACT_FAULT) {
        return mali_mem_fail(s, as, va, access, source, v.args.type);
    }
    if (v.act == MALI_ACT_DROP) {
        memset(buf, 0, write ? 0 : n);
        return MALI_XLATE_OK;
    }
    if (v.act != MALI_ACT_NONE && write) {
        /* What the caller has stays as it is */
        buf = changed = g_memdup2(buf, n);
        mali_mem_change(&v, va, buf, n);
    }
    ok = mali_mem_is_cached(s, res)
         ? mali_cache_access(&s->cache, res->pa, buf, n, write)
         : mali_mem_transfer(s, res->pa, buf, n, write);
    if (!ok) {
        return mali_mem_fail(s, as, va, access, source,
                             MALI_EXC_GPU_BUS_FAULT);
    }
    if (v.act != MALI_ACT_NONE && !write) {
        mali_mem_change(&v, va, buf, n);
    }
    return MALI_XLATE_OK;
}

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
            mali_mem_check(s, as, va, access, source, res.pa);
            ret = mali_mem_piece(s, as, va, &res, buf, n, access, source);
            if (ret != MALI_XLATE_OK) {
                return ret;
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

/* --- What is no access of the GPU's --- */

static bool mali_mem_past(MaliCsfState *s, unsigned as, uint64_t va, void *buf,
                          uint32_t len, bool write)
{
    MaliPtwResult res;
    uint8_t exception;

    /* Within a page, as the GPU's own words are */
    if ((va & MALI_PAGE_MASK) + len > MALI_PAGE_SIZE) {
        return false;
    }
    exception = mali_mmu_walk(s, as, va, MALI_ACCESS_READ, &res);
    return exception == MALI_EXC_OK &&
           mali_mem_transfer(s, res.pa, buf, len, write);
}

bool mali_mem_peek(MaliCsfState *s, unsigned as, uint64_t va, void *buf,
                   uint32_t len)
{
    return mali_mem_past(s, as, va, buf, len, false);
}

bool mali_mem_poke(MaliCsfState *s, unsigned as, uint64_t va, void *buf,
                   uint32_t len)
{
    return mali_mem_past(s, as, va, buf, len, true);
}

/* --- Caches --- */

void mali_mem_init(MaliCsfState *s)
{
    unsigned log2 = extract32(s->model->l2_features, L2_SIZE_SHIFT, 8);

    mali_cache_init(&s->cache, (1u << log2) / MALI_CACHE_LINE,
                    mali_mem_transfer, s);
}

void mali_mem_finalize(MaliCsfState *s)
{
    mali_cache_destroy(&s->cache);
}

/* What the caches hold is not in memory yet: it is part of the state */
static int mali_cache_put(QEMUFile *f, void *pv, size_t size,
                          const VMStateField *field, JSONWriter *desc)
{
    const MaliCache *cache = pv;
    const MaliCacheLine *line;

    qemu_put_be32(f, mali_cache_count(cache));
    QTAILQ_FOREACH(line, &cache->order, next) {
        qemu_put_be64(f, line->pa);
        qemu_put_be64(f, line->valid);
        qemu_put_be64(f, line->dirty);
        qemu_put_buffer(f, line->data, sizeof(line->data));
    }
    return 0;
}

static int mali_cache_get(QEMUFile *f, void *pv, size_t size,
                          const VMStateField *field)
{
    MaliCache *cache = pv;

    mali_cache_flush(cache, false, true);
    for (uint32_t n = qemu_get_be32(f); n; n--) {
        MaliCacheLine line = { .pa = qemu_get_be64(f) };

        line.valid = qemu_get_be64(f);
        line.dirty = qemu_get_be64(f);
        qemu_get_buffer(f, line.data, sizeof(line.data));
        if (!mali_cache_restore(cache, &line)) {
            return -EINVAL;
        }
    }
    return 0;
}

const VMStateInfo vmstate_info_mali_cache = {
    .name = "mali-csf/cache",
    .get = mali_cache_get,
    .put = mali_cache_put,
};
