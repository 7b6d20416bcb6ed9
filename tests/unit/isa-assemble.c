/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF instruction set: an assembler, for the round trip only
 */

#include "qemu/osdep.h"
#include "isa-assemble.h"

static uint64_t assemble_value(const MaliCsField *f, const char *s,
                               uint64_t word, uint64_t pc)
{
    uint64_t value = 0;

    switch (f->kind) {
    case MALI_CS_ENUM:
        for (const MaliCsName *n = f->names; n->name; n++) {
            if (!strcmp(n->name, s)) {
                return n->value;
            }
        }
        g_assert_true(g_ascii_isdigit(*s));
        return g_ascii_strtoull(s, NULL, 0);
    case MALI_CS_SINT:
        return g_ascii_strtoll(s, NULL, 0);
    case MALI_CS_TARGET:
        return (int64_t)(g_ascii_strtoull(s, NULL, 0) - pc) / 8 - 1;
    case MALI_CS_REG32:
    case MALI_CS_REG64:
        g_assert_cmpint(*s, ==, 'r');
        return g_ascii_strtoull(s + 1, NULL, 10);
    case MALI_CS_REG_TUPLE:
        while (*s == 'r') {
            unsigned base = extract64(word, f->base, 8);
            unsigned first = g_ascii_strtoull(s + 1, (char **)&s, 10);
            unsigned last = first;

            if (*s == '-') {
                last = g_ascii_strtoull(s + 2, (char **)&s, 10);
            }
            value |= MAKE_64BIT_MASK(first - base, last - first + 1);
            s += *s == ',';
        }
        return value;
    default:
        return g_ascii_strtoull(s, NULL, 0);
    }
}

static const MaliCsField *find_field(const MaliCsInsn *insn, const char *name,
                                     unsigned *unnamed)
{
    for (unsigned i = name ? 0 : *unnamed; i < insn->n_fields; i++) {
        if (!g_strcmp0(insn->fields[i].name, name)) {
            if (!name) {
                *unnamed = i + 1;
            }
            return &insn->fields[i];
        }
    }
    return NULL;
}

uint64_t isa_assemble(const MaliCsIsa *isa, const char *text, uint64_t pc)
{
    g_auto(GStrv) head = g_strsplit(text, " ", 2);
    g_auto(GStrv) operands = g_strsplit(head[1] ?: "", ", ", -1);
    const MaliCsInsn *insn = isa->insns;
    unsigned unnamed = 0;
    uint64_t word;

    if (!strcmp(head[0], ".word")) {
        return g_ascii_strtoull(head[1], NULL, 0);
    }
    while (g_strcmp0(insn->name, head[0])) {
        insn++;
        g_assert_true(insn < isa->insns + 256);
    }
    word = (uint64_t)(insn - isa->insns) << 56;

    for (char **p = operands; *p; p++) {
        char *value = strchr(*p, '=');
        const MaliCsField *f;

        if (value) {
            *value++ = '\0';
        }
        if (!strcmp(*p, "reserved")) {
            uint64_t reserved = g_ascii_strtoull(value, NULL, 0);

            g_assert_cmphex(reserved & insn->defined, ==, 0);
            word |= reserved;
            continue;
        }
        f = find_field(insn, *p, &unnamed);
        if (f && f->kind == MALI_CS_FLAG) {
            g_assert_null(value);
            word = deposit64(word, f->start, 1, 1);
            continue;
        }
        if (!f) {
            g_assert_null(value);
            value = *p;
            f = find_field(insn, NULL, &unnamed);
        }
        g_assert_nonnull(f);
        word = deposit64(word, f->start, f->size,
                         assemble_value(f, value, word, pc));
    }
    return word;
}
