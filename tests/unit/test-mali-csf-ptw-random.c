/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mali CSF page-table walker, against random tables
 *
 * Whoever builds tables knows what they map.  So the expected answers come
 * from a flat list of address ranges, written down while the tables are made:
 * nothing in this file walks a table or takes a descriptor apart.
 *
 * GLib prints the seed; --seed=R02S... repeats a run, -m slow makes it longer.
 */

#include "qemu/osdep.h"
#include "mali_csf_ptw.h"
#include "ptw-memory.h"

#define MAX_REGIONS 400

/* What one descriptor of a table of each level maps */
static const uint64_t entry_size[] = {
    0x8000000000, 0x40000000, 0x200000, 0x1000,
};

/* Bits that mean nothing to the walker, so that anything may be in them */
#define TABLE_JUNK 0x8fff000000000ffc
#define LEAF_JUNK 0xffbf000000000b20

typedef struct Rights {
    bool no_user;
    bool read_only;
    bool no_exec;
} Rights;

/* A range of addresses that one descriptor, or the rest of a table, decides */
typedef struct Region {
    uint64_t first;
    uint64_t last;
    uint8_t fault;          /* or 0: it is a leaf */
    bool unread;            /* the descriptor cannot be read */

    /* Where the descriptor is found */
    uint8_t level;
    uint8_t n_above;
    uint64_t above[4];      /* addresses of the descriptors on the way */
    uint64_t table;
    uint64_t table_first;

    /* The leaf */
    uint64_t pa;
    uint8_t attr_index;
    bool accessed;
    Rights own;
    Rights from_tables;
} Region;

typedef struct Space {
    MaliPtwConfig cfg;
    uint8_t attrs[8];
    unsigned start_level;
    uint64_t last;          /* valid address */
    bool bad_root;
    PtwMemory *mem;
    GHashTable *pages;      /* in use for tables */
    GArray *regions;        /* of a range within a range, the inner is later */
} Space;

static uint64_t rand64(void)
{
    return (uint64_t)(uint32_t)g_test_rand_int() << 32 |
           (uint32_t)g_test_rand_int();
}

/* One of 0 .. n-1 */
static unsigned rand_below(unsigned n)
{
    return g_test_rand_int_range(0, n);
}

static bool one_in(unsigned n)
{
    return rand_below(n) == 0;
}

static uint64_t rand_between(uint64_t first, uint64_t last)
{
    return first + (last - first == UINT64_MAX ? rand64() :
                    rand64() % (last - first + 1));
}

/* Output addresses that a descriptor can hold end here */
static uint64_t pa_end(const Space *s)
{
    return 1ULL << MIN(s->cfg.pa_bits, 48);
}

static uint64_t new_table(Space *s)
{
    uint64_t pa;

    do {
        /* The first and the last page more often than chance has it */
        pa = one_in(16) ? 0 : one_in(16) ? pa_end(s) - 0x1000 :
             rand_between(0, pa_end(s) / 0x1000 - 1) * 0x1000;
    } while (g_hash_table_contains(s->pages, &pa));
    g_hash_table_add(s->pages, g_memdup2(&pa, sizeof(pa)));
    return pa;
}

/* An address bit that is set in no address that is small enough */
static uint64_t pa_bit_beyond(const Space *s)
{
    return 1ULL << (s->cfg.pa_bits + rand_below(48 - s->cfg.pa_bits));
}

static Rights rand_rights(unsigned rarity)
{
    return (Rights) {
        .no_user = one_in(rarity),
        .read_only = one_in(rarity),
        .no_exec = one_in(rarity),
    };
}

static uint64_t make_leaf(Region *r, uint64_t size)
{
    /* Address bits below the size of a block */
    uint64_t desc = rand64() & (LEAF_JUNK | (size - 0x1000));

    r->attr_index = rand_below(8);
    r->accessed = !one_in(8);
    r->own = rand_rights(4);

    desc += size == 0x1000 ? 3 : 1;
    desc += r->attr_index * 4;
    desc += r->own.no_user ? 0 : 0x40;
    desc += r->own.read_only ? 0x80 : 0;
    desc += r->accessed ? 0x400 : 0;
    desc += r->own.no_exec ? 0x0040000000000000 : 0;
    return desc + r->pa;
}

static uint64_t make_table(uint64_t pa, const Rights *rights)
{
    uint64_t desc = rand64() & TABLE_JUNK;

    desc += rights->no_exec ? 0x1000000000000000 : 0;
    desc += rights->no_user ? 0x2000000000000000 : 0;
    desc += rights->read_only ? 0x4000000000000000 : 0;
    return desc + pa + 3;
}

static void fill_table(Space *s, Region rest);

static void fill_entry(Space *s, const Region *rest, unsigned index)
{
    unsigned level = rest->level;
    uint64_t at = rest->table + index * 8;
    uint64_t size = entry_size[level];
    Region r = *rest;
    uint64_t desc;

    r.first = rest->table_first + index * size;
    r.last = r.first + size - 1;
    r.fault = 0;
    r.pa = rand_between(0, pa_end(s) / size - 1) * size;

    switch (rand_below(16)) {
    case 0: /* invalid: the lowest bit is clear */
        r.fault = 0xc0 + level;
        desc = rand64() & ~1ULL;
        break;
    case 1: /* reserved, where such a thing is */
        r.fault = 0xc0 + level;
        desc = level == 0 || level == 3 ? (rand64() & ~2ULL) | 1 : 0;
        break;
    case 2: /* unreadable */
        r.fault = 0x80;
        r.unread = true;
        desc = rand64();
        ptw_memory_break(s->mem, at);
        break;
    case 3: /* too large, be it table or leaf */
        if (s->cfg.pa_bits < 48) {
            r.fault = 0xe4 + level;
            desc = (rand64() & ~2ULL) | pa_bit_beyond(s) | 1;
            desc |= level == 0 || level == 3 || one_in(2) ? 2 : 0;
            break;
        }
        /* fall through */
    default:
        if (level == 0 || (level < 3 && one_in(2))) {
            Rights rights = rand_rights(8);
            Region below = r;

            below.fault = 0xc0 + level + 1;
            below.level = level + 1;
            below.above[below.n_above++] = at;
            below.table = new_table(s);
            below.table_first = r.first;
            below.from_tables.no_user |= rights.no_user;
            below.from_tables.read_only |= rights.read_only;
            below.from_tables.no_exec |= rights.no_exec;
            ptw_memory_set(s->mem, at, make_table(below.table, &rights));
            fill_table(s, below);
            return;
        }
        desc = make_leaf(&r, size);
        break;
    }
    ptw_memory_set(s->mem, at, desc);
    g_array_append_val(s->regions, r);
}

/* @rest is the region of the table's descriptors that stay zero */
static void fill_table(Space *s, Region rest)
{
    unsigned n = (rest.last - rest.first) / entry_size[rest.level] + 1;
    unsigned used = 1 + rand_below(6);
    g_autofree bool *filled = g_new0(bool, n);

    g_array_append_val(s->regions, rest);
    while (used-- && s->regions->len < MAX_REGIONS) {
        unsigned index = one_in(4) ? 0 : one_in(4) ? n - 1 : rand_below(n);

        if (!filled[index]) {
            filled[index] = true;
            fill_entry(s, &rest, index);
        }
    }
}

static Space *space_new(void)
{
    static const uint8_t pa_sizes[] = { 32, 36, 40, 42, 44, 48, 52 };
    Space *s = g_new0(Space, 1);
    Region root = { };
    uint64_t root_size;

    s->mem = ptw_memory_new();
    s->pages = g_hash_table_new_full(g_int64_hash, g_int64_equal,
                                     g_free, NULL);
    s->regions = g_array_new(false, false, sizeof(Region));

    s->cfg.va_bits = one_in(4) ? 48 : 13 + rand_below(36);
    s->cfg.pa_bits = pa_sizes[rand_below(ARRAY_SIZE(pa_sizes))];
    s->cfg.hier_ap = one_in(2);
    s->cfg.af_fault = one_in(2);
    s->cfg.wxn = one_in(4);
    s->cfg.xreadable = one_in(4);
    for (unsigned i = 0; i < ARRAY_SIZE(s->attrs); i++) {
        s->attrs[i] = rand_below(one_in(2) ? 256 : 192);
        s->cfg.memattr += (uint64_t)s->attrs[i] << i * 8;
    }

    /* The lowest level whose table can be large enough */
    s->last = (1ULL << s->cfg.va_bits) - 1;
    s->start_level = 3;
    while (s->last / entry_size[s->start_level] >= 512) {
        s->start_level--;
    }

    /* A small root may be anywhere in a page, at a multiple of its size */
    root_size = MAX(64, (s->last / entry_size[s->start_level] + 1) * 8);
    root.table = new_table(s) + rand_below(0x1000 / root_size) * root_size;
    root.last = s->last;
    root.level = s->start_level;
    root.fault = 0xc0 + root.level;
    s->cfg.root = root.table + rand_below(root_size);
    fill_table(s, root);

    if (one_in(32)) {
        s->bad_root = true;
        s->cfg.root += 1ULL << (s->cfg.pa_bits +
                                rand_below(64 - s->cfg.pa_bits));
    }
    return s;
}

static void space_free(Space *s)
{
    ptw_memory_free(s->mem);
    g_hash_table_destroy(s->pages);
    g_array_free(s->regions, true);
    g_free(s);
}

static const Region *find_region(const Space *s, uint64_t va)
{
    for (unsigned i = s->regions->len; i-- > 0;) {
        const Region *r = &g_array_index(s->regions, Region, i);

        if (r->first <= va && va <= r->last) {
            return r;
        }
    }
    g_assert_not_reached();
}

static bool forbidden(const MaliPtwResult *want, MaliAccess access)
{
    return (access == MALI_ACCESS_READ && !want->readable) ||
           (access == MALI_ACCESS_WRITE && !want->writable) ||
           (access == MALI_ACCESS_EXECUTE && !want->executable) ||
           (access == MALI_ACCESS_ATOMIC &&
            !(want->readable && want->writable));
}

static uint8_t expect_leaf(const Space *s, const Region *r, uint64_t va,
                           MaliAccess access, MaliPtwResult *want)
{
    Rights no = r->own;

    if (s->cfg.hier_ap) {
        no.no_user |= r->from_tables.no_user;
        no.read_only |= r->from_tables.read_only;
        no.no_exec |= r->from_tables.no_exec;
    }

    /* Begin with every right and take away */
    want->readable = want->writable = want->executable = true;
    if (no.no_user) {
        want->readable = want->writable = false;
    }
    if (no.read_only) {
        want->writable = false;
    }
    if (no.no_exec || (s->cfg.wxn && want->writable)) {
        want->executable = false;
    }
    if (s->cfg.xreadable && want->executable) {
        want->readable = true;
    }
    want->attr = s->attrs[r->attr_index];
    want->page_mask = r->last - r->first;
    want->pa = r->pa + (va - r->first);

    if (!r->accessed && s->cfg.af_fault) {
        return 0xd8 + r->level;
    }
    if (want->attr >= 192) {
        return 0xe8 + r->level;
    }
    if (forbidden(want, access)) {
        return 0xc8 + r->level;
    }
    return 0;
}

/* The answer that walking should give, from the list alone */
static uint8_t expect(const Space *s, uint64_t va, MaliAccess access,
                      MaliPtwResult *want)
{
    const Region *r;
    uint64_t at;

    *want = (MaliPtwResult) { };
    if (va > s->last) {
        return 0xe0;
    }
    if (s->bad_root) {
        return 0xe4;
    }

    r = find_region(s, va);
    at = r->table + (va - r->table_first) / entry_size[r->level] * 8;
    memcpy(want->desc_pa, r->above, sizeof(want->desc_pa));
    want->level = r->level;
    want->n_levels = r->n_above;
    if (!r->unread) {
        want->desc_pa[want->n_levels++] = at;
    }
    if (want->n_levels) {
        ptw_memory_fetch(s->mem, want->desc_pa[want->n_levels - 1],
                         &want->desc);
    }
    return r->fault ?: expect_leaf(s, r, va, access, want);
}

static bool same(uint8_t code, const MaliPtwResult *a, const MaliPtwResult *b)
{
    if (a->level != b->level || a->n_levels != b->n_levels ||
        a->desc != b->desc ||
        memcmp(a->desc_pa, b->desc_pa, a->n_levels * sizeof(a->desc_pa[0]))) {
        return false;
    }
    return code != 0 ||
           (a->pa == b->pa && a->page_mask == b->page_mask &&
            a->attr == b->attr && a->readable == b->readable &&
            a->writable == b->writable && a->executable == b->executable);
}

static char *describe(const Space *s, uint64_t va, MaliAccess access,
                      uint8_t code, const MaliPtwResult *res)
{
    GString *text = g_string_new(NULL);

    g_string_printf(text, "va 0x%" PRIx64 " access %d va_bits %d pa_bits %d"
                    " hier_ap %d af_fault %d wxn %d xreadable %d root 0x%"
                    PRIx64 ": code 0x%x level %d desc 0x%" PRIx64 " at", va,
                    access, s->cfg.va_bits, s->cfg.pa_bits, s->cfg.hier_ap,
                    s->cfg.af_fault, s->cfg.wxn, s->cfg.xreadable, s->cfg.root,
                    code, res->level, res->desc);
    for (unsigned i = 0; i < MIN(res->n_levels, 4); i++) {
        g_string_append_printf(text, " 0x%" PRIx64, res->desc_pa[i]);
    }
    if (code == 0) {
        g_string_append_printf(text, " pa 0x%" PRIx64 " mask 0x%" PRIx64
                               " attr 0x%x %s%s%s", res->pa, res->page_mask,
                               res->attr, res->readable ? "r" : "-",
                               res->writable ? "w" : "-",
                               res->executable ? "x" : "-");
    }
    return g_string_free(text, false);
}

typedef struct Tally {
    uint64_t lookups;
    uint64_t codes[256];
} Tally;

static void look_up(const Space *s, uint64_t va, Tally *tally)
{
    for (MaliAccess a = MALI_ACCESS_ATOMIC; a <= MALI_ACCESS_WRITE; a++) {
        MaliPtwResult want, got;
        uint8_t want_code = expect(s, va, a, &want);
        uint8_t got_code;

        memset(&got, 0x5a, sizeof(got));
        got_code = mali_ptw_walk(&s->cfg, va, a, NULL, ptw_memory_fetch, s->mem,
                                 &got);
        if (got_code != want_code || !same(got_code, &got, &want)) {
            g_autofree char *got_text = describe(s, va, a, got_code, &got);
            g_autofree char *want_text = describe(s, va, a, want_code, &want);

            g_assert_cmpstr(got_text, ==, want_text);
            g_assert_not_reached();
        }
        tally->lookups++;
        tally->codes[got_code]++;
    }
}

static void look_everywhere(const Space *s, Tally *tally)
{
    for (unsigned i = 0; i < s->regions->len; i++) {
        const Region *r = &g_array_index(s->regions, Region, i);

        look_up(s, r->first, tally);
        look_up(s, r->last, tally);
        look_up(s, r->first - 1, tally);
        look_up(s, r->last + 1, tally);
        look_up(s, rand_between(r->first, r->last), tally);
    }
    for (unsigned i = 0; i < 100; i++) {
        look_up(s, rand_between(0, s->last), tally);
    }
    for (unsigned i = 0; i < 10; i++) {
        look_up(s, rand64(), tally);
    }
}

static void test_tables(void)
{
    /* Everything but the permission fault of level 0, where no leaf is */
    static const uint8_t codes[] = {
        0x00, 0x80, 0xc0, 0xc1, 0xc2, 0xc3, 0xc9, 0xca, 0xcb, 0xd9, 0xda, 0xdb,
        0xe0, 0xe4, 0xe5, 0xe6, 0xe7, 0xe9, 0xea, 0xeb,
    };
    unsigned spaces = g_test_slow() ? 5000 : 500;
    Tally tally = { };
    uint64_t known = 0;

    for (unsigned i = 0; i < spaces; i++) {
        Space *s = space_new();

        look_everywhere(s, &tally);
        space_free(s);
    }

    /* Tables that leave something out would prove nothing about it */
    for (unsigned i = 0; i < ARRAY_SIZE(codes); i++) {
        g_test_message("0x%02x: %" PRIu64, codes[i], tally.codes[codes[i]]);
        g_assert_cmpuint(tally.codes[codes[i]], >, 0);
        known += tally.codes[codes[i]];
    }
    g_assert_cmpuint(known, ==, tally.lookups);
    g_assert_cmpuint(tally.lookups, >=, 100000);
}

typedef struct Garbage {
    unsigned calls;
    bool failed;
} Garbage;

static bool garbage_fetch(void *opaque, uint64_t pa, uint64_t *desc)
{
    Garbage *g = opaque;

    g_assert_cmphex(pa % 8, ==, 0);
    g->calls++;
    g->failed = one_in(64);
    *desc = rand64();
    /* Few would get to level 3 without help */
    *desc |= one_in(2) ? 3 : 0;
    return !g->failed;
}

static void check_garbage(const MaliPtwConfig *cfg, uint64_t va,
                          MaliAccess access)
{
    Garbage g = { };
    MaliPtwResult res;
    uint8_t code = mali_ptw_walk(cfg, va, access, NULL, garbage_fetch, &g,
                                 &res);

    g_assert_cmpuint(g.calls, <=, 4);
    g_assert_cmpuint(res.level, <=, 3);
    g_assert_cmpuint(res.n_levels, ==, g.calls - g.failed);
    g_assert_cmpint(code == 0x80, ==, g.failed);

    switch (code) {
    case 0x00:
        g_assert_true(mali_ptw_allows(&res, access));
        g_assert_cmphex(res.page_mask, ==, entry_size[res.level] - 1);
        g_assert_cmphex((res.pa ^ va) & res.page_mask, ==, 0);
        if (cfg->pa_bits >= 32) {
            g_assert_cmphex(res.pa, <, 1ULL << MIN(cfg->pa_bits, 48));
        }
        break;
    case 0x80:
    case 0xe0:
        break;
    case 0xc0 ... 0xc3:
    case 0xc9 ... 0xcb:
    case 0xd9 ... 0xdb:
    case 0xe4 ... 0xe7:
    case 0xe9 ... 0xeb:
        g_assert_cmpuint(code & 3, ==, g.calls ? res.level : 0);
        break;
    default:
        g_test_message("code 0x%x", code);
        g_test_fail();
    }
}

/* Whatever memory and registers hold: an answer that makes sense, soon */
static void test_garbage(void)
{
    unsigned rounds = g_test_slow() ? 10000000 : 500000;

    for (unsigned i = 0; i < rounds; i++) {
        MaliPtwConfig cfg = {
            .root = one_in(2) ? rand64() : rand64() >> 32,
            .memattr = rand64(),
            .va_bits = one_in(8) ? rand64() : 13 + rand_below(36),
            .pa_bits = one_in(2) ? rand64() : 32 + rand_below(21),
            .hier_ap = one_in(2),
            .af_fault = one_in(2),
            .wxn = one_in(2),
            .xreadable = one_in(2),
        };

        check_garbage(&cfg, rand64() >> rand_below(64), rand_below(4));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ptw/random/tables", test_tables);
    g_test_add_func("/ptw/random/garbage", test_garbage);
    return g_test_run();
}
