/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: the words of rules
 *
 * Events, actions and words as rows; docs/system/devices/mali-csf.rst says what
 * they mean.
 */

#include "qemu/osdep.h"
#include "qemu/units.h"
#include "mali_csf_internal.h"
#include "mali_csf_inject_words.h"

/* --- Names of values --- */

const MaliName mali_block_names[] = {
    { "gpu", MALI_BLOCK_GPU }, { "gpu-int", MALI_BLOCK_GPU_INT },
    { "job-int", MALI_BLOCK_JOB_INT }, { "mmu-int", MALI_BLOCK_MMU_INT },
    { "mcu", MALI_BLOCK_MCU }, { "as", MALI_BLOCK_AS },
    { "latest-flush", MALI_BLOCK_FLUSH }, { "doorbell", MALI_BLOCK_DOORBELL },
    { }
};

static const MaliName lines[] = {
    { "job", MALI_IRQ_JOB }, { "mmu", MALI_IRQ_MMU }, { "gpu", MALI_IRQ_GPU },
    { }
};

static const MaliName as_commands[] = {
    { "update", AS_COMMAND_UPDATE }, { "lock", AS_COMMAND_LOCK },
    { "unlock", AS_COMMAND_UNLOCK }, { "flush-pt", AS_COMMAND_FLUSH_PT },
    { "flush-mem", AS_COMMAND_FLUSH_MEM },
    { }
};

static const MaliName domains[] = {
    { "l2", MALI_POWER_L2 }, { "shader", MALI_POWER_SHADER },
    { "tiler", MALI_POWER_TILER },
    { }
};

static const MaliName on_off[] = { { "off", 0 }, { "on", 1 }, { } };
static const MaliName boots[] = { { "cold", 0 }, { "warm", 1 }, { } };
static const MaliName sides[] = { { "in", 0 }, { "out", 1 }, { } };

static const MaliName accesses[] = {
    { "read", MALI_ACCESS_READ }, { "write", MALI_ACCESS_WRITE },
    { }
};

static const MaliName interfaces[] = {
    { "glb", MALI_INTERFACE_GLB }, { "csg", MALI_INTERFACE_CSG },
    { "cs", MALI_INTERFACE_CS },
    { }
};

static const MaliName glb_requests[] = {
    { "halt", MALI_GLB_REQUEST_HALT },
    { "cfg-progress-timer", MALI_GLB_REQUEST_PROGRESS_TIMER },
    { "cfg-alloc-en", MALI_GLB_REQUEST_ALLOC_EN },
    { "cfg-poweroff-timer", MALI_GLB_REQUEST_POWEROFF_TIMER },
    { "counter-en", MALI_GLB_REQUEST_COUNTER_EN },
    { "ping", MALI_GLB_REQUEST_PING },
    { "idle-en", MALI_GLB_REQUEST_IDLE_EN },
    { }
};

static const MaliName csg_requests[] = {
    { "terminate", MALI_CSG_REQUEST_TERMINATE },
    { "start", MALI_CSG_REQUEST_START },
    { "suspend", MALI_CSG_REQUEST_SUSPEND },
    { "resume", MALI_CSG_REQUEST_RESUME },
    { "endpoint-config", MALI_CSG_REQUEST_ENDPOINT_CONFIG },
    { "status-update", MALI_CSG_REQUEST_STATUS_UPDATE },
    { }
};

static const MaliName cs_requests[] = {
    { "stop", MALI_CS_REQUEST_STOP }, { "start", MALI_CS_REQUEST_START },
    { }
};

static const MaliName glb_events[] = { { "idle", GLB_IDLE }, { } };

static const MaliName csg_events[] = {
    { "sync-update", CSG_SYNC_UPDATE }, { "idle", CSG_IDLE },
    { "progress-timer", CSG_PROGRESS_TIMER },
    { }
};

static const MaliName cs_events[] = {
    { "fault", CS_EVT_FAULT }, { "fatal", CS_EVT_FATAL },
    { "tiler-oom", CS_EVT_TILER_OOM },
    { }
};

/* --- Words --- */

/* The number must be below this member of MaliInjectEnv */
#define BELOW(member)   (offsetof(MaliInjectEnv, member) + 1)

#define WHAT(member)    offsetof(MaliInjectWhat, member)

const MaliWord mali_filter_words[W_COUNT] = {
    [W_BLOCK] = { "block", WORD_NAME, WHAT(block), mali_block_names },
    [W_BANK] = { "bank", WORD_NUMBER, WHAT(bank), .max = 63 },
    [W_REG] = { "reg", WORD_REG, WHAT(reg) },
    [W_OFFSET] = { "offset", WORD_NUMBER, WHAT(offset),
                   .below = BELOW(window) },
    [W_VALUE] = { "value", WORD_MASKED, WHAT(value), .max = UINT32_MAX },
    [W_LINE] = { "line", WORD_NAME, WHAT(line), lines },
    [W_BITS] = { "bits", WORD_BITS, WHAT(bits), .max = UINT32_MAX },
    [W_AS] = { "as", WORD_NUMBER, WHAT(as), .below = BELOW(as_count) },
    [W_COMMAND] = { "command", WORD_NAME, WHAT(command), as_commands },
    [W_VA] = { "va", WORD_VA, WHAT(va) },
    [W_MODE] = { "mode", WORD_NUMBER, WHAT(mode), .max = 0xffffff },
    [W_DOMAIN] = { "domain", WORD_NAME, WHAT(domain), domains },
    [W_TO] = { "to", WORD_NAME, WHAT(to), on_off },
    [W_KIND] = { "kind", WORD_NAME, WHAT(boot), boots },
    [W_REQUEST] = { "request", WORD_OWN_NAME, WHAT(request) },
    [W_EVENT] = { "event", WORD_OWN_NAME, WHAT(event) },
    [W_CSG] = { "csg", WORD_NUMBER, WHAT(csg), .below = BELOW(csg_slots) },
    [W_CS] = { "cs", WORD_NUMBER, WHAT(cs), .below = BELOW(cs_slots) },
    [W_DOORBELL] = { "doorbell", WORD_NUMBER, WHAT(doorbell),
                     .below = BELOW(doorbells) },
    [W_ACCESS] = { "access", WORD_NAME, WHAT(access), accesses },
    [W_OPCODE] = { "opcode", WORD_OPCODE, WHAT(opcode) },
    [W_PC] = { "pc", WORD_NUMBER, WHAT(pc) },
    [W_ADDRESS] = { "address", WORD_NUMBER, WHAT(address) },
};

#define ARGS(member)    offsetof(MaliInjectArgs, member)

const MaliWord mali_act_words[A_COUNT] = {
    [A_TIME] = { "time", WORD_TIME, ARGS(time) },
    [A_FOR] = { "for", WORD_TIME, ARGS(hold) },
    [A_VALUE] = { "value", WORD_NUMBER, ARGS(value) },
    [A_BITS] = { "bits", WORD_NUMBER, ARGS(bits) },
    [A_TYPE] = { "type", WORD_NUMBER, ARGS(type), .max = 0xff },
    [A_INFO] = { "info", WORD_NUMBER, ARGS(info) },
    [A_AS] = { "as", WORD_NUMBER, ARGS(as), .below = BELOW(as_count) },
    [A_VA] = { "va", WORD_NUMBER, ARGS(va) },
    [A_ACCESS] = { "access", WORD_NAME, ARGS(access), accesses },
    [A_CSG] = { "csg", WORD_NUMBER, ARGS(csg), .below = BELOW(csg_slots) },
    [A_CS] = { "cs", WORD_NUMBER, ARGS(cs), .below = BELOW(cs_slots) },
    [A_LINE] = { "line", WORD_NAME, ARGS(line), lines },
    [A_BLOCK] = { "block", WORD_OWN_NAME, ARGS(block) },
    [A_BANK] = { "bank", WORD_NUMBER, ARGS(bank), .max = 63 },
    [A_REG] = { "reg", WORD_REG, ARGS(reg) },
    [A_OFFSET] = { "offset", WORD_NUMBER, ARGS(offset), .max = 16 * MiB },
    [A_SIZE] = { "size", WORD_NUMBER, ARGS(size), .max = 8 },
    [A_SIDE] = { "side", WORD_NAME, ARGS(side), sides },
    [A_FILE] = { "file", WORD_FILE },
};

/* --- Events and actions --- */

#define BITS1(a)            (1u << (a))
#define BITS2(a, b)         (BITS1(a) | BITS1(b))
#define BITS3(a, b, c)      (BITS2(a, b) | BITS1(c))
#define BITS4(a, b, c, d)   (BITS2(a, b) | BITS2(c, d))
#define W_REGISTER          (BITS4(W_BLOCK, W_BANK, W_REG, W_OFFSET) | \
                             BITS1(W_VALUE))
#define MAY_WAIT            BITS2(MALI_ACT_DELAY, MALI_ACT_NEVER)

const MaliInjectEventRow mali_inject_events[MALI_INJECT_KINDS] = {
    [MALI_INJECT_REG_READ] = { "reg-read", W_REGISTER,
        BITS2(MALI_ACT_SET, MALI_ACT_FLIP) },
    [MALI_INJECT_REG_WRITE] = { "reg-write", W_REGISTER,
        BITS3(MALI_ACT_SET, MALI_ACT_FLIP, MALI_ACT_DROP) },
    [MALI_INJECT_IRQ] = { "irq", BITS2(W_LINE, W_BITS),
        BITS4(MALI_ACT_DROP, MALI_ACT_DELAY, MALI_ACT_MUTE, MALI_ACT_TWICE) },
    [MALI_INJECT_AS_COMMAND] = { "as-command", BITS3(W_AS, W_COMMAND, W_VA),
        MAY_WAIT | BITS2(MALI_ACT_LOSE, MALI_ACT_STALE) },
    [MALI_INJECT_FLUSH] = { "flush", BITS1(W_MODE),
        MAY_WAIT | BITS1(MALI_ACT_LOSE) },
    [MALI_INJECT_RESET] = { "reset", BITS1(W_MODE), MAY_WAIT },
    [MALI_INJECT_POWER] = { "power", BITS2(W_DOMAIN, W_TO), MAY_WAIT },
    [MALI_INJECT_MCU_BOOT] = { "mcu-boot", BITS1(W_KIND),
        MAY_WAIT | BITS1(MALI_ACT_FAIL) },
    [MALI_INJECT_MCU_HALT] = { "mcu-halt", 0, MAY_WAIT },
    [MALI_INJECT_MCU_STOP] = { "mcu-stop", 0, MAY_WAIT },
    [MALI_INJECT_GLB_REQUEST] = { "glb-request", BITS1(W_REQUEST),
        MAY_WAIT | BITS1(MALI_ACT_ACK), glb_requests },
    [MALI_INJECT_CSG_REQUEST] = { "csg-request", BITS2(W_CSG, W_REQUEST),
        MAY_WAIT | BITS1(MALI_ACT_ACK), csg_requests },
    [MALI_INJECT_CS_REQUEST] = { "cs-request", BITS3(W_CSG, W_CS, W_REQUEST),
        MAY_WAIT | BITS1(MALI_ACT_ACK), cs_requests },
    [MALI_INJECT_DOORBELL] = { "doorbell", BITS1(W_DOORBELL),
        BITS2(MALI_ACT_DELAY, MALI_ACT_DROP) },
    [MALI_INJECT_GLB_EVENT] = { "glb-event", BITS1(W_EVENT),
        BITS2(MALI_ACT_DELAY, MALI_ACT_DROP), glb_events },
    [MALI_INJECT_CSG_EVENT] = { "csg-event", BITS2(W_CSG, W_EVENT),
        BITS2(MALI_ACT_DELAY, MALI_ACT_DROP), csg_events },
    [MALI_INJECT_CS_EVENT] = { "cs-event", BITS3(W_CSG, W_CS, W_EVENT),
        BITS2(MALI_ACT_DELAY, MALI_ACT_DROP), cs_events },
    [MALI_INJECT_WALK] = { "walk", BITS3(W_AS, W_VA, W_ACCESS),
        BITS1(MALI_ACT_FAULT) },
    [MALI_INJECT_ACCESS] = { "access",
        BITS3(W_AS, W_VA, W_ACCESS) | BITS2(W_CSG, W_CS),
        BITS4(MALI_ACT_FAULT, MALI_ACT_SET, MALI_ACT_FLIP, MALI_ACT_DROP) },
    [MALI_INJECT_FETCH] = { "fetch", BITS4(W_CSG, W_CS, W_OPCODE, W_PC),
        BITS4(MALI_ACT_FAULT, MALI_ACT_FATAL, MALI_ACT_STALL, MALI_ACT_DROP) },
    [MALI_INJECT_SYNC] = { "sync", BITS4(W_CSG, W_CS, W_OPCODE, W_ADDRESS),
        BITS2(MALI_ACT_DROP, MALI_ACT_TWICE) },
    [MALI_INJECT_SUSPEND_SAVE] = { "suspend-save", BITS1(W_CSG),
        BITS3(MALI_ACT_SET, MALI_ACT_FLIP, MALI_ACT_FAIL) },
    [MALI_INJECT_SUSPEND_LOAD] = { "suspend-load", BITS1(W_CSG),
        BITS3(MALI_ACT_SET, MALI_ACT_FLIP, MALI_ACT_FAIL) },
    [MALI_INJECT_HEAP] = { "heap", BITS2(W_CSG, W_CS), BITS1(MALI_ACT_OOM) },
    /* Their words are not filters: see parse_when() */
    [MALI_INJECT_AFTER] = { "after" },
    [MALI_INJECT_TIME] = { "time" },
};


const MaliInjectActRow mali_inject_acts[MALI_ACT_RULES] = {
    [MALI_ACT_DELAY] = { "delay", BITS1(A_TIME), BITS1(A_TIME) },
    [MALI_ACT_NEVER] = { "never" },
    [MALI_ACT_LOSE] = { "lose" },
    [MALI_ACT_STALE] = { "stale" },
    [MALI_ACT_DROP] = { "drop" },
    [MALI_ACT_TWICE] = { "twice", BITS1(A_TIME) },
    [MALI_ACT_MUTE] = { "mute" },
    [MALI_ACT_SET] = { "set", BITS2(A_VALUE, A_OFFSET), BITS1(A_VALUE) },
    [MALI_ACT_FLIP] = { "flip", BITS2(A_BITS, A_OFFSET), BITS1(A_BITS) },
    [MALI_ACT_ACK] = { "ack", BITS1(A_VALUE), BITS1(A_VALUE) },
    [MALI_ACT_FAIL] = { "fail" },
    [MALI_ACT_FAULT] = { "fault", BITS2(A_TYPE, A_INFO), .defaults = {
        { ARGS(type), MALI_EXC_TRANSLATION_FAULT + 3 } } },
    [MALI_ACT_FATAL] = { "fatal", BITS2(A_TYPE, A_INFO), .defaults = {
        { ARGS(type), CS_EXC_UNRECOVERABLE } } },
    [MALI_ACT_STALL] = { "stall", BITS1(A_TIME), BITS1(A_TIME) },
    [MALI_ACT_OOM] = { "oom" },
    [MALI_ACT_COUNT] = { "count" },
    [MALI_ACT_RAISE] = { "raise", BITS3(A_TIME, A_LINE, A_BITS),
        BITS1(A_BITS) },
    [MALI_ACT_AS_FAULT] = { "as-fault",
        BITS4(A_TIME, A_AS, A_VA, A_TYPE) | BITS1(A_ACCESS), .defaults = {
        { ARGS(type), MALI_EXC_TRANSLATION_FAULT + 3 },
        { ARGS(access), MALI_ACCESS_READ } } },
    [MALI_ACT_GPU_FAULT] = { "gpu-fault", BITS3(A_TIME, A_TYPE, A_VA),
        .defaults = { { ARGS(type), MALI_EXC_GPU_BUS_FAULT } } },
    [MALI_ACT_CS_FAULT] = { "cs-fault",
        BITS4(A_TIME, A_CSG, A_CS, A_TYPE) | BITS1(A_INFO),
        .defaults = { { ARGS(type), CS_EXC_DATA_INVALID } } },
    [MALI_ACT_CS_FATAL] = { "cs-fatal",
        BITS4(A_TIME, A_CSG, A_CS, A_TYPE) | BITS1(A_INFO),
        .defaults = { { ARGS(type), CS_EXC_UNRECOVERABLE } } },
    [MALI_ACT_REG] = { "reg",
        BITS4(A_TIME, A_BLOCK, A_BANK, A_REG) | MALI_VALUE_OR_BITS,
        MALI_VALUE_OR_BITS, mali_block_names },
    [MALI_ACT_POKE] = { "poke",
        BITS4(A_TIME, A_AS, A_VA, A_SIZE) | MALI_VALUE_OR_BITS,
        MALI_VALUE_OR_BITS,
        .defaults = { { ARGS(size), 4 } } },
    [MALI_ACT_INTERFACE] = { "interface",
        BITS4(A_TIME, A_BLOCK, A_SIDE, A_CSG) | BITS2(A_CS, A_OFFSET) |
        MALI_VALUE_OR_BITS, MALI_VALUE_OR_BITS, interfaces,
        .defaults = { { ARGS(size), 4 } } },
    [MALI_ACT_MCU_HANG] = { "mcu-hang", BITS1(A_TIME) },
    [MALI_ACT_MCU_HALTED] = { "mcu-halted", BITS1(A_TIME) },
    [MALI_ACT_MCU_FATAL] = { "mcu-fatal", BITS1(A_TIME) },
    [MALI_ACT_STALL_QUEUE] = { "stall-queue",
        BITS4(A_TIME, A_CSG, A_CS, A_FOR), BITS1(A_FOR) },
    [MALI_ACT_PAUSE] = { "pause", BITS1(A_TIME) },
    [MALI_ACT_SNAPSHOT] = { "snapshot", BITS2(A_TIME, A_FILE), BITS1(A_FILE) },
};

const char *mali_inject_kind_name(MaliInjectKind kind)
{
    return mali_inject_events[kind].name;
}

const char *mali_inject_act_name(MaliInjectAct act)
{
    return act < MALI_ACT_RULES ? mali_inject_acts[act].name : "go on";
}
