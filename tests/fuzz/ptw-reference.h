/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF page-table walker: what a walk should find
 *
 * Written down from the Arm ARM (DDI 0487, chapter D8) a second time, with its
 * bit numbers, for one question at a time.
 */

#ifndef TESTS_FUZZ_PTW_REFERENCE_H
#define TESTS_FUZZ_PTW_REFERENCE_H

#include "mali_csf_ptw.h"

/* As mali_ptw_walk() from the root, but for MaliPtwResult.tables */
uint8_t ptw_ref_walk(const MaliPtwConfig *cfg, uint64_t va, MaliAccess access,
                     MaliPtwFetch fetch, void *opaque, MaliPtwResult *res);

#endif /* TESTS_FUZZ_PTW_REFERENCE_H */
