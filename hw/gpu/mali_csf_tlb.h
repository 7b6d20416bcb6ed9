/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: the TLB, which really caches
 *
 * Pure, as the walker is.  An entry answers until something that the
 * architecture allows to drop it does so: the callers say when, and nothing
 * here drops anything on its own, but for replacement where it was asked for.
 * A driver that forgets an invalidation thus gets what hardware may give it.
 */

#ifndef HW_GPU_MALI_CSF_TLB_H
#define HW_GPU_MALI_CSF_TLB_H

#include "qemu/interval-tree.h"
#include "mali_csf_ptw.h"

/*
 * However large it may be, the TLB holds no more than this, in all its address
 * spaces together: tables that point at themselves map all of the VA space.
 */
#define MALI_TLB_MAX_ENTRIES    (256 * 1024)

typedef struct MaliTlbConfig {
    unsigned n_as;
    uint32_t entries;       /* translations an address space has; 0: no limit */
    /*
     * Whether one that is full replaces an entry, chosen at random.  Else what
     * comes later is not kept, since nothing obliges hardware to drop anything.
     */
    bool evict;
    uint32_t seed;          /* of that choice */
    bool reverse;           /* entries can be found by physical address too */
} MaliTlbConfig;

/*
 * One translation, or a table on the way to some (the walk cache).  node.start
 * and node.last are the VAs that it is for, both included.  What a hit needs
 * comes first, so that it is in as few cache lines as can be.
 */
typedef struct MaliTlbEntry {
    IntervalTreeNode node;
    uint64_t pa;            /* of node.start, or of the table */
    uint8_t level;          /* of the leaf, or of the table */
    uint8_t limits;         /* of the table */
    uint8_t attr;           /* MEMATTR byte of the leaf */
    bool readable;
    bool writable;
    bool executable;
    uint32_t slot;          /* in the list of its address space */
    uint8_t as;
    bool table;
    bool reversed;          /* in one of MaliTlb's trees by physical address */
    uint64_t desc_pa;       /* where the leaf's descriptor was read */
    int64_t when;           /* the caller's time of filling it */
    uint64_t serial;        /* the order of filling */
    IntervalTreeNode phys;  /* the same by physical address, if @reversed */
} MaliTlbEntry;

#define MALI_TLB_FRONT          4096    /* a power of two */

/* The entry that answered last for a page: saves the search in the tree */
typedef struct MaliTlbFront {
    uint64_t tag;           /* (VA >> 12) + 1; 0: none */
    MaliTlbEntry *entry;
} MaliTlbFront;

/* Entries of one kind in one address space, by address and in a list */
typedef struct MaliTlbSet {
    IntervalTreeRoot tree;
    GPtrArray *list;        /* in no order; an entry knows its place */
} MaliTlbSet;

typedef struct MaliTlbAs {
    MaliTlbSet leaves;
    MaliTlbSet tables;
    MaliTlbFront front[MALI_TLB_FRONT];
} MaliTlbAs;

typedef struct MaliTlb {
    MaliTlbConfig config;
    uint64_t serial;
    uint32_t random;        /* state of the generator */
    uint32_t total;         /* entries of both kinds */
    /* Since it was made */
    uint64_t fills;
    uint64_t drops;
    uint64_t evictions;
    uint64_t refusals;      /* translations not kept for want of room */
    /* With config.reverse: of all address spaces, by physical address */
    IntervalTreeRoot writable;      /* translations that permit writing */
    IntervalTreeRoot tables;
    MaliTlbAs *as;
} MaliTlb;

void mali_tlb_init(MaliTlb *tlb, const MaliTlbConfig *config);
void mali_tlb_destroy(MaliTlb *tlb);

/* The entry for @va that was filled first, by searching; NULL: none */
MaliTlbEntry *mali_tlb_find(MaliTlb *tlb, unsigned as, uint64_t va);

/* The entry that answers for @va, whatever the access; NULL: a miss */
static inline MaliTlbEntry *mali_tlb_lookup(MaliTlb *tlb, unsigned as,
                                            uint64_t va)
{
    const MaliTlbAs *a = &tlb->as[as];
    uint64_t page = va >> 12;
    const MaliTlbFront *f = &a->front[page & (MALI_TLB_FRONT - 1)];

    if (likely(f->tag == page + 1)) {
        return f->entry;
    }
    return mali_tlb_find(tlb, as, va);
}

/*
 * The lowest table on the way to @va that is cached, for mali_ptw_walk() to
 * begin at; false: none is.
 */
bool mali_tlb_find_table(MaliTlb *tlb, unsigned as, uint64_t va,
                         MaliPtwTable *table);

/*
 * Keep what a walk for @va has found, at the time @now: the tables that it came
 * by, and with @leaf the translation as well.
 */
void mali_tlb_fill(MaliTlb *tlb, unsigned as, uint64_t va,
                   const MaliPtwResult *res, bool leaf, int64_t now);

/*
 * Drop all entries that are for any of @first to @last; returns how many.
 * Takes time by what there is to drop, whatever else is kept.
 */
uint32_t mali_tlb_drop(MaliTlb *tlb, unsigned as, uint64_t first,
                       uint64_t last);

/*
 * The first translation, or table, that is for any of @first to @last, by where
 * they begin, and the one after @entry; NULL when there is none.  Nothing may
 * be dropped in between.
 */
MaliTlbEntry *mali_tlb_first(MaliTlb *tlb, unsigned as, uint64_t first,
                             uint64_t last);
MaliTlbEntry *mali_tlb_first_table(MaliTlb *tlb, unsigned as, uint64_t first,
                                   uint64_t last);
MaliTlbEntry *mali_tlb_next(MaliTlbEntry *entry, uint64_t first,
                            uint64_t last);

/*
 * With config.reverse, and of all address spaces: the first table, or else the
 * first translation that permits writing, in physical memory from @first to
 * @last, and the one after @entry.
 */
MaliTlbEntry *mali_tlb_phys_first(MaliTlb *tlb, bool table, uint64_t first,
                                  uint64_t last);
MaliTlbEntry *mali_tlb_phys_next(MaliTlbEntry *entry, uint64_t first,
                                 uint64_t last);

/* What @entry answers for @va, as the result of a walk that read nothing */
static inline void mali_tlb_result(const MaliTlbEntry *entry, uint64_t va,
                                   MaliPtwResult *res)
{
    /* Member by member: most of the result is about what was read */
    res->desc = 0;
    res->n_levels = 0;
    res->level = entry->level;
    res->attr = entry->attr;
    res->readable = entry->readable;
    res->writable = entry->writable;
    res->executable = entry->executable;
    res->pa = entry->pa + (va - entry->node.start);
    res->page_mask = entry->node.last - entry->node.start;
}

static inline uint32_t mali_tlb_count(const MaliTlb *tlb, unsigned as)
{
    return tlb->as[as].leaves.list->len;
}

/*
 * For migration: entry @i of an address space, translations first, and putting
 * back one that was saved, in the same order (all but node.last and slot, which
 * follow).  False where it cannot be an entry of a TLB of this configuration.
 */
uint32_t mali_tlb_count_all(const MaliTlb *tlb, unsigned as);
const MaliTlbEntry *mali_tlb_entry(const MaliTlb *tlb, unsigned as, uint32_t i,
                                   bool *leaf);
bool mali_tlb_restore(MaliTlb *tlb, unsigned as, const MaliTlbEntry *entry,
                      bool leaf);

#endif /* HW_GPU_MALI_CSF_TLB_H */
