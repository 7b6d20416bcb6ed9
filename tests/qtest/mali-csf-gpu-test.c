/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU: GPU_CONTROL
 *
 * Identification, register masks, accesses that go nowhere, commands, counters
 * and power, on a clock that the tests move.  Resets are in
 * mali-csf-reset-test.c.
 */

#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "qemu/timer.h"
#include "mali-csf-util.h"

#define GPU_CONTROL_WORDS       (0x700 / 4)

/* --- Models: what boards of them report, see hw/gpu/mali_csf_arch.c --- */

typedef struct ModelFacts {
    const char *name;
    uint32_t gpu_id;
    uint32_t product;       /* arch major << 4 | product major (panthor_hw.c) */
    uint32_t l2_features;
    uint32_t core_features;
    uint32_t mem_features;
    uint32_t shader_present;
} ModelFacts;

static const ModelFacts model_facts[] = {
    { "g310", 0xac740001, 0xa4, 0x07110306, 1, 0x001, 0x0000001 },
    { "g510", 0xaa030000, 0xa3, 0x07120306, 4, 0x301, 0x0050005 },
    { "g610", 0xa8670005, 0xa7, 0x07120306, 0, 0x301, 0x0050005 },
    { "g710", 0xa8620004, 0xa2, 0x08130306, 0, 0x301, 0x1110055 },
};

/* --- Registers: which exist, and what a write leaves in them --- */

typedef struct RegFacts {
    uint32_t reg;
    uint32_t words;         /* 2: of 64 bits */
    enum { RO, RW, COMMAND, COUNTER } kind;
} RegFacts;

static const RegFacts reg_facts[] = {
    { GPU_ID, 1, RO }, { L2_FEATURES, 1, RO }, { CORE_FEATURES, 1, RO },
    { TILER_FEATURES, 1, RO }, { MEM_FEATURES, 1, RO },
    { MMU_FEATURES, 1, RO }, { AS_PRESENT, 1, RO }, { CSF_ID, 1, RO },
    { GPU_INT, 4, COMMAND }, { GPU_CMD, 1, COMMAND }, { GPU_STATUS, 1, RO },
    { GPU_FAULT_STATUS, 1, RO }, { GPU_FAULT_ADDR, 2, RO },
    { L2_CONFIG, 1, RW }, { PWR_KEY, 1, RW }, { PWR_OVERRIDE0, 1, RW },
    { PWR_OVERRIDE1, 1, RW }, { GPU_FEATURES, 2, RO },
    { TIMESTAMP_OFFSET, 2, RW }, { CYCLE_COUNT, 2, RO },
    { TIMESTAMP, 2, COUNTER }, { THREAD_MAX_THREADS, 1, RO },
    { THREAD_MAX_WORKGROUP, 1, RO }, { THREAD_MAX_BARRIER, 1, RO },
    { THREAD_FEATURES, 1, RO }, { TEXTURE_FEATURES0, 4, RO },
    { PWR_PRESENT + DOMAIN_SHADER, 2, RO },
    { PWR_PRESENT + DOMAIN_TILER, 2, RO },
    { PWR_PRESENT + DOMAIN_L2, 2, RO },
    { PWR_READY + DOMAIN_SHADER, 2, RO },
    { PWR_READY + DOMAIN_TILER, 2, RO },
    { PWR_READY + DOMAIN_L2, 2, RO },
    { PWR_ON + DOMAIN_SHADER, 2, COMMAND },
    { PWR_ON + DOMAIN_TILER, 2, COMMAND },
    { PWR_ON + DOMAIN_L2, 2, COMMAND },
    { PWR_OFF + DOMAIN_SHADER, 2, COMMAND },
    { PWR_OFF + DOMAIN_TILER, 2, COMMAND },
    { PWR_OFF + DOMAIN_L2, 2, COMMAND },
    { PWR_TRANS + DOMAIN_SHADER, 2, RO },
    { PWR_TRANS + DOMAIN_TILER, 2, RO },
    { PWR_TRANS + DOMAIN_L2, 2, RO },
    { PWR_ACTIVE + DOMAIN_SHADER, 2, RO },
    { PWR_ACTIVE + DOMAIN_TILER, 2, RO },
    { PWR_ACTIVE + DOMAIN_L2, 2, RO },
    { REVID, 1, RO }, { ASN_HASH0, 3, RW }, { COHERENCY_FEATURES, 1, RO },
    { COHERENCY_PROTOCOL, 1, COMMAND },
    /* The other blocks */
    { MCU_CONTROL, 1, COMMAND }, { MCU_STATUS, 1, RO },
    { JOB_INT, 4, COMMAND }, { MMU_INT, 4, COMMAND },
    { LATEST_FLUSH, 1, RO },
};

#define AS_BANKS                8

static bool reg_exists(uint32_t offset)
{
    for (int i = 0; i < ARRAY_SIZE(reg_facts); i++) {
        const RegFacts *f = &reg_facts[i];

        if (offset >= f->reg && offset < f->reg + f->words * 4) {
            return true;
        }
    }
    if (offset >= AS(0) && offset < AS(AS_BANKS)) {
        /* The one word of a bank without a register */
        return (offset - AS(0)) % 0x40 != AS_STATUS + 4;
    }
    return offset >= DOORBELL(0) && offset % 0x10000 == 0;
}

/* --- Identification --- */

static void check_control(QTestState *qts, const uint32_t *expect)
{
    for (int i = 0; i < GPU_CONTROL_WORDS; i++) {
        uint32_t val = gpu_read(qts, i * 4);

        if (val != expect[i]) {
            g_test_message("register 0x%03x", i * 4);
        }
        g_assert_cmphex(val, ==, expect[i]);
    }
}

/* All of GPU_CONTROL after power-on; what is not listed is zero */
static void fill_control(uint32_t *expect, const ModelFacts *m)
{
    memset(expect, 0, GPU_CONTROL_WORDS * 4);
    expect[GPU_ID / 4] = m->gpu_id;
    expect[L2_FEATURES / 4] = m->l2_features;
    expect[CORE_FEATURES / 4] = m->core_features;
    expect[TILER_FEATURES / 4] = 0x809;
    expect[MEM_FEATURES / 4] = m->mem_features;
    expect[MMU_FEATURES / 4] = 0x2830;
    expect[AS_PRESENT / 4] = 0xff;
    expect[CSF_ID / 4] = 0x040a0412;
    /* gpu_start() has let 1 us pass, the counter's rate is 62.5 MHz */
    expect[TIMESTAMP / 4] = 62;
    expect[THREAD_MAX_THREADS / 4] = 2048;
    expect[THREAD_MAX_WORKGROUP / 4] = 1024;
    expect[THREAD_MAX_BARRIER / 4] = 1024;
    expect[THREAD_FEATURES / 4] = 0x04010000;
    expect[TEXTURE_FEATURES0 / 4] = 0xc1ffff9e;
    expect[(PWR_PRESENT + DOMAIN_SHADER) / 4] = m->shader_present;
    expect[(PWR_PRESENT + DOMAIN_TILER) / 4] = 1;
    expect[(PWR_PRESENT + DOMAIN_L2) / 4] = 1;
    expect[COHERENCY_FEATURES / 4] = 1;
}

static void test_reset_values(void)
{
    for (int i = 0; i < ARRAY_SIZE(model_facts); i++) {
        const ModelFacts *m = &model_facts[i];
        g_autofree char *props = g_strdup_printf("model=%s", m->name);
        uint32_t expect[GPU_CONTROL_WORDS];
        QTestState *qts = gpu_start(props);

        fill_control(expect, m);
        check_control(qts, expect);
        g_assert_cmphex(m->gpu_id >> 28 << 4 | (m->gpu_id >> 16 & 0xf), ==,
                        m->product);
        g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_DISABLED);
        /* 0 means "always flush" to user space */
        g_assert_cmphex(gpu_read(qts, LATEST_FLUSH), !=, 0);
        g_assert_cmphex(gpu_read(qts, LATEST_FLUSH) & 0x7f000000, ==, 0);
        qtest_quit(qts);
    }
}

static void test_properties(void)
{
    QTestState *qts = gpu_start("shader-cores=5,as-count=3,va-bits=39,"
                                "pa-bits=36,coherent=off");

    g_assert_cmphex(gpu_read64(qts, PWR_PRESENT + DOMAIN_SHADER), ==, 0x1f);
    g_assert_cmphex(gpu_read(qts, AS_PRESENT), ==, 0x7);
    g_assert_cmphex(gpu_read(qts, MMU_FEATURES), ==, 39 | 36 << 8);
    g_assert_cmphex(gpu_read(qts, COHERENCY_FEATURES), ==, 0);
    qtest_quit(qts);
}

/* --- Masks --- */

static void test_masks(void)
{
    static const uint32_t patterns[] = {
        0xffffffff, 0, 0xa5a5a5a5, 0x5a5a5a5a,
    };
    QTestState *qts = gpu_start("");

    for (int i = 0; i < ARRAY_SIZE(reg_facts); i++) {
        const RegFacts *f = &reg_facts[i];

        for (uint32_t reg = f->reg; reg < f->reg + f->words * 4; reg += 4) {
            uint32_t before = gpu_read(qts, reg);

            if (f->kind == COMMAND || f->kind == COUNTER) {
                continue;
            }
            for (int p = 0; p < ARRAY_SIZE(patterns); p++) {
                gpu_write(qts, reg, patterns[p]);
                g_assert_cmphex(gpu_read(qts, reg), ==,
                                f->kind == RW ? patterns[p] : before);
            }
        }
    }
    qtest_quit(qts);
}

static void test_coherency_protocol(void)
{
    static const uint32_t protocols[] = { 31, 0, 1 };
    QTestState *qts = gpu_start("");

    for (int i = 0; i < ARRAY_SIZE(protocols); i++) {
        gpu_write(qts, COHERENCY_PROTOCOL, protocols[i]);
        g_assert_cmphex(gpu_read(qts, COHERENCY_PROTOCOL), ==, protocols[i]);
    }
    qtest_quit(qts);
}

/* One half of a 64-bit register does not touch the other */
static void test_halves(void)
{
    QTestState *qts = gpu_start("");

    gpu_write64(qts, TIMESTAMP_OFFSET, 0x1122334455667788);
    gpu_write(qts, TIMESTAMP_OFFSET + 4, 0xaabbccdd);
    g_assert_cmphex(gpu_read64(qts, TIMESTAMP_OFFSET), ==, 0xaabbccdd55667788);
    gpu_write(qts, TIMESTAMP_OFFSET, 0x01020304);
    g_assert_cmphex(gpu_read64(qts, TIMESTAMP_OFFSET), ==, 0xaabbccdd01020304);

    /* No core has its bit in the high half of a power register */
    gpu_write(qts, PWR_ON + DOMAIN_L2 + 4, 1);
    g_assert_cmphex(gpu_read64(qts, PWR_TRANS + DOMAIN_L2), ==, 0);
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmphex(gpu_read64(qts, PWR_READY + DOMAIN_L2), ==, 0);
    qtest_quit(qts);
}

/* --- Accesses that go nowhere --- */

typedef struct ErrorLog {
    char *path;
    FILE *file;
} ErrorLog;

static QTestState *start_with_log(ErrorLog *log)
{
    g_autofree char *args = NULL;
    int fd = g_file_open_tmp("mali-csf-test-XXXXXX", &log->path, NULL);
    QTestState *qts;

    g_assert_cmpint(fd, !=, -1);
    close(fd);
    args = g_strdup_printf("-d guest_errors -D %s", log->path);
    qts = gpu_start_args("", args);
    log->file = fopen(log->path, "r");
    g_assert_nonnull(log->file);
    return qts;
}

static void finish_log(ErrorLog *log)
{
    fclose(log->file);
    unlink(log->path);
    g_free(log->path);
}

/* How many mistakes the GPU has told of since the last call */
static int count_errors(ErrorLog *log)
{
    char line[512];
    int n = 0;

    clearerr(log->file);
    while (fgets(line, sizeof(line), log->file)) {
        n += g_str_has_prefix(line, "mali-csf: ");
    }
    return n;
}

static uint64_t read_sized(QTestState *qts, uint32_t offset, int size)
{
    switch (size) {
    case 1:
        return qtest_readb(qts, GPU_BASE + offset);
    case 2:
        return qtest_readw(qts, GPU_BASE + offset);
    case 4:
        return qtest_readl(qts, GPU_BASE + offset);
    default:
        return qtest_readq(qts, GPU_BASE + offset);
    }
}

static void write_sized(QTestState *qts, uint32_t offset, int size)
{
    switch (size) {
    case 1:
        qtest_writeb(qts, GPU_BASE + offset, 0xff);
        break;
    case 2:
        qtest_writew(qts, GPU_BASE + offset, 0xffff);
        break;
    case 4:
        qtest_writel(qts, GPU_BASE + offset, 0xffffffff);
        break;
    default:
        qtest_writeq(qts, GPU_BASE + offset, UINT64_MAX);
        break;
    }
}

/* Bad accesses around registers: all read zero, change nothing, are logged */
static void test_bad_accesses(void)
{
    static const struct { uint32_t from, to; } dense[] = {
        { 0x0000, 0x0920 }, { 0x0ff0, 0x1020 }, { 0x1ff0, 0x2020 },
        { 0x23f0, 0x2480 }, { 0x25c0, 0x2820 }, { 0xfff0, 0x10010 },
        { 0x7fff0, 0x80010 }, { 0x1ffff0, GPU_WINDOW },
    };
    ErrorLog log;
    QTestState *qts = start_with_log(&log);
    g_autofree char *before = gpu_snapshot(qts);
    g_autofree char *after = NULL;

    count_errors(&log);
    for (int i = 0; i < ARRAY_SIZE(dense); i++) {
        for (uint32_t o = dense[i].from; o < dense[i].to; o++) {
            for (int size = 1; size <= 8; size *= 2) {
                if (o + size > dense[i].to ||
                    (size == 4 && o % 4 == 0 && reg_exists(o))) {
                    continue;
                }
                g_assert_cmphex(read_sized(qts, o, size), ==, 0);
                write_sized(qts, o, size);
                g_assert_cmpint(count_errors(&log), ==, 2);
            }
        }
    }
    after = gpu_snapshot(qts);
    g_assert_cmpstr(before, ==, after);
    qtest_quit(qts);
    finish_log(&log);
}

/* The whole window: by 32 bits in each page, by 64 aligned and not */
static void test_bad_accesses_sweep(void)
{
    static const uint32_t in_page[] = { 0x4, 0x40, 0x700, 0x1000, 0x7ffc,
                                        0xfffc };
    ErrorLog log;
    QTestState *qts = start_with_log(&log);
    g_autofree char *before = gpu_snapshot(qts);
    g_autofree char *after = NULL;
    g_autofree uint8_t *buf = g_malloc(GPU_WINDOW);

    count_errors(&log);
    for (uint32_t page = 0x10000; page < GPU_WINDOW; page += 0x10000) {
        for (int i = 0; i < ARRAY_SIZE(in_page); i++) {
            g_assert_cmphex(gpu_read(qts, page + in_page[i]), ==, 0);
            gpu_write(qts, page + in_page[i], 0xffffffff);
            g_assert_cmpint(count_errors(&log), ==, 2);
        }
    }
    /* Transfers of this length are made of accesses of 64 bits */
    for (int align = 0; align < 8; align = align * 2 ?: 1) {
        size_t size = GPU_WINDOW - 8;

        memset(buf, 0xff, size);
        qtest_bufwrite(qts, GPU_BASE + align, buf, size);
        g_assert_cmpint(count_errors(&log), ==, size / 8);
        qtest_bufread(qts, GPU_BASE + align, buf, size);
        g_assert_true(buffer_is_zero(buf, size));
        g_assert_cmpint(count_errors(&log), ==, size / 8);
    }
    after = gpu_snapshot(qts);
    g_assert_cmpstr(before, ==, after);
    qtest_quit(qts);
    finish_log(&log);
}

/* Good accesses are not logged; bad values in good registers are */
static void test_guest_errors(void)
{
    static const struct { uint32_t reg, val; } bad[] = {
        { GPU_ID, 0 }, { GPU_STATUS, 1 }, { GPU_CMD, 0xff },
        { GPU_CMD, 0x00000301 }, { MCU_CONTROL, 3 }, { MCU_STATUS, 1 },
        { AS(1) + AS_COMMAND, 0x77 }, { AS(1) + AS_STATUS, 1 },
        { LATEST_FLUSH, 5 }, { GPU_INT + STAT, 1 },
    };
    ErrorLog log;
    QTestState *qts = start_with_log(&log);
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;

    for (uint32_t reg = 0; reg < DOORBELL(0); reg += 4) {
        if (reg_exists(reg)) {
            gpu_read(qts, reg);
        }
    }
    gpu_write(qts, DOORBELL(0), 1);
    gpu_write(qts, DOORBELL(23), 1);
    gpu_write(qts, GPU_CMD, CMD_CLEAR_FAULT);
    /* As Tyr gives up an address space, and without a LOCK */
    gpu_as_command(qts, 1, CMD_FLUSH_PT);
    gpu_as_command(qts, 1, CMD_FLUSH_MEM);
    gpu_as_config(qts, 1, 0, 0, TRANSCFG_UNMAPPED);
    g_assert_cmpint(count_errors(&log), ==, 0);

    before = gpu_snapshot(qts);
    count_errors(&log);
    for (int i = 0; i < ARRAY_SIZE(bad); i++) {
        gpu_write(qts, bad[i].reg, bad[i].val);
        g_assert_cmpint(count_errors(&log), ==, 1);
    }
    after = gpu_snapshot(qts);
    g_assert_cmpstr(before, ==, after);
    qtest_quit(qts);
    finish_log(&log);
}

/* The larger window, when the slots do not fit the smaller */
static void test_large_window(void)
{
    QTestState *qts = gpu_start("csg-slots=31");

    g_assert_cmphex(gpu_read(qts, GPU_ID), ==, 0xa8670005);
    g_assert_cmphex(gpu_read(qts, GPU_WINDOW_LARGE - 4), ==, 0);
    gpu_write(qts, DOORBELL(31), 1);
    gpu_write(qts, DOORBELL(63), 1);
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, 0);
    qtest_quit(qts);
}

/* --- Commands --- */

static void check_flush(QTestState *qts, uint32_t cmd)
{
    uint32_t id = gpu_read(qts, LATEST_FLUSH);

    gpu_write(qts, GPU_INT + CLEAR, UINT32_MAX);
    gpu_write(qts, GPU_CMD, cmd);
    g_assert_cmphex(gpu_read(qts, GPU_STATUS) & 1, ==, 1);
    qtest_clock_step(qts, NS_FLUSH - 1);
    g_assert_cmphex(gpu_read(qts, GPU_INT + RAWSTAT), ==, 0);
    g_assert_cmphex(gpu_read(qts, LATEST_FLUSH), ==, id);
    qtest_clock_step(qts, 1);
    g_assert_cmphex(gpu_read(qts, GPU_INT + RAWSTAT), ==, IRQ_CLEAN_CACHES);
    g_assert_cmphex(gpu_read(qts, LATEST_FLUSH), ==, id + 1);
    g_assert_cmphex(gpu_read(qts, GPU_STATUS) & 1, ==, 0);
}

static void test_flush(void)
{
    QTestState *qts = gpu_start("");

    gpu_watch_lines(qts);
    gpu_write(qts, GPU_INT + MASK, IRQ_CLEAN_CACHES);
    check_flush(qts, CMD_FLUSH);
    g_assert_true(qtest_get_irq(qts, LINE_GPU));
    check_flush(qts, CMD_FLUSH_CLEAN);

    /* It is done once */
    gpu_write(qts, GPU_INT + CLEAR, UINT32_MAX);
    g_assert_false(qtest_get_irq(qts, LINE_GPU));
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmphex(gpu_read(qts, GPU_INT + RAWSTAT), ==, 0);
    qtest_quit(qts);
}

/* A flush completes whatever the MCU and the address spaces do */
static void test_flush_in_any_state(void)
{
    QTestState *qts = fw_start("");

    check_flush(qts, CMD_FLUSH);
    gpu_as_lock(qts, 0, 0, 48);
    check_flush(qts, CMD_FLUSH);
    gpu_as_command(qts, 0, CMD_UNLOCK);
    fw_halt(qts);
    check_flush(qts, CMD_FLUSH);
    gpu_write(qts, MCU_CONTROL, MCU_DISABLE);
    qtest_clock_step(qts, NS_MCU_STOP);
    check_flush(qts, CMD_FLUSH);
    gpu_write(qts, PWR_OFF + DOMAIN_L2, 1);
    qtest_clock_step(qts, NS_POWER);
    check_flush(qts, CMD_FLUSH);
    qtest_quit(qts);
}

static void test_clear_fault(void)
{
    QTestState *qts = gpu_start("");

    gpu_write(qts, GPU_CMD, CMD_CLEAR_FAULT);
    g_assert_cmphex(gpu_read(qts, GPU_FAULT_STATUS), ==, 0);
    g_assert_cmphex(gpu_read64(qts, GPU_FAULT_ADDR), ==, 0);
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmphex(gpu_read(qts, GPU_INT + RAWSTAT), ==, 0);
    qtest_quit(qts);
}

/* --- Counters --- */

static void check_timestamp(const char *props, const char *args, uint64_t hz)
{
    QTestState *qts = gpu_start_args(props, args);
    uint64_t before, offset = 0xfffffffff0000000ULL;

    before = gpu_read64(qts, TIMESTAMP);
    qtest_clock_step(qts, NANOSECONDS_PER_SECOND);
    g_assert_cmpuint(gpu_read64(qts, TIMESTAMP), ==, before + hz);

    /* Beyond 32 bits */
    qtest_clock_step(qts, 200LL * NANOSECONDS_PER_SECOND);
    before += 201 * hz;
    g_assert_cmpuint(before >> 32, !=, 0);
    g_assert_cmpuint(gpu_read64(qts, TIMESTAMP), ==, before);

    gpu_write64(qts, TIMESTAMP_OFFSET, offset);
    g_assert_cmpuint(gpu_read64(qts, TIMESTAMP), ==, before + offset);
    qtest_quit(qts);
}

static void test_timestamp(void)
{
    /* The rate is CNTFRQ's, which depends on the CPU */
    check_timestamp("", "-cpu cortex-a15", 62500000);
    check_timestamp("", "-cpu cortex-a15,cntfrq=1000000000", 1000000000);
    check_timestamp("timestamp-frequency=24000000", "", 24000000);
}

static void check_cycles(const char *props, uint64_t hz)
{
    QTestState *qts = fw_start(props);
    uint64_t before;

    /* It stands still until someone wants it */
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmpuint(gpu_read64(qts, CYCLE_COUNT), ==, 0);

    fw_request(qts, GLB_COUNTER_EN);
    before = gpu_read64(qts, CYCLE_COUNT);
    qtest_clock_step(qts, NANOSECONDS_PER_SECOND);
    g_assert_cmpuint(gpu_read64(qts, CYCLE_COUNT), ==, before + hz);
    /* Beyond 32 bits */
    qtest_clock_step(qts, 49LL * NANOSECONDS_PER_SECOND);
    before += 50 * hz;
    g_assert_cmpuint(before >> 32, !=, 0);
    g_assert_cmpuint(gpu_read64(qts, CYCLE_COUNT), ==, before);

    fw_request(qts, 0);
    before += NS_REQUEST * hz / NANOSECONDS_PER_SECOND;
    g_assert_cmpuint(gpu_read64(qts, CYCLE_COUNT), ==, before);
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmpuint(gpu_read64(qts, CYCLE_COUNT), ==, before);
    qtest_quit(qts);
}

static void test_cycles(void)
{
    check_cycles("", 500000000);
    check_cycles("clock-frequency=100000000", 100000000);
}

/* Commands start and stop it too (Arm's own driver uses them) */
static void test_cycles_command(void)
{
    QTestState *qts = gpu_start("");

    gpu_write(qts, GPU_CMD, CMD_TIME_ENABLE);
    qtest_clock_step(qts, 1000000);
    g_assert_cmpuint(gpu_read64(qts, CYCLE_COUNT), ==, 500000);
    gpu_write(qts, GPU_CMD, CMD_TIME_DISABLE);
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmpuint(gpu_read64(qts, CYCLE_COUNT), ==, 500000);
    qtest_quit(qts);
}

/* --- Power --- */

static const uint32_t domains[] = { DOMAIN_L2, DOMAIN_TILER, DOMAIN_SHADER };

static void check_transition(QTestState *qts, uint32_t command,
                             uint32_t domain, uint64_t mask,
                             uint64_t ready_before, uint64_t ready_after)
{
    gpu_write(qts, GPU_INT + CLEAR, UINT32_MAX);
    gpu_write64(qts, command + domain, mask);
    g_assert_cmphex(gpu_read64(qts, PWR_TRANS + domain), ==,
                    ready_before ^ ready_after);
    qtest_clock_step(qts, NS_POWER - 1);
    g_assert_cmphex(gpu_read64(qts, PWR_READY + domain), ==, ready_before);
    g_assert_cmphex(gpu_read64(qts, PWR_TRANS + domain), ==,
                    ready_before ^ ready_after);
    g_assert_cmphex(gpu_read(qts, GPU_INT + RAWSTAT), ==, 0);
    qtest_clock_step(qts, 1);
    g_assert_cmphex(gpu_read64(qts, PWR_READY + domain), ==, ready_after);
    g_assert_cmphex(gpu_read64(qts, PWR_TRANS + domain), ==, 0);
    g_assert_cmphex(gpu_read(qts, GPU_INT + RAWSTAT), ==,
                    IRQ_POWER_CHANGED | IRQ_POWER_CHANGED_ALL);
}

static void test_power(void)
{
    QTestState *qts = gpu_start("");

    /* UINT64_MAX: what is not present is ignored */
    for (int i = 0; i < ARRAY_SIZE(domains); i++) {
        uint64_t present = gpu_read64(qts, PWR_PRESENT + domains[i]);

        check_transition(qts, PWR_ON, domains[i], UINT64_MAX, 0, present);
    }
    for (int i = ARRAY_SIZE(domains) - 1; i >= 0; i--) {
        uint64_t present = gpu_read64(qts, PWR_PRESENT + domains[i]);

        check_transition(qts, PWR_OFF, domains[i], UINT64_MAX, present, 0);
        g_assert_cmphex(gpu_read64(qts, PWR_PRESENT + domains[i]), ==,
                        present);
    }
    qtest_quit(qts);
}

static void test_power_single_cores(void)
{
    QTestState *qts = gpu_start("");

    gpu_power_on(qts, DOMAIN_L2);
    check_transition(qts, PWR_ON, DOMAIN_SHADER, 0x00001, 0, 0x00001);
    check_transition(qts, PWR_ON, DOMAIN_SHADER, 0x50000, 0x00001, 0x50001);
    check_transition(qts, PWR_OFF, DOMAIN_SHADER, 0x10001, 0x50001, 0x40000);
    check_transition(qts, PWR_ON, DOMAIN_SHADER, 0x50005, 0x40000, 0x50005);
    qtest_quit(qts);
}

/* Nothing happens where nothing is to be done */
static void test_power_no_change(void)
{
    QTestState *qts = gpu_start("");

    gpu_write64(qts, PWR_OFF + DOMAIN_L2, 1);
    g_assert_cmphex(gpu_read64(qts, PWR_TRANS + DOMAIN_L2), ==, 0);
    gpu_power_on(qts, DOMAIN_L2);
    gpu_write(qts, GPU_INT + CLEAR, UINT32_MAX);
    gpu_write64(qts, PWR_ON + DOMAIN_L2, 1);
    g_assert_cmphex(gpu_read64(qts, PWR_TRANS + DOMAIN_L2), ==, 0);
    gpu_write64(qts, PWR_ON + DOMAIN_L2, 0);
    gpu_write64(qts, PWR_OFF + DOMAIN_L2, 0);
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmphex(gpu_read64(qts, PWR_READY + DOMAIN_L2), ==, 1);
    g_assert_cmphex(gpu_read(qts, GPU_INT + RAWSTAT), ==, 0);
    qtest_quit(qts);
}

/* Shader cores and tiler go down with the L2 that they need */
static void test_power_l2_off(void)
{
    QTestState *qts = gpu_start("");

    for (int i = 0; i < ARRAY_SIZE(domains); i++) {
        gpu_power_on(qts, domains[i]);
    }
    gpu_write64(qts, PWR_OFF + DOMAIN_L2, 1);
    qtest_clock_step(qts, NS_POWER);
    for (int i = 0; i < ARRAY_SIZE(domains); i++) {
        g_assert_cmphex(gpu_read64(qts, PWR_READY + domains[i]), ==, 0);
        g_assert_cmphex(gpu_read64(qts, PWR_TRANS + domains[i]), ==, 0);
    }
    g_assert_cmphex(gpu_read(qts, GPU_INT + RAWSTAT), ==,
                    IRQ_POWER_CHANGED | IRQ_POWER_CHANGED_ALL);
    qtest_quit(qts);
}

/* POWER_CHANGED_ALL tells of the last transition under way */
static void test_power_changed_all(void)
{
    QTestState *qts = gpu_start("");

    gpu_power_on(qts, DOMAIN_L2);
    gpu_write(qts, GPU_INT + CLEAR, UINT32_MAX);
    gpu_write64(qts, PWR_ON + DOMAIN_TILER, 1);
    qtest_clock_step(qts, NS_POWER / 2);
    gpu_write64(qts, PWR_ON + DOMAIN_SHADER, 1);
    qtest_clock_step(qts, NS_POWER / 2);
    g_assert_cmphex(gpu_read(qts, GPU_INT + RAWSTAT), ==, IRQ_POWER_CHANGED);
    qtest_clock_step(qts, NS_POWER / 2);
    g_assert_cmphex(gpu_read(qts, GPU_INT + RAWSTAT), ==,
                    IRQ_POWER_CHANGED | IRQ_POWER_CHANGED_ALL);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    qtest_add_func("mali-csf/gpu/reset-values", test_reset_values);
    qtest_add_func("mali-csf/gpu/properties", test_properties);
    qtest_add_func("mali-csf/gpu/masks", test_masks);
    qtest_add_func("mali-csf/gpu/coherency-protocol", test_coherency_protocol);
    qtest_add_func("mali-csf/gpu/halves", test_halves);
    qtest_add_func("mali-csf/gpu/bad-accesses", test_bad_accesses);
    qtest_add_func("mali-csf/gpu/bad-accesses-sweep", test_bad_accesses_sweep);
    qtest_add_func("mali-csf/gpu/guest-errors", test_guest_errors);
    qtest_add_func("mali-csf/gpu/large-window", test_large_window);
    qtest_add_func("mali-csf/gpu/flush", test_flush);
    qtest_add_func("mali-csf/gpu/flush-in-any-state", test_flush_in_any_state);
    qtest_add_func("mali-csf/gpu/clear-fault", test_clear_fault);
    qtest_add_func("mali-csf/gpu/timestamp", test_timestamp);
    qtest_add_func("mali-csf/gpu/cycles", test_cycles);
    qtest_add_func("mali-csf/gpu/cycles-command", test_cycles_command);
    qtest_add_func("mali-csf/gpu/power", test_power);
    qtest_add_func("mali-csf/gpu/power-single-cores", test_power_single_cores);
    qtest_add_func("mali-csf/gpu/power-no-change", test_power_no_change);
    qtest_add_func("mali-csf/gpu/power-l2-off", test_power_l2_off);
    qtest_add_func("mali-csf/gpu/power-changed-all", test_power_changed_all);

    return g_test_run();
}
