/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: operations of command streams, which may take effect later
 * than their instruction
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/timer.h"
#include "mali_csf_cs.h"
#include "trace.h"

/* --- Memory operations --- */

/*
 * The object's status tells whether there is an error, no more (v10.xml: "0 ==
 * NO_FAULT, 1 == FAULT"); without propagate it is cleared (v13.xml, "CS Sync
 * Error Propagate").  Who sees the value may look at it, so that it is first.
 */
static MaliXlate mali_cs_sync_status(MaliCsCtx *x, uint64_t address)
{
    bool propagate = extract64(x->word, 0, 1);

    return mali_mem_update(x->s, x->g->as, address, propagate && x->c->error,
                           false, false, x->source);
}

/* What SYNC_ADD and SYNC_SET do when their turn has come */
static MaliCsStep mali_cs_sync_write(MaliCsCtx *x, uint64_t address,
                                     uint64_t data)
{
    unsigned op = mali_cs_opcode(x->word);
    bool wide = op == MALI_CS_SYNC_ADD64 || op == MALI_CS_SYNC_SET64;
    bool add = op == MALI_CS_SYNC_ADD32 || op == MALI_CS_SYNC_ADD64;
    MaliVerdict v = { };
    MaliXlate ret;
    uint32_t left;

    if (address & (wide ? 7 : 3)) {
        return mali_cs_fault(x, CS_EXC_DATA_INVALID, address);
    }
    /*
     * Whoever sees the value must see the status that belongs to it; but a
     * fault is one of the value's address.
     */
    mali_mem_map(x->s, x->g->as, address, MALI_ACCESS_WRITE, x->source, &left,
                 &ret);
    if (ret == MALI_XLATE_OK) {
        v = mali_inject(x->s, MALI_INJECT_SYNC, .csg = x->csg, .cs = x->cs,
                        .as = x->g->as, .va = address, .opcode = op,
                        .address = address);
        if (v.act == MALI_ACT_DROP) {
            return MALI_CS_NEXT;
        }
        ret = mali_cs_sync_status(x, address + (wide ? 8 : 4));
    }
    if (ret == MALI_XLATE_OK) {
        if (add && v.act == MALI_ACT_TWICE) {
            data *= 2;
        }
        ret = mali_mem_update(x->s, x->g->as, address, data, wide, add,
                              x->source);
    }
    if (ret != MALI_XLATE_OK) {
        return mali_cs_mem_failed(x, ret, address);
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

MaliTask mali_cs_task(const MaliCsCtx *x)
{
    return (MaliTask) {
        .s = x->s, .c = x->c, .csg = x->csg, .cs = x->cs, .word = x->word,
    };
}

MaliCsStep mali_cs_task_step(MaliCsCtx *x, const MaliTask *t)
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
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    MaliTask t = mali_cs_task(x);

    t.address = address;
    t.data = data;
    t.progress = x->op->progress;
    if (mali_task_finish(&t) == MALI_TASK_MORE) {
        x->op->progress = t.progress;
        x->op->due = now + MALI_TASK_GAP_NS;
    }
    if (t.ret != MALI_TASK_STALL) {
        x->g->progress_at = now;
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

bool mali_cs_op_valid(uint64_t word)
{
    return mali_cs_effects[mali_cs_opcode(word)];
}

MaliCsStep mali_cs_effect(MaliCsCtx *x, uint64_t address, uint64_t data)
{
    return mali_cs_effects[mali_cs_opcode(x->word)](x, address, data);
}

MaliCsStep mali_cs_deferrable(MaliCsCtx *x, uint64_t address, uint64_t data)
{
    uint32_t wait = mali_cs_mask(x->word);

    if (!wait) {
        return mali_cs_effect(x, address, data);
    }
    return mali_cs_issue(x, mali_cs_signal(x->word), wait, address, data, 0);
}
