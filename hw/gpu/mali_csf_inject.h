/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: rules that make the hardware misbehave
 *
 * The blocks say what is about to happen, and are told whether a rule has it
 * happen otherwise.  docs/system/devices/mali-csf.rst has the language of the
 * rules, mali_csf_inject_words.c its words.
 *
 * A leaf: it knows no block.  What rules do by themselves is in
 * mali_csf_inject_act.c, which knows them all.
 */

#ifndef HW_GPU_MALI_CSF_INJECT_H
#define HW_GPU_MALI_CSF_INJECT_H

#include "migration/vmstate.h"

/* What can happen, in the order of mali_inject_events[] */
typedef enum MaliInjectKind {
    MALI_INJECT_REG_READ,
    MALI_INJECT_REG_WRITE,
    MALI_INJECT_IRQ,
    MALI_INJECT_AS_COMMAND,
    MALI_INJECT_FLUSH,
    MALI_INJECT_RESET,
    MALI_INJECT_POWER,
    MALI_INJECT_MCU_BOOT,
    MALI_INJECT_MCU_HALT,
    MALI_INJECT_MCU_STOP,
    MALI_INJECT_GLB_REQUEST,
    MALI_INJECT_CSG_REQUEST,
    MALI_INJECT_CS_REQUEST,
    MALI_INJECT_DOORBELL,
    MALI_INJECT_GLB_EVENT,
    MALI_INJECT_CSG_EVENT,
    MALI_INJECT_CS_EVENT,
    MALI_INJECT_WALK,
    MALI_INJECT_ACCESS,
    MALI_INJECT_FETCH,
    MALI_INJECT_SYNC,
    MALI_INJECT_SUSPEND_SAVE,
    MALI_INJECT_SUSPEND_LOAD,
    MALI_INJECT_HEAP,
    MALI_INJECT_AFTER,
    MALI_INJECT_TIME,
    MALI_INJECT_KINDS
} MaliInjectKind;

/* What a rule does about it */
typedef enum MaliInjectAct {
    MALI_ACT_NONE,
    /* To the event: the block that asked does it */
    MALI_ACT_DELAY,
    MALI_ACT_NEVER,
    MALI_ACT_LOSE,
    MALI_ACT_STALE,
    MALI_ACT_DROP,
    MALI_ACT_TWICE,
    MALI_ACT_MUTE,
    MALI_ACT_SET,
    MALI_ACT_FLIP,
    MALI_ACT_ACK,
    MALI_ACT_FAIL,
    MALI_ACT_FAULT,
    MALI_ACT_FATAL,
    MALI_ACT_STALL,
    MALI_ACT_OOM,
    /* By itself: mali_csf_inject_act.c */
    MALI_ACT_COUNT,
    MALI_ACT_RAISE,
    MALI_ACT_AS_FAULT,
    MALI_ACT_GPU_FAULT,
    MALI_ACT_CS_FAULT,
    MALI_ACT_CS_FATAL,
    MALI_ACT_REG,
    MALI_ACT_POKE,
    MALI_ACT_INTERFACE,
    MALI_ACT_MCU_HANG,
    MALI_ACT_MCU_HALTED,
    MALI_ACT_MCU_FATAL,
    MALI_ACT_STALL_QUEUE,
    MALI_ACT_PAUSE,
    MALI_ACT_SNAPSHOT,
    MALI_ACT_RULES,         /* how many of them a rule can name */
    /* What is left of an event that was put off */
    MALI_ACT_FIRE = MALI_ACT_RULES,
    MALI_ACT_LATCH,
    MALI_ACT_TELL_GLB,
    MALI_ACT_TELL_CSG,
    MALI_ACT_TELL_CS,
    MALI_ACT_RING,
    MALI_ACT_RETRY_GLB,
    MALI_ACT_RETRY_CSG,
    MALI_ACT_RETRY_CS,
    MALI_ACTS
} MaliInjectAct;

static inline bool mali_act_changes_event(MaliInjectAct act)
{
    return act < MALI_ACT_COUNT;
}

/* What MaliInjectWhat says of a thing that there is none of */
#define MALI_INJECT_NONE        UINT64_MAX
/* A time that does not come */
#define MALI_INJECT_NEVER       INT64_MAX

/* An event, as filters look at it: the members that its kind has */
typedef struct MaliInjectWhat {
    uint64_t block;         /* MaliInjectBlock */
    uint64_t bank;
    uint64_t reg;           /* the pointer to its name */
    uint64_t offset;
    uint64_t value;
    uint64_t line;          /* MaliIrqLine */
    uint64_t bits;
    uint64_t as;
    uint64_t command;       /* AS_COMMAND_* */
    uint64_t va;
    uint64_t va_last;
    uint64_t mode;
    uint64_t domain;        /* MaliPowerDomain */
    uint64_t to;            /* 1: on */
    uint64_t boot;          /* 1: warm */
    uint64_t request;       /* of the enum of its block, below */
    uint64_t event;         /* the bit of the ack word */
    uint64_t csg;
    uint64_t cs;
    uint64_t doorbell;
    uint64_t access;        /* MaliAccess */
    uint64_t opcode;
    uint64_t pc;
    uint64_t address;
} MaliInjectWhat;

/* Register blocks, as rules name them */
typedef enum MaliInjectBlock {
    MALI_BLOCK_GPU,
    MALI_BLOCK_GPU_INT,
    MALI_BLOCK_JOB_INT,
    MALI_BLOCK_MMU_INT,
    MALI_BLOCK_MCU,
    MALI_BLOCK_AS,
    MALI_BLOCK_FLUSH,
    MALI_BLOCK_DOORBELL,
    MALI_BLOCK_COUNT
} MaliInjectBlock;

typedef enum MaliGlbRequest {
    MALI_GLB_REQUEST_HALT,
    MALI_GLB_REQUEST_PROGRESS_TIMER,
    MALI_GLB_REQUEST_ALLOC_EN,
    MALI_GLB_REQUEST_POWEROFF_TIMER,
    MALI_GLB_REQUEST_COUNTER_EN,
    MALI_GLB_REQUEST_PING,
    MALI_GLB_REQUEST_IDLE_EN,
    MALI_GLB_REQUESTS
} MaliGlbRequest;

/* The first four are the values of CSG_STATE_MASK */
typedef enum MaliCsgRequest {
    MALI_CSG_REQUEST_TERMINATE,
    MALI_CSG_REQUEST_START,
    MALI_CSG_REQUEST_SUSPEND,
    MALI_CSG_REQUEST_RESUME,
    MALI_CSG_REQUEST_ENDPOINT_CONFIG,
    MALI_CSG_REQUEST_STATUS_UPDATE,
    MALI_CSG_REQUESTS
} MaliCsgRequest;

/* The values of CS_STATE_MASK */
typedef enum MaliCsRequest {
    MALI_CS_REQUEST_STOP,
    MALI_CS_REQUEST_START,
    MALI_CS_REQUESTS
} MaliCsRequest;

typedef enum MaliInterface {
    MALI_INTERFACE_GLB,
    MALI_INTERFACE_CSG,
    MALI_INTERFACE_CS,
} MaliInterface;

/* What follows the action's name, and what of it was said */
typedef struct MaliInjectArgs {
    int64_t time;           /* ns */
    int64_t hold;           /* ns that a queue is to wait */
    uint64_t value;
    uint64_t bits;
    uint64_t type;          /* exception */
    uint64_t info;
    uint64_t as;
    uint64_t va;
    uint64_t access;
    uint64_t csg;
    uint64_t cs;
    uint64_t line;
    uint64_t block;         /* MaliInjectBlock, or MaliInterface */
    uint64_t bank;
    uint64_t reg;           /* the pointer to its name */
    uint64_t offset;
    uint64_t size;
    uint64_t side;          /* 1: output */
    bool has_as;            /* said, not the event's */
    bool has_va;
    bool has_csg;
    bool has_cs;
    bool has_value;         /* rather than bits */
} MaliInjectArgs;

/* What comes of an event; no act: what would have come without any rule */
typedef struct MaliVerdict {
    MaliInjectAct act;
    uint64_t bits;          /* of an interrupt, those that it is about */
    uint64_t first;         /* where memory is changed, if it is in the event */
    MaliInjectArgs args;
} MaliVerdict;

typedef struct MaliInjectFilter {
    uint8_t how;            /* MaliFilterHow */
    uint16_t field;         /* offset in MaliInjectWhat */
    uint64_t a;
    uint64_t b;
} MaliInjectFilter;

typedef enum MaliFilterHow {
    MALI_FILTER_RANGE,      /* from a to b */
    MALI_FILTER_MASK,       /* a, in the bits of b */
    MALI_FILTER_BITS,       /* any bit of a */
    MALI_FILTER_VA,         /* some of va to va_last in a to b */
} MaliFilterHow;

#define MALI_INJECT_FILTERS     8
#define MALI_INJECT_NAME        32
#define MALI_INJECT_FILE        256
#define MALI_INJECT_TEXT        1024
/* Of one device */
#define MALI_INJECT_RULES       4096
#define MALI_INJECT_PENDING     4096

typedef struct MaliInjectRule {
    char *text;
    char name[MALI_INJECT_NAME];
    uint8_t kind;           /* MaliInjectKind */
    uint8_t act;            /* MaliInjectAct */
    bool optional;
    uint8_t n_filters;
    MaliInjectFilter filters[MALI_INJECT_FILTERS];
    MaliInjectArgs args;
    char file[MALI_INJECT_FILE];
    char after[MALI_INJECT_NAME];   /* the rule that an AFTER follows */
    int64_t when;           /* ns: AFTER a hit, or TIME since the start */
    uint64_t skip;
    uint64_t count;         /* 0: no limit */
    uint64_t chance;        /* of 2^32 */
    uint32_t random;        /* state of the generator */
    uint64_t matches;
    uint64_t hits;
} MaliInjectRule;

/* Something that is to come at a later time */
typedef struct MaliDeed {
    int64_t due;            /* ns */
    uint8_t act;            /* MaliInjectAct */
    char rule[MALI_INJECT_NAME];
    MaliInjectArgs args;
} MaliDeed;

/* What the parser must know of the device to refuse what can never match */
typedef struct MaliInjectEnv {
    uint32_t as_count;
    uint32_t csg_slots;
    uint32_t cs_slots;
    uint32_t va_bits;
    uint32_t window;        /* bytes of registers */
    uint32_t doorbells;     /* in the window */
    /* The register's own name in a block (or any, NULL if none is that one) */
    const char *(*find_reg)(const void *opaque, int block, const char *name);
    /* Whether it, or any (NULL), has a bank of @first to @last in a block */
    bool (*has_bank)(const void *opaque, int block, const char *name,
                     uint64_t first, uint64_t last);
    /* How much storage the register of that name has there: 0, 32 or 64 bits */
    unsigned (*reg_bits)(const void *opaque, int block, unsigned bank,
                         const char *name);
    /* The opcode of an instruction; negative: there is none */
    int (*find_opcode)(const void *opaque, const char *name);
    const void *opaque;
} MaliInjectEnv;

typedef struct MaliInject {
    uint32_t watched;       /* bit by kind: there are rules for it */
    uint64_t opcodes[4];    /* whose fetch there are rules for */
    GPtrArray *rules;       /* of MaliInjectRule, as they were added */
    GPtrArray *by_kind[MALI_INJECT_KINDS];  /* the same, not owned */
    GArray *pending;        /* of MaliDeed, in no order */
    uint64_t lost;          /* deeds for which there was no room */
    unsigned next_name;
    bool acting;            /* what happens is a rule's own doing */
    char *text;             /* the property */
    MaliInjectEnv env;
    /* A deed is due at @due, sooner than was known */
    void (*wake)(void *opaque, int64_t due);
    void (*hit)(void *opaque, const MaliInjectRule *rule);
    void *opaque;
} MaliInject;

QEMU_BUILD_BUG_ON(MALI_INJECT_KINDS > 32);

/* --- mali_csf_inject_parse.c --- */

/* The name of an event, and of an action, in rules */
const char *mali_inject_kind_name(MaliInjectKind kind);
const char *mali_inject_act_name(MaliInjectAct act);
/* Whether @name is @known, case and the kind of dashes aside */
bool mali_inject_same_name(const char *name, const char *known);

/*
 * Make a rule of @text.  NULL, with the reason in *@why (a sentence, to be
 * freed), where it is none, or could never match on the device that is @env.
 * Whether there is a rule that it comes after is mali_inject_add()'s to say.
 */
MaliInjectRule *mali_inject_parse(const MaliInjectEnv *env, const char *text,
                                  char **why);
void mali_inject_rule_free(MaliInjectRule *rule);

/* --- mali_csf_inject.c --- */

void mali_inject_init(MaliInject *inj, const MaliInjectEnv *env);
void mali_inject_destroy(MaliInject *inj);

/* The rule, which is the engine's; NULL, with *@why, where it is refused */
const MaliInjectRule *mali_inject_add(MaliInject *inj, const char *text,
                                      char **why);
/* Several, separated by semicolons, up to the one that is refused (*@why) */
bool mali_inject_add_all(MaliInject *inj, const char *text, char **why);
/* false: there is no such rule.  What it has begun goes on. */
bool mali_inject_remove(MaliInject *inj, const char *name);

const MaliInjectRule *mali_inject_find(const MaliInject *inj,
                                       const char *name);

/* What comes of an event of @kind; use mali_inject() */
MaliVerdict mali_inject_ask(MaliInject *inj, MaliInjectKind kind,
                            const MaliInjectWhat *what);
/* Whether any rule is for an access of @access in @first to @last of @as */
bool mali_inject_watches(const MaliInject *inj, uint64_t as, uint64_t first,
                         uint64_t last, uint64_t access);
/* Have something happen @delay ns from now */
void mali_inject_later(MaliInject *inj, MaliInjectAct act, const char *rule,
                       const MaliInjectArgs *args, int64_t delay);
/* Take one that is due; false: none is */
bool mali_inject_take(MaliInject *inj, int64_t now, MaliDeed *deed);
/* When the next one is; INT64_MAX: there is none */
int64_t mali_inject_next(const MaliInject *inj);
/* A rule of kind AFTER or TIME has come to its time; @args: what it follows */
void mali_inject_fire(MaliInject *inj, const char *name,
                      const MaliInjectArgs *args);
/* The GPU was reset: what it had begun is gone, what rules mean to do is not */
void mali_inject_reset(MaliInject *inj);
extern const VMStateInfo vmstate_info_mali_inject;

/* Whether any rule is for the fetch of this opcode */
static inline bool mali_inject_opcode(const MaliInject *inj, uint8_t opcode)
{
    return inj->opcodes[opcode / 64] >> opcode % 64 & 1;
}

/* Bits of @val as a rule has them */
static inline uint64_t mali_verdict_value(const MaliVerdict *v, uint64_t val)
{
    switch (v->act) {
    case MALI_ACT_SET:
        return v->args.value;
    case MALI_ACT_FLIP:
        return val ^ v->args.bits;
    default:
        return val;
    }
}

#ifdef MALI_CSF_NO_INJECT
/* To measure what the calls cost (make bench) */
#define mali_inject_on(s, kind)     false
#else
#define mali_inject_on(s, kind)     \
    unlikely((s)->inject.watched & (1u << (kind)))
#endif

/*
 * mali_inject(s, KIND, .member = ..., ...): something of that kind is about to
 * happen.  The members of MaliInjectWhat are only looked at when there are
 * rules for such.
 */
#define mali_inject(s, kind, ...)                                       \
    (mali_inject_on(s, kind)                                            \
     ? mali_inject_ask(&(s)->inject, kind,                              \
                       &(MaliInjectWhat) { __VA_ARGS__ })               \
     : (MaliVerdict) { .act = MALI_ACT_NONE })

#endif /* HW_GPU_MALI_CSF_INJECT_H */
