/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: what a driver's address-space updates cost
 *
 * Pure: the blocks say what begins and ends, and when.  What is kept is the
 * last MALI_PERIODS stretches of time in which a region was locked, caches were
 * flushed, or a translation waited for the end of a lock.
 */

#ifndef HW_GPU_MALI_CSF_STATS_H
#define HW_GPU_MALI_CSF_STATS_H

#define MALI_STATS_AS           16

/* Some minutes of a driver that maps and unmaps all the time */
#define MALI_PERIODS            16384

typedef enum MaliPeriodKind {
    MALI_PERIOD_LOCK,       /* from the effect of LOCK to that of UNLOCK */
    MALI_PERIOD_FLUSH,      /* from GPU_CMD's flush to its interrupt */
    MALI_PERIOD_STALL,      /* from the first try of an access to its unlock */
} MaliPeriodKind;

typedef struct MaliPeriod {
    uint8_t kind;           /* MaliPeriodKind */
    uint8_t as;             /* LOCK, STALL */
    uint16_t source;        /* STALL: MALI_SOURCE_* of the access */
    uint32_t stalls;        /* LOCK: how many translations waited for its end */
    uint32_t dropped;       /* LOCK: entries of the TLB, at its end */
    uint64_t first;         /* LOCK: the region; STALL: the page */
    uint64_t last;
    int64_t begin;          /* ns of the virtual clock */
    int64_t end;
} MaliPeriod;

typedef struct MaliStats {
    MaliPeriod *ring;       /* number n is at n % MALI_PERIODS */
    uint64_t count;         /* how many there have been */
    MaliPeriod locks[MALI_STATS_AS];
    bool locked[MALI_STATS_AS];
    int64_t flush_begin;
    bool flushing;
    GHashTable *stalled;    /* MaliPeriods under way, as sets of their own */
} MaliStats;

void mali_stats_init(MaliStats *st);
void mali_stats_destroy(MaliStats *st);
/* What was under way has come to no end */
void mali_stats_reset(MaliStats *st);

/* LOCK took effect: a first one, or another region for the one that there is */
void mali_stats_lock(MaliStats *st, unsigned as, uint64_t first, uint64_t last,
                     int64_t now);
/*
 * A translation of @va meets the region, for the first time or again.  Beyond
 * MALI_PERIODS that wait none is counted.
 */
void mali_stats_stall(MaliStats *st, unsigned as, uint64_t va, uint16_t source,
                      int64_t now);
void mali_stats_unlock(MaliStats *st, unsigned as, uint32_t dropped,
                       int64_t now);
/* One that begins while another one is under way is done with it */
void mali_stats_flush(MaliStats *st, int64_t now);
void mali_stats_flushed(MaliStats *st, int64_t now);

/* Number @n, or NULL if it is not kept any more, or has not been yet */
const MaliPeriod *mali_stats_period(const MaliStats *st, uint64_t n);
/* The number of the oldest one that is kept */
uint64_t mali_stats_oldest(const MaliStats *st);

#endif /* HW_GPU_MALI_CSF_STATS_H */
