/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU: locked regions of the firmware's address space
 *
 * The driver locks one whenever it maps a ring or a suspend buffer for a new
 * group, next to those of others: only who needs what is in it may wait.
 */

#include "qemu/osdep.h"
#include "mali-csf-stream.h"

#define VA_MARK                 (VA_DATA + 0x100)
#define VA_OBJECT               (VA_DATA + 0x200)
#define LOCK_LOG2               15

/* Rings of queues 0 to 3, and what is behind them, of group @g */
static void lock_rings(const Bed *b, const Group *g)
{
    gpu_as_lock(b->qts, 0, GROUP_VA(g->n), LOCK_LOG2);
}

static void unlock(const Bed *b)
{
    gpu_as_command(b->qts, 0, CMD_UNLOCK);
}

/* Whether the firmware answers global requests, with what else waits */
static bool answers(const Bed *b)
{
    uint32_t req = fw_read(b->qts, FW_REQ) ^ GLB_PING;

    fw_request(b->qts, req);
    qtest_clock_step(b->qts, NS_LOOK);
    return !((fw_read(b->qts, FW_ACK) ^ req) & GLB_PING);
}

static void submit_mark(const Group *g, unsigned j, uint64_t to, uint32_t mark)
{
    cs_submit_words(g, j, MOVE48(0, to), MOVE32(2, mark), STORE(2, 0, 1, 0),
                    WAIT(0xff));
}

/* New work of a ring in the region waits, that of all others is done */
static void test_ring(void)
{
    Group other;
    Bed b;

    bed_start(&b, 5);
    other = bed_neighbour(&b, 1);
    lock_rings(&b, &b.g);
    submit_mark(&b.g, 0, VA_MARK, 0x1111);
    submit_mark(&b.g, 4, VA_MARK + 4, 0x2222);
    check_works(&other, 0, 0x3333);
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_cmphex(vm_read(&b.vm, VA_MARK), ==, 0);
    g_assert_cmphex(vm_read(&b.vm, VA_MARK + 4), ==, 0x2222);
    csg_ask_status(&other);
    g_assert_true(answers(&b));
    g_assert_cmphex(csg_out(&other, CSG_ACK) & ~CSG_EVENTS, ==,
                    csg_in(&other, CSG_REQ) & ~CSG_EVENTS);
    unlock(&b);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmphex(vm_read(&b.vm, VA_MARK), ==, 0x1111);
    qtest_quit(b.qts);
}

/* Events come behind the extract that they tell of, and none is lost */
static void test_events(void)
{
    Bed b;

    bed_start(&b, 1);
    cs_submit_words(&b.g, 0, MOVE48(0, VA_OBJECT), MOVE48(2, 0),
                    SYNC_UNTIL(OP_SYNC_WAIT64, 0, 2, IF_GT),
                    MOVE48(4, VA_MARK), SYNC(OP_SYNC_SET64, 4, 0, 0),
                    INSN(0xee, 0, 0, 0, 0));
    qtest_clock_step(b.qts, NS_JOB);
    csg_ack_events(&b.g);
    lock_rings(&b, &b.g);
    vm_write64(&b.vm, VA_OBJECT, 1);
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_cmphex(csg_events(&b.g), ==, 0);
    g_assert_cmphex(cs_events(&b.g, 0), ==, 0);
    unlock(&b);
    g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_FATAL));
    g_assert_cmphex(csg_events(&b.g) & CSG_SYNC_UPDATE, ==, CSG_SYNC_UPDATE);
    g_assert_cmphex(vm_read64(&b.vm, VA_MARK), ==, VA_OBJECT);
    g_assert_cmpuint(ring_get(&b.g, 0, RING_EXTRACT), ==, 5 * 8);
    qtest_quit(b.qts);
}

/* The same when the group is to leave its slot meanwhile */
static void test_events_at_suspend(void)
{
    Bed b;

    bed_start(&b, 1);
    cs_submit_words(&b.g, 0, MOVE48(0, VA_OBJECT), MOVE48(2, 0),
                    SYNC_UNTIL(OP_SYNC_WAIT64, 0, 2, IF_GT),
                    MOVE48(4, VA_MARK), SYNC(OP_SYNC_SET64, 4, 0, 0));
    qtest_clock_step(b.qts, NS_JOB);
    csg_ack_events(&b.g);
    lock_rings(&b, &b.g);
    vm_write64(&b.vm, VA_OBJECT, 1);
    qtest_clock_step(b.qts, NS_JOB);
    csg_ask_state(&b.g, CSG_SUSPEND);
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_cmphex(csg_out(&b.g, CSG_ACK) & CSG_STATE, ==, CSG_START);
    g_assert_cmphex(csg_events(&b.g), ==, 0);
    unlock(&b);
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_cmphex(csg_out(&b.g, CSG_ACK) & CSG_STATE, ==, CSG_SUSPEND);
    g_assert_cmphex(csg_events(&b.g) & CSG_SYNC_UPDATE, ==, CSG_SYNC_UPDATE);
    g_assert_true(cs_drained(&b.g, 0));
    qtest_quit(b.qts);
}

/* A suspend buffer in the region: its group cannot leave, others can */
static void test_suspend(void)
{
    Group other;
    Bed b;

    bed_start(&b, 1);
    other = bed_neighbour(&b, 1);
    cs_run_words(&b.g, 0, MOVE32(0, 0x5555));
    gpu_as_lock(b.qts, 0, GROUP_VA(b.g.n) + GROUP_SUSPEND, LOCK_LOG2);
    csg_ask_state(&b.g, CSG_SUSPEND);
    g_assert_true(answers(&b));
    csg_ask_state(&other, CSG_SUSPEND);
    qtest_clock_step(b.qts, NS_LOOK);
    g_assert_cmphex(csg_out(&other, CSG_ACK) & CSG_STATE, ==, CSG_SUSPEND);
    g_assert_cmphex(csg_out(&b.g, CSG_ACK) & CSG_STATE, ==, CSG_START);
    unlock(&b);
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_cmphex(csg_out(&b.g, CSG_ACK) & CSG_STATE, ==, CSG_SUSPEND);
    group_resume(&b.g, 2);
    group_resume(&other, 1);
    check_works(&other, 0, 0x6666);
    cs_run_words(&b.g, 0, MOVE48(92, VA_MARK), STORE(0, 92, 1, 0), WAIT(0xff));
    g_assert_cmphex(vm_read(&b.vm, VA_MARK), ==, 0x5555);
    qtest_quit(b.qts);
}

/* A group starts when all of its rings can be reached, and only once */
static void test_start(void)
{
    Bed b;

    bed_start(&b, 5);
    group_terminate(&b.g);
    vm_write64(&b.vm, VA_OBJECT, 0);
    for (unsigned j = 0; j < 5; j += 4) {
        const uint64_t words[] = {
            MOVE48(0, VA_OBJECT), MOVE48(2, 1), SYNC(OP_SYNC_ADD64, 0, 2, 0),
        };

        cs_append(&b.g, j, words, ARRAY_SIZE(words));
    }
    gpu_as_lock(b.qts, 0, GROUP_VA(b.g.n) + 0x8000, LOCK_LOG2);
    csg_program(&b.g);
    csg_ask_state(&b.g, CSG_START);
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_cmphex(csg_out(&b.g, CSG_ACK) & CSG_STATE, ==, CSG_TERMINATE);
    g_assert_cmpuint(vm_read64(&b.vm, VA_OBJECT), ==, 0);
    unlock(&b);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_true(cs_wait_drained(&b.g, 4));
    g_assert_cmphex(csg_out(&b.g, CSG_ACK) & CSG_STATE, ==, CSG_START);
    g_assert_cmpuint(vm_read64(&b.vm, VA_OBJECT), ==, 2);
    qtest_quit(b.qts);
}

/* What the firmware and the host talk through: nothing is done by halves */
static void test_shared(void)
{
    Bed b;

    bed_start(&b, 1);
    gpu_as_lock(b.qts, 0, FW_SHARED, LOCK_LOG2);
    submit_mark(&b.g, 0, VA_MARK, 0x1111);
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_cmphex(vm_read(&b.vm, VA_MARK), ==, 0);
    g_assert_false(answers(&b));
    unlock(&b);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmphex(vm_read(&b.vm, VA_MARK), ==, 0x1111);
    g_assert_true(answers(&b));
    qtest_quit(b.qts);
}

static const TestCase cases[] = {
    { "ring", test_ring },
    { "events", test_events },
    { "events-at-suspend", test_events_at_suspend },
    { "suspend", test_suspend },
    { "start", test_start },
    { "shared", test_shared },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_cases("stall", cases, ARRAY_SIZE(cases));

    return g_test_run();
}
