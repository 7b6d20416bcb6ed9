/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of the driver that runs jobs on the Mali CSF GPU: address spaces,
 * groups and their queues, requests and events, and command streams.
 *
 * Numbers are those of Linux's panthor (panthor_fw.h, panthor_sched.c) and of
 * Mesa's genxml, as in mali-csf-util.h.
 */

#ifndef TESTS_QTEST_MALI_CSF_STREAM_H
#define TESTS_QTEST_MALI_CSF_STREAM_H

#include "mali-csf-util.h"

/* --- Memory --- */

/* A VM: its rings and sync objects, streams, data; VM n has RAM of its own */
#define VM_TABLES(n)            (0x44000000ULL + (n) * 0x40000)
#define VM_RAM(n)               (0x45000000ULL + (n) * VM_SIZE)
#define VM_VA                   0x10000000ULL
#define VM_SIZE                 0x100000
#define VM_MAX                  15
#define VA_STREAMS              (VM_VA + 0x80000)
#define VA_DATA                 (VM_VA + 0xc0000)
/* Never mapped */
#define VA_NOTHING              0x7000000000ULL

/* What the driver allocates for group n in the firmware's address space */
#define GROUP_RAM(n)            (0x46000000ULL + (n) * GROUP_SIZE)
#define GROUP_VA(n)             (0x04800000 + (n) * GROUP_SIZE)
#define GROUP_SIZE              0x40000
#define GROUP_SUSPEND           0x20000
#define GROUP_MAX               16
#define GROUP_QUEUES            8

/* --- Interface blocks of a G610: 8 groups of 8 queues --- */

#define CSG_IN(i)               (0x04003000 + (i) * 0x80)
#define CSG_OUT(i)              (0x04007000 + (i) * 0x40)
#define CS_IN(i, j)             (0x04003400 + (8 * (i) + (j)) * 0x80)
#define CS_OUT(i, j)            (0x04007200 + (8 * (i) + (j)) * 0x100)
#define FW_SUSPEND_SIZE         (FW_SHARED + 0x100c)

/* Group, input */
#define CSG_REQ                 0x00
#define CSG_ACK_IRQ_MASK        0x04
#define CSG_DOORBELL_REQ        0x08
#define CSG_CS_IRQ_ACK          0x0c
#define CSG_ALLOW_COMPUTE       0x20
#define CSG_ALLOW_FRAGMENT      0x28
#define CSG_ALLOW_OTHER         0x30
#define CSG_ENDPOINT_REQ        0x34
#define CSG_SUSPEND_BUF         0x40
#define CSG_PROTM_SUSPEND_BUF   0x48
#define CSG_CONFIG              0x50
/* Group, output */
#define CSG_ACK                 0x00
#define CSG_DOORBELL_ACK        0x08
#define CSG_CS_IRQ_REQ          0x0c
#define CSG_STATUS_STATE        0x18

#define CSG_TERMINATE           0
#define CSG_START               1
#define CSG_SUSPEND             2
#define CSG_RESUME              3
#define CSG_STATE               7
#define CSG_ENDPOINT_CONFIG     BIT(4)
#define CSG_STATUS_UPDATE       BIT(5)
#define CSG_SYNC_UPDATE         BIT(28)
#define CSG_IDLE                BIT(29)
#define CSG_EVENTS              0xf0000000

/* Queue, input */
#define CS_REQ                  0x00
#define CS_CONFIG               0x04
#define CS_ACK_IRQ_MASK         0x0c
#define CS_RING_BASE            0x10
#define CS_RING_SIZE            0x18
#define CS_HEAP_START           0x20
#define CS_HEAP_END             0x28
#define CS_RING_INPUT           0x30
#define CS_RING_OUTPUT          0x38
/* Queue, output */
#define CS_ACK                  0x00
#define CS_STATUS_CMD_PTR       0x40
#define CS_STATUS_WAIT          0x48
#define CS_STATUS_REQ_RESOURCE  0x4c
#define CS_STATUS_SYNC_PTR      0x50
#define CS_STATUS_SYNC_VALUE    0x58
#define CS_STATUS_SCOREBOARDS   0x5c
#define CS_STATUS_BLOCKED       0x60
#define CS_STATUS_SYNC_VALUE_HI 0x64
#define CS_FAULT                0x80
#define CS_FATAL                0x84
#define CS_FAULT_INFO           0x88
#define CS_FATAL_INFO           0x90
#define CS_HEAP_VT_START        0xc0
#define CS_HEAP_VT_END          0xc4
#define CS_HEAP_FRAG_END        0xcc
#define CS_HEAP_ADDRESS         0xd0

#define CS_START                BIT(0)
#define CS_EXTRACT_EVENT        BIT(4)
#define CS_IDLE_SYNC_WAIT       BIT(8)
#define CS_IDLE_EMPTY           BIT(10)
#define CS_EVENT_TILER_OOM      BIT(26)
#define CS_EVENT_FATAL          BIT(30)
#define CS_EVENT_FAULT          BIT(31)
#define CS_EVENTS               0xcc000000

#define BLOCKED_NONE            0
#define BLOCKED_SB              1
#define BLOCKED_PROGRESS        2
#define BLOCKED_SYNC            3
#define BLOCKED_RESOURCE        5
#define WAIT_COND_GT            BIT(24)
#define WAIT_64                 BIT(30)
#define WAIT_SYNC               BIT(31)

/* Exceptions (panthor_device.h) */
#define EXC_CONFIG              0x40
#define EXC_BUS                 0x48
#define EXC_INSTR_INVALID       0x49
#define EXC_CALL_STACK          0x4a
#define EXC_INHERIT             0x4b
#define EXC_INVALID_PC          0x50
#define EXC_DATA_INVALID        0x58
#define EXC_OOM                 0x60

/* A queue's interface pages */
#define RING_INSERT             0x0000
#define RING_EXTRACT_INIT       0x0008
#define RING_EXTRACT            0x1000

/* Far longer than a job of these tests takes; far less than its timeout */
#define NS_JOB                  5000000
/* One look of a driver that waits */
#define NS_LOOK                 20000
/* What an endpoint's task takes in the model */
#define NS_TASK                 20000

/* --- Instructions --- */

enum {
    OP_NOP = 0, OP_MOVE48 = 1, OP_MOVE32 = 2, OP_WAIT = 3, OP_RUN_COMPUTE = 4,
    OP_RUN_TILING = 5, OP_RUN_IDVS = 6, OP_RUN_FRAGMENT = 7,
    OP_RUN_FULLSCREEN = 8,
    OP_FINISH_TILING = 9, OP_FINISH_FRAGMENT = 11, OP_ADD_IMM32 = 16,
    OP_ADD_IMM64 = 17, OP_UMIN32 = 18, OP_LOAD = 20, OP_STORE = 21,
    OP_BRANCH = 22, OP_SET_SB_ENTRY = 23, OP_PROGRESS_WAIT = 24,
    OP_SET_EXCEPTION_HANDLER = 25, OP_CALL = 32, OP_JUMP = 33,
    OP_REQ_RESOURCE = 34, OP_FLUSH_CACHE2 = 36, OP_SYNC_ADD32 = 37,
    OP_SYNC_SET32 = 38, OP_SYNC_WAIT32 = 39, OP_STORE_STATE = 40,
    OP_PROT_REGION = 41, OP_PROGRESS_STORE = 42, OP_PROGRESS_LOAD = 43,
    OP_RUN_COMPUTE_INDIRECT = 44,
    OP_ERROR_BARRIER = 47, OP_HEAP_SET = 48, OP_HEAP_OPERATION = 49,
    OP_TRACE_POINT = 50, OP_SYNC_ADD64 = 51, OP_SYNC_SET64 = 52,
    OP_SYNC_WAIT64 = 53,
};

enum { IF_LE, IF_GT, IF_EQ, IF_NE, IF_LT, IF_GE, IF_ALWAYS };

/* dst, src, src1: registers in bits 48, 40 and 32; low: the rest */
#define INSN(op, dst, src, src1, low)                                       \
    ((uint64_t)(op) << 56 | (uint64_t)(dst) << 48 | (uint64_t)(src) << 40 | \
     (uint64_t)(src1) << 32 | (uint32_t)(low))

#define NOP                     INSN(OP_NOP, 0, 0, 0, 0)
#define MOVE48(r, imm)          ((uint64_t)OP_MOVE48 << 56 |                \
                                 (uint64_t)(r) << 48 | (imm))
#define MOVE32(r, imm)          INSN(OP_MOVE32, r, 0, 0, imm)
#define WAIT(mask)              INSN(OP_WAIT, 0, 0, 0, (mask) << 16)
#define ADD_IMM32(d, s, imm)    INSN(OP_ADD_IMM32, d, s, 0, imm)
#define ADD_IMM64(d, s, imm)    INSN(OP_ADD_IMM64, d, s, 0, imm)
#define UMIN32(d, s, s1)        INSN(OP_UMIN32, d, s, s1, 0)
/* Registers of @mask, counted from @r, at the pair @a plus @off bytes */
#define LOAD(r, a, mask, off)   INSN(OP_LOAD, r, a, 0,                      \
                                     (uint32_t)(mask) << 16 | (uint16_t)(off))
#define STORE(r, a, mask, off)  INSN(OP_STORE, r, a, 0,                     \
                                     (uint32_t)(mask) << 16 | (uint16_t)(off))
#define BRANCH(cond, r, off)    INSN(OP_BRANCH, 0, r, 0,                    \
                                     (uint32_t)(cond) << 28 | (uint16_t)(off))
#define SB_ENTRY(ep, other)     INSN(OP_SET_SB_ENTRY, 0, 0, 0,              \
                                     (ep) | (other) << 4)
#define CALL(a, len)            INSN(OP_CALL, 0, a, len, 0)
#define JUMP(a, len)            INSN(OP_JUMP, 0, a, len, 0)
#define ERROR_BARRIER           INSN(OP_ERROR_BARRIER, 0, 0, 0, 0)
/* All caches clean and invalidate; flush id in register @id */
#define FLUSH(id, wait, sig)    INSN(OP_FLUSH_CACHE2, sig, id, 0,           \
                                     0x233 | (uint32_t)(wait) << 16)
/* @low: propagate 1, scope of the group 4 */
#define SYNC(op, a, d, low)     INSN(op, 0, a, d, low)
#define SYNC_LATER(op, a, d, low, wait, sig)                                \
                                INSN(op, sig, a, d,                         \
                                     (low) | (uint32_t)(wait) << 16)
#define SYNC_PROPAGATE          1
#define SYNC_CSG                4
#define SYNC_REJECT             1
#define SYNC_UNTIL(op, a, d, cond)                                          \
                                INSN(op, 0, a, d, (uint32_t)(cond) << 28)
#define STORE_STATE(a, what, off) INSN(OP_STORE_STATE, 0, a, what,          \
                                       (uint16_t)(off))
enum { STATE_TIMESTAMP, STATE_CYCLES, STATE_DISJOINT, STATE_ERROR };
#define PROGRESS_STORE(a)       INSN(OP_PROGRESS_STORE, 0, a, 0, 0)
#define PROGRESS_LOAD(r)        INSN(OP_PROGRESS_LOAD, r, 0, 0, 0)
#define PROGRESS_WAIT(a, queue) INSN(OP_PROGRESS_WAIT, 0, a, 0, queue)

/* --- A machine that runs jobs --- */

typedef struct Driver {
    QTestState *qts;
    PageTables fw;          /* of the firmware's address space */
} Driver;

/* Boots, and opens all events (panthor_fw_init_global_iface) */
static inline Driver driver_on(QTestState *qts)
{
    Driver d = { qts, fw_prepare(qts, FW_SHARED_SIZE) };

    fw_boot(qts, NS_COLD_BOOT);
    fw_write(qts, FW_ACK_IRQ_MASK, 0x0400010e);
    for (int n = 0; n < GROUP_MAX; n++) {
        pt_map(&d.fw, GROUP_VA(n), GROUP_RAM(n), GROUP_QUEUES * 0x2000,
               PTE_LEAF);
        pt_map(&d.fw, GROUP_VA(n) + GROUP_SUSPEND,
               GROUP_RAM(n) + GROUP_SUSPEND,
               ROUND_UP(fw_read(qts, FW_SUSPEND_SIZE), 0x1000), PTE_LEAF);
    }
    gpu_as_changed(qts, 0);
    return d;
}

static inline Driver driver_start(const char *props)
{
    return driver_on(gpu_start(props));
}

/* --- VMs --- */

typedef struct Vm {
    QTestState *qts;
    unsigned n;
    unsigned as;
    PageTables pt;
    uint64_t next_stream;   /* VA */
} Vm;

/* Make the VM resident in address space @as (panthor_vm_active) */
static inline void vm_bind(Vm *vm, unsigned as)
{
    vm->as = as;
    gpu_as_config(vm->qts, as, vm->pt.root, MEMATTR_COHERENT, TRANSCFG_48);
}

static inline void vm_unbind(Vm *vm)
{
    gpu_as_config(vm->qts, vm->as, 0, 0, TRANSCFG_UNMAPPED);
}

/* VM number @n */
static inline Vm vm_new(Driver *d, unsigned n, unsigned as)
{
    Vm vm = {
        .qts = d->qts, .n = n, .pt = pt_new(d->qts, VM_TABLES(n)),
        .next_stream = VA_STREAMS,
    };

    g_assert_cmpuint(n, <, VM_MAX);
    pt_map(&vm.pt, VM_VA, VM_RAM(n), VM_SIZE, PTE_LEAF);
    vm_bind(&vm, as);
    return vm;
}

static inline uint64_t vm_pa(const Vm *vm, uint64_t va)
{
    g_assert_true(va >= VM_VA && va < VM_VA + VM_SIZE);
    return VM_RAM(vm->n) + va - VM_VA;
}

static inline uint32_t vm_read(const Vm *vm, uint64_t va)
{
    return qtest_readl(vm->qts, vm_pa(vm, va));
}

static inline uint64_t vm_read64(const Vm *vm, uint64_t va)
{
    return qtest_readq(vm->qts, vm_pa(vm, va));
}

static inline void vm_write(const Vm *vm, uint64_t va, uint32_t val)
{
    qtest_writel(vm->qts, vm_pa(vm, va), val);
}

static inline void vm_write64(const Vm *vm, uint64_t va, uint64_t val)
{
    qtest_writeq(vm->qts, vm_pa(vm, va), val);
}

static inline void vm_write_words(const Vm *vm, uint64_t va,
                                  const uint64_t *words, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        vm_write64(vm, va + i * 8, words[i]);
    }
}

/* Put a stream into memory, and say where it is */
static inline uint64_t vm_stream(Vm *vm, const uint64_t *words, unsigned n)
{
    uint64_t va = vm->next_stream;

    g_assert_cmphex(va + n * 8, <=, VA_DATA);
    vm_write_words(vm, va, words, n);
    vm->next_stream = ROUND_UP(va + n * 8, 64);
    return va;
}

/* --- Groups --- */

typedef struct Group {
    QTestState *qts;
    Vm *vm;
    unsigned n;             /* which memory it has */
    unsigned slot;
    unsigned queues;
    unsigned ring;          /* number of its first ring in the VM */
    uint32_t ring_size;
} Group;

static inline uint32_t csg_in(const Group *g, uint32_t off)
{
    return fw_read(g->qts, CSG_IN(g->slot) + off);
}

static inline void csg_in_set(const Group *g, uint32_t off, uint32_t val)
{
    fw_write(g->qts, CSG_IN(g->slot) + off, val);
}

static inline uint32_t csg_out(const Group *g, uint32_t off)
{
    return fw_read(g->qts, CSG_OUT(g->slot) + off);
}

static inline uint32_t cs_in(const Group *g, unsigned j, uint32_t off)
{
    return fw_read(g->qts, CS_IN(g->slot, j) + off);
}

static inline void cs_in_set(const Group *g, unsigned j, uint32_t off,
                             uint32_t val)
{
    fw_write(g->qts, CS_IN(g->slot, j) + off, val);
}

static inline void cs_in_set64(const Group *g, unsigned j, uint32_t off,
                               uint64_t val)
{
    cs_in_set(g, j, off, val);
    cs_in_set(g, j, off + 4, val >> 32);
}

static inline uint32_t cs_out(const Group *g, unsigned j, uint32_t off)
{
    return fw_read(g->qts, CS_OUT(g->slot, j) + off);
}

static inline uint64_t cs_out64(const Group *g, unsigned j, uint32_t off)
{
    return cs_out(g, j, off) | (uint64_t)cs_out(g, j, off + 4) << 32;
}

/* A word of queue @j's interface pages */
static inline uint64_t ring_get(const Group *g, unsigned j, uint32_t off)
{
    return qtest_readq(g->qts, GROUP_RAM(g->n) + j * 0x2000 + off);
}

static inline void ring_set(const Group *g, unsigned j, uint32_t off,
                            uint64_t val)
{
    qtest_writeq(g->qts, GROUP_RAM(g->n) + j * 0x2000 + off, val);
}

static inline uint64_t ring_va(const Group *g, unsigned j)
{
    return VM_VA + (g->ring + j) * 0x10000;
}

static inline bool cs_drained(const Group *g, unsigned j)
{
    return ring_get(g, j, RING_EXTRACT) == ring_get(g, j, RING_INSERT);
}

/* panthor_fw_toggle_reqs(): those bits of the request against its ack */
static inline void fw_toggle(QTestState *qts, uint32_t req, uint32_t ack,
                             uint32_t bits)
{
    fw_write(qts, req, ((fw_read(qts, ack) ^ bits) & bits) |
                       (fw_read(qts, req) & ~bits));
}

/* panthor_fw_update_reqs() */
static inline void csg_update(const Group *g, uint32_t val, uint32_t mask)
{
    csg_in_set(g, CSG_REQ, (csg_in(g, CSG_REQ) & ~mask) | (val & mask));
}

/* panthor_fw_ring_csg_doorbells(), and time for the firmware to answer */
static inline void csg_ring(const Group *g)
{
    fw_toggle(g->qts, FW_DOORBELL_REQ, FW_DOORBELL_ACK, BIT(g->slot));
    gpu_write(g->qts, DOORBELL(0), 1);
    qtest_clock_step(g->qts, NS_REQUEST);
}

/* Have the firmware look at queues too */
static inline void csg_ring_queues(const Group *g, uint32_t queues)
{
    fw_toggle(g->qts, CSG_IN(g->slot) + CSG_DOORBELL_REQ,
              CSG_OUT(g->slot) + CSG_DOORBELL_ACK, queues);
    csg_ring(g);
}

/* cs_slot_prog_locked() */
static inline void cs_program(const Group *g, unsigned j)
{
    uint32_t pages = GROUP_VA(g->n) + j * 0x2000;

    ring_set(g, j, RING_EXTRACT_INIT, ring_get(g, j, RING_EXTRACT));
    cs_in_set64(g, j, CS_RING_BASE, ring_va(g, j));
    cs_in_set(g, j, CS_RING_SIZE, g->ring_size);
    cs_in_set64(g, j, CS_RING_INPUT, pages);
    cs_in_set64(g, j, CS_RING_OUTPUT, pages + 0x1000);
    cs_in_set(g, j, CS_CONFIG, (g->slot + 1) << 8 | j);
    cs_in_set(g, j, CS_ACK_IRQ_MASK, UINT32_MAX);
    cs_in_set(g, j, CS_REQ, (cs_out(g, j, CS_ACK) & CS_EVENTS) | CS_START |
                            CS_IDLE_SYNC_WAIT | CS_IDLE_EMPTY);
}

/* csg_slot_prog_locked(); what is asked for comes with the doorbell */
static inline void csg_program(const Group *g)
{
    uint64_t suspend = GROUP_VA(g->n) + GROUP_SUSPEND;

    for (unsigned j = 0; j < GROUP_QUEUES; j++) {
        if (j < g->queues) {
            cs_program(g, j);
        } else {
            cs_in_set(g, j, CS_REQ, cs_out(g, j, CS_ACK) & CS_EVENTS);
        }
    }
    csg_in_set(g, CSG_ALLOW_COMPUTE, UINT32_MAX);
    csg_in_set(g, CSG_ALLOW_COMPUTE + 4, UINT32_MAX);
    csg_in_set(g, CSG_ALLOW_FRAGMENT, UINT32_MAX);
    csg_in_set(g, CSG_ALLOW_FRAGMENT + 4, UINT32_MAX);
    csg_in_set(g, CSG_ALLOW_OTHER, UINT32_MAX);
    csg_in_set(g, CSG_ENDPOINT_REQ, 0x010101 | g->slot << 28);
    csg_in_set(g, CSG_CONFIG, g->vm->as);
    csg_in_set(g, CSG_SUSPEND_BUF, suspend);
    csg_in_set(g, CSG_SUSPEND_BUF + 4, 0);
    csg_in_set(g, CSG_PROTM_SUSPEND_BUF, 0);
    csg_in_set(g, CSG_ACK_IRQ_MASK, UINT32_MAX);
    csg_in_set(g, CSG_CS_IRQ_ACK, csg_out(g, CSG_CS_IRQ_REQ));
    /* Events of who was here before */
    csg_update(g, csg_out(g, CSG_ACK), CSG_EVENTS);
    fw_toggle(g->qts, CSG_IN(g->slot) + CSG_DOORBELL_REQ,
              CSG_OUT(g->slot) + CSG_DOORBELL_ACK, BIT(g->queues) - 1);
}

/* Ask for a state, and for that only, without looking at the answer */
static inline void csg_ask_state(const Group *g, uint32_t state)
{
    csg_update(g, state, CSG_STATE);
    if (state == CSG_START || state == CSG_RESUME) {
        csg_update(g, ~csg_out(g, CSG_ACK), CSG_ENDPOINT_CONFIG);
    }
    csg_ring(g);
}

static inline void csg_set_state(const Group *g, uint32_t state)
{
    csg_ask_state(g, state);
    g_assert_cmphex(csg_out(g, CSG_ACK) & CSG_STATE, ==, state);
    g_assert_cmphex((csg_out(g, CSG_ACK) ^ csg_in(g, CSG_REQ)) & ~CSG_EVENTS,
                    ==, 0);
}

/* Group number @n with @queues queues, not yet anywhere */
static inline Group group_new(Vm *vm, unsigned n, unsigned queues)
{
    Group g = {
        .qts = vm->qts, .vm = vm, .n = n, .queues = queues, .ring_size = 0x1000,
    };

    g_assert_cmpuint(n, <, GROUP_MAX);
    qtest_memset(vm->qts, GROUP_RAM(n), 0, GROUP_QUEUES * 0x2000);
    return g;
}

static inline void group_start(Group *g, unsigned slot)
{
    g->slot = slot;
    csg_program(g);
    csg_set_state(g, CSG_START);
}

static inline void group_resume(Group *g, unsigned slot)
{
    g->slot = slot;
    csg_program(g);
    csg_set_state(g, CSG_RESUME);
}

/* After either, the host writes STOP without a doorbell */
static inline void group_leave(Group *g, uint32_t state)
{
    csg_set_state(g, state);
    for (unsigned j = 0; j < g->queues; j++) {
        cs_in_set(g, j, CS_REQ, cs_in(g, j, CS_REQ) & ~7u);
    }
}

static inline void group_suspend(Group *g)
{
    group_leave(g, CSG_SUSPEND);
}

static inline void group_terminate(Group *g)
{
    group_leave(g, CSG_TERMINATE);
}

/* Ask for the status words, without looking at the answer */
static inline void csg_ask_status(const Group *g)
{
    csg_update(g, ~csg_out(g, CSG_ACK), CSG_STATUS_UPDATE);
    csg_ring(g);
}

static inline void csg_status(const Group *g)
{
    csg_ask_status(g);
    g_assert_cmphex((csg_out(g, CSG_ACK) ^ csg_in(g, CSG_REQ)) &
                    CSG_STATUS_UPDATE, ==, 0);
}

/* The slots on which operations of a queue are under way */
static inline uint32_t cs_scoreboards(const Group *g, unsigned j)
{
    csg_status(g);
    return cs_out(g, j, CS_STATUS_SCOREBOARDS);
}

/* --- Events --- */

static inline uint32_t csg_events(const Group *g)
{
    return (csg_in(g, CSG_REQ) ^ csg_out(g, CSG_ACK)) & CSG_EVENTS;
}

static inline uint32_t cs_events(const Group *g, unsigned j)
{
    return (cs_in(g, j, CS_REQ) ^ cs_out(g, j, CS_ACK)) & CS_EVENTS;
}

/* Acknowledge what is pending; no doorbell (sched_process_csg_irq_locked) */
static inline void csg_ack_events(const Group *g)
{
    csg_update(g, csg_out(g, CSG_ACK), CSG_EVENTS);
}

static inline void cs_ack_events(const Group *g, unsigned j)
{
    uint32_t req = cs_in(g, j, CS_REQ) & ~CS_EVENTS;

    csg_in_set(g, CSG_CS_IRQ_ACK, csg_out(g, CSG_CS_IRQ_REQ));
    cs_in_set(g, j, CS_REQ, req | (cs_out(g, j, CS_ACK) & CS_EVENTS));
}

/* --- Jobs --- */

/* Append to a ring; nobody is told */
static inline void cs_append(const Group *g, unsigned j, const uint64_t *words,
                             unsigned n)
{
    uint64_t insert = ring_get(g, j, RING_INSERT);

    for (unsigned i = 0; i < n; i++, insert += 8) {
        vm_write64(g->vm, ring_va(g, j) + (insert & (g->ring_size - 1)),
                   words[i]);
    }
    ring_set(g, j, RING_EXTRACT_INIT, ring_get(g, j, RING_EXTRACT));
    ring_set(g, j, RING_INSERT, insert);
}

/* Append to the ring of a group in a slot, and ring for it */
static inline void cs_submit(const Group *g, unsigned j, const uint64_t *words,
                             unsigned n)
{
    cs_append(g, j, words, n);
    gpu_write(g->qts, DOORBELL(g->slot + 1), 1);
}

#define cs_submit_words(g, j, ...)                                          \
    do {                                                                    \
        const uint64_t words_[] = { __VA_ARGS__ };                          \
                                                                            \
        cs_submit(g, j, words_, ARRAY_SIZE(words_));                        \
    } while (0)

/*
 * The job that panthor puts around a stream, with a sync object at @sync
 * (prepare_job_instrs); uses r92 to r95.
 */
#define JOB_INSNS               16

static inline void job_insns(uint64_t *out, uint64_t stream, uint32_t size,
                             uint64_t sync)
{
    const uint64_t words[JOB_INSNS] = {
        MOVE32(94, 0), FLUSH(94, 0, 0), MOVE48(92, stream), MOVE32(94, size),
        WAIT(1), CALL(92, 94), MOVE48(92, sync), MOVE48(94, 1),
        WAIT(0xff), SYNC(OP_SYNC_ADD64, 92, 94, SYNC_PROPAGATE), ERROR_BARRIER,
    };

    memcpy(out, words, sizeof(words));
}

/* The sync object of a ring, behind what it can use of its 64 KiB */
static inline uint64_t ring_sync(const Group *g, unsigned j)
{
    return VM_VA + VM_SIZE - (g->ring + j + 1) * 16;
}

static inline void cs_submit_job(const Group *g, unsigned j, uint64_t stream,
                                 uint32_t size)
{
    uint64_t words[JOB_INSNS];

    job_insns(words, stream, size, ring_sync(g, j));
    cs_submit(g, j, words, JOB_INSNS);
}

/* Step the clock until a ring is empty, as long as a job may take */
static inline bool cs_wait_drained(const Group *g, unsigned j)
{
    for (int64_t t = 0; t < NS_JOB; t += NS_LOOK) {
        if (cs_drained(g, j)) {
            return true;
        }
        qtest_clock_step(g->qts, NS_LOOK);
    }
    return cs_drained(g, j);
}

/* The same, until events of a queue are pending: all of @events */
static inline bool cs_wait_events(const Group *g, unsigned j, uint32_t events)
{
    for (int64_t t = 0; t < NS_JOB; t += NS_LOOK) {
        if ((cs_events(g, j) & events) == events) {
            return true;
        }
        qtest_clock_step(g->qts, NS_LOOK);
    }
    return false;
}

/* A job that must complete, on a group that must be well */
static inline void cs_run_job(Group *g, unsigned j, const uint64_t *words,
                              unsigned n)
{
    uint64_t stream = vm_stream(g->vm, words, n);
    uint64_t seqno = vm_read64(g->vm, ring_sync(g, j));

    cs_submit_job(g, j, stream, n * 8);
    g_assert_true(cs_wait_drained(g, j));
    g_assert_cmpuint(vm_read64(g->vm, ring_sync(g, j)), ==, seqno + 1);
    g_assert_cmphex(cs_events(g, j), ==, 0);
    g->vm->next_stream = stream;
}

#define cs_run_words(g, j, ...)                                             \
    do {                                                                    \
        const uint64_t words_[] = { __VA_ARGS__ };                          \
                                                                            \
        cs_run_job(g, j, words_, ARRAY_SIZE(words_));                       \
    } while (0)

/* The 16 registers from @r on; r92 to r95 are those of the job around it */
static inline void cs_read_regs(Group *g, unsigned j, unsigned r,
                                uint32_t *regs)
{
    uint64_t to = VA_DATA + 0x3e000;

    cs_run_words(g, j, MOVE48(92, to), STORE(r, 92, 0xffff, 0), WAIT(0xff));
    for (int i = 0; i < 16; i++) {
        regs[i] = vm_read(g->vm, to + i * 4);
    }
}

/* That a group does what it should: @mark reaches memory */
static inline void check_works(Group *g, unsigned j, uint32_t mark)
{
    uint64_t to = VA_DATA + 0x3d000;

    cs_run_words(g, j, MOVE48(92, to), MOVE32(94, mark), STORE(94, 92, 1, 0),
                 WAIT(0xff));
    g_assert_cmphex(vm_read(g->vm, to), ==, mark);
}

/* --- What most tests begin with --- */

/* A machine with VM 0 in address space 1 and a group in slot 0 */
typedef struct Bed {
    QTestState *qts;
    Driver d;
    Vm vm;
    Group g;
} Bed;

/* On a GPU with @props as well */
static inline void bed_start_with(Bed *b, unsigned queues, const char *props)
{
    g_autofree char *all = g_strdup_printf("timestamp-frequency=1000000000%s%s",
                                           *props ? "," : "", props);

    b->d = driver_start(all);
    b->qts = b->d.qts;
    b->vm = vm_new(&b->d, 0, 1);
    b->g = group_new(&b->vm, 0, queues);
    group_start(&b->g, 0);
}

static inline void bed_start(Bed *b, unsigned queues)
{
    bed_start_with(b, queues, "");
}

/* It is in another QEMU now */
static inline void bed_moved(Bed *b, QTestState *qts)
{
    b->qts = qts;
    b->d.qts = qts;
    b->d.fw.qts = qts;
    b->vm.qts = qts;
    b->vm.pt.qts = qts;
    b->g.qts = qts;
}

/* A second group that others must not harm */
static inline Group bed_neighbour(Bed *b, unsigned slot)
{
    Group g = group_new(&b->vm, 1, 1);

    g.ring = 7;
    group_start(&g, slot);
    return g;
}

/* A stream that never ends */
static inline uint64_t endless(Vm *vm)
{
    const uint64_t words[] = { BRANCH(IF_ALWAYS, 0, -1) };

    return vm_stream(vm, words, ARRAY_SIZE(words));
}

#endif /* TESTS_QTEST_MALI_CSF_STREAM_H */
