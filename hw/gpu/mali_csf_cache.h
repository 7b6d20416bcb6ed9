/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: the caches between the GPU and memory that is not coherent
 *
 * Pure: knows neither the device nor QEMU's memory API.  What the GPU writes is
 * in its line alone until that is cleaned, and what it has read it reads again
 * until that is invalidated: a driver that forgets to flush sees what it would
 * on hardware.  L2 and the load/store caches are one here, since the GPU's own
 * parts are coherent to each other.
 */

#ifndef HW_GPU_MALI_CSF_CACHE_H
#define HW_GPU_MALI_CSF_CACHE_H

#include "qemu/queue.h"

#define MALI_CACHE_LINE         64

typedef struct MaliCacheLine {
    uint64_t pa;
    uint64_t valid;         /* bit by byte */
    uint64_t dirty;         /* of the valid ones */
    uint8_t data[MALI_CACHE_LINE];
    QTAILQ_ENTRY(MaliCacheLine) next;
} MaliCacheLine;

/* Memory behind the cache: within one line; false on a bus error */
typedef bool MaliCacheTransfer(void *opaque, uint64_t pa, void *buf,
                               uint32_t len, bool write);

typedef struct MaliCache {
    uint32_t limit;         /* lines; the oldest makes room for a new one */
    GHashTable *lines;      /* by address */
    QTAILQ_HEAD(, MaliCacheLine) order;     /* the oldest first */
    MaliCacheTransfer *transfer;
    void *opaque;
} MaliCache;

void mali_cache_init(MaliCache *cache, uint32_t limit,
                     MaliCacheTransfer *transfer, void *opaque);
void mali_cache_destroy(MaliCache *cache);

/* Access @len bytes at @pa, of any length; false on a bus error */
bool mali_cache_access(MaliCache *cache, uint64_t pa, void *buf, uint32_t len,
                       bool write);

/*
 * Write what is dirty to memory, then forget all lines: one, the other or both.
 * What is invalidated without having been cleaned is lost.
 */
void mali_cache_flush(MaliCache *cache, bool clean, bool invalidate);
/* Both, of the lines that hold any of @len bytes at @pa */
void mali_cache_flush_range(MaliCache *cache, uint64_t pa, uint32_t len);

uint32_t mali_cache_count(const MaliCache *cache);

/* Put back a line that was saved; false where it cannot have been one */
bool mali_cache_restore(MaliCache *cache, const MaliCacheLine *line);

#endif /* HW_GPU_MALI_CSF_CACHE_H */
