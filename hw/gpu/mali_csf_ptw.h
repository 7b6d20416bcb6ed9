/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: page-table walker
 *
 * Pure: knows neither the device nor QEMU's memory API, so that it can be
 * tested on the host against hand-made tables.
 */

#ifndef HW_GPU_MALI_CSF_PTW_H
#define HW_GPU_MALI_CSF_PTW_H

/*
 * What the access does; numbered as the access type in AS_FAULTSTATUS
 * (panthor_mmu_regs.h, AS_FAULTSTATUS_ACCESS_TYPE_*)
 */
typedef enum MaliAccess {
    MALI_ACCESS_ATOMIC = 0,
    MALI_ACCESS_EXECUTE = 1,
    MALI_ACCESS_READ = 2,
    MALI_ACCESS_WRITE = 3,
    MALI_ACCESS_COUNT
} MaliAccess;

/*
 * Exception codes a translation can end in, as in AS_FAULTSTATUS[7:0]
 * (panthor_device.h, enum drm_panthor_exception_type).  The level of the
 * levelled ones is added: MALI_EXC_TRANSLATION_FAULT + 3 is a miss in the
 * last-level table.
 */
enum {
    MALI_EXC_OK = 0x00,
    MALI_EXC_GPU_BUS_FAULT = 0x80,
    MALI_EXC_TRANSLATION_FAULT = 0xc0,
    MALI_EXC_PERM_FAULT = 0xc8,
    MALI_EXC_ACCESS_FLAG = 0xd8,
    MALI_EXC_ADDR_SIZE_FAULT_IN = 0xe0,
    MALI_EXC_ADDR_SIZE_FAULT_OUT = 0xe4,
    MALI_EXC_MEM_ATTR_FAULT = 0xe8,
};

#define MALI_PTW_VA_BITS_MIN 13
#define MALI_PTW_VA_BITS_MAX 48

/* How to read tables: the fields of AS_TRANSTAB/TRANSCFG/MEMATTR that matter */
typedef struct MaliPtwConfig {
    uint64_t root;          /* physical address of the root table */
    uint64_t memattr;       /* AS_MEMATTR: eight attribute bytes */
    uint8_t va_bits;        /* input address size, MALI_PTW_VA_BITS_MIN..MAX */
    uint8_t pa_bits;        /* output address size, 32..52 */
    bool hier_ap;           /* table descriptors' APTable/XNTable count */
    bool af_fault;          /* a clear access flag faults */
    bool wxn;               /* writable implies no-execute */
    bool xreadable;         /* executable implies readable */
} MaliPtwConfig;

#define MALI_PTW_LEVELS 4
#define MALI_PTW_LIMITS_MAX 0x1f    /* of MaliPtwTable.limits */

/* A table that a walk has come to, and may begin at the next time */
typedef struct MaliPtwTable {
    uint64_t pa;
    uint8_t level;          /* of the table */
    uint8_t limits;         /* bits 63:59 of the descriptors that led to it */
} MaliPtwTable;

/* A walk, finished or not */
typedef struct MaliPtwResult {
    /* How far it came */
    uint64_t desc;          /* last descriptor read */
    uint64_t desc_pa[MALI_PTW_LEVELS];  /* where they were read, first first */
    MaliPtwTable tables[MALI_PTW_LEVELS];   /* the tables they are in */
    uint8_t n_levels;       /* descriptors read: so many of both are valid */
    uint8_t level;          /* of desc, or of the one that could not be read */

    /* What it found: valid with MALI_EXC_OK and MALI_EXC_PERM_FAULT only */
    uint8_t attr;           /* MEMATTR byte of the leaf */
    bool readable;
    bool writable;
    bool executable;
    uint64_t pa;            /* translated address, offset included */
    uint64_t page_mask;     /* offset bits of the leaf: size - 1 */
} MaliPtwResult;

/*
 * Reads the descriptor at @pa, a multiple of eight, into *@desc in the host's
 * byte order; false on a bus error, *@desc is then not looked at.
 */
typedef bool (*MaliPtwFetch)(void *opaque, uint64_t pa, uint64_t *desc);

/**
 * mali_ptw_walk: translate @va (ARM_64_LPAE_S1, 4 KiB granule)
 *
 * Calls @fetch at most MALI_PTW_LEVELS times, whatever the tables hold.  Begins
 * at @start, a table on the way to @va that another walk with the same @cfg has
 * come to, or at the root where that is NULL.
 *
 * Returns MALI_EXC_OK and a filled @res, or the exception code; @res then
 * still says how far the walk came.  Of several possible faults the first
 * level's wins and, within a level: bus error, translation, address size,
 * access flag, memory attribute, permission.  A @cfg->va_bits that is out of
 * range maps nothing: a translation fault at level 0.
 */
uint8_t mali_ptw_walk(const MaliPtwConfig *cfg, uint64_t va, MaliAccess access,
                      const MaliPtwTable *start, MaliPtwFetch fetch,
                      void *opaque, MaliPtwResult *res);

/* Offset bits of what one descriptor of a table of @level maps: size - 1 */
uint64_t mali_ptw_level_mask(unsigned level);

/**
 * mali_ptw_allows: whether what a walk found permits @access
 *
 * For a cache of finished walks: one that was filled by a read may be hit by a
 * write, and must then answer as the walk would.
 */
static inline bool mali_ptw_allows(const MaliPtwResult *res, MaliAccess access)
{
    switch (access) {
    case MALI_ACCESS_ATOMIC:
        return res->readable && res->writable;
    case MALI_ACCESS_EXECUTE:
        return res->executable;
    case MALI_ACCESS_READ:
        return res->readable;
    case MALI_ACCESS_WRITE:
        return res->writable;
    default:
        return false;
    }
}

/* Whether MEMATTR makes that memory which the GPU's caches may keep */
bool mali_ptw_write_back(const MaliPtwResult *res);

#endif /* HW_GPU_MALI_CSF_PTW_H */
