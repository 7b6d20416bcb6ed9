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
    return e ? g_strdup_printf("since %" PRId64 ".%09" PRId64 " s",
                               e->when / NANOSECONDS_PER_SECOND,
                               e->when % NANOSECONDS_PER_SECOND)
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
 * cannot hurt: what is off keeps no translation.
 */
void mali_check_powered(MaliCsfState *s, int as, const char *what)
{
    const MaliCheckWhere where = { .as = as };

    if (!s->gpu.power[MALI_POWER_L2].ready) {
        mali_check_finding(s, MALI_FINDING_POWERED_OFF, &where,
                           "%s while the L2 cache is off", what);
    }
}

/*
 * bad-lockaddr.  pack_region_range() clears what is below half of the size, no
 * more: for 4 KiB at 0x104000 it says 32 KiB at 0x104000.  Hardware ignores
 * all bits below the size, so that this one does no harm.
 */
static void mali_check_lockaddr(MaliCsfState *s, const MaliCheckWhere *where,
                                uint64_t lockaddr)
{
    unsigned log2 = FIELD_EX64(lockaddr, AS_LOCKADDR, LOG2_SIZE) + 1;

    if (log2 < AS_LOCK_MIN_LOG2 || log2 > s->va_bits) {
        mali_check_finding(s, MALI_FINDING_BAD_LOCKADDR, where,
                           "LOCKADDR 0x%" PRIx64 " has a size of 2^%u, which "
                           "is none of 2^%u to 2^%u", lockaddr, log2,
                           AS_LOCK_MIN_LOG2, s->va_bits);
    } else if (lockaddr & MAKE_64BIT_MASK(R_AS_LOCKADDR_LOG2_SIZE_LENGTH,
                                          log2 - 1 -
                                          R_AS_LOCKADDR_LOG2_SIZE_LENGTH)) {
        mali_check_finding(s, MALI_FINDING_BAD_LOCKADDR, where,
                           "LOCKADDR 0x%" PRIx64 " is not aligned to its "
                           "size, 2^%u", lockaddr, log2);
    } else if (log2 < 64 && (lockaddr & ~MAKE_64BIT_MASK(0, log2)) >>
                            s->va_bits) {
        mali_check_finding(s, MALI_FINDING_BAD_LOCKADDR, where,
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
        mali_check_lockaddr(s, &where, lockaddr);
    } else if (command == AS_COMMAND_UNLOCK) {
        mali_check_unlock(s, &where);
    }
}

/* --- Regions --- */

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
    /* Until it is enabled again, what still runs there faults once more */
    *c = (MaliCheckAs) { .faulted = c->faulted && mali_check_disabled(a) };
}

void mali_check_reset(MaliCsfState *s)
{
    memset(s->check.as, 0, sizeof(s->check.as));
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
    mali_check_stale(s, &where, cached, fresh, e);
}
