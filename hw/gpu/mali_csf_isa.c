/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: the instruction set of command streams
 *
 * Fields, values and numbers are those of Mesa's genxml (v10.xml to v14.xml),
 * and so are most of the names.
 */

#include "qemu/osdep.h"
#include "mali_csf_isa.h"

#define ARCH_FIRST 10
#define ARCH_LAST 14

/* A row of the table below */
typedef struct MaliCsRow {
    uint8_t opcode;
    const char *name;
    uint8_t first;              /* architectures that have it */
    uint8_t last;
    uint8_t timing;             /* MaliCsTiming */
    MaliCsField fields[12];     /* until one of size 0 */
} MaliCsRow;

static const MaliCsName conditions[] = {
    { MALI_CS_COND_LE, "le" }, { MALI_CS_COND_GT, "gt" },
    { MALI_CS_COND_EQ, "eq" }, { MALI_CS_COND_NE, "ne" },
    { MALI_CS_COND_LT, "lt" }, { MALI_CS_COND_GE, "ge" },
    { MALI_CS_COND_ALWAYS, "always" },
    { }
};

static const MaliCsName sync_conditions[] = {
    { MALI_CS_COND_LE, "le" }, { MALI_CS_COND_GT, "gt" },
    { }
};

static const MaliCsName axes[] = {
    { 0, "x" }, { 1, "y" }, { 2, "z" },
    { }
};

static const MaliCsName tile_orders[] = {
    { 0, "z_order" }, { 1, "horizontal" }, { 2, "vertical" },
    { 5, "reverse_horizontal" }, { 6, "reverse_vertical" },
    { }
};

static const MaliCsName shading_modes[] = {
    { 0, "early" }, { 1, "deferred" },
    { }
};

static const MaliCsName stages[] = {
    { 0, "internal" }, { 1, "compute" }, { 2, "vertex" },
    { 3, "tess_control" }, { 4, "tess_eval" }, { 5, "geometry" },
    { }
};

static const MaliCsName exceptions[] = {
    { MALI_CS_EXCEPTION_TILER_OOM, "tiler_oom" },
    { }
};

static const MaliCsName flush_modes[] = {
    { MALI_CS_FLUSH_NONE, "none" }, { MALI_CS_FLUSH_CLEAN, "clean" },
    { MALI_CS_FLUSH_CLEAN_INVALIDATE, "clean_invalidate" },
    { }
};

static const MaliCsName other_flush_modes[] = {
    { MALI_CS_FLUSH_NONE, "none" },
    { MALI_CS_FLUSH_INVALIDATE, "invalidate" },
    { }
};

static const MaliCsName scopes[] = {
    { MALI_CS_SCOPE_SYSTEM, "system" }, { MALI_CS_SCOPE_CSG, "csg" },
    { }
};

static const MaliCsName states[] = {
    { MALI_CS_STATE_TIMESTAMP, "timestamp" },
    { MALI_CS_STATE_CYCLES, "cycles" },
    { MALI_CS_STATE_DISJOINT, "disjoint" },
    { MALI_CS_STATE_ERROR, "error" },
    { }
};

static const MaliCsName heap_operations[] = {
    { MALI_CS_HEAP_VT_START, "vt_start" }, { MALI_CS_HEAP_VT_END, "vt_end" },
    { MALI_CS_HEAP_FRAG_END, "frag_end" },
    { }
};

static const MaliCsName imm_operations[] = {
    { 0, "add" }, { 1, "lshift" }, { 2, "rshift_u" }, { 3, "rshift_s" },
    { 4, "bfext_u" }, { 5, "bfext_s" }, { 6, "bfins" }, { 7, "umin" },
    { }
};

static const MaliCsName reg_operations[] = {
    { 0, "umin" }, { 1, "add" }, { 2, "sub" }, { 3, "lshift" },
    { 4, "rshift_u" }, { 5, "rshift_s" }, { 6, "bfins" },
    { }
};

static const MaliCsName logic_operations[] = {
    { 0, "clear" }, { 1, "and" }, { 2, "and_a_nb" }, { 3, "mov_a" },
    { 4, "and_na_b" }, { 5, "mov_b" }, { 6, "xor" }, { 7, "or" },
    { 8, "nor" }, { 9, "xnor" }, { 10, "not_b" }, { 11, "or_a_nb" },
    { 12, "not_a" }, { 13, "or_na_b" }, { 14, "nand" }, { 15, "set" },
    { }
};

static const MaliCsName sb_types[] = {
    { 0, "no_change" }, { 1, "endpoint" }, { 2, "other" }, { 3, "deferred" },
    { }
};

static const MaliCsName sb_formats[] = {
    { 0, "index" }, { 1, "mask" },
    { }
};

static const MaliCsName settable_states[] = {
    { 0, "sb_sel_endpoint" }, { 1, "sb_sel_other" }, { 2, "sb_sel_deferred" },
    { 8, "sb_mask_stream" }, { 9, "sb_mask_wait" },
    { }
};

/* By opcode.  A field is in every version that its row is in, or says which */
static const MaliCsRow rows[] = {
    { MALI_CS_NOP, "NOP", 10, 14, MALI_CS_SYNC, {
        { "payload", 0, 56, MALI_CS_IGNORED },
    } },
    { MALI_CS_MOVE48, "MOVE48", 10, 14, MALI_CS_SYNC, {
        { NULL, 48, 8, MALI_CS_REG64 },
        { NULL, 0, 48, MALI_CS_HEX },
    } },
    { MALI_CS_MOVE32, "MOVE32", 10, 14, MALI_CS_SYNC, {
        { NULL, 48, 8, MALI_CS_REG32 },
        { NULL, 0, 32, MALI_CS_HEX },
    } },
    { MALI_CS_WAIT, "WAIT", 10, 14, MALI_CS_SYNC, {
        { NULL, 16, 8, MALI_CS_SB_MASK, .last = 10 },
        { NULL, 16, 16, MALI_CS_SB_MASK, .first = 11 },
        { "progress", 32, 1, MALI_CS_FLAG, .last = 13 },
        { "indirect", 33, 1, MALI_CS_FLAG, .first = 11 },
    } },
    { MALI_CS_RUN_COMPUTE, "RUN_COMPUTE", 10, 14, MALI_CS_ASYNC_ENDPOINT, {
        { "axis", 14, 2, MALI_CS_ENUM, axes },
        { "increment", 0, 14, MALI_CS_UINT },
        { "ep_limit", 16, 8, MALI_CS_UINT, .first = 12 },
        { "srt", 40, 2, MALI_CS_UINT },
        { "spd", 42, 2, MALI_CS_UINT },
        { "tsd", 44, 2, MALI_CS_UINT },
        { "fau", 46, 2, MALI_CS_UINT },
        { "stage", 48, 4, MALI_CS_ENUM, stages, .first = 12 },
        { "progress", 32, 1, MALI_CS_FLAG, .last = 13 },
    } },
    { MALI_CS_RUN_TILING, "RUN_TILING", 10, 10, MALI_CS_ASYNC_ENDPOINT, {
        { "flags", 0, 32, MALI_CS_HEX },
        { "srt", 40, 2, MALI_CS_UINT },
        { "spd", 42, 2, MALI_CS_UINT },
        { "tsd", 44, 2, MALI_CS_UINT },
        { "fau", 46, 2, MALI_CS_UINT },
        { "progress", 32, 1, MALI_CS_FLAG },
    } },
    { MALI_CS_RUN_IDVS, "RUN_IDVS", 10, 11, MALI_CS_ASYNC_ENDPOINT, {
        { "flags", 0, 32, MALI_CS_HEX },
        { "varying_srt", 35, 1, MALI_CS_UINT },
        { "varying_fau", 36, 1, MALI_CS_UINT },
        { "varying_tsd", 37, 1, MALI_CS_UINT },
        { "fragment_srt", 38, 1, MALI_CS_UINT },
        { "fragment_tsd", 39, 1, MALI_CS_UINT },
        { "malloc", 33, 1, MALI_CS_FLAG },
        { "draw_id_enable", 34, 1, MALI_CS_FLAG },
        { "draw_id", 40, 8, MALI_CS_REG32, .gate = 34 },
        { "progress", 32, 1, MALI_CS_FLAG },
    } },
    { MALI_CS_RUN_FRAGMENT, "RUN_FRAGMENT", 10, 13, MALI_CS_ASYNC_ENDPOINT, {
        { "order", 4, 4, MALI_CS_ENUM, tile_orders },
        { "tem", 0, 1, MALI_CS_FLAG },
        { "progress", 32, 1, MALI_CS_FLAG },
    } },
    { MALI_CS_RUN_FULLSCREEN, "RUN_FULLSCREEN", 10, 14,
      MALI_CS_ASYNC_ENDPOINT, {
        { "dcd", 40, 8, MALI_CS_REG64 },
        { "flags", 0, 32, MALI_CS_HEX },
        { "flags2_enable", 55, 1, MALI_CS_FLAG, .first = 11 },
        { "progress", 32, 1, MALI_CS_FLAG, .last = 13 },
    } },
    { MALI_CS_FINISH_TILING, "FINISH_TILING", 10, 14, MALI_CS_ASYNC_ENDPOINT, {
        { "progress", 32, 1, MALI_CS_FLAG, .last = 13 },
    } },
    { MALI_CS_FINISH_FRAGMENT, "FINISH_FRAGMENT", 10, 14, MALI_CS_DEFERRABLE, {
        { "first", 40, 8, MALI_CS_REG64 },
        { "last", 32, 8, MALI_CS_REG64 },
        { "frag_end", 0, 1, MALI_CS_FLAG },
        { "wait", 16, 16, MALI_CS_SB_MASK },
        { "signal", 48, 4, MALI_CS_SB_SLOT },
        { "indirect", 52, 1, MALI_CS_FLAG, .first = 11 },
    } },
    { MALI_CS_RUN_IDVS2, "RUN_IDVS2", 12, 14, MALI_CS_ASYNC_ENDPOINT, {
        { "flags", 0, 32, MALI_CS_HEX },
        { "shading", 35, 2, MALI_CS_ENUM, shading_modes },
        { "stage", 48, 4, MALI_CS_ENUM, stages },
        { "malloc", 33, 1, MALI_CS_FLAG },
        { "draw_id_enable", 34, 1, MALI_CS_FLAG },
        { "draw_id", 40, 8, MALI_CS_REG32, .gate = 34 },
        { "progress", 32, 1, MALI_CS_FLAG, .last = 13 },
    } },
    { MALI_CS_RUN_FRAGMENT2, "RUN_FRAGMENT2", 14, 14, MALI_CS_ASYNC_ENDPOINT, {
        { "base", 48, 8, MALI_CS_REG32 },
        { "count", 24, 8, MALI_CS_REG_COUNT, .base = 48 },
        { "ep_offset", 16, 8, MALI_CS_UINT },
        { "order", 4, 4, MALI_CS_ENUM, tile_orders },
        { "tem", 0, 1, MALI_CS_FLAG },
    } },
    { MALI_CS_ADD_IMM32, "ADD_IMM32", 10, 12, MALI_CS_SYNC, {
        { NULL, 48, 8, MALI_CS_REG32 },
        { NULL, 40, 8, MALI_CS_REG32 },
        { NULL, 0, 32, MALI_CS_SINT },
    } },
    { MALI_CS_ARITH_IMM32, "ARITH_IMM32", 13, 14, MALI_CS_SYNC, {
        { "op", 32, 8, MALI_CS_ENUM, imm_operations },
        { NULL, 48, 8, MALI_CS_REG32 },
        { NULL, 40, 8, MALI_CS_REG32 },
        { NULL, 0, 32, MALI_CS_SINT },
    } },
    { MALI_CS_ADD_IMM64, "ADD_IMM64", 10, 12, MALI_CS_SYNC, {
        { NULL, 48, 8, MALI_CS_REG64 },
        { NULL, 40, 8, MALI_CS_REG64 },
        { NULL, 0, 32, MALI_CS_SINT },
    } },
    { MALI_CS_ARITH_IMM64, "ARITH_IMM64", 13, 14, MALI_CS_SYNC, {
        { "op", 32, 8, MALI_CS_ENUM, imm_operations },
        { NULL, 48, 8, MALI_CS_REG64 },
        { NULL, 40, 8, MALI_CS_REG64 },
        { NULL, 0, 32, MALI_CS_SINT },
    } },
    { MALI_CS_UMIN32, "UMIN32", 10, 12, MALI_CS_SYNC, {
        { NULL, 48, 8, MALI_CS_REG32 },
        { NULL, 40, 8, MALI_CS_REG32 },
        { NULL, 32, 8, MALI_CS_REG32 },
    } },
    { MALI_CS_ARITH_REG32, "ARITH_REG32", 13, 14, MALI_CS_SYNC, {
        { "op", 24, 8, MALI_CS_ENUM, reg_operations },
        { NULL, 48, 8, MALI_CS_REG32 },
        { NULL, 40, 8, MALI_CS_REG32 },
        { NULL, 32, 8, MALI_CS_REG32 },
        { NULL, 0, 24, MALI_CS_HEX },
    } },
    { MALI_CS_LOGIC_OP32, "LOGIC_OP32", 11, 14, MALI_CS_SYNC, {
        { "op", 0, 4, MALI_CS_ENUM, logic_operations },
        { NULL, 48, 8, MALI_CS_REG32 },
        { NULL, 40, 8, MALI_CS_REG32 },
        { NULL, 32, 8, MALI_CS_REG32 },
        { "index", 4, 1, MALI_CS_FLAG },
    } },
    { MALI_CS_LOAD_MULTIPLE, "LOAD_MULTIPLE", 10, 14, MALI_CS_ASYNC_OTHER, {
        { "base", 48, 8, MALI_CS_REG32 },
        { "regs", 16, 16, MALI_CS_REG_TUPLE, .base = 48 },
        { "address", 40, 8, MALI_CS_REG64 },
        { "offset", 0, 16, MALI_CS_SINT },
    } },
    { MALI_CS_STORE_MULTIPLE, "STORE_MULTIPLE", 10, 14, MALI_CS_ASYNC_OTHER, {
        { "base", 48, 8, MALI_CS_REG32 },
        { "regs", 16, 16, MALI_CS_REG_TUPLE, .base = 48 },
        { "address", 40, 8, MALI_CS_REG64 },
        { "offset", 0, 16, MALI_CS_SINT },
    } },
    { MALI_CS_BRANCH, "BRANCH", 10, 14, MALI_CS_SYNC, {
        { "if", 28, 3, MALI_CS_ENUM, conditions, .last = 10 },
        { "if", 28, 4, MALI_CS_ENUM, conditions, .first = 11 },
        { NULL, 40, 8, MALI_CS_REG32 },
        { "target", 0, 16, MALI_CS_TARGET },
    } },
    { MALI_CS_SET_SB_ENTRY, "SET_SB_ENTRY", 10, 14, MALI_CS_SYNC, {
        { "endpoint", 0, 4, MALI_CS_SB_SLOT },
        { "other", 4, 4, MALI_CS_SB_SLOT },
    } },
    { MALI_CS_PROGRESS_WAIT, "PROGRESS_WAIT", 10, 13, MALI_CS_SYNC, {
        { "queue", 0, 5, MALI_CS_UINT },
        { NULL, 40, 8, MALI_CS_REG64 },
    } },
    { MALI_CS_SET_EXCEPTION_HANDLER, "SET_EXCEPTION_HANDLER", 10, 14,
      MALI_CS_SYNC, {
        { "type", 0, 8, MALI_CS_ENUM, exceptions },
        { "address", 40, 8, MALI_CS_REG64 },
        { "length", 32, 8, MALI_CS_REG32 },
    } },
    { MALI_CS_NEXT_SB_ENTRY, "NEXT_SB_ENTRY", 11, 14, MALI_CS_SYNC, {
        { NULL, 48, 8, MALI_CS_REG32 },
        { "type", 32, 4, MALI_CS_ENUM, sb_types },
        { "format", 36, 1, MALI_CS_ENUM, sb_formats },
    } },
    { MALI_CS_SET_STATE, "SET_STATE", 11, 14, MALI_CS_SYNC, {
        { "state", 32, 8, MALI_CS_ENUM, settable_states },
        { NULL, 40, 8, MALI_CS_REG32 },
    } },
    { MALI_CS_SET_STATE_IMM32, "SET_STATE_IMM32", 11, 14, MALI_CS_SYNC, {
        { "state", 32, 8, MALI_CS_ENUM, settable_states },
        { NULL, 0, 32, MALI_CS_HEX },
    } },
    { MALI_CS_SHARED_SB_INC, "SHARED_SB_INC", 11, 14, MALI_CS_DEFERRABLE, {
        { "entry", 48, 4, MALI_CS_UINT },
        { "wait", 16, 16, MALI_CS_SB_MASK },
        { "indirect", 52, 1, MALI_CS_FLAG },
        { "progress", 32, 1, MALI_CS_FLAG, .last = 13 },
    } },
    { MALI_CS_SHARED_SB_DEC, "SHARED_SB_DEC", 11, 14, MALI_CS_SYNC, {
        { "entry", 48, 4, MALI_CS_UINT },
        { "progress", 32, 1, MALI_CS_FLAG, .last = 13 },
    } },
    { MALI_CS_CALL, "CALL", 10, 14, MALI_CS_SYNC, {
        { "address", 40, 8, MALI_CS_REG64 },
        { "length", 32, 8, MALI_CS_REG32 },
    } },
    { MALI_CS_JUMP, "JUMP", 10, 14, MALI_CS_SYNC, {
        { "address", 40, 8, MALI_CS_REG64 },
        { "length", 32, 8, MALI_CS_REG32 },
    } },
    { MALI_CS_REQ_RESOURCE, "REQ_RESOURCE", 10, 14, MALI_CS_SYNC, {
        { "compute", 0, 1, MALI_CS_FLAG },
        { "fragment", 1, 1, MALI_CS_FLAG },
        { "tiler", 2, 1, MALI_CS_FLAG },
        { "idvs", 3, 1, MALI_CS_FLAG },
        { "ray_tracing", 4, 1, MALI_CS_FLAG, .first = 11 },
    } },
    { MALI_CS_FLUSH_CACHE2, "FLUSH_CACHE2", 10, 14, MALI_CS_ASYNC_SIGNAL, {
        { "l2", 0, 4, MALI_CS_ENUM, flush_modes },
        { "lsc", 4, 4, MALI_CS_ENUM, flush_modes },
        { "other", 8, 4, MALI_CS_ENUM, other_flush_modes },
        { "id", 40, 8, MALI_CS_REG32 },
        { "wait", 16, 16, MALI_CS_SB_MASK },
        { "signal", 48, 4, MALI_CS_SB_SLOT },
        { "indirect", 52, 1, MALI_CS_FLAG, .first = 11 },
    } },
    { MALI_CS_SYNC_ADD32, "SYNC_ADD32", 10, 14, MALI_CS_DEFERRABLE, {
        { "scope", 1, 2, MALI_CS_ENUM, scopes },
        { "address", 40, 8, MALI_CS_REG64 },
        { "data", 32, 8, MALI_CS_REG32 },
        { "propagate", 0, 1, MALI_CS_FLAG },
        { "wait", 16, 16, MALI_CS_SB_MASK },
        { "signal", 48, 4, MALI_CS_SB_SLOT },
        { "indirect", 52, 1, MALI_CS_FLAG, .first = 11 },
    } },
    { MALI_CS_SYNC_SET32, "SYNC_SET32", 10, 14, MALI_CS_DEFERRABLE, {
        { "scope", 1, 2, MALI_CS_ENUM, scopes },
        { "address", 40, 8, MALI_CS_REG64 },
        { "data", 32, 8, MALI_CS_REG32 },
        { "propagate", 0, 1, MALI_CS_FLAG },
        { "wait", 16, 16, MALI_CS_SB_MASK },
        { "signal", 48, 4, MALI_CS_SB_SLOT },
        { "indirect", 52, 1, MALI_CS_FLAG, .first = 11 },
    } },
    { MALI_CS_SYNC_WAIT32, "SYNC_WAIT32", 10, 14, MALI_CS_SYNC, {
        { "until", 28, 4, MALI_CS_ENUM, sync_conditions },
        { "address", 40, 8, MALI_CS_REG64 },
        { "data", 32, 8, MALI_CS_REG32 },
        { "reject", 0, 1, MALI_CS_FLAG },
    } },
    { MALI_CS_STORE_STATE, "STORE_STATE", 10, 14, MALI_CS_DEFERRABLE, {
        { "state", 32, 2, MALI_CS_ENUM, states, .last = 10 },
        { "state", 32, 8, MALI_CS_ENUM, states, .first = 11 },
        { "address", 40, 8, MALI_CS_REG64 },
        { "offset", 0, 16, MALI_CS_SINT },
        { "wait", 16, 16, MALI_CS_SB_MASK },
        { "signal", 48, 4, MALI_CS_SB_SLOT },
        { "indirect", 52, 1, MALI_CS_FLAG, .first = 11 },
    } },
    { MALI_CS_PROT_REGION, "PROT_REGION", 10, 14, MALI_CS_SYNC, {
        { "size", 0, 16, MALI_CS_UINT },
    } },
    { MALI_CS_PROGRESS_STORE, "PROGRESS_STORE", 10, 13, MALI_CS_SYNC, {
        { NULL, 40, 8, MALI_CS_REG64 },
    } },
    { MALI_CS_PROGRESS_LOAD, "PROGRESS_LOAD", 10, 13, MALI_CS_SYNC, {
        { NULL, 48, 8, MALI_CS_REG64 },
    } },
    { MALI_CS_RUN_COMPUTE_INDIRECT, "RUN_COMPUTE_INDIRECT", 10, 14,
      MALI_CS_ASYNC_ENDPOINT, {
        { "per_task", 0, 16, MALI_CS_UINT },
        { "ep_limit", 16, 8, MALI_CS_UINT, .first = 12 },
        { "srt", 40, 2, MALI_CS_UINT },
        { "spd", 42, 2, MALI_CS_UINT },
        { "tsd", 44, 2, MALI_CS_UINT },
        { "fau", 46, 2, MALI_CS_UINT },
        { "stage", 48, 4, MALI_CS_ENUM, stages, .first = 12 },
        { "progress", 32, 1, MALI_CS_FLAG, .last = 13 },
    } },
    { MALI_CS_ERROR_BARRIER, "ERROR_BARRIER", 10, 14, MALI_CS_SYNC },
    { MALI_CS_HEAP_SET, "HEAP_SET", 10, 14, MALI_CS_SYNC, {
        { "address", 40, 8, MALI_CS_REG64 },
    } },
    { MALI_CS_HEAP_OPERATION, "HEAP_OPERATION", 10, 14, MALI_CS_DEFERRABLE, {
        { "op", 32, 2, MALI_CS_ENUM, heap_operations, .last = 10 },
        { "op", 32, 3, MALI_CS_ENUM, heap_operations, .first = 11 },
        { "wait", 16, 16, MALI_CS_SB_MASK },
        { "signal", 48, 4, MALI_CS_SB_SLOT },
        { "indirect", 52, 1, MALI_CS_FLAG, .first = 11 },
    } },
    { MALI_CS_TRACE_POINT, "TRACE_POINT", 10, 14, MALI_CS_DEFERRABLE, {
        { "base", 32, 8, MALI_CS_REG32 },
        { "count", 40, 8, MALI_CS_REG_COUNT, .base = 32 },
        { "wait", 16, 16, MALI_CS_SB_MASK },
        { "signal", 48, 4, MALI_CS_SB_SLOT },
        { "indirect", 52, 1, MALI_CS_FLAG, .first = 11 },
    } },
    { MALI_CS_SYNC_ADD64, "SYNC_ADD64", 10, 14, MALI_CS_DEFERRABLE, {
        { "scope", 1, 2, MALI_CS_ENUM, scopes },
        { "address", 40, 8, MALI_CS_REG64 },
        { "data", 32, 8, MALI_CS_REG64 },
        { "propagate", 0, 1, MALI_CS_FLAG },
        { "wait", 16, 16, MALI_CS_SB_MASK },
        { "signal", 48, 4, MALI_CS_SB_SLOT },
        { "indirect", 52, 1, MALI_CS_FLAG, .first = 11 },
    } },
    { MALI_CS_SYNC_SET64, "SYNC_SET64", 10, 14, MALI_CS_DEFERRABLE, {
        { "scope", 1, 2, MALI_CS_ENUM, scopes },
        { "address", 40, 8, MALI_CS_REG64 },
        { "data", 32, 8, MALI_CS_REG64 },
        { "propagate", 0, 1, MALI_CS_FLAG },
        { "wait", 16, 16, MALI_CS_SB_MASK },
        { "signal", 48, 4, MALI_CS_SB_SLOT },
        { "indirect", 52, 1, MALI_CS_FLAG, .first = 11 },
    } },
    { MALI_CS_SYNC_WAIT64, "SYNC_WAIT64", 10, 14, MALI_CS_SYNC, {
        { "until", 28, 4, MALI_CS_ENUM, sync_conditions },
        { "address", 40, 8, MALI_CS_REG64 },
        { "data", 32, 8, MALI_CS_REG64 },
        { "reject", 0, 1, MALI_CS_FLAG },
    } },
    { MALI_CS_ARITH_REG64, "ARITH_REG64", 13, 14, MALI_CS_SYNC, {
        { "op", 24, 8, MALI_CS_ENUM, reg_operations },
        { NULL, 48, 8, MALI_CS_REG64 },
        { NULL, 40, 8, MALI_CS_REG64 },
        { NULL, 32, 8, MALI_CS_REG64 },
        { NULL, 0, 24, MALI_CS_HEX },
    } },
    { MALI_CS_ENOP, "ENOP", 14, 14, MALI_CS_SYNC, {
        { "payload", 0, 56, MALI_CS_IGNORED },
    } },
};

typedef struct MaliCsTable {
    MaliCsIsa isa;
    MaliCsInsn insns[256];
} MaliCsTable;

/* What mali_cs_check() has to do for a field */
static void add_rules(MaliCsInsn *insn, const MaliCsField *f, unsigned index)
{
    switch (f->kind) {
    case MALI_CS_REG64:
        insn->odd |= BIT_ULL(f->start);
        /* fall through */
    case MALI_CS_REG32:
        assert(f->start % 8 == 0 && f->size == 8);
        insn->regs |= MAKE_64BIT_MASK(f->start, f->size);
        break;
    case MALI_CS_ENUM:
    case MALI_CS_REG_TUPLE:
    case MALI_CS_REG_COUNT:
    case MALI_CS_SB_MASK:
    case MALI_CS_SB_SLOT:
        insn->others |= 1 << index;
        break;
    default:
        break;
    }
}

static void add_row(MaliCsTable *t, const MaliCsRow *row, unsigned arch)
{
    MaliCsInsn *insn = &t->insns[row->opcode];
    MaliCsField *fields = g_new(MaliCsField, ARRAY_SIZE(row->fields));

    assert(!insn->name);
    insn->name = row->name;
    insn->defined = MAKE_64BIT_MASK(56, 8);
    insn->timing = row->timing;
    insn->fields = fields;

    for (size_t i = 0; i < ARRAY_SIZE(row->fields); i++) {
        const MaliCsField *f = &row->fields[i];

        if (f->size && arch >= f->first && (!f->last || arch <= f->last)) {
            fields[insn->n_fields] = *f;
            add_rules(insn, f, insn->n_fields);
            insn->n_fields++;
            insn->defined |= MAKE_64BIT_MASK(f->start, f->size);
        }
    }
}

/* Sizes of the register file and the scoreboard, from an architecture on */
static const struct {
    uint8_t since;
    uint8_t n_regs;
    uint8_t n_slots;
} sizes[] = {
    { 10, 96, 8 },
    { 11, 96, 16 },
    { 12, 128, 16 },
};

/* Index the rows by opcode, for each architecture */
static void *build_tables(void *opaque)
{
    MaliCsTable *tables = g_new0(MaliCsTable, ARCH_LAST - ARCH_FIRST + 1);

    for (unsigned arch = ARCH_FIRST; arch <= ARCH_LAST; arch++) {
        MaliCsTable *t = &tables[arch - ARCH_FIRST];

        t->isa.arch_major = arch;
        for (size_t i = 0; i < ARRAY_SIZE(sizes) && sizes[i].since <= arch;
             i++) {
            t->isa.n_regs = sizes[i].n_regs;
            t->isa.n_slots = sizes[i].n_slots;
        }
        t->isa.insns = t->insns;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
            if (arch >= rows[i].first && arch <= rows[i].last) {
                add_row(t, &rows[i], arch);
            }
        }
    }
    return tables;
}

const MaliCsIsa *mali_cs_isa(unsigned arch_major)
{
    static GOnce once = G_ONCE_INIT;
    const MaliCsTable *tables = g_once(&once, build_tables, NULL);

    if (arch_major < ARCH_FIRST || arch_major > ARCH_LAST) {
        return NULL;
    }
    return &tables[arch_major - ARCH_FIRST].isa;
}

static const char *value_name(const MaliCsField *f, uint64_t value)
{
    for (const MaliCsName *n = f->names; n->name; n++) {
        if (n->value == value) {
            return n->name;
        }
    }
    return NULL;
}

/* Whether wait mask and slot mean anything in @word */
static bool slots_count(const MaliCsInsn *insn, uint64_t word)
{
    return insn->timing != MALI_CS_DEFERRABLE || mali_cs_mask(word);
}

static const char *check_field(const MaliCsIsa *isa, const MaliCsInsn *insn,
                               const MaliCsField *f, uint64_t word,
                               unsigned n_regs)
{
    uint64_t value = extract64(word, f->start, f->size);

    if (f->gate && !extract64(word, f->gate, 1)) {
        return NULL;
    }

    switch (f->kind) {
    case MALI_CS_ENUM:
        return value_name(f, value) ? NULL : "undefined value";
    case MALI_CS_REG32:
        return value < n_regs ? NULL : "no such register";
    case MALI_CS_REG64:
        if (value & 1) {
            return "odd register pair";
        }
        return value + 1 < n_regs ? NULL : "no such register";
    case MALI_CS_REG_TUPLE:
        value = value ? 64 - clz64(value) : 0;
        /* fall through */
    case MALI_CS_REG_COUNT:
        value += extract64(word, f->base, 8);
        return value <= n_regs ? NULL : "registers past the last one";
    case MALI_CS_SB_MASK:
        if (slots_count(insn, word) && value >> isa->n_slots) {
            return "no such scoreboard slot";
        }
        return NULL;
    case MALI_CS_SB_SLOT:
        if (slots_count(insn, word) && value >= isa->n_slots) {
            return "no such scoreboard slot";
        }
        return NULL;
    default:
        return NULL;
    }
}

const char *mali_cs_check_fields(const MaliCsIsa *isa, const MaliCsInsn *insn,
                                 uint64_t word, unsigned n_regs,
                                 unsigned which)
{
    for (which &= (1u << insn->n_fields) - 1; which; which &= which - 1) {
        const MaliCsField *f = &insn->fields[ctz32(which)];
        const char *why = check_field(isa, insn, f, word, n_regs);

        if (why) {
            return why;
        }
    }
    return NULL;
}

/* Text being written, of which the first @size - 1 bytes are kept */
typedef struct Text {
    char *buf;
    size_t size;
    size_t len;
} Text;

static void G_GNUC_PRINTF(2, 3) put(Text *t, const char *fmt, ...)
{
    size_t used = MIN(t->len, t->size);
    /* A text of no size may have no buffer, to which nothing can be added */
    char *end = used ? t->buf + used : t->buf;
    va_list ap;

    va_start(ap, fmt);
    t->len += vsnprintf(end, t->size - used, fmt, ap);
    va_end(ap);
}

/* Registers as in r4-r6,r9 */
static void put_tuple(Text *t, unsigned base, unsigned mask)
{
    const char *sep = "";

    if (!mask) {
        put(t, "none");
    }
    for (unsigned i = 0; mask >> i; i++) {
        unsigned first = i;

        if (!extract32(mask, i, 1)) {
            continue;
        }
        while (extract32(mask, i + 1, 1)) {
            i++;
        }
        put(t, "%sr%u", sep, base + first);
        if (i > first) {
            put(t, "-r%u", base + i);
        }
        sep = ",";
    }
}

static void put_value(Text *t, const MaliCsField *f, uint64_t word, uint64_t pc)
{
    uint64_t value = extract64(word, f->start, f->size);
    int64_t signed_value = sextract64(word, f->start, f->size);

    switch (f->kind) {
    case MALI_CS_ENUM:
        if (value_name(f, value)) {
            put(t, "%s", value_name(f, value));
            break;
        }
        /* fall through */
    case MALI_CS_UINT:
    case MALI_CS_REG_COUNT:
    case MALI_CS_SB_SLOT:
        put(t, "%" PRIu64, value);
        break;
    case MALI_CS_SINT:
        put(t, "%" PRId64, signed_value);
        break;
    case MALI_CS_TARGET:
        put(t, "0x%" PRIx64, pc + (signed_value + 1) * MALI_CS_INSN_SIZE);
        break;
    case MALI_CS_REG32:
        put(t, "r%" PRIu64, value);
        break;
    case MALI_CS_REG64:
        put(t, "r%" PRIu64 ":r%" PRIu64, value, value + 1);
        break;
    case MALI_CS_REG_TUPLE:
        put_tuple(t, extract64(word, f->base, 8), value);
        break;
    default:
        put(t, "0x%" PRIx64, value);
        break;
    }
}

/* What says nothing when it is 0 */
static bool quiet_at_zero(const MaliCsInsn *insn, const MaliCsField *f,
                          uint64_t word)
{
    switch (f->kind) {
    case MALI_CS_FLAG:
    case MALI_CS_IGNORED:
        return true;
    case MALI_CS_SB_MASK:
    case MALI_CS_SB_SLOT:
        return !slots_count(insn, word);
    default:
        return f->gate && !extract64(word, f->gate, 1);
    }
}

size_t mali_cs_disasm(const MaliCsIsa *isa, uint64_t word, uint64_t pc,
                      char *buf, size_t len)
{
    Text t = { buf, len };
    const MaliCsInsn *insn = mali_cs_decode(isa, word);
    const char *sep = " ";

    if (!insn) {
        put(&t, ".word 0x%016" PRIx64, word);
        return t.len;
    }

    put(&t, "%s", insn->name);
    for (unsigned i = 0; i < insn->n_fields; i++) {
        const MaliCsField *f = &insn->fields[i];

        if (!extract64(word, f->start, f->size) &&
            quiet_at_zero(insn, f, word)) {
            continue;
        }
        put(&t, "%s", sep);
        sep = ", ";
        if (f->kind == MALI_CS_FLAG) {
            put(&t, "%s", f->name);
            continue;
        }
        if (f->name) {
            put(&t, "%s=", f->name);
        }
        put_value(&t, f, word, pc);
    }
    if (word & ~insn->defined) {
        put(&t, "%sreserved=0x%" PRIx64, sep, word & ~insn->defined);
    }
    return t.len;
}
