/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU: endpoint tasks
 *
 * Which slot they hold and for how long, and what they read before any shader
 * would run.
 */

#include "qemu/osdep.h"
#include "mali-csf-task.h"

/* Too few to take longer than the shortest task; and far more */
#define FEW                     1
#define MANY                    1000

static void task_start(Bed *b, unsigned queues)
{
    bed_start(b, queues);
    shader_init(&b->vm);
    fbd_init(&b->vm, 64, 64);
    heap_init(&b->vm, CHUNKS_MAX);
}

/* --- Slots and progress --- */

typedef struct Kind {
    const char *name;
    uint8_t op;
    bool shader;            /* shaders would run */
} Kind;

static const Kind kinds[] = {
    { "compute", OP_RUN_COMPUTE, true },
    { "compute-indirect", OP_RUN_COMPUTE_INDIRECT, true },
    { "tiling", OP_RUN_TILING, true },
    { "idvs", OP_RUN_IDVS, true },
    { "fullscreen", OP_RUN_FULLSCREEN, true },
    { "fragment", OP_RUN_FRAGMENT, false },
    { "finish-tiling", OP_FINISH_TILING, false },
};

/* Registers that do for each of them, but for the pair at 40 */
static void set_registers(Bed *b)
{
    fragment_regs(&b->g, 0, FBD_ONE_TARGET, 0, 0, 63, 63);
    draw_regs(&b->g, 0, FEW);
    compute_regs(&b->g, 0, FEW);
}

/* The pair at 40 is the framebuffer to one, the tiler context to others */
static uint64_t pair_40(uint8_t op)
{
    return op == OP_RUN_FRAGMENT ? VA_FBD | FBD_ONE_TARGET : VA_TILER;
}

/* The stream goes on; the slot is held, and progress comes, at the end */
static void test_kind(const void *opaque)
{
    const Kind *k = opaque;
    Bed b;

    task_start(&b, 1);
    set_registers(&b);
    vm_write64(&b.vm, VA_TOLD + 0, UINT64_MAX);
    cs_submit_words(&b.g, 0, MOVE48(40, pair_40(k->op)), MOVE48(60, VA_TOLD),
                    ON_SLOT, RUN(k->op) | COUNT_PROGRESS,
                    WAIT(0xff & ~BIT(SLOT)),
                    PROGRESS_LOAD(62), STORE(62, 60, 3, 0), DONE,
                    PROGRESS_LOAD(62), STORE(62, 60, 3, 8), WAIT(0xff));
    qtest_clock_step(b.qts, NS_REQUEST + 1);
    g_assert_cmphex(cs_scoreboards(&b.g, 0), ==, BIT(SLOT));
    g_assert_cmpuint(cs_out(&b.g, 0, CS_STATUS_BLOCKED), ==, BLOCKED_SB);
    g_assert_cmpuint(told(&b.vm, 0), ==, 0);
    g_assert_cmpuint(told(&b.vm, 1), ==, 0);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmpuint(told(&b.vm, 1), ==, 1);
    g_assert_cmphex(cs_scoreboards(&b.g, 0), ==, 0);
    g_assert_cmphex(cs_events(&b.g, 0), ==, 0);
    qtest_quit(b.qts);
}

/* --- Time --- */

/* ns that tasks take, started one after another, until all are complete */
static int64_t tasks_ns(Bed *b, unsigned j, const uint64_t *tasks, unsigned n)
{
    uint64_t words[16];
    unsigned i = 0;

    g_assert_cmpuint(n, <=, ARRAY_SIZE(words) - 6);
    words[i++] = MOVE48(60, VA_TOLD);
    words[i++] = MOVE48(62, VA_TOLD + 8);
    words[i++] = ON_SLOT;
    words[i++] = STORE_STATE(60, STATE_TIMESTAMP, 0);
    memcpy(words + i, tasks, n * 8);
    i += n;
    words[i++] = DONE;
    words[i++] = STORE_STATE(62, STATE_TIMESTAMP, 0);
    cs_run_job(&b->g, j, words, i);
    return told(&b->vm, 1) - told(&b->vm, 0);
}

static int64_t task_ns(Bed *b, unsigned j, uint64_t task)
{
    return tasks_ns(b, j, &task, 1);
}

static void test_time(void)
{
    const uint64_t three[] = {
        RUN(OP_RUN_COMPUTE), RUN(OP_RUN_COMPUTE), RUN(OP_RUN_COMPUTE_INDIRECT),
    };
    const uint64_t two[] = { RUN(OP_RUN_COMPUTE), RUN(OP_RUN_FRAGMENT) };
    int64_t few, many, fragment;
    Bed b;

    task_start(&b, 1);
    fragment_regs(&b.g, 0, FBD_ONE_TARGET, 0, 0, 63, 63);
    fragment = task_ns(&b, 0, RUN(OP_RUN_FRAGMENT));
    compute_regs(&b.g, 0, FEW);
    few = task_ns(&b, 0, RUN(OP_RUN_COMPUTE));
    g_assert_cmpint(fragment, >, 0);
    g_assert_cmpint(few, >, 0);
    /* One endpoint does one thing at a time, another one something else */
    g_assert_cmpint(tasks_ns(&b, 0, three, 3), ==, 3 * few);
    compute_regs(&b.g, 0, MANY);
    many = task_ns(&b, 0, RUN(OP_RUN_COMPUTE));
    g_assert_cmpint(many, >, few);
    g_assert_cmpint(tasks_ns(&b, 0, two, 2), ==, MAX(many, fragment));
    qtest_quit(b.qts);
}

/* However much there is to do, it comes to an end; nothing overflows */
static void test_time_limit(void)
{
    int64_t most;
    Bed b;

    task_start(&b, 1);
    compute_regs(&b.g, 0, UINT32_MAX);
    cs_run_words(&b.g, 0, MOVE32(33, UINT32_MAX), MOVE32(38, UINT32_MAX),
                 MOVE32(39, UINT32_MAX));
    most = task_ns(&b, 0, RUN(OP_RUN_COMPUTE));
    g_assert_cmpint(most, >, 0);
    g_assert_cmpint(most, <, NS_JOB);
    compute_regs(&b.g, 0, MANY);
    g_assert_cmpint(most, >, task_ns(&b, 0, RUN(OP_RUN_COMPUTE)));
    qtest_quit(b.qts);
}

/* The queues of a group share its endpoints */
static void test_time_of_queues(void)
{
    int64_t alone;
    Bed b;

    task_start(&b, 2);
    compute_regs(&b.g, 0, MANY);
    compute_regs(&b.g, 1, FEW);
    alone = task_ns(&b, 1, RUN(OP_RUN_COMPUTE));
    cs_submit_words(&b.g, 0, ON_SLOT, RUN(OP_RUN_COMPUTE));
    g_assert_cmpint(task_ns(&b, 1, RUN(OP_RUN_COMPUTE)), >, alone);
    qtest_quit(b.qts);
}

/* --- What is not done --- */

/* Every task that shaders would have run for is counted, once */
static void test_skipped(void)
{
    uint64_t before;
    Bed b;

    task_start(&b, 1);
    set_registers(&b);
    for (int i = 0; i < ARRAY_SIZE(kinds); i++) {
        before = gpu_counter(b.qts, "shader-work-skipped");
        cs_run_words(&b.g, 0, MOVE48(40, pair_40(kinds[i].op)), ON_SLOT,
                     RUN(kinds[i].op), DONE);
        g_assert_cmpuint(gpu_counter(b.qts, "shader-work-skipped"), ==,
                         before + kinds[i].shader);
    }
    qtest_quit(b.qts);
}

/* Frame shaders, and what was tiled, make a fragment task such a one */
static void test_skipped_fragment(void)
{
    static const struct { uint32_t shaders; uint64_t tiler; } frames[] = {
        { 1 << 0, 0 }, { 1 << 3, 0 }, { 1 << 6, 0 }, { 0, VA_TILER },
    };
    Bed b;

    task_start(&b, 1);
    fragment_regs(&b.g, 0, FBD_ONE_TARGET, 0, 0, 63, 63);
    for (int i = 0; i < ARRAY_SIZE(frames); i++) {
        vm_write(&b.vm, VA_FBD + FBD_SHADERS, frames[i].shaders);
        vm_write64(&b.vm, VA_FBD + FBD_TILER, frames[i].tiler);
        cs_run_words(&b.g, 0, ON_SLOT, RUN(OP_RUN_FRAGMENT), DONE);
        g_assert_cmpuint(gpu_counter(b.qts, "shader-work-skipped"), ==, i + 1);
    }
    qtest_quit(b.qts);
}

/* Nothing to do, nothing read */
static void test_empty(void)
{
    Bed b;

    task_start(&b, 1);
    compute_regs(&b.g, 0, 0);
    cs_run_words(&b.g, 0, MOVE48(16, VA_NOTHING), ON_SLOT,
                 RUN(OP_RUN_COMPUTE), DONE);
    draw_regs(&b.g, 0, 0);
    cs_run_words(&b.g, 0, MOVE48(16, VA_NOTHING), ON_SLOT, RUN(OP_RUN_IDVS),
                 DONE);
    /* Corners the wrong way round */
    fragment_regs(&b.g, 0, FBD_ONE_TARGET, 63, 63, 0, 0);
    cs_run_words(&b.g, 0, MOVE48(40, VA_NOTHING), ON_SLOT,
                 RUN(OP_RUN_FRAGMENT), DONE);
    g_assert_cmpuint(gpu_counter(b.qts, "shader-work-skipped"), ==, 0);
    check_works(&b.g, 0, 0x1111);
    qtest_quit(b.qts);
}

/* --- Descriptors --- */

/* The last 16 bytes that are mapped */
#define VA_EDGE                 (VM_VA + VM_SIZE - 16)
/* No address space is as large */
#define VA_OUTSIDE              0xffffffff00000000ULL

typedef struct Descriptor {
    const char *name;
    uint64_t word;              /* the task */
    uint8_t reg;                /* a pair, and what is in it for once */
    uint64_t value;
    enum { FINE, LOST, WRONG } end;     /* access, or what was there */
    uint64_t info;
} Descriptor;

#define COMPUTE(select) (RUN(OP_RUN_COMPUTE) | (uint64_t)(select) << 40)
#define TILING(select)  (RUN(OP_RUN_TILING) | (uint64_t)(select) << 40)
#define IDVS            RUN(OP_RUN_IDVS)
/* RUN_COMPUTE's fields that move on to the next pair */
#define SELECT_SRT      BIT(0)
#define SELECT_SPD      BIT(2)
#define SELECT_TSD      BIT(4)
#define SELECT_FAU      BIT(6)
#define FAU(va, n)      ((va) | (uint64_t)(n) << 56)

static const Descriptor descriptors[] = {
    { "compute/shader", COMPUTE(0), 16, VA_NOTHING, LOST, VA_NOTHING },
    { "compute/shader-type", COMPUTE(0), 16, VA_STORAGE, WRONG, VA_STORAGE },
    { "compute/shader-outside", COMPUTE(0), 16, VA_OUTSIDE, LOST, VA_OUTSIDE },
    { "compute/no-shader", COMPUTE(0), 16, 0 },
    { "compute/storage", COMPUTE(0), 24, VA_NOTHING, LOST, VA_NOTHING },
    { "compute/resources", COMPUTE(0), 0, VA_NOTHING | 1, LOST, VA_NOTHING },
    { "compute/resources-none", COMPUTE(0), 0, VA_NOTHING },
    { "compute/resources-fit", COMPUTE(0), 0, (VA_EDGE - 48) | 4 },
    { "compute/resources-past", COMPUTE(0), 0, (VA_EDGE - 48) | 5,
      LOST, VA_EDGE - 48 },
    { "compute/fau", COMPUTE(0), 8, FAU(VA_NOTHING, 1), LOST, VA_NOTHING },
    { "compute/fau-none", COMPUTE(0), 8, VA_NOTHING },
    { "compute/fau-fits", COMPUTE(0), 8, FAU(VA_EDGE, 2) },
    { "compute/fau-past", COMPUTE(0), 8, FAU(VA_EDGE, 3), LOST, VA_EDGE },
    { "compute/select-srt", COMPUTE(SELECT_SRT), 2, VA_NOTHING | 1,
      LOST, VA_NOTHING },
    { "compute/select-spd", COMPUTE(SELECT_SPD), 18, VA_NOTHING,
      LOST, VA_NOTHING },
    { "compute/select-tsd", COMPUTE(SELECT_TSD), 26, VA_NOTHING,
      LOST, VA_NOTHING },
    { "compute/select-fau", COMPUTE(SELECT_FAU), 10, FAU(VA_NOTHING, 1),
      LOST, VA_NOTHING },
    { "compute/other-srt", COMPUTE(0), 2, VA_NOTHING | 1 },
    { "compute/other-spd", COMPUTE(0), 18, VA_NOTHING },
    { "compute-indirect/shader", RUN(OP_RUN_COMPUTE_INDIRECT), 16, VA_NOTHING,
      LOST, VA_NOTHING },
    { "tiling/shader", TILING(0), 16, VA_NOTHING, LOST, VA_NOTHING },
    { "tiling/select-spd", TILING(SELECT_SPD), 18, VA_NOTHING,
      LOST, VA_NOTHING },
    { "tiling/blend", TILING(0), 50, VA_NOTHING | 1, LOST, VA_NOTHING },
    { "tiling/context", TILING(0), 40, VA_NOTHING, LOST, VA_NOTHING + 24 },
    { "idvs/vertex-shader", IDVS, 16, VA_NOTHING, LOST, VA_NOTHING },
    { "idvs/fragment-shader", IDVS, 20, VA_NOTHING, LOST, VA_NOTHING },
    { "idvs/vertex-fau", IDVS, 8, FAU(VA_NOTHING, 1), LOST, VA_NOTHING },
    { "idvs/fragment-fau", IDVS, 12, FAU(VA_NOTHING, 1), LOST, VA_NOTHING },
    { "idvs/storage", IDVS, 24, VA_NOTHING, LOST, VA_NOTHING },
    { "idvs/fragment-resources", IDVS | BIT_ULL(38), 4, VA_NOTHING | 1,
      LOST, VA_NOTHING },
    { "idvs/fragment-storage", IDVS | BIT_ULL(39), 28, VA_NOTHING,
      LOST, VA_NOTHING },
    { "idvs/blend", IDVS, 50, VA_NOTHING | 1, LOST, VA_NOTHING },
    { "idvs/no-blend", IDVS, 50, VA_NOTHING },
    { "idvs/depth", IDVS, 52, VA_NOTHING, LOST, VA_NOTHING },
    { "idvs/context", IDVS, 40, VA_NOTHING, LOST, VA_NOTHING + 24 },
    { "idvs/heap-type", IDVS, 40, VA_DCD, WRONG, VA_SHADER },
    { "idvs/heap", IDVS, 40, VA_DCD + 64, LOST, VA_NOTHING },
    { "fullscreen/draw", RUN(OP_RUN_FULLSCREEN) | 60ULL << 40, 60, VA_NOTHING,
      LOST, VA_NOTHING },
    { "fullscreen/other-draw", RUN(OP_RUN_FULLSCREEN) | 60ULL << 40,
      62, VA_NOTHING },
    { "fragment/framebuffer", RUN(OP_RUN_FRAGMENT),
      40, VA_NOTHING | FBD_ONE_TARGET, LOST, VA_NOTHING },
    { "fragment/outside", RUN(OP_RUN_FRAGMENT), 40, VA_OUTSIDE | FBD_ONE_TARGET,
      LOST, VA_OUTSIDE },
};

static void test_descriptor(const void *opaque)
{
    const Descriptor *d = opaque;
    bool lost = d->end == LOST;
    uint32_t event = lost ? CS_EVENT_FATAL : CS_EVENT_FAULT;
    Group other;
    Bed b;

    task_start(&b, 1);
    other = bed_neighbour(&b, 1);
    /* Tiler contexts that lead to a shader, and to nothing */
    vm_write64(&b.vm, VA_DCD + 24, VA_SHADER);
    vm_write64(&b.vm, VA_DCD + 64 + 24, VA_NOTHING);
    set_registers(&b);
    cs_submit_words(&b.g, 0, MOVE48(40, pair_40(d->word >> 56)),
                    MOVE48(60, VA_DCD), MOVE32(d->reg, d->value),
                    MOVE32(d->reg + 1, d->value >> 32), ON_SLOT, d->word, DONE);
    if (d->end == FINE) {
        g_assert_true(cs_wait_drained(&b.g, 0));
        g_assert_cmphex(cs_events(&b.g, 0), ==, 0);
        check_works(&b.g, 0, 0x1111);
        qtest_quit(b.qts);
        return;
    }
    g_assert_true(cs_wait_events(&b.g, 0, event));
    g_assert_cmphex(cs_events(&b.g, 0), ==, event);
    g_assert_cmphex(cs_out(&b.g, 0, lost ? CS_FATAL : CS_FAULT) & 0xff, ==,
                    lost ? EXC_BUS : EXC_DATA_INVALID);
    g_assert_cmphex(cs_out64(&b.g, 0, lost ? CS_FATAL_INFO : CS_FAULT_INFO),
                    ==, d->info);
    g_assert_cmphex(gpu_read(b.qts, MMU_INT + RAWSTAT) & 0xff, ==,
                    lost ? BIT(1) : 0);
    if (!lost) {
        cs_ack_events(&b.g, 0);
        cs_submit_words(&b.g, 0, ERROR_BARRIER);
        csg_ring_queues(&b.g, 1);
        g_assert_true(cs_wait_drained(&b.g, 0));
        check_works(&b.g, 0, 0x1111);
    }
    check_works(&other, 0, 0x2222);
    qtest_quit(b.qts);
}

/* The slot is free again, also of a task that a locked region held up */
static void test_locked(void)
{
    Bed b;

    task_start(&b, 1);
    vm_map_target(&b.vm);
    compute_regs(&b.g, 0, FEW);
    gpu_as_lock(b.qts, 1, VA_TARGET, 20);
    cs_submit_words(&b.g, 0, MOVE48(24, VA_TARGET), ON_SLOT,
                    RUN(OP_RUN_COMPUTE), DONE);
    qtest_clock_step(b.qts, NS_JOB);
    g_assert_false(cs_drained(&b.g, 0));
    g_assert_cmphex(cs_scoreboards(&b.g, 0), ==, 0);
    gpu_as_command(b.qts, 1, CMD_UNLOCK);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmphex(cs_events(&b.g, 0), ==, 0);
    g_assert_cmpuint(gpu_counter(b.qts, "shader-work-skipped"), ==, 1);
    qtest_quit(b.qts);
}

static const TestCase cases[] = {
    { "time", test_time },
    { "time-limit", test_time_limit },
    { "time-of-queues", test_time_of_queues },
    { "skipped", test_skipped },
    { "skipped-fragment", test_skipped_fragment },
    { "empty", test_empty },
    { "locked", test_locked },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(kinds); i++) {
        add_data_case("task/kind", kinds[i].name, &kinds[i], test_kind);
    }
    for (int i = 0; i < ARRAY_SIZE(descriptors); i++) {
        add_data_case("task/descriptor", descriptors[i].name, &descriptors[i],
                      test_descriptor);
    }
    add_cases("task", cases, ARRAY_SIZE(cases));

    return g_test_run();
}
