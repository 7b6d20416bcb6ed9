/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: the engine of rules
 *
 * Which rules an event meets, what they have counted, and what is to come.
 */

#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "migration/qemu-file-types.h"
#include "mali_csf_inject.h"
#include "trace.h"

static MaliInjectRule *rule_at(const GPtrArray *rules, unsigned i)
{
    return g_ptr_array_index(rules, i);
}

static MaliInjectRule *find_rule(const MaliInject *inj, const char *name)
{
    for (unsigned i = 0; i < inj->rules->len; i++) {
        if (!strcmp(rule_at(inj->rules, i)->name, name)) {
            return rule_at(inj->rules, i);
        }
    }
    return NULL;
}

const MaliInjectRule *mali_inject_find(const MaliInject *inj, const char *name)
{
    return find_rule(inj, name);
}

/* --- What is to come --- */

static MaliDeed *deed_at(const MaliInject *inj, unsigned i)
{
    return &g_array_index(inj->pending, MaliDeed, i);
}

static void put_off(MaliInject *inj, MaliInjectAct act, const char *rule,
                    const MaliInjectArgs *args, int64_t due)
{
    MaliDeed deed = { .due = due, .act = act, .args = *args };

    if (inj->pending->len == MALI_INJECT_PENDING) {
        inj->lost++;
        trace_mali_csf_inject_lost(rule, inj->lost);
        return;
    }
    g_strlcpy(deed.rule, rule, sizeof(deed.rule));
    g_array_append_val(inj->pending, deed);
    inj->wake(inj->opaque, deed.due);
}

void mali_inject_later(MaliInject *inj, MaliInjectAct act, const char *rule,
                       const MaliInjectArgs *args, int64_t delay)
{
    /* At least 1 ns: never within the event that led to it */
    put_off(inj, act, rule, args,
            qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + MAX(delay, 1));
}

/* The earliest, and of those of one time the first that was put there */
static int earliest(const MaliInject *inj)
{
    int found = -1;

    for (unsigned i = 0; i < inj->pending->len; i++) {
        if (found < 0 || deed_at(inj, i)->due < deed_at(inj, found)->due) {
            found = i;
        }
    }
    return found;
}

bool mali_inject_take(MaliInject *inj, int64_t now, MaliDeed *deed)
{
    int i = earliest(inj);

    if (i < 0 || deed_at(inj, i)->due > now) {
        return false;
    }
    *deed = *deed_at(inj, i);
    g_array_remove_index(inj->pending, i);
    return true;
}

int64_t mali_inject_next(const MaliInject *inj)
{
    int i = earliest(inj);

    return i < 0 ? INT64_MAX : deed_at(inj, i)->due;
}

/* --- Rules --- */

static void watch_opcodes(MaliInject *inj, const MaliInjectRule *r)
{
    uint64_t first = 0, last = 255;

    for (int i = 0; i < r->n_filters; i++) {
        if (r->filters[i].field == offsetof(MaliInjectWhat, opcode)) {
            first = r->filters[i].a;
            last = r->filters[i].b;
        }
    }
    for (; first <= last; first++) {
        inj->opcodes[first / 64] |= BIT_ULL(first % 64);
    }
}

static void watch(MaliInject *inj)
{
    const GPtrArray *fetches = inj->by_kind[MALI_INJECT_FETCH];

    memset(inj->opcodes, 0, sizeof(inj->opcodes));
    for (unsigned i = 0; i < fetches->len; i++) {
        watch_opcodes(inj, rule_at(fetches, i));
    }
    inj->watched = 0;
    for (int i = 0; i < MALI_INJECT_KINDS; i++) {
        inj->watched |= inj->by_kind[i]->len ? 1u << i : 0;
    }
}

static void give_name(MaliInject *inj, MaliInjectRule *r)
{
    while (!*r->name || find_rule(inj, r->name)) {
        snprintf(r->name, sizeof(r->name), "rule%u", ++inj->next_name);
    }
}

static void enter_rule(MaliInject *inj, MaliInjectRule *r)
{
    g_ptr_array_add(inj->rules, r);
    g_ptr_array_add(inj->by_kind[r->kind], r);
    watch(inj);
}

/* Whether it would come after itself, by others that were there before it */
static bool in_circle(const MaliInject *inj, const MaliInjectRule *r)
{
    const MaliInjectRule *before = r;

    for (unsigned i = 0; i <= inj->rules->len && before; i++) {
        if (*before->after && !strcmp(before->after, r->name)) {
            return true;
        }
        before = find_rule(inj, before->after);
    }
    return false;
}

const MaliInjectRule *mali_inject_add(MaliInject *inj, const char *text,
                                      char **why)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    MaliInjectRule *r = mali_inject_parse(&inj->env, text, why);

    if (!r) {
        return NULL;
    }
    if (*r->name && find_rule(inj, r->name)) {
        *why = g_strdup_printf("there is a rule %s already", r->name);
    } else if (*r->after && !find_rule(inj, r->after)) {
        *why = g_strdup_printf("there is no rule %s that this could come after",
                               r->after);
    } else if (in_circle(inj, r)) {
        *why = g_strdup_printf("it would come after itself, by way of %s",
                               r->after);
    } else if (r->kind == MALI_INJECT_TIME && r->when <= now) {
        *why = g_strdup_printf("that time is past: it is %" PRId64 " ns after "
                               "the start", now);
    } else if (inj->rules->len == MALI_INJECT_RULES) {
        *why = g_strdup_printf("there are %d rules already",
                               MALI_INJECT_RULES);
    }
    if (*why) {
        mali_inject_rule_free(r);
        return NULL;
    }
    give_name(inj, r);
    enter_rule(inj, r);
    trace_mali_csf_inject_add(r->name, r->text);
    if (r->kind == MALI_INJECT_TIME) {
        mali_inject_later(inj, MALI_ACT_FIRE, r->name, &r->args,
                          r->when - now);
    }
    return r;
}

bool mali_inject_add_all(MaliInject *inj, const char *text, char **why)
{
    g_auto(GStrv) rules = g_strsplit_set(text, ";\n", -1);

    for (char **rule = rules; *rule; rule++) {
        if (!*g_strstrip(*rule)) {
            continue;
        }
        if (!mali_inject_add(inj, *rule, why)) {
            char *text_why = *why;

            *why = g_strdup_printf("'%s': %s", *rule, text_why);
            g_free(text_why);
            return false;
        }
    }
    return true;
}

bool mali_inject_remove(MaliInject *inj, const char *name)
{
    MaliInjectRule *r = find_rule(inj, name);

    if (!r) {
        return false;
    }
    trace_mali_csf_inject_remove(r->name, r->hits);
    for (unsigned i = 0; i < inj->pending->len; i++) {
        if (deed_at(inj, i)->act == MALI_ACT_FIRE &&
            !strcmp(deed_at(inj, i)->rule, r->name)) {
            g_array_remove_index(inj->pending, i--);
        }
    }
    g_ptr_array_remove(inj->by_kind[r->kind], r);
    g_ptr_array_remove(inj->rules, r);
    watch(inj);
    return true;
}

/* --- Matching --- */

static bool filter_matches(const MaliInjectFilter *f,
                           const MaliInjectWhat *what)
{
    uint64_t val = *(const uint64_t *)((const char *)what + f->field);

    switch (f->how) {
    case MALI_FILTER_MASK:
        return !((val ^ f->a) & f->b);
    case MALI_FILTER_BITS:
        return val & f->a;
    case MALI_FILTER_VA:
        return what->va <= f->b && what->va_last >= f->a;
    default:
        return val >= f->a && val <= f->b;
    }
}

static bool matches(const MaliInjectRule *r, const MaliInjectWhat *what)
{
    for (int i = 0; i < r->n_filters; i++) {
        if (!filter_matches(&r->filters[i], what)) {
            return false;
        }
    }
    return true;
}

/* Xorshift, as mali_csf_tlb.c has it: a choice that a seed repeats */
static bool by_chance(MaliInjectRule *r)
{
    r->random ^= r->random << 13;
    r->random ^= r->random >> 17;
    r->random ^= r->random << 5;
    return r->random - 1 < r->chance;
}

/* What matches counts, and so does what hits */
static bool hits(MaliInjectRule *r)
{
    if (r->matches++ < r->skip || (r->count && r->hits >= r->count) ||
        (r->chance >> 32 == 0 && !by_chance(r))) {
        return false;
    }
    r->hits++;
    return true;
}

static const MaliInjectFilter *filter_of(const MaliInjectRule *r, int how)
{
    for (int i = 0; i < r->n_filters; i++) {
        if (r->filters[i].how == how) {
            return &r->filters[i];
        }
    }
    return NULL;
}

/* What was not said is the event's */
static MaliInjectArgs complete_args(const MaliInjectRule *r,
                                    const MaliInjectWhat *what)
{
    MaliInjectArgs args = r->args;

    args.as = args.has_as ? args.as : what->as;
    args.csg = args.has_csg ? args.csg
                            : what->csg == MALI_INJECT_NONE ? 0 : what->csg;
    args.cs = args.has_cs ? args.cs
                          : what->cs == MALI_INJECT_NONE ? 0 : what->cs;
    args.va = args.has_va ? args.va : what->va;
    return args;
}

/* Tell that a rule has hit, have its own deed done, and who comes after it */
static void act(MaliInject *inj, MaliInjectRule *r, const MaliInjectWhat *what)
{
    MaliInjectArgs args = complete_args(r, what);
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    /* A time that has come is no event of the hardware's */
    bool timed = r->kind == MALI_INJECT_AFTER || r->kind == MALI_INJECT_TIME;

    trace_mali_csf_inject_hit(r->name, r->hits, now,
                              mali_inject_kind_name(r->kind),
                              mali_inject_act_name(r->act));
    if (!mali_act_changes_event(r->act) && r->act != MALI_ACT_COUNT) {
        put_off(inj, r->act, r->name, &args,
                now + MAX(args.time, timed ? 0 : 1));
    }
    for (unsigned i = 0; i < inj->by_kind[MALI_INJECT_AFTER]->len; i++) {
        MaliInjectRule *next = rule_at(inj->by_kind[MALI_INJECT_AFTER], i);

        if (!strcmp(next->after, r->name)) {
            /* What it does not say is what it comes after */
            MaliInjectArgs its = complete_args(next, what);

            mali_inject_later(inj, MALI_ACT_FIRE, next->name, &its,
                              next->when);
        }
    }
}

static MaliVerdict verdict(const MaliInjectRule *r, const MaliInjectWhat *what)
{
    const MaliInjectFilter *bits = filter_of(r, MALI_FILTER_BITS);
    const MaliInjectFilter *va = filter_of(r, MALI_FILTER_VA);

    return (MaliVerdict) {
        .act = r->act, .args = r->args,
        .bits = bits ? what->bits & bits->a : what->bits,
        .first = va ? MAX(va->a, what->va) : what->va,
    };
}

MaliVerdict mali_inject_ask(MaliInject *inj, MaliInjectKind kind,
                            const MaliInjectWhat *what)
{
    const GPtrArray *rules = inj->by_kind[kind];

    /* What rules do is not for rules to see: there would be no end to it */
    for (unsigned i = 0; i < rules->len && !inj->acting; i++) {
        MaliInjectRule *r = rule_at(rules, i);

        if (matches(r, what) && hits(r)) {
            act(inj, r, what);
            if (mali_act_changes_event(r->act)) {
                return verdict(r, what);
            }
        }
    }
    return (MaliVerdict) { .act = MALI_ACT_NONE };
}

void mali_inject_fire(MaliInject *inj, const char *name,
                      const MaliInjectArgs *args)
{
    MaliInjectRule *r = find_rule(inj, name);
    MaliInjectWhat what = {
        .as = args->as, .csg = args->csg, .cs = args->cs, .va = args->va,
    };

    if (r && hits(r)) {
        act(inj, r, &what);
    }
}

/* By the words that do not change from access to access */
bool mali_inject_watches(const MaliInject *inj, uint64_t as, uint64_t first,
                         uint64_t last, uint64_t access)
{
    const GPtrArray *rules = inj->by_kind[MALI_INJECT_ACCESS];
    MaliInjectWhat what = {
        .as = as, .va = first, .va_last = last, .access = access,
    };

    for (unsigned i = 0; i < rules->len; i++) {
        const MaliInjectRule *r = rule_at(rules, i);
        bool may = !r->count || r->hits < r->count;

        for (int j = 0; j < r->n_filters && may; j++) {
            const MaliInjectFilter *f = &r->filters[j];

            may = f->field == offsetof(MaliInjectWhat, csg) ||
                  f->field == offsetof(MaliInjectWhat, cs) ||
                  filter_matches(f, &what);
        }
        if (may) {
            return true;
        }
    }
    return false;
}

/* --- State --- */

void mali_inject_init(MaliInject *inj, const MaliInjectEnv *env)
{
    inj->env = *env;
    inj->rules = g_ptr_array_new_with_free_func(
        (GDestroyNotify)mali_inject_rule_free);
    for (int i = 0; i < MALI_INJECT_KINDS; i++) {
        inj->by_kind[i] = g_ptr_array_new();
    }
    inj->pending = g_array_new(false, false, sizeof(MaliDeed));
}

void mali_inject_destroy(MaliInject *inj)
{
    for (int i = 0; i < MALI_INJECT_KINDS; i++) {
        g_ptr_array_unref(inj->by_kind[i]);
    }
    g_ptr_array_unref(inj->rules);
    g_array_unref(inj->pending);
    inj->watched = 0;
}

void mali_inject_reset(MaliInject *inj)
{
    for (unsigned i = 0; i < inj->pending->len; i++) {
        if (deed_at(inj, i)->act > MALI_ACT_FIRE) {
            g_array_remove_index(inj->pending, i--);
        }
    }
}

static void put_text(QEMUFile *f, const char *text)
{
    qemu_put_be32(f, strlen(text));
    qemu_put_buffer(f, (const uint8_t *)text, strlen(text));
}

/* false: too long for one that was saved */
static bool get_text(QEMUFile *f, char *text, size_t size)
{
    uint32_t n = qemu_get_be32(f);

    if (n >= size) {
        return false;
    }
    qemu_get_buffer(f, (uint8_t *)text, n);
    text[n] = '\0';
    return strlen(text) == n;
}

/*
 * Arguments are saved as the numbers that they are, but for the register: its
 * name's address is another one in another process, and is looked up again.
 */
static void put_args(QEMUFile *f, const MaliInjectArgs *a)
{
    const uint64_t *n = (const uint64_t *)a;
    const char *reg = (const char *)(uintptr_t)a->reg;

    for (int i = 0; i < offsetof(MaliInjectArgs, has_as) / sizeof(*n); i++) {
        qemu_put_be64(f, i == offsetof(MaliInjectArgs, reg) / sizeof(*n)
                         ? 0 : n[i]);
    }
    qemu_put_byte(f, a->has_value);
    put_text(f, reg ?: "");
}

static bool get_args(MaliInject *inj, QEMUFile *f, MaliInjectArgs *a)
{
    uint64_t *n = (uint64_t *)a;
    char reg[64];

    for (int i = 0; i < offsetof(MaliInjectArgs, has_as) / sizeof(*n); i++) {
        n[i] = qemu_get_be64(f);
    }
    a->has_value = qemu_get_byte(f);
    if (!get_text(f, reg, sizeof(reg))) {
        return false;
    }
    a->reg = *reg ? (uintptr_t)inj->env.find_reg(inj->env.opaque, -1, reg) : 0;
    return !*reg || a->reg;
}

static int put_inject(QEMUFile *f, void *pv, size_t size,
                      const VMStateField *field, JSONWriter *desc)
{
    const MaliInject *inj = pv;

    qemu_put_be32(f, inj->next_name);
    qemu_put_be32(f, inj->rules->len);
    for (unsigned i = 0; i < inj->rules->len; i++) {
        const MaliInjectRule *r = rule_at(inj->rules, i);

        put_text(f, r->text);
        put_text(f, r->name);
        qemu_put_be32(f, r->random);
        qemu_put_be64(f, r->matches);
        qemu_put_be64(f, r->hits);
    }
    qemu_put_be32(f, inj->pending->len);
    for (unsigned i = 0; i < inj->pending->len; i++) {
        const MaliDeed *d = deed_at(inj, i);

        qemu_put_be64(f, d->due);
        qemu_put_byte(f, d->act);
        put_text(f, d->rule);
        put_args(f, &d->args);
    }
    return 0;
}

static bool get_rule(MaliInject *inj, QEMUFile *f)
{
    char text[MALI_INJECT_TEXT], name[MALI_INJECT_NAME];
    g_autofree char *why = NULL;
    MaliInjectRule *r;

    if (!get_text(f, text, sizeof(text)) || !get_text(f, name, sizeof(name))) {
        return false;
    }
    r = mali_inject_parse(&inj->env, text, &why);
    if (!r) {
        return false;
    }
    g_strlcpy(r->name, name, sizeof(r->name));
    r->random = qemu_get_be32(f) ?: 1;
    r->matches = qemu_get_be64(f);
    r->hits = qemu_get_be64(f);
    enter_rule(inj, r);
    return true;
}

static bool get_deed(MaliInject *inj, QEMUFile *f)
{
    MaliDeed d = { };

    d.due = qemu_get_be64(f);
    d.act = qemu_get_byte(f);
    if (!get_text(f, d.rule, sizeof(d.rule)) || !get_args(inj, f, &d.args) ||
        d.act >= MALI_ACTS || mali_act_changes_event(d.act)) {
        return false;
    }
    g_array_append_val(inj->pending, d);
    return true;
}

/* The rules of the machine that was saved take the place of this one's */
static int get_inject(QEMUFile *f, void *pv, size_t size,
                      const VMStateField *field)
{
    MaliInject *inj = pv;
    uint32_t n;

    g_array_set_size(inj->pending, 0);
    while (inj->rules->len) {
        mali_inject_remove(inj, rule_at(inj->rules, 0)->name);
    }
    inj->next_name = qemu_get_be32(f);
    n = qemu_get_be32(f);
    for (uint32_t i = 0; i < n; i++) {
        if (i == MALI_INJECT_RULES || !get_rule(inj, f)) {
            return -EINVAL;
        }
    }
    n = qemu_get_be32(f);
    for (uint32_t i = 0; i < n; i++) {
        if (i == MALI_INJECT_PENDING || !get_deed(inj, f)) {
            return -EINVAL;
        }
    }
    return 0;
}

const VMStateInfo vmstate_info_mali_inject = {
    .name = "mali-csf/inject",
    .get = get_inject,
    .put = put_inject,
};
