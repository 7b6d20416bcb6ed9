/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: who executes when (contract 3.10)
 *
 * Doorbells, time slices, and the groups' idleness.  The driver's side is
 * panthor_sched.c.
 */

#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "system/cpus.h"
#include "system/cpu-timers.h"
#include "mali_csf_internal.h"
#include "mali_csf_isa.h"
#include "mali_csf_task.h"
#include "trace.h"

/* One slice: the BQL is held no longer than this takes, some 50 us */
#define MALI_SLICE_INSTRUCTIONS 10240
/*
 * A late one makes up for it, up to so many times the usual length, as far as
 * the host does that in MALI_SLICE_HOST_NS, going by the last one
 */
#define MALI_SLICE_CATCH_UP     2
#define MALI_SLICE_HOST_NS      (150LL * SCALE_US)
/* At least that much from the end of a slice on, for CPUs that are at work */
#define MALI_SLICE_GAP_NS       (20 * SCALE_US)
/* CPUs write sync objects without a doorbell (contract 3.10) */
#define MALI_SYNC_POLL_NS       (1 * SCALE_MS)
/* A turn of a queue, by the priority of its group */
#define MALI_TURN_INSTRUCTIONS(priority)    (256 * ((priority) + 1))

/* --- Who executes when --- */

bool mali_sched_stalled(const MaliCsfState *s)
{
    return s->as[0].locked &&
           mali_mmu_is_locked(s, 0, FW_SHARED_VA, s->fw.layout.end - 1);
}

static void mali_sched_wake(MaliCsfState *s)
{
    mali_event_arm(s, MALI_EV_RUN, 1);
}

MaliXlate mali_sched_requests(MaliCsfState *s, uint32_t *mask)
{
    MaliXlate ret = MALI_XLATE_OK;

    for (int i = 0; i < s->csg_slots; i++) {
        if (*mask & BIT(i)) {
            MaliXlate one = mali_csg_request(s, i);

            if (one == MALI_XLATE_FAULT) {
                return one;
            }
            if (one == MALI_XLATE_OK) {
                *mask &= ~BIT(i);
            } else {
                ret = one;
            }
        }
    }
    mali_sched_wake(s);
    return ret;
}

MaliXlate mali_sched_doorbells(MaliCsfState *s, uint64_t *mask)
{
    uint64_t stalled = 0;

    for (int i = 0; i < s->csg_slots; i++) {
        for (int j = 0; j < s->cs_slots && s->csg[i].running; j++) {
            MaliCs *c = &s->csg[i].cs[j];
            MaliXlate one;

            if (!mali_cs_has_ring(c) || c->doorbell >= MALI_NUM_DOORBELLS ||
                !(*mask & BIT_ULL(c->doorbell))) {
                continue;
            }
            one = mali_cs_refresh(s, c);
            if (one == MALI_XLATE_FAULT) {
                return one;
            }
            stalled |= one == MALI_XLATE_STALL ? BIT_ULL(c->doorbell) : 0;
        }
    }
    *mask &= stalled;
    mali_sched_wake(s);
    return stalled ? MALI_XLATE_STALL : MALI_XLATE_OK;
}

/* A stream wrote an object, or a CPU may have: see who goes on */
static bool mali_sched_check_syncs(MaliCsfState *s)
{
    bool waiting = false;

    for (int i = 0; i < s->csg_slots; i++) {
        for (int j = 0; j < s->cs_slots && s->csg[i].running; j++) {
            MaliCs *c = &s->csg[i].cs[j];

            if (c->state != MALI_CS_RUNNING) {
                continue;
            }
            if (c->blocked == MALI_CS_BLOCKED_PROGRESS ||
                (c->blocked == MALI_CS_BLOCKED_SYNC &&
                 mali_cs_sync_ready(s, i, j))) {
                c->blocked = MALI_CS_UNBLOCKED;
            }
            waiting |= c->blocked == MALI_CS_BLOCKED_SYNC;
        }
    }
    return waiting;
}

void mali_sched_sync_poll_event(MaliCsfState *s, MaliEvent ev)
{
    mali_sched_wake(s);
}

/* One turn of every queue of a group; how much it executed */
static uint32_t mali_csg_turn(MaliCsfState *s, unsigned i, int64_t now,
                              uint32_t budget)
{
    MaliCsg *g = &s->csg[i];
    uint32_t turn = MALI_TURN_INSTRUCTIONS(mali_csg_priority(g)), n = 0;
    bool worked = false;

    for (int k = 0; k < s->cs_slots && n < budget; k++) {
        unsigned j = (g->next_cs + k) % s->cs_slots;
        const MaliCs *c = &g->cs[j];

        worked |= mali_cs_complete(s, i, j, now);
        if (mali_cs_runnable(c) && (c->held == c->resources ||
                                    mali_resource_take(s, i, j))) {
            n += mali_cs_run(s, i, j, MIN(turn, budget - n));
        }
    }
    if (n || worked) {
        /* Idle again or not: to the host, this was a time of work */
        g->idle = false;
        s->sched.glb_idle = false;
        mali_event_cancel(s, MALI_EV_GLB_IDLE);
    }
    g->next_cs = (g->next_cs + 1) % s->cs_slots;
    return n;
}

static uint32_t mali_sched_execute(MaliCsfState *s, int64_t now,
                                   uint32_t budget)
{
    uint32_t done = 0, round;

    do {
        round = 0;
        for (int k = 0; k < s->csg_slots && done < budget; k++) {
            unsigned i = (s->sched.next_csg + k) % s->csg_slots;

            if (s->csg[i].running) {
                uint32_t n = mali_csg_turn(s, i, now, budget - done);

                done += n;
                round += n;
            }
        }
        s->sched.next_csg = (s->sched.next_csg + 1) % s->csg_slots;
        if (s->sched.sync_written) {
            s->sched.sync_written = false;
            mali_sched_check_syncs(s);
        }
    } while (round && done < budget);
    return done;
}

/*
 * How much a slice may do: on a busy host it comes late, and makes up for the
 * time on the virtual clock as far as the BQL can be held that long.
 */
static uint32_t mali_sched_budget(const MaliCsfState *s, int64_t now)
{
    int64_t late = s->sched.next_slice ? now - s->sched.next_slice : 0;
    int64_t most = MALI_SLICE_CATCH_UP * MALI_SLICE_INSTRUCTIONS;

    if (s->sched.slice_host_ns) {
        most = MIN(most, MALI_SLICE_HOST_NS * MALI_SLICE_INSTRUCTIONS /
                         s->sched.slice_host_ns);
        most = MAX(most, MALI_SLICE_INSTRUCTIONS);
    }
    return MIN(MALI_SLICE_INSTRUCTIONS +
               MAX(late, 0) / s->timing.instruction, most);
}

/* GLB_IDLE once all groups have been idle for idle_timer (contract 3.6) */
static void mali_sched_watch_idle(MaliCsfState *s)
{
    bool idle = true, any = false;

    for (int i = 0; i < s->csg_slots; i++) {
        any |= s->csg[i].running;
        idle &= !s->csg[i].running || s->csg[i].idle;
    }
    if (!idle || !any) {
        s->sched.glb_idle = false;
        mali_event_cancel(s, MALI_EV_GLB_IDLE);
    } else if (!s->sched.glb_idle && !mali_event_pending(s, MALI_EV_GLB_IDLE)) {
        /* Units of 1024 ticks of the counter that bit 31 chooses */
        uint64_t ticks = (uint64_t)extract32(s->fw.idle_timer, 0, 31) * 1024;
        uint32_t hz = s->fw.idle_timer >> 31 ? s->clock_hz : s->timestamp_hz;

        mali_event_arm(s, MALI_EV_GLB_IDLE,
                       muldiv64(ticks, NANOSECONDS_PER_SECOND, hz));
    }
}

void mali_sched_idle_event(MaliCsfState *s, MaliEvent ev)
{
    if (mali_sched_stalled(s)) {
        mali_event_stall(s, ev, MALI_STALL_NS);
        return;
    }
    s->sched.glb_idle = true;
    mali_fw_glb_event(s, GLB_IDLE);
}

static bool mali_csg_has_task(const MaliCsfState *s, const MaliCsg *g)
{
    for (int j = 0; j < s->cs_slots; j++) {
        const MaliCs *c = &g->cs[j];

        /* A queue that has ended completes nothing any more */
        for (int i = 0; i < c->n_ops && c->state != MALI_CS_FATAL; i++) {
            if (mali_task_is(c->ops[i].word)) {
                return true;
            }
        }
    }
    return false;
}

/*
 * The progress timer counts cycles in which tasks are on the endpoints and none
 * gets on; streams that wait, or loop, are the host's business (Arm's driver,
 * set_timeout in mali_kbase_csf_timeout.c; panthor_sched.c,
 * csg_slot_process_progress_timer_event_locked).  Returns when to look again.
 */
static int64_t mali_csg_watch_progress(MaliCsfState *s, unsigned i, int64_t now)
{
    MaliCsg *g = &s->csg[i];
    int64_t limit;

    if (!s->fw.progress_timer || !mali_csg_has_task(s, g)) {
        g->progress_at = 0;
        return MALI_EVENT_IDLE;
    }
    if (!g->progress_at) {
        g->progress_at = now;
    }
    /* In units of 1024 cycles (panthor_fw.c, PROGRESS_TIMEOUT_SCALE_SHIFT) */
    limit = muldiv64((uint64_t)s->fw.progress_timer * 1024,
                     NANOSECONDS_PER_SECOND, s->clock_hz);
    limit = MAX(limit, MALI_SLICE_GAP_NS);
    if (now - g->progress_at >= limit) {
        mali_csg_event(s, i, CSG_PROGRESS_TIMER);
        g->progress_at = now;
    }
    return g->progress_at + limit;
}

/*
 * How long nothing runs after a slice, so that CPUs get the BQL.  A guest that
 * sleeps until its job is done loses nothing: what wakes a CPU, and QMP, has
 * its turn between any two slices.
 */
static int64_t mali_sched_gap(void)
{
    /* Where instructions are time, none may depend on when threads wake up */
    return !icount_enabled() && all_cpu_threads_idle() ? 0 : MALI_SLICE_GAP_NS;
}

/*
 * When to look again.  What the slice did counts from @now, when it began: the
 * host's time for it is no time of the GPU's.  The rest of the machine has its
 * gap from here on.
 */
static void mali_sched_rearm(MaliCsfState *s, int64_t now, uint32_t done,
                             bool waiting)
{
    int64_t cost = (int64_t)done * s->timing.instruction;
    int64_t end = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    int64_t next = MAX(now + cost, end + mali_sched_gap());
    int64_t due = MALI_EVENT_IDLE;
    bool stalled = false;

    if (done >= MALI_SLICE_INSTRUCTIONS) {
        s->sched.slice_host_ns = (end - now) * MALI_SLICE_INSTRUCTIONS / done;
    }
    s->sched.next_slice = 0;
    for (int i = 0; i < s->csg_slots; i++) {
        if (s->csg[i].running) {
            stalled |= s->csg[i].untold;
            due = MIN(due, mali_csg_watch_progress(s, i, now));
        }
        for (int j = 0; j < s->cs_slots && s->csg[i].running; j++) {
            const MaliCs *c = &s->csg[i].cs[j];

            if (c->held_until > now) {
                int64_t op = mali_cs_next_due(c);

                /* What it has begun goes on */
                due = MIN(due, MIN(c->held_until, op > now ? op : next));
                continue;
            }
            if (c->stalled) {
                /* By a lock, or until tasks may write again */
                stalled = true;
                if (s->sched.task_left <= 0) {
                    due = MIN(due, next);
                }
                continue;
            }
            due = MIN(due, mali_cs_next_due(c));
            if (mali_cs_runnable(c)) {
                s->sched.next_slice = now + MAX(cost, MALI_SLICE_GAP_NS);
                due = MIN(due, next);
            }
        }
    }
    if (stalled) {
        mali_event_stall(s, MALI_EV_RUN, MAX(due - end, 1));
    } else if (due < MALI_EVENT_NEVER) {
        mali_event_arm(s, MALI_EV_RUN, MAX(due - end, 1));
    }
    if (waiting && !mali_event_pending(s, MALI_EV_SYNC_POLL)) {
        mali_event_arm(s, MALI_EV_SYNC_POLL, MALI_SYNC_POLL_NS);
    }
}

void mali_sched_run_event(MaliCsfState *s, MaliEvent ev)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    uint32_t done;
    bool waiting;

    if (s->fw.mcu_status != MCU_STATUS_ENABLED || s->fw.hung) {
        return;
    }
    if (mali_sched_stalled(s)) {
        mali_event_stall(s, MALI_EV_RUN, MALI_STALL_NS);
        return;
    }
    mali_mem_begin(s);
    s->sched.task_left = MALI_TASK_SLICE_BYTES;
    for (int i = 0; i < s->csg_slots; i++) {
        for (int j = 0; j < s->cs_slots && s->csg[i].running; j++) {
            s->csg[i].cs[j].stalled = s->csg[i].cs[j].held_until > now;
        }
    }
    mali_sched_check_syncs(s);
    mali_resource_schedule(s, now);
    done = mali_sched_execute(s, now, mali_sched_budget(s, now));
    waiting = mali_sched_check_syncs(s);
    mali_resource_schedule(s, now);
    for (int i = 0; i < s->csg_slots; i++) {
        if (s->csg[i].running) {
            mali_csg_report(s, i);
        }
    }
    mali_mem_end(s);
    trace_mali_csf_sched_slice(done, waiting);
    mali_sched_watch_idle(s);
    mali_sched_rearm(s, now, done, waiting);
}

/* --- State --- */

void mali_sched_reset(MaliCsfState *s)
{
    MaliSched kept = {
        .shader_work_skipped = s->sched.shader_work_skipped,
        .clears_skipped = s->sched.clears_skipped,
    };

    memset(s->csg, 0, sizeof(s->csg));
    s->sched = kept;
    mali_event_cancel(s, MALI_EV_RUN);
    mali_event_cancel(s, MALI_EV_SYNC_POLL);
    mali_event_cancel(s, MALI_EV_GLB_IDLE);
}

const VMStateDescription vmstate_mali_sched = {
    .name = "mali-csf/sched",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8(next_csg, MaliSched),
        VMSTATE_BOOL(glb_idle, MaliSched),
        VMSTATE_BOOL(sync_written, MaliSched),
        VMSTATE_INT64(next_slice, MaliSched),
        VMSTATE_UINT64(instructions, MaliSched),
        VMSTATE_UINT64(shader_work_skipped, MaliSched),
        VMSTATE_UINT64(clears_skipped, MaliSched),
        VMSTATE_BOOL(heap_waited, MaliSched),
        VMSTATE_END_OF_LIST()
    }
};

int mali_sched_post_load(MaliCsfState *s)
{
    for (int i = 0; i < MALI_MAX_CSG; i++) {
        if (s->csg[i].as >= s->as_count) {
            return -EINVAL;
        }
    }
    s->sched.next_csg %= s->csg_slots;
    return 0;
}
