/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mali CSF TLB, against a reference in any sequence
 *
 * Input: a byte for the TLB's size, two for the tables to begin with, then
 * whatever a step has to choose: a byte, or two where one is too small.
 */

#include "qemu/osdep.h"
#include "tlb-run.h"
#include "fuzz-input.h"

typedef struct Choices {
    FuzzInput in;
    uint32_t random;    /* of what is chosen before the first step */
    bool begun;
} Choices;

static unsigned below(void *opaque, unsigned n)
{
    Choices *c = opaque;

    if (!c->begun) {
        c->random = c->random * 1664525 + 1013904223;
        return (c->random >> 16) % n;
    }
    return fuzz_take(&c->in, n > 256 ? 2 : 1) % n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const MaliTlbConfig configs[] = {
        { },
        { .entries = 12 },
        { .entries = 12, .evict = true, .seed = 1 },
        { .entries = 1, .evict = true, .seed = 0x80000000 },
        { .entries = 3, .evict = true, .seed = 7, .reverse = true },
    };
    Choices c = { .in = { data, size } };
    const MaliTlbConfig *config =
        &configs[fuzz_u8(&c.in) % ARRAY_SIZE(configs)];
    TlbRun *run;

    c.random = fuzz_take(&c.in, 2);
    run = tlb_run_new(config, below, &c);
    c.begun = true;
    while (c.in.left) {
        tlb_run_step(run);
    }
    tlb_run_check(run);
    tlb_run_free(run);
    return 0;
}
