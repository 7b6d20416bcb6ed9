/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the Mali CSF GPU share: where its registers are, a machine
 * with the GPU in it, page tables, and the boot of its microcontroller.
 *
 * The numbers are those of the Linux panthor driver (panthor_gpu_regs.h,
 * panthor_mmu_regs.h, panthor_fw_regs.h, panthor_fw.h), written down a second
 * time: a mistake in the device's own header must show.
 */

#ifndef TESTS_QTEST_MALI_CSF_UTIL_H
#define TESTS_QTEST_MALI_CSF_UTIL_H

#include "libqtest.h"
#include "qemu/bitops.h"
#include "qobject/qdict.h"

/* --- The machine: virt, whose platform bus begins here --- */

#define GPU_BASE                0x0c000000ULL
#define GPU_WINDOW              0x200000
#define GPU_WINDOW_LARGE        0x480000
#define GPU_PATH                "/machine/peripheral/gpu"

/* Interrupt lines, in the order of the device's sysbus lines */
enum { LINE_JOB, LINE_MMU, LINE_GPU, LINE_COUNT };

/* RAM: page tables first, then what they map */
#define RAM_TABLES              0x41000000ULL
#define RAM_SECTION             0x42000000ULL
#define RAM_SECTION_B           0x43000000ULL
/* 128 GiB: an address that PA bits allow and where nothing is */
#define RAM_NOTHING             0x2000000000ULL

/* --- Registers --- */

#define GPU_ID                  0x000
#define L2_FEATURES             0x004
#define CORE_FEATURES           0x008
#define TILER_FEATURES          0x00c
#define MEM_FEATURES            0x010
#define MMU_FEATURES            0x014
#define AS_PRESENT              0x018
#define CSF_ID                  0x01c
#define GPU_INT                 0x020
#define GPU_CMD                 0x030
#define GPU_STATUS              0x034
#define GPU_FAULT_STATUS        0x03c
#define GPU_FAULT_ADDR          0x040
#define L2_CONFIG               0x048
#define PWR_KEY                 0x050
#define PWR_OVERRIDE0           0x054
#define PWR_OVERRIDE1           0x058
#define GPU_FEATURES            0x060
#define TIMESTAMP_OFFSET        0x088
#define CYCLE_COUNT             0x090
#define TIMESTAMP               0x098
#define THREAD_MAX_THREADS      0x0a0
#define THREAD_MAX_WORKGROUP    0x0a4
#define THREAD_MAX_BARRIER      0x0a8
#define THREAD_FEATURES         0x0ac
#define TEXTURE_FEATURES0       0x0b0
#define TEXTURE_FEATURES1       0x0b4
#define TEXTURE_FEATURES2       0x0b8
#define TEXTURE_FEATURES3       0x0bc
/* Power: the register of a row, plus that of a domain */
#define PWR_PRESENT             0x100
#define PWR_READY               0x140
#define PWR_ON                  0x180
#define PWR_OFF                 0x1c0
#define PWR_TRANS               0x200
#define PWR_ACTIVE              0x240
#define DOMAIN_SHADER           0x00
#define DOMAIN_TILER            0x10
#define DOMAIN_L2               0x20
#define REVID                   0x280
#define ASN_HASH0               0x2c0
#define ASN_HASH1               0x2c4
#define ASN_HASH2               0x2c8
#define COHERENCY_FEATURES      0x300
#define COHERENCY_PROTOCOL      0x304

#define MCU_CONTROL             0x700
#define MCU_STATUS              0x704
#define JOB_INT                 0x1000
#define MMU_INT                 0x2000
#define LATEST_FLUSH            0x10000
#define DOORBELL(n)             (0x80000 + (n) * 0x10000)

/* In a trio */
#define RAWSTAT                 0x0
#define CLEAR                   0x4
#define MASK                    0x8
#define STAT                    0xc

/* An address space */
#define AS(n)                   (0x2400 + (n) * 0x40)
#define AS_TRANSTAB             0x00
#define AS_MEMATTR              0x08
#define AS_LOCKADDR             0x10
#define AS_COMMAND              0x18
#define AS_FAULTSTATUS          0x1c
#define AS_FAULTADDRESS         0x20
#define AS_STATUS               0x28
#define AS_TRANSCFG             0x30
#define AS_FAULTEXTRA           0x38

/* --- Values --- */

#define IRQ_FAULT               BIT(0)
#define IRQ_RESET_COMPLETED     BIT(8)
#define IRQ_POWER_CHANGED       BIT(9)
#define IRQ_POWER_CHANGED_ALL   BIT(10)
#define IRQ_CLEAN_CACHES        BIT(17)
#define IRQ_MCU_STATUS          BIT(19)
#define JOB_GLB                 BIT(31)

#define CMD_SOFT_RESET          0x00000101
#define CMD_HARD_RESET          0x00000201
#define CMD_TIME_DISABLE        0x00000003
#define CMD_TIME_ENABLE         0x00000103
#define CMD_FLUSH               0x00023304
#define CMD_FLUSH_CLEAN         0x00001104
#define CMD_CLEAR_FAULT         0x00000007

#define MCU_DISABLE             0
#define MCU_ENABLE              1
#define MCU_AUTO                2
#define MCU_DISABLED            0
#define MCU_ENABLED             1
#define MCU_HALT                2
#define MCU_FATAL               3

#define CMD_UPDATE              1
#define CMD_LOCK                2
#define CMD_UNLOCK              3
#define CMD_FLUSH_PT            4
#define CMD_FLUSH_MEM           5

/* As panthor sets an address space of 48 bits up, coherent */
#define TRANSCFG_48             0x620001c6ULL
#define MEMATTR_COHERENT        0x4c4c4c4c9c4c9f4cULL
#define TRANSCFG_UNMAPPED       0x1ULL

/* --- What the model takes for things, in ns --- */

#define NS_FLUSH                10000
#define NS_RESET                150000
#define NS_POWER                30000
#define NS_AS_COMMAND           1000
#define NS_COLD_BOOT            2000000
#define NS_WARM_BOOT            300000
#define NS_MCU_STOP             10000
#define NS_REQUEST              5000
#define NS_HALT                 50000
/* How often a stalled access of the microcontroller is tried again */
#define NS_STALL                10000
/* Far more than anything takes */
#define NS_LONG                 1000000000

/* --- Firmware interface: the shared section, as addresses of the GPU --- */

#define FW_SHARED               0x04000000
#define FW_SHARED_SIZE          0x10000
#define FW_GLB_VERSION          0x00
#define FW_GLB_FEATURES         0x04
#define FW_GLB_INPUT_VA         0x08
#define FW_GLB_OUTPUT_VA        0x0c
#define FW_GLB_GROUP_NUM        0x10
#define FW_GLB_GROUP_STRIDE     0x14
#define FW_GLB_PERFCNT_SIZE     0x18
#define FW_GLB_INSTR_FEATURES   0x1c

/* Where a G610 has its global blocks */
#define FW_INPUT                0x04002000
#define FW_OUTPUT               0x04006000
#define FW_REQ                  (FW_INPUT + 0x00)
#define FW_ACK_IRQ_MASK         (FW_INPUT + 0x04)
#define FW_DOORBELL_REQ         (FW_INPUT + 0x08)
#define FW_PROGRESS_TIMER       (FW_INPUT + 0x10)
#define FW_POWEROFF_TIMER       (FW_INPUT + 0x14)
#define FW_CORE_EN_MASK         (FW_INPUT + 0x18)
#define FW_IDLE_TIMER           (FW_INPUT + 0x80)
#define FW_ACK                  (FW_OUTPUT + 0x00)
#define FW_DOORBELL_ACK         (FW_OUTPUT + 0x08)
#define FW_HALT_STATUS          (FW_OUTPUT + 0x10)

#define GLB_HALT                BIT(0)
#define GLB_CFG_PROGRESS_TIMER  BIT(1)
#define GLB_CFG_ALLOC_EN        BIT(2)
#define GLB_CFG_POWEROFF_TIMER  BIT(3)
#define GLB_COUNTER_EN          BIT(7)
#define GLB_PING                BIT(8)
#define GLB_IDLE_EN             BIT(10)
#define GLB_IDLE_EVENT          BIT(26)
#define GLB_STATE(n)            ((uint32_t)(n) << 12)

/* --- Accesses --- */

static inline uint32_t gpu_read(QTestState *qts, uint32_t reg)
{
    return qtest_readl(qts, GPU_BASE + reg);
}

static inline void gpu_write(QTestState *qts, uint32_t reg, uint32_t val)
{
    qtest_writel(qts, GPU_BASE + reg, val);
}

/* 64-bit registers as the driver accesses them: low, then high */
static inline uint64_t gpu_read64(QTestState *qts, uint32_t reg)
{
    uint32_t lo = gpu_read(qts, reg);

    return lo | (uint64_t)gpu_read(qts, reg + 4) << 32;
}

static inline void gpu_write64(QTestState *qts, uint32_t reg, uint64_t val)
{
    gpu_write(qts, reg, val);
    gpu_write(qts, reg + 4, val >> 32);
}

/* --- The machine --- */

/* A machine with the GPU @props, and @args; its clock stands still */
static inline QTestState *gpu_start_args(const char *props, const char *args)
{
    QTestState *qts;

    qts = qtest_initf("-machine virt,gic-version=3 -m 128M -nodefaults "
                      "-device mali-csf,id=gpu%s%s %s",
                      *props ? "," : "", props, args);
    /* So that ns 0 is not taken for "never" anywhere */
    qtest_clock_step(qts, 1000);
    return qts;
}

static inline QTestState *gpu_start(const char *props)
{
    return gpu_start_args(props, "");
}

/* One of the device's counters */
static inline uint64_t gpu_counter(QTestState *qts, const char *name)
{
    QDict *rsp = qtest_qmp(qts, "{ 'execute': 'qom-get', 'arguments': {"
                           "  'path': %s, 'property': %s } }", GPU_PATH, name);
    uint64_t val;

    g_assert_true(qdict_haskey(rsp, "return"));
    val = qdict_get_int(rsp, "return");
    qobject_unref(rsp);
    return val;
}

/* See the three lines with qtest_get_irq(qts, LINE_*) */
static inline void gpu_watch_lines(QTestState *qts)
{
    qtest_irq_intercept_out_named(qts, GPU_PATH, "sysbus-irq");
}

/* --- Power and address spaces --- */

static inline void gpu_power_on(QTestState *qts, uint32_t domain)
{
    gpu_write64(qts, PWR_ON + domain, gpu_read64(qts, PWR_PRESENT + domain));
    qtest_clock_step(qts, NS_POWER);
    g_assert_cmphex(gpu_read64(qts, PWR_READY + domain), ==,
                    gpu_read64(qts, PWR_PRESENT + domain));
}

/* Run a command of an address space to its end */
static inline void gpu_as_command(QTestState *qts, unsigned as, uint32_t cmd)
{
    gpu_write(qts, AS(as) + AS_COMMAND, cmd);
    qtest_clock_step(qts, NS_AS_COMMAND);
    g_assert_cmphex(gpu_read(qts, AS(as) + AS_STATUS), ==, 0);
}

static inline void gpu_as_config(QTestState *qts, unsigned as,
                                 uint64_t transtab, uint64_t memattr,
                                 uint64_t transcfg)
{
    gpu_write64(qts, AS(as) + AS_TRANSTAB, transtab);
    gpu_write64(qts, AS(as) + AS_MEMATTR, memattr);
    gpu_write64(qts, AS(as) + AS_TRANSCFG, transcfg);
    gpu_as_command(qts, as, CMD_UPDATE);
}

/* LOCK the 2^@log2 bytes at @va */
static inline void gpu_as_lock(QTestState *qts, unsigned as, uint64_t va,
                               unsigned log2)
{
    gpu_write64(qts, AS(as) + AS_LOCKADDR, va | (log2 - 1));
    gpu_as_command(qts, as, CMD_LOCK);
}

/* What must follow a change of page tables in use: all translations go */
static inline void gpu_as_changed(QTestState *qts, unsigned as)
{
    gpu_as_lock(qts, as, 0, 48);
    gpu_write(qts, GPU_CMD, CMD_FLUSH);
    qtest_clock_step(qts, NS_FLUSH);
    gpu_as_command(qts, as, CMD_UNLOCK);
}

/* --- Page tables: 4 KiB granule, four levels --- */

#define PTE_VALID               BIT_ULL(0)
#define PTE_TABLE               (BIT_ULL(0) | BIT_ULL(1))
#define PTE_PAGE                (BIT_ULL(0) | BIT_ULL(1))
#define PTE_BLOCK               BIT_ULL(0)
#define PTE_ATTR(n)             ((uint64_t)(n) << 2)
#define PTE_UNPRIV              BIT_ULL(6)
#define PTE_READ_ONLY           BIT_ULL(7)
#define PTE_SHARED              (2ULL << 8)
#define PTE_AF                  BIT_ULL(10)
#define PTE_NG                  BIT_ULL(11)
#define PTE_XN                  (3ULL << 53)
#define PTE_TABLE_READ_ONLY     BIT_ULL(62)
#define PTE_ADDR                0x0000fffffffff000ULL
/* What panthor gives the shared section, but for the kind of leaf */
#define PTE_LEAF                (PTE_UNPRIV | PTE_SHARED | PTE_AF | PTE_NG | \
                                 PTE_XN)
#define PT_LEVELS               4

typedef struct PageTables {
    QTestState *qts;
    uint64_t root;
    uint64_t next;      /* page for the next table */
} PageTables;

static inline PageTables pt_new(QTestState *qts, uint64_t where)
{
    PageTables pt = { .qts = qts, .root = where, .next = where + 0x1000 };

    qtest_memset(qts, where, 0, 0x1000);
    return pt;
}

/* Where the descriptor of @va at @level is; the tables above are made */
static inline uint64_t pt_slot(PageTables *pt, uint64_t va, int level)
{
    uint64_t table = pt->root;

    for (int l = 0; ; l++) {
        uint64_t slot = table + ((va >> (39 - 9 * l)) & 0x1ff) * 8;
        uint64_t desc;

        if (l == level) {
            return slot;
        }
        desc = qtest_readq(pt->qts, slot);
        if (!(desc & PTE_VALID)) {
            qtest_memset(pt->qts, pt->next, 0, 0x1000);
            desc = pt->next | PTE_TABLE;
            qtest_writeq(pt->qts, slot, desc);
            pt->next += 0x1000;
        }
        table = desc & PTE_ADDR;
    }
}

static inline uint64_t pt_get(PageTables *pt, uint64_t va, int level)
{
    return qtest_readq(pt->qts, pt_slot(pt, va, level));
}

static inline void pt_set(PageTables *pt, uint64_t va, int level,
                          uint64_t desc)
{
    qtest_writeq(pt->qts, pt_slot(pt, va, level), desc);
}

/* Map @size bytes in 4 KiB pages */
static inline void pt_map(PageTables *pt, uint64_t va, uint64_t pa,
                          uint64_t size, uint64_t leaf)
{
    for (uint64_t o = 0; o < size; o += 0x1000) {
        pt_set(pt, va + o, 3, (pa + o) | leaf | PTE_PAGE);
    }
}

/* --- Microcontroller --- */

/* A word of the shared section, which is at RAM_SECTION */
static inline uint32_t fw_read(QTestState *qts, uint32_t va)
{
    return qtest_readl(qts, RAM_SECTION + va - FW_SHARED);
}

static inline void fw_write(QTestState *qts, uint32_t va, uint32_t val)
{
    qtest_writel(qts, RAM_SECTION + va - FW_SHARED, val);
}

/*
 * Everything that a boot needs: L2 on, the shared section mapped by address
 * space 0, the job interrupt open (panthor_fw_start).
 */
static inline PageTables fw_prepare(QTestState *qts, uint32_t section_size)
{
    PageTables pt = pt_new(qts, RAM_TABLES);

    gpu_power_on(qts, DOMAIN_L2);
    pt_map(&pt, FW_SHARED, RAM_SECTION, section_size, PTE_LEAF);
    gpu_as_config(qts, 0, pt.root, MEMATTR_COHERENT, TRANSCFG_48);
    gpu_write(qts, JOB_INT + CLEAR, UINT32_MAX);
    gpu_write(qts, JOB_INT + MASK, UINT32_MAX);
    gpu_write(qts, MMU_INT + CLEAR, UINT32_MAX);
    return pt;
}

/* Boot, and acknowledge that it has */
static inline void fw_boot(QTestState *qts, int64_t ns)
{
    gpu_write(qts, MCU_CONTROL, MCU_AUTO);
    qtest_clock_step(qts, ns);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_ENABLED);
    g_assert_cmphex(gpu_read(qts, JOB_INT + RAWSTAT), ==, JOB_GLB);
    /* The firmware looks once for requests that were there before it */
    qtest_clock_step(qts, NS_REQUEST);
    gpu_write(qts, JOB_INT + CLEAR, UINT32_MAX);
}

/* A machine with a microcontroller that runs */
static inline QTestState *fw_start(const char *props)
{
    QTestState *qts = gpu_start(props);

    fw_prepare(qts, FW_SHARED_SIZE);
    fw_boot(qts, NS_COLD_BOOT);
    return qts;
}

/* Write the global request word and let the firmware answer it */
static inline void fw_request(QTestState *qts, uint32_t req)
{
    fw_write(qts, FW_REQ, req);
    gpu_write(qts, DOORBELL(0), 1);
    qtest_clock_step(qts, NS_REQUEST);
}

/* Halt as panthor_fw_pre_reset() and panthor_fw_suspend() do */
static inline void fw_halt(QTestState *qts)
{
    fw_request(qts, fw_read(qts, FW_REQ) | GLB_HALT);
    qtest_clock_step(qts, NS_HALT);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, MCU_HALT);
}

/* --- Tests --- */

/* A test without parameters; its path is mali-csf/BLOCK/NAME */
typedef struct TestCase {
    const char *name;
    void (*run)(void);
} TestCase;

static inline void add_cases(const char *block, const TestCase *cases, int n)
{
    for (int i = 0; i < n; i++) {
        g_autofree char *path = g_strdup_printf("mali-csf/%s/%s", block,
                                                cases[i].name);

        qtest_add_func(path, cases[i].run);
    }
}

/* One of a table of parameters */
static inline void add_data_case(const char *block, const char *name,
                                 const void *data, GTestDataFunc run)
{
    g_autofree char *path = g_strdup_printf("mali-csf/%s/%s", block, name);

    qtest_add_data_func(path, data, run);
}

/* --- Everything that can be read back --- */

typedef struct RegRange {
    uint32_t from, to;
} RegRange;

/* Registers as text, one a line: for comparing states */
static inline char *gpu_read_ranges(QTestState *qts, const RegRange *ranges,
                                    int n)
{
    GString *out = g_string_new(NULL);

    for (int i = 0; i < n; i++) {
        for (uint32_t reg = ranges[i].from; reg < ranges[i].to; reg += 4) {
            g_string_append_printf(out, "%05x %08x\n", reg,
                                   gpu_read(qts, reg));
        }
    }
    return g_string_free(out, false);
}

/* All of them */
static inline char *gpu_snapshot(QTestState *qts)
{
    static const RegRange ranges[] = {
        { GPU_ID, PWR_OVERRIDE1 + 4 },
        { GPU_FEATURES, GPU_FEATURES + 8 },
        { TIMESTAMP_OFFSET, TEXTURE_FEATURES3 + 4 },
        { PWR_PRESENT, PWR_PRESENT + DOMAIN_L2 + 8 },
        { PWR_READY, PWR_READY + DOMAIN_L2 + 8 },
        { PWR_TRANS, PWR_TRANS + DOMAIN_L2 + 8 },
        { PWR_ACTIVE, PWR_ACTIVE + DOMAIN_L2 + 8 },
        { REVID, REVID + 4 },
        { ASN_HASH0, ASN_HASH2 + 4 },
        { COHERENCY_FEATURES, COHERENCY_PROTOCOL + 4 },
        { MCU_CONTROL, MCU_STATUS + 4 },
        { JOB_INT, JOB_INT + STAT + 4 },
        { MMU_INT, MMU_INT + STAT + 4 },
        { AS(0), AS(8) },
        { LATEST_FLUSH, LATEST_FLUSH + 4 },
    };

    return gpu_read_ranges(qts, ranges, ARRAY_SIZE(ranges));
}

/* Those that change by themselves as time passes */
static inline char *gpu_snapshot_live(QTestState *qts)
{
    static const RegRange ranges[] = {
        { GPU_INT, GPU_STATUS + 4 },
        { CYCLE_COUNT, TIMESTAMP + 8 },
        { PWR_READY, PWR_READY + DOMAIN_L2 + 4 },
        { PWR_TRANS, PWR_TRANS + DOMAIN_L2 + 4 },
        { MCU_CONTROL, MCU_STATUS + 4 },
        { JOB_INT, JOB_INT + STAT + 4 },
        { MMU_INT, MMU_INT + STAT + 4 },
        { AS(0) + AS_FAULTSTATUS, AS(0) + AS_STATUS + 4 },
        { AS(7) + AS_STATUS, AS(7) + AS_STATUS + 4 },
        { LATEST_FLUSH, LATEST_FLUSH + 4 },
    };

    return gpu_read_ranges(qts, ranges, ARRAY_SIZE(ranges));
}

#endif /* TESTS_QTEST_MALI_CSF_UTIL_H */
