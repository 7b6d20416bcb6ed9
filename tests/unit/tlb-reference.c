/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unit tests of the Mali CSF TLB: what it should hold
 */

#include "qemu/osdep.h"
#include "tlb-reference.h"

/* What one descriptor of a table of each level maps */
static const uint64_t entry_size[] = {
    0x8000000000, 0x40000000, 0x200000, 0x1000,
};

void tlb_ref_init(TlbRef *ref, const MaliTlbConfig *config)
{
    *ref = (TlbRef) {
        .config = *config,
        .entries = g_array_new(false, false, sizeof(TlbRefEntry)),
    };
}

void tlb_ref_destroy(TlbRef *ref)
{
    g_array_free(ref->entries, true);
}

static const TlbRefEntry *at(const TlbRef *ref, unsigned i)
{
    return &g_array_index(ref->entries, TlbRefEntry, i);
}

static bool overlaps(const TlbRefEntry *e, unsigned as, uint64_t first,
                     uint64_t last)
{
    return e->as == as && e->first <= last && e->last >= first;
}

const TlbRefEntry *tlb_ref_leaf(const TlbRef *ref, unsigned as, uint64_t va)
{
    for (unsigned i = 0; i < ref->entries->len; i++) {
        if (at(ref, i)->leaf && overlaps(at(ref, i), as, va, va)) {
            return at(ref, i);
        }
    }
    return NULL;
}

const TlbRefEntry *tlb_ref_table(const TlbRef *ref, unsigned as, uint64_t va)
{
    const TlbRefEntry *lowest = NULL;

    for (unsigned i = 0; i < ref->entries->len; i++) {
        const TlbRefEntry *e = at(ref, i);

        if (!e->leaf && overlaps(e, as, va, va)) {
            if (lowest) {
                /* The walk cache has no two tables of a level */
                g_assert_cmpuint(e->level, !=, lowest->level);
            }
            if (!lowest || e->level > lowest->level) {
                lowest = e;
            }
        }
    }
    return lowest;
}

static unsigned count_leaves(const TlbRef *ref, unsigned as)
{
    unsigned n = 0;

    for (unsigned i = 0; i < ref->entries->len; i++) {
        n += at(ref, i)->leaf && at(ref, i)->as == as;
    }
    return n;
}

static bool has_leaf(const MaliTlb *tlb, unsigned as, int64_t when)
{
    for (uint32_t i = 0; i < mali_tlb_count_all(tlb, as); i++) {
        bool leaf;
        const MaliTlbEntry *e = mali_tlb_entry(tlb, as, i, &leaf);

        if (leaf && e->when == when) {
            return true;
        }
    }
    return false;
}

/* One that was there is gone; which one is the TLB's choice */
static void forget_evicted(TlbRef *ref, const MaliTlb *tlb, unsigned as)
{
    unsigned gone = 0;

    for (unsigned i = 0; i < ref->entries->len; i++) {
        const TlbRefEntry *e = at(ref, i);

        if (e->leaf && e->as == as && !has_leaf(tlb, as, e->when)) {
            g_array_remove_index(ref->entries, i--);
            gone++;
        }
    }
    g_assert_cmpuint(gone, ==, 1);
    ref->evictions++;
}

static void append(TlbRef *ref, unsigned as, uint64_t va, uint64_t size,
                   TlbRefEntry e)
{
    e.as = as;
    e.first = va - va % size;
    e.last = e.first + (size - 1);
    g_array_append_val(ref->entries, e);
    ref->fills++;
}

void tlb_ref_fill(TlbRef *ref, MaliTlb *tlb, unsigned as, uint64_t va,
                  const MaliPtwResult *res, bool leaf, int64_t now)
{
    bool full = ref->config.entries &&
                count_leaves(ref, as) == ref->config.entries;
    uint64_t size = leaf ? entry_size[res->level] : 0;

    mali_tlb_fill(tlb, as, va, res, leaf, now);

    for (int i = 1; i < res->n_levels; i++) {
        const MaliPtwTable *t = &res->tables[i];

        append(ref, as, va, entry_size[t->level - 1], (TlbRefEntry) {
            .pa = t->pa, .level = t->level, .limits = t->limits,
            .desc_pa = res->desc_pa[i - 1], .when = now,
        });
    }
    if (!leaf) {
        return;
    }
    if (full && !ref->config.evict) {
        ref->refusals++;
        return;
    }
    if (full) {
        forget_evicted(ref, tlb, as);
    }
    append(ref, as, va, size, (TlbRefEntry) {
        .leaf = true, .pa = res->pa - res->pa % size, .level = res->level,
        .attr = res->attr, .readable = res->readable,
        .writable = res->writable, .executable = res->executable,
        .desc_pa = res->desc_pa[res->n_levels - 1], .when = now,
    });
}

void tlb_ref_drop(TlbRef *ref, MaliTlb *tlb, unsigned as, uint64_t first,
                  uint64_t last)
{
    uint32_t n = 0;

    for (unsigned i = 0; i < ref->entries->len; i++) {
        if (overlaps(at(ref, i), as, first, last)) {
            g_array_remove_index(ref->entries, i--);
            n++;
        }
    }
    ref->drops += n;
    g_assert_cmpuint(mali_tlb_drop(tlb, as, first, last), ==, n);
}

static void check_entry(const TlbRefEntry *want, const MaliTlbEntry *e,
                        bool leaf)
{
    g_assert_cmpuint(leaf, ==, want->leaf);
    g_assert_cmphex(e->node.start, ==, want->first);
    g_assert_cmphex(e->node.last, ==, want->last);
    g_assert_cmphex(e->pa, ==, want->pa);
    g_assert_cmphex(e->desc_pa, ==, want->desc_pa);
    g_assert_cmpint(e->when, ==, want->when);
    g_assert_cmpuint(e->level, ==, want->level);
    g_assert_cmphex(e->limits, ==, want->limits);
    g_assert_cmphex(e->attr, ==, want->attr);
    g_assert_cmpuint(e->readable, ==, want->readable);
    g_assert_cmpuint(e->writable, ==, want->writable);
    g_assert_cmpuint(e->executable, ==, want->executable);
}

void tlb_ref_check_lookup(const TlbRef *ref, MaliTlb *tlb, unsigned as,
                          uint64_t va)
{
    const TlbRefEntry *leaf = tlb_ref_leaf(ref, as, va);
    const TlbRefEntry *table = tlb_ref_table(ref, as, va);
    const MaliTlbEntry *e = mali_tlb_lookup(tlb, as, va);
    MaliPtwTable start;

    g_assert_true(!e == !leaf);
    if (e) {
        MaliPtwResult res;

        check_entry(leaf, e, true);
        mali_tlb_result(e, va, &res);
        g_assert_cmphex(res.pa, ==, leaf->pa + (va - leaf->first));
        g_assert_cmphex(res.page_mask, ==, leaf->last - leaf->first);
        g_assert_cmpuint(res.level, ==, leaf->level);
        g_assert_cmphex(res.attr, ==, leaf->attr);
        g_assert_cmpuint(res.readable, ==, leaf->readable);
        g_assert_cmpuint(res.writable, ==, leaf->writable);
        g_assert_cmpuint(res.executable, ==, leaf->executable);
    }
    g_assert_true(mali_tlb_find_table(tlb, as, va, &start) == !!table);
    if (table) {
        g_assert_cmphex(start.pa, ==, table->pa);
        g_assert_cmpuint(start.level, ==, table->level);
        g_assert_cmphex(start.limits, ==, table->limits);
    }
}

static int by_serial(gconstpointer a, gconstpointer b)
{
    const MaliTlbEntry *x = *(const MaliTlbEntry *const *)a;
    const MaliTlbEntry *y = *(const MaliTlbEntry *const *)b;

    g_assert_true(x == y || x->serial != y->serial);
    return x->serial < y->serial ? -1 : x->serial > y->serial;
}

static void check_as(const TlbRef *ref, const MaliTlb *tlb, unsigned as)
{
    uint32_t n = mali_tlb_count_all(tlb, as);
    g_autoptr(GPtrArray) list = g_ptr_array_sized_new(n);
    uint32_t n_leaves = mali_tlb_count(tlb, as), next = 0;

    g_assert_cmpuint(n_leaves, ==, count_leaves(ref, as));
    for (uint32_t i = 0; i < n; i++) {
        bool leaf;
        const MaliTlbEntry *e = mali_tlb_entry(tlb, as, i, &leaf);

        g_assert_true(leaf == (i < n_leaves));
        g_assert_cmpuint(e->slot, ==, leaf ? i : i - n_leaves);
        g_ptr_array_add(list, (gpointer)e);
    }
    g_ptr_array_sort(list, by_serial);
    for (unsigned i = 0; i < ref->entries->len; i++) {
        if (at(ref, i)->as == as) {
            g_assert_cmpuint(next, <, n);
            check_entry(at(ref, i), g_ptr_array_index(list, next++),
                        at(ref, i)->leaf);
        }
    }
    g_assert_cmpuint(next, ==, n);
}

void tlb_ref_check(const TlbRef *ref, const MaliTlb *tlb)
{
    for (unsigned as = 0; as < ref->config.n_as; as++) {
        check_as(ref, tlb, as);
    }
    g_assert_cmpuint(tlb->total, ==, ref->entries->len);
    g_assert_cmpuint(tlb->fills, ==, ref->fills);
    g_assert_cmpuint(tlb->drops, ==, ref->drops);
    g_assert_cmpuint(tlb->evictions, ==, ref->evictions);
    g_assert_cmpuint(tlb->refusals, ==, ref->refusals);
}

void tlb_ref_check_region(const TlbRef *ref, MaliTlb *tlb, unsigned as,
                          uint64_t first, uint64_t last)
{
    unsigned n = 0, want = 0;
    uint64_t start = 0;

    for (unsigned i = 0; i < ref->entries->len; i++) {
        want += at(ref, i)->leaf && overlaps(at(ref, i), as, first, last);
    }
    for (const MaliTlbEntry *e = mali_tlb_first(tlb, as, first, last); e;
         e = mali_tlb_next((MaliTlbEntry *)e, first, last)) {
        g_assert_cmphex(e->node.start, >=, start);
        g_assert_cmphex(e->node.start, <=, last);
        g_assert_cmphex(e->node.last, >=, first);
        start = e->node.start;
        n++;
    }
    g_assert_cmpuint(n, ==, want);
}

void tlb_save_and_load(MaliTlb *tlb)
{
    MaliTlb to;

    mali_tlb_init(&to, &tlb->config);
    to.random = tlb->random;
    for (unsigned as = 0; as < tlb->config.n_as; as++) {
        for (uint32_t i = 0; i < mali_tlb_count_all(tlb, as); i++) {
            bool leaf;
            MaliTlbEntry e = *mali_tlb_entry(tlb, as, i, &leaf);

            /* These follow from the others */
            e.node = (IntervalTreeNode) { .start = e.node.start };
            e.slot = UINT32_MAX;
            g_assert_true(mali_tlb_restore(&to, as, &e, leaf));
        }
    }
    /* Counts are of what has happened, which is not saved */
    to.fills = tlb->fills;
    to.drops = tlb->drops;
    to.evictions = tlb->evictions;
    to.refusals = tlb->refusals;
    mali_tlb_destroy(tlb);
    *tlb = to;
}
