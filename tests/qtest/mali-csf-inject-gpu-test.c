/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU that misbehaves: flushes, resets, power, registers
 *
 * The driver's side is panthor_gpu.c; its limits are those of contract 7.
 */

#include "qemu/osdep.h"
#include "mali-csf-inject.h"

static bool gpu_raised(Bed *b, uint32_t bit)
{
    return gpu_read(b->qts, GPU_INT + RAWSTAT) & bit;
}

/* --- A flush (panthor_gpu_flush_caches) --- */

static void start_flush(Bed *b)
{
    gpu_write(b->qts, GPU_INT + CLEAR, IRQ_CLEAN_CACHES);
    gpu_write(b->qts, GPU_CMD, CMD_FLUSH);
}

static bool flush_done(Bed *b)
{
    return gpu_raised(b, IRQ_CLEAN_CACHES);
}

static void flush_again(Bed *b)
{
    start_flush(b);
    g_assert_false(flush_done(b));
    qtest_clock_step(b->qts, NS_FLUSH);
    g_assert_true(flush_done(b));
}

static void reset_and_flush(Bed *b)
{
    bed_reset(b);
    flush_again(b);
}

/* --- A soft reset (panthor_gpu_soft_reset): late, it is only logged --- */

static void start_reset(Bed *b)
{
    gpu_write(b->qts, GPU_INT + CLEAR, IRQ_RESET_COMPLETED);
    gpu_write(b->qts, GPU_CMD, CMD_SOFT_RESET);
}

static bool reset_done(Bed *b)
{
    return gpu_raised(b, IRQ_RESET_COMPLETED);
}

/* --- The L2 (panthor_gpu_l2_power_on, panthor_gpu_block_power_off) --- */

static void power_off(Bed *b)
{
    gpu_write64(b->qts, PWR_OFF + DOMAIN_L2, 1);
    qtest_clock_step(b->qts, NS_POWER);
    g_assert_cmphex(gpu_read64(b->qts, PWR_READY + DOMAIN_L2), ==, 0);
}

/* The firmware is halted and stopped before the L2 goes */
static void suspend_firmware(Bed *b)
{
    group_suspend(&b->g);
    fw_halt(b->qts);
    gpu_write(b->qts, MCU_CONTROL, MCU_DISABLE);
    qtest_clock_step(b->qts, NS_MCU_STOP);
    gpu_as_config(b->qts, 0, 0, 0, TRANSCFG_UNMAPPED);
}

static void suspend_gpu(Bed *b)
{
    suspend_firmware(b);
    power_off(b);
}

static void start_power_on(Bed *b)
{
    gpu_write64(b->qts, PWR_ON + DOMAIN_L2, 1);
}

static bool power_on_done(Bed *b)
{
    return gpu_read64(b->qts, PWR_READY + DOMAIN_L2) & 1;
}

static void start_power_off(Bed *b)
{
    gpu_write64(b->qts, PWR_OFF + DOMAIN_L2, 1);
}

static bool power_off_done(Bed *b)
{
    return !(gpu_read64(b->qts, PWR_TRANS + DOMAIN_L2) & 1);
}

/* panthor_device_resume(), with the firmware's memory as it was */
static void resume_gpu(Bed *b)
{
    gpu_as_config(b->qts, 0, b->d.fw.root, MEMATTR_COHERENT, TRANSCFG_48);
    fw_write(b->qts, FW_REQ, fw_read(b->qts, FW_REQ) & ~GLB_HALT);
    gpu_write(b->qts, JOB_INT + CLEAR, UINT32_MAX);
    fw_boot(b->qts, NS_WARM_BOOT);
    vm_bind(&b->vm, 1);
    group_resume(&b->g, 0);
}

static void power_on_and_resume(Bed *b)
{
    gpu_power_on(b->qts, DOMAIN_L2);
    resume_gpu(b);
}

static const Wait waits[] = {
    { "flush", "flush", NS_FLUSH, LIMIT_FLUSH, NULL, start_flush, flush_done,
      flush_again, reset_and_flush },
    { "flush-mode", "flush mode=0x233", NS_FLUSH, LIMIT_FLUSH, NULL,
      start_flush, flush_done, flush_again, reset_and_flush },
    { "reset", "reset mode=1", NS_RESET, LIMIT_RESET, NULL, start_reset,
      reset_done, bed_reset, bed_reset },
    { "power-on", "power domain=l2 to=on", NS_POWER, LIMIT_L2, suspend_gpu,
      start_power_on, power_on_done, resume_gpu, bed_reset },
    { "power-off", "power domain=l2 to=off", NS_POWER, LIMIT_L2,
      suspend_firmware, start_power_off, power_off_done, power_on_and_resume,
      bed_reset },
};

/* --- Beside the waiting --- */

/* While a flush is stuck, another one is too; what is read still comes */
static void test_flush_stuck(void)
{
    Bed b;

    bed_start(&b, 1);
    inject_add(b.qts, "flush count=1 -> never");
    start_flush(&b);
    qtest_clock_step(b.qts, NS_LONG);
    start_flush(&b);
    qtest_clock_step(b.qts, NS_LONG);
    g_assert_false(flush_done(&b));
    g_assert_cmphex(gpu_read(b.qts, GPU_STATUS) & 1, ==, 1);
    check_works(&b.g, 0, 0x1111);
    reset_and_flush(&b);
    check_works(&b.g, 0, 0x2222);
    qtest_quit(b.qts);
}

/* Another kind of flush than the rule is for */
static void test_flush_mode(void)
{
    Bed b;

    bed_start(&b, 1);
    inject_add(b.qts, "flush name=f mode=0x11 -> never");
    flush_again(&b);
    g_assert_cmpint(inject_matches(b.qts, "f"), ==, 0);
    gpu_write(b.qts, GPU_INT + CLEAR, IRQ_CLEAN_CACHES);
    gpu_write(b.qts, GPU_CMD, CMD_FLUSH_CLEAN);
    qtest_clock_step(b.qts, NS_LONG);
    g_assert_false(flush_done(&b));
    g_assert_cmpint(inject_hits(b.qts, "f"), ==, 1);
    qtest_quit(b.qts);
}

/* A flush that is lost says that it is done, and leaves what was written */
static void test_flush_lost(void)
{
    const uint64_t pte = PTE_LEAF | PTE_ATTR(1);
    uint64_t page = VA_DATA + 0x4000;
    Bed b;

    bed_start_with(&b, 1, "coherent=off,writeback=on");
    /* As a driver without coherence maps what the GPU may cache */
    gpu_as_config(b.qts, 1, b.vm.pt.root, 0x4c4c4c4c8c4c8f4cULL,
                  0x420001c6ULL);
    gpu_as_lock(b.qts, 1, page, 15);
    pt_set(&b.vm.pt, page, 3, vm_pa(&b.vm, page) | pte | PTE_PAGE);
    flush_again(&b);
    gpu_as_command(b.qts, 1, CMD_UNLOCK);
    vm_write(&b.vm, page, 1);
    inject_add(b.qts, "flush name=f count=1 skip=1 -> lose");
    /* The job's own flush comes first, and leaves what is written later */
    cs_submit_words(&b.g, 0, MOVE48(4, page), MOVE32(6, 0x77),
                    STORE(6, 4, 1, 0), WAIT(0xff));
    g_assert_true(cs_wait_drained(&b.g, 0));
    g_assert_cmphex(vm_read(&b.vm, page), ==, 1);
    inject_remove(b.qts, "f");
    inject_add(b.qts, "flush name=f count=1 -> lose");
    flush_again(&b);
    g_assert_cmpint(inject_hits(b.qts, "f"), ==, 1);
    g_assert_cmphex(vm_read(&b.vm, page), ==, 1);
    flush_again(&b);
    g_assert_cmphex(vm_read(&b.vm, page), ==, 0x77);
    qtest_quit(b.qts);
}

/* Only a reset helps a reset that is stuck; until then nothing is taken */
static void test_reset_stuck(void)
{
    Bed b;

    bed_start(&b, 1);
    inject_add(b.qts, "reset count=1 -> never");
    start_reset(&b);
    qtest_clock_step(b.qts, NS_LONG);
    start_flush(&b);
    gpu_write64(b.qts, PWR_ON + DOMAIN_L2, 1);
    gpu_write(b.qts, MCU_CONTROL, MCU_AUTO);
    qtest_clock_step(b.qts, NS_LONG);
    g_assert_false(flush_done(&b));
    g_assert_false(reset_done(&b));
    g_assert_cmphex(gpu_read64(b.qts, PWR_READY + DOMAIN_L2), ==, 0);
    g_assert_cmphex(gpu_read64(b.qts, PWR_TRANS + DOMAIN_L2), ==, 0);
    g_assert_cmphex(gpu_read(b.qts, MCU_CONTROL), ==, MCU_DISABLE);
    g_assert_cmphex(gpu_read(b.qts, MCU_STATUS), ==, 0);
    bed_reset(&b);
    check_works(&b.g, 0, 0x1111);
    qtest_quit(b.qts);
}

/* The other domains, and ways, are as ever */
static void test_power_others(void)
{
    Bed b;

    bed_start(&b, 1);
    inject_add(b.qts, "power name=t domain=tiler to=on -> delay time=7us");
    inject_add(b.qts, "power name=s domain=shader to=off -> never");
    gpu_power_on(b.qts, DOMAIN_SHADER);
    gpu_write64(b.qts, PWR_ON + DOMAIN_TILER, 1);
    qtest_clock_step(b.qts, NS_POWER + 6999);
    g_assert_cmphex(gpu_read64(b.qts, PWR_READY + DOMAIN_TILER), ==, 0);
    g_assert_cmphex(gpu_read64(b.qts, PWR_TRANS + DOMAIN_TILER), ==, 1);
    qtest_clock_step(b.qts, 1);
    g_assert_cmphex(gpu_read64(b.qts, PWR_READY + DOMAIN_TILER), ==, 1);
    /* Of the L2 the shader cores are part, and stay stuck without it */
    suspend_firmware(&b);
    start_power_off(&b);
    qtest_clock_step(b.qts, NS_LONG);
    g_assert_cmphex(gpu_read64(b.qts, PWR_READY + DOMAIN_L2), ==, 0);
    g_assert_cmphex(gpu_read64(b.qts, PWR_READY + DOMAIN_SHADER), !=, 0);
    g_assert_cmphex(gpu_read64(b.qts, PWR_TRANS + DOMAIN_SHADER), !=, 0);
    g_assert_cmpint(inject_hits(b.qts, "t"), ==, 1);
    g_assert_cmpint(inject_hits(b.qts, "s"), ==, 1);
    bed_reset(&b);
    g_assert_cmphex(gpu_read64(b.qts, PWR_TRANS + DOMAIN_SHADER), ==, 0);
    check_works(&b.g, 0, 0x1111);
    qtest_quit(b.qts);
}

/* --- Registers --- */

typedef struct RegRule {
    const char *name;
    const char *rule;
    uint32_t reg;
    uint32_t sees;          /* what is read there */
    uint32_t other;         /* a register beside it */
} RegRule;

static const RegRule reads[] = {
    { "name", "reg-read reg=GPU_ID -> set value=0x1234", GPU_ID, 0x1234,
      CSF_ID },
    { "offset", "reg-read offset=0 -> set value=0x1234", GPU_ID, 0x1234,
      CSF_ID },
    { "range", "reg-read offset=0..0x3 -> set value=0x1234", GPU_ID, 0x1234,
      CSF_ID },
    { "block", "reg-read block=mcu reg=MCU_STATUS -> set value=3", MCU_STATUS,
      MCU_FATAL, MCU_CONTROL },
    { "bank", "reg-read reg=AS_STATUS bank=1 -> set value=1",
      AS(1) + AS_STATUS, 1, AS(0) + AS_STATUS },
    { "as", "reg-read block=as bank=1 offset=0x2468 -> set value=1",
      AS(1) + AS_STATUS, 1, AS(2) + AS_STATUS },
    { "value", "reg-read reg=MCU_STATUS value=1 -> set value=2", MCU_STATUS,
      MCU_HALT, GPU_ID },
    { "mask", "reg-read value=0xa8670000/0xffff0000 -> set value=2", GPU_ID,
      2, CSF_ID },
    { "flip", "reg-read reg=MCU_STATUS -> flip bits=3", MCU_STATUS, MCU_HALT,
      MCU_CONTROL },
    { "flush-id", "reg-read block=latest-flush -> set value=0xffffff",
      LATEST_FLUSH, 0xffffff, GPU_ID },
    { "irq", "reg-read block=gpu-int reg=int_stat -> set value=0x100",
      GPU_INT + STAT, 0x100, JOB_INT + STAT },
    { "wide", "reg-read reg=gpu-id -> set value=0xffffffff00000005", GPU_ID,
      5, CSF_ID },
};

static void test_read(const void *opaque)
{
    const RegRule *r = opaque;
    uint32_t was, other;
    Bed b;

    bed_start(&b, 1);
    was = gpu_read(b.qts, r->reg);
    other = gpu_read(b.qts, r->other);
    g_assert_cmphex(was, !=, r->sees);
    inject_addf(b.qts, "%s", r->rule);
    g_assert_cmphex(gpu_read(b.qts, r->reg), ==, r->sees);
    g_assert_cmphex(gpu_read(b.qts, r->other), ==, other);
    g_assert_cmpint(inject_hits(b.qts, "rule1"), ==, 1);
    inject_remove(b.qts, "rule1");
    g_assert_cmphex(gpu_read(b.qts, r->reg), ==, was);
    qtest_quit(b.qts);
}

/* What is written is another value, or nothing at all */
static void test_write(void)
{
    QTestState *qts = gpu_start("");

    inject_add(qts, "reg-write name=d reg=GPU_CMD value=0x101 -> drop");
    inject_add(qts, "reg-write block=as bank=1 reg=AS_TRANSTAB -> "
               "flip bits=0xf000");
    inject_add(qts, "reg-write block=gpu-int reg=INT_MASK count=1 -> "
               "set value=0x10");
    gpu_write(qts, GPU_CMD, CMD_SOFT_RESET);
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmphex(gpu_read(qts, GPU_INT + RAWSTAT), ==, 0);
    g_assert_cmpint(inject_hits(qts, "d"), ==, 1);
    gpu_write(qts, GPU_CMD, CMD_FLUSH);
    qtest_clock_step(qts, NS_FLUSH);
    g_assert_cmphex(gpu_read(qts, GPU_INT + RAWSTAT), ==, IRQ_CLEAN_CACHES);
    gpu_write64(qts, AS(1) + AS_TRANSTAB, 0x12345000);
    g_assert_cmphex(gpu_read(qts, AS(1) + AS_TRANSTAB), ==, 0x1234a000);
    gpu_write64(qts, AS(2) + AS_TRANSTAB, 0x12345000);
    g_assert_cmphex(gpu_read(qts, AS(2) + AS_TRANSTAB), ==, 0x12345000);
    gpu_write(qts, GPU_INT + MASK, 0x20103);
    g_assert_cmphex(gpu_read(qts, GPU_INT + MASK), ==, 0x10);
    gpu_write(qts, GPU_INT + MASK, 0x20103);
    g_assert_cmphex(gpu_read(qts, GPU_INT + MASK), ==, 0x20103);
    qtest_quit(qts);
}

/* A GPU that is not there any more: all ones (contract 0, step 3) */
static void test_gone(void)
{
    Bed b;

    bed_start(&b, 1);
    inject_add(b.qts, "reg-read -> set value=0xffffffff");
    g_assert_cmphex(gpu_read(b.qts, GPU_ID), ==, UINT32_MAX);
    g_assert_cmphex(gpu_read(b.qts, MCU_STATUS), ==, UINT32_MAX);
    g_assert_cmphex(gpu_read(b.qts, AS(0) + AS_STATUS), ==, UINT32_MAX);
    /* No register is no register */
    g_assert_cmphex(gpu_read(b.qts, 0x6fc), ==, 0);
    inject_remove(b.qts, "rule1");
    check_works(&b.g, 0, 0x1111);
    qtest_quit(b.qts);
}

int main(int argc, char **argv)
{
    static const TestCase cases[] = {
        { "flush-stuck", test_flush_stuck },
        { "flush-mode-other", test_flush_mode },
        { "flush-lost", test_flush_lost },
        { "reset-stuck", test_reset_stuck },
        { "power-others", test_power_others },
        { "write", test_write },
        { "gone", test_gone },
    };

    g_test_init(&argc, &argv, NULL);
    add_waits("inject-gpu", waits, ARRAY_SIZE(waits));
    add_cases("inject-gpu", cases, ARRAY_SIZE(cases));
    for (int i = 0; i < ARRAY_SIZE(reads); i++) {
        g_autofree char *name = g_strdup_printf("read-%s", reads[i].name);

        add_data_case("inject-gpu", name, &reads[i], test_read);
    }
    return g_test_run();
}
