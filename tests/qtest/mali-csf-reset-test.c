/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU: resets, in every state
 *
 * GPU_CMD's soft and hard reset and the reset of the whole machine, each while
 * something else is under way.  Nothing of that may come to an end afterwards,
 * and the GPU must boot again.
 */

#include "qemu/osdep.h"
#include "mali-csf-states.h"
#include "mali-csf-util.h"

/* What panthor_gpu.c enables */
#define DRIVER_GPU_MASK         0x00020103

static const uint32_t domains[] = { DOMAIN_L2, DOMAIN_TILER, DOMAIN_SHADER };

/* --- What holds after a reset --- */

/* No trace of what was under way, ever */
static void check_quiet(QTestState *qts)
{
    gpu_write(qts, GPU_INT + CLEAR, UINT32_MAX);
    gpu_write(qts, JOB_INT + CLEAR, UINT32_MAX);
    gpu_write(qts, MMU_INT + CLEAR, UINT32_MAX);
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmphex(gpu_read(qts, GPU_INT + RAWSTAT), ==, 0);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, 0);
    g_assert_cmphex(gpu_read(qts, MMU_INT + RAWSTAT), ==, 0);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_DISABLED);
    g_assert_cmpuint(gpu_read64(qts, CYCLE_COUNT), ==, 0);
    for (int i = 0; i < LINE_COUNT; i++) {
        g_assert_false(qtest_get_irq(qts, i));
    }
}

/* The slow boot that follows: all sections reloaded, then as at the start */
static void check_boots(QTestState *qts)
{
    qtest_memset(qts, RAM_SECTION, 0, FW_SHARED_SIZE);
    fw_prepare(qts, FW_SHARED_SIZE);
    gpu_write(qts, MCU_CONTROL, MCU_AUTO);
    qtest_clock_step(qts, NS_COLD_BOOT - 1);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_DISABLED);
    qtest_clock_step(qts, 1);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_ENABLED);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, JOB_GLB);
    gpu_write(qts, GPU_CMD, CMD_FLUSH);
    fw_request(qts, GLB_PING);
    g_assert_cmphex(fw_read(qts, FW_ACK), ==, GLB_PING);
    qtest_clock_step(qts, NS_FLUSH - NS_REQUEST);
    g_assert_cmphex(gpu_read(qts, GPU_INT + RAWSTAT) & IRQ_CLEAN_CACHES, ==,
                    IRQ_CLEAN_CACHES);
}

static void check_blocks(QTestState *qts)
{
    for (int i = 0; i < ARRAY_SIZE(domains); i++) {
        g_assert_cmphex(gpu_read64(qts, PWR_READY + domains[i]), ==, 0);
        g_assert_cmphex(gpu_read64(qts, PWR_TRANS + domains[i]), ==, 0);
    }
    for (int i = 0; i < 8; i++) {
        g_assert_cmphex(gpu_read(qts, AS(i) + AS_STATUS), ==, 0);
        g_assert_cmphex(gpu_read64(qts, AS(i) + AS_TRANSTAB), ==, 0);
        g_assert_cmphex(gpu_read(qts, AS(i) + AS_FAULTSTATUS), ==, 0);
    }
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_DISABLED);
}

/* What GPU_CONTROL has told of; the reset may say that the MCU stopped */
static uint32_t gpu_events(QTestState *qts)
{
    return gpu_read(qts, GPU_INT + RAWSTAT) & ~IRQ_MCU_STATUS;
}

static void check_command_reset(const GpuState *state, uint32_t cmd)
{
    QTestState *qts = gpu_start("");
    bool again = !strcmp(state->name, "resetting");

    gpu_watch_lines(qts);
    state->enter(qts);
    gpu_write(qts, GPU_INT + CLEAR, UINT32_MAX);
    gpu_write(qts, GPU_INT + MASK, DRIVER_GPU_MASK);
    gpu_write(qts, GPU_CMD, cmd);
    if (!again) {
        qtest_clock_step(qts, NS_RESET - 1);
        g_assert_cmphex(gpu_events(qts), ==, 0);
        g_assert_cmphex(gpu_read(qts, GPU_STATUS) & 1, ==, 1);
        qtest_clock_step(qts, 1);
    } else {
        /* It may be the one under way that completes */
        qtest_clock_step(qts, NS_RESET);
    }
    g_assert_cmphex(gpu_events(qts), ==, IRQ_RESET_COMPLETED);
    /* The driver does not write it again, and waits for flushes afterwards */
    g_assert_cmphex(gpu_read(qts, GPU_INT + MASK), ==, DRIVER_GPU_MASK);
    g_assert_true(qtest_get_irq(qts, LINE_GPU));
    check_blocks(qts);
    check_quiet(qts);
    check_boots(qts);
    qtest_quit(qts);
}

static void test_soft_reset(const void *opaque)
{
    check_command_reset(opaque, CMD_SOFT_RESET);
}

static void test_hard_reset(const void *opaque)
{
    check_command_reset(opaque, CMD_HARD_RESET);
}

/* As if just started, but for the time that has passed */
static void check_as_new(QTestState *qts)
{
    QTestState *fresh = gpu_start("");
    g_autofree char *expect = NULL;
    g_autofree char *found = NULL;

    qtest_clock_set(fresh, qtest_clock_step(qts, 1));
    expect = gpu_snapshot(fresh);
    found = gpu_snapshot(qts);
    g_assert_cmpstr(found, ==, expect);
    qtest_quit(fresh);
}

static void test_system_reset(const void *opaque)
{
    const GpuState *state = opaque;
    QTestState *qts = gpu_start("");

    gpu_watch_lines(qts);
    state->enter(qts);
    qtest_system_reset(qts);
    check_as_new(qts);
    check_quiet(qts);
    check_as_new(qts);
    check_boots(qts);
    qtest_quit(qts);
}

/* What the address space was told before a reset is not in force after it */
static void test_address_space_forgotten(void)
{
    QTestState *qts = fw_start("");

    gpu_write(qts, GPU_CMD, CMD_SOFT_RESET);
    qtest_clock_step(qts, NS_RESET);
    gpu_power_on(qts, DOMAIN_L2);
    gpu_write(qts, MCU_CONTROL, MCU_AUTO);
    qtest_clock_step(qts, NS_COLD_BOOT);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_FATAL);
    g_assert_cmphex(gpu_read(qts, MMU_INT + RAWSTAT) & 1, ==, 1);
    qtest_quit(qts);
}

/* Commands during a reset are lost, not kept for later */
static void test_command_during_reset(void)
{
    QTestState *qts = gpu_start("");

    gpu_write(qts, GPU_CMD, CMD_SOFT_RESET);
    gpu_write(qts, GPU_CMD, CMD_FLUSH);
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmphex(gpu_read(qts, GPU_INT + RAWSTAT), ==, IRQ_RESET_COMPLETED);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(gpu_states); i++) {
        const GpuState *s = &gpu_states[i];
        g_autofree char *soft = g_strdup_printf("mali-csf/reset/soft/%s",
                                                s->name);
        g_autofree char *hard = g_strdup_printf("mali-csf/reset/hard/%s",
                                                s->name);
        g_autofree char *system = g_strdup_printf("mali-csf/reset/system/%s",
                                                  s->name);

        qtest_add_data_func(soft, s, test_soft_reset);
        qtest_add_data_func(hard, s, test_hard_reset);
        qtest_add_data_func(system, s, test_system_reset);
    }
    qtest_add_func("mali-csf/reset/address-space-forgotten",
                   test_address_space_forgotten);
    qtest_add_func("mali-csf/reset/command-during-reset",
                   test_command_during_reset);

    return g_test_run();
}
