/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: the models, as data
 */

#ifndef HW_GPU_MALI_CSF_ARCH_H
#define HW_GPU_MALI_CSF_ARCH_H

#include "mali_csf_regs.h"

/* What executes a task; one after another of a group */
typedef enum MaliEndpoint {
    MALI_ENDPOINT_NONE,
    MALI_ENDPOINT_COMPUTE,
    MALI_ENDPOINT_TILER,
    MALI_ENDPOINT_FRAGMENT,
    MALI_ENDPOINT_COUNT
} MaliEndpoint;

/*
 * What the device takes for an operation, in ns of virtual time.  The driver
 * only knows upper bounds (contract 7); these are of the order that boards
 * show, and far inside the bounds.  Each is a property of the device as well
 * (mali_csf.c), so that a driver's patience can be tried.
 */
typedef struct MaliTiming {
    uint32_t flush;         /* GPU_CMD flush until the interrupt */
    uint32_t reset;         /* GPU_CMD reset until the interrupt */
    uint32_t power;         /* a power transition */
    /* AS_COMMAND until AS_STATUS is idle, by command */
    uint32_t as[MALI_AS_COMMANDS];
    uint32_t mcu_cold_boot; /* MCU_CONTROL until MCU_STATUS enabled */
    uint32_t mcu_warm_boot; /* the same, after a halt */
    uint32_t mcu_stop;      /* MCU_CONTROL until MCU_STATUS disabled */
    uint32_t fw_request;    /* doorbell until the request words are read */
    uint32_t fw_halt;       /* halt request read until MCU_STATUS halt */
    uint32_t instruction;   /* of a command stream */
    uint32_t resource_slice;    /* of a holder of REQ_RESOURCE's, at least */
    uint32_t task_min;      /* a task, however little there is to do */
    uint32_t task_max;      /* and however much */
    uint32_t task_backlog;  /* behind others, at most */
    /* ps for a unit of work: thread, vertex, pixel */
    uint32_t task_unit[MALI_ENDPOINT_COUNT];
} MaliTiming;

/*
 * What changed in the firmware interface: endpoint_req2 took the place of
 * endpoint_req in 4.0, the global STATE field that of the HALT and SLEEP bits
 * in 4.1 (panthor_fw.c: panthor_fw_has_64bit_ep_req, panthor_fw_has_glb_state).
 */
typedef struct MaliFwOps {
    uint32_t halt_mask;     /* bits of GLB req that ask for a state */
    bool acks_state;        /* and are answered in GLB ack */
    uint32_t endpoint_req_offset;   /* in the CSG input block */
    /* Which state @req asks for: one of GLB_STATE_* */
    uint32_t (*state)(uint32_t req);
} MaliFwOps;

typedef struct MaliCsfModel {
    const char *name;           /* value of the "model" property */
    const char *soc_compatible; /* first device-tree compatible, or NULL */

    /* Identification registers, read by panthor_gpu_info_init (panthor_hw.c) */
    uint32_t gpu_id;
    uint32_t csf_id;
    uint32_t revid;
    uint32_t l2_features;
    uint32_t core_features;
    uint32_t tiler_features;
    uint32_t mem_features;
    uint32_t thread_features;
    uint32_t thread_max_threads;
    uint32_t thread_max_workgroup_size;
    uint32_t thread_max_barrier_size;
    uint32_t texture_features[4];
    uint64_t gpu_features;
    uint64_t shader_present;
    uint64_t tiler_present;
    uint64_t l2_present;

    /* Defaults of the properties of the same names */
    uint8_t va_bits;
    uint8_t pa_bits;
    uint8_t as_count;
    uint8_t csg_slots;
    uint8_t cs_slots;
    uint8_t max_shader_cores;

    /* Firmware interface */
    uint32_t fw_iface;          /* 31:24 major, 23:16 minor, 15:0 patch */
    uint32_t fw_features;
    uint32_t fw_instr_features;
    uint32_t cs_features;       /* CS control, word 0 */

    const MaliTiming *timing;
} MaliCsfModel;

/* The model named @name, or NULL */
const MaliCsfModel *mali_csf_model_find(const char *name);

/* The names of all models, separated by commas; caller frees */
char *mali_csf_model_names(void);

/* How firmware of interface version @iface is asked to halt */
const MaliFwOps *mali_csf_fw_ops(uint32_t iface);

#endif /* HW_GPU_MALI_CSF_ARCH_H */
