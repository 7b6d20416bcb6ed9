/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU: instructions of command streams
 *
 * What each of them does to registers and memory, when that is done, and what
 * the host is told of those that cannot be executed.
 */

#include "qemu/osdep.h"
#include "mali-csf-stream.h"

#define VA_A                    (VA_DATA + 0x0000)
#define VA_B                    (VA_DATA + 0x1000)
#define WORDS_MAX               8

/* --- Registers --- */

typedef struct Effect {
    const char *name;
    uint64_t words[WORDS_MAX];
    uint32_t regs[4];       /* r0 to r3 afterwards */
} Effect;

static const Effect effects[] = {
    { "nop", { INSN(OP_NOP, 255, 255, 255, UINT32_MAX) }, { 0 } },
    { "move48", { MOVE48(0, 0xabcd12345678) }, { 0x12345678, 0xabcd } },
    { "move48-clears", { MOVE32(1, UINT32_MAX), MOVE48(0, 1) }, { 1, 0 } },
    { "move32", { MOVE48(0, 0xffffffffffff), MOVE32(0, 5) }, { 5, 0xffff } },
    { "add-imm32", { MOVE32(1, 7), ADD_IMM32(0, 1, -9) }, { -2, 7 } },
    { "add-imm32-wraps", { MOVE32(0, UINT32_MAX), ADD_IMM32(0, 0, 1) }, { 0 } },
    { "add-imm64-carry", { MOVE48(0, 0x1ffffffff), ADD_IMM64(2, 0, 1) },
      { 0xffffffff, 1, 0, 2 } },
    { "add-imm64-signed", { MOVE48(0, 0), ADD_IMM64(2, 0, -1) },
      { 0, 0, 0xffffffff, 0xffffffff } },
    { "umin32", { MOVE32(1, 5), MOVE32(2, 0x80000000), UMIN32(0, 1, 2) },
      { 5, 5, 0x80000000 } },
    { "umin32-unsigned", { MOVE32(1, -1), MOVE32(2, 6), UMIN32(0, 1, 2) },
      { 6, UINT32_MAX, 6 } },
    { "progress", { MOVE48(0, 0x123456789), INSN(OP_PROGRESS_STORE, 0, 0, 0, 0),
                    INSN(OP_PROGRESS_LOAD, 2, 0, 0, 0) },
      { 0x23456789, 1, 0x23456789, 1 } },
    { "req-resource", { INSN(OP_REQ_RESOURCE, 0, 0, 0, 15), MOVE32(0, 1) },
      { 1 } },
    { "prot-region", { INSN(OP_PROT_REGION, 0, 0, 0, 0), MOVE32(0, 1) },
      { 1 } },
    { "trace-point", { INSN(OP_TRACE_POINT, 0, 1, 0, 0), MOVE32(0, 1) },
      { 1 } },
    { "heap-set", { MOVE48(0, VA_A), INSN(OP_HEAP_SET, 0, 0, 0, 0),
                    MOVE48(0, 1) }, { 1 } },
};

static void test_effect(const void *opaque)
{
    const Effect *e = opaque;
    uint32_t regs[16];
    Bed b;

    bed_start(&b, 1);
    cs_run_job(&b.g, 0, e->words, WORDS_MAX);
    cs_read_regs(&b.g, 0, 0, regs);
    for (int i = 0; i < ARRAY_SIZE(e->regs); i++) {
        g_assert_cmphex(regs[i], ==, e->regs[i]);
    }
    qtest_quit(b.qts);
}

/* All conditions, signed, with values on both sides of 0 */
static void test_branch(void)
{
    static const int32_t values[] = { INT32_MIN, -1, 0, 1, INT32_MAX };
    Bed b;

    bed_start(&b, 1);
    for (int cond = IF_LE; cond <= IF_ALWAYS; cond++) {
        for (int i = 0; i < ARRAY_SIZE(values); i++) {
            int64_t v = values[i];
            const bool taken[] = {
                v <= 0, v > 0, v == 0, v != 0, v < 0, v >= 0, true,
            };
            uint32_t regs[16];

            cs_run_words(&b.g, 0, MOVE32(0, 0), MOVE32(1, v),
                         BRANCH(cond, 1, 1), MOVE32(0, 1), NOP);
            cs_read_regs(&b.g, 0, 0, regs);
            g_assert_cmpuint(regs[0], ==, !taken[cond]);
        }
    }
    qtest_quit(b.qts);
}

/* Back to the first instruction, and on to the end of the stream */
static void test_branch_far(void)
{
    uint32_t regs[16];
    Bed b;

    bed_start(&b, 1);
    cs_run_words(&b.g, 0, MOVE32(0, 3), NOP);
    cs_run_words(&b.g, 0, ADD_IMM32(2, 2, 5), ADD_IMM32(0, 0, -1),
                 BRANCH(IF_GT, 0, -3), BRANCH(IF_ALWAYS, 0, 1),
                 MOVE32(2, 0));
    cs_read_regs(&b.g, 0, 0, regs);
    g_assert_cmpuint(regs[2], ==, 15);
    qtest_quit(b.qts);
}

/* --- Memory --- */

/* Words of memory are packed: registers that the mask leaves out have none */
static void test_load(void)
{
    uint32_t regs[16];
    Bed b;

    bed_start(&b, 1);
    for (int i = 0; i < 16; i++) {
        vm_write(&b.vm, VA_B - 8 + i * 4, 0x100 + i);
    }
    cs_run_words(&b.g, 0, MOVE48(40, VA_B), LOAD(0, 40, 0xffff, -8),
                 WAIT(0xff));
    cs_read_regs(&b.g, 0, 0, regs);
    for (int i = 0; i < 16; i++) {
        g_assert_cmphex(regs[i], ==, 0x100 + i);
    }
    cs_run_words(&b.g, 0, MOVE48(40, VA_B), LOAD(0, 40, 0x8012, 12),
                 WAIT(0xff));
    cs_read_regs(&b.g, 0, 0, regs);
    g_assert_cmphex(regs[0], ==, 0x100);
    g_assert_cmphex(regs[1], ==, 0x105);
    g_assert_cmphex(regs[4], ==, 0x106);
    g_assert_cmphex(regs[15], ==, 0x107);
    qtest_quit(b.qts);
}

static void test_store(void)
{
    Bed b;

    bed_start(&b, 1);
    qtest_memset(b.qts, vm_pa(&b.vm, VA_B - 8), 0xee, 0x40);
    cs_run_words(&b.g, 0, MOVE48(40, VA_B), MOVE32(3, 0x33), MOVE32(4, 0x44),
                 MOVE32(8, 0x88), STORE(3, 40, 0x21, -4), WAIT(0xff));
    g_assert_cmphex(vm_read(&b.vm, VA_B - 8), ==, 0xeeeeeeee);
    g_assert_cmphex(vm_read(&b.vm, VA_B - 4), ==, 0x33);
    g_assert_cmphex(vm_read(&b.vm, VA_B), ==, 0x88);
    g_assert_cmphex(vm_read(&b.vm, VA_B + 4), ==, 0xeeeeeeee);
    qtest_quit(b.qts);
}

typedef struct SyncWrite {
    const char *name;
    uint8_t op;
    uint64_t before, data, after;
} SyncWrite;

static const SyncWrite sync_writes[] = {
    /* The upper half is the status, which is cleared */
    { "add32", OP_SYNC_ADD32, 0x100000001, 5, 6 },
    { "add32-wraps", OP_SYNC_ADD32, 0x1ffffffff, 1, 0 },
    { "set32", OP_SYNC_SET32, 0x700000001, 5, 5 },
    { "add64", OP_SYNC_ADD64, 0xffffffff, 1, 0x100000000 },
    { "add64-wraps", OP_SYNC_ADD64, UINT64_MAX, 2, 1 },
    { "set64", OP_SYNC_SET64, UINT64_MAX, 0x123456789abc, 0x123456789abc },
};

static void test_sync_write(const void *opaque)
{
    const SyncWrite *w = opaque;
    Bed b;

    bed_start(&b, 1);
    vm_write64(&b.vm, VA_A, w->before);
    cs_run_words(&b.g, 0, MOVE48(0, VA_A), MOVE48(2, w->data),
                 SYNC(w->op, 0, 2, 0));
    g_assert_cmphex(vm_read64(&b.vm, VA_A), ==, w->after);
    qtest_quit(b.qts);
}

/* Unsigned, of both sizes; the value is what it is at any time */
static void test_sync_wait(void)
{
    static const struct { uint64_t value, ref; } pairs[] = {
        { 0, 0 }, { 1, 0 }, { 0, 1 }, { 0x80000000, 1 }, { 1, 0x80000000 },
        { 0x100000000, 0xffffffff }, { 0xffffffff, 0x100000000 },
    };
    Bed b;

    bed_start(&b, 1);
    for (int i = 0; i < ARRAY_SIZE(pairs) * 4; i++) {
        bool gt = i & 1, wide = i & 2;
        uint64_t value = pairs[i / 4].value, ref = pairs[i / 4].ref;
        bool pass;

        if (!wide && (value | ref) > UINT32_MAX) {
            continue;
        }
        vm_write64(&b.vm, VA_A, value);
        vm_write64(&b.vm, VA_A + 8, 0);
        cs_submit_words(&b.g, 0, MOVE48(0, VA_A), MOVE48(2, ref),
                        SYNC_UNTIL(wide ? OP_SYNC_WAIT64 : OP_SYNC_WAIT32, 0, 2,
                                   gt ? IF_GT : IF_LE));
        qtest_clock_step(b.qts, NS_JOB);
        pass = gt ? value > ref : value <= ref;
        csg_status(&b.g);
        g_assert_cmpint(cs_drained(&b.g, 0), ==, pass);
        /* What the other condition waits for */
        value = gt ? UINT32_MAX : 0;
        vm_write64(&b.vm, VA_A, wide && gt ? UINT64_MAX : value);
        g_assert_true(cs_wait_drained(&b.g, 0));
    }
    qtest_quit(b.qts);
}

static void test_store_state(void)
{
    uint64_t before, after;
    Bed b;

    bed_start(&b, 1);
    fw_request(b.qts, GLB_COUNTER_EN);
    before = gpu_read64(b.qts, TIMESTAMP);
    cs_run_words(&b.g, 0, MOVE48(0, VA_A), STORE_STATE(0, STATE_TIMESTAMP, 8),
                 STORE_STATE(0, STATE_CYCLES, -8),
                 STORE_STATE(0, STATE_ERROR, 16));
    after = gpu_read64(b.qts, TIMESTAMP);
    g_assert_cmpuint(vm_read64(&b.vm, VA_A + 8), >=, before);
    g_assert_cmpuint(vm_read64(&b.vm, VA_A + 8), <=, after);
    g_assert_cmpuint(vm_read64(&b.vm, VA_A + 16), ==, 0);
    qtest_quit(b.qts);
}

/* --- What completes later --- */

/* A stream goes on while its flush is under way; what waits for it waits */
static void test_deferred(void)
{
    Bed b;

    bed_start(&b, 1);
    cs_submit_words(&b.g, 0, MOVE48(0, VA_A), MOVE48(2, 1), MOVE48(4, VA_B),
                    FLUSH(10, 0, 1),
                    SYNC_LATER(OP_SYNC_ADD64, 0, 2, 0, BIT(1), 2),
                    /* The operands are those of when it was issued */
                    MOVE48(0, VA_NOTHING), MOVE48(2, 100),
                    STORE(2, 4, 1, 0), WAIT(BIT(2)), MOVE48(2, 200),
                    STORE(2, 4, 1, 0), WAIT(0xff));
    qtest_clock_step(b.qts, NS_REQUEST + 1);
    g_assert_cmphex(cs_scoreboards(&b.g, 0), ==, BIT(1) | BIT(2));
    g_assert_cmphex(cs_out(&b.g, 0, CS_STATUS_WAIT) & 0xffff, ==, BIT(2));
    g_assert_cmpuint(vm_read64(&b.vm, VA_A), ==, 0);
    g_assert_cmpuint(vm_read(&b.vm, VA_B), ==, 100);
    qtest_clock_step(b.qts, NS_FLUSH);
    g_assert_cmpuint(vm_read64(&b.vm, VA_A), ==, 1);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmpuint(vm_read(&b.vm, VA_B), ==, 200);
    g_assert_cmphex(cs_scoreboards(&b.g, 0), ==, 0);
    qtest_quit(b.qts);
}

/* A slot is free when all that was counted on it is done */
static void test_slot_counts(void)
{
    Bed b;

    bed_start(&b, 1);
    cs_submit_words(&b.g, 0, FLUSH(10, 0, 1), FLUSH(10, BIT(1), 3),
                    FLUSH(10, 0, 3), WAIT(BIT(3)));
    qtest_clock_step(b.qts, NS_REQUEST + 1);
    g_assert_cmphex(cs_scoreboards(&b.g, 0), ==, BIT(1) | BIT(3));
    qtest_clock_step(b.qts, NS_FLUSH);
    /* One of the two on slot 3 began when slot 1 was free */
    g_assert_cmphex(cs_scoreboards(&b.g, 0), ==, BIT(3));
    g_assert_false(cs_drained(&b.g, 0));
    qtest_clock_step(b.qts, NS_FLUSH);
    g_assert_cmphex(cs_scoreboards(&b.g, 0), ==, 0);
    g_assert_true(cs_wait_drained(&b.g, 0));
    qtest_quit(b.qts);
}

/* LATEST_FLUSH counts, and a flush that is not needed takes no time */
static void test_flush_id(void)
{
    uint32_t id, latest;
    Bed b;

    bed_start(&b, 1);
    id = gpu_read(b.qts, LATEST_FLUSH);
    cs_submit_words(&b.g, 0, MOVE32(10, id), FLUSH(10, 0, 1), WAIT(BIT(1)));
    qtest_clock_step(b.qts, NS_REQUEST + 1);
    g_assert_cmphex(cs_scoreboards(&b.g, 0), ==, BIT(1));
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmphex(gpu_read(b.qts, LATEST_FLUSH), !=, id);
    latest = gpu_read(b.qts, LATEST_FLUSH);
    /* There was one since @id was read */
    cs_submit_words(&b.g, 0, MOVE32(10, id), FLUSH(10, 0, 1), WAIT(BIT(1)));
    qtest_clock_step(b.qts, NS_REQUEST + 1);
    g_assert_cmphex(cs_scoreboards(&b.g, 0), ==, 0);
    g_assert_true(cs_drained(&b.g, 0));
    g_assert_cmphex(gpu_read(b.qts, LATEST_FLUSH), ==, latest);
    qtest_quit(b.qts);
}

/* Tasks of an endpoint hold the slot that SET_SB_ENTRY chose */
static void test_endpoint_slot(void)
{
    Bed b;

    bed_start(&b, 1);
    cs_submit_words(&b.g, 0, SB_ENTRY(5, 0),
                    INSN(OP_FINISH_TILING, 0, 0, 0, 0), WAIT(BIT(5)));
    qtest_clock_step(b.qts, NS_REQUEST + 1);
    g_assert_cmphex(cs_scoreboards(&b.g, 0), ==, BIT(5));
    g_assert_false(cs_drained(&b.g, 0));
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmphex(cs_scoreboards(&b.g, 0), ==, 0);
    qtest_quit(b.qts);
}

/* Held up by a locked region, it is done when the region is free */
static void test_deferred_stall(void)
{
    Bed b;

    bed_start(&b, 1);
    cs_submit_words(&b.g, 0, MOVE48(0, VA_A), MOVE48(2, 1), FLUSH(10, 0, 1),
                    SYNC_LATER(OP_SYNC_ADD64, 0, 2, 0, BIT(1), 2),
                    WAIT(BIT(2)));
    qtest_clock_step(b.qts, NS_REQUEST + 1);
    gpu_as_lock(b.qts, 1, VM_VA, 20);
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_cmpuint(vm_read64(&b.vm, VA_A), ==, 0);
    gpu_as_command(b.qts, 1, CMD_UNLOCK);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmpuint(vm_read64(&b.vm, VA_A), ==, 1);
    qtest_quit(b.qts);
}

/* --- Calls --- */

/* Streams that call one another, @depth deep below the job's own CALL */
static uint64_t nested(Vm *vm, int depth, uint32_t *size)
{
    uint64_t inner = 0;

    *size = 0;
    for (int i = 0; i <= depth; i++) {
        const uint64_t words[] = {
            MOVE48(40, inner), MOVE32(42, *size), ADD_IMM32(0, 0, 1),
            inner ? CALL(40, 42) : NOP, ADD_IMM32(1, 1, 1),
        };

        inner = vm_stream(vm, words, ARRAY_SIZE(words));
        *size = sizeof(words);
    }
    return inner;
}

static void test_call_depth(void)
{
    uint32_t regs[16], size;
    uint64_t stream;
    Bed b;

    bed_start(&b, 1);
    stream = nested(&b.vm, 7, &size);
    cs_submit_job(&b.g, 0, stream, size);
    g_assert_true(cs_wait_drained(&b.g, 0));
    cs_read_regs(&b.g, 0, 0, regs);
    g_assert_cmpuint(regs[0], ==, 8);
    g_assert_cmpuint(regs[1], ==, 8);
    stream = nested(&b.vm, 8, &size);
    cs_submit_job(&b.g, 0, stream, size);
    g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_FATAL));
    g_assert_cmphex(cs_out(&b.g, 0, CS_FATAL) & 0xff, ==, EXC_CALL_STACK);
    qtest_quit(b.qts);
}

/* JUMP leaves the rest of its stream out, and returns behind the CALL */
static void test_jump(void)
{
    const uint64_t target[] = { ADD_IMM32(0, 0, 4) };
    uint32_t regs[16];
    uint64_t to;
    Bed b;

    bed_start(&b, 1);
    to = vm_stream(&b.vm, target, 1);
    cs_run_words(&b.g, 0, MOVE48(40, to), MOVE32(42, 8), JUMP(40, 42),
                 MOVE32(0, 100));
    cs_read_regs(&b.g, 0, 0, regs);
    g_assert_cmpuint(regs[0], ==, 4);
    qtest_quit(b.qts);
}

/* --- Faults --- */

typedef struct Fault {
    const char *name;
    uint64_t words[WORDS_MAX];
    uint32_t event;
    uint8_t exception;
    uint64_t info;
} Fault;

static const Fault faults[] = {
    { "opcode", { INSN(0xee, 1, 2, 3, 4) }, CS_EVENT_FATAL, EXC_INSTR_INVALID,
      INSN(0xee, 1, 2, 3, 4) },
    { "odd-pair", { MOVE48(1, 0) }, CS_EVENT_FATAL, EXC_INSTR_INVALID,
      MOVE48(1, 0) },
    { "register", { MOVE32(96, 0) }, CS_EVENT_FATAL, EXC_INSTR_INVALID,
      MOVE32(96, 0) },
    { "load-past-registers", { LOAD(90, 0, 0xffff, 0) }, CS_EVENT_FATAL,
      EXC_INSTR_INVALID, LOAD(90, 0, 0xffff, 0) },
    { "condition", { BRANCH(7, 0, 0) }, CS_EVENT_FATAL, EXC_INSTR_INVALID,
      BRANCH(7, 0, 0) },
    { "load-unmapped", { MOVE48(0, VA_NOTHING), LOAD(2, 0, 1, 16) },
      CS_EVENT_FATAL, EXC_BUS, VA_NOTHING + 16 },
    { "store-unmapped", { MOVE48(0, VA_NOTHING), STORE(2, 0, 1, 16) },
      CS_EVENT_FATAL, EXC_BUS, VA_NOTHING + 16 },
    { "sync-unmapped", { MOVE48(0, VA_NOTHING), SYNC(OP_SYNC_ADD64, 0, 2, 0) },
      CS_EVENT_FATAL, EXC_BUS, VA_NOTHING },
    { "wait-unmapped",
      { MOVE48(0, VA_NOTHING), SYNC_UNTIL(OP_SYNC_WAIT64, 0, 2, IF_GT) },
      CS_EVENT_FATAL, EXC_BUS, VA_NOTHING },
    { "call-unmapped", { MOVE48(0, VA_NOTHING), MOVE32(2, 8), CALL(0, 2) },
      CS_EVENT_FATAL, EXC_BUS, VA_NOTHING },
    { "load-misaligned", { MOVE48(0, VA_A + 2), LOAD(2, 0, 1, 0) },
      CS_EVENT_FAULT, EXC_DATA_INVALID, VA_A + 2 },
    { "store-misaligned", { MOVE48(0, VA_A), STORE(2, 0, 1, 1) },
      CS_EVENT_FAULT, EXC_DATA_INVALID, VA_A + 1 },
    { "sync32-misaligned",
      { MOVE48(0, VA_A + 2), SYNC(OP_SYNC_ADD32, 0, 2, 0) },
      CS_EVENT_FAULT, EXC_DATA_INVALID, VA_A + 2 },
    { "sync64-misaligned",
      { MOVE48(0, VA_A + 4), SYNC(OP_SYNC_SET64, 0, 2, 0) },
      CS_EVENT_FAULT, EXC_DATA_INVALID, VA_A + 4 },
    { "wait64-misaligned",
      { MOVE48(0, VA_A + 4), SYNC_UNTIL(OP_SYNC_WAIT64, 0, 2, IF_GT) },
      CS_EVENT_FAULT, EXC_DATA_INVALID, VA_A + 4 },
    { "state-misaligned", { MOVE48(0, VA_A + 4), STORE_STATE(0, 0, 0) },
      CS_EVENT_FAULT, EXC_DATA_INVALID, VA_A + 4 },
    { "call-misaligned", { MOVE48(0, VA_A + 4), MOVE32(2, 8), CALL(0, 2) },
      CS_EVENT_FAULT, EXC_INVALID_PC, VA_A + 4 },
    { "call-length", { MOVE48(0, VA_A), MOVE32(2, 9), CALL(0, 2) },
      CS_EVENT_FAULT, EXC_INVALID_PC, VA_A },
    { "jump-misaligned", { MOVE48(0, VA_A + 1), MOVE32(2, 8), JUMP(0, 2) },
      CS_EVENT_FAULT, EXC_INVALID_PC, VA_A + 1 },
    { "branch-before", { BRANCH(IF_ALWAYS, 0, -2) }, CS_EVENT_FAULT,
      EXC_INVALID_PC, VA_STREAMS - 8 },
    { "branch-behind", { BRANCH(IF_ALWAYS, 0, WORDS_MAX) }, CS_EVENT_FAULT,
      EXC_INVALID_PC, VA_STREAMS + (WORDS_MAX + 1) * 8 },
    { "inherited",
      { MOVE48(0, VA_B), SYNC_UNTIL(OP_SYNC_WAIT64, 0, 2, IF_LE) },
      CS_EVENT_FAULT, EXC_INHERIT, 0x4b },
};

static void test_fault(const void *opaque)
{
    const Fault *f = opaque;
    bool fatal = f->event == CS_EVENT_FATAL;
    uint64_t stream, extract;
    Group other;
    Bed b;

    bed_start(&b, 1);
    other = bed_neighbour(&b, 1);
    vm_write64(&b.vm, VA_B + 8, 0x4b);
    check_works(&b.g, 0, 0x1111);
    stream = vm_stream(&b.vm, f->words, WORDS_MAX);
    g_assert_cmphex(stream, ==, VA_STREAMS);
    cs_submit_job(&b.g, 0, stream, WORDS_MAX * 8);
    b.vm.next_stream = stream + 0x1000;
    g_assert_true(cs_wait_events(&b.g, 0, f->event));
    g_assert_cmphex(cs_events(&b.g, 0), ==, f->event);
    g_assert_cmphex(cs_out(&b.g, 0, fatal ? CS_FATAL : CS_FAULT) & 0xff, ==,
                    f->exception);
    g_assert_cmphex(cs_out64(&b.g, 0, fatal ? CS_FATAL_INFO : CS_FAULT_INFO),
                    ==, f->info);
    /* At the CALL of the second job */
    extract = ring_get(&b.g, 0, RING_EXTRACT);
    g_assert_cmpuint(extract, ==, (JOB_INSNS + 5) * 8);
    check_works(&other, 0, 0x2222);

    cs_ack_events(&b.g, 0);
    csg_ring_queues(&b.g, 1);
    if (fatal) {
        qtest_clock_step(b.qts, NS_JOB);
        g_assert_cmpuint(ring_get(&b.g, 0, RING_EXTRACT), ==, extract);
    } else {
        g_assert_true(cs_wait_drained(&b.g, 0));
        g_assert_cmpuint(vm_read64(&b.vm, ring_sync(&b.g, 0)), ==, 2);
        g_assert_cmphex(vm_read(&b.vm, ring_sync(&b.g, 0) + 8), !=, 0);
        check_works(&b.g, 0, 0x3333);
    }
    check_works(&other, 0, 0x4444);
    qtest_quit(b.qts);
}

/* Between a fault and its barrier nothing computes, but signals are given */
static void test_error_barrier(void)
{
    Bed b;

    bed_start(&b, 1);
    cs_submit_words(&b.g, 0, MOVE48(0, VA_A + 4), MOVE32(2, 8),
                    MOVE48(4, VA_B), MOVE48(6, 1), CALL(0, 2),
                    STORE(6, 4, 1, 0), SYNC(OP_SYNC_ADD32, 4, 6, 0),
                    STORE(6, 4, 1, 8), ERROR_BARRIER, STORE(6, 4, 1, 16));
    g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_FAULT));
    cs_ack_events(&b.g, 0);
    csg_ring_queues(&b.g, 1);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmpuint(vm_read(&b.vm, VA_B), ==, 1);
    g_assert_cmpuint(vm_read(&b.vm, VA_B + 8), ==, 0);
    g_assert_cmpuint(vm_read(&b.vm, VA_B + 16), ==, 1);
    qtest_quit(b.qts);
}

/*
 * The status of an object: 1 after an error that is propagated, 0 else,
 * whatever it was before
 */
static void test_sync_status(void)
{
    static const uint8_t ops[] = {
        OP_SYNC_ADD32, OP_SYNC_SET32, OP_SYNC_ADD64, OP_SYNC_SET64,
    };

    for (int i = 0; i < ARRAY_SIZE(ops) * 4; i++) {
        unsigned op = ops[i / 4];
        bool wide = op == OP_SYNC_ADD64 || op == OP_SYNC_SET64;
        bool error = i & 1, propagate = i & 2;
        uint64_t status = VA_B + (wide ? 8 : 4);
        Bed b;

        bed_start(&b, 1);
        vm_write64(&b.vm, VA_B, wide ? 1 : 0x700000001);
        vm_write64(&b.vm, VA_B + 8, 0xeeeeeeee00000007);
        cs_submit_words(&b.g, 0, MOVE48(4, VA_B), MOVE48(6, 1),
                        MOVE48(0, VA_A + (error ? 4 : 0)), MOVE32(2, 0),
                        CALL(0, 2),
                        SYNC(op, 4, 6, propagate ? SYNC_PROPAGATE : 0),
                        ERROR_BARRIER);
        if (error) {
            g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_FAULT));
            cs_ack_events(&b.g, 0);
            csg_ring_queues(&b.g, 1);
        }
        g_assert_true(cs_wait_drained(&b.g, 0));
        g_assert_cmphex(vm_read(&b.vm, status), ==, error && propagate);
        g_assert_cmphex(vm_read(&b.vm, VA_B + 12), ==, 0xeeeeeeee);
        g_assert_cmphex(vm_read(&b.vm, VA_B + 8), ==,
                        wide ? error && propagate : 7);
        qtest_quit(b.qts);
    }
}

/* A waiter that rejects errors does not look at them */
static void test_sync_wait_reject(void)
{
    Bed b;

    bed_start(&b, 1);
    vm_write64(&b.vm, VA_B + 8, 0x4b);
    cs_run_words(&b.g, 0, MOVE48(0, VA_B),
                 SYNC_UNTIL(OP_SYNC_WAIT64, 0, 2, IF_LE) | SYNC_REJECT);
    qtest_quit(b.qts);
}

/* --- The ring --- */

static void test_ring_wrap(void)
{
    static const uint32_t sizes[] = { 0x1000, 0x2000, 0x10000 };

    for (int i = 0; i < ARRAY_SIZE(sizes); i++) {
        int jobs = sizes[i] / (JOB_INSNS * 8) * 2 + 3;
        Bed b;

        bed_start(&b, 1);
        group_terminate(&b.g);
        b.g.ring_size = sizes[i];
        group_start(&b.g, 0);
        for (int n = 0; n < jobs; n++) {
            cs_submit_job(&b.g, 0, VA_STREAMS, 0);
            if (n % 16 == 15 || n == jobs - 1) {
                g_assert_true(cs_wait_drained(&b.g, 0));
            }
        }
        g_assert_cmpuint(vm_read64(&b.vm, ring_sync(&b.g, 0)), ==, jobs);
        check_works(&b.g, 0, 0x1234);
        qtest_quit(b.qts);
    }
}

static const TestCase cases[] = {
    { "branch", test_branch },
    { "branch-far", test_branch_far },
    { "load", test_load },
    { "store", test_store },
    { "sync-wait", test_sync_wait },
    { "sync-wait-reject", test_sync_wait_reject },
    { "store-state", test_store_state },
    { "deferred", test_deferred },
    { "deferred-stall", test_deferred_stall },
    { "slot-counts", test_slot_counts },
    { "flush-id", test_flush_id },
    { "endpoint-slot", test_endpoint_slot },
    { "call-depth", test_call_depth },
    { "jump", test_jump },
    { "error-barrier", test_error_barrier },
    { "sync-status", test_sync_status },
    { "ring-wrap", test_ring_wrap },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(effects); i++) {
        add_data_case("cs/effect", effects[i].name, &effects[i], test_effect);
    }
    for (int i = 0; i < ARRAY_SIZE(sync_writes); i++) {
        add_data_case("cs/sync", sync_writes[i].name, &sync_writes[i],
                      test_sync_write);
    }
    for (int i = 0; i < ARRAY_SIZE(faults); i++) {
        add_data_case("cs/fault", faults[i].name, &faults[i], test_fault);
    }
    add_cases("cs", cases, ARRAY_SIZE(cases));

    return g_test_run();
}
