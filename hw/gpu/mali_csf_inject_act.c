/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: what rules do by themselves
 *
 * Between the engine and the blocks: deeds that are due, from an event of
 * their own, so that no block is changed while it is at work.
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "system/runstate.h"
#include "mali_csf_internal.h"
#include "mali_csf_isa.h"
#include "trace.h"

/* --- Deeds --- */

static bool mali_deed_has_queue(const MaliCsfState *s, const MaliInjectArgs *a)
{
    return a->csg < s->csg_slots && a->cs < s->cs_slots;
}

static void mali_deed_nothing(MaliCsfState *s, const MaliDeed *d)
{
}

static void mali_deed_raise(MaliCsfState *s, const MaliDeed *d)
{
    if (d->args.line < MALI_IRQ_COUNT) {
        mali_irq_raise(s, d->args.line, d->args.bits);
    }
}

static void mali_deed_as_fault(MaliCsfState *s, const MaliDeed *d)
{
    MaliFault fault = {
        .va = d->args.va, .exception = d->args.type,
        .access = d->args.access % MALI_ACCESS_COUNT,
        .source = MALI_SOURCE_MCU,
    };

    if (d->args.as < s->as_count) {
        mali_mmu_report(s, d->args.as, &fault);
    }
}

static void mali_deed_gpu_fault(MaliCsfState *s, const MaliDeed *d)
{
    mali_gpu_report_fault(s, d->args.type, d->args.va);
}

static void mali_deed_cs_error(MaliCsfState *s, const MaliDeed *d)
{
    if (mali_deed_has_queue(s, &d->args)) {
        mali_cs_break(s, d->args.csg, d->args.cs, d->act == MALI_ACT_CS_FATAL,
                      d->args.type, d->args.info);
        mali_event_arm(s, MALI_EV_RUN, 1);
    }
}

static void mali_deed_reg(MaliCsfState *s, const MaliDeed *d)
{
    mali_csf_poke_reg(s, (const char *)(uintptr_t)d->args.reg, d->args.block,
                      d->args.bank, d->args.value,
                      d->args.has_value ? 0 : d->args.bits);
}

static void mali_deed_poke_at(MaliCsfState *s, unsigned as, uint64_t va,
                              const MaliInjectArgs *a)
{
    uint32_t size = a->size == 8 ? 8 : 4;
    uint64_t val = 0;

    if (a->has_value) {
        val = cpu_to_le64(a->value);
    } else if (mali_mem_peek(s, as, va, &val, size)) {
        val ^= cpu_to_le64(a->bits);
    } else {
        return;
    }
    mali_mem_poke(s, as, va, &val, size);
}

static void mali_deed_poke(MaliCsfState *s, const MaliDeed *d)
{
    if (d->args.as < s->as_count) {
        mali_deed_poke_at(s, d->args.as, d->args.va, &d->args);
    }
}

static void mali_deed_interface(MaliCsfState *s, const MaliDeed *d)
{
    const MaliInjectArgs *a = &d->args;
    uint32_t va = 0;

    switch (a->block) {
    case MALI_INTERFACE_GLB:
        va = a->side ? s->fw.layout.glb_output : s->fw.layout.glb_input;
        break;
    case MALI_INTERFACE_CSG:
    case MALI_INTERFACE_CS:
        if (!mali_deed_has_queue(s, a)) {
            return;
        }
        va = mali_csg_block_va(s, a->block == MALI_INTERFACE_CS, a->side,
                               a->csg, a->cs);
        break;
    default:
        return;
    }
    mali_deed_poke_at(s, 0, va + a->offset, a);
}

static void mali_deed_mcu_hang(MaliCsfState *s, const MaliDeed *d)
{
    mali_fw_hang(s);
}

static void mali_deed_mcu_halted(MaliCsfState *s, const MaliDeed *d)
{
    mali_fw_die(s, MCU_STATUS_HALT);
}

static void mali_deed_mcu_fatal(MaliCsfState *s, const MaliDeed *d)
{
    mali_fw_die(s, MCU_STATUS_FATAL);
}

static void mali_deed_stall_queue(MaliCsfState *s, const MaliDeed *d)
{
    if (mali_deed_has_queue(s, &d->args)) {
        mali_cs_hold(&s->csg[d->args.csg].cs[d->args.cs], d->args.hold);
        mali_event_arm(s, MALI_EV_RUN, 1);
    }
}

static void mali_deed_stop_machine(MaliCsfState *s, const MaliDeed *d)
{
    qemu_system_vmstop_request_prepare();
    qemu_system_vmstop_request(RUN_STATE_PAUSED);
    mali_qmp_injected(s, d);
}

static void mali_deed_fire(MaliCsfState *s, const MaliDeed *d)
{
    s->inject.acting = false;
    mali_inject_fire(&s->inject, d->rule, &d->args);
}

/* --- What a rule has put off --- */

static void mali_deed_tell_glb(MaliCsfState *s, const MaliDeed *d)
{
    if (s->fw.mcu_status == MCU_STATUS_ENABLED) {
        mali_fw_glb_event(s, d->args.bits);
    }
}

static void mali_deed_tell_csg(MaliCsfState *s, const MaliDeed *d)
{
    if (d->args.csg < s->csg_slots && s->csg[d->args.csg].running) {
        mali_csg_event(s, d->args.csg, d->args.bits);
    }
}

static void mali_deed_tell_cs(MaliCsfState *s, const MaliDeed *d)
{
    if (mali_deed_has_queue(s, &d->args) && s->csg[d->args.csg].running) {
        mali_cs_event(s, d->args.csg, d->args.cs, d->args.bits);
    }
}

static void mali_deed_ring(MaliCsfState *s, const MaliDeed *d)
{
    mali_fw_ring(s, d->args.bits);
}

static void mali_deed_retry(MaliCsfState *s, const MaliDeed *d)
{
    if (d->act != MALI_ACT_RETRY_GLB) {
        if (!mali_deed_has_queue(s, &d->args)) {
            return;
        }
        s->fw.requests |= BIT(d->args.csg);
    }
    if (d->act == MALI_ACT_RETRY_CS) {
        s->csg[d->args.csg].doorbells |= BIT(d->args.cs);
    }
    mali_fw_ring(s, BIT_ULL(0));
}

/* --- When it is due --- */

typedef void MaliDeedFn(MaliCsfState *s, const MaliDeed *d);

static MaliDeedFn *const mali_deeds[MALI_ACTS] = {
    [MALI_ACT_COUNT] = mali_deed_nothing,
    [MALI_ACT_RAISE] = mali_deed_raise,
    [MALI_ACT_AS_FAULT] = mali_deed_as_fault,
    [MALI_ACT_GPU_FAULT] = mali_deed_gpu_fault,
    [MALI_ACT_CS_FAULT] = mali_deed_cs_error,
    [MALI_ACT_CS_FATAL] = mali_deed_cs_error,
    [MALI_ACT_REG] = mali_deed_reg,
    [MALI_ACT_POKE] = mali_deed_poke,
    [MALI_ACT_INTERFACE] = mali_deed_interface,
    [MALI_ACT_MCU_HANG] = mali_deed_mcu_hang,
    [MALI_ACT_MCU_HALTED] = mali_deed_mcu_halted,
    [MALI_ACT_MCU_FATAL] = mali_deed_mcu_fatal,
    [MALI_ACT_STALL_QUEUE] = mali_deed_stall_queue,
    [MALI_ACT_PAUSE] = mali_deed_stop_machine,
    [MALI_ACT_SNAPSHOT] = mali_deed_stop_machine,
    [MALI_ACT_FIRE] = mali_deed_fire,
    [MALI_ACT_LATCH] = mali_deed_raise,
    [MALI_ACT_TELL_GLB] = mali_deed_tell_glb,
    [MALI_ACT_TELL_CSG] = mali_deed_tell_csg,
    [MALI_ACT_TELL_CS] = mali_deed_tell_cs,
    [MALI_ACT_RING] = mali_deed_ring,
    [MALI_ACT_RETRY_GLB] = mali_deed_retry,
    [MALI_ACT_RETRY_CSG] = mali_deed_retry,
    [MALI_ACT_RETRY_CS] = mali_deed_retry,
};

void mali_inject_rearm(MaliCsfState *s)
{
    int64_t next = mali_inject_next(&s->inject);

    if (next != INT64_MAX) {
        mali_event_arm_at(s, MALI_EV_INJECT, next);
    }
}

void mali_inject_event(MaliCsfState *s, MaliEvent ev)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    MaliDeed d;

    while (mali_inject_take(&s->inject, now, &d)) {
        trace_mali_csf_inject_deed(d.rule, d.act);
        s->inject.acting = true;
        mali_deeds[d.act](s, &d);
        s->inject.acting = false;
    }
    mali_inject_rearm(s);
}

static void mali_inject_wake(void *opaque, int64_t due)
{
    MaliCsfState *s = opaque;

    /* Before the first reset it is that which has it come */
    if (s->timer && due < s->due[MALI_EV_INJECT]) {
        mali_event_arm_at(s, MALI_EV_INJECT, due);
    }
}

/* --- Operations that take time --- */

void mali_event_arm_as(MaliCsfState *s, MaliEvent ev, uint64_t delay,
                       const MaliVerdict *v)
{
    /* What joins something that is stuck is stuck with it */
    if (s->due[ev] == MALI_EVENT_NEVER && ev != MALI_EV_MCU) {
        return;
    }
    switch (v->act) {
    case MALI_ACT_DELAY:
        mali_event_arm(s, ev, delay + v->args.time);
        break;
    case MALI_ACT_NEVER:
        mali_event_arm_at(s, ev, MALI_EVENT_NEVER);
        break;
    default:
        mali_event_arm(s, ev, delay);
        break;
    }
}

/* --- Requests of the host --- */

/* When a request that a rule keeps from being answered may be */
static bool mali_hold_active(const MaliHold *hold, uint32_t value, int64_t now)
{
    return hold->until && hold->value == value && now < hold->until;
}

static void mali_hold_begin(MaliCsfState *s, MaliHold *hold,
                            const MaliVerdict *v, MaliInjectAct retry,
                            uint64_t csg, uint64_t cs)
{
    MaliInjectArgs args = { .csg = csg, .cs = cs };
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    if (v->act == MALI_ACT_DELAY) {
        hold->until = now + v->args.time;
        mali_inject_later(&s->inject, retry, "", &args, v->args.time);
    } else {
        hold->until = MALI_INJECT_NEVER;
    }
}

static MaliVerdict mali_hold_ask(MaliCsfState *s, MaliInjectKind kind,
                                 unsigned request, unsigned csg, unsigned cs)
{
    return mali_inject(s, kind, .request = request, .csg = csg, .cs = cs);
}

uint32_t mali_hold_requests(MaliCsfState *s, const MaliHoldTable *t,
                            MaliHold *holds, unsigned csg, unsigned cs,
                            uint32_t req, uint32_t changed, uint32_t *wrong)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    uint32_t held = 0;

    for (unsigned i = 0; i < t->n; i++) {
        const MaliHoldRow *row = &t->rows[i];
        MaliHold *hold = &holds[i];
        uint32_t value = req & row->mask;
        bool same = hold->value == value;
        /* Its time has come, or it is the same look once more, after a lock */
        bool let = same && (hold->until || hold->let);
        MaliVerdict v = { };

        if (!(changed & row->mask) || (row->state && value != row->value)) {
            hold->until = 0;
            hold->let = false;
            continue;
        }
        if (mali_hold_active(hold, value, now)) {
            held |= row->mask;
            continue;
        }
        hold->until = 0;
        if (!let) {
            v = mali_hold_ask(s, t->kind, i, csg, cs);
        }
        hold->value = value;
        hold->let = v.act == MALI_ACT_NONE;
        if (v.act == MALI_ACT_DELAY || v.act == MALI_ACT_NEVER) {
            mali_hold_begin(s, hold, &v, t->retry, csg, cs);
            held |= row->mask;
        } else if (v.act == MALI_ACT_ACK) {
            *wrong |= ((v.args.value << ctz32(row->mask)) ^ value) & row->mask;
        }
    }
    return held;
}

/* --- State --- */

const VMStateDescription vmstate_mali_hold = {
    .name = "mali-csf/hold",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(value, MaliHold),
        VMSTATE_INT64(until, MaliHold),
        VMSTATE_BOOL(let, MaliHold),
        VMSTATE_END_OF_LIST()
    }
};

static const char *mali_inject_find_reg(const void *opaque, int block,
                                        const char *name)
{
    return mali_csf_find_reg(block, name);
}

static bool mali_inject_has_bank(const void *opaque, int block,
                                 const char *name, uint64_t first,
                                 uint64_t last)
{
    return mali_csf_has_bank(opaque, block, name, first, last);
}

static unsigned mali_inject_reg_bits(const void *opaque, int block,
                                     unsigned bank, const char *name)
{
    return mali_csf_reg_bits(opaque, block, bank, name);
}

static int mali_inject_find_opcode(const void *opaque, const char *name)
{
    const MaliCsfState *s = opaque;

    for (int i = 0; i < 256; i++) {
        const char *known = s->isa->insns[i].name;

        if (known && mali_inject_same_name(name, known)) {
            return i;
        }
    }
    return -1;
}

bool mali_inject_setup(MaliCsfState *s, uint32_t window, Error **errp)
{
    MaliInjectEnv env = {
        .as_count = s->as_count, .csg_slots = s->csg_slots,
        .cs_slots = s->cs_slots, .va_bits = s->va_bits,
        .window = window,
        .doorbells = (window - MALI_DOORBELL_BASE) / MALI_DOORBELL_STRIDE,
        .find_reg = mali_inject_find_reg,
        .has_bank = mali_inject_has_bank,
        .reg_bits = mali_inject_reg_bits,
        .find_opcode = mali_inject_find_opcode,
        .opaque = s,
    };
    g_autofree char *why = NULL;

    s->inject.wake = mali_inject_wake;
    s->inject.opaque = s;
    mali_inject_init(&s->inject, &env);
    if (s->inject.text && !mali_inject_add_all(&s->inject, s->inject.text,
                                               &why)) {
        error_setg(errp, "inject=%s", why);
        mali_inject_destroy(&s->inject);
        return false;
    }
    return true;
}
