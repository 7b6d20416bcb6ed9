/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QTest for the Mali CSF GPU: accesses to pages that the kernel has freed
 *
 * The test takes the part of the guest's module gpu_dma_check, which shows the
 * device the state of each page frame, and that of one that lies.  The numbers
 * are those of kernel/gpu_dma_check/gpu_dma_check_regs.h, a second time.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "qobject/qnum.h"
#include "mali-csf-migrate.h"
#include "mali-csf-stream.h"

/* --- The device: behind the GPU's registers --- */

#define CHECK_BASE              (GPU_BASE + GPU_WINDOW)
#define MAGIC                   0x00
#define VERSION                 0x04
#define CONTROL                 0x08
#define STATUS                  0x0c
#define DIRECTORY               0x10
#define FIRST_PFN               0x18
#define DIRECTORY_ENTRIES       0x20
#define RING                    0x24
#define RING_PAGES              0x2c
#define FRAME_SIZE_LOG2         0x30
#define SYMBOLS                 0x34
#define SYMBOL_PAGES            0x3c

#define ENABLED                 1
#define REFUSED                 2

#define ALLOCATED               1
#define FREED                   2

/* What the test shows it, at the end of 128 MiB of RAM */
#define RAM                     0x40000000ULL
#define RAM_END                 0x48000000ULL
#define DIR_STATES              0x47000000ULL
#define DIR_RING                0x47001000ULL
#define DIR_SYMBOLS             0x47002000ULL
#define STATES                  0x47010000ULL
#define N_STATES                8
#define RECORDS                 0x47020000ULL
#define N_RECORDS               2
#define NAMES                   0x47030000ULL
#define RECORD_SIZE             128
#define UART                    0x09000000ULL
#define FLASH                   0x00000000ULL

static uint32_t check_read(QTestState *qts, uint32_t reg)
{
    return qtest_readl(qts, CHECK_BASE + reg);
}

static void check_write(QTestState *qts, uint32_t reg, uint32_t val)
{
    qtest_writel(qts, CHECK_BASE + reg, val);
}

static void check_write64(QTestState *qts, uint32_t reg, uint64_t val)
{
    check_write(qts, reg, val);
    check_write(qts, reg + 4, val >> 32);
}

/* --- The module --- */

static void write_directory(QTestState *qts, uint64_t directory, uint64_t first,
                            unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        qtest_writeq(qts, directory + i * 8, first + i * 0x1000);
    }
}

/* All that is there before it is enabled: all frames are allocated */
static void module_prepare(QTestState *qts)
{
    write_directory(qts, DIR_STATES, STATES, N_STATES);
    write_directory(qts, DIR_RING, RECORDS, N_RECORDS);
    write_directory(qts, DIR_SYMBOLS, NAMES, 1);
    qtest_memset(qts, STATES, ALLOCATED, N_STATES * 0x1000);
    qtest_memset(qts, RECORDS, 0, N_RECORDS * 0x1000);
    qtest_memset(qts, NAMES, 0, 0x1000);
    check_write64(qts, DIRECTORY, DIR_STATES);
    check_write64(qts, FIRST_PFN, RAM >> 12);
    check_write(qts, DIRECTORY_ENTRIES, N_STATES);
    check_write64(qts, RING, DIR_RING);
    check_write(qts, RING_PAGES, N_RECORDS);
    check_write(qts, FRAME_SIZE_LOG2, 12);
    check_write64(qts, SYMBOLS, DIR_SYMBOLS);
    check_write(qts, SYMBOL_PAGES, 1);
}

static void module_enable(QTestState *qts)
{
    check_write(qts, CONTROL, 1);
    g_assert_cmphex(check_read(qts, STATUS), ==, ENABLED);
}

static void set_state(QTestState *qts, uint64_t pa, uint8_t state)
{
    qtest_writeb(qts, STATES + ((pa - RAM) >> 12), state);
}

/* Record @seq: 2^@order frames from that of @pa on, freed by @comm */
static void write_record(QTestState *qts, uint64_t seq, uint64_t pa,
                         unsigned order, const char *comm)
{
    uint8_t record[RECORD_SIZE] = { };
    uint64_t slot = (seq - 1) % (N_RECORDS * 0x1000 / RECORD_SIZE);

    stq_le_p(record + 0x00, seq);
    stq_le_p(record + 0x08, pa >> 12);
    stq_le_p(record + 0x10, 1000 + seq);
    stl_le_p(record + 0x18, 77);
    record[0x1c] = order;
    record[0x1d] = 2;
    memcpy(record + 0x20, comm, MIN(strlen(comm), 16));
    stq_le_p(record + 0x30, 0xffff800080001234);
    stq_le_p(record + 0x38, 0xffff800080005678);
    qtest_memwrite(qts, RECORDS + slot * RECORD_SIZE, record, sizeof(record));
}

static void write_symbol(QTestState *qts, unsigned n, uint64_t address,
                         const char *text)
{
    qtest_writeq(qts, NAMES + n * 128, address);
    qtest_memwrite(qts, NAMES + n * 128 + 8, text, strlen(text) + 1);
}

/* --- The GPU --- */

typedef struct Rig {
    QTestState *qts;
    Driver d;
    Vm vm;
    Group g;
    uint64_t stream;
    uint32_t stream_size;
} Rig;

#define VA_PAGE                 (VA_DATA + 0x5000)
#define VA_OTHER                (VA_DATA + 0x8000)
/* Where the streams see the states */
#define VA_STATES               (VM_VA + 0x40000000ULL)

static void rig_set_stream(Rig *b, const uint64_t *words, unsigned n)
{
    b->stream = vm_stream(&b->vm, words, n);
    b->stream_size = n * 8;
}

/* A stream that reads from @va and writes to VA_OTHER */
static void rig_read_from(Rig *b, uint64_t va)
{
    const uint64_t words[] = {
        MOVE48(40, va), LOAD(0, 40, 1, 0), WAIT(0xff),
        MOVE48(42, VA_OTHER), STORE(0, 42, 1, 0), WAIT(0xff),
    };

    rig_set_stream(b, words, ARRAY_SIZE(words));
}

/* Run the stream to its end */
static void rig_run(Rig *b)
{
    uint64_t before = vm_read64(&b->vm, ring_sync(&b->g, 0));

    cs_submit_job(&b->g, 0, b->stream, b->stream_size);
    qtest_clock_step(b->qts, NS_JOB);
    g_assert_cmphex(vm_read64(&b->vm, ring_sync(&b->g, 0)), ==, before + 1);
}

static void rig_on(Rig *b, QTestState *qts)
{
    b->qts = qts;
    b->d = driver_on(b->qts);
    b->vm = vm_new(&b->d, 0, 1);
    pt_map(&b->vm.pt, VA_STATES, STATES, N_STATES * 0x1000, PTE_LEAF);
    rig_read_from(b, VA_PAGE);
    b->g = group_new(&b->vm, 0, 1);
    group_start(&b->g, 0);
}

#define PROPS                   "check=report," CLOCK_PROPS

static void rig_start(Rig *b)
{
    rig_on(b, gpu_start(PROPS));
    module_prepare(b->qts);
}

/* --- Findings --- */

static uint64_t get(const QDict *d, const char *key)
{
    g_assert_true(qdict_haskey(d, key));
    return qnum_get_uint(qobject_to(QNum, qdict_get(d, key)));
}

/* The findings of freed pages, oldest first, and how many there were of them */
static QList *findings(QTestState *qts, uint64_t *count)
{
    QDict *answer = qtest_qmp_assert_success_ref(
        qts, "{'execute': 'x-mali-csf-findings'}");
    QList *list = qlist_new();
    QListEntry *e;

    QLIST_FOREACH_ENTRY(qdict_get_qlist(answer, "kinds"), e) {
        QDict *kind = qobject_to(QDict, qlist_entry_obj(e));

        if (g_str_equal(qdict_get_str(kind, "name"), "freed-page")) {
            *count = get(kind, "count");
        }
    }
    QLIST_FOREACH_ENTRY(qdict_get_qlist(answer, "findings"), e) {
        QDict *f = qobject_to(QDict, qlist_entry_obj(e));

        if (g_str_equal(qdict_get_str(f, "kind"), "freed-page")) {
            qlist_append_obj(list, qobject_ref(qlist_entry_obj(e)));
        }
    }
    qobject_unref(answer);
    return list;
}

static uint64_t count_findings(QTestState *qts)
{
    uint64_t count = UINT64_MAX;

    qobject_unref(findings(qts, &count));
    return count;
}

/* The only one */
static QDict *the_finding(QTestState *qts)
{
    uint64_t count;
    QList *list = findings(qts, &count);
    QDict *f;

    g_assert_cmpuint(qlist_size(list), ==, 1);
    f = qobject_to(QDict, qobject_ref(qlist_peek(list)));
    g_assert_cmpuint(get(f, "count"), ==, count);
    qobject_unref(list);
    return f;
}

/* --- Freed pages --- */

/* Which page is freed, and how the GPU comes to it */
typedef struct FreedCase {
    const char *name;
    uint64_t va;
    int level;              /* 3: the page; else the table below that level */
    const char *access;
    bool by_queue;
} FreedCase;

static const FreedCase freed_cases[] = {
    { "read", VA_PAGE, 3, "read", true },
    { "write", VA_OTHER, 3, "write", true },
    { "stream", VA_STREAMS, 3, "read", true },
    { "firmware-read", FW_INPUT, 3, "read", false },
    { "firmware-output", FW_OUTPUT, 3, "read", false },
    /* One that nothing else is in */
    { "table", VA_STATES, 2, "read", true },
};

static uint64_t freed_case_pa(Rig *b, const FreedCase *c)
{
    PageTables *pt = c->by_queue ? &b->vm.pt : &b->d.fw;

    return pt_get(pt, c->va, c->level) & PTE_ADDR;
}

static void freed_case_run(Rig *b, const FreedCase *c)
{
    /* So that the tables are walked again */
    gpu_as_changed(b->qts, 1);
    if (c->by_queue) {
        rig_run(b);
    } else {
        fw_request(b->qts, fw_read(b->qts, FW_REQ) ^ GLB_PING);
    }
}

static void check_record(QDict *freed, uint64_t pa, const char *comm)
{
    QListEntry *e;
    int i = 0;

    g_assert_cmphex(get(freed, "pfn"), ==, pa >> 12);
    g_assert_cmpuint(get(freed, "order"), ==, 1);
    g_assert_cmpuint(get(freed, "guest-time-ns"), ==, 1005);
    g_assert_cmpuint(get(freed, "pid"), ==, 77);
    g_assert_cmpstr(qdict_get_str(freed, "comm"), ==, comm);
    QLIST_FOREACH_ENTRY(qdict_get_qlist(freed, "stack"), e) {
        QDict *caller = qobject_to(QDict, qlist_entry_obj(e));

        g_assert_cmphex(get(caller, "address"), ==,
                        i ? 0xffff800080005678 : 0xffff800080001234);
        g_assert_cmpstr(qdict_get_try_str(caller, "symbol"), ==,
                        i ? NULL : "free_it+0x10/0x20 [panthor]");
        i++;
    }
    g_assert_cmpint(i, ==, 2);
}

static void test_freed(const void *opaque)
{
    const FreedCase *c = opaque;
    QDict *event, *data, *f;
    uint64_t pa, count;
    Rig b;

    rig_start(&b);
    module_enable(b.qts);
    pa = freed_case_pa(&b, c);
    if (c->level != 3) {
        rig_read_from(&b, c->va);
    }
    freed_case_run(&b, c);
    g_assert_cmpuint(count_findings(b.qts), ==, 0);

    /* Freed with the frame before it, more than once; others came later */
    write_record(b.qts, 2, pa - 0x1000, 1, "earlier");
    write_record(b.qts, 5, pa - 0x1000, 1, "kworker/1:2");
    write_record(b.qts, 6, pa - 0x2000, 1, "below");
    write_record(b.qts, 7, pa + 0x1000, 4, "above");
    /* What is in another's place is not one of the ring's any more */
    write_record(b.qts, 9, pa - 0x1000, 1, "leftover");
    qtest_writeq(b.qts, RECORDS + 8 * RECORD_SIZE, 1000);
    write_symbol(b.qts, 3, 0xffff800080001234, "free_it+0x10/0x20 [panthor]");
    write_symbol(b.qts, 4, 0xffff800080001238, "other+0x0/0x20");
    set_state(b.qts, pa, FREED);
    freed_case_run(&b, c);

    event = qtest_qmp_eventwait_ref(b.qts, "MALI_CSF_FINDING");
    data = qdict_get_qdict(event, "data");
    g_assert_cmpstr(qdict_get_str(data, "kind"), ==, "freed-page");
    g_assert_cmpstr(qdict_get_str(data, "qom-path"), ==, GPU_PATH);
    check_record(qdict_get_qdict(data, "freed"), pa - 0x1000, "kworker/1:2");
    f = the_finding(b.qts);
    check_record(qdict_get_qdict(f, "freed"), pa - 0x1000, "kworker/1:2");
    g_assert_cmpuint(get(f, "as"), ==, c->by_queue ? 1 : 0);
    g_assert_cmpint(qdict_haskey(f, "group"), ==, c->by_queue);
    g_assert_cmpint(qdict_haskey(f, "pc"), ==, c->by_queue);
    g_assert_cmphex(get(f, "va") & ~0xfffULL, ==, c->va);
    g_assert_cmpstr(qdict_get_str(f, "access"), ==, c->access);
    g_assert_nonnull(strstr(qdict_get_str(f, "text"),
                            "by kworker/1:2 (pid 77): free_it+0x10/0x20 "
                            "[panthor] < 0xffff800080005678"));
    qobject_unref(f);
    qobject_unref(event);

    /* Seen again it is counted, not told */
    count = count_findings(b.qts);
    freed_case_run(&b, c);
    g_assert_cmpuint(count_findings(b.qts), >, count);
    qobject_unref(the_finding(b.qts));

    /* In use again it is as good as any other; so is what is not watched */
    count = count_findings(b.qts);
    set_state(b.qts, pa, ALLOCATED);
    freed_case_run(&b, c);
    set_state(b.qts, pa, 0);
    freed_case_run(&b, c);
    set_state(b.qts, pa, FREED);
    check_write(b.qts, CONTROL, 0);
    g_assert_cmphex(check_read(b.qts, STATUS), ==, 0);
    freed_case_run(&b, c);
    g_assert_cmpuint(count_findings(b.qts), ==, count);
    qtest_quit(b.qts);
}

/* A page that is freed while the GPU has it open: the second read is told */
static void test_freed_while_open(void)
{
    uint64_t frame;
    Rig b;

    rig_start(&b);
    module_enable(b.qts);
    frame = (vm_pa(&b.vm, VA_PAGE) - RAM) >> 12;
    rig_set_stream(&b, (uint64_t[]) {
        MOVE48(40, VA_PAGE), MOVE48(42, VA_STATES + (frame & ~3ULL)),
        MOVE32(1, 0x02020202), LOAD(0, 40, 1, 0), WAIT(0xff),
        STORE(1, 42, 1, 0), WAIT(0xff), LOAD(2, 40, 1, 0), WAIT(0xff),
    }, 9);
    rig_run(&b);
    qobject_unref(the_finding(b.qts));
    qtest_quit(b.qts);
}

/* Frames of other sizes, and those before and behind the map */
static void test_frames(void)
{
    uint64_t pa;
    Rig b;

    rig_start(&b);
    pa = vm_pa(&b.vm, VA_PAGE);
    for (int bits = 14; bits <= 16; bits += 2) {
        uint64_t count = count_findings(b.qts);
        uint64_t byte = STATES + ((pa - RAM) >> bits);

        check_write64(b.qts, FIRST_PFN, RAM >> bits);
        check_write(b.qts, FRAME_SIZE_LOG2, bits);
        module_enable(b.qts);
        qtest_writeb(b.qts, byte - 1, FREED);
        rig_run(&b);
        g_assert_cmpuint(count_findings(b.qts), ==, count);
        qtest_writeb(b.qts, byte, FREED);
        rig_run(&b);
        g_assert_cmpuint(count_findings(b.qts), >, count);
        qtest_memset(b.qts, STATES, ALLOCATED, N_STATES * 0x1000);
        check_write(b.qts, CONTROL, 0);
    }
    /* All that is in the map is freed, but the page is not in it */
    qtest_memset(b.qts, STATES, FREED, N_STATES * 0x1000);
    check_write(b.qts, FRAME_SIZE_LOG2, 12);
    for (int i = 0; i < 4; i++) {
        static const uint64_t first[] = { 0x100000, 0, UINT64_MAX, RAM >> 12 };
        uint64_t count = count_findings(b.qts);

        check_write64(b.qts, FIRST_PFN, first[i]);
        /* Of the last one, the pieces are not there */
        check_write(b.qts, DIRECTORY_ENTRIES, i == 3 ? N_STATES : 2);
        if (i == 3) {
            qtest_memset(b.qts, DIR_STATES, 0, N_STATES * 8);
        }
        module_enable(b.qts);
        rig_run(&b);
        g_assert_cmpuint(count_findings(b.qts), ==, count);
        check_write(b.qts, CONTROL, 0);
    }
    qtest_quit(b.qts);
}

/* --- Registers --- */

static void test_registers(void)
{
    QTestState *qts = gpu_start("check=report");

    g_assert_cmphex(check_read(qts, MAGIC), ==, 0x4b434d44);
    g_assert_cmphex(check_read(qts, VERSION), ==, 1);
    for (uint32_t reg = MAGIC; reg < 0x1000; reg += 4) {
        uint32_t before = check_read(qts, reg);
        bool writable = reg >= DIRECTORY && reg <= SYMBOL_PAGES;

        if (reg != CONTROL) {
            check_write(qts, reg, 0xa5a5a5a5);
            g_assert_cmphex(check_read(qts, reg), ==,
                            writable ? 0xa5a5a5a5 : before);
        }
    }
    module_prepare(qts);
    g_assert_cmphex(check_read(qts, STATUS), ==, 0);
    module_enable(qts);
    /* They must not change now, and do not */
    check_write(qts, DIRECTORY, 0);
    check_write(qts, SYMBOL_PAGES, 9);
    g_assert_cmphex(check_read(qts, DIRECTORY), ==, DIR_STATES);
    g_assert_cmphex(check_read(qts, SYMBOL_PAGES), ==, 1);
    qtest_system_reset(qts);
    g_assert_cmphex(check_read(qts, CONTROL), ==, 0);
    g_assert_cmphex(check_read(qts, STATUS), ==, 0);
    g_assert_cmphex(check_read(qts, DIRECTORY), ==, 0);
    qtest_quit(qts);
}

/* --- A module that lies --- */

static const struct {
    const char *name;
    uint32_t reg;
    uint64_t val;
    bool wide;
} lies[] = {
    { "directory-nowhere", DIRECTORY, RAM_NOTHING, true },
    { "directory-in-device", DIRECTORY, UART, true },
    { "directory-in-itself", DIRECTORY, CHECK_BASE, true },
    { "directory-at-end", DIRECTORY, RAM_END - 8, true },
    { "directory-wraps", DIRECTORY, UINT64_MAX - 7, true },
    { "directory-unaligned", DIRECTORY, DIR_STATES + 3, true },
    { "too-many-pieces", DIRECTORY_ENTRIES, 65537 },
    { "all-pieces", DIRECTORY_ENTRIES, UINT32_MAX },
    { "ring-too-large", RING_PAGES, 8192 },
    { "ring-no-power-of-two", RING_PAGES, 3 },
    { "symbols-too-large", SYMBOL_PAGES, 1025 },
    { "frame-size", FRAME_SIZE_LOG2, 13 },
    { "frame-size-none", FRAME_SIZE_LOG2, 0 },
    { "frame-size-huge", FRAME_SIZE_LOG2, 64 },
};

static void check_refused(Rig *b)
{
    uint64_t count = count_findings(b->qts);

    check_write(b->qts, CONTROL, 1);
    g_assert_cmphex(check_read(b->qts, STATUS), ==, REFUSED);
    rig_run(b);
    g_assert_cmpuint(count_findings(b->qts), ==, count);
    check_write(b->qts, CONTROL, 0);
    g_assert_cmphex(check_read(b->qts, STATUS), ==, 0);
}

static void test_refused(void)
{
    static const uint64_t pieces[] = {
        RAM_NOTHING, UART, GPU_BASE, CHECK_BASE, RAM_END - 8,
        RAM_END - 0x800, 8, UINT64_MAX, UINT64_MAX - 0xfff,
    };
    Rig b;

    rig_start(&b);
    for (int i = 0; i < ARRAY_SIZE(lies); i++) {
        g_test_message("%s", lies[i].name);
        module_prepare(b.qts);
        qtest_memset(b.qts, STATES, FREED, N_STATES * 0x1000);
        if (lies[i].wide) {
            check_write64(b.qts, lies[i].reg, lies[i].val);
        } else {
            check_write(b.qts, lies[i].reg, lies[i].val);
        }
        check_refused(&b);
    }
    for (int i = 0; i < ARRAY_SIZE(pieces); i++) {
        module_prepare(b.qts);
        qtest_memset(b.qts, STATES, FREED, N_STATES * 0x1000);
        qtest_writeq(b.qts, DIR_STATES + 5 * 8, pieces[i]);
        check_refused(&b);
    }
    /* Told the truth, it works */
    module_prepare(b.qts);
    module_enable(b.qts);
    set_state(b.qts, vm_pa(&b.vm, VA_PAGE), FREED);
    rig_run(&b);
    qobject_unref(the_finding(b.qts));
    qtest_quit(b.qts);
}

/* When the memory map changes, what is shown is looked at anew */
static void test_memory_changes(void)
{
    Rig b;

    rig_start(&b);
    module_enable(b.qts);
    /* It moves its pieces: noticed with the next change, not before */
    qtest_writeq(b.qts, DIR_STATES, STATES + N_STATES * 0x1000);
    qtest_memset(b.qts, STATES + N_STATES * 0x1000, FREED, 0x1000);
    /* A flash chip that is sent a command is not memory for a while */
    qtest_writeb(b.qts, FLASH, 0x98);
    g_assert_cmphex(check_read(b.qts, STATUS), ==, ENABLED);
    set_state(b.qts, vm_pa(&b.vm, VA_PAGE), FREED);
    rig_run(&b);
    qobject_unref(the_finding(b.qts));

    qtest_writeq(b.qts, DIR_STATES + 8, RAM_NOTHING);
    g_assert_cmphex(check_read(b.qts, STATUS), ==, ENABLED);
    qtest_writeb(b.qts, FLASH, 0xff);
    g_assert_cmphex(check_read(b.qts, STATUS), ==, REFUSED);
    rig_run(&b);
    qobject_unref(the_finding(b.qts));
    qtest_quit(b.qts);
}

/* A ring and symbols of anything, with one record of the frame of @pa */
static void write_junk(QTestState *qts, GRand *rand, uint64_t pa)
{
    uint32_t junk[0x800];

    for (int i = 0; i < ARRAY_SIZE(junk); i++) {
        junk[i] = g_rand_int(rand);
    }
    qtest_memwrite(qts, RECORDS, junk, sizeof(junk));
    qtest_memwrite(qts, NAMES, junk, 0x1000);
    write_record(qts, g_rand_int(rand) + 1ULL, pa,
                 g_rand_int_range(rand, 0, 256), "\n\x1b\xff\xfe!");
    if (junk[0] & 1) {
        write_directory(qts, DIR_RING, junk[1] & ~0xfffULL, 1);
    }
}

/* Records that are not where they are said to be, or are nonsense */
static void test_records(void)
{
    static const uint64_t rings[] = {
        RAM_NOTHING, UART, CHECK_BASE, UINT64_MAX - 7, RAM_END - 8, 0,
    };
    g_autoptr(GRand) rand = g_rand_new_with_seed(4);
    QList *list;
    uint64_t pa;
    QDict *f;
    Rig b;

    rig_start(&b);
    /* Each run accesses another page, so that its record is asked for */
    for (int i = 0; i < ARRAY_SIZE(rings) + 20; i++) {
        uint64_t count = count_findings(b.qts);

        pa = vm_pa(&b.vm, VA_DATA + i * 0x1000);
        module_prepare(b.qts);
        if (i < ARRAY_SIZE(rings)) {
            check_write64(b.qts, RING, rings[i]);
            check_write64(b.qts, SYMBOLS, rings[i]);
            check_write(b.qts, RING_PAGES, 4096);
            check_write(b.qts, SYMBOL_PAGES, 1024);
        } else {
            write_junk(b.qts, rand, pa);
        }
        module_enable(b.qts);
        set_state(b.qts, pa, FREED);
        rig_read_from(&b, VA_DATA + i * 0x1000);
        rig_run(&b);
        g_assert_cmpuint(count_findings(b.qts), >, count);
        check_write(b.qts, CONTROL, 0);
    }
    list = findings(b.qts, &(uint64_t) { 0 });
    for (int i = 0; i < ARRAY_SIZE(rings); i++) {
        f = qobject_to(QDict, qlist_pop(list));
        g_assert_false(qdict_haskey(f, "freed"));
        qobject_unref(f);
    }
    qobject_unref(list);
    qtest_quit(b.qts);

    /* What the guest calls things is printed whatever it is */
    rig_start(&b);
    module_enable(b.qts);
    pa = vm_pa(&b.vm, VA_PAGE);
    write_record(b.qts, 1, pa, 0, "a\n\x1b\xff no end of text");
    write_symbol(b.qts, 0, 0xffff800080001234, "x\r\"\\\x80");
    set_state(b.qts, pa, FREED);
    rig_run(&b);
    f = the_finding(b.qts);
    g_assert_cmpstr(qdict_get_str(qdict_get_qdict(f, "freed"), "comm"), ==,
                    "a??? no end of ");
    g_assert_nonnull(strstr(qdict_get_str(f, "text"), "x?\"\\? < "));
    qobject_unref(f);
    qtest_quit(b.qts);
}

/* --- Migration --- */

static void test_migration(void)
{
    g_autofree char *path = NULL;
    g_autofree char *status = NULL;
    QTestState *to;
    Rig b;

    rig_start(&b);
    module_enable(b.qts);
    set_state(b.qts, vm_pa(&b.vm, VA_PAGE), FREED);
    to = gpu_start_destination(PROPS, gpu_read64(b.qts, TIMESTAMP));
    path = gpu_save(b.qts);
    status = gpu_load(to, path);
    g_assert_cmpstr(status, ==, "completed");
    unlink(path);
    qtest_quit(b.qts);

    b.qts = b.d.qts = b.vm.qts = b.vm.pt.qts = b.g.qts = to;
    g_assert_cmphex(check_read(to, STATUS), ==, ENABLED);
    g_assert_cmphex(check_read(to, DIRECTORY), ==, DIR_STATES);
    g_assert_cmpuint(count_findings(to), ==, 0);
    rig_run(&b);
    qobject_unref(the_finding(to));
    qtest_quit(to);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (int i = 0; i < ARRAY_SIZE(freed_cases); i++) {
        g_autofree char *path = g_strdup_printf("mali-csf/dma-check/freed/%s",
                                                freed_cases[i].name);

        qtest_add_data_func(path, &freed_cases[i], test_freed);
    }
    qtest_add_func("mali-csf/dma-check/freed/while-open",
                   test_freed_while_open);
    qtest_add_func("mali-csf/dma-check/frames", test_frames);
    qtest_add_func("mali-csf/dma-check/registers", test_registers);
    qtest_add_func("mali-csf/dma-check/refused", test_refused);
    qtest_add_func("mali-csf/dma-check/memory-changes", test_memory_changes);
    qtest_add_func("mali-csf/dma-check/records", test_records);
    qtest_add_func("mali-csf/dma-check/migration", test_migration);

    return g_test_run();
}
