/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU: the locked region of an address space
 *
 * What is translated in it waits, and nothing else does; what waited goes on
 * with the tables as they have become.
 */

#include "qemu/osdep.h"
#include "mali-csf-tlb.h"

#define LOCK_LOG2_MIN           15
#define VA_BITS                 48

/* --- What waits, and what does not --- */

static bool load_waits(Bed *b, unsigned j)
{
    return !cs_drained(&b->g, j) && vm_read(&b->vm, VA_RESULT) == 0xdead;
}

/* Everybody but queue 0 works */
static void check_others(Bed *b, Group *neighbour)
{
    static uint32_t mark;
    uint32_t req = fw_read(b->qts, FW_REQ) ^ GLB_PING;

    check_works(&b->g, 1, ++mark);
    check_works(neighbour, 0, ++mark);
    fw_request(b->qts, req);
    g_assert_cmphex(fw_read(b->qts, FW_ACK) & GLB_PING, ==, req & GLB_PING);
    csg_status(&b->g);
    g_assert_cmphex(cs_events(&b->g, 0), ==, 0);
    g_assert_cmphex(gpu_read(b->qts, MMU_INT + RAWSTAT) & 0xffff, ==, 0);
}

static const uint32_t ends[] = { CMD_UNLOCK, CMD_FLUSH_PT, CMD_FLUSH_MEM };

/* With what was cached before; then with what is mapped at the end */
static void test_load(void)
{
    for (int i = 0; i < ARRAY_SIZE(ends); i++) {
        Group neighbour;
        Bed b;

        tlb_start(&b, "");
        neighbour = bed_neighbour(&b, 1);
        make_stale(&b, VA_TEST, 1);
        gpu_as_lock(b.qts, 1, VA_TEST, 15);
        begin_load(&b, 0, VA_TEST);
        check_others(&b, &neighbour);
        g_assert_true(load_waits(&b, 0));
        map_page(&b, VA_TEST, 0, 7);
        gpu_write(b.qts, GPU_CMD, CMD_FLUSH);
        qtest_clock_step(b.qts, NS_FLUSH);
        g_assert_true(load_waits(&b, 0));
        gpu_as_command(b.qts, 1, ends[i]);
        g_assert_true(cs_wait_drained(&b.g, 0));
        g_assert_cmphex(vm_read(&b.vm, VA_RESULT), ==, CONTENT(0, 7));
        check_others(&b, &neighbour);
        qtest_quit(b.qts);
    }
}

static void test_store(void)
{
    const uint64_t words[] = {
        MOVE48(60, VA_TEST), MOVE32(0, 0x7777), STORE(0, 60, 1, 0), WAIT(0xff),
    };
    Group neighbour;
    Bed b;

    tlb_start(&b, "");
    neighbour = bed_neighbour(&b, 1);
    make_stale(&b, VA_TEST, 1);
    gpu_as_lock(b.qts, 1, VA_TEST, 15);
    cs_submit_job(&b.g, 0, vm_stream(&b.vm, words, ARRAY_SIZE(words)),
                  sizeof(words));
    qtest_clock_step(b.qts, NS_JOB);
    check_others(&b, &neighbour);
    g_assert_false(cs_drained(&b.g, 0));
    map_page(&b, VA_TEST, 1, 7);
    gpu_as_command(b.qts, 1, CMD_UNLOCK);
    g_assert_true(cs_wait_drained(&b.g, 0));
    /* Not a word through what was there before */
    g_assert_cmphex(qtest_readl(b.qts, set_pa(0, 1)), ==, CONTENT(0, 1));
    g_assert_cmphex(qtest_readl(b.qts, set_pa(1, 1)), ==, CONTENT(1, 1));
    g_assert_cmphex(qtest_readl(b.qts, set_pa(1, 7)), ==, 0x7777);
    qtest_quit(b.qts);
}

/* A page that is gone at the end is a fault then, and not before */
static void test_unmapped(void)
{
    Group neighbour;
    Bed b;

    tlb_start(&b, "");
    neighbour = bed_neighbour(&b, 1);
    make_stale(&b, VA_TEST, 1);
    gpu_as_lock(b.qts, 1, VA_TEST, 15);
    begin_load(&b, 0, VA_TEST);
    pt_set(&b.vm.pt, VA_TEST, 3, 0);
    check_others(&b, &neighbour);
    gpu_as_command(b.qts, 1, CMD_UNLOCK);
    g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_FATAL));
    g_assert_cmphex(gpu_read(b.qts, AS(1) + AS_FAULTSTATUS) & 0xff, ==, 0xc3);
    g_assert_cmphex(gpu_read64(b.qts, AS(1) + AS_FAULTADDRESS), ==, VA_TEST);
    check_works(&neighbour, 0, 0x1234);
    qtest_quit(b.qts);
}

/* Instructions are fetched through it too */
static void test_fetch(void)
{
    uint64_t words[READ_JOB_WORDS];
    Group neighbour;
    Bed b;

    read_job(words, VA_TEST);
    tlb_start(&b, "");
    neighbour = bed_neighbour(&b, 1);
    map_page(&b, VA_TEST + 0x8000, 0, 20);
    for (int i = 0; i < ARRAY_SIZE(words); i++) {
        qtest_writeq(b.qts, set_pa(0, 20) + 8 * i, words[i]);
    }
    gpu_as_lock(b.qts, 1, VA_TEST + 0x8000, 15);
    vm_write(&b.vm, VA_RESULT, 0xdead);
    cs_submit_job(&b.g, 0, VA_TEST + 0x8000, sizeof(words));
    qtest_clock_step(b.qts, NS_JOB);
    check_others(&b, &neighbour);
    g_assert_true(load_waits(&b, 0));
    gpu_as_command(b.qts, 1, CMD_UNLOCK);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmphex(vm_read(&b.vm, VA_RESULT), ==, CONTENT(0, 0));
    qtest_quit(b.qts);
}

/* Two queues wait; both go on */
static void test_both_queues(void)
{
    Bed b;

    tlb_start(&b, "");
    gpu_as_lock(b.qts, 1, VA_TEST, 15);
    begin_load(&b, 0, VA_TEST);
    begin_load(&b, 1, VA_TEST + 0x40);
    g_assert_true(load_waits(&b, 0));
    g_assert_true(load_waits(&b, 1));
    gpu_as_command(b.qts, 1, CMD_UNLOCK);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_true(cs_wait_drained(&b.g, 1));
    qtest_quit(b.qts);
}

/* The driver can take a group away that waits, and give it back */
static void test_suspend(void)
{
    Bed b;

    tlb_start(&b, "");
    gpu_as_lock(b.qts, 1, VA_TEST, 15);
    begin_load(&b, 0, VA_TEST);
    group_suspend(&b.g);
    gpu_as_command(b.qts, 1, CMD_UNLOCK);
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_true(load_waits(&b, 0));
    map_page(&b, VA_TEST, 0, 9);
    gpu_as_changed(b.qts, 1);
    group_resume(&b.g, 2);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmphex(vm_read(&b.vm, VA_RESULT), ==, CONTENT(0, 9));

    gpu_as_lock(b.qts, 1, VA_TEST, 15);
    begin_load(&b, 0, VA_TEST);
    group_terminate(&b.g);
    gpu_as_command(b.qts, 1, CMD_UNLOCK);
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_true(load_waits(&b, 0));
    qtest_quit(b.qts);
}

/*
 * An operation of a queue that has faulted meanwhile: it waits like any other,
 * without being looked at all the time
 */
static void test_faulted(void)
{
    const uint64_t words[] = {
        MOVE48(60, VA_TEST), MOVE48(2, 0x7777), MOVE32(4, 0),
        MOVE48(62, VA_RESULT + 1), FLUSH(4, 0, 3),
        SYNC_LATER(OP_SYNC_SET64, 60, 2, 0, BIT(3), 4),
        STORE(0, 62, 1, 0),
    };
    int64_t before, after;
    Bed b;

    tlb_start(&b, "");
    gpu_as_lock(b.qts, 1, VA_TEST, 15);
    cs_submit_job(&b.g, 0, vm_stream(&b.vm, words, ARRAY_SIZE(words)),
                  sizeof(words));
    g_assert_true(cs_wait_events(&b.g, 0, CS_EVENT_FAULT));
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_cmphex(cs_scoreboards(&b.g, 0) & BIT(4), ==, BIT(4));
    g_assert_cmphex(qtest_readl(b.qts, set_pa(0, 0)), ==, CONTENT(0, 0));
    before = qtest_clock_step_next(b.qts);
    for (int i = 0; i < 20; i++) {
        after = qtest_clock_step_next(b.qts);
    }
    g_assert_cmpint(after - before, >=, 10 * NS_STALL);
    gpu_as_command(b.qts, 1, CMD_UNLOCK);
    qtest_clock_step(b.qts, NS_LOOK);
    g_assert_cmphex(qtest_readq(b.qts, set_pa(0, 0)), ==, 0x7777);
    g_assert_cmphex(cs_scoreboards(&b.g, 0) & BIT(4), ==, 0);
    qtest_quit(b.qts);
}

/* --- Regions --- */

/*
 * A wider LOCK over a first one, as panthor does when an unmap turns out to
 * touch a huge page: one UNLOCK ends both
 */
static void test_wider(void)
{
    uint64_t far = VA_TEST + 0x100000;
    Bed b;

    tlb_start(&b, "");
    make_stale(&b, VA_TEST, 1);
    make_stale(&b, far, 2);
    make_stale(&b, VA_TEST + 0x200000, 3);
    gpu_as_lock(b.qts, 1, VA_TEST, 15);
    g_assert_cmphex(gpu_load_word(&b, far), ==, CONTENT(0, 2));
    gpu_as_lock(b.qts, 1, VA_TEST, 21);
    begin_load(&b, 0, far);
    g_assert_true(load_waits(&b, 0));
    gpu_as_command(b.qts, 1, CMD_UNLOCK);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmphex(vm_read(&b.vm, VA_RESULT), ==, CONTENT(1, 2));
    g_assert_cmphex(gpu_load_word(&b, VA_TEST), ==, CONTENT(1, 1));
    /* Just beyond */
    g_assert_cmphex(gpu_load_word(&b, VA_TEST + 0x200000), ==, CONTENT(0, 3));
    qtest_quit(b.qts);
}

/* Locks of other address spaces, and a reset, leave nothing locked */
static void test_others(void)
{
    Bed b;

    tlb_start(&b, "");
    for (unsigned as = 2; as < 8; as++) {
        gpu_as_lock(b.qts, as, 0, 48);
    }
    g_assert_cmphex(gpu_load_word(&b, VA_TEST), ==, CONTENT(0, 0));

    gpu_as_lock(b.qts, 1, 0, 48);
    gpu_write(b.qts, GPU_CMD, CMD_SOFT_RESET);
    qtest_clock_step(b.qts, NS_RESET);
    tlb_restart(&b);
    g_assert_cmphex(gpu_load_word(&b, VA_TEST), ==, CONTENT(0, 0));
    qtest_quit(b.qts);
}

/* What a LOCKADDR means, from its bits alone */
static bool covers(uint64_t lockaddr, uint64_t va)
{
    unsigned log2 = (lockaddr & 63) + 1;

    log2 = log2 < LOCK_LOG2_MIN ? LOCK_LOG2_MIN :
           log2 > VA_BITS ? VA_BITS : log2;
    return va >> log2 == lockaddr >> log2;
}

static void check_lockaddr(Bed *b, uint64_t lockaddr, uint64_t va)
{
    bool covered = covers(lockaddr, va);

    map_page(b, va, 0, 1);
    gpu_as_changed(b->qts, 1);
    make_stale(b, va, 1);
    gpu_write64(b->qts, AS(1) + AS_LOCKADDR, lockaddr);
    gpu_as_command(b->qts, 1, CMD_LOCK);
    /* The job's own pages may be locked as well: then it waits for them */
    if (!covers(lockaddr, VM_VA)) {
        uint64_t streams = b->vm.next_stream;

        begin_load(b, 0, va);
        g_assert_true(covered == load_waits(b, 0));
        gpu_as_command(b->qts, 1, CMD_UNLOCK);
        g_assert_true(cs_wait_drained(&b->g, 0));
        g_assert_cmphex(vm_read(&b->vm, VA_RESULT), ==, CONTENT(covered, 1));
        b->vm.next_stream = streams;
    } else {
        gpu_as_command(b->qts, 1, CMD_UNLOCK);
        g_assert_cmphex(gpu_load_word(b, va), ==, CONTENT(covered, 1));
    }
    g_assert_cmphex(gpu_read64(b->qts, AS(1) + AS_LOCKADDR), ==, lockaddr);
}

/* All sizes at all places: about an address, and anywhere */
static void test_lockaddr(void)
{
    static const uint64_t vas[] = {
        0, VA_TEST, 0x7f1234567000, 0xfffffffff000,
    };
    Bed b;

    tlb_start(&b, "");
    for (int i = 0; i < ARRAY_SIZE(vas); i++) {
        uint64_t va = vas[i];

        for (unsigned size = 0; size < 64; size++) {
            unsigned bit = g_test_rand_int_range(12, 64);
            uint64_t rand = (uint64_t)(uint32_t)g_test_rand_int() << 32 |
                            (uint32_t)g_test_rand_int();
            uint64_t addr = va;

            switch (g_test_rand_int_range(0, 4)) {
            case 0: /* the region itself, or the one beside it */
                addr ^= (rand & 1) << (size + 1) % 64;
                break;
            case 1: /* another in one bit, which counts or does not */
                addr ^= 1ULL << bit;
                break;
            case 2: /* bits below the size, which do not count */
                addr ^= rand & MAKE_64BIT_MASK(0, MAX(size, 1));
                break;
            default:
                addr = rand;
            }
            check_lockaddr(&b, (addr & ~63ULL) | size, va);
        }
        check_lockaddr(&b, 0, va);
        check_lockaddr(&b, UINT64_MAX, va);
    }
    qtest_quit(b.qts);
}

/* --- How long operations take --- */

static void nothing(QTestState *qts)
{
}

static void prepared(QTestState *qts)
{
    fw_prepare(qts, FW_SHARED_SIZE);
}

static void booted(QTestState *qts)
{
    prepared(qts);
    fw_boot(qts, NS_COLD_BOOT);
    /* It looks for requests when it has booted, which may take longer here */
    qtest_clock_step(qts, 4 * (int64_t)NS_LONG);
    fw_write(qts, FW_ACK_IRQ_MASK, UINT32_MAX);
}

static void halted(QTestState *qts)
{
    booted(qts);
    fw_halt(qts);
}

static void with_ping(QTestState *qts)
{
    booted(qts);
    fw_write(qts, FW_REQ, GLB_PING);
}

static void with_halt(QTestState *qts)
{
    booted(qts);
    fw_write(qts, FW_REQ, GLB_HALT);
}

/*
 * After a write of @val to @start the register @what stays as it is for the
 * property's time, and @more
 */
typedef struct Latency {
    const char *property;
    void (*before)(QTestState *qts);
    uint32_t start;
    uint32_t val;
    uint32_t what;
    int64_t more;
} Latency;

static const Latency latencies[] = {
    { "as-update", nothing, AS(1) + AS_COMMAND, CMD_UPDATE,
      AS(1) + AS_STATUS },
    { "as-lock", nothing, AS(1) + AS_COMMAND, CMD_LOCK, AS(1) + AS_STATUS },
    { "as-unlock", nothing, AS(1) + AS_COMMAND, CMD_UNLOCK,
      AS(1) + AS_STATUS },
    { "as-flush-pt", nothing, AS(1) + AS_COMMAND, CMD_FLUSH_PT,
      AS(1) + AS_STATUS },
    { "as-flush-mem", nothing, AS(1) + AS_COMMAND, CMD_FLUSH_MEM,
      AS(1) + AS_STATUS },
    { "flush", prepared, GPU_CMD, CMD_FLUSH, GPU_INT + RAWSTAT },
    { "reset", nothing, GPU_CMD, CMD_SOFT_RESET, GPU_INT + RAWSTAT },
    { "power", nothing, PWR_ON + DOMAIN_L2, 1, PWR_TRANS + DOMAIN_L2 },
    { "mcu-cold-boot", prepared, MCU_CONTROL, MCU_AUTO, MCU_STATUS },
    { "mcu-warm-boot", halted, MCU_CONTROL, MCU_AUTO, MCU_STATUS },
    { "mcu-stop", booted, MCU_CONTROL, MCU_DISABLE, MCU_STATUS },
    { "fw-request", with_ping, DOORBELL(0), 1, JOB_INT + RAWSTAT },
    { "fw-halt", with_halt, DOORBELL(0), 1, MCU_STATUS, NS_REQUEST },
};

/* Times that nothing takes by itself: just below, and at it */
static void test_latency(const void *opaque)
{
    static const uint32_t times[] = { 1, 777777, 3000000000 };
    const Latency *l = opaque;

    for (int i = 0; i < ARRAY_SIZE(times); i++) {
        g_autofree char *props = g_strdup_printf("%s-ns=%u", l->property,
                                                 times[i]);
        int64_t below = l->more + times[i] - 1;
        QTestState *qts = gpu_start(props);
        uint32_t was;

        g_test_message("%s", props);
        l->before(qts);
        gpu_write(qts, GPU_INT + CLEAR, UINT32_MAX);
        gpu_write(qts, l->start, l->val);
        was = gpu_read(qts, l->what);
        if (below) {
            qtest_clock_step(qts, below);
        }
        g_assert_cmphex(gpu_read(qts, l->what), ==, was);
        qtest_clock_step(qts, 1);
        g_assert_cmphex(gpu_read(qts, l->what), !=, was);
        qtest_quit(qts);
    }
}

static const TestCase cases[] = {
    { "load", test_load },
    { "store", test_store },
    { "unmapped", test_unmapped },
    { "fetch", test_fetch },
    { "both-queues", test_both_queues },
    { "suspend", test_suspend },
    { "faulted", test_faulted },
    { "wider", test_wider },
    { "others", test_others },
    { "lockaddr", test_lockaddr },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    add_cases("lock", cases, ARRAY_SIZE(cases));
    for (int i = 0; i < ARRAY_SIZE(latencies); i++) {
        add_data_case("latency", latencies[i].property, &latencies[i],
                      test_latency);
    }

    return g_test_run();
}
