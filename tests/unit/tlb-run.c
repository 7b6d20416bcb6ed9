/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF TLB: sequences of steps
 */

#include "qemu/osdep.h"
#include "mali_csf_ptw.h"
#include "ptw-memory.h"
#include "tlb-reference.h"
#include "tlb-run.h"

#define N_AS                    3
#define N_TABLES                12
#define TABLE_PA(n)             (0x100000 + (n) * 0x1000ULL)
#define PA_BITS                 40

/* Where descriptors are in tables: few, so that things meet; and the edges */
static const unsigned indices[] = { 0, 1, 2, 255, 256, 511 };
#define N_INDICES               ARRAY_SIZE(indices)
/* Of the levels above the last: fewer still */
static const unsigned upper[] = { 0, 1, 511 };
#define N_UPPER                 ARRAY_SIZE(upper)
#define N_PAGES                 (N_UPPER * N_UPPER * N_UPPER * N_INDICES)

/* What was at a descriptor's place, from when on */
typedef struct Version {
    int64_t since;
    uint64_t desc;
} Version;

typedef struct Space {
    MaliPtwConfig cfg;
    uint64_t pages[N_PAGES];        /* that accesses go to */
    int64_t dropped[N_PAGES];       /* when they were invalidated last */
} Space;

struct TlbRun {
    TlbRunBelow *below;
    void *opaque;
    PtwMemory *mem;
    GArray *history[N_TABLES][N_INDICES];
    Space space[N_AS];
    MaliTlb tlb;
    MaliTlb twin;           /* gets the same, but is never saved and loaded */
    TlbRef ref;
    int64_t now;            /* counts what happens, edits in walks included */
    bool racing;            /* another CPU edits during this walk */
    TlbRunTally tally;
};

static unsigned rand_below(const TlbRun *run, unsigned n)
{
    return run->below(run->opaque, n);
}

static bool one_in(const TlbRun *run, unsigned n)
{
    return rand_below(run, n) == 0;
}

static uint64_t rand64(const TlbRun *run)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < 64; i += 16) {
        n |= (uint64_t)rand_below(run, 0x10000) << i;
    }
    return n;
}

/* --- Page tables --- */

static uint64_t rand_desc(const TlbRun *run)
{
    /* Access flag and user rights set more often than not; any attribute */
    uint64_t leaf = (rand64(run) & 0x004000000000009cULL) |
                    (one_in(run, 16) ? 0 : 0x400) | (one_in(run, 8) ? 0 : 0x40);
    uint64_t limits = one_in(run, 8) ? rand64(run) & 0x7800000000000000ULL : 0;

    switch (rand_below(run, 32)) {
    case 0:
    case 1:
        return 0;
    case 2: /* page; as a table it is one that nobody has written */
        return leaf | (rand64(run) & 0xfffffff000ULL) | 3;
    case 3: /* beyond the addresses that there are */
        return leaf | 1ULL << PA_BITS | 3;
    case 4:
    case 5:
    case 6:
    case 7: /* block, of which the address has bits that do not count */
        return leaf | (rand64(run) & 0xfffffff000ULL) | 1;
    default: /* table; as a page it maps the table */
        return TABLE_PA(rand_below(run, N_TABLES)) | leaf | limits | 3;
    }
}

static void edit(TlbRun *run, unsigned table, unsigned i, uint64_t desc)
{
    Version v = { .since = ++run->now, .desc = desc };

    ptw_memory_set(run->mem, TABLE_PA(table) + indices[i] * 8, desc);
    g_array_append_val(run->history[table][i], v);
}

static void rand_edit(TlbRun *run)
{
    unsigned table = rand_below(run, N_TABLES);
    unsigned i = rand_below(run, N_INDICES);

    edit(run, table, i, rand_desc(run));
}

static bool fetch(void *opaque, uint64_t pa, uint64_t *desc)
{
    TlbRun *run = opaque;
    bool ok;

    if (run->racing && one_in(run, 2)) {
        rand_edit(run);
    }
    ok = ptw_memory_fetch(run->mem, pa, desc);
    if (run->racing && one_in(run, 2)) {
        rand_edit(run);
    }
    return ok;
}

/* --- Whether an answer can be --- */

/*
 * One of the walks that hardware may have made: of each descriptor it has read
 * one of the versions since @since, the choice[level]'th from the latest on.
 */
typedef struct Past {
    const TlbRun *run;
    int64_t since;
    unsigned depth;
    unsigned choice[MALI_PTW_LEVELS];
    unsigned choices[MALI_PTW_LEVELS];
} Past;

static const GArray *history_of(const TlbRun *run, uint64_t pa)
{
    uint64_t table = (pa - TABLE_PA(0)) / 0x1000;

    for (unsigned i = 0; pa >= TABLE_PA(0) && i < N_INDICES; i++) {
        if (table < N_TABLES && pa == TABLE_PA(table) + indices[i] * 8) {
            return run->history[table][i];
        }
    }
    return NULL;
}

static bool fetch_past(void *opaque, uint64_t pa, uint64_t *desc)
{
    Past *past = opaque;
    const GArray *history = history_of(past->run, pa);
    unsigned d = past->depth++;

    past->choices[d] = 1;
    *desc = 0;
    if (history) {
        unsigned n = 1;

        /* The one that was there at that time, and those after it */
        while (n < history->len &&
               g_array_index(history, Version, history->len - n).since >
               past->since) {
            n++;
        }
        past->choices[d] = n;
        *desc = g_array_index(history, Version,
                              history->len - 1 - past->choice[d]).desc;
    }
    return true;
}

static bool same(uint8_t exception, const MaliPtwResult *res, uint8_t e2,
                 const MaliPtwResult *r2)
{
    return exception == e2 &&
           (exception != MALI_EXC_OK ||
            (res->pa == r2->pa && res->page_mask == r2->page_mask &&
             res->level == r2->level && res->attr == r2->attr &&
             res->readable == r2->readable && res->writable == r2->writable &&
             res->executable == r2->executable));
}

static bool next_choice(Past *past)
{
    while (past->depth--) {
        if (++past->choice[past->depth] < past->choices[past->depth]) {
            return true;
        }
        past->choice[past->depth] = 0;
    }
    return false;
}

static void check_possible(TlbRun *run, const MaliPtwConfig *cfg, uint64_t va,
                           MaliAccess access, int64_t since, uint8_t exception,
                           const MaliPtwResult *res)
{
    Past past = { .run = run, .since = since };

    do {
        MaliPtwResult then;
        uint8_t e;

        past.depth = 0;
        e = mali_ptw_walk(cfg, va, access, NULL, fetch_past, &past, &then);
        if (same(exception, res, e, &then)) {
            return;
        }
    } while (next_choice(&past));
    g_test_message("va 0x%" PRIx64 ": exception 0x%x, pa 0x%" PRIx64, va,
                   exception, res->pa);
    g_assert_not_reached();
}

/* --- Steps --- */

/* Some more often than others */
static unsigned rand_page(const TlbRun *run)
{
    return rand_below(run, one_in(run, 2) ? N_PAGES : N_PAGES / 8);
}

/* Whether the block that is now there for @va has smaller ones in it */
static bool covers_others(TlbRun *run, unsigned as, uint64_t va)
{
    const MaliTlbEntry *e = mali_tlb_lookup(&run->tlb, as, va);
    const MaliTlbEntry *o;

    if (!e) {
        return false;
    }
    for (o = mali_tlb_first(&run->tlb, as, e->node.start, e->node.last); o;
         o = mali_tlb_next((MaliTlbEntry *)o, e->node.start, e->node.last)) {
        if (o->level > e->level) {
            return true;
        }
    }
    return false;
}

/* As the device does it (mali_mmu_cached) */
static void translate(TlbRun *run)
{
    unsigned as = rand_below(run, N_AS), page = rand_page(run);
    Space *space = &run->space[as];
    uint64_t va = space->pages[page] | rand_below(run, 0x1000);
    MaliAccess access = one_in(run, 4) ? rand_below(run, 4) : MALI_ACCESS_READ;
    const MaliTlbEntry *e;
    MaliPtwTable start;
    MaliPtwResult res, fresh;
    uint8_t exception, fresh_exception;

    tlb_ref_check_lookup(&run->ref, &run->tlb, as, va);
    e = mali_tlb_lookup(&run->tlb, as, va);
    if (e) {
        run->tally.hits++;
        mali_tlb_result(e, va, &res);
        exception = mali_ptw_allows(&res, access) ?
                    MALI_EXC_OK : MALI_EXC_PERM_FAULT + e->level;
    } else {
        bool found = mali_tlb_find_table(&run->tlb, as, va, &start);

        run->tally.misses++;
        run->racing = one_in(run, 8);
        exception = mali_ptw_walk(&space->cfg, va, access,
                                  found ? &start : NULL, fetch, run, &res);
        run->racing = false;
        run->now++;
        tlb_ref_fill(&run->ref, &run->tlb, as, va, &res,
                     exception == MALI_EXC_OK, run->now);
        mali_tlb_fill(&run->twin, as, va, &res, exception == MALI_EXC_OK,
                      run->now);
        tlb_ref_check_lookup(&run->ref, &run->tlb, as, va);
        run->tally.overlaps += exception == MALI_EXC_OK &&
                               covers_others(run, as, va);
    }

    fresh_exception = mali_ptw_walk(&space->cfg, va, access, NULL,
                                    ptw_memory_fetch, run->mem, &fresh);
    if (!same(exception, &res, fresh_exception, &fresh)) {
        run->tally.stale++;
        check_possible(run, &space->cfg, va, access, space->dropped[page],
                       exception, &res);
    }
}

static uint64_t rand_va(const TlbRun *run, const Space *space)
{
    return space->pages[rand_page(run)] | rand_below(run, 0x1000);
}

static void rand_region(const TlbRun *run, const Space *space,
                        uint64_t *first, uint64_t *last)
{
    /* All that LOCKADDR can say, and the sizes of entries */
    static const unsigned log2s[] = {
        12, 12, 12, 15, 15, 15, 21, 21, 21, 22, 30, 31, 39, 47,
    };
    uint64_t a = rand_va(run, space), b = rand_va(run, space), mask;

    switch (rand_below(run, 32)) {
    case 0: /* everything */
        *first = 0;
        *last = UINT64_MAX;
        break;
    case 1: /* between two addresses, however they lie */
        *first = MIN(a, b);
        *last = MAX(a, b);
        break;
    case 2: /* one byte */
        *first = *last = a;
        break;
    case 3: /* beside a page, and up to its edge */
        *first = (a | 0xfff) + 1;
        *last = *first + rand_below(run, 3) * 0x1000 + 0xfff;
        break;
    default:
        mask = (1ULL << log2s[rand_below(run, ARRAY_SIZE(log2s))]) - 1;
        *first = a & ~mask;
        *last = a | mask;
    }
}

static void drop_region(TlbRun *run, unsigned as, uint64_t first, uint64_t last)
{
    Space *space = &run->space[as];

    tlb_ref_drop(&run->ref, &run->tlb, as, first, last);
    mali_tlb_drop(&run->twin, as, first, last);
    run->now++;
    for (unsigned i = 0; i < N_PAGES; i++) {
        /* A page is invalid when any byte of it is */
        if (space->pages[i] <= last && (space->pages[i] | 0xfff) >= first) {
            space->dropped[i] = run->now;
        }
    }
}

static void drop(TlbRun *run)
{
    unsigned as = rand_below(run, N_AS);
    uint64_t first, last;

    rand_region(run, &run->space[as], &first, &last);
    drop_region(run, as, first, last);
    tlb_ref_check(&run->ref, &run->tlb);
}

static void list_region(TlbRun *run)
{
    unsigned as = rand_below(run, N_AS);
    uint64_t first, last;

    rand_region(run, &run->space[as], &first, &last);
    tlb_ref_check_region(&run->ref, &run->tlb, as, first, last);
}

/* Another root, perhaps of another size, as UPDATE has it */
static void update(TlbRun *run, unsigned as)
{
    Space *space = &run->space[as];
    bool small = one_in(run, 3);
    unsigned n = 0;

    space->cfg = (MaliPtwConfig) {
        .root = TABLE_PA(rand_below(run, N_TABLES)),
        /* Attribute 7 has the type that faults */
        .memattr = 0xcf06050403020100ULL,
        .va_bits = small ? 39 : 48,
        .pa_bits = PA_BITS,
        .hier_ap = one_in(run, 2), .af_fault = !one_in(run, 4),
        .wxn = one_in(run, 4), .xreadable = one_in(run, 4),
    };
    for (unsigned i = 0; i < N_UPPER; i++) {
        for (unsigned j = 0; j < N_UPPER; j++) {
            for (unsigned k = 0; k < N_UPPER; k++) {
                for (unsigned l = 0; l < N_INDICES; l++) {
                    space->pages[n++] = (small ? 0 : (uint64_t)upper[i] << 39) |
                                        (uint64_t)upper[j] << 30 |
                                        (uint64_t)upper[k] << 21 |
                                        (uint64_t)indices[l] << 12;
                }
            }
        }
    }
    drop_region(run, as, 0, UINT64_MAX);
}

void tlb_run_step(TlbRun *run)
{
    unsigned what = rand_below(run, 1000);

    if (what < 750) {
        translate(run);
    } else if (what < 910) {
        rand_edit(run);
    } else if (what < 950) {
        drop(run);
    } else if (what < 990) {
        list_region(run);
    } else if (what < 997) {
        tlb_save_and_load(&run->tlb);
        tlb_ref_check(&run->ref, &run->tlb);
    } else {
        update(run, rand_below(run, N_AS));
    }
}

/* --- Runs --- */

void tlb_run_check(const TlbRun *run)
{
    tlb_ref_check(&run->ref, &run->tlb);
    tlb_ref_check(&run->ref, &run->twin);
}

TlbRunTally tlb_run_tally(const TlbRun *run)
{
    TlbRunTally tally = run->tally;

    tally.evictions = run->tlb.evictions;
    tally.refusals = run->tlb.refusals;
    return tally;
}

TlbRun *tlb_run_new(const MaliTlbConfig *config, TlbRunBelow *below,
                    void *opaque)
{
    TlbRun *run = g_new0(TlbRun, 1);
    MaliTlbConfig cfg = *config;

    cfg.n_as = N_AS;
    run->below = below;
    run->opaque = opaque;
    run->mem = ptw_memory_new();
    for (unsigned t = 0; t < N_TABLES; t++) {
        for (unsigned i = 0; i < N_INDICES; i++) {
            run->history[t][i] = g_array_new(false, false, sizeof(Version));
            edit(run, t, i, rand_desc(run));
        }
    }
    mali_tlb_init(&run->tlb, &cfg);
    mali_tlb_init(&run->twin, &cfg);
    tlb_ref_init(&run->ref, &cfg);
    for (unsigned as = 0; as < N_AS; as++) {
        update(run, as);
    }
    return run;
}

void tlb_run_free(TlbRun *run)
{
    for (unsigned t = 0; t < N_TABLES; t++) {
        for (unsigned i = 0; i < N_INDICES; i++) {
            g_array_free(run->history[t][i], true);
        }
    }
    mali_tlb_destroy(&run->tlb);
    mali_tlb_destroy(&run->twin);
    tlb_ref_destroy(&run->ref);
    ptw_memory_free(run->mem);
    g_free(run);
}
