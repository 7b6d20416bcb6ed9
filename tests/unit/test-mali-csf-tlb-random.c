/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mali CSF TLB, against a reference in random sequences
 *
 * GLib prints the seed; --seed=R02S... repeats a run, -m slow makes it longer.
 */

#include "qemu/osdep.h"
#include "tlb-run.h"

#define N_STEPS                 250000  /* of each of four configurations */

static unsigned below(void *opaque, unsigned n)
{
    return g_test_rand_int_range(0, n);
}

static void test_random(const void *opaque)
{
    const MaliTlbConfig *config = opaque;
    unsigned n = g_test_slow() ? 20 * N_STEPS : N_STEPS;
    TlbRun *run = tlb_run_new(config, below, NULL);
    TlbRunTally tally;

    for (unsigned i = 0; i < n; i++) {
        tlb_run_step(run);
        if (i % 16 == 0) {
            tlb_run_check(run);
        }
    }
    tally = tlb_run_tally(run);
    g_test_message("%u hits, %u misses, %u stale, %u blocks over pages, "
                   "%" PRIu64 " replaced, %" PRIu64 " not kept",
                   tally.hits, tally.misses, tally.stale, tally.overlaps,
                   tally.evictions, tally.refusals);
    /* Else the run was of no use */
    g_assert_cmpuint(tally.hits, >, n / 100);
    g_assert_cmpuint(tally.misses, >, n / 100);
    g_assert_cmpuint(tally.stale, >, n / 100);
    if (!config->entries) {
        g_assert_cmpuint(tally.overlaps, >, n / 10000);
    }
    tlb_run_free(run);
}

int main(int argc, char **argv)
{
    static const MaliTlbConfig configs[] = {
        { },
        { .entries = 12 },
        { .entries = 12, .evict = true, .seed = 1 },
        { .entries = 1, .evict = true, .seed = 0x80000000 },
    };
    static const char *const names[] = {
        "no-limit", "full", "replace", "replace-the-only-one",
    };

    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < ARRAY_SIZE(configs); i++) {
        g_autofree char *path = g_strdup_printf("/mali-csf/tlb/random/%s",
                                                names[i]);

        g_test_add_data_func(path, &configs[i], test_random);
    }
    return g_test_run();
}
