/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: what a driver's address-space updates cost
 */

#include "qemu/osdep.h"
#include "mali_csf_stats.h"

#define MALI_STATS_PAGE         0xfffULL

/* A translation that is tried again is the same one: by page and source */
static guint mali_stats_hash(gconstpointer key)
{
    const MaliPeriod *p = key;
    gint64 n = p->first ^ (uint64_t)p->source << 48 ^ p->as;

    return g_int64_hash(&n);
}

static gboolean mali_stats_same(gconstpointer key, gconstpointer other)
{
    const MaliPeriod *p = key, *q = other;

    return p->as == q->as && p->source == q->source && p->first == q->first;
}

static void mali_stats_keep(MaliStats *st, const MaliPeriod *p)
{
    st->ring[st->count++ % MALI_PERIODS] = *p;
}

static gint mali_stats_order(gconstpointer a, gconstpointer b)
{
    const MaliPeriod *p = *(const MaliPeriod **)a;
    const MaliPeriod *q = *(const MaliPeriod **)b;

    if (p->begin != q->begin) {
        return p->begin < q->begin ? -1 : 1;
    }
    if (p->source != q->source) {
        return p->source < q->source ? -1 : 1;
    }
    return p->first < q->first ? -1 : p->first > q->first;
}

/* Translations that wait, outside of the region, wait no more */
static void mali_stats_let_go(MaliStats *st, unsigned as, bool all,
                              uint64_t first, uint64_t last, int64_t now)
{
    g_autoptr(GPtrArray) done = NULL;
    GHashTableIter iter;
    gpointer key;

    if (!g_hash_table_size(st->stalled)) {
        return;
    }
    done = g_ptr_array_new_with_free_func(g_free);
    g_hash_table_iter_init(&iter, st->stalled);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        MaliPeriod *p = key;

        if (p->as == as && (all || p->first > last || p->last < first)) {
            g_hash_table_iter_steal(&iter);
            p->end = now;
            g_ptr_array_add(done, p);
        }
    }
    /* Not in the order of a hash */
    g_ptr_array_sort(done, mali_stats_order);
    for (unsigned i = 0; i < done->len; i++) {
        mali_stats_keep(st, g_ptr_array_index(done, i));
    }
}

void mali_stats_lock(MaliStats *st, unsigned as, uint64_t first, uint64_t last,
                     int64_t now)
{
    MaliPeriod *p = &st->locks[as];

    if (!st->locked[as]) {
        *p = (MaliPeriod) {
            .kind = MALI_PERIOD_LOCK, .as = as, .begin = now,
        };
        st->locked[as] = true;
    }
    p->first = first;
    p->last = last;
    mali_stats_let_go(st, as, false, first, last, now);
}

void mali_stats_stall(MaliStats *st, unsigned as, uint64_t va, uint16_t source,
                      int64_t now)
{
    MaliPeriod p = {
        .kind = MALI_PERIOD_STALL, .as = as, .source = source,
        .first = va & ~MALI_STATS_PAGE, .last = va | MALI_STATS_PAGE,
        .begin = now,
    };

    /* A guest that never unlocks can have any number of them wait */
    if (g_hash_table_size(st->stalled) < MALI_PERIODS &&
        !g_hash_table_contains(st->stalled, &p)) {
        g_hash_table_add(st->stalled, g_memdup2(&p, sizeof(p)));
        st->locks[as].stalls++;
    }
}

void mali_stats_unlock(MaliStats *st, unsigned as, uint32_t dropped,
                       int64_t now)
{
    MaliPeriod *p = &st->locks[as];

    if (!st->locked[as]) {
        return;
    }
    p->end = now;
    p->dropped = dropped;
    mali_stats_let_go(st, as, true, 0, 0, now);
    mali_stats_keep(st, p);
    st->locked[as] = false;
}

void mali_stats_flush(MaliStats *st, int64_t now)
{
    if (!st->flushing) {
        st->flush_begin = now;
        st->flushing = true;
    }
}

void mali_stats_flushed(MaliStats *st, int64_t now)
{
    MaliPeriod p = {
        .kind = MALI_PERIOD_FLUSH, .begin = st->flush_begin, .end = now,
    };

    if (st->flushing) {
        mali_stats_keep(st, &p);
        st->flushing = false;
    }
}

uint64_t mali_stats_oldest(const MaliStats *st)
{
    return st->count > MALI_PERIODS ? st->count - MALI_PERIODS : 0;
}

const MaliPeriod *mali_stats_period(const MaliStats *st, uint64_t n)
{
    return n >= mali_stats_oldest(st) && n < st->count
           ? &st->ring[n % MALI_PERIODS] : NULL;
}

void mali_stats_reset(MaliStats *st)
{
    memset(st->locked, 0, sizeof(st->locked));
    st->flushing = false;
    g_hash_table_remove_all(st->stalled);
}

void mali_stats_init(MaliStats *st)
{
    st->ring = g_new0(MaliPeriod, MALI_PERIODS);
    st->stalled = g_hash_table_new_full(mali_stats_hash, mali_stats_same,
                                        g_free, NULL);
}

void mali_stats_destroy(MaliStats *st)
{
    g_clear_pointer(&st->stalled, g_hash_table_destroy);
    g_clear_pointer(&st->ring, g_free);
}
