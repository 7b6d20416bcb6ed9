/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU: groups interrupted in the middle of something
 *
 * A snapshot goes on in another QEMU; a group that is suspended goes on in
 * another slot and address space.  Either way the result is that of a group
 * that was left alone.
 */

#include "qemu/osdep.h"
#include "mali-csf-migrate.h"
#include "mali-csf-task.h"

/* What streams wait for */
#define VA_FLAG                 (VA_DATA + 0x1000)
/* The part of the VM that tests lock: descriptors and results */
#define VA_LOCKED               (VA_DATA + 0x10000)
#define LOCKED_LOG2             16

typedef struct Scene {
    const char *name;
    /* Begin something, and be in the middle of it */
    void (*enter)(Bed *b);
    /* What else it takes, and what must have come of it */
    void (*finish)(Bed *b, bool resumed);
    bool suspended;         /* the group is in its suspend buffer already */
} Scene;

static void submit_stream(Bed *b, const uint64_t *words, unsigned n)
{
    cs_submit_job(&b->g, 0, vm_stream(&b->vm, words, n), n * 8);
    /* Past the flush that a job begins with */
    qtest_clock_step(b->qts, NS_REQUEST + NS_FLUSH + 2);
    g_assert_false(cs_drained(&b->g, 0));
}

static void finish_job(Bed *b)
{
    g_assert_true(cs_wait_drained(&b->g, 0));
    g_assert_cmphex(cs_events(&b->g, 0), ==, 0);
}

/* --- Streams --- */

#define LOOPS                   200000

/* Several ms of additions */
static void enter_stream(Bed *b)
{
    const uint64_t words[] = {
        MOVE32(0, LOOPS), ADD_IMM32(1, 1, 7), ADD_IMM32(0, 0, -1),
        BRANCH(IF_NE, 0, -3), MOVE48(60, VA_TOLD), STORE(0, 60, 3, 0),
        WAIT(0xff),
    };

    submit_stream(b, words, ARRAY_SIZE(words));
    qtest_clock_step(b->qts, 1000000);
    g_assert_false(cs_drained(&b->g, 0));
}

static void finish_stream(Bed *b, bool resumed)
{
    finish_job(b);
    g_assert_cmpuint(told(&b->vm, 0), ==, 7ULL * LOOPS << 32);
}

#define LEVELS                  7

/* As deep as streams can be; the innermost one waits */
static void enter_nested(Bed *b)
{
    const uint64_t waiting[] = {
        MOVE48(0, VA_FLAG), MOVE48(2, 4),
        SYNC_UNTIL(OP_SYNC_WAIT64, 0, 2, IF_GT), ADD_IMM32(10, 10, 100),
    };
    uint64_t stream = vm_stream(&b->vm, waiting, ARRAY_SIZE(waiting));
    uint32_t size = sizeof(waiting);

    for (int i = 0; i < LEVELS; i++) {
        const uint64_t words[] = {
            MOVE48(20 + 2 * i, stream), MOVE32(40 + i, size),
            CALL(20 + 2 * i, 40 + i), ADD_IMM32(10, 10, 1),
            MOVE48(60, VA_TOLD), STORE(10, 60, 1, 0), WAIT(0xff),
        };

        if (i == LEVELS - 1) {
            submit_stream(b, words, ARRAY_SIZE(words));
            break;
        }
        stream = vm_stream(&b->vm, words, ARRAY_SIZE(words));
        size = sizeof(words);
    }
    csg_status(&b->g);
    g_assert_cmphex(cs_out(&b->g, 0, CS_STATUS_BLOCKED), ==, BLOCKED_SYNC);
}

static void finish_nested(Bed *b, bool resumed)
{
    qtest_clock_step(b->qts, NS_JOB);
    g_assert_cmpuint(told(&b->vm, 0), ==, 0);
    csg_status(&b->g);
    g_assert_cmphex(cs_out(&b->g, 0, CS_STATUS_BLOCKED), ==, BLOCKED_SYNC);
    g_assert_cmphex(cs_out64(&b->g, 0, CS_STATUS_SYNC_PTR), ==, VA_FLAG);
    vm_write64(&b->vm, VA_FLAG, 5);
    finish_job(b);
    g_assert_cmpuint(told(&b->vm, 0), ==, 100 + LEVELS);
}

static void enter_suspended(Bed *b)
{
    enter_nested(b);
    group_suspend(&b->g);
}

static void finish_suspended(Bed *b, bool resumed)
{
    group_resume(&b->g, 3);
    finish_nested(b, true);
}

/* Queue 0 waits for the progress of queue 1 */
static void enter_progress(Bed *b)
{
    const uint64_t words[] = {
        MOVE48(0, 3), PROGRESS_WAIT(0, 1), PROGRESS_LOAD(2),
        MOVE48(60, VA_TOLD), STORE(0, 60, 0xf, 0), WAIT(0xff),
    };

    cs_run_words(&b->g, 1, MOVE48(0, 2), PROGRESS_STORE(0));
    cs_run_words(&b->g, 0, MOVE48(0, 17), PROGRESS_STORE(0));
    submit_stream(b, words, ARRAY_SIZE(words));
}

static void finish_progress(Bed *b, bool resumed)
{
    qtest_clock_step(b->qts, NS_JOB);
    g_assert_false(cs_drained(&b->g, 0));
    /* One more than it had */
    cs_run_words(&b->g, 1, WAIT(0xff) | COUNT_PROGRESS);
    finish_job(b);
    g_assert_cmpuint(told(&b->vm, 1), ==, 17);
}

/* --- What completes later --- */

/* A flush, and what waits for it and for one another */
static void enter_flush(Bed *b)
{
    const uint64_t words[] = {
        MOVE48(0, VA_TOLD), MOVE48(2, 1), FLUSH(10, 0, 1),
        SYNC_LATER(OP_SYNC_ADD64, 0, 2, 0, BIT(1), 2),
        FLUSH(10, BIT(2), 3),
        SYNC_LATER(OP_SYNC_ADD64, 0, 2, 0, BIT(3), 4),
        MOVE48(0, VA_NOTHING), MOVE48(2, 1000), WAIT(BIT(4)),
    };

    submit_stream(b, words, ARRAY_SIZE(words));
    g_assert_cmphex(cs_scoreboards(&b->g, 0), ==,
                    BIT(1) | BIT(2) | BIT(3) | BIT(4));
    g_assert_cmpuint(told(&b->vm, 0), ==, 0);
}

static void finish_flush(Bed *b, bool resumed)
{
    finish_job(b);
    g_assert_cmpuint(told(&b->vm, 0), ==, 2);
    g_assert_cmphex(cs_scoreboards(&b->g, 0), ==, 0);
}

/* Loads and stores that a locked region holds up, each with a slot */
static void enter_memory(Bed *b)
{
    const uint64_t words[] = {
        SB_ENTRY(0, 4), MOVE48(60, VA_TOLD), MOVE48(62, VA_FLAG),
        MOVE48(0, 0x123456789abc), STORE(0, 60, 3, 0), WAIT(BIT(4)),
        LOAD(4, 60, 3, 0), WAIT(BIT(4)), STORE(4, 62, 3, 0), WAIT(0xff),
    };

    gpu_as_lock(b->qts, b->vm.as, VA_LOCKED, LOCKED_LOG2);
    submit_stream(b, words, ARRAY_SIZE(words));
    qtest_clock_step(b->qts, NS_JOB);
    g_assert_false(cs_drained(&b->g, 0));
    g_assert_cmphex(told(&b->vm, 0), ==, 0);
}

/* The address space that a group was resumed on is not locked */
static void unlock(Bed *b, bool resumed)
{
    if (!resumed) {
        qtest_clock_step(b->qts, NS_JOB);
        g_assert_false(cs_drained(&b->g, 0));
        gpu_as_command(b->qts, b->vm.as, CMD_UNLOCK);
    }
}

static void finish_memory(Bed *b, bool resumed)
{
    unlock(b, resumed);
    finish_job(b);
    g_assert_cmphex(told(&b->vm, 0), ==, 0x123456789abc);
    g_assert_cmphex(vm_read64(&b->vm, VA_FLAG), ==, 0x123456789abc);
}

/* --- Tasks --- */

static void enter_compute(Bed *b)
{
    shader_init(&b->vm);
    compute_regs(&b->g, 0, UINT32_MAX);
    cs_submit_words(&b->g, 0, ON_SLOT, RUN(OP_RUN_COMPUTE) | COUNT_PROGRESS,
                    DONE, PROGRESS_LOAD(62), MOVE48(60, VA_TOLD),
                    STORE(62, 60, 3, 0), WAIT(0xff));
    qtest_clock_step(b->qts, NS_REQUEST + 1);
    g_assert_cmphex(cs_scoreboards(&b->g, 0), ==, BIT(SLOT));
    qtest_clock_step(b->qts, 100000);
    g_assert_cmphex(cs_scoreboards(&b->g, 0), ==, BIT(SLOT));
}

static void finish_compute(Bed *b, bool resumed)
{
    g_assert_cmpuint(told(&b->vm, 0), ==, 0);
    finish_job(b);
    g_assert_cmpuint(told(&b->vm, 0), ==, 1);
}

#define CLEAR_WIDTH             512
#define CLEAR_HEIGHT            512
#define CLEAR_COLOR             0x44332211

static uint32_t target_pixel(Bed *b, unsigned i)
{
    return qtest_readl(b->qts, RAM_TARGET + i * 4);
}

/* So large that it takes several slices; it has begun, and goes on */
static void enter_clear(Bed *b)
{
    const uint64_t rt = VA_FBD + FBD_PARTS;

    vm_map_target(&b->vm);
    qtest_memset(b->qts, RAM_TARGET, 0xee, TARGET_SIZE);
    fbd_init(&b->vm, CLEAR_WIDTH, CLEAR_HEIGHT);
    vm_write(&b->vm, rt, 1 << 26);
    vm_write(&b->vm, rt + 4, BIT(31) | 0x688 << 16 | 2 << 8 | 19 << 3 | 1);
    vm_write64(&b->vm, rt + 32, VA_TARGET);
    vm_write(&b->vm, rt + 40, CLEAR_WIDTH * 4);
    for (int i = 0; i < 4; i++) {
        vm_write(&b->vm, rt + 48 + i * 4, CLEAR_COLOR);
    }
    fragment_regs(&b->g, 0, FBD_ONE_TARGET, 0, 0, CLEAR_WIDTH - 1,
                  CLEAR_HEIGHT - 1);
    cs_submit_words(&b->g, 0, ON_SLOT, RUN(OP_RUN_FRAGMENT), DONE);
    for (int64_t t = 0; target_pixel(b, 0) != CLEAR_COLOR; t += 1000) {
        g_assert_cmpint(t, <, NS_JOB);
        qtest_clock_step(b->qts, 1000);
    }
    g_assert_cmphex(target_pixel(b, CLEAR_WIDTH * CLEAR_HEIGHT - 1), ==,
                    0xeeeeeeee);
}

static void finish_clear(Bed *b, bool resumed)
{
    g_autofree uint32_t *pixels = g_malloc(TARGET_SIZE);

    /* What comes after it was not cleared again from the start */
    qtest_writel(b->qts, RAM_TARGET, 0x55555555);
    finish_job(b);
    qtest_memread(b->qts, RAM_TARGET, pixels, TARGET_SIZE);
    g_assert_cmphex(le32_to_cpu(pixels[0]), ==, 0x55555555);
    for (int i = 1; i < CLEAR_WIDTH * CLEAR_HEIGHT; i++) {
        g_assert_cmphex(le32_to_cpu(pixels[i]), ==, CLEAR_COLOR);
    }
}

/* --- TILER_OOM --- */

/* In more than one chunk, of which the heap has @chunks */
#define VERTICES                200

static void wait_for_oom(Bed *b)
{
    g_assert_true(cs_wait_events(&b->g, 0, CS_EVENT_TILER_OOM));
    g_assert_cmphex(cs_events(&b->g, 0), ==, CS_EVENT_TILER_OOM);
}

static void start_draw(Bed *b)
{
    shader_init(&b->vm);
    fbd_init(&b->vm, 64, 64);
    vm_write64(&b->vm, VA_FBD + FBD_TILER, VA_TILER);
    for (int j = 0; j < 2; j++) {
        cs_run_words(&b->g, j, MOVE48(64, VA_HEAP_CONTEXT), HEAP_SET(64),
                     ON_SLOT);
    }
    draw_regs(&b->g, 0, VERTICES);
    cs_submit_words(&b->g, 0, HEAP_OPERATION(HEAP_VT_START), RUN(OP_RUN_IDVS),
                    DONE);
    wait_for_oom(b);
}

static void enter_asked(Bed *b)
{
    heap_init(&b->vm, 1);
    start_draw(b);
}

/*
 * The host forgets what a group had asked when it takes it out of its slot; it
 * is asked again
 */
static void finish_asked(Bed *b, bool resumed)
{
    wait_for_oom(b);
    qtest_clock_step(b->qts, NS_JOB);
    g_assert_false(cs_drained(&b->g, 0));
    cs_answer_oom(&b->g, 0, 3);
    finish_job(b);
    g_assert_cmphex(heap_base(&b->vm), ==, VA_CHUNK(3));
}

/* The answer has come, but the heap is locked */
static void enter_granted(Bed *b)
{
    enter_asked(b);
    gpu_as_lock(b->qts, b->vm.as, VA_LOCKED, LOCKED_LOG2);
    cs_answer_oom(&b->g, 0, 3);
    qtest_clock_step(b->qts, NS_JOB);
    g_assert_cmphex(cs_events(&b->g, 0), ==, 0);
    g_assert_cmphex(heap_base(&b->vm), ==, 0);
}

static void finish_granted(Bed *b, bool resumed)
{
    unlock(b, resumed);
    finish_job(b);
    g_assert_cmphex(heap_base(&b->vm), ==, VA_CHUNK(3));
}

static void enter_refused(Bed *b)
{
    enter_asked(b);
    gpu_as_lock(b->qts, b->vm.as, VA_LOCKED, LOCKED_LOG2);
    cs_answer_oom(&b->g, 0, NO_CHUNK);
    qtest_clock_step(b->qts, NS_JOB);
    g_assert_cmphex(cs_events(&b->g, 0), ==, 0);
    g_assert_false(cs_drained(&b->g, 0));
}

static void finish_refused(Bed *b, bool resumed)
{
    unlock(b, resumed);
    g_assert_true(cs_wait_events(&b->g, 0, CS_EVENT_FAULT));
    g_assert_cmphex(cs_events(&b->g, 0), ==, CS_EVENT_FAULT);
    g_assert_cmphex(cs_out(&b->g, 0, CS_FAULT) & 0xff, ==, EXC_OOM);
    cs_ack_events(&b->g, 0);
    cs_submit_words(&b->g, 0, ERROR_BARRIER);
    csg_ring_queues(&b->g, 1);
    finish_job(b);
}

/* For another pass, whose chunk will come back */
static void enter_waiting(Bed *b)
{
    heap_init(&b->vm, 2);
    shader_init(&b->vm);
    draw_regs(&b->g, 0, VERTICES);
    cs_run_words(&b->g, 0, MOVE48(64, VA_HEAP_CONTEXT), HEAP_SET(64), ON_SLOT,
                 HEAP_OPERATION(HEAP_VT_START), RUN(OP_RUN_IDVS), DONE,
                 HEAP_OPERATION(HEAP_VT_END));
    start_draw(b);
    cs_answer_oom(&b->g, 0, NO_CHUNK);
    qtest_clock_step(b->qts, NS_JOB);
    g_assert_cmphex(cs_events(&b->g, 0), ==, 0);
    g_assert_false(cs_drained(&b->g, 0));
}

static void finish_waiting(Bed *b, bool resumed)
{
    if (resumed) {
        wait_for_oom(b);
        cs_answer_oom(&b->g, 0, NO_CHUNK);
    }
    qtest_clock_step(b->qts, NS_JOB);
    g_assert_cmphex(cs_events(&b->g, 0), ==, 0);
    g_assert_false(cs_drained(&b->g, 0));
    fragment_regs(&b->g, 1, FBD_ONE_TARGET, 0, 0, 63, 63);
    cs_run_words(&b->g, 1, RUN(OP_RUN_FRAGMENT), DONE, MOVE48(70, VA_TILER),
                 LOAD(72, 70, 0xf, TILER_COMPLETED), WAIT(0xff),
                 FINISH_FRAGMENT(72, 74) | COUNT_RENDERED);
    finish_job(b);
    g_assert_cmphex(heap_base(&b->vm), ==, VA_CHUNK(0));
}

/* In the handler, which waits before it renders */
static void enter_handler(Bed *b)
{
    const uint64_t words[] = {
        MOVE48(0, VA_FLAG), MOVE48(2, 0), ADD_IMM32(78, 78, 1),
        SYNC_UNTIL(OP_SYNC_WAIT64, 0, 2, IF_GT), MOVE48(0, 0),
        MOVE48(40, VA_FBD | FBD_ONE_TARGET), MOVE48(42, 0),
        RUN(OP_RUN_FRAGMENT), DONE, MOVE48(70, VA_TILER),
        LOAD(72, 70, 0xf, TILER_COMPLETED), WAIT(0xff),
        FINISH_FRAGMENT(72, 74), MOVE48(40, VA_TILER),
    };
    uint64_t va = vm_stream(&b->vm, words, ARRAY_SIZE(words));

    b->vm.next_stream = va + 0x1000;
    cs_run_words(&b->g, 0, MOVE48(66, va), MOVE32(68, sizeof(words)),
                 OOM_HANDLER(66, 68));
    enter_asked(b);
    cs_answer_oom(&b->g, 0, NO_CHUNK);
    qtest_clock_step(b->qts, NS_JOB);
    csg_status(&b->g);
    g_assert_cmphex(cs_out(&b->g, 0, CS_STATUS_BLOCKED), ==, BLOCKED_SYNC);
}

static void finish_handler(Bed *b, bool resumed)
{
    uint32_t regs[16];

    vm_write64(&b->vm, VA_FLAG, 1);
    finish_job(b);
    g_assert_cmphex(heap_base(&b->vm), ==, VA_CHUNK(0));
    cs_read_regs(&b->g, 0, 64, regs);
    g_assert_cmpuint(regs[78 - 64], ==, 1);
}

/* --- Faults --- */

static void enter_faulted(Bed *b)
{
    const uint64_t words[] = { MOVE48(0, VA_FLAG + 4), STORE(2, 0, 1, 1) };

    submit_stream(b, words, ARRAY_SIZE(words));
    g_assert_true(cs_wait_events(&b->g, 0, CS_EVENT_FAULT));
}

static void finish_faulted(Bed *b, bool resumed)
{
    if (!resumed) {
        qtest_clock_step(b->qts, NS_JOB);
        g_assert_false(cs_drained(&b->g, 0));
        g_assert_cmphex(cs_events(&b->g, 0), ==, CS_EVENT_FAULT);
    }
    cs_ack_events(&b->g, 0);
    csg_ring_queues(&b->g, 1);
    finish_job(b);
    g_assert_cmphex(vm_read(&b->vm, ring_sync(&b->g, 0) + 8), !=, 0);
}

/* --- Interruptions --- */

static void compare_ram(Bed *a, Bed *b, uint64_t pa, uint32_t size)
{
    g_autofree uint8_t *one = g_malloc(size);
    g_autofree uint8_t *other = g_malloc(size);

    qtest_memread(a->qts, pa, one, size);
    qtest_memread(b->qts, pa, other, size);
    g_assert_cmpmem(one, size, other, size);
}

static void finish(const Scene *s, Bed *b, bool resumed)
{
    s->finish(b, resumed);
    check_works(&b->g, 0, 0x1111);
    check_works(&b->g, 1, 0x2222);
}

/* The same machine in another QEMU */
static void bed_migrate(Bed *b)
{
    bed_moved(b, gpu_migrate(b->qts));
}

/* Beside one that stays where it is, to the last byte; and once more */
static void test_snapshot(const void *opaque)
{
    const Scene *s = opaque;
    Bed stayed, moved;

    bed_start(&stayed, 2);
    bed_start(&moved, 2);
    s->enter(&stayed);
    s->enter(&moved);
    bed_migrate(&moved);
    bed_migrate(&moved);
    finish(s, &stayed, false);
    finish(s, &moved, false);
    compare_ram(&stayed, &moved, RAM_SECTION, FW_SHARED_SIZE);
    compare_ram(&stayed, &moved, GROUP_RAM(0), GROUP_SIZE);
    compare_ram(&stayed, &moved, VM_RAM(0), VM_SIZE);
    compare_ram(&stayed, &moved, RAM_TARGET, TARGET_SIZE);
    qtest_quit(stayed.qts);
    qtest_quit(moved.qts);
}

static void bed_suspend(Bed *b)
{
    group_suspend(&b->g);
    vm_unbind(&b->vm);
    csg_ack_events(&b->g);
    cs_ack_events(&b->g, 0);
}

static void bed_resume(Bed *b)
{
    vm_bind(&b->vm, 5);
    group_resume(&b->g, 6);
}

/* While somebody else is where it was */
static void test_resume(const void *opaque)
{
    const Scene *s = opaque;
    Group other;
    Vm vm2;
    Bed b;

    bed_start(&b, 2);
    s->enter(&b);
    bed_suspend(&b);
    vm2 = vm_new(&b.d, 1, 1);
    other = group_new(&vm2, 1, 1);
    group_start(&other, 0);
    check_works(&other, 0, 0x3333);
    qtest_clock_step(b.qts, NS_LONG);
    bed_resume(&b);
    finish(s, &b, true);
    check_works(&other, 0, 0x4444);
    qtest_quit(b.qts);
}

/* Nothing but guest memory knows it when it is moved */
static void test_resume_snapshot(const void *opaque)
{
    const Scene *s = opaque;
    Bed b;

    bed_start(&b, 2);
    s->enter(&b);
    bed_suspend(&b);
    bed_migrate(&b);
    bed_resume(&b);
    finish(s, &b, true);
    qtest_quit(b.qts);
}

static const Scene scenes[] = {
    { "stream", enter_stream, finish_stream },
    { "nested", enter_nested, finish_nested },
    { "suspended", enter_suspended, finish_suspended, true },
    { "progress-wait", enter_progress, finish_progress },
    { "flush", enter_flush, finish_flush },
    { "load-store", enter_memory, finish_memory },
    { "compute", enter_compute, finish_compute },
    { "clear", enter_clear, finish_clear },
    { "oom-asked", enter_asked, finish_asked },
    { "oom-granted", enter_granted, finish_granted },
    { "oom-refused", enter_refused, finish_refused },
    { "oom-waiting", enter_waiting, finish_waiting },
    { "oom-handler", enter_handler, finish_handler },
    { "faulted", enter_faulted, finish_faulted },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(scenes); i++) {
        const Scene *s = &scenes[i];

        add_data_case("snapshot", s->name, s, test_snapshot);
        if (!s->suspended) {
            add_data_case("resume", s->name, s, test_resume);
            add_data_case("resume-snapshot", s->name, s, test_resume_snapshot);
        }
    }

    return g_test_run();
}
