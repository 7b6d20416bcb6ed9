/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * States of the Mali CSF GPU in which something is under way, one for each
 * thing: what resets must end and migration must carry over.
 */

#ifndef TESTS_QTEST_MALI_CSF_STATES_H
#define TESTS_QTEST_MALI_CSF_STATES_H

#include "mali-csf-stream.h"
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

/* --- Groups: all of VM 0 and group 0, in slot 0 and address space 1 --- */

/* A job that executes @words, one call deeper than its own stream */
static inline void enter_job(QTestState *qts, Group *g, Vm *vm,
                             const uint64_t *words, unsigned n)
{
    Driver d = driver_on(qts);
    uint64_t inner;

    *vm = vm_new(&d, 0, 1);
    *g = group_new(vm, 0, 2);
    group_start(g, 0);
    inner = vm_stream(vm, words, n);
    {
        const uint64_t outer[] = {
            MOVE48(40, inner), MOVE32(42, n * 8), CALL(40, 42),
            MOVE48(44, VA_DATA), STORE(0, 44, 0xffff, 0), WAIT(0xff),
        };

        cs_submit_job(g, 0, vm_stream(vm, outer, ARRAY_SIZE(outer)),
                      sizeof(outer));
    }
    /* The job begins with a flush */
    qtest_clock_step(qts, NS_REQUEST + NS_FLUSH + 2);
    g_assert_false(cs_drained(g, 0));
}

/* Counts for some milliseconds */
static inline void enter_group_counting(QTestState *qts)
{
    const uint64_t words[] = {
        MOVE32(0, 200000), MOVE32(1, 0), ADD_IMM32(1, 1, 7),
        ADD_IMM32(0, 0, -1), BRANCH(IF_NE, 0, -3),
    };
    Group g;
    Vm vm;

    enter_job(qts, &g, &vm, words, ARRAY_SIZE(words));
    qtest_clock_step(qts, 1000000);
}

/* Waits for an object that nobody sets */
static inline void enter_group_waiting(QTestState *qts)
{
    const uint64_t words[] = {
        MOVE48(0, VA_DATA + 0x100), MOVE48(2, 5),
        SYNC_UNTIL(OP_SYNC_WAIT64, 0, 2, IF_GT),
    };
    Group g;
    Vm vm;

    enter_job(qts, &g, &vm, words, ARRAY_SIZE(words));
}

/* In the middle of a flush that others, and the stream, wait for */
static inline void enter_group_deferring(QTestState *qts)
{
    const uint64_t words[] = {
        MOVE48(0, VA_DATA + 0x100), MOVE48(2, 1), FLUSH(10, 0, 1),
        SYNC_LATER(OP_SYNC_ADD64, 0, 2, 0, BIT(1), 2),
        FLUSH(10, BIT(2), 3),
        SYNC_LATER(OP_SYNC_ADD64, 0, 2, 0, BIT(3), 4), WAIT(BIT(4)),
    };
    Group g;
    Vm vm;

    enter_job(qts, &g, &vm, words, ARRAY_SIZE(words));
    qtest_clock_step(qts, NS_FLUSH / 2);
    g_assert_cmpuint(vm_read64(&vm, VA_DATA + 0x100), ==, 0);
}

/* In its suspend buffer, and nowhere else */
static inline void enter_group_suspended(QTestState *qts)
{
    const uint64_t words[] = {
        MOVE48(0, VA_DATA + 0x100), MOVE48(2, 5), FLUSH(10, 0, 1),
        SYNC_UNTIL(OP_SYNC_WAIT64, 0, 2, IF_GT),
    };
    Group g;
    Vm vm;

    enter_job(qts, &g, &vm, words, ARRAY_SIZE(words));
    group_suspend(&g);
}

/* A fault that the host has not acknowledged */
static inline void enter_group_faulted(QTestState *qts)
{
    const uint64_t words[] = { MOVE48(0, VA_DATA + 4), STORE(2, 0, 1, 1) };
    Group g;
    Vm vm;

    enter_job(qts, &g, &vm, words, ARRAY_SIZE(words));
    g_assert_true(cs_wait_events(&g, 0, CS_EVENT_FAULT));
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
    { "group-counting", enter_group_counting },
    { "group-waiting", enter_group_waiting },
    { "group-deferring", enter_group_deferring },
    { "group-suspended", enter_group_suspended },
    { "group-faulted", enter_group_faulted },
};

#endif /* TESTS_QTEST_MALI_CSF_STATES_H */
