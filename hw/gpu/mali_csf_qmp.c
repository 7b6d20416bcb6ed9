/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: QMP commands (qapi/mali-csf.json)
 *
 * They look and leave no trace: an address can be translated, and what an
 * address space maps or the TLB keeps be listed, without a job that does it.
 * What the checker finds is told as an event, and can be asked for.
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-mali-csf.h"
#include "qapi/qapi-events-mali-csf.h"
#include "mali_csf_internal.h"

/* Of one answer; a client that wants more asks again */
#define MALI_QMP_LIMIT          1000
#define MALI_QMP_LIMIT_MAX      10000
/*
 * Walks for one answer, a few ms of them: tables that point at themselves map
 * the whole of the address space in small pages.
 */
#define MALI_QMP_WALKS          32768

QEMU_BUILD_BUG_ON((int)MALI_CSF_ACCESS_ATOMIC != (int)MALI_ACCESS_ATOMIC);
QEMU_BUILD_BUG_ON((int)MALI_CSF_ACCESS_EXECUTE != (int)MALI_ACCESS_EXECUTE);
QEMU_BUILD_BUG_ON((int)MALI_CSF_ACCESS_READ != (int)MALI_ACCESS_READ);
QEMU_BUILD_BUG_ON((int)MALI_CSF_ACCESS_WRITE != (int)MALI_ACCESS_WRITE);

QEMU_BUILD_BUG_ON((int)MALI_CSF_PERIOD_KIND_LOCK != (int)MALI_PERIOD_LOCK);
QEMU_BUILD_BUG_ON((int)MALI_CSF_PERIOD_KIND_FLUSH != (int)MALI_PERIOD_FLUSH);
QEMU_BUILD_BUG_ON((int)MALI_CSF_PERIOD_KIND_STALL != (int)MALI_PERIOD_STALL);

QEMU_BUILD_BUG_ON((int)MALI_CSF_SOURCE_TLB != (int)MALI_FROM_TLB);
QEMU_BUILD_BUG_ON((int)MALI_CSF_SOURCE_WALK_CACHE != (int)MALI_FROM_WALK_CACHE);
QEMU_BUILD_BUG_ON((int)MALI_CSF_SOURCE_TABLES != (int)MALI_FROM_TABLES);
QEMU_BUILD_BUG_ON((int)MALI_CSF_SOURCE_MODE != (int)MALI_FROM_MODE);

/* --- Arguments --- */

MaliCsfState *mali_qmp_device(const char *path, Error **errp)
{
    bool ambiguous = false;
    Object *obj;

    if (path) {
        obj = object_resolve_path_type(path, TYPE_MALI_CSF, &ambiguous);
    } else {
        obj = object_resolve_path_type("", TYPE_MALI_CSF, &ambiguous);
    }
    if (ambiguous) {
        error_setg(errp, "There are several mali-csf devices that this may "
                   "mean: name one with 'qom-path'");
        return NULL;
    }
    if (!obj || !DEVICE(obj)->realized) {
        if (path) {
            error_setg(errp, "'%s' is not a mali-csf device", path);
        } else {
            error_setg(errp, "There is no mali-csf device");
        }
        return NULL;
    }
    return MALI_CSF(obj);
}

static MaliCsfState *mali_qmp_as(const char *path, uint32_t as, Error **errp)
{
    MaliCsfState *s = mali_qmp_device(path, errp);

    if (s && as >= s->as_count) {
        error_setg(errp, "There is no address space %" PRIu32
                   ": the device has %" PRIu32, as, s->as_count);
        return NULL;
    }
    return s;
}

static bool mali_qmp_limit(bool has_limit, uint32_t *limit, Error **errp)
{
    if (!has_limit) {
        *limit = MALI_QMP_LIMIT;
    }
    if (!*limit || *limit > MALI_QMP_LIMIT_MAX) {
        error_setg(errp, "'limit' must be 1 to %d", MALI_QMP_LIMIT_MAX);
        return false;
    }
    return true;
}

/* --- Translate --- */

static bool mali_qmp_has_page(uint8_t exception)
{
    return exception == MALI_EXC_OK ||
           (exception & ~(MALI_PTW_LEVELS - 1)) == MALI_EXC_PERM_FAULT;
}

static MaliCsfTranslation *mali_qmp_translation(uint8_t exception,
                                                const MaliPtwResult *res)
{
    MaliCsfTranslation *t = g_new0(MaliCsfTranslation, 1);

    t->exception = exception;
    t->level = res->level;
    if (mali_qmp_has_page(exception)) {
        t->has_pa = t->has_size = t->has_attr = true;
        t->has_readable = t->has_writable = t->has_executable = true;
        t->pa = res->pa;
        t->size = res->page_mask + 1;
        t->readable = res->readable;
        t->writable = res->writable;
        t->executable = res->executable;
        t->attr = res->attr;
    }
    return t;
}

static bool mali_qmp_same(const MaliCsfTranslation *a,
                          const MaliCsfTranslation *b)
{
    return a->exception == b->exception && a->pa == b->pa &&
           a->readable == b->readable && a->writable == b->writable &&
           a->executable == b->executable && a->attr == b->attr;
}

MaliCsfPeek *qmp_x_mali_csf_translate(uint32_t as, uint64_t va, bool has_access,
                                      MaliCsfAccess access,
                                      const char *qom_path, Error **errp)
{
    MaliCsfState *s = mali_qmp_as(qom_path, as, errp);
    MaliXlateSource source;
    MaliPtwResult res;
    MaliCsfPeek *peek;
    uint8_t exception;

    if (!s) {
        return NULL;
    }
    if (!has_access) {
        access = MALI_CSF_ACCESS_READ;
    }
    peek = g_new0(MaliCsfPeek, 1);
    peek->locked = mali_mmu_is_locked(s, as, va, va);
    exception = mali_mmu_peek(s, as, va, (MaliAccess)access, &res, &source);
    peek->source = (MaliCsfSource)source;
    peek->cached = mali_qmp_translation(exception, &res);
    exception = mali_mmu_walk(s, as, va, (MaliAccess)access, &res);
    peek->fresh = mali_qmp_translation(exception, &res);
    peek->stale = !mali_qmp_same(peek->cached, peek->fresh);
    return peek;
}

/* --- Mappings --- */

/* What one walk tells, as a range of its own; false: nothing is there */
static bool mali_qmp_piece(uint8_t exception, const MaliPtwResult *res,
                           uint64_t va, uint64_t last, MaliCsfRange *piece)
{
    bool mapped = mali_qmp_has_page(exception);

    if (!mapped && exception >= MALI_EXC_TRANSLATION_FAULT &&
        exception < MALI_EXC_TRANSLATION_FAULT + MALI_PTW_LEVELS) {
        return false;
    }
    *piece = (MaliCsfRange) {
        .va = va,
        .size = last - va + 1,
        .exception = mapped ? MALI_EXC_OK : exception,
    };
    if (mapped) {
        piece->has_pa = piece->has_contiguous = piece->has_attr = true;
        piece->has_readable = piece->has_writable = true;
        piece->has_executable = true;
        piece->pa = res->pa;
        piece->contiguous = true;
        piece->readable = res->readable;
        piece->writable = res->writable;
        piece->executable = res->executable;
        piece->attr = res->attr;
    }
    return true;
}

/* Make @piece, which comes after it, a part of @range; false: it is none */
static bool mali_qmp_join(MaliCsfRange *range, const MaliCsfRange *piece,
                          bool split)
{
    bool follows = range->pa + range->size == piece->pa;

    if (range->va + range->size != piece->va ||
        range->exception != piece->exception ||
        range->readable != piece->readable ||
        range->writable != piece->writable ||
        range->executable != piece->executable ||
        range->attr != piece->attr ||
        (split && range->has_pa && !follows)) {
        return false;
    }
    range->size += piece->size;
    range->contiguous &= follows;
    return true;
}

/*
 * The last address of those that the walk's last descriptor decided on, all of
 * which end as @va did; UINT64_MAX where no table had a say.
 */
static uint64_t mali_qmp_walk_end(uint8_t exception, const MaliPtwResult *res,
                                  uint64_t va)
{
    if (res->n_levels || exception == MALI_EXC_GPU_BUS_FAULT) {
        return va | mali_ptw_level_mask(res->level);
    }
    return exception == MALI_EXC_OK ? va | res->page_mask : UINT64_MAX;
}

MaliCsfMappings *qmp_x_mali_csf_mappings(uint32_t as, bool has_first,
                                         uint64_t first, bool has_limit,
                                         uint32_t limit, bool has_split,
                                         bool split, bool has_table,
                                         uint64_t table, const char *qom_path,
                                         Error **errp)
{
    MaliCsfState *s = mali_qmp_as(qom_path, as, errp);
    MaliCsfMappings *found;
    MaliCsfRangeList **tail;
    MaliCsfRange *range = NULL;
    uint64_t va = first;    /* 0 where it is not given */
    uint32_t n = 0;

    if (!s || !mali_qmp_limit(has_limit, &limit, errp)) {
        return NULL;
    }
    found = g_new0(MaliCsfMappings, 1);
    tail = &found->ranges;
    for (uint32_t walks = 0; ; walks++) {
        MaliCsfRange piece;
        MaliPtwResult res;
        uint8_t exception = has_table ?
            mali_mmu_walk_root(s, table, va, MALI_ACCESS_READ, &res) :
            mali_mmu_walk(s, as, va, MALI_ACCESS_READ, &res);
        uint64_t last = mali_qmp_walk_end(exception, &res, va);

        if (walks == MALI_QMP_WALKS) {
            break;
        }
        /* Past the end of the tables, or there are none */
        if (last == UINT64_MAX) {
            return found;
        }
        if (mali_qmp_piece(exception, &res, va, last, &piece) &&
            !(range && mali_qmp_join(range, &piece, split))) {
            if (n++ == limit) {
                break;
            }
            range = g_memdup2(&piece, sizeof(piece));
            QAPI_LIST_APPEND(tail, range);
        }
        va = last + 1;
    }
    found->has_next = true;
    found->next = va;
    return found;
}

/* --- TLB --- */

static MaliCsfTlbEntry *mali_qmp_tlb_entry(const MaliTlbEntry *e, bool table)
{
    MaliCsfTlbEntry *entry = g_new0(MaliCsfTlbEntry, 1);

    *entry = (MaliCsfTlbEntry) {
        .va = e->node.start,
        .size = e->node.last - e->node.start + 1,
        .table = table,
        .level = e->level,
        .pa = e->pa,
        .descriptor = e->desc_pa,
        .time_ns = e->when,
        .serial = e->serial,
    };
    if (!table) {
        entry->has_readable = entry->has_writable = true;
        entry->has_executable = entry->has_attr = true;
        entry->readable = e->readable;
        entry->writable = e->writable;
        entry->executable = e->executable;
        entry->attr = e->attr;
    }
    return entry;
}

MaliCsfTlb *qmp_x_mali_csf_tlb(uint32_t as, bool has_first, uint64_t first,
                               bool has_limit, uint32_t limit,
                               const char *qom_path, Error **errp)
{
    MaliCsfState *s = mali_qmp_as(qom_path, as, errp);
    uint64_t va = 0;        /* where the last one of the answer begins */
    MaliTlbEntry *leaf, *table;
    MaliCsfTlbEntryList **tail;
    MaliCsfTlb *found;
    uint32_t n = 0;

    if (!s || !mali_qmp_limit(has_limit, &limit, errp)) {
        return NULL;
    }
    found = g_new0(MaliCsfTlb, 1);
    found->total = mali_tlb_count_all(&s->tlb, as);
    tail = &found->entries;
    leaf = mali_tlb_first(&s->tlb, as, first, UINT64_MAX);
    table = mali_tlb_first_table(&s->tlb, as, first, UINT64_MAX);
    while (leaf || table) {
        bool is_table = !leaf ||
                        (table && table->node.start <= leaf->node.start);
        MaliTlbEntry *e = is_table ? table : leaf;

        if (n >= limit && e->node.start != va) {
            found->has_next = true;
            found->next = e->node.start;
            break;
        }
        /* What begins before @first and goes beyond it also comes by */
        if (e->node.start >= first) {
            va = e->node.start;
            QAPI_LIST_APPEND(tail, mali_qmp_tlb_entry(e, is_table));
            n++;
        }
        if (is_table) {
            table = mali_tlb_next(table, first, UINT64_MAX);
        } else {
            leaf = mali_tlb_next(leaf, first, UINT64_MAX);
        }
    }
    return found;
}

/* --- Periods --- */

static MaliCsfPeriod *mali_qmp_period(uint64_t number, const MaliPeriod *p)
{
    MaliCsfPeriod *out = g_new0(MaliCsfPeriod, 1);
    bool lock = p->kind == MALI_PERIOD_LOCK;
    bool stall = p->kind == MALI_PERIOD_STALL;

    *out = (MaliCsfPeriod) {
        .number = number,
        .kind = (MaliCsfPeriodKind)p->kind,
        .begin_ns = p->begin,
        .end_ns = p->end,
        .has_as = lock || stall,
        .as = p->as,
        .has_va = lock || stall,
        .va = p->first,
        .has_size = lock,
        .size = p->last - p->first + 1,
        .has_dropped = lock,
        .dropped = p->dropped,
        .has_stalls = lock,
        .stalls = p->stalls,
    };
    if (stall && MALI_SOURCE_IS_CS(p->source)) {
        out->has_group = out->has_queue = true;
        out->group = MALI_SOURCE_CSG(p->source);
        out->queue = MALI_SOURCE_QUEUE(p->source);
    }
    return out;
}

MaliCsfPeriods *qmp_x_mali_csf_periods(bool has_first, uint64_t first,
                                       bool has_limit, uint32_t limit,
                                       const char *qom_path, Error **errp)
{
    MaliCsfState *s = mali_qmp_device(qom_path, errp);
    MaliCsfPeriodList **tail;
    MaliCsfPeriods *found;
    uint64_t oldest, n;

    if (!s || !mali_qmp_limit(has_limit, &limit, errp)) {
        return NULL;
    }
    found = g_new0(MaliCsfPeriods, 1);
    tail = &found->periods;
    oldest = mali_stats_oldest(&s->stats);
    n = has_first ? MAX(first, oldest) : oldest;
    for (; limit; limit--, n++) {
        const MaliPeriod *p = mali_stats_period(&s->stats, n);

        if (!p) {
            break;
        }
        QAPI_LIST_APPEND(tail, mali_qmp_period(n, p));
    }
    found->next = MIN(n, s->stats.count);
    found->more = found->next < s->stats.count;
    found->oldest = oldest;
    return found;
}

/* --- Findings --- */

static MaliCsfFreed *mali_qmp_freed(const MaliFreed *f)
{
    MaliCsfFreed *freed = g_new0(MaliCsfFreed, 1);
    MaliCsfCallerList **tail = &freed->stack;

    freed->pfn = f->pfn;
    freed->order = f->order;
    freed->guest_time_ns = f->when;
    freed->pid = f->pid;
    freed->comm = g_strdup(f->comm);
    for (unsigned i = 0; i < f->depth; i++) {
        MaliCsfCaller *caller = g_new0(MaliCsfCaller, 1);

        caller->address = f->stack[i].address;
        if (*f->stack[i].symbol) {
            caller->symbol = g_strdup(f->stack[i].symbol);
        }
        QAPI_LIST_APPEND(tail, caller);
    }
    return freed;
}

static void mali_qmp_fill_finding(MaliCsfFinding *out, const MaliFinding *f)
{
    MaliCsfCommandList **tail = &out->commands;

    out->kind = g_strdup(mali_finding_info[f->kind].name);
    out->text = g_strdup(f->text);
    out->count = f->count;
    out->time_ns = f->when;
    out->has_as = f->as >= 0;
    out->as = MAX(f->as, 0);
    out->has_va = f->has_va;
    out->va = f->va;
    out->has_access = f->has_access;
    out->access = (MaliCsfAccess)f->access;
    out->has_group = out->has_queue = out->has_pc = f->has_stream;
    out->group = f->group;
    out->queue = f->queue;
    out->pc = f->pc;
    if (f->has_word) {
        out->has_word = out->has_async = true;
        out->word = f->word;
        out->async = f->async;
        out->instruction = g_strdup(f->instruction);
    }
    out->old = *f->old ? g_strdup(f->old) : NULL;
    out->q_new = *f->new ? g_strdup(f->new) : NULL;
    for (unsigned i = 0; i < f->n_commands; i++) {
        const MaliAsRecord *r = &f->commands[i];
        MaliCsfCommand *command = g_new0(MaliCsfCommand, 1);

        command->time_ns = r->when;
        command->as = r->as;
        command->command = g_strdup(mali_check_command_name(r->command));
        command->lockaddr = r->lockaddr;
        QAPI_LIST_APPEND(tail, command);
    }
    out->freed = f->freed ? mali_qmp_freed(f->freed) : NULL;
}

void mali_qmp_finding(MaliCsfState *s, const MaliFinding *finding)
{
    MaliCsfFindingEvent *event = g_new0(MaliCsfFindingEvent, 1);

    mali_qmp_fill_finding(qapi_MaliCsfFindingEvent_base(event), finding);
    event->qom_path = object_get_canonical_path(OBJECT(s));
    qapi_event_send_mali_csf_finding(event);
    qapi_free_MaliCsfFindingEvent(event);
}

MaliCsfFindings *qmp_x_mali_csf_findings(const char *qom_path, Error **errp)
{
    MaliCsfState *s = mali_qmp_device(qom_path, errp);
    MaliCsfFindingKindList **kinds;
    MaliCsfFindingList **findings;
    MaliCsfFindings *found;

    if (!s) {
        return NULL;
    }
    found = g_new0(MaliCsfFindings, 1);
    kinds = &found->kinds;
    for (int i = 0; i < MALI_FINDING_KINDS; i++) {
        MaliCsfFindingKind *kind = g_new0(MaliCsfFindingKind, 1);

        kind->name = g_strdup(mali_finding_info[i].name);
        kind->meaning = g_strdup(mali_finding_info[i].meaning);
        kind->count = s->check.counters[i];
        QAPI_LIST_APPEND(kinds, kind);
    }
    findings = &found->findings;
    for (unsigned i = 0; i < s->check.findings->len; i++) {
        MaliCsfFinding *finding = g_new0(MaliCsfFinding, 1);

        mali_qmp_fill_finding(finding,
                              g_ptr_array_index(s->check.findings, i));
        QAPI_LIST_APPEND(findings, finding);
    }
    return found;
}
