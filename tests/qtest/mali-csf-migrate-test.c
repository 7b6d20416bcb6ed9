/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU: migration
 *
 * Whatever is under way on the source comes to its end on the destination, at
 * the same moment, as on a GPU that was never migrated.
 */

#include "qemu/osdep.h"
#include "mali-csf-migrate.h"
#include "mali-csf-states.h"
#include "mali-csf-util.h"

/* --- A migrated GPU beside one that was not --- */

typedef struct Pair {
    QTestState *stayed;
    QTestState *moved;
} Pair;

static void compare(Pair *p, char *(*snapshot)(QTestState *qts))
{
    g_autofree char *stayed = snapshot(p->stayed);
    g_autofree char *moved = snapshot(p->moved);

    g_assert_cmpstr(moved, ==, stayed);
    for (int i = 0; i < LINE_COUNT; i++) {
        g_assert_cmpint(qtest_get_irq(p->moved, i), ==,
                        qtest_get_irq(p->stayed, i));
    }
}

static void compare_ram(Pair *p, uint64_t pa, uint32_t size)
{
    g_autofree uint8_t *stayed = g_malloc(size);
    g_autofree uint8_t *moved = g_malloc(size);

    qtest_memread(p->stayed, pa, stayed, size);
    qtest_memread(p->moved, pa, moved, size);
    g_assert_cmpmem(moved, size, stayed, size);
}

/* The memory that the firmware and groups write */
static void compare_memory(Pair *p)
{
    compare_ram(p, RAM_SECTION, FW_SHARED_SIZE);
    compare_ram(p, GROUP_RAM(0), GROUP_SIZE);
    compare_ram(p, VM_RAM(0), VM_SIZE);
}

static void step(Pair *p, int64_t ns)
{
    qtest_clock_step(p->stayed, ns);
    qtest_clock_step(p->moved, ns);
    compare(p, gpu_snapshot_live);
}

static void poke(Pair *p, uint32_t reg, uint32_t val)
{
    gpu_write(p->stayed, reg, val);
    gpu_write(p->moved, reg, val);
}

/* Through all delays of the model, halves of them, and what is just before */
static void step_through(Pair *p)
{
    static const int64_t times[] = {
        1, NS_AS_COMMAND / 2, NS_AS_COMMAND, NS_REQUEST / 2, NS_REQUEST,
        NS_FLUSH, NS_POWER / 2, NS_HALT / 2, NS_HALT, NS_RESET / 2,
        NS_WARM_BOOT, NS_COLD_BOOT / 2, NS_COLD_BOOT, NS_LONG,
    };
    int64_t now = 0;

    for (int i = 0; i < ARRAY_SIZE(times); i++) {
        if (times[i] - 1 > now) {
            step(p, times[i] - 1 - now);
        }
        step(p, 1);
        now = times[i];
    }
}

/* Through a boot, and what follows it */
static void step_through_boot(Pair *p)
{
    step(p, NS_WARM_BOOT - 1);
    step(p, 1);
    step(p, NS_COLD_BOOT - NS_WARM_BOOT - 1);
    step(p, 1);
    step(p, NS_LONG);
}

/*
 * Things that show state which no register tells: the lock and the tables in
 * force, and whether the next boot is a warm one.
 */
static void go_on(Pair *p)
{
    poke(p, JOB_INT + MASK, UINT32_MAX);
    poke(p, GPU_INT + MASK, UINT32_MAX);
    poke(p, DOORBELL(0), 1);
    step(p, NS_LONG);
    poke(p, GPU_CMD, CMD_FLUSH);
    step(p, NS_FLUSH);
    poke(p, PWR_ON + DOMAIN_L2, 1);
    step(p, NS_POWER);
    poke(p, MCU_CONTROL, MCU_DISABLE);
    step(p, NS_MCU_STOP);
    poke(p, MCU_CONTROL, MCU_AUTO);
    step_through_boot(p);
    poke(p, AS(0) + AS_COMMAND, CMD_UNLOCK);
    step(p, NS_STALL);
    step(p, NS_LONG);
    poke(p, GPU_INT + CLEAR, UINT32_MAX);
    poke(p, JOB_INT + CLEAR, UINT32_MAX);
    poke(p, MMU_INT + CLEAR, UINT32_MAX);
    compare(p, gpu_snapshot);
    compare_memory(p);
}

static void test_state(const void *opaque)
{
    const GpuState *state = opaque;
    Pair p = { gpu_start(CLOCK_PROPS), gpu_start(CLOCK_PROPS) };

    gpu_watch_lines(p.stayed);
    gpu_watch_lines(p.moved);
    state->enter(p.stayed);
    state->enter(p.moved);
    p.moved = gpu_migrate(p.moved);
    compare(&p, gpu_snapshot);
    compare_memory(&p);
    step_through(&p);
    compare(&p, gpu_snapshot);
    compare_memory(&p);
    go_on(&p);
    qtest_quit(p.stayed);
    qtest_quit(p.moved);
}

/*
 * Groups that were in the middle of a job end it as if nothing had been: the
 * host sets what they wait for, has seen the fault, resumes them.
 */
static void end_group(QTestState *qts, bool resume)
{
    Vm vm = { .qts = qts, .n = 0, .as = 1 };
    Group g = {
        .qts = qts, .vm = &vm, .queues = 2, .ring_size = 0x1000,
    };

    vm_write64(&vm, VA_DATA + 0x100, 6);
    if (resume) {
        group_resume(&g, 3);
    }
    cs_ack_events(&g, 0);
    csg_ring_queues(&g, 1);
    g_assert_true(cs_wait_drained(&g, 0));
    g_assert_cmpuint(vm_read64(&vm, ring_sync(&g, 0)), ==, 1);
}

static void test_group(const void *opaque)
{
    const GpuState *state = opaque;
    bool resume = g_str_equal(state->name, "group-suspended");
    Pair p = { gpu_start(CLOCK_PROPS), gpu_start(CLOCK_PROPS) };

    gpu_watch_lines(p.stayed);
    gpu_watch_lines(p.moved);
    state->enter(p.stayed);
    state->enter(p.moved);
    p.moved = gpu_migrate(p.moved);
    compare_memory(&p);
    end_group(p.stayed, resume);
    end_group(p.moved, resume);
    compare(&p, gpu_snapshot);
    compare_memory(&p);
    qtest_quit(p.stayed);
    qtest_quit(p.moved);
}

/* Twice: what arrived can leave again */
static void test_twice(void)
{
    Pair p = { gpu_start(CLOCK_PROPS), gpu_start(CLOCK_PROPS) };

    gpu_watch_lines(p.stayed);
    gpu_watch_lines(p.moved);
    fw_prepare(p.stayed, FW_SHARED_SIZE);
    fw_prepare(p.moved, FW_SHARED_SIZE);
    poke(&p, MCU_CONTROL, MCU_AUTO);
    step(&p, NS_COLD_BOOT / 3);
    p.moved = gpu_migrate(p.moved);
    step(&p, NS_COLD_BOOT / 3);
    p.moved = gpu_migrate(p.moved);
    step_through(&p);
    g_assert_cmphex(gpu_read(p.moved, MCU_STATUS), ==, MCU_ENABLED);
    qtest_quit(p.stayed);
    qtest_quit(p.moved);
}

/* --- Streams of other devices --- */

/* A destination on which the guest would see another GPU refuses the stream */
static void test_refused(void)
{
    static const char *const others[] = {
        "model=g710", "model=g310", "shader-cores=3", "csg-slots=4",
        "cs-slots=9", "as-count=4", "va-bits=39", "pa-bits=36",
        "coherent=off", "fw-iface=4.1.0",
    };
    QTestState *from = gpu_start("");
    g_autofree char *path = gpu_save(from);

    qtest_quit(from);
    for (int i = 0; i < ARRAY_SIZE(others); i++) {
        QTestState *to = gpu_start_destination(others[i], 2000);
        g_autofree char *status = gpu_load(to, path);

        g_test_message("%s", others[i]);
        g_assert_cmpstr(status, ==, "failed");
        qtest_quit(to);
    }
    unlink(path);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(gpu_states); i++) {
        add_data_case("migrate/state", gpu_states[i].name, &gpu_states[i],
                      test_state);
        if (g_str_has_prefix(gpu_states[i].name, "group-")) {
            add_data_case("migrate", gpu_states[i].name, &gpu_states[i],
                          test_group);
        }
    }
    qtest_add_func("mali-csf/migrate/twice", test_twice);
    qtest_add_func("mali-csf/migrate/refused", test_refused);

    return g_test_run();
}
