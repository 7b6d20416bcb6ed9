/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: the instructions of command streams
 *
 * What each does when its turn has come; mali_csf_isa.h says where it is known
 * from.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/host-utils.h"
#include "mali_csf_cs.h"
#include "trace.h"

typedef MaliCsStep MaliCsHandler(MaliCsCtx *x);

static MaliCsStep mali_op_nop(MaliCsCtx *x)
{
    return MALI_CS_NEXT;
}

static MaliCsStep mali_op_wait(MaliCsCtx *x)
{
    /* 8 or 16 bits: the architecture's own */
    uint32_t mask = mali_cs_mask(x->word & mali_cs_decode(x->s->isa,
                                                          x->word)->defined);

    if (mali_cs_slots_busy(x->c, mask)) {
        x->c->wait_mask = mask;
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
    const MaliCsInsn *insn = mali_cs_decode(x->s->isa, x->word);
    MaliCs *c = x->c;

    c->resources = extract64(x->word & insn->defined, 0, 8);
    if (!mali_resource_exists(x->g, c->resources)) {
        return mali_cs_fatal(x, CS_EXC_ENDPOINT_FAULT, c->resources);
    }
    c->held &= c->resources;
    if (c->held != c->resources && !mali_resource_take(x->s, x->csg, x->cs)) {
        return MALI_CS_BLOCK;
    }
    return MALI_CS_NEXT;
}

static MaliCsStep mali_op_flush_cache2(MaliCsCtx *x)
{
    uint32_t id = x->c->regs[mali_cs_src(x->word)];
    /* Skipped when the caches were flushed after @id was read; 0 never is */
    bool needed = mali_gpu_flush_needed(x->s, id);

    return mali_cs_issue(x, mali_cs_signal(x->word), mali_cs_mask(x->word), 0,
                         needed, needed ? x->s->timing.flush : 0);
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

bool mali_cs_traced(void)
{
    return trace_event_get_state_backends(TRACE_MALI_CSF_CS_INSN);
}

static void mali_cs_trace(const MaliCsCtx *x)
{
    uint64_t pc = mali_cs_pc(x->c);
    char text[MALI_CS_DISASM_MAX];

    mali_cs_disasm(x->s->isa, x->word, pc, text, sizeof(text));
    trace_mali_csf_cs_insn(x->csg, x->cs, pc, x->word, text);
}

/* What a rule makes of the instruction, when it is tried for the first time */
static MaliCsStep mali_cs_injected(MaliCsCtx *x, const MaliVerdict *v)
{
    switch (v->act) {
    case MALI_ACT_FAULT:
        return mali_cs_fault(x, v->args.type, v->args.info);
    case MALI_ACT_FATAL:
        return mali_cs_fatal(x, v->args.type, v->args.info);
    case MALI_ACT_STALL:
        mali_cs_hold(x->c, v->args.time);
        return MALI_CS_BLOCK;
    default:
        return MALI_CS_NEXT;
    }
}

static MaliVerdict mali_cs_fetched(MaliCsCtx *x)
{
    return mali_inject(x->s, MALI_INJECT_FETCH, .csg = x->csg, .cs = x->cs,
                       .as = x->g->as, .va = mali_cs_pc(x->c),
                       .opcode = mali_cs_opcode(x->word),
                       .pc = mali_cs_pc(x->c));
}

static MaliCsStep mali_cs_try(MaliCsCtx *x)
{
    const MaliCsIsa *isa = x->s->isa;
    const MaliCsInsn *insn = mali_cs_decode(isa, x->word);
    const MaliCsExec *exec = &mali_cs_exec[mali_cs_opcode(x->word)];

    if (mali_cs_traced()) {
        mali_cs_trace(x);
    }
    if (!insn || !exec->handler ||
        mali_cs_check(isa, insn, x->word, isa->n_regs)) {
        return mali_cs_fatal(x, CS_EXC_INSTR_INVALID, x->word);
    }
    if (x->c->error && !exec->after_error) {
        return MALI_CS_NEXT;
    }
    mali_check_at(x->s, x->source, x->word, false);
    return exec->handler(x);
}

MaliCsStep mali_cs_step(MaliCsCtx *x)
{
    MaliVerdict v = { };
    MaliCsStep step;

    if (!x->c->retried) {
        v = mali_cs_fetched(x);
    }
    step = v.act == MALI_ACT_NONE ? mali_cs_try(x) : mali_cs_injected(x, &v);
    x->c->retried = step == MALI_CS_BLOCK;
    return step;
}
