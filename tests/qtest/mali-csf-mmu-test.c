/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU: address spaces
 *
 * Registers, commands, the locked region and faults.  The microcontroller's
 * accesses to its shared section, through address space 0, show what a
 * translation comes to.
 */

#include "qemu/osdep.h"
#include "mali-csf-util.h"

#define NUM_AS                  8

#define ACCESS_READ             2
#define ACCESS_WRITE            3

static const uint32_t rw64[] = {
    AS_TRANSTAB, AS_MEMATTR, AS_LOCKADDR, AS_TRANSCFG,
};

/* --- Registers --- */

static void test_registers(void)
{
    static const uint32_t ro[] = {
        AS_COMMAND, AS_FAULTSTATUS, AS_FAULTADDRESS, AS_FAULTADDRESS + 4,
        AS_STATUS, AS_FAULTEXTRA, AS_FAULTEXTRA + 4,
    };
    QTestState *qts = gpu_start("");

    for (int as = 0; as < NUM_AS; as++) {
        for (int i = 0; i < ARRAY_SIZE(ro); i++) {
            g_assert_cmphex(gpu_read(qts, AS(as) + ro[i]), ==, 0);
            if (ro[i] != AS_COMMAND) {
                gpu_write(qts, AS(as) + ro[i], UINT32_MAX);
                g_assert_cmphex(gpu_read(qts, AS(as) + ro[i]), ==, 0);
            }
        }
        for (int i = 0; i < ARRAY_SIZE(rw64); i++) {
            gpu_write64(qts, AS(as) + rw64[i], 0x1111111111111111 * (as + 1));
        }
    }
    /* Each bank has its own, and each half is written alone */
    for (int as = 0; as < NUM_AS; as++) {
        uint64_t val = 0x1111111111111111 * (as + 1);

        for (int i = 0; i < ARRAY_SIZE(rw64); i++) {
            uint32_t reg = AS(as) + rw64[i];

            g_assert_cmphex(gpu_read64(qts, reg), ==, val);
            gpu_write(qts, reg + 4, 0xa5a5a5a5);
            g_assert_cmphex(gpu_read64(qts, reg), ==,
                            0xa5a5a5a500000000 | (uint32_t)val);
            gpu_write(qts, reg, 0x5a5a5a5a);
            g_assert_cmphex(gpu_read64(qts, reg), ==, 0xa5a5a5a55a5a5a5a);
        }
    }
    qtest_quit(qts);
}

static void test_banks(void)
{
    QTestState *qts = gpu_start("as-count=4");

    for (int as = 4; as < 16; as++) {
        for (uint32_t o = 0; o < 0x40; o += 4) {
            gpu_write(qts, AS(as) + o, 1);
            g_assert_cmphex(gpu_read(qts, AS(as) + o), ==, 0);
        }
    }
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmphex(gpu_read(qts, MMU_INT + RAWSTAT), ==, 0);
    qtest_quit(qts);

    qts = gpu_start("as-count=16");
    g_assert_cmphex(gpu_read(qts, AS_PRESENT), ==, 0xffff);
    gpu_write64(qts, AS(15) + AS_TRANSTAB, 0x123456789000);
    g_assert_cmphex(gpu_read64(qts, 0x27c0), ==, 0x123456789000);
    gpu_as_command(qts, 15, CMD_UPDATE);
    g_assert_cmphex(gpu_read(qts, MMU_INT + RAWSTAT), ==, BIT(31));
    qtest_quit(qts);
}

/* --- Commands --- */

static void test_commands(void)
{
    QTestState *qts = gpu_start("");

    for (int as = 0; as < NUM_AS; as++) {
        for (uint32_t cmd = CMD_UPDATE; cmd <= CMD_FLUSH_MEM; cmd++) {
            gpu_write(qts, MMU_INT + CLEAR, UINT32_MAX);
            gpu_write(qts, AS(as) + AS_COMMAND, cmd);
            for (int i = 0; i < NUM_AS; i++) {
                g_assert_cmphex(gpu_read(qts, AS(i) + AS_STATUS), ==, i == as);
            }
            qtest_clock_step(qts, NS_AS_COMMAND - 1);
            g_assert_cmphex(gpu_read(qts, AS(as) + AS_STATUS), ==, 1);
            g_assert_cmphex(gpu_read(qts, MMU_INT + RAWSTAT), ==, 0);
            qtest_clock_step(qts, 1);
            g_assert_cmphex(gpu_read(qts, AS(as) + AS_STATUS), ==, 0);
            g_assert_cmphex(gpu_read(qts, MMU_INT + RAWSTAT), ==,
                            BIT(16 + as));
        }
    }
    /* NOP, and what is no command, have nothing to complete */
    gpu_write(qts, MMU_INT + CLEAR, UINT32_MAX);
    for (int i = 0; i < 2; i++) {
        gpu_write(qts, AS(1) + AS_COMMAND, i ? 0xff : 0);
        g_assert_cmphex(gpu_read(qts, AS(1) + AS_STATUS), ==, 0);
        qtest_clock_step(qts, NS_LONG);
        g_assert_cmphex(gpu_read(qts, MMU_INT + RAWSTAT), ==, 0);
    }
    qtest_quit(qts);
}

/* Address spaces work at the same time */
static void test_commands_overlap(void)
{
    QTestState *qts = gpu_start("");

    for (int as = 0; as < NUM_AS; as++) {
        gpu_write(qts, AS(as) + AS_COMMAND, CMD_UPDATE);
        qtest_clock_step(qts, NS_AS_COMMAND / NUM_AS);
    }
    for (int as = 0; as < NUM_AS; as++) {
        g_assert_cmphex(gpu_read(qts, AS(as) + AS_STATUS), ==, as != 0);
    }
    qtest_clock_step(qts, NS_AS_COMMAND);
    g_assert_cmphex(gpu_read(qts, MMU_INT + RAWSTAT), ==, 0xff0000);
    qtest_quit(qts);
}

/* --- Boots that stall, or do not --- */

static void boot_stalls(QTestState *qts)
{
    gpu_write(qts, MCU_CONTROL, MCU_AUTO);
    qtest_clock_step(qts, 10 * NS_COLD_BOOT);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_DISABLED);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, 0);
    g_assert_cmphex(gpu_read(qts, MMU_INT + RAWSTAT) & 0xffff, ==, 0);
    g_assert_cmphex(gpu_read(qts, AS(0) + AS_FAULTSTATUS), ==, 0);
}

static void boot_goes_on(QTestState *qts)
{
    qtest_clock_step(qts, NS_STALL);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_ENABLED);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, JOB_GLB);
    g_assert_cmphex(gpu_read(qts, MMU_INT + RAWSTAT) & 0xffff, ==, 0);
}

static QTestState *start_unbooted(void)
{
    QTestState *qts = gpu_start("");

    fw_prepare(qts, FW_SHARED_SIZE);
    return qts;
}

/* The shared section's blocks are at 0x04000000..0x0400b1ff */
static void test_lockaddr(void)
{
    static const struct {
        uint64_t lockaddr;
        bool stalls;
    } cases[] = {
        /* Both ends of a region of the least size, and the next ones */
        { 0x0400000e, true }, { 0x03ff800e, false },
        { 0x0400800e, true }, { 0x0401000e, false },
        /* 32 KiB at 0x100000 */
        { 0x0010000e, false },
        /* 64 MiB and 128 MiB */
        { 0x00000019, false }, { 0x04000019, true },
        { 0x0000001a, true }, { 0x0800001a, false },
        /* 8 GiB: beyond 32 bits */
        { 0x000000020, true }, { 0x200000020, false },
        /* Half of the address space, and all of it */
        { 0x000000000000002e, true }, { 0x000080000000002e, false },
        { 0x000000000000002f, true }, { 0x0000800004000036, true },
        /* Bits below the size do not count, nor do sizes below 32 KiB */
        { 0x0400100e, true }, { 0x0400c00b, true }, { 0x04007fc0, true },
    };

    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        QTestState *qts = start_unbooted();

        g_test_message("LOCKADDR 0x%" PRIx64, cases[i].lockaddr);
        gpu_write64(qts, AS(0) + AS_LOCKADDR, cases[i].lockaddr);
        gpu_as_command(qts, 0, CMD_LOCK);
        if (cases[i].stalls) {
            boot_stalls(qts);
            gpu_as_command(qts, 0, CMD_UNLOCK);
            boot_goes_on(qts);
        } else {
            fw_boot(qts, NS_COLD_BOOT);
        }
        qtest_quit(qts);
    }
}

/* A second, wider LOCK without an UNLOCK between; one UNLOCK ends both */
static void test_wider_lock(void)
{
    QTestState *qts = start_unbooted();

    gpu_as_lock(qts, 0, 0x05000000, 15);
    gpu_as_lock(qts, 0, 0x04000000, 26);
    boot_stalls(qts);
    gpu_as_command(qts, 0, CMD_UNLOCK);
    boot_goes_on(qts);
    qtest_quit(qts);
}

/* FLUSH_PT and FLUSH_MEM end an update as UNLOCK does; the others do not */
static void test_end_of_lock(void)
{
    static const uint32_t ends[] = { CMD_UNLOCK, CMD_FLUSH_PT, CMD_FLUSH_MEM };

    for (int i = 0; i < ARRAY_SIZE(ends); i++) {
        QTestState *qts = start_unbooted();

        gpu_as_lock(qts, 0, FW_SHARED, 26);
        boot_stalls(qts);
        gpu_as_lock(qts, 1, 0, 48);
        gpu_as_command(qts, 1, ends[i]);
        gpu_write(qts, GPU_CMD, CMD_FLUSH);
        qtest_clock_step(qts, NS_FLUSH);
        boot_stalls(qts);
        gpu_as_command(qts, 0, ends[i]);
        boot_goes_on(qts);
        qtest_quit(qts);
    }
}

static void test_unlock_without_lock(void)
{
    QTestState *qts = start_unbooted();

    gpu_as_command(qts, 0, CMD_UNLOCK);
    fw_boot(qts, NS_COLD_BOOT);
    gpu_as_command(qts, 0, CMD_UNLOCK);
    fw_request(qts, GLB_PING);
    g_assert_cmphex(fw_read(qts, FW_ACK), ==, GLB_PING);
    qtest_quit(qts);
}

/* A lock of another address space concerns nobody else */
static void test_lock_of_another(void)
{
    QTestState *qts = start_unbooted();

    for (int as = 1; as < NUM_AS; as++) {
        gpu_as_lock(qts, as, 0, 48);
    }
    fw_boot(qts, NS_COLD_BOOT);
    qtest_quit(qts);
}

/* While a command is under way another is ignored, and so is LOCKADDR */
static void test_command_while_active(void)
{
    QTestState *qts = start_unbooted();

    gpu_write64(qts, AS(0) + AS_LOCKADDR, FW_SHARED | 14);
    gpu_write(qts, AS(0) + AS_COMMAND, CMD_LOCK);
    qtest_clock_step(qts, NS_AS_COMMAND / 2);
    gpu_write(qts, AS(0) + AS_COMMAND, CMD_UNLOCK);
    gpu_write64(qts, AS(0) + AS_LOCKADDR, 0x10000000 | 14);
    qtest_clock_step(qts, NS_AS_COMMAND / 2);
    g_assert_cmphex(gpu_read(qts, AS(0) + AS_STATUS), ==, 0);
    boot_stalls(qts);
    qtest_quit(qts);
}

/*
 * A request that meets a lock waits, and is then served through the tables as
 * they have become: what the driver released by UNLOCK is not touched.
 */
static void test_request_across_lock(void)
{
    QTestState *qts = gpu_start("");
    PageTables pt = fw_prepare(qts, FW_SHARED_SIZE);
    g_autofree uint8_t *section = g_malloc(FW_SHARED_SIZE);

    fw_boot(qts, NS_COLD_BOOT);
    fw_write(qts, FW_REQ, GLB_PING);
    fw_write(qts, FW_ACK_IRQ_MASK, UINT32_MAX);
    gpu_as_lock(qts, 0, FW_SHARED, 16);
    gpu_write(qts, DOORBELL(0), 1);
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmphex(fw_read(qts, FW_ACK), ==, 0);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, 0);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_ENABLED);

    qtest_memread(qts, RAM_SECTION, section, FW_SHARED_SIZE);
    qtest_memwrite(qts, RAM_SECTION_B, section, FW_SHARED_SIZE);
    pt_map(&pt, FW_SHARED, RAM_SECTION_B, FW_SHARED_SIZE, PTE_LEAF);
    gpu_write(qts, GPU_CMD, CMD_FLUSH);
    qtest_clock_step(qts, NS_FLUSH);
    gpu_as_command(qts, 0, CMD_UNLOCK);
    qtest_clock_step(qts, NS_STALL);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, JOB_GLB);
    g_assert_cmphex(qtest_readl(qts, RAM_SECTION_B + FW_ACK - FW_SHARED), ==,
                    GLB_PING);
    g_assert_cmphex(fw_read(qts, FW_ACK), ==, 0);
    qtest_quit(qts);
}

/* --- UPDATE --- */

/* Registers are in force from UPDATE on, also over a live address space */
static void test_update(void)
{
    QTestState *qts = fw_start("");
    PageTables other = pt_new(qts, RAM_TABLES + 0x100000);
    uint64_t ack_b = RAM_SECTION_B + FW_ACK - FW_SHARED;

    pt_map(&other, FW_SHARED, RAM_SECTION_B, FW_SHARED_SIZE, PTE_LEAF);
    gpu_write64(qts, AS(0) + AS_TRANSTAB, other.root);
    fw_request(qts, GLB_PING);
    g_assert_cmphex(fw_read(qts, FW_ACK), ==, GLB_PING);

    gpu_write(qts, GPU_CMD, CMD_FLUSH);
    qtest_clock_step(qts, NS_FLUSH);
    gpu_as_command(qts, 0, CMD_UPDATE);
    qtest_writel(qts, RAM_SECTION_B + FW_REQ - FW_SHARED, BIT(29));
    fw_request(qts, GLB_PING | BIT(28));
    g_assert_cmphex(qtest_readl(qts, ack_b), ==, BIT(29));
    g_assert_cmphex(fw_read(qts, FW_ACK), ==, GLB_PING);
    qtest_quit(qts);
}

/* --- Translations that work --- */

static void check_version_at(QTestState *qts, uint64_t pa)
{
    fw_boot(qts, NS_COLD_BOOT);
    g_assert_cmphex(qtest_readl(qts, pa), ==, 0x01010000);
    g_assert_cmphex(gpu_read(qts, MMU_INT + RAWSTAT) & 0xffff, ==, 0);
}

static void test_blocks(void)
{
    /* 1 GiB, so that the section is 64 MiB into RAM; and 2 MiB */
    static const struct { int level; uint64_t pa, section; } leaves[] = {
        { 1, 0x40000000, 0x44000000 }, { 2, RAM_SECTION, RAM_SECTION },
    };

    for (int i = 0; i < ARRAY_SIZE(leaves); i++) {
        QTestState *qts = gpu_start("");
        PageTables pt = fw_prepare(qts, FW_SHARED_SIZE);

        pt_set(&pt, FW_SHARED, leaves[i].level,
               leaves[i].pa | PTE_LEAF | PTE_BLOCK);
        gpu_as_changed(qts, 0);
        check_version_at(qts, leaves[i].section);
        qtest_quit(qts);
    }
}

/* Pages of the section that are apart in memory */
static void test_scattered(void)
{
    QTestState *qts = gpu_start("");
    PageTables pt = fw_prepare(qts, FW_SHARED_SIZE);

    pt_set(&pt, FW_SHARED + 0x1000, 3, RAM_SECTION_B | PTE_LEAF | PTE_PAGE);
    gpu_as_changed(qts, 0);
    check_version_at(qts, RAM_SECTION);
    /* Input address of the first group */
    g_assert_cmphex(qtest_readl(qts, RAM_SECTION_B + 4), ==, 0x04003000);
    g_assert_cmphex(fw_read(qts, FW_SHARED + 0x1004), ==, 0);
    qtest_quit(qts);
}

/* As panthor configures a GPU that does not snoop, and one of 39 bits */
static void test_configurations(void)
{
    QTestState *qts = gpu_start("coherent=off");
    PageTables pt = fw_prepare(qts, FW_SHARED_SIZE);

    gpu_as_config(qts, 0, pt.root, 0x4c4c4c4c8c4c8f4c, 0x420001c6);
    check_version_at(qts, RAM_SECTION);
    qtest_quit(qts);

    qts = gpu_start("va-bits=39");
    pt = fw_prepare(qts, FW_SHARED_SIZE);
    gpu_as_config(qts, 0, pt_get(&pt, FW_SHARED, 0) & PTE_ADDR,
                  MEMATTR_COHERENT, 0x62000006 | (55 - 39) << 6);
    check_version_at(qts, RAM_SECTION);
    qtest_quit(qts);
}

/* --- Faults --- */

static void check_fault_latched(QTestState *qts, uint32_t exception,
                                uint32_t access, uint64_t va)
{
    uint32_t status = gpu_read(qts, AS(0) + AS_FAULTSTATUS);

    g_assert_cmphex(status & 0xff, ==, exception);
    g_assert_cmphex(status >> 8 & 3, ==, access);
    g_assert_cmphex(gpu_read64(qts, AS(0) + AS_FAULTADDRESS), ==, va);
    g_assert_cmphex(gpu_read(qts, MMU_INT + RAWSTAT) & 0xffff, ==, 1);
    for (int as = 1; as < NUM_AS; as++) {
        g_assert_cmphex(gpu_read(qts, AS(as) + AS_FAULTSTATUS), ==, 0);
        g_assert_cmphex(gpu_read64(qts, AS(as) + AS_FAULTADDRESS), ==, 0);
    }
    /* The firmware does not survive it, and does not pretend to */
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_FATAL);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, 0);
}

static void check_boot_faults(QTestState *qts, uint32_t exception, uint64_t va)
{
    gpu_write(qts, JOB_INT + CLEAR, UINT32_MAX);
    gpu_write(qts, MCU_CONTROL, MCU_AUTO);
    qtest_clock_step(qts, NS_COLD_BOOT);
    check_fault_latched(qts, exception, ACCESS_WRITE, va);
}

/*
 * A way to break the translation of the first page: the descriptor of @level
 * becomes what it was, without @clear and with @set.
 */
typedef struct FaultCase {
    const char *name;
    int level;
    uint64_t clear;
    uint64_t set;
    uint32_t exception;
} FaultCase;

#define ALL                     UINT64_MAX
/* Attribute 7 of MEMATTR_FAULTY has the type that faults */
#define MEMATTR_FAULTY          (MEMATTR_COHERENT | 0xc000000000000000ULL)
#define FAULTY                  (PTE_LEAF | PTE_ATTR(7))
#define BLOCK_1G                (0x40000000 | PTE_BLOCK)
#define BLOCK_2M                (RAM_SECTION | PTE_BLOCK)
/* A PL011, whose first register it matters to have read */
#define UART                    0x09000000
/* One bit more than the G610's 40 */
#define TOO_HIGH                BIT_ULL(40)

static const FaultCase fault_cases[] = {
    { "translation/0", 0, ALL, 0, 0xc0 },
    { "translation/1", 1, ALL, 0, 0xc1 },
    { "translation/2", 2, ALL, 0, 0xc2 },
    { "translation/3", 3, ALL, 0, 0xc3 },
    { "translation/only-valid-bit-0", 0, PTE_VALID, 0, 0xc0 },
    { "translation/only-valid-bit-3", 3, PTE_VALID, 0, 0xc3 },
    { "translation/block-0", 0, ALL, BLOCK_1G | PTE_LEAF, 0xc0 },
    { "translation/block-3", 3, ALL, BLOCK_2M | PTE_LEAF, 0xc3 },
    { "permission/1", 1, ALL, BLOCK_1G | PTE_LEAF | PTE_READ_ONLY, 0xc9 },
    { "permission/2", 2, ALL, BLOCK_2M | PTE_LEAF | PTE_READ_ONLY, 0xca },
    { "permission/3", 3, 0, PTE_READ_ONLY, 0xcb },
    { "permission/privileged", 3, PTE_UNPRIV, 0, 0xcb },
    { "permission/table", 1, 0, PTE_TABLE_READ_ONLY, 0xcb },
    { "access-flag/1", 1, ALL, BLOCK_1G | (PTE_LEAF & ~PTE_AF), 0xd9 },
    { "access-flag/2", 2, ALL, BLOCK_2M | (PTE_LEAF & ~PTE_AF), 0xda },
    { "access-flag/3", 3, PTE_AF, 0, 0xdb },
    { "address-size/0", 0, 0, TOO_HIGH, 0xe4 },
    { "address-size/1", 1, 0, TOO_HIGH, 0xe5 },
    { "address-size/2", 2, 0, TOO_HIGH, 0xe6 },
    { "address-size/3", 3, 0, TOO_HIGH, 0xe7 },
    { "address-size/block-1", 1, ALL, BLOCK_1G | PTE_LEAF | TOO_HIGH, 0xe5 },
    { "address-size/block-2", 2, ALL, BLOCK_2M | PTE_LEAF | TOO_HIGH, 0xe6 },
    { "attribute/1", 1, ALL, BLOCK_1G | FAULTY, 0xe9 },
    { "attribute/2", 2, ALL, BLOCK_2M | FAULTY, 0xea },
    { "attribute/3", 3, 0, PTE_ATTR(7), 0xeb },
    { "bus/table-1", 0, PTE_ADDR, RAM_NOTHING, 0x80 },
    { "bus/table-2", 1, PTE_ADDR, RAM_NOTHING, 0x80 },
    { "bus/table-3", 2, PTE_ADDR, RAM_NOTHING, 0x80 },
    { "bus/page", 3, PTE_ADDR, RAM_NOTHING, 0x80 },
    /* The GPU's own registers: an access of the GPU to itself is refused */
    { "bus/own-registers", 3, PTE_ADDR, GPU_BASE, 0x80 },
    { "bus/own-registers-as-table", 2, PTE_ADDR, GPU_BASE, 0x80 },
    { "bus/device-as-table", 2, PTE_ADDR, UART, 0x80 },
};

static void test_fault(const void *opaque)
{
    const FaultCase *c = opaque;
    QTestState *qts = gpu_start("");
    PageTables pt = fw_prepare(qts, FW_SHARED_SIZE);
    uint64_t desc = pt_get(&pt, FW_SHARED, c->level);

    gpu_as_config(qts, 0, pt.root, MEMATTR_FAULTY, TRANSCFG_48);
    pt_set(&pt, FW_SHARED, c->level, (desc & ~c->clear) | c->set);
    gpu_as_changed(qts, 0);
    check_boot_faults(qts, c->exception, FW_SHARED);
    qtest_quit(qts);
}

/* Faults that come from the address space's configuration */
static void test_fault_configuration(void)
{
    static const struct {
        uint64_t transtab;      /* 0: the good one */
        uint64_t transcfg;
        uint32_t exception;
    } cases[] = {
        { 0, TRANSCFG_UNMAPPED, 0xc0 },
        { RAM_NOTHING, TRANSCFG_48, 0x80 },
        { TOO_HIGH, TRANSCFG_48, 0xe4 },
        /* 26 bits, of which the section's address is the first beyond */
        { 0, 0x62000006 | (55 - 26) << 6, 0xe0 },
    };

    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        QTestState *qts = gpu_start("");
        PageTables pt = fw_prepare(qts, FW_SHARED_SIZE);

        gpu_as_config(qts, 0, cases[i].transtab ?: pt.root, MEMATTR_COHERENT,
                      cases[i].transcfg);
        check_boot_faults(qts, cases[i].exception, FW_SHARED);
        qtest_quit(qts);
    }
}

/* Switches of TRANSCFG that take a fault away */
static void test_fault_disabled(void)
{
    static const struct {
        uint64_t transcfg;
        int level;
        uint64_t clear, set;
    } cases[] = {
        { BIT_ULL(33), 1, 0, PTE_TABLE_READ_ONLY },
        { BIT_ULL(34), 3, PTE_AF, 0 },
    };

    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        QTestState *qts = gpu_start("");
        PageTables pt = fw_prepare(qts, FW_SHARED_SIZE);
        uint64_t desc = pt_get(&pt, FW_SHARED, cases[i].level);

        pt_set(&pt, FW_SHARED, cases[i].level,
               (desc & ~cases[i].clear) | cases[i].set);
        gpu_as_config(qts, 0, pt.root, MEMATTR_COHERENT,
                      TRANSCFG_48 | cases[i].transcfg);
        check_version_at(qts, RAM_SECTION);
        qtest_quit(qts);
    }
}

/* The address is that of the page that failed, not of the whole transfer */
static void test_fault_in_the_middle(void)
{
    QTestState *qts = gpu_start("");
    PageTables pt = fw_prepare(qts, FW_SHARED_SIZE);

    pt_set(&pt, FW_SHARED + 0x1000, 3, 0);
    gpu_as_changed(qts, 0);
    check_boot_faults(qts, 0xc3, FW_SHARED + 0x1000);
    qtest_quit(qts);
}

/* Faults of a request: of reading the input, and of writing the output */
static void test_fault_of_request(void)
{
    static const struct {
        uint64_t page, clear, set;
        uint32_t exception, access;
    } cases[] = {
        { FW_INPUT, ALL, 0, 0xc3, ACCESS_READ },
        { FW_INPUT, PTE_UNPRIV, 0, 0xcb, ACCESS_READ },
        { FW_INPUT, PTE_AF, 0, 0xdb, ACCESS_READ },
        { FW_INPUT, PTE_ADDR, RAM_NOTHING, 0x80, ACCESS_READ },
        { FW_OUTPUT, 0, PTE_READ_ONLY, 0xcb, ACCESS_WRITE },
    };

    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        QTestState *qts = gpu_start("");
        PageTables pt = fw_prepare(qts, FW_SHARED_SIZE);
        uint64_t desc = pt_get(&pt, cases[i].page, 3);
        uint64_t va;

        fw_boot(qts, NS_COLD_BOOT);
        pt_set(&pt, cases[i].page, 3, (desc & ~cases[i].clear) | cases[i].set);
        gpu_as_changed(qts, 0);
        fw_request(qts, GLB_PING);
        va = gpu_read64(qts, AS(0) + AS_FAULTADDRESS);
        g_assert_cmphex(va & ~0xfffULL, ==, cases[i].page);
        check_fault_latched(qts, cases[i].exception, cases[i].access, va);
        qtest_quit(qts);
    }
}

/* The driver has the first fault to read until it clears the interrupt */
static void test_fault_latched(void)
{
    QTestState *qts = gpu_start("");
    PageTables pt = fw_prepare(qts, FW_SHARED_SIZE);
    uint64_t desc = pt_get(&pt, FW_SHARED, 3);

    gpu_watch_lines(qts);
    gpu_write(qts, MMU_INT + MASK, 0xffff);
    pt_set(&pt, FW_SHARED, 3, 0);
    pt_set(&pt, FW_SHARED + 0x1000, 3, RAM_SECTION | PTE_LEAF |
                                       PTE_READ_ONLY | PTE_PAGE);
    gpu_as_changed(qts, 0);
    g_assert_false(qtest_get_irq(qts, LINE_MMU));
    check_boot_faults(qts, 0xc3, FW_SHARED);
    g_assert_true(qtest_get_irq(qts, LINE_MMU));

    /* Another one, at another place */
    pt_set(&pt, FW_SHARED, 3, desc);
    gpu_as_changed(qts, 0);
    gpu_write(qts, MCU_CONTROL, MCU_DISABLE);
    qtest_clock_step(qts, NS_MCU_STOP);
    check_boot_faults(qts, 0xc3, FW_SHARED);

    gpu_write(qts, MMU_INT + CLEAR, 1);
    g_assert_cmphex(gpu_read(qts, MMU_INT + RAWSTAT) & 0xffff, ==, 0);
    g_assert_false(qtest_get_irq(qts, LINE_MMU));
    gpu_write(qts, MCU_CONTROL, MCU_DISABLE);
    qtest_clock_step(qts, NS_MCU_STOP);
    check_boot_faults(qts, 0xcb, FW_SHARED + 0x1000);
    g_assert_true(qtest_get_irq(qts, LINE_MMU));
    qtest_quit(qts);
}

/* A page-table loop and other nonsense end in a fault, not in a hang */
static void test_fault_nonsense(void)
{
    QTestState *qts = gpu_start("");
    PageTables pt = fw_prepare(qts, FW_SHARED_SIZE);

    /* Every level is the root: the last one takes it for the page */
    qtest_writeq(qts, pt.root, pt.root | PTE_TABLE);
    gpu_as_changed(qts, 0);
    gpu_write(qts, MCU_CONTROL, MCU_AUTO);
    qtest_clock_step(qts, NS_COLD_BOOT);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_FATAL);

    for (int i = 0; i < 64; i++) {
        gpu_write(qts, MCU_CONTROL, MCU_DISABLE);
        qtest_clock_step(qts, NS_MCU_STOP);
        gpu_as_config(qts, 0, 0x9e3779b97f4a7c15 * (i + 1), ~0ULL << i,
                      0xbf58476d1ce4e5b9 * (i + 1));
        gpu_write(qts, MCU_CONTROL, MCU_AUTO);
        qtest_clock_step(qts, NS_COLD_BOOT);
        g_assert_cmphex(gpu_read(qts, MCU_STATUS), !=, MCU_DISABLED);
    }
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    qtest_add_func("mali-csf/mmu/registers", test_registers);
    qtest_add_func("mali-csf/mmu/banks", test_banks);
    qtest_add_func("mali-csf/mmu/commands", test_commands);
    qtest_add_func("mali-csf/mmu/commands-overlap", test_commands_overlap);
    qtest_add_func("mali-csf/mmu/lockaddr", test_lockaddr);
    qtest_add_func("mali-csf/mmu/wider-lock", test_wider_lock);
    qtest_add_func("mali-csf/mmu/end-of-lock", test_end_of_lock);
    qtest_add_func("mali-csf/mmu/unlock-without-lock",
                   test_unlock_without_lock);
    qtest_add_func("mali-csf/mmu/lock-of-another", test_lock_of_another);
    qtest_add_func("mali-csf/mmu/command-while-active",
                   test_command_while_active);
    qtest_add_func("mali-csf/mmu/request-across-lock",
                   test_request_across_lock);
    qtest_add_func("mali-csf/mmu/update", test_update);
    qtest_add_func("mali-csf/mmu/blocks", test_blocks);
    qtest_add_func("mali-csf/mmu/scattered", test_scattered);
    qtest_add_func("mali-csf/mmu/configurations", test_configurations);
    for (int i = 0; i < ARRAY_SIZE(fault_cases); i++) {
        g_autofree char *path = g_strdup_printf("mali-csf/mmu/fault/%s",
                                                fault_cases[i].name);

        qtest_add_data_func(path, &fault_cases[i], test_fault);
    }
    qtest_add_func("mali-csf/mmu/fault/configuration",
                   test_fault_configuration);
    qtest_add_func("mali-csf/mmu/fault/disabled", test_fault_disabled);
    qtest_add_func("mali-csf/mmu/fault/in-the-middle",
                   test_fault_in_the_middle);
    qtest_add_func("mali-csf/mmu/fault/of-request", test_fault_of_request);
    qtest_add_func("mali-csf/mmu/fault/latched", test_fault_latched);
    qtest_add_func("mali-csf/mmu/fault/nonsense", test_fault_nonsense);

    return g_test_run();
}
