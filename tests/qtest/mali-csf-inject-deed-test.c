/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU: what rules do themselves
 *
 * Interrupts, faults and values that no event of the hardware has led to, and
 * machines that are stopped for somebody to look at them.
 */

#include "qemu/osdep.h"
#include "mali-csf-inject.h"
#include "mali-csf-migrate.h"

/* --- What registers tell --- */

typedef struct Deed {
    const char *name;
    const char *act;
    uint32_t reg;
    uint32_t mask;
    uint32_t sees;
} Deed;

static const Deed deeds[] = {
    { "raise-job", "raise bits=0x80000001", JOB_INT + RAWSTAT, UINT32_MAX,
      0x80000001 },
    { "raise-mmu", "raise line=mmu bits=2", MMU_INT + RAWSTAT, 0xffff, 2 },
    { "raise-gpu", "raise line=gpu bits=0x100", GPU_INT + RAWSTAT, 0x100,
      0x100 },
    { "as-fault", "as-fault as=1 va=0x1234000", AS(1) + AS_FAULTSTATUS, 0x3ff,
      0x2c3 },
    { "as-fault-write", "as-fault as=1 va=0x1234000 type=0xc8 access=write",
      AS(1) + AS_FAULTSTATUS, 0x3ff, 0x3c8 },
    { "as-fault-va", "as-fault as=1 va=0x123456789000",
      AS(1) + AS_FAULTADDRESS, UINT32_MAX, 0x56789000 },
    { "as-fault-va-high", "as-fault as=1 va=0x123456789000",
      AS(1) + AS_FAULTADDRESS + 4, UINT32_MAX, 0x1234 },
    { "as-fault-irq", "as-fault as=1", MMU_INT + RAWSTAT, 0xffff, 2 },
    { "as-fault-firmware", "as-fault", MMU_INT + RAWSTAT, 0xffff, 1 },
    { "gpu-fault", "gpu-fault type=0x88 va=0x123456789000", GPU_FAULT_STATUS,
      UINT32_MAX, 0x88 },
    { "gpu-fault-default", "gpu-fault", GPU_FAULT_STATUS, UINT32_MAX, 0x80 },
    { "gpu-fault-va", "gpu-fault va=0x123456789000", GPU_FAULT_ADDR,
      UINT32_MAX, 0x56789000 },
    { "gpu-fault-va-high", "gpu-fault va=0x123456789000", GPU_FAULT_ADDR + 4,
      UINT32_MAX, 0x1234 },
    { "gpu-fault-irq", "gpu-fault", GPU_INT + RAWSTAT, 1, 1 },
    { "reg", "reg reg=L2_CONFIG value=0x55", L2_CONFIG, UINT32_MAX, 0x55 },
    { "reg-read-only", "reg reg=GPU_ID value=0", GPU_ID, UINT32_MAX, 0 },
    { "reg-bits", "reg reg=CSF_ID bits=0xf0", CSF_ID, UINT32_MAX,
      0x040a0412 ^ 0xf0 },
    { "reg-bank", "reg reg=AS_TRANSTAB bank=3 value=0x123456789000",
      AS(3) + AS_TRANSTAB, UINT32_MAX, 0x56789000 },
    { "reg-high", "reg reg=AS_TRANSTAB bank=3 value=0x123456789000",
      AS(3) + AS_TRANSTAB + 4, UINT32_MAX, 0x1234 },
    { "mcu-halted", "mcu-halted", MCU_STATUS, UINT32_MAX, MCU_HALT },
    { "mcu-halted-irq", "mcu-halted", GPU_INT + RAWSTAT, IRQ_MCU_STATUS,
      IRQ_MCU_STATUS },
    { "mcu-fatal", "mcu-fatal", MCU_STATUS, UINT32_MAX, MCU_FATAL },
};

/* At the time that was said, and until a reset that the driver then makes */
static void test_deed(const void *opaque)
{
    const Deed *c = opaque;
    uint32_t was;
    Bed b;

    bed_start(&b, 2);
    /* It tells that its group is idle */
    qtest_clock_step(b.qts, NS_LONG);
    gpu_write(b.qts, GPU_INT + CLEAR, UINT32_MAX);
    gpu_write(b.qts, JOB_INT + CLEAR, UINT32_MAX);
    gpu_write(b.qts, MMU_INT + CLEAR, UINT32_MAX);
    was = gpu_read(b.qts, c->reg) & c->mask;
    g_assert_cmphex(was, !=, c->sees);
    inject_addf(b.qts, "doorbell name=d count=1 -> %s time=1ms", c->act);
    gpu_write(b.qts, DOORBELL(20), 1);
    qtest_clock_step(b.qts, 1000000 - 1);
    g_assert_cmphex(gpu_read(b.qts, c->reg) & c->mask, ==, was);
    qtest_clock_step(b.qts, 1);
    g_assert_cmphex(gpu_read(b.qts, c->reg) & c->mask, ==, c->sees);
    g_assert_cmpint(inject_hits(b.qts, "d"), ==, 1);
    bed_reset(&b);
    check_works(&b.g, 0, 0x1111);
    qtest_quit(b.qts);
}

/* --- Queues --- */

/* Its exception, with what it is said to be */
static void check_cs_error(const char *act, unsigned slot, unsigned queue,
                           uint32_t event, uint32_t type, uint64_t info)
{
    bool fatal = event == CS_EVENT_FATAL;
    Group other;
    Bed b;

    bed_start(&b, 3);
    other = bed_neighbour(&b, 1);
    inject_addf(b.qts, "doorbell doorbell=20 count=1 -> %s", act);
    gpu_write(b.qts, DOORBELL(20), 1);
    {
        Group *g = slot ? &other : &b.g;

        g_assert_true(cs_wait_events(g, queue, event));
        g_assert_cmphex(cs_events(g, queue), ==, event);
        g_assert_cmphex(cs_out(g, queue, fatal ? CS_FATAL : CS_FAULT), ==,
                        type);
        g_assert_cmphex(cs_out64(g, queue, fatal ? CS_FATAL_INFO
                                                 : CS_FAULT_INFO), ==, info);
        g_assert_cmphex((csg_out(g, CSG_CS_IRQ_REQ) ^
                         csg_in(g, CSG_CS_IRQ_ACK)), ==, BIT(queue));
        g_assert_true(gpu_read(b.qts, JOB_INT + RAWSTAT) & BIT(slot));
        /* The others are well */
        check_works(slot ? &b.g : &other, 0, 0x1111);
        check_works(&b.g, 2, 0x2222);
        /* And so is it, when the host has seen the fault, or started anew */
        cs_ack_events(g, queue);
        if (fatal) {
            group_terminate(g);
            group_start(g, slot);
        } else {
            csg_ring_queues(g, BIT(queue));
            cs_submit_words(g, queue, NOP, ERROR_BARRIER);
            g_assert_true(cs_wait_drained(g, queue));
        }
        check_works(g, queue, 0x3333);
    }
    qtest_quit(b.qts);
}

static void test_cs_errors(void)
{
    check_cs_error("cs-fault", 0, 0, CS_EVENT_FAULT, 0x58, 0);
    check_cs_error("cs-fault csg=0 cs=1 type=0x5a info=0x123456789abc", 0, 1,
                   CS_EVENT_FAULT, 0x5a, 0x123456789abc);
    check_cs_error("cs-fatal csg=1", 1, 0, CS_EVENT_FATAL, 0x41, 0);
    check_cs_error("cs-fatal cs=1 type=0x44 info=7", 0, 1, CS_EVENT_FATAL,
                   0x44, 7);
}

/* What is not said of group and queue is the event's */
static void test_own_queue(void)
{
    Group other;
    Bed b;

    bed_start(&b, 3);
    other = bed_neighbour(&b, 1);
    inject_add(b.qts, "fetch csg=0 cs=1 opcode=MOVE32 count=1 -> cs-fault");
    inject_add(b.qts, "fetch name=f csg=1 opcode=MOVE32 count=1 -> count");
    inject_add(b.qts, "after rule=f time=10us -> cs-fatal");
    cs_submit_words(&b.g, 0, MOVE32(4, 1));
    cs_submit_words(&b.g, 1, MOVE32(4, 1));
    g_assert_true(cs_wait_events(&b.g, 1, CS_EVENT_FAULT));
    g_assert_cmphex(cs_events(&b.g, 0), ==, 0);
    cs_submit_words(&other, 0, MOVE32(4, 1));
    g_assert_true(cs_wait_events(&other, 0, CS_EVENT_FATAL));
    g_assert_cmphex(cs_events(&b.g, 0), ==, 0);
    check_works(&b.g, 0, 0x1111);
    qtest_quit(b.qts);
}

/* --- Memory --- */

/* Through the tables as they are */
static void test_poke(void)
{
    Bed b;

    bed_start(&b, 1);
    vm_write64(&b.vm, VA_DATA, 0x1111111122222222);
    vm_write64(&b.vm, VA_DATA + 8, 0x3333333344444444);
    inject_add(b.qts, "doorbell doorbell=20 -> poke as=1 va=0x100c0000 "
               "value=0xabcd");
    inject_add(b.qts, "doorbell doorbell=20 -> poke as=1 va=0x100c0008 "
               "bits=0xf00000000000000f size=8");
    inject_add(b.qts, "doorbell doorbell=21 -> poke as=1 va=0x100c0008 "
               "value=0x123456789abcdef0 size=8");
    /* What is not mapped is left alone */
    inject_add(b.qts, "doorbell doorbell=20 -> poke as=1 va=0x7000000000 "
               "value=1");
    inject_add(b.qts, "doorbell doorbell=20 -> poke as=5 va=0x100c0000 "
               "value=1");
    gpu_write(b.qts, DOORBELL(20), 1);
    qtest_clock_step(b.qts, 1);
    g_assert_cmphex(vm_read64(&b.vm, VA_DATA), ==, 0x111111110000abcd);
    g_assert_cmphex(vm_read64(&b.vm, VA_DATA + 8), ==, 0xc33333334444444b);
    gpu_write(b.qts, DOORBELL(21), 1);
    qtest_clock_step(b.qts, 1);
    g_assert_cmphex(vm_read64(&b.vm, VA_DATA + 8), ==, 0x123456789abcdef0);
    g_assert_cmphex(gpu_read(b.qts, MMU_INT + RAWSTAT) & 0xffff, ==, 0);
    check_works(&b.g, 0, 0x1111);
    qtest_quit(b.qts);
}

/* The firmware's interface, each block and side */
static void test_interface(void)
{
    static const struct {
        const char *words;
        uint32_t va;
    } blocks[] = {
        { "block=glb side=in", FW_INPUT }, { "side=out", FW_OUTPUT },
        { "block=csg side=in csg=3", CSG_IN(3) },
        { "block=csg side=out csg=7", CSG_OUT(7) },
        { "block=cs side=in csg=2 cs=5", CS_IN(2, 5) },
        { "block=cs side=out csg=7 cs=7", CS_OUT(7, 7) },
        { "block=csg side=out", CSG_OUT(0) },
    };
    Bed b;

    bed_start(&b, 1);
    for (int i = 0; i < ARRAY_SIZE(blocks); i++) {
        uint32_t va = blocks[i].va + 0x14, was = fw_read(b.qts, va);

        inject_addf(b.qts, "doorbell name=v doorbell=20 -> interface %s "
                    "offset=0x14 value=0x5a5a0000", blocks[i].words);
        gpu_write(b.qts, DOORBELL(20), 1);
        qtest_clock_step(b.qts, 1);
        g_assert_cmphex(fw_read(b.qts, va), ==, 0x5a5a0000);
        inject_remove(b.qts, "v");
        inject_addf(b.qts, "doorbell name=v doorbell=20 -> interface %s "
                    "offset=20 bits=0xffff", blocks[i].words);
        gpu_write(b.qts, DOORBELL(20), 1);
        qtest_clock_step(b.qts, 1);
        g_assert_cmphex(fw_read(b.qts, va), ==, 0x5a5affff);
        inject_remove(b.qts, "v");
        fw_write(b.qts, va, was);
    }
    check_works(&b.g, 0, 0x1111);
    qtest_quit(b.qts);
}

/* --- Waiting --- */

/* Silent, and MCU_STATUS does not tell: the next ping finds out */
static void test_hang(void)
{
    Bed b;

    bed_start(&b, 1);
    inject_add(b.qts, "doorbell doorbell=20 -> mcu-hang");
    gpu_write(b.qts, DOORBELL(20), 1);
    qtest_clock_step(b.qts, 1);
    fw_request(b.qts, fw_read(b.qts, FW_REQ) ^ GLB_PING);
    cs_submit_words(&b.g, 0, NOP);
    qtest_clock_step(b.qts, NS_LONG);
    g_assert_cmphex(gpu_read(b.qts, MCU_STATUS), ==, MCU_ENABLED);
    g_assert_cmphex((fw_read(b.qts, FW_REQ) ^ fw_read(b.qts, FW_ACK)) &
                    GLB_PING, ==, GLB_PING);
    g_assert_false(cs_drained(&b.g, 0));
    bed_reset(&b);
    check_works(&b.g, 0, 0x1111);
    qtest_quit(b.qts);
}

/* The queue waits, the others do not, and what it has begun is completed */
static void test_stall_queue(void)
{
    const uint64_t words[] = { MOVE32(4, 1), NOP, NOP };
    Bed b;

    bed_start(&b, 2);
    inject_add(b.qts, "doorbell doorbell=20 -> stall-queue cs=1 for=1ms");
    gpu_write(b.qts, DOORBELL(20), 1);
    qtest_clock_step(b.qts, 1);
    cs_submit(&b.g, 1, words, ARRAY_SIZE(words));
    check_works(&b.g, 0, 0x1111);
    g_assert_false(cs_drained(&b.g, 1));
    qtest_clock_step(b.qts, 1000000);
    g_assert_true(cs_drained(&b.g, 1));
    inject_remove(b.qts, "rule1");
    inject_add(b.qts, "doorbell doorbell=20 -> stall-queue cs=0 for=never");
    gpu_write(b.qts, DOORBELL(20), 1);
    qtest_clock_step(b.qts, 1);
    cs_submit(&b.g, 0, words, ARRAY_SIZE(words));
    qtest_clock_step(b.qts, 2 * LIMIT_JOB);
    g_assert_false(cs_drained(&b.g, 0));
    check_works(&b.g, 1, 0x2222);
    /* It is suspended, and goes on where it is resumed */
    group_suspend(&b.g);
    group_resume(&b.g, 2);
    g_assert_true(cs_wait_drained(&b.g, 0));
    check_works(&b.g, 0, 0x3333);
    qtest_quit(b.qts);
}

/* A flush of a stream that has begun ends while its queue is held */
static void test_stall_operations(void)
{
    Bed b;

    bed_start(&b, 1);
    inject_add(b.qts, "fetch opcode=MOVE32 -> stall time=never");
    cs_submit_words(&b.g, 0, MOVE48(4, VA_DATA), MOVE48(6, 5), FLUSH(10, 0, 1),
                    SYNC_LATER(OP_SYNC_ADD64, 4, 6, 0, BIT(1), 2),
                    MOVE32(8, 1));
    qtest_clock_step(b.qts, NS_REQUEST + NS_FLUSH + 2 * NS_LOOK);
    g_assert_cmphex(vm_read64(&b.vm, VA_DATA), ==, 5);
    g_assert_false(cs_drained(&b.g, 0));
    qtest_quit(b.qts);
}

/* --- Whoever looks at the machine --- */

static char *run_state(QTestState *qts)
{
    QDict *rsp = qtest_qmp_assert_success_ref(qts,
        "{ 'execute': 'query-status' }");
    char *status = g_strdup(qdict_get_str(rsp, "status"));

    qobject_unref(rsp);
    return status;
}

static void check_stopped(QTestState *qts, const char *rule, const char *action,
                          const char *file, int64_t ns)
{
    QDict *event = qtest_qmp_eventwait_ref(qts, "MALI_CSF_INJECTED");
    QDict *data = qdict_get_qdict(event, "data");
    g_autofree char *status = NULL;

    g_assert_cmpstr(qdict_get_str(data, "qom-path"), ==, GPU_PATH);
    g_assert_cmpstr(qdict_get_str(data, "rule"), ==, rule);
    g_assert_cmpstr(qdict_get_str(data, "action"), ==, action);
    g_assert_cmpstr(qdict_get_try_str(data, "file"), ==, file);
    g_assert_cmpint(qdict_get_int(data, "time-ns"), ==, ns);
    qobject_unref(event);
    qtest_qmp_eventwait(qts, "STOP");
    status = run_state(qts);
    g_assert_cmpstr(status, ==, "paused");
    qtest_qmp_assert_success(qts, "{ 'execute': 'cont' }");
    qtest_qmp_eventwait(qts, "RESUME");
}

static void test_pause(void)
{
    QTestState *qts = gpu_start("");

    inject_add(qts, "flush name=p -> pause time=1ms");
    inject_add(qts, "flush name=s -> snapshot file='a b' time=2ms");
    inject_add(qts, "time name=t at=5ms -> pause");
    flush(qts);
    qtest_clock_step(qts, 1000000);
    check_stopped(qts, "p", "pause", NULL, 1001000);
    qtest_clock_step(qts, 1000000);
    check_stopped(qts, "s", "snapshot", "a b", 2001000);
    qtest_clock_step(qts, 3000000);
    check_stopped(qts, "t", "pause", NULL, 5000000);
    qtest_quit(qts);
}

/* Saved where a rule says, and loaded again, it goes on from there */
static void test_snapshot(void)
{
    QTestState *qts = gpu_start(CLOCK_PROPS);

    inject_add(qts, "flush name=s count=1 -> snapshot file=f");
    inject_add(qts, "flush count=1 -> delay time=1ms");
    flush(qts);
    qtest_clock_step(qts, 1);
    qobject_unref(qtest_qmp_eventwait_ref(qts, "MALI_CSF_INJECTED"));
    qtest_qmp_eventwait(qts, "STOP");
    qts = gpu_migrate(qts);
    qtest_qmp_assert_success(qts, "{ 'execute': 'cont' }");
    g_assert_cmpint(inject_hits(qts, "s"), ==, 1);
    qtest_clock_step(qts, NS_FLUSH + 1000000 - 2);
    g_assert_false(flushed(qts));
    qtest_clock_step(qts, 1);
    g_assert_true(flushed(qts));
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    static const TestCase cases[] = {
        { "cs-errors", test_cs_errors },
        { "own-queue", test_own_queue },
        { "poke", test_poke },
        { "interface", test_interface },
        { "hang", test_hang },
        { "stall-queue", test_stall_queue },
        { "stall-operations", test_stall_operations },
        { "pause", test_pause },
        { "snapshot", test_snapshot },
    };

    g_test_init(&argc, &argv, NULL);
    add_cases("inject-deed", cases, ARRAY_SIZE(cases));
    for (int i = 0; i < ARRAY_SIZE(deeds); i++) {
        add_data_case("inject-deed/deed", deeds[i].name, &deeds[i], test_deed);
    }
    return g_test_run();
}
