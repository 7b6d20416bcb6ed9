/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU: groups and queues that cannot be
 *
 * What the interface blocks say is the host's mistake, and hurts only who it is
 * about.
 */

#include "qemu/osdep.h"
#include "mali-csf-stream.h"

/* --- Queues --- */

typedef struct BadConfig {
    const char *name;
    uint32_t offset;        /* in the queue's input block */
    uint64_t value;
} BadConfig;

static const BadConfig bad_rings[] = {
    { "size-zero", CS_RING_SIZE, 0 },
    { "size-no-power", CS_RING_SIZE, 0x3000 },
    { "size-small", CS_RING_SIZE, 0x800 },
    { "size-large", CS_RING_SIZE, 0x20000 },
    { "size-huge", CS_RING_SIZE, 0x80000000 },
    { "base-unaligned", CS_RING_BASE, VM_VA + 8 },
};

static const BadConfig bad_pages[] = {
    { "input-unmapped", CS_RING_INPUT, 0x06000000 },
    { "output-unmapped", CS_RING_OUTPUT, 0x06000000 },
    { "input-outside", CS_RING_INPUT, UINT64_MAX - 7 },
    { "output-outside", CS_RING_OUTPUT, UINT64_MAX - 7 },
};

/* The queue dies of it; the group's others, and other groups, do not */
static void test_bad_config(const void *opaque)
{
    const BadConfig *c = opaque;
    Group other;
    Bed b;

    bed_start(&b, 2);
    other = bed_neighbour(&b, 1);
    group_terminate(&b.g);
    csg_program(&b.g);
    if (c->offset == CS_RING_SIZE) {
        cs_in_set(&b.g, 0, c->offset, c->value);
    } else {
        cs_in_set64(&b.g, 0, c->offset, c->value);
    }
    csg_set_state(&b.g, CSG_START);
    cs_submit_words(&b.g, 0, NOP);
    g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_FATAL));
    g_assert_cmphex(cs_out(&b.g, 0, CS_FATAL) & 0xff, ==, EXC_CONFIG);
    g_assert_cmphex(gpu_read(b.qts, MCU_STATUS), ==, MCU_ENABLED);
    check_works(&b.g, 1, 0x1111);
    check_works(&other, 0, 0x2222);
    group_terminate(&b.g);
    group_start(&b.g, 0);
    check_works(&b.g, 1, 0x3333);
    qtest_quit(b.qts);
}

/* --- Groups --- */

static void test_bad_as(void)
{
    static const uint32_t numbers[] = { 8, 16, 255, 0x101, UINT32_MAX };
    Group other;
    Bed b;

    bed_start(&b, 1);
    other = bed_neighbour(&b, 1);
    for (int i = 0; i < ARRAY_SIZE(numbers); i++) {
        group_terminate(&b.g);
        csg_program(&b.g);
        csg_in_set(&b.g, CSG_CONFIG, numbers[i]);
        csg_set_state(&b.g, CSG_START);
        g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_FATAL));
        g_assert_cmphex(cs_out(&b.g, 0, CS_FATAL) & 0xff, ==, EXC_CONFIG);
        check_works(&other, 0, numbers[i]);
    }
    group_terminate(&b.g);
    group_start(&b.g, 0);
    check_works(&b.g, 0, 0x3333);
    qtest_quit(b.qts);
}

/* Where a group would be suspended to must be there from the start */
static void test_bad_suspend_buffer(void)
{
    static const uint64_t buffers[] = { 0x06000000, VA_NOTHING, UINT64_MAX };
    Group other;
    Bed b;

    bed_start(&b, 1);
    other = bed_neighbour(&b, 1);
    for (int i = 0; i < ARRAY_SIZE(buffers) * 2; i++) {
        group_terminate(&b.g);
        csg_program(&b.g);
        csg_in_set(&b.g, CSG_SUSPEND_BUF, buffers[i / 2]);
        csg_in_set(&b.g, CSG_SUSPEND_BUF + 4, buffers[i / 2] >> 32);
        csg_set_state(&b.g, i & 1 ? CSG_RESUME : CSG_START);
        g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_FATAL));
        g_assert_cmphex(cs_out(&b.g, 0, CS_FATAL) & 0xff, ==, EXC_CONFIG);
        csg_set_state(&b.g, CSG_SUSPEND);
        check_works(&other, 0, 0x10 + i);
    }
    group_terminate(&b.g);
    group_start(&b.g, 0);
    check_works(&b.g, 0, 0x3333);
    qtest_quit(b.qts);
}

/* A state that does not exist changes nothing for anybody */
static void test_bad_state(void)
{
    Group other;
    Bed b;

    bed_start(&b, 1);
    other = bed_neighbour(&b, 1);
    for (uint32_t state = 4; state < 8; state++) {
        csg_update(&b.g, state, CSG_STATE);
        csg_ring(&b.g);
        qtest_clock_step(b.qts, NS_JOB);
    }
    check_works(&other, 0, 0x2222);
    qtest_quit(b.qts);
}

/* A VM that is not there, or goes away under a job: a fault of that VM */
static void test_no_memory(void)
{
    Group other;
    Vm vm2;
    Bed b;

    bed_start(&b, 1);
    vm2 = vm_new(&b.d, 1, 3);
    other = group_new(&vm2, 1, 1);
    group_start(&other, 1);
    cs_submit_job(&b.g, 0, endless(&b.vm), 8);
    qtest_clock_step(b.qts, NS_JOB);
    vm_unbind(&b.vm);
    g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_FATAL));
    g_assert_cmphex(cs_out(&b.g, 0, CS_FATAL) & 0xff, ==, EXC_BUS);
    g_assert_cmphex(gpu_read(b.qts, MMU_INT + RAWSTAT) & 0xffff, ==, BIT(1));
    check_works(&other, 0, 0x2222);
    group_terminate(&b.g);
    qtest_quit(b.qts);
}

static void add_bad_configs(const BadConfig *configs, int n)
{
    for (int i = 0; i < n; i++) {
        add_data_case("config", configs[i].name, &configs[i], test_bad_config);
    }
}

static const TestCase cases[] = {
    { "as", test_bad_as },
    { "suspend-buffer", test_bad_suspend_buffer },
    { "state", test_bad_state },
    { "no-memory", test_no_memory },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    add_bad_configs(bad_rings, ARRAY_SIZE(bad_rings));
    add_bad_configs(bad_pages, ARRAY_SIZE(bad_pages));
    add_cases("config", cases, ARRAY_SIZE(cases));

    return g_test_run();
}
