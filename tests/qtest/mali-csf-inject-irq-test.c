/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU that misbehaves: interrupts
 *
 * The driver waits for an interrupt, and looks at memory or RAWSTAT once more
 * when it does not come (panthor_fw_wait_acks, panthor_gpu_flush_caches).
 */

#include "qemu/osdep.h"
#include "mali-csf-inject.h"

static const struct {
    uint32_t base;
    int line;
    const char *name;
} trios[] = {
    { JOB_INT, LINE_JOB, "job" }, { MMU_INT, LINE_MMU, "mmu" },
    { GPU_INT, LINE_GPU, "gpu" },
};

/* Something that raises a bit of each line, and how long it takes */
static void begin(QTestState *qts, int line)
{
    switch (line) {
    case LINE_JOB:
        fw_write(qts, FW_REQ, fw_read(qts, FW_REQ) ^ GLB_PING);
        gpu_write(qts, DOORBELL(0), 1);
        break;
    case LINE_MMU:
        gpu_write(qts, AS(2) + AS_COMMAND, CMD_UPDATE);
        break;
    case LINE_GPU:
        gpu_write(qts, GPU_CMD, CMD_FLUSH);
        break;
    }
}

static const int64_t takes[] = { NS_REQUEST, NS_AS_COMMAND, NS_FLUSH };
static const uint32_t raises[] = { JOB_GLB, BIT(18), IRQ_CLEAN_CACHES };

static void start_quiet(Bed *b)
{
    bed_start(b, 1);
    gpu_watch_lines(b->qts);
    qtest_clock_step(b->qts, NS_LONG);
    for (int i = 0; i < LINE_COUNT; i++) {
        gpu_write(b->qts, trios[i].base + CLEAR, UINT32_MAX);
        gpu_write(b->qts, trios[i].base + MASK, UINT32_MAX);
        g_assert_false(qtest_get_irq(b->qts, i));
    }
}

/* What RAWSTAT, STAT and the line say */
static void check_trio(Bed *b, int i, uint32_t rawstat, bool line)
{
    g_assert_cmphex(gpu_read(b->qts, trios[i].base + RAWSTAT), ==, rawstat);
    g_assert_cmphex(gpu_read(b->qts, trios[i].base + STAT), ==, rawstat);
    g_assert_cmpint(qtest_get_irq(b->qts, i), ==, line);
}

/* The other lines, and the next event of this one, are as ever */
static void check_others(Bed *b, int i)
{
    gpu_write(b->qts, trios[i].base + CLEAR, UINT32_MAX);
    for (int j = 0; j < LINE_COUNT; j++) {
        check_trio(b, j, 0, false);
        begin(b->qts, j);
        qtest_clock_step(b->qts, takes[j]);
        check_trio(b, j, raises[j], true);
        gpu_write(b->qts, trios[j].base + CLEAR, UINT32_MAX);
        check_trio(b, j, 0, false);
    }
    check_works(&b->g, 0, 0x1111);
    qtest_quit(b->qts);
}

static void add_rule(Bed *b, int i, const char *act)
{
    inject_addf(b->qts, "irq name=i line=%s bits=0x%x count=1 -> %s",
                trios[i].name, raises[i], act);
}

static void test_drop(void)
{
    for (int i = 0; i < LINE_COUNT; i++) {
        Bed b;

        start_quiet(&b);
        add_rule(&b, i, "drop");
        begin(b.qts, i);
        qtest_clock_step(b.qts, NS_LONG);
        check_trio(&b, i, 0, false);
        g_assert_cmpint(inject_hits(b.qts, "i"), ==, 1);
        check_others(&b, i);
    }
}

static void test_delay(void)
{
    for (int i = 0; i < LINE_COUNT; i++) {
        Bed b;

        start_quiet(&b);
        add_rule(&b, i, "delay time=1ms");
        begin(b.qts, i);
        qtest_clock_step(b.qts, takes[i] + 1000000 - 1);
        check_trio(&b, i, 0, false);
        qtest_clock_step(b.qts, 1);
        check_trio(&b, i, raises[i], true);
        check_others(&b, i);
    }
}

/* RAWSTAT tells, and nobody is woken, until the driver has cleared it */
static void test_mute(void)
{
    for (int i = 0; i < LINE_COUNT; i++) {
        Bed b;

        start_quiet(&b);
        add_rule(&b, i, "mute");
        begin(b.qts, i);
        qtest_clock_step(b.qts, NS_LONG);
        check_trio(&b, i, raises[i], false);
        /* Another bit is not mute */
        gpu_write(b.qts, trios[i].base + RAWSTAT, 0x4000);
        check_trio(&b, i, raises[i] | 0x4000, true);
        gpu_write(b.qts, trios[i].base + CLEAR, 0x4000);
        check_trio(&b, i, raises[i], false);
        check_others(&b, i);
    }
}

/* Once more after the driver has cleared it, and that was all */
static void test_twice(void)
{
    for (int i = 0; i < LINE_COUNT; i++) {
        Bed b;

        start_quiet(&b);
        add_rule(&b, i, "twice time=1ms");
        begin(b.qts, i);
        qtest_clock_step(b.qts, takes[i]);
        check_trio(&b, i, raises[i], true);
        gpu_write(b.qts, trios[i].base + CLEAR, UINT32_MAX);
        qtest_clock_step(b.qts, 1000000 - 1);
        check_trio(&b, i, 0, false);
        qtest_clock_step(b.qts, 1);
        check_trio(&b, i, raises[i], true);
        gpu_write(b.qts, trios[i].base + CLEAR, UINT32_MAX);
        qtest_clock_step(b.qts, NS_LONG);
        check_trio(&b, i, 0, false);
        check_others(&b, i);
    }
}

/* For no reason: the driver finds nothing to do, and goes on */
static void test_raise(void)
{
    for (int i = 0; i < LINE_COUNT; i++) {
        Bed b;

        start_quiet(&b);
        inject_addf(b.qts, "doorbell doorbell=20 count=1 -> raise line=%s "
                    "bits=0x%x", trios[i].name, raises[i]);
        gpu_write(b.qts, DOORBELL(20), 1);
        qtest_clock_step(b.qts, 1);
        check_trio(&b, i, raises[i], true);
        check_others(&b, i);
    }
}

/* Bits of one event that a rule is not for are raised */
static void test_some_bits(void)
{
    Bed b;

    start_quiet(&b);
    /* A power transition tells two */
    inject_add(b.qts, "irq name=i line=gpu bits=0x400 -> drop");
    inject_add(b.qts, "irq name=n line=gpu bits=0x100 -> drop");
    gpu_write64(b.qts, PWR_ON + DOMAIN_TILER, 1);
    qtest_clock_step(b.qts, NS_POWER);
    check_trio(&b, LINE_GPU, IRQ_POWER_CHANGED, true);
    g_assert_cmpint(inject_hits(b.qts, "i"), ==, 1);
    g_assert_cmpint(inject_matches(b.qts, "n"), ==, 0);
    inject_remove(b.qts, "i");
    inject_remove(b.qts, "n");
    check_others(&b, LINE_GPU);
}

/* An interrupt that does not come: the ack in memory is found after 100 ms */
static void test_ack_without(void)
{
    Bed b;

    start_quiet(&b);
    inject_add(b.qts, "irq line=job bits=1 count=1 -> drop");
    csg_ask_status(&b.g);
    qtest_clock_step(b.qts, LIMIT_CSG);
    check_trio(&b, LINE_JOB, 0, false);
    g_assert_cmphex((csg_in(&b.g, CSG_REQ) ^ csg_out(&b.g, CSG_ACK)) &
                    CSG_STATUS_UPDATE, ==, 0);
    check_works(&b.g, 0, 0x1111);
    qtest_quit(b.qts);
}

/* The boot's: MCU_STATUS tells, but panthor_fw_start() has given up by then */
static void test_boot_without(void)
{
    Bed b;

    bed_start(&b, 1);
    inject_add(b.qts, "irq line=job bits=0x80000000 count=1 -> drop");
    fw_halt(b.qts);
    gpu_write(b.qts, MCU_CONTROL, MCU_DISABLE);
    qtest_clock_step(b.qts, NS_MCU_STOP);
    gpu_write(b.qts, JOB_INT + CLEAR, UINT32_MAX);
    fw_write(b.qts, FW_REQ, fw_read(b.qts, FW_REQ) & ~GLB_HALT);
    gpu_write(b.qts, MCU_CONTROL, MCU_AUTO);
    qtest_clock_step(b.qts, LIMIT_BOOT);
    g_assert_cmphex(gpu_read(b.qts, MCU_STATUS), ==, MCU_ENABLED);
    g_assert_cmphex(gpu_read(b.qts, JOB_INT + RAWSTAT) & JOB_GLB, ==, 0);
    bed_reset(&b);
    check_works(&b.g, 0, 0x1111);
    qtest_quit(b.qts);
}

int main(int argc, char **argv)
{
    static const TestCase cases[] = {
        { "drop", test_drop },
        { "delay", test_delay },
        { "mute", test_mute },
        { "twice", test_twice },
        { "raise", test_raise },
        { "some-bits", test_some_bits },
        { "ack-without", test_ack_without },
        { "boot-without", test_boot_without },
    };

    g_test_init(&argc, &argv, NULL);
    add_cases("inject-irq", cases, ARRAY_SIZE(cases));
    return g_test_run();
}
