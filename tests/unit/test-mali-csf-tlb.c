/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mali CSF TLB, rule by rule (mali_csf_tlb.h)
 *
 * Walks are written down here rather than walked; what the TLB should hold is
 * what was filled and not dropped (tlb-reference.h).
 */

#include "qemu/osdep.h"
#include "mali_csf_ptw.h"
#include "ptw-memory.h"
#include "tlb-reference.h"

#define PAGE                    0x1000ULL
#define BLOCK_2M                0x200000ULL
#define BLOCK_1G                0x40000000ULL
#define ROOT                    0x100000ULL
/* The table of each level that a walk comes by */
#define TABLE(level)            (ROOT + (level) * PAGE)
#define LAST_VA                 0xffffffffffffULL

static const uint64_t leaf_size[] = {
    512 * BLOCK_1G, BLOCK_1G, BLOCK_2M, PAGE,
};

/* A TLB and what it should hold */
typedef struct Bed {
    MaliTlb tlb;
    TlbRef ref;
    int64_t now;
} Bed;

static void bed_init(Bed *b, const MaliTlbConfig *config)
{
    mali_tlb_init(&b->tlb, config);
    tlb_ref_init(&b->ref, config);
    b->now = 0;
}

static void bed_free(Bed *b)
{
    mali_tlb_destroy(&b->tlb);
    tlb_ref_destroy(&b->ref);
}

/*
 * What a walk for @va ends with, at the leaf of @level for @pa; beginning with
 * the table of level @from
 */
static MaliPtwResult walk(uint64_t va, uint64_t pa, unsigned level,
                          unsigned from)
{
    uint64_t offset = va % leaf_size[level];
    MaliPtwResult res = {
        .level = level, .attr = 0x4f, .readable = true, .writable = pa & PAGE,
        .executable = pa & 2 * PAGE, .pa = pa + offset,
        .page_mask = leaf_size[level] - 1,
    };

    for (unsigned l = from; l <= level; l++) {
        res.tables[res.n_levels] = (MaliPtwTable) {
            .pa = TABLE(l), .level = l, .limits = l,
        };
        res.desc_pa[res.n_levels] = TABLE(l) + (va >> (39 - 9 * l) & 511) * 8;
        res.n_levels++;
    }
    return res;
}

/* Fill with a leaf, and with no tables */
static void fill(Bed *b, unsigned as, uint64_t va, uint64_t pa, unsigned level)
{
    MaliPtwResult res = walk(va, pa, level, level);

    tlb_ref_fill(&b->ref, &b->tlb, as, va, &res, true, ++b->now);
    tlb_ref_check_lookup(&b->ref, &b->tlb, as, va);
}

/* Where @va is, UINT64_MAX for nowhere; twice, since a hit may be remembered */
static uint64_t ask(Bed *b, unsigned as, uint64_t va)
{
    MaliTlbEntry *e = mali_tlb_lookup(&b->tlb, as, va);
    MaliPtwResult res;

    g_assert_true(mali_tlb_lookup(&b->tlb, as, va) == e);
    g_assert_true(mali_tlb_find(&b->tlb, as, va) == e);
    tlb_ref_check_lookup(&b->ref, &b->tlb, as, va);
    if (!e) {
        return UINT64_MAX;
    }
    mali_tlb_result(e, va, &res);
    return res.pa;
}

static void drop(Bed *b, unsigned as, uint64_t first, uint64_t last)
{
    tlb_ref_drop(&b->ref, &b->tlb, as, first, last);
    tlb_ref_check(&b->ref, &b->tlb);
}

/* --- What answers --- */

/* All of an entry and nothing beside it, at both ends of the address space */
static void test_extent(void)
{
    Bed b;

    bed_init(&b, &(MaliTlbConfig) { .n_as = 1 });
    for (unsigned level = 1; level <= 3; level++) {
        uint64_t size = leaf_size[level];
        const uint64_t starts[] = { 0, 5 * size, LAST_VA + 1 - size };

        for (int i = 0; i < ARRAY_SIZE(starts); i++) {
            uint64_t va = starts[i];

            fill(&b, 0, va + size / 2, 7 * BLOCK_1G, level);
            g_assert_cmphex(ask(&b, 0, va), ==, 7 * BLOCK_1G);
            g_assert_cmphex(ask(&b, 0, va + size - 1), ==,
                            7 * BLOCK_1G + size - 1);
            g_assert_cmphex(ask(&b, 0, va + size), ==, UINT64_MAX);
            g_assert_cmphex(ask(&b, 0, va - 1), ==, UINT64_MAX);
            drop(&b, 0, 0, UINT64_MAX);
        }
    }
    bed_free(&b);
}

/* Address spaces have nothing in common */
static void test_spaces(void)
{
    enum { N_AS = 16 };
    Bed b;

    bed_init(&b, &(MaliTlbConfig) { .n_as = N_AS });
    for (unsigned as = 0; as < N_AS; as++) {
        fill(&b, as, 0x10000, as * PAGE, 3);
    }
    for (unsigned as = 0; as < N_AS; as++) {
        g_assert_cmphex(ask(&b, as, 0x10000), ==, as * PAGE);
    }
    drop(&b, 5, 0, UINT64_MAX);
    for (unsigned as = 0; as < N_AS; as++) {
        g_assert_cmphex(ask(&b, as, 0x10000), ==,
                        as == 5 ? UINT64_MAX : as * PAGE);
    }
    bed_free(&b);
}

/* Pages that share a place in what is asked first */
static void test_same_place(void)
{
    uint64_t stride = MALI_TLB_FRONT * PAGE;
    Bed b;

    bed_init(&b, &(MaliTlbConfig) { .n_as = 1 });
    for (unsigned i = 0; i < 4; i++) {
        fill(&b, 0, i * stride, i * PAGE, 3);
    }
    for (unsigned i = 0; i < 16; i++) {
        unsigned n = i * 7 % 5;

        g_assert_cmphex(ask(&b, 0, n * stride), ==,
                        n < 4 ? n * PAGE : UINT64_MAX);
    }
    drop(&b, 0, stride, stride);
    g_assert_cmphex(ask(&b, 0, stride), ==, UINT64_MAX);
    g_assert_cmphex(ask(&b, 0, 2 * stride), ==, 2 * PAGE);
    bed_free(&b);
}

/* Page 0 is as good as others, also before anything was there */
static void test_page_zero(void)
{
    Bed b;

    bed_init(&b, &(MaliTlbConfig) { .n_as = 2 });
    g_assert_cmphex(ask(&b, 0, 0), ==, UINT64_MAX);
    fill(&b, 0, 0, PAGE, 3);
    g_assert_cmphex(ask(&b, 0, 1), ==, PAGE + 1);
    g_assert_cmphex(ask(&b, 1, 0), ==, UINT64_MAX);
    bed_free(&b);
}

/* Of those that overlap the first filled, in whichever order they came */
static void test_overlap(void)
{
    const struct { unsigned level[3]; uint64_t answer; } cases[] = {
        { { 3, 2, 1 }, 1 * BLOCK_1G }, { { 1, 2, 3 }, 1 * BLOCK_1G + 0x212000 },
        { { 2, 3, 1 }, 1 * BLOCK_1G + 0x12000 }, { { 3, 3, 2 }, 1 * BLOCK_1G },
    };

    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        Bed b;

        bed_init(&b, &(MaliTlbConfig) { .n_as = 1 });
        for (int j = 0; j < 3; j++) {
            fill(&b, 0, 0x212000, (j + 1) * BLOCK_1G, cases[i].level[j]);
            g_assert_cmphex(ask(&b, 0, 0x212000), ==, cases[i].answer);
        }
        g_assert_cmpuint(mali_tlb_count(&b.tlb, 0), ==, 3);
        drop(&b, 0, 0x212fff, 0x212fff);
        g_assert_cmpuint(mali_tlb_count(&b.tlb, 0), ==, 0);
        bed_free(&b);
    }
}

/* A stale page beside the block that its table gave way to */
static void test_stale_page(void)
{
    Bed b;

    bed_init(&b, &(MaliTlbConfig) { .n_as = 1 });
    fill(&b, 0, 0x205000, 3 * BLOCK_1G, 3);
    fill(&b, 0, 0x206000, 4 * BLOCK_2M, 2);
    g_assert_cmphex(ask(&b, 0, 0x204fff), ==, 4 * BLOCK_2M + 0x4fff);
    g_assert_cmphex(ask(&b, 0, 0x205000), ==, 3 * BLOCK_1G);
    g_assert_cmphex(ask(&b, 0, 0x206000), ==, 4 * BLOCK_2M + 0x6000);
    /* Any address of the block takes the block; not the page */
    drop(&b, 0, 0x3ff000, 0x3fffff);
    g_assert_cmphex(ask(&b, 0, 0x204fff), ==, UINT64_MAX);
    g_assert_cmphex(ask(&b, 0, 0x205000), ==, 3 * BLOCK_1G);
    bed_free(&b);
}

/* What it says of a page: all that a walk did */
static void test_rights(void)
{
    Bed b;

    bed_init(&b, &(MaliTlbConfig) { .n_as = 1 });
    for (unsigned i = 0; i < 8; i++) {
        MaliPtwResult res = walk(i * PAGE, i * PAGE, 3, 3), back;

        res.readable = i & 1;
        res.writable = i & 2;
        res.executable = i & 4;
        res.attr = 0x80 + i;
        tlb_ref_fill(&b.ref, &b.tlb, 0, i * PAGE, &res, true, i);
        ask(&b, 0, i * PAGE);
        mali_tlb_result(mali_tlb_lookup(&b.tlb, 0, i * PAGE), i * PAGE, &back);
        for (MaliAccess a = MALI_ACCESS_ATOMIC; a <= MALI_ACCESS_WRITE; a++) {
            g_assert_true(mali_ptw_allows(&back, a) ==
                          mali_ptw_allows(&res, a));
        }
    }
    bed_free(&b);
}

/* --- Tables --- */

static void fill_tables(Bed *b, uint64_t va, unsigned level, unsigned from,
                        bool leaf)
{
    MaliPtwResult res = walk(va, 8 * BLOCK_1G, level, from);

    tlb_ref_fill(&b->ref, &b->tlb, 0, va, &res, leaf, ++b->now);
}

static unsigned level_of_table(Bed *b, uint64_t va)
{
    MaliPtwTable table;

    tlb_ref_check_lookup(&b->ref, &b->tlb, 0, va);
    if (!mali_tlb_find_table(&b->tlb, 0, va, &table)) {
        return 0;
    }
    g_assert_cmphex(table.pa, ==, TABLE(table.level));
    g_assert_cmphex(table.limits, ==, table.level);
    return table.level;
}

/* The lowest one for the address */
static void test_tables(void)
{
    Bed b;

    bed_init(&b, &(MaliTlbConfig) { .n_as = 2 });
    fill_tables(&b, 0x8000212000, 3, 0, true);
    g_assert_cmpuint(level_of_table(&b, 0x8000212000), ==, 3);
    g_assert_cmpuint(level_of_table(&b, 0x8000200000), ==, 3);
    g_assert_cmpuint(level_of_table(&b, 0x80003fffff), ==, 3);
    g_assert_cmpuint(level_of_table(&b, 0x80001fffff), ==, 2);
    g_assert_cmpuint(level_of_table(&b, 0x8000400000), ==, 2);
    g_assert_cmpuint(level_of_table(&b, 0x803fffffff), ==, 2);
    g_assert_cmpuint(level_of_table(&b, 0x8040000000), ==, 1);
    g_assert_cmpuint(level_of_table(&b, 0xffffffffff), ==, 1);
    g_assert_cmpuint(level_of_table(&b, 0x7fffffffff), ==, 0);
    g_assert_cmpuint(level_of_table(&b, 0x10000000000), ==, 0);
    g_assert_false(mali_tlb_find_table(&b.tlb, 1, 0x8000212000,
                                       &(MaliPtwTable) { }));
    /* The root is in TRANSTAB, and is no entry; the leaf is one */
    g_assert_cmpuint(mali_tlb_count_all(&b.tlb, 0), ==, 4);
    bed_free(&b);
}

/* A walk that ended in a fault leaves the tables that it came by */
static void test_fault(void)
{
    Bed b;

    bed_init(&b, &(MaliTlbConfig) { .n_as = 1 });
    fill_tables(&b, 0x212000, 2, 0, false);
    g_assert_cmpuint(level_of_table(&b, 0x212000), ==, 2);
    g_assert_cmphex(ask(&b, 0, 0x212000), ==, UINT64_MAX);
    /* It failed at once: there is nothing to keep */
    fill_tables(&b, 0x8000000000, 0, 0, false);
    g_assert_cmpuint(level_of_table(&b, 0x8000000000), ==, 0);
    g_assert_cmpuint(b.tlb.fills, ==, 2);
    tlb_ref_check(&b.ref, &b.tlb);
    bed_free(&b);
}

/* A page is invalidated with all tables on the way to it, and no others */
static void test_drop_tables(void)
{
    Bed b;

    bed_init(&b, &(MaliTlbConfig) { .n_as = 1 });
    fill_tables(&b, 0x000212000, 3, 0, false);
    fill_tables(&b, 0x000400000, 3, 2, false);
    fill_tables(&b, 0x040000000, 3, 1, false);
    drop(&b, 0, 0x212000, 0x212fff);
    g_assert_cmpuint(level_of_table(&b, 0x212000), ==, 0);
    g_assert_cmpuint(level_of_table(&b, 0x400000), ==, 3);
    g_assert_cmpuint(level_of_table(&b, 0x600000), ==, 0);
    g_assert_cmpuint(level_of_table(&b, 0x40000000), ==, 3);
    g_assert_cmpuint(level_of_table(&b, 0x7fffffff), ==, 2);
    g_assert_cmpuint(level_of_table(&b, 0x80000000), ==, 0);
    bed_free(&b);
}

/*
 * A table that is rewritten while it is walked: what was read is what counts,
 * each descriptor once.
 */
typedef struct Racing {
    PtwMemory *mem;
    unsigned fetches;
} Racing;

static bool racing_fetch(void *opaque, uint64_t pa, uint64_t *desc)
{
    Racing *r = opaque;
    bool ok = ptw_memory_fetch(r->mem, pa, desc);

    /* The descriptor that was just read, and the one that comes next */
    ptw_memory_set(r->mem, pa, r->fetches % 2 ? 0 : 0x7ffffffffffff003);
    ptw_memory_set(r->mem, TABLE(r->fetches + 1),
                   r->fetches == 2 ? 0xabcd443 : TABLE(r->fetches + 2) | 3);
    r->fetches++;
    return ok;
}

static void test_race(void)
{
    const MaliPtwConfig cfg = { .root = ROOT, .va_bits = 48, .pa_bits = 40 };
    Racing r = { .mem = ptw_memory_new() };
    MaliPtwResult res;
    Bed b;

    bed_init(&b, &(MaliTlbConfig) { .n_as = 1 });
    ptw_memory_set(r.mem, ROOT, TABLE(1) | 3);
    g_assert_cmphex(mali_ptw_walk(&cfg, 0x34, MALI_ACCESS_READ, NULL,
                                  racing_fetch, &r, &res), ==, MALI_EXC_OK);
    g_assert_cmpuint(r.fetches, ==, 4);
    g_assert_cmphex(res.pa, ==, 0xabcd034);
    tlb_ref_fill(&b.ref, &b.tlb, 0, 0x34, &res, true, 1);
    g_assert_cmphex(ask(&b, 0, 0x78), ==, 0xabcd078);
    for (unsigned l = 1; l < 4; l++) {
        g_assert_cmphex(res.tables[l].pa, ==, TABLE(l));
        g_assert_cmphex(res.desc_pa[l], ==, TABLE(l));
    }
    tlb_ref_check(&b.ref, &b.tlb);
    bed_free(&b);
    ptw_memory_free(r.mem);
}

/* --- Dropping --- */

/* Regions that end within, at, or just before an entry; and cut none */
static void test_drop_edges(void)
{
    Bed b;

    for (unsigned level = 1; level <= 3; level++) {
        uint64_t size = leaf_size[level], va = 3 * size;
        const struct { uint64_t first, last; bool drops; } cases[] = {
            { va - 1, va - 1, false }, { va + size, va + size, false },
            { 0, va - 1, false }, { va + size, UINT64_MAX, false },
            { va, va, true }, { va + size - 1, va + size - 1, true },
            { 0, va, true }, { va + size - 1, UINT64_MAX, true },
            { va + 1, va + size - 2, true }, { va, va + size - 1, true },
            { 0, UINT64_MAX, true }, { 0, LAST_VA, true },
        };

        for (int i = 0; i < ARRAY_SIZE(cases); i++) {
            bool drops = cases[i].drops;

            bed_init(&b, &(MaliTlbConfig) { .n_as = 1 });
            fill(&b, 0, va, BLOCK_1G, level);
            fill(&b, 0, LAST_VA - size, 0, level);
            ask(&b, 0, va);
            drop(&b, 0, cases[i].first, cases[i].last);
            g_assert_cmphex(ask(&b, 0, va), ==, drops ? UINT64_MAX : BLOCK_1G);
            bed_free(&b);
        }
    }
}

/* Nothing that a region does not hold goes, whatever goes beside it */
static void test_drop_only(void)
{
    Bed b;

    bed_init(&b, &(MaliTlbConfig) { .n_as = 1 });
    for (unsigned i = 0; i < 64; i++) {
        fill(&b, 0, i * PAGE, (i + 64) * PAGE, 3);
    }
    for (unsigned i = 8; i < 64; i += 16) {
        drop(&b, 0, i * PAGE, (i + 8) * PAGE - 1);
    }
    for (unsigned i = 0; i < 64; i++) {
        g_assert_cmphex(ask(&b, 0, i * PAGE), ==,
                        i & 8 ? UINT64_MAX : (i + 64) * PAGE);
    }
    /* Again: there is nothing left to drop */
    g_assert_cmpuint(mali_tlb_drop(&b.tlb, 0, 8 * PAGE, 16 * PAGE - 1), ==, 0);
    bed_free(&b);
}

/* A new translation for what was dropped, though it was remembered */
static void test_drop_and_fill(void)
{
    Bed b;

    bed_init(&b, &(MaliTlbConfig) { .n_as = 1 });
    for (unsigned i = 0; i < 100; i++) {
        fill(&b, 0, 0x10000, i * PAGE, 3);
        g_assert_cmphex(ask(&b, 0, 0x10000), ==, i * PAGE);
        drop(&b, 0, 0x10000, 0x10000);
        g_assert_cmphex(ask(&b, 0, 0x10000), ==, UINT64_MAX);
    }
    bed_free(&b);
}

/* --- Sizes --- */

/* One that is full keeps what it has: nothing obliges it to drop it */
static void test_full(void)
{
    Bed b;

    bed_init(&b, &(MaliTlbConfig) { .n_as = 2, .entries = 4 });
    for (unsigned i = 0; i < 100; i++) {
        fill(&b, 0, i * PAGE, i * PAGE, 3);
    }
    for (unsigned i = 0; i < 100; i++) {
        g_assert_cmphex(ask(&b, 0, i * PAGE), ==,
                        i < 4 ? i * PAGE : UINT64_MAX);
    }
    g_assert_cmpuint(b.tlb.refusals, ==, 96);
    /* The size is of each address space, and of translations, not of tables */
    fill(&b, 1, 0, PAGE, 3);
    g_assert_cmphex(ask(&b, 1, 0), ==, PAGE);
    fill_tables(&b, 100 * PAGE, 3, 0, true);
    g_assert_cmpuint(level_of_table(&b, 100 * PAGE), ==, 3);
    g_assert_cmpuint(mali_tlb_count(&b.tlb, 0), ==, 4);
    /* There is room again */
    drop(&b, 0, 0, 0);
    fill(&b, 0, 100 * PAGE, 0, 3);
    g_assert_cmphex(ask(&b, 0, 100 * PAGE), ==, 0);
    bed_free(&b);
}

/* Which pages are left, of a hundred that came into room for eight */
static char *survivors(uint32_t seed)
{
    GString *left = g_string_new(NULL);
    Bed b;

    bed_init(&b, &(MaliTlbConfig) {
        .n_as = 1, .entries = 8, .evict = true, .seed = seed,
    });
    for (unsigned i = 0; i < 100; i++) {
        fill(&b, 0, i * PAGE, i * PAGE, 3);
        /* What was remembered must not answer for what is gone */
        for (unsigned j = 0; j <= i; j++) {
            ask(&b, 0, j * PAGE);
        }
    }
    g_assert_cmpuint(b.tlb.evictions, ==, 92);
    g_assert_cmpuint(mali_tlb_count(&b.tlb, 0), ==, 8);
    for (unsigned i = 0; i < 100; i++) {
        if (ask(&b, 0, i * PAGE) != UINT64_MAX) {
            g_string_append_printf(left, "%u ", i);
        }
    }
    bed_free(&b);
    return g_string_free(left, false);
}

/* Replacement is by chance, which the seed repeats; 0 is a seed too */
static void test_replacement(void)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal,
                                                       g_free, NULL);

    for (uint32_t seed = 0; seed < 32; seed++) {
        char *first = survivors(seed);
        g_autofree char *again = survivors(seed);

        g_assert_cmpstr(first, ==, again);
        g_hash_table_add(seen, first);
    }
    /* 0 may be another name of one of the others */
    g_assert_cmpuint(g_hash_table_size(seen), >=, 31);
}

/* None is safe for ever, be it the oldest or the newest */
static void check_replacement_of_all(uint32_t seed)
{
    enum { N = 8 };
    unsigned gone[N] = { }, n = 1000;
    MaliTlb tlb;

    mali_tlb_init(&tlb, &(MaliTlbConfig) {
        .n_as = 1, .entries = N, .evict = true, .seed = seed,
    });
    for (unsigned i = 0; i < n; i++) {
        MaliPtwResult res;

        mali_tlb_drop(&tlb, 0, 0, UINT64_MAX);
        for (unsigned j = 0; j <= N; j++) {
            res = walk(j * PAGE, 0, 3, 3);
            mali_tlb_fill(&tlb, 0, j * PAGE, &res, true, 0);
        }
        for (unsigned j = 0; j < N; j++) {
            gone[j] += !mali_tlb_lookup(&tlb, 0, j * PAGE);
        }
        g_assert_nonnull(mali_tlb_lookup(&tlb, 0, N * PAGE));
    }
    /* The seed is fixed, so that this holds always or never */
    for (unsigned j = 0; j < N; j++) {
        g_assert_cmpuint(gone[j], >, n / N / 2);
        g_assert_cmpuint(gone[j], <, n / N * 2);
    }
    mali_tlb_destroy(&tlb);
}

static void test_replacement_of_all(void)
{
    check_replacement_of_all(0);
    check_replacement_of_all(1);
    check_replacement_of_all(UINT32_MAX);
}

/* What tables that point at themselves map does not take all memory */
static void test_limit(void)
{
    MaliTlb tlb;
    uint64_t va = 0;

    mali_tlb_init(&tlb, &(MaliTlbConfig) { .n_as = 2 });
    for (unsigned i = 0; i < MALI_TLB_MAX_ENTRIES; i++, va += BLOCK_2M) {
        MaliPtwResult res = walk(va, 0, 3, 2);

        mali_tlb_fill(&tlb, i % 2, va, &res, true, 0);
        g_assert_cmpuint(tlb.total, <=, MALI_TLB_MAX_ENTRIES);
    }
    g_assert_cmpuint(tlb.total, ==, MALI_TLB_MAX_ENTRIES);
    g_assert_cmpuint(mali_tlb_count_all(&tlb, 0) + mali_tlb_count_all(&tlb, 1),
                     ==, MALI_TLB_MAX_ENTRIES);
    g_assert_cmpuint(tlb.fills + tlb.refusals, >=, MALI_TLB_MAX_ENTRIES);
    g_assert_cmpuint(tlb.refusals, >, 0);
    /* Those that came first are there */
    g_assert_nonnull(mali_tlb_lookup(&tlb, 0, 0));
    g_assert_nonnull(mali_tlb_lookup(&tlb, 1, BLOCK_2M));
    g_assert_null(mali_tlb_lookup(&tlb, 0, va - 2 * BLOCK_2M));
    /* A save of it can be loaded, and no more */
    tlb_save_and_load(&tlb);
    g_assert_false(mali_tlb_restore(&tlb, 0, &(MaliTlbEntry) {
        .node.start = va, .level = 3, .readable = true,
    }, true));
    g_assert_cmpuint(mali_tlb_drop(&tlb, 0, 0, UINT64_MAX) +
                     mali_tlb_drop(&tlb, 1, 0, UINT64_MAX), ==,
                     MALI_TLB_MAX_ENTRIES);
    g_assert_cmpuint(tlb.total, ==, 0);
    mali_tlb_destroy(&tlb);
}

/* --- Lists --- */

static void test_list(void)
{
    Bed b;

    bed_init(&b, &(MaliTlbConfig) { .n_as = 2 });
    fill(&b, 0, 0x400000, 0, 2);
    fill(&b, 0, 0x205000, 0, 3);
    fill(&b, 0, 0x200000, 0, 2);
    fill(&b, 0, 0x600000, 0, 3);
    fill(&b, 1, 0x300000, 0, 3);
    fill_tables(&b, 0x700000, 3, 0, false);
    tlb_ref_check_region(&b.ref, &b.tlb, 0, 0, UINT64_MAX);
    tlb_ref_check_region(&b.ref, &b.tlb, 0, 0x3fffff, 0x400000);
    tlb_ref_check_region(&b.ref, &b.tlb, 0, 0x206000, 0x206fff);
    tlb_ref_check_region(&b.ref, &b.tlb, 0, 0x601000, UINT64_MAX);
    tlb_ref_check_region(&b.ref, &b.tlb, 0, 0, 0x1fffff);
    tlb_ref_check_region(&b.ref, &b.tlb, 1, 0, UINT64_MAX);
    bed_free(&b);
}

/* --- Migration --- */

/* The same answers, and the same choices from then on */
static void test_save(void)
{
    const MaliTlbConfig config = {
        .n_as = 2, .entries = 6, .evict = true, .seed = 99,
    };
    Bed b;
    MaliTlb twin;

    bed_init(&b, &config);
    mali_tlb_init(&twin, &config);
    for (unsigned i = 0; i < 300; i++) {
        uint64_t va = i * 7919 % 64 * (BLOCK_2M / 4);
        MaliPtwResult res = walk(va, i * BLOCK_2M, 2 + i % 2, 2 + i % 2);

        mali_tlb_fill(&twin, i % 2, va, &res, true, i);
        tlb_ref_fill(&b.ref, &b.tlb, i % 2, va, &res, true, i);
        if (i % 5 == 0) {
            mali_tlb_drop(&twin, i % 2, va, va);
            drop(&b, i % 2, va, va);
        }
        if (i % 7 == 0) {
            tlb_save_and_load(&b.tlb);
        }
        tlb_ref_check(&b.ref, &b.tlb);
        tlb_ref_check(&b.ref, &twin);
    }
    mali_tlb_destroy(&twin);
    bed_free(&b);
}

/* What no TLB can have saved is refused, and leaves nothing */
static void test_restore_refuses(void)
{
    static const struct {
        const char *what;
        bool leaf;
        MaliTlbEntry entry;
    } cases[] = {
        { "leaf of level 0", true, { .level = 0 } },
        { "leaf below the last level", true, { .level = 4 } },
        { "leaf of a level that wraps", true, { .level = 255 } },
        { "table of level 0", false, { .level = 0 } },
        { "table below the last level", false, { .level = 4 } },
        { "page within a page", true, { .level = 3, .node.start = 0x1800 } },
        { "block within a block", true, { .level = 2, .node.start = 0x1000 } },
        { "block that is not aligned", true, { .level = 2, .pa = 0x1000 } },
        { "1 GiB that are not aligned", true, { .level = 1, .pa = 0x200000 } },
        { "page that is not aligned", true, { .level = 3, .pa = 0x800 } },
        { "table that is not aligned", false, { .level = 3, .pa = 0x800 } },
        { "table for part of what it is for", false,
          { .level = 3, .node.start = 0x1000 } },
        { "table beyond all addresses", false,
          { .level = 1, .node.start = 1ULL << 48 } },
        { "leaf beyond all addresses", true,
          { .level = 3, .node.start = 1ULL << 48 } },
        { "last page of 64 bits", true,
          { .level = 3, .node.start = -0x1000ULL } },
        { "too many limits", false, { .level = 3, .limits = 0x20 } },
        { "leaf with limits", true, { .level = 3, .limits = 1 } },
        { "descriptor that is not aligned", true,
          { .level = 3, .desc_pa = 4 } },
    };
    MaliTlbConfig config = { .n_as = 1, .entries = 1, .evict = true };
    Bed b;

    bed_init(&b, &config);
    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        g_test_message("%s", cases[i].what);
        g_assert_false(mali_tlb_restore(&b.tlb, 0, &cases[i].entry,
                                        cases[i].leaf));
        tlb_ref_check(&b.ref, &b.tlb);
    }
    /* More than there is room for */
    g_assert_true(mali_tlb_restore(&b.tlb, 0, &(MaliTlbEntry) { .level = 3 },
                                   true));
    g_assert_false(mali_tlb_restore(&b.tlb, 0, &(MaliTlbEntry) {
        .level = 3, .node.start = PAGE,
    }, true));
    g_assert_cmpuint(mali_tlb_count(&b.tlb, 0), ==, 1);
    bed_free(&b);
}

/* A saved order of filling that is extreme: what is filled later is later */
static void test_restore_order(void)
{
    Bed b;

    bed_init(&b, &(MaliTlbConfig) { .n_as = 1 });
    g_assert_true(mali_tlb_restore(&b.tlb, 0, &(MaliTlbEntry) {
        .level = 2, .pa = BLOCK_2M, .serial = 1ULL << 62,
    }, true));
    g_assert_true(mali_tlb_restore(&b.tlb, 0, &(MaliTlbEntry) {
        .level = 3, .pa = PAGE, .serial = 5,
    }, true));
    mali_tlb_fill(&b.tlb, 0, 0x1000, &(MaliPtwResult) {
        .level = 3, .page_mask = 0xfff, .pa = 3 * PAGE,
    }, true, 0);
    g_assert_cmphex(mali_tlb_lookup(&b.tlb, 0, 0)->pa, ==, PAGE);
    g_assert_cmphex(mali_tlb_lookup(&b.tlb, 0, 0x1000)->pa, ==, BLOCK_2M);
    bed_free(&b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mali-csf/tlb/extent", test_extent);
    g_test_add_func("/mali-csf/tlb/spaces", test_spaces);
    g_test_add_func("/mali-csf/tlb/same-place", test_same_place);
    g_test_add_func("/mali-csf/tlb/page-zero", test_page_zero);
    g_test_add_func("/mali-csf/tlb/overlap", test_overlap);
    g_test_add_func("/mali-csf/tlb/stale-page", test_stale_page);
    g_test_add_func("/mali-csf/tlb/rights", test_rights);
    g_test_add_func("/mali-csf/tlb/tables", test_tables);
    g_test_add_func("/mali-csf/tlb/fault", test_fault);
    g_test_add_func("/mali-csf/tlb/drop-tables", test_drop_tables);
    g_test_add_func("/mali-csf/tlb/race", test_race);
    g_test_add_func("/mali-csf/tlb/drop-edges", test_drop_edges);
    g_test_add_func("/mali-csf/tlb/drop-only", test_drop_only);
    g_test_add_func("/mali-csf/tlb/drop-and-fill", test_drop_and_fill);
    g_test_add_func("/mali-csf/tlb/full", test_full);
    g_test_add_func("/mali-csf/tlb/replacement", test_replacement);
    g_test_add_func("/mali-csf/tlb/replacement-of-all",
                    test_replacement_of_all);
    g_test_add_func("/mali-csf/tlb/limit", test_limit);
    g_test_add_func("/mali-csf/tlb/list", test_list);
    g_test_add_func("/mali-csf/tlb/save", test_save);
    g_test_add_func("/mali-csf/tlb/restore-refuses", test_restore_refuses);
    g_test_add_func("/mali-csf/tlb/restore-order", test_restore_order);
    return g_test_run();
}
