/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mali CSF GPU: periods in which regions are locked, caches flushed, and
 * translations wait
 */

#include "qemu/osdep.h"
#include "mali_csf_stats.h"

static const MaliPeriod *only(const MaliStats *st, uint64_t n, uint8_t kind)
{
    const MaliPeriod *p = mali_stats_period(st, n);

    g_assert_nonnull(p);
    g_assert_cmpint(p->kind, ==, kind);
    return p;
}

/* What is tried again waits once; pages, sources and spaces are others */
static void test_once(void)
{
    MaliStats st = { };

    mali_stats_init(&st);
    mali_stats_lock(&st, 1, 0x1000, 0x4fff, 10);
    for (int i = 0; i < 3; i++) {
        mali_stats_stall(&st, 1, 0x2010 + i, 7, 20 + i);
    }
    mali_stats_stall(&st, 1, 0x2000, 8, 15);
    mali_stats_stall(&st, 1, 0x3000, 7, 18);
    mali_stats_lock(&st, 2, 0x2000, 0x2fff, 12);
    mali_stats_stall(&st, 2, 0x2000, 7, 19);
    mali_stats_unlock(&st, 1, 5, 30);

    /* In the order in which they began, then what they waited for */
    g_assert_cmpint(only(&st, 0, MALI_PERIOD_STALL)->begin, ==, 15);
    g_assert_cmpint(only(&st, 1, MALI_PERIOD_STALL)->begin, ==, 18);
    g_assert_cmpint(only(&st, 2, MALI_PERIOD_STALL)->begin, ==, 20);
    g_assert_cmphex(only(&st, 2, MALI_PERIOD_STALL)->first, ==, 0x2000);
    g_assert_cmpint(only(&st, 3, MALI_PERIOD_LOCK)->stalls, ==, 3);
    g_assert_cmpint(only(&st, 3, MALI_PERIOD_LOCK)->dropped, ==, 5);
    g_assert_cmpint(only(&st, 3, MALI_PERIOD_LOCK)->end, ==, 30);
    g_assert_null(mali_stats_period(&st, 4));
    mali_stats_destroy(&st);
}

/* Another region lets go who is not in it */
static void test_moved(void)
{
    MaliStats st = { };

    mali_stats_init(&st);
    mali_stats_lock(&st, 0, 0x1000, 0x2fff, 10);
    mali_stats_stall(&st, 0, 0x1000, 1, 11);
    mali_stats_stall(&st, 0, 0x2000, 2, 12);
    mali_stats_lock(&st, 0, 0x2000, 0x3fff, 20);
    g_assert_cmpint(only(&st, 0, MALI_PERIOD_STALL)->end, ==, 20);
    g_assert_cmphex(only(&st, 0, MALI_PERIOD_STALL)->first, ==, 0x1000);
    g_assert_null(mali_stats_period(&st, 1));
    mali_stats_unlock(&st, 0, 0, 30);
    g_assert_cmphex(only(&st, 1, MALI_PERIOD_STALL)->first, ==, 0x2000);
    g_assert_cmpint(only(&st, 2, MALI_PERIOD_LOCK)->begin, ==, 10);
    mali_stats_destroy(&st);
}

/* A guest that does not unlock does not take the host's memory */
static void test_bound(void)
{
    MaliStats st = { };

    mali_stats_init(&st);
    mali_stats_lock(&st, 0, 0, UINT64_MAX, 0);
    for (uint64_t i = 0; i < 4 * MALI_PERIODS; i++) {
        mali_stats_stall(&st, 0, i << 12, 0, i);
    }
    g_assert_cmpint(g_hash_table_size(st.stalled), ==, MALI_PERIODS);
    mali_stats_unlock(&st, 0, 0, 1 << 30);
    g_assert_cmpint(g_hash_table_size(st.stalled), ==, 0);
    g_assert_cmpint(st.count, ==, MALI_PERIODS + 1);
    g_assert_cmpint(mali_stats_oldest(&st), ==, 1);
    g_assert_null(mali_stats_period(&st, 0));
    g_assert_cmpint(only(&st, 1, MALI_PERIOD_STALL)->begin, ==, 1);
    mali_stats_destroy(&st);
}

/* One that is asked for during another one ends with it */
static void test_flush(void)
{
    MaliStats st = { };

    mali_stats_init(&st);
    mali_stats_flushed(&st, 5);
    mali_stats_flush(&st, 10);
    mali_stats_flush(&st, 12);
    mali_stats_flushed(&st, 20);
    g_assert_cmpint(only(&st, 0, MALI_PERIOD_FLUSH)->begin, ==, 10);
    g_assert_cmpint(only(&st, 0, MALI_PERIOD_FLUSH)->end, ==, 20);
    mali_stats_flush(&st, 30);
    mali_stats_reset(&st);
    mali_stats_flushed(&st, 40);
    g_assert_null(mali_stats_period(&st, 1));
    mali_stats_destroy(&st);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mali-csf/stats/once", test_once);
    g_test_add_func("/mali-csf/stats/moved", test_moved);
    g_test_add_func("/mali-csf/stats/bound", test_bound);
    g_test_add_func("/mali-csf/stats/flush", test_flush);
    return g_test_run();
}
