/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: the interrupt trios (contract 1.3)
 *
 * Each line has its RAWSTAT, CLEAR, MASK and STAT.  The line is level high
 * while STAT is not zero: what is raised while masked asserts it as soon as the
 * driver's threaded handler restores the mask (panthor_device.h,
 * PANTHOR_IRQ_HANDLER).
 */

#include "qemu/osdep.h"
#include "hw/irq.h"
#include "mali_csf_internal.h"
#include "trace.h"

static const char *const mali_irq_names[MALI_IRQ_COUNT] = {
    [MALI_IRQ_JOB] = "job",
    [MALI_IRQ_MMU] = "mmu",
    [MALI_IRQ_GPU] = "gpu",
};

void mali_irq_update(MaliCsfState *s)
{
    for (int i = 0; i < MALI_IRQ_COUNT; i++) {
        const MaliIrq *irq = &s->irq[i];

        qemu_set_irq(s->lines[i],
                     !!(irq->rawstat & irq->mask & ~irq->muted));
    }
}

/* The bits that a rule leaves to be latched now */
static uint32_t mali_irq_injected(MaliCsfState *s, MaliIrqLine line,
                                  uint32_t bits)
{
    MaliVerdict v = mali_inject(s, MALI_INJECT_IRQ, .line = line,
                                .bits = bits);
    MaliInjectArgs later = { .line = line, .bits = v.bits };

    switch (v.act) {
    case MALI_ACT_MUTE:
        s->irq[line].muted |= v.bits;
        return bits;
    case MALI_ACT_TWICE:
        mali_inject_later(&s->inject, MALI_ACT_LATCH, "", &later, v.args.time);
        return bits;
    case MALI_ACT_DELAY:
        mali_inject_later(&s->inject, MALI_ACT_LATCH, "", &later, v.args.time);
        return bits & ~v.bits;
    case MALI_ACT_DROP:
        return bits & ~v.bits;
    default:
        return bits;
    }
}

void mali_irq_raise(MaliCsfState *s, MaliIrqLine line, uint32_t bits)
{
    bits = mali_irq_injected(s, line, bits);
    s->irq[line].rawstat |= bits;
    trace_mali_csf_irq_raise(mali_irq_names[line], bits,
                             s->irq[line].rawstat, s->irq[line].mask);
    mali_irq_update(s);
}

void mali_irq_reset(MaliCsfState *s)
{
    memset(s->irq, 0, sizeof(s->irq));
}

/* --- The registers: the bank is the line --- */

static uint32_t mali_irq_read(MaliCsfState *s, unsigned bank, unsigned reg)
{
    const MaliIrq *irq = &s->irq[bank];

    switch (reg) {
    case R_INT_RAWSTAT:
        return irq->rawstat;
    case R_INT_MASK:
        return irq->mask;
    default:
        return irq->rawstat & irq->mask;
    }
}

static void mali_irq_write(MaliCsfState *s, unsigned bank, unsigned reg,
                           uint32_t val)
{
    MaliIrq *irq = &s->irq[bank];

    switch (reg) {
    case R_INT_RAWSTAT:
        /* A test aid that Tyr's register description tells of */
        irq->rawstat |= val;
        break;
    case R_INT_CLEAR:
        irq->rawstat &= ~val;
        irq->muted &= ~val;
        break;
    case R_INT_MASK:
        irq->mask = val;
        break;
    }
    trace_mali_csf_irq_write(mali_irq_names[bank], reg * 4, val, irq->rawstat,
                             irq->mask);
    mali_irq_update(s);
}

static const MaliReg mali_irq_regs[] = {
    MALI_RW_FN(INT_RAWSTAT, mali_irq_read, mali_irq_write),
    MALI_WO_FN(INT_CLEAR, mali_irq_write),
    MALI_RW_FN(INT_MASK, mali_irq_read, mali_irq_write),
    MALI_RO_FN(INT_STAT, mali_irq_read),
};

#define MALI_IRQ_BLOCK(line, block, line_bank, window_base)     \
    {                                                           \
        .name = line "-int", .id = block, .base = window_base,  \
        .first_bank = line_bank,                                \
        .stride = 4 * ARRAY_SIZE(mali_irq_regs), .banks = 1,    \
        .n_regs = ARRAY_SIZE(mali_irq_regs),                    \
        .regs = mali_irq_regs,                                  \
    }

const MaliRegBlock mali_job_int_block =
    MALI_IRQ_BLOCK("job", MALI_BLOCK_JOB_INT, MALI_IRQ_JOB,
                   MALI_JOB_INT_BASE);
const MaliRegBlock mali_mmu_int_block =
    MALI_IRQ_BLOCK("mmu", MALI_BLOCK_MMU_INT, MALI_IRQ_MMU,
                   MALI_MMU_INT_BASE);
const MaliRegBlock mali_gpu_int_block =
    MALI_IRQ_BLOCK("gpu", MALI_BLOCK_GPU_INT, MALI_IRQ_GPU,
                   MALI_GPU_INT_BASE);

const VMStateDescription vmstate_mali_irq = {
    .name = "mali-csf/irq",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(rawstat, MaliIrq),
        VMSTATE_UINT32(mask, MaliIrq),
        VMSTATE_UINT32(muted, MaliIrq),
        VMSTATE_END_OF_LIST()
    }
};
