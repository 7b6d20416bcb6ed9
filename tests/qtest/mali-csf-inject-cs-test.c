/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU that misbehaves: queues and their streams
 *
 * Instructions that fail, hang or are lost, sync objects that are not written,
 * heaps without end; the driver's side is panthor_sched.c (contract 3.8, 3.11).
 */

#include "qemu/osdep.h"
#include "mali-csf-inject.h"
#include "mali-csf-task.h"

/* --- Instructions that fail --- */

static uint64_t three_moves(Bed *b)
{
    const uint64_t words[] = { MOVE32(8, 1), MOVE32(8, 2), MOVE32(8, 3) };

    return vm_stream(&b->vm, words, ARRAY_SIZE(words));
}

/* What the driver's handler reads of the job that has failed */
static void check_fault(Bed *b, unsigned j, uint8_t type, uint64_t info,
                        uint64_t pc)
{
    uint64_t extract = ring_get(&b->g, j, RING_EXTRACT);

    g_assert_true(cs_wait_events(&b->g, j, CS_EVENT_FAULT));
    g_assert_cmphex(cs_out(&b->g, j, CS_FAULT), ==, type);
    g_assert_cmphex(cs_out64(&b->g, j, CS_FAULT_INFO), ==, info);
    csg_status(&b->g);
    g_assert_cmphex(cs_out64(&b->g, j, CS_STATUS_CMD_PTR), ==, pc);
    /* It lies in the job, so that its fence gets the error */
    g_assert_cmpuint(ring_get(&b->g, j, RING_EXTRACT), >=, extract);
    g_assert_cmpuint(ring_get(&b->g, j, RING_EXTRACT), <,
                     ring_get(&b->g, j, RING_INSERT));
}

/* Below its job's stream, and behind the next error barrier all is well */
static void test_fault(void)
{
    uint64_t stream;
    Bed b;

    bed_start(&b, 2);
    stream = three_moves(&b);
    inject_addf(b.qts, "fetch name=f csg=0 cs=0 pc=0x%" PRIx64 " opcode=MOVE32 "
                "count=1 -> fault type=0x55 info=0x123456789abc", stream + 8);
    cs_submit_job(&b.g, 0, stream, 24);
    cs_submit_job(&b.g, 0, stream, 24);
    check_fault(&b, 0, 0x55, 0x123456789abc, stream + 8);
    g_assert_cmpuint(ring_get(&b.g, 0, RING_EXTRACT), <, JOB_INSNS * 8);
    check_works(&b.g, 1, 0x1111);
    g_assert_cmpuint(vm_read64(&b.vm, ring_sync(&b.g, 0)), ==, 0);
    cs_ack_events(&b.g, 0);
    csg_ring_queues(&b.g, 1);
    g_assert_true(cs_wait_drained(&b.g, 0));
    /* Both have signalled, the first with its error */
    g_assert_cmpuint(vm_read64(&b.vm, ring_sync(&b.g, 0)), ==, 2);
    check_works(&b.g, 0, 0x2222);
    g_assert_cmpint(inject_matches(b.qts, "f"), ==, 2);
    qtest_quit(b.qts);
}

/* Each one of a job, not only those of its stream */
static void test_fault_anywhere(void)
{
    for (int i = 0; i < JOB_INSNS; i++) {
        uint64_t stream;
        Bed b;

        bed_start(&b, 1);
        stream = three_moves(&b);
        inject_addf(b.qts, "fetch pc=0x%" PRIx64 " count=1 -> fault",
                    ring_va(&b.g, 0) + i * 8);
        cs_submit_job(&b.g, 0, stream, 24);
        check_fault(&b, 0, EXC_DATA_INVALID, 0, ring_va(&b.g, 0) + i * 8);
        cs_ack_events(&b.g, 0);
        csg_ring_queues(&b.g, 1);
        g_assert_true(cs_wait_drained(&b.g, 0));
        cs_submit_words(&b.g, 0, ERROR_BARRIER);
        check_works(&b.g, 0, 0x1111);
        qtest_quit(b.qts);
    }
}

/* The group is destroyed by the driver's tick (group_can_run) */
static void check_fatal(Bed *b, unsigned j, uint8_t type, uint64_t info)
{
    g_assert_true(cs_wait_events(&b->g, j, CS_EVENT_FATAL));
    g_assert_cmphex(cs_out(&b->g, j, CS_FATAL), ==, type);
    g_assert_cmphex(cs_out64(&b->g, j, CS_FATAL_INFO), ==, info);
    cs_ack_events(&b->g, j);
    /* Nothing it is asked for makes it go on */
    csg_ring_queues(&b->g, BIT(j));
    qtest_clock_step(b->qts, NS_JOB);
    g_assert_false(cs_drained(&b->g, j));
}

static void test_fatal(void)
{
    Bed b;

    bed_start(&b, 2);
    inject_add(b.qts, "fetch cs=1 opcode=MOVE32 count=1 -> fatal type=0x49 "
               "info=7");
    cs_submit_words(&b.g, 1, MOVE32(8, 1), NOP);
    check_fatal(&b, 1, 0x49, 7);
    check_works(&b.g, 0, 0x1111);
    group_terminate(&b.g);
    b.g = group_new(&b.vm, 0, 2);
    group_start(&b.g, 0);
    check_works(&b.g, 1, 0x2222);
    qtest_quit(b.qts);
}

/* CS_UNRECOVERABLE: the whole device is reset (cs_slot_process_fatal_event) */
static void test_unrecoverable(void)
{
    Bed b;

    bed_start(&b, 2);
    inject_add(b.qts, "fetch cs=1 opcode=MOVE32 count=1 -> fatal");
    cs_submit_words(&b.g, 1, MOVE32(8, 1), NOP);
    check_fatal(&b, 1, 0x41, 0);
    bed_reset(&b);
    check_works(&b.g, 0, 0x1111);
    check_works(&b.g, 1, 0x1111);
    qtest_quit(b.qts);
}

/* --- Instructions that hang --- */

/* Resident, unblocked, and no end: the job's timeout of 5 s kills the group */
static void test_stall(void)
{
    uint64_t stream;
    Bed b;

    bed_start(&b, 2);
    stream = three_moves(&b);
    inject_addf(b.qts, "fetch name=s pc=0x%" PRIx64 " count=1 -> "
                "stall time=never", stream + 8);
    cs_submit_job(&b.g, 0, stream, 24);
    qtest_clock_step(b.qts, LIMIT_JOB);
    g_assert_false(cs_drained(&b.g, 0));
    csg_status(&b.g);
    g_assert_cmphex(cs_out64(&b.g, 0, CS_STATUS_CMD_PTR), ==, stream + 8);
    g_assert_cmphex(cs_out(&b.g, 0, CS_STATUS_BLOCKED), ==, BLOCKED_NONE);
    g_assert_cmphex(csg_out(&b.g, CSG_STATUS_STATE) & 1, ==, 0);
    check_works(&b.g, 1, 0x1111);
    group_terminate(&b.g);
    b.g = group_new(&b.vm, 0, 2);
    group_start(&b.g, 0);
    check_works(&b.g, 0, 0x2222);
    qtest_quit(b.qts);
}

/* As long as it says; the instruction is then executed, and asked of no more */
static void test_stall_ends(void)
{
    static const int64_t times[] = { LIMIT_JOB - 1, LIMIT_JOB, LIMIT_JOB + 1 };

    for (int i = 0; i < ARRAY_SIZE(times); i++) {
        Bed b;

        bed_start(&b, 1);
        inject_addf(b.qts, "fetch name=s opcode=ADD_IMM32 -> "
                    "stall time=%" PRId64 "ns", times[i]);
        cs_submit_words(&b.g, 0, MOVE32(8, 1), ADD_IMM32(8, 8, 1),
                        MOVE48(4, VA_DATA), STORE(8, 4, 1, 0), WAIT(0xff));
        qtest_clock_step(b.qts, NS_REQUEST + 1 + times[i] - 1);
        g_assert_false(cs_drained(&b.g, 0));
        g_assert_cmpint(vm_read(&b.vm, VA_DATA), ==, 0);
        qtest_clock_step(b.qts, 1);
        g_assert_true(cs_drained(&b.g, 0));
        g_assert_cmpint(vm_read(&b.vm, VA_DATA), ==, 2);
        g_assert_cmpint(inject_matches(b.qts, "s"), ==, 1);
        qtest_quit(b.qts);
    }
}

/* --- Instructions that are lost --- */

static void test_drop(void)
{
    const uint64_t words[] = {
        MOVE32(8, 1), ADD_IMM32(8, 8, 1), ADD_IMM32(8, 8, 2),
        ADD_IMM32(8, 8, 4), MOVE48(4, VA_DATA), STORE(8, 4, 1, 0), WAIT(0xff),
    };
    uint64_t stream;
    Bed b;

    bed_start(&b, 1);
    stream = vm_stream(&b.vm, words, ARRAY_SIZE(words));
    inject_addf(b.qts, "fetch name=d opcode=ADD_IMM32 skip=1 count=1 -> drop");
    cs_submit_job(&b.g, 0, stream, sizeof(words));
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmpint(vm_read(&b.vm, VA_DATA), ==, 1 + 1 + 4);
    g_assert_cmpint(inject_matches(b.qts, "d"), ==, 3);
    inject_addf(b.qts, "fetch pc=0x%" PRIx64 "..0x%" PRIx64 " count=2 -> drop",
                stream + 8, stream + 16);
    cs_submit_job(&b.g, 0, stream, sizeof(words));
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmpint(vm_read(&b.vm, VA_DATA), ==, 1 + 4);
    qtest_quit(b.qts);
}

/* A branch that is not taken any more, and a call that is none */
static void test_drop_flow(void)
{
    uint64_t loop;
    Bed b;

    bed_start(&b, 1);
    loop = endless(&b.vm);
    inject_add(b.qts, "fetch opcode=BRANCH skip=100000 count=1 -> drop");
    cs_submit_job(&b.g, 0, loop, 8);
    g_assert_true(cs_wait_drained(&b.g, 0));
    inject_add(b.qts, "fetch opcode=CALL count=1 -> drop");
    cs_submit_job(&b.g, 0, loop, 8);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmpuint(vm_read64(&b.vm, ring_sync(&b.g, 0)), ==, 2);
    qtest_quit(b.qts);
}

/*
 * Each instruction is asked about once: also those behind one that waited, and
 * that which waits itself
 */
static void test_each_asked(void)
{
    const uint64_t words[] = {
        MOVE32(8, 1), FLUSH(8, 0, 1), WAIT(BIT(1)), MOVE32(9, 1),
        FLUSH(8, 0, 1), MOVE32(9, 2), WAIT(BIT(1)), NOP, MOVE32(9, 3),
    };
    uint64_t stream;
    Bed b;

    bed_start(&b, 1);
    stream = vm_stream(&b.vm, words, ARRAY_SIZE(words));
    inject_addf(b.qts, "fetch name=m opcode=MOVE32 pc=0x%" PRIx64 "..0x%"
                PRIx64 " -> count", stream, stream + sizeof(words));
    for (int i = 1; i <= 3; i++) {
        cs_submit_job(&b.g, 0, stream, sizeof(words));
        g_assert_true(cs_wait_drained(&b.g, 0));
        g_assert_cmpint(inject_hits(b.qts, "m"), ==, 4 * i);
    }
    /* All of them, whatever is watched */
    inject_addf(b.qts, "fetch name=a pc=0x%" PRIx64 "..0x%" PRIx64 " -> count",
                stream, stream + sizeof(words));
    cs_submit_job(&b.g, 0, stream, sizeof(words));
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmpint(inject_hits(b.qts, "a"), ==, ARRAY_SIZE(words));
    g_assert_cmpint(inject_hits(b.qts, "m"), ==, 16);
    inject_remove(b.qts, "m");
    cs_submit_job(&b.g, 0, stream, sizeof(words));
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmpint(inject_hits(b.qts, "a"), ==, 2 * ARRAY_SIZE(words));
    qtest_quit(b.qts);
}

/* Also the one in the ring, behind a stream that ended with what waited */
static void test_asked_behind(void)
{
    const uint64_t words[] = { FLUSH(8, 0, 1), WAIT(BIT(1)) };
    uint64_t stream;
    Bed b;

    bed_start(&b, 1);
    stream = vm_stream(&b.vm, words, ARRAY_SIZE(words));
    /* What follows CALL */
    inject_addf(b.qts, "fetch name=m opcode=MOVE48 pc=0x%" PRIx64 " -> count",
                ring_va(&b.g, 0) + 6 * 8);
    cs_submit_job(&b.g, 0, stream, sizeof(words));
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmpint(inject_hits(b.qts, "m"), ==, 1);
    qtest_quit(b.qts);
}

/* --- Sync objects --- */

/* The fence does not signal: the job's timeout finds it, and kills the group */
static void test_sync_dropped(void)
{
    uint64_t stream;
    Bed b;

    bed_start(&b, 1);
    stream = three_moves(&b);
    qtest_clock_step(b.qts, NS_LONG);
    csg_ack_events(&b.g);
    inject_addf(b.qts, "sync name=s csg=0 cs=0 opcode=SYNC_ADD64 address=0x%"
                PRIx64 " count=1 -> drop", ring_sync(&b.g, 0));
    cs_submit_job(&b.g, 0, stream, 24);
    qtest_clock_step(b.qts, LIMIT_JOB);
    g_assert_true(cs_drained(&b.g, 0));
    g_assert_cmpuint(vm_read64(&b.vm, ring_sync(&b.g, 0)), ==, 0);
    g_assert_cmphex(csg_events(&b.g), ==, CSG_IDLE);
    g_assert_cmpint(inject_hits(b.qts, "s"), ==, 1);
    group_terminate(&b.g);
    b.g = group_new(&b.vm, 0, 1);
    group_start(&b.g, 0);
    check_works(&b.g, 0, 0x1111);
    qtest_quit(b.qts);
}

/* One count too many: the next job's fence signals too soon */
static void test_sync_twice(void)
{
    uint64_t stream;
    Bed b;

    bed_start(&b, 1);
    stream = three_moves(&b);
    inject_add(b.qts, "sync opcode=SYNC_ADD64 count=1 -> twice");
    cs_submit_job(&b.g, 0, stream, 24);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmpuint(vm_read64(&b.vm, ring_sync(&b.g, 0)), ==, 2);
    cs_submit_job(&b.g, 0, stream, 24);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmpuint(vm_read64(&b.vm, ring_sync(&b.g, 0)), ==, 3);
    qtest_quit(b.qts);
}

/* Each of the four, by its opcode, and the address of the object */
static void test_sync_kinds(void)
{
    static const struct {
        const char *name;
        int op;
        uint64_t once, twice;
    } kinds[] = {
        { "SYNC_ADD32", OP_SYNC_ADD32, 105, 110 },
        { "SYNC_SET32", OP_SYNC_SET32, 5, 5 },
        { "SYNC_ADD64", OP_SYNC_ADD64, 105, 110 },
        { "SYNC_SET64", OP_SYNC_SET64, 5, 5 },
    };
    static const char *const acts[] = { "drop", "twice" };
    Bed b;

    bed_start(&b, 1);
    for (int i = 0; i < ARRAY_SIZE(kinds); i++) {
        for (int a = 0; a < ARRAY_SIZE(acts); a++) {
            inject_addf(b.qts, "sync name=s opcode=%s address=0x%llx -> %s",
                        kinds[i].name, VA_DATA, acts[a]);
            /* The status behind an object of 32 bits is a word of its own */
            vm_write64(&b.vm, VA_DATA, 100);
            vm_write64(&b.vm, VA_DATA + 0x100, 100);
            cs_run_words(&b.g, 0, MOVE48(4, VA_DATA), MOVE48(6, 5),
                         SYNC(kinds[i].op, 4, 6, 0),
                         MOVE48(4, VA_DATA + 0x100),
                         SYNC(kinds[i].op, 4, 6, 0));
            g_assert_cmpuint(vm_read(&b.vm, VA_DATA), ==,
                             a ? kinds[i].twice : 100);
            g_assert_cmpuint(vm_read(&b.vm, VA_DATA + 0x100), ==,
                             kinds[i].once);
            g_assert_cmpint(inject_hits(b.qts, "s"), ==, 1);
            inject_remove(b.qts, "s");
        }
    }
    qtest_quit(b.qts);
}

/* --- Events of queues --- */

static void fault_job(Bed *b)
{
    cs_submit_words(&b->g, 0, MOVE48(4, VA_DATA + 1), STORE(6, 4, 1, 0), NOP,
                    ERROR_BARRIER);
}

/* Not told, and told late: the queue waits for the host in either case */
static void test_event(void)
{
    Bed b;

    bed_start(&b, 2);
    inject_add(b.qts, "cs-event name=f csg=0 cs=0 event=fault count=1 -> drop");
    inject_add(b.qts, "cs-event name=o cs=1 -> drop");
    fault_job(&b);
    qtest_clock_step(b.qts, LIMIT_JOB);
    g_assert_cmphex(cs_events(&b.g, 0), ==, 0);
    g_assert_cmphex(csg_out(&b.g, CSG_CS_IRQ_REQ), ==,
                    csg_in(&b.g, CSG_CS_IRQ_ACK));
    g_assert_false(cs_drained(&b.g, 0));
    g_assert_cmpint(inject_hits(b.qts, "f"), ==, 1);
    /* No doorbell is the host's word for it, also after a suspend */
    csg_ring_queues(&b.g, 1);
    qtest_clock_step(b.qts, LIMIT_JOB);
    g_assert_false(cs_drained(&b.g, 0));
    group_suspend(&b.g);
    group_resume(&b.g, 0);
    csg_ring_queues(&b.g, 1);
    qtest_clock_step(b.qts, LIMIT_JOB);
    g_assert_false(cs_drained(&b.g, 0));
    check_works(&b.g, 1, 0x1111);
    group_terminate(&b.g);
    b.g = group_new(&b.vm, 0, 2);
    group_start(&b.g, 0);

    inject_add(b.qts, "cs-event event=fault count=1 -> delay time=7ms");
    fault_job(&b);
    qtest_clock_step(b.qts, NS_REQUEST + 1 + 7000000 - 1);
    g_assert_cmphex(cs_events(&b.g, 0), ==, 0);
    qtest_clock_step(b.qts, 1);
    g_assert_cmphex(cs_events(&b.g, 0), ==, CS_EVENT_FAULT);
    g_assert_cmphex(cs_out(&b.g, 0, CS_FAULT) & 0xff, ==, EXC_DATA_INVALID);
    cs_ack_events(&b.g, 0);
    csg_ring_queues(&b.g, 1);
    g_assert_true(cs_wait_drained(&b.g, 0));
    check_works(&b.g, 0, 0x2222);
    g_assert_cmpint(inject_matches(b.qts, "o"), ==, 0);

    inject_add(b.qts, "cs-event event=fatal count=1 -> drop");
    cs_submit_words(&b.g, 0, INSN(0xee, 0, 0, 0, 0));
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_cmphex(cs_events(&b.g, 0), ==, 0);
    g_assert_false(cs_drained(&b.g, 0));
    group_terminate(&b.g);
    b.g = group_new(&b.vm, 0, 2);
    group_start(&b.g, 0);
    check_works(&b.g, 0, 0x3333);
    qtest_quit(b.qts);
}

/* --- Heaps (group_process_tiler_oom, panthor_heap_grow) --- */

static void heap_start(Bed *b, unsigned queues)
{
    bed_start(b, queues);
    shader_init(&b->vm);
    heap_init(&b->vm, 1);
    cs_run_words(&b->g, 0, MOVE48(64, VA_HEAP_CONTEXT), HEAP_SET(64), ON_SLOT);
    draw_regs(&b->g, 0, 1);
}

static void draw(Bed *b)
{
    cs_submit_words(&b->g, 0, HEAP_OPERATION(HEAP_VT_START), RUN(OP_RUN_IDVS),
                    DONE);
}

/* A heap with room is said to have none, and gets more each time it asks */
static void test_oom_storm(void)
{
    Bed b;

    heap_start(&b, 2);
    inject_add(b.qts, "heap name=h csg=0 cs=0 count=5 -> oom");
    draw(&b);
    for (int i = 1; i <= 5; i++) {
        g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_TILER_OOM));
        g_assert_cmphex(cs_out64(&b.g, 0, CS_HEAP_ADDRESS), ==,
                        VA_HEAP_CONTEXT);
        /* frag_end <= vt_end < vt_start, or the group is killed */
        g_assert_cmpuint(cs_out(&b.g, 0, CS_HEAP_FRAG_END), <=,
                         cs_out(&b.g, 0, CS_HEAP_VT_END));
        g_assert_cmpuint(cs_out(&b.g, 0, CS_HEAP_VT_END), <,
                         cs_out(&b.g, 0, CS_HEAP_VT_START));
        g_assert_cmpint(inject_hits(b.qts, "h"), ==, i);
        check_works(&b.g, 1, 0x1111);
        cs_answer_oom(&b.g, 0, i);
    }
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmphex(cs_events(&b.g, 0), ==, 0);
    check_works(&b.g, 0, 0x2222);
    qtest_quit(b.qts);
}

/* A draw that goes on in the next slices has not asked again */
static void test_heap_once(void)
{
    Bed b;

    heap_start(&b, 1);
    inject_add(b.qts, "heap name=h -> count");
    vm_write64(&b.vm, VA_CHUNK(0), VA_CHUNK(0));
    draw_regs(&b.g, 0, CHUNK / 64);
    draw(&b);
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_false(cs_drained(&b.g, 0));
    g_assert_cmpint(inject_hits(b.qts, "h"), ==, 1);
    qtest_quit(b.qts);
}

/* The host has nothing either: CS_FAULT, as no pass is there to wait for */
static void test_oom_refused(void)
{
    Bed b;

    heap_start(&b, 1);
    inject_add(b.qts, "heap -> oom");
    cs_submit_words(&b.g, 0, HEAP_OPERATION(HEAP_VT_START), RUN(OP_RUN_IDVS),
                    DONE, ERROR_BARRIER);
    g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_TILER_OOM));
    cs_answer_oom(&b.g, 0, NO_CHUNK);
    g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_FAULT));
    g_assert_cmphex(cs_out(&b.g, 0, CS_FAULT) & 0xff, ==, EXC_OOM);
    cs_ack_events(&b.g, 0);
    csg_ring_queues(&b.g, 1);
    g_assert_true(cs_wait_drained(&b.g, 0));
    inject_remove(b.qts, "rule1");
    draw(&b);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmphex(cs_events(&b.g, 0), ==, 0);
    qtest_quit(b.qts);
}

/* The question that does not reach the host is not answered; nor a late one */
static void test_oom_event(void)
{
    Bed b;

    heap_start(&b, 1);
    inject_add(b.qts, "heap count=1 -> oom");
    inject_add(b.qts, "cs-event event=tiler-oom count=1 -> delay time=100ms");
    draw(&b);
    qtest_clock_step(b.qts, 99000000);
    g_assert_cmphex(cs_events(&b.g, 0), ==, 0);
    g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_TILER_OOM));
    cs_answer_oom(&b.g, 0, 1);
    g_assert_true(cs_wait_drained(&b.g, 0));
    qtest_quit(b.qts);
}

/* --- The progress timer (contract 7) --- */

/* What the host sees when the timer of a group has run out */
static void test_progress(void)
{
    Bed b;

    bed_start(&b, 1);
    shader_init(&b.vm);
    qtest_clock_step(b.qts, NS_LONG);
    csg_ack_events(&b.g);
    inject_add(b.qts, "doorbell doorbell=20 count=1 -> raise bits=1");
    inject_add(b.qts, "doorbell doorbell=20 count=1 -> interface block=csg "
               "side=out bits=0x80000000");
    gpu_write(b.qts, DOORBELL(20), 1);
    qtest_clock_step(b.qts, 1);
    /* It kills the group */
    g_assert_cmphex(csg_events(&b.g), ==, 0x80000000);
    g_assert_true(gpu_read(b.qts, JOB_INT + RAWSTAT) & 1);
    csg_ack_events(&b.g);
    group_terminate(&b.g);
    b.g = group_new(&b.vm, 0, 1);
    group_start(&b.g, 0);
    check_works(&b.g, 0, 0x1111);
    qtest_quit(b.qts);
}

int main(int argc, char **argv)
{
    static const TestCase cases[] = {
        { "fault", test_fault },
        { "fault-anywhere", test_fault_anywhere },
        { "fatal", test_fatal },
        { "unrecoverable", test_unrecoverable },
        { "stall", test_stall },
        { "stall-ends", test_stall_ends },
        { "drop", test_drop },
        { "drop-flow", test_drop_flow },
        { "each-asked", test_each_asked },
        { "asked-behind", test_asked_behind },
        { "sync-dropped", test_sync_dropped },
        { "sync-twice", test_sync_twice },
        { "sync-kinds", test_sync_kinds },
        { "event", test_event },
        { "oom-storm", test_oom_storm },
        { "heap-once", test_heap_once },
        { "oom-refused", test_oom_refused },
        { "oom-event", test_oom_event },
        { "progress", test_progress },
    };

    g_test_init(&argc, &argv, NULL);
    add_cases("inject-cs", cases, ARRAY_SIZE(cases));
    return g_test_run();
}
