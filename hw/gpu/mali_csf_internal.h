/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: state of the blocks and what they offer one another
 *
 * Calls go one way: fw -> sched -> cs -> mem -> mmu -> tlb, ptw.  The root
 * (mali_csf.c) and the event queue know every block; a block asks them, never
 * another block's registers.
 */

#ifndef HW_GPU_MALI_CSF_INTERNAL_H
#define HW_GPU_MALI_CSF_INTERNAL_H

#include "hw/gpu/mali_csf.h"
#include "exec/memory.h"
#include "migration/vmstate.h"
#include "qemu/timer.h"
#include "mali_csf_arch.h"
#include "mali_csf_cache.h"
#include "mali_csf_check.h"
#include "mali_csf_inject.h"
#include "mali_csf_ptw.h"
#include "mali_csf_regs.h"
#include "mali_csf_stats.h"
#include "mali_csf_tlb.h"

#define MALI_MAX_AS             16
#define MALI_MAX_CSG            31
#define MALI_MAX_CS             32
#define MALI_NUM_DOORBELLS      64

/* --- Interrupts (mali_csf_irq.c) --- */

/* Also the order of the sysbus lines and of interrupt-names */
typedef enum MaliIrqLine {
    MALI_IRQ_JOB,
    MALI_IRQ_MMU,
    MALI_IRQ_GPU,
    MALI_IRQ_COUNT
} MaliIrqLine;

QEMU_BUILD_BUG_ON(MALI_IRQ_COUNT != MALI_CSF_NUM_IRQS);

typedef struct MaliIrq {
    uint32_t rawstat;
    uint32_t mask;
    uint32_t muted;         /* bits of rawstat that a rule keeps off the line */
} MaliIrq;

/* --- Events: what completes later on the virtual clock (mali_csf_event.c) */

typedef enum MaliEvent {
    MALI_EV_FLUSH,
    MALI_EV_RESET,
    MALI_EV_POWER_SHADER,
    MALI_EV_POWER_TILER,
    MALI_EV_POWER_L2,
    MALI_EV_MCU,
    MALI_EV_FW_REQUEST,
    MALI_EV_RUN,
    MALI_EV_SYNC_POLL,
    MALI_EV_GLB_IDLE,
    MALI_EV_INJECT,
    MALI_EV_AS0,
    MALI_EV_COUNT = MALI_EV_AS0 + MALI_MAX_AS
} MaliEvent;

QEMU_BUILD_BUG_ON(MALI_EV_COUNT > 64);

/*
 * What a locked region holds up is looked at again by then, should nobody have
 * told.  Sooner would take host time from the CPU that holds the lock.
 */
#define MALI_STALL_NS           (1 * SCALE_MS)

#define MALI_EVENT_IDLE         INT64_MAX
/* Pending, and never due: a rule has it stuck */
#define MALI_EVENT_NEVER        (INT64_MAX - 1)

/* --- GPU_CONTROL (mali_csf_gpu.c) --- */

typedef enum MaliPowerDomain {
    MALI_POWER_SHADER,
    MALI_POWER_TILER,
    MALI_POWER_L2,
    MALI_POWER_COUNT
} MaliPowerDomain;

typedef struct MaliPower {
    uint64_t present;       /* constant */
    uint64_t ready;
    uint64_t turning_on;
    uint64_t turning_off;
} MaliPower;

#define MALI_GPU_REGS           (MALI_GPU_SIZE / 4)

typedef struct MaliGpu {
    uint32_t regs[MALI_GPU_REGS];
    MaliPower power[MALI_POWER_COUNT];
    uint32_t flush_id;          /* LATEST_FLUSH */
    uint32_t flush_mode;        /* GPU_CMD of the flush under way */
    bool flush_lost;            /* by a rule: it will have no effect */
    uint32_t reset_mode;        /* of the reset under way */
    uint32_t counter_users;     /* bit set of MALI_COUNTER_* */
    uint64_t cycles;            /* count at counter_since */
    int64_t counter_since;      /* ns; valid while there are users */
} MaliGpu;

/* Who keeps the cycle counter running */
#define MALI_COUNTER_COMMAND    BIT(0)
#define MALI_COUNTER_FIRMWARE   BIT(1)

/* --- Address spaces (mali_csf_mmu.c) --- */

#define MALI_AS_REGS            (MALI_MMU_AS_STRIDE / 4)

typedef struct MaliAs {
    uint32_t regs[MALI_AS_REGS];
    /* What UPDATE made of TRANSTAB, MEMATTR and TRANSCFG */
    uint64_t transtab;
    uint64_t memattr;
    uint64_t transcfg;
    /* Locked region, both ends included; valid while locked */
    bool locked;
    uint64_t lock_start;
    uint64_t lock_end;
    /* The command under way, and the LOCKADDR that it took */
    uint32_t command;
    uint64_t lockaddr;
    uint8_t fate;           /* MaliInjectAct: what a rule makes of it */
} MaliAs;

typedef enum MaliXlate {
    MALI_XLATE_OK,
    MALI_XLATE_FAULT,
    MALI_XLATE_STALL,       /* the region is locked: try again later */
} MaliXlate;

/* A failed access, as AS_FAULTSTATUS and AS_FAULTADDRESS tell it */
typedef struct MaliFault {
    uint64_t va;
    uint8_t exception;      /* MALI_EXC_* */
    MaliAccess access;
    uint16_t source;        /* MALI_SOURCE_* */
} MaliFault;

/* AS_FAULTSTATUS.SOURCE_ID: our own numbers, the driver only prints them */
#define MALI_SOURCE_MCU         0x0001
#define MALI_SOURCE_CS(csg, cs) (0x0400 | (csg) << 5 | (cs))
#define MALI_SOURCE_IS_CS(source)   ((source) >= 0x0400)
#define MALI_SOURCE_CSG(source)     ((source) >> 5 & 0x1f)
#define MALI_SOURCE_QUEUE(source)   ((source) & 0x1f)

/* --- Memory (mali_csf_mem.c) --- */

/*
 * The GPU reaches memory and nothing else: a page table that leads to a device,
 * our own registers or flash among them, ends in a bus error.
 */
#define MALI_DMA_ATTRS          ((MemTxAttrs) { .memory = 1 })

/*
 * A page that a slice has met, so that a command stream does not walk the
 * tables for each word.  No AS command can come in between.
 */
typedef struct MaliMemWindow {
    uint64_t tag;           /* mali_mem_tag(); 0: free */
    uint8_t *host;
    const uint8_t *state;   /* of the frame: mali_dma_check_state() */
} MaliMemWindow;

#define MALI_MEM_WINDOWS        64      /* of each access; a power of two */

/* A piece of the GPU's memory that is RAM, for the length of a slice as well */
typedef struct MaliMemRam {
    MemoryRegionCache cache;
    uint64_t base;
    uint64_t len;           /* 0: not open */
} MaliMemRam;

#define MALI_MEM_RAM_BITS       30      /* of a piece, naturally aligned */
#define MALI_MEM_RAMS           4       /* a power of two */

/* --- What rules hold up (mali_csf_inject_act.c) --- */

/* A request of the host that is not answered */
typedef struct MaliHold {
    uint32_t value;         /* the request's bits; others are another request */
    int64_t until;          /* ns; 0: nothing is held up */
    bool let;               /* no rule minds; it may still have to wait */
} MaliHold;

/* --- Queues and their streams (mali_csf_cs.c) --- */

#define MALI_CS_MAX_REGS        128
#define MALI_CS_MAX_SB          16
#define MALI_CS_MAX_OPS         32
#define MALI_CS_CALL_DEPTH      8       /* G610; contract 8.5 */

/* CS status_blocked_reason */
typedef enum MaliCsBlocked {
    MALI_CS_UNBLOCKED = 0,
    MALI_CS_BLOCKED_SB = 1,
    MALI_CS_BLOCKED_PROGRESS = 2,
    MALI_CS_BLOCKED_SYNC = 3,
    MALI_CS_BLOCKED_DEFERRED = 4,
    MALI_CS_BLOCKED_RESOURCE = 5,
    MALI_CS_BLOCKED_FLUSH = 6,
} MaliCsBlocked;

typedef enum MaliCsState {
    MALI_CS_STOPPED,
    MALI_CS_RUNNING,
    MALI_CS_FAULTED,        /* until the host has seen the fault */
    MALI_CS_FATAL,          /* until the group is terminated */
} MaliCsState;

/* One level of CALL: the stream and where it is executed */
typedef struct MaliCsFrame {
    uint64_t start;
    uint64_t end;
    uint64_t pc;
} MaliCsFrame;

/* An operation that was issued and has not completed */
typedef struct MaliCsOp {
    uint64_t word;          /* the instruction */
    uint64_t address;       /* its operands, as they were when issued */
    uint64_t data;
    int64_t due;            /* ns; MALI_EVENT_IDLE while slots are waited for */
    uint64_t delay;         /* ns, from when the slots are free */
    uint32_t wait;          /* these slots must be free first */
    uint8_t slot;           /* held until completion */
    uint64_t progress;      /* of one that takes several slices */
} MaliCsOp;

/* A queue whose draw has used up the tiler heap (mali_csf_heap.c) */
typedef enum MaliOom {
    MALI_OOM_NONE,
    MALI_OOM_ASKED,         /* the host has been told, or will be */
    MALI_OOM_GRANTED,       /* it gave the chunks oom_first to oom_last */
    MALI_OOM_REFUSED,       /* it gave none */
    MALI_OOM_WAITING,       /* for a render pass to give some back */
    MALI_OOM_HANDLED,       /* the exception handler has been called */
} MaliOom;

typedef struct MaliCs {
    uint8_t state;          /* MaliCsState */
    uint8_t blocked;        /* MaliCsBlocked */
    uint8_t depth;          /* frames in use; 0: in the ring */
    uint8_t sb_endpoint;    /* slot of RUN_* */
    uint8_t sb_other;       /* slot of LOAD/STORE_MULTIPLE */
    uint8_t n_ops;
    uint8_t doorbell;
    uint8_t priority;
    uint8_t error;          /* exception until the next ERROR_BARRIER, or 0 */
    uint8_t resources;      /* what REQ_RESOURCE asked for */
    uint8_t held;           /* and what of it the queue has */
    bool stalled;           /* by a locked region */
    bool retried;           /* the instruction that is next has been tried */
    int64_t held_until;     /* ns: a rule has it wait until then */
    uint8_t kept;           /* what it becomes when a rule lets it start */
    uint8_t fault_async;    /* the fault is that of an earlier instruction */
    uint8_t fault_untold;   /* and a rule keeps the host from knowing of it */
    uint32_t raise;         /* CS_EVT_* that the host is to be told */
    int64_t resource_since; /* ns: held or waited for */
    uint64_t error_info;
    uint32_t idle_mask;     /* CS_IDLE_* of the request word */
    /* The ring; byte counts that only grow */
    uint64_t ring_base;
    uint64_t ring_input;
    uint64_t ring_output;
    uint32_t ring_size;
    uint64_t insert;
    uint64_t extract;
    uint64_t extract_told;  /* as the host sees it */
    /* The register file, aligned for copies of it, and call stack */
    uint32_t regs[MALI_CS_MAX_REGS] QEMU_ALIGNED(16);
    MaliCsFrame frames[MALI_CS_CALL_DEPTH];
    /* What is waited for */
    uint32_t wait_mask;     /* scoreboard slots */
    uint64_t wait_address;  /* sync object */
    uint64_t wait_value;
    uint32_t wait_flags;    /* condition, size and kind, as in status_wait */
    /* Asynchronous operations, in the order of issue */
    uint16_t sb[MALI_CS_MAX_SB];
    MaliCsOp ops[MALI_CS_MAX_OPS];
    /* Tiler heap and progress */
    uint64_t heap;
    uint64_t handler_address;
    uint32_t handler_length;
    uint8_t handler_depth;  /* the frame that is the handler's; 0: none is */
    uint8_t oom;            /* MaliOom */
    uint64_t oom_first;
    uint64_t oom_last;
    uint64_t tiler_left;    /* bytes that the draw at hand still needs */
    uint32_t vt_start;      /* of the heap, when the host was last asked */
    uint32_t vt_end;
    uint32_t frag_end;
    uint64_t progress;
} MaliCs;

/* --- Group slots (mali_csf_csg.c, mali_csf_sched.c) --- */

typedef struct MaliCsg {
    bool running;
    bool idle;              /* told the host so */
    bool sync_update;       /* wrote a system-scope object, not yet told */
    bool untold;            /* a locked ring keeps events from the host */
    int64_t progress_at;    /* ns: last time a task got on; 0: there is none */
    uint8_t as;
    uint8_t next_cs;        /* who runs first in the next slice */
    uint8_t held;           /* what its queues hold */
    uint8_t wanted;         /* and wait for, of REQ_RESOURCE's */
    uint32_t doorbells;     /* of queues, acknowledged, not yet looked at */
    uint32_t endpoint_req;
    uint64_t suspend_buf;
    MaliHold holds[MALI_CSG_REQUESTS];
    MaliHold cs_holds[MALI_MAX_CS][MALI_CS_REQUESTS];
    MaliCs cs[MALI_MAX_CS];
} MaliCsg;

typedef struct MaliSched {
    uint8_t next_csg;       /* who runs first in the next slice */
    bool glb_idle;          /* told the host so */
    bool sync_written;      /* a stream wrote an object others may wait for */
    int64_t next_slice;     /* ns: when queues with work go on; 0: none has */
    /*
     * What a slice of the usual length takes the host, by the last one; 0 where
     * that is not known, or where the clock only goes on between slices
     */
    int64_t slice_host_ns;
    uint64_t instructions;  /* executed since reset */
    uint64_t shader_work_skipped;
    uint64_t clears_skipped;    /* targets in a format that is not known */
    bool heap_waited;       /* some queue is in MALI_OOM_WAITING */
    int32_t task_left;      /* bytes that this slice's tasks may still write */
} MaliSched;

/* --- MCU and firmware (mali_csf_fw.c) --- */

/* Where the blocks of the shared section are, as MCU addresses */
typedef struct MaliFwLayout {
    uint32_t control_size;
    uint32_t csg_stride;
    uint32_t glb_input;
    uint32_t csg_input;
    uint32_t cs_input;
    uint32_t input_end;
    uint32_t glb_output;
    uint32_t csg_output;
    uint32_t cs_output;
    uint32_t end;
} MaliFwLayout;

typedef struct MaliFw {
    MaliFwLayout layout;        /* constant */
    const MaliFwOps *ops;       /* constant */
    uint32_t mcu_control;
    uint32_t mcu_status;
    uint32_t mcu_next;          /* MCU_STATUS_* that MALI_EV_MCU leads to */
    bool warm;                  /* halted in good order: memory is kept */
    bool hung;                  /* by a rule: silent, and does not say so */
    uint64_t doorbells;         /* rung, not yet looked at */
    uint32_t requests;          /* of groups, acknowledged, not yet looked at */
    MaliHold holds[MALI_GLB_REQUESTS];
    /* Latched by the CFG_* requests */
    uint32_t progress_timer;
    uint32_t poweroff_timer;
    uint32_t idle_timer;
    uint64_t core_en_mask;
} MaliFw;

/* --- The device --- */

struct MaliCsfState {
    SysBusDevice parent_obj;

    MemoryRegion window;
    qemu_irq lines[MALI_IRQ_COUNT];
    MemoryRegion *dma_mr;
    AddressSpace dma_as;

    /* Properties; 0 stands for the model's own value */
    char *model_name;
    char *fw_iface_text;
    uint32_t shader_cores;
    uint32_t csg_slots;
    uint32_t cs_slots;
    uint32_t as_count;
    uint32_t va_bits;
    uint32_t pa_bits;
    bool coherent;
    bool writeback;
    uint32_t timestamp_hz;
    uint32_t clock_hz;
    MaliTiming timing;
    MaliTlbConfig tlb_config;

    const MaliCsfModel *model;
    const struct MaliCsIsa *isa;
    uint32_t fw_iface;

    QEMUTimer *timer;
    int64_t due[MALI_EV_COUNT];
    int64_t next_due;
    uint64_t stalled;       /* events that wait for a lock, bit by number */

    MaliIrq irq[MALI_IRQ_COUNT];
    MaliGpu gpu;
    MaliAs as[MALI_MAX_AS];
    MaliTlb tlb;
    MaliFw fw;
    MaliSched sched;
    MaliCsg csg[MALI_MAX_CSG];

    MaliMemWindow windows[MALI_ACCESS_COUNT][MALI_MEM_WINDOWS];
    MaliMemRam rams[MALI_MEM_RAMS];
    bool windows_open;
    MaliCache cache;        /* empty unless @writeback */

    MaliCheck check;
    MaliDmaCheck dma_check;
    MaliInject inject;
    MaliStats stats;
};

QEMU_BUILD_BUG_ON(MALI_CHECK_AS != MALI_MAX_AS);
QEMU_BUILD_BUG_ON(MALI_STATS_AS != MALI_MAX_AS);

/* Whether mistakes of the driver are looked for */
static inline bool mali_check_on(const MaliCsfState *s)
{
    return unlikely(s->check.mode != MALI_CHECK_OFF);
}

/* Note what a queue executes; a @source of 0: what is not known yet */
static inline void mali_check_at(MaliCsfState *s, uint16_t source,
                                 uint64_t word, bool async)
{
    if (mali_check_on(s)) {
        s->check.stream_source = source;
        s->check.stream_word = word;
        s->check.stream_async = async;
    }
}

/* --- Register tables --- */

/*
 * One 32-bit register.  A write first stores the bits of @wmask, then calls
 * @write with the whole value written; a read calls @read, or returns what is
 * stored.  A register without @name does not exist.
 */
typedef struct MaliReg {
    const char *name;
    uint32_t wmask;
    uint32_t (*read)(MaliCsfState *s, unsigned bank, unsigned reg);
    void (*write)(MaliCsfState *s, unsigned bank, unsigned reg, uint32_t val);
} MaliReg;

/*
 * Rows of a table of MaliReg, by the register's name in mali_csf_regs.h; both
 * words of a 64-bit register are one row.  A register that is only written
 * reads as what is stored, or zero.
 */
#define MALI_RO(reg)            [R_##reg] = { #reg }
#define MALI_RO_FN(reg, fn)     [R_##reg] = { #reg, .read = fn }
#define MALI_RW(reg, mask)      [R_##reg] = { #reg, .wmask = mask }
#define MALI_RW_FN(reg, rd, wr) [R_##reg] = { #reg, .read = rd, .write = wr }
#define MALI_WO_FN(reg, fn)     [R_##reg] = { #reg, .write = fn }
#define MALI_RO64(reg)          [R_##reg ... R_##reg + 1] = { #reg }
#define MALI_RO64_FN(reg, fn)   [R_##reg ... R_##reg + 1] = { #reg, .read = fn }
#define MALI_RW64_FN(reg, fn)   \
    [R_##reg ... R_##reg + 1] = { #reg, .wmask = UINT32_MAX, .write = fn }
#define MALI_WO64_FN(reg, fn)   \
    [R_##reg ... R_##reg + 1] = { #reg, .write = fn }
#define MALI_RW64(reg)          \
    [R_##reg ... R_##reg + 1] = { #reg, .wmask = UINT32_MAX }

/* A run of equal banks of registers in the window */
typedef struct MaliRegBlock {
    const char *name;
    MaliInjectBlock id;     /* as rules know it */
    uint32_t base;
    uint32_t stride;        /* bytes from bank to bank */
    uint32_t banks;
    uint32_t first_bank;    /* how the hooks know the first of them */
    uint32_t n_regs;        /* in one bank */
    const MaliReg *regs;
    /* Whether a bank exists; NULL when all do */
    bool (*present)(const MaliCsfState *s, unsigned bank);
    /* Where a bank's registers are stored; NULL when nothing is */
    uint32_t *(*file)(MaliCsfState *s, unsigned bank);
} MaliRegBlock;

extern const MaliRegBlock mali_gpu_block;
extern const MaliRegBlock mali_flush_block;
extern const MaliRegBlock mali_mmu_block;
extern const MaliRegBlock mali_mcu_block;
extern const MaliRegBlock mali_doorbell_block;
extern const MaliRegBlock mali_gpu_int_block;
extern const MaliRegBlock mali_job_int_block;
extern const MaliRegBlock mali_mmu_int_block;

/* Logs a mistake of the guest under LOG_GUEST_ERROR, with a trace event */
void G_GNUC_PRINTF(1, 2) mali_guest_error(const char *fmt, ...);

/* A 64-bit register kept as two words of a register file */
static inline uint64_t mali_reg64(const uint32_t *file, unsigned reg)
{
    return file[reg] | (uint64_t)file[reg + 1] << 32;
}

static inline void mali_reg64_set(uint32_t *file, unsigned reg, uint64_t val)
{
    file[reg] = val;
    file[reg + 1] = val >> 32;
}

/* --- mali_csf.c --- */

/* What GPU_CMD's reset does to everything but GPU_CONTROL itself */
void mali_csf_reset_blocks(MaliCsfState *s);
/* The name of a register, in one block or (-1) in any; NULL: there is none */
const char *mali_csf_find_reg(int block, const char *name);
/* Whether a register of that block (-1: any) has a bank of @first to @last */
bool mali_csf_has_bank(const MaliCsfState *s, int block, const char *reg,
                       uint64_t first, uint64_t last);
/* How much storage a register has in that bank of a block: 0, 32 or 64 bits */
unsigned mali_csf_reg_bits(const MaliCsfState *s, int block, unsigned bank,
                           const char *reg);
/* Put @val in the storage of a register, or flip the bits of @flip there */
void mali_csf_poke_reg(MaliCsfState *s, const char *reg, unsigned block,
                       unsigned bank, uint64_t val, uint64_t flip);

/* --- mali_csf_event.c --- */

/* Let @ev happen @delay ns from now, instead of when it would have */
void mali_event_arm(MaliCsfState *s, MaliEvent ev, uint64_t delay);
/* The same at a time of the virtual clock, MALI_EVENT_NEVER among them */
void mali_event_arm_at(MaliCsfState *s, MaliEvent ev, int64_t due);
/*
 * A locked region is in the way of @ev: let it happen when a lock has gone, or
 * in @delay ns at the latest.
 */
void mali_event_stall(MaliCsfState *s, MaliEvent ev, uint64_t delay);
bool mali_event_stalled(const MaliCsfState *s, MaliEvent ev);
/* A lock has gone */
void mali_event_unstall(MaliCsfState *s);
void mali_event_cancel(MaliCsfState *s, MaliEvent ev);
bool mali_event_pending(const MaliCsfState *s, MaliEvent ev);
/*
 * Run what is due.  Done before each register access too, so that the guest
 * sees a completion at the modelled moment and not when a host thread wakes.
 */
void mali_event_poll(MaliCsfState *s);
/* What the device does next begins now: for whoever reads the trace */
void mali_event_trace_clock(void);
void mali_event_init(MaliCsfState *s);
void mali_event_finalize(MaliCsfState *s);
void mali_event_reset(MaliCsfState *s);
void mali_event_post_load(MaliCsfState *s);

/* --- mali_csf_irq.c --- */

/* Latch @bits in a RAWSTAT */
void mali_irq_raise(MaliCsfState *s, MaliIrqLine line, uint32_t bits);
/* Drive the lines from RAWSTAT & MASK */
void mali_irq_update(MaliCsfState *s);
void mali_irq_reset(MaliCsfState *s);
extern const VMStateDescription vmstate_mali_irq;

/* --- mali_csf_gpu.c --- */

void mali_gpu_init(MaliCsfState *s);
void mali_gpu_reset(MaliCsfState *s);
bool mali_gpu_powered(const MaliCsfState *s, MaliPowerDomain domain);
/* Whether it is being reset: what is written to @what then is lost, and told */
bool mali_gpu_resetting(const MaliCsfState *s, const char *what);
uint64_t mali_gpu_cycles(const MaliCsfState *s);
uint64_t mali_gpu_timestamp(const MaliCsfState *s);
/* Whether FLUSH_CACHE2 with flush id @id has anything to do */
bool mali_gpu_flush_needed(const MaliCsfState *s, uint32_t id);
/* A stream's flush is done: modes as in FLUSH_CACHE2 */
void mali_gpu_flushed(MaliCsfState *s, unsigned l2, unsigned lsc);
/* Keep the cycle counter running, or not, on behalf of MALI_COUNTER_* */
void mali_gpu_counter_use(MaliCsfState *s, uint32_t user, bool on);
/* Show a fault that is the GPU's own */
void mali_gpu_report_fault(MaliCsfState *s, uint8_t exception, uint64_t va);
void mali_gpu_flush_done(MaliCsfState *s, MaliEvent ev);
void mali_gpu_reset_done(MaliCsfState *s, MaliEvent ev);
void mali_gpu_power_done(MaliCsfState *s, MaliEvent ev);
int mali_gpu_post_load(MaliCsfState *s);
extern const VMStateDescription vmstate_mali_gpu;

/* --- mali_csf_mmu.c --- */

void mali_mmu_init(MaliCsfState *s);
void mali_mmu_finalize(MaliCsfState *s);
void mali_mmu_reset(MaliCsfState *s);
void mali_mmu_post_load(MaliCsfState *s);
void mali_mmu_command_done(MaliCsfState *s, MaliEvent ev);
/*
 * Translate one address, as the TLB has it.  Faults are described in @fault
 * (exception, va and access are set), not latched: see mali_mmu_report().
 */
MaliXlate mali_mmu_translate(MaliCsfState *s, unsigned as, uint64_t va,
                             MaliAccess access, MaliPtwResult *res,
                             MaliFault *fault);
/*
 * The same as the tables are now, past the TLB and any lock, without a trace:
 * MALI_EXC_* and the walk.
 */
uint8_t mali_mmu_walk(MaliCsfState *s, unsigned as, uint64_t va,
                      MaliAccess access, MaliPtwResult *res);
/* The same for an address space of the GPU's whole size with this root table */
uint8_t mali_mmu_walk_root(MaliCsfState *s, uint64_t root, uint64_t va,
                           MaliAccess access, MaliPtwResult *res);
/* What mali_mmu_translate() would find in there now, also without a trace */
typedef enum MaliXlateSource {
    MALI_FROM_TLB,
    MALI_FROM_WALK_CACHE,
    MALI_FROM_TABLES,
    MALI_FROM_MODE,         /* the address space has no tables */
} MaliXlateSource;

uint8_t mali_mmu_peek(MaliCsfState *s, unsigned as, uint64_t va,
                      MaliAccess access, MaliPtwResult *res,
                      MaliXlateSource *source);
/* Whether a locked region holds any of @first to @last */
bool mali_mmu_is_locked(const MaliCsfState *s, unsigned as, uint64_t first,
                        uint64_t last);
/* Latch @fault in the registers of @as and raise its interrupt */
void mali_mmu_report(MaliCsfState *s, unsigned as, const MaliFault *fault);
extern const VMStateDescription vmstate_mali_as;
extern const VMStateInfo vmstate_info_mali_tlb;

/* --- mali_csf_mem.c --- */

/*
 * Access @len bytes at @va of address space @as on behalf of @source.  On
 * MALI_XLATE_STALL and MALI_XLATE_FAULT a part before the page that failed may
 * have been transferred; a fault has been reported.
 */
MaliXlate mali_mem_read(MaliCsfState *s, unsigned as, uint64_t va, void *buf,
                        uint32_t len, uint16_t source);
MaliXlate mali_mem_write(MaliCsfState *s, unsigned as, uint64_t va,
                         const void *buf, uint32_t len, uint16_t source);

/*
 * Whether an access would work, without a trace of it in the registers: for
 * pointers that the host gave and that are its own fault.
 */
MaliXlate mali_mem_probe(MaliCsfState *s, unsigned as, uint64_t va,
                         uint32_t len, MaliAccess access);

/*
 * Between begin and end, accesses keep the pages that they meet mapped.  Guest
 * code cannot get at our registers meanwhile, so that no translation can have
 * become invalid for us.
 */
void mali_mem_begin(MaliCsfState *s);
void mali_mem_end(MaliCsfState *s);
/*
 * A pointer to @va, with *@left bytes up to the end of its page; only between
 * begin and end, and valid until then.  NULL, with *@ret OK, where memory
 * cannot be mapped: use mali_mem_read and write; or with the reason in *@ret.
 */
void *mali_mem_map(MaliCsfState *s, unsigned as, uint64_t va, MaliAccess access,
                   uint16_t source, uint32_t *left, MaliXlate *ret);

/*
 * Set the 32 or (@wide) 64-bit object at @va, naturally aligned, to @val, or
 * add that to it: one access, coherent with the CPUs whatever the caches hold.
 */
MaliXlate mali_mem_update(MaliCsfState *s, unsigned as, uint64_t va,
                          uint64_t val, bool wide, bool add, uint16_t source);

/*
 * Memory as the tables are now, past TLB, locks and permissions: for what is no
 * access of the GPU's.  false where nothing is mapped.
 */
bool mali_mem_peek(MaliCsfState *s, unsigned as, uint64_t va, void *buf,
                   uint32_t len);
bool mali_mem_poke(MaliCsfState *s, unsigned as, uint64_t va, void *buf,
                   uint32_t len);

void mali_mem_init(MaliCsfState *s);
void mali_mem_finalize(MaliCsfState *s);
extern const VMStateInfo vmstate_info_mali_cache;

static inline uint64_t mali_mem_tag(unsigned as, uint64_t va)
{
    return BIT_ULL(63) | (uint64_t)as << 52 | va >> 12;
}

static inline MaliMemWindow *mali_mem_window(MaliCsfState *s, uint64_t va,
                                             MaliAccess access)
{
    return &s->windows[access][va >> 12 & (MALI_MEM_WINDOWS - 1)];
}

/*
 * The same when the page of @va has been met in this slice, else NULL.  A page
 * that has been freed is always met anew, so that each access to it is told.
 */
static inline uint8_t *mali_mem_mapped(MaliCsfState *s, unsigned as,
                                       uint64_t va, MaliAccess access)
{
    const MaliMemWindow *w = mali_mem_window(s, va, access);

    return likely(w->tag == mali_mem_tag(as, va)) &&
           !mali_dma_check_is_freed(w->state) ? w->host + (va & 0xfff) : NULL;
}

/* --- mali_csf_cs.c --- */

/*
 * Execute a queue until it blocks or has used up @budget instructions.  Returns
 * how many it has executed.  Between mali_mem_begin() and end().
 */
uint32_t mali_cs_run(MaliCsfState *s, unsigned csg, unsigned cs,
                     uint32_t budget);
/* Whether it has something to do now */
bool mali_cs_runnable(const MaliCs *c);
/* Complete what is due at @now; true if anything was */
bool mali_cs_complete(MaliCsfState *s, unsigned csg, unsigned cs, int64_t now);
/* The earliest completion, or MALI_EVENT_IDLE */
int64_t mali_cs_next_due(const MaliCs *c);
bool mali_cs_sync_ready(MaliCsfState *s, unsigned csg, unsigned cs);
void mali_cs_resume_faulted(MaliCs *c);
/* A queue that runs raises an exception that no instruction led to */
void mali_cs_break(MaliCsfState *s, unsigned csg, unsigned cs, bool fatal,
                   uint8_t exception, uint64_t info);
/* Have a queue wait for @ns */
void mali_cs_hold(MaliCs *c, int64_t ns);
/* Whether @word is of a kind that can be on the list of operations */
bool mali_cs_op_valid(uint64_t word);
/* The VA of the instruction that is next */
uint64_t mali_cs_pc(const MaliCs *c);

/* --- mali_csf_resource.c --- */

/* Whether the group has endpoints for all of @wanted, flags of REQ_RESOURCE */
bool mali_resource_exists(const MaliCsg *g, uint8_t wanted);
/* Give a queue the resources that it asks for; or block it, and return false */
bool mali_resource_take(MaliCsfState *s, unsigned csg, unsigned cs);
/* Between slices: take back from who is done with them, and pass on */
void mali_resource_schedule(MaliCsfState *s, int64_t now);

/* --- mali_csf_suspend.c --- */

/* Size of a group's suspend buffer in bytes, as CSG control tells it */
uint32_t mali_suspend_size(const MaliCsfState *s);
/* Whether @c can be executed without harm, wherever it came from */
bool mali_suspend_cs_valid(const MaliCs *c);
MaliXlate mali_suspend_save(MaliCsfState *s, unsigned csg);
/* *@valid is false where the buffer holds no saved group: queues are empty */
MaliXlate mali_suspend_load(MaliCsfState *s, unsigned csg, bool *valid);

/* --- mali_csf_csg.c --- */

/* As the host gave it with the slot: more is more important */
static inline unsigned mali_csg_priority(const MaliCsg *g)
{
    return extract32(g->endpoint_req, CSG_EP_PRIORITY_SHIFT, 4);
}

/* Answer what the host asks of a group, and of its queues */
MaliXlate mali_csg_request(MaliCsfState *s, unsigned csg);
/* Flip an event of a group, CSG_*, unless it is pending */
void mali_csg_event(MaliCsfState *s, unsigned csg, uint32_t bit);
/* The same of a queue, CS_EVT_*, with what the host is to know of it */
void mali_cs_event(MaliCsfState *s, unsigned csg, unsigned cs, uint32_t bit);
/* Where the input or output block of a group, or of a queue, is */
uint32_t mali_csg_block_va(const MaliCsfState *s, bool queue, bool output,
                           unsigned csg, unsigned cs);
/* Tell the host what the streams of a group did in this slice */
void mali_csg_report(MaliCsfState *s, unsigned csg);
/* Whether a queue has a ring that works, and how far the host has filled it */
bool mali_cs_has_ring(const MaliCs *c);
MaliXlate mali_cs_refresh(MaliCsfState *s, MaliCs *c);
extern const VMStateDescription vmstate_mali_csg;

/* --- mali_csf_sched.c --- */

void mali_sched_reset(MaliCsfState *s);
/*
 * The host asked for something in the groups of *@mask.  Those that are held up
 * by a locked region stay in it, with STALL; the others have been answered.
 */
MaliXlate mali_sched_requests(MaliCsfState *s, uint32_t *mask);
/*
 * Whether a locked region of address space 0 holds any of the blocks that the
 * firmware and the host talk through: it does nothing then, rather than half of
 * something.  A ring's or a suspend buffer's page only holds up who needs it.
 */
bool mali_sched_stalled(const MaliCsfState *s);
/* User doorbells, bit by number: new work in rings; *@mask as above */
MaliXlate mali_sched_doorbells(MaliCsfState *s, uint64_t *mask);
void mali_sched_run_event(MaliCsfState *s, MaliEvent ev);
void mali_sched_sync_poll_event(MaliCsfState *s, MaliEvent ev);
void mali_sched_idle_event(MaliCsfState *s, MaliEvent ev);
int mali_sched_post_load(MaliCsfState *s);
extern const VMStateDescription vmstate_mali_sched;

/* --- mali_csf_fw.c --- */

/* One word of the firmware's memory; OK, or why not */
MaliXlate mali_fw_read(MaliCsfState *s, uint64_t va, uint32_t *val);
MaliXlate mali_fw_write(MaliCsfState *s, uint64_t va, uint32_t val);
/* Flip event @bit of the GLB interface, unless it is pending */
void mali_fw_glb_event(MaliCsfState *s, uint32_t bit);
/* Doorbells are rung, bit by number */
void mali_fw_ring(MaliCsfState *s, uint64_t doorbells);
/* The firmware hit something it cannot go on from */
void mali_fw_fatal(MaliCsfState *s, const char *what);
/* It falls silent until the next boot, and shows MCU_STATUS_* @status */
void mali_fw_die(MaliCsfState *s, uint32_t status);
/* The same, and nothing shows it */
void mali_fw_hang(MaliCsfState *s);
void mali_fw_init(MaliCsfState *s);
/*
 * @warm: the next boot finds what a halt left.  That is in memory, where a
 * reset of the GPU does not reach: the 6.12 driver resets at each suspend, and
 * boots without reloading the sections (panthor_gpu_suspend,
 * panthor_fw_post_reset).
 */
void mali_fw_reset(MaliCsfState *s, bool warm);
void mali_fw_mcu_event(MaliCsfState *s, MaliEvent ev);
void mali_fw_request_event(MaliCsfState *s, MaliEvent ev);
extern const VMStateDescription vmstate_mali_fw;

/* --- mali_csf_dma_check.c --- */

/* An access, or the table walk of one (@what), meets a frame that is freed */
void mali_dma_check_report(MaliCsfState *s, unsigned as, uint64_t va,
                           MaliAccess access, uint16_t source, uint64_t pa,
                           const char *what);

/* --- mali_csf_qmp.c --- */

/* Emits an event */
void mali_qmp_finding(MaliCsfState *s, const MaliFinding *finding);
/* The device that @path names, or the only one; NULL, with an error */
MaliCsfState *mali_qmp_device(const char *path, Error **errp);

/* --- mali_csf_inject_qmp.c --- */

/* Tells that a rule has stopped the machine */
void mali_qmp_injected(MaliCsfState *s, const MaliDeed *deed);

/* --- mali_csf_inject_act.c --- */

/* Take the rules of the property; false, with an error, where one is refused */
bool mali_inject_setup(MaliCsfState *s, uint32_t window, Error **errp);
/* Have the next deed's event come, after a reset of the events */
void mali_inject_rearm(MaliCsfState *s);
void mali_inject_event(MaliCsfState *s, MaliEvent ev);
/* As mali_event_arm(), unless @v has it come later or never */
void mali_event_arm_as(MaliCsfState *s, MaliEvent ev, uint64_t delay,
                       const MaliVerdict *v);

/* A request of the host: bits of a req word, or one value of them */
typedef struct MaliHoldRow {
    uint32_t mask;
    bool state;             /* only with this value: */
    uint32_t value;
} MaliHoldRow;

typedef struct MaliHoldTable {
    MaliInjectKind kind;
    MaliInjectAct retry;    /* what has the host's request seen again */
    unsigned n;
    const MaliHoldRow *rows;
} MaliHoldTable;

/*
 * Of the requests in @changed, a difference of @req and its ack, the bits that
 * rules do not let be answered now.  *@wrong gets the bits of which rules want
 * the answer to be another one.
 */
uint32_t mali_hold_requests(MaliCsfState *s, const MaliHoldTable *t,
                            MaliHold *holds, unsigned csg, unsigned cs,
                            uint32_t req, uint32_t changed, uint32_t *wrong);
extern const VMStateDescription vmstate_mali_hold;

/* --- mali_csf_fdt.c --- */

void mali_csf_add_fdt_node(SysBusDevice *sbdev, void *fdt, const char *bus_node,
                           uint64_t mmio_base,
                           const int irqs[MALI_CSF_NUM_IRQS]);

#endif /* HW_GPU_MALI_CSF_INTERNAL_H */
