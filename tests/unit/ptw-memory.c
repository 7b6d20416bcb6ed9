/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unit tests of the Mali CSF page-table walker: a sparse physical memory
 */

#include "qemu/osdep.h"
#include "ptw-memory.h"

static uint64_t *new_key(uint64_t pa)
{
    return g_memdup2(&pa, sizeof(pa));
}

PtwMemory *ptw_memory_new(void)
{
    PtwMemory *mem = g_new0(PtwMemory, 1);

    mem->words = g_hash_table_new_full(g_int64_hash, g_int64_equal,
                                       g_free, g_free);
    mem->broken = g_hash_table_new_full(g_int64_hash, g_int64_equal,
                                        g_free, NULL);
    return mem;
}

void ptw_memory_free(PtwMemory *mem)
{
    g_hash_table_destroy(mem->words);
    g_hash_table_destroy(mem->broken);
    g_free(mem);
}

void ptw_memory_set(PtwMemory *mem, uint64_t pa, uint64_t value)
{
    g_hash_table_replace(mem->words, new_key(pa), new_key(value));
}

void ptw_memory_break(PtwMemory *mem, uint64_t pa)
{
    g_hash_table_add(mem->broken, new_key(pa));
}

bool ptw_memory_fetch(void *opaque, uint64_t pa, uint64_t *value)
{
    PtwMemory *mem = opaque;
    uint64_t *word;

    g_assert_cmphex(pa % sizeof(*value), ==, 0);
    mem->fetches++;
    if (g_hash_table_contains(mem->broken, &pa)) {
        return false;
    }
    word = g_hash_table_lookup(mem->words, &pa);
    *value = word ? *word : 0;
    return true;
}
