/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: register offsets, fields and encodings, nothing else
 *
 * Facts from the Linux panthor driver: panthor_gpu_regs.h, panthor_mmu_regs.h,
 * panthor_fw_regs.h, panthor_fw.h.  64-bit registers are two 32-bit ones, the
 * low word first; the REG32 names the low word.
 */

#ifndef HW_GPU_MALI_CSF_REGS_H
#define HW_GPU_MALI_CSF_REGS_H

#include "hw/registerfields.h"

/* Blocks in the register window (contract 1.2) */
#define MALI_GPU_BASE           0x00000
#define MALI_GPU_SIZE           0x00700
#define MALI_GPU_INT_BASE       0x00020
#define MALI_MCU_BASE           0x00700
#define MALI_MCU_SIZE           0x00100
#define MALI_JOB_INT_BASE       0x01000
#define MALI_MMU_INT_BASE       0x02000
#define MALI_MMU_AS_BASE        0x02400
#define MALI_MMU_AS_STRIDE      0x00040
#define MALI_FLUSH_PAGE_BASE    0x10000
#define MALI_FLUSH_PAGE_SIZE    0x10000
#define MALI_DOORBELL_BASE      0x80000
#define MALI_DOORBELL_STRIDE    0x10000

/* Register windows seen on SoCs: RK3588 and MT8196 (contract 1.2) */
#define MALI_WINDOW_SMALL       0x200000
#define MALI_WINDOW_LARGE       0x480000

/* Interrupt trio, relative to its base (contract 1.3) */
REG32(INT_RAWSTAT, 0x0)
REG32(INT_CLEAR, 0x4)
REG32(INT_MASK, 0x8)
REG32(INT_STAT, 0xc)

/* GPU_INT_* */
#define GPU_IRQ_FAULT                   BIT(0)
#define GPU_IRQ_PROTM_FAULT             BIT(1)
#define GPU_IRQ_RESET_COMPLETED         BIT(8)
#define GPU_IRQ_POWER_CHANGED           BIT(9)
#define GPU_IRQ_POWER_CHANGED_ALL       BIT(10)
#define GPU_IRQ_CLEAN_CACHES_COMPLETED  BIT(17)
#define GPU_IRQ_DOORBELL_MIRROR         BIT(18)
#define GPU_IRQ_MCU_STATUS_CHANGED      BIT(19)

/* JOB_INT_*: one bit a CSG slot, and the global interface */
#define JOB_IRQ_GLB                     BIT(31)

/* MMU_INT_*: faults in the low half, finished commands in the high half */
#define MMU_IRQ_FAULT(as)               BIT(as)
#define MMU_IRQ_COMMAND_DONE(as)        BIT(16 + (as))

/* GPU_CONTROL */
REG32(GPU_ID, 0x000)
    FIELD(GPU_ID, VERSION_STATUS, 0, 4)
    FIELD(GPU_ID, VERSION_MINOR, 4, 8)
    FIELD(GPU_ID, VERSION_MAJOR, 12, 4)
    FIELD(GPU_ID, PRODUCT_MAJOR, 16, 4)
    FIELD(GPU_ID, ARCH_REV, 20, 4)
    FIELD(GPU_ID, ARCH_MINOR, 24, 4)
    FIELD(GPU_ID, ARCH_MAJOR, 28, 4)
REG32(L2_FEATURES, 0x004)
#define L2_SIZE_SHIFT           16  /* log2 of the bytes of a slice, 8 bits */
REG32(CORE_FEATURES, 0x008)
REG32(TILER_FEATURES, 0x00c)
REG32(MEM_FEATURES, 0x010)
REG32(MMU_FEATURES, 0x014)
    FIELD(MMU_FEATURES, VA_BITS, 0, 8)
    FIELD(MMU_FEATURES, PA_BITS, 8, 8)
REG32(AS_PRESENT, 0x018)
REG32(CSF_ID, 0x01c)
REG32(GPU_CMD, 0x030)
    FIELD(GPU_CMD, TYPE, 0, 8)
    FIELD(GPU_CMD, RESET_MODE, 8, 2)
    FIELD(GPU_CMD, TIME_ENABLE, 8, 1)
    FIELD(GPU_CMD, FLUSH_L2, 8, 2)
    FIELD(GPU_CMD, FLUSH_LSC, 12, 2)
    FIELD(GPU_CMD, FLUSH_OTHER, 16, 2)
#define GPU_CMD_NOP             0
#define GPU_CMD_RESET           1
#define GPU_CMD_TIME            3
#define GPU_CMD_FLUSH_CACHES    4
#define GPU_CMD_CLEAR_FAULT     7
#define GPU_RESET_SOFT          1
#define GPU_RESET_HARD          2
#define GPU_FLUSH_CLEAN         BIT(0)
#define GPU_FLUSH_INVALIDATE    BIT(1)
REG32(GPU_STATUS, 0x034)
    FIELD(GPU_STATUS, ACTIVE, 0, 1)
    FIELD(GPU_STATUS, PWR_ACTIVE, 1, 1)
    FIELD(GPU_STATUS, PAGE_FAULT, 4, 1)
REG32(GPU_FAULT_STATUS, 0x03c)
REG32(GPU_FAULT_ADDR, 0x040)
REG32(L2_CONFIG, 0x048)
REG32(PWR_KEY, 0x050)
#define PWR_KEY_UNLOCK          0x2968a819
REG32(PWR_OVERRIDE0, 0x054)
REG32(PWR_OVERRIDE1, 0x058)
REG32(GPU_FEATURES, 0x060)
REG32(TIMESTAMP_OFFSET, 0x088)
REG32(CYCLE_COUNT, 0x090)
REG32(TIMESTAMP, 0x098)
REG32(THREAD_MAX_THREADS, 0x0a0)
REG32(THREAD_MAX_WORKGROUP_SIZE, 0x0a4)
REG32(THREAD_MAX_BARRIER_SIZE, 0x0a8)
REG32(THREAD_FEATURES, 0x0ac)
REG32(TEXTURE_FEATURES0, 0x0b0)
REG32(TEXTURE_FEATURES1, 0x0b4)
REG32(TEXTURE_FEATURES2, 0x0b8)
REG32(TEXTURE_FEATURES3, 0x0bc)
/* Power: a row of eight 64-bit registers, one column a domain */
REG32(SHADER_PRESENT, 0x100)
REG32(TILER_PRESENT, 0x110)
REG32(L2_PRESENT, 0x120)
REG32(SHADER_READY, 0x140)
REG32(TILER_READY, 0x150)
REG32(L2_READY, 0x160)
REG32(SHADER_PWRON, 0x180)
REG32(TILER_PWRON, 0x190)
REG32(L2_PWRON, 0x1a0)
REG32(SHADER_PWROFF, 0x1c0)
REG32(TILER_PWROFF, 0x1d0)
REG32(L2_PWROFF, 0x1e0)
REG32(SHADER_PWRTRANS, 0x200)
REG32(TILER_PWRTRANS, 0x210)
REG32(L2_PWRTRANS, 0x220)
REG32(SHADER_PWRACTIVE, 0x240)
REG32(TILER_PWRACTIVE, 0x250)
REG32(L2_PWRACTIVE, 0x260)
REG32(REVID, 0x280)
REG32(ASN_HASH0, 0x2c0)
REG32(ASN_HASH1, 0x2c4)
REG32(ASN_HASH2, 0x2c8)
REG32(COHERENCY_FEATURES, 0x300)
#define COHERENCY_FEATURES_ACE_LITE     BIT(0)
REG32(COHERENCY_PROTOCOL, 0x304)
    FIELD(COHERENCY_PROTOCOL, PROTOCOL, 0, 5)
#define COHERENCY_NONE          31

/* MCU_CONTROL, relative to MALI_MCU_BASE */
REG32(MCU_CONTROL, 0x0)
#define MCU_CONTROL_DISABLE     0
#define MCU_CONTROL_ENABLE      1
#define MCU_CONTROL_AUTO        2
REG32(MCU_STATUS, 0x4)
#define MCU_STATUS_DISABLED     0
#define MCU_STATUS_ENABLED      1
#define MCU_STATUS_HALT         2
#define MCU_STATUS_FATAL        3

/* One address space, relative to its bank (contract 2.1) */
REG32(AS_TRANSTAB, 0x00)
REG32(AS_MEMATTR, 0x08)
REG32(AS_LOCKADDR, 0x10)
    FIELD(AS_LOCKADDR, LOG2_SIZE, 0, 6)
#define AS_LOCK_MIN_LOG2        15
REG32(AS_COMMAND, 0x18)
#define AS_COMMAND_NOP          0
#define AS_COMMAND_UPDATE       1
#define AS_COMMAND_LOCK         2
#define AS_COMMAND_UNLOCK       3
#define AS_COMMAND_FLUSH_PT     4
#define AS_COMMAND_FLUSH_MEM    5
#define MALI_AS_COMMANDS        6
REG32(AS_FAULTSTATUS, 0x1c)
    FIELD(AS_FAULTSTATUS, EXCEPTION, 0, 8)
    FIELD(AS_FAULTSTATUS, ACCESS, 8, 2)
    FIELD(AS_FAULTSTATUS, SOURCE, 16, 16)
REG32(AS_FAULTADDRESS, 0x20)
REG32(AS_STATUS, 0x28)
    FIELD(AS_STATUS, ACTIVE, 0, 1)
REG32(AS_TRANSCFG, 0x30)
    FIELD(AS_TRANSCFG, MODE, 0, 4)
    FIELD(AS_TRANSCFG, INA_BITS, 6, 5)
    FIELD(AS_TRANSCFG, DISABLE_HIER_AP, 33, 1)
    FIELD(AS_TRANSCFG, DISABLE_AF_FAULT, 34, 1)
    FIELD(AS_TRANSCFG, WXN, 35, 1)
    FIELD(AS_TRANSCFG, XREADABLE, 36, 1)
#define AS_MODE_UNMAPPED        1
#define AS_MODE_IDENTITY        2
#define AS_MODE_4K              6
#define AS_MODE_64K             8
#define AS_INA_BITS_BASE        55
REG32(AS_FAULTEXTRA, 0x38)

/* LATEST_FLUSH page (contract 1.6): a 24-bit counter, 0 is never shown */
REG32(LATEST_FLUSH, 0x0)
#define LATEST_FLUSH_MASK       0x00ffffff

/* Any write rings */
REG32(DOORBELL, 0x0)

/* --- Firmware interface, in the shared section (contract 3.3 to 3.6) --- */
#define FW_SHARED_VA            0x04000000
#define FW_CSG_CONTROL_OFFSET   0x1000
#define FW_CS_CONTROL_OFFSET    0x0040

/* Sizes of the blocks: structs of panthor_fw.h, strides of Arm's images */
#define FW_CSG_INPUT_STRIDE     0x80
#define FW_CSG_OUTPUT_STRIDE    0x40
#define FW_CS_INPUT_STRIDE      0x80
#define FW_CS_OUTPUT_STRIDE     0x100
#define FW_CS_CONTROL_SIZE      0x0c
#define FW_GLB_BLOCK_SIZE       0x1000

/* GLB control */
#define GLB_VERSION             0x00
#define GLB_FEATURES            0x04
#define GLB_INPUT_VA            0x08
#define GLB_OUTPUT_VA           0x0c
#define GLB_GROUP_NUM           0x10
#define GLB_GROUP_STRIDE        0x14
#define GLB_PERFCNT_SIZE        0x18
#define GLB_INSTR_FEATURES      0x1c
#define GLB_CONTROL_SIZE        0x20
/* GLB input */
#define GLB_REQ                 0x00
#define GLB_ACK_IRQ_MASK        0x04
#define GLB_DOORBELL_REQ        0x08
#define GLB_PROGRESS_TIMER      0x10
#define GLB_POWEROFF_TIMER      0x14
#define GLB_CORE_EN_MASK        0x18
#define GLB_IDLE_TIMER          0x80
#define GLB_INPUT_SIZE          0x88
/* GLB output */
#define GLB_ACK                 0x00
#define GLB_DOORBELL_ACK        0x08
#define GLB_HALT_STATUS         0x10
#define GLB_OUTPUT_SIZE         0x20
/* GLB req/ack bits */
#define GLB_HALT                BIT(0)
#define GLB_CFG_PROGRESS_TIMER  BIT(1)
#define GLB_CFG_ALLOC_EN        BIT(2)
#define GLB_CFG_POWEROFF_TIMER  BIT(3)
#define GLB_COUNTER_EN          BIT(7)
#define GLB_PING                BIT(8)
#define GLB_IDLE_EN             BIT(10)
#define GLB_SLEEP               BIT(12)
#define GLB_STATE_SHIFT         12
#define GLB_STATE_MASK          MAKE_64BIT_MASK(GLB_STATE_SHIFT, 3)
#define GLB_STATE_ACTIVE        0
#define GLB_STATE_HALT          1
#define GLB_STATE_SLEEP         2
#define GLB_STATE_SUSPEND       3
#define GLB_IDLE                BIT(26)
#define GLB_EVT_MASK            (MAKE_64BIT_MASK(20, 7) | BIT(30) | BIT(31))

/* CSG control */
#define CSG_FEATURES            0x00
#define CSG_INPUT_VA            0x04
#define CSG_OUTPUT_VA           0x08
#define CSG_SUSPEND_SIZE        0x0c
#define CSG_PROTM_SUSPEND_SIZE  0x10
#define CSG_STREAM_NUM          0x14
#define CSG_STREAM_STRIDE       0x18
/* CSG input */
#define CSG_REQ                 0x00
#define CSG_ACK_IRQ_MASK        0x04
#define CSG_DOORBELL_REQ        0x08
#define CSG_CS_IRQ_ACK          0x0c
#define CSG_ALLOW_COMPUTE       0x20
#define CSG_ALLOW_FRAGMENT      0x28
#define CSG_ALLOW_OTHER         0x30
#define CSG_ENDPOINT_REQ        0x34
#define CSG_ENDPOINT_REQ2       0x38
#define CSG_SUSPEND_BUF         0x40
#define CSG_PROTM_SUSPEND_BUF   0x48
#define CSG_CONFIG              0x50
#define CSG_INPUT_SIZE          0x58
/* CSG output */
#define CSG_ACK                 0x00
#define CSG_DOORBELL_ACK        0x08
#define CSG_CS_IRQ_REQ          0x0c
#define CSG_STATUS_ENDPOINT_CURRENT 0x10
#define CSG_STATUS_ENDPOINT_REQ 0x14
#define CSG_STATUS_STATE        0x18
#define CSG_RESOURCE_DEP        0x1c
#define CSG_STATUS_STATE_IDLE   BIT(0)
/* CSG req/ack bits */
#define CSG_STATE_MASK          MAKE_64BIT_MASK(0, 3)
#define CSG_STATE_TERMINATE     0
#define CSG_STATE_START         1
#define CSG_STATE_SUSPEND       2
#define CSG_STATE_RESUME        3
#define CSG_ENDPOINT_CONFIG     BIT(4)
#define CSG_STATUS_UPDATE       BIT(5)
#define CSG_SYNC_UPDATE         BIT(28)
#define CSG_IDLE                BIT(29)
#define CSG_DOORBELL            BIT(30)
#define CSG_PROGRESS_TIMER      BIT(31)
#define CSG_EVT_MASK            MAKE_64BIT_MASK(28, 4)
/* endpoint_req */
#define CSG_EP_COMPUTE_SHIFT    0
#define CSG_EP_FRAGMENT_SHIFT   8
#define CSG_EP_TILER_SHIFT      16
#define CSG_EP_PRIORITY_SHIFT   28

/* CS control */
#define CS_FEATURES             0x00
#define CS_INPUT_VA             0x04
#define CS_OUTPUT_VA            0x08
/* CS input */
#define CS_REQ                  0x00
#define CS_CONFIG               0x04
#define CS_ACK_IRQ_MASK         0x0c
#define CS_RINGBUF_BASE         0x10
#define CS_RINGBUF_SIZE         0x18
#define CS_HEAP_START           0x20
#define CS_HEAP_END             0x28
#define CS_RINGBUF_INPUT        0x30
#define CS_RINGBUF_OUTPUT       0x38
#define CS_INPUT_SIZE           0x58
/* CS output */
#define CS_ACK                  0x00
#define CS_STATUS_CMD_PTR       0x40
#define CS_STATUS_WAIT          0x48
#define CS_STATUS_REQ_RESOURCE  0x4c
#define CS_STATUS_WAIT_SYNC_PTR 0x50
#define CS_STATUS_WAIT_SYNC_VALUE 0x58
#define CS_STATUS_SCOREBOARDS   0x5c
#define CS_STATUS_BLOCKED_REASON 0x60
#define CS_STATUS_WAIT_SYNC_VALUE_HI 0x64
#define CS_FAULT                0x80
#define CS_FATAL                0x84
#define CS_FAULT_INFO           0x88
#define CS_FATAL_INFO           0x90
#define CS_HEAP_VT_START        0xc0
#define CS_HEAP_VT_END          0xc4
#define CS_HEAP_FRAG_END        0xcc
#define CS_HEAP_ADDRESS         0xd0
#define CS_OUTPUT_SIZE          0xd8
/* CS req/ack bits */
#define CS_STATE_MASK           MAKE_64BIT_MASK(0, 3)
#define CS_STATE_STOP           0
#define CS_STATE_START          1
#define CS_REQ_EXTRACT_EVENT    BIT(4)
#define CS_IDLE_SYNC_WAIT       BIT(8)
#define CS_IDLE_PROTM           BIT(9)
#define CS_IDLE_EMPTY           BIT(10)
#define CS_IDLE_RESOURCE        BIT(11)
#define CS_EVT_TILER_OOM        BIT(26)
#define CS_EVT_PROTM_PENDING    BIT(27)
#define CS_EVT_FATAL            BIT(30)
#define CS_EVT_FAULT            BIT(31)
#define CS_EVT_MASK             (CS_EVT_TILER_OOM | CS_EVT_PROTM_PENDING | \
                                 CS_EVT_FATAL | CS_EVT_FAULT)
/* status_wait */
#define CS_WAIT_SB_MASK_SHIFT   0
#define CS_WAIT_SB_SRC_SHIFT    16
#define CS_WAIT_COND_SHIFT      24
#define CS_WAIT_PROGRESS        BIT(28)
#define CS_WAIT_SYNC_64B        BIT(30)
#define CS_WAIT_SYNC            BIT(31)

/* Ring: the queue's interface pages, in the firmware's address space */
#define RING_INSERT             0x00
#define RING_EXTRACT_INIT       0x08
#define RING_EXTRACT            0x00
#define RING_ACTIVE             0x08
#define RING_MIN_SIZE           4096
#define RING_MAX_SIZE           (64 * 1024)

/* Exceptions of command streams (panthor_device.h) */
#define CS_EXC_CONFIG_FAULT     0x40
#define CS_EXC_UNRECOVERABLE    0x41
#define CS_EXC_ENDPOINT_FAULT   0x44
#define CS_EXC_BUS_FAULT        0x48
#define CS_EXC_INSTR_INVALID    0x49
#define CS_EXC_CALL_STACK_OVERFLOW 0x4a
#define CS_EXC_INHERIT_FAULT    0x4b
#define CS_EXC_INVALID_PC       0x50
#define CS_EXC_INVALID_ENC      0x51
#define CS_EXC_DATA_INVALID     0x58
#define CS_EXC_ADDR_RANGE       0x5a
#define CS_EXC_OOM              0x60

#endif /* HW_GPU_MALI_CSF_REGS_H */
