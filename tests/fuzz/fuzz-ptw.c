/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mali CSF page-table walker, on any tables, against a reference
 *
 * Input: the configuration, then addresses, each behind a byte for the access.
 * What the memory holds follows from the input too: a place that is read for
 * the first time is given the next eight bytes, or cannot be read.
 */

#include "qemu/osdep.h"
#include "mali_csf_ptw.h"
#include "ptw-memory.h"
#include "ptw-reference.h"
#include "fuzz-input.h"

typedef struct Walk {
    FuzzInput in;
    PtwMemory *mem;
    MaliPtwConfig cfg;
} Walk;

static bool is_known(const PtwMemory *mem, uint64_t pa)
{
    return g_hash_table_contains(mem->words, &pa) ||
           g_hash_table_contains(mem->broken, &pa);
}

/* One byte says of what kind the word is: libFuzzer need not find bits */
static bool fetch_new(void *opaque, uint64_t pa, uint64_t *desc)
{
    static const uint8_t kinds[] = { 0, 1, 3, 3, 3, 3, 3 };
    Walk *w = opaque;

    if (!is_known(w->mem, pa)) {
        uint8_t kind = fuzz_u8(&w->in) % (ARRAY_SIZE(kinds) + 1);

        if (kind == ARRAY_SIZE(kinds)) {
            ptw_memory_break(w->mem, pa);
        } else {
            ptw_memory_set(w->mem, pa,
                           (fuzz_u64(&w->in) & ~3ULL) | kinds[kind]);
        }
    }
    return ptw_memory_fetch(w->mem, pa, desc);
}

/* All that the first walk read, and nothing else */
static bool fetch_known(void *opaque, uint64_t pa, uint64_t *desc)
{
    Walk *w = opaque;

    g_assert_true(is_known(w->mem, pa));
    return ptw_memory_fetch(w->mem, pa, desc);
}

static void check_same(uint8_t code, const MaliPtwResult *got,
                       uint8_t want_code, const MaliPtwResult *want)
{
    g_assert_cmphex(code, ==, want_code);
    g_assert_cmpuint(got->level, ==, want->level);
    if (code != MALI_EXC_OK && (code & ~7) != MALI_EXC_PERM_FAULT) {
        return;
    }
    g_assert_cmphex(got->pa, ==, want->pa);
    g_assert_cmphex(got->page_mask, ==, want->page_mask);
    g_assert_cmphex(got->attr, ==, want->attr);
    g_assert_cmpuint(got->readable, ==, want->readable);
    g_assert_cmpuint(got->writable, ==, want->writable);
    g_assert_cmpuint(got->executable, ==, want->executable);
}

static void check_walk(Walk *w, uint64_t va, MaliAccess access)
{
    unsigned fetches = w->mem->fetches;
    MaliPtwResult got, want;
    uint8_t code, want_code;

    memset(&got, 0x5a, sizeof(got));
    code = mali_ptw_walk(&w->cfg, va, access, NULL, fetch_new, w, &got);
    fetches = w->mem->fetches - fetches;
    g_assert_cmpuint(fetches, <=, MALI_PTW_LEVELS);
    want_code = ptw_ref_walk(&w->cfg, va, access, fetch_known, w, &want);
    check_same(code, &got, want_code, &want);
    g_assert_cmpuint(got.n_levels, ==, want.n_levels);
    g_assert_cmphex(got.desc, ==, want.desc);
    for (unsigned i = 0; i < got.n_levels; i++) {
        g_assert_cmphex(got.desc_pa[i], ==, want.desc_pa[i]);
    }
    /* From any table on the way it goes on as from the root */
    for (unsigned i = 0; i < got.n_levels; i++) {
        MaliPtwResult rest;

        g_assert_cmpuint(got.tables[i].limits, <=, MALI_PTW_LIMITS_MAX);
        code = mali_ptw_walk(&w->cfg, va, access, &got.tables[i], fetch_known,
                             w, &rest);
        check_same(code, &rest, want_code, &want);
        g_assert_cmpuint(rest.n_levels, ==, want.n_levels - i);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Walk w = { .in = { data, size }, .mem = ptw_memory_new() };
    uint8_t flags = fuzz_u8(&w.in);

    w.cfg = (MaliPtwConfig) {
        .va_bits = fuzz_u8(&w.in) % 64,
        /* Those that hardware has, and those between them */
        .pa_bits = 32 + fuzz_u8(&w.in) % 21,
        .hier_ap = flags & 1, .af_fault = flags & 2,
        .wxn = flags & 4, .xreadable = flags & 8,
        .root = fuzz_u64(&w.in), .memattr = fuzz_u64(&w.in),
    };
    while (w.in.left) {
        uint8_t access = fuzz_u8(&w.in);
        /* The upper bits: an address beside that of the walk before */
        uint64_t va = fuzz_u64(&w.in) >> (access >> 2);

        check_walk(&w, va, access % MALI_ACCESS_COUNT);
    }
    ptw_memory_free(w.mem);
    return 0;
}
