/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mali CSF command streams: any word, to the decoder and the disassembler
 *
 * Input: a byte for the architecture, one for the number of registers, the
 * address, then words, each behind the size of a buffer for its text.
 */

#include "qemu/osdep.h"
#include "qemu/host-utils.h"
#include "mali_csf_isa.h"
#include "isa-assemble.h"
#include "fuzz-input.h"

/* Never past the end, always terminated, the full length returned */
static void check_text(const MaliCsIsa *isa, uint64_t word, uint64_t pc,
                       size_t size)
{
    char full[MALI_CS_DISASM_MAX];
    size_t len = mali_cs_disasm(isa, word, pc, full, sizeof(full));
    g_autofree char *buf = g_malloc(size);

    g_assert_cmpuint(len, <, sizeof(full));
    g_assert_cmpuint(strlen(full), ==, len);
    /* Of just that size: the sanitizer sees the byte behind it */
    g_assert_cmpuint(mali_cs_disasm(isa, word, pc, buf, size), ==, len);
    if (size) {
        g_assert_cmpuint(strlen(buf), ==, MIN(len, size - 1));
        g_assert_true(g_str_has_prefix(full, buf));
    }
    g_assert_cmphex(isa_assemble(isa, full, pc), ==, word);
}

/* A word that passes names no register that the stream does not have */
static void check_registers(const MaliCsInsn *insn, uint64_t word,
                            unsigned n_regs)
{
    for (unsigned i = 0; i < insn->n_fields; i++) {
        const MaliCsField *f = &insn->fields[i];
        uint64_t val = extract64(word, f->start, f->size);

        if (f->gate && !(word & BIT_ULL(f->gate))) {
            continue;
        }
        if (f->kind == MALI_CS_REG32) {
            g_assert_cmpuint(val, <, n_regs);
        } else if (f->kind == MALI_CS_REG64) {
            g_assert_cmpuint(val + 1, <, n_regs);
            g_assert_cmpuint(val & 1, ==, 0);
        } else if (f->kind == MALI_CS_REG_TUPLE && val) {
            g_assert_cmpuint(extract64(word, f->base, 8) + 63 - clz64(val), <,
                             n_regs);
        } else if (f->kind == MALI_CS_REG_COUNT) {
            g_assert_cmpuint(extract64(word, f->base, 8) + val, <=, n_regs);
        }
    }
}

static void check_word(const MaliCsIsa *isa, uint64_t word, unsigned n_regs)
{
    const MaliCsInsn *insn = mali_cs_decode(isa, word);
    const char *wrong;

    if (!insn) {
        return;
    }
    wrong = mali_cs_check(isa, insn, word, n_regs);
    /* All registers at once or one by one: the same comes of it */
    g_assert_cmpstr(wrong, ==, mali_cs_check_fields(isa, insn, word, n_regs,
                                                    UINT_MAX));
    if (!wrong) {
        check_registers(insn, word, n_regs);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = { data, size };
    const MaliCsIsa *isa = mali_cs_isa(10 + fuzz_u8(&in) % 5);
    unsigned n_regs = fuzz_u8(&in) % 65 * 2;
    uint64_t pc = fuzz_u64(&in) & ~7ULL;

    while (in.left) {
        size_t len = fuzz_u8(&in);
        uint64_t word = fuzz_u64(&in);

        check_text(isa, word, pc, len);
        check_word(isa, word, n_regs);
        pc += MALI_CS_INSN_SIZE;
    }
    return 0;
}
