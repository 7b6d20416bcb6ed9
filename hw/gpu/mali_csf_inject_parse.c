/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: the language of rules
 *
 * Pure: text into a MaliInjectRule, or the reason why not.
 */

#include "qemu/osdep.h"
#include "mali_csf_internal.h"
#include "mali_csf_inject_words.h"

/* --- Values --- */

typedef struct MaliParse {
    const MaliInjectEnv *env;
    MaliInjectRule *rule;
    uint32_t seen;          /* words of this side, bit by number */
    bool has_seed;
    int block;              /* MaliInjectBlock that was said, or -1 */
    char **why;
} MaliParse;

static bool G_GNUC_PRINTF(2, 3) refuse(MaliParse *p, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    *p->why = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    return false;
}

bool mali_inject_same_name(const char *name, const char *known)
{
    for (; *name && *known; name++, known++) {
        char a = *name == '_' ? '-' : g_ascii_tolower(*name);
        char b = *known == '_' ? '-' : g_ascii_tolower(*known);

        if (a != b) {
            return false;
        }
    }
    return *name == *known;
}

/* A number that @text begins with; *@end is behind it */
static bool take_number(const char *text, const char **end, uint64_t *val)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    char *stop;

    text += hex ? 2 : 0;
    if (hex ? !g_ascii_isxdigit(*text) : !g_ascii_isdigit(*text)) {
        return false;
    }
    errno = 0;
    *val = g_ascii_strtoull(text, &stop, hex ? 16 : 10);
    *end = stop;
    return !errno;
}

static bool parse_plain(MaliParse *p, const char *key, const char *text,
                        uint64_t *val)
{
    const char *end;

    if (!take_number(text, &end, val) || *end) {
        return refuse(p, "%s=%s is not a number", key, text);
    }
    return true;
}

static bool parse_time(MaliParse *p, const char *key, const char *text,
                       int64_t *ns)
{
    static const MaliName units[] = {
        { "ns", 1 }, { "us", SCALE_US }, { "ms", SCALE_MS },
        { "s", NANOSECONDS_PER_SECOND },
        { }
    };
    const char *end;
    uint64_t val;

    if (!strcmp(text, "never")) {
        *ns = MALI_INJECT_NEVER;
        return true;
    }
    if (take_number(text, &end, &val)) {
        for (const MaliName *u = units; u->name; u++) {
            if (!strcmp(end, u->name) &&
                val < MALI_INJECT_NEVER / 4 / u->value) {
                *ns = val * u->value;
                return true;
            }
        }
    }
    return refuse(p, "%s=%s is not a time such as 10us, 5ms or 2s", key, text);
}

static bool find_name(MaliParse *p, const char *key, const char *text,
                      const MaliName *names, uint64_t *val)
{
    g_autoptr(GString) list = g_string_new(NULL);

    for (; names->name; names++) {
        if (mali_inject_same_name(text, names->name)) {
            *val = names->value;
            return true;
        }
        g_string_append_printf(list, "%s%s", list->len ? ", " : "",
                               names->name);
    }
    return refuse(p, "%s=%s is none of %s", key, text, list->str);
}

/* Why nothing can have @val, or true */
static bool check_limit(MaliParse *p, const MaliWord *w, uint64_t val)
{
    uint64_t max = w->max;

    if (w->below) {
        max = *(const uint32_t *)((const char *)p->env + w->below - 1) - 1;
    }
    if ((w->below || max) && val > max) {
        return refuse(p, "%s=%" PRIu64 " is too much: the last one that there "
                      "is is %" PRIu64, w->name, val, max);
    }
    return true;
}

static bool parse_range(MaliParse *p, const MaliWord *w, const char *text,
                        uint64_t *a, uint64_t *b)
{
    const char *end;

    if (!take_number(text, &end, a)) {
        return refuse(p, "%s=%s is not a number", w->name, text);
    }
    *b = *a;
    if (g_str_has_prefix(end, "..")) {
        if (!take_number(end + 2, &end, b)) {
            return refuse(p, "%s=%s is not a range A..B", w->name, text);
        }
    }
    if (*end) {
        return refuse(p, "%s=%s is not a number or a range A..B", w->name,
                      text);
    }
    if (*b < *a) {
        return refuse(p, "%s=%s holds nothing: it ends before it begins",
                      w->name, text);
    }
    return check_limit(p, w, *a);
}

static bool parse_masked(MaliParse *p, const MaliWord *w, const char *text,
                         uint64_t *val, uint64_t *mask)
{
    const char *end;

    *mask = UINT64_MAX;
    if (!take_number(text, &end, val) ||
        (*end == '/' && !take_number(end + 1, &end, mask)) || *end) {
        return refuse(p, "%s=%s is not a number V or V/MASK", w->name, text);
    }
    if (*val & ~*mask) {
        return refuse(p, "%s=%s never matches: the value has bits that its "
                      "mask leaves out", w->name, text);
    }
    return check_limit(p, w, *val);
}

static bool parse_reg(MaliParse *p, const MaliWord *w, const char *text,
                      uint64_t *val)
{
    const char *found = p->env->find_reg(p->env->opaque, p->block, text);

    if (!found) {
        return refuse(p, "there is no register %s%s", text,
                      p->block < 0 ? "" : " in that block");
    }
    *val = (uintptr_t)found;
    return true;
}

static bool parse_opcode(MaliParse *p, const MaliWord *w, const char *text,
                         uint64_t *val)
{
    int found;

    if (g_ascii_isdigit(*text)) {
        return parse_plain(p, w->name, text, val) &&
               (*val <= 0xff || refuse(p, "%s=%s is more than 255", w->name,
                                       text));
    }
    found = p->env->find_opcode(p->env->opaque, text);
    if (found < 0) {
        return refuse(p, "there is no instruction %s", text);
    }
    *val = found;
    return true;
}

/* A sync event is that of an instruction that writes an object */
static bool check_sync_opcode(MaliParse *p, const char *text, uint64_t val)
{
    static const char *const names[] = {
        "SYNC_ADD32", "SYNC_SET32", "SYNC_ADD64", "SYNC_SET64",
    };

    for (int i = 0; i < ARRAY_SIZE(names); i++) {
        if (p->env->find_opcode(p->env->opaque, names[i]) == (int)val) {
            return true;
        }
    }
    return refuse(p, "opcode=%s never matches: it writes no sync object", text);
}

/* --- Filters --- */

static bool parse_filter(MaliParse *p, const MaliWord *w, const char *text)
{
    MaliInjectRule *r = p->rule;
    MaliInjectFilter f = { .how = MALI_FILTER_RANGE, .field = w->field };
    bool ok = true;

    switch (w->type) {
    case WORD_MASKED:
        f.how = MALI_FILTER_MASK;
        ok = parse_masked(p, w, text, &f.a, &f.b);
        break;
    case WORD_BITS:
        f.how = MALI_FILTER_BITS;
        ok = parse_plain(p, w->name, text, &f.a) && check_limit(p, w, f.a);
        if (ok && !f.a) {
            return refuse(p, "%s=0 never matches", w->name);
        }
        break;
    case WORD_VA:
        f.how = MALI_FILTER_VA;
        ok = parse_range(p, w, text, &f.a, &f.b);
        if (ok && f.a >> p->env->va_bits) {
            return refuse(p, "va=%s is beyond the %u bits of an address", text,
                          p->env->va_bits);
        }
        break;
    case WORD_NAME:
    case WORD_OWN_NAME:
        ok = find_name(p, w->name, text, w->names ? w->names :
                       mali_inject_events[r->kind].names, &f.a);
        f.b = f.a;
        break;
    case WORD_REG:
        ok = parse_reg(p, w, text, &f.a);
        f.b = f.a;
        break;
    case WORD_OPCODE:
        ok = parse_opcode(p, w, text, &f.a) &&
             (r->kind != MALI_INJECT_SYNC || check_sync_opcode(p, text, f.a));
        f.b = f.a;
        break;
    default:
        ok = parse_range(p, w, text, &f.a, &f.b);
    }
    if (!ok) {
        return false;
    }
    if (r->n_filters == MALI_INJECT_FILTERS) {
        return refuse(p, "too many words");
    }
    r->filters[r->n_filters++] = f;
    return true;
}

/*
 * Where the generator begins: seeds that differ by little, and small ones, must
 * not lead to first numbers that do (the end of MurmurHash3)
 */
static uint32_t scatter(uint64_t seed)
{
    uint32_t x = (uint32_t)seed ^ seed >> 32;

    x = (x ^ x >> 16) * 0x85ebca6b;
    x = (x ^ x >> 13) * 0xc2b2ae35;
    return x ^ x >> 16 ?: 1;
}

/* What any rule may have.  *@known: @key is one of these. */
static bool parse_common(MaliParse *p, const char *key, const char *text,
                         bool *known)
{
    MaliInjectRule *r = p->rule;
    uint64_t val;

    *known = true;
    if (!strcmp(key, "name")) {
        size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz"
                          "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

        if (!n || text[n] || n >= sizeof(r->name)) {
            return refuse(p, "name=%s is not a name of letters, digits, '-', "
                          "'_' and '.', %zu at most", text,
                          sizeof(r->name) - 1);
        }
        g_strlcpy(r->name, text, sizeof(r->name));
    } else if (!strcmp(key, "skip")) {
        return parse_plain(p, key, text, &r->skip);
    } else if (!strcmp(key, "count")) {
        return parse_plain(p, key, text, &r->count) &&
               (r->count || refuse(p, "count=0 never hits"));
    } else if (!strcmp(key, "seed")) {
        if (!parse_plain(p, key, text, &val)) {
            return false;
        }
        r->random = scatter(val);
        p->has_seed = true;
    } else if (!strcmp(key, "probability")) {
        char *end;
        double chance = g_ascii_strtod(text, &end);

        if (*end == '%') {
            chance /= 100;
            end++;
        }
        if (end == text || *end || !(chance > 0 && chance <= 1)) {
            return refuse(p, "probability=%s is not more than 0 and at most 1 "
                          "(or 100%%)", text);
        }
        r->chance = MAX(chance * 0x1p32, 1);
    } else {
        *known = false;
    }
    return true;
}

/* The times of AFTER and TIME.  *@known: @key is one of these. */
static bool parse_when(MaliParse *p, const char *key, const char *text,
                       bool *known)
{
    MaliInjectRule *r = p->rule;

    *known = true;
    if (r->kind == MALI_INJECT_AFTER && !strcmp(key, "rule")) {
        if (strlen(text) >= sizeof(r->after)) {
            return refuse(p, "there is no rule %s", text);
        }
        g_strlcpy(r->after, text, sizeof(r->after));
        return true;
    }
    if ((r->kind == MALI_INJECT_AFTER && !strcmp(key, "time")) ||
        (r->kind == MALI_INJECT_TIME && !strcmp(key, "at"))) {
        return parse_time(p, key, text, &r->when) &&
               (r->when != MALI_INJECT_NEVER ||
                refuse(p, "%s=never never matches", key));
    }
    *known = false;
    return true;
}

/* Which of @n words @key is; -1: none */
static int find_word(const MaliWord *words, int n, const char *key)
{
    for (int i = 0; i < n; i++) {
        if (!strcmp(key, words[i].name)) {
            return i;
        }
    }
    return -1;
}

static char *list_words(const MaliWord *words, uint32_t mask)
{
    GString *list = g_string_new(NULL);

    for (; mask; mask &= mask - 1) {
        g_string_append_printf(list, "%s%s", list->len ? ", " : "",
                               words[ctz32(mask)].name);
    }
    return g_string_free(list, false);
}

static bool say_twice(MaliParse *p, int bit, const char *key)
{
    if (p->seen & BIT(bit)) {
        return refuse(p, "%s is given twice", key);
    }
    p->seen |= BIT(bit);
    return true;
}

/* Words that are no filters have bits behind those that are */
static int other_word(const char *key)
{
    static const char *const names[] = {
        "name", "skip", "count", "seed", "probability", "rule", "time", "at",
    };

    QEMU_BUILD_BUG_ON(W_COUNT + ARRAY_SIZE(names) > 32);
    for (int i = 0; i < ARRAY_SIZE(names); i++) {
        if (!strcmp(key, names[i])) {
            return W_COUNT + i;
        }
    }
    return -1;
}

static bool parse_event_word(MaliParse *p, char *word)
{
    const MaliInjectEventRow *row = &mali_inject_events[p->rule->kind];
    char *text = strchr(word, '=');
    bool known;
    int w, other;

    if (!strcmp(word, "optional")) {
        p->rule->optional = true;
        return true;
    }
    if (!text) {
        return refuse(p, "'%s' is not a word of the form NAME=VALUE", word);
    }
    *text++ = '\0';
    other = other_word(word);
    if (other >= 0 && !say_twice(p, other, word)) {
        return false;
    }
    if (!parse_common(p, word, text, &known) || known) {
        return known && !*p->why;
    }
    if (!parse_when(p, word, text, &known) || known) {
        return known && !*p->why;
    }
    w = find_word(mali_filter_words, W_COUNT, word);
    if (w < 0 || !(row->words & BIT(w))) {
        g_autofree char *list = list_words(mali_filter_words, row->words);

        return refuse(p, "%s has no '%s'%s%s", row->name, word,
                      *list ? "; it has " : "", list);
    }
    return say_twice(p, w, word) &&
           parse_filter(p, &mali_filter_words[w], text);
}

/* A block that was said before its registers, wherever it stands */
static bool parse_block(MaliParse *p, char **words, int first, int end,
                        const MaliName *names)
{
    p->block = -1;
    for (int i = first; i < end; i++) {
        if (g_str_has_prefix(words[i], "block=")) {
            uint64_t val;

            if (!find_name(p, "block", words[i] + strlen("block="), names,
                           &val)) {
                return false;
            }
            p->block = val;
        }
    }
    return true;
}

static const MaliInjectFilter *filter_of(const MaliInjectRule *r,
                                         uint16_t field)
{
    for (int i = 0; i < r->n_filters; i++) {
        if (r->filters[i].field == field) {
            return &r->filters[i];
        }
    }
    return NULL;
}

/* A bank that the registers which are meant do not have */
static bool check_bank(MaliParse *p)
{
    const MaliInjectFilter *bank =
        filter_of(p->rule, mali_filter_words[W_BANK].field);
    const MaliInjectFilter *reg =
        filter_of(p->rule, mali_filter_words[W_REG].field);

    if (!bank || p->env->has_bank(p->env->opaque, p->block,
                                  reg ? (const char *)(uintptr_t)reg->a : NULL,
                                  bank->a, bank->b)) {
        return true;
    }
    return refuse(p, "bank=%" PRIu64 " never matches: there is none such",
                  bank->a);
}

static bool parse_event(MaliParse *p, char **words, int arrow)
{
    MaliInjectRule *r = p->rule;
    int kind = 0;

    while (kind < MALI_INJECT_KINDS &&
           strcmp(words[0], mali_inject_events[kind].name)) {
        kind++;
    }
    if (kind == MALI_INJECT_KINDS) {
        return refuse(p, "there is no event '%s'", words[0]);
    }
    r->kind = kind;
    if (mali_inject_events[kind].words & BIT(W_REG) &&
        !parse_block(p, words, 1, arrow, mali_block_names)) {
        return false;
    }
    for (int i = 1; i < arrow; i++) {
        if (!parse_event_word(p, words[i])) {
            return false;
        }
    }
    if (p->seen & BIT(W_REG) && p->seen & BIT(W_OFFSET)) {
        return refuse(p, "give a register's name or its offset, not both");
    }
    if (kind == MALI_INJECT_AFTER && (!*r->after || !r->when)) {
        return refuse(p, "after wants rule=NAME and time=T");
    }
    if (kind == MALI_INJECT_TIME && !r->when) {
        return refuse(p, "time wants at=T");
    }
    if (p->has_seed && r->chance == 1ULL << 32) {
        return refuse(p, "seed without a probability decides nothing");
    }
    return check_bank(p);
}

/* --- Actions --- */

static bool parse_arg(MaliParse *p, const MaliWord *w, const char *text)
{
    MaliInjectRule *r = p->rule;
    void *field = (char *)&r->args + w->field;

    switch (w->type) {
    case WORD_TIME:
        return parse_time(p, w->name, text, field);
    case WORD_NAME:
    case WORD_OWN_NAME:
        return find_name(p, w->name, text, w->names ? w->names :
                         mali_inject_acts[r->act].names, field);
    case WORD_REG:
        return parse_reg(p, w, text, field);
    case WORD_FILE:
        if (!*text || strlen(text) >= sizeof(r->file)) {
            return refuse(p, "file= wants a name of at most %zu bytes",
                          sizeof(r->file) - 1);
        }
        g_strlcpy(r->file, text, sizeof(r->file));
        return true;
    default:
        return parse_plain(p, w->name, text, field) &&
               check_limit(p, w, *(uint64_t *)field);
    }
}

static bool parse_act_word(MaliParse *p, char *word)
{
    const MaliInjectActRow *row = &mali_inject_acts[p->rule->act];
    char *text = strchr(word, '=');
    int w;

    if (!text) {
        return refuse(p, "'%s' is not a word of the form NAME=VALUE", word);
    }
    *text++ = '\0';
    w = find_word(mali_act_words, A_COUNT, word);
    if (w < 0 || !(row->words & BIT(w))) {
        g_autofree char *list = list_words(mali_act_words, row->words);

        return refuse(p, "%s has no '%s'%s%s", row->name, word,
                      *list ? "; it has " : "", list);
    }
    return say_twice(p, w, word) && parse_arg(p, &mali_act_words[w], text);
}

/* Words of an action that mean something to some events only */
static bool check_act_event(MaliParse *p)
{
    const MaliInjectRule *r = p->rule;
    bool buffer = r->kind == MALI_INJECT_SUSPEND_SAVE ||
                  r->kind == MALI_INJECT_SUSPEND_LOAD;

    if ((r->act == MALI_ACT_SET || r->act == MALI_ACT_FLIP) && !buffer &&
        p->seen & BIT(A_OFFSET)) {
        return refuse(p, "offset is for suspend-save and suspend-load");
    }
    if (r->act == MALI_ACT_FAULT && r->kind != MALI_INJECT_FETCH &&
        p->seen & BIT(A_INFO)) {
        return refuse(p, "info is for fetch: an MMU fault has none");
    }
    if (r->act == MALI_ACT_TWICE && r->kind != MALI_INJECT_IRQ &&
        p->seen & BIT(A_TIME)) {
        return refuse(p, "time is for irq: a sync is written twice at once");
    }
    return true;
}

/* Values that change nothing, or are more than there is room for */
static bool check_act_values(MaliParse *p)
{
    const MaliInjectRule *r = p->rule;
    const MaliInjectArgs *a = &r->args;
    bool narrow = r->act == MALI_ACT_RAISE ||
                  ((r->act == MALI_ACT_POKE || r->act == MALI_ACT_INTERFACE) &&
                   a->size == 4);

    if (p->seen & BIT(A_BITS) && !a->bits) {
        return refuse(p, "bits=0 changes nothing");
    }
    if (narrow && (a->value | a->bits) > UINT32_MAX) {
        return refuse(p, "%s is for 32 bits: 0x%" PRIx64 " is too much",
                      mali_inject_acts[r->act].name, a->value | a->bits);
    }
    if (p->seen & BIT(A_SIZE) && a->size != 4 && a->size != 8) {
        return refuse(p, "size is 4 or 8");
    }
    if (p->seen & BIT(A_TYPE) && !a->type) {
        return refuse(p, "type=0 is no exception");
    }
    if (r->act == MALI_ACT_POKE && a->va >> p->env->va_bits) {
        return refuse(p, "va=0x%" PRIx64 " is beyond the %u bits of an address",
                      a->va, p->env->va_bits);
    }
    return true;
}

/*
 * The storage that is to be changed: of the block that was said, or the first
 * that has such a register
 */
static bool check_storage(MaliParse *p)
{
    MaliInjectArgs *a = &p->rule->args;
    const char *name = (const char *)(uintptr_t)a->reg;
    unsigned bits;

    if (!(p->seen & BIT(A_BLOCK))) {
        a->block = 0;
        while (!p->env->find_reg(p->env->opaque, a->block, name)) {
            a->block++;
        }
    }
    bits = p->env->reg_bits(p->env->opaque, a->block, a->bank, name);
    if (!bits) {
        return refuse(p, "%s has no storage there that could be changed", name);
    }
    if (bits < 64 && (a->value | a->bits) >> bits) {
        return refuse(p, "%s has %u bits: 0x%" PRIx64 " is too much", name,
                      bits, a->value | a->bits);
    }
    return true;
}

static bool check_act(MaliParse *p)
{
    MaliInjectRule *r = p->rule;
    const MaliInjectActRow *row = &mali_inject_acts[r->act];

    if (row->needs && !(row->needs & p->seen)) {
        g_autofree char *list = list_words(mali_act_words, row->needs);

        return refuse(p, "%s wants %s", row->name, list);
    }
    if (row->needs == MALI_VALUE_OR_BITS &&
        (p->seen & row->needs) == row->needs) {
        return refuse(p, "%s takes value or bits, not both", row->name);
    }
    if (row->words & BIT(A_REG) && !(p->seen & BIT(A_REG))) {
        return refuse(p, "%s wants reg=NAME", row->name);
    }
    if (p->seen & BIT(A_TIME) && r->args.time == MALI_INJECT_NEVER &&
        r->act != MALI_ACT_STALL) {
        return refuse(p, "%s: that would never come", row->name);
    }
    return check_act_event(p) && check_act_values(p) &&
           (!(row->words & BIT(A_REG)) || check_storage(p));
}

static bool parse_act(MaliParse *p, char **words, int n)
{
    MaliInjectRule *r = p->rule;
    const MaliInjectEventRow *event = &mali_inject_events[r->kind];
    const MaliInjectActRow *row;
    int act = MALI_ACT_NONE + 1;

    while (act < MALI_ACT_RULES &&
           strcmp(words[0], mali_inject_acts[act].name)) {
        act++;
    }
    if (act == MALI_ACT_RULES) {
        return refuse(p, "there is no action '%s'", words[0]);
    }
    if (mali_act_changes_event(act) && !(event->acts & BIT(act))) {
        return refuse(p, "%s cannot be done to %s", words[0], event->name);
    }
    r->act = act;
    row = &mali_inject_acts[act];
    p->seen = 0;
    for (int i = 0; i < ARRAY_SIZE(row->defaults); i++) {
        if (row->defaults[i].field) {
            *(uint64_t *)((char *)&r->args + row->defaults[i].field) =
                row->defaults[i].value;
        }
    }
    if (r->kind == MALI_INJECT_FETCH && act == MALI_ACT_FAULT) {
        r->args.type = CS_EXC_DATA_INVALID;
    }
    if (row->words & BIT(A_REG) &&
        !parse_block(p, words, 1, n, mali_block_names)) {
        return false;
    }
    for (int i = 1; i < n; i++) {
        if (!parse_act_word(p, words[i])) {
            return false;
        }
    }
    r->args.has_as = p->seen & BIT(A_AS);
    r->args.has_va = p->seen & BIT(A_VA);
    r->args.has_csg = p->seen & BIT(A_CSG);
    r->args.has_cs = p->seen & BIT(A_CS);
    r->args.has_value = p->seen & BIT(A_VALUE);
    return check_act(p);
}

/* --- Rules --- */

void mali_inject_rule_free(MaliInjectRule *rule)
{
    if (rule) {
        g_free(rule->text);
        g_free(rule);
    }
}

static bool parse_words(MaliParse *p, char **words, int n)
{
    int arrow = 0;

    while (arrow < n && strcmp(words[arrow], "->")) {
        arrow++;
    }
    if (!arrow || arrow >= n - 1) {
        return refuse(p, "a rule is EVENT [WORD ...] -> ACTION [WORD ...]");
    }
    return parse_event(p, words, arrow) &&
           parse_act(p, words + arrow + 1, n - arrow - 1);
}

MaliInjectRule *mali_inject_parse(const MaliInjectEnv *env, const char *text,
                                  char **why)
{
    MaliInjectRule *r = g_new0(MaliInjectRule, 1);
    MaliParse p = { .env = env, .rule = r, .why = why, .block = -1 };
    g_auto(GStrv) words = NULL;
    int n = 0;

    *why = NULL;
    r->text = g_strstrip(g_strndup(text, MALI_INJECT_TEXT));
    r->chance = 1ULL << 32;
    r->random = scatter(1);
    if (strlen(text) >= MALI_INJECT_TEXT) {
        refuse(&p, "a rule has less than %d characters", MALI_INJECT_TEXT);
    } else if (!g_utf8_validate(text, -1, NULL) ||
               !g_shell_parse_argv(r->text, &n, &words, NULL)) {
        refuse(&p, "a rule is EVENT [WORD ...] -> ACTION [WORD ...]");
    } else if (parse_words(&p, words, n)) {
        return r;
    }
    mali_inject_rule_free(r);
    return NULL;
}
