/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hardware of the Mali CSF GPU that misbehaves: rules, and a driver that waits
 * as long as panthor does, and then copes with it as panthor does.
 */

#ifndef TESTS_QTEST_MALI_CSF_INJECT_H
#define TESTS_QTEST_MALI_CSF_INJECT_H

#include "mali-csf-stream.h"
#include "qobject/qlist.h"

/* --- Rules, over QMP --- */

/* Add a rule, and say what it is called */
static inline char *inject_named(QTestState *qts, const char *rule)
{
    QDict *rsp = qtest_qmp(qts, "{ 'execute': 'x-mali-csf-inject-add',"
                           "  'arguments': { 'rule': %s } }", rule);
    char *name;

    if (!qdict_haskey(rsp, "return")) {
        g_test_message("%s: %s", rule,
                       qdict_get_str(qdict_get_qdict(rsp, "error"), "desc"));
    }
    g_assert_true(qdict_haskey(rsp, "return"));
    name = g_strdup(qdict_get_str(qdict_get_qdict(rsp, "return"), "name"));
    qobject_unref(rsp);
    return name;
}

static inline void inject_add(QTestState *qts, const char *rule)
{
    g_free(inject_named(qts, rule));
}

static inline void G_GNUC_PRINTF(2, 3) inject_addf(QTestState *qts,
                                                   const char *fmt, ...)
{
    g_autofree char *rule = NULL;
    va_list ap;

    va_start(ap, fmt);
    rule = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    inject_add(qts, rule);
}

/* Why it is refused */
static inline char *inject_refused(QTestState *qts, const char *rule)
{
    QDict *err = qtest_qmp_assert_failure_ref(qts,
        "{ 'execute': 'x-mali-csf-inject-add',"
        "  'arguments': { 'rule': %s } }", rule);
    char *desc = g_strdup(qdict_get_str(err, "desc"));

    g_assert_cmpstr(qdict_get_str(err, "class"), ==, "GenericError");
    qobject_unref(err);
    return desc;
}

static inline void inject_remove(QTestState *qts, const char *name)
{
    qtest_qmp_assert_success(qts, "{ 'execute': 'x-mali-csf-inject-remove',"
                             "  'arguments': { 'name': %s } }", name);
}

static inline QList *inject_list(QTestState *qts)
{
    QDict *rsp = qtest_qmp(qts, "{ 'execute': 'x-mali-csf-inject-list' }");
    QList *list = qobject_ref(qdict_get_qlist(rsp, "return"));

    qobject_unref(rsp);
    return list;
}

/* "matches" or "hits" of a rule */
static inline uint64_t inject_count(QTestState *qts, const char *name,
                                    const char *what)
{
    QList *list = inject_list(qts);
    const QListEntry *e;

    QLIST_FOREACH_ENTRY(list, e) {
        const QDict *rule = qobject_to(QDict, qlist_entry_obj(e));

        if (g_str_equal(qdict_get_str(rule, "name"), name)) {
            uint64_t n = qdict_get_int(rule, what);

            qobject_unref(list);
            return n;
        }
    }
    g_assert_not_reached();
}

static inline uint64_t inject_hits(QTestState *qts, const char *name)
{
    return inject_count(qts, name, "hits");
}

static inline uint64_t inject_matches(QTestState *qts, const char *name)
{
    return inject_count(qts, name, "matches");
}

/* --- An event to hit, and what comes of it --- */

static inline void flush(QTestState *qts)
{
    gpu_write(qts, GPU_INT + CLEAR, IRQ_CLEAN_CACHES);
    gpu_write(qts, GPU_CMD, CMD_FLUSH);
}

static inline bool flushed(QTestState *qts)
{
    return gpu_read(qts, GPU_INT + RAWSTAT) & IRQ_CLEAN_CACHES;
}

/* --- A driver that has to cope --- */

/* A hang reset (panthor_device_reset_work), and the group in its slot again */
static inline void bed_reset(Bed *b)
{
    QTestState *qts = b->qts;

    /* panthor_fw_pre_reset(): it may not answer */
    gpu_write(qts, JOB_INT + MASK, 0);
    gpu_write(qts, MCU_CONTROL, MCU_DISABLE);
    qtest_clock_step(qts, NS_MCU_STOP);
    /* panthor_gpu_soft_reset() */
    gpu_write(qts, GPU_INT + CLEAR, IRQ_RESET_COMPLETED);
    gpu_write(qts, GPU_CMD, CMD_SOFT_RESET);
    qtest_clock_step(qts, NS_RESET);
    g_assert_true(gpu_read(qts, GPU_INT + RAWSTAT) & IRQ_RESET_COMPLETED);
    gpu_write(qts, GPU_INT + CLEAR, UINT32_MAX);
    gpu_power_on(qts, DOMAIN_L2);
    /* panthor_fw_post_reset(): all sections are loaded again */
    qtest_memset(qts, RAM_SECTION, 0, FW_SHARED_SIZE);
    gpu_as_config(qts, 0, b->d.fw.root, MEMATTR_COHERENT, TRANSCFG_48);
    gpu_write(qts, MMU_INT + CLEAR, UINT32_MAX);
    gpu_write(qts, JOB_INT + CLEAR, UINT32_MAX);
    gpu_write(qts, JOB_INT + MASK, UINT32_MAX);
    fw_boot(qts, NS_COLD_BOOT);
    fw_write(qts, FW_ACK_IRQ_MASK, 0x0400010e);
    vm_bind(&b->vm, 1);
    b->g = group_new(&b->vm, b->g.n, b->g.queues);
    group_start(&b->g, 0);
}

/* The limits of the driver, in ns (contract 7) */
#define LIMIT_L2                (20LL * 1000 * 1000)
#define LIMIT_FLUSH             (100LL * 1000 * 1000)
#define LIMIT_RESET             (100LL * 1000 * 1000)
#define LIMIT_AS                (100LL * 1000 * 1000)
#define LIMIT_BOOT              (1000LL * 1000 * 1000)
#define LIMIT_MCU_STOP          (100LL * 1000 * 1000)
#define LIMIT_HALT              (1000LL * 1000 * 1000)
#define LIMIT_PING              (100LL * 1000 * 1000)
#define LIMIT_CSG               (100LL * 1000 * 1000)
#define LIMIT_JOB               (5000LL * 1000 * 1000)

/* Something that the driver waits for */
typedef struct Wait {
    const char *name;
    const char *event;      /* what a rule is for */
    int64_t usual;          /* ns that it takes */
    int64_t limit;          /* ns that the driver gives it */
    void (*before)(Bed *b);
    void (*start)(Bed *b);  /* which takes no time */
    bool (*done)(Bed *b);
    void (*go_on)(Bed *b);  /* once it is done */
    void (*cope)(Bed *b);   /* when it is not */
    const char *props;      /* of the device */
} Wait;

typedef struct WaitCase {
    const Wait *wait;
    int64_t extra;          /* ns beyond the limit */
    bool never;
} WaitCase;

static inline void run_wait(const void *opaque)
{
    const WaitCase *c = opaque;
    const Wait *w = c->wait;
    int64_t takes = w->limit + c->extra;
    bool late = c->never || takes > w->limit;
    Bed b;

    bed_start_with(&b, 2, w->props ?: "");
    if (w->before) {
        w->before(&b);
    }
    if (c->never) {
        inject_addf(b.qts, "%s name=w count=1 -> never", w->event);
    } else {
        inject_addf(b.qts, "%s name=w count=1 -> delay time=%" PRId64 "ns",
                    w->event, takes - w->usual);
    }
    w->start(&b);
    qtest_clock_step(b.qts, w->limit - 1);
    g_assert_cmpint(inject_hits(b.qts, "w"), ==, 1);
    g_assert_cmpint(w->done(&b), ==, !c->never && takes < w->limit);
    qtest_clock_step(b.qts, 1);
    g_assert_cmpint(w->done(&b), ==, !late);
    if (late && !c->never) {
        /* It does come in the end */
        qtest_clock_step(b.qts, c->extra);
        g_assert_true(w->done(&b));
    } else if (late) {
        qtest_clock_step(b.qts, 100 * w->limit);
        g_assert_false(w->done(&b));
    }
    (late ? w->cope : w->go_on)(&b);
    check_works(&b.g, 0, 0xc0de);
    check_works(&b.g, 1, 0xc0de);
    /* That was the only one */
    g_assert_cmpint(inject_hits(b.qts, "w"), ==, 1);
    qtest_quit(b.qts);
}

static inline void add_waits(const char *block, const Wait *waits, int n)
{
    static const struct {
        const char *name;
        int64_t extra;
        bool never;
    } cases[] = {
        { "below", -1 }, { "at", 0 }, { "above", 1 }, { "never", 0, true },
    };

    for (int i = 0; i < n; i++) {
        for (int j = 0; j < ARRAY_SIZE(cases); j++) {
            WaitCase *c = g_new(WaitCase, 1);
            g_autofree char *path = g_strdup_printf("mali-csf/%s/%s/%s", block,
                                                    waits[i].name,
                                                    cases[j].name);

            *c = (WaitCase) { &waits[i], cases[j].extra, cases[j].never };
            qtest_add_data_func_full(path, c, run_wait, g_free);
        }
    }
}

/* Nothing is left to be done */
static inline void nothing(Bed *b)
{
}

#endif /* TESTS_QTEST_MALI_CSF_INJECT_H */
