/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * States of the Mali CSF GPU in which something is under way, one for each
 * thing: what resets must end and migration must carry over.
 */

#ifndef TESTS_QTEST_MALI_CSF_STATES_H
#define TESTS_QTEST_MALI_CSF_STATES_H

#include "mali-csf-util.h"

static inline void enter_idle(QTestState *qts)
{
}

static inline void enter_flushing(QTestState *qts)
{
    gpu_write(qts, GPU_CMD, CMD_FLUSH);
    qtest_clock_step(qts, NS_FLUSH / 2);
}

/* Some flushes ago */
static inline void enter_flushed(QTestState *qts)
{
    for (int i = 0; i < 5; i++) {
        gpu_write(qts, GPU_CMD, CMD_FLUSH);
        qtest_clock_step(qts, NS_FLUSH);
    }
}

static inline void enter_powering_on(QTestState *qts)
{
    gpu_power_on(qts, DOMAIN_L2);
    gpu_write64(qts, PWR_ON + DOMAIN_TILER, 1);
    gpu_write64(qts, PWR_ON + DOMAIN_SHADER, 1);
    qtest_clock_step(qts, NS_POWER / 2);
}

static inline void enter_powering_off(QTestState *qts)
{
    gpu_power_on(qts, DOMAIN_L2);
    gpu_power_on(qts, DOMAIN_SHADER);
    gpu_write64(qts, PWR_OFF + DOMAIN_L2, 1);
    qtest_clock_step(qts, NS_POWER / 2);
}

static inline void enter_as_commands(QTestState *qts)
{
    for (int i = 0; i < 8; i++) {
        gpu_write(qts, AS(i) + AS_COMMAND, CMD_UPDATE);
    }
}

/* A LOCK under way that has taken its region, of which the register is gone */
static inline void enter_locking(QTestState *qts)
{
    fw_prepare(qts, FW_SHARED_SIZE);
    gpu_write64(qts, AS(0) + AS_LOCKADDR, FW_SHARED | 15);
    gpu_write(qts, AS(0) + AS_COMMAND, CMD_LOCK);
    gpu_write64(qts, AS(0) + AS_LOCKADDR, 0x10000000 | 14);
    qtest_clock_step(qts, NS_AS_COMMAND / 2);
}

static inline void enter_booting(QTestState *qts)
{
    fw_prepare(qts, FW_SHARED_SIZE);
    gpu_write(qts, MCU_CONTROL, MCU_AUTO);
    qtest_clock_step(qts, NS_COLD_BOOT / 2);
}

/* A boot that a locked region holds up */
static inline void enter_stalled(QTestState *qts)
{
    fw_prepare(qts, FW_SHARED_SIZE);
    gpu_as_lock(qts, 0, 0, 48);
    gpu_write(qts, MCU_CONTROL, MCU_AUTO);
    qtest_clock_step(qts, NS_COLD_BOOT * 2);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_DISABLED);
}

static inline void enter_running(QTestState *qts)
{
    fw_prepare(qts, FW_SHARED_SIZE);
    fw_boot(qts, NS_COLD_BOOT);
}

/* Registers of address space 0 that no UPDATE has put in force */
static inline void enter_not_updated(QTestState *qts)
{
    enter_running(qts);
    gpu_write64(qts, AS(0) + AS_TRANSTAB, RAM_NOTHING);
    gpu_write64(qts, AS(0) + AS_TRANSCFG, TRANSCFG_UNMAPPED);
}

static inline void enter_counting(QTestState *qts)
{
    enter_running(qts);
    fw_request(qts, GLB_COUNTER_EN);
    qtest_clock_step(qts, NS_LONG);
}

static inline void enter_requested(QTestState *qts)
{
    enter_running(qts);
    fw_write(qts, FW_ACK_IRQ_MASK, UINT32_MAX);
    fw_write(qts, FW_REQ, GLB_PING);
    gpu_write(qts, DOORBELL(0), 1);
    qtest_clock_step(qts, NS_REQUEST / 2);
}

static inline void enter_halting(QTestState *qts)
{
    enter_running(qts);
    fw_request(qts, GLB_HALT);
    qtest_clock_step(qts, NS_HALT / 2);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_ENABLED);
}

static inline void enter_halted(QTestState *qts)
{
    enter_running(qts);
    fw_halt(qts);
}

static inline void enter_stopping(QTestState *qts)
{
    enter_running(qts);
    gpu_write(qts, MCU_CONTROL, MCU_DISABLE);
    qtest_clock_step(qts, NS_MCU_STOP / 2);
}

static inline void enter_dead(QTestState *qts)
{
    gpu_power_on(qts, DOMAIN_L2);
    gpu_write(qts, MCU_CONTROL, MCU_AUTO);
    qtest_clock_step(qts, NS_COLD_BOOT);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_FATAL);
    g_assert_cmphex(gpu_read(qts, MMU_INT + RAWSTAT) & 1, ==, 1);
}

static inline void enter_interrupted(QTestState *qts)
{
    gpu_write(qts, JOB_INT + MASK, UINT32_MAX);
    gpu_write(qts, JOB_INT + RAWSTAT, UINT32_MAX);
    gpu_write(qts, MMU_INT + MASK, UINT32_MAX);
    gpu_write(qts, MMU_INT + RAWSTAT, UINT32_MAX);
    gpu_write(qts, GPU_INT + MASK, UINT32_MAX);
    gpu_write(qts, GPU_INT + RAWSTAT, UINT32_MAX);
}

static inline void enter_resetting(QTestState *qts)
{
    gpu_write(qts, GPU_CMD, CMD_SOFT_RESET);
    qtest_clock_step(qts, NS_RESET / 2);
}

typedef struct GpuState {
    const char *name;
    void (*enter)(QTestState *qts);
} GpuState;

static const GpuState gpu_states[] = {
    { "idle", enter_idle },
    { "flushing", enter_flushing },
    { "flushed", enter_flushed },
    { "powering-on", enter_powering_on },
    { "powering-off", enter_powering_off },
    { "as-commands", enter_as_commands },
    { "locking", enter_locking },
    { "booting", enter_booting },
    { "stalled", enter_stalled },
    { "running", enter_running },
    { "not-updated", enter_not_updated },
    { "counting", enter_counting },
    { "requested", enter_requested },
    { "halting", enter_halting },
    { "halted", enter_halted },
    { "stopping", enter_stopping },
    { "dead", enter_dead },
    { "interrupted", enter_interrupted },
    { "resetting", enter_resetting },
};

#endif /* TESTS_QTEST_MALI_CSF_STATES_H */
