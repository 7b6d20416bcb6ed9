/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mali CSF GPU: the language of fault injection rules
 *
 * The tables here are those of docs/mali-csf.rst, written down a second time:
 * what each event and each action takes, and why all else is refused.
 */

#include "qemu/osdep.h"
#include "inject-device.h"

/* --- Parsing --- */

static MaliInjectRule *parse(const char *text)
{
    char *why = NULL;
    MaliInjectRule *r = mali_inject_parse(&env, text, &why);

    if (!r) {
        g_test_message("%s: %s", text, why);
    }
    g_assert_nonnull(r);
    g_assert_null(why);
    return r;
}

static void parse_only(const char *text)
{
    mali_inject_rule_free(parse(text));
}

static void refuse_for(const char *text, const char *reason)
{
    g_autofree char *shown = g_strescape(text, NULL);
    g_autofree char *why = NULL;
    MaliInjectRule *r = mali_inject_parse(&env, text, &why);

    g_test_message("%s", shown);
    g_assert_null(r);
    g_assert_cmpstr(why, ==, reason);
}

/* --- What each event takes --- */

typedef struct Event {
    const char *name;
    const char *words;
    const char *acts;       /* of its own */
    const char *needs;      /* words without which there is none */
} Event;

static const Event events[MALI_INJECT_KINDS] = {
    { "reg-read", "block bank reg offset value", "set flip" },
    { "reg-write", "block bank reg offset value", "set flip drop" },
    { "irq", "line bits", "drop delay mute twice" },
    { "as-command", "as command va", "delay never lose stale" },
    { "flush", "mode", "delay never lose" },
    { "reset", "mode", "delay never" },
    { "power", "domain to", "delay never" },
    { "mcu-boot", "kind", "delay never fail" },
    { "mcu-halt", "", "delay never" },
    { "mcu-stop", "", "delay never" },
    { "glb-request", "request", "delay never ack" },
    { "csg-request", "csg request", "delay never ack" },
    { "cs-request", "csg cs request", "delay never ack" },
    { "doorbell", "doorbell", "delay drop" },
    { "glb-event", "event", "delay drop" },
    { "csg-event", "csg event", "delay drop" },
    { "cs-event", "csg cs event", "delay drop" },
    { "walk", "as va access", "fault" },
    { "access", "as va access csg cs", "fault set flip drop" },
    { "fetch", "csg cs opcode pc", "fault fatal stall drop" },
    { "sync", "csg cs opcode address", "drop twice" },
    { "suspend-save", "csg", "set flip fail" },
    { "suspend-load", "csg", "set flip fail" },
    { "heap", "csg cs", "oom" },
    { "after", "", "", "rule=x time=1ns" },
    { "time", "", "", "at=1ns" },
};

static const struct {
    const char *name;
    const char *value;
} words[] = {
    { "block", "gpu" }, { "bank", "0" }, { "reg", "GPU_ID" },
    { "offset", "0x20" }, { "value", "0x10/0xf0" }, { "line", "job" },
    { "bits", "0x80000000" }, { "as", "2" }, { "command", "lock" },
    { "va", "0x1000..0x1fff" }, { "mode", "0x233" }, { "domain", "l2" },
    { "to", "on" }, { "kind", "warm" }, { "csg", "3" }, { "cs", "7" },
    { "doorbell", "23" }, { "access", "write" }, { "opcode", "SYNC_ADD64" },
    { "pc", "0x80..0x90" }, { "address", "0x100" },
    /* Those that each event has its own of are below */
};

static const struct {
    const char *event;
    const char *word;
    const char *names;
} own_names[] = {
    { "glb-request", "request", "halt cfg-progress-timer cfg-alloc-en "
      "cfg-poweroff-timer counter-en ping idle-en" },
    { "csg-request", "request", "terminate start suspend resume "
      "endpoint-config status-update" },
    { "cs-request", "request", "stop start" },
    { "glb-event", "event", "idle" },
    { "csg-event", "event", "sync-update idle progress-timer" },
    { "cs-event", "event", "fault fatal tiler-oom" },
};

/* Names that mean the same to all events that have the word */
static const struct {
    const char *event;
    const char *word;
    const char *names;
} shared_names[] = {
    { "reg-read", "block",
      "gpu gpu-int job-int mmu-int mcu as latest-flush doorbell" },
    { "irq", "line", "job mmu gpu" },
    { "as-command", "command", "update lock unlock flush-pt flush-mem" },
    { "power", "domain", "l2 shader tiler" },
    { "power", "to", "off on" },
    { "mcu-boot", "kind", "cold warm" },
    { "walk", "access", "read write" },
};

static bool has_word(const char *list, const char *word)
{
    g_auto(GStrv) all = g_strsplit(list, " ", -1);

    return g_strv_contains((const char *const *)all, word);
}

/* "a, b" from "a b" */
static char *with_commas(const char *list)
{
    g_auto(GStrv) all = g_strsplit(list, " ", -1);

    return g_strjoinv(", ", all);
}

/* @who has no @word, but those of @list, in whatever order */
static void refuse_word(const char *text, const char *who, const char *word,
                        const char *list)
{
    g_autofree char *begin = g_strdup_printf("%s has no '%s'%s", who, word,
                                             *list ? "; it has " : "");
    g_auto(GStrv) has = g_strsplit(list, " ", -1);
    g_auto(GStrv) told = NULL;
    g_autofree char *why = NULL;
    MaliInjectRule *r = mali_inject_parse(&env, text, &why);

    g_test_message("%s", text);
    g_assert_null(r);
    g_assert_true(g_str_has_prefix(why, begin));
    told = g_strsplit(why + strlen(begin), ", ", -1);
    g_assert_cmpuint(g_strv_length(told), ==, g_strv_length(has));
    for (char **one = has; *one; one++) {
        g_assert_true(g_strv_contains((const char *const *)told, *one));
    }
}

static void test_event_words(void)
{
    for (int e = 0; e < ARRAY_SIZE(events); e++) {
        const Event *ev = &events[e];

        for (int w = 0; w < ARRAY_SIZE(words); w++) {
            g_autofree char *text =
                g_strdup_printf("%s %s=%s %s -> count", ev->name,
                                words[w].name, words[w].value,
                                ev->needs ?: "");

            if (has_word(ev->words, words[w].name)) {
                parse_only(text);
            } else {
                refuse_word(text, ev->name, words[w].name, ev->words);
            }
        }
    }
}

static void check_names(const char *event, const char *word, const char *names)
{
    g_auto(GStrv) all = g_strsplit(names, " ", -1);
    g_autofree char *list = with_commas(names);
    g_autofree char *wrong = g_strdup_printf("%s %s=x -> count", event, word);
    g_autofree char *why = g_strdup_printf("%s=x is none of %s", word, list);

    for (char **name = all; *name; name++) {
        g_autofree char *text = g_strdup_printf("%s %s=%s -> count", event,
                                                word, *name);
        g_autofree char *upper = g_ascii_strup(*name, -1);
        g_autofree char *other = g_strdup_printf("%s %s=%s -> count", event,
                                                 word, g_strdelimit(upper, "-",
                                                                    '_'));
        MaliInjectRule *r = parse(text), *o = parse(other);

        g_assert_cmpint(r->n_filters, ==, 1);
        g_assert_cmphex(r->filters[0].a, ==, r->filters[0].b);
        g_assert_cmphex(r->filters[0].a, ==, o->filters[0].a);
        mali_inject_rule_free(r);
        mali_inject_rule_free(o);
    }
    refuse_for(wrong, why);
}

static void test_names(void)
{
    for (int i = 0; i < ARRAY_SIZE(own_names); i++) {
        check_names(own_names[i].event, own_names[i].word, own_names[i].names);
    }
    for (int i = 0; i < ARRAY_SIZE(shared_names); i++) {
        check_names(shared_names[i].event, shared_names[i].word,
                    shared_names[i].names);
    }
}

/* --- What each action takes --- */

typedef struct Act {
    const char *name;
    const char *words;
    const char *least;      /* words that must be there */
    bool changes;           /* the event: of those that have it as their own */
    const char *event;      /* where all of its words mean something */
} Act;

static const Act acts[] = {
    { "delay", "time", "time=1ms", true, "flush" },
    { "never", "", "", true, "flush" },
    { "lose", "", "", true, "flush" },
    { "stale", "", "", true, "as-command" },
    { "drop", "", "", true, "irq" },
    { "twice", "time", "", true, "irq" },
    { "mute", "", "", true, "irq" },
    { "set", "value offset", "value=1", true, "suspend-save" },
    { "flip", "bits offset", "bits=1", true, "suspend-save" },
    { "ack", "value", "value=1", true, "csg-request" },
    { "fail", "", "", true, "mcu-boot" },
    { "fault", "type info", "", true, "fetch" },
    { "fatal", "type info", "", true, "fetch" },
    { "stall", "time", "time=1ms", true, "fetch" },
    { "oom", "", "", true, "heap" },
    { "count", "", "" },
    { "raise", "time line bits", "bits=1" },
    { "as-fault", "time as va type access", "" },
    { "gpu-fault", "time type va", "" },
    { "cs-fault", "time csg cs type info", "" },
    { "cs-fatal", "time csg cs type info", "" },
    { "reg", "time value block bank reg bits", "reg=GPU_ID value=1" },
    { "poke", "time value as va size bits", "value=1" },
    { "interface", "time value csg cs block offset side bits", "value=1" },
    { "mcu-hang", "time", "" },
    { "mcu-halted", "time", "" },
    { "mcu-fatal", "time", "" },
    { "stall-queue", "time for csg cs", "for=1ms" },
    { "pause", "time", "" },
    { "snapshot", "time file", "file=f" },
};

static const struct {
    const char *name;
    const char *value;
} act_words[] = {
    { "time", "2us" }, { "for", "never" }, { "value", "7" }, { "bits", "7" },
    { "type", "0xc3" }, { "info", "7" }, { "as", "2" }, { "va", "0x1000" },
    { "access", "write" }, { "csg", "3" }, { "cs", "7" }, { "line", "mmu" },
    { "block", "gpu" }, { "bank", "0" }, { "reg", "GPU_ID" },
    { "offset", "8" }, { "size", "8" }, { "side", "out" }, { "file", "f" },
};

/* Each event has its own actions, and all those that need none */
static void test_event_acts(void)
{
    for (int e = 0; e < ARRAY_SIZE(events); e++) {
        for (int a = 0; a < ARRAY_SIZE(acts); a++) {
            g_autofree char *text =
                g_strdup_printf("%s %s -> %s %s", events[e].name,
                                events[e].needs ?: "", acts[a].name,
                                acts[a].least);
            g_autofree char *why =
                g_strdup_printf("%s cannot be done to %s", acts[a].name,
                                events[e].name);

            if (!acts[a].changes || has_word(events[e].acts, acts[a].name)) {
                MaliInjectRule *r = parse(text);

                g_assert_cmpstr(mali_inject_kind_name(r->kind), ==,
                                events[e].name);
                g_assert_cmpstr(mali_inject_act_name(r->act), ==,
                                acts[a].name);
                g_assert_cmpint(mali_act_changes_event(r->act), ==,
                                acts[a].changes);
                mali_inject_rule_free(r);
            } else {
                refuse_for(text, why);
            }
        }
    }
}

/* What must be there but for words of the name @but */
static char *least_but(const Act *a, const char *but)
{
    g_auto(GStrv) all = g_strsplit(a->least, " ", -1);
    GString *left = g_string_new(NULL);

    for (char **word = all; *word; word++) {
        bool pair = (g_str_equal(but, "value") || g_str_equal(but, "bits")) &&
                    !a->changes &&
                    (g_str_has_prefix(*word, "value=") ||
                     g_str_has_prefix(*word, "bits="));

        if (!pair && !(g_str_has_prefix(*word, but) &&
                       (*word)[strlen(but)] == '=')) {
            g_string_append_printf(left, " %s", *word);
        }
    }
    return g_string_free(left, false);
}

static void test_act_words(void)
{
    for (int a = 0; a < ARRAY_SIZE(acts); a++) {
        const Act *act = &acts[a];

        for (int w = 0; w < ARRAY_SIZE(act_words); w++) {
            g_autofree char *least = least_but(act, act_words[w].name);
            const char *value = act_words[w].value;
            g_autofree char *text = NULL;

            if (g_str_equal(act->name, "interface") &&
                g_str_equal(act_words[w].name, "block")) {
                value = "csg";
            }
            text = g_strdup_printf("%s -> %s %s=%s%s", act->event ?: "flush",
                                   act->name, act_words[w].name, value, least);
            if (has_word(act->words, act_words[w].name)) {
                parse_only(text);
            } else {
                refuse_word(text, act->name, act_words[w].name, act->words);
            }
        }
    }
}

/* --- What comes of it --- */

#define FIELD(member)   offsetof(MaliInjectWhat, member)

static const struct {
    const char *text;
    MaliInjectFilter filter;
} filters[] = {
    { "irq bits=0x30 -> drop",
      { MALI_FILTER_BITS, FIELD(bits), 0x30 } },
    { "irq line=gpu -> drop",
      { MALI_FILTER_RANGE, FIELD(line), 2, 2 } },
    { "walk as=1 -> fault", { MALI_FILTER_RANGE, FIELD(as), 1, 1 } },
    { "walk as=1..2 -> fault", { MALI_FILTER_RANGE, FIELD(as), 1, 2 } },
    { "walk va=0x1000..8191 -> fault",
      { MALI_FILTER_VA, FIELD(va), 0x1000, 0x1fff } },
    { "walk va=0xffffffffff -> fault",
      { MALI_FILTER_VA, FIELD(va), 0xffffffffff, 0xffffffffff } },
    { "reg-read value=5 -> count",
      { MALI_FILTER_MASK, FIELD(value), 5, UINT64_MAX } },
    { "reg-read value=0/0xf0 -> count",
      { MALI_FILTER_MASK, FIELD(value), 0, 0xf0 } },
    { "as-command command=flush-mem -> count",
      { MALI_FILTER_RANGE, FIELD(command), 5, 5 } },
    { "csg-event event=sync-update -> count",
      { MALI_FILTER_RANGE, FIELD(event), 1u << 28, 1u << 28 } },
    { "csg-event event=idle -> count",
      { MALI_FILTER_RANGE, FIELD(event), 1u << 29, 1u << 29 } },
    { "csg-event event=progress-timer -> count",
      { MALI_FILTER_RANGE, FIELD(event), 1u << 31, 1u << 31 } },
    { "glb-event event=idle -> count",
      { MALI_FILTER_RANGE, FIELD(event), 1u << 26, 1u << 26 } },
    { "cs-event event=tiler-oom -> count",
      { MALI_FILTER_RANGE, FIELD(event), 1u << 26, 1u << 26 } },
    { "cs-event event=fatal -> count",
      { MALI_FILTER_RANGE, FIELD(event), 1u << 30, 1u << 30 } },
    { "cs-event event=fault -> count",
      { MALI_FILTER_RANGE, FIELD(event), 1u << 31, 1u << 31 } },
    { "fetch opcode=run-compute -> drop",
      { MALI_FILTER_RANGE, FIELD(opcode), 4, 4 } },
    { "fetch opcode=255 -> drop",
      { MALI_FILTER_RANGE, FIELD(opcode), 255, 255 } },
    { "fetch pc=0x80..0x88 -> drop",
      { MALI_FILTER_RANGE, FIELD(pc), 0x80, 0x88 } },
    { "mcu-boot kind=warm -> fail", { MALI_FILTER_RANGE, FIELD(boot), 1, 1 } },
    { "power to=off -> never", { MALI_FILTER_RANGE, FIELD(to), 0, 0 } },
};

static void test_filters(void)
{
    for (int i = 0; i < ARRAY_SIZE(filters); i++) {
        MaliInjectRule *r = parse(filters[i].text);
        const MaliInjectFilter *f = &r->filters[0], *e = &filters[i].filter;

        g_test_message("%s", filters[i].text);
        g_assert_cmpint(r->n_filters, ==, 1);
        g_assert_cmpint(f->how, ==, e->how);
        g_assert_cmpint(f->field, ==, e->field);
        g_assert_cmphex(f->a, ==, e->a);
        if (e->how != MALI_FILTER_BITS) {
            g_assert_cmphex(f->b, ==, e->b);
        }
        mali_inject_rule_free(r);
    }
}

#define ARG(member)     offsetof(MaliInjectArgs, member)

/* One number of an action, said or not */
static const struct {
    const char *text;
    size_t field;
    uint64_t value;
} args[] = {
    { "flush -> delay time=3ns", ARG(time), 3 },
    { "flush -> delay time=3us", ARG(time), 3000 },
    { "flush -> delay time=3ms", ARG(time), 3000000 },
    { "flush -> delay time=3s", ARG(time), 3000000000 },
    { "flush -> delay time=0ns", ARG(time), 0 },
    { "flush -> delay time=0x10us", ARG(time), 16000 },
    { "fetch -> stall time=never", ARG(time), INT64_MAX },
    { "flush -> stall-queue for=never", ARG(hold), INT64_MAX },
    { "flush -> stall-queue for=5ms time=1ms", ARG(hold), 5000000 },
    { "flush -> stall-queue for=5ms time=1ms", ARG(time), 1000000 },
    { "walk -> fault", ARG(type), 0xc3 },
    { "access -> fault type=0xc8", ARG(type), 0xc8 },
    { "fetch -> fault", ARG(type), 0x58 },
    { "fetch -> fault type=0x55 info=0x1234", ARG(info), 0x1234 },
    { "fetch -> fatal", ARG(type), 0x41 },
    { "flush -> cs-fault", ARG(type), 0x58 },
    { "flush -> cs-fatal", ARG(type), 0x41 },
    { "flush -> gpu-fault", ARG(type), 0x80 },
    { "flush -> as-fault", ARG(type), 0xc3 },
    { "flush -> as-fault", ARG(access), 2 },
    { "flush -> as-fault access=write", ARG(access), 3 },
    { "flush -> raise bits=0xffffffff line=mmu", ARG(bits), UINT32_MAX },
    { "flush -> raise bits=1 line=mmu", ARG(line), 1 },
    { "flush -> poke value=0xffffffffffffffff size=8", ARG(value), UINT64_MAX },
    { "flush -> poke bits=1", ARG(size), 4 },
    { "flush -> interface value=1", ARG(size), 4 },
    { "flush -> interface value=1", ARG(block), MALI_INTERFACE_GLB },
    { "flush -> interface value=1 block=cs", ARG(block), MALI_INTERFACE_CS },
    { "flush -> interface value=1 side=in", ARG(side), 0 },
    { "flush -> interface value=1 side=out", ARG(side), 1 },
    { "flush -> reg reg=gpu-fault-addr value=0x123456789abc", ARG(value),
      0x123456789abc },
    { "flush -> reg reg=GPU_ID value=1", ARG(block), MALI_BLOCK_GPU },
    /* Of the only block that has it */
    { "flush -> reg reg=AS_TRANSTAB value=1", ARG(block), MALI_BLOCK_AS },
    { "flush -> reg reg=AS_TRANSTAB bank=2 bits=1", ARG(bank), 2 },
    /* The block may come behind */
    { "flush -> reg reg=AS_FAULTSTATUS value=1 block=as", ARG(block),
      MALI_BLOCK_AS },
    { "csg-request -> ack value=7", ARG(value), 7 },
    { "suspend-load -> flip bits=0x8000000000000000 offset=0x40", ARG(offset),
      0x40 },
};

static void test_args(void)
{
    for (int i = 0; i < ARRAY_SIZE(args); i++) {
        MaliInjectRule *r = parse(args[i].text);

        g_test_message("%s", args[i].text);
        g_assert_cmphex(*(uint64_t *)((char *)&r->args + args[i].field), ==,
                        args[i].value);
        mali_inject_rule_free(r);
    }
}

/* Whether it was said: 0 said is not the same as not said */
static void test_said(void)
{
    MaliInjectRule *r = parse("flush -> as-fault as=0 va=0");

    g_assert_true(r->args.has_as && r->args.has_va);
    mali_inject_rule_free(r);
    r = parse("flush -> as-fault");
    g_assert_false(r->args.has_as || r->args.has_va);
    mali_inject_rule_free(r);
    r = parse("flush -> cs-fault csg=0 cs=0");
    g_assert_true(r->args.has_csg && r->args.has_cs);
    mali_inject_rule_free(r);
    r = parse("flush -> cs-fault");
    g_assert_false(r->args.has_csg || r->args.has_cs);
    mali_inject_rule_free(r);
    r = parse("flush -> poke value=0");
    g_assert_true(r->args.has_value);
    mali_inject_rule_free(r);
    r = parse("flush -> poke bits=1");
    g_assert_false(r->args.has_value);
    mali_inject_rule_free(r);
}

static void test_common(void)
{
    MaliInjectRule *r = parse("  flush name=A-b_c.9 skip=0x2 count=3 seed=4\t"
                               "probability=25% optional  ->  lose ");

    g_assert_cmpstr(r->name, ==, "A-b_c.9");
    g_assert_cmpuint(r->skip, ==, 2);
    g_assert_cmpuint(r->count, ==, 3);
    g_assert_cmphex(r->chance, ==, 1u << 30);
    g_assert_true(r->optional);
    g_assert_cmpint(r->n_filters, ==, 0);
    g_assert_cmpint(r->act, ==, MALI_ACT_LOSE);
    mali_inject_rule_free(r);

    r = parse("flush -> lose");
    g_assert_cmpstr(r->name, ==, "");
    g_assert_cmpuint(r->count, ==, 0);
    g_assert_cmphex(r->chance, ==, 1ULL << 32);
    g_assert_false(r->optional);
    mali_inject_rule_free(r);

    r = parse("after rule=x time=5us -> snapshot file='a b.img'");
    g_assert_cmpstr(r->after, ==, "x");
    g_assert_cmpint(r->when, ==, 5000);
    g_assert_cmpstr(r->file, ==, "a b.img");
    mali_inject_rule_free(r);

    r = parse("time at=2s -> pause");
    g_assert_cmpint(r->when, ==, 2000000000);
    mali_inject_rule_free(r);
}

static const struct {
    const char *text;
    uint64_t chance;
} chances[] = {
    { "1", 1ULL << 32 }, { "100%", 1ULL << 32 }, { "0.5", 1u << 31 },
    { "50%", 1u << 31 }, { "1e-9", 4 }, { "1e-30", 1 }, { ".25", 1u << 30 },
};

static void test_chances(void)
{
    for (int i = 0; i < ARRAY_SIZE(chances); i++) {
        g_autofree char *text = g_strdup_printf("flush probability=%s -> lose",
                                                chances[i].text);
        MaliInjectRule *r = parse(text);

        g_assert_cmphex(r->chance, ==, chances[i].chance);
        mali_inject_rule_free(r);
    }
}

/* A seed is where the generator begins; no two of these begin alike, or at 0 */
static void test_seeds(void)
{
    static const char *const seeds[] = {
        "0", "1", "2", "3", "4294967295", "4294967296", "0x100000001",
        "18446744073709551615",
    };
    uint32_t first[ARRAY_SIZE(seeds)];
    unsigned low = 0, same = 0;

    for (int i = 0; i < ARRAY_SIZE(seeds); i++) {
        g_autofree char *text = g_strdup_printf("flush probability=0.5 seed=%s "
                                                "-> lose", seeds[i]);
        MaliInjectRule *r = parse(text);

        first[i] = r->random;
        g_assert_cmphex(first[i], !=, 0);
        low += first[i] < 1u << 20;
        for (int j = 0; j < i; j++) {
            same += first[i] == first[j];
        }
        mali_inject_rule_free(r);
    }
    /* Of 64 bits 32 are left: 1 and 2^32 are one, so are 0 and the last two */
    g_assert_cmpuint(same, <=, 4);
    g_assert_cmpuint(low, <=, 3);
    g_assert_cmphex(first[1], !=, first[2]);
    g_assert_cmphex(first[2], !=, first[3]);
}

/* --- What is refused, and why --- */

#define FORM    "a rule is EVENT [WORD ...] -> ACTION [WORD ...]"

static const struct {
    const char *text;
    const char *why;
} refused[] = {
    /* Form */
    { "", FORM }, { "   ", FORM }, { "flush", FORM }, { "flush ->", FORM },
    { "-> never", FORM }, { "->", FORM }, { "flush - > never", FORM },
    { "flush never", FORM }, { "flush 'a -> never", FORM },
    { "flush \xff -> never", FORM }, { "flush -> never \xc3", FORM },
    { "flash -> never", "there is no event 'flash'" },
    { "FLUSH -> never", "there is no event 'FLUSH'" },
    { "flush -> neverever", "there is no action 'neverever'" },
    { "flush -> -> never", "there is no action '->'" },
    { "flush -> go on", "there is no action 'go'" },
    { "flush x -> never", "'x' is not a word of the form NAME=VALUE" },
    { "flush -> never x", "'x' is not a word of the form NAME=VALUE" },
    { "flush =1 -> never", "flush has no ''; it has mode" },
    { "flush mode -> never", "'mode' is not a word of the form NAME=VALUE" },
    { "flush optional=1 -> never", "flush has no 'optional'; it has mode" },
    { "flush at=1ns -> never", "flush has no 'at'; it has mode" },
    { "flush rule=x -> never", "flush has no 'rule'; it has mode" },
    { "time rule=x at=1ns -> count", "time has no 'rule'" },
    { "after at=1ns rule=x time=1ns -> count", "after has no 'at'" },
    { "flush Mode=1 -> never", "flush has no 'Mode'; it has mode" },
    /* Twice */
    { "flush mode=1 mode=2 -> never", "mode is given twice" },
    { "flush mode=1 mode=1 -> never", "mode is given twice" },
    { "flush name=a name=a -> never", "name is given twice" },
    { "flush skip=1 skip=1 -> never", "skip is given twice" },
    { "flush count=1 count=1 -> never", "count is given twice" },
    { "flush seed=1 seed=1 probability=1% -> never", "seed is given twice" },
    { "flush probability=1% probability=1% -> never",
      "probability is given twice" },
    { "after rule=x rule=y time=1ns -> count", "rule is given twice" },
    { "after rule=x time=1ns time=2ns -> count", "time is given twice" },
    { "time at=1ns at=2ns -> count", "at is given twice" },
    { "reg-read block=gpu block=as -> count", "block is given twice" },
    { "flush -> delay time=1ns time=2ns", "time is given twice" },
    /* Numbers */
    { "flush mode= -> never", "mode= is not a number" },
    { "flush mode=-1 -> never", "mode=-1 is not a number" },
    { "flush mode=+1 -> never", "mode=+1 is not a number" },
    { "flush mode=0x -> never", "mode=0x is not a number" },
    { "flush mode=0xg -> never", "mode=0xg is not a number" },
    { "flush mode=1x -> never", "mode=1x is not a number or a range A..B" },
    { "flush mode=1.. -> never", "mode=1.. is not a range A..B" },
    { "flush mode=1..x -> never", "mode=1..x is not a range A..B" },
    { "flush mode=1..2..3 -> never",
      "mode=1..2..3 is not a number or a range A..B" },
    { "flush mode=..1 -> never", "mode=..1 is not a number" },
    { "flush mode=18446744073709551616 -> never",
      "mode=18446744073709551616 is not a number" },
    { "flush mode=0x10000000000000000 -> never",
      "mode=0x10000000000000000 is not a number" },
    { "flush skip=x -> never", "skip=x is not a number" },
    { "flush skip=1..2 -> never", "skip=1..2 is not a number" },
    { "flush count=x -> never", "count=x is not a number" },
    { "flush seed=x -> never", "seed=x is not a number" },
    { "irq bits=x -> drop", "bits=x is not a number" },
    { "reg-read value=x -> count", "value=x is not a number V or V/MASK" },
    { "reg-read value=1/ -> count", "value=1/ is not a number V or V/MASK" },
    { "reg-read value=1/2/3 -> count",
      "value=1/2/3 is not a number V or V/MASK" },
    { "flush -> raise bits=x", "bits=x is not a number" },
    { "flush -> raise bits=1..2", "bits=1..2 is not a number" },
    /* Times */
    { "flush -> delay time=5", "time=5 is not a time such as 10us, 5ms or 2s" },
    { "flush -> delay time=5m",
      "time=5m is not a time such as 10us, 5ms or 2s" },
    { "flush -> delay time=ms",
      "time=ms is not a time such as 10us, 5ms or 2s" },
    { "flush -> delay time=1.5ms",
      "time=1.5ms is not a time such as 10us, 5ms or 2s" },
    { "flush -> delay time=-1ms",
      "time=-1ms is not a time such as 10us, 5ms or 2s" },
    { "flush -> delay time=1MS",
      "time=1MS is not a time such as 10us, 5ms or 2s" },
    /* A quarter of what the clock can count */
    { "flush -> delay time=2305843009213693951ns",
      "time=2305843009213693951ns is not a time such as 10us, 5ms or 2s" },
    { "flush -> delay time=2305843010s",
      "time=2305843010s is not a time such as 10us, 5ms or 2s" },
    { "flush -> delay time=never", "delay: that would never come" },
    { "irq -> twice time=never", "twice: that would never come" },
    { "flush -> raise bits=1 time=never", "raise: that would never come" },
    { "flush -> pause time=never", "pause: that would never come" },
    { "after rule=x time=never -> count", "time=never never matches" },
    { "time at=never -> count", "at=never never matches" },
    { "after rule=x -> count", "after wants rule=NAME and time=T" },
    { "after time=1ns -> count", "after wants rule=NAME and time=T" },
    { "after rule=x time=0ns -> count", "after wants rule=NAME and time=T" },
    { "after rule= time=1ns -> count", "after wants rule=NAME and time=T" },
    { "after rule=a234567890123456789012345678901234 time=1ns -> count",
      "there is no rule a234567890123456789012345678901234" },
    { "time -> count", "time wants at=T" },
    { "time at=0s -> count", "time wants at=T" },
    /* What can never match */
    { "flush count=0 -> never", "count=0 never hits" },
    { "irq bits=0 -> drop", "bits=0 never matches" },
    { "irq bits=0x100000000 -> drop", "bits=4294967296 is too much: the last "
      "one that there is is 4294967295" },
    { "walk as=3 -> fault",
      "as=3 is too much: the last one that there is is 2" },
    { "walk as=3..9 -> fault",
      "as=3 is too much: the last one that there is is 2" },
    { "csg-request csg=4 -> never",
      "csg=4 is too much: the last one that there is is 3" },
    { "fetch cs=8 -> drop",
      "cs=8 is too much: the last one that there is is 7" },
    { "doorbell doorbell=24 -> drop",
      "doorbell=24 is too much: the last one that there is is 23" },
    { "reg-read offset=0x200000 -> count", "offset=2097152 is too much: the "
      "last one that there is is 2097151" },
    { "reg-read bank=64 -> count",
      "bank=64 is too much: the last one that there is is 63" },
    { "reg-read block=as bank=3 -> count",
      "bank=3 never matches: there is none such" },
    { "reg-write reg=AS_TRANSTAB bank=3..9 -> count",
      "bank=3 never matches: there is none such" },
    { "reg-read bank=1 block=gpu -> count",
      "bank=1 never matches: there is none such" },
    { "reg-read value=0x100000000 -> count", "value=4294967296 is too much: "
      "the last one that there is is 4294967295" },
    { "flush mode=0x1000000 -> never", "mode=16777216 is too much: the last "
      "one that there is is 16777215" },
    { "walk va=0x10000000000 -> fault",
      "va=0x10000000000 is beyond the 40 bits of an address" },
    { "walk va=2..1 -> fault",
      "va=2..1 holds nothing: it ends before it begins" },
    { "walk as=2..1 -> fault",
      "as=2..1 holds nothing: it ends before it begins" },
    { "reg-read value=0x11/0xf0 -> count", "value=0x11/0xf0 never matches: the "
      "value has bits that its mask leaves out" },
    { "sync opcode=NOP -> drop",
      "opcode=NOP never matches: it writes no sync object" },
    { "sync opcode=SYNC_WAIT32 -> drop",
      "opcode=SYNC_WAIT32 never matches: it writes no sync object" },
    { "sync opcode=39 -> drop",
      "opcode=39 never matches: it writes no sync object" },
    { "reg-read reg=GPU_ID offset=0 -> count",
      "give a register's name or its offset, not both" },
    { "flush seed=5 -> never", "seed without a probability decides nothing" },
    { "flush seed=5 probability=1 -> never",
      "seed without a probability decides nothing" },
    /* Probability */
    { "flush probability=0 -> never",
      "probability=0 is not more than 0 and at most 1 (or 100%)" },
    { "flush probability=1.01 -> never",
      "probability=1.01 is not more than 0 and at most 1 (or 100%)" },
    { "flush probability=101% -> never",
      "probability=101% is not more than 0 and at most 1 (or 100%)" },
    { "flush probability=-1% -> never",
      "probability=-1% is not more than 0 and at most 1 (or 100%)" },
    { "flush probability=nan -> never",
      "probability=nan is not more than 0 and at most 1 (or 100%)" },
    { "flush probability=inf -> never",
      "probability=inf is not more than 0 and at most 1 (or 100%)" },
    { "flush probability= -> never",
      "probability= is not more than 0 and at most 1 (or 100%)" },
    { "flush probability=% -> never",
      "probability=% is not more than 0 and at most 1 (or 100%)" },
    { "flush probability=1%% -> never",
      "probability=1%% is not more than 0 and at most 1 (or 100%)" },
    /* Names */
    { "flush name= -> never", "name= is not a name of letters, digits, '-', "
      "'_' and '.', 31 at most" },
    { "flush name=a/b -> never", "name=a/b is not a name of letters, digits, "
      "'-', '_' and '.', 31 at most" },
    { "flush 'name=a b' -> never", "name=a b is not a name of letters, digits, "
      "'-', '_' and '.', 31 at most" },
    { "flush name=a2345678901234567890123456789012 -> never",
      "name=a2345678901234567890123456789012 is not a name of letters, digits, "
      "'-', '_' and '.', 31 at most" },
    { "reg-read reg=NOTHING -> count", "there is no register NOTHING" },
    { "reg-read reg=AS_TRANSTAB block=gpu -> count",
      "there is no register AS_TRANSTAB in that block" },
    { "reg-read block=nothing -> count", "block=nothing is none of gpu, "
      "gpu-int, job-int, mmu-int, mcu, as, latest-flush, doorbell" },
    { "fetch opcode=NOTHING -> drop", "there is no instruction NOTHING" },
    { "fetch opcode=256 -> drop", "opcode=256 is more than 255" },
    { "fetch opcode=0y -> drop", "opcode=0y is not a number" },
    /* Actions */
    { "flush -> delay", "delay wants time" },
    { "fetch -> stall", "stall wants time" },
    { "flush -> stall-queue", "stall-queue wants for" },
    { "reg-read -> set", "set wants value" },
    { "reg-read -> flip", "flip wants bits" },
    { "csg-request -> ack", "ack wants value" },
    { "flush -> raise", "raise wants bits" },
    { "flush -> snapshot", "snapshot wants file" },
    { "flush -> poke", "poke wants value, bits" },
    { "flush -> interface", "interface wants value, bits" },
    { "flush -> reg reg=GPU_ID", "reg wants value, bits" },
    { "flush -> reg value=1", "reg wants reg=NAME" },
    { "flush -> poke value=1 bits=1", "poke takes value or bits, not both" },
    { "flush -> reg reg=GPU_ID value=1 bits=1",
      "reg takes value or bits, not both" },
    { "flush -> poke value=1 size=2", "size is 4 or 8" },
    { "flush -> poke value=1 size=0", "size is 4 or 8" },
    { "flush -> poke value=1 size=9",
      "size=9 is too much: the last one that there is is 8" },
    { "flush -> poke value=0x100000000",
      "poke is for 32 bits: 0x100000000 is too much" },
    { "flush -> interface bits=0x100000000",
      "interface is for 32 bits: 0x100000000 is too much" },
    { "flush -> raise bits=0x100000000",
      "raise is for 32 bits: 0x100000000 is too much" },
    { "flush -> raise bits=0", "bits=0 changes nothing" },
    { "reg-read -> flip bits=0", "bits=0 changes nothing" },
    { "flush -> poke bits=0", "bits=0 changes nothing" },
    { "flush -> poke value=1 va=0x10000000000",
      "va=0x10000000000 is beyond the 40 bits of an address" },
    { "flush -> poke value=1 as=3",
      "as=3 is too much: the last one that there is is 2" },
    { "flush -> cs-fault csg=4",
      "csg=4 is too much: the last one that there is is 3" },
    { "flush -> cs-fault cs=8",
      "cs=8 is too much: the last one that there is is 7" },
    { "flush -> cs-fault type=0x100",
      "type=256 is too much: the last one that there is is 255" },
    { "flush -> cs-fault type=0", "type=0 is no exception" },
    { "walk -> fault type=0", "type=0 is no exception" },
    { "walk -> fault info=1", "info is for fetch: an MMU fault has none" },
    { "access -> fault info=1", "info is for fetch: an MMU fault has none" },
    { "sync -> twice time=1ns",
      "time is for irq: a sync is written twice at once" },
    { "reg-read -> set value=1 offset=8",
      "offset is for suspend-save and suspend-load" },
    { "access -> flip bits=1 offset=8",
      "offset is for suspend-save and suspend-load" },
    { "flush -> reg reg=NOTHING value=1", "there is no register NOTHING" },
    { "flush -> reg reg=GPU_ID block=as value=1",
      "there is no register GPU_ID in that block" },
    { "flush -> reg reg=GPU_STATUS value=1",
      "GPU_STATUS has no storage there that could be changed" },
    { "flush -> reg reg=INT_RAWSTAT value=1 block=job-int",
      "INT_RAWSTAT has no storage there that could be changed" },
    { "flush -> reg reg=AS_TRANSTAB bank=3 value=1",
      "AS_TRANSTAB has no storage there that could be changed" },
    { "flush -> reg reg=GPU_ID value=0x100000000",
      "GPU_ID has 32 bits: 0x100000000 is too much" },
    { "flush -> reg reg=AS_FAULTSTATUS bits=0x100000000",
      "AS_FAULTSTATUS has 32 bits: 0x100000000 is too much" },
    { "flush -> interface value=1 block=gpu",
      "block=gpu is none of glb, csg, cs" },
    { "flush -> interface value=1 offset=0x1000001",
      "offset=16777217 is too much: the last one that there is is 16777216" },
    { "flush -> snapshot file=", "file= wants a name of at most 255 bytes" },
};

static void test_refused(void)
{
    for (int i = 0; i < ARRAY_SIZE(refused); i++) {
        refuse_for(refused[i].text, refused[i].why);
    }
}

/* As long as they may be, and by one too long */
static void test_lengths(void)
{
    g_autofree char *spaces = g_strnfill(MALI_INJECT_TEXT, ' ');
    g_autofree char *file = g_strnfill(MALI_INJECT_FILE, 'f');
    g_autofree char *text = NULL;
    MaliInjectRule *r;

    text = g_strdup_printf("flush %s-> lose",
                           spaces + strlen("flush -> lose") + 1);
    g_assert_cmpuint(strlen(text), ==, MALI_INJECT_TEXT - 1);
    parse_only(text);
    g_free(text);
    text = g_strdup_printf("flush %s-> lose", spaces);
    text[MALI_INJECT_TEXT] = '\0';
    refuse_for(text, "a rule has less than 1024 characters");
    g_free(text);
    text = g_strdup_printf("flush -> snapshot file=%s", file + 1);
    r = parse(text);
    g_assert_cmpstr(r->file, ==, file + 1);
    mali_inject_rule_free(r);
    g_free(text);
    text = g_strdup_printf("flush -> snapshot file=%s", file);
    refuse_for(text, "file= wants a name of at most 255 bytes");
    parse_only("flush name=a234567890123456789012345678901 -> lose");
}

/* As many filters as any event has words */
static void test_all_words(void)
{
    MaliInjectRule *r = parse("access as=0..2 va=0..0xfff access=write csg=1 "
                               "cs=2 name=n skip=1 count=2 probability=1% "
                               "seed=9 optional -> drop");

    g_assert_cmpint(r->n_filters, ==, 5);
    mali_inject_rule_free(r);
}

/* --- Whatever comes --- */

/* Refused with a reason, or a rule that its own text makes again */
static void check_any(const char *text)
{
    char *why = NULL;
    MaliInjectRule *r = mali_inject_parse(&env, text, &why);
    MaliInjectRule *again;

    if (!r) {
        g_assert_nonnull(why);
        g_assert_true(*why && g_utf8_validate(why, -1, NULL));
        g_free(why);
        return;
    }
    g_assert_null(why);
    g_assert_cmpint(r->kind, <, MALI_INJECT_KINDS);
    g_assert_cmpint(r->act, >, MALI_ACT_NONE);
    g_assert_cmpint(r->act, <, MALI_ACT_RULES);
    g_assert_cmpint(r->n_filters, <=, MALI_INJECT_FILTERS);
    g_assert_cmpuint(r->chance, >, 0);
    g_assert_cmphex(r->random, !=, 0);
    again = mali_inject_parse(&env, r->text, &why);
    g_assert_nonnull(again);
    g_assert_cmpstr(again->text, ==, r->text);
    g_assert_cmpmem(&again->name, sizeof(*r) - offsetof(MaliInjectRule, name),
                    &r->name, sizeof(*r) - offsetof(MaliInjectRule, name));
    mali_inject_rule_free(again);
    mali_inject_rule_free(r);
}

static void test_random_bytes(void)
{
    for (int i = 0; i < 20000; i++) {
        char text[1200];
        int n = g_test_rand_int_range(0, i % 100 ? 60 : sizeof(text));

        for (int j = 0; j < n; j++) {
            text[j] = g_test_rand_int_range(1, 256);
        }
        text[n] = '\0';
        check_any(text);
    }
}

/* Rules in which some bytes, or words, are others */
static void test_random_changes(void)
{
    static const char from[] = " =->./x0159%'\"\\abeinot\t";

    for (int i = 0; i < 100000; i++) {
        int n = g_test_rand_int_range(0, 3);
        int a = g_test_rand_int_range(0, ARRAY_SIZE(args));
        int b = g_test_rand_int_range(0, ARRAY_SIZE(filters));
        g_autofree char *text =
            i & 1 ? g_strdup(args[a].text)
                  : g_strdup_printf("%s %s", filters[b].text,
                                    strstr(args[a].text, "->") + 2);
        size_t len = strlen(text);

        for (int j = 0; j < n; j++) {
            text[g_test_rand_int_range(0, len)] =
                from[g_test_rand_int_range(0, sizeof(from) - 1)];
        }
        check_any(text);
    }
}

/* Words of any event and any action, in any order */
static void test_random_words(void)
{
    for (int i = 0; i < 100000; i++) {
        g_autoptr(GString) text = g_string_new(NULL);
        const Event *ev = &events[g_test_rand_int_range(0, ARRAY_SIZE(events))];
        const Act *act = &acts[g_test_rand_int_range(0, ARRAY_SIZE(acts))];

        g_string_append_printf(text, "%s %s", ev->name, ev->needs ?: "");
        for (int n = g_test_rand_int_range(0, 4); n; n--) {
            int w = g_test_rand_int_range(0, ARRAY_SIZE(words));

            g_string_append_printf(text, " %s=%s", words[w].name,
                                   words[w].value);
        }
        g_string_append_printf(text, " -> %s %s", act->name, act->least);
        for (int n = g_test_rand_int_range(0, 3); n; n--) {
            int w = g_test_rand_int_range(0, ARRAY_SIZE(act_words));

            g_string_append_printf(text, " %s=%s", act_words[w].name,
                                   act_words[w].value);
        }
        check_any(text->str);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/inject-parse/event-words", test_event_words);
    g_test_add_func("/inject-parse/names", test_names);
    g_test_add_func("/inject-parse/event-acts", test_event_acts);
    g_test_add_func("/inject-parse/act-words", test_act_words);
    g_test_add_func("/inject-parse/filters", test_filters);
    g_test_add_func("/inject-parse/args", test_args);
    g_test_add_func("/inject-parse/said", test_said);
    g_test_add_func("/inject-parse/common", test_common);
    g_test_add_func("/inject-parse/chances", test_chances);
    g_test_add_func("/inject-parse/seeds", test_seeds);
    g_test_add_func("/inject-parse/refused", test_refused);
    g_test_add_func("/inject-parse/lengths", test_lengths);
    g_test_add_func("/inject-parse/all-words", test_all_words);
    g_test_add_func("/inject-parse/random-bytes", test_random_bytes);
    g_test_add_func("/inject-parse/random-changes", test_random_changes);
    g_test_add_func("/inject-parse/random-words", test_random_words);

    return g_test_run();
}
