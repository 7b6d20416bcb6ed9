/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU: groups in their slots
 *
 * What panthor_sched.c relies on: states of groups, requests and their acks,
 * doorbells, events, status words, and that no queue can hold up anything else.
 */

#include "qemu/osdep.h"
#include "mali-csf-stream.h"

/* What these tests count in, and wait for */
#define VA_COUNTER              (VA_DATA + 0x0000)
#define VA_FLAG                 (VA_DATA + 0x1000)

/* Count in memory, through r0:r1 and r2:r3 */
static void submit_count(const Group *g, unsigned j)
{
    cs_submit_words(g, j, MOVE48(0, VA_COUNTER), MOVE48(2, 1),
                    SYNC(OP_SYNC_ADD64, 0, 2, SYNC_CSG));
}

static uint32_t job_irqs(QTestState *qts)
{
    uint32_t irqs = gpu_read(qts, JOB_INT + RAWSTAT);

    gpu_write(qts, JOB_INT + CLEAR, UINT32_MAX);
    return irqs;
}

/* --- States --- */

static void test_start(void)
{
    uint32_t regs[16];
    Bed b;

    bed_start(&b, 2);
    check_works(&b.g, 0, 0x1234);
    check_works(&b.g, 1, 0x5678);
    g_assert_cmphex(cs_out(&b.g, 0, CS_ACK), ==, cs_in(&b.g, 0, CS_REQ));
    for (int r = 0; r < 80; r += 16) {
        cs_read_regs(&b.g, 0, r, regs);
        for (int i = 0; i < 16; i++) {
            g_assert_cmphex(regs[i], ==, 0);
        }
    }
    qtest_quit(b.qts);
}

/* A group that follows another one in a slot finds nothing of it */
static void test_start_is_clean(void)
{
    uint32_t regs[16];
    Bed b;
    Group other;

    bed_start(&b, 1);
    cs_run_words(&b.g, 0, MOVE32(5, 0xdead), MOVE32(79, 0xbeef));
    cs_read_regs(&b.g, 0, 0, regs);
    g_assert_cmphex(regs[5], ==, 0xdead);
    group_terminate(&b.g);
    other = bed_neighbour(&b, 0);
    for (int r = 0; r < 80; r += 16) {
        cs_read_regs(&other, 0, r, regs);
        for (int i = 0; i < 16; i++) {
            g_assert_cmphex(regs[i], ==, 0);
        }
    }
    qtest_quit(b.qts);
}

/* What was executed is not executed again: a ring goes on at its extract */
static void test_start_again(void)
{
    Bed b;

    bed_start(&b, 1);
    submit_count(&b.g, 0);
    g_assert_true(cs_wait_drained(&b.g, 0));
    group_terminate(&b.g);
    group_start(&b.g, 3);
    submit_count(&b.g, 0);
    g_assert_true(cs_wait_drained(&b.g, 0));
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_cmpuint(vm_read64(&b.vm, VA_COUNTER), ==, 2);
    qtest_quit(b.qts);
}

/* Work that is in the ring at START needs no doorbell of its own */
static void test_start_with_work(void)
{
    const uint64_t words[] = {
        MOVE48(0, VA_COUNTER), MOVE48(2, 1),
        SYNC(OP_SYNC_ADD64, 0, 2, SYNC_CSG),
    };
    Bed b;

    bed_start(&b, 1);
    group_terminate(&b.g);
    cs_append(&b.g, 0, words, ARRAY_SIZE(words));
    group_start(&b.g, 0);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmpuint(vm_read64(&b.vm, VA_COUNTER), ==, 1);
    qtest_quit(b.qts);
}

static void test_terminate(void)
{
    Bed b;
    uint64_t extract;

    bed_start(&b, 1);
    cs_submit_job(&b.g, 0, endless(&b.vm), 8);
    qtest_clock_step(b.qts, NS_JOB);
    group_terminate(&b.g);
    /* Inside the job */
    extract = ring_get(&b.g, 0, RING_EXTRACT);
    g_assert_cmpuint(extract, ==, 5 * 8);
    /* The slot is free, and nothing of the group runs any more */
    submit_count(&b.g, 0);
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_cmpuint(ring_get(&b.g, 0, RING_EXTRACT), ==, extract);
    g_assert_cmpuint(vm_read64(&b.vm, VA_COUNTER), ==, 0);
    b.g = bed_neighbour(&b, 0);
    check_works(&b.g, 0, 1);
    qtest_quit(b.qts);
}

/*
 * A job that waits two calls deep, with values in registers, until VA_FLAG is
 * set; then it tells its registers at VA_DATA + 0x2000.
 */
#define VA_RESULT               (VA_DATA + 0x2000)

static void submit_nested_wait(Group *g)
{
    const uint64_t inner[] = {
        MOVE48(0, VA_FLAG), MOVE32(2, 0), MOVE32(10, 0x11111111),
        SYNC_UNTIL(OP_SYNC_WAIT32, 0, 2, IF_GT),
        ADD_IMM32(10, 10, 1),
    };
    uint64_t in = vm_stream(g->vm, inner, ARRAY_SIZE(inner));
    const uint64_t outer[] = {
        MOVE32(11, 0x22222222), MOVE48(20, in), MOVE32(22, sizeof(inner)),
        CALL(20, 22), ADD_IMM32(11, 11, 1),
        MOVE48(24, VA_RESULT), STORE(10, 24, 3, 0), WAIT(0xff),
    };

    cs_submit_job(g, 0, vm_stream(g->vm, outer, ARRAY_SIZE(outer)),
                  sizeof(outer));
    qtest_clock_step(g->qts, NS_JOB);
}

static void check_nested_wait(Group *g)
{
    qtest_clock_step(g->qts, NS_JOB);
    g_assert_cmphex(vm_read(g->vm, VA_RESULT), ==, 0);
    vm_write(g->vm, VA_FLAG, 1);
    g_assert_true(cs_wait_drained(g, 0));
    g_assert_cmphex(vm_read(g->vm, VA_RESULT), ==, 0x11111112);
    g_assert_cmphex(vm_read(g->vm, VA_RESULT + 4), ==, 0x22222223);
    g_assert_cmpuint(vm_read64(g->vm, ring_sync(g, 0)), ==, 1);
    check_works(g, 0, 0x77);
}

static void test_resume_same(void)
{
    Bed b;

    bed_start(&b, 1);
    submit_nested_wait(&b.g);
    group_suspend(&b.g);
    group_resume(&b.g, 0);
    check_nested_wait(&b.g);
    qtest_quit(b.qts);
}

static void test_resume_elsewhere(void)
{
    Bed b;
    Group other;

    bed_start(&b, 1);
    submit_nested_wait(&b.g);
    group_suspend(&b.g);
    vm_unbind(&b.vm);
    vm_bind(&b.vm, 5);
    other = bed_neighbour(&b, 0);
    check_works(&other, 0, 0x33);
    group_resume(&b.g, 6);
    check_nested_wait(&b.g);
    check_works(&other, 0, 0x44);
    qtest_quit(b.qts);
}

static void test_resume_after_halt(void)
{
    Bed b;

    bed_start(&b, 1);
    submit_nested_wait(&b.g);
    group_suspend(&b.g);
    fw_halt(b.qts);
    gpu_write(b.qts, MCU_CONTROL, MCU_DISABLE);
    qtest_clock_step(b.qts, NS_MCU_STOP);
    fw_write(b.qts, FW_REQ, fw_read(b.qts, FW_REQ) & ~GLB_HALT);
    gpu_write(b.qts, JOB_INT + CLEAR, UINT32_MAX);
    fw_boot(b.qts, NS_WARM_BOOT);
    group_resume(&b.g, 1);
    check_nested_wait(&b.g);
    qtest_quit(b.qts);
}

/* Soft reset, all sections loaded again: only guest memory can know */
static void test_resume_after_reset(void)
{
    Bed b;

    bed_start(&b, 1);
    submit_nested_wait(&b.g);
    group_suspend(&b.g);
    gpu_write(b.qts, GPU_CMD, CMD_SOFT_RESET);
    qtest_clock_step(b.qts, NS_RESET);
    qtest_memset(b.qts, RAM_SECTION, 0, FW_SHARED_SIZE);
    b.d = driver_on(b.qts);
    vm_bind(&b.vm, 2);
    group_resume(&b.g, 4);
    check_nested_wait(&b.g);
    qtest_quit(b.qts);
}

/* In the middle of a loop, many times over, from slot to slot */
static void test_suspend_often(void)
{
    const uint64_t loop[] = {
        MOVE32(10, 0), MOVE32(11, 300000),
        ADD_IMM32(10, 10, 3), ADD_IMM32(11, 11, -1), BRANCH(IF_NE, 11, -3),
        MOVE48(24, VA_RESULT), STORE(10, 24, 3, 0), WAIT(0xff),
    };
    uint64_t stream;
    int n = 0;
    Bed b;

    bed_start(&b, 1);
    stream = vm_stream(&b.vm, loop, ARRAY_SIZE(loop));
    cs_submit_job(&b.g, 0, stream, sizeof(loop));
    while (!cs_drained(&b.g, 0)) {
        g_assert_cmpint(n, <, 200);
        qtest_clock_step(b.qts, 100000);
        group_suspend(&b.g);
        g_assert_cmphex(cs_events(&b.g, 0), ==, 0);
        n++;
        group_resume(&b.g, n % 8);
    }
    g_assert_cmpint(n, >, 20);
    g_assert_cmpuint(vm_read(&b.vm, VA_RESULT), ==, 900000);
    g_assert_cmpuint(vm_read(&b.vm, VA_RESULT + 4), ==, 0);
    qtest_quit(b.qts);
}

/* What is in a suspend buffer may be anything; the group pays for it */
static void test_resume_garbage(void)
{
    static const struct { uint32_t at, len; uint8_t byte; } cases[] = {
        { 0, 0x5000, 0xff }, { 0, 0x5000, 0x00 }, { 0, 4, 0x5a },
        { 4, 4, 0x5a }, { 8, 4, 0x5a }, { 16, 0x4000, 0xff },
    };

    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        Group other;
        Bed b;

        bed_start(&b, 1);
        other = bed_neighbour(&b, 1);
        submit_nested_wait(&b.g);
        group_suspend(&b.g);
        qtest_memset(b.qts, GROUP_RAM(0) + GROUP_SUSPEND + cases[i].at,
                     cases[i].byte, cases[i].len);
        group_resume(&b.g, 0);
        g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_FATAL));
        g_assert_cmphex(cs_out(&b.g, 0, CS_FATAL) & 0xff, ==, EXC_CONFIG);
        check_works(&other, 0, 0x44);
        group_terminate(&b.g);
        group_start(&b.g, 0);
        qtest_quit(b.qts);
    }
}

/* --- Doorbells and acks --- */

/* The driver rings after each interrupt: an answer would never end it */
static void test_bare_doorbell(void)
{
    Bed b;

    bed_start(&b, 2);
    qtest_clock_step(b.qts, NS_JOB);
    csg_ack_events(&b.g);
    job_irqs(b.qts);
    for (int i = 0; i < 3; i++) {
        csg_ring_queues(&b.g, 3);
        gpu_write(b.qts, DOORBELL(1), 1);
        qtest_clock_step(b.qts, NS_JOB);
        csg_ring(&b.g);
        qtest_clock_step(b.qts, NS_JOB);
        g_assert_cmphex(gpu_read(b.qts, JOB_INT + RAWSTAT), ==, 0);
        g_assert_cmphex(csg_events(&b.g), ==, 0);
    }
    /* All of them are answered for themselves */
    g_assert_cmphex(fw_read(b.qts, FW_DOORBELL_ACK), ==,
                    fw_read(b.qts, FW_DOORBELL_REQ));
    g_assert_cmphex(csg_out(&b.g, CSG_DOORBELL_ACK), ==,
                    csg_in(&b.g, CSG_DOORBELL_REQ));
    qtest_quit(b.qts);
}

/* Every bit that is no event, known or not (contract 3.5) */
static void test_mirror(void)
{
    const uint32_t bits = ~(CSG_EVENTS | CSG_STATE);
    Bed b;

    bed_start(&b, 1);
    for (int i = 0; i < 2; i++) {
        uint32_t req = csg_in(&b.g, CSG_REQ) ^ bits;

        csg_in_set(&b.g, CSG_REQ, req);
        csg_ring(&b.g);
        g_assert_cmphex(csg_out(&b.g, CSG_ACK) & ~CSG_EVENTS, ==,
                        req & ~CSG_EVENTS);
    }
    for (int i = 0; i < 2; i++) {
        uint32_t req = cs_in(&b.g, 0, CS_REQ) ^ ~(CS_EVENTS | 7);

        cs_in_set(&b.g, 0, CS_REQ, req);
        csg_ring_queues(&b.g, 1);
        g_assert_cmphex(cs_out(&b.g, 0, CS_ACK) & ~CS_EVENTS, ==,
                        req & ~CS_EVENTS);
    }
    qtest_quit(b.qts);
}

/* An ack comes with an interrupt, where the host asked for one */
static void test_ack_irq(void)
{
    Bed b;

    bed_start(&b, 1);
    qtest_clock_step(b.qts, NS_JOB);
    csg_ack_events(&b.g);
    job_irqs(b.qts);
    csg_status(&b.g);
    g_assert_cmphex(job_irqs(b.qts), ==, BIT(0));
    csg_in_set(&b.g, CSG_ACK_IRQ_MASK, ~(uint32_t)CSG_STATUS_UPDATE);
    csg_status(&b.g);
    g_assert_cmphex(job_irqs(b.qts), ==, 0);
    qtest_quit(b.qts);
}

/* Each queue's doorbell is that of its config, not of its slot */
static void test_queue_doorbell(void)
{
    const uint64_t words[] = { NOP };
    Bed b;

    bed_start(&b, 2);
    cs_append(&b.g, 0, words, 1);
    cs_append(&b.g, 1, words, 1);
    gpu_write(b.qts, DOORBELL(7), 1);
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_false(cs_drained(&b.g, 0));
    gpu_write(b.qts, DOORBELL(1), 1);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_true(cs_wait_drained(&b.g, 1));

    group_terminate(&b.g);
    csg_program(&b.g);
    cs_in_set(&b.g, 1, CS_CONFIG, 9 << 8);
    csg_set_state(&b.g, CSG_START);
    cs_append(&b.g, 0, words, 1);
    cs_append(&b.g, 1, words, 1);
    gpu_write(b.qts, DOORBELL(9), 1);
    g_assert_true(cs_wait_drained(&b.g, 1));
    g_assert_false(cs_drained(&b.g, 0));
    qtest_quit(b.qts);
}

/* --- Events --- */

static void sync_once(const Group *g, uint32_t low)
{
    cs_submit_words(g, 0, MOVE48(0, VA_COUNTER), MOVE48(2, 1),
                    SYNC(OP_SYNC_ADD64, 0, 2, low));
    g_assert_true(cs_wait_drained(g, 0));
}

static void test_sync_update(void)
{
    uint32_t ack;
    Bed b;

    bed_start(&b, 1);
    qtest_clock_step(b.qts, NS_JOB);
    csg_ack_events(&b.g);
    job_irqs(b.qts);
    /* For other queues of the group only */
    sync_once(&b.g, SYNC_CSG);
    g_assert_cmphex(csg_events(&b.g) & CSG_SYNC_UPDATE, ==, 0);
    sync_once(&b.g, 0);
    g_assert_cmphex(csg_events(&b.g) & CSG_SYNC_UPDATE, ==, CSG_SYNC_UPDATE);
    g_assert_cmphex(job_irqs(b.qts), ==, BIT(0));
    /* Pending: the bit stays as it is, also after two more */
    ack = csg_out(&b.g, CSG_ACK) & CSG_SYNC_UPDATE;
    for (int i = 0; i < 2; i++) {
        sync_once(&b.g, 0);
        g_assert_cmphex(csg_out(&b.g, CSG_ACK) & CSG_SYNC_UPDATE, ==, ack);
    }
    csg_ack_events(&b.g);
    g_assert_cmphex(csg_events(&b.g), ==, 0);
    sync_once(&b.g, 0);
    g_assert_cmphex(csg_out(&b.g, CSG_ACK) & CSG_SYNC_UPDATE, ==,
                    ack ^ CSG_SYNC_UPDATE);
    qtest_quit(b.qts);
}

/* Idle is told when it begins, and not again while that is not acknowledged */
static void test_idle(void)
{
    uint32_t ack;
    Bed b;

    bed_start(&b, 2);
    cs_submit_job(&b.g, 1, endless(&b.vm), 8);
    qtest_clock_step(b.qts, NS_JOB);
    csg_ack_events(&b.g);
    submit_count(&b.g, 0);
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_cmphex(csg_events(&b.g) & CSG_IDLE, ==, 0);
    qtest_quit(b.qts);

    bed_start(&b, 1);
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_cmphex(csg_events(&b.g), ==, CSG_IDLE);
    ack = csg_out(&b.g, CSG_ACK) & CSG_IDLE;
    for (int i = 0; i < 2; i++) {
        submit_count(&b.g, 0);
        g_assert_true(cs_wait_drained(&b.g, 0));
        g_assert_cmphex(csg_out(&b.g, CSG_ACK) & CSG_IDLE, ==, ack);
    }
    csg_ack_events(&b.g);
    job_irqs(b.qts);
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_cmphex(csg_events(&b.g), ==, 0);
    submit_count(&b.g, 0);
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_cmphex(csg_events(&b.g), ==, CSG_IDLE);
    g_assert_cmphex(job_irqs(b.qts), ==, BIT(0));
    qtest_quit(b.qts);
}

/* A queue in SYNC_WAIT is idle when the host says so, otherwise busy */
static void test_idle_sync_wait(void)
{
    for (int idle = 0; idle < 2; idle++) {
        Bed b;

        bed_start(&b, 1);
        qtest_clock_step(b.qts, NS_JOB);
        csg_ack_events(&b.g);
        cs_in_set(&b.g, 0, CS_REQ, (cs_in(&b.g, 0, CS_REQ) &
                                    ~CS_IDLE_SYNC_WAIT) |
                                   (idle ? CS_IDLE_SYNC_WAIT : 0));
        csg_ring_queues(&b.g, 1);
        cs_submit_words(&b.g, 0, MOVE48(0, VA_FLAG), MOVE48(2, 0),
                        SYNC_UNTIL(OP_SYNC_WAIT64, 0, 2, IF_GT));
        qtest_clock_step(b.qts, NS_JOB);
        g_assert_cmphex(csg_events(&b.g), ==, idle ? CSG_IDLE : 0);
        csg_status(&b.g);
        g_assert_cmphex(csg_out(&b.g, CSG_STATUS_STATE) & 1, ==, idle);
        qtest_quit(b.qts);
    }
}

static void test_glb_idle(void)
{
    /* In units of 1024 ticks, here of 1 ns */
    const int64_t timer = 500 * 1024;
    const uint64_t stream = VA_STREAMS;
    const uint64_t branch = BRANCH(IF_ALWAYS, 0, -1);
    const uint64_t loop[] = {
        MOVE48(0, stream), MOVE32(2, 8), CALL(0, 2),
    };
    uint32_t req;
    Bed b;

    bed_start(&b, 1);
    vm_write64(&b.vm, stream, branch);
    group_terminate(&b.g);
    fw_write(b.qts, FW_IDLE_TIMER, 500);
    fw_request(b.qts, GLB_IDLE_EN);
    cs_append(&b.g, 0, loop, ARRAY_SIZE(loop));
    csg_ack_events(&b.g);
    group_start(&b.g, 0);
    qtest_clock_step(b.qts, NS_LONG);
    g_assert_cmphex(fw_read(b.qts, FW_ACK), ==, GLB_IDLE_EN);
    /* From now on it is idle, or nearly */
    vm_write64(&b.vm, stream, NOP);
    job_irqs(b.qts);
    for (int64_t t = 0; !(csg_events(&b.g) & CSG_IDLE); t += 1000) {
        g_assert_cmpint(t, <, NS_JOB);
        qtest_clock_step(b.qts, 1000);
    }
    qtest_clock_step(b.qts, timer - 10000);
    g_assert_cmphex(fw_read(b.qts, FW_ACK), ==, GLB_IDLE_EN);
    qtest_clock_step(b.qts, 20000);
    req = fw_read(b.qts, FW_REQ);
    g_assert_cmphex(fw_read(b.qts, FW_ACK) ^ req, ==, GLB_IDLE_EVENT);
    g_assert_cmphex(job_irqs(b.qts) & JOB_GLB, ==, JOB_GLB);
    /* Once, until there was work */
    fw_write(b.qts, FW_REQ, req ^ GLB_IDLE_EVENT);
    qtest_clock_step(b.qts, NS_LONG);
    g_assert_cmphex(fw_read(b.qts, FW_ACK), ==, fw_read(b.qts, FW_REQ));
    submit_count(&b.g, 0);
    g_assert_true(cs_wait_drained(&b.g, 0));
    qtest_clock_step(b.qts, timer + NS_JOB);
    g_assert_cmphex(fw_read(b.qts, FW_ACK) ^ fw_read(b.qts, FW_REQ), ==,
                    GLB_IDLE_EVENT);
    qtest_quit(b.qts);
}

/* CALL to an address that is no multiple of 8 */
static void submit_faulty_job(const Group *g, unsigned j)
{
    cs_submit_job(g, j, VA_STREAMS + 4, 8);
}

/*
 * A fault is told once, with extract in the job that failed; the queue stays
 * there until the host has seen it, then goes on with the next job.
 */
static void test_fault(void)
{
    uint32_t ack;
    Bed b;

    bed_start(&b, 1);
    check_works(&b.g, 0, 1);
    qtest_clock_step(b.qts, NS_JOB);
    csg_ack_events(&b.g);
    job_irqs(b.qts);
    submit_faulty_job(&b.g, 0);
    g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_FAULT));
    g_assert_cmphex(job_irqs(b.qts), ==, BIT(0));
    g_assert_cmphex(csg_out(&b.g, CSG_CS_IRQ_REQ) ^
                    csg_in(&b.g, CSG_CS_IRQ_ACK), ==, BIT(0));
    g_assert_cmphex(cs_events(&b.g, 0), ==, CS_EVENT_FAULT);
    g_assert_cmpuint(ring_get(&b.g, 0, RING_EXTRACT), >=, JOB_INSNS * 8);
    g_assert_cmpuint(ring_get(&b.g, 0, RING_EXTRACT), <, 2 * JOB_INSNS * 8);
    ack = cs_out(&b.g, 0, CS_ACK);

    /* Neither time nor doorbells move it */
    submit_count(&b.g, 0);
    csg_ring_queues(&b.g, 1);
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_cmphex(cs_out(&b.g, 0, CS_ACK), ==, ack);
    g_assert_cmpuint(vm_read64(&b.vm, VA_COUNTER), ==, 0);
    g_assert_cmpuint(vm_read64(&b.vm, ring_sync(&b.g, 0)), ==, 1);
    g_assert_cmphex(gpu_read(b.qts, JOB_INT + RAWSTAT), ==, 0);

    cs_ack_events(&b.g, 0);
    csg_ring_queues(&b.g, 1);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmphex(cs_events(&b.g, 0), ==, 0);
    /* The failed job has signalled, with its error; the next one is well */
    g_assert_cmpuint(vm_read64(&b.vm, ring_sync(&b.g, 0)), ==, 2);
    g_assert_cmphex(vm_read(&b.vm, ring_sync(&b.g, 0) + 8), !=, 0);
    g_assert_cmpuint(vm_read64(&b.vm, VA_COUNTER), ==, 1);
    check_works(&b.g, 0, 2);

    /* And it can fail again */
    submit_faulty_job(&b.g, 0);
    g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_FAULT));
    qtest_quit(b.qts);
}

/* Queues of a group have their own events, in one interrupt word */
static void test_fault_of_two(void)
{
    Bed b;

    bed_start(&b, 3);
    submit_faulty_job(&b.g, 0);
    g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_FAULT));
    submit_faulty_job(&b.g, 2);
    g_assert_true(cs_wait_events(&b.g, 2, CS_EVENT_FAULT));
    g_assert_cmphex(csg_out(&b.g, CSG_CS_IRQ_REQ) ^
                    csg_in(&b.g, CSG_CS_IRQ_ACK), ==, BIT(0) | BIT(2));
    check_works(&b.g, 1, 0x99);
    cs_ack_events(&b.g, 2);
    csg_ring_queues(&b.g, BIT(2));
    g_assert_true(cs_wait_drained(&b.g, 2));
    g_assert_false(cs_drained(&b.g, 0));
    g_assert_cmphex(cs_events(&b.g, 0), ==, CS_EVENT_FAULT);
    qtest_quit(b.qts);
}

/* After a fatal error the queue is dead, until its group is gone */
static void test_fatal(void)
{
    Group other;
    uint32_t ack;
    Bed b;

    bed_start(&b, 2);
    other = bed_neighbour(&b, 5);
    qtest_clock_step(b.qts, NS_JOB);
    csg_ack_events(&b.g);
    job_irqs(b.qts);
    cs_submit_words(&b.g, 0, NOP, INSN(0xee, 0, 0, 0, 0), NOP);
    g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_FATAL));
    g_assert_cmphex(cs_out(&b.g, 0, CS_FATAL) & 0xff, ==, EXC_INSTR_INVALID);
    g_assert_cmphex(cs_events(&b.g, 0), ==, CS_EVENT_FATAL);
    g_assert_cmphex(job_irqs(b.qts) & BIT(0), ==, BIT(0));
    g_assert_cmpuint(ring_get(&b.g, 0, RING_EXTRACT), ==, 8);
    ack = cs_out(&b.g, 0, CS_ACK);
    cs_ack_events(&b.g, 0);
    submit_count(&b.g, 0);
    csg_ring_queues(&b.g, 1);
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_cmphex(cs_out(&b.g, 0, CS_ACK), ==, ack);
    g_assert_cmpuint(vm_read64(&b.vm, VA_COUNTER), ==, 0);
    check_works(&b.g, 1, 0x12);
    check_works(&other, 0, 0x13);
    group_terminate(&b.g);
    qtest_quit(b.qts);
}

/* --- Status --- */

static void test_status_sync_wait(void)
{
    uint64_t stream;
    Bed b;

    bed_start(&b, 1);
    {
        const uint64_t words[] = {
            MOVE48(0, VA_FLAG), MOVE48(2, 0x123456789a),
            SYNC_UNTIL(OP_SYNC_WAIT64, 0, 2, IF_GT),
        };

        stream = vm_stream(&b.vm, words, ARRAY_SIZE(words));
    }
    cs_submit_job(&b.g, 0, stream, 3 * 8);
    qtest_clock_step(b.qts, NS_JOB);
    csg_status(&b.g);
    g_assert_cmphex(cs_out(&b.g, 0, CS_STATUS_BLOCKED), ==, BLOCKED_SYNC);
    g_assert_cmphex(cs_out(&b.g, 0, CS_STATUS_WAIT), ==,
                    WAIT_SYNC | WAIT_64 | WAIT_COND_GT);
    g_assert_cmphex(cs_out64(&b.g, 0, CS_STATUS_SYNC_PTR), ==, VA_FLAG);
    g_assert_cmphex(cs_out(&b.g, 0, CS_STATUS_SYNC_VALUE), ==, 0x3456789a);
    g_assert_cmphex(cs_out(&b.g, 0, CS_STATUS_SYNC_VALUE_HI), ==, 0x12);
    g_assert_cmphex(cs_out(&b.g, 0, CS_STATUS_SCOREBOARDS), ==, 0);
    g_assert_cmphex(cs_out64(&b.g, 0, CS_STATUS_CMD_PTR), ==, stream + 16);
    g_assert_cmpuint(ring_get(&b.g, 0, RING_EXTRACT), ==, 5 * 8);

    /* The same words say it after SUSPEND; the other condition, 32 bits */
    vm_write64(&b.vm, VA_FLAG, 0x123456789b);
    g_assert_true(cs_wait_drained(&b.g, 0));
    cs_submit_words(&b.g, 0, MOVE48(0, VA_FLAG), MOVE32(2, 7),
                    SYNC_UNTIL(OP_SYNC_WAIT32, 0, 2, IF_LE));
    qtest_clock_step(b.qts, NS_JOB);
    group_suspend(&b.g);
    g_assert_cmphex(cs_out(&b.g, 0, CS_STATUS_BLOCKED), ==, BLOCKED_SYNC);
    g_assert_cmphex(cs_out(&b.g, 0, CS_STATUS_WAIT), ==, WAIT_SYNC);
    g_assert_cmphex(cs_out(&b.g, 0, CS_STATUS_SYNC_VALUE), ==, 7);
    qtest_quit(b.qts);
}

static void test_status_scoreboard(void)
{
    Bed b;

    bed_start(&b, 1);
    cs_submit_words(&b.g, 0, FLUSH(10, 0, 3), WAIT(BIT(3)));
    qtest_clock_step(b.qts, NS_REQUEST + 2);
    csg_status(&b.g);
    g_assert_cmphex(cs_out(&b.g, 0, CS_STATUS_BLOCKED), ==, BLOCKED_SB);
    g_assert_cmphex(cs_out(&b.g, 0, CS_STATUS_WAIT) & 0xffff, ==, BIT(3));
    g_assert_cmphex(cs_out(&b.g, 0, CS_STATUS_SCOREBOARDS), ==, BIT(3));
    qtest_clock_step(b.qts, NS_FLUSH + 2);
    csg_status(&b.g);
    g_assert_cmphex(cs_out(&b.g, 0, CS_STATUS_BLOCKED), ==, BLOCKED_NONE);
    g_assert_cmphex(cs_out(&b.g, 0, CS_STATUS_SCOREBOARDS), ==, 0);
    g_assert_true(cs_drained(&b.g, 0));
    qtest_quit(b.qts);
}

/* Extract is there when the ack is, also while a job goes on */
static void test_status_extract(void)
{
    const uint64_t inside = JOB_INSNS * 8 + 5 * 8;
    Bed b;

    bed_start(&b, 1);
    check_works(&b.g, 0, 1);
    cs_submit_job(&b.g, 0, endless(&b.vm), 8);
    qtest_clock_step(b.qts, NS_JOB);
    csg_status(&b.g);
    g_assert_cmpuint(ring_get(&b.g, 0, RING_EXTRACT), ==, inside);
    group_suspend(&b.g);
    /* Another slot tells it again, whatever the host's page says */
    ring_set(&b.g, 0, RING_EXTRACT, 0);
    group_resume(&b.g, 1);
    csg_status(&b.g);
    g_assert_cmpuint(ring_get(&b.g, 0, RING_EXTRACT), ==, inside);
    qtest_quit(b.qts);
}

/* --- Endless streams --- */

/* Whatever eight groups do, requests are answered in their usual time */
static void test_endless(void)
{
    Group groups[7];
    Group quick;
    uint64_t stream;
    uint32_t req;
    Bed b;

    bed_start(&b, 2);
    stream = endless(&b.vm);
    cs_submit_job(&b.g, 0, stream, 8);
    for (int i = 0; i < 6; i++) {
        groups[i] = group_new(&b.vm, 1 + i, 1);
        groups[i].ring = 2 + i / 2;
        group_start(&groups[i], 1 + i);
        ring_set(&groups[i], 0, RING_INSERT, 0);
        cs_submit_job(&groups[i], 0, stream, 8);
    }
    qtest_clock_step(b.qts, NS_JOB);
    for (int i = 0; i < 8; i++) {
        req = fw_read(b.qts, FW_REQ) ^ GLB_PING;
        fw_request(b.qts, req);
        g_assert_cmphex(fw_read(b.qts, FW_ACK), ==, req);
        csg_status(&groups[i % 6]);
        qtest_clock_step(b.qts, 7777);
    }
    /* The other queue of a busy group, and another group */
    check_works(&b.g, 1, 0x1111);
    quick = group_new(&b.vm, 7, 1);
    quick.ring = 6;
    group_start(&quick, 7);
    check_works(&quick, 0, 0x2222);
    for (int i = 0; i < 6; i++) {
        group_suspend(&groups[i]);
    }
    group_terminate(&b.g);
    check_works(&quick, 0, 0x3333);
    qtest_quit(b.qts);
}

/* Two queues that wait for each other in turn */
static void test_ping_pong(void)
{
    const uint64_t a = VA_DATA + 0x100, c = VA_DATA + 0x200;
    uint64_t words[2][8];
    uint64_t streams[2];
    Bed b;

    bed_start(&b, 2);
    for (int i = 0; i < 2; i++) {
        const uint64_t w[] = {
            MOVE48(0, i ? c : a), MOVE48(2, i ? a : c),
            /* r4: what is waited for; r6: 1; r8: how often */
            SYNC_UNTIL(OP_SYNC_WAIT64, 0, 4, IF_GT), ADD_IMM64(4, 4, 1),
            SYNC(OP_SYNC_ADD64, 2, 6, SYNC_CSG), ADD_IMM32(8, 8, -1),
            BRANCH(IF_NE, 8, -5), NOP,
        };

        memcpy(words[i], w, sizeof(w));
        streams[i] = vm_stream(&b.vm, words[i], 8);
        cs_run_words(&b.g, i, MOVE48(4, 0), MOVE48(6, 1), MOVE32(8, 100));
        cs_submit_job(&b.g, i, streams[i], 8 * 8);
    }
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_false(cs_drained(&b.g, 0));
    vm_write64(&b.vm, a, 1);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_true(cs_wait_drained(&b.g, 1));
    g_assert_cmpuint(vm_read64(&b.vm, a), ==, 101);
    g_assert_cmpuint(vm_read64(&b.vm, c), ==, 100);
    qtest_quit(b.qts);
}

/* --- Other things that hold a queue up --- */

/* A region that the host has locked holds its users up, and loses nothing */
static void test_locked(void)
{
    Group other;
    Vm vm2;
    Bed b;

    bed_start(&b, 1);
    vm2 = vm_new(&b.d, 1, 3);
    other = group_new(&vm2, 1, 1);
    group_start(&other, 1);
    gpu_as_lock(b.qts, 1, VM_VA, 20);
    submit_count(&b.g, 0);
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_false(cs_drained(&b.g, 0));
    g_assert_cmphex(cs_events(&b.g, 0), ==, 0);
    check_works(&other, 0, 0x2222);
    gpu_as_command(b.qts, 1, CMD_UNLOCK);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmpuint(vm_read64(&b.vm, VA_COUNTER), ==, 1);
    qtest_quit(b.qts);
}

/* A queue that dies while operations are under way */
static void test_fatal_with_operations(void)
{
    Group other;
    Bed b;

    bed_start(&b, 1);
    other = bed_neighbour(&b, 1);
    cs_submit_words(&b.g, 0, FLUSH(10, 0, 3), INSN(0xee, 0, 0, 0, 0));
    g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_FATAL));
    qtest_clock_step(b.qts, NS_LONG);
    check_works(&other, 0, 0x2222);
    group_terminate(&b.g);
    qtest_quit(b.qts);
}

static const TestCase cases[] = {
    { "start", test_start },
    { "start/clean", test_start_is_clean },
    { "start/again", test_start_again },
    { "start/with-work", test_start_with_work },
    { "terminate", test_terminate },
    { "resume/same", test_resume_same },
    { "resume/elsewhere", test_resume_elsewhere },
    { "resume/after-halt", test_resume_after_halt },
    { "resume/after-reset", test_resume_after_reset },
    { "resume/often", test_suspend_often },
    { "resume/garbage", test_resume_garbage },
    { "doorbell/bare", test_bare_doorbell },
    { "doorbell/queue", test_queue_doorbell },
    { "mirror", test_mirror },
    { "ack-irq", test_ack_irq },
    { "event/sync-update", test_sync_update },
    { "event/idle", test_idle },
    { "event/idle-sync-wait", test_idle_sync_wait },
    { "event/glb-idle", test_glb_idle },
    { "event/fault", test_fault },
    { "event/fault-of-two", test_fault_of_two },
    { "event/fatal", test_fatal },
    { "event/fatal-with-operations", test_fatal_with_operations },
    { "status/sync-wait", test_status_sync_wait },
    { "status/scoreboard", test_status_scoreboard },
    { "status/extract", test_status_extract },
    { "endless", test_endless },
    { "ping-pong", test_ping_pong },
    { "locked", test_locked },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    add_cases("sched", cases, ARRAY_SIZE(cases));

    return g_test_run();
}
