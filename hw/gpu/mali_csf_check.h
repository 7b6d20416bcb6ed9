/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: the checker, which sees what hardware cannot tell
 *
 * A mistake of the driver that real hardware answers with a rare corruption is
 * named here at once.  Findings never change what the device does, and there
 * are none for what an unmodified driver does: each kind says why.
 *
 * A leaf: the blocks call it and hand it what it needs.
 */

#ifndef HW_GPU_MALI_CSF_CHECK_H
#define HW_GPU_MALI_CSF_CHECK_H

#include "hw/gpu/mali_csf.h"
#include "migration/vmstate.h"
#include "mali_csf_dma_check.h"
#include "mali_csf_isa.h"
#include "mali_csf_ptw.h"
#include "mali_csf_tlb.h"

/* The property "check" */
typedef enum MaliCheckMode {
    MALI_CHECK_OFF,
    MALI_CHECK_REPORT,
    MALI_CHECK_FATAL,       /* the first one stops the machine as well */
    MALI_CHECK_MODES
} MaliCheckMode;

/* In the order of mali_finding_info[] */
typedef enum MaliFindingKind {
    MALI_FINDING_STALE_TRANSLATION,
    MALI_FINDING_EDIT_UNLOCKED,
    MALI_FINDING_EDIT_UNCOVERED,
    MALI_FINDING_UNLOCK_WITHOUT_LOCK,
    MALI_FINDING_FLUSH_WITHOUT_LOCK,
    MALI_FINDING_COMMAND_WHILE_ACTIVE,
    MALI_FINDING_BAD_LOCKADDR,
    MALI_FINDING_CONFIG_WITHOUT_UPDATE,
    MALI_FINDING_POWERED_OFF,
    MALI_FINDING_AS_DISABLED_IN_FLIGHT,
    MALI_FINDING_ACCESS_UNMAPPED,
    MALI_FINDING_ACCESS_AFTER_TERMINATE,
    MALI_FINDING_TABLE_WRITABLE,
    MALI_FINDING_FREED_PAGE,
    MALI_FINDING_KINDS
} MaliFindingKind;

typedef struct MaliFindingInfo {
    const char *name;
    const char *meaning;    /* one sentence */
} MaliFindingInfo;

extern const MaliFindingInfo mali_finding_info[MALI_FINDING_KINDS];

/* Names of MaliAccess and of the commands AS_COMMAND_*, for people to read */
const char *mali_check_access_name(MaliAccess access);
const char *mali_check_command_name(unsigned command);
/* A time of the virtual clock in the same way; to be freed */
char *mali_check_seconds(int64_t ns);

/* A command that the driver gave to an address space */
typedef struct MaliAsRecord {
    int64_t when;           /* virtual clock, ns */
    uint64_t lockaddr;      /* AS_LOCKADDR at that time */
    uint8_t as;
    uint8_t command;        /* AS_COMMAND_* */
} MaliAsRecord;

#define MALI_CHECK_AS           16
#define MALI_CHECK_COMMANDS     16
#define MALI_CHECK_ANSWER_MAX   96

/*
 * What a finding is about.  @as is -1 where it is no address space in
 * particular.  @old and @new are NULL where nothing differs from anything.
 */
typedef struct MaliCheckWhere {
    int as;
    bool has_va;
    bool has_access;        /* with @source: on whose behalf */
    MaliAccess access;
    uint16_t source;        /* MALI_SOURCE_* */
    uint64_t va;
    const char *old;        /* as it was, or as the TLB has it */
    const char *new;        /* as it is now */
    uint64_t pa;            /* for @who */
    /* Asked for a new finding only: who freed the page; NULL: nobody knows */
    MaliFreed *(*who)(MaliCsfState *s, uint64_t pa);
} MaliCheckWhere;

typedef struct MaliFinding {
    MaliFindingKind kind;
    uint64_t count;         /* times that it was seen */
    int64_t when;           /* the first time: virtual clock, ns */
    char *text;             /* one line: where, by whom, and what is wrong */
    int as;                 /* or -1 */
    bool has_va;
    bool has_access;
    bool has_stream;        /* by a queue: group to instruction are valid */
    bool has_word;          /* word and instruction as well */
    bool async;             /* the instruction was issued before @pc */
    MaliAccess access;
    uint16_t source;
    uint64_t va;
    unsigned group;         /* slot */
    unsigned queue;
    uint64_t pc;
    uint64_t word;
    char instruction[MALI_CS_DISASM_MAX];
    char old[MALI_CHECK_ANSWER_MAX];    /* "": none */
    char new[MALI_CHECK_ANSWER_MAX];
    MaliFreed *freed;       /* NULL: not known */
    unsigned n_commands;    /* the last ones before it, oldest first */
    MaliAsRecord commands[MALI_CHECK_COMMANDS];
} MaliFinding;

/* So many different findings are kept and told; more are only counted */
#define MALI_FINDINGS_MAX       256

/* What is remembered of an address space; see mali_csf_check.c */
typedef struct MaliCheckAs {
    bool faulted;           /* since it was enabled */
    bool abandoned;         /* and unlocked since then */
    bool unlatched;         /* configuration written since UPDATE */
    int64_t unlatched_since;
    uint8_t flushed;        /* commands given without a LOCK: BIT(FLUSH_*) */
    bool editing;           /* regions were locked since the last UNLOCK */
    uint64_t edit_start;    /* all of them, both ends included */
    uint64_t edit_end;
} MaliCheckAs;

/* What a group had, in the order of mali_check_memory[] */
typedef enum MaliCheckMemory {
    MALI_CHECK_SUSPEND_BUF,
    MALI_CHECK_RING_INPUT,
    MALI_CHECK_RING_OUTPUT,
    MALI_CHECK_RING,
    MALI_CHECK_MEMORIES
} MaliCheckMemory;

/* Memory of a group that was terminated; in a tree of its address space */
typedef struct MaliCheckRange {
    IntervalTreeNode node;  /* VAs, both ends included */
    int64_t when;           /* it was terminated */
    bool used;              /* else this is no range */
    uint8_t as;
    uint8_t group;          /* slot */
    uint8_t memory;         /* MaliCheckMemory */
} MaliCheckRange;

/* So many are remembered, the latest: more than two whole groups can have */
#define MALI_CHECK_RANGES       256

/* What a translation comes to: MALI_EXC_* and the walk */
typedef struct MaliAnswer {
    uint8_t exception;
    MaliPtwResult res;
} MaliAnswer;

typedef struct MaliCheck {
    char *mode_text;        /* the property */
    MaliCheckMode mode;
    uint64_t counters[MALI_FINDING_KINDS];  /* findings, repeated ones too */
    GPtrArray *findings;    /* of MaliFinding, in the order of the first time */
    /* Told of each new finding; NULL: nobody is */
    void (*notify)(MaliCsfState *s, const MaliFinding *finding);

    MaliAsRecord commands[MALI_CHECK_COMMANDS];
    uint32_t n_commands;    /* ever given; the last is at n - 1 */

    MaliCheckAs as[MALI_CHECK_AS];

    MaliCheckRange ranges[MALI_CHECK_RANGES];
    uint32_t next_range;    /* to be used, or used again */
    IntervalTreeRoot terminated[MALI_CHECK_AS];

    /* What a queue executes, for the findings that it leads to */
    uint16_t stream_source; /* MALI_SOURCE_CS; 0: none did */
    bool stream_async;      /* the word was issued earlier */
    uint64_t stream_word;
} MaliCheck;

/* Judges the property */
bool mali_check_parse(MaliCsfState *s, Error **errp);
void mali_check_init(MaliCsfState *s);
void mali_check_finalize(MaliCsfState *s);

/*
 * Tell of a finding: on stderr, to check.notify, in the list and the counters.
 * What was told before (same kind, address space, page and place in a stream)
 * is only counted.
 */
void G_GNUC_PRINTF(4, 5) mali_check_finding(MaliCsfState *s,
                                            MaliFindingKind kind,
                                            const MaliCheckWhere *where,
                                            const char *fmt, ...);

/*
 * Rules (mali_csf_check.c).  Their callers first ask mali_check_on(), so that
 * nothing is spent with check=off.
 */

/* AS_COMMAND was written, @busy: while another command is active */
void mali_check_command(MaliCsfState *s, unsigned as, uint32_t command,
                        bool busy);
/* TRANSTAB, TRANSCFG or MEMATTR was written */
void mali_check_config(MaliCsfState *s, unsigned as);
/* UPDATE has latched another configuration than the old one */
void mali_check_updated(MaliCsfState *s, unsigned as, uint64_t old_transtab,
                        uint64_t old_transcfg);
/* A region is locked; the lock is ended */
void mali_check_locked(MaliCsfState *s, unsigned as);
void mali_check_unlocked(MaliCsfState *s, unsigned as);
/* A group is terminated; its suspend buffer has @suspend_size bytes */
void mali_check_terminated(MaliCsfState *s, unsigned csg,
                           uint32_t suspend_size);
/* A fault was reported to the driver */
void mali_check_fault(MaliCsfState *s, unsigned as);
/* All address spaces are as after a reset */
void mali_check_reset(MaliCsfState *s);
/* @what is done, which needs the L2 cache; @as or -1 */
void mali_check_powered(MaliCsfState *s, int as, const char *what);
/* The L2 cache is about to be turned off */
void mali_check_power_off(MaliCsfState *s);
/*
 * A cached translation, at an edge of a locked region, against the tables;
 * @kind is edit-unlocked or edit-uncovered
 */
void mali_check_edit(MaliCsfState *s, unsigned as, MaliFindingKind kind,
                     const MaliTlbEntry *entry, const MaliAnswer *cached,
                     const MaliAnswer *fresh);
/*
 * An access was answered with @cached, by @entry if that is not NULL, where a
 * walk past the TLB gives @fresh
 */
void mali_check_access(MaliCsfState *s, unsigned as, uint64_t va,
                       MaliAccess access, uint16_t source,
                       const MaliAnswer *cached, const MaliAnswer *fresh,
                       const MaliTlbEntry *entry);

/*
 * Migration: what is remembered goes with the device, if it is; where it does
 * not come along, nothing is held against the driver that it would excuse.
 * Findings stay where they were told; their numbers go.
 */
void mali_check_pre_load(MaliCsfState *s);
extern const VMStateDescription vmstate_mali_check;

#endif /* HW_GPU_MALI_CSF_CHECK_H */
