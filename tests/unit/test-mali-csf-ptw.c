/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mali CSF page-table walker, against tables computed by hand
 *
 * The numbers are literal on purpose: nothing here is derived with the
 * walker's own constants.
 */

#include "qemu/osdep.h"
#include "mali_csf_ptw.h"
#include "ptw-memory.h"

/*
 * The tables of most tests: one path, for one address
 *
 * VA 0x1234_5678_9abc has the indices 0x24, 0xd1, 0xb3 and 0x189; the tables
 * of level 0 to 3 are the pages at 0x8000_0000, 0x8000_1000 and so on.
 */
#define VA 0x123456789abcULL
#define ROOT 0x80000000ULL

static const uint64_t slot[] = {
    0x80000120, 0x80001688, 0x80002598, 0x80003c48,
};

static const uint64_t table_desc[] = {
    0x80001003, 0x80002003, 0x80003003,
};

/*
 * Leaves as Linux writes them for cached, writable, executable memory: nG, AF,
 * inner shareable, AP_UNPRIV, MAIR index 1, type block or page.
 */
#define BLOCK_RWX 0xf45
#define PAGE_RWX 0xf47
#define LINUX_XN 0x0060000000000000ULL

typedef struct Leaf {
    unsigned level;
    uint64_t desc;
    uint64_t mask;
    uint64_t first;         /* VA of the first byte it maps */
    uint64_t pa;            /* where VA is in it */
    uint64_t res0;          /* address bits below its size: to be ignored */
} Leaf;

static const Leaf leaves[] = {
    {
        .level = 1, .desc = 0x2c0000000 | BLOCK_RWX, .mask = 0x3fffffff,
        .first = 0x123440000000, .pa = 0x2d6789abc, .res0 = 0x3ffff000,
    }, {
        .level = 2, .desc = 0x9ac00000 | BLOCK_RWX, .mask = 0x1fffff,
        .first = 0x123456600000, .pa = 0x9ad89abc, .res0 = 0x1ff000,
    }, {
        .level = 3, .desc = 0xa5a5a000 | PAGE_RWX, .mask = 0xfff,
        .first = 0x123456789000, .pa = 0xa5a5aabc, .res0 = 0,
    },
};

typedef struct Fixture {
    PtwMemory *mem;
    MaliPtwConfig cfg;
} Fixture;

static void setup(Fixture *f, gconstpointer data)
{
    f->mem = ptw_memory_new();
    /* What panthor programs for a 48-bit, non-coherent GPU */
    f->cfg = (MaliPtwConfig) {
        .root = ROOT,
        .memattr = 0x4c4c4c4c8c4c8f4c,
        .va_bits = 48,
        .pa_bits = 48,
        .hier_ap = true,
        .af_fault = true,
    };
}

static void teardown(Fixture *f, gconstpointer data)
{
    ptw_memory_free(f->mem);
}

/* The path to VA, down to @desc at @level */
static void put_path(Fixture *f, unsigned level, uint64_t desc)
{
    for (unsigned i = 0; i < level; i++) {
        ptw_memory_set(f->mem, slot[i], table_desc[i]);
    }
    ptw_memory_set(f->mem, slot[level], desc);
}

static uint8_t walk(Fixture *f, uint64_t va, MaliAccess access,
                    MaliPtwResult *res)
{
    uint8_t code;

    memset(res, 0x5a, sizeof(*res));
    f->mem->fetches = 0;
    code = mali_ptw_walk(&f->cfg, va, access, NULL, ptw_memory_fetch, f->mem,
                         res);
    g_assert_cmpuint(f->mem->fetches, <=, 4);
    return code;
}

static void assert_maps(Fixture *f, uint64_t va, MaliAccess access,
                        uint64_t pa)
{
    MaliPtwResult res;

    g_assert_cmphex(walk(f, va, access, &res), ==, 0);
    g_assert_cmphex(res.pa, ==, pa);
}

/* VA faults with @code after having read the descriptor of @level */
static void assert_faults(Fixture *f, MaliAccess access, uint8_t code,
                          unsigned level)
{
    MaliPtwResult res;

    g_assert_cmphex(walk(f, VA, access, &res), ==, code);
    g_assert_cmpuint(res.level, ==, level);
    g_assert_cmpuint(res.n_levels, ==, level + 1);
    g_assert_cmpuint(f->mem->fetches, ==, level + 1);
    for (unsigned i = 0; i <= level; i++) {
        g_assert_cmphex(res.desc_pa[i], ==, slot[i]);
    }
}

/* @va faults with @code before anything is read */
static void assert_refused(Fixture *f, uint64_t va, uint8_t code)
{
    MaliPtwResult res;

    g_assert_cmphex(walk(f, va, MALI_ACCESS_READ, &res), ==, code);
    g_assert_cmpuint(f->mem->fetches, ==, 0);
    g_assert_cmpuint(res.n_levels, ==, 0);
    g_assert_cmpuint(res.level, ==, 0);
}

/* Rights of VA as "rwx", from the result and from walks of every kind */
static void assert_rights(Fixture *f, unsigned level, const char *rights)
{
    bool r = rights[0] == 'r', w = rights[1] == 'w', x = rights[2] == 'x';
    const bool allowed[] = {
        [MALI_ACCESS_ATOMIC] = r && w,
        [MALI_ACCESS_EXECUTE] = x,
        [MALI_ACCESS_READ] = r,
        [MALI_ACCESS_WRITE] = w,
    };

    for (MaliAccess a = MALI_ACCESS_ATOMIC; a <= MALI_ACCESS_WRITE; a++) {
        MaliPtwResult res;

        if (!allowed[a]) {
            assert_faults(f, a, 0xc8 + level, level);
            continue;
        }
        g_assert_cmphex(walk(f, VA, a, &res), ==, 0);
        g_assert_cmpint(res.readable, ==, r);
        g_assert_cmpint(res.writable, ==, w);
        g_assert_cmpint(res.executable, ==, x);
        for (MaliAccess b = MALI_ACCESS_ATOMIC; b <= MALI_ACCESS_WRITE; b++) {
            g_assert_cmpint(mali_ptw_allows(&res, b), ==, allowed[b]);
        }
    }
}

/* Every leaf size: the whole result, and the edges of what is mapped */
static void test_leaf(Fixture *f, gconstpointer data)
{
    const Leaf *leaf = data;
    uint64_t last = leaf->first + leaf->mask;
    MaliPtwResult res;

    put_path(f, leaf->level, leaf->desc);

    g_assert_cmphex(walk(f, VA, MALI_ACCESS_READ, &res), ==, 0);
    g_assert_cmphex(res.pa, ==, leaf->pa);
    g_assert_cmphex(res.page_mask, ==, leaf->mask);
    g_assert_cmphex(res.desc, ==, leaf->desc);
    g_assert_cmpuint(res.level, ==, leaf->level);
    g_assert_cmpuint(res.n_levels, ==, leaf->level + 1);
    g_assert_cmphex(res.attr, ==, 0x8f);
    for (unsigned i = 0; i <= leaf->level; i++) {
        g_assert_cmphex(res.desc_pa[i], ==, slot[i]);
    }
    g_assert_cmpuint(f->mem->fetches, ==, leaf->level + 1);

    assert_maps(f, leaf->first, MALI_ACCESS_READ, leaf->desc & ~0xfffULL);
    assert_maps(f, last, MALI_ACCESS_READ,
                (leaf->desc & ~0xfffULL) + leaf->mask);

    g_assert_cmphex(walk(f, leaf->first - 1, MALI_ACCESS_READ, &res), ==,
                    0xc0 + leaf->level);
    g_assert_cmphex(walk(f, last + 1, MALI_ACCESS_READ, &res), ==,
                    0xc0 + leaf->level);
}

/* Bits of a leaf that belong to software, to others or to nobody */
static void test_leaf_ignored_bits(Fixture *f, gconstpointer data)
{
    const Leaf *leaf = data;
    /* NS, SH, nG, and all above the address but XN */
    uint64_t ignored = 0xffbf000000000b20 | leaf->res0;

    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t flip = 1ULL << bit;
        MaliPtwResult res;

        if (!(ignored & flip)) {
            continue;
        }
        put_path(f, leaf->level, leaf->desc ^ flip);
        g_assert_cmphex(walk(f, VA, MALI_ACCESS_EXECUTE, &res), ==, 0);
        g_assert_cmphex(res.pa, ==, leaf->pa);
        g_assert_cmphex(res.attr, ==, 0x8f);
        g_assert_true(res.readable && res.writable);
    }
    put_path(f, leaf->level, leaf->desc | ignored);
    assert_maps(f, VA, MALI_ACCESS_WRITE, leaf->pa);
}

/* Bits of a table descriptor that do not matter, bit 55 of Linux with them */
static void test_table_ignored_bits(Fixture *f, gconstpointer data)
{
    /* All but the type, the address, and APTable and XNTable */
    const uint64_t ignored = 0x8fff000000000ffc;

    for (unsigned level = 0; level < 3; level++) {
        for (unsigned bit = 0; bit < 64; bit++) {
            uint64_t flip = 1ULL << bit;

            if (!(ignored & flip)) {
                continue;
            }
            put_path(f, 3, leaves[2].desc);
            ptw_memory_set(f->mem, slot[level], table_desc[level] | flip);
            assert_rights(f, 3, "rwx");
            assert_maps(f, VA, MALI_ACCESS_READ, leaves[2].pa);
        }
        ptw_memory_set(f->mem, slot[level], table_desc[level] | ignored);
        assert_maps(f, VA, MALI_ACCESS_READ, leaves[2].pa);
    }
}

/* Where the walk starts, as arm_lpae_alloc_pgtable() lays tables out */
static const struct StartLevel {
    uint8_t va_bits;
    uint8_t level;
    uint16_t last;          /* offset of the root's last descriptor */
} start_levels[] = {
    { 13, 3, 0x008 }, { 21, 3, 0xff8 },
    { 22, 2, 0x008 }, { 25, 2, 0x078 }, { 29, 2, 0x7f8 }, { 30, 2, 0xff8 },
    { 31, 1, 0x008 }, { 32, 1, 0x018 }, { 33, 1, 0x038 }, { 36, 1, 0x1f8 },
    { 38, 1, 0x7f8 }, { 39, 1, 0xff8 },
    { 40, 0, 0x008 }, { 41, 0, 0x018 }, { 42, 0, 0x038 }, { 44, 0, 0x0f8 },
    { 47, 0, 0x7f8 }, { 48, 0, 0xff8 },
};

static void test_start_level(Fixture *f, gconstpointer data)
{
    const struct StartLevel *start = data;
    uint64_t end = 1ULL << start->va_bits;
    uint64_t at = ROOT + start->last;
    unsigned n = 4 - start->level;
    MaliPtwResult res;

    f->cfg.va_bits = start->va_bits;

    /* The last page; all its indices below the root are 511 */
    for (unsigned i = 1; i < n; i++) {
        ptw_memory_set(f->mem, at, (ROOT + i * 0x1000) | 3);
        at = ROOT + i * 0x1000 + 0xff8;
    }
    ptw_memory_set(f->mem, at, 0xa5a5a000 | PAGE_RWX);

    g_assert_cmphex(walk(f, end - 1, MALI_ACCESS_READ, &res), ==, 0);
    g_assert_cmphex(res.pa, ==, 0xa5a5afff);
    g_assert_cmpuint(res.level, ==, 3);
    g_assert_cmpuint(res.n_levels, ==, n);
    g_assert_cmphex(res.desc_pa[0], ==, ROOT + start->last);
    g_assert_cmphex(res.desc_pa[n - 1], ==, at);
    assert_maps(f, end - 0x1000, MALI_ACCESS_READ, 0xa5a5a000);

    g_assert_cmphex(walk(f, 0, MALI_ACCESS_READ, &res), ==,
                    0xc0 + start->level);
    g_assert_cmpuint(res.level, ==, start->level);
    g_assert_cmphex(res.desc_pa[0], ==, ROOT);
}

/* An address has no bits above the input size, not even copies of a sign */
static void test_input_size(Fixture *f, gconstpointer data)
{
    for (unsigned bits = 13; bits <= 48; bits++) {
        f->cfg.va_bits = bits;
        for (unsigned above = bits; above < 64; above++) {
            assert_refused(f, 1ULL << above, 0xe0);
        }
        assert_refused(f, -1ULL, 0xe0);
        assert_refused(f, -1ULL << (bits - 1), 0xe0);
        assert_refused(f, (1ULL << bits) | 0xfff, 0xe0);
    }
}

static void test_bad_input_size(Fixture *f, gconstpointer data)
{
    for (unsigned bits = 0; bits <= UINT8_MAX; bits++) {
        if (bits < 13 || bits > 48) {
            f->cfg.va_bits = bits;
            assert_refused(f, 0, 0xc0);
            assert_refused(f, -1ULL, 0xc0);
        }
    }
}

/* A root is aligned to its size, and to 64 bytes at least */
static void test_root_alignment(Fixture *f, gconstpointer data)
{
    static const struct {
        uint8_t va_bits;
        uint64_t root;
        uint64_t used;
    } roots[] = {
        { 48, 0x80000fff, 0x80000000 }, { 48, 0x80001000, 0x80001000 },
        { 39, 0x80000ff8, 0x80000000 }, { 47, 0x80000ff8, 0x80000800 },
        { 34, 0x80000ff8, 0x80000f80 }, { 33, 0x80000ff8, 0x80000fc0 },
        { 32, 0x80000fff, 0x80000fc0 }, { 31, 0x80000fbf, 0x80000f80 },
        { 13, 0x80000fff, 0x80000fc0 },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(roots); i++) {
        MaliPtwResult res;

        f->cfg.va_bits = roots[i].va_bits;
        f->cfg.root = roots[i].root;
        walk(f, 0, MALI_ACCESS_READ, &res);
        g_assert_cmphex(res.desc_pa[0], ==, roots[i].used);
    }
}

/* Translation faults: what is no descriptor at that level */
static void test_invalid(Fixture *f, gconstpointer data)
{
    for (unsigned level = 0; level < 4; level++) {
        static const uint64_t invalid[] = {
            0, 2, 0xf44, 0xf46, 0xa5a5a002, 0xfffffffffffffffe,
            0xfffffffffffffffc,
        };

        for (unsigned i = 0; i < ARRAY_SIZE(invalid); i++) {
            for (unsigned a = MALI_ACCESS_ATOMIC; a <= MALI_ACCESS_WRITE; a++) {
                put_path(f, level, invalid[i]);
                assert_faults(f, a, 0xc0 + level, level);
            }
        }
    }
}

static void test_reserved(Fixture *f, gconstpointer data)
{
    put_path(f, 0, BLOCK_RWX);
    assert_faults(f, MALI_ACCESS_READ, 0xc0, 0);
    put_path(f, 0, 0xfffffffffffffffd);
    assert_faults(f, MALI_ACCESS_READ, 0xc0, 0);

    put_path(f, 3, 0xa5a5a000 | BLOCK_RWX);
    assert_faults(f, MALI_ACCESS_READ, 0xc3, 3);
    put_path(f, 3, 0xfffffffffffffffd);
    assert_faults(f, MALI_ACCESS_READ, 0xc3, 3);
}

/* Output sizes: the root, each table, each leaf, below and at the limit */
static void test_output_size(Fixture *f, gconstpointer data)
{
    static const uint8_t sizes[] = { 32, 36, 40, 42, 44 };

    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        f->cfg.pa_bits = sizes[i];

        for (unsigned bit = sizes[i]; bit < 48; bit++) {
            uint64_t beyond = 1ULL << bit;

            for (unsigned level = 0; level < 3; level++) {
                put_path(f, level, table_desc[level] | beyond);
                assert_faults(f, MALI_ACCESS_READ, 0xe4 + level, level);
            }
            for (unsigned j = 0; j < ARRAY_SIZE(leaves); j++) {
                unsigned level = leaves[j].level;

                put_path(f, level, beyond | (leaves[j].desc & 0xfff));
                assert_faults(f, MALI_ACCESS_READ, 0xe4 + level, level);
            }
        }
    }
}

static void test_output_limit(Fixture *f, gconstpointer data)
{
    static const uint8_t sizes[] = { 32, 36, 40, 42, 44, 48, 52 };

    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        /* A descriptor's address has 48 bits, whatever the size */
        uint64_t end = 1ULL << MIN(sizes[i], 48);
        uint64_t table = end - 0x1000;

        f->cfg.pa_bits = sizes[i];

        put_path(f, 1, (end - 0x40000000) | BLOCK_RWX);
        assert_maps(f, VA, MALI_ACCESS_READ, end - 0x40000000 + 0x16789abc);
        put_path(f, 2, (end - 0x200000) | BLOCK_RWX);
        assert_maps(f, VA, MALI_ACCESS_READ, end - 0x200000 + 0x189abc);
        put_path(f, 3, (end - 0x1000) | PAGE_RWX);
        assert_maps(f, VA, MALI_ACCESS_READ, end - 0x1000 + 0xabc);

        /* One page as the table of level 1, 2 and 3 */
        ptw_memory_set(f->mem, slot[0], table | 3);
        ptw_memory_set(f->mem, table + 0xd1 * 8, table | 3);
        ptw_memory_set(f->mem, table + 0xb3 * 8, table | 3);
        ptw_memory_set(f->mem, table + 0x189 * 8, 0xa5a5a000 | PAGE_RWX);
        assert_maps(f, VA, MALI_ACCESS_READ, 0xa5a5aabc);
    }
}

/* A size that no register can hold limits nothing, and harms nobody */
static void test_no_output_limit(Fixture *f, gconstpointer data)
{
    for (unsigned bits = 64; bits <= UINT8_MAX; bits++) {
        f->cfg.pa_bits = bits;
        f->cfg.root = 0xfffffffffffff000;
        ptw_memory_set(f->mem, 0xfffffffffffff120, table_desc[0]);
        ptw_memory_set(f->mem, slot[1], leaves[0].desc);
        assert_maps(f, VA, MALI_ACCESS_READ, leaves[0].pa);
    }
}

static void test_root_size(Fixture *f, gconstpointer data)
{
    static const uint8_t sizes[] = { 32, 36, 40, 42, 44, 48, 52 };

    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        uint64_t end = 1ULL << sizes[i];

        f->cfg.pa_bits = sizes[i];

        for (unsigned va_bits = 25; va_bits <= 48; va_bits++) {
            /* It is level 0 also where the walk starts further down */
            f->cfg.va_bits = va_bits;
            f->cfg.root = end;
            assert_refused(f, 0, 0xe4);
            f->cfg.root = 1ULL << 63;
            assert_refused(f, 0, 0xe4);
        }

        f->cfg.va_bits = 48;
        f->cfg.root = end - 0x1000;
        ptw_memory_set(f->mem, end - 0x1000 + 0x120, table_desc[0]);
        ptw_memory_set(f->mem, slot[1], leaves[0].desc & 0xffffffff);
        assert_maps(f, VA, MALI_ACCESS_READ, 0xd6789abc);
    }
}

static void test_access_flag(Fixture *f, gconstpointer data)
{
    const Leaf *leaf = data;

    put_path(f, leaf->level, leaf->desc & ~0x400ULL);
    for (unsigned a = MALI_ACCESS_ATOMIC; a <= MALI_ACCESS_WRITE; a++) {
        assert_faults(f, a, 0xd8 + leaf->level, leaf->level);
    }

    f->cfg.af_fault = false;
    assert_maps(f, VA, MALI_ACCESS_WRITE, leaf->pa);
}

/* Rights by AP[2:1] and XN, under: nothing, WXN, XREADABLE, both */
static const struct Rights {
    uint64_t ap;
    uint64_t xn;
    const char *rights[4];
} rights_table[] = {
    /* privileged only, read-write and read-only */
    { 0x00, 0,                  { "--x", "--x", "r-x", "r-x" } },
    { 0x00, 0x0020000000000000, { "--x", "--x", "r-x", "r-x" } },
    { 0x00, 0x0040000000000000, { "---", "---", "---", "---" } },
    { 0x00, LINUX_XN,           { "---", "---", "---", "---" } },
    { 0x80, 0,                  { "--x", "--x", "r-x", "r-x" } },
    { 0x80, 0x0020000000000000, { "--x", "--x", "r-x", "r-x" } },
    { 0x80, 0x0040000000000000, { "---", "---", "---", "---" } },
    { 0x80, LINUX_XN,           { "---", "---", "---", "---" } },
    /* everybody, read-write */
    { 0x40, 0,                  { "rwx", "rw-", "rwx", "rw-" } },
    { 0x40, 0x0020000000000000, { "rwx", "rw-", "rwx", "rw-" } },
    { 0x40, 0x0040000000000000, { "rw-", "rw-", "rw-", "rw-" } },
    { 0x40, LINUX_XN,           { "rw-", "rw-", "rw-", "rw-" } },
    /* everybody, read-only */
    { 0xc0, 0,                  { "r-x", "r-x", "r-x", "r-x" } },
    { 0xc0, 0x0020000000000000, { "r-x", "r-x", "r-x", "r-x" } },
    { 0xc0, 0x0040000000000000, { "r--", "r--", "r--", "r--" } },
    { 0xc0, LINUX_XN,           { "r--", "r--", "r--", "r--" } },
};

static void test_permissions(Fixture *f, gconstpointer data)
{
    const Leaf *leaf = data;

    for (unsigned i = 0; i < ARRAY_SIZE(rights_table); i++) {
        const struct Rights *row = &rights_table[i];

        put_path(f, leaf->level, (leaf->desc & ~0xc0ULL) | row->ap | row->xn);
        for (unsigned j = 0; j < ARRAY_SIZE(row->rights); j++) {
            f->cfg.wxn = j & 1;
            f->cfg.xreadable = j & 2;
            assert_rights(f, leaf->level, row->rights[j]);
        }
    }
}

/* What table descriptors take from a leaf, and that they give nothing */
static const struct TableRights {
    uint64_t table;
    uint64_t ap_xn;
    bool wxn;
    const char *rights;
} table_rights[] = {
    { 0,                  0x40, false, "rwx" },
    { 0x0800000000000000, 0x40, false, "rwx" },   /* PXNTable */
    { 0x1000000000000000, 0x40, false, "rw-" },   /* XNTable */
    { 0x2000000000000000, 0x40, false, "--x" },   /* APTable[0] */
    { 0x3000000000000000, 0x40, false, "---" },
    { 0x4000000000000000, 0x40, false, "r-x" },   /* APTable[1] */
    { 0x5000000000000000, 0x40, false, "r--" },
    { 0x6000000000000000, 0x40, false, "--x" },
    { 0x7000000000000000, 0x40, false, "---" },
    { 0x8000000000000000, 0x40, false, "rwx" },   /* NSTable */
    { 0x1000000000000000, 0xc0, false, "r--" },
    { 0x4000000000000000, 0xc0, false, "r-x" },
    { 0x4000000000000000, 0x40 | LINUX_XN, false, "r--" },
    { 0x6000000000000000, 0x00 | LINUX_XN, false, "---" },
    /* WXN looks at what is left */
    { 0,                  0x40, true, "rw-" },
    { 0x4000000000000000, 0x40, true, "r-x" },
    { 0x2000000000000000, 0x40, true, "--x" },
};

static void test_hierarchical(Fixture *f, gconstpointer data)
{
    const Leaf *leaf = data;

    for (unsigned i = 0; i < ARRAY_SIZE(table_rights); i++) {
        const struct TableRights *row = &table_rights[i];

        f->cfg.wxn = row->wxn;
        for (unsigned level = 0; level < leaf->level; level++) {
            put_path(f, leaf->level, (leaf->desc & ~0xc0ULL) | row->ap_xn);
            ptw_memory_set(f->mem, slot[level],
                           table_desc[level] | row->table);
            f->cfg.hier_ap = true;
            assert_rights(f, leaf->level, row->rights);
        }
    }
}

static void test_hierarchical_sum(Fixture *f, gconstpointer data)
{
    put_path(f, 3, leaves[2].desc);
    ptw_memory_set(f->mem, slot[0], table_desc[0] | 0x1000000000000000);
    ptw_memory_set(f->mem, slot[1], table_desc[1] | 0x4000000000000000);
    assert_rights(f, 3, "r--");
    ptw_memory_set(f->mem, slot[2], table_desc[2] | 0x2000000000000000);
    assert_rights(f, 3, "---");

    f->cfg.hier_ap = false;
    assert_rights(f, 3, "rwx");
}

static void test_memory_attribute(Fixture *f, gconstpointer data)
{
    const Leaf *leaf = data;

    for (unsigned index = 0; index < 8; index++) {
        uint64_t desc = (leaf->desc & ~0x1cULL) | index << 2;
        MaliPtwResult res;

        put_path(f, leaf->level, desc);

        /* 0 shared, 1 non-cacheable, 2 write-back: the whole byte comes back */
        for (unsigned byte = 0; byte < 0xc0; byte++) {
            f->cfg.memattr = ~(0xffULL << index * 8) |
                             (uint64_t)byte << index * 8;
            g_assert_cmphex(walk(f, VA, MALI_ACCESS_READ, &res), ==, 0);
            g_assert_cmphex(res.attr, ==, byte);
        }
        /* 3 faults, and only where it is used */
        for (unsigned byte = 0xc0; byte <= 0xff; byte++) {
            f->cfg.memattr = (uint64_t)byte << index * 8;
            assert_faults(f, MALI_ACCESS_READ, 0xe8 + leaf->level,
                          leaf->level);
        }
    }
}

static void test_bus_error(Fixture *f, gconstpointer data)
{
    put_path(f, 3, leaves[2].desc);

    for (int level = 3; level >= 0; level--) {
        MaliPtwResult res;

        ptw_memory_break(f->mem, slot[level]);
        g_assert_cmphex(walk(f, VA, MALI_ACCESS_READ, &res), ==, 0x80);
        g_assert_cmpuint(res.level, ==, level);
        g_assert_cmpuint(res.n_levels, ==, level);
        g_assert_cmphex(res.desc, ==, level ? table_desc[level - 1] : 0);
    }
}

/* Several faults in one leaf, taken away in the order of their priority */
static void test_priority_in_leaf(Fixture *f, gconstpointer data)
{
    const Leaf *leaf = data;
    unsigned level = leaf->level;
    const uint64_t beyond = 1ULL << 40;
    uint64_t desc = (leaf->desc & ~0x440ULL) | beyond | LINUX_XN;

    f->cfg.pa_bits = 40;
    f->cfg.memattr = 0xff00;

    put_path(f, level, desc & ~1ULL);
    ptw_memory_break(f->mem, slot[level]);
    g_assert_cmphex(mali_ptw_walk(&f->cfg, VA, MALI_ACCESS_READ, NULL,
                                  ptw_memory_fetch, f->mem,
                                  &(MaliPtwResult) { }), ==, 0x80);
    g_hash_table_remove_all(f->mem->broken);
    assert_faults(f, MALI_ACCESS_READ, 0xc0 + level, level);
    put_path(f, level, desc);
    assert_faults(f, MALI_ACCESS_READ, 0xe4 + level, level);
    put_path(f, level, desc & ~beyond);
    assert_faults(f, MALI_ACCESS_READ, 0xd8 + level, level);
    put_path(f, level, (desc & ~beyond) | 0x400);
    assert_faults(f, MALI_ACCESS_READ, 0xe8 + level, level);
    f->cfg.memattr = 0x8f00;
    assert_faults(f, MALI_ACCESS_READ, 0xc8 + level, level);
    put_path(f, level, (desc & ~beyond) | 0x440);
    assert_maps(f, VA, MALI_ACCESS_READ, leaf->pa);
}

/* A fault higher up hides those below it; input comes first, then the root */
static void test_priority_of_levels(Fixture *f, gconstpointer data)
{
    const uint64_t beyond = 1ULL << 40;

    f->cfg.pa_bits = 40;
    put_path(f, 3, 0);
    for (int level = 2; level >= 0; level--) {
        ptw_memory_set(f->mem, slot[level], table_desc[level] | beyond);
        assert_faults(f, MALI_ACCESS_READ, 0xe4 + level, level);
        ptw_memory_set(f->mem, slot[level], (table_desc[level] | beyond) & ~1);
        assert_faults(f, MALI_ACCESS_READ, 0xc0 + level, level);
    }

    f->cfg.root = beyond;
    assert_refused(f, VA, 0xe4);
    assert_refused(f, VA | 1ULL << 48, 0xe0);
}

/* Tables that contain themselves end like all others: at level 3 */
static void test_recursive(Fixture *f, gconstpointer data)
{
    ptw_memory_set(f->mem, ROOT + 0xff8, ROOT | PAGE_RWX);

    assert_maps(f, 0xffffffffffff, MALI_ACCESS_READ, ROOT + 0xfff);
    assert_maps(f, 0xfffffffff000, MALI_ACCESS_WRITE, ROOT);
}

static void add_for_leaves(const char *name,
                           void (*test)(Fixture *, gconstpointer))
{
    static const char *const sizes[] = { "1g", "2m", "4k" };

    for (unsigned i = 0; i < ARRAY_SIZE(leaves); i++) {
        g_autofree char *path = g_strdup_printf("/ptw/%s/%s", name, sizes[i]);

        g_test_add(path, Fixture, &leaves[i], setup, test, teardown);
    }
}

static void add(const char *path, void (*test)(Fixture *, gconstpointer))
{
    g_test_add(path, Fixture, NULL, setup, test, teardown);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    add_for_leaves("leaf", test_leaf);
    add_for_leaves("leaf-ignored-bits", test_leaf_ignored_bits);
    add("/ptw/table-ignored-bits", test_table_ignored_bits);
    for (unsigned i = 0; i < ARRAY_SIZE(start_levels); i++) {
        g_autofree char *path = g_strdup_printf("/ptw/start-level/%u",
                                                start_levels[i].va_bits);

        g_test_add(path, Fixture, &start_levels[i], setup, test_start_level,
                   teardown);
    }
    add("/ptw/input-size", test_input_size);
    add("/ptw/bad-input-size", test_bad_input_size);
    add("/ptw/root-alignment", test_root_alignment);
    add("/ptw/root-size", test_root_size);
    add("/ptw/output-size", test_output_size);
    add("/ptw/output-limit", test_output_limit);
    add("/ptw/no-output-limit", test_no_output_limit);
    add("/ptw/invalid", test_invalid);
    add("/ptw/reserved", test_reserved);
    add_for_leaves("access-flag", test_access_flag);
    add_for_leaves("permissions", test_permissions);
    add_for_leaves("hierarchical", test_hierarchical);
    add("/ptw/hierarchical-sum", test_hierarchical_sum);
    add_for_leaves("memory-attribute", test_memory_attribute);
    add("/ptw/bus-error", test_bus_error);
    add_for_leaves("priority-in-leaf", test_priority_in_leaf);
    add("/ptw/priority-of-levels", test_priority_of_levels);
    add("/ptw/recursive", test_recursive);

    return g_test_run();
}
