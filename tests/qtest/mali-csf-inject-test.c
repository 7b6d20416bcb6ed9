/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the Mali CSF GPU: the rules that make it misbehave
 *
 * How rules are given, which events they hit, when what they do comes, and what
 * of them outlives a reset and a snapshot.  What the blocks make of them is in
 * the tests of that name, what rules do themselves in that of deeds.
 */

#include "qemu/osdep.h"
#include "mali-csf-inject.h"
#include "mali-csf-migrate.h"

/* Bits of the MMU line that nothing but a rule raises in these tests */
#define MARK                    0x4000
#define OTHER_MARK              0x2000

static uint32_t marks(QTestState *qts)
{
    return gpu_read(qts, MMU_INT + RAWSTAT) & (MARK | OTHER_MARK);
}

/* Whether a flush takes as long as it always does */
static bool flush_is_usual(QTestState *qts)
{
    bool done;

    flush(qts);
    qtest_clock_step(qts, NS_FLUSH);
    done = flushed(qts);
    qtest_clock_step(qts, NS_LONG);
    return done;
}

/* --- How rules are given --- */

static void check_listed(const QListEntry *e, const char *name,
                         const char *text, bool optional)
{
    const QDict *rule = qobject_to(QDict, qlist_entry_obj(e));

    g_assert_cmpstr(qdict_get_str(rule, "name"), ==, name);
    g_assert_cmpstr(qdict_get_str(rule, "rule"), ==, text);
    g_assert_cmpint(qdict_get_bool(rule, "optional"), ==, optional);
}

static void test_list(void)
{
    static const struct {
        const char *text;
        const char *name;
        bool optional;
    } rules[] = {
        { "flush -> count", "rule1" },
        { "reset name=mine optional -> never", "mine", true },
        { "power  domain=l2 -> delay time=1us", "rule2" },
        { "mcu-halt name=rule4 -> never", "rule4" },
        { "mcu-stop -> never", "rule3" },
        /* The fourth without a name finds its own taken */
        { "doorbell -> drop", "rule5" },
    };
    QTestState *qts = gpu_start("");
    const QListEntry *e;
    QList *list;
    QDict *err;
    int i = 0;

    list = inject_list(qts);
    g_assert_true(qlist_empty(list));
    qobject_unref(list);
    for (i = 0; i < ARRAY_SIZE(rules); i++) {
        g_autofree char *name = inject_named(qts, rules[i].text);

        g_assert_cmpstr(name, ==, rules[i].name);
    }
    list = inject_list(qts);
    g_assert_cmpint(qlist_size(list), ==, ARRAY_SIZE(rules));
    i = 0;
    QLIST_FOREACH_ENTRY(list, e) {
        check_listed(e, rules[i].name, rules[i].text, rules[i].optional);
        i++;
    }
    qobject_unref(list);

    inject_remove(qts, "mine");
    inject_remove(qts, "rule1");
    list = inject_list(qts);
    g_assert_cmpint(qlist_size(list), ==, ARRAY_SIZE(rules) - 2);
    check_listed(qlist_first(list), "rule2", rules[2].text, false);
    qobject_unref(list);
    err = qtest_qmp_assert_failure_ref(qts,
        "{ 'execute': 'x-mali-csf-inject-remove',"
        "  'arguments': { 'name': 'mine' } }");
    g_assert_cmpstr(qdict_get_str(err, "desc"), ==, "There is no rule 'mine'");
    qobject_unref(err);
    qtest_quit(qts);
}

static void test_property(void)
{
    QTestState *qts = gpu_start("inject='; flush name=a skip=1 -> lose ;;\n"
                                " reset -> never;'");
    QList *list = inject_list(qts);

    g_assert_cmpint(qlist_size(list), ==, 2);
    check_listed(qlist_first(list), "a", "flush name=a skip=1 -> lose", false);
    qobject_unref(list);
    g_assert_true(flush_is_usual(qts));
    g_assert_cmpint(inject_matches(qts, "a"), ==, 1);
    g_assert_cmpint(inject_hits(qts, "a"), ==, 0);
    qtest_quit(qts);
}

/* The machine does not start with rules that are none */
static void test_property_refused(void)
{
    static const char *const rules[][2] = {
        { "flush -> never; flush -> nothing",
          "inject='flush -> nothing': there is no action 'nothing'" },
        { "walk as=8 -> fault", "inject='walk as=8 -> fault': as=8 is too "
          "much: the last one that there is is 7" },
        { "flush name=a -> never; reset name=a -> never",
          "inject='reset name=a -> never': there is a rule a already" },
    };

    for (int i = 0; i < ARRAY_SIZE(rules); i++) {
        g_autofree char *device = g_strdup_printf("mali-csf,inject=%s",
                                                  rules[i][0]);
        const char *argv[] = {
            getenv("QTEST_QEMU_BINARY"), "-machine", "virt", "-nodefaults",
            "-display", "none", "-accel", "qtest", "-device", device, NULL
        };
        g_autofree char *errors = NULL;
        int status;

        g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL,
                                   G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL,
                                   NULL, &errors, &status, NULL));
        g_assert_true(WIFEXITED(status));
        g_assert_cmpint(WEXITSTATUS(status), ==, 1);
        g_test_message("%s", errors);
        g_assert_nonnull(strstr(errors, rules[i][1]));
    }
}

static void test_refused(void)
{
    static const char *const rules[][2] = {
        { "flush -> nothing",
          "'flush -> nothing': there is no action 'nothing'" },
        { "flush name=a -> never",
          "'flush name=a -> never': there is a rule a already" },
        { "after rule=nobody time=1us -> count", "'after rule=nobody time=1us "
          "-> count': there is no rule nobody that this could come after" },
        { "after rule=self name=self time=1us -> count", "'after rule=self "
          "name=self time=1us -> count': there is no rule self that this could "
          "come after" },
        { "time at=999ns -> count", "'time at=999ns -> count': that time is "
          "past: it is 1000 ns after the start" },
        { "csg-request csg=8 -> never", "'csg-request csg=8 -> never': csg=8 "
          "is too much: the last one that there is is 7" },
        { "doorbell doorbell=24 -> drop", "'doorbell doorbell=24 -> drop': "
          "doorbell=24 is too much: the last one that there is is 23" },
        { "walk va=0x1000000000000 -> fault", "'walk va=0x1000000000000 -> "
          "fault': va=0x1000000000000 is beyond the 48 bits of an address" },
        { "reg-read reg=CSF_IDD -> count",
          "'reg-read reg=CSF_IDD -> count': there is no register CSF_IDD" },
        { "fetch opcode=RUN_IDVS2 -> drop", "'fetch opcode=RUN_IDVS2 -> drop': "
          "there is no instruction RUN_IDVS2" },
        { "flush -> reg reg=MCU_STATUS value=1", "'flush -> reg reg=MCU_STATUS "
          "value=1': MCU_STATUS has no storage there that could be changed" },
        { "flush -> reg reg=AS_TRANSTAB bank=8 value=1", "'flush -> reg "
          "reg=AS_TRANSTAB bank=8 value=1': AS_TRANSTAB has no storage there "
          "that could be changed" },
        { "flush -> reg reg=GPU_CMD value=1", "'flush -> reg reg=GPU_CMD "
          "value=1': GPU_CMD has no storage there that could be changed" },
        { "after rule=c name=a2 time=1us -> count", NULL },
    };
    QTestState *qts = gpu_start("");
    QList *list;

    inject_add(qts, "flush name=a -> count");
    inject_add(qts, "after name=b rule=a time=1us -> count");
    inject_add(qts, "after name=c rule=b time=1us -> count");
    for (int i = 0; i < ARRAY_SIZE(rules) && rules[i][1]; i++) {
        g_autofree char *desc = inject_refused(qts, rules[i][0]);

        g_assert_cmpstr(desc, ==, rules[i][1]);
    }
    /* A name that was given up can be another's, but not lead to itself */
    inject_remove(qts, "a");
    {
        const char *circle = "after name=a rule=c time=1us -> count";
        g_autofree char *desc = inject_refused(qts, circle);

        g_assert_cmpstr(desc, ==, "'after name=a rule=c time=1us -> count': "
                        "it would come after itself, by way of c");
    }
    inject_add(qts, "reset name=a -> count");
    list = inject_list(qts);
    g_assert_cmpint(qlist_size(list), ==, 3);
    qobject_unref(list);
    qtest_quit(qts);
}

/* As many as there may be, all for one event */
static void test_many(void)
{
    const char *one_more = "flush -> count";
    QTestState *qts = gpu_start("");
    g_autofree char *desc = NULL;
    const QListEntry *e;
    QList *list;

    for (int i = 0; i < 4096; i++) {
        inject_addf(qts, "flush skip=%d -> count", i & 1);
    }
    desc = inject_refused(qts, one_more);
    g_assert_cmpstr(desc, ==, "'flush -> count': there are 4096 rules already");
    g_assert_true(flush_is_usual(qts));
    list = inject_list(qts);
    g_assert_cmpint(qlist_size(list), ==, 4096);
    QLIST_FOREACH_ENTRY(list, e) {
        const QDict *rule = qobject_to(QDict, qlist_entry_obj(e));
        bool skip = strstr(qdict_get_str(rule, "rule"), "skip=1");

        g_assert_cmpint(qdict_get_int(rule, "matches"), ==, 1);
        g_assert_cmpint(qdict_get_int(rule, "hits"), ==, !skip);
    }
    qobject_unref(list);
    inject_remove(qts, "rule4096");
    inject_add(qts, one_more);
    qtest_quit(qts);
}

/* --- Which events they hit --- */

typedef struct Counted {
    const char *name;
    const char *words;
    const char *hits;       /* one letter a flush: hit or not */
} Counted;

static const Counted counted[] = {
    { "always", "", "hhhhhhhh" },
    { "skip", "skip=3", "---hhhhh" },
    { "count", "count=2", "hh------" },
    { "skip-count", "skip=2 count=3", "--hhh---" },
    { "certain", "probability=1", "hhhhhhhh" },
    { "unlikely", "probability=1e-9 seed=3", "--------" },
};

static void test_counted(const void *opaque)
{
    const Counted *c = opaque;
    QTestState *qts = gpu_start("");
    int hits = 0;

    inject_addf(qts, "flush name=f %s -> delay time=1ms", c->words);
    for (int i = 0; c->hits[i]; i++) {
        hits += c->hits[i] == 'h';
        g_assert_cmpint(flush_is_usual(qts), ==, c->hits[i] != 'h');
        g_assert_cmpint(inject_hits(qts, "f"), ==, hits);
        g_assert_cmpint(inject_matches(qts, "f"), ==, i + 1);
    }
    qtest_quit(qts);
}

/* Which of so many reads a rule hits */
#define READS                   4000

static char *hit_pattern(const char *words)
{
    QTestState *qts = gpu_start("");
    char *pattern = g_malloc0(READS + 1);

    inject_addf(qts, "reg-read name=r reg=GPU_ID %s -> set value=0x1234",
                words);
    for (int i = 0; i < READS; i++) {
        pattern[i] = gpu_read(qts, GPU_ID) == 0x1234 ? 'h' : '-';
    }
    qtest_quit(qts);
    return pattern;
}

static int count_hits(const char *pattern)
{
    int n = 0;

    for (; *pattern; pattern++) {
        n += *pattern == 'h';
    }
    return n;
}

/* The same seed hits the same events; the share is that of the probability */
static void test_probability(void)
{
    g_autofree char *a = hit_pattern("probability=25% seed=7");
    g_autofree char *again = hit_pattern("probability=0.25 seed=7");
    g_autofree char *other = hit_pattern("probability=25% seed=8");
    g_autofree char *more = hit_pattern("probability=75% seed=7");
    g_autofree char *unseeded = hit_pattern("probability=25%");
    g_autofree char *first = hit_pattern("probability=25% seed=1");

    g_assert_cmpstr(a, ==, again);
    g_assert_cmpstr(a, !=, other);
    g_assert_cmpstr(unseeded, ==, first);
    /* Four standard deviations: 110 */
    g_assert_cmpint(abs(count_hits(a) - READS / 4), <, 110);
    g_assert_cmpint(abs(count_hits(other) - READS / 4), <, 110);
    g_assert_cmpint(abs(count_hits(more) - 3 * READS / 4), <, 110);
    /* What a smaller probability hits, a greater one does as well */
    for (int i = 0; i < READS; i++) {
        g_assert_true(a[i] != 'h' || more[i] == 'h');
    }
}

/* Seeds decide the first event as well: of 64 about half hit it */
static void test_first_chance(void)
{
    QTestState *qts = gpu_start("");
    int hits = 0;

    for (int seed = 0; seed < 64; seed++) {
        inject_addf(qts, "reg-read name=r reg=GPU_ID probability=50%% seed=%d "
                    "-> set value=0x1234", seed);
        hits += gpu_read(qts, GPU_ID) == 0x1234;
        inject_remove(qts, "r");
    }
    g_assert_cmpint(hits, >, 16);
    g_assert_cmpint(hits, <, 48);
    qtest_quit(qts);
}

/* In the order of adding; the first that changes the event is the last one */
static void test_order(void)
{
    QTestState *qts = gpu_start("");

    inject_add(qts, "flush name=look -> count");
    inject_add(qts, "flush name=do -> raise line=mmu bits=0x4000");
    inject_add(qts, "flush name=first count=1 -> delay time=1ms");
    inject_add(qts, "flush name=second -> delay time=2ms");
    inject_add(qts, "flush name=third -> never");
    flush(qts);
    qtest_clock_step(qts, NS_FLUSH + 1000000 - 1);
    g_assert_cmphex(marks(qts), ==, MARK);
    g_assert_false(flushed(qts));
    qtest_clock_step(qts, 1);
    g_assert_true(flushed(qts));
    g_assert_cmpint(inject_hits(qts, "look"), ==, 1);
    g_assert_cmpint(inject_hits(qts, "do"), ==, 1);
    g_assert_cmpint(inject_matches(qts, "second"), ==, 0);
    /* Only what it still hits is an end */
    flush(qts);
    qtest_clock_step(qts, NS_FLUSH + 2000000 - 1);
    g_assert_false(flushed(qts));
    qtest_clock_step(qts, 1);
    g_assert_true(flushed(qts));
    g_assert_cmpint(inject_matches(qts, "first"), ==, 2);
    g_assert_cmpint(inject_hits(qts, "first"), ==, 1);
    g_assert_cmpint(inject_hits(qts, "second"), ==, 1);
    g_assert_cmpint(inject_matches(qts, "third"), ==, 0);
    inject_remove(qts, "first");
    inject_remove(qts, "second");
    flush(qts);
    qtest_clock_step(qts, NS_LONG);
    g_assert_false(flushed(qts));
    g_assert_cmpint(inject_hits(qts, "third"), ==, 1);
    qtest_quit(qts);
}

/* What rules do themselves is no event for rules */
static void test_no_feedback(void)
{
    QTestState *qts = gpu_start("");

    inject_add(qts, "irq name=i line=mmu -> raise line=mmu bits=0x4000");
    inject_add(qts, "flush -> raise line=mmu bits=0x2000");
    flush(qts);
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmphex(marks(qts), ==, OTHER_MARK);
    g_assert_cmpint(inject_matches(qts, "i"), ==, 0);
    qtest_quit(qts);
}

/* --- When it comes --- */

/* Nothing of @bits until @ns from now, and then all */
static void comes_after(QTestState *qts, int64_t ns, uint32_t bits)
{
    qtest_clock_step(qts, ns - 1);
    g_assert_cmphex(marks(qts) & bits, ==, 0);
    qtest_clock_step(qts, 1);
    g_assert_cmphex(marks(qts) & bits, ==, bits);
}

static void test_time(void)
{
    QTestState *qts = gpu_start("inject='time at=5us -> raise line=mmu "
                                "bits=0x4000; time name=t at=5us -> raise "
                                "line=mmu bits=0x2000 time=3us'");

    /* The clock is at 1000 ns */
    comes_after(qts, 4000, MARK);
    comes_after(qts, 3000, OTHER_MARK);
    gpu_write(qts, MMU_INT + CLEAR, UINT32_MAX);
    g_assert_cmpint(inject_hits(qts, "t"), ==, 1);
    inject_add(qts, "time at=1ms -> raise line=mmu bits=0x4000");
    comes_after(qts, 1000000 - 8000, MARK);
    qtest_quit(qts);
}

static void test_after(void)
{
    QTestState *qts = gpu_start("");

    inject_add(qts, "flush name=f skip=1 -> delay time=1ms");
    inject_add(qts, "after name=a rule=f time=777ns -> raise line=mmu "
               "bits=0x4000");
    inject_add(qts, "after rule=a time=1223ns -> raise line=mmu bits=0x2000");
    /* A hit, and not a match */
    g_assert_true(flush_is_usual(qts));
    g_assert_cmphex(marks(qts), ==, 0);
    for (int i = 0; i < 2; i++) {
        flush(qts);
        comes_after(qts, 777, MARK);
        comes_after(qts, 1223, OTHER_MARK);
        gpu_write(qts, MMU_INT + CLEAR, UINT32_MAX);
        qtest_clock_step(qts, NS_LONG);
        g_assert_cmphex(marks(qts), ==, 0);
    }
    g_assert_cmpint(inject_hits(qts, "a"), ==, 2);
    qtest_quit(qts);
}

/* Several at a time; those that come later may have been begun earlier */
static void test_after_all(void)
{
    QTestState *qts = gpu_start("");

    inject_add(qts, "flush name=f -> count");
    inject_add(qts, "after name=a rule=f time=2us count=1 -> "
               "raise line=mmu bits=0x2000");
    inject_add(qts, "after rule=f time=1us skip=1 -> raise line=mmu "
               "bits=0x4000");
    flush(qts);
    qtest_clock_step(qts, 500);
    flush(qts);
    comes_after(qts, 1000, MARK);
    g_assert_cmphex(marks(qts), ==, MARK);
    comes_after(qts, 500, OTHER_MARK);
    gpu_write(qts, MMU_INT + CLEAR, UINT32_MAX);
    qtest_clock_step(qts, NS_LONG);
    g_assert_cmphex(marks(qts), ==, 0);
    g_assert_cmpint(inject_matches(qts, "a"), ==, 2);
    g_assert_cmpint(inject_hits(qts, "a"), ==, 1);
    qtest_quit(qts);
}

/* A thousand rules that come at a thousand times */
static void test_thousand(void)
{
    QTestState *qts = gpu_start("");
    QList *list;
    const QListEntry *e;
    int n = 0;

    for (int i = 0; i < 1000; i++) {
        /* In the order of a shuffle: 7 and 1000 have no factor in common */
        inject_addf(qts, "time at=%dus -> raise line=mmu bits=0x4000",
                    100 + i * 7 % 1000);
    }
    qtest_clock_step(qts, 99000 - 1);
    for (int i = 0; i < 1000; i++) {
        g_assert_cmphex(marks(qts), ==, 0);
        qtest_clock_step(qts, 1);
        g_assert_cmphex(marks(qts), ==, MARK);
        gpu_write(qts, MMU_INT + CLEAR, UINT32_MAX);
        qtest_clock_step(qts, 999);
    }
    list = inject_list(qts);
    QLIST_FOREACH_ENTRY(list, e) {
        n += qdict_get_int(qobject_to(QDict, qlist_entry_obj(e)), "hits");
    }
    g_assert_cmpint(n, ==, 1000);
    qobject_unref(list);
    qtest_quit(qts);
}

/* --- What outlives them --- */

/* What a rule has begun comes, and nothing more */
static void test_removed(void)
{
    QTestState *qts = gpu_start("");

    inject_add(qts, "flush name=f -> delay time=1ms");
    inject_add(qts, "after name=a rule=f time=100us -> raise line=mmu "
               "bits=0x4000 time=100us");
    inject_add(qts, "after name=b rule=f time=100us -> raise line=mmu "
               "bits=0x2000");
    inject_add(qts, "time name=t at=500us -> raise line=mmu bits=0x2000");
    flush(qts);
    inject_remove(qts, "f");
    inject_remove(qts, "b");
    inject_remove(qts, "t");
    /* Not the one that it was begun for */
    inject_add(qts, "time name=b at=9s -> raise line=mmu bits=0x2000");
    qtest_clock_step(qts, 150000);
    inject_remove(qts, "a");
    qtest_clock_step(qts, 50000 - 1);
    g_assert_cmphex(marks(qts), ==, 0);
    qtest_clock_step(qts, 1);
    g_assert_cmphex(marks(qts), ==, MARK);
    qtest_clock_step(qts, NS_FLUSH + 1000000 - 200000 - 1);
    g_assert_false(flushed(qts));
    qtest_clock_step(qts, 1);
    g_assert_true(flushed(qts));
    g_assert_cmphex(marks(qts), ==, MARK);
    g_assert_true(flush_is_usual(qts));
    qtest_quit(qts);
}

/*
 * What hardware had begun ends with a reset; what rules mean to do does not,
 * nor do their counts
 */
static void check_reset(void (*reset)(QTestState *qts))
{
    QTestState *qts = gpu_start("");

    gpu_watch_lines(qts);
    inject_add(qts, "as-command name=as as=1 skip=1 count=1 -> never");
    inject_add(qts, "irq line=gpu bits=0x20000 count=1 -> delay time=1ms");
    inject_add(qts, "irq line=mmu bits=0x20000 count=1 -> mute");
    inject_add(qts, "flush name=f count=1 -> count");
    inject_add(qts, "after rule=f time=2ms -> raise line=mmu bits=0x4000");
    inject_add(qts, "time at=5ms -> raise line=mmu bits=0x2000");
    gpu_as_command(qts, 1, CMD_UPDATE);
    gpu_write(qts, AS(1) + AS_COMMAND, CMD_UPDATE);
    flush(qts);
    qtest_clock_step(qts, NS_FLUSH);
    g_assert_cmphex(gpu_read(qts, AS(1) + AS_STATUS), ==, 1);
    g_assert_false(flushed(qts));
    reset(qts);
    qtest_clock_step(qts, 2000000 - NS_FLUSH - 1);
    g_assert_cmphex(marks(qts), ==, 0);
    /* Its interrupt would have come by now */
    g_assert_false(flushed(qts));
    qtest_clock_step(qts, 1);
    g_assert_cmphex(marks(qts), ==, MARK);
    qtest_clock_step(qts, 3000000);
    g_assert_cmphex(marks(qts), ==, MARK | OTHER_MARK);
    /* The rule has hit once, before */
    gpu_as_command(qts, 1, CMD_UPDATE);
    g_assert_cmpint(inject_matches(qts, "as"), ==, 3);
    g_assert_cmpint(inject_hits(qts, "as"), ==, 1);
    /* And nothing is mute any more */
    gpu_write(qts, MMU_INT + RAWSTAT, 0x20000);
    gpu_write(qts, MMU_INT + MASK, 0x20000);
    g_assert_true(qtest_get_irq(qts, LINE_MMU));
    g_assert_true(flush_is_usual(qts));
    qtest_quit(qts);
}

static void soft_reset(QTestState *qts)
{
    gpu_write(qts, GPU_CMD, CMD_SOFT_RESET);
}

static void test_gpu_reset(void)
{
    check_reset(soft_reset);
}

static void test_system_reset(void)
{
    check_reset(qtest_system_reset);
}

/* --- Snapshots --- */

typedef struct Saved {
    const char *name;
    const char *rules;
    void (*begin)(Bed *b);
    /* What has come of it by now */
    uint32_t (*look)(Bed *b);
    int64_t at;             /* ns until it changes, 0: it does not */
    uint32_t before;
    uint32_t then;
    bool since_start;       /* of the machine, rather than the snapshot */
} Saved;

static void begin_flush(Bed *b)
{
    flush(b->qts);
}

static void begin_nothing(Bed *b)
{
}

static void begin_update(Bed *b)
{
    gpu_write(b->qts, AS(2) + AS_COMMAND, CMD_UPDATE);
}

static void begin_ping(Bed *b)
{
    fw_write(b->qts, FW_REQ, fw_read(b->qts, FW_REQ) ^ GLB_PING);
    gpu_write(b->qts, DOORBELL(0), 1);
    qtest_clock_step(b->qts, NS_REQUEST);
}

static void begin_status(Bed *b)
{
    csg_ask_status(&b->g);
}

static void begin_job(Bed *b)
{
    cs_submit_words(&b->g, 0, MOVE32(4, 1));
    qtest_clock_step(b->qts, NS_REQUEST + 1);
}

static void begin_sync(Bed *b)
{
    cs_submit_words(&b->g, 0, MOVE48(4, VA_DATA), MOVE48(6, 1),
                    SYNC(OP_SYNC_ADD64, 4, 6, 0));
    qtest_clock_step(b->qts, NS_REQUEST + 1);
}

static void begin_doorbell(Bed *b)
{
    cs_append(&b->g, 0, (uint64_t[]) { MOVE32(4, 1) }, 1);
    gpu_write(b->qts, DOORBELL(1), 1);
}

static uint32_t look_marks(Bed *b)
{
    return marks(b->qts);
}

static uint32_t look_flushed(Bed *b)
{
    return flushed(b->qts);
}

static uint32_t look_as(Bed *b)
{
    return gpu_read(b->qts, AS(2) + AS_STATUS);
}

static uint32_t look_ping(Bed *b)
{
    return (fw_read(b->qts, FW_REQ) ^ fw_read(b->qts, FW_ACK)) & GLB_PING;
}

static uint32_t look_status(Bed *b)
{
    return (csg_in(&b->g, CSG_REQ) ^ csg_out(&b->g, CSG_ACK)) &
           CSG_STATUS_UPDATE;
}

/* Drained, as the queue's own idleness tells at once */
static uint32_t look_job(Bed *b)
{
    return cs_drained(&b->g, 0);
}

static uint32_t look_sync(Bed *b)
{
    return csg_events(&b->g) & CSG_SYNC_UPDATE;
}

static uint32_t look_line(Bed *b)
{
    gpu_write(b->qts, GPU_INT + MASK, IRQ_CLEAN_CACHES);
    return flushed(b->qts) | qtest_get_irq(b->qts, LINE_GPU) << 1;
}

static const Saved saved[] = {
    { "flush-late", "flush -> delay time=1ms", begin_flush, look_flushed,
      NS_FLUSH + 1000000, 0, 1 },
    { "flush-stuck", "flush -> never", begin_flush, look_flushed, 0, 0 },
    { "as-late", "as-command as=2 -> delay time=1ms", begin_update, look_as,
      NS_AS_COMMAND + 1000000, 1, 0 },
    { "as-stuck", "as-command as=2 -> never", begin_update, look_as, 0, 1 },
    { "irq-late", "irq line=gpu -> delay time=1ms", begin_flush, look_flushed,
      NS_FLUSH + 1000000, 0, 1 },
    { "irq-mute", "irq line=gpu -> mute", begin_flush, look_line,
      NS_FLUSH, 0, 1 },
    { "ping-late", "glb-request request=ping -> delay time=1ms", begin_ping,
      look_ping, 1000000 + NS_REQUEST, GLB_PING, 0 },
    { "ping-held", "glb-request request=ping -> never", begin_ping, look_ping,
      0, GLB_PING },
    { "csg-late", "csg-request request=status-update -> delay time=1ms",
      begin_status, look_status, 1000000 + NS_REQUEST, CSG_STATUS_UPDATE, 0 },
    { "csg-held", "csg-request request=status-update -> never", begin_status,
      look_status, 0, CSG_STATUS_UPDATE },
    { "queue-stalled", "fetch -> stall time=1ms", begin_job, look_job,
      1000000, 0, 1 },
    { "queue-stuck", "fetch -> stall time=never", begin_job, look_job, 0, 0 },
    { "event-late", "csg-event event=sync-update -> delay time=1ms", begin_sync,
      look_sync, 1000000, 0, CSG_SYNC_UPDATE },
    { "doorbell-late", "doorbell doorbell=1 -> delay time=1ms", begin_doorbell,
      look_job, 1000000 + NS_REQUEST + 1, 0, 1 },
    { "raise", "flush -> raise line=mmu bits=0x4000 time=1ms", begin_flush,
      look_marks, 1000000, 0, MARK },
    { "after", "flush name=f -> count; after rule=f time=1ms -> "
      "raise line=mmu bits=0x4000", begin_flush, look_marks, 1000000, 0, MARK },
    { "time", "time at=100ms -> raise line=mmu bits=0x4000", begin_nothing,
      look_marks, 100000000, 0, MARK, true },
};

static void add_all(QTestState *qts, const char *rules)
{
    g_auto(GStrv) all = g_strsplit(rules, ";", -1);

    for (char **rule = all; *rule; rule++) {
        inject_add(qts, *rule);
    }
}

static char *list_text(QTestState *qts)
{
    QList *list = inject_list(qts);
    GString *text = g_string_new(NULL);
    const QListEntry *e;

    QLIST_FOREACH_ENTRY(list, e) {
        const QDict *rule = qobject_to(QDict, qlist_entry_obj(e));

        g_string_append_printf(text, "%s: %s: %" PRId64 " of %" PRId64 ", %d\n",
                               qdict_get_str(rule, "name"),
                               qdict_get_str(rule, "rule"),
                               qdict_get_int(rule, "hits"),
                               qdict_get_int(rule, "matches"),
                               qdict_get_bool(rule, "optional"));
    }
    qobject_unref(list);
    return g_string_free(text, false);
}

/* As if it had never been saved: at the same time, and with the same counts */
static void test_saved(const void *opaque)
{
    const Saved *c = opaque;
    g_autofree char *list = NULL;
    g_autofree char *moved_list = NULL;
    Bed stayed, moved;
    Bed *beds[] = { &stayed, &moved };

    for (int i = 0; i < 2; i++) {
        bed_start(beds[i], 1);
        gpu_watch_lines(beds[i]->qts);
        add_all(beds[i]->qts, c->rules);
        c->begin(beds[i]);
    }
    list = list_text(moved.qts);
    bed_moved(&moved, gpu_migrate(moved.qts));
    moved_list = list_text(moved.qts);
    g_assert_cmpstr(moved_list, ==, list);
    for (int i = 0; i < 2; i++) {
        int64_t now = gpu_read64(beds[i]->qts, TIMESTAMP);
        int64_t at = c->at - (c->since_start ? now : 0);

        qtest_clock_step(beds[i]->qts, c->at ? at - 1 : NS_LONG);
        g_assert_cmphex(c->look(beds[i]), ==, c->before);
        if (c->at) {
            qtest_clock_step(beds[i]->qts, 1);
            g_assert_cmphex(c->look(beds[i]), ==, c->then);
        }
    }
    g_assert_cmphex(gpu_read64(moved.qts, TIMESTAMP), ==,
                    gpu_read64(stayed.qts, TIMESTAMP));
    qtest_quit(stayed.qts);
    qtest_quit(moved.qts);
}

/* A rule that chance, a skip or a count has brought into the middle goes on */
static void test_saved_counts(void)
{
    static const char rules[] =
        "reg-read name=p reg=GPU_ID probability=50% seed=3 -> count;"
        "reg-read name=s reg=CSF_ID skip=30 count=40 -> set value=1;"
        "reg-read name=c reg=GPU_ID probability=30% -> set value=2";
    QTestState *stayed = gpu_start(CLOCK_PROPS);
    QTestState *moved = gpu_start(CLOCK_PROPS);
    g_autofree char *stayed_list = NULL;
    g_autofree char *moved_list = NULL;
    int hits = 0;

    add_all(stayed, rules);
    add_all(moved, rules);
    inject_add(stayed, "flush -> never");
    inject_add(moved, "flush -> never");
    inject_remove(stayed, "rule1");
    inject_remove(moved, "rule1");
    for (int i = 0; i < 100; i++) {
        uint32_t id = gpu_read(stayed, GPU_ID), csf = gpu_read(stayed, CSF_ID);

        if (i == 10 || i == 50) {
            moved = gpu_migrate(moved);
        }
        g_assert_cmphex(gpu_read(moved, GPU_ID), ==, id);
        g_assert_cmphex(gpu_read(moved, CSF_ID), ==, csf);
        g_assert_cmpint(csf == 1, ==, i >= 30 && i < 70);
        hits += id == 2;
    }
    g_assert_cmpint(hits, >, 10);
    g_assert_cmpint(hits, <, 60);
    stayed_list = list_text(stayed);
    moved_list = list_text(moved);
    g_assert_cmpstr(moved_list, ==, stayed_list);
    /* The next name is not one that was given before */
    {
        g_autofree char *a = inject_named(stayed, "flush -> count");
        g_autofree char *b = inject_named(moved, "flush -> count");

        g_assert_cmpstr(a, ==, "rule2");
        g_assert_cmpstr(b, ==, "rule2");
    }
    qtest_quit(stayed);
    qtest_quit(moved);
}

/* Registers are addresses of names, which differ from process to process */
static void test_saved_register(void)
{
    QTestState *qts = gpu_start(CLOCK_PROPS);

    inject_add(qts, "reg-read reg=MCU_STATUS block=mcu -> set value=3");
    inject_add(qts, "flush -> reg block=as bank=2 reg=AS_TRANSTAB "
               "value=0x123456000 time=1ms");
    flush(qts);
    qts = gpu_migrate(qts);
    g_assert_cmphex(gpu_read(qts, MCU_STATUS), ==, 3);
    qtest_clock_step(qts, 1000000);
    g_assert_cmphex(gpu_read64(qts, AS(2) + AS_TRANSTAB), ==, 0x123456000);
    flush(qts);
    qtest_clock_step(qts, 1000000);
    qtest_quit(qts);
}

/* Rules of the destination give way; if the source had none they stay */
static void test_saved_other(void)
{
    for (int had = 0; had < 2; had++) {
        QTestState *from = gpu_start(CLOCK_PROPS), *to;
        g_autofree char *path = NULL;
        g_autofree char *status = NULL;

        if (had) {
            inject_add(from, "flush name=theirs -> never");
        }
        to = gpu_start_destination(CLOCK_PROPS ",inject='time name=own at=9us "
                                   "-> raise line=mmu bits=0x4000'",
                                   gpu_read64(from, TIMESTAMP));
        path = gpu_save(from);
        status = gpu_load(to, path);
        g_assert_cmpstr(status, ==, "completed");
        unlink(path);
        qtest_quit(from);
        {
            QList *list = inject_list(to);

            g_assert_cmpint(qlist_size(list), ==, 1);
            check_listed(qlist_first(list), had ? "theirs" : "own",
                         had ? "flush name=theirs -> never"
                             : "time name=own at=9us -> raise line=mmu "
                               "bits=0x4000", false);
            qobject_unref(list);
        }
        qtest_clock_step(to, 8000 - 1);
        g_assert_cmphex(marks(to), ==, 0);
        qtest_clock_step(to, 1);
        g_assert_cmphex(marks(to), ==, had ? 0 : MARK);
        qtest_quit(to);
    }
}

int main(int argc, char **argv)
{
    static const TestCase cases[] = {
        { "list", test_list },
        { "property", test_property },
        { "property-refused", test_property_refused },
        { "refused", test_refused },
        { "many", test_many },
        { "probability", test_probability },
        { "first-chance", test_first_chance },
        { "order", test_order },
        { "no-feedback", test_no_feedback },
        { "time", test_time },
        { "after", test_after },
        { "after-all", test_after_all },
        { "thousand", test_thousand },
        { "removed", test_removed },
        { "gpu-reset", test_gpu_reset },
        { "system-reset", test_system_reset },
        { "saved-counts", test_saved_counts },
        { "saved-register", test_saved_register },
        { "saved-other", test_saved_other },
    };

    g_test_init(&argc, &argv, NULL);
    add_cases("inject", cases, ARRAY_SIZE(cases));
    for (int i = 0; i < ARRAY_SIZE(counted); i++) {
        add_data_case("inject/counted", counted[i].name, &counted[i],
                      test_counted);
    }
    for (int i = 0; i < ARRAY_SIZE(saved); i++) {
        add_data_case("inject/saved", saved[i].name, &saved[i], test_saved);
    }
    return g_test_run();
}
