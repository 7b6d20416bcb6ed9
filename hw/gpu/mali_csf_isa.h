/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: the instruction set of command streams
 *
 * Pure data and functions on it: knows neither the device nor guest memory.
 */

#ifndef HW_GPU_MALI_CSF_ISA_H
#define HW_GPU_MALI_CSF_ISA_H

#include "qemu/bitops.h"

/*
 * An instruction is one little-endian 64-bit word; bits 63:56 are its opcode.
 *
 * The comments say what it does, as far as public sources tell: Mesa's genxml
 * (fields and their values), cs_builder.h, decode_csf.c, its drivers, and
 * Linux's panthor.  "Inferred" marks what none of them says.
 */
#define MALI_CS_INSN_SIZE 8

enum {
    /* Bits 55:0 are for the tools of whoever wrote the stream */
    MALI_CS_NOP = 0,
    /* Writes all 64 bits of the pair, the upper 16 with zeroes */
    MALI_CS_MOVE48 = 1,
    MALI_CS_MOVE32 = 2,
    /* Until nothing is outstanding on the slots of the mask */
    MALI_CS_WAIT = 3,

    /* Endpoint tasks; where their registers are: contract section 10, 9.6 */
    MALI_CS_RUN_COMPUTE = 4,
    MALI_CS_RUN_TILING = 5,
    MALI_CS_RUN_IDVS = 6,
    MALI_CS_RUN_FRAGMENT = 7,
    /* The pair holds the address of a draw descriptor */
    MALI_CS_RUN_FULLSCREEN = 8,
    /* Complete when the tiler has written out all earlier draws */
    MALI_CS_FINISH_TILING = 9,
    /*
     * Gives the chunks from first to last, linked by their headers, back to
     * the heap of HEAP_SET; the drivers load both from bytes 40 and 48 of the
     * tiler context, 0 when none came free.  The flag also counts a completed
     * fragment job, as HEAP_OPERATION does.
     */
    MALI_CS_FINISH_FRAGMENT = 11,
    MALI_CS_RUN_IDVS2 = 12,
    /* Reads count registers from the base on (v14 drivers: 56 from r0) */
    MALI_CS_RUN_FRAGMENT2 = 14,

    /* The immediate is signed, extended to the operands' width */
    MALI_CS_ADD_IMM32 = 16,
    MALI_CS_ADD_IMM64 = 17,
    /* Unsigned minimum; numbers 16 to 18 are groups with an op field on v13 */
    MALI_CS_UMIN32 = 18,
    MALI_CS_ARITH_IMM32 = 16,
    MALI_CS_ARITH_IMM64 = 17,
    MALI_CS_ARITH_REG32 = 18,
    /* src is a, src1 is b, or 1 << b when indexed; op is the truth table */
    MALI_CS_LOGIC_OP32 = 19,

    /*
     * For each bit i set, in ascending order, register base + i from or to the
     * next word at address + offset, in bytes.  Memory is packed: a hole in
     * the mask leaves none there (panvk loads VkDrawIndirectCommand with mask
     * 0b11011, cs_builder.h saves registers so; decode_csf.c has it wrong).
     */
    MALI_CS_LOAD_MULTIPLE = 20,
    MALI_CS_STORE_MULTIPLE = 21,
    /*
     * Compares the register, signed, with 0; offset counts instructions from
     * the next one: -1 branches to itself.
     */
    MALI_CS_BRANCH = 22,
    /* Endpoint: RUN_* and FINISH_TILING; other: LOAD and STORE_MULTIPLE */
    MALI_CS_SET_SB_ENTRY = 23,
    /* Until the queue's progress counter reaches the value (inferred) */
    MALI_CS_PROGRESS_WAIT = 24,
    /* As of CALL; address or length 0: no handler */
    MALI_CS_SET_EXCEPTION_HANDLER = 25,
    /* Next free scoreboard slot, as a number or as a mask (inferred) */
    MALI_CS_NEXT_SB_ENTRY = 26,
    MALI_CS_SET_STATE = 27,
    MALI_CS_SET_STATE_IMM32 = 28,
    MALI_CS_SHARED_SB_INC = 30,
    MALI_CS_SHARED_SB_DEC = 31,

    /*
     * Length in bytes, a multiple of 8.  A CALL returns behind it when the
     * length is used up, also when it is its stream's last instruction: there
     * are no tail calls.  G610 nests eight CALLs (contract 8.5; Mesa's
     * decode_csf.c counts the ring among the eight streams).  A JUMP
     * replaces the rest of its own stream, and is not for the ring.
     */
    MALI_CS_CALL = 32,
    MALI_CS_JUMP = 33,
    /* The endpoints to hold from now on, all others are released */
    MALI_CS_REQ_RESOURCE = 34,
    /*
     * Not done when LATEST_FLUSH_ID has changed since the client read the
     * value in the register; 0 always flushes (panthor_drm.h, latest_flush).
     */
    MALI_CS_FLUSH_CACHE2 = 36,

    /*
     * Objects: 32-bit { u32 value, status }, 64-bit { u64 value, u32 status }.
     * ADD and SET also write status, 1 for an error and 0 for none: with
     * propagate the queue's state, without it 0 ("clear" in genxml).
     *
     * WAIT is unsigned, until value <= data or value > data.  An object that
     * is satisfied but has an error puts the waiter into the error state
     * (CS_INHERIT_FAULT); with reject its status is not looked at.
     */
    MALI_CS_SYNC_ADD32 = 37,
    MALI_CS_SYNC_SET32 = 38,
    MALI_CS_SYNC_WAIT32 = 39,
    /* Eight bytes at address + offset, whichever state; no error: all 0 */
    MALI_CS_STORE_STATE = 40,
    /* The next size * 8 bytes of the stream run in protected mode */
    MALI_CS_PROT_REGION = 41,
    /* This queue's progress counter, a pair of registers (inferred) */
    MALI_CS_PROGRESS_STORE = 42,
    MALI_CS_PROGRESS_LOAD = 43,
    MALI_CS_RUN_COMPUTE_INDIRECT = 44,
    /* Waits for the faults of what came before; ends the error state */
    MALI_CS_ERROR_BARRIER = 47,
    /* The heap context, as DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE returns it */
    MALI_CS_HEAP_SET = 48,
    /* Counts on that heap, as reported with TILER_OOM */
    MALI_CS_HEAP_OPERATION = 49,
    /* Writes count registers from the base on to a trace buffer (inferred) */
    MALI_CS_TRACE_POINT = 50,
    MALI_CS_SYNC_ADD64 = 51,
    MALI_CS_SYNC_SET64 = 52,
    MALI_CS_SYNC_WAIT64 = 53,
    MALI_CS_ARITH_REG64 = 57,
    MALI_CS_ENOP = 128,
};

/* Operands that are where they are in every instruction that has them */
static inline unsigned mali_cs_opcode(uint64_t word)
{
    return extract64(word, 56, 8);
}

/* Register written, or first of those loaded and stored */
static inline unsigned mali_cs_dst(uint64_t word)
{
    return extract64(word, 48, 8);
}

/* Register read, or first of the pair that holds an address */
static inline unsigned mali_cs_src(uint64_t word)
{
    return extract64(word, 40, 8);
}

/* Second register read: data of SYNC_*, length of CALL and JUMP */
static inline unsigned mali_cs_src1(uint64_t word)
{
    return extract64(word, 32, 8);
}

/* Offset of LOAD_MULTIPLE, STORE_MULTIPLE, STORE_STATE and BRANCH */
static inline int mali_cs_offset(uint64_t word)
{
    return (int16_t)word;
}

/* Scoreboard slots to wait for, or registers of LOAD/STORE_MULTIPLE */
static inline unsigned mali_cs_mask(uint64_t word)
{
    return extract64(word, 16, 16);
}

/* Scoreboard slot that an instruction with a slot of its own counts on */
static inline unsigned mali_cs_signal(uint64_t word)
{
    return extract64(word, 48, 4);
}

/* BRANCH's conditions; SYNC_WAIT has the first two */
enum {
    MALI_CS_COND_LE = 0,
    MALI_CS_COND_GT = 1,
    MALI_CS_COND_EQ = 2,
    MALI_CS_COND_NE = 3,
    MALI_CS_COND_LT = 4,
    MALI_CS_COND_GE = 5,
    MALI_CS_COND_ALWAYS = 6,
};

/* FLUSH_CACHE2's modes */
enum {
    MALI_CS_FLUSH_NONE = 0,
    MALI_CS_FLUSH_CLEAN = 1,
    MALI_CS_FLUSH_INVALIDATE = 2,
    MALI_CS_FLUSH_CLEAN_INVALIDATE = 3,
};

/* SYNC_ADD's and SYNC_SET's scope */
enum {
    MALI_CS_SCOPE_SYSTEM = 0,
    MALI_CS_SCOPE_CSG = 2,
};

/* What STORE_STATE stores */
enum {
    MALI_CS_STATE_TIMESTAMP = 0,
    MALI_CS_STATE_CYCLES = 1,
    MALI_CS_STATE_DISJOINT = 2,
    MALI_CS_STATE_ERROR = 3,
};

/* HEAP_OPERATION's operation */
enum {
    MALI_CS_HEAP_VT_START = 0,
    MALI_CS_HEAP_VT_END = 1,
    MALI_CS_HEAP_FRAG_END = 3,
};

/* SET_EXCEPTION_HANDLER's type */
enum {
    MALI_CS_EXCEPTION_TILER_OOM = 2,
};

/* How to read the bits of a field */
typedef enum MaliCsFieldKind {
    MALI_CS_UINT,           /* unsigned immediate, decimal */
    MALI_CS_SINT,           /* signed immediate */
    MALI_CS_HEX,            /* unsigned immediate, hexadecimal */
    MALI_CS_FLAG,           /* one bit */
    MALI_CS_ENUM,           /* one of @names */
    MALI_CS_TARGET,         /* signed, in instructions, from the next one */
    MALI_CS_REG32,          /* a register */
    MALI_CS_REG64,          /* a pair of them, by its even, low half */
    MALI_CS_REG_TUPLE,      /* bit i: the register in field @base, plus i */
    MALI_CS_REG_COUNT,      /* that many registers from the one in @base on */
    MALI_CS_SB_MASK,        /* bit i: scoreboard slot i */
    MALI_CS_SB_SLOT,        /* a scoreboard slot */
    MALI_CS_IGNORED,        /* means nothing to the hardware */
} MaliCsFieldKind;

/* A value of an enumerated field; a table of them ends with a NULL name */
typedef struct MaliCsName {
    uint8_t value;
    const char *name;
} MaliCsName;

typedef struct MaliCsField {
    const char *name;       /* NULL: the text says nothing but the value */
    uint8_t start;          /* lowest bit */
    uint8_t size;           /* number of bits */
    uint8_t kind;           /* MaliCsFieldKind */
    const MaliCsName *names;
    uint8_t base;           /* lowest bit of the field of the first register */
    uint8_t gate;           /* bit that has to be set for this to count, or 0 */
    uint8_t first;          /* architectures that have it, where it is not in */
    uint8_t last;           /* all that have the instruction; 0: no limit */
} MaliCsField;

/* When an instruction is complete, and what tells the stream */
typedef enum MaliCsTiming {
    MALI_CS_SYNC,           /* when the next one starts */
    MALI_CS_ASYNC_ENDPOINT, /* later; slot of SET_SB_ENTRY's endpoint entry */
    MALI_CS_ASYNC_OTHER,    /* later; slot of SET_SB_ENTRY's other entry */
    MALI_CS_ASYNC_SIGNAL,   /* later; slot in its own signal field */
    MALI_CS_DEFERRABLE,     /* sync when its wait mask is 0, else _SIGNAL */
} MaliCsTiming;

typedef struct MaliCsInsn {
    const char *name;       /* NULL: there is no such opcode */
    uint64_t defined;       /* opcode and fields; the other bits are reserved */
    uint8_t timing;         /* MaliCsTiming */
    uint8_t n_fields;
    const MaliCsField *fields;

    /* For mali_cs_check(), derived from the fields */
    uint64_t regs;          /* the bits of registers and pairs */
    uint64_t odd;           /* the lowest bit of each pair */
    uint16_t others;        /* bit i: fields[i] is neither and has a rule */
} MaliCsInsn;

typedef struct MaliCsIsa {
    unsigned arch_major;
    unsigned n_regs;        /* usual size of the register file */
    unsigned n_slots;       /* scoreboard slots */
    const MaliCsInsn *insns;    /* 256, by opcode */
} MaliCsIsa;

/* From v11 on: wait mask and slot are those that SET_STATE has set */
#define MALI_CS_DEFER_INDIRECT BIT_ULL(52)

/**
 * mali_cs_is_async: whether @word completes on a scoreboard slot
 *
 * Its slot is incremented before it waits for its mask, so that a mask with
 * the slot in it never drains.
 */
static inline bool mali_cs_is_async(const MaliCsInsn *insn, uint64_t word)
{
    if (insn->timing != MALI_CS_DEFERRABLE) {
        return insn->timing != MALI_CS_SYNC;
    }
    return mali_cs_mask(word) ||
           (word & insn->defined & MALI_CS_DEFER_INDIRECT);
}

/**
 * mali_cs_isa: the instruction set of an architecture
 *
 * Returns NULL when @arch_major is none whose command streams are known.
 */
const MaliCsIsa *mali_cs_isa(unsigned arch_major);

/**
 * mali_cs_decode: what kind of instruction @word is, by its opcode alone
 *
 * Returns NULL when there is none with that opcode.
 */
static inline const MaliCsInsn *mali_cs_decode(const MaliCsIsa *isa,
                                               uint64_t word)
{
    const MaliCsInsn *insn = &isa->insns[mali_cs_opcode(word)];

    return insn->name ? insn : NULL;
}

/**
 * mali_cs_check_fields: whether those fields of @word are valid that @which has
 * a bit for; a part of mali_cs_check()
 */
const char *mali_cs_check_fields(const MaliCsIsa *isa, const MaliCsInsn *insn,
                                 uint64_t word, unsigned n_regs,
                                 unsigned which);

/**
 * mali_cs_check: whether the operands of @word are valid
 * @n_regs: registers of this command stream, an even number up to 128
 *
 * Registers must exist, pairs be even, enumerated values be defined and
 * scoreboard slots exist.  Reserved bits are not looked at, nor is what does
 * not count: a gated field, the slot of what is not deferred.
 *
 * Returns NULL, or in a few words what is wrong.
 */
static inline const char *mali_cs_check(const MaliCsIsa *isa,
                                        const MaliCsInsn *insn, uint64_t word,
                                        unsigned n_regs)
{
    const uint64_t ones = 0x0101010101010101;
    uint64_t regs = word & insn->regs;
    uint64_t past;
    unsigned which = insn->others;

    /*
     * Every instruction comes by here.  Register fields are bytes: compare all
     * at once, by adding to each what makes its top bit say n_regs or more.
     */
    past = (regs & 0x7f * ones) + (128 - n_regs) * ones;
    past = (past | regs) & insn->regs & 0x80 * ones;
    if (past || word & insn->odd) {
        which = UINT_MAX;
    }
    return which ? mali_cs_check_fields(isa, insn, word, n_regs, which) : NULL;
}

/* Holds every disassembled instruction */
#define MALI_CS_DISASM_MAX 256

/**
 * mali_cs_disasm: @word as text, as if at address @pc
 *
 * Nothing of the word is lost: reserved bits that are set are printed, and what
 * is no instruction is printed as a word.  Writes at most @len bytes with the
 * terminating NUL, as snprintf() does.
 *
 * Returns the length of the whole text, without the NUL.
 */
size_t mali_cs_disasm(const MaliCsIsa *isa, uint64_t word, uint64_t pc,
                      char *buf, size_t len);

#endif /* HW_GPU_MALI_CSF_ISA_H */
