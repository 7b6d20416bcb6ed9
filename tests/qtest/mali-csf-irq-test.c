/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU: the three interrupt trios
 *
 * RAWSTAT, CLEAR, MASK and STAT as PANTHOR_IRQ_HANDLER (panthor_device.h) uses
 * them, and the lines that they drive, up to the GIC.
 */

#include "qemu/osdep.h"
#include "mali-csf-util.h"

static const struct {
    uint32_t base;
    int line;
} trios[] = {
    { JOB_INT, LINE_JOB }, { MMU_INT, LINE_MMU }, { GPU_INT, LINE_GPU },
};

/*
 * The first SPI of virt's platform bus is 112; shared interrupts have the
 * numbers from 32 on in the distributor.
 */
#define GICD_ISPENDR            0x08000200ULL
#define GIC_FIRST_INTID         (32 + 112)

static QTestState *start(void)
{
    QTestState *qts = gpu_start("");

    gpu_watch_lines(qts);
    return qts;
}

/* The lines that are up, one bit each */
static unsigned lines(QTestState *qts)
{
    unsigned val = 0;

    for (int i = 0; i < LINE_COUNT; i++) {
        val |= qtest_get_irq(qts, i) << i;
    }
    return val;
}

static void test_level(void)
{
    QTestState *qts = start();

    for (int i = 0; i < ARRAY_SIZE(trios); i++) {
        uint32_t base = trios[i].base;
        unsigned line = 1 << trios[i].line;

        g_assert_cmphex(lines(qts), ==, 0);
        gpu_write(qts, base + MASK, 0x100);
        g_assert_cmphex(lines(qts), ==, 0);
        gpu_write(qts, base + RAWSTAT, 0x300);
        g_assert_cmphex(gpu_read(qts, base + RAWSTAT), ==, 0x300);
        g_assert_cmphex(gpu_read(qts, base + STAT), ==, 0x100);
        g_assert_cmphex(lines(qts), ==, line);

        /* It stays, and one of two enabled events is enough */
        gpu_write(qts, base + MASK, 0x300);
        gpu_write(qts, base + CLEAR, 0x100);
        g_assert_cmphex(gpu_read(qts, base + RAWSTAT), ==, 0x200);
        g_assert_cmphex(lines(qts), ==, line);
        gpu_write(qts, base + CLEAR, 0x200);
        g_assert_cmphex(gpu_read(qts, base + STAT), ==, 0);
        g_assert_cmphex(lines(qts), ==, 0);
    }
    qtest_quit(qts);
}

static void test_clear(void)
{
    QTestState *qts = start();

    for (int i = 0; i < ARRAY_SIZE(trios); i++) {
        uint32_t base = trios[i].base;

        gpu_write(qts, base + RAWSTAT, 0xf0f0f0f0);
        /* Zeroes do nothing */
        gpu_write(qts, base + CLEAR, 0);
        g_assert_cmphex(gpu_read(qts, base + RAWSTAT), ==, 0xf0f0f0f0);
        /* What was not set does not become set */
        gpu_write(qts, base + CLEAR, 0x0f0f00ff);
        g_assert_cmphex(gpu_read(qts, base + RAWSTAT), ==, 0xf0f0f000);
        g_assert_cmphex(gpu_read(qts, base + MASK), ==, 0);
        gpu_write(qts, base + CLEAR, UINT32_MAX);
        g_assert_cmphex(gpu_read(qts, base + RAWSTAT), ==, 0);
    }
    qtest_quit(qts);
}

static void test_mask(void)
{
    static const uint32_t patterns[] = { UINT32_MAX, 0xa5a5a5a5, 0x5a5a5a5a };
    QTestState *qts = start();

    for (int i = 0; i < ARRAY_SIZE(trios); i++) {
        uint32_t base = trios[i].base;

        gpu_write(qts, base + RAWSTAT, UINT32_MAX);
        for (int p = 0; p < ARRAY_SIZE(patterns); p++) {
            gpu_write(qts, base + MASK, patterns[p]);
            g_assert_cmphex(gpu_read(qts, base + MASK), ==, patterns[p]);
            g_assert_cmphex(gpu_read(qts, base + STAT), ==, patterns[p]);
            g_assert_cmphex(gpu_read(qts, base + RAWSTAT), ==, UINT32_MAX);
        }
        /* STAT is read-only */
        gpu_write(qts, base + STAT, 0);
        g_assert_cmphex(gpu_read(qts, base + STAT), ==, 0x5a5a5a5a);
        gpu_write(qts, base + MASK, 0);
        g_assert_cmphex(gpu_read(qts, base + STAT), ==, 0);
        g_assert_cmphex(lines(qts), ==, 0);
    }
    qtest_quit(qts);
}

/* Every register of one trio leaves the other two alone */
static void test_independence(void)
{
    QTestState *qts = start();

    for (int i = 0; i < ARRAY_SIZE(trios); i++) {
        gpu_write(qts, trios[i].base + RAWSTAT, 0x11 << i);
        gpu_write(qts, trios[i].base + MASK, 0x11 << i);
    }
    g_assert_cmphex(lines(qts), ==, 7);
    for (int i = 0; i < ARRAY_SIZE(trios); i++) {
        gpu_write(qts, trios[i].base + CLEAR, UINT32_MAX);
        g_assert_cmphex(lines(qts), ==, 7 & ~(1 << trios[i].line));
        for (int j = 0; j < ARRAY_SIZE(trios); j++) {
            g_assert_cmphex(gpu_read(qts, trios[j].base + MASK), ==,
                            0x11 << j);
            g_assert_cmphex(gpu_read(qts, trios[j].base + RAWSTAT), ==,
                            i == j ? 0 : 0x11 << j);
        }
        gpu_write(qts, trios[i].base + RAWSTAT, 0x11 << i);
    }
    for (int i = 0; i < ARRAY_SIZE(trios); i++) {
        gpu_write(qts, trios[i].base + MASK, 0);
        g_assert_cmphex(lines(qts), ==, 7 & ~(1 << trios[i].line));
        gpu_write(qts, trios[i].base + MASK, 0x11 << i);
    }
    qtest_quit(qts);
}

/*
 * The driver's hard and threaded handlers, with an event that comes between
 * CLEAR and the restoration of MASK: it must raise the line again.
 */
static void test_event_before_unmask(void)
{
    QTestState *qts = start();

    gpu_write(qts, GPU_INT + MASK, IRQ_CLEAN_CACHES | IRQ_RESET_COMPLETED);
    gpu_write(qts, GPU_CMD, CMD_FLUSH);
    qtest_clock_step(qts, NS_FLUSH);
    g_assert_cmphex(lines(qts), ==, 1 << LINE_GPU);

    g_assert_cmphex(gpu_read(qts, GPU_INT + STAT), ==, IRQ_CLEAN_CACHES);
    gpu_write(qts, GPU_INT + MASK, 0);
    g_assert_cmphex(lines(qts), ==, 0);
    gpu_write(qts, GPU_INT + CLEAR, IRQ_CLEAN_CACHES);

    gpu_write(qts, GPU_CMD, CMD_FLUSH);
    qtest_clock_step(qts, NS_FLUSH);
    g_assert_cmphex(lines(qts), ==, 0);
    g_assert_cmphex(gpu_read(qts, GPU_INT + STAT), ==, 0);
    g_assert_cmphex(gpu_read(qts, GPU_INT + RAWSTAT), ==, IRQ_CLEAN_CACHES);

    gpu_write(qts, GPU_INT + MASK, IRQ_CLEAN_CACHES | IRQ_RESET_COMPLETED);
    g_assert_cmphex(lines(qts), ==, 1 << LINE_GPU);
    gpu_write(qts, GPU_INT + CLEAR, IRQ_CLEAN_CACHES);
    g_assert_cmphex(lines(qts), ==, 0);
    qtest_quit(qts);
}

/* An event raises the line when it happens, not when a register is read */
static void test_raised_by_the_clock(void)
{
    QTestState *qts = start();

    fw_prepare(qts, FW_SHARED_SIZE);
    g_assert_cmphex(lines(qts), ==, 0);
    gpu_write(qts, GPU_INT + CLEAR, UINT32_MAX);
    gpu_write(qts, GPU_INT + MASK, IRQ_CLEAN_CACHES);

    gpu_write(qts, GPU_CMD, CMD_FLUSH);
    qtest_clock_step(qts, NS_FLUSH - 1);
    g_assert_cmphex(lines(qts), ==, 0);
    qtest_clock_step(qts, 1);
    g_assert_cmphex(lines(qts), ==, 1 << LINE_GPU);
    gpu_write(qts, GPU_INT + CLEAR, UINT32_MAX);

    gpu_write(qts, MMU_INT + MASK, 0xffff0000);
    gpu_write(qts, AS(3) + AS_COMMAND, CMD_UPDATE);
    qtest_clock_step(qts, NS_AS_COMMAND - 1);
    g_assert_cmphex(lines(qts), ==, 0);
    qtest_clock_step(qts, 1);
    g_assert_cmphex(lines(qts), ==, 1 << LINE_MMU);
    g_assert_cmphex(gpu_read(qts, MMU_INT + STAT), ==, BIT(16 + 3));
    gpu_write(qts, MMU_INT + MASK, 0);

    gpu_write(qts, MCU_CONTROL, MCU_AUTO);
    qtest_clock_step(qts, NS_COLD_BOOT - 1);
    g_assert_cmphex(lines(qts), ==, 0);
    qtest_clock_step(qts, 1);
    g_assert_cmphex(lines(qts), ==, 1 << LINE_JOB);
    g_assert_cmphex(gpu_read(qts, JOB_INT + STAT), ==, JOB_GLB);
    qtest_quit(qts);
}

static unsigned pending_in_gic(QTestState *qts)
{
    uint32_t word = qtest_readl(qts, GICD_ISPENDR + GIC_FIRST_INTID / 32 * 4);

    return word >> GIC_FIRST_INTID % 32 & 7;
}

static void test_gic(void)
{
    QTestState *qts = gpu_start("");

    g_assert_cmphex(pending_in_gic(qts), ==, 0);
    for (int i = 0; i < ARRAY_SIZE(trios); i++) {
        gpu_write(qts, trios[i].base + MASK, 1);
        gpu_write(qts, trios[i].base + RAWSTAT, 1);
        g_assert_cmphex(pending_in_gic(qts), ==, 1 << trios[i].line);
        gpu_write(qts, trios[i].base + CLEAR, 1);
        g_assert_cmphex(pending_in_gic(qts), ==, 0);
    }
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    qtest_add_func("mali-csf/irq/level", test_level);
    qtest_add_func("mali-csf/irq/clear", test_clear);
    qtest_add_func("mali-csf/irq/mask", test_mask);
    qtest_add_func("mali-csf/irq/independence", test_independence);
    qtest_add_func("mali-csf/irq/event-before-unmask",
                   test_event_before_unmask);
    qtest_add_func("mali-csf/irq/raised-by-the-clock",
                   test_raised_by_the_clock);
    qtest_add_func("mali-csf/irq/gic", test_gic);

    return g_test_run();
}
