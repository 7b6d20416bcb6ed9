/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: the device
 *
 * Properties, dispatch of register accesses to the blocks, reset, migration.
 * docs/system/devices/mali-csf.rst tells how it is used.
 */

#include "qemu/osdep.h"
#include "qemu/ctype.h"
#include "qemu/cutils.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "qemu/units.h"
#include "qapi/error.h"
#include "hw/core/cpu.h"
#include "hw/irq.h"
#include "hw/qdev-properties.h"
#include "exec/address-spaces.h"
#include "mali_csf_internal.h"
#include "mali_csf_isa.h"
#include "trace.h"

/* --- Register accesses --- */

static const MaliRegBlock *const mali_blocks[] = {
    &mali_doorbell_block,
    &mali_mmu_block,
    &mali_gpu_int_block,
    &mali_job_int_block,
    &mali_mmu_int_block,
    &mali_mcu_block,
    &mali_flush_block,
    &mali_gpu_block,
};

typedef struct MaliRegRef {
    const MaliRegBlock *block;
    const MaliReg *reg;
    unsigned bank;
    unsigned nr;
} MaliRegRef;

void mali_guest_error(const char *fmt, ...)
{
    g_autofree char *msg = NULL;
    va_list ap;

    va_start(ap, fmt);
    msg = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    trace_mali_csf_guest_error(msg);
    qemu_log_mask(LOG_GUEST_ERROR, "mali-csf: %s\n", msg);
}

/* The register at @offset; false where there is none */
static bool mali_reg_find(const MaliCsfState *s, hwaddr offset, MaliRegRef *ref)
{
    for (int i = 0; i < ARRAY_SIZE(mali_blocks); i++) {
        const MaliRegBlock *b = mali_blocks[i];
        uint32_t in_block = offset - b->base;

        if (offset < b->base || in_block >= b->banks * b->stride) {
            continue;
        }
        ref->block = b;
        ref->bank = b->first_bank + in_block / b->stride;
        ref->nr = in_block % b->stride / 4;
        if (ref->nr >= b->n_regs ||
            (b->present && !b->present(s, ref->bank))) {
            return false;
        }
        ref->reg = &b->regs[ref->nr];
        return ref->reg->name;
    }
    return false;
}

/*
 * The registers take 32-bit accesses only (contract 1.1).  Others, and those to
 * an address without a register, read as zero and are ignored when written: an
 * abort would be the interconnect's doing, not the GPU's.
 */
static bool mali_reg_lookup(const MaliCsfState *s, hwaddr offset,
                            unsigned size, const char *what, MaliRegRef *ref)
{
    if (size != 4 || offset & 3) {
        mali_guest_error("%s of %u bytes at 0x%" HWADDR_PRIx, what, size,
                         offset);
        return false;
    }
    if (!mali_reg_find(s, offset, ref)) {
        mali_guest_error("%s at 0x%" HWADDR_PRIx ", where no register is",
                         what, offset);
        return false;
    }
    return true;
}

const char *mali_csf_find_reg(int block, const char *name)
{
    for (int i = 0; i < ARRAY_SIZE(mali_blocks); i++) {
        const MaliRegBlock *b = mali_blocks[i];

        for (int j = 0; j < b->n_regs && (block < 0 || block == b->id); j++) {
            if (b->regs[j].name &&
                mali_inject_same_name(name, b->regs[j].name)) {
                return b->regs[j].name;
            }
        }
    }
    return NULL;
}

static bool mali_block_has(const MaliRegBlock *b, const char *reg)
{
    for (int i = 0; i < b->n_regs; i++) {
        if (b->regs[i].name && (!reg || b->regs[i].name == reg)) {
            return true;
        }
    }
    return false;
}

bool mali_csf_has_bank(const MaliCsfState *s, int block, const char *reg,
                       uint64_t first, uint64_t last)
{
    for (int i = 0; i < ARRAY_SIZE(mali_blocks); i++) {
        const MaliRegBlock *b = mali_blocks[i];

        if ((block >= 0 && b->id != block) || !mali_block_has(b, reg)) {
            continue;
        }
        for (unsigned j = b->first_bank; j < b->first_bank + b->banks; j++) {
            if (j >= first && j <= last && (!b->present || b->present(s, j))) {
                return true;
            }
        }
    }
    return false;
}

/* The first word of a register that is stored; NULL where there is none */
static const MaliRegBlock *mali_csf_stored(const MaliCsfState *s, int block,
                                           unsigned bank, const char *reg,
                                           unsigned *nr)
{
    for (int i = 0; i < ARRAY_SIZE(mali_blocks); i++) {
        const MaliRegBlock *b = mali_blocks[i];

        if (b->id != block || !b->file || bank >= b->banks ||
            (b->present && !b->present(s, bank))) {
            continue;
        }
        for (*nr = 0; *nr < b->n_regs; ++*nr) {
            const MaliReg *r = &b->regs[*nr];

            if (r->name == reg && !r->read && (r->wmask || !r->write)) {
                return b;
            }
        }
    }
    return NULL;
}

unsigned mali_csf_reg_bits(const MaliCsfState *s, int block, unsigned bank,
                           const char *reg)
{
    unsigned nr;
    const MaliRegBlock *b = mali_csf_stored(s, block, bank, reg, &nr);

    return !b ? 0 : nr + 1 < b->n_regs && b->regs[nr + 1].name == reg ? 64 : 32;
}

void mali_csf_poke_reg(MaliCsfState *s, const char *reg, unsigned block,
                       unsigned bank, uint64_t val, uint64_t flip)
{
    unsigned nr;
    const MaliRegBlock *b = mali_csf_stored(s, block, bank, reg, &nr);
    unsigned words = mali_csf_reg_bits(s, block, bank, reg) / 32;

    for (unsigned i = 0; i < words; i++) {
        uint32_t *word = &b->file(s, bank)[nr + i];

        *word = flip ? *word ^ (flip >> i * 32) : val >> i * 32;
    }
}

static uint64_t mali_csf_read(void *opaque, hwaddr offset, unsigned size)
{
    MaliCsfState *s = opaque;
    MaliVerdict v;
    MaliRegRef r;
    uint32_t val = 0;

    mali_event_poll(s);
    if (!mali_reg_lookup(s, offset, size, "read", &r)) {
        return 0;
    }
    if (r.reg->read) {
        val = r.reg->read(s, r.bank, r.nr);
    } else if (r.block->file) {
        val = r.block->file(s, r.bank)[r.nr];
    }
    v = mali_inject(s, MALI_INJECT_REG_READ, .block = r.block->id,
                    .bank = r.bank, .reg = (uintptr_t)r.reg->name,
                    .offset = offset, .value = val);
    val = mali_verdict_value(&v, val);
    trace_mali_csf_read(r.block->name, r.bank, r.reg->name, offset, val);
    return val;
}

static void mali_csf_write(void *opaque, hwaddr offset, uint64_t val,
                           unsigned size)
{
    MaliCsfState *s = opaque;
    MaliVerdict v;
    MaliRegRef r;

    mali_event_poll(s);
    mali_event_trace_clock();
    if (!mali_reg_lookup(s, offset, size, "write", &r)) {
        return;
    }
    v = mali_inject(s, MALI_INJECT_REG_WRITE, .block = r.block->id,
                    .bank = r.bank, .reg = (uintptr_t)r.reg->name,
                    .offset = offset, .value = val);
    if (v.act == MALI_ACT_DROP) {
        return;
    }
    val = (uint32_t)mali_verdict_value(&v, val);
    trace_mali_csf_write(r.block->name, r.bank, r.reg->name, offset, val);
    if (!r.reg->wmask && !r.reg->write) {
        mali_guest_error("write to %s, which is read-only", r.reg->name);
        return;
    }
    if (r.reg->wmask) {
        uint32_t *reg = &r.block->file(s, r.bank)[r.nr];

        *reg = (*reg & ~r.reg->wmask) | (val & r.reg->wmask);
    }
    if (r.reg->write) {
        r.reg->write(s, r.bank, r.nr, val);
    }
}

static const MemoryRegionOps mali_csf_ops = {
    .read = mali_csf_read,
    .write = mali_csf_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    /* Every access reaches us, so that the wrong ones can be told of */
    .valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

/* --- Properties --- */

static const uint8_t mali_pa_bits[] = { 32, 36, 40, 42, 44, 48 };

/* A numeric property: 0 means the model's value */
typedef struct MaliLimit {
    const char *name;
    size_t field;           /* uint32_t in MaliCsfState */
    size_t model_field;     /* uint8_t in MaliCsfModel */
    uint32_t min;
    uint32_t max;
    const char *why;
} MaliLimit;

static const MaliLimit mali_limits[] = {
    { "csg-slots", offsetof(MaliCsfState, csg_slots),
      offsetof(MaliCsfModel, csg_slots), 3, MALI_MAX_CSG,
      "what the driver takes (panthor_fw.c, MIN_CSGS and MAX_CSGS)" },
    { "cs-slots", offsetof(MaliCsfState, cs_slots),
      offsetof(MaliCsfModel, cs_slots), 8, MALI_MAX_CS,
      "what the driver takes (panthor_fw.c, MIN_CS_PER_CSG)" },
    { "as-count", offsetof(MaliCsfState, as_count),
      offsetof(MaliCsfModel, as_count), 2, MALI_MAX_AS,
      "one for the firmware, and at least one for users" },
    { "va-bits", offsetof(MaliCsfState, va_bits),
      offsetof(MaliCsfModel, va_bits), 33, 48,
      "four levels of tables at most, and room for the kernel's own part" },
    { "pa-bits", offsetof(MaliCsfState, pa_bits),
      offsetof(MaliCsfModel, pa_bits), 32, 48,
      "a size that the page-table format knows" },
};

static bool mali_csf_check_limits(MaliCsfState *s, Error **errp)
{
    for (int i = 0; i < ARRAY_SIZE(mali_limits); i++) {
        const MaliLimit *l = &mali_limits[i];
        uint32_t *val = (uint32_t *)((char *)s + l->field);

        if (!*val) {
            *val = *((const uint8_t *)s->model + l->model_field);
        }
        if (*val < l->min || *val > l->max) {
            error_setg(errp, "%s=%" PRIu32 " is outside %" PRIu32 "..%" PRIu32
                       ": %s", l->name, *val, l->min, l->max, l->why);
            return false;
        }
    }
    if (!memchr(mali_pa_bits, s->pa_bits, sizeof(mali_pa_bits))) {
        error_setg(errp, "pa-bits=%" PRIu32 " is none of 32, 36, 40, 42, 44 "
                   "and 48", s->pa_bits);
        return false;
    }
    if (s->shader_cores > s->model->max_shader_cores) {
        error_setg(errp, "shader-cores=%" PRIu32 " is more than a %s has: %u",
                   s->shader_cores, s->model->name,
                   s->model->max_shader_cores);
        return false;
    }
    return true;
}

/* What was not set is as the model has it */
static void mali_csf_find_timing(MaliCsfState *s)
{
    const uint32_t *model = (const uint32_t *)s->model->timing;
    uint32_t *mine = (uint32_t *)&s->timing;

    QEMU_BUILD_BUG_ON(sizeof(MaliTiming) % sizeof(*mine));
    for (int i = 0; i < sizeof(MaliTiming) / sizeof(*mine); i++) {
        if (!mine[i]) {
            mine[i] = model[i];
        }
    }
}

/* "MAJOR.MINOR.PATCH", as the driver prints it, into the word it reads */
static bool mali_csf_parse_iface(MaliCsfState *s, Error **errp)
{
    static const unsigned max[] = { UINT8_MAX, UINT8_MAX, UINT16_MAX };
    const char *text = s->fw_iface_text;
    unsigned part[ARRAY_SIZE(max)];

    s->fw_iface = s->model->fw_iface;
    if (!text) {
        return true;
    }
    for (int i = 0; i < ARRAY_SIZE(max); i++) {
        bool last = i == ARRAY_SIZE(max) - 1;

        if (!qemu_isdigit(*text) ||
            qemu_strtoui(text, &text, 10, &part[i]) || part[i] > max[i] ||
            *text != (last ? '\0' : '.')) {
            goto bad;
        }
        text += !last;
    }
    /* The driver takes version 0 for firmware that did not boot */
    if (!part[0]) {
        goto bad;
    }
    s->fw_iface = part[0] << 24 | part[1] << 16 | part[2];
    return true;

bad:
    error_setg(errp, "fw-iface='%s' is no version like 1.1.0",
               s->fw_iface_text);
    return false;
}

/*
 * The GPU's timestamp is the system counter: take its rate from the CPU
 * (panthor_drv.c reports CNTFRQ as its frequency).
 */
static void mali_csf_find_timestamp_hz(MaliCsfState *s)
{
    uint64_t hz = 0;

    if (first_cpu) {
        hz = object_property_get_uint(OBJECT(first_cpu), "cntfrq", NULL);
    }
    s->timestamp_hz = hz && hz <= UINT32_MAX ? hz : 62500000;
}

/*
 * What the model leaves undone, for whoever wonders at a result.  Added when it
 * is realized: device-list-properties is to list options only.
 */
static void mali_csf_add_counters(MaliCsfState *s)
{
    object_property_add_uint64_ptr(OBJECT(s), "shader-work-skipped",
                                   &s->sched.shader_work_skipped,
                                   OBJ_PROP_FLAG_READ);
    object_property_add_uint64_ptr(OBJECT(s), "clears-skipped",
                                   &s->sched.clears_skipped,
                                   OBJ_PROP_FLAG_READ);
}

static void mali_csf_realize(DeviceState *dev, Error **errp)
{
    MaliCsfState *s = MALI_CSF(dev);
    uint64_t window = MALI_WINDOW_SMALL;

    s->model = mali_csf_model_find(s->model_name);
    if (!s->model) {
        g_autofree char *names = mali_csf_model_names();

        error_setg(errp, "unknown model '%s'", s->model_name);
        error_append_hint(errp, "Models are: %s\n", names);
        return;
    }
    if (!mali_csf_check_limits(s, errp) || !mali_csf_parse_iface(s, errp) ||
        !mali_check_parse(s, errp)) {
        return;
    }
    if (s->writeback && s->coherent) {
        error_setg(errp, "writeback=on is for coherent=off: a coherent GPU's "
                   "caches hold nothing back");
        return;
    }
    if (!s->clock_hz) {
        error_setg(errp, "clock-frequency must not be 0");
        return;
    }
    if (!s->timestamp_hz) {
        mali_csf_find_timestamp_hz(s);
    }
    mali_csf_find_timing(s);
    if (!s->dma_mr) {
        s->dma_mr = get_system_memory();
    }

    /* Doorbell 0 is the global one, a slot has the next (panthor_sched.c) */
    if (MALI_DOORBELL_BASE + (s->csg_slots + 1) * MALI_DOORBELL_STRIDE >
        window) {
        window = MALI_WINDOW_LARGE;
    }
    s->isa = mali_cs_isa(s->model->gpu_id >> R_GPU_ID_ARCH_MAJOR_SHIFT);
    if (!mali_inject_setup(s, window, errp)) {
        return;
    }
    address_space_init(&s->dma_as, s->dma_mr, "mali-csf");
    memory_region_init_io(&s->window, OBJECT(s), &mali_csf_ops, s, "mali-csf",
                          window);
    sysbus_init_mmio(SYS_BUS_DEVICE(s), &s->window);
    for (int i = 0; i < MALI_IRQ_COUNT; i++) {
        sysbus_init_irq(SYS_BUS_DEVICE(s), &s->lines[i]);
    }
    mali_csf_add_counters(s);
    mali_check_init(s);
    s->check.notify = mali_qmp_finding;
    if (mali_check_on(s)) {
        mali_dma_check_init(&s->dma_check, OBJECT(s), &s->dma_as);
        sysbus_init_mmio(SYS_BUS_DEVICE(s), &s->dma_check.mr);
    }
    mali_event_init(s);
    mali_mmu_init(s);
    mali_mem_init(s);
    mali_fw_init(s);
}

static void mali_csf_unrealize(DeviceState *dev)
{
    MaliCsfState *s = MALI_CSF(dev);

    mali_event_finalize(s);
    mali_inject_destroy(&s->inject);
    mali_mem_finalize(s);
    mali_mmu_finalize(s);
    if (mali_check_on(s)) {
        mali_dma_check_finalize(&s->dma_check);
    }
    mali_check_finalize(s);
    address_space_destroy(&s->dma_as);
}

/* --- Reset --- */

void mali_csf_reset_blocks(MaliCsfState *s)
{
    mali_fw_reset(s, s->fw.warm);
    mali_mmu_reset(s);
    mali_inject_reset(&s->inject);
    s->irq[MALI_IRQ_JOB].rawstat = 0;
    s->irq[MALI_IRQ_MMU].rawstat = 0;
    for (int i = 0; i < MALI_IRQ_COUNT; i++) {
        s->irq[i].muted = 0;
    }
    mali_irq_update(s);
}

static void mali_csf_reset_enter(Object *obj, ResetType type)
{
    MaliCsfState *s = MALI_CSF(obj);

    mali_inject_reset(&s->inject);
    mali_event_reset(s);
    mali_dma_check_reset(&s->dma_check);
    mali_irq_reset(s);
    mali_gpu_reset(s);
    mali_mmu_reset(s);
    mali_fw_reset(s, false);
    mali_inject_rearm(s);
}

static void mali_csf_reset_hold(Object *obj, ResetType type)
{
    mali_irq_update(MALI_CSF(obj));
}

/* --- Migration --- */

static int mali_csf_post_load(void *opaque, int version_id)
{
    MaliCsfState *s = opaque;

    mali_event_post_load(s);
    /* A machine that was saved without rules leaves us our own */
    mali_inject_rearm(s);
    mali_irq_update(s);
    mali_mmu_post_load(s);
    if (mali_sched_post_load(s)) {
        return -EINVAL;
    }
    return mali_gpu_post_load(s);
}

static int mali_csf_pre_load(void *opaque)
{
    mali_check_pre_load(opaque);
    return 0;
}

static bool mali_csf_check_needed(void *opaque)
{
    return mali_check_on(opaque);
}

static bool mali_csf_inject_needed(void *opaque)
{
    const MaliCsfState *s = opaque;

    return s->inject.rules->len || s->inject.pending->len;
}

static const VMStateDescription vmstate_mali_csf_inject = {
    .name = TYPE_MALI_CSF "/inject",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = mali_csf_inject_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_SINGLE(inject, MaliCsfState, 1, vmstate_info_mali_inject,
                       MaliInject),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_mali_csf_check = {
    .name = TYPE_MALI_CSF "/check",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = mali_csf_check_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT(check, MaliCsfState, 1, vmstate_mali_check, MaliCheck),
        VMSTATE_STRUCT(dma_check, MaliCsfState, 1, vmstate_mali_dma_check,
                       MaliDmaCheck),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_mali_csf = {
    .name = TYPE_MALI_CSF,
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_load = mali_csf_pre_load,
    .post_load = mali_csf_post_load,
    .fields = (const VMStateField[]) {
        /* What the guest has seen of the device must not change */
        VMSTATE_UINT32_EQUAL(shader_cores, MaliCsfState, "shader-cores"),
        VMSTATE_UINT32_EQUAL(csg_slots, MaliCsfState, "csg-slots"),
        VMSTATE_UINT32_EQUAL(cs_slots, MaliCsfState, "cs-slots"),
        VMSTATE_UINT32_EQUAL(as_count, MaliCsfState, "as-count"),
        VMSTATE_UINT32_EQUAL(va_bits, MaliCsfState, "va-bits"),
        VMSTATE_UINT32_EQUAL(pa_bits, MaliCsfState, "pa-bits"),
        VMSTATE_UINT32_EQUAL(fw_iface, MaliCsfState, "fw-iface"),
        VMSTATE_INT64_ARRAY(due, MaliCsfState, MALI_EV_COUNT),
        VMSTATE_STRUCT_ARRAY(irq, MaliCsfState, MALI_IRQ_COUNT, 1,
                             vmstate_mali_irq, MaliIrq),
        VMSTATE_STRUCT(gpu, MaliCsfState, 1, vmstate_mali_gpu, MaliGpu),
        VMSTATE_STRUCT_ARRAY(as, MaliCsfState, MALI_MAX_AS, 1,
                             vmstate_mali_as, MaliAs),
        VMSTATE_SINGLE(tlb, MaliCsfState, 1, vmstate_info_mali_tlb, MaliTlb),
        VMSTATE_SINGLE(cache, MaliCsfState, 1, vmstate_info_mali_cache,
                       MaliCache),
        VMSTATE_STRUCT(fw, MaliCsfState, 1, vmstate_mali_fw, MaliFw),
        VMSTATE_STRUCT(sched, MaliCsfState, 1, vmstate_mali_sched, MaliSched),
        VMSTATE_STRUCT_ARRAY(csg, MaliCsfState, MALI_MAX_CSG, 1,
                             vmstate_mali_csg, MaliCsg),
        VMSTATE_END_OF_LIST()
    },
    .subsections = (const VMStateDescription *const []) {
        &vmstate_mali_csf_check,
        &vmstate_mali_csf_inject,
        NULL
    }
};

/* How long something takes, in ns of virtual time; 0 for the model's time */
#define MALI_PROP_NS(name, field) \
    DEFINE_PROP_UINT32(name "-ns", MaliCsfState, timing.field, 0)

static const Property mali_csf_properties[] = {
    /* One of mali_csf_model_names() */
    DEFINE_PROP_STRING("model", MaliCsfState, model_name),
    /* Number of shader cores, 0 for the model's usual mask */
    DEFINE_PROP_UINT32("shader-cores", MaliCsfState, shader_cores, 0),
    /* Group slots, and queue slots in each; 0 for the model's */
    DEFINE_PROP_UINT32("csg-slots", MaliCsfState, csg_slots, 0),
    DEFINE_PROP_UINT32("cs-slots", MaliCsfState, cs_slots, 0),
    /* Address spaces, the firmware's included; 0 for the model's */
    DEFINE_PROP_UINT32("as-count", MaliCsfState, as_count, 0),
    /* Sizes of virtual and physical addresses; 0 for the model's */
    DEFINE_PROP_UINT32("va-bits", MaliCsfState, va_bits, 0),
    DEFINE_PROP_UINT32("pa-bits", MaliCsfState, pa_bits, 0),
    /* Whether the GPU snoops the CPUs' caches, and its node says so */
    DEFINE_PROP_BOOL("coherent", MaliCsfState, coherent, true),
    /*
     * Whether, without coherence, the GPU's writes stay in its caches until
     * they are cleaned, and what it has read until they are invalidated
     */
    DEFINE_PROP_BOOL("writeback", MaliCsfState, writeback, false),
    /* Version of the firmware interface, "1.1.0"; the model's if not given */
    DEFINE_PROP_STRING("fw-iface", MaliCsfState, fw_iface_text),
    /* Rate of CYCLE_COUNT and of the node's clock, in Hz */
    DEFINE_PROP_UINT32("clock-frequency", MaliCsfState, clock_hz, 500000000),
    /* Rate of TIMESTAMP in Hz, 0 for that of the CPU's counter */
    DEFINE_PROP_UINT32("timestamp-frequency", MaliCsfState, timestamp_hz, 0),
    /*
     * Translations that the TLB keeps for each address space, 0 for no limit;
     * whether a full one replaces an entry, by chance of this seed, or keeps
     * what it has
     */
    DEFINE_PROP_UINT32("tlb-entries", MaliCsfState, tlb_config.entries, 0),
    DEFINE_PROP_BOOL("tlb-evict", MaliCsfState, tlb_config.evict, false),
    DEFINE_PROP_UINT32("tlb-seed", MaliCsfState, tlb_config.seed, 1),
    MALI_PROP_NS("flush", flush),
    MALI_PROP_NS("reset", reset),
    MALI_PROP_NS("power", power),
    MALI_PROP_NS("as-update", as[AS_COMMAND_UPDATE]),
    MALI_PROP_NS("as-lock", as[AS_COMMAND_LOCK]),
    MALI_PROP_NS("as-unlock", as[AS_COMMAND_UNLOCK]),
    MALI_PROP_NS("as-flush-pt", as[AS_COMMAND_FLUSH_PT]),
    MALI_PROP_NS("as-flush-mem", as[AS_COMMAND_FLUSH_MEM]),
    MALI_PROP_NS("mcu-cold-boot", mcu_cold_boot),
    MALI_PROP_NS("mcu-warm-boot", mcu_warm_boot),
    MALI_PROP_NS("mcu-stop", mcu_stop),
    MALI_PROP_NS("fw-request", fw_request),
    MALI_PROP_NS("fw-halt", fw_halt),
    /* Whether mistakes of the driver are looked for: off, report, fatal */
    DEFINE_PROP_STRING("check", MaliCsfState, check.mode_text),
    /* What the hardware does wrong: rules, separated by semicolons */
    DEFINE_PROP_STRING("inject", MaliCsfState, inject.text),
    /* What the GPU's accesses go to; system memory if not given */
    DEFINE_PROP_LINK("memory", MaliCsfState, dma_mr, TYPE_MEMORY_REGION,
                     MemoryRegion *),
};

static void mali_csf_instance_init(Object *obj)
{
    MALI_CSF(obj)->model_name = g_strdup("g610");
}

static void mali_csf_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);
    MaliCsfClass *mc = MALI_CSF_CLASS(klass);

    dc->desc = "Arm Mali CSF GPU";
    dc->realize = mali_csf_realize;
    dc->unrealize = mali_csf_unrealize;
    dc->vmsd = &vmstate_mali_csf;
    dc->user_creatable = true;
    rc->phases.enter = mali_csf_reset_enter;
    rc->phases.hold = mali_csf_reset_hold;
    mc->add_fdt_node = mali_csf_add_fdt_node;
    device_class_set_props(dc, mali_csf_properties);
    set_bit(DEVICE_CATEGORY_DISPLAY, dc->categories);
}

static const TypeInfo mali_csf_info = {
    .name = TYPE_MALI_CSF,
    .parent = TYPE_DYNAMIC_SYS_BUS_DEVICE,
    .instance_size = sizeof(MaliCsfState),
    .instance_align = __alignof__(MaliCsfState),
    .instance_init = mali_csf_instance_init,
    .class_init = mali_csf_class_init,
    .class_size = sizeof(MaliCsfClass),
};

static void mali_csf_register_types(void)
{
    type_register_static(&mali_csf_info);
}

type_init(mali_csf_register_types)
