/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: groups in their suspend buffers
 *
 * A suspended group is nowhere but in guest memory: it can be resumed in
 * another slot, on another address space, after the MCU was booted again.  What
 * is read back is judged field by field; garbage there hurts that group only.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "mali_csf_internal.h"
#include "mali_csf_isa.h"
#include "trace.h"

#define MALI_SUSPEND_MAGIC      0x6c615343      /* "CSal" */
#define MALI_SUSPEND_VERSION    2
#define MALI_SUSPEND_HEADER     16

/* A member of a struct, or an array, as little-endian integers in the buffer */
typedef struct MaliSuspendField {
    uint16_t offset;
    uint16_t count;
    uint8_t size;
} MaliSuspendField;

#define FIELD_OF(type, member)                                              \
    { offsetof(type, member), 1, sizeof_field(type, member) }
#define ARRAY_OF(type, member)                                              \
    { offsetof(type, member),                                               \
      sizeof_field(type, member) / sizeof_field(type, member[0]),           \
      sizeof_field(type, member[0]) }

static const MaliSuspendField mali_suspend_cs[] = {
    FIELD_OF(MaliCs, state),
    FIELD_OF(MaliCs, blocked),
    FIELD_OF(MaliCs, depth),
    FIELD_OF(MaliCs, sb_endpoint),
    FIELD_OF(MaliCs, sb_other),
    FIELD_OF(MaliCs, n_ops),
    FIELD_OF(MaliCs, error),
    FIELD_OF(MaliCs, resources),
    FIELD_OF(MaliCs, fault_async),
    FIELD_OF(MaliCs, fault_untold),
    FIELD_OF(MaliCs, error_info),
    FIELD_OF(MaliCs, extract),
    ARRAY_OF(MaliCs, regs),
    FIELD_OF(MaliCs, wait_mask),
    FIELD_OF(MaliCs, wait_address),
    FIELD_OF(MaliCs, wait_value),
    FIELD_OF(MaliCs, wait_flags),
    FIELD_OF(MaliCs, heap),
    FIELD_OF(MaliCs, handler_address),
    FIELD_OF(MaliCs, handler_length),
    FIELD_OF(MaliCs, handler_depth),
    FIELD_OF(MaliCs, oom),
    FIELD_OF(MaliCs, oom_first),
    FIELD_OF(MaliCs, oom_last),
    FIELD_OF(MaliCs, tiler_left),
    FIELD_OF(MaliCs, vt_start),
    FIELD_OF(MaliCs, vt_end),
    FIELD_OF(MaliCs, frag_end),
    FIELD_OF(MaliCs, progress),
};

static const MaliSuspendField mali_suspend_frame[] = {
    FIELD_OF(MaliCsFrame, start),
    FIELD_OF(MaliCsFrame, end),
    FIELD_OF(MaliCsFrame, pc),
};

/* due is saved as the time that is left */
static const MaliSuspendField mali_suspend_op[] = {
    FIELD_OF(MaliCsOp, word),
    FIELD_OF(MaliCsOp, address),
    FIELD_OF(MaliCsOp, data),
    FIELD_OF(MaliCsOp, due),
    FIELD_OF(MaliCsOp, delay),
    FIELD_OF(MaliCsOp, wait),
    FIELD_OF(MaliCsOp, slot),
    FIELD_OF(MaliCsOp, progress),
};

static uint32_t mali_suspend_fields_size(const MaliSuspendField *f, int n)
{
    uint32_t size = 0;

    for (int i = 0; i < n; i++) {
        size += f[i].count * f[i].size;
    }
    return size;
}

static uint32_t mali_suspend_cs_size(void)
{
    return mali_suspend_fields_size(mali_suspend_cs,
                                    ARRAY_SIZE(mali_suspend_cs)) +
           MALI_CS_CALL_DEPTH *
           mali_suspend_fields_size(mali_suspend_frame,
                                    ARRAY_SIZE(mali_suspend_frame)) +
           MALI_CS_MAX_OPS *
           mali_suspend_fields_size(mali_suspend_op,
                                    ARRAY_SIZE(mali_suspend_op));
}

uint32_t mali_suspend_size(const MaliCsfState *s)
{
    return ROUND_UP(MALI_SUSPEND_HEADER + s->cs_slots * mali_suspend_cs_size(),
                    4096);
}

/* --- Fields to and from bytes --- */

static uint8_t *mali_suspend_put(uint8_t *p, const void *obj,
                                 const MaliSuspendField *f, int n)
{
    for (int i = 0; i < n; i++) {
        const uint8_t *field = (const uint8_t *)obj + f[i].offset;

        for (int j = 0; j < f[i].count; j++, p += f[i].size) {
            stn_le_p(p, f[i].size, ldn_he_p(field + j * f[i].size, f[i].size));
        }
    }
    return p;
}

static const uint8_t *mali_suspend_get(const uint8_t *p, void *obj,
                                       const MaliSuspendField *f, int n)
{
    for (int i = 0; i < n; i++) {
        uint8_t *field = (uint8_t *)obj + f[i].offset;

        for (int j = 0; j < f[i].count; j++, p += f[i].size) {
            stn_he_p(field + j * f[i].size, f[i].size, ldn_le_p(p, f[i].size));
        }
    }
    return p;
}

static uint8_t *mali_suspend_put_cs(uint8_t *p, const MaliCs *c, int64_t now)
{
    p = mali_suspend_put(p, c, mali_suspend_cs, ARRAY_SIZE(mali_suspend_cs));
    for (int i = 0; i < MALI_CS_CALL_DEPTH; i++) {
        p = mali_suspend_put(p, &c->frames[i], mali_suspend_frame,
                             ARRAY_SIZE(mali_suspend_frame));
    }
    for (int i = 0; i < MALI_CS_MAX_OPS; i++) {
        MaliCsOp op = c->ops[i];

        op.due = op.due == MALI_EVENT_IDLE ? -1 : MAX(op.due - now, 0);
        p = mali_suspend_put(p, &op, mali_suspend_op,
                             ARRAY_SIZE(mali_suspend_op));
    }
    return p;
}

static bool mali_suspend_op_valid(const MaliCsOp *op)
{
    return op->slot < MALI_CS_MAX_SB && mali_cs_op_valid(op->word) &&
           op->delay < NANOSECONDS_PER_SECOND;
}

bool mali_suspend_cs_valid(const MaliCs *c)
{
    if (c->state > MALI_CS_FATAL || c->kept > MALI_CS_FATAL ||
        c->blocked > MALI_CS_BLOCKED_FLUSH ||
        c->depth > MALI_CS_CALL_DEPTH || c->n_ops > MALI_CS_MAX_OPS ||
        c->sb_endpoint >= MALI_CS_MAX_SB || c->sb_other >= MALI_CS_MAX_SB ||
        c->handler_depth > c->depth || c->oom > MALI_OOM_HANDLED ||
        c->extract & 7) {
        return false;
    }
    for (int i = 0; i < c->depth; i++) {
        const MaliCsFrame *f = &c->frames[i];

        if ((f->start | f->end | f->pc) & 7 || f->start > f->pc ||
            f->pc > f->end) {
            return false;
        }
    }
    for (int i = 0; i < c->n_ops; i++) {
        if (!mali_suspend_op_valid(&c->ops[i])) {
            return false;
        }
    }
    return true;
}

static const uint8_t *mali_suspend_get_cs(const uint8_t *p, MaliCs *c,
                                          int64_t now)
{
    p = mali_suspend_get(p, c, mali_suspend_cs, ARRAY_SIZE(mali_suspend_cs));
    for (int i = 0; i < MALI_CS_CALL_DEPTH; i++) {
        p = mali_suspend_get(p, &c->frames[i], mali_suspend_frame,
                             ARRAY_SIZE(mali_suspend_frame));
    }
    for (int i = 0; i < MALI_CS_MAX_OPS; i++) {
        p = mali_suspend_get(p, &c->ops[i], mali_suspend_op,
                             ARRAY_SIZE(mali_suspend_op));
    }
    return p;
}

/* The counts of the scoreboard follow from the list, and times from now on */
static void mali_suspend_revive(MaliCs *c, int64_t now)
{
    memset(c->sb, 0, sizeof(c->sb));
    /* The driver forgot what it was asked, and knows to be asked again */
    if (c->oom == MALI_OOM_ASKED || c->oom == MALI_OOM_WAITING) {
        c->oom = MALI_OOM_NONE;
    }
    if (c->blocked == MALI_CS_BLOCKED_RESOURCE) {
        c->blocked = MALI_CS_UNBLOCKED;
    }
    for (int i = 0; i < c->n_ops; i++) {
        MaliCsOp *op = &c->ops[i];

        c->sb[op->slot]++;
        /* However long the buffer says, no operation takes a second */
        op->due = op->due < 0 ? MALI_EVENT_IDLE
                              : now + MIN(op->due, NANOSECONDS_PER_SECOND);
    }
}

/* --- Groups --- */

/* What a rule makes of a buffer on its way */
static void mali_suspend_injected(MaliCsfState *s, MaliInjectKind kind,
                                  unsigned csg, uint8_t *buf, uint32_t size)
{
    MaliVerdict v = mali_inject(s, kind, .csg = csg);
    uint32_t offset = MIN(v.args.offset, size - 8);

    switch (v.act) {
    case MALI_ACT_FAIL:
        memset(buf, 0, size);
        break;
    case MALI_ACT_SET:
    case MALI_ACT_FLIP:
        stq_le_p(buf + offset, mali_verdict_value(&v, ldq_le_p(buf + offset)));
        break;
    default:
        break;
    }
}

MaliXlate mali_suspend_save(MaliCsfState *s, unsigned csg)
{
    const MaliCsg *g = &s->csg[csg];
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    uint32_t size = mali_suspend_size(s);
    g_autofree uint8_t *buf = g_malloc0(size);
    uint8_t *p = buf + MALI_SUSPEND_HEADER;
    MaliXlate ret = mali_mem_probe(s, 0, g->suspend_buf, size,
                                   MALI_ACCESS_WRITE);

    /* What is tried again is no second time to a rule */
    if (ret == MALI_XLATE_STALL) {
        return ret;
    }
    stl_le_p(buf, MALI_SUSPEND_MAGIC);
    stl_le_p(buf + 4, MALI_SUSPEND_VERSION);
    stl_le_p(buf + 8, s->cs_slots);
    for (int i = 0; i < s->cs_slots; i++) {
        MaliCs *c = &s->csg[csg].cs[i];

        if (c->kept) {
            c->state = c->kept;
            c->kept = MALI_CS_STOPPED;
        }
        p = mali_suspend_put_cs(p, c, now);
    }
    mali_suspend_injected(s, MALI_INJECT_SUSPEND_SAVE, csg, buf, size);
    trace_mali_csf_suspend_save(csg, g->suspend_buf);
    return mali_mem_write(s, 0, g->suspend_buf, buf, size, MALI_SOURCE_MCU);
}

MaliXlate mali_suspend_load(MaliCsfState *s, unsigned csg, bool *valid)
{
    MaliCsg *g = &s->csg[csg];
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    uint32_t size = mali_suspend_size(s);
    g_autofree uint8_t *buf = g_malloc0(size);
    const uint8_t *p = buf + MALI_SUSPEND_HEADER;
    MaliXlate ret;

    ret = mali_mem_read(s, 0, g->suspend_buf, buf, size, MALI_SOURCE_MCU);
    if (ret != MALI_XLATE_OK) {
        return ret;
    }
    mali_suspend_injected(s, MALI_INJECT_SUSPEND_LOAD, csg, buf, size);
    *valid = ldl_le_p(buf) == MALI_SUSPEND_MAGIC &&
             ldl_le_p(buf + 4) == MALI_SUSPEND_VERSION &&
             ldl_le_p(buf + 8) == s->cs_slots;
    memset(g->cs, 0, sizeof(g->cs));
    for (int i = 0; i < s->cs_slots && *valid; i++) {
        p = mali_suspend_get_cs(p, &g->cs[i], now);
        *valid = mali_suspend_cs_valid(&g->cs[i]);
        if (*valid) {
            mali_suspend_revive(&g->cs[i], now);
        }
    }
    if (!*valid) {
        memset(g->cs, 0, sizeof(g->cs));
    }
    trace_mali_csf_suspend_load(csg, g->suspend_buf, *valid);
    return MALI_XLATE_OK;
}
