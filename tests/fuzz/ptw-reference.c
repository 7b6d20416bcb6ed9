/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF page-table walker: what a walk should find
 */

#include "qemu/osdep.h"
#include "ptw-reference.h"

static bool bit(uint64_t word, unsigned n)
{
    return word >> n & 1;
}

/* Bits 47:12 */
static uint64_t address(uint64_t desc)
{
    return desc % (1ULL << 48) / 4096 * 4096;
}

static bool too_large(const MaliPtwConfig *cfg, uint64_t pa)
{
    return pa / 2 >> (cfg->pa_bits - 1);
}

/* Which address bits index a table of that level, from this one on */
static unsigned low_bit(int level)
{
    static const unsigned bits[] = { 39, 30, 21, 12 };

    return bits[level];
}

/* The highest table that is needed: with all bits below @va_bits in it */
static int first_level(unsigned va_bits)
{
    for (int level = 3; level > 0; level--) {
        if (va_bits <= low_bit(level) + 9) {
            return level;
        }
    }
    return 0;
}

static uint64_t root(const MaliPtwConfig *cfg, int level)
{
    uint64_t bytes = 8ULL << (cfg->va_bits - low_bit(level));

    bytes = bytes < 64 ? 64 : bytes;
    return cfg->root / bytes * bytes;
}

/* What the tables above permit: no rights for anybody below are taken back */
typedef struct Above {
    bool no_exec;
    bool no_user;
    bool read_only;
} Above;

static void find_rights(const MaliPtwConfig *cfg, const Above *above,
                        uint64_t desc, MaliPtwResult *res)
{
    bool user = bit(desc, 6) && !(cfg->hier_ap && above->no_user);
    bool read_only = bit(desc, 7) || (cfg->hier_ap && above->read_only);
    bool no_exec = bit(desc, 54) || (cfg->hier_ap && above->no_exec);

    res->writable = user && !read_only;
    res->executable = !no_exec && !(res->writable && cfg->wxn);
    res->readable = user || (res->executable && cfg->xreadable);
}

static bool forbidden(const MaliPtwResult *res, MaliAccess access)
{
    return (access == MALI_ACCESS_READ && !res->readable) ||
           (access == MALI_ACCESS_WRITE && !res->writable) ||
           (access == MALI_ACCESS_EXECUTE && !res->executable) ||
           (access == MALI_ACCESS_ATOMIC &&
            !(res->readable && res->writable));
}

static uint8_t end_of_walk(const MaliPtwConfig *cfg, uint64_t va,
                           MaliAccess access, const Above *above,
                           MaliPtwResult *res)
{
    uint64_t size = 1ULL << low_bit(res->level);
    unsigned index = res->desc / 4 % 8;

    if (cfg->af_fault && !bit(res->desc, 10)) {
        return 0xd8 + res->level;
    }
    res->attr = cfg->memattr >> 8 * index;
    if (res->attr >= 0xc0) {
        return 0xe8 + res->level;
    }
    find_rights(cfg, above, res->desc, res);
    res->page_mask = size - 1;
    res->pa = address(res->desc) / size * size + va % size;
    return forbidden(res, access) ? 0xc8 + res->level : 0;
}

uint8_t ptw_ref_walk(const MaliPtwConfig *cfg, uint64_t va, MaliAccess access,
                     MaliPtwFetch fetch, void *opaque, MaliPtwResult *res)
{
    Above above = { };
    uint64_t table;

    *res = (MaliPtwResult) { };
    if (cfg->va_bits < 13 || cfg->va_bits > 48) {
        return 0xc0;
    }
    if (va >= 1ULL << cfg->va_bits) {
        return 0xe0;
    }
    table = root(cfg, first_level(cfg->va_bits));
    if (too_large(cfg, table)) {
        return 0xe4;
    }
    for (int level = first_level(cfg->va_bits); ; level++) {
        uint64_t at = table + (va >> low_bit(level)) % 512 * 8;
        uint64_t desc;

        res->level = level;
        res->desc_pa[res->n_levels] = at;
        if (!fetch(opaque, at, &desc)) {
            return 0x80;
        }
        res->n_levels++;
        res->desc = desc;
        if (!bit(desc, 0) || (!bit(desc, 1) && (level == 0 || level == 3))) {
            return 0xc0 + level;
        }
        table = address(desc);
        if (too_large(cfg, table)) {
            return 0xe4 + level;
        }
        if (level == 3 || !bit(desc, 1)) {
            return end_of_walk(cfg, va, access, &above, res);
        }
        above.no_exec |= bit(desc, 60);
        above.no_user |= bit(desc, 61);
        above.read_only |= bit(desc, 62);
    }
}
