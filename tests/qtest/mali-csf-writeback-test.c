/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU: caches without coherence (writeback=on)
 *
 * VM 0's memory is mapped twice: as the driver maps what is not cached, and, at
 * CACHED(), with the write-back attribute.
 */

#include "qemu/osdep.h"
#include "mali-csf-migrate.h"
#include "mali-csf-stream.h"

#define PROPS                   CLOCK_PROPS ",coherent=off,writeback=on"
#define CACHED(va)              ((va) + 0x10000000)
#define VA_A                    VA_DATA
#define VA_FLAG                 (VA_DATA + 0x8000)
#define OLD                     0x01d01d01
#define NEW                     0x4e304e30
#define L2_BYTES                0x40000     /* of a G610 */

/* GPU_CMD's and FLUSH_CACHE2's modes: one for L2, one for the LSC */
#define CLEAN                   1
#define INVALIDATE              2
#define CMD_FLUSH_MODES(mode)   (4 | (mode) << 8 | (mode) << 12)
#define FLUSH_MODES(id, mode)   INSN(OP_FLUSH_CACHE2, 0, id, 0,             \
                                     (mode) | (mode) << 4)

static void start(Bed *b, const char *props)
{
    b->d = driver_start(props);
    b->qts = b->d.qts;
    b->vm = vm_new(&b->d, 0, 1);
    pt_map(&b->vm.pt, CACHED(VM_VA), VM_RAM(0), VM_SIZE,
           PTE_LEAF | PTE_ATTR(1));
    b->g = group_new(&b->vm, 0, 1);
    group_start(&b->g, 0);
}

/* Have the GPU write @val to the cached @va; nothing is flushed after that */
static void gpu_store(Bed *b, uint64_t va, uint32_t val)
{
    cs_run_words(&b->g, 0, MOVE48(10, CACHED(va)), MOVE32(12, val),
                 STORE(12, 10, 1, 0), WAIT(0xff));
}

/* --- Writes --- */

static void flush_command(Bed *b, uint32_t mode)
{
    gpu_write(b->qts, GPU_CMD, CMD_FLUSH_MODES(mode));
    qtest_clock_step(b->qts, NS_FLUSH);
}

static void by_clean(Bed *b)
{
    flush_command(b, CLEAN);
}

static void by_clean_invalidate(Bed *b)
{
    flush_command(b, CLEAN | INVALIDATE);
}

static void by_invalidate(Bed *b)
{
    flush_command(b, INVALIDATE);
}

static void by_stream(Bed *b)
{
    cs_run_words(&b->g, 0, MOVE32(10, 0), FLUSH_MODES(10, CLEAN), WAIT(1));
}

static void by_flush_mem(Bed *b)
{
    gpu_as_command(b->qts, 1, CMD_FLUSH_MEM);
}

static void by_flush_pt(Bed *b)
{
    gpu_as_command(b->qts, 1, CMD_FLUSH_PT);
}

static void by_l2_off(Bed *b)
{
    gpu_write64(b->qts, PWR_OFF + DOMAIN_L2, 1);
    qtest_clock_step(b->qts, NS_POWER);
}

static void by_soft_reset(Bed *b)
{
    gpu_write(b->qts, GPU_CMD, CMD_SOFT_RESET);
    qtest_clock_step(b->qts, NS_RESET);
    flush_command(b, CLEAN);
}

static void by_nothing(Bed *b)
{
    qtest_clock_step(b->qts, 1000000000);
}

typedef struct Way {
    const char *name;
    void (*go)(Bed *b);
    uint32_t value;         /* in memory afterwards */
} Way;

static const Way ways[] = {
    { "nothing", by_nothing, OLD },
    { "clean", by_clean, NEW },
    { "clean-invalidate", by_clean_invalidate, NEW },
    { "invalidate", by_invalidate, OLD },
    { "stream", by_stream, NEW },
    { "flush-mem", by_flush_mem, NEW },
    { "flush-pt", by_flush_pt, OLD },
    { "l2-off", by_l2_off, NEW },
    { "soft-reset", by_soft_reset, OLD },
};

static void test_write(const void *opaque)
{
    const Way *w = opaque;
    Bed b;

    start(&b, PROPS);
    vm_write(&b.vm, VA_A, OLD);
    gpu_store(&b, VA_A, NEW);
    g_assert_cmphex(vm_read(&b.vm, VA_A), ==, OLD);
    w->go(&b);
    g_assert_cmphex(vm_read(&b.vm, VA_A), ==, w->value);
    qtest_quit(b.qts);
}

/* What the CPU wrote beside it, in the same line, is not overwritten */
static void test_neighbour(void)
{
    Bed b;

    start(&b, PROPS);
    gpu_store(&b, VA_A, NEW);
    vm_write(&b.vm, VA_A + 4, OLD);
    by_clean(&b);
    g_assert_cmphex(vm_read(&b.vm, VA_A), ==, NEW);
    g_assert_cmphex(vm_read(&b.vm, VA_A + 4), ==, OLD);
    qtest_quit(b.qts);
}

/* Not cached, whatever for: it is in memory at once */
static void test_through(const void *props)
{
    bool cached = strstr(props, "writeback=on");
    uint64_t to = cached ? VA_A : CACHED(VA_A);
    Bed b;

    start(&b, props);
    vm_write(&b.vm, VA_A, OLD);
    cs_run_words(&b.g, 0, MOVE48(10, to), MOVE32(12, NEW),
                 STORE(12, 10, 1, 0), WAIT(0xff));
    g_assert_cmphex(vm_read(&b.vm, VA_A), ==, NEW);
    qtest_quit(b.qts);
}

/* The oldest lines make room for new ones */
static void test_capacity(void)
{
    enum { PIECE = 64, OVER = 4 };
    Bed b;

    start(&b, PROPS);
    for (uint64_t o = 0; o < OVER * PIECE; o += PIECE) {
        vm_write(&b.vm, VM_VA + 0x10000 + o, OLD);
    }
    vm_write(&b.vm, VM_VA + 0x10000 + L2_BYTES, OLD);
    /* One word of every line, OVER lines more than there are */
    cs_run_words(&b.g, 0, MOVE48(10, CACHED(VM_VA + 0x10000)),
                 MOVE32(12, NEW), MOVE32(13, L2_BYTES / PIECE + OVER),
                 STORE(12, 10, 1, 0), ADD_IMM64(10, 10, PIECE),
                 ADD_IMM32(13, 13, -1), BRANCH(IF_GT, 13, -4), WAIT(0xff));
    for (uint64_t o = 0; o < OVER * PIECE; o += PIECE) {
        g_assert_cmphex(vm_read(&b.vm, VM_VA + 0x10000 + o), ==, NEW);
    }
    g_assert_cmphex(vm_read(&b.vm, VM_VA + 0x10000 + L2_BYTES), ==, OLD);
    by_clean(&b);
    g_assert_cmphex(vm_read(&b.vm, VM_VA + 0x10000 + L2_BYTES), ==, NEW);
    qtest_quit(b.qts);
}

/* --- Reads --- */

/* A read, then one after the CPU has written, with or without @between */
static uint32_t read_again(Bed *b, uint64_t va, uint64_t between)
{
    uint64_t seqno = vm_read64(&b->vm, ring_sync(&b->g, 0));
    uint64_t stream;
    const uint64_t words[] = {
        MOVE48(10, va), LOAD(12, 10, 1, 0), WAIT(0xff),
        MOVE48(14, VA_FLAG), MOVE32(16, 1),
        SYNC_UNTIL(OP_SYNC_WAIT32, 14, 16, IF_GT),
        MOVE32(18, 0), between, WAIT(1),
        LOAD(13, 10, 1, 0), WAIT(0xff), STORE(12, 14, 3, 16), WAIT(0xff),
    };

    vm_write(&b->vm, VA_A, OLD);
    vm_write64(&b->vm, VA_FLAG, 0);
    stream = vm_stream(&b->vm, words, ARRAY_SIZE(words));
    cs_submit_job(&b->g, 0, stream, sizeof(words));
    qtest_clock_step(b->qts, 1000000);
    vm_write(&b->vm, VA_A, NEW);
    vm_write(&b->vm, VA_FLAG, 2);
    g_assert_true(cs_wait_drained(&b->g, 0));
    g_assert_cmpuint(vm_read64(&b->vm, ring_sync(&b->g, 0)), ==, seqno + 1);
    g_assert_cmphex(vm_read(&b->vm, VA_FLAG + 16), ==, OLD);
    return vm_read(&b->vm, VA_FLAG + 20);
}

static void test_read(void)
{
    Bed b;

    start(&b, PROPS);
    g_assert_cmphex(read_again(&b, CACHED(VA_A), NOP), ==, OLD);
    g_assert_cmphex(read_again(&b, CACHED(VA_A), FLUSH_MODES(18, CLEAN)), ==,
                    OLD);
    g_assert_cmphex(read_again(&b, CACHED(VA_A),
                               FLUSH_MODES(18, CLEAN | INVALIDATE)), ==, NEW);
    g_assert_cmphex(read_again(&b, VA_A, NOP), ==, NEW);
    qtest_quit(b.qts);
}

/* Instructions are read through the caches as well */
static void test_fetch(void)
{
    const uint64_t job[] = {
        MOVE48(10, VA_A), MOVE32(12, OLD), STORE(12, 10, 1, 0), WAIT(0xff),
    };
    const uint64_t call[] = {
        MOVE48(20, 0), MOVE32(22, sizeof(job)), CALL(20, 22),
        MOVE48(14, VA_FLAG), MOVE32(16, 1),
        SYNC_UNTIL(OP_SYNC_WAIT32, 14, 16, IF_GT), CALL(20, 22),
    };
    uint64_t words[ARRAY_SIZE(call)], callee, stream;
    Bed b;

    start(&b, PROPS);
    callee = vm_stream(&b.vm, job, ARRAY_SIZE(job));
    memcpy(words, call, sizeof(call));
    words[0] = MOVE48(20, CACHED(callee));
    stream = vm_stream(&b.vm, words, ARRAY_SIZE(words));
    cs_submit_job(&b.g, 0, stream, sizeof(words));
    qtest_clock_step(b.qts, 1000000);
    g_assert_cmphex(vm_read(&b.vm, VA_A), ==, OLD);
    vm_write(&b.vm, VA_A, 0);
    vm_write64(&b.vm, callee + 8, MOVE32(12, NEW));
    vm_write(&b.vm, VA_FLAG, 2);
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmphex(vm_read(&b.vm, VA_A), ==, OLD);
    /* The next job begins with a flush */
    cs_submit_job(&b.g, 0, stream, sizeof(words));
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmphex(vm_read(&b.vm, VA_A), ==, NEW);
    qtest_quit(b.qts);
}

/* --- Sync objects --- */

/* CPUs wait for them: in memory at once, wherever they are */
static void test_sync(void)
{
    Bed b;

    start(&b, PROPS);
    vm_write64(&b.vm, VA_A, 5);
    cs_run_words(&b.g, 0, MOVE48(10, CACHED(VA_A)), MOVE48(12, 0x100000002),
                 LOAD(14, 10, 3, 0), WAIT(0xff),
                 SYNC(OP_SYNC_ADD64, 10, 12, 0), WAIT(0xff));
    g_assert_cmphex(vm_read64(&b.vm, VA_A), ==, 0x100000007);
    vm_write64(&b.vm, VA_A, 1);
    cs_run_words(&b.g, 0, MOVE48(10, CACHED(VA_A)), MOVE48(12, 6),
                 SYNC(OP_SYNC_SET32, 10, 12, 0), LOAD(14, 10, 1, 0),
                 WAIT(0xff), ADD_IMM64(10, 10, 64), MOVE48(12, VA_FLAG),
                 STORE(14, 12, 1, 0), WAIT(0xff));
    g_assert_cmphex(vm_read(&b.vm, VA_A), ==, 6);
    g_assert_cmphex(vm_read(&b.vm, VA_FLAG), ==, 6);
    qtest_quit(b.qts);
}

/* --- The device --- */

static void test_snapshot(void)
{
    g_autofree char *path = NULL;
    g_autofree char *status = NULL;
    QTestState *to;
    Bed b;

    start(&b, PROPS);
    vm_write(&b.vm, VA_A, OLD);
    gpu_store(&b, VA_A, NEW);
    to = gpu_start_destination(PROPS, gpu_read64(b.qts, TIMESTAMP));
    path = gpu_save(b.qts);
    status = gpu_load(to, path);
    g_assert_cmpstr(status, ==, "completed");
    unlink(path);
    g_assert_cmphex(qtest_readl(to, vm_pa(&b.vm, VA_A)), ==, OLD);
    gpu_write(to, GPU_CMD, CMD_FLUSH);
    qtest_clock_step(to, NS_FLUSH);
    g_assert_cmphex(qtest_readl(to, vm_pa(&b.vm, VA_A)), ==, NEW);
    qtest_quit(b.qts);
    qtest_quit(to);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (int i = 0; i < ARRAY_SIZE(ways); i++) {
        g_autofree char *path = g_strdup_printf("mali-csf/writeback/write/%s",
                                                ways[i].name);

        qtest_add_data_func(path, &ways[i], test_write);
    }
    qtest_add_func("mali-csf/writeback/neighbour", test_neighbour);
    qtest_add_data_func("mali-csf/writeback/not-cached", PROPS, test_through);
    qtest_add_data_func("mali-csf/writeback/off", CLOCK_PROPS ",coherent=off",
                        test_through);
    qtest_add_data_func("mali-csf/writeback/coherent", CLOCK_PROPS,
                        test_through);
    qtest_add_func("mali-csf/writeback/capacity", test_capacity);
    qtest_add_func("mali-csf/writeback/read", test_read);
    qtest_add_func("mali-csf/writeback/fetch", test_fetch);
    qtest_add_func("mali-csf/writeback/sync", test_sync);
    qtest_add_func("mali-csf/writeback/snapshot", test_snapshot);
    return g_test_run();
}
