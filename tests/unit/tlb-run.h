/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF TLB: sequences of steps
 *
 * Page tables change all the time, also while they are walked; invalidations
 * are right, wrong and missing.  After each step the TLB must hold and answer
 * what the reference does; and what the GPU gets for an address must follow
 * from descriptors each of which was in memory at some time since the last
 * invalidation of that address.  What is not so is an assertion that fails.
 *
 * Which steps there are is the caller's choice: all that is chosen anywhere is
 * asked of it.
 */

#ifndef TESTS_UNIT_TLB_RUN_H
#define TESTS_UNIT_TLB_RUN_H

#include "mali_csf_tlb.h"

/* One of 0 .. @n-1; @n is 65536 at most */
typedef unsigned TlbRunBelow(void *opaque, unsigned n);

/* What has happened, for a look at whether a run is worth its time */
typedef struct TlbRunTally {
    unsigned hits;
    unsigned misses;
    unsigned stale;         /* answers that are not what the tables say now */
    unsigned overlaps;      /* blocks that came over pages */
    uint64_t evictions;
    uint64_t refusals;
} TlbRunTally;

typedef struct TlbRun TlbRun;

/* On a TLB of @config, of which the number of address spaces is not used */
TlbRun *tlb_run_new(const MaliTlbConfig *config, TlbRunBelow *below,
                    void *opaque);
void tlb_run_free(TlbRun *run);

void tlb_run_step(TlbRun *run);

/* That all it holds is what it should; steps look at what they are about */
void tlb_run_check(const TlbRun *run);

TlbRunTally tlb_run_tally(const TlbRun *run);

#endif /* TESTS_UNIT_TLB_RUN_H */
