/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU that misbehaves: groups
 *
 * Requests of groups and queues that are answered late, wrongly or not at all,
 * events that do not come, and suspend buffers that are no good; the driver's
 * side is panthor_sched.c (contract 3.7 to 3.9 and 7).
 */

#include "qemu/osdep.h"
#include "mali-csf-inject.h"

static uint32_t csg_state(const Group *g)
{
    return csg_out(g, CSG_ACK) & CSG_STATE;
}

static bool csg_acked(const Group *g, uint32_t bits)
{
    return !((csg_in(g, CSG_REQ) ^ csg_out(g, CSG_ACK)) & bits);
}

/* --- Requests of a group (csgs_upd_ctx_apply_locked, 100 ms) --- */

/* As csg_ring(), but with no time for an answer */
static void ring_now(Bed *b)
{
    fw_toggle(b->qts, FW_DOORBELL_REQ, FW_DOORBELL_ACK, BIT(b->g.slot));
    gpu_write(b->qts, DOORBELL(0), 1);
}

static void ask_state(Bed *b, uint32_t state)
{
    csg_update(&b->g, state, CSG_STATE);
    ring_now(b);
}

static bool state_done(Bed *b)
{
    return csg_acked(&b->g, CSG_STATE);
}

static void start_suspend(Bed *b)
{
    ask_state(b, CSG_SUSPEND);
}

static void start_terminate(Bed *b)
{
    ask_state(b, CSG_TERMINATE);
}

static void start_start(Bed *b)
{
    csg_program(&b->g);
    csg_update(&b->g, ~csg_out(&b->g, CSG_ACK), CSG_ENDPOINT_CONFIG);
    ask_state(b, CSG_START);
}

static void start_resume(Bed *b)
{
    csg_program(&b->g);
    csg_update(&b->g, ~csg_out(&b->g, CSG_ACK), CSG_ENDPOINT_CONFIG);
    ask_state(b, CSG_RESUME);
}

static void suspend(Bed *b)
{
    check_works(&b->g, 0, 0xc0de);
    group_suspend(&b->g);
}

static void terminate(Bed *b)
{
    group_terminate(&b->g);
}

static void restart(Bed *b)
{
    group_start(&b->g, 0);
}

static void resume(Bed *b)
{
    group_resume(&b->g, 0);
}

static void start_endpoint(Bed *b)
{
    csg_update(&b->g, ~csg_out(&b->g, CSG_ACK), CSG_ENDPOINT_CONFIG);
    ring_now(b);
}

static bool endpoint_done(Bed *b)
{
    return csg_acked(&b->g, CSG_ENDPOINT_CONFIG);
}

static void start_status(Bed *b)
{
    csg_update(&b->g, ~csg_out(&b->g, CSG_ACK), CSG_STATUS_UPDATE);
    ring_now(b);
}

static bool status_done(Bed *b)
{
    return csg_acked(&b->g, CSG_STATUS_UPDATE);
}

/* panthor_sched_suspend(): a group that does not suspend is terminated */
static void terminate_instead(Bed *b)
{
    group_terminate(&b->g);
    group_start(&b->g, 0);
}

#define NS_SEEN_TWICE           (2 * NS_REQUEST)

#define WAIT_CSG(name, before, start, done, go_on, cope)                \
    { name, "csg-request csg=0 request=" name, NS_SEEN_TWICE,           \
      LIMIT_CSG, before, start, done, go_on, cope }

static const Wait waits[] = {
    WAIT_CSG("start", terminate, start_start, state_done, nothing, bed_reset),
    WAIT_CSG("suspend", NULL, start_suspend, state_done, resume,
             terminate_instead),
    WAIT_CSG("terminate", NULL, start_terminate, state_done, restart,
             bed_reset),
    WAIT_CSG("resume", suspend, start_resume, state_done, nothing, bed_reset),
    WAIT_CSG("endpoint-config", NULL, start_endpoint, endpoint_done, nothing,
             bed_reset),
    WAIT_CSG("status-update", NULL, start_status, status_done, nothing,
             bed_reset),
};

/* Another group, and the other requests of the same look, are answered */
static void test_others_answered(void)
{
    Group other;
    Bed b;

    bed_start(&b, 1);
    other = bed_neighbour(&b, 1);
    inject_add(b.qts, "csg-request name=s csg=0 request=status-update -> "
               "never");
    csg_update(&b.g, ~csg_out(&b.g, CSG_ACK), CSG_ENDPOINT_CONFIG);
    csg_ask_status(&b.g);
    csg_status(&other);
    g_assert_true(csg_acked(&b.g, CSG_ENDPOINT_CONFIG));
    g_assert_false(csg_acked(&b.g, CSG_STATUS_UPDATE));
    check_works(&b.g, 0, 0x1111);
    qtest_clock_step(b.qts, 100 * LIMIT_CSG);
    csg_ring(&b.g);
    g_assert_false(csg_acked(&b.g, CSG_STATUS_UPDATE));
    group_suspend(&other);
    group_resume(&other, 2);
    check_works(&other, 0, 0x2222);
    g_assert_cmpint(inject_matches(b.qts, "s"), ==, 1);
    /* A state is another request: what is held up does not hold it up */
    csg_ask_state(&b.g, CSG_SUSPEND);
    g_assert_cmphex(csg_state(&b.g), ==, CSG_SUSPEND);
    g_assert_false(csg_acked(&b.g, CSG_STATUS_UPDATE));
    qtest_quit(b.qts);
}

/* Each request is asked about once, whether or not it meets a lock first */
static void test_each_asked(void)
{
    static const char *const names[] = {
        "start", "suspend", "resume", "terminate", "status-update",
        "endpoint-config",
    };
    Bed b;

    bed_start(&b, 1);
    for (int i = 0; i < ARRAY_SIZE(names); i++) {
        inject_addf(b.qts, "csg-request name=%s request=%s -> count", names[i],
                    names[i]);
    }
    inject_add(b.qts, "suspend-save name=save -> count");
    for (int i = 1; i <= 3; i++) {
        group_terminate(&b.g);
        group_start(&b.g, 0);
        csg_status(&b.g);
        csg_status(&b.g);
        /* Ringing without a request is none */
        csg_ring(&b.g);
        group_suspend(&b.g);
        group_resume(&b.g, 0);
        g_assert_cmpint(inject_matches(b.qts, "terminate"), ==, i);
        g_assert_cmpint(inject_matches(b.qts, "start"), ==, i);
        g_assert_cmpint(inject_matches(b.qts, "status-update"), ==, 2 * i);
        g_assert_cmpint(inject_matches(b.qts, "suspend"), ==, i);
        g_assert_cmpint(inject_matches(b.qts, "save"), ==, i);
        g_assert_cmpint(inject_matches(b.qts, "resume"), ==, i);
        g_assert_cmpint(inject_matches(b.qts, "endpoint-config"), ==, 2 * i);
    }
    gpu_as_lock(b.qts, 0, GROUP_VA(0) + GROUP_SUSPEND, 17);
    csg_ask_state(&b.g, CSG_SUSPEND);
    qtest_clock_step(b.qts, NS_LONG);
    g_assert_cmphex(csg_state(&b.g), !=, CSG_SUSPEND);
    gpu_as_command(b.qts, 0, CMD_UNLOCK);
    qtest_clock_step(b.qts, NS_LONG);
    g_assert_cmphex(csg_state(&b.g), ==, CSG_SUSPEND);
    g_assert_cmpint(inject_matches(b.qts, "suspend"), ==, 4);
    g_assert_cmpint(inject_matches(b.qts, "save"), ==, 4);
    qtest_quit(b.qts);
}

/* A suspend that is late lets the streams run on until then */
static void test_runs_until(void)
{
    const uint64_t words[] = {
        MOVE48(4, VA_DATA), ADD_IMM32(6, 6, 1), STORE(6, 4, 1, 0),
        BRANCH(IF_ALWAYS, 0, -3),
    };
    uint32_t count;
    Bed b;

    bed_start(&b, 1);
    inject_add(b.qts, "csg-request request=suspend -> delay time=10ms");
    cs_submit_job(&b.g, 0, vm_stream(&b.vm, words, ARRAY_SIZE(words)),
                  sizeof(words));
    qtest_clock_step(b.qts, NS_JOB);
    csg_ask_state(&b.g, CSG_SUSPEND);
    count = vm_read(&b.vm, VA_DATA);
    qtest_clock_step(b.qts, 9000000);
    g_assert_cmpuint(vm_read(&b.vm, VA_DATA), >, count);
    qtest_clock_step(b.qts, 1000000 + NS_REQUEST);
    g_assert_cmphex(csg_state(&b.g), ==, CSG_SUSPEND);
    count = vm_read(&b.vm, VA_DATA);
    qtest_clock_step(b.qts, NS_LONG);
    g_assert_cmpuint(vm_read(&b.vm, VA_DATA), ==, count);
    qtest_quit(b.qts);
}

/* Taken back, and asked for again: the rule was for one request */
static void test_taken_back(void)
{
    Bed b;

    bed_start(&b, 1);
    inject_add(b.qts, "csg-request name=s request=suspend count=1 -> never");
    csg_ask_state(&b.g, CSG_SUSPEND);
    qtest_clock_step(b.qts, NS_LONG);
    g_assert_cmphex(csg_state(&b.g), ==, CSG_START);
    csg_set_state(&b.g, CSG_START);
    check_works(&b.g, 0, 0x1111);
    group_suspend(&b.g);
    group_resume(&b.g, 0);
    check_works(&b.g, 0, 0x2222);
    g_assert_cmpint(inject_hits(b.qts, "s"), ==, 1);
    qtest_quit(b.qts);
}

/* --- Wrong answers: "invalid state", and a reset (csg_slot_sync_state) --- */

typedef struct WrongAck {
    const char *name;
    const char *rule;
    uint32_t ask;
    uint32_t answer;
} WrongAck;

static const WrongAck wrong_acks[] = {
    { "suspend-start", "csg-request request=suspend count=1 -> ack value=1",
      CSG_SUSPEND, CSG_START },
    { "suspend-terminate",
      "csg-request request=suspend count=1 -> ack value=0", CSG_SUSPEND,
      CSG_TERMINATE },
    { "suspend-invalid", "csg-request request=suspend count=1 -> ack value=5",
      CSG_SUSPEND, 5 },
    { "terminate-invalid",
      "csg-request request=terminate count=1 -> ack value=7", CSG_TERMINATE,
      7 },
    { "terminate-resume",
      "csg-request request=terminate count=1 -> ack value=3", CSG_TERMINATE,
      CSG_RESUME },
};

static void test_wrong_ack(const void *opaque)
{
    const WrongAck *w = opaque;
    Bed b;

    bed_start(&b, 2);
    inject_addf(b.qts, "%s", w->rule);
    csg_ask_state(&b.g, w->ask);
    g_assert_cmphex(csg_state(&b.g), ==, w->answer);
    qtest_clock_step(b.qts, LIMIT_CSG);
    g_assert_cmphex(csg_state(&b.g), ==, w->answer);
    bed_reset(&b);
    check_works(&b.g, 0, 0x1111);
    check_works(&b.g, 1, 0x1111);
    qtest_quit(b.qts);
}

/* --- Requests of queues --- */

/* A queue that is not started: the others are, and so is it when time comes */
static void test_queue_start(void)
{
    Bed b;

    bed_start(&b, 2);
    group_terminate(&b.g);
    inject_add(b.qts, "cs-request name=c csg=0 cs=1 request=start -> "
               "delay time=1ms");
    group_start(&b.g, 0);
    cs_submit_words(&b.g, 1, NOP);
    check_works(&b.g, 0, 0x1111);
    g_assert_false(cs_drained(&b.g, 1));
    qtest_clock_step(b.qts, 1000000);
    g_assert_true(cs_wait_drained(&b.g, 1));
    g_assert_cmphex((cs_in(&b.g, 1, CS_REQ) ^ cs_out(&b.g, 1, CS_ACK)) & 7, ==,
                    0);
    g_assert_cmpint(inject_hits(b.qts, "c"), ==, 1);
    check_works(&b.g, 1, 0x2222);
    inject_remove(b.qts, "c");
    /* For ever: the host cannot tell but by the job's timeout */
    group_terminate(&b.g);
    inject_add(b.qts, "cs-request name=c cs=1 request=start count=1 -> never");
    group_start(&b.g, 0);
    cs_submit_words(&b.g, 1, NOP);
    qtest_clock_step(b.qts, LIMIT_JOB);
    g_assert_false(cs_drained(&b.g, 1));
    check_works(&b.g, 0, 0x3333);
    group_terminate(&b.g);
    group_start(&b.g, 0);
    check_works(&b.g, 1, 0x4444);
    g_assert_cmpint(inject_hits(b.qts, "c"), ==, 1);
    qtest_quit(b.qts);
}

/* A queue whose start is late goes on where it was suspended */
static void test_queue_resume(void)
{
    uint32_t regs[16];
    Bed b;

    bed_start(&b, 2);
    cs_run_words(&b.g, 1, MOVE32(20, 0x1234), MOVE32(21, 0x5678));
    group_suspend(&b.g);
    inject_add(b.qts, "cs-request cs=1 request=start -> delay time=1ms");
    group_resume(&b.g, 3);
    check_works(&b.g, 0, 0x1111);
    /* In the meantime it is suspended once more */
    group_suspend(&b.g);
    group_resume(&b.g, 2);
    qtest_clock_step(b.qts, 2000000);
    cs_read_regs(&b.g, 1, 20, regs);
    g_assert_cmphex(regs[0], ==, 0x1234);
    g_assert_cmphex(regs[1], ==, 0x5678);
    qtest_quit(b.qts);
}

static void test_queue_stop(void)
{
    Bed b;

    bed_start(&b, 2);
    inject_add(b.qts, "cs-request cs=0 request=stop count=1 -> delay time=1ms");
    cs_submit_job(&b.g, 0, endless(&b.vm), 8);
    qtest_clock_step(b.qts, NS_JOB);
    cs_in_set(&b.g, 0, CS_REQ, cs_in(&b.g, 0, CS_REQ) & ~7u);
    csg_ring_queues(&b.g, 1);
    g_assert_cmphex(cs_out(&b.g, 0, CS_ACK) & 7, ==, CS_START);
    qtest_clock_step(b.qts, 1000000 + NS_REQUEST);
    g_assert_cmphex(cs_out(&b.g, 0, CS_ACK) & 7, ==, 0);
    check_works(&b.g, 1, 0x1111);
    qtest_quit(b.qts);
}

static void test_queue_wrong(void)
{
    Bed b;

    bed_start(&b, 1);
    group_terminate(&b.g);
    inject_add(b.qts, "cs-request cs=0 request=start count=1 -> ack value=4");
    group_start(&b.g, 0);
    g_assert_cmphex(cs_out(&b.g, 0, CS_ACK) & 7, ==, 4);
    check_works(&b.g, 0, 0x1111);
    qtest_quit(b.qts);
}

/* --- Events --- */

static void sync_job(Bed *b)
{
    cs_submit_words(&b->g, 0, MOVE48(4, VA_DATA), MOVE48(6, 1),
                    SYNC(OP_SYNC_ADD64, 4, 6, 0));
}

/*
 * A SYNC_UPDATE that does not come: the job is done, the driver learns of it
 * from the next event, or by its timeout of 5 s
 */
static void test_event_dropped(void)
{
    Bed b;

    bed_start(&b, 1);
    qtest_clock_step(b.qts, NS_LONG);
    csg_ack_events(&b.g);
    gpu_write(b.qts, JOB_INT + CLEAR, UINT32_MAX);
    inject_add(b.qts, "csg-event name=s csg=0 event=sync-update count=1 -> "
               "drop");
    inject_add(b.qts, "csg-event name=i event=idle count=1 -> drop");
    inject_add(b.qts, "csg-event name=o csg=1 -> drop");
    sync_job(&b);
    qtest_clock_step(b.qts, LIMIT_JOB);
    g_assert_cmpuint(vm_read64(&b.vm, VA_DATA), ==, 1);
    g_assert_true(cs_drained(&b.g, 0));
    g_assert_cmphex(csg_events(&b.g), ==, 0);
    g_assert_cmphex(gpu_read(b.qts, JOB_INT + RAWSTAT) & 1, ==, 0);
    g_assert_cmpint(inject_hits(b.qts, "s"), ==, 1);
    g_assert_cmpint(inject_hits(b.qts, "i"), ==, 1);
    g_assert_cmpint(inject_matches(b.qts, "o"), ==, 0);
    sync_job(&b);
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_cmphex(csg_events(&b.g), ==, CSG_SYNC_UPDATE | CSG_IDLE);
    g_assert_cmphex(gpu_read(b.qts, JOB_INT + RAWSTAT) & 1, ==, 1);
    qtest_quit(b.qts);
}

static void test_event_delayed(void)
{
    Bed b;

    bed_start(&b, 1);
    qtest_clock_step(b.qts, NS_LONG);
    csg_ack_events(&b.g);
    gpu_write(b.qts, JOB_INT + CLEAR, UINT32_MAX);
    inject_add(b.qts, "csg-event event=sync-update count=1 -> delay time=7ms");
    sync_job(&b);
    qtest_clock_step(b.qts, NS_REQUEST + 1 + 7000000 - 1);
    g_assert_cmphex(csg_events(&b.g), ==, CSG_IDLE);
    qtest_clock_step(b.qts, 1);
    g_assert_cmphex(csg_events(&b.g), ==, CSG_SYNC_UPDATE | CSG_IDLE);
    /* One that is still to come when the group goes does not come */
    csg_ack_events(&b.g);
    inject_add(b.qts, "csg-event event=sync-update count=1 -> delay time=7ms");
    sync_job(&b);
    qtest_clock_step(b.qts, NS_JOB);
    csg_ack_events(&b.g);
    group_suspend(&b.g);
    qtest_clock_step(b.qts, NS_LONG);
    g_assert_cmphex(csg_events(&b.g) & CSG_SYNC_UPDATE, ==, 0);
    qtest_quit(b.qts);
}

/* --- Suspend buffers --- */

typedef struct BadBuffer {
    const char *name;
    const char *rule;
    bool lives;             /* it can be resumed all the same */
} BadBuffer;

static const BadBuffer bad_buffers[] = {
    { "save-fail", "suspend-save csg=0 count=1 -> fail" },
    { "load-fail", "suspend-load csg=0 count=1 -> fail" },
    { "save-magic", "suspend-save count=1 -> flip bits=1" },
    { "load-magic", "suspend-load count=1 -> flip bits=0x80000000" },
    { "save-version", "suspend-save count=1 -> flip bits=0x100000000" },
    { "load-slots", "suspend-load count=1 -> set value=9 offset=8" },
    /* The last 8 bytes are no queue's that is in use */
    { "save-end", "suspend-save count=1 -> flip bits=1 offset=0xffffff", true },
    { "other", "suspend-save csg=1 count=1 -> fail", true },
};

/*
 * A group that cannot be had back is in error: its queues say so, which kills
 * it and nobody else (cs_slot_process_fatal_event_locked)
 */
static void test_buffer(const void *opaque)
{
    const BadBuffer *c = opaque;
    Group other;
    Bed b;

    bed_start(&b, 2);
    other = bed_neighbour(&b, 1);
    check_works(&b.g, 0, 0x1111);
    inject_addf(b.qts, "%s", c->rule);
    group_suspend(&b.g);
    g_assert_cmphex(csg_state(&b.g), ==, CSG_SUSPEND);
    group_resume(&b.g, 0);
    if (c->lives) {
        check_works(&b.g, 0, 0x2222);
    } else {
        g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_FATAL));
        g_assert_true(cs_wait_events(&b.g, 1, CS_EVENT_FATAL));
        g_assert_cmphex(cs_out(&b.g, 0, CS_FATAL) & 0xff, ==, EXC_CONFIG);
        cs_ack_events(&b.g, 0);
        cs_ack_events(&b.g, 1);
        group_terminate(&b.g);
        b.g = group_new(&b.vm, 0, 2);
        group_start(&b.g, 0);
    }
    g_assert_cmphex(gpu_read(b.qts, MCU_STATUS), ==, MCU_ENABLED);
    check_works(&b.g, 0, 0x3333);
    check_works(&b.g, 1, 0x3333);
    check_works(&other, 0, 0x4444);
    group_suspend(&b.g);
    group_resume(&b.g, 0);
    check_works(&b.g, 0, 0x5555);
    qtest_quit(b.qts);
}

/* Whatever one bit of the buffer is: the GPU, and others, live on */
static void test_any_bit(void)
{
    Group other;
    Bed b;

    bed_start(&b, 2);
    other = bed_neighbour(&b, 1);
    for (int i = 0; i < 60; i++) {
        inject_addf(b.qts, "suspend-load name=b csg=0 count=1 -> flip bits="
                    "0x%" PRIx64 " offset=%d", BIT_ULL(i * 11 % 64), i * 8);
        group_suspend(&b.g);
        csg_program(&b.g);
        csg_ask_state(&b.g, CSG_RESUME);
        g_assert_cmphex(csg_state(&b.g), ==, CSG_RESUME);
        g_assert_cmpint(inject_hits(b.qts, "b"), ==, 1);
        cs_submit_words(&b.g, 0, NOP);
        qtest_clock_step(b.qts, NS_JOB);
        g_assert_cmphex(gpu_read(b.qts, MCU_STATUS), ==, MCU_ENABLED);
        inject_remove(b.qts, "b");
        group_terminate(&b.g);
        gpu_write(b.qts, MMU_INT + CLEAR, UINT32_MAX);
        b.g = group_new(&b.vm, 0, 2);
        group_start(&b.g, 0);
        cs_ack_events(&b.g, 0);
        cs_ack_events(&b.g, 1);
    }
    check_works(&b.g, 0, 0x1111);
    check_works(&other, 0, 0x2222);
    qtest_quit(b.qts);
}

/* --- Suspended groups and a reset (contract 3.9) --- */

/* What was suspended survives a hang reset, and so does its position */
static void test_survives_reset(void)
{
    uint32_t regs[16];
    Group other;
    Bed b;

    bed_start(&b, 1);
    other = bed_neighbour(&b, 1);
    cs_run_words(&other, 0, MOVE32(20, 0x1234));
    group_suspend(&other);
    inject_add(b.qts, "csg-request csg=0 request=suspend -> never");
    cs_submit_job(&b.g, 0, endless(&b.vm), 8);
    qtest_clock_step(b.qts, NS_JOB);
    csg_ask_state(&b.g, CSG_SUSPEND);
    qtest_clock_step(b.qts, LIMIT_CSG);
    g_assert_cmphex(csg_state(&b.g), ==, CSG_START);
    bed_reset(&b);
    group_resume(&other, 4);
    cs_read_regs(&other, 0, 20, regs);
    g_assert_cmphex(regs[0], ==, 0x1234);
    check_works(&b.g, 0, 0x1111);
    qtest_quit(b.qts);
}

int main(int argc, char **argv)
{
    static const TestCase cases[] = {
        { "others-answered", test_others_answered },
        { "each-asked", test_each_asked },
        { "runs-until", test_runs_until },
        { "taken-back", test_taken_back },
        { "queue-start", test_queue_start },
        { "queue-resume", test_queue_resume },
        { "queue-stop", test_queue_stop },
        { "queue-wrong", test_queue_wrong },
        { "event-dropped", test_event_dropped },
        { "event-delayed", test_event_delayed },
        { "any-bit", test_any_bit },
        { "survives-reset", test_survives_reset },
    };

    g_test_init(&argc, &argv, NULL);
    add_waits("inject-csg", waits, ARRAY_SIZE(waits));
    add_cases("inject-csg", cases, ARRAY_SIZE(cases));
    for (int i = 0; i < ARRAY_SIZE(wrong_acks); i++) {
        add_data_case("inject-csg/wrong-ack", wrong_acks[i].name,
                      &wrong_acks[i], test_wrong_ack);
    }
    for (int i = 0; i < ARRAY_SIZE(bad_buffers); i++) {
        add_data_case("inject-csg/buffer", bad_buffers[i].name,
                      &bad_buffers[i], test_buffer);
    }
    return g_test_run();
}
