/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: page-table walker
 *
 * The tables are those that Linux makes in drivers/iommu/io-pgtable-arm.c for
 * the format ARM_64_LPAE_S1 with a 4 KiB granule, i.e. stage 1 of the VMSAv8-64
 * translation system.  Where the driver never goes (1 GiB blocks, hierarchical
 * permissions, bad descriptors) the Arm ARM (DDI 0487, chapter D8) is followed;
 * the GPU's accesses are unprivileged ones.
 */

#include "qemu/osdep.h"
#include "hw/registerfields.h"
#include "mali_csf_ptw.h"

#define PTW_PAGE_BITS 12
#define PTW_INDEX_BITS 9
#define PTW_DESC_BITS 3         /* log2 of a descriptor's size */
#define PTW_LAST_LEVEL (MALI_PTW_LEVELS - 1)
#define PTW_ROOT_ALIGN 64       /* of roots of fewer than eight descriptors */

FIELD(DESC, VALID, 0, 1)
FIELD(DESC, TABLE, 1, 1)        /* levels 0-2: not a block; level 3: a page */
FIELD(DESC, ADDR, 12, 36)

/* A table's limits on everything below it */
#define PTW_LIMITS_SHIFT 59
FIELD(LIMITS, XN, 60 - PTW_LIMITS_SHIFT, 1)
FIELD(LIMITS, NO_UNPRIV, 61 - PTW_LIMITS_SHIFT, 1)
FIELD(LIMITS, READ_ONLY, 62 - PTW_LIMITS_SHIFT, 1)

FIELD(LEAF, ATTR_INDEX, 2, 3)
FIELD(LEAF, UNPRIV, 6, 1)
FIELD(LEAF, READ_ONLY, 7, 1)
FIELD(LEAF, AF, 10, 1)
/*
 * Linux sets bits 54 and 53 together.  Bit 53 alone concerns privileged
 * execution, which the GPU does not have.
 */
FIELD(LEAF, XN, 54, 1)

FIELD(MEMATTR, TYPE, 6, 2)
#define MEMATTR_TYPE_WRITE_BACK 2
#define MEMATTR_TYPE_FAULT 3

/* Offset bits of what one descriptor of @level maps */
static unsigned level_shift(unsigned level)
{
    return PTW_PAGE_BITS + (PTW_LAST_LEVEL - level) * PTW_INDEX_BITS;
}

uint64_t mali_ptw_level_mask(unsigned level)
{
    return (1ULL << level_shift(level)) - 1;
}

/* As arm_lpae_alloc_pgtable(): as few levels as hold the address */
static unsigned start_level(unsigned va_bits)
{
    unsigned index_bits = va_bits - PTW_PAGE_BITS;

    return MALI_PTW_LEVELS - DIV_ROUND_UP(index_bits, PTW_INDEX_BITS);
}

static uint64_t root_address(const MaliPtwConfig *cfg, unsigned shift)
{
    uint64_t size = 1ULL << (cfg->va_bits - shift + PTW_DESC_BITS);

    return cfg->root & -MAX(size, PTW_ROOT_ALIGN);
}

static bool pa_too_large(const MaliPtwConfig *cfg, uint64_t pa)
{
    return cfg->pa_bits < 64 && pa >> cfg->pa_bits;
}

static bool is_leaf(uint64_t desc, unsigned level)
{
    return level == PTW_LAST_LEVEL || !(desc & R_DESC_TABLE_MASK);
}

/* The encodings that level 0 (no blocks) and level 3 (only pages) reserve */
static bool is_reserved(uint64_t desc, unsigned level)
{
    return (level == 0 || level == PTW_LAST_LEVEL) &&
           !(desc & R_DESC_TABLE_MASK);
}

/*
 * Rights of a leaf below tables with these @limits, or-ed.
 * Execution does not need read permission: that is what XREADABLE is about.
 */
static void set_rights(const MaliPtwConfig *cfg, uint8_t limits, uint64_t desc,
                       MaliPtwResult *res)
{
    bool unpriv = desc & R_LEAF_UNPRIV_MASK;
    bool read_only = desc & R_LEAF_READ_ONLY_MASK;
    bool xn = desc & R_LEAF_XN_MASK;

    if (cfg->hier_ap) {
        unpriv &= !(limits & R_LIMITS_NO_UNPRIV_MASK);
        read_only |= !!(limits & R_LIMITS_READ_ONLY_MASK);
        xn |= !!(limits & R_LIMITS_XN_MASK);
    }

    res->writable = unpriv && !read_only;
    res->executable = !xn && !(cfg->wxn && res->writable);
    res->readable = unpriv || (cfg->xreadable && res->executable);
}

bool mali_ptw_write_back(const MaliPtwResult *res)
{
    return FIELD_EX8(res->attr, MEMATTR, TYPE) == MEMATTR_TYPE_WRITE_BACK;
}

/*
 * The order of the checks is the architecture's.  It knows no attribute that
 * faults; the nearest relative, an alignment fault due to the memory's type,
 * comes after the access flag and before permissions.
 */
static uint8_t finish_leaf(const MaliPtwConfig *cfg, uint64_t va,
                           MaliAccess access, uint8_t limits,
                           MaliPtwResult *res)
{
    uint64_t desc = res->desc;
    unsigned attr_index = FIELD_EX64(desc, LEAF, ATTR_INDEX);

    if (cfg->af_fault && !(desc & R_LEAF_AF_MASK)) {
        return MALI_EXC_ACCESS_FLAG + res->level;
    }

    res->attr = cfg->memattr >> (attr_index * 8);
    if (FIELD_EX8(res->attr, MEMATTR, TYPE) == MEMATTR_TYPE_FAULT) {
        return MALI_EXC_MEM_ATTR_FAULT + res->level;
    }

    set_rights(cfg, limits, desc, res);
    res->page_mask = mali_ptw_level_mask(res->level);
    res->pa = (desc & R_DESC_ADDR_MASK & ~res->page_mask) |
              (va & res->page_mask);
    return mali_ptw_allows(res, access) ? MALI_EXC_OK
                                        : MALI_EXC_PERM_FAULT + res->level;
}

/* The root, or why the configuration or the address does not lead to one */
static uint8_t root_table(const MaliPtwConfig *cfg, uint64_t va,
                          MaliPtwTable *root)
{
    if (cfg->va_bits < MALI_PTW_VA_BITS_MIN ||
        cfg->va_bits > MALI_PTW_VA_BITS_MAX) {
        return MALI_EXC_TRANSLATION_FAULT;
    }
    if (va >> cfg->va_bits) {
        return MALI_EXC_ADDR_SIZE_FAULT_IN;
    }

    root->level = start_level(cfg->va_bits);
    root->limits = 0;
    root->pa = root_address(cfg, level_shift(root->level));
    /* The architecture reports the root's address at level 0 */
    return pa_too_large(cfg, root->pa) ? MALI_EXC_ADDR_SIZE_FAULT_OUT
                                       : MALI_EXC_OK;
}

/* All but the arrays, of which n_levels says how much is valid */
static void begin_result(MaliPtwResult *res)
{
    res->desc = 0;
    res->n_levels = 0;
    res->level = 0;
    res->attr = 0;
    res->readable = false;
    res->writable = false;
    res->executable = false;
    res->pa = 0;
    res->page_mask = 0;
}

uint8_t mali_ptw_walk(const MaliPtwConfig *cfg, uint64_t va, MaliAccess access,
                      const MaliPtwTable *start, MaliPtwFetch fetch,
                      void *opaque, MaliPtwResult *res)
{
    MaliPtwTable table;

    begin_result(res);
    if (start) {
        table = *start;
    } else {
        uint8_t exception = root_table(cfg, va, &table);

        if (exception != MALI_EXC_OK) {
            return exception;
        }
    }

    for (; table.level < MALI_PTW_LEVELS; table.level++) {
        unsigned level = table.level;
        uint64_t index = extract64(va, level_shift(level), PTW_INDEX_BITS);
        uint64_t desc_pa = table.pa + (index << PTW_DESC_BITS);
        uint64_t desc;

        res->level = level;
        res->desc_pa[res->n_levels] = desc_pa;
        res->tables[res->n_levels] = table;
        if (!fetch(opaque, desc_pa, &desc)) {
            return MALI_EXC_GPU_BUS_FAULT;
        }
        res->n_levels++;
        res->desc = desc;

        if (!(desc & R_DESC_VALID_MASK) || is_reserved(desc, level)) {
            return MALI_EXC_TRANSLATION_FAULT + level;
        }

        table.pa = desc & R_DESC_ADDR_MASK;
        if (pa_too_large(cfg, table.pa)) {
            return MALI_EXC_ADDR_SIZE_FAULT_OUT + level;
        }
        if (is_leaf(desc, level)) {
            return finish_leaf(cfg, va, access, table.limits, res);
        }
        table.limits |= desc >> PTW_LIMITS_SHIFT;
    }

    g_assert_not_reached();
}
