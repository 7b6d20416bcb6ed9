/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: endpoint tasks, RUN_* of command streams
 *
 * Shaders are not executed, nor is their work faked.  A task reads the
 * descriptors that it is given, takes the tiler's memory, keeps its endpoint
 * busy for a time that depends on its size, and writes what the hardware writes
 * without a shader.  Registers: contract 9.6, 10, and Mesa's decode_csf.c.
 */

#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/bswap.h"
#include "qemu/timer.h"
#include "mali_csf_isa.h"
#include "mali_csf_task.h"
#include "trace.h"

/* Tiler memory of a draw: so much for a vertex, up to so much in all */
#define DRAW_MIN_BYTES          4096
#define DRAW_VERTEX_BYTES       64
#define DRAW_MAX_BYTES          (16 * 1024 * 1024)

/* --- Memory --- */

static void mali_task_failed(MaliTask *t, MaliXlate ret, uint64_t va)
{
    if (ret != MALI_XLATE_OK) {
        t->ret = ret == MALI_XLATE_STALL ? MALI_TASK_STALL : MALI_TASK_FAULT;
        t->va = va;
    }
}

void mali_task_read(MaliTask *t, uint64_t va, void *buf, uint32_t len)
{
    if (t->ret == MALI_TASK_OK) {
        mali_task_failed(t, mali_mem_read(t->s, t->s->csg[t->csg].as, va, buf,
                                          len, MALI_SOURCE_CS(t->csg, t->cs)),
                         va);
    }
    if (t->ret != MALI_TASK_OK) {
        memset(buf, 0, len);
    }
}

void mali_task_write(MaliTask *t, uint64_t va, const void *buf, uint32_t len)
{
    if (t->ret == MALI_TASK_OK) {
        mali_task_failed(t, mali_mem_write(t->s, t->s->csg[t->csg].as, va, buf,
                                           len, MALI_SOURCE_CS(t->csg, t->cs)),
                         va);
    }
}

uint64_t mali_task_read64(MaliTask *t, uint64_t va)
{
    uint64_t val;

    mali_task_read(t, va, &val, sizeof(val));
    return le64_to_cpu(val);
}

void mali_task_write64(MaliTask *t, uint64_t va, uint64_t val)
{
    uint64_t le = cpu_to_le64(val);

    mali_task_write(t, va, &le, sizeof(le));
}

/* --- Descriptors --- */

typedef enum MaliDescKind {
    MALI_DESC_RESOURCES,    /* address, number of 16-byte entries in 5:0 */
    MALI_DESC_FAU,          /* address, number of 8-byte words in 63:56 */
    MALI_DESC_SHADER,       /* 32 bytes, their type is 8; 0: no shader */
    MALI_DESC_STORAGE,      /* 32 bytes */
    MALI_DESC_ZS,           /* 32 bytes */
    MALI_DESC_BLEND,        /* address, number of 16-byte entries in 3:0 */
    MALI_DESC_DRAW,         /* 128 bytes; the instruction says which pair */
} MaliDescKind;

/*
 * A pair of registers that names a descriptor.  The instruction has a field
 * that moves on to another pair: @shift, @size; each step of it is @step
 * registers.
 */
typedef struct MaliDesc {
    uint8_t kind;           /* MaliDescKind */
    uint8_t reg;
    uint8_t shift;
    uint8_t size;
    uint8_t step;
} MaliDesc;

static const MaliDesc mali_compute_descs[] = {
    { MALI_DESC_RESOURCES, 0, 40, 2, 2 },
    { MALI_DESC_FAU, 8, 46, 2, 2 },
    { MALI_DESC_SHADER, 16, 42, 2, 2 },
    { MALI_DESC_STORAGE, 24, 44, 2, 2 },
};

static const MaliDesc mali_tiling_descs[] = {
    { MALI_DESC_RESOURCES, 0, 40, 2, 2 },
    { MALI_DESC_FAU, 8, 46, 2, 2 },
    { MALI_DESC_SHADER, 16, 42, 2, 2 },
    { MALI_DESC_BLEND, 50 },
    { MALI_DESC_ZS, 52 },
};

/* Vertex shader, then fragment shader; the one for varyings is optional */
static const MaliDesc mali_idvs_descs[] = {
    { MALI_DESC_RESOURCES, 0 },
    { MALI_DESC_FAU, 8 },
    { MALI_DESC_SHADER, 16 },
    { MALI_DESC_STORAGE, 24 },
    { MALI_DESC_RESOURCES, 0, 38, 1, 4 },
    { MALI_DESC_FAU, 12 },
    { MALI_DESC_SHADER, 20 },
    { MALI_DESC_STORAGE, 24, 39, 1, 4 },
    { MALI_DESC_BLEND, 50 },
    { MALI_DESC_ZS, 52 },
};

static const MaliDesc mali_fullscreen_descs[] = {
    { MALI_DESC_DRAW, 0, 40, 8, 1 },
};

#define DESC_MAX_BYTES          2048
#define SHADER_TYPE             8

static void mali_task_read_desc(MaliTask *t, const MaliDesc *d)
{
    unsigned reg = d->reg + (d->size ? extract64(t->word, d->shift, d->size) *
                                       d->step : 0);
    uint64_t val = mali_reg64(t->c->regs, reg);
    uint8_t buf[DESC_MAX_BYTES];
    uint32_t len = 32;

    switch (d->kind) {
    case MALI_DESC_RESOURCES:
        len = extract64(val, 0, 6) * 16;
        val &= ~63ull;
        break;
    case MALI_DESC_FAU:
        len = extract64(val, 56, 8) * 8;
        val = extract64(val, 0, 48);
        break;
    case MALI_DESC_BLEND:
        len = extract64(val, 0, 4) * 16;
        val &= ~15ull;
        break;
    case MALI_DESC_DRAW:
        len = 128;
        break;
    }
    if (!val || !len) {
        return;
    }
    mali_task_read(t, val, buf, len);
    if (t->ret == MALI_TASK_OK && d->kind == MALI_DESC_SHADER &&
        (buf[0] & 15) != SHADER_TYPE) {
        t->ret = MALI_TASK_INVALID;
        t->va = val;
    }
}

/* --- Kinds of tasks --- */

typedef struct MaliTaskKind {
    const char *name;
    uint8_t endpoint;       /* MaliEndpoint */
    uint8_t n_descs;
    const MaliDesc *descs;
    /* How much there is to do; 0: nothing is read */
    uint64_t (*work)(const MaliTask *t);
    void (*start)(MaliTask *t, uint64_t work);
} MaliTaskKind;

#define FRAGMENT_FBD            40
#define FRAGMENT_MIN            42
#define FRAGMENT_MAX            43
#define TILER_CONTEXT           40

static uint64_t mali_saturating_mul(uint64_t a, uint64_t b)
{
    uint64_t product;

    return umul64_overflow(a, b, &product) ? UINT64_MAX : product;
}

static uint64_t mali_compute_work(const MaliTask *t)
{
    const uint32_t *r = t->c->regs;
    uint64_t threads = (extract32(r[33], 0, 10) + 1ull) *
                       (extract32(r[33], 10, 10) + 1) *
                       (extract32(r[33], 20, 10) + 1);

    threads = mali_saturating_mul(threads, (uint64_t)r[37] * r[38]);
    return mali_saturating_mul(threads, r[39]);
}

static uint64_t mali_draw_work(const MaliTask *t)
{
    return (uint64_t)t->c->regs[33] * t->c->regs[34];
}

static uint64_t mali_fullscreen_work(const MaliTask *t)
{
    return 4;
}

static uint64_t mali_fragment_work(const MaliTask *t)
{
    uint32_t min = t->c->regs[FRAGMENT_MIN], max = t->c->regs[FRAGMENT_MAX];
    int64_t width = extract32(max, 0, 16) - (int64_t)extract32(min, 0, 16) + 1;
    int64_t height = extract32(max, 16, 16) -
                     (int64_t)extract32(min, 16, 16) + 1;

    return MAX(width, 0) * MAX(height, 0);
}

static void mali_draw_start(MaliTask *t, uint64_t work)
{
    uint64_t bytes = DRAW_MIN_BYTES + mali_saturating_mul(work,
                                                          DRAW_VERTEX_BYTES);

    /* The sum can be past the end too */
    bytes = bytes < DRAW_MIN_BYTES ? UINT64_MAX : bytes;
    t->ret = mali_heap_take(t, mali_reg64(t->c->regs, TILER_CONTEXT),
                            MIN(bytes, DRAW_MAX_BYTES));
    t->s->sched.shader_work_skipped += t->ret == MALI_TASK_OK;
}

/* Where frame shaders and tiler context are in the framebuffer's parameters */
#define FBD_PARAMS              64
#define FBD_PRE_FRAME_MASK      0x3f
#define FBD_POST_FRAME_MASK     0x1c0
#define FBD_TILER               56

static void mali_fragment_start(MaliTask *t, uint64_t work)
{
    uint8_t params[FBD_PARAMS];

    t->address = mali_reg64(t->c->regs, FRAGMENT_FBD);
    t->data = mali_reg64(t->c->regs, FRAGMENT_MIN);
    mali_task_read(t, t->address & ~63ull, params, sizeof(params));
    if (t->ret == MALI_TASK_OK &&
        (ldl_le_p(params) & (FBD_PRE_FRAME_MASK | FBD_POST_FRAME_MASK) ||
         ldq_le_p(params + FBD_TILER))) {
        t->s->sched.shader_work_skipped++;
    }
}

static void mali_shader_start(MaliTask *t, uint64_t work)
{
    t->s->sched.shader_work_skipped++;
}

static const MaliTaskKind mali_task_kinds[256] = {
    [MALI_CS_RUN_COMPUTE] = {
        "compute", MALI_ENDPOINT_COMPUTE,
        ARRAY_SIZE(mali_compute_descs), mali_compute_descs,
        mali_compute_work, mali_shader_start,
    },
    [MALI_CS_RUN_COMPUTE_INDIRECT] = {
        "compute-indirect", MALI_ENDPOINT_COMPUTE,
        ARRAY_SIZE(mali_compute_descs), mali_compute_descs,
        mali_compute_work, mali_shader_start,
    },
    [MALI_CS_RUN_TILING] = {
        "tiling", MALI_ENDPOINT_TILER,
        ARRAY_SIZE(mali_tiling_descs), mali_tiling_descs,
        mali_draw_work, mali_draw_start,
    },
    [MALI_CS_RUN_IDVS] = {
        "idvs", MALI_ENDPOINT_TILER,
        ARRAY_SIZE(mali_idvs_descs), mali_idvs_descs,
        mali_draw_work, mali_draw_start,
    },
    [MALI_CS_RUN_FULLSCREEN] = {
        "fullscreen", MALI_ENDPOINT_TILER,
        ARRAY_SIZE(mali_fullscreen_descs), mali_fullscreen_descs,
        mali_fullscreen_work, mali_draw_start,
    },
    [MALI_CS_RUN_FRAGMENT] = {
        "fragment", MALI_ENDPOINT_FRAGMENT, 0, NULL,
        mali_fragment_work, mali_fragment_start,
    },
    [MALI_CS_FINISH_TILING] = {
        "finish-tiling", MALI_ENDPOINT_TILER,
    },
};

bool mali_task_is(uint64_t word)
{
    return mali_task_kinds[mali_cs_opcode(word)].endpoint != MALI_ENDPOINT_NONE;
}

/* --- Starting and finishing --- */

/*
 * When the group's earlier tasks on @endpoint are done, but no later than what
 * an operation may take (mali_suspend_op_valid).  They are all in the
 * lists of its queues, so that no state of the endpoint is to be kept.
 */
static int64_t mali_task_backlog(const MaliTask *t, MaliEndpoint endpoint,
                                 int64_t now)
{
    const MaliCsg *g = &t->s->csg[t->csg];
    int64_t until = now;

    for (int j = 0; j < t->s->cs_slots; j++) {
        for (int i = 0; i < g->cs[j].n_ops; i++) {
            const MaliCsOp *op = &g->cs[j].ops[i];

            if (mali_task_kinds[mali_cs_opcode(op->word)].endpoint ==
                endpoint && op->due != MALI_EVENT_IDLE) {
                until = MAX(until, op->due);
            }
        }
    }
    return MIN(until - now, t->s->timing.task_backlog);
}

MaliTaskRet mali_task_start(MaliTask *t)
{
    const MaliTaskKind *kind = &mali_task_kinds[mali_cs_opcode(t->word)];
    const MaliTiming *timing = &t->s->timing;
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    uint64_t work = kind->work ? kind->work(t) : 0;
    uint64_t ns = mali_saturating_mul(work,
                                      timing->task_unit[kind->endpoint]) / 1000;

    for (int i = 0; i < kind->n_descs && work; i++) {
        mali_task_read_desc(t, &kind->descs[i]);
    }
    if (t->ret == MALI_TASK_OK && work) {
        kind->start(t, work);
    }
    if (t->ret == MALI_TASK_OK) {
        t->delay = mali_task_backlog(t, kind->endpoint, now) +
                   MIN(MAX(ns, timing->task_min), timing->task_max);
        trace_mali_csf_task_start(t->csg, t->cs, kind->name, work, t->delay);
    }
    return t->ret;
}

/* Of what RUN_FRAGMENT writes, all but the colours that shaders compute */
static void mali_fragment_finish(MaliTask *t)
{
    uint8_t params[FBD_PARAMS];
    uint64_t tiler;

    /* An empty region had no descriptor read */
    if (!t->address) {
        return;
    }
    mali_task_read(t, t->address & ~63ull, params, sizeof(params));
    if (t->ret == MALI_TASK_OK) {
        if (ldl_le_p(params) & FBD_PRE_FRAME_MASK || t->word & 1) {
            /*
             * A shader loads what is there, or a map says which tiles are
             * meant: clear values would destroy what is to stay.
             */
            t->s->sched.clears_skipped++;
        } else {
            mali_clear(t, t->address, t->data);
        }
    }
    tiler = ldq_le_p(params + FBD_TILER);
    if (t->ret == MALI_TASK_OK && tiler) {
        mali_heap_complete(t, tiler);
    }
}

MaliTaskRet mali_task_finish(MaliTask *t)
{
    const MaliTaskKind *kind = &mali_task_kinds[mali_cs_opcode(t->word)];

    if (kind->endpoint == MALI_ENDPOINT_FRAGMENT) {
        mali_fragment_finish(t);
    }
    if (t->ret == MALI_TASK_OK) {
        t->c->progress += extract64(t->word, 32, 1);
    }
    trace_mali_csf_task_finish(t->csg, t->cs, kind->name, t->ret);
    return t->ret;
}
