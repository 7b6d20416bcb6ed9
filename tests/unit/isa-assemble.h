/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF instruction set: an assembler, for the round trip only
 */

#ifndef TESTS_UNIT_ISA_ASSEMBLE_H
#define TESTS_UNIT_ISA_ASSEMBLE_H

#include "mali_csf_isa.h"

/*
 * The word that the disassembler, at address @pc, has written @text for.  It
 * trusts the table of instructions, which other tests look at, and nothing
 * else: text of any other form is an assertion that fails.
 */
uint64_t isa_assemble(const MaliCsIsa *isa, const char *text, uint64_t pc);

#endif /* TESTS_UNIT_ISA_ASSEMBLE_H */
