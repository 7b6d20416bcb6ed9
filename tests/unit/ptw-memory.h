/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unit tests of the Mali CSF page-table walker: a sparse physical memory
 */

#ifndef TESTS_UNIT_PTW_MEMORY_H
#define TESTS_UNIT_PTW_MEMORY_H

typedef struct PtwMemory {
    GHashTable *words;
    GHashTable *broken;
    unsigned fetches;       /* calls of ptw_memory_fetch() */
} PtwMemory;

PtwMemory *ptw_memory_new(void);
void ptw_memory_free(PtwMemory *mem);

/* What was never set reads as zero */
void ptw_memory_set(PtwMemory *mem, uint64_t pa, uint64_t value);

/* From now on a fetch of @pa fails */
void ptw_memory_break(PtwMemory *mem, uint64_t pa);

/* A MaliPtwFetch; @opaque is the PtwMemory */
bool ptw_memory_fetch(void *opaque, uint64_t pa, uint64_t *value);

#endif /* TESTS_UNIT_PTW_MEMORY_H */
