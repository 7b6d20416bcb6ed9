/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: the caches between the GPU and memory that is not coherent
 */

#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/host-utils.h"
#include "mali_csf_cache.h"

#define LINE_MASK ((uint64_t)MALI_CACHE_LINE - 1)

static uint64_t bytes_mask(unsigned first, unsigned len)
{
    return MAKE_64BIT_MASK(first, len);
}

/* --- Lines --- */

/* Bytes of a line that are set in @bits, run by run */
static bool transfer_bytes(MaliCache *cache, MaliCacheLine *line, uint64_t bits,
                           bool write)
{
    while (bits) {
        unsigned first = ctz64(bits);
        unsigned len = cto64(bits >> first);

        if (!cache->transfer(cache->opaque, line->pa + first,
                             line->data + first, len, write)) {
            return false;
        }
        bits &= ~bytes_mask(first, len);
    }
    return true;
}

static void clean_line(MaliCache *cache, MaliCacheLine *line)
{
    /* Memory that went away in between loses what was written, no more */
    transfer_bytes(cache, line, line->dirty, true);
    line->dirty = 0;
}

static void remove_line(MaliCache *cache, MaliCacheLine *line)
{
    QTAILQ_REMOVE(&cache->order, line, next);
    g_hash_table_remove(cache->lines, &line->pa);
}

static MaliCacheLine *add_line(MaliCache *cache, uint64_t pa)
{
    MaliCacheLine *line = g_new0(MaliCacheLine, 1);

    if (g_hash_table_size(cache->lines) >= cache->limit) {
        MaliCacheLine *oldest = QTAILQ_FIRST(&cache->order);

        clean_line(cache, oldest);
        remove_line(cache, oldest);
    }
    line->pa = pa;
    QTAILQ_INSERT_TAIL(&cache->order, line, next);
    g_hash_table_insert(cache->lines, &line->pa, line);
    return line;
}

/* --- The cache --- */

void mali_cache_init(MaliCache *cache, uint32_t limit,
                     MaliCacheTransfer *transfer, void *opaque)
{
    *cache = (MaliCache) {
        .limit = limit, .transfer = transfer, .opaque = opaque,
        .lines = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL,
                                       g_free),
    };
    QTAILQ_INIT(&cache->order);
}

void mali_cache_destroy(MaliCache *cache)
{
    g_hash_table_destroy(cache->lines);
    cache->lines = NULL;
}

uint32_t mali_cache_count(const MaliCache *cache)
{
    return g_hash_table_size(cache->lines);
}

static bool access_line(MaliCache *cache, uint64_t pa, uint8_t *buf,
                        uint32_t len, bool write)
{
    uint64_t base = pa & ~LINE_MASK;
    uint64_t bits = bytes_mask(pa & LINE_MASK, len);
    MaliCacheLine *line = g_hash_table_lookup(cache->lines, &base);
    uint8_t *data;

    if (!line) {
        line = add_line(cache, base);
    }
    data = line->data + (pa & LINE_MASK);
    if (write) {
        memcpy(data, buf, len);
        line->valid |= bits;
        line->dirty |= bits;
        return true;
    }
    /* A miss fetches all of the line that is not there yet */
    if (bits & ~line->valid) {
        if (!transfer_bytes(cache, line, ~line->valid, false)) {
            if (!line->valid) {
                remove_line(cache, line);
            }
            return false;
        }
        line->valid = UINT64_MAX;
    }
    memcpy(buf, data, len);
    return true;
}

bool mali_cache_access(MaliCache *cache, uint64_t pa, void *buf, uint32_t len,
                       bool write)
{
    uint8_t *p = buf;

    while (len) {
        uint32_t n = MIN(len, MALI_CACHE_LINE - (pa & LINE_MASK));

        if (!access_line(cache, pa, p, n, write)) {
            return false;
        }
        pa += n;
        p += n;
        len -= n;
    }
    return true;
}

/* --- Maintenance --- */

void mali_cache_flush(MaliCache *cache, bool clean, bool invalidate)
{
    MaliCacheLine *line, *next;

    QTAILQ_FOREACH_SAFE(line, &cache->order, next, next) {
        if (clean) {
            clean_line(cache, line);
        }
        if (invalidate) {
            remove_line(cache, line);
        }
    }
}

void mali_cache_flush_range(MaliCache *cache, uint64_t pa, uint32_t len)
{
    uint64_t last = pa + len - 1;

    for (pa &= ~LINE_MASK; pa <= last; pa += MALI_CACHE_LINE) {
        MaliCacheLine *line = g_hash_table_lookup(cache->lines, &pa);

        if (line) {
            clean_line(cache, line);
            remove_line(cache, line);
        }
    }
}

/* --- Migration --- */

bool mali_cache_restore(MaliCache *cache, const MaliCacheLine *line)
{
    MaliCacheLine *l;

    if (line->pa & LINE_MASK || line->dirty & ~line->valid ||
        g_hash_table_contains(cache->lines, &line->pa) ||
        g_hash_table_size(cache->lines) >= cache->limit) {
        return false;
    }
    l = add_line(cache, line->pa);
    l->valid = line->valid;
    l->dirty = line->dirty;
    memcpy(l->data, line->data, sizeof(l->data));
    return true;
}
