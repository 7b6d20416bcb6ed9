/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: address spaces (contract 2)
 *
 * The registers of one address space, its commands, the locked region, and
 * the latching of faults.  The driver's side is panthor_mmu.c.
 */

#include "qemu/osdep.h"
#include "qemu/log.h"
#include "qemu/timer.h"
#include "exec/memory.h"
#include "migration/qemu-file-types.h"
#include "mali_csf_internal.h"
#include "trace.h"

/* --- Translation --- */

/* Not with address_space_ldq(), which reads devices whatever the attributes */
static bool mali_mmu_fetch(void *opaque, uint64_t pa, uint64_t *desc)
{
    MaliCsfState *s = opaque;
    MemTxResult r = address_space_read(&s->dma_as, pa, MALI_DMA_ATTRS, desc,
                                       sizeof(*desc));

    le64_to_cpus(desc);
    return r == MEMTX_OK;
}

/* Addresses pass untranslated; the whole of memory is writable */
static uint8_t mali_mmu_identity(MaliCsfState *s, uint64_t va,
                                 MaliPtwResult *res)
{
    *res = (MaliPtwResult) {
        .pa = va, .page_mask = MAKE_64BIT_MASK(0, s->pa_bits),
        .readable = true, .writable = true, .executable = true,
    };
    return va >> s->pa_bits ? MALI_EXC_ADDR_SIZE_FAULT_OUT : MALI_EXC_OK;
}

static MaliPtwConfig mali_mmu_config(const MaliCsfState *s, const MaliAs *as)
{
    return (MaliPtwConfig) {
        .root = as->transtab,
        .memattr = as->memattr,
        .va_bits = AS_INA_BITS_BASE -
                   FIELD_EX64(as->transcfg, AS_TRANSCFG, INA_BITS),
        .pa_bits = s->pa_bits,
        .hier_ap = !FIELD_EX64(as->transcfg, AS_TRANSCFG, DISABLE_HIER_AP),
        .af_fault = !FIELD_EX64(as->transcfg, AS_TRANSCFG, DISABLE_AF_FAULT),
        .wxn = FIELD_EX64(as->transcfg, AS_TRANSCFG, WXN),
        .xreadable = FIELD_EX64(as->transcfg, AS_TRANSCFG, XREADABLE),
    };
}

/* As the tables are now, from @start or their root */
static uint8_t mali_mmu_walk_tables(MaliCsfState *s, const MaliAs *as,
                                    uint64_t va, MaliAccess access,
                                    const MaliPtwTable *start,
                                    MaliPtwResult *res)
{
    MaliPtwConfig cfg = mali_mmu_config(s, as);

    if (cfg.va_bits > s->va_bits) {
        *res = (MaliPtwResult) { };
        return MALI_EXC_ADDR_SIZE_FAULT_IN;
    }
    return mali_ptw_walk(&cfg, va, access, start, mali_mmu_fetch, s, res);
}

/* As the TLB has it, or by a walk from the lowest table that it has */
static inline uint8_t mali_mmu_ask_tlb(MaliCsfState *s, unsigned nr,
                                       uint64_t va, MaliAccess access,
                                       MaliPtwResult *res,
                                       MaliXlateSource *source)
{
    const MaliTlbEntry *e = mali_tlb_lookup(&s->tlb, nr, va);
    MaliPtwTable start;
    bool found;

    if (e) {
        *source = MALI_FROM_TLB;
        mali_tlb_result(e, va, res);
        return mali_ptw_allows(res, access) ? MALI_EXC_OK
                                            : MALI_EXC_PERM_FAULT + e->level;
    }
    found = mali_tlb_find_table(&s->tlb, nr, va, &start);
    *source = found ? MALI_FROM_WALK_CACHE : MALI_FROM_TABLES;
    return mali_mmu_walk_tables(s, &s->as[nr], va, access,
                                found ? &start : NULL, res);
}

/*
 * From the TLB, which is filled with what it misses.  A walk that ends in a
 * fault leaves the tables that it came by: they are valid.  *@injected: it is a
 * rule that has it end in a fault.
 */
static uint8_t mali_mmu_cached(MaliCsfState *s, unsigned nr, uint64_t va,
                               MaliAccess access, MaliPtwResult *res,
                               bool *injected)
{
    MaliXlateSource source;
    uint8_t exception = mali_mmu_ask_tlb(s, nr, va, access, res, &source);

    if (source != MALI_FROM_TLB) {
        MaliVerdict v = mali_inject(s, MALI_INJECT_WALK, .as = nr, .va = va,
                                    .va_last = va, .access = access);

        *injected = v.act == MALI_ACT_FAULT;
        if (*injected) {
            return v.args.type;
        }
        mali_tlb_fill(&s->tlb, nr, va, res, exception == MALI_EXC_OK,
                      qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
    }
    return exception;
}

/* What a mode does with an address; @injected is NULL for a fresh walk */
static uint8_t mali_mmu_lookup(MaliCsfState *s, unsigned nr, uint64_t va,
                               MaliAccess access, bool *injected,
                               MaliPtwResult *res)
{
    const MaliAs *as = &s->as[nr];

    switch (FIELD_EX64(as->transcfg, AS_TRANSCFG, MODE)) {
    case AS_MODE_4K:
        return injected ? mali_mmu_cached(s, nr, va, access, res, injected)
                        : mali_mmu_walk_tables(s, as, va, access, NULL, res);
    case AS_MODE_IDENTITY:
        return mali_mmu_identity(s, va, res);
    default:
        *res = (MaliPtwResult) { };
        return MALI_EXC_TRANSLATION_FAULT;
    }
}

uint8_t mali_mmu_walk(MaliCsfState *s, unsigned nr, uint64_t va,
                      MaliAccess access, MaliPtwResult *res)
{
    return mali_mmu_lookup(s, nr, va, access, NULL, res);
}

uint8_t mali_mmu_walk_root(MaliCsfState *s, uint64_t root, uint64_t va,
                           MaliAccess access, MaliPtwResult *res)
{
    MaliAs as = { .transtab = root };

    as.transcfg = FIELD_DP64(as.transcfg, AS_TRANSCFG, MODE, AS_MODE_4K);
    as.transcfg = FIELD_DP64(as.transcfg, AS_TRANSCFG, INA_BITS,
                             AS_INA_BITS_BASE - s->va_bits);
    return mali_mmu_walk_tables(s, &as, va, access, NULL, res);
}

uint8_t mali_mmu_peek(MaliCsfState *s, unsigned nr, uint64_t va,
                      MaliAccess access, MaliPtwResult *res,
                      MaliXlateSource *source)
{
    *source = MALI_FROM_MODE;
    if (FIELD_EX64(s->as[nr].transcfg, AS_TRANSCFG, MODE) != AS_MODE_4K) {
        return mali_mmu_walk(s, nr, va, access, res);
    }
    return mali_mmu_ask_tlb(s, nr, va, access, res, source);
}

bool mali_mmu_is_locked(const MaliCsfState *s, unsigned nr, uint64_t first,
                        uint64_t last)
{
    const MaliAs *as = &s->as[nr];

    return as->locked && first <= as->lock_end && last >= as->lock_start;
}

/* --- What the checker is handed --- */

static MaliAnswer mali_mmu_fresh(MaliCsfState *s, unsigned nr, uint64_t va,
                                 MaliAccess access)
{
    MaliAnswer a;

    a.exception = mali_mmu_walk(s, nr, va, access, &a.res);
    return a;
}

/* Whether any of the tables that a walk has read was freed */
static void mali_mmu_check_tables(MaliCsfState *s, unsigned nr, uint64_t va,
                                  MaliAccess access, const MaliPtwResult *res,
                                  const MaliFault *fault)
{
    for (unsigned i = 0; i < res->n_levels; i++) {
        uint64_t pa = res->desc_pa[i];

        if (mali_dma_check_is_freed(mali_dma_check_state(&s->dma_check, pa))) {
            mali_dma_check_report(s, nr, va, access, fault->source, pa,
                                  "a page table");
        }
    }
}

static void mali_mmu_check_access(MaliCsfState *s, unsigned nr, uint64_t va,
                                  MaliAccess access, const MaliFault *fault,
                                  const MaliPtwResult *res)
{
    MaliAnswer cached = { .exception = fault->exception, .res = *res };
    MaliAnswer fresh = mali_mmu_fresh(s, nr, va, access);

    mali_check_access(s, nr, va, access, fault->source, &cached, &fresh,
                      mali_tlb_lookup(&s->tlb, nr, va));
    mali_mmu_check_tables(s, nr, va, access, res, fault);
}

/* So many cached translations are looked at for one command, in about 1 ms */
#define MALI_MMU_CHECK_MAX      4096

static void mali_mmu_check_range(MaliCsfState *s, unsigned nr, uint64_t first,
                                 uint64_t last, MaliFindingKind kind)
{
    MaliTlbEntry *e = first <= last ? mali_tlb_first(&s->tlb, nr, first, last)
                                    : NULL;

    for (int i = 0; e && i < MALI_MMU_CHECK_MAX; i++) {
        MaliAnswer fresh = mali_mmu_fresh(s, nr, e->node.start,
                                          MALI_ACCESS_READ);
        MaliAnswer cached = { .exception = MALI_EXC_OK };

        mali_tlb_result(e, e->node.start, &cached.res);
        mali_check_edit(s, nr, kind, e, &cached, &fresh);
        e = mali_tlb_next(e, first, last);
    }
}

/* A region is about to be locked: of what was locked before, edits are due */
static void mali_mmu_check_lock(MaliCsfState *s, unsigned nr, uint64_t first,
                                uint64_t last)
{
    const MaliAs *as = &s->as[nr];

    if (!mali_mmu_is_locked(s, nr, first, last)) {
        mali_mmu_check_range(s, nr, first, last, MALI_FINDING_EDIT_UNLOCKED);
        return;
    }
    if (first < as->lock_start) {
        mali_mmu_check_range(s, nr, first, as->lock_start - 1,
                             MALI_FINDING_EDIT_UNLOCKED);
    }
    if (last > as->lock_end) {
        mali_mmu_check_range(s, nr, as->lock_end + 1, last,
                             MALI_FINDING_EDIT_UNLOCKED);
    }
}

/*
 * A lock is about to end: see what was locked before the last LOCK, and what
 * has its descriptors in the same tables as the edges of the region
 */
static void mali_mmu_check_unlock(MaliCsfState *s, unsigned nr)
{
    const MaliAs *as = &s->as[nr];
    uint64_t mask = mali_ptw_level_mask(MALI_PTW_LEVELS - 2);
    uint64_t first = as->lock_start & ~mask, last = as->lock_end | mask;

    if (s->check.as[nr].editing) {
        first = MIN(s->check.as[nr].edit_start, first);
        last = MAX(s->check.as[nr].edit_end, last);
    }
    if (first < as->lock_start) {
        mali_mmu_check_range(s, nr, first, as->lock_start - 1,
                             MALI_FINDING_EDIT_UNCOVERED);
    }
    if (last > as->lock_end) {
        mali_mmu_check_range(s, nr, as->lock_end + 1, last,
                             MALI_FINDING_EDIT_UNCOVERED);
    }
    mali_check_unlocked(s, nr);
}

MaliXlate mali_mmu_translate(MaliCsfState *s, unsigned nr, uint64_t va,
                             MaliAccess access, MaliPtwResult *res,
                             MaliFault *fault)
{
    bool injected = false;

    if (mali_mmu_is_locked(s, nr, va, va)) {
        mali_stats_stall(&s->stats, nr, va, fault->source,
                         qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
        return MALI_XLATE_STALL;
    }
    fault->va = va;
    fault->access = access;
    fault->exception = mali_mmu_lookup(s, nr, va, access, &injected, res);
    /* What a rule does is not the driver's mistake */
    if (mali_check_on(s) && !injected) {
        mali_mmu_check_access(s, nr, va, access, fault, res);
    }
    if (fault->exception != MALI_EXC_OK) {
        return MALI_XLATE_FAULT;
    }
    trace_mali_csf_mmu_translate(nr, va, res->pa, res->level, access);
    return MALI_XLATE_OK;
}

/*
 * The first fault stays in the registers until the driver has cleared its
 * interrupt: it reads them afterwards (panthor_mmu_irq_handler).
 */
void mali_mmu_report(MaliCsfState *s, unsigned nr, const MaliFault *fault)
{
    uint32_t *regs = s->as[nr].regs;
    uint32_t status = 0;

    trace_mali_csf_mmu_fault(nr, fault->va, fault->exception, fault->access,
                             fault->source);
    if (mali_check_on(s)) {
        mali_check_fault(s, nr);
    }
    if (s->irq[MALI_IRQ_MMU].rawstat & MMU_IRQ_FAULT(nr)) {
        return;
    }
    status = FIELD_DP32(status, AS_FAULTSTATUS, EXCEPTION, fault->exception);
    status = FIELD_DP32(status, AS_FAULTSTATUS, ACCESS, fault->access);
    status = FIELD_DP32(status, AS_FAULTSTATUS, SOURCE, fault->source);
    regs[R_AS_FAULTSTATUS] = status;
    mali_reg64_set(regs, R_AS_FAULTADDRESS, fault->va);
    mali_irq_raise(s, MALI_IRQ_MMU, MMU_IRQ_FAULT(nr));
}

/* --- Commands --- */

/* How many entries are gone */
static uint32_t mali_mmu_drop(MaliCsfState *s, unsigned nr, uint64_t first,
                              uint64_t last)
{
    uint32_t n = s->as[nr].fate == MALI_ACT_STALE
                 ? 0 : mali_tlb_drop(&s->tlb, nr, first, last);

    trace_mali_csf_mmu_drop(nr, first, last, n);
    return n;
}

/* The driver recycles a live address space with nothing else (contract 2.2) */
static void mali_mmu_update(MaliCsfState *s, unsigned nr)
{
    MaliAs *as = &s->as[nr];
    uint64_t old_transtab = as->transtab, old_transcfg = as->transcfg;
    unsigned mode;

    mali_mmu_drop(s, nr, 0, UINT64_MAX);

    as->transtab = mali_reg64(as->regs, R_AS_TRANSTAB);
    as->memattr = mali_reg64(as->regs, R_AS_MEMATTR);
    as->transcfg = mali_reg64(as->regs, R_AS_TRANSCFG);
    trace_mali_csf_mmu_update(nr, as->transtab, as->memattr, as->transcfg);
    if (mali_check_on(s)) {
        mali_check_updated(s, nr, old_transtab, old_transcfg);
    }

    mode = FIELD_EX64(as->transcfg, AS_TRANSCFG, MODE);
    if (mode == AS_MODE_64K) {
        qemu_log_mask(LOG_UNIMP, "mali-csf: AS %u: 64 KiB granule\n", nr);
    } else if (mode != AS_MODE_UNMAPPED && mode != AS_MODE_IDENTITY &&
               mode != AS_MODE_4K) {
        mali_guest_error("AS %u: unknown translation mode %u", nr, mode);
    }
}

static unsigned mali_mmu_lock_log2(const MaliCsfState *s, const MaliAs *as)
{
    unsigned log2 = FIELD_EX64(as->lockaddr, AS_LOCKADDR, LOG2_SIZE) + 1;

    return MIN(MAX(log2, AS_LOCK_MIN_LOG2), s->va_bits);
}

/* The region that a command is about */
static void mali_mmu_command_region(const MaliCsfState *s, const MaliAs *as,
                                    uint64_t *first, uint64_t *last)
{
    *first = 0;
    *last = UINT64_MAX;
    if (as->command == AS_COMMAND_LOCK) {
        uint64_t mask = MAKE_64BIT_MASK(0, mali_mmu_lock_log2(s, as));

        *first = as->lockaddr & ~mask;
        *last = as->lockaddr | mask;
    } else if (as->command != AS_COMMAND_UPDATE && as->locked) {
        *first = as->lock_start;
        *last = as->lock_end;
    }
}

/* LOCKADDR: the size as a power of two, under a naturally aligned base */
static void mali_mmu_lock(MaliCsfState *s, unsigned nr)
{
    MaliAs *as = &s->as[nr];
    unsigned log2 = FIELD_EX64(as->lockaddr, AS_LOCKADDR, LOG2_SIZE) + 1;
    uint64_t mask;

    if (log2 < AS_LOCK_MIN_LOG2 || log2 > s->va_bits) {
        mali_guest_error("AS %u: LOCKADDR 0x%" PRIx64 ": size 2^%u", nr,
                         as->lockaddr, log2);
        log2 = mali_mmu_lock_log2(s, as);
    }
    mask = MAKE_64BIT_MASK(0, log2);
    if (mali_check_on(s)) {
        mali_mmu_check_lock(s, nr, as->lockaddr & ~mask, as->lockaddr | mask);
    }
    as->lock_start = as->lockaddr & ~mask;
    as->lock_end = as->lock_start | mask;
    as->locked = true;
    mali_stats_lock(&s->stats, nr, as->lock_start, as->lock_end,
                    qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
    /* It may leave out what an earlier one held */
    mali_event_unstall(s);
    if (mali_check_on(s)) {
        mali_check_locked(s, nr);
    }
    trace_mali_csf_mmu_lock(nr, as->lock_start, as->lock_end);
}

/* The end of an update that a LOCK began */
static void mali_mmu_release(MaliCsfState *s, unsigned nr)
{
    MaliAs *as = &s->as[nr];
    uint32_t dropped;

    if (mali_check_on(s)) {
        mali_mmu_check_unlock(s, nr);
    }
    as->locked = false;
    mali_event_unstall(s);
    dropped = mali_mmu_drop(s, nr, as->lock_start, as->lock_end);
    mali_stats_unlock(&s->stats, nr, dropped,
                      qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
    trace_mali_csf_mmu_unlock(nr, as->lock_start, as->lock_end);
}

/*
 * FLUSH_PT and FLUSH_MEM end the update that a LOCK began, as UNLOCK does: Tyr
 * uses them so, and without a LOCK, for all of an address space, when it gives
 * that up (contract 11).
 */
static void mali_mmu_flush(MaliCsfState *s, unsigned nr)
{
    if (s->as[nr].locked) {
        mali_mmu_release(s, nr);
    } else {
        mali_mmu_drop(s, nr, 0, UINT64_MAX);
    }
}

/* The memory as well as the tables: what is cached of it, of all of it */
static void mali_mmu_flush_mem(MaliCsfState *s, unsigned nr)
{
    mali_cache_flush(&s->cache, true, true);
    mali_mmu_flush(s, nr);
}

static void mali_mmu_unlock(MaliCsfState *s, unsigned nr)
{
    if (s->as[nr].locked) {
        mali_mmu_release(s, nr);
    } else {
        mali_guest_error("AS %u: UNLOCK without a LOCK", nr);
    }
}

static void mali_mmu_nop(MaliCsfState *s, unsigned nr)
{
}

static void (*const mali_mmu_commands[])(MaliCsfState *s, unsigned nr) = {
    [AS_COMMAND_NOP] = mali_mmu_nop,
    [AS_COMMAND_UPDATE] = mali_mmu_update,
    [AS_COMMAND_LOCK] = mali_mmu_lock,
    [AS_COMMAND_UNLOCK] = mali_mmu_unlock,
    [AS_COMMAND_FLUSH_PT] = mali_mmu_flush,
    [AS_COMMAND_FLUSH_MEM] = mali_mmu_flush_mem,
};

QEMU_BUILD_BUG_ON(ARRAY_SIZE(mali_mmu_commands) != MALI_AS_COMMANDS);

void mali_mmu_command_done(MaliCsfState *s, MaliEvent ev)
{
    unsigned nr = ev - MALI_EV_AS0;
    MaliAs *as = &s->as[nr];

    if (as->fate != MALI_ACT_LOSE) {
        mali_mmu_commands[as->command](s, nr);
    }
    as->fate = MALI_ACT_NONE;
    mali_irq_raise(s, MALI_IRQ_MMU, MMU_IRQ_COMMAND_DONE(nr));
}

/* --- Registers --- */

static uint32_t mali_as_read_status(MaliCsfState *s, unsigned bank,
                                    unsigned reg)
{
    return FIELD_DP32(0, AS_STATUS, ACTIVE,
                      mali_event_pending(s, MALI_EV_AS0 + bank));
}

static void mali_as_write_command(MaliCsfState *s, unsigned bank, unsigned reg,
                                  uint32_t val)
{
    MaliAs *as = &s->as[bank];
    bool busy = mali_event_pending(s, MALI_EV_AS0 + bank);
    uint64_t first, last;
    MaliVerdict v;

    if (mali_check_on(s)) {
        mali_check_command(s, bank, val, busy);
    }
    if (busy) {
        mali_guest_error("AS %u: command %u while %u is under way", bank, val,
                         as->command);
        return;
    }
    if (val == AS_COMMAND_NOP) {
        return;
    }
    if (val >= MALI_AS_COMMANDS) {
        mali_guest_error("AS %u: unknown command %u", bank, val);
        return;
    }
    as->command = val;
    as->lockaddr = mali_reg64(as->regs, R_AS_LOCKADDR);
    trace_mali_csf_mmu_command(bank, val, as->lockaddr);
    mali_mmu_command_region(s, as, &first, &last);
    v = mali_inject(s, MALI_INJECT_AS_COMMAND, .as = bank, .command = val,
                    .va = first, .va_last = last);
    as->fate = v.act;
    mali_event_arm_as(s, MALI_EV_AS0 + bank, s->timing.as[val], &v);
}

static void mali_as_write_config(MaliCsfState *s, unsigned bank, unsigned reg,
                                 uint32_t val)
{
    if (mali_check_on(s)) {
        mali_check_config(s, bank);
    }
}

static const MaliReg mali_as_regs[MALI_AS_REGS] = {
    MALI_RW64_FN(AS_TRANSTAB, mali_as_write_config),
    MALI_RW64_FN(AS_MEMATTR, mali_as_write_config),
    MALI_RW64(AS_LOCKADDR),
    MALI_WO_FN(AS_COMMAND, mali_as_write_command),
    MALI_RO(AS_FAULTSTATUS),
    MALI_RO64(AS_FAULTADDRESS),
    MALI_RO_FN(AS_STATUS, mali_as_read_status),
    MALI_RW64_FN(AS_TRANSCFG, mali_as_write_config),
    MALI_RO64(AS_FAULTEXTRA),
};

static uint32_t *mali_as_file(MaliCsfState *s, unsigned bank)
{
    return s->as[bank].regs;
}

static bool mali_as_present(const MaliCsfState *s, unsigned bank)
{
    return bank < s->as_count;
}

const MaliRegBlock mali_mmu_block = {
    .name = "as",
    .id = MALI_BLOCK_AS,
    .base = MALI_MMU_AS_BASE,
    .stride = MALI_MMU_AS_STRIDE,
    .banks = MALI_MAX_AS,
    .n_regs = ARRAY_SIZE(mali_as_regs),
    .regs = mali_as_regs,
    .present = mali_as_present,
    .file = mali_as_file,
};

/* --- State --- */

void mali_mmu_reset(MaliCsfState *s)
{
    memset(s->as, 0, sizeof(s->as));
    for (int i = 0; i < MALI_MAX_AS; i++) {
        s->as[i].transcfg = AS_MODE_UNMAPPED;
        mali_event_cancel(s, MALI_EV_AS0 + i);
        mali_tlb_drop(&s->tlb, i, 0, UINT64_MAX);
    }
    mali_check_reset(s);
    mali_stats_reset(&s->stats);
}

/* A region that came locked: when that began is not known any more */
void mali_mmu_post_load(MaliCsfState *s)
{
    mali_stats_reset(&s->stats);
    for (int i = 0; i < MALI_MAX_AS; i++) {
        if (s->as[i].locked) {
            mali_stats_lock(&s->stats, i, s->as[i].lock_start,
                            s->as[i].lock_end,
                            qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
        }
    }
}

void mali_mmu_init(MaliCsfState *s)
{
    mali_stats_init(&s->stats);
    s->tlb_config.n_as = MALI_MAX_AS;
    s->tlb_config.reverse = mali_check_on(s);
    mali_tlb_init(&s->tlb, &s->tlb_config);
}

void mali_mmu_finalize(MaliCsfState *s)
{
    mali_tlb_destroy(&s->tlb);
    mali_stats_destroy(&s->stats);
}

static int mali_as_post_load(void *opaque, int version_id)
{
    MaliAs *as = opaque;

    /* The command indexes a table when its event comes */
    return as->command < MALI_AS_COMMANDS && as->fate < MALI_ACTS ? 0 : -EINVAL;
}

const VMStateDescription vmstate_mali_as = {
    .name = "mali-csf/as",
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = mali_as_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(regs, MaliAs, MALI_AS_REGS),
        VMSTATE_UINT64(transtab, MaliAs),
        VMSTATE_UINT64(memattr, MaliAs),
        VMSTATE_UINT64(transcfg, MaliAs),
        VMSTATE_BOOL(locked, MaliAs),
        VMSTATE_UINT64(lock_start, MaliAs),
        VMSTATE_UINT64(lock_end, MaliAs),
        VMSTATE_UINT32(command, MaliAs),
        VMSTATE_UINT64(lockaddr, MaliAs),
        VMSTATE_UINT8(fate, MaliAs),
        VMSTATE_END_OF_LIST()
    }
};

/*
 * The TLB is part of the state: what is stale before a snapshot is stale after
 * it.  An entry is its kind (1: of the walk cache), level, limits, attribute,
 * rights, and five 64-bit numbers.
 */
static int mali_tlb_put(QEMUFile *f, void *pv, size_t size,
                        const VMStateField *field, JSONWriter *desc)
{
    const MaliTlb *tlb = pv;

    qemu_put_be32(f, tlb->random);
    for (unsigned as = 0; as < MALI_MAX_AS; as++) {
        uint32_t n = mali_tlb_count_all(tlb, as);

        qemu_put_be32(f, n);
        for (uint32_t i = 0; i < n; i++) {
            bool leaf;
            const MaliTlbEntry *e = mali_tlb_entry(tlb, as, i, &leaf);

            qemu_put_byte(f, !leaf);
            qemu_put_byte(f, e->level);
            qemu_put_byte(f, e->limits);
            qemu_put_byte(f, e->attr);
            qemu_put_byte(f, e->readable | e->writable << 1 |
                             e->executable << 2);
            qemu_put_be64(f, e->node.start);
            qemu_put_be64(f, e->pa);
            qemu_put_be64(f, e->desc_pa);
            qemu_put_be64(f, e->when);
            qemu_put_be64(f, e->serial);
        }
    }
    return 0;
}

static int mali_tlb_get(QEMUFile *f, void *pv, size_t size,
                        const VMStateField *field)
{
    MaliTlb *tlb = pv;

    tlb->random = MAX(qemu_get_be32(f), 1);
    for (unsigned as = 0; as < MALI_MAX_AS; as++) {
        uint32_t n = qemu_get_be32(f);

        mali_tlb_drop(tlb, as, 0, UINT64_MAX);
        for (uint32_t i = 0; i < n; i++) {
            MaliTlbEntry e = { };
            uint8_t kind = qemu_get_byte(f);
            uint8_t rights;

            e.level = qemu_get_byte(f);
            e.limits = qemu_get_byte(f);
            e.attr = qemu_get_byte(f);
            rights = qemu_get_byte(f);
            e.readable = rights & 1;
            e.writable = rights & 2;
            e.executable = rights & 4;
            e.node.start = qemu_get_be64(f);
            e.pa = qemu_get_be64(f);
            e.desc_pa = qemu_get_be64(f);
            e.when = qemu_get_be64(f);
            e.serial = qemu_get_be64(f);
            if (kind > 1 || rights > 7 ||
                !mali_tlb_restore(tlb, as, &e, !kind)) {
                return -EINVAL;
            }
        }
    }
    return 0;
}

const VMStateInfo vmstate_info_mali_tlb = {
    .name = "mali-csf/tlb",
    .get = mali_tlb_get,
    .put = mali_tlb_put,
};
