/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU that misbehaves: the microcontroller and its
 * firmware
 *
 * Boots, halts and global requests that are late, wrong or never come; the
 * driver's side is panthor_fw.c (contract 3.9 and 7).
 */

#include "qemu/osdep.h"
#include "mali-csf-inject.h"

static uint32_t mcu_status(Bed *b)
{
    return gpu_read(b->qts, MCU_STATUS);
}

static void stop_mcu(Bed *b)
{
    gpu_write(b->qts, MCU_CONTROL, MCU_DISABLE);
    qtest_clock_step(b->qts, NS_MCU_STOP);
    g_assert_cmphex(mcu_status(b), ==, MCU_DISABLED);
}

/* --- Boots (panthor_fw_start, 1 s) --- */

static void suspend_and_stop(Bed *b)
{
    group_suspend(&b->g);
    stop_mcu(b);
    qtest_memset(b->qts, RAM_SECTION, 0, FW_SHARED_SIZE);
    gpu_write(b->qts, JOB_INT + CLEAR, UINT32_MAX);
}

static void suspend_and_halt(Bed *b)
{
    group_suspend(&b->g);
    fw_halt(b->qts);
    stop_mcu(b);
    fw_write(b->qts, FW_REQ, fw_read(b->qts, FW_REQ) & ~GLB_HALT);
    gpu_write(b->qts, JOB_INT + CLEAR, UINT32_MAX);
}

static void start_boot(Bed *b)
{
    gpu_write(b->qts, MCU_CONTROL, MCU_AUTO);
}

static bool boot_done(Bed *b)
{
    return gpu_read(b->qts, JOB_INT + RAWSTAT) & JOB_GLB;
}

static void resume_group(Bed *b)
{
    qtest_clock_step(b->qts, NS_REQUEST);
    gpu_write(b->qts, JOB_INT + CLEAR, UINT32_MAX);
    fw_write(b->qts, FW_ACK_IRQ_MASK, 0x0400010e);
    group_resume(&b->g, 0);
}

/* panthor_fw_post_reset(): once more, and slowly */
static void boot_slowly(Bed *b)
{
    gpu_write(b->qts, MCU_CONTROL, MCU_DISABLE);
    qtest_clock_step(b->qts, NS_MCU_STOP);
    g_assert_cmphex(mcu_status(b), ==, MCU_DISABLED);
    qtest_memset(b->qts, RAM_SECTION, 0, FW_SHARED_SIZE);
    gpu_write(b->qts, JOB_INT + CLEAR, UINT32_MAX);
    start_boot(b);
    qtest_clock_step(b->qts, NS_COLD_BOOT);
    g_assert_true(boot_done(b));
    resume_group(b);
}

/* --- Stopping and halting --- */

static void start_stop(Bed *b)
{
    gpu_write(b->qts, MCU_CONTROL, MCU_DISABLE);
}

static bool stop_done(Bed *b)
{
    return mcu_status(b) == MCU_DISABLED;
}

static void suspend_group(Bed *b)
{
    group_suspend(&b->g);
}

static void boot_and_resume(Bed *b)
{
    qtest_memset(b->qts, RAM_SECTION, 0, FW_SHARED_SIZE);
    gpu_write(b->qts, JOB_INT + CLEAR, UINT32_MAX);
    start_boot(b);
    qtest_clock_step(b->qts, NS_COLD_BOOT);
    g_assert_true(boot_done(b));
    resume_group(b);
}

static void start_halt(Bed *b)
{
    fw_write(b->qts, FW_REQ, fw_read(b->qts, FW_REQ) | GLB_HALT);
    gpu_write(b->qts, DOORBELL(0), 1);
}

static bool halt_done(Bed *b)
{
    return mcu_status(b) == MCU_HALT;
}

static void resume_after_halt(Bed *b)
{
    stop_mcu(b);
    fw_write(b->qts, FW_REQ, fw_read(b->qts, FW_REQ) &
                             ~(GLB_HALT | GLB_STATE(7)));
    gpu_write(b->qts, JOB_INT + CLEAR, UINT32_MAX);
    start_boot(b);
    qtest_clock_step(b->qts, NS_WARM_BOOT);
    g_assert_true(boot_done(b));
    resume_group(b);
}

/* Interface 4.1: the state, which is acknowledged (panthor_fw_has_glb_state) */
static void start_halt_state(Bed *b)
{
    fw_write(b->qts, FW_REQ, (fw_read(b->qts, FW_REQ) & ~GLB_STATE(7)) |
                             GLB_STATE(1));
    gpu_write(b->qts, DOORBELL(0), 1);
}

static bool halt_state_done(Bed *b)
{
    return halt_done(b) &&
           (fw_read(b->qts, FW_ACK) & GLB_STATE(7)) == GLB_STATE(1);
}

/* --- Global requests (panthor_fw_glb_wait_acks, 100 ms) --- */

static void start_request(Bed *b, uint32_t bit)
{
    fw_write(b->qts, FW_REQ, fw_read(b->qts, FW_REQ) ^ bit);
    gpu_write(b->qts, DOORBELL(0), 1);
}

static bool request_done(Bed *b, uint32_t bit)
{
    return !((fw_read(b->qts, FW_REQ) ^ fw_read(b->qts, FW_ACK)) & bit);
}

#define REQUEST(name, bit)                                              \
    static void start_##name(Bed *b)                                    \
    {                                                                   \
        start_request(b, bit);                                          \
    }                                                                   \
                                                                        \
    static bool name##_done(Bed *b)                                     \
    {                                                                   \
        return request_done(b, bit);                                    \
    }

REQUEST(ping, GLB_PING)
REQUEST(progress_timer, GLB_CFG_PROGRESS_TIMER)
REQUEST(alloc_en, GLB_CFG_ALLOC_EN)
REQUEST(poweroff_timer, GLB_CFG_POWEROFF_TIMER)
REQUEST(counter_en, GLB_COUNTER_EN)
REQUEST(idle_en, GLB_IDLE_EN)

/* A request is seen, and seen once more when its time has come */
#define NS_SEEN_TWICE           (2 * NS_REQUEST)

#define WAIT_REQUEST(text, name)                                        \
    { text, "glb-request request=" text, NS_SEEN_TWICE, LIMIT_PING,     \
      NULL, start_##name, name##_done, nothing, bed_reset }

static const Wait waits[] = {
    { "boot-cold", "mcu-boot kind=cold", NS_COLD_BOOT, LIMIT_BOOT,
      suspend_and_stop, start_boot, boot_done, resume_group, bed_reset },
    { "boot-warm", "mcu-boot kind=warm", NS_WARM_BOOT, LIMIT_BOOT,
      suspend_and_halt, start_boot, boot_done, resume_group, boot_slowly },
    { "stop", "mcu-stop", NS_MCU_STOP, LIMIT_MCU_STOP, suspend_group,
      start_stop, stop_done, boot_and_resume, bed_reset },
    { "halt", "mcu-halt", NS_REQUEST + NS_HALT, LIMIT_HALT, suspend_group,
      start_halt, halt_done, resume_after_halt, bed_reset },
    { "halt-request", "glb-request request=halt", NS_SEEN_TWICE + NS_HALT,
      LIMIT_HALT, suspend_group, start_halt, halt_done, resume_after_halt,
      bed_reset },
    { "halt-state", "glb-request request=halt", NS_SEEN_TWICE + NS_HALT,
      LIMIT_HALT, suspend_group, start_halt_state, halt_state_done,
      resume_after_halt, bed_reset, "fw-iface=4.1.0" },
    WAIT_REQUEST("ping", ping),
    WAIT_REQUEST("cfg-progress-timer", progress_timer),
    WAIT_REQUEST("cfg-alloc-en", alloc_en),
    WAIT_REQUEST("cfg-poweroff-timer", poweroff_timer),
    WAIT_REQUEST("counter-en", counter_en),
    WAIT_REQUEST("idle-en", idle_en),
};

/* --- Beside the waiting --- */

/* Other requests of the same look are answered */
static void test_others_answered(void)
{
    Bed b;

    bed_start(&b, 1);
    inject_add(b.qts, "glb-request name=p request=ping -> never");
    start_request(&b, GLB_PING | GLB_CFG_ALLOC_EN | GLB_COUNTER_EN);
    qtest_clock_step(b.qts, NS_REQUEST);
    g_assert_true(request_done(&b, GLB_CFG_ALLOC_EN | GLB_COUNTER_EN));
    g_assert_false(request_done(&b, GLB_PING));
    /* Looking again asks no second time */
    gpu_write(b.qts, DOORBELL(0), 1);
    qtest_clock_step(b.qts, NS_LONG);
    g_assert_false(request_done(&b, GLB_PING));
    g_assert_cmpint(inject_matches(b.qts, "p"), ==, 1);
    /* Taken back it is no request; the next is one more */
    start_request(&b, GLB_PING);
    qtest_clock_step(b.qts, NS_REQUEST);
    g_assert_true(request_done(&b, GLB_PING));
    start_request(&b, GLB_PING);
    qtest_clock_step(b.qts, NS_LONG);
    g_assert_false(request_done(&b, GLB_PING));
    g_assert_cmpint(inject_matches(b.qts, "p"), ==, 2);
    check_works(&b.g, 0, 0x1111);
    qtest_quit(b.qts);
}

/* One request after the other is asked about, and none twice */
static void test_each_asked(void)
{
    Bed b;

    bed_start(&b, 1);
    inject_add(b.qts, "glb-request name=p request=ping -> count");
    inject_add(b.qts, "glb-request name=h request=halt -> count");
    for (int i = 1; i <= 5; i++) {
        start_request(&b, GLB_PING);
        qtest_clock_step(b.qts, NS_REQUEST);
        g_assert_true(request_done(&b, GLB_PING));
        gpu_write(b.qts, DOORBELL(0), 1);
        qtest_clock_step(b.qts, NS_REQUEST);
        g_assert_cmpint(inject_hits(b.qts, "p"), ==, i);
    }
    for (int i = 1; i <= 3; i++) {
        group_suspend(&b.g);
        start_halt(&b);
        qtest_clock_step(b.qts, NS_REQUEST);
        gpu_write(b.qts, DOORBELL(0), 1);
        qtest_clock_step(b.qts, NS_HALT);
        g_assert_true(halt_done(&b));
        g_assert_cmpint(inject_hits(b.qts, "h"), ==, i);
        resume_after_halt(&b);
    }
    qtest_quit(b.qts);
}

/* A level that is held up is not in force: the counter stands still */
static void test_counter_held(void)
{
    uint64_t cycles;
    Bed b;

    bed_start(&b, 1);
    inject_add(b.qts, "glb-request request=counter-en -> delay time=1ms");
    start_request(&b, GLB_COUNTER_EN);
    qtest_clock_step(b.qts, 900000);
    cycles = gpu_read64(b.qts, CYCLE_COUNT);
    qtest_clock_step(b.qts, 100000 + NS_REQUEST);
    g_assert_cmpuint(gpu_read64(b.qts, CYCLE_COUNT), ==, cycles);
    qtest_clock_step(b.qts, NS_REQUEST + 1000);
    g_assert_cmpuint(gpu_read64(b.qts, CYCLE_COUNT), >, cycles);
    qtest_quit(b.qts);
}

/* The answer says what was not asked: to the driver, none has come */
static void test_wrong_ack(void)
{
    Bed b;

    bed_start(&b, 1);
    inject_add(b.qts, "glb-request request=ping count=1 -> ack value=0");
    start_request(&b, GLB_PING);
    g_assert_true(fw_read(b.qts, FW_REQ) & GLB_PING);
    qtest_clock_step(b.qts, LIMIT_PING);
    g_assert_false(request_done(&b, GLB_PING));
    bed_reset(&b);
    check_works(&b.g, 0, 0x1111);
    qtest_quit(b.qts);
}

/* The state that is acknowledged is not the one that the host waits for */
static void test_wrong_state(void)
{
    Bed b;

    bed_start_with(&b, 1, "fw-iface=4.1.0");
    suspend_group(&b);
    inject_add(b.qts, "glb-request request=halt count=1 -> ack value=2");
    start_halt_state(&b);
    qtest_clock_step(b.qts, LIMIT_HALT);
    g_assert_true(halt_done(&b));
    g_assert_cmphex(fw_read(b.qts, FW_ACK) & GLB_STATE(7), ==, GLB_STATE(2));
    bed_reset(&b);
    check_works(&b.g, 0, 0x1111);
    qtest_quit(b.qts);
}

/* A boot that fails says so, and raises nothing */
static void test_boot_fails(void)
{
    Bed b;

    bed_start(&b, 1);
    suspend_and_halt(&b);
    inject_add(b.qts, "mcu-boot name=cold kind=cold -> fail");
    inject_add(b.qts, "mcu-boot name=warm kind=warm count=1 -> fail");
    start_boot(&b);
    qtest_clock_step(b.qts, LIMIT_BOOT);
    g_assert_false(boot_done(&b));
    g_assert_cmphex(mcu_status(&b), ==, MCU_FATAL);
    g_assert_cmpint(inject_hits(b.qts, "warm"), ==, 1);
    /* The retry is a cold one, and fails as well: the device is unplugged */
    stop_mcu(&b);
    qtest_memset(b.qts, RAM_SECTION, 0, FW_SHARED_SIZE);
    start_boot(&b);
    qtest_clock_step(b.qts, LIMIT_BOOT);
    g_assert_false(boot_done(&b));
    g_assert_cmphex(mcu_status(&b), ==, MCU_FATAL);
    g_assert_cmpint(inject_hits(b.qts, "cold"), ==, 1);
    /* And probed again */
    inject_remove(b.qts, "cold");
    bed_reset(&b);
    check_works(&b.g, 0, 0x1111);
    qtest_quit(b.qts);
}

/* The second of two boots */
static void test_boot_skipped(void)
{
    QTestState *qts = gpu_start("inject='mcu-boot skip=1 count=1 -> never'");

    fw_prepare(qts, FW_SHARED_SIZE);
    fw_boot(qts, NS_COLD_BOOT);
    gpu_write(qts, MCU_CONTROL, MCU_DISABLE);
    qtest_clock_step(qts, NS_MCU_STOP);
    gpu_write(qts, MCU_CONTROL, MCU_AUTO);
    qtest_clock_step(qts, LIMIT_BOOT);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_DISABLED);
    gpu_write(qts, MCU_CONTROL, MCU_DISABLE);
    qtest_clock_step(qts, NS_MCU_STOP);
    fw_boot(qts, NS_COLD_BOOT);
    qtest_quit(qts);
}

/* --- Doorbells --- */

static void test_doorbell_dropped(void)
{
    Bed b;

    bed_start(&b, 1);
    inject_add(b.qts, "doorbell name=d doorbell=0 count=1 -> drop");
    start_ping(&b);
    qtest_clock_step(b.qts, LIMIT_PING);
    g_assert_false(ping_done(&b));
    /* The next one is for both */
    gpu_write(b.qts, DOORBELL(0), 1);
    qtest_clock_step(b.qts, NS_REQUEST);
    g_assert_true(ping_done(&b));
    /* A queue's: the job waits for the next, as the timeout of a job does */
    inject_add(b.qts, "doorbell doorbell=1 count=1 -> drop");
    cs_submit_words(&b.g, 0, NOP);
    qtest_clock_step(b.qts, LIMIT_JOB);
    g_assert_false(cs_drained(&b.g, 0));
    gpu_write(b.qts, DOORBELL(1), 1);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmpint(inject_matches(b.qts, "d"), ==, 2);
    qtest_quit(b.qts);
}

static void test_doorbell_delayed(void)
{
    Bed b;

    bed_start(&b, 1);
    inject_add(b.qts, "doorbell doorbell=0..1 -> delay time=1ms");
    start_ping(&b);
    qtest_clock_step(b.qts, 1000000 + NS_REQUEST - 1);
    g_assert_false(ping_done(&b));
    qtest_clock_step(b.qts, 1);
    g_assert_true(ping_done(&b));
    cs_submit_words(&b.g, 0, NOP);
    qtest_clock_step(b.qts, 1000000 + NS_REQUEST);
    g_assert_false(cs_drained(&b.g, 0));
    qtest_clock_step(b.qts, 1);
    g_assert_true(cs_drained(&b.g, 0));
    qtest_quit(b.qts);
}

/* --- Events --- */

/* All groups have been idle for so long (in units of 1024 ns) */
#define IDLE_UNITS              100
#define NS_IDLE                 (IDLE_UNITS * 1024)

static bool glb_idle(Bed *b)
{
    return (fw_read(b->qts, FW_REQ) ^ fw_read(b->qts, FW_ACK)) &
           GLB_IDLE_EVENT;
}

static void watch_idle(Bed *b)
{
    bed_start(b, 1);
    fw_write(b->qts, FW_IDLE_TIMER, IDLE_UNITS);
    fw_request(b->qts, fw_read(b->qts, FW_REQ) | GLB_IDLE_EN);
    qtest_clock_step(b->qts, NS_LONG);
    fw_write(b->qts, FW_REQ, (fw_read(b->qts, FW_REQ) & ~GLB_IDLE_EVENT) |
                             (fw_read(b->qts, FW_ACK) & GLB_IDLE_EVENT));
    g_assert_false(glb_idle(b));
    gpu_write(b->qts, JOB_INT + CLEAR, UINT32_MAX);
}

static void test_idle(void)
{
    Bed b;

    watch_idle(&b);
    inject_add(b.qts, "glb-event name=i event=idle count=1 -> drop");
    cs_submit_words(&b.g, 0, NOP);
    qtest_clock_step(b.qts, NS_LONG);
    g_assert_false(glb_idle(&b));
    g_assert_cmpint(inject_hits(b.qts, "i"), ==, 1);
    g_assert_cmphex(gpu_read(b.qts, JOB_INT + RAWSTAT) & JOB_GLB, ==, 0);
    inject_add(b.qts, "glb-event event=idle -> delay time=5ms");
    cs_submit_words(&b.g, 0, NOP);
    /* The slice that finds it idle is the one behind its only instruction */
    qtest_clock_step(b.qts, NS_REQUEST + NS_IDLE + 5000000);
    g_assert_false(glb_idle(&b));
    qtest_clock_step(b.qts, 2 * NS_LOOK);
    g_assert_true(glb_idle(&b));
    g_assert_cmphex(gpu_read(b.qts, JOB_INT + RAWSTAT) & JOB_GLB, ==, JOB_GLB);
    qtest_quit(b.qts);
}

/* --- The end of the firmware --- */

typedef struct End {
    const char *act;
    uint32_t status;
} End;

/* In the middle of a job: nothing goes on, and a reset is the only way back */
static void test_ends(void)
{
    static const End ends[] = {
        { "mcu-hang", MCU_ENABLED }, { "mcu-halted", MCU_HALT },
        { "mcu-fatal", MCU_FATAL },
    };

    for (int i = 0; i < ARRAY_SIZE(ends); i++) {
        uint64_t loop;
        Bed b;

        bed_start(&b, 1);
        loop = endless(&b.vm);
        inject_addf(b.qts, "doorbell doorbell=1 count=1 -> %s time=10ms",
                    ends[i].act);
        cs_submit_job(&b.g, 0, loop, 8);
        qtest_clock_step(b.qts, 10000000);
        g_assert_cmphex(mcu_status(&b), ==, ends[i].status);
        csg_ask_state(&b.g, CSG_SUSPEND);
        start_ping(&b);
        qtest_clock_step(b.qts, LIMIT_CSG);
        g_assert_false(ping_done(&b));
        g_assert_cmphex(csg_out(&b.g, CSG_ACK) & CSG_STATE, ==, CSG_START);
        start_halt(&b);
        qtest_clock_step(b.qts, LIMIT_HALT);
        g_assert_cmphex(mcu_status(&b), ==, ends[i].status);
        bed_reset(&b);
        check_works(&b.g, 0, 0x1111);
        qtest_quit(b.qts);
    }
}

int main(int argc, char **argv)
{
    static const TestCase cases[] = {
        { "others-answered", test_others_answered },
        { "each-asked", test_each_asked },
        { "counter-held", test_counter_held },
        { "wrong-ack", test_wrong_ack },
        { "wrong-state", test_wrong_state },
        { "boot-fails", test_boot_fails },
        { "boot-skipped", test_boot_skipped },
        { "doorbell-dropped", test_doorbell_dropped },
        { "doorbell-delayed", test_doorbell_delayed },
        { "idle", test_idle },
        { "ends", test_ends },
    };

    g_test_init(&argc, &argv, NULL);
    add_waits("inject-fw", waits, ARRAY_SIZE(waits));
    add_cases("inject-fw", cases, ARRAY_SIZE(cases));
    return g_test_run();
}
