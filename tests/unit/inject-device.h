/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parser of fault injection rules asks of a device: one with few of
 * everything, and numbers of its own
 */

#ifndef TESTS_UNIT_INJECT_DEVICE_H
#define TESTS_UNIT_INJECT_DEVICE_H

#include "mali_csf_inject.h"

typedef struct Reg {
    int block;
    const char *name;
    unsigned bits;          /* of storage */
    unsigned banks;
} Reg;

static const Reg regs[] = {
    { MALI_BLOCK_GPU, "GPU_ID", 32, 1 },
    { MALI_BLOCK_GPU, "GPU_STATUS", 0, 1 },
    { MALI_BLOCK_GPU, "GPU_FAULT_ADDR", 64, 1 },
    { MALI_BLOCK_GPU_INT, "INT_RAWSTAT", 0, 1 },
    { MALI_BLOCK_JOB_INT, "INT_RAWSTAT", 0, 1 },
    { MALI_BLOCK_AS, "AS_TRANSTAB", 64, 3 },
    { MALI_BLOCK_AS, "AS_FAULTSTATUS", 32, 3 },
};

static const char *find_reg(const void *opaque, int block, const char *name)
{
    for (int i = 0; i < ARRAY_SIZE(regs); i++) {
        if ((block < 0 || block == regs[i].block) &&
            mali_inject_same_name(name, regs[i].name)) {
            return regs[i].name;
        }
    }
    return NULL;
}

static bool has_bank(const void *opaque, int block, const char *name,
                     uint64_t first, uint64_t last)
{
    for (int i = 0; i < ARRAY_SIZE(regs); i++) {
        if ((block < 0 || block == regs[i].block) &&
            (!name || regs[i].name == name) && first < regs[i].banks) {
            return true;
        }
    }
    return false;
}

static unsigned reg_bits(const void *opaque, int block, unsigned bank,
                         const char *name)
{
    for (int i = 0; i < ARRAY_SIZE(regs); i++) {
        if (block == regs[i].block && regs[i].name == name) {
            return bank < regs[i].banks ? regs[i].bits : 0;
        }
    }
    return 0;
}

static const struct {
    const char *name;
    int opcode;
} opcodes[] = {
    { "NOP", 0 }, { "RUN_COMPUTE", 4 }, { "SYNC_ADD32", 37 },
    { "SYNC_SET32", 38 }, { "SYNC_WAIT32", 39 }, { "SYNC_ADD64", 51 },
    { "SYNC_SET64", 52 },
};

static int find_opcode(const void *opaque, const char *name)
{
    for (int i = 0; i < ARRAY_SIZE(opcodes); i++) {
        if (mali_inject_same_name(name, opcodes[i].name)) {
            return opcodes[i].opcode;
        }
    }
    return -1;
}

static const MaliInjectEnv env = {
    .as_count = 3, .csg_slots = 4, .cs_slots = 8, .va_bits = 40,
    .window = 0x200000, .doorbells = 24,
    .find_reg = find_reg, .has_bank = has_bank, .reg_bits = reg_bits,
    .find_opcode = find_opcode,
};

#endif /* TESTS_UNIT_INJECT_DEVICE_H */
