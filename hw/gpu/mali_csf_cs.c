/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: execution of command streams (contract 8)
 *
 * One queue at a time, for a bounded number of instructions.  What hardware
 * does in the background is an operation in the queue's list until it is due.
 */

#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/bswap.h"
#include "qemu/timer.h"
#include "mali_csf_internal.h"
#include "mali_csf_isa.h"
#include "mali_csf_task.h"
#include "trace.h"

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

typedef MaliCsStep MaliCsHandler(MaliCsCtx *x);

/* --- Registers --- */

static uint64_t mali_cs_reg64(const MaliCs *c, unsigned r)
{
    return c->regs[r] | (uint64_t)c->regs[r + 1] << 32;
}

static void mali_cs_set64(MaliCs *c, unsigned r, uint64_t val)
{
    mali_reg64_set(c->regs, r, val);
}

/* --- Errors --- */

/*
 * A fatal error ends the queue.  A fault stops it until the host has seen where
 * it was; then it goes on behind the called stream, and skips what computes
 * until an ERROR_BARRIER (contract 3.8).
 */
static MaliCsStep mali_cs_raise(MaliCsCtx *x, bool fatal, uint8_t exception,
                                uint64_t info)
{
    MaliCs *c = x->c;

    trace_mali_csf_cs_exception(x->csg, x->cs, fatal ? "fatal" : "fault",
                                exception, info, mali_cs_pc(c), x->word);
    c->state = fatal ? MALI_CS_FATAL : MALI_CS_FAULTED;
    c->error = exception;
    c->error_info = info;
    c->fault_async = x->async;
    c->raise |= fatal ? CS_EVT_FATAL : CS_EVT_FAULT;
    return MALI_CS_STOP;
}

static MaliCsStep mali_cs_fatal(MaliCsCtx *x, uint8_t exception, uint64_t info)
{
    return mali_cs_raise(x, true, exception, info);
}

static MaliCsStep mali_cs_fault(MaliCsCtx *x, uint8_t exception, uint64_t info)
{
    return mali_cs_raise(x, false, exception, info);
}

/* An access to memory that did not work: stalled ones are tried again */
static MaliCsStep mali_cs_mem_failed(MaliCsCtx *x, MaliXlate ret, uint64_t va)
{
    if (ret == MALI_XLATE_STALL) {
        x->c->blocked = MALI_CS_UNBLOCKED;
        x->c->stalled = true;
        return MALI_CS_BLOCK;
    }
    return mali_cs_fatal(x, CS_EXC_BUS_FAULT, va);
}

/* --- Waiting and asynchronous operations --- */

static bool mali_cs_slots_busy(const MaliCs *c, uint32_t mask)
{
    for (int i = 0; i < MALI_CS_MAX_SB && mask; i++, mask >>= 1) {
        if (mask & 1 && c->sb[i]) {
            return true;
        }
    }
    return false;
}

static MaliCsStep mali_cs_block(MaliCsCtx *x, MaliCsBlocked reason)
{
    x->c->blocked = reason;
    return MALI_CS_BLOCK;
}

/*
 * Put the current instruction on the list: it holds @slot, starts when the
 * slots of @wait are free, and completes @delay ns after that.
 */
static MaliCsStep mali_cs_issue(MaliCsCtx *x, unsigned slot, uint32_t wait,
                                uint64_t address, uint64_t data,
                                uint64_t delay)
{
    MaliCs *c = x->c;
    MaliCsOp *op;

    if (c->n_ops == MALI_CS_MAX_OPS) {
        return mali_cs_block(x, MALI_CS_BLOCKED_DEFERRED);
    }
    op = &c->ops[c->n_ops++];
    *op = (MaliCsOp) {
        .word = x->word, .address = address, .data = data, .delay = delay,
        .wait = wait, .slot = slot, .due = MALI_EVENT_IDLE,
    };
    c->sb[slot]++;
    if (!mali_cs_slots_busy(c, wait)) {
        op->wait = 0;
        op->due = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + delay;
    }
    return MALI_CS_NEXT;
}

/* --- Memory operations --- */

/* What SYNC_ADD and SYNC_SET do when their turn has come */
static MaliCsStep mali_cs_sync_write(MaliCsCtx *x, uint64_t address,
                                     uint64_t data)
{
    unsigned op = mali_cs_opcode(x->word);
    bool wide = op == MALI_CS_SYNC_ADD64 || op == MALI_CS_SYNC_SET64;
    bool add = op == MALI_CS_SYNC_ADD32 || op == MALI_CS_SYNC_ADD64;
    bool propagate = extract64(x->word, 0, 1);
    uint32_t left;
    MaliXlate ret;
    void *p;

    if (address & (wide ? 7 : 3)) {
        return mali_cs_fault(x, CS_EXC_DATA_INVALID, address);
    }
    p = mali_mem_map(x->s, x->g->as, address, MALI_ACCESS_WRITE, x->source,
                     &left, &ret);
    if (!p) {
        return mali_cs_mem_failed(x, ret == MALI_XLATE_OK ? MALI_XLATE_FAULT
                                                          : ret, address);
    }
    /* The host adds to these too, so that it must be one access */
    if (wide) {
        uint64_t *obj = p;

        if (add && !HOST_BIG_ENDIAN) {
            qatomic_fetch_add(obj, data);
        } else {
            stq_le_p(obj, add ? ldq_le_p(obj) + data : data);
        }
    } else {
        uint32_t *obj = p;

        if (add && !HOST_BIG_ENDIAN) {
            qatomic_fetch_add(obj, (uint32_t)data);
        } else {
            stl_le_p(obj, add ? ldl_le_p(obj) + data : data);
        }
    }
    if (propagate && x->c->error) {
        uint32_t status = cpu_to_le32(x->c->error);

        ret = mali_mem_write(x->s, x->g->as, address + (wide ? 8 : 4), &status,
                             sizeof(status), x->source);
        if (ret != MALI_XLATE_OK) {
            return mali_cs_mem_failed(x, ret, address);
        }
    }
    trace_mali_csf_cs_sync(x->csg, x->cs, address, data, op);
    x->s->sched.sync_written = true;
    if (extract64(x->word, 1, 2) == MALI_CS_SCOPE_SYSTEM) {
        x->g->sync_update = true;
    }
    return MALI_CS_NEXT;
}

static uint64_t mali_cs_state_value(const MaliCsCtx *x)
{
    switch (extract64(x->word, 32, 2)) {
    case MALI_CS_STATE_TIMESTAMP:
        return mali_gpu_timestamp(x->s);
    case MALI_CS_STATE_CYCLES:
        return mali_gpu_cycles(x->s);
    case MALI_CS_STATE_ERROR:
        return x->c->error;
    default:
        return 0;
    }
}

static MaliCsStep mali_cs_store_state(MaliCsCtx *x, uint64_t address,
                                      uint64_t data)
{
    uint64_t val = cpu_to_le64(mali_cs_state_value(x));
    MaliXlate ret;

    if (address & 7) {
        return mali_cs_fault(x, CS_EXC_DATA_INVALID, address);
    }
    ret = mali_mem_write(x->s, x->g->as, address, &val, sizeof(val),
                         x->source);
    return ret == MALI_XLATE_OK ? MALI_CS_NEXT
                                : mali_cs_mem_failed(x, ret, address);
}

/* --- Endpoint tasks (mali_csf_task.c) --- */

static MaliTask mali_cs_task(const MaliCsCtx *x)
{
    return (MaliTask) {
        .s = x->s, .c = x->c, .csg = x->csg, .cs = x->cs, .word = x->word,
    };
}

static MaliCsStep mali_cs_task_step(MaliCsCtx *x, const MaliTask *t)
{
    switch (t->ret) {
    case MALI_TASK_OK:
        return MALI_CS_NEXT;
    case MALI_TASK_STALL:
        return mali_cs_mem_failed(x, MALI_XLATE_STALL, t->va);
    case MALI_TASK_FAULT:
        return mali_cs_mem_failed(x, MALI_XLATE_FAULT, t->va);
    case MALI_TASK_INVALID:
        return mali_cs_fault(x, CS_EXC_DATA_INVALID, t->va);
    case MALI_TASK_NO_MEMORY:
        return mali_cs_fault(x, CS_EXC_OOM, t->va);
    case MALI_TASK_HANDLER:
        return MALI_CS_JUMPED;
    default:
        return MALI_CS_BLOCK;
    }
}

static MaliCsStep mali_cs_task_done(MaliCsCtx *x, uint64_t address,
                                    uint64_t data)
{
    MaliTask t = mali_cs_task(x);

    t.address = address;
    t.data = data;
    t.progress = x->op->progress;
    if (mali_task_finish(&t) == MALI_TASK_MORE) {
        x->op->progress = t.progress;
        x->op->due = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + MALI_TASK_GAP_NS;
    }
    return mali_cs_task_step(x, &t);
}

static MaliCsStep mali_cs_heap_operation(MaliCsCtx *x, uint64_t address,
                                         uint64_t data)
{
    MaliTask t = mali_cs_task(x);

    mali_heap_count(&t, extract64(x->word, 32, 2));
    return mali_cs_task_step(x, &t);
}

static MaliCsStep mali_cs_finish_fragment(MaliCsCtx *x, uint64_t first,
                                          uint64_t last)
{
    MaliTask t = mali_cs_task(x);

    mali_heap_give_back(&t, first, last, extract64(x->word, 0, 1));
    return mali_cs_task_step(x, &t);
}

static MaliCsStep mali_cs_nothing(MaliCsCtx *x, uint64_t address, uint64_t data)
{
    return MALI_CS_NEXT;
}

static MaliCsStep mali_cs_flush_done(MaliCsCtx *x, uint64_t address,
                                     uint64_t data)
{
    if (data) {
        mali_gpu_flushed(x->s, extract64(x->word, 0, 4),
                         extract64(x->word, 4, 4));
    }
    return MALI_CS_NEXT;
}

/* Effects of operations that may come later than their instruction */
typedef MaliCsStep MaliCsEffect(MaliCsCtx *x, uint64_t address, uint64_t data);

static MaliCsEffect *const mali_cs_effects[256] = {
    [MALI_CS_FLUSH_CACHE2] = mali_cs_flush_done,
    [MALI_CS_SYNC_ADD32] = mali_cs_sync_write,
    [MALI_CS_SYNC_SET32] = mali_cs_sync_write,
    [MALI_CS_SYNC_ADD64] = mali_cs_sync_write,
    [MALI_CS_SYNC_SET64] = mali_cs_sync_write,
    [MALI_CS_STORE_STATE] = mali_cs_store_state,
    [MALI_CS_HEAP_OPERATION] = mali_cs_heap_operation,
    [MALI_CS_FINISH_FRAGMENT] = mali_cs_finish_fragment,
    [MALI_CS_TRACE_POINT] = mali_cs_nothing,
    [MALI_CS_FINISH_TILING] = mali_cs_task_done,
    [MALI_CS_RUN_COMPUTE] = mali_cs_task_done,
    [MALI_CS_RUN_COMPUTE_INDIRECT] = mali_cs_task_done,
    [MALI_CS_RUN_TILING] = mali_cs_task_done,
    [MALI_CS_RUN_IDVS] = mali_cs_task_done,
    [MALI_CS_RUN_FRAGMENT] = mali_cs_task_done,
    [MALI_CS_RUN_FULLSCREEN] = mali_cs_task_done,
};

/* Now when there is nothing to wait for, else when its slots are free */
static MaliCsStep mali_cs_deferrable(MaliCsCtx *x, uint64_t address,
                                     uint64_t data)
{
    uint32_t wait = mali_cs_mask(x->word);

    if (!wait) {
        return mali_cs_effects[mali_cs_opcode(x->word)](x, address, data);
    }
    return mali_cs_issue(x, mali_cs_signal(x->word), wait, address, data, 0);
}

/* --- Instructions --- */

static MaliCsStep mali_op_nop(MaliCsCtx *x)
{
    return MALI_CS_NEXT;
}

static MaliCsStep mali_op_wait(MaliCsCtx *x)
{
    /* 8 slots here; architecture 12 has 16 and a wider field */
    if (mali_cs_slots_busy(x->c, extract64(x->word, 16, 8))) {
        x->c->wait_mask = extract64(x->word, 16, 8);
        return mali_cs_block(x, MALI_CS_BLOCKED_SB);
    }
    x->c->progress += extract64(x->word, 32, 1);
    return MALI_CS_NEXT;
}

static MaliCsStep mali_op_move48(MaliCsCtx *x)
{
    mali_cs_set64(x->c, mali_cs_dst(x->word), extract64(x->word, 0, 48));
    return MALI_CS_NEXT;
}

static MaliCsStep mali_op_move32(MaliCsCtx *x)
{
    x->c->regs[mali_cs_dst(x->word)] = x->word;
    return MALI_CS_NEXT;
}

static MaliCsStep mali_op_add_imm32(MaliCsCtx *x)
{
    x->c->regs[mali_cs_dst(x->word)] =
        x->c->regs[mali_cs_src(x->word)] + (uint32_t)x->word;
    return MALI_CS_NEXT;
}

static MaliCsStep mali_op_add_imm64(MaliCsCtx *x)
{
    mali_cs_set64(x->c, mali_cs_dst(x->word),
                  mali_cs_reg64(x->c, mali_cs_src(x->word)) +
                  (int32_t)x->word);
    return MALI_CS_NEXT;
}

static MaliCsStep mali_op_umin32(MaliCsCtx *x)
{
    const uint32_t *regs = x->c->regs;

    x->c->regs[mali_cs_dst(x->word)] = MIN(regs[mali_cs_src(x->word)],
                                           regs[mali_cs_src1(x->word)]);
    return MALI_CS_NEXT;
}

/* Memory is packed: registers that the mask leaves out have no word there */
static MaliCsStep mali_op_load_multiple(MaliCsCtx *x)
{
    uint64_t va = mali_cs_reg64(x->c, mali_cs_src(x->word)) +
                  mali_cs_offset(x->word);
    uint32_t *regs = &x->c->regs[mali_cs_dst(x->word)];
    uint32_t mask = mali_cs_mask(x->word);
    uint32_t buf[16], *next = buf;
    MaliXlate ret;

    if (va & 3) {
        return mali_cs_fault(x, CS_EXC_DATA_INVALID, va);
    }
    ret = mali_mem_read(x->s, x->g->as, va, buf, ctpop16(mask) * 4, x->source);
    if (ret != MALI_XLATE_OK) {
        return mali_cs_mem_failed(x, ret, va);
    }
    for (; mask; mask &= mask - 1) {
        regs[ctz32(mask)] = le32_to_cpu(*next++);
    }
    return MALI_CS_NEXT;
}

static MaliCsStep mali_op_store_multiple(MaliCsCtx *x)
{
    uint64_t va = mali_cs_reg64(x->c, mali_cs_src(x->word)) +
                  mali_cs_offset(x->word);
    const uint32_t *regs = &x->c->regs[mali_cs_dst(x->word)];
    uint32_t mask = mali_cs_mask(x->word);
    uint32_t buf[16], *next = buf;
    MaliXlate ret;

    if (va & 3) {
        return mali_cs_fault(x, CS_EXC_DATA_INVALID, va);
    }
    for (; mask; mask &= mask - 1) {
        *next++ = cpu_to_le32(regs[ctz32(mask)]);
    }
    ret = mali_mem_write(x->s, x->g->as, va, buf, (next - buf) * 4, x->source);
    return ret == MALI_XLATE_OK ? MALI_CS_NEXT
                                : mali_cs_mem_failed(x, ret, va);
}

static bool mali_cs_cond(unsigned cond, int32_t val)
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

static MaliCsStep mali_op_branch(MaliCsCtx *x)
{
    MaliCs *c = x->c;
    MaliCsFrame *f;
    uint64_t target;

    if (!mali_cs_cond(extract64(x->word, 28, 3),
                      c->regs[mali_cs_src(x->word)])) {
        return MALI_CS_NEXT;
    }
    if (!c->depth) {
        /* The ring is no place to go back in: what was there may be gone */
        return mali_cs_fault(x, CS_EXC_INVALID_PC, mali_cs_pc(c));
    }
    f = &c->frames[c->depth - 1];
    target = f->pc + 8 + (int64_t)mali_cs_offset(x->word) * 8;
    if (target < f->start || target > f->end) {
        return mali_cs_fault(x, CS_EXC_INVALID_PC, target);
    }
    f->pc = target;
    return MALI_CS_JUMPED;
}

static MaliCsStep mali_cs_enter(MaliCsCtx *x, bool call)
{
    MaliCs *c = x->c;
    uint64_t start = mali_cs_reg64(c, mali_cs_src(x->word));
    uint32_t length = c->regs[mali_cs_src1(x->word)];

    if (start & 7 || length & 7 || start + length < start) {
        return mali_cs_fault(x, CS_EXC_INVALID_PC, start);
    }
    if (call && c->depth == MALI_CS_CALL_DEPTH) {
        return mali_cs_fatal(x, CS_EXC_CALL_STACK_OVERFLOW, start);
    }
    if (!call && !c->depth) {
        return mali_cs_fault(x, CS_EXC_INVALID_PC, mali_cs_pc(c));
    }
    c->depth += call;
    c->frames[c->depth - 1] = (MaliCsFrame) {
        .start = start, .pc = start, .end = start + length,
    };
    return MALI_CS_JUMPED;
}

static MaliCsStep mali_op_call(MaliCsCtx *x)
{
    return mali_cs_enter(x, true);
}

static MaliCsStep mali_op_jump(MaliCsCtx *x)
{
    return mali_cs_enter(x, false);
}

static MaliCsStep mali_op_set_sb_entry(MaliCsCtx *x)
{
    x->c->sb_endpoint = extract64(x->word, 0, 4);
    x->c->sb_other = extract64(x->word, 4, 4);
    return MALI_CS_NEXT;
}

static MaliCsStep mali_op_req_resource(MaliCsCtx *x)
{
    x->c->resources = extract64(x->word, 0, 4);
    return MALI_CS_NEXT;
}

static MaliCsStep mali_op_flush_cache2(MaliCsCtx *x)
{
    uint32_t id = x->c->regs[mali_cs_src(x->word)];
    /* Skipped when the caches were flushed after @id was read; 0 never is */
    bool needed = mali_gpu_flush_needed(x->s, id);

    return mali_cs_issue(x, mali_cs_signal(x->word), mali_cs_mask(x->word), 0,
                         needed, needed ? x->s->model->timing->flush : 0);
}

static MaliCsStep mali_op_sync_write(MaliCsCtx *x)
{
    unsigned op = mali_cs_opcode(x->word);
    unsigned data = mali_cs_src1(x->word);
    bool wide = op == MALI_CS_SYNC_ADD64 || op == MALI_CS_SYNC_SET64;

    return mali_cs_deferrable(x, mali_cs_reg64(x->c, mali_cs_src(x->word)),
                              wide ? mali_cs_reg64(x->c, data)
                                   : x->c->regs[data]);
}

static MaliCsStep mali_op_sync_wait(MaliCsCtx *x)
{
    MaliCs *c = x->c;
    bool wide = mali_cs_opcode(x->word) == MALI_CS_SYNC_WAIT64;
    bool gt = extract64(x->word, 28, 4) == MALI_CS_COND_GT;
    bool reject = extract64(x->word, 0, 1);
    uint64_t va = mali_cs_reg64(c, mali_cs_src(x->word));
    unsigned ref = mali_cs_src1(x->word);
    uint32_t status;
    uint64_t val;
    uint8_t buf[12];
    MaliXlate ret;

    if (va & (wide ? 7 : 3)) {
        return mali_cs_fault(x, CS_EXC_DATA_INVALID, va);
    }
    ret = mali_mem_read(x->s, x->g->as, va, buf, wide ? 12 : 8, x->source);
    if (ret != MALI_XLATE_OK) {
        return mali_cs_mem_failed(x, ret, va);
    }
    val = wide ? ldq_le_p(buf) : ldl_le_p(buf);
    status = ldl_le_p(buf + (wide ? 8 : 4));
    c->wait_address = va;
    c->wait_value = wide ? mali_cs_reg64(c, ref) : c->regs[ref];
    c->wait_flags = CS_WAIT_SYNC | (wide ? CS_WAIT_SYNC_64B : 0) |
                    (uint32_t)gt << CS_WAIT_COND_SHIFT;
    if (gt ? val > c->wait_value : val <= c->wait_value) {
        if (status && !reject) {
            return mali_cs_fault(x, CS_EXC_INHERIT_FAULT, status);
        }
        return MALI_CS_NEXT;
    }
    return mali_cs_block(x, MALI_CS_BLOCKED_SYNC);
}

static MaliCsStep mali_op_store_state(MaliCsCtx *x)
{
    return mali_cs_deferrable(x, mali_cs_reg64(x->c, mali_cs_src(x->word)) +
                                 mali_cs_offset(x->word), 0);
}

static MaliCsStep mali_op_deferrable(MaliCsCtx *x)
{
    return mali_cs_deferrable(x, 0, 0);
}

static MaliCsStep mali_op_finish_fragment(MaliCsCtx *x)
{
    return mali_cs_deferrable(x, mali_cs_reg64(x->c, mali_cs_src(x->word)),
                              mali_cs_reg64(x->c, mali_cs_src1(x->word)));
}

static MaliCsStep mali_op_run(MaliCsCtx *x)
{
    MaliTask t = mali_cs_task(x);

    /* Before it takes any memory */
    if (x->c->n_ops == MALI_CS_MAX_OPS) {
        return mali_cs_block(x, MALI_CS_BLOCKED_DEFERRED);
    }
    if (mali_task_start(&t) != MALI_TASK_OK) {
        return mali_cs_task_step(x, &t);
    }
    return mali_cs_issue(x, x->c->sb_endpoint, 0, t.address, t.data, t.delay);
}

static MaliCsStep mali_op_progress_store(MaliCsCtx *x)
{
    x->c->progress = mali_cs_reg64(x->c, mali_cs_src(x->word));
    return MALI_CS_NEXT;
}

static MaliCsStep mali_op_progress_load(MaliCsCtx *x)
{
    mali_cs_set64(x->c, mali_cs_dst(x->word), x->c->progress);
    return MALI_CS_NEXT;
}

static MaliCsStep mali_op_progress_wait(MaliCsCtx *x)
{
    unsigned queue = extract64(x->word, 0, 5);

    if (queue >= x->s->cs_slots) {
        return mali_cs_fatal(x, CS_EXC_INSTR_INVALID, queue);
    }
    if (x->g->cs[queue].progress <
        mali_cs_reg64(x->c, mali_cs_src(x->word))) {
        return mali_cs_block(x, MALI_CS_BLOCKED_PROGRESS);
    }
    return MALI_CS_NEXT;
}

static MaliCsStep mali_op_set_exception_handler(MaliCsCtx *x)
{
    x->c->handler_address = mali_cs_reg64(x->c, mali_cs_src(x->word));
    x->c->handler_length = x->c->regs[mali_cs_src1(x->word)];
    return MALI_CS_NEXT;
}

static MaliCsStep mali_op_error_barrier(MaliCsCtx *x)
{
    x->c->error = 0;
    return MALI_CS_NEXT;
}

static MaliCsStep mali_op_heap_set(MaliCsCtx *x)
{
    x->c->heap = mali_cs_reg64(x->c, mali_cs_src(x->word));
    return MALI_CS_NEXT;
}

typedef struct MaliCsExec {
    MaliCsHandler *handler;
    bool after_error;       /* also between a fault and the ERROR_BARRIER */
} MaliCsExec;

static const MaliCsExec mali_cs_exec[256] = {
    [MALI_CS_NOP] = { mali_op_nop, true },
    [MALI_CS_MOVE48] = { mali_op_move48, true },
    [MALI_CS_MOVE32] = { mali_op_move32, true },
    [MALI_CS_WAIT] = { mali_op_wait, true },
    [MALI_CS_RUN_COMPUTE] = { mali_op_run },
    [MALI_CS_RUN_TILING] = { mali_op_run },
    [MALI_CS_RUN_IDVS] = { mali_op_run },
    [MALI_CS_RUN_FRAGMENT] = { mali_op_run },
    [MALI_CS_RUN_FULLSCREEN] = { mali_op_run },
    [MALI_CS_FINISH_TILING] = { mali_op_run },
    [MALI_CS_FINISH_FRAGMENT] = { mali_op_finish_fragment },
    [MALI_CS_ADD_IMM32] = { mali_op_add_imm32, true },
    [MALI_CS_ADD_IMM64] = { mali_op_add_imm64, true },
    [MALI_CS_UMIN32] = { mali_op_umin32, true },
    [MALI_CS_LOAD_MULTIPLE] = { mali_op_load_multiple },
    [MALI_CS_STORE_MULTIPLE] = { mali_op_store_multiple },
    [MALI_CS_BRANCH] = { mali_op_branch },
    [MALI_CS_SET_SB_ENTRY] = { mali_op_set_sb_entry },
    [MALI_CS_PROGRESS_WAIT] = { mali_op_progress_wait },
    [MALI_CS_SET_EXCEPTION_HANDLER] = { mali_op_set_exception_handler },
    [MALI_CS_CALL] = { mali_op_call },
    [MALI_CS_JUMP] = { mali_op_jump },
    [MALI_CS_REQ_RESOURCE] = { mali_op_req_resource },
    [MALI_CS_FLUSH_CACHE2] = { mali_op_flush_cache2, true },
    [MALI_CS_SYNC_ADD32] = { mali_op_sync_write, true },
    [MALI_CS_SYNC_SET32] = { mali_op_sync_write, true },
    [MALI_CS_SYNC_WAIT32] = { mali_op_sync_wait },
    [MALI_CS_STORE_STATE] = { mali_op_store_state, true },
    [MALI_CS_PROT_REGION] = { mali_op_nop },
    [MALI_CS_PROGRESS_STORE] = { mali_op_progress_store },
    [MALI_CS_PROGRESS_LOAD] = { mali_op_progress_load },
    [MALI_CS_RUN_COMPUTE_INDIRECT] = { mali_op_run },
    [MALI_CS_ERROR_BARRIER] = { mali_op_error_barrier, true },
    [MALI_CS_HEAP_SET] = { mali_op_heap_set },
    [MALI_CS_HEAP_OPERATION] = { mali_op_deferrable },
    [MALI_CS_TRACE_POINT] = { mali_op_deferrable },
    [MALI_CS_SYNC_ADD64] = { mali_op_sync_write, true },
    [MALI_CS_SYNC_SET64] = { mali_op_sync_write, true },
    [MALI_CS_SYNC_WAIT64] = { mali_op_sync_wait },
};

/* --- Fetching and stepping --- */

uint64_t mali_cs_pc(const MaliCs *c)
{
    return c->depth ? c->frames[c->depth - 1].pc
                    : c->ring_base + (c->extract & (c->ring_size - 1));
}

static void mali_cs_advance(MaliCs *c)
{
    if (c->depth) {
        c->frames[c->depth - 1].pc += 8;
    } else {
        c->extract += 8;
    }
}

/* Leave streams that are at their end; false when there is nothing to fetch */
static bool mali_cs_settle(MaliCs *c)
{
    while (c->depth) {
        const MaliCsFrame *f = &c->frames[c->depth - 1];

        if (f->pc != f->end) {
            return true;
        }
        if (c->depth-- == c->handler_depth) {
            /* Back to what the exception handler was called for, once more */
            c->handler_depth = 0;
            continue;
        }
        mali_cs_advance(c);
    }
    return c->extract != c->insert;
}

static MaliCsStep mali_cs_step(MaliCsCtx *x)
{
    const MaliCsIsa *isa = x->s->isa;
    const MaliCsInsn *insn = mali_cs_decode(isa, x->word);
    const MaliCsExec *exec = &mali_cs_exec[mali_cs_opcode(x->word)];

    if (!insn || !exec->handler ||
        mali_cs_check(isa, insn, x->word, isa->n_regs)) {
        return mali_cs_fatal(x, CS_EXC_INSTR_INVALID, x->word);
    }
    if (x->c->error && !exec->after_error) {
        return MALI_CS_NEXT;
    }
    return exec->handler(x);
}

/*
 * The instructions that only touch registers, as long as they follow one
 * another in one page of a called stream: most of a loop is of these.  Returns
 * how many there were.
 */
static uint32_t mali_cs_run_registers(MaliCsCtx *x, uint32_t budget)
{
    MaliCs *c = x->c;
    MaliCsFrame *f = &c->frames[c->depth - 1];
    const unsigned n_regs = x->s->isa->n_regs;
    uint64_t pc = f->pc, lo, hi;
    const uint8_t *code;
    uint32_t left, n;
    MaliXlate ret;

    code = mali_mem_map(x->s, x->g->as, pc, MALI_ACCESS_READ, x->source, &left,
                        &ret);
    if (!code || c->error) {
        return 0;
    }
    /* The part of the stream that lies in this page */
    hi = MIN(f->end, pc + left);
    lo = MAX(f->start, ROUND_DOWN(pc, 4096));
    code -= pc - lo;

    for (n = 0; n < budget && pc < hi; n++) {
        uint64_t word = ldq_le_p(code + (pc - lo));
        unsigned dst = mali_cs_dst(word), src = mali_cs_src(word);

        switch (mali_cs_opcode(word)) {
        case MALI_CS_NOP:
            break;
        case MALI_CS_MOVE48:
            if (dst & 1 || dst >= n_regs) {
                goto out;
            }
            mali_cs_set64(c, dst, extract64(word, 0, 48));
            break;
        case MALI_CS_MOVE32:
            if (dst >= n_regs) {
                goto out;
            }
            c->regs[dst] = word;
            break;
        case MALI_CS_ADD_IMM32:
            if (dst >= n_regs || src >= n_regs) {
                goto out;
            }
            c->regs[dst] = c->regs[src] + (uint32_t)word;
            break;
        case MALI_CS_ADD_IMM64:
            if ((dst | src) & 1 || dst >= n_regs || src >= n_regs) {
                goto out;
            }
            mali_cs_set64(c, dst, mali_cs_reg64(c, src) + (int32_t)word);
            break;
        case MALI_CS_BRANCH:
            if (src >= n_regs || extract64(word, 28, 3) > MALI_CS_COND_ALWAYS) {
                goto out;
            }
            if (mali_cs_cond(extract64(word, 28, 3), c->regs[src])) {
                uint64_t target = pc + 8 + (int64_t)mali_cs_offset(word) * 8;

                if (target < lo || target >= hi) {
                    goto out;
                }
                pc = target;
                continue;
            }
            break;
        default:
            goto out;
        }
        pc += 8;
    }
out:
    f->pc = pc;
    return n;
}

uint32_t mali_cs_run(MaliCsfState *s, unsigned csg, unsigned cs,
                     uint32_t budget)
{
    MaliCsCtx x = {
        .s = s, .g = &s->csg[csg], .c = &s->csg[csg].cs[cs],
        .csg = csg, .cs = cs, .source = MALI_SOURCE_CS(csg, cs),
    };
    MaliCs *c = x.c;
    uint32_t n = 0;

    c->blocked = MALI_CS_UNBLOCKED;
    c->stalled = false;
    while (n < budget && c->state == MALI_CS_RUNNING) {
        MaliCsStep step;
        MaliXlate ret;
        uint64_t word;

        if (!mali_cs_settle(c)) {
            break;
        }
        if (c->depth) {
            uint32_t run = mali_cs_run_registers(&x, budget - n);

            n += run;
            if (run) {
                continue;
            }
        }
        x.word = 0;
        ret = mali_mem_read(s, x.g->as, mali_cs_pc(c), &word, sizeof(word),
                            x.source);
        if (ret == MALI_XLATE_OK) {
            x.word = le64_to_cpu(word);
            step = mali_cs_step(&x);
        } else {
            step = mali_cs_mem_failed(&x, ret, mali_cs_pc(c));
        }
        n++;
        if (step == MALI_CS_NEXT) {
            mali_cs_advance(c);
        } else if (step != MALI_CS_JUMPED) {
            break;
        }
    }
    s->sched.instructions += n;
    return n;
}

/*
 * The host has seen the fault: go on in the ring, behind the instruction there
 * that led to it.  An operation that failed later did not come from the one
 * that is next.
 */
void mali_cs_resume_faulted(MaliCs *c)
{
    bool advance = c->depth || !c->fault_async;

    c->state = MALI_CS_RUNNING;
    c->depth = 0;
    c->handler_depth = 0;
    c->oom = MALI_OOM_NONE;
    c->tiler_left = 0;
    if (advance) {
        mali_cs_advance(c);
    }
}

/* Whether the sync object that is waited for has come to the value */
bool mali_cs_sync_ready(MaliCsfState *s, unsigned csg, unsigned cs)
{
    const MaliCs *c = &s->csg[csg].cs[cs];
    bool wide = c->wait_flags & CS_WAIT_SYNC_64B;
    bool gt = extract32(c->wait_flags, CS_WAIT_COND_SHIFT, 4) ==
              MALI_CS_COND_GT;
    uint64_t val = 0;

    if (mali_mem_read(s, s->csg[csg].as, c->wait_address, &val, wide ? 8 : 4,
                      MALI_SOURCE_CS(csg, cs)) != MALI_XLATE_OK) {
        /* The instruction will find out, and raise what is due */
        return true;
    }
    val = le64_to_cpu(val);
    return gt ? val > c->wait_value : val <= c->wait_value;
}

bool mali_cs_op_valid(uint64_t word)
{
    return mali_cs_effects[mali_cs_opcode(word)];
}

bool mali_cs_runnable(const MaliCs *c)
{
    return c->state == MALI_CS_RUNNING && !c->stalled &&
           c->blocked == MALI_CS_UNBLOCKED &&
           (c->depth || c->extract != c->insert);
}

/* --- Completion --- */

int64_t mali_cs_next_due(const MaliCs *c)
{
    int64_t due = MALI_EVENT_IDLE;

    /* A queue that has ended completes nothing any more */
    for (int i = 0; i < c->n_ops && c->state != MALI_CS_FATAL; i++) {
        due = MIN(due, c->ops[i].due);
    }
    return due;
}

/* Start what waited for slots that are free now */
static void mali_cs_start_deferred(MaliCs *c, int64_t now)
{
    for (int i = 0; i < c->n_ops; i++) {
        MaliCsOp *op = &c->ops[i];

        if (op->due == MALI_EVENT_IDLE && !mali_cs_slots_busy(c, op->wait)) {
            op->due = now + op->delay;
        }
    }
}

bool mali_cs_complete(MaliCsfState *s, unsigned csg, unsigned cs, int64_t now)
{
    MaliCsCtx x = {
        .s = s, .g = &s->csg[csg], .c = &s->csg[csg].cs[cs],
        .csg = csg, .cs = cs, .source = MALI_SOURCE_CS(csg, cs), .async = true,
    };
    MaliCs *c = x.c;
    bool any = false;

    for (int i = 0; i < c->n_ops; ) {
        MaliCsOp op = c->ops[i];

        if (op.due > now || c->state == MALI_CS_FATAL) {
            i++;
            continue;
        }
        x.word = op.word;
        x.op = &c->ops[i];
        if (mali_cs_effects[mali_cs_opcode(op.word)](&x, op.address, op.data) ==
            MALI_CS_BLOCK) {
            /* A locked region, or a part is done: it stays on the list */
            c->ops[i++].due = now + MALI_STALL_NS;
            continue;
        }
        c->sb[op.slot]--;
        c->n_ops--;
        memmove(&c->ops[i], &c->ops[i + 1], (c->n_ops - i) * sizeof(c->ops[0]));
        any = true;
        mali_cs_start_deferred(c, now);
        i = 0;
    }
    if (any && (c->blocked == MALI_CS_BLOCKED_SB ||
                c->blocked == MALI_CS_BLOCKED_DEFERRED)) {
        c->blocked = MALI_CS_UNBLOCKED;
    }
    return any;
}
