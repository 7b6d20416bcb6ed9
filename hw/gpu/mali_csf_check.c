/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: the rules of the checker
 *
 * What the driver must not do, with the reason why Linux' panthor (and Tyr,
 * where it differs) does not do it however its threads interleave.  Two facts
 * carry most of them: panthor_mmu.c holds op_lock from LOCK to UNLOCK, so that
 * the tables of a VM are only edited inside the region that it has locked last;
 * and a VM without an address space has nothing in the TLB, since UPDATE took
 * it.  After a fault the driver disables the address space under the jobs that
 * run on it (panthor_mmu_irq_handler): what follows from that is no mistake.
 */

#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "mali_csf_internal.h"

/* --- Describing --- */

/* Whether there is a page, whatever the access may do there */
static bool mali_answer_has_page(const MaliAnswer *a)
{
    return a->exception == MALI_EXC_OK ||
           (a->exception & ~(MALI_PTW_LEVELS - 1)) == MALI_EXC_PERM_FAULT;
}

static char *mali_answer_text(const MaliAnswer *a)
{
    if (!mali_answer_has_page(a)) {
        return g_strdup_printf("fault 0x%02x at level %u", a->exception,
                               a->res.level);
    }
    return g_strdup_printf("PA 0x%" PRIx64 " %c%c%c attributes 0x%02x",
                           a->res.pa, a->res.readable ? 'r' : '-',
                           a->res.writable ? 'w' : '-',
                           a->res.executable ? 'x' : '-', a->res.attr);
}

static bool mali_answers_differ(const MaliAnswer *a, const MaliAnswer *b)
{
    if (!mali_answer_has_page(a) || !mali_answer_has_page(b)) {
        return mali_answer_has_page(a) != mali_answer_has_page(b);
    }
    return a->res.pa != b->res.pa || a->res.readable != b->res.readable ||
           a->res.writable != b->res.writable ||
           a->res.executable != b->res.executable ||
           a->res.attr != b->res.attr;
}

static char *mali_since_text(const MaliTlbEntry *e)
{
    g_autofree char *when = e ? mali_check_seconds(e->when) : NULL;

    return e ? g_strdup_printf("since %s", when)
             : g_strdup("from a table that it keeps");
}

/* --- Commands and configuration --- */

static unsigned mali_check_mode_of(uint64_t transcfg)
{
    return FIELD_EX64(transcfg, AS_TRANSCFG, MODE);
}

static bool mali_check_disabled(const MaliAs *as)
{
    return mali_check_mode_of(as->transcfg) == AS_MODE_UNMAPPED;
}

static void mali_check_record(MaliCheck *check, unsigned as, uint32_t command,
                              uint64_t lockaddr)
{
    check->commands[check->n_commands++ % MALI_CHECK_COMMANDS] =
        (MaliAsRecord) {
            .when = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL),
            .lockaddr = lockaddr,
            .as = as,
            .command = MIN(command, UINT8_MAX),
        };
}

/*
 * powered-off.  The driver turns L2 on before it uses anything else, and off
 * when the MCU is stopped and the address spaces are disabled
 * (panthor_device_suspend, panthor_device_resume, panthor_device_reset_work).
 * But panthor_device_unplug() disables the address spaces after that, which
 * cannot hurt: what is off keeps no translation.  Nor does the driver wait for
 * L2: panthor_gpu_block_power_on() polls READY until (mask & val) == val, which
 * 0 is at once.  So the first UPDATE may come while L2 is being turned on, and
 * is let pass; the start of the MCU is not.
 */
void mali_check_powered(MaliCsfState *s, int as, const char *what)
{
    const MaliCheckWhere where = { .as = as };
    const MaliPower *l2 = &s->gpu.power[MALI_POWER_L2];

    if (!l2->ready && !(as >= 0 && l2->turning_on)) {
        mali_check_finding(s, MALI_FINDING_POWERED_OFF, &where,
                           "%s while the L2 cache is off", what);
    }
}

/*
 * config-without-update, of what was not even looked at: panthor_mmu_suspend()
 * ends with the UPDATE of the last address space that was in use, and
 * panthor_gpu_suspend(), which turns L2 off, comes after it.
 */
void mali_check_power_off(MaliCsfState *s)
{
    for (unsigned as = 0; as < s->as_count; as++) {
        const MaliCheckWhere where = { .as = as };
        const MaliCheckAs *c = &s->check.as[as];
        bool asked = mali_event_pending(s, MALI_EV_AS0 + as) &&
                     s->as[as].command == AS_COMMAND_UPDATE;

        if (c->unlatched && !c->faulted && !asked) {
            mali_check_finding(s, MALI_FINDING_CONFIG_WITHOUT_UPDATE, &where,
                               "TRANSTAB, TRANSCFG or MEMATTR was written, and "
                               "the L2 cache is turned off without UPDATE");
        }
    }
}

/*
 * bad-lockaddr.  pack_region_range() clears what is below half of the size, no
 * more: for 4 KiB at 0x104000 it says 32 KiB at 0x104000.  Hardware ignores
 * all bits below the size, so that this one does no harm.
 */
static void mali_check_lockaddr(MaliCsfState *s, unsigned as,
                                uint64_t lockaddr)
{
    const MaliCheckWhere where = {
        .as = as, .has_va = true, .va = lockaddr & ~0xfffULL,
    };
    unsigned log2 = FIELD_EX64(lockaddr, AS_LOCKADDR, LOG2_SIZE) + 1;

    if (log2 < AS_LOCK_MIN_LOG2 || log2 > s->va_bits) {
        mali_check_finding(s, MALI_FINDING_BAD_LOCKADDR, &where,
                           "LOCKADDR 0x%" PRIx64 " has a size of 2^%u, which "
                           "is none of 2^%u to 2^%u", lockaddr, log2,
                           AS_LOCK_MIN_LOG2, s->va_bits);
    } else if (lockaddr & MAKE_64BIT_MASK(R_AS_LOCKADDR_LOG2_SIZE_LENGTH,
                                          log2 - 1 -
                                          R_AS_LOCKADDR_LOG2_SIZE_LENGTH)) {
        mali_check_finding(s, MALI_FINDING_BAD_LOCKADDR, &where,
                           "LOCKADDR 0x%" PRIx64 " is not aligned to its "
                           "size, 2^%u", lockaddr, log2);
    } else if (log2 < 64 && (lockaddr & ~MAKE_64BIT_MASK(0, log2)) >>
                            s->va_bits) {
        mali_check_finding(s, MALI_FINDING_BAD_LOCKADDR, &where,
                           "LOCKADDR 0x%" PRIx64 " is beyond the %u bits of "
                           "an address", lockaddr, s->va_bits);
    }
}

/*
 * unlock-without-lock.  A fault has the driver unlock and disable an address
 * space in the middle of an update, which then ends with its own UNLOCK
 * (panthor_mmu_as_disable, panthor_vm_unlock_region): there, and after a reset,
 * the address space is disabled.
 */
static void mali_check_unlock(MaliCsfState *s, const MaliCheckWhere *where)
{
    const MaliAs *as = &s->as[where->as];

    if (!as->locked && !mali_check_disabled(as)) {
        mali_check_finding(s, MALI_FINDING_UNLOCK_WITHOUT_LOCK, where,
                           "UNLOCK, but no region is locked");
    }
}

/*
 * flush-without-lock.  Tyr gives an address space up with FLUSH_PT, FLUSH_MEM
 * and UPDATE (address_space.rs, evict): it is a mistake when something else
 * follows.
 */
static void mali_check_flush(MaliCsfState *s, const MaliCheckWhere *where,
                             uint32_t command)
{
    MaliCheckAs *c = &s->check.as[where->as];
    const MaliAs *as = &s->as[where->as];
    bool is_flush = command == AS_COMMAND_FLUSH_PT ||
                    command == AS_COMMAND_FLUSH_MEM;

    if (c->flushed && command != AS_COMMAND_UPDATE &&
        (!is_flush || c->flushed & BIT(command))) {
        mali_check_finding(s, MALI_FINDING_FLUSH_WITHOUT_LOCK, where,
                           "%s without a LOCK before it, and %s follows "
                           "instead of UPDATE",
                           mali_check_command_name(ctz32(c->flushed)),
                           mali_check_command_name(command));
    }
    if (is_flush && !as->locked && !mali_check_disabled(as)) {
        c->flushed |= BIT(command);
    } else {
        c->flushed = 0;
    }
}

void mali_check_config(MaliCsfState *s, unsigned as)
{
    MaliCheckAs *c = &s->check.as[as];

    if (!c->unlatched) {
        c->unlatched = true;
        c->unlatched_since = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    }
}

/*
 * command-while-active: the driver waits before each (as_send_cmd_and_wait).
 * config-without-update: it writes the three registers and gives UPDATE while
 * it holds slots_lock, as it does for each other command.
 */
void mali_check_command(MaliCsfState *s, unsigned as, uint32_t command,
                        bool busy)
{
    const MaliCheckWhere where = { .as = as };
    const MaliAs *a = &s->as[as];
    uint64_t lockaddr = mali_reg64(a->regs, R_AS_LOCKADDR);
    bool disables = command == AS_COMMAND_UPDATE &&
        mali_check_mode_of(mali_reg64(a->regs, R_AS_TRANSCFG)) ==
        AS_MODE_UNMAPPED;

    mali_check_record(&s->check, as, command, lockaddr);
    if (busy) {
        mali_check_finding(s, MALI_FINDING_COMMAND_WHILE_ACTIVE, &where,
                           "%s while %s is active, so that it is lost",
                           mali_check_command_name(command),
                           mali_check_command_name(a->command));
        return;
    }
    if (command == AS_COMMAND_NOP || command >= MALI_AS_COMMANDS) {
        return;
    }
    if (!disables) {
        mali_check_powered(s, as, mali_check_command_name(command));
    }
    if (s->check.as[as].unlatched && command != AS_COMMAND_UPDATE) {
        mali_check_finding(s, MALI_FINDING_CONFIG_WITHOUT_UPDATE, &where,
                           "TRANSTAB, TRANSCFG or MEMATTR was written, and %s "
                           "follows instead of UPDATE",
                           mali_check_command_name(command));
    }
    mali_check_flush(s, &where, command);
    if (command == AS_COMMAND_LOCK) {
        mali_check_lockaddr(s, as, lockaddr);
    } else if (command == AS_COMMAND_UNLOCK) {
        mali_check_unlock(s, &where);
    }
}

/* --- Edits of page tables --- */

void mali_check_edit(MaliCsfState *s, unsigned as, MaliFindingKind kind,
                     const MaliTlbEntry *e, const MaliAnswer *cached,
                     const MaliAnswer *fresh)
{
    const MaliAs *a = &s->as[as];
    g_autofree char *old = mali_answer_text(cached);
    g_autofree char *new = mali_answer_text(fresh);
    g_autofree char *since = mali_since_text(e);
    const MaliCheckWhere where = {
        .as = as, .has_va = true, .va = e->node.start, .old = old, .new = new,
    };

    if (!mali_answers_differ(cached, fresh)) {
        return;
    }
    if (kind == MALI_FINDING_EDIT_UNLOCKED) {
        mali_check_finding(s, kind, &where, "changed before LOCK: the TLB has "
                           "%s %s, the page tables %s", old, since, new);
    } else {
        mali_check_finding(s, kind, &where, "changed outside the region "
                           "0x%" PRIx64 " to 0x%" PRIx64 " that was locked: "
                           "the TLB has %s %s, the page tables %s",
                           a->lock_start, a->lock_end, old, since, new);
    }
}

/* --- Memory of groups that were terminated --- */

static const char *const mali_check_memory[MALI_CHECK_MEMORIES] = {
    [MALI_CHECK_SUSPEND_BUF] = "the suspend buffer",
    [MALI_CHECK_RING_INPUT] = "an input page",
    [MALI_CHECK_RING_OUTPUT] = "an output page",
    [MALI_CHECK_RING] = "a ring",
};

static void mali_check_forget_range(MaliCheck *check, MaliCheckRange *r)
{
    interval_tree_remove(&r->node, &check->terminated[r->as]);
    r->used = false;
}

/* What was mapped again, or may have been, is somebody else's */
static void mali_check_forget(MaliCheck *check, unsigned as, uint64_t first,
                              uint64_t last)
{
    IntervalTreeNode *node;

    while ((node = interval_tree_iter_first(&check->terminated[as], first,
                                            last))) {
        mali_check_forget_range(check,
                                container_of(node, MaliCheckRange, node));
    }
}

static void mali_check_remember(MaliCsfState *s, unsigned as, uint64_t va,
                                uint64_t size, unsigned csg,
                                MaliCheckMemory memory)
{
    MaliCheck *check = &s->check;
    MaliCheckRange *r = &check->ranges[check->next_range];

    if (!va || va + size - 1 < va) {
        return;
    }
    check->next_range = (check->next_range + 1) % MALI_CHECK_RANGES;
    if (r->used) {
        mali_check_forget_range(check, r);
    }
    *r = (MaliCheckRange) {
        .node.start = va, .node.last = va + size - 1, .used = true, .as = as,
        .group = csg, .memory = memory,
        .when = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL),
    };
    interval_tree_insert(&r->node, &check->terminated[as]);
}

void mali_check_terminated(MaliCsfState *s, unsigned csg, uint32_t suspend_size)
{
    const MaliCsg *g = &s->csg[csg];

    mali_check_remember(s, 0, g->suspend_buf, suspend_size, csg,
                        MALI_CHECK_SUSPEND_BUF);
    for (int j = 0; j < s->cs_slots; j++) {
        const MaliCs *c = &g->cs[j];

        if (mali_cs_has_ring(c)) {
            mali_check_remember(s, 0, c->ring_input, RING_EXTRACT_INIT + 8,
                                csg, MALI_CHECK_RING_INPUT);
            mali_check_remember(s, 0, c->ring_output, RING_ACTIVE + 4, csg,
                                MALI_CHECK_RING_OUTPUT);
            mali_check_remember(s, g->as, c->ring_base, c->ring_size, csg,
                                MALI_CHECK_RING);
        }
    }
}

/* Whether a queue fetches from what it was told is its ring */
static bool mali_check_own_ring(const MaliCsfState *s,
                                const MaliCheckWhere *where)
{
    const MaliCs *c;

    if (!MALI_SOURCE_IS_CS(where->source)) {
        return false;
    }
    c = &s->csg[MALI_SOURCE_CSG(where->source)]
            .cs[MALI_SOURCE_QUEUE(where->source)];
    return where->va >= c->ring_base &&
           where->va - c->ring_base < c->ring_size;
}

/*
 * access-after-terminate.  A group that was terminated is never started again
 * (group_can_run), and its memory is somebody else's only after it was unmapped
 * and mapped (panthor_kernel_bo_destroy): with LOCK where its VM has an address
 * space, and else with UPDATE when it gets one.  But the streams of a VM may
 * read its rings, whosever they are.  One finding for a range: what uses it
 * once uses it often.
 */
static void mali_check_use(MaliCsfState *s, const MaliCheckWhere *where)
{
    MaliCheck *check = &s->check;
    IntervalTreeNode *node =
        interval_tree_iter_first(&check->terminated[where->as], where->va,
                                 where->va);
    g_autofree char *when = NULL;
    MaliCheckRange *r;

    if (!node) {
        return;
    }
    r = container_of(node, MaliCheckRange, node);
    if (r->memory == MALI_CHECK_RING && !mali_check_own_ring(s, where)) {
        return;
    }
    when = mali_check_seconds(r->when);
    mali_check_finding(s, MALI_FINDING_ACCESS_AFTER_TERMINATE, where,
                       "this is in %s, 0x%" PRIx64 " to 0x%" PRIx64 ", of the "
                       "group in slot %u that was terminated at %s",
                       mali_check_memory[r->memory], r->node.start,
                       r->node.last, r->group, when);
    mali_check_forget_range(check, r);
}

/* --- Regions that are locked --- */

/*
 * The regions locked since the last UNLOCK, as one: the driver may lock a wider
 * one in the middle of an update (panthor_vm_lock_region)
 */
void mali_check_locked(MaliCsfState *s, unsigned as)
{
    MaliCheckAs *c = &s->check.as[as];
    const MaliAs *a = &s->as[as];

    c->edit_start = c->editing ? MIN(c->edit_start, a->lock_start)
                               : a->lock_start;
    c->edit_end = c->editing ? MAX(c->edit_end, a->lock_end) : a->lock_end;
    c->editing = true;
    mali_check_forget(&s->check, as, a->lock_start, a->lock_end);
}

void mali_check_unlocked(MaliCsfState *s, unsigned as)
{
    MaliCheckAs *c = &s->check.as[as];

    c->editing = false;
    c->abandoned |= c->faulted;
}

/* --- Life of an address space --- */

void mali_check_fault(MaliCsfState *s, unsigned as)
{
    s->check.as[as].faulted |= !mali_check_disabled(&s->as[as]);
}

static bool mali_check_in_flight(const MaliCs *c)
{
    return (c->state == MALI_CS_RUNNING || c->state == MALI_CS_FAULTED) &&
           (c->depth || c->n_ops || c->extract != c->insert);
}

/*
 * as-disabled-in-flight.  The driver takes an address space from a VM only when
 * none of its groups is in a slot (as.active_cnt), or when the MCU is stopped.
 * The exceptions are a fault, and panthor_vm_declare_unusable(): that one comes
 * after a WARN, and the finding is true.
 */
static void mali_check_disable(MaliCsfState *s, unsigned as)
{
    const MaliCheckWhere where = { .as = as };

    if (!as && s->fw.mcu_status == MCU_STATUS_ENABLED) {
        mali_check_finding(s, MALI_FINDING_AS_DISABLED_IN_FLIGHT, &where,
                           "UPDATE took the tables of the firmware, which "
                           "runs");
    }
    for (int i = 0; i < s->csg_slots; i++) {
        for (int j = 0; j < s->cs_slots && s->csg[i].running; j++) {
            if (s->csg[i].as == as &&
                mali_check_in_flight(&s->csg[i].cs[j])) {
                mali_check_finding(s, MALI_FINDING_AS_DISABLED_IN_FLIGHT,
                                   &where, "UPDATE took the tables of group "
                                   "%d, whose queue %d has work in flight", i,
                                   j);
                return;
            }
        }
    }
}

void mali_check_updated(MaliCsfState *s, unsigned as, uint64_t old_transtab,
                        uint64_t old_transcfg)
{
    MaliCheckAs *c = &s->check.as[as];
    const MaliAs *a = &s->as[as];

    if (mali_check_mode_of(old_transcfg) != AS_MODE_UNMAPPED && !c->faulted &&
        (mali_check_disabled(a) || a->transtab != old_transtab)) {
        mali_check_disable(s, as);
    }
    mali_check_forget(&s->check, as, 0, UINT64_MAX);
    /* Until it is enabled again, what still runs there faults once more */
    *c = (MaliCheckAs) { .faulted = c->faulted && mali_check_disabled(a) };
}

void mali_check_reset(MaliCsfState *s)
{
    memset(s->check.as, 0, sizeof(s->check.as));
    for (int i = 0; i < MALI_CHECK_AS; i++) {
        mali_check_forget(&s->check, i, 0, UINT64_MAX);
    }
}

/* --- Accesses --- */

/*
 * stale-translation.  What is edited is locked, and what was locked is dropped;
 * after a fault the driver unlocks in the middle of an update before it
 * disables the address space, and loses no more than that.
 */
static void mali_check_stale(MaliCsfState *s, MaliCheckWhere *where,
                             const MaliAnswer *cached, const MaliAnswer *fresh,
                             const MaliTlbEntry *e)
{
    g_autofree char *old = NULL, *new = NULL, *since = NULL;
    bool same;

    if (s->check.as[where->as].abandoned ||
        !mali_answers_differ(cached, fresh)) {
        return;
    }
    old = mali_answer_text(cached);
    new = mali_answer_text(fresh);
    since = mali_since_text(e);
    /* This access would be the same: it is another right that has changed */
    same = cached->exception == fresh->exception &&
           cached->res.pa == fresh->res.pa;
    where->old = old;
    where->new = new;
    mali_check_finding(s, MALI_FINDING_STALE_TRANSLATION, where,
                       "the TLB has %s %s, the page tables %s%s", old, since,
                       new, same ? "; this access comes to the same" : "");
}

/*
 * Whether an entry may answer: in a locked region it is as good as dropped, and
 * the driver frees tables before it unlocks (arm_lpae_unmap).  After a fault it
 * unlocks too early, but then nothing there is to last.
 */
static bool mali_check_alive(const MaliCsfState *s, const MaliTlbEntry *e)
{
    return !mali_mmu_is_locked(s, e->as, e->node.start, e->node.last) &&
           !s->check.as[e->as].abandoned;
}

static MaliTlbEntry *mali_check_find_phys(MaliCsfState *s, bool table,
                                          uint64_t first, uint64_t last)
{
    MaliTlbEntry *e = mali_tlb_phys_first(&s->tlb, table, first, last);

    while (e && !mali_check_alive(s, e)) {
        e = mali_tlb_phys_next(e, first, last);
    }
    return e;
}

/*
 * table-writable.  Tables are the kernel's own pages (alloc_pt), freed when
 * nothing cached leads to them any more, as are the pages of buffers.
 */
static void mali_check_tables(MaliCsfState *s, const MaliCheckWhere *where,
                              const MaliAnswer *found)
{
    const MaliPtwResult *res = &found->res;
    uint64_t first = res->pa & ~res->page_mask, last = res->pa | res->page_mask;
    const MaliTlbEntry *e;

    for (int i = 0; i < res->n_levels; i++) {
        uint64_t pa = res->desc_pa[i];

        e = mali_check_find_phys(s, false, pa, pa + 7);
        if (e) {
            mali_check_finding(s, MALI_FINDING_TABLE_WRITABLE, where,
                               "a descriptor was read at PA 0x%" PRIx64 ", "
                               "which AS %u may write to at VA 0x%" PRIx64, pa,
                               e->as, e->node.start + (pa - e->pa));
            return;
        }
    }
    if (found->exception != MALI_EXC_OK || !res->writable) {
        return;
    }
    e = mali_check_find_phys(s, true, first, last);
    if (e) {
        mali_check_finding(s, MALI_FINDING_TABLE_WRITABLE, where,
                           "PA 0x%" PRIx64 ", which it leads to, is a table "
                           "of level %u of AS %u", e->pa, e->level, e->as);
        return;
    }
    for (int i = 0; i < s->as_count; i++) {
        uint64_t root = s->as[i].transtab;

        if (mali_check_mode_of(s->as[i].transcfg) == AS_MODE_4K &&
            root >= first && root <= last) {
            mali_check_finding(s, MALI_FINDING_TABLE_WRITABLE, where,
                               "PA 0x%" PRIx64 ", which it leads to, is the "
                               "root table of AS %u", root, i);
            return;
        }
    }
}

/* How long a configuration may lie in the registers */
#define MALI_CHECK_UNLATCHED_NS NANOSECONDS_PER_SECOND

/*
 * access-unmapped: only a fault has the driver disable what is in use.
 * config-without-update, once more: until UPDATE, the driver has no group on
 * that address space, but after a fault.
 */
void mali_check_access(MaliCsfState *s, unsigned as, uint64_t va,
                       MaliAccess access, uint16_t source,
                       const MaliAnswer *cached, const MaliAnswer *fresh,
                       const MaliTlbEntry *e)
{
    const MaliCheckAs *c = &s->check.as[as];
    MaliCheckWhere where = {
        .as = as, .has_access = true, .va = va, .access = access,
        .source = source,
    };
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    if (c->unlatched && !c->faulted &&
        now - c->unlatched_since > MALI_CHECK_UNLATCHED_NS) {
        mali_check_finding(s, MALI_FINDING_CONFIG_WITHOUT_UPDATE, &where,
                           "TRANSTAB, TRANSCFG or MEMATTR was written more "
                           "than a second ago, and there was no UPDATE");
    }
    if (mali_check_disabled(&s->as[as])) {
        if (!c->faulted) {
            mali_check_finding(s, MALI_FINDING_ACCESS_UNMAPPED, &where,
                               "the address space is disabled");
        }
        return;
    }
    mali_check_use(s, &where);
    /* From a walk and not from the TLB */
    if (cached->res.n_levels) {
        mali_check_tables(s, &where, cached);
    }
    mali_check_stale(s, &where, cached, fresh, e);
}

/* --- State --- */

void mali_check_pre_load(MaliCsfState *s)
{
    mali_check_reset(s);
    for (int i = 0; i < MALI_CHECK_AS; i++) {
        s->check.as[i].faulted = true;
        s->check.as[i].abandoned = true;
    }
}

static int mali_check_post_load(void *opaque, int version_id)
{
    MaliCheck *check = opaque;

    check->next_range %= MALI_CHECK_RANGES;
    for (int i = 0; i < MALI_CHECK_RANGES; i++) {
        MaliCheckRange *r = &check->ranges[i];

        if (r->used && (r->as >= MALI_CHECK_AS ||
                        r->memory >= MALI_CHECK_MEMORIES ||
                        r->node.last < r->node.start)) {
            r->used = false;
        } else if (r->used) {
            interval_tree_insert(&r->node, &check->terminated[r->as]);
        }
    }
    return 0;
}

static const VMStateDescription vmstate_mali_as_record = {
    .name = "mali-csf/as-record",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_INT64(when, MaliAsRecord),
        VMSTATE_UINT64(lockaddr, MaliAsRecord),
        VMSTATE_UINT8(as, MaliAsRecord),
        VMSTATE_UINT8(command, MaliAsRecord),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_mali_check_as = {
    .name = "mali-csf/check-as",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_BOOL(faulted, MaliCheckAs),
        VMSTATE_BOOL(abandoned, MaliCheckAs),
        VMSTATE_BOOL(unlatched, MaliCheckAs),
        VMSTATE_INT64(unlatched_since, MaliCheckAs),
        VMSTATE_UINT8(flushed, MaliCheckAs),
        VMSTATE_BOOL(editing, MaliCheckAs),
        VMSTATE_UINT64(edit_start, MaliCheckAs),
        VMSTATE_UINT64(edit_end, MaliCheckAs),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_mali_check_range = {
    .name = "mali-csf/check-range",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(node.start, MaliCheckRange),
        VMSTATE_UINT64(node.last, MaliCheckRange),
        VMSTATE_INT64(when, MaliCheckRange),
        VMSTATE_BOOL(used, MaliCheckRange),
        VMSTATE_UINT8(as, MaliCheckRange),
        VMSTATE_UINT8(group, MaliCheckRange),
        VMSTATE_UINT8(memory, MaliCheckRange),
        VMSTATE_END_OF_LIST()
    }
};

const VMStateDescription vmstate_mali_check = {
    .name = "mali-csf/check-state",
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = mali_check_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64_ARRAY(counters, MaliCheck, MALI_FINDING_KINDS),
        VMSTATE_STRUCT_ARRAY(commands, MaliCheck, MALI_CHECK_COMMANDS, 1,
                             vmstate_mali_as_record, MaliAsRecord),
        VMSTATE_UINT32(n_commands, MaliCheck),
        VMSTATE_STRUCT_ARRAY(as, MaliCheck, MALI_CHECK_AS, 1,
                             vmstate_mali_check_as, MaliCheckAs),
        VMSTATE_STRUCT_ARRAY(ranges, MaliCheck, MALI_CHECK_RANGES, 1,
                             vmstate_mali_check_range, MaliCheckRange),
        VMSTATE_UINT32(next_range, MaliCheck),
        VMSTATE_END_OF_LIST()
    }
};
