/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: the tiler heap (contract 3.8, 3.11)
 *
 * A heap is a chain of chunks: each begins with a header whose first word is
 * the next chunk.  Three structures are involved:
 *
 * - the heap descriptor, which the client writes once: the chunk in use, and
 *   what is left of it;
 * - the heap context of HEAP_SET, which is the GPU's own (panthor_heap.c zeroes
 *   it and knows its size): here chunks given back, and how many render passes
 *   were started, tiled and rendered;
 * - the tiler context, one a render pass: its private words hold the chunks
 *   that it has used up; once rendered, they are told to the client, whose
 *   FINISH_FRAGMENT gives them back to the heap.
 *
 * All of it is guest memory and can be nonsense: then chunks are lost, or go
 * round, but every walk is bounded.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "mali_csf_isa.h"
#include "mali_csf_task.h"
#include "trace.h"

/* Chunks as headers, context and host name them: address | size >> 12 */
#define CHUNK_ADDRESS(link)     ((link) & ~0xfffull)
#define CHUNK_SIZE(link)        (((link) & 0xfff) << 12)
#define CHUNK_HEADER            64

/* Heap descriptor and tiler context (genxml: Tiler Heap, Tiler Context) */
#define HEAP_BASE               8
#define HEAP_BOTTOM             16
#define HEAP_TOP                24
#define TILER_HEAP              24
#define TILER_COMPLETED_TOP     40
#define TILER_COMPLETED_BOTTOM  48
#define TILER_PRIVATE           96      /* our use of it: first, last chunk */

#define HEAP_TYPE_MASK          0xff
#define HEAP_TYPE               0x29    /* a buffer, for a tiler heap */

/* What going on to another chunk counts for in a slice: a dozen accesses */
#define CHUNK_COST              4096

/* The heap context: ours to lay out */
typedef struct MaliHeapContext {
    uint64_t first;         /* chunks given back */
    uint64_t last;
    uint32_t vt_start;
    uint32_t vt_end;
    uint32_t frag_end;
    uint32_t reserved;
} MaliHeapContext;

QEMU_BUILD_BUG_ON(sizeof(MaliHeapContext) != 32);

static void mali_heap_read_context(MaliTask *t, MaliHeapContext *h)
{
    memset(h, 0, sizeof(*h));
    mali_task_read(t, t->c->heap, h, sizeof(*h));
    h->first = le64_to_cpu(h->first);
    h->last = le64_to_cpu(h->last);
    h->vt_start = le32_to_cpu(h->vt_start);
    h->vt_end = le32_to_cpu(h->vt_end);
    h->frag_end = le32_to_cpu(h->frag_end);
}

static void mali_heap_write_context(MaliTask *t, const MaliHeapContext *h)
{
    MaliHeapContext le = {
        .first = cpu_to_le64(h->first),
        .last = cpu_to_le64(h->last),
        .vt_start = cpu_to_le32(h->vt_start),
        .vt_end = cpu_to_le32(h->vt_end),
        .frag_end = cpu_to_le32(h->frag_end),
    };

    mali_task_write(t, t->c->heap, &le, sizeof(le));
}

/*
 * Put the chunks from @first to @last behind the list @head .. @tail.  All is
 * read before anything is written: a stall comes before the first change.
 */
static void mali_heap_append(MaliTask *t, uint64_t *head, uint64_t *tail,
                             uint64_t first, uint64_t last)
{
    mali_task_read64(t, CHUNK_ADDRESS(last));
    if (*head) {
        mali_task_read64(t, CHUNK_ADDRESS(*tail));
        mali_task_write64(t, CHUNK_ADDRESS(*tail), first);
    } else {
        *head = first;
    }
    mali_task_write64(t, CHUNK_ADDRESS(last), 0);
    *tail = last;
}

/* --- When memory runs out --- */

/*
 * Other queues may have waited for chunks, or for a render pass to end: let
 * them try again, whichever heap is theirs
 */
static void mali_heap_wake(MaliTask *t)
{
    MaliCsfState *s = t->s;

    for (int i = 0; i < s->csg_slots && s->sched.heap_waited; i++) {
        MaliCsg *g = &s->csg[i];

        for (int j = 0; j < s->cs_slots && g->running; j++) {
            if (g->cs[j].oom == MALI_OOM_WAITING) {
                g->cs[j].oom = MALI_OOM_NONE;
                g->cs[j].blocked = MALI_CS_UNBLOCKED;
            }
        }
    }
    s->sched.heap_waited = false;
}

static MaliTaskRet mali_heap_block(MaliTask *t, MaliOom oom)
{
    t->c->oom = oom;
    t->c->blocked = MALI_CS_BLOCKED_RESOURCE;
    return MALI_TASK_BLOCKED;
}

/* Like a CALL, but of the instruction that is to be tried again */
static MaliTaskRet mali_heap_handler(MaliTask *t)
{
    MaliCs *c = t->c;
    uint64_t start = c->handler_address;

    c->oom = MALI_OOM_HANDLED;
    c->frames[c->depth] = (MaliCsFrame) {
        .start = start, .pc = start, .end = start + c->handler_length,
    };
    c->handler_depth = ++c->depth;
    return MALI_TASK_HANDLER;
}

/*
 * First the host is asked for a chunk.  When it has none, render passes that
 * were tiled will give some back; when there are none of these, the client's
 * handler can render what there is; and when that did not help, it is an error
 * (panthor_heap_grow).
 */
static MaliTaskRet mali_heap_out_of_memory(MaliTask *t)
{
    MaliCs *c = t->c;
    MaliHeapContext h = { 0 };

    if (c->heap) {
        mali_heap_read_context(t, &h);
        if (t->ret != MALI_TASK_OK) {
            return t->ret;
        }
    }
    c->vt_start = h.vt_start;
    c->vt_end = h.vt_end;
    c->frag_end = h.frag_end;
    trace_mali_csf_heap_oom(t->csg, t->cs, c->heap, c->oom, h.vt_start,
                            h.vt_end, h.frag_end);
    switch (c->oom) {
    case MALI_OOM_NONE:
        c->raise |= CS_EVT_TILER_OOM;
        return mali_heap_block(t, MALI_OOM_ASKED);
    case MALI_OOM_REFUSED:
        if (h.vt_end != h.frag_end) {
            t->s->sched.heap_waited = true;
            return mali_heap_block(t, MALI_OOM_WAITING);
        }
        if (c->handler_address && c->handler_length && !c->handler_depth &&
            c->depth < MALI_CS_CALL_DEPTH &&
            !((c->handler_address | c->handler_length) & 7) &&
            c->handler_address + c->handler_length > c->handler_address) {
            return mali_heap_handler(t);
        }
        break;
    case MALI_OOM_HANDLED:
        break;
    default:
        return mali_heap_block(t, c->oom);
    }
    c->oom = MALI_OOM_NONE;
    c->tiler_left = 0;
    t->va = c->heap;
    return MALI_TASK_NO_MEMORY;
}

/* The host's chunks join those that were given back */
static void mali_heap_accept(MaliTask *t)
{
    MaliCs *c = t->c;
    MaliHeapContext h;

    mali_heap_read_context(t, &h);
    mali_heap_append(t, &h.first, &h.last, c->oom_first, c->oom_last);
    mali_heap_write_context(t, &h);
    if (t->ret == MALI_TASK_OK) {
        c->oom = MALI_OOM_NONE;
        c->oom_first = 0;
        c->oom_last = 0;
    }
}

/* --- Taking memory --- */

typedef struct MaliHeap {
    uint64_t base;
    uint64_t bottom;
    uint64_t top;
} MaliHeap;

/*
 * The chunk in use is full: it belongs to the render pass now, and the next one
 * is in use, if there is one.
 */
static void mali_heap_next_chunk(MaliTask *t, MaliHeap *heap, uint64_t context)
{
    MaliHeapContext h = { 0 };
    uint64_t first = mali_task_read64(t, context + TILER_PRIVATE);
    uint64_t last = mali_task_read64(t, context + TILER_PRIVATE + 8);
    uint64_t next = 0;

    if (t->c->heap) {
        mali_heap_read_context(t, &h);
    }
    if (heap->base) {
        uint64_t full = CHUNK_ADDRESS(heap->base) |
                        (((heap->top - heap->base) >> 12) & 0xfff);

        next = mali_task_read64(t, CHUNK_ADDRESS(full));
        mali_heap_append(t, &first, &last, full, full);
        mali_task_write64(t, context + TILER_PRIVATE, first);
        mali_task_write64(t, context + TILER_PRIVATE + 8, last);
    }
    if (!next && h.first) {
        next = h.first;
        h.first = 0;
        h.last = 0;
        mali_heap_write_context(t, &h);
    }
    heap->base = CHUNK_ADDRESS(next);
    heap->top = heap->base + CHUNK_SIZE(next);
    heap->bottom = MIN(heap->base + CHUNK_HEADER, heap->top);
}

MaliTaskRet mali_heap_take(MaliTask *t, uint64_t context, uint64_t bytes)
{
    MaliCs *c = t->c;
    uint64_t va = mali_task_read64(t, context + TILER_HEAP), type;
    MaliHeap heap;
    bool asks = !c->tiler_left || c->handler_depth ||
                c->oom == MALI_OOM_GRANTED || c->oom == MALI_OOM_REFUSED;
    MaliVerdict v = { };

    if (t->s->sched.task_left <= 0) {
        return MALI_TASK_STALL;
    }
    if (c->oom == MALI_OOM_GRANTED) {
        mali_heap_accept(t);
    }
    type = mali_task_read64(t, va);
    heap.base = mali_task_read64(t, va + HEAP_BASE);
    heap.bottom = mali_task_read64(t, va + HEAP_BOTTOM);
    heap.top = mali_task_read64(t, va + HEAP_TOP);
    if (t->ret != MALI_TASK_OK) {
        return t->ret;
    }
    if ((type & HEAP_TYPE_MASK) != HEAP_TYPE) {
        t->va = va;
        return MALI_TASK_INVALID;
    }
    /* The handler's draws are its own, and not the one that is interrupted */
    if (!c->tiler_left || c->handler_depth) {
        c->tiler_left = bytes;
    }
    /* Not each time that it looks again, as after a slice or a lock */
    if (asks) {
        v = mali_inject(t->s, MALI_INJECT_HEAP, .csg = t->csg, .cs = t->cs,
                        .va = va);
    }
    if (v.act == MALI_ACT_OOM) {
        return mali_heap_out_of_memory(t);
    }
    for (;;) {
        uint64_t room = heap.top > heap.bottom ? heap.top - heap.bottom : 0;
        uint64_t n = MIN(room, c->tiler_left);

        heap.bottom += n;
        c->tiler_left -= n;
        if (n) {
            c->oom = MALI_OOM_NONE;
        }
        if (!c->tiler_left || t->s->sched.task_left <= 0) {
            break;
        }
        t->s->sched.task_left -= CHUNK_COST;
        mali_heap_next_chunk(t, &heap, context);
        if (!heap.base || t->ret != MALI_TASK_OK) {
            break;
        }
    }
    trace_mali_csf_heap_take(t->csg, t->cs, va, c->tiler_left, heap.base,
                             heap.bottom, heap.top);
    mali_task_write64(t, va + HEAP_BASE, heap.base);
    mali_task_write64(t, va + HEAP_BOTTOM, heap.bottom);
    mali_task_write64(t, va + HEAP_TOP, heap.top);
    if (t->ret != MALI_TASK_OK || !c->tiler_left) {
        return t->ret;
    }
    /* Small chunks, or such without room: there may be no end to them */
    return heap.base ? MALI_TASK_STALL : mali_heap_out_of_memory(t);
}

/* --- Giving it back --- */

void mali_heap_complete(MaliTask *t, uint64_t context)
{
    uint64_t first = mali_task_read64(t, context + TILER_PRIVATE);
    uint64_t last = mali_task_read64(t, context + TILER_PRIVATE + 8);

    if (first) {
        mali_task_write64(t, context + TILER_COMPLETED_TOP, first);
        mali_task_write64(t, context + TILER_COMPLETED_BOTTOM, last);
        mali_task_write64(t, context + TILER_PRIVATE, 0);
        mali_task_write64(t, context + TILER_PRIVATE + 8, 0);
    }
}

void mali_heap_give_back(MaliTask *t, uint64_t first, uint64_t last, bool count)
{
    MaliHeapContext h;

    if (!t->c->heap) {
        return;
    }
    mali_heap_read_context(t, &h);
    if (first && last) {
        mali_heap_append(t, &h.first, &h.last, first, last);
        trace_mali_csf_heap_give_back(t->csg, t->cs, t->c->heap, first, last);
    }
    h.frag_end += count;
    mali_heap_write_context(t, &h);
    mali_heap_wake(t);
}

void mali_heap_count(MaliTask *t, unsigned operation)
{
    MaliHeapContext h;

    if (!t->c->heap) {
        return;
    }
    mali_heap_read_context(t, &h);
    switch (operation) {
    case MALI_CS_HEAP_VT_START:
        h.vt_start++;
        break;
    case MALI_CS_HEAP_VT_END:
        h.vt_end++;
        break;
    case MALI_CS_HEAP_FRAG_END:
        h.frag_end++;
        break;
    }
    mali_heap_write_context(t, &h);
    mali_heap_wake(t);
}
