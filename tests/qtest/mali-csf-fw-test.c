/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU: microcontroller and firmware interface
 *
 * What panthor_fw.c does to it: boot, the shared section, global requests,
 * halt, stop and boot again.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "mali-csf-util.h"

/* Of the project's own firmware image; that of Arm's is smaller */
#define SECTION_MAX             0x80000

/* --- Boot --- */

static void test_boot(void)
{
    QTestState *qts = gpu_start("");

    fw_prepare(qts, FW_SHARED_SIZE);
    gpu_write(qts, GPU_INT + CLEAR, UINT32_MAX);
    gpu_write(qts, MCU_CONTROL, MCU_AUTO);
    g_assert_cmphex(gpu_read(qts, MCU_CONTROL), ==, MCU_AUTO);
    qtest_clock_step(qts, NS_COLD_BOOT - 1);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_DISABLED);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, 0);
    g_assert_cmphex(fw_read(qts, FW_SHARED), ==, 0);
    qtest_clock_step(qts, 1);
    /* Tyr wants to see all three at once */
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_ENABLED);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, JOB_GLB);
    g_assert_cmphex(fw_read(qts, FW_SHARED), ==, 0x01010000);
    g_assert_cmphex(gpu_read(qts, GPU_INT + RAWSTAT), ==, IRQ_MCU_STATUS);

    /* It is said once */
    gpu_write(qts, JOB_INT + CLEAR, UINT32_MAX);
    gpu_write(qts, MCU_CONTROL, MCU_AUTO);
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, 0);
    qtest_quit(qts);
}

static void boot_fails(QTestState *qts)
{
    gpu_write(qts, MCU_CONTROL, MCU_AUTO);
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_FATAL);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, 0);
    /* A doorbell does not wake the dead */
    gpu_write(qts, DOORBELL(0), 1);
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_FATAL);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, 0);
}

/* After a failure the driver stops the MCU, repairs things, and tries again */
static void boot_works_after_all(QTestState *qts)
{
    gpu_write(qts, MCU_CONTROL, MCU_DISABLE);
    qtest_clock_step(qts, NS_MCU_STOP);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_DISABLED);
    gpu_write(qts, MMU_INT + CLEAR, UINT32_MAX);
    fw_boot(qts, NS_COLD_BOOT);
    fw_request(qts, GLB_PING);
    g_assert_cmphex(fw_read(qts, FW_ACK), ==, GLB_PING);
}

static void test_boot_without_l2(void)
{
    QTestState *qts = gpu_start("");

    fw_prepare(qts, FW_SHARED_SIZE);
    gpu_write64(qts, PWR_OFF + DOMAIN_L2, 1);
    qtest_clock_step(qts, NS_POWER);
    boot_fails(qts);
    g_assert_cmphex(fw_read(qts, FW_SHARED), ==, 0);
    gpu_power_on(qts, DOMAIN_L2);
    boot_works_after_all(qts);
    qtest_quit(qts);
}

static void test_boot_unmapped(void)
{
    QTestState *qts = gpu_start("");
    PageTables pt = fw_prepare(qts, FW_SHARED_SIZE);

    gpu_as_config(qts, 0, 0, 0, TRANSCFG_UNMAPPED);
    boot_fails(qts);
    g_assert_cmphex(gpu_read(qts, MMU_INT + RAWSTAT) & 0xffff, ==, 1);
    gpu_as_config(qts, 0, pt.root, MEMATTR_COHERENT, TRANSCFG_48);
    boot_works_after_all(qts);
    qtest_quit(qts);
}

static void test_boot_read_only(void)
{
    QTestState *qts = gpu_start("");
    PageTables pt = fw_prepare(qts, FW_SHARED_SIZE);

    pt_map(&pt, FW_SHARED, RAM_SECTION, FW_SHARED_SIZE,
           PTE_LEAF | PTE_READ_ONLY);
    gpu_as_changed(qts, 0);
    boot_fails(qts);
    g_assert_cmphex(gpu_read(qts, AS(0) + AS_FAULTSTATUS) & 0xff, ==, 0xcb);
    g_assert_cmphex(fw_read(qts, FW_SHARED), ==, 0);
    pt_map(&pt, FW_SHARED, RAM_SECTION, FW_SHARED_SIZE, PTE_LEAF);
    gpu_as_changed(qts, 0);
    boot_works_after_all(qts);
    qtest_quit(qts);
}

/* Sections that end where a block of a G610 is: control, output, CS output */
static void test_boot_small_section(void)
{
    static const uint32_t sizes[] = { 0x1000, 0x6000, 0x7000, 0xb000 };

    for (int i = 0; i < ARRAY_SIZE(sizes); i++) {
        QTestState *qts = gpu_start("");
        PageTables pt = fw_prepare(qts, sizes[i]);

        boot_fails(qts);
        g_assert_cmphex(gpu_read64(qts, AS(0) + AS_FAULTADDRESS), ==,
                        FW_SHARED + sizes[i]);
        pt_map(&pt, FW_SHARED, RAM_SECTION, 0xc000, PTE_LEAF);
        gpu_as_changed(qts, 0);
        boot_works_after_all(qts);
        qtest_quit(qts);
    }
}

/* --- MCU_CONTROL --- */

static void test_control(void)
{
    QTestState *qts = gpu_start("");

    fw_prepare(qts, FW_SHARED_SIZE);
    /* Nothing to disable */
    gpu_write(qts, GPU_INT + CLEAR, UINT32_MAX);
    gpu_write(qts, MCU_CONTROL, MCU_DISABLE);
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmphex(gpu_read(qts, GPU_INT + RAWSTAT), ==, 0);

    /* ENABLE does as AUTO */
    gpu_write(qts, MCU_CONTROL, MCU_ENABLE);
    g_assert_cmphex(gpu_read(qts, MCU_CONTROL), ==, MCU_ENABLE);
    qtest_clock_step(qts, NS_COLD_BOOT);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_ENABLED);

    gpu_write(qts, GPU_INT + CLEAR, UINT32_MAX);
    gpu_write(qts, MCU_CONTROL, MCU_DISABLE);
    g_assert_cmphex(gpu_read(qts, MCU_CONTROL), ==, MCU_DISABLE);
    qtest_clock_step(qts, NS_MCU_STOP - 1);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_ENABLED);
    qtest_clock_step(qts, 1);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_DISABLED);
    g_assert_cmphex(gpu_read(qts, GPU_INT + RAWSTAT), ==, IRQ_MCU_STATUS);
    qtest_quit(qts);
}

/* What MCU_CONTROL was told last holds, whatever was under way */
static void test_control_changes_mind(void)
{
    QTestState *qts = gpu_start("");

    fw_prepare(qts, FW_SHARED_SIZE);
    gpu_write(qts, MCU_CONTROL, MCU_AUTO);
    qtest_clock_step(qts, NS_COLD_BOOT / 2);
    gpu_write(qts, MCU_CONTROL, MCU_DISABLE);
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_DISABLED);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, 0);
    g_assert_cmphex(fw_read(qts, FW_SHARED), ==, 0);

    fw_boot(qts, NS_COLD_BOOT);
    gpu_write(qts, MCU_CONTROL, MCU_DISABLE);
    qtest_clock_step(qts, NS_MCU_STOP / 2);
    gpu_write(qts, MCU_CONTROL, MCU_AUTO);
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_ENABLED);
    fw_request(qts, GLB_PING);
    g_assert_cmphex(fw_read(qts, FW_ACK), ==, GLB_PING);
    qtest_quit(qts);
}

/* A stop without a halt loses what the firmware had: the next boot is cold */
static void test_control_stop_without_halt(void)
{
    QTestState *qts = fw_start("");

    fw_request(qts, GLB_PING);
    gpu_write(qts, MCU_CONTROL, MCU_DISABLE);
    qtest_clock_step(qts, NS_MCU_STOP);
    fw_write(qts, FW_REQ, 0);
    gpu_write(qts, JOB_INT + CLEAR, UINT32_MAX);
    gpu_write(qts, MCU_CONTROL, MCU_AUTO);
    qtest_clock_step(qts, NS_COLD_BOOT - 1);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_DISABLED);
    qtest_clock_step(qts, 1);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_ENABLED);
    g_assert_cmphex(fw_read(qts, FW_ACK), ==, 0);
    qtest_quit(qts);
}

/* --- Layout of the shared section --- */

/* Each word of the control blocks of a G610 (contract 3.3) */
static void test_layout(void)
{
    QTestState *qts = gpu_start("");
    const uint32_t stride = 0xa0;

    fw_prepare(qts, FW_SHARED_SIZE);
    qtest_memset(qts, RAM_SECTION, 0xa5, FW_SHARED_SIZE);
    qtest_memset(qts, RAM_SECTION + FW_REQ - FW_SHARED, 0, 0x10);
    fw_boot(qts, NS_COLD_BOOT);

    g_assert_cmphex(fw_read(qts, FW_SHARED + FW_GLB_VERSION), ==, 0x01010000);
    g_assert_cmphex(fw_read(qts, FW_SHARED + FW_GLB_FEATURES), ==, 0);
    g_assert_cmphex(fw_read(qts, FW_SHARED + FW_GLB_INPUT_VA), ==, 0x04002000);
    g_assert_cmphex(fw_read(qts, FW_SHARED + FW_GLB_OUTPUT_VA), ==, 0x04006000);
    g_assert_cmphex(fw_read(qts, FW_SHARED + FW_GLB_GROUP_NUM), ==, 8);
    g_assert_cmphex(fw_read(qts, FW_SHARED + FW_GLB_GROUP_STRIDE), ==, stride);
    g_assert_cmphex(fw_read(qts, FW_SHARED + FW_GLB_PERFCNT_SIZE), ==, 0);
    g_assert_cmphex(fw_read(qts, FW_SHARED + FW_GLB_INSTR_FEATURES), ==, 0x71);

    for (int i = 0; i < 8; i++) {
        uint32_t csg = FW_SHARED + 0x1000 + i * stride;

        g_assert_cmphex(fw_read(qts, csg + 0x00), ==, 0);
        g_assert_cmphex(fw_read(qts, csg + 0x04), ==, 0x04003000 + i * 0x80);
        g_assert_cmphex(fw_read(qts, csg + 0x08), ==, 0x04007000 + i * 0x40);
        /* The driver wants them alike, and refuses groups when one is 0 */
        g_assert_cmphex(fw_read(qts, csg + 0x0c), !=, 0);
        g_assert_cmphex(fw_read(qts, csg + 0x0c), ==,
                        fw_read(qts, FW_SHARED + 0x1000 + 0x0c));
        g_assert_cmphex(fw_read(qts, csg + 0x10), !=, 0);
        g_assert_cmphex(fw_read(qts, csg + 0x10), ==,
                        fw_read(qts, FW_SHARED + 0x1000 + 0x10));
        g_assert_cmphex(fw_read(qts, csg + 0x14), ==, 8);
        g_assert_cmphex(fw_read(qts, csg + 0x18), ==, 0xc);
        for (int j = 0; j < 8; j++) {
            uint32_t cs = csg + 0x40 + j * 0xc;

            g_assert_cmphex(fw_read(qts, cs + 0x0), ==, 0x0007085f);
            g_assert_cmphex(fw_read(qts, cs + 0x4), ==,
                            0x04003400 + (8 * i + j) * 0x80);
            g_assert_cmphex(fw_read(qts, cs + 0x8), ==,
                            0x04007200 + (8 * i + j) * 0x100);
        }
    }
    /* The firmware's blocks begin empty; the host's belong to the host */
    for (uint32_t va = 0x04006000; va < 0x0400b200; va += 4) {
        g_assert_cmphex(fw_read(qts, va), ==, 0);
    }
    for (uint32_t va = 0x04002010; va < 0x04005400; va += 4) {
        g_assert_cmphex(fw_read(qts, va), ==, 0xa5a5a5a5);
    }
    for (uint32_t va = 0x0400c000; va < 0x04010000; va += 4) {
        g_assert_cmphex(fw_read(qts, va), ==, 0xa5a5a5a5);
    }
    qtest_quit(qts);
}

/* Claims bytes of the section; each may be claimed once */
static void claim(uint8_t *used, uint32_t va, uint32_t size)
{
    uint32_t at = va - FW_SHARED;

    g_assert_cmphex(va % 8, ==, 0);
    g_assert_cmphex(va, >=, FW_SHARED);
    g_assert_cmphex(at + size, <=, SECTION_MAX);
    for (uint32_t i = 0; i < size; i++) {
        g_assert_cmpint(used[at + i]++, ==, 0);
    }
}

static void check_layout(uint32_t csgs, uint32_t css)
{
    g_autofree char *props = g_strdup_printf("csg-slots=%u,cs-slots=%u", csgs,
                                             css);
    g_autofree uint8_t *section = g_malloc(SECTION_MAX);
    g_autofree uint8_t *used = g_malloc0(SECTION_MAX);
    QTestState *qts = gpu_start(props);
    uint32_t stride, size = 0;

    fw_prepare(qts, SECTION_MAX);
    fw_boot(qts, NS_COLD_BOOT);
    qtest_memread(qts, RAM_SECTION, section, SECTION_MAX);

    g_assert_cmpuint(ldl_le_p(section + FW_GLB_GROUP_NUM), ==, csgs);
    stride = ldl_le_p(section + FW_GLB_GROUP_STRIDE);
    g_assert_cmphex(stride % 4, ==, 0);
    g_assert_cmphex(stride, >=, 0x40 + css * 0xc);
    claim(used, FW_SHARED, 0x20);
    claim(used, ldl_le_p(section + FW_GLB_INPUT_VA), 0x88);
    claim(used, ldl_le_p(section + FW_GLB_OUTPUT_VA), 0x20);
    for (int i = 0; i < csgs; i++) {
        const uint8_t *csg = section + 0x1000 + i * stride;

        size = 0x40 + css * 0xc;
        for (int b = 0; b < size; b++) {
            g_assert_cmpint(used[csg - section + b]++, ==, 0);
        }
        claim(used, ldl_le_p(csg + 0x04), 0x58);
        claim(used, ldl_le_p(csg + 0x08), 0x20);
        g_assert_cmpuint(ldl_le_p(csg + 0x0c), !=, 0);
        g_assert_cmpuint(ldl_le_p(csg + 0x10), !=, 0);
        g_assert_cmpuint(ldl_le_p(csg + 0x14), ==, css);
        g_assert_cmpuint(ldl_le_p(csg + 0x18), ==, 0xc);
        for (int j = 0; j < css; j++) {
            const uint8_t *cs = csg + 0x40 + j * 0xc;

            g_assert_cmphex(ldl_le_p(cs), ==, 0x0007085f);
            claim(used, ldl_le_p(cs + 4), 0x58);
            claim(used, ldl_le_p(cs + 8), 0xd8);
        }
    }
    qtest_quit(qts);
}

static void test_layout_of_slots(void)
{
    check_layout(3, 8);
    check_layout(8, 8);
    check_layout(5, 9);
    check_layout(16, 8);
    check_layout(8, 32);
    check_layout(31, 32);
}

static void test_version(void)
{
    static const struct { const char *props; uint32_t version; } cases[] = {
        { "fw-iface=1.5.0", 0x01050000 },
        { "fw-iface=3.13.0", 0x030d0000 },
        { "fw-iface=4.1.7", 0x04010007 },
    };

    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        QTestState *qts = fw_start(cases[i].props);

        g_assert_cmphex(fw_read(qts, FW_SHARED), ==, cases[i].version);
        qtest_quit(qts);
    }
}

/* --- Global requests --- */

static void test_ping(void)
{
    QTestState *qts = fw_start("");

    fw_write(qts, FW_ACK_IRQ_MASK, GLB_PING);
    for (int i = 0; i < 4; i++) {
        uint32_t req = fw_read(qts, FW_REQ) ^ GLB_PING;

        fw_write(qts, FW_REQ, req);
        gpu_write(qts, DOORBELL(0), 1);
        qtest_clock_step(qts, NS_REQUEST - 1);
        g_assert_cmphex(fw_read(qts, FW_ACK), ==, req ^ GLB_PING);
        g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, 0);
        qtest_clock_step(qts, 1);
        g_assert_cmphex(fw_read(qts, FW_ACK), ==, req);
        g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, JOB_GLB);
        gpu_write(qts, JOB_INT + CLEAR, JOB_GLB);
        qtest_clock_step(qts, NS_LONG);
        g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, 0);
    }
    qtest_quit(qts);
}

/* All that panthor_fw_init_global_iface() asks for, at once and one by one */
static void test_configuration(void)
{
    const uint32_t all = GLB_CFG_PROGRESS_TIMER | GLB_CFG_ALLOC_EN |
                         GLB_CFG_POWEROFF_TIMER | GLB_COUNTER_EN | GLB_IDLE_EN;
    QTestState *qts = fw_start("");
    uint32_t req = all;

    fw_write(qts, FW_CORE_EN_MASK, 0x50005);
    fw_write(qts, FW_POWEROFF_TIMER, 610);
    fw_write(qts, FW_IDLE_TIMER, 48);
    fw_write(qts, FW_PROGRESS_TIMER, 2560000);
    fw_write(qts, FW_ACK_IRQ_MASK, 0x0400010e);
    fw_request(qts, all);
    g_assert_cmphex(fw_read(qts, FW_ACK), ==, all);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, JOB_GLB);
    for (int bit = 0; bit < 32; bit++) {
        if (all & BIT(bit)) {
            req ^= BIT(bit);
            fw_request(qts, req);
            g_assert_cmphex(fw_read(qts, FW_ACK), ==, req);
        }
    }
    qtest_quit(qts);
}

/*
 * All bits but the halt and the events are mirrored, known or not; each
 * interrupt would bring another doorbell otherwise (contract 3.5).
 */
static void test_mirror(void)
{
    const uint32_t bits = 0x300f07fe;
    QTestState *qts = fw_start("");

    fw_request(qts, bits);
    g_assert_cmphex(fw_read(qts, FW_ACK), ==, bits);
    fw_request(qts, 0);
    g_assert_cmphex(fw_read(qts, FW_ACK), ==, 0);
    /* The event is the firmware's to flip */
    fw_request(qts, GLB_IDLE_EVENT);
    g_assert_cmphex(fw_read(qts, FW_ACK) & GLB_IDLE_EVENT, ==, 0);
    qtest_quit(qts);
}

static void test_irq_mask(void)
{
    QTestState *qts = fw_start("");

    fw_request(qts, GLB_PING);
    g_assert_cmphex(fw_read(qts, FW_ACK), ==, GLB_PING);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, 0);

    fw_write(qts, FW_ACK_IRQ_MASK, GLB_CFG_ALLOC_EN);
    fw_request(qts, 0);
    g_assert_cmphex(fw_read(qts, FW_ACK), ==, 0);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, 0);

    fw_request(qts, GLB_CFG_ALLOC_EN | GLB_PING);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, JOB_GLB);
    gpu_write(qts, JOB_INT + CLEAR, JOB_GLB);

    /* A bit that is acknowledged already does not count */
    fw_request(qts, GLB_CFG_ALLOC_EN);
    g_assert_cmphex(fw_read(qts, FW_ACK), ==, GLB_CFG_ALLOC_EN);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, 0);
    qtest_quit(qts);
}

static void test_counter(void)
{
    QTestState *qts = fw_start("");
    uint64_t count;

    fw_request(qts, GLB_COUNTER_EN);
    qtest_clock_step(qts, 1000000);
    count = gpu_read64(qts, CYCLE_COUNT);
    g_assert_cmpuint(count, ==, 500000);
    /* Another request leaves it running, a stop of the firmware does not */
    fw_request(qts, GLB_COUNTER_EN | GLB_PING);
    g_assert_cmpuint(gpu_read64(qts, CYCLE_COUNT), >, count);
    gpu_write(qts, MCU_CONTROL, MCU_DISABLE);
    qtest_clock_step(qts, NS_MCU_STOP);
    count = gpu_read64(qts, CYCLE_COUNT);
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmpuint(gpu_read64(qts, CYCLE_COUNT), ==, count);
    qtest_quit(qts);
}

/* --- Doorbells --- */

/* Without anything new a doorbell is nothing (contract 3.5) */
static void test_bare_doorbells(void)
{
    QTestState *qts = fw_start("");
    g_autofree uint8_t *before = g_malloc(FW_SHARED_SIZE);
    g_autofree uint8_t *after = g_malloc(FW_SHARED_SIZE);

    fw_write(qts, FW_ACK_IRQ_MASK, UINT32_MAX);
    fw_request(qts, GLB_PING | GLB_IDLE_EN);
    gpu_write(qts, JOB_INT + CLEAR, UINT32_MAX);
    qtest_memread(qts, RAM_SECTION, before, FW_SHARED_SIZE);
    for (int i = 0; i < 24; i++) {
        gpu_write(qts, DOORBELL(i), i);
        g_assert_cmphex(gpu_read(qts, DOORBELL(i)), ==, 0);
        qtest_clock_step(qts, i % 2 ? NS_REQUEST : 1);
    }
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, 0);
    g_assert_cmphex(gpu_read(qts, MMU_INT + RAWSTAT) & 0xffff, ==, 0);
    qtest_memread(qts, RAM_SECTION, after, FW_SHARED_SIZE);
    g_assert_cmpmem(before, FW_SHARED_SIZE, after, FW_SHARED_SIZE);
    qtest_quit(qts);
}

/* Doorbells of groups are copied to their acknowledgement */
static void test_group_doorbells(void)
{
    QTestState *qts = fw_start("");

    fw_write(qts, FW_DOORBELL_REQ, 0x15);
    fw_request(qts, 0);
    g_assert_cmphex(fw_read(qts, FW_DOORBELL_ACK), ==, 0x15);
    fw_write(qts, FW_DOORBELL_REQ, 0x01);
    fw_request(qts, GLB_PING);
    g_assert_cmphex(fw_read(qts, FW_DOORBELL_ACK), ==, 0x01);
    g_assert_cmphex(fw_read(qts, FW_ACK), ==, GLB_PING);
    qtest_quit(qts);
}

static void check_deaf(QTestState *qts)
{
    fw_write(qts, FW_ACK_IRQ_MASK, UINT32_MAX);
    fw_write(qts, FW_REQ, fw_read(qts, FW_REQ) ^ GLB_PING);
    gpu_write(qts, DOORBELL(0), 1);
    qtest_clock_step(qts, NS_REQUEST);
    g_assert_cmphex(fw_read(qts, FW_ACK), ==, 0);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, 0);
}

/* Nobody listens before a boot, during it, after a halt and after a stop */
static void test_doorbell_unheard(void)
{
    QTestState *qts = gpu_start("");
    uint32_t status;

    fw_prepare(qts, FW_SHARED_SIZE);
    check_deaf(qts);
    gpu_write(qts, MCU_CONTROL, MCU_AUTO);
    check_deaf(qts);
    gpu_write(qts, MCU_CONTROL, MCU_DISABLE);
    qtest_clock_step(qts, NS_MCU_STOP);
    fw_write(qts, FW_REQ, 0);
    fw_boot(qts, NS_COLD_BOOT);
    fw_halt(qts);
    check_deaf(qts);
    status = gpu_read(qts, MCU_STATUS);
    g_assert_cmphex(status, ==, MCU_HALT);
    gpu_write(qts, MCU_CONTROL, MCU_DISABLE);
    check_deaf(qts);
    qtest_clock_step(qts, NS_MCU_STOP);
    check_deaf(qts);
    qtest_quit(qts);
}

/* --- Halt --- */

static void test_halt(void)
{
    QTestState *qts = fw_start("");

    fw_write(qts, FW_ACK_IRQ_MASK, UINT32_MAX);
    gpu_write(qts, GPU_INT + CLEAR, UINT32_MAX);
    fw_request(qts, GLB_HALT);
    qtest_clock_step(qts, NS_HALT - 1);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_ENABLED);
    qtest_clock_step(qts, 1);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_HALT);
    g_assert_cmphex(gpu_read(qts, GPU_INT + RAWSTAT), ==, IRQ_MCU_STATUS);
    /* It is not acknowledged otherwise */
    g_assert_cmphex(fw_read(qts, FW_ACK), ==, 0);
    g_assert_cmphex(fw_read(qts, FW_HALT_STATUS), ==, 0);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, 0);
    qtest_quit(qts);
}

/* A doorbell after the request does not put the halt off */
static void test_halt_under_doorbells(void)
{
    QTestState *qts = fw_start("");

    fw_request(qts, GLB_HALT);
    for (int i = 0; i < 4; i++) {
        qtest_clock_step(qts, NS_HALT / 4);
        gpu_write(qts, DOORBELL(0), 1);
    }
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_HALT);
    qtest_quit(qts);
}

static void power_l2_off(QTestState *qts)
{
    gpu_write64(qts, PWR_OFF + DOMAIN_L2, 1);
}

static void soft_reset(QTestState *qts)
{
    gpu_write(qts, GPU_CMD, CMD_SOFT_RESET);
}

/*
 * Suspend and resume of the driver: the memory is as it was left, whichever
 * way @gpu_suspend takes the GPU down.
 */
static void check_warm_boot(void (*gpu_suspend)(QTestState *qts))
{
    QTestState *qts = gpu_start("");
    PageTables pt = fw_prepare(qts, FW_SHARED_SIZE);
    g_autofree uint8_t *before = g_malloc(FW_SHARED_SIZE);
    g_autofree uint8_t *after = g_malloc(FW_SHARED_SIZE);
    const uint32_t req = GLB_PING | GLB_CFG_ALLOC_EN | GLB_IDLE_EN;

    fw_boot(qts, NS_COLD_BOOT);
    fw_write(qts, FW_ACK_IRQ_MASK, UINT32_MAX);
    fw_write(qts, FW_DOORBELL_REQ, 0xff);
    fw_request(qts, req);
    gpu_write(qts, JOB_INT + CLEAR, UINT32_MAX);
    fw_halt(qts);

    gpu_write(qts, JOB_INT + MASK, 0);
    gpu_write(qts, MCU_CONTROL, MCU_DISABLE);
    qtest_clock_step(qts, NS_MCU_STOP);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_DISABLED);
    gpu_write(qts, GPU_CMD, CMD_FLUSH);
    qtest_clock_step(qts, NS_FLUSH);
    gpu_as_config(qts, 0, 0, 0, TRANSCFG_UNMAPPED);
    gpu_suspend(qts);
    qtest_clock_step(qts, NS_LONG);

    gpu_power_on(qts, DOMAIN_L2);
    gpu_as_config(qts, 0, pt.root, MEMATTR_COHERENT, TRANSCFG_48);
    fw_write(qts, FW_REQ, req);
    qtest_memread(qts, RAM_SECTION, before, FW_SHARED_SIZE);
    gpu_write(qts, JOB_INT + CLEAR, UINT32_MAX);
    gpu_write(qts, JOB_INT + MASK, UINT32_MAX);
    gpu_write(qts, MCU_CONTROL, MCU_AUTO);
    qtest_clock_step(qts, NS_WARM_BOOT - 1);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_DISABLED);
    qtest_clock_step(qts, 1);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_ENABLED);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, JOB_GLB);

    /* No event out of nowhere, now or later */
    gpu_write(qts, JOB_INT + CLEAR, UINT32_MAX);
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, 0);
    qtest_memread(qts, RAM_SECTION, after, FW_SHARED_SIZE);
    g_assert_cmpmem(before, FW_SHARED_SIZE, after, FW_SHARED_SIZE);

    /* Requests relative to what was acknowledged before */
    fw_request(qts, req ^ GLB_PING);
    g_assert_cmphex(fw_read(qts, FW_ACK), ==, req ^ GLB_PING);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, JOB_GLB);
    qtest_quit(qts);
}

/* panthor_gpu_suspend() of 7.3 */
static void test_warm_boot(void)
{
    check_warm_boot(power_l2_off);
}

/*
 * The same of 6.12, which counts on a fast boot after it
 * (panthor_fw_post_reset): that the firmware was halted is in its memory.
 */
static void test_warm_boot_after_reset(void)
{
    check_warm_boot(soft_reset);
}

/* A halt request that was never taken back is one at the next boot too */
static void test_halt_left_set(void)
{
    QTestState *qts = fw_start("");

    fw_halt(qts);
    gpu_write(qts, MCU_CONTROL, MCU_DISABLE);
    qtest_clock_step(qts, NS_MCU_STOP);
    fw_boot(qts, NS_WARM_BOOT);
    qtest_clock_step(qts, NS_HALT);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_HALT);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, 0);
    qtest_quit(qts);
}

/* A firmware that died while it halted did not halt */
static void test_fault_while_halting(void)
{
    QTestState *qts = gpu_start("");
    PageTables pt = fw_prepare(qts, FW_SHARED_SIZE);

    fw_boot(qts, NS_COLD_BOOT);
    fw_request(qts, GLB_HALT);
    pt_set(&pt, FW_INPUT, 3, 0);
    gpu_as_changed(qts, 0);
    gpu_write(qts, DOORBELL(0), 1);
    qtest_clock_step(qts, NS_REQUEST);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_FATAL);
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_FATAL);
    qtest_quit(qts);
}

/*
 * The hang reset of panthor_device_reset_work(): the firmware never halted, and
 * everything is loaded anew.
 */
static void test_hang_reset(void)
{
    QTestState *qts = fw_start("");

    fw_request(qts, GLB_PING);
    gpu_write(qts, MCU_CONTROL, MCU_DISABLE);
    gpu_write(qts, GPU_CMD, CMD_SOFT_RESET);
    qtest_clock_step(qts, NS_RESET);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_DISABLED);

    qtest_memset(qts, RAM_SECTION, 0, FW_SHARED_SIZE);
    fw_prepare(qts, FW_SHARED_SIZE);
    gpu_write(qts, MCU_CONTROL, MCU_AUTO);
    qtest_clock_step(qts, NS_COLD_BOOT - 1);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_DISABLED);
    qtest_clock_step(qts, 1);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_ENABLED);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, JOB_GLB);
    g_assert_cmphex(fw_read(qts, FW_ACK), ==, 0);
    qtest_quit(qts);
}

/* With the whole machine, the memory of a halt is gone too */
static void test_system_reset_after_halt(void)
{
    QTestState *qts = fw_start("");

    fw_halt(qts);
    qtest_system_reset(qts);
    fw_prepare(qts, FW_SHARED_SIZE);
    fw_write(qts, FW_REQ, 0);
    gpu_write(qts, MCU_CONTROL, MCU_AUTO);
    qtest_clock_step(qts, NS_COLD_BOOT - 1);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_DISABLED);
    qtest_clock_step(qts, 1);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_ENABLED);
    qtest_quit(qts);
}

/* --- Interface 4.1 and later: a STATE field instead of the HALT bit --- */

static void check_state(const char *props, uint32_t state)
{
    QTestState *qts = fw_start(props);

    fw_write(qts, FW_ACK_IRQ_MASK, GLB_STATE(7));
    fw_request(qts, GLB_STATE(state));
    qtest_clock_step(qts, NS_HALT);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_HALT);
    g_assert_cmphex(fw_read(qts, FW_ACK), ==, GLB_STATE(state));
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, JOB_GLB);

    /* And back to ACTIVE, which a boot acknowledges */
    gpu_write(qts, MCU_CONTROL, MCU_DISABLE);
    qtest_clock_step(qts, NS_MCU_STOP);
    fw_write(qts, FW_REQ, GLB_STATE(0));
    gpu_write(qts, JOB_INT + CLEAR, UINT32_MAX);
    gpu_write(qts, MCU_CONTROL, MCU_AUTO);
    qtest_clock_step(qts, NS_WARM_BOOT + NS_REQUEST);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_ENABLED);
    g_assert_cmphex(fw_read(qts, FW_ACK), ==, GLB_STATE(0));
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_ENABLED);
    qtest_quit(qts);
}

static void test_state_field(void)
{
    QTestState *qts;

    for (uint32_t state = 1; state <= 3; state++) {
        check_state("fw-iface=4.1.0", state);
    }
    check_state("fw-iface=5.0.0", 1);

    /* Bit 0 asks for nothing there */
    qts = fw_start("fw-iface=4.1.0");
    fw_request(qts, GLB_HALT | GLB_PING);
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_ENABLED);
    g_assert_cmphex(fw_read(qts, FW_ACK) & GLB_PING, ==, GLB_PING);
    qtest_quit(qts);

    /* The one before knows the bit only */
    qts = fw_start("fw-iface=4.0.65535");
    fw_halt(qts);
    g_assert_cmphex(fw_read(qts, FW_ACK), ==, 0);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    qtest_add_func("mali-csf/fw/boot/cold", test_boot);
    qtest_add_func("mali-csf/fw/boot/without-l2", test_boot_without_l2);
    qtest_add_func("mali-csf/fw/boot/unmapped", test_boot_unmapped);
    qtest_add_func("mali-csf/fw/boot/read-only", test_boot_read_only);
    qtest_add_func("mali-csf/fw/boot/small-section", test_boot_small_section);
    qtest_add_func("mali-csf/fw/control/values", test_control);
    qtest_add_func("mali-csf/fw/control/changes-mind",
                   test_control_changes_mind);
    qtest_add_func("mali-csf/fw/control/stop-without-halt",
                   test_control_stop_without_halt);
    qtest_add_func("mali-csf/fw/layout/g610", test_layout);
    qtest_add_func("mali-csf/fw/layout/of-slots", test_layout_of_slots);
    qtest_add_func("mali-csf/fw/version", test_version);
    qtest_add_func("mali-csf/fw/ping", test_ping);
    qtest_add_func("mali-csf/fw/configuration", test_configuration);
    qtest_add_func("mali-csf/fw/mirror", test_mirror);
    qtest_add_func("mali-csf/fw/irq-mask", test_irq_mask);
    qtest_add_func("mali-csf/fw/counter", test_counter);
    qtest_add_func("mali-csf/fw/doorbell/bare", test_bare_doorbells);
    qtest_add_func("mali-csf/fw/doorbell/groups", test_group_doorbells);
    qtest_add_func("mali-csf/fw/doorbell/unheard", test_doorbell_unheard);
    qtest_add_func("mali-csf/fw/halt/status", test_halt);
    qtest_add_func("mali-csf/fw/halt/under-doorbells",
                   test_halt_under_doorbells);
    qtest_add_func("mali-csf/fw/halt/warm-boot", test_warm_boot);
    qtest_add_func("mali-csf/fw/halt/warm-boot-after-reset",
                   test_warm_boot_after_reset);
    qtest_add_func("mali-csf/fw/halt/left-set", test_halt_left_set);
    qtest_add_func("mali-csf/fw/halt/fault", test_fault_while_halting);
    qtest_add_func("mali-csf/fw/halt/system-reset",
                   test_system_reset_after_halt);
    qtest_add_func("mali-csf/fw/hang-reset", test_hang_reset);
    qtest_add_func("mali-csf/fw/state-field", test_state_field);

    return g_test_run();
}
