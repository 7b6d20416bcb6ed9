/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Endpoint tasks of the Mali CSF GPU: their registers, descriptors, tiler heap
 * and render targets, as Mesa's drivers fill them in (genxml: v10.xml).
 */

#ifndef TESTS_QTEST_MALI_CSF_TASK_H
#define TESTS_QTEST_MALI_CSF_TASK_H

#include "mali-csf-stream.h"

/* --- Where it is in the VM --- */

#define VA_SHADER               (VA_DATA + 0x10000)
#define VA_STORAGE              (VA_DATA + 0x10040)
#define VA_TILER                (VA_DATA + 0x10080)
#define VA_HEAP                 (VA_DATA + 0x10100)
#define VA_HEAP_CONTEXT         (VA_DATA + 0x10140)
#define VA_FBD                  (VA_DATA + 0x10200)
/* A draw descriptor, or any other that only has to be there */
#define VA_DCD                  (VA_DATA + 0x10800)
/* What streams tell the test */
#define VA_TOLD                 (VA_DATA + 0x11000)
/* Tiler memory: a few chunks, and what the model takes of them for a draw */
#define CHUNK                   0x4000
#define CHUNKS_MAX              6
#define DRAW_BYTES(vertices)    (4096 + 64 * (vertices))
#define VA_CHUNK(n)             (VA_DATA + 0x20000 + (n) * CHUNK)
#define CHUNK_HEADER            64
/* A chunk as headers, host and FINISH_FRAGMENT name it (panthor_heap.c) */
#define CHUNK_LINK(n)           (VA_CHUNK(n) | CHUNK >> 12)

/* Render targets have memory of their own */
#define VA_TARGET               0x20000000ULL
#define RAM_TARGET              0x47000000ULL
#define TARGET_SIZE             0x100000

static inline void vm_map_target(Vm *vm)
{
    pt_map(&vm->pt, VA_TARGET, RAM_TARGET, TARGET_SIZE, PTE_LEAF);
    gpu_as_changed(vm->qts, vm->as);
}

/* --- Instructions --- */

/* Counts the queue's progress when it is complete */
#define COUNT_PROGRESS          BIT_ULL(32)
/* FINISH_FRAGMENT: counts a render pass */
#define COUNT_RENDERED          BIT_ULL(0)

#define RUN(op)                 INSN(op, 0, 0, 0, 0)
#define FINISH_TILING           INSN(OP_FINISH_TILING, 0, 0, 0, 0)
#define FINISH_FRAGMENT(first, last) INSN(OP_FINISH_FRAGMENT, 0, first, last, 0)
#define HEAP_SET(a)             INSN(OP_HEAP_SET, 0, a, 0, 0)
#define HEAP_OPERATION(op)      INSN(OP_HEAP_OPERATION, 0, 0, op, 0)
enum { HEAP_VT_START = 0, HEAP_VT_END = 1, HEAP_FRAG_END = 3 };
#define OOM_HANDLER(a, len)     INSN(OP_SET_EXCEPTION_HANDLER, 0, a, len, 2)

/* The slot that the tasks of these tests are on */
#define SLOT                    5
#define ON_SLOT                 SB_ENTRY(SLOT, 0)
#define DONE                    WAIT(BIT(SLOT))

/* --- Registers: they keep their values from one job to the next --- */

/* So many workgroups of 64 threads */
static inline void compute_regs(Group *g, unsigned j, uint32_t groups)
{
    cs_run_words(g, j, MOVE48(0, 0), MOVE48(8, 0), MOVE48(16, VA_SHADER),
                 MOVE48(24, VA_STORAGE), MOVE32(33, 63), MOVE32(37, groups),
                 MOVE32(38, 1), MOVE32(39, 1));
}

/* IDVS, and tiling as far as it has those registers */
static inline void draw_regs(Group *g, unsigned j, uint32_t vertices)
{
    cs_run_words(g, j, MOVE48(0, 0), MOVE48(4, 0), MOVE48(8, 0),
                 MOVE48(12, 0), MOVE48(16, VA_SHADER), MOVE48(20, 0),
                 MOVE48(24, VA_STORAGE), MOVE48(28, VA_STORAGE),
                 MOVE32(33, vertices), MOVE32(34, 1), MOVE48(40, VA_TILER),
                 MOVE48(50, 0), MOVE48(52, 0));
}

/* The framebuffer with its tags, and the region's corners, both included */
static inline void fragment_regs(Group *g, unsigned j, unsigned tags,
                                 uint32_t x0, uint32_t y0,
                                 uint32_t x1, uint32_t y1)
{
    cs_run_words(g, j, MOVE48(40, VA_FBD | tags), MOVE32(42, x0 | y0 << 16),
                 MOVE32(43, x1 | y1 << 16), MOVE48(44, 0), MOVE32(46, 0));
}

static inline uint64_t told(const Vm *vm, unsigned i)
{
    return vm_read64(vm, VA_TOLD + i * 8);
}

/* --- Descriptors --- */

static inline void shader_init(const Vm *vm)
{
    vm_write(vm, VA_SHADER, 8);
}

/*
 * A framebuffer of @width by @height pixels, all of them in bounds, without
 * frame shaders; @tags: how its pointer tells the targets that it has
 */
#define FBD_ONE_TARGET          1
#define FBD_HAS_ZS              2
#define FBD_TARGETS(n)          (FBD_ONE_TARGET | ((n) - 1) << 2)

#define FBD_SHADERS             0
#define FBD_SIZE                32
#define FBD_BOUND_MIN           36
#define FBD_BOUND_MAX           40
#define FBD_ZS_FLAGS            48
#define FBD_Z_CLEAR             52
#define FBD_TILER               56
#define FBD_PARTS               128
#define FBD_PART                64

static inline void fbd_init(const Vm *vm, unsigned width, unsigned height)
{
    uint32_t last = (width - 1) | (height - 1) << 16;

    qtest_memset(vm->qts, vm_pa(vm, VA_FBD), 0, 0x600);
    vm_write(vm, VA_FBD + FBD_SIZE, last);
    vm_write(vm, VA_FBD + FBD_BOUND_MAX, last);
}

/* --- Tiler heap --- */

/*
 * The heap descriptor and the tiler context of one render pass; the heap has
 * the first @chunks, each linked to the next, and none behind them
 */
static inline void heap_init(const Vm *vm, unsigned chunks)
{
    for (unsigned i = 0; i < chunks; i++) {
        vm_write64(vm, VA_CHUNK(i), i + 1 < chunks ? CHUNK_LINK(i + 1) : 0);
    }
    qtest_memset(vm->qts, vm_pa(vm, VA_TILER), 0, VA_FBD - VA_TILER);
    vm_write64(vm, VA_TILER + 24, VA_HEAP);
    vm_write64(vm, VA_HEAP, 0x29 | (uint64_t)CHUNK << 32);
    vm_write64(vm, VA_HEAP + 8, VA_CHUNK(0));
    vm_write64(vm, VA_HEAP + 16, VA_CHUNK(0) + CHUNK_HEADER);
    vm_write64(vm, VA_HEAP + 24, VA_CHUNK(1));
}

/* What is left of the chunk in use */
static inline uint64_t heap_base(const Vm *vm)
{
    return vm_read64(vm, VA_HEAP + 8);
}

static inline uint64_t heap_room(const Vm *vm)
{
    return vm_read64(vm, VA_HEAP + 24) - vm_read64(vm, VA_HEAP + 16);
}

/* Where the tiler context tells which chunks a render pass has used */
#define TILER_COMPLETED         40

/* The answer to TILER_OOM (group_process_tiler_oom): chunk @n, or none */
#define NO_CHUNK                UINT_MAX

static inline void cs_answer_oom(const Group *g, unsigned j, unsigned n)
{
    uint64_t link = n == NO_CHUNK ? 0 : CHUNK_LINK(n);

    if (link) {
        vm_write64(g->vm, VA_CHUNK(n), 0);
    }
    cs_in_set64(g, j, CS_HEAP_START, link);
    cs_in_set64(g, j, CS_HEAP_END, link);
    cs_ack_events(g, j);
    csg_ring_queues(g, BIT(j));
}

#endif /* TESTS_QTEST_MALI_CSF_TASK_H */
