/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mali CSF GPU: the language of fault injection rules, any text
 *
 * Input: the text of a rule, up to the first NUL.
 */

#include "qemu/osdep.h"
#include "mali_csf_inject.h"
#include "fuzz-input.h"

/* --- A device with a register of each kind, in all blocks alike --- */

static const struct {
    const char *name;
    unsigned bits;          /* of storage */
} regs[] = {
    { "GPU_STATUS", 0 }, { "AS_FAULTSTATUS", 32 }, { "AS_TRANSTAB", 64 },
};

static const char *find_reg(const void *opaque, int block, const char *name)
{
    for (int i = 0; i < ARRAY_SIZE(regs); i++) {
        if (mali_inject_same_name(name, regs[i].name)) {
            return regs[i].name;
        }
    }
    return NULL;
}

static bool has_bank(const void *opaque, int block, const char *name,
                     uint64_t first, uint64_t last)
{
    return first < 3;
}

static unsigned reg_bits(const void *opaque, int block, unsigned bank,
                         const char *name)
{
    for (int i = 0; i < ARRAY_SIZE(regs); i++) {
        if (!strcmp(name, regs[i].name)) {
            return regs[i].bits;
        }
    }
    return 0;
}

static int find_opcode(const void *opaque, const char *name)
{
    return mali_inject_same_name(name, "NOP") ? 0 :
           mali_inject_same_name(name, "SYNC_ADD64") ? 51 : -1;
}

static const MaliInjectEnv env = {
    .as_count = 3, .csg_slots = 4, .cs_slots = 8, .va_bits = 40,
    .window = 0x200000, .doorbells = 24,
    .find_reg = find_reg, .has_bank = has_bank, .reg_bits = reg_bits,
    .find_opcode = find_opcode,
};

/* --- Refused with a reason, or a rule that its own text makes again --- */

static void check_rule(const MaliInjectRule *r)
{
    char *why = NULL;
    MaliInjectRule *again = mali_inject_parse(&env, r->text, &why);

    g_assert_cmpint(r->kind, <, MALI_INJECT_KINDS);
    g_assert_cmpint(r->act, >, MALI_ACT_NONE);
    g_assert_cmpint(r->act, <, MALI_ACT_RULES);
    g_assert_cmpint(r->n_filters, <=, MALI_INJECT_FILTERS);
    g_assert_cmpuint(r->chance, >, 0);
    g_assert_cmphex(r->random, !=, 0);
    g_assert_nonnull(again);
    g_assert_cmpstr(again->text, ==, r->text);
    g_assert_cmpmem(&again->name, sizeof(*r) - offsetof(MaliInjectRule, name),
                    &r->name, sizeof(*r) - offsetof(MaliInjectRule, name));
    mali_inject_rule_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    char *why = NULL;
    MaliInjectRule *r = mali_inject_parse(&env, text, &why);

    if (r) {
        g_assert_null(why);
        check_rule(r);
        mali_inject_rule_free(r);
    } else {
        g_assert_nonnull(why);
        g_assert_true(*why && g_utf8_validate(why, -1, NULL));
        g_free(why);
    }
    return 0;
}
