/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QTest for the Mali CSF GPU: QMP commands that look into address spaces
 *
 * What they tell is compared with page tables that the test has written, and
 * with what accesses of the microcontroller have left in the TLB.
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qobject/qdict.h"
#include "qobject/qjson.h"
#include "qobject/qlist.h"
#include "qobject/qnum.h"
#include "qemu/bswap.h"
#include "mali-csf-util.h"

/* Attribute bytes of MEMATTR_COHERENT */
#define ATTR_0                  0x4c
#define ATTR_1                  0x9f

#define VA                      0x10000000ULL
#define VA_END                  BIT_ULL(48)
/* A PL011, whose first register it matters to have read */
#define UART                    0x09000000ULL
/* What a command answers with at most when it is not told how much */
#define DEFAULT_LIMIT           1000
#define MAX_LIMIT               10000

/* --- Commands --- */

static QDict *peek(QTestState *qts, const char *command, const char *args)
{
    return qtest_qmp_assert_success_ref(
        qts, "{'execute': %s, 'arguments': %p}", command,
        qobject_from_json(args, &error_abort));
}

static QDict *G_GNUC_PRINTF(3, 4) ask(QTestState *qts, const char *command,
                                      const char *fmt, ...)
{
    g_autofree char *args = NULL;
    va_list ap;

    va_start(ap, fmt);
    args = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    return peek(qts, command, args);
}

static QDict *translate(QTestState *qts, unsigned as, uint64_t va,
                        const char *access)
{
    return ask(qts, "x-mali-csf-translate",
               "{'as': %u, 'va': %" PRIu64 ", 'access': '%s'}", as, va, access);
}

static uint64_t get(const QDict *d, const char *key)
{
    g_assert_true(qdict_haskey(d, key));
    return qnum_get_uint(qobject_to(QNum, qdict_get(d, key)));
}

/* --- Translate --- */

/* What one side of an answer must be; @pa 0: none */
static void check_side(const QDict *answer, const char *side,
                       uint8_t exception, uint64_t pa, const char *rights)
{
    QDict *t = qdict_get_qdict(answer, side);

    g_assert_cmphex(get(t, "exception"), ==, exception);
    g_assert_cmpint(qdict_haskey(t, "pa"), ==, !!pa);
    g_assert_cmpint(qdict_haskey(t, "size"), ==, !!pa);
    g_assert_cmpint(qdict_haskey(t, "attr"), ==, !!pa);
    if (pa) {
        g_assert_cmphex(get(t, "pa"), ==, pa);
        g_assert_cmpint(qdict_get_bool(t, "readable"), ==,
                        !!strchr(rights, 'r'));
        g_assert_cmpint(qdict_get_bool(t, "writable"), ==,
                        !!strchr(rights, 'w'));
        g_assert_cmpint(qdict_get_bool(t, "executable"), ==,
                        !!strchr(rights, 'x'));
    }
}

static void check_answer(QDict *answer, const char *source, bool stale)
{
    g_assert_cmpstr(qdict_get_str(answer, "source"), ==, source);
    g_assert_cmpint(qdict_get_bool(answer, "stale"), ==, stale);
}

/* What the tables say, of every kind of page and of access */
static void test_translate(void)
{
    static const struct {
        int level;
        uint64_t desc;
        uint64_t size;
        const char *rights;
        uint8_t attr;
        /* By access, as MALI_ACCESS_* are numbered */
        uint8_t exceptions[4];
    } pages[] = {
        { 3, PTE_LEAF | PTE_PAGE, 0x1000, "rw", ATTR_0, { 0, 0xcb, 0, 0 } },
        { 3, (PTE_LEAF & ~PTE_XN) | PTE_PAGE | PTE_READ_ONLY | PTE_ATTR(1),
          0x1000, "rx", ATTR_1, { 0xcb, 0, 0, 0xcb } },
        { 2, PTE_LEAF | PTE_BLOCK, 0x200000, "rw", ATTR_0,
          { 0, 0xca, 0, 0 } },
        { 1, (PTE_LEAF & ~PTE_UNPRIV & ~PTE_XN) | PTE_BLOCK, 0x40000000, "x",
          ATTR_0, { 0xc9, 0, 0xc9, 0xc9 } },
    };
    static const char *const accesses[] = {
        "atomic", "execute", "read", "write",
    };
    QTestState *qts = gpu_start("");

    for (int i = 0; i < ARRAY_SIZE(pages); i++) {
        PageTables pt = pt_new(qts, RAM_TABLES);
        uint64_t pa = 0x40000000;

        pt_set(&pt, 0x40000000, pages[i].level, pa | pages[i].desc);
        gpu_as_config(qts, 3, pt.root, MEMATTR_COHERENT, TRANSCFG_48);
        for (int a = 0; a < ARRAY_SIZE(accesses); a++) {
            QDict *answer = translate(qts, 3, 0x40000123, accesses[a]);
            QDict *fresh = qdict_get_qdict(answer, "fresh");

            check_answer(answer, "tables", false);
            check_side(answer, "cached", pages[i].exceptions[a], pa + 0x123,
                       pages[i].rights);
            check_side(answer, "fresh", pages[i].exceptions[a], pa + 0x123,
                       pages[i].rights);
            g_assert_cmphex(get(fresh, "size"), ==, pages[i].size);
            g_assert_cmphex(get(fresh, "attr"), ==, pages[i].attr);
            g_assert_cmpint(get(fresh, "level"), ==, pages[i].level);
            qobject_unref(answer);
        }
    }
    qtest_quit(qts);
}

/* Without tables: by the mode alone, whatever root is still in the register */
static void test_translate_mode(void)
{
    static const struct {
        uint64_t transcfg;
        uint8_t exception;
        uint64_t pa;
    } modes[] = {
        { TRANSCFG_UNMAPPED, 0xc0, 0 },
        { 2, 0, VA },           /* IDENTITY */
    };
    QTestState *qts = gpu_start("");
    PageTables pt = pt_new(qts, RAM_TABLES);
    QDict *answer;

    pt_map(&pt, VA, RAM_SECTION, 0x1000, PTE_LEAF);
    for (int i = 0; i < ARRAY_SIZE(modes); i++) {
        gpu_as_config(qts, 1, pt.root, MEMATTR_COHERENT, modes[i].transcfg);
        answer = translate(qts, 1, VA, "read");
        check_answer(answer, "mode", false);
        check_side(answer, "cached", modes[i].exception, modes[i].pa, "rwx");
        check_side(answer, "fresh", modes[i].exception, modes[i].pa, "rwx");
        qobject_unref(answer);
    }
    gpu_as_config(qts, 1, pt.root, MEMATTR_COHERENT, TRANSCFG_48);
    answer = translate(qts, 1, VA, "read");
    check_answer(answer, "tables", false);
    qobject_unref(answer);
    qtest_quit(qts);
}

/* The cache and the tables, at each step of a change in them */
static void test_translate_stale(void)
{
    QTestState *qts = gpu_start("");
    PageTables pt = fw_prepare(qts, FW_SHARED_SIZE);
    QDict *answer;

    fw_boot(qts, NS_COLD_BOOT);
    answer = translate(qts, 0, FW_INPUT, "read");
    check_answer(answer, "tlb", false);
    qobject_unref(answer);

    pt_set(&pt, FW_INPUT, 3, RAM_SECTION_B | PTE_LEAF | PTE_PAGE);
    answer = translate(qts, 0, FW_INPUT + 4, "read");
    check_answer(answer, "tlb", true);
    check_side(answer, "cached", 0, RAM_SECTION + FW_INPUT - FW_SHARED + 4,
               "rw");
    check_side(answer, "fresh", 0, RAM_SECTION_B + 4, "rw");
    g_assert_false(qdict_get_bool(answer, "locked"));
    qobject_unref(answer);

    /* The same page with other rights is stale too */
    pt_set(&pt, FW_OUTPUT, 3, pt_get(&pt, FW_OUTPUT, 3) | PTE_READ_ONLY);
    answer = translate(qts, 0, FW_OUTPUT, "read");
    check_answer(answer, "tlb", true);
    qobject_unref(answer);

    gpu_as_lock(qts, 0, FW_SHARED, 15);
    answer = translate(qts, 0, FW_INPUT, "read");
    check_answer(answer, "tlb", true);
    g_assert_true(qdict_get_bool(answer, "locked"));
    qobject_unref(answer);
    answer = translate(qts, 0, FW_SHARED + 0x8000, "read");
    g_assert_false(qdict_get_bool(answer, "locked"));
    qobject_unref(answer);

    gpu_as_command(qts, 0, CMD_UNLOCK);
    answer = translate(qts, 0, FW_INPUT, "read");
    g_assert_cmpstr(qdict_get_str(answer, "source"), !=, "tlb");
    g_assert_false(qdict_get_bool(answer, "stale"));
    check_side(answer, "cached", 0, RAM_SECTION_B, "rw");
    qobject_unref(answer);
    qtest_quit(qts);
}

/* A table that was taken out of use still leads to what is in it */
static void test_translate_walk_cache(void)
{
    QTestState *qts = gpu_start("");
    PageTables pt = fw_prepare(qts, FW_SHARED_SIZE);
    /* In the table of the shared section, and never accessed */
    uint64_t va = FW_SHARED + FW_SHARED_SIZE + 0x10000;
    QDict *answer;

    pt_map(&pt, va, RAM_SECTION_B, 0x1000, PTE_LEAF);
    fw_boot(qts, NS_COLD_BOOT);
    answer = translate(qts, 0, va, "read");
    check_answer(answer, "walk-cache", false);
    qobject_unref(answer);

    pt_set(&pt, va, 2, 0);
    answer = translate(qts, 0, va, "read");
    check_answer(answer, "walk-cache", true);
    check_side(answer, "cached", 0, RAM_SECTION_B, "rw");
    check_side(answer, "fresh", 0xc2, 0, "");
    qobject_unref(answer);
    qtest_quit(qts);
}

/* Nothing that can be seen of the GPU is different afterwards */
static void test_no_trace(void)
{
    QTestState *qts = gpu_start("");
    PageTables pt = fw_prepare(qts, FW_SHARED_SIZE);
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;
    uint64_t kept;
    QDict *answer;

    pt_map(&pt, VA, RAM_SECTION_B, 0x10000, PTE_LEAF);
    fw_boot(qts, NS_COLD_BOOT);
    before = gpu_snapshot(qts);
    answer = ask(qts, "x-mali-csf-tlb", "{'as': 0}");
    kept = get(answer, "total");
    g_assert_cmpuint(kept, >, 0);
    qobject_unref(answer);

    qobject_unref(translate(qts, 0, VA, "write"));
    qobject_unref(translate(qts, 0, VA + 0x20000, "write"));
    qobject_unref(translate(qts, 0, UINT64_MAX, "atomic"));
    qobject_unref(translate(qts, 7, 0, "execute"));
    qobject_unref(ask(qts, "x-mali-csf-mappings", "{'as': 0}"));

    answer = ask(qts, "x-mali-csf-tlb", "{'as': 0}");
    g_assert_cmpuint(get(answer, "total"), ==, kept);
    qobject_unref(answer);
    after = gpu_snapshot(qts);
    g_assert_cmpstr(before, ==, after);
    qtest_quit(qts);
}

/* --- Mappings --- */

/* One range as text: "VA+SIZE PA[~] RIGHTS ATTR", or "VA+SIZE !EXCEPTION" */
static void range_text(GString *out, const QDict *r)
{
    g_string_append_printf(out, "%" PRIx64 "+%" PRIx64 " ", get(r, "va"),
                           get(r, "size"));
    if (get(r, "exception")) {
        g_assert_false(qdict_haskey(r, "pa"));
        g_string_append_printf(out, "!%" PRIx64 "\n", get(r, "exception"));
        return;
    }
    g_string_append_printf(out, "%" PRIx64 "%s %s%s%s %" PRIx64 "\n",
                           get(r, "pa"),
                           qdict_get_bool(r, "contiguous") ? "" : "~",
                           qdict_get_bool(r, "readable") ? "r" : "",
                           qdict_get_bool(r, "writable") ? "w" : "",
                           qdict_get_bool(r, "executable") ? "x" : "",
                           get(r, "attr"));
}

/* Everything that is mapped from @first on, @limit ranges in an answer */
static char *all_ranges(QTestState *qts, unsigned as, uint64_t first,
                        unsigned limit, bool split)
{
    GString *out = g_string_new(NULL);
    bool more = true;

    while (more) {
        QDict *answer = ask(qts, "x-mali-csf-mappings",
                            "{'as': %u, 'first': %" PRIu64 ", 'limit': %u,"
                            " 'split': %s}", as, first, limit,
                            split ? "true" : "false");
        QList *ranges = qdict_get_qlist(answer, "ranges");
        QListEntry *e;

        g_assert_cmpuint(qlist_size(ranges), <=, limit);
        QLIST_FOREACH_ENTRY(ranges, e) {
            range_text(out, qobject_to(QDict, qlist_entry_obj(e)));
        }
        more = qdict_haskey(answer, "next");
        if (more) {
            g_assert_cmphex(get(answer, "next"), >, first);
            first = get(answer, "next");
        }
        qobject_unref(answer);
    }
    return g_string_free(out, false);
}

static void check_ranges(QTestState *qts, unsigned as, uint64_t first,
                         bool split, const char *want)
{
    static const unsigned limits[] = { 1, 2, DEFAULT_LIMIT, MAX_LIMIT };

    for (int i = 0; i < ARRAY_SIZE(limits); i++) {
        g_autofree char *got = all_ranges(qts, as, first, limits[i], split);

        g_assert_cmpstr(got, ==, want);
    }
}

static void test_mappings(void)
{
    QTestState *qts = gpu_start("");
    PageTables pt = pt_new(qts, RAM_TABLES);

    /* Two pages one after the other in both, one that only follows in VA */
    pt_map(&pt, VA, RAM_SECTION, 0x2000, PTE_LEAF);
    pt_map(&pt, VA + 0x2000, RAM_SECTION_B, 0x1000, PTE_LEAF);
    /* Other rights, another attribute, each right after */
    pt_map(&pt, VA + 0x3000, RAM_SECTION_B + 0x1000, 0x1000,
           PTE_LEAF | PTE_READ_ONLY);
    pt_map(&pt, VA + 0x4000, RAM_SECTION_B + 0x2000, 0x1000,
           PTE_LEAF | PTE_READ_ONLY | PTE_ATTR(1));
    /* A hole; a block and a page that go on where it ends; a whole GiB */
    pt_set(&pt, VA + 0x200000, 2, RAM_SECTION | PTE_LEAF | PTE_BLOCK);
    pt_map(&pt, VA + 0x400000, RAM_SECTION + 0x200000, 0x1000, PTE_LEAF);
    pt_set(&pt, 0x40000000, 1,
           0x40000000 | (PTE_LEAF & ~PTE_UNPRIV & ~PTE_XN) | PTE_BLOCK);
    /* Pages that nobody may use are mapped all the same */
    pt_map(&pt, 0x80000000, RAM_SECTION, 0x1000, PTE_LEAF & ~PTE_UNPRIV);
    /* One that faults, and one whose memory attribute does, at the very end */
    pt_map(&pt, VA_END - 0x2000, RAM_SECTION, 0x1000, PTE_LEAF & ~PTE_AF);
    pt_map(&pt, VA_END - 0x1000, RAM_SECTION, 0x1000, PTE_LEAF | PTE_ATTR(7));
    gpu_as_config(qts, 2, pt.root, MEMATTR_COHERENT | 0xc000000000000000ULL,
                  TRANSCFG_48);

    check_ranges(qts, 2, 0, false,
                 "10000000+3000 42000000~ rw 4c\n"
                 "10003000+1000 43001000 r 4c\n"
                 "10004000+1000 43002000 r 9f\n"
                 "10200000+201000 42000000 rw 4c\n"
                 "40000000+40000000 40000000 x 4c\n"
                 "80000000+1000 42000000  4c\n"
                 "ffffffffe000+1000 !db\n"
                 "fffffffff000+1000 !eb\n");
    check_ranges(qts, 2, 0, true,
                 "10000000+2000 42000000 rw 4c\n"
                 "10002000+1000 43000000 rw 4c\n"
                 "10003000+1000 43001000 r 4c\n"
                 "10004000+1000 43002000 r 9f\n"
                 "10200000+201000 42000000 rw 4c\n"
                 "40000000+40000000 40000000 x 4c\n"
                 "80000000+1000 42000000  4c\n"
                 "ffffffffe000+1000 !db\n"
                 "fffffffff000+1000 !eb\n");
    /* From the middle of a page on */
    check_ranges(qts, 2, VA_END - 0x1800, false,
                 "ffffffffe800+800 !db\n"
                 "fffffffff000+1000 !eb\n");
    check_ranges(qts, 2, 0x7ffff800, false,
                 "7ffff800+800 7ffff800 x 4c\n"
                 "80000000+1000 42000000  4c\n"
                 "ffffffffe000+1000 !db\n"
                 "fffffffff000+1000 !eb\n");
    check_ranges(qts, 2, VA_END, false, "");
    check_ranges(qts, 2, UINT64_MAX, false, "");
    qtest_quit(qts);
}

/* Address spaces without page tables */
static void test_mappings_modes(void)
{
    QTestState *qts = gpu_start("");

    check_ranges(qts, 1, 0, false, "");
    gpu_as_config(qts, 1, 0, 0, TRANSCFG_UNMAPPED);
    check_ranges(qts, 1, 0, false, "");
    /* Identity: the whole of the physical addresses */
    gpu_as_config(qts, 1, 0, 0, 2);
    check_ranges(qts, 1, 0, false, "0+10000000000 0 rwx 0\n");
    check_ranges(qts, 1, 0x41000000, false,
                 "41000000+ffbf000000 41000000 rwx 0\n");
    qtest_quit(qts);
}

/* Tables of no address space, while the one that is asked for has others */
static void test_mappings_table(void)
{
    QTestState *qts = gpu_start("");
    PageTables mine = pt_new(qts, RAM_TABLES);
    PageTables other = pt_new(qts, RAM_TABLES + 0x100000);
    g_autofree char *before = NULL, *after = NULL;
    GString *out = g_string_new(NULL);
    QListEntry *e;
    QDict *answer;

    pt_map(&mine, VA, RAM_SECTION, 0x1000, PTE_LEAF | PTE_ATTR(7));
    pt_map(&mine, VA + 0x1000, RAM_SECTION_B, 0x1000, PTE_LEAF | PTE_ATTR(7));
    pt_map(&mine, VA_END - 0x1000, RAM_SECTION, 0x1000, PTE_LEAF & ~PTE_AF);
    pt_map(&other, VA, RAM_SECTION_B, 0x1000, PTE_LEAF);
    gpu_as_config(qts, 1, other.root, MEMATTR_COHERENT, TRANSCFG_48);
    before = gpu_snapshot(qts);
    answer = ask(qts, "x-mali-csf-mappings",
                 "{'as': 1, 'split': true, 'table': %" PRIu64 "}", mine.root);
    QLIST_FOREACH_ENTRY(qdict_get_qlist(answer, "ranges"), e) {
        range_text(out, qobject_to(QDict, qlist_entry_obj(e)));
    }
    g_assert_cmpstr(out->str, ==,
                    "10000000+1000 42000000 rw 0\n"
                    "10001000+1000 43000000 rw 0\n"
                    "fffffffff000+1000 !db\n");
    g_assert_false(qdict_haskey(answer, "next"));
    after = gpu_snapshot(qts);
    g_assert_cmpstr(before, ==, after);
    check_ranges(qts, 1, 0, false, "10000000+1000 43000000 rw 4c\n");
    qobject_unref(answer);
    g_string_free(out, true);
    qtest_quit(qts);
}

/* --- Tables that were not made in good faith --- */

/* Every descriptor of the only table leads to that table */
static void test_mappings_loop(void)
{
    QTestState *qts = gpu_start("");
    uint64_t first = 0;
    QDict *answer;

    for (int i = 0; i < 512; i++) {
        qtest_writeq(qts, RAM_TABLES + i * 8, RAM_TABLES | PTE_TABLE |
                     PTE_UNPRIV | PTE_AF);
    }
    gpu_as_config(qts, 1, RAM_TABLES, MEMATTR_COHERENT, TRANSCFG_48);
    /* All of 256 TiB is mapped: in one range, a part of it in an answer */
    for (int i = 0; i < 3; i++) {
        QList *ranges;
        QDict *range;

        answer = ask(qts, "x-mali-csf-mappings",
                     "{'as': 1, 'first': %" PRIu64 "}", first);
        ranges = qdict_get_qlist(answer, "ranges");
        g_assert_cmpuint(qlist_size(ranges), ==, 1);
        range = qobject_to(QDict, qlist_peek(ranges));
        g_assert_cmphex(get(range, "va"), ==, first);
        g_assert_cmphex(get(range, "pa"), ==, RAM_TABLES);
        g_assert_cmphex(get(answer, "next"), ==,
                        first + get(range, "size"));
        g_assert_cmphex(get(answer, "next"), >, first);
        g_assert_cmphex(get(range, "size"), <=, 1ULL << 30);
        g_assert_false(qdict_get_bool(range, "contiguous"));
        first = get(answer, "next");
        qobject_unref(answer);
    }
    /* Split, every page is a range */
    answer = ask(qts, "x-mali-csf-mappings", "{'as': 1, 'split': true}");
    g_assert_cmpuint(qlist_size(qdict_get_qlist(answer, "ranges")), ==,
                     DEFAULT_LIMIT);
    g_assert_cmphex(get(answer, "next"), ==, DEFAULT_LIMIT * 0x1000);
    qobject_unref(answer);

    check_ranges(qts, 1, VA_END - 0x1000, false,
                 "fffffffff000+1000 41000000 rwx 4c\n");
    qtest_quit(qts);
}

/* Tables in devices are not read: the GPU reaches memory only */
static void test_mappings_devices(void)
{
    QTestState *qts = gpu_start("");
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;
    PageTables pt = pt_new(qts, RAM_TABLES);

    pt_set(&pt, 0, 0, GPU_BASE | PTE_TABLE);
    pt_set(&pt, 2 * BIT_ULL(39), 1, UART | PTE_TABLE);
    pt_set(&pt, 4 * BIT_ULL(39), 2, RAM_NOTHING | PTE_TABLE);
    gpu_as_config(qts, 1, pt.root, MEMATTR_COHERENT, TRANSCFG_48);
    before = gpu_snapshot(qts);
    check_ranges(qts, 1, 0, false,
                 "0+8000000000 !80\n"
                 "10000000000+40000000 !80\n"
                 "20000000000+200000 !80\n");
    after = gpu_snapshot(qts);
    g_assert_cmpstr(before, ==, after);
    /* The root itself */
    gpu_as_config(qts, 2, GPU_BASE, MEMATTR_COHERENT, TRANSCFG_48);
    check_ranges(qts, 2, 0, false, "0+1000000000000 !80\n");
    qtest_quit(qts);
}

/* Whatever the registers and the tables hold, an answer comes */
static void test_mappings_random(void)
{
    QTestState *qts = gpu_start("");
    g_autoptr(GRand) rand = g_rand_new_with_seed(20);
    uint64_t tables[4 * 512];

    for (int i = 0; i < 40; i++) {
        for (int d = 0; d < ARRAY_SIZE(tables); d++) {
            uint64_t desc = g_rand_int(rand) |
                            (uint64_t)g_rand_int(rand) << 32;

            /* Mostly leads back to the few pages that hold these tables */
            if (g_rand_int_range(rand, 0, 4)) {
                desc = (desc & 0x7fe0000000000fff) | PTE_VALID |
                       (RAM_TABLES + g_rand_int_range(rand, 0, 4) * 0x1000);
            }
            tables[d] = cpu_to_le64(desc);
        }
        qtest_memwrite(qts, RAM_TABLES, tables, sizeof(tables));
        gpu_as_config(qts, 1, RAM_TABLES, g_rand_int(rand),
                      i % 4 ? TRANSCFG_48
                            : g_rand_int(rand) | (uint64_t)g_rand_int(rand)
                              << 32);
        qobject_unref(ask(qts, "x-mali-csf-mappings", "{'as': 1}"));
        qobject_unref(ask(qts, "x-mali-csf-mappings",
                          "{'as': 1, 'first': %" PRIu64 ", 'split': true}",
                          (uint64_t)g_rand_int(rand) << g_rand_int_range(
                              rand, 0, 32)));
        qobject_unref(translate(qts, 1, g_rand_int(rand), "atomic"));
    }
    qtest_quit(qts);
}

/* --- TLB --- */

/* Every entry once, by address, whatever an answer is limited to */
static void check_tlb(QTestState *qts, unsigned limit, const char *want)
{
    g_autoptr(GString) out = g_string_new(NULL);
    uint64_t first = 0, total, n = 0;
    bool more = true;

    while (more) {
        QDict *answer = ask(qts, "x-mali-csf-tlb",
                            "{'as': 0, 'first': %" PRIu64 ", 'limit': %u}",
                            first, limit);
        QListEntry *i;

        QLIST_FOREACH_ENTRY(qdict_get_qlist(answer, "entries"), i) {
            QDict *e = qobject_to(QDict, qlist_entry_obj(i));
            bool table = qdict_get_bool(e, "table");

            n++;
            g_string_append_printf(out, "%" PRIx64 "+%" PRIx64 " %s%"
                                   PRIx64 " %" PRIx64 " at %" PRIx64,
                                   get(e, "va"), get(e, "size"),
                                   table ? "table " : "", get(e, "level"),
                                   get(e, "pa"), get(e, "descriptor"));
            g_assert_cmpint(qdict_haskey(e, "readable"), ==, !table);
            g_assert_cmpint(qdict_haskey(e, "attr"), ==, !table);
            if (!table) {
                g_string_append_printf(out, " %s%s%s %" PRIx64,
                                       qdict_get_bool(e, "readable") ? "r" : "",
                                       qdict_get_bool(e, "writable") ? "w" : "",
                                       qdict_get_bool(e, "executable") ? "x"
                                                                       : "",
                                       get(e, "attr"));
            }
            g_string_append_c(out, '\n');
        }
        total = get(answer, "total");
        more = qdict_haskey(answer, "next");
        if (more) {
            g_assert_cmphex(get(answer, "next"), >, first);
            first = get(answer, "next");
        }
        qobject_unref(answer);
    }
    g_assert_cmpstr(out->str, ==, want);
    g_assert_cmpuint(n, ==, total);
}

static void test_tlb(void)
{
    QTestState *qts = gpu_start("");
    PageTables pt = fw_prepare(qts, FW_SHARED_SIZE);
    uint64_t table[PT_LEVELS];
    g_autoptr(GString) want = g_string_new(NULL);
    int64_t now;
    QDict *answer, *e;

    check_tlb(qts, 1, "");
    gpu_write(qts, MCU_CONTROL, MCU_AUTO);
    now = qtest_clock_step(qts, NS_COLD_BOOT);

    table[0] = pt.root;
    for (int l = 1; l < PT_LEVELS; l++) {
        table[l] = pt_get(&pt, FW_SHARED, l - 1) & PTE_ADDR;
        g_string_append_printf(want, "%" PRIx64 "+%" PRIx64 " table %x %"
                               PRIx64 " at %" PRIx64 "\n",
                               (uint64_t)(l == PT_LEVELS - 1 ? FW_SHARED : 0),
                               0x8000000000ULL >> 9 * (l - 1), l, table[l],
                               pt_slot(&pt, FW_SHARED, l - 1));
    }
    /* The boot writes the control and the output blocks, page by page */
    for (uint64_t va = FW_SHARED; va < FW_SHARED + 0xc000; va += 0x1000) {
        if (va >= FW_INPUT && va < FW_OUTPUT) {
            continue;
        }
        g_string_append_printf(want, "%" PRIx64 "+1000 3 %" PRIx64 " at %"
                               PRIx64 " rw 4c\n", va,
                               RAM_SECTION + va - FW_SHARED,
                               pt_slot(&pt, va, 3));
    }
    check_tlb(qts, 1, want->str);
    check_tlb(qts, 3, want->str);
    check_tlb(qts, MAX_LIMIT, want->str);

    answer = ask(qts, "x-mali-csf-tlb", "{'as': 0, 'first': %u}", FW_OUTPUT);
    e = qobject_to(QDict, qlist_peek(qdict_get_qlist(answer, "entries")));
    g_assert_cmphex(get(e, "va"), ==, FW_OUTPUT);
    g_assert_cmpint(get(e, "time-ns"), ==, now);
    g_assert_cmpuint(get(e, "serial"), >, 0);
    qobject_unref(answer);

    /* Of one address space: another has none of these */
    answer = ask(qts, "x-mali-csf-tlb", "{'as': 1}");
    g_assert_cmpuint(get(answer, "total"), ==, 0);
    g_assert_true(qlist_empty(qdict_get_qlist(answer, "entries")));
    qobject_unref(answer);

    gpu_as_changed(qts, 0);
    check_tlb(qts, 1, "");
    qtest_quit(qts);
}

/* --- Arguments --- */

static void check_refused(QTestState *qts, const char *command,
                          const char *args, const char *why)
{
    QDict *rsp = qtest_qmp(qts, "{'execute': %s, 'arguments': %p}", command,
                           qobject_from_json(args, &error_abort));

    g_assert_true(qdict_haskey(rsp, "error"));
    g_assert_cmpstr(qdict_get_str(qdict_get_qdict(rsp, "error"), "desc"), ==,
                    why);
    qobject_unref(rsp);
}

static void test_arguments(void)
{
    static const char *const listing[] = {
        "x-mali-csf-mappings", "x-mali-csf-tlb",
    };
    QTestState *qts = gpu_start("as-count=5");

    check_refused(qts, "x-mali-csf-translate", "{'as': 5, 'va': 0}",
                  "There is no address space 5: the device has 5");
    qobject_unref(ask(qts, "x-mali-csf-translate", "{'as': 4, 'va': 0}"));
    for (int i = 0; i < ARRAY_SIZE(listing); i++) {
        check_refused(qts, listing[i], "{'as': 4294967295}",
                      "There is no address space 4294967295: the device has 5");
        check_refused(qts, listing[i], "{'as': 1, 'limit': 0}",
                      "'limit' must be 1 to 10000");
        check_refused(qts, listing[i], "{'as': 1, 'limit': 10001}",
                      "'limit' must be 1 to 10000");
        check_refused(qts, listing[i], "{'as': 1, 'qom-path': '/machine'}",
                      "'/machine' is not a mali-csf device");
        check_refused(qts, listing[i], "{'as': 1, 'qom-path': 'nobody'}",
                      "'nobody' is not a mali-csf device");
        qobject_unref(ask(qts, listing[i], "{'as': 1, 'qom-path': 'gpu'}"));
        qobject_unref(ask(qts, listing[i],
                          "{'as': 1, 'qom-path': '" GPU_PATH "'}"));
    }
    qtest_quit(qts);
}

static void test_devices(void)
{
    QTestState *qts = qtest_init("-machine virt,gic-version=3 -nodefaults");

    check_refused(qts, "x-mali-csf-tlb", "{'as': 0}",
                  "There is no mali-csf device");
    qtest_quit(qts);

    qts = gpu_start_args("as-count=3", "-device mali-csf,id=other,as-count=4");
    check_refused(qts, "x-mali-csf-tlb", "{'as': 0}",
                  "There are several mali-csf devices that this may mean: "
                  "name one with 'qom-path'");
    check_refused(qts, "x-mali-csf-tlb", "{'as': 3, 'qom-path': 'gpu'}",
                  "There is no address space 3: the device has 3");
    qobject_unref(ask(qts, "x-mali-csf-tlb", "{'as': 3, 'qom-path': 'other'}"));
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    qtest_add_func("mali-csf/peek/translate", test_translate);
    qtest_add_func("mali-csf/peek/translate-mode", test_translate_mode);
    qtest_add_func("mali-csf/peek/translate-stale", test_translate_stale);
    qtest_add_func("mali-csf/peek/translate-walk-cache",
                   test_translate_walk_cache);
    qtest_add_func("mali-csf/peek/no-trace", test_no_trace);
    qtest_add_func("mali-csf/peek/mappings", test_mappings);
    qtest_add_func("mali-csf/peek/mappings-modes", test_mappings_modes);
    qtest_add_func("mali-csf/peek/mappings-table", test_mappings_table);
    qtest_add_func("mali-csf/peek/mappings-loop", test_mappings_loop);
    qtest_add_func("mali-csf/peek/mappings-devices", test_mappings_devices);
    qtest_add_func("mali-csf/peek/mappings-random", test_mappings_random);
    qtest_add_func("mali-csf/peek/tlb", test_tlb);
    qtest_add_func("mali-csf/peek/arguments", test_arguments);
    qtest_add_func("mali-csf/peek/devices", test_devices);

    return g_test_run();
}
