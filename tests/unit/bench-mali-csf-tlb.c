/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the Mali CSF TLB costs, without the device around it
 *
 * Prints one JSON object: figure -> nanoseconds of CPU time, some beside what
 * they are compared with.  Each is the best of many short rounds: what disturbs
 * a round only adds to it.
 */

#include "qemu/osdep.h"
#include <math.h>
#include "mali_csf_ptw.h"
#include "mali_csf_tlb.h"

#define ROUNDS                  2000
#define PAGE                    0x1000ULL
/* Where the pages are in the GPU's addresses, and the tables in its memory */
#define VA                      0x7f0012000000ULL
/* What hits are spread over; what a table maps; what there is besides */
#define N_PAGES                 4096
#define N_MISSES                512
#define N_DROPPED               64
#define N_OTHERS                65536
#define ACCESSES                (1 << 14)

#define DESC_TABLE              3ULL
#define DESC_PAGE               (3ULL | 1 << 6 | 1 << 10)

/* The GPU's memory: tables, then the pages that they map, in no order */
static uint64_t *memory;
static uint64_t next_table;
static const uint64_t data = 64 << 20;
static const MaliPtwConfig cfg = {
    .memattr = 0x4c4c4c4c9c4c9f4cULL, .va_bits = 48, .pa_bits = 40,
    .hier_ap = true, .af_fault = true,
};
static uint32_t misses[N_MISSES];   /* pages, in the order of their use */
static uint32_t offsets[ACCESSES];  /* of accesses, from VA on */
static MaliTlb tlb;
uint64_t sink;      /* not static, so that no access is left out */

static uint64_t now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static bool fetch(void *opaque, uint64_t pa, uint64_t *desc)
{
    *desc = *(uint64_t *)((char *)memory + pa);
    return true;
}

static void map(uint64_t va, uint64_t pa)
{
    uint64_t *slot = NULL, table = 0;

    for (int shift = 39; ; shift -= 9) {
        slot = &memory[(table + (va >> shift & 511) * 8) / 8];
        if (shift == 12) {
            *slot = pa | DESC_PAGE;
            return;
        }
        if (!*slot) {
            next_table += PAGE;
            *slot = next_table | DESC_TABLE;
        }
        table = *slot & ~(PAGE - 1);
    }
}

/* As mali_mmu_cached() */
static uint8_t translate(uint64_t va, MaliAccess access, MaliPtwResult *res)
{
    const MaliTlbEntry *e = mali_tlb_lookup(&tlb, 0, va);
    MaliPtwTable start;
    uint8_t exception;
    bool found;

    if (e) {
        mali_tlb_result(e, va, res);
        return mali_ptw_allows(res, access) ? MALI_EXC_OK
                                            : MALI_EXC_PERM_FAULT + e->level;
    }
    found = mali_tlb_find_table(&tlb, 0, va, &start);
    exception = mali_ptw_walk(&cfg, va, access, found ? &start : NULL, fetch,
                              NULL, res);
    mali_tlb_fill(&tlb, 0, va, res, exception == MALI_EXC_OK, 0);
    return exception;
}

static uint32_t read_through_tlb(uint64_t va)
{
    MaliPtwResult res;

    if (translate(va, MALI_ACCESS_READ, &res) != MALI_EXC_OK) {
        abort();
    }
    return *(uint32_t *)((char *)memory + res.pa);
}

static void shuffle(uint32_t *a, unsigned n)
{
    for (unsigned i = n - 1; i > 0; i--) {
        unsigned j = g_random_int_range(0, i + 1);
        uint32_t t = a[i];

        a[i] = a[j];
        a[j] = t;
    }
}

/* --- Figures --- */

/* An access to one of @n pages, by its translation or directly */
static double hit(unsigned n, bool plain)
{
    const char *array = (const char *)memory + data;
    double best = HUGE_VAL;

    for (unsigned i = 0; i < ACCESSES; i++) {
        offsets[i] = g_random_int_range(0, n) * PAGE +
                     g_random_int_range(0, PAGE / 4) * 4;
    }
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t sum = 0, start = now();

        for (unsigned i = 0; i < ACCESSES; i++) {
            sum += plain ? *(const uint32_t *)(array + offsets[i])
                         : read_through_tlb(VA + offsets[i]);
        }
        best = MIN(best, (double)(now() - start) / ACCESSES);
        sink = sum;
    }
    return best;
}

/* The first accesses to the pages of a table; the first finds the tables */
static double miss(void)
{
    double best = HUGE_VAL;

    for (int round = 0; round < ROUNDS; round++) {
        uint64_t sum = 0, start;

        mali_tlb_drop(&tlb, 0, 0, UINT64_MAX);
        start = now();
        for (unsigned i = 0; i < N_MISSES; i++) {
            sum += read_through_tlb(VA + misses[i] * PAGE);
        }
        best = MIN(best, (double)(now() - start) / N_MISSES);
        sink = sum;
    }
    return best;
}

/* To drop an entry from the region of 2^@log2 bytes; beside so many @others */
static double drop(unsigned log2, unsigned others)
{
    double best = HUGE_VAL;
    uint64_t first = VA & -(1ULL << log2);

    mali_tlb_drop(&tlb, 0, 0, UINT64_MAX);
    for (unsigned i = 0; i < others; i++) {
        MaliPtwResult res = {
            .n_levels = 1, .level = 3, .page_mask = PAGE - 1, .readable = true,
        };

        mali_tlb_fill(&tlb, 0, i * 3 * PAGE, &res, true, 0);
    }
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t start;

        for (unsigned i = 0; i < N_DROPPED; i++) {
            sink = read_through_tlb(VA + i * PAGE);
        }
        start = now();
        if (mali_tlb_drop(&tlb, 0, first, first + (1ULL << log2) - 1) <
            N_DROPPED) {
            abort();
        }
        best = MIN(best, (double)(now() - start) / N_DROPPED);
    }
    return best;
}

int main(void)
{
    double plain, hits;

    memory = g_malloc0(data + N_PAGES * PAGE);
    for (unsigned i = 0; i < N_PAGES; i++) {
        map(VA + i * PAGE, data + i * PAGE);
    }
    for (unsigned i = 0; i < N_MISSES; i++) {
        misses[i] = i;
    }
    shuffle(misses, N_MISSES);
    mali_tlb_init(&tlb, &(MaliTlbConfig) { .n_as = 1 });

    plain = hit(N_PAGES, true);
    hits = hit(N_PAGES, false);
    printf("{\"tlb-hit\": {\"measured\": %.3f},\n", hits - plain);
    hits = hit(N_MISSES, false);
    printf(" \"tlb-miss\": {\"measured\": %.3f, \"reference\": %.3f},\n",
           miss(), hits);
    printf(" \"tlb-drop\": {\"measured\": %.3f, \"reference\": %.3f}}\n",
           drop(46, N_OTHERS), drop(18, 0));
    mali_tlb_destroy(&tlb);
    g_free(memory);
    return 0;
}
