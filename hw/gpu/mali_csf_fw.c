/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: the microcontroller and the part of its firmware
 *
 * The image that the driver loads is not executed: the device plays its part.
 * At boot it writes the control blocks into the shared section, then answers
 * requests in it (contract 3).  The driver's side is panthor_fw.c.
 *
 * Words are read from guest memory once and then judged; whatever the guest
 * writes there can at worst hang its own GPU.
 */

#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/bswap.h"
#include "mali_csf_internal.h"
#include "trace.h"

/* --- Shared section --- */

/*
 * Blocks in the order of Arm's images, each group at the offset that it has
 * there as long as the slots fit (contract 3.3).  Inside the section the
 * driver only needs what the control blocks tell it.
 */
static void mali_fw_place(MaliFwLayout *l, uint32_t csgs, uint32_t css)
{
    uint32_t base = FW_SHARED_VA;

    l->csg_stride = FW_CS_CONTROL_OFFSET + css * FW_CS_CONTROL_SIZE;
    l->control_size = FW_CSG_CONTROL_OFFSET + csgs * l->csg_stride;

    l->glb_input = base + MAX(0x2000, ROUND_UP(l->control_size, 0x1000));
    l->csg_input = l->glb_input + FW_GLB_BLOCK_SIZE;
    l->cs_input = l->csg_input + csgs * FW_CSG_INPUT_STRIDE;
    l->input_end = l->cs_input + csgs * css * FW_CS_INPUT_STRIDE;

    l->glb_output = MAX(base + 0x6000, ROUND_UP(l->input_end, 0x1000));
    l->csg_output = l->glb_output + FW_GLB_BLOCK_SIZE;
    l->cs_output = l->csg_output + csgs * FW_CSG_OUTPUT_STRIDE;
    l->end = l->cs_output + csgs * css * FW_CS_OUTPUT_STRIDE;
}

MaliXlate mali_fw_read(MaliCsfState *s, uint64_t va, uint32_t *val)
{
    MaliXlate ret = mali_mem_read(s, 0, va, val, sizeof(*val), MALI_SOURCE_MCU);

    *val = le32_to_cpu(*val);
    return ret;
}

MaliXlate mali_fw_write(MaliCsfState *s, uint64_t va, uint32_t val)
{
    val = cpu_to_le32(val);
    return mali_mem_write(s, 0, va, &val, sizeof(val), MALI_SOURCE_MCU);
}

/* A control block under construction */
static void mali_fw_put(uint8_t *control, uint32_t offset, uint32_t val)
{
    stl_le_p(control + offset, val);
}

static void mali_fw_fill_control(const MaliCsfState *s, uint8_t *control)
{
    const MaliFwLayout *l = &s->fw.layout;
    const MaliCsfModel *m = s->model;

    mali_fw_put(control, GLB_VERSION, s->fw_iface);
    mali_fw_put(control, GLB_FEATURES, m->fw_features);
    mali_fw_put(control, GLB_INPUT_VA, l->glb_input);
    mali_fw_put(control, GLB_OUTPUT_VA, l->glb_output);
    mali_fw_put(control, GLB_GROUP_NUM, s->csg_slots);
    mali_fw_put(control, GLB_GROUP_STRIDE, l->csg_stride);
    mali_fw_put(control, GLB_INSTR_FEATURES, m->fw_instr_features);

    for (int i = 0; i < s->csg_slots; i++) {
        uint8_t *csg = control + FW_CSG_CONTROL_OFFSET + i * l->csg_stride;

        mali_fw_put(csg, CSG_INPUT_VA, l->csg_input + i * FW_CSG_INPUT_STRIDE);
        mali_fw_put(csg, CSG_OUTPUT_VA,
                    l->csg_output + i * FW_CSG_OUTPUT_STRIDE);
        mali_fw_put(csg, CSG_SUSPEND_SIZE, mali_suspend_size(s));
        mali_fw_put(csg, CSG_PROTM_SUSPEND_SIZE, mali_suspend_size(s));
        mali_fw_put(csg, CSG_STREAM_NUM, s->cs_slots);
        mali_fw_put(csg, CSG_STREAM_STRIDE, FW_CS_CONTROL_SIZE);

        for (int j = 0; j < s->cs_slots; j++) {
            uint8_t *cs = csg + FW_CS_CONTROL_OFFSET + j * FW_CS_CONTROL_SIZE;
            uint32_t n = i * s->cs_slots + j;

            mali_fw_put(cs, CS_FEATURES, m->cs_features);
            mali_fw_put(cs, CS_INPUT_VA, l->cs_input + n * FW_CS_INPUT_STRIDE);
            mali_fw_put(cs, CS_OUTPUT_VA,
                        l->cs_output + n * FW_CS_OUTPUT_STRIDE);
        }
    }
}

/*
 * Write the control blocks; at a cold boot also clear what the firmware owns,
 * the output blocks.  After a halt they hold acknowledgements that the driver
 * still compares with its requests, and stay.
 */
static MaliXlate mali_fw_write_section(MaliCsfState *s)
{
    const MaliFwLayout *l = &s->fw.layout;
    g_autofree uint8_t *control = g_malloc0(l->control_size);
    uint32_t outputs = l->end - l->glb_output;
    g_autofree uint8_t *zeroes = g_malloc0(outputs);
    MaliXlate ret;

    mali_fw_fill_control(s, control);
    ret = mali_mem_write(s, 0, FW_SHARED_VA, control, l->control_size,
                         MALI_SOURCE_MCU);
    if (ret == MALI_XLATE_OK && !s->fw.warm) {
        ret = mali_mem_write(s, 0, l->glb_output, zeroes, outputs,
                             MALI_SOURCE_MCU);
    }
    return ret;
}

/* --- Microcontroller --- */

static void mali_fw_set_status(MaliCsfState *s, uint32_t status)
{
    if (status == s->fw.mcu_status) {
        return;
    }
    trace_mali_csf_mcu_status(s->fw.mcu_status, status, s->fw.warm);
    s->fw.mcu_status = status;
    mali_irq_raise(s, MALI_IRQ_GPU, GPU_IRQ_MCU_STATUS_CHANGED);
}

void mali_fw_hang(MaliCsfState *s)
{
    s->fw.warm = false;
    s->fw.hung = true;
    mali_event_cancel(s, MALI_EV_FW_REQUEST);
    mali_sched_reset(s);
}

void mali_fw_die(MaliCsfState *s, uint32_t status)
{
    mali_fw_hang(s);
    mali_event_cancel(s, MALI_EV_MCU);
    mali_fw_set_status(s, status);
}

void mali_fw_fatal(MaliCsfState *s, const char *what)
{
    mali_guest_error("firmware: %s", what);
    mali_fw_die(s, MCU_STATUS_FATAL);
}

static void mali_fw_boot(MaliCsfState *s)
{
    MaliXlate ret;

    if (!mali_gpu_powered(s, MALI_POWER_L2)) {
        mali_fw_fatal(s, "boot while L2 is off");
        return;
    }
    ret = mali_fw_write_section(s);
    if (ret == MALI_XLATE_STALL) {
        mali_event_stall(s, MALI_EV_MCU, MALI_STALL_NS);
        return;
    }
    if (ret == MALI_XLATE_FAULT) {
        mali_fw_fatal(s, "the shared section is not mapped and writable, or "
                      "too small for the slots");
        return;
    }
    s->fw.warm = false;
    s->fw.hung = false;
    mali_fw_set_status(s, MCU_STATUS_ENABLED);
    mali_irq_raise(s, MALI_IRQ_JOB, JOB_IRQ_GLB);
    /* Requests may be waiting, a halt among them */
    s->fw.doorbells = BIT_ULL(0);
    mali_event_arm(s, MALI_EV_FW_REQUEST, s->timing.fw_request);
}

/* The state that MCU_CONTROL, or a halt request, asked for is reached */
void mali_fw_mcu_event(MaliCsfState *s, MaliEvent ev)
{
    switch (s->fw.mcu_next) {
    case MCU_STATUS_ENABLED:
        mali_fw_boot(s);
        break;
    case MCU_STATUS_HALT:
        mali_sched_reset(s);
        s->fw.warm = !s->fw.hung;
        mali_fw_set_status(s, MCU_STATUS_HALT);
        break;
    case MCU_STATUS_FATAL:
        mali_fw_fatal(s, "a rule has the boot fail");
        break;
    default:
        mali_sched_reset(s);
        mali_fw_set_status(s, MCU_STATUS_DISABLED);
        break;
    }
}

/* Once the sections are loaded anew, nothing in them tells of the halt */
static bool mali_fw_is_warm(MaliCsfState *s)
{
    uint32_t version;

    return s->fw.warm &&
           (!mali_gpu_powered(s, MALI_POWER_L2) ||
            mali_fw_read(s, FW_SHARED_VA + GLB_VERSION, &version) !=
            MALI_XLATE_OK || version == s->fw_iface);
}

static MaliInjectKind mali_fw_step_kind(uint32_t status)
{
    return status == MCU_STATUS_ENABLED ? MALI_INJECT_MCU_BOOT
           : status == MCU_STATUS_HALT ? MALI_INJECT_MCU_HALT
           : MALI_INJECT_MCU_STOP;
}

static void mali_fw_go(MaliCsfState *s, uint32_t status, uint64_t delay)
{
    MaliVerdict v = mali_inject(s, mali_fw_step_kind(status),
                                .boot = s->fw.warm);

    s->fw.mcu_next = v.act == MALI_ACT_FAIL ? MCU_STATUS_FATAL : status;
    mali_event_arm_as(s, MALI_EV_MCU, delay, &v);
}

static void mali_mcu_write_control(MaliCsfState *s, unsigned bank, unsigned reg,
                                   uint32_t val)
{
    const MaliTiming *t = &s->timing;

    if (val > MCU_CONTROL_AUTO) {
        mali_guest_error("unknown MCU_CONTROL %u", val);
        return;
    }
    if (mali_gpu_resetting(s, "MCU_CONTROL")) {
        return;
    }
    trace_mali_csf_mcu_control(s->fw.mcu_control, val, s->fw.mcu_status);
    if (mali_check_on(s) && val != MCU_CONTROL_DISABLE) {
        mali_check_powered(s, -1, "the MCU was started");
    }
    s->fw.mcu_control = val;
    if (val == MCU_CONTROL_DISABLE) {
        mali_event_cancel(s, MALI_EV_FW_REQUEST);
        mali_gpu_counter_use(s, MALI_COUNTER_FIRMWARE, false);
        mali_fw_go(s, MCU_STATUS_DISABLED, t->mcu_stop);
    } else if (s->fw.mcu_status != MCU_STATUS_ENABLED ||
               (mali_event_pending(s, MALI_EV_MCU) &&
                s->fw.mcu_next == MCU_STATUS_DISABLED)) {
        s->fw.warm = mali_fw_is_warm(s);
        mali_fw_go(s, MCU_STATUS_ENABLED,
                   s->fw.warm ? t->mcu_warm_boot : t->mcu_cold_boot);
    }
}

static uint32_t mali_mcu_read_control(MaliCsfState *s, unsigned bank,
                                      unsigned reg)
{
    return s->fw.mcu_control;
}

static uint32_t mali_mcu_read_status(MaliCsfState *s, unsigned bank,
                                     unsigned reg)
{
    return s->fw.mcu_status;
}

static const MaliReg mali_mcu_regs[] = {
    MALI_RW_FN(MCU_CONTROL, mali_mcu_read_control, mali_mcu_write_control),
    MALI_RO_FN(MCU_STATUS, mali_mcu_read_status),
};

const MaliRegBlock mali_mcu_block = {
    .name = "mcu",
    .id = MALI_BLOCK_MCU,
    .base = MALI_MCU_BASE,
    .stride = MALI_MCU_SIZE,
    .banks = 1,
    .n_regs = ARRAY_SIZE(mali_mcu_regs),
    .regs = mali_mcu_regs,
};

/* --- Global requests --- */

/* Latch one word of the global input block */
typedef struct MaliFwLatch {
    uint32_t request;       /* the GLB req bit that asks for it */
    uint32_t offset;        /* in the input block */
    size_t field;           /* in MaliFw */
    uint32_t words;
} MaliFwLatch;

static const MaliFwLatch mali_fw_latches[] = {
    { GLB_CFG_PROGRESS_TIMER, GLB_PROGRESS_TIMER,
      offsetof(MaliFw, progress_timer), 1 },
    { GLB_CFG_POWEROFF_TIMER, GLB_POWEROFF_TIMER,
      offsetof(MaliFw, poweroff_timer), 1 },
    { GLB_IDLE_EN, GLB_IDLE_TIMER, offsetof(MaliFw, idle_timer), 1 },
    { GLB_CFG_ALLOC_EN, GLB_CORE_EN_MASK, offsetof(MaliFw, core_en_mask), 2 },
};

static MaliXlate mali_fw_latch(MaliCsfState *s, const MaliFwLatch *latch)
{
    uint32_t words[2];
    MaliXlate ret;

    for (int i = 0; i < latch->words; i++) {
        ret = mali_fw_read(s, s->fw.layout.glb_input + latch->offset + i * 4,
                           &words[i]);
        if (ret != MALI_XLATE_OK) {
            return ret;
        }
    }
    if (latch->words == 2) {
        *(uint64_t *)((char *)&s->fw + latch->field) =
            words[0] | (uint64_t)words[1] << 32;
    } else {
        *(uint32_t *)((char *)&s->fw + latch->field) = words[0];
    }
    trace_mali_csf_fw_latch(latch->request, words[0]);
    return MALI_XLATE_OK;
}

/* In the order of MaliGlbRequest; which bits are the halt is the interface's */
static uint32_t mali_fw_hold(MaliCsfState *s, uint32_t req, uint32_t changed,
                             uint32_t *wrong)
{
    const uint32_t halt = s->fw.ops->halt_mask;
    const MaliHoldRow rows[MALI_GLB_REQUESTS] = {
        [MALI_GLB_REQUEST_HALT] = { halt },
        [MALI_GLB_REQUEST_PROGRESS_TIMER] = { GLB_CFG_PROGRESS_TIMER },
        [MALI_GLB_REQUEST_ALLOC_EN] = { GLB_CFG_ALLOC_EN },
        [MALI_GLB_REQUEST_POWEROFF_TIMER] = { GLB_CFG_POWEROFF_TIMER },
        [MALI_GLB_REQUEST_COUNTER_EN] = { GLB_COUNTER_EN },
        [MALI_GLB_REQUEST_PING] = { GLB_PING },
        [MALI_GLB_REQUEST_IDLE_EN] = { GLB_IDLE_EN },
    };
    const MaliHoldTable table = {
        MALI_INJECT_GLB_REQUEST, MALI_ACT_RETRY_GLB, MALI_GLB_REQUESTS, rows,
    };

    return mali_hold_requests(s, &table, s->fw.holds, 0, 0, req, changed,
                              wrong);
}

/*
 * Answer the global requests.  All bits but events and the state are mirrored,
 * known to us or not: the driver waits for ack to equal req (contract 3.5).
 */
static MaliXlate mali_fw_global(MaliCsfState *s)
{
    const MaliFwLayout *l = &s->fw.layout;
    const MaliFwOps *ops = s->fw.ops;
    uint32_t req, ack, irq_mask, changed, state, new_ack, held, wrong = 0;
    MaliXlate ret;

    ret = mali_fw_read(s, l->glb_input + GLB_REQ, &req);
    if (ret == MALI_XLATE_OK) {
        ret = mali_fw_read(s, l->glb_input + GLB_ACK_IRQ_MASK, &irq_mask);
    }
    if (ret == MALI_XLATE_OK) {
        ret = mali_fw_read(s, l->glb_output + GLB_ACK, &ack);
    }
    if (ret != MALI_XLATE_OK) {
        return ret;
    }
    held = mali_fw_hold(s, req, (req ^ ack) & ~GLB_EVT_MASK, &wrong);
    changed = (req ^ ack) & ~(GLB_EVT_MASK | ops->halt_mask | held);
    for (int i = 0; i < ARRAY_SIZE(mali_fw_latches); i++) {
        if (changed & mali_fw_latches[i].request) {
            ret = mali_fw_latch(s, &mali_fw_latches[i]);
            if (ret != MALI_XLATE_OK) {
                return ret;
            }
        }
    }
    mali_gpu_counter_use(s, MALI_COUNTER_FIRMWARE,
                         (ack ^ changed) & GLB_COUNTER_EN);

    state = held & ops->halt_mask ? GLB_STATE_ACTIVE : ops->state(req);
    new_ack = ack ^ changed ^ wrong;
    if (ops->acks_state && !(held & ops->halt_mask)) {
        new_ack = (new_ack & ~ops->halt_mask) |
                  ((req ^ wrong) & ops->halt_mask);
    }
    trace_mali_csf_fw_global(req, ack, new_ack, irq_mask, state);
    if (new_ack != ack) {
        ret = mali_fw_write(s, l->glb_output + GLB_ACK, new_ack);
        if (ret != MALI_XLATE_OK) {
            return ret;
        }
        if ((new_ack ^ ack) & irq_mask) {
            mali_irq_raise(s, MALI_IRQ_JOB, JOB_IRQ_GLB);
        }
    }
    if (state != GLB_STATE_ACTIVE && !mali_event_pending(s, MALI_EV_MCU)) {
        mali_fw_go(s, MCU_STATUS_HALT, s->timing.fw_halt);
    }
    return MALI_XLATE_OK;
}

/*
 * The global doorbell also says which groups have requests.  It is
 * acknowledged before they are read: what the host asks for from then on flips
 * its bit again, and is not taken for what was seen (panthor_fw.h,
 * panthor_fw_toggle_reqs).
 */
static MaliXlate mali_fw_groups(MaliCsfState *s)
{
    const MaliFwLayout *l = &s->fw.layout;
    uint32_t req, ack;
    MaliXlate ret;

    ret = mali_fw_read(s, l->glb_input + GLB_DOORBELL_REQ, &req);
    if (ret == MALI_XLATE_OK) {
        ret = mali_fw_read(s, l->glb_output + GLB_DOORBELL_ACK, &ack);
    }
    if (ret == MALI_XLATE_OK && req != ack) {
        ret = mali_fw_write(s, l->glb_output + GLB_DOORBELL_ACK, req);
    }
    if (ret != MALI_XLATE_OK) {
        return ret;
    }
    s->fw.requests |= req ^ ack;
    /* Pairs with the host's: its request, then its doorbell's bit */
    smp_mb();
    return mali_sched_requests(s, &s->fw.requests);
}

void mali_fw_glb_event(MaliCsfState *s, uint32_t bit)
{
    const MaliFwLayout *l = &s->fw.layout;
    MaliVerdict v = mali_inject(s, MALI_INJECT_GLB_EVENT, .event = bit);
    MaliInjectArgs later = { .bits = bit };
    uint32_t req, ack, irq_mask;

    if (v.act == MALI_ACT_DELAY) {
        mali_inject_later(&s->inject, MALI_ACT_TELL_GLB, "", &later,
                          v.args.time);
    }
    if (v.act != MALI_ACT_NONE) {
        return;
    }
    if (mali_fw_read(s, l->glb_input + GLB_REQ, &req) != MALI_XLATE_OK ||
        mali_fw_read(s, l->glb_input + GLB_ACK_IRQ_MASK, &irq_mask) !=
        MALI_XLATE_OK ||
        mali_fw_read(s, l->glb_output + GLB_ACK, &ack) != MALI_XLATE_OK ||
        !(req & GLB_IDLE_EN) || (req ^ ack) & bit) {
        return;
    }
    mali_fw_write(s, l->glb_output + GLB_ACK, ack ^ bit);
    if (irq_mask & bit) {
        mali_irq_raise(s, MALI_IRQ_JOB, JOB_IRQ_GLB);
    }
}

void mali_fw_request_event(MaliCsfState *s, MaliEvent ev)
{
    uint64_t doorbells = s->fw.doorbells;
    MaliXlate groups = MALI_XLATE_OK, ret = MALI_XLATE_OK;

    if (s->fw.mcu_status != MCU_STATUS_ENABLED || s->fw.hung) {
        return;
    }
    if (mali_sched_stalled(s)) {
        mali_event_stall(s, MALI_EV_FW_REQUEST, MALI_STALL_NS);
        return;
    }
    /* What one group or queue waits for must not hold up the others */
    if (doorbells & BIT_ULL(0)) {
        groups = mali_fw_groups(s);
        ret = groups == MALI_XLATE_FAULT ? groups : mali_fw_global(s);
    }
    doorbells &= ~BIT_ULL(0);
    if (ret == MALI_XLATE_OK && doorbells) {
        ret = mali_sched_doorbells(s, &doorbells);
    }
    if (ret == MALI_XLATE_FAULT) {
        mali_fw_fatal(s, "fault on its own interface");
        return;
    }
    s->fw.doorbells = doorbells;
    if (groups == MALI_XLATE_STALL || ret == MALI_XLATE_STALL) {
        s->fw.doorbells |= BIT_ULL(0);
        mali_event_stall(s, MALI_EV_FW_REQUEST, MALI_STALL_NS);
    }
}

/* --- Doorbells --- */

void mali_fw_ring(MaliCsfState *s, uint64_t doorbells)
{
    s->fw.doorbells |= doorbells;
    if (s->fw.mcu_status == MCU_STATUS_ENABLED &&
        (!mali_event_pending(s, MALI_EV_FW_REQUEST) ||
         mali_event_stalled(s, MALI_EV_FW_REQUEST))) {
        mali_event_arm(s, MALI_EV_FW_REQUEST, s->timing.fw_request);
    }
}

static void mali_doorbell_write(MaliCsfState *s, unsigned bank, unsigned reg,
                                uint32_t val)
{
    MaliInjectArgs later = { .bits = BIT_ULL(bank) };
    MaliVerdict v;

    trace_mali_csf_doorbell(bank, s->fw.mcu_status);
    if (mali_check_on(s)) {
        mali_check_powered(s, -1, "a doorbell was rung");
    }
    v = mali_inject(s, MALI_INJECT_DOORBELL, .doorbell = bank);
    if (v.act == MALI_ACT_DELAY) {
        mali_inject_later(&s->inject, MALI_ACT_RING, "", &later, v.args.time);
    } else if (v.act != MALI_ACT_DROP) {
        mali_fw_ring(s, BIT_ULL(bank));
    }
}

static const MaliReg mali_doorbell_regs[] = {
    MALI_WO_FN(DOORBELL, mali_doorbell_write),
};

const MaliRegBlock mali_doorbell_block = {
    .name = "doorbell",
    .id = MALI_BLOCK_DOORBELL,
    .base = MALI_DOORBELL_BASE,
    .stride = MALI_DOORBELL_STRIDE,
    .banks = MALI_NUM_DOORBELLS,
    .n_regs = ARRAY_SIZE(mali_doorbell_regs),
    .regs = mali_doorbell_regs,
};

/* --- State --- */

void mali_fw_init(MaliCsfState *s)
{
    mali_fw_place(&s->fw.layout, s->csg_slots, s->cs_slots);
    s->fw.ops = mali_csf_fw_ops(s->fw_iface);
}

void mali_fw_reset(MaliCsfState *s, bool warm)
{
    MaliFw fresh = {
        .layout = s->fw.layout,
        .ops = s->fw.ops,
        .warm = warm,
    };

    s->fw = fresh;
    mali_sched_reset(s);
    mali_event_cancel(s, MALI_EV_MCU);
    mali_event_cancel(s, MALI_EV_FW_REQUEST);
}

const VMStateDescription vmstate_mali_fw = {
    .name = "mali-csf/fw",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(mcu_control, MaliFw),
        VMSTATE_UINT32(mcu_status, MaliFw),
        VMSTATE_UINT32(mcu_next, MaliFw),
        VMSTATE_BOOL(warm, MaliFw),
        VMSTATE_BOOL(hung, MaliFw),
        VMSTATE_UINT64(doorbells, MaliFw),
        VMSTATE_UINT32(requests, MaliFw),
        VMSTATE_STRUCT_ARRAY(holds, MaliFw, MALI_GLB_REQUESTS, 1,
                             vmstate_mali_hold, MaliHold),
        VMSTATE_UINT32(progress_timer, MaliFw),
        VMSTATE_UINT32(poweroff_timer, MaliFw),
        VMSTATE_UINT32(idle_timer, MaliFw),
        VMSTATE_UINT64(core_en_mask, MaliFw),
        VMSTATE_END_OF_LIST()
    }
};
