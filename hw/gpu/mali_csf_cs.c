/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: execution of command streams (contract 8)
 *
 * One queue at a time, for a bounded number of instructions.  What hardware
 * does in the background is an operation in the queue's list until it is due.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/timer.h"
#include "mali_csf_cs.h"
#include "trace.h"

/* --- Errors --- */

static MaliCsStep mali_cs_raise(MaliCsCtx *x, bool fatal, uint8_t exception,
                                uint64_t info)
{
    const char *kind = fatal ? "fatal" : "fault";
    char text[MALI_CS_DISASM_MAX] = "not fetched";
    MaliCs *c = x->c;
    uint64_t pc = mali_cs_pc(c);

    /* A NOP that raises something is none: see mali_cs_run() */
    if (x->word) {
        mali_cs_disasm(x->s->isa, x->word, pc, text, sizeof(text));
    }
    trace_mali_csf_cs_exception(x->csg, x->cs, kind, exception, info, pc,
                                x->word, text);
    mali_guest_error("CSG %u CS %u: %s 0x%02x, info 0x%" PRIx64 ", %s 0x%"
                     PRIx64 ": %s", x->csg, x->cs, kind, exception, info,
                     x->async ? "issued before" : "at", pc, text);
    c->state = fatal ? MALI_CS_FATAL : MALI_CS_FAULTED;
    c->error = exception;
    c->error_info = info;
    c->fault_async = x->async;
    c->fault_untold = false;
    c->raise |= fatal ? CS_EVT_FATAL : CS_EVT_FAULT;
    return MALI_CS_STOP;
}

MaliCsStep mali_cs_fatal(MaliCsCtx *x, uint8_t exception, uint64_t info)
{
    return mali_cs_raise(x, true, exception, info);
}

MaliCsStep mali_cs_fault(MaliCsCtx *x, uint8_t exception, uint64_t info)
{
    return mali_cs_raise(x, false, exception, info);
}

MaliCsStep mali_cs_mem_failed(MaliCsCtx *x, MaliXlate ret, uint64_t va)
{
    if (ret == MALI_XLATE_STALL) {
        x->c->blocked = MALI_CS_UNBLOCKED;
        x->c->stalled = true;
        return MALI_CS_BLOCK;
    }
    return mali_cs_fatal(x, CS_EXC_BUS_FAULT, va);
}

void mali_cs_break(MaliCsfState *s, unsigned csg, unsigned cs, bool fatal,
                   uint8_t exception, uint64_t info)
{
    MaliCsCtx x = {
        .s = s, .g = &s->csg[csg], .c = &s->csg[csg].cs[cs],
        .csg = csg, .cs = cs, .async = true,
    };

    if (x.g->running && x.c->state == MALI_CS_RUNNING) {
        mali_cs_raise(&x, fatal, exception, info);
    }
}

void mali_cs_hold(MaliCs *c, int64_t ns)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    c->held_until = ns > MALI_EVENT_NEVER - now ? MALI_EVENT_NEVER : now + ns;
    c->stalled = true;
}

/* --- Waiting and asynchronous operations --- */

bool mali_cs_slots_busy(const MaliCs *c, uint32_t mask)
{
    for (int i = 0; i < MALI_CS_MAX_SB && mask; i++, mask >>= 1) {
        if (mask & 1 && c->sb[i]) {
            return true;
        }
    }
    return false;
}

MaliCsStep mali_cs_block(MaliCsCtx *x, MaliCsBlocked reason)
{
    x->c->blocked = reason;
    return MALI_CS_BLOCK;
}

MaliCsStep mali_cs_issue(MaliCsCtx *x, unsigned slot, uint32_t wait,
                         uint64_t address, uint64_t data, uint64_t delay)
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

/* How far ahead of what a stream copies the host fetches memory, in bytes */
#define MALI_CS_AHEAD 512

/* Fetch what comes behind @mem, which is @va, in the same page */
static inline void mali_cs_fetch_ahead(const uint8_t *mem, uint64_t va,
                                       bool store)
{
    const uint8_t *next = mem - (va & 0xfff) + ((va + MALI_CS_AHEAD) & 0xfff);

    if (store) {
        __builtin_prefetch(next, 1);
    } else {
        __builtin_prefetch(next, 0);
    }
}

/*
 * LOAD or STORE_MULTIPLE of @n registers, inside of a page that has been met
 * before.  False for any other.  Inlined for the sake of a length that the
 * compiler knows.
 */
static QEMU_ALWAYS_INLINE bool
mali_cs_run_registers(MaliCsCtx *x, uint64_t word, unsigned n, unsigned n_regs,
                      bool store)
{
    unsigned dst = mali_cs_dst(word), src = mali_cs_src(word);
    uint8_t *regs, *mem;
    uint64_t va;

    if (HOST_BIG_ENDIAN || dst + n > n_regs || src & 1 || src >= n_regs) {
        return false;
    }
    va = mali_cs_reg64(x->c, src) + mali_cs_offset(word);
    if (va & 3 || (va & 0xfff) > 0x1000 - n * 4) {
        return false;
    }
    mem = mali_mem_mapped(x->s, x->g->as, va,
                          store ? MALI_ACCESS_WRITE : MALI_ACCESS_READ);
    if (!mem) {
        return false;
    }
    /* There is too much between two of them for the host to see it by itself */
    mali_cs_fetch_ahead(mem, va, store);
    regs = (uint8_t *)&x->c->regs[dst];
    memcpy(store ? mem : regs, store ? regs : mem, n * 4);
    return true;
}

/* The same of registers without a hole: what a copy is made of */
static QEMU_ALWAYS_INLINE bool mali_cs_run_multiple(MaliCsCtx *x, uint64_t word,
                                                    unsigned n_regs, bool store)
{
    uint32_t mask = mali_cs_mask(word);
    unsigned n;

    if (likely(mask == 0xffff)) {
        return mali_cs_run_registers(x, word, 16, n_regs, store);
    }
    n = ctz32(~mask);
    return !(mask >> n) && mali_cs_run_registers(x, word, n, n_regs, store);
}

/*
 * The instructions of a called stream that follow one another in one page.
 * The frequent ones are done right here when there is nothing special about
 * them; *@step is what the last one of the others led to.  Returns how many
 * there were, 0 when the page cannot be mapped.
 */
static uint32_t mali_cs_run_page(MaliCsCtx *x, uint32_t budget,
                                 MaliCsStep *step)
{
    MaliCs *c = x->c;
    MaliCsFrame *f = &c->frames[c->depth - 1];
    const unsigned n_regs = x->s->isa->n_regs;
    const unsigned n_slots = x->s->isa->n_slots;
    const bool watched = mali_inject_on(x->s, MALI_INJECT_FETCH);
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

        if (unlikely(watched) &&
            mali_inject_opcode(&x->s->inject, mali_cs_opcode(word))) {
            goto other;
        }
        switch (mali_cs_opcode(word)) {
        case MALI_CS_NOP:
            break;
        case MALI_CS_MOVE48:
            if (dst & 1 || dst >= n_regs) {
                goto other;
            }
            mali_cs_set64(c, dst, extract64(word, 0, 48));
            break;
        case MALI_CS_MOVE32:
            if (dst >= n_regs) {
                goto other;
            }
            c->regs[dst] = word;
            break;
        case MALI_CS_ADD_IMM32:
            if (dst >= n_regs || src >= n_regs) {
                goto other;
            }
            c->regs[dst] = c->regs[src] + (uint32_t)word;
            break;
        case MALI_CS_ADD_IMM64:
            if ((dst | src) & 1 || dst >= n_regs || src >= n_regs) {
                goto other;
            }
            mali_cs_set64(c, dst, mali_cs_reg64(c, src) + (int32_t)word);
            break;
        case MALI_CS_LOAD_MULTIPLE:
            if (!mali_cs_run_multiple(x, word, n_regs, false)) {
                goto other;
            }
            break;
        case MALI_CS_STORE_MULTIPLE:
            if (!mali_cs_run_multiple(x, word, n_regs, true)) {
                goto other;
            }
            break;
        case MALI_CS_WAIT:
            /* Nothing holds a slot; an increment of progress is another's */
            if (c->n_ops || extract64(word, 32, 1) ||
                mali_cs_mask(word) >> n_slots) {
                goto other;
            }
            break;
        case MALI_CS_BRANCH:
            if (src >= n_regs || extract64(word, 28, 3) > MALI_CS_COND_ALWAYS) {
                goto other;
            }
            if (mali_cs_cond(extract64(word, 28, 3), c->regs[src])) {
                uint64_t target = pc + 8 + (int64_t)mali_cs_offset(word) * 8;

                if (target < lo || target >= hi) {
                    goto other;
                }
                pc = target;
                continue;
            }
            break;
        default:
        other:
            if (n) {
                /* What was tried before is behind us */
                c->retried = false;
            }
            f->pc = pc;
            x->word = word;
            *step = mali_cs_step(x);
            if (*step != MALI_CS_NEXT) {
                return n + 1;
            }
        }
        pc += 8;
    }
    f->pc = pc;
    if (n) {
        c->retried = false;
    }
    return n;
}

uint32_t mali_cs_run(MaliCsfState *s, unsigned csg, unsigned cs,
                     uint32_t budget)
{
    MaliCsCtx x = {
        .s = s, .g = &s->csg[csg], .c = &s->csg[csg].cs[cs],
        .csg = csg, .cs = cs, .source = MALI_SOURCE_CS(csg, cs),
    };
    MaliCsStep step = MALI_CS_NEXT;
    const bool traced = mali_cs_traced();
    MaliCs *c = x.c;
    uint32_t n = 0;

    c->blocked = MALI_CS_UNBLOCKED;
    c->stalled = false;
    while (n < budget && step <= MALI_CS_JUMPED) {
        uint64_t word = 0;
        MaliXlate ret;

        if (c->state != MALI_CS_RUNNING || !mali_cs_settle(c)) {
            break;
        }
        mali_check_at(s, 0, 0, false);
        if (c->depth && !traced) {
            uint32_t run = mali_cs_run_page(&x, budget - n, &step);

            n += run;
            if (run) {
                continue;
            }
        }
        ret = mali_mem_read(s, x.g->as, mali_cs_pc(c), &word, sizeof(word),
                            x.source);
        x.word = le64_to_cpu(word);
        step = ret == MALI_XLATE_OK ? mali_cs_step(&x)
                                    : mali_cs_mem_failed(&x, ret,
                                                         mali_cs_pc(c));
        n++;
        if (step == MALI_CS_NEXT) {
            mali_cs_advance(c);
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
        mali_check_at(s, x.source, x.word, true);
        if (mali_cs_effect(&x, op.address, op.data) == MALI_CS_BLOCK) {
            /* A locked region, or a part is done: it stays on the list */
            i++;
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
