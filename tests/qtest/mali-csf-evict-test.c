/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU: what eviction and restore cost, without an
 * operating system
 *
 * The test plays panthor_vm_evict_bo_mappings_locked() and
 * panthor_vm_restore_vmas(), with a GPU that is slow in each way that is in
 * their way, while two queues want other pages of the locked region and a third
 * one works in another VM; also in a wrong order, and with hardware that does
 * not do what it says.  What the device counted is compared with what has to
 * come of it, and printed as a table.
 */

#include "qemu/osdep.h"
#include "mali-csf-inject.h"
#include "mali-csf-tlb.h"

/* Pages of the buffer, the others of its region, and the region */
#define BO_PAGES                8
#define ALL_PAGES               16
#define REGION_LOG2             16
#define QUEUES                  2
#define MS                      1000000LL

/* What the CPU, or another user of the page, finds or puts there */
#define WRITTEN(n)              (0x77770000 | (n))
#define REUSED(n)               (0x99990000 | (n))

typedef struct Case {
    const char *name;
    const char *rule;
    int64_t lock_delay;     /* which the rule makes of the parts of an update */
    int64_t flush_delay;
    int64_t wait_delay;     /* the driver learns of the flush's end later */
    int64_t unlock_delay;
    bool unlock_first;      /* and edits then */
    bool keeps_tlb;         /* nothing is dropped */
    bool keeps_data;        /* what the GPU wrote stays in its caches */
} Case;

static const Case cases[] = {
    { "sound" },
    { "lock-2ms", "as-command command=lock -> delay time=2ms",
      .lock_delay = 2 * MS },
    { "flush-20ms", "flush -> delay time=20ms", .flush_delay = 20 * MS },
    { "flush-90ms", "flush -> delay time=90ms", .flush_delay = 90 * MS },
    { "unlock-2ms", "as-command command=unlock -> delay time=2ms",
      .unlock_delay = 2 * MS },
    { "irq-5ms", "irq line=gpu bits=0x20000 -> delay time=5ms",
      .wait_delay = 5 * MS },
    { "flush-lost", "flush -> lose", .keeps_data = true },
    { "unlock-stale", "as-command command=unlock -> stale",
      .keeps_tlb = true },
    { "unlock-first", .unlock_first = true },
};

typedef struct Cost {
    int64_t total_ns, lock_ns, flush_ns, stall_ns;
    unsigned stalls, dropped, stale;
} Cost;

/* --- What the device says --- */

/* The timestamp counts nanoseconds here */
static int64_t clock_ns(const Bed *b)
{
    return gpu_read64(b->qts, TIMESTAMP);
}

/* An answer to @command from number @first on; its list @key is the caller's */
static QList *ask_list(QTestState *qts, const char *command, const char *as,
                       uint64_t number, const char *key, uint64_t *next)
{
    QDict *rsp = qtest_qmp(qts, "{ 'execute': %s, 'arguments': {"
                           "  %s: %" PRIu64 " } }", command, as, number);
    QDict *ret = qdict_get_qdict(rsp, "return");
    QList *list = qobject_ref(qdict_get_qlist(ret, key));

    if (next) {
        *next = qdict_get_int(ret, "next");
    }
    qobject_unref(rsp);
    return list;
}

static uint64_t next_period(const Bed *b)
{
    uint64_t next;

    qobject_unref(ask_list(b->qts, "x-mali-csf-periods", "first", 0, "periods",
                           &next));
    return next;
}

/* Add up what has taken time since number @first */
static void count_periods(const Bed *b, uint64_t first, Cost *cost)
{
    QList *list = ask_list(b->qts, "x-mali-csf-periods", "first", first,
                           "periods", NULL);
    unsigned stalls = 0;
    const QListEntry *e;

    QLIST_FOREACH_ENTRY(list, e) {
        const QDict *p = qobject_to(QDict, qlist_entry_obj(e));
        const char *kind = qdict_get_str(p, "kind");
        int64_t ns = qdict_get_int(p, "end-ns") - qdict_get_int(p, "begin-ns");

        if (g_str_equal(kind, "flush")) {
            cost->flush_ns += ns;
        } else if (g_str_equal(kind, "stall")) {
            g_assert_cmpint(qdict_get_int(p, "as"), ==, 1);
            g_assert_cmpint(qdict_get_int(p, "group"), ==, 0);
            cost->stall_ns += ns;
            stalls++;
        } else {
            g_assert_cmpint(qdict_get_int(p, "as"), ==, 1);
            g_assert_cmphex(qdict_get_int(p, "va"), ==, VA_TEST);
            g_assert_cmphex(qdict_get_int(p, "size"), ==, 1 << REGION_LOG2);
            cost->lock_ns += ns;
            cost->stalls += qdict_get_int(p, "stalls");
            cost->dropped += qdict_get_int(p, "dropped");
        }
    }
    g_assert_cmpuint(stalls, ==, cost->stalls);
    qobject_unref(list);
}

/* How many entries of the TLB have to do with the region */
static unsigned count_tlb(const Bed *b)
{
    QList *list = ask_list(b->qts, "x-mali-csf-tlb", "as", 1, "entries", NULL);
    const QListEntry *e;
    unsigned n = 0;

    QLIST_FOREACH_ENTRY(list, e) {
        const QDict *entry = qobject_to(QDict, qlist_entry_obj(e));
        uint64_t va = qdict_get_int(entry, "va");

        n += va < VA_TEST + (1 << REGION_LOG2) &&
             va + qdict_get_int(entry, "size") > VA_TEST;
    }
    qobject_unref(list);
    return n;
}

/* How often the checker has seen a translation that is none any more */
static unsigned count_stale(const Bed *b)
{
    QDict *rsp = qtest_qmp(b->qts, "{ 'execute': 'x-mali-csf-findings' }");
    QList *kinds = qdict_get_qlist(qdict_get_qdict(rsp, "return"), "kinds");
    const QListEntry *e;
    unsigned n = 0;

    QLIST_FOREACH_ENTRY(kinds, e) {
        const QDict *kind = qobject_to(QDict, qlist_entry_obj(e));

        if (g_str_equal(qdict_get_str(kind, "name"), "stale-translation")) {
            n = qdict_get_int(kind, "count");
        }
    }
    qobject_unref(rsp);
    return n;
}

/* --- The driver --- */

static uint64_t page_va(unsigned n)
{
    return VA_TEST + n * 0x1000;
}

static void wait_as(Bed *b)
{
    while (gpu_read(b->qts, AS(1) + AS_STATUS)) {
        qtest_clock_step_next(b->qts);
    }
}

static void wait_flush(Bed *b)
{
    while (!flushed(b->qts)) {
        qtest_clock_step_next(b->qts);
    }
}

static void unmap_pages(Bed *b)
{
    for (unsigned n = 0; n < BO_PAGES; n++) {
        pt_set(&b->vm.pt, page_va(n), 3, 0);
    }
}

static void map_elsewhere(Bed *b)
{
    for (unsigned n = 0; n < BO_PAGES; n++) {
        map_page(b, page_va(n), 1, n);
    }
}

/* Queue @j reads page @n; it comes that far before the flush is done */
static void want(Bed *b, unsigned j, unsigned n)
{
    vm_write(&b->vm, VA_RESULT + j * 4, 0xdead);
    cs_submit_words(&b->g, j, MOVE48(60, page_va(n)), LOAD(0, 60, 1, 0),
                    WAIT(0xff), MOVE48(60, VA_RESULT + j * 4),
                    STORE(0, 60, 1, 0), WAIT(0xff));
}

/* Not by the ring: while another queue waits, its end may be told later */
static uint32_t got(Bed *b, unsigned j)
{
    uint64_t va = VA_RESULT + j * 4;

    for (int64_t t = 0; t < NS_JOB && vm_read(&b->vm, va) == 0xdead;
         t += NS_LOOK) {
        qtest_clock_step(b->qts, NS_LOOK);
    }
    return vm_read(&b->vm, va);
}

/*
 * panthor_vm_lock_region(), the edit, panthor_vm_unlock_region(); queues want
 * the pages from @wanted on meanwhile.  Says how many entries were to go.
 */
static unsigned update(Bed *b, const Case *c, void (*edit)(Bed *b),
                       unsigned wanted, Cost *cost)
{
    uint64_t first = next_period(b);
    int64_t begin = clock_ns(b);
    unsigned cached;

    gpu_write64(b->qts, AS(1) + AS_LOCKADDR, VA_TEST | (REGION_LOG2 - 1));
    gpu_write(b->qts, AS(1) + AS_COMMAND, CMD_LOCK);
    wait_as(b);
    if (!c->unlock_first) {
        edit(b);
    }
    for (unsigned j = 0; j < QUEUES; j++) {
        want(b, j, wanted + j);
    }
    flush(b->qts);
    wait_flush(b);
    cached = count_tlb(b);
    gpu_write(b->qts, AS(1) + AS_COMMAND, CMD_UNLOCK);
    wait_as(b);
    cost->total_ns = clock_ns(b) - begin;
    count_periods(b, first, cost);
    return cached;
}

static void check_cost(const Case *c, const Cost *cost, unsigned cached)
{
    g_assert_cmpint(cost->flush_ns, ==, NS_FLUSH + c->flush_delay);
    g_assert_cmpint(cost->lock_ns, ==, cost->flush_ns + c->wait_delay +
                                       NS_AS_COMMAND + c->unlock_delay);
    g_assert_cmpint(cost->total_ns, ==, cost->lock_ns + NS_AS_COMMAND +
                                        c->lock_delay);
    g_assert_cmpuint(cost->stalls, ==, QUEUES);
    /* From the firmware's look at the doorbell to the end of the lock */
    g_assert_cmpint(cost->stall_ns, ==,
                    QUEUES * (cost->lock_ns - NS_REQUEST - 1));
    g_assert_cmpuint(cost->dropped, ==, c->keeps_tlb ? 0 : cached);
}

/* --- The buffer --- */

/* How many of the buffer's pages the GPU does not see as @content tells */
static unsigned read_pages(Bed *b, bool reused)
{
    unsigned wrong = 0;

    for (unsigned n = 0; n < BO_PAGES; n++) {
        wrong += gpu_load_word(b, page_va(n)) !=
                 (reused ? WRITTEN(n) : CONTENT(1, n));
    }
    return wrong;
}

/* Not as a job of the driver's, which would begin with a flush */
static void write_pages(Bed *b)
{
    for (unsigned n = 0; n < BO_PAGES; n++) {
        cs_submit_words(&b->g, 0, MOVE48(10, page_va(n)),
                        MOVE32(12, WRITTEN(n)), STORE(12, 10, 1, 0),
                        WAIT(0xff));
    }
    g_assert_true(cs_wait_drained(&b->g, 0));
}

/* They go to swap, and to somebody else; how many are not what was written */
static unsigned swap_out(Bed *b)
{
    unsigned wrong = 0;

    for (unsigned n = 0; n < BO_PAGES; n++) {
        wrong += qtest_readl(b->qts, set_pa(0, n)) != WRITTEN(n);
        qtest_writel(b->qts, set_pa(0, n), REUSED(n));
    }
    return wrong;
}

static void start(Bed *b, const Case *c)
{
    uint64_t leaf = PTE_LEAF | (c->keeps_data ? PTE_ATTR(1) : 0);
    static Vm vm;
    Group other;

    tlb_start(b, c->keeps_data ? "check=report,coherent=off,writeback=on"
                               : "check=report");
    for (unsigned n = 0; n < ALL_PAGES; n++) {
        pt_map(&b->vm.pt, page_va(n), set_pa(0, n), 0x1000, leaf);
    }
    /* Who works in another VM is not to be disturbed */
    vm = vm_new(&b->d, 1, 2);
    other = group_new(&vm, 1, 1);
    group_start(&other, 1);
    cs_submit_words(&other, 0, MOVE48(0, VA_DATA), ADD_IMM64(2, 2, 1),
                    STORE(2, 0, 3, 0), WAIT(0xff), BRANCH(IF_ALWAYS, 0, -4));
    for (unsigned n = 0; n < ALL_PAGES; n++) {
        gpu_load_word(b, page_va(n));
    }
    write_pages(b);
}

static void print_row(const char *name, const char *what, const Cost *cost)
{
    g_test_message("%-12s %-8s %10" PRId64 " %10" PRId64 " %10" PRId64
                   " %6u %10" PRId64 " %7u %5u", name, what, cost->total_ns,
                   cost->lock_ns, cost->flush_ns, cost->stalls, cost->stall_ns,
                   cost->dropped, cost->stale);
}

static void test_case(const void *opaque)
{
    const Case *c = opaque;
    bool wrong = c->unlock_first || c->keeps_tlb;
    Cost evict = { }, restore = { };
    unsigned cached, wanted;
    Bed b;

    start(&b, c);
    if (c->rule) {
        inject_add(b.qts, c->rule);
    }
    cached = update(&b, c, unmap_pages, BO_PAGES, &evict);
    check_cost(c, &evict, cached);
    for (unsigned j = 0; j < QUEUES; j++) {
        g_assert_cmphex(got(&b, j), ==, CONTENT(0, BO_PAGES + j));
    }
    if (c->unlock_first) {
        /* Somebody looks between the unlock and the edit that it was for */
        read_pages(&b, true);
        unmap_pages(&b);
    }
    evict.stale = swap_out(&b);
    g_assert_cmpuint(evict.stale, ==, c->keeps_data ? BO_PAGES : 0);
    if (wrong) {
        /* A job finds what it should not: the next user's */
        g_assert_cmpuint(read_pages(&b, true), ==, BO_PAGES);
        evict.stale += count_stale(&b);
        g_assert_cmpuint(evict.stale, >, 0);
    }
    g_assert_cmpuint(evict.stale > 0, ==, wrong || c->keeps_data);

    /* What is mapped too late cannot be wanted before */
    wanted = c->unlock_first ? BO_PAGES : 0;
    cached = update(&b, c, map_elsewhere, wanted, &restore);
    check_cost(c, &restore, cached);
    if (c->unlock_first) {
        map_elsewhere(&b);
    }
    for (unsigned j = 0; j < QUEUES; j++) {
        g_assert_cmphex(got(&b, j), ==,
                        c->unlock_first ? CONTENT(0, wanted + j) :
                        c->keeps_tlb ? REUSED(j) : CONTENT(1, j));
    }
    restore.stale = read_pages(&b, false);
    g_assert_cmpuint(restore.stale, ==, c->keeps_tlb ? BO_PAGES : 0);
    if (!wrong) {
        g_assert_cmpuint(count_stale(&b), ==, 0);
    }
    print_row(c->name, "evict", &evict);
    print_row(c->name, "restore", &restore);
    qtest_quit(b.qts);
}

/* --- Which translations, and how often --- */

/* One that waits for several ms is tried again and again, and counted once */
static void test_once(void)
{
    Cost cost = { };
    uint64_t first;
    Bed b;

    tlb_start(&b, "");
    gpu_as_lock(b.qts, 1, VA_TEST, REGION_LOG2);
    first = next_period(&b);
    want(&b, 0, 0);
    qtest_clock_step(b.qts, 10 * MS);
    /* What goes on is not told of yet */
    g_assert_cmpuint(next_period(&b), ==, first);
    gpu_as_command(b.qts, 1, CMD_UNLOCK);
    count_periods(&b, first, &cost);
    g_assert_cmpuint(cost.stalls, ==, 1);
    g_assert_cmphex(got(&b, 0), ==, CONTENT(0, 0));
    qtest_quit(b.qts);
}

/* A second LOCK moves the region: who is outside goes on, the lock does too */
static void test_moved(void)
{
    uint64_t first, next;
    Cost cost = { };
    QList *list;
    Bed b;

    tlb_start(&b, "");
    map_page(&b, page_va(ALL_PAGES), 0, ALL_PAGES);
    gpu_as_lock(b.qts, 1, VA_TEST, REGION_LOG2 + 1);
    first = next_period(&b);
    want(&b, 0, ALL_PAGES);
    want(&b, 1, 0);
    qtest_clock_step(b.qts, MS);
    gpu_as_lock(b.qts, 1, VA_TEST, REGION_LOG2);
    list = ask_list(b.qts, "x-mali-csf-periods", "first", first, "periods",
                    &next);
    g_assert_cmpuint(next, ==, first + 1);
    g_assert_cmpstr(qdict_get_str(qobject_to(QDict, qlist_peek(list)), "kind"),
                    ==, "stall");
    qobject_unref(list);
    g_assert_cmphex(got(&b, 0), ==, CONTENT(0, ALL_PAGES));
    gpu_as_command(b.qts, 1, CMD_UNLOCK);
    count_periods(&b, first, &cost);
    g_assert_cmpuint(cost.stalls, ==, 2);
    g_assert_cmpint(cost.lock_ns, >, MS);
    qtest_quit(b.qts);
}

/* What a reset ends has no end of its own */
static void test_reset(void)
{
    uint64_t first;
    Bed b;

    tlb_start(&b, "");
    gpu_as_lock(b.qts, 1, VA_TEST, REGION_LOG2);
    first = next_period(&b);
    flush(b.qts);
    gpu_write(b.qts, GPU_CMD, CMD_SOFT_RESET);
    qtest_clock_step(b.qts, NS_RESET);
    g_assert_cmpuint(next_period(&b), ==, first);
    qtest_quit(b.qts);
}

static const TestCase more[] = {
    { "stalled-once", test_once },
    { "moved", test_moved },
    { "reset", test_reset },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_message("%-12s %-8s %10s %10s %10s %6s %10s %7s %5s", "hardware",
                   "", "total ns", "lock ns", "flush ns", "stalls", "stall ns",
                   "dropped", "stale");
    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        add_data_case("evict", cases[i].name, &cases[i], test_case);
    }
    add_cases("evict", more, ARRAY_SIZE(more));

    return g_test_run();
}
