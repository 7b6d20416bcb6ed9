/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: the models, as data
 *
 * Sources: G610: the dump in Mesa's drm-shim and the dmesg of a board
 * (contract 1.4).  G310: kernel log of an i.MX95 board (dri-devel, March 2025,
 * "drm/panthor: Reset GPU after L2 cache power off").  G710: kernel log of a
 * Tensor G2 phone.  G510: product and architecture as in Arm's kernel driver;
 * no board's registers are public.  What is unknown is the G610's value.
 */

#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "mali_csf_arch.h"
#include "mali_csf_regs.h"

static const MaliTiming mali_timing_v10 = {
    .flush = 10 * SCALE_US,
    .reset = 150 * SCALE_US,
    .power = 30 * SCALE_US,
    .as = {
        [AS_COMMAND_UPDATE] = 1 * SCALE_US,
        [AS_COMMAND_LOCK] = 1 * SCALE_US,
        [AS_COMMAND_UNLOCK] = 1 * SCALE_US,
        [AS_COMMAND_FLUSH_PT] = 1 * SCALE_US,
        [AS_COMMAND_FLUSH_MEM] = 1 * SCALE_US,
    },
    .mcu_cold_boot = 2 * SCALE_MS,
    .mcu_warm_boot = 300 * SCALE_US,
    .mcu_stop = 10 * SCALE_US,
    .fw_request = 5 * SCALE_US,
    .fw_halt = 50 * SCALE_US,
    .instruction = 5,
    .resource_slice = 1 * SCALE_MS,
    .task_min = 5 * SCALE_US,
    .task_max = 2 * SCALE_MS,
    .task_backlog = 500 * SCALE_MS,
    .task_unit = {
        [MALI_ENDPOINT_COMPUTE] = 500,
        [MALI_ENDPOINT_TILER] = 2000,
        [MALI_ENDPOINT_FRAGMENT] = 300,
    },
};

/* The same in all models of architecture 10 */
#define MALI_V10                                                \
    .csf_id = 0x040a0412,                                       \
    .tiler_features = 0x00000809,                               \
    .thread_features = 0x04010000,                              \
    .thread_max_threads = 2048,                                 \
    .thread_max_workgroup_size = 1024,                          \
    .thread_max_barrier_size = 1024,                            \
    .texture_features = { 0xc1ffff9e, 0, 0, 0 },                \
    .tiler_present = 1,                                         \
    .l2_present = 1,                                            \
    .va_bits = 48,                                              \
    .pa_bits = 40,                                              \
    .as_count = 8,                                              \
    .csg_slots = 8,                                             \
    .cs_slots = 8,                                              \
    .max_shader_cores = 32,                                     \
    .fw_iface = 0x01010000,                                     \
    .fw_instr_features = 0x71,                                  \
    .cs_features = 0x0007085f,                                  \
    .timing = &mali_timing_v10

static const MaliCsfModel mali_models[] = {
    {
        .name = "g310",
        MALI_V10,
        .gpu_id = 0xac740001,
        .l2_features = 0x07110306,
        .core_features = 1,
        .mem_features = 0x00000001,
        .shader_present = 0x1,
    }, {
        .name = "g510",
        MALI_V10,
        .gpu_id = 0xaa030000,
        .l2_features = 0x07120306,
        .core_features = 4,
        .mem_features = 0x00000301,
        .shader_present = 0x50005,
    }, {
        .name = "g610",
        .soc_compatible = "rockchip,rk3588-mali",
        MALI_V10,
        .gpu_id = 0xa8670005,
        .l2_features = 0x07120306,
        .mem_features = 0x00000301,
        .shader_present = 0x50005,
    }, {
        .name = "g710",
        MALI_V10,
        .gpu_id = 0xa8620004,
        .l2_features = 0x08130306,
        .mem_features = 0x00000301,
        .shader_present = 0x1110055,
    },
};

const MaliCsfModel *mali_csf_model_find(const char *name)
{
    for (int i = 0; i < ARRAY_SIZE(mali_models); i++) {
        if (!strcmp(name, mali_models[i].name)) {
            return &mali_models[i];
        }
    }
    return NULL;
}

char *mali_csf_model_names(void)
{
    GString *names = g_string_new(NULL);

    for (int i = 0; i < ARRAY_SIZE(mali_models); i++) {
        g_string_append_printf(names, "%s%s", i ? ", " : "",
                               mali_models[i].name);
    }
    return g_string_free(names, false);
}

/* --- Firmware interface --- */

static uint32_t mali_fw_state_bits(uint32_t req)
{
    if (req & GLB_HALT) {
        return GLB_STATE_HALT;
    }
    return req & GLB_SLEEP ? GLB_STATE_SLEEP : GLB_STATE_ACTIVE;
}

static uint32_t mali_fw_state_field(uint32_t req)
{
    return (req & GLB_STATE_MASK) >> GLB_STATE_SHIFT;
}

/* From the newest to the oldest: the first that is not newer holds */
static const struct {
    uint32_t since;
    MaliFwOps ops;
} mali_fw_ops[] = {
    { 0x04010000, { GLB_STATE_MASK, true, CSG_ENDPOINT_REQ2,
                    mali_fw_state_field } },
    { 0x04000000, { GLB_HALT | GLB_SLEEP, false, CSG_ENDPOINT_REQ2,
                    mali_fw_state_bits } },
    { 0, { GLB_HALT | GLB_SLEEP, false, CSG_ENDPOINT_REQ,
           mali_fw_state_bits } },
};

const MaliFwOps *mali_csf_fw_ops(uint32_t iface)
{
    int i = 0;

    while (iface < mali_fw_ops[i].since) {
        i++;
    }
    return &mali_fw_ops[i].ops;
}
