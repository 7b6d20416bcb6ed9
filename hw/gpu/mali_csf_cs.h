/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: a command stream in execution
 *
 * Between the files that execute it: mali_csf_cs.c fetches and completes,
 * mali_csf_insn.c has what instructions do at once, mali_csf_op.c what they do
 * when their time has come.
 */

#ifndef HW_GPU_MALI_CSF_CS_H
#define HW_GPU_MALI_CSF_CS_H

#include "mali_csf_internal.h"
#include "mali_csf_isa.h"
#include "mali_csf_task.h"

/* The queue that executes, and what the current turn has found out */
typedef struct MaliCsCtx {
    MaliCsfState *s;
    MaliCsg *g;
    MaliCs *c;
    unsigned csg;
    unsigned cs;
    uint16_t source;
    bool async;             /* @word was issued earlier */
    uint64_t word;
    MaliCsOp *op;           /* that is about to complete, if @async */
} MaliCsCtx;

typedef enum MaliCsStep {
    MALI_CS_NEXT,           /* go on behind this instruction */
    MALI_CS_JUMPED,         /* go on where the program counter is now */
    MALI_CS_BLOCK,          /* try this instruction again later */
    MALI_CS_STOP,           /* the state says why */
} MaliCsStep;

/* --- Registers --- */

static inline uint64_t mali_cs_reg64(const MaliCs *c, unsigned r)
{
    return c->regs[r] | (uint64_t)c->regs[r + 1] << 32;
}

static inline void mali_cs_set64(MaliCs *c, unsigned r, uint64_t val)
{
    mali_reg64_set(c->regs, r, val);
}

/* BRANCH's condition @cond on the register's value */
static inline bool mali_cs_cond(unsigned cond, int32_t val)
{
    switch (cond) {
    case MALI_CS_COND_LE:
        return val <= 0;
    case MALI_CS_COND_GT:
        return val > 0;
    case MALI_CS_COND_EQ:
        return val == 0;
    case MALI_CS_COND_NE:
        return val != 0;
    case MALI_CS_COND_LT:
        return val < 0;
    case MALI_CS_COND_GE:
        return val >= 0;
    default:
        return true;
    }
}

/* --- mali_csf_cs.c --- */

/*
 * A fatal error ends the queue.  A fault stops it until the host has seen where
 * it was; then it goes on behind the called stream, and skips what computes
 * until an ERROR_BARRIER (contract 3.8).
 */
MaliCsStep mali_cs_fatal(MaliCsCtx *x, uint8_t exception, uint64_t info);
MaliCsStep mali_cs_fault(MaliCsCtx *x, uint8_t exception, uint64_t info);
/* An access to memory that did not work: stalled ones are tried again */
MaliCsStep mali_cs_mem_failed(MaliCsCtx *x, MaliXlate ret, uint64_t va);
MaliCsStep mali_cs_block(MaliCsCtx *x, MaliCsBlocked reason);
/* Whether anything is outstanding on the scoreboard slots of @mask */
bool mali_cs_slots_busy(const MaliCs *c, uint32_t mask);
/*
 * Put the current instruction on the list: it holds @slot, starts when the
 * slots of @wait are free, and completes @delay ns after that.
 */
MaliCsStep mali_cs_issue(MaliCsCtx *x, unsigned slot, uint32_t wait,
                         uint64_t address, uint64_t data, uint64_t delay);

/* --- mali_csf_insn.c --- */

/* Execute the instruction @x->word */
MaliCsStep mali_cs_step(MaliCsCtx *x);
/* Whether somebody looks at each instruction: all have to come by there then */
bool mali_cs_traced(void);

/* --- mali_csf_op.c --- */

/* The endpoint task that @x->word is */
MaliTask mali_cs_task(const MaliCsCtx *x);
MaliCsStep mali_cs_task_step(MaliCsCtx *x, const MaliTask *t);
/* Do what @x->word does, with its operands as they were when it was issued */
MaliCsStep mali_cs_effect(MaliCsCtx *x, uint64_t address, uint64_t data);
/* The same now when there is nothing to wait for, else when slots are free */
MaliCsStep mali_cs_deferrable(MaliCsCtx *x, uint64_t address, uint64_t data);

#endif /* HW_GPU_MALI_CSF_CS_H */
