/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unit tests of the Mali CSF TLB: what it should hold
 *
 * A list in the order of filling, searched from its beginning: no trees, no
 * shortcuts, and slow.
 */

#ifndef TESTS_UNIT_TLB_REFERENCE_H
#define TESTS_UNIT_TLB_REFERENCE_H

#include "mali_csf_tlb.h"

typedef struct TlbRefEntry {
    bool leaf;
    unsigned as;
    uint64_t first;
    uint64_t last;
    uint64_t pa;
    uint64_t desc_pa;
    int64_t when;           /* of one address space, no two leaves have it */
    uint8_t level;
    uint8_t limits;
    uint8_t attr;
    bool readable;
    bool writable;
    bool executable;
} TlbRefEntry;

typedef struct TlbRef {
    MaliTlbConfig config;
    GArray *entries;        /* of TlbRefEntry, oldest first */
    /* As those of MaliTlb */
    uint64_t fills;
    uint64_t drops;
    uint64_t evictions;
    uint64_t refusals;
} TlbRef;

void tlb_ref_init(TlbRef *ref, const MaliTlbConfig *config);
void tlb_ref_destroy(TlbRef *ref);

/* What answers for @va, and the lowest table on the way to it; or NULL */
const TlbRefEntry *tlb_ref_leaf(const TlbRef *ref, unsigned as, uint64_t va);
const TlbRefEntry *tlb_ref_table(const TlbRef *ref, unsigned as, uint64_t va);

/*
 * Fill @tlb and the reference.  Where the TLB has to replace an entry, it says
 * which one: any will do, but exactly one.
 */
void tlb_ref_fill(TlbRef *ref, MaliTlb *tlb, unsigned as, uint64_t va,
                  const MaliPtwResult *res, bool leaf, int64_t now);

/* Drop from both */
void tlb_ref_drop(TlbRef *ref, MaliTlb *tlb, unsigned as, uint64_t first,
                  uint64_t last);

/* That a lookup, and a search for a table, get what they should */
void tlb_ref_check_lookup(const TlbRef *ref, MaliTlb *tlb, unsigned as,
                          uint64_t va);

/* That the TLB holds what it should, and counts it right */
void tlb_ref_check(const TlbRef *ref, const MaliTlb *tlb);

/* That it lists the translations of a region, by address */
void tlb_ref_check_region(const TlbRef *ref, MaliTlb *tlb, unsigned as,
                          uint64_t first, uint64_t last);

/* Save @tlb, and replace it by a new one that is loaded with it */
void tlb_save_and_load(MaliTlb *tlb);

#endif /* TESTS_UNIT_TLB_REFERENCE_H */
