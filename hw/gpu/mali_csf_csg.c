/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: group and queue slots, as the host sees them (contract 3.5,
 * 3.7, 3.8)
 *
 * Requests, status and events of a slot's interface blocks.  The driver's side
 * is panthor_sched.c, csg_slot_* and cs_slot_*.
 */

#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/bswap.h"
#include "mali_csf_internal.h"
#include "mali_csf_task.h"
#include "trace.h"

/* --- The interface blocks of a slot --- */

static uint32_t mali_csg_in(const MaliCsfState *s, unsigned i, uint32_t off)
{
    return s->fw.layout.csg_input + i * FW_CSG_INPUT_STRIDE + off;
}

static uint32_t mali_csg_out(const MaliCsfState *s, unsigned i, uint32_t off)
{
    return s->fw.layout.csg_output + i * FW_CSG_OUTPUT_STRIDE + off;
}

static uint32_t mali_cs_in(const MaliCsfState *s, unsigned i, unsigned j,
                           uint32_t off)
{
    return s->fw.layout.cs_input +
           (i * s->cs_slots + j) * FW_CS_INPUT_STRIDE + off;
}

static uint32_t mali_cs_out(const MaliCsfState *s, unsigned i, unsigned j,
                            uint32_t off)
{
    return s->fw.layout.cs_output +
           (i * s->cs_slots + j) * FW_CS_OUTPUT_STRIDE + off;
}

uint32_t mali_csg_block_va(const MaliCsfState *s, bool queue, bool output,
                           unsigned csg, unsigned cs)
{
    if (queue) {
        return output ? mali_cs_out(s, csg, cs, 0) : mali_cs_in(s, csg, cs, 0);
    }
    return output ? mali_csg_out(s, csg, 0) : mali_csg_in(s, csg, 0);
}

/* Values of several words, one error */
typedef struct MaliWords {
    MaliCsfState *s;
    MaliXlate ret;
} MaliWords;

static uint32_t mali_words_get(MaliWords *w, uint64_t va)
{
    uint32_t val = 0;

    if (w->ret == MALI_XLATE_OK) {
        w->ret = mali_fw_read(w->s, va, &val);
    }
    return val;
}

/* In one access: the host may write both halves meanwhile */
static uint64_t mali_words_get64(MaliWords *w, uint64_t va)
{
    uint64_t val = 0;

    if (w->ret == MALI_XLATE_OK) {
        w->ret = mali_mem_read(w->s, 0, va, &val, sizeof(val),
                               MALI_SOURCE_MCU);
    }
    return le64_to_cpu(val);
}

static void mali_words_put(MaliWords *w, uint64_t va, uint32_t val)
{
    if (w->ret == MALI_XLATE_OK) {
        w->ret = mali_fw_write(w->s, va, val);
    }
}

static void mali_words_put64(MaliWords *w, uint64_t va, uint64_t val)
{
    mali_words_put(w, va, val);
    mali_words_put(w, va + 4, val >> 32);
}

/* --- Events to the host --- */

/*
 * Flip @bit of an ack word, unless the host has not acknowledged the last time
 * (contract 14, trap 3).  Returns whether an interrupt is wanted.
 */
static bool mali_sched_flip(MaliWords *w, uint32_t req_va, uint32_t ack_va,
                            uint32_t mask_va, uint32_t bit)
{
    uint32_t req = mali_words_get(w, req_va);
    uint32_t ack = mali_words_get(w, ack_va);
    uint32_t mask = mali_words_get(w, mask_va);

    if (w->ret != MALI_XLATE_OK || (req ^ ack) & bit) {
        return false;
    }
    mali_words_put(w, ack_va, ack ^ bit);
    return mask & bit;
}

/* Whether a rule has the host not told of an event now */
static bool mali_csg_untold(MaliCsfState *s, const MaliVerdict *v,
                            MaliInjectAct later, unsigned i, unsigned j,
                            uint32_t bit)
{
    MaliInjectArgs args = { .csg = i, .cs = j, .bits = bit };

    if (v->act == MALI_ACT_DELAY) {
        mali_inject_later(&s->inject, later, "", &args, v->args.time);
    }
    return v->act != MALI_ACT_NONE;
}

void mali_csg_event(MaliCsfState *s, unsigned i, uint32_t bit)
{
    MaliVerdict v = mali_inject(s, MALI_INJECT_CSG_EVENT, .csg = i,
                                .event = bit);
    MaliWords w = { s, MALI_XLATE_OK };

    if (mali_csg_untold(s, &v, MALI_ACT_TELL_CSG, i, 0, bit)) {
        return;
    }
    trace_mali_csf_csg_event(i, bit);
    if (mali_sched_flip(&w, mali_csg_in(s, i, CSG_REQ),
                        mali_csg_out(s, i, CSG_ACK),
                        mali_csg_in(s, i, CSG_ACK_IRQ_MASK), bit)) {
        mali_irq_raise(s, MALI_IRQ_JOB, BIT(i));
    }
}

void mali_cs_event(MaliCsfState *s, unsigned i, unsigned j, uint32_t bit)
{
    MaliVerdict v = mali_inject(s, MALI_INJECT_CS_EVENT, .csg = i, .cs = j,
                                .event = bit);
    MaliWords w = { s, MALI_XLATE_OK };
    MaliCs *c = &s->csg[i].cs[j];
    uint32_t irq_req, irq_ack;
    bool irq;

    if (mali_csg_untold(s, &v, MALI_ACT_TELL_CS, i, j, bit)) {
        c->fault_untold |= bit == CS_EVT_FAULT;
        return;
    }
    c->fault_untold &= bit != CS_EVT_FAULT;
    trace_mali_csf_cs_event(i, j, bit, c->error, c->error_info);
    if (bit == CS_EVT_TILER_OOM) {
        mali_words_put64(&w, mali_cs_out(s, i, j, CS_HEAP_ADDRESS), c->heap);
        mali_words_put(&w, mali_cs_out(s, i, j, CS_HEAP_VT_START), c->vt_start);
        mali_words_put(&w, mali_cs_out(s, i, j, CS_HEAP_VT_END), c->vt_end);
        mali_words_put(&w, mali_cs_out(s, i, j, CS_HEAP_FRAG_END), c->frag_end);
    } else {
        bool fatal = bit == CS_EVT_FATAL;

        mali_words_put(&w, mali_cs_out(s, i, j, fatal ? CS_FATAL : CS_FAULT),
                       c->error);
        mali_words_put64(&w, mali_cs_out(s, i, j, fatal ? CS_FATAL_INFO
                                                        : CS_FAULT_INFO),
                         c->error_info);
    }
    irq = mali_sched_flip(&w, mali_cs_in(s, i, j, CS_REQ),
                          mali_cs_out(s, i, j, CS_ACK),
                          mali_cs_in(s, i, j, CS_ACK_IRQ_MASK), bit);
    irq_req = mali_words_get(&w, mali_csg_out(s, i, CSG_CS_IRQ_REQ));
    irq_ack = mali_words_get(&w, mali_csg_in(s, i, CSG_CS_IRQ_ACK));
    if (irq && !((irq_req ^ irq_ack) & BIT(j))) {
        mali_words_put(&w, mali_csg_out(s, i, CSG_CS_IRQ_REQ),
                       irq_req ^ BIT(j));
    }
    if (irq) {
        mali_irq_raise(s, MALI_IRQ_JOB, BIT(i));
    }
}

/* --- Status --- */

bool mali_cs_has_ring(const MaliCs *c)
{
    return c->state != MALI_CS_STOPPED && c->ring_output;
}

/* The ring's extract: before any ack and event that the host judges it by */
static MaliXlate mali_cs_tell_extract(MaliCsfState *s, MaliCs *c)
{
    MaliWords w = { s, MALI_XLATE_OK };

    if (mali_cs_has_ring(c) && c->extract != c->extract_told) {
        mali_words_put64(&w, c->ring_output + RING_EXTRACT, c->extract);
        if (w.ret == MALI_XLATE_OK) {
            c->extract_told = c->extract;
        }
    }
    return w.ret;
}

static MaliXlate mali_csg_tell_extracts(MaliCsfState *s, unsigned i)
{
    MaliXlate ret = MALI_XLATE_OK;

    for (int j = 0; j < s->cs_slots && ret == MALI_XLATE_OK; j++) {
        ret = mali_cs_tell_extract(s, &s->csg[i].cs[j]);
    }
    return ret;
}

static uint32_t mali_cs_scoreboards(const MaliCs *c)
{
    uint32_t mask = 0;

    for (int i = 0; i < MALI_CS_MAX_SB; i++) {
        mask |= c->sb[i] ? BIT(i) : 0;
    }
    return mask;
}

static uint32_t mali_cs_wait_word(const MaliCs *c)
{
    switch (c->blocked) {
    case MALI_CS_BLOCKED_SB:
        return c->wait_mask;
    case MALI_CS_BLOCKED_PROGRESS:
        return CS_WAIT_PROGRESS;
    case MALI_CS_BLOCKED_SYNC:
        return c->wait_flags;
    default:
        return 0;
    }
}

static MaliXlate mali_csg_write_status(MaliCsfState *s, unsigned i)
{
    MaliCsg *g = &s->csg[i];
    MaliWords w = { s, mali_csg_tell_extracts(s, i) };

    for (int j = 0; j < s->cs_slots; j++) {
        const MaliCs *c = &g->cs[j];
        uint32_t out = mali_cs_out(s, i, j, 0);

        if (c->state == MALI_CS_STOPPED) {
            continue;
        }
        trace_mali_csf_cs_status(i, j, c->blocked, mali_cs_wait_word(c),
                                 c->wait_address, c->wait_value,
                                 mali_cs_scoreboards(c), c->extract, c->insert);
        mali_words_put64(&w, out + CS_STATUS_CMD_PTR, mali_cs_pc(c));
        mali_words_put(&w, out + CS_STATUS_WAIT, mali_cs_wait_word(c));
        mali_words_put(&w, out + CS_STATUS_REQ_RESOURCE, c->resources);
        mali_words_put64(&w, out + CS_STATUS_WAIT_SYNC_PTR, c->wait_address);
        mali_words_put(&w, out + CS_STATUS_WAIT_SYNC_VALUE, c->wait_value);
        mali_words_put(&w, out + CS_STATUS_WAIT_SYNC_VALUE_HI,
                       c->wait_value >> 32);
        mali_words_put(&w, out + CS_STATUS_SCOREBOARDS,
                       mali_cs_scoreboards(c));
        mali_words_put(&w, out + CS_STATUS_BLOCKED_REASON, c->blocked);
    }
    mali_words_put(&w, mali_csg_out(s, i, CSG_STATUS_ENDPOINT_CURRENT),
                   g->endpoint_req);
    mali_words_put(&w, mali_csg_out(s, i, CSG_STATUS_ENDPOINT_REQ),
                   g->endpoint_req);
    mali_words_put(&w, mali_csg_out(s, i, CSG_STATUS_STATE),
                   g->idle ? CSG_STATUS_STATE_IDLE : 0);
    return w.ret;
}

/* --- Queue slots --- */

/* The two pages that a ring's counts are in; an address of 0 is none */
static MaliXlate mali_cs_probe_ring(MaliCsfState *s, uint64_t input,
                                    uint64_t output)
{
    MaliXlate ret = mali_mem_probe(s, 0, input, RING_EXTRACT_INIT + 8,
                                   MALI_ACCESS_READ);

    if (!input || !output) {
        return MALI_XLATE_FAULT;
    }
    if (ret == MALI_XLATE_OK) {
        ret = mali_mem_probe(s, 0, output, RING_ACTIVE + 4, MALI_ACCESS_WRITE);
    }
    return ret;
}

static void mali_cs_config_fault(MaliCs *c, uint64_t info)
{
    c->state = MALI_CS_FATAL;
    c->error = CS_EXC_CONFIG_FAULT;
    c->error_info = info;
    c->raise |= CS_EVT_FATAL;
}

/* The bits of a queue's state that rules do not let be answered */
static uint32_t mali_cs_held(MaliCsfState *s, unsigned i, unsigned j,
                             uint32_t req, uint32_t ack, uint32_t *wrong)
{
    static const MaliHoldRow rows[MALI_CS_REQUESTS] = {
        [MALI_CS_REQUEST_STOP] = { CS_STATE_MASK, true, CS_STATE_STOP },
        [MALI_CS_REQUEST_START] = { CS_STATE_MASK, true, CS_STATE_START },
    };
    static const MaliHoldTable table = {
        MALI_INJECT_CS_REQUEST, MALI_ACT_RETRY_CS, MALI_CS_REQUESTS, rows,
    };

    return mali_hold_requests(s, &table, s->csg[i].cs_holds[j], i, j, req,
                              req ^ ack, wrong);
}

/* Bind a queue to its ring; @resume keeps where it was */
static MaliXlate mali_cs_start(MaliCsfState *s, unsigned i, unsigned j,
                               bool resume)
{
    MaliCs *c = &s->csg[i].cs[j];
    MaliWords w = { s, MALI_XLATE_OK };
    uint32_t in = mali_cs_in(s, i, j, 0);
    uint32_t req = mali_words_get(&w, in + CS_REQ);
    uint32_t config = mali_words_get(&w, in + CS_CONFIG);
    uint64_t base = mali_words_get64(&w, in + CS_RINGBUF_BASE);
    uint32_t size = mali_words_get(&w, in + CS_RINGBUF_SIZE);
    uint64_t input = mali_words_get64(&w, in + CS_RINGBUF_INPUT);
    uint64_t output = mali_words_get64(&w, in + CS_RINGBUF_OUTPUT);
    uint64_t insert = 0, extract = 0;
    uint32_t wrong = 0;
    bool valid;

    if (w.ret != MALI_XLATE_OK) {
        return w.ret;
    }
    /* A slot that was not in use acknowledges STOP */
    if ((req & CS_STATE_MASK) != CS_STATE_START ||
        mali_cs_held(s, i, j, req, req & ~CS_STATE_MASK, &wrong)) {
        bool keep = resume && (req & CS_STATE_MASK) == CS_STATE_START;

        if (keep && c->state != MALI_CS_STOPPED) {
            /* What was read back, for when it is to start after all */
            c->kept = c->state;
            c->state = MALI_CS_STOPPED;
        } else if (!keep || !c->kept) {
            memset(c, 0, sizeof(*c));
        }
        return MALI_XLATE_OK;
    }
    w.ret = mali_cs_probe_ring(s, input, output);
    valid = w.ret != MALI_XLATE_FAULT && is_power_of_2(size) &&
            size >= RING_MIN_SIZE && size <= RING_MAX_SIZE &&
            !(base & (RING_MIN_SIZE - 1));
    if (w.ret == MALI_XLATE_STALL) {
        return w.ret;
    }
    w.ret = MALI_XLATE_OK;
    if (valid) {
        insert = mali_words_get64(&w, input + RING_INSERT);
        extract = mali_words_get64(&w, input + RING_EXTRACT_INIT);
        if (w.ret != MALI_XLATE_OK) {
            return w.ret;
        }
    }
    if (c->kept) {
        c->state = c->kept;
        c->kept = MALI_CS_STOPPED;
    } else if (!resume || c->state == MALI_CS_STOPPED) {
        memset(c, 0, sizeof(*c));
        c->state = MALI_CS_RUNNING;
        c->extract = extract & ~7ull;
    }
    c->extract_told = ~c->extract;
    c->ring_base = base;
    c->ring_size = valid ? size : RING_MIN_SIZE;
    c->ring_input = input;
    c->ring_output = output;
    c->insert = insert & ~7ull;
    c->priority = extract32(config, 0, 4);
    c->doorbell = extract32(config, 8, 8);
    c->idle_mask = req;
    trace_mali_csf_cs_start(i, j, base, size, c->extract, c->insert);
    if (!valid) {
        /* There is no ring to tell the host of: see mali_cs_has_ring() */
        c->ring_input = c->ring_output = 0;
        mali_cs_config_fault(c, base);
    }
    /*
     * Nor is any event pending: the host forgets those of a group that it takes
     * out of the slot before it has answered (group_process_tiler_oom)
     */
    mali_words_put(&w, mali_cs_out(s, i, j, CS_ACK), req ^ wrong);
    return w.ret;
}

/* The host's answer to TILER_OOM: the draw is tried again with it */
static void mali_cs_take_chunks(MaliWords *w, MaliCs *c, uint32_t in)
{
    uint64_t first = mali_words_get64(w, in + CS_HEAP_START);
    uint64_t last = mali_words_get64(w, in + CS_HEAP_END);

    if (w->ret == MALI_XLATE_OK) {
        c->oom = first && last ? MALI_OOM_GRANTED : MALI_OOM_REFUSED;
        c->oom_first = first;
        c->oom_last = last;
        c->blocked = MALI_CS_UNBLOCKED;
    }
}

/* A stalled read is tried again; until then the ring ends where it did */
static void mali_cs_read_insert(MaliWords *w, MaliCs *c)
{
    uint64_t insert = mali_words_get64(w, c->ring_input + RING_INSERT);

    if (w->ret == MALI_XLATE_OK) {
        c->insert = insert & ~7ull;
    }
}

MaliXlate mali_cs_refresh(MaliCsfState *s, MaliCs *c)
{
    MaliWords w = { s, MALI_XLATE_OK };

    mali_cs_read_insert(&w, c);
    return w.ret;
}

/* The host rang for one queue: its request word, and its ring */
static MaliXlate mali_cs_request(MaliCsfState *s, unsigned i, unsigned j)
{
    MaliCs *c = &s->csg[i].cs[j];
    MaliWords w = { s, MALI_XLATE_OK };
    uint32_t req = mali_words_get(&w, mali_cs_in(s, i, j, CS_REQ));
    uint32_t ack = mali_words_get(&w, mali_cs_out(s, i, j, CS_ACK));
    bool start = (req & CS_STATE_MASK) != CS_STATE_STOP;
    uint32_t held = 0, wrong = 0;

    if (w.ret != MALI_XLATE_OK) {
        return w.ret;
    }
    if (!start && c->state != MALI_CS_STOPPED) {
        held = mali_cs_held(s, i, j, req, req ^ CS_STATE_START, &wrong);
    }
    if ((req & CS_STATE_MASK) == CS_STATE_START &&
        c->state != MALI_CS_STOPPED) {
        /* It was answered when it started, however wrongly */
        held = CS_STATE_MASK;
    }
    if (!start && !held) {
        c->state = MALI_CS_STOPPED;
    } else if (start && c->state == MALI_CS_STOPPED) {
        return mali_cs_start(s, i, j, c->kept);
    }
    c->idle_mask = req;
    if (c->state == MALI_CS_FAULTED && !((req ^ ack) & CS_EVT_FAULT) &&
        !c->raise && !c->fault_untold) {
        mali_cs_resume_faulted(c);
    }
    if (c->oom == MALI_OOM_ASKED && !((req ^ ack) & CS_EVT_TILER_OOM) &&
        !(c->raise & CS_EVT_TILER_OOM)) {
        mali_cs_take_chunks(&w, c, mali_cs_in(s, i, j, 0));
    }
    if (mali_cs_has_ring(c)) {
        mali_cs_read_insert(&w, c);
    }
    mali_words_put(&w, mali_cs_out(s, i, j, CS_ACK),
                   (ack & (CS_EVT_MASK | held)) |
                   ((req ^ wrong) & ~(CS_EVT_MASK | held)));
    return w.ret;
}

/* As the IDLE_* bits of its request word ask (contract 3.8) */
static bool mali_cs_idle(const MaliCs *c)
{
    if (c->state == MALI_CS_STOPPED) {
        return true;
    }
    if (c->state != MALI_CS_RUNNING || c->n_ops) {
        return c->state == MALI_CS_FATAL;
    }
    if (!c->depth && c->extract == c->insert) {
        return c->idle_mask & CS_IDLE_EMPTY;
    }
    return (c->blocked == MALI_CS_BLOCKED_SYNC &&
            c->idle_mask & CS_IDLE_SYNC_WAIT) ||
           (c->blocked == MALI_CS_BLOCKED_RESOURCE &&
            c->idle_mask & CS_IDLE_RESOURCE);
}

/* --- Group slots --- */

static void mali_csg_config_fault(MaliCsg *g)
{
    for (int j = 0; j < MALI_MAX_CS; j++) {
        MaliCs *c = &g->cs[j];

        if (c->state != MALI_CS_STOPPED) {
            mali_cs_config_fault(c, g->suspend_buf);
        }
    }
}

static MaliXlate mali_csg_start(MaliCsfState *s, unsigned i, bool resume)
{
    MaliCsg *g = &s->csg[i];
    MaliWords w = { s, MALI_XLATE_OK };
    uint32_t config = mali_words_get(&w, mali_csg_in(s, i, CSG_CONFIG));
    bool valid = true;

    g->suspend_buf = mali_words_get64(&w, mali_csg_in(s, i, CSG_SUSPEND_BUF));
    if (w.ret != MALI_XLATE_OK) {
        return w.ret;
    }
    /* Tried again from here when a locked region is met */
    g->running = false;
    memset(g->cs, 0, sizeof(g->cs));
    if (g->suspend_buf) {
        w.ret = mali_mem_probe(s, 0, g->suspend_buf, mali_suspend_size(s),
                               MALI_ACCESS_WRITE);
        if (w.ret == MALI_XLATE_FAULT) {
            w.ret = MALI_XLATE_OK;
            g->suspend_buf = 0;
            valid = false;
        }
    }
    if (resume && w.ret == MALI_XLATE_OK) {
        valid = valid && g->suspend_buf;
        if (valid) {
            w.ret = mali_suspend_load(s, i, &valid);
        }
    }
    for (int j = 0; j < s->cs_slots && w.ret == MALI_XLATE_OK; j++) {
        w.ret = mali_cs_start(s, i, j, resume);
    }
    if (w.ret != MALI_XLATE_OK) {
        return w.ret;
    }
    g->as = config;
    g->running = true;
    g->idle = false;
    g->sync_update = false;
    g->untold = false;
    g->progress_at = 0;
    trace_mali_csf_csg_start(i, g->as, resume, valid);
    if (!valid || config >= s->as_count) {
        g->as = 0;
        mali_csg_config_fault(g);
    }
    return MALI_XLATE_OK;
}

static MaliXlate mali_csg_stop(MaliCsfState *s, unsigned i, bool suspend)
{
    MaliCsg *g = &s->csg[i];
    MaliXlate ret;

    if (!g->running) {
        return MALI_XLATE_OK;
    }
    if (g->untold) {
        mali_csg_report(s, i);
        if (g->untold) {
            return MALI_XLATE_STALL;
        }
    }
    ret = mali_csg_write_status(s, i);
    if (ret == MALI_XLATE_OK && suspend) {
        if (g->suspend_buf) {
            ret = mali_suspend_save(s, i);
        } else {
            mali_guest_error("CSG %u suspended without a suspend buffer", i);
        }
    }
    if (ret == MALI_XLATE_OK) {
        trace_mali_csf_csg_stop(i, suspend);
        if (mali_check_on(s) && !suspend) {
            mali_check_terminated(s, i, mali_suspend_size(s));
        }
        g->running = false;
        memset(g->cs, 0, sizeof(g->cs));
        /* Of the queues that are stopped with it nothing is asked any more */
        memset(g->cs_holds, 0, sizeof(g->cs_holds));
    }
    return ret;
}

static MaliXlate mali_csg_set_state(MaliCsfState *s, unsigned i, uint32_t state)
{
    switch (state) {
    case CSG_STATE_START:
    case CSG_STATE_RESUME:
        return mali_csg_start(s, i, state == CSG_STATE_RESUME);
    case CSG_STATE_TERMINATE:
    case CSG_STATE_SUSPEND:
        return mali_csg_stop(s, i, state == CSG_STATE_SUSPEND);
    default:
        mali_guest_error("CSG %u: unknown state %u", i, state);
        return MALI_XLATE_OK;
    }
}

static MaliXlate mali_csg_latch_endpoint(MaliCsfState *s, unsigned i)
{
    MaliWords w = { s, MALI_XLATE_OK };
    uint32_t off = s->fw.ops->endpoint_req_offset;

    s->csg[i].endpoint_req = mali_words_get(&w, mali_csg_in(s, i, off));
    return w.ret;
}

/* Which queues the host rang for; acknowledged before they are looked at */
static MaliXlate mali_csg_take_doorbells(MaliCsfState *s, unsigned i)
{
    MaliWords w = { s, MALI_XLATE_OK };
    uint32_t req = mali_words_get(&w, mali_csg_in(s, i, CSG_DOORBELL_REQ));
    uint32_t ack = mali_words_get(&w, mali_csg_out(s, i, CSG_DOORBELL_ACK));

    if (req != ack) {
        mali_words_put(&w, mali_csg_out(s, i, CSG_DOORBELL_ACK), req);
    }
    if (w.ret == MALI_XLATE_OK) {
        s->csg[i].doorbells |= req ^ ack;
        /* Pairs with the host's: its request, then its doorbell's bit */
        smp_mb();
    }
    return w.ret;
}

static MaliXlate mali_csg_ring(MaliCsfState *s, unsigned i)
{
    MaliCsg *g = &s->csg[i];
    MaliXlate ret = MALI_XLATE_OK;

    for (int j = 0; j < s->cs_slots && ret == MALI_XLATE_OK; j++) {
        if (g->running && g->doorbells & BIT(j)) {
            ret = mali_cs_request(s, i, j);
        }
    }
    if (ret == MALI_XLATE_OK) {
        g->doorbells = 0;
    }
    return ret;
}

/* The bits of its requests that rules do not let be answered */
static uint32_t mali_csg_held(MaliCsfState *s, unsigned i, uint32_t req,
                              uint32_t changed, uint32_t *wrong)
{
    static const MaliHoldRow rows[MALI_CSG_REQUESTS] = {
        [MALI_CSG_REQUEST_TERMINATE] = {
            CSG_STATE_MASK, true, CSG_STATE_TERMINATE },
        [MALI_CSG_REQUEST_START] = { CSG_STATE_MASK, true, CSG_STATE_START },
        [MALI_CSG_REQUEST_SUSPEND] = {
            CSG_STATE_MASK, true, CSG_STATE_SUSPEND },
        [MALI_CSG_REQUEST_RESUME] = { CSG_STATE_MASK, true, CSG_STATE_RESUME },
        [MALI_CSG_REQUEST_ENDPOINT_CONFIG] = { CSG_ENDPOINT_CONFIG },
        [MALI_CSG_REQUEST_STATUS_UPDATE] = { CSG_STATUS_UPDATE },
    };
    static const MaliHoldTable table = {
        MALI_INJECT_CSG_REQUEST, MALI_ACT_RETRY_CSG, MALI_CSG_REQUESTS, rows,
    };

    return mali_hold_requests(s, &table, s->csg[i].holds, i, 0, req, changed,
                              wrong);
}

MaliXlate mali_csg_request(MaliCsfState *s, unsigned i)
{
    MaliWords w = { s, mali_csg_take_doorbells(s, i) };
    uint32_t req = mali_words_get(&w, mali_csg_in(s, i, CSG_REQ));
    uint32_t mask = mali_words_get(&w, mali_csg_in(s, i, CSG_ACK_IRQ_MASK));
    uint32_t ack = mali_words_get(&w, mali_csg_out(s, i, CSG_ACK));
    uint32_t changed = req ^ ack, held = 0, wrong = 0;
    uint32_t new_ack;

    trace_mali_csf_csg_request(i, req, ack, s->csg[i].doorbells);
    if (w.ret == MALI_XLATE_OK) {
        held = mali_csg_held(s, i, req, changed, &wrong);
        changed &= ~held;
    }
    if (w.ret == MALI_XLATE_OK && changed & CSG_ENDPOINT_CONFIG) {
        w.ret = mali_csg_latch_endpoint(s, i);
    }
    if (w.ret == MALI_XLATE_OK && changed & CSG_STATE_MASK) {
        w.ret = mali_csg_set_state(s, i, req & CSG_STATE_MASK);
    }
    if (w.ret == MALI_XLATE_OK) {
        w.ret = mali_csg_ring(s, i);
    }
    if (w.ret == MALI_XLATE_OK && changed & CSG_STATUS_UPDATE) {
        w.ret = mali_csg_write_status(s, i);
    }
    /* Events that had waited may have come before */
    ack = mali_words_get(&w, mali_csg_out(s, i, CSG_ACK));
    new_ack = (ack & (CSG_EVT_MASK | held)) |
              ((req ^ wrong) & ~(CSG_EVT_MASK | held));
    if (new_ack != ack) {
        mali_words_put(&w, mali_csg_out(s, i, CSG_ACK), new_ack);
    }
    if (w.ret == MALI_XLATE_OK && (new_ack ^ ack) & mask) {
        mali_irq_raise(s, MALI_IRQ_JOB, BIT(i));
    }
    return w.ret;
}

/* --- What a slice has done --- */

/*
 * What the streams of a group did that the host must know.  Events of a group
 * come behind the extracts of all its rings, those of a queue behind that of
 * its own: where one is in a locked region, they wait.
 */
void mali_csg_report(MaliCsfState *s, unsigned i)
{
    MaliCsg *g = &s->csg[i];
    bool idle = true;

    for (int j = 0; j < s->cs_slots; j++) {
        idle &= mali_cs_idle(&g->cs[j]);
    }
    g->untold = false;
    for (int j = 0; j < s->cs_slots; j++) {
        MaliCs *c = &g->cs[j];

        if (c->raise && mali_cs_tell_extract(s, c) == MALI_XLATE_STALL) {
            g->untold = true;
            continue;
        }
        while (c->raise) {
            uint32_t bit = BIT(ctz32(c->raise));

            mali_cs_event(s, i, j, bit);
            c->raise &= ~bit;
        }
    }
    if ((g->sync_update || (idle && !g->idle)) &&
        mali_csg_tell_extracts(s, i) == MALI_XLATE_STALL) {
        g->untold = true;
        return;
    }
    if (g->sync_update) {
        g->sync_update = false;
        mali_csg_event(s, i, CSG_SYNC_UPDATE);
    }
    if (idle && !g->idle) {
        mali_csg_event(s, i, CSG_IDLE);
    }
    g->idle = idle;
}

/* --- State --- */

static int mali_cs_post_load(void *opaque, int version_id)
{
    return mali_suspend_cs_valid(opaque) ? 0 : -EINVAL;
}

static const VMStateDescription vmstate_mali_cs_frame = {
    .name = "mali-csf/cs-frame",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(start, MaliCsFrame),
        VMSTATE_UINT64(end, MaliCsFrame),
        VMSTATE_UINT64(pc, MaliCsFrame),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_mali_cs_op = {
    .name = "mali-csf/cs-op",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(word, MaliCsOp),
        VMSTATE_UINT64(address, MaliCsOp),
        VMSTATE_UINT64(data, MaliCsOp),
        VMSTATE_INT64(due, MaliCsOp),
        VMSTATE_UINT64(delay, MaliCsOp),
        VMSTATE_UINT32(wait, MaliCsOp),
        VMSTATE_UINT8(slot, MaliCsOp),
        VMSTATE_UINT64(progress, MaliCsOp),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_mali_cs = {
    .name = "mali-csf/cs",
    .version_id = 2,
    .minimum_version_id = 2,
    .post_load = mali_cs_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8(state, MaliCs),
        VMSTATE_UINT8(blocked, MaliCs),
        VMSTATE_UINT8(depth, MaliCs),
        VMSTATE_UINT8(sb_endpoint, MaliCs),
        VMSTATE_UINT8(sb_other, MaliCs),
        VMSTATE_UINT8(n_ops, MaliCs),
        VMSTATE_UINT8(doorbell, MaliCs),
        VMSTATE_UINT8(priority, MaliCs),
        VMSTATE_UINT8(error, MaliCs),
        VMSTATE_UINT8(resources, MaliCs),
        VMSTATE_UINT8(held, MaliCs),
        VMSTATE_BOOL(stalled, MaliCs),
        VMSTATE_BOOL(retried, MaliCs),
        VMSTATE_INT64(held_until, MaliCs),
        VMSTATE_UINT8(kept, MaliCs),
        VMSTATE_UINT8(fault_async, MaliCs),
        VMSTATE_UINT8(fault_untold, MaliCs),
        VMSTATE_UINT32(raise, MaliCs),
        VMSTATE_INT64(resource_since, MaliCs),
        VMSTATE_UINT64(error_info, MaliCs),
        VMSTATE_UINT32(idle_mask, MaliCs),
        VMSTATE_UINT64(ring_base, MaliCs),
        VMSTATE_UINT64(ring_input, MaliCs),
        VMSTATE_UINT64(ring_output, MaliCs),
        VMSTATE_UINT32(ring_size, MaliCs),
        VMSTATE_UINT64(insert, MaliCs),
        VMSTATE_UINT64(extract, MaliCs),
        VMSTATE_UINT64(extract_told, MaliCs),
        VMSTATE_UINT32_ARRAY(regs, MaliCs, MALI_CS_MAX_REGS),
        VMSTATE_STRUCT_ARRAY(frames, MaliCs, MALI_CS_CALL_DEPTH, 1,
                             vmstate_mali_cs_frame, MaliCsFrame),
        VMSTATE_UINT32(wait_mask, MaliCs),
        VMSTATE_UINT64(wait_address, MaliCs),
        VMSTATE_UINT64(wait_value, MaliCs),
        VMSTATE_UINT32(wait_flags, MaliCs),
        VMSTATE_UINT16_ARRAY(sb, MaliCs, MALI_CS_MAX_SB),
        VMSTATE_STRUCT_ARRAY(ops, MaliCs, MALI_CS_MAX_OPS, 1,
                             vmstate_mali_cs_op, MaliCsOp),
        VMSTATE_UINT64(heap, MaliCs),
        VMSTATE_UINT64(handler_address, MaliCs),
        VMSTATE_UINT32(handler_length, MaliCs),
        VMSTATE_UINT8(handler_depth, MaliCs),
        VMSTATE_UINT8(oom, MaliCs),
        VMSTATE_UINT64(oom_first, MaliCs),
        VMSTATE_UINT64(oom_last, MaliCs),
        VMSTATE_UINT64(tiler_left, MaliCs),
        VMSTATE_UINT32(vt_start, MaliCs),
        VMSTATE_UINT32(vt_end, MaliCs),
        VMSTATE_UINT32(frag_end, MaliCs),
        VMSTATE_UINT64(progress, MaliCs),
        VMSTATE_END_OF_LIST()
    }
};

const VMStateDescription vmstate_mali_csg = {
    .name = "mali-csf/csg",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_BOOL(running, MaliCsg),
        VMSTATE_BOOL(idle, MaliCsg),
        VMSTATE_BOOL(sync_update, MaliCsg),
        VMSTATE_BOOL(untold, MaliCsg),
        VMSTATE_INT64(progress_at, MaliCsg),
        VMSTATE_UINT8(as, MaliCsg),
        VMSTATE_UINT8(next_cs, MaliCsg),
        VMSTATE_UINT8(held, MaliCsg),
        VMSTATE_UINT8(wanted, MaliCsg),
        VMSTATE_UINT32(doorbells, MaliCsg),
        VMSTATE_UINT32(endpoint_req, MaliCsg),
        VMSTATE_UINT64(suspend_buf, MaliCsg),
        VMSTATE_STRUCT_ARRAY(holds, MaliCsg, MALI_CSG_REQUESTS, 1,
                             vmstate_mali_hold, MaliHold),
        VMSTATE_STRUCT_2DARRAY(cs_holds, MaliCsg, MALI_MAX_CS,
                               MALI_CS_REQUESTS, 1, vmstate_mali_hold,
                               MaliHold),
        VMSTATE_STRUCT_ARRAY(cs, MaliCsg, MALI_MAX_CS, 1, vmstate_mali_cs,
                             MaliCs),
        VMSTATE_END_OF_LIST()
    }
};
