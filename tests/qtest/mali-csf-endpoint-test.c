/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU: who has the endpoints, and what happens when what
 * runs on them does not get on
 */

#include "qemu/osdep.h"
#include "mali-csf-task.h"

#define VA_MARK                 (VA_DATA + 0x100)
#define VA_OBJECT               (VA_DATA + 0x200)

#define COMPUTE                 1
#define FRAGMENT                2
#define ALL                     15
#define REQ_RESOURCE(what)      INSN(OP_REQ_RESOURCE, 0, 0, 0, what)
#define BLOCKED_RESOURCE        5
#define CS_IDLE_RESOURCE        BIT(11)
#define EXC_ENDPOINT            0x44

/*
 * For how long a queue keeps what others wait for: so long for each step of its
 * group's priority, which is the slot's number in these tests
 */
#define NS_HELD                 1000000
/* Far less, but time enough for a few instructions */
#define NS_SHORT                200000

/* --- Resources --- */

/* Groups 0 to 2 in slots 3, 0 and 1, each with two queues */
typedef struct Three {
    Bed b;
    Group g[3];
} Three;

static void three_start(Three *t)
{
    static const uint8_t slots[] = { 3, 0, 1 };
    Bed *b = &t->b;

    b->d = driver_start("timestamp-frequency=1000000000");
    b->qts = b->d.qts;
    b->vm = vm_new(&b->d, 0, 1);
    for (int i = 0; i < ARRAY_SIZE(slots); i++) {
        t->g[i] = group_new(&b->vm, i, 2);
        t->g[i].ring = i * 2;
        group_start(&t->g[i], slots[i]);
    }
}

/* Ask for resources, and count forever */
static void hold(Three *t, const Group *g, uint8_t what, uint64_t counter)
{
    const uint64_t words[] = {
        ADD_IMM32(6, 6, 1), STORE(6, 4, 1, 0), BRANCH(IF_ALWAYS, 0, -3),
    };
    uint64_t stream = vm_stream(&t->b.vm, words, ARRAY_SIZE(words));

    cs_submit_words(g, 0, MOVE48(4, counter), MOVE48(0, stream),
                    MOVE32(2, sizeof(words)), REQ_RESOURCE(what), CALL(0, 2));
    qtest_clock_step(t->b.qts, NS_REQUEST + NS_LOOK);
    g_assert_cmpuint(vm_read(&t->b.vm, counter), >, 0);
}

/* Ask for resources, and note the time when they are there */
static void ask(const Group *g, unsigned j, uint8_t what, uint64_t to)
{
    cs_submit_words(g, j, MOVE48(0, to), REQ_RESOURCE(what),
                    STORE_STATE(0, STATE_TIMESTAMP, 0));
}

static bool has(const Three *t, uint64_t to)
{
    return vm_read64(&t->b.vm, to);
}

/* Blocked where it asked, as the host is told, for the holder's time */
static void test_blocked(void)
{
    uint32_t counted;
    Three t;

    three_start(&t);
    hold(&t, &t.g[0], COMPUTE, VA_OBJECT);
    ask(&t.g[1], 0, COMPUTE | FRAGMENT, VA_MARK);
    qtest_clock_step(t.b.qts, NS_SHORT);
    csg_status(&t.g[1]);
    g_assert_cmpuint(cs_out(&t.g[1], 0, CS_STATUS_BLOCKED), ==,
                     BLOCKED_RESOURCE);
    g_assert_cmphex(cs_out(&t.g[1], 0, CS_STATUS_REQ_RESOURCE), ==,
                    COMPUTE | FRAGMENT);
    g_assert_cmphex(cs_out64(&t.g[1], 0, CS_STATUS_CMD_PTR), ==,
                    ring_va(&t.g[1], 0) + 8);
    g_assert_cmphex(cs_out(&t.g[1], 0, CS_STATUS_WAIT), ==, 0);
    g_assert_false(has(&t, VA_MARK));
    /* Priority 3: four times as long as at priority 0 */
    qtest_clock_step(t.b.qts, 3 * NS_HELD);
    g_assert_false(has(&t, VA_MARK));
    qtest_clock_step(t.b.qts, 2 * NS_HELD);
    g_assert_true(has(&t, VA_MARK));
    /* And back */
    counted = vm_read(&t.b.vm, VA_OBJECT);
    qtest_clock_step(t.b.qts, NS_SHORT);
    g_assert_cmpuint(vm_read(&t.b.vm, VA_OBJECT), >, counted);
    qtest_quit(t.b.qts);
}

/* Others are free to take what is not asked for, or their own group's */
static void test_shared(void)
{
    Three t;

    three_start(&t);
    hold(&t, &t.g[0], COMPUTE, VA_OBJECT);
    ask(&t.g[1], 0, FRAGMENT, VA_MARK);
    ask(&t.g[0], 1, COMPUTE, VA_MARK + 8);
    qtest_clock_step(t.b.qts, NS_SHORT);
    g_assert_true(has(&t, VA_MARK));
    g_assert_true(has(&t, VA_MARK + 8));
    qtest_quit(t.b.qts);
}

/* A holder that asks for less, waits for somebody, ends or leaves */
static void give_up_less(Three *t)
{
    uint64_t stream = endless(&t->b.vm);

    cs_submit_words(&t->g[0], 0, MOVE48(0, stream), MOVE32(2, 8),
                    REQ_RESOURCE(ALL), REQ_RESOURCE(0), CALL(0, 2));
}

static void give_up_wait(Three *t)
{
    cs_submit_words(&t->g[0], 0, MOVE48(0, VA_OBJECT), MOVE48(2, 0),
                    REQ_RESOURCE(ALL),
                    SYNC_UNTIL(OP_SYNC_WAIT64, 0, 2, IF_GT));
}

static void give_up_end(Three *t)
{
    cs_submit_words(&t->g[0], 0, REQ_RESOURCE(ALL));
}

static void give_up_fatal(Three *t)
{
    cs_submit_words(&t->g[0], 0, REQ_RESOURCE(ALL), FLUSH(10, 0, 3),
                    INSN(0xee, 0, 0, 0, 0));
}

static void give_up_leave(Three *t)
{
    hold(t, &t->g[0], ALL, VA_OBJECT);
    ask(&t->g[1], 0, ALL, VA_MARK);
    qtest_clock_step(t->b.qts, NS_SHORT);
    g_assert_false(has(t, VA_MARK));
    group_suspend(&t->g[0]);
}

static void test_give_up(const void *opaque)
{
    void (*const *give_up)(Three *t) = opaque;
    Three t;

    three_start(&t);
    (*give_up)(&t);
    qtest_clock_step(t.b.qts, NS_SHORT);
    ask(&t.g[2], 0, ALL, VA_MARK);
    qtest_clock_step(t.b.qts, NS_SHORT);
    g_assert_true(has(&t, VA_MARK));
    qtest_quit(t.b.qts);
}

/* What was given up while a queue waited is its again before it goes on */
static void test_again(void)
{
    Three t;

    three_start(&t);
    cs_submit_words(&t.g[1], 0, MOVE48(0, VA_OBJECT), MOVE48(2, 0),
                    REQ_RESOURCE(ALL),
                    SYNC_UNTIL(OP_SYNC_WAIT64, 0, 2, IF_GT), MOVE48(4, VA_MARK),
                    STORE_STATE(4, STATE_TIMESTAMP, 0));
    qtest_clock_step(t.b.qts, NS_SHORT);
    hold(&t, &t.g[0], ALL, VA_OBJECT + 64);
    vm_write64(&t.b.vm, VA_OBJECT, 1);
    qtest_clock_step(t.b.qts, NS_HELD + NS_SHORT);
    g_assert_false(has(&t, VA_MARK));
    csg_status(&t.g[1]);
    g_assert_cmpuint(cs_out(&t.g[1], 0, CS_STATUS_BLOCKED), ==,
                     BLOCKED_RESOURCE);
    qtest_clock_step(t.b.qts, 5 * NS_HELD);
    g_assert_true(has(&t, VA_MARK));
    qtest_quit(t.b.qts);
}

/* Who asked first has it first, though another could have a part of it */
static void test_order(void)
{
    Three t;

    three_start(&t);
    hold(&t, &t.g[0], COMPUTE, VA_OBJECT);
    ask(&t.g[1], 0, ALL, VA_MARK);
    qtest_clock_step(t.b.qts, NS_SHORT);
    ask(&t.g[2], 0, FRAGMENT, VA_MARK + 8);
    qtest_clock_step(t.b.qts, NS_SHORT);
    g_assert_false(has(&t, VA_MARK + 8));
    qtest_clock_step(t.b.qts, 6 * NS_HELD);
    g_assert_cmpuint(vm_read64(&t.b.vm, VA_MARK), >, 0);
    g_assert_cmpuint(vm_read64(&t.b.vm, VA_MARK + 8), >,
                     vm_read64(&t.b.vm, VA_MARK));
    qtest_quit(t.b.qts);
}

/* A stream that always has a task under way lets others have their turn */
static void test_tasks(void)
{
    const uint64_t words[] = {
        RUN(OP_RUN_COMPUTE), DONE, BRANCH(IF_ALWAYS, 0, -3),
    };
    uint64_t stream;
    Three t;

    three_start(&t);
    shader_init(&t.b.vm);
    compute_regs(&t.g[0], 0, 10000);
    stream = vm_stream(&t.b.vm, words, ARRAY_SIZE(words));
    cs_submit_words(&t.g[0], 0, MOVE48(60, stream), MOVE32(62, sizeof(words)),
                    ON_SLOT, REQ_RESOURCE(COMPUTE), CALL(60, 62));
    qtest_clock_step(t.b.qts, NS_SHORT);
    ask(&t.g[1], 0, COMPUTE, VA_MARK);
    for (int i = 0; i < 8 * NS_HELD / NS_LOOK; i++) {
        qtest_clock_step(t.b.qts, NS_LOOK);
    }
    g_assert_true(has(&t, VA_MARK));
    qtest_quit(t.b.qts);
}

/* Suspended while it is blocked, and resumed when the holder is gone */
static void test_suspend(void)
{
    Three t;

    three_start(&t);
    hold(&t, &t.g[0], COMPUTE, VA_OBJECT);
    ask(&t.g[1], 0, COMPUTE, VA_MARK);
    qtest_clock_step(t.b.qts, NS_SHORT);
    group_suspend(&t.g[1]);
    g_assert_cmpuint(cs_out(&t.g[1], 0, CS_STATUS_BLOCKED), ==,
                     BLOCKED_RESOURCE);
    group_terminate(&t.g[0]);
    group_resume(&t.g[1], 5);
    qtest_clock_step(t.b.qts, NS_SHORT);
    g_assert_true(has(&t, VA_MARK));
    qtest_quit(t.b.qts);
}

/* A group that waits for a resource is idle when the host says so */
static void test_idle(void)
{
    Three t;

    three_start(&t);
    hold(&t, &t.g[0], COMPUTE, VA_OBJECT);
    for (int i = 1; i < 3; i++) {
        if (i == 2) {
            cs_in_set(&t.g[i], 0, CS_REQ,
                      cs_in(&t.g[i], 0, CS_REQ) | CS_IDLE_RESOURCE);
            csg_ring_queues(&t.g[i], 1);
        }
        qtest_clock_step(t.b.qts, NS_SHORT);
        csg_ack_events(&t.g[i]);
        ask(&t.g[i], 0, COMPUTE, VA_MARK + i * 8);
        qtest_clock_step(t.b.qts, NS_SHORT);
        g_assert_cmphex(csg_events(&t.g[i]), ==, i == 2 ? CSG_IDLE : 0);
        g_assert_false(has(&t, VA_MARK + i * 8));
    }
    qtest_quit(t.b.qts);
}

/* A group without an endpoint of a kind cannot ask for it */
static void test_no_endpoint(void)
{
    static const struct { uint32_t req; uint8_t bad, good; } groups[] = {
        { 0x010100, 1, 14 }, { 0x010001, 2, 13 }, { 0x000101, 4, 3 },
        { 0x000101, 8, 3 },
    };

    for (int i = 0; i < ARRAY_SIZE(groups); i++) {
        Bed b;

        bed_start(&b, 2);
        group_terminate(&b.g);
        csg_program(&b.g);
        csg_in_set(&b.g, CSG_ENDPOINT_REQ, groups[i].req);
        csg_set_state(&b.g, CSG_START);
        cs_run_words(&b.g, 0, REQ_RESOURCE(groups[i].good));
        cs_submit_words(&b.g, 0, REQ_RESOURCE(ALL & ~groups[i].good));
        g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_FATAL));
        g_assert_cmphex(cs_out(&b.g, 0, CS_FATAL), ==, EXC_ENDPOINT);
        check_works(&b.g, 1, 0x1111);
        qtest_quit(b.qts);
    }
}

/* --- Progress timer --- */

/* A unit is 1024 cycles of 500 MHz */
#define NS_UNIT                 2048
#define CSG_PROGRESS_TIMER      BIT(31)

static void progress_start(Bed *b, uint32_t units)
{
    bed_start(b, 2);
    shader_init(&b->vm);
    fbd_init(&b->vm, 64, 64);
    fw_write(b->qts, FW_PROGRESS_TIMER, units);
    fw_request(b->qts, fw_read(b->qts, FW_REQ) ^ GLB_CFG_PROGRESS_TIMER);
}

/* The time until the event; what is pending is not told again */
static void test_progress(void)
{
    Bed b;

    progress_start(&b, 50);
    compute_regs(&b.g, 0, UINT32_MAX);
    csg_ack_events(&b.g);
    gpu_write(b.qts, JOB_INT + CLEAR, UINT32_MAX);
    cs_submit_words(&b.g, 0, ON_SLOT, RUN(OP_RUN_COMPUTE), DONE);
    qtest_clock_step(b.qts, NS_REQUEST + 49 * NS_UNIT);
    g_assert_cmphex(csg_events(&b.g), ==, 0);
    qtest_clock_step(b.qts, 2 * NS_UNIT);
    g_assert_cmphex(csg_events(&b.g), ==, CSG_PROGRESS_TIMER);
    g_assert_cmphex(gpu_read(b.qts, JOB_INT + RAWSTAT), ==, BIT(b.g.slot));
    qtest_clock_step(b.qts, 200 * NS_UNIT);
    g_assert_cmphex(csg_events(&b.g), ==, CSG_PROGRESS_TIMER);
    csg_ack_events(&b.g);
    qtest_clock_step(b.qts, 60 * NS_UNIT);
    g_assert_cmphex(csg_events(&b.g), ==, CSG_PROGRESS_TIMER);
    group_terminate(&b.g);
    qtest_quit(b.qts);
}

/* Without a timer, or with tasks that are each in time, there is none */
static void test_progress_in_time(void)
{
    for (int off = 0; off < 2; off++) {
        Bed b;

        progress_start(&b, off ? 0 : 2200000 / NS_UNIT);
        compute_regs(&b.g, 0, UINT32_MAX);
        compute_regs(&b.g, 1, UINT32_MAX);
        for (int j = 0; j < 2; j++) {
            cs_submit_words(&b.g, j, ON_SLOT, RUN(OP_RUN_COMPUTE),
                            RUN(OP_RUN_COMPUTE), DONE);
        }
        for (int i = 0; i < 2; i++) {
            qtest_clock_step(b.qts, 5000000);
            g_assert_cmphex(csg_events(&b.g) & CSG_PROGRESS_TIMER, ==, 0);
        }
        g_assert_true(cs_drained(&b.g, 0) && cs_drained(&b.g, 1));
        qtest_quit(b.qts);
    }
}

/* Streams that wait or loop have no task that could get on */
static void test_progress_streams(void)
{
    uint64_t stream;
    Bed b;

    progress_start(&b, 50);
    stream = endless(&b.vm);
    cs_submit_words(&b.g, 0, MOVE48(0, VA_OBJECT), MOVE48(2, 0),
                    SYNC_UNTIL(OP_SYNC_WAIT64, 0, 2, IF_GT));
    cs_submit_words(&b.g, 1, MOVE48(0, stream), MOVE32(2, 8), CALL(0, 2));
    qtest_clock_step(b.qts, 500 * NS_UNIT);
    g_assert_cmphex(csg_events(&b.g) & CSG_PROGRESS_TIMER, ==, 0);
    qtest_quit(b.qts);
}

/* A task whose memory stays locked */
static void test_progress_locked(void)
{
    Bed b;

    progress_start(&b, 1000);
    fragment_regs(&b.g, 0, 0, 0, 0, 63, 63);
    cs_submit_words(&b.g, 0, ON_SLOT, RUN(OP_RUN_FRAGMENT), DONE);
    qtest_clock_step(b.qts, NS_REQUEST + 1);
    gpu_as_lock(b.qts, 1, VM_VA, 20);
    qtest_clock_step(b.qts, 900 * NS_UNIT);
    g_assert_cmphex(csg_events(&b.g) & CSG_PROGRESS_TIMER, ==, 0);
    qtest_clock_step(b.qts, 200 * NS_UNIT);
    g_assert_cmphex(csg_events(&b.g) & CSG_PROGRESS_TIMER, ==,
                    CSG_PROGRESS_TIMER);
    gpu_as_command(b.qts, 1, CMD_UNLOCK);
    g_assert_true(cs_wait_drained(&b.g, 0));
    qtest_quit(b.qts);
}

static const TestCase cases[] = {
    { "resource/blocked", test_blocked },
    { "resource/shared", test_shared },
    { "resource/again", test_again },
    { "resource/order", test_order },
    { "resource/tasks", test_tasks },
    { "resource/suspend", test_suspend },
    { "resource/idle", test_idle },
    { "resource/no-endpoint", test_no_endpoint },
    { "progress", test_progress },
    { "progress/in-time", test_progress_in_time },
    { "progress/streams", test_progress_streams },
    { "progress/locked", test_progress_locked },
};

typedef struct GiveUp {
    void (*run)(Three *t);
    const char *name;
} GiveUp;

static const GiveUp give_ups[] = {
    { give_up_less, "resource/gives-up/asks-for-less" },
    { give_up_wait, "resource/gives-up/waits" },
    { give_up_end, "resource/gives-up/ends" },
    { give_up_fatal, "resource/gives-up/fatal" },
    { give_up_leave, "resource/gives-up/leaves" },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_cases("endpoint", cases, ARRAY_SIZE(cases));
    for (int i = 0; i < ARRAY_SIZE(give_ups); i++) {
        add_data_case("endpoint", give_ups[i].name, &give_ups[i], test_give_up);
    }

    return g_test_run();
}
