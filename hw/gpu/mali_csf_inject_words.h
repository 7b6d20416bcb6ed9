/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: the words of rules, as tables
 *
 * Between mali_csf_inject_words.c and the parser.
 */

#ifndef HW_GPU_MALI_CSF_INJECT_WORDS_H
#define HW_GPU_MALI_CSF_INJECT_WORDS_H

#include "mali_csf_inject.h"

/* A value that has a name */
typedef struct MaliName {
    const char *name;       /* NULL: the last one */
    uint64_t value;
} MaliName;

typedef enum MaliWordType {
    WORD_NUMBER,            /* or a range, as a filter */
    WORD_MASKED,            /* V or V/MASK */
    WORD_BITS,
    WORD_VA,
    WORD_NAME,
    WORD_OWN_NAME,          /* of the names that the event or action has */
    WORD_REG,
    WORD_OPCODE,
    WORD_TIME,
    WORD_FILE,
} MaliWordType;

typedef struct MaliWord {
    const char *name;
    uint8_t type;           /* MaliWordType */
    uint16_t field;         /* in MaliInjectWhat or MaliInjectArgs */
    const MaliName *names;
    size_t below;           /* 1 + offset in MaliInjectEnv of a limit */
    uint64_t max;           /* 0: any */
} MaliWord;

enum {
    W_BLOCK, W_BANK, W_REG, W_OFFSET, W_VALUE, W_LINE, W_BITS, W_AS, W_COMMAND,
    W_VA, W_MODE, W_DOMAIN, W_TO, W_KIND, W_REQUEST, W_EVENT, W_CSG, W_CS,
    W_DOORBELL, W_ACCESS, W_OPCODE, W_PC, W_ADDRESS, W_COUNT
};

enum {
    A_TIME, A_FOR, A_VALUE, A_BITS, A_TYPE, A_INFO, A_AS, A_VA, A_ACCESS, A_CSG,
    A_CS, A_LINE, A_BLOCK, A_BANK, A_REG, A_OFFSET, A_SIZE, A_SIDE, A_FILE,
    A_COUNT
};

typedef struct MaliInjectEventRow {
    const char *name;
    uint32_t words;
    uint32_t acts;          /* that change it */
    const MaliName *names;  /* of requests or events */
} MaliInjectEventRow;

/* A number that is an action's where it was not said */
typedef struct MaliInjectDefault {
    uint16_t field;
    uint64_t value;
} MaliInjectDefault;

typedef struct MaliInjectActRow {
    const char *name;
    uint32_t words;
    uint32_t needs;         /* of them, one at least */
    const MaliName *names;
    MaliInjectDefault defaults[2];
} MaliInjectActRow;

#define MALI_VALUE_OR_BITS  (1u << A_VALUE | 1u << A_BITS)

extern const MaliName mali_block_names[];
extern const MaliWord mali_filter_words[W_COUNT];
extern const MaliWord mali_act_words[A_COUNT];
extern const MaliInjectEventRow mali_inject_events[MALI_INJECT_KINDS];
extern const MaliInjectActRow mali_inject_acts[MALI_ACT_RULES];

#endif /* HW_GPU_MALI_CSF_INJECT_WORDS_H */
