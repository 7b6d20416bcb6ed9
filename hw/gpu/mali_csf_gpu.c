/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: GPU_CONTROL (contract 1.4, 1.5), architectures 10 to 13
 *
 * Identification, commands (reset, cache flush), power domains, counters.  The
 * driver's side is panthor_gpu.c and panthor_hw.c.
 */

#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/host-utils.h"
#include "mali_csf_internal.h"
#include "trace.h"

static int64_t mali_gpu_now(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

/* --- Counters --- */

uint64_t mali_gpu_cycles(const MaliCsfState *s)
{
    uint64_t cycles = s->gpu.cycles;

    if (s->gpu.counter_users) {
        cycles += muldiv64(mali_gpu_now() - s->gpu.counter_since,
                           s->clock_hz, NANOSECONDS_PER_SECOND);
    }
    return cycles;
}

void mali_gpu_counter_use(MaliCsfState *s, uint32_t user, bool on)
{
    uint32_t users = on ? s->gpu.counter_users | user
                        : s->gpu.counter_users & ~user;

    if (users == s->gpu.counter_users) {
        return;
    }
    s->gpu.cycles = mali_gpu_cycles(s);
    s->gpu.counter_since = mali_gpu_now();
    s->gpu.counter_users = users;
    trace_mali_csf_gpu_counter(users, s->gpu.cycles);
}

/* The system counter, as the CPUs see it, plus TIMESTAMP_OFFSET */
uint64_t mali_gpu_timestamp(const MaliCsfState *s)
{
    return muldiv64(mali_gpu_now(), s->timestamp_hz, NANOSECONDS_PER_SECOND) +
           mali_reg64(s->gpu.regs, R_TIMESTAMP_OFFSET);
}

/* The half of a 64-bit register that @reg is: low words have even numbers */
static uint32_t mali_gpu_half(uint64_t val, unsigned reg)
{
    return reg & 1 ? val >> 32 : val;
}

static uint32_t mali_gpu_read_counter(MaliCsfState *s, unsigned bank,
                                      unsigned reg)
{
    return mali_gpu_half((reg & ~1u) == R_CYCLE_COUNT ? mali_gpu_cycles(s)
                                                      : mali_gpu_timestamp(s),
                         reg);
}

/* --- Power --- */

typedef struct MaliPowerInfo {
    const char *name;
    MaliEvent event;
    unsigned present;       /* number of its PRESENT register */
} MaliPowerInfo;

static const MaliPowerInfo mali_power_info[MALI_POWER_COUNT] = {
    [MALI_POWER_SHADER] = { "shader", MALI_EV_POWER_SHADER, R_SHADER_PRESENT },
    [MALI_POWER_TILER] = { "tiler", MALI_EV_POWER_TILER, R_TILER_PRESENT },
    [MALI_POWER_L2] = { "l2", MALI_EV_POWER_L2, R_L2_PRESENT },
};

bool mali_gpu_powered(const MaliCsfState *s, MaliPowerDomain domain)
{
    return s->gpu.power[domain].ready != 0;
}

bool mali_gpu_resetting(const MaliCsfState *s, const char *what)
{
    if (!mali_event_pending(s, MALI_EV_RESET)) {
        return false;
    }
    mali_guest_error("%s was written while a reset is under way", what);
    return true;
}

/* The registers of a domain lie apart by one column (SHADER, TILER, L2) */
static MaliPowerDomain mali_gpu_reg_domain(unsigned reg)
{
    return (reg - R_SHADER_PRESENT) % (R_SHADER_READY - R_SHADER_PRESENT) /
           (R_TILER_PRESENT - R_SHADER_PRESENT);
}

/* And which register of the domain: the REG32 of the SHADER column */
static unsigned mali_gpu_reg_row(unsigned reg)
{
    unsigned row = R_SHADER_READY - R_SHADER_PRESENT;

    return R_SHADER_PRESENT + (reg - R_SHADER_PRESENT) / row * row;
}

static uint32_t mali_gpu_read_power(MaliCsfState *s, unsigned bank,
                                    unsigned reg)
{
    const MaliPower *p = &s->gpu.power[mali_gpu_reg_domain(reg)];
    uint64_t val;

    switch (mali_gpu_reg_row(reg)) {
    case R_SHADER_PRESENT:
        val = p->present;
        break;
    case R_SHADER_READY:
        val = p->ready;
        break;
    case R_SHADER_PWRTRANS:
        val = p->turning_on | p->turning_off;
        break;
    default:
        /* PWRACTIVE: nothing runs yet that would keep a core busy */
        val = 0;
        break;
    }
    return mali_gpu_half(val, reg);
}

static void mali_gpu_power_start(MaliCsfState *s, MaliPowerDomain domain,
                                 uint64_t on, uint64_t off)
{
    MaliPower *p = &s->gpu.power[domain];
    MaliVerdict v;

    on &= p->present & ~p->ready & ~p->turning_on;
    off &= p->ready & ~p->turning_off;
    if (!on && !off) {
        return;
    }
    trace_mali_csf_gpu_power_start(mali_power_info[domain].name, on, off,
                                   p->ready);
    p->turning_on |= on;
    p->turning_off |= off;
    v = mali_inject(s, MALI_INJECT_POWER, .domain = domain, .to = !!on);
    mali_event_arm_as(s, mali_power_info[domain].event, s->timing.power, &v);
}

static void mali_gpu_write_power(MaliCsfState *s, unsigned bank, unsigned reg,
                                 uint32_t val)
{
    MaliPowerDomain domain = mali_gpu_reg_domain(reg);
    uint64_t mask = reg & 1 ? (uint64_t)val << 32 : val;
    bool on = mali_gpu_reg_row(reg) == R_SHADER_PWRON;

    if (!mask || mali_gpu_resetting(s, on ? "PWRON" : "PWROFF")) {
        return;
    }
    if (domain != MALI_POWER_L2 && on && !mali_gpu_powered(s, MALI_POWER_L2)) {
        mali_guest_error("%s powered on while L2 is off",
                         mali_power_info[domain].name);
        return;
    }
    if (domain == MALI_POWER_L2 && !on) {
        if (mali_check_on(s)) {
            mali_check_power_off(s);
        }
        /* Nothing works without its L2 */
        mali_gpu_power_start(s, MALI_POWER_SHADER, 0, UINT64_MAX);
        mali_gpu_power_start(s, MALI_POWER_TILER, 0, UINT64_MAX);
    }
    mali_gpu_power_start(s, domain, on ? mask : 0, on ? 0 : mask);
}

void mali_gpu_power_done(MaliCsfState *s, MaliEvent ev)
{
    MaliPowerDomain domain = MALI_POWER_SHADER + (ev - MALI_EV_POWER_SHADER);
    MaliPower *p = &s->gpu.power[domain];
    uint32_t irq = GPU_IRQ_POWER_CHANGED;

    p->ready = (p->ready | p->turning_on) & ~p->turning_off;
    p->turning_on = 0;
    p->turning_off = 0;
    trace_mali_csf_gpu_power_done(mali_power_info[domain].name, p->ready);
    if (domain == MALI_POWER_L2 && !p->ready) {
        mali_cache_flush(&s->cache, true, true);
    }

    for (int i = 0; i < MALI_POWER_COUNT; i++) {
        if (mali_event_pending(s, mali_power_info[i].event)) {
            mali_irq_raise(s, MALI_IRQ_GPU, irq);
            return;
        }
    }
    mali_irq_raise(s, MALI_IRQ_GPU, irq | GPU_IRQ_POWER_CHANGED_ALL);
}

/* All at once: what the caches hold is lost */
static void mali_gpu_power_drop(MaliCsfState *s)
{
    mali_cache_flush(&s->cache, false, true);
    for (int i = 0; i < MALI_POWER_COUNT; i++) {
        s->gpu.power[i].ready = 0;
        s->gpu.power[i].turning_on = 0;
        s->gpu.power[i].turning_off = 0;
        mali_event_cancel(s, mali_power_info[i].event);
    }
}

/* --- Commands --- */

/* 0 means "always flush" to FLUSH_CACHE2, so the counter skips it */
static void mali_gpu_count_flush(MaliCsfState *s)
{
    s->gpu.flush_id = (s->gpu.flush_id + 1) & LATEST_FLUSH_MASK ?: 1;
    trace_mali_csf_gpu_flush_count(s->gpu.flush_id);
}

bool mali_gpu_flush_needed(const MaliCsfState *s, uint32_t id)
{
    /* Older than the counter, which wraps: there was a flush since */
    uint32_t age = (s->gpu.flush_id - id) & LATEST_FLUSH_MASK;

    return !id || !age || age > LATEST_FLUSH_MASK / 2;
}

/* The load/store caches are part of the one that is modelled */
static void mali_gpu_flush_caches(MaliCsfState *s, unsigned l2, unsigned lsc)
{
    mali_cache_flush(&s->cache, (l2 | lsc) & GPU_FLUSH_CLEAN,
                     (l2 | lsc) & GPU_FLUSH_INVALIDATE);
}

void mali_gpu_flushed(MaliCsfState *s, unsigned l2, unsigned lsc)
{
    uint32_t full = GPU_FLUSH_CLEAN | GPU_FLUSH_INVALIDATE;

    mali_gpu_flush_caches(s, l2, lsc);
    if (l2 == full && lsc == full) {
        mali_gpu_count_flush(s);
    }
}

void mali_gpu_report_fault(MaliCsfState *s, uint8_t exception, uint64_t va)
{
    s->gpu.regs[R_GPU_FAULT_STATUS] = exception;
    mali_reg64_set(s->gpu.regs, R_GPU_FAULT_ADDR, va);
    mali_irq_raise(s, MALI_IRQ_GPU, GPU_IRQ_FAULT);
}

void mali_gpu_flush_done(MaliCsfState *s, MaliEvent ev)
{
    if (!s->gpu.flush_lost) {
        mali_gpu_flush_caches(s, FIELD_EX32(s->gpu.flush_mode, GPU_CMD,
                                            FLUSH_L2),
                              FIELD_EX32(s->gpu.flush_mode, GPU_CMD,
                                         FLUSH_LSC));
    }
    s->gpu.flush_lost = false;
    mali_stats_flushed(&s->stats, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
    mali_gpu_count_flush(s);
    trace_mali_csf_gpu_flush_done(s->gpu.flush_id);
    mali_irq_raise(s, MALI_IRQ_GPU, GPU_IRQ_CLEAN_CACHES_COMPLETED);
}

void mali_gpu_reset_done(MaliCsfState *s, MaliEvent ev)
{
    trace_mali_csf_gpu_reset_done(s->gpu.reset_mode);
    mali_irq_raise(s, MALI_IRQ_GPU, GPU_IRQ_RESET_COMPLETED);
}

/* Registers that only a hard reset takes back to what they are at power-on */
static const unsigned mali_gpu_config_regs[] = {
    R_L2_CONFIG, R_PWR_KEY, R_PWR_OVERRIDE0, R_PWR_OVERRIDE1,
    R_TIMESTAMP_OFFSET, R_TIMESTAMP_OFFSET + 1,
    R_ASN_HASH0, R_ASN_HASH1, R_ASN_HASH2, R_COHERENCY_PROTOCOL,
};

/*
 * Both resets keep GPU_INT_MASK: the driver does not write it again after one
 * (contract 14, trap 1).
 */
static void mali_gpu_command_reset(MaliCsfState *s, uint32_t mode)
{
    MaliVerdict v;

    if (mode != GPU_RESET_SOFT && mode != GPU_RESET_HARD) {
        mali_guest_error("GPU_CMD reset with unknown mode %u", mode);
        return;
    }
    trace_mali_csf_gpu_reset(mode);
    mali_event_cancel(s, MALI_EV_FLUSH);
    mali_event_cancel(s, MALI_EV_RESET);
    mali_gpu_power_drop(s);
    mali_gpu_counter_use(s, MALI_COUNTER_COMMAND | MALI_COUNTER_FIRMWARE,
                         false);
    s->gpu.cycles = 0;
    s->gpu.regs[R_GPU_FAULT_STATUS] = 0;
    mali_reg64_set(s->gpu.regs, R_GPU_FAULT_ADDR, 0);
    if (mode == GPU_RESET_HARD) {
        for (int i = 0; i < ARRAY_SIZE(mali_gpu_config_regs); i++) {
            s->gpu.regs[mali_gpu_config_regs[i]] = 0;
        }
    }
    mali_csf_reset_blocks(s);
    s->gpu.reset_mode = mode;
    v = mali_inject(s, MALI_INJECT_RESET, .mode = mode);
    mali_event_arm_as(s, MALI_EV_RESET, s->timing.reset, &v);
}

static void mali_gpu_command_flush(MaliCsfState *s, uint32_t cmd)
{
    MaliVerdict v;

    if (mali_event_pending(s, MALI_EV_FLUSH)) {
        mali_guest_error("cache flush 0x%08x while one is under way", cmd);
    }
    trace_mali_csf_gpu_flush(FIELD_EX32(cmd, GPU_CMD, FLUSH_L2),
                             FIELD_EX32(cmd, GPU_CMD, FLUSH_LSC),
                             FIELD_EX32(cmd, GPU_CMD, FLUSH_OTHER));
    s->gpu.flush_mode = cmd;
    mali_stats_flush(&s->stats, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
    v = mali_inject(s, MALI_INJECT_FLUSH, .mode = cmd >> 8);
    s->gpu.flush_lost = v.act == MALI_ACT_LOSE;
    mali_event_arm_as(s, MALI_EV_FLUSH, s->timing.flush, &v);
}

static void mali_gpu_write_command(MaliCsfState *s, unsigned bank, unsigned reg,
                                   uint32_t val)
{
    /* Only another reset helps one that is stuck */
    if (mali_event_pending(s, MALI_EV_RESET) &&
        (s->due[MALI_EV_RESET] != MALI_EVENT_NEVER ||
         FIELD_EX32(val, GPU_CMD, TYPE) != GPU_CMD_RESET)) {
        mali_guest_error("GPU_CMD 0x%08x while a reset is under way", val);
        return;
    }
    switch (FIELD_EX32(val, GPU_CMD, TYPE)) {
    case GPU_CMD_NOP:
        break;
    case GPU_CMD_RESET:
        mali_gpu_command_reset(s, FIELD_EX32(val, GPU_CMD, RESET_MODE));
        break;
    case GPU_CMD_TIME:
        mali_gpu_counter_use(s, MALI_COUNTER_COMMAND,
                             FIELD_EX32(val, GPU_CMD, TIME_ENABLE));
        break;
    case GPU_CMD_FLUSH_CACHES:
        mali_gpu_command_flush(s, val);
        break;
    case GPU_CMD_CLEAR_FAULT:
        s->gpu.regs[R_GPU_FAULT_STATUS] = 0;
        mali_reg64_set(s->gpu.regs, R_GPU_FAULT_ADDR, 0);
        break;
    default:
        mali_guest_error("unknown GPU_CMD 0x%08x", val);
        break;
    }
}

static uint32_t mali_gpu_read_status(MaliCsfState *s, unsigned bank,
                                     unsigned reg)
{
    uint32_t val = 0;

    val = FIELD_DP32(val, GPU_STATUS, ACTIVE,
                     mali_event_pending(s, MALI_EV_FLUSH) ||
                     mali_event_pending(s, MALI_EV_RESET));
    val = FIELD_DP32(val, GPU_STATUS, PWR_ACTIVE,
                     mali_gpu_powered(s, MALI_POWER_L2));
    return val;
}

/* --- The register tables --- */

static const MaliReg mali_gpu_regs[MALI_GPU_REGS] = {
    MALI_RO(GPU_ID),
    MALI_RO(L2_FEATURES),
    MALI_RO(CORE_FEATURES),
    MALI_RO(TILER_FEATURES),
    MALI_RO(MEM_FEATURES),
    MALI_RO(MMU_FEATURES),
    MALI_RO(AS_PRESENT),
    MALI_RO(CSF_ID),
    MALI_WO_FN(GPU_CMD, mali_gpu_write_command),
    MALI_RO_FN(GPU_STATUS, mali_gpu_read_status),
    MALI_RO(GPU_FAULT_STATUS),
    MALI_RO64(GPU_FAULT_ADDR),
    MALI_RW(L2_CONFIG, UINT32_MAX),
    MALI_RW(PWR_KEY, UINT32_MAX),
    MALI_RW(PWR_OVERRIDE0, UINT32_MAX),
    MALI_RW(PWR_OVERRIDE1, UINT32_MAX),
    MALI_RO64(GPU_FEATURES),
    MALI_RW64(TIMESTAMP_OFFSET),
    MALI_RO64_FN(CYCLE_COUNT, mali_gpu_read_counter),
    MALI_RO64_FN(TIMESTAMP, mali_gpu_read_counter),
    MALI_RO(THREAD_MAX_THREADS),
    MALI_RO(THREAD_MAX_WORKGROUP_SIZE),
    MALI_RO(THREAD_MAX_BARRIER_SIZE),
    MALI_RO(THREAD_FEATURES),
    MALI_RO(TEXTURE_FEATURES0),
    MALI_RO(TEXTURE_FEATURES1),
    MALI_RO(TEXTURE_FEATURES2),
    MALI_RO(TEXTURE_FEATURES3),
    MALI_RO64_FN(SHADER_PRESENT, mali_gpu_read_power),
    MALI_RO64_FN(SHADER_READY, mali_gpu_read_power),
    MALI_WO64_FN(SHADER_PWRON, mali_gpu_write_power),
    MALI_WO64_FN(SHADER_PWROFF, mali_gpu_write_power),
    MALI_RO64_FN(SHADER_PWRTRANS, mali_gpu_read_power),
    MALI_RO64_FN(SHADER_PWRACTIVE, mali_gpu_read_power),
    MALI_RO64_FN(TILER_PRESENT, mali_gpu_read_power),
    MALI_RO64_FN(TILER_READY, mali_gpu_read_power),
    MALI_WO64_FN(TILER_PWRON, mali_gpu_write_power),
    MALI_WO64_FN(TILER_PWROFF, mali_gpu_write_power),
    MALI_RO64_FN(TILER_PWRTRANS, mali_gpu_read_power),
    MALI_RO64_FN(TILER_PWRACTIVE, mali_gpu_read_power),
    MALI_RO64_FN(L2_PRESENT, mali_gpu_read_power),
    MALI_RO64_FN(L2_READY, mali_gpu_read_power),
    MALI_WO64_FN(L2_PWRON, mali_gpu_write_power),
    MALI_WO64_FN(L2_PWROFF, mali_gpu_write_power),
    MALI_RO64_FN(L2_PWRTRANS, mali_gpu_read_power),
    MALI_RO64_FN(L2_PWRACTIVE, mali_gpu_read_power),
    MALI_RO(REVID),
    MALI_RW(ASN_HASH0, UINT32_MAX),
    MALI_RW(ASN_HASH1, UINT32_MAX),
    MALI_RW(ASN_HASH2, UINT32_MAX),
    MALI_RO(COHERENCY_FEATURES),
    MALI_RW(COHERENCY_PROTOCOL, R_COHERENCY_PROTOCOL_PROTOCOL_MASK),
};

static uint32_t *mali_gpu_file(MaliCsfState *s, unsigned bank)
{
    return s->gpu.regs;
}

const MaliRegBlock mali_gpu_block = {
    .name = "gpu",
    .id = MALI_BLOCK_GPU,
    .base = MALI_GPU_BASE,
    .stride = MALI_GPU_SIZE,
    .banks = 1,
    .n_regs = ARRAY_SIZE(mali_gpu_regs),
    .regs = mali_gpu_regs,
    .file = mali_gpu_file,
};

static uint32_t mali_flush_read(MaliCsfState *s, unsigned bank, unsigned reg)
{
    return s->gpu.flush_id;
}

static const MaliReg mali_flush_regs[] = {
    MALI_RO_FN(LATEST_FLUSH, mali_flush_read),
};

const MaliRegBlock mali_flush_block = {
    .name = "latest-flush",
    .id = MALI_BLOCK_FLUSH,
    .base = MALI_FLUSH_PAGE_BASE,
    .stride = MALI_FLUSH_PAGE_SIZE,
    .banks = 1,
    .n_regs = ARRAY_SIZE(mali_flush_regs),
    .regs = mali_flush_regs,
};

/* --- State --- */

/* Constant registers; also after migration, whatever the stream said */
static void mali_gpu_set_constants(MaliCsfState *s)
{
    const MaliCsfModel *m = s->model;
    uint32_t *regs = s->gpu.regs;

    regs[R_GPU_ID] = m->gpu_id;
    regs[R_L2_FEATURES] = m->l2_features;
    regs[R_CORE_FEATURES] = m->core_features;
    regs[R_TILER_FEATURES] = m->tiler_features;
    regs[R_MEM_FEATURES] = m->mem_features;
    regs[R_MMU_FEATURES] = s->va_bits << R_MMU_FEATURES_VA_BITS_SHIFT |
                           s->pa_bits << R_MMU_FEATURES_PA_BITS_SHIFT;
    regs[R_AS_PRESENT] = MAKE_64BIT_MASK(0, s->as_count);
    regs[R_CSF_ID] = m->csf_id;
    mali_reg64_set(regs, R_GPU_FEATURES, m->gpu_features);
    regs[R_THREAD_MAX_THREADS] = m->thread_max_threads;
    regs[R_THREAD_MAX_WORKGROUP_SIZE] = m->thread_max_workgroup_size;
    regs[R_THREAD_MAX_BARRIER_SIZE] = m->thread_max_barrier_size;
    regs[R_THREAD_FEATURES] = m->thread_features;
    for (int i = 0; i < ARRAY_SIZE(m->texture_features); i++) {
        regs[R_TEXTURE_FEATURES0 + i] = m->texture_features[i];
    }
    regs[R_REVID] = m->revid;
    regs[R_COHERENCY_FEATURES] = s->coherent ? COHERENCY_FEATURES_ACE_LITE : 0;

    s->gpu.power[MALI_POWER_SHADER].present = s->shader_cores ?
        MAKE_64BIT_MASK(0, s->shader_cores) : m->shader_present;
    s->gpu.power[MALI_POWER_TILER].present = m->tiler_present;
    s->gpu.power[MALI_POWER_L2].present = m->l2_present;
}

void mali_gpu_reset(MaliCsfState *s)
{
    memset(&s->gpu, 0, sizeof(s->gpu));
    s->gpu.flush_id = 1;
    mali_gpu_set_constants(s);
}

int mali_gpu_post_load(MaliCsfState *s)
{
    uint32_t id = s->gpu.regs[R_GPU_ID];
    uint32_t coherency = s->gpu.regs[R_COHERENCY_FEATURES];

    mali_gpu_set_constants(s);
    if (id != s->gpu.regs[R_GPU_ID] ||
        coherency != s->gpu.regs[R_COHERENCY_FEATURES]) {
        error_report("mali-csf: the stream is of another model, or of another "
                     "value of coherent");
        return -EINVAL;
    }
    for (int i = 0; i < MALI_POWER_COUNT; i++) {
        MaliPower *p = &s->gpu.power[i];

        p->ready &= p->present;
        p->turning_on &= p->present;
        p->turning_off &= p->present;
    }
    s->gpu.flush_id &= LATEST_FLUSH_MASK;
    return 0;
}

static const VMStateDescription vmstate_mali_power = {
    .name = "mali-csf/power",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(ready, MaliPower),
        VMSTATE_UINT64(turning_on, MaliPower),
        VMSTATE_UINT64(turning_off, MaliPower),
        VMSTATE_END_OF_LIST()
    }
};

const VMStateDescription vmstate_mali_gpu = {
    .name = "mali-csf/gpu",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(regs, MaliGpu, MALI_GPU_REGS),
        VMSTATE_STRUCT_ARRAY(power, MaliGpu, MALI_POWER_COUNT, 1,
                             vmstate_mali_power, MaliPower),
        VMSTATE_UINT32(flush_id, MaliGpu),
        VMSTATE_UINT32(flush_mode, MaliGpu),
        VMSTATE_BOOL(flush_lost, MaliGpu),
        VMSTATE_UINT32(reset_mode, MaliGpu),
        VMSTATE_UINT32(counter_users, MaliGpu),
        VMSTATE_UINT64(cycles, MaliGpu),
        VMSTATE_INT64(counter_since, MaliGpu),
        VMSTATE_END_OF_LIST()
    }
};
