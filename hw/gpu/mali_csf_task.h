/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: endpoint tasks, as command streams start and finish them
 */

#ifndef HW_GPU_MALI_CSF_TASK_H
#define HW_GPU_MALI_CSF_TASK_H

#include "mali_csf_internal.h"

/* From one part of a task to the next */
#define MALI_TASK_GAP_NS        (20 * SCALE_US)
/* Bytes that the tasks of one slice may write */
#define MALI_TASK_SLICE_BYTES   (256 * 1024)

typedef enum MaliTaskRet {
    MALI_TASK_OK,
    MALI_TASK_STALL,        /* a region is locked: try again later */
    MALI_TASK_FAULT,        /* an access failed, and has been reported */
    MALI_TASK_INVALID,      /* what is at @va is no such descriptor */
    MALI_TASK_NO_MEMORY,    /* no tiler memory, nor a way to get some */
    MALI_TASK_BLOCKED,      /* until somebody finds tiler memory */
    MALI_TASK_HANDLER,      /* until the exception handler, now entered, ends */
    MALI_TASK_MORE,         /* so far so good: go on in another slice */
} MaliTaskRet;

typedef struct MaliTask {
    MaliCsfState *s;
    MaliCs *c;
    unsigned csg;
    unsigned cs;
    uint64_t word;          /* the instruction */
    uint64_t address;       /* as in MaliCsOp */
    uint64_t data;
    uint64_t progress;
    uint64_t delay;         /* ns until it finishes */
    MaliTaskRet ret;        /* of the accesses so far */
    uint64_t va;            /* where it went wrong */
} MaliTask;

/* --- mali_csf_task.c --- */

/*
 * Start RUN_* or FINISH_TILING: read its descriptors, take tiler memory, and
 * say in address, data and delay how it finishes.
 */
MaliTaskRet mali_task_start(MaliTask *t);
/* Its time is over: write what needs no shader.  MORE: call it again later. */
MaliTaskRet mali_task_finish(MaliTask *t);

/* Whether @word is a task, which occupies an endpoint until it is complete */
bool mali_task_is(uint64_t word);

/* Accesses in the group's address space, unless one has failed before */
void mali_task_read(MaliTask *t, uint64_t va, void *buf, uint32_t len);
void mali_task_write(MaliTask *t, uint64_t va, const void *buf, uint32_t len);
uint64_t mali_task_read64(MaliTask *t, uint64_t va);
void mali_task_write64(MaliTask *t, uint64_t va, uint64_t val);

/* --- mali_csf_heap.c --- */

/*
 * Take @bytes for the draw at hand from the heap of the tiler context at
 * @context.  Can be called again until it returns OK.
 */
MaliTaskRet mali_heap_take(MaliTask *t, uint64_t context, uint64_t bytes);
/* A fragment task has used what was tiled on @context: tell which chunks */
void mali_heap_complete(MaliTask *t, uint64_t context);
/* FINISH_FRAGMENT and HEAP_OPERATION, on the heap of HEAP_SET */
void mali_heap_give_back(MaliTask *t, uint64_t first, uint64_t last,
                         bool count);
void mali_heap_count(MaliTask *t, unsigned operation);

/* --- mali_csf_clear.c --- */

/*
 * Write the clear values of the framebuffer descriptor @fbd, a pointer with its
 * tags, inside @bounds: corners as RUN_FRAGMENT has them, the maximum in the
 * upper half.  Goes on at t->progress.
 */
void mali_clear(MaliTask *t, uint64_t fbd, uint64_t bounds);

#endif /* HW_GPU_MALI_CSF_TASK_H */
