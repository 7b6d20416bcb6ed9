/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: the TLB, which really caches
 *
 * Entries lie in interval trees, so that a region is invalidated in time by
 * what it holds.  Leaves of several sizes may overlap: a page that was cached
 * before its table gave way to a block is still there beside it.  Then the one
 * that was filled first answers, as it has done all the time.
 */

#include "qemu/osdep.h"
#include "mali_csf_tlb.h"

/* --- Sets --- */

static MaliTlbEntry *entry_of(IntervalTreeNode *node)
{
    return node ? container_of(node, MaliTlbEntry, node) : NULL;
}

static void set_init(MaliTlbSet *set)
{
    set->tree = (IntervalTreeRoot) { };
    set->list = g_ptr_array_new();
}

static void set_insert(MaliTlbSet *set, MaliTlbEntry *e)
{
    e->slot = set->list->len;
    g_ptr_array_add(set->list, e);
    interval_tree_insert(&e->node, &set->tree);
}

/* Physical addresses: what tables are in, and what may be written to */
static IntervalTreeRoot *reverse_tree(MaliTlb *tlb, bool table)
{
    return table ? &tlb->tables : &tlb->writable;
}

static void reverse_insert(MaliTlb *tlb, MaliTlbEntry *e)
{
    e->reversed = tlb->config.reverse && (e->table || e->writable);
    if (e->reversed) {
        e->phys.start = e->pa;
        e->phys.last = e->pa + (e->table ? 0xfff
                                         : e->node.last - e->node.start);
        interval_tree_insert(&e->phys, reverse_tree(tlb, e->table));
    }
}

/* Whatever of @e is remembered, however many pages it has */
static void forget(MaliTlbAs *a, const MaliTlbEntry *e)
{
    uint64_t first = e->node.start >> 12;
    uint64_t n = MIN((e->node.last >> 12) - first + 1, MALI_TLB_FRONT);

    for (uint64_t page = first; page < first + n; page++) {
        MaliTlbFront *f = &a->front[page & (MALI_TLB_FRONT - 1)];

        if (f->entry == e) {
            *f = (MaliTlbFront) { };
        }
    }
}

static void set_remove(MaliTlb *tlb, MaliTlbSet *set, MaliTlbEntry *e)
{
    if (e->reversed) {
        interval_tree_remove(&e->phys, reverse_tree(tlb, e->table));
    }
    interval_tree_remove(&e->node, &set->tree);
    g_ptr_array_remove_index_fast(set->list, e->slot);
    if (e->slot < set->list->len) {
        MaliTlbEntry *moved = g_ptr_array_index(set->list, e->slot);

        moved->slot = e->slot;
    }
    g_free(e);
    tlb->total--;
}

/*
 * The one to drop next.  Of several that begin at one address, the tree has
 * first what was put there first, which is another one after migration: the
 * order must not depend on it, since what is left in the list does on the
 * order, and what is replaced on the list.
 */
static MaliTlbEntry *set_first(MaliTlbSet *set, uint64_t first, uint64_t last)
{
    IntervalTreeNode *node = interval_tree_iter_first(&set->tree, first, last);
    MaliTlbEntry *found = entry_of(node);

    while (node && (node = interval_tree_iter_next(node, first, last)) &&
           node->start == found->node.start) {
        if (entry_of(node)->serial < found->serial) {
            found = entry_of(node);
        }
    }
    return found;
}

static uint32_t set_drop(MaliTlb *tlb, MaliTlbAs *a, MaliTlbSet *set,
                         uint64_t first, uint64_t last)
{
    MaliTlbEntry *e;
    uint32_t n = 0;

    while ((e = set_first(set, first, last))) {
        if (set == &a->leaves) {
            forget(a, e);
        }
        set_remove(tlb, set, e);
        n++;
    }
    return n;
}

static void set_destroy(MaliTlb *tlb, MaliTlbAs *a, MaliTlbSet *set)
{
    set_drop(tlb, a, set, 0, UINT64_MAX);
    g_ptr_array_free(set->list, true);
}

/* --- The TLB --- */

void mali_tlb_init(MaliTlb *tlb, const MaliTlbConfig *config)
{
    *tlb = (MaliTlb) {
        .config = *config,
        /* The generator's state must not be zero */
        .random = config->seed ? config->seed : 1,
        .as = g_new0(MaliTlbAs, config->n_as),
    };
    for (unsigned i = 0; i < config->n_as; i++) {
        set_init(&tlb->as[i].leaves);
        set_init(&tlb->as[i].tables);
    }
}

void mali_tlb_destroy(MaliTlb *tlb)
{
    for (unsigned i = 0; i < tlb->config.n_as; i++) {
        set_destroy(tlb, &tlb->as[i], &tlb->as[i].leaves);
        set_destroy(tlb, &tlb->as[i], &tlb->as[i].tables);
    }
    g_free(tlb->as);
    tlb->as = NULL;
}

/* --- Looking up --- */

MaliTlbEntry *mali_tlb_find(MaliTlb *tlb, unsigned as, uint64_t va)
{
    MaliTlbAs *a = &tlb->as[as];
    MaliTlbFront *f = &a->front[va >> 12 & (MALI_TLB_FRONT - 1)];
    MaliTlbEntry *found = NULL;

    for (MaliTlbEntry *e = mali_tlb_first(tlb, as, va, va); e;
         e = mali_tlb_next(e, va, va)) {
        if (!found || e->serial < found->serial) {
            found = e;
        }
    }
    if (found) {
        *f = (MaliTlbFront) { .tag = (va >> 12) + 1, .entry = found };
    }
    return found;
}

bool mali_tlb_find_table(MaliTlb *tlb, unsigned as, uint64_t va,
                         MaliPtwTable *table)
{
    IntervalTreeNode *node =
        interval_tree_iter_first(&tlb->as[as].tables.tree, va, va);
    MaliTlbEntry *found = NULL;

    /* There is one of a level at most: a cached one is not looked for again */
    for (; node; node = interval_tree_iter_next(node, va, va)) {
        MaliTlbEntry *e = entry_of(node);

        if (!found || e->level > found->level) {
            found = e;
        }
    }
    if (found) {
        *table = (MaliPtwTable) {
            .pa = found->pa, .level = found->level, .limits = found->limits,
        };
    }
    return found;
}

MaliTlbEntry *mali_tlb_first(MaliTlb *tlb, unsigned as, uint64_t first,
                             uint64_t last)
{
    return entry_of(interval_tree_iter_first(&tlb->as[as].leaves.tree, first,
                                             last));
}

MaliTlbEntry *mali_tlb_first_table(MaliTlb *tlb, unsigned as, uint64_t first,
                                   uint64_t last)
{
    return entry_of(interval_tree_iter_first(&tlb->as[as].tables.tree, first,
                                             last));
}

MaliTlbEntry *mali_tlb_next(MaliTlbEntry *entry, uint64_t first, uint64_t last)
{
    return entry_of(interval_tree_iter_next(&entry->node, first, last));
}

MaliTlbEntry *mali_tlb_phys_first(MaliTlb *tlb, bool table, uint64_t first,
                                  uint64_t last)
{
    IntervalTreeNode *node =
        interval_tree_iter_first(reverse_tree(tlb, table), first, last);

    return node ? container_of(node, MaliTlbEntry, phys) : NULL;
}

MaliTlbEntry *mali_tlb_phys_next(MaliTlbEntry *entry, uint64_t first,
                                 uint64_t last)
{
    IntervalTreeNode *node = interval_tree_iter_next(&entry->phys, first, last);

    return node ? container_of(node, MaliTlbEntry, phys) : NULL;
}

/* --- Filling --- */

/* Xorshift: a choice that a seed repeats, not one that must be unguessable */
static uint32_t next_random(MaliTlb *tlb)
{
    tlb->random ^= tlb->random << 13;
    tlb->random ^= tlb->random >> 17;
    tlb->random ^= tlb->random << 5;
    return tlb->random;
}

/* Room for one more translation; false: there is none to be had */
static bool make_room(MaliTlb *tlb, MaliTlbAs *a)
{
    MaliTlbSet *set = &a->leaves;

    if (tlb->config.entries && set->list->len >= tlb->config.entries &&
        tlb->config.evict) {
        MaliTlbEntry *e =
            g_ptr_array_index(set->list, next_random(tlb) % set->list->len);

        forget(a, e);
        set_remove(tlb, set, e);
        tlb->evictions++;
    }
    return tlb->total < MALI_TLB_MAX_ENTRIES &&
           (!tlb->config.entries || set->list->len < tlb->config.entries);
}

static void add(MaliTlb *tlb, unsigned as, bool leaf, const MaliTlbEntry *entry)
{
    MaliTlbEntry *e = g_new(MaliTlbEntry, 1);

    *e = *entry;
    e->as = as;
    e->table = !leaf;
    set_insert(leaf ? &tlb->as[as].leaves : &tlb->as[as].tables, e);
    reverse_insert(tlb, e);
    tlb->total++;
    tlb->fills++;
}

/* The tables of a walk but its first, which is the root or cached already */
static void fill_tables(MaliTlb *tlb, unsigned as, uint64_t va,
                        const MaliPtwResult *res, int64_t now)
{
    for (unsigned i = 1; i < res->n_levels; i++) {
        const MaliPtwTable *t = &res->tables[i];
        uint64_t mask = mali_ptw_level_mask(t->level - 1);
        MaliTlbEntry e = {
            .node.start = va & ~mask, .node.last = va | mask,
            .pa = t->pa, .level = t->level, .limits = t->limits,
            .desc_pa = res->desc_pa[i - 1],
            .when = now, .serial = tlb->serial++,
        };

        if (tlb->total < MALI_TLB_MAX_ENTRIES) {
            add(tlb, as, false, &e);
        }
    }
}

void mali_tlb_fill(MaliTlb *tlb, unsigned as, uint64_t va,
                   const MaliPtwResult *res, bool leaf, int64_t now)
{
    MaliTlbAs *a = &tlb->as[as];
    MaliTlbEntry e = {
        .node.start = va & ~res->page_mask, .node.last = va | res->page_mask,
        .pa = res->pa & ~res->page_mask, .level = res->level,
        .attr = res->attr, .readable = res->readable,
        .writable = res->writable, .executable = res->executable,
        .when = now,
    };

    fill_tables(tlb, as, va, res, now);
    if (!leaf) {
        return;
    }
    if (!make_room(tlb, a)) {
        tlb->refusals++;
        return;
    }
    e.desc_pa = res->n_levels ? res->desc_pa[res->n_levels - 1] : 0;
    e.serial = tlb->serial++;
    add(tlb, as, true, &e);
}

/* --- Dropping --- */

uint32_t mali_tlb_drop(MaliTlb *tlb, unsigned as, uint64_t first, uint64_t last)
{
    MaliTlbAs *a = &tlb->as[as];
    uint32_t n = set_drop(tlb, a, &a->leaves, first, last) +
                 set_drop(tlb, a, &a->tables, first, last);

    tlb->drops += n;
    return n;
}

/* --- Migration --- */

uint32_t mali_tlb_count_all(const MaliTlb *tlb, unsigned as)
{
    const MaliTlbAs *a = &tlb->as[as];

    return a->leaves.list->len + a->tables.list->len;
}

const MaliTlbEntry *mali_tlb_entry(const MaliTlb *tlb, unsigned as, uint32_t i,
                                   bool *leaf)
{
    const MaliTlbAs *a = &tlb->as[as];
    uint32_t n = a->leaves.list->len;

    *leaf = i < n;
    return g_ptr_array_index(*leaf ? a->leaves.list : a->tables.list,
                             *leaf ? i : i - n);
}

/* Whether a walk can have made it */
static bool is_possible(const MaliTlbEntry *e, bool leaf)
{
    uint64_t page_mask = mali_ptw_level_mask(MALI_PTW_LEVELS - 1);
    uint64_t mask;

    if (!e->level || e->level >= MALI_PTW_LEVELS) {
        return false;
    }
    mask = mali_ptw_level_mask(e->level - !leaf);
    return !(e->node.start & mask) &&
           !(e->node.start >> MALI_PTW_VA_BITS_MAX) &&
           !(e->pa & (leaf ? mask : page_mask)) &&
           !(e->desc_pa % sizeof(uint64_t)) &&
           e->limits <= (leaf ? 0 : MALI_PTW_LIMITS_MAX);
}

bool mali_tlb_restore(MaliTlb *tlb, unsigned as, const MaliTlbEntry *entry,
                      bool leaf)
{
    MaliTlbAs *a = &tlb->as[as];
    MaliTlbEntry e = *entry;

    if (!is_possible(entry, leaf) || tlb->total >= MALI_TLB_MAX_ENTRIES ||
        (leaf && tlb->config.entries &&
         a->leaves.list->len >= tlb->config.entries)) {
        return false;
    }
    e.node.last = e.node.start | mali_ptw_level_mask(e.level - !leaf);
    add(tlb, as, leaf, &e);
    tlb->serial = MAX(tlb->serial, entry->serial + 1);
    return true;
}
